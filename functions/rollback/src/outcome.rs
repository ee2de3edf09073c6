//! What follows from a run: its counts, and a wake where it is to be looked at again soon.

use pitcrew_aws::engine::{Report, Subject};
use pitcrew_aws::wake::About;
use pitcrew_lambda::metrics::{Metrics, names};

use crate::app::App;

/// Counts a run's outcome.
pub fn count(report: &Report, metrics: &mut Metrics) {
    metrics.count(names::ACTIONS, u64::from(report.actions));
    if let Some(hold) = report.hold {
        metrics.count_by(names::HOLDS, "Reason", hold.as_str());
    }
}

/// A handler never sleeps: it sends its subject to the wake queue and ends. `hops`: the wakes that led to this run. The sweep
/// looks at the service in any case: a wake that is lost costs minutes, not correctness.
pub async fn wake_again(app: &App, subject: &Subject, report: &Report, hops: u32) {
    let Some(secs) = report.wake_after_secs else { return };
    if let Err(error) = app.clients.wakes.wake(About::Service(&subject.arn), hops, secs).await {
        tracing::warn!(service = %subject.arn, error = error.line(), "no wake could be queued");
    }
}
