//! Five requests a second for each account, where the switch is on: a bucket on the cloud's clock.

use std::collections::BTreeMap;

use jiff::Timestamp;

/// Requests a second, and how many may come at once (Route 53 quotas: five requests per second per account).
pub const REQUESTS_A_SECOND: f64 = 5.0;

/// One account's bucket.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: f64,
    at: Timestamp,
}

/// The buckets of all accounts.
#[derive(Debug, Default)]
pub struct Rate {
    buckets: BTreeMap<String, Bucket>,
}

impl Rate {
    /// Whether the account may make a request now; it has then made it.
    pub fn take(&mut self, account: &str, now: Timestamp) -> bool {
        let full = Bucket { tokens: REQUESTS_A_SECOND, at: now };
        let bucket = self.buckets.entry(account.to_owned()).or_insert(full);
        let passed = now.duration_since(bucket.at).as_secs_f64().max(0.0);
        bucket.tokens = (bucket.tokens + passed * REQUESTS_A_SECOND).min(REQUESTS_A_SECOND);
        bucket.at = now;
        if bucket.tokens < 1.0 {
            return false;
        }
        bucket.tokens -= 1.0;
        true
    }
}
