//! Quotas: what will be refused at the next attempt to make one more. A quota is the owner's number where there is one,
//! else the guide's; it is near at `policy.quota_percent`.
//!
//! | rule | finds | grade |
//! |---|---|---|
//! | `quotas-services` | services of the region near the quota; those whose creation failed count, deleted ones do not | medium |
//! | `quotas-connectors` | active VPC connectors near the quota | medium |
//! | `quotas-ingress-connections` | VPC ingress connections near the quota | medium |
//! | `quotas-connections` | connections to code providers near the quota | medium |
//! | `quotas-scaling-names`, `quotas-observability-names` | names of configurations near the quota, without App Runner's own | medium |
//! | `quotas-scaling-revisions`, `quotas-observability-revisions` | revisions of one name near the quota, which AWS never raises | medium |
//! | any of these | the quota is used up | high |
//! | `quotas-domains` | a service with [`DOMAINS_MAX`] custom domains, which AWS never raises | low |
//! | `quotas-connection-broken` | a connection that is not `AVAILABLE` and that a service uses: it can deploy nothing | high |
//! | ... | ... and that no service uses | low |
//!
//! What no service uses is the fix's command: it can be deleted. While a service could not be looked at, nobody knows what it
//! uses, and the command is left out.

mod shared;

use std::collections::BTreeMap;

use super::super::facts::Revision;
use super::super::quotas::Quota;
use super::super::{Check, Findings, Fleet, Grade, Group, Resource, Rule, ServiceFacts};
use super::fix::DEFAULT_CONFIGURATION;
use super::subject::{guide, this};
use crate::service::ServiceStatus;
use shared::{Kind, delete_all};

pub(super) use shared::RULES as SHARED;

/// Custom domains of a service at the most (the guide, "Managing custom domain names for an App Runner service").
const DOMAINS_MAX: usize = 5;
/// Deletions in one command at the most: what does not fit is deleted after the next audit.
const DELETIONS_MAX: usize = 10;

const QUOTAS: super::super::Chapter = guide("App Runner resource quotas");
const WHY: &str = "When it is used up, App Runner refuses the next one.";

const fn rule(id: &'static str, title: &'static str, check: Check) -> Rule {
    Rule::new(Group::Quotas, id, Grade::Medium, title, WHY, QUOTAS, check)
}

pub(super) const RULES: &[Rule] = &[
    rule("quotas-services", "The quota of services is almost used up", Check::Fleet(services)),
    rule(
        "quotas-scaling-names",
        "The quota of automatic scaling configurations is almost used up",
        Check::Fleet(scaling_names),
    ),
    rule(
        "quotas-scaling-revisions",
        "The revisions of an automatic scaling configuration are almost used up",
        Check::Fleet(scaling_revisions),
    ),
    rule(
        "quotas-observability-names",
        "The quota of observability configurations is almost used up",
        Check::Fleet(observability_names),
    ),
    rule(
        "quotas-observability-revisions",
        "The revisions of an observability configuration are almost used up",
        Check::Fleet(observability_revisions),
    ),
    Rule {
        id: "quotas-domains",
        group: Group::Quotas,
        grade: Grade::Low,
        title: "A service has all the custom domains that it may have",
        why: "The next domain is refused, and AWS does not raise this number.",
        chapter: guide("Managing custom domain names for an App Runner service"),
        check: Check::Service(domains),
    },
];

/// Reports a quota that is near, with what can be done about it.
fn near(fleet: &Fleet, quota: Quota, name: &str, used: usize, command: String, out: &mut Findings) {
    let (used, limit) = (u64::try_from(used).unwrap_or(u64::MAX), quota.limit(&fleet.policy));
    if !quota.is_near(used, &fleet.policy) {
        return;
    }
    let of = if name.is_empty() { String::new() } else { format!(" ({name})") };
    let fix = match (command.is_empty(), quota.adjustable()) {
        (true, _) if !fleet.unseen.is_empty() && !matches!(quota, Quota::Services | Quota::IngressConnections) => {
            "Delete what no service uses. Which that is shows where every service can be looked at; some could not."
        }
        (false, _) if quota == Quota::Services => {
            "Delete the services whose creation failed, once you know why, or ask AWS for more in the console of \
             Service Quotas."
        }
        (false, _) => "Delete what no service uses.",
        (true, true) => "Everything is in use: ask AWS for more in the console of Service Quotas.",
        (true, false) => {
            "Everything is in use, and AWS does not raise this quota: begin a configuration of another name."
        }
    };
    out.find_at(Resource::Account, name, format!("{used} of {limit} {}{of}.", quota.title()), fix, command);
    if used >= limit {
        out.graded(Grade::High);
    }
}

fn services(fleet: &Fleet, out: &mut Findings) {
    let counted: Vec<_> = fleet.services.iter().filter(|listed| listed.status != ServiceStatus::Deleted).collect();
    let failed = counted
        .iter()
        .filter(|listed| listed.status == ServiceStatus::CreateFailed)
        .map(|listed| format!("aws apprunner delete-service --service-arn {}", listed.arn));
    // One that could not be looked at is there all the same.
    near(fleet, Quota::Services, "", counted.len() + fleet.unseen.len(), delete_all(failed), out);
}

/// The names of configurations with their revisions, without App Runner's own.
fn by_name(revisions: &[Revision]) -> BTreeMap<&str, Vec<&Revision>> {
    let mut names: BTreeMap<&str, Vec<&Revision>> = BTreeMap::new();
    for revision in revisions.iter().filter(|revision| revision.name != DEFAULT_CONFIGURATION) {
        names.entry(&revision.name).or_default().push(revision);
    }
    names
}

/// The commands that delete what no service uses, oldest revision first. The newest revision of a name is kept where
/// the name is: it is what a service that names no revision gets.
fn unused<'r>(
    fleet: &'r Fleet,
    kind: Kind,
    revisions: &'r [&'r Revision],
    whole_names: bool,
) -> impl Iterator<Item = String> + use<'r> {
    let newest = revisions.iter().map(|revision| revision.revision).max();
    let used = move |revision: &Revision| kind.may_be_used(fleet, &revision.arn);
    let any_used = revisions.iter().any(|revision| used(revision));
    let mut free: Vec<&Revision> = revisions.iter().copied().filter(|revision| !used(revision)).collect();
    if whole_names {
        free.retain(|_| !any_used);
    } else {
        free.retain(|revision| Some(revision.revision) != newest);
    }
    free.sort_by_key(|revision| revision.revision);
    free.into_iter().map(move |revision| kind.delete(&revision.arn))
}

fn names(fleet: &Fleet, kind: Kind, quota: Quota, revisions: &[Revision], out: &mut Findings) {
    let names = by_name(revisions);
    let free = names.values().flat_map(|revisions| unused(fleet, kind, revisions, true));
    near(fleet, quota, "", names.len(), delete_all(free), out);
}

fn revisions(fleet: &Fleet, kind: Kind, quota: Quota, revisions: &[Revision], out: &mut Findings) {
    for (name, revisions) in by_name(revisions) {
        near(fleet, quota, name, revisions.len(), delete_all(unused(fleet, kind, &revisions, false)), out);
    }
}

fn scaling_names(fleet: &Fleet, out: &mut Findings) {
    let Some(known) = out.known(&Resource::Account, &fleet.scalings) else { return };
    names(fleet, Kind::Scaling, Quota::ScalingNames, known, out);
}

fn scaling_revisions(fleet: &Fleet, out: &mut Findings) {
    let Some(known) = out.known(&Resource::Account, &fleet.scalings) else { return };
    revisions(fleet, Kind::Scaling, Quota::ScalingRevisions, known, out);
}

fn observability_names(fleet: &Fleet, out: &mut Findings) {
    let Some(known) = out.known(&Resource::Account, &fleet.tracings) else { return };
    names(fleet, Kind::Observability, Quota::ObservabilityNames, known, out);
}

fn observability_revisions(fleet: &Fleet, out: &mut Findings) {
    let Some(known) = out.known(&Resource::Account, &fleet.tracings) else { return };
    revisions(fleet, Kind::Observability, Quota::ObservabilityRevisions, known, out);
}

fn domains(_: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    let Some(domains) = out.known(&this(service), &service.domains) else { return };
    if domains.len() < DOMAINS_MAX {
        return;
    }
    out.find(
        this(service),
        format!("{} custom domains are linked to it, and {DOMAINS_MAX} may be.", domains.len()),
        "Cover several names by one wildcard, or unlink one that is not needed.",
        format!("aws apprunner disassociate-custom-domain --service-arn {} --domain-name DOMAIN_NAME", service.arn),
    );
}

#[cfg(test)]
mod tests;
