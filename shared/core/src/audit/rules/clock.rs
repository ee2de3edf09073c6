//! A clock that is wrong: what lies in the future is not old, and no moment is too far away to be judged.

use jiff::{SignedDuration, Timestamp};

use super::super::facts::{Fleet, ServiceFacts};
use super::super::samples::{days_ago, fleet, look, now, operation, service};
use super::super::samples_more::{domain_of, with_domain};
use super::super::{Part, Waivers, all, check_fleet, check_service};
use crate::domain::DomainStatus;
use crate::fact::Fact;
use crate::service::{OperationKind, OperationStatus, ServiceStatus};

/// What each rule about an age finds of services that are as old as that, today.
const AGES: [&str; 5] =
    ["deployments-stuck", "deployments-paused", "deployments-no-good-release", "scaling-idle", "domains-pending"];

fn at(now: Timestamp) -> Fleet {
    let mut fleet = Fleet { now, ..fleet() };
    fleet.policy.express = false;
    fleet
}

/// Services that have been something for long; together they break every rule of [`AGES`].
fn old() -> Vec<ServiceFacts> {
    let mut stuck = service("shop-api");
    stuck.status = ServiceStatus::OperationInProgress;
    let mut running = operation(4, 3);
    (running.status, running.ended_at) = (OperationStatus::InProgress, None);
    stuck.operations = Fact::Known(vec![running]);
    let mut paused = service("shop-api");
    paused.status = ServiceStatus::Paused;
    let mut pause = operation(4, 90);
    pause.kind = OperationKind::PauseService;
    paused.operations = Fact::Known(vec![pause]);
    let mut idle = service("shop-api");
    if let Fact::Known(usage) = &mut idle.usage {
        (usage.days, usage.requests) = (30, Some(0.0));
    }
    if let Fact::Known(memory) = &mut idle.memory {
        memory.ledger.releases.clear();
    }
    let mut pending = with_domain();
    domain_of(&mut pending).association.status = DomainStatus::PendingCertificateDnsValidation;
    vec![stuck, paused, idle, pending]
}

fn found(now: Timestamp, id: &str) -> usize {
    old().iter().map(|service| look(id, &at(now), service).found.len()).sum()
}

#[test]
fn what_is_made_paused_begun_or_linked_in_the_future_is_not_old() {
    for id in AGES {
        assert_ne!(found(now(), id), 0, "{id}: today it is");
        assert_eq!(found(days_ago(500), id), 0, "{id}: nothing of it has begun yet");
    }
}

#[test]
fn a_service_in_order_is_in_order_whatever_the_day_before_its_making() {
    for days in [500, 100_000] {
        let fleet = at(days_ago(days));
        for rule in all() {
            assert_eq!(look(rule.id, &fleet, &with_domain()).found, [], "{} {days}", rule.id);
        }
    }
}

#[test]
fn no_moment_is_too_far_away_to_be_judged() {
    let second = SignedDuration::from_secs(1);
    for now in [Timestamp::MIN, Timestamp::MIN + second, Timestamp::UNIX_EPOCH, Timestamp::MAX - second, Timestamp::MAX]
    {
        let fleet = at(now);
        let mut part: Part = check_fleet(&fleet, &Waivers::default());
        for service in old().iter().chain([&with_domain()]) {
            part.merge(check_service(&fleet, service, &Waivers::default()));
        }
        assert_eq!(part.services.len(), 5, "{now}");
    }
}
