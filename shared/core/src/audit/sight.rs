//! What the audit has lost sight of since the run before, and what it sees again.
//!
//! | before | now | answer |
//! |---|---|---|
//! | the rule looked at the service | the rule could not | lost |
//! | the rule could not look | the rule looked | back |
//! | the service, or the rule, was not there | the rule could not look | nothing: nothing was lost |
//! | the rule could not look at some resource that is no service, for the same reason | at another one | nothing: it was told |

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::before::Before;
use super::compare::Blind;
use super::engine::{EVERY_RULE, NotChecked};
use super::{Resource, ServiceLine};
use crate::id::ServiceArn;

/// A rule that could not be checked, for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unseen {
    /// A rule's id, or `*` where no rule could.
    pub rule: String,
    pub why: String,
    /// How many resources.
    pub resources: u32,
}

/// What has changed since the run before of what can be checked; empty in a first run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sight {
    /// Checked by the run before, and not by this one.
    pub lost: Vec<Unseen>,
    /// Not checked by the run before, with its reason, and checked by this one.
    pub back: Vec<Unseen>,
}

impl Sight {
    pub fn is_empty(&self) -> bool {
        self.lost.is_empty() && self.back.is_empty()
    }

    /// Checks that were lost, and those that are back: pairs of a rule and a resource.
    pub fn counts(&self) -> (usize, usize) {
        (checks(&self.lost), checks(&self.back))
    }

    pub(super) fn between(before: &Before, not_checked: &[NotChecked], services: &[ServiceLine]) -> Self {
        let told: BTreeSet<(&str, &str)> =
            before.not_checked.iter().map(|entry| (entry.rule.as_str(), entry.why.as_str())).collect();
        let known = |rule: &str| rule == EVERY_RULE || before.rules.contains(rule);
        let was_blind = Blind::new(&before.not_checked);
        let lost = not_checked.iter().filter(|entry| known(&entry.rule)).map(|entry| {
            let lost = entry.resources.iter().filter(|resource| match resource {
                Resource::Service { arn } => before.services.contains(arn) && !was_blind.hides(&entry.rule, resource),
                Resource::Other { .. } | Resource::Account => {
                    !told.contains(&(entry.rule.as_str(), entry.why.as_str()))
                        && !was_blind.hides(&entry.rule, resource)
                }
            });
            (entry, lost.count())
        });
        let blind = Blind::new(not_checked);
        let there: BTreeSet<&ServiceArn> = services.iter().map(|line| &line.arn).collect();
        let back = before.not_checked.iter().map(|entry| {
            let back = entry.resources.iter().filter(|resource| {
                resource.service().is_none_or(|arn| there.contains(arn)) && !blind.hides(&entry.rule, resource)
            });
            (entry, back.count())
        });
        Self { lost: counted(lost), back: counted(back) }
    }
}

/// Pairs of a rule and a resource.
pub(super) fn checks(unseen: &[Unseen]) -> usize {
    unseen.iter().map(|one| one.resources as usize).sum()
}

/// By reason, the rules and their pairs, the reason that hides most first: one refused read blinds many rules.
pub(super) fn reasons(unseen: &[Unseen]) -> Vec<(&str, (BTreeSet<&str>, usize))> {
    let mut by: BTreeMap<&str, (BTreeSet<&str>, usize)> = BTreeMap::new();
    for Unseen { rule, why, resources } in unseen {
        let (rules, pairs) = by.entry(why).or_default();
        rules.insert(rule);
        *pairs += *resources as usize;
    }
    let mut by: Vec<_> = by.into_iter().collect();
    by.sort_by_key(|(_, (_, pairs))| std::cmp::Reverse(*pairs));
    by
}

fn counted<'e>(entries: impl Iterator<Item = (&'e NotChecked, usize)>) -> Vec<Unseen> {
    let mut by: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (entry, resources) in entries.filter(|(_, resources)| *resources > 0) {
        *by.entry((&entry.rule, &entry.why)).or_default() += resources;
    }
    let unseen = |((rule, why), resources): ((&str, &str), usize)| Unseen {
        rule: rule.to_owned(),
        why: why.to_owned(),
        resources: u32::try_from(resources).unwrap_or(u32::MAX),
    };
    by.into_iter().map(unseen).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{RULE, about, fleet, quiet, run, service};
    use super::super::{Part, Report, Waivers, check_service};
    use super::*;

    /// A report in which the rule could not look at these, of a fleet of two services.
    fn blind(id: &str, entries: &[(&str, &str, Resource)], previous: Option<&Report>) -> Report {
        let entry = |(rule, why, resource): &(&str, &str, Resource)| NotChecked {
            rule: (*rule).to_owned(),
            why: (*why).to_owned(),
            resources: vec![resource.clone()],
        };
        let unread: Vec<&Resource> = entries.iter().filter(|one| one.0 == EVERY_RULE).map(|one| &one.2).collect();
        let parts = ["shop-api", "shop-web"].into_iter().filter(|name| !unread.contains(&&about(name))).map(|name| {
            let part = check_service(&fleet(1), &service(name, &[]), &Waivers::default());
            Part { not_checked: Vec::new(), ..part }
        });
        let not_checked = Part { not_checked: entries.iter().map(entry).collect(), ..quiet() };
        Report::assemble(run(id, 1), parts.chain([not_checked]), previous)
    }

    fn unseen(rule: &str, why: &str, resources: u32) -> Unseen {
        Unseen { rule: rule.to_owned(), why: why.to_owned(), resources }
    }

    #[test]
    fn nothing_changed_and_a_first_run_say_nothing() {
        let entries = [(RULE, "denied", about("shop-api")), ("*", "timeout", about("shop-web"))];
        let first = blind("r1", &entries, None);
        assert!(first.sight.is_empty());
        assert!(blind("r2", &entries, Some(&first)).sight.is_empty());
        assert!(
            blind("r2", &[(RULE, "denied again", about("shop-api")), entries[1].clone()], Some(&first))
                .sight
                .is_empty()
        );
    }

    #[test]
    fn what_becomes_blind_is_said_once_and_once_when_it_sees_again() {
        let sees = blind("r1", &[], None);
        let entries = [(RULE, "denied", about("shop-api")), (RULE, "denied", about("shop-web"))];
        let lost = blind("r2", &entries, Some(&sees));
        assert_eq!(lost.sight, Sight { lost: vec![unseen(RULE, "denied", 2)], back: vec![] });
        let still = blind("r3", &entries, Some(&lost));
        assert!(still.sight.is_empty());
        let half = blind("r4", &entries[1..], Some(&still));
        assert_eq!(half.sight, Sight { lost: vec![], back: vec![unseen(RULE, "denied", 1)] });
    }

    #[test]
    fn a_service_that_cannot_be_read_at_all_is_lost_and_comes_back() {
        let sees = blind("r1", &[], None);
        let entries = [("*", "timeout", about("shop-web"))];
        let lost = blind("r2", &entries, Some(&sees));
        assert_eq!(lost.sight.lost, [unseen("*", "timeout", 1)]);
        assert_eq!(blind("r3", &[], Some(&lost)).sight.back, [unseen("*", "timeout", 1)]);
    }

    #[test]
    fn what_was_never_seen_is_not_lost() {
        let sees = blind("r1", &[], None);
        let new = [(RULE, "denied", about("shop-new")), ("a-new-rule", "denied", about("shop-api"))];
        assert!(blind("r2", &new, Some(&sees)).sight.is_empty(), "the service and the rule are new");
        let subnet = |id: &str| [(RULE, "denied", Resource::other("subnet", id))];
        let lost = blind("r2", &subnet("subnet-1"), Some(&sees));
        assert_eq!(lost.sight.lost, [unseen(RULE, "denied", 1)]);
        assert!(blind("r3", &subnet("subnet-2"), Some(&lost)).sight.lost.is_empty(), "the reason was told");
        let account = blind("r2", &[(RULE, "denied", Resource::Account)], Some(&sees));
        assert_eq!(account.sight.lost, [unseen(RULE, "denied", 1)]);
    }
}
