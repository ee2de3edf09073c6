//! What Security Hub is told of open, waived and gone findings.

use super::super::testing::{RULE, about, finding, noon, report};
use super::super::{Before, Fix, Waived, WaivedBy};
use super::*;

const PAGE: &str = "https://s3.console.aws.amazon.com/page";

fn bodies(report: &Report, since: &Since, wanted: Call) -> Vec<Value> {
    let of = requests(report, since, Some(PAGE), 0).filter(|request| request.call == wanted);
    of.map(|request| serde_json::from_str(&request.body).unwrap()).collect()
}

fn all(report: &Report) -> Vec<Value> {
    let bodies = bodies(report, &Since::previous(report), Call::Import);
    bodies.iter().flat_map(|body| body["Findings"].as_array().unwrap().clone()).collect()
}

fn updates(report: &Report) -> Vec<Value> {
    bodies(report, &Since::previous(report), Call::Update)
}

fn waiver() -> Option<Waived> {
    let until = "2026-11-30".parse().unwrap();
    Some(Waived { by: WaivedBy::File, until, reason: "because".to_owned(), who: None })
}

/// The ids whose workflow is set, each with its status.
fn workflows(report: &Report, since: &Since) -> Vec<(String, String)> {
    let bodies = bodies(report, since, Call::Update);
    let of = |body: &Value| {
        let status = body["Workflow"]["Status"].as_str().unwrap().to_owned();
        let ids = body["FindingIdentifiers"].as_array().unwrap().clone();
        ids.into_iter().map(move |id| (id["Id"].as_str().unwrap().to_owned(), status.clone())).collect::<Vec<_>>()
    };
    bodies.iter().flat_map(of).collect()
}

#[test]
fn an_open_finding_has_what_the_format_requires() {
    let made = report("r1", 2, vec![finding(2, "shop-api", Grade::High)], None);
    let one = &all(&made)[0];
    let id = format!("arn:aws:pitcrew:eu-west-1:123456789012:finding/{}", made.findings[0].id);
    assert_eq!(one["Id"], json!(id));
    assert_eq!(one["ProductArn"], "arn:aws:securityhub:eu-west-1:123456789012:product/123456789012/default");
    assert_eq!(one["SchemaVersion"], "2018-10-08");
    assert_eq!(one["GeneratorId"], json!(format!("pitcrew/{RULE}")));
    assert_eq!(one["Title"], "shop-api: The creation of a service failed");
    assert_eq!(one["FindingProviderFields"]["Severity"]["Label"], "HIGH");
    assert_eq!(
        (&one["RecordState"], &one["Compliance"]["Status"], &one["Workflow"]["Status"]),
        (&json!("ACTIVE"), &json!("FAILED"), &json!("NEW"))
    );
    assert_eq!(one["CreatedAt"], "2026-11-02T12:00:00.000Z");
    assert_eq!(one["Resources"][0]["Type"], "Other");
    assert_eq!(one["Resources"][0]["Id"], json!(about("shop-api").id()));
    let advice = one["Remediation"]["Recommendation"]["Text"].as_str().unwrap();
    assert!(advice.contains("aws --region eu-west-1 apprunner delete-service"), "{advice}");
    assert_eq!(one["Remediation"]["Recommendation"]["Url"], PAGE);
    assert!(updates(&made).is_empty());
}

#[test]
fn the_time_of_creation_is_that_of_the_first_run_that_saw_it() {
    let before = report("r1", 1, vec![finding(1, "shop-api", Grade::High)], None);
    let now = all(&report("r2", 9, vec![finding(9, "shop-api", Grade::High)], Some(&before)));
    assert_eq!(now[0]["CreatedAt"], json!(time(noon(1))));
    assert_eq!(now[0]["FirstObservedAt"], json!(time(noon(1))));
    assert_eq!(now[0]["UpdatedAt"], json!(time(noon(9))));
    assert_eq!(now[0]["Id"], all(&before)[0]["Id"]);
}

#[test]
fn what_is_gone_is_archived_and_resolved() {
    let before = report("r1", 1, vec![finding(1, "shop-api", Grade::High)], None);
    let now = report("r2", 2, vec![], Some(&before));
    let told = all(&now);
    assert_eq!((&told[0]["RecordState"], &told[0]["Compliance"]["Status"]), (&json!("ARCHIVED"), &json!("PASSED")));
    let identifiers = json!([{"Id": all(&before)[0]["Id"], "ProductArn": product(&now)}]);
    assert_eq!(updates(&now), [json!({"FindingIdentifiers": identifiers, "Workflow": {"Status": "RESOLVED"}})]);
}

#[test]
fn what_is_waived_is_suppressed_and_what_is_open_again_is_new() {
    let open = finding(1, "shop-api", Grade::High);
    let held = Finding { waiver: waiver(), ..open.clone() };
    let before = report("r1", 1, vec![open.clone()], None);
    let now = report("r2", 2, vec![held], Some(&before));
    assert_eq!(
        (&all(&now)[0]["Workflow"]["Status"], &all(&now)[0]["RecordState"]),
        (&json!("SUPPRESSED"), &json!("ACTIVE"))
    );
    assert_eq!(all(&now)[0]["Note"]["Text"], "Waived until 2026-11-30: because");
    assert_eq!(updates(&now)[0]["Workflow"]["Status"], "SUPPRESSED");
    assert!(updates(&report("r3", 3, vec![now.findings[0].clone()], Some(&now))).is_empty(), "it was told");
    let then = report("r3", 3, vec![open], Some(&now));
    assert_eq!(updates(&then)[0]["Workflow"]["Status"], "NEW");
}

#[test]
fn what_was_not_checked_stays_active_and_was_not_observed_now() {
    let stale = Finding { checked: false, ..finding(1, "shop-api", Grade::High) };
    let told = &all(&report("r1", 1, vec![stale], None))[0];
    assert_eq!(told["RecordState"], "ACTIVE");
    assert!(told.get("LastObservedAt").is_none());
    assert_eq!(told["ProductFields"]["pitcrew/checked"], "false");
}

#[test]
fn texts_keep_the_limits_by_characters_and_no_command_is_cut() {
    let long = "é".repeat(5_000);
    let one = Finding {
        title: long.clone(),
        seen: long.clone(),
        key: long.clone(),
        resource: Resource::other(&long, long.clone()),
        fix: Fix { text: "Mend it.".to_owned(), command: Some("x".repeat(505)) },
        ..finding(1, "shop-api", Grade::Low)
    };
    let told = &all(&report("r1", 1, vec![one], None))[0];
    let chars = |value: &Value| value.as_str().unwrap().chars().count();
    assert_eq!((chars(&told["Title"]), chars(&told["Description"])), (256, 1_024));
    assert_eq!(told["Remediation"]["Recommendation"]["Text"], "Mend it.");
    assert_eq!(chars(&told["Resources"][0]["Id"]), 512);
    assert!(chars(&told["Resources"][0]["Details"]["Other"]["Name"]) < 1_024);
    assert!(told.to_string().len() < 240_000, "the largest finding that is taken");
}

#[test]
fn no_text_is_empty() {
    let mut bare = finding(1, "shop-api", Grade::Low);
    bare.seen = String::new();
    bare.fix = Fix { text: String::new(), command: None };
    bare.resource = Resource::other("", "");
    let told = &all(&report("r1", 1, vec![bare], None))[0];
    for text in [&told["Description"], &told["Remediation"]["Recommendation"]["Text"], &told["Resources"][0]["Id"]] {
        assert_ne!(text, "");
    }
}

#[test]
fn what_comes_back_waived_is_suppressed_again() {
    let empty = report("r1", 1, vec![], None);
    let back = report("r2", 2, vec![Finding { waiver: waiver(), ..finding(2, "shop-api", Grade::High) }], Some(&empty));
    assert!(back.changes.is_empty(), "it was decided before it came");
    let told = updates(&back);
    assert_eq!((told.len(), &told[0]["Workflow"]["Status"]), (1, &json!("SUPPRESSED")));
    assert_eq!(told[0]["FindingIdentifiers"][0]["Id"], all(&back)[0]["Id"]);
}

#[test]
fn what_went_in_a_report_that_was_never_sent_is_archived_with_the_next() {
    let shops = |names: &[&str], day| names.iter().map(|name| finding(day, name, Grade::High)).collect();
    let sent = report("r1", 1, shops(&["shop-api", "shop-web", "shop-old"], 1), None);
    let unsent = report("r2", 2, shops(&["shop-api", "shop-new"], 2), Some(&sent));
    let held = Finding { waiver: waiver(), ..finding(3, "shop-web", Grade::High) };
    let now = report("r3", 3, [shops(&["shop-api"], 3), vec![held]].concat(), Some(&unsent));
    let ids = now.findings.iter().map(|finding| finding.id.clone()).collect();
    let before = |report: &Report| Before::of(report, &ids);
    let arn_of = |name: &str| arn(&now, &finding(1, name, Grade::High).id);
    let told = |held: Vec<Before>| {
        let mut all = workflows(&now, &Since::held(&now, held));
        all.sort();
        all
    };
    let expected = |all: &[(&str, &str)]| {
        let mut all: Vec<_> = all.iter().map(|(name, status)| (arn_of(name), (*status).to_owned())).collect();
        all.sort();
        all
    };
    assert_eq!(told(vec![before(&sent)]), expected(&[("shop-old", "RESOLVED"), ("shop-web", "SUPPRESSED")]));
    let both = expected(&[("shop-old", "RESOLVED"), ("shop-new", "RESOLVED"), ("shop-web", "SUPPRESSED")]);
    assert_eq!(told(vec![before(&sent), before(&unsent)]), both, "one that was sent in part counts too");
    assert_eq!(told(vec![]), [], "it was told nothing yet: what is waived comes as suppressed");
    let archived = bodies(&now, &Since::held(&now, vec![before(&sent)]), Call::Import);
    assert_eq!(archived[0]["Findings"][2]["RecordState"], "ARCHIVED");
}

#[test]
fn what_is_open_again_since_it_was_sent_is_new() {
    let open = finding(1, "shop-api", Grade::High);
    let sent = report("r1", 1, vec![Finding { waiver: waiver(), ..open.clone() }], None);
    let now = report("r3", 3, vec![open], None);
    let before = Before::of(&sent, &std::iter::once(now.findings[0].id.clone()).collect());
    assert_eq!(workflows(&now, &Since::held(&now, vec![before]))[0].1, "NEW");
}

fn sizes(report: &Report, from: usize) -> Vec<(Call, usize)> {
    let since = Since::previous(report);
    requests(report, &since, None, from).map(|request| (request.call, request.items)).collect()
}

#[test]
fn a_call_takes_a_hundred_and_no_finding_makes_no_call() {
    assert_eq!(sizes(&report("r1", 1, vec![], None), 0), []);
    let many = (0..201).map(|number| Finding { id: format!("{number:04}"), ..finding(1, "shop-api", Grade::Low) });
    let made = report("r1", 1, many.collect(), None);
    assert_eq!(sizes(&made, 0), [(Call::Import, 100), (Call::Import, 100), (Call::Import, 1)]);
    let gone = report("r2", 2, vec![], Some(&made));
    let expected: Vec<_> =
        [Call::Import, Call::Update].iter().flat_map(|call| [100, 100, 1].map(|n| (*call, n))).collect();
    assert_eq!(sizes(&gone, 0), expected);
}

#[test]
fn a_sending_that_was_cut_goes_on_where_it_was_and_loses_nothing() {
    let many = (0..250).map(|number| Finding { id: format!("{number:04}"), ..finding(1, "shop-api", Grade::Low) });
    let before = report("r1", 1, many.collect(), None);
    let made = report("r2", 2, vec![finding(2, "shop-web", Grade::High)], Some(&before));
    let since = Since::previous(&made);
    let whole: Vec<Request> = requests(&made, &since, None, 0).collect();
    assert_eq!(whole.iter().map(|request| request.items).sum::<usize>(), 1 + 250 + 250);
    let mut at = 0;
    for left in 0..whole.len() {
        assert_eq!(requests(&made, &since, None, at).collect::<Vec<_>>(), whole[left..], "from {at}");
        at += whole[left].items;
    }
    assert_eq!(requests(&made, &since, None, at).next(), None);
}

#[test]
fn requests_are_cut_by_their_length_too() {
    let long = |number: u32| Finding {
        id: format!("{number:04}"),
        resource: Resource::other("\u{1}".repeat(5_000).as_str(), "\u{1}".repeat(5_000)),
        key: "\u{1}".repeat(5_000),
        ..finding(1, "shop-api", Grade::Low)
    };
    let made = report("r1", 1, (0..100).map(long).collect(), None);
    let since = Since::default();
    let all: Vec<Request> = requests(&made, &since, None, 0).collect();
    assert!(all.len() > 1 && all.iter().all(|request| request.body.len() < 240_100), "{}", all.len());
    assert_eq!(all.iter().map(|request| request.items).sum::<usize>(), 100);
}
