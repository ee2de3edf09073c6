//! Ended operations: each is judged once, told and receipted. Only the newest may lead to a write.

use jiff::Timestamp;

use super::draft::Draft;
use super::{Decision, Hold, Observed, Settings, Step, Stop, Then, attempt, tell};
use crate::autonomy::{Tags, flag};
use crate::id::Digest;
use crate::incident::{Incident, IncidentKind, IncidentState, Outcome};
use crate::ledger::{Candidate, Release, Verdict};
use crate::notice::Notice;
use crate::receipt::rule;
use crate::service::{Operation, OperationKind, OperationStatus, Service, ServiceStatus, Source};

/// A service that we never saw: its ledger is seeded with what runs, and its past is not told.
pub(super) fn first_sight(seen: &Observed, _settings: &Settings) -> Result<Decision, Stop> {
    let Some(newest) = seen.operations.first() else {
        return Ok(Decision::Hold { reason: Hold::NothingNew, wake_after_secs: None });
    };
    let Some(service) = seen.service()? else {
        return Ok(Decision::Hold { reason: Hold::Blind, wake_after_secs: None });
    };
    let mut draft = Draft::new(seen, rule::SEEDED);
    let last_ended = seen.operations.iter().find(|operation| operation.status.ended());
    let deployed = seen.operations.iter().find(|o| o.kind.deploys() && o.status == OperationStatus::Succeeded);
    if let (Some(ended), Some(deployed)) = (last_ended, deployed) {
        // A failed or running operation above it may have changed what DescribeService shows: then only the past is closed.
        let trustworthy = service.status == ServiceStatus::Running && newest.status.ended();
        if trustworthy {
            let digest = seeded_digest(seen, service, deployed)?;
            draft.saw("digest", digest.as_ref().map_or("unknown".to_owned(), Digest::to_string));
            draft.memory.ledger.add(Release {
                operation: deployed.id.clone(),
                source: service.source.clone(),
                digest,
                fingerprint: service.fingerprint.clone(),
                started_at: deployed.started_at,
                released_at: deployed.end(),
                verdict: Verdict::Unproven,
            });
        }
        draft.memory.judged.advance(ended);
        return Ok(draft.record("first sight of the service: its ledger is seeded, its past is not told", Then::Again));
    }
    if let Some(ended) = last_ended.filter(|_| newest.status.ended() && seen.operations.len() > 1) {
        draft.memory.judged.advance(ended);
        return Ok(draft.record("first sight of a service that never deployed: its past is not told", Then::Again));
    }
    // Its very first operation: everything that comes is judged.
    draft.memory.judged.advance(&Operation { started_at: Timestamp::UNIX_EPOCH, ..newest.clone() });
    Ok(draft.record("first sight of a new service", Then::Again))
}

/// The digest that the newest deployment brought, as far as ECR proves it: the tag names now an image that was pushed
/// before that deployment began.
fn seeded_digest(seen: &Observed, service: &Service, deployed: &Operation) -> Result<Option<Digest>, Stop> {
    let Some(image) = service.source.image() else { return Ok(None) };
    let Some(resolved) = seen.resolve(image)? else { return Ok(None) };
    let pinned = image.digest().is_some();
    let pushed_before = resolved.pushed_at.is_some_and(|pushed| pushed <= deployed.started_at);
    Ok((pinned || pushed_before).then_some(resolved.digest))
}

/// The oldest operation that ended and was not judged.
pub(super) fn oldest_unjudged(seen: &Observed, settings: &Settings) -> Step {
    let judged = &seen.memory.judged;
    let unjudged = seen.operations.iter().rev().find(|operation| operation.status.ended() && !judged.covers(operation));
    let Some(operation) = unjudged else { return Ok(None) };
    let newest = seen.operations.first().is_some_and(|newest| newest.id == operation.id);
    let mut draft = Draft::new(seen, if newest { rule::ROUTINE } else { rule::OLDER });
    draft.about(&operation.id);
    draft.saw("operation", format!("{} {}", operation.kind.words(), operation.status.as_str()));
    draft.memory.judged.advance(operation);
    judge(draft, settings, operation, newest).map(Some)
}

fn judge(draft: Draft<'_>, settings: &Settings, operation: &Operation, newest: bool) -> Result<Decision, Stop> {
    use OperationKind as K;
    use OperationStatus as S;
    match (&operation.kind, &operation.status) {
        (K::CreateService | K::StartDeployment | K::UpdateService, S::Succeeded) => {
            released(draft, settings, operation, newest)
        }
        (K::CreateService, S::Failed | S::RollbackFailed | S::RollbackSucceeded) => {
            failed(draft, operation, rule::OPERATION_FAILED)
        }
        (K::StartDeployment | K::UpdateService, S::RollbackSucceeded) => reverted(draft, operation, newest),
        (K::StartDeployment | K::UpdateService, S::Failed) => failed_running(draft, settings, operation, newest),
        (K::StartDeployment | K::UpdateService, S::RollbackFailed) => {
            rollback_failed(draft, settings, operation, newest)
        }
        (K::PauseService | K::ResumeService | K::DeleteService | K::Unknown(_), S::Succeeded) => {
            Ok(draft.record("nothing to do: a routine operation ended well", Then::Again))
        }
        (
            K::PauseService | K::ResumeService | K::DeleteService | K::Unknown(_),
            S::Failed | S::RollbackFailed | S::RollbackSucceeded,
        ) => failed(draft, operation, rule::OPERATION_FAILED),
        // `oldest_unjudged` passes ended operations only; an unknown status never counts as ended.
        (_, S::Pending | S::InProgress | S::RollbackInProgress | S::Unknown(_)) => {
            Ok(Decision::Hold { reason: Hold::OperationRunning, wake_after_secs: None })
        }
    }
}

/// What the operation brought: the candidate that was kept while it ran, or nothing that we know.
fn candidate<'a>(draft: &Draft<'a>, operation: &Operation) -> Option<&'a Candidate> {
    draft.seen.memory.candidate.as_ref().filter(|candidate| candidate.operation == operation.id)
}

fn released(mut draft: Draft<'_>, settings: &Settings, operation: &Operation, newest: bool) -> Result<Decision, Stop> {
    let seen = draft.seen;
    draft.by_rule(rule::RELEASED);
    let kept = candidate(&draft, operation);
    // Only the newest operation's configuration can still be read; of an older one the candidate alone knows.
    let live = if newest { seen.service()? } else { None };
    let Some((source, fingerprint)) = live
        .map(|service| (service.source.clone(), service.fingerprint.clone()))
        .or_else(|| kept.map(|candidate| (candidate.source.clone(), candidate.fingerprint.clone())))
    else {
        return Ok(draft.record("a deployment succeeded unseen; what it brought is not known any more", Then::Again));
    };
    let digest = released_digest(&draft, operation, &source, kept, newest)?;
    draft.saw("digest", digest.as_ref().map_or("unknown".to_owned(), Digest::to_string));
    end_pin(&mut draft, &source);
    let verdict = earned(&draft, digest.as_ref()).unwrap_or(Verdict::Baking { until: operation.end() + settings.bake });
    draft.memory.ledger.add(Release {
        operation: operation.id.clone(),
        source,
        digest,
        fingerprint,
        started_at: operation.started_at,
        released_at: operation.end(),
        verdict,
    });
    draft.memory.candidate = None;
    Ok(draft.record("the operation succeeded: a release is in service and is watched", Then::Again))
}

/// A redeployment of the digest and configuration that already serve as good needs no second trial.
fn earned(draft: &Draft<'_>, digest: Option<&Digest>) -> Option<Verdict> {
    let current = draft.memory.ledger.current()?;
    let same = digest.is_some() && current.digest.as_ref() == digest;
    (same && matches!(current.verdict, Verdict::Good { .. }) && !same_needs_trial(draft, current))
        .then(|| current.verdict.clone())
}

/// Another configuration with the same image is a trial of its own.
fn same_needs_trial(draft: &Draft<'_>, current: &Release) -> bool {
    let live = match &draft.seen.service {
        super::Fact::Known(service) => Some(&service.fingerprint),
        super::Fact::Unread | super::Fact::Unavailable(_) => None,
    };
    live.is_none_or(|live| live != &current.fingerprint)
}

/// The digest that came into service. It counts only where the tag named the same one at the start and at the end.
fn released_digest(
    draft: &Draft<'_>,
    operation: &Operation,
    source: &Source,
    kept: Option<&Candidate>,
    newest: bool,
) -> Result<Option<Digest>, Stop> {
    let Some(image) = source.image() else { return Ok(None) };
    if let Some(digest) = image.digest() {
        return Ok(Some(digest.clone()));
    }
    let current = draft.memory.ledger.current();
    let image_unchanged = current.is_some_and(|release| release.source.image() == Some(image));
    if operation.kind == OperationKind::UpdateService && image_unchanged {
        return Ok(current.and_then(|release| release.digest.clone()));
    }
    let at_start = kept.and_then(|candidate| candidate.digest.clone());
    if !newest {
        return Ok(None);
    }
    let now = draft.seen.resolve(image)?;
    Ok(match (at_start, now) {
        (Some(start), Some(end)) if start == end.digest => Some(start),
        // The start was missed: the image then must have been there before the operation began.
        (None, Some(end)) if kept.is_none() && end.pushed_at.is_some_and(|at| at <= operation.started_at) => {
            Some(end.digest)
        }
        _ => None,
    })
}

/// Somebody else's release of another image ends the pin: the service is theirs again.
fn end_pin(draft: &mut Draft<'_>, source: &Source) {
    let Some(pin) = draft.memory.pin.clone() else { return };
    if source.image().is_some_and(|image| image != &pin.image) {
        draft.notices.push(tell::pin_ended(draft.seen, &pin));
        draft.memory.pin = None;
    }
}

fn incident_of(draft: &Draft<'_>, operation: &Operation, kind: IncidentKind, summary: String) -> Incident {
    let service = draft.seen.arn.clone();
    Incident {
        id: Incident::id_for(&service, &operation.id, kind, operation.started_at),
        kind,
        service,
        operation: operation.id.clone(),
        opened_at: draft.seen.now,
        failing: candidate(draft, operation).and_then(|candidate| candidate.digest.clone()),
        summary,
        state: IncidentState::Open,
    }
}

/// Marks what failed and forgets the candidate.
fn mark_failed(draft: &mut Draft<'_>, operation: &Operation, incident: &Incident) {
    if let Some(digest) = &incident.failing {
        draft.memory.ledger.mark_bad(digest, &operation.id, draft.seen.now, &incident.summary);
        draft.saw("failing digest", digest.to_string());
    }
    if candidate(draft, operation).is_some() {
        draft.memory.candidate = None;
    }
}

/// Told only: the incident is opened and closed in one record.
fn tell_only(mut draft: Draft<'_>, incident: Incident, notice: Notice, decision: &str) -> Result<Decision, Stop> {
    draft.open(incident)?;
    draft.notices.push(notice);
    draft.close(Outcome::Told)?;
    Ok(draft.record(decision, Then::Again))
}

fn failed(mut draft: Draft<'_>, operation: &Operation, by: &'static str) -> Result<Decision, Stop> {
    draft.by_rule(by);
    let diagnosis =
        if operation.kind.deploys() { draft.seen.diagnosis(Some(&operation.id), operation.started_at)? } else { None };
    let summary = format!("the {} failed", operation.kind.words());
    let incident = incident_of(&draft, operation, IncidentKind::Failed, summary);
    mark_failed(&mut draft, operation, &incident);
    let notice = tell::operation_failed(draft.seen, &incident, operation, diagnosis);
    tell_only(draft, incident, notice, "nothing to go back to: diagnosed and told")
}

fn reverted(mut draft: Draft<'_>, operation: &Operation, newest: bool) -> Result<Decision, Stop> {
    let seen = draft.seen;
    draft.by_rule(rule::REVERTED);
    let diagnosis = seen.diagnosis(Some(&operation.id), operation.started_at)?;
    let summary = format!("the {} failed and App Runner restored the previous release", operation.kind.words());
    let incident = incident_of(&draft, operation, IncidentKind::Reverted, summary);
    let armed = if newest { still_armed(&draft, &incident)? } else { None };
    let tags = match seen.tags()? {
        Ok(tags) => tags.clone(),
        Err(_) => Tags::new(),
    };
    mark_failed(&mut draft, operation, &incident);
    draft.saw("armed", armed.as_ref().map_or("no".to_owned(), |image| image.short()));
    let notice = tell::reverted(seen, &incident, diagnosis, armed.as_ref());
    if newest && armed.is_some() && flag(&tags, "pitcrew:pin-after-failure") {
        draft.open(incident)?;
        draft.notices.push(notice);
        return Ok(draft.record("App Runner reverted it; the owner asked for a pin, so it is eligible", Then::Again));
    }
    tell_only(draft, incident, notice, "App Runner reverted it by itself: diagnosed and told, nothing written")
}

/// The image that would bring the bad digest back at the next deployment or update.
fn still_armed(draft: &Draft<'_>, incident: &Incident) -> Result<Option<crate::id::ImageRef>, Stop> {
    let Some(bad) = &incident.failing else { return Ok(None) };
    // After the rollback DescribeService shows the old values: the same tag as before, where the tag was never changed.
    let source = draft.seen.service()?.map(|service| &service.source);
    let Some(image) = source.and_then(Source::image) else { return Ok(None) };
    let names = draft.seen.resolve(image)?;
    Ok(names.filter(|resolved| &resolved.digest == bad).map(|_| image.clone()))
}

fn failed_running(
    mut draft: Draft<'_>,
    settings: &Settings,
    operation: &Operation,
    newest: bool,
) -> Result<Decision, Stop> {
    let seen = draft.seen;
    if !newest {
        return failed(draft, operation, rule::OLDER);
    }
    let diagnosis = seen.diagnosis(Some(&operation.id), operation.started_at)?;
    let Some(service) = seen.service()? else {
        return Ok(Decision::Hold { reason: Hold::Blind, wake_after_secs: Some(60) });
    };
    let good = draft.memory.ledger.last_good(seen.now);
    let drifted = good.is_some_and(|good| {
        let known = !service.fingerprint.is_empty() && !good.fingerprint.is_empty();
        known && (service.fingerprint != good.fingerprint || service.source != good.source)
    });
    let summary = format!("the {} failed", operation.kind.words());
    let incident = incident_of(&draft, operation, IncidentKind::Failed, summary);
    mark_failed(&mut draft, operation, &incident);
    let notice = tell::operation_failed(seen, &incident, operation, diagnosis);
    if service.status != ServiceStatus::Running || !drifted {
        draft.by_rule(rule::FAILED_SAME);
        return tell_only(draft, incident, notice, "the service runs on as before: diagnosed and told");
    }
    draft.by_rule(rule::FAILED_DRIFTED);
    draft.open(incident)?;
    draft.notices.push(notice);
    attempt::attempt(draft, settings)
}

fn rollback_failed(
    mut draft: Draft<'_>,
    settings: &Settings,
    operation: &Operation,
    newest: bool,
) -> Result<Decision, Stop> {
    let seen = draft.seen;
    if !newest {
        return failed(draft, operation, rule::OLDER);
    }
    draft.by_rule(rule::ROLLBACK_FAILED);
    let diagnosis = seen.diagnosis(Some(&operation.id), operation.started_at)?;
    let Some(service) = seen.service()? else {
        return Ok(Decision::Hold { reason: Hold::Blind, wake_after_secs: Some(60) });
    };
    draft.saw("status", service.status.as_str());
    let summary =
        format!("the {} failed and App Runner could not restore the previous release", operation.kind.words());
    let incident = incident_of(&draft, operation, IncidentKind::RollbackFailed, summary);
    mark_failed(&mut draft, operation, &incident);
    let notice = tell::native_rollback_failed(seen, &incident, diagnosis, service.status.as_str());
    if service.status != ServiceStatus::Running {
        draft.open(incident)?;
        draft.notices.push(notice);
        draft.close(Outcome::NeedsPerson)?;
        return Ok(draft.record("the rollback failed and the service does not run: paged", Then::Again));
    }
    draft.open(incident)?;
    draft.notices.push(notice);
    attempt::attempt(draft, settings)
}
