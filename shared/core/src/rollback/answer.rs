//! What App Runner answered to the one call of an intent, and what follows.
//!
//! | answer | what follows |
//! |---|---|
//! | an operation | the incident follows it |
//! | 200 without an operation: nothing changed | a person is needed: what runs already has the target's name |
//! | busy, throttled, or never sent | nothing was done; tried again in a minute; an operator is told to ask again |
//! | the same, two hours after the incident began (not where the service is busy: that ends) | a person is needed |
//! | lost: nobody knows whether it arrived | the intent stays, but nobody holds it: settled by reading after a minute (R5) |
//! | refused (denied, invalid, gone) | a person is needed |

use super::draft::Draft;
use super::{Decision, GIVE_UP_AFTER, Observed, Then, tell};
use crate::id::OperationId;
use crate::incident::{IllegalTransition, IncidentKind, IncidentState, Intent, Outcome};
use crate::receipt::rule;

/// The outcome of the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallAnswer {
    Started(OperationId),
    NothingChanged,
    Busy(String),
    NotMade(String),
    Lost(String),
    Refused { code: String, message: String },
}

/// The record of the answer.
pub fn after_call(seen: &Observed, intent: &Intent, answer: &CallAnswer) -> Result<Decision, IllegalTransition> {
    let mut draft = Draft::new(seen, rule::CALLED);
    let Some(incident) = seen.memory.incident.clone() else {
        return Ok(
            draft.record("the call was answered, but its incident is gone", Then::Stop { wake_after_secs: None })
        );
    };
    draft.about(&incident.operation);
    let words = intent.action.words();
    let soon = Then::Stop { wake_after_secs: Some(60) };
    let manual = incident.kind == IncidentKind::Manual;
    let late = seen.now.duration_since(incident.opened_at) >= GIVE_UP_AFTER;
    if !manual && matches!(answer, CallAnswer::Started(_) | CallAnswer::NothingChanged | CallAnswer::Refused { .. }) {
        draft.memory.ledger.answer(incident.failing.as_ref(), &incident.operation);
    }
    let (decision, did, then) = match answer {
        CallAnswer::Started(operation) => {
            draft.about(operation);
            draft.go(IncidentState::Confirming { intent: intent.clone(), operation: operation.clone() })?;
            (words, format!("App Runner started operation {operation}"), Then::Stop { wake_after_secs: None })
        }
        CallAnswer::NothingChanged => {
            draft.notices.push(tell::refused(seen, &incident, &intent.action, "App Runner says that nothing changed"));
            draft.close(Outcome::NeedsPerson)?;
            (words, "App Runner answered that nothing changed".to_owned(), Then::Again)
        }
        CallAnswer::Busy(why) | CallAnswer::NotMade(why)
            if manual || (late && matches!(answer, CallAnswer::NotMade(_))) =>
        {
            draft.by_rule(rule::BUSY);
            draft.give_back(&incident, &intent.action, why)?;
            (words, format!("not done: {why}"), Then::Again)
        }
        CallAnswer::Busy(why) | CallAnswer::NotMade(why) => {
            draft.by_rule(rule::BUSY);
            draft.go(IncidentState::Open)?;
            (words, format!("not done yet: {why}"), soon)
        }
        CallAnswer::Lost(why) => {
            draft.saw("answer", why.clone());
            // Not even this invocation may call again before the minute is over: the call may have arrived.
            let nobody = Intent { holder: String::new(), ..intent.clone() };
            draft.go(IncidentState::Intended { intent: nobody })?;
            (words, "the answer was lost: settled by reading".to_owned(), Then::Stop { wake_after_secs: Some(75) })
        }
        CallAnswer::Refused { code, message } => {
            draft.notices.push(tell::refused(seen, &incident, &intent.action, &format!("{code}: {message}")));
            draft.close(Outcome::NeedsPerson)?;
            (words, format!("App Runner refused: {code}"), Then::Again)
        }
    };
    Ok(draft.record_with(&decision, Some(did), then))
}
