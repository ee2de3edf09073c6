//! One rule of a security group: a protocol, its ports and one peer. `IpPermissions` are rules put together by protocol and
//! ports.

use serde_json::{Map, Value, json};

use super::cidr::{Cidr, canonical_v6};
use super::invalid;
use crate::call::{ApiError, Place};
use crate::shape::{integer, items, text};

/// Who is at the other end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Peer {
    V4(String),
    V6(String),
    PrefixList(String),
    Group(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    pub id: String,
    pub is_egress: bool,
    /// `tcp`, `udp`, `icmp`, `icmpv6`, a number, or `-1` for all.
    protocol: String,
    /// First and last; for ICMP type and code. None where the protocol has none.
    ports: Option<(i64, i64)>,
    pub peer: Peer,
    description: Option<String>,
}

impl Rule {
    /// Everything to or from a peer.
    pub fn all(id: String, is_egress: bool, peer: Peer) -> Self {
        Self { id, is_egress, protocol: "-1".to_owned(), ports: None, peer, description: None }
    }

    /// Two rules of one group cannot differ in their description alone.
    pub fn is_same(&self, other: &Self) -> bool {
        self.is_egress == other.is_egress
            && self.protocol == other.protocol
            && self.ports == other.ports
            && self.peer == other.peer
    }

    /// The rules of one permission, without ids.
    pub fn read(permission: &Value, is_egress: bool) -> Result<Vec<Self>, ApiError> {
        let protocol = protocol(text(permission, "IpProtocol"))?;
        let ports = ports(&protocol, permission)?;
        let rule = |peer: Peer, from: &Value| Self {
            id: String::new(),
            is_egress,
            protocol: protocol.clone(),
            ports,
            peer,
            description: text(from, "Description").map(str::to_owned),
        };
        let mut rules = Vec::new();
        for range in items(permission, "IpRanges") {
            let given = text(range, "CidrIp").unwrap_or_default();
            let cidr = Cidr::parse(given).ok_or_else(|| malformed(given))?;
            rules.push(rule(Peer::V4(cidr.to_string()), range));
        }
        for range in items(permission, "Ipv6Ranges") {
            let given = text(range, "CidrIpv6").unwrap_or_default();
            rules.push(rule(Peer::V6(canonical_v6(given).ok_or_else(|| malformed(given))?), range));
        }
        for list in items(permission, "PrefixListIds") {
            rules.push(rule(Peer::PrefixList(text(list, "PrefixListId").unwrap_or_default().to_owned()), list));
        }
        for pair in items(permission, "UserIdGroupPairs") {
            let id = text(pair, "GroupId").ok_or_else(|| {
                ApiError::client("MissingParameter", "The request must contain the parameter groupId of a group pair")
            })?;
            rules.push(rule(Peer::Group(id.to_owned()), pair));
        }
        match rules.is_empty() {
            true => Err(invalid("A permission must name a peer: a CIDR block, a prefix list or a security group")),
            false => Ok(rules),
        }
    }

    /// As EC2 words it in its refusals: `peer: 10.0.0.0/8, TCP, from port: 443, to port: 443, ALLOW`.
    pub fn told(&self) -> String {
        let (Peer::V4(peer) | Peer::V6(peer) | Peer::PrefixList(peer) | Peer::Group(peer)) = &self.peer;
        match (self.protocol.as_str(), self.ports) {
            ("-1", _) => format!("peer: {peer}, ALL, ALLOW"),
            (protocol, None) => format!("peer: {peer}, {}, ALLOW", protocol.to_uppercase()),
            (protocol, Some((from, to))) => {
                format!("peer: {peer}, {}, from port: {from}, to port: {to}, ALLOW", protocol.to_uppercase())
            }
        }
    }

    /// As a `SecurityGroupRule`.
    pub fn shown(&self, place: &Place, group: &str, vpc_of: impl Fn(&str) -> Option<String>) -> Value {
        let (from, to) = self.ports.unwrap_or((-1, -1));
        let mut shown = Map::new();
        let (member, peer) = match &self.peer {
            Peer::V4(cidr) => ("CidrIpv4", json!(cidr)),
            Peer::V6(cidr) => ("CidrIpv6", json!(cidr)),
            Peer::PrefixList(id) => ("PrefixListId", json!(id)),
            Peer::Group(id) => {
                ("ReferencedGroupInfo", json!({"GroupId": id, "UserId": place.account, "VpcId": vpc_of(id)}))
            }
        };
        shown.insert(member.to_owned(), peer);
        let Place { partition, region, account } = place;
        let rest = json!({
            "SecurityGroupRuleId": self.id, "GroupId": group, "GroupOwnerId": account, "IsEgress": self.is_egress,
            "IpProtocol": self.protocol, "FromPort": from, "ToPort": to, "Description": self.description,
            "SecurityGroupRuleArn": format!("arn:{partition}:ec2:{region}:{account}:security-group-rule/{}", self.id),
        });
        shown.extend(rest.as_object().cloned().unwrap_or_default());
        Value::Object(shown)
    }

    /// As a `RevokedSecurityGroupRule`.
    pub fn revoked(&self, group: &str) -> Value {
        let (from, to) = self.ports.unwrap_or((-1, -1));
        let (member, peer) = match &self.peer {
            Peer::V4(cidr) => ("CidrIpv4", cidr),
            Peer::V6(cidr) => ("CidrIpv6", cidr),
            Peer::PrefixList(id) => ("PrefixListId", id),
            Peer::Group(id) => ("ReferencedGroupId", id),
        };
        json!({
            "SecurityGroupRuleId": self.id, "GroupId": group, "IsEgress": self.is_egress, "IpProtocol": self.protocol,
            "FromPort": from, "ToPort": to, "Description": self.description, member: peer,
        })
    }
}

/// The rules as `IpPermissions`: one entry for each protocol with its ports, in the order in which they came.
pub(super) fn permissions<'a>(place: &Place, rules: impl Iterator<Item = &'a Rule>) -> Vec<Value> {
    let mut groups: Vec<(&Rule, Vec<&Rule>)> = Vec::new();
    for rule in rules {
        let same = |(first, _): &&mut (&Rule, _)| first.protocol == rule.protocol && first.ports == rule.ports;
        match groups.iter_mut().find(same) {
            Some((_, members)) => members.push(rule),
            None => groups.push((rule, vec![rule])),
        }
    }
    groups.iter().map(|(first, members)| permission(place, first, members)).collect()
}

fn permission(place: &Place, first: &Rule, members: &[&Rule]) -> Value {
    let each =
        |of: &dyn Fn(&Rule) -> Option<Value>| -> Vec<Value> { members.iter().filter_map(|rule| of(rule)).collect() };
    let (from, to) = first.ports.unzip();
    json!({
        "IpProtocol": first.protocol, "FromPort": from, "ToPort": to,
        "IpRanges": each(&|rule| match &rule.peer {
            Peer::V4(cidr) => Some(json!({"CidrIp": cidr, "Description": rule.description})),
            _ => None,
        }),
        "Ipv6Ranges": each(&|rule| match &rule.peer {
            Peer::V6(cidr) => Some(json!({"CidrIpv6": cidr, "Description": rule.description})),
            _ => None,
        }),
        "PrefixListIds": each(&|rule| match &rule.peer {
            Peer::PrefixList(id) => Some(json!({"PrefixListId": id, "Description": rule.description})),
            _ => None,
        }),
        "UserIdGroupPairs": each(&|rule| match &rule.peer {
            Peer::Group(id) => {
                Some(json!({"GroupId": id, "UserId": place.account, "Description": rule.description}))
            }
            _ => None,
        }),
    })
}

fn malformed(block: &str) -> ApiError {
    invalid(format!("CIDR block {block} is malformed"))
}

/// The protocol's name where it has one here (IANA's numbers).
fn protocol(given: Option<&str>) -> Result<String, ApiError> {
    let given = given
        .ok_or_else(|| ApiError::client("MissingParameter", "The request must contain the parameter ipProtocol"))?;
    match given.to_lowercase().as_str() {
        "-1" | "all" => Ok("-1".to_owned()),
        "tcp" | "6" => Ok("tcp".to_owned()),
        "udp" | "17" => Ok("udp".to_owned()),
        "icmp" | "1" => Ok("icmp".to_owned()),
        "icmpv6" | "58" => Ok("icmpv6".to_owned()),
        number if number.parse::<u8>().is_ok() => Ok(number.to_owned()),
        _ => Err(invalid(format!("Invalid value '{given}' for IP protocol. Unknown protocol."))),
    }
}

fn ports(protocol: &str, permission: &Value) -> Result<Option<(i64, i64)>, ApiError> {
    let given = (integer(permission, "FromPort"), integer(permission, "ToPort"));
    match (protocol, given) {
        ("tcp" | "udp", (Some(from), Some(to))) => {
            let fits = (0..=65535).contains(&from) && (from..=65535).contains(&to);
            let told = || invalid(format!("Invalid {} port range ({from}:{to})", protocol.to_uppercase()));
            if fits { Ok(Some((from, to))) } else { Err(told()) }
        }
        ("tcp" | "udp", _) => {
            Err(invalid("Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange."))
        }
        ("icmp" | "icmpv6", (from, to)) => Ok(Some((from.unwrap_or(-1), to.unwrap_or(-1)))),
        // Other protocols have no ports: what is given is not kept (EC2's API reference, IpPermission).
        _ => Ok(None),
    }
}
