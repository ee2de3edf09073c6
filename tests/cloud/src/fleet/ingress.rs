//! The ways into private services: ingress connections and their endpoints.

use serde_json::json;

use super::ground::closed_group;
use super::{Fleet, FleetError, Site};

/// An endpoint that was deleted while an ingress connection still names it.
const GONE_ENDPOINT: &str = "vpce-0123456789abcdef0";

/// Eight ingress connections: enough to come near the quota. `depot-desk` has none.
pub(super) fn plant(site: &Site<'_>, fleet: &mut Fleet) -> Result<(), FleetError> {
    let endpoint = fleet.ground.endpoint.clone();
    connect(site, fleet, "depot", "depot-in", &endpoint)?;
    connect(site, fleet, "depot", "depot-spare", &endpoint)?;
    connect(site, fleet, "depot-cameras", "cameras-in", &endpoint)?;
    failed(site, fleet)?;
    connect(site, fleet, "depot", "depot-gone", GONE_ENDPOINT)?;
    of_another_service(site, fleet)?;
    narrow(site, fleet)?;
    open(site, fleet)
}

fn connect(
    site: &Site<'_>,
    fleet: &mut Fleet,
    service: &str,
    name: &str,
    endpoint: &str,
) -> Result<String, FleetError> {
    let input = json!({"ServiceArn": fleet.service(service)?, "VpcIngressConnectionName": name,
        "IngressVpcConfiguration": {"VpcId": fleet.ground.vpc, "VpcEndpointId": endpoint}});
    let made = site.call("apprunner", "CreateVpcIngressConnection", input)?;
    fleet.keep(name, &made["VpcIngressConnection"]["VpcIngressConnectionArn"])
}

fn endpoint(
    site: &Site<'_>,
    fleet: &mut Fleet,
    name: &str,
    service: &str,
    subnets: &[String],
    group: &str,
) -> Result<String, FleetError> {
    let service = format!("com.amazonaws.{}.{service}", site.place().region);
    let input = json!({"VpcId": fleet.ground.vpc, "VpcEndpointType": "Interface", "ServiceName": service,
        "SubnetIds": subnets, "SecurityGroupIds": [group], "PrivateDnsEnabled": false});
    let made = site.call("ec2", "CreateVpcEndpoint", input)?;
    fleet.keep(name, &made["VpcEndpoint"]["VpcEndpointId"])
}

fn failed(site: &Site<'_>, fleet: &mut Fleet) -> Result<(), FleetError> {
    let endpoint = fleet.ground.endpoint.clone();
    let arn = connect(site, fleet, "depot", "depot-failed", &endpoint)?;
    site.internal("apprunner", "_IngressFails", json!({"VpcIngressConnectionArn": arn})).map(|_| ())
}

/// Somebody took the endpoint of another service.
fn of_another_service(site: &Site<'_>, fleet: &mut Fleet) -> Result<(), FleetError> {
    let ground = fleet.ground.clone();
    let made = endpoint(site, fleet, "lambda-endpoint", "lambda", &ground.private, &ground.endpoint_group)?;
    connect(site, fleet, "depot", "depot-confused", &made).map(|_| ())
}

/// An endpoint in one zone, whose group lets nobody in.
fn narrow(site: &Site<'_>, fleet: &mut Fleet) -> Result<(), FleetError> {
    let ground = fleet.ground.clone();
    let group = closed_group(site, &ground.vpc, "narrow")?;
    let subnets: Vec<String> = ground.private.into_iter().take(1).collect();
    let made = endpoint(site, fleet, "narrow-endpoint", "apprunner.requests", &subnets, &group)?;
    connect(site, fleet, "depot", "depot-narrow", &made).map(|_| ())
}

/// An endpoint whose group lets everybody in.
fn open(site: &Site<'_>, fleet: &mut Fleet) -> Result<(), FleetError> {
    let ground = fleet.ground.clone();
    let group = closed_group(site, &ground.vpc, "open")?;
    let https = json!([{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]);
    site.call("ec2", "AuthorizeSecurityGroupIngress", json!({"GroupId": group, "IpPermissions": https}))?;
    let made = endpoint(site, fleet, "open-endpoint", "apprunner.requests", &ground.private, &group)?;
    connect(site, fleet, "depot", "depot-open", &made).map(|_| ())
}
