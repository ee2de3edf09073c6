//! The ground: what the company's services share, as the guide would have it.

use serde_json::{Value, json};

use super::{FleetError, Site};

/// Who may assume an instance role, and who an access role.
pub(super) const TASKS: &str = "tasks.apprunner.amazonaws.com";
pub(super) const BUILD: &str = "build.apprunner.amazonaws.com";
/// Zones of the network.
const ZONES: [&str; 3] = ["a", "b", "c"];
/// Minutes after which a NAT gateway is there.
pub(super) const NAT_MINUTES: u64 = 2;

/// Ids and ARNs of what services share.
#[derive(Clone, Debug, Default)]
pub struct Ground {
    pub vpc: String,
    /// One in each of three zones, each with a table and a NAT gateway of its own.
    pub private: Vec<String>,
    pub private_tables: Vec<String>,
    pub public: Vec<String>,
    /// Lets HTTPS out, nothing in.
    pub group: String,
    /// Lets HTTPS in from the VPC.
    pub endpoint_group: String,
    /// An endpoint for private services, in three zones.
    pub endpoint: String,
    pub connector: String,
    pub scaling: String,
    pub tracing: String,
    pub instance_role: String,
    pub access_role: String,
    pub acl: String,
}

impl Ground {
    pub(super) async fn lay(site: &Site<'_>) -> Result<Self, FleetError> {
        let wish = json!({"Name": "larkspur", "Zones": 3, "Public": true, "Endpoints": ["s3", "xray"],
            "AppRunnerEndpoint": true});
        let made = site.internal("ec2", "_Network", wish)?;
        let vpc = id(&made["VpcId"])?;
        let public = ids(&made["PublicSubnets"]);
        let group = group(site, &vpc, "larkspur-out")?;
        let mut private = Vec::new();
        let mut private_tables = Vec::new();
        for (n, zone) in ZONES.into_iter().enumerate() {
            let block = format!("10.0.{}.0/20", 48 + 16 * n);
            private.push(subnet(site, &vpc, &block, zone)?);
            private_tables.push(table(site, &vpc, &private[n])?);
        }
        let mut nats = Vec::new();
        for subnet in &public {
            nats.push(nat(site, subnet)?);
        }
        site.minutes(NAT_MINUTES).await?;
        for (table, nat) in private_tables.iter().zip(&nats) {
            default_route(site, table, "NatGatewayId", nat)?;
        }
        let connector = connector(site, "larkspur-out", &private, std::slice::from_ref(&group))?;
        let (instance_role, access_role) = roles(site)?;
        Ok(Self {
            endpoint_group: id(&made["EndpointGroupId"])?,
            endpoint: id(&made["AppRunnerEndpointId"])?,
            scaling: scaling(site, "larkspur", 2, 10, 100)?,
            tracing: tracing(site, "larkspur")?,
            acl: acl(site)?,
            vpc,
            private,
            private_tables,
            public,
            group,
            connector,
            instance_role,
            access_role,
        })
    }
}

pub(super) fn id(value: &Value) -> Result<String, FleetError> {
    value.as_str().map(str::to_owned).ok_or_else(|| FleetError::Unknown(format!("an id, in {value}")))
}

pub(super) fn ids(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

pub(super) fn subnet(site: &Site<'_>, vpc: &str, block: &str, zone: &str) -> Result<String, FleetError> {
    let zone = format!("{}{zone}", site.place().region);
    let made = site.call("ec2", "CreateSubnet", json!({"VpcId": vpc, "CidrBlock": block, "AvailabilityZone": zone}))?;
    id(&made["Subnet"]["SubnetId"])
}

/// A route table of a subnet's own.
pub(super) fn table(site: &Site<'_>, vpc: &str, subnet: &str) -> Result<String, FleetError> {
    let made = site.call("ec2", "CreateRouteTable", json!({"VpcId": vpc}))?;
    let table = id(&made["RouteTable"]["RouteTableId"])?;
    site.call("ec2", "AssociateRouteTable", json!({"RouteTableId": table, "SubnetId": subnet}))?;
    Ok(table)
}

/// A NAT gateway in a public subnet.
pub(super) fn nat(site: &Site<'_>, subnet: &str) -> Result<String, FleetError> {
    let address = site.call("ec2", "AllocateAddress", json!({"Domain": "vpc"}))?;
    let input = json!({"SubnetId": subnet, "AllocationId": address["AllocationId"]});
    id(&site.call("ec2", "CreateNatGateway", input)?["NatGateway"]["NatGatewayId"])
}

pub(super) fn default_route(site: &Site<'_>, table: &str, member: &str, target: &str) -> Result<(), FleetError> {
    let mut route = json!({"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0"});
    route[member] = json!(target);
    site.call("ec2", "CreateRoute", route).map(|_| ())
}

/// A security group that lets nothing out and nothing in.
pub(super) fn closed_group(site: &Site<'_>, vpc: &str, name: &str) -> Result<String, FleetError> {
    let made =
        site.call("ec2", "CreateSecurityGroup", json!({"GroupName": name, "Description": name, "VpcId": vpc}))?;
    let group = id(&made["GroupId"])?;
    let everything = json!([{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]);
    site.call("ec2", "RevokeSecurityGroupEgress", json!({"GroupId": group, "IpPermissions": everything}))?;
    Ok(group)
}

/// A security group that lets HTTPS out, and nothing in.
pub(super) fn group(site: &Site<'_>, vpc: &str, name: &str) -> Result<String, FleetError> {
    let group = closed_group(site, vpc, name)?;
    let https = json!([{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]);
    site.call("ec2", "AuthorizeSecurityGroupEgress", json!({"GroupId": group, "IpPermissions": https}))?;
    Ok(group)
}

pub(super) fn connector(
    site: &Site<'_>,
    name: &str,
    subnets: &[String],
    groups: &[String],
) -> Result<String, FleetError> {
    let input = json!({"VpcConnectorName": name, "Subnets": subnets, "SecurityGroups": groups});
    id(&site.call("apprunner", "CreateVpcConnector", input)?["VpcConnector"]["VpcConnectorArn"])
}

pub(super) fn scaling(site: &Site<'_>, name: &str, min: u32, max: u32, each: u32) -> Result<String, FleetError> {
    let input = json!({"AutoScalingConfigurationName": name, "MinSize": min, "MaxSize": max, "MaxConcurrency": each});
    let made = site.call("apprunner", "CreateAutoScalingConfiguration", input)?;
    id(&made["AutoScalingConfiguration"]["AutoScalingConfigurationArn"])
}

pub(super) fn tracing(site: &Site<'_>, name: &str) -> Result<String, FleetError> {
    let input = json!({"ObservabilityConfigurationName": name, "TraceConfiguration": {"Vendor": "AWSXRAY"}});
    let made = site.call("apprunner", "CreateObservabilityConfiguration", input)?;
    id(&made["ObservabilityConfiguration"]["ObservabilityConfigurationArn"])
}

/// A role that these may assume, with these policies of AWS's own.
pub(super) fn role(site: &Site<'_>, name: &str, trusted: &[&str], managed: &[&str]) -> Result<String, FleetError> {
    let trust = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": trusted}, "Action": "sts:AssumeRole"}]});
    let input = json!({"RoleName": name, "AssumeRolePolicyDocument": trust.to_string()});
    let made = site.call("iam", "CreateRole", input)?;
    for policy in managed {
        let arn = format!("arn:{}:iam::aws:policy/{policy}", site.place().partition);
        site.call("iam", "AttachRolePolicy", json!({"RoleName": name, "PolicyArn": arn}))?;
    }
    id(&made["Role"]["Arn"])
}

fn roles(site: &Site<'_>) -> Result<(String, String), FleetError> {
    let instance = role(site, "larkspur-instance", &[TASKS], &["AWSXRayDaemonWriteAccess"])?;
    let access = role(site, "larkspur-access", &[BUILD], &["service-role/AWSAppRunnerServicePolicyForECRAccess"])?;
    Ok((instance, access))
}

fn acl(site: &Site<'_>) -> Result<String, FleetError> {
    let shown = json!({"SampledRequestsEnabled": true, "CloudWatchMetricsEnabled": true, "MetricName": "larkspur"});
    let input =
        json!({"Name": "larkspur", "Scope": "REGIONAL", "DefaultAction": {"Allow": {}}, "VisibilityConfig": shown});
    id(&site.call("wafv2", "CreateWebACL", input)?["Summary"]["ARN"])
}
