//! What follows from a run: its counts, and a wake where it is to be looked at again soon.

use pitcrew_aws::engine::{Report, Subject};
use pitcrew_lambda::failure::Failure;
use pitcrew_lambda::metrics::{Metrics, names};
use serde_json::json;

use crate::app::App;

/// The longest delay of a message in SQS.
const DELAY_SECS_MAX: u32 = 900;
/// Wakes that may follow one another before the next sweep takes over. Every sweep may begin a chain anew, so a chain without
/// an end would pile up on its service for as long as that waits; and Lambda itself cuts a chain of about 16 invocations
/// through SQS off as a recursive loop, as a failure of ours (Lambda guide, "Recursive loop detection").
const WAKE_HOPS_MAX: u32 = 4;

/// Counts a run's outcome.
pub fn count(report: &Report, metrics: &mut Metrics) {
    metrics.count(names::ACTIONS, u64::from(report.actions));
    if let Some(hold) = report.hold {
        metrics.count_by(names::HOLDS, "Reason", hold.as_str());
    }
}

/// A handler never sleeps: it sends its subject to the wake queue and ends. `hops`: the wakes that led to this run.
pub async fn wake_again(app: &App, subject: &Subject, report: &Report, hops: u32) -> Result<(), Failure> {
    let (Some(secs), Some(queue)) = (report.wake_after_secs, &app.clients.places.wake_queue_url) else { return Ok(()) };
    let Some(body) = wake(subject, hops) else { return Ok(()) };
    let delay = i32::try_from(secs.min(DELAY_SECS_MAX)).unwrap_or(0);
    let call = app.clients.sqs.send_message().queue_url(queue).delay_seconds(delay).message_body(body);
    // The sweep looks at the service in any case: a wake that is lost costs minutes, not correctness.
    if let Err(error) = call.send().await {
        tracing::warn!(service = %subject.arn, error = %pitcrew_lambda::failure::chain(&error), "no wake could be queued");
    }
    Ok(())
}

/// The message that wakes us for this service; none where the chain of wakes has come to its end.
fn wake(subject: &Subject, hops: u32) -> Option<String> {
    (hops < WAKE_HOPS_MAX).then(|| json!({"service": subject.arn, "hops": hops + 1}).to_string())
}

#[cfg(test)]
mod tests {
    use pitcrew_core::event::{self, Home};
    use pitcrew_core::id::ServiceArn;
    use pitcrew_core::rollback::Trigger;

    use super::*;

    const ARN: &str = "arn:aws:apprunner:eu-west-1:123456789012:service/shop/0123456789abcdef";

    /// The hops that a message has when it comes back as a record of the queue.
    fn delivered(body: &str) -> u32 {
        let home = Home { partition: None, account: "123456789012".to_owned(), region: "eu-west-1".to_owned() };
        let queue = "arn:aws:sqs:eu-west-1:123456789012:pitcrew-wake";
        let record = json!({"messageId": "m", "eventSource": "aws:sqs", "eventSourceARN": queue, "body": body});
        let wake = event::parse(&json!({"Records": [record]}), &home).unwrap();
        match &wake.subjects[..] {
            [event::Subject::Queued(queued)] => queued.hops,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_chain_of_wakes_comes_to_an_end() {
        let arn = ServiceArn::parse(ARN).unwrap();
        let subject = Subject { arn, cause: "sweep".to_owned(), trigger: Trigger::Sweep };
        let (mut hops, mut wakes) = (0, 0);
        while let Some(body) = wake(&subject, hops) {
            hops = delivered(&body);
            wakes += 1;
            assert!(wakes < 16, "Lambda calls this a recursive loop");
        }
        assert_eq!(wakes, WAKE_HOPS_MAX);
    }

    #[test]
    fn a_message_that_counts_wrongly_begins_no_chain() {
        for hops in ["-1", "1e99", "\"1\"", "99999999999"] {
            assert_eq!(delivered(&format!(r#"{{"service":"{ARN}","hops":{hops}}}"#)), u32::MAX, "{hops}");
        }
        assert_eq!(delivered(&format!(r#"{{"service":"{ARN}"}}"#)), 0);
    }
}
