//! Health checks and scaling: what App Runner cannot notice, and sizes that do not fit what is used.
//!
//! App Runner scales by one thing alone: more requests at the same time than `MaxConcurrency` times the instances.
//! Rules about use look at services that run and at days that CloudWatch has data for; where it has none they have not
//! checked.
//!
//! | rule | finds | grade |
//! |---|---|---|
//! | `scaling-tcp-check` | the health check only opens the port: a release that answers every request with an error is healthy | medium |
//! | `scaling-slow-check` | interval times unhealthy threshold is more than [`NOTICED_SECS`]: the default notices after 25 s, and this one leaves a dead instance in service for more than a minute | medium |
//! | `scaling-check-overlaps` | the timeout is not below the interval: the guide forbids a longer one, and at an equal one each slow answer meets the next check | low |
//! | `scaling-nervous-check` | one failed check takes an instance out of service: a pause of the garbage collector is enough | low |
//! | `scaling-fixed-size` | minimum and maximum are equal, above 1: it is paid for at night and does not grow by day | low |
//! | ... | ... and are 1: there is never a second instance, whatever comes | medium |
//! | `scaling-single-instance` | a minimum of 1: nothing serves while the one is replaced. A service whose tag `environment`, `env` or `stage` names something else than production is passed over | low |
//! | `scaling-ceiling` | all instances of the maximum were active, and their requests came to [`FULL_PERCENT`] of what they may take: what comes above it waits or is refused | high |
//! | `scaling-limit-never-reached` | CPU or memory at [`BUSY_PERCENT`] or more while requests stay below half of the limit and no instance is added: it is slow, and nothing scales | medium |
//! | `scaling-limit-too-low` | instances are added while the CPU stays below [`IDLE_PERCENT`]: the limit is reached long before the instance is busy | low |
//! | `scaling-minimum-unneeded` | a minimum of 3 or more, and all requests together filled less than one instance in two: the memory of the rest is paid for | low |
//! | `scaling-memory-full` | memory at [`FULL_PERCENT`] or more: the next peak is killed, exit code 137 | high |
//! | `scaling-oversized` | CPU below [`IDLE_PERCENT`] and memory below half of what the next smaller size has, for a week or more | low |
//! | `scaling-idle` | no request for `policy.idle_days` | low |
//!
//! A health check on `/` is no finding: the guide's default path is `/`, and nothing in it speaks against that.

mod checks;
mod size;
mod usage;

pub(super) use checks::RULES as CHECKS;
pub(super) use size::RULES as SIZE;
pub(super) use usage::RULES as USAGE;

/// A minute: twice and a bit what the default takes, and as long as most clients try again.
const NOTICED_SECS: u32 = 60;
/// App Runner's default of the maximum. What it takes beyond is not documented: no command goes there.
const INSTANCES_MAX: u32 = 25;
/// What counts as full: an hour's average of nine tenths has minutes above all of it.
const FULL_PERCENT: f64 = 90.0;
/// What counts as busy: beyond it answers wait for each other.
const BUSY_PERCENT: f64 = 80.0;
/// What counts as idle for a highest hour.
const IDLE_PERCENT: f64 = 25.0;

#[cfg(test)]
mod tests;
