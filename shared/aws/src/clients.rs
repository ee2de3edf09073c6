//! The clients of the rollback function and of the operator's command, built once.

use std::ops::Deref;
use std::sync::{Arc, LazyLock, OnceLock};

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

/// A client that most events do without: built when it is first used, about 0.2 ms later. Clones share it.
#[derive(Clone)]
pub struct Lazy<T>(Arc<LazyLock<T, Box<dyn FnOnce() -> T + Send>>>);

impl<T> Lazy<T> {
    fn new(build: impl FnOnce() -> T + Send + 'static) -> Self {
        Self(Arc::new(LazyLock::new(Box::new(build))))
    }
}

impl<T> Deref for Lazy<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// One client a service, sharing connections, limits and AWS's clock. What every event needs is there from the start.
#[derive(Clone)]
pub struct Clients {
    pub apprunner: aws_sdk_apprunner::Client,
    pub ecr: Lazy<aws_sdk_ecr::Client>,
    pub cloudwatch: Lazy<aws_sdk_cloudwatch::Client>,
    pub logs: Lazy<aws_sdk_cloudwatchlogs::Client>,
    pub sqs: Lazy<aws_sdk_sqs::Client>,
    pub table: Table,
    pub date: ServerDate,
    pub places: Places,
    secrets: Lazy<Secrets>,
    key: Arc<OnceLock<FingerprintKey>>,
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
        let for_secrets = config.clone();
        Self {
            apprunner: client!(aws_sdk_apprunner),
            ecr: later!(aws_sdk_ecr),
            cloudwatch: later!(aws_sdk_cloudwatch),
            logs: later!(aws_sdk_cloudwatchlogs),
            sqs: later!(aws_sdk_sqs),
            table: Table::new(dynamodb, &places.table, &places.region),
            secrets: Lazy::new(move || Secrets::new(&for_secrets)),
            key: Arc::default(),
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
