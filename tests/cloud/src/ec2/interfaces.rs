//! Network interfaces: those that AWS itself puts into subnets for endpoints, NAT gateways and App Runner's connectors.

use serde_json::{Value, json};

use super::kind::Kind;
use super::list::{List, describe};
use super::{Ec2, done, wanted};
use crate::call::{Answer, ApiError, Ctx, Place};
use crate::shape::{integer, items, texts};

const LIST: List = List {
    member: "NetworkInterfaces",
    ids: "NetworkInterfaceIds",
    kind: Kind::Interface,
    filters: &[
        ("addresses.association.owner-id", "PrivateIpAddresses[].Association.IpOwnerId"),
        ("addresses.association.public-ip", "PrivateIpAddresses[].Association.PublicIp"),
        ("addresses.primary", "PrivateIpAddresses[].Primary"),
        ("addresses.private-ip-address", "PrivateIpAddresses[].PrivateIpAddress"),
        ("association.allocation-id", "Association.AllocationId"),
        ("association.association-id", "Association.AssociationId"),
        ("association.ip-owner-id", "Association.IpOwnerId"),
        ("association.public-ip", "Association.PublicIp"),
        ("attachment.instance-id", "Attachment.InstanceId"),
        ("attachment.instance-owner-id", "Attachment.InstanceOwnerId"),
        ("attachment.status", "Attachment.Status"),
        ("availability-zone", "AvailabilityZone"),
        ("availability-zone-id", "AvailabilityZoneId"),
        ("description", "Description"),
        ("group-id", "Groups[].GroupId"),
        ("interface-type", "InterfaceType"),
        ("ipv6-addresses.ipv6-address", "Ipv6Addresses[].Ipv6Address"),
        ("mac-address", "MacAddress"),
        ("network-interface-id", "NetworkInterfaceId"),
        ("owner-id", "OwnerId"),
        ("private-dns-name", "PrivateDnsName"),
        ("private-ip-address", "PrivateIpAddress"),
        ("requester-id", "RequesterId"),
        ("requester-managed", "RequesterManaged"),
        ("source-dest-check", "SourceDestCheck"),
        ("status", "Status"),
        ("subnet-id", "SubnetId"),
        ("vpc-id", "VpcId"),
    ],
};

/// The tag that App Runner gives its interfaces (App Runner developer guide, "When selecting a subnet").
const APP_RUNNER_TAG: &str = "AWSAppRunnerManaged";

#[derive(Clone, Debug)]
pub(super) struct Interface {
    pub subnet: String,
    pub vpc: String,
    /// Private.
    pub address: String,
    mac: String,
    kind: &'static str,
    description: String,
    pub groups: Vec<String>,
    /// Allocation, association and address.
    pub public: Option<(String, String, String)>,
    /// The id or ARN of what it is for.
    pub owner: String,
}

/// What is to be put into a subnet.
pub(super) struct New {
    pub kind: &'static str,
    pub description: String,
    pub owner: String,
    pub groups: Vec<String>,
}

impl Ec2 {
    pub(super) fn add_interface(&mut self, ctx: &mut Ctx<'_>, subnet: &str, new: New) -> Result<String, ApiError> {
        let vpc = self.subnet(subnet)?.vpc.clone();
        let address = self.free_address(subnet)?;
        let id = Kind::Interface.draw(ctx.ids);
        let hex = ctx.ids.hex32();
        let mac: Vec<&str> = (0..5).filter_map(|n| hex.get(2 * n..2 * n + 2)).collect();
        let interface = Interface {
            subnet: subnet.to_owned(),
            vpc,
            address,
            mac: format!("02:{}", mac.join(":")),
            kind: new.kind,
            description: new.description,
            groups: new.groups,
            public: None,
            owner: new.owner,
        };
        self.interfaces.insert(id.clone(), interface);
        Ok(id)
    }

    pub(super) fn interfaces_of(&self, owner: &str) -> impl Iterator<Item = (&String, &Interface)> {
        self.interfaces.iter().filter(move |(_, interface)| interface.owner == owner)
    }

    pub(super) fn drop_interfaces_of(&mut self, owner: &str) {
        let gone: Vec<String> = self.interfaces_of(owner).map(|(id, _)| id.clone()).collect();
        gone.iter().for_each(|id| self.drop_interface(id));
    }

    pub(super) fn drop_interface(&mut self, id: &str) {
        let mapped = self.interfaces.remove(id).and_then(|interface| interface.public);
        if let Some(address) = mapped.and_then(|(allocation, _, _)| self.addresses.get_mut(&allocation)) {
            address.association = None;
        }
        self.tags.remove(id);
    }

    fn interface_shown(&self, place: &Place, id: &str, interface: &Interface) -> Value {
        let subnet = self.subnets.get(&interface.subnet);
        let groups: Vec<Value> = interface.groups.iter().map(|id| self.group_identifier(id)).collect();
        let association = interface.public.as_ref().map(|(allocation, association, public)| {
            json!({
                "AllocationId": allocation, "AssociationId": association, "IpOwnerId": place.account, "PublicIp": public,
            })
        });
        let name = format!("ip-{}.{}.compute.internal", interface.address.replace('.', "-"), place.region);
        json!({
            "NetworkInterfaceId": id, "SubnetId": interface.subnet, "VpcId": interface.vpc,
            "AvailabilityZone": subnet.map(|subnet| subnet.zone.name.as_str()),
            "AvailabilityZoneId": subnet.map(|subnet| subnet.zone.id.as_str()),
            "Description": interface.description, "Groups": groups, "InterfaceType": interface.kind,
            "Ipv6Addresses": [], "MacAddress": interface.mac, "OwnerId": place.account, "PrivateDnsName": name,
            "PrivateIpAddress": interface.address,
            "PrivateIpAddresses": [{
                "Association": association, "Primary": true, "PrivateDnsName": name,
                "PrivateIpAddress": interface.address,
            }],
            "Association": association, "RequesterId": place.account, "RequesterManaged": true,
            "SourceDestCheck": interface.kind != "nat_gateway", "Status": "in-use", "TagSet": self.tags_of(id),
            "Attachment": {"AttachmentId": format!("ela-attach-{}", id.trim_start_matches("eni-")), "DeleteOnTermination": false,
                "DeviceIndex": 1, "InstanceOwnerId": "amazon-aws", "Status": "attached"},
        })
    }

    pub(super) fn describe_interfaces(&self, place: &Place, input: &Value) -> Answer {
        if integer(input, "MaxResults").is_some() && items(input, "NetworkInterfaceIds").next().is_some() {
            let message = "The parameter NetworkInterfaceIds cannot be used with the parameter MaxResults";
            return Err(ApiError::client("InvalidParameterCombination", message));
        }
        let all = self.interfaces.iter().map(|(id, own)| (id.clone(), self.interface_shown(place, id, own)));
        describe(&LIST, input, all.collect())
    }

    /// App Runner puts one interface into each of a connector's subnets. Subnets that are not known here have none: App Runner's
    /// own tests name some that never were.
    pub(super) fn connector_created(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let arn = wanted(input, "VpcConnectorArn")?;
        let groups = texts(input, "SecurityGroups");
        let mut subnets = texts(input, "Subnets");
        subnets.retain(|id| self.subnets.contains_key(id));
        let mut made = Vec::new();
        for subnet in &subnets {
            let new = New {
                kind: "interface",
                description: format!("AWS App Runner VPC connector {arn}"),
                owner: arn.to_owned(),
                groups: groups.clone(),
            };
            let id = self.add_interface(ctx, subnet, new)?;
            self.tag(&id, APP_RUNNER_TAG, "true");
            made.push(id);
        }
        Ok(json!({ "NetworkInterfaceIds": made }))
    }

    pub(super) fn connector_deleted(&mut self, input: &Value) -> Answer {
        self.drop_interfaces_of(wanted(input, "VpcConnectorArn")?);
        done()
    }
}
