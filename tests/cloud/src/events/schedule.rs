//! EventBridge Scheduler: what fires by itself, and with which role.

use jiff::Timestamp;
use serde_json::Value;

use super::expression::Expression;
use super::{Delivery, Origin, RetryPolicy};

/// Late firings that one tick makes up for at most; the clock normally stops at each.
const CATCH_UP_MAX: usize = 10_000;

/// A schedule of the default group.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    pub name: String,
    pub arn: String,
    expression: Expression,
    enabled: bool,
    pub target_arn: String,
    /// The role that Scheduler assumes for its target.
    pub role_arn: String,
    /// What the target gets; without it the target gets an empty object.
    pub input: Option<String>,
    pub retry: RetryPolicy,
    pub dead_letter_arn: Option<String>,
    next: Option<Timestamp>,
}

/// What a schedule is made of.
#[derive(Clone, Debug)]
pub struct NewSchedule {
    pub name: String,
    pub arn: String,
    pub expression: Expression,
    pub enabled: bool,
    pub target_arn: String,
    pub role_arn: String,
    pub input: Option<String>,
    pub retry: RetryPolicy,
    pub dead_letter_arn: Option<String>,
}

impl Schedule {
    /// A schedule made at `now`.
    pub fn new(new: NewSchedule, now: Timestamp) -> Self {
        let NewSchedule { name, arn, expression, enabled, target_arn, role_arn, input, retry, dead_letter_arn } = new;
        let next = expression.after(now);
        Self { name, arn, expression, enabled, target_arn, role_arn, input, retry, dead_letter_arn, next }
    }

    /// When it fires next; never while it is disabled.
    pub fn next(&self) -> Option<Timestamp> {
        self.next.filter(|_| self.enabled)
    }

    pub(super) fn set_enabled(&mut self, enabled: bool, now: Timestamp) {
        if enabled && !self.enabled {
            self.next = self.expression.after(now);
        }
        self.enabled = enabled;
    }

    /// The firings up to `now`.
    pub(super) fn fire(&mut self, now: Timestamp) -> Vec<Delivery> {
        let mut deliveries = Vec::new();
        while let Some(at) = self.next().filter(|at| *at <= now)
            && deliveries.len() < CATCH_UP_MAX
        {
            deliveries.push(self.delivery(at));
            self.next = self.expression.after(at);
        }
        deliveries
    }

    fn delivery(&self, at: Timestamp) -> Delivery {
        Delivery {
            origin: Origin::Schedule {
                name: self.name.clone(),
                arn: self.arn.clone(),
                role_arn: self.role_arn.clone(),
                at,
            },
            target_arn: self.target_arn.clone(),
            payload: self.input.as_deref().map_or_else(|| Value::Object(serde_json::Map::new()), input_value),
            retry: self.retry,
            dead_letter_arn: self.dead_letter_arn.clone(),
            since: at,
            due: at,
            retries: 0,
        }
    }
}

/// A constant input: JSON where it is JSON, a JSON text otherwise.
pub(super) fn input_value(input: &str) -> Value {
    serde_json::from_str(input).unwrap_or_else(|_| Value::String(input.to_owned()))
}
