//! Amazon SQS, standard queues: delays, visibility and retention on the cloud's clock, dead letters, and the metric
//! that alarms on dead-letter queues watch.
//!
//! It owns the queues and their messages. It never waits: `WaitTimeSeconds` is taken and the answer comes at once.
//! FIFO queues are refused.

mod digest;
mod messages;
mod queue;
mod redrive;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::call::{Answer, ApiError, Call, Ctx, Need, Place, Service};
use crate::effect::{Datapoint, Effect};
use crate::shape::{integer, listing, page, text, texts, unknown_operation};
use queue::{Queue, arn, check_attributes, parse_redrive};

/// The greatest message, and the greatest batch, in bytes (botocore's model).
const MESSAGE_BYTES_MAX: usize = 1_048_576;

/// A deleted queue's name rests this long, and so does a purge (botocore's model).
const REST: SignedDuration = SignedDuration::from_secs(60);

/// `ListQueues` shows this many a page (botocore's model).
const PAGE_MAX: i64 = 1_000;

/// The service.
#[derive(Debug, Default)]
pub struct Sqs {
    queues: BTreeMap<String, Queue>,
    deleted: BTreeMap<String, Timestamp>,
    tasks: Vec<redrive::MoveTask>,
}

impl Sqs {
    pub fn new() -> Self {
        Self::default()
    }

    /// When a message of the queue can next be received, which may be past; none where it holds no message or does not
    /// exist. For a poller that must not poll in vain.
    pub fn visible_from(&self, queue_arn: &str) -> Option<Timestamp> {
        self.queues.get(queue_arn.rsplit(':').next()?)?.visible_from()
    }

    /// The queue that a call names by its URL, without what has expired.
    fn queue(&mut self, ctx: &Ctx<'_>, input: &Value) -> Result<(String, &mut Queue), ApiError> {
        let name = url_name(text(input, "QueueUrl").unwrap_or_default()).to_owned();
        let queue = self.queues.get_mut(&name).ok_or_else(no_queue)?;
        queue.expire(ctx.now);
        Ok((name, queue))
    }

    fn create_queue(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let name = text(input, "QueueName").unwrap_or_default();
        if name.ends_with(".fifo") {
            return Err(no_fifo());
        }
        if name.is_empty() || name.len() > 80 || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        {
            return Err(invalid_value(
                "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
            ));
        }
        let attributes = check_attributes(input)?;
        self.check_target(ctx, &attributes)?;
        if let Some(queue) = self.queues.get(name) {
            let differs = |(member, value): &(&String, &String)| queue.attribute(member) != Some(value.as_str());
            if let Some((member, _)) = attributes.iter().find(differs) {
                return Err(ApiError::client(
                    "QueueNameExists",
                    format!("A queue already exists with the same name and a different value for attribute {member}"),
                ));
            }
            return Ok(json!({"QueueUrl": url(ctx.place, name)}));
        }
        if self.deleted.get(name).is_some_and(|at| ctx.now.duration_since(*at) < REST) {
            return Err(ApiError::client(
                "QueueDeletedRecently",
                "You must wait 60 seconds after deleting a queue before you can create another with the same name.",
            ));
        }
        let mut queue = Queue::new(ctx.now);
        queue.set(attributes);
        queue.tags = tags(input, "tags");
        self.queues.insert(name.to_owned(), queue);
        Ok(json!({"QueueUrl": url(ctx.place, name)}))
    }

    /// The dead-letter queue of a redrive policy must exist.
    fn check_target(&self, ctx: &Ctx<'_>, attributes: &BTreeMap<String, String>) -> Result<(), ApiError> {
        let Some(policy) = attributes.get("RedrivePolicy").filter(|policy| !policy.is_empty()) else { return Ok(()) };
        let redrive = parse_redrive(policy).map_err(|reason| invalid_attribute("RedrivePolicy", &reason))?;
        let known = redrive.target.strip_prefix(&arn(ctx.place, "")).is_some_and(|name| self.queues.contains_key(name));
        if known { Ok(()) } else { Err(invalid_attribute("RedrivePolicy", "Dead letter target does not exist.")) }
    }

    fn get_queue_url(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let name = text(input, "QueueName").unwrap_or_default();
        let own = text(input, "QueueOwnerAWSAccountId").is_none_or(|account| account == ctx.place.account);
        if !own || !self.queues.contains_key(name) {
            return Err(no_queue());
        }
        Ok(json!({"QueueUrl": url(ctx.place, name)}))
    }

    fn get_queue_attributes(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let asked = texts(input, "AttributeNames");
        let (name, queue) = self.queue(ctx, input)?;
        let mut shown = queue.describe(ctx.place, &name, ctx.now);
        if !asked.iter().any(|name| name == "All") {
            shown.retain(|name, _| asked.contains(name));
        }
        Ok(json!({"Attributes": shown}))
    }

    fn set_queue_attributes(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let attributes = check_attributes(input)?;
        self.queue(ctx, input)?;
        self.check_target(ctx, &attributes)?;
        let (_, queue) = self.queue(ctx, input)?;
        queue.set(attributes);
        queue.modified = ctx.now;
        Ok(json!({}))
    }

    fn delete_queue(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let (name, _) = self.queue(ctx, input)?;
        self.queues.remove(&name);
        self.deleted.insert(name, ctx.now);
        Ok(json!({}))
    }

    fn list_queues(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let prefix = text(input, "QueueNamePrefix").unwrap_or_default();
        let named = self.queues.keys().filter(|name| name.starts_with(prefix));
        let urls = named.map(|name| (name.clone(), json!(url(ctx.place, name)))).collect();
        let size = integer(input, "MaxResults").unwrap_or(PAGE_MAX) as usize;
        let (list, next) = page(urls, text(input, "NextToken"), size, false)
            .map_err(|error| invalid_value(&format!("NextToken: {error}")))?;
        Ok(listing("QueueUrls", list, "NextToken", next))
    }

    fn list_dead_letter_source_queues(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let (name, _) = self.queue(ctx, input)?;
        let target = arn(ctx.place, &name);
        let sources = self.queues.iter().filter(|(_, queue)| queue.redrive().is_some_and(|r| r.target == target));
        let urls = sources.map(|(name, _)| (name.clone(), json!(url(ctx.place, name)))).collect();
        let size = integer(input, "MaxResults").unwrap_or(PAGE_MAX) as usize;
        let (list, next) = page(urls, text(input, "NextToken"), size, false)
            .map_err(|error| invalid_value(&format!("NextToken: {error}")))?;
        Ok(listing("queueUrls", list, "NextToken", next))
    }

    fn purge_queue(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let (name, queue) = self.queue(ctx, input)?;
        if queue.purged.is_some_and(|at| ctx.now.duration_since(at) < REST) {
            return Err(ApiError::client(
                "PurgeQueueInProgress",
                format!("Only one PurgeQueue operation on {name} is allowed every 60 seconds."),
            ));
        }
        queue.purged = Some(ctx.now);
        queue.messages.clear();
        Ok(json!({}))
    }

    fn tagging(&mut self, ctx: &Ctx<'_>, call: &Call) -> Answer {
        let (_, queue) = self.queue(ctx, &call.input)?;
        match call.operation.as_str() {
            "TagQueue" => queue.tags.extend(tags(&call.input, "Tags")),
            "UntagQueue" => {
                for key in texts(&call.input, "TagKeys") {
                    queue.tags.remove(&key);
                }
            }
            _ => return Ok(json!({"Tags": queue.tags})),
        }
        Ok(json!({}))
    }
}

impl Service for Sqs {
    fn call(&mut self, ctx: &mut Ctx<'_>, call: &Call) -> Answer {
        let input = &call.input;
        match call.operation.as_str() {
            "CreateQueue" => self.create_queue(ctx, input),
            "GetQueueUrl" => self.get_queue_url(ctx, input),
            "GetQueueAttributes" => self.get_queue_attributes(ctx, input),
            "SetQueueAttributes" => self.set_queue_attributes(ctx, input),
            "DeleteQueue" => self.delete_queue(ctx, input),
            "ListQueues" => self.list_queues(ctx, input),
            "ListDeadLetterSourceQueues" => self.list_dead_letter_source_queues(ctx, input),
            "PurgeQueue" => self.purge_queue(ctx, input),
            "SendMessage" => self.send_message(ctx, input),
            "SendMessageBatch" => self.send_message_batch(ctx, input),
            "ReceiveMessage" => self.receive_message(ctx, input),
            "DeleteMessage" => self.delete_message(ctx, input, input),
            "DeleteMessageBatch" => self.batch(ctx, input, Self::delete_message),
            "ChangeMessageVisibility" => self.change_visibility(ctx, input, input),
            "ChangeMessageVisibilityBatch" => self.batch(ctx, input, Self::change_visibility),
            "TagQueue" | "UntagQueue" | "ListQueueTags" => self.tagging(ctx, call),
            "StartMessageMoveTask" => self.start_message_move_task(ctx, input),
            "ListMessageMoveTasks" => self.list_message_move_tasks(ctx, input),
            "_Deliver" => self.deliver(ctx, input),
            // For Lambda's poller, so that an empty queue does not hold the clock.
            "_NextVisible" => {
                let at = self.visible_from(call.text("QueueArn")).map(|at| at.as_millisecond() as f64 / 1000.0);
                Ok(json!({"at": at}))
            }
            _ => Err(unknown_operation(call)),
        }
    }

    /// A batch needs the action of its single form (service authorization reference).
    fn needs(&self, place: &Place, call: &Call) -> Vec<Need> {
        let operation = call.operation.strip_suffix("Batch").unwrap_or(&call.operation);
        let action = format!("sqs:{operation}");
        let named = text(&call.input, "QueueName").unwrap_or_else(|| url_name(call.text("QueueUrl")));
        match operation {
            "StartMessageMoveTask" => redrive::needs(&call.input),
            "ListMessageMoveTasks" => vec![Need::new(action, call.text("SourceArn"))],
            "ListQueues" => vec![Need::new(action, "*")],
            _ => vec![Need::new(action, arn(place, named))],
        }
    }

    fn next_due(&self) -> Option<Timestamp> {
        self.queues.values().filter_map(Queue::report_due).min()
    }

    fn tick(&mut self, ctx: &mut Ctx<'_>) {
        for (name, queue) in &mut self.queues {
            if let Some(visible) = queue.report(ctx.now) {
                ctx.effects.push(Effect::Metric(Datapoint {
                    namespace: "AWS/SQS".to_owned(),
                    name: "ApproximateNumberOfMessagesVisible".to_owned(),
                    dimensions: vec![("QueueName".to_owned(), name.clone())],
                    at: ctx.now,
                    sum: visible as f64,
                    count: 1.0,
                    min: visible as f64,
                    max: visible as f64,
                    unit: "Count".to_owned(),
                }));
            }
        }
    }
}

/// The code of an error in the query protocol, which a client of the JSON protocol finds in the header
/// `x-amzn-query-error` (`CODE;Sender`) and prefers to the name of the shape.
pub fn query_code(code: &str) -> String {
    match code {
        "QueueDoesNotExist" => "AWS.SimpleQueueService.NonExistentQueue".to_owned(),
        "QueueNameExists" => "QueueAlreadyExists".to_owned(),
        "BatchEntryIdsNotDistinct"
        | "BatchRequestTooLong"
        | "EmptyBatchRequest"
        | "InvalidBatchEntryId"
        | "TooManyEntriesInBatchRequest"
        | "MessageNotInflight"
        | "PurgeQueueInProgress"
        | "QueueDeletedRecently"
        | "UnsupportedOperation" => format!("AWS.SimpleQueueService.{code}"),
        other => other.to_owned(),
    }
}

fn url(place: &Place, name: &str) -> String {
    format!("https://sqs.{}.amazonaws.com/{}/{name}", place.region, place.account)
}

/// The queue's name is the last part of its URL, whatever host it names: a client may have rewritten the host.
fn url_name(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or(url)
}

fn tags(input: &Value, member: &str) -> BTreeMap<String, String> {
    let tags = input.get(member).and_then(Value::as_object).into_iter().flatten();
    tags.map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned())).collect()
}

fn no_queue() -> ApiError {
    ApiError::client("QueueDoesNotExist", "The specified queue does not exist.")
}

fn no_fifo() -> ApiError {
    ApiError::client("UnsupportedOperation", "the local cloud has standard queues only, no FIFO queues")
}

fn invalid_attribute(name: &str, reason: &str) -> ApiError {
    ApiError::client("InvalidAttributeValue", format!("Invalid value for the parameter {name}. Reason: {reason}"))
}

fn invalid_value(message: &str) -> ApiError {
    ApiError::client("InvalidParameterValue", message)
}

#[cfg(test)]
mod tests;
