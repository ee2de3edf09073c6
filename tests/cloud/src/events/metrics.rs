//! What EventBridge tells CloudWatch of its rules, in `AWS/Events`: a datapoint for the minute in which it happened.
//!
//! A metric of a rule has the dimension `RuleName`; the same metric without a dimension counts for all rules (user guide,
//! "Monitoring Amazon EventBridge").

use jiff::Timestamp;

use crate::effect::{Datapoint, Effect};

const MINUTE_SECS: i64 = 60;

/// One occurrence, of a rule or of any.
pub fn count(now: Timestamp, metric: &str, rule: Option<&str>) -> Effect {
    let into_minute = now.as_second().rem_euclid(MINUTE_SECS);
    Effect::Metric(Datapoint {
        namespace: "AWS/Events".to_owned(),
        name: metric.to_owned(),
        dimensions: rule.map(|rule| ("RuleName".to_owned(), rule.to_owned())).into_iter().collect(),
        at: Timestamp::from_second(now.as_second() - into_minute).unwrap_or(now),
        sum: 1.0,
        count: 1.0,
        min: 1.0,
        max: 1.0,
        unit: "Count".to_owned(),
    })
}

/// One event, and the rules that it matched: nothing where it matched none.
pub fn matched(now: Timestamp, rules: &[String]) -> Vec<Effect> {
    let mut effects = Vec::new();
    for rule in rules {
        for metric in ["MatchedEvents", "TriggeredRules"] {
            effects.push(count(now, metric, Some(rule)));
        }
        effects.push(count(now, "TriggeredRules", None));
    }
    if !rules.is_empty() {
        effects.push(count(now, "MatchedEvents", None));
    }
    effects
}

/// One delivery that a target took, or refused for good: both count.
pub fn invoked(now: Timestamp, rule: &str) -> Vec<Effect> {
    vec![count(now, "Invocations", Some(rule)), count(now, "Invocations", None)]
}
