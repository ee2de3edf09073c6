//! A record in the making: the memory as it will be, what will be told, and the receipt.

use super::tell::{Trouble, incident};
use super::{Act, Decision, DomainMemory, Intent, Observed, Record, Then};
use crate::notice::Notice;
use crate::receipt::Receipt;
use crate::short_hash::short_hash;

pub(super) struct Draft<'a> {
    pub seen: &'a Observed,
    pub memory: DomainMemory,
    pub notices: Vec<Notice>,
    rule: &'static str,
    saw: Vec<(String, String)>,
}

impl<'a> Draft<'a> {
    pub fn new(seen: &'a Observed, rule: &'static str) -> Self {
        let mut draft = Self { seen, memory: seen.memory.clone(), notices: Vec::new(), rule, saw: Vec::new() };
        match &seen.association {
            Some(association) => draft.saw("status", association.status.as_str()),
            None => draft.saw("status", "not associated"),
        }
        draft
    }

    pub fn by_rule(&mut self, rule: &'static str) {
        self.rule = rule;
    }

    /// Notes what was seen, for the receipt.
    pub fn saw(&mut self, what: &str, value: impl Into<String>) {
        self.saw.push((what.to_owned(), value.into()));
    }

    /// Tells a trouble, unless the same was told before. Whether it was news.
    pub fn tell_once(&mut self, trouble: Trouble) -> bool {
        if self.memory.told.get(trouble.topic) == Some(&trouble.fingerprint) {
            return false;
        }
        self.memory.told.insert(trouble.topic.to_owned(), trouble.fingerprint);
        self.notices.push(trouble.notice);
        true
    }

    /// Whether the record would change anything that is remembered.
    pub fn changes(&self) -> bool {
        self.memory != self.seen.memory
    }

    /// Writes down the outside change that is about to be made.
    pub fn intend(&mut self, act: Act) {
        let (id, at, holder) = (self.receipt_id(), self.seen.now, self.seen.me.clone());
        self.memory.intent = Some(Intent { id, at, holder, act });
    }

    /// The receipt's id: the link and the fence under which it is written, so that a retry writes the same one.
    pub fn receipt_id(&self) -> String {
        let fence = (self.seen.memory.version + 1).to_string();
        let link = incident(self.seen);
        format!("R-{}", short_hash([self.seen.name.as_str(), &link, &fence]))
    }

    /// Finishes the record.
    pub fn record(self, decision: &str, then: Then) -> Decision {
        self.finish(Some((decision, None)), true, then)
    }

    /// Finishes the record of an outside change.
    pub fn record_with(self, decision: &str, did: String, then: Then) -> Decision {
        self.finish(Some((decision, Some(did))), true, then)
    }

    /// Finishes a record that deserves no receipt: only a timestamp or a status moved.
    pub fn note(self, then: Then) -> Decision {
        self.finish(None, true, then)
    }

    /// Nothing is left to remember: the row goes.
    pub fn forget(self, decision: &str) -> Decision {
        self.finish(Some((decision, None)), false, Then::Stop { wake_after_secs: None })
    }

    fn finish(self, said: Option<(&str, Option<String>)>, keep: bool, then: Then) -> Decision {
        let id = self.receipt_id();
        let seen = self.seen;
        let mut notices = self.notices;
        for notice in &mut notices {
            notice.receipt.clone_from(&id);
        }
        let receipt = said.map(|(decision, did)| Receipt {
            id,
            fence: seen.memory.version + 1,
            at: seen.now,
            service: Some(seen.service.clone()),
            subject: Some(seen.name.to_string()),
            operation: None,
            incident: Some(incident(seen)),
            cause: seen.cause.clone(),
            saw: self.saw,
            rule: self.rule.to_owned(),
            decision: decision.to_owned(),
            did,
        });
        let mut memory = self.memory;
        memory.version += 1;
        Decision::Record(Box::new(Record { memory: keep.then_some(memory), notices, receipt, then }))
    }
}
