//! A record in the making: the memory as it will be, what will be told, and the receipt.

use sha2::{Digest as _, Sha256};

use super::{Decision, Observed, Record, Then, tell};
use crate::breaker::Breaker;
use crate::id::OperationId;
use crate::incident::{Action, IllegalTransition, Incident, IncidentState, Outcome};
use crate::memory::Memory;
use crate::notice::Notice;
use crate::receipt::Receipt;

pub(super) struct Draft<'a> {
    pub seen: &'a Observed,
    pub memory: Memory,
    pub closed: Option<Incident>,
    pub breaker: Option<Breaker>,
    pub notices: Vec<Notice>,
    rule: &'static str,
    operation: Option<OperationId>,
    incident: Option<String>,
    saw: Vec<(String, String)>,
}

impl<'a> Draft<'a> {
    pub fn new(seen: &'a Observed, rule: &'static str) -> Self {
        let incident = seen.memory.incident.as_ref().map(|incident| incident.id.clone());
        Self {
            seen,
            memory: seen.memory.clone(),
            closed: None,
            breaker: None,
            notices: Vec::new(),
            rule,
            operation: None,
            incident,
            saw: Vec::new(),
        }
    }

    /// The same draft under another rule: a later row of the table decided.
    pub fn by_rule(&mut self, rule: &'static str) {
        self.rule = rule;
    }

    pub fn about(&mut self, operation: &OperationId) {
        self.operation = Some(operation.clone());
    }

    /// Notes what was seen, for the receipt.
    pub fn saw(&mut self, what: &str, value: impl Into<String>) {
        self.saw.push((what.to_owned(), value.into()));
    }

    /// Opens an incident. One that is still there ends as passed: a service has one active incident.
    pub fn open(&mut self, incident: Incident) -> Result<(), IllegalTransition> {
        if self.memory.incident.is_some() {
            self.close(Outcome::Passed)?;
        }
        self.incident = Some(incident.id.clone());
        self.memory.incident = Some(incident);
        Ok(())
    }

    pub fn go(&mut self, to: IncidentState) -> Result<(), IllegalTransition> {
        match &mut self.memory.incident {
            Some(incident) => incident.go(to),
            None => Ok(()),
        }
    }

    /// Closes the active incident: it leaves the memory.
    pub fn close(&mut self, outcome: Outcome) -> Result<(), IllegalTransition> {
        if let Some(mut incident) = self.memory.incident.take() {
            incident.go(IncidentState::Closed { outcome, at: self.seen.now })?;
            self.closed = Some(incident);
        }
        Ok(())
    }

    /// Gives an operator's command back undone. It is not tried again later: by then nobody waits for it.
    pub fn give_back(&mut self, incident: &Incident, action: &Action, why: &str) -> Result<(), IllegalTransition> {
        self.notices.push(tell::refused(self.seen, incident, action, why));
        self.close(Outcome::NeedsPerson)
    }

    /// Whether the record would change anything that is remembered.
    pub fn changes(&self) -> bool {
        self.memory != self.seen.memory
    }

    /// The receipt's id: the service and the fence under which it is written, so that a retry writes the same one.
    pub fn receipt_id(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.seen.arn.to_string());
        hash.update((self.seen.memory.version + 1).to_be_bytes());
        let hex: String = hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        format!("R-{hex}")
    }

    /// Finishes the record.
    pub fn record(self, decision: &str, then: Then) -> Decision {
        self.record_with(decision, None, then)
    }

    /// Finishes the record of an outside change.
    pub fn record_with(self, decision: &str, did: Option<String>, then: Then) -> Decision {
        let id = self.receipt_id();
        let mut notices = self.notices;
        for notice in &mut notices {
            notice.receipt.clone_from(&id);
        }
        let receipt = Receipt {
            id,
            fence: self.seen.memory.version + 1,
            at: self.seen.now,
            service: Some(self.seen.arn.clone()),
            subject: None,
            operation: self.operation,
            incident: self.incident,
            cause: self.seen.cause.clone(),
            saw: self.saw,
            rule: self.rule.to_owned(),
            decision: decision.to_owned(),
            did,
        };
        let mut memory = self.memory;
        memory.version += 1;
        Decision::Record(Box::new(Record {
            memory,
            closed: self.closed,
            breaker: self.breaker,
            notices,
            receipt,
            then,
        }))
    }
}
