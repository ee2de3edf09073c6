//! Both doors: an event's subjects, or the sweep's, through the one path.

use jiff::Timestamp;
use lambda_runtime::LambdaEvent;
use pitcrew_aws::account::Quarantined;
use pitcrew_aws::engine::{Engine, EngineError, Subject};
use pitcrew_core::event::{self, Rejected, Wake};
use pitcrew_core::rollback::Trigger;
use pitcrew_lambda::failure::Failure;
use pitcrew_lambda::metrics::{Metrics, names, wall_clock_ms};
use serde_json::{Value, json};

use crate::app::App;
use crate::outcome::{count, wake_again};
use crate::{subjects, sweep};

<<<<<<< HEAD
/// The longest delay of a message in SQS.
const DELAY_SECS_MAX: u32 = 900;
/// Wakes that may follow one another before the next sweep takes over. Every sweep may begin a chain anew, so a chain without
/// an end would pile up on its service for as long as that waits; and Lambda itself cuts a chain of about 16 invocations
/// through SQS off as a recursive loop, as a failure of ours (Lambda guide, "Recursive loop detection").
const WAKE_HOPS_MAX: u32 = 4;

=======
>>>>>>> main
/// One invocation. An error goes back to Lambda only where trying again may help; everything else is handled here.
pub async fn handle(app: &App, event: LambdaEvent<Value>) -> Result<Value, Failure> {
    let mut metrics = Metrics::new("rollback");
    let outcome = route(app, &event, &mut metrics).await;
    // Dated by AWS's clock, like everything else. Only a process that never had an answer takes the machine's.
    metrics.flush(app.clients.date.now().map_or_else(wall_clock_ms, Timestamp::as_millisecond));
    outcome
}

async fn route(app: &App, event: &LambdaEvent<Value>, metrics: &mut Metrics) -> Result<Value, Failure> {
    metrics.count(names::EVENTS_SEEN, 1);
    let wake = match event::parse(&event.payload, &app.home) {
        Ok(wake) => wake,
        Err(rejected) => {
            return quarantine(app, &rejected, metrics).await.map(|()| json!({"quarantined": rejected.id}));
        }
    };
    tracing::info!(cause = %wake.cause.text, kind = wake.kind.as_str(), "woken");
    if let Some(shape) = event::drifted(&event.payload, &wake) {
        quarantine(app, &shape, metrics).await?;
    }
    let engine = Engine::new(&app.clients, app.settings, &event.context.request_id, event.context.deadline());
    if wake.subjects.contains(&event::Subject::Fleet) {
        return sweep::sweep(app, &engine, metrics).await;
    }
    run_all(app, &engine, &wake, metrics).await
}

async fn run_all(app: &App, engine: &Engine<'_>, wake: &Wake, metrics: &mut Metrics) -> Result<Value, Failure> {
    let mut failed_messages = Vec::new();
    let mut failure = None;
    let mut ran = 0;
    for subject in &wake.subjects {
        if let event::Subject::Queued(queued) = subject {
            let outcome = match &queued.service {
                Ok(arn) => {
                    let cause = wake.cause.text.clone();
                    let subject = Subject { arn: arn.clone(), cause, trigger: Trigger::Event };
                    run(app, engine, &subject, queued.hops, metrics).await
                }
                Err(rejected) => quarantine(app, rejected, metrics).await,
            };
            if outcome.is_err() {
                failed_messages.push(json!({"itemIdentifier": queued.message_id}));
            }
            continue;
        }
        let found = subjects::find(app, subject, &wake.cause.text).await;
        for subject in found.map_err(|error| Failure::new("Subjects", &error))? {
            ran += 1;
            failure = run(app, engine, &subject, 0, metrics).await.err().or(failure);
        }
    }
    match failure {
        Some(failure) => Err(failure),
        None if wake.kind == event::WakeKind::WakeQueue => Ok(json!({"batchItemFailures": failed_messages})),
        None => Ok(json!({"services": ran})),
    }
}

/// Runs one service, counts what came of it, and sees to it that it is looked at again where that is due.
async fn run(
    app: &App,
    engine: &Engine<'_>,
    subject: &Subject,
    hops: u32,
    metrics: &mut Metrics,
) -> Result<(), Failure> {
    match engine.run(subject).await {
        Ok(report) => {
            count(&report, metrics);
            wake_again(app, subject, &report, hops).await
        }
        Err(error) => failed(subject, &error),
    }
}

/// What may pass by itself goes back to Lambda, which tries again; the rest would fail again the same way.
fn failed(subject: &Subject, error: &EngineError) -> Result<(), Failure> {
    let failure = Failure::new("Engine", error);
    tracing::error!(service = %subject.arn, error = failure.message(), transient = error.is_transient(), "a run failed");
    if error.is_transient() { Err(failure) } else { Ok(()) }
}

<<<<<<< HEAD
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

=======
>>>>>>> main
/// Nothing is lost: a refused input is counted and kept once, with its reason.
pub async fn quarantine(app: &App, rejected: &Rejected, metrics: &mut Metrics) -> Result<(), Failure> {
    metrics.count(names::UNKNOWN_SHAPES, 1);
    metrics.count_by(names::QUARANTINED, "Reason", rejected.reason.as_str());
    tracing::warn!(reason = rejected.reason.as_str(), id = %rejected.id, excerpt = %rejected.excerpt, "refused an input");
    let wall = Timestamp::from_millisecond(wall_clock_ms()).unwrap_or(Timestamp::UNIX_EPOCH);
    let at = app.clients.date.now().unwrap_or(wall);
    let input = Quarantined { reason: rejected.reason.as_str().to_owned(), excerpt: rejected.excerpt.clone(), at };
    let kept = app.clients.table.quarantine(&rejected.id, &input).await;
    kept.map(|_| ()).map_err(|error| Failure::new("Quarantine", &error))
}

#[cfg(test)]
mod tests {
    use pitcrew_core::event::Home;
    use pitcrew_core::id::ServiceArn;

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
