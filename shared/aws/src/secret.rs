//! Reads one secret. The value is never logged: its type has no `Debug` and no `Display`, and errors carry none of it.

use aws_config::SdkConfig;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::ProvideErrorMetadata as _;

/// The text of a secret and the version that it came from. No `Debug`, no `Display`, on purpose.
pub struct SecretText {
    pub text: String,
    /// Changes with each new value; safe to log.
    pub version: String,
}

/// Why a secret cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The secret exists and nobody has put a value into it.
    #[error("the secret has no value yet")]
    Empty,
    #[error("the secret does not exist or is being deleted")]
    Missing,
    #[error("the secret may not be read (secretsmanager:GetSecretValue, or kms:Decrypt on its key)")]
    Denied(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the secret could not be read")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Reads secrets.
#[derive(Clone, Debug)]
pub struct Secrets {
    client: Client,
}

impl Secrets {
    pub fn new(config: &SdkConfig) -> Self {
        Self { client: Client::new(config) }
    }

    /// The current value of a secret.
    ///
    /// # Errors
    /// See [`SecretError`]; Secrets Manager answers `ResourceNotFoundException` for a missing secret and for one without a
    /// value alike, and tells them apart in the message only (`... for staging label: AWSCURRENT`).
    pub async fn read(&self, arn: &str) -> Result<SecretText, SecretError> {
        match self.client.get_secret_value().secret_id(arn).send().await {
            Ok(answer) => match answer.secret_string {
                Some(text) => Ok(SecretText { text, version: answer.version_id.unwrap_or_default() }),
                None => Err(SecretError::Empty),
            },
            Err(error) => Err(match error.code() {
                Some("ResourceNotFoundException")
                    if error.message().is_some_and(|said| said.contains("staging label")) =>
                {
                    SecretError::Empty
                }
                // The model's answer for a secret that is scheduled for deletion.
                Some("ResourceNotFoundException" | "InvalidRequestException") => SecretError::Missing,
                Some("AccessDeniedException" | "DecryptionFailure") => SecretError::Denied(error.into()),
                _ => SecretError::Failed(error.into()),
            }),
        }
    }
}
