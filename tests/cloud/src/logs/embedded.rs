//! Embedded metrics: a log line that is JSON with `_aws.CloudWatchMetrics` becomes metric datapoints.
//!
//! The shape is the "Embedded metric format" specification of the CloudWatch user guide. A line that is no such JSON,
//! or a directive whose target or dimension is missing, yields nothing: CloudWatch keeps the line and drops the
//! metric.

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::effect::Datapoint;
use crate::shape::{items, text};

/// A metric's array holds at most this many values (specification).
const VALUES_MAX: usize = 100;

/// The datapoints of a line, one for each value, so that percentiles stay computable.
pub fn datapoints(line: &str) -> Vec<Datapoint> {
    // Most lines are no metrics; a full parse of each is saved.
    if !line.contains("CloudWatchMetrics") {
        return Vec::new();
    }
    let Ok(Value::Object(root)) = serde_json::from_str::<Value>(line) else { return Vec::new() };
    let Some(aws) = root.get("_aws") else { return Vec::new() };
    let Some(at) = aws.get("Timestamp").and_then(Value::as_i64).and_then(|ms| Timestamp::from_millisecond(ms).ok())
    else {
        return Vec::new();
    };
    items(aws, "CloudWatchMetrics").flat_map(|directive| directive_points(&root, directive, at)).collect()
}

fn directive_points(root: &Map<String, Value>, directive: &Value, at: Timestamp) -> Vec<Datapoint> {
    let Some(namespace) = text(directive, "Namespace") else { return Vec::new() };
    let sets: Vec<Vec<(String, String)>> =
        items(directive, "Dimensions").filter_map(|set| dimensions(root, set)).collect();
    let mut points = Vec::new();
    for metric in items(directive, "Metrics") {
        let Some(name) = text(metric, "Name") else { continue };
        let unit = text(metric, "Unit").unwrap_or("None");
        for set in &sets {
            points.extend(values(root.get(name)).into_iter().map(|value| Datapoint {
                namespace: namespace.to_owned(),
                name: name.to_owned(),
                dimensions: set.clone(),
                at,
                sum: value,
                count: 1.0,
                min: value,
                max: value,
                unit: unit.to_owned(),
            }));
        }
    }
    points
}

/// The names and values of a dimension set, sorted; none where a value is missing or no string.
fn dimensions(root: &Map<String, Value>, set: &Value) -> Option<Vec<(String, String)>> {
    let mut found = Vec::new();
    for name in set.as_array()? {
        let name = name.as_str()?;
        found.push((name.to_owned(), root.get(name)?.as_str()?.to_owned()));
    }
    found.sort();
    Some(found)
}

fn values(target: Option<&Value>) -> Vec<f64> {
    match target {
        Some(Value::Number(number)) => number.as_f64().into_iter().collect(),
        Some(Value::Array(list)) => list.iter().take(VALUES_MAX).filter_map(Value::as_f64).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: i64 = 1_795_161_600_000;

    fn line(extra: &str) -> String {
        format!(
            r#"{{"_aws":{{"Timestamp":{AT},"CloudWatchMetrics":[{{"Namespace":"Pitcrew","Dimensions":[["Function","Service"],[]],
            "Metrics":[{{"Name":"Holds","Unit":"Count"}},{{"Name":"Age"}}]}}]}},"Service":"web","Function":"rollback"{extra}}}"#
        )
    }

    #[test]
    fn a_plain_line_has_no_metrics() {
        assert_eq!(datapoints("listening on 0.0.0.0:8080"), []);
        assert_eq!(datapoints(r#"{"level":"info"}"#), []);
        assert_eq!(datapoints("not json but CloudWatchMetrics"), []);
    }

    #[test]
    fn each_dimension_set_has_its_own_datapoint_with_the_unit() {
        let points = datapoints(&line(r#","Holds":3"#));
        assert_eq!(points.len(), 2);
        let dimensions = vec![("Function".to_owned(), "rollback".to_owned()), ("Service".to_owned(), "web".to_owned())];
        assert_eq!(
            points[0],
            Datapoint {
                namespace: "Pitcrew".into(),
                name: "Holds".into(),
                dimensions,
                at: Timestamp::from_millisecond(AT).unwrap(),
                sum: 3.0,
                count: 1.0,
                min: 3.0,
                max: 3.0,
                unit: "Count".into(),
            }
        );
        assert_eq!(points[1].dimensions, []);
    }

    #[test]
    fn an_array_is_one_datapoint_a_value_and_the_default_unit_is_none() {
        let points = datapoints(&line(r#","Age":[1.5,2]"#));
        let seen: Vec<(f64, &str)> = points.iter().map(|point| (point.sum, point.unit.as_str())).collect();
        assert_eq!(seen, [(1.5, "None"), (2.0, "None"), (1.5, "None"), (2.0, "None")]);
    }

    #[test]
    fn a_set_whose_dimension_has_no_value_yields_nothing() {
        let without = line(r#","Holds":3"#).replace(r#""Service":"web","#, "");
        assert_eq!(datapoints(&without).len(), 1);
    }
}
