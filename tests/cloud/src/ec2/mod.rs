//! Amazon EC2, as far as it is the network of App Runner: VPCs, subnets, routes, security groups, endpoints, interfaces.
//!
//! Owns: which of these exist, and how they hang together. Never decides what traffic can go where, and has no instances: a
//! network here is what its descriptions say. What is there and what nobody has verified: `docs/network.md`.

mod addresses;
mod cidr;
mod endpoints;
mod groups;
mod interfaces;
mod internal;
mod internet;
mod kind;
mod list;
mod nat;
mod network;
mod phase;
mod routes;
mod rules;
mod subnets;
mod tags;
mod vpcs;
mod zones;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::call::{Answer, ApiError, Call, Ctx, Need, Place, Service};
use crate::shape::{flag, text};

use addresses::Address;
use endpoints::Endpoint;
use groups::Group;
use interfaces::Interface;
use internet::InternetGateway;
use kind::Kind;
use nat::NatGateway;
use phase::Phase;
use routes::RouteTable;
use subnets::Subnet;
use vpcs::Vpc;

/// The networks of the account; all by id.
#[derive(Debug, Default)]
pub struct Ec2 {
    vpcs: BTreeMap<String, Vpc>,
    subnets: BTreeMap<String, Subnet>,
    tables: BTreeMap<String, RouteTable>,
    groups: BTreeMap<String, Group>,
    endpoints: BTreeMap<String, Endpoint>,
    interfaces: BTreeMap<String, Interface>,
    internet_gateways: BTreeMap<String, InternetGateway>,
    nat_gateways: BTreeMap<String, NatGateway>,
    addresses: BTreeMap<String, Address>,
    /// By the id of whatever has them.
    tags: BTreeMap<String, BTreeMap<String, String>>,
}

impl Ec2 {
    pub fn new() -> Self {
        Self::default()
    }

    fn has(&self, id: &str) -> bool {
        match Kind::of(id) {
            Some(Kind::Vpc) => self.vpcs.contains_key(id),
            Some(Kind::Subnet) => self.subnets.contains_key(id),
            Some(Kind::RouteTable) => self.tables.contains_key(id),
            Some(Kind::Group) => self.groups.contains_key(id),
            Some(Kind::Endpoint) => self.endpoints.contains_key(id),
            Some(Kind::Interface) => self.interfaces.contains_key(id),
            Some(Kind::InternetGateway) => self.internet_gateways.contains_key(id),
            Some(Kind::NatGateway) => self.nat_gateways.contains_key(id),
            Some(Kind::Address) => self.addresses.contains_key(id),
            Some(Kind::PrefixList) => zones::is_prefix_list(id),
            None => false,
        }
    }

    /// Refuses an id that is not there.
    fn known(&self, kind: Kind, id: &str) -> Result<(), ApiError> {
        let fits = Kind::of(id) == Some(kind) && self.has(id);
        if fits { Ok(()) } else { Err(kind.missing(id)) }
    }

    fn read(&self, place: &Place, call: &Call) -> Option<Answer> {
        let input = &call.input;
        Some(match call.operation.as_str() {
            "DescribeAddresses" => self.describe_addresses(input),
            "DescribeAvailabilityZones" => zones::describe_zones(place, input),
            "DescribeInternetGateways" => self.describe_internet_gateways(place, input),
            "DescribeManagedPrefixLists" => zones::describe_prefix_lists(place, input),
            "DescribeNatGateways" => self.describe_nat_gateways(place, input),
            "DescribeNetworkInterfaces" => self.describe_interfaces(place, input),
            "DescribeRouteTables" => self.describe_route_tables(place, input),
            "DescribeSecurityGroups" => self.describe_groups(place, input),
            "DescribeSubnets" => self.describe_subnets(place, input),
            "DescribeVpcAttribute" => self.describe_vpc_attribute(input),
            "DescribeVpcEndpoints" => self.describe_endpoints(place, input),
            "DescribeVpcs" => self.describe_vpcs(place, input),
            _ => return None,
        })
    }

    fn made(&mut self, ctx: &mut Ctx<'_>, call: &Call) -> Option<Answer> {
        let input = &call.input;
        Some(match call.operation.as_str() {
            "AllocateAddress" => self.allocate_address(ctx, input),
            "AssociateRouteTable" => self.associate_route_table(ctx, input),
            "AttachInternetGateway" => self.attach_internet_gateway(input),
            "AuthorizeSecurityGroupEgress" => self.authorize(ctx, input, true),
            "AuthorizeSecurityGroupIngress" => self.authorize(ctx, input, false),
            "CreateInternetGateway" => self.create_internet_gateway(ctx, input),
            "CreateNatGateway" => self.create_nat_gateway(ctx, input),
            "CreateRoute" => self.create_route(input),
            "CreateRouteTable" => self.create_route_table(ctx, input),
            "CreateSecurityGroup" => self.create_group(ctx, input),
            "CreateSubnet" => self.create_subnet(ctx, input),
            "CreateTags" => self.create_tags(input),
            "CreateVpc" => self.create_vpc(ctx, input),
            "CreateVpcEndpoint" => self.create_endpoint(ctx, input),
            "ModifyVpcAttribute" => self.modify_vpc_attribute(input),
            "ModifyVpcEndpoint" => self.modify_endpoint(ctx, input),
            internal if internal.starts_with('_') => self.internal(ctx, call),
            _ => return None,
        })
    }

    fn unmade(&mut self, ctx: &mut Ctx<'_>, call: &Call) -> Option<Answer> {
        let input = &call.input;
        Some(match call.operation.as_str() {
            "DeleteInternetGateway" => self.delete_internet_gateway(input),
            "DeleteNatGateway" => self.delete_nat_gateway(ctx, input),
            "DeleteRoute" => self.delete_route(input),
            "DeleteRouteTable" => self.delete_route_table(input),
            "DeleteSecurityGroup" => self.delete_group(input),
            "DeleteSubnet" => self.delete_subnet(ctx, input),
            "DeleteTags" => self.delete_tags(input),
            "DeleteVpc" => self.delete_vpc(input),
            "DeleteVpcEndpoints" => self.delete_endpoints(ctx, input),
            "DetachInternetGateway" => self.detach_internet_gateway(input),
            "DisassociateRouteTable" => self.disassociate_route_table(input),
            "ReleaseAddress" => self.release_address(input),
            "RevokeSecurityGroupEgress" => self.revoke(input, true),
            "RevokeSecurityGroupIngress" => self.revoke(input, false),
            _ => return None,
        })
    }

    fn phases(&mut self) -> impl Iterator<Item = &mut Phase> {
        let endpoints = self.endpoints.values_mut().map(|endpoint| &mut endpoint.phase);
        endpoints.chain(self.nat_gateways.values_mut().map(|nat| &mut nat.phase))
    }
}

impl Service for Ec2 {
    fn call(&mut self, ctx: &mut Ctx<'_>, call: &Call) -> Answer {
        if flag(&call.input, "DryRun") {
            let message = "Request would have succeeded, but DryRun flag is set.";
            return Err(ApiError { status: 412, ..ApiError::client("DryRunOperation", message) });
        }
        if let Some(answer) = self.read(ctx.place, call) {
            return answer;
        }
        if let Some(answer) = self.made(ctx, call) {
            return answer;
        }
        let unknown = || {
            let message = format!("the local cloud's EC2 has no operation {}", call.operation);
            Err(ApiError::client("InvalidAction", message))
        };
        self.unmade(ctx, call).unwrap_or_else(unknown)
    }

    /// Everything is asked for on `*`: that is all that EC2 knows for `Describe*`, and enough for who builds networks here.
    fn needs(&self, _place: &Place, call: &Call) -> Vec<Need> {
        vec![Need::new(format!("ec2:{}", call.operation), "*")]
    }

    fn next_due(&self) -> Option<Timestamp> {
        let endpoints = self.endpoints.values().map(|endpoint| endpoint.phase);
        endpoints.chain(self.nat_gateways.values().map(|nat| nat.phase)).filter_map(Phase::next_due).min()
    }

    fn tick(&mut self, ctx: &mut Ctx<'_>) {
        let now = ctx.now;
        self.phases().for_each(|phase| *phase = phase.at(now));
        self.forget_endpoints();
        self.forget_nat_gateways();
    }
}

/// A member that EC2 wants although its model does not say so.
fn wanted<'a>(input: &'a Value, member: &str) -> Result<&'a str, ApiError> {
    text(input, member)
        .ok_or_else(|| ApiError::client("MissingParameter", format!("The request must contain the parameter {member}")))
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::client("InvalidParameterValue", message)
}

/// Something else still needs it.
fn dependency(what: &str, id: &str) -> ApiError {
    ApiError::client("DependencyViolation", format!("The {what} '{id}' has dependencies and cannot be deleted."))
}

/// What is answered to a deletion that has no words of its own.
fn done() -> Answer {
    Ok(json!({}))
}

#[cfg(test)]
mod tests;
