//! When an audit is begun, gone on with, or not due: asked at every tick of the schedule.
//!
//! | the runs so far | answer |
//! |---|---|
//! | one is unfinished and began less than 12 hours ago | go on at its cursor |
//! | one is unfinished and began earlier | give it up, and begin anew: its first half speaks of yesterday |
//! | the last one began less than the interval ago, but for five minutes | wait |
//! | none, or the last one began earlier | begin |
//! | one began later than now: a clock was wrong | as far from now as it is, so that no wrong date stops audits for ever |

use jiff::{SignedDuration, Timestamp};

/// An unfinished run is given up after this: what it read first is no longer so.
pub const GIVEN_UP_AFTER: SignedDuration = SignedDuration::from_hours(12);

/// Ticks come some seconds early or late. Without this a daily audit would come a tick later each day.
const EARLY: SignedDuration = SignedDuration::from_mins(5);

/// When runs began, as far as it is remembered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Runs {
    /// The run that is under way.
    pub unfinished: Option<Timestamp>,
    /// The last one that came to its end.
    pub finished: Option<Timestamp>,
}

/// What a tick is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    Begin,
    Continue,
    Wait,
}

/// What is due now, where an audit is wanted every so often.
pub fn due(runs: Runs, every: SignedDuration, now: Timestamp) -> Due {
    let away = |began: Timestamp| now.duration_since(began).abs();
    if runs.unfinished.is_some_and(|began| away(began) < GIVEN_UP_AFTER) {
        return Due::Continue;
    }
    match runs.finished {
        Some(began) if away(began) < every.saturating_sub(EARLY) => Due::Wait,
        _ => Due::Begin,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: SignedDuration = SignedDuration::from_hours(24);

    fn asked(unfinished: Option<i64>, finished: Option<i64>) -> Due {
        let now = Timestamp::from_second(1_793_610_000).unwrap();
        let ago = |minutes: i64| now - SignedDuration::from_mins(minutes);
        due(Runs { unfinished: unfinished.map(ago), finished: finished.map(ago) }, DAY, now)
    }

    #[test]
    fn a_first_tick_begins() {
        assert_eq!(asked(None, None), Due::Begin);
    }

    #[test]
    fn a_finished_run_is_waited_out_and_a_tick_that_is_early_counts() {
        assert_eq!(asked(None, Some(0)), Due::Wait);
        assert_eq!(asked(None, Some(24 * 60 - 15)), Due::Wait);
        assert_eq!(asked(None, Some(24 * 60 - 6)), Due::Wait);
        assert_eq!(asked(None, Some(24 * 60 - 5)), Due::Begin);
        assert_eq!(asked(None, Some(24 * 60)), Due::Begin);
    }

    #[test]
    fn an_unfinished_run_goes_on_for_half_a_day_whatever_came_before() {
        assert_eq!(asked(Some(15), Some(24 * 60)), Due::Continue);
        assert_eq!(asked(Some(12 * 60 - 1), None), Due::Continue);
        assert_eq!(asked(Some(12 * 60), Some(36 * 60)), Due::Begin);
    }

    #[test]
    fn a_clock_that_went_back_waits() {
        assert_eq!(asked(None, Some(-10)), Due::Wait);
        assert_eq!(asked(Some(-10), None), Due::Continue);
    }

    #[test]
    fn a_run_of_a_day_that_is_not_yet_stops_no_audit() {
        assert_eq!(asked(None, Some(-24 * 60)), Due::Begin);
        assert_eq!(asked(Some(-12 * 60), None), Due::Begin);
        assert_eq!(asked(Some(-700 * 24 * 60), Some(-700 * 24 * 60)), Due::Begin);
    }
}
