//! Alarms, logs and metrics.

use serde::{Deserialize, Serialize};

/// An alarm on metrics of App Runner, or on expressions of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmFacts {
    pub name: String,
    /// Names, ids and ARNs of the services that it watches.
    pub watches: Vec<String>,
    /// The metrics of `AWS/AppRunner` that it reads: `5xxStatusResponses`, `RequestLatency`. Empty for one that watches a
    /// service by tag alone, through metrics of somebody else.
    pub metrics: Vec<String>,
    /// Whether it tells anybody: its actions are enabled, and it has some.
    pub acts: bool,
}

/// A log group of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogGroup {
    pub name: String,
    /// `None`: it never expires.
    pub retention_days: Option<u32>,
    pub stored_bytes: u64,
}

/// What the metrics of App Runner show of the days that were asked for. `None` where CloudWatch has no datum.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Days that were asked for; fewer for a service that is younger.
    pub days: u32,
    pub requests: Option<f64>,
    /// Highest average of an hour, in percent of the instance.
    pub cpu_percent: Option<f64>,
    pub memory_percent: Option<f64>,
    /// Most requests at the same time, of all instances.
    pub concurrency: Option<f64>,
    /// Most instances that were active.
    pub instances: Option<f64>,
}
