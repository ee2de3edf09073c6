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

use super::engine::{EVERY_RULE, Finding, NotChecked};
use super::waiver::{self, Waived, WaivedBy};
use super::{Grade, Report, Resource};

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

/// Where nobody could look this time.
struct Blind {
    /// Rules, with the ids of the resources that they could not check.
    pairs: BTreeSet<(String, String)>,
}

impl Blind {
    fn new(not_checked: &[NotChecked]) -> Self {
        let pair = |entry: &NotChecked, resource: &Resource| (entry.rule.clone(), resource.id());
        let pairs = not_checked.iter().flat_map(|entry| entry.resources.iter().map(move |one| pair(entry, one)));
        Self { pairs: pairs.collect() }
    }

    /// A list that could not be read is said of the account, and hides every resource that stands in it.
    fn hides(&self, rule: &str, resource: &Resource) -> bool {
        let id = resource.id();
        [(rule, id.as_str()), (EVERY_RULE, &id), (rule, "account")]
            .iter()
            .any(|(rule, id)| self.pairs.contains(&((*rule).to_owned(), (*id).to_owned())))
    }
}

/// Compares, carries on what is known from before, and adds to the findings those that nobody could look for.
pub(super) fn compare(
    findings: &mut Vec<Finding>,
    previous: &Report,
    not_checked: &[NotChecked],
    now: Timestamp,
) -> Changes {
    let blind = Blind::new(not_checked);
    let known: BTreeMap<&str, &Finding> =
        previous.findings.iter().map(|finding| (finding.id.as_str(), finding)).collect();
    let mut changes = Changes::default();
    for finding in findings.iter_mut() {
        match known.get(finding.id.as_str()) {
            Some(before) => {
                finding.first_seen = before.first_seen;
                if finding.waiver.is_none() && blind.hides(waiver::MALFORMED, &finding.resource) {
                    finding.waiver = kept(before, now).filter(|waived| waived.by == WaivedBy::Tag);
                }
                note(&mut changes, finding, before);
            }
            None if finding.open() => changes.new.push(finding.id.clone()),
            None => {}
        }
    }
    let present: BTreeSet<String> = findings.iter().map(|finding| finding.id.clone()).collect();
    for before in previous.findings.iter().filter(|before| !present.contains(&before.id)) {
        if blind.hides(&before.rule, &before.resource) {
            let carried = Finding { checked: false, waiver: kept(before, now), ..before.clone() };
            note(&mut changes, &carried, before);
            findings.push(carried);
        } else {
            changes.gone.push(before.clone());
        }
    }
    changes
}

/// The waiver of before, where its day is not over.
fn kept(before: &Finding, now: Timestamp) -> Option<Waived> {
    before.waiver.clone().filter(|waived| waived.until >= waiver::day(now))
}

fn note(changes: &mut Changes, finding: &Finding, before: &Finding) {
    let id = finding.id.clone();
    match (before.open(), finding.open()) {
        (true, false) => changes.waived.push(id),
        (false, true) => changes.reopened.push(id),
        (false, false) => {}
        (true, true) if finding.grade > before.grade => changes.worse.push(Regraded { id, before: before.grade }),
        (true, true) if finding.grade < before.grade => changes.better.push(Regraded { id, before: before.grade }),
        (true, true) => {}
    }
}
