use super::*;
use crate::dns::model::name;

fn at(days: f64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs_f64(days * 86_400.0)
}

/// A certificate of so many days, which ends on day 200.
fn of_life(days: f64) -> Served {
    Served {
        issuer: "Amazon RSA 2048 M02, Amazon".to_owned(),
        names: vec!["shop.example.com".to_owned(), "www.shop.example.com".to_owned()],
        serial: "0a".to_owned(),
        not_before: at(200.0 - days),
        not_after: at(200.0),
    }
}

fn usual() -> Served {
    of_life(198.0)
}

fn assess_at(memory: Option<&CertificateMemory>, served: &Served, now: f64) -> Assessment {
    assess(&name("shop.example.com"), true, memory, &Fact::Known(served.clone()), at(now))
}

/// All pages of a certificate that is looked at every six hours, as days left and what they say.
fn pages(served: &Served) -> Vec<(f64, Severity, Option<i64>)> {
    let mut memory = None;
    let mut pages = Vec::new();
    for quarter in 8..=840 {
        let now = f64::from(quarter) / 4.0;
        let assessment = assess_at(memory.as_ref(), served, now);
        memory = remember(memory.as_ref(), &Fact::Known(served.clone()), &assessment, at(now));
        pages.extend(assessment.page.map(|page| (200.0 - now, page.severity, page.days)));
    }
    pages
}

#[test]
fn a_certificate_of_198_days_is_late_at_40_and_paged_once_at_30_14_7_1_and_its_end() {
    use Severity::{Critical, Warning};
    let expected = [
        (40.0, Warning, Some(40)),
        (30.0, Warning, Some(30)),
        (14.0, Warning, Some(14)),
        (7.0, Critical, Some(7)),
        (1.0, Critical, Some(1)),
        (0.0, Critical, Some(0)),
    ];
    assert_eq!(pages(&of_life(200.0)), expected);
}

#[test]
fn a_shorter_life_is_late_at_a_fifth_of_it_and_paged_at_fewer_days_only() {
    let days = |life: f64| {
        let about_age = |(left, _, days): (f64, Severity, Option<i64>)| days.map(|_| left);
        pages(&of_life(life)).into_iter().filter_map(about_age).collect::<Vec<_>>()
    };
    assert_eq!(days(90.0), [18.0, 14.0, 7.0, 1.0, 0.0]);
    assert_eq!(days(30.0), [6.0, 1.0, 0.0]);
    assert_eq!(days(395.0)[0], 40.0);
}

#[test]
fn until_its_renewal_is_due_a_certificate_is_fresh() {
    let assessment = assess_at(None, &of_life(395.0), 159.0);
    let expected = Assessment { health: Health::Fresh, days_left: Some(41), renewed: false, page: None };
    assert_eq!(assessment, expected);
    assert_eq!(assess_at(None, &of_life(395.0), 160.0).health, Health::Late { due: at(160.0) });
}

#[test]
fn a_certificate_first_seen_late_is_paged_once_for_where_it_stands() {
    let first = assess_at(None, &usual(), 195.0);
    assert_eq!(first.page, Some(Page { severity: Severity::Critical, days: Some(7) }));
    let memory = remember(None, &Fact::Known(usual()), &first, at(195.0));
    assert_eq!(assess_at(memory.as_ref(), &usual(), 195.1).page, None);
}

#[test]
fn another_serial_is_a_renewal_and_forgets_the_pages_of_the_old_one() {
    let late = assess_at(None, &usual(), 195.0);
    let memory = remember(None, &Fact::Known(usual()), &late, at(195.0)).unwrap();
    let renewed = Served { serial: "0b".to_owned(), not_before: at(190.0), not_after: at(388.0), ..usual() };
    let assessment = assess_at(Some(&memory), &renewed, 195.2);
    assert_eq!((&assessment.health, assessment.renewed, assessment.page), (&Health::Fresh, true, None));
    let memory = remember(Some(&memory), &Fact::Known(renewed.clone()), &assessment, at(195.2)).unwrap();
    assert_eq!((memory.paged_days, memory.served.serial.as_str()), (None, "0b"));
    assert!(!assess_at(Some(&memory), &renewed, 195.3).renewed);
    assert!(assess_at(Some(&memory), &renewed, 350.0).page.is_some());
}

#[test]
fn two_certificates_that_are_shown_in_turn_are_renewed_once_and_paged_once_each() {
    let late = usual();
    let young = Served { serial: "0b".to_owned(), not_before: at(190.0), not_after: at(388.0), ..usual() };
    let mut memory = None;
    let (mut renewed, mut pages) = (0, Vec::new());
    for turn in 0..40 {
        let now = 195.0 + f64::from(turn) / 288.0;
        let served = if turn % 2 == 0 { &late } else { &young };
        let assessment = assess_at(memory.as_ref(), served, now);
        renewed += i32::from(assessment.renewed);
        pages.extend(assessment.page.map(|page| page.days));
        memory = remember(memory.as_ref(), &Fact::Known(served.clone()), &assessment, at(now));
    }
    assert_eq!((renewed, pages), (1, vec![Some(7)]));
}

#[test]
fn an_older_certificate_is_no_renewal() {
    let first = assess_at(None, &usual(), 10.0);
    let memory = remember(None, &Fact::Known(usual()), &first, at(10.0));
    for not_after in [199.0, 200.0] {
        let older = Served { serial: "0c".to_owned(), not_after: at(not_after), ..usual() };
        assert!(!assess_at(memory.as_ref(), &older, 11.0).renewed, "{not_after}");
    }
}

#[test]
fn many_certificates_in_turn_do_not_grow_the_memory() {
    let mut memory = None;
    for turn in 0..20 {
        let served = Served { serial: format!("{turn}"), ..usual() };
        let assessment = assess_at(memory.as_ref(), &served, 10.0);
        memory = remember(memory.as_ref(), &Fact::Known(served), &assessment, at(10.0));
    }
    assert_eq!(memory.unwrap().others.len(), OTHERS_MAX);
}

#[test]
fn an_expired_certificate_is_critical() {
    let assessment = assess_at(None, &usual(), 200.0);
    assert_eq!((assessment.health, assessment.days_left), (Health::Expired, Some(0)));
    assert_eq!(assessment.page, Some(Page { severity: Severity::Critical, days: Some(0) }));
    assert_eq!(assess_at(None, &usual(), 200.5).days_left, Some(-1));
}

#[test]
fn a_certificate_whose_time_has_not_begun_is_told_once() {
    let assessment = assess_at(None, &usual(), 1.0);
    assert_eq!(assessment.health, Health::NotYetValid);
    assert_eq!(assessment.page, Some(Page { severity: Severity::Critical, days: None }));
    let memory = remember(None, &Fact::Known(usual()), &assessment, at(1.0));
    assert_eq!(assess_at(memory.as_ref(), &usual(), 1.1).page, None);
}

#[test]
fn a_certificate_for_other_names_is_told_once_and_again_after_it_was_right() {
    let wrong = Served { names: vec!["*.awsapprunner.com".to_owned(), "shop.example.com".to_owned()], ..usual() };
    let assessment = assess_at(None, &wrong, 10.0);
    assert_eq!(assessment.health, Health::WrongNames { missing: vec![name("www.shop.example.com")] });
    assert_eq!(assessment.page.unwrap().severity, Severity::Critical);
    let seen = |memory: Option<&CertificateMemory>, served: &Served| {
        let assessment = assess_at(memory, served, 10.0);
        (assessment.page.is_some(), remember(memory, &Fact::Known(served.clone()), &assessment, at(10.0)))
    };
    let (paged, memory) = seen(None, &wrong);
    let (again, memory) = seen(memory.as_ref(), &wrong);
    let (right, memory) = seen(memory.as_ref(), &usual());
    let (after, _) = seen(memory.as_ref(), &wrong);
    assert_eq!([paged, again, right, after], [true, false, false, true]);
}

#[test]
fn the_wrong_names_of_a_certificate_do_not_hide_its_age() {
    let wrong = Served { names: vec![], ..usual() };
    let first = assess_at(None, &wrong, 195.0);
    let memory = remember(None, &Fact::Known(wrong.clone()), &first, at(195.0));
    assert_eq!(assess_at(memory.as_ref(), &wrong, 195.0).page.unwrap().days, Some(7));
}

#[test]
fn a_wildcard_covers_one_label_in_the_place_of_its_star_and_nothing_else() {
    let wild = Served { names: vec!["*.Example.com".to_owned()], ..usual() };
    for (at, covered) in
        [("shop.example.com", true), ("example.com", false), ("a.shop.example.com", false), ("*.example.com", true)]
    {
        assert_eq!(covers(&wild, &name(at)), covered, "{at}");
    }
    assert!(!covers(&Served { names: vec!["*.com".to_owned()], ..usual() }, &name("*.example.com")));
    assert!(!covers(&Served { names: vec!["*.com".to_owned()], ..usual() }, &name("*.com.example")));
}

#[test]
fn without_a_handshake_the_reason_is_kept_and_the_last_certificate_still_pages() {
    let dark = Fact::Unavailable("timed out".to_owned());
    let look = |memory: Option<&CertificateMemory>, now: f64| {
        let assessment = assess(&name("shop.example.com"), true, memory, &dark, at(now));
        let memory = remember(memory, &dark, &assessment, at(now));
        (assessment, memory)
    };
    let (never, memory) = look(None, 10.0);
    assert_eq!(never.health, Health::Unseen { why: "timed out".to_owned() });
    assert_eq!((never.page, never.days_left, memory), (None, None, None));
    let fresh = assess_at(None, &usual(), 10.0);
    let memory = remember(None, &Fact::Known(usual()), &fresh, at(10.0));
    let (_, memory) = look(memory.as_ref(), 20.0);
    let (late, memory) = look(memory.as_ref(), 165.0);
    assert_eq!(memory.as_ref().unwrap().blind_since, Some(at(20.0)));
    assert_eq!(late.page.unwrap().severity, Severity::Warning);
    let (again, memory) = look(memory.as_ref(), 166.0);
    assert_eq!(again.page, None);
    let back = assess_at(memory.as_ref(), &usual(), 166.0);
    assert_eq!(remember(memory.as_ref(), &Fact::Known(usual()), &back, at(166.0)).unwrap().blind_since, None);
}

#[test]
fn a_memory_that_was_written_before_reads_still() {
    let json = r#"{"served":{"issuer":"A","names":[],"serial":"0a","not_before":"2026-01-01T00:00:00Z","not_after":"2026-07-18T00:00:00Z"},"seen_at":"2026-01-01T00:00:00Z"}"#;
    let memory: CertificateMemory = serde_json::from_str(json).unwrap();
    assert_eq!((memory.paged_days, memory.troubled), (None, None));
}
