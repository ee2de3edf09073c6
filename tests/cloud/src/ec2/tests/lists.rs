//! Ids, filters, pages and tags.

use serde_json::{Value, json};

use super::{filter, id, ids, only, rig, subnet, vpc};
use crate::ec2::Ec2;
use crate::rig::Rig;

/// Twelve subnets of one VPC; every third one is in each zone.
fn twelve(rig: &mut Rig<Ec2>) -> (String, Vec<String>) {
    let vpc = vpc(rig);
    let zone = |n: usize| ["eu-west-1a", "eu-west-1b", "eu-west-1c"][n % 3];
    let mut made: Vec<String> = (0..12).map(|n| subnet(rig, &vpc, &format!("10.0.{n}.0/24"), zone(n))).collect();
    made.sort();
    (vpc, made)
}

fn listed(rig: &mut Rig<Ec2>, input: Value) -> Vec<String> {
    ids(&rig.ok("DescribeSubnets", input), "Subnets", "SubnetId")
}

#[test]
fn without_a_size_everything_is_one_page() {
    let mut rig = rig();
    let (_, all) = twelve(&mut rig);
    let answer = rig.ok("DescribeSubnets", json!({}));
    assert_eq!(ids(&answer, "Subnets", "SubnetId"), all);
    assert!(answer.get("NextToken").is_none());
}

#[test]
fn pages_follow_each_other_and_filters_hold_on_each() {
    let mut rig = rig();
    let (vpc, all) = twelve(&mut rig);
    let mut found = Vec::new();
    let mut token = Value::Null;
    for size in [5, 5, 2] {
        let mut input = filter("vpc-id", &[&vpc]);
        input["MaxResults"] = json!(5);
        input["NextToken"] = token;
        let answer = rig.ok("DescribeSubnets", input);
        let page = ids(&answer, "Subnets", "SubnetId");
        assert_eq!(page.len(), size);
        found.extend(page);
        token = answer["NextToken"].clone();
    }
    assert_eq!((found, token), (all, Value::Null));
    rig.refused("DescribeSubnets", "InvalidNextToken", json!({"NextToken": "?"}));
}

#[test]
fn ids_choose_and_an_unknown_one_is_told() {
    let mut rig = rig();
    let (_, all) = twelve(&mut rig);
    assert_eq!(listed(&mut rig, json!({"SubnetIds": [all[3], all[1]]})), [all[1].clone(), all[3].clone()]);
    for (operation, member, given, code, message) in [
        ("DescribeVpcs", "VpcIds", "vpc-1", "InvalidVpcID.NotFound", "The vpc ID 'vpc-1' does not exist"),
        (
            "DescribeSubnets",
            "SubnetIds",
            "subnet-1",
            "InvalidSubnetID.NotFound",
            "The subnet ID 'subnet-1' does not exist",
        ),
        (
            "DescribeSecurityGroups",
            "GroupIds",
            "sg-1",
            "InvalidGroup.NotFound",
            "The security group 'sg-1' does not exist",
        ),
        (
            "DescribeRouteTables",
            "RouteTableIds",
            "rtb-1",
            "InvalidRouteTableID.NotFound",
            "The routeTable ID 'rtb-1' does not exist",
        ),
        (
            "DescribeVpcEndpoints",
            "VpcEndpointIds",
            "vpce-1",
            "InvalidVpcEndpointId.NotFound",
            "The Vpc Endpoint Id 'vpce-1' does not exist",
        ),
        (
            "DescribeNetworkInterfaces",
            "NetworkInterfaceIds",
            "eni-1",
            "InvalidNetworkInterfaceID.NotFound",
            "The networkInterface ID 'eni-1' does not exist",
        ),
        ("DescribeNatGateways", "NatGatewayIds", "nat-1", "NatGatewayNotFound", "NAT gateway nat-1 was not found"),
        (
            "DescribeManagedPrefixLists",
            "PrefixListIds",
            "pl-1",
            "InvalidPrefixListID.NotFound",
            "The prefix list ID 'pl-1' does not exist",
        ),
    ] {
        assert_eq!(rig.refused(operation, code, json!({member: [given]})).message, message);
    }
    let both = json!({"NetworkInterfaceIds": ["eni-1"], "MaxResults": 5});
    rig.refused("DescribeNetworkInterfaces", "InvalidParameterCombination", both);
}

#[test]
fn filters_are_all_held_and_their_values_are_alternatives() {
    let mut rig = rig();
    let (vpc, all) = twelve(&mut rig);
    assert_eq!(
        listed(&mut rig, filter("subnet-id", &[&all[0], &all[5], "subnet-1"])),
        [all[0].clone(), all[5].clone()]
    );
    assert_eq!(listed(&mut rig, filter("availability-zone", &["eu-west-1a", "eu-west-1b"])).len(), 8);
    assert_eq!(listed(&mut rig, filter("cidr-block", &["10.0.1?.0/24"])).len(), 2);
    assert_eq!(listed(&mut rig, filter("cidr-block", &["10.0.1*"])).len(), 3);
    assert_eq!(listed(&mut rig, filter("default-for-az", &["true"])), Vec::<String>::new());
    let both = json!({"Filters": [
        {"Name": "vpc-id", "Values": [vpc]}, {"Name": "availability-zone-id", "Values": ["euw1-az1"]},
    ]});
    assert_eq!(listed(&mut rig, both).len(), 4);
}

#[test]
fn a_filter_that_is_not_there_is_refused_even_where_nothing_is() {
    let mut rig = rig();
    for operation in [
        "DescribeVpcs",
        "DescribeSubnets",
        "DescribeSecurityGroups",
        "DescribeRouteTables",
        "DescribeVpcEndpoints",
        "DescribeNetworkInterfaces",
        "DescribeNatGateways",
        "DescribeInternetGateways",
        "DescribeAddresses",
        "DescribeAvailabilityZones",
        "DescribeManagedPrefixLists",
    ] {
        let error = rig.refused(operation, "InvalidParameterValue", filter("colour", &["red"]));
        assert_eq!(error.message, "The filter 'colour' is invalid");
    }
    rig.refused("DescribeVpcs", "InvalidParameterValue", filter("vpc-id", &[]));
    rig.refused("DescribeVpcs", "FilterLimitExceeded", filter("vpc-id", &["vpc-1"; 201]));
    assert_eq!(rig.ok("DescribeVpcs", filter("vpc-id", &["vpc-1"; 200])), json!({"Vpcs": []}));
}

#[test]
fn tags_are_made_with_a_thing_or_after_and_found() {
    let mut rig = rig();
    let input = json!({"CidrBlock": "10.0.0.0/16", "TagSpecifications": [
        {"ResourceType": "vpc", "Tags": [{"Key": "team", "Value": "shop"}]},
    ]});
    let made = rig.ok("CreateVpc", input)["Vpc"].clone();
    assert_eq!(made["Tags"], json!([{"Key": "team", "Value": "shop"}]));
    let vpc = id(&made["VpcId"]);
    rig.ok("CreateTags", json!({"Resources": [vpc], "Tags": [{"Key": "stage", "Value": "test"}]}));
    for found in [filter("tag:team", &["sh*"]), filter("tag-key", &["stage"])] {
        assert_eq!(only(&rig.ok("DescribeVpcs", found), "Vpcs")["VpcId"], json!(vpc));
    }
    for not in [filter("tag:team", &["test"]), filter("tag:Team", &["shop"]), filter("tag-key", &["shop"])] {
        assert_eq!(rig.ok("DescribeVpcs", not), json!({"Vpcs": []}));
    }
    // With another value than it has, a tag stays; without one it goes.
    rig.ok("DeleteTags", json!({"Resources": [vpc], "Tags": [{"Key": "team", "Value": "x"}, {"Key": "stage"}]}));
    assert_eq!(only(&rig.ok("DescribeVpcs", json!({})), "Vpcs")["Tags"], json!([{"Key": "team", "Value": "shop"}]));
    rig.refused("CreateTags", "InvalidVpcID.NotFound", json!({"Resources": ["vpc-1"], "Tags": []}));
    rig.refused("CreateTags", "InvalidID", json!({"Resources": ["i-1"], "Tags": []}));
    rig.refused(
        "CreateTags",
        "InvalidParameterValue",
        json!({"Resources": [vpc], "Tags": [{"Key": "aws:x", "Value": "y"}]}),
    );
    let other = json!({"CidrBlock": "10.0.0.0/16", "TagSpecifications": [{"ResourceType": "subnet", "Tags": []}]});
    rig.refused("CreateVpc", "InvalidParameterValue", other);
}
