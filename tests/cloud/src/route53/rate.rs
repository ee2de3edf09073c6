//! Five requests a second for each account, where the switch is on: a bucket on the cloud's clock.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::bucket::Bucket;

/// Requests a second, and how many may come at once (Route 53 quotas: five requests per second per account).
pub const REQUESTS_A_SECOND: f64 = 5.0;

/// The buckets of all accounts.
#[derive(Debug, Default)]
pub struct Rate {
    buckets: BTreeMap<String, Bucket>,
}

impl Rate {
    /// Whether the account may make a request now; it has then made it.
    pub fn take(&mut self, account: &str, now: Timestamp) -> bool {
        self.buckets.entry(account.to_owned()).or_default().take(REQUESTS_A_SECOND, now)
    }
}
