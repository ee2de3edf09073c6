//! What an operator asks for takes the same path as what happens by itself: the same intent, the same call, the same
//! receipts. Autonomy does not bind an operator; the account's pause and the service's hold do, taking records over included.
//!
//! `Apply` is no row of its own: it lets the other rows do what they would propose. A request that cannot be carried out is
//! told and receipted.

use super::draft::Draft;
use super::permit::{Permit, hold, may_finish};
use super::put::Case;
use super::relink::Begin;
use super::{
    Association, Decision, DomainStatus, Hold, Look, Observed, Request, Settings, Then, Trigger, cause, relink, tell,
};
use crate::dns::plan::{Owned, Verdict};
use crate::receipt::rule;

const UNREADABLE_TAGS: &str = "the service's tags cannot be read, so nobody knows whether it is held";

/// The record of a refusal. The request ends with it.
pub(super) fn refuse(seen: &Observed, why: &str) -> Decision {
    let mut draft = Draft::new(seen, rule::OPERATOR);
    draft.notices.push(tell::request_refused(seen, why));
    draft.record(&format!("refused: {why}"), Then::Stop { wake_after_secs: None })
}

/// A refusal where an operator asked, else the given decision.
pub(super) fn refuse_or(seen: &Observed, why: &str, other: Decision) -> Result<Decision, Look> {
    match seen.trigger {
        Trigger::Operator(_) => Ok(refuse(seen, why)),
        Trigger::Event | Trigger::Sweep => Ok(other),
    }
}

/// The requests that are rows of their own, for a domain that is associated.
pub(super) fn request(
    seen: &Observed,
    settings: &Settings,
    association: &Association,
) -> Result<Option<Decision>, Look> {
    let Trigger::Operator(request) = &seen.trigger else { return Ok(None) };
    match request {
        Request::Remove => {
            let why = "App Runner still shows the domain: disassociate it first, then ask again";
            Ok(Some(refuse(seen, why)))
        }
        Request::Adopt => adopt(seen, settings, association).map(Some),
        Request::Relink | Request::Apply => match may_finish(seen)? {
            Permit::No(why) => Ok(Some(refuse(seen, &why.to_string()))),
            Permit::Blind => Ok(Some(refuse(seen, UNREADABLE_TAGS))),
            Permit::Yes if *request == Request::Apply => Ok(None),
            Permit::Yes => link_again(seen, settings, association).map(Some),
        },
    }
}

fn link_again(seen: &Observed, settings: &Settings, association: &Association) -> Result<Decision, Look> {
    match association.status {
        DomainStatus::Deleting => return Ok(refuse(seen, "App Runner is deleting the association")),
        DomainStatus::Unknown(_) => return Ok(refuse(seen, "App Runner shows a status that pitcrew does not know")),
        DomainStatus::Creating
        | DomainStatus::PendingCertificateDnsValidation
        | DomainStatus::BindingCertificate
        | DomainStatus::Active
        | DomainStatus::CreateFailed
        | DomainStatus::DeleteFailed => {}
    }
    Ok(match cause::may_begin(seen, settings, association)? {
        Begin::Yes => relink::begin(seen, association, "An operator asked to link it again."),
        Begin::No(why, _) => refuse(seen, &why),
        Begin::Blind => {
            refuse(seen, "something that a new link needs cannot be read, so nobody knows whether it could be finished")
        }
    })
}

fn adopt(seen: &Observed, settings: &Settings, association: &Association) -> Result<Decision, Look> {
    match may_finish(seen)? {
        Permit::Yes => {}
        Permit::No(why) => return Ok(refuse(seen, &why.to_string())),
        Permit::Blind => return Ok(refuse(seen, UNREADABLE_TAGS)),
    }
    let case = Case::of(seen, settings, association)?;
    if case.blind.is_some() {
        return Ok(hold(Hold::Blind, None));
    }
    let found = case.plan.wanted.iter().filter_map(|(wanted, verdict)| match verdict {
        Verdict::Found { zone, standing } => {
            Some(Owned { zone: zone.clone(), purpose: wanted.purpose, record: standing.clone() })
        }
        _ => None,
    });
    let found: Vec<Owned> = found.collect();
    if found.is_empty() {
        return Ok(refuse(seen, "no record stands as it is wanted that is not pitcrew's own already"));
    }
    let mut draft = Draft::new(seen, rule::RECORDS_ADOPTED);
    draft.notices.push(tell::adopted(seen, &found));
    let words: Vec<String> = found.iter().map(|owned| owned.record.words()).collect();
    draft.saw("records", words.join("; "));
    for owned in found {
        // An older record of ours at the same place does not stand any more.
        let place = |other: &Owned| (other.zone.id.clone(), other.record.name.clone(), other.record.kind.clone());
        draft.memory.owned.retain(|other| place(other) != place(&owned));
        draft.memory.owned.push(owned);
    }
    Ok(draft.record("an operator gave the standing records into pitcrew's hands", Then::Stop { wake_after_secs: None }))
}
