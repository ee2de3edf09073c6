//! The harness of the services' own tests: one service on a clock that the test moves, and what it caused.

use jiff::{Span, Timestamp};
use serde_json::{Value, json};

use crate::call::{Answer, ApiError, Call, Caller, Ctx, Ids, Need, Place, Service};
use crate::effect::{Datapoint, Effect};
use crate::outside::Outside;
use crate::switches::Switches;

/// One service in an otherwise empty world.
pub struct Trial<S> {
    pub service: S,
    name: &'static str,
    pub now: Timestamp,
    pub place: Place,
    pub outside: Outside,
    pub effects: Vec<Effect>,
    ids: Ids,
    switches: Switches,
}

impl<S: Service> Trial<S> {
    /// Starts at 2026-11-20T08:00:00Z in eu-west-1, account 111122223333.
    pub fn new(name: &'static str, service: S) -> Self {
        Self {
            service,
            name,
            now: "2026-11-20T08:00:00Z".parse().unwrap(),
            place: Place { partition: "aws".into(), region: "eu-west-1".into(), account: "111122223333".into() },
            outside: Outside::default(),
            effects: Vec::new(),
            ids: Ids::default(),
            switches: Switches::default(),
        }
    }

    fn request(&self, operation: &str, input: Value) -> Call {
        Call {
            service: self.name.to_owned(),
            operation: operation.to_owned(),
            input,
            caller: Caller::Operator,
            request_id: "r".to_owned(),
        }
    }

    pub fn try_call(&mut self, operation: &str, input: Value) -> Answer {
        let call = self.request(operation, input);
        let mut ctx = Ctx {
            now: self.now,
            place: &self.place,
            ids: &mut self.ids,
            effects: &mut self.effects,
            outside: &mut self.outside,
            switches: &self.switches,
        };
        self.service.call(&mut ctx, &call)
    }

    /// The answer of a call that must succeed.
    #[track_caller]
    pub fn call(&mut self, operation: &str, input: Value) -> Value {
        match self.try_call(operation, input) {
            Ok(answer) => answer,
            Err(error) => panic!("{operation}: {error:?}"),
        }
    }

    /// The error of a call that must fail.
    #[track_caller]
    pub fn refused(&mut self, operation: &str, input: Value) -> ApiError {
        match self.try_call(operation, input) {
            Ok(answer) => panic!("{operation} was accepted: {answer}"),
            Err(error) => error,
        }
    }

    pub fn needs(&self, operation: &str, input: Value) -> Vec<Need> {
        self.service.needs(&self.place, &self.request(operation, input))
    }

    /// Lets time pass, stopping at every timer on the way, and counts the timers.
    pub fn pass(&mut self, seconds: i64) -> usize {
        let end = self.now.checked_add(Span::new().seconds(seconds)).unwrap();
        let mut timers = 0;
        while let Some(due) = self.service.next_due().filter(|due| *due <= end) {
            assert!(timers < 100_000, "the service never comes to rest");
            self.now = self.now.max(due);
            self.tick();
            timers += 1;
        }
        self.now = end;
        timers
    }

    fn tick(&mut self) {
        let mut ctx = Ctx {
            now: self.now,
            place: &self.place,
            ids: &mut self.ids,
            effects: &mut self.effects,
            outside: &mut self.outside,
            switches: &self.switches,
        };
        self.service.tick(&mut ctx);
    }

    /// What was caused since the last look.
    pub fn caused(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// The details of the events caused since the last look; other effects are dropped.
    pub fn events(&mut self) -> Vec<Value> {
        let detail = |effect| match effect {
            Effect::Event { source, detail_type, resources, detail } => {
                Some(json!({"source": source, "detail-type": detail_type, "resources": resources, "detail": detail}))
            }
            _ => None,
        };
        self.caused().into_iter().filter_map(detail).collect()
    }

    /// The metric datapoints caused since the last look; other effects are dropped.
    pub fn metrics(&mut self) -> Vec<Datapoint> {
        let point = |effect| if let Effect::Metric(point) = effect { Some(point) } else { None };
        self.caused().into_iter().filter_map(point).collect()
    }
}
