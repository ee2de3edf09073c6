//! The account's own certificates: the run of one, and the sweep over all of them.

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::stream::{self, StreamExt as _};
use pitcrew_aws::account::Sweep;
use pitcrew_aws::acm_engine::{AcmEngine, AcmReport, AcmSubject};
use pitcrew_aws::engine::EngineError;
use pitcrew_aws::error::{AwsError, Kind};
use pitcrew_aws::wake::About;
use pitcrew_lambda::domains::DomainApp;
use pitcrew_lambda::failure::{Failure, chain};
use pitcrew_lambda::metrics::{Metrics, names};
use pitcrew_lambda::sweep::order;
use serde_json::{Value, json};

/// Certificates that are looked at at the same time.
const CONCURRENT: usize = 4;
/// A cursor before every ARN.
const FIRST: &str = "arn:";

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

/// Whether the last sweep over the certificates was cut.
///
/// # Errors
/// The table cannot be read.
pub async fn is_owed(app: &DomainApp) -> Result<bool, Failure> {
    let cursor = app.clients.table.sweep_cursor(Sweep::Acm).await;
    cursor.map(|cursor| cursor.is_some()).map_err(|error| Failure::new("Sweep", &error))
}

/// Looks at every certificate of the region, from where the last sweep was cut, as long as there is time and nobody asks us to
/// slow down.
///
/// # Errors
/// They cannot be listed, or the table cannot be read.
pub async fn sweep(app: &DomainApp, engine: &AcmEngine<'_>, metrics: &mut Metrics) -> Result<Swept, Failure> {
    let said = |error: AwsError| Failure::new("Sweep", &error);
    let table = &app.clients.table;
    let cursor = table.sweep_cursor(Sweep::Acm).await.map_err(said)?;
    if !engine.deadline().has_time() {
        // The next sweep begins with them, at whichever this one would have begun with.
        if cursor.is_none() {
            table.set_sweep_cursor(Sweep::Acm, Some(FIRST)).await.map_err(said)?;
        }
        // How many there are is not known: one that is left stands for all.
        return Ok(Swept { left: 1, ..Swept::default() });
    }
    let mut listed: Vec<String> = engine.listed().await.map_err(said)?.into_iter().map(|listed| listed.arn).collect();
    listed.sort();
    let turn = order(&listed, Clone::clone, cursor.as_deref());
    let mut swept = Swept { certificates: listed.len(), ..Swept::default() };
    let ran = run_all(engine, turn).await;
    let cut_at = ran.iter().find(|(_, outcome)| outcome.is_none()).map(|(subject, _)| subject.arn.clone());
    if cut_at.is_some() || cursor.is_some() {
        table.set_sweep_cursor(Sweep::Acm, cut_at.as_deref()).await.map_err(said)?;
    }
    for (subject, outcome) in &ran {
        match outcome {
            Some(Ok(report)) => {
                count(report, metrics);
                if engine.deadline().has_time_for_a_call() {
                    wake_again(app, subject, report, 0).await;
                }
            }
            Some(Err(error)) => {
                swept.failed += 1;
                log(subject, error);
            }
            None => swept.left += 1,
        }
    }
    Ok(swept)
}

type Ran = (AcmSubject, Option<Result<AcmReport, EngineError>>);

/// Runs the certificates in order, some at a time.
async fn run_all(engine: &AcmEngine<'_>, arns: Vec<String>) -> Vec<Ran> {
    let throttled = AtomicBool::new(false);
    let run = |arn: String| {
        let throttled = &throttled;
        async move {
            let subject = AcmSubject { arn, cause: "sweep".to_owned(), sweep: true };
            if !engine.deadline().has_time() || throttled.load(Ordering::Relaxed) {
                return (subject, None);
            }
            let outcome = engine.run(&subject).await;
            if matches!(&outcome, Err(EngineError::Aws(error)) if error.kind == Kind::Transient) {
                throttled.store(true, Ordering::Relaxed);
            }
            (subject, Some(outcome))
        }
    };
    stream::iter(arns).map(run).buffered(CONCURRENT).collect().await
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
