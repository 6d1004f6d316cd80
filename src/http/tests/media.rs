//! Which media type is asked for, and which is answered.

use axum::http::header;
use serde_json::json;

use super::{Toy, code, post, request, with};

const QUERY: &str = r#"{"query":"{ hello }"}"#;

async fn content_type(accept: Option<&str>) -> (u16, String) {
    let mut request = post(QUERY);
    request.headers_mut().remove(header::ACCEPT);
    let request = match accept {
        Some(accept) => with(request, "accept", accept),
        None => request,
    };
    let reply = Toy::default().ask(request).await;
    (reply.status.as_u16(), reply.header("content-type").to_owned())
}

const NEWER: &str = "application/graphql-response+json; charset=utf-8";
const OLDER: &str = "application/json; charset=utf-8";

#[tokio::test]
async fn the_answer_has_the_media_type_that_the_client_prefers() {
    for (accept, expected) in [
        (None, OLDER),
        (Some("*/*"), OLDER),
        (Some("application/*"), OLDER),
        (Some("application/json"), OLDER),
        (Some("application/json; charset=utf-8"), OLDER),
        (Some("application/graphql-response+json"), NEWER),
        (Some("APPLICATION/GraphQL-Response+JSON"), NEWER),
        (Some("application/graphql-response+json, application/json;q=0.9"), NEWER),
        (Some("application/json, application/graphql-response+json"), NEWER),
        (
            Some("application/graphql-response+json;q=0.5, application/json;q=0.8"),
            OLDER,
        ),
        (Some("application/graphql-response+json, */*;q=0.1"), NEWER),
        (Some("application/graphql-response+json;q=0, */*"), OLDER),
        (Some("text/html, application/json;q=0.1"), OLDER),
        (Some(""), OLDER),
    ] {
        assert_eq!(content_type(accept).await, (200, expected.to_owned()), "{accept:?}");
    }
}

#[tokio::test]
async fn a_client_that_accepts_neither_media_type_gets_406() {
    for accept in [
        "text/html",
        "application/json;q=0",
        "image/*",
        "application/json; charset=latin1",
        "json",
        "*/*;q=2",
    ] {
        assert_eq!(content_type(Some(accept)).await, (406, OLDER.to_owned()), "{accept}");
    }
}

#[tokio::test]
async fn a_body_that_is_not_declared_as_json_gets_415() {
    let toy = Toy::default();
    for wrong in [
        "text/plain",
        "application/graphql",
        "application/json; charset=utf-16",
        "multipart/form-data; boundary=a",
        "",
    ] {
        let reply = toy.ask(with(post(QUERY), "content-type", wrong)).await;
        assert_eq!(reply.code(), code(415, "INVALID_ARGUMENT"), "{wrong}");
    }
    let untyped = with(
        request(axum::http::Method::POST, "/graphql", QUERY),
        "accept",
        "application/json",
    );
    assert_eq!(toy.ask(untyped).await.code(), code(415, "INVALID_ARGUMENT"));
    let packed = with(post(QUERY), "content-encoding", "gzip");
    assert_eq!(toy.ask(packed).await.code(), code(415, "INVALID_ARGUMENT"));
}

#[tokio::test]
async fn json_in_utf_8_is_read_however_it_is_declared() {
    for declared in [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON;charset=\"UTF-8\"",
        "application/json;",
    ] {
        let reply = Toy::default().ask(with(post(QUERY), "content-type", declared)).await;
        assert_eq!(reply.data(), json!({ "hello": "hello world" }), "{declared}");
    }
}

#[tokio::test]
async fn the_older_media_type_answers_200_to_every_well_formed_request() {
    let toy = Toy::default();
    for (body, expected) in [
        (json!({ "query": "{" }), "PARSE_FAILED"),
        (json!({ "query": "{ missing }" }), "VALIDATION_FAILED"),
        (
            json!({ "query": "query($a: Int!) { sum(numbers: [$a]) }" }),
            "INVALID_ARGUMENT",
        ),
        (
            json!({ "query": "query A { hello } query B { hello }" }),
            "VALIDATION_FAILED",
        ),
    ] {
        let reply = toy
            .ask(with(post(body.to_string()), "accept", "application/json"))
            .await;
        assert_eq!(reply.code(), code(200, expected), "{body}");
        assert_eq!(reply.json().get("data"), None, "{body}");
        let reply = toy.send(body.clone()).await;
        assert_eq!(reply.code(), code(400, expected), "{body}");
        assert_eq!(reply.json().get("data"), None, "{body}");
    }
    let reply = toy.ask(with(post("{"), "accept", "application/json")).await;
    assert_eq!(reply.code(), code(400, "PARSE_FAILED"));
}

#[tokio::test]
async fn data_is_answered_with_200_also_when_fields_failed() {
    let toy = Toy::default();
    let partial = toy.run("{ hello maybe }").await;
    assert_eq!(partial.code(), code(200, "NOT_FOUND"));
    assert_eq!(partial.json()["data"], json!({ "hello": "hello world", "maybe": null }));
    let nothing = toy.run("{ forbidden }").await;
    assert_eq!(nothing.code(), code(200, "FORBIDDEN"));
    assert_eq!(nothing.json().get("data"), Some(&json!(null)));
}
