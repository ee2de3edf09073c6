//! The clients of the rollback function and of the operator's command, built once.

use std::sync::{Arc, Mutex, OnceLock};

use aws_config::SdkConfig;
use jiff::{SignedDuration, Timestamp};
use pitcrew_core::service::FingerprintKey;

use crate::date::ServerDate;
use crate::lazy::Lazy;
use crate::secret::Secrets;
use crate::table::Table;
use crate::wake::WakeQueue;

/// For so long a key that could not be read is not asked for again.
const KEYLESS_FOR: SignedDuration = SignedDuration::from_mins(5);

/// Whether the key may be asked for, after a read that failed at `failed_at`.
fn worth_a_try(failed_at: Option<Timestamp>, now: Option<Timestamp>) -> bool {
    failed_at.zip(now).is_none_or(|(failed_at, now)| now.duration_since(failed_at) >= KEYLESS_FOR)
}

/// Where things are: from the template's environment, or from the operator's flags.
#[derive(Clone, Debug)]
pub struct Places {
    pub table: String,
    pub region: String,
    /// The secret that holds the key of the configuration's fingerprints; without it configurations are not compared.
    pub fingerprint_secret: Option<String>,
    pub wake_queue_url: Option<String>,
}

/// One client a service, sharing connections, limits and AWS's clock. What every event needs is there from the start.
#[derive(Clone)]
pub struct Clients {
    pub apprunner: aws_sdk_apprunner::Client,
    pub ecr: Lazy<aws_sdk_ecr::Client>,
    pub cloudwatch: Lazy<aws_sdk_cloudwatch::Client>,
    pub logs: Lazy<aws_sdk_cloudwatchlogs::Client>,
    pub sqs: Lazy<aws_sdk_sqs::Client>,
    pub wakes: WakeQueue,
    pub table: Table,
    pub date: ServerDate,
    pub places: Places,
    secrets: Lazy<Secrets>,
    key: Arc<OnceLock<FingerprintKey>>,
    /// When the key could not be read last.
    keyless_at: Arc<Mutex<Option<Timestamp>>>,
}

impl Clients {
    pub fn new(config: &SdkConfig, places: Places) -> Self {
        let date = ServerDate::default();
        macro_rules! client {
            ($sdk:ident) => {
                $sdk::Client::from_conf($sdk::config::Builder::from(config).interceptor(date.clone()).build())
            };
        }
        macro_rules! later {
            ($sdk:ident) => {{
                let (config, date) = (config.clone(), date.clone());
                Lazy::new(move || {
                    $sdk::Client::from_conf($sdk::config::Builder::from(&config).interceptor(date).build())
                })
            }};
        }
        let dynamodb = client!(aws_sdk_dynamodb);
        let sqs = later!(aws_sdk_sqs);
        let for_secrets = config.clone();
        Self {
            apprunner: client!(aws_sdk_apprunner),
            ecr: later!(aws_sdk_ecr),
            cloudwatch: later!(aws_sdk_cloudwatch),
            logs: later!(aws_sdk_cloudwatchlogs),
            wakes: WakeQueue::new(sqs.clone(), places.wake_queue_url.clone()),
            sqs,
            table: Table::new(dynamodb, &places.table, &places.region),
            secrets: Lazy::new(move || Secrets::new(&for_secrets)),
            key: Arc::default(),
            keyless_at: Arc::default(),
            date,
            places,
        }
    }

    /// The key of the fingerprints: read once a process. Without it configurations are not compared, and that is logged. A
    /// read that failed is not repeated for a while: a sweep must not wait for it at every service.
    pub async fn fingerprint_key(&self) -> Option<&FingerprintKey> {
        if let Some(key) = self.key.get() {
            return Some(key);
        }
        let secret = self.places.fingerprint_secret.as_deref()?;
        let now = self.date.now();
        if !worth_a_try(self.keyless_at.lock().ok().and_then(|at| *at), now) {
            return None;
        }
        match self.secrets.read(secret).await {
            Ok(secret) => Some(self.key.get_or_init(|| FingerprintKey::new(secret.text))),
            Err(error) => {
                if let Ok(mut keyless_at) = self.keyless_at.lock() {
                    *keyless_at = now;
                }
                tracing::warn!(error = %error, "the fingerprint key cannot be read: configurations are not compared");
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_could_not_be_read_is_asked_for_again_after_a_while() {
        let at = |second: i64| Some(Timestamp::from_second(1_790_000_000 + second).unwrap());
        assert!(worth_a_try(None, at(0)));
        assert!(!worth_a_try(at(0), at(299)), "a sweep of many services waits once, not at each of them");
        assert!(worth_a_try(at(0), at(300)));
    }
}
