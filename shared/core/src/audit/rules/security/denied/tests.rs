use serde_json::{Value, json};

use super::*;
use crate::audit::samples::{ACCESS_ROLE, INSTANCE_ROLE, fleet, look, role as sample_role, service};
use crate::audit::samples_more::managed_access_policy;
use crate::fact::Fact;
use crate::id::ImageRef;
use crate::service::Source;

const RULES: [&str; 2] = ["security-access-denied", "security-secrets-denied"];

fn with(arn: &str, policy: Value) -> Fleet {
    let mut fleet = fleet();
    fleet.roles.extend([sample_role(arn, "tasks.apprunner.amazonaws.com", policy)]);
    fleet
}

fn statement(effect: &str, actions: &Value) -> Value {
    json!({ "Effect": effect, "Action": actions, "Resource": "*" })
}

fn allow(actions: Value) -> Value {
    json!({ "Statement": [statement("Allow", &actions)] })
}

#[test]
fn an_access_role_that_cannot_pull_is_found_with_what_it_lacks() {
    let id = "security-access-denied";
    assert_eq!(look(id, &with(ACCESS_ROLE, managed_access_policy()), &service("shop-api")).found, []);
    let fleet = with(ACCESS_ROLE, allow(json!(["ecr:GetAuthorizationToken", "ecr:BatchGetImage"])));
    let found = look(id, &fleet, &service("shop-api")).found;
    assert_eq!(found[0].seen, "Its access role shop-api-access does not allow ecr:GetDownloadUrlForLayer.");
    let command = found[0].fix.command.as_ref().unwrap();
    assert!(command.ends_with("policy/service-role/AWSAppRunnerServicePolicyForECRAccess"), "{command}");
    let denial = json!({ "Statement": [statement("Allow", &json!("ecr:*")), statement("Deny", &json!("ecr:Batch*"))] });
    assert_eq!(look(id, &with(ACCESS_ROLE, denial), &service("shop-api")).found.len(), 1);
}

#[test]
fn a_public_image_is_pulled_without_a_role() {
    let mut public = service("shop-api");
    let image = ImageRef::parse("public.ecr.aws/nginx/nginx:1").unwrap();
    public.source = Source::Image { image, auto_deploy: Some(false) };
    let findings = look("security-access-denied", &with(ACCESS_ROLE, allow(json!("s3:*"))), &public);
    assert_eq!((findings.found.len(), findings.unchecked.len()), (0, 0));
}

#[test]
fn secrets_that_the_role_may_not_read_are_found_and_the_command_lets_it_read_exactly_them() {
    let id = "security-secrets-denied";
    let mut service = service("shop-api");
    let parameter = "arn:aws:ssm:eu-west-1:123456789012:parameter/shop/mode";
    service.secrets.insert("MODE".to_owned(), parameter.to_owned());
    let found = look(id, &fleet(), &service).found;
    assert_eq!(
        found[0].seen,
        "It names 2 secrets, and its instance role shop-api-instance does not allow ssm:GetParameters."
    );
    let command = found[0].fix.command.as_ref().unwrap();
    let document = command.split_once("--policy-document '").unwrap().1.strip_suffix('\'').unwrap();
    let document: Value = serde_json::from_str(document).unwrap();
    assert_eq!(document["Statement"][0]["Action"], "secretsmanager:GetSecretValue");
    assert_eq!(document["Statement"][1]["Resource"], json!([parameter]));
    let both = with(INSTANCE_ROLE, allow(json!(["secretsmanager:Get*", "ssm:GetParameters"])));
    assert_eq!(look(id, &both, &service).found, []);
}

#[test]
fn a_role_that_is_missing_or_gone_is_another_rules() {
    let mut gone = fleet();
    for arn in [ACCESS_ROLE, INSTANCE_ROLE] {
        gone.roles.remove(arn);
        gone.roles_gone.insert(arn.to_owned());
    }
    let bare = ServiceFacts { instance_role: None, access_role: None, ..service("shop-api") };
    for (fleet, service) in [(&gone, &service("shop-api")), (&fleet(), &bare)] {
        for id in RULES {
            let findings = look(id, fleet, service);
            assert_eq!((findings.found.len(), findings.unchecked.len()), (0, 0), "{id}");
        }
    }
}

#[test]
fn what_was_not_read_is_not_checked() {
    let mut unread = fleet();
    unread.roles.values_mut().for_each(|role| *role = Fact::Unavailable("denied".to_owned()));
    let mut bounded = fleet();
    for role in bounded.roles.values_mut() {
        let Fact::Known(role) = role else { panic!("no role") };
        role.boundary = Some("arn:aws:iam::123456789012:policy/edge".to_owned());
    }
    for fleet in [&unread, &bounded] {
        for id in RULES {
            let findings = look(id, fleet, &service("shop-api"));
            assert_eq!((findings.found.len(), findings.unchecked.len()), (0, 1), "{id}");
        }
    }
}
