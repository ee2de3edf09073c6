//! What state a metric alarm should be in. Pure: datapoints in, verdict out.
//!
//! The rules are those of the CloudWatch user guide, "Configuring how CloudWatch alarms treat missing data" and
//! "Avoiding premature transitions to alarm state". More periods are read than the alarm evaluates (the evaluation
//! range); its size is not documented, and the guide's examples read two more.
//!
//! | Real datapoints in the range | Verdict |
//! |---|---|
//! | N or more | the newest N of them: ALARM where at least M breach, else OK |
//! | none | by treatment: INSUFFICIENT_DATA, keep, ALARM, OK |
//! | fewer, and M of them breach | ALARM |
//! | fewer, treated as breaching | ALARM where the breaching and the filled ones reach M, else OK |
//! | fewer, treated as not breaching | OK |
//! | fewer, missing or ignored, one of them does not breach | OK |
//! | fewer, missing, all breach, the oldest at least M periods old | ALARM ("premature") |
//! | fewer, all breach, else | keep |

use super::alarm::{Comparison, Missing, State};

/// One period of the evaluation range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// The period's first second.
    pub start: i64,
    /// The statistic, where the period has data, and the number of samples in it.
    pub value: Option<f64>,
    pub samples: f64,
}

/// What an alarm compares, and how often it must be breached.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Condition {
    pub comparison: Comparison,
    pub threshold: f64,
    /// M.
    pub to_alarm: usize,
    /// N.
    pub periods: usize,
    pub missing: Missing,
}

/// The periods read beyond the evaluated ones.
pub const RANGE_EXTRA: usize = 2;

impl Condition {
    fn breaches(&self, value: f64) -> bool {
        self.comparison.holds(value, self.threshold)
    }

    /// The state that the newest-first `range` calls for; none where the alarm keeps the state it has.
    pub fn verdict(&self, range: &[Point]) -> Option<State> {
        // The age of a datapoint counts from 1, the newest period.
        let real: Vec<(usize, bool)> = range
            .iter()
            .enumerate()
            .filter_map(|(index, point)| Some((index + 1, self.breaches(point.value?))))
            .collect();
        let evaluated = &real[..real.len().min(self.periods)];
        let breaching = evaluated.iter().filter(|(_, breach)| *breach).count();
        if breaching >= self.to_alarm {
            return Some(State::Alarm);
        }
        if real.len() >= self.periods {
            return Some(State::Ok);
        }
        let filled = self.periods - real.len();
        match self.missing {
            Missing::Breaching if breaching + filled >= self.to_alarm => Some(State::Alarm),
            Missing::Breaching | Missing::NotBreaching => Some(State::Ok),
            Missing::Untreated if real.is_empty() => Some(State::InsufficientData),
            Missing::Untreated | Missing::Ignore => match real.last() {
                _ if breaching < real.len() => Some(State::Ok),
                Some((age, _)) if self.missing == Missing::Untreated && *age >= self.to_alarm => Some(State::Alarm),
                _ => None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The guide's notation: newest on the right, `0` fine, `X` breaching, `-` missing.
    fn verdict(drawn: &str, to_alarm: usize, missing: Missing) -> Option<State> {
        let point = |mark| match mark {
            "0" => Some(0.0),
            "X" => Some(9.0),
            _ => None,
        };
        let range: Vec<Point> =
            drawn.split(' ').rev().map(|mark| Point { start: 0, value: point(mark), samples: 1.0 }).collect();
        let condition = Condition { comparison: Comparison::Greater, threshold: 5.0, to_alarm, periods: 3, missing };
        condition.verdict(&range)
    }

    fn row(drawn: &str, to_alarm: usize) -> [&'static str; 4] {
        [Missing::Untreated, Missing::Ignore, Missing::Breaching, Missing::NotBreaching]
            .map(|missing| verdict(drawn, to_alarm, missing).map_or("keep", State::name))
    }

    #[test]
    fn three_of_three_with_a_range_of_five_is_the_guides_first_table() {
        assert_eq!(row("0 - X - X", 3), ["OK", "OK", "OK", "OK"]);
        assert_eq!(row("0 - - - -", 3), ["OK", "OK", "OK", "OK"]);
        assert_eq!(row("- - - - -", 3), ["INSUFFICIENT_DATA", "keep", "ALARM", "OK"]);
        assert_eq!(row("0 X X - X", 3), ["ALARM", "ALARM", "ALARM", "ALARM"]);
        assert_eq!(row("- - X - -", 3), ["ALARM", "keep", "ALARM", "OK"]);
    }

    #[test]
    fn two_of_three_with_a_range_of_five_is_the_guides_second_table() {
        assert_eq!(row("0 - X - X", 2), ["ALARM", "ALARM", "ALARM", "ALARM"]);
        assert_eq!(row("0 0 X 0 X", 2), ["ALARM", "ALARM", "ALARM", "ALARM"]);
        assert_eq!(row("0 - X - -", 2), ["OK", "OK", "ALARM", "OK"]);
        assert_eq!(row("- - - - 0", 2), ["OK", "OK", "ALARM", "OK"]);
        assert_eq!(row("- - - X -", 2), ["ALARM", "keep", "ALARM", "OK"]);
    }

    #[test]
    fn a_first_breach_does_not_alarm_before_its_time() {
        assert_eq!(row("- - - - X", 3)[0], "keep");
        assert_eq!(row("- - - X -", 3)[0], "keep");
        assert_eq!(row("- - - X 0", 3)[0], "OK");
    }

    #[test]
    fn old_datapoints_are_left_out_when_there_are_enough_new_ones() {
        assert_eq!(row("X X 0 0 X", 2)[0], "OK");
    }
}
