//! Why a metric alarm has its state: the sentence and the data, worded as CloudWatch words them in the events of its
//! user guide ("Alarm events and EventBridge").

use jiff::Timestamp;
use serde_json::{Value, json};

use super::alarm::{Missing, Standing, State, Watch};
use super::evaluate::Point;
use crate::shape::offset_time;

/// Reasons show at most this many datapoints, the newest: the model bounds a reason at 1,023 characters, and an item of
/// the history, which holds two of them with their data, at 4,095.
const SHOWN_MAX: usize = 10;

/// The new standing of an alarm whose newest-first `range` called for `state`.
pub fn standing(watch: &Watch, old: State, state: State, range: &[Point], now: Timestamp) -> Standing {
    let points = evaluated(watch, range);
    Standing {
        state,
        reason: reason(watch, old, state, &points),
        reason_data: Some(reason_data(watch, &points, now)),
        since: now,
    }
}

/// The points that the verdict stands on: the newest real ones, and where they are too few, the newest missing ones.
fn evaluated(watch: &Watch, range: &[Point]) -> Vec<Point> {
    let periods = watch.condition.periods;
    let real: Vec<Point> = range.iter().filter(|point| point.value.is_some()).take(periods).copied().collect();
    let filled = periods - real.len();
    let missing = range.iter().filter(|point| point.value.is_none()).take(filled);
    let mut points: Vec<Point> = real.iter().chain(missing).copied().collect();
    points.sort_by_key(|point| std::cmp::Reverse(point.start));
    points
}

fn reason(watch: &Watch, old: State, state: State, points: &[Point]) -> String {
    let condition = &watch.condition;
    let missing = points.iter().filter(|point| point.value.is_none()).count();
    if state == State::InsufficientData {
        return format!("Insufficient Data: {} unknown.", counted(missing, "datapoint"));
    }
    let treated = match condition.missing {
        Missing::Breaching => "Breaching",
        _ => "NonBreaching",
    };
    let real: Vec<(f64, i64)> = points.iter().filter_map(|point| Some((point.value?, point.start))).collect();
    if real.is_empty() {
        return format!(
            "Threshold Crossed: no datapoints were received for {} and {} treated as [{treated}].",
            if condition.periods == 1 { "1 period".to_owned() } else { format!("{} periods", condition.periods) },
            counted(missing, "missing datapoint"),
        );
    }
    let alarming = state == State::Alarm;
    let counting: Vec<&(f64, i64)> =
        real.iter().filter(|(value, _)| condition.comparison.holds(*value, condition.threshold) == alarming).collect();
    let shown: Vec<String> =
        counting.iter().take(SHOWN_MAX).map(|(value, start)| format!("{value:?} ({})", day_time(*start))).collect();
    let (to_be, minimum) =
        if alarming { ("", condition.to_alarm) } else { ("not ", condition.periods - condition.to_alarm + 1) };
    let filled = match condition.missing {
        Missing::Breaching | Missing::NotBreaching if missing > 0 => {
            format!(" and {} treated as [{treated}]", counted(missing, "missing datapoint"))
        }
        _ => String::new(),
    };
    format!(
        "Threshold Crossed: {} out of the last {} datapoints [{}] {} {to_be}{} the threshold ({:?}){filled} (minimum {} for \
         {} -> {} transition).",
        counting.len(),
        condition.periods,
        shown.join(", "),
        if counting.len() == 1 { "was" } else { "were" },
        condition.comparison.words(),
        condition.threshold,
        if minimum == 1 { "1 datapoint".to_owned() } else { format!("{minimum} datapoints") },
        old.name(),
        state.name(),
    )
}

fn reason_data(watch: &Watch, points: &[Point], now: Timestamp) -> Value {
    let at = |second| Timestamp::from_second(second).unwrap_or(now);
    let mut recent: Vec<f64> = points.iter().filter_map(|point| point.value).take(SHOWN_MAX).collect();
    recent.reverse();
    let shown: Vec<Value> = points
        .iter()
        .take(SHOWN_MAX)
        .map(|point| match point.value {
            Some(value) => {
                json!({"timestamp": offset_time(at(point.start)), "sampleCount": point.samples, "value": value})
            }
            None => json!({"timestamp": offset_time(at(point.start))}),
        })
        .collect();
    let mut data = json!({
        "version": "1.0",
        "queryDate": offset_time(now),
        "statistic": watch.statistic_name,
        "period": watch.period,
        "recentDatapoints": recent,
        "threshold": watch.condition.threshold,
        "evaluatedDatapoints": shown,
    });
    if let Some(oldest) = points.iter().filter(|point| point.value.is_some()).map(|point| point.start).min() {
        data["startDate"] = json!(offset_time(at(oldest)));
    }
    if let Some(unit) = &watch.unit {
        data["unit"] = json!(unit);
    }
    data
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what} was") } else { format!("{count} {what}s were") }
}

/// `02/10/26 16:59:00`: day, month, year.
fn day_time(second: i64) -> String {
    Timestamp::from_second(second).map(|at| at.strftime("%d/%m/%y %H:%M:%S").to_string()).unwrap_or_default()
}
