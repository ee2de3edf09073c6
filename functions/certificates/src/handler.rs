//! Both doors: an event's certificate, or the sweep's domains and certificates, each through its one path.

use lambda_runtime::LambdaEvent;
use pitcrew_aws::account::Sweep;
use pitcrew_aws::acm_engine::{AcmEngine, AcmSubject};
use pitcrew_aws::domain_engine::{DomainEngine, DomainSubject, Which};
use pitcrew_core::domain::Trigger;
use pitcrew_core::event::{Queued, Subject, Wake};
use pitcrew_lambda::domains::{DomainApp, run, sweep};
use pitcrew_lambda::door::{Entry, Outcome};
use pitcrew_lambda::failure::Failure;
use pitcrew_lambda::metrics::{Metrics, names};
use serde_json::{Value, json};

use crate::acm;

/// What looks at the two kinds of certificates in one invocation.
struct Engines<'a> {
    domains: DomainEngine<'a>,
    acm: AcmEngine<'a>,
}

/// One invocation. An error goes back to Lambda only where trying again may help; everything else is handled here.
///
/// # Errors
/// See [`Failure`].
pub async fn handle(app: &DomainApp, event: LambdaEvent<Value>) -> Result<Value, Failure> {
    let mut metrics = Metrics::new("certificates");
    let outcome = route(app, &event, &mut metrics).await;
    app.door().flush(&mut metrics);
    outcome
}

async fn route(app: &DomainApp, event: &LambdaEvent<Value>, metrics: &mut Metrics) -> Result<Value, Failure> {
    let wake = match app.door().take(&event.payload, metrics).await? {
        Entry::Wake(wake) => wake,
        Entry::Refused(answer) => return Ok(answer),
    };
    let (me, deadline) = (&event.context.request_id, event.context.deadline());
    let domains = DomainEngine::new(&app.clients, app.settings.clone(), me, deadline);
    let engines = Engines { acm: AcmEngine::beside(&domains), domains };
    if wake.subjects.contains(&Subject::Fleet) {
        return sweep_both(app, engines, metrics).await;
    }
    run_all(app, &engines, &wake, metrics).await
}

/// The domains first: what they serve is what visitors see. Where the last sweep over ACM's certificates was cut these come
/// first, with half the time: neither keeps the other waiting for ever.
async fn sweep_both(app: &DomainApp, engines: Engines<'_>, metrics: &mut Metrics) -> Result<Value, Failure> {
    let Engines { domains: engine, acm } = engines;
    let (domains, certificates) = if acm::is_owed(app).await? {
        let half = acm.deadline().half();
        let certificates = acm::sweep(app, &acm.until(half), metrics).await;
        (sweep(app, &engine, Sweep::Certificates, metrics).await, certificates)
    } else {
        let domains = sweep(app, &engine, Sweep::Certificates, metrics).await;
        (domains, acm::sweep(app, &acm, metrics).await)
    };
    // Neither keeps the other from being looked at; the first failure is told.
    let (domains, certificates) = (domains?, certificates?);
    if domains.succeeded() && certificates.succeeded() {
        metrics.count(names::SWEEP_SUCCEEDED, 1);
    }
    Ok(json!({"domains": domains.summary(), "certificates": certificates.summary()}))
}

async fn run_all(app: &DomainApp, engines: &Engines<'_>, wake: &Wake, metrics: &mut Metrics) -> Result<Value, Failure> {
    let cause = &wake.cause.text;
    let mut outcome = Outcome::default();
    for subject in &wake.subjects {
        match subject {
            Subject::Certificate(arn) => {
                let subject = AcmSubject { arn: arn.clone(), cause: cause.clone(), sweep: false };
                outcome.of_subject(acm::run(app, &engines.acm, &subject, 0, metrics).await);
            }
            Subject::Queued(queued) => {
                let ran = match &queued.about {
                    Ok(Queued::Service(service)) => {
                        let (service, cause) = (service.clone(), cause.clone());
                        let subject = DomainSubject { service, which: Which::All, cause, trigger: Trigger::Event };
                        run(app, &engines.domains, &subject, queued.hops, metrics).await
                    }
                    Ok(Queued::Certificate(arn)) => {
                        let subject = AcmSubject { arn: arn.clone(), cause: cause.clone(), sweep: false };
                        acm::run(app, &engines.acm, &subject, queued.hops, metrics).await
                    }
                    Err(rejected) => app.door().quarantine(rejected, metrics).await,
                };
                outcome.of_message(&queued.message_id, ran);
            }
            // Known, and other functions'.
            Subject::Service(_) | Subject::Domains(_) | Subject::Alarm(_) | Subject::Image(_) | Subject::Fleet => {}
        }
    }
    outcome.answer(wake.kind, "subjects")
}
