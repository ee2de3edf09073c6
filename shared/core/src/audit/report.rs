//! The report of one run: its parts put together, and what has changed since the run before.
//!
//! Everything that reads a report (the page, Security Hub, the notice, the metrics, other people's tools) reads this value
//! alone, so it carries the reference of the rules too: an old report can be read with a newer version.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::before::Before;
use super::compare::{self, Changes};
use super::engine::{Counts, EVERY_RULE, Finding, NotChecked, Part, ServiceLine, Source, Tagged};
use super::facts::Place;
use super::narrow::Narrowed;
use super::rule::{Check, Grade, Group, Rule};
use super::sight::Sight;
use super::{Resource, rule};
use crate::id::ServiceArn;

/// The version of the report's form. A field that is added does not change it; one that goes or changes its meaning does.
pub const FORMAT: u32 = 1;

/// What the worker knows of a run.
#[derive(Clone, Debug)]
pub struct Run {
    pub id: String,
    pub place: Place,
    pub started: Timestamp,
    pub finished: Timestamp,
    /// Calls to AWS.
    pub calls: u64,
    /// Every service that the run set out to audit. One that no part names was not reached, and the report says so.
    pub listed: Vec<ServiceArn>,
}

/// A rule that was in force, for the reference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleLine {
    pub id: String,
    pub group: Group,
    pub grade: Grade,
    pub title: String,
    pub why: String,
    pub chapter: Source,
}

/// The report of one run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    pub format: u32,
    pub run: String,
    /// What was asked for, where this is a part of a report. Everything in it is of that part alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub narrowed: Option<Narrowed>,
    /// The run that the changes are told against.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    pub place: Place,
    pub started: Timestamp,
    pub finished: Timestamp,
    /// Services that were audited.
    pub audited: u32,
    /// Services that were deleted while the run was under way.
    pub left_out: u32,
    /// Calls to AWS that the run made.
    pub calls: u64,
    /// Open findings by grade.
    pub counts: Counts,
    pub waived: u32,
    /// Pairs of a rule and a resource that could not be checked.
    pub unchecked: u32,
    pub changes: Changes,
    /// What can be checked no longer since the run before, and what can be again.
    #[serde(default)]
    pub sight: Sight,
    /// The worst first.
    pub findings: Vec<Finding>,
    pub not_checked: Vec<NotChecked>,
    /// By name.
    pub services: Vec<ServiceLine>,
    pub rules: Vec<RuleLine>,
}

/// The parts of a run, put together and not compared yet.
#[derive(Clone, Debug)]
pub struct Whole {
    run: Run,
    part: Part,
}

impl Whole {
    pub fn new(run: Run, parts: impl IntoIterator<Item = Part>) -> Self {
        let mut part = Part::default();
        for one in parts {
            part.merge(one);
        }
        complete(&run, &mut part);
        // A step that was run twice gives its findings twice.
        let mut ids = BTreeSet::new();
        part.findings.retain(|finding| ids.insert(finding.id.clone()));
        waive_by_tag(&mut part.findings, &part.tagged);
        Self { run, part: part.grouped() }
    }

    /// The ids of its findings: what of the run before needs to be read as a line only.
    pub fn ids(&self) -> BTreeSet<String> {
        self.part.findings.iter().map(|finding| finding.id.clone()).collect()
    }

    /// The report, compared with that of the run before.
    ///
    /// One of another form, another place or this very run is no measure: then nothing is compared.
    pub fn report(self, before: Option<Before>) -> Report {
        let Self { run, part: Part { mut findings, not_checked, mut services, left_out, tagged: _, fleet: _ } } = self;
        let mut before =
            before.filter(|before| before.format == FORMAT && before.place == run.place && before.run != run.id);
        let changes = match &mut before {
            Some(before) => compare::compare(&mut findings, before, &not_checked, run.finished),
            None => Changes::default(),
        };
        findings.sort_unstable_by(|a, b| order(a).cmp(&order(b)));
        count(&mut services, &findings, &not_checked);
        let sight = before.as_ref().map(|before| Sight::between(before, &not_checked, &services));
        Report {
            format: FORMAT,
            narrowed: None,
            previous: before.map(|before| before.run),
            run: run.id,
            place: run.place,
            started: run.started,
            finished: run.finished,
            audited: number(services.len()),
            left_out: number(left_out.iter().collect::<BTreeSet<_>>().len()),
            calls: run.calls,
            counts: counts(&findings),
            waived: waived(&findings),
            unchecked: unchecked(&not_checked),
            changes,
            sight: sight.unwrap_or_default(),
            findings,
            not_checked,
            services,
            rules: rule::all().map(Report::rule_line).collect(),
        }
    }
}

impl Report {
    /// Puts the parts of a run together and compares them with the report of the run before.
    pub fn assemble(run: Run, parts: impl IntoIterator<Item = Part>, previous: Option<&Self>) -> Self {
        let whole = Whole::new(run, parts);
        let before = previous.map(|previous| Before::of(previous, &whole.ids()));
        whole.report(before)
    }

    /// A rule, as the reference of a report names it.
    pub fn rule_line(rule: &Rule) -> RuleLine {
        RuleLine {
            id: rule.id.to_owned(),
            group: rule.group,
            grade: rule.grade,
            title: rule.title.to_owned(),
            why: rule.why.to_owned(),
            chapter: Source { work: rule.chapter.work.to_owned(), heading: rule.chapter.heading.to_owned() },
        }
    }

    /// The finding of this id.
    pub fn finding(&self, id: &str) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.id == id)
    }

    /// The fewest days that a certificate has left, of all that were seen.
    pub fn days_left_min(&self) -> Option<i64> {
        self.services.iter().flat_map(|line| &line.certificates).map(|certificate| certificate.days_left).min()
    }
}

/// What no part speaks of was not checked: services that the run did not reach, and the fleet's rules where they did not run.
fn complete(run: &Run, whole: &mut Part) {
    let mut seen: BTreeSet<ServiceArn> = whole.services.iter().map(|line| line.arn.clone()).collect();
    seen.extend(whole.left_out.iter().cloned());
    let unread = whole.not_checked.iter().filter(|entry| entry.rule == EVERY_RULE).flat_map(|entry| &entry.resources);
    seen.extend(unread.filter_map(|resource| resource.service().cloned()));
    for arn in run.listed.iter().filter(|arn| !seen.contains(arn)) {
        whole.merge(Part::unread(arn.clone(), "the run ended before it was looked at"));
    }
    if !whole.fleet {
        let rules = rule::all().filter(|rule| matches!(rule.check, Check::Fleet(_)));
        whole.not_checked.extend(rules.map(|rule| NotChecked {
            rule: rule.id.to_owned(),
            why: "the run ended before the fleet was looked at".to_owned(),
            resources: vec![Resource::Account],
        }));
    }
}

/// Rules about the fleet do not see the tags of a service; what they found about one is waived here.
fn waive_by_tag(findings: &mut [Finding], tagged: &[Tagged]) {
    let tagged: BTreeMap<(&ServiceArn, &str), &Tagged> =
        tagged.iter().map(|tag| ((&tag.service, tag.rule.as_str()), tag)).collect();
    for finding in findings.iter_mut().filter(|finding| finding.waiver.is_none()) {
        let tag = finding.resource.service().and_then(|arn| tagged.get(&(arn, finding.rule.as_str())));
        finding.waiver = tag.map(|tag| tag.waived.clone());
    }
}

/// Open ones first, then the worst, then by group, rule, resource and key.
fn order(finding: &Finding) -> impl Ord + '_ {
    let by = (finding.group, finding.rule.as_str(), finding.resource.name());
    (!finding.open(), std::cmp::Reverse(finding.grade), by, finding.key.as_str(), finding.id.as_str())
}

/// Counts each service's findings and what could not be checked of it, anew.
pub(super) fn count(services: &mut Vec<ServiceLine>, findings: &[Finding], not_checked: &[NotChecked]) {
    services.sort_by(|a, b| (&a.name, &a.arn).cmp(&(&b.name, &b.arn)));
    services.dedup_by(|a, b| a.arn == b.arn);
    for line in services.iter_mut() {
        (line.counts, line.waived, line.unchecked) = (Counts::default(), 0, 0);
    }
    let at: BTreeMap<ServiceArn, usize> =
        services.iter().enumerate().map(|(at, line)| (line.arn.clone(), at)).collect();
    let index = |resource: &Resource| resource.service().and_then(|arn| at.get(arn)).copied();
    for finding in findings {
        if let Some(line) = index(&finding.resource).and_then(|at| services.get_mut(at)) {
            match finding.open() {
                true => line.counts.add(finding.grade),
                false => line.waived += 1,
            }
        }
    }
    for resource in not_checked.iter().flat_map(|entry| &entry.resources) {
        if let Some(line) = index(resource).and_then(|at| services.get_mut(at)) {
            line.unchecked += 1;
        }
    }
}

/// The open findings by grade.
pub(super) fn counts(findings: &[Finding]) -> Counts {
    let mut counts = Counts::default();
    findings.iter().filter(|finding| finding.open()).for_each(|finding| counts.add(finding.grade));
    counts
}

pub(super) fn waived(findings: &[Finding]) -> u32 {
    number(findings.iter().filter(|finding| !finding.open()).count())
}

pub(super) fn unchecked(not_checked: &[NotChecked]) -> u32 {
    number(not_checked.iter().map(|entry| entry.resources.len()).sum())
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
