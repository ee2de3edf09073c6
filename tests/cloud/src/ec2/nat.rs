//! NAT gateways: pending, then available; deleted ones are shown for an hour.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::interfaces::New;
use super::kind::{Kind, drawn};
use super::list::{List, describe};
use super::phase::Phase;
use super::{Ec2, wanted};
use crate::call::{Answer, ApiError, Ctx, Place};
use crate::shape::{epoch, text};

const LIST: List = List {
    member: "NatGateways",
    ids: "NatGatewayIds",
    kind: Kind::NatGateway,
    filters: &[("nat-gateway-id", "NatGatewayId"), ("state", "State"), ("subnet-id", "SubnetId"), ("vpc-id", "VpcId")],
};

#[derive(Clone, Debug)]
pub(super) struct NatGateway {
    pub vpc: String,
    subnet: String,
    is_public: bool,
    addresses: Value,
    created_at: Timestamp,
    deleted_at: Option<Timestamp>,
    pub phase: Phase,
}

impl Ec2 {
    pub(super) fn create_nat_gateway(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        Self::check_specified(Kind::NatGateway, input)?;
        let subnet = wanted(input, "SubnetId")?;
        let allocation = match text(input, "ConnectivityType") {
            Some("private") => None,
            _ => Some(wanted(input, "AllocationId")?),
        };
        let id = self.make_nat_gateway(ctx, subnet, allocation)?;
        self.tag_as_specified(Kind::NatGateway, &id, input);
        Ok(json!({ "NatGateway": self.nat_shown(&id) }))
    }

    pub(super) fn make_nat_gateway(
        &mut self,
        ctx: &mut Ctx<'_>,
        subnet: &str,
        allocation: Option<&str>,
    ) -> Result<String, ApiError> {
        let vpc = self.subnet(subnet)?.vpc.clone();
        if let Some(allocation) = allocation {
            self.may_be_public(&vpc, allocation)?;
        }
        let id = Kind::NatGateway.draw(ctx.ids);
        let new = New {
            kind: "nat_gateway",
            description: format!("Interface for NAT Gateway {id}"),
            owner: id.clone(),
            groups: Vec::new(),
        };
        let interface = self.add_interface(ctx, subnet, new)?;
        let association = allocation.map(|allocation| self.map_address(ctx, allocation, &interface));
        let public = allocation.and_then(|id| self.addresses.get(id)).map(|address| address.public.clone());
        let private = self.interfaces.get(&interface).map(|interface| interface.address.clone());
        let nat = NatGateway {
            vpc,
            subnet: subnet.to_owned(),
            is_public: allocation.is_some(),
            addresses: json!([{
                "AllocationId": allocation, "AssociationId": association, "NetworkInterfaceId": interface,
                "PrivateIp": private, "PublicIp": public, "IsPrimary": true, "Status": "succeeded",
            }]),
            created_at: ctx.now,
            deleted_at: None,
            phase: Phase::pending(ctx.now),
        };
        self.nat_gateways.insert(id.clone(), nat);
        Ok(id)
    }

    fn may_be_public(&self, vpc: &str, allocation: &str) -> Result<(), ApiError> {
        let address = self.addresses.get(allocation).ok_or_else(|| Kind::Address.missing(allocation))?;
        if address.association.is_some() {
            let message = format!("resource {allocation} is already associated");
            return Err(ApiError::client("Resource.AlreadyAssociated", message));
        }
        if self.internet_gateways.values().all(|gateway| gateway.vpc.as_deref() != Some(vpc)) {
            let message = format!("Network {vpc} has no Internet gateway attached");
            return Err(ApiError::client("Gateway.NotAttached", message));
        }
        Ok(())
    }

    fn map_address(&mut self, ctx: &mut Ctx<'_>, allocation: &str, interface: &str) -> String {
        let association = drawn("eipassoc-", ctx.ids);
        if let Some(address) = self.addresses.get_mut(allocation) {
            address.association = Some((association.clone(), interface.to_owned()));
            if let Some(interface) = self.interfaces.get_mut(interface) {
                interface.public = Some((allocation.to_owned(), association.clone(), address.public.clone()));
            }
        }
        association
    }

    fn nat_shown(&self, id: &str) -> Value {
        let Some(nat) = self.nat_gateways.get(id) else { return Value::Null };
        json!({
            "NatGatewayId": id, "VpcId": nat.vpc, "SubnetId": nat.subnet, "State": nat.phase.as_str(),
            "CreateTime": epoch(nat.created_at), "DeleteTime": nat.deleted_at.map(epoch),
            "ConnectivityType": if nat.is_public { "public" } else { "private" },
            "NatGatewayAddresses": nat.addresses, "Tags": self.tags_of(id),
        })
    }

    pub(super) fn describe_nat_gateways(&self, _place: &Place, input: &Value) -> Answer {
        let all = self.nat_gateways.keys().map(|id| (id.clone(), self.nat_shown(id)));
        describe(&LIST, input, all.collect())
    }

    pub(super) fn delete_nat_gateway(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let id = wanted(input, "NatGatewayId")?;
        let nat = self.nat_gateways.get_mut(id).ok_or_else(|| Kind::NatGateway.missing(id))?;
        if nat.phase.is_live() {
            nat.phase = Phase::deleting(ctx.now);
            nat.deleted_at = Some(ctx.now);
        }
        Ok(json!({ "NatGatewayId": id }))
    }

    /// Gives back what deleted NAT gateways had, and forgets them in the end.
    pub(super) fn forget_nat_gateways(&mut self) {
        let gone = self.nat_gateways.iter().filter(|(_, nat)| matches!(nat.phase, Phase::Deleted { .. } | Phase::Gone));
        for id in gone.map(|(id, _)| id.clone()).collect::<Vec<_>>() {
            self.drop_interfaces_of(&id);
        }
        let mut forgotten = Vec::new();
        self.nat_gateways.retain(|id, nat| {
            let stays = nat.phase != Phase::Gone;
            if !stays {
                forgotten.push(id.clone());
            }
            stays
        });
        forgotten.iter().for_each(|id| drop(self.tags.remove(id)));
    }
}
