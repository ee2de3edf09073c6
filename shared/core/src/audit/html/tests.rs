//! What the page says of small reports. How it looks and what runs in it is tested in a browser: tests/audit_page.

use super::super::testing::{RULE, finding, report, run};
use super::super::{Finding, Fix, NotChecked, Part, Resource, Waived, WaivedBy};
use super::*;

fn shown(report: &Report) -> String {
    page(report, &Trend::default())
}

#[test]
fn an_empty_report_says_that_nothing_was_found_in_every_place() {
    let page = shown(&report("r1", 1, vec![], None));
    for text in
        ["<h1>Nothing found</h1>", "none before it", "needs two runs", "No finding is open.", "No finding is waived."]
    {
        assert!(page.contains(text), "{text}");
    }
}

#[test]
fn nothing_found_is_not_said_of_what_was_not_checked() {
    let not_checked =
        vec![NotChecked { rule: RULE.into(), why: "AccessDenied".into(), resources: vec![Resource::Account] }];
    let page = shown(&Report::assemble(run("r1", 1), [Part { not_checked, fleet: true, ..Part::default() }], None));
    assert!(page.contains("<h1>Nothing found in what could be checked</h1>"));
    assert!(page.contains("AccessDenied"));
}

#[test]
fn the_same_report_gives_the_same_page() {
    let one = report("r1", 1, vec![finding(1, "shop-api", Grade::High)], None);
    assert_eq!(shown(&one), shown(&one.clone()));
}

#[test]
fn every_text_from_outside_is_escaped() {
    const EVIL: &str = "</pre><script>alert(1)</script>\"'";
    let evil = || EVIL.to_owned();
    let waiver = Waived { by: WaivedBy::File, until: "2026-11-30".parse().unwrap(), reason: evil(), who: Some(evil()) };
    let open = Finding {
        resource: Resource::other(EVIL, EVIL),
        key: evil(),
        seen: evil(),
        fix: Fix { text: evil(), command: Some(evil()) },
        title: evil(),
        rule: evil(),
        id: evil(),
        ..finding(1, "shop-api", Grade::High)
    };
    let held = Finding { waiver: Some(waiver), id: "held".to_owned(), ..open.clone() };
    let not_checked = vec![NotChecked { rule: evil(), why: evil(), resources: vec![Resource::other(EVIL, EVIL)] }];
    let before = report(
        "r0",
        1,
        vec![Finding { id: "gone".to_owned(), resource: Resource::other("x", "y"), ..open.clone() }],
        None,
    );
    let part = Part { findings: vec![open, held], not_checked, fleet: true, ..Part::default() };
    let mut made = Report::assemble(run("r1", 1), [part], Some(&before));
    made.run = evil();
    made.place.account = evil();
    made.place.region = evil();
    let page = shown(&made);
    assert!(!page.contains("alert(1)</script>"));
    assert!(page.matches("&lt;script&gt;alert(1)").count() >= 12);
    assert_eq!(page.matches("<script").count(), 1, "our own");
}

#[test]
fn the_policy_names_the_hashes_of_what_the_page_holds() {
    let page = shown(&report("r1", 1, vec![], None));
    let between = |open: &str, close: &str| page.split_once(open).unwrap().1.split_once(close).unwrap().0.to_owned();
    assert_eq!(between("<script>", "</script>"), SCRIPT);
    assert_eq!(between("<style>", "</style>"), STYLE);
    let policy = between("Content-Security-Policy\" content=\"", "\"");
    assert!(policy.contains(&format!("script-src &#39;{}&#39;", fingerprint(SCRIPT))), "{policy}");
    // The hash of nothing, known from everywhere.
    assert_eq!(fingerprint(""), "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    assert!(!page.contains(" style=") && !page.contains(" onclick="), "the policy forbids both");
}

#[test]
fn what_the_page_leaves_out_is_said() {
    let many = (0..FINDINGS_MAX + 5).map(|number| Finding {
        id: format!("{number:05}"),
        resource: Resource::other("subnet", format!("subnet-{number}")),
        ..finding(1, "shop-api", Grade::Low)
    });
    let page = shown(&report("r1", 1, many.collect(), None));
    assert!(page.contains("Shown here: 4,000 of 4,005 open findings"));
    assert_eq!(page.matches("<article").count(), FINDINGS_MAX);
}

#[test]
fn a_finding_that_was_not_looked_for_says_so() {
    let stale = Finding { checked: false, ..finding(1, "shop-api", Grade::High) };
    assert!(shown(&report("r1", 1, vec![stale], None)).contains("Not checked this time"));
}
