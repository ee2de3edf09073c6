//! What a comparison needs of the report of the run before: of findings that are still there a line, of all others everything.
//!
//! A report of ten thousand services is some fifty megabytes. It is read as it stands in the bucket, finding by finding, so
//! that it never stands in memory whole beside the one that is compared with it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::engine::{Finding, NotChecked};
use super::facts::Place;
use super::waiver::Waived;
use super::{Grade, Report};
use crate::id::ServiceArn;

/// What is kept of a finding that is still there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub first_seen: Timestamp,
    pub grade: Grade,
    pub waiver: Option<Waived>,
}

/// The report of the run before, as far as it is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Before {
    pub(super) format: u32,
    pub(super) run: String,
    pub(super) place: Place,
    /// Findings that are still there, by id.
    pub(super) known: BTreeMap<String, Known>,
    /// Findings that are not there any more.
    pub(super) missing: Vec<Finding>,
    pub(super) not_checked: Vec<NotChecked>,
    /// Services that were audited.
    pub(super) services: BTreeSet<ServiceArn>,
    /// The rules that were in force.
    pub(super) rules: BTreeSet<String>,
}

impl Before {
    /// Of a report as it is stored. `present`: the ids of the findings that are there now.
    ///
    /// # Errors
    /// It is no report, or one of another form.
    pub fn read(stored: &[u8], present: &BTreeSet<String>) -> Result<Self, serde_json::Error> {
        let mut reader = serde_json::Deserializer::from_slice(stored);
        let before = Whole(present).deserialize(&mut reader)?;
        reader.end()?;
        Ok(before)
    }

    /// Of a report at hand.
    pub fn of(report: &Report, present: &BTreeSet<String>) -> Self {
        let mut findings = Findings::default();
        report.findings.iter().for_each(|finding| findings.take(finding.clone(), present));
        Self {
            format: report.format,
            run: report.run.clone(),
            place: report.place.clone(),
            known: findings.known,
            missing: findings.missing,
            not_checked: report.not_checked.clone(),
            services: report.services.iter().map(|line| line.arn.clone()).collect(),
            rules: report.rules.iter().map(|rule| rule.id.clone()).collect(),
        }
    }
}

#[derive(Default)]
struct Findings {
    known: BTreeMap<String, Known>,
    missing: Vec<Finding>,
}

impl Findings {
    fn take(&mut self, finding: Finding, present: &BTreeSet<String>) {
        if present.contains(&finding.id) {
            let Finding { id, first_seen, grade, waiver, .. } = finding;
            self.known.insert(id, Known { first_seen, grade, waiver });
        } else {
            self.missing.push(finding);
        }
    }
}

#[derive(Deserialize)]
struct Service {
    arn: ServiceArn,
}

#[derive(Deserialize)]
struct Rule {
    id: String,
}

struct Whole<'i>(&'i BTreeSet<String>);

impl<'de> DeserializeSeed<'de> for Whole<'_> {
    type Value = Before;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Before, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Whole<'_> {
    type Value = Before;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the report of an audit")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Before, A::Error> {
        let (mut format, mut run, mut place) = (None, None, None);
        let (mut findings, mut not_checked) = (None, Vec::new());
        let (mut services, mut rules): (Vec<Service>, Vec<Rule>) = Default::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "format" => format = Some(map.next_value()?),
                "run" => run = Some(map.next_value()?),
                "place" => place = Some(map.next_value()?),
                "findings" => findings = Some(map.next_value_seed(Each(self.0))?),
                "not_checked" => not_checked = map.next_value()?,
                "services" => services = map.next_value()?,
                "rules" => rules = map.next_value()?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        let findings: Findings = findings.ok_or_else(|| A::Error::missing_field("findings"))?;
        Ok(Before {
            format: format.ok_or_else(|| A::Error::missing_field("format"))?,
            run: run.ok_or_else(|| A::Error::missing_field("run"))?,
            place: place.ok_or_else(|| A::Error::missing_field("place"))?,
            known: findings.known,
            missing: findings.missing,
            not_checked,
            services: services.into_iter().map(|service| service.arn).collect(),
            rules: rules.into_iter().map(|rule| rule.id).collect(),
        })
    }
}

struct Each<'i>(&'i BTreeSet<String>);

impl<'de> DeserializeSeed<'de> for Each<'_> {
    type Value = Findings;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Findings, D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Each<'_> {
    type Value = Findings;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("findings")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Findings, A::Error> {
        let mut findings = Findings::default();
        while let Some(finding) = seq.next_element()? {
            findings.take(finding, self.0);
        }
        Ok(findings)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{finding, report};
    use super::*;

    #[test]
    fn a_stored_report_is_read_as_it_is_taken_at_hand_and_what_is_still_there_is_kept_as_a_line() {
        let shops = ["shop-one", "shop-two", "shop-six"];
        let made = report("r1", 1, shops.map(|name| finding(1, name, Grade::High)).into(), None);
        let present = BTreeSet::from([made.findings[1].id.clone()]);
        let before = Before::read(&serde_json::to_vec(&made).unwrap(), &present).unwrap();
        assert_eq!(before, Before::of(&made, &present));
        assert_eq!((before.known.len(), before.missing.len()), (1, 2));
        assert_eq!((before.run.as_str(), before.rules.len()), ("r1", made.rules.len()));
    }

    #[test]
    fn what_is_no_report_is_an_error() {
        let made = serde_json::to_value(report("r1", 1, vec![finding(1, "shop-one", Grade::High)], None)).unwrap();
        let read = |value: &serde_json::Value| Before::read(value.to_string().as_bytes(), &BTreeSet::new());
        assert!(read(&made).is_ok());
        for field in ["format", "run", "place", "findings"] {
            let mut less = made.clone();
            less.as_object_mut().unwrap().remove(field);
            assert!(read(&less).unwrap_err().to_string().contains(field));
        }
        assert!(read(&serde_json::json!([])).is_err());
        assert!(Before::read(b"{\"format\":1", &BTreeSet::new()).is_err(), "it is cut off");
    }
}
