//! How pitcrew reaches AWS: one configuration for every client, with its time limits and its retries written down.
//!
//! Reads are tried three times by the SDK. Writes are tried once ([`no_retry`]): a lost answer to a write is *unknown*, and
//! the function settles it by reading, not by writing again.

use std::time::Duration;

pub use aws_config::SdkConfig;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};

use crate::https::{CONNECT, Https};

/// Three tries reach over a short throttle; a longer one is the business of the next sweep.
const READ_TRIES: u32 = 3;
const ATTEMPT: Duration = Duration::from_secs(3);
const OPERATION: Duration = Duration::from_secs(8);

/// The configuration of a function, from the environment that Lambda sets and nothing else: region (`AWS_REGION`), keys
/// (`AWS_ACCESS_KEY_ID`, ...), and where they are set an endpoint (`AWS_ENDPOINT_URL`) and the kind of endpoints
/// (`AWS_USE_FIPS_ENDPOINT`, `AWS_USE_DUALSTACK_ENDPOINT`, `true` or `false`).
///
/// The chains of `aws_config::load` are not used on purpose: they look for profiles on the disk and can ask metadata
/// services, none of which a function has, and the code for all that would be linked into it.
pub fn sdk_config(https: &Https) -> SdkConfig {
    from_variables(https, |name| std::env::var(name).ok().filter(|value| !value.is_empty()))
}

fn from_variables(https: &Https, variable: impl Fn(&str) -> Option<String>) -> SdkConfig {
    let switch = |name: &str| variable(name).map(|value| value.eq_ignore_ascii_case("true"));
    let keys = EnvironmentVariableCredentialsProvider::new();
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(https.sdk())
        .region(variable("AWS_REGION").map(Region::new))
        .credentials_provider(SharedCredentialsProvider::new(keys))
        .retry_config(reads())
        .timeout_config(timeouts());
    config.set_endpoint_url(variable("AWS_ENDPOINT_URL"));
    config.set_use_fips(switch("AWS_USE_FIPS_ENDPOINT"));
    config.set_use_dual_stack(switch("AWS_USE_DUALSTACK_ENDPOINT"));
    config.build()
}

/// A configuration for one address with fixed keys: the local cloud, and tests.
pub fn sdk_config_at(endpoint_url: &str, region: &str, access_key: &str, secret_key: &str) -> SdkConfig {
    let keys = Credentials::new(access_key, secret_key, None, None, "fixed");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(Https::new().sdk())
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

/// For reads: three tries.
pub fn reads() -> RetryConfig {
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

    fn with(variables: &[(&str, &str)]) -> SdkConfig {
        from_variables(&Https::new(), |name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn every_client_has_time_limits_and_three_tries_for_reads() {
        let config = with(&[]);
        let timeouts = config.timeout_config().unwrap();
        assert_eq!(timeouts.connect_timeout(), Some(CONNECT));
        assert_eq!(timeouts.operation_attempt_timeout(), Some(ATTEMPT));
        assert_eq!(timeouts.operation_timeout(), Some(OPERATION));
        assert_eq!(config.retry_config().unwrap().max_attempts(), READ_TRIES);
    }

    #[test]
    fn the_variables_that_lambda_and_the_local_cloud_set_are_taken() {
        let config = with(&[
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:4566"),
            ("AWS_USE_FIPS_ENDPOINT", "true"),
        ]);
        assert_eq!(config.region().map(Region::as_ref), Some("eu-west-1"));
        assert_eq!(config.endpoint_url(), Some("http://127.0.0.1:4566"));
        assert_eq!((config.use_fips(), config.use_dual_stack()), (Some(true), None));
    }

    #[test]
    fn without_an_endpoint_the_sdks_own_is_used() {
        assert_eq!(with(&[("AWS_REGION", "eu-west-1")]).endpoint_url(), None);
    }

    #[test]
    fn a_write_is_tried_once() {
        assert_eq!(no_retry().max_attempts(), 1);
    }
}
