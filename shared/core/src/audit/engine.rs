//! Runs the rules: facts in, findings out, each with its identity and its waiver.
//!
//! | what is looked at | what comes of it |
//! |---|---|
//! | a service | findings, what could not be checked, and its line of the report |
//! | a service that was deleted since it was listed | nothing but its name among those left out |
//! | a service that could not be read at all | not checked, by every rule ([`Part::unread`]) |
//! | the fleet | the same, of the rules about what no service owns |

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::command::in_region;
use super::rule::{Check, Rule};
use super::waiver::{self, Waived, Waivers};
use super::{Findings, Fix, Fleet, Grade, Group, Resource, Seen, ServiceFacts};
use crate::fact::Fact;
use crate::id::ServiceArn;
use crate::render::clean::clip;
use crate::service::ServiceStatus;
use crate::short_hash::short_hash;

/// Stands for every rule where nothing of a resource could be read.
pub(super) const EVERY_RULE: &str = "*";

/// Characters of a text that are kept. A finding is a sentence or two; what is longer came from outside.
const TEXT_CHARS_MAX: usize = 2_000;
/// Characters of a command. A longer one is left out: half a command must not be copied.
const COMMAND_CHARS_MAX: usize = 4_000;

/// The work and the heading that a rule comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    pub work: String,
    pub heading: String,
}

/// One finding, as it is reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Stable from run to run: made of the rule, the resource and the key.
    pub id: String,
    pub rule: String,
    pub group: Group,
    pub grade: Grade,
    /// What is wrong, in one line without a name.
    pub title: String,
    pub chapter: Source,
    pub resource: Resource,
    /// The name of the service that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// What tells it from other findings of the rule about the resource; often empty.
    pub key: String,
    pub seen: String,
    pub fix: Fix,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiver: Option<Waived>,
    /// When a run saw it first.
    pub first_seen: Timestamp,
    /// Whether this run saw it. One that an earlier run saw and this one could not look for stays open, and says so here.
    pub checked: bool,
}

impl Finding {
    /// Whether somebody has to mend it: nothing waives it.
    pub fn open(&self) -> bool {
        self.waiver.is_none()
    }
}

/// What could not be checked, for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotChecked {
    /// A rule's id, or `*` where no rule could.
    pub rule: String,
    pub why: String,
    pub resources: Vec<Resource>,
}

/// Open findings by grade.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub critical: u32,
    pub high: u32,
    pub medium: u32,
    pub low: u32,
}

impl Counts {
    pub fn add(&mut self, grade: Grade) {
        *match grade {
            Grade::Critical => &mut self.critical,
            Grade::High => &mut self.high,
            Grade::Medium => &mut self.medium,
            Grade::Low => &mut self.low,
        } += 1;
    }

    pub fn of(&self, grade: Grade) -> u32 {
        match grade {
            Grade::Critical => self.critical,
            Grade::High => self.high,
            Grade::Medium => self.medium,
            Grade::Low => self.low,
        }
    }

    pub fn total(&self) -> u32 {
        Grade::ALL.into_iter().map(|grade| self.of(grade)).fold(0, u32::saturating_add)
    }

    /// The worst grade of which there is any.
    pub fn worst(&self) -> Option<Grade> {
        Grade::ALL.into_iter().find(|grade| self.of(*grade) > 0)
    }
}

/// The certificate of one domain, as it was served last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateLine {
    pub domain: String,
    pub not_after: Timestamp,
    /// Whole days until its end; negative after it.
    pub days_left: i64,
}

/// One service in the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceLine {
    pub name: String,
    pub arn: ServiceArn,
    /// As the API writes it.
    pub status: String,
    pub certificates: Vec<CertificateLine>,
    /// Its open findings.
    pub counts: Counts,
    pub waived: u32,
    /// Rules that could not be checked.
    pub unchecked: u32,
}

/// A waiver by tag that holds: rules about the fleet may find something about the service too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tagged {
    pub service: ServiceArn,
    pub rule: String,
    pub waived: Waived,
}

/// What one step of a run found. Kept between invocations, and put together by [`super::Report::assemble`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Part {
    pub findings: Vec<Finding>,
    pub not_checked: Vec<NotChecked>,
    pub services: Vec<ServiceLine>,
    /// Services that were deleted since they were listed.
    pub left_out: Vec<ServiceArn>,
    pub tagged: Vec<Tagged>,
    /// Whether the rules about the fleet are in it.
    pub fleet: bool,
}

impl Part {
    /// A service that was deleted between the list and the look.
    pub fn left_out(service: ServiceArn) -> Self {
        Self { left_out: vec![service], ..Self::default() }
    }

    /// A service of which nothing could be read.
    pub fn unread(service: ServiceArn, why: &str) -> Self {
        let resources = vec![Resource::Service { arn: service }];
        let not_checked = vec![NotChecked { rule: EVERY_RULE.to_owned(), why: clip(why, TEXT_CHARS_MAX), resources }];
        Self { not_checked, ..Self::default() }
    }

    /// One entry for each rule and reason that could not be checked, each resource once, all in order. A part is kept like
    /// this: a reading that is refused is refused for every service, and would be an entry for each.
    #[must_use]
    pub fn grouped(mut self) -> Self {
        let mut by: BTreeMap<(String, String), BTreeSet<Resource>> = BTreeMap::new();
        for NotChecked { rule, why, resources } in self.not_checked {
            by.entry((rule, why)).or_default().extend(resources);
        }
        let entry = |((rule, why), resources): (_, BTreeSet<Resource>)| NotChecked {
            rule,
            why,
            resources: resources.into_iter().collect(),
        };
        self.not_checked = by.into_iter().map(entry).collect();
        self
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds another part.
    pub fn merge(&mut self, other: Self) {
        self.findings.extend(other.findings);
        self.not_checked.extend(other.not_checked);
        self.services.extend(other.services);
        self.left_out.extend(other.left_out);
        self.tagged.extend(other.tagged);
        self.fleet |= other.fleet;
    }

    fn add(&mut self, rule: &Rule, found: Findings, fleet: &Fleet, waive: impl Fn(&Resource) -> Option<Waived>) {
        for seen in found.found {
            let waiver = waive(&seen.resource);
            let finding = reported(rule, seen, waiver, fleet);
            match self.findings.iter_mut().find(|known| known.id == finding.id) {
                Some(known) => join(known, finding),
                None => self.findings.push(finding),
            }
        }
        for unchecked in found.unchecked {
            self.not_checked.push(NotChecked {
                rule: rule.id.to_owned(),
                why: clip(&unchecked.why, TEXT_CHARS_MAX),
                resources: vec![unchecked.resource],
            });
        }
    }
}

/// The id of a finding.
pub(super) fn finding_id(rule: &str, resource: &Resource, key: &str) -> String {
    short_hash([rule, &resource.id(), key])
}

fn reported(rule: &Rule, seen: Seen, waiver: Option<Waived>, fleet: &Fleet) -> Finding {
    let Seen { resource, key, seen, fix, grade } = seen;
    let command = fix.command.map(|command| in_region(&command, &fleet.place.region));
    Finding {
        id: finding_id(rule.id, &resource, &key),
        rule: rule.id.to_owned(),
        group: rule.group,
        grade: grade.unwrap_or(rule.grade),
        title: rule.title.to_owned(),
        chapter: Source { work: rule.chapter.work.to_owned(), heading: rule.chapter.heading.to_owned() },
        service: resource.service().map(|arn| arn.name().to_owned()),
        resource,
        key: clip(&key, TEXT_CHARS_MAX),
        seen: clip(&seen, TEXT_CHARS_MAX),
        fix: Fix {
            text: clip(&fix.text, TEXT_CHARS_MAX),
            command: command.filter(|command| command.chars().nth(COMMAND_CHARS_MAX).is_none()),
        },
        waiver,
        first_seen: fleet.now,
        checked: true,
    }
}

/// A rule that found twice at the same key: one finding that says both, so that nothing is lost.
fn join(known: &mut Finding, other: Finding) {
    if known.seen != other.seen {
        known.seen = clip(&format!("{} {}", known.seen, other.seen), TEXT_CHARS_MAX);
    }
    known.grade = known.grade.max(other.grade);
}

/// What every rule about a service says of this one.
pub fn check_service(fleet: &Fleet, service: &ServiceFacts, waivers: &Waivers) -> Part {
    check_service_by(super::all(), fleet, service, waivers)
}

fn check_service_by<'r>(
    rules: impl Iterator<Item = &'r Rule>,
    fleet: &Fleet,
    service: &ServiceFacts,
    waivers: &Waivers,
) -> Part {
    if service.status == ServiceStatus::Deleted {
        return Part::left_out(service.arn.clone());
    }
    let tags = service.tags.get().and_then(Result::ok);
    let mut part = Part::default();
    for rule in rules {
        if let Check::Service(check) = rule.check {
            let mut found = Findings::default();
            check(fleet, service, &mut found);
            part.add(rule, found, fleet, |resource| {
                let own = resource.service() == Some(&service.arn);
                let tagged = tags.filter(|_| own).and_then(|tags| waiver::tagged(tags, rule.id, fleet.now));
                tagged.or_else(|| waivers.find(rule.id, resource, fleet.now))
            });
        }
    }
    let tagged = tags.map(|tags| waiver::all_tagged(tags, fleet.now)).unwrap_or_default();
    let tagged = tagged.into_iter().map(|(rule, waived)| Tagged { service: service.arn.clone(), rule, waived });
    part.tagged = tagged.collect();
    part.services = vec![line(service, fleet.now)];
    part
}

/// What every rule about the fleet says, and what is wrong with the waiver file.
pub fn check_fleet(fleet: &Fleet, waivers: &Waivers) -> Part {
    check_fleet_by(super::all(), fleet, waivers)
}

fn check_fleet_by<'r>(rules: impl Iterator<Item = &'r Rule>, fleet: &Fleet, waivers: &Waivers) -> Part {
    let mut part = Part { fleet: true, ..Part::default() };
    for rule in rules {
        let mut found = Findings::default();
        match rule.check {
            Check::Fleet(check) => check(fleet, &mut found),
            Check::Service(_) => waivers.trouble(rule.id, fleet.now, &mut found),
        }
        part.add(rule, found, fleet, |resource| waivers.find(rule.id, resource, fleet.now));
    }
    part
}

/// The line of a service. Its counts are made when the report is put together, as rules about the fleet add to them.
fn line(service: &ServiceFacts, now: Timestamp) -> ServiceLine {
    let domains = service.domains.get().and_then(Result::ok).map_or(&[][..], Vec::as_slice);
    let certificates = domains.iter().filter_map(|domain| {
        let served = match &domain.served {
            Fact::Known(served) => served,
            Fact::Unavailable(_) | Fact::Unread => &domain.memory.get()?.ok()?.certificate.as_ref()?.served,
        };
        Some(CertificateLine {
            domain: domain.name.as_str().to_owned(),
            not_after: served.not_after,
            days_left: days_left(served.not_after, now),
        })
    });
    ServiceLine {
        name: service.arn.name().to_owned(),
        arn: service.arn.clone(),
        status: clip(service.status.as_str(), TEXT_CHARS_MAX),
        certificates: certificates.collect(),
        counts: Counts::default(),
        waived: 0,
        unchecked: 0,
    }
}

/// Whole days, rounded down: a certificate with an hour left has 0, one that ended an hour ago has -1.
fn days_left(not_after: Timestamp, now: Timestamp) -> i64 {
    (not_after.as_second() - now.as_second()).div_euclid(86_400)
}

#[cfg(test)]
mod tests;
