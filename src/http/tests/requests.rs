//! What a request may be, and what a resolver learns of it.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use serde_json::json;

use super::{Toy, ask_by_get, code, post, request, with};

#[tokio::test]
async fn a_body_that_is_no_request_gets_400() {
    let toy = Toy::default();
    for body in [
        "",
        "nonsense",
        "{\"query\":",
        "[]",
        "[{\"query\":\"{ hello }\"}]",
        "\"{ hello }\"",
        "{}",
        "{\"query\":null}",
        "{\"query\":7}",
        "{\"query\":[\"{ hello }\"]}",
        "{\"query\":\"{ hello }\",\"operationName\":1}",
        "{\"query\":\"{ hello }\",\"variables\":[]}",
        "{\"query\":\"{ hello }\",\"variables\":\"{}\"}",
        "{\"query\":\"{ hello }\",\"extensions\":0}",
        "{\"query\":\"{ hello(name: \\\"\\ud800\\\") }\"}",
        "{\"query\":\"query($n: String!) { hello(name: $n) }\",\"variables\":{\"n\":\"\\udc00\\ud800\"}}",
        "{\"query\":\"{ hello }\"} trailing",
    ] {
        let reply = toy.ask(post(body)).await;
        assert_eq!(reply.code(), code(400, "PARSE_FAILED"), "{body}");
        assert!(!reply.error()["message"].as_str().unwrap().is_empty());
    }
    let reply = toy
        .ask(post(b"{\"query\":\"{ hello(name: \\\"\xff\\\") }\"}".to_vec()))
        .await;
    assert_eq!(reply.code(), code(400, "PARSE_FAILED"));
}

#[tokio::test]
async fn null_members_and_unknown_members_are_as_good_as_none() {
    let body = json!({ "query": "{ hello }", "operationName": null, "variables": null, "extensions": null, "id": 1 });
    assert_eq!(
        Toy::default().send(body).await.data(),
        json!({ "hello": "hello world" })
    );
}

#[tokio::test]
async fn a_body_over_the_limit_gets_413_whether_its_length_is_announced_or_not() {
    let toy = Toy::with(|settings| settings.body_bytes = 100);
    let long = json!({ "query": "{ hello }", "filler": "x".repeat(100) }).to_string();
    let announced = with(post(long.clone()), "content-length", &long.len().to_string());
    assert_eq!(toy.ask(announced).await.code(), code(413, "LIMIT_EXCEEDED"));
    let chunks = long
        .into_bytes()
        .chunks(10)
        .map(<[u8]>::to_vec)
        .map(Ok::<_, std::io::Error>)
        .collect::<Vec<_>>();
    let unannounced = post(Body::from_stream(futures_util::stream::iter(chunks)));
    let reply = toy.ask(unannounced).await;
    assert_eq!(reply.code(), code(413, "LIMIT_EXCEEDED"));
    assert_eq!(reply.error()["extensions"]["maximum"], 100);
    let by_get = ask_by_get(&[("query", &format!("{{ hello }}{}", " ".repeat(100)))]);
    assert_eq!(toy.ask(by_get).await.code(), code(414, "LIMIT_EXCEEDED"));
}

#[tokio::test]
async fn a_body_that_never_arrives_gets_408() {
    let toy = Toy::with(|settings| settings.body_seconds = 0);
    let stuck = Body::from_stream(futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>());
    assert_eq!(toy.ask(post(stuck)).await.code(), code(408, "LIMIT_EXCEEDED"));
}

#[tokio::test]
async fn a_query_by_get_is_answered() {
    let request = ask_by_get(&[
        ("query", "query A($n: String!) { hello(name: $n) } query B { who }"),
        ("operationName", "A"),
        ("variables", r#"{"n":"Ben"}"#),
        ("extensions", "{}"),
    ]);
    let reply = Toy::default().ask(request).await;
    assert_eq!(reply.data(), json!({ "hello": "hello Ben" }));
    assert_eq!(reply.header("cache-control"), "no-store");
}

#[tokio::test]
async fn a_get_that_is_no_request_gets_400() {
    let toy = Toy::default();
    for params in [
        &[][..],
        &[("query", "")],
        &[("query", "{ hello }"), ("query", "{ who }")],
        &[("query", "{ hello }"), ("variables", "{")],
        &[("query", "{ hello }"), ("variables", "[]")],
        &[("query", "{ hello }"), ("variables", r#"{"n":"\ud800"}"#)],
        &[("query", "{ hello }"), ("extensions", "1")],
    ] {
        assert_eq!(
            toy.ask(ask_by_get(params)).await.code(),
            code(400, "PARSE_FAILED"),
            "{params:?}"
        );
    }
}

#[tokio::test]
async fn a_get_never_changes_anything() {
    let toy = Toy::default();
    let document = "mutation M { rename(to: \"x\") { to } } query Q { hello }";
    for accept in ["application/json", "application/graphql-response+json"] {
        let change = with(
            ask_by_get(&[("query", document), ("operationName", "M")]),
            "accept",
            accept,
        );
        let reply = toy.ask(change).await;
        assert_eq!(reply.code(), code(405, "VALIDATION_FAILED"));
        assert_eq!(reply.header("allow"), "POST");
    }
    let question = ask_by_get(&[("query", document), ("operationName", "Q")]);
    assert_eq!(toy.ask(question).await.status, StatusCode::OK);
    assert_eq!(
        toy.run("mutation { rename(to: \"x\") { to } }").await.data(),
        json!({ "rename": { "to": "x" } })
    );
}

#[tokio::test]
async fn a_subscription_is_refused_without_a_connection_that_stays_open() {
    let toy = Toy::default();
    assert_eq!(
        toy.run("subscription { ticks }").await.code(),
        code(400, "VALIDATION_FAILED")
    );
    let by_get = ask_by_get(&[("query", "subscription { ticks }")]);
    assert_eq!(toy.ask(by_get).await.code(), code(400, "VALIDATION_FAILED"));
}

#[tokio::test]
async fn a_token_names_the_caller_and_a_wrong_one_gets_401() {
    let toy = Toy::default();
    let body = r#"{"query":"{ who }"}"#;
    assert_eq!(toy.ask(post(body)).await.data(), json!({ "who": null }));
    assert_eq!(
        toy.ask(with(post(body), "authorization", "Bearer good")).await.data(),
        json!({ "who": "ana" })
    );
    for accept in ["application/json", "application/graphql-response+json"] {
        let reply = toy
            .ask(with(with(post(body), "authorization", "Bearer bad"), "accept", accept))
            .await;
        assert_eq!(reply.code(), code(401, "UNAUTHENTICATED"));
        assert_eq!(reply.error()["message"], "The token has \"expired\".");
        let challenge =
            r#"Bearer realm="champion-network", error="invalid_token", error_description="The token has expired.""#;
        assert_eq!(reply.header("www-authenticate"), challenge);
    }
}

#[tokio::test]
async fn a_token_that_cannot_be_checked_gets_503_and_not_401() {
    let body = r#"{"query":"{ who }"}"#;
    let reply = Toy::default()
        .ask(with(post(body), "authorization", "Bearer later"))
        .await;
    assert_eq!(reply.code(), code(503, "INTERNAL"));
    assert_eq!(
        (reply.header("retry-after"), reply.header("www-authenticate")),
        ("5", "")
    );
}

#[tokio::test]
async fn a_wrong_token_is_refused_before_the_body_is_read() {
    let reply = Toy::default()
        .ask(with(post("nonsense"), "authorization", "Bearer bad"))
        .await;
    assert_eq!(reply.code(), code(401, "UNAUTHENTICATED"));
}

#[tokio::test]
async fn resolvers_learn_the_request_id_and_the_idempotency_key() {
    let toy = Toy::default();
    let ask = || with(post(r#"{"query":"{ told }"}"#), "x-request-id", "given.1");
    assert_eq!(toy.ask(ask()).await.data(), json!({ "told": ["given.1", null] }));
    for (header, key) in [
        ("abc-1", "abc-1"),
        ("\"abc-1\"", "abc-1"),
        (r#""a\"b\\c""#, r#"a"b\c"#),
        (&"k".repeat(255), &"k".repeat(255)),
    ] {
        assert_eq!(
            toy.ask(with(ask(), "idempotency-key", header)).await.data(),
            json!({ "told": ["given.1", key] })
        );
    }
}

#[tokio::test]
async fn an_idempotency_key_that_is_none_gets_400() {
    let toy = Toy::default();
    let ask = || post(r#"{"query":"{ told }"}"#);
    for wrong in [
        "",
        "\"\"",
        "\"open",
        "half\"",
        "two words",
        "\"two words\"",
        "\"a\"b",
        r#""a\n""#,
        "é",
        &"k".repeat(256),
    ] {
        let reply = toy.ask(with(ask(), "idempotency-key", wrong)).await;
        assert_eq!(reply.code(), code(400, "INVALID_ARGUMENT"), "{wrong}");
    }
    let mut twice = ask();
    twice.headers_mut().append("idempotency-key", "a".parse().unwrap());
    twice.headers_mut().append("idempotency-key", "b".parse().unwrap());
    assert_eq!(toy.ask(twice).await.code(), code(400, "INVALID_ARGUMENT"));
}

#[tokio::test]
async fn other_methods_of_the_endpoint_get_405_with_what_is_allowed() {
    let reply = Toy::default().ask(request(Method::DELETE, "/graphql", "")).await;
    assert_eq!(reply.code(), code(405, "INVALID_ARGUMENT"));
    assert_eq!(reply.header("allow"), "GET,HEAD,POST");
}

#[tokio::test]
async fn answers_of_the_endpoint_are_not_kept_and_vary_by_what_was_asked() {
    let reply = Toy::default().run("{ hello }").await;
    assert_eq!(reply.header("cache-control"), "no-store");
    assert_eq!(reply.header("vary"), "Accept, Authorization, Origin");
}

#[tokio::test]
async fn an_error_without_a_code_tells_nothing_but_the_request_id() {
    let toy = Toy::default();
    for field in ["secret", "passedOn"] {
        let body = json!({ "query": format!("{{ {field} }}") }).to_string();
        let reply = toy.ask(with(post(body), "x-request-id", "find-me")).await;
        assert_eq!(reply.code(), code(200, "INTERNAL"), "{field}");
        assert_eq!(reply.error()["extensions"]["requestId"], "find-me");
        assert_eq!(reply.error()["path"], json!([field]));
        let told = String::from_utf8(reply.body).unwrap();
        assert!(!told.contains("10.0.0.7") && !told.contains("42"), "{told}");
    }
}

#[tokio::test]
async fn a_resolver_that_panics_costs_one_answer_and_not_the_connection() {
    let reply = Toy::default().run("{ panics }").await;
    assert_eq!(reply.code(), code(500, "INTERNAL"));
    assert_eq!(reply.error()["extensions"]["requestId"], "made-0");
}
