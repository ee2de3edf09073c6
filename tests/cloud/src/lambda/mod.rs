//! The Lambda service: functions, asynchronous invocations with their retries, event source mappings.

use jiff::Timestamp;
use serde_json::Value;

use crate::call::{Ids, Place};

/// One invocation that the driver must run now.
#[derive(Clone, Debug, PartialEq)]
pub struct Invocation {
    pub id: String,
    pub function: String,
    pub payload: Value,
}

/// The functions and what waits for them.
#[derive(Debug)]
pub struct Lambda {}

impl Lambda {
    pub fn new(_place: Place) -> Self {
        Self {}
    }

    /// Takes an asynchronous invocation.
    pub fn enqueue(&mut self, _function_arn: &str, _payload: Value, _cause: &str, _now: Timestamp, _ids: &mut Ids) {}

    /// Takes a stream record for the event source mappings of the table.
    pub fn stream_record(&mut self, _table: &str, _record: Value, _now: Timestamp) {}

    pub fn next_due(&self) -> Option<Timestamp> {
        None
    }

    /// The invocations that are due and may run (concurrency allows it).
    pub fn take_due(&mut self, _now: Timestamp) -> Vec<Invocation> {
        Vec::new()
    }
}
