//! What the page says of small reports. How it looks and what runs in it is tested in a browser: tests/audit_page.

use super::super::testing::{RULE, arn, finding, noon, report, run};
use super::super::{
    Counts, Finding, Fix, NotChecked, Part, Resource, Selection, ServiceLine, TrendLine, Unseen, Waived, WaivedBy,
};
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

#[test]
fn the_headline_is_the_worst_that_is_open() {
    let of = |grades: &[Grade]| {
        let findings = grades.iter().enumerate().map(|(at, grade)| Finding {
            id: at.to_string(),
            key: at.to_string(),
            ..finding(1, "shop-api", *grade)
        });
        shown(&report("r1", 1, findings.collect(), None))
    };
    for (grades, headline) in [
        (&[Grade::Critical][..], "1 critical finding"),
        (&[Grade::Critical, Grade::Critical, Grade::High, Grade::Low], "2 critical findings, 1 high"),
        (&[Grade::High, Grade::Low], "Nothing critical, 1 high finding"),
        (&[Grade::Medium, Grade::Low], "Nothing critical or high, 2 lesser findings"),
        (&[Grade::Low], "Nothing critical or high, 1 lesser finding"),
    ] {
        assert!(of(grades).contains(&format!("<h1>{headline}</h1>")), "{headline}");
    }
}

/// Two services, one of them with a finding; the run before had the same, and one finding more.
fn followed() -> Report {
    let line = |name: &str| ServiceLine {
        name: name.to_owned(),
        arn: arn(name),
        status: "RUNNING".to_owned(),
        certificates: Vec::new(),
        counts: Counts::default(),
        waived: 0,
        unchecked: 0,
    };
    let part = |findings| {
        [Part { findings, services: vec![line("shop-api"), line("shop-web")], fleet: true, ..Part::default() }]
    };
    let gone = Finding { id: "gone".to_owned(), key: "gone".to_owned(), ..finding(1, "shop-api", Grade::High) };
    let kept = finding(1, "shop-api", Grade::Medium);
    let before = Report::assemble(run("r0", 1), part(vec![kept.clone(), gone]), None);
    Report::assemble(run("r1", 4), part(vec![kept]), Some(&before))
}

#[test]
fn a_part_of_a_report_is_never_taken_for_the_whole() {
    let trend = |report: &Report| {
        let mut trend = Trend::default();
        [TrendLine { run: "r0".to_owned(), at: noon(1), ..report.trend_line() }, report.trend_line()]
            .into_iter()
            .for_each(|line| trend.push(line));
        trend
    };
    let whole = page(&followed(), &trend(&followed()));
    assert!(!whole.contains("A part of") && whole.contains("as before") && whole.contains("<svg class=\"trend\""));
    let wanted = |grade, rules: &[&str]| Selection {
        grade,
        rules: rules.iter().map(|rule| (*rule).to_owned()).collect(),
        groups: Vec::new(),
    };
    let part = followed().narrowed(&wanted(Some(Grade::Critical), &[]));
    let part = page(&part, &trend(&part));
    assert!(part.contains("<h1>Nothing found of what was asked for</h1>"));
    assert!(part.contains("<b>A part of the report:</b> only what is critical or worse."));
    assert!(part.contains("none has such a finding") && part.contains("No such finding is open."));
    assert!(part.contains("A part of a report has no trend.") && !part.contains("as before"));
    let part = shown(&followed().narrowed(&wanted(Some(Grade::Low), &["<b>", RULE])));
    assert!(part.contains("report:</b> &lt;b&gt;, deployments-create-failed; only what is low or worse."));
    let of_one = followed().of_services(&[followed().services[0].arn.clone()]);
    assert!(shown(&of_one).contains(&format!("report:</b> {}. Nothing", of_one.services[0].arn.name())));
}

#[test]
fn the_lead_says_how_many_services_and_what_changed() {
    let first = shown(&report("r1", 1, vec![], None));
    assert!(first.contains("There is no earlier run to compare it with."));
    let page = shown(&followed());
    assert!(page.contains("1 of 2 services has open findings. Since the run before: 1 gone."));
}

#[test]
fn what_the_audit_lost_sight_of_and_what_it_sees_again_is_told_by_reason() {
    let unseen = |rule: &str, why: &str, resources| Unseen { rule: rule.into(), why: why.into(), resources };
    let mut made = report("r2", 2, vec![], Some(&report("r1", 1, vec![], None)));
    assert!(shown(&made).contains("Nothing, since the run before.") && shown(&made).contains("before: no change."));
    made.sight.lost = (0..7).map(|n| unseen(&format!("rule-{n}"), "iam:GetRole is <denied>", 100)).collect();
    made.sight.lost.push(unseen(RULE, "timeout", 1));
    made.sight.back = vec![unseen("*", "throttled", 2)];
    let page = shown(&made);
    assert!(!page.contains("Nothing, since the run before.") && !page.contains("no change."));
    assert!(page.contains("Since the run before: 701 no longer checked, 2 checked again."));
    assert!(page.contains("<h3>No longer checked <span class=\"n\">701</span></h3>"));
    assert!(page.contains("rule-4 and 2 other rules</b>, 700 times: iam:GetRole is &lt;denied&gt;</li>"));
    assert!(page.contains(&format!("<a href=\"#rule-{RULE}\">{RULE}</a></b>, 1 time: timeout</li>")));
    assert!(page.contains("<h3>Checked again <span class=\"n\">2</span></h3>"));
    assert!(page.contains("<b>Every rule</b>, 2 times: throttled</li>"));
}

#[test]
fn every_service_stands_in_the_bar_of_the_fleet_once() {
    let report = followed();
    let page = shown(&report);
    let bar = page.split_once("<svg class=\"fleet\"").unwrap().1.split_once("</svg>").unwrap().0;
    let widths = bar.split(" width=\"").skip(1).map(|rest| rest.split('"').next().unwrap().parse::<usize>().unwrap());
    assert_eq!(widths.sum::<usize>(), report.services.len());
    assert!(bar.contains("f-medium") && !bar.contains("f-high"), "{bar}");
}

#[test]
fn a_finding_says_for_how_long_it_is_known() {
    let page = shown(&followed());
    assert!(page.contains(", 3 days ago</p>"), "first seen on the first, and this is the fourth");
    assert!(!shown(&report("r1", 1, vec![finding(1, "shop-api", Grade::High)], None)).contains(" ago</p>"));
}

#[test]
fn rules_are_told_by_their_worst_finding_and_then_by_how_many() {
    let one = |id: &str, rule: &str, grade| Finding {
        id: id.to_owned(),
        key: id.to_owned(),
        rule: rule.to_owned(),
        ..finding(1, "shop-api", grade)
    };
    let all = vec![
        one("1", "few", Grade::Low),
        one("2", "many", Grade::Low),
        one("3", "many", Grade::Low),
        one("4", "many", Grade::Low),
        one("5", "bad", Grade::Low),
        one("6", "bad", Grade::High),
    ];
    let page = shown(&report("r1", 1, all, None));
    let order = |rule: &str| page.find(&format!("data-find=\"{rule}\"")).unwrap();
    assert!(order("bad") < order("many") && order("many") < order("few"));
}

#[test]
fn a_waived_finding_of_a_rule_is_not_told_as_open() {
    let waived =
        Waived { by: WaivedBy::Tag, until: "2026-11-30".parse().unwrap(), reason: "because".into(), who: None };
    let held = Finding { waiver: Some(waived), ..finding(1, "shop-api", Grade::High) };
    let page = shown(&report("r1", 1, vec![held], None));
    assert!(page.contains("”. 1 waived.</small>"));
    assert!(!page.contains("data-find="));
}

#[test]
fn two_runs_are_two_bars_at_the_right_and_not_two_walls() {
    let (mut trend, report) = (Trend::default(), followed());
    for (run, day) in [("r0", 1), ("r1", 4)] {
        trend.push(TrendLine { run: run.to_owned(), at: noon(day), ..report.trend_line() });
    }
    let page = page(&report, &trend);
    assert_eq!(page.matches("width=\"40.00\"").count(), 2, "a twelfth of the drawing less its gaps");
    assert!(page.contains(" x=\"555.00\""), "the newest stands at the right");
}
