//! CloudWatch's metrics, read by the hundred: what services were used for, and whether the stack's event rules still fire.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricDataResult, MetricStat, ScanBy, StatusCode};
use aws_smithy_types::DateTime;
use jiff::{SignedDuration, Timestamp};
use pitcrew_aws::apprunner::time;
use pitcrew_aws::error::AwsError;
use pitcrew_core::audit::facts::Usage;
use pitcrew_core::fact::Fact;
use pitcrew_core::id::ServiceArn;

use crate::fact::settled;

const OPERATION: &str = "cloudwatch:GetMetricData";
/// The most that one call takes.
const QUERIES_MAX: usize = 500;
/// Services of one call.
pub(crate) const SERVICES_MAX: usize = QUERIES_MAX / READS.len();
/// A page holds 100,800 values. 100 services in 60 days are some 320,000.
const PAGES_MAX: usize = 20;
const HOUR_SECS: i32 = 60 * 60;
const DAY_SECS: i32 = 24 * HOUR_SECS;
const SECONDS_OF_A_DAY: i64 = 24 * 60 * 60;

/// What is asked about a service: metric, statistic, period. The values of a query come to one by its fold.
const READS: [(&str, &str, i32, Fold); 5] = [
    ("Requests", "Sum", DAY_SECS, Fold::Sum),
    ("CPUUtilization", "Average", HOUR_SECS, Fold::Most),
    ("MemoryUtilization", "Average", HOUR_SECS, Fold::Most),
    ("Concurrency", "Maximum", DAY_SECS, Fold::Most),
    ("ActiveInstances", "Maximum", DAY_SECS, Fold::Most),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fold {
    Sum,
    Most,
}

/// A service, and since when there is something to ask about.
pub(crate) struct Used<'a> {
    pub arn: &'a ServiceArn,
    pub created_at: Timestamp,
}

/// The usage of up to [`SERVICES_MAX`] services in the last `days`, in their order: one call, and its pages.
/// Takes no longer than `time`.
pub(crate) async fn usage(
    client: &Client,
    services: &[Used<'_>],
    now: Timestamp,
    days: u32,
    time: Duration,
) -> Vec<Fact<Usage>> {
    if services.is_empty() {
        return Vec::new();
    }
    let queries = services.iter().enumerate().flat_map(|(at, service)| queries_of(at, service.arn)).collect();
    let answer = tokio::time::timeout(time, values(client, queries, now, days)).await;
    let answer =
        answer.unwrap_or_else(|_| Err(AwsError::broken(OPERATION, "the time of this run was over before its end")));
    match settled(answer) {
        Fact::Known(values) => services
            .iter()
            .enumerate()
            .map(|(at, service)| usage_of(&values, at, age_days(service.created_at, now, days)))
            .collect(),
        missing => services.iter().map(|_| crate::fact::likewise(&missing)).collect(),
    }
}

/// The usage of one service; not to be had where CloudWatch did not finish one of its queries.
fn usage_of(values: &Values, at: usize, days: u32) -> Fact<Usage> {
    let unfinished = READS.iter().enumerate().find_map(|(read, (metric, ..))| {
        let status = values.unfinished.get(&format!("q{at}_{read}"))?;
        Some(format!("{OPERATION} did not finish {metric}: {status}"))
    });
    match unfinished {
        Some(why) => Fact::Unavailable(why),
        None => Fact::Known(folded(values, at, days)),
    }
}

/// The days that a service was there for, of those that were asked for.
fn age_days(created_at: Timestamp, now: Timestamp, days: u32) -> u32 {
    let age = now.duration_since(created_at).as_secs().max(0) / SECONDS_OF_A_DAY;
    u32::try_from(age).unwrap_or(u32::MAX).min(days)
}

fn queries_of(at: usize, arn: &ServiceArn) -> Vec<MetricDataQuery> {
    let dimension = |name: &str, value: &str| Dimension::builder().name(name).value(value).build();
    let query = |(read, (name, statistic, period, _)): (usize, &(&str, &str, i32, Fold))| {
        let metric = Metric::builder().namespace("AWS/AppRunner").metric_name(*name);
        let metric =
            metric.dimensions(dimension("ServiceName", arn.name())).dimensions(dimension("ServiceID", arn.id()));
        stat(format!("q{at}_{read}"), metric.build(), statistic, *period)
    };
    READS.iter().enumerate().map(query).collect()
}

fn stat(id: String, metric: Metric, statistic: &str, period: i32) -> MetricDataQuery {
    let stat = MetricStat::builder().metric(metric).stat(statistic).period(period).build();
    MetricDataQuery::builder().id(id).metric_stat(stat).return_data(true).build()
}

/// What queries gave, by their ids.
#[derive(Default)]
struct Values {
    points: BTreeMap<String, Vec<(Timestamp, f64)>>,
    /// Queries that are not `Complete` after the last page, with their status. One without a datum is no such.
    unfinished: BTreeMap<String, String>,
}

impl Values {
    fn add(&mut self, result: MetricDataResult) {
        let id = result.id.unwrap_or_default();
        match &result.status_code {
            // What one page leaves out stands on the next.
            None | Some(StatusCode::Complete) => drop(self.unfinished.remove(&id)),
            Some(status) => drop(self.unfinished.insert(id.clone(), status.as_str().to_owned())),
        }
        let times = result.timestamps.unwrap_or_default();
        let points = times.iter().map(time).zip(result.values.unwrap_or_default());
        self.points.entry(id).or_default().extend(points);
    }
}

async fn values(client: &Client, queries: Vec<MetricDataQuery>, now: Timestamp, days: u32) -> Result<Values, AwsError> {
    let from = since(now, days);
    let mut values = Values::default();
    let mut token = None;
    for _ in 0..PAGES_MAX {
        let call = client.get_metric_data().set_metric_data_queries(Some(queries.clone()));
        let call =
            call.start_time(DateTime::from_secs(from.as_second())).end_time(DateTime::from_secs(now.as_second()));
        let call = call.scan_by(ScanBy::TimestampDescending).set_next_token(token.take());
        let page = call.send().await.map_err(|error| AwsError::sort(OPERATION, error))?;
        for result in page.metric_data_results.unwrap_or_default() {
            values.add(result);
        }
        token = page.next_token;
        if token.is_none() {
            return Ok(values);
        }
    }
    Err(AwsError::broken(OPERATION, format!("there are more than {PAGES_MAX} pages of values")))
}

/// So many days ago. More days than there is time are all of it: a threshold may be any number.
fn since(now: Timestamp, days: u32) -> Timestamp {
    let from = now.checked_sub(SignedDuration::from_hours(24 * i64::from(days)));
    from.map_or(Timestamp::UNIX_EPOCH, |from| from.max(Timestamp::UNIX_EPOCH))
}

fn folded(values: &Values, at: usize, days: u32) -> Usage {
    let one = |read: usize| {
        let points = values.points.get(&format!("q{at}_{read}")).filter(|points| !points.is_empty())?;
        let points = points.iter().map(|(_, value)| *value);
        Some(match READS.get(read)?.3 {
            Fold::Sum => points.sum(),
            Fold::Most => points.fold(f64::MIN, f64::max),
        })
    };
    Usage {
        days,
        requests: one(0),
        cpu_percent: one(1),
        memory_percent: one(2),
        concurrency: one(3),
        instances: one(4),
    }
}

/// When one of these event rules fired last, to the hour. One call for up to 500 rules.
pub(crate) async fn last_event(
    client: &Client,
    rules: &[String],
    now: Timestamp,
    days: u32,
) -> Fact<Option<Timestamp>> {
    if rules.is_empty() {
        return Fact::Unavailable("the names of the stack's event rules are not known".to_owned());
    }
    let query = |(at, rule): (usize, &String)| {
        let rule = Dimension::builder().name("RuleName").value(rule).build();
        let metric = Metric::builder().namespace("AWS/Events").metric_name("TriggeredRules").dimensions(rule);
        stat(format!("r{at}"), metric.build(), "Sum", HOUR_SECS)
    };
    let queries = rules.iter().take(QUERIES_MAX).enumerate().map(query).collect();
    settled(values(client, queries, now, days).await.and_then(|values| match values.unfinished.values().next() {
        Some(status) => Err(AwsError::broken(OPERATION, format!("TriggeredRules was not finished: {status}"))),
        None => Ok(newest(&values)),
    }))
}

fn newest(values: &Values) -> Option<Timestamp> {
    values.points.values().flatten().filter(|(_, value)| *value > 0.0).map(|(at, _)| *at).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_back_to_the_beginning_of_time_and_forward_to_nothing() {
        let now: Timestamp = "2026-11-21T00:00:00Z".parse().unwrap();
        assert_eq!(since(now, 30), "2026-10-22T00:00:00Z".parse().unwrap());
        assert_eq!(since(now, u32::MAX), Timestamp::UNIX_EPOCH);
        assert_eq!(age_days(now + SignedDuration::from_hours(72), now, 30), 0, "it was made in three days");
    }

    fn at(day: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + day * SECONDS_OF_A_DAY).unwrap()
    }

    #[test]
    fn a_hundred_services_fill_one_call() {
        assert_eq!(SERVICES_MAX, 100);
        let arn = ServiceArn::parse("arn:aws:apprunner:eu-west-1:123456789012:service/shop/0a1b").unwrap();
        let queries = queries_of(99, &arn);
        assert_eq!(queries.len() * SERVICES_MAX, QUERIES_MAX);
        let stat = queries[1].metric_stat().unwrap();
        let metric = stat.metric().unwrap();
        let dimensions: Vec<_> = metric.dimensions().iter().map(|one| (one.name(), one.value())).collect();
        let expected = [(Some("ServiceName"), Some("shop")), (Some("ServiceID"), Some("0a1b"))];
        assert_eq!((metric.metric_name(), dimensions.as_slice()), (Some("CPUUtilization"), &expected[..]));
        assert_eq!((queries[1].id(), stat.stat(), stat.period()), (Some("q99_1"), Some("Average"), Some(HOUR_SECS)));
    }

    fn of<const N: usize>(points: [(String, Vec<(Timestamp, f64)>); N]) -> Values {
        Values { points: BTreeMap::from(points), ..Values::default() }
    }

    #[test]
    fn a_query_that_is_not_finished_is_no_service_without_use() {
        let result = |id: &str, status: StatusCode| MetricDataResult::builder().id(id).status_code(status).build();
        let mut values = Values::default();
        values.add(result("q0_0", StatusCode::PartialData));
        values.add(result("q1_2", StatusCode::InternalError));
        values.add(result("q2_0", StatusCode::Complete));
        let why = |metric: &str, status: &str| {
            Fact::Unavailable(format!("cloudwatch:GetMetricData did not finish {metric}: {status}"))
        };
        assert_eq!(usage_of(&values, 0, 7), why("Requests", "PartialData"));
        assert_eq!(usage_of(&values, 1, 7), why("MemoryUtilization", "InternalError"));
        assert_eq!(usage_of(&values, 2, 7), Fact::Known(Usage { days: 7, ..Usage::default() }));
        values.add(result("q0_0", StatusCode::Complete));
        assert_eq!(
            usage_of(&values, 0, 7),
            Fact::Known(Usage { days: 7, ..Usage::default() }),
            "the next page had the rest"
        );
    }

    #[test]
    fn requests_are_added_up_the_rest_is_the_most_and_no_datum_is_none() {
        let values = of([
            ("q0_0".to_owned(), vec![(at(1), 3.0), (at(0), 4.0)]),
            ("q0_1".to_owned(), vec![(at(1), 30.0), (at(0), 80.5)]),
            ("q0_4".to_owned(), Vec::new()),
            ("q1_1".to_owned(), vec![(at(1), 99.0)]),
        ]);
        let expected = Usage { days: 7, requests: Some(7.0), cpu_percent: Some(80.5), ..Usage::default() };
        assert_eq!(folded(&values, 0, 7), expected);
    }

    #[test]
    fn a_young_service_has_fewer_days() {
        assert_eq!([age_days(at(0), at(3), 30), age_days(at(0), at(300), 30), age_days(at(3), at(0), 30)], [3, 30, 0]);
    }

    #[test]
    fn the_newest_hour_in_which_a_rule_fired_counts() {
        let values = of([("r0".to_owned(), vec![(at(5), 0.0), (at(2), 1.0)]), ("r1".to_owned(), vec![(at(4), 2.0)])]);
        assert_eq!(newest(&values), Some(at(4)));
        assert_eq!(newest(&Values::default()), None);
    }
}
