use super::*;

fn subnet(id: &str) -> sdk::Subnet {
    sdk::Subnet::builder()
        .subnet_id(id)
        .vpc_id("vpc-1")
        .availability_zone("eu-west-1a")
        .available_ip_address_count(7)
        .build()
}

fn table(route: sdk::Route, association: sdk::RouteTableAssociation) -> sdk::RouteTable {
    sdk::RouteTable::builder().vpc_id("vpc-1").routes(route).associations(association).build()
}

#[test]
fn a_subnet_has_the_routes_of_its_own_table_else_of_the_main_one() {
    let nat = sdk::Route::builder().destination_cidr_block("0.0.0.0/0").nat_gateway_id("nat-1").build();
    let gone = sdk::Route::builder().destination_ipv6_cidr_block("::/0").network_interface_id("eni-1");
    let gone = gone.instance_id("i-1").state(sdk::RouteState::Blackhole).build();
    let own = sdk::RouteTableAssociation::builder().subnet_id("subnet-1").build();
    let main = sdk::RouteTableAssociation::builder().main(true).build();
    let seen = with_routes(&[subnet("subnet-1"), subnet("subnet-2")], &[table(gone, main), table(nat, own)]);
    let route = |destination: &str, target: &str, blackhole| Route {
        destination: destination.into(),
        target: target.into(),
        blackhole,
    };
    assert_eq!(seen["subnet-1"].routes, [route("0.0.0.0/0", "nat-1", false)]);
    assert_eq!(seen["subnet-2"].routes, [route("::/0", "eni-1", true)]);
    assert_eq!((seen["subnet-2"].zone.as_str(), seen["subnet-2"].free_addresses), ("eu-west-1a", 7));
}

#[test]
fn a_permission_is_one_for_each_peer_and_all_ports_are_none() {
    let seen = sdk::IpPermission::builder()
        .ip_protocol("tcp")
        .from_port(443)
        .to_port(443)
        .ip_ranges(sdk::IpRange::builder().cidr_ip("10.0.0.0/8").build())
        .ipv6_ranges(sdk::Ipv6Range::builder().cidr_ipv6("::/0").build())
        .user_id_group_pairs(sdk::UserIdGroupPair::builder().group_id("sg-2").build())
        .prefix_list_ids(sdk::PrefixListId::builder().prefix_list_id("pl-1").build())
        .build();
    let peers: Vec<Peer> = permissions(&seen).into_iter().map(|permission| permission.peer).collect();
    let cidr = |text: &str| Peer::Cidr(text.into());
    assert_eq!(peers, [cidr("10.0.0.0/8"), cidr("::/0"), Peer::Group("sg-2".into()), Peer::PrefixList("pl-1".into())]);
    assert!(permissions(&seen).iter().all(|permission| permission.ports == Some((443, 443))));
    assert_eq!(ports("tcp", Some(0), Some(65_535)), None);
    assert_eq!(ports("-1", Some(443), Some(443)), None);
    assert_eq!(ports("icmp", Some(-1), Some(-1)), None);
    assert_eq!(ports("udp", Some(53), Some(53)), Some((53, 53)));
}

#[test]
fn an_endpoint_is_read_in_either_case_of_its_state() {
    let seen = sdk::VpcEndpoint::builder().vpc_endpoint_id("vpce-1").vpc_id("vpc-1").state("available".into());
    let seen = seen.vpc_endpoint_type(sdk::VpcEndpointType::Gateway).service_name("com.amazonaws.eu-west-1.s3");
    let seen = endpoint(seen.build()).unwrap();
    assert_eq!((seen.state.as_str(), seen.gateway, seen.private_dns), ("available", true, false));
}

#[tokio::test]
async fn what_a_missing_list_of_connectors_leaves_unknown_says_why() {
    // Nothing listens there: the zones are not to be had either, and nothing else may be asked for.
    let config = pitcrew_aws::connect::sdk_config_at("http://127.0.0.1:1", "eu-west-1", "AKIDEXAMPLE", "secret");
    let denied = Fact::Unavailable("apprunner:ListVpcConnectors is denied".to_owned());
    let seen = observe(&Client::new(&config), &denied, &Fact::Known(Vec::new())).await;
    assert_eq!(seen.groups, likewise(&denied));
    assert_eq!(seen.subnets, likewise(&denied));
}
