//! EventBridge: the default bus with the template's rules, and the Scheduler.
//!
//! The bus decides what goes where and when; [`hand_over()`] carries it there, because only the world knows the targets and the
//! roles. The bus must never call a target itself, and never lose an event silently: what cannot be delivered goes to the
//! dead-letter queue of its target, or is recorded as lost.

pub mod expression;
mod grant;
mod hand_over;
mod leaf;
mod metrics;
mod operator;
pub mod pattern;
pub mod schedule;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::call::Place;
use crate::effect::Effect;
use crate::faults::{EventFate, Faults};

pub use grant::{Grant, QueuePolicy};
pub use hand_over::hand_over;
use pattern::Pattern;
use schedule::Schedule;

/// From the event to its first delivery, in seconds. AWS promises none; half a second to a few is what users see.
const LATENCY_SECS: i64 = 1;

/// How long and how often a delivery is tried again: 24 h and 185 times where a target says nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct RetryPolicy {
    pub age_secs_max: i64,
    pub attempts_max: u32,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { age_secs_max: 86_400, attempts_max: 185 }
    }
}

/// Where a rule sends what it matches.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    pub id: String,
    /// A function's or a queue's ARN.
    pub arn: String,
    /// The constant that is sent in place of the event.
    pub input: Option<String>,
    pub retry: RetryPolicy,
    pub dead_letter_arn: Option<String>,
}

/// A rule of the default bus.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    pub name: String,
    pub arn: String,
    pub enabled: bool,
    pub pattern: Pattern,
    pub targets: Vec<Target>,
}

/// What sent a delivery on its way.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Origin {
    Rule { name: String, arn: String },
    Schedule { name: String, arn: String, role_arn: String, at: Timestamp },
}

impl Origin {
    pub(crate) fn arn(&self) -> &str {
        match self {
            Self::Rule { arn, .. } | Self::Schedule { arn, .. } => arn,
        }
    }

    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Rule { name, .. } | Self::Schedule { name, .. } => name,
        }
    }
}

/// One event on its way to one target.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Delivery {
    pub origin: Origin,
    pub target_arn: String,
    pub payload: Value,
    pub retry: RetryPolicy,
    pub dead_letter_arn: Option<String>,
    pub since: Timestamp,
    pub due: Timestamp,
    /// Retries so far.
    pub retries: u32,
}

/// The default bus, its rules and the account's schedules.
#[derive(Debug)]
pub struct Bus {
    place: Place,
    rules: BTreeMap<String, Rule>,
    schedules: BTreeMap<String, Schedule>,
    grants: Vec<Grant>,
    queue_policies: Vec<QueuePolicy>,
    waiting: Vec<Delivery>,
    /// Events that a fault lets the next one overtake.
    overtaken: Vec<Value>,
    ready: Vec<Delivery>,
    /// What the rules that matched since the last look are to report.
    reports: Vec<Effect>,
    /// By target: how many deliveries it still refuses, with the error that it shows.
    refusals: BTreeMap<String, (u32, String)>,
}

impl Bus {
    pub fn new(place: Place) -> Self {
        Self {
            place,
            rules: BTreeMap::new(),
            schedules: BTreeMap::new(),
            grants: Vec::new(),
            queue_policies: Vec::new(),
            waiting: Vec::new(),
            overtaken: Vec::new(),
            ready: Vec::new(),
            reports: Vec::new(),
            refusals: BTreeMap::new(),
        }
    }

    /// Adds a rule, or replaces the one of the same name.
    pub fn put_rule(&mut self, rule: Rule) {
        self.rules.insert(rule.name.clone(), rule);
    }

    /// Adds a schedule, or replaces the one of the same name; a rate counts from the time it was given.
    pub fn put_schedule(&mut self, schedule: Schedule) {
        self.schedules.insert(schedule.name.clone(), schedule);
    }

    /// Switches a rule or a schedule on or off. `false` where there is none of this name.
    pub fn set_enabled(&mut self, name: &str, enabled: bool, now: Timestamp) -> bool {
        if let Some(rule) = self.rules.get_mut(name) {
            rule.enabled = enabled;
            return true;
        }
        let schedule = self.schedules.get_mut(name);
        schedule.is_some_and(|schedule| {
            schedule.set_enabled(enabled, now);
            true
        })
    }

    /// Lets a service invoke a function (`AWS::Lambda::Permission`).
    pub fn grant(&mut self, grant: Grant) {
        self.grants.push(grant);
    }

    /// Sets what a queue's own policy allows (`AWS::SQS::QueuePolicy`).
    pub fn put_queue_policy(&mut self, policy: QueuePolicy) {
        self.queue_policies.push(policy);
    }

    /// A fault: the target refuses its next deliveries with a retryable error such as `THROTTLING`.
    pub fn refuse(&mut self, target_arn: &str, deliveries: u32, error_code: &str) {
        self.refusals.insert(target_arn.to_owned(), (deliveries, error_code.to_owned()));
    }

    /// Names of the rules that match an event, in order.
    pub fn matching(&self, event: &Value) -> Vec<&str> {
        let rules = self.rules.values().filter(|rule| rule.enabled && rule.pattern.matches(event));
        rules.map(|rule| rule.name.as_str()).collect()
    }

    /// Takes an event; matching rules' targets get it at a later tick. Tells what a fault made of it.
    pub fn accept(&mut self, event: Value, now: Timestamp, faults: &mut Faults) -> EventFate {
        let second = SignedDuration::from_secs(LATENCY_SECS);
        let fate = faults.for_event(&event);
        let (copies, delay) = match fate {
            EventFate::Deliver => (1, SignedDuration::ZERO),
            EventFate::Drop => (0, SignedDuration::ZERO),
            EventFate::Duplicate { times } => (times as usize, SignedDuration::ZERO),
            EventFate::Delay { seconds } => {
                (1, SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX / 2)))
            }
            EventFate::Reorder => {
                self.overtaken.push(event);
                return fate;
            }
        };
        self.route(&event, copies, now, second + delay);
        for late in std::mem::take(&mut self.overtaken) {
            self.route(&late, 1, now, second + second);
        }
        fate
    }

    /// Puts copies of an event on the way to the targets of the rules that match.
    fn route(&mut self, event: &Value, copies: usize, now: Timestamp, after: SignedDuration) {
        let due = now.checked_add(after).unwrap_or(Timestamp::MAX);
        let rules = self.rules.values().filter(|rule| copies > 0 && rule.enabled && rule.pattern.matches(event));
        let rules: Vec<&Rule> = rules.collect();
        let names: Vec<String> = rules.iter().map(|rule| rule.name.clone()).collect();
        self.reports.extend(metrics::matched(now, &names));
        for (rule, target) in rules.into_iter().flat_map(|rule| rule.targets.iter().map(move |target| (rule, target))) {
            let delivery = Delivery {
                origin: Origin::Rule { name: rule.name.clone(), arn: rule.arn.clone() },
                target_arn: target.arn.clone(),
                payload: target.input.as_deref().map_or_else(|| event.clone(), schedule::input_value),
                retry: target.retry,
                dead_letter_arn: target.dead_letter_arn.clone(),
                since: due,
                due,
                retries: 0,
            };
            self.waiting.extend(std::iter::repeat_n(delivery, copies));
        }
    }

    /// The metrics of the events that were taken since the last look.
    pub fn take_reports(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.reports)
    }

    /// When the next delivery or schedule is due.
    pub fn next_due(&self) -> Option<Timestamp> {
        let deliveries = self.waiting.iter().chain(&self.ready).map(|delivery| delivery.due);
        deliveries.chain(self.schedules.values().filter_map(Schedule::next)).min()
    }

    /// Makes ready what is due; [`hand_over()`] delivers it. Causes nothing by itself.
    pub fn tick(&mut self, now: Timestamp) -> Vec<Effect> {
        for schedule in self.schedules.values_mut() {
            self.waiting.extend(schedule.fire(now));
        }
        let (mut due, later): (Vec<Delivery>, Vec<Delivery>) =
            std::mem::take(&mut self.waiting).into_iter().partition(|delivery| delivery.due <= now);
        due.sort_by_key(|delivery| delivery.due);
        self.ready.extend(due);
        self.waiting = later;
        Vec::new()
    }
}

#[cfg(test)]
mod tests;
