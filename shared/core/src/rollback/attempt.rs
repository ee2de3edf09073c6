//! An eligible incident: choose the target, ask whether it may be done, and write the intent.

use jiff::SignedDuration;

use super::draft::Draft;
use super::{Decision, Fact, Hold, Settings, Stop, Then, tell};
use crate::autonomy::{self, Tags, Withheld};
use crate::id::{Digest, ImageRef};
use crate::incident::{Action, Incident, IncidentKind, IncidentState, Intent, Outcome};
use crate::ledger::{Release, Target};
use crate::receipt::rule;
use crate::service::{Fingerprint, ServiceStatus, Source};

/// How long an incident waits for ECR to say whether a target is there. After that a person is asked.
const BLIND_FOR: SignedDuration = SignedDuration::from_mins(15);

/// Where a rollback can go.
enum Choice {
    Good(ImageRef),
    Unproven(ImageRef),
    Nothing,
    /// A release would do, but ECR cannot be read.
    Unreadable,
}

/// Goes on with the draft's open incident.
pub(super) fn attempt(mut draft: Draft<'_>, settings: &Settings) -> Result<Decision, Stop> {
    let Some(incident) = draft.memory.incident.clone() else {
        return Ok(Decision::Hold { reason: Hold::NothingNew, wake_after_secs: None });
    };
    let seen = draft.seen;
    // Only what is known already: the intent is followed by a fresh read in any case, and after an alarm minutes count.
    if let Fact::Known(service) = &seen.service {
        match service.status {
            ServiceStatus::Running => {}
            ServiceStatus::OperationInProgress => return Ok(wait(draft, Hold::Busy)),
            ServiceStatus::CreateFailed
            | ServiceStatus::Deleted
            | ServiceStatus::DeleteFailed
            | ServiceStatus::Paused
            | ServiceStatus::Unknown(_) => return not_running(draft, &incident, service.status.as_str()),
        }
    }
    let tags = match seen.tags()? {
        Ok(tags) => tags.clone(),
        // Without the tags nobody knows whether the owner forbade it.
        Err(_) => return Ok(wait(draft, Hold::Blind)),
    };
    if let Some(branch) = code_branch(&draft) {
        return propose_branch(draft, &incident, &tags, &branch, settings);
    }
    let now = seen.now;
    if let Some(proven) = same_image(&draft, &incident) {
        let names = changed_names(&draft, &incident, proven);
        return suspect_configuration(draft, &incident, &names);
    }
    let (image, unproven) = match choose(&draft, incident.failing.as_ref())? {
        Choice::Good(image) => (image, false),
        Choice::Unproven(image) => (image, true),
        Choice::Unreadable if now.duration_since(incident.opened_at) < BLIND_FOR => {
            return Ok(wait(draft, Hold::Blind));
        }
        Choice::Unreadable | Choice::Nothing => return nothing_good(draft, &incident),
    };
    draft.saw("target", image.to_string());
    let action = action_for(&draft, &incident, image)?;
    if unproven {
        return withhold(draft, &incident, Withheld::Unproven, &action);
    }
    if draft.memory.ledger.is_answered(incident.failing.as_ref(), &incident.operation) {
        return withhold(draft, &incident, Withheld::Repeated, &action);
    }
    let breaker = &seen.account.breaker;
    match autonomy::allow(seen.account.pause.is_some(), &tags, settings.autonomy, breaker.admits(&incident.id, now)) {
        Ok(()) => intend(draft, &incident, action),
        Err(withheld) => withhold(draft, &incident, withheld, &action),
    }
}

/// The incident stays open and is tried again: what was judged is written down, so that nothing is told twice.
fn wait(mut draft: Draft<'_>, why: Hold) -> Decision {
    if !draft.changes() {
        return Decision::Hold { reason: why, wake_after_secs: Some(60) };
    }
    draft.saw("waits", why.as_str());
    draft.record("eligible, but it cannot be done now: tried again", Then::Stop { wake_after_secs: Some(60) })
}

fn not_running(mut draft: Draft<'_>, incident: &Incident, status: &str) -> Result<Decision, Stop> {
    draft.by_rule(rule::STOOD_DOWN);
    draft.saw("status", status);
    draft.notices.push(tell::stood_down(draft.seen, incident));
    draft.close(Outcome::StoodDown)?;
    Ok(draft.record("the service cannot be updated in this status: pitcrew stands down", Then::Again))
}

fn nothing_good(mut draft: Draft<'_>, incident: &Incident) -> Result<Decision, Stop> {
    draft.by_rule(rule::NOTHING_GOOD);
    draft.notices.push(tell::nothing_good(draft.seen, incident));
    draft.close(Outcome::NeedsPerson)?;
    Ok(draft.record("no good release is known that ECR still holds: a person is needed", Then::Again))
}

/// The release that proves the failing image: the last good one, or, where the failing operation never came into service,
/// the one that serves. Then another image would not mend it.
fn same_image<'d>(draft: &'d Draft<'_>, incident: &Incident) -> Option<&'d Release> {
    let failing = incident.failing.as_ref()?;
    let ledger = &draft.memory.ledger;
    let serving = ledger.current().filter(|_| incident.kind != IncidentKind::BadRelease);
    let same = |release: &&Release| release.digest.as_ref() == Some(failing);
    ledger.last_good(draft.seen.now).filter(same).or(serving.filter(same))
}

/// The newest target that ECR still holds.
fn choose(draft: &Draft<'_>, failing: Option<&Digest>) -> Result<Choice, Stop> {
    let mut gone: Vec<Digest> = Vec::new();
    let mut unreadable = false;
    loop {
        let (release, unproven) = match draft.memory.ledger.target(failing, &gone, draft.seen.now) {
            Target::Good(release) => (release, false),
            Target::Unproven(release) => (release, true),
            Target::None if unreadable => return Ok(Choice::Unreadable),
            Target::None => return Ok(Choice::Nothing),
        };
        let (Some(image), Some(digest)) = (release.pinned_image(), &release.digest) else {
            return Ok(Choice::Nothing);
        };
        // Where ECR cannot be read we do not know that it is there, so it is not a target.
        match draft.seen.exists(&image)? {
            Some(true) if unproven => return Ok(Choice::Unproven(image)),
            Some(true) => return Ok(Choice::Good(image)),
            Some(false) => {}
            None => unreadable = true,
        }
        gone.push(digest.clone());
    }
}

/// `StartDeployment` where the source already names the target exactly; else the update that pins it.
fn action_for(draft: &Draft<'_>, incident: &Incident, image: ImageRef) -> Result<Action, Stop> {
    if incident.kind == IncidentKind::BadRelease {
        return Ok(Action::SetImage { image, auto_deploy: false });
    }
    let already = draft.seen.service()?.is_some_and(|service| service.source.image() == Some(&image));
    Ok(if already { Action::Redeploy { image } } else { Action::SetImage { image, auto_deploy: false } })
}

/// The names in which the failing configuration differs from the proven one. A release that serves has its configuration in
/// the ledger; that of an operation which failed stands in its candidate only.
fn changed_names(draft: &Draft<'_>, incident: &Incident, proven: &Release) -> Vec<String> {
    let known = |fingerprint: &&Fingerprint| !fingerprint.is_empty();
    let ledger = &draft.memory.ledger;
    let candidate = draft.seen.memory.candidate.as_ref().filter(|candidate| candidate.operation == incident.operation);
    let served = ledger.of_operation(&incident.operation).map(|release| &release.fingerprint);
    let failing = served.or(candidate.map(|candidate| &candidate.fingerprint)).filter(known);
    failing.map(|failing| failing.changed_since(&proven.fingerprint)).unwrap_or_default()
}

fn suspect_configuration(mut draft: Draft<'_>, incident: &Incident, names: &[String]) -> Result<Decision, Stop> {
    draft.by_rule(rule::SAME_DIGEST);
    draft.saw("changed names", names.join(", "));
    draft.notices.push(tell::configuration_suspect(draft.seen, incident, names));
    draft.close(Outcome::NeedsPerson)?;
    Ok(draft
        .record("the failing release has the last good one's digest: the configuration is the suspect", Then::Again))
}

/// A code service is never rolled back to a commit (App Runner cannot); to a branch only where a tag names one.
fn code_branch(draft: &Draft<'_>) -> Option<String> {
    match draft.memory.ledger.current().map(|release| &release.source) {
        Some(Source::Code { branch, .. }) => Some(branch.clone()),
        Some(Source::Image { .. } | Source::Unknown(_)) | None => None,
    }
}

fn propose_branch(
    mut draft: Draft<'_>,
    incident: &Incident,
    tags: &Tags,
    current: &str,
    settings: &Settings,
) -> Result<Decision, Stop> {
    let Some(branch) = tags.get("pitcrew:stable-branch").filter(|branch| !branch.is_empty() && *branch != current)
    else {
        draft.by_rule(rule::NOTHING_GOOD);
        draft.notices.push(tell::code_without_branch(draft.seen, incident));
        draft.close(Outcome::NeedsPerson)?;
        return Ok(
            draft.record("a code service without a stable branch: App Runner cannot deploy a commit", Then::Again)
        );
    };
    let action = Action::SetBranch { branch: branch.clone() };
    if draft.memory.ledger.is_answered(incident.failing.as_ref(), &incident.operation) {
        return withhold(draft, incident, Withheld::Repeated, &action);
    }
    let account = &draft.seen.account;
    match autonomy::allow(
        account.pause.is_some(),
        tags,
        settings.autonomy,
        account.breaker.admits(&incident.id, draft.seen.now),
    ) {
        Ok(()) => intend(draft, incident, action),
        Err(withheld) => withhold(draft, incident, withheld, &action),
    }
}

/// The intent is written before the call, under the fence, with the breaker's count.
fn intend(mut draft: Draft<'_>, incident: &Incident, action: Action) -> Result<Decision, Stop> {
    let seen = draft.seen;
    let mut breaker = seen.account.breaker.clone();
    breaker.count(&incident.id, seen.now);
    draft.breaker = Some(breaker);
    // Begun before and put off (the service was busy): it was told then.
    if !seen.account.breaker.has_counted(&incident.id) {
        draft.notices.push(tell::rollback_started(seen, incident, &action));
    }
    let intent = Intent {
        holder: seen.me.clone(),
        written_at: seen.now,
        fence: seen.memory.version + 1,
        after: seen.operations.first().map(|operation| operation.id.clone()),
        action: action.clone(),
    };
    draft.go(IncidentState::Intended { intent })?;
    Ok(draft.record(&format!("{}: {}", incident.summary, action.words()), Then::Reread))
}

fn withhold(mut draft: Draft<'_>, incident: &Incident, why: Withheld, action: &Action) -> Result<Decision, Stop> {
    let seen = draft.seen;
    draft.saw("withheld", why.to_string());
    if why == Withheld::Breaker {
        let mut breaker = seen.account.breaker.clone();
        if breaker.trip(seen.now) {
            draft.notices.push(tell::breaker_opened(seen));
            draft.breaker = Some(breaker);
        }
    }
    draft.by_rule(rule::WITHHELD);
    draft.notices.push(tell::proposal(seen, incident, why, action));
    let decision = format!("withheld ({why}): {}", action.words());
    if why == Withheld::Off {
        draft.close(Outcome::Told)?;
    } else {
        draft.go(IncidentState::Proposed { reason: why.to_string() })?;
    }
    Ok(draft.record(&decision, Then::Again))
}
