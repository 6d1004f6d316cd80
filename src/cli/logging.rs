//! What is logged and traced, and how it leaves the process.

use std::io::{self, IsTerminal};

use tracing::Subscriber;
use tracing_subscriber::{EnvFilter, Layer, fmt, layer::SubscriberExt, registry::LookupSpan, util::SubscriberInitExt};

use super::{Outcome, traces};
use crate::config::{LogFormat, Settings};

/// Logs to stderr from now on, once for the whole process.
pub fn start(filter: &str, format: LogFormat) -> Outcome {
    let registry = tracing_subscriber::registry().with(lines(filter, format)?);
    registry.try_init().map_err(cannot_start)
}

/// The same, and sends traces where the settings say. What this gives is asked to send the last of them at the end.
pub fn start_with_traces(settings: &Settings) -> Outcome<Option<traces::Sending>> {
    let lines = lines(&settings.log, settings.log_format)?;
    let sending = traces::Sending::start(settings)?;
    let traces = sending.as_ref().map(traces::Sending::layer);
    let registry = tracing_subscriber::registry().with(traces).with(lines);
    registry.try_init().map_err(cannot_start)?;
    Ok(sending)
}

/// A line on stderr for each event that passes the filter.
fn lines<S>(filter: &str, format: LogFormat) -> Outcome<Box<dyn Layer<S> + Send + Sync>>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let filter = EnvFilter::try_new(filter).map_err(|why| format!("The setting log cannot be read: {why}"))?;
    let lines = fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    Ok(match format {
        LogFormat::Text => lines.with_filter(filter).boxed(),
        LogFormat::Json => lines.json().with_filter(filter).boxed(),
    })
}

fn cannot_start(why: impl std::fmt::Display) -> String {
    format!("Logging cannot start: {why}")
}
