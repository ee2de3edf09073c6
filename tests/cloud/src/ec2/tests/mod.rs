//! EC2's service by itself, on a clock that the test moves.

mod endpoints;
mod groups;
mod lists;
mod network;
mod routes;
mod subnets;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::Ec2;
use crate::rig::Rig;

/// As long as an endpoint or a NAT gateway takes.
const WORK: SignedDuration = SignedDuration::from_secs(60);

fn rig() -> Rig<Ec2> {
    Rig::new(Ec2::new())
}

fn id(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no id: {value}")).to_owned()
}

/// A VPC 10.0.0.0/16.
fn vpc(rig: &mut Rig<Ec2>) -> String {
    id(&rig.ok("CreateVpc", json!({"CidrBlock": "10.0.0.0/16"}))["Vpc"]["VpcId"])
}

fn subnet(rig: &mut Rig<Ec2>, vpc: &str, block: &str, zone: &str) -> String {
    let input = json!({"VpcId": vpc, "CidrBlock": block, "AvailabilityZone": zone});
    id(&rig.ok("CreateSubnet", input)["Subnet"]["SubnetId"])
}

fn gateway(rig: &mut Rig<Ec2>, vpc: &str) -> String {
    let gateway = id(&rig.ok("CreateInternetGateway", json!({}))["InternetGateway"]["InternetGatewayId"]);
    rig.ok("AttachInternetGateway", json!({"InternetGatewayId": gateway, "VpcId": vpc}));
    gateway
}

/// A NAT gateway that is pending.
fn nat(rig: &mut Rig<Ec2>, subnet: &str) -> String {
    let allocation = id(&rig.ok("AllocateAddress", json!({}))["AllocationId"]);
    let made = rig.ok("CreateNatGateway", json!({"SubnetId": subnet, "AllocationId": allocation}));
    id(&made["NatGateway"]["NatGatewayId"])
}

/// The only thing of a list.
fn only(answer: &Value, member: &str) -> Value {
    let list = answer[member].as_array().unwrap();
    assert_eq!(list.len(), 1, "{answer}");
    list[0].clone()
}

/// The ids of a list.
fn ids(answer: &Value, member: &str, of: &str) -> Vec<String> {
    answer[member].as_array().unwrap().iter().map(|one| id(&one[of])).collect()
}

fn filter(name: &str, values: &[&str]) -> Value {
    json!({"Filters": [{"Name": name, "Values": values}]})
}
