//! Metrics in CloudWatch's embedded metric format: a line of the log that CloudWatch turns into datapoints, so that no call
//! is made and no permission is needed.
//!
//! What is counted here during an invocation is printed by [`Metrics::flush`]: one line a set of dimensions, because one
//! line can carry one value a dimension only. Values of dimensions must come from a closed set of ours, never from outside:
//! each new value is a new metric that somebody pays for.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};

use crate::logging::print_line;

/// The namespace of every metric of pitcrew.
pub const NAMESPACE: &str = "pitcrew";

/// The names in use. Alarms and dashboards hang on them.
pub mod names {
    pub const EVENTS_SEEN: &str = "EventsSeen";
    pub const UNKNOWN_SHAPES: &str = "UnknownShapes";
    pub const QUARANTINED: &str = "Quarantined";
    pub const ACTIONS: &str = "Actions";
    /// By `Reason`.
    pub const HOLDS: &str = "Holds";
    pub const OLDEST_OPEN_INCIDENT_SECONDS: &str = "OldestOpenIncidentSeconds";
    pub const SWEEP_SUCCEEDED: &str = "SweepSucceeded";
    /// TLS handshakes that did not come about: blindness, made visible.
    pub const PROBE_FAILED: &str = "ProbeFailed";
    /// The fewest days of all domains that were probed.
    pub const CERTIFICATE_DAYS_LEFT: &str = "CertificateDaysLeft";
    /// Domains that only a person can bring further.
    pub const DOMAINS_BLOCKED: &str = "DomainsBlocked";
    /// Open findings of the last audit, one name a grade, so that an alarm can hang on the critical ones alone.
    pub const AUDIT_CRITICAL: &str = "AuditFindingsCritical";
    pub const AUDIT_HIGH: &str = "AuditFindingsHigh";
    pub const AUDIT_MEDIUM: &str = "AuditFindingsMedium";
    pub const AUDIT_LOW: &str = "AuditFindingsLow";
    pub const AUDIT_WAIVED: &str = "AuditFindingsWaived";
    pub const AUDIT_SERVICES: &str = "AuditServices";
    /// Pairs of a rule and a resource that could not be checked: blindness, made visible.
    pub const AUDIT_NOT_CHECKED: &str = "AuditNotChecked";
    /// The fewest days of all certificates that the audit saw; absent where it saw none.
    pub const AUDIT_CERTIFICATE_DAYS_LEFT: &str = "AuditCertificateDaysLeft";
    pub const NOTICES_SENT: &str = "NoticesSent";
    /// By `Channel`.
    pub const NOTICES_FAILED: &str = "NoticesFailed";
}

/// Characters of a dimension's value that are kept; CloudWatch allows 1,024, a reader far fewer.
const VALUE_CHARS_MAX: usize = 64;

/// The units that pitcrew uses, as CloudWatch spells them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Count,
    Seconds,
    Milliseconds,
    Bytes,
    None,
}

impl Unit {
    fn as_str(self) -> &'static str {
        match self {
            Self::Count => "Count",
            Self::Seconds => "Seconds",
            Self::Milliseconds => "Milliseconds",
            Self::Bytes => "Bytes",
            Self::None => "None",
        }
    }
}

/// A dimension beside `Function`: its name and value, or none.
type Beside = Option<(&'static str, String)>;

/// What was counted during one invocation.
#[derive(Clone, Debug)]
pub struct Metrics {
    function: String,
    values: BTreeMap<Beside, BTreeMap<&'static str, (f64, Unit)>>,
}

impl Metrics {
    /// `function` becomes the value of the dimension `Function`: `notify`, `rollback`.
    pub fn new(function: &str) -> Self {
        Self { function: dimension_value(function), values: BTreeMap::new() }
    }

    /// Adds `n`. Adding 0 makes the metric visible, which lets an alarm tell *none* from *missing*.
    pub fn count(&mut self, name: &'static str, n: u64) {
        self.add(None, name, n);
    }

    /// Adds 1 under a further dimension: `count_by("Holds", "Reason", "busy")`.
    pub fn count_by(&mut self, name: &'static str, dimension: &'static str, value: &str) {
        self.add(Some((dimension, dimension_value(value))), name, 1);
    }

    /// Sets a value; the last one of an invocation wins. A value that is not a finite number is dropped.
    pub fn gauge(&mut self, name: &'static str, value: f64, unit: Unit) {
        if value.is_finite() {
            self.values.entry(None).or_default().insert(name, (value, unit));
        }
    }

    fn add(&mut self, beside: Beside, name: &'static str, n: u64) {
        let (sum, _) = self.values.entry(beside).or_default().entry(name).or_insert((0.0, Unit::Count));
        #[expect(clippy::cast_precision_loss, reason = "a count of one invocation stays far below 2^53")]
        let n = n as f64;
        *sum += n;
    }

    /// The lines as they will be printed, one a set of dimensions. `now_ms`: milliseconds since the epoch.
    pub fn lines(&self, now_ms: i64) -> Vec<String> {
        self.values.iter().map(|(beside, values)| self.line(beside, values, now_ms).to_string()).collect()
    }

    fn line(&self, beside: &Beside, values: &BTreeMap<&'static str, (f64, Unit)>, now_ms: i64) -> Value {
        let mut dimensions = vec!["Function"];
        let mut line = Map::new();
        let described: Vec<Value> =
            values.iter().map(|(name, (_, unit))| json!({"Name": name, "Unit": unit.as_str()})).collect();
        line.insert("Function".to_owned(), json!(self.function));
        if let Some((dimension, value)) = beside {
            dimensions.push(dimension);
            line.insert((*dimension).to_owned(), json!(value));
        }
        for (name, (value, _)) in values {
            line.insert((*name).to_owned(), json!(value));
        }
        let directive = json!({"Namespace": NAMESPACE, "Dimensions": [dimensions], "Metrics": described});
        line.insert("_aws".to_owned(), json!({"Timestamp": now_ms, "CloudWatchMetrics": [directive]}));
        Value::Object(line)
    }

    /// Prints the lines to standard output and starts anew.
    pub fn flush(&mut self, now_ms: i64) {
        for line in self.lines(now_ms) {
            print_line(&line);
        }
        self.values.clear();
    }
}

/// The machine's clock, in milliseconds since the epoch. For [`Metrics::flush`] only: decisions take AWS's clock.
pub fn wall_clock_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// CloudWatch refuses an empty value and one that is not printable ASCII.
fn dimension_value(text: &str) -> String {
    let value: String = text.chars().filter(|c| c.is_ascii_graphic()).take(VALUE_CHARS_MAX).collect();
    if value.is_empty() { "unknown".to_owned() } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(metrics: &Metrics) -> Vec<Value> {
        metrics.lines(1_760_000_000_000).iter().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn nothing_counted_prints_nothing() {
        assert!(Metrics::new("notify").lines(0).is_empty());
    }

    #[test]
    fn a_line_is_what_the_embedded_metric_format_asks_for() {
        let mut metrics = Metrics::new("notify");
        metrics.count(names::EVENTS_SEEN, 2);
        metrics.count(names::EVENTS_SEEN, 1);
        metrics.gauge(names::OLDEST_OPEN_INCIDENT_SECONDS, 61.5, Unit::Seconds);
        assert_eq!(
            lines(&metrics),
            [json!({
                "Function": "notify",
                "EventsSeen": 3.0,
                "OldestOpenIncidentSeconds": 61.5,
                "_aws": {"Timestamp": 1_760_000_000_000_i64, "CloudWatchMetrics": [{
                    "Namespace": "pitcrew",
                    "Dimensions": [["Function"]],
                    "Metrics": [
                        {"Name": "EventsSeen", "Unit": "Count"},
                        {"Name": "OldestOpenIncidentSeconds", "Unit": "Seconds"},
                    ],
                }]},
            })]
        );
    }

    #[test]
    fn each_value_of_a_dimension_has_a_line_of_its_own() {
        let mut metrics = Metrics::new("rollback");
        metrics.count_by(names::HOLDS, "Reason", "busy");
        metrics.count_by(names::HOLDS, "Reason", "busy");
        metrics.count_by(names::HOLDS, "Reason", "paused");
        let seen: Vec<(String, f64)> = lines(&metrics)
            .iter()
            .map(|line| (line["Reason"].as_str().unwrap().to_owned(), line["Holds"].as_f64().unwrap()))
            .collect();
        assert_eq!(seen, [("busy".to_owned(), 2.0), ("paused".to_owned(), 1.0)]);
        assert_eq!(lines(&metrics)[0]["_aws"]["CloudWatchMetrics"][0]["Dimensions"], json!([["Function", "Reason"]]));
    }

    #[test]
    fn zero_is_visible_and_a_number_that_is_none_is_not() {
        let mut metrics = Metrics::new("notify");
        metrics.count(names::QUARANTINED, 0);
        metrics.gauge("Odd", f64::NAN, Unit::None);
        let lines = lines(&metrics);
        assert_eq!(lines[0]["Quarantined"], 0.0);
        assert!(lines[0].get("Odd").is_none());
    }

    #[test]
    fn a_value_from_outside_cannot_break_a_dimension() {
        let mut metrics = Metrics::new("");
        metrics.count_by(names::NOTICES_FAILED, "Channel", &format!("sl\nack \u{202e}{}", "x".repeat(500)));
        let line = &lines(&metrics)[0];
        assert_eq!(line["Function"], "unknown");
        assert_eq!(line["Channel"].as_str().unwrap().len(), VALUE_CHARS_MAX);
    }

    #[test]
    fn a_flush_starts_anew() {
        let mut metrics = Metrics::new("notify");
        metrics.count(names::ACTIONS, 1);
        metrics.flush(wall_clock_ms());
        assert!(metrics.lines(0).is_empty());
    }
}
