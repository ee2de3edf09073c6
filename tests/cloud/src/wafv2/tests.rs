use serde_json::{Value, json};

use super::*;
use crate::rig::Rig;

const SHOP: &str = "arn:aws:apprunner:eu-west-1:123456789012:service/shop/0123456789abcdef0123456789abcdef";
const OTHER: &str = "arn:aws:apprunner:eu-west-1:123456789012:service/other/0123456789abcdef0123456789abcde0";

fn create(rig: &mut Rig<Wafv2>, name: &str) -> Value {
    let visibility = json!({"SampledRequestsEnabled": true, "CloudWatchMetricsEnabled": true, "MetricName": "m"});
    let input =
        json!({"Name": name, "Scope": "REGIONAL", "DefaultAction": {"Allow": {}}, "VisibilityConfig": visibility});
    rig.ok("CreateWebACL", input)["Summary"].clone()
}

#[test]
fn a_service_without_an_acl_is_answered_with_nothing() {
    let mut rig = Rig::new(Wafv2::new());
    assert_eq!(rig.ok("GetWebACLForResource", json!({"ResourceArn": SHOP})), json!({}));
    assert_eq!(rig.ok("DisassociateWebACL", json!({"ResourceArn": SHOP})), json!({}));
    assert_eq!(rig.ok("ListWebACLs", json!({"Scope": "REGIONAL"})), json!({"WebACLs": []}));
}

#[test]
fn an_association_is_seen_from_both_sides_until_it_is_undone() {
    let mut rig = Rig::new(Wafv2::new());
    let arn = create(&mut rig, "front")["ARN"].clone();
    for service in [SHOP, OTHER] {
        rig.ok("AssociateWebACL", json!({"WebACLArn": arn, "ResourceArn": service}));
    }
    let acl = rig.ok("GetWebACLForResource", json!({"ResourceArn": SHOP}))["WebACL"].clone();
    assert_eq!((&acl["Name"], &acl["ARN"], &acl["Rules"]), (&json!("front"), &arn, &json!([])));
    let asked = json!({"WebACLArn": arn, "ResourceType": "APP_RUNNER_SERVICE"});
    assert_eq!(rig.ok("ListResourcesForWebACL", asked.clone()), json!({"ResourceArns": [OTHER, SHOP]}));
    rig.ok("DisassociateWebACL", json!({"ResourceArn": OTHER}));
    assert_eq!(rig.ok("ListResourcesForWebACL", asked), json!({"ResourceArns": [SHOP]}));
    assert_eq!(rig.ok("GetWebACLForResource", json!({"ResourceArn": OTHER})), json!({}));
}

#[test]
fn a_second_acl_takes_the_place_of_the_first() {
    let mut rig = Rig::new(Wafv2::new());
    let (first, second) = (create(&mut rig, "a")["ARN"].clone(), create(&mut rig, "b")["ARN"].clone());
    for arn in [&first, &second] {
        rig.ok("AssociateWebACL", json!({"WebACLArn": arn, "ResourceArn": SHOP}));
    }
    assert_eq!(rig.ok("GetWebACLForResource", json!({"ResourceArn": SHOP}))["WebACL"]["ARN"], second);
    let asked = json!({"WebACLArn": first, "ResourceType": "APP_RUNNER_SERVICE"});
    assert_eq!(rig.ok("ListResourcesForWebACL", asked), json!({"ResourceArns": []}));
}

#[test]
fn without_a_type_of_resource_load_balancers_are_meant() {
    let mut rig = Rig::new(Wafv2::new());
    let arn = create(&mut rig, "front")["ARN"].clone();
    rig.ok("AssociateWebACL", json!({"WebACLArn": arn, "ResourceArn": SHOP}));
    assert_eq!(rig.ok("ListResourcesForWebACL", json!({"WebACLArn": arn})), json!({"ResourceArns": []}));
}

#[test]
fn what_is_not_there_and_what_is_no_service_is_refused() {
    let mut rig = Rig::new(Wafv2::new());
    let absent = "arn:aws:wafv2:eu-west-1:123456789012:regional/webacl/x/00000000-0000-0000-0000-000000000000";
    let input = json!({"WebACLArn": absent, "ResourceArn": SHOP});
    let error = rig.refused("AssociateWebACL", "WAFNonexistentItemException", input);
    assert_eq!(error.message, "AWS WAF couldn’t perform the operation because your resource doesn’t exist.");
    rig.refused("ListResourcesForWebACL", "WAFNonexistentItemException", json!({"WebACLArn": absent}));
    for arn in [
        "arn:aws:apprunner:us-east-1:123456789012:service/shop/0123456789abcdef0123456789abcdef",
        "arn:aws:apprunner:eu-west-1:999988887777:service/shop/0123456789abcdef0123456789abcdef",
        "arn:aws:apprunner:eu-west-1:123456789012:service/shop",
        "arn:aws:apprunner:eu-west-1:123456789012:service/shop/0123",
        "arn:aws:cloudfront::123456789012:distribution/E1",
    ] {
        let error = rig.refused("GetWebACLForResource", "WAFInvalidParameterException", json!({"ResourceArn": arn}));
        assert!(error.message.ends_with(&format!("field: RESOURCE_ARN, parameter: {arn}")), "{}", error.message);
        assert_eq!(error.fields["Field"], "RESOURCE_ARN");
    }
    let error = rig.refused("ListWebACLs", "WAFInvalidParameterException", json!({"Scope": "CLOUDFRONT"}));
    assert_eq!(error.fields["Field"], "SCOPE_VALUE");
}

#[test]
fn an_acl_in_use_and_one_that_somebody_changed_are_not_deleted() {
    let mut rig = Rig::new(Wafv2::new());
    let made = create(&mut rig, "front");
    rig.ok("AssociateWebACL", json!({"WebACLArn": made["ARN"], "ResourceArn": SHOP}));
    let mut input = json!({"Name": "front", "Scope": "REGIONAL", "Id": made["Id"], "LockToken": made["Id"]});
    rig.refused("DeleteWebACL", "WAFOptimisticLockException", input.clone());
    input["LockToken"] = rig.ok("GetWebACL", json!({"ARN": made["ARN"]}))["LockToken"].clone();
    rig.refused("DeleteWebACL", "WAFAssociatedItemException", input.clone());
    rig.ok("DisassociateWebACL", json!({"ResourceArn": SHOP}));
    rig.ok("DeleteWebACL", input.clone());
    rig.refused("DeleteWebACL", "WAFNonexistentItemException", input);
}

#[test]
fn acls_are_listed_in_pages_and_a_name_is_taken_once() {
    let mut rig = Rig::new(Wafv2::new());
    for name in ["a", "b", "c"] {
        create(&mut rig, name);
    }
    let first = rig.ok("ListWebACLs", json!({"Scope": "REGIONAL", "Limit": 2}));
    assert_eq!(first["WebACLs"].as_array().unwrap().len(), 2);
    let rest = rig.ok("ListWebACLs", json!({"Scope": "REGIONAL", "Limit": 2, "NextMarker": first["NextMarker"]}));
    assert_eq!((&rest["WebACLs"][0]["Name"], rest.get("NextMarker")), (&json!("c"), None));
    let again = json!({"Name": "a", "Scope": "REGIONAL", "DefaultAction": {"Allow": {}}});
    rig.refused("CreateWebACL", "WAFDuplicateItemException", again);
}

#[test]
fn reading_an_association_needs_both_services() {
    let mut rig = Rig::new(Wafv2::new());
    let arn = create(&mut rig, "front")["ARN"].as_str().unwrap().to_owned();
    let read = json!({"ResourceArn": SHOP});
    let bare = [Need::new("wafv2:GetWebACLForResource", SHOP), Need::new("apprunner:DescribeWebAclForService", SHOP)];
    assert_eq!(rig.needs("GetWebACLForResource", read.clone()), bare);
    rig.ok("AssociateWebACL", json!({"WebACLArn": arn, "ResourceArn": SHOP}));
    let wanted = [bare.to_vec(), vec![Need::new("wafv2:GetWebACLForResource", &arn)]].concat();
    assert_eq!(rig.needs("GetWebACLForResource", read), wanted);
}
