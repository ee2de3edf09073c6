//! What holds for every rule.

use std::collections::BTreeSet;
use std::path::Path;

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

#[test]
fn every_chapter_is_of_a_work_that_a_reader_can_find() {
    let works = [
        "App Runner developer guide",
        "Enabling VPC access for outgoing traffic",
        "Deep Dive on AWS App Runner Private Services",
        "Observability for AWS App Runner VPC networking",
        "AWS Certificate Manager user guide",
        "Amazon ECR user guide",
    ];
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for rule in all() {
        let (work, heading) = (rule.chapter.work, rule.chapter.heading);
        if let Some(document) = work.strip_suffix(" of pitcrew") {
            let text = std::fs::read_to_string(root.join(document)).unwrap();
            assert!(text.lines().any(|line| line == format!("## {heading}")), "{document} has no chapter {heading}");
        } else {
            assert!(works.contains(&work), "{}: {work}", rule.id);
            let numbered = heading.starts_with(|first: char| first.is_ascii_digit()) && !heading.starts_with("Step");
            assert!(!numbered, "{}: {heading}", rule.id);
        }
    }
}
