//! Fleets, services and runs that the tests of the engine, of waivers and of reports share.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::facts::{Egress, HealthCheck, Place, Policy, Tracing};
use super::{Entry, Finding, Fleet, Grade, Part, Report, Resource, Run, ServiceFacts, Waivers};
use crate::fact::Fact;
use crate::id::ServiceArn;
use crate::service::{ServiceStatus, Source};

/// A rule that exists, for waivers to name.
pub(super) const RULE: &str = "deployments-create-failed";

/// Noon of a day of November 2026, in UTC.
pub(super) fn noon(day: i64) -> Timestamp {
    let first: Timestamp = "2026-11-01T12:00:00Z".parse().unwrap();
    Timestamp::from_second(first.as_second() + (day - 1) * 86_400).unwrap()
}

pub(super) fn arn(name: &str) -> ServiceArn {
    let arn = format!("arn:aws:apprunner:eu-west-1:123456789012:service/{name}/8fe1e10304f84fd2b0df550fe98a71fa");
    ServiceArn::parse(&arn).unwrap()
}

pub(super) fn about(name: &str) -> Resource {
    Resource::Service { arn: arn(name) }
}

pub(super) fn place() -> Place {
    Place { partition: "aws".to_owned(), account: "123456789012".to_owned(), region: "eu-west-1".to_owned() }
}

pub(super) fn fleet(day: i64) -> Fleet {
    Fleet::unread(place(), noon(day), Policy::default())
}

/// A service whose creation failed, which is what [`RULE`] finds.
pub(super) fn service(name: &str, tags: &[(&str, &str)]) -> ServiceFacts {
    ServiceFacts {
        arn: arn(name),
        status: ServiceStatus::CreateFailed,
        created_at: noon(1),
        updated_at: noon(1),
        source: Source::Unknown("none".to_owned()),
        code: None,
        host: None,
        access_role: None,
        connection: None,
        port: None,
        start_command: None,
        environment: Vec::new(),
        secrets: BTreeMap::new(),
        cpu: 1024,
        memory_mb: 2048,
        instance_role: None,
        key: None,
        health: HealthCheck::default(),
        scaling: Fact::Unread,
        egress: Egress::Default,
        public: true,
        tracing: Tracing::Off,
        tags: Fact::Known(tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()),
        operations: Fact::Unread,
        domains: Fact::Unread,
        memory: Fact::Unread,
        image: Fact::Unread,
        firewall: Fact::Unread,
        log_groups: Fact::Unread,
        usage: Fact::Unread,
    }
}

pub(super) fn entry(rule: &str, service: Option<&str>, until: &str, reason: &str) -> Entry {
    let (rule, until, reason) = (rule.to_owned(), until.to_owned(), reason.to_owned());
    Entry { rule, service: service.map(str::to_owned), resource: None, until, reason, by: None }
}

pub(super) fn file(entries: &[Entry]) -> Waivers {
    Waivers { waivers: entries.to_vec(), unreadable: None }
}

/// One finding of [`RULE`], made as the engine makes it.
pub(super) fn finding(day: i64, name: &str, grade: Grade) -> Finding {
    let part = super::check_service(&fleet(day), &service(name, &[]), &Waivers::default());
    let found = part.findings.into_iter().find(|finding| finding.rule == RULE).unwrap();
    Finding { grade, ..found }
}

/// A part of the fleet's rules that found nothing, so that nothing is said of what they could not check.
pub(super) fn quiet() -> Part {
    Part { fleet: true, ..Part::default() }
}

pub(super) fn run(id: &str, day: i64) -> Run {
    Run { id: id.to_owned(), place: place(), started: noon(day), finished: noon(day), calls: 7, listed: Vec::new() }
}

/// A report of these findings alone.
pub(super) fn report(id: &str, day: i64, findings: Vec<Finding>, previous: Option<&Report>) -> Report {
    Report::assemble(run(id, day), [Part { findings, ..quiet() }], previous)
}
