//! All services on one clock. The only place where one service's effects reach another.
//!
//! The world is synchronous and deterministic: it never waits. What needs real time (a function's process, an HTTP delivery)
//! is handed out as [`Work`] to the driver, which says when it is done. Time moves only through
//! [`World::advance_to`], and the driver calls that only when nothing is in flight.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::call::{Answer, ApiError, Call, Caller, Ctx, Ids, Place, Service};
use crate::effect::{Effect, Lookup};
use crate::events::Bus;
use crate::faults::{CallAct, EventFate, Fate, Faults, Reply, throttled};
use crate::history::History;
use crate::lambda::{Invocation, Lambda};
use crate::outside::Outside;
use crate::policy::Policies;
use crate::switches::Switches;

/// Effects may cause effects; more than this many for one call is a loop in a service.
const EFFECTS_MAX: usize = 10_000;

/// An HTTP delivery that waits for the driver.
#[derive(Clone, Debug, PartialEq)]
pub struct Post {
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

/// What the driver must do in real time before the clock may move on.
#[derive(Debug)]
pub enum Work {
    Invoke(Invocation),
    Post(Post),
    Resolve(Lookup),
}

/// The local cloud's whole state.
pub struct World {
    pub place: Place,
    pub now: Timestamp,
    pub ids: Ids,
    pub outside: Outside,
    pub switches: Switches,
    pub history: History,
    pub faults: Faults,
    pub policies: Policies,
    pub bus: Bus,
    pub lambda: Lambda,
    posts: Vec<Post>,
    lookups: Vec<Lookup>,
    services: BTreeMap<&'static str, Box<dyn Service + Send>>,
}

impl World {
    /// A world without services at `now`; [`World::with`] adds them.
    pub fn new(place: Place, now: Timestamp, switches: Switches) -> Self {
        Self {
            bus: Bus::new(place.clone()),
            lambda: Lambda::new(place.clone()),
            policies: Policies::default(),
            faults: Faults::default(),
            history: History::default(),
            ids: Ids::default(),
            outside: Outside::default(),
            posts: Vec::new(),
            lookups: Vec::new(),
            services: BTreeMap::new(),
            place,
            now,
            switches,
        }
    }

    /// Adds a service under its SigV4 signing name.
    #[must_use]
    pub fn with(mut self, name: &'static str, service: impl Service + Send + 'static) -> Self {
        self.services.insert(name, Box::new(service));
        self
    }

    /// One call from outside, for callers in this process: [`World::receive`] without a wire. An answer that is lost on the
    /// wire is an error with status 0 and code `ConnectionClosed` here.
    pub fn call(&mut self, call: &Call) -> Answer {
        let reply = self.receive(call);
        match reply.fate {
            Fate::Answer | Fate::Late { .. } => reply.answer,
            Fate::Close | Fate::Kill { .. } => {
                let message = "the connection was closed before an answer came";
                Err(ApiError { status: 0, ..ApiError::client("ConnectionClosed", message) })
            }
        }
    }

    /// One call from outside: checked against the caller's policy, subject to faults, recorded.
    pub fn receive(&mut self, call: &Call) -> Reply {
        // Noted before it is served: what the call causes comes after it in the history.
        let noted = self.note_call(call);
        let reply = match self.admit(call) {
            Ok(()) => self.under_faults(call),
            Err(error) => Reply::plain(Err(error)),
        };
        self.note_reply(noted, &reply);
        reply
    }

    /// Carries the call out, or what a fault leaves of it.
    fn under_faults(&mut self, call: &Call) -> Reply {
        let Some(act) = self.faults.strike(call, self.now) else { return Reply::plain(self.dispatch(call)) };
        let what = json!({"service": call.service, "operation": call.operation, "do": act});
        self.history.record(self.now, "fault", who(&call.caller), what);
        let kill = || Fate::Kill { actor: who(&call.caller) };
        match act {
            CallAct::Throttle | CallAct::Limit { .. } => Reply::plain(Err(throttled(&call.service))),
            CallAct::Error { code, status, message } => {
                Reply::plain(Err(ApiError { status, ..ApiError::client(&code, message) }))
            }
            CallAct::LostAnswer => Reply { answer: self.dispatch(call), fate: Fate::Close },
            CallAct::KillBefore => {
                let answer = Err(ApiError::fault("Killed", "the caller was killed before the call took effect"));
                Reply { answer, fate: kill() }
            }
            CallAct::KillAfter => Reply { answer: self.dispatch(call), fate: kill() },
            CallAct::Delay { ms } => Reply { answer: self.dispatch(call), fate: Fate::Late { ms } },
            CallAct::StaleRead => Reply::plain(match self.last_answer(call) {
                Some(output) => Ok(output),
                None => self.dispatch(call),
            }),
        }
    }

    /// The output of the last call with the same input that was answered.
    fn last_answer(&self, call: &Call) -> Option<Value> {
        let same = |what: &Value| {
            what["service"] == call.service && what["operation"] == call.operation && what["input"] == call.input
        };
        let calls = self.history.entries().iter().rev().filter(|entry| entry.kind == "call" && same(&entry.what));
        calls.filter_map(|entry| entry.what["outcome"].get("ok")).next().cloned()
    }

    /// One call that AWS makes itself: an internal operation (`_Append`, `_Record`, ...) or a deployment's `CreateTable`.
    pub fn internal(&mut self, service: &str, operation: &str, input: Value) -> Answer {
        let call = Call {
            service: service.to_owned(),
            operation: operation.to_owned(),
            input,
            caller: Caller::Aws("world"),
            request_id: self.ids.uuid(),
        };
        self.dispatch(&call)
    }

    fn admit(&mut self, call: &Call) -> Result<(), ApiError> {
        let Some(service) = self.services.get(call.service.as_str()) else {
            let message = format!("the local cloud has no service `{}`", call.service);
            return Err(ApiError::client("UnknownServiceException", message));
        };
        let needs = service.needs(&self.place, call);
        self.policies.check(&call.caller, &needs).map_err(|denied| {
            self.history.record(self.now, "denied", who(&call.caller), json!(denied));
            denied.to_api_error(call)
        })
    }

    fn dispatch(&mut self, call: &Call) -> Answer {
        let mut effects = Vec::new();
        let answer = self.serve(call, &mut effects);
        self.carry_out(effects);
        answer
    }

    fn serve(&mut self, call: &Call, effects: &mut Vec<Effect>) -> Answer {
        let Some(service) = self.services.get_mut(call.service.as_str()) else {
            let message = format!("the local cloud has no service `{}`", call.service);
            return Err(ApiError::client("UnknownServiceException", message));
        };
        let mut ctx = Ctx {
            now: self.now,
            place: &self.place,
            ids: &mut self.ids,
            effects,
            outside: &mut self.outside,
            switches: &self.switches,
        };
        service.call(&mut ctx, call)
    }

    fn note_call(&mut self, call: &Call) -> u64 {
        let what = json!({
            "service": call.service, "operation": call.operation, "input": call.input, "request_id": call.request_id,
        });
        self.history.record(self.now, "call", who(&call.caller), what)
    }

    fn note_reply(&mut self, noted: u64, reply: &Reply) {
        let outcome = match &reply.answer {
            Ok(output) => json!({"ok": output}),
            Err(error) => json!({"error": error.code, "message": error.message}),
        };
        self.history.complete(noted, "outcome", outcome);
        if reply.fate != Fate::Answer {
            self.history.complete(noted, "fate", json!(reply.fate));
        }
    }

    /// Carries effects out in the order in which they were caused, and what they cause in turn.
    fn carry_out(&mut self, effects: Vec<Effect>) {
        let mut waiting = std::collections::VecDeque::from(effects);
        let mut carried = 0;
        while let Some(effect) = waiting.pop_front() {
            carried += 1;
            if carried > EFFECTS_MAX {
                self.history.record(self.now, "fault", "world", json!({"loop": format!("{effect:?}")}));
                return;
            }
            let mut caused = Vec::new();
            self.carry_out_one(effect, &mut caused);
            waiting.extend(caused);
        }
    }

    fn carry_out_one(&mut self, effect: Effect, caused: &mut Vec<Effect>) {
        match effect {
            Effect::Event { source, detail_type, resources, detail } => {
                let event = self.envelope(&source, &detail_type, resources, detail);
                self.history.record(self.now, "event", source.clone(), event.clone());
                self.tell_app_runner_of_push(&event, caused);
                let id = event["id"].clone();
                if self.bus.accept(event, self.now, &mut self.faults) == EventFate::Drop {
                    self.history.record(self.now, "fault", "world", json!({"lost-event": id}));
                }
                caused.extend(self.bus.take_reports());
            }
            Effect::Log { group, stream, message } => {
                let input = json!({"group": group, "stream": stream, "message": message});
                self.inner("logs", "_Append", input, caused);
            }
            Effect::Metric(point) => {
                let dimensions: Vec<Value> = point.dimensions.iter().map(|(n, v)| json!([n, v])).collect();
                let input = json!({
                    "namespace": point.namespace, "name": point.name, "dimensions": dimensions,
                    "at": point.at.as_second(), "sum": point.sum, "count": point.count,
                    "min": point.min, "max": point.max, "unit": point.unit,
                });
                self.inner("monitoring", "_Record", input, caused);
            }
            Effect::Send { queue_arn, body, attributes } => {
                let input = json!({"QueueArn": queue_arn, "Body": body, "Attributes": attributes});
                self.inner("sqs", "_Deliver", input, caused);
            }
            Effect::Publish { topic_arn, subject, message } => {
                let input = json!({"TopicArn": topic_arn, "Subject": subject, "Message": message});
                self.inner("sns", "_Publish", input, caused);
            }
            Effect::Invoke { function_arn, payload, cause } => {
                self.lambda.enqueue(&function_arn, payload, &cause, self.now, &mut self.ids);
            }
            Effect::Post { url, headers, body } => self.posts.push(Post { url, headers, body }),
            Effect::Tell { service, operation, input } => self.inner(&service, &operation, input, caused),
            Effect::Resolve(lookup) => self.lookups.push(lookup),
            Effect::StreamRecord { table, record } => self.lambda.stream_record(&table, record, self.now),
            Effect::Story { who, text } => {
                self.history.record(self.now, "story", who, json!(text));
            }
        }
    }

    /// An internal call whose failure is the world's own: it is recorded, for nobody else would see it.
    fn inner(&mut self, service: &str, operation: &str, input: Value, caused: &mut Vec<Effect>) {
        let call = Call {
            service: service.to_owned(),
            operation: operation.to_owned(),
            input,
            caller: Caller::Aws("world"),
            request_id: String::new(),
        };
        if let Err(error) = self.serve(&call, caused) {
            let what = json!({"service": service, "operation": operation, "error": error.message});
            self.history.record(self.now, "fault", "world", what);
        }
    }

    fn envelope(&mut self, source: &str, detail_type: &str, resources: Vec<String>, detail: Value) -> Value {
        json!({
            "version": "0", "id": self.ids.uuid(), "detail-type": detail_type, "source": source,
            "account": self.place.account, "time": self.now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "region": self.place.region, "resources": resources, "detail": detail,
        })
    }

    /// App Runner watches ECR by itself; the bus's rules have no part in it.
    fn tell_app_runner_of_push(&mut self, event: &Value, caused: &mut Vec<Effect>) {
        let detail = &event["detail"];
        let pushed = event["source"] == "aws.ecr" && detail["action-type"] == "PUSH" && detail["result"] == "SUCCESS";
        // A push without a tag moves no tag, so no service follows it.
        if !pushed || !detail["image-tag"].is_string() {
            return;
        }
        let input = json!({
            "Repository": detail["repository-name"], "Tag": detail["image-tag"], "Digest": detail["image-digest"],
        });
        self.inner("apprunner", "_ImagePushed", input, caused);
    }

    /// When something next happens by itself.
    pub fn next_due(&self) -> Option<Timestamp> {
        let services = self.services.values().filter_map(|service| service.next_due());
        services.chain(self.bus.next_due()).chain(self.lambda.next_due()).min()
    }

    /// Moves the clock and lets everything that is due happen. The clock never goes back.
    pub fn advance_to(&mut self, to: Timestamp) {
        self.now = self.now.max(to);
        let mut effects = Vec::new();
        for service in self.services.values_mut() {
            let mut ctx = Ctx {
                now: self.now,
                place: &self.place,
                ids: &mut self.ids,
                effects: &mut effects,
                outside: &mut self.outside,
                switches: &self.switches,
            };
            service.tick(&mut ctx);
        }
        self.carry_out(effects);
        let deliveries = self.bus.tick(self.now);
        self.carry_out(deliveries);
    }

    /// What the driver must do now, in real time.
    pub fn take_work(&mut self) -> Vec<Work> {
        let posts = std::mem::take(&mut self.posts).into_iter().map(Work::Post);
        let lookups = std::mem::take(&mut self.lookups).into_iter().map(Work::Resolve);
        let invocations = self.lambda.take_due(self.now).into_iter().map(Work::Invoke);
        posts.chain(lookups).chain(invocations).collect()
    }

    /// Brings the DNS's answer back to the service that asked.
    pub fn resolved(&mut self, lookup: &Lookup, rcode: &str, answers: &[String]) {
        let input = json!({
            "Token": lookup.token, "Name": lookup.name, "Type": lookup.kind, "Rcode": rcode, "Answers": answers,
        });
        let mut effects = Vec::new();
        self.inner(&lookup.service, "_Resolved", input, &mut effects);
        self.carry_out(effects);
    }

    /// Carries out what the Lambda host causes once an invocation has ended (a dead letter, a destination).
    pub fn after_invocation(&mut self, effects: Vec<Effect>) {
        self.carry_out(effects);
    }
}

/// The caller's short name in the history.
fn who(caller: &Caller) -> String {
    match caller {
        Caller::Operator => "operator".to_owned(),
        Caller::Role { actor, .. } => actor.clone(),
        Caller::Aws(name) => format!("aws:{name}"),
    }
}
