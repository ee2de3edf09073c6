//! Elastic IP addresses, for NAT gateways alone. They are out of a block for documentation (RFC 5737).

use serde_json::{Value, json};

use super::kind::Kind;
use super::list::{List, describe};
use super::{Ec2, done, wanted};
use crate::call::{Answer, ApiError, Ctx};
use crate::shape::texts;

/// `198.51.100.1` to `.254`.
const ADDRESSES_MAX: usize = 254;

const LIST: List = List {
    member: "Addresses",
    ids: "AllocationIds",
    kind: Kind::Address,
    filters: &[
        ("allocation-id", "AllocationId"),
        ("association-id", "AssociationId"),
        ("network-border-group", "NetworkBorderGroup"),
        ("network-interface-id", "NetworkInterfaceId"),
        ("private-ip-address", "PrivateIpAddress"),
        ("public-ip", "PublicIp"),
    ],
};

#[derive(Clone, Debug)]
pub(super) struct Address {
    pub public: String,
    /// The association and the interface that has it.
    pub association: Option<(String, String)>,
    region: String,
}

impl Ec2 {
    pub(super) fn allocate_address(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        Self::check_specified(Kind::Address, input)?;
        let id = self.make_address(ctx)?;
        self.tag_as_specified(Kind::Address, &id, input);
        let public = self.addresses.get(&id).map(|address| address.public.as_str());
        Ok(json!({
            "AllocationId": id, "PublicIp": public, "Domain": "vpc", "PublicIpv4Pool": "amazon",
            "NetworkBorderGroup": ctx.place.region,
        }))
    }

    pub(super) fn make_address(&mut self, ctx: &mut Ctx<'_>) -> Result<String, ApiError> {
        let taken: Vec<&str> = self.addresses.values().map(|address| address.public.as_str()).collect();
        let mut all = (1..=ADDRESSES_MAX).map(|n| format!("198.51.100.{n}"));
        let public = all.find(|address| !taken.contains(&address.as_str())).ok_or_else(|| {
            ApiError::client("AddressLimitExceeded", "The maximum number of addresses has been reached.")
        })?;
        let id = Kind::Address.draw(ctx.ids);
        let address = Address { public, association: None, region: ctx.place.region.clone() };
        self.addresses.insert(id.clone(), address);
        Ok(id)
    }

    pub(super) fn describe_addresses(&self, input: &Value) -> Answer {
        let publics = texts(input, "PublicIps");
        let strange = |public: &&String| self.addresses.values().all(|address| address.public != **public);
        if let Some(public) = publics.iter().find(strange) {
            return Err(ApiError::client("InvalidAddress.NotFound", format!("Address '{public}' not found.")));
        }
        let asked = |address: &Address| publics.is_empty() || publics.contains(&address.public);
        let all = self.addresses.iter().filter(|(_, address)| asked(address)).map(|(id, address)| {
            let (association, interface) = address.association.clone().unzip();
            let private = interface.as_ref().and_then(|id| self.interfaces.get(id)).map(|found| found.address.as_str());
            let shown = json!({
                "AllocationId": id, "PublicIp": address.public, "Domain": "vpc", "PublicIpv4Pool": "amazon",
                "NetworkBorderGroup": address.region, "AssociationId": association, "NetworkInterfaceId": interface,
                "PrivateIpAddress": private, "Tags": self.tags_of(id),
            });
            (id.clone(), shown)
        });
        describe(&LIST, input, all.collect())
    }

    pub(super) fn release_address(&mut self, input: &Value) -> Answer {
        let id = wanted(input, "AllocationId")?;
        let address = self.addresses.get(id).ok_or_else(|| Kind::Address.missing(id))?;
        if address.association.is_some() {
            let message = format!("Address {} is in use.", address.public);
            return Err(ApiError::client("InvalidIPAddress.InUse", message));
        }
        self.addresses.remove(id);
        self.tags.remove(id);
        done()
    }
}
