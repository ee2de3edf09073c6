//! What an audit did not look at though it was asked to. Nothing found there must never read as nothing wrong.
//!
//! | not looked at | counts as missed |
//! |---|---|
//! | the services behind the end of a run that was cut | always |
//! | a service that could not be read | always |
//! | something that a rule could not be checked of | where `--rule` names the rule, or with `--fail-on-unchecked` |

use std::collections::BTreeSet;

use pitcrew_core::audit::{Report, Resource};

use super::rules::EVERY_RULE;
use crate::args::audit::AuditArgs;

/// Rules that are named; a line is for reading.
const RULES_MAX: usize = 3;

/// What was missed; by default nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Missed {
    /// Why the run ended before its end.
    cut: Option<&'static str>,
    /// Services that were not audited.
    services: usize,
    /// Rules that were asked for and could not be checked of something.
    rules: Vec<String>,
}

impl Missed {
    /// Of a report that has what `--rule` and `--group` asked for.
    pub fn of(report: &Report, cut: Option<&'static str>, args: &AuditArgs) -> Self {
        let (whole, single): (Vec<_>, Vec<_>) = report.not_checked.iter().partition(|entry| entry.rule == EVERY_RULE);
        let services: BTreeSet<&Resource> = whole.iter().flat_map(|entry| &entry.resources).collect();
        let asked = single.iter().map(|entry| &entry.rule);
        let asked = asked.filter(|rule| args.fail_on_unchecked || args.rules.contains(rule));
        let rules: BTreeSet<&String> = asked.collect();
        Self { cut, services: services.len(), rules: rules.into_iter().cloned().collect() }
    }

    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// In one sentence; `audited`: services that were looked at.
    pub fn said(&self, audited: u32) -> String {
        let mut said = Vec::new();
        let of = usize::try_from(audited).unwrap_or(usize::MAX).saturating_add(self.services);
        if let Some(why) = self.cut {
            said.push(format!("{why}: {} of {of} services were not audited", self.services));
        } else if self.services > 0 {
            said.push(format!("{} of {of} services could not be read", self.services));
        }
        if !self.rules.is_empty() {
            let more = self.rules.len().saturating_sub(RULES_MAX);
            let named = self.rules.iter().take(RULES_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            said.push(format!("{named}{more} could not be checked everywhere"));
        }
        format!("Incomplete: {}.", said.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use pitcrew_core::audit::{NotChecked, Selection};

    use super::*;
    use crate::args::{Args, Command};
    use crate::samples;

    fn args(line: &str) -> AuditArgs {
        match Args::try_parse_from(format!("pitcrew audit {line}").split_whitespace()).unwrap().command {
            Command::Audit(args) => args,
            other => panic!("{other:?}"),
        }
    }

    fn report(rules: &[&str]) -> Report {
        let report = samples::report();
        let resources = vec![report.findings[0].resource.clone()];
        let entry =
            |rule: &&str| NotChecked { rule: (*rule).to_owned(), why: "no".to_owned(), resources: resources.clone() };
        Report { not_checked: rules.iter().map(entry).collect(), ..report }.narrowed(&Selection::default())
    }

    #[test]
    fn what_a_rule_could_not_check_is_missed_where_it_was_asked_for() {
        let ordinary = report(&["domains-stuck", "egress-unused"]);
        assert!(Missed::of(&ordinary, None, &args("")).is_nothing());
        assert!(Missed::of(&ordinary, None, &args("--group domains --rule egress-zones")).is_nothing());
        let missed = Missed::of(&ordinary, None, &args("--rule egress-unused"));
        assert_eq!(missed.said(6), "Incomplete: egress-unused could not be checked everywhere.");
        let missed = Missed::of(&ordinary, None, &args("--fail-on-unchecked"));
        assert_eq!(missed.rules, ["domains-stuck", "egress-unused"]);
    }

    #[test]
    fn services_that_nobody_looked_at_are_missed_whatever_was_asked_for() {
        let missed = Missed::of(&report(&["*"]), None, &args("--group domains"));
        assert_eq!(missed.said(6), "Incomplete: 1 of 7 services could not be read.");
        let missed = Missed::of(&report(&["*"]), Some("it took longer than six hours"), &args(""));
        assert_eq!(missed.said(6), "Incomplete: it took longer than six hours: 1 of 7 services were not audited.");
        // The last service that was not reached may have been deleted meanwhile: it was cut all the same.
        assert!(!Missed::of(&report(&[]), Some("cut"), &args("")).is_nothing());
    }

    #[test]
    fn many_rules_are_counted() {
        let all = report(&["domains-stuck", "egress-unused", "egress-zones", "express-key", "*"]);
        let missed = Missed::of(&all, None, &args("--fail-on-unchecked"));
        assert_eq!(
            missed.said(1),
            "Incomplete: 1 of 2 services could not be read; domains-stuck, egress-unused, egress-zones and 1 more could \
             not be checked everywhere."
        );
    }
}
