//! Intents: what becomes of an outside change that was written down and perhaps made (rules R4 and R5).
//!
//! | seen | decision |
//! |---|---|
//! | an intent of this invocation, at most 30 s old, and the same would be decided now | call, once |
//! | the same, and something else would be decided now | drop it, decide again |
//! | any other intent younger than 60 s: its call may still arrive | hold |
//! | an older one, to change records | settle by reading: a batch that stands whole is ours; of any other nothing arrived, and what looks like it is somebody else's ([`Landed`]) |
//! | an older one, to link or unlink | settle by reading: as App Runner shows the association |

use jiff::{SignedDuration, Timestamp};

use super::draft::Draft;
use super::permit::{asked, hold};
use super::{
    Act, Decision, DomainMemory, DomainStatus, Hold, Intent, Look, Observed, Settings, Then, relink, repair, tell,
};
use crate::dns::plan::{Batch, Landed, Owned, Purpose};
use crate::dns::record::{Change, RecordSet, RecordType};
use crate::receipt::rule;
use crate::short_hash::short_hash;

/// A call may follow its intent only this soon; then another invocation may settle it.
const CALL_WITHIN: SignedDuration = SignedDuration::from_secs(30);
/// An intent of somebody else is settled by reading after this long: no call of his is on its way any more.
pub(super) const SETTLES_AFTER: SignedDuration = SignedDuration::from_secs(60);
/// The same call is not made again sooner than this after it was refused.
const REFUSED_FOR: SignedDuration = SignedDuration::from_hours(1);

/// The intent in memory, followed to its end.
pub(super) fn intent(seen: &Observed, settings: &Settings, intent: &Intent) -> Result<Decision, Look> {
    let age = seen.now.duration_since(intent.at);
    if intent.holder == seen.me && age <= CALL_WITHIN {
        return if would_decide(seen, settings, &intent.act)? {
            Ok(Decision::Call(Box::new(intent.clone())))
        } else {
            let mut draft = Draft::new(seen, rule::INTENT_DROPPED);
            draft.saw("intent", tell::act_words(&intent.act));
            draft.memory.intent = None;
            Ok(draft.record("what was read again does not fit the intent: dropped, decided afresh", Then::Again))
        };
    }
    if age < SETTLES_AFTER {
        return Ok(hold(Hold::IntentPending, Some(60)));
    }
    by_reading(seen, intent)
}

/// Whether the rows would intend exactly this act, had it not been intended yet: with every switch, CAA and record read anew.
fn would_decide(seen: &Observed, settings: &Settings, act: &Act) -> Result<bool, Look> {
    let memory = DomainMemory { intent: None, ..seen.memory.clone() };
    let before = Observed { memory, ..seen.clone() };
    let decision = super::rows(&before, settings)?;
    let Decision::Record(record) = decision else { return Ok(false) };
    let intent = record.memory.as_ref().and_then(|memory| memory.intent.as_ref());
    Ok(intent.is_some_and(|intent| intent.act == *act))
}

fn by_reading(seen: &Observed, intent: &Intent) -> Result<Decision, Look> {
    let mut draft = Draft::new(seen, rule::INTENT_SETTLED);
    draft.saw("intent", tell::act_words(&intent.act));
    draft.memory.intent = None;
    let status = seen.association.as_ref().map(|association| &association.status);
    let arrived = match &intent.act {
        Act::ChangeRecords(batch) => match batch.landed(&seen.dns)? {
            Landed::Blind => return Ok(hold(Hold::Blind, Some(60))),
            Landed::Whole => {
                own_all(&mut draft.memory, batch);
                tell_of(&mut draft, batch);
                true
            }
            Landed::Not { foreign, gone } => {
                let gone = gone.into_iter().map(Change::Delete);
                gone.for_each(|change| own(&mut draft.memory, batch, &change));
                if !foreign.is_empty() {
                    draft.saw("not ours", record_words(&foreign));
                }
                false
            }
        },
        Act::Disassociate => {
            let arrived = matches!(status, None | Some(DomainStatus::Deleting));
            if arrived {
                relink::unlinked(seen, &mut draft.memory);
            }
            arrived
        }
        Act::Associate { .. } => {
            let arrived = !matches!(status, None | Some(DomainStatus::Deleting));
            if arrived {
                relink::linked(&mut draft.memory);
            }
            arrived
        }
    };
    let words = if arrived { "the call had arrived" } else { "the call left nothing: it never arrived" };
    Ok(draft.record(&format!("settled by reading: {words}"), Then::Again))
}

fn record_words(records: &[RecordSet]) -> String {
    records.iter().map(RecordSet::words).collect::<Vec<_>>().join("; ")
}

/// What a change that was made does to the owned records.
fn own(memory: &mut DomainMemory, batch: &Batch, change: &Change) {
    let record = change.record();
    memory.owned.retain(|owned| owned.zone.id != batch.zone.id || owned.record != *record);
    if let Change::Create(_) = change {
        // One owned record a name and type: an older wish that was overtaken is not ours any more.
        let same = |owned: &Owned| owned.record.name == record.name && owned.record.kind == record.kind;
        memory.owned.retain(|owned| owned.zone.id != batch.zone.id || !same(owned));
        let (zone, purpose) = (batch.zone.clone(), purpose(record));
        memory.owned.push(Owned { zone, purpose, record: record.clone() });
    }
}

/// All changes of a batch that Route 53 took.
pub(super) fn own_all(memory: &mut DomainMemory, batch: &Batch) {
    // A replacement deletes first; whatever the order in the batch, what was created is what we own.
    let (creates, deletes): (Vec<&Change>, Vec<&Change>) =
        batch.changes.iter().partition(|change| matches!(change, Change::Create(_)));
    deletes.into_iter().chain(creates).for_each(|change| own(memory, batch, change));
}

/// ACM's proofs are CNAMEs below a label that begins with an underscore, which no custom domain of App Runner can have.
pub(super) fn purpose(record: &RecordSet) -> Purpose {
    let proof = record.kind == RecordType::Cname && record.name.as_str().starts_with('_');
    if proof { Purpose::Validation } else { Purpose::Target }
}

/// What people are told of a batch that arrived: a repair, or a removal. The making of a domain is told at its end.
pub(super) fn tell_of(draft: &mut Draft<'_>, batch: &Batch) {
    let seen = draft.seen;
    match &seen.association {
        // Targets go first and proofs later, in batches of their own; that is one piece of news.
        None if draft.memory.told.contains_key("removed") => {}
        None => {
            draft.memory.told.insert("removed".to_owned(), seen.now.to_string());
            draft.notices.push(tell::removed(seen, batch, &draft.memory.owned));
        }
        Some(_) if seen.memory.finished_at.is_some() => {
            if repair::count(&mut draft.memory, seen, batch) {
                draft.notices.push(tell::repaired(seen, batch));
            }
        }
        Some(_) => {}
    }
}

/// Refusals are forgotten this long after the last one of the same call.
const REFUSALS_KEPT: SignedDuration = SignedDuration::from_hours(24);

/// The topic of a refusal: one for each call, for one refused batch must not hide another one.
fn refusal(act: &Act) -> String {
    format!("refused:{}", short_hash([format!("{act:?}").as_str()]))
}

/// When, to whom and with which code a call was refused.
fn refused_as(told: &str) -> Option<(Timestamp, &str, &str)> {
    let mut parts = told.splitn(3, ' ');
    let at = parts.next()?.parse().ok()?;
    Some((at, parts.next()?, parts.next()?))
}

/// Whether a topic is a refusal's.
pub(super) fn is_refusal(topic: &str) -> bool {
    topic.starts_with("refused:")
}

/// Remembers a refusal; whether it is news. Parts of a batch are tried apart, and one cause is told once.
pub(super) fn remember_refusal(memory: &mut DomainMemory, act: &Act, code: &str, seen: &Observed) -> bool {
    let kept = |told: &str| refused_as(told).is_some_and(|(at, ..)| seen.now.duration_since(at) < REFUSALS_KEPT);
    memory.told.retain(|topic, told| !is_refusal(topic) || kept(told));
    let same = |(topic, told): (&String, &String)| is_refusal(topic) && refused_as(told).is_some_and(|it| it.2 == code);
    let news = !memory.told.iter().any(same);
    memory.told.insert(refusal(act), format!("{} {} {code}", seen.now, seen.me));
    news
}

/// Forgets that the call was refused: it was taken.
pub(super) fn forget_refusal(memory: &mut DomainMemory, act: &Act) {
    memory.told.remove(&refusal(act));
}

/// Whether the last try of this very call was refused.
pub(super) fn was_refused(seen: &Observed, act: &Act) -> bool {
    seen.memory.told.contains_key(&refusal(act))
}

/// Whether this very act was refused within the hour. An operator who asks again does not wait.
pub(super) fn refused_lately(seen: &Observed, act: &Act) -> bool {
    let Some((at, by, _)) = seen.memory.told.get(&refusal(act)).and_then(|told| refused_as(told)) else { return false };
    let asked_again = asked(seen, seen.association.as_ref()) && by != seen.me;
    seen.now.duration_since(at) < REFUSED_FOR && !asked_again
}
