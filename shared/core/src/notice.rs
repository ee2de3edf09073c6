//! What people are told, as a value. Decisions make notices; `render` turns them into mail, JSON and Slack blocks.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::diagnosis::{Diagnosis, LogLine};
use crate::id::ServiceArn;
use crate::render::clean::clip;

/// How loudly it is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing: a release became good, an incident ended.
    Info,
    /// Something failed and users were not hurt, or pitcrew handled it.
    Warning,
    /// Users are or may be hurt, and pitcrew could not or may not mend it: a person is needed now.
    Critical,
}

/// What the notice is about. Stable: filter policies and dashboards hang on these names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// A deployment failed and App Runner reverted it by itself.
    DeploymentReverted,
    /// An operation failed (create, update, deploy, delete, pause, resume).
    OperationFailed,
    /// A rollback has begun.
    RollbackStarted,
    /// A rollback has ended well.
    RollbackSucceeded,
    /// A rollback of ours failed, or cannot be made: a person is needed.
    RollbackFailed,
    /// What pitcrew would do, and the one command that does it.
    Proposal,
    /// pitcrew stood down because somebody else acted.
    StoodDown,
    /// An alarm fired where no rollback follows from it.
    Alarm,
    /// An operation has been running for too long.
    Stuck,
    /// The service's state changed without an operation that explains it.
    ServiceState,
    /// A push that reaches nothing because the service is pinned, a pin that ended.
    Pin,
    /// A custom domain: finished, repaired, or stopped by something in its way.
    Domain,
    /// A certificate: renewed, late, about to expire, expired.
    Certificate,
    /// What an audit of the fleet found that the one before did not, and what is mended since.
    Audit,
    /// Something about pitcrew itself: the breaker, a dead channel.
    Crew,
}

/// Something a person can do, with the command that does it where one does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Todo {
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}

/// A link, built only from parts that pitcrew validated itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    pub label: String,
    pub url: String,
}

/// One thing to tell. All texts are plain: escaping is the renderer's work, and every string may hold text from outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Identity for deduplication: the same thing told twice has the same id. Never derived from texts.
    pub id: String,
    pub kind: NoticeKind,
    pub severity: Severity,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceArn>,
    /// The incident it belongs to: one Slack thread per incident.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<String>,
    /// The cause's identity: a burst of notices of one group becomes one message.
    pub group: String,
    /// One line, without markup: `shop-api: deployment failed its health check; App Runner restored the previous release`.
    pub headline: String,
    /// What happened, in one to three sentences.
    pub happened: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Diagnosis>,
    /// What pitcrew did, or why it did nothing.
    pub done: Vec<String>,
    pub todo: Vec<Todo>,
    pub links: Vec<Link>,
    /// The receipt behind it: `pitcrew explain` shows it in the story of what the notice is about.
    pub receipt: String,
    pub at: Timestamp,
}

impl Severity {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

impl NoticeKind {
    /// The name as it is serialised.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DeploymentReverted => "deployment_reverted",
            Self::OperationFailed => "operation_failed",
            Self::RollbackStarted => "rollback_started",
            Self::RollbackSucceeded => "rollback_succeeded",
            Self::RollbackFailed => "rollback_failed",
            Self::Proposal => "proposal",
            Self::StoodDown => "stood_down",
            Self::Alarm => "alarm",
            Self::Stuck => "stuck",
            Self::ServiceState => "service_state",
            Self::Pin => "pin",
            Self::Domain => "domain",
            Self::Certificate => "certificate",
            Self::Audit => "audit",
            Self::Crew => "crew",
        }
    }
}

impl Notice {
    /// A copy in which no text is longer than `chars_max` characters and no list longer than `items_max`, so that it fits
    /// into a row or a message. The id, the group, the incident and the receipt are ours and stay whole; a link that would
    /// have to be cut is left out.
    #[must_use]
    pub fn clipped(&self, chars_max: usize, items_max: usize) -> Self {
        let text = |text: &str| clip(text, chars_max);
        let line = |line: &LogLine| LogLine { text: text(&line.text), ..line.clone() };
        let why = self.why.as_ref().map(|why| Diagnosis {
            cause: why.cause,
            summary: text(&why.summary),
            evidence: why.evidence.as_ref().map(line),
            fix: text(&why.fix),
            last_lines: why.last_lines.iter().rev().take(items_max).rev().map(line).collect(),
        });
        let todo = |todo: &Todo| Todo { text: text(&todo.text), command: todo.command.as_deref().map(text) };
        Self {
            headline: text(&self.headline),
            happened: text(&self.happened),
            why,
            done: self.done.iter().take(items_max).map(|done| text(done)).collect(),
            todo: self.todo.iter().take(items_max).map(todo).collect(),
            links: self
                .links
                .iter()
                .filter(|link| link.url.len() <= chars_max)
                .take(items_max)
                .map(|link| Link { label: text(&link.label), url: link.url.clone() })
                .collect(),
            ..self.clone()
        }
    }
}

#[cfg(test)]
pub(crate) mod samples;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_those_that_are_serialised() {
        let kinds = [
            NoticeKind::DeploymentReverted,
            NoticeKind::OperationFailed,
            NoticeKind::RollbackStarted,
            NoticeKind::RollbackSucceeded,
            NoticeKind::RollbackFailed,
            NoticeKind::Proposal,
            NoticeKind::StoodDown,
            NoticeKind::Alarm,
            NoticeKind::Stuck,
            NoticeKind::ServiceState,
            NoticeKind::Pin,
            NoticeKind::Domain,
            NoticeKind::Certificate,
            NoticeKind::Audit,
            NoticeKind::Crew,
        ];
        for kind in kinds {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        for severity in [Severity::Info, Severity::Warning, Severity::Critical] {
            assert_eq!(serde_json::to_value(severity).unwrap(), severity.as_str());
        }
    }

    #[test]
    fn clipping_keeps_identities_and_bounds_the_rest() {
        let notice = samples::hostile(&"é".repeat(1_000_000));
        let clipped = notice.clipped(100, 3);
        assert_eq!((&clipped.id, &clipped.receipt), (&notice.id, &notice.receipt));
        assert!(serde_json::to_string(&clipped).unwrap().len() < 5_000);
    }

    #[test]
    fn a_short_notice_is_not_changed_by_clipping() {
        assert_eq!(samples::reverted().clipped(4_000, 50), samples::reverted());
    }
}
