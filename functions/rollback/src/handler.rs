//! Both doors: an event's subjects, or the sweep's, through the one path.

use lambda_runtime::LambdaEvent;
use pitcrew_aws::engine::{Engine, EngineError, Subject};
use pitcrew_core::event::{self, Queued, Wake};
use pitcrew_core::rollback::Trigger;
use pitcrew_lambda::door::{Entry, Outcome};
use pitcrew_lambda::failure::Failure;
use pitcrew_lambda::metrics::Metrics;
use serde_json::Value;

use crate::app::App;
use crate::outcome::{count, wake_again};
use crate::{subjects, sweep};

/// One invocation. An error goes back to Lambda only where trying again may help; everything else is handled here.
pub async fn handle(app: &App, event: LambdaEvent<Value>) -> Result<Value, Failure> {
    let mut metrics = Metrics::new("rollback");
    let outcome = route(app, &event, &mut metrics).await;
    app.door().flush(&mut metrics);
    outcome
}

async fn route(app: &App, event: &LambdaEvent<Value>, metrics: &mut Metrics) -> Result<Value, Failure> {
    let wake = match app.door().take(&event.payload, metrics).await? {
        Entry::Wake(wake) => wake,
        Entry::Refused(answer) => return Ok(answer),
    };
    let engine = Engine::new(&app.clients, app.settings, &event.context.request_id, event.context.deadline());
    if wake.subjects.contains(&event::Subject::Fleet) {
        return sweep::sweep(app, &engine, metrics).await;
    }
    run_all(app, &engine, &wake, metrics).await
}

async fn run_all(app: &App, engine: &Engine<'_>, wake: &Wake, metrics: &mut Metrics) -> Result<Value, Failure> {
    let mut outcome = Outcome::default();
    for subject in &wake.subjects {
        if let event::Subject::Queued(queued) = subject {
            let ran = match &queued.about {
                Ok(Queued::Service(arn)) => {
                    let cause = wake.cause.text.clone();
                    let subject = Subject { arn: arn.clone(), cause, trigger: Trigger::Event };
                    run(app, engine, &subject, queued.hops, metrics).await
                }
                // Another function's, on our queue: known, and nothing to do.
                Ok(Queued::Certificate(_)) => Ok(()),
                Err(rejected) => app.door().quarantine(rejected, metrics).await,
            };
            outcome.of_message(&queued.message_id, ran);
            continue;
        }
        let found = subjects::find(app, subject, &wake.cause.text).await;
        for subject in found.map_err(|error| Failure::new("Subjects", &error))? {
            outcome.of_subject(run(app, engine, &subject, 0, metrics).await);
        }
    }
    outcome.answer(wake.kind, "services")
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
            wake_again(app, subject, &report, hops).await;
            Ok(())
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
