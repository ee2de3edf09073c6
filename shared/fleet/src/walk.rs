//! The walk over a fleet: listed once, read a hundred services at a time, each handed on and forgotten.
//!
//! | what happens | what the walk does |
//! |---|---|
//! | `ListServices` fails | the walk fails: without it there is no fleet |
//! | a service cannot be described | it is named in [`Walked::unread`] with the reason |
//! | a service was deleted since it was listed | it is left out |
//! | anything else cannot be read | the fact says why, and the walk goes on |
//! | AWS throttles | the wire slows down for that service of AWS |
//! | the budget of calls is used up, or the time is over | the walk ends with a [`Cursor`]; a later one goes on there |

use std::time::{Duration, SystemTime};

use futures_util::future::{BoxFuture, ready};
use futures_util::stream::{self, StreamExt as _};
use jiff::Timestamp;
use pitcrew_aws::apprunner::observe_services;
use pitcrew_aws::domain_engine::DomainEngine;
use pitcrew_aws::error::AwsError;
use pitcrew_core::audit::facts::{Listed, Policy};
use pitcrew_core::audit::{Fleet, ServiceFacts};
use pitcrew_core::domain::Settings as DomainSettings;
use pitcrew_core::fact::Fact;
use pitcrew_core::id::ServiceArn;
use serde::{Deserialize, Serialize};

use crate::clients::FleetClients;
use crate::fact::reason;
use crate::metrics::{self, SERVICES_MAX, Used};
use crate::roles::Role;
use crate::service::{Reader, Seen};
use crate::surroundings;

/// Pages of `ListServices`, 20 services each.
const LIST_PAGES_MAX: usize = 5000;
/// Roles that are kept in the fleet; beyond, only those of the services at hand stay.
const ROLES_MAX: usize = 1000;

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

/// Where a walk goes on, to be kept between runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The last service that was handed on, in the order of ARNs.
    pub after: Option<ServiceArn>,
    /// What is known of the services so far.
    pub listed: Vec<Listed>,
    /// When the newest operation of these services began.
    pub last_operation: Option<Timestamp>,
    /// Why the operations of one of them could not be read.
    pub operations_unread: Option<String>,
    /// Services that could not be described, and why.
    pub unread: Vec<(ServiceArn, String)>,
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
    /// Services that were handed on, earlier runs included.
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
/// The services cannot be listed, or AWS's answers carry no date.
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
/// As of [`walk`].
pub async fn walk_keeping(
    clients: &FleetClients,
    settings: &WalkSettings,
    cursor: Cursor,
    each: &mut Each<'_>,
    tell: &mut Tell<'_>,
    keep: &mut Keep<'_>,
) -> Result<Walked, AwsError> {
    let all = list(clients, settings, tell).await?;
    let now = clients.domains.date.now();
    let now = now.ok_or_else(|| AwsError::broken("apprunner:ListServices", "AWS's answers carry no date"))?;
    let engine = DomainEngine::new(&clients.domains, settings.domains.clone(), "audit", settings.until);
    let mut fleet = Fleet::unread(clients.place.clone(), now, settings.policy.clone());
    let (of, before) = (all.len(), cursor.listed.len());
    tell(&progress(clients, Phase::Surroundings, before, of));
    let shared = surroundings::observe(clients, engine.dns(), &mut fleet, of, &settings.rules).await;
    let reader = Reader::new(clients, &engine, &shared);
    let todo = remaining(all, cursor.after.as_ref());
    let mut run = Run { settings, reader: &reader, fleet, cursor, calls_before: clients.wire.calls(), read: 0 };
    let mut stopped = None;
    for chunk in todo.chunks(SERVICES_MAX) {
        stopped = run.chunk(chunk, each).await;
        tell(&progress(clients, Phase::Services, before + run.read, of));
        if stopped.is_none() && !keep(&run.cursor, todo.last() == chunk.last()).await {
            stopped = Some(Stop::Time);
        }
        if stopped.is_some() {
            break;
        }
    }
    Ok(run.end(stopped))
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

/// The services behind the cursor, each once, in the order of ARNs: the same in every run, whatever the order of the list.
fn remaining(mut all: Vec<ServiceArn>, after: Option<&ServiceArn>) -> Vec<ServiceArn> {
    all.sort();
    all.dedup();
    all.retain(|arn| after.is_none_or(|after| arn > after));
    all
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
    /// Reads and hands on up to a hundred services; `Some` where the walk ends in their midst.
    async fn chunk(&mut self, chunk: &[ServiceArn], each: &mut Each<'_>) -> Option<Stop> {
        let (answers, stopped) = self.answers(chunk).await;
        let mut seen = Vec::new();
        for (arn, answer) in answers {
            match answer {
                Ok(Some(one)) => seen.push(one),
                Ok(None) => tracing::info!(service = %arn, "the service was deleted since it was listed"),
                Err(error) => self.cursor.unread.push((arn.clone(), reason(&error))),
            }
            self.cursor.after = Some(arn);
        }
        self.hand_on(seen, each).await;
        stopped
    }

    /// The answers in their order, up to the first that was not begun or not finished in time.
    async fn answers(&self, chunk: &[ServiceArn]) -> (Vec<Answer>, Option<Stop>) {
        let (reader, settings, before) = (self.reader, self.settings, self.calls_before);
        let reads = stream::iter(chunk.to_vec()).map(|arn| async move {
            match stop(reader.clients.wire.calls() - before, settings.calls_max, left(settings.until)) {
                Some(stop) => Err(stop),
                None => {
                    let seen = reader.read(&arn).await;
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
        let usages = metrics::usage(client, &used, self.fleet.now, days).await;
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
            note_operations(&mut self.cursor, &one.facts);
            self.cursor.listed.push(one.listed);
            self.read += 1;
            each(&self.fleet, &one.facts);
        }
    }

    fn end(self, stopped: Option<Stop>) -> Walked {
        let Self { mut fleet, cursor, read, .. } = self;
        fleet.services.clone_from(&cursor.listed);
        fleet.last_operation = match &cursor.operations_unread {
            Some(why) => Fact::Unavailable(why.clone()),
            None => Fact::Known(cursor.last_operation),
        };
        let unread = cursor.unread.clone();
        Walked { fleet, next: stopped.map(|stop| (cursor, stop)), unread, read }
    }
}

fn note_operations(cursor: &mut Cursor, facts: &ServiceFacts) {
    match &facts.operations {
        Fact::Known(operations) => {
            let newest = operations.iter().map(|operation| operation.started_at).max();
            cursor.last_operation = cursor.last_operation.max(newest);
        }
        Fact::Unavailable(why) => cursor.operations_unread = Some(why.clone()),
        Fact::Unread => cursor.operations_unread = Some("they were not read".to_owned()),
    }
}

fn left(until: SystemTime) -> Duration {
    until.duration_since(SystemTime::now()).unwrap_or_default()
}

#[cfg(test)]
#[path = "walk_tests.rs"]
mod tests;
