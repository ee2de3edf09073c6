//! Connectors, and what is wrong with the network that they lead to. Ten of them are as many as an account may have.

use serde_json::json;

use super::ground::{self, NAT_MINUTES, closed_group, connector, default_route, group, id, nat, subnet, table};
use super::{Fleet, FleetError, Site};

/// A subnet and a group that were deleted while a connector still named them.
const GONE_SUBNET: &str = "subnet-0123456789abcdef0";
const GONE_GROUP: &str = "sg-0123456789abcdef0";

pub(super) async fn plant(site: &Site<'_>, fleet: &mut Fleet) -> Result<(), FleetError> {
    small(site, fleet)?;
    through_igw(site, fleet)?;
    cellar(site, fleet)?;
    uneven(site, fleet)?;
    blackhole(site, fleet).await?;
    afternoon(site, fleet)?;
    cleaned_up(site, fleet)?;
    closed(site, fleet)?;
    unused(site, fleet)
}

/// Makes a connector and keeps it under its name.
fn connect(site: &Site<'_>, fleet: &mut Fleet, name: &str, subnets: &[String], group: &str) -> Result<(), FleetError> {
    let arn = connector(site, name, subnets, &[group.to_owned()])?;
    fleet.others.insert(name.to_owned(), arn);
    Ok(())
}

/// One subnet of sixteen addresses, most of which are taken.
fn small(site: &Site<'_>, fleet: &mut Fleet) -> Result<(), FleetError> {
    let ground = fleet.ground.clone();
    let subnet = subnet(site, &ground.vpc, "10.0.240.0/28", "a")?;
    let own = table(site, &ground.vpc, &subnet)?;
    let answer = site.call("ec2", "DescribeNatGateways", json!({}))?;
    default_route(site, &own, "NatGatewayId", &id(&answer["NatGateways"][0]["NatGatewayId"])?)?;
    for service in ["sqs", "sns", "kms", "sts", "logs"] {
        let service = format!("com.amazonaws.{}.{service}", site.place().region);
        let input = json!({"VpcId": ground.vpc, "VpcEndpointType": "Interface", "ServiceName": service,
            "SubnetIds": [subnet], "SecurityGroupIds": [ground.endpoint_group], "PrivateDnsEnabled": false});
        site.call("ec2", "CreateVpcEndpoint", input)?;
    }
    fleet.others.insert("small-subnet".to_owned(), subnet.clone());
    connect(site, fleet, "small", &[subnet], &ground.group)
}

/// The public subnets: their default route serves no private address.
fn through_igw(site: &Site<'_>, fleet: &mut Fleet) -> Result<(), FleetError> {
    let ground = fleet.ground.clone();
    connect(site, fleet, "through-igw", &ground.public, &ground.group)
}

/// A VPC out of which nothing leads, and in which nothing lets anybody in.
fn cellar(site: &Site<'_>, fleet: &mut Fleet) -> Result<(), FleetError> {
    let made = site.internal("ec2", "_Network", json!({"Name": "cellar", "Zones": 3}))?;
    let group = group(site, &id(&made["VpcId"])?, "cellar-out")?;
    connect(site, fleet, "cellar", &ground::ids(&made["PrivateSubnets"]), &group)
}

/// The private subnets, with another one in the second zone.
fn with_other_subnet(fleet: &Fleet, other: &str) -> Vec<String> {
    let mut subnets = fleet.ground.private.clone();
    if let Some(second) = subnets.get_mut(1) {
        other.clone_into(second);
    }
    subnets
}

/// One of three subnets has no default route.
fn uneven(site: &Site<'_>, fleet: &mut Fleet) -> Result<(), FleetError> {
    let ground = fleet.ground.clone();
    let other = subnet(site, &ground.vpc, "10.0.241.0/24", "b")?;
    table(site, &ground.vpc, &other)?;
    connect(site, fleet, "uneven", &with_other_subnet(fleet, &other), &ground.group)
}

/// The NAT gateway of one of three subnets was deleted.
async fn blackhole(site: &Site<'_>, fleet: &mut Fleet) -> Result<(), FleetError> {
    let ground = fleet.ground.clone();
    let other = subnet(site, &ground.vpc, "10.0.242.0/24", "b")?;
    let own = table(site, &ground.vpc, &other)?;
    let public = ground.public.get(1).cloned().unwrap_or_default();
    let gateway = nat(site, &public)?;
    site.minutes(NAT_MINUTES).await?;
    default_route(site, &own, "NatGatewayId", &gateway)?;
    site.call("ec2", "DeleteNatGateway", json!({"NatGatewayId": gateway}))?;
    site.minutes(NAT_MINUTES).await?;
    connect(site, fleet, "blackhole", &with_other_subnet(fleet, &other), &ground.group)
}

/// A network that somebody made in an afternoon: one NAT gateway for three zones, and everything may leave.
fn afternoon(site: &Site<'_>, fleet: &mut Fleet) -> Result<(), FleetError> {
    let wish = json!({"Name": "afternoon", "Zones": 3, "Nat": true, "Endpoints": ["xray"]});
    let made = site.internal("ec2", "_Network", wish)?;
    connect(site, fleet, "afternoon", &ground::ids(&made["PrivateSubnets"]), &id(&made["GroupId"])?)
}

/// Somebody tidied up: a subnet and a group that it names are gone.
fn cleaned_up(site: &Site<'_>, fleet: &mut Fleet) -> Result<(), FleetError> {
    let ground = fleet.ground.clone();
    let mut subnets = ground.private;
    subnets.push(GONE_SUBNET.to_owned());
    let arn = connector(site, "cleaned-up", &subnets, &[ground.group, GONE_GROUP.to_owned()])?;
    fleet.others.insert("cleaned-up".to_owned(), arn);
    Ok(())
}

/// A group that lets nothing out.
fn closed(site: &Site<'_>, fleet: &mut Fleet) -> Result<(), FleetError> {
    let ground = fleet.ground.clone();
    let group = closed_group(site, &ground.vpc, "closed")?;
    connect(site, fleet, "closed", &ground.private, &group)
}

/// A connector that no service uses.
fn unused(site: &Site<'_>, fleet: &mut Fleet) -> Result<(), FleetError> {
    let ground = fleet.ground.clone();
    connect(site, fleet, "unused", &ground.private, &ground.group)
}
