//! How fast a sweep asks Route 53. It takes five requests a second for a whole account, and the owner's own tools need some of
//! them: a sweep that took all would make somebody's deployment of a zone fail.

use std::time::{Duration, Instant};

use tokio::sync::Mutex;

/// Two a second: both functions may sweep at once, and one of the five is left to others.
const EVERY: Duration = Duration::from_millis(500);
/// So many may be asked at once by a sweep that has been silent: a small account is swept without a pause.
const BURST: u32 = 10;

/// The pace of one invocation.
#[derive(Debug)]
pub struct Pace {
    /// When the next request would be due at an even pace.
    due: Mutex<Instant>,
}

impl Default for Pace {
    fn default() -> Self {
        Self { due: Mutex::new(Instant::now()) }
    }
}

impl Pace {
    /// Waits for the turn of one request.
    pub async fn turn(&self) {
        let wait = wait(&mut *self.due.lock().await, Instant::now());
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }
}

/// How long a request waits, and when the next one is due behind it.
fn wait(due: &mut Instant, now: Instant) -> Duration {
    let mine = (*due).max(now);
    *due = mine + EVERY;
    (mine - now).saturating_sub(EVERY * (BURST - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_go_at_once_and_then_two_a_second() {
        let now = Instant::now();
        let mut due = now;
        let waits: Vec<u128> = (0..14).map(|_| wait(&mut due, now).as_millis()).collect();
        assert_eq!(waits[..10], [0; 10]);
        assert_eq!(waits[10..], [500, 1000, 1500, 2000]);
    }

    #[test]
    fn silence_gives_back_no_more_than_ten() {
        let now = Instant::now();
        let mut due = now;
        (0..10).for_each(|_| assert!(wait(&mut due, now).is_zero()));
        let soon = now + Duration::from_secs(1);
        let waits: Vec<u128> = (0..3).map(|_| wait(&mut due, soon).as_millis()).collect();
        assert_eq!(waits, [0, 0, 500]);
        let later = now + Duration::from_secs(3600);
        let at_once = (0..20).filter(|_| wait(&mut due, later).is_zero()).count();
        assert_eq!(at_once, 10);
    }
}
