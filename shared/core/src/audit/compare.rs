//! What has changed since the run before.
//!
//! | before | now | answer |
//! |---|---|---|
//! | not there | open | new |
//! | not there | waived | no change: it was decided before it came |
//! | open | open, graded higher or lower | worse, better |
//! | open | waived | waived |
//! | waived | open | reopened |
//! | there | not there, and its rule looked at its resource | gone |
//! | there | not there, and its rule could not look at its resource | stays as it was, marked as not checked |
//! | waived by tag | found, and the tags could not be read | stays waived until its day is over |

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::before::{Before, Known};
use super::engine::{EVERY_RULE, Finding, NotChecked};
use super::waiver::{self, Waived, WaivedBy};
use super::{Grade, Resource};

/// A finding that is graded otherwise than before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Regraded {
    pub id: String,
    pub before: Grade,
}

/// What has changed since the run before; all empty in a first run. Ids are those of the report's findings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    pub new: Vec<String>,
    pub worse: Vec<Regraded>,
    pub better: Vec<Regraded>,
    /// Waived since.
    pub waived: Vec<String>,
    /// Open again: the waiver was taken away or has expired.
    pub reopened: Vec<String>,
    /// As the run before reported them, as this one has them no more.
    pub gone: Vec<Finding>,
}

impl Changes {
    pub fn is_empty(&self) -> bool {
        let Self { new, worse, better, waived, reopened, gone } = self;
        [new, waived, reopened].iter().all(|ids| ids.is_empty())
            && worse.is_empty()
            && better.is_empty()
            && gone.is_empty()
    }
}

/// Where nobody could look.
pub(super) struct Blind<'e> {
    /// By rule, the ids of the resources that it could not check.
    by: BTreeMap<&'e str, BTreeSet<String>>,
}

impl<'e> Blind<'e> {
    pub(super) fn new(not_checked: &'e [NotChecked]) -> Self {
        let mut by: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for entry in not_checked {
            by.entry(&entry.rule).or_default().extend(entry.resources.iter().map(Resource::id));
        }
        Self { by }
    }

    /// A list that could not be read is said of the account, and hides every resource that stands in it.
    pub(super) fn hides(&self, rule: &str, resource: &Resource) -> bool {
        let id = resource.id();
        let said = |rule: &str, id: &str| self.by.get(rule).is_some_and(|ids| ids.contains(id));
        said(rule, &id) || said(EVERY_RULE, &id) || said(rule, "account")
    }
}

/// Compares, carries on what is known from before, and adds to the findings those that nobody could look for.
pub(super) fn compare(
    findings: &mut Vec<Finding>,
    before: &mut Before,
    not_checked: &[NotChecked],
    now: Timestamp,
) -> Changes {
    let blind = Blind::new(not_checked);
    let mut changes = Changes::default();
    for finding in findings.iter_mut() {
        match before.known.get(&finding.id) {
            Some(known) => {
                // A run whose clock was ahead is no reason to have seen something first tomorrow.
                finding.first_seen = known.first_seen.min(finding.first_seen);
                if finding.waiver.is_none() && blind.hides(waiver::MALFORMED, &finding.resource) {
                    finding.waiver = kept(&known.waiver, now).filter(|waived| waived.by == WaivedBy::Tag);
                }
                note(&mut changes, finding, known);
            }
            None if finding.open() => changes.new.push(finding.id.clone()),
            None => {}
        }
    }
    // Moved, not copied: what has gone since is all of it where a rule was renamed.
    for missing in std::mem::take(&mut before.missing) {
        if blind.hides(&missing.rule, &missing.resource) {
            let known = Known { first_seen: missing.first_seen, grade: missing.grade, waiver: missing.waiver.clone() };
            let first_seen = missing.first_seen.min(now);
            let carried = Finding { checked: false, first_seen, waiver: kept(&known.waiver, now), ..missing };
            note(&mut changes, &carried, &known);
            findings.push(carried);
        } else {
            changes.gone.push(missing);
        }
    }
    changes
}

/// The waiver of before, where its day is not over.
fn kept(waiver: &Option<Waived>, now: Timestamp) -> Option<Waived> {
    waiver.clone().filter(|waived| waived.until >= waiver::day(now))
}

fn note(changes: &mut Changes, finding: &Finding, before: &Known) {
    let id = finding.id.clone();
    match (before.waiver.is_none(), finding.open()) {
        (true, false) => changes.waived.push(id),
        (false, true) => changes.reopened.push(id),
        (false, false) => {}
        (true, true) if finding.grade > before.grade => changes.worse.push(Regraded { id, before: before.grade }),
        (true, true) if finding.grade < before.grade => changes.better.push(Regraded { id, before: before.grade }),
        (true, true) => {}
    }
}
