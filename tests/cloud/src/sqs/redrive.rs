//! Redrive: what an operator does with dead letters once their cause is gone.
//!
//! `StartMessageMoveTask` moves everything at once, whatever rate the call asks for; the task is `COMPLETED` when the call
//! returns. In AWS it runs for a while and can be cancelled.

use serde_json::{Value, json};

use super::queue::{Message, arn};
use super::{Sqs, invalid_value};
use crate::call::{Answer, ApiError, Ctx, Need, Place};
use crate::shape::{integer, text};

/// `ListMessageMoveTasks` shows one task where the call says nothing, and ten at most (botocore's model).
const TASKS_MAX: i64 = 10;

/// A task that has ended.
#[derive(Clone, Debug)]
pub struct MoveTask {
    source: String,
    destination: Option<String>,
    moved: usize,
    /// Milliseconds since the epoch.
    started: i64,
}

impl Sqs {
    pub(super) fn start_message_move_task(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let source = text(input, "SourceArn").unwrap_or_default().to_owned();
        let name = self.known(ctx.place, &source)?;
        if !self.queues.values().any(|queue| queue.redrive().is_some_and(|redrive| redrive.target == source)) {
            return Err(invalid_value("Source queue must be configured as a Dead Letter Queue."));
        }
        let destination = text(input, "DestinationArn").map(str::to_owned);
        if let Some(destination) = &destination {
            self.known(ctx.place, destination)?;
        }
        let Some(queue) = self.queues.get_mut(&name) else { return Err(no_resource()) };
        queue.expire(ctx.now);
        let (visible, hidden): (Vec<_>, Vec<_>) =
            std::mem::take(&mut queue.messages).into_iter().partition(|(_, message)| message.visible_at <= ctx.now);
        queue.messages = hidden.into_iter().collect();
        let (mut moved, mut kept) = (0, Vec::new());
        for (at, message) in visible {
            let target = destination.as_ref().or(message.moved_from.as_ref()).and_then(|arn| arn.rsplit(':').next());
            // A letter without an origin, or whose origin is gone, stays where it is.
            let target = target.map(str::to_owned).filter(|target| self.queues.contains_key(target));
            match target.and_then(|target| self.queues.get_mut(&target)) {
                // Redriven messages are new messages (SQS developer guide, "Configuring a dead-letter queue redrive").
                Some(target) => {
                    moved += 1;
                    target.push(Message {
                        id: ctx.ids.uuid(),
                        sent: ctx.now,
                        moved_from: None,
                        receives: 0,
                        first_received: None,
                        ..message
                    });
                }
                None => kept.push((at, message)),
            }
        }
        if let Some(queue) = self.queues.get_mut(&name) {
            queue.messages.extend(kept);
        }
        self.tasks.push(MoveTask { source, destination, moved, started: ctx.now.as_millisecond() });
        Ok(json!({"TaskHandle": ctx.ids.hex32()}))
    }

    pub(super) fn list_message_move_tasks(&self, ctx: &Ctx<'_>, input: &Value) -> Answer {
        let source = text(input, "SourceArn").unwrap_or_default();
        self.known(ctx.place, source)?;
        let limit = integer(input, "MaxResults").unwrap_or(1).clamp(1, TASKS_MAX) as usize;
        let show = |task: &MoveTask| {
            let mut shown = json!({
                "Status": "COMPLETED",
                "SourceArn": task.source,
                "ApproximateNumberOfMessagesMoved": task.moved,
                "ApproximateNumberOfMessagesToMove": task.moved,
                "StartedTimestamp": task.started,
            });
            if let Some(destination) = &task.destination {
                shown["DestinationArn"] = json!(destination);
            }
            shown
        };
        let newest_first = self.tasks.iter().rev().filter(|task| task.source == source);
        Ok(json!({"Results": newest_first.take(limit).map(show).collect::<Vec<Value>>()}))
    }

    /// The name of a queue of this account and region.
    fn known(&self, place: &Place, queue_arn: &str) -> Result<String, ApiError> {
        let name = queue_arn.strip_prefix(&arn(place, "")).unwrap_or_default();
        if self.queues.contains_key(name) { Ok(name.to_owned()) } else { Err(no_resource()) }
    }
}

/// A move task reads and empties its source and writes to its destination (SQS developer guide, permissions of a redrive).
pub fn needs(input: &Value) -> Vec<Need> {
    let source = text(input, "SourceArn").unwrap_or_default();
    let mut needs: Vec<Need> = ["StartMessageMoveTask", "ReceiveMessage", "DeleteMessage", "GetQueueAttributes"]
        .iter()
        .map(|action| Need::new(format!("sqs:{action}"), source))
        .collect();
    needs.extend(text(input, "DestinationArn").map(|arn| Need::new("sqs:SendMessage", arn)));
    needs
}

fn no_resource() -> ApiError {
    ApiError::client(
        "ResourceNotFoundException",
        "The resource that you specified for the SourceArn parameter doesn't exist.",
    )
}
