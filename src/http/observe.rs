//! What surrounds every request: its id, its line in the log, the security headers of its answer.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use tokio::time::Instant;
use tracing::Instrument;

use super::metrics::Metrics;
use super::{Host, RequestId};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const LONGEST_ID: usize = 64;

/// For answers that are data: nothing in them may ever run or load anything.
const DATA_POLICY: HeaderValue =
    HeaderValue::from_static("default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");

/// What watches requests.
#[derive(Clone)]
pub(super) struct Observer<H> {
    pub(super) host: H,
    pub(super) metrics: Arc<Metrics>,
}

/// Names the request, counts it, logs how it ended, and adds the headers that every answer has. The log knows the template of the
/// path, never the path or the query: variables may stand there.
pub(super) async fn observe<H: Host>(
    State(observer): State<Observer<H>>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = incoming(request.headers()).unwrap_or_else(|| observer.host.new_request_id());
    let template = request.extensions().get::<MatchedPath>().cloned();
    let path = template.as_ref().map_or("unknown", MatchedPath::as_str);
    let method = method(request.method());
    let span = tracing::info_span!(
        "request",
        id = %id,
        method,
        path,
    );
    request.extensions_mut().insert(RequestId(id.clone()));
    let started = Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    let took = started.elapsed();
    observer.metrics.request(method, path, response.status(), took);
    let milliseconds = took.as_secs_f64() * 1000.0;
    span.in_scope(|| tracing::info!(status = response.status().as_u16(), milliseconds, "answered"));
    complete(response.headers_mut(), &id);
    response
}

/// The name of a method that HTTP itself knows: whatever else clients make up is no label.
fn method(method: &Method) -> &'static str {
    let known = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::OPTIONS,
    ];
    let names = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"];
    let found = known.iter().position(|known| known == method);
    found.map_or("other", |at| names[at])
}

/// The id that the client or a proxy gave, if it is harmless in a log.
fn incoming(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(REQUEST_ID)?.to_str().ok()?;
    let sane = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    ((1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(sane)).then(|| id.to_owned())
}

/// Adds what is missing; a page that needs a wider policy has set its own.
fn complete(headers: &mut HeaderMap, id: &str) {
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(DATA_POLICY);
    headers
        .entry(REFERRER_POLICY)
        .or_insert(HeaderValue::from_static("no-referrer"));
    headers
        .entry(X_CONTENT_TYPE_OPTIONS)
        .or_insert(HeaderValue::from_static("nosniff"));
    headers
        .entry(X_FRAME_OPTIONS)
        .or_insert(HeaderValue::from_static("DENY"));
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, id);
    }
}
