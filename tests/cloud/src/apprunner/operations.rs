//! Operations and statuses: the two vocabularies of App Runner, and `ListOperations`.
//!
//! `DescribeService` says `OPERATION_IN_PROGRESS`, `ListOperations` says `IN_PROGRESS`: they are two types here as well.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::call::{Answer, Ctx};

use super::AppRunner;
use super::config::members;
use super::ids::{epoch, operation_id};
use super::paging::{newest_first, page};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    CreateFailed,
    Running,
    Deleted,
    DeleteFailed,
    Paused,
    OperationInProgress,
}

impl Status {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::CreateFailed => "CREATE_FAILED",
            Self::Running => "RUNNING",
            Self::Deleted => "DELETED",
            Self::DeleteFailed => "DELETE_FAILED",
            Self::Paused => "PAUSED",
            Self::OperationInProgress => "OPERATION_IN_PROGRESS",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum OperationType {
    StartDeployment,
    CreateService,
    PauseService,
    ResumeService,
    DeleteService,
    UpdateService,
}

impl OperationType {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::StartDeployment => "START_DEPLOYMENT",
            Self::CreateService => "CREATE_SERVICE",
            Self::PauseService => "PAUSE_SERVICE",
            Self::ResumeService => "RESUME_SERVICE",
            Self::DeleteService => "DELETE_SERVICE",
            Self::UpdateService => "UPDATE_SERVICE",
        }
    }

    /// What a deployment's log names as its trigger (facts, section 8).
    pub(super) fn trigger(self) -> &'static str {
        match self {
            Self::CreateService => "SERVICE_CREATE",
            Self::UpdateService => "SERVICE_UPDATE",
            Self::StartDeployment | Self::PauseService | Self::ResumeService | Self::DeleteService => "SERVICE_DEPLOY",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OperationStatus {
    Pending,
    InProgress,
    Failed,
    Succeeded,
    RollbackInProgress,
    RollbackFailed,
    RollbackSucceeded,
}

impl OperationStatus {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::InProgress => "IN_PROGRESS",
            Self::Failed => "FAILED",
            Self::Succeeded => "SUCCEEDED",
            Self::RollbackInProgress => "ROLLBACK_IN_PROGRESS",
            Self::RollbackFailed => "ROLLBACK_FAILED",
            Self::RollbackSucceeded => "ROLLBACK_SUCCEEDED",
        }
    }

    fn has_ended(self) -> bool {
        !matches!(self, Self::Pending | Self::InProgress | Self::RollbackInProgress)
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Operation {
    /// A hyphenated UUID, as the API writes it.
    pub(super) id: String,
    pub(super) kind: OperationType,
    pub(super) status: OperationStatus,
    pub(super) started_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) ended_at: Option<Timestamp>,
}

impl Operation {
    pub(super) fn begun(ctx: &mut Ctx<'_>, kind: OperationType) -> Self {
        Self {
            id: operation_id(ctx.ids),
            kind,
            status: OperationStatus::Pending,
            started_at: ctx.now,
            updated_at: ctx.now,
            ended_at: None,
        }
    }

    pub(super) fn set(&mut self, status: OperationStatus, now: Timestamp) {
        self.status = status;
        self.updated_at = now;
        self.ended_at = status.has_ended().then_some(now);
    }

    fn shown(&self, service_arn: &str) -> Value {
        Value::Object(members([
            ("Id", Some(json!(self.id))),
            ("Type", Some(json!(self.kind.as_str()))),
            ("Status", Some(json!(self.status.as_str()))),
            ("TargetArn", Some(json!(service_arn))),
            ("StartedAt", Some(epoch(self.started_at))),
            ("EndedAt", self.ended_at.map(epoch)),
            ("UpdatedAt", Some(epoch(self.updated_at))),
        ]))
    }
}

impl AppRunner {
    /// Newest first, also for a deleted service as long as it is described.
    pub(super) fn list_operations(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let service = self.known("ListOperations", ctx.now, input)?;
        let rows = (0_u64..)
            .zip(&service.operations)
            .map(|(n, operation)| (newest_first(n), operation.shown(&service.ident.arn)))
            .collect();
        page("ListOperations", input, 20, "OperationSummaryList", rows, Map::new())
    }
}
