//! Answers that browsers, proxies and content delivery networks may keep: those that everybody is given who names the same
//! document without a token (RFC 9111, RFC 9110, section 13.1.2).

use axum::body::{Body, to_bytes};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use super::HttpSettings;

/// What a client has kept of an answer.
pub(super) struct Kept {
    tags: Vec<String>,
}

impl Kept {
    /// What the headers of a request say.
    pub(super) fn by(headers: &HeaderMap) -> Self {
        let values = headers.get_all(IF_NONE_MATCH).iter();
        let tags = values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','));
        // Whether a proxy has packed the answer makes no other answer of it.
        let tags = tags.map(|tag| tag.trim().trim_start_matches("W/").to_owned());
        Self { tags: tags.collect() }
    }

    /// Lets an answer be kept, and tells a client that has it already only that.
    pub(super) async fn answer(self, response: Response, settings: &HttpSettings) -> Response {
        let (mut parts, body) = response.into_parts();
        let Ok(body) = to_bytes(body, usize::MAX).await else {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        let tag = format!("\"{:x}\"", Sha256::digest(&body));
        let lasts = match settings.public_max_age_seconds {
            0 => "public, no-cache".to_owned(),
            seconds => format!("public, max-age={seconds}"),
        };
        for (name, value) in [(CACHE_CONTROL, &lasts), (ETAG, &tag)] {
            if let Ok(value) = HeaderValue::from_str(value) {
                parts.headers.insert(name, value);
            }
        }
        if self.tags.iter().any(|known| *known == tag || known == "*") {
            parts.headers.remove(CONTENT_TYPE);
            return (StatusCode::NOT_MODIFIED, parts.headers).into_response();
        }
        Response::from_parts(parts, Body::from(body))
    }
}
