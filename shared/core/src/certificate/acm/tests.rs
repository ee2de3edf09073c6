use jiff::SignedDuration;

use super::*;
use crate::dns::facts::ZoneRef;
use crate::dns::model::{World, cname, name, values};
use crate::dns::record::{Change, RecordSet, RecordType};
use crate::memory::Pause;
use crate::notice::Severity;

mod intents;
mod records;
mod states;

pub(super) const ARN: &str = "arn:aws:acm:eu-west-1:111122223333:certificate/12345678-aaaa-bbbb-cccc-123456789012";

pub(super) fn at(days: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * days)
}

/// A world, a certificate in it, and what the function would do, step by step.
pub(super) struct Case {
    pub world: World,
    pub certificate: Option<Certificate>,
    pub memory: AcmMemory,
    pub tags: Fact<Tags>,
    pub stack: Autonomy,
    pub pause: Option<Pause>,
    pub now: Timestamp,
    pub me: String,
    pub notices: Vec<Notice>,
    pub receipts: Vec<Receipt>,
    /// Calls are answered with this instead of being made.
    pub answer: Option<CallAnswer>,
    pub calls: Vec<Act>,
}

pub(super) fn proof_record() -> RecordSet {
    cname("_a.example.com", "_b.acm-validations.aws")
}

/// A certificate of Amazon's for `example.com` and `*.example.com`, in use, valid until day 400, looked at on day 250, in a
/// world where its zone is ours.
pub(super) fn usual() -> Case {
    let proof = |domain: &str| Proof {
        domain: name(domain),
        method: "DNS".to_owned(),
        record: Some((name("_a.example.com"), name("_b.acm-validations.aws"))),
        status: "SUCCESS".to_owned(),
    };
    let certificate = Certificate {
        arn: ARN.to_owned(),
        domain: "example.com".to_owned(),
        kind: Kind::AmazonIssued,
        status: Status::Issued,
        not_after: Some(at(400)),
        in_use: true,
        exported: false,
        renewable: true,
        renewal: None,
        failure: None,
        proofs: vec![proof("example.com"), proof("*.example.com")],
    };
    Case {
        world: World::with(&["example.com"]),
        certificate: Some(certificate),
        memory: AcmMemory { version: 3, not_after: Some(at(400)), ..AcmMemory::default() },
        tags: Fact::Known(Tags::new()),
        stack: Autonomy::Act,
        pause: None,
        now: at(250),
        me: "invocation-1".to_owned(),
        notices: Vec::new(),
        receipts: Vec::new(),
        answer: None,
        calls: Vec::new(),
    }
}

impl Case {
    /// Where the proof stands already.
    pub fn standing(mut self) -> Self {
        self.world.put(&self.zone(), proof_record());
        self
    }

    pub fn with(mut self, change: impl FnOnce(&mut Certificate)) -> Self {
        change(self.certificate.as_mut().unwrap());
        self
    }

    pub fn zone(&self) -> ZoneRef {
        self.world.zones[0].zone.at.clone()
    }

    pub fn observed(&self) -> Observed {
        Observed {
            me: self.me.clone(),
            cause: "test".to_owned(),
            now: self.now,
            memory: self.memory.clone(),
            pause: self.pause.clone(),
            certificate: self.certificate.clone(),
            arn: ARN.to_owned(),
            tags: Fact::Unread,
            dns: DnsFacts::default(),
        }
    }

    fn keep(&mut self, seen: &mut Observed, record: Record) -> Then {
        for notice in &record.notices {
            assert_eq!(
                (&notice.kind, &notice.incident, &notice.service),
                (&crate::notice::NoticeKind::Certificate, &None, &None)
            );
            assert_eq!(notice.group, format!("CERT#{ARN}"));
            assert_eq!(Some(&notice.receipt), record.receipt.as_ref().map(|receipt| &receipt.id), "{notice:?}");
        }
        if let Some(receipt) = &record.receipt {
            assert_eq!(receipt.subject.as_deref(), Some(ARN));
            assert_eq!(receipt.fence, self.memory.version + 1);
        }
        if let Some(memory) = &record.memory {
            assert_eq!(memory.version, self.memory.version + 1);
        }
        self.notices.extend(record.notices);
        self.receipts.extend(record.receipt);
        self.memory = record.memory.unwrap_or_default();
        seen.memory = self.memory.clone();
        record.then
    }

    /// One invocation, as the engine runs it. The reason of its hold, or `stop`.
    pub fn run(&mut self) -> &'static str {
        let mut seen = self.observed();
        for _ in 0..200 {
            let decision = decide(&seen, self.stack);
            assert_eq!(decision, decide(&seen, self.stack), "the same observation gives the same decision");
            let then = match decision {
                Decision::Look(Look::Tags) => {
                    seen.tags = self.tags.clone();
                    continue;
                }
                Decision::Look(Look::Dns(look)) => {
                    self.world.read(&look, &mut seen.dns);
                    continue;
                }
                Decision::Hold { reason } => return reason,
                Decision::Record(record) => self.keep(&mut seen, *record),
                Decision::Call(intent) => {
                    assert_eq!(intent.holder, self.me);
                    self.calls.push(intent.act.clone());
                    let answer = self.answer.clone().unwrap_or_else(|| self.make(&intent.act));
                    let Decision::Record(record) = after_call(&seen, &intent, &answer) else { panic!("no record") };
                    self.keep(&mut seen, *record)
                }
            };
            match then {
                Then::Again => {}
                Then::Reread => seen.forget_live(),
                Then::Stop { .. } => return "stop",
            }
        }
        panic!("it never ends");
    }

    pub fn make(&mut self, act: &Act) -> CallAnswer {
        match act {
            Act::ChangeRecords(batch) => match self.world.apply(batch) {
                Ok(()) => CallAnswer::Changed { change: "C1".to_owned() },
                Err(message) => CallAnswer::Refused { code: "InvalidChangeBatch".to_owned(), message },
            },
            Act::Renew => CallAnswer::Taken,
        }
    }

    /// What was told since the last time, as the last part of each notice's id and its severity.
    pub fn told(&mut self) -> Vec<(String, Severity)> {
        let last = |notice: Notice| (notice.id.rsplit('/').next().unwrap().to_owned(), notice.severity);
        self.notices.drain(..).map(last).collect()
    }

    pub fn tag(&mut self, key: &str, value: &str) {
        let Fact::Known(tags) = &mut self.tags else { panic!("no tags") };
        tags.insert(key.to_owned(), value.to_owned());
    }
}

pub(super) fn told(what: &str, severity: Severity) -> Vec<(String, Severity)> {
    vec![(what.to_owned(), severity)]
}
