//! Messages: send, receive, delete, hide, and what the world delivers.

use std::collections::BTreeSet;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::queue::{Message, Queue, arn, system_attributes};
use super::{MESSAGE_BYTES_MAX, Sqs, digest, invalid_value, no_queue};
use crate::call::{Answer, ApiError, Ctx};
use crate::shape::{integer, items, text, texts};

/// Limits of a batch, a message's attributes, and a receive (botocore's model).
const BATCH_MAX: usize = 10;
const ATTRIBUTES_MAX: usize = 10;
const RECEIVE_MAX: i64 = 10;
const DELAY_SECONDS_MAX: i64 = 900;
const VISIBILITY_SECONDS_MAX: i64 = 43_200;

/// An operation on one entry of a batch, given the request and the entry.
type Single = fn(&mut Sqs, &mut Ctx<'_>, &Value, &Value) -> Answer;

impl Sqs {
    pub(super) fn send_message(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        self.queue(ctx, input)?;
        self.send_one(ctx, input, input)
    }

    fn send_one(&mut self, ctx: &mut Ctx<'_>, input: &Value, entry: &Value) -> Answer {
        let (_, queue) = self.queue(ctx, input)?;
        let message = parse_message(ctx, queue, entry)?;
        let mut answer = json!({"MessageId": message.id, "MD5OfMessageBody": digest::body(&message.body)});
        if let Some(sum) = digest::attributes(&message.attributes) {
            answer["MD5OfMessageAttributes"] = json!(sum);
        }
        if let Some(sum) = system(entry).and_then(|given| digest::attributes(&given)) {
            answer["MD5OfMessageSystemAttributes"] = json!(sum);
        }
        queue.push(message);
        Ok(answer)
    }

    pub(super) fn send_message_batch(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let bytes: usize = items(input, "Entries").map(message_bytes).sum();
        if bytes > MESSAGE_BYTES_MAX {
            return Err(ApiError::client(
                "BatchRequestTooLong",
                format!("Batch requests cannot be longer than {MESSAGE_BYTES_MAX} bytes. You have sent {bytes} bytes."),
            ));
        }
        self.batch(ctx, input, Self::send_one)
    }

    /// Carries out each entry by itself: one that fails is named and holds up no other.
    pub(super) fn batch(&mut self, ctx: &mut Ctx<'_>, input: &Value, single: Single) -> Answer {
        self.queue(ctx, input)?;
        let entries: Vec<&Value> = items(input, "Entries").collect();
        check_batch(&entries)?;
        let (mut successful, mut failed) = (Vec::new(), Vec::new());
        for entry in entries {
            match single(self, ctx, input, entry) {
                Ok(mut answer) => {
                    answer["Id"] = entry["Id"].clone();
                    successful.push(answer);
                }
                Err(error) => failed.push(json!({
                    "Id": entry["Id"],
                    "SenderFault": error.status < 500,
                    "Code": super::query_code(&error.code),
                    "Message": error.message,
                })),
            }
        }
        Ok(json!({"Successful": successful, "Failed": failed}))
    }

    pub(super) fn receive_message(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let limit = within(input, "MaxNumberOfMessages", 1, RECEIVE_MAX)?.unwrap_or(1) as usize;
        let timeout = within(input, "VisibilityTimeout", 0, VISIBILITY_SECONDS_MAX)?;
        within(input, "WaitTimeSeconds", 0, 20)?;
        let (name, queue) = self.queue(ctx, input)?;
        let redrive = queue.redrive();
        let target = redrive.as_ref().and_then(|redrive| redrive.target.rsplit(':').next()).map(str::to_owned);
        let dead_letters_open = target.as_ref().is_some_and(|target| self.queues.contains_key(target));
        let queue = self.queues.get_mut(&name).ok_or_else(no_queue)?;
        let hidden_until = later(ctx.now, timeout.unwrap_or_else(|| queue.number("VisibilityTimeout")));
        let visible: Vec<u64> =
            queue.messages.iter().filter(|(_, message)| message.visible_at <= ctx.now).map(|(at, _)| *at).collect();
        let (mut shown, mut dead) = (Vec::new(), Vec::new());
        for at in visible {
            if shown.len() == limit {
                break;
            }
            let worn = |message: &Message| {
                dead_letters_open && redrive.as_ref().is_some_and(|redrive| message.receives >= redrive.receives_max)
            };
            if queue.messages.get(&at).is_some_and(worn) {
                dead.extend(queue.messages.remove(&at));
                continue;
            }
            let Some(message) = queue.messages.get_mut(&at) else { continue };
            message.receives += 1;
            message.first_received.get_or_insert(ctx.now);
            message.visible_at = hidden_until;
            shown.push(show(message, &handle(&name, at, message.receives), &ctx.place.account, input));
        }
        let source = arn(ctx.place, &name);
        if let Some(letters) = target.and_then(|target| self.queues.get_mut(&target)) {
            for message in dead {
                letters.push(Message {
                    moved_from: Some(source.clone()),
                    visible_at: ctx.now,
                    receives: 0,
                    first_received: None,
                    ..message
                });
            }
        }
        // An empty answer has no member, as in AWS's JSON protocol.
        Ok(if shown.is_empty() { json!({}) } else { json!({"Messages": shown}) })
    }

    /// A receipt handle of an earlier receive is taken, and the message stays: so SQS says that it may be.
    pub(super) fn delete_message(&mut self, ctx: &mut Ctx<'_>, input: &Value, entry: &Value) -> Answer {
        let (name, queue) = self.queue(ctx, input)?;
        let (at, receive) = parse_handle(&name, entry)?;
        if queue.messages.get(&at).is_some_and(|message| message.receives == receive) {
            queue.messages.remove(&at);
        }
        Ok(json!({}))
    }

    pub(super) fn change_visibility(&mut self, ctx: &mut Ctx<'_>, input: &Value, entry: &Value) -> Answer {
        let seconds = within(entry, "VisibilityTimeout", 0, VISIBILITY_SECONDS_MAX)?.unwrap_or_default();
        let (name, queue) = self.queue(ctx, input)?;
        let (at, receive) = parse_handle(&name, entry)?;
        let in_flight = |message: &&mut Message| message.receives == receive && message.visible_at > ctx.now;
        let message = queue.messages.get_mut(&at).filter(in_flight).ok_or_else(|| {
            ApiError::client(
                "MessageNotInflight",
                "The message referred to does not exist or is not available for visibility timeout change.",
            )
        })?;
        message.visible_at = later(ctx.now, seconds);
        Ok(json!({}))
    }

    /// The world's own delivery: `{QueueArn, Body, Attributes}`, the attributes as pairs or as a map of texts.
    pub(super) fn deliver(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let name = text(input, "QueueArn").and_then(|arn| arn.rsplit(':').next()).unwrap_or_default();
        let queue = self.queues.get_mut(name).ok_or_else(no_queue)?;
        let pair = |name: &str, value: &Value| {
            (name.to_owned(), json!({"DataType": "String", "StringValue": value.as_str().unwrap_or_default()}))
        };
        let mut attributes: Map<String, Value> =
            items(input, "Attributes").filter_map(|given| Some(pair(given.get(0)?.as_str()?, given.get(1)?))).collect();
        let map = input.get("Attributes").and_then(Value::as_object).into_iter().flatten();
        attributes.extend(map.map(|(name, value)| pair(name, value)));
        let entry = json!({"MessageBody": input["Body"], "MessageAttributes": attributes});
        let message = parse_message(ctx, queue, &entry)?;
        let answer = json!({"MessageId": message.id});
        queue.push(message);
        Ok(answer)
    }
}

fn parse_message(ctx: &mut Ctx<'_>, queue: &Queue, entry: &Value) -> Result<Message, ApiError> {
    let body = text(entry, "MessageBody")
        .ok_or_else(|| ApiError::client("MissingParameter", "The request must contain the parameter MessageBody."))?;
    if !body.chars().all(is_allowed) {
        return Err(ApiError::client(
            "InvalidMessageContents",
            "Invalid binary character was found in the message body, the set of allowed characters is #x9 | #xA | #xD | \
             #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF",
        ));
    }
    let size_max = queue.number("MaximumMessageSize");
    if message_bytes(entry) as i64 > size_max {
        return Err(invalid_value(&format!(
            "One or more parameters are invalid. Reason: Message must be shorter than {size_max} bytes."
        )));
    }
    if ["MessageGroupId", "MessageDeduplicationId"].iter().any(|member| text(entry, member).is_some()) {
        return Err(super::no_fifo());
    }
    let attributes = entry.get("MessageAttributes").and_then(Value::as_object).cloned().unwrap_or_default();
    if attributes.len() > ATTRIBUTES_MAX {
        return Err(invalid_value(&format!(
            "Number of message attributes [{}] exceeds the allowed maximum [{ATTRIBUTES_MAX}].",
            attributes.len()
        )));
    }
    let delay = within(entry, "DelaySeconds", 0, DELAY_SECONDS_MAX)?.unwrap_or_else(|| queue.number("DelaySeconds"));
    let trace = system(entry).and_then(|given| text(given.get("AWSTraceHeader")?, "StringValue").map(str::to_owned));
    Ok(Message {
        id: ctx.ids.uuid(),
        body: body.to_owned(),
        attributes,
        trace_header: trace,
        sent: ctx.now,
        first_received: None,
        receives: 0,
        visible_at: later(ctx.now, delay),
        moved_from: None,
    })
}

fn check_batch(entries: &[&Value]) -> Result<(), ApiError> {
    if entries.is_empty() {
        return Err(ApiError::client("EmptyBatchRequest", "There should be at least one entry in the request."));
    }
    if entries.len() > BATCH_MAX {
        return Err(ApiError::client(
            "TooManyEntriesInBatchRequest",
            format!("Maximum number of entries per request are {BATCH_MAX}. You have sent {}.", entries.len()),
        ));
    }
    let mut seen = BTreeSet::new();
    for entry in entries {
        let id = text(entry, "Id").unwrap_or_default();
        if id.is_empty() || id.len() > 80 || !id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)) {
            return Err(ApiError::client(
                "InvalidBatchEntryId",
                "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 \
                 letters long.",
            ));
        }
        if !seen.insert(id) {
            return Err(ApiError::client("BatchEntryIdsNotDistinct", format!("Id {id} repeated.")));
        }
    }
    Ok(())
}

fn show(message: &Message, handle: &str, sender: &str, input: &Value) -> Value {
    let mut shown = json!({
        "MessageId": message.id,
        "ReceiptHandle": handle,
        "MD5OfBody": digest::body(&message.body),
        "Body": message.body,
    });
    let mut asked = texts(input, "MessageSystemAttributeNames");
    asked.extend(texts(input, "AttributeNames"));
    let mut system = system_attributes(message, sender);
    if !asked.iter().any(|name| name == "All") {
        system.retain(|name, _| asked.contains(name));
    }
    if !system.is_empty() {
        shown["Attributes"] = Value::Object(system);
    }
    let patterns = texts(input, "MessageAttributeNames");
    let wanted = |name: &str| {
        patterns.iter().any(|pattern| match pattern.strip_suffix(".*") {
            Some(prefix) => name.starts_with(prefix),
            None => pattern == "All" || pattern == name,
        })
    };
    let attributes: Map<String, Value> = message
        .attributes
        .iter()
        .filter(|(name, _)| wanted(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    if let Some(sum) = digest::attributes(&attributes) {
        shown["MD5OfMessageAttributes"] = json!(sum);
        shown["MessageAttributes"] = Value::Object(attributes);
    }
    shown
}

/// Body and attributes: names, types and values all count.
fn message_bytes(entry: &Value) -> usize {
    let attributes = entry.get("MessageAttributes").and_then(Value::as_object).into_iter().flatten();
    let sizes = attributes.map(|(name, attribute)| {
        name.len() + text(attribute, "DataType").unwrap_or_default().len() + digest::value(attribute).1.len()
    });
    text(entry, "MessageBody").unwrap_or_default().len() + sizes.sum::<usize>()
}

fn system(entry: &Value) -> Option<Map<String, Value>> {
    entry.get("MessageSystemAttributes").and_then(Value::as_object).cloned()
}

fn is_allowed(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

fn within(input: &Value, member: &str, least: i64, greatest: i64) -> Result<Option<i64>, ApiError> {
    match integer(input, member) {
        Some(value) if !(least..=greatest).contains(&value) => Err(invalid_value(&format!(
            "Value {value} for parameter {member} is invalid. Reason: Must be between {least} and {greatest}, if provided."
        ))),
        other => Ok(other),
    }
}

fn later(now: Timestamp, seconds: i64) -> Timestamp {
    now.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}

fn handle(queue: &str, at: u64, receive: u32) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(format!("{queue}/{at}/{receive}"))
}

fn parse_handle(queue: &str, entry: &Value) -> Result<(u64, u32), ApiError> {
    let given = text(entry, "ReceiptHandle").unwrap_or_default();
    let parsed =
        BASE64_URL_SAFE_NO_PAD.decode(given).ok().and_then(|bytes| String::from_utf8(bytes).ok()).and_then(|handle| {
            let mut parts = handle.split('/');
            let (name, at, receive) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
            (name == queue && parts.next().is_none()).then_some((at, receive))
        });
    parsed.ok_or_else(|| {
        ApiError::client(
            "ReceiptHandleIsInvalid",
            format!("The input receipt handle \"{given}\" is not a valid receipt handle."),
        )
    })
}
