//! ACM alone, with a DNS that the test writes by hand.

mod api;
mod internal;
mod issuance;
mod renewal;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::call::Service;
use crate::effect::Effect;
use crate::rig::Rig;

use super::Acm;
use super::names::plain;

/// ACM, and a zone that answers its questions.
struct Bench {
    rig: Rig<Acm>,
    /// By name and kind; a name that is missing has no records.
    zone: BTreeMap<(String, String), Vec<String>>,
    /// What every question gets instead of an answer.
    broken: Option<&'static str>,
    /// Everything caused but questions.
    caused: Vec<(Timestamp, Effect)>,
    /// The questions so far.
    asked: Vec<(Timestamp, String, String)>,
}

impl Bench {
    fn new() -> Self {
        Self { rig: Rig::new(Acm::new()), zone: BTreeMap::new(), broken: None, caused: Vec::new(), asked: Vec::new() }
    }

    fn ok(&mut self, operation: &str, input: Value) -> Value {
        let answer = self.rig.ok(operation, input);
        self.answer_questions();
        answer
    }

    fn answer_questions(&mut self) {
        for _ in 0..100 {
            let effects = self.rig.effects();
            if effects.is_empty() {
                return;
            }
            for effect in effects {
                match effect {
                    Effect::Resolve(lookup) => {
                        self.asked.push((self.rig.now, lookup.name.clone(), lookup.kind.clone()));
                        let answers = self.zone.get(&(plain(&lookup.name), lookup.kind.clone()));
                        let rcode = self.broken.unwrap_or(if answers.is_some() { "NOERROR" } else { "NXDOMAIN" });
                        let input = json!({
                            "Token": lookup.token, "Name": lookup.name, "Type": lookup.kind, "Rcode": rcode,
                            "Answers": answers.filter(|_| self.broken.is_none()).cloned().unwrap_or_default(),
                        });
                        self.rig.ok("_Resolved", input);
                    }
                    other => self.caused.push((self.rig.now, other)),
                }
            }
        }
        panic!("the questions never end");
    }

    /// Lets time pass, timer by timer, with an answer to each question.
    fn pass(&mut self, time: SignedDuration) {
        let end = self.rig.now.checked_add(time).unwrap();
        while let Some(due) = self.rig.service.next_due().filter(|due| *due <= end) {
            self.rig.pass(due.duration_since(self.rig.now));
            self.answer_questions();
        }
        self.rig.pass(end.duration_since(self.rig.now));
        self.answer_questions();
    }

    fn pass_days(&mut self, days: i64) {
        self.pass(SignedDuration::from_hours(24 * days));
    }

    fn record(&mut self, name: &str, kind: &str, values: &[&str]) {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        self.zone.insert((plain(name), kind.to_owned()), values);
    }

    fn request(&mut self, names: &[&str]) -> String {
        let input = json!({ "DomainName": names[0], "SubjectAlternativeNames": names, "ValidationMethod": "DNS" });
        self.ok("RequestCertificate", input)["CertificateArn"].as_str().unwrap().to_owned()
    }

    fn describe(&mut self, arn: &str) -> Value {
        self.ok("DescribeCertificate", json!({ "CertificateArn": arn }))["Certificate"].clone()
    }

    fn status(&mut self, arn: &str) -> String {
        self.describe(arn)["Status"].as_str().unwrap().to_owned()
    }

    /// Puts the validation records of a certificate into the zone.
    fn prove(&mut self, arn: &str) {
        for option in self.describe(arn)["DomainValidationOptions"].as_array().unwrap() {
            let record = &option["ResourceRecord"];
            self.record(record["Name"].as_str().unwrap(), "CNAME", &[record["Value"].as_str().unwrap()]);
        }
    }

    /// An issued certificate that a load balancer uses.
    fn issued(&mut self, names: &[&str]) -> String {
        let arn = self.request(names);
        self.prove(&arn);
        self.pass(SignedDuration::from_secs(10));
        assert_eq!(self.status(&arn), "ISSUED");
        self.ok("_InUse", json!({ "CertificateArn": arn, "By": "arn:aws:elb:front", "InUse": true }));
        self.caused.clear();
        arn
    }

    /// The events so far: moment, detail-type without `ACM Certificate`, and detail.
    fn events(&self) -> Vec<(Timestamp, String, Value)> {
        let event = |(at, effect): &(Timestamp, Effect)| match effect {
            Effect::Event { source, detail_type, detail, .. } => {
                assert_eq!(source, "aws.acm");
                Some((*at, detail_type.trim_start_matches("ACM Certificate ").to_owned(), detail.clone()))
            }
            _ => None,
        };
        self.caused.iter().filter_map(event).collect()
    }

    fn event_names(&self) -> Vec<String> {
        self.events().into_iter().map(|(_, name, _)| name).collect()
    }
}

#[test]
fn a_new_acm_has_nothing_and_does_nothing() {
    let mut bench = Bench::new();
    assert_eq!(bench.ok("ListCertificates", json!({})), json!({ "CertificateSummaryList": [] }));
    bench.pass_days(400);
    assert_eq!(bench.caused, Vec::new());
}
