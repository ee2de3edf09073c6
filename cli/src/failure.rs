//! How a command ends: its exit code, and for an error what was wrong, why, and how to mend it.

use std::process::ExitCode;

use pitcrew_aws::engine::EngineError;
use pitcrew_aws::error::{AwsError, Kind};
use pitcrew_aws::operator::NoCredentials;
use serde::Serialize;
use serde_json::{Value, json};

/// The exit codes: stable, and told by `--help`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Exit {
    /// It was done, or there was nothing to do.
    Done = 0,
    /// AWS, or the way to it, failed.
    Failed = 1,
    /// The command line is wrong.
    Usage = 2,
    /// Nothing was done, on purpose: paused, held, busy, nothing good known, or the operator said no.
    Refused = 3,
    /// App Runner took the call and the operation failed.
    OperationFailed = 4,
    /// There is no such service, incident, digest or stack.
    NotFound = 5,
    /// The audit could not look at all that it was asked to look at; what it saw was told.
    Incomplete = 6,
    /// Ctrl-C: as shells write a process that a signal ended.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct Failure {
    pub exit: Exit,
    /// What was wrong, and where.
    pub what: String,
    /// What the operator can do about it.
    pub mend: Option<String>,
    #[source]
    pub cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Failure {
    pub fn new(exit: Exit, what: impl Into<String>) -> Self {
        Self { exit, what: what.into(), mend: None, cause: None }
    }

    #[must_use]
    pub fn mend(self, how: impl Into<String>) -> Self {
        Self { mend: Some(how.into()), ..self }
    }

    #[must_use]
    pub fn cause(self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { cause: Some(cause.into()), ..self }
    }

    /// The causes below `what`, outermost first, without those that only say the same again.
    pub fn causes(&self) -> Vec<String> {
        let mut causes: Vec<String> = Vec::new();
        let mut next: Option<&(dyn std::error::Error + 'static)> =
            self.cause.as_ref().map(|cause| cause.as_ref() as &(dyn std::error::Error + 'static));
        while let Some(cause) = next {
            let text = cause.to_string();
            if text != self.what && causes.last() != Some(&text) {
                causes.push(text);
            }
            next = cause.source();
        }
        causes
    }

    /// The one JSON document of a command that failed.
    pub fn json(&self) -> Value {
        json!({"error": {
            "exit_code": self.exit as u8, "kind": self.exit, "message": self.what, "mend": self.mend, "causes": self.causes(),
        }})
    }
}

impl From<AwsError> for Failure {
    fn from(error: AwsError) -> Self {
        let failure = Self::new(Exit::Failed, error.line());
        let failure = match mend(&error) {
            Some(mend) => failure.mend(mend),
            None => failure,
        };
        // Where AWS said something, that is the cause; the SDK's chain only wraps it.
        if error.message.is_empty() { failure.cause(error) } else { failure }
    }
}

fn mend(error: &AwsError) -> Option<String> {
    if error.is_by_credentials() {
        return Some("renew your credentials (`aws sso login`, or new keys) and check --profile".to_owned());
    }
    if error.is_by_signature() {
        return Some("set this machine's clock (compare `date -u`), and check the secret key of --profile".to_owned());
    }
    match error.kind {
        Kind::Denied => Some(format!("your role needs {}", error.operation)),
        Kind::Missing if error.operation.starts_with("dynamodb:") => {
            Some("check --table, --stack and --region; `pitcrew doctor` tells what is there".to_owned())
        }
        Kind::Conflict => Some("somebody else wrote at the same moment: run the command again".to_owned()),
        Kind::Transient => Some("AWS is busy: run the command again".to_owned()),
        Kind::Unknown => Some(
            "check the network, HTTPS_PROXY and NO_PROXY, --region and --endpoint-url, then run the command again"
                .to_owned(),
        ),
        Kind::Busy | Kind::Missing | Kind::Permanent => None,
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Aws(error) => error.into(),
            other => Self::new(Exit::Failed, other.to_string()).cause(other),
        }
    }
}

impl From<NoCredentials> for Failure {
    fn from(error: NoCredentials) -> Self {
        Self::new(Exit::Failed, error.to_string())
            .mend("log in (`aws sso login`), choose a profile with --profile, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
            .cause(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] Inner);

    #[derive(Debug, thiserror::Error)]
    #[error("inner")]
    struct Inner;

    #[test]
    fn the_causes_are_told_from_the_outside_in() {
        let failure = Failure::new(Exit::Failed, "it failed").cause(Outer(Inner));
        assert_eq!(failure.causes(), ["outer", "inner"]);
    }

    #[test]
    fn a_cause_that_only_repeats_the_message_is_not_told_twice() {
        assert!(Failure::new(Exit::Failed, "inner").cause(Inner).causes().is_empty());
    }

    #[test]
    fn a_broken_row_is_an_error_and_says_which() {
        let failure = Failure::from(AwsError::broken("dynamodb:row", "the row SVC#x LEASE cannot be read"));
        assert_eq!(failure.exit, Exit::Failed);
        assert!(failure.what.contains("SVC#x LEASE"), "{}", failure.what);
        assert!(failure.causes().is_empty());
    }

    #[test]
    fn a_table_that_asks_to_be_tried_again_says_so() {
        let failure = Failure::from(AwsError::again("dynamodb:BatchGetItem", "throttled"));
        assert_eq!(failure.mend.as_deref(), Some("AWS is busy: run the command again"));
    }

    #[test]
    fn a_failed_command_still_prints_one_document() {
        let failure = Failure::new(Exit::NotFound, "no such service").mend("look again");
        let error = &failure.json()["error"];
        assert_eq!((error["exit_code"].as_u64(), error["kind"].as_str()), (Some(5), Some("not_found")));
    }
}
