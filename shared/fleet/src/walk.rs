//! The walk over a fleet: listed once, read a hundred services at a time, each handed on and forgotten.
//!
//! | what happens | what the walk does |
//! |---|---|
//! | `ListServices` fails | the walk fails: without it there is no fleet |
//! | a service cannot be described | it is named in [`Walked::unread`] with the reason, and in [`Fleet::unseen`]: it is there |
//! | a service was deleted since it was listed | it is named in [`Walked::left_out`] |
//! | a service is made meanwhile | the list is read again at the end, and it is looked at too |
//! | the credentials hold no longer, or the signature is not taken | the walk fails: every further answer would be the same |
//! | anything else cannot be read | the fact says why, and the walk goes on |
//! | AWS throttles | the wire slows down for that service of AWS |
//! | the budget of calls is used up, or the time is over | the walk ends with a [`Cursor`]; a later one goes on there |

use std::time::{Duration, Instant, SystemTime};

use futures_util::future::{BoxFuture, ready};
use futures_util::stream::{self, StreamExt as _};
use pitcrew_aws::apprunner::observe_services;
use pitcrew_aws::domain_engine::DomainEngine;
use pitcrew_aws::error::AwsError;
use pitcrew_core::audit::facts::Policy;
use pitcrew_core::audit::{Fleet, ServiceFacts};
use pitcrew_core::domain::Settings as DomainSettings;
use pitcrew_core::id::ServiceArn;
use serde::{Deserialize, Serialize};

use crate::clients::FleetClients;
pub use crate::cursor::Cursor;
use crate::fact::reason;
use crate::metrics::{self, SERVICES_MAX, Used};
use crate::roles::Role;
use crate::service::{Reader, Seen};
use crate::surroundings;

/// Pages of `ListServices`, 20 services each.
const LIST_PAGES_MAX: usize = 5000;
/// Roles that are kept in the fleet; beyond, only those of the services at hand stay.
const ROLES_MAX: usize = 1000;
/// How long the usage of the last services may take once reading is over.
const USAGE_TIME: Duration = Duration::from_secs(15);

/// How to walk.
#[derive(Clone, Debug)]
pub struct WalkSettings {
    pub policy: Policy,
    /// For the plans of custom domains. With `certificates`, every domain is shaken hands with.
    pub domains: DomainSettings,
    /// The names of the stack's event rules, as EventBridge knows them.
    pub rules: Vec<String>,
    /// Services that are read at the same time.
    pub concurrent: usize,
    /// Requests to AWS, retries included, that services may cost in one run; then none is begun any more. The listing and
    /// what services share are not counted: however small the budget, every run gets on.
    pub calls_max: Option<u64>,
    /// When reading ends. What is left to do then is one call for the usage of the last services, and the caller's own.
    pub until: SystemTime,
    /// Names or ARNs; empty: every service. With some, the fleet's list is a part, and rules about the fleet cannot be asked.
    pub only: Vec<String>,
}

/// Why a walk ended before the last service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    Time,
    Calls,
}

/// What a walk does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Listing,
    Surroundings,
    Services,
}

/// How far a walk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub phase: Phase,
    /// Services that the walk is done with, earlier runs included.
    pub done: usize,
    /// Services of the region; while they are listed, those that were seen so far.
    pub of: usize,
    pub calls: u64,
    pub throttled: u64,
}

/// What a walk came to.
#[derive(Debug)]
pub struct Walked {
    /// Complete where `next` is `None`: then the rules about the fleet can be asked.
    pub fleet: Fleet,
    /// Where the next run goes on, and why this one ended.
    pub next: Option<(Cursor, Stop)>,
    /// Services that could not be described, and why; those of earlier runs included.
    pub unread: Vec<(ServiceArn, String)>,
    /// Services that were deleted between the list and the look; those of earlier runs included.
    pub left_out: Vec<ServiceArn>,
    /// Services that this run handed on.
    pub read: usize,
}

/// Takes the facts of one service. They are dropped after it.
pub type Each<'a> = dyn FnMut(&Fleet, &ServiceFacts) + Send + 'a;
/// Is told how far the walk is.
pub type Tell<'a> = dyn FnMut(&Progress) + Send + 'a;

/// Is given the cursor behind each hundred services, and whether they were the last: what they came to can be kept then.
/// `false` ends the walk there.
pub type Keep<'a> = dyn FnMut(&Cursor, bool) -> Keeping<'a> + Send + 'a;
/// What [`Keep`] answers.
pub type Keeping<'a> = BoxFuture<'a, bool>;

/// Walks the fleet from `cursor` on, in the order of ARNs.
///
/// # Errors
/// The services cannot be listed, the credentials hold no longer, the signature is not taken, or AWS's answers carry no date.
pub async fn walk(
    clients: &FleetClients,
    settings: &WalkSettings,
    cursor: Cursor,
    each: &mut Each<'_>,
    tell: &mut Tell<'_>,
) -> Result<Walked, AwsError> {
    walk_keeping(clients, settings, cursor, each, tell, &mut |_, _| Box::pin(ready(true))).await
}

/// The same, for whoever keeps what was found on the way.
///
/// # Errors
/// As of [`walk`]. What was kept by then holds.
pub async fn walk_keeping(
    clients: &FleetClients,
    settings: &WalkSettings,
    cursor: Cursor,
    each: &mut Each<'_>,
    tell: &mut Tell<'_>,
    keep: &mut Keep<'_>,
) -> Result<Walked, AwsError> {
    let began = Instant::now();
    let mut all = list(clients, settings, tell).await?;
    let listing = began.elapsed();
    let now = clients.domains.date.now();
    let now = now.ok_or_else(|| AwsError::broken("apprunner:ListServices", "AWS's answers carry no date"))?;
    let engine = DomainEngine::new(&clients.domains, settings.domains.clone(), "audit", settings.until);
    let mut fleet = Fleet::unread(clients.place.clone(), now, settings.policy.clone());
    tell(&progress(clients, Phase::Surroundings, cursor.count(), all.len()));
    // Boxed, as is the read of a service: the calls of so many SDK operations in one future would fill the stack of a thread.
    let shared = surroundings::observe(clients, engine.dns(), &mut fleet, all.len(), &settings.rules);
    let shared = Box::pin(shared).await;
    let reader = Reader::new(clients, &engine, &shared);
    let mut run = Run { settings, reader: &reader, fleet, cursor, calls_before: clients.wire.calls(), read: 0 };
    loop {
        let stopped = run.services(&all, each, tell, keep).await?;
        if stopped.is_some() || !settings.only.is_empty() {
            return Ok(run.end(stopped, &all));
        }
        if left(settings.until) <= listing {
            return Ok(run.end(Some(Stop::Time), &all));
        }
        // A service that was made since the list was read may be named by what was read after it: a record, a connection.
        // Unless it is looked at, it would pass for one that does not exist.
        let before = clients.wire.calls();
        all = list(clients, settings, &mut |_: &Progress| {}).await?;
        run.calls_before += clients.wire.calls() - before;
        if run.cursor.remaining(&all).is_empty() {
            return Ok(run.end(None, &all));
        }
    }
}

fn progress(clients: &FleetClients, phase: Phase, done: usize, of: usize) -> Progress {
    Progress { phase, done, of, calls: clients.wire.calls(), throttled: clients.wire.throttled() }
}

async fn list(
    clients: &FleetClients,
    settings: &WalkSettings,
    tell: &mut Tell<'_>,
) -> Result<Vec<ServiceArn>, AwsError> {
    let mut all = Vec::new();
    let mut token = None;
    for _ in 0..LIST_PAGES_MAX {
        let (page, next) = observe_services(&clients.domains.apprunner, token.take()).await?;
        all.extend(page.into_iter().filter(|arn| is_wanted(&settings.only, arn)));
        tell(&progress(clients, Phase::Listing, 0, all.len()));
        token = next;
        if token.is_none() {
            return Ok(all);
        }
    }
    Err(AwsError::broken("apprunner:ListServices", format!("there are more than {LIST_PAGES_MAX} pages of services")))
}

fn is_wanted(only: &[String], arn: &ServiceArn) -> bool {
    only.is_empty() || only.iter().any(|wanted| wanted == arn.name() || *wanted == arn.to_string())
}

/// Whether no further service may be begun.
fn stop(calls: u64, calls_max: Option<u64>, left: Duration) -> Option<Stop> {
    if left.is_zero() { Some(Stop::Time) } else { calls_max.filter(|max| calls >= *max).map(|_| Stop::Calls) }
}

struct Run<'a> {
    settings: &'a WalkSettings,
    reader: &'a Reader<'a>,
    fleet: Fleet,
    cursor: Cursor,
    /// Requests before the first service.
    calls_before: u64,
    read: usize,
}

type Answer = (ServiceArn, Result<Option<Seen>, AwsError>);

impl Run<'_> {
    /// Reads and hands on what is left of the list; `Some` where the walk ends before its end.
    async fn services(
        &mut self,
        all: &[ServiceArn],
        each: &mut Each<'_>,
        tell: &mut Tell<'_>,
        keep: &mut Keep<'_>,
    ) -> Result<Option<Stop>, AwsError> {
        let todo = self.cursor.remaining(all);
        for chunk in todo.chunks(SERVICES_MAX) {
            let stopped = self.chunk(chunk, each).await?;
            tell(&progress(self.reader.clients, Phase::Services, self.cursor.count(), all.len()));
            if stopped.is_some() {
                return Ok(stopped);
            }
            if !keep(&self.cursor, todo.last() == chunk.last()).await {
                return Ok(Some(Stop::Time));
            }
        }
        Ok(None)
    }

    /// Reads and hands on up to a hundred services; `Some` where the walk ends in their midst.
    async fn chunk(&mut self, chunk: &[ServiceArn], each: &mut Each<'_>) -> Result<Option<Stop>, AwsError> {
        let (answers, stopped) = self.answers(chunk).await;
        let mut seen = Vec::new();
        for (arn, answer) in answers {
            match answer {
                Ok(Some(one)) => seen.push(one),
                Ok(None) => {
                    tracing::info!(service = %arn, "the service was deleted since it was listed");
                    self.cursor.left_out.push(arn);
                }
                Err(error) if error.is_by_credentials() || error.is_by_signature() => return Err(error),
                Err(error) => self.cursor.unread.push((arn, reason(&error))),
            }
        }
        self.hand_on(seen, each).await;
        Ok(stopped)
    }

    /// The answers in their order, up to the first that was not begun or not finished in time.
    async fn answers(&self, chunk: &[ServiceArn]) -> (Vec<Answer>, Option<Stop>) {
        let (reader, settings, before) = (self.reader, self.settings, self.calls_before);
        let reads = stream::iter(chunk.to_vec()).map(|arn| async move {
            match stop(reader.clients.wire.calls() - before, settings.calls_max, left(settings.until)) {
                Some(stop) => Err(stop),
                None => {
                    let seen = Box::pin(reader.read(&arn)).await;
                    Ok((arn, seen))
                }
            }
        });
        let mut reads = std::pin::pin!(reads.buffered(settings.concurrent.max(1)));
        let mut answers = Vec::new();
        loop {
            match tokio::time::timeout(left(settings.until), reads.next()).await {
                Ok(Some(Ok(answer))) => answers.push(answer),
                Ok(Some(Err(stop))) => return (answers, Some(stop)),
                Ok(None) => return (answers, None),
                Err(_) => return (answers, Some(Stop::Time)),
            }
        }
    }

    async fn hand_on(&mut self, seen: Vec<Seen>, each: &mut Each<'_>) {
        let used: Vec<Used<'_>> =
            seen.iter().map(|one| Used { arn: &one.facts.arn, created_at: one.facts.created_at }).collect();
        let client = &self.reader.clients.cloudwatch;
        let days = self.settings.policy.idle_days.max(1);
        // Reading is over when the time is; this one call may still follow, and not for long.
        let time = left(self.settings.until) + USAGE_TIME;
        let usages = metrics::usage(client, &used, self.fleet.now, days, time).await;
        if self.fleet.roles.len() > ROLES_MAX {
            self.fleet.roles.clear();
        }
        for (mut one, usage) in seen.into_iter().zip(usages) {
            one.facts.usage = usage;
            for (arn, role) in one.roles {
                match role {
                    Role::Seen(role) => drop(self.fleet.roles.insert(arn, role)),
                    Role::Gone => drop(self.fleet.roles_gone.insert(arn)),
                }
            }
            self.cursor.note(one.listed, &one.facts);
            self.read += 1;
            each(&self.fleet, &one.facts);
        }
    }

    /// `all`: the newest list.
    fn end(self, stopped: Option<Stop>, all: &[ServiceArn]) -> Walked {
        let Self { mut fleet, mut cursor, read, .. } = self;
        fleet.unseen = cursor.settle(all);
        fleet.services.clone_from(&cursor.listed);
        fleet.last_operation = cursor.last_operation();
        let (unread, left_out) = (cursor.unread.clone(), cursor.left_out.clone());
        Walked { fleet, next: stopped.map(|stop| (cursor, stop)), unread, left_out, read }
    }
}

fn left(until: SystemTime) -> Duration {
    until.duration_since(SystemTime::now()).unwrap_or_default()
}

#[cfg(test)]
#[path = "walk_tests.rs"]
mod tests;
