//! EC2, read: the subnets that connectors and endpoints stand in with their routes, the security groups and the endpoints of
//! their VPCs.
//!
//! Everything is asked for by filters and never by ids: an id that is gone makes EC2 refuse the whole call, and a filter just
//! finds nothing, which is what the rules want to know.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types as sdk;
use pitcrew_aws::error::AwsError;
use pitcrew_core::audit::facts::{
    Connector, Endpoint, Ingress, NetworkFacts, Peer, Permission, Route, SecurityGroup, Subnet,
};
use pitcrew_core::fact::Fact;

use crate::fact::{likewise, settled};

/// Values that one filter takes.
const FILTER_VALUES_MAX: usize = 200;
/// Pages of one list of EC2, of at least 100 entries each.
const PAGES_MAX: usize = 200;

type Ids = BTreeSet<String>;

/// Reads a list of EC2 to its end, once for every 200 values of a filter.
macro_rules! filtered {
    ($operation:literal, $call:expr, $page:literal, $filter:literal, $values:expr, $items:ident) => {{
        let values: Vec<String> = $values.iter().cloned().collect();
        let mut all = Vec::new();
        for values in values.chunks(FILTER_VALUES_MAX) {
            let filter = sdk::Filter::builder().name($filter).set_values(Some(values.to_vec())).build();
            let mut token: Option<String> = None;
            let mut pages = 0;
            loop {
                pages += 1;
                if pages > PAGES_MAX {
                    return Err(AwsError::broken($operation, format!("there are more than {PAGES_MAX} pages")));
                }
                let call = $call.filters(filter.clone()).max_results($page).set_next_token(token.take());
                let page = call.send().await.map_err(|error| AwsError::sort($operation, error))?;
                all.extend(page.$items.unwrap_or_default());
                token = page.next_token.filter(|token| !token.is_empty());
                if token.is_none() {
                    break;
                }
            }
        }
        Ok(all)
    }};
}

/// All of it, for the VPCs that a connector or an ingress connection names. Zones alone are asked for where none does.
pub(crate) async fn observe(
    client: &Client,
    connectors: &Fact<Vec<Connector>>,
    ingresses: &Fact<Vec<Ingress>>,
) -> NetworkFacts {
    let zones = settled(zones(client).await);
    let (connectors, ingresses) = match (connectors, ingresses) {
        (Fact::Known(connectors), Fact::Known(ingresses)) => (connectors, ingresses),
        (Fact::Known(_), missing) => return without(zones, &likewise(missing)),
        (missing, _) => return without(zones, &likewise(missing)),
    };
    let named: Ids = connectors.iter().flat_map(|connector| connector.subnets.iter().cloned()).collect();
    let mut seen = match subnets(client, &named).await {
        Ok(seen) => seen,
        Err(error) => return without(zones, &settled::<()>(Err(error))),
    };
    let of_subnets = seen.iter().filter_map(|subnet| subnet.vpc_id.clone());
    let vpcs: Ids = of_subnets.chain(ingresses.iter().map(|ingress| ingress.vpc.clone())).collect();
    let endpoints = settled(endpoints(client, &vpcs).await);
    let groups = settled(groups(client, &vpcs).await);
    let of_endpoints: Ids = match &endpoints {
        Fact::Known(endpoints) => endpoints.iter().flat_map(|endpoint| endpoint.subnets.iter().cloned()).collect(),
        Fact::Unavailable(_) | Fact::Unread => Ids::new(),
    };
    let known: Ids = seen.iter().filter_map(|subnet| subnet.subnet_id.clone()).collect();
    let missing: Ids = of_endpoints.difference(&known).filter(|id| !named.contains(*id)).cloned().collect();
    let subnets = match subnets(client, &missing).await {
        Ok(more) => {
            seen.extend(more);
            let tables = settled(tables(client, &vpcs).await);
            match &tables {
                Fact::Known(tables) => Fact::Known(with_routes(&seen, tables)),
                Fact::Unavailable(_) | Fact::Unread => likewise(&tables),
            }
        }
        Err(error) => settled(Err(error)),
    };
    NetworkFacts { zones, subnets, groups, endpoints }
}

fn without(zones: Fact<Vec<String>>, missing: &Fact<()>) -> NetworkFacts {
    NetworkFacts { zones, subnets: likewise(missing), groups: likewise(missing), endpoints: likewise(missing) }
}

async fn zones(client: &Client) -> Result<Vec<String>, AwsError> {
    let filter = |name: &str, value: &str| sdk::Filter::builder().name(name).values(value).build();
    let call = client.describe_availability_zones().filters(filter("state", "available"));
    let answer = call.filters(filter("zone-type", "availability-zone")).send().await;
    let answer = answer.map_err(|error| AwsError::sort("ec2:DescribeAvailabilityZones", error))?;
    Ok(answer.availability_zones.unwrap_or_default().into_iter().filter_map(|zone| zone.zone_name).collect())
}

async fn subnets(client: &Client, ids: &Ids) -> Result<Vec<sdk::Subnet>, AwsError> {
    filtered!("ec2:DescribeSubnets", client.describe_subnets(), 1000, "subnet-id", ids, subnets)
}

async fn tables(client: &Client, vpcs: &Ids) -> Result<Vec<sdk::RouteTable>, AwsError> {
    filtered!("ec2:DescribeRouteTables", client.describe_route_tables(), 100, "vpc-id", vpcs, route_tables)
}

async fn groups(client: &Client, vpcs: &Ids) -> Result<BTreeMap<String, SecurityGroup>, AwsError> {
    let seen: Result<Vec<sdk::SecurityGroup>, AwsError> = filtered!(
        "ec2:DescribeSecurityGroups",
        client.describe_security_groups(),
        1000,
        "vpc-id",
        vpcs,
        security_groups
    );
    Ok(seen?.iter().filter_map(group).map(|group| (group.id.clone(), group)).collect())
}

async fn endpoints(client: &Client, vpcs: &Ids) -> Result<Vec<Endpoint>, AwsError> {
    let seen: Result<Vec<sdk::VpcEndpoint>, AwsError> =
        filtered!("ec2:DescribeVpcEndpoints", client.describe_vpc_endpoints(), 1000, "vpc-id", vpcs, vpc_endpoints);
    Ok(seen?.into_iter().filter_map(endpoint).collect())
}

/// Each subnet with the routes of its own table, else of its VPC's main one.
fn with_routes(subnets: &[sdk::Subnet], tables: &[sdk::RouteTable]) -> BTreeMap<String, Subnet> {
    let mut own: BTreeMap<&str, &sdk::RouteTable> = BTreeMap::new();
    let mut main: BTreeMap<&str, &sdk::RouteTable> = BTreeMap::new();
    for table in tables {
        for association in table.associations() {
            if let Some(subnet) = association.subnet_id() {
                own.insert(subnet, table);
            } else if association.main == Some(true)
                && let Some(vpc) = table.vpc_id()
            {
                main.insert(vpc, table);
            }
        }
    }
    let read = |subnet: &sdk::Subnet| {
        let (id, vpc) = (subnet.subnet_id()?, subnet.vpc_id()?);
        let table = own.get(id).or_else(|| main.get(vpc));
        let seen = Subnet {
            id: id.to_owned(),
            vpc: vpc.to_owned(),
            zone: subnet.availability_zone().unwrap_or_default().to_owned(),
            free_addresses: subnet.available_ip_address_count.and_then(|n| n.try_into().ok()).unwrap_or(0),
            routes: table.map(|table| table.routes().iter().filter_map(route).collect()).unwrap_or_default(),
        };
        Some((seen.id.clone(), seen))
    };
    subnets.iter().filter_map(read).collect()
}

fn route(seen: &sdk::Route) -> Option<Route> {
    let to = seen.destination_cidr_block().or(seen.destination_ipv6_cidr_block());
    let destination = to.or(seen.destination_prefix_list_id())?;
    // An address of an instance is named with its interface, and the interface is what the route leads to.
    let targets = [
        seen.gateway_id(),
        seen.nat_gateway_id(),
        seen.transit_gateway_id(),
        seen.vpc_peering_connection_id(),
        seen.egress_only_internet_gateway_id(),
        seen.network_interface_id(),
        seen.instance_id(),
        seen.local_gateway_id(),
        seen.carrier_gateway_id(),
        seen.core_network_arn(),
        seen.odb_network_arn(),
    ];
    Some(Route {
        destination: destination.to_owned(),
        target: targets.into_iter().flatten().next().unwrap_or_default().to_owned(),
        blackhole: seen.state == Some(sdk::RouteState::Blackhole),
    })
}

fn group(seen: &sdk::SecurityGroup) -> Option<SecurityGroup> {
    Some(SecurityGroup {
        id: seen.group_id.clone()?,
        name: seen.group_name.clone().unwrap_or_default(),
        vpc: seen.vpc_id.clone().unwrap_or_default(),
        inbound: seen.ip_permissions().iter().flat_map(permissions).collect(),
        outbound: seen.ip_permissions_egress().iter().flat_map(permissions).collect(),
    })
}

/// One permission for each peer. No peer at all is no permission.
fn permissions(seen: &sdk::IpPermission) -> Vec<Permission> {
    let protocol = seen.ip_protocol().unwrap_or("-1").to_owned();
    let ports = ports(&protocol, seen.from_port, seen.to_port);
    let v4 = seen.ip_ranges().iter().filter_map(|range| range.cidr_ip.clone()).map(Peer::Cidr);
    let v6 = seen.ipv6_ranges().iter().filter_map(|range| range.cidr_ipv6.clone()).map(Peer::Cidr);
    let groups = seen.user_id_group_pairs().iter().filter_map(|pair| pair.group_id.clone()).map(Peer::Group);
    let lists = seen.prefix_list_ids().iter().filter_map(|list| list.prefix_list_id.clone()).map(Peer::PrefixList);
    let peers = v4.chain(v6).chain(groups).chain(lists);
    peers.map(|peer| Permission { protocol: protocol.clone(), ports, peer }).collect()
}

/// `None` where every port is meant: no protocol is named, or the whole range is.
fn ports(protocol: &str, from: Option<i32>, to: Option<i32>) -> Option<(u16, u16)> {
    let range = (u16::try_from(from?).ok()?, u16::try_from(to?).ok()?);
    (protocol != "-1" && range != (0, u16::MAX)).then_some(range)
}

fn endpoint(seen: sdk::VpcEndpoint) -> Option<Endpoint> {
    Some(Endpoint {
        id: seen.vpc_endpoint_id?,
        vpc: seen.vpc_id?,
        service: seen.service_name.unwrap_or_default(),
        // EC2 writes it as `available` in some answers and as `Available` in others.
        state: seen.state.map(|state| state.as_str().to_ascii_lowercase()).unwrap_or_default(),
        gateway: seen.vpc_endpoint_type == Some(sdk::VpcEndpointType::Gateway),
        subnets: seen.subnet_ids.unwrap_or_default(),
        groups: seen.groups.unwrap_or_default().into_iter().filter_map(|group| group.group_id).collect(),
        private_dns: seen.private_dns_enabled.unwrap_or(false),
    })
}

#[cfg(test)]
#[path = "network_tests.rs"]
mod tests;
