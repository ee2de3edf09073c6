//! Our own intents and operations, followed to their end (R4). Nothing here starts a second rollback.
//!
//! | incident | seen | decision |
//! |---|---|---|
//! | intended | no operation after the intent, `RUNNING`, written by this invocation within 10 s, not paused | call, once |
//! | intended | the same, but paused or held meanwhile | back to a proposal |
//! | intended | the same, written by another invocation less than 60 s ago | hold |
//! | intended | the same, 60 s or longer ago | the call never arrived: write the intent anew, then call |
//! | intended | no operation, but the service is busy (maintenance) | wait; nothing was done |
//! | intended | exactly one newer operation of our kind, and the live source equals the target | adopt it |
//! | intended | any other newer operation | stand down |
//! | confirming | our operation runs | hold; page once after 2 h |
//! | confirming | our operation `SUCCEEDED` | the release keeps its earlier verdict, the service is pinned, tell |
//! | confirming | our operation ended otherwise | page; the incident ends, and no second attempt is made |

use super::draft::Draft;
use super::{
    CALL_WITHIN, Decision, Hold, INTENT_SETTLES_AFTER, Observed, STUCK_AFTER, Settings, Step, Stop, Then, tell,
};
use crate::autonomy::flag;
use crate::id::OperationId;
use crate::incident::{Action, Incident, IncidentKind, IncidentState, Intent, Outcome};
use crate::ledger::{Pin, Release, Verdict};
use crate::receipt::rule;
use crate::service::{Operation, OperationKind, OperationStatus, Service, ServiceStatus, Source};

pub(super) fn follow(seen: &Observed, settings: &Settings) -> Step {
    let Some(incident) = &seen.memory.incident else { return Ok(None) };
    match &incident.state {
        IncidentState::Intended { intent } => intended(seen, incident, intent).map(Some),
        IncidentState::Confirming { intent, operation } => confirming(seen, settings, incident, intent, operation),
        IncidentState::Open | IncidentState::Proposed { .. } | IncidentState::Closed { .. } => Ok(None),
    }
}

fn hold(reason: Hold, wake_after_secs: u32) -> Decision {
    Decision::Hold { reason, wake_after_secs: Some(wake_after_secs) }
}

fn intended(seen: &Observed, incident: &Incident, intent: &Intent) -> Result<Decision, Stop> {
    let newer = newer_than(&seen.operations, intent.after.as_ref());
    let Some(service) = seen.service()? else { return Ok(hold(Hold::Blind, 60)) };
    if let [only] = newer
        && only.kind == kind_of(&intent.action)
        && source_equals(service, &intent.action)
    {
        return adopt(seen, incident, intent, only);
    }
    if !newer.is_empty() {
        return stand_down(seen, incident, newer);
    }
    let age = seen.now.duration_since(intent.written_at);
    let ours = intent.holder == seen.me;
    match service.status {
        ServiceStatus::Running if ours && age <= CALL_WITHIN => match withheld_meanwhile(seen) {
            Some(why) => back_to_proposal(seen, incident, intent, why),
            None => Ok(Decision::Call(intent.clone())),
        },
        ServiceStatus::Running if age >= INTENT_SETTLES_AFTER => rewrite(seen, incident, intent),
        ServiceStatus::Running => Ok(hold(Hold::IntentPending, 60)),
        ServiceStatus::OperationInProgress if ours => wait_for_service(seen, incident),
        ServiceStatus::OperationInProgress => Ok(hold(Hold::Busy, 60)),
        ServiceStatus::CreateFailed
        | ServiceStatus::Deleted
        | ServiceStatus::DeleteFailed
        | ServiceStatus::Paused
        | ServiceStatus::Unknown(_) => {
            let mut draft = Draft::new(seen, rule::STOOD_DOWN);
            draft.saw("status", service.status.as_str());
            draft.notices.push(tell::stood_down(seen, incident));
            draft.close(Outcome::StoodDown)?;
            Ok(draft.record("the service cannot be updated in this status: pitcrew stands down", Then::Again))
        }
    }
}

/// The operations above `after` in the newest-first list. Where `after` is not in it, all of them.
fn newer_than<'a>(operations: &'a [Operation], after: Option<&OperationId>) -> &'a [Operation] {
    let end = after.and_then(|after| operations.iter().position(|operation| &operation.id == after));
    &operations[..end.unwrap_or(operations.len())]
}

fn kind_of(action: &Action) -> OperationKind {
    match action {
        Action::SetImage { .. } | Action::SetBranch { .. } => OperationKind::UpdateService,
        Action::Redeploy { .. } => OperationKind::StartDeployment,
    }
}

/// Whether the live source is what the action makes it.
pub(super) fn source_equals(service: &Service, action: &Action) -> bool {
    match (action, &service.source) {
        (Action::SetImage { image, auto_deploy }, Source::Image { image: live, auto_deploy: live_auto }) => {
            image == live && live_auto.unwrap_or(true) == *auto_deploy
        }
        (Action::Redeploy { image }, Source::Image { image: live, .. }) => image == live,
        (Action::SetBranch { branch }, Source::Code { branch: live, .. }) => branch == live,
        (Action::SetImage { .. } | Action::Redeploy { .. } | Action::SetBranch { .. }, _) => false,
    }
}

/// The operator's switches, read after the intent was written.
fn withheld_meanwhile(seen: &Observed) -> Option<crate::autonomy::Withheld> {
    if seen.account.pause.is_some() {
        return Some(crate::autonomy::Withheld::Paused);
    }
    matches!(seen.tags(), Ok(Ok(tags)) if flag(tags, "pitcrew:hold")).then_some(crate::autonomy::Withheld::Held)
}

fn back_to_proposal(
    seen: &Observed,
    incident: &Incident,
    intent: &Intent,
    why: crate::autonomy::Withheld,
) -> Result<Decision, Stop> {
    let mut draft = Draft::new(seen, rule::WITHHELD);
    draft.about(&incident.operation);
    draft.notices.push(tell::proposal(seen, incident, why, &intent.action));
    draft.go(IncidentState::Open)?;
    draft.go(IncidentState::Proposed { reason: why.to_string() })?;
    Ok(draft.record(&format!("withheld before the call ({why})"), Then::Again))
}

fn rewrite(seen: &Observed, incident: &Incident, intent: &Intent) -> Result<Decision, Stop> {
    let mut draft = Draft::new(seen, rule::INTENT);
    draft.about(&incident.operation);
    draft.saw("earlier intent", intent.written_at.to_string());
    let renewed =
        Intent { holder: seen.me.clone(), written_at: seen.now, fence: seen.memory.version + 1, ..intent.clone() };
    draft.go(IncidentState::Intended { intent: renewed })?;
    Ok(draft.record("the earlier call left no operation: it never arrived, and is made again", Then::Reread))
}

fn wait_for_service(seen: &Observed, incident: &Incident) -> Result<Decision, Stop> {
    let mut draft = Draft::new(seen, rule::BUSY);
    draft.about(&incident.operation);
    draft.go(IncidentState::Open)?;
    Ok(draft.record(
        "the service is busy: nothing was called, and it is tried again",
        Then::Stop { wake_after_secs: Some(60) },
    ))
}

fn adopt(seen: &Observed, incident: &Incident, intent: &Intent, operation: &Operation) -> Result<Decision, Stop> {
    let mut draft = Draft::new(seen, rule::ADOPTED);
    draft.about(&operation.id);
    draft.saw("operation", operation.id.to_string());
    draft.go(IncidentState::Confirming { intent: intent.clone(), operation: operation.id.clone() })?;
    let decision =
        format!("operation {} carries the intent of {}: adopted, not started again", operation.id, incident.id);
    Ok(draft.record(&decision, Then::Again))
}

fn stand_down(seen: &Observed, incident: &Incident, newer: &[Operation]) -> Result<Decision, Stop> {
    let mut draft = Draft::new(seen, rule::STOOD_DOWN);
    draft.about(&incident.operation);
    let ids: Vec<String> = newer.iter().map(|operation| operation.id.to_string()).collect();
    draft.saw("newer operations", ids.join(", "));
    draft.notices.push(tell::stood_down(seen, incident));
    draft.close(Outcome::StoodDown)?;
    Ok(draft.record("a newer operation is not ours: pitcrew stands down", Then::Again))
}

fn confirming(
    seen: &Observed,
    settings: &Settings,
    incident: &Incident,
    intent: &Intent,
    operation: &OperationId,
) -> Step {
    let Some(ours) = seen.operations.iter().find(|candidate| &candidate.id == operation) else {
        // The list lags, or our operation fell off its page. Nothing may be started meanwhile.
        return Ok(Some(hold(Hold::OursRunning, 60)));
    };
    match &ours.status {
        OperationStatus::Succeeded => succeeded(seen, settings, incident, intent, ours).map(Some),
        OperationStatus::Failed | OperationStatus::RollbackFailed | OperationStatus::RollbackSucceeded => {
            failed(seen, incident, intent, ours).map(Some)
        }
        OperationStatus::Pending
        | OperationStatus::InProgress
        | OperationStatus::RollbackInProgress
        | OperationStatus::Unknown(_) => still_running(seen, ours).map(Some),
    }
}

fn still_running(seen: &Observed, ours: &Operation) -> Result<Decision, Stop> {
    let told = seen.memory.judged.stuck.as_deref() == Some(&ours.id.to_string());
    if told || seen.now.duration_since(ours.started_at) < STUCK_AFTER {
        return Ok(hold(Hold::OursRunning, 120));
    }
    let mut draft = Draft::new(seen, rule::STUCK);
    draft.about(&ours.id);
    draft.memory.judged.stuck = Some(ours.id.to_string());
    draft.notices.push(tell::stuck(seen, ours));
    Ok(draft.record("our operation does not end: paged once", Then::Stop { wake_after_secs: None }))
}

fn succeeded(
    seen: &Observed,
    settings: &Settings,
    incident: &Incident,
    intent: &Intent,
    ours: &Operation,
) -> Result<Decision, Stop> {
    let mut draft = Draft::new(seen, rule::OURS_SUCCEEDED);
    draft.about(&ours.id);
    let before = draft.memory.candidate.as_ref().map(|candidate| candidate.source.clone());
    if let Some(release) = our_release(seen, settings, intent, ours) {
        draft.memory.ledger.add(release);
    }
    if let (Action::SetImage { image, auto_deploy: false }, Some(bad)) = (&intent.action, &incident.failing) {
        let reason = &incident.summary;
        draft.memory.ledger.mark_bad(bad, &incident.operation, seen.now, reason);
        draft.saw("pinned to", image.to_string());
    }
    pin_or_unpin(&mut draft, incident, intent, before);
    draft.memory.candidate = None;
    draft.memory.judged.advance(ours);
    draft.notices.push(tell::rollback_succeeded(seen, incident, intent, ours));
    draft.close(Outcome::RolledBack)?;
    Ok(draft.record(&format!("our operation {} succeeded", ours.id), Then::Again))
}

/// The release that our operation made: the target's digest with the verdict that it had earned before.
fn our_release(seen: &Observed, settings: &Settings, intent: &Intent, ours: &Operation) -> Option<Release> {
    let ledger = &seen.memory.ledger;
    let current = ledger.current();
    let (source, digest) = match &intent.action {
        Action::SetImage { image, auto_deploy } => {
            let source = Source::Image { image: image.clone(), auto_deploy: Some(*auto_deploy) };
            (source, image.digest().cloned())
        }
        Action::Redeploy { image } => {
            (Source::Image { image: image.clone(), auto_deploy: Some(false) }, image.digest().cloned())
        }
        Action::SetBranch { branch } => match current.map(|release| &release.source) {
            Some(Source::Code { repository, auto_deploy, .. }) => (
                Source::Code { repository: repository.clone(), branch: branch.clone(), auto_deploy: *auto_deploy },
                None,
            ),
            _ => return None,
        },
    };
    let earned = digest.as_ref().and_then(|digest| {
        ledger
            .releases
            .iter()
            .find(|release| release.digest.as_ref() == Some(digest))
            .map(|release| release.verdict.clone())
    });
    Some(Release {
        operation: ours.id.clone(),
        source,
        digest,
        // A rollback changes the image only: the configuration is the one that ran before it.
        fingerprint: current.map(|release| release.fingerprint.clone()).unwrap_or_default(),
        started_at: ours.started_at,
        released_at: ours.end(),
        verdict: earned.unwrap_or(Verdict::Baking { until: ours.end() + settings.bake }),
    })
}

/// A rollback pins; an unpin (an image named by tag, set by the operator) ends the pin.
fn pin_or_unpin(draft: &mut Draft<'_>, incident: &Incident, intent: &Intent, before: Option<Source>) {
    let Action::SetImage { image, auto_deploy } = &intent.action else { return };
    if image.digest().is_none() || *auto_deploy {
        draft.memory.pin = None;
        return;
    }
    let previous = draft.seen.memory.pin.clone();
    let (image_before, auto_deploy_before) = match (&previous, before, draft.seen.memory.ledger.current()) {
        // Pinned again while pinned: what is given back stays what the owner had.
        (Some(pin), _, _) => (pin.image_before.clone(), pin.auto_deploy_before),
        (None, Some(Source::Image { image, auto_deploy }), _) if image.digest().is_none() => {
            (image, auto_deploy.unwrap_or(true))
        }
        (None, _, Some(Release { source: Source::Image { image, auto_deploy }, .. })) => {
            (image.clone(), auto_deploy.unwrap_or(true))
        }
        (None, _, _) => (image.clone(), false),
    };
    draft.memory.pin = Some(Pin {
        since: draft.seen.now,
        incident: incident.id.clone(),
        image: image.clone(),
        image_before,
        auto_deploy_before,
    });
}

fn failed(seen: &Observed, incident: &Incident, intent: &Intent, ours: &Operation) -> Result<Decision, Stop> {
    let diagnosis = seen.diagnosis(Some(&ours.id), ours.started_at)?;
    let mut draft = Draft::new(seen, rule::OURS_FAILED);
    draft.about(&ours.id);
    draft.saw("status", ours.status.as_str());
    if let Some(bad) = &incident.failing {
        draft.memory.ledger.mark_bad(bad, &incident.operation, seen.now, &incident.summary);
    }
    draft.memory.candidate = None;
    draft.memory.judged.advance(ours);
    let page = if incident.kind == IncidentKind::Manual { "tell" } else { "page" };
    draft.notices.push(tell::rollback_failed(seen, incident, intent, ours, diagnosis));
    draft.close(Outcome::NeedsPerson)?;
    let decision =
        format!("our operation {} ended {}: stop and {page}, no second attempt", ours.id, ours.status.as_str());
    Ok(draft.record(&decision, Then::Again))
}
