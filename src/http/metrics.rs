//! What this host counts, for Prometheus: requests, operations by their registered names, and what the application tells of
//! itself. Nothing in it is of a person, and no label can take on values without end.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge as Measured;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use sha2::{Digest, Sha256};

use super::{Api, Host, live};

/// The name of every operation that frontends have not registered: what a client makes up is no label.
const OTHER: &str = "other";

/// The media type of the text (OpenMetrics 1.0).
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The upper ends of the buckets of a latency, in seconds.
const SECONDS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// A figure of the application, as it is now.
#[derive(Clone, Debug, PartialEq)]
pub struct Gauge {
    /// Its name, without that of this software before it.
    pub name: &'static str,
    /// What it is, in a few words.
    pub help: &'static str,
    /// What it is of.
    pub labels: Vec<(&'static str, String)>,
    /// Its value.
    pub value: f64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    method: String,
    path: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Operation {
    operation: String,
    outcome: Came,
}

/// The figures of one name.
type Figures = Family<Vec<(&'static str, String)>, Measured<f64, AtomicU64>>;

/// What an operation came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
pub(super) enum Came {
    /// It was answered without errors.
    Answered,
    /// It was answered with errors in places.
    Failed,
    /// It was not executed.
    Refused,
}

/// The counts of a host since it started.
pub(super) struct Metrics {
    registry: Registry,
    requests: Family<Route, Counter>,
    request_seconds: Family<Vec<(String, String)>, Histogram>,
    operations: Family<Operation, Counter>,
    operation_seconds: Family<Vec<(String, String)>, Histogram>,
    live_connections: Measured,
    subscriptions: Measured,
}

/// A subscription that runs: it is counted for as long as this is held.
pub(super) struct Running(Measured);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// What an operation is called: by its name if frontends have registered it.
pub(super) fn name(registered: Option<&str>) -> &str {
    registered.unwrap_or(OTHER)
}

fn latency() -> Histogram {
    Histogram::new(SECONDS)
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("champion");
        let seconds = || Family::new_with_constructor(latency as fn() -> Histogram);
        let metrics = Self {
            requests: Family::default(),
            request_seconds: seconds(),
            operations: Family::default(),
            operation_seconds: seconds(),
            live_connections: Measured::default(),
            subscriptions: Measured::default(),
            registry: Registry::default(),
        };
        registry.register("requests", "Requests that were answered", metrics.requests.clone());
        registry.register(
            "request_seconds",
            "How long requests took",
            metrics.request_seconds.clone(),
        );
        registry.register(
            "operations",
            "GraphQL operations by their registered names",
            metrics.operations.clone(),
        );
        registry.register(
            "operation_seconds",
            "How long GraphQL operations took",
            metrics.operation_seconds.clone(),
        );
        registry.register(
            "live_connections",
            "WebSockets and event streams that are open",
            metrics.live_connections.clone(),
        );
        registry.register("subscriptions", "Subscriptions that run", metrics.subscriptions.clone());
        Self { registry, ..metrics }
    }
}

impl Metrics {
    /// Counts a request. `path` is the template of a route.
    pub(super) fn request(&self, method: &str, path: &str, status: StatusCode, took: Duration) {
        let route = Route {
            method: method.to_owned(),
            path: path.to_owned(),
            status: status.as_u16(),
        };
        self.requests.get_or_create(&route).inc();
        let labels = vec![("path".to_owned(), route.path)];
        self.request_seconds.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// Counts an operation, by its name if frontends have registered it.
    pub(super) fn operation(&self, registered: Option<&str>, outcome: Came, took: Duration) {
        let operation = name(registered).to_owned();
        let labels = vec![("operation".to_owned(), operation.clone())];
        self.operation_seconds
            .get_or_create(&labels)
            .observe(took.as_secs_f64());
        self.operations.get_or_create(&Operation { operation, outcome }).inc();
    }

    /// Counts a subscription until what this gives is dropped.
    pub(super) fn subscription(&self) -> Running {
        self.subscriptions.inc();
        Running(self.subscriptions.clone())
    }

    fn text(&self, gauges: Vec<Gauge>) -> Result<String, std::fmt::Error> {
        let mut now = Registry::with_prefix("champion");
        let mut families: Vec<(&str, Figures)> = Vec::new();
        for gauge in gauges {
            let known = families.iter().position(|(name, _)| *name == gauge.name);
            let at = known.unwrap_or_else(|| {
                let family = Figures::default();
                now.register(gauge.name, gauge.help, family.clone());
                families.push((gauge.name, family));
                families.len() - 1
            });
            families[at].1.get_or_create(&gauge.labels).set(gauge.value);
        }
        let mut text = String::new();
        encode_registry(&mut text, &self.registry)?;
        encode_registry(&mut text, &now)?;
        encode_eof(&mut text)?;
        Ok(text)
    }
}

/// Answers a Prometheus server that shows the token of the settings. Without one in the settings there is nothing here.
pub(super) async fn answer<H: Host, E>(State(api): State<Api<H, E>>, headers: HeaderMap) -> Response {
    let wanted = &api.host.settings().metrics_token;
    let shown = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    // Hashes are compared, so that the time it takes tells nothing of the token.
    let hash = |text: &str| Sha256::digest(text);
    if shown.is_none_or(|shown| hash(shown) != hash(wanted)) {
        let challenge = [(header::WWW_AUTHENTICATE, "Bearer realm=\"metrics\"")];
        return (StatusCode::UNAUTHORIZED, challenge).into_response();
    }
    let taken = live::taken(&api);
    api.metrics
        .live_connections
        .set(i64::try_from(taken).unwrap_or(i64::MAX));
    match api.metrics.text(api.host.gauges().await) {
        Ok(text) => {
            let headers = [
                (header::CONTENT_TYPE, OPEN_METRICS),
                (header::CACHE_CONTROL, "no-store"),
            ];
            (headers, text).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "the metrics could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
