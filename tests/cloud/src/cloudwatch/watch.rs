//! When metric alarms are evaluated, and the evaluation itself.
//!
//! An alarm with a period of a minute or more looks once a minute, one whose range is longer than a day once an hour,
//! a high-resolution one every ten seconds; each time at the periods that end just then (CloudWatch user guide,
//! "Evaluating an alarm").

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::CloudWatch;
use super::alarm::{Alarm, Kind, State, Watch};
use super::evaluate::{Point, RANGE_EXTRA};
use super::metrics::{Metrics, Statistic};
use super::reason;
use crate::call::Ctx;
use crate::effect::Datapoint;

/// An evaluation looks this long after a period has ended, so that what is reported at its very end is seen.
/// CloudWatch lags as well, by an amount that is not documented.
const LAG: SignedDuration = SignedDuration::from_secs(5);

impl Watch {
    /// Seconds between two evaluations.
    fn step(&self) -> i64 {
        match self.period {
            ..60 => 10,
            period if period * self.condition.periods as i64 > 86_400 => 3_600,
            _ => 60,
        }
    }

    fn range_periods(&self) -> usize {
        self.condition.periods + RANGE_EXTRA
    }

    /// The first evaluation after `now`.
    pub fn next_evaluation(&self, now: Timestamp) -> Timestamp {
        let step = self.step();
        let seconds = now.saturating_sub(LAG).map_or(0, Timestamp::as_second);
        let boundary = (seconds.div_euclid(step) + 1) * step;
        Timestamp::from_second(boundary).ok().and_then(|at| at.checked_add(LAG).ok()).unwrap_or(Timestamp::MAX)
    }

    /// The second at which the newest evaluated period ends.
    fn range_end(&self, now: Timestamp) -> i64 {
        let seconds = now.saturating_sub(LAG).map_or(0, Timestamp::as_second);
        seconds.div_euclid(self.step()) * self.step()
    }

    /// The periods of the evaluation range, newest first.
    fn range(&self, metrics: &Metrics, end: i64) -> Vec<Point> {
        (0..self.range_periods() as i64)
            .map(|age| {
                let start = end - (age + 1) * self.period;
                let bucket = metrics.bucket(&self.series, start, start + self.period, self.unit.as_deref());
                Point { start, value: bucket.value(self.statistic), samples: bucket.count() }
            })
            .collect()
    }

    /// Whether a percentile stands on too few samples to mean anything: fewer than ten in the smaller part
    /// (CloudWatch user guide, "Percentile-based alarms and low data samples").
    fn low_sample(&self, range: &[Point]) -> bool {
        let Statistic::Percentile(percent) = self.statistic else { return false };
        let share = percent / 100.0;
        let part = if share >= 0.5 { 1.0 - share } else { share };
        let newest = range.iter().find(|point| point.value.is_some());
        newest.is_some_and(|point| point.samples * part < 10.0)
    }

    /// Whether an alarm in `state` can change later on without any new datapoint.
    fn restless(&self, metrics: &Metrics, state: State, end: i64) -> bool {
        let range_start = end - self.range_periods() as i64 * self.period;
        if metrics.newest(&self.series).is_some_and(|newest| newest >= range_start) {
            return true;
        }
        let empty: Vec<Point> =
            (0..self.range_periods()).map(|_| Point { start: 0, value: None, samples: 0.0 }).collect();
        self.condition.verdict(&empty).is_some_and(|verdict| verdict != state)
    }
}

impl CloudWatch {
    /// Takes a datapoint in, and wakes the alarms that watch its series.
    pub(super) fn record(&mut self, now: Timestamp, point: Datapoint) {
        let second = point.at.as_second();
        let series = self.metrics.record(point);
        for alarm in self.alarms.values_mut() {
            if let Kind::Metric(watch) = &mut alarm.kind
                && watch.due.is_none()
                && watch.series == series
                && second >= watch.range_end(now) - watch.range_periods() as i64 * watch.period
            {
                watch.due = Some(watch.next_evaluation(now));
            }
        }
    }

    pub(super) fn evaluate_due(&mut self, ctx: &mut Ctx<'_>) {
        let due =
            |alarm: &&Alarm| matches!(&alarm.kind, Kind::Metric(watch) if watch.due.is_some_and(|due| due <= ctx.now));
        let names: Vec<String> = self.alarms.values().filter(due).map(|alarm| alarm.name.clone()).collect();
        for name in names {
            self.evaluate_metric(ctx, &name);
        }
    }

    fn evaluate_metric(&mut self, ctx: &mut Ctx<'_>, name: &str) {
        let Some(alarm) = self.alarms.get_mut(name) else { return };
        let Kind::Metric(watch) = &mut alarm.kind else { return };
        let end = watch.range_end(ctx.now);
        let range = watch.range(&self.metrics, end);
        let old = alarm.standing.state;
        let ignore_low =
            alarm.settings.get("EvaluateLowSampleCountPercentile").and_then(Value::as_str) == Some("ignore");
        let verdict = if ignore_low && watch.low_sample(&range) { None } else { watch.condition.verdict(&range) };
        let state = verdict.unwrap_or(old);
        watch.due = watch.restless(&self.metrics, state, end).then(|| watch.next_evaluation(ctx.now));
        if state != old {
            let standing = reason::standing(watch, old, state, &range, ctx.now);
            self.transition(ctx, name, standing);
        }
    }
}
