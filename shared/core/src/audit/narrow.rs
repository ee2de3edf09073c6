//! A part of a report: what somebody asked to see.
//!
//! | asked for | what stays |
//! |---|---|
//! | rules, groups | findings of a rule that is named, or whose group is; what these rules could not check; these rules in the reference |
//! | a grade | findings of it and worse; what could not be checked stays whole, as nobody knows how bad it would be |
//! | services | what this run saw, and what is known from before about these services |
//! | nothing | everything |
//!
//! Counts and changes are those of what stays. It is taken from a whole report: a report of some rules alone, compared with
//! the run before, would call the findings of all others gone. A narrowed report says so itself ([`Narrowed`]), for the same
//! reason: as the report of before it would make all others new.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::engine::EVERY_RULE;
use super::{Changes, Finding, Grade, Group, NotChecked, Report, find, report};
use crate::id::ServiceArn;

/// What a report was narrowed to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Narrowed {
    /// In order; empty: every one.
    pub services: Vec<ServiceArn>,
    pub rules: Vec<String>,
    pub groups: Vec<Group>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grade: Option<Grade>,
}

impl Narrowed {
    /// As the command is asked for it: `--service shop --severity high`.
    pub fn flags(&self) -> String {
        let mut flags: Vec<String> = self.services.iter().map(|arn| format!("--service {}", arn.name())).collect();
        flags.extend(self.rules.iter().map(|rule| format!("--rule {rule}")));
        flags.extend(self.groups.iter().map(|group| format!("--group {}", group.as_str())));
        flags.extend(self.grade.map(|grade| format!("--severity {}", grade.as_str())));
        flags.join(" ")
    }
}

/// What of a report is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Ids of rules. With groups, what either names.
    pub rules: Vec<String>,
    pub groups: Vec<Group>,
    /// This grade and worse.
    pub grade: Option<Grade>,
}

impl Selection {
    /// Whether a rule of this group is wanted.
    pub fn wants_rule(&self, id: &str, group: Option<Group>) -> bool {
        (self.rules.is_empty() && self.groups.is_empty())
            || self.rules.iter().any(|known| known == id)
            || group.is_some_and(|group| self.groups.contains(&group))
    }

    /// What a report is narrowed to after this, where it was narrowed before to something or was whole.
    pub fn narrowing(&self, before: Option<Narrowed>) -> Option<Narrowed> {
        if *self == Self::default() {
            return before;
        }
        let before = before.unwrap_or_default();
        let sorted = |mut rules: Vec<String>| {
            rules.sort();
            rules.dedup();
            rules
        };
        let mut groups = if self.groups.is_empty() { before.groups } else { self.groups.clone() };
        groups.sort();
        groups.dedup();
        let rules = sorted(if self.rules.is_empty() { before.rules } else { self.rules.clone() });
        Some(Narrowed { services: before.services, rules, groups, grade: self.grade.or(before.grade) })
    }

    fn wants(&self, finding: &Finding) -> bool {
        self.wants_rule(&finding.rule, Some(finding.group)) && self.grade.is_none_or(|grade| finding.grade >= grade)
    }

    fn wants_entry(&self, entry: &NotChecked) -> bool {
        entry.rule == EVERY_RULE || self.wants_rule(&entry.rule, find(&entry.rule).map(|rule| rule.group))
    }
}

impl Report {
    /// The report with what is wanted of it. Narrowed again, it tells the second selection alone: let that one name all that
    /// the first did.
    #[must_use]
    pub fn narrowed(mut self, wanted: &Selection) -> Self {
        self.findings.retain(|finding| wanted.wants(finding));
        self.not_checked.retain(|entry| wanted.wants_entry(entry));
        self.rules.retain(|rule| wanted.wants_rule(&rule.id, Some(rule.group)));
        self.changes = narrowed(self.changes, &self.findings, wanted);
        let wants = |rule: &str| rule == EVERY_RULE || wanted.wants_rule(rule, find(rule).map(|rule| rule.group));
        self.sight.lost.retain(|unseen| wants(&unseen.rule));
        self.sight.back.retain(|unseen| wants(&unseen.rule));
        report::count(&mut self.services, &self.findings, &self.not_checked);
        self.counts = report::counts(&self.findings);
        self.waived = report::waived(&self.findings);
        self.unchecked = report::unchecked(&self.not_checked);
        self.narrowed = wanted.narrowing(self.narrowed.take());
        self
    }

    /// The report of a run that looked at some services alone. What is known of others from before is no part of it: nobody
    /// looked, so that it is neither gone nor still so.
    #[must_use]
    pub fn of_services(mut self, services: &[ServiceArn]) -> Self {
        let is_asked = |finding: &Finding| finding.resource.service().is_some_and(|arn| services.contains(arn));
        self.findings.retain(|finding| finding.checked || is_asked(finding));
        self.changes.gone.retain(is_asked);
        let mut services = services.to_vec();
        services.sort();
        services.dedup();
        self.narrowed = Some(Narrowed { services, ..self.narrowed.take().unwrap_or_default() });
        self.narrowed(&Selection::default())
    }
}

fn narrowed(changes: Changes, findings: &[Finding], wanted: &Selection) -> Changes {
    let kept: BTreeSet<&str> = findings.iter().map(|finding| finding.id.as_str()).collect();
    let Changes { mut new, mut worse, mut better, mut waived, mut reopened, mut gone } = changes;
    for ids in [&mut new, &mut waived, &mut reopened] {
        ids.retain(|id| kept.contains(id.as_str()));
    }
    for regraded in [&mut worse, &mut better] {
        regraded.retain(|one| kept.contains(one.id.as_str()));
    }
    gone.retain(|finding| wanted.wants(finding));
    Changes { new, worse, better, waived, reopened, gone }
}

#[cfg(test)]
mod tests {
    use super::super::Part;
    use super::super::testing::{self, RULE};
    use super::*;

    /// A service with two findings of two rules and grades, one of them new; before, a third one stood.
    fn whole() -> Report {
        let high = testing::finding(2, "shop-api", Grade::High);
        let low = Finding {
            id: "0a".to_owned(),
            rule: "observability-no-events".to_owned(),
            group: Group::Observability,
            grade: Grade::Low,
            ..high.clone()
        };
        let previous = testing::report("r1", 1, vec![testing::finding(1, "shop-gone", Grade::High), low.clone()], None);
        let mut part = super::super::check_service(
            &testing::fleet(2),
            &testing::service("shop-api", &[]),
            &super::super::Waivers::default(),
        );
        part.findings = vec![high, low];
        let entry = |rule: &str| NotChecked {
            rule: rule.to_owned(),
            why: "no".to_owned(),
            resources: vec![testing::about("shop-api")],
        };
        part.not_checked = vec![entry("*"), entry(RULE), entry("quotas-services")];
        Report::assemble(testing::run("r2", 2), [part, Part { fleet: true, ..Part::default() }], Some(&previous))
    }

    #[test]
    fn a_selection_of_nothing_changes_nothing() {
        assert_eq!(whole().narrowed(&Selection::default()), whole());
    }

    #[test]
    fn a_grade_keeps_what_is_as_bad_or_worse_and_all_that_could_not_be_checked() {
        let report = whole().narrowed(&Selection { grade: Some(Grade::Medium), ..Selection::default() });
        assert_eq!(report.findings.iter().map(|one| one.grade).collect::<Vec<_>>(), [Grade::High]);
        assert_eq!((report.counts.high, report.counts.low), (1, 0));
        assert_eq!((report.services[0].counts.high, report.services[0].counts.low), (1, 0));
        assert_eq!((report.unchecked, report.rules.len()), (3, whole().rules.len()));
    }

    #[test]
    fn rules_and_groups_keep_what_either_names() {
        let rules = |rules: &[&str], groups: &[Group]| {
            let rules = rules.iter().map(|id| (*id).to_owned()).collect();
            whole().narrowed(&Selection { rules, groups: groups.to_vec(), grade: None })
        };
        let one = rules(&[RULE], &[]);
        assert_eq!((one.findings.len(), one.rules.len(), one.counts.total()), (1, 1, 1));
        assert_eq!(one.not_checked.iter().map(|entry| entry.rule.as_str()).collect::<Vec<_>>(), ["*", RULE]);
        assert_eq!((one.unchecked, one.services[0].unchecked), (2, 2));
        assert_eq!(rules(&[RULE], &[Group::Observability]).findings.len(), 2);
        assert_eq!(rules(&[], &[Group::Quotas]).findings.len(), 0);
    }

    #[test]
    fn changes_are_those_of_what_stays() {
        let before = whole().changes;
        assert_eq!((before.new.len(), before.gone.len()), (1, 1));
        let kept = whole().narrowed(&Selection { groups: vec![Group::Observability], ..Selection::default() });
        assert!(kept.changes.is_empty(), "{:?}", kept.changes);
        let deployments = whole().narrowed(&Selection { rules: vec![RULE.to_owned()], ..Selection::default() });
        assert_eq!((deployments.changes.new.len(), deployments.changes.gone.len()), (1, 1));
    }

    #[test]
    fn a_run_of_some_services_says_nothing_of_the_others() {
        let other = testing::finding(1, "shop-other", Grade::High);
        let gone = Finding { id: "0c".to_owned(), ..testing::finding(2, "shop-api", Grade::Low) };
        let before = testing::report("r1", 1, vec![other.clone(), gone.clone()], None);
        let mut part = Part { fleet: true, ..Part::default() };
        part.findings = vec![testing::finding(2, "shop-api", Grade::High)];
        let arn = part.findings[0].resource.service().cloned().unwrap();
        let whole = Report::assemble(testing::run("r2", 2), [part.clone()], Some(&before));
        assert_eq!(whole.changes.gone.len(), 2, "without a word about services, all that is not there is gone");
        let report = whole.of_services(std::slice::from_ref(&arn));
        assert_eq!(report.changes.gone, [gone]);
        assert_eq!((report.findings.len(), report.counts.total(), report.changes.new.len()), (1, 1, 1));
        // The same where the rules about the fleet did not run, and what was found by one is carried on.
        part.not_checked = vec![NotChecked {
            rule: other.rule.clone(),
            why: "not asked for".to_owned(),
            resources: vec![super::super::Resource::Account],
        }];
        let whole = Report::assemble(testing::run("r2", 2), [part], Some(&before));
        assert_eq!(whole.findings.iter().filter(|finding| !finding.checked).count(), 2);
        let report = whole.of_services(&[arn.clone(), arn.clone()]);
        assert!(report.findings.iter().all(|finding| finding.resource.service() == Some(&arn)));
        assert_eq!((report.findings.len(), report.counts.total()), (2, 2));
        assert_eq!(report.narrowed, Some(Narrowed { services: vec![arn], ..Narrowed::default() }));
    }

    #[test]
    fn a_narrowed_report_says_what_it_was_narrowed_to() {
        assert_eq!(whole().narrowed, None);
        let rules = Selection { rules: vec![RULE.to_owned(), RULE.to_owned()], ..Selection::default() };
        let twice = whole().narrowed(&rules).narrowed(&Selection { grade: Some(Grade::High), ..rules });
        let said = Narrowed { rules: vec![RULE.to_owned()], grade: Some(Grade::High), ..Narrowed::default() };
        assert_eq!(twice.narrowed.as_ref(), Some(&said));
        assert_eq!(said.flags(), format!("--rule {RULE} --severity high"));
        let read: Report = serde_json::from_value(serde_json::to_value(&twice).unwrap()).unwrap();
        assert_eq!(read.narrowed, Some(said));
    }

    #[test]
    fn a_group_is_read_by_the_name_that_it_is_written_with() {
        for group in Group::ALL {
            assert_eq!(group.as_str().parse(), Ok(group));
            assert_eq!(serde_json::to_value(group).unwrap(), group.as_str());
        }
        assert!("shop".parse::<Group>().unwrap_err().contains("`shop` is none of deployments, "));
    }
}
