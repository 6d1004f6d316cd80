//! Variables and literals: what is refused before execution, what reaches a resolver and how.

use serde_json::{Value, json};

use super::{Toy, code};

/// The path of the first error, which must refuse the variables without executing anything.
async fn refused(query: &str, variables: Value) -> Value {
    let reply = Toy::default().run_with(query, variables.clone()).await;
    assert_eq!(reply.code(), code(400, "INVALID_ARGUMENT"), "{variables}");
    assert_eq!(reply.json().get("data"), None);
    reply.error()["extensions"]["path"].clone()
}

#[tokio::test]
async fn a_variable_of_the_wrong_type_is_refused_with_its_path() {
    let sum = "query($n: [Int!]!) { sum(numbers: $n) }";
    assert_eq!(refused(sum, json!({})).await, json!(["n"]));
    assert_eq!(refused(sum, json!({ "n": null })).await, json!(["n"]));
    assert_eq!(refused(sum, json!({ "n": [1, null] })).await, json!(["n", 1]));
    for wrong in [
        json!("1"),
        json!(1.5),
        json!(2_147_483_648_i64),
        json!(true),
        json!({}),
        json!(1e30),
    ] {
        assert_eq!(refused(sum, json!({ "n": [1, 2, wrong] })).await, json!(["n", 2]));
    }
    for wrong in [json!(1), json!(true), json!([]), json!({})] {
        assert_eq!(
            refused("query($a: String!) { hello(name: $a) }", json!({ "a": wrong })).await,
            json!(["a"])
        );
    }
    for wrong in [json!("1.5"), json!(false)] {
        assert_eq!(
            refused("query($a: Float!) { half(of: $a) }", json!({ "a": wrong })).await,
            json!(["a"])
        );
    }
    for wrong in [json!(1.5), json!(true), json!({})] {
        assert_eq!(
            refused("query($a: ID!) { same(id: $a) }", json!({ "a": wrong })).await,
            json!(["a"])
        );
    }
}

#[tokio::test]
async fn an_input_object_is_refused_where_it_is_wrong() {
    let query = "query($p: Patch!) { described(patch: $p) }";
    assert_eq!(refused(query, json!({ "p": "text" })).await, json!(["p"]));
    assert_eq!(
        refused(query, json!({ "p": { "titel": "x" } })).await,
        json!(["p", "titel"])
    );
    assert_eq!(
        refused(query, json!({ "p": { "colour": "BLUE" } })).await,
        json!(["p", "colour"])
    );
    assert_eq!(
        refused(query, json!({ "p": { "tags": ["a", 1] } })).await,
        json!(["p", "tags", 1])
    );
    assert_eq!(
        refused(query, json!({ "p": { "below": { "below": { "title": 7 } } } })).await,
        json!(["p", "below", "below", "title"])
    );
    let one_of = "query($b: By!) { chosen(by: $b) }";
    for wrong in [json!({}), json!({ "id": 1, "slug": "a" }), json!({ "id": null })] {
        assert_eq!(refused(one_of, json!({ "b": wrong })).await, json!(["b"]));
    }
}

#[tokio::test]
async fn all_wrong_variables_are_told_at_once_and_no_more_than_twenty() {
    let query = "query($n: [Int!]!, $m: [Int!]!) { sum(numbers: $n) also: sum(numbers: $m) }";
    let reply = Toy::default()
        .run_with(query, json!({ "n": ["a"], "m": [1, "b"] }))
        .await;
    let paths = reply.json()["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["extensions"]["path"].clone())
        .collect::<Vec<_>>();
    assert_eq!(paths, [json!(["n", 0]), json!(["m", 1])]);
    let reply = Toy::default()
        .run_with(query, json!({ "n": vec!["a"; 100], "m": [] }))
        .await;
    assert_eq!(reply.json()["errors"].as_array().unwrap().len(), 20);
}

#[tokio::test]
async fn values_are_coerced_as_the_specification_says() {
    let toy = Toy::default();
    let sum = "query($n: [Int!]!) { sum(numbers: $n) }";
    assert_eq!(toy.run_with(sum, json!({ "n": 3 })).await.data(), json!({ "sum": 3 }));
    assert_eq!(
        toy.run_with(sum, json!({ "n": [1.0, 2] })).await.data(),
        json!({ "sum": 3 })
    );
    let half = toy
        .run_with("query($a: Float!) { half(of: $a) }", json!({ "a": 3 }))
        .await;
    assert_eq!(half.data(), json!({ "half": 1.5 }));
    let same = toy.run_with("query($a: ID!) { same(id: $a) }", json!({ "a": 7 })).await;
    assert_eq!(same.data(), json!({ "same": "7" }));
    let chosen = toy
        .run_with("query($b: By!) { chosen(by: $b) }", json!({ "b": { "slug": "a" } }))
        .await;
    assert_eq!(chosen.data(), json!({ "chosen": "slug a" }));
    let default = toy
        .run_with("query($a: String! = \"you\") { hello(name: $a) }", json!({}))
        .await;
    assert_eq!(default.data(), json!({ "hello": "hello you" }));
}

#[tokio::test]
async fn what_is_omitted_stays_omitted_and_null_stays_null() {
    let toy = Toy::default();
    let whole = "query($p: Patch!) { described(patch: $p) }";
    let described = toy
        .run_with(whole, json!({ "p": { "note": null, "colour": "RED" } }))
        .await
        .data();
    assert_eq!(described, json!({ "described": "Undefined Null Some(Red) false" }));
    let parts = "query($t: String, $n: String) { described(patch: { title: $t, note: $n }) }";
    let described = toy.run_with(parts, json!({ "n": null })).await.data();
    assert_eq!(described, json!({ "described": "Undefined Null None false" }));
    let described = toy.run_with(parts, json!({ "t": "x" })).await.data();
    assert_eq!(described, json!({ "described": "Value(\"x\") Undefined None false" }));
}

#[tokio::test]
async fn an_argument_whose_variable_is_omitted_takes_its_default() {
    let toy = Toy::default();
    let direct = "query($a: String) { hello(name: $a) }";
    assert_eq!(
        toy.run_with(direct, json!({})).await.data(),
        json!({ "hello": "hello world" })
    );
    let in_fragment = "query($a: String) { ...F } fragment F on Query { ... { hello(name: $a) } }";
    assert_eq!(
        toy.run_with(in_fragment, json!({})).await.data(),
        json!({ "hello": "hello world" })
    );
    let reply = toy.run_with(direct, json!({ "a": null })).await;
    assert_eq!(reply.code(), code(200, "INVALID_ARGUMENT"));
    assert_eq!(reply.error()["extensions"]["path"], json!(["name"]));
}

#[tokio::test]
async fn values_without_a_variable_are_ignored() {
    let reply = Toy::default().run_with("{ hello }", json!({ "stray": "a\u{0}" })).await;
    assert_eq!(reply.data(), json!({ "hello": "hello world" }));
}

#[tokio::test]
async fn a_nul_in_a_variable_is_refused_wherever_it_stands() {
    assert_eq!(
        refused("query($a: String!) { hello(name: $a) }", json!({ "a": "x\u{0}" })).await,
        json!(["a"])
    );
    assert_eq!(
        refused("query($a: ID!) { same(id: $a) }", json!({ "a": "\u{0}" })).await,
        json!(["a"])
    );
    assert_eq!(
        refused(
            "query($a: Even!) { even(number: $a) }",
            json!({ "a": { "b": ["\u{0}"] } })
        )
        .await,
        json!(["a", "b", 0])
    );
    let patch = json!({ "p": { "tags": ["fine", "a\u{0}b"] } });
    assert_eq!(
        refused("query($p: Patch!) { described(patch: $p) }", patch).await,
        json!(["p", "tags", 1])
    );
}

#[tokio::test]
async fn a_nul_or_a_lone_surrogate_in_the_document_is_refused() {
    let toy = Toy::default();
    for literal in [r#""\u0000""#, r#""\u{0}""#] {
        let reply = toy.run(&format!("{{ hello(name: {literal}) }}")).await;
        assert_eq!(reply.code(), code(400, "INVALID_ARGUMENT"), "{literal}");
        assert_eq!(reply.error()["locations"], json!([{ "line": 1, "column": 15 }]));
    }
    for place in [
        r#"query($p: Patch = { tags: ["\u0000"] }) { described(patch: $p) }"#,
        r#"{ described(patch: { below: { title: "\u0000" } }) }"#,
        r#"query @note(text: "\u0000") { hello }"#,
        r#"{ ... on Query { ...F } } fragment F on Query { hello(name: "\u0000") }"#,
    ] {
        assert_eq!(toy.run(place).await.code(), code(400, "INVALID_ARGUMENT"), "{place}");
    }
    for literal in [
        r#""\uD800""#,
        r#""\uDC00\uD800""#,
        r#""\u{D800}""#,
        r#""\u{110000}""#,
        "\"\0\"",
        "\"\"\"\0\"\"\"",
    ] {
        let reply = toy.run(&format!("{{ hello(name: {literal}) }}")).await;
        assert_eq!(reply.status, 400, "{literal}");
    }
}

#[tokio::test]
async fn every_escape_of_a_string_reaches_the_resolver() {
    let toy = Toy::default();
    for (literal, expected) in [
        (r#""\uD83D\uDE00""#, "😀"),
        (r#""\u{1F600}""#, "😀"),
        (r#""\"\\\/\b\f\n\r\t\u00e9""#, "\"\\/\u{8}\u{c}\n\r\té"),
        ("\"\"\"\n    two\n      lines \\\"\"\"\n  \"\"\"", "two\n  lines \"\"\""),
        ("\"raw 😀\"", "raw 😀"),
    ] {
        let reply = toy.run(&format!("{{ hello(name: {literal}) }}")).await;
        assert_eq!(reply.data()["hello"], format!("hello {expected}"), "{literal}");
    }
}

#[tokio::test]
async fn literals_of_every_kind_reach_the_resolver() {
    let toy = Toy::default();
    let query = "{ sum(numbers: [1, -2]) half(of: 1e1) same(id: 5) \
                 described(patch: { title: null, colour: GREEN, below: {} }) even(number: 4) chosen(by: { id: 1 }) }";
    let expected = json!({
        "sum": -1, "half": 5.0, "same": "5", "described": "Null Undefined Some(Green) true", "even": 2, "chosen": "id 1",
    });
    assert_eq!(toy.run(query).await.data(), expected);
}

#[tokio::test]
async fn a_scalar_of_the_schema_that_the_executor_refuses_names_its_argument() {
    let toy = Toy::default();
    for (query, variables) in [
        ("{ hello even(number: 3) }", json!({})),
        ("query($a: Even!) { hello even(number: $a) }", json!({ "a": "three" })),
    ] {
        let reply = toy.run_with(query, variables).await;
        assert_eq!(reply.code(), code(200, "INVALID_ARGUMENT"));
        assert_eq!(reply.error()["extensions"]["path"], json!(["number"]));
        assert_eq!(reply.error()["path"], json!(["even"]));
        assert!(
            reply.error()["message"]
                .as_str()
                .unwrap()
                .contains("an even number was expected")
        );
    }
}
