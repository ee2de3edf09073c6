//! Why a deployment failed, read from App Runner's own log lines. It never guesses: where nothing fits it says `unknown`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Where a line stood (the guide, "Monitoring: CloudWatch Logs").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogSource {
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
    /// The last lines, oldest first, where the cause is unknown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub last_lines: Vec<LogLine>,
}
