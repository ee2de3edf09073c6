//! Parts become a report; reports are compared.

use super::super::engine::Tagged;
use super::super::testing::*;
use super::super::waiver::{MALFORMED, Waived, WaivedBy};
use super::super::{RUNS_MAX, Regraded, Trend, Waivers, check_fleet, check_service};
use super::*;
use crate::fact::Fact;

fn waived(until: &str, by: WaivedBy) -> Option<Waived> {
    Some(Waived { by, until: until.parse().unwrap(), reason: "because".to_owned(), who: None })
}

fn not_checked(rule: &str, resource: Resource) -> NotChecked {
    NotChecked { rule: rule.to_owned(), why: "AccessDenied".to_owned(), resources: vec![resource] }
}

/// A report of findings and of what could not be checked.
fn partly(id: &str, day: i64, findings: Vec<Finding>, unchecked: Vec<NotChecked>, previous: &Report) -> Report {
    Report::assemble(run(id, day), [Part { findings, not_checked: unchecked, ..quiet() }], Some(previous))
}

#[test]
fn nothing_changed_says_so() {
    let before = report("r1", 1, vec![finding(1, "shop-api", Grade::High)], None);
    let now = report("r2", 2, vec![finding(2, "shop-api", Grade::High)], Some(&before));
    assert!(before.changes.is_empty() && now.changes.is_empty());
    assert_eq!((before.previous.as_deref(), now.previous.as_deref()), (None, Some("r1")));
    assert_eq!(now.findings[0].first_seen, noon(1));
}

#[test]
fn new_gone_worse_and_better() {
    let shops = ["shop-one", "shop-two", "shop-six"];
    let before = report("r1", 1, shops.map(|name| finding(1, name, Grade::Medium)).into(), None);
    let now = vec![
        finding(2, "shop-one", Grade::High),
        finding(2, "shop-two", Grade::Low),
        finding(2, "shop-new", Grade::Critical),
    ];
    let now = report("r2", 2, now, Some(&before));
    let id = |name: &str| finding(1, name, Grade::Low).id;
    let regraded = |name: &str| Regraded { id: id(name), before: Grade::Medium };
    assert_eq!(now.changes.new, [id("shop-new")]);
    assert_eq!(now.changes.worse, [regraded("shop-one")]);
    assert_eq!(now.changes.better, [regraded("shop-two")]);
    assert_eq!(now.changes.gone.iter().map(|gone| gone.id.clone()).collect::<Vec<_>>(), [id("shop-six")]);
    assert_eq!(now.counts, Counts { critical: 1, high: 1, medium: 0, low: 1 });
    assert_eq!(
        now.findings.iter().map(|one| one.grade).collect::<Vec<_>>(),
        [Grade::Critical, Grade::High, Grade::Low]
    );
}

#[test]
fn a_run_whose_clock_was_ahead_says_nothing_was_seen_first_tomorrow() {
    let ahead = report("r1", 9, vec![finding(9, "shop-api", Grade::High), finding(9, "shop-web", Grade::Low)], None);
    let unchecked = not_checked(RULE, about("shop-web"));
    let now = partly("r2", 2, vec![finding(2, "shop-api", Grade::High)], vec![unchecked], &ahead);
    assert!(now.changes.is_empty(), "it is the same all the same");
    let seen: Vec<_> = now.findings.iter().map(|one| (one.first_seen, one.checked)).collect();
    assert_eq!(seen, [(noon(2), true), (noon(2), false)]);
}

#[test]
fn what_could_not_be_checked_is_never_gone() {
    let found = finding(1, "shop-api", Grade::High);
    let before = report("r1", 1, vec![found.clone()], None);
    for unchecked in [
        not_checked(RULE, about("shop-api")),
        not_checked("*", about("shop-api")),
        not_checked(RULE, Resource::Account),
    ] {
        let now = partly("r2", 2, vec![], vec![unchecked.clone()], &before);
        assert!(now.changes.is_empty(), "{unchecked:?}");
        assert_eq!(now.findings, [Finding { checked: false, ..found.clone() }]);
        assert_eq!((now.counts.high, now.unchecked), (1, 1));
        // The third run sees it again: it was open all the time.
        let again = report("r3", 3, vec![finding(3, "shop-api", Grade::High)], Some(&now));
        assert!(again.changes.is_empty());
        assert_eq!((again.findings[0].first_seen, again.findings[0].checked), (noon(1), true));
    }
    for unchecked in [not_checked("other-rule", about("shop-api")), not_checked(RULE, about("shop-web"))] {
        assert_eq!(partly("r2", 2, vec![], vec![unchecked], &before).changes.gone.len(), 1);
    }
}

#[test]
fn a_waiver_that_comes_and_one_that_goes() {
    let open = finding(1, "shop-api", Grade::High);
    let held = Finding { waiver: waived("2026-11-30", WaivedBy::File), ..open.clone() };
    let before = report("r1", 1, vec![open.clone()], None);
    let now = report("r2", 2, vec![held.clone()], Some(&before));
    assert_eq!(now.changes.waived, std::slice::from_ref(&open.id));
    assert_eq!((now.counts.total(), now.waived), (0, 1));
    let then = report("r3", 3, vec![open.clone()], Some(&now));
    assert_eq!(then.changes.reopened, std::slice::from_ref(&open.id));
    // One that was waived before it was seen is no change.
    assert!(report("r2", 2, vec![held], Some(&report("r1", 1, vec![], None))).changes.is_empty());
}

#[test]
fn a_waiver_by_tag_outlives_a_run_that_could_not_read_the_tags_but_not_its_day() {
    let open = finding(1, "shop-api", Grade::High);
    let before = |by| report("r1", 1, vec![Finding { waiver: waived("2026-11-03", by), ..open.clone() }], None);
    let unread = || vec![not_checked(MALFORMED, about("shop-api"))];
    let open_on =
        |day, by, unchecked| partly("r2", day, vec![open.clone()], unchecked, &before(by)).counts.total() == 1;
    assert!(!open_on(3, WaivedBy::Tag, unread()));
    assert!(open_on(4, WaivedBy::Tag, unread()));
    assert!(open_on(3, WaivedBy::Tag, vec![]), "the tags were read, and the waiver was not among them");
    assert!(open_on(3, WaivedBy::File, unread()), "the file was read");
}

#[test]
fn a_waiver_of_a_finding_that_was_not_checked_ends_with_its_day() {
    let held = Finding { waiver: waived("2026-11-02", WaivedBy::File), ..finding(1, "shop-api", Grade::High) };
    let before = report("r1", 1, vec![held], None);
    let unchecked = || vec![not_checked(RULE, about("shop-api"))];
    assert_eq!(partly("r2", 2, vec![], unchecked(), &before).waived, 1);
    assert_eq!(partly("r3", 3, vec![], unchecked(), &before).changes.reopened.len(), 1);
}

#[test]
fn a_report_of_another_form_place_or_of_the_same_run_is_no_measure() {
    let found = || vec![finding(1, "shop-api", Grade::High)];
    let before = report("r1", 1, vec![], None);
    let mut elsewhere = before.clone();
    elsewhere.place.region = "us-east-1".to_owned();
    let older = Report { format: 0, ..before.clone() };
    let same = Report { run: "r2".to_owned(), ..before.clone() };
    for previous in [elsewhere, older, same] {
        let now = report("r2", 2, found(), Some(&previous));
        assert_eq!((now.previous, now.changes.is_empty()), (None, true));
    }
    assert_eq!(report("r2", 2, found(), Some(&before)).changes.new.len(), 1);
}

#[test]
fn a_service_that_was_not_reached_and_a_fleet_that_was_not_looked_at_are_not_checked() {
    let mut asked = run("r1", 1);
    asked.listed = vec![arn("shop-api"), arn("shop-web"), arn("shop-old"), arn("shop-bad")];
    let parts = [
        check_service(&fleet(1), &service("shop-api", &[]), &Waivers::default()),
        Part::left_out(arn("shop-old")),
        Part::unread(arn("shop-bad"), "AccessDenied"),
    ];
    let made = Report::assemble(asked, parts, None);
    assert_eq!((made.audited, made.left_out), (1, 1));
    let whys: Vec<(&str, &str)> = made
        .not_checked
        .iter()
        .filter(|entry| entry.rule == "*")
        .map(|entry| (entry.why.as_str(), entry.resources[0].name()))
        .collect();
    assert_eq!(whys, [("AccessDenied", "shop-bad"), ("the run ended before it was looked at", "shop-web")]);
    let fleets = rule::all().filter(|rule| matches!(rule.check, Check::Fleet(_))).count();
    let said = made.not_checked.iter().filter(|entry| entry.resources == [Resource::Account]).count();
    assert_eq!(said, fleets);
}

#[test]
fn what_the_fleets_rules_find_about_a_service_is_waived_by_its_tags_and_counted_on_its_line() {
    let key = format!("pitcrew:waive:{RULE}");
    let tagged = check_service(&fleet(1), &service("shop-api", &[(&key, "2026-11-30 leaving")]), &Waivers::default());
    let tag: &Tagged = &tagged.tagged[0];
    assert_eq!((tag.rule.as_str(), tag.service.name()), (RULE, "shop-api"));
    let fleets = Part { findings: vec![finding(1, "shop-api", Grade::High)], ..quiet() };
    let part = Part { findings: vec![], ..tagged };
    let made = Report::assemble(run("r1", 1), [fleets, part], None);
    assert_eq!((made.waived, made.counts.total()), (1, 0));
    assert_eq!((made.services[0].waived, made.services[0].counts.total()), (1, 0));
}

#[test]
fn a_step_that_was_run_twice_counts_once() {
    let step = || check_service(&fleet(1), &service("shop-api", &[("pitcrew:waive:x", "")]), &Waivers::default());
    let once = Report::assemble(run("r1", 1), [quiet(), step()], None);
    assert_eq!(Report::assemble(run("r1", 1), [quiet(), step(), step()], None), once);
}

#[test]
fn the_order_of_the_parts_does_not_matter() {
    let part = |name: &str| {
        let mut facts = service(name, &[]);
        facts.tags = Fact::Unavailable("AccessDenied".to_owned());
        check_service(&fleet(1), &facts, &Waivers::default())
    };
    let fleets = || check_fleet(&fleet(1), &Waivers::default());
    let one = Report::assemble(run("r1", 1), [fleets(), part("shop-api"), part("shop-web")], None);
    let other = Report::assemble(run("r1", 1), [part("shop-web"), part("shop-api"), fleets()], None);
    assert_eq!(one, other);
    let tags = one.not_checked.iter().find(|entry| entry.rule == MALFORMED).unwrap();
    assert_eq!(tags.resources.len(), 2, "one entry for one reason");
    assert_eq!(one.services.iter().map(|line| line.counts.high).collect::<Vec<_>>(), [1, 1]);
    assert!(one.services.iter().all(|line| line.unchecked >= 2));
}

#[test]
fn a_report_is_the_same_after_it_was_stored() {
    let held = Finding { waiver: waived("2026-11-30", WaivedBy::Tag), ..finding(1, "shop-web", Grade::Low) };
    let before = report("r1", 1, vec![finding(1, "shop-old", Grade::Low)], None);
    let made = report("r2", 2, vec![finding(1, "shop-api", Grade::High), held], Some(&before));
    let back: Report = serde_json::from_str(&serde_json::to_string(&made).unwrap()).unwrap();
    assert_eq!(back, made);
}

#[test]
fn the_trend_is_bounded_in_order_and_takes_a_run_once() {
    let mut trend = Trend::default();
    for day in 0..500 {
        let line = report(&format!("r{day}"), day, vec![finding(1, "shop-api", Grade::High)], None).trend_line();
        trend.push(line.clone());
        trend.push(line);
    }
    assert_eq!(trend.runs.len(), RUNS_MAX);
    assert_eq!((trend.runs[0].run.as_str(), trend.runs[RUNS_MAX - 1].run.as_str()), ("r100", "r499"));
    trend.push(report("r50", 50, vec![], None).trend_line());
    assert_eq!((trend.runs.len(), trend.runs[0].run.as_str()), (RUNS_MAX, "r100"), "older than all that are kept");
}
