//! From the bus to its targets: permission, retry, dead letter.
//!
//! A missing target or permission is final and goes to the dead-letter queue at once; whatever else a target refuses is
//! tried again within the retry policy. Source: EventBridge User Guide, "Using dead-letter queues".

use jiff::SignedDuration;
use serde_json::json;

use super::metrics::{count, invoked};
use super::{Delivery, Origin};
use crate::call::{Caller, Need};
use crate::effect::Effect;
use crate::world::World;

/// The longest wait between two tries, in seconds. 185 tries then take the whole 24 hours.
const RETRY_SECS_MAX: i64 = 480;

/// Why a delivery did not arrive.
struct Refusal {
    code: &'static str,
    message: String,
}

/// Delivers what the bus has made ready. Call it after each step of the clock.
pub fn hand_over(world: &mut World) {
    for delivery in std::mem::take(&mut world.bus.ready) {
        let age = world.now.duration_since(delivery.since);
        if age > SignedDuration::from_secs(delivery.retry.age_secs_max) {
            let refusal = Refusal { code: "TIMEOUT", message: "The event is older than its target allows.".to_owned() };
            dead_letter(world, &delivery, &refusal, Some("MaximumEventAgeInSeconds"));
            continue;
        }
        if let Err(refusal) = permitted(world, &delivery) {
            dead_letter(world, &delivery, &refusal, None);
            continue;
        }
        match struck(world, &delivery) {
            Some(code) => retry(world, delivery, &code),
            None => deliver(world, delivery),
        }
    }
}

fn deliver(world: &mut World, delivery: Delivery) {
    let Delivery { origin, target_arn, payload, .. } = delivery;
    let mut effects = match &origin {
        Origin::Rule { name, .. } => invoked(world.now, name),
        Origin::Schedule { .. } => Vec::new(),
    };
    effects.push(match service_of(&target_arn) {
        "sqs" => Effect::Send { queue_arn: target_arn, body: payload.to_string(), attributes: Vec::new() },
        _ => Effect::Invoke { function_arn: target_arn, payload, cause: origin.name().to_owned() },
    });
    world.after_invocation(effects);
}

/// The retryable error that a fault orders for this target now.
fn struck(world: &mut World, delivery: &Delivery) -> Option<String> {
    let (left, code) = world.bus.refusals.get_mut(&delivery.target_arn)?;
    let code = code.clone();
    *left = left.saturating_sub(1);
    if *left == 0 {
        world.bus.refusals.remove(&delivery.target_arn);
    }
    Some(code)
}

fn retry(world: &mut World, mut delivery: Delivery, code: &str) {
    if delivery.retries >= delivery.retry.attempts_max {
        let refusal = Refusal { code: "THROTTLING", message: format!("The target kept refusing the event: {code}") };
        dead_letter(world, &delivery, &refusal, Some("MaximumRetryAttempts"));
        return;
    }
    let wait = 1_i64.checked_shl(delivery.retries).map_or(RETRY_SECS_MAX, |secs| secs.clamp(1, RETRY_SECS_MAX));
    delivery.due = world.now + SignedDuration::from_secs(wait);
    delivery.retries += 1;
    let what = json!({"target": delivery.target_arn, "error": code, "retry": delivery.retries, "after_secs": wait});
    world.history.record(world.now, "fault", delivery.origin.name().to_owned(), what);
    world.bus.waiting.push(delivery);
}

fn permitted(world: &mut World, delivery: &Delivery) -> Result<(), Refusal> {
    let target = &delivery.target_arn;
    let exists = match service_of(target) {
        "lambda" => world.lambda.function_by_arn(target).is_some(),
        "sqs" => queue_exists(world, target),
        _ => false,
    };
    if !exists {
        return Err(Refusal { code: "NO_RESOURCE", message: format!("The target {target} does not exist.") });
    }
    let allowed = match &delivery.origin {
        Origin::Schedule { name, role_arn, .. } => {
            let action = if service_of(target) == "sqs" { "sqs:SendMessage" } else { "lambda:InvokeFunction" };
            role_may(world, role_arn, name, action, target)
        }
        Origin::Rule { .. } if service_of(target) == "sqs" => world.bus.may_send(target, &delivery.origin),
        Origin::Rule { .. } => world.bus.may_invoke(target, &delivery.origin),
    };
    if allowed {
        return Ok(());
    }
    let message = format!("{} has no permission to reach {target}.", delivery.origin.arn());
    Err(Refusal { code: "NO_PERMISSIONS", message })
}

/// Whether a role's policies allow one action; a denial is recorded.
fn role_may(world: &mut World, role_arn: &str, actor: &str, action: &str, resource: &str) -> bool {
    let caller = Caller::Role { role_arn: role_arn.to_owned(), actor: actor.to_owned() };
    match world.policies.check(&caller, &[Need::new(action, resource)]) {
        Ok(()) => true,
        Err(denied) => {
            world.history.record(world.now, "denied", actor.to_owned(), json!(denied));
            false
        }
    }
}

fn dead_letter(world: &mut World, delivery: &Delivery, refusal: &Refusal, exhausted: Option<&str>) {
    let origin = &delivery.origin;
    let mut what = json!({
        "from": origin.arn(), "target": delivery.target_arn, "error": refusal.code, "message": refusal.message,
        "queue": delivery.dead_letter_arn,
    });
    let queue = delivery.dead_letter_arn.clone().filter(|queue| reaches_dead_letters(world, queue, origin));
    what["kept"] = json!(queue.is_some());
    world.history.record(world.now, "dead-letter", origin.name().to_owned(), what);
    let metric = if queue.is_some() { "InvocationsSentToDlq" } else { "InvocationsFailedToBeSentToDlq" };
    let mut effects = Vec::new();
    if let Origin::Rule { name, .. } = origin {
        effects.extend(invoked(world.now, name));
        effects.push(count(world.now, "FailedInvocations", Some(name)));
        if delivery.dead_letter_arn.is_some() {
            effects.push(count(world.now, metric, Some(name)));
        }
    }
    if let Some(queue_arn) = queue {
        let attributes = attributes(delivery, refusal, exhausted);
        effects.push(Effect::Send { queue_arn, body: delivery.payload.to_string(), attributes });
    }
    world.after_invocation(effects);
}

fn reaches_dead_letters(world: &mut World, queue: &str, origin: &Origin) -> bool {
    let allowed = match origin {
        Origin::Rule { .. } => world.bus.may_send(queue, origin),
        Origin::Schedule { name, role_arn, .. } => role_may(world, role_arn, name, "sqs:SendMessage", queue),
    };
    allowed && queue_exists(world, queue)
}

fn attributes(delivery: &Delivery, refusal: &Refusal, exhausted: Option<&str>) -> Vec<(String, String)> {
    let arn_name = if matches!(delivery.origin, Origin::Rule { .. }) { "RULE_ARN" } else { "SCHEDULE_ARN" };
    let mut attributes = vec![
        (arn_name.to_owned(), delivery.origin.arn().to_owned()),
        ("TARGET_ARN".to_owned(), delivery.target_arn.clone()),
        ("ERROR_CODE".to_owned(), refusal.code.to_owned()),
        ("ERROR_MESSAGE".to_owned(), refusal.message.clone()),
        ("RETRY_ATTEMPTS".to_owned(), delivery.retries.to_string()),
    ];
    if let Some(condition) = exhausted {
        attributes.push(("EXHAUSTED_RETRY_CONDITION".to_owned(), condition.to_owned()));
    }
    if let Origin::Schedule { at, .. } = &delivery.origin {
        attributes.push(("SCHEDULED_TIME".to_owned(), at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()));
    }
    attributes
}

fn queue_exists(world: &mut World, arn: &str) -> bool {
    let name = arn.rsplit(':').next().unwrap_or_default();
    world.internal("sqs", "GetQueueUrl", json!({"QueueName": name})).is_ok()
}

/// The service part of an ARN.
fn service_of(arn: &str) -> &str {
    arn.split(':').nth(2).unwrap_or_default()
}
