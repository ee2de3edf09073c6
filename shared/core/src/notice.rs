//! What people are told, as a value. Decisions make notices; `render` turns them into mail, JSON and Slack blocks.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::diagnosis::Diagnosis;
use crate::id::ServiceArn;

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
    /// The receipt behind it: `pitcrew explain` takes it.
    pub receipt: String,
    pub at: Timestamp,
}
