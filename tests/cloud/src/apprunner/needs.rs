//! The 37 operations, and what each needs of the caller's policy (the service authorization reference's resource types).

use std::collections::BTreeMap;

use serde_json::Value;

use crate::call::{Call, Need, Place};

/// Whether CloudTrail records the call as a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// On which resource the action is checked.
#[derive(Clone, Copy, Debug)]
enum On {
    /// The ARN in this member of the input.
    Member(&'static str),
    /// A resource that does not exist yet: kind, and the member with its name.
    New(&'static str, &'static str),
    /// The action has no resource.
    Any,
}

const OPERATIONS: [(&str, Access, On); 37] = {
    use Access::{Read, Write};
    use On::{Any, Member, New};
    [
        ("AssociateCustomDomain", Write, Member("ServiceArn")),
        ("CreateAutoScalingConfiguration", Write, New("autoscalingconfiguration", "AutoScalingConfigurationName")),
        ("CreateConnection", Write, New("connection", "ConnectionName")),
        (
            "CreateObservabilityConfiguration",
            Write,
            New("observabilityconfiguration", "ObservabilityConfigurationName"),
        ),
        ("CreateService", Write, New("service", "ServiceName")),
        ("CreateVpcConnector", Write, New("vpcconnector", "VpcConnectorName")),
        ("CreateVpcIngressConnection", Write, New("vpcingressconnection", "VpcIngressConnectionName")),
        ("DeleteAutoScalingConfiguration", Write, Member("AutoScalingConfigurationArn")),
        ("DeleteConnection", Write, Member("ConnectionArn")),
        ("DeleteObservabilityConfiguration", Write, Member("ObservabilityConfigurationArn")),
        ("DeleteService", Write, Member("ServiceArn")),
        ("DeleteVpcConnector", Write, Member("VpcConnectorArn")),
        ("DeleteVpcIngressConnection", Write, Member("VpcIngressConnectionArn")),
        ("DescribeAutoScalingConfiguration", Read, Member("AutoScalingConfigurationArn")),
        ("DescribeCustomDomains", Read, Member("ServiceArn")),
        ("DescribeObservabilityConfiguration", Read, Member("ObservabilityConfigurationArn")),
        ("DescribeService", Read, Member("ServiceArn")),
        ("DescribeVpcConnector", Read, Member("VpcConnectorArn")),
        ("DescribeVpcIngressConnection", Read, Member("VpcIngressConnectionArn")),
        ("DisassociateCustomDomain", Write, Member("ServiceArn")),
        ("ListAutoScalingConfigurations", Read, Any),
        ("ListConnections", Read, Any),
        ("ListObservabilityConfigurations", Read, Any),
        ("ListOperations", Read, Member("ServiceArn")),
        ("ListServices", Read, Any),
        ("ListServicesForAutoScalingConfiguration", Read, Member("AutoScalingConfigurationArn")),
        ("ListTagsForResource", Read, Member("ResourceArn")),
        ("ListVpcConnectors", Read, Any),
        ("ListVpcIngressConnections", Read, Any),
        ("PauseService", Write, Member("ServiceArn")),
        ("ResumeService", Write, Member("ServiceArn")),
        ("StartDeployment", Write, Member("ServiceArn")),
        ("TagResource", Write, Member("ResourceArn")),
        ("UntagResource", Write, Member("ResourceArn")),
        ("UpdateDefaultAutoScalingConfiguration", Write, Member("AutoScalingConfigurationArn")),
        ("UpdateService", Write, Member("ServiceArn")),
        ("UpdateVpcIngressConnection", Write, Member("VpcIngressConnectionArn")),
    ]
};

/// Condition keys of `CreateService`, `UpdateService` and `CreateVpcIngressConnection`, and where the input has their values.
/// The guide's example lets a policy name only the service and narrow the rest by these keys.
const CONDITIONS: [(&str, &str); 7] = [
    ("apprunner:AutoScalingConfigurationArn", "/AutoScalingConfigurationArn"),
    ("apprunner:ConnectionArn", "/SourceConfiguration/AuthenticationConfiguration/ConnectionArn"),
    ("apprunner:ObservabilityConfigurationArn", "/ObservabilityConfiguration/ObservabilityConfigurationArn"),
    ("apprunner:VpcConnectorArn", "/NetworkConfiguration/EgressConfiguration/VpcConnectorArn"),
    ("apprunner:ServiceArn", "/ServiceArn"),
    ("apprunner:VpcId", "/IngressVpcConfiguration/VpcId"),
    ("apprunner:VpcEndpointId", "/IngressVpcConfiguration/VpcEndpointId"),
];

/// Roles that the caller hands to App Runner: `iam:PassRole` is asked for whenever one is sent.
const ROLES: [&str; 2] =
    ["/SourceConfiguration/AuthenticationConfiguration/AccessRoleArn", "/InstanceConfiguration/InstanceRoleArn"];
/// As AWS's managed policy `AWSAppRunnerFullAccess` has it.
const PASSED_TO: &str = "apprunner.amazonaws.com";

pub(super) fn access(operation: &str) -> Option<Access> {
    OPERATIONS.iter().find(|(name, ..)| *name == operation).map(|(_, access, _)| *access)
}

/// The names of all operations.
#[cfg(test)]
pub(super) fn operations() -> impl Iterator<Item = &'static str> {
    OPERATIONS.iter().map(|(name, ..)| *name)
}

/// What a call needs; `tags` are those of the resource that it is about.
pub(super) fn needs(place: &Place, call: &Call, tags: impl Fn(&str) -> BTreeMap<String, String>) -> Vec<Need> {
    let operation = call.operation.as_str();
    let on = OPERATIONS.iter().find(|(name, ..)| *name == operation).map_or(On::Any, |(_, _, on)| *on);
    let mut need = Need::new(format!("apprunner:{operation}"), resource(place, call, on));
    let tags = tags(&need.resource);
    need.conditions = tags.into_iter().map(|(key, value)| (format!("aws:ResourceTag/{key}"), vec![value])).collect();
    need.conditions.extend(request_tags(&call.input));
    let text = |pointer: &str| call.input.pointer(pointer).and_then(Value::as_str);
    let deploys = matches!(operation, "CreateService" | "UpdateService");
    if deploys || operation == "CreateVpcIngressConnection" {
        let named = CONDITIONS.into_iter().filter(|(key, _)| !deploys || *key != "apprunner:ServiceArn");
        need.conditions
            .extend(named.filter_map(|(key, at)| text(at).map(|value| (key.to_owned(), vec![value.to_owned()]))));
    }
    let passed = ROLES.into_iter().filter(|_| deploys).filter_map(text).map(|role| Need {
        conditions: vec![("iam:PassedToService".to_owned(), vec![PASSED_TO.to_owned()])],
        ..Need::new("iam:PassRole", role)
    });
    std::iter::once(need).chain(passed).collect()
}

fn resource(place: &Place, call: &Call, on: On) -> String {
    match on {
        On::Any => "*".to_owned(),
        On::Member(member) => call.text(member).to_owned(),
        On::New(kind, member) => {
            let Place { partition, region, account } = place;
            format!("arn:{partition}:apprunner:{region}:{account}:{kind}/{}/*", call.text(member))
        }
    }
}

/// `aws:RequestTag/...` and `aws:TagKeys` of a request that has tags.
fn request_tags(input: &Value) -> Vec<(String, Vec<String>)> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut conditions = Vec::new();
    let mut keys = Vec::new();
    for tag in input.get("Tags").and_then(Value::as_array).into_iter().flatten() {
        let key = text(tag.get("Key"));
        conditions.push((format!("aws:RequestTag/{key}"), vec![text(tag.get("Value"))]));
        keys.push(key);
    }
    let removed = input.get("TagKeys").and_then(Value::as_array).into_iter().flatten();
    keys.extend(removed.map(|key| text(Some(key))));
    if !keys.is_empty() {
        conditions.push(("aws:TagKeys".to_owned(), keys));
    }
    conditions
}
