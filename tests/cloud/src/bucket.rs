//! A bucket of requests: so many a second, and as many at once, on the cloud's clock.

use jiff::Timestamp;

/// What one caller may still ask, and since when that is known.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bucket(Option<(f64, Timestamp)>);

impl Bucket {
    /// Whether a request may be made now; it has then been made. A new bucket is full, and each has room for one.
    pub fn take(&mut self, per_second: f64, now: Timestamp) -> bool {
        let full = per_second.max(1.0);
        let (tokens, at) = self.0.unwrap_or((full, now));
        let passed = now.duration_since(at).as_secs_f64().max(0.0);
        let tokens = (tokens + passed * per_second).min(full);
        let may = tokens >= 1.0;
        self.0 = Some((if may { tokens - 1.0 } else { tokens }, now));
        may
    }
}
