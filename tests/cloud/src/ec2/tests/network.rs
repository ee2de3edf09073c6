//! `_Network`, and what App Runner does to networks.

use serde_json::{Value, json};

use super::{filter, ids, only, rig};
use crate::call::Place;
use crate::ec2::Ec2;
use crate::rig::Rig;
use crate::switches::Switches;
use crate::world::World;

fn table_of(rig: &mut Rig<Ec2>, subnet: &Value) -> Value {
    let found = filter("association.subnet-id", &[subnet.as_str().unwrap()]);
    only(&rig.ok("DescribeRouteTables", found), "RouteTables")
}

#[test]
fn the_plainest_network_is_private() {
    let mut rig = rig();
    let made = rig.ok("_Network", json!({"Name": "shop"}));
    assert_eq!(made["PrivateSubnets"].as_array().unwrap().len(), 2);
    assert_eq!((&made["PublicSubnets"], &made["EndpointIds"]), (&json!([]), &json!({})));
    for absent in ["NatGatewayId", "InternetGatewayId", "PublicRouteTableId", "EndpointGroupId", "AppRunnerEndpointId"]
    {
        assert_eq!(made.get(absent), Some(&Value::Null), "{absent}");
    }
    let table = table_of(&mut rig, &made["PrivateSubnets"][1]);
    assert_eq!(table["RouteTableId"], made["PrivateRouteTableId"]);
    assert_eq!(table["Routes"].as_array().unwrap().len(), 1);
    assert_eq!(rig.ok("_Network", json!({"Name": "shop"}))["CidrBlock"], "10.1.0.0/16");
}

#[test]
fn a_network_has_all_that_it_was_asked_for() {
    let mut rig = rig();
    let made = rig.ok(
        "_Network",
        json!({"Name": "shop", "Zones": 3, "Nat": true, "Endpoints": ["s3", "secretsmanager"], "AppRunnerEndpoint": true}),
    );
    let subnets = rig.ok("DescribeSubnets", filter("tag:Name", &["shop-private-*"]));
    let mut zones = ids(&subnets, "Subnets", "AvailabilityZone");
    zones.sort();
    assert_eq!(zones, ["eu-west-1a", "eu-west-1b", "eu-west-1c"]);
    let private = table_of(&mut rig, &made["PrivateSubnets"][0]);
    assert_eq!(private["Routes"][1]["NatGatewayId"], made["NatGatewayId"]);
    assert_eq!(private["Routes"][2]["GatewayId"], made["EndpointIds"]["s3"]);
    let public = table_of(&mut rig, &made["PublicSubnets"][2]);
    assert_eq!(public["Routes"][1]["GatewayId"], made["InternetGatewayId"]);
    assert!(private["Routes"].as_array().unwrap().iter().all(|route| route["State"] == "active"));
    let endpoints = rig.ok("DescribeVpcEndpoints", filter("vpc-endpoint-state", &["available"]));
    assert_eq!(endpoints["VpcEndpoints"].as_array().unwrap().len(), 3);
    let inbound = json!({"VpcEndpointIds": [made["AppRunnerEndpointId"]]});
    let inbound = only(&rig.ok("DescribeVpcEndpoints", inbound), "VpcEndpoints");
    assert_eq!(inbound["ServiceName"], "com.amazonaws.eu-west-1.apprunner.requests");
    assert_eq!(inbound["Groups"][0]["GroupId"], made["EndpointGroupId"]);
    assert_eq!(inbound["SubnetIds"], made["PrivateSubnets"]);
    assert_eq!(made["EndpointIds"]["apprunner.requests"], made["AppRunnerEndpointId"]);
    assert_eq!(crate::call::Service::next_due(&rig.service), None, "it is ready at once");
}

#[test]
fn a_wish_that_cannot_be_is_refused_and_makes_nothing() {
    let mut rig = rig();
    for wish in [
        json!({"Zones": 1}),
        json!({"Name": "a", "Zones": 4}),
        json!({"Name": "a", "Zones": 0}),
        json!({"Name": "a", "Nat": true, "Public": false}),
        json!({"Name": "a", "Endpoints": ["colour"]}),
        json!({"Name": "a", "Endpoints": ["s3", "s3"]}),
    ] {
        assert!(rig.call("_Network", wish.clone()).is_err(), "{wish}");
    }
    assert_eq!(rig.ok("DescribeVpcs", json!({})), json!({"Vpcs": []}));
}

fn world() -> World {
    let place = Place { partition: "aws".into(), region: "eu-west-1".into(), account: "123456789012".into() };
    crate::services::world(place, "2026-11-21T08:00:00Z".parse().unwrap(), Switches::default())
}

#[test]
fn a_connector_has_a_tagged_interface_in_each_subnet_until_it_is_deleted() {
    let mut world = world();
    let mut call = |service: &str, operation: &str, input: Value| {
        let call = crate::call::Call {
            service: service.to_owned(),
            operation: operation.to_owned(),
            input,
            caller: crate::call::Caller::Operator,
            request_id: "r".to_owned(),
        };
        world.call(&call).unwrap_or_else(|error| panic!("{operation}: {error:?}"))
    };
    let network = call("ec2", "_Network", json!({"Name": "shop"}));
    let input = json!({"VpcConnectorName": "shop", "Subnets": network["PrivateSubnets"]});
    let connector = call("apprunner", "CreateVpcConnector", input)["VpcConnector"].clone();
    assert_eq!(connector["SecurityGroups"], json!([network["DefaultGroupId"]]), "the VPC's own, as it named none");
    let tagged = call("ec2", "DescribeNetworkInterfaces", filter("tag-key", &["AWSAppRunnerManaged"]));
    let mut subnets = ids(&tagged, "NetworkInterfaces", "SubnetId");
    subnets.sort();
    let mut wanted: Vec<String> = network["PrivateSubnets"].as_array().unwrap().iter().map(super::id).collect();
    wanted.sort();
    assert_eq!(subnets, wanted);
    assert_eq!(tagged["NetworkInterfaces"][0]["Groups"][0]["GroupId"], network["DefaultGroupId"]);
    call("apprunner", "DeleteVpcConnector", json!({"VpcConnectorArn": connector["VpcConnectorArn"]}));
    assert_eq!(call("ec2", "DescribeNetworkInterfaces", json!({})), json!({"NetworkInterfaces": []}));
    let strange = json!({"VpcConnectorName": "strange", "Subnets": ["subnet-0a1b2c3d"]});
    call("apprunner", "CreateVpcConnector", strange);
    assert_eq!(call("ec2", "DescribeNetworkInterfaces", json!({})), json!({"NetworkInterfaces": []}));
    let faults: Vec<_> = world.history.entries().iter().filter(|entry| entry.kind == "fault").collect();
    assert!(faults.is_empty(), "{faults:?}");
}

#[test]
fn every_answer_fits_the_model() {
    let mut rig = rig();
    rig.ok("_Network", json!({"Name": "shop", "Nat": true, "Endpoints": ["s3", "sqs"], "AppRunnerEndpoint": true}));
    let vpc = super::vpc(&mut rig);
    let group =
        rig.ok("CreateSecurityGroup", json!({"GroupName": "g", "Description": "d", "VpcId": vpc}))["GroupId"].clone();
    let permission = json!({"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group}]});
    let rule = json!({"GroupId": group, "IpPermissions": [permission]});
    for (operation, input) in [
        ("AuthorizeSecurityGroupIngress", rule.clone()),
        ("RevokeSecurityGroupIngress", rule),
        ("CreateVpc", json!({"CidrBlock": "10.9.0.0/16"})),
        ("AllocateAddress", json!({})),
        ("CreateInternetGateway", json!({})),
        ("CreateRouteTable", json!({"VpcId": vpc})),
        ("DeleteVpcEndpoints", json!({"VpcEndpointIds": ["vpce-1"]})),
        ("DescribeAddresses", json!({})),
        ("DescribeAvailabilityZones", json!({})),
        ("DescribeInternetGateways", json!({})),
        ("DescribeManagedPrefixLists", json!({})),
        ("DescribeNatGateways", json!({})),
        ("DescribeNetworkInterfaces", json!({})),
        ("DescribeRouteTables", json!({})),
        ("DescribeSecurityGroups", json!({})),
        ("DescribeSubnets", json!({})),
        ("DescribeVpcAttribute", json!({"VpcId": vpc, "Attribute": "enableDnsSupport"})),
        ("DescribeVpcEndpoints", json!({})),
        ("DescribeVpcs", json!({})),
    ] {
        let answer = rig.ok(operation, input);
        let model = crate::model::model_with("ec2", operation).unwrap();
        let wrong = model.check_output(operation, &answer).err().map(|wrong| wrong.0).unwrap_or_default();
        // The wire says `available` and `nat_gateway` where the model's lists say `Available` and `natGateway`.
        let known = |path: &str| path.ends_with(".state") || path.ends_with(".interfaceType");
        let wrong: Vec<_> = wrong.iter().filter(|violation| !known(&violation.path)).collect();
        assert!(wrong.is_empty(), "{operation}: {wrong:?}");
    }
}
