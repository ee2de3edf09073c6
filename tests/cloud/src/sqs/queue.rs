//! One queue: its attributes, its messages, and which of them are visible when. It knows nothing of other queues.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::invalid_attribute;
use crate::call::{ApiError, Place};
use crate::shape::{integer, text};

/// The attributes that are numbers: name, default, least, greatest (botocore's model, `CreateQueue`).
const NUMBERS: [(&str, i64, i64, i64); 5] = [
    ("DelaySeconds", 0, 0, 900),
    ("MaximumMessageSize", super::MESSAGE_BYTES_MAX as i64, 1_024, super::MESSAGE_BYTES_MAX as i64),
    ("MessageRetentionPeriod", 345_600, 60, 1_209_600),
    ("ReceiveMessageWaitTimeSeconds", 0, 0, 20),
    ("VisibilityTimeout", 30, 0, 43_200),
];

/// The attributes that are kept as they are sent.
const TEXTS: [&str; 6] = [
    "Policy",
    "RedrivePolicy",
    "RedriveAllowPolicy",
    "KmsMasterKeyId",
    "KmsDataKeyReusePeriodSeconds",
    "SqsManagedSseEnabled",
];

#[derive(Clone, Debug)]
pub struct Message {
    pub id: String,
    pub body: String,
    /// In the model's shape.
    pub attributes: Map<String, Value>,
    pub trace_header: Option<String>,
    pub sent: Timestamp,
    pub first_received: Option<Timestamp>,
    pub receives: u32,
    /// Not to be received before this.
    pub visible_at: Timestamp,
    /// The queue from which it was moved here.
    pub moved_from: Option<String>,
}

/// Where a message goes that was received too often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redrive {
    pub target: String,
    pub receives_max: u32,
}

#[derive(Clone, Debug)]
pub struct Queue {
    pub created: Timestamp,
    pub modified: Timestamp,
    /// As `GetQueueAttributes` shows them; every one of [`NUMBERS`] is there.
    attributes: BTreeMap<String, String>,
    pub tags: BTreeMap<String, String>,
    /// In the order in which they arrived.
    pub messages: BTreeMap<u64, Message>,
    arrivals: u64,
    pub purged: Option<Timestamp>,
    /// The minute of the last report of visible messages (seconds since the epoch), and whether there were any.
    reported: Option<(i64, bool)>,
}

impl Queue {
    pub fn new(now: Timestamp) -> Self {
        let numbers = NUMBERS.iter().map(|(name, default, _, _)| ((*name).to_owned(), default.to_string()));
        let mut attributes: BTreeMap<String, String> = numbers.collect();
        attributes.insert("SqsManagedSseEnabled".to_owned(), "true".to_owned());
        Self {
            created: now,
            modified: now,
            attributes,
            tags: BTreeMap::new(),
            messages: BTreeMap::new(),
            arrivals: 0,
            purged: None,
            reported: None,
        }
    }

    /// The value of one of the numeric attributes.
    pub fn number(&self, name: &str) -> i64 {
        self.attributes.get(name).and_then(|value| value.parse().ok()).unwrap_or_default()
    }

    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }

    /// Takes attributes that were checked with [`check_attributes`]; an empty text removes the attribute.
    pub fn set(&mut self, changes: BTreeMap<String, String>) {
        for (name, value) in changes {
            if value.is_empty() {
                self.attributes.remove(&name)
            } else {
                self.attributes.insert(name, value)
            };
        }
    }

    pub fn redrive(&self) -> Option<Redrive> {
        parse_redrive(self.attribute("RedrivePolicy")?).ok()
    }

    pub fn push(&mut self, message: Message) {
        self.arrivals += 1;
        self.messages.insert(self.arrivals, message);
    }

    /// Drops the messages that were kept long enough.
    pub fn expire(&mut self, now: Timestamp) {
        let kept = SignedDuration::from_secs(self.number("MessageRetentionPeriod"));
        self.messages.retain(|_, message| now.duration_since(message.sent) < kept);
    }

    pub fn visible(&self, now: Timestamp) -> usize {
        self.messages.values().filter(|message| message.visible_at <= now).count()
    }

    /// When the next message can be received, which may be past; none where there is no message.
    pub fn visible_from(&self) -> Option<Timestamp> {
        self.messages.values().map(|message| message.visible_at).min()
    }

    /// When the number of visible messages is next reported: each minute while there are any, and once more when there
    /// are none left.
    pub fn report_due(&self) -> Option<Timestamp> {
        let minute = match self.reported {
            Some((minute, true)) => minute,
            other => {
                let last = other.map_or(i64::MIN, |(minute, _)| minute);
                self.visible_from()?.as_second().div_euclid(60).saturating_mul(60).max(last)
            }
        };
        Timestamp::from_second(minute.saturating_add(60)).ok()
    }

    /// The number to report at `now`, where one is due.
    pub fn report(&mut self, now: Timestamp) -> Option<usize> {
        self.expire(now);
        if self.report_due().is_none_or(|due| due > now) {
            return None;
        }
        let visible = self.visible(now);
        let before = self.reported.is_some_and(|(_, any)| any);
        self.reported = Some((now.as_second().div_euclid(60) * 60, visible > 0));
        (visible > 0 || before).then_some(visible)
    }

    /// What `GetQueueAttributes` shows.
    pub fn describe(&self, place: &Place, name: &str, now: Timestamp) -> BTreeMap<String, String> {
        let mut shown = self.attributes.clone();
        let (mut delayed, mut in_flight) = (0, 0);
        for message in self.messages.values().filter(|message| message.visible_at > now) {
            *(if message.receives == 0 { &mut delayed } else { &mut in_flight }) += 1;
        }
        let counted = [
            ("ApproximateNumberOfMessages", self.visible(now)),
            ("ApproximateNumberOfMessagesNotVisible", in_flight),
            ("ApproximateNumberOfMessagesDelayed", delayed),
        ];
        shown.extend(counted.map(|(name, count)| (name.to_owned(), count.to_string())));
        shown.insert("CreatedTimestamp".to_owned(), self.created.as_second().to_string());
        shown.insert("LastModifiedTimestamp".to_owned(), self.modified.as_second().to_string());
        shown.insert("QueueArn".to_owned(), arn(place, name));
        shown
    }
}

pub fn arn(place: &Place, name: &str) -> String {
    format!("arn:{}:sqs:{}:{}:{name}", place.partition, place.region, place.account)
}

/// The attributes of a request, each with a value that SQS takes.
pub fn check_attributes(input: &Value) -> Result<BTreeMap<String, String>, ApiError> {
    let mut checked = BTreeMap::new();
    for (name, value) in input.get("Attributes").and_then(Value::as_object).into_iter().flatten() {
        let value = value.as_str().unwrap_or_default();
        if name.starts_with("Fifo") || ["ContentBasedDeduplication", "DeduplicationScope"].contains(&name.as_str()) {
            return Err(super::no_fifo());
        }
        if let Some((_, _, least, greatest)) = NUMBERS.iter().find(|(known, ..)| known == name) {
            if !value.parse::<i64>().is_ok_and(|number| (*least..=*greatest).contains(&number)) {
                return Err(invalid_attribute(name, &format!("{value} is not a number from {least} to {greatest}")));
            }
        } else if !TEXTS.contains(&name.as_str()) {
            return Err(ApiError::client("InvalidAttributeName", format!("Unknown Attribute {name}.")));
        }
        if name == "RedrivePolicy" && !value.is_empty() {
            parse_redrive(value).map_err(|reason| invalid_attribute(name, &reason))?;
        }
        checked.insert(name.clone(), value.to_owned());
    }
    Ok(checked)
}

/// `{"deadLetterTargetArn": ..., "maxReceiveCount": 1 to 1000}`, the count as a number or as a string.
pub fn parse_redrive(policy: &str) -> Result<Redrive, String> {
    let parsed: Value = serde_json::from_str(policy).map_err(|error| format!("not JSON: {error}"))?;
    let target = text(&parsed, "deadLetterTargetArn").ok_or("deadLetterTargetArn is missing")?;
    let count = integer(&parsed, "maxReceiveCount")
        .or_else(|| text(&parsed, "maxReceiveCount")?.parse().ok())
        .filter(|count| (1..=1000).contains(count))
        .ok_or("maxReceiveCount must be a number from 1 to 1000")?;
    Ok(Redrive { target: target.to_owned(), receives_max: count as u32 })
}

/// As `ReceiveMessage` names them. The sender is the account, not the user or role as in AWS.
pub fn system_attributes(message: &Message, sender: &str) -> Map<String, Value> {
    let mut shown = Map::new();
    shown.insert("SenderId".to_owned(), json!(sender));
    shown.insert("SentTimestamp".to_owned(), json!(message.sent.as_millisecond().to_string()));
    shown.insert("ApproximateReceiveCount".to_owned(), json!(message.receives.to_string()));
    let first = message.first_received.unwrap_or(message.sent);
    shown.insert("ApproximateFirstReceiveTimestamp".to_owned(), json!(first.as_millisecond().to_string()));
    if let Some(source) = &message.moved_from {
        shown.insert("DeadLetterQueueSourceArn".to_owned(), json!(source));
    }
    if let Some(header) = &message.trace_header {
        shown.insert("AWSTraceHeader".to_owned(), json!(header));
    }
    shown
}
