//! Where the subnets of a connector stand, and where their routes lead.

use std::collections::BTreeSet;

use super::super::super::facts::{Connector, ConnectorStatus, Egress, Endpoint, Fleet, Route, Subnet};
use super::super::super::{Findings, Resource, ServiceFacts};
use super::super::fix::update_network;
use super::super::subject::this;
use super::{anew, is_used, of, subnets, used};
use crate::dns::command::quote;

/// What AWS recommends.
const ZONES: usize = 3;
/// Fewer free addresses are few: App Runner shares interfaces, so it takes them one by one.
const FREE_ADDRESSES_MIN: u32 = 8;

fn default_routes(subnet: &Subnet) -> impl Iterator<Item = &Route> {
    subnet.routes.iter().filter(|route| route.destination == "0.0.0.0/0")
}

/// Whether anything outside the VPC can be reached through it. An internet gateway is a way, only not for a connector:
/// another rule says so.
pub(super) fn has_way_out(subnet: &Subnet) -> bool {
    default_routes(subnet).any(|route| !route.blackhole)
}

fn is_public(subnet: &Subnet) -> bool {
    default_routes(subnet).any(|route| !route.blackhole && route.target.starts_with("igw-"))
}

fn listed(words: &[&str]) -> String {
    words.join(", ")
}

fn groups(connector: &Connector) -> Vec<&str> {
    connector.groups.iter().map(String::as_str).collect()
}

pub(super) fn zones(fleet: &Fleet, out: &mut Findings) {
    for connector in used(fleet, out) {
        let Some(region) = out.known(&of(connector), &fleet.network.zones) else { continue };
        let Some(subnets) = subnets(fleet, connector, out) else { continue };
        let here: BTreeSet<&str> = subnets.iter().map(|subnet| subnet.zone.as_str()).collect();
        // One whose subnets are all gone stands in no zone, and another rule says so.
        if here.is_empty() || here.len() >= ZONES.min(region.len()) {
            continue;
        }
        let free: Vec<&str> = region.iter().map(String::as_str).filter(|zone| !here.contains(zone)).collect();
        let mut wanted: Vec<&str> = connector.subnets.iter().map(String::as_str).collect();
        wanted.push("SUBNET_OF_ANOTHER_ZONE");
        out.find(
            of(connector),
            format!(
                "It stands in {} of {} zones: {}. There are also {}.",
                here.len(),
                region.len(),
                listed(&here.into_iter().collect::<Vec<_>>()),
                listed(&free)
            ),
            "Make a revision with a subnet in each of three zones, and give it to its services. Not every zone takes App \
             Runner; the call says which do not.",
            anew(connector, &wanted, &groups(connector)),
        );
    }
}

/// A command that makes the connector anew without one of its subnets.
fn without(connector: &Connector, subnet: &str) -> String {
    let mut wanted: Vec<&str> = connector.subnets.iter().map(String::as_str).filter(|id| *id != subnet).collect();
    wanted.push("PRIVATE_SUBNET");
    anew(connector, &wanted, &groups(connector))
}

pub(super) fn public_subnet(fleet: &Fleet, out: &mut Findings) {
    for connector in used(fleet, out) {
        for subnet in subnets(fleet, connector, out).unwrap_or_default() {
            if is_public(subnet) {
                out.find_at(
                    of(connector),
                    subnet.id.as_str(),
                    format!("The default route of {} ({}) is an internet gateway.", subnet.id, subnet.zone),
                    "Make a revision with a private subnet of that zone, whose default route is a NAT gateway.",
                    without(connector, &subnet.id),
                );
            }
        }
    }
}

pub(super) fn no_way_out(fleet: &Fleet, out: &mut Findings) {
    for connector in used(fleet, out) {
        let Some(subnets) = subnets(fleet, connector, out) else { continue };
        let Some(vpc) = subnets.first().map(|subnet| subnet.vpc.as_str()) else { continue };
        if subnets.iter().any(|subnet| has_way_out(subnet)) {
            continue;
        }
        let Some(endpoints) = out.known(&of(connector), &fleet.network.endpoints) else { continue };
        let routed = |endpoint: &Endpoint| {
            subnets.iter().flat_map(|subnet| &subnet.routes).any(|route| route.target == endpoint.id)
        };
        // What leads into App Runner leads nowhere else, and a gateway serves the subnets that have a route to it.
        let leads = |endpoint: &&Endpoint| {
            endpoint.vpc == vpc
                && endpoint.state.eq_ignore_ascii_case("available")
                && !endpoint.service.contains(".apprunner")
                && (!endpoint.gateway || routed(endpoint))
        };
        if endpoints.iter().any(|endpoint| leads(&endpoint)) {
            continue;
        }
        out.find(
            of(connector),
            format!("None of its subnets has a default route, and {vpc} has no VPC endpoint that they could use."),
            "If the service needs something outside the VPC, add a NAT gateway, or an endpoint for each service of \
             AWS.",
            format!(
                "aws ec2 create-vpc-endpoint --vpc-endpoint-type Interface --vpc-id {} --service-name \
                 com.amazonaws.{}.SERVICE_NAME --subnet-ids {}",
                quote(vpc),
                fleet.place.region,
                connector.subnets.iter().map(|id| quote(id)).collect::<Vec<_>>().join(" ")
            ),
        );
    }
}

pub(super) fn uneven(fleet: &Fleet, out: &mut Findings) {
    for connector in used(fleet, out) {
        let subnets = subnets(fleet, connector, out).unwrap_or_default();
        let (with, without): (Vec<&Subnet>, Vec<&Subnet>) = subnets.into_iter().partition(|it| has_way_out(it));
        if with.is_empty() {
            continue;
        }
        for subnet in without {
            // A blackhole is a finding of its own.
            if default_routes(subnet).next().is_none() {
                out.find_at(
                    of(connector),
                    subnet.id.as_str(),
                    format!(
                        "{} ({}) has no default route, and others of its subnets have one.",
                        subnet.id, subnet.zone
                    ),
                    "Give the subnet's route table the same way out.",
                    "aws ec2 create-route --route-table-id ROUTE_TABLE --destination-cidr-block 0.0.0.0/0 \
                     --nat-gateway-id NAT_GATEWAY",
                );
            }
        }
    }
}

pub(super) fn blackhole(fleet: &Fleet, out: &mut Findings) {
    for connector in used(fleet, out) {
        for subnet in subnets(fleet, connector, out).unwrap_or_default() {
            for route in default_routes(subnet).filter(|route| route.blackhole) {
                out.find_at(
                    of(connector),
                    subnet.id.as_str(),
                    format!(
                        "The default route of {} ({}) leads to {}, which is gone.",
                        subnet.id, subnet.zone, route.target
                    ),
                    "Lead the route to a gateway that exists.",
                    "aws ec2 replace-route --route-table-id ROUTE_TABLE --destination-cidr-block 0.0.0.0/0 \
                     --nat-gateway-id NAT_GATEWAY",
                );
            }
        }
    }
}

pub(super) fn one_nat(fleet: &Fleet, out: &mut Findings) {
    for connector in used(fleet, out) {
        let subnets = subnets(fleet, connector, out).unwrap_or_default();
        let zones: BTreeSet<&str> = subnets.iter().map(|subnet| subnet.zone.as_str()).collect();
        let targets: BTreeSet<&str> =
            subnets.iter().flat_map(|subnet| default_routes(subnet)).map(|route| route.target.as_str()).collect();
        if let [nat] = targets.into_iter().collect::<Vec<_>>()[..]
            && nat.starts_with("nat-")
            && zones.len() > 1
        {
            out.find(
                of(connector),
                format!("The subnets of {} zones all leave through {nat}.", zones.len()),
                "Make a NAT gateway in each zone and lead its subnet to it, or a regional one. Each costs by the hour. \
                 Where this one is regional, waive this: nothing that is read tells the two apart.",
                "aws ec2 create-nat-gateway --subnet-id PUBLIC_SUBNET_OF_THE_ZONE --allocation-id ELASTIC_IP",
            );
        }
    }
}

pub(super) fn subnet_gone(fleet: &Fleet, out: &mut Findings) {
    for connector in used(fleet, out) {
        let Some(known) = out.known(&of(connector), &fleet.network.subnets) else { continue };
        for id in connector.subnets.iter().filter(|id| !known.contains_key(*id)) {
            out.find_at(
                of(connector),
                id.as_str(),
                format!("EC2 does not know {id}."),
                "Make a revision of the connector with subnets that exist, and give it to its services.",
                without(connector, id),
            );
        }
    }
}

pub(super) fn subnet_full(fleet: &Fleet, out: &mut Findings) {
    for connector in used(fleet, out) {
        for subnet in subnets(fleet, connector, out).unwrap_or_default() {
            if subnet.free_addresses < FREE_ADDRESSES_MIN {
                out.find_at(
                    of(connector),
                    subnet.id.as_str(),
                    format!("{} ({}) has {} free addresses.", subnet.id, subnet.zone, subnet.free_addresses),
                    "Free addresses in it, or make a revision of the connector with a larger subnet.",
                    without(connector, &subnet.id),
                );
            }
        }
    }
}

pub(super) fn unused(fleet: &Fleet, out: &mut Findings) {
    let all = out.known(&Resource::Account, &fleet.connectors).map(Vec::as_slice).unwrap_or_default();
    for connector in all.iter().filter(|it| it.status == ConnectorStatus::Active && !is_used(fleet, it)) {
        if !out.all_seen(&of(connector), fleet) {
            continue;
        }
        out.find(
            of(connector),
            format!("No service of the region uses {} (revision {}).", connector.name, connector.revision),
            "Delete it.",
            format!("aws apprunner delete-vpc-connector --vpc-connector-arn {}", quote(&connector.arn)),
        );
    }
}

pub(super) fn inactive(fleet: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    let Egress::Vpc { connector: arn } = &service.egress else { return };
    let Some(all) = out.known(&this(service), &fleet.connectors) else { return };
    let seen = match all.iter().find(|connector| connector.arn == *arn).map(|connector| connector.status) {
        Some(ConnectorStatus::Active) => return,
        Some(ConnectorStatus::Inactive) => format!("Its connector {arn} is inactive."),
        None => format!("Its connector {arn} is not among those that App Runner lists."),
    };
    out.find(
        this(service),
        seen,
        "Give the service a connector that is active.",
        update_network(
            service,
            ".EgressConfiguration = {EgressType: \"VPC\", VpcConnectorArn: \"ACTIVE_CONNECTOR_ARN\"}",
        ),
    );
}

#[cfg(test)]
mod tests;
