//! A record in the making about one certificate: the memory as it will be, what will be told, and the receipt.

use super::tell::{Topic, receipt_id};
use super::{Act, Decision, Intent, Observed, Record, Then};
use crate::certificate::acm::AcmMemory;
use crate::notice::Notice;
use crate::receipt::Receipt;

pub(super) struct Draft<'a> {
    pub seen: &'a Observed,
    pub memory: AcmMemory,
    pub notices: Vec<Notice>,
    rule: &'static str,
    saw: Vec<(String, String)>,
}

impl<'a> Draft<'a> {
    pub fn new(seen: &'a Observed, rule: &'static str) -> Self {
        let mut draft = Self { seen, memory: seen.memory.clone(), notices: Vec::new(), rule, saw: Vec::new() };
        match &seen.certificate {
            Some(certificate) => {
                draft.saw("domain", &certificate.domain);
                draft.saw("status", certificate.status.as_str());
            }
            None => draft.saw("status", "gone"),
        }
        draft
    }

    /// Notes what was seen, for the receipt.
    pub fn saw(&mut self, what: &str, value: &str) {
        self.saw.push((what.to_owned(), value.to_owned()));
    }

    /// Tells a topic, unless the same was told before.
    pub fn tell_once(&mut self, topic: Topic) {
        if self.memory.told.get(topic.name) != Some(&topic.fingerprint) {
            self.saw(topic.name, &topic.notice.happened);
            self.memory.told.insert(topic.name.to_owned(), topic.fingerprint);
            self.notices.push(topic.notice);
        }
    }

    pub fn changes(&self) -> bool {
        self.memory != self.seen.memory
    }

    /// Writes down the outside change that is about to be made.
    pub fn intend(&mut self, act: Act) {
        let (id, at, holder) = (receipt_id(self.seen), self.seen.now, self.seen.me.clone());
        self.memory.intent = Some(Intent { id, at, holder, act });
    }

    pub fn record(self, decision: &str, then: Then) -> Decision {
        self.finish(Some((decision, None)), true, then)
    }

    /// Finishes the record of an outside change and its answer.
    pub fn record_with(self, decision: &str, did: String, then: Then) -> Decision {
        self.finish(Some((decision, Some(did))), true, then)
    }

    /// Finishes a record that deserves no receipt: nothing was decided.
    pub fn note(self, then: Then) -> Decision {
        self.finish(None, true, then)
    }

    /// Nothing is left to remember: the row goes.
    pub fn forget(self, decision: &str) -> Decision {
        self.finish(Some((decision, None)), false, Then::Stop { wake_after_secs: None })
    }

    fn finish(self, said: Option<(&str, Option<String>)>, keep: bool, then: Then) -> Decision {
        let (seen, saw, rule) = (self.seen, self.saw, self.rule);
        let receipt = said.map(|(decision, did)| Receipt {
            id: receipt_id(seen),
            fence: seen.memory.version + 1,
            at: seen.now,
            service: None,
            subject: Some(seen.arn.clone()),
            operation: None,
            incident: None,
            cause: seen.cause.clone(),
            saw,
            rule: rule.to_owned(),
            decision: decision.to_owned(),
            did,
        });
        let mut memory = self.memory;
        memory.version += 1;
        Decision::Record(Box::new(Record { memory: keep.then_some(memory), notices: self.notices, receipt, then }))
    }
}
