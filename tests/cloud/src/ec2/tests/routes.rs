//! Route tables: whose they are, where they lead, and what became of their targets.

use serde_json::{Value, json};

use super::{WORK, filter, gateway, id, nat, only, rig, subnet, vpc};
use crate::ec2::Ec2;
use crate::rig::Rig;

fn table(rig: &mut Rig<Ec2>, vpc: &str) -> String {
    id(&rig.ok("CreateRouteTable", json!({"VpcId": vpc}))["RouteTable"]["RouteTableId"])
}

/// The state of the route to the internet.
fn state(rig: &mut Rig<Ec2>, table: &str) -> Value {
    let shown = only(&rig.ok("DescribeRouteTables", json!({"RouteTableIds": [table]})), "RouteTables");
    let routes = shown["Routes"].as_array().unwrap();
    routes.iter().find(|route| route["DestinationCidrBlock"] == "0.0.0.0/0").unwrap()["State"].clone()
}

#[test]
fn a_subnet_has_one_table_of_its_own_or_the_main_one() {
    let mut rig = rig();
    let vpc = vpc(&mut rig);
    let own = subnet(&mut rig, &vpc, "10.0.1.0/24", "eu-west-1a");
    let other = subnet(&mut rig, &vpc, "10.0.2.0/24", "eu-west-1b");
    let (first, second) = (table(&mut rig, &vpc), table(&mut rig, &vpc));
    let made = rig.ok("AssociateRouteTable", json!({"RouteTableId": first, "SubnetId": own}));
    let again = json!({"RouteTableId": second, "SubnetId": own});
    rig.refused("AssociateRouteTable", "Resource.AlreadyAssociated", again.clone());
    let found = only(&rig.ok("DescribeRouteTables", filter("association.subnet-id", &[&own])), "RouteTables");
    assert_eq!(found["RouteTableId"], json!(first));
    assert_eq!(
        (&found["Associations"][0]["Main"], &found["Associations"][0]["SubnetId"]),
        (&json!(false), &json!(own))
    );
    // A subnet without a table of its own is in no association at all.
    assert_eq!(rig.ok("DescribeRouteTables", filter("association.subnet-id", &[&other])), json!({"RouteTables": []}));
    rig.refused("DeleteRouteTable", "DependencyViolation", json!({"RouteTableId": first}));
    rig.ok("DisassociateRouteTable", json!({"AssociationId": made["AssociationId"]}));
    rig.refused(
        "DisassociateRouteTable",
        "InvalidAssociationID.NotFound",
        json!({"AssociationId": made["AssociationId"]}),
    );
    rig.ok("AssociateRouteTable", again);
    rig.ok("DeleteRouteTable", json!({"RouteTableId": first}));
    let main = only(&rig.ok("DescribeRouteTables", filter("association.main", &["true"])), "RouteTables");
    let association = json!({"AssociationId": main["Associations"][0]["RouteTableAssociationId"]});
    rig.refused("DisassociateRouteTable", "InvalidParameterValue", association);
    rig.ok("DeleteSubnet", json!({"SubnetId": own}));
    rig.ok("DeleteRouteTable", json!({"RouteTableId": second}));
}

#[test]
fn a_route_whose_target_went_is_a_blackhole() {
    let mut rig = rig();
    let vpc = vpc(&mut rig);
    let subnet = subnet(&mut rig, &vpc, "10.0.1.0/24", "eu-west-1a");
    let internet = gateway(&mut rig, &vpc);
    let nat = nat(&mut rig, &subnet);
    rig.pass(WORK);
    let (public, private) = (table(&mut rig, &vpc), table(&mut rig, &vpc));
    let everywhere = "0.0.0.0/0";
    rig.ok("CreateRoute", json!({"RouteTableId": public, "DestinationCidrBlock": everywhere, "GatewayId": internet}));
    rig.ok("CreateRoute", json!({"RouteTableId": private, "DestinationCidrBlock": everywhere, "NatGatewayId": nat}));
    assert_eq!((state(&mut rig, &public), state(&mut rig, &private)), (json!("active"), json!("active")));
    let through = only(&rig.ok("DescribeRouteTables", filter("route.nat-gateway-id", &[&nat])), "RouteTables");
    assert_eq!(through["RouteTableId"], json!(private));
    rig.ok("DeleteNatGateway", json!({"NatGatewayId": nat}));
    rig.pass(WORK);
    rig.ok("DetachInternetGateway", json!({"InternetGatewayId": internet, "VpcId": vpc}));
    assert_eq!((state(&mut rig, &public), state(&mut rig, &private)), (json!("blackhole"), json!("blackhole")));
}

#[test]
fn routes_are_refused_with_the_reason() {
    let mut rig = rig();
    let here = vpc(&mut rig);
    let there = vpc(&mut rig);
    let strange = gateway(&mut rig, &there);
    let own = gateway(&mut rig, &here);
    let table = table(&mut rig, &here);
    let mut refused = |input: Value, code: &str| {
        let mut input = input;
        input["RouteTableId"] = json!(table);
        rig.refused("CreateRoute", code, input);
    };
    refused(json!({"GatewayId": own}), "MissingParameter");
    refused(json!({"DestinationCidrBlock": "0.0.0.0", "GatewayId": own}), "InvalidParameterValue");
    refused(json!({"DestinationCidrBlock": "0.0.0.0/0"}), "InvalidParameterCombination");
    refused(
        json!({"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": own, "NatGatewayId": "nat-1"}),
        "InvalidParameterCombination",
    );
    refused(json!({"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": strange}), "InvalidParameterValue");
    refused(json!({"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1"}), "InvalidInternetGatewayID.NotFound");
    refused(json!({"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "vgw-1"}), "InvalidGatewayID.NotFound");
    refused(json!({"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1"}), "NatGatewayNotFound");
    refused(json!({"DestinationCidrBlock": "10.0.9.9/16", "GatewayId": own}), "RouteAlreadyExists");
    refused(json!({"DestinationPrefixListId": "pl-1", "GatewayId": own}), "InvalidPrefixListID.NotFound");
    let route = json!({"RouteTableId": table, "DestinationIpv6CidrBlock": "::/0"});
    rig.refused("DeleteRoute", "InvalidRoute.NotFound", route.clone());
    let mut taken_on_trust = route.clone();
    taken_on_trust["EgressOnlyInternetGatewayId"] = json!("eigw-0a1b2c3d");
    rig.ok("CreateRoute", taken_on_trust);
    rig.ok("DeleteRoute", route);
    let local = json!({"RouteTableId": table, "DestinationCidrBlock": "10.0.0.0/16"});
    rig.refused("DeleteRoute", "InvalidParameterValue", local);
}
