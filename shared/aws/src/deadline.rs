//! How much of an invocation is left: Lambda's clock, and the only one of the machine's that anything hangs on.

use std::time::{Duration, SystemTime};

/// No step is begun with less time left than two of the worst calls need, and a margin (R13).
pub const TIME_LEFT_MIN: Duration = Duration::from_secs(18);

/// One call at its longest, and a margin.
const CALL_TIME_MIN: Duration = Duration::from_secs(10);

/// When Lambda ends the invocation.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(pub SystemTime);

impl Deadline {
    /// Whether a further step may be begun (R13).
    pub fn has_time(self) -> bool {
        self.left() >= TIME_LEFT_MIN
    }

    /// Whether one more call at the end of an invocation may be begun: less than a step needs.
    pub fn has_time_for_a_call(self) -> bool {
        self.left() >= CALL_TIME_MIN
    }

    /// The middle of what is left: for the first of two that both need time.
    pub fn half(self) -> Self {
        Self(SystemTime::now() + self.left() / 2)
    }

    fn left(self) -> Duration {
        self.0.duration_since(SystemTime::now()).unwrap_or_default()
    }
}
