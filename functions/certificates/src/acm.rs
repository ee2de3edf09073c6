//! The account's own certificates: the run of one, and the sweep over all of them.

use futures_util::stream::{self, StreamExt as _};
use pitcrew_aws::acm_engine::{AcmEngine, AcmReport, AcmSubject};
use pitcrew_aws::engine::EngineError;
use pitcrew_aws::wake::About;
use pitcrew_lambda::domains::DomainApp;
use pitcrew_lambda::failure::{Failure, chain};
use pitcrew_lambda::metrics::{Metrics, names};
use serde_json::{Value, json};

/// Certificates that are looked at at the same time.
const CONCURRENT: usize = 4;

/// What a sweep over the certificates came to.
#[derive(Debug, Default)]
pub struct Swept {
    certificates: usize,
    failed: usize,
    left: usize,
}

impl Swept {
    /// Whether every certificate was looked at without a failure.
    pub fn succeeded(&self) -> bool {
        self.failed == 0 && self.left == 0
    }

    pub fn summary(&self) -> Value {
        json!({"certificates": self.certificates, "failed": self.failed, "left": self.left})
    }
}

/// Runs one certificate. `hops`: the wakes that led to this run.
///
/// # Errors
/// What may pass by itself goes back to Lambda, which tries again; the rest would fail again the same way, and is logged.
pub async fn run(
    app: &DomainApp,
    engine: &AcmEngine<'_>,
    subject: &AcmSubject,
    hops: u32,
    metrics: &mut Metrics,
) -> Result<(), Failure> {
    match engine.run(subject).await {
        Ok(report) => {
            count(&report, metrics);
            wake_again(app, subject, &report, hops).await;
            Ok(())
        }
        Err(error) => {
            log(subject, &error);
            if error.is_transient() { Err(Failure::new("Engine", &error)) } else { Ok(()) }
        }
    }
}

/// Looks at every certificate of the region.
///
/// # Errors
/// They cannot be listed.
pub async fn sweep(app: &DomainApp, engine: &AcmEngine<'_>, metrics: &mut Metrics) -> Result<Swept, Failure> {
    if !engine.deadline().has_time() {
        // How many there are is not known: one that is left stands for all.
        return Ok(Swept { left: 1, ..Swept::default() });
    }
    let listed = engine.listed().await.map_err(|error| Failure::new("Sweep", &error))?;
    let subject = |arn: String| AcmSubject { arn, cause: "sweep".to_owned(), sweep: true };
    let mut swept = Swept { certificates: listed.len(), ..Swept::default() };
    let mut runs = stream::iter(listed.into_iter().map(|listed| subject(listed.arn)))
        .map(|subject| async move {
            let ran = engine.deadline().has_time();
            let outcome = if ran { Some(engine.run(&subject).await) } else { None };
            (subject, outcome)
        })
        .buffered(CONCURRENT);
    while let Some((subject, outcome)) = runs.next().await {
        match outcome {
            Some(Ok(report)) => {
                count(&report, metrics);
                if engine.deadline().has_time_for_a_call() {
                    wake_again(app, &subject, &report, 0).await;
                }
            }
            Some(Err(error)) => {
                swept.failed += 1;
                log(&subject, &error);
            }
            None => swept.left += 1,
        }
    }
    Ok(swept)
}

fn count(report: &AcmReport, metrics: &mut Metrics) {
    metrics.count(names::ACTIONS, u64::from(report.actions));
    if let Some(hold) = report.hold {
        metrics.count_by(names::HOLDS, "Reason", hold);
    }
}

fn log(subject: &AcmSubject, error: &EngineError) {
    let (error, transient) = (chain(error), error.is_transient());
    tracing::error!(certificate = %subject.arn, error, transient, "a run failed");
}

/// A wake that is lost costs minutes, not correctness.
async fn wake_again(app: &DomainApp, subject: &AcmSubject, report: &AcmReport, hops: u32) {
    let Some(secs) = report.wake_after_secs else { return };
    if let Err(error) = app.clients.wakes.wake(About::Certificate(&subject.arn), hops, secs).await {
        tracing::warn!(certificate = %subject.arn, error = error.line(), "no wake could be queued");
    }
}
