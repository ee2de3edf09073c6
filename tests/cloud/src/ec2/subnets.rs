//! Subnets: a part of a VPC's block in one zone.

use serde_json::{Value, json};

use super::cidr::Cidr;
use super::kind::Kind;
use super::list::{List, describe};
use super::zones::{Zone, zone_of};
use super::{Ec2, dependency, done, invalid, wanted};
use crate::call::{Answer, ApiError, Ctx, Place};
use crate::shape::text;

/// AWS keeps the first four addresses of a subnet and the last (VPC user guide).
const KEPT_FIRST: u32 = 4;
const KEPT: u64 = 5;

const LIST: List = List {
    member: "Subnets",
    ids: "SubnetIds",
    kind: Kind::Subnet,
    filters: &[
        ("availability-zone", "AvailabilityZone"),
        ("availability-zone-id", "AvailabilityZoneId"),
        ("available-ip-address-count", "AvailableIpAddressCount"),
        ("cidr-block", "CidrBlock"),
        ("default-for-az", "DefaultForAz"),
        ("map-public-ip-on-launch", "MapPublicIpOnLaunch"),
        ("owner-id", "OwnerId"),
        ("state", "State"),
        ("subnet-arn", "SubnetArn"),
        ("subnet-id", "SubnetId"),
        ("vpc-id", "VpcId"),
    ],
};

#[derive(Clone, Debug)]
pub(super) struct Subnet {
    pub vpc: String,
    pub cidr: Cidr,
    pub zone: Zone,
}

impl Ec2 {
    pub(super) fn create_subnet(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        Self::check_specified(Kind::Subnet, input)?;
        let zone = zone_of(&ctx.place.region, text(input, "AvailabilityZone"), text(input, "AvailabilityZoneId"))?;
        let id = self.make_subnet(ctx, wanted(input, "VpcId")?, wanted(input, "CidrBlock")?, zone)?;
        self.tag_as_specified(Kind::Subnet, &id, input);
        Ok(json!({ "Subnet": self.subnet_shown(ctx.place, &id) }))
    }

    pub(super) fn make_subnet(
        &mut self,
        ctx: &mut Ctx<'_>,
        vpc: &str,
        cidr: &str,
        zone: Zone,
    ) -> Result<String, ApiError> {
        let block = Cidr::parse(cidr).ok_or_else(|| {
            invalid(format!("Value ({cidr}) for parameter cidrBlock is invalid. This is not a valid CIDR block."))
        })?;
        let known = self.vpc(vpc)?;
        if !(16..=28).contains(&block.bits()) || !known.cidr.contains(block) {
            return Err(ApiError::client("InvalidSubnet.Range", format!("The CIDR '{cidr}' is invalid.")));
        }
        if self.subnets.values().any(|other| other.vpc == vpc && other.cidr.overlaps(block)) {
            let message = format!("The CIDR '{cidr}' conflicts with another subnet");
            return Err(ApiError::client("InvalidSubnet.Conflict", message));
        }
        // App Runner shows a connector's default security group, which is its VPC's.
        let group = known.default_group.clone();
        let id = Kind::Subnet.draw(ctx.ids);
        ctx.outside.default_groups.insert(id.clone(), group);
        self.subnets.insert(id.clone(), Subnet { vpc: vpc.to_owned(), cidr: block, zone });
        Ok(id)
    }

    fn subnet_shown(&self, place: &Place, id: &str) -> Value {
        let Some(subnet) = self.subnets.get(id) else { return Value::Null };
        let Place { partition, region, account } = place;
        let taken = self.interfaces.values().filter(|interface| interface.subnet == id).count() as u64;
        json!({
            "SubnetId": id, "VpcId": subnet.vpc, "OwnerId": account, "State": "available",
            "SubnetArn": format!("arn:{partition}:ec2:{region}:{account}:subnet/{id}"),
            "CidrBlock": subnet.cidr.to_string(), "AvailabilityZone": subnet.zone.name,
            "AvailabilityZoneId": subnet.zone.id, "DefaultForAz": false, "MapPublicIpOnLaunch": false,
            "AvailableIpAddressCount": subnet.cidr.size().saturating_sub(KEPT + taken),
            "AssignIpv6AddressOnCreation": false, "Ipv6CidrBlockAssociationSet": [], "Ipv6Native": false,
            "EnableDns64": false, "Tags": self.tags_of(id),
        })
    }

    pub(super) fn describe_subnets(&self, place: &Place, input: &Value) -> Answer {
        let all = self.subnets.keys().map(|id| (id.clone(), self.subnet_shown(place, id)));
        describe(&LIST, input, all.collect())
    }

    pub(super) fn subnet(&self, id: &str) -> Result<&Subnet, ApiError> {
        self.subnets.get(id).ok_or_else(|| Kind::Subnet.missing(id))
    }

    /// The lowest address of a subnet that nobody has.
    pub(super) fn free_address(&self, id: &str) -> Result<String, ApiError> {
        let cidr = self.subnet(id)?.cidr;
        let taken: Vec<&str> = self
            .interfaces
            .values()
            .filter(|interface| interface.subnet == id)
            .map(|interface| interface.address.as_str())
            .collect();
        let last = u32::try_from(cidr.size()).unwrap_or(u32::MAX) - 1;
        let mut free = (KEPT_FIRST..last).map(|n| cidr.address(n).to_string());
        free.find(|address| !taken.contains(&address.as_str())).ok_or_else(|| {
            let message = format!("Insufficient free addresses in subnet {id}.");
            ApiError::client("InsufficientFreeAddressesInSubnet", message)
        })
    }

    pub(super) fn delete_subnet(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let id = wanted(input, "SubnetId")?;
        self.known(Kind::Subnet, id)?;
        if self.interfaces.values().any(|interface| interface.subnet == id) {
            return Err(dependency("subnet", id));
        }
        self.tables.values_mut().for_each(|table| table.associations.retain(|_, subnet| subnet != id));
        self.subnets.remove(id);
        self.tags.remove(id);
        ctx.outside.default_groups.remove(id);
        done()
    }
}
