//! The other routes, and what every answer carries.

use std::io::Write;
use std::sync::{Arc, Mutex};

use axum::http::{Method, Request, StatusCode};

use super::{Toy, code, request, with};

#[tokio::test]
async fn an_unknown_path_gets_404_and_an_unknown_method_405_both_in_json() {
    let toy = Toy::default();
    assert_eq!(toy.get("/nothing").await.code(), code(404, "NOT_FOUND"));
    assert_eq!(toy.get("/graphiql/missing.js").await.code(), code(404, "NOT_FOUND"));
    let reply = toy.ask(request(Method::POST, "/schema.graphql", "")).await;
    assert_eq!(reply.code(), code(405, "INVALID_ARGUMENT"));
    assert_eq!(reply.header("allow"), "GET,HEAD");
}

#[tokio::test]
async fn the_schema_is_served_as_text() {
    let reply = Toy::default().get("/schema.graphql").await;
    assert_eq!(reply.header("content-type"), "text/plain; charset=utf-8");
    assert!(String::from_utf8(reply.body).unwrap().contains("type Query"));
}

#[tokio::test]
async fn health_tells_living_from_ready() {
    let toy = Toy {
        unready: Some("The database does not answer."),
        ..Toy::default()
    };
    assert_eq!(toy.get("/health/live").await.status, StatusCode::OK);
    let reply = toy.get("/health/ready").await;
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(reply.json()["reason"], "The database does not answer.");
    assert_eq!(reply.header("cache-control"), "no-store");
    assert_eq!(Toy::default().get("/health/ready").await.status, StatusCode::OK);
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let toy = Toy::default();
    for path in [
        "/graphql?query=%7Bhello%7D",
        "/schema.graphql",
        "/health/live",
        "/nothing",
        "/graphiql",
    ] {
        let reply = toy.get(path).await;
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(reply.header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(reply.header("x-frame-options"), "DENY", "{path}");
        let policy = reply.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{path}"
        );
        assert_eq!(policy.contains("script-src"), path == "/graphiql", "{path}");
    }
}

#[tokio::test]
async fn a_sane_request_id_is_echoed_and_any_other_is_replaced() {
    let toy = Toy::default();
    let ask = |id: &str| toy.ask(with(request(Method::GET, "/health/live", ""), "x-request-id", id));
    let longest = "a".repeat(64);
    for sane in ["abc", "A-1_b.2", longest.as_str()] {
        assert_eq!(ask(sane).await.header("x-request-id"), sane);
    }
    for other in ["", "a b", "a\"b", "é", "a/b", &"a".repeat(65)] {
        assert!(ask(other).await.header("x-request-id").starts_with("made-"), "{other}");
    }
    assert!(toy.get("/nothing").await.header("x-request-id").starts_with("made-"));
}

fn preflight(origin: &str) -> Request<axum::body::Body> {
    let request = with(request(Method::OPTIONS, "/graphql", ""), "origin", origin);
    let request = with(request, "access-control-request-method", "POST");
    with(
        request,
        "access-control-request-headers",
        "authorization,content-type,idempotency-key",
    )
}

#[tokio::test]
async fn no_other_origin_may_call_unless_it_is_listed() {
    let closed = Toy::default();
    assert_eq!(
        closed.ask(preflight("https://app.example.org")).await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
    let listed = Toy::with(|settings| settings.allowed_origins = vec!["https://app.example.org".to_owned()]);
    let reply = listed.ask(preflight("https://app.example.org")).await;
    assert_eq!(reply.header("access-control-allow-origin"), "https://app.example.org");
    for allowed in [
        "content-type",
        "authorization",
        "idempotency-key",
        "x-request-id",
        "apollo-require-preflight",
    ] {
        assert!(
            reply.header("access-control-allow-headers").contains(allowed),
            "{allowed}"
        );
    }
    assert_eq!(reply.header("access-control-allow-methods"), "GET,POST,OPTIONS");
    assert_eq!(reply.header("access-control-max-age"), "600");
    assert_eq!(
        listed
            .ask(preflight("https://evil.example"))
            .await
            .header("access-control-allow-origin"),
        ""
    );
    let answer = listed
        .ask(with(
            super::post(r#"{"query":"{ hello }"}"#),
            "origin",
            "https://app.example.org",
        ))
        .await;
    assert_eq!(answer.header("access-control-allow-origin"), "https://app.example.org");
    assert!(answer.header("access-control-expose-headers").contains("x-request-id"));
}

#[tokio::test]
async fn a_star_allows_every_origin() {
    let open = Toy::with(|settings| settings.allowed_origins = vec!["*".to_owned()]);
    assert_eq!(
        open.ask(preflight("https://anywhere.example"))
            .await
            .header("access-control-allow-origin"),
        "*"
    );
}

#[test]
fn an_origin_that_no_browser_sends_is_told_to_the_operator() {
    for wrong in [
        "app.example.org",
        "https://app.example.org/",
        "https://app.example.org/path",
        "HTTPS://APP.example.org",
        "https://a:443",
    ] {
        let toy = Toy::with(|settings| settings.allowed_origins = vec![wrong.to_owned()]);
        let schema = super::schema();
        let sdl = schema.sdl();
        let error = super::router(toy, schema, &sdl, String::new(), axum::Router::new());
        assert!(error.is_err_and(|message| message.contains(wrong)), "{wrong}");
    }
}

#[tokio::test]
async fn graphiql_loads_everything_from_this_host() {
    let toy = Toy::default();
    let page = toy.get("/graphiql").await;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    let html = String::from_utf8(page.body).unwrap();
    let mut loaded = 0;
    for part in html.split(['"', '\'']).filter(|part| part.starts_with("/graphiql/")) {
        let file = toy.get(part).await;
        assert_eq!(file.status, StatusCode::OK, "{part}");
        let expected = if part.ends_with(".css") {
            "text/css; charset=utf-8"
        } else {
            "text/javascript; charset=utf-8"
        };
        assert_eq!(file.header("content-type"), expected, "{part}");
        loaded += 1;
    }
    assert_eq!(loaded, 6);
    assert!(!html.contains("http:") && !html.contains("https:") && !html.contains("src=\"//"));
    assert_eq!(toy.get("/graphiql/LICENSES.txt").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_browser_that_has_a_file_is_not_sent_it_again_and_keeps_its_policy() {
    let toy = Toy::default();
    for path in ["/graphiql", "/graphiql/page.js"] {
        let first = toy.get(path).await;
        let again = with(request(Method::GET, path, ""), "if-none-match", first.header("etag"));
        let reply = toy.ask(again).await;
        assert_eq!((reply.status, reply.body.len()), (StatusCode::NOT_MODIFIED, 0));
        assert!(reply.header("content-security-policy").contains("script-src 'self'"));
    }
}

#[tokio::test]
async fn graphiql_can_be_switched_off() {
    let toy = Toy::with(|settings| settings.graphiql = false);
    assert_eq!(toy.get("/graphiql").await.code(), code(404, "NOT_FOUND"));
}

/// What is logged while it is set as the subscriber of a thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_log_tells_how_a_request_ended_and_nothing_that_it_held() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_writer(move || writer.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let toy = Toy::default();
    let variables = serde_json::json!({ "n": "private words" });
    let body =
        serde_json::json!({ "query": "query Ward7($n: String!) { hello(name: $n) secret }", "variables": variables });
    let asked = with(super::post(body.to_string()), "authorization", "Bearer good");
    toy.ask(with(asked, "x-request-id", "find-me")).await;
    let wrong = toy.get("/graphql?query=%7Bmissing%7D&variables=%7B%22n%22%3A%22private+words%22%7D");
    wrong.await;
    toy.get("/records/private-words").await;
    drop(guard);
    let told = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for expected in [
        "find-me",
        "\"path\":\"/graphql\"",
        "\"status\":200",
        "\"status\":404",
        "milliseconds",
    ] {
        assert!(told.contains(expected), "{expected} is not in {told}");
    }
    for private in ["private", "good", "Ward7", "missing", "records"] {
        assert!(!told.contains(private), "{private} is in {told}");
    }
}
