//! What Route 53 or App Runner answered to the one call of an intent, and what follows.
//!
//! | answer | what follows |
//! |---|---|
//! | Route 53 took the batch | its creations are ours, its deletions forgotten; wait until it is everywhere; a repair is told |
//! | App Runner took the disassociation | wait until the domain is gone |
//! | App Runner took the association | the link is new: it goes the normal way |
//! | nothing was done (throttled, another change is running) | tried again in a minute; an operator is told to ask again |
//! | lost: nobody knows whether it arrived | the intent stays, but nobody holds it: settled by reading after a minute (R5) |
//! | refused | told once; read again; the same call is not made again within the hour |

use super::draft::Draft;
use super::{Act, CallAnswer, Decision, Intent, Observed, PendingChange, Then, Trigger, relink, settle, tell};
use crate::receipt::rule;

/// The record of the answer.
pub(super) fn after_call(seen: &Observed, intent: &Intent, answer: &CallAnswer) -> Decision {
    let mut draft = Draft::new(seen, rule::CALLED);
    let words = tell::act_words(&intent.act);
    draft.memory.intent = None;
    match answer {
        CallAnswer::Changed { change } => changed(draft, intent, change, &words),
        CallAnswer::Taken => taken(draft, intent, &words),
        CallAnswer::NotMade(why) => {
            draft.by_rule(rule::BUSY);
            if let Trigger::Operator(_) = seen.trigger {
                let why = format!("it could not be done now ({why}): ask again in a minute");
                draft.notices.push(tell::request_refused(seen, &why));
            }
            draft.record_with(&words, format!("not done yet: {why}"), Then::Stop { wake_after_secs: Some(60) })
        }
        CallAnswer::Lost(why) => {
            draft.saw("answer", why.clone());
            // Not even this invocation may call again before the minute is over: the call may have arrived.
            draft.memory.intent = Some(Intent { holder: String::new(), ..intent.clone() });
            let then = Then::Stop { wake_after_secs: Some(75) };
            draft.record_with(&words, "the answer was lost: settled by reading".to_owned(), then)
        }
        CallAnswer::Refused { code, message } => {
            draft.saw("answer", format!("{code}: {message}"));
            if settle::remember_refusal(&mut draft.memory, &intent.act, code, seen) {
                draft.notices.push(tell::refused(seen, &intent.act, code, message));
            }
            let mut then = Then::Reread;
            if intent.act == Act::Disassociate {
                // Nothing was begun: the domain is linked as before, and whoever asked for it has his answer.
                draft.memory.relink = None;
                then = Then::Stop { wake_after_secs: None };
            }
            draft.record_with(&words, format!("refused: {code}"), then)
        }
    }
}

fn changed(mut draft: Draft<'_>, intent: &Intent, change: &str, words: &str) -> Decision {
    let seen = draft.seen;
    settle::forget_refusal(&mut draft.memory, &intent.act);
    if let Act::ChangeRecords(batch) = &intent.act {
        settle::own_all(&mut draft.memory, batch);
        draft.memory.changes.push(PendingChange { zone: batch.zone.clone(), id: change.to_owned(), at: seen.now });
        tell::note_changes(&mut draft, batch);
        settle::tell_of(&mut draft, batch);
    }
    // The records that were read are not what stands now.
    draft.record_with(words, format!("Route 53 took it as change {change}"), Then::Reread)
}

fn taken(mut draft: Draft<'_>, intent: &Intent, words: &str) -> Decision {
    settle::forget_refusal(&mut draft.memory, &intent.act);
    let wake = match &intent.act {
        Act::Associate { .. } => {
            relink::linked(&mut draft.memory);
            5
        }
        Act::Disassociate | Act::ChangeRecords(_) => {
            relink::unlinked(draft.seen, &mut draft.memory);
            15
        }
    };
    draft.record_with(words, "App Runner took it".to_owned(), Then::Stop { wake_after_secs: Some(wake) })
}
