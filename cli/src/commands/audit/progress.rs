//! How far an audit is: one line on standard error that is drawn again, on a terminal only.

use std::sync::{Mutex, PoisonError};

use pitcrew_fleet::walk::{Phase, Progress};

use crate::output::Output;

/// Characters of the bar.
const BAR: usize = 24;

/// The line, between what the walk tells and the ticks of a clock: services are told by the hundred, and requests in between.
pub struct Bar<'o> {
    output: &'o Output,
    last: Mutex<Option<Progress>>,
}

impl<'o> Bar<'o> {
    pub fn new(output: &'o Output) -> Self {
        Self { output, last: Mutex::new(None) }
    }

    /// What the walk told.
    pub fn tell(&self, progress: &Progress) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(*progress);
        self.output.progress(&text(progress));
    }

    /// Requests went on meanwhile.
    pub fn tick(&self, calls: u64, throttled: u64) {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(progress) = last {
            self.output.progress(&text(&Progress { calls, throttled, ..progress }));
        }
    }

    /// How many services there are to be audited, once they are listed.
    pub fn listed(&self) -> Option<usize> {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.filter(|progress| progress.phase != Phase::Listing).map(|progress| progress.of)
    }

    /// Takes the line away.
    pub fn clear(&self) {
        self.output.progress("");
    }
}

fn text(progress: &Progress) -> String {
    let Progress { phase, done, of, calls, throttled } = *progress;
    let throttled = if throttled > 0 { format!(", {throttled} throttled") } else { String::new() };
    let calls = format!("{calls} {}{throttled}", if calls == 1 { "call" } else { "calls" });
    match phase {
        Phase::Listing => format!("{of} services listed, {calls}"),
        // The first services are told together: until then this stands for both.
        Phase::Surroundings | Phase::Services => {
            let full = (done * BAR).checked_div(of).unwrap_or(BAR).min(BAR);
            format!("[{}{}] {done}/{of} services, {calls}", "#".repeat(full), ".".repeat(BAR - full))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_is_as_full_as_the_fleet_is_done() {
        let at = |phase, done, of| text(&Progress { phase, done, of, calls: 81, throttled: 2 });
        let half = format!("[{}{}] 150/300 services, 81 calls, 2 throttled", "#".repeat(12), ".".repeat(12));
        assert_eq!(at(Phase::Services, 150, 300), half);
        assert!(at(Phase::Services, 0, 0).starts_with(&format!("[{}] 0/0", "#".repeat(24))));
        assert!(at(Phase::Services, 9, 3).len() < 80, "a service more than was listed draws no longer bar");
        assert_eq!(at(Phase::Listing, 0, 40), "40 services listed, 81 calls, 2 throttled");
        let first = Progress { phase: Phase::Listing, done: 0, of: 20, calls: 1, throttled: 0 };
        assert_eq!(text(&first), "20 services listed, 1 call");
    }
}
