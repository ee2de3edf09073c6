//! Publishes to SNS topics. One try a call; whether and when to try again is decided by the outbox.

use aws_config::SdkConfig;
use aws_sdk_sns::Client;
use aws_sdk_sns::config::Builder;
use aws_sdk_sns::error::ProvideErrorMetadata as _;
use aws_sdk_sns::operation::publish::builders::PublishFluentBuilder;
use aws_sdk_sns::types::MessageAttributeValue;
use pitcrew_core::render::sns::Publication;

use crate::connect::no_retry;

/// Error codes that the same message will meet again: it, not the topic, is wrong.
const MESSAGE_IS_WRONG: &[&str] = &["InvalidParameter", "InvalidParameterValue", "ValidationException"];

/// Why a message was not published, or why nobody knows.
#[derive(Debug, thiserror::Error)]
#[error("publishing to {topic_arn} failed")]
pub struct PublishError {
    topic_arn: String,
    /// The same message will fail again.
    pub permanent: bool,
    #[source]
    source: Box<dyn std::error::Error + Send + Sync>,
}

/// Publishes.
#[derive(Clone, Debug)]
pub struct Publisher {
    client: Client,
}

impl Publisher {
    pub fn new(config: &SdkConfig) -> Self {
        Self { client: Client::from_conf(Builder::from(config).retry_config(no_retry()).build()) }
    }

    /// Publishes a rendered message; the answer is SNS's message id.
    ///
    /// # Errors
    /// SNS refused, or did not answer: then the message may have been published.
    pub async fn publish(&self, topic_arn: &str, publication: &Publication) -> Result<String, PublishError> {
        let mut request =
            self.client.publish().subject(&publication.subject).message(&publication.body).message_structure("json");
        for (name, attribute) in &publication.attributes {
            let (data_type, value) = attribute.wire();
            let value = MessageAttributeValue::builder().data_type(data_type).string_value(value).build();
            let value = value.map_err(|source| PublishError {
                topic_arn: topic_arn.to_owned(),
                permanent: true,
                source: source.into(),
            })?;
            request = request.message_attributes(*name, value);
        }
        send(topic_arn, request).await
    }

    /// Publishes a text as it is, which is what Amazon Q reads from its topic.
    ///
    /// # Errors
    /// As for [`Publisher::publish`].
    pub async fn publish_text(&self, topic_arn: &str, text: &str) -> Result<String, PublishError> {
        send(topic_arn, self.client.publish().message(text)).await
    }
}

async fn send(topic_arn: &str, request: PublishFluentBuilder) -> Result<String, PublishError> {
    match request.topic_arn(topic_arn).send().await {
        Ok(answer) => Ok(answer.message_id.unwrap_or_default()),
        Err(error) => {
            let permanent = error.code().is_some_and(|code| MESSAGE_IS_WRONG.contains(&code));
            Err(PublishError { topic_arn: topic_arn.to_owned(), permanent, source: error.into() })
        }
    }
}
