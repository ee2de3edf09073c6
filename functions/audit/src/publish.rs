//! What is owed of a report that stands: the newest report and its page, the trend, the notice, the figures, Security Hub.
//!
//! Each step gives the same when it is done again, so a tick that was cut off leaves nothing half told: the next one begins
//! with what is still owed. The notice's row has a key that is made of the run, so it is told once.

use pitcrew_aws::error::AwsError;
use pitcrew_core::audit::{Report, Trend, asff, figures, html, notice};
use pitcrew_core::outbox::OutboxRow;
use pitcrew_fleet::securityhub::{self, Sent};
use pitcrew_fleet::store::Content;
use pitcrew_lambda::failure::{Failure, chain};
use pitcrew_lambda::metrics::{Metrics, Unit, names};

use crate::app::{AuditApp, Clients};
use crate::progress::{Kept, LATEST, PAGE, TREND, json_of, report_key, stored_if_any};

/// Refused findings that are named in the log.
const REFUSED_NAMED_MAX: usize = 5;

/// Tells what is owed; `false` where somebody else wrote the state meanwhile.
pub(crate) async fn owed(
    app: &AuditApp,
    clients: &Clients,
    kept: &mut Kept,
    metrics: &mut Metrics,
) -> Result<bool, Failure> {
    if let Some(run) = kept.state.untold.clone() {
        // Lost with its bucket's content: there is nothing to tell, and the next run must not wait for it.
        if let Some(report) = stored_if_any::<Report>(&clients.store, &report_key(&run)).await? {
            tell(app, clients, &report).await?;
            measure(&report, metrics);
        }
        kept.state.untold = None;
        if !kept.save(&clients.store).await? {
            return Ok(false);
        }
    }
    while let Some(run) = kept.state.hub.first().cloned() {
        let report: Option<Report> = stored_if_any(&clients.store, &report_key(&run)).await?;
        if let Some(report) = report {
            if let Err(error) = send(app, clients, &report).await {
                // It is no reason to audit less. What is owed stays, and the next tick begins with it.
                tracing::error!(run, error = chain(&error), "Security Hub did not take the findings; tried again");
                return Ok(true);
            }
        }
        kept.state.hub.remove(0);
        if !kept.save(&clients.store).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn tell(app: &AuditApp, clients: &Clients, report: &Report) -> Result<(), Failure> {
    let store = &clients.store;
    let mut trend: Trend = stored_if_any(store, TREND).await?.unwrap_or_default();
    trend.push(report.trend_line());
    let objects = [
        (TREND, Content::Json, json_of(&trend)?),
        (PAGE, Content::Html, html::page(report, &trend).into_bytes()),
        (LATEST, Content::Json, json_of(report)?),
    ];
    for (key, content, body) in objects {
        store.put(key, content, body).await.map_err(|error| Failure::new("Store", &error))?;
    }
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

/// Sends the findings, and what became of the workflow of those that were waived, opened again or have gone.
async fn send(app: &AuditApp, clients: &Clients, report: &Report) -> Result<(), AwsError> {
    let page = app.settings.page(PAGE);
    let imported = securityhub::import(&clients.fleet, &asff::imports(report, Some(&page))).await?;
    if !imported.enabled {
        tracing::warn!(run = report.run, "Security Hub is not enabled in this account and region; nothing was sent");
        return Ok(());
    }
    log_refused(report, "import", &imported);
    let updated = securityhub::update(&clients.fleet, &asff::updates(report)).await?;
    log_refused(report, "update", &updated);
    Ok(())
}

fn log_refused(report: &Report, what: &str, sent: &Sent) {
    let refused: Vec<_> = sent.refused.iter().take(REFUSED_NAMED_MAX).collect();
    if !refused.is_empty() {
        let count = sent.refused.len();
        tracing::error!(run = report.run, what, count, ?refused, "Security Hub refused findings");
    }
    tracing::info!(run = report.run, what, taken = sent.taken, "Security Hub took findings");
}
