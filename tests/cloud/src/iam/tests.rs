use serde_json::{Value, json};

use super::*;
use crate::rig::Rig;

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"tasks.apprunner.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
const ALL: &str = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}"#;
const XRAY: &str = "arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess";
const OWN: &str = "arn:aws:iam::123456789012:policy/team/own";

fn iam() -> Rig<Iam> {
    let mut rig = Rig::new(Iam::new());
    rig.ok("CreateRole", json!({"RoleName": "shop", "Path": "/service-role/", "AssumeRolePolicyDocument": TRUST}));
    rig
}

fn own_policy(rig: &mut Rig<Iam>) {
    rig.ok(
        "CreatePolicy",
        json!({"PolicyName": "own", "Path": "/team/", "PolicyDocument": ALL, "Description": "ours"}),
    );
}

fn decoded(text: &Value) -> String {
    percent_encoding::percent_decode_str(text.as_str().unwrap()).decode_utf8().unwrap().into_owned()
}

#[test]
fn an_empty_account_has_no_roles() {
    let mut rig = Rig::new(Iam::new());
    assert_eq!(rig.ok("ListRoles", json!({})), json!({"Roles": [], "IsTruncated": false}));
}

#[test]
fn documents_are_shown_encoded_and_as_they_were_given() {
    let mut rig = iam();
    let role = rig.ok("GetRole", json!({"RoleName": "shop"}))["Role"].clone();
    assert_eq!(role["Arn"], "arn:aws:iam::123456789012:role/service-role/shop");
    let shown = role["AssumeRolePolicyDocument"].as_str().unwrap();
    assert!(shown.starts_with("%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B"), "{shown}");
    assert_eq!(decoded(&role["AssumeRolePolicyDocument"]), TRUST);
    rig.ok("PutRolePolicy", json!({"RoleName": "shop", "PolicyName": "own", "PolicyDocument": ALL}));
    let policy = rig.ok("GetRolePolicy", json!({"RoleName": "shop", "PolicyName": "own"}));
    assert!(policy["PolicyDocument"].as_str().unwrap().contains("%22s3%3A%2A%22"), "{policy}");
    assert_eq!(decoded(&policy["PolicyDocument"]), ALL);
}

#[test]
fn what_is_not_there_is_named() {
    let mut rig = iam();
    own_policy(&mut rig);
    let absent = "arn:aws:iam::123456789012:policy/absent";
    for (operation, input, message) in [
        ("GetRole", json!({"RoleName": "x"}), "The role with name x cannot be found.".to_owned()),
        ("ListAttachedRolePolicies", json!({"RoleName": "x"}), "The role with name x cannot be found.".to_owned()),
        (
            "GetRolePolicy",
            json!({"RoleName": "shop", "PolicyName": "x"}),
            "The role policy with name x cannot be found.".to_owned(),
        ),
        (
            "AttachRolePolicy",
            json!({"RoleName": "shop", "PolicyArn": absent}),
            format!("Policy {absent} does not exist or is not attachable."),
        ),
        ("GetPolicy", json!({"PolicyArn": absent}), format!("Policy {absent} was not found.")),
        (
            "GetPolicyVersion",
            json!({"PolicyArn": OWN, "VersionId": "v2"}),
            format!("Policy {OWN} version v2 does not exist or is not attachable."),
        ),
    ] {
        assert_eq!(rig.refused(operation, "NoSuchEntity", input).message, message);
    }
}

#[test]
fn lists_are_paged_by_marker() {
    let mut rig = iam();
    for number in 0..5 {
        let name = format!("p{number}");
        rig.ok("PutRolePolicy", json!({"RoleName": "shop", "PolicyName": name, "PolicyDocument": ALL}));
    }
    let mut input = json!({"RoleName": "shop", "MaxItems": 2});
    let mut seen = Vec::new();
    loop {
        let answer = rig.ok("ListRolePolicies", input.clone());
        seen.extend(answer["PolicyNames"].as_array().unwrap().clone());
        assert_eq!(answer["IsTruncated"].as_bool().unwrap(), answer.get("Marker").is_some());
        match answer.get("Marker") {
            Some(marker) => input["Marker"] = marker.clone(),
            None => break,
        }
    }
    assert_eq!(seen, ["p0", "p1", "p2", "p3", "p4"]);
    rig.refused("ListRolePolicies", "ValidationError", json!({"RoleName": "shop", "Marker": "not ours"}));
}

#[test]
fn a_policy_of_awss_own_is_attached_and_read_by_its_default_version() {
    let mut rig = iam();
    rig.ok("AttachRolePolicy", json!({"RoleName": "shop", "PolicyArn": XRAY}));
    let attached = rig.ok("ListAttachedRolePolicies", json!({"RoleName": "shop"}));
    let row = json!({"PolicyName": "AWSXRayDaemonWriteAccess", "PolicyArn": XRAY});
    assert_eq!(attached["AttachedPolicies"], json!([row]));
    let policy = rig.ok("GetPolicy", json!({"PolicyArn": XRAY}))["Policy"].clone();
    assert_eq!((&policy["DefaultVersionId"], &policy["AttachmentCount"]), (&json!("v2"), &json!(1)));
    let version = rig.ok("GetPolicyVersion", json!({"PolicyArn": XRAY, "VersionId": "v2"}))["PolicyVersion"].clone();
    let document: Value = serde_json::from_str(&decoded(&version["Document"])).unwrap();
    assert!(document["Statement"][0]["Action"].as_array().unwrap().contains(&json!("xray:PutTraceSegments")));
    rig.refused("DeletePolicy", "AccessDenied", json!({"PolicyArn": XRAY}));
}

#[test]
fn every_policy_of_awss_own_is_a_policy() {
    let mut rig = Rig::new(Iam::new());
    let all = rig.ok("ListPolicies", json!({"Scope": "AWS"}))["Policies"].as_array().unwrap().clone();
    assert_eq!(all.len(), 6);
    for policy in all {
        let input = json!({"PolicyArn": policy["Arn"], "VersionId": policy["DefaultVersionId"]});
        let version = rig.ok("GetPolicyVersion", input)["PolicyVersion"].clone();
        document::check_identity(&decoded(&version["Document"])).unwrap();
        assert!(version["CreateDate"].as_i64().unwrap() > 1_400_000_000, "{policy}");
    }
}

#[test]
fn versions_are_numbered_once_and_at_most_five() {
    let mut rig = iam();
    own_policy(&mut rig);
    for number in 2..=5 {
        let input = json!({"PolicyArn": OWN, "PolicyDocument": ALL, "SetAsDefault": number == 3});
        assert_eq!(rig.ok("CreatePolicyVersion", input)["PolicyVersion"]["VersionId"], format!("v{number}"));
    }
    rig.refused("CreatePolicyVersion", "LimitExceeded", json!({"PolicyArn": OWN, "PolicyDocument": ALL}));
    rig.refused("DeletePolicyVersion", "DeleteConflict", json!({"PolicyArn": OWN, "VersionId": "v3"}));
    rig.ok("DeletePolicyVersion", json!({"PolicyArn": OWN, "VersionId": "v5"}));
    let made = rig.ok("CreatePolicyVersion", json!({"PolicyArn": OWN, "PolicyDocument": ALL}));
    assert_eq!(made["PolicyVersion"]["VersionId"], "v6");
    rig.ok("SetDefaultPolicyVersion", json!({"PolicyArn": OWN, "VersionId": "v6"}));
    let shown = rig.ok("ListPolicyVersions", json!({"PolicyArn": OWN, "MaxItems": 2}));
    assert_eq!((&shown["Versions"][0]["VersionId"], &shown["IsTruncated"]), (&json!("v6"), &json!(true)));
    assert_eq!(shown["Versions"][0]["IsDefaultVersion"], true);
}

#[test]
fn what_is_in_use_is_not_deleted() {
    let mut rig = iam();
    own_policy(&mut rig);
    rig.ok("AttachRolePolicy", json!({"RoleName": "shop", "PolicyArn": OWN}));
    rig.ok("PutRolePolicy", json!({"RoleName": "shop", "PolicyName": "inline", "PolicyDocument": ALL}));
    rig.refused("DeletePolicy", "DeleteConflict", json!({"PolicyArn": OWN}));
    rig.refused("DeleteRole", "DeleteConflict", json!({"RoleName": "shop"}));
    rig.ok("DetachRolePolicy", json!({"RoleName": "shop", "PolicyArn": OWN}));
    rig.refused("DetachRolePolicy", "NoSuchEntity", json!({"RoleName": "shop", "PolicyArn": OWN}));
    rig.refused("DeleteRole", "DeleteConflict", json!({"RoleName": "shop"}));
    rig.ok("DeleteRolePolicy", json!({"RoleName": "shop", "PolicyName": "inline"}));
    rig.ok("DeletePolicy", json!({"PolicyArn": OWN}));
    rig.ok("DeleteRole", json!({"RoleName": "shop"}));
    rig.refused("GetRole", "NoSuchEntity", json!({"RoleName": "shop"}));
}

#[test]
fn what_is_no_policy_is_refused() {
    let mut rig = iam();
    for document in ["no JSON", "{}", r#"{"Statement":[{"Effect":"Perhaps"}]}"#, TRUST] {
        let input = json!({"RoleName": "shop", "PolicyName": "p", "PolicyDocument": document});
        rig.refused("PutRolePolicy", "MalformedPolicyDocument", input);
        rig.refused("CreatePolicy", "MalformedPolicyDocument", json!({"PolicyName": "p", "PolicyDocument": document}));
    }
    for document in ["no JSON", "{}", ALL] {
        let input = json!({"RoleName": "new", "AssumeRolePolicyDocument": document});
        rig.refused("CreateRole", "MalformedPolicyDocument", input);
    }
    let long =
        json!({"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "x".repeat(10_240)}]}).to_string();
    rig.refused(
        "PutRolePolicy",
        "LimitExceeded",
        json!({"RoleName": "shop", "PolicyName": "p", "PolicyDocument": long}),
    );
    rig.refused("CreatePolicy", "LimitExceeded", json!({"PolicyName": "p", "PolicyDocument": long}));
    let again = json!({"RoleName": "SHOP", "AssumeRolePolicyDocument": TRUST});
    rig.refused("CreateRole", "EntityAlreadyExists", again);
}

#[test]
fn a_role_of_the_template_can_be_read() {
    let mut rig = Rig::new(Iam::new());
    let trust: Value = serde_json::from_str(TRUST).unwrap();
    let policy = json!({"Statement": []});
    let arn = "arn:aws:iam::123456789012:role/team/rollback";
    rig.ok("_Role", json!({"Arn": arn, "AssumeRolePolicyDocument": trust, "Policies": {"own": policy}}));
    let role = rig.ok("GetRole", json!({"RoleName": "rollback"}))["Role"].clone();
    assert_eq!((&role["Arn"], &role["Path"]), (&json!(arn), &json!("/team/")));
    let shown = rig.ok("GetRolePolicy", json!({"RoleName": "rollback", "PolicyName": "own"}));
    assert_eq!(serde_json::from_str::<Value>(&decoded(&shown["PolicyDocument"])).unwrap(), policy);
}

#[test]
fn a_call_needs_its_role_or_its_policy() {
    let rig = iam();
    let role = "arn:aws:iam::123456789012:role/service-role/shop";
    assert_eq!(rig.needs("GetRole", json!({"RoleName": "shop"})), [Need::new("iam:GetRole", role)]);
    assert_eq!(rig.needs("GetPolicy", json!({"PolicyArn": XRAY})), [Need::new("iam:GetPolicy", XRAY)]);
    assert_eq!(rig.needs("ListRoles", json!({})), [Need::new("iam:ListRoles", "*")]);
    let attach = rig.needs("AttachRolePolicy", json!({"RoleName": "shop", "PolicyArn": XRAY}));
    assert_eq!((attach[0].resource.as_str(), attach[0].conditions.len()), (role, 1));
}
