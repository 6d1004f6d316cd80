//! GraphiQL, served from the binary: the page works without internet and asks no other origin for anything.

use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// What the page may load: files and answers of this host. Its editor writes styles into the page, hence the one
/// exception, and its icons are data.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A file of the page.
struct Asset {
    path: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
}

const fn asset(path: &'static str, content_type: &'static str, bytes: &'static [u8]) -> Asset {
    Asset {
        path,
        content_type,
        bytes,
    }
}

const PAGE: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

/// The folder's README says where the files come from.
const ASSETS: [Asset; 8] = [
    asset("/graphiql", PAGE, include_bytes!("graphiql/index.html")),
    asset("/graphiql/page.js", SCRIPT, include_bytes!("graphiql/page.js")),
    asset("/graphiql/page.css", STYLE, include_bytes!("graphiql/page.css")),
    asset("/graphiql/graphiql.js", SCRIPT, include_bytes!("graphiql/graphiql.js")),
    asset("/graphiql/graphiql.css", STYLE, include_bytes!("graphiql/graphiql.css")),
    asset("/graphiql/react.js", SCRIPT, include_bytes!("graphiql/react.js")),
    asset(
        "/graphiql/react-dom.js",
        SCRIPT,
        include_bytes!("graphiql/react-dom.js"),
    ),
    asset("/graphiql/LICENSES.txt", TEXT, include_bytes!("graphiql/LICENSES.txt")),
];

/// The page and its files.
pub(super) fn routes() -> Router {
    ASSETS.iter().fold(Router::new(), |routes, asset| {
        routes.route(asset.path, get(async move |headers: HeaderMap| answer(asset, &headers)))
    })
}

/// A browser keeps the files and asks each time whether they are still the same.
fn answer(asset: &'static Asset, headers: &HeaderMap) -> Response {
    let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(&Sha256::digest(asset.bytes)[..12]));
    let mut known = headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let unchanged = known.any(|tags| {
        tags.split(',')
            .any(|known| known.trim().trim_start_matches("W/") == tag)
    });
    // Also with 304: a browser replaces what it knows of a page's headers by those of that answer.
    let always = [
        (header::ETAG, tag),
        (header::CACHE_CONTROL, "no-cache".to_owned()),
        (header::CONTENT_SECURITY_POLICY, POLICY.to_owned()),
    ];
    if unchanged {
        return (StatusCode::NOT_MODIFIED, always).into_response();
    }
    (always, [(header::CONTENT_TYPE, asset.content_type)], asset.bytes).into_response()
}
