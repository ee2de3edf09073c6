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
