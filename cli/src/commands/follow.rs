//! Waits for the end of an operator's request. It runs the engine's ordinary path every few seconds, as the function does
//! when it is woken: whoever of the two is first writes the end down, and the fence keeps the other out.

use std::time::{Duration, Instant};

use pitcrew_aws::apprunner::observe_operations;
use pitcrew_aws::engine::{Engine, EngineError, Subject};
use pitcrew_core::incident::{Incident, IncidentState, Outcome};
use pitcrew_core::memory::Memory;
use pitcrew_core::receipt::{Receipt, rule};
use serde::Serialize;

use super::explain::in_order;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::session::Session;
use crate::words::length;

/// How often App Runner is asked. Its operations take minutes.
const EVERY: Duration = Duration::from_secs(5);
/// How long is waited at the most. The longest honest deployment seen took 18 minutes; the function follows it further.
const WAIT_MAX: Duration = Duration::from_secs(45 * 60);
/// Failed looks in a row that are borne: a short throttle is no reason to leave.
const FAILURES_MAX: u32 = 5;

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    Done,
    /// App Runner took the call; nobody waited for its end.
    Started,
    /// Nothing was done, on purpose.
    Refused,
    /// Somebody else started something newer.
    StoodDown,
    OperationFailed,
    Failed,
    /// There is no such service.
    Gone,
}

impl End {
    pub fn exit(self) -> Exit {
        match self {
            Self::Done | Self::Started => Exit::Done,
            Self::Refused | Self::StoodDown => Exit::Refused,
            Self::OperationFailed => Exit::OperationFailed,
            Self::Failed => Exit::Failed,
            Self::Gone => Exit::NotFound,
        }
    }

    /// The beginning of the sentence that people read.
    pub fn words(self, request: &str) -> String {
        match self {
            Self::Done => format!("{request} done"),
            Self::Started => format!("{request} started"),
            Self::Refused => format!("{request} refused"),
            Self::StoodDown => format!("{request} given up"),
            Self::OperationFailed | Self::Failed | Self::Gone => format!("{request} failed"),
        }
    }
}

/// How a request ended, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ending {
    #[serde(rename = "outcome")]
    pub end: End,
    pub message: String,
    /// App Runner's operation, where one was started.
    pub operation: Option<String>,
}

impl Ending {
    pub fn new(end: End, message: impl Into<String>) -> Self {
        Self { end, message: message.into(), operation: None }
    }
}

/// Follows the incident of a request: to its end, or only to where it stands now.
pub async fn follow(
    session: &Session,
    output: &Output,
    engine: &Engine<'_>,
    subject: &Subject,
    id: &str,
    wait: bool,
) -> Result<(Ending, Vec<Receipt>), Failure> {
    let began = Instant::now();
    let mut failures = 0;
    loop {
        let (memory, _) = session.clients.table.load(&subject.arn).await?;
        let Some(incident) = memory.incident.as_ref().filter(|incident| incident.id == id) else {
            output.progress("");
            return closed(session, subject, id).await;
        };
        if !wait || began.elapsed() > WAIT_MAX {
            output.progress("");
            let receipts = receipts(session, incident).await?;
            return Ok((standing(incident, wait), receipts));
        }
        if output.is_watched() {
            let status = status(session, subject, &memory, incident).await;
            output.progress(&format!("{status} ({})", length(began.elapsed().try_into().unwrap_or_default())));
        }
        tokio::time::sleep(EVERY).await;
        failures = after(engine.run(subject).await.map(|_| ()), failures)?;
    }
}

/// The failures in a row after one more look.
fn after(look: Result<(), EngineError>, failures: u32) -> Result<u32, Failure> {
    match look {
        Ok(()) => Ok(0),
        Err(error) if error.is_transient() && failures < FAILURES_MAX => Ok(failures + 1),
        Err(error) => {
            let failure = Failure::from(error);
            let what = format!("the operation could not be followed further: {}", failure.what);
            Err(Failure { what, ..failure }.mend("pitcrew goes on without you; `pitcrew incidents` shows how it ends"))
        }
    }
}

async fn status(session: &Session, subject: &Subject, memory: &Memory, incident: &Incident) -> String {
    let Some(ours) = incident.our_operation() else {
        return format!("{}: {}", incident.id, incident.state.name());
    };
    let operations = observe_operations(&session.clients.apprunner, &subject.arn, &memory.judged).await;
    let found = operations.ok().flatten().and_then(|all| all.into_iter().find(|operation| &operation.id == ours));
    let status = found.map_or_else(|| "not listed yet".to_owned(), |operation| operation.status.as_str().to_owned());
    format!("operation {ours}: {status}")
}

/// Where an incident stands that is not closed.
fn standing(incident: &Incident, waited: bool) -> Ending {
    let operation = incident.our_operation().map(ToString::to_string);
    let (end, message) = match (&incident.state, waited) {
        (IncidentState::Confirming { operation, .. }, false) => {
            (End::Started, format!("App Runner started operation {operation}"))
        }
        (_, false) => {
            (End::Started, "the call's answer is not known yet; pitcrew settles it within two minutes".to_owned())
        }
        (state, true) => {
            (End::Failed, format!("it is still {} after {} min of waiting", state.name(), WAIT_MAX.as_secs() / 60))
        }
    };
    Ending { operation, ..Ending::new(end, message) }
}

async fn closed(session: &Session, subject: &Subject, id: &str) -> Result<(Ending, Vec<Receipt>), Failure> {
    let Some(incident) = session.clients.table.closed_incident(&subject.arn, id).await? else {
        return Err(Failure::new(Exit::Failed, format!("the incident {id} is neither open nor closed"))
            .mend("somebody may have edited the table; `pitcrew explain --service` shows the receipts"));
    };
    let receipts = receipts(session, &incident).await?;
    Ok((ended(&incident, &receipts), receipts))
}

/// The receipts of one incident, in the order in which they were written.
pub async fn receipts(session: &Session, incident: &Incident) -> Result<Vec<Receipt>, Failure> {
    let until = match &incident.state {
        IncidentState::Closed { at, .. } => *at,
        _ => session.now(),
    };
    let found = session.clients.table.receipts_between(&incident.service, incident.opened_at, until).await?;
    let of_incident = found.into_iter().filter(|receipt| receipt.incident.as_deref() == Some(&incident.id));
    Ok(in_order(of_incident.collect()))
}

/// How a closed incident of an operator ended: its outcome, and by the rule of the last receipt why.
fn ended(incident: &Incident, receipts: &[Receipt]) -> Ending {
    let last = receipts.last();
    let IncidentState::Closed { outcome, .. } = &incident.state else {
        return Ending::new(End::Failed, format!("{} is not closed", incident.id));
    };
    let said = last.map(|receipt| match &receipt.did {
        Some(did) => did.clone(),
        None => receipt.decision.clone(),
    });
    let end = match outcome {
        Outcome::RolledBack | Outcome::Told | Outcome::Passed => End::Done,
        Outcome::StoodDown => End::StoodDown,
        Outcome::ServiceDeleted => End::Gone,
        Outcome::NeedsPerson => last.map_or(End::Failed, needs_person),
    };
    let ours = receipts
        .iter()
        .rev()
        .filter(|receipt| receipt.rule == rule::OURS_SUCCEEDED || receipt.rule == rule::OURS_FAILED);
    let operation = ours.filter_map(|receipt| receipt.operation.as_ref()).next().map(ToString::to_string);
    Ending { operation, ..Ending::new(end, said.unwrap_or_else(|| incident.summary.clone())) }
}

fn needs_person(last: &Receipt) -> End {
    match last.rule.as_str() {
        rule::OURS_FAILED | rule::STUCK => End::OperationFailed,
        rule::CALLED if last.did.as_deref().is_some_and(|did| did.starts_with("App Runner refused")) => End::Failed,
        // Given back undone: busy, paused or held meanwhile, the target gone, or nothing to change.
        rule::CALLED | rule::BUSY | rule::WITHHELD | rule::INTENT => End::Refused,
        _ => End::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;
    use pitcrew_aws::error::AwsError;

    fn incident(outcome: Outcome) -> Incident {
        Incident { state: IncidentState::Closed { outcome, at: samples::now() }, ..samples::incident() }
    }

    fn last(rule: &str, did: Option<&str>) -> Vec<Receipt> {
        let receipt = samples::receipts()[0].clone();
        vec![Receipt { rule: rule.into(), did: did.map(str::to_owned), decision: "decided".into(), ..receipt }]
    }

    #[test]
    fn every_end_of_a_request_has_its_exit_code() {
        let cases = [
            (Outcome::RolledBack, rule::OURS_SUCCEEDED, None, Exit::Done),
            (Outcome::NeedsPerson, rule::OURS_FAILED, None, Exit::OperationFailed),
            (Outcome::NeedsPerson, rule::STUCK, None, Exit::OperationFailed),
            (Outcome::NeedsPerson, rule::CALLED, Some("App Runner refused: AccessDenied"), Exit::Failed),
            (Outcome::NeedsPerson, rule::CALLED, Some("App Runner answered that nothing changed"), Exit::Refused),
            (Outcome::NeedsPerson, rule::BUSY, Some("not done: busy"), Exit::Refused),
            (Outcome::NeedsPerson, rule::WITHHELD, None, Exit::Refused),
            (Outcome::NeedsPerson, rule::INTENT, None, Exit::Refused),
            (Outcome::StoodDown, rule::STOOD_DOWN, None, Exit::Refused),
            (Outcome::ServiceDeleted, rule::DELETED, None, Exit::NotFound),
        ];
        for (outcome, rule, did, exit) in cases {
            let ending = ended(&incident(outcome), &last(rule, did));
            assert_eq!(ending.end.exit(), exit, "{outcome:?} {rule} {did:?}");
            assert_eq!(ending.message, did.unwrap_or("decided"));
        }
    }

    #[test]
    fn the_operation_that_was_ours_is_named() {
        let ending = ended(&incident(Outcome::RolledBack), &last(rule::OURS_SUCCEEDED, None));
        assert_eq!(ending.operation, samples::receipts()[0].operation.as_ref().map(ToString::to_string));
    }

    #[test]
    fn a_request_that_nobody_waits_for_is_started_and_one_that_takes_too_long_failed() {
        assert_eq!(standing(&samples::incident(), false).end.exit(), Exit::Done);
        let late = standing(&samples::incident(), true);
        assert_eq!(
            (late.end.exit(), late.message.as_str()),
            (Exit::Failed, "it is still confirming after 45 min of waiting")
        );
    }

    #[test]
    fn a_short_throttle_is_borne_and_a_long_one_is_not() {
        let throttled = || Err(EngineError::from(AwsError::again("apprunner:ListOperations", "throttled")));
        let mut failures = 0;
        for _ in 0..FAILURES_MAX {
            failures = after(throttled(), failures).unwrap();
        }
        let failure = after(throttled(), failures).unwrap_err();
        assert!(failure.mend.unwrap().contains("goes on without you"));
        assert_eq!(after(Ok(()), failures).unwrap(), 0);
    }
}
