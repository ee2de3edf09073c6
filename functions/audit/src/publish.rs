//! What is owed of a report that stands: the newest report and its page, the trend, the notice, the figures.
//!
//! Each step gives the same when it is done again, so a tick that was cut off leaves nothing half told: the next one begins
//! with what is still owed. The notice's row has a key that is made of the run, so it is told once.

use pitcrew_core::audit::{Report, Trend, figures, html, notice};
use pitcrew_core::outbox::OutboxRow;
use pitcrew_fleet::store::Content;
use pitcrew_lambda::failure::Failure;
use pitcrew_lambda::metrics::{Metrics, Unit, names};

use crate::app::{AuditApp, Clients};
use crate::progress::{Kept, LATEST, PAGE, TREND, json_of, report_key, stored_if_any};

/// Tells what is not told yet; `false` where somebody else wrote the state meanwhile.
pub(crate) async fn told(
    app: &AuditApp,
    clients: &Clients,
    kept: &mut Kept,
    metrics: &mut Metrics,
) -> Result<bool, Failure> {
    let Some(run) = kept.state.untold.clone() else { return Ok(true) };
    // Lost with its bucket's content: there is nothing to tell, and the next run must not wait for it.
    if let Some(report) = stored_if_any::<Report>(&clients.store, &report_key(&run)).await? {
        tell(app, clients, &report).await?;
        measure(&report, metrics);
    }
    kept.state.untold = None;
    kept.save(&clients.store).await
}

async fn tell(app: &AuditApp, clients: &Clients, report: &Report) -> Result<(), Failure> {
    let store = &clients.store;
    let mut trend: Trend = stored_if_any(store, TREND).await?.unwrap_or_default();
    trend.push(report.trend_line());
    // One after the other: the newest report is large.
    let failed = |error| Failure::new("Store", &error);
    store.put(TREND, Content::Json, json_of(&trend)?).await.map_err(failed)?;
    store.put(PAGE, Content::Html, html::page(report, &trend).into_bytes()).await.map_err(failed)?;
    store.put(LATEST, Content::Json, json_of(report)?).await.map_err(failed)?;
    let Some(notice) = notice(report, Some(&app.settings.page(PAGE))) else {
        tracing::info!(run = report.run, "nothing changed since the run before; nothing is told");
        return Ok(());
    };
    let told = clients.outbox.put_new(&OutboxRow::new(&notice, [])).await;
    told.map(|_| ()).map_err(|error| Failure::new("Outbox", &error))
}

fn measure(report: &Report, metrics: &mut Metrics) {
    let figures = figures(report);
    let open = figures.open;
    let counts = [
        (names::AUDIT_CRITICAL, open.critical),
        (names::AUDIT_HIGH, open.high),
        (names::AUDIT_MEDIUM, open.medium),
        (names::AUDIT_LOW, open.low),
        (names::AUDIT_WAIVED, figures.waived),
        (names::AUDIT_SERVICES, figures.services),
        (names::AUDIT_NOT_CHECKED, figures.not_checked),
    ];
    for (name, count) in counts {
        metrics.gauge(name, f64::from(count), Unit::Count);
    }
    if let Some(days) = figures.days_left_min {
        #[expect(clippy::cast_precision_loss, reason = "days of a certificate stay far below 2^53")]
        metrics.gauge(names::AUDIT_CERTIFICATE_DAYS_LEFT, days as f64, Unit::None);
    }
}
