//! A part of a report: what somebody asked to see.
//!
//! | asked for | what stays |
//! |---|---|
//! | rules, groups | findings of a rule that is named, or whose group is; what these rules could not check; these rules in the reference |
//! | a grade | findings of it and worse; what could not be checked stays whole, as nobody knows how bad it would be |
//! | nothing | everything |
//!
//! Counts and changes are those of what stays. It is taken from a whole report: a report of some rules alone, compared with
//! the run before, would call the findings of all others gone.

use std::collections::BTreeSet;

use super::engine::EVERY_RULE;
use super::{Changes, Finding, Grade, Group, NotChecked, Report, find, report};

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

    fn wants(&self, finding: &Finding) -> bool {
        self.wants_rule(&finding.rule, Some(finding.group)) && self.grade.is_none_or(|grade| finding.grade >= grade)
    }

    fn wants_entry(&self, entry: &NotChecked) -> bool {
        entry.rule == EVERY_RULE || self.wants_rule(&entry.rule, find(&entry.rule).map(|rule| rule.group))
    }
}

impl Report {
    /// The report with what is wanted of it.
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
        self
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
    fn a_group_is_read_by_the_name_that_it_is_written_with() {
        for group in Group::ALL {
            assert_eq!(group.as_str().parse(), Ok(group));
            assert_eq!(serde_json::to_value(group).unwrap(), group.as_str());
        }
        assert!("shop".parse::<Group>().unwrap_err().contains("`shop` is none of deployments, "));
    }
}
