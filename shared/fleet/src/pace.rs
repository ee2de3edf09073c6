//! How fast one service of AWS is asked: faster by a step each second while it answers, half as fast when it refuses.
//!
//! App Runner's rate is not published, and every caller of an account shares it with the owner's own deployments. The SDK's
//! retries alone make a storm of it: each of many calls waits for itself. Here all calls to one service wait in one line.

use std::time::Duration;

/// No slower than this: a line that stands still tells nothing.
const RATE_MIN: f64 = 1.0;
/// Requests a second that are added after a second of answers.
const STEP: f64 = 1.0;
/// Refusals of requests that were on their way together are one sign, not many.
const ONE_SIGN: Duration = Duration::from_secs(1);

/// The line of one service: pure, with the time passed in as what has gone by since some beginning.
#[derive(Clone, Debug, PartialEq)]
pub struct Pace {
    /// Requests a second.
    rate: f64,
    rate_max: f64,
    /// When the next request may go.
    next: Duration,
    slowed_at: Option<Duration>,
}

impl Pace {
    /// Begins at half of `rate_max`, in requests a second.
    pub fn new(rate_max: f64) -> Self {
        let rate_max = rate_max.max(RATE_MIN);
        Self { rate: (rate_max / 2.0).max(RATE_MIN), rate_max, next: Duration::ZERO, slowed_at: None }
    }

    /// Requests a second, now.
    pub fn rate(&self) -> f64 {
        self.rate
    }

    /// Takes the next place in the line: how long to wait for it.
    pub fn reserve(&mut self, now: Duration) -> Duration {
        let at = self.next.max(now);
        self.next = at + Duration::from_secs_f64(1.0 / self.rate);
        at - now
    }

    /// A request was answered, with whatever.
    pub fn answered(&mut self) {
        // A second holds `rate` answers; each adds its part of the step.
        self.rate = (self.rate + STEP / self.rate).min(self.rate_max);
    }

    /// A request was refused because there were too many.
    pub fn refused(&mut self, now: Duration) {
        if self.slowed_at.is_some_and(|at| now < at + ONE_SIGN) {
            return;
        }
        self.slowed_at = Some(now);
        self.rate = (self.rate / 2.0).max(RATE_MIN);
        self.next = self.next.max(now + Duration::from_secs_f64(1.0 / self.rate));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn requests_go_one_after_the_other_at_the_rate() {
        let mut pace = Pace::new(8.0);
        let waits: Vec<Duration> = (0..4).map(|_| pace.reserve(Duration::ZERO)).collect();
        assert_eq!(waits, [0, 250, 500, 750].map(Duration::from_millis), "it begins at half of 8 a second");
        assert_eq!(pace.reserve(60 * SECOND), Duration::ZERO, "what was not used is no debt");
        assert_eq!(pace.reserve(60 * SECOND), Duration::from_millis(250), "and no credit");
    }

    #[test]
    fn a_second_of_answers_adds_one_request_a_second_up_to_the_limit() {
        let mut pace = Pace::new(20.0);
        for _ in 0..10 {
            pace.answered();
        }
        assert!((10.9..11.1).contains(&pace.rate()), "{}", pace.rate());
        for _ in 0..10_000 {
            pace.answered();
        }
        assert!((pace.rate() - 20.0).abs() < f64::EPSILON);
    }

    #[test]
    fn a_refusal_halves_the_rate_once_for_all_that_were_on_their_way() {
        let mut pace = Pace::new(16.0);
        for _ in 0..8 {
            pace.refused(SECOND);
        }
        assert!((pace.rate() - 4.0).abs() < f64::EPSILON, "{}", pace.rate());
        assert_eq!(pace.reserve(SECOND), Duration::from_millis(250), "and the next one waits");
        pace.refused(2 * SECOND);
        assert!((pace.rate() - 2.0).abs() < f64::EPSILON);
        for second in 3..20 {
            pace.refused(second * SECOND);
        }
        assert!((pace.rate() - RATE_MIN).abs() < f64::EPSILON, "it never stands still");
    }
}
