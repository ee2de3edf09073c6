//! The door: an input is parsed once, and one that is refused is counted and kept, never lost.

use jiff::Timestamp;
use pitcrew_aws::account::Quarantined;
use pitcrew_aws::date::ServerDate;
use pitcrew_aws::table::Table;
use pitcrew_core::event::{self, Home, Rejected, Wake, WakeKind};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::metrics::{Metrics, names, wall_clock_ms};

/// What a function needs to take its inputs in.
#[derive(Clone, Copy)]
pub struct Door<'a> {
    pub home: &'a Home,
    pub table: &'a Table,
    pub date: &'a ServerDate,
}

/// What came in.
#[derive(Debug)]
pub enum Entry {
    Wake(Wake),
    /// Refused and kept; the function ends with this answer.
    Refused(Value),
}

impl Door<'_> {
    /// Parses an input. What is refused is kept, and so is the shape of an event that no known spelling covers.
    ///
    /// # Errors
    /// It could not be kept: Lambda tries again.
    pub async fn take(&self, payload: &Value, metrics: &mut Metrics) -> Result<Entry, Failure> {
        metrics.count(names::EVENTS_SEEN, 1);
        let wake = match event::parse(payload, self.home) {
            Ok(wake) => wake,
            Err(rejected) => {
                self.quarantine(&rejected, metrics).await?;
                return Ok(Entry::Refused(json!({"quarantined": rejected.id})));
            }
        };
        tracing::info!(cause = %wake.cause.text, kind = wake.kind.as_str(), "woken");
        if let Some(shape) = event::drifted(payload, &wake) {
            self.quarantine(&shape, metrics).await?;
        }
        Ok(Entry::Wake(wake))
    }

    /// Nothing is lost: a refused input is counted and kept once, with its reason.
    ///
    /// # Errors
    /// It could not be kept.
    pub async fn quarantine(&self, rejected: &Rejected, metrics: &mut Metrics) -> Result<(), Failure> {
        let reason = rejected.reason.as_str();
        metrics.count(names::UNKNOWN_SHAPES, 1);
        metrics.count_by(names::QUARANTINED, "Reason", reason);
        tracing::warn!(reason, id = %rejected.id, excerpt = %rejected.excerpt, "refused an input");
        let wall = Timestamp::from_millisecond(wall_clock_ms()).unwrap_or(Timestamp::UNIX_EPOCH);
        let at = self.date.now().unwrap_or(wall);
        let input = Quarantined { reason: reason.to_owned(), excerpt: rejected.excerpt.clone(), at };
        let kept = self.table.quarantine(&rejected.id, &input).await;
        kept.map(|_| ()).map_err(|error| Failure::new("Quarantine", &error))
    }

    /// Prints what was counted, dated by AWS's clock like everything else. Only a process that never had an answer takes the
    /// machine's.
    pub fn flush(&self, metrics: &mut Metrics) {
        metrics.flush(self.date.now().map_or_else(wall_clock_ms, Timestamp::as_millisecond));
    }
}

/// What became of the subjects of one wake, and thereby what goes back to Lambda.
#[derive(Debug, Default)]
pub struct Outcome {
    failed_messages: Vec<String>,
    failure: Option<Failure>,
    ran: usize,
}

impl Outcome {
    /// The outcome of a record of the wake queue. Of a batch only those that failed come again.
    pub fn of_message(&mut self, message_id: &str, outcome: Result<(), Failure>) {
        self.ran += 1;
        if outcome.is_err() {
            self.failed_messages.push(message_id.to_owned());
        }
    }

    /// The outcome of a subject of an event. Lambda tries the whole event again where one failed.
    pub fn of_subject(&mut self, outcome: Result<(), Failure>) {
        self.ran += 1;
        self.failure = outcome.err().or(self.failure.take());
    }

    /// The function's answer. `what`: the name under which it says how many there were.
    ///
    /// # Errors
    /// The last failure of an event's subjects.
    pub fn answer(self, kind: WakeKind, what: &str) -> Result<Value, Failure> {
        match self.failure {
            Some(failure) => Err(failure),
            None if kind == WakeKind::WakeQueue => {
                let failed = self.failed_messages.iter().map(|id| json!({"itemIdentifier": id})).collect::<Vec<_>>();
                Ok(json!({ "batchItemFailures": failed }))
            }
            None => Ok(json!({ what: self.ran })),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_batch_only_the_records_that_failed_come_again() {
        let mut outcome = Outcome::default();
        outcome.of_message("a", Ok(()));
        outcome.of_message("b", Err(Failure::said("Engine", "throttled")));
        let answer = outcome.answer(WakeKind::WakeQueue, "services").unwrap();
        assert_eq!(answer, json!({"batchItemFailures": [{"itemIdentifier": "b"}]}));
    }

    #[test]
    fn an_event_with_one_failed_subject_fails_whatever_comes_after_it() {
        let mut outcome = Outcome::default();
        outcome.of_subject(Err(Failure::said("Engine", "throttled")));
        outcome.of_subject(Ok(()));
        assert_eq!(outcome.answer(WakeKind::DomainCall, "services").unwrap_err().message(), "throttled");
        let mut outcome = Outcome::default();
        outcome.of_subject(Ok(()));
        assert_eq!(outcome.answer(WakeKind::DomainCall, "services").unwrap(), json!({"services": 1}));
    }
}
