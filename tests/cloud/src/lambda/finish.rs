//! What follows when an invocation has ended: log, metrics, retry, destination, dead letter.
//!
//! Whatever Lambda does for a function here it does with the function's role, so each is checked against the role's policy:
//! a missing permission loses the line or the record, as in AWS, and is recorded as denied.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{AsyncEvent, Function, FunctionError, GivenUp, Invocation, Outcome, Purpose, log, poll};
use crate::call::{Caller, Need};
use crate::effect::{Datapoint, Effect};
use crate::world::World;

/// Ends an invocation that the driver has run, with all that Lambda does then.
pub fn finish(world: &mut World, invocation: &Invocation, outcome: Outcome) {
    let Some(purpose) = world.lambda.end(&invocation.id) else {
        return;
    };
    record(world, invocation, &purpose, &outcome);
    if let Some(function) = world.lambda.function(&invocation.function).cloned() {
        write_log(world, &function, invocation, &outcome);
        let failed = if outcome.result.is_err() { 1.0 } else { 0.0 };
        let mut effects = vec![
            count(world.now, "Invocations", &function.name, 1.0),
            count(world.now, "Errors", &function.name, failed),
        ];
        effects.push(metric(world.now, "Duration", &function.name, outcome.duration_ms, "Milliseconds"));
        world.after_invocation(effects);
    }
    match purpose {
        Purpose::Direct => {}
        Purpose::Event(_) if outcome.result.is_ok() => {}
        Purpose::Event(event) => world.lambda.event_failed(event, outcome, world.now),
        Purpose::Batch { mapping } => poll::batch_ended(world, &mapping, &invocation.id, &outcome),
    }
    for given_up in std::mem::take(&mut world.lambda.given_up) {
        give_up(world, given_up);
    }
}

fn record(world: &mut World, invocation: &Invocation, purpose: &Purpose, outcome: &Outcome) {
    let (cause, attempt) = match purpose {
        Purpose::Direct => ("direct".to_owned(), 1),
        Purpose::Event(event) => (event.cause.clone(), event.attempts),
        Purpose::Batch { mapping } => (format!("mapping {mapping}"), 1),
    };
    let ended = match &outcome.result {
        Ok(answer) => json!({"ok": answer}),
        Err(FunctionError { kind, message, .. }) => json!({"error": kind, "message": message}),
    };
    let what = json!({
        "function": invocation.function, "request_id": invocation.id, "cause": cause, "attempt": attempt,
        "payload": invocation.payload, "outcome": ended, "cold": outcome.init_ms.is_some(),
    });
    world.history.record(world.now, "invocation", invocation.function.clone(), what);
}

fn write_log(world: &mut World, function: &Function, invocation: &Invocation, outcome: &Outcome) {
    let crate::call::Place { partition, region, account } = world.place.clone();
    let group = &function.log_group;
    let arn = format!("arn:{partition}:logs:{region}:{account}:log-group:{group}");
    let stream = &outcome.log_stream;
    let needs = [
        Need::new("logs:CreateLogStream", format!("{arn}:log-stream:{stream}")),
        Need::new("logs:PutLogEvents", format!("{arn}:log-stream:{stream}")),
    ];
    if !may(world, function, &needs) {
        return;
    }
    let lines = log::lines(function, invocation, outcome, world.now);
    let effects = lines.into_iter().map(|message| Effect::Log {
        group: function.log_group.clone(),
        stream: outcome.log_stream.clone(),
        message,
    });
    world.after_invocation(effects.collect());
}

/// Hands an event that is given up to the destination and the dead-letter queue of its function.
pub(super) fn give_up(world: &mut World, given_up: GivenUp) {
    let GivenUp { event, condition, outcome } = given_up;
    let Some(function) = world.lambda.function(&event.function).cloned() else {
        return;
    };
    let on_failure = world.lambda.config(&event.function).on_failure_arn;
    let dead_letters = function.dead_letter_arn.clone();
    let what = json!({
        "function": event.function, "request_id": event.id, "condition": condition, "attempts": event.attempts,
        "on_failure": on_failure, "dead_letters": dead_letters,
    });
    world.history.record(world.now, "dead-letter", event.function.clone(), what);
    let mut effects = vec![count(world.now, "AsyncEventsDropped", &event.function, 1.0)];
    if let Some(queue_arn) = on_failure {
        let body = failure_record(&function, &event, condition, outcome.as_ref(), world.now).to_string();
        if may_send(world, &function, &queue_arn) {
            effects.push(Effect::Send { queue_arn, body, attributes: Vec::new() });
        } else {
            effects.push(count(world.now, "DestinationDeliveryFailures", &event.function, 1.0));
        }
    }
    if let Some(queue_arn) = dead_letters {
        if may_send(world, &function, &queue_arn) {
            let attributes = dead_letter_attributes(&event, outcome.as_ref());
            effects.push(Effect::Send { queue_arn, body: event.payload.to_string(), attributes });
        } else {
            effects.push(count(world.now, "DeadLetterErrors", &event.function, 1.0));
        }
    }
    world.after_invocation(effects);
}

/// The record that a destination gets. Source: Developer Guide, "Retaining records of asynchronous invocations".
fn failure_record(
    function: &Function,
    event: &AsyncEvent,
    condition: &str,
    outcome: Option<&Outcome>,
    now: Timestamp,
) -> Value {
    let mut record = json!({
        "version": "1.0",
        "timestamp": now.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string(),
        "requestContext": {
            "requestId": event.id,
            "functionArn": format!("{}:$LATEST", function.arn),
            "condition": condition,
            "approximateInvokeCount": event.attempts,
        },
        "requestPayload": event.payload,
    });
    if let Some(outcome) = outcome {
        record["responseContext"] = response_context(outcome);
        record["responsePayload"] = match &outcome.result {
            Ok(answer) => answer.clone(),
            Err(error) => error.payload.clone(),
        };
    }
    record
}

/// The part of a failure record that tells how the last run ended.
pub(super) fn response_context(outcome: &Outcome) -> Value {
    let mut context = json!({"statusCode": 200, "executedVersion": "$LATEST"});
    if outcome.result.is_err() {
        context["functionError"] = json!("Unhandled");
    }
    context
}

fn dead_letter_attributes(event: &AsyncEvent, outcome: Option<&Outcome>) -> Vec<(String, String)> {
    let error = outcome.and_then(|outcome| outcome.result.as_ref().err());
    let code = if error.is_some() { "200" } else { "429" };
    let message = error.map_or_else(|| "The event could not be run.".to_owned(), |error| error.message.clone());
    vec![
        ("RequestID".to_owned(), event.id.clone()),
        ("ErrorCode".to_owned(), code.to_owned()),
        // The first kilobyte only, as AWS documents.
        ("ErrorMessage".to_owned(), message.chars().take(1024).collect()),
    ]
}

pub(super) fn may_send(world: &mut World, function: &Function, queue_arn: &str) -> bool {
    may(world, function, &[Need::new("sqs:SendMessage", queue_arn)])
}

/// Whether the function's role allows what Lambda is about to do for it; a denial is recorded.
pub(crate) fn may(world: &mut World, function: &Function, needs: &[Need]) -> bool {
    let actor = poll::actor(&function.name);
    let caller = Caller::Role { role_arn: function.role_arn.clone(), actor: actor.clone() };
    match world.policies.check(&caller, needs) {
        Ok(()) => true,
        Err(denied) => {
            world.history.record(world.now, "denied", actor, json!(denied));
            false
        }
    }
}

pub(super) fn count(now: Timestamp, name: &str, function: &str, value: f64) -> Effect {
    metric(now, name, function, value, "Count")
}

fn metric(now: Timestamp, name: &str, function: &str, value: f64, unit: &str) -> Effect {
    Effect::Metric(Datapoint {
        namespace: "AWS/Lambda".to_owned(),
        name: name.to_owned(),
        dimensions: vec![("FunctionName".to_owned(), function.to_owned())],
        at: now,
        sum: value,
        count: 1.0,
        min: value,
        max: value,
        unit: unit.to_owned(),
    })
}
