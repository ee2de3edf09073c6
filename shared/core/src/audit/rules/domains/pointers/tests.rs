use super::*;
use crate::audit::samples::{fleet, look, service};
use crate::audit::samples_more::{HOST, INSIDE, pointer, private};
use crate::fact::Fact;

const POINTERS: [&str; 2] = ["domains-dangling", "domains-pointer-dead"];

fn pointing(target: &str) -> Fleet {
    let mut fleet = fleet();
    fleet.pointers = Fact::Known(vec![pointer("shop.example.com", target)]);
    fleet
}

fn found(fleet: &Fleet) -> Vec<&'static str> {
    let finds = |id: &&str| !look(id, fleet, &service("shop-api")).found.is_empty();
    POINTERS.into_iter().filter(finds).collect()
}

#[test]
fn a_record_that_leads_to_a_running_service_is_fine() {
    assert_eq!(found(&pointing(HOST)), [] as [&str; 0]);
}

#[test]
fn a_record_whose_service_is_gone_is_found() {
    let gone = pointing("gone.eu-west-1.awsapprunner.com");
    assert_eq!(found(&gone), ["domains-dangling"]);
    let findings = look("domains-dangling", &gone, &service("shop-api"));
    assert_eq!(findings.found[0].resource, record("Z0ZONE", &gone_name(), "CNAME"));
    let mut deleted = pointing(HOST);
    deleted.services[0].status = ServiceStatus::Deleted;
    assert_eq!(found(&deleted), ["domains-dangling"]);
}

fn gone_name() -> Name {
    Name::parse("shop.example.com").unwrap()
}

#[test]
fn names_of_another_region_and_of_ingress_connections_do_not_dangle() {
    assert_eq!(found(&pointing("gone.us-east-1.awsapprunner.com")), [] as [&str; 0]);
    let (mut fleet, _) = private();
    fleet.services[0].host = None;
    fleet.pointers = Fact::Known(vec![pointer("shop.example.com", INSIDE)]);
    assert_eq!(found(&fleet), [] as [&str; 0]);
    fleet.ingresses = Fact::Unavailable("denied".to_owned());
    let findings = look("domains-dangling", &fleet, &service("shop-api"));
    assert_eq!((findings.found.len(), findings.unchecked.len()), (0, 1));
}

#[test]
fn a_record_that_leads_to_a_paused_or_failed_service_is_found() {
    for status in [ServiceStatus::Paused, ServiceStatus::CreateFailed, ServiceStatus::DeleteFailed] {
        let mut fleet = pointing(HOST);
        fleet.services[0].status = status.clone();
        assert_eq!(found(&fleet), ["domains-pointer-dead"], "{status:?}");
    }
    let mut fleet = pointing(HOST);
    fleet.services[0].status = ServiceStatus::Unknown("NEW".to_owned());
    assert_eq!(look("domains-pointer-dead", &fleet, &service("shop-api")).unchecked.len(), 1);
}

#[test]
fn without_the_zones_nothing_is_fine() {
    let mut fleet = fleet();
    fleet.pointers = Fact::Unavailable("denied".to_owned());
    for id in POINTERS {
        let findings = look(id, &fleet, &service("shop-api"));
        assert_eq!((findings.found.len(), findings.unchecked.len()), (0, 1), "{id}");
    }
}
