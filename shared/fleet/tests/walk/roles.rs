//! Roles that are not the ones of their name in this account.

use pitcrew_core::audit::{Fleet, Part, ServiceFacts, Waivers, check_service};
use pitcrew_core::fact::Fact;
use pitcrew_fleet::walk::{Cursor, walk};
use serde_json::json;

use super::rig::{ACCOUNT, Rig, of_rule, settings};

const ELSEWHERE: &str = "210987654321";

/// The rules that read a role of a service with an image of ECR.
const OF_INSTANCE_ROLES: [&str; 4] =
    ["security-role-gone", "security-instance-admin", "security-instance-trust", "security-instance-untrusted"];
const OF_ACCESS_ROLES: [&str; 3] = ["security-access-wide", "security-access-untrusted", "security-access-denied"];

/// A role of this account that breaks every rule about roles.
fn plant_namesake(rig: &Rig, name: &str, path: &str) {
    let anyone = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"AWS": "arn:aws:iam::111122223333:root"}}]});
    let role = json!({"RoleName": name, "Path": path, "AssumeRolePolicyDocument": anyone.to_string()});
    rig.call("iam", "CreateRole", role);
    let all = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]});
    let policy = json!({"RoleName": name, "PolicyName": "all", "PolicyDocument": all.to_string()});
    rig.call("iam", "PutRolePolicy", policy);
}

/// A service with these two roles, and what the rules say of it.
async fn judged(rig: &Rig, instance: &str, access: &str) -> Part {
    let image = json!({"ImageIdentifier": format!("{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com/shop:v1"),
        "ImageRepositoryType": "ECR"});
    let source = json!({"ImageRepository": image, "AutoDeploymentsEnabled": false,
        "AuthenticationConfiguration": {"AccessRoleArn": access}});
    rig.create_with(
        "shop",
        json!({"SourceConfiguration": source, "InstanceConfiguration": {"InstanceRoleArn": instance}}),
    );
    let mut part = Part::default();
    let mut each = |fleet: &Fleet, facts: &ServiceFacts| {
        assert_eq!(facts.instance_role.as_deref(), Some(instance));
        part.merge(check_service(fleet, facts, &Waivers::default()));
    };
    let (settings, mut tell) = (settings(), |_: &_| {});
    let walking = walk(&rig.clients, &settings, Cursor::default(), &mut each, &mut tell);
    let walked = Box::pin(walking).await.unwrap();
    assert!(walked.fleet.roles_gone.len() + walked.fleet.roles.len() == 2, "{:?}", walked.fleet.roles);
    assert!(!walked.fleet.roles.values().any(|role| matches!(role, Fact::Known(_))), "no role of this name is theirs");
    part
}

#[tokio::test]
async fn a_role_of_another_account_is_not_checked_and_its_namesake_here_is_left_out_of_it() {
    let rig = Rig::set().await;
    plant_namesake(&rig, "instance", "/");
    plant_namesake(&rig, "access", "/");
    let role = |name: &str| format!("arn:aws:iam::{ELSEWHERE}:role/{name}");
    let part = judged(&rig, &role("instance"), &role("access")).await;
    for (rules, name) in [(&OF_INSTANCE_ROLES[1..], "instance"), (&OF_ACCESS_ROLES[..], "access")] {
        for rule in rules {
            let why = format!("the role {name} lies in the account {ELSEWHERE}");
            assert_eq!(of_rule(&part, rule), (0, vec![why]), "{rule}");
        }
    }
    let (found, unchecked) = of_rule(&part, "security-role-gone");
    assert_eq!((found, unchecked.len()), (0, 1), "nor is it said to be gone: {unchecked:?}");
    assert_eq!(rig.calls("iam", "GetRole"), 0, "IAM of this account knows nothing of it");
}

#[tokio::test]
async fn a_role_of_the_same_name_under_another_path_is_another_role() {
    let rig = Rig::set().await;
    plant_namesake(&rig, "instance", "/batch/");
    plant_namesake(&rig, "access", "/");
    let role = |name: &str| format!("arn:aws:iam::{ACCOUNT}:role/shop/{name}");
    let part = judged(&rig, &role("instance"), &role("access")).await;
    assert_eq!(of_rule(&part, "security-role-gone").0, 2, "both are gone: {:?}", part.findings);
    for rule in OF_INSTANCE_ROLES[1..].iter().chain(&OF_ACCESS_ROLES) {
        assert_eq!(of_rule(&part, rule), (0, vec![]), "{rule}");
    }
}
