//! What each call needs of the caller's policy.

use serde_json::{Value, json};

use crate::call::{Call, Caller, Need, Place, Service};

use super::super::needs::operations;
use super::{AppRunner, Cloud, ROLE, create};

const SERVICE: &str = "arn:aws:apprunner:eu-west-1:123456789012:service/shop-api/0123";

fn condition(key: &str, value: &str) -> (String, Vec<String>) {
    (key.to_owned(), vec![value.to_owned()])
}

fn needs(operation: &str, input: Value) -> Vec<Need> {
    needs_of(&AppRunner::new(), operation, input)
}

fn needs_of(apprunner: &AppRunner, operation: &str, input: Value) -> Vec<Need> {
    let place =
        Place { partition: "aws".to_owned(), region: "eu-west-1".to_owned(), account: "123456789012".to_owned() };
    let call = Call {
        service: "apprunner".to_owned(),
        operation: operation.to_owned(),
        input,
        caller: Caller::Operator,
        request_id: String::new(),
    };
    apprunner.needs(&place, &call)
}

#[test]
fn all_37_operations_are_known_and_need_something() {
    let names: Vec<&str> = operations().collect();
    assert_eq!(names.len(), 37);
    let mut cloud = Cloud::new();
    for operation in names {
        assert_eq!(needs(operation, json!({})).first().unwrap().action, format!("apprunner:{operation}"));
        if let Err(error) = cloud.call(operation, json!({})) {
            assert_ne!(error.code, "UnknownOperationException", "{operation}");
        }
    }
}

#[test]
fn a_call_on_a_service_needs_it_on_that_service() {
    for operation in ["DescribeService", "ListOperations", "UpdateService", "StartDeployment", "DescribeCustomDomains"]
    {
        let wanted = vec![Need::new(format!("apprunner:{operation}"), SERVICE)];
        assert_eq!(needs(operation, json!({ "ServiceArn": SERVICE })), wanted);
    }
}

#[test]
fn a_list_has_no_resource() {
    for operation in ["ListServices", "ListConnections", "ListVpcConnectors", "ListVpcIngressConnections"] {
        assert_eq!(needs(operation, json!({})), [Need::new(format!("apprunner:{operation}"), "*")]);
    }
}

#[test]
fn a_creation_is_checked_on_the_arn_that_will_be_and_on_the_roles_that_are_passed() {
    let mut input = create("shop-api");
    input["Tags"] = json!([{ "Key": "team", "Value": "red" }]);
    input["InstanceConfiguration"] = json!({ "InstanceRoleArn": "arn:aws:iam::123456789012:role/instance" });
    let mut made = Need::new("apprunner:CreateService", "arn:aws:apprunner:eu-west-1:123456789012:service/shop-api/*");
    made.conditions = vec![condition("aws:RequestTag/team", "red"), condition("aws:TagKeys", "team")];
    let pass = |role: &str| Need {
        conditions: vec![condition("iam:PassedToService", "apprunner.amazonaws.com")],
        ..Need::new("iam:PassRole", role)
    };
    let wanted = [made, pass(ROLE), pass("arn:aws:iam::123456789012:role/instance")];
    assert_eq!(needs("CreateService", input), wanted);
}

#[test]
fn what_an_update_names_is_a_condition_key() {
    let scaling = "arn:aws:apprunner:eu-west-1:123456789012:autoscalingconfiguration/size/1/0";
    let mut wanted = Need::new("apprunner:UpdateService", SERVICE);
    wanted.conditions = vec![condition("apprunner:AutoScalingConfigurationArn", scaling)];
    let input = json!({ "ServiceArn": SERVICE, "AutoScalingConfigurationArn": scaling });
    assert_eq!(needs("UpdateService", input), [wanted]);
}

#[test]
fn the_tags_of_a_resource_are_condition_keys_of_every_call_on_it() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    cloud.ok("TagResource", json!({ "ResourceArn": arn, "Tags": [{ "Key": "pitcrew:hold", "Value": "true" }] }));
    let mut wanted = Need::new("apprunner:StartDeployment", &arn);
    wanted.conditions = vec![condition("aws:ResourceTag/pitcrew:hold", "true")];
    assert_eq!(needs_of(&cloud.apprunner, "StartDeployment", json!({ "ServiceArn": arn })), [wanted]);
}
