//! EventBridge: the default bus with the template's rules, and the Scheduler.

mod leaf;
mod operator;
pub mod pattern;

use jiff::Timestamp;
use serde_json::Value;

use crate::call::Place;
use crate::effect::Effect;
use crate::faults::Faults;

/// The default bus and its rules.
#[derive(Debug)]
pub struct Bus {}

impl Bus {
    pub fn new(_place: Place) -> Self {
        Self {}
    }

    /// Takes an event; matching rules' targets get it at a later tick.
    pub fn accept(&mut self, _event: Value, _now: Timestamp, _faults: &mut Faults) {}

    pub fn next_due(&self) -> Option<Timestamp> {
        None
    }

    /// Deliveries and schedules that are due.
    pub fn tick(&mut self, _now: Timestamp) -> Vec<Effect> {
        Vec::new()
    }
}
