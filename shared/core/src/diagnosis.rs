//! Why a deployment failed, read from App Runner's own log lines. It never guesses: where nothing fits it says `unknown`.
//!
//! [`diagnose`] is the door; `diagnosis/patterns.rs` holds the table of wordings, `diagnosis/wording.rs` reads a line.

mod patterns;
mod wording;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Where a line stood (the guide, "Monitoring: CloudWatch Logs").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogSource {
    /// The error text of an API call, where the operation was refused at once.
    Api,
    /// The `events` stream of the service log group: the lifecycle.
    Events,
    /// The `deployment/<operation id>` stream of the service log group.
    Deployment,
    /// An `instance/<id>` stream of the application log group.
    Application,
}

/// One line of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    pub source: LogSource,
    pub at: Timestamp,
    pub text: String,
}

/// What was the matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    HealthCheck,
    ImagePull,
    Role,
    Build,
    /// The process ended with an exit code.
    Crash,
    OutOfMemory,
    WrongArchitecture,
    Quota,
    Network,
    /// The `apprunner.yaml` or the request was not understood.
    Configuration,
    /// The alarm of the service fired after a deployment that App Runner found healthy.
    Alarm,
    /// Lines that point at AWS rather than at the application.
    Platform,
    Unknown,
}

/// The cause, the line that shows it, and the fix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnosis {
    pub cause: Cause,
    /// The cause in one line, for people: `the container ended with exit code 137 (killed: out of memory)`.
    pub summary: String,
    /// The line that shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<LogLine>,
    /// What usually mends it.
    pub fix: String,
    /// The last lines, oldest first: of everything where the cause is unknown, of the application where it ended by itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub last_lines: Vec<LogLine>,
}

/// The last lines that are kept where the cause is unknown.
pub const LAST_LINES_MAX: usize = 20;

/// Characters that are kept of a line that is shown.
pub const LINE_CHARS_MAX: usize = 300;

/// Characters of a line that are read; the wordings of App Runner stand at its beginning.
const READ_CHARS_MAX: usize = 4_000;

/// Names the cause behind a failed operation.
///
/// `lines` are those of the failed operation only, in any order: choosing them by time and stream is the caller's work.
/// The more specific cause wins (the table of patterns is in that order); among lines of one cause the order is the API's
/// error, `events`, `deployment/<id>`, the application, and within one of these the newest line.
pub fn diagnose(lines: &[LogLine]) -> Diagnosis {
    let mut read: Vec<Read<'_>> = lines.iter().map(Read::new).collect();
    read.sort_by(|a, b| a.line.source.cmp(&b.line.source).then(b.line.at.cmp(&a.line.at)));
    for pattern in patterns::TABLE {
        let found = read.iter().find_map(|read| (pattern.read)(read).map(|finding| (read, finding)));
        if let Some((read, finding)) = found {
            return told(read, finding, lines);
        }
    }
    unknown(lines)
}

/// A line beside its normalised wording.
struct Read<'a> {
    line: &'a LogLine,
    /// Lower case, without back-ticks, one space at most, none around a colon.
    wording: String,
}

impl<'a> Read<'a> {
    fn new(line: &'a LogLine) -> Self {
        Self { line, wording: wording::normalise(&clip(&line.text, READ_CHARS_MAX)) }
    }

    fn is_application(&self) -> bool {
        self.line.source == LogSource::Application
    }
}

/// What a pattern makes of a line.
struct Finding {
    cause: Cause,
    summary: String,
    fix: String,
}

fn told(read: &Read<'_>, finding: Finding, lines: &[LogLine]) -> Diagnosis {
    let Finding { cause, summary, fix } = finding;
    let summary = match cause {
        Cause::HealthCheck => wording::health_check_summary(lines, &read.line.text),
        _ => summary,
    };
    let last_lines = match cause {
        Cause::Crash | Cause::OutOfMemory => last_lines(lines, |line| line.source == LogSource::Application),
        _ => Vec::new(),
    };
    Diagnosis { cause, summary: clip(&summary, LINE_CHARS_MAX), evidence: Some(shown(read.line)), fix, last_lines }
}

fn unknown(lines: &[LogLine]) -> Diagnosis {
    let silent = !lines.iter().any(|line| line.source == LogSource::Application);
    let fix = if silent {
        "Read the service's logs. The application wrote no line that was seen: an image for another processor, a wrong \
         start command and a secret that cannot be read all look like this."
    } else {
        "Read the application's log around these lines."
    };
    Diagnosis {
        cause: Cause::Unknown,
        summary: "the logs show no cause that pitcrew knows".to_owned(),
        evidence: None,
        fix: fix.to_owned(),
        last_lines: last_lines(lines, |_| true),
    }
}

/// The newest lines of those that are wanted, oldest first, each clipped.
fn last_lines(lines: &[LogLine], wanted: impl Fn(&LogLine) -> bool) -> Vec<LogLine> {
    let mut newest: Vec<&LogLine> = lines.iter().filter(|line| wanted(line)).collect();
    newest.sort_by_key(|line| line.at);
    let skipped = newest.len().saturating_sub(LAST_LINES_MAX);
    newest.into_iter().skip(skipped).map(shown).collect()
}

/// A line as it is shown: on one line, without control characters, clipped.
fn shown(line: &LogLine) -> LogLine {
    let text: String = line.text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LINE_CHARS_MAX).collect();
    LogLine { source: line.source, at: line.at, text: text.trim().to_owned() }
}

fn clip(text: &str, chars_max: usize) -> String {
    text.chars().take(chars_max).collect()
}

#[cfg(test)]
mod tests;
