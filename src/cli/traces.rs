//! Traces for an OpenTelemetry collector: what happened in a request, and how long each part took.

use std::time::Duration;

use opentelemetry::{KeyValue, trace::TracerProvider};
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracerProvider},
};
use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{Layer, filter::Targets, registry::LookupSpan};

use super::Outcome;
use crate::config::Settings;

/// What the spans of this software are called by the collector.
const SERVICE: &str = "champion-network";

/// How long a collector may take for a batch, and for the last one at the end.
const PATIENCE: Duration = Duration::from_secs(5);

/// Sends traces in batches, on a thread of its own. When the collector is away, they are dropped.
pub struct Sending(SdkTracerProvider);

impl Sending {
    /// Starts it, if the settings name a collector.
    pub fn start(settings: &Settings) -> Outcome<Option<Self>> {
        if settings.traces_url.is_empty() {
            return Ok(None);
        }
        if settings.traces_percent > 100 {
            return Err("The setting traces_percent must be a number from 0 to 100.".to_owned());
        }
        let exporter = SpanExporter::builder()
            .with_http()
            .with_endpoint(&settings.traces_url)
            .with_timeout(PATIENCE);
        let exporter = exporter
            .build()
            .map_err(|why| format!("The setting traces_url cannot be used: {why}"))?;
        let host = Resource::builder_empty()
            .with_service_name(SERVICE)
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .with_attribute(KeyValue::new("service.instance.id", settings.host_name.clone()));
        let share = f64::from(settings.traces_percent) / 100.0;
        let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(share)));
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(host.build())
            .with_sampler(sampler);
        Ok(Some(Self(provider.build())))
    }

    /// What makes traces of this software's own spans.
    pub fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer(SERVICE))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_filter(Targets::new().with_target(env!("CARGO_CRATE_NAME"), LevelFilter::INFO))
    }

    /// Sends what is left, as long as the collector takes it.
    pub fn end(self) {
        if let Err(why) = self.0.shutdown_with_timeout(PATIENCE) {
            tracing::warn!(%why, "the last traces could not be sent");
        }
    }
}
