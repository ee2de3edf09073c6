//! VPCs. Each comes with a default security group and a main route table; there is no default VPC.

use serde_json::{Value, json};

use super::cidr::Cidr;
use super::kind::{Kind, drawn};
use super::list::{List, describe};
use super::{Ec2, dependency, done, wanted};
use crate::call::{Answer, ApiError, Ctx, Place};
use crate::shape::text;

const LIST: List = List {
    member: "Vpcs",
    ids: "VpcIds",
    kind: Kind::Vpc,
    filters: &[
        ("cidr", "CidrBlock"),
        ("cidr-block-association.association-id", "CidrBlockAssociationSet[].AssociationId"),
        ("cidr-block-association.cidr-block", "CidrBlockAssociationSet[].CidrBlock"),
        ("cidr-block-association.state", "CidrBlockAssociationSet[].CidrBlockState.State"),
        ("dhcp-options-id", "DhcpOptionsId"),
        ("is-default", "IsDefault"),
        ("owner-id", "OwnerId"),
        ("state", "State"),
        ("vpc-id", "VpcId"),
    ],
};

#[derive(Clone, Debug)]
pub(super) struct Vpc {
    pub cidr: Cidr,
    association: String,
    tenancy: String,
    pub default_group: String,
    pub main_table: String,
    pub dns_support: bool,
    pub dns_hostnames: bool,
}

impl Ec2 {
    pub(super) fn create_vpc(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        Self::check_specified(Kind::Vpc, input)?;
        let id = self.make_vpc(ctx, wanted(input, "CidrBlock")?, text(input, "InstanceTenancy"))?;
        self.tag_as_specified(Kind::Vpc, &id, input);
        Ok(json!({ "Vpc": self.vpc_shown(ctx.place, &id) }))
    }

    pub(super) fn make_vpc(
        &mut self,
        ctx: &mut Ctx<'_>,
        cidr: &str,
        tenancy: Option<&str>,
    ) -> Result<String, ApiError> {
        let wrong = || ApiError::client("InvalidVpc.Range", format!("The CIDR '{cidr}' is invalid."));
        let malformed = || {
            let message = format!("Value ({cidr}) for parameter cidrBlock is invalid. This is not a valid CIDR block.");
            super::invalid(message)
        };
        let block = Cidr::parse(cidr).ok_or_else(malformed)?;
        if !(16..=28).contains(&block.bits()) {
            return Err(wrong());
        }
        let id = Kind::Vpc.draw(ctx.ids);
        let default_group = self.add_default_group(ctx, &id);
        let main_table = self.add_route_table(ctx, &id, block, true);
        let vpc = Vpc {
            cidr: block,
            association: drawn("vpc-cidr-assoc-", ctx.ids),
            tenancy: tenancy.unwrap_or("default").to_owned(),
            default_group,
            main_table,
            dns_support: true,
            // On by itself only in a default VPC (VPC user guide).
            dns_hostnames: false,
        };
        self.vpcs.insert(id.clone(), vpc);
        Ok(id)
    }

    fn vpc_shown(&self, place: &Place, id: &str) -> Value {
        let Some(vpc) = self.vpcs.get(id) else { return Value::Null };
        json!({
            "VpcId": id, "OwnerId": place.account, "CidrBlock": vpc.cidr.to_string(), "State": "available",
            "DhcpOptionsId": "dopt-0a1b2c3d4e5f60718", "InstanceTenancy": vpc.tenancy, "IsDefault": false,
            "CidrBlockAssociationSet": [{
                "AssociationId": vpc.association, "CidrBlock": vpc.cidr.to_string(),
                "CidrBlockState": {"State": "associated"},
            }],
            "Tags": self.tags_of(id),
        })
    }

    pub(super) fn describe_vpcs(&self, place: &Place, input: &Value) -> Answer {
        let all = self.vpcs.keys().map(|id| (id.clone(), self.vpc_shown(place, id)));
        describe(&LIST, input, all.collect())
    }

    pub(super) fn vpc(&self, id: &str) -> Result<&Vpc, ApiError> {
        self.vpcs.get(id).ok_or_else(|| Kind::Vpc.missing(id))
    }

    pub(super) fn delete_vpc(&mut self, input: &Value) -> Answer {
        let id = wanted(input, "VpcId")?;
        let (group, table) = {
            let vpc = self.vpc(id)?;
            (vpc.default_group.clone(), vpc.main_table.clone())
        };
        let used = self.subnets.values().any(|subnet| subnet.vpc == id)
            || self.endpoints.values().any(|endpoint| endpoint.vpc == id)
            || self.internet_gateways.values().any(|gateway| gateway.vpc.as_deref() == Some(id))
            || self.groups.iter().any(|(other, own)| own.vpc == id && *other != group)
            || self.tables.iter().any(|(other, own)| own.vpc == id && *other != table);
        if used {
            return Err(dependency("vpc", id));
        }
        self.groups.remove(&group);
        self.tables.remove(&table);
        self.vpcs.remove(id);
        for gone in [id, group.as_str(), table.as_str()] {
            self.tags.remove(gone);
        }
        done()
    }

    pub(super) fn modify_vpc_attribute(&mut self, input: &Value) -> Answer {
        let id = wanted(input, "VpcId")?;
        let value = |member: &str| input[member]["Value"].as_bool();
        let (support, hostnames) = (value("EnableDnsSupport"), value("EnableDnsHostnames"));
        let vpc = self.vpcs.get_mut(id).ok_or_else(|| Kind::Vpc.missing(id))?;
        if support.is_some() == hostnames.is_some() {
            let message = "EnableDnsSupport or EnableDnsHostnames must be specified, one of them in a request";
            return Err(ApiError::client("InvalidParameterCombination", message));
        }
        vpc.dns_support = support.unwrap_or(vpc.dns_support);
        vpc.dns_hostnames = hostnames.unwrap_or(vpc.dns_hostnames);
        done()
    }

    pub(super) fn describe_vpc_attribute(&self, input: &Value) -> Answer {
        let id = wanted(input, "VpcId")?;
        let vpc = self.vpc(id)?;
        let (member, value) = match wanted(input, "Attribute")? {
            "enableDnsSupport" => ("EnableDnsSupport", vpc.dns_support),
            "enableDnsHostnames" => ("EnableDnsHostnames", vpc.dns_hostnames),
            _ => ("EnableNetworkAddressUsageMetrics", false),
        };
        Ok(json!({"VpcId": id, member: {"Value": value}}))
    }
}
