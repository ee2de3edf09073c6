//! A failure as Lambda reports it: the whole chain of causes in one line, under a type that does not change with the code.
//!
//! `lambda_runtime` keeps only the outermost text of a boxed error and derives the type from a Rust type name; alarms and
//! searches need both to be complete and stable.

use std::error::Error;
use std::fmt;

use lambda_runtime::Diagnostic;

use crate::settings::SettingsError;

/// Characters of a message that are kept: Lambda's answer has room for more, a log reader has not.
const MESSAGE_CHARS_MAX: usize = 4_000;

/// Causes that are followed: a chain longer than this is a loop.
const CAUSES_MAX: usize = 16;

/// What goes back to Lambda when an invocation or the start fails.
#[derive(Clone, PartialEq, Eq)]
pub struct Failure {
    error_type: &'static str,
    message: String,
}

impl Failure {
    /// `error_type` is a stable name in CamelCase (`SettingsMissing`); the message is the error with all its causes.
    pub fn new(error_type: &'static str, error: &(dyn Error + 'static)) -> Self {
        Self { error_type, message: clip(&chain(error)) }
    }

    /// A failure without an error value behind it.
    pub fn said(error_type: &'static str, message: impl AsRef<str>) -> Self {
        Self { error_type, message: clip(message.as_ref()) }
    }

    pub fn error_type(&self) -> &'static str {
        self.error_type
    }

    pub fn message(&self) -> &str {
        &self.message
    }
}

/// An error and its causes, each said once: a level that the level above already quotes is left out.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut above = text.clone();
    let mut cause = error.source();
    for _ in 0..CAUSES_MAX {
        let Some(error) = cause else { break };
        let said = error.to_string();
        if !said.is_empty() && !above.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        above = said;
        cause = error.source();
    }
    text
}

fn clip(text: &str) -> String {
    text.chars().take(MESSAGE_CHARS_MAX).collect()
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.error_type, self.message)
    }
}

/// The same as `Display`: this is what Rust prints when `main` ends with it.
impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for Failure {}

impl From<Failure> for Diagnostic {
    fn from(failure: Failure) -> Self {
        Self { error_type: failure.error_type.to_owned(), error_message: failure.message }
    }
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        Self::new("Settings", &error)
    }
}

/// The runtime's own failure, such as a Runtime API that does not answer.
impl From<lambda_runtime::Error> for Failure {
    fn from(error: lambda_runtime::Error) -> Self {
        let error: &(dyn Error + 'static) = &*error;
        Self::new("Runtime", error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the socket was closed")]
    struct Inner;

    #[derive(Debug, thiserror::Error)]
    #[error("the table did not answer")]
    struct Middle(#[source] Inner);

    #[derive(Debug, thiserror::Error)]
    #[error("no outbox row could be read: {0}")]
    struct Quoting(#[source] Middle);

    #[test]
    fn the_whole_chain_is_told() {
        assert_eq!(chain(&Middle(Inner)), "the table did not answer: the socket was closed");
    }

    #[test]
    fn a_cause_that_the_level_above_quotes_is_told_once() {
        assert_eq!(
            chain(&Quoting(Middle(Inner))),
            "no outbox row could be read: the table did not answer: the socket was closed"
        );
    }

    #[test]
    fn the_diagnostic_keeps_type_and_chain() {
        let diagnostic = Diagnostic::from(Failure::new("OutboxRead", &Middle(Inner)));
        assert_eq!(diagnostic.error_type, "OutboxRead");
        assert_eq!(diagnostic.error_message, "the table did not answer: the socket was closed");
    }

    #[test]
    fn a_message_has_a_bound() {
        assert_eq!(Failure::said("Long", "x".repeat(10_000)).message().len(), MESSAGE_CHARS_MAX);
    }

    #[test]
    fn what_main_prints_reads_like_a_sentence() {
        assert_eq!(format!("{:?}", Failure::said("Settings", "A is not set")), "Settings: A is not set");
    }
}
