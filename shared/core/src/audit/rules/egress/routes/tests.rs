use std::collections::BTreeMap;

use super::*;
use crate::audit::Findings;
use crate::audit::samples::{CONNECTOR, endpoint, fleet, look, route, service};
use crate::audit::samples_more::unread_network;
use crate::fact::Fact;

const ROUTES: [&str; 8] = [
    "egress-zones",
    "egress-public-subnet",
    "egress-no-way-out",
    "egress-uneven-routes",
    "egress-blackhole",
    "egress-one-nat",
    "egress-subnet-gone",
    "egress-subnet-full",
];

fn see(id: &str, fleet: &Fleet) -> Findings {
    look(id, fleet, &service("shop-api"))
}

fn found(fleet: &Fleet) -> Vec<(&'static str, String)> {
    let of = |id: &'static str| see(id, fleet).found.into_iter().map(move |seen| (id, seen.key));
    ROUTES.into_iter().flat_map(of).collect()
}

/// The sample with one of its subnets changed.
fn with(id: &str, change: impl Fn(&mut Subnet)) -> Fleet {
    let mut fleet = fleet();
    let Fact::Known(subnets) = &mut fleet.network.subnets else { panic!("no subnets") };
    change(subnets.get_mut(id).unwrap());
    fleet
}

/// The sample with all of its subnets changed.
fn with_all(change: impl Fn(&mut Subnet)) -> Fleet {
    let mut fleet = fleet();
    let Fact::Known(subnets) = &mut fleet.network.subnets else { panic!("no subnets") };
    subnets.values_mut().for_each(change);
    fleet
}

fn key(id: &'static str, key: &str) -> Vec<(&'static str, String)> {
    vec![(id, key.to_owned())]
}

#[test]
fn the_sample_has_its_ways_out() {
    assert_eq!(found(&fleet()), []);
}

#[test]
fn fewer_zones_than_three_are_found_where_the_region_has_three() {
    let mut fleet = with("subnet-c", |subnet| subnet.zone = "eu-west-1a".to_owned());
    assert_eq!(found(&fleet), key("egress-zones", ""));
    let command = see("egress-zones", &fleet).found[0].fix.command.clone().unwrap();
    assert!(
        command.contains("--subnets subnet-a subnet-b subnet-c SUBNET_OF_ANOTHER_ZONE --security-groups sg-connector")
    );
    fleet.network.zones = Fact::Known(vec!["eu-west-1a".to_owned(), "eu-west-1b".to_owned()]);
    assert_eq!(found(&fleet), []);
}

#[test]
fn an_internet_gateway_is_no_way_out_of_a_connector() {
    let fleet = with("subnet-b", |subnet| subnet.routes = vec![route("0.0.0.0/0", "igw-1")]);
    assert_eq!(found(&fleet), key("egress-public-subnet", "subnet-b"));
    let local = with("subnet-b", |subnet| subnet.routes.push(route("192.0.2.0/24", "igw-1")));
    assert_eq!(found(&local), []);
}

#[test]
fn without_a_route_and_an_endpoint_there_is_no_way_out() {
    let mut fleet = with_all(|subnet| subnet.routes.truncate(1));
    assert_eq!(found(&fleet), []);
    let Fact::Known(endpoints) = &mut fleet.network.endpoints else { panic!("no endpoints") };
    for endpoint in endpoints.iter_mut() {
        endpoint.service = "com.amazonaws.eu-west-1.apprunner.requests".to_owned();
    }
    assert_eq!(found(&fleet), key("egress-no-way-out", ""));
    fleet.network.endpoints = Fact::Known(Vec::new());
    assert_eq!(found(&fleet), key("egress-no-way-out", ""));
    let gone = Endpoint { state: "deleted".to_owned(), ..endpoint("sqs") };
    let gateway = Endpoint { gateway: true, id: "vpce-s3".to_owned(), ..endpoint("s3") };
    fleet.network.endpoints = Fact::Known(vec![gone, gateway]);
    assert_eq!(found(&fleet), key("egress-no-way-out", ""), "no route leads to the gateway");
    let mut routed = fleet.clone();
    let Fact::Known(subnets) = &mut routed.network.subnets else { panic!("no subnets") };
    subnets.values_mut().for_each(|subnet| subnet.routes.push(route("pl-6da54004", "vpce-s3")));
    assert_eq!(found(&routed), []);
    fleet.network.endpoints = Fact::Unavailable("denied".to_owned());
    assert_eq!(see("egress-no-way-out", &fleet).unchecked.len(), 1);
}

#[test]
fn a_transit_gateway_is_a_way_out() {
    let mut fleet = with_all(|subnet| subnet.routes = vec![route("0.0.0.0/0", "tgw-1")]);
    fleet.network.endpoints = Fact::Known(Vec::new());
    assert_eq!(found(&fleet), []);
}

#[test]
fn a_way_out_in_some_subnets_alone_is_found() {
    let fleet = with("subnet-c", |subnet| subnet.routes.truncate(1));
    assert_eq!(found(&fleet), key("egress-uneven-routes", "subnet-c"));
}

#[test]
fn a_default_route_to_nothing_is_found() {
    let fleet = with("subnet-a", |subnet| subnet.routes.iter_mut().for_each(|route| route.blackhole = true));
    assert_eq!(found(&fleet), key("egress-blackhole", "subnet-a"));
}

#[test]
fn one_nat_gateway_for_all_zones_is_found() {
    let nat = |subnet: &mut Subnet| subnet.routes = vec![route("0.0.0.0/0", "nat-a")];
    assert_eq!(found(&with_all(nat)), key("egress-one-nat", ""));
    // With the internet gateway gone there is nothing to share.
    assert_eq!(found(&with("subnet-b", nat)), []);
}

#[test]
fn a_connector_whose_subnets_are_all_gone_stands_in_no_zone_and_one_rule_says_so() {
    let mut fleet = fleet();
    fleet.network.subnets = Fact::Known(BTreeMap::new());
    let rules: BTreeSet<&str> = found(&fleet).into_iter().map(|(id, _)| id).collect();
    assert_eq!(rules, BTreeSet::from(["egress-subnet-gone"]));
}

#[test]
fn a_subnet_that_is_gone_is_found() {
    let mut fleet = fleet();
    let Fact::Known(subnets) = &mut fleet.network.subnets else { panic!("no subnets") };
    subnets.remove("subnet-b");
    fleet.network.zones = Fact::Known(vec!["eu-west-1a".to_owned()]);
    assert_eq!(found(&fleet), key("egress-subnet-gone", "subnet-b"));
}

#[test]
fn a_subnet_that_is_nearly_full_is_found() {
    assert_eq!(found(&with("subnet-a", |subnet| subnet.free_addresses = 7)), key("egress-subnet-full", "subnet-a"));
    assert_eq!(found(&with("subnet-a", |subnet| subnet.free_addresses = 8)), []);
}

#[test]
fn a_connector_that_nobody_uses_is_found_and_nothing_else_is_said_of_it() {
    let mut fleet = with_all(|subnet| subnet.routes = vec![route("0.0.0.0/0", "igw-1")]);
    fleet.services[0].connector = None;
    assert_eq!(found(&fleet), []);
    let unused = see("egress-unused", &fleet);
    assert_eq!(
        unused.found[0].fix.command,
        Some(format!("aws apprunner delete-vpc-connector --vpc-connector-arn {CONNECTOR}"))
    );
    fleet.connectors = Fact::Unavailable("denied".to_owned());
    assert_eq!(see("egress-unused", &fleet).unchecked.len(), 1);
    assert_eq!(see("egress-unused", &crate::audit::samples::fleet()).found, []);
}

#[test]
fn a_connector_that_is_inactive_or_gone_is_found() {
    let mut fleet = fleet();
    assert_eq!(see("egress-inactive", &fleet).found, []);
    let Fact::Known(connectors) = &mut fleet.connectors else { panic!("no connectors") };
    connectors[0].status = ConnectorStatus::Inactive;
    assert!(see("egress-inactive", &fleet).found[0].seen.contains("inactive"));
    fleet.connectors = Fact::Known(Vec::new());
    assert_eq!(see("egress-inactive", &fleet).found.len(), 1);
    fleet.connectors = Fact::Unavailable("denied".to_owned());
    assert_eq!(see("egress-inactive", &fleet).unchecked.len(), 1);
    let outside = ServiceFacts { egress: Egress::Default, ..service("shop-api") };
    let findings = look("egress-inactive", &fleet, &outside);
    assert_eq!((findings.found.len(), findings.unchecked.len()), (0, 0));
}

#[test]
fn without_the_network_nothing_is_fine() {
    let mut blind = fleet();
    unread_network(&mut blind);
    let mut unread = fleet();
    unread.connectors = Fact::Unread;
    for id in ROUTES {
        for fleet in [&blind, &unread] {
            let findings = see(id, fleet);
            assert_eq!((findings.found.len(), findings.unchecked.len()), (0, 1), "{id}");
        }
    }
}
