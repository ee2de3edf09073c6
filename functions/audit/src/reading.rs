//! The reading of a run: as far as one invocation comes, from the cursor on, every service judged and dropped.
//!
//! What was found is kept every few hundred services and behind the last one, so an invocation that dies loses little,
//! and one that dies while it puts the report together leaves only that to the next.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use jiff::{SignedDuration, Timestamp};
use pitcrew_core::audit::{Fleet, Part, ServiceFacts, Waivers, check_service};
use pitcrew_core::autonomy::Autonomy;
use pitcrew_core::domain::Settings as DomainSettings;
use pitcrew_fleet::store::{Content, Store};
use pitcrew_fleet::walk::{Cursor, Keeping, Progress, Stop, WalkSettings, Walked, walk_keeping};
use pitcrew_fleet::wire::Wire;
use pitcrew_lambda::failure::Failure;
use serde_json::{Value, json};

use crate::app::{AuditApp, Clients};
use crate::ending;
use crate::handler::Times;
use crate::progress::{Kept, Underway, WAIVERS, json_of, part_key};

/// Services that are read at the same time. The line of each service of AWS decides the speed; this keeps it filled.
const CONCURRENT: usize = 8;
/// Hundreds of services after which what was found is kept: at App Runner's twenty calls a second every two minutes.
const KEPT_EVERY: u32 = 5;
/// What putting a large report together and telling it may take. With less left, the next tick does it.
const TIME_TO_JUDGE: Duration = Duration::from_secs(240);

/// What became of the run in this invocation.
pub(crate) struct Read {
    /// Its report stands.
    pub ended: bool,
    /// Services that were read.
    pub read: usize,
    /// Somebody else goes on with it.
    pub overtaken: bool,
    pub answer: Value,
}

impl Read {
    /// The state changed under us: whoever did that goes on, and nothing of ours counts.
    pub fn overtaken(run: &str) -> Self {
        tracing::info!(run, "somebody else goes on with the audit");
        Self { ended: false, read: 0, overtaken: true, answer: json!({"overtaken": run}) }
    }

    /// Whether the run is further than before.
    pub fn came_on(&self) -> bool {
        self.ended || self.read > 0
    }
}

/// Takes the run of the state up, reads on, and keeps what was found. Where nothing is left, makes the report.
pub(crate) async fn go_on(
    app: &AuditApp,
    clients: &Clients,
    kept: &mut Kept,
    times: Times,
    now: Timestamp,
) -> Result<Read, Failure> {
    let run = kept.state.run.get_or_insert_with(|| Underway::begin(now));
    run.ticks = run.ticks.saturating_add(1);
    run.reading_until = Some(after(now, times.until));
    let id = run.id.clone();
    if !kept.save(&clients.store).await? {
        return Ok(Read::overtaken(&id));
    }
    let outcome = read_and_end(app, clients, kept, times, &id).await;
    if outcome.is_err()
        && let Some(run) = kept.state.run.as_mut()
    {
        // Lambda tries again soon, and must not wait for a reading that has ended.
        run.reading_until = None;
        if let Err(error) = kept.save(&clients.store).await {
            tracing::warn!(%error, "the state still says that somebody reads");
        }
    }
    outcome
}

async fn read_and_end(
    app: &AuditApp,
    clients: &Clients,
    kept: &mut Kept,
    times: Times,
    id: &str,
) -> Result<Read, Failure> {
    let waivers = waivers(clients).await?;
    let Some(walked) = read(app, clients, kept, &waivers, times.until).await? else { return Ok(Read::overtaken(id)) };
    let read = walked.read;
    let cut = |why: &str| {
        let answer = json!({"run": id, "read": read, "cut_by": why});
        Read { ended: false, read, overtaken: false, answer }
    };
    if let Some((_, stop)) = walked.next {
        let why = match stop {
            Stop::Time => "time",
            Stop::Calls => "calls",
        };
        tracing::info!(run = id, read, why, "the run goes on at the next tick");
        return Ok(cut(why));
    }
    if !ends_now(read, times.deadline.duration_since(SystemTime::now()).unwrap_or_default()) {
        tracing::info!(run = id, read, "every service is read; the report is made at the next tick");
        return Ok(cut("end"));
    }
    ending::end(app, clients, kept, &walked, &waivers).await
}

/// Whether the report is made in this invocation: in any that had nothing else to do.
fn ends_now(read: usize, left: Duration) -> bool {
    read == 0 || left >= TIME_TO_JUDGE
}

/// The moment by AWS's clock.
fn after(now: Timestamp, until: SystemTime) -> Timestamp {
    let left = until.duration_since(SystemTime::now()).unwrap_or_default();
    now.saturating_add(SignedDuration::try_from(left).unwrap_or(SignedDuration::MAX)).unwrap_or(now)
}

/// Reads on; `None` where somebody else wrote the state meanwhile.
async fn read(
    app: &AuditApp,
    clients: &Clients,
    kept: &mut Kept,
    waivers: &Waivers,
    until: SystemTime,
) -> Result<Option<Walked>, Failure> {
    let Some(run) = &kept.state.run else { return Ok(None) };
    let (cursor, keeper) = (run.cursor.clone(), Keeper::of(run, clients));
    let found = Mutex::new(Part::default());
    let keeping = tokio::sync::Mutex::new((keeper, kept, Ok(true)));
    let (found, keeping) = (&found, &keeping);
    let mut each =
        |fleet: &Fleet, service: &ServiceFacts| grow(found, |part| part.merge(check_service(fleet, service, waivers)));
    let mut told = |progress: &Progress| tracing::debug!(?progress, "reading");
    let mut hundreds = 0_u32;
    let mut keep = |cursor: &Cursor, last: bool| -> Keeping<'_> {
        hundreds += 1;
        if !last && !hundreds.is_multiple_of(KEPT_EVERY) {
            return Box::pin(std::future::ready(true));
        }
        let (part, cursor) = (grow(found, std::mem::take), cursor.clone());
        Box::pin(async move {
            let (keeper, kept, outcome) = &mut *keeping.lock().await;
            *outcome = keeper.keep(kept, part, cursor, false).await;
            matches!(outcome, Ok(true))
        })
    };
    let settings = walk_settings(app, until);
    let walked = walk_keeping(&clients.fleet, &settings, cursor, &mut each, &mut told, &mut keep).await;
    let walked = walked.map_err(|error| Failure::new("Read", &error))?;
    let (keeper, kept, outcome) = &mut *keeping.lock().await;
    if !std::mem::replace(outcome, Ok(true))? {
        return Ok(None);
    }
    match &walked.next {
        Some((cursor, _)) if !keeper.keep(kept, grow(found, std::mem::take), cursor.clone(), true).await? => Ok(None),
        Some(_) | None => Ok(Some(walked)),
    }
}

/// Changes what was found. Nobody else holds it at the same time.
fn grow<T>(found: &Mutex<Part>, change: impl FnOnce(&mut Part) -> T) -> T {
    change(&mut found.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Keeps parts and cursor of a run.
struct Keeper<'k> {
    store: &'k Store,
    wire: &'k Wire,
    run: String,
    tick: u32,
    parts: u32,
    /// Calls of the ticks before.
    calls: u64,
}

impl<'k> Keeper<'k> {
    fn of(run: &Underway, clients: &'k Clients) -> Self {
        let (store, wire) = (&clients.store, &clients.fleet.wire);
        Self { store, wire, run: run.id.clone(), tick: run.ticks, parts: 0, calls: run.calls }
    }

    /// Keeps what was found since the last time, and how far it is; `false` where somebody else wrote the state.
    async fn keep(&mut self, kept: &mut Kept, part: Part, cursor: Cursor, ends: bool) -> Result<bool, Failure> {
        let Some(run) = kept.state.run.as_mut() else { return Ok(false) };
        if !part.is_empty() {
            self.parts += 1;
            let name = format!("{}-{}", self.tick, self.parts);
            let put = self.store.put(&part_key(&self.run, &name), Content::Json, json_of(&part.grouped())?).await;
            put.map_err(|error| Failure::new("Store", &error))?;
            run.parts.push(name);
        }
        run.cursor = cursor;
        run.calls = self.calls.saturating_add(self.wire.calls());
        if ends {
            run.reading_until = None;
        }
        kept.save(self.store).await
    }
}

fn walk_settings(app: &AuditApp, until: SystemTime) -> WalkSettings {
    let settings = &app.settings;
    WalkSettings {
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
    }
}

async fn waivers(clients: &Clients) -> Result<Waivers, Failure> {
    let file = clients.store.get(WAIVERS).await.map_err(|error| Failure::new("Store", &error))?;
    Ok(file.map(|file| Waivers::read(&file.body)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_made_where_there_is_time_for_it_or_nothing_else_to_do() {
        assert!(ends_now(10_000, TIME_TO_JUDGE));
        assert!(!ends_now(1, TIME_TO_JUDGE - Duration::from_secs(1)), "it was read; the next tick makes the report");
        assert!(ends_now(0, Duration::ZERO), "else no tick would ever make it");
    }

    #[test]
    fn a_tick_that_read_nothing_did_not_come_on() {
        let read = |ended, read| Read { ended, read, overtaken: false, answer: Value::Null };
        assert!(read(false, 1).came_on() && read(true, 0).came_on());
        assert!(!read(false, 0).came_on() && !Read::overtaken("r1").came_on());
    }
}
