//! Logs: one JSON object a line on standard output, as CloudWatch Logs Insights reads them.
//!
//! `PITCREW_LOG` sets the level of pitcrew's own code (`error`, `warn`, `info`, `debug`, `trace`; default `info`). Libraries
//! stay at `warn` whatever it says: at their lower levels they may print what they send, and that may be a secret.

use std::io::Write;

use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;

/// The environment variable that sets the level.
pub const LEVEL_VARIABLE: &str = "PITCREW_LOG";

/// Starts the log. The first call wins; a value of `PITCREW_LOG` that is no level is told and counts as `info`.
///
/// Within an invocation each line carries `span.requestId`, which `lambda_runtime` puts there.
pub fn init() {
    let asked = std::env::var(LEVEL_VARIABLE).unwrap_or_default();
    let level = level(&asked);
    let started =
        tracing::subscriber::set_global_default(subscriber(level.unwrap_or(LevelFilter::INFO), std::io::stdout));
    if started.is_ok() && level.is_none() {
        tracing::warn!(
            variable = LEVEL_VARIABLE,
            "the level of the log is not one of off, error, warn, info, debug, trace; info is used"
        );
    }
}

/// The level that a text asks for: `info` where it is empty, nothing where it is no level.
fn level(text: &str) -> Option<LevelFilter> {
    match text.trim() {
        "" => Some(LevelFilter::INFO),
        text => text.parse().ok(),
    }
}

fn subscriber<W>(level: LevelFilter, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let targets = Targets::new()
        .with_target("pitcrew", level)
        // The runtime opens the span that carries the request id, at this level.
        .with_target("lambda_runtime", LevelFilter::INFO)
        .with_default(LevelFilter::WARN.min(level));
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_ansi(false)
        .with_writer(writer);
    tracing_subscriber::registry().with(targets).with(lines)
}

/// Writes one line to standard output in one go, so that lines of the log and of the metrics never mix.
/// A closed standard output is not worth failing an invocation for.
pub(crate) fn print_line(line: &str) {
    let _closed = writeln!(std::io::stdout().lock(), "{line}");
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::Value;

    use super::*;

    #[derive(Clone, Default)]
    struct Memory(Arc<Mutex<Vec<u8>>>);

    impl Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn lines(level: LevelFilter, say: impl FnOnce()) -> Vec<Value> {
        let memory = Memory::default();
        let writer = memory.clone();
        tracing::subscriber::with_default(subscriber(level, move || writer.clone()), say);
        let bytes = memory.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_line_is_one_flat_json_object() {
        let lines = lines(LevelFilter::INFO, || {
            tracing::info!(target: "pitcrew_notify", notice = "n-1", "sent\nto \u{1b}[31mall");
        });
        let [line] = &lines[..] else { panic!("one line: {lines:?}") };
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["notice"], "n-1");
        assert!(line["timestamp"].is_string());
        assert!(line["message"].as_str().is_some_and(|text| text.starts_with("sent\nto ")));
    }

    #[test]
    fn the_request_id_is_a_field() {
        let lines = lines(LevelFilter::INFO, || {
            let span =
                tracing::info_span!(target: "lambda_runtime::layers", "Lambda runtime invoke", requestId = "r-1");
            span.in_scope(|| tracing::warn!(target: "pitcrew_notify", "held"));
        });
        assert_eq!(lines[0]["span"]["requestId"], "r-1");
    }

    #[test]
    fn libraries_stay_quiet_at_every_level_of_ours() {
        let lines = lines(LevelFilter::TRACE, || {
            tracing::debug!(target: "hyper_util::client", "secret path");
            tracing::trace!(target: "pitcrew_notify", "ours");
        });
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0]["message"], "ours");
    }

    #[test]
    fn an_unknown_level_is_seen_as_such() {
        assert_eq!(level(""), Some(LevelFilter::INFO));
        assert_eq!(level("DEBUG"), Some(LevelFilter::DEBUG));
        assert_eq!(level("loud"), None);
    }
}
