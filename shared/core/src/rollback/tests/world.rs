//! A small world around one service: what is remembered, and what each read would answer.

use jiff::{SignedDuration, Timestamp};

use crate::autonomy::{Autonomy, Tags};
use crate::diagnosis::{Cause, Diagnosis};
use crate::id::{Digest, ImageRef, OperationId, ServiceArn};
use crate::incident::{Incident, IncidentState, Intent};
use crate::ledger::{Candidate, Release, Verdict};
use crate::memory::{AccountState, Memory};
use crate::notice::Notice;
use crate::receipt::Receipt;
use crate::rollback::answer::{CallAnswer, after_call};
use crate::rollback::{
    Alarm, Decision, Fact, Look, Observed, Record, Resolved, Settings, Then, Transition, Trigger, decide,
};
use crate::service::{
    Fingerprint, FingerprintKey, Operation, OperationKind, OperationStatus, Service, ServiceStatus, Source,
};

pub const TAG: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop:latest";

/// A minute of the story. The first release came at minute 4; `now` begins at minute 1000.
pub fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + minute * 60).unwrap()
}

pub fn digest(n: u8) -> Digest {
    Digest::parse(&format!("sha256:{}", format!("{n:02x}").repeat(32))).unwrap()
}

pub fn by_tag() -> ImageRef {
    ImageRef::parse(TAG).unwrap()
}

pub fn pinned(n: u8) -> ImageRef {
    by_tag().pinned_to(&digest(n))
}

pub fn image(image: ImageRef, auto_deploy: bool) -> Source {
    Source::Image { image, auto_deploy: Some(auto_deploy) }
}

pub fn configuration(value: &str) -> Fingerprint {
    Fingerprint::of([("env:MODE", value), ("port", "8080")], &FingerprintKey::new("k"))
}

pub fn op(id: &str, kind: OperationKind, status: OperationStatus, start: i64, end: i64) -> Operation {
    let ended_at = status.ended().then(|| at(end));
    Operation { id: OperationId::new(id), kind, status, started_at: at(start), ended_at, updated_at: ended_at }
}

#[derive(Clone)]
pub struct World {
    pub seen: Observed,
    pub settings: Settings,
    /// What the reads answer; `None` where they cannot be made.
    pub service: Option<Service>,
    pub tags: Option<Tags>,
    pub tag_names: Option<(Digest, i64)>,
    pub in_ecr: Option<Vec<Digest>>,
    pub alarms: Option<Vec<Alarm>>,
    /// What the record asked for next, and what it left behind.
    pub notices: Vec<Notice>,
    pub receipts: Vec<Receipt>,
    pub closed: Vec<Incident>,
    pub intents: Vec<Intent>,
    /// What App Runner answers to a call; without one the world stops there.
    pub answer: Option<CallAnswer>,
}

impl World {
    /// Digest 1 serves as a good release since minute 4, everything was judged, and nothing is going on.
    pub fn new() -> Self {
        let arn = ServiceArn::parse(
            "arn:aws:apprunner:eu-west-1:123456789012:service/shop-api/8fe1e10304f84fd2b0df550fe98a71fa",
        );
        let arn = arn.unwrap();
        let service = Service {
            arn: arn.clone(),
            status: ServiceStatus::Running,
            source: image(by_tag(), true),
            created_at: at(0),
            fingerprint: configuration("a"),
        };
        let seen = Observed {
            arn,
            me: "me".into(),
            cause: "test".into(),
            trigger: Trigger::Event,
            now: at(1000),
            memory: Memory { version: 1, ..Memory::default() },
            account: AccountState::default(),
            operations: Vec::new(),
            gone: false,
            service: Fact::Unread,
            tags: Fact::Unread,
            resolved: Vec::new(),
            exists: Vec::new(),
            fired: Fact::Unread,
            alarms: Fact::Unread,
            diagnosis: Fact::Unread,
        };
        let world = Self {
            seen,
            settings: Settings { autonomy: Autonomy::Act, bake: SignedDuration::from_mins(30) },
            service: Some(service),
            tags: Some(Tags::new()),
            tag_names: Some((digest(1), -10)),
            in_ecr: Some((0..=9).map(digest).collect()),
            alarms: Some(Vec::new()),
            notices: Vec::new(),
            receipts: Vec::new(),
            closed: Vec::new(),
            intents: Vec::new(),
            answer: None,
        };
        let create = op("create", OperationKind::CreateService, OperationStatus::Succeeded, 0, 4);
        world.release(&create, 1, Verdict::Good { since: at(34) })
    }

    /// An operation that nobody judged yet.
    pub fn operation(mut self, operation: Operation) -> Self {
        self.seen.operations.insert(0, operation);
        self
    }

    /// An operation that was judged, and the release that it brought.
    pub fn release(mut self, operation: &Operation, n: u8, verdict: Verdict) -> Self {
        self.seen.memory.judged.advance(operation);
        self.seen.memory.ledger.add(Release {
            operation: operation.id.clone(),
            source: image(by_tag(), true),
            digest: Some(digest(n)),
            fingerprint: configuration("a"),
            started_at: operation.started_at,
            released_at: operation.end(),
            replaced_at: None,
            verdict,
        });
        self.operation(operation.clone())
    }

    /// Digest `n` came into service by `start-deployment` from minute 990 to 994 and bakes until minute 1024.
    pub fn baking(self, n: u8) -> Self {
        let deploy = op("deploy", OperationKind::StartDeployment, OperationStatus::Succeeded, 990, 994);
        self.release(&deploy, n, Verdict::Baking { until: at(1024) })
    }

    /// What was kept in mind while the operation ran.
    pub fn candidate(mut self, operation: &str, n: u8, value: &str) -> Self {
        self.seen.memory.candidate = Some(Candidate {
            operation: OperationId::new(operation),
            source: image(by_tag(), true),
            digest: Some(digest(n)),
            fingerprint: configuration(value),
            seen_at: at(991),
        });
        self.tag_names = Some((digest(n), 980));
        self
    }

    /// An alarm that went off at `fired`, on data that ended half a minute earlier, and woke us.
    pub fn alarm(mut self, name: &str, fired: i64) -> Self {
        let breached_at = Some(at(fired) - SignedDuration::from_secs(30));
        let transition = Transition { at: at(fired), from: "OK".into(), to: "ALARM".into(), breached_at };
        let alarm = Alarm { name: name.into(), state: "ALARM".into(), transitions: vec![transition] };
        self.alarms.get_or_insert_default().push(alarm);
        self.woken(Trigger::Alarm { name: name.into() })
    }

    pub fn woken(mut self, trigger: Trigger) -> Self {
        self.seen.trigger = trigger;
        self
    }

    pub fn now(mut self, minute: i64) -> Self {
        self.seen.now = at(minute);
        self
    }

    pub fn status(mut self, status: ServiceStatus) -> Self {
        self.service.as_mut().unwrap().status = status;
        self
    }

    pub fn live(mut self, source: Source, value: &str) -> Self {
        let service = self.service.as_mut().unwrap();
        service.source = source;
        service.fingerprint = configuration(value);
        self
    }

    pub fn tag(mut self, key: &str, value: &str) -> Self {
        self.tags.get_or_insert_default().insert(key.into(), value.into());
        self
    }

    pub fn answered(mut self, answer: CallAnswer) -> Self {
        self.answer = Some(answer);
        self
    }

    /// What a new invocation knows: the memory and the operations.
    pub fn woken_again(&mut self, me: &str, minute: i64) {
        let (memory, account) = (self.seen.memory.clone(), self.seen.account.clone());
        let fresh = Self::new().seen;
        let operations = self.seen.operations.clone();
        let trigger = self.seen.trigger.clone();
        self.seen = Observed { me: me.into(), now: at(minute), memory, account, operations, trigger, ..fresh };
    }

    fn read(&mut self, look: &Look) -> String {
        let blind = || Fact::Unavailable("denied".into());
        match look {
            Look::Service => self.seen.service = self.service.clone().map_or_else(Fact::default_blind, Fact::Known),
            Look::Tags => self.seen.tags = self.tags.clone().map_or_else(Fact::default_blind, Fact::Known),
            Look::Resolve(image) => {
                let known = |(digest, pushed): (Digest, i64)| Resolved { digest, pushed_at: Some(at(pushed)) };
                let fact = self.tag_names.clone().map(known).map_or_else(Fact::default_blind, Fact::Known);
                self.seen.resolved.push((image.clone(), fact));
            }
            Look::Exists(image) => {
                let held = |held: &Vec<Digest>| image.digest().is_some_and(|digest| held.contains(digest));
                let fact = self.in_ecr.as_ref().map(held).map_or_else(Fact::default_blind, Fact::Known);
                self.seen.exists.push((image.clone(), fact));
                return format!("look exists {}", image.short());
            }
            Look::FiredAlarm { .. } => {
                let newest = self.alarms.as_ref().and_then(|alarms| alarms.last());
                self.seen.fired = newest.cloned().map_or_else(blind, Fact::Known);
            }
            Look::Alarms { .. } => {
                self.seen.alarms = self.alarms.clone().map_or_else(Fact::default_blind, Fact::Known);
            }
            Look::Logs { operation, .. } => {
                self.seen.diagnosis = Fact::Known(Diagnosis {
                    cause: Cause::HealthCheck,
                    summary: "the health check on /health failed".into(),
                    evidence: None,
                    fix: "Answer 200 on /health within 2 s.".into(),
                    last_lines: Vec::new(),
                });
                return format!(
                    "look logs {}",
                    operation.as_ref().map_or("of the service".into(), ToString::to_string)
                );
            }
        }
        match look {
            Look::Service => "look service",
            Look::Tags => "look tags",
            Look::Resolve(_) => "look resolve",
            Look::FiredAlarm { .. } => "look fired",
            Look::Alarms { .. } => "look alarms",
            Look::Exists(_) | Look::Logs { .. } => "",
        }
        .to_owned()
    }

    fn write(&mut self, record: Record) -> (String, Then) {
        let before = self.seen.memory.incident.clone();
        assert_eq!(record.memory.version, self.seen.memory.version + 1, "the fence grows by one with each record");
        if let Some(before) = before {
            let kept = record.memory.incident.as_ref().is_some_and(|incident| incident.id == before.id);
            let closed = record.closed.as_ref().is_some_and(|closed| closed.id == before.id);
            assert!(kept != closed, "an incident stays or is closed, never lost: {}", record.receipt.rule);
        }
        if let Some(IncidentState::Intended { intent }) = record.memory.incident.as_ref().map(|it| &it.state)
            && intent.fence == record.memory.version
        {
            self.intents.push(intent.clone());
        }
        let mut line = format!("record {}", record.receipt.rule);
        for notice in &record.notices {
            let kind = serde_json::to_value(notice.kind).unwrap();
            line.push_str(&format!(" +{}", kind.as_str().unwrap()));
        }
        self.notices.extend(record.notices);
        self.receipts.push(record.receipt);
        self.closed.extend(record.closed);
        self.seen.memory = record.memory;
        if let Some(breaker) = record.breaker {
            self.seen.account.breaker = breaker;
        }
        self.seen.forget_operation();
        (line, record.then)
    }

    /// Decides until it holds, stops or calls; the trace says what happened.
    pub fn settle(&mut self) -> Vec<String> {
        let mut trace = Vec::new();
        for _ in 0..60 {
            let decision = decide(&self.seen, &self.settings).unwrap();
            let record = match decision {
                Decision::Look(look) => {
                    let line = self.read(&look);
                    trace.push(line);
                    continue;
                }
                Decision::Hold { reason, .. } => {
                    trace.push(format!("hold {}", reason.as_str()));
                    return trace;
                }
                Decision::Call(intent) => {
                    trace.push(format!("call {}", intent.action.words()));
                    let Some(answer) = self.answer.take() else { return trace };
                    let Decision::Record(record) = after_call(&self.seen, &intent, &answer).unwrap() else {
                        panic!("an answer is recorded")
                    };
                    record
                }
                Decision::Record(record) => record,
            };
            let (line, then) = self.write(*record);
            if line.starts_with("record operator") {
                self.seen.trigger = Trigger::Event;
            }
            trace.push(line);
            match then {
                Then::Again => {}
                Then::Reread => {
                    let operations = self.seen.operations.clone();
                    self.seen.forget_live();
                    self.seen.operations = operations;
                }
                Then::Stop { wake_after_secs } => {
                    trace.push(format!("stop {}", wake_after_secs.unwrap_or_default()));
                    return trace;
                }
            }
        }
        panic!("it never comes to rest: {trace:#?}")
    }

    pub fn outcomes(&self) -> Vec<String> {
        let closed = self.closed.iter().map(|incident| match &incident.state {
            IncidentState::Closed { outcome, .. } => format!("{:?} {outcome:?}", incident.kind),
            open => format!("not closed: {}", open.name()),
        });
        closed.collect()
    }

    pub fn state(&self) -> &'static str {
        self.seen.memory.incident.as_ref().map_or("none", |incident| incident.state.name())
    }

    pub fn verdict(&self) -> &Verdict {
        &self.seen.memory.ledger.current().unwrap().verdict
    }
}

impl<T> Fact<T> {
    fn default_blind() -> Self {
        Self::Unavailable("denied".into())
    }
}
