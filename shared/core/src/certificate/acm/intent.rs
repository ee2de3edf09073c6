//! Intents: what becomes of an outside change that was written down and perhaps made (rules R4 and R5), and of its answer.
//!
//! | seen | decision |
//! |---|---|
//! | an intent of this invocation, at most 30 s old, and the same would be decided now | call, once |
//! | the same, and something else would be decided now | drop it, decide again |
//! | any other intent younger than 60 s: its call may still arrive | hold |
//! | an older one, to make records | settle by reading: a batch that stands whole is ours; of any other nothing arrived, and what looks like it is somebody else's ([`Landed`]) |
//! | an older one, to renew | settle by reading: a renewal that runs is the one that was asked for |
//!
//! | answer | what follows |
//! |---|---|
//! | Route 53 took the batch | its records are ours; told |
//! | ACM took the renewal | told; not asked for again within a day |
//! | nothing was done (throttled, another change is running) | tried again in a minute |
//! | lost: nobody knows whether it arrived | the intent stays, but nobody holds it: settled by reading after a minute |
//! | refused | told once; the same is not tried again within the hour |

use jiff::{SignedDuration, Timestamp};

use super::draft::Draft;
use super::{AcmMemory, Act, CallAnswer, Decision, Intent, Look, Observed, Then, tell};
use crate::autonomy::Autonomy;
use crate::dns::plan::{Batch, Landed, Owned, Purpose};
use crate::dns::record::{Change, RecordSet};
use crate::receipt::rule;
use crate::short_hash::short_hash;

/// A call may follow its intent only this soon; then another invocation may settle it.
const CALL_WITHIN: SignedDuration = SignedDuration::from_secs(30);
/// An intent of somebody else is settled by reading after this long: no call of his is on its way any more.
const SETTLES_AFTER: SignedDuration = SignedDuration::from_secs(60);
/// The same call is not made again sooner than this after it was refused.
const REFUSED_FOR: SignedDuration = SignedDuration::from_hours(1);
/// A renewal may show only hours after it was asked for (fact sheet, section 6).
const RENEWAL_SHOWS_WITHIN: SignedDuration = SignedDuration::from_hours(24);

/// Topics of `told` that hold when something was tried: the act's fingerprint and the time.
pub(super) const REFUSED: &str = "refused";
pub(super) const RENEWED: &str = "renewal-asked";

/// The intent in memory, followed to its end.
pub(super) fn follow(seen: &Observed, autonomy: Autonomy, intent: &Intent) -> Result<Decision, Look> {
    let age = seen.now.duration_since(intent.at);
    if intent.holder == seen.me && age <= CALL_WITHIN {
        if would_decide(seen, autonomy, &intent.act)? {
            return Ok(Decision::Call(Box::new(intent.clone())));
        }
        let mut draft = Draft::new(seen, rule::CERTIFICATE_DROPPED);
        draft.saw("intent", &tell::act_words(&intent.act));
        draft.memory.intent = None;
        return Ok(draft.record("what was read again does not fit the intent: dropped", Then::Again));
    }
    if age < SETTLES_AFTER {
        return Ok(Decision::Hold { reason: "intent_pending" });
    }
    by_reading(seen, intent)
}

/// Whether exactly this act would be intended, had it not been yet: with every switch and record read anew.
fn would_decide(seen: &Observed, autonomy: Autonomy, act: &Act) -> Result<bool, Look> {
    let memory = AcmMemory { intent: None, ..seen.memory.clone() };
    let before = Observed { memory, ..seen.clone() };
    let Decision::Record(record) = super::rows(&before, autonomy)? else { return Ok(false) };
    let intent = record.memory.as_ref().and_then(|memory| memory.intent.as_ref());
    Ok(intent.is_some_and(|intent| intent.act == *act))
}

fn by_reading(seen: &Observed, intent: &Intent) -> Result<Decision, Look> {
    let mut draft = Draft::new(seen, rule::CERTIFICATE_SETTLED);
    draft.saw("intent", &tell::act_words(&intent.act));
    draft.memory.intent = None;
    let arrived = match &intent.act {
        Act::ChangeRecords(batch) => match batch.landed(&seen.dns)? {
            Landed::Blind => return Ok(Decision::Hold { reason: "blind" }),
            Landed::Whole => {
                own(&mut draft.memory, batch);
                draft.notices.push(tell::put_back(seen, batch));
                true
            }
            Landed::Not { foreign, .. } => {
                if !foreign.is_empty() {
                    let words: Vec<String> = foreign.iter().map(RecordSet::words).collect();
                    draft.saw("not ours", &words.join("; "));
                }
                false
            }
        },
        Act::Renew => {
            let renewal = seen.certificate.as_ref().and_then(|certificate| certificate.renewal.as_ref());
            let running = renewal.is_some_and(|(status, _)| status.starts_with("PENDING"));
            if running {
                draft.memory.told.insert(RENEWED.to_owned(), stamp(&intent.act, seen.now));
            }
            running
        }
    };
    let words = if arrived { "the call had arrived" } else { "the call left nothing: it never arrived" };
    Ok(draft.record(&format!("settled by reading: {words}"), Then::Again))
}

/// What was created is ours from now on.
fn own(memory: &mut AcmMemory, batch: &Batch) {
    for change in &batch.changes {
        let record = change.record();
        memory.owned.retain(|owned| owned.zone.id != batch.zone.id || owned.record.name != record.name);
        if let Change::Create(record) = change {
            let (zone, record) = (batch.zone.clone(), record.clone());
            memory.owned.push(Owned { zone, purpose: Purpose::Validation, record });
        }
    }
}

/// An act and a time, as `told` keeps them.
fn stamp(act: &Act, at: Timestamp) -> String {
    format!("{} {at}", short_hash([format!("{act:?}").as_str()]))
}

fn within(seen: &Observed, topic: &str, act: &Act, span: SignedDuration) -> bool {
    let Some((hash, at)) = seen.memory.told.get(topic).and_then(|told| told.split_once(' ')) else { return false };
    let lately = at.parse::<Timestamp>().is_ok_and(|at| seen.now.duration_since(at) < span);
    lately && stamp(act, seen.now).starts_with(hash)
}

/// Whether this very act was refused within the hour, or is a renewal that was asked for within the day.
pub(super) fn tried_lately(seen: &Observed, act: &Act) -> bool {
    within(seen, REFUSED, act, REFUSED_FOR) || within(seen, RENEWED, act, RENEWAL_SHOWS_WITHIN)
}

/// The record of the answer.
pub(super) fn after_call(seen: &Observed, intent: &Intent, answer: &CallAnswer) -> Decision {
    let busy = matches!(answer, CallAnswer::NotMade(_));
    let mut draft = Draft::new(seen, if busy { rule::BUSY } else { rule::CALLED });
    let words = tell::act_words(&intent.act);
    draft.memory.intent = None;
    match answer {
        CallAnswer::Changed { .. } | CallAnswer::Taken => taken(draft, intent, answer, &words),
        CallAnswer::NotMade(why) => {
            draft.record_with(&words, format!("not done yet: {why}"), Then::Stop { wake_after_secs: Some(60) })
        }
        CallAnswer::Lost(why) => {
            draft.saw("answer", why);
            // Not even this invocation may call again before the minute is over: the call may have arrived.
            draft.memory.intent = Some(Intent { holder: String::new(), ..intent.clone() });
            let then = Then::Stop { wake_after_secs: Some(75) };
            draft.record_with(&words, "the answer was lost: settled by reading".to_owned(), then)
        }
        CallAnswer::Refused { code, message } => {
            draft.saw("answer", &format!("{code}: {message}"));
            let told = stamp(&intent.act, seen.now);
            let before = draft.memory.told.insert(REFUSED.to_owned(), told.clone());
            let same = |before: String| before.split(' ').next() == told.split(' ').next();
            if !before.is_some_and(same) {
                draft.notices.push(tell::refused(seen, &intent.act, code, message));
            }
            draft.record_with(&words, format!("refused: {code}"), Then::Reread)
        }
    }
}

fn taken(mut draft: Draft<'_>, intent: &Intent, answer: &CallAnswer, words: &str) -> Decision {
    draft.memory.told.remove(REFUSED);
    match &intent.act {
        Act::ChangeRecords(batch) => {
            own(&mut draft.memory, batch);
            draft.notices.push(tell::put_back(draft.seen, batch));
        }
        Act::Renew => {
            draft.memory.told.insert(RENEWED.to_owned(), stamp(&intent.act, draft.seen.now));
            draft.notices.push(tell::renewal_asked(draft.seen));
        }
    }
    let did = match answer {
        CallAnswer::Changed { change } => format!("Route 53 took it as change {change}"),
        _ => "ACM took it".to_owned(),
    };
    // What was read before is not what is so now.
    draft.record_with(words, did, Then::Reread)
}
