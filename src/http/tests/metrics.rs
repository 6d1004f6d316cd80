//! What Prometheus reads.

use axum::http::Method;
use serde_json::json;

use super::{Toy, answered, code, post, request, with};

#[tokio::test]
async fn nothing_is_counted_in_public() {
    let closed = Toy::default().get("/metrics").await;
    assert_eq!(closed.code(), code(404, "NOT_FOUND"));
    let toy = Toy::with(|settings| settings.metrics_token = "let me in".to_owned());
    for token in [None, Some("Bearer out"), Some("let me in"), Some("Bearer let me in ")] {
        let asked = request(Method::GET, "/metrics", "");
        let asked = match token {
            Some(token) => with(asked, "authorization", token),
            None => asked,
        };
        assert_eq!(toy.ask(asked).await.status, 401, "{token:?}");
    }
}

#[tokio::test]
async fn requests_and_registered_operations_are_counted_and_nothing_that_a_client_makes_up() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("operations.json");
    std::fs::write(&file, json!({ "a": "query Greeting { hello }" }).to_string()).unwrap();
    let router = Toy::with(|settings| {
        settings.metrics_token = "let me in".to_owned();
        settings.operations_file = file;
    })
    .router();
    for body in [
        json!({ "documentId": "a" }),
        json!({ "documentId": "a" }),
        json!({ "query": "query MadeUp { hello }" }),
        json!({ "query": "query MadeUp { maybe }" }),
        json!({ "query": "query MadeUp { missing }" }),
    ] {
        answered(router.clone(), post(body.to_string())).await;
    }
    let odd = request(Method::from_bytes(b"MADEUP").unwrap(), "/made/up", "");
    answered(router.clone(), odd).await;

    let asked = with(
        request(Method::GET, "/metrics", ""),
        "authorization",
        "Bearer let me in",
    );
    let reply = answered(router, asked).await;
    assert_eq!(
        reply.header("content-type"),
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    let text = String::from_utf8(reply.body).unwrap();
    for line in [
        "champion_operations_total{operation=\"Greeting\",outcome=\"Answered\"} 2",
        "champion_operations_total{operation=\"other\",outcome=\"Answered\"} 1",
        "champion_operations_total{operation=\"other\",outcome=\"Failed\"} 1",
        "champion_operations_total{operation=\"other\",outcome=\"Refused\"} 1",
        "champion_operation_seconds_count{operation=\"Greeting\"} 2",
        "champion_requests_total{method=\"POST\",path=\"/graphql\",status=\"200\"} 4",
        "champion_requests_total{method=\"POST\",path=\"/graphql\",status=\"400\"} 1",
        "champion_requests_total{method=\"other\",path=\"unknown\",status=\"404\"} 1",
        "champion_lag_seconds{site=\"leeds\"} 1.5",
        "champion_lag_seconds{site=\"hull\"} 0.0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));
    assert!(!text.to_lowercase().contains("made"), "{text}");
}
