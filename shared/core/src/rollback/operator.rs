//! An operator's command takes the same path as the automatic one: the same intent, the same call, the same receipts.
//! Autonomy does not bind an operator; the account's pause and the service's hold do, for they were set on purpose.

use super::draft::Draft;
use super::{Decision, Hold, Observed, Request, Settings, Stop, Then, tell};
use crate::autonomy::{Withheld, flag};
use crate::id::{Digest, ImageRef};
use crate::incident::{Action, Incident, IncidentKind, IncidentState, Intent, Outcome};
use crate::ledger::{Pin, Target};
use crate::receipt::rule;
use crate::service::ServiceStatus;

/// What stands in the way of an operator's command, in the words that the CLI prints.
pub(super) fn answer(seen: &Observed, _settings: &Settings, request: &Request) -> Result<Decision, Stop> {
    match request {
        Request::MarkGood { digest } => mark_good(seen, digest),
        Request::Rollback { to } => match target(seen, to.as_ref())? {
            Ok(image) => begin(seen, image, false),
            Err(why) => refuse(seen, &why),
        },
        Request::Unpin => match seen.memory.pin.clone() {
            Some(pin) => unpin(seen, pin),
            None => refuse(seen, "the service is not pinned by pitcrew"),
        },
    }
}

/// Gives tag and automatic deployment back, unless that would bring the bad image back at once.
fn unpin(seen: &Observed, pin: Pin) -> Result<Decision, Stop> {
    let names = seen.resolve(&pin.image_before)?;
    if let Some(bad) = names.filter(|resolved| seen.memory.ledger.is_bad(&resolved.digest)) {
        let why = format!(
            "{} still names {}, which is remembered as bad: push a fixed image first, or mark it good if it is",
            pin.image_before.short(),
            bad.digest.short()
        );
        return refuse(seen, &why);
    }
    begin(seen, pin.image_before, pin.auto_deploy_before)
}

fn refuse(seen: &Observed, why: &str) -> Result<Decision, Stop> {
    let draft = Draft::new(seen, rule::OPERATOR);
    Ok(draft.record(&format!("refused: {why}"), Then::Stop { wake_after_secs: None }))
}

fn mark_good(seen: &Observed, digest: &Digest) -> Result<Decision, Stop> {
    let mut draft = Draft::new(seen, rule::OPERATOR);
    draft.saw("digest", digest.to_string());
    if !draft.memory.ledger.mark_good(digest, seen.now) {
        return refuse(seen, "no release of this digest is in the ledger (`pitcrew releases` lists them)");
    }
    Ok(draft.record("marked good by an operator", Then::Stop { wake_after_secs: None }))
}

/// The image to go to, or why there is none.
fn target(seen: &Observed, to: Option<&Digest>) -> Result<Result<ImageRef, String>, Stop> {
    let ledger = &seen.memory.ledger;
    let current = ledger.current();
    let image = match to {
        Some(digest) => {
            let known = ledger.releases.iter().find(|release| release.digest.as_ref() == Some(digest));
            let source = known.or(current).and_then(|release| release.source.image());
            match source {
                Some(image) => image.pinned_to(digest),
                None => {
                    return Ok(Err(
                        "the service does not run an image: a code service cannot go to a digest".to_owned()
                    ));
                }
            }
        }
        None => {
            let failing = current.and_then(|release| release.digest.as_ref());
            match ledger.target(failing, &[], seen.now) {
                Target::Good(release) => match release.pinned_image() {
                    Some(image) => image,
                    None => return Ok(Err("the last good release has no image".to_owned())),
                },
                Target::Unproven(_) => {
                    return Ok(Err(
                        "only an unproven release is known: name it with --to, or mark it good first".to_owned()
                    ));
                }
                Target::None => return Ok(Err("no good release is known: name a digest with --to".to_owned())),
            }
        }
    };
    Ok(match seen.exists(&image)? {
        Some(true) => Ok(image),
        Some(false) => Err(format!("ECR does not hold {} any more", image.short())),
        None => Err("ECR cannot be read, so nobody knows whether the image is still there".to_owned()),
    })
}

fn begin(seen: &Observed, image: ImageRef, auto_deploy: bool) -> Result<Decision, Stop> {
    let withheld = match seen.tags()? {
        _ if seen.account.pause.is_some() => Some(Withheld::Paused),
        Ok(tags) if flag(tags, "pitcrew:hold") => Some(Withheld::Held),
        Ok(_) => None,
        Err(why) => return refuse(seen, &format!("the service's tags cannot be read ({why})")),
    };
    if let Some(why) = withheld {
        return refuse(seen, &why.to_string());
    }
    let Some(service) = seen.service()? else {
        return Ok(Decision::Hold { reason: Hold::Blind, wake_after_secs: None });
    };
    if service.status != ServiceStatus::Running {
        let status = service.status.as_str();
        return refuse(seen, &format!("the service is {status}: it can be changed only while it is RUNNING"));
    }
    let action = if service.source.image() == Some(&image) && image.digest().is_some() {
        Action::Redeploy { image }
    } else {
        Action::SetImage { image, auto_deploy }
    };
    let newest = seen.operations.first();
    let about = newest.map(|operation| operation.id.clone());
    let Some(operation) = about.clone() else { return refuse(seen, "the service has no operation yet") };
    let mut draft = Draft::new(seen, rule::OPERATOR);
    if draft.memory.incident.is_some() {
        draft.close(Outcome::StoodDown)?;
    }
    let incident = Incident {
        id: Incident::id_for(&seen.arn, &operation, IncidentKind::Manual, seen.now),
        kind: IncidentKind::Manual,
        service: seen.arn.clone(),
        operation: operation.clone(),
        opened_at: seen.now,
        failing: None,
        summary: format!("an operator asked to {}", action.words()),
        state: IncidentState::Open,
    };
    draft.about(&operation);
    draft.notices.push(tell::rollback_started(seen, &incident, &action));
    let words = action.words();
    draft.open(incident)?;
    let intent =
        Intent { holder: seen.me.clone(), written_at: seen.now, fence: seen.memory.version + 1, after: about, action };
    draft.go(IncidentState::Intended { intent })?;
    Ok(draft.record(&format!("an operator asked to {words}"), Then::Reread))
}
