//! What holds for every rule.

use std::collections::BTreeSet;

use super::super::all;
use super::super::samples::{fleet, look, service};

#[test]
fn no_rule_finds_anything_in_the_sample_and_every_rule_checks_it() {
    let mut fleet = fleet();
    fleet.policy.express = false;
    for rule in all() {
        let findings = look(rule.id, &fleet, &service("shop-api"));
        assert_eq!(findings.found, [], "{}", rule.id);
        assert_eq!(findings.unchecked, [], "{}", rule.id);
    }
}

#[test]
fn an_id_is_the_rules_own_and_begins_with_its_group() {
    let mut seen = BTreeSet::new();
    for rule in all() {
        assert!(seen.insert(rule.id), "{} stands twice", rule.id);
        let group = format!("{:?}-", rule.group).to_ascii_lowercase();
        assert!(rule.id.starts_with(&group), "{} is of {:?}", rule.id, rule.group);
        assert!(rule.id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'));
    }
}
