//! SNS: topics, subscriptions, filter policies, and a message in the shape that each protocol gives it.
//!
//! It owns topics and what was published to them, and a mailbox for mail. It must never reach off this machine: an endpoint
//! that is not on loopback is refused, mail stays in the mailbox, and text messages and mobile pushes are refused.
//! It sends nothing itself: each delivery is an effect.
//!
//! Reading order: [`topics`], [`subscriptions`], [`publish`], [`envelope`] (what is delivered), [`filter`].

mod envelope;
mod filter;
mod publish;
mod subscriptions;
mod topics;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::call::{Answer, ApiError, Call, Ctx, Need, Place, Service};

use publish::Published;
use subscriptions::Subscription;
use topics::Topic;

/// How many publications and mails are kept to be read back.
const KEPT_MAX: usize = 10_000;
/// Rows of a page of any listing, as the API reference says.
const PAGE: usize = 100;

/// One mail that SNS would have sent.
#[derive(Clone, Debug)]
struct Mail {
    address: String,
    subject: String,
    text: String,
    topic_arn: String,
    at: Timestamp,
}

/// The emulated service.
#[derive(Debug)]
pub struct Sns {
    topics: BTreeMap<String, Topic>,
    /// In the order in which they were made, which is the order of delivery.
    subscriptions: Vec<Subscription>,
    mailbox: VecDeque<Mail>,
    published: VecDeque<Published>,
    endpoint: String,
}

impl Default for Sns {
    fn default() -> Self {
        Self::new()
    }
}

impl Sns {
    pub fn new() -> Self {
        Self {
            topics: BTreeMap::new(),
            subscriptions: Vec::new(),
            mailbox: VecDeque::new(),
            published: VecDeque::new(),
            endpoint: "http://127.0.0.1".to_owned(),
        }
    }

    /// Where this cloud listens, such as `http://127.0.0.1:4566`: links in messages (confirm, unsubscribe) lead there.
    pub fn set_endpoint(&mut self, endpoint: impl Into<String>) {
        self.endpoint = endpoint.into();
    }

    fn topic(&self, arn: &str) -> Result<&Topic, ApiError> {
        self.topics.get(arn).ok_or_else(no_topic)
    }

    /// `_Mailbox {Address?}`: the mail so far, oldest first.
    fn read_mailbox(&self, call: &Call) -> Value {
        let address = call.text("Address");
        let shown: Vec<Value> = self
            .mailbox
            .iter()
            .filter(|mail| address.is_empty() || mail.address == address)
            .map(|mail| {
                json!({
                    "Address": mail.address, "Subject": mail.subject, "Text": mail.text, "TopicArn": mail.topic_arn,
                    "At": mail.at.to_string(),
                })
            })
            .collect();
        json!({"Messages": shown})
    }

    /// `_Messages {TopicArn?}`: what was published so far, oldest first, whether anybody subscribes or not.
    fn read_published(&self, call: &Call) -> Value {
        let topic = call.text("TopicArn");
        let shown: Vec<Value> = self
            .published
            .iter()
            .filter(|one| topic.is_empty() || one.topic_arn == topic)
            .map(Published::show)
            .collect();
        json!({"Messages": shown})
    }
}

fn no_topic() -> ApiError {
    ApiError { status: 404, ..ApiError::client("NotFound", "Topic does not exist") }
}

fn no_subscription() -> ApiError {
    ApiError { status: 404, ..ApiError::client("NotFound", "Subscription does not exist") }
}

/// `InvalidParameter`, in the wording of the service.
fn invalid(what: impl AsRef<str>) -> ApiError {
    ApiError::client("InvalidParameter", format!("Invalid parameter: {}", what.as_ref()))
}

/// One page of rows; the token is the number of the first row that is still to come.
fn page(call: &Call, member: &str, rows: Vec<Value>) -> Answer {
    let token = call.text("NextToken");
    let from = if token.is_empty() { 0 } else { token.parse::<usize>().map_err(|_| invalid("NextToken"))? };
    let more = rows.len() > from.saturating_add(PAGE);
    let mut answer = json!({member: rows.into_iter().skip(from).take(PAGE).collect::<Vec<_>>()});
    if more {
        answer["NextToken"] = json!((from + PAGE).to_string());
    }
    Ok(answer)
}

/// Keeps the newest rows only.
fn keep<T>(rows: &mut VecDeque<T>, row: T) {
    rows.push_back(row);
    if rows.len() > KEPT_MAX {
        rows.pop_front();
    }
}

impl Service for Sns {
    fn call(&mut self, ctx: &mut Ctx<'_>, call: &Call) -> Answer {
        match call.operation.as_str() {
            "CreateTopic" => self.create_topic(ctx, call),
            "DeleteTopic" => self.delete_topic(call),
            "ListTopics" => page(call, "Topics", self.topics.keys().map(|arn| json!({"TopicArn": arn})).collect()),
            "GetTopicAttributes" => self.get_topic_attributes(ctx, call),
            "SetTopicAttributes" => self.set_topic_attributes(call),
            "TagResource" => self.tag_resource(call),
            "UntagResource" => self.untag_resource(call),
            "ListTagsForResource" => self.list_tags(call),
            "Subscribe" => self.subscribe(ctx, call),
            "ConfirmSubscription" => self.confirm_subscription(ctx, call),
            "Unsubscribe" => self.unsubscribe(call),
            "ListSubscriptions" => self.list_subscriptions(ctx, call, None),
            "ListSubscriptionsByTopic" => self.list_subscriptions(ctx, call, Some(call.text("TopicArn"))),
            "GetSubscriptionAttributes" => self.get_subscription_attributes(ctx, call),
            "SetSubscriptionAttributes" => self.set_subscription_attributes(call),
            "Publish" | "_Publish" => self.publish(ctx, &call.input),
            "PublishBatch" => self.publish_batch(ctx, call),
            "_Mailbox" => Ok(self.read_mailbox(call)),
            "_Messages" => Ok(self.read_published(call)),
            other => Err(ApiError::client(
                "UnknownOperationException",
                format!("the local cloud's SNS does not serve {other}"),
            )),
        }
    }

    fn needs(&self, place: &Place, call: &Call) -> Vec<Need> {
        let action = |name: &str| format!("sns:{name}");
        let operation = call.operation.trim_start_matches('_');
        match operation {
            "CreateTopic" => vec![Need::new(action(operation), topics::arn_of(place, call.text("Name")))],
            "TagResource" | "UntagResource" | "ListTagsForResource" => {
                vec![Need::new(action(operation), call.text("ResourceArn"))]
            }
            "Publish" => {
                let topic = call.text("TopicArn");
                let target = if topic.is_empty() { call.text("TargetArn") } else { topic };
                vec![Need::new(action(operation), if target.is_empty() { "*" } else { target })]
            }
            // A batch has no action of its own.
            "PublishBatch" => vec![Need::new("sns:Publish", call.text("TopicArn"))],
            "Subscribe" => {
                let mut need = Need::new(action(operation), call.text("TopicArn"));
                for (key, member) in [("sns:Protocol", "Protocol"), ("sns:Endpoint", "Endpoint")] {
                    need.conditions.push((key.to_owned(), vec![call.text(member).to_owned()]));
                }
                vec![need]
            }
            "DeleteTopic"
            | "GetTopicAttributes"
            | "SetTopicAttributes"
            | "ConfirmSubscription"
            | "ListSubscriptionsByTopic" => {
                vec![Need::new(action(operation), call.text("TopicArn"))]
            }
            // The service authorization reference gives these no resource.
            _ => vec![Need::new(action(operation), "*")],
        }
    }
}
