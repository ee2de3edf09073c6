//! What is published about reports is what the code makes: the sample, and the schema; and a page stays of a bounded size.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test, which clippy sees only where a function is marked as one"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use pitcrew_core::audit::{FORMAT, Grade, Narrowed, Trend, Unseen, Waived, WaivedBy, html};
use serde_json::Value;

#[path = "../examples/audit_page/sample.rs"]
mod sample;

/// What a browser on a phone opens without trouble.
const PAGE_BYTES_MAX: usize = 6_000_000;

fn published(name: &str) -> Value {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn the_page_of_ten_thousand_services_stays_bounded() {
    let page = html::page(&sample::large(10_000), &Trend::default());
    assert!(page.len() < PAGE_BYTES_MAX, "{} bytes", page.len());
    let shown = page.matches("<article").count();
    assert!((500..4_000).contains(&shown), "{shown}: their texts are long, so fewer are shown than may be");
    assert!(page.contains(" of 20,000 open findings, the worst of them"));
    assert!(page.contains("Shown here: 200 of 10,000 services with something to say"));
}

#[test]
fn the_page_of_three_hundred_services_shows_thousands_of_findings() {
    let report = sample::fleet(300);
    let page = html::page(&report, &Trend::default());
    let found = report.findings.len();
    assert!(found > 4_000, "{found}");
    assert!(page.len() < PAGE_BYTES_MAX, "{} bytes", page.len());
    assert_eq!(page.matches("<article").count(), 4_000);
}

#[test]
fn names_that_try_to_run_are_text() {
    let report = sample::report(sample::HOSTILE);
    let page = html::page(&report, &sample::trend(&report));
    assert!(!page.contains("<img"));
    assert!(page.contains("&lt;img src=x onerror="));
}

#[test]
fn the_published_sample_is_what_the_code_makes() {
    let made = serde_json::to_value(sample::report(sample::TAME)).unwrap();
    assert!(
        published("audit.sample.json") == made,
        "docs/audit.sample.json is another report; if the change is meant: \
         cargo run -p pitcrew-core --example audit_page -- /tmp/audit.html docs/audit.sample.json"
    );
}

/// A report in which nothing that may be absent is absent.
fn full() -> Value {
    let mut report = sample::report(sample::TAME);
    let who = Some("the owner".to_owned());
    let until = "2026-12-31".parse().unwrap();
    report.findings[0].waiver = Some(Waived { by: WaivedBy::File, until, reason: "because".to_owned(), who });
    let better = report.changes.worse.clone();
    report.changes.better = better;
    report.changes.reopened = report.changes.new.clone();
    let service = report.services[0].arn.clone();
    let group = report.rules[0].group;
    let (services, rules, groups) = (vec![service], vec!["a-rule".to_owned()], vec![group]);
    report.narrowed = Some(Narrowed { services, rules, groups, grade: Some(Grade::High) });
    report.sight.lost = vec![Unseen { rule: "*".to_owned(), why: "no".to_owned(), resources: 1 }];
    report.sight.back = report.sight.lost.clone();
    serde_json::to_value(report).unwrap()
}

/// The names of the fields of every object of the report, by the definition of the schema that describes it.
fn walk(value: &Value, schema: &Value, root: &Value, at: &str, seen: &mut BTreeMap<String, BTreeSet<String>>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.strip_prefix("#/$defs/").unwrap();
        return walk(value, &root["$defs"][name], root, name, seen);
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| walk(item, &schema["items"], root, at, seen)),
        Value::Object(fields) => {
            for (name, field) in fields {
                seen.entry(at.to_owned()).or_default().insert(name.clone());
                assert!(schema["properties"][name].is_object(), "{at}: the schema does not know {name}");
                walk(field, &schema["properties"][name], root, &format!("{at}.{name}"), seen);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn the_schema_has_every_field_of_a_report_and_no_other() {
    let schema = published("audit.schema.json");
    let mut seen = BTreeMap::new();
    walk(&full(), &schema, &schema, "report", &mut seen);
    let fields =
        |object: &Value| object["properties"].as_object().unwrap().keys().cloned().collect::<BTreeSet<String>>();
    assert_eq!(seen.remove("report").unwrap(), fields(&schema));
    for (name, definition) in schema["$defs"].as_object().unwrap() {
        if definition["properties"].is_object() {
            assert_eq!(seen.remove(name).unwrap_or_default(), fields(definition), "{name}");
        }
    }
    assert!(seen.is_empty(), "objects that no definition describes: {seen:?}");
    assert_eq!(schema["properties"]["format"]["const"], FORMAT);
}

#[test]
fn the_schema_requires_what_every_report_has() {
    let schema = published("audit.schema.json");
    let bare = serde_json::to_value(sample::large(1)).unwrap();
    let required: BTreeSet<&str> = schema["required"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let fields: BTreeSet<&str> = bare.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        required, fields,
        "a first report has no `previous`, a whole one no `narrowed`, and nothing else may be absent"
    );
}
