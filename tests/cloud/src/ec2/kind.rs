//! The kinds of things that EC2 knows here, how their ids begin, and how EC2 says that one is not there.

use crate::call::{ApiError, Ids};

/// A kind of thing with an id of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Vpc,
    Subnet,
    RouteTable,
    Group,
    Endpoint,
    Interface,
    InternetGateway,
    NatGateway,
    Address,
    PrefixList,
}

impl Kind {
    pub const ALL: [Self; 10] = [
        Self::Vpc,
        Self::Subnet,
        Self::RouteTable,
        Self::Group,
        Self::Endpoint,
        Self::Interface,
        Self::InternetGateway,
        Self::NatGateway,
        Self::Address,
        Self::PrefixList,
    ];

    /// What the id begins with.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Vpc => "vpc-",
            Self::Subnet => "subnet-",
            Self::RouteTable => "rtb-",
            Self::Group => "sg-",
            Self::Endpoint => "vpce-",
            Self::Interface => "eni-",
            Self::InternetGateway => "igw-",
            Self::NatGateway => "nat-",
            Self::Address => "eipalloc-",
            Self::PrefixList => "pl-",
        }
    }

    /// The kind's name in `TagSpecifications`.
    pub const fn resource_type(self) -> &'static str {
        match self {
            Self::Vpc => "vpc",
            Self::Subnet => "subnet",
            Self::RouteTable => "route-table",
            Self::Group => "security-group",
            Self::Endpoint => "vpc-endpoint",
            Self::Interface => "network-interface",
            Self::InternetGateway => "internet-gateway",
            Self::NatGateway => "natgateway",
            Self::Address => "elastic-ip",
            Self::PrefixList => "prefix-list",
        }
    }

    pub fn of(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| id.starts_with(kind.prefix()))
    }

    pub fn draw(self, ids: &mut Ids) -> String {
        drawn(self.prefix(), ids)
    }

    /// The error of an id that is not there.
    pub fn missing(self, id: &str) -> ApiError {
        let (code, message) = match self {
            Self::Vpc => ("InvalidVpcID.NotFound", format!("The vpc ID '{id}' does not exist")),
            Self::Subnet => ("InvalidSubnetID.NotFound", format!("The subnet ID '{id}' does not exist")),
            Self::RouteTable => ("InvalidRouteTableID.NotFound", format!("The routeTable ID '{id}' does not exist")),
            Self::Group => ("InvalidGroup.NotFound", format!("The security group '{id}' does not exist")),
            Self::Endpoint => ("InvalidVpcEndpointId.NotFound", format!("The Vpc Endpoint Id '{id}' does not exist")),
            Self::Interface => {
                ("InvalidNetworkInterfaceID.NotFound", format!("The networkInterface ID '{id}' does not exist"))
            }
            Self::InternetGateway => {
                ("InvalidInternetGatewayID.NotFound", format!("The internetGateway ID '{id}' does not exist"))
            }
            Self::NatGateway => ("NatGatewayNotFound", format!("NAT gateway {id} was not found")),
            Self::Address => ("InvalidAllocationID.NotFound", format!("The allocation ID '{id}' does not exist")),
            Self::PrefixList => ("InvalidPrefixListID.NotFound", format!("The prefix list ID '{id}' does not exist")),
        };
        ApiError::client(code, message)
    }
}

/// A prefix and 17 hex digits, as EC2 writes ids.
pub(super) fn drawn(prefix: &str, ids: &mut Ids) -> String {
    format!("{prefix}0{}", &ids.hex32()[..16])
}
