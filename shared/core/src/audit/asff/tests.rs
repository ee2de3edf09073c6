//! What Security Hub is told of open, waived and gone findings.

use super::super::testing::{RULE, about, finding, noon, report};
use super::super::{Fix, Waived, WaivedBy};
use super::*;

const PAGE: &str = "https://s3.console.aws.amazon.com/page";

fn all(report: &Report) -> Vec<Value> {
    imports(report, Some(PAGE)).iter().flat_map(|body| body["Findings"].as_array().unwrap().clone()).collect()
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
    let until = "2026-11-30".parse().unwrap();
    let waiver = Some(Waived { by: WaivedBy::File, until, reason: "because".to_owned(), who: None });
    let open = finding(1, "shop-api", Grade::High);
    let held = Finding { waiver, ..open.clone() };
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
fn what_comes_back_waived_is_suppressed_again() {
    let until = "2026-11-30".parse().unwrap();
    let waiver = Some(Waived { by: WaivedBy::File, until, reason: "because".to_owned(), who: None });
    let empty = report("r1", 1, vec![], None);
    let back = report("r2", 2, vec![Finding { waiver, ..finding(2, "shop-api", Grade::High) }], Some(&empty));
    assert!(back.changes.is_empty(), "it was decided before it came");
    let told = updates(&back);
    assert_eq!((told.len(), &told[0]["Workflow"]["Status"]), (1, &json!("SUPPRESSED")));
    assert_eq!(told[0]["FindingIdentifiers"][0]["Id"], all(&back)[0]["Id"]);
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
fn a_call_takes_a_hundred_and_no_finding_makes_no_call() {
    assert!(imports(&report("r1", 1, vec![], None), None).is_empty());
    let many = (0..201).map(|number| Finding { id: format!("{number:04}"), ..finding(1, "shop-api", Grade::Low) });
    let made = report("r1", 1, many.collect(), None);
    let sizes: Vec<usize> =
        imports(&made, None).iter().map(|body| body["Findings"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [100, 100, 1]);
    let gone = report("r2", 2, vec![], Some(&made));
    assert_eq!(updates(&gone).len(), 3);
}
