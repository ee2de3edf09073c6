//! VPC endpoints of both types.

use serde_json::{Value, json};

use super::{WORK, filter, id, ids, only, rig, subnet, vpc};
use crate::ec2::Ec2;
use crate::rig::Rig;

const SECRETS: &str = "com.amazonaws.eu-west-1.secretsmanager";
const S3: &str = "com.amazonaws.eu-west-1.s3";

/// A VPC with DNS names and a subnet in each of two zones.
fn place(rig: &mut Rig<Ec2>) -> (String, String, String) {
    let vpc = vpc(rig);
    rig.ok("ModifyVpcAttribute", json!({"VpcId": vpc, "EnableDnsHostnames": {"Value": true}}));
    let first = subnet(rig, &vpc, "10.0.1.0/24", "eu-west-1a");
    let second = subnet(rig, &vpc, "10.0.2.0/24", "eu-west-1b");
    (vpc, first, second)
}

fn interface(vpc: &str, subnets: &[&String]) -> Value {
    json!({"VpcId": vpc, "ServiceName": SECRETS, "VpcEndpointType": "Interface", "SubnetIds": subnets})
}

fn shown(rig: &mut Rig<Ec2>, endpoint: &str) -> Value {
    only(&rig.ok("DescribeVpcEndpoints", json!({"VpcEndpointIds": [endpoint]})), "VpcEndpoints")
}

fn made(rig: &mut Rig<Ec2>, input: Value) -> String {
    id(&rig.ok("CreateVpcEndpoint", input)["VpcEndpoint"]["VpcEndpointId"])
}

#[test]
fn an_interface_endpoint_has_an_interface_in_each_subnet() {
    let mut rig = rig();
    let (vpc, first, second) = place(&mut rig);
    let endpoint = made(&mut rig, interface(&vpc, &[&first, &second]));
    let pending = shown(&mut rig, &endpoint);
    assert_eq!((&pending["State"], &pending["PrivateDnsEnabled"]), (&json!("pending"), &json!(true)));
    assert_eq!(pending["Groups"][0]["GroupName"], "default");
    assert_eq!(pending["DnsEntries"][1]["DnsName"], "secretsmanager.eu-west-1.amazonaws.com");
    rig.pass(WORK);
    assert_eq!(shown(&mut rig, &endpoint)["State"], "available");
    let interfaces = rig.ok("DescribeNetworkInterfaces", filter("interface-type", &["vpc_endpoint"]));
    assert_eq!(json!(ids(&interfaces, "NetworkInterfaces", "NetworkInterfaceId")), pending["NetworkInterfaceIds"]);
    let mut subnets = ids(&interfaces, "NetworkInterfaces", "SubnetId");
    subnets.sort();
    let mut wanted = [first.clone(), second];
    wanted.sort();
    assert_eq!(subnets, wanted);
    let description = format!("VPC Endpoint Interface {endpoint}");
    let described = rig.ok("DescribeNetworkInterfaces", filter("description", &[&description]));
    assert_eq!(described, interfaces);
    let left = only(&rig.ok("DescribeSubnets", json!({"SubnetIds": [first]})), "Subnets");
    assert_eq!(left["AvailableIpAddressCount"], 250);
    for found in [
        filter("service-name", &[SECRETS]),
        filter("vpc-endpoint-state", &["available"]),
        filter("vpc-endpoint-type", &["Interface"]),
        filter("vpc-id", &[&vpc]),
        filter("vpc-endpoint-id", &[&endpoint]),
    ] {
        assert_eq!(only(&rig.ok("DescribeVpcEndpoints", found), "VpcEndpoints")["VpcEndpointId"], json!(endpoint));
    }
}

#[test]
fn a_gateway_endpoint_is_a_route_in_each_of_its_tables() {
    let mut rig = rig();
    let (vpc, ..) = place(&mut rig);
    let table = only(&rig.ok("DescribeRouteTables", json!({})), "RouteTables")["RouteTableId"].clone();
    let input = json!({"VpcId": vpc, "ServiceName": S3, "RouteTableIds": [table]});
    let endpoint = made(&mut rig, input.clone());
    let shown_now = shown(&mut rig, &endpoint);
    assert_eq!((&shown_now["State"], &shown_now["VpcEndpointType"]), (&json!("available"), &json!("Gateway")));
    assert_eq!((&shown_now["RouteTableIds"], &shown_now["SubnetIds"]), (&json!([table]), &json!([])));
    rig.refused("CreateVpcEndpoint", "RouteAlreadyExists", input);
    let list = rig.ok("DescribeManagedPrefixLists", filter("prefix-list-name", &[S3]));
    let list = only(&list, "PrefixLists")["PrefixListId"].clone();
    let through = rig.ok("DescribeRouteTables", filter("route.destination-prefix-list-id", &[list.as_str().unwrap()]));
    let through = only(&through, "RouteTables");
    assert_eq!(through["Routes"][1]["GatewayId"], json!(endpoint));
    let deletion = json!({"RouteTableId": table, "DestinationPrefixListId": list});
    rig.refused("DeleteRoute", "InvalidParameterValue", deletion);
    rig.ok("ModifyVpcEndpoint", json!({"VpcEndpointId": endpoint, "RemoveRouteTableIds": [table]}));
    assert_eq!(only(&rig.ok("DescribeRouteTables", json!({})), "RouteTables")["Routes"].as_array().unwrap().len(), 1);
    rig.ok("ModifyVpcEndpoint", json!({"VpcEndpointId": endpoint, "AddRouteTableIds": [table]}));
    assert_eq!(shown(&mut rig, &endpoint)["RouteTableIds"], json!([table]));
    assert_eq!(rig.ok("DeleteVpcEndpoints", json!({"VpcEndpointIds": [endpoint]})), json!({"Unsuccessful": []}));
    assert_eq!(only(&rig.ok("DescribeRouteTables", json!({})), "RouteTables")["Routes"].as_array().unwrap().len(), 1);
    rig.ok("DescribeVpcEndpoints", json!({}));
}

#[test]
fn endpoints_are_refused_with_the_reason_and_leave_nothing() {
    let mut rig = rig();
    let (vpc, first, _) = place(&mut rig);
    let same_zone = subnet(&mut rig, &vpc, "10.0.3.0/24", "eu-west-1a");
    let far = super::vpc(&mut rig);
    let elsewhere = subnet(&mut rig, &far, "10.0.1.0/24", "eu-west-1a");
    let mut changed = |change: Value, code: &str| {
        let mut input = interface(&vpc, &[&first]);
        input.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        rig.refused("CreateVpcEndpoint", code, input).message
    };
    changed(json!({"VpcId": "vpc-1"}), "InvalidVpcID.NotFound");
    changed(json!({"ServiceName": "com.amazonaws.eu-west-1.colour"}), "InvalidServiceName");
    changed(json!({"ServiceName": "com.amazonaws.eu-west-2.s3"}), "InvalidServiceName");
    let message = changed(json!({"VpcEndpointType": "Gateway"}), "InvalidParameter");
    assert_eq!(message, "Endpoint type (Gateway) does not match available service types ([Interface]).");
    changed(json!({"SubnetIds": ["subnet-1"]}), "InvalidSubnetID.NotFound");
    changed(json!({"SubnetIds": [first, same_zone]}), "DuplicateSubnetsInSameZone");
    changed(json!({"SubnetIds": [elsewhere]}), "InvalidParameter");
    changed(json!({"SecurityGroupIds": ["sg-1"]}), "InvalidGroup.NotFound");
    changed(json!({"RouteTableIds": ["rtb-1"]}), "InvalidParameter");
    changed(json!({"VpcId": far, "SubnetIds": [elsewhere]}), "InvalidParameter");
    assert_eq!(rig.ok("DescribeVpcEndpoints", json!({})), json!({"VpcEndpoints": []}));
    assert_eq!(rig.ok("DescribeNetworkInterfaces", json!({})), json!({"NetworkInterfaces": []}));
    rig.ok("CreateVpcEndpoint", interface(&vpc, &[&first]));
    let error = rig.refused("CreateVpcEndpoint", "InvalidParameter", interface(&vpc, &[&first]));
    assert!(error.message.contains("conflicting DNS domain"), "{}", error.message);
    let mut without = interface(&vpc, &[&first]);
    without["PrivateDnsEnabled"] = json!(false);
    rig.ok("CreateVpcEndpoint", without);
}

#[test]
fn an_endpoint_changes_its_subnets_and_groups_with_its_interfaces() {
    let mut rig = rig();
    let (vpc, first, second) = place(&mut rig);
    let group =
        rig.ok("CreateSecurityGroup", json!({"GroupName": "e", "Description": "d", "VpcId": vpc}))["GroupId"].clone();
    let endpoint = made(&mut rig, interface(&vpc, &[&first]));
    let before = shown(&mut rig, &endpoint);
    let default = before["Groups"][0]["GroupId"].clone();
    let mut refused = |change: Value, code: &str| {
        let mut input = change;
        input["VpcEndpointId"] = json!(endpoint);
        rig.refused("ModifyVpcEndpoint", code, input);
    };
    refused(json!({"RemoveSecurityGroupIds": [default]}), "InvalidParameter");
    refused(json!({"AddRouteTableIds": ["rtb-1"]}), "InvalidParameter");
    refused(json!({"RemoveSubnetIds": [second]}), "InvalidParameter");
    refused(json!({"AddSubnetIds": [first]}), "DuplicateSubnetsInSameZone");
    refused(json!({"AddSecurityGroupIds": ["sg-1"]}), "InvalidGroup.NotFound");
    assert_eq!(shown(&mut rig, &endpoint), before);
    rig.ok(
        "ModifyVpcEndpoint",
        json!({
            "VpcEndpointId": endpoint, "AddSubnetIds": [second], "RemoveSubnetIds": [first],
            "AddSecurityGroupIds": [group], "RemoveSecurityGroupIds": [default], "PrivateDnsEnabled": false,
            "PolicyDocument": "{}",
        }),
    );
    let after = shown(&mut rig, &endpoint);
    assert_eq!((&after["SubnetIds"], &after["PrivateDnsEnabled"]), (&json!([second]), &json!(false)));
    assert_eq!((&after["Groups"][0]["GroupId"], &after["PolicyDocument"]), (&group, &json!("{}")));
    let interface = only(&rig.ok("DescribeNetworkInterfaces", json!({})), "NetworkInterfaces");
    assert_eq!((&interface["SubnetId"], &interface["Groups"][0]["GroupId"]), (&json!(second), &group));
    rig.refused("ModifyVpcEndpoint", "InvalidVpcEndpointId.NotFound", json!({"VpcEndpointId": "vpce-1"}));
}

#[test]
fn a_deleted_endpoint_goes_in_time_and_a_strange_one_is_told() {
    let mut rig = rig();
    let (vpc, first, _) = place(&mut rig);
    let endpoint = made(&mut rig, interface(&vpc, &[&first]));
    let answer = rig.ok("DeleteVpcEndpoints", json!({"VpcEndpointIds": [endpoint, "vpce-1"]}));
    let told = only(&answer, "Unsuccessful");
    assert_eq!(
        (&told["ResourceId"], &told["Error"]["Code"]),
        (&json!("vpce-1"), &json!("InvalidVpcEndpointId.NotFound"))
    );
    assert_eq!(shown(&mut rig, &endpoint)["State"], "deleting");
    rig.refused("DeleteSubnet", "DependencyViolation", json!({"SubnetId": first}));
    rig.pass(WORK);
    rig.refused("DescribeVpcEndpoints", "InvalidVpcEndpointId.NotFound", json!({"VpcEndpointIds": [endpoint]}));
    rig.ok("DeleteSubnet", json!({"SubnetId": first}));
}
