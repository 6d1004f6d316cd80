//! What is logged, and how its lines look.

use std::io::{self, IsTerminal};

use tracing_subscriber::{EnvFilter, fmt};

use super::Outcome;
use crate::config::LogFormat;

/// Logs to stderr from now on, once for the whole process.
pub fn start(filter: &str, format: LogFormat) -> Outcome {
    let filter = EnvFilter::try_new(filter).map_err(|why| format!("The setting log cannot be read: {why}"))?;
    let lines = fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    let started = match format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().try_init(),
    };
    started.map_err(|why| format!("Logging cannot start: {why}"))
}
