//! A function and its settings, as the template gives them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// Credentials of a role. Its Debug shows the key id only.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessKey {
    pub id: String,
    pub secret: String,
    pub session_token: Option<String>,
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// How Lambda writes its own lines into the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub enum LogFormat {
    /// `START RequestId: ...`
    #[default]
    Text,
    /// `{"type":"platform.start", ...}`
    Json,
}

/// One function.
#[derive(Clone, Debug, PartialEq)]
pub struct Function {
    pub name: String,
    pub arn: String,
    pub role_arn: String,
    pub handler: String,
    /// The template's variables and what a test adds to them.
    pub environment: BTreeMap<String, String>,
    pub timeout_secs: u64,
    pub memory_mb: u64,
    /// None: as many as the account has.
    pub reserved_concurrency: Option<u32>,
    pub log_group: String,
    pub log_format: LogFormat,
    /// The program that is the function's `bootstrap`.
    pub binary: PathBuf,
    pub access_key: AccessKey,
    /// `DeadLetterConfig`: a queue that gets the events that are given up.
    pub dead_letter_arn: Option<String>,
}

/// `AWS::Lambda::EventInvokeConfig`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvokeConfig {
    /// 0 to 2.
    pub retries_max: u32,
    /// 60 to 21,600.
    pub age_secs_max: i64,
    /// A queue that gets a record of each event that was given up.
    pub on_failure_arn: Option<String>,
}

impl Default for InvokeConfig {
    fn default() -> Self {
        Self { retries_max: 2, age_secs_max: 21_600, on_failure_arn: None }
    }
}
