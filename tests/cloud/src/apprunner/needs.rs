//! The 37 operations, and what each needs of the caller's policy (the service authorization reference's resource types).

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

/// Further resources that `CreateService`, `UpdateService` and `CreateVpcIngressConnection` are checked on when the input
/// names them.
const NAMED: [(&str, &str); 5] = [
    ("CreateVpcIngressConnection", "/ServiceArn"),
    ("*Service", "/AutoScalingConfigurationArn"),
    ("*Service", "/SourceConfiguration/AuthenticationConfiguration/ConnectionArn"),
    ("*Service", "/ObservabilityConfiguration/ObservabilityConfigurationArn"),
    ("*Service", "/NetworkConfiguration/EgressConfiguration/VpcConnectorArn"),
];

/// Roles that the caller hands to App Runner, and to whom: `iam:PassRole` is asked for whenever one is sent.
const ROLES: [(&str, &str); 2] = [
    ("/SourceConfiguration/AuthenticationConfiguration/AccessRoleArn", "build.apprunner.amazonaws.com"),
    ("/InstanceConfiguration/InstanceRoleArn", "tasks.apprunner.amazonaws.com"),
];

pub(super) fn access(operation: &str) -> Option<Access> {
    OPERATIONS.iter().find(|(name, ..)| *name == operation).map(|(_, access, _)| *access)
}

/// The names of all operations.
#[cfg(test)]
pub(super) fn operations() -> impl Iterator<Item = &'static str> {
    OPERATIONS.iter().map(|(name, ..)| *name)
}

pub(super) fn needs(place: &Place, call: &Call) -> Vec<Need> {
    let operation = call.operation.as_str();
    let on = OPERATIONS.iter().find(|(name, ..)| *name == operation).map_or(On::Any, |(_, _, on)| *on);
    let resource = match on {
        On::Any => "*".to_owned(),
        On::Member(member) => call.text(member).to_owned(),
        On::New(kind, member) => {
            let Place { partition, region, account } = place;
            format!("arn:{partition}:apprunner:{region}:{account}:{kind}/{}/*", call.text(member))
        }
    };
    let action = format!("apprunner:{operation}");
    let mut needs = vec![Need::new(&action, resource)];
    if call.input.get("Tags").is_some() && operation.starts_with("Create") {
        // Creating with tags is also tagging.
        needs.extend(needs.first().map(|need| Need::new("apprunner:TagResource", &need.resource)));
    }
    let text = |pointer: &str| call.input.pointer(pointer).and_then(Value::as_str);
    let deploys = matches!(operation, "CreateService" | "UpdateService");
    for (of, pointer) in NAMED {
        if (of == operation || (of == "*Service" && deploys))
            && let Some(arn) = text(pointer)
        {
            needs.push(Need::new(&action, arn));
        }
    }
    for (pointer, service) in ROLES.into_iter().filter(|_| deploys) {
        if let Some(role) = text(pointer) {
            let mut need = Need::new("iam:PassRole", role);
            need.conditions.push(("iam:PassedToService".to_owned(), vec![service.to_owned()]));
            needs.push(need);
        }
    }
    needs
}
