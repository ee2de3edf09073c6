//! What is told of a run, and of what keeps runs from their end.

use super::super::testing::{about, finding, fleet, noon, place, quiet, report, run, service};
use super::super::{NotChecked, Waivers, check_service};
use super::*;

fn told(before: &[(&str, Grade)], now: &[(&str, Grade)]) -> Option<Notice> {
    let made = |all: &[(&str, Grade)], day| all.iter().map(|(name, grade)| finding(day, name, *grade)).collect();
    let before = report("r1", 1, made(before, 1), None);
    notice(&report("r2", 2, made(now, 2), Some(&before)), Some("https://s3.console.aws.amazon.com/r2"))
}

#[test]
fn nothing_changed_tells_nothing() {
    assert_eq!(told(&[("shop-api", Grade::Critical)], &[("shop-api", Grade::Critical)]), None);
    assert_eq!(told(&[], &[]), None);
}

#[test]
fn only_what_is_new_and_critical_wakes_anybody() {
    use Grade::{Critical, High, Low, Medium};
    for (before, now, expected) in [
        (&[][..], &[("shop-api", Critical)][..], Severity::Critical),
        (&[("shop-api", High)], &[("shop-api", Critical)], Severity::Critical),
        (&[], &[("shop-api", High)], Severity::Warning),
        (&[], &[("shop-api", Medium)], Severity::Warning),
        (&[], &[("shop-api", Low)], Severity::Info),
        (&[("shop-api", Critical)], &[], Severity::Info),
        (&[("shop-api", Critical)], &[("shop-api", High)], Severity::Info),
        (&[("shop-api", Critical)], &[("shop-api", Critical), ("shop-web", Low)], Severity::Info),
    ] {
        assert_eq!(told(before, now).unwrap().severity, expected, "{before:?} {now:?}");
    }
}

#[test]
fn a_first_run_is_told_and_wakes_nobody() {
    let first = report("r1", 1, vec![finding(1, "shop-api", Grade::Critical)], None);
    let notice = notice(&first, None).unwrap();
    assert_eq!((notice.severity, notice.todo.len(), notice.links.len()), (Severity::Info, 1, 0));
    assert_eq!(notice.headline, "audit of eu-west-1: the first report, 1 open");
}

#[test]
fn the_words_of_a_run_with_changes() {
    let notice = told(
        &[("shop-old", Grade::Low), ("shop-web", Grade::Low)],
        &[("shop-api", Grade::High), ("shop-web", Grade::Medium)],
    )
    .unwrap();
    assert_eq!(notice.headline, "audit of eu-west-1: 1 new, 1 worse, 1 gone; 2 open");
    assert_eq!(notice.happened, "Open now: 1 high, 1 medium.");
    let title = "The creation of a service failed";
    let expected = [
        "Looked at 0 services by 7 calls and changed nothing.".to_owned(),
        format!("New: shop-api: {title} (high)"),
        format!("Worse: shop-web: {title} (medium, was low)"),
        format!("Gone: shop-old: {title} (low)"),
    ];
    assert_eq!(notice.done, expected);
    assert!(notice.todo[0].command.as_deref().unwrap().contains("shop-api"));
    assert_eq!((notice.id.as_str(), notice.links.len()), ("audit/123456789012/eu-west-1/r2", 1));
}

#[test]
fn a_thousand_changes_make_a_notice_of_a_bounded_size() {
    let many = (0..1_000).map(|number| {
        let mut one = finding(2, "shop-api", Grade::High);
        one.id = format!("{number}");
        one.key = "k".repeat(9_000);
        one.fix.text = "f".repeat(9_000);
        one.fix.command = Some("c".repeat(9_000));
        one
    });
    let made = report("r2", 2, many.collect(), Some(&report("r1", 1, vec![], None)));
    let notice = notice(&made, None).unwrap();
    assert!(serde_json::to_string(&notice).unwrap().len() < 10_000);
    assert!(notice.done.contains(&"New: and 995 more".to_owned()));
    assert_eq!(notice.todo[0].command, None);
}

/// A report that could not check this of a service that is there.
fn blind(id: &str, whys: &[&str], previous: Option<&Report>) -> Report {
    let mut part = check_service(&fleet(1), &service("shop-api", &[]), &Waivers::default());
    let entry = |(number, why): (usize, &&str)| NotChecked {
        rule: super::super::all().nth(number).unwrap().id.to_owned(),
        why: (*why).to_owned(),
        resources: vec![about("shop-api")],
    };
    part.findings.clear();
    part.not_checked = whys.iter().enumerate().map(entry).collect();
    Report::assemble(run(id, 2), [part, quiet()], previous)
}

#[test]
fn what_can_be_checked_no_longer_is_told_once_as_a_warning_and_once_when_it_can_again() {
    let denied = "iam:GetRole is denied to arn:aws:sts::123456789012:assumed-role/audit/x";
    let sees = blind("r1", &[], None);
    let lost = blind("r2", &[denied, denied, "throttled"], Some(&sees));
    let told = notice(&lost, None).unwrap();
    assert_eq!((told.severity, told.todo.len()), (Severity::Warning, 2));
    assert_eq!(told.headline, "audit of eu-west-1: 3 no longer checked; 0 open");
    let third = super::super::all().nth(2).unwrap().id;
    let expected = [
        format!("No longer checked: 2 rules, 2 times: {denied}"),
        format!("No longer checked: {third}, once: throttled"),
    ];
    assert_eq!(told.done[1..], expected);
    assert_eq!(told.todo[0].text, format!("Let the audit look again: {denied}"));
    assert_eq!(notice(&blind("r3", &[denied, denied, "throttled"], Some(&lost)), None), None, "it was told");
    let again = notice(&blind("r3", &[], Some(&lost)), None).unwrap();
    assert_eq!((again.severity, again.todo.len()), (Severity::Info, 0));
    assert_eq!(again.headline, "audit of eu-west-1: 3 checked again; 0 open");
    let mut every = lost;
    every.sight.lost = vec![Unseen { rule: "*".to_owned(), why: denied.to_owned(), resources: 2 }];
    assert_eq!(notice(&every, None).unwrap().done[1], format!("No longer checked: every rule, 2 times: {denied}"));
    every.sight.lost = (0..9).map(|n| Unseen { rule: "*".to_owned(), why: format!("{n}"), resources: 1 }).collect();
    assert!(notice(&every, None).unwrap().done.contains(&"No longer checked: for 6 more reasons".to_owned()));
}

/// With a search of the list for each, this would take some five billion steps: no test run would wait for it.
#[test]
fn a_new_rule_for_every_service_of_a_large_fleet_is_told_at_once() {
    let one = finding(2, "shop-api", Grade::High);
    let mut made = report("r2", 2, vec![], Some(&report("r1", 1, vec![], None)));
    made.findings = (0..100_000).map(|number| Finding { id: format!("{number}"), ..one.clone() }).collect();
    made.changes.new = made.findings.iter().map(|finding| finding.id.clone()).collect();
    assert!(notice(&made, None).unwrap().done.contains(&"New: and 99995 more".to_owned()));
}

#[test]
fn what_keeps_a_run_from_its_end_is_told_once_for_each_run() {
    let at = noon(2);
    let first = given_up(&place(), "r1", noon(1), "it came to no end in 12 hours", at);
    assert_eq!(first.id, "audit/123456789012/eu-west-1/r1/given-up");
    assert!(first.happened.contains("began 2026-11-01 12:00 UTC is given up: it came to no end in 12 hours."));
    let hub = refused(&place(), "r1", &"x".repeat(9_000), at);
    assert_eq!((hub.severity, hub.id.as_str()), (Severity::Warning, "audit/123456789012/eu-west-1/r1/security-hub"));
    assert!(serde_json::to_string(&hub).unwrap().len() < 2_000);
}
