//! A small world around one custom domain: what is remembered, what stands, and what each read and call would answer.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::autonomy::{Autonomy, Tags};
use crate::certificate::Served;
use crate::dns::facts::{Answer, DnsFacts, DnsLook, ZoneRef};
use crate::dns::model;
use crate::dns::name::Name;
use crate::dns::plan::{Owned, Purpose};
use crate::dns::record::{Data, RecordSet, RecordType};
use crate::domain::{
    Act, Association, CallAnswer, Decision, DomainMemory, DomainStatus, Link, Look, Observed, Record, ServiceFacts,
    Settings, Then, Trigger, Validation, ValidationRecord, after_call, decide,
};
use crate::fact::Fact;
use crate::id::ServiceArn;
use crate::memory::Pause;
use crate::notice::{Notice, NoticeKind};
use crate::receipt::Receipt;
use crate::service::ServiceStatus;

pub use crate::dns::model::{cname, name, values};

pub const SHOP: &str = "shop.example.net";
pub const TARGET: &str = "abc.eu-west-1.awsapprunner.com";

/// A second of the story.
pub fn second(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + second).unwrap()
}

pub fn arn() -> ServiceArn {
    ServiceArn::parse("arn:aws:apprunner:eu-west-1:123456789012:service/shop-api/8fe1e10304f84fd2b0df550fe98a71fa")
        .unwrap()
}

pub fn proof(n: u8, host: &str, round: u8) -> ValidationRecord {
    ValidationRecord {
        name: name(&format!("_p{n}.{}", name(host).base())),
        value: name(&format!("_v{n}{round}.acm-validations.aws")),
        status: Validation::Pending,
    }
}

pub fn linked(status: DomainStatus, host: &str) -> Association {
    Association {
        www: false,
        status,
        records: vec![proof(1, host, 0), proof(2, host, 0)],
        unreadable: Vec::new(),
        dns_target: Some(name(TARGET)),
        vpc_targets: Vec::new(),
    }
}

pub fn alias(host: &str) -> RecordSet {
    RecordSet::alias(name(host), "Z087551914Z2PCAU0QHMW", name(TARGET))
}

pub const DAY: i64 = 86_400;

/// A certificate of 198 days that ends so many seconds from the story's begin.
pub fn ends_in(seconds: i64, serial: &str) -> Served {
    Served {
        issuer: "Amazon RSA 2048 M02".into(),
        names: vec![SHOP.into()],
        serial: serial.into(),
        not_before: second(seconds - 198 * DAY),
        not_after: second(seconds),
    }
}

/// The finished domain, looked at by the function that makes handshakes.
pub fn serving(seconds: i64) -> World {
    let mut world = World::finished();
    world.settings.certificates = true;
    world.served = Some(ends_in(seconds, "01"));
    world
}

#[derive(Clone)]
pub struct World {
    pub seen: Observed,
    pub settings: Settings,
    pub route53: model::World,
    pub zone: ZoneRef,
    /// What the reads answer; `None` where they cannot be made.
    pub tags: Option<Tags>,
    pub service: Option<Option<ServiceFacts>>,
    pub served: Option<Served>,
    pub sharers: Option<BTreeMap<Name, Vec<Name>>>,
    /// Whether Route 53 has brought its changes everywhere, and whether the DNS shows what stands.
    pub in_sync: bool,
    pub shown: bool,
    /// What the next call answers instead of what the model would.
    pub answer: Option<CallAnswer>,
    /// Which calls are refused each time.
    pub refuses: Option<fn(&Act) -> bool>,
    /// Associations that were made anew: their proofs have other values.
    pub round: u8,
    pub notices: Vec<Notice>,
    pub receipts: Vec<Receipt>,
    pub calls: Vec<Act>,
    /// Whether the row went.
    pub forgotten: bool,
}

impl World {
    /// `shop.example.net` in a zone of ours, just associated and waiting for its proofs; nothing is remembered yet.
    pub fn new() -> Self {
        Self::of(SHOP)
    }

    pub fn of(host: &str) -> Self {
        let mut route53 = model::World::default();
        let zone = route53.public("example.net");
        let seen = Observed {
            name: name(host),
            service: arn(),
            me: "me".to_owned(),
            cause: "test".to_owned(),
            trigger: Trigger::Sweep,
            now: second(0),
            memory: DomainMemory::default(),
            pause: None,
            association: Some(linked(DomainStatus::PendingCertificateDnsValidation, host)),
            about_service: Fact::Unread,
            tags: Fact::Unread,
            dns: DnsFacts::default(),
            changes: Vec::new(),
            served: Fact::Unread,
            sharers: Vec::new(),
        };
        let service = ServiceFacts { status: ServiceStatus::Running, created_at: second(-1_000), public: true };
        Self {
            seen,
            settings: Settings {
                autonomy: Autonomy::Act,
                remove: true,
                region: "eu-west-1".to_owned(),
                certificates: false,
            },
            route53,
            zone,
            tags: Some(Tags::new()),
            service: Some(Some(service)),
            served: None,
            sharers: Some(BTreeMap::new()),
            in_sync: true,
            shown: true,
            answer: None,
            refuses: None,
            round: 0,
            notices: Vec::new(),
            receipts: Vec::new(),
            calls: Vec::new(),
            forgotten: false,
        }
    }

    /// The same, finished an hour ago: we own all three records, and everything stands.
    pub fn finished() -> Self {
        let mut world = Self::new().status(DomainStatus::Active);
        let records = [
            cname("_p1.shop.example.net", "_v10.acm-validations.aws"),
            cname("_p2.shop.example.net", "_v20.acm-validations.aws"),
            alias(SHOP),
        ];
        for record in records {
            world.route53.put(&world.zone.clone(), record.clone());
            let purpose = if record.kind == RecordType::A { Purpose::Target } else { Purpose::Validation };
            world.seen.memory.owned.push(Owned { zone: world.zone.clone(), purpose, record });
        }
        let link = Link {
            service: arn(),
            www: false,
            status: DomainStatus::Active,
            since: second(-3_600),
            first_seen: second(-4_000),
        };
        world.seen.memory.link = Some(link);
        world.seen.memory.finished_at = Some(second(-3_600));
        world.seen.memory.version = 5;
        world
    }

    /// The finished domain, disassociated.
    pub fn gone() -> Self {
        let mut world = Self::finished();
        world.seen.association = None;
        world
    }

    pub fn status(mut self, status: DomainStatus) -> Self {
        self.association().status = status;
        self
    }

    pub fn association(&mut self) -> &mut Association {
        self.seen.association.as_mut().unwrap()
    }

    pub fn tag(mut self, key: &str, value: &str) -> Self {
        self.tags.get_or_insert_default().insert(key.to_owned(), value.to_owned());
        self
    }

    pub fn autonomy(mut self, autonomy: Autonomy) -> Self {
        self.settings.autonomy = autonomy;
        self
    }

    pub fn paused(mut self) -> Self {
        self.seen.pause = Some(Pause { since: second(-10), by: "op".to_owned(), reason: String::new() });
        self
    }

    pub fn woken(mut self, trigger: Trigger) -> Self {
        self.seen.trigger = trigger;
        self
    }

    pub fn put(mut self, record: RecordSet) -> Self {
        self.route53.put(&self.zone.clone(), record);
        self
    }

    /// Takes what stands at a name away.
    pub fn lose(mut self, at: &str) -> Self {
        self.route53.records.retain(|(_, name, ..), _| name.as_str() != at);
        self
    }

    pub fn caa(mut self, at: &str, set: &[&str]) -> Self {
        self.route53.caa.insert(name(at), set.iter().map(|value| (*value).to_owned()).collect());
        self
    }

    pub fn answered(mut self, answer: CallAnswer) -> Self {
        self.answer = Some(answer);
        self
    }

    /// What stands in the zone beside its own NS set, one line each.
    pub fn standing(&self) -> Vec<String> {
        let ours = self.route53.records.iter().filter(|((_, _, kind, _), _)| *kind != RecordType::Ns);
        ours.map(|(_, record)| record.words()).collect()
    }

    /// A new invocation, so many seconds later, that knows nothing but the memory.
    pub fn later(&mut self, seconds: i64) {
        self.seen.now += SignedDuration::from_secs(seconds);
        self.seen.me = format!("me@{}", self.seen.now);
        self.seen.trigger = Trigger::Sweep;
        self.forget();
    }

    pub fn forget(&mut self) {
        self.seen.dns = DnsFacts::default();
        self.seen.tags = Fact::Unread;
        self.seen.about_service = Fact::Unread;
        self.seen.changes.clear();
        self.seen.served = Fact::Unread;
        self.seen.sharers.clear();
    }

    fn ask_cname(&self, at: &Name) -> Answer {
        let visible = |(id, name, kind, _): &model::Key| {
            name == at && *kind == RecordType::Cname && self.route53.zones.iter().any(|z| z.zone.at.id == *id)
        };
        let found = self.route53.records.iter().find(|(key, _)| self.shown && visible(key));
        match found.map(|(_, record)| &record.data) {
            Some(Data::Values { values, .. }) => {
                Answer::Found(values.iter().map(|value| value.trim_end_matches('.').to_owned()).collect())
            }
            Some(Data::Alias { .. }) | None => Answer::Nothing,
        }
    }

    pub fn read(&mut self, look: &Look) -> String {
        let denied = || "denied".to_owned();
        match look {
            Look::Service => {
                self.seen.about_service = self.service.clone().map_or(Fact::Unavailable(denied()), Fact::Known);
                "look service".to_owned()
            }
            Look::Tags => {
                self.seen.tags = self.tags.clone().map_or(Fact::Unavailable(denied()), Fact::Known);
                "look tags".to_owned()
            }
            Look::Dns(DnsLook::Ask { name, kind: RecordType::Cname }) if !self.route53.dark => {
                let answer = self.ask_cname(name);
                self.seen.dns.answers.push((name.clone(), RecordType::Cname, Fact::Known(answer)));
                format!("ask {name} CNAME")
            }
            Look::Dns(look) => {
                self.route53.read(look, &mut self.seen.dns);
                match look {
                    DnsLook::Zones => "look zones".to_owned(),
                    DnsLook::Servers(zone) => format!("look servers {}", zone.id),
                    DnsLook::PrivateZones { vpc } => format!("look private {vpc}"),
                    DnsLook::Records { zone, .. } => format!("look records {}", zone.id),
                    DnsLook::Ask { name, kind } => format!("ask {name} {kind}"),
                }
            }
            Look::Change { id, .. } => {
                self.seen.changes.push((id.clone(), Fact::Known(self.in_sync)));
                format!("look change {id}")
            }
            Look::Served => {
                self.seen.served = self.served.clone().map_or(Fact::Unavailable("refused".into()), Fact::Known);
                "look served".to_owned()
            }
            Look::Sharers { name } => {
                let of = |all: &BTreeMap<Name, Vec<Name>>| Fact::Known(all.get(name).cloned().unwrap_or_default());
                let fact = self.sharers.as_ref().map_or(Fact::Unavailable(denied()), of);
                self.seen.sharers.push((name.clone(), fact));
                format!("look sharers {name}")
            }
        }
    }

    /// Makes the call on the model. An answer that was set is given instead; a lost one arrives all the same.
    fn call(&mut self, act: &Act) -> CallAnswer {
        self.calls.push(act.clone());
        let denied = || CallAnswer::Refused { code: "AccessDenied".into(), message: "not authorized".into() };
        let refused = self.refuses.filter(|refuses| refuses(act)).map(|_| denied());
        let set = self.answer.take().or(refused);
        if let Some(answer) = &set
            && !matches!(answer, CallAnswer::Lost(_))
        {
            return answer.clone();
        }
        let made = self.make(act);
        set.unwrap_or(made)
    }

    fn make(&mut self, act: &Act) -> CallAnswer {
        match act {
            Act::ChangeRecords(batch) => match self.route53.apply(batch) {
                Ok(()) => CallAnswer::Changed { change: format!("C{}", self.calls.len()) },
                Err(why) => CallAnswer::Refused { code: "InvalidChangeBatch".to_owned(), message: why },
            },
            Act::Disassociate => {
                if let Some(association) = &mut self.seen.association {
                    association.status = DomainStatus::Deleting;
                }
                CallAnswer::Taken
            }
            Act::Associate { www } => {
                self.round += 1;
                let host = self.seen.name.to_string();
                let mut fresh = linked(DomainStatus::PendingCertificateDnsValidation, &host);
                fresh.records = vec![proof(1, &host, self.round), proof(2, &host, self.round)];
                fresh.www = *www;
                self.seen.association = Some(fresh);
                CallAnswer::Taken
            }
        }
    }

    fn write(&mut self, record: Record) -> (String, Then) {
        let rule = record.receipt.as_ref().map_or("-", |receipt| receipt.rule.as_str());
        let mut line = format!("record {rule}");
        for notice in &record.notices {
            line.push_str(&format!(" +{}", notice.id.split('/').nth(1).unwrap()));
            assert_eq!(notice.group, format!("DOM#{}", self.seen.name));
            assert!(notice.incident.as_ref().is_some_and(|id| id.starts_with("D-") && id.len() == 14));
        }
        if let Some(receipt) = &record.receipt {
            assert_eq!(receipt.subject.as_deref(), Some(self.seen.name.as_str()));
            assert_eq!(receipt.fence, self.seen.memory.version + 1);
        }
        self.notices.extend(record.notices);
        self.receipts.extend(record.receipt);
        match record.memory {
            Some(memory) => {
                assert_eq!(memory.version, self.seen.memory.version + 1, "the fence grows by one with each record");
                self.seen.memory = memory;
            }
            None => {
                self.forgotten = true;
                self.seen.memory = DomainMemory::default();
            }
        }
        (line, record.then)
    }

    /// One decision, carried out. `None`: the run ends here.
    pub fn step(&mut self, trace: &mut Vec<String>) -> Option<()> {
        let record = match decide(&self.seen, &self.settings) {
            Decision::Look(look) => {
                let line = self.read(&look);
                trace.push(line);
                return Some(());
            }
            Decision::Hold { reason, wake_after_secs } => {
                let wake = wake_after_secs.map(|secs| format!(" {secs}")).unwrap_or_default();
                trace.push(format!("hold {}{wake}", reason.as_str()));
                return None;
            }
            Decision::Call(intent) => {
                trace.push(match &intent.act {
                    Act::ChangeRecords(batch) => format!("call {} x{}", batch.zone.id, batch.changes.len()),
                    Act::Disassociate => "call disassociate".to_owned(),
                    Act::Associate { .. } => "call associate".to_owned(),
                });
                let answer = self.call(&intent.act);
                match after_call(&self.seen, &self.settings, &intent, &answer) {
                    Decision::Record(record) => record,
                    other => panic!("an answer is recorded, not {other:?}"),
                }
            }
            Decision::Record(record) => record,
        };
        let (line, then) = self.write(*record);
        trace.push(line);
        match then {
            Then::Again => Some(()),
            Then::Reread => {
                self.seen.forget_live();
                Some(())
            }
            Then::Stop { wake_after_secs } => {
                trace.push(format!("stop {}", wake_after_secs.unwrap_or_default()));
                None
            }
        }
    }

    /// Decides until it holds or stops; the trace says what happened.
    pub fn settle(&mut self) -> Vec<String> {
        let mut trace = Vec::new();
        for _ in 0..120 {
            if self.step(&mut trace).is_none() {
                return trace;
            }
        }
        panic!("it never comes to rest: {trace:#?}")
    }

    /// The same without the reads.
    pub fn run(&mut self) -> Vec<String> {
        let read = |line: &String| line.starts_with("look ") || line.starts_with("ask ");
        self.settle().into_iter().filter(|line| !read(line)).collect()
    }

    pub fn told(&self, kind: NoticeKind) -> Vec<&Notice> {
        self.notices.iter().filter(|notice| notice.kind == kind).collect()
    }

    pub fn last(&self) -> &Notice {
        self.notices.last().unwrap()
    }

    pub fn owns(&self) -> usize {
        self.seen.memory.owned.len()
    }
}
