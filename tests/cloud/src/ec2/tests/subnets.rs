//! VPCs, subnets and what hangs on them.

use serde_json::json;

use super::{WORK, gateway, id, nat, only, rig, subnet, vpc};

#[test]
fn a_new_cloud_has_no_network_and_three_zones() {
    let mut rig = rig();
    for (operation, member) in [
        ("DescribeVpcs", "Vpcs"),
        ("DescribeSubnets", "Subnets"),
        ("DescribeSecurityGroups", "SecurityGroups"),
        ("DescribeRouteTables", "RouteTables"),
        ("DescribeVpcEndpoints", "VpcEndpoints"),
        ("DescribeNetworkInterfaces", "NetworkInterfaces"),
        ("DescribeNatGateways", "NatGateways"),
    ] {
        assert_eq!(rig.ok(operation, json!({})), json!({member: []}));
    }
    let zones = rig.ok("DescribeAvailabilityZones", json!({}));
    let names = super::ids(&zones, "AvailabilityZones", "ZoneName");
    assert_eq!(names, ["eu-west-1a", "eu-west-1b", "eu-west-1c"]);
    let one = rig.ok("DescribeAvailabilityZones", json!({"ZoneIds": ["euw1-az2"]}));
    assert_eq!(only(&one, "AvailabilityZones")["ZoneName"], "eu-west-1b");
    let error = rig.refused("DescribeAvailabilityZones", "InvalidParameterValue", json!({"ZoneNames": ["eu-west-1z"]}));
    assert_eq!(error.message, "Invalid availability zone: [eu-west-1z]");
}

#[test]
fn a_vpc_comes_with_a_default_group_and_a_main_table() {
    let mut rig = rig();
    let vpc = vpc(&mut rig);
    let group = only(&rig.ok("DescribeSecurityGroups", json!({})), "SecurityGroups");
    assert_eq!((&group["GroupName"], &group["VpcId"]), (&json!("default"), &json!(vpc)));
    assert_eq!(group["IpPermissions"][0]["UserIdGroupPairs"][0]["GroupId"], group["GroupId"]);
    assert_eq!(group["IpPermissionsEgress"][0]["IpRanges"], json!([{"CidrIp": "0.0.0.0/0", "Description": null}]));
    let table = only(&rig.ok("DescribeRouteTables", super::filter("association.main", &["true"])), "RouteTables");
    assert_eq!((&table["VpcId"], &table["Associations"][0]["Main"]), (&json!(vpc), &json!(true)));
    assert!(table["Associations"][0]["SubnetId"].is_null());
    assert_eq!(table["Routes"][0]["GatewayId"], "local");
    rig.refused("DeleteRouteTable", "DependencyViolation", json!({"RouteTableId": table["RouteTableId"]}));
    rig.refused("DeleteSecurityGroup", "CannotDelete", json!({"GroupId": group["GroupId"]}));
    rig.ok("DeleteVpc", json!({"VpcId": vpc}));
    assert_eq!(rig.ok("DescribeSecurityGroups", json!({})), json!({"SecurityGroups": []}));
    assert_eq!(rig.ok("DescribeRouteTables", json!({})), json!({"RouteTables": []}));
}

#[test]
fn blocks_must_lie_in_their_vpc_and_beside_each_other() {
    let mut rig = rig();
    rig.refused("CreateVpc", "InvalidVpc.Range", json!({"CidrBlock": "10.0.0.0/8"}));
    rig.refused("CreateVpc", "InvalidParameterValue", json!({"CidrBlock": "10.0.0.0"}));
    rig.refused("CreateVpc", "MissingParameter", json!({}));
    let vpc = vpc(&mut rig);
    let mut refused = |block: &str, code: &str| {
        rig.refused("CreateSubnet", code, json!({"VpcId": vpc, "CidrBlock": block}));
    };
    refused("10.1.0.0/24", "InvalidSubnet.Range");
    refused("10.0.0.0/29", "InvalidSubnet.Range");
    refused("10.0.0.0/x", "InvalidParameterValue");
    subnet(&mut rig, &vpc, "10.0.1.0/24", "eu-west-1a");
    rig.refused("CreateSubnet", "InvalidSubnet.Conflict", json!({"VpcId": vpc, "CidrBlock": "10.0.0.0/20"}));
    rig.refused("CreateSubnet", "InvalidVpcID.NotFound", json!({"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/20"}));
    let input = json!({"VpcId": vpc, "CidrBlock": "10.0.2.0/24", "AvailabilityZone": "eu-west-1z"});
    let error = rig.refused("CreateSubnet", "InvalidParameterValue", input);
    assert!(error.message.ends_with("eu-west-1a, eu-west-1b, eu-west-1c."), "{}", error.message);
    // An address inside a block stands for the block, and a zone can be named by its id.
    let input = json!({"VpcId": vpc, "CidrBlock": "10.0.2.9/24", "AvailabilityZoneId": "euw1-az3"});
    let made = rig.ok("CreateSubnet", input)["Subnet"].clone();
    assert_eq!((&made["CidrBlock"], &made["AvailabilityZone"]), (&json!("10.0.2.0/24"), &json!("eu-west-1c")));
    assert_eq!(made["AvailableIpAddressCount"], 251);
}

#[test]
fn what_is_used_is_not_deleted() {
    let mut rig = rig();
    let vpc = vpc(&mut rig);
    let subnet = subnet(&mut rig, &vpc, "10.0.1.0/24", "eu-west-1a");
    let allocation = id(&rig.ok("AllocateAddress", json!({}))["AllocationId"]);
    let input = json!({"SubnetId": subnet, "AllocationId": allocation});
    rig.refused("CreateNatGateway", "Gateway.NotAttached", input.clone());
    rig.refused("CreateNatGateway", "MissingParameter", json!({"SubnetId": subnet}));
    let gateway = gateway(&mut rig, &vpc);
    let nat = id(&rig.ok("CreateNatGateway", input.clone())["NatGateway"]["NatGatewayId"]);
    rig.refused("CreateNatGateway", "Resource.AlreadyAssociated", input);
    let attached = json!({"InternetGatewayId": gateway, "VpcId": vpc});
    rig.refused("DeleteVpc", "DependencyViolation", json!({"VpcId": vpc}));
    rig.refused("DeleteSubnet", "DependencyViolation", json!({"SubnetId": subnet}));
    rig.refused("DeleteInternetGateway", "DependencyViolation", json!({"InternetGatewayId": gateway}));
    rig.refused("DetachInternetGateway", "DependencyViolation", attached.clone());
    rig.refused("ReleaseAddress", "InvalidIPAddress.InUse", json!({"AllocationId": allocation}));
    rig.ok("DeleteNatGateway", json!({"NatGatewayId": nat}));
    rig.refused("DeleteSubnet", "DependencyViolation", json!({"SubnetId": subnet}));
    rig.pass(WORK);
    rig.ok("ReleaseAddress", json!({"AllocationId": allocation}));
    rig.ok("DetachInternetGateway", attached.clone());
    rig.refused("DetachInternetGateway", "Gateway.NotAttached", attached);
    rig.ok("DeleteInternetGateway", json!({"InternetGatewayId": gateway}));
    rig.ok("DeleteSubnet", json!({"SubnetId": subnet}));
    rig.ok("DeleteVpc", json!({"VpcId": vpc}));
    rig.refused("DeleteVpc", "InvalidVpcID.NotFound", json!({"VpcId": vpc}));
}

#[test]
fn a_nat_gateway_comes_in_time_and_is_shown_an_hour_after_it_went() {
    let mut rig = rig();
    let vpc = vpc(&mut rig);
    let subnet = subnet(&mut rig, &vpc, "10.0.1.0/24", "eu-west-1a");
    gateway(&mut rig, &vpc);
    let nat = nat(&mut rig, &subnet);
    let state = |rig: &mut crate::rig::Rig<crate::ec2::Ec2>| {
        let listed = rig.ok("DescribeNatGateways", json!({}));
        listed["NatGateways"].as_array().unwrap().first().map(|one| id(&one["State"]))
    };
    assert_eq!(state(&mut rig).as_deref(), Some("pending"));
    rig.pass(WORK);
    assert_eq!(state(&mut rig).as_deref(), Some("available"));
    assert_eq!(crate::call::Service::next_due(&rig.service), None, "nothing is left to do");
    let interface = only(&rig.ok("DescribeNetworkInterfaces", json!({})), "NetworkInterfaces");
    assert_eq!(interface["InterfaceType"], "nat_gateway");
    assert_eq!(
        (&interface["Association"]["PublicIp"], &interface["PrivateIpAddress"]),
        (&json!("198.51.100.1"), &json!("10.0.1.4"))
    );
    rig.ok("DeleteNatGateway", json!({"NatGatewayId": nat}));
    assert_eq!(state(&mut rig).as_deref(), Some("deleting"));
    rig.pass(WORK);
    assert_eq!(state(&mut rig).as_deref(), Some("deleted"));
    assert_eq!(rig.ok("DescribeNetworkInterfaces", json!({})), json!({"NetworkInterfaces": []}));
    rig.pass(jiff::SignedDuration::from_hours(1));
    assert_eq!(state(&mut rig), None);
}

#[test]
fn dns_names_are_switched_one_at_a_time() {
    let mut rig = rig();
    let vpc = vpc(&mut rig);
    let asked = json!({"VpcId": vpc, "Attribute": "enableDnsHostnames"});
    assert_eq!(rig.ok("DescribeVpcAttribute", asked.clone())["EnableDnsHostnames"], json!({"Value": false}));
    rig.ok("ModifyVpcAttribute", json!({"VpcId": vpc, "EnableDnsHostnames": {"Value": true}}));
    assert_eq!(rig.ok("DescribeVpcAttribute", asked)["EnableDnsHostnames"], json!({"Value": true}));
    let both = json!({"VpcId": vpc, "EnableDnsHostnames": {"Value": true}, "EnableDnsSupport": {"Value": true}});
    rig.refused("ModifyVpcAttribute", "InvalidParameterCombination", both);
}

#[test]
fn a_dry_run_does_nothing_and_says_so() {
    let mut rig = rig();
    let error = rig.refused("CreateVpc", "DryRunOperation", json!({"CidrBlock": "10.0.0.0/16", "DryRun": true}));
    assert_eq!(error.status, 412);
    assert_eq!(rig.ok("DescribeVpcs", json!({})), json!({"Vpcs": []}));
}

#[test]
fn each_call_needs_its_own_action_on_everything() {
    let needs = rig().needs("DescribeSubnets", json!({"SubnetIds": ["subnet-1"]}));
    assert_eq!(needs, [crate::call::Need::new("ec2:DescribeSubnets", "*")]);
}
