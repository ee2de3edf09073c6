//! One deployment, step by step: fetch, provision, check, route, or roll back (facts, 1.1 and 8).
//!
//! | What the image does | Where it ends |
//! |---|---|
//! | healthy | `SUCCEEDED` after about 4 minutes |
//! | cannot be fetched, or is not built | `FAILED`, or `ROLLBACK_SUCCEEDED` by `switches.early_failure` |
//! | ends at start-up | rolled back within 1 to 2 minutes |
//! | never answers its health check | the check gives up after 6 minutes, the rollback takes 2 |
//! | one of the last two, and `rollback_fails` | `ROLLBACK_FAILED`: the service runs the new version (our choice) |
//! | any failure where no version was live | `FAILED`, service `CREATE_FAILED`; the check gives up after 18 minutes |

use crate::call::Ctx;
use crate::switches::{EarlyFailure, FailedEvent};

use super::config::Config;
use super::events::{self, Deployed, Stage};
use super::image::{Artifact, fetch};
use super::lines;
use super::machine::{ANNOUNCE_SECS, Job, Work, later, told};
use super::operations::{Operation, OperationStatus, OperationType, Status};
use super::services::{Running, Service};

// Seconds from one step to the next. A success adds up to 242 s ("about 4 minutes", facts 1.1, timing).
const FETCH_SECS: i64 = 1;
const PULL_TAKES_SECS: i64 = 20;
const BUILD_TAKES_SECS: i64 = 90;
const PROVISION_SECS: i64 = 20;
const CHECK_SECS: i64 = 5;
const HEALTHY_SECS: i64 = 135;
const ROUTE_SECS: i64 = 30;
const COMPLETE_SECS: i64 = 30;
/// The health check of an update or a deployment gives up (facts: about 6 minutes).
const GIVE_UP_SECS: i64 = 360;
/// The health check of a first deployment gives up: about 18 minutes after the start.
const GIVE_UP_FIRST_SECS: i64 = 1035;
const CRASH_SECS: i64 = 10;
/// A rollback after a failed health check; after a crash; after a failure before any instance started.
const ROLLBACK_SECS: i64 = 120;
const ROLLBACK_AFTER_CRASH_SECS: i64 = 45;
const ROLLBACK_EARLY_SECS: i64 = 30;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Announce,
    Fetch,
    Fetched,
    Provision,
    Check,
    Crashed(i32),
    GiveUp,
    Healthy,
    Route,
    Complete,
    RolledBack,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Deployment {
    operation: usize,
    kind: OperationType,
    step: Step,
    /// The service's status and shown configuration before the operation, to which a rollback returns.
    before: (Status, Config),
    /// Whether the image is pulled (the code is built), or the running one gets a new configuration.
    fetches: bool,
    artifact: Option<Artifact>,
}

impl Service {
    /// Starts a deployment of the configuration `next`. The status must allow it; the answer is the operation's id.
    pub(super) fn begin_deployment(&mut self, ctx: &mut Ctx<'_>, kind: OperationType, next: Config) -> String {
        let previous = std::mem::replace(&mut self.shown, next);
        let fetches = match (&self.running, kind) {
            (Some(_), OperationType::UpdateService) => self.shown.needs_fetch_after(&previous),
            _ => true,
        };
        let artifact = if fetches { None } else { self.running.as_ref().map(|running| running.artifact.clone()) };
        let (operation, status) = self.begin(ctx, kind);
        let before = (status, previous);
        let deployment = Deployment { operation, kind, step: Step::Announce, before, fetches, artifact };
        self.job = Some(Job { due: later(ctx.now, ANNOUNCE_SECS), work: Work::Deploy(Box::new(deployment)) });
        self.operations.get(operation).map(|o| o.id.clone()).unwrap_or_default()
    }
}

/// Does the deployment's step and schedules the next one, if there is one.
pub(super) fn advance(service: &mut Service, ctx: &mut Ctx<'_>, mut deployment: Deployment) {
    let Some(operation) = service.operations.get(deployment.operation).cloned() else { return };
    let next = step(service, ctx, &mut deployment, &operation);
    if let Some((step, secs)) = next {
        deployment.step = step;
        service.job = Some(Job { due: later(ctx.now, secs), work: Work::Deploy(Box::new(deployment)) });
    }
}

type Next = Option<(Step, i64)>;

fn step(service: &mut Service, ctx: &mut Ctx<'_>, d: &mut Deployment, operation: &Operation) -> Next {
    match d.step {
        Step::Announce => announce(service, ctx, d, operation),
        Step::Fetch => {
            lines::fetch_started(ctx, &service.ident, operation, &service.shown);
            d.artifact = fetch(&service.shown, &service.code, ctx.outside, ctx.place);
            Some((Step::Fetched, if service.shown.is_code() { BUILD_TAKES_SECS } else { PULL_TAKES_SECS }))
        }
        Step::Fetched => fetched(service, ctx, d, operation),
        Step::Provision => provision(service, ctx, d, operation),
        Step::Check => check(service, ctx, d, operation),
        Step::Crashed(exit_code) => {
            lines::crashed(ctx, &service.ident, operation, exit_code);
            told(ctx, &service.ident, &format!("the new version ended with exit code {exit_code}"));
            fail_late(service, ctx, d, ROLLBACK_AFTER_CRASH_SECS)
        }
        Step::GiveUp => {
            lines::health_check_failed(ctx, &service.ident, operation, &service.shown);
            told(ctx, &service.ident, "the new version does not answer its health check");
            fail_late(service, ctx, d, ROLLBACK_SECS)
        }
        Step::Healthy => {
            lines::health_check_succeeded(ctx, &service.ident, operation);
            Some((Step::Route, ROUTE_SECS))
        }
        Step::Route => {
            lines::routed(ctx, &service.ident, operation);
            serve(service, d);
            Some((Step::Complete, COMPLETE_SECS))
        }
        Step::Complete => complete(service, ctx, d),
        Step::RolledBack => rolled_back(service, ctx, d),
    }
}

fn announce(service: &mut Service, ctx: &mut Ctx<'_>, d: &Deployment, operation: &Operation) -> Next {
    service.set_operation(d.operation, OperationStatus::InProgress, ctx.now);
    if d.kind == OperationType::CreateService {
        events::status_line(ctx, &service.ident, Status::OperationInProgress);
    } else {
        events::status(ctx, &service.ident, d.before.0, Status::OperationInProgress);
    }
    lines::deployment_started(ctx, &service.ident, operation, &service.shown);
    let step = match (d.fetches, d.before.0) {
        (true, _) => Step::Fetch,
        (false, Status::Paused) => Step::Complete,
        (false, _) => Step::Provision,
    };
    Some((step, FETCH_SECS))
}

fn fetched(service: &mut Service, ctx: &mut Ctx<'_>, d: &Deployment, operation: &Operation) -> Next {
    if d.artifact.is_none() {
        lines::fetch_failed(ctx, &service.ident, operation, &service.shown);
        told(ctx, &service.ident, "the image could not be fetched");
        return fail_early(service, ctx, d);
    }
    lines::fetch_succeeded(ctx, &service.ident, operation, &service.shown);
    let had_pipeline = d.kind != OperationType::CreateService && d.before.1.auto_deploys();
    if service.shown.auto_deploys() && !had_pipeline {
        lines::pipeline_created(ctx, &service.ident, operation);
    }
    // A paused service has no instances to provision or to check.
    let step = if d.before.0 == Status::Paused { Step::Complete } else { Step::Provision };
    Some((step, PROVISION_SECS))
}

fn provision(service: &Service, ctx: &mut Ctx<'_>, d: &Deployment, operation: &Operation) -> Next {
    lines::provisioning(ctx, &service.ident, operation, &service.shown);
    let instance = ctx.ids.hex32();
    if let Some(artifact) = &d.artifact {
        let behaviour = artifact.behaviour(ctx.outside);
        lines::instance_started(ctx, &service.ident, &instance, &behaviour);
    }
    Some((Step::Check, CHECK_SECS))
}

fn check(service: &Service, ctx: &mut Ctx<'_>, d: &Deployment, operation: &Operation) -> Next {
    lines::health_check_started(ctx, &service.ident, operation, &service.shown);
    let behaviour = d.artifact.as_ref().map(|artifact| artifact.behaviour(ctx.outside)).unwrap_or_default();
    // A wrong architecture shows as a check that fails, not as an exit code (facts, section 8, rows 2 and 11).
    if behaviour.healthy && behaviour.exit_code.is_none() && !behaviour.wrong_architecture {
        return Some((Step::Healthy, HEALTHY_SECS));
    }
    match behaviour.exit_code {
        Some(exit_code) if !behaviour.wrong_architecture => Some((Step::Crashed(exit_code), CRASH_SECS)),
        _ if service.running.is_none() => Some((Step::GiveUp, GIVE_UP_FIRST_SECS)),
        _ => Some((Step::GiveUp, GIVE_UP_SECS)),
    }
}

/// From now on the new version answers the requests.
fn serve(service: &mut Service, d: &Deployment) {
    if let Some(artifact) = d.artifact.clone() {
        service.running = Some(Running { config: service.shown.clone(), artifact });
        service.serving = d.before.0 != Status::Paused;
    }
}

fn complete(service: &mut Service, ctx: &mut Ctx<'_>, d: &Deployment) -> Next {
    serve(service, d);
    let deployed = if d.fetches { Deployed::ApplicationAndConfiguration } else { Deployed::Configuration };
    service.set_operation(d.operation, OperationStatus::Succeeded, ctx.now);
    told(ctx, &service.ident, &format!("{} SUCCEEDED", d.kind.as_str()));
    events::operation(ctx, &service.ident, d.kind, Stage::CompletedSuccessfully, deployed);
    let after = if d.before.0 == Status::Paused { Status::Paused } else { Status::Running };
    service.set_status(ctx, Status::OperationInProgress, after);
    None
}

/// A failure before anything was shifted: the live version was never touched.
fn fail_early(service: &mut Service, ctx: &mut Ctx<'_>, d: &Deployment) -> Next {
    let reverts = ctx.switches.early_failure == EarlyFailure::RollbackSucceeded;
    if service.running.is_some() && d.before.0 == Status::Running && reverts {
        return begin_rollback(service, ctx, d, ROLLBACK_EARLY_SECS);
    }
    if service.running.is_some() {
        service.shown = d.before.1.clone();
    }
    fail(service, ctx, d)
}

/// A failure of the new version itself: what was live is restored, if anything was.
fn fail_late(service: &mut Service, ctx: &mut Ctx<'_>, d: &Deployment, secs: i64) -> Next {
    if service.running.is_some() { begin_rollback(service, ctx, d, secs) } else { fail(service, ctx, d) }
}

/// Ends the operation as `FAILED`. Without a live version the service is `CREATE_FAILED` and shows what was asked for.
fn fail(service: &mut Service, ctx: &mut Ctx<'_>, d: &Deployment) -> Next {
    let after = if service.running.is_some() { d.before.0 } else { Status::CreateFailed };
    service.set_operation(d.operation, OperationStatus::Failed, ctx.now);
    told(ctx, &service.ident, &format!("{} FAILED", d.kind.as_str()));
    events::operation(ctx, &service.ident, d.kind, Stage::Failed, Deployed::Configuration);
    service.set_status(ctx, Status::OperationInProgress, after);
    None
}

fn begin_rollback(service: &mut Service, ctx: &mut Ctx<'_>, d: &Deployment, secs: i64) -> Next {
    service.set_operation(d.operation, OperationStatus::RollbackInProgress, ctx.now);
    told(ctx, &service.ident, "App Runner rolls back");
    if ctx.switches.failed_event == FailedEvent::AtDetection {
        events::operation(ctx, &service.ident, d.kind, Stage::Failed, Deployed::Configuration);
    }
    Some((Step::RolledBack, secs))
}

fn rolled_back(service: &mut Service, ctx: &mut Ctx<'_>, d: &Deployment) -> Next {
    let fails = d.artifact.as_ref().is_some_and(|artifact| artifact.behaviour(ctx.outside).rollback_fails);
    let outcome = if fails { OperationStatus::RollbackFailed } else { OperationStatus::RollbackSucceeded };
    if fails {
        // Nobody has published what is left then. Our choice is the worst case: the new version serves (README).
        serve(service, d);
    } else {
        service.shown = d.before.1.clone();
    }
    service.set_operation(d.operation, outcome, ctx.now);
    told(ctx, &service.ident, &format!("{} {}", d.kind.as_str(), outcome.as_str()));
    if ctx.switches.failed_event == FailedEvent::AfterRollback {
        events::operation(ctx, &service.ident, d.kind, Stage::Failed, Deployed::Configuration);
    }
    service.set_status(ctx, Status::OperationInProgress, Status::Running);
    None
}
