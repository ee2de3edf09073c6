//! The one door, the schedule: what is due is asked at every tick, and most ticks end there.
//!
//! | at a tick | is done |
//! |---|---|
//! | a report stands that is not told | it is told first |
//! | a run is due, or under way | it is read on, until it ends or the time does |
//! | it came to its end | its report is put together and told |
//! | somebody else wrote the state meanwhile | nothing more: the other one goes on |

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use lambda_runtime::LambdaEvent;
use pitcrew_core::audit::due::{Due, due};
use pitcrew_core::event::{Subject, parse};
use pitcrew_lambda::failure::Failure;
use pitcrew_lambda::metrics::{Metrics, names, wall_clock_ms};
use serde_json::{Value, json};

use crate::app::{AuditApp, Clients};
use crate::progress::{Kept, Underway};
use crate::{publish, reading};

/// What is kept of an invocation for the end of a run: to judge, to store, to tell.
const TIME_FOR_THE_END: Duration = Duration::from_secs(60);

/// One invocation.
///
/// # Errors
/// The bucket or App Runner's list cannot be had: Lambda tries again, and so does the next tick.
pub async fn handle(app: &AuditApp, event: LambdaEvent<Value>) -> Result<Value, Failure> {
    let mut metrics = Metrics::new("audit");
    let clients = app.clients();
    // Boxed, because the calls of so many SDK operations in one future are more than the compiler wants to lay out.
    let outcome = Box::pin(answer(app, &clients, &event, &mut metrics)).await;
    // Dated by AWS's clock, like everything else. Only a process that never had an answer takes the machine's.
    metrics.flush(clients.fleet.domains.date.now().map_or_else(wall_clock_ms, Timestamp::as_millisecond));
    outcome
}

async fn answer(
    app: &AuditApp,
    clients: &Clients,
    event: &LambdaEvent<Value>,
    metrics: &mut Metrics,
) -> Result<Value, Failure> {
    metrics.count(names::EVENTS_SEEN, 1);
    let swept = match parse(&event.payload, &app.home) {
        Ok(wake) => wake.subjects.contains(&Subject::Fleet),
        Err(rejected) => {
            tracing::warn!(reason = rejected.reason.as_str(), excerpt = %rejected.excerpt, "refused an input");
            false
        }
    };
    if !swept {
        // Only its schedule may invoke it, and it may not write to what the others remember: the log has the input.
        metrics.count(names::UNKNOWN_SHAPES, 1);
        return Ok(json!({"ignored": "not the schedule"}));
    }
    let until = event.context.deadline().checked_sub(TIME_FOR_THE_END).unwrap_or_else(SystemTime::now);
    tick(app, clients, until, metrics).await
}

async fn tick(app: &AuditApp, clients: &Clients, until: SystemTime, metrics: &mut Metrics) -> Result<Value, Failure> {
    let mut kept = Kept::load(&clients.store).await?;
    let Some(now) = clients.fleet.domains.date.now() else {
        return Err(Failure::said("NoClock", "the bucket's answer carried no Date"));
    };
    if !publish::owed(app, clients, &mut kept, metrics).await? {
        return Ok(json!({"overtaken": "telling"}));
    }
    let answer = match due(kept.state.runs(), app.settings.every, now) {
        Due::Wait => json!({"waits": kept.state.last.as_ref().map(|last| &last.id)}),
        decided => {
            if decided == Due::Begin {
                if let Some(run) = kept.state.run.replace(Underway::begin(now)) {
                    tracing::warn!(run = run.id, began = %run.began, "a run came to no end and is given up");
                }
            }
            let read = reading::go_on(app, clients, &mut kept, until, now).await?;
            if read.ended && !publish::owed(app, clients, &mut kept, metrics).await? {
                return Ok(json!({"overtaken": "telling"}));
            }
            read.answer
        }
    };
    // What Security Hub did not take stays owed, and is no sweep that succeeded.
    if kept.state.hub.is_empty() {
        metrics.count(names::SWEEP_SUCCEEDED, 1);
    }
    Ok(answer)
}
