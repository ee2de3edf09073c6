//! Deployments: what failed, what does not end, and what could not be brought back. What concerns the image and its
//! repository stands in [`super::releases`].
//!
//! | rule | finds | grade |
//! |---|---|---|
//! | `deployments-create-failed` | a service whose creation failed: it serves nobody and counts in the quota | high |
//! | `deployments-delete-failed` | a service whose deletion failed: it cannot be recovered, and stands in the list | medium |
//! | `deployments-last-failed` | the newest deploying operation that ended is `FAILED` or `ROLLBACK_SUCCEEDED`: the old release serves, the new one does not | high |
//! | ... | ... or `ROLLBACK_FAILED`: what serves is not known | critical |
//! | `deployments-stuck` | an operation that has run for [`STUCK_AFTER`], or a service that is busy for so long without one | high |
//! | `deployments-paused` | a service that has been paused for `policy.paused_days` | low |
//! | `deployments-no-good-release` | a service of an image, older than a day, without a release that counts as good: a rollback has nowhere to go | medium |

use jiff::Timestamp;

use super::super::{Check, Findings, Fleet, Grade, Group, Rule, ServiceFacts};
use super::fix::{read_log, serves};
use super::subject::{guide, promises, this};
use crate::ledger::UNPROVEN_COUNTS_AFTER;
use crate::rollback::STUCK_AFTER;
use crate::service::{Operation, OperationKind, OperationStatus, ServiceStatus};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "deployments-create-failed",
        group: Group::Deployments,
        grade: Grade::High,
        title: "The creation of a service failed",
        why: "It serves nobody, and it still counts in the quota of services.",
        chapter: guide("When service creation fails"),
        check: Check::Service(create_failed),
    },
    Rule {
        id: "deployments-delete-failed",
        group: Group::Deployments,
        grade: Grade::Medium,
        title: "The deletion of a service failed",
        why: "It cannot be recovered, and its name and its place in the quota stay taken until the deletion succeeds.",
        chapter: guide("Deleting an App Runner service"),
        check: Check::Service(delete_failed),
    },
    Rule {
        id: "deployments-last-failed",
        group: Group::Deployments,
        grade: Grade::High,
        title: "The last deployment failed",
        why: "The release before it still serves and the service says RUNNING, so that nobody notices that what was \
              deployed last is not in service.",
        chapter: guide("Deploying a new application version to App Runner"),
        check: Check::Service(last_failed),
    },
    Rule {
        id: "deployments-stuck",
        group: Group::Deployments,
        grade: Grade::High,
        title: "A service has been busy for hours",
        why: "App Runner takes no other change meanwhile, no rollback either, and a running operation cannot be \
              cancelled.",
        chapter: guide("App Runner concepts"),
        check: Check::Service(stuck),
    },
    Rule {
        id: "deployments-paused",
        group: Group::Deployments,
        grade: Grade::Low,
        title: "A service has been paused for a long time",
        why: "It counts in the quota, takes no new version and no custom domain, and comes back with the old version.",
        chapter: guide("Pausing and resuming an App Runner service"),
        check: Check::Service(paused),
    },
    Rule {
        id: "deployments-no-good-release",
        group: Group::Deployments,
        grade: Grade::Medium,
        title: "No release is known to be good",
        why: "When the next deployment is bad there is nothing that a rollback could go to.",
        chapter: promises("What good means"),
        check: Check::Service(no_good_release),
    },
];

fn create_failed(_: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    if service.status == ServiceStatus::CreateFailed {
        out.find(
            this(service),
            "Its status is CREATE_FAILED.",
            "Correct what its log names and update it, which builds it again. The command deletes it, for good.",
            format!("aws apprunner delete-service --service-arn {}", service.arn),
        );
    }
}

fn delete_failed(_: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    if service.status == ServiceStatus::DeleteFailed {
        out.find(
            this(service),
            "Its status is DELETE_FAILED.",
            "Delete its VPC ingress connections first, where it has some, and delete it again.",
            format!("aws apprunner delete-service --service-arn {}", service.arn),
        );
    }
}

fn last_failed(_: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    if matches!(service.status, ServiceStatus::CreateFailed | ServiceStatus::Deleted | ServiceStatus::DeleteFailed) {
        return;
    }
    let Some(operations) = out.known(&this(service), &service.operations) else { return };
    let last = operations.iter().find(|operation| operation.kind.deploys() && operation.status.ended());
    let Some(last) = last else { return };
    let (what, grade) = match last.status {
        OperationStatus::Failed => ("failed; what served before it still serves", None),
        OperationStatus::RollbackSucceeded => ("failed, and App Runner went back to what served before it", None),
        OperationStatus::RollbackFailed => {
            ("failed, and so did App Runner's way back: what serves now is not known", Some(Grade::Critical))
        }
        OperationStatus::Succeeded
        | OperationStatus::Pending
        | OperationStatus::InProgress
        | OperationStatus::RollbackInProgress
        | OperationStatus::Unknown(_) => return,
    };
    out.find(
        this(service),
        format!("Its last {} ({}, ended {}) {what}.", last.kind.words(), last.status.as_str(), last.end()),
        "Read the operation's log for the reason, correct it and deploy again.",
        read_log(service, &last.id.log_stream()),
    );
    if let Some(grade) = grade {
        out.graded(grade);
    }
}

fn stuck(fleet: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    if service.status != ServiceStatus::OperationInProgress {
        return;
    }
    let Some(operations) = out.known(&this(service), &service.operations) else { return };
    let (what, since) = match operations.iter().find(|operation| !operation.status.ended()) {
        Some(running) => (format!("Its {} has been running", running.kind.words()), running.started_at),
        None => {
            let Some(memory) = out.known(&this(service), &service.memory) else { return };
            let newest = operations.first().map_or(service.updated_at, Operation::end);
            ("It has been busy without an operation".to_owned(), memory.judged.busy_since.unwrap_or(newest))
        }
    };
    if fleet.now.duration_since(since) >= STUCK_AFTER {
        out.find(
            this(service),
            format!("{what} since {since}."),
            "Open a case with AWS Support with the id of the operation: nobody else can end it. The list shows the id.",
            format!("aws apprunner list-operations --service-arn {} --max-results 5", service.arn),
        );
    }
}

/// When the service was paused: the end of the newest pause, else when it was touched last.
fn paused_at(service: &ServiceFacts, operations: &[Operation]) -> Timestamp {
    let pause = |operation: &&Operation| {
        operation.kind == OperationKind::PauseService && operation.status == OperationStatus::Succeeded
    };
    operations.iter().find(pause).map_or(service.updated_at, Operation::end)
}

fn paused(fleet: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    if service.status != ServiceStatus::Paused {
        return;
    }
    let Some(operations) = out.known(&this(service), &service.operations) else { return };
    let since = paused_at(service, operations);
    let days = fleet.now.duration_since(since).as_hours() / 24;
    if days >= i64::from(fleet.policy.paused_days) {
        out.find(
            this(service),
            format!("It has been paused since {since}, for {days} days."),
            "Resume it, or delete it where nobody misses it: aws apprunner delete-service.",
            format!("aws apprunner resume-service --service-arn {}", service.arn),
        );
    }
}

fn no_good_release(fleet: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    if service.source.image().is_none() || !serves(service) {
        return;
    }
    // Before the age: without a memory the rule has looked at nothing, however young the service is.
    let Some(memory) = out.known(&this(service), &service.memory) else { return };
    if fleet.now.duration_since(service.created_at) < UNPROVEN_COUNTS_AFTER {
        return;
    }
    let ledger = &memory.ledger;
    if ledger.last_good(fleet.now).is_some() {
        return;
    }
    let (name, current) = (service.arn.name(), ledger.current().and_then(|release| release.digest.as_ref()));
    let seen = if ledger.releases.is_empty() {
        "pitcrew remembers no release of it.".to_owned()
    } else {
        format!(
            "None of the {} that pitcrew remembers counts as good.",
            super::fix::count(ledger.releases.len(), "release")
        )
    };
    match current.filter(|digest| !ledger.is_bad(digest)) {
        Some(digest) => out.find(
            this(service),
            seen,
            "Say that what serves now is good, where it is; and give the service an alarm, so that pitcrew sees it \
             itself.",
            format!("pitcrew releases {name} mark-good {digest}"),
        ),
        None => out.find(
            this(service),
            seen,
            "Deploy an image that is known to work: pitcrew follows the deployment and remembers its digest.",
            format!("aws apprunner start-deployment --service-arn {}", service.arn),
        ),
    }
}

#[cfg(test)]
mod tests;
