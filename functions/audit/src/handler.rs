//! The one door, the schedule: what is due is asked at every tick, and most ticks end there.
//!
//! | at a tick | is done |
//! |---|---|
//! | a report stands that is not told | it is told first |
//! | somebody else is reading | nothing more: that one goes on |
//! | a run is due, or under way | it is read on, until it ends or the time does |
//! | it came to its end | its report is put together and told |
//! | Security Hub has still to take findings | they are sent last, so that nothing waits for it |
//! | somebody else wrote the state meanwhile | nothing more: the other one goes on |

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use lambda_runtime::LambdaEvent;
use pitcrew_core::audit::due::{Due, GIVEN_UP_AFTER, due};
use pitcrew_core::audit::given_up;
use pitcrew_core::event::{Subject, parse};
use pitcrew_lambda::failure::Failure;
use pitcrew_lambda::metrics::{Metrics, names, wall_clock_ms};
use serde_json::{Value, json};

use crate::app::{AuditApp, Clients};
use crate::hub::{self, Sending};
use crate::progress::{Kept, Underway};
use crate::{publish, reading};

/// What is kept of an invocation for the end of the reading: the usage of the last services, the part, the state.
const TIME_FOR_THE_END: Duration = Duration::from_secs(90);

/// The time of an invocation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// When reading and sending end.
    pub until: SystemTime,
    /// When Lambda ends it.
    pub deadline: SystemTime,
}

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
    let deadline = event.context.deadline();
    let until = deadline.checked_sub(TIME_FOR_THE_END).unwrap_or_else(SystemTime::now);
    tick(app, clients, Times { until, deadline }, metrics).await
}

async fn tick(app: &AuditApp, clients: &Clients, times: Times, metrics: &mut Metrics) -> Result<Value, Failure> {
    let mut kept = Kept::load(&clients.store).await?;
    let Some(now) = clients.fleet.domains.date.now() else {
        return Err(Failure::said("NoClock", "the bucket's answer carried no Date"));
    };
    if let Some(ahead) = clients.fleet.domains.date.machine_is_off() {
        let seconds = ahead.as_secs();
        tracing::warn!(seconds, "AWS's clock is so far ahead of this machine's; ages are told by AWS's");
    }
    if !publish::told(app, clients, &mut kept, metrics).await? {
        return Ok(json!({"overtaken": "telling"}));
    }
    let (answer, came_on) = match due(kept.state.runs(), app.settings.every, now) {
        Due::Wait => (json!({"waits": kept.state.last.as_ref().map(|last| &last.id)}), true),
        decided => {
            if let Some(until) = kept.state.read_until(now) {
                tracing::info!(%until, "somebody else reads");
                return Ok(json!({"reads_until": until}));
            }
            if decided == Due::Begin {
                begin(app, clients, &mut kept, now).await?;
            }
            let read = reading::go_on(app, clients, &mut kept, times, now).await?;
            if read.overtaken {
                return Ok(read.answer);
            }
            if read.ended && !publish::told(app, clients, &mut kept, metrics).await? {
                return Ok(json!({"overtaken": "telling"}));
            }
            let came_on = read.came_on();
            (read.answer, came_on)
        }
    };
    // The figures are out before Security Hub: whatever happens there costs none of them.
    metrics.flush(now.as_millisecond());
    match hub::send(app, clients, &mut kept, times.until).await? {
        Sending::Done | Sending::Cut if came_on => metrics.count(names::SWEEP_SUCCEEDED, 1),
        Sending::Done | Sending::Cut => {}
        // What Security Hub did not take stays owed, and is no sweep that succeeded.
        Sending::Failing => {}
        Sending::Overtaken => return Ok(json!({"overtaken": "sending"})),
    }
    Ok(answer)
}

/// Begins a run. One that came to no end in all that time is told: its invocations died, or read nothing.
async fn begin(app: &AuditApp, clients: &Clients, kept: &mut Kept, now: Timestamp) -> Result<(), Failure> {
    if let Some(run) = kept.state.run.replace(Underway::begin(now)) {
        tracing::error!(run = run.id, began = %run.began, "a run came to no end and is given up");
        let read = run.cursor.listed.len();
        let why = format!("it came to no end in {} hours; {read} services were read", GIVEN_UP_AFTER.as_hours());
        clients.tell_once(&given_up(&app.settings.place, &run.id, run.began, &why, now)).await?;
    }
    Ok(())
}
