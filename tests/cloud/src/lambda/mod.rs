//! The Lambda service: functions, asynchronous invocations with their retries, event source mappings.
//!
//! This module owns what waits and what runs, on the virtual clock; [`host`] runs processes in real time and knows no queue.
//! Source of the figures: AWS Lambda Developer Guide, "Asynchronous invocation" and "Event source mappings".

pub mod finish;
mod function;
pub mod host;
mod log;
pub mod mapping;
mod outcome;
mod poll;
pub mod runtime_api;
mod step;
#[cfg(test)]
pub(crate) mod trial;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::call::{Ids, Place};

pub use function::{AccessKey, Function, InvokeConfig, LogFormat};
pub use mapping::{Mapping, QueueSource, Source, StreamSource};
pub use outcome::{FunctionError, Outcome};
pub use step::step;

/// Seconds before the first and the second retry after an error of the function.
const RETRY_SECS: [i64; 2] = [60, 120];

/// The longest wait of a throttled event, in seconds.
const THROTTLED_SECS_MAX: i64 = 300;

/// Concurrent invocations of an account that reserves nothing.
const ACCOUNT_CONCURRENCY: u32 = 1000;

/// One invocation that the driver must run now.
#[derive(Clone, Debug, PartialEq)]
pub struct Invocation {
    /// The request id.
    pub id: String,
    /// The function's name.
    pub function: String,
    pub payload: Value,
}

/// An asynchronous event that waits or runs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AsyncEvent {
    pub id: String,
    pub function: String,
    pub payload: Value,
    /// The rule, schedule or topic that sent it.
    pub cause: String,
    pub since: Timestamp,
    pub due: Timestamp,
    /// How often the function ran for it.
    pub attempts: u32,
    pub throttles: u32,
}

/// What an invocation runs for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Purpose {
    Event(AsyncEvent),
    /// A batch of the mapping with this id.
    Batch {
        mapping: String,
    },
    /// Somebody waits for the answer.
    Direct,
}

/// An asynchronous event that Lambda gives up, and why (`EventAgeExceeded`, `RetriesExhausted`, `ZeroReservedConcurrency`).
#[derive(Clone, Debug)]
pub(crate) struct GivenUp {
    pub event: AsyncEvent,
    pub condition: &'static str,
    pub outcome: Option<Outcome>,
}

/// A direct invocation that could not begin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvokeError {
    #[error("there is no function `{0}`")]
    NoFunction(String),
    #[error("function `{0}` runs at its reserved concurrency")]
    Throttled(String),
}

/// The functions and what waits for them.
#[derive(Debug)]
pub struct Lambda {
    functions: BTreeMap<String, Function>,
    configs: BTreeMap<String, InvokeConfig>,
    pub(crate) mappings: BTreeMap<String, Mapping>,
    waiting: Vec<AsyncEvent>,
    running: BTreeMap<String, (String, Purpose)>,
    pub(crate) given_up: Vec<GivenUp>,
    /// Events for functions that do not exist, and throttles, until they are recorded.
    pub(crate) lost: Vec<String>,
    pub(crate) throttled: Vec<String>,
}

impl Lambda {
    pub fn new(_place: Place) -> Self {
        Self {
            functions: BTreeMap::new(),
            configs: BTreeMap::new(),
            mappings: BTreeMap::new(),
            waiting: Vec::new(),
            running: BTreeMap::new(),
            given_up: Vec::new(),
            lost: Vec::new(),
            throttled: Vec::new(),
        }
    }

    /// Adds a function, or replaces the one of the same name.
    pub fn put_function(&mut self, function: Function) {
        self.functions.insert(function.name.clone(), function);
    }

    /// Removes a function; what waits for it is lost, as in AWS.
    pub fn remove_function(&mut self, name: &str) -> Option<Function> {
        self.functions.remove(name)
    }

    /// Sets how asynchronous invocations of a function are retried and where failures go.
    pub fn put_invoke_config(&mut self, function: &str, config: InvokeConfig) {
        self.configs.insert(function.to_owned(), config);
    }

    pub fn put_mapping(&mut self, mapping: Mapping) {
        self.mappings.insert(mapping.id.clone(), mapping);
    }

    pub fn function(&self, name: &str) -> Option<&Function> {
        self.functions.get(name)
    }

    pub fn functions(&self) -> impl Iterator<Item = &Function> {
        self.functions.values()
    }

    /// The function of an ARN, with or without a qualifier.
    pub fn function_by_arn(&self, arn: &str) -> Option<&Function> {
        let name = arn.split(":function:").nth(1)?.split(':').next()?;
        self.functions.get(name)
    }

    pub(crate) fn config(&self, function: &str) -> InvokeConfig {
        self.configs.get(function).cloned().unwrap_or_default()
    }

    /// Invocations that run now.
    pub fn running(&self) -> usize {
        self.running.len()
    }

    /// Asynchronous events that wait for their first run or a retry.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Takes an asynchronous invocation.
    pub fn enqueue(&mut self, function_arn: &str, payload: Value, cause: &str, now: Timestamp, ids: &mut Ids) {
        let Some(function) = self.function_by_arn(function_arn) else {
            self.lost.push(format!("event of {cause} for {function_arn}, which does not exist"));
            return;
        };
        let function = function.name.clone();
        let (id, cause) = (ids.uuid(), cause.to_owned());
        let event = AsyncEvent { id, function, payload, cause, since: now, due: now, attempts: 0, throttles: 0 };
        self.waiting.push(event);
    }

    /// Takes a stream record for the event source mappings of the table.
    pub fn stream_record(&mut self, table: &str, record: Value, now: Timestamp) {
        for mapping in self.mappings.values_mut() {
            mapping.take_record(table, &record, now);
        }
    }

    /// When an event, a batch or a poll is next due.
    pub fn next_due(&self) -> Option<Timestamp> {
        let events = self.waiting.iter().map(|event| event.due);
        let mappings = self.mappings.values().filter(|mapping| self.has_room(&mapping.function));
        events.chain(mappings.filter_map(Mapping::next_due)).min()
    }

    /// The invocations that are due and may run (concurrency allows it).
    pub fn take_due(&mut self, now: Timestamp) -> Vec<Invocation> {
        let (mut due, later): (Vec<AsyncEvent>, Vec<AsyncEvent>) =
            std::mem::take(&mut self.waiting).into_iter().partition(|event| event.due <= now);
        self.waiting = later;
        due.sort_by_key(|event| event.due);
        due.into_iter().filter_map(|event| self.admit(event, now)).collect()
    }

    /// Starts an event, or puts it back, or gives it up.
    fn admit(&mut self, mut event: AsyncEvent, now: Timestamp) -> Option<Invocation> {
        let Some(function) = self.functions.get(&event.function) else {
            self.lost.push(format!("event of {} for {}, which is gone", event.cause, event.function));
            return None;
        };
        let config = self.config(&event.function);
        if now.duration_since(event.since) > SignedDuration::from_secs(config.age_secs_max) {
            self.given_up.push(GivenUp { event, condition: "EventAgeExceeded", outcome: None });
            return None;
        }
        if function.reserved_concurrency == Some(0) {
            self.given_up.push(GivenUp { event, condition: "ZeroReservedConcurrency", outcome: None });
            return None;
        }
        if !self.has_room(&event.function) {
            let wait = 1_i64.checked_shl(event.throttles).unwrap_or(THROTTLED_SECS_MAX).clamp(1, THROTTLED_SECS_MAX);
            event.throttles = (event.throttles + 1).min(32);
            event.due = now + SignedDuration::from_secs(wait);
            self.throttled.push(event.function.clone());
            self.waiting.push(event);
            return None;
        }
        event.attempts += 1;
        let invocation =
            Invocation { id: event.id.clone(), function: event.function.clone(), payload: event.payload.clone() };
        self.begin(&invocation, Purpose::Event(event));
        Some(invocation)
    }

    /// Begins an invocation whose caller waits for the answer.
    ///
    /// # Errors
    /// Where the function does not exist or has no concurrency left.
    pub fn begin_direct(&mut self, function: &str, payload: Value, ids: &mut Ids) -> Result<Invocation, InvokeError> {
        if !self.functions.contains_key(function) {
            return Err(InvokeError::NoFunction(function.to_owned()));
        }
        if !self.has_room(function) {
            return Err(InvokeError::Throttled(function.to_owned()));
        }
        let invocation = Invocation { id: ids.uuid(), function: function.to_owned(), payload };
        self.begin(&invocation, Purpose::Direct);
        Ok(invocation)
    }

    pub(crate) fn begin(&mut self, invocation: &Invocation, purpose: Purpose) {
        self.running.insert(invocation.id.clone(), (invocation.function.clone(), purpose));
    }

    /// Whether one more invocation of the function may run now.
    pub(crate) fn has_room(&self, function: &str) -> bool {
        let limit =
            self.functions.get(function).map_or(0, |known| known.reserved_concurrency.unwrap_or(ACCOUNT_CONCURRENCY));
        let running = self.running.values().filter(|(name, _)| name == function).count();
        running < limit as usize
    }

    /// Ends an invocation: what it ran for. None for one that nobody began.
    pub(crate) fn end(&mut self, id: &str) -> Option<Purpose> {
        self.running.remove(id).map(|(_, purpose)| purpose)
    }

    /// Puts a failed event back for its retry, or gives it up.
    pub(crate) fn event_failed(&mut self, mut event: AsyncEvent, outcome: Outcome, now: Timestamp) {
        let config = self.config(&event.function);
        let retry =
            RETRY_SECS.get(event.attempts.saturating_sub(1) as usize).filter(|_| event.attempts <= config.retries_max);
        match retry {
            Some(secs) => {
                event.due = now + SignedDuration::from_secs(*secs);
                self.waiting.push(event);
            }
            None => {
                self.given_up.push(GivenUp { event, condition: "RetriesExhausted", outcome: Some(outcome) });
            }
        }
    }
}

#[cfg(test)]
mod tests;
