//! The outbox's rows in DynamoDB, and the Slack threads of incidents beside them.
//!
//! A row is *claimed* before anything is sent: one conditional update that moves `not_before_ms` past the claim and counts
//! `attempts`, which from then on is the claim's token. Whoever does not get the claim leaves the row alone. Writes are
//! tried once; a claim whose answer was lost ends by itself.

use std::collections::HashMap;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Builder;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use jiff::Timestamp;
use pitcrew_core::outbox::{CLAIM, OutboxRow, UNSENT};
use serde::{Deserialize, Serialize};

use crate::connect::no_retry;
use crate::date::ServerDate;

/// The index over unsent rows: `open_pk`, `open_sk`.
pub const INDEX: &str = "open";

/// The value of `open_pk` of a row that cannot be read: out of the sweep's way and still to be found.
pub const QUARANTINED: &str = "QUARANTINED";

/// Rows of one page of the sweep.
const PAGE_ROWS: i32 = 25;

const CLAIM_CONDITION: &str = "open_pk = :unsent AND (attribute_not_exists(not_before_ms) OR not_before_ms <= :now)";
const CLAIM_UPDATE: &str = "SET not_before_ms = :until ADD attempts :one";
const MINE_CONDITION: &str = "attempts = :mine";

/// A call that failed, or whose answer was lost.
#[derive(Debug, thiserror::Error)]
#[error("the outbox could not be reached ({operation})")]
pub struct OutboxError {
    operation: &'static str,
    #[source]
    source: Box<dyn std::error::Error + Send + Sync>,
}

/// Where a row stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    pub pk: String,
    pub sk: String,
}

/// What became of a claim.
#[derive(Clone, Debug)]
pub enum Claim {
    /// The row is ours until the claim ends.
    Mine(Box<OutboxRow>),
    /// Sent already, claimed by somebody else, or waiting for its time.
    NotNow,
    /// The row is ours and cannot be read: what is wrong with it.
    Unreadable(String),
}

/// One page of unsent rows.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// Rows whose time has come, as far as the index knows.
    pub due: Vec<Key>,
    /// When the oldest unsent row of the page was told to the outbox, whether it is due or not.
    pub oldest: Option<Timestamp>,
    /// Where the next page begins; opaque.
    pub next: Option<NextPage>,
}

/// Where the next page begins.
#[derive(Clone, Debug)]
pub struct NextPage(HashMap<String, AttributeValue>);

/// The Slack thread of an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thread {
    /// The channel's id as Slack answered it.
    pub channel: String,
    /// The head of the thread.
    pub ts: String,
    /// The time of the notice that the head shows (milliseconds since the epoch).
    pub shown_at_ms: i64,
    /// The blocks that the head began with, as JSON: a rewritten head keeps them.
    #[serde(default)]
    pub first_blocks: String,
    /// When DynamoDB may delete the row (seconds since the epoch).
    pub expires_at: i64,
}

/// The outbox of one table.
#[derive(Clone, Debug)]
pub struct Outbox {
    client: Client,
    table: String,
    date: ServerDate,
}

impl Outbox {
    pub fn new(config: &SdkConfig, table: impl Into<String>) -> Self {
        let date = ServerDate::default();
        let config = Builder::from(config).interceptor(date.clone()).build();
        Self { client: Client::from_conf(config), table: table.into(), date }
    }

    /// AWS's clock, as far as this outbox has seen it.
    pub fn date(&self) -> &ServerDate {
        &self.date
    }

    /// Claims a row for [`CLAIM`].
    ///
    /// # Errors
    /// The call failed, or its answer was lost: then the row may be claimed until the claim ends.
    pub async fn claim(&self, key: &Key, now: Timestamp) -> Result<Claim, OutboxError> {
        let until = now.saturating_add(CLAIM).unwrap_or(Timestamp::MAX);
        let answer = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(&key.pk))
            .key("sk", text(&key.sk))
            .condition_expression(CLAIM_CONDITION)
            .update_expression(CLAIM_UPDATE)
            .expression_attribute_values(":unsent", text(UNSENT))
            .expression_attribute_values(":now", number(now.as_millisecond()))
            .expression_attribute_values(":until", number(until.as_millisecond()))
            .expression_attribute_values(":one", number(1))
            .return_values(ReturnValue::AllNew)
            .customize()
            .config_override(aws_sdk_dynamodb::config::Config::builder().retry_config(no_retry()))
            .send()
            .await;
        match answer {
            Ok(answer) => match serde_dynamo::from_item(answer.attributes.unwrap_or_default()) {
                Ok(row) => Ok(Claim::Mine(Box::new(row))),
                Err(error) => Ok(Claim::Unreadable(error.to_string())),
            },
            Err(error) if is_condition(&error) => Ok(Claim::NotNow),
            Err(error) => Err(failed("claim", error)),
        }
    }

    /// Records what became of a row that we hold. `false`: the claim has ended and somebody else holds the row now.
    ///
    /// # Errors
    /// The call failed, or its answer was lost: the row is sent again when the claim ends.
    pub async fn record(&self, row: &OutboxRow) -> Result<bool, OutboxError> {
        let channels: AttributeValue =
            serde_dynamo::to_attribute_value(&row.channels).map_err(|error| failed("record", error))?;
        let mut update = "SET channels = :channels".to_owned();
        let mut remove = Vec::new();
        let mut request = self.client.update_item();
        match row.not_before_ms {
            Some(until) => {
                update.push_str(", not_before_ms = :until");
                request = request.expression_attribute_values(":until", number(until));
            }
            None => remove.push("not_before_ms"),
        }
        if row.open_pk.is_none() {
            remove.extend(["open_pk", "open_sk"]);
        }
        if !remove.is_empty() {
            update = format!("{update} REMOVE {}", remove.join(", "));
        }
        let answer = request
            .table_name(&self.table)
            .key("pk", text(&row.pk))
            .key("sk", text(&row.sk))
            .condition_expression(MINE_CONDITION)
            .update_expression(update)
            .expression_attribute_values(":mine", number(row.attempts.into()))
            .expression_attribute_values(":channels", channels)
            .customize()
            .config_override(aws_sdk_dynamodb::config::Config::builder().retry_config(no_retry()))
            .send()
            .await;
        held("record", answer)
    }

    /// Takes a row that cannot be read out of the sweep's way. It stays in the table, under [`QUARANTINED`] in the index.
    ///
    /// # Errors
    /// The call failed: the sweep finds the row again.
    pub async fn quarantine(&self, key: &Key) -> Result<bool, OutboxError> {
        let answer = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(&key.pk))
            .key("sk", text(&key.sk))
            .condition_expression("open_pk = :unsent")
            .update_expression("SET open_pk = :quarantined")
            .expression_attribute_values(":unsent", text(UNSENT))
            .expression_attribute_values(":quarantined", text(QUARANTINED))
            .customize()
            .config_override(aws_sdk_dynamodb::config::Config::builder().retry_config(no_retry()))
            .send()
            .await;
        held("quarantine", answer)
    }

    /// Writes a row unless it is there. `false`: it was there, and nothing was changed.
    ///
    /// # Errors
    /// The call failed, or its answer was lost.
    pub async fn put_new(&self, row: &OutboxRow) -> Result<bool, OutboxError> {
        let item: HashMap<String, AttributeValue> = serde_dynamo::to_item(row).map_err(|error| failed("put", error))?;
        self.put_if_absent("put", item).await
    }

    /// A page of unsent rows, oldest first. The index lags behind the table; the claim decides.
    ///
    /// # Errors
    /// The call failed.
    pub async fn unsent(&self, from: Option<NextPage>) -> Result<Page, OutboxError> {
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(INDEX)
            .key_condition_expression("open_pk = :unsent")
            .expression_attribute_values(":unsent", text(UNSENT))
            .limit(PAGE_ROWS)
            .set_exclusive_start_key(from.map(|page| page.0))
            .send()
            .await
            .map_err(|error| failed("query", error))?;
        let now = self.date.now();
        let items = answer.items.unwrap_or_default();
        let oldest = items.iter().filter_map(told_at).min();
        let due = items.iter().filter(|item| is_due(item, now)).filter_map(key_of).collect();
        Ok(Page { due, oldest, next: answer.last_evaluated_key.map(NextPage) })
    }

    /// The Slack thread of an incident, strongly consistent.
    ///
    /// # Errors
    /// The call failed. A thread row that cannot be read counts as none: a new thread is better than none.
    pub async fn thread(&self, incident: &str) -> Result<Option<Thread>, OutboxError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .key("pk", text(&thread_pk(incident)))
            .key("sk", text("SLACK"))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| failed("read the thread", error))?;
        Ok(answer.item.and_then(|item| serde_dynamo::from_item(item).ok()))
    }

    /// Keeps a new thread. `false`: the incident has one already, and that one stays.
    ///
    /// # Errors
    /// The call failed, or its answer was lost: the incident may get a second thread.
    pub async fn keep_thread(&self, incident: &str, thread: &Thread) -> Result<bool, OutboxError> {
        let mut item: HashMap<String, AttributeValue> =
            serde_dynamo::to_item(thread).map_err(|error| failed("keep the thread", error))?;
        item.insert("pk".to_owned(), text(&thread_pk(incident)));
        item.insert("sk".to_owned(), text("SLACK"));
        self.put_if_absent("keep the thread", item).await
    }

    /// Notes that the head of a thread shows a newer notice now. `false`: it shows a still newer one.
    ///
    /// # Errors
    /// The call failed: an older notice may be shown once more.
    pub async fn thread_shows(&self, incident: &str, shown_at_ms: i64) -> Result<bool, OutboxError> {
        let answer = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(&thread_pk(incident)))
            .key("sk", text("SLACK"))
            .condition_expression("shown_at_ms < :shown")
            .update_expression("SET shown_at_ms = :shown")
            .expression_attribute_values(":shown", number(shown_at_ms))
            .customize()
            .config_override(aws_sdk_dynamodb::config::Config::builder().retry_config(no_retry()))
            .send()
            .await;
        held("note what the thread shows", answer)
    }

    async fn put_if_absent(
        &self,
        operation: &'static str,
        item: HashMap<String, AttributeValue>,
    ) -> Result<bool, OutboxError> {
        let answer = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk)")
            .customize()
            .config_override(aws_sdk_dynamodb::config::Config::builder().retry_config(no_retry()))
            .send()
            .await;
        held(operation, answer)
    }
}

/// Whether a conditional write took place.
fn held<T, E, R>(operation: &'static str, answer: Result<T, SdkError<E, R>>) -> Result<bool, OutboxError>
where
    E: std::error::Error + aws_sdk_dynamodb::error::ProvideErrorMetadata + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    match answer {
        Ok(_) => Ok(true),
        Err(error) if is_condition(&error) => Ok(false),
        Err(error) => Err(failed(operation, error)),
    }
}

fn is_condition<E, R>(error: &SdkError<E, R>) -> bool
where
    E: aws_sdk_dynamodb::error::ProvideErrorMetadata,
{
    error.as_service_error().and_then(|error| error.code()) == Some("ConditionalCheckFailedException")
}

fn failed(operation: &'static str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> OutboxError {
    OutboxError { operation, source: source.into() }
}

fn thread_pk(incident: &str) -> String {
    format!("THREAD#{incident}")
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn number(number: i64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

fn key_of(item: &HashMap<String, AttributeValue>) -> Option<Key> {
    let member = |name: &str| item.get(name)?.as_s().ok().cloned();
    Some(Key { pk: member("pk")?, sk: member("sk")? })
}

/// The time that the sort key begins with.
fn told_at(item: &HashMap<String, AttributeValue>) -> Option<Timestamp> {
    key_of(item)?.sk.split_once('#')?.0.parse().ok()
}

/// Whether a row of the index is worth a claim. An index that does not hold the time leaves that to the claim.
fn is_due(item: &HashMap<String, AttributeValue>, now: Option<Timestamp>) -> bool {
    let until: Option<i64> = item.get("not_before_ms").and_then(|at| at.as_n().ok()).and_then(|at| at.parse().ok());
    match (until, now) {
        (Some(until), Some(now)) => until <= now.as_millisecond(),
        _ => true,
    }
}
