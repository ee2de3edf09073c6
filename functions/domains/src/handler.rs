//! Both doors: an event's subjects, or the sweep's, through the one path.

use lambda_runtime::LambdaEvent;
use pitcrew_aws::account::Sweep;
use pitcrew_aws::domain_engine::{DomainEngine, DomainSubject, Which};
use pitcrew_core::domain::Trigger;
use pitcrew_core::event::{Queued, Subject, Wake};
use pitcrew_core::id::ServiceArn;
use pitcrew_lambda::domains::{DomainApp, run, sweep};
use pitcrew_lambda::door::{Entry, Outcome};
use pitcrew_lambda::failure::Failure;
use pitcrew_lambda::metrics::{Metrics, names};
use serde_json::Value;

/// One invocation. An error goes back to Lambda only where trying again may help; everything else is handled here.
///
/// # Errors
/// See [`Failure`].
pub async fn handle(app: &DomainApp, event: LambdaEvent<Value>) -> Result<Value, Failure> {
    let mut metrics = Metrics::new("domains");
    let outcome = route(app, &event, &mut metrics).await;
    app.door().flush(&mut metrics);
    outcome
}

async fn route(app: &DomainApp, event: &LambdaEvent<Value>, metrics: &mut Metrics) -> Result<Value, Failure> {
    let wake = match app.door().take(&event.payload, metrics).await? {
        Entry::Wake(wake) => wake,
        Entry::Refused(answer) => return Ok(answer),
    };
    let me = &event.context.request_id;
    let engine = DomainEngine::new(&app.clients, app.settings.clone(), me, event.context.deadline());
    if wake.subjects.contains(&Subject::Fleet) {
        let swept = sweep(app, &engine, Sweep::Domains, metrics).await?;
        if swept.succeeded() {
            metrics.count(names::SWEEP_SUCCEEDED, 1);
        }
        return Ok(swept.summary());
    }
    run_all(app, &engine, &wake, metrics).await
}

async fn run_all(
    app: &DomainApp,
    engine: &DomainEngine<'_>,
    wake: &Wake,
    metrics: &mut Metrics,
) -> Result<Value, Failure> {
    let all_of = |service: &ServiceArn| DomainSubject {
        service: service.clone(),
        which: Which::All,
        cause: wake.cause.text.clone(),
        trigger: Trigger::Event,
    };
    let mut outcome = Outcome::default();
    for subject in &wake.subjects {
        match subject {
            Subject::Domains(hint) => {
                outcome.of_subject(run(app, engine, &all_of(&hint.service), 0, metrics).await);
            }
            Subject::Queued(queued) => {
                let ran = match &queued.about {
                    Ok(Queued::Service(service)) => run(app, engine, &all_of(service), queued.hops, metrics).await,
                    // Another function's, on our queue: known, and nothing to do.
                    Ok(Queued::Certificate(_)) => Ok(()),
                    Err(rejected) => app.door().quarantine(rejected, metrics).await,
                };
                outcome.of_message(&queued.message_id, ran);
            }
            // Known, and other functions'.
            Subject::Service(_) | Subject::Certificate(_) | Subject::Alarm(_) | Subject::Image(_) | Subject::Fleet => {}
        }
    }
    outcome.answer(wake.kind, "services")
}
