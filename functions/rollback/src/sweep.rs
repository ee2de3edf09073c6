//! The other door: every service, every five minutes, whether an event told of it or not.

use std::collections::BTreeSet;

use futures_util::stream::{self, StreamExt as _};
use pitcrew_aws::account::Sweep;
use pitcrew_aws::apprunner::observe_fleet;
use pitcrew_aws::engine::{Engine, EngineError, Report, Subject};
use pitcrew_aws::error::AwsError;
use pitcrew_core::id::ServiceArn;
use pitcrew_core::rollback::Trigger;
use pitcrew_lambda::failure::Failure;
use pitcrew_lambda::metrics::{Metrics, Unit, names};
use pitcrew_lambda::sweep::order;
use serde_json::{Value, json};

use crate::app::App;
use crate::outcome::{count, wake_again};

/// Services that are looked at at the same time: enough to hide 40 ms a call, few enough for a throttled API.
const CONCURRENT: usize = 4;

/// Looks at every service, from where the last sweep was cut.
pub async fn sweep(app: &App, engine: &Engine<'_>, metrics: &mut Metrics) -> Result<Value, Failure> {
    let said = |error: &AwsError| Failure::new("Sweep", error);
    let mut fleet = observe_fleet(&app.clients.apprunner).await.map_err(|error| said(&error))?;
    fleet.sort();
    app.clients.table.set_fleet(fleet.len()).await.map_err(|error| said(&error))?;
    let cursor = app.clients.table.sweep_cursor(Sweep::Deployments).await.map_err(|error| said(&error))?;
    let turn = order(&with_remembered(&fleet, remembered(app).await), ToString::to_string, cursor.as_deref());
    let runs = stream::iter(turn.clone())
        .map(|arn| async move {
            if !engine.deadline().has_time() {
                return (arn, None);
            }
            let subject = Subject { arn: arn.clone(), cause: "sweep".to_owned(), trigger: Trigger::Sweep };
            (arn, Some(engine.run(&subject).await))
        })
        .buffered(CONCURRENT)
        .collect::<Vec<_>>()
        .await;
    let tally = tally(&runs, metrics);
    let cut_at = tally.first_left_out.clone();
    if cut_at.is_some() || cursor.is_some() {
        let before = cut_at.as_ref().map(ToString::to_string);
        app.clients
            .table
            .set_sweep_cursor(Sweep::Deployments, before.as_deref())
            .await
            .map_err(|error| said(&error))?;
    }
    // After the cursor: where the queue hangs, the next sweep must still begin where this one was cut.
    wake_again_after(app, engine, &runs).await;
    gauge_oldest(app, metrics).await;
    if tally.failed == 0 && cut_at.is_none() {
        metrics.count(names::SWEEP_SUCCEEDED, 1);
    }
    let summary = json!({"services": fleet.len(), "failed": tally.failed, "left": tally.left_out});
    tracing::info!(services = fleet.len(), failed = tally.failed, left = tally.left_out, "swept");
    match tally.failed {
        // Every single one failed: that is not one service's trouble, and Lambda may try again.
        failed if failed > 0 && failed >= fleet.len() => Err(Failure::said("Sweep", "no service could be looked at")),
        _ => Ok(summary),
    }
}

/// The services that something open hangs on: an incident, or a pin. One that was deleted is in no list of App Runner's, and
/// its event may be lost; only here is it found again, so that its incident ends.
async fn remembered(app: &App) -> Vec<ServiceArn> {
    app.clients.table.services_in_hand().await.unwrap_or_else(|error| {
        tracing::warn!(
            error = error.line(),
            "what is remembered of deleted services cannot be read; the fleet is swept"
        );
        Vec::new()
    })
}

/// The fleet, and what is remembered beside it: each once, in order.
fn with_remembered(fleet: &[ServiceArn], remembered: Vec<ServiceArn>) -> Vec<ServiceArn> {
    let all: BTreeSet<ServiceArn> = fleet.iter().cloned().chain(remembered).collect();
    all.into_iter().collect()
}

#[derive(Default)]
struct Tally {
    failed: usize,
    left_out: usize,
    first_left_out: Option<ServiceArn>,
}

type Outcome = (ServiceArn, Option<Result<Report, EngineError>>);

fn tally(runs: &[Outcome], metrics: &mut Metrics) -> Tally {
    let mut tally = Tally::default();
    for (arn, outcome) in runs {
        match outcome {
            Some(Ok(report)) => count(report, metrics),
            Some(Err(error)) => {
                tally.failed += 1;
                let error = pitcrew_lambda::failure::chain(error);
                tracing::error!(service = %arn, error, "a service could not be swept");
            }
            None => {
                tally.left_out += 1;
                tally.first_left_out.get_or_insert_with(|| arn.clone());
            }
        }
    }
    tally
}

/// Sees to it that what is due sooner is looked at again, as long as there is time: a wake that is left out is a sweep later.
async fn wake_again_after(app: &App, engine: &Engine<'_>, runs: &[Outcome]) {
    for (arn, outcome) in runs {
        let Some(Ok(report)) = outcome else { continue };
        if report.wake_after_secs.is_none() || !engine.deadline().has_time_for_a_call() {
            continue;
        }
        let subject = Subject { arn: arn.clone(), cause: "sweep".to_owned(), trigger: Trigger::Sweep };
        wake_again(app, &subject, report, 0).await;
    }
}

/// The age of the oldest open incident; 0 where none is open, so that an alarm can tell none from blindness.
async fn gauge_oldest(app: &App, metrics: &mut Metrics) {
    let oldest = match app.clients.table.open_incidents(1).await {
        Ok(open) => open.into_iter().next(),
        Err(error) => {
            tracing::warn!(error = error.line(), "the open incidents cannot be read");
            return;
        }
    };
    let now = app.clients.date.now();
    let age = oldest.zip(now).map_or(0, |(incident, now)| now.duration_since(incident.opened_at).as_secs().max(0));
    #[expect(clippy::cast_precision_loss, reason = "an age in seconds is far below 2^53")]
    metrics.gauge(names::OLDEST_OPEN_INCIDENT_SECONDS, age as f64, Unit::Seconds);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fleet() -> Vec<ServiceArn> {
        ["aaaa", "bbbb", "cccc"]
            .map(|name| {
                ServiceArn::parse(&format!("arn:aws:apprunner:eu-west-1:123456789012:service/{name}/1")).unwrap()
            })
            .to_vec()
    }

    #[test]
    fn a_service_that_is_gone_from_the_list_but_not_from_memory_is_looked_at_once() {
        let gone = ServiceArn::parse("arn:aws:apprunner:eu-west-1:123456789012:service/bbaa/1").unwrap();
        let all = with_remembered(&fleet(), vec![gone.clone(), fleet()[2].clone(), gone]);
        let names: Vec<&str> = all.iter().map(ServiceArn::name).collect();
        assert_eq!(names, ["aaaa", "bbaa", "bbbb", "cccc"]);
    }
}
