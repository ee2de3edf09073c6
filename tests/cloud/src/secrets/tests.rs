//! Secrets Manager as a caller sees it.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::call::Service as _;
use crate::rig::Rig;

use super::SecretsManager;

fn one() -> (Rig<SecretsManager>, String) {
    let mut rig = Rig::new(SecretsManager::new());
    let answer = rig.ok(
        "CreateSecret",
        json!({
            "Name": "pitcrew/slack", "SecretString": "first", "Tags": [{"Key": "a", "Value": "1"}],
        }),
    );
    let arn = answer["ARN"].as_str().unwrap().to_owned();
    (rig, arn)
}

fn value(rig: &mut Rig<SecretsManager>, more: Value) -> Value {
    let mut input = json!({"SecretId": "pitcrew/slack"});
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    rig.ok("GetSecretValue", input)["SecretString"].take()
}

#[test]
fn a_secret_is_found_by_name_by_arn_and_by_arn_without_its_suffix() {
    let (mut rig, arn) = one();
    let short = &arn[..arn.len() - 7];
    assert!(short.ends_with(":secret:pitcrew/slack"), "{short}");
    for id in ["pitcrew/slack", &arn, short] {
        assert_eq!(rig.ok("GetSecretValue", json!({"SecretId": id}))["SecretString"], "first", "{id}");
        assert_eq!(rig.needs("GetSecretValue", json!({"SecretId": id}))[0].resource, arn, "{id}");
    }
    rig.refused("GetSecretValue", "ResourceNotFoundException", json!({"SecretId": "other"}));
    rig.refused("GetSecretValue", "ResourceNotFoundException", json!({"SecretId": &arn[..arn.len() - 1]}));
    assert_eq!(
        rig.needs("CreateSecret", json!({"Name": "new"}))[0].resource,
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:new-000000"
    );
}

#[test]
fn a_new_value_becomes_current_and_the_old_one_previous() {
    let (mut rig, _) = one();
    let first = rig.ok("GetSecretValue", json!({"SecretId": "pitcrew/slack"}))["VersionId"].take();
    rig.ok("PutSecretValue", json!({"SecretId": "pitcrew/slack", "SecretString": "second"}));
    assert_eq!(value(&mut rig, json!({})), "second");
    assert_eq!(value(&mut rig, json!({"VersionStage": "AWSPREVIOUS"})), "first");
    assert_eq!(value(&mut rig, json!({"VersionId": first})), "first");
    rig.ok("UpdateSecret", json!({"SecretId": "pitcrew/slack", "SecretString": "third", "Description": "hook"}));
    assert_eq!(value(&mut rig, json!({"VersionStage": "AWSPREVIOUS"})), "second");
    rig.refused(
        "GetSecretValue",
        "ResourceNotFoundException",
        json!({"SecretId": "pitcrew/slack", "VersionId": first}),
    );
    let shown = rig.ok("DescribeSecret", json!({"SecretId": "pitcrew/slack"}));
    assert_eq!(shown["VersionIdsToStages"].as_object().unwrap().len(), 2);
    assert_eq!((&shown["Description"], &shown["LastAccessedDate"]), (&json!("hook"), &json!(1_767_571_200)));
}

#[test]
fn a_pending_version_takes_no_stage_but_its_own() {
    let (mut rig, _) = one();
    rig.ok(
        "PutSecretValue",
        json!({"SecretId": "pitcrew/slack", "SecretString": "next", "VersionStages": ["AWSPENDING"]}),
    );
    assert_eq!(value(&mut rig, json!({})), "first");
    assert_eq!(value(&mut rig, json!({"VersionStage": "AWSPENDING"})), "next");
    rig.refused(
        "GetSecretValue",
        "ResourceNotFoundException",
        json!({"SecretId": "pitcrew/slack", "VersionStage": "AWSPREVIOUS"}),
    );
}

#[test]
fn a_token_names_one_value_only() {
    let (mut rig, _) = one();
    let put =
        |text: &str| json!({"SecretId": "pitcrew/slack", "SecretString": text, "ClientRequestToken": "t".repeat(32)});
    let answer = rig.ok("PutSecretValue", put("second"));
    assert_eq!(answer["VersionStages"], json!(["AWSCURRENT"]));
    assert_eq!(rig.ok("PutSecretValue", put("second")), answer);
    rig.refused("PutSecretValue", "ResourceExistsException", put("third"));
    rig.refused(
        "PutSecretValue",
        "InvalidParameterException",
        json!({
            "SecretId": "pitcrew/slack", "SecretString": "x", "ClientRequestToken": "short",
        }),
    );
}

#[test]
fn what_cannot_be_created_is_refused() {
    let (mut rig, _) = one();
    rig.refused("CreateSecret", "ResourceExistsException", json!({"Name": "pitcrew/slack", "SecretString": "x"}));
    rig.refused("CreateSecret", "ValidationException", json!({"Name": "with space"}));
    rig.refused(
        "CreateSecret",
        "InvalidParameterException",
        json!({"Name": "two", "SecretString": "x", "SecretBinary": "eA=="}),
    );
    rig.refused(
        "CreateSecret",
        "InvalidParameterException",
        json!({"Name": "big", "SecretString": "x".repeat(65_537)}),
    );
    rig.ok("CreateSecret", json!({"Name": "empty"}));
    rig.refused("GetSecretValue", "ResourceNotFoundException", json!({"SecretId": "empty"}));
    rig.refused("RotateSecret", "UnknownOperationException", json!({}));
}

#[test]
fn a_deleted_secret_can_be_restored_until_its_window_ends() {
    let (mut rig, _) = one();
    let id = json!({"SecretId": "pitcrew/slack"});
    rig.refused(
        "DeleteSecret",
        "InvalidParameterException",
        json!({"SecretId": "pitcrew/slack", "RecoveryWindowInDays": 6}),
    );
    rig.ok("DeleteSecret", json!({"SecretId": "pitcrew/slack", "RecoveryWindowInDays": 7}));
    rig.refused("GetSecretValue", "InvalidRequestException", id.clone());
    rig.refused("CreateSecret", "InvalidRequestException", json!({"Name": "pitcrew/slack"}));
    assert_eq!(rig.ok("ListSecrets", json!({})), json!({"SecretList": []}));
    assert_eq!(
        rig.ok("ListSecrets", json!({"IncludePlannedDeletion": true}))["SecretList"][0]["Name"],
        "pitcrew/slack"
    );
    rig.ok("RestoreSecret", id.clone());
    assert_eq!(value(&mut rig, json!({})), "first");
    rig.ok("DeleteSecret", id.clone());
    assert_eq!(rig.service.next_due().map(|at| at.as_second() - rig.now.as_second()), Some(30 * 86_400));
    rig.pass(SignedDuration::from_hours(30 * 24));
    rig.refused("DescribeSecret", "ResourceNotFoundException", id);
}

#[test]
fn forced_deletion_is_at_once_and_twice_is_no_error() {
    let (mut rig, _) = one();
    let force = json!({"SecretId": "pitcrew/slack", "ForceDeleteWithoutRecovery": true});
    rig.ok("DeleteSecret", force.clone());
    rig.ok("DeleteSecret", force);
    rig.refused("GetSecretValue", "ResourceNotFoundException", json!({"SecretId": "pitcrew/slack"}));
    rig.ok("CreateSecret", json!({"Name": "pitcrew/slack"}));
}

#[test]
fn listings_come_in_pages() {
    let mut rig = Rig::new(SecretsManager::new());
    for name in ["a", "b", "c"] {
        rig.ok("CreateSecret", json!({"Name": name, "SecretString": name}));
    }
    let first = rig.ok("ListSecrets", json!({"MaxResults": 2}));
    assert_eq!(first["SecretList"].as_array().unwrap().len(), 2);
    let second = rig.ok("ListSecrets", json!({"MaxResults": 2, "NextToken": first["NextToken"]}));
    assert_eq!(second["SecretList"][0]["Name"], "c");
    assert!(second["SecretList"][0]["SecretVersionsToStages"].is_object());
    assert!(second.get("NextToken").is_none());
}
