//! Answers that others may keep.

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{Toy, answered, ask_by_get, code, post, with};

/// A GET of a document by its hash, after the host was told of it.
async fn persisted(router: &Router, text: &str) -> Request<Body> {
    let named = json!({ "persistedQuery": { "version": 1, "sha256Hash": format!("{:x}", Sha256::digest(text)) } });
    let told = post(json!({ "query": text, "extensions": named }).to_string());
    answered(router.clone(), told).await;
    ask_by_get(&[("extensions", &named.to_string())])
}

#[tokio::test]
async fn what_everybody_is_given_may_be_kept_and_is_sent_once() {
    let router = Toy::default().router();
    let first = answered(router.clone(), persisted(&router, "{ hello }").await).await;
    assert_eq!(first.header("cache-control"), "public, max-age=10");
    assert_eq!(first.header("vary"), "Accept, Authorization, Origin");
    let tag = first.header("etag").to_owned();
    assert!(tag.len() > 20);
    for known in [
        tag.clone(),
        format!("W/{tag}"),
        format!("\"other\", {tag}"),
        "*".to_owned(),
    ] {
        let request = with(persisted(&router, "{ hello }").await, "if-none-match", &known);
        let again = answered(router.clone(), request).await;
        assert_eq!((again.status.as_u16(), again.body.len()), (304, 0), "{known}");
        assert_eq!(again.header("etag"), tag);
        assert_eq!(again.header("cache-control"), "public, max-age=10");
    }
    let request = with(persisted(&router, "{ hello }").await, "if-none-match", "\"other\"");
    assert_eq!(
        answered(router.clone(), request).await.data(),
        json!({ "hello": "hello world" })
    );

    let asking = Toy::with(|settings| settings.public_max_age_seconds = 0).router();
    let always = answered(asking.clone(), persisted(&asking, "{ hello }").await).await;
    assert_eq!(always.header("cache-control"), "public, no-cache");
}

#[tokio::test]
async fn nothing_else_may_be_kept() {
    let router = Toy::default().router();
    let signed = with(persisted(&router, "{ who }").await, "authorization", "Bearer good");
    let failing = persisted(&router, "{ maybe }").await;
    let unknown = ask_by_get(&[("documentId", "unknown")]);
    let by_text = ask_by_get(&[("query", "{ hello }")]);
    let posted = post(json!({ "query": "{ hello }" }).to_string());
    for (what, request) in [
        ("with a token", signed),
        ("an error", failing),
        ("a refusal", unknown),
        ("by its text", by_text),
        ("by POST", posted),
    ] {
        let reply = answered(router.clone(), request).await;
        assert_eq!(
            (reply.header("cache-control"), reply.header("etag")),
            ("no-store", ""),
            "{what}"
        );
    }
    let refused = answered(router, ask_by_get(&[("documentId", "unknown")])).await;
    assert_eq!(refused.code(), code(400, "PERSISTED_QUERY_NOT_FOUND"));
}
