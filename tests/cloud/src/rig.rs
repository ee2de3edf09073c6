//! One service alone, for its own tests: calls go straight in, effects are kept to look at.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::call::{ApiError, Call, Caller, Ctx, Ids, Need, Place, Service};
use crate::effect::Effect;
use crate::outside::Outside;
use crate::switches::Switches;

pub struct Rig<S> {
    pub service: S,
    pub now: Timestamp,
    pub caller: Caller,
    place: Place,
    ids: Ids,
    effects: Vec<Effect>,
    outside: Outside,
    pub switches: Switches,
}

impl<S: Service> Rig<S> {
    pub fn new(service: S) -> Self {
        Self {
            service,
            now: "2026-01-05T09:00:00Z".parse().unwrap(),
            caller: Caller::Operator,
            place: Place {
                partition: "aws".to_owned(),
                region: "eu-west-1".to_owned(),
                account: "123456789012".to_owned(),
            },
            ids: Ids::default(),
            effects: Vec::new(),
            outside: Outside::default(),
            switches: Switches::default(),
        }
    }

    fn made(&self, operation: &str, input: Value) -> Call {
        Call {
            service: String::new(),
            operation: operation.to_owned(),
            input,
            caller: self.caller.clone(),
            request_id: "request".to_owned(),
        }
    }

    pub fn call(&mut self, operation: &str, input: Value) -> Result<Value, ApiError> {
        let call = self.made(operation, input);
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

    /// A call that must succeed.
    pub fn ok(&mut self, operation: &str, input: Value) -> Value {
        self.call(operation, input).unwrap_or_else(|error| panic!("{operation}: {error:?}"))
    }

    /// A call that must be refused, with this code.
    pub fn refused(&mut self, operation: &str, code: &str, input: Value) -> ApiError {
        match self.call(operation, input) {
            Ok(answer) => panic!("{operation} was accepted: {answer}"),
            Err(error) => {
                assert_eq!(error.code, code, "{operation}: {}", error.message);
                error
            }
        }
    }

    pub fn needs(&self, operation: &str, input: Value) -> Vec<Need> {
        self.service.needs(&self.place, &self.made(operation, input))
    }

    /// What was caused since the last look.
    pub fn effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// Lets time pass, in one step, and the service do what is due then.
    pub fn pass(&mut self, time: SignedDuration) {
        self.now = self.now.checked_add(time).unwrap();
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
}
