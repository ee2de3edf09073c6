use serde_json::{Value, json};

use super::*;
use crate::audit::Resource;
use crate::audit::facts::Variable;
use crate::audit::samples::{ACCESS_ROLE, INSTANCE_ROLE, fleet, look, role as sample_role, service};
use crate::audit::samples_more::managed_access_policy;
use crate::fact::Fact;

const INSTANCE: [&str; 3] = ["security-instance-admin", "security-instance-trust", "security-instance-untrusted"];
const ACCESS: [&str; 2] = ["security-access-wide", "security-access-untrusted"];

fn found(fleet: &Fleet) -> Vec<&'static str> {
    let ids = INSTANCE.into_iter().chain(ACCESS).chain(["security-role-gone"]);
    ids.filter(|id| !look(id, fleet, &service("shop-api")).found.is_empty()).collect()
}

fn with(arn: &str, principal: &str, policy: Value) -> Fleet {
    let mut fleet = fleet();
    fleet.roles.extend([sample_role(arn, principal, policy)]);
    fleet
}

fn allow(actions: Value) -> Value {
    json!({ "Statement": [{ "Effect": "Allow", "Action": actions, "Resource": "*" }] })
}

fn known<'f>(fleet: &'f mut Fleet, arn: &str) -> &'f mut RoleFacts {
    let Some(Fact::Known(role)) = fleet.roles.get_mut(arn) else { panic!("no role") };
    role
}

#[test]
fn roles_as_they_should_be_are_no_finding() {
    assert_eq!(found(&fleet()), [] as [&str; 0]);
    assert_eq!(found(&with(ACCESS_ROLE, BUILD, managed_access_policy())), [] as [&str; 0]);
}

#[test]
fn an_instance_role_that_can_do_everything_is_found_with_its_policy() {
    let mut fleet = with(INSTANCE_ROLE, TASKS, allow(json!("*")));
    assert_eq!(found(&fleet), ["security-instance-admin"]);
    let command = |fleet: &Fleet| {
        look("security-instance-admin", fleet, &service("shop-api")).found[0].fix.command.clone().unwrap()
    };
    assert_eq!(command(&fleet), "aws iam delete-role-policy --role-name shop-api-instance --policy-name service");
    known(&mut fleet, INSTANCE_ROLE).policies[0].name = "arn:aws:iam::aws:policy/AdministratorAccess".to_owned();
    assert!(command(&fleet).ends_with("--policy-arn arn:aws:iam::aws:policy/AdministratorAccess"));
    known(&mut fleet, INSTANCE_ROLE).boundary = Some("arn:aws:iam::123456789012:policy/edge".to_owned());
    let findings = look("security-instance-admin", &fleet, &service("shop-api"));
    assert_eq!((findings.found.len(), findings.unchecked.len()), (0, 1));
}

#[test]
fn an_instance_role_that_others_may_assume_is_found() {
    let mut fleet = fleet();
    let principals = json!({ "Service": [TASKS, "lambda.amazonaws.com"] });
    known(&mut fleet, INSTANCE_ROLE).trust =
        json!({ "Statement": [{ "Effect": "Allow", "Principal": principals, "Action": "sts:AssumeRole" }] });
    assert_eq!(found(&fleet), ["security-instance-trust"]);
    let findings = look("security-instance-trust", &fleet, &service("shop-api"));
    assert!(findings.found[0].seen.ends_with("can also be assumed by lambda.amazonaws.com."));
}

#[test]
fn roles_that_app_runner_may_not_assume_are_found() {
    assert_eq!(
        found(&with(INSTANCE_ROLE, "ecs-tasks.amazonaws.com", allow(json!("s3:GetObject")))),
        ["security-instance-trust", "security-instance-untrusted"]
    );
    let access = with(ACCESS_ROLE, TASKS, managed_access_policy());
    assert_eq!(found(&access), ["security-access-untrusted"]);
    let command =
        look("security-access-untrusted", &access, &service("shop-api")).found[0].fix.command.clone().unwrap();
    assert!(command.contains("get-role --role-name shop-api-access"), "it keeps what stands there: {command}");
    assert!(command.contains(&format!(r#""Principal":{{"Service":"{BUILD}"}}"#)), "{command}");
}

#[test]
fn an_access_role_that_does_more_than_read_is_found() {
    for actions in [json!(["ecr:BatchGetImage", "ecr:PutImage"]), json!("ecr:*"), json!("*"), json!("s3:GetObject")] {
        assert_eq!(found(&with(ACCESS_ROLE, BUILD, allow(actions.clone()))), ["security-access-wide"], "{actions}");
    }
    assert_eq!(found(&with(ACCESS_ROLE, BUILD, allow(json!(["ecr:Get*", "ECR:ListImages"])))), [] as [&str; 0]);
    let unreadable = with(ACCESS_ROLE, BUILD, json!(null));
    assert_eq!(look("security-access-wide", &unreadable, &service("shop-api")).unchecked.len(), 1);
}

#[test]
fn a_role_that_is_gone_is_found_once_and_by_one_rule() {
    for arn in [INSTANCE_ROLE, ACCESS_ROLE] {
        let mut fleet = fleet();
        fleet.roles.remove(arn);
        fleet.roles_gone.insert(arn.to_owned());
        assert_eq!(found(&fleet), ["security-role-gone"]);
        assert_eq!(look("security-role-gone", &fleet, &service("shop-api")).found[0].key, arn);
    }
}

#[test]
fn an_instance_role_is_missed_where_something_needs_one() {
    let mut service = service("shop-api");
    service.instance_role = None;
    let grade = |service: &ServiceFacts| {
        look("security-no-instance-role", &fleet(), service).found.first().and_then(|seen| seen.grade)
    };
    assert_eq!(grade(&service), Some(Grade::High));
    service.secrets.clear();
    assert_eq!(grade(&service), Some(Grade::Low));
    service.tracing = Tracing::Off;
    assert_eq!(grade(&service), None);
    service.environment = vec![Variable { name: "KEY".to_owned(), suspicion: Some(Suspicion::AwsKey) }];
    assert_eq!(grade(&service), Some(Grade::Medium));
    service.instance_role = Some(INSTANCE_ROLE.to_owned());
    assert_eq!(grade(&service), None);
}

#[test]
fn without_the_roles_nothing_is_fine() {
    let mut denied = fleet();
    denied.roles.values_mut().for_each(|role| *role = Fact::Unavailable("denied".to_owned()));
    let mut unread = fleet();
    unread.roles.clear();
    for id in INSTANCE.into_iter().chain(ACCESS).chain(["security-role-gone"]) {
        for fleet in [&denied, &unread] {
            let findings = look(id, fleet, &service("shop-api"));
            assert_eq!((findings.found.len(), findings.unchecked.len()), (0, 1), "{id}");
        }
    }
}

#[test]
fn a_service_without_roles_is_none_of_these_rules_business() {
    let bare = ServiceFacts { instance_role: None, access_role: None, ..service("shop-api") };
    for id in INSTANCE.into_iter().chain(ACCESS).chain(["security-role-gone"]) {
        let findings = look(id, &fleet(), &bare);
        assert_eq!((findings.found.len(), findings.unchecked.len()), (0, 0), "{id}");
    }
}

#[test]
fn a_finding_about_a_role_is_about_its_service() {
    let fleet = with(INSTANCE_ROLE, TASKS, allow(json!("*")));
    let service = service("shop-api");
    let findings = look("security-instance-admin", &fleet, &service);
    assert_eq!(findings.found[0].resource, Resource::Service { arn: service.arn.clone() });
}
