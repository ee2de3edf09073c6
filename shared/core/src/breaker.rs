//! The breaker: automation that acts on bad data at scale is the danger, so a burst of rollbacks stops and asks.
//!
//! At most [`PER_WINDOW_MAX`] automatic rollbacks in [`WINDOW`], and no more than a tenth of the fleet (at least one). Past
//! that it opens, and stays open until an operator clears it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How many automatic rollbacks an account and region may see in one window.
pub const PER_WINDOW_MAX: usize = 3;
/// The window.
pub const WINDOW: SignedDuration = SignedDuration::from_mins(15);
/// The share of the fleet that one window may touch: one service in this many.
pub const FLEET_SHARE: usize = 10;

/// The breaker of one account and region.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breaker {
    /// Grows with every write: the condition of the next one.
    #[serde(default)]
    pub version: u64,
    /// Automatic rollbacks of the last window, oldest first: when, and for which incident.
    #[serde(default)]
    pub recent: Vec<(Timestamp, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_since: Option<Timestamp>,
    /// How many services the last sweep counted; 0 before the first.
    #[serde(default)]
    pub fleet: usize,
}

impl Breaker {
    fn limit(&self) -> usize {
        (self.fleet / FLEET_SHARE).clamp(1, PER_WINDOW_MAX)
    }

    /// Whether the rollback of this incident may be made now. One that was counted already (the service was busy, the call
    /// never arrived) is not counted against itself.
    pub fn admits(&self, incident: &str, now: Timestamp) -> bool {
        let others = |(at, id): &&(Timestamp, String)| now.duration_since(*at) < WINDOW && id != incident;
        self.open_since.is_none() && self.recent.iter().filter(others).count() < self.limit()
    }

    /// Whether the rollback of this incident was begun before in this window.
    pub fn has_counted(&self, incident: &str) -> bool {
        self.recent.iter().any(|(_, id)| id == incident)
    }

    /// Counts the rollback of this incident, once.
    pub fn count(&mut self, incident: &str, now: Timestamp) {
        self.version += 1;
        self.recent.retain(|(at, id)| now.duration_since(*at) < WINDOW && id != incident);
        self.recent.push((now, incident.to_owned()));
    }

    /// Opens it; says whether it was closed before.
    pub fn trip(&mut self, now: Timestamp) -> bool {
        let was_closed = self.open_since.is_none();
        if was_closed {
            self.version += 1;
            self.open_since = Some(now);
        }
        was_closed
    }

    /// The operator's `breaker clear`.
    pub fn clear(&mut self) {
        *self = Self { version: self.version + 1, fleet: self.fleet, ..Self::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(minute * 60).unwrap()
    }

    #[test]
    fn a_small_fleet_gets_one_rollback_a_window_and_a_large_one_three() {
        for (fleet, limit) in [(0, 1), (9, 1), (19, 1), (20, 2), (30, 3), (1000, 3)] {
            let mut breaker = Breaker { fleet, ..Breaker::default() };
            let names: Vec<String> = (0..10).map(|n| format!("I-{n}")).collect();
            let admit = |name: &&String| breaker.admits(name, at(1)).then(|| breaker.count(name, at(1))).is_some();
            let admitted = names.iter().take_while(admit).count();
            assert_eq!(admitted, limit, "fleet of {fleet}");
        }
    }

    #[test]
    fn the_window_slides_and_an_open_breaker_does_not_close_by_itself() {
        let mut breaker = Breaker::default();
        breaker.count("I-1", at(0));
        assert!(breaker.admits("I-1", at(1)), "an incident is not counted against itself");
        assert!(!breaker.admits("I-2", at(14)));
        assert!(breaker.admits("I-2", at(15)));
        assert!(breaker.trip(at(15)));
        assert!(!breaker.trip(at(16)), "it opens once");
        assert!(!breaker.admits("I-2", at(10_000)));
        breaker.clear();
        assert!(breaker.admits("I-2", at(10_000)));
    }
}
