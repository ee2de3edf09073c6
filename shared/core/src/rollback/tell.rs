//! The words of the notices that deployments give rise to. One function a row of the table; facts in, a value out.

use jiff::{SignedDuration, Timestamp};

use super::{Alarm, Observed, Transition};
use crate::autonomy::Withheld;
use crate::diagnosis::Diagnosis;
use crate::id::{Digest, ImageRef, OperationId};
use crate::incident::{Action, Incident, IncidentKind, Intent};
use crate::ledger::{Pin, Verdict};
use crate::notice::{Link, Notice, NoticeKind, Severity, Todo};
use crate::service::{Operation, OperationKind};

/// `4 min 30 s`: a span that people read.
pub(super) fn span(later: Timestamp, earlier: Timestamp) -> String {
    let seconds = later.duration_since(earlier).max(SignedDuration::ZERO).as_secs();
    match (seconds / 3600, seconds % 3600 / 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, 0) => format!("{m} min"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, 0, _) => format!("{h} h"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}

fn links(seen: &Observed) -> Vec<Link> {
    let region = seen.arn.region();
    let home = format!("https://{region}.console.aws.amazon.com/apprunner/home?region={region}#/services");
    let url = format!("{home}/dashboard?service_arn={}", seen.arn);
    vec![Link { label: "App Runner console".to_owned(), url: format!("{url}&active_tab=logs") }]
}

fn todo(text: impl Into<String>) -> Todo {
    Todo { text: text.into(), command: None }
}

fn todo_by(text: impl Into<String>, command: String) -> Todo {
    Todo { text: text.into(), command: Some(command) }
}

/// The frame of every notice; `what` makes its id unlike those of the incident's other notices.
fn notice(seen: &Observed, kind: NoticeKind, severity: Severity, about: &str, what: &str) -> Notice {
    Notice {
        id: format!("{about}/{what}"),
        kind,
        severity,
        service: Some(seen.arn.clone()),
        incident: None,
        group: format!("{what}:{}", seen.arn),
        headline: String::new(),
        happened: String::new(),
        why: None,
        done: Vec::new(),
        todo: Vec::new(),
        links: links(seen),
        receipt: String::new(),
        at: seen.now,
    }
}

fn of_incident(seen: &Observed, incident: &Incident, kind: NoticeKind, severity: Severity, what: &str) -> Notice {
    let mut notice = notice(seen, kind, severity, &incident.id, what);
    notice.incident = Some(incident.id.clone());
    notice
}

/// What a burst shares: the cause that the diagnosis names.
fn group_by_cause(notice: &mut Notice, what: &str) {
    if let Some(diagnosis) = &notice.why {
        notice.group = format!("{what}:{:?}", diagnosis.cause);
    }
}

fn because(diagnosis: Option<&Diagnosis>) -> String {
    diagnosis.map(|diagnosis| format!(": {}", diagnosis.summary)).unwrap_or_default()
}

pub(super) fn reverted(
    seen: &Observed,
    incident: &Incident,
    why: Option<Diagnosis>,
    marked: bool,
    armed: Option<&ImageRef>,
) -> Notice {
    let name = seen.arn.name();
    let mut notice = of_incident(seen, incident, NoticeKind::DeploymentReverted, Severity::Warning, "reverted");
    notice.headline =
        format!("{name}: deployment failed, App Runner restored the previous release{}", because(why.as_ref()));
    notice.happened =
        "The new version did not become healthy. App Runner went back to the previous release by itself and \
                       reports the service as RUNNING, so nothing else shows that the deployment failed."
            .to_owned();
    notice.done.push("Nothing was changed in App Runner: the previous release serves.".to_owned());
    match &incident.failing {
        Some(bad) if marked => notice.done.push(format!("{} is remembered as bad.", bad.short())),
        Some(same) => notice.done.push(format!(
            "{} is the image that serves, so it is not marked bad: look at what else the operation changed.",
            same.short()
        )),
        None => {}
    }
    if let Some(image) = armed {
        notice.todo.push(todo_by(
            format!(
                "{} still names the bad image: the next deployment, or any update that pulls again, brings it back. Push a \
                 fixed image, or pin the service to its last good release",
                image.short()
            ),
            format!("pitcrew rollback {name}"),
        ));
    }
    notice.why = why;
    group_by_cause(&mut notice, "reverted");
    notice
}

pub(super) fn operation_failed(
    seen: &Observed,
    incident: &Incident,
    operation: &Operation,
    why: Option<Diagnosis>,
) -> Notice {
    let name = seen.arn.name();
    let mut notice = of_incident(seen, incident, NoticeKind::OperationFailed, Severity::Warning, "failed");
    notice.headline = format!("{name}: {} failed{}", operation.kind.words(), because(why.as_ref()));
    notice.happened = format!("Operation {} ended {}.", operation.id, operation.status.as_str());
    match operation.kind {
        OperationKind::CreateService => {
            notice.severity = Severity::Critical;
            notice.done.push("There is no earlier release to go back to.".to_owned());
            notice
                .todo
                .push(todo("A service in CREATE_FAILED counts against the quota until it is updated or deleted."));
        }
        OperationKind::DeleteService => {
            notice.done.push("pitcrew never deletes.".to_owned());
            notice.todo.push(todo("Remove its VPC ingress connections first, then delete it again."));
        }
        OperationKind::PauseService | OperationKind::ResumeService => {
            notice.done.push("Nothing was changed.".to_owned());
        }
        OperationKind::StartDeployment | OperationKind::UpdateService | OperationKind::Unknown(_) => {
            notice.done.push("The previous release goes on serving.".to_owned());
        }
    }
    notice.why = why;
    group_by_cause(&mut notice, "failed");
    notice
}

pub(super) fn native_rollback_failed(
    seen: &Observed,
    incident: &Incident,
    why: Option<Diagnosis>,
    status: &str,
) -> Notice {
    let name = seen.arn.name();
    let mut notice = of_incident(seen, incident, NoticeKind::OperationFailed, Severity::Critical, "rollback-failed");
    notice.headline =
        format!("{name}: deployment failed and App Runner could not roll it back{}", because(why.as_ref()));
    notice.happened =
        format!("The operation ended ROLLBACK_FAILED and the service is {status}. What serves now is not certain.");
    if status != "RUNNING" {
        notice.todo.push(todo(
            "A service that does not run cannot be updated: look at its logs and at the AWS Health dashboard.",
        ));
    }
    notice.why = why;
    notice
}

pub(super) fn rollback_started(seen: &Observed, incident: &Incident, action: &Action) -> Notice {
    let name = seen.arn.name();
    let mut notice = of_incident(seen, incident, NoticeKind::RollbackStarted, Severity::Critical, "started");
    if incident.kind == IncidentKind::Manual {
        notice.severity = Severity::Info;
    }
    notice.headline = format!("{name}: {}", incident.summary);
    notice.happened = match incident.kind {
        IncidentKind::BadRelease => {
            "App Runner found the deployment healthy, then the service's own alarm fired inside the bake window."
                .to_owned()
        }
        IncidentKind::RollbackFailed => "App Runner could not restore the previous release by itself.".to_owned(),
        IncidentKind::Manual => "An operator asked for it.".to_owned(),
        IncidentKind::Reverted | IncidentKind::Failed | IncidentKind::Stuck => {
            "The release is eligible for a rollback.".to_owned()
        }
    };
    notice.done.push(format!("pitcrew is about to {}.", action.words()));
    notice
}

pub(super) fn rollback_succeeded(
    seen: &Observed,
    incident: &Incident,
    intent: &Intent,
    ours: &Operation,
    pinned: bool,
) -> Notice {
    let name = seen.arn.name();
    let mut notice = of_incident(seen, incident, NoticeKind::RollbackSucceeded, Severity::Info, "succeeded");
    notice.headline = match &intent.action {
        Action::SetImage { image, auto_deploy: false } if image.digest().is_some() => {
            format!("{name}: rolled back to {}", image.short())
        }
        Action::SetImage { image, .. } => format!("{name}: back on {}", image.short()),
        Action::Redeploy { image } => format!("{name}: deployed {} once more", image.short()),
        Action::SetBranch { branch } => format!("{name}: rolled back to the branch {branch}"),
    };
    notice.happened = format!(
        "pitcrew's own operation {} SUCCEEDED {} after the incident began.",
        ours.id,
        span(ours.end(), incident.opened_at)
    );
    if pinned && matches!(intent.action, Action::SetImage { .. }) {
        notice
            .done
            .push("The service is pinned: automatic deployment is off and pushes to the tag reach nothing.".to_owned());
        notice.todo.push(todo_by("Push a fixed image, then give the tag back", format!("pitcrew unpin {name}")));
    }
    notice.todo.push(todo(
        "Data and migrations are not rolled back: check that the older release can read what the newer one wrote.",
    ));
    notice
}

pub(super) fn rollback_failed(
    seen: &Observed,
    incident: &Incident,
    intent: &Intent,
    ours: &Operation,
    why: Option<Diagnosis>,
) -> Notice {
    let name = seen.arn.name();
    let mut notice = of_incident(seen, incident, NoticeKind::RollbackFailed, Severity::Critical, "ours-failed");
    notice.headline = format!("{name}: the rollback itself failed, a person is needed{}", because(why.as_ref()));
    notice.happened = format!(
        "pitcrew tried to {}; its operation {} ended {}.",
        intent.action.words(),
        ours.id,
        ours.status.as_str()
    );
    notice
        .done
        .push("pitcrew stops here: it never makes a second automatic rollback for the same bad release.".to_owned());
    notice.todo.push(todo_by("Choose a release by hand", format!("pitcrew releases {name}")));
    notice.why = why;
    notice
}

pub(super) fn ours_not_listed(
    seen: &Observed,
    incident: &Incident,
    intent: &Intent,
    operation: &OperationId,
) -> Notice {
    let name = seen.arn.name();
    let mut notice = of_incident(seen, incident, NoticeKind::RollbackFailed, Severity::Critical, "not-listed");
    notice.headline = format!("{name}: nobody knows how the rollback ended, a person is needed");
    notice.happened = format!(
        "pitcrew started operation {operation} to {}; App Runner does not list it {} later.",
        intent.action.words(),
        span(seen.now, intent.written_at)
    );
    notice.done.push("pitcrew stops here: it never makes a second automatic rollback for the same release.".to_owned());
    notice.todo.push(todo("Compare what the service runs with what is wanted."));
    notice
}

pub(super) fn refused(seen: &Observed, incident: &Incident, action: &Action, why: &str) -> Notice {
    let name = seen.arn.name();
    let mut notice = of_incident(seen, incident, NoticeKind::RollbackFailed, Severity::Critical, "refused");
    if incident.kind == IncidentKind::Manual {
        notice.severity = Severity::Warning;
    }
    notice.headline = format!("{name}: the rollback could not be started, a person is needed");
    notice.happened = format!("pitcrew tried to {}. {why}", action.words());
    notice.done.push("Nothing was changed.".to_owned());
    notice.todo.push(todo_by("Mend what it says, then start it by hand", format!("pitcrew rollback {name}")));
    notice
}

pub(super) fn proposal(seen: &Observed, incident: &Incident, why: Withheld, action: &Action) -> Notice {
    let name = seen.arn.name();
    let mut notice = of_incident(seen, incident, NoticeKind::Proposal, Severity::Critical, "proposal");
    notice.headline = format!("{name}: {}; pitcrew would {}", incident.summary, action.words());
    notice.happened = "The release is eligible for a rollback.".to_owned();
    notice.done.push(format!("Nothing was changed: {why}."));
    if why != Withheld::Observe && why != Withheld::Off {
        let to = match action {
            Action::SetImage { image, .. } | Action::Redeploy { image } => {
                image.digest().map(|digest| format!(" --to {digest}")).unwrap_or_default()
            }
            Action::SetBranch { .. } => String::new(),
        };
        notice.todo.push(todo_by("Do it", format!("pitcrew rollback {name}{to}")));
    }
    notice.group = format!("proposal:{why:?}");
    notice
}

pub(super) fn breaker_opened(seen: &Observed) -> Notice {
    let mut notice = notice(seen, NoticeKind::Crew, Severity::Critical, &seen.now.to_string(), "breaker");
    notice.service = None;
    notice.group = "breaker".to_owned();
    notice.headline = "pitcrew: the breaker opened, every further rollback is only proposed".to_owned();
    notice.happened = format!(
        "The limit of automatic rollbacks in a short time was reached ({} for a fleet of {}). When everything looks \
         broken at once, the cause is rarely one release.",
        seen.account.breaker.recent.len(),
        seen.account.breaker.fleet
    );
    notice.done.push("No further automatic rollback is made.".to_owned());
    notice.todo.push(todo_by("Look for the common cause, then", "pitcrew breaker clear".to_owned()));
    notice
}

pub(super) fn nothing_good(seen: &Observed, incident: &Incident) -> Notice {
    let name = seen.arn.name();
    let mut notice = of_incident(seen, incident, NoticeKind::RollbackFailed, Severity::Critical, "nothing-good");
    notice.headline = format!("{name}: {}; no good release is known to go back to", incident.summary);
    notice.happened = "The ledger holds no other good release whose image ECR still has.".to_owned();
    notice.done.push("Nothing was changed.".to_owned());
    notice.todo.push(todo_by("See what is known", format!("pitcrew releases {name}")));
    notice.todo.push(todo_by("Name a release that you trust", format!("pitcrew releases {name} mark-good sha256:...")));
    notice
}

pub(super) fn code_without_branch(seen: &Observed, incident: &Incident) -> Notice {
    let name = seen.arn.name();
    let mut notice = of_incident(seen, incident, NoticeKind::RollbackFailed, Severity::Critical, "code");
    notice.headline = format!("{name}: {}; a code service cannot be rolled back to a commit", incident.summary);
    notice.happened = "App Runner deploys the latest commit of a branch and no other.".to_owned();
    notice.done.push("Nothing was changed.".to_owned());
    notice.todo.push(todo(
        "Revert the commit, or keep a stable branch and tag the service with pitcrew:stable-branch=<branch>.",
    ));
    notice
}

pub(super) fn configuration_suspect(seen: &Observed, incident: &Incident, names: &[String]) -> Notice {
    let name = seen.arn.name();
    let mut notice = of_incident(seen, incident, NoticeKind::RollbackFailed, Severity::Critical, "configuration");
    notice.headline = format!(
        "{name}: {}; the image is one that has proven itself, so its configuration is the suspect",
        incident.summary
    );
    notice.happened = if names.is_empty() {
        "No change of its configuration is known since that image proved itself: what changed may lie outside the service.".to_owned()
    } else {
        format!("Changed since that image proved itself (names only): {}.", names.join(", "))
    };
    notice.done.push("Nothing was changed: another image would not mend it.".to_owned());
    notice.todo.push(todo("Restore the values that changed, or look at what the service depends on."));
    notice
}

pub(super) fn stood_down(seen: &Observed, incident: &Incident) -> Notice {
    let mut notice = of_incident(seen, incident, NoticeKind::StoodDown, Severity::Info, "stood-down");
    notice.headline = format!("{}: somebody else acted on the service, pitcrew stands down", seen.arn.name());
    notice.happened =
        format!("While pitcrew dealt with this ({}), the service changed by other hands.", incident.summary);
    notice.done.push("pitcrew leaves the service to them.".to_owned());
    notice
}

pub(super) fn stuck(seen: &Observed, operation: &Operation) -> Notice {
    let mut notice = notice(seen, NoticeKind::Stuck, Severity::Critical, &operation.id.to_string(), "stuck");
    let for_long = span(seen.now, operation.started_at);
    notice.headline = format!("{}: {} has been running for {for_long}", seen.arn.name(), operation.kind.words());
    notice.happened = format!("Operation {} is still {}.", operation.id, operation.status.as_str());
    notice.done.push("Nothing was changed: a running operation cannot be cancelled.".to_owned());
    notice.todo.push(todo("Open a support case if it does not end; the previous release goes on serving meanwhile."));
    notice
}

pub(super) fn stuck_without_operation(seen: &Observed, since: Timestamp) -> Notice {
    let about = format!("{}@{since}", seen.arn);
    let mut notice = notice(seen, NoticeKind::Stuck, Severity::Critical, &about, "busy");
    let name = seen.arn.name();
    notice.headline = format!("{name}: busy without an operation for {}", span(seen.now, since));
    notice.happened =
        "The service is OPERATION_IN_PROGRESS and lists no running operation: AWS maintains it, or it is stuck."
            .to_owned();
    notice.done.push("Nothing was changed, and nothing can be while it lasts.".to_owned());
    notice.todo.push(todo("Open a support case if it does not end."));
    notice
}

pub(super) fn alarm(seen: &Observed, alarm: &Alarm, transition: &Transition, why: Option<Diagnosis>) -> Notice {
    let name = seen.arn.name();
    let about = format!("{}:{}@{}", seen.arn, alarm.name, transition.at);
    let mut notice = notice(seen, NoticeKind::Alarm, Severity::Critical, &about, "alarm");
    notice.headline = format!("{name}: the alarm {} fired, and no new release explains it", alarm.name);
    let current = seen.memory.ledger.current();
    notice.happened = match current.map(|release| (release.released_at, &release.verdict)) {
        None => "No release of this service is known.".to_owned(),
        Some((_, Verdict::Baking { until })) if transition.at <= *until => {
            "A new release is being watched, but this alarm does not condemn it: it was firing before the release, it looks \
             at data from before it, or somebody has acted on the service since."
                .to_owned()
        }
        Some((since, _)) => {
            format!("The release has been in service for {}, so it is not the obvious cause.", span(transition.at, since))
        }
    };
    notice.done.push("Nothing was changed: no rollback follows from this alarm.".to_owned());
    notice.todo.push(todo_by(
        "Where a healthy service went dead, a pause and a resume have been the cure (it is down meanwhile)",
        format!(
            "aws apprunner pause-service --service-arn {0} && aws apprunner resume-service --service-arn {0}",
            seen.arn
        ),
    ));
    notice.why = why;
    notice.group = format!("alarm:{}", alarm.name);
    notice
}

pub(super) fn status(seen: &Observed, status: &str) -> Notice {
    let about = format!("{}:{status}@{}", seen.arn, seen.now);
    let mut notice = notice(seen, NoticeKind::ServiceState, Severity::Critical, &about, "status");
    notice.headline = format!("{}: the service is {status}, and no operation explains it", seen.arn.name());
    notice.happened = "Its newest operation does not lead to this state.".to_owned();
    notice.done.push("Nothing was changed.".to_owned());
    notice
}

pub(super) fn deleted(seen: &Observed) -> Notice {
    let mut notice = notice(seen, NoticeKind::ServiceState, Severity::Info, &seen.arn.to_string(), "deleted");
    notice.headline = format!("{}: the service was deleted", seen.arn.name());
    notice.happened = "App Runner does not know it any more.".to_owned();
    notice.done.push("Its open incident is closed; its receipts stay.".to_owned());
    notice
}

pub(super) fn pin_ended(seen: &Observed, pin: &Pin) -> Notice {
    let mut notice = notice(seen, NoticeKind::Pin, Severity::Info, &format!("{}@{}", seen.arn, pin.since), "pin-ended");
    notice.headline = format!("{}: another image was deployed by other hands, the pin has ended", seen.arn.name());
    notice.happened = format!("The service was pinned to {} by {}.", pin.image.short(), pin.incident);
    notice.done.push("pitcrew watches the new release like any other.".to_owned());
    if pin.auto_deploy_before {
        notice.todo.push(todo("Automatic deployment was on before the pin: check that it is as you want it."));
    }
    notice
}

pub(super) fn pushed_while_pinned(seen: &Observed, pin: &Pin, digest: &Digest) -> Notice {
    let name = seen.arn.name();
    let about = format!("{}:{digest}", seen.arn);
    let mut notice = notice(seen, NoticeKind::Pin, Severity::Warning, &about, "push");
    notice.headline =
        format!("{name}: a new image was pushed to {}, but the service is pinned", pin.image_before.short());
    notice.happened =
        format!("{} was pushed; the service stays on {} since {}.", digest.short(), pin.image.short(), pin.incident);
    notice.done.push("Nothing was deployed.".to_owned());
    notice.todo.push(todo_by("If it is the fix, give the tag back", format!("pitcrew unpin {name}")));
    notice
}
