//! The clients of the rollback function and of the operator's command, built once.

use std::sync::OnceLock;

use aws_config::SdkConfig;
use pitcrew_core::service::FingerprintKey;

use crate::date::ServerDate;
use crate::secret::Secrets;
use crate::table::Table;

/// Where things are: from the template's environment, or from the operator's flags.
#[derive(Clone, Debug)]
pub struct Places {
    pub table: String,
    pub region: String,
    /// The secret that holds the key of the configuration's fingerprints; without it configurations are not compared.
    pub fingerprint_secret: Option<String>,
    pub wake_queue_url: Option<String>,
}

/// One client a service, sharing connections, limits and AWS's clock.
#[derive(Clone)]
pub struct Clients {
    pub apprunner: aws_sdk_apprunner::Client,
    pub ecr: aws_sdk_ecr::Client,
    pub cloudwatch: aws_sdk_cloudwatch::Client,
    pub logs: aws_sdk_cloudwatchlogs::Client,
    pub sqs: aws_sdk_sqs::Client,
    pub table: Table,
    pub date: ServerDate,
    pub places: Places,
    secrets: Secrets,
    key: std::sync::Arc<OnceLock<FingerprintKey>>,
}

impl Clients {
    pub fn new(config: &SdkConfig, places: Places) -> Self {
        let date = ServerDate::default();
        macro_rules! client {
            ($sdk:ident) => {
                $sdk::Client::from_conf($sdk::config::Builder::from(config).interceptor(date.clone()).build())
            };
        }
        let dynamodb = client!(aws_sdk_dynamodb);
        Self {
            apprunner: client!(aws_sdk_apprunner),
            ecr: client!(aws_sdk_ecr),
            cloudwatch: client!(aws_sdk_cloudwatch),
            logs: client!(aws_sdk_cloudwatchlogs),
            sqs: client!(aws_sdk_sqs),
            table: Table::new(dynamodb, &places.table, &places.region),
            secrets: Secrets::new(config),
            key: std::sync::Arc::default(),
            date,
            places,
        }
    }

    /// The key of the fingerprints: read once a process. Without it configurations are not compared, and that is logged.
    pub async fn fingerprint_key(&self) -> Option<&FingerprintKey> {
        if let Some(key) = self.key.get() {
            return Some(key);
        }
        let secret = self.places.fingerprint_secret.as_deref()?;
        match self.secrets.read(secret).await {
            Ok(secret) => Some(self.key.get_or_init(|| FingerprintKey::new(secret.text))),
            Err(error) => {
                tracing::warn!(error = %error, "the fingerprint key cannot be read: configurations are not compared");
                None
            }
        }
    }
}
