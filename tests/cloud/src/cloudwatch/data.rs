//! The API of metric data: put, get, list, and the world's own `_Record`.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::CloudWatch;
use super::alarm::{dimensions, invalid, unknown_statistic};
use super::metrics::{Bucket, Series, Statistic};
use crate::call::{Answer, ApiError, Ctx};
use crate::effect::Datapoint;
use crate::shape::{epoch, integer, items, listing, number, page, text, texts, time};

/// `GetMetricStatistics` answers at most this many datapoints, `GetMetricData` this many a page (botocore's model).
const STATISTICS_MAX: i64 = 1_440;
const DATA_PAGE: i64 = 100_800;

/// One call asks for at most this many metrics (API reference of `GetMetricData`).
const QUERIES_MAX: usize = 500;

/// `ListMetrics` shows this many a page (botocore's model).
const METRICS_PAGE: usize = 500;

/// `RecentlyActive` knows one span, `PT3H`.
const RECENT_SECONDS: i64 = 3 * 3_600;

/// The input of `_Record` for a datapoint.
pub fn record_input(point: &Datapoint) -> Value {
    json!({
        "namespace": point.namespace,
        "name": point.name,
        "dimensions": point.dimensions,
        "at": epoch(point.at),
        "sum": point.sum,
        "count": point.count,
        "min": point.min,
        "max": point.max,
        "unit": point.unit,
    })
}

/// A query's span and period, in seconds.
struct Span {
    start: i64,
    end: i64,
    period: i64,
}

impl Span {
    /// Start and end as AWS rounds them: the start down to the minute where the period is one or longer.
    fn parse(input: &Value, period: i64) -> Result<Self, ApiError> {
        let at = |member: &str| time(input, member).ok_or_else(|| invalid(format!("{member} must be given")));
        let (start, end) = (at("StartTime")?.as_second(), at("EndTime")?.as_second());
        if start >= end {
            return Err(invalid("The parameter StartTime must be less than the parameter EndTime."));
        }
        if ![1, 5, 10, 20, 30].contains(&period) && (period <= 0 || period % 60 != 0) {
            return Err(invalid(format!("Period must be 1, 5, 10, 20, 30 or a multiple of 60, not {period}")));
        }
        let grain = period.min(60);
        Ok(Self { start: start.div_euclid(grain) * grain, end, period })
    }

    fn starts(&self) -> impl Iterator<Item = i64> {
        let (end, period) = (self.end, self.period);
        std::iter::successors(Some(self.start), move |start| Some(start + period)).take_while(move |start| *start < end)
    }

    fn bucket<'m>(&self, cloud: &'m CloudWatch, series: &Series, start: i64, unit: Option<&str>) -> Bucket<'m> {
        cloud.metrics.bucket(series, start, (start + self.period).min(self.end), unit)
    }
}

impl CloudWatch {
    pub(super) fn put_metric_data(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let namespace = text(input, "Namespace").unwrap_or_default();
        if namespace.starts_with("AWS/") {
            return Err(ApiError::client(
                "InvalidParameterValueException",
                "The value AWS/ for parameter Namespace is invalid.",
            ));
        }
        let entities = items(input, "EntityMetricData").flat_map(|entity| items(entity, "MetricData"));
        let mut points = Vec::new();
        for datum in items(input, "MetricData").chain(entities) {
            points.extend(parse_datum(namespace, datum, ctx.now)?);
        }
        for point in points {
            self.record(ctx.now, point);
        }
        Ok(json!({}))
    }

    /// The world's own datapoint, with the fields of [`Datapoint`]; see [`record_input`].
    pub(super) fn record_call(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let needed =
            |member: &str| number(input, member).ok_or_else(|| invalid(format!("_Record: {member} is missing")));
        let dimensions = items(input, "dimensions")
            .filter_map(|pair| Some((pair.get(0)?.as_str()?.to_owned(), pair.get(1)?.as_str()?.to_owned())))
            .collect();
        let point = Datapoint {
            namespace: text(input, "namespace").unwrap_or_default().to_owned(),
            name: text(input, "name").unwrap_or_default().to_owned(),
            dimensions,
            at: time(input, "at").unwrap_or(ctx.now),
            sum: needed("sum")?,
            count: needed("count")?,
            min: needed("min")?,
            max: needed("max")?,
            unit: text(input, "unit").unwrap_or("None").to_owned(),
        };
        self.record(ctx.now, point);
        Ok(json!({}))
    }

    pub(super) fn get_metric_statistics(&self, input: &Value) -> Answer {
        let series = series(input);
        let span = Span::parse(input, integer(input, "Period").unwrap_or_default())?;
        let asked = (span.end - span.start + span.period - 1) / span.period;
        if asked > STATISTICS_MAX {
            return Err(ApiError::client(
                "InvalidParameterCombinationException",
                format!(
                    "You have requested up to {asked} datapoints, which exceeds the limit of {STATISTICS_MAX}. You may reduce \
                     the datapoints requested by increasing Period, or decreasing the time range."
                ),
            ));
        }
        let plain = parse_statistics(input, "Statistics")?;
        let extended = parse_statistics(input, "ExtendedStatistics")?;
        if plain.is_empty() && extended.is_empty() {
            return Err(invalid("Statistics or ExtendedStatistics must be given"));
        }
        let mut points = Vec::new();
        for start in span.starts() {
            let bucket = span.bucket(self, &series, start, text(input, "Unit"));
            if bucket.is_empty() {
                continue;
            }
            let values = |statistics: &[(String, Statistic)]| -> Map<String, Value> {
                statistics.iter().filter_map(|(name, one)| Some((name.clone(), json!(bucket.value(*one)?)))).collect()
            };
            let mut point = values(&plain);
            point.insert("Timestamp".to_owned(), json!(start));
            point.insert("Unit".to_owned(), json!(bucket.unit()));
            if !extended.is_empty() {
                point.insert("ExtendedStatistics".to_owned(), Value::Object(values(&extended)));
            }
            points.push(Value::Object(point));
        }
        Ok(json!({"Label": series.name, "Datapoints": points}))
    }

    pub(super) fn get_metric_data(&self, input: &Value) -> Answer {
        check_queries(input)?;
        let newest_first = text(input, "ScanBy") != Some("TimestampAscending");
        let mut flat: Vec<(String, (usize, i64, f64))> = Vec::new();
        let mut results = Vec::new();
        for query in items(input, "MetricDataQueries") {
            let (label, points) = self.query(query, input)?;
            if query.get("ReturnData").and_then(Value::as_bool) == Some(false) {
                continue;
            }
            let index = results.len();
            results.push(json!({
                "Id": query["Id"], "Label": label, "Timestamps": [], "Values": [], "StatusCode": "Complete",
            }));
            let ordered: Vec<_> = if newest_first { points.into_iter().rev().collect() } else { points };
            flat.extend(
                ordered
                    .into_iter()
                    .enumerate()
                    .map(|(at, (start, value))| (format!("{index:04}/{at:08}"), (index, start, value))),
            );
        }
        let size = integer(input, "MaxDatapoints").unwrap_or(DATA_PAGE) as usize;
        let (shown, next) = page(flat, text(input, "NextToken"), size, false)
            .map_err(|error| ApiError::client("InvalidNextToken", format!("NextToken: {error}")))?;
        let last = shown.last().map(|(index, _, _)| *index);
        for (index, start, value) in shown {
            for (member, number) in [("Timestamps", json!(start)), ("Values", json!(value))] {
                if let Some(list) = results[index][member].as_array_mut() {
                    list.push(number);
                }
            }
        }
        if let Some(last) = last.filter(|_| next.is_some()) {
            for result in &mut results[last..] {
                result["StatusCode"] = json!("PartialData");
            }
        }
        let mut answer = listing("MetricDataResults", results, "NextToken", next);
        answer["Messages"] = json!([]);
        Ok(answer)
    }

    /// One query's label and its points, oldest first.
    fn query(&self, query: &Value, input: &Value) -> Result<(String, Vec<(i64, f64)>), ApiError> {
        let id = text(query, "Id").unwrap_or_default();
        let Some(stat) = query.get("MetricStat").filter(|stat| stat.is_object()) else {
            return Err(invalid(format!(
                "MetricDataQueries '{id}': the local cloud has no metric math; give a MetricStat instead of an Expression"
            )));
        };
        let name = text(stat, "Stat").unwrap_or_default();
        let statistic = Statistic::parse(name).ok_or_else(|| unknown_statistic(name))?;
        let span = Span::parse(input, integer(stat, "Period").unwrap_or_default())?;
        let series = series(&stat["Metric"]);
        let unit = text(stat, "Unit");
        let points = span
            .starts()
            .filter_map(|start| Some((start, span.bucket(self, &series, start, unit).value(statistic)?)))
            .collect();
        Ok((text(query, "Label").unwrap_or(&series.name).to_owned(), points))
    }

    pub(super) fn list_metrics(&self, ctx: &Ctx<'_>, input: &Value) -> Answer {
        let recent = text(input, "RecentlyActive").map(|_| ctx.now.as_second() - RECENT_SECONDS);
        let wanted = |series: &&Series| {
            text(input, "Namespace").is_none_or(|namespace| series.namespace == namespace)
                && text(input, "MetricName").is_none_or(|name| series.name == name)
                && recent.is_none_or(|since| self.metrics.newest(series).is_some_and(|newest| newest >= since))
                && items(input, "Dimensions").all(|filter| {
                    let (name, value) = (text(filter, "Name"), text(filter, "Value"));
                    series
                        .dimensions
                        .iter()
                        .any(|(n, v)| Some(n.as_str()) == name && value.is_none_or(|value| v == value))
                })
        };
        let keyed = self.metrics.names().filter(wanted).map(|series| {
            let dimensions: Vec<Value> =
                series.dimensions.iter().map(|(name, value)| json!({"Name": name, "Value": value})).collect();
            let shown = json!({"Namespace": series.namespace, "MetricName": series.name, "Dimensions": dimensions});
            (format!("{}\u{0}{}\u{0}{:?}", series.namespace, series.name, series.dimensions), shown)
        });
        let mut keyed: Vec<(String, Value)> = keyed.collect();
        keyed.sort_by(|one, other| one.0.cmp(&other.0));
        let (list, next) = page(keyed, text(input, "NextToken"), METRICS_PAGE, false)
            .map_err(|error| ApiError::client("InvalidParameterValueException", format!("NextToken: {error}")))?;
        Ok(listing("Metrics", list, "NextToken", next))
    }
}

/// Refuses too many queries, and two of one id.
fn check_queries(input: &Value) -> Result<(), ApiError> {
    let ids: Vec<&str> = items(input, "MetricDataQueries").filter_map(|query| text(query, "Id")).collect();
    if ids.len() > QUERIES_MAX {
        return Err(invalid(format!(
            "The collection MetricDataQueries must not have a size greater than {QUERIES_MAX}."
        )));
    }
    if ids.iter().collect::<BTreeSet<_>>().len() < ids.len() {
        return Err(invalid("The values for parameter id in MetricDataQueries are not unique."));
    }
    Ok(())
}

fn series(input: &Value) -> Series {
    Series {
        namespace: text(input, "Namespace").unwrap_or_default().to_owned(),
        name: text(input, "MetricName").unwrap_or_default().to_owned(),
        dimensions: dimensions(input),
    }
}

fn parse_statistics(input: &Value, member: &str) -> Result<Vec<(String, Statistic)>, ApiError> {
    let parse =
        |name: String| Statistic::parse(&name).map(|one| (name.clone(), one)).ok_or_else(|| unknown_statistic(&name));
    texts(input, member).into_iter().map(parse).collect()
}

/// A datum is one value, a statistic set, or values with their counts.
fn parse_datum(namespace: &str, datum: &Value, now: Timestamp) -> Result<Vec<Datapoint>, ApiError> {
    let point = |sum: f64, count: f64, min: f64, max: f64| Datapoint {
        namespace: namespace.to_owned(),
        name: text(datum, "MetricName").unwrap_or_default().to_owned(),
        dimensions: dimensions(datum),
        at: time(datum, "Timestamp").unwrap_or(now),
        sum,
        count,
        min,
        max,
        unit: text(datum, "Unit").unwrap_or("None").to_owned(),
    };
    let values: Vec<f64> = items(datum, "Values").filter_map(Value::as_f64).collect();
    let set = datum.get("StatisticValues").filter(|set| set.is_object());
    match (number(datum, "Value"), set, values.is_empty()) {
        (Some(value), None, true) => Ok(vec![point(value, 1.0, value, value)]),
        (None, Some(set), true) => {
            let part = |member| number(set, member).unwrap_or_default();
            Ok(vec![point(part("Sum"), part("SampleCount"), part("Minimum"), part("Maximum"))])
        }
        (None, None, false) => {
            let counts: Vec<f64> = items(datum, "Counts").filter_map(Value::as_f64).collect();
            if !counts.is_empty() && counts.len() != values.len() {
                return Err(ApiError::client(
                    "InvalidParameterValueException",
                    "The parameters Values and Counts must have the same number of members",
                ));
            }
            let counted = values.iter().enumerate().map(|(at, value)| (*value, counts.get(at).copied().unwrap_or(1.0)));
            Ok(counted.map(|(value, count)| point(value * count, count, value, value)).collect())
        }
        _ => Err(ApiError::client(
            "InvalidParameterCombinationException",
            "Exactly one of Value, StatisticValues and Values must be given for each MetricDatum",
        )),
    }
}
