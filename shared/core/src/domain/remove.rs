//! A domain that App Runner does not show any more: what we made for it goes, and then the memory of it.
//!
//! The first sight is never believed: the list may be stale, and a record that is removed too early is an outage. Targets go
//! first, so that no name leads to a service that may soon be somebody else's; proofs go when no other domain needs them.

use jiff::{SignedDuration, Timestamp};

use super::draft::Draft;
use super::permit::{DOMAINS, Permit, asked, hold, permit};
use super::put::{intend_one, propose};
use super::{Act, Decision, Hold, Look, Observed, Request, Settings, Then, Trigger, follow, operator, tell};
use crate::autonomy::Withheld;
use crate::dns::name::Name;
use crate::dns::plan::{self, Batch, Leftover, Owned, Plan, Purpose};
use crate::dns::record::{RecordSet, RecordType};
use crate::fact::Fact;
use crate::receipt::rule;

/// The domain must have been gone for this long.
const GONE_FOR: SignedDuration = SignedDuration::from_secs(60);

/// Whether the domain is gone, and not for long enough that it is believed.
pub(super) fn is_young(seen: &Observed) -> bool {
    let since = seen.memory.gone_since.filter(|_| seen.association.is_none());
    since.is_some_and(|since| seen.now.duration_since(since) < GONE_FOR)
}

/// Since when a domain must have been gone, for that to be believed now.
pub(super) fn old_enough(now: Timestamp) -> Timestamp {
    now - GONE_FOR
}

/// The rows for a domain without an association.
pub(super) fn gone(seen: &Observed, settings: &Settings) -> Result<Decision, Look> {
    let memory = &seen.memory;
    let elsewhere = memory.link.as_ref().is_some_and(|link| link.service != seen.service);
    if memory.version == 0 || elsewhere {
        // Never ours, or linked to another service by now: this observation says nothing about it.
        return operator::refuse_or(
            seen,
            "App Runner does not show the domain at this service",
            hold(Hold::Gone, None),
        );
    }
    if let Trigger::Operator(Request::Apply | Request::Adopt | Request::Relink) = &seen.trigger {
        return Ok(operator::refuse(seen, "App Runner does not show the domain: there is nothing to do this for"));
    }
    let Some(since) = memory.gone_since else {
        let mut draft = Draft::new(seen, rule::DOMAIN_GONE);
        draft.memory.gone_since = Some(seen.now);
        return Ok(draft.note(Then::Stop { wake_after_secs: Some(60) }));
    };
    let left = GONE_FOR - seen.now.duration_since(since);
    if left.is_positive() {
        let wake = u32::try_from(left.as_secs()).unwrap_or(0) + 1;
        let why = "App Runner has not shown the domain for less than a minute: ask again then";
        return operator::refuse_or(seen, why, hold(Hold::Gone, Some(wake)));
    }
    if memory.owned.is_empty() {
        return Ok(Draft::new(seen, rule::DOMAIN_GONE).forget("not associated any more, and nothing of ours is left"));
    }
    leftovers(seen, settings)
}

fn leftovers(seen: &Observed, settings: &Settings) -> Result<Decision, Look> {
    let plan = plan::plan(&[], &seen.memory.owned, &seen.dns)?;
    let forgotten: Vec<&Owned> = of(&plan, |leftover| *leftover == Leftover::Forget);
    if !forgotten.is_empty() {
        return forget(seen, &forgotten);
    }
    if plan.leftover.iter().any(|(_, leftover)| matches!(leftover, Leftover::Blind(_))) {
        return Ok(hold(Hold::Blind, Some(60)));
    }
    let mut removable: Vec<Owned> = of(&plan, |leftover| *leftover == Leftover::Remove).into_iter().cloned().collect();
    let targets = removable.iter().any(|owned| owned.purpose == Purpose::Target);
    if !targets {
        // The names must be off the servers before their proofs go.
        if let Some(decision) = follow::changes(seen)? {
            return Ok(decision);
        }
        match unshared(seen, removable)? {
            None => return Ok(hold(Hold::Blind, Some(60))),
            Some(unshared) => removable = unshared,
        }
    }
    let leftover = removable.into_iter().map(|owned| (owned, Leftover::Remove)).collect();
    let batches = Plan { wanted: Vec::new(), leftover }.removals();
    remove(seen, settings, batches)
}

fn of(plan: &Plan, is: impl Fn(&Leftover) -> bool) -> Vec<&Owned> {
    plan.leftover.iter().filter(|(_, leftover)| is(leftover)).map(|(owned, _)| owned).collect()
}

/// The proofs that no other domain refers to. `None` where that cannot be read.
fn unshared(seen: &Observed, proofs: Vec<Owned>) -> Result<Option<Vec<Owned>>, Look> {
    let mut left = Vec::new();
    for owned in proofs {
        match is_shared(seen, &owned.record.name)? {
            None => return Ok(None),
            Some(true) => {}
            Some(false) => left.push(owned),
        }
    }
    Ok(Some(left))
}

/// Whether another domain refers to the proof at this name. `None` where that cannot be read.
pub(super) fn is_shared(seen: &Observed, name: &Name) -> Result<Option<bool>, Look> {
    match seen.sharers.iter().find(|(known, _)| known == name).map(|(_, fact)| fact) {
        None | Some(Fact::Unread) => Err(Look::Sharers { name: name.clone() }),
        Some(Fact::Unavailable(_)) => Ok(None),
        Some(Fact::Known(sharers)) => Ok(Some(sharers.iter().any(|sharer| *sharer != seen.name))),
    }
}

fn remove(seen: &Observed, settings: &Settings, batches: Vec<Batch>) -> Result<Decision, Look> {
    if batches.is_empty() {
        // Other domains need what is left. The row stays, and with it the knowledge whose records these are.
        return Ok(hold(Hold::Gone, None));
    }
    let withheld = match permit(seen, settings, DOMAINS)? {
        Permit::Blind => return Ok(hold(Hold::Blind, Some(60))),
        Permit::No(why) => Some(why),
        Permit::Yes => None,
    };
    let may_remove = settings.remove || asked(seen, None);
    if withheld.is_none() && may_remove {
        return Ok(intend_one(seen, batches));
    }
    if let (Some(why @ (Withheld::Paused | Withheld::Held)), true) = (withheld, asked(seen, None)) {
        return Ok(operator::refuse(seen, &why.to_string()));
    }
    let why = withheld.map_or_else(
        || "the stack does not let pitcrew take records away (RemoveRecords)".to_owned(),
        |withheld| withheld.to_string(),
    );
    let acts: Vec<Act> = batches.into_iter().map(Act::ChangeRecords).collect();
    let proposal = tell::proposal(seen, &acts, &why, withheld, "remove");
    Ok(propose(seen, proposal).unwrap_or(hold(Hold::Proposed, None)))
}

/// Records that do not stand as we made them are not ours any more. Where something else stands, that is told.
fn forget(seen: &Observed, forgotten: &[&Owned]) -> Result<Decision, Look> {
    let mut changed = Vec::new();
    for owned in forgotten {
        let record = &owned.record;
        let standing = seen.dns.standing(&owned.zone, &record.name, std::slice::from_ref(&record.name))?;
        let takes_its_place = |set: &RecordSet| {
            set.kind == record.kind || set.kind == RecordType::Cname || record.kind == RecordType::Cname
        };
        if standing.is_ok_and(|sets| sets.iter().any(takes_its_place)) {
            changed.push(*owned);
        }
    }
    let mut draft = Draft::new(seen, rule::RECORDS_NOT_OURS);
    draft.memory.owned.retain(|owned| !forgotten.contains(&owned));
    let words: Vec<String> = forgotten.iter().map(|owned| owned.record.words()).collect();
    draft.saw("records", words.join("; "));
    if !changed.is_empty() {
        draft.notices.push(tell::not_ours(seen, &changed));
    }
    Ok(draft.record("records do not stand as pitcrew made them: they are not its own any more", Then::Again))
}
