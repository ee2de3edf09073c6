//! VPC endpoints: gateways for S3 and DynamoDB, interfaces for everything else.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::interfaces::New;
use super::kind::Kind;
use super::list::{List, describe};
use super::phase::Phase;
use super::{Ec2, invalid, wanted, zones};
use crate::call::{Answer, ApiError, Ctx, Place};
use crate::shape::{epoch, flag, text, texts};

/// The services that have endpoints here: what App Runner's services use, and App Runner itself.
const SERVICES: &[&str] = &[
    "apprunner",
    "apprunner.requests",
    "codeconnections.api",
    "dynamodb",
    "ec2",
    "ecr.api",
    "ecr.dkr",
    "events",
    "execute-api",
    "kms",
    "lambda",
    "logs",
    "monitoring",
    "rds",
    "rds-data",
    "s3",
    "secretsmanager",
    "sns",
    "sqs",
    "ssm",
    "ssmmessages",
    "sts",
    "xray",
];

/// The hosted zone of the endpoints' names in eu-west-1; here every region has it.
const DNS_ZONE: &str = "Z38GZ743OKFT7T";

/// The private hosted zone of a service's own name, which AWS keeps for each endpoint; here all have one.
const PRIVATE_DNS_ZONE: &str = "Z07356151CX4QJ4LQPB2H";

const ALLOW_ALL: &str =
    r#"{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#;

const LIST: List = List {
    member: "VpcEndpoints",
    ids: "VpcEndpointIds",
    kind: Kind::Endpoint,
    filters: &[
        ("ip-address-type", "IpAddressType"),
        ("service-name", "ServiceName"),
        ("service-region", "ServiceRegion"),
        ("vpc-endpoint-id", "VpcEndpointId"),
        ("vpc-endpoint-state", "State"),
        ("vpc-endpoint-type", "VpcEndpointType"),
        ("vpc-id", "VpcId"),
    ],
};

#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    pub vpc: String,
    /// The whole name: `com.amazonaws.eu-west-1.s3`.
    service: String,
    is_gateway: bool,
    pub subnets: Vec<String>,
    groups: Vec<String>,
    pub tables: Vec<String>,
    private_dns: bool,
    policy: String,
    created_at: Timestamp,
    pub phase: Phase,
}

/// What is to be made.
pub(super) struct NewEndpoint {
    pub vpc: String,
    pub service: String,
    pub is_gateway: bool,
    pub subnets: Vec<String>,
    pub groups: Vec<String>,
    pub tables: Vec<String>,
    pub private_dns: bool,
}

impl Ec2 {
    pub(super) fn create_endpoint(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        Self::check_specified(Kind::Endpoint, input)?;
        let is_gateway = match text(input, "VpcEndpointType") {
            None | Some("Gateway") => true,
            Some("Interface") => false,
            Some(other) => return Err(invalid(format!("The local cloud has no endpoints of the type {other}"))),
        };
        let new = NewEndpoint {
            vpc: wanted(input, "VpcId")?.to_owned(),
            service: wanted(input, "ServiceName")?.to_owned(),
            is_gateway,
            subnets: texts(input, "SubnetIds"),
            groups: texts(input, "SecurityGroupIds"),
            tables: texts(input, "RouteTableIds"),
            private_dns: !is_gateway && input["PrivateDnsEnabled"].as_bool().unwrap_or(true),
        };
        let id = self.make_endpoint(ctx, new)?;
        if let (Some(policy), Some(endpoint)) = (text(input, "PolicyDocument"), self.endpoints.get_mut(&id)) {
            endpoint.policy = policy.to_owned();
        }
        self.tag_as_specified(Kind::Endpoint, &id, input);
        Ok(json!({"VpcEndpoint": self.endpoint_shown(ctx.place, &id), "ClientToken": text(input, "ClientToken")}))
    }

    pub(super) fn make_endpoint(&mut self, ctx: &mut Ctx<'_>, mut new: NewEndpoint) -> Result<String, ApiError> {
        new.tables.sort();
        new.tables.dedup();
        let prefix_list = self.check_endpoint(ctx.place, &new)?;
        if !new.is_gateway && new.groups.is_empty() {
            new.groups.push(self.vpc(&new.vpc)?.default_group.clone());
        }
        let id = Kind::Endpoint.draw(ctx.ids);
        for table in &new.tables {
            self.route_to_endpoint(table, prefix_list.unwrap_or_default(), &id);
        }
        let endpoint = Endpoint {
            vpc: new.vpc,
            service: new.service,
            is_gateway: new.is_gateway,
            subnets: Vec::new(),
            groups: new.groups,
            tables: new.tables,
            private_dns: new.private_dns,
            policy: ALLOW_ALL.to_owned(),
            created_at: ctx.now,
            phase: if new.is_gateway { Phase::Available } else { Phase::pending(ctx.now) },
        };
        self.endpoints.insert(id.clone(), endpoint);
        for subnet in &new.subnets {
            self.add_endpoint_subnet(ctx, &id, subnet)?;
        }
        Ok(id)
    }

    /// Everything that can be wrong with a new endpoint; the prefix list of a gateway.
    fn check_endpoint(&self, place: &Place, new: &NewEndpoint) -> Result<Option<&'static str>, ApiError> {
        self.vpc(&new.vpc)?;
        let Some(short) = short_name(place, &new.service) else {
            let message = format!("The Vpc Endpoint Service '{}' does not exist", new.service);
            return Err(ApiError::client("InvalidServiceName", message));
        };
        let prefix_list = zones::prefix_list(short);
        if new.is_gateway && prefix_list.is_none() {
            return Err(wrong("Endpoint type (Gateway) does not match available service types ([Interface])."));
        }
        if new.is_gateway && !(new.subnets.is_empty() && new.groups.is_empty()) {
            return Err(wrong("Subnets and security groups are not applicable to endpoints of the type Gateway"));
        }
        if !new.is_gateway && !new.tables.is_empty() {
            return Err(wrong("Route table IDs are not applicable to endpoints of the type Interface"));
        }
        for table in &new.tables {
            self.may_route_to_endpoint(table, &new.vpc, prefix_list.unwrap_or_default())?;
        }
        self.check_groups(&new.vpc, &new.groups)?;
        let mut taken: Vec<&str> = Vec::new();
        for subnet in &new.subnets {
            taken.push(self.endpoint_zone(&new.vpc, subnet, &taken)?);
            self.free_address(subnet)?;
        }
        if new.private_dns {
            self.check_private_dns(&new.vpc, &new.service, None)?;
        }
        Ok(prefix_list)
    }

    fn check_groups(&self, vpc: &str, groups: &[String]) -> Result<(), ApiError> {
        for group in groups {
            self.known(Kind::Group, group)?;
            if self.groups.get(group).is_some_and(|own| own.vpc != vpc) {
                return Err(wrong(format!("The security group {group} does not belong to {vpc}")));
            }
        }
        Ok(())
    }

    /// The zone of a subnet, which no other subnet of the endpoint may lie in.
    fn endpoint_zone<'a>(&'a self, vpc: &str, id: &str, taken: &[&str]) -> Result<&'a str, ApiError> {
        let subnet = self.subnet(id)?;
        if subnet.vpc != vpc {
            return Err(wrong(format!("The subnet {id} does not belong to {vpc}")));
        }
        if taken.contains(&subnet.zone.name.as_str()) {
            let message = format!(
                "Found another VPC endpoint subnet in the availability zone of {id}. VPC endpoint subnets should be in different \
                 availability zones supported by the VPC endpoint service."
            );
            return Err(ApiError::client("DuplicateSubnetsInSameZone", message));
        }
        Ok(&subnet.zone.name)
    }

    fn check_private_dns(&self, vpc_id: &str, service: &str, own: Option<&str>) -> Result<(), ApiError> {
        let vpc = self.vpc(vpc_id)?;
        if !(vpc.dns_support && vpc.dns_hostnames) {
            return Err(wrong(format!(
                "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true for \
                 {vpc_id}"
            )));
        }
        let same = |(id, other): (&String, &Endpoint)| {
            own != Some(id.as_str()) && other.vpc == vpc_id && other.service == service && other.private_dns
        };
        if self.endpoints.iter().any(same) {
            let message = format!(
                "private-dns-enabled cannot be set because there is already a conflicting DNS domain for {service} in the VPC \
                 {vpc_id}"
            );
            return Err(wrong(message));
        }
        Ok(())
    }

    fn add_endpoint_subnet(&mut self, ctx: &mut Ctx<'_>, id: &str, subnet: &str) -> Result<(), ApiError> {
        let groups = self.endpoints.get(id).map(|endpoint| endpoint.groups.clone()).unwrap_or_default();
        let new = New {
            kind: "vpc_endpoint",
            description: format!("VPC Endpoint Interface {id}"),
            owner: id.to_owned(),
            groups,
        };
        self.add_interface(ctx, subnet, new)?;
        if let Some(endpoint) = self.endpoints.get_mut(id) {
            endpoint.subnets.push(subnet.to_owned());
        }
        Ok(())
    }

    fn endpoint_shown(&self, place: &Place, id: &str) -> Value {
        let Some(endpoint) = self.endpoints.get(id) else { return Value::Null };
        let groups: Vec<Value> = endpoint.groups.iter().map(|group| self.group_identifier(group)).collect();
        let interfaces: Vec<&String> = self.interfaces_of(id).map(|(id, _)| id).collect();
        let kind = if endpoint.is_gateway { "Gateway" } else { "Interface" };
        json!({
            "VpcEndpointId": id, "VpcEndpointType": kind, "VpcId": endpoint.vpc, "ServiceName": endpoint.service,
            // In small letters, whatever the model's list says.
            "State": endpoint.phase.as_str(), "PolicyDocument": endpoint.policy, "RouteTableIds": endpoint.tables,
            "SubnetIds": endpoint.subnets, "Groups": groups, "IpAddressType": "ipv4",
            "PrivateDnsEnabled": endpoint.private_dns, "RequesterManaged": false, "NetworkInterfaceIds": interfaces,
            "DnsEntries": dns_entries(place, id, endpoint), "CreationTimestamp": epoch(endpoint.created_at),
            "OwnerId": place.account, "ServiceRegion": place.region, "Tags": self.tags_of(id),
        })
    }

    pub(super) fn describe_endpoints(&self, place: &Place, input: &Value) -> Answer {
        let all = self.endpoints.keys().map(|id| (id.clone(), self.endpoint_shown(place, id)));
        describe(&LIST, input, all.collect())
    }

    pub(super) fn modify_endpoint(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let id = wanted(input, "VpcEndpointId")?;
        let before = self.endpoints.get(id).cloned().ok_or_else(|| Kind::Endpoint.missing(id))?;
        let listed = |member: &str| texts(input, member);
        let mut groups = before.groups.clone();
        groups.retain(|group| !listed("RemoveSecurityGroupIds").contains(group));
        groups.extend(listed("AddSecurityGroupIds").into_iter().filter(|group| !before.groups.contains(group)));
        let prefix_list = short_name(ctx.place, &before.service).and_then(zones::prefix_list).unwrap_or_default();
        self.check_modified(&before, id, input, &groups, prefix_list)?;
        for table in listed("AddRouteTableIds") {
            self.route_to_endpoint(&table, prefix_list, id);
        }
        for table in listed("RemoveRouteTableIds") {
            self.drop_routes_to(id, Some(&table));
        }
        if let Some(endpoint) = self.endpoints.get_mut(id) {
            endpoint.groups.clone_from(&groups);
            endpoint.tables.extend(listed("AddRouteTableIds"));
            endpoint.tables.retain(|table| !listed("RemoveRouteTableIds").contains(table));
            endpoint.subnets.retain(|subnet| !listed("RemoveSubnetIds").contains(subnet));
            endpoint.private_dns = input["PrivateDnsEnabled"].as_bool().unwrap_or(endpoint.private_dns);
            if flag(input, "ResetPolicy") {
                ALLOW_ALL.clone_into(&mut endpoint.policy);
            }
            if let Some(policy) = text(input, "PolicyDocument") {
                policy.clone_into(&mut endpoint.policy);
            }
        }
        let own: Vec<(String, String)> =
            self.interfaces_of(id).map(|(own, interface)| (own.clone(), interface.subnet.clone())).collect();
        for (interface, subnet) in own {
            if listed("RemoveSubnetIds").contains(&subnet) {
                self.drop_interface(&interface);
            } else if let Some(interface) = self.interfaces.get_mut(&interface) {
                interface.groups.clone_from(&groups);
            }
        }
        for subnet in listed("AddSubnetIds") {
            self.add_endpoint_subnet(ctx, id, &subnet)?;
        }
        Ok(json!({ "Return": true }))
    }

    /// Everything that can be wrong with a change, before any of it is made.
    fn check_modified(
        &self,
        before: &Endpoint,
        id: &str,
        input: &Value,
        groups: &[String],
        prefix_list: &str,
    ) -> Result<(), ApiError> {
        let given = |members: &[&str]| members.iter().any(|member| !texts(input, member).is_empty());
        let of_interfaces = ["AddSubnetIds", "RemoveSubnetIds", "AddSecurityGroupIds", "RemoveSecurityGroupIds"];
        if before.is_gateway && (given(&of_interfaces) || flag(input, "PrivateDnsEnabled")) {
            return Err(wrong(
                "Subnets, security groups and private DNS are not applicable to endpoints of the type Gateway",
            ));
        }
        if !before.is_gateway && given(&["AddRouteTableIds", "RemoveRouteTableIds"]) {
            return Err(wrong("Route table IDs are not applicable to endpoints of the type Interface"));
        }
        self.check_groups(&before.vpc, groups)?;
        if !before.is_gateway && groups.is_empty() {
            return Err(wrong(format!("The endpoint {id} needs at least one security group")));
        }
        for table in texts(input, "AddRouteTableIds") {
            self.may_route_to_endpoint(&table, &before.vpc, prefix_list)?;
        }
        for table in texts(input, "RemoveRouteTableIds") {
            self.known(Kind::RouteTable, &table)?;
        }
        let removed = texts(input, "RemoveSubnetIds");
        if let Some(strange) = removed.iter().find(|subnet| !before.subnets.contains(subnet)) {
            return Err(wrong(format!("The subnet {strange} is not associated with the endpoint {id}")));
        }
        let stays = before.subnets.iter().filter(|subnet| !removed.contains(subnet));
        let mut taken: Vec<&str> =
            stays.filter_map(|subnet| Some(self.subnets.get(subnet)?.zone.name.as_str())).collect();
        for subnet in texts(input, "AddSubnetIds") {
            taken.push(self.endpoint_zone(&before.vpc, &subnet, &taken)?);
            self.free_address(&subnet)?;
        }
        if flag(input, "PrivateDnsEnabled") {
            self.check_private_dns(&before.vpc, &before.service, Some(id))?;
        }
        Ok(())
    }

    /// What is not there is told in the answer; the rest is deleted all the same.
    pub(super) fn delete_endpoints(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let mut unsuccessful = Vec::new();
        for id in texts(input, "VpcEndpointIds") {
            match self.endpoints.get_mut(&id) {
                Some(endpoint) if endpoint.is_gateway => endpoint.phase = Phase::Gone,
                Some(endpoint) if endpoint.phase.is_live() => {
                    endpoint.phase = Phase::deleting(ctx.now);
                    endpoint.private_dns = false;
                }
                Some(_) => {}
                None => {
                    let ApiError { code, message, .. } = Kind::Endpoint.missing(&id);
                    unsuccessful.push(json!({"ResourceId": id, "Error": {"Code": code, "Message": message}}));
                }
            }
        }
        self.forget_endpoints();
        Ok(json!({ "Unsuccessful": unsuccessful }))
    }

    /// Takes away what deleted endpoints had, and the endpoints themselves: they are not shown as deleted.
    pub(super) fn forget_endpoints(&mut self) {
        let gone = self.endpoints.iter().filter(|(_, one)| matches!(one.phase, Phase::Deleted { .. } | Phase::Gone));
        for id in gone.map(|(id, _)| id.clone()).collect::<Vec<_>>() {
            self.endpoints.remove(&id);
            self.drop_interfaces_of(&id);
            self.drop_routes_to(&id, None);
            self.tags.remove(&id);
        }
    }
}

fn wrong(message: impl Into<String>) -> ApiError {
    ApiError::client("InvalidParameter", message)
}

/// What stands after the region in the name of a service that is there. A service of somebody's own is taken on trust.
pub(super) fn short_name<'a>(place: &Place, service: &'a str) -> Option<&'a str> {
    if service.starts_with(&format!("com.amazonaws.vpce.{}.vpce-svc-", place.region)) {
        return Some("");
    }
    let short = service.strip_prefix("com.amazonaws.")?.strip_prefix(place.region.as_str())?.strip_prefix('.')?;
    SERVICES.contains(&short).then_some(short)
}

/// The names of an interface endpoint: its own, and with private DNS the service's.
fn dns_entries(place: &Place, id: &str, endpoint: &Endpoint) -> Vec<Value> {
    let Some(short) = short_name(place, &endpoint.service).filter(|_| !endpoint.is_gateway) else { return Vec::new() };
    let region = &place.region;
    let labels: Vec<&str> = short.split('.').rev().filter(|label| !label.is_empty()).collect();
    let host = format!("{}.{region}", labels.join("."));
    // The second part of the name is random in AWS; here it is the end of the id, so that nothing has to be kept.
    let tail = id.get(id.len().saturating_sub(8)..).unwrap_or_default();
    let own = json!({"DnsName": format!("{id}-{tail}.{host}.vpce.amazonaws.com"), "HostedZoneId": DNS_ZONE});
    let private = endpoint.private_dns.then(|| {
        let wildcard = if short == "ecr.dkr" { "*." } else { "" };
        json!({"DnsName": format!("{wildcard}{host}.amazonaws.com"), "HostedZoneId": PRIVATE_DNS_ZONE})
    });
    std::iter::once(own).chain(private).collect()
}
