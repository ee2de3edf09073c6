//! The security groups of a connector, and those that should let it in.

use std::collections::BTreeMap;

use super::super::super::facts::{Connector, Endpoint, Fleet, Peer, Permission, SecurityGroup};
use super::super::super::{Findings, Grade, Resource};
use super::super::ingress::endpoints::takes_https;
use super::routes::has_way_out;
use super::{anew, of, subnets, used};
use crate::dns::command::quote;

/// The groups of a connector that EC2 knows; `None` where they could not be read.
fn groups<'f>(fleet: &'f Fleet, connector: &Connector, out: &mut Findings) -> Option<Vec<&'f SecurityGroup>> {
    let known = out.known(&of(connector), &fleet.network.groups)?;
    Some(connector.groups.iter().filter_map(|id| known.get(id)).collect())
}

pub(super) fn gone(fleet: &Fleet, out: &mut Findings) {
    for connector in used(fleet, out) {
        let Some(known) = out.known(&of(connector), &fleet.network.groups) else { continue };
        for id in connector.groups.iter().filter(|id| !known.contains_key(*id)) {
            let subnets: Vec<&str> = connector.subnets.iter().map(String::as_str).collect();
            let mut groups: Vec<&str> = connector.groups.iter().map(String::as_str).filter(|it| it != id).collect();
            groups.push("SECURITY_GROUP");
            out.find_at(
                of(connector),
                id.as_str(),
                format!("EC2 does not know {id} in the VPC of the connector."),
                "Make a revision of the connector with groups that exist, and give it to its services.",
                anew(connector, &subnets, &groups),
            );
        }
    }
}

pub(super) fn closed(fleet: &Fleet, out: &mut Findings) {
    for connector in used(fleet, out) {
        let groups = groups(fleet, connector, out).unwrap_or_default();
        let Some(first) = groups.first().filter(|_| groups.iter().all(|group| group.outbound.is_empty())) else {
            continue;
        };
        out.find(
            of(connector),
            "None of its security groups has an outbound rule.",
            "Add a rule for each destination that the service needs.",
            format!(
                "aws ec2 authorize-security-group-egress --group-id {} --ip-permissions \
                 IpProtocol=tcp,FromPort=443,ToPort=443,IpRanges='[{{CidrIp=DESTINATION_CIDR}}]'",
                quote(&first.id)
            ),
        );
    }
}

fn is_everything(permission: &Permission) -> bool {
    permission.protocol == "-1" && matches!(&permission.peer, Peer::Cidr(cidr) if cidr == "0.0.0.0/0")
}

pub(super) fn open(fleet: &Fleet, out: &mut Findings) {
    for connector in used(fleet, out) {
        for group in groups(fleet, connector, out).unwrap_or_default() {
            if group.outbound.iter().any(is_everything) {
                out.find_at(
                    of(connector),
                    group.id.as_str(),
                    format!("{} ({}) lets everything out to 0.0.0.0/0.", group.id, group.name),
                    "First add rules for the destinations that the service needs. The command takes this one away: \
                     what no other rule lets out runs into a timeout from then on.",
                    format!(
                        "aws ec2 revoke-security-group-egress --group-id {} --ip-permissions \
                         IpProtocol=-1,IpRanges='[{{CidrIp=0.0.0.0/0}}]'",
                        quote(&group.id)
                    ),
                );
            }
        }
    }
}

pub(super) fn not_let_in(fleet: &Fleet, out: &mut Findings) {
    for connector in used(fleet, out) {
        let Some(subnets) = subnets(fleet, connector, out) else { continue };
        let Some(vpc) = subnets.first().map(|subnet| subnet.vpc.as_str()) else { continue };
        let Some(known) = out.known(&of(connector), &fleet.network.groups) else { continue };
        let lets_in = |permission: &Permission| match &permission.peer {
            Peer::Group(id) => connector.groups.contains(id),
            // What the addresses of the connector are is not known: any range may hold them.
            Peer::Cidr(_) | Peer::PrefixList(_) => true,
        };
        let here = || known.values().filter(|group| group.vpc == vpc);
        if here().flat_map(|group| &group.inbound).any(lets_in) {
            continue;
        }
        let Some(group) = connector.groups.first() else { continue };
        out.find(
            of(connector),
            format!("No inbound rule of a security group in {vpc} names one of its groups or a range of addresses."),
            "Let its group in at what the service is to reach.",
            format!(
                "aws ec2 authorize-security-group-ingress --group-id DESTINATION_GROUP --protocol tcp --port PORT \
                 --source-group {}",
                quote(group)
            ),
        );
        // It may be there for its way to the internet alone.
        if subnets.iter().any(|subnet| has_way_out(subnet)) {
            out.graded(Grade::Low);
        }
    }
}

/// Whether the endpoint stands for a service of AWS by its public name. What leads into App Runner never does.
fn answers(endpoint: &Endpoint, vpc: &str) -> bool {
    endpoint.vpc == vpc
        && !endpoint.gateway
        && endpoint.private_dns
        && endpoint.state.eq_ignore_ascii_case("available")
        && !endpoint.service.contains(".apprunner")
}

/// Whether a group of the endpoint lets the connector in; `None` where one of them is not known.
fn lets_in(endpoint: &Endpoint, known: &BTreeMap<String, SecurityGroup>, connector: &Connector) -> Option<bool> {
    let groups: Option<Vec<&SecurityGroup>> = endpoint.groups.iter().map(|id| known.get(id)).collect();
    let fits = |permission: &&Permission| match &permission.peer {
        Peer::Group(id) => connector.groups.contains(id),
        // What the addresses of the connector are is not known: any range may hold them.
        Peer::Cidr(_) | Peer::PrefixList(_) => true,
    };
    Some(groups?.iter().flat_map(|group| &group.inbound).filter(fits).any(takes_https))
}

pub(super) fn endpoint_closed(fleet: &Fleet, out: &mut Findings) {
    for connector in used(fleet, out) {
        let Some(subnets) = subnets(fleet, connector, out) else { continue };
        let Some(vpc) = subnets.first().map(|subnet| subnet.vpc.as_str()) else { continue };
        let Some(endpoints) = out.known(&of(connector), &fleet.network.endpoints) else { continue };
        let Some(known) = out.known(&of(connector), &fleet.network.groups) else { continue };
        let mut closed: Vec<&Endpoint> = Vec::new();
        for endpoint in endpoints.iter().filter(|endpoint| answers(endpoint, vpc)) {
            match lets_in(endpoint, known, connector) {
                Some(true) => {}
                Some(false) => closed.push(endpoint),
                None => out.unchecked(&of(connector), &format!("a security group of {} is not known", endpoint.id)),
            }
        }
        let (Some(first), Some(group)) = (closed.first(), connector.groups.first()) else { continue };
        let target = first.groups.first().map_or("ENDPOINT_GROUP", String::as_str);
        let all: Vec<String> = closed.iter().map(|one| format!("{} ({})", one.service, one.id)).collect();
        out.find(
            of(connector),
            format!("No security group of these endpoints lets one of its groups in at 443: {}.", all.join(", ")),
            "Let its group in at each endpoint that the service needs; the command does it for the first. Where it \
             needs none of them, waive this.",
            format!(
                "aws ec2 authorize-security-group-ingress --group-id {} --protocol tcp --port 443 --source-group {}",
                quote(target),
                quote(group)
            ),
        );
        if subnets.iter().any(|subnet| has_way_out(subnet)) {
            out.graded(Grade::Low);
        }
    }
}

pub(super) fn stale_reference(fleet: &Fleet, out: &mut Findings) {
    let (mut vpcs, mut peered): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    for connector in used(fleet, out) {
        for subnet in subnets(fleet, connector, out).unwrap_or_default() {
            vpcs.push(&subnet.vpc);
            // Over a peering connection a group of the other VPC may be named, which was not read.
            if subnet.routes.iter().any(|route| route.target.starts_with("pcx-")) {
                peered.push(&subnet.vpc);
            }
        }
    }
    if !out.unchecked.is_empty() {
        // What it found stands under security groups: those of a VPC that was not looked at are none that are gone.
        out.all_seen(&Resource::Account, fleet);
    }
    if vpcs.is_empty() {
        return;
    }
    let Some(known) = out.known(&Resource::Account, &fleet.network.groups) else { return };
    for group in known.values().filter(|group| vpcs.contains(&group.vpc.as_str())) {
        for permission in &group.inbound {
            let Peer::Group(peer) = &permission.peer else { continue };
            if known.contains_key(peer) {
                continue;
            }
            let at = Resource::other("security group", group.id.clone());
            if peered.contains(&group.vpc.as_str()) {
                out.unchecked(
                    &at,
                    &format!("its VPC is peered, and {peer} may be of the other VPC, which is not read"),
                );
                continue;
            }
            out.find_at(
                at,
                peer.as_str(),
                format!(
                    "{} ({}) lets in {peer}, which is in no VPC that a connector or endpoint of App Runner uses.",
                    group.id, group.name
                ),
                "If the group is gone, let the connector's group in instead.",
                format!(
                    "aws ec2 authorize-security-group-ingress --group-id {} --protocol tcp --port PORT --source-group \
                     CONNECTOR_GROUP",
                    quote(&group.id)
                ),
            );
        }
    }
}

#[cfg(test)]
mod tests;
