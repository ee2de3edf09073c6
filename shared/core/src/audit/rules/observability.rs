//! Observability: what nobody would see.
//!
//! | rule | finds | grade |
//! |---|---|---|
//! | `observability-tracing-off` | a service without tracing | low |
//! | `observability-tracing-denied` | tracing is on, and the instance role may not write traces, or there is none | medium |
//! | `observability-tracing-unreachable` | tracing is on behind a VPC connector, and from none of its subnets a route leads out, nor has its VPC an endpoint of X-Ray | medium |
//! | ... | ... from some of its subnets: traces of some instances are missing | low |
//! | `observability-no-error-alarm` | no alarm on `5xxStatusResponses`: nobody is told of a bad release, and pitcrew takes none back. An alarm that watches the service by tag alone counts | medium |
//! | `observability-no-latency-alarm` | no alarm on `RequestLatency` | low |
//! | `observability-silent-alarm` | an alarm on the service that has no action, or whose actions are disabled, while no other alarm that acts reads its metrics | medium |
//! | `observability-logs-for-ever` | a log group of the service that never expires | low |
//! | `observability-no-events` | an operation began, and no event rule of this stack fired since, for `policy.silent_days` | high |

mod alarms;
mod tracing;

use jiff::SignedDuration;

use super::super::{Check, Findings, Fleet, Grade, Group, Resource, Rule, ServiceFacts};
use super::subject::{guide, this};
use crate::dns::command::quote;

pub(super) use alarms::RULES as ALARMS;
pub(super) use tracing::RULES as TRACING;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "observability-logs-for-ever",
        group: Group::Observability,
        grade: Grade::Low,
        title: "Logs are kept for ever",
        why: "They cost more every month, and what they hold about people is kept longer than anybody promised.",
        chapter: guide("App Runner log groups and streams"),
        check: Check::Service(logs_for_ever),
    },
    Rule {
        id: "observability-no-events",
        group: Group::Observability,
        grade: Grade::High,
        title: "No event of App Runner reaches pitcrew",
        why: "pitcrew then learns of a failed deployment from its sweep alone, minutes later, and somebody may have \
              disabled its rules.",
        chapter: guide("Handling App Runner events in EventBridge"),
        check: Check::Fleet(no_events),
    },
];

/// Half a year or so is what most houses need; who needs another number knows it.
const RETENTION_DAYS: u32 = 180;

fn logs_for_ever(_: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    let Some(groups) = out.known(&this(service), &service.log_groups) else { return };
    for group in groups.iter().filter(|group| group.retention_days.is_none()) {
        out.find_at(
            this(service),
            &group.name,
            format!("{} holds {} and never expires.", group.name, size(group.stored_bytes)),
            "Say how long logs are kept: with the command CloudWatch deletes what is older, for good.",
            format!(
                "aws logs put-retention-policy --log-group-name {} --retention-in-days {RETENTION_DAYS}",
                quote(&group.name)
            ),
        );
    }
}

/// Bytes as people read them.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{} kB", bytes.div_ceil(1_000)),
        1_000_000..1_000_000_000 => format!("{} MB", bytes / 1_000_000),
        _ => format!("{} GB", bytes / 1_000_000_000),
    }
}

/// An event takes seconds; an operation that began this long before the audit had its time.
const EVENT_DELAY: SignedDuration = SignedDuration::from_hours(1);

fn no_events(fleet: &Fleet, out: &mut Findings) {
    let Some(operation) = out.known(&Resource::Account, &fleet.last_operation) else { return };
    let Some(operation) = *operation else {
        out.all_seen(&Resource::Account, fleet);
        return;
    };
    let Some(event) = out.known(&Resource::Account, &fleet.last_event) else { return };
    let window = SignedDuration::from_hours(24 * i64::from(fleet.policy.silent_days));
    let silent = event.is_none_or(|event| fleet.now.duration_since(event) >= window);
    // What happened before the window may have had its event before it too: metrics do not reach back for ever.
    let age = fleet.now.duration_since(operation);
    if !silent {
        return;
    }
    if age >= window || age < EVENT_DELAY {
        // A service that could not be looked at may have had one in between.
        out.all_seen(&Resource::Account, fleet);
        return;
    }
    let last = event.map_or_else(
        || "no event rule of this stack fired in the time that was asked for".to_owned(),
        |event| format!("the last time an event rule of this stack fired was {event}"),
    );
    out.find(
        Resource::Account,
        format!("An operation began at {operation}, and {last}."),
        "Look whether the stack's event rules are enabled and have their targets; pitcrew's doctor says what is \
         missing.",
        "pitcrew doctor",
    );
}

#[cfg(test)]
mod tests;
