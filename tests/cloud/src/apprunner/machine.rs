//! The state machine of a service: what a running operation does next, and when.
//!
//! A job is what keeps a service in `OPERATION_IN_PROGRESS`. Each step does its work at `ctx.now` and names the next step
//! and its distance; nothing is decided before its time, so an image that changes meanwhile is seen as it is then.

use jiff::{SignedDuration, Timestamp};

use crate::call::Ctx;
use crate::effect::Effect;

use super::deploy::{self, Deployment};
use super::events::{self, Deployed, Stage};
use super::operations::{Operation, OperationStatus, OperationType, Status};
use super::services::{Identity, Service};

/// The service event that leaves `RUNNING` comes within a second of the operation's (facts, 1.4).
pub(super) const ANNOUNCE_SECS: i64 = 1;
/// Our choice: the sheet has no timing for these three.
const PAUSE_SECS: i64 = 60;
const RESUME_SECS: i64 = 90;
const DELETE_SECS: i64 = 60;
/// An auto-deployment starts some seconds after the push, or after the operation that was in its way.
pub(super) const AUTO_DEPLOY_SECS: i64 = 5;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Work {
    /// AWS works on the service; no operation is listed.
    Maintenance,
    Change(Change),
    Deploy(Box<Deployment>),
}

/// What a service is busy with.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Job {
    pub(super) due: Timestamp,
    pub(super) work: Work,
}

/// A pause, a resume or a deletion.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Change {
    pub(super) operation: usize,
    pub(super) before: Status,
    pub(super) announced: bool,
}

pub(super) fn later(now: Timestamp, secs: i64) -> Timestamp {
    // A clock at the end of time simply stops moving.
    now.checked_add(SignedDuration::from_secs(secs)).unwrap_or(Timestamp::MAX)
}

impl Service {
    /// Lists a new operation, tells that it started and takes the service out of its state.
    pub(super) fn begin(&mut self, ctx: &mut Ctx<'_>, kind: OperationType) -> (usize, Status) {
        let operation = Operation::begun(ctx, kind);
        story(ctx, format!("{}: {} started", self.ident.name, kind.as_str()));
        events::operation(ctx, &self.ident, kind, Stage::Started, Deployed::Configuration);
        self.operations.push(operation);
        let before = self.status;
        self.status = Status::OperationInProgress;
        self.updated_at = ctx.now;
        (self.operations.len() - 1, before)
    }

    pub(super) fn begin_change(&mut self, ctx: &mut Ctx<'_>, kind: OperationType) -> String {
        let (operation, before) = self.begin(ctx, kind);
        let work = Work::Change(Change { operation, before, announced: false });
        self.job = Some(Job { due: later(ctx.now, ANNOUNCE_SECS), work });
        self.operations.get(operation).map(|o| o.id.clone()).unwrap_or_default()
    }

    /// Takes the service out of `RUNNING` without an operation.
    pub(super) fn begin_maintenance(&mut self, ctx: &mut Ctx<'_>, secs: i64) {
        let before = self.status;
        self.set_status(ctx, before, Status::OperationInProgress);
        self.job = Some(Job { due: later(ctx.now, secs), work: Work::Maintenance });
    }

    pub(super) fn set_operation(&mut self, operation: usize, status: OperationStatus, now: Timestamp) {
        if let Some(operation) = self.operations.get_mut(operation) {
            operation.set(status, now);
        }
    }

    /// Changes the service's status and tells it.
    pub(super) fn set_status(&mut self, ctx: &mut Ctx<'_>, previous: Status, current: Status) {
        self.status = current;
        self.updated_at = ctx.now;
        events::status(ctx, &self.ident, previous, current);
    }

    /// Does the job's next step. Called when the job is due.
    pub(super) fn advance(&mut self, ctx: &mut Ctx<'_>) {
        let Some(job) = self.job.take() else { return };
        match job.work {
            Work::Maintenance => self.set_status(ctx, Status::OperationInProgress, Status::Running),
            Work::Change(change) => self.advance_change(ctx, change),
            Work::Deploy(deployment) => deploy::advance(self, ctx, *deployment),
        }
        if self.job.is_none() && std::mem::take(&mut self.pushed_while_busy) && self.status == Status::Running {
            self.push_due = Some(later(ctx.now, AUTO_DEPLOY_SECS));
        }
    }

    fn advance_change(&mut self, ctx: &mut Ctx<'_>, mut change: Change) {
        let Some(kind) = self.operations.get(change.operation).map(|operation| operation.kind) else { return };
        if !change.announced {
            change.announced = true;
            self.set_operation(change.operation, OperationStatus::InProgress, ctx.now);
            events::status(ctx, &self.ident, change.before, Status::OperationInProgress);
            let secs = match kind {
                OperationType::PauseService => PAUSE_SECS,
                OperationType::ResumeService => RESUME_SECS,
                _ => DELETE_SECS,
            };
            self.job = Some(Job { due: later(ctx.now, secs), work: Work::Change(change) });
            return;
        }
        let fails = self.fail_next.remove(&kind);
        let (outcome, stage) = match fails {
            true => (OperationStatus::Failed, Stage::Failed),
            false => (OperationStatus::Succeeded, Stage::CompletedSuccessfully),
        };
        let after = match (kind, fails) {
            (OperationType::DeleteService, true) => Status::DeleteFailed,
            (_, true) => change.before,
            (OperationType::PauseService, false) => Status::Paused,
            (OperationType::ResumeService, false) => Status::Running,
            (_, false) => Status::Deleted,
        };
        self.set_operation(change.operation, outcome, ctx.now);
        story(ctx, format!("{}: {} {}", self.ident.name, kind.as_str(), outcome.as_str()));
        events::operation(ctx, &self.ident, kind, stage, Deployed::Configuration);
        self.set_status(ctx, Status::OperationInProgress, after);
        self.serving = after == Status::Running && self.running.is_some();
        if after == Status::Deleted {
            self.deleted_at = Some(ctx.now);
        }
    }
}

/// A line of the story for the person who watches.
pub(super) fn story(ctx: &mut Ctx<'_>, text: String) {
    ctx.effects.push(Effect::Story { who: "App Runner".to_owned(), text });
}

/// Names the service in a story.
pub(super) fn told(ctx: &mut Ctx<'_>, who: &Identity, text: &str) {
    story(ctx, format!("{}: {text}", who.name));
}
