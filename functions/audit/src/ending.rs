//! The end of a run: its parts become a report, compared with that of the run before.

use pitcrew_core::audit::{Before, Part, Report, Run, Waivers, Whole, check_fleet, given_up};
use pitcrew_fleet::store::Content;
use pitcrew_fleet::walk::Walked;
use pitcrew_lambda::failure::Failure;
use serde_json::json;

use crate::app::{AuditApp, Clients};
use crate::progress::{Kept, LATEST, Underway, json_of, part_key, report_key, stored_if_any};
use crate::reading::Read;

/// Asks the rules about the fleet, puts the report together and keeps it under its run. Only then is the run over: an
/// invocation that dies before does this again, against the same report of the run before.
pub(crate) async fn end(
    app: &AuditApp,
    clients: &Clients,
    kept: &mut Kept,
    walked: &Walked,
    waivers: &Waivers,
) -> Result<Read, Failure> {
    let Some(run) = kept.state.run.clone() else { return Ok(Read::overtaken("none")) };
    let mut of_fleet = check_fleet(&walked.fleet, waivers);
    for (service, why) in &walked.unread {
        of_fleet.merge(Part::unread(service.clone(), why));
    }
    for service in &walked.left_out {
        of_fleet.merge(Part::left_out(service.clone()));
    }
    let mut parts = vec![of_fleet];
    for name in &run.parts {
        let key = part_key(&run.id, name);
        match stored_if_any::<Part>(&clients.store, &key).await? {
            Some(part) => parts.push(part),
            None => return begin_anew(app, clients, kept, run, &key).await,
        }
    }
    let report = compared(app, clients, &run, walked, parts).await?;
    let put = clients.store.put(&report_key(&run.id), Content::Json, json_of(&report)?).await;
    put.map_err(|error| Failure::new("Store", &error))?;
    kept.state.end(&run, report.finished, app.settings.security_hub);
    if !kept.save(&clients.store).await? {
        return Ok(Read::overtaken(&run.id));
    }
    tracing::info!(run = run.id, open = report.counts.total(), services = report.audited, "the run has its report");
    let answer = json!({"run": run.id, "services": report.audited, "open": report.counts.total()});
    Ok(Read { ended: true, read: walked.read, overtaken: false, answer })
}

/// The report. The one before is read as it is compared, and is never in memory whole beside it.
async fn compared(
    app: &AuditApp,
    clients: &Clients,
    run: &Underway,
    walked: &Walked,
    parts: Vec<Part>,
) -> Result<Report, Failure> {
    let listed = walked.fleet.services.iter().map(|listed| listed.arn.clone());
    let about = Run {
        id: run.id.clone(),
        place: app.settings.place.clone(),
        started: run.began,
        finished: clients.fleet.domains.date.now().unwrap_or(walked.fleet.now),
        calls: run.calls,
        listed: listed.chain(walked.unread.iter().map(|(arn, _)| arn.clone())).collect(),
    };
    let whole = Whole::new(about, parts);
    let latest = clients.store.get(LATEST).await.map_err(|error| Failure::new("Store", &error))?;
    let before = latest.and_then(|latest| match Before::read(&latest.body, &whole.ids()) {
        Ok(before) => Some(before),
        Err(error) => {
            tracing::warn!(%error, "{LATEST} cannot be read; nothing is compared with it");
            None
        }
    });
    Ok(whole.report(before))
}

/// A part that is gone, or that an older version wrote, cannot be had by trying again.
async fn begin_anew(
    app: &AuditApp,
    clients: &Clients,
    kept: &mut Kept,
    run: Underway,
    key: &str,
) -> Result<Read, Failure> {
    tracing::error!(run = run.id, key, "a part of the run is not there, or cannot be read; the run begins anew");
    let Some(now) = clients.fleet.domains.date.now() else {
        return Err(Failure::said("NoClock", "the bucket's answer carried no Date"));
    };
    let why = format!("{key} is not in the bucket any more, or cannot be read");
    clients.tell_once(&given_up(&app.settings.place, &run.id, run.began, &why, now)).await?;
    let new = Underway::begin(now);
    let answer = json!({"given_up": run.id, "run": new.id});
    kept.state.run = Some(new);
    if !kept.save(&clients.store).await? {
        return Ok(Read::overtaken(&run.id));
    }
    Ok(Read { ended: false, read: 0, overtaken: false, answer })
}
