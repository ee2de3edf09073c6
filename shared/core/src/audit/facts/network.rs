//! Connectors, endpoints, and the parts of VPCs that they stand in.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::fact::Fact;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectorStatus {
    Active,
    Inactive,
}

/// A VPC connector: the way out of a service into a VPC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connector {
    pub arn: String,
    pub name: String,
    pub revision: u32,
    pub status: ConnectorStatus,
    pub subnets: Vec<String>,
    pub groups: Vec<String>,
}

/// `VpcIngressConnectionStatus`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IngressStatus {
    Available,
    /// One of the `PENDING_...`.
    Pending(String),
    /// One of the `FAILED_...`.
    Failed(String),
    Deleted,
}

/// A VPC ingress connection: the way from a VPC endpoint into a private service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ingress {
    pub arn: String,
    pub name: String,
    pub service: String,
    pub status: IngressStatus,
    pub vpc: String,
    pub endpoint: String,
    /// The name that clients in the VPC ask for.
    pub domain: Option<String>,
    #[serde(default)]
    pub created_at: Option<Timestamp>,
}

/// A subnet, with what its route table says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subnet {
    pub id: String,
    pub vpc: String,
    /// The zone's name: `eu-west-1a`.
    pub zone: String,
    pub free_addresses: u32,
    /// The routes of the table that holds for it: its own, or the VPC's main one.
    pub routes: Vec<Route>,
}

/// One route: where a destination leads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// A CIDR block or the id of a prefix list.
    pub destination: String,
    /// `igw-...`, `nat-...`, `tgw-...`, `vpce-...`, `eni-...`, `pcx-...`, `local`.
    pub target: String,
    /// A blackhole leads nowhere: its target is gone.
    pub blackhole: bool,
}

/// The other side of a permission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Peer {
    /// IPv4 or IPv6.
    Cidr(String),
    Group(String),
    PrefixList(String),
}

/// One permission of a security group, for one peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permission {
    /// `tcp`, `udp`, `icmp`, a number, or `-1` for all.
    pub protocol: String,
    /// `None` where every port is meant.
    pub ports: Option<(u16, u16)>,
    pub peer: Peer,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityGroup {
    pub id: String,
    pub name: String,
    pub vpc: String,
    pub inbound: Vec<Permission>,
    pub outbound: Vec<Permission>,
}

/// A VPC endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    pub id: String,
    pub vpc: String,
    /// `com.amazonaws.REGION.apprunner.requests`, `...s3`.
    pub service: String,
    /// `available`, `pending`, `deleted` ...
    pub state: String,
    /// Whether it is of type Gateway: then it works through routes.
    pub gateway: bool,
    pub subnets: Vec<String>,
    pub groups: Vec<String>,
    pub private_dns: bool,
}

/// What was read of EC2, for all VPCs that a connector or an ingress connection names.
#[derive(Clone, Debug, Default)]
pub struct NetworkFacts {
    /// The availability zones of the region that are up.
    pub zones: Fact<Vec<String>>,
    /// By id. A subnet that a connector names and EC2 does not know is missing here.
    pub subnets: Fact<BTreeMap<String, Subnet>>,
    /// By id: every group of these VPCs.
    pub groups: Fact<BTreeMap<String, SecurityGroup>>,
    /// Every endpoint of these VPCs.
    pub endpoints: Fact<Vec<Endpoint>>,
}
