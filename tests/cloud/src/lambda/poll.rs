//! What Lambda does for event source mappings: reads the source as the function's role, hands batches over, settles them.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::mapping::{Arrived, Chunk, Discarded, QueueMessage, Source};
use super::{Function, Invocation, Outcome, Purpose, finish};
use crate::call::{Answer, Call, Caller, Need};
use crate::effect::Effect;
use crate::world::World;

/// One `ReceiveMessage` gives at most this many.
const RECEIVE_MAX: usize = 10;

/// The name under which Lambda's own calls for a function stand in the history.
pub(super) fn actor(function: &str) -> String {
    format!("lambda for {function}")
}

/// The batches that are due, ready to run.
pub(super) fn poll(world: &mut World) -> Vec<Invocation> {
    let ids: Vec<String> = world.lambda.mappings.keys().cloned().collect();
    let mut invocations = Vec::new();
    for id in ids {
        while let Some(invocation) = poll_one(world, &id) {
            invocations.push(invocation);
        }
    }
    invocations
}

fn poll_one(world: &mut World, id: &str) -> Option<Invocation> {
    let mapping = world.lambda.mappings.get(id).filter(|mapping| mapping.enabled)?;
    let function = world.lambda.function(&mapping.function)?.clone();
    match &mapping.source {
        Source::Stream(_) => poll_stream(world, id, &function),
        Source::Queue(queue) => {
            let arn = queue.arn.clone();
            poll_queue(world, id, &function, &arn)
        }
    }
}

fn poll_stream(world: &mut World, id: &str, function: &Function) -> Option<Invocation> {
    if !world.lambda.has_room(&function.name) {
        return None;
    }
    let now = world.now;
    let mapping = world.lambda.mappings.get_mut(id)?;
    let (batch_size, window_secs) = (mapping.batch_size, mapping.window_secs);
    let Source::Stream(stream) = &mut mapping.source else { return None };
    let arn = stream.arn.clone();
    let (chunk, discarded) = stream.take(batch_size, window_secs, now);
    if let Some(discarded) = discarded {
        hand_over_discarded(world, id, function, discarded, None);
    }
    let chunk = chunk?;
    let actions = ["dynamodb:DescribeStream", "dynamodb:GetShardIterator", "dynamodb:GetRecords"];
    let allowed = finish::may(world, function, &actions.map(|action| Need::new(action, arn.clone())));
    let payload = json!({"Records": chunk.records.iter().map(|arrived| &arrived.record).collect::<Vec<_>>()});
    let request_id = world.ids.uuid();
    let Source::Stream(stream) = &mut world.lambda.mappings.get_mut(id)?.source else { return None };
    if !allowed {
        stream.put_back(chunk);
        stream.state.blocked = true;
        return None;
    }
    stream.state.running = Some(chunk);
    let invocation = Invocation { id: request_id, function: function.name.clone(), payload };
    world.lambda.begin(&invocation, Purpose::Batch { mapping: id.to_owned() });
    Some(invocation)
}

fn poll_queue(world: &mut World, id: &str, function: &Function, arn: &str) -> Option<Invocation> {
    let visible_at = next_visible(world, arn);
    let now = world.now;
    let room = world.lambda.has_room(&function.name);
    let mapping = world.lambda.mappings.get_mut(id)?;
    let Source::Queue(queue) = &mut mapping.source else { return None };
    if queue.visible_at != visible_at {
        queue.blocked = false;
    }
    queue.visible_at = visible_at;
    if !room || mapping.next_due().is_none_or(|due| due > now) {
        return None;
    }
    let batch_size = mapping.batch_size;
    let Some(messages) = receive(world, function, arn, batch_size) else {
        block(world, id);
        return None;
    };
    let (wanted, unwanted) = sort_by_filter(world, id, messages);
    for message in &unwanted {
        delete(world, function, arn, message["receiptHandle"].as_str().unwrap_or_default());
    }
    let request_id = world.ids.uuid();
    let visible_at = next_visible(world, arn);
    let Source::Queue(queue) = &mut world.lambda.mappings.get_mut(id)?.source else { return None };
    queue.visible_at = visible_at;
    if wanted.is_empty() {
        // A queue that shows a message and gives none must not hold the clock; it is asked again when it says something new.
        queue.blocked = unwanted.is_empty();
        return None;
    }
    let text = |message: &Value, member: &str| message[member].as_str().unwrap_or_default().to_owned();
    let received = wanted
        .iter()
        .map(|message| QueueMessage { id: text(message, "messageId"), receipt: text(message, "receiptHandle") });
    queue.running.push((request_id.clone(), received.collect()));
    let payload = json!({"Records": wanted});
    let invocation = Invocation { id: request_id, function: function.name.clone(), payload };
    world.lambda.begin(&invocation, Purpose::Batch { mapping: id.to_owned() });
    Some(invocation)
}

/// Stops polling until the queue says something new, so that a denied role does not hold the clock.
fn block(world: &mut World, id: &str) {
    if let Some(mapping) = world.lambda.mappings.get_mut(id)
        && let Source::Queue(queue) = &mut mapping.source
    {
        queue.blocked = true;
    }
}

/// When the queue's next message is or becomes visible.
fn next_visible(world: &mut World, arn: &str) -> Option<Timestamp> {
    let answer = world.internal("sqs", "_NextVisible", json!({"QueueArn": arn})).ok()?;
    let at = answer["at"].as_f64()?;
    Timestamp::from_millisecond((at * 1000.0).ceil() as i64).ok()
}

/// Receives up to a batch as the function's role; None where that is refused.
fn receive(world: &mut World, function: &Function, arn: &str, batch_size: usize) -> Option<Vec<Value>> {
    if !finish::may(world, function, &[Need::new("sqs:GetQueueAttributes", arn)]) {
        return None;
    }
    let url = queue_url(world, arn)?;
    let mut messages: Vec<Value> = Vec::new();
    while messages.len() < batch_size {
        let input = json!({
            "QueueUrl": url, "MaxNumberOfMessages": RECEIVE_MAX.min(batch_size - messages.len()),
            "MessageSystemAttributeNames": ["All"], "MessageAttributeNames": ["All"],
        });
        let answer = call_as(world, function, "ReceiveMessage", input);
        if answer.is_err() && messages.is_empty() {
            return None;
        }
        let received = answer.ok().and_then(|answer| answer["Messages"].as_array().cloned()).unwrap_or_default();
        if received.is_empty() {
            break;
        }
        messages.extend(received);
    }
    Some(messages.iter().map(|message| as_lambda_record(world, arn, message)).collect())
}

fn queue_url(world: &mut World, arn: &str) -> Option<String> {
    let name = arn.rsplit(':').next().unwrap_or_default();
    let answer = world.internal("sqs", "GetQueueUrl", json!({"QueueName": name})).ok()?;
    answer["QueueUrl"].as_str().map(str::to_owned)
}

/// A message of SQS in the form in which a function sees it.
fn as_lambda_record(world: &World, arn: &str, message: &Value) -> Value {
    let mut attributes = serde_json::Map::new();
    for (name, attribute) in message["MessageAttributes"].as_object().into_iter().flatten() {
        let shown = json!({
            "stringValue": attribute["StringValue"], "binaryValue": attribute["BinaryValue"],
            "stringListValues": [], "binaryListValues": [], "dataType": attribute["DataType"],
        });
        let shown = shown.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
        attributes.insert(name.clone(), shown.map(|(name, value)| (name.clone(), value.clone())).collect());
    }
    json!({
        "messageId": message["MessageId"], "receiptHandle": message["ReceiptHandle"], "body": message["Body"],
        "attributes": message["Attributes"], "messageAttributes": attributes, "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs", "eventSourceARN": arn, "awsRegion": world.place.region,
    })
}

/// Splits received messages by the mapping's filters; a body that is JSON is matched as such.
fn sort_by_filter(world: &World, id: &str, messages: Vec<Value>) -> (Vec<Value>, Vec<Value>) {
    let Some(mapping) = world.lambda.mappings.get(id) else {
        return (messages, Vec::new());
    };
    messages.into_iter().partition(|message| {
        let mut shown = message.clone();
        if let Some(parsed) = message["body"].as_str().and_then(|body| serde_json::from_str::<Value>(body).ok()) {
            shown["body"] = parsed;
        }
        mapping.passes(&shown)
    })
}

fn delete(world: &mut World, function: &Function, arn: &str, receipt: &str) {
    if let Some(url) = queue_url(world, arn) {
        // A refusal stands in the history, and the message comes back, as it would in AWS.
        let _ = call_as(world, function, "DeleteMessage", json!({"QueueUrl": url, "ReceiptHandle": receipt}));
    }
}

/// A call to SQS that Lambda makes with the function's role.
fn call_as(world: &mut World, function: &Function, operation: &str, input: Value) -> Answer {
    let caller = Caller::Role { role_arn: function.role_arn.clone(), actor: actor(&function.name) };
    let request_id = world.ids.uuid();
    world.call(&Call { service: "sqs".to_owned(), operation: operation.to_owned(), input, caller, request_id })
}

/// Settles a batch by what the function answered.
pub(super) fn batch_ended(world: &mut World, id: &str, request_id: &str, outcome: &Outcome) {
    let now = world.now;
    let Some(mapping) = world.lambda.mappings.get_mut(id) else { return };
    let failures = reported_failures(outcome, mapping.reports_failures);
    let function = mapping.function.clone();
    match &mut mapping.source {
        Source::Stream(stream) => {
            let failed_from = stream.state.running.as_ref().and_then(|chunk| first_failed(chunk, failures.as_deref()));
            // Where the function says which record failed, the batch is already cut there.
            let whole = failures.is_none();
            let discarded = stream.ended(failed_from, whole, now);
            if let (Some(discarded), Some(function)) = (discarded, world.lambda.function(&function).cloned()) {
                hand_over_discarded(world, id, &function, discarded, Some(outcome));
            }
        }
        Source::Queue(queue) => {
            let Some(place) = queue.running.iter().position(|(running, _)| running == request_id) else { return };
            let (_, messages) = queue.running.remove(place);
            let arn = queue.arn.clone();
            let Some(function) = world.lambda.function(&function).cloned() else { return };
            let known = |failed: &String| messages.iter().any(|message| &message.id == failed);
            let Some(failures) = failures.filter(|failures| failures.iter().all(known)) else { return };
            for message in messages.iter().filter(|message| !failures.contains(&message.id)) {
                delete(world, &function, &arn, &message.receipt);
            }
        }
    }
}

/// The first record that failed, None where none did. Everything from there on is tried again.
fn first_failed(chunk: &Chunk, failures: Option<&[String]>) -> Option<usize> {
    let Some(failures) = failures else { return Some(0) };
    let sequence =
        |arrived: &Arrived| arrived.record["dynamodb"]["SequenceNumber"].as_str().unwrap_or_default().to_owned();
    let places = failures.iter().map(|failed| chunk.records.iter().position(|arrived| &sequence(arrived) == failed));
    places.map(|place| place.unwrap_or(0)).min()
}

/// The items that the function reports as failed; None: the whole batch failed.
fn reported_failures(outcome: &Outcome, reports: bool) -> Option<Vec<String>> {
    let answer = outcome.result.as_ref().ok()?;
    if !reports {
        return Some(Vec::new());
    }
    match &answer["batchItemFailures"] {
        Value::Null => Some(Vec::new()),
        Value::Array(failures) => failures
            .iter()
            .map(|failure| failure["itemIdentifier"].as_str().filter(|id| !id.is_empty()).map(str::to_owned))
            .collect(),
        _ => None,
    }
}

fn hand_over_discarded(world: &mut World, id: &str, function: &Function, gone: Discarded, outcome: Option<&Outcome>) {
    let Some(mapping) = world.lambda.mappings.get(id) else { return };
    let Source::Stream(stream) = &mapping.source else { return };
    let (arn, on_failure) = (stream.arn.clone(), stream.on_failure_arn.clone());
    let record = discarded_record(world, function, &arn, &gone, outcome);
    let what = json!({
        "mapping": id, "condition": gone.condition, "records": gone.records.len(), "on_failure": on_failure,
    });
    world.history.record(world.now, "dead-letter", function.name.clone(), what);
    if let Some(queue_arn) = on_failure
        && finish::may_send(world, function, &queue_arn)
    {
        world.after_invocation(vec![Effect::Send { queue_arn, body: record.to_string(), attributes: Vec::new() }]);
    }
}

/// The record of discarded stream records: where they are, never what they hold. Source: Developer Guide, "Retain
/// discarded records with an on-failure destination".
fn discarded_record(
    world: &World,
    function: &Function,
    arn: &str,
    gone: &Discarded,
    outcome: Option<&Outcome>,
) -> Value {
    let sequence =
        |arrived: Option<&Arrived>| arrived.map(|arrived| arrived.record["dynamodb"]["SequenceNumber"].clone());
    let at = |arrived: Option<&Arrived>| arrived.map(|arrived| arrived.at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    let (first, last) = (gone.records.first(), gone.records.last());
    let mut record = json!({
        "requestContext": {
            "requestId": first.map_or(Value::Null, |arrived| arrived.record["eventID"].clone()),
            "functionArn": function.arn, "condition": gone.condition, "approximateInvokeCount": gone.failures,
        },
        "version": "1.0",
        "timestamp": world.now.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string(),
        "DDBStreamBatchInfo": {
            "shardId": "shardId-00000000000000000000-00000001",
            "startSequenceNumber": sequence(first), "endSequenceNumber": sequence(last),
            "approximateArrivalOfFirstRecord": at(first), "approximateArrivalOfLastRecord": at(last),
            "batchSize": gone.records.len(), "streamArn": arn,
        },
    });
    if let Some(outcome) = outcome {
        record["responseContext"] = finish::response_context(outcome);
    }
    record
}
