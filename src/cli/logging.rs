//! What is logged and traced, and how it leaves the process: one line an event, whatever stands in its values.

use std::{
    fmt::Display,
    io::{self, Write},
    panic,
};

use tracing::Subscriber;
use tracing_subscriber::{
    EnvFilter, Layer, fmt, fmt::MakeWriter, layer::SubscriberExt, registry::LookupSpan, util::SubscriberInitExt,
};

use super::{Outcome, traces};
use crate::config::{LogFormat, Settings};

/// Logs to stderr from now on, once for the whole process, panics included.
pub fn start(filter: &str, format: LogFormat) -> Outcome {
    let registry = tracing_subscriber::registry().with(to_stderr(filter, format)?);
    registry.try_init().map_err(cannot_start)?;
    panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// The same, and sends traces where the settings say. What this gives is asked to send the last of them at the end.
pub fn start_with_traces(settings: &Settings) -> Outcome<Option<traces::Sending>> {
    let lines = to_stderr(&settings.log, settings.log_format)?;
    let sending = traces::Sending::start(settings)?;
    let traces = sending.as_ref().map(traces::Sending::layer);
    let registry = tracing_subscriber::registry().with(traces).with(lines);
    registry.try_init().map_err(cannot_start)?;
    panic::set_hook(Box::new(log_panic));
    Ok(sending)
}

fn cannot_start(why: impl Display) -> String {
    format!("Logging cannot start: {why}")
}

fn to_stderr<S>(filter: &str, format: LogFormat) -> Outcome<impl Layer<S>>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let filter = EnvFilter::try_new(filter).map_err(|why| format!("The setting log cannot be read: {why}"))?;
    Ok(lines(filter, format, io::stderr))
}

/// A line for each event that passes the filter. Without colours: they are control characters, and those of a value cannot be told
/// from them.
fn lines<S, W>(filter: EnvFilter, format: LogFormat, writer: W) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = fmt::layer().with_writer(OneLine(writer)).with_ansi(false);
    match format {
        LogFormat::Text => lines.with_filter(filter).boxed(),
        LogFormat::Json => lines.json().with_filter(filter).boxed(),
    }
}

/// Where it happened, and why as far as the program itself says it: a message that was put together may hold what somebody has
/// written.
fn log_panic(info: &panic::PanicHookInfo<'_>) {
    let why = info.payload().downcast_ref::<&'static str>().copied();
    let at = info.location().map(ToString::to_string);
    tracing::error!(why, at, "something panicked");
}

/// A text as it can stand in one line and be read there: without control characters, and without those that turn the direction of
/// writing or end a line.
pub fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for character in text.chars() {
        let turns = matches!(
            character,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
        );
        match character {
            '\n' => printable.push_str("\\n"),
            '\r' => printable.push_str("\\r"),
            '\t' => printable.push_str("\\t"),
            // In this form JSON can be read, too.
            _ if turns || character.is_control() => {
                printable.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            _ => printable.push(character),
        }
    }
    printable
}

/// Writes each event, which comes whole, as one line.
struct OneLine<W>(W);

impl<'a, W: MakeWriter<'a>> MakeWriter<'a> for OneLine<W> {
    type Writer = Line<W::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        Line(self.0.make_writer())
    }
}

struct Line<W>(W);

impl<W: Write> Write for Line<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let line = printable(text.strip_suffix('\n').unwrap_or(&text)) + "\n";
        self.0.write_all(line.as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::Value;
    use tracing::subscriber::with_default;

    use super::*;

    /// What was logged.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Log {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Log {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    /// What a value could do to a line.
    const FORGED: &str =
        "x\n2026-11-22T00:00:00Z  INFO forged\r\n\u{1b}[2J\u{9b}31m\u{7f}\u{85}\u{2028}\u{202e}\t{\"level\":\"INFO\"}";

    /// Logs everything.
    fn all(format: LogFormat, log: Log) -> impl Subscriber + Send + Sync {
        tracing_subscriber::registry().with(lines(EnvFilter::new("trace"), format, log))
    }

    fn log_it() {
        let failed = io::Error::other(FORGED);
        let span = tracing::info_span!("request", id = FORGED, method = %FORGED, path = ?FORGED);
        span.in_scope(|| tracing::info!(text = FORGED, shown = %FORGED, debug = ?FORGED, %failed, "{FORGED}"));
    }

    #[test]
    fn no_value_forges_a_line_in_either_format() {
        let (plain, machine) = (Log::default(), Log::default());
        with_default(all(LogFormat::Text, plain.clone()), log_it);
        with_default(all(LogFormat::Json, machine.clone()), log_it);

        for log in [&plain, &machine] {
            let text = log.text();
            let (line, rest) = text.split_once('\n').unwrap();
            assert_eq!(rest, "", "one event is one line");
            assert!(!line.chars().any(char::is_control), "{line:?}");
            assert!(!line.contains(['\u{2028}', '\u{202e}']), "{line:?}");
            assert!(line.contains("forged"), "{line:?}");
        }
        let line: Value = serde_json::from_str(&machine.text()).unwrap();
        let fields = line["fields"].as_object().unwrap();
        // A program that reads the line has what was said, whole.
        assert_eq!(fields["text"], FORGED);
        assert_eq!(fields["message"], FORGED);
    }

    #[test]
    fn a_panic_is_one_line_without_what_somebody_wrote() {
        let log = Log::default();
        let panics = |panics: fn()| {
            let before = panic::take_hook();
            panic::set_hook(Box::new(log_panic));
            let ended = panic::catch_unwind(panics);
            panic::set_hook(before);
            assert!(ended.is_err());
        };
        with_default(all(LogFormat::Text, log.clone()), || {
            panics(|| panic!("the index is broken"));
            panics(|| {
                let written = String::from("whisper\nof a person");
                panic!("cannot read {written}");
            });
        });

        let text = log.text();
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(text.lines().all(|line| line.contains("logging.rs")), "{text}");
        assert!(
            text.contains("the index is broken") && !text.contains("whisper"),
            "{text}"
        );
    }

    #[test]
    fn what_is_plain_stays_as_it_is() {
        let plain = "Zoë’s “notes” – 日本語, ελληνικά \\ / {}";

        assert_eq!(printable(plain), plain);
        assert_eq!(printable("a\nb\u{1b}[31m"), "a\\nb\\u001b[31m");
    }
}
