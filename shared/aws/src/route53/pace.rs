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
    use std::future::{Future as _, poll_fn};
    use std::pin::pin;
    use std::task::Poll;

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

    /// A pace whose next request is due in this time.
    fn due_in(time: Duration) -> Pace {
        Pace { due: Mutex::new(Instant::now() + time) }
    }

    /// Asks for a turn and goes away: whether it had come at once.
    async fn comes_at_once(pace: &Pace) -> bool {
        let mut turn = pin!(pace.turn());
        poll_fn(|context| Poll::Ready(turn.as_mut().poll(context).is_ready())).await
    }

    #[tokio::test]
    async fn a_turn_that_is_free_comes_at_once_and_one_that_is_not_is_slept_for() {
        // However long the machine takes, what is due by then is free, and an hour is not over.
        let free = due_in(EVERY * (BURST - 1));
        assert!(comes_at_once(&free).await, "the last of those that may go at once");
        assert!(!comes_at_once(&due_in(Duration::from_secs(3600))).await, "it is slept for");
        due_in(EVERY * BURST).turn().await;
    }

    /// More than are free by far, and fewer than a task may take before tokio has it yield.
    const TAKEN: u32 = 100;

    #[tokio::test]
    async fn a_second_user_of_one_pace_waits_for_what_the_first_took() {
        let pace = Pace::default();
        let (first, second) = (&pace, &pace);
        assert!(comes_at_once(second).await);
        let before = *pace.due.lock().await;
        // Each takes its place when it is asked for, also where nobody waits for its end.
        for _ in 0..TAKEN {
            comes_at_once(first).await;
        }
        assert!(!comes_at_once(second).await, "it waits behind them");
        let due = *pace.due.lock().await;
        assert!(due.duration_since(before) >= EVERY * (TAKEN + 1), "each took half a second");
    }
}
