//! How pitcrew reaches AWS: one configuration for every client, with its time limits and its retries written down.
//!
//! Reads are tried three times by the SDK. Writes are tried once ([`no_retry`]): a lost answer to a write is *unknown*, and
//! the function settles it by reading, not by writing again.

use std::time::Duration;

pub use aws_config::SdkConfig;
use aws_config::environment::{EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider};
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};

/// Three tries reach over a short throttle; a longer one is the business of the next sweep.
const READ_TRIES: u32 = 3;
const CONNECT: Duration = Duration::from_secs(1);
const ATTEMPT: Duration = Duration::from_secs(3);
const OPERATION: Duration = Duration::from_secs(8);

/// The configuration of a function: region, credentials and endpoint from the environment that Lambda sets, and nothing
/// else: no chain of credential sources is built and no metadata service is asked.
pub async fn sdk_config() -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .region(EnvironmentVariableRegionProvider::new())
        .credentials_provider(EnvironmentVariableCredentialsProvider::new())
        .retry_config(reads())
        .timeout_config(timeouts())
        .load()
        .await
}

/// A configuration for one address with fixed keys: the local cloud, and tests.
pub fn sdk_config_at(endpoint_url: &str, region: &str, access_key: &str, secret_key: &str) -> SdkConfig {
    let keys = Credentials::new(access_key, secret_key, None, None, "fixed");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(endpoint_url)
        .region(Region::new(region.to_owned()))
        .credentials_provider(SharedCredentialsProvider::new(keys))
        .retry_config(reads())
        .timeout_config(timeouts())
        .build()
}

/// For writes: one try.
pub fn no_retry() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(1)
}

fn reads() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(READ_TRIES)
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(ATTEMPT)
        .operation_timeout(OPERATION)
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_client_has_time_limits_and_three_tries_for_reads() {
        let config = sdk_config().await;
        let timeouts = config.timeout_config().unwrap();
        assert_eq!(timeouts.connect_timeout(), Some(CONNECT));
        assert_eq!(timeouts.operation_attempt_timeout(), Some(ATTEMPT));
        assert_eq!(timeouts.operation_timeout(), Some(OPERATION));
        assert_eq!(config.retry_config().unwrap().max_attempts(), READ_TRIES);
    }

    #[test]
    fn a_write_is_tried_once() {
        assert_eq!(no_retry().max_attempts(), 1);
    }
}
