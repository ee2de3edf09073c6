//! The endpoints that ingress connections name.

use std::collections::BTreeSet;

use super::super::super::facts::{Endpoint, Fleet, Ingress, Peer, Permission, SecurityGroup};
use super::super::super::{Findings, Grade, Resource};
use super::{ingresses, of};
use crate::dns::command::quote;

/// What AWS recommends.
const ZONES: usize = 2;
const HTTPS: u16 = 443;

/// The endpoint's id, each of them once: several connections share one.
fn endpoints<'f>(fleet: &'f Fleet, out: &mut Findings) -> Vec<&'f Endpoint> {
    let mut all: Vec<&Endpoint> = Vec::new();
    for ingress in ingresses(fleet, out) {
        // One that is missing is another rule's.
        let Some(known) = out.known(&of(ingress), &fleet.network.endpoints) else { continue };
        let named = known.iter().find(|endpoint| endpoint.id == ingress.endpoint);
        all.extend(named.filter(|endpoint| !all.iter().any(|other| other.id == endpoint.id)));
    }
    all
}

fn at(endpoint: &Endpoint) -> Resource {
    Resource::other("VPC endpoint", endpoint.id.clone())
}

fn service_name(fleet: &Fleet) -> String {
    format!("com.amazonaws.{}.apprunner.requests", fleet.place.region)
}

fn make(fleet: &Fleet, ingress: &Ingress) -> String {
    format!(
        "aws ec2 create-vpc-endpoint --vpc-endpoint-type Interface --no-private-dns-enabled --vpc-id {} --service-name {} \
         --subnet-ids SUBNET_A SUBNET_B --security-group-ids SECURITY_GROUP",
        quote(&ingress.vpc),
        service_name(fleet)
    )
}

pub(super) fn gone(fleet: &Fleet, out: &mut Findings) {
    for ingress in ingresses(fleet, out) {
        let Some(known) = out.known(&of(ingress), &fleet.network.endpoints) else { continue };
        let (seen, pending) = match known.iter().find(|endpoint| endpoint.id == ingress.endpoint) {
            Some(endpoint) if endpoint.state.eq_ignore_ascii_case("available") => continue,
            Some(endpoint) => {
                let pending = endpoint.state.eq_ignore_ascii_case("pending");
                (format!("Its endpoint {} is `{}`.", endpoint.id, endpoint.state), pending)
            }
            None => (format!("EC2 does not know its endpoint {} in {}.", ingress.endpoint, ingress.vpc), false),
        };
        out.find(
            of(ingress),
            seen,
            "Make an endpoint for App Runner's requests, and update the ingress connection with it.",
            make(fleet, ingress),
        );
        if pending {
            out.graded(Grade::Low);
        }
    }
}

pub(super) fn of_another_service(fleet: &Fleet, out: &mut Findings) {
    let wanted = service_name(fleet);
    for ingress in ingresses(fleet, out) {
        let Some(known) = out.known(&of(ingress), &fleet.network.endpoints) else { continue };
        let Some(endpoint) = known.iter().find(|endpoint| endpoint.id == ingress.endpoint) else { continue };
        if endpoint.service != wanted {
            out.find(
                of(ingress),
                format!("Its endpoint {} is of {}, not of {wanted}.", endpoint.id, endpoint.service),
                "Make an endpoint for App Runner's requests, and update the ingress connection with it.",
                make(fleet, ingress),
            );
        }
    }
}

pub(super) fn zones(fleet: &Fleet, out: &mut Findings) {
    for endpoint in endpoints(fleet, out) {
        let Some(known) = out.known(&at(endpoint), &fleet.network.subnets) else { continue };
        let zones: Option<BTreeSet<&str>> =
            endpoint.subnets.iter().map(|id| known.get(id).map(|subnet| subnet.zone.as_str())).collect();
        let Some(zones) = zones else {
            out.unchecked(&at(endpoint), "the zone of one of its subnets is not known");
            continue;
        };
        if zones.len() < ZONES {
            out.find(
                at(endpoint),
                format!("It stands in {}.", zones.into_iter().collect::<Vec<_>>().join(", ")),
                "Add a subnet of another zone.",
                format!(
                    "aws ec2 modify-vpc-endpoint --vpc-endpoint-id {} --add-subnet-ids SUBNET_OF_ANOTHER_ZONE",
                    quote(&endpoint.id)
                ),
            );
        }
    }
}

pub(in super::super) fn takes_https(permission: &Permission) -> bool {
    let tcp = matches!(permission.protocol.as_str(), "-1" | "tcp" | "6");
    tcp && permission.ports.is_none_or(|(from, to)| (from..=to).contains(&HTTPS))
}

fn is_everybody(peer: &Peer) -> bool {
    matches!(peer, Peer::Cidr(cidr) if cidr == "0.0.0.0/0" || cidr == "::/0")
}

/// The groups of an endpoint, all of them; else it is said that one is not known.
fn groups<'f>(fleet: &'f Fleet, endpoint: &Endpoint, out: &mut Findings) -> Option<Vec<&'f SecurityGroup>> {
    let known = out.known(&at(endpoint), &fleet.network.groups)?;
    let groups: Option<Vec<&SecurityGroup>> = endpoint.groups.iter().map(|id| known.get(id)).collect();
    if groups.is_none() {
        out.unchecked(&at(endpoint), "one of its security groups is not known");
    }
    groups
}

pub(super) fn closed(fleet: &Fleet, out: &mut Findings) {
    for endpoint in endpoints(fleet, out) {
        let Some(groups) = groups(fleet, endpoint, out) else { continue };
        if groups.iter().flat_map(|group| &group.inbound).any(takes_https) {
            continue;
        }
        let group = endpoint.groups.first().map_or("SECURITY_GROUP", String::as_str);
        out.find(
            at(endpoint),
            format!("No inbound rule of {} takes port 443.", endpoint.groups.join(", ")),
            "Let the clients' security group in at 443.",
            format!(
                "aws ec2 authorize-security-group-ingress --group-id {} --protocol tcp --port 443 --source-group \
                 CLIENT_GROUP",
                quote(group)
            ),
        );
    }
}

pub(super) fn open(fleet: &Fleet, out: &mut Findings) {
    for endpoint in endpoints(fleet, out) {
        for group in groups(fleet, endpoint, out).unwrap_or_default() {
            let wide = |permission: &&Permission| takes_https(permission) && is_everybody(&permission.peer);
            let Some(permission) = group.inbound.iter().find(wide) else { continue };
            let cidr = match &permission.peer {
                Peer::Cidr(cidr) => cidr.as_str(),
                Peer::Group(_) | Peer::PrefixList(_) => continue,
            };
            let (from, to) = permission.ports.unwrap_or((0, u16::MAX));
            let ports = match permission.protocol.as_str() {
                "-1" => String::new(),
                _ => format!("FromPort={from},ToPort={to},"),
            };
            let ranges = match cidr.contains(':') {
                true => format!("Ipv6Ranges='[{{CidrIpv6={cidr}}}]'"),
                false => format!("IpRanges='[{{CidrIp={cidr}}}]'"),
            };
            out.find_at(
                at(endpoint),
                group.id.as_str(),
                format!("{} ({}) lets {cidr} in at 443: all that has a route to the VPC.", group.id, group.name),
                "First let in the clients' security groups. The command takes this rule away: whom no other rule lets \
                 in waits for an answer that never comes.",
                format!(
                    "aws ec2 revoke-security-group-ingress --group-id {} --ip-permissions \
                     IpProtocol={},{ports}{ranges}",
                    quote(&group.id),
                    quote(&permission.protocol)
                ),
            );
        }
    }
}

#[cfg(test)]
mod tests;
