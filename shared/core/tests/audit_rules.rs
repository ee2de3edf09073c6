//! What is published about the rules is what the code has: a table in docs/AUDIT.md, and the thresholds and quotas there.

#![expect(clippy::unwrap_used, reason = "a test, which clippy sees only where a function is marked as one")]

use std::path::PathBuf;

use pitcrew_core::audit::facts::Policy;
use pitcrew_core::audit::quotas::Quota;
use pitcrew_core::audit::{Group, TAG, Waivers, all};
use serde_json::Value;

#[path = "../examples/audit_rules/table.rs"]
mod table;

fn document(path: &str) -> String {
    std::fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)).unwrap()
}

fn page() -> String {
    document("docs/AUDIT.md")
}

/// The first block of code of this kind that holds this word.
fn block<'p>(page: &'p str, kind: &str, word: &str) -> &'p str {
    let open = format!("```{kind}\n");
    page.split(&open).skip(1).map(|rest| rest.split("```").next().unwrap()).find(|code| code.contains(word)).unwrap()
}

#[test]
fn the_published_rules_are_those_of_the_code() {
    let page = page();
    assert!(
        table::into(&page).unwrap() == page,
        "docs/AUDIT.md has other rules; if the change is meant: cargo run -p pitcrew-core --example audit_rules -- docs/AUDIT.md"
    );
    for rule in all() {
        assert_eq!(page.matches(&format!("\n| `{}` |", rule.id)).count(), 1, "{}", rule.id);
    }
}

#[test]
fn a_page_without_a_place_for_the_rules_is_refused() {
    assert_eq!(table::into("no place"), None);
    assert_eq!(table::into(table::BEGIN), None);
}

#[test]
fn the_published_waiver_file_is_one_and_names_rules() {
    let page = page();
    let waivers = Waivers::read(block(&page, "json", "waivers").as_bytes());
    assert_eq!(waivers.unreadable, None);
    assert!(waivers.waivers.len() >= 3);
    for entry in &waivers.waivers {
        let rule = all().find(|rule| rule.id == entry.rule);
        assert!(rule.is_some_and(|rule| rule.group != Group::Audit), "{}", entry.rule);
        assert!(entry.service.is_some() || entry.resource.is_some(), "{}", entry.rule);
        assert!(entry.until.parse::<jiff::civil::Date>().is_ok() && !entry.reason.is_empty(), "{}", entry.rule);
    }
}

#[test]
fn the_published_tag_names_a_rule_and_a_day() {
    let page = page();
    let tag = block(&page, "console", TAG).split_once(TAG).unwrap().1;
    let (rule, value) = tag.split_once(",Value=").unwrap();
    assert!(all().any(|known| known.id == rule), "{rule}");
    assert!(value.get(..10).unwrap().parse::<jiff::civil::Date>().is_ok(), "{value}");
}

/// What a reader copies must hold.
#[test]
fn every_waiver_that_a_document_shows_names_a_rule() {
    let mut seen = 0;
    for path in ["README.md", "cli/README.md", "functions/audit/README.md", "infra/README.md", "docs/AUDIT.md"] {
        let text = document(path);
        let after = text.split(TAG).skip(1).chain(text.split("\"rule\": \"").skip(1));
        let named = after.filter_map(|rest| rest.split(|c: char| !c.is_ascii_lowercase() && c != '-').next());
        // `pitcrew:waive:RULE` stands for every rule, and gives an empty word.
        for id in named.filter(|id| !id.is_empty()) {
            seen += 1;
            assert!(all().any(|rule| rule.id == id), "{path}: there is no rule `{id}`");
        }
    }
    assert!(seen >= 5, "{seen}");
}

#[test]
fn every_threshold_and_every_quota_is_published_with_its_default() {
    let page = page();
    let Value::Object(policy) = serde_json::to_value(Policy::default()).unwrap() else { panic!("no object") };
    for (name, default) in policy.iter().filter(|(_, default)| !default.is_object()) {
        let row = page.lines().find(|line| line.starts_with(&format!("| `{name}` |"))).unwrap_or_default();
        assert!(row.contains(&format!("| {default} |")) || row.contains(&format!("| `{default}` |")), "{name}: {row}");
    }
    for quota in Quota::ALL {
        let raised = if quota.adjustable() { "yes" } else { "no" };
        let row =
            format!("\n| `quotas.{}` | {} | {} | {raised} |\n", quota.name(), quota.title(), quota.default_limit());
        assert!(page.contains(&row), "docs/AUDIT.md misses {row}");
    }
}
