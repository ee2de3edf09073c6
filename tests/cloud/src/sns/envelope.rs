//! The shapes in which SNS delivers: the JSON envelope, the raw form, the HTTP headers, Lambda's record.
//! Source: the developer guide's pages on message formats and on parsing HTTP requests from SNS.
//! The signature is not one: the local cloud has no key of AWS, so `Signature` says what it is.

use jiff::{Timestamp, tz};
use serde_json::{Map, Value, json};

use crate::call::Ctx;
use crate::effect::Effect;

use super::subscriptions::Subscription;

/// Base64 of `the local cloud does not sign`.
const NO_SIGNATURE: &str = "dGhlIGxvY2FsIGNsb3VkIGRvZXMgbm90IHNpZ24=";

/// What is delivered to one subscription.
#[derive(Clone, Debug)]
pub struct Message {
    kind: &'static str,
    pub id: String,
    pub topic_arn: String,
    pub subject: Option<String>,
    pub text: String,
    /// `name -> {DataType, StringValue | BinaryValue}` as published.
    pub attributes: Map<String, Value>,
    at: Timestamp,
    /// The token, in a request for confirmation.
    token: Option<String>,
}

impl Message {
    pub fn notification(
        id: &str,
        topic_arn: &str,
        subject: Option<&str>,
        text: &str,
        attributes: &Map<String, Value>,
        at: Timestamp,
    ) -> Self {
        Self {
            kind: "Notification",
            id: id.to_owned(),
            topic_arn: topic_arn.to_owned(),
            subject: subject.map(str::to_owned),
            text: text.to_owned(),
            attributes: attributes.clone(),
            at,
            token: None,
        }
    }

    pub fn confirmation(ctx: &mut Ctx<'_>, topic_arn: &str, token: &str) -> Self {
        Self {
            kind: "SubscriptionConfirmation",
            id: ctx.ids.uuid(),
            topic_arn: topic_arn.to_owned(),
            subject: None,
            text: format!(
                "You have chosen to subscribe to the topic {topic_arn}.\n\
                 To confirm the subscription, visit the SubscribeURL included in this message."
            ),
            attributes: Map::new(),
            at: ctx.now,
            token: Some(token.to_owned()),
        }
    }

    fn timestamp(&self) -> String {
        let utc = tz::TimeZone::UTC.to_datetime(self.at);
        format!("{}.{:03}Z", utc.strftime("%Y-%m-%dT%H:%M:%S"), utc.millisecond())
    }

    /// Attributes in the envelope: `name -> {Type, Value}`.
    fn shown_attributes(&self) -> Value {
        let show = |attribute: &Value| {
            let value = attribute.get("StringValue").filter(|v| !v.is_null()).unwrap_or(&attribute["BinaryValue"]);
            json!({"Type": attribute["DataType"], "Value": value})
        };
        self.attributes.iter().map(|(name, attribute)| (name.clone(), show(attribute))).collect::<Map<_, _>>().into()
    }

    /// The JSON document that a queue or an HTTP endpoint gets.
    fn document(&self, cloud: &str, subscription: &Subscription) -> Value {
        let mut shown = json!({"Type": self.kind, "MessageId": self.id});
        if let Some(token) = &self.token {
            shown["Token"] = json!(token);
        }
        shown["TopicArn"] = json!(self.topic_arn);
        if let Some(subject) = &self.subject {
            shown["Subject"] = json!(subject);
        }
        shown["Message"] = json!(self.text);
        if let Some(token) = &self.token {
            shown["SubscribeURL"] =
                json!(format!("{cloud}/?Action=ConfirmSubscription&TopicArn={}&Token={token}", self.topic_arn));
        }
        shown["Timestamp"] = json!(self.timestamp());
        shown["SignatureVersion"] = json!("1");
        shown["Signature"] = json!(NO_SIGNATURE);
        shown["SigningCertURL"] = json!(format!("{cloud}/SimpleNotificationService-none.pem"));
        if self.token.is_none() {
            shown["UnsubscribeURL"] = json!(unsubscribe_url(cloud, subscription));
        }
        if !self.attributes.is_empty() {
            shown["MessageAttributes"] = self.shown_attributes();
        }
        shown
    }
}

fn unsubscribe_url(cloud: &str, subscription: &Subscription) -> String {
    format!("{cloud}/?Action=Unsubscribe&SubscriptionArn={}", subscription.arn)
}

/// An HTTP delivery. `cloud` is where the local cloud listens.
pub fn post(cloud: &str, subscription: &Subscription, message: &Message) -> Effect {
    let raw = subscription.settings.raw && message.token.is_none();
    let mut headers = vec![
        ("x-amz-sns-message-type".to_owned(), message.kind.to_owned()),
        ("x-amz-sns-message-id".to_owned(), message.id.clone()),
        ("x-amz-sns-topic-arn".to_owned(), message.topic_arn.clone()),
    ];
    if message.token.is_none() {
        headers.push(("x-amz-sns-subscription-arn".to_owned(), subscription.arn.clone()));
    }
    if raw {
        headers.push(("x-amz-sns-rawdelivery".to_owned(), "true".to_owned()));
    }
    headers.push(("content-type".to_owned(), "text/plain; charset=UTF-8".to_owned()));
    headers.push(("user-agent".to_owned(), "Amazon Simple Notification Service Agent".to_owned()));
    let body = if raw { message.text.clone() } else { message.document(cloud, subscription).to_string() };
    Effect::Post { url: subscription.endpoint.clone(), headers, body }
}

/// A delivery into a queue. Raw delivery turns message attributes into the queue's.
pub fn send(cloud: &str, subscription: &Subscription, message: &Message) -> Effect {
    let raw = subscription.settings.raw;
    let text = |attribute: &Value| {
        let value = attribute["StringValue"].as_str().or_else(|| attribute["BinaryValue"].as_str());
        value.unwrap_or_default().to_owned()
    };
    let attributes = if raw {
        message.attributes.iter().map(|(name, attribute)| (name.clone(), text(attribute))).collect()
    } else {
        Vec::new()
    };
    let body = if raw { message.text.clone() } else { message.document(cloud, subscription).to_string() };
    Effect::Send { queue_arn: subscription.endpoint.clone(), body, attributes }
}

/// An invocation of a function with one record.
pub fn invoke(cloud: &str, subscription: &Subscription, message: &Message) -> Effect {
    let payload = json!({"Records": [{
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": subscription.arn,
        "Sns": {
            "Type": message.kind,
            "MessageId": message.id,
            "TopicArn": message.topic_arn,
            "Subject": message.subject,
            "Message": message.text,
            "Timestamp": message.timestamp(),
            "SignatureVersion": "1",
            "Signature": NO_SIGNATURE,
            "SigningCertUrl": format!("{cloud}/SimpleNotificationService-none.pem"),
            "UnsubscribeUrl": unsubscribe_url(cloud, subscription),
            "MessageAttributes": message.shown_attributes(),
        },
    }]});
    Effect::Invoke { function_arn: subscription.endpoint.clone(), payload, cause: format!("sns {}", message.topic_arn) }
}

/// The text of an `email-json` mail.
pub fn mail_json(cloud: &str, subscription: &Subscription, message: &Message) -> String {
    message.document(cloud, subscription).to_string()
}
