//! What only the operator's command asks of AWS: credentials as a person has them, who that is, where the stack keeps its
//! state, and single reads for `explain` and `doctor`. Nothing here writes, and no function is built with it.

use std::collections::BTreeMap;
use std::time::Duration;

pub use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_dynamodb::config::ProvideCredentials as _;
use aws_sdk_dynamodb::types::{AttributeValue, IndexStatus, KeyType, TableDescription, TableStatus};
use aws_sdk_sqs::types::QueueAttributeName;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use jiff::{SignedDuration, Timestamp};
use pitcrew_core::id::ServiceArn;
use pitcrew_core::incident::Incident;
use pitcrew_core::receipt::Receipt;

use crate::error::AwsError;
use crate::table::{Table, key, read, service_key};

/// A person may sit behind a VPN or a proxy: more patience than a function has.
const CONNECT: Duration = Duration::from_secs(5);
const ATTEMPT: Duration = Duration::from_secs(10);
const OPERATION: Duration = Duration::from_secs(30);
const READ_TRIES: u32 = 3;
/// Receipts of one incident that are read at the most; a long story has thirty.
const RECEIPTS_MAX: i32 = 500;

/// Where to reach AWS; what is not given comes from the environment and the profile, as for the AWS CLI.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    pub region: Option<String>,
    pub profile: Option<String>,
    /// An address for all services, such as the local cloud's.
    pub endpoint_url: Option<String>,
}

/// The configuration of a person's shell: profiles, SSO, `credential_process`, the environment, and the proxy that it names.
pub async fn operator_config(reach: &Reach) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(ATTEMPT)
        .operation_timeout(OPERATION)
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http_client(ProxyConfig::from_env()))
        .retry_config(RetryConfig::standard().with_max_attempts(READ_TRIES))
        .timeout_config(timeouts);
    if let Some(region) = &reach.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(profile) = &reach.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(url) = &reach.endpoint_url {
        loader = loader.endpoint_url(url);
    }
    loader.load().await
}

/// The one client that everything goes through, an audit's wire too: the proxy stands in `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`
/// and `NO_PROXY`, and the time to connect is each caller's own, as a search for credentials waits less than [`CONNECT`].
fn http_client(proxy: ProxyConfig) -> SharedHttpClient {
    Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = Connector::builder().proxy_config(proxy.clone());
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(|components| components.sleep_impl()));
        connector.tls_provider(Provider::Rustls(CryptoMode::AwsLc)).build()
    })
}

/// The region of a configuration, where there is one.
pub fn region(config: &SdkConfig) -> Option<String> {
    config.region().map(ToString::to_string)
}

/// There are no credentials, or their source failed.
#[derive(Debug, thiserror::Error)]
#[error("no usable AWS credentials were found")]
pub struct NoCredentials(#[source] pub Option<Box<dyn std::error::Error + Send + Sync>>);

/// Finds out early whether there are credentials, so that their absence is told as what it is.
pub async fn observe_credentials(config: &SdkConfig) -> Result<(), NoCredentials> {
    let provider = config.credentials_provider().ok_or(NoCredentials(None))?;
    match provider.provide_credentials().await {
        Ok(_) => Ok(()),
        Err(error) => Err(NoCredentials(Some(Box::new(error)))),
    }
}

/// Whose credentials these are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub account: String,
    pub arn: String,
}

/// `GetCallerIdentity`: needs no permission.
pub async fn observe_identity(config: &SdkConfig) -> Result<Identity, AwsError> {
    let answer = aws_sdk_sts::Client::new(config).get_caller_identity().send().await;
    let answer = answer.map_err(|error| AwsError::sort("sts:GetCallerIdentity", error))?;
    Ok(Identity { account: answer.account.unwrap_or_default(), arn: answer.arn.unwrap_or_default() })
}

/// The environment of a deployed function: the stack's settings as the function itself reads them.
pub async fn observe_function(config: &SdkConfig, name: &str) -> Result<BTreeMap<String, String>, AwsError> {
    let call = aws_sdk_lambda::Client::new(config).get_function_configuration().function_name(name);
    let answer = call.send().await.map_err(|error| AwsError::sort("lambda:GetFunctionConfiguration", error))?;
    Ok(answer.environment.and_then(|environment| environment.variables).unwrap_or_default().into_iter().collect())
}

/// About how many messages wait in a queue.
pub async fn observe_queue(client: &aws_sdk_sqs::Client, url: &str) -> Result<String, AwsError> {
    let call = client.get_queue_attributes().queue_url(url);
    let call = call.attribute_names(QueueAttributeName::ApproximateNumberOfMessages);
    let answer = call.send().await.map_err(|error| AwsError::sort("sqs:GetQueueAttributes", error))?;
    let attributes = answer.attributes.unwrap_or_default();
    Ok(attributes.get(&QueueAttributeName::ApproximateNumberOfMessages).cloned().unwrap_or_default())
}

/// What `DescribeTable` says, as far as pitcrew needs it; each problem in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableHealth {
    /// Wrong with the table itself: its status, its key.
    pub table: Vec<String>,
    /// Wrong with the index `open`.
    pub index: Vec<String>,
    /// Wrong with the stream that feeds `notify`.
    pub stream: Vec<String>,
}

impl Table {
    /// The table's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Looks at the table's shape.
    pub async fn observe_health(&self) -> Result<TableHealth, AwsError> {
        const OPERATION: &str = "dynamodb:DescribeTable";
        let answer = self.client.describe_table().table_name(&self.name).send().await;
        let answer = answer.map_err(|error| AwsError::sort(OPERATION, error))?;
        answer.table.as_ref().map(health).ok_or_else(|| AwsError::broken(OPERATION, "the answer holds no table"))
    }

    /// An incident that is closed; `None` where there is none of this id, or it is still open.
    pub async fn closed_incident(&self, arn: &ServiceArn, id: &str) -> Result<Option<Incident>, AwsError> {
        let key = key(&service_key(arn), &format!("CLOSED#{id}"));
        let call = self.client.get_item().table_name(&self.name).set_key(Some(key)).consistent_read(true);
        let answer = call.send().await.map_err(|error| AwsError::sort("dynamodb:GetItem", error))?;
        answer.item.as_ref().map(read).transpose()
    }

    /// The receipts of a service that were written from one moment to another, both included, oldest first.
    pub async fn receipts_between(
        &self,
        arn: &ServiceArn,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Receipt>, AwsError> {
        // Whole seconds without their `Z` sort before everything inside that second.
        let second = |at: Timestamp| AttributeValue::S(format!("RECEIPT#{}", at.strftime("%Y-%m-%dT%H:%M:%S")));
        let call = self.client.query().table_name(&self.name).consistent_read(true).limit(RECEIPTS_MAX);
        let call = call.key_condition_expression("pk = :pk AND sk BETWEEN :from AND :until");
        let call = call.expression_attribute_values(":pk", AttributeValue::S(service_key(arn)));
        let call = call.expression_attribute_values(":from", second(from));
        let call = call.expression_attribute_values(":until", second(until + SignedDuration::from_secs(1)));
        let answer = call.send().await.map_err(|error| AwsError::sort("dynamodb:Query", error))?;
        answer.items.unwrap_or_default().iter().map(read).collect()
    }
}

fn health(table: &TableDescription) -> TableHealth {
    let mut health = TableHealth::default();
    match &table.table_status {
        Some(TableStatus::Active | TableStatus::Updating) => {}
        other => health.table.push(format!("its status is {}", other.as_ref().map_or("unknown", TableStatus::as_str))),
    }
    let named = |schema: &[aws_sdk_dynamodb::types::KeySchemaElement], kind: &KeyType, name: &str| {
        schema.iter().any(|element| &element.key_type == kind && element.attribute_name == name)
    };
    if !(named(table.key_schema(), &KeyType::Hash, "pk") && named(table.key_schema(), &KeyType::Range, "sk")) {
        health.table.push("its key is not `pk` and `sk`: this is no table of pitcrew's".to_owned());
    }
    let open = table.global_secondary_indexes().iter().find(|index| index.index_name.as_deref() == Some("open"));
    match open {
        None => health.index.push("the table has no index `open`".to_owned()),
        Some(index) => {
            let schema = index.key_schema();
            if !(named(schema, &KeyType::Hash, "open_pk") && named(schema, &KeyType::Range, "open_sk")) {
                health.index.push("its key is not `open_pk` and `open_sk`".to_owned());
            }
            if !matches!(&index.index_status, Some(IndexStatus::Active | IndexStatus::Updating)) {
                let status = index.index_status.as_ref().map_or("unknown", IndexStatus::as_str);
                health.index.push(format!("its status is {status}"));
            }
        }
    }
    let streams = table.stream_specification.as_ref().is_some_and(|stream| stream.stream_enabled);
    if !streams {
        health.stream.push("the table has no stream: notices wait for the schedule of `notify`".to_owned());
    }
    health
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::{GlobalSecondaryIndexDescription, KeySchemaElement, StreamSpecification};

    use super::*;

    fn schema(hash: &str, range: &str) -> Vec<KeySchemaElement> {
        let element =
            |name: &str, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap();
        vec![element(hash, KeyType::Hash), element(range, KeyType::Range)]
    }

    fn table() -> aws_sdk_dynamodb::types::builders::TableDescriptionBuilder {
        let index = GlobalSecondaryIndexDescription::builder()
            .index_name("open")
            .index_status(IndexStatus::Active)
            .set_key_schema(Some(schema("open_pk", "open_sk")))
            .build();
        TableDescription::builder()
            .table_status(TableStatus::Active)
            .set_key_schema(Some(schema("pk", "sk")))
            .global_secondary_indexes(index)
            .stream_specification(StreamSpecification::builder().stream_enabled(true).build().unwrap())
    }

    #[test]
    fn a_table_as_the_template_makes_it_has_nothing_wrong() {
        assert_eq!(health(&table().build()), TableHealth::default());
    }

    #[test]
    fn a_table_of_somebody_else_is_recognized() {
        let other = table()
            .table_status(TableStatus::Deleting)
            .set_key_schema(Some(schema("id", "sk")))
            .set_global_secondary_indexes(None)
            .set_stream_specification(None)
            .build();
        let found = health(&other);
        assert_eq!(
            found.table,
            ["its status is DELETING", "its key is not `pk` and `sk`: this is no table of pitcrew's"]
        );
        assert_eq!(found.index, ["the table has no index `open`"]);
        assert_eq!(found.stream.len(), 1);
    }
}
