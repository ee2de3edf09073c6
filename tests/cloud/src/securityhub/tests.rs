use serde_json::{Value, json};

use super::*;
use crate::rig::Rig;

const PRODUCT: &str = "arn:aws:securityhub:eu-west-1:123456789012:product/123456789012/default";
const SHOP: &str = "arn:aws:apprunner:eu-west-1:123456789012:service/shop/0123456789abcdef0123456789abcdef";

fn enabled() -> Rig<SecurityHub> {
    let mut rig = Rig::new(SecurityHub::new());
    rig.ok("EnableSecurityHub", json!({"EnableDefaultStandards": false}));
    rig
}

fn finding(id: &str) -> Value {
    json!({
        "SchemaVersion": "2018-10-08", "Id": id, "ProductArn": PRODUCT, "GeneratorId": "pitcrew/R1",
        "AwsAccountId": "123456789012", "CreatedAt": "2026-01-05T08:00:00Z", "UpdatedAt": "2026-01-05T08:00:00Z",
        "Severity": {"Label": "HIGH"}, "Title": "title", "Description": "text",
        "Resources": [{"Type": "AwsAppRunnerService", "Id": SHOP}],
    })
}

fn import(rig: &mut Rig<SecurityHub>, findings: &[Value]) -> Value {
    rig.ok("BatchImportFindings", json!({"Findings": findings}))
}

fn ids(rig: &mut Rig<SecurityHub>, filters: Value) -> Vec<String> {
    let found = rig.ok("GetFindings", json!({"Filters": filters}))["Findings"].clone();
    found.as_array().unwrap().iter().map(|one| one["Id"].as_str().unwrap().to_owned()).collect()
}

/// The message with which a finding that is changed in one place is refused.
fn reason(change: impl FnOnce(&mut Value)) -> String {
    let mut changed = finding("a");
    change(&mut changed);
    let mut rig = enabled();
    let answer = import(&mut rig, &[changed, finding("whole")]);
    assert_eq!((&answer["FailedCount"], &answer["SuccessCount"]), (&json!(1), &json!(1)), "{answer}");
    assert_eq!(ids(&mut rig, json!({})), ["whole"]);
    assert_eq!(answer["FailedFindings"][0]["ErrorCode"], "InvalidInput");
    let message = answer["FailedFindings"][0]["ErrorMessage"].as_str().unwrap();
    message.strip_prefix("Finding does not adhere to Amazon Finding Format. ").unwrap().to_owned()
}

#[test]
fn a_hub_is_off_until_it_is_enabled_and_is_enabled_once() {
    let mut rig = Rig::new(SecurityHub::new());
    let findings = json!({"Findings": [finding("a")]});
    for (operation, input) in [
        ("DescribeHub", json!({})),
        ("GetFindings", json!({})),
        ("BatchImportFindings", findings),
        ("BatchUpdateFindings", json!({"FindingIdentifiers": [{"Id": "a", "ProductArn": PRODUCT}]})),
        ("DisableSecurityHub", json!({})),
    ] {
        let error = rig.refused(operation, "InvalidAccessException", input);
        assert_eq!(error.message, "Account 123456789012 is not subscribed to AWS Security Hub");
        assert_eq!(error.fields["Code"], "InvalidAccessException");
    }
    rig.ok("EnableSecurityHub", json!({}));
    rig.refused("EnableSecurityHub", "ResourceConflictException", json!({}));
    let hub = rig.ok("DescribeHub", json!({}));
    assert_eq!(hub["HubArn"], "arn:aws:securityhub:eu-west-1:123456789012:hub/default");
    assert_eq!(hub["SubscribedAt"], "2026-01-05T09:00:00.000Z");
    rig.refused("DescribeHub", "ResourceNotFoundException", json!({"HubArn": format!("{}x", hub["HubArn"])}));
    rig.ok("DisableSecurityHub", json!({}));
    rig.refused("DescribeHub", "InvalidAccessException", json!({}));
}

#[test]
fn the_workflow_of_a_finding_is_set_by_an_update_and_by_no_further_import() {
    let mut rig = enabled();
    import(&mut rig, &[finding("a")]);
    let named = |id: &str| json!({"Id": id, "ProductArn": PRODUCT});
    let answer = rig.ok(
        "BatchUpdateFindings",
        json!({"FindingIdentifiers": [named("a"), named("b")], "Workflow": {"Status": "RESOLVED"}}),
    );
    assert_eq!(answer["ProcessedFindings"], json!([named("a")]));
    assert_eq!(answer["UnprocessedFindings"][0]["ErrorCode"], "FindingNotFound");
    assert_eq!(answer["UnprocessedFindings"][0]["FindingIdentifier"], named("b"));
    let later = json!({"UpdatedAt": "2026-01-05T08:30:00Z", "Workflow": {"Status": "NEW"}});
    let mut again = finding("a");
    again.as_object_mut().unwrap().extend(later.as_object().unwrap().clone());
    import(&mut rig, &[again]);
    let shown = rig.ok("GetFindings", json!({}))["Findings"][0].clone();
    assert_eq!(
        (&shown["Workflow"]["Status"], &shown["UpdatedAt"]),
        (&json!("RESOLVED"), &json!("2026-01-05T08:30:00Z"))
    );
    let more = json!({"FindingIdentifiers": [named("a")], "Confidence": 1});
    rig.refused("BatchUpdateFindings", "InvalidInputException", more);
}

#[test]
fn an_imported_finding_is_completed_and_told() {
    let mut rig = enabled();
    let answer = import(&mut rig, &[finding("a")]);
    assert_eq!(answer, json!({"FailedCount": 0, "SuccessCount": 1, "FailedFindings": []}));
    let shown = rig.ok("GetFindings", json!({}))["Findings"][0].clone();
    assert_eq!(shown["Severity"], json!({"Label": "HIGH", "Normalized": 70}));
    assert_eq!(shown["FindingProviderFields"]["Severity"], json!({"Label": "HIGH"}));
    assert_eq!((&shown["RecordState"], &shown["Workflow"]), (&json!("ACTIVE"), &json!({"Status": "NEW"})));
    assert_eq!(shown["ProductFields"]["aws/securityhub/FindingId"], format!("{PRODUCT}/a"));
    assert_eq!((&shown["Region"], &shown["ProductName"]), (&json!("eu-west-1"), &json!("Default")));
    let effects = rig.effects();
    let [Effect::Event { source, detail_type, detail, .. }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!((source.as_str(), detail_type.as_str()), ("aws.securityhub", "Security Hub Findings - Imported"));
    assert_eq!(detail["findings"], json!([shown]));
}

#[test]
fn an_update_counts_only_where_its_time_is_later() {
    let mut rig = enabled();
    import(&mut rig, &[finding("a")]);
    let mut update = finding("a");
    update["Title"] = json!("other");
    for at in ["2026-01-05T08:00:00Z", "2026-01-05T07:59:59.999Z"] {
        update["UpdatedAt"] = json!(at);
        assert_eq!(import(&mut rig, &[update.clone()])["SuccessCount"], 1);
        assert_eq!(rig.ok("GetFindings", json!({}))["Findings"][0]["Title"], "title");
    }
    update["UpdatedAt"] = json!("2026-01-05T09:00:00+01:00");
    import(&mut rig, &[update.clone()]);
    assert_eq!(rig.ok("GetFindings", json!({}))["Findings"][0]["Title"], "title", "the same moment in another zone");
    update["UpdatedAt"] = json!("2026-01-05T08:00:00.001Z");
    import(&mut rig, &[update]);
    assert_eq!(rig.ok("GetFindings", json!({}))["Findings"][0]["Title"], "other");
}

#[test]
fn an_update_leaves_what_the_customer_decides() {
    let mut rig = enabled();
    let mut first = finding("a");
    first["Workflow"] = json!({"Status": "SUPPRESSED"});
    import(&mut rig, &[first]);
    let mut update = finding("a");
    update["UpdatedAt"] = json!("2026-01-05T08:30:00Z");
    update["Workflow"] = json!({"Status": "NEW"});
    update["Note"] = json!({"Text": "n", "UpdatedBy": "me", "UpdatedAt": "2026-01-05T08:30:00Z"});
    update["RecordState"] = json!("ARCHIVED");
    import(&mut rig, &[update]);
    let shown = rig.ok("GetFindings", json!({}))["Findings"][0].clone();
    assert_eq!((&shown["Workflow"]["Status"], &shown["RecordState"]), (&json!("SUPPRESSED"), &json!("ARCHIVED")));
    assert_eq!(shown.get("Note"), None);
}

#[test]
fn what_is_no_finding_fails_alone() {
    let long = |n: usize| json!("x".repeat(n));
    assert_eq!(reason(|f| f["Title"] = long(257)), "data.Title should NOT be longer than 256 characters.");
    assert_eq!(
        reason(|f| f["Description"] = long(1025)),
        "data.Description should NOT be longer than 1024 characters."
    );
    assert_eq!(
        reason(|f| f["Remediation"] = json!({"Recommendation": {"Text": "x".repeat(513)}})),
        "data.Remediation.Recommendation.Text should NOT be longer than 512 characters."
    );
    let many: Vec<Value> = (0..33).map(|n| json!({"Type": "Other", "Id": n.to_string()})).collect();
    assert_eq!(reason(|f| f["Resources"] = json!(many)), "data.Resources should NOT have more than 32 items.");
    assert_eq!(reason(|f| f["Resources"] = json!([])), "data.Resources should NOT have fewer than 1 items.");
    let anyway = "data should have required property 'FindingProviderFields', data should match some schema in anyOf.";
    assert_eq!(reason(|f| drop(f.as_object_mut().unwrap().remove("Severity"))), anyway);
    assert!(reason(|f| f["Types"] = json!(["a/b/c/d"])).starts_with("data.Types[0] should match pattern"));
    assert!(reason(|f| f["SchemaVersion"] = json!("1")).starts_with("data.SchemaVersion"));
    assert!(reason(|f| f["UpdatedAt"] = json!("yesterday")).starts_with("data.UpdatedAt should match format"));
    assert!(reason(|f| f["ProductFields"] = json!({"k": "x".repeat(240 * 1024)})).contains("larger than 245760 bytes"));
}

#[test]
fn the_limits_themselves_are_taken() {
    let mut rig = enabled();
    let mut most = finding("a");
    most["Title"] = json!("ä".repeat(256));
    most["Description"] = json!("x".repeat(1024));
    most["Resources"] = (0..32).map(|n| json!({"Type": "Other", "Id": n.to_string()})).collect();
    assert_eq!(import(&mut rig, &[most])["FailedFindings"], json!([]));
}

#[test]
fn a_finding_of_another_account_or_product_refuses_the_whole_call() {
    for (member, value) in [
        ("AwsAccountId", "999988887777"),
        ("ProductArn", "arn:aws:securityhub:eu-west-1::product/prowler/prowler"),
        ("ProductArn", "arn:aws:securityhub:us-east-1:123456789012:product/123456789012/default"),
    ] {
        let mut rig = enabled();
        let mut foreign = finding("b");
        foreign[member] = json!(value);
        let input = json!({"Findings": [finding("a"), foreign]});
        let error = rig.refused("BatchImportFindings", "AccessDeniedException", input);
        assert_eq!(error.status, 403);
        assert!(error.message.contains("is not authorized to perform: securityhub:BatchImportFindings on resource: "));
        assert!(ids(&mut rig, json!({})).is_empty());
    }
}

#[test]
fn filters_are_joined_as_the_reference_says() {
    let mut rig = enabled();
    let mut b = finding("b");
    b["GeneratorId"] = json!("pitcrew/R2");
    b["RecordState"] = json!("ARCHIVED");
    let mut c = finding("c");
    c["Resources"] = json!([{"Type": "Other", "Id": "x"}, {"Type": "Other", "Id": "y"}]);
    c["Workflow"] = json!({"Status": "SUPPRESSED"});
    import(&mut rig, &[finding("a"), b, c]);
    let is = |value: &str| json!({"Value": value, "Comparison": "EQUALS"});
    let not = |value: &str| json!({"Value": value, "Comparison": "NOT_EQUALS"});
    for (filters, wanted) in [
        (json!({"Id": [is("a"), is("c")]}), vec!["a", "c"]),
        (json!({"Id": [not("a"), not("c")]}), vec!["b"]),
        (json!({"RecordState": [is("ACTIVE")], "WorkflowStatus": [is("NEW")]}), vec!["a"]),
        (json!({"GeneratorId": [{"Value": "pitcrew/", "Comparison": "PREFIX"}]}), vec!["a", "b", "c"]),
        (json!({"GeneratorId": [is("pitcrew/R2")]}), vec!["b"]),
        (json!({"ResourceId": [is("y")]}), vec!["c"]),
        (json!({"ProductArn": [is(PRODUCT)], "Id": []}), vec!["a", "b", "c"]),
    ] {
        assert_eq!(ids(&mut rig, filters.clone()), wanted, "{filters}");
    }
    let error = rig.refused("GetFindings", "InvalidInputException", json!({"Filters": {"Keyword": [{"Value": "x"}]}}));
    assert!(error.message.contains("no filter Keyword"), "{}", error.message);
}

#[test]
fn findings_come_in_pages_in_the_order_that_was_asked_for() {
    let mut rig = enabled();
    let dated = |id: &str, minute: u32| {
        let mut one = finding(id);
        one["UpdatedAt"] = json!(format!("2026-01-05T08:{minute:02}:00Z"));
        one
    };
    import(&mut rig, &[dated("a", 2), dated("b", 3), dated("c", 1)]);
    let sort = json!([{"Field": "UpdatedAt", "SortOrder": "desc"}]);
    let first = rig.ok("GetFindings", json!({"SortCriteria": sort, "MaxResults": 2}));
    let shown = |answer: &Value| -> Vec<String> {
        let all = answer["Findings"].as_array().unwrap();
        all.iter().map(|one| one["Id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(shown(&first), ["b", "a"]);
    let rest = rig.ok("GetFindings", json!({"SortCriteria": sort, "MaxResults": 2, "NextToken": first["NextToken"]}));
    assert_eq!((shown(&rest), rest.get("NextToken")), (vec!["c".to_owned()], None));
}

#[test]
fn an_import_needs_its_product_and_a_query_the_hub() {
    let rig = enabled();
    let needs = rig.needs("BatchImportFindings", json!({"Findings": [finding("a"), finding("b")]}));
    assert_eq!(needs.len(), 1);
    assert_eq!((needs[0].action.as_str(), needs[0].resource.as_str()), ("securityhub:BatchImportFindings", PRODUCT));
    let hub = "arn:aws:securityhub:eu-west-1:123456789012:hub/default";
    assert_eq!(rig.needs("GetFindings", json!({})), [Need::new("securityhub:GetFindings", hub)]);
}
