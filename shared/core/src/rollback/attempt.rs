//! An eligible incident: choose the target, ask whether it may be done, and write the intent.

use super::draft::Draft;
use super::{Decision, Hold, Settings, Stop, Then, tell};
use crate::autonomy::{self, Tags, Withheld};
use crate::id::{Digest, ImageRef};
use crate::incident::{Action, Incident, IncidentKind, IncidentState, Intent, Outcome};
use crate::ledger::{Release, Target};
use crate::receipt::rule;
use crate::service::Source;

/// Goes on with the draft's open incident.
pub(super) fn attempt(mut draft: Draft<'_>, settings: &Settings) -> Result<Decision, Stop> {
    let Some(incident) = draft.memory.incident.clone() else {
        return Ok(Decision::Hold { reason: Hold::NothingNew, wake_after_secs: None });
    };
    let seen = draft.seen;
    let tags = match seen.tags()? {
        Ok(tags) => tags.clone(),
        // Without the tags nobody knows whether the owner forbade it.
        Err(_) => return Ok(Decision::Hold { reason: Hold::Blind, wake_after_secs: Some(60) }),
    };
    if let Some(branch) = code_branch(&draft) {
        return propose_branch(draft, &incident, &tags, &branch, settings);
    }
    let now = seen.now;
    if let (Some(failing), Some(good)) = (&incident.failing, draft.memory.ledger.last_good(now))
        && good.digest.as_ref() == Some(failing)
        && incident.kind != IncidentKind::Manual
    {
        let names = changed_names(&draft, good);
        return suspect_configuration(draft, &incident, &names);
    }
    let Some((image, unproven)) = choose(&draft, incident.failing.as_ref())? else {
        draft.by_rule(rule::NOTHING_GOOD);
        draft.notices.push(tell::nothing_good(seen, &incident));
        draft.close(Outcome::NeedsPerson)?;
        return Ok(draft.record("no good release is known that ECR still holds: a person is needed", Then::Again));
    };
    draft.saw("target", image.to_string());
    let action = action_for(&draft, &incident, image)?;
    if unproven {
        return withhold(draft, &incident, Withheld::Unproven, &action);
    }
    let breaker = &seen.account.breaker;
    match autonomy::allow(seen.account.pause.is_some(), &tags, settings.autonomy, breaker.admits(&incident.id, now)) {
        Ok(()) => intend(draft, &incident, action),
        Err(withheld) => withhold(draft, &incident, withheld, &action),
    }
}

/// The newest target that ECR still holds, and whether it is only an unproven one.
fn choose(draft: &Draft<'_>, failing: Option<&Digest>) -> Result<Option<(ImageRef, bool)>, Stop> {
    let mut gone: Vec<Digest> = Vec::new();
    loop {
        let (release, unproven) = match draft.memory.ledger.target(failing, &gone, draft.seen.now) {
            Target::Good(release) => (release, false),
            Target::Unproven(release) => (release, true),
            Target::None => return Ok(None),
        };
        let (Some(image), Some(digest)) = (release.pinned_image(), &release.digest) else { return Ok(None) };
        // Where ECR cannot be read we do not know that it is there, so it is not a target.
        if draft.seen.exists(&image)?.unwrap_or(false) {
            return Ok(Some((image, unproven)));
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

fn changed_names(draft: &Draft<'_>, good: &Release) -> Vec<String> {
    let current = draft.memory.ledger.current().map(|release| &release.fingerprint);
    current.map(|current| current.changed_since(&good.fingerprint)).unwrap_or_default()
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
    draft.notices.push(tell::rollback_started(seen, incident, &action));
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
