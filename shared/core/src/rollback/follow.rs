//! Our own intents and operations, followed to their end (R4). Nothing here starts a second rollback.
//!
//! | incident | seen | decision |
//! |---|---|---|
//! | intended | no operation after the intent, `RUNNING`, written by this invocation within 10 s, not paused | call, once |
//! | intended | the same, but paused, held or no longer allowed meanwhile | back to a proposal (an operator's: given back) |
//! | intended | the same, written by another invocation less than 60 s ago | hold |
//! | intended | the same, 60 s or longer ago | the call never arrived: open again, decided afresh |
//! | intended | the same, an operator's, and ECR holds the target | write the intent anew, then call; else give it back |
//! | intended | no operation, but the service is busy (maintenance) | wait; nothing was done (an operator's: given back) |
//! | intended | the call never arrived for 2 h | give up: a person is needed |
//! | intended | exactly one newer operation of our kind, and the live source equals the target | adopt it |
//! | intended | any other newer operation | stand down |
//! | confirming | our operation is not listed | hold; a person is needed after 2 h |
//! | confirming | our operation runs | hold; page once after 2 h |
//! | confirming | our operation `SUCCEEDED` | the release keeps its earlier verdict, the service is pinned, tell |
//! | confirming | our operation ended otherwise | page; the incident ends, and no second attempt is made |

use super::draft::Draft;
use super::{
    CALL_WITHIN, Decision, GIVE_UP_AFTER, Hold, INTENT_SETTLES_AFTER, Observed, STUCK_AFTER, Settings, Step, Stop,
    Then, tell,
};
use crate::autonomy::{self, Withheld, flag};
use crate::id::{Digest, OperationId};
use crate::incident::{Action, Incident, IncidentKind, IncidentState, Intent, Outcome};
use crate::ledger::{Pin, Release, Verdict};
use crate::receipt::rule;
use crate::service::{Operation, OperationKind, OperationStatus, Service, ServiceStatus, Source};

pub(super) fn follow(seen: &Observed, settings: &Settings) -> Step {
    let Some(incident) = &seen.memory.incident else { return Ok(None) };
    match &incident.state {
        IncidentState::Intended { intent } => intended(seen, settings, incident, intent).map(Some),
        IncidentState::Confirming { intent, operation } => confirming(seen, settings, incident, intent, operation),
        IncidentState::Open | IncidentState::Proposed { .. } | IncidentState::Closed { .. } => Ok(None),
    }
}

fn hold(reason: Hold, wake_after_secs: u32) -> Decision {
    Decision::Hold { reason, wake_after_secs: Some(wake_after_secs) }
}

fn intended(seen: &Observed, settings: &Settings, incident: &Incident, intent: &Intent) -> Result<Decision, Stop> {
    let newer = newer_than(&seen.operations, intent.after.as_ref());
    let Some(service) = seen.service()? else { return Ok(hold(Hold::Blind, 60)) };
    if intent.after.is_some() && seen.operations.is_empty() {
        // The operation from before the intent cannot have vanished: the list was not read.
        return Ok(hold(Hold::Blind, 60));
    }
    if let [only] = newer
        && only.kind == kind_of(&intent.action)
        && source_equals(service, &intent.action)
    {
        return adopt(seen, incident, intent, only);
    }
    if !newer.is_empty() {
        return stand_down(seen, incident, intent, newer);
    }
    let age = seen.now.duration_since(intent.written_at);
    let ours = intent.holder == seen.me;
    match service.status {
        ServiceStatus::Running if ours && age <= CALL_WITHIN => call(seen, settings, incident, intent),
        ServiceStatus::Running if age >= INTENT_SETTLES_AFTER => rewrite(seen, incident, intent),
        ServiceStatus::Running => Ok(hold(Hold::IntentPending, 60)),
        ServiceStatus::OperationInProgress if ours => wait_for_service(seen, incident, intent),
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

/// The last look at the switches before the call. An intent that another invocation wrote may be hours old: what its
/// writer was allowed is read again, never assumed.
fn call(seen: &Observed, settings: &Settings, incident: &Incident, intent: &Intent) -> Result<Decision, Stop> {
    let Ok(tags) = seen.tags()? else { return Ok(hold(Hold::Blind, 60)) };
    let paused = seen.account.pause.is_some();
    let allowed = match incident.kind {
        // Autonomy does not bind an operator.
        IncidentKind::Manual if paused => Err(Withheld::Paused),
        IncidentKind::Manual if flag(tags, "pitcrew:hold") => Err(Withheld::Held),
        IncidentKind::Manual => Ok(()),
        // The breaker counted this incident when its intent was written.
        IncidentKind::Reverted
        | IncidentKind::RollbackFailed
        | IncidentKind::Failed
        | IncidentKind::BadRelease
        | IncidentKind::Stuck => autonomy::allow(paused, tags, settings.autonomy, true),
    };
    match allowed {
        Ok(()) => Ok(Decision::Call(intent.clone())),
        Err(why) => back_to_proposal(seen, incident, intent, why),
    }
}

fn back_to_proposal(seen: &Observed, incident: &Incident, intent: &Intent, why: Withheld) -> Result<Decision, Stop> {
    let mut draft = Draft::new(seen, rule::WITHHELD);
    draft.about(&incident.operation);
    if incident.kind == IncidentKind::Manual {
        draft.give_back(incident, &intent.action, &format!("Meanwhile {why}."))?;
        return Ok(draft.record(&format!("given back before the call ({why})"), Then::Again));
    }
    draft.notices.push(tell::proposal(seen, incident, why, &intent.action));
    draft.go(IncidentState::Open)?;
    draft.go(IncidentState::Proposed { reason: why.to_string() })?;
    Ok(draft.record(&format!("withheld before the call ({why})"), Then::Again))
}

fn rewrite(seen: &Observed, incident: &Incident, intent: &Intent) -> Result<Decision, Stop> {
    let mut draft = Draft::new(seen, rule::INTENT);
    draft.about(&incident.operation);
    if seen.now.duration_since(incident.opened_at) >= GIVE_UP_AFTER {
        draft.give_back(incident, &intent.action, "For two hours no call has arrived at App Runner.")?;
        return Ok(draft.record("no call arrived for too long: a person is needed", Then::Again));
    }
    if incident.kind != IncidentKind::Manual {
        // Minutes or hours have passed: target, switches and breaker are asked again, as for any open incident.
        draft.saw("earlier intent", intent.written_at.to_string());
        draft.go(IncidentState::Open)?;
        return Ok(
            draft.record("the earlier call left no operation: it never arrived, and is decided afresh", Then::Again)
        );
    }
    if let Some(image) = image_of(&intent.action).filter(|image| image.digest().is_some())
        && seen.exists(image)? != Some(true)
    {
        draft.give_back(incident, &intent.action, "ECR does not hold that image any more, or cannot be read.")?;
        return Ok(draft.record("the earlier call never arrived and its target is gone: given back", Then::Again));
    }
    draft.saw("earlier intent", intent.written_at.to_string());
    let renewed =
        Intent { holder: seen.me.clone(), written_at: seen.now, fence: seen.memory.version + 1, ..intent.clone() };
    draft.go(IncidentState::Intended { intent: renewed })?;
    Ok(draft.record("the earlier call left no operation: it never arrived, and is made again", Then::Reread))
}

fn image_of(action: &Action) -> Option<&crate::id::ImageRef> {
    match action {
        Action::SetImage { image, .. } | Action::Redeploy { image } => Some(image),
        Action::SetBranch { .. } => None,
    }
}

fn wait_for_service(seen: &Observed, incident: &Incident, intent: &Intent) -> Result<Decision, Stop> {
    let mut draft = Draft::new(seen, rule::BUSY);
    draft.about(&incident.operation);
    if incident.kind == IncidentKind::Manual {
        draft.give_back(incident, &intent.action, "The service is busy: ask again when it is free.")?;
        return Ok(draft.record("the service is busy: nothing was called", Then::Again));
    }
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
    if incident.kind != IncidentKind::Manual {
        draft.memory.ledger.answer(incident.failing.as_ref(), &incident.operation);
    }
    draft.go(IncidentState::Confirming { intent: intent.clone(), operation: operation.id.clone() })?;
    let decision =
        format!("operation {} carries the intent of {}: adopted, not started again", operation.id, incident.id);
    Ok(draft.record(&decision, Then::Again))
}

fn stand_down(seen: &Observed, incident: &Incident, intent: &Intent, newer: &[Operation]) -> Result<Decision, Stop> {
    let mut draft = Draft::new(seen, rule::STOOD_DOWN);
    draft.about(&incident.operation);
    let ids: Vec<String> = newer.iter().map(|operation| operation.id.to_string()).collect();
    draft.saw("newer operations", ids.join(", "));
    // One of them may be the call whose answer was lost: then this release had its one rollback.
    if incident.kind != IncidentKind::Manual && newer.iter().any(|operation| operation.kind == kind_of(&intent.action))
    {
        draft.memory.ledger.answer(incident.failing.as_ref(), &incident.operation);
    }
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
        // The list lags, or our operation fell off its page. Nothing may be started meanwhile, but not for ever.
        if seen.now.duration_since(intent.written_at) < STUCK_AFTER {
            return Ok(Some(hold(Hold::OursRunning, 60)));
        }
        let mut draft = Draft::new(seen, rule::STUCK);
        draft.about(operation);
        draft.notices.push(tell::ours_not_listed(seen, incident, intent, operation));
        draft.close(Outcome::NeedsPerson)?;
        return Ok(Some(draft.record("our operation is not listed any more: a person is needed", Then::Again)));
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
        // App Runner's own event tells of the end, and the sweep looks every five minutes: no wake of ours is needed.
        return Ok(Decision::Hold { reason: Hold::OursRunning, wake_after_secs: None });
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
    // What DescribeService shows is ours only while nobody started anything newer.
    let live = if seen.operations.first() == Some(ours) { seen.service()? } else { None };
    let digest = our_digest(seen, intent, ours)?;
    if let Some(release) = our_release(seen, settings, intent, ours, live, digest) {
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
    let pinned = draft.memory.pin.is_some();
    draft.notices.push(tell::rollback_succeeded(seen, incident, intent, ours, pinned));
    draft.close(Outcome::RolledBack)?;
    Ok(draft.record(&format!("our operation {} succeeded", ours.id), Then::Again))
}

/// The digest that our operation brought. An unpin goes to a tag: what the tag names counts only where it was pushed before
/// the operation began, as for every release whose start was not seen.
fn our_digest(seen: &Observed, intent: &Intent, ours: &Operation) -> Result<Option<Digest>, Stop> {
    let Some(image) = image_of(&intent.action) else { return Ok(None) };
    let Some(resolved) = seen.resolve(image)? else { return Ok(None) };
    let proven = image.digest().is_some() || resolved.pushed_at.is_some_and(|pushed| pushed <= ours.started_at);
    Ok(proven.then_some(resolved.digest))
}

/// The release that our operation made: the target's digest with the verdict that it had earned before. One that was still
/// baking had earned none: its old window says nothing of the time that begins now.
fn our_release(
    seen: &Observed,
    settings: &Settings,
    intent: &Intent,
    ours: &Operation,
    live: Option<&Service>,
    digest: Option<Digest>,
) -> Option<Release> {
    let ledger = &seen.memory.ledger;
    let current = ledger.current();
    let source = match (&intent.action, live.map(|service| &service.source)) {
        (Action::SetImage { image, auto_deploy }, _) => {
            Source::Image { image: image.clone(), auto_deploy: Some(*auto_deploy) }
        }
        (Action::Redeploy { image }, Some(live)) if live.image() == Some(image) => live.clone(),
        (Action::Redeploy { image }, _) => Source::Image { image: image.clone(), auto_deploy: Some(false) },
        (Action::SetBranch { branch }, _) => match current.map(|release| &release.source) {
            Some(Source::Code { repository, auto_deploy, .. }) => {
                Source::Code { repository: repository.clone(), branch: branch.clone(), auto_deploy: *auto_deploy }
            }
            _ => return None,
        },
    };
    let earned = digest.as_ref().and_then(|digest| {
        let of_digest = |release: &&Release| release.digest.as_ref() == Some(digest);
        let earned = |release: &&Release| !matches!(release.verdict, Verdict::Baking { .. });
        ledger.releases.iter().filter(of_digest).find(earned).map(|release| release.verdict.clone())
    });
    let fingerprint = live.map(|service| &service.fingerprint).or(current.map(|release| &release.fingerprint));
    Some(Release {
        operation: ours.id.clone(),
        source,
        digest,
        // A rollback changes the image only: where the service cannot be read, the configuration is the one from before.
        fingerprint: fingerprint.cloned().unwrap_or_default(),
        started_at: ours.started_at,
        released_at: ours.end(),
        replaced_at: None,
        verdict: earned.unwrap_or(Verdict::Baking { until: ours.end() + settings.bake }),
    })
}

/// A rollback pins; an unpin (an image named by tag, set by the operator) ends the pin.
fn pin_or_unpin(draft: &mut Draft<'_>, incident: &Incident, intent: &Intent, before: Option<Source>) {
    let Action::SetImage { image, auto_deploy } = &intent.action else { return };
    let previous = draft.seen.memory.pin.clone();
    // An owner who deploys by digest gets a digest back: that ends the pin too.
    let given_back =
        previous.as_ref().is_some_and(|pin| &pin.image_before == image && pin.auto_deploy_before == *auto_deploy);
    if image.digest().is_none() || *auto_deploy || (given_back && incident.kind == IncidentKind::Manual) {
        draft.memory.pin = None;
        return;
    }
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
