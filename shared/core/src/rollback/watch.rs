//! What is watched between operations: running ones, the bake window, alarms, states that no operation explains, pins.

use jiff::SignedDuration;

use super::draft::Draft;
use super::{
    Alarm, Decision, Hold, Observed, STUCK_AFTER, Settings, Step, Stop, Then, Transition, Trigger, attempt, tell,
};
use crate::incident::{Incident, IncidentKind, IncidentState, Outcome};
use crate::ledger::{Candidate, Release, Verdict};
use crate::receipt::rule;
use crate::service::{Operation, OperationKind, OperationStatus, Service, ServiceStatus};

/// A composite alarm's history has no datapoints: it condemns only when it fired at least one period after the release.
const UNDATED_AFTER: SignedDuration = SignedDuration::from_secs(60);
/// How long after its start the digest of a running operation is asked for again where ECR did not answer.
const RESOLVE_WITHIN: SignedDuration = SignedDuration::from_secs(90);
/// An alarm that fired longer ago than this is history, not news (R15).
const ALARM_NEWS_FOR: SignedDuration = SignedDuration::from_hours(24);

fn hold(reason: Hold) -> Decision {
    Decision::Hold { reason, wake_after_secs: None }
}

/// The service is not there any more: its incident ends, its receipts stay.
pub(super) fn gone(seen: &Observed) -> Result<Decision, Stop> {
    let told = seen.memory.judged.status.as_deref() == Some("DELETED");
    if told || seen.memory.version == 0 {
        return Ok(hold(Hold::Gone));
    }
    let mut draft = Draft::new(seen, rule::DELETED);
    draft.memory.judged.status = Some("DELETED".to_owned());
    draft.memory.candidate = None;
    draft.memory.pin = None;
    draft.notices.push(tell::deleted(seen));
    close_because_deleted(&mut draft)?;
    Ok(draft.record("the service is gone: its incident ends, its receipts stay", Then::Again))
}

fn close_because_deleted(draft: &mut Draft<'_>) -> Result<(), Stop> {
    Ok(draft.close(Outcome::ServiceDeleted)?)
}

/// The newest operation has not ended: keep its candidate, and page once when it takes too long.
pub(super) fn running(seen: &Observed) -> Step {
    let Some(operation) = seen.operations.first().filter(|operation| !operation.status.ended()) else {
        return Ok(None);
    };
    let kept = seen.memory.candidate.as_ref().is_some_and(|candidate| candidate.operation == operation.id);
    if operation.kind.deploys()
        && !kept
        && let Some(service) = seen.service()?
    {
        return keep_candidate(seen, operation, service).map(Some);
    }
    let told = seen.memory.judged.stuck.as_deref() == Some(&operation.id.to_string());
    if !told && seen.now.duration_since(operation.started_at) >= STUCK_AFTER {
        let mut draft = Draft::new(seen, rule::STUCK);
        draft.about(&operation.id);
        draft.memory.judged.stuck = Some(operation.id.to_string());
        draft.notices.push(tell::stuck(seen, operation));
        return Ok(Some(draft.record("the operation does not end: paged once", Then::Again)));
    }
    Ok(Some(hold(Hold::OperationRunning)))
}

fn keep_candidate(seen: &Observed, operation: &Operation, service: &Service) -> Result<Decision, Stop> {
    let current = seen.memory.ledger.current();
    let digest = match service.source.image() {
        None => None,
        // An update of the configuration alone does not name another image.
        Some(image)
            if operation.kind == OperationKind::UpdateService
                && current.is_some_and(|release| release.source.image() == Some(image)) =>
        {
            current.and_then(|release| release.digest.clone())
        }
        Some(image) => match seen.resolve(image)? {
            Some(resolved) => Some(resolved.digest),
            // ECR may be throttled for a moment: the digest of the start is worth another look, but not the whole candidate.
            None if seen.now.duration_since(operation.started_at) < RESOLVE_WITHIN => {
                return Ok(Decision::Hold { reason: Hold::Blind, wake_after_secs: Some(30) });
            }
            None => None,
        },
    };
    let mut draft = Draft::new(seen, rule::CANDIDATE);
    draft.about(&operation.id);
    draft.saw("digest", digest.as_ref().map_or("unknown".to_owned(), ToString::to_string));
    draft.memory.candidate = Some(Candidate {
        operation: operation.id.clone(),
        source: service.source.clone(),
        digest,
        fingerprint: service.fingerprint.clone(),
        seen_at: seen.now,
    });
    Ok(draft.record("an operation runs: what it brings is kept in mind", Then::Again))
}

/// Every operation has ended and was judged.
pub(super) fn at_rest(seen: &Observed, settings: &Settings) -> Result<Decision, Stop> {
    // The alarm comes first: it needs no look at the service, and minutes count.
    if let Some(decision) = alarms(seen, settings)? {
        return Ok(decision);
    }
    if let Some(decision) = bake_ended(seen)? {
        return Ok(decision);
    }
    let Some(service) = seen.service()? else { return Ok(hold(Hold::Blind)) };
    if let Some(decision) = busy(seen, service)? {
        return Ok(decision);
    }
    if let Some(decision) = unexplained(seen, service)? {
        return Ok(decision);
    }
    if let Some(decision) = pushed_while_pinned(seen)? {
        return Ok(decision);
    }
    let proposed = seen.memory.incident.as_ref().is_some_and(|i| matches!(i.state, IncidentState::Proposed { .. }));
    Ok(hold(if proposed { Hold::Proposed } else { Hold::NothingNew }))
}

fn bake_due(seen: &Observed, release: &Release) -> bool {
    matches!(release.verdict, Verdict::Baking { until } if seen.now >= until)
}

fn alarms(seen: &Observed, settings: &Settings) -> Step {
    let current = seen.memory.ledger.current();
    // Inside a bake window all that happened since the operation began counts; outside it nothing that is no news any more.
    let baking = current.filter(|current| matches!(current.verdict, Verdict::Baking { .. }));
    let since = baking.map_or(seen.now - ALARM_NEWS_FOR, |baking| baking.started_at);
    let watching: &[Alarm] = match &seen.trigger {
        Trigger::Alarm { .. } => seen.fired(since)?.map(std::slice::from_ref).unwrap_or_default(),
        Trigger::Sweep => seen.alarms(since)?.unwrap_or_default(),
        Trigger::Event | Trigger::Push | Trigger::Operator(_) if current.is_some_and(|it| bake_due(seen, it)) => {
            seen.alarms(since)?.unwrap_or_default()
        }
        Trigger::Event | Trigger::Push | Trigger::Operator(_) => return Ok(None),
    };
    // Only the newest operation may cause a write: whoever started one since has the service in hand.
    let newest = seen.operations.first().map(|operation| &operation.id);
    for alarm in watching {
        if let Some(current) = current.filter(|current| newest == Some(&current.operation))
            && let Some(transition) = fired_in_bake(current, alarm).filter(|at| is_news(seen, alarm, at))
        {
            let open = seen.memory.incident.as_ref().is_some_and(|incident| incident.operation == current.operation);
            return if open {
                Ok(Some(coalesced(seen, alarm, transition)))
            } else {
                bad_release(seen, settings, current, alarm, transition).map(Some)
            };
        }
    }
    for alarm in watching {
        if let Some(transition) = news(seen, alarm) {
            return outside_bake(seen, alarm, transition).map(Some);
        }
    }
    Ok(None)
}

/// The transition that condemns the release: not-`ALARM` to `ALARM`, inside the bake window, on datapoints after the
/// operation's end, of an alarm that was quiet when the operation began.
fn fired_in_bake<'a>(release: &Release, alarm: &'a Alarm) -> Option<&'a Transition> {
    let Verdict::Baking { until } = release.verdict else { return None };
    if alarm.state_at(release.started_at) == "ALARM" {
        return None;
    }
    let condemns = |transition: &&Transition| {
        transition.to == "ALARM"
            && transition.from != "ALARM"
            && transition.at > release.released_at
            && transition.at <= until
            && transition
                .breached_at
                .map_or(transition.at >= release.released_at + UNDATED_AFTER, |breached| breached > release.released_at)
    };
    alarm.transitions.iter().find(condemns)
}

/// Whether the transition was not told yet, and is no history (R15).
fn is_news(seen: &Observed, alarm: &Alarm, transition: &Transition) -> bool {
    let told = seen.memory.judged.alarms.get(&alarm.name).is_some_and(|told| *told >= transition.at);
    !told && seen.now.duration_since(transition.at) < ALARM_NEWS_FOR
}

/// Remembers that the transition was handled. What is no news any more is never asked for again, so it is forgotten: the row
/// must not grow with every alarm there ever was.
fn note_alarm(draft: &mut Draft<'_>, alarm: &Alarm, transition: &Transition) {
    draft.saw("alarm", alarm.name.clone());
    draft.saw("fired at", transition.at.to_string());
    let now = draft.seen.now;
    draft.memory.judged.alarms.retain(|_, told| now.duration_since(*told) < ALARM_NEWS_FOR);
    draft.memory.judged.alarms.insert(alarm.name.clone(), transition.at);
}

/// Another alarm of a release whose incident is open already: one active incident a service.
fn coalesced(seen: &Observed, alarm: &Alarm, transition: &Transition) -> Decision {
    let mut draft = Draft::new(seen, rule::BAD_RELEASE);
    note_alarm(&mut draft, alarm, transition);
    draft.record("another alarm of the release whose incident is open: noted there", Then::Again)
}

fn news<'a>(seen: &Observed, alarm: &'a Alarm) -> Option<&'a Transition> {
    if alarm.state != "ALARM" {
        return None;
    }
    let newest = alarm.transitions.iter().find(|t| t.to == "ALARM" && t.from != "ALARM")?;
    is_news(seen, alarm, newest).then_some(newest)
}

fn bad_release(
    seen: &Observed,
    settings: &Settings,
    release: &Release,
    alarm: &Alarm,
    transition: &Transition,
) -> Result<Decision, Stop> {
    let mut draft = Draft::new(seen, rule::BAD_RELEASE);
    draft.about(&release.operation);
    draft.saw("released at", release.released_at.to_string());
    note_alarm(&mut draft, alarm, transition);
    let summary =
        format!("the alarm {} fired {} after the release", alarm.name, tell::span(transition.at, release.released_at));
    if let Some(digest) = &release.digest {
        draft.memory.ledger.mark_bad(digest, &release.operation, seen.now, &summary);
    }
    let kind = IncidentKind::BadRelease;
    draft.open(Incident {
        id: Incident::id_for(&seen.arn, &release.operation, kind, transition.at),
        kind,
        service: seen.arn.clone(),
        operation: release.operation.clone(),
        opened_at: seen.now,
        failing: release.digest.clone(),
        summary,
        state: IncidentState::Open,
    })?;
    attempt::attempt(draft, settings)
}

fn outside_bake(seen: &Observed, alarm: &Alarm, transition: &Transition) -> Result<Decision, Stop> {
    let diagnosis = seen.diagnosis(None, transition.at - SignedDuration::from_mins(30))?;
    let mut draft = Draft::new(seen, rule::ALARM);
    note_alarm(&mut draft, alarm, transition);
    draft.notices.push(tell::alarm(seen, alarm, transition, diagnosis));
    Ok(draft.record("an alarm outside the bake window: told, no rollback follows from it", Then::Again))
}

/// The bake window ended without an alarm that condemns the release.
fn bake_ended(seen: &Observed) -> Step {
    let Some(current) = seen.memory.ledger.current().filter(|current| bake_due(seen, current)) else { return Ok(None) };
    let alarms = seen.alarms(current.started_at)?;
    let operation = current.operation.clone();
    let mut draft = Draft::new(seen, rule::BAKED);
    draft.about(&operation);
    let names: Vec<&str> = alarms.unwrap_or_default().iter().map(|alarm| alarm.name.as_str()).collect();
    draft.saw("alarms", if alarms.is_none() { "cannot be read".to_owned() } else { names.join(", ") });
    // App Runner shifts the traffic half a minute before the operation ends: an alarm that fired in between and fires still
    // does not condemn the release, but does not prove it either. One that rang before is deaf to what this release does.
    let rings = |alarm: &Alarm| alarm.state == "ALARM";
    let speaks_against = |alarm: &&Alarm| rings(alarm) || fired_in_bake(current, alarm).is_some();
    let against = alarms.unwrap_or_default().iter().find(speaks_against);
    let watched = !names.is_empty();
    if let Some(release) = draft.memory.ledger.of_operation_mut(&operation) {
        release.verdict =
            if watched && against.is_none() { Verdict::Good { since: seen.now } } else { Verdict::Unproven };
    }
    let decision = match (against, watched) {
        // It was told when it fired; whatever was made of it, the release has not stood its trial.
        (Some(alarm), _) if alarm.state_at(current.started_at) == "ALARM" => {
            "the bake window ended and an alarm rings since before the deployment: the release is unproven"
        }
        (Some(_), _) => "the bake window ended and an alarm has fired since the deployment: the release is unproven",
        (None, true) => "the bake window ended without an alarm: the release is good",
        (None, false) => "the bake window ended and no alarm watches the service: the release is unproven",
    };
    Ok(Some(draft.record(decision, Then::Again)))
}

/// Busy without an operation: AWS maintains it, or the list lags. Nothing is written meanwhile; paged once after 2 h.
fn busy(seen: &Observed, service: &Service) -> Step {
    let judged = &seen.memory.judged;
    let is_busy = service.status == ServiceStatus::OperationInProgress;
    match (is_busy, judged.busy_since) {
        (false, None) => Ok(None),
        (false, Some(_)) => {
            let mut draft = Draft::new(seen, rule::ROUTINE);
            draft.memory.judged.busy_since = None;
            draft.memory.judged.stuck = None;
            Ok(Some(draft.record("the service is free again", Then::Again)))
        }
        (true, None) => {
            let mut draft = Draft::new(seen, rule::BUSY);
            draft.memory.judged.busy_since = Some(seen.now);
            Ok(Some(
                draft.record("the service is busy without an operation: maintenance, or the list lags", Then::Again),
            ))
        }
        (true, Some(since)) => {
            let told = judged.stuck.as_deref() == Some("maintenance");
            if told || seen.now.duration_since(since) < STUCK_AFTER {
                // Somebody waits for it: an incident that is to be tried again.
                let wake_after_secs = seen.memory.incident.as_ref().map(|_| 60);
                return Ok(Some(Decision::Hold { reason: Hold::Busy, wake_after_secs }));
            }
            let mut draft = Draft::new(seen, rule::STUCK);
            draft.memory.judged.stuck = Some("maintenance".to_owned());
            draft.notices.push(tell::stuck_without_operation(seen, since));
            Ok(Some(draft.record("the service stays busy without an operation: paged once", Then::Again)))
        }
    }
}

/// A state that the newest operation does not explain is told once; `RUNNING` makes it news again.
fn unexplained(seen: &Observed, service: &Service) -> Step {
    use OperationKind as K;
    use ServiceStatus as S;
    let newest = seen.operations.first();
    let explained_by = |kind: K, status: OperationStatus| newest.is_some_and(|o| o.kind == kind && o.status == status);
    let explained = match &service.status {
        S::Running | S::OperationInProgress => true,
        S::Paused => {
            explained_by(K::PauseService, OperationStatus::Succeeded)
                || newest.is_some_and(|o| o.kind == K::ResumeService && o.status != OperationStatus::Succeeded)
        }
        S::CreateFailed => newest.is_some_and(|o| o.kind.deploys() && o.status != OperationStatus::Succeeded),
        S::DeleteFailed => newest.is_some_and(|o| o.kind == K::DeleteService),
        S::Deleted => return gone(seen).map(Some),
        S::Unknown(_) => false,
    };
    let status = service.status.as_str();
    let told = seen.memory.judged.status.as_deref();
    if explained && told.is_none() || !explained && told == Some(status) {
        return Ok(None);
    }
    let mut draft = Draft::new(seen, if explained { rule::ROUTINE } else { rule::STATUS });
    draft.saw("status", status);
    if explained {
        draft.memory.judged.status = None;
        return Ok(Some(draft.record("the service's state is explained again", Then::Again)));
    }
    draft.memory.judged.status = Some(status.to_owned());
    draft.notices.push(tell::status(seen, status));
    Ok(Some(draft.record("no operation explains the service's state: told", Then::Again)))
}

/// A push to the tag reaches nothing while the service is pinned: said once a digest.
fn pushed_while_pinned(seen: &Observed) -> Step {
    let Some(pin) = &seen.memory.pin else { return Ok(None) };
    if !matches!(seen.trigger, Trigger::Sweep | Trigger::Push) {
        return Ok(None);
    }
    let Some(resolved) = seen.resolve(&pin.image_before)? else { return Ok(None) };
    let digest = resolved.digest;
    // What the tag named when the pin was set is no news, and an owner who deploys by digest has no tag to push to.
    let ledger = &seen.memory.ledger;
    let served = ledger.releases.iter().any(|release| release.digest.as_ref() == Some(&digest));
    let known = pin.image_before.digest().is_some() || served || ledger.is_bad(&digest);
    if known || seen.memory.judged.push.as_ref() == Some(&digest) {
        return Ok(None);
    }
    let mut draft = Draft::new(seen, rule::PIN);
    draft.saw("pushed", digest.to_string());
    draft.memory.judged.push = Some(digest.clone());
    draft.notices.push(tell::pushed_while_pinned(seen, pin, &digest));
    Ok(Some(draft.record("a push to the tag reaches nothing while the service is pinned: told", Then::Again)))
}
