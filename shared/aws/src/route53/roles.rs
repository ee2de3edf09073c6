//! Other accounts' zones: a client for each role, opened with `AssumeRole` and kept as long as its credentials last.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_config::SdkConfig;
use aws_sdk_route53::Client;
use aws_sdk_route53::config::{Credentials, SharedCredentialsProvider};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

use crate::apprunner::time;
use crate::date::ServerDate;
use crate::error::AwsError;
use crate::lazy::Lazy;

/// The name under which CloudTrail of the other account shows us.
const SESSION: &str = "pitcrew";
/// Credentials are not used in their last minutes: a call must not lose them under way.
const SPARE: SignedDuration = SignedDuration::from_mins(5);

/// Clients by the ARN of their role. Clones share them.
#[derive(Clone)]
pub struct Roles {
    sts: Lazy<aws_sdk_sts::Client>,
    config: SdkConfig,
    date: ServerDate,
    external_id: Option<String>,
    opened: Arc<Mutex<BTreeMap<String, Opened>>>,
}

struct Opened {
    client: Client,
    until: Timestamp,
}

impl Roles {
    pub fn new(config: &SdkConfig, date: &ServerDate, external_id: Option<String>) -> Self {
        let (config_sts, date_sts) = (config.clone(), date.clone());
        let sts = Lazy::new(move || {
            aws_sdk_sts::Client::from_conf(
                aws_sdk_sts::config::Builder::from(&config_sts).interceptor(date_sts).build(),
            )
        });
        Self { sts, config: config.clone(), date: date.clone(), external_id, opened: Arc::default() }
    }

    /// The client of a role.
    pub async fn open(&self, role: &str) -> Result<Client, AwsError> {
        let mut opened = self.opened.lock().await;
        if let Some(held) = opened.get(role).filter(|held| lasts(held.until, self.date.now())) {
            return Ok(held.client.clone());
        }
        let fresh = self.assume(role).await?;
        let client = fresh.client.clone();
        opened.insert(role.to_owned(), fresh);
        Ok(client)
    }

    async fn assume(&self, role: &str) -> Result<Opened, AwsError> {
        const OPERATION: &str = "sts:AssumeRole";
        let call = self.sts.assume_role().role_arn(role).role_session_name(SESSION);
        let answer = call.set_external_id(self.external_id.clone()).send().await;
        let answer = answer.map_err(|error| AwsError::sort(OPERATION, error))?;
        let keys = answer.credentials.ok_or_else(|| AwsError::broken(OPERATION, "the answer holds no credentials"))?;
        let until = time(&keys.expiration);
        // The SDK is not told when they end: it would compare with the machine's clock. We compare with AWS's.
        let token = Some(keys.session_token);
        let keys = Credentials::new(keys.access_key_id, keys.secret_access_key, token, None, "assumed-role");
        let config = aws_sdk_route53::config::Builder::from(&self.config)
            .credentials_provider(SharedCredentialsProvider::new(keys))
            .interceptor(self.date.clone())
            .build();
        Ok(Opened { client: Client::from_conf(config), until })
    }
}

/// Whether credentials may still be used.
fn lasts(until: Timestamp, now: Option<Timestamp>) -> bool {
    now.is_some_and(|now| until.duration_since(now) > SPARE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_given_up_five_minutes_before_their_end() {
        let at = |second: i64| Timestamp::from_second(1_790_000_000 + second).unwrap();
        assert!(lasts(at(3600), Some(at(3299))));
        assert!(!lasts(at(3600), Some(at(3300))));
        assert!(!lasts(at(3600), None), "without AWS's clock nobody knows");
    }
}
