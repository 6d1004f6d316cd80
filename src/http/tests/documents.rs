//! Documents: parsed, validated, chosen from, kept.

use serde_json::json;
use sha2::{Digest, Sha256};

use super::super::documents::Documents;
use super::{HttpSettings, Toy, ask_by_get, code, schema, settings};

#[tokio::test]
async fn a_document_that_does_not_parse_says_where() {
    let reply = Toy::default().run("{ hello\n  (}").await;
    assert_eq!(reply.code(), code(400, "PARSE_FAILED"));
    assert_eq!(reply.error()["locations"][0]["line"], 2);
}

#[tokio::test]
async fn a_document_that_does_not_fit_the_schema_is_refused_with_every_place() {
    let toy = Toy::default();
    let reply = toy.run("{ missing\n  hello(nam: \"x\") }").await;
    assert_eq!(reply.code(), code(400, "VALIDATION_FAILED"));
    let lines = reply.json()["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["locations"][0]["line"].clone())
        .collect::<Vec<_>>();
    assert_eq!(lines, [json!(1), json!(2)]);
    for wrong in [
        "{ person }",
        "{ hello { name } }",
        "{ ...F } fragment F on Missing { hello }",
        "{ ... on Missing { hello } }",
        "{ ... on String { length } }",
        "{ ... on Node { name } }",
        "{ ...F }",
        "{ hello } fragment F on Query { hello }",
        "{ ...F } fragment F on Query { hello } fragment F on Query { who }",
        "query($a: Int) { hello }",
        "query($a: Missing) { hello(name: $a) }",
        "query($a: Node) { hello(name: $a) }",
        "query($a: String, $a: String) { hello(name: $a) }",
        "query($a: Int) { hello(name: $a) }",
        "query($a: [Int]!) { sum(numbers: $a) }",
        "query($a: Float) { half(of: $a) }",
        "query($a: Int = \"one\") { sum(numbers: [$a]) }",
        "{ hello(name: $a) }",
        "{ half }",
        "{ hello(name: null) }",
        "{ hello(name: \"a\", name: \"b\") }",
        "{ hello @missing }",
        "{ hello @include }",
        "{ hello @include(if: \"yes\") }",
        "{ hello @include(if: true) @include(if: true) }",
        "query @include(if: true) { hello }",
        "{ a: hello(name: \"a\") a: hello(name: \"b\") }",
        "{ a: hello a: who }",
        "{ sum(numbers: [1.5]) }",
        "{ sum(numbers: [2147483648]) }",
        "{ described(patch: { colour: BLUE }) }",
        "{ described(patch: { colour: \"RED\" }) }",
        "{ described(patch: { missing: 1 }) }",
        "{ described(patch: { title: \"a\", title: \"b\" }) }",
        "{ hello } { who }",
        "query A { hello } query A { who }",
        "subscription { a: ticks b: ticks }",
        "type Query { a: Int }",
        "fragment F on Query { hello }",
    ] {
        let reply = toy.run(wrong).await;
        assert_eq!(
            reply.code(),
            code(400, "VALIDATION_FAILED"),
            "{wrong}: {}",
            reply.json()
        );
    }
}

#[tokio::test]
async fn no_answer_lists_more_than_twenty_errors_or_a_message_without_end() {
    let toy = Toy::default();
    let many = (0..100).map(|number| format!("missing{number} ")).collect::<String>();
    let reply = toy.run(&format!("{{ {many} }}")).await;
    assert_eq!(reply.json()["errors"].as_array().unwrap().len(), 20);
    let reply = toy.run(&format!("{{ {} }}", "x".repeat(100_000))).await;
    assert_eq!(reply.code(), code(400, "VALIDATION_FAILED"));
    assert!(reply.body.len() < 1_000);
}

#[tokio::test]
async fn the_operation_name_chooses_the_operation() {
    let toy = Toy::default();
    let document = "query A { a: hello } query B { b: hello }";
    let named = async |name: serde_json::Value| toy.send(json!({ "query": document, "operationName": name })).await;
    assert_eq!(named(json!("B")).await.data(), json!({ "b": "hello world" }));
    for wrong in [json!("C"), json!(""), json!(null)] {
        assert_eq!(named(wrong).await.code(), code(400, "VALIDATION_FAILED"));
    }
    let anonymous = toy.send(json!({ "query": "{ hello }", "operationName": "A" })).await;
    assert_eq!(anonymous.code(), code(400, "VALIDATION_FAILED"));
    let only = toy.send(json!({ "query": "query A { hello }" })).await;
    assert_eq!(only.data(), json!({ "hello": "hello world" }));
    let only = toy
        .send(json!({ "query": "query A { hello }", "operationName": "A" }))
        .await;
    assert_eq!(only.data(), json!({ "hello": "hello world" }));
}

#[tokio::test]
async fn fragments_aliases_and_directives_mean_what_they_meant_in_the_text() {
    let query = "query Q($yes: Boolean! = true, $list: [Int!]! = [1, 2]) {
        person { ...N friend { ... on Node { name } ... @include(if: $yes) { again: name } gone: name @skip(if: $yes) } }
        sum(numbers: $list)
        __typename
    }
    fragment N on Node { called: name }";
    let expected = json!({
        "person": { "called": "Ana", "friend": { "name": "Ben", "again": "Ben" } }, "sum": 3, "__typename": "Query",
    });
    assert_eq!(Toy::default().run(query).await.data(), expected);
}

#[tokio::test]
async fn a_mutation_that_is_selected_twice_under_one_key_runs_once() {
    let query = "mutation($no: Boolean!) {
        rename(to: \"x\") { to }
        ... { rename(to: \"x\") { times } }
        ...F
        rename(to: \"x\") @include(if: $no) { gone: to }
        second: rename(to: \"y\") { times }
    }
    fragment F on Mutation { rename(to: \"x\") { node { name } } ...G }
    fragment G on Mutation { rename(to: \"x\") { node { friend { name } } } }";
    let reply = Toy::default().run_with(query, json!({ "no": false })).await;
    let expected = json!({
        "rename": { "to": "x", "times": 1, "node": { "name": "Ana", "friend": { "name": "Ben" } } },
        "second": { "times": 2 },
    });
    assert_eq!(reply.data(), expected);
    let order = String::from_utf8(reply.body).unwrap();
    assert!(order.find("rename") < order.find("second"));
}

#[tokio::test]
async fn an_error_of_a_field_tells_its_line_and_column() {
    let reply = Toy::default().run("# é\r\n{\r  hello\n  # 😀\n  x: maybe }").await;
    assert_eq!(reply.error()["locations"], json!([{ "line": 5, "column": 3 }]));
    assert_eq!(reply.error()["path"], json!(["x"]));
}

#[tokio::test]
async fn introspection_works_as_tools_ask_for_it() {
    let reply = Toy::default().run(INTROSPECTION).await;
    assert_eq!(reply.data()["__schema"]["queryType"], json!({ "name": "Query" }));
}

#[tokio::test]
async fn a_known_document_can_be_asked_for_by_its_hash() {
    let toy = Toy::default();
    let router = toy.router();
    let text = "{ hello }";
    let hash = Sha256::digest(text)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<String>();
    let persisted = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } });
    let ask = async |body: serde_json::Value| {
        let request = super::post(body.to_string());
        let answer = tower::ServiceExt::oneshot(router.clone(), request).await.unwrap();
        let status = answer.status().as_u16();
        let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice::<serde_json::Value>(&body).unwrap())
    };
    let (status, unknown) = ask(json!({ "extensions": persisted })).await;
    assert_eq!(
        (status, &unknown["errors"][0]["extensions"]["code"]),
        (400, &json!("PERSISTED_QUERY_NOT_FOUND"))
    );
    assert_eq!(unknown["errors"][0]["message"], "PersistedQueryNotFound");
    let (_, first) = ask(json!({ "query": text, "extensions": persisted })).await;
    assert_eq!(first["data"], json!({ "hello": "hello world" }));
    let (_, second) = ask(json!({ "extensions": persisted })).await;
    assert_eq!(second["data"], json!({ "hello": "hello world" }));
    let (status, other) = ask(json!({ "query": "{ who }", "extensions": persisted })).await;
    assert_eq!(
        (status, &other["errors"][0]["extensions"]["code"]),
        (400, &json!("INVALID_ARGUMENT"))
    );
    for malformed in [
        json!({}),
        json!({ "version": 2, "sha256Hash": hash }),
        json!({ "version": 1, "sha256Hash": "ab" }),
    ] {
        let (status, _) = ask(json!({ "extensions": { "persistedQuery": malformed } })).await;
        assert_eq!(status, 400);
    }
    let by_get = ask_by_get(&[("extensions", &persisted.to_string())]);
    assert_eq!(toy.ask(by_get).await.code(), code(400, "PERSISTED_QUERY_NOT_FOUND"));
}

#[tokio::test]
async fn registered_operations_run_by_their_ids_and_where_the_operator_says_so_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("operations.json");
    let registered = "query Hello($name: String!) { hello(name: $name) }";
    let manifest = json!({
        "format": "apollo-persisted-query-manifest", "version": 1,
        "operations": [{ "id": "greeting", "name": "Hello", "type": "query", "body": registered }],
    });
    for contents in [manifest, json!({ "greeting": registered })] {
        std::fs::write(&file, contents.to_string()).unwrap();
        for only in [true, false] {
            let toy = Toy::with(|settings| {
                settings.operations_file = file.clone();
                settings.operations_only = only;
            });
            let variables = json!({ "name": "Ana" });
            let by_id = toy
                .send(json!({ "documentId": "greeting", "variables": variables }))
                .await;
            assert_eq!(by_id.data(), json!({ "hello": "hello Ana" }));
            let by_get = ask_by_get(&[("documentId", "greeting"), ("variables", &variables.to_string())]);
            assert_eq!(toy.ask(by_get).await.data(), json!({ "hello": "hello Ana" }));
            let named = json!({ "persistedQuery": { "version": 1, "sha256Hash": format!("{:x}", Sha256::digest(registered)) } });
            let by_hash = toy.send(json!({ "extensions": named, "variables": variables })).await;
            assert_eq!(by_hash.data(), json!({ "hello": "hello Ana" }));
            let by_text = toy.send(json!({ "query": registered, "variables": variables })).await;
            assert_eq!(by_text.data(), json!({ "hello": "hello Ana" }));

            let unknown = toy.send(json!({ "documentId": "other" })).await;
            assert_eq!(unknown.code(), code(400, "PERSISTED_QUERY_NOT_FOUND"));
            let both = toy
                .send(json!({ "documentId": "greeting", "query": "{ hello }" }))
                .await;
            assert_eq!(both.code(), code(400, "INVALID_ARGUMENT"));
            let other = toy.run("{ hello }").await;
            if only {
                assert_eq!(other.code(), code(400, "PERSISTED_QUERY_NOT_FOUND"));
            } else {
                assert_eq!(other.data(), json!({ "hello": "hello world" }));
            }
        }
    }
}

#[test]
fn a_file_of_operations_that_cannot_run_is_told_to_the_operator() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("operations.json");
    let settings = HttpSettings {
        operations_file: file.clone(),
        ..settings()
    };
    let told = || Documents::new(&schema().sdl(), &settings).err().unwrap_or_default();
    assert!(told().contains("operations.json"));
    for (contents, why) in [
        (json!({ "a": "{ missing }" }), "`a` cannot run"),
        (json!({ "a": 1 }), "neither"),
        (json!({ "format": "other", "version": 1, "operations": [] }), "neither"),
        (
            json!({ "format": "apollo-persisted-query-manifest", "version": 1, "operations": [
                { "id": "a", "body": "{ hello }" }, { "id": "a", "body": "{ who }" },
            ] }),
            "given twice",
        ),
    ] {
        std::fs::write(&file, contents.to_string()).unwrap();
        assert!(told().contains(why), "{}", told());
    }
}

#[test]
fn a_document_is_read_once_and_an_overlong_one_is_not_kept() {
    let settings = HttpSettings {
        cached_document_bytes: 50,
        ..settings()
    };
    let documents = Documents::new(&schema().sdl(), &settings).unwrap();
    let first = documents.read("{ hello }").unwrap();
    let second = documents.read("{ hello }").unwrap();
    assert!(std::sync::Arc::ptr_eq(&first, &second));
    let long = format!("{{ hello {} }}", "#".repeat(50));
    let long = format!("{long}\n}}");
    let first = documents.read(&long).unwrap();
    let second = documents.read(&long).unwrap();
    assert!(!std::sync::Arc::ptr_eq(&first, &second));
}

#[test]
fn the_memory_for_documents_is_bounded() {
    let settings = HttpSettings {
        cached_documents: 10,
        ..settings()
    };
    let documents = Documents::new(&schema().sdl(), &settings).unwrap();
    let texts = (0..100)
        .map(|number| format!("{{ a{number}: hello }}"))
        .collect::<Vec<_>>();
    for text in &texts {
        documents.read(text).unwrap();
    }
    let kept = texts
        .iter()
        .filter(|text| documents.find(&super::super::documents::hash(text)).is_some())
        .count();
    assert!((1..=10).contains(&kept), "{kept} are kept");
}

/// As graphql-js builds it, whose deepest list type is nine wrappers around a name.
const INTROSPECTION: &str = "query IntrospectionQuery {
  __schema {
    queryType { name } mutationType { name } subscriptionType { name }
    types { ...FullType }
    directives { name description locations args { ...InputValue } }
  }
}
fragment FullType on __Type {
  kind name description
  fields(includeDeprecated: true) { name description args { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason }
  inputFields { ...InputValue }
  interfaces { ...TypeRef }
  enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
  possibleTypes { ...TypeRef }
}
fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue }
fragment TypeRef on __Type {
  kind name
  ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name
  ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } }
}";
