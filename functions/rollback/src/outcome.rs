//! What follows from a run: its counts, and a wake where it is to be looked at again soon.

use pitcrew_aws::engine::{Report, Subject};
use pitcrew_lambda::failure::Failure;
use pitcrew_lambda::metrics::{Metrics, names};
use serde_json::json;

use crate::app::App;

/// The longest delay of a message in SQS.
const DELAY_SECS_MAX: u32 = 900;

/// Counts a run's outcome.
pub fn count(report: &Report, metrics: &mut Metrics) {
    metrics.count(names::ACTIONS, u64::from(report.actions));
    if let Some(hold) = report.hold {
        metrics.count_by(names::HOLDS, "Reason", hold.as_str());
    }
}

/// A handler never sleeps: it sends its subject to the wake queue and ends.
pub async fn wake_again(app: &App, subject: &Subject, report: &Report) -> Result<(), Failure> {
    let (Some(secs), Some(queue)) = (report.wake_after_secs, &app.clients.places.wake_queue_url) else { return Ok(()) };
    let delay = i32::try_from(secs.min(DELAY_SECS_MAX)).unwrap_or(0);
    let body = json!({"service": subject.arn}).to_string();
    let call = app.clients.sqs.send_message().queue_url(queue).delay_seconds(delay).message_body(body);
    // The sweep looks at the service in any case: a wake that is lost costs minutes, not correctness.
    if let Err(error) = call.send().await {
        tracing::warn!(service = %subject.arn, error = %pitcrew_lambda::failure::chain(&error), "no wake could be queued");
    }
    Ok(())
}
