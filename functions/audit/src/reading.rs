//! The reading of a run: as far as one invocation comes, from the cursor on, every service judged and dropped.

use std::time::SystemTime;

use jiff::Timestamp;
use pitcrew_core::audit::{Fleet, Part, Report, Run, ServiceFacts, Waivers, check_fleet, check_service};
use pitcrew_core::autonomy::Autonomy;
use pitcrew_core::domain::Settings as DomainSettings;
use pitcrew_fleet::store::Content;
use pitcrew_fleet::walk::{Progress, Stop, WalkSettings, Walked, walk};
use pitcrew_lambda::failure::Failure;
use serde_json::{Value, json};

use crate::app::{AuditApp, Clients};
use crate::progress::{Kept, LATEST, Underway, WAIVERS, json_of, part_key, report_key, stored, stored_if_any};

/// Services that are read at the same time. The line of each service of AWS decides the speed; this keeps it filled.
const CONCURRENT: usize = 8;

/// What became of the run in this invocation.
pub(crate) struct Read {
    /// Its report stands.
    pub ended: bool,
    pub answer: Value,
}

/// Takes the run of the state up, reads on, and keeps what was found. Where nothing is left, makes the report.
pub(crate) async fn go_on(
    app: &AuditApp,
    clients: &Clients,
    kept: &mut Kept,
    until: SystemTime,
    now: Timestamp,
) -> Result<Read, Failure> {
    let run = kept.state.run.get_or_insert_with(|| Underway::begin(now));
    run.ticks = run.ticks.saturating_add(1);
    let mut run = run.clone();
    if !kept.save(&clients.store).await? {
        return Ok(overtaken(&run));
    }
    let (part, walked) = read(app, clients, &run, until).await?;
    let key = part_key(&run.id, run.ticks);
    let put = clients.store.put(&key, Content::Json, json_of(&part)?).await;
    put.map_err(|error| Failure::new("Store", &error))?;
    run.parts.push(run.ticks);
    run.calls = run.calls.saturating_add(clients.fleet.wire.calls());
    let read = walked.read;
    match walked.next {
        Some((cursor, stop)) => {
            let why = match stop {
                Stop::Time => "time",
                Stop::Calls => "calls",
            };
            tracing::info!(run = run.id, read, why, "the run goes on at the next tick");
            let answer = json!({"run": run.id, "read": read, "cut_by": why});
            run.cursor = cursor;
            kept.state.run = Some(run.clone());
            let ended = false;
            Ok(if kept.save(&clients.store).await? { Read { ended, answer } } else { overtaken(&run) })
        }
        None => end(app, clients, kept, run, &walked).await,
    }
}

/// The state changed under us: whoever did that goes on, and nothing of ours counts.
fn overtaken(run: &Underway) -> Read {
    tracing::info!(run = run.id, "somebody else goes on with the audit");
    Read { ended: false, answer: json!({"overtaken": run.id}) }
}

async fn read(app: &AuditApp, clients: &Clients, run: &Underway, until: SystemTime) -> Result<(Part, Walked), Failure> {
    let waivers = waivers(clients).await?;
    let settings = &app.settings;
    let walk_settings = WalkSettings {
        policy: settings.policy.clone(),
        domains: DomainSettings {
            autonomy: Autonomy::Observe,
            remove: false,
            region: settings.place.region.clone(),
            // Whoever shakes hands is `certificates`; what it saw stands in the table.
            certificates: false,
        },
        rules: settings.rules.clone(),
        concurrent: CONCURRENT,
        calls_max: settings.calls_max,
        until,
        only: Vec::new(),
    };
    let mut part = Part::default();
    let mut each = |fleet: &Fleet, service: &ServiceFacts| part.merge(check_service(fleet, service, &waivers));
    let mut told = |progress: &Progress| tracing::debug!(?progress, "reading");
    let walked = walk(&clients.fleet, &walk_settings, run.cursor.clone(), &mut each, &mut told).await;
    let walked = walked.map_err(|error| Failure::new("Read", &error))?;
    if walked.next.is_none() {
        for (service, why) in &walked.unread {
            part.merge(Part::unread(service.clone(), why));
        }
        for service in &walked.left_out {
            part.merge(Part::left_out(service.clone()));
        }
        part.merge(check_fleet(&walked.fleet, &waivers));
    }
    Ok((part, walked))
}

async fn waivers(clients: &Clients) -> Result<Waivers, Failure> {
    let file = clients.store.get(WAIVERS).await.map_err(|error| Failure::new("Store", &error))?;
    Ok(file.map(|file| Waivers::read(&file.body)).unwrap_or_default())
}

/// Puts the report together and keeps it under its run. Only then is the run over: an invocation that dies before does this
/// again, against the same report of the run before.
async fn end(
    app: &AuditApp,
    clients: &Clients,
    kept: &mut Kept,
    run: Underway,
    walked: &Walked,
) -> Result<Read, Failure> {
    let mut parts = Vec::new();
    for tick in &run.parts {
        parts.push(stored::<Part>(&clients.store, &part_key(&run.id, *tick)).await?);
    }
    let previous: Option<Report> = stored_if_any(&clients.store, LATEST).await?;
    let finished = clients.fleet.domains.date.now().unwrap_or(walked.fleet.now);
    let listed = walked.fleet.services.iter().map(|listed| listed.arn.clone());
    let about = Run {
        id: run.id.clone(),
        place: app.settings.place.clone(),
        started: run.began,
        finished,
        calls: run.calls,
        listed: listed.chain(walked.unread.iter().map(|(arn, _)| arn.clone())).collect(),
    };
    let report = Report::assemble(about, parts, previous.as_ref());
    let put = clients.store.put(&report_key(&run.id), Content::Json, json_of(&report)?).await;
    put.map_err(|error| Failure::new("Store", &error))?;
    kept.state.end(&run, finished, app.settings.security_hub);
    if !kept.save(&clients.store).await? {
        return Ok(overtaken(&run));
    }
    tracing::info!(run = run.id, open = report.counts.total(), services = report.audited, "the run has its report");
    let answer = json!({"run": run.id, "services": report.audited, "open": report.counts.total()});
    Ok(Read { ended: true, answer })
}
