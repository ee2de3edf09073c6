//! Whether an audit found what was planted, where it was planted, and nothing else.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{EVERYWHERE, Fleet, PLANTED};

/// What a report lacks, and what it has too much. Both empty: it is right.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judged {
    /// `rule at resource: how it was planted`
    pub missing: Vec<String>,
    /// `rule at resource: what was seen`
    pub surplus: Vec<String>,
}

impl Fleet {
    /// Judges a report of the audit, as `latest.json` has it.
    pub fn judge(&self, report: &Value) -> Judged {
        let findings: Vec<&Value> = report["findings"].as_array().into_iter().flatten().collect();
        let mut explained = BTreeSet::new();
        let mut judged = Judged::default();
        for (rule, at, how) in PLANTED {
            let here = |finding: &Value| finding["rule"] == *rule && self.is_at(finding, at);
            let found: Vec<usize> = (0..findings.len()).filter(|n| here(findings[*n])).collect();
            if found.is_empty() {
                judged.missing.push(format!("{rule} at {at}: {how}"));
            }
            explained.extend(found);
        }
        for (n, finding) in findings.iter().enumerate() {
            let rule = finding["rule"].as_str().unwrap_or_default();
            if !explained.contains(&n) && !EVERYWHERE.contains(&rule) {
                let seen = finding["seen"].as_str().unwrap_or_default();
                judged.surplus.push(format!("{rule} at {}: {seen}", place(finding)));
            }
        }
        judged
    }

    fn is_at(&self, finding: &Value, at: &str) -> bool {
        let resource = &finding["resource"];
        match resource["type"].as_str() {
            Some("service") => resource["arn"] == self.resource(at),
            Some("account") => at == "account",
            // A record is named by its zone, its name and its type.
            _ => resource["id"]
                .as_str()
                .is_some_and(|id| id == self.resource(at) || id.split(' ').any(|part| part == at)),
        }
    }
}

/// What a finding is about, in a word.
pub fn place(finding: &Value) -> &str {
    let service = finding["service"].as_str();
    service.or_else(|| finding["resource"]["id"].as_str()).unwrap_or("account")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::fleet::Ground;

    fn fleet() -> Fleet {
        let named = |name: &str| (name.to_owned(), format!("arn:{name}"));
        let (mut services, mut others) = (BTreeMap::new(), BTreeMap::new());
        for (rule, at, _) in PLANTED.iter().filter(|(_, at, _)| *at != "account" && !at.contains('.')) {
            let other = rule.starts_with("egress") || (rule.starts_with("ingress") && !at.starts_with("depot"));
            let list = if other || *at == "forgotten" { &mut others } else { &mut services };
            list.extend([named(at)]);
        }
        Fleet { ground: Ground::default(), services, others }
    }

    /// A report that has what was planted.
    fn report(fleet: &Fleet) -> Value {
        let finding = |(rule, at, _): &crate::fleet::Planted| {
            let resource = match *at {
                "account" => json!({"type": "account"}),
                at if fleet.services.contains_key(at) => json!({"type": "service", "arn": fleet.resource(at)}),
                at if at.contains('.') => json!({"type": "other", "id": format!("Z1 {at} CNAME")}),
                at => json!({"type": "other", "id": fleet.resource(at)}),
            };
            json!({"rule": rule, "resource": resource, "seen": "so"})
        };
        json!({"findings": PLANTED.iter().map(finding).collect::<Vec<_>>()})
    }

    #[test]
    fn a_report_with_what_was_planted_is_right() {
        let fleet = fleet();
        assert_eq!(fleet.judge(&report(&fleet)), Judged::default());
    }

    #[test]
    fn what_lacks_and_what_is_too_much_is_named() {
        let fleet = fleet();
        let mut report = report(&fleet);
        let taken = report["findings"].as_array_mut().unwrap().remove(0);
        let wrong = json!({"rule": taken["rule"], "service": "search", "seen": "not here",
            "resource": {"type": "service", "arn": "arn:search"}});
        report["findings"].as_array_mut().unwrap().push(wrong);
        let judged = fleet.judge(&report);
        let (rule, at, how) = PLANTED[0];
        assert_eq!(judged.missing, [format!("{rule} at {at}: {how}")]);
        assert_eq!(judged.surplus, [format!("{rule} at search: not here")]);
    }
}
