//! Publishing: the checks of a message, the text for each protocol, and who gets it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::call::{Answer, ApiError, Call, Ctx};

use super::envelope::{self, Message};
use super::subscriptions::{Protocol, Subscription, delivery};
use super::{Mail, Sns, invalid, keep};

/// The greatest size of a message with its attributes.
const MESSAGE_BYTES_MAX: usize = 256 * 1024;
/// The model says "less than 100 characters", and the live service takes the hundredth.
const SUBJECT_CHARS_MAX: usize = 100;
const BATCH_MAX: usize = 10;
/// The subject of a mail whose message has none.
const DEFAULT_SUBJECT: &str = "AWS Notification Message";

/// One publication, as it came in.
#[derive(Clone, Debug)]
pub struct Published {
    pub topic_arn: String,
    id: String,
    input: Value,
    at: Timestamp,
}

impl Published {
    /// A row of `_Messages`.
    pub fn show(&self) -> Value {
        json!({
            "MessageId": self.id,
            "TopicArn": self.topic_arn,
            "Subject": self.input["Subject"],
            "Message": self.input["Message"],
            "MessageStructure": self.input["MessageStructure"],
            "MessageAttributes": self.input["MessageAttributes"],
            "At": self.at.to_string(),
        })
    }
}

/// The text of a message: one for all, or one by protocol.
enum Text {
    Plain(String),
    ByProtocol { default: String, own: Map<String, Value> },
}

impl Text {
    fn read(input: &Value) -> Result<Self, ApiError> {
        let message = input["Message"].as_str().unwrap_or_default();
        if message.is_empty() {
            return Err(invalid("Empty message"));
        }
        match input["MessageStructure"].as_str() {
            None | Some("") => return Ok(Self::Plain(message.to_owned())),
            Some("json") => {}
            Some(_) => return Err(invalid("Message Structure")),
        }
        let Ok(Value::Object(own)) = serde_json::from_str::<Value>(message) else {
            return Err(invalid("Message Structure - JSON message body failed to parse"));
        };
        match own.get("default").and_then(Value::as_str) {
            Some(default) => Ok(Self::ByProtocol { default: default.to_owned(), own }),
            None => Err(invalid("Message Structure - No default entry in JSON message body")),
        }
    }

    /// What a protocol gets; an entry that is no text counts as none.
    fn of(&self, protocol: Protocol) -> &str {
        match self {
            Self::Plain(text) => text,
            Self::ByProtocol { default, own } => own.get(protocol.name()).and_then(Value::as_str).unwrap_or(default),
        }
    }
}

fn check_subject(input: &Value) -> Result<Option<&str>, ApiError> {
    let Some(subject) = input["Subject"].as_str() else { return Ok(None) };
    let fits =
        !subject.is_empty() && subject.chars().count() <= SUBJECT_CHARS_MAX && !subject.chars().any(char::is_control);
    if fits { Ok(Some(subject)) } else { Err(invalid("Subject")) }
}

/// Checks the message attributes; gives the bytes that they count for.
fn check_attributes(attributes: &Map<String, Value>) -> Result<usize, ApiError> {
    let bad = |what: String| ApiError::client("ParameterValueInvalid", what);
    let mut bytes = 0;
    for (name, attribute) in attributes {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        if name.is_empty()
            || name.len() > 256
            || !name.chars().all(fits)
            || name.starts_with('.')
            || name.ends_with('.')
        {
            return Err(bad(format!("The message attribute name '{name}' is invalid")));
        }
        let kind = attribute["DataType"].as_str().unwrap_or_default();
        let value = match kind.split('.').next() {
            Some("Binary") => attribute["BinaryValue"].as_str(),
            Some("String" | "Number") => attribute["StringValue"].as_str(),
            _ => {
                return Err(bad(format!(
                    "The message attribute '{name}' has an invalid message attribute type: '{kind}'"
                )));
            }
        };
        let value = value.filter(|value| !value.is_empty()).ok_or_else(|| {
            bad(format!("The message attribute '{name}' must contain non-empty message attribute value for message attribute type '{kind}'."))
        })?;
        if kind == "Number" && value.parse::<f64>().is_err() {
            return Err(bad(format!("Could not cast message attribute '{name}' value to number.")));
        }
        if kind == "String.Array" && !matches!(serde_json::from_str(value), Ok(Value::Array(_))) {
            return Err(bad(format!("The message attribute '{name}' of type String.Array must hold a JSON array")));
        }
        bytes += name.len() + kind.len() + value.len();
    }
    Ok(bytes)
}

impl Sns {
    /// `Publish`, and `_Publish` of AWS itself: checks the message, keeps it, and delivers it to all who want it.
    pub(super) fn publish(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let text_of = |member: &str| input[member].as_str().unwrap_or_default();
        if !text_of("PhoneNumber").is_empty() {
            return Err(invalid("PhoneNumber: the local cloud never leaves the machine and sends no text messages"));
        }
        let topic_arn =
            if text_of("TopicArn").is_empty() { text_of("TargetArn") } else { text_of("TopicArn") }.to_owned();
        if topic_arn.is_empty() {
            return Err(invalid("TopicArn or TargetArn Reason: no value for required parameter"));
        }
        let subject = check_subject(input)?;
        let text = Text::read(input)?;
        let attributes = input["MessageAttributes"].as_object().cloned().unwrap_or_default();
        let bytes = check_attributes(&attributes)?;
        if bytes + text_of("Message").len() > MESSAGE_BYTES_MAX {
            return Err(invalid("Message too long"));
        }
        self.topic(&topic_arn)?;
        let id = ctx.ids.uuid();
        let mut mails = Vec::new();
        for subscription in self.subscriptions.iter().filter(|one| one.topic_arn == topic_arn && one.is_confirmed()) {
            let message =
                Message::notification(&id, &topic_arn, subject, text.of(subscription.protocol), &attributes, ctx.now);
            if !wants(subscription, &message) {
                continue;
            }
            match delivery(&self.endpoint, subscription, &message) {
                Some(effect) => ctx.effects.push(effect),
                None => mails.push(mail(&self.endpoint, subscription, &message, ctx.now)),
            }
        }
        for mail in mails {
            keep(&mut self.mailbox, mail);
        }
        keep(&mut self.published, Published { topic_arn, id: id.clone(), input: input.clone(), at: ctx.now });
        Ok(json!({"MessageId": id}))
    }

    pub(super) fn publish_batch(&mut self, ctx: &mut Ctx<'_>, call: &Call) -> Answer {
        let topic = call.text("TopicArn");
        self.topic(topic)?;
        let entries = call.input["PublishBatchRequestEntries"].as_array().cloned().unwrap_or_default();
        check_batch(&entries)?;
        let (mut successful, mut failed) = (Vec::new(), Vec::new());
        for mut entry in entries {
            let id = entry["Id"].clone();
            entry["TopicArn"] = json!(topic);
            match self.publish(ctx, &entry) {
                Ok(answer) => successful.push(json!({"Id": id, "MessageId": answer["MessageId"]})),
                Err(error) => failed.push(json!({
                    "Id": id, "Code": error.code, "Message": error.message, "SenderFault": error.status < 500,
                })),
            }
        }
        Ok(json!({"Successful": successful, "Failed": failed}))
    }
}

/// What makes a batch fail as a whole.
fn check_batch(entries: &[Value]) -> Result<(), ApiError> {
    if entries.is_empty() {
        return Err(ApiError::client("EmptyBatchRequest", "The batch request doesn't contain any entries."));
    }
    if entries.len() > BATCH_MAX {
        return Err(ApiError::client(
            "TooManyEntriesInBatchRequest",
            "The batch request contains more entries than permissible.",
        ));
    }
    let mut seen = BTreeSet::new();
    let mut bytes = 0;
    for entry in entries {
        let id = entry["Id"].as_str().unwrap_or_default();
        if id.is_empty() || id.len() > 80 || !id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
            return Err(ApiError::client(
                "InvalidBatchEntryId",
                "The Id of a batch entry in a batch request doesn't abide by the specification.",
            ));
        }
        if !seen.insert(id) {
            return Err(ApiError::client(
                "BatchEntryIdsNotDistinct",
                "Two or more batch entries in the request have the same Id.",
            ));
        }
        bytes += entry["Message"].as_str().map_or(0, str::len);
    }
    if bytes > MESSAGE_BYTES_MAX {
        return Err(ApiError::client(
            "BatchRequestTooLong",
            "The length of all the batch messages put together is more than the limit.",
        ));
    }
    Ok(())
}

/// Whether the subscription's filter policy lets the message through.
fn wants(subscription: &Subscription, message: &Message) -> bool {
    let Some(policy) = &subscription.settings.filter else { return true };
    if subscription.settings.filters_body {
        serde_json::from_str::<Value>(&message.text).is_ok_and(|body| policy.accepts_body(&body))
    } else {
        policy.accepts_attributes(&message.attributes)
    }
}

fn mail(cloud: &str, subscription: &Subscription, message: &Message, at: Timestamp) -> Mail {
    let text = match subscription.protocol {
        Protocol::EmailJson => envelope::mail_json(cloud, subscription, message),
        _ => message.text.clone(),
    };
    Mail {
        address: subscription.endpoint.clone(),
        subject: message.subject.clone().unwrap_or_else(|| DEFAULT_SUBJECT.to_owned()),
        text,
        topic_arn: message.topic_arn.clone(),
        at,
    }
}
