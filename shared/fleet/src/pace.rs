//! How fast one service of AWS is asked: faster while it answers, half as fast when it refuses, and then careful near the rate
//! at which it refused.
//!
//! App Runner's rate is not published, and every caller of an account shares it with the owner's own deployments. The SDK's
//! retries alone make a storm of it: each of many calls waits for itself. Here all calls to one service wait in one line. Each
//! refusal may have cost somebody else's call, so the line comes back quickly only to where it was safe.

use std::time::Duration;

/// No slower than this: a line that stands still tells nothing.
const RATE_MIN: f64 = 1.0;
/// Requests a second that are added after a second of answers, at the most.
const STEP: f64 = 1.0;
/// The part of the rate that was refused to which the line comes back quickly.
const SAFE: f64 = 0.8;
/// Beyond, a second of answers adds this part of the rate for each second since the refusal: a fifth in 20 seconds.
const PROBE: f64 = 0.001;
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
    refused: Option<Refused>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Refused {
    at: Duration,
    /// Requests a second.
    safe: f64,
}

impl Pace {
    /// Begins at half of `rate_max`, in requests a second.
    pub fn new(rate_max: f64) -> Self {
        let rate_max = rate_max.max(RATE_MIN);
        Self { rate: (rate_max / 2.0).max(RATE_MIN), rate_max, next: Duration::ZERO, refused: None }
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
    pub fn answered(&mut self, now: Duration) {
        let step = match self.refused {
            Some(Refused { at, safe }) if self.rate >= safe => {
                (PROBE * self.rate * now.saturating_sub(at).as_secs_f64()).min(STEP)
            }
            _ => STEP,
        };
        // A second holds `rate` answers; each adds its part of the step.
        self.rate = (self.rate + step / self.rate).min(self.rate_max);
    }

    /// A request was refused because there were too many.
    pub fn refused(&mut self, now: Duration) {
        if self.refused.is_some_and(|last| now < last.at + ONE_SIGN) {
            return;
        }
        self.refused = Some(Refused { at: now, safe: self.rate * SAFE });
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
            pace.answered(SECOND);
        }
        assert!((10.9..11.1).contains(&pace.rate()), "{}", pace.rate());
        for _ in 0..10_000 {
            pace.answered(SECOND);
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

    /// Plays the line against a service that takes so many a second, and as many at once; each answer takes 40 ms. Gives the
    /// answers a second, and the refusals, of `seconds`.
    fn play(pace: &mut Pace, takes: f64, seconds: std::ops::Range<u32>) -> (f64, u32) {
        let (end, mut tokens, mut filled) = (SECOND * seconds.end, takes, SECOND * seconds.start);
        let (mut now, mut answers, mut refusals) = (filled, 0.0, 0);
        loop {
            now += pace.reserve(now);
            if now >= end {
                return (answers / f64::from(seconds.end - seconds.start), refusals);
            }
            tokens = (tokens + (now - filled).as_secs_f64() * takes).min(takes);
            filled = now;
            let back = now + Duration::from_millis(40);
            if tokens >= 1.0 {
                tokens -= 1.0;
                answers += 1.0;
                pace.answered(back);
            } else {
                refusals += 1;
                pace.refused(back);
            }
        }
    }

    #[test]
    fn a_line_finds_the_rate_that_is_taken_and_is_rarely_refused() {
        for (takes, at_least) in [(10.0, 8.5), (2.0, 1.5), (19.0, 16.0)] {
            let mut pace = Pace::new(20.0);
            let (rate, refusals) = play(&mut pace, takes, 0..600);
            assert!(
                rate >= at_least && refusals <= 600 / 10,
                "{takes} a second: {rate} answers a second, {refusals} refused"
            );
        }
        let (rate, refusals) = play(&mut Pace::new(8.0), 10.0, 0..600);
        assert!(rate > 7.9 && refusals == 0, "{rate} {refusals}");
    }

    #[test]
    fn a_line_comes_back_when_others_have_stopped_asking() {
        let mut pace = Pace::new(20.0);
        let (rate, _) = play(&mut pace, 1.5, 0..60);
        assert!(rate < 1.6, "{rate}");
        let (rate, _) = play(&mut pace, 100.0, 60..180);
        assert!(rate > 12.0 && pace.rate() > 19.9, "{rate} {}", pace.rate());
    }
}
