//! Where the records of a domain lead, by service, region and place.

use jiff::Timestamp;

use super::world::{SHOP, TARGET, World, alias, cname, name};
use crate::dns::record::RecordType;
use crate::domain::zone_ids::zone_id;
use crate::domain::{DomainStatus, VpcTarget};

fn made(mut world: World) -> Vec<String> {
    world.run();
    world.standing().into_iter().filter(|line| !line.starts_with('_')).collect()
}

#[test]
fn www_is_led_to_the_service_like_the_domain_itself() {
    let mut world = World::new();
    world.association().www = true;
    assert_eq!(made(world), [alias(SHOP).words(), alias("www.shop.example.net").words()]);
}

#[test]
fn a_wildcard_has_an_alias_of_its_own_and_no_www() {
    let mut world = World::of("*.example.net");
    world.association().www = true;
    assert_eq!(made(world), [alias("*.example.net").words()]);
}

#[test]
fn an_apex_gets_an_alias_beside_its_own_servers() {
    let world = World::of("example.net");
    assert_eq!(made(world), [alias("example.net").words()]);
}

#[test]
fn three_proofs_are_made_where_app_runner_lists_three() {
    let mut world = World::new();
    let third = super::world::proof(3, SHOP, 0);
    world.association().records.push(third);
    world.run();
    assert_eq!(world.standing().iter().filter(|line| line.starts_with('_')).count(), 3);
}

fn old() -> World {
    let mut world = World::new();
    let service = world.service.as_mut().unwrap().as_mut().unwrap();
    service.created_at = "2022-07-31T23:59:59Z".parse::<Timestamp>().unwrap();
    world
}

#[test]
fn a_service_from_before_august_2022_is_reached_by_cname() {
    assert_eq!(made(old()), [cname(SHOP, TARGET).words()]);
    let mut world = old();
    world.service.as_mut().unwrap().as_mut().unwrap().created_at = "2022-08-01T00:00:00Z".parse().unwrap();
    assert_eq!(made(world), [alias(SHOP).words()]);
}

#[test]
fn an_apex_of_such_a_service_cannot_be_done_and_is_told_while_the_proofs_are_made() {
    let mut world = World::of("example.net");
    world.service = old().service;
    let trace = world.run();
    assert_eq!(trace[1..4], ["record domain-blocked +apex", "record records-intent", "call Z1 x2"]);
    assert_eq!(trace.last().unwrap(), "hold blocked");
}

#[test]
fn a_region_that_is_not_known_takes_a_cname() {
    let mut world = World::new();
    world.settings.region = "mars-north-1".to_owned();
    assert_eq!(made(world), [cname(SHOP, TARGET).words()]);
}

#[test]
fn the_zone_ids_of_the_eleven_regions_are_known_and_differ() {
    let regions = [
        "us-east-1",
        "us-east-2",
        "us-west-2",
        "ap-south-1",
        "ap-southeast-1",
        "ap-southeast-2",
        "ap-northeast-1",
        "eu-central-1",
        "eu-west-1",
        "eu-west-2",
        "eu-west-3",
    ];
    let ids: std::collections::BTreeSet<&str> = regions.into_iter().filter_map(zone_id).collect();
    assert_eq!(ids.len(), 11);
}

/// A private service with an ingress connection in one VPC, and a private zone that this VPC sees.
fn private() -> World {
    let mut world = World::new();
    world.route53.private("example.net", "vpc-1");
    let target = name("vpce.eu-west-1.awsapprunner.com");
    world.association().vpc_targets = vec![VpcTarget { vpc: "vpc-1".into(), target }];
    world
}

#[test]
fn a_private_service_is_led_to_in_the_private_zone_and_proven_in_the_public_one() {
    let mut world = private();
    let trace = world.run();
    assert!(trace.contains(&"call Z1 x2".to_owned()) && trace.contains(&"call Z2 x1".to_owned()), "{trace:?}");
    let inside = cname(SHOP, "vpce.eu-west-1.awsapprunner.com");
    let in_zone_2 = world.route53.records.iter().filter(|((id, _, kind, _), _)| id == "Z2" && *kind != RecordType::Ns);
    assert_eq!(in_zone_2.map(|(_, record)| record.clone()).collect::<Vec<_>>(), [inside]);
    assert!(!world.standing().contains(&alias(SHOP).words()));
    world.association().status = DomainStatus::Active;
    world.later(300);
    assert_eq!(world.run().last().unwrap(), "hold settled");
}

#[test]
fn a_vpc_without_a_private_zone_for_the_name_is_told() {
    let mut world = private();
    world.association().vpc_targets[0].vpc = "vpc-2".into();
    let trace = world.run();
    assert_eq!(trace[1], "record domain-blocked +zone");
    assert!(world.notices[0].happened.contains("vpc-2"));
    assert!(trace.contains(&"call Z1 x2".to_owned()));
}

#[test]
fn a_private_service_without_an_ingress_connection_has_no_target_yet() {
    let mut world = World::new();
    world.service.as_mut().unwrap().as_mut().unwrap().public = false;
    let trace = world.run();
    assert_eq!(trace[1], "record domain-blocked +ingress");
    assert!(trace.contains(&"call Z1 x2".to_owned()));
}

#[test]
fn a_service_that_cannot_be_described_does_not_keep_the_proofs_waiting() {
    let mut world = World::new();
    world.service = None;
    let trace = world.run();
    assert!(trace.contains(&"call Z1 x2".to_owned()), "{trace:?}");
    assert_eq!(trace.last().unwrap(), "hold blind 60");
}

#[test]
fn a_private_service_without_a_target_is_told_and_is_not_finished() {
    let mut world = World::new().status(DomainStatus::Active);
    world.association().dns_target = None;
    world.service.as_mut().unwrap().as_mut().unwrap().public = false;
    let trace = world.run();
    assert_eq!(trace[1], "record domain-blocked +ingress");
    assert!(trace.contains(&"call Z1 x2".to_owned()));
    assert_eq!((trace.last().unwrap().as_str(), world.seen.memory.finished_at), ("hold blocked", None));
}

#[test]
fn a_public_service_without_a_target_is_not_finished_either() {
    let mut world = World::new().status(DomainStatus::Active);
    world.association().dns_target = None;
    assert_eq!(world.run().last().unwrap(), "hold blind 60");
    assert!(world.seen.memory.finished_at.is_none() && world.standing().len() == 2);
}
