//! The HTTP face of a host: its routes, and what every answer carries.
//!
//! [`router`] joins the GraphQL endpoint, GraphiQL, the schema text, the audits and the health routes; [`serve()`] runs the
//! result on a listener. What belongs to the application (who calls, whether it is ready) comes through [`Host`].

mod accept;
mod answer;
mod audit;
mod budget;
mod convert;
mod documents;
mod execution;
mod graphiql;
mod guard;
mod idempotency;
mod kept;
mod live;
mod metrics;
mod observe;
mod operations;
mod origin;
mod outcome;
mod params;
mod plan;
mod problem;
mod scan;
mod serve;
mod socket;
mod stream;
mod transport;
mod variables;

#[cfg(test)]
mod tests;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::Executor;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router, middleware};
use futures_util::stream::BoxStream;
use serde_json::json;
use tokio::sync::Semaphore;
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::config::HttpSettings;
use crate::graphql::{IdempotencyKey, RequestId};

use budget::Budgets;
use documents::Documents;
use metrics::Metrics;
use problem::{Code, problem};

pub use metrics::Gauge;
pub use serve::serve;

/// What the transport asks of the application behind it.
pub trait Host: Clone + Send + Sync + 'static {
    /// Who asks. Resolvers find it in the request's data as `Arc<Self::Caller>`.
    type Caller: Send + Sync + 'static;

    /// Proves the caller from the request's headers; without a token that is the anonymous caller.
    fn caller(&self, headers: &HeaderMap) -> impl Future<Output = Result<Self::Caller, Refusal>> + Send;

    /// A text that is the same whenever this caller comes, and no other caller's; none for those without a token.
    fn identity(&self, caller: &Self::Caller) -> Option<String>;

    /// What Prometheus is told of the application, beside the requests.
    fn gauges(&self) -> impl Future<Output = Vec<Gauge>> + Send;

    /// Readies the request of a subscription: what is told from this moment on must not be missed.
    fn begin(
        &self,
        request: async_graphql::Request,
    ) -> impl Future<Output = Result<async_graphql::Request, Refusal>> + Send {
        async { Ok(request) }
    }

    /// The audit of a site, line by line, for whoever may read it; nothing for all others, and where there is no such site. A
    /// failure ends it early.
    fn audit(
        &self,
        _caller: &Self::Caller,
        _site: &str,
    ) -> impl Future<Output = Result<Option<Lines>, Refusal>> + Send {
        async { Ok(None) }
    }

    /// Resolves when the caller's token ends; never for whoever has none.
    fn expired(&self, _caller: &Self::Caller) -> impl Future<Output = ()> + Send + 'static {
        std::future::pending()
    }

    /// Resolves when the host is told to stop.
    fn stopping(&self) -> impl Future<Output = ()> + Send + 'static {
        std::future::pending()
    }

    /// Whether requests can be served now; otherwise one plain sentence that says what is missing.
    fn ready(&self) -> impl Future<Output = Result<(), &'static str>> + Send;

    /// A new request id of 1 to 64 letters, digits, dots, hyphens or underscores.
    fn new_request_id(&self) -> String;

    /// The settings of the HTTP face.
    fn settings(&self) -> &HttpSettings;
}

/// Lines that are read while they are sent.
pub type Lines = BoxStream<'static, Result<String, io::Error>>;

/// Why a caller could not be proved.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// One plain sentence for the developer of the frontend; it holds nothing of the token.
    pub message: String,
    /// Whether the token may be good and only the host could not check it. The answer is 503 then, not 401, so that a
    /// frontend does not throw the token away.
    pub is_passing: bool,
}

impl Refusal {
    /// The refusal of a token.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            is_passing: false,
        }
    }

    /// The host cannot tell at the moment.
    pub fn passing(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            is_passing: true,
        }
    }
}

/// What the handlers share.
struct Api<H, E> {
    host: H,
    executor: E,
    documents: Arc<Documents>,
    budgets: Arc<Budgets>,
    metrics: Arc<Metrics>,
    /// For connections that stay open.
    places: Arc<Semaphore>,
}

impl<H: Clone, E: Clone> Clone for Api<H, E> {
    fn clone(&self) -> Self {
        Self {
            host: self.host.clone(),
            executor: self.executor.clone(),
            documents: Arc::clone(&self.documents),
            budgets: Arc::clone(&self.budgets),
            metrics: Arc::clone(&self.metrics),
            places: Arc::clone(&self.places),
        }
    }
}

/// The routes of a host.
///
/// `sdl` is the executor's own schema text (`schema.sdl()`): documents are validated against it. `published` is what
/// `/schema.graphql` answers. `more` are further routes that get the same treatment (request id, CORS, security headers).
///
/// # Errors
///
/// A sentence for the operator when the schema, the file of operations, the list of allowed origins or the budgets cannot be
/// used.
pub fn router<H: Host, E: Executor>(
    host: H,
    executor: E,
    sdl: &str,
    published: String,
    more: Router,
) -> Result<Router, String> {
    let documents = Arc::new(Documents::new(sdl, host.settings())?);
    let budgets = Arc::new(Budgets::new(host.settings())?);
    let cors = cors(host.settings())?;
    let api = Api {
        places: Arc::new(Semaphore::new(host.settings().sockets)),
        host: host.clone(),
        executor,
        documents,
        budgets,
        metrics: Arc::default(),
    };
    let observer = observe::Observer {
        host: host.clone(),
        metrics: Arc::clone(&api.metrics),
    };

    let mut routes = Router::new()
        .route("/graphql", get(transport::get::<H, E>).post(transport::post::<H, E>))
        .route("/graphql/ws", get(socket::upgrade::<H, E>))
        .route("/graphql/stream", get(stream::get::<H, E>).post(stream::post::<H, E>))
        .route("/audit/{site}", get(audit::get::<H, E>));
    if !host.settings().metrics_token.is_empty() {
        routes = routes.route("/metrics", get(metrics::answer::<H, E>));
    }
    let mut routes = routes
        .with_state(api)
        .merge(health(host.clone()))
        .merge(schema_text(published));
    if host.settings().graphiql {
        routes = routes.merge(graphiql::routes());
    }
    routes = routes
        .merge(more)
        .fallback(unknown_path)
        .method_not_allowed_fallback(unknown_method);
    if let Some(cors) = cors {
        routes = routes.layer(cors);
    }
    Ok(routes.layer(middleware::from_fn_with_state(observer, observe::observe::<H>)))
}

fn health<H: Host>(host: H) -> Router {
    Router::new()
        .route("/health/live", get(live))
        .route("/health/ready", get(ready::<H>))
        .with_state(host)
}

async fn live() -> Response {
    uncached(StatusCode::OK, json!({ "status": "live" }))
}

async fn ready<H: Host>(State(host): State<H>) -> Response {
    match host.ready().await {
        Ok(()) => uncached(StatusCode::OK, json!({ "status": "ready" })),
        Err(reason) => uncached(
            StatusCode::SERVICE_UNAVAILABLE,
            json!({ "status": "unavailable", "reason": reason }),
        ),
    }
}

fn uncached(status: StatusCode, body: serde_json::Value) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

fn schema_text(published: String) -> Router {
    let published: Arc<str> = published.into();
    let answer = move || async move {
        let headers = [
            (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
            (header::CACHE_CONTROL, "no-cache"),
        ];
        (headers, published.to_string())
    };
    Router::new().route("/schema.graphql", get(answer))
}

async fn unknown_path() -> Response {
    let error = problem(Code::NotFound, "There is nothing at this path.");
    (StatusCode::NOT_FOUND, Json(json!({ "errors": [error] }))).into_response()
}

async fn unknown_method(request: Request) -> Response {
    let message = format!("This path does not answer {}.", request.method());
    let error = problem(Code::InvalidArgument, message);
    (StatusCode::METHOD_NOT_ALLOWED, Json(json!({ "errors": [error] }))).into_response()
}

/// The CORS rules, or none where no other origin may call.
fn cors(settings: &HttpSettings) -> Result<Option<CorsLayer>, String> {
    let origins = &settings.allowed_origins;
    if origins.is_empty() {
        return Ok(None);
    }
    let allowed = if origins.iter().any(|origin| origin == "*") {
        AllowOrigin::any()
    } else {
        AllowOrigin::list(
            origins
                .iter()
                .map(|origin| read_origin(origin))
                .collect::<Result<Vec<_>, _>>()?,
        )
    };
    let layer = CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods([Method::GET, Method::POST, Method::OPTIONS])
        .allow_headers([
            header::ACCEPT,
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            HeaderName::from_static("idempotency-key"),
            HeaderName::from_static("x-request-id"),
            // What Apollo's clients send to force a preflight, and the names they give themselves.
            HeaderName::from_static("apollo-require-preflight"),
            HeaderName::from_static("apollographql-client-name"),
            HeaderName::from_static("apollographql-client-version"),
        ])
        .expose_headers([
            header::RETRY_AFTER,
            header::WWW_AUTHENTICATE,
            HeaderName::from_static("x-request-id"),
        ])
        .max_age(Duration::from_secs(settings.cors_max_age_seconds));
    Ok(Some(layer))
}

/// An origin exactly as browsers send it, since that is how it is compared.
fn read_origin(text: &str) -> Result<HeaderValue, String> {
    let wrong = || format!("allowed_origins: `{text}` is not an origin such as https://app.example.org");
    let origin = url::Url::parse(text)
        .map_err(|_| wrong())?
        .origin()
        .ascii_serialization();
    if origin != text {
        return Err(wrong());
    }
    HeaderValue::from_str(text).map_err(|_| wrong())
}
