//! Faults that a test or the control API orders: for the next calls that match, or for the next events.
//!
//! Owns: which fault strikes which call or event, in the order in which they were ordered. Never carries a fault out: the
//! world, the gateway and the bus do that.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::bucket::Bucket;
use crate::call::{Answer, ApiError, Call, Caller};

/// A fault for calls. It lets `skip` matching calls pass, then strikes `times` of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallFault {
    /// `service:Operation`, where `*` stands for any text: `apprunner:UpdateService`, `dynamodb:*`.
    pub on: String,
    /// The caller: a function's name, a role's ARN or `operator`; `*` stands for any text.
    #[serde(default = "anyone")]
    pub by: String,
    #[serde(default)]
    pub skip: u32,
    #[serde(default = "once")]
    pub times: u32,
    #[serde(rename = "do")]
    pub act: CallAct,
}

/// What strikes a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum CallAct {
    /// The service's own throttling error, before any effect.
    Throttle,
    /// The same for each call beyond so many a second of the cloud's time; as many may come at once. What is within the rate
    /// meets the faults that were ordered later.
    Limit { per_second: f64 },
    /// This error, before any effect.
    Error {
        code: String,
        #[serde(default = "bad_request")]
        status: u16,
        #[serde(default)]
        message: String,
    },
    /// The call takes effect; the connection is closed without an answer.
    LostAnswer,
    /// The caller's process is killed before the call takes effect.
    KillBefore,
    /// The caller's process is killed after the call took effect, before it has the answer.
    KillAfter,
    /// The call takes effect; the answer comes this many real milliseconds later.
    Delay { ms: u64 },
    /// The answer of the last same call with the same input is repeated; the call itself is not carried out.
    StaleRead,
}

/// A fault for events on the bus.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventFault {
    /// The event's `detail-type`; `*` stands for any text.
    pub event: String,
    #[serde(default)]
    pub skip: u32,
    #[serde(default = "once")]
    pub times: u32,
    #[serde(rename = "do")]
    pub act: EventFate,
}

/// What becomes of an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum EventFate {
    /// It arrives once, at once.
    #[default]
    Deliver,
    /// It never arrives.
    Drop,
    /// It arrives this many times, with the same id.
    Duplicate { times: u32 },
    /// It arrives this much later (the cloud's time).
    Delay { seconds: u64 },
    /// It waits until another event has been accepted, and arrives after it.
    Reorder,
}

/// Either kind, as the control API takes them: `on` makes it a fault for calls, `event` one for events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Fault {
    Call(CallFault),
    Event(EventFault),
}

/// What the world answers to a call, and what the gateway must do with it.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// What the caller would see, or would have seen.
    pub answer: Answer,
    pub fate: Fate,
}

/// What becomes of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Fate {
    Answer,
    /// Answer this many real milliseconds later.
    Late {
        ms: u64,
    },
    /// Close the connection without an answer.
    Close,
    /// Kill the process of the function with this name, then close the connection.
    Kill {
        actor: String,
    },
}

impl Reply {
    pub fn plain(answer: Answer) -> Self {
        Self { answer, fate: Fate::Answer }
    }
}

/// The faults that wait to strike.
#[derive(Debug, Default)]
pub struct Faults {
    calls: Vec<Ordered>,
    events: Vec<EventFault>,
}

/// A fault for calls as it waits.
#[derive(Debug)]
struct Ordered {
    fault: CallFault,
    /// What a limit has let pass.
    bucket: Bucket,
}

impl Ordered {
    /// Whether it strikes this call, which fits it.
    fn is_due(&mut self, now: Timestamp) -> bool {
        if !passes(&mut self.fault.skip) {
            return false;
        }
        match self.fault.act {
            CallAct::Limit { per_second } => !self.bucket.take(per_second, now),
            _ => true,
        }
    }
}

impl Faults {
    pub fn order(&mut self, fault: Fault) {
        match fault {
            Fault::Call(fault) => self.calls.push(Ordered { fault, bucket: Bucket::default() }),
            Fault::Event(fault) => self.events.push(fault),
        }
    }

    /// Forgets every fault that still waits.
    pub fn clear(&mut self) {
        self.calls.clear();
        self.events.clear();
    }

    /// The faults that still wait, those for calls first.
    pub fn waiting(&self) -> Vec<Fault> {
        let calls = self.calls.iter().map(|ordered| Fault::Call(ordered.fault.clone()));
        calls.chain(self.events.iter().cloned().map(Fault::Event)).collect()
    }

    /// What strikes this call. Of several that match, the first ordered one that is due; each counts what it lets pass.
    pub fn strike(&mut self, call: &Call, now: Timestamp) -> Option<CallAct> {
        let name = format!("{}:{}", call.service, call.operation);
        let due = self.calls.iter_mut().position(|ordered| {
            let matches = like(&ordered.fault.on, &name) && is_by(&ordered.fault.by, &call.caller);
            matches && ordered.is_due(now)
        })?;
        let fault = &mut self.calls[due].fault;
        let act = fault.act.clone();
        fault.times = fault.times.saturating_sub(1);
        self.calls.retain(|ordered| ordered.fault.times > 0);
        Some(act)
    }

    /// What becomes of this event; the bus asks once an event, as it accepts it.
    pub fn for_event(&mut self, event: &Value) -> EventFate {
        let detail_type = event.get("detail-type").and_then(Value::as_str).unwrap_or_default();
        let due = self.events.iter_mut().position(|fault| like(&fault.event, detail_type) && passes(&mut fault.skip));
        let Some(due) = due else { return EventFate::Deliver };
        let act = self.events[due].act;
        self.events[due].times = self.events[due].times.saturating_sub(1);
        self.events.retain(|fault| fault.times > 0);
        act
    }
}

/// True once nothing is left to skip.
fn passes(skip: &mut u32) -> bool {
    let due = *skip == 0;
    *skip = skip.saturating_sub(1);
    due
}

fn is_by(pattern: &str, caller: &Caller) -> bool {
    match caller {
        Caller::Operator => like(pattern, "operator"),
        Caller::Role { role_arn, actor } => like(pattern, actor) || like(pattern, role_arn),
        Caller::Aws(name) => like(pattern, name),
    }
}

/// Whether the text fits the pattern, in which `*` stands for any text.
fn like(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// The error with which a service throttles: its code as clients see it, and its status.
pub fn throttled(service: &str) -> ApiError {
    let (code, status) = match service {
        "dynamodb" => ("ThrottlingException", 400),
        "ec2" => ("RequestLimitExceeded", 503),
        "lambda" => ("TooManyRequestsException", 429),
        "scheduler" => ("ThrottlingException", 429),
        "sns" => ("Throttled", 429),
        "s3" => ("SlowDown", 503),
        "sqs" => ("RequestThrottled", 400),
        "monitoring" | "sts" | "route53" => ("Throttling", 400),
        _ => ("ThrottlingException", 400),
    };
    ApiError { status, ..ApiError::client(code, "Rate exceeded") }
}

fn anyone() -> String {
    "*".to_owned()
}

fn once() -> u32 {
    1
}

fn bad_request() -> u16 {
    400
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn call(service: &str, operation: &str, actor: &str) -> Call {
        let role_arn = format!("arn:aws:iam::123456789012:role/{actor}-role");
        Call {
            service: service.to_owned(),
            operation: operation.to_owned(),
            input: json!({}),
            caller: Caller::Role { role_arn, actor: actor.to_owned() },
            request_id: String::new(),
        }
    }

    fn ordered(fault: Value) -> Faults {
        let mut faults = Faults::default();
        faults.order(serde_json::from_value(fault).unwrap());
        faults
    }

    #[test]
    fn a_fault_skips_then_strikes_then_is_spent() {
        let fault = json!({"on": "apprunner:Update*", "skip": 1, "times": 2, "do": {"kind": "throttle"}});
        let mut faults = ordered(fault);
        let update = call("apprunner", "UpdateService", "rollback");
        assert_eq!(faults.strike(&call("apprunner", "DescribeService", "rollback"), NOW), None);
        let struck: Vec<bool> = (0..5).map(|_| faults.strike(&update, NOW).is_some()).collect();
        assert_eq!(struck, [false, true, true, false, false]);
        assert!(faults.waiting().is_empty());
    }

    #[test]
    fn a_fault_strikes_only_its_caller() {
        let mut faults = ordered(json!({"on": "dynamodb:*", "by": "notify", "do": {"kind": "kill-after"}}));
        assert_eq!(faults.strike(&call("dynamodb", "PutItem", "rollback"), NOW), None);
        assert_eq!(faults.strike(&call("dynamodb", "PutItem", "notify"), NOW), Some(CallAct::KillAfter));
        let mut faults = ordered(json!({"on": "*", "by": "*:role/notify-*", "do": {"kind": "lost-answer"}}));
        assert_eq!(faults.strike(&call("sns", "Publish", "notify"), NOW), Some(CallAct::LostAnswer));
    }

    #[test]
    fn the_first_ordered_fault_strikes_first() {
        let mut faults = ordered(json!({"on": "sns:*", "do": {"kind": "throttle"}}));
        faults.order(serde_json::from_value(json!({"on": "sns:Publish", "do": {"kind": "stale-read"}})).unwrap());
        let publish = call("sns", "Publish", "notify");
        assert_eq!(faults.strike(&publish, NOW), Some(CallAct::Throttle));
        assert_eq!(faults.strike(&publish, NOW), Some(CallAct::StaleRead));
        assert_eq!(faults.strike(&publish, NOW), None);
    }

    #[test]
    fn a_limit_refuses_what_is_beyond_its_rate_and_leaves_the_rest_to_later_faults() {
        let mut faults = ordered(json!({"on": "apprunner:*", "times": 9, "do": {"kind": "limit", "per_second": 2.0}}));
        let late = json!({"on": "*", "times": 9, "do": {"kind": "delay", "ms": 40}});
        faults.order(serde_json::from_value(late).unwrap());
        let describe = call("apprunner", "DescribeService", "audit");
        let mut struck = |seconds: f64| {
            let now = NOW + jiff::SignedDuration::from_secs_f64(seconds);
            matches!(faults.strike(&describe, now), Some(CallAct::Limit { .. }))
        };
        let at = [0.0, 0.0, 0.0, 0.4, 0.5, 0.9, 5.0, 5.0, 5.0];
        assert_eq!(at.map(&mut struck), [false, false, true, true, false, true, false, false, true]);
        assert_eq!(
            faults.strike(&describe, NOW),
            Some(CallAct::Limit { per_second: 2.0 }),
            "a clock set back gives nothing"
        );
        assert_eq!(faults.strike(&call("sns", "Publish", "audit"), NOW), Some(CallAct::Delay { ms: 40 }));
    }

    #[test]
    fn an_event_meets_the_fate_that_was_ordered_for_its_type() {
        let fault = json!({"event": "AppRunner *", "skip": 1, "do": {"kind": "duplicate", "times": 3}});
        let mut faults = ordered(fault);
        let event = json!({"detail-type": "AppRunner Service Status Change"});
        assert_eq!(faults.for_event(&event), EventFate::Deliver);
        assert_eq!(faults.for_event(&json!({"detail-type": "ECR Image Action"})), EventFate::Deliver);
        assert_eq!(faults.for_event(&event), EventFate::Duplicate { times: 3 });
        assert_eq!(faults.for_event(&event), EventFate::Deliver);
    }

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text, fits) in [
            ("*", "", true),
            ("a*c", "abc", true),
            ("a*c", "abcd", false),
            ("a*b*c", "a-b-b-c", true),
            ("abc", "abcd", false),
            ("a*a", "a", false),
            ("*:role/x", "arn:role/x", true),
        ] {
            assert_eq!(like(pattern, text), fits, "{pattern} {text}");
        }
    }
}
