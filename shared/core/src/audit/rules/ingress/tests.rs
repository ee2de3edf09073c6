use super::*;
use crate::audit::samples::{fleet, hours_ago, look, service};
use crate::audit::samples_more::{DOMAIN, INSIDE, answer, domain_of, pointer, private, private_with_domain, rows_of};
use crate::fact::Fact;

fn count(id: &str, fleet: &Fleet, service: &ServiceFacts) -> (usize, usize) {
    let findings = look(id, fleet, service);
    (findings.found.len(), findings.unchecked.len())
}

fn with_status(status: IngressStatus) -> (Fleet, ServiceFacts) {
    let (mut fleet, service) = private();
    let Fact::Known(all) = &mut fleet.ingresses else { panic!("no ingress connections") };
    all[0].status = status;
    (fleet, service)
}

#[test]
fn a_private_service_with_its_way_in_is_no_finding_and_was_checked() {
    for (fleet, service) in [private(), private_with_domain()] {
        for rule in RULES {
            assert_eq!(count(rule.id, &fleet, &service), (0, 0), "{}", rule.id);
        }
    }
}

#[test]
fn a_private_service_without_an_ingress_connection_is_found() {
    for (fleet, service) in [with_status(IngressStatus::Deleted), (fleet(), private().1)] {
        let findings = look("ingress-none", &fleet, &service);
        assert!(findings.found[0].fix.command.as_ref().unwrap().contains("--vpc-ingress-connection-name shop-api "));
    }
    assert_eq!(count("ingress-none", &fleet(), &service("shop-api")), (0, 0));
    let (mut fleet, private) = private();
    fleet.ingresses = Fact::Unavailable("denied".to_owned());
    assert_eq!(count("ingress-none", &fleet, &private), (0, 1));
}

#[test]
fn an_ingress_connection_that_failed_is_found_with_the_way_out() {
    for (word, starts) in [
        ("FAILED_CREATION", "aws apprunner update-vpc-ingress-connection "),
        ("FAILED_DELETION", "aws apprunner delete-vpc-ingress-connection "),
    ] {
        let (fleet, service) = with_status(IngressStatus::Failed(word.to_owned()));
        let findings = look("ingress-failed", &fleet, &service);
        assert!(findings.found[0].fix.command.as_ref().unwrap().starts_with(starts), "{word}");
    }
    let (mut unread, service) = private();
    assert_eq!(count("ingress-failed", &unread, &service), (0, 0));
    unread.ingresses = Fact::Unread;
    assert_eq!(count("ingress-failed", &unread, &service), (0, 1));
}

#[test]
fn an_ingress_connection_that_is_made_for_an_hour_is_found() {
    let made = |hours: i64, word: &str| {
        let (mut fleet, service) = with_status(IngressStatus::Pending(word.to_owned()));
        let Fact::Known(all) = &mut fleet.ingresses else { panic!("no ingress connections") };
        all[0].created_at = Some(hours_ago(hours));
        count("ingress-pending", &fleet, &service)
    };
    assert_eq!(made(0, "PENDING_CREATION"), (0, 0));
    assert_eq!(made(1, "PENDING_CREATION"), (1, 0));
    assert_eq!(made(1, "PENDING_UPDATE"), (0, 1));
}

#[test]
fn an_ingress_connection_of_a_service_that_is_gone_is_found() {
    let (mut fleet, service) = private();
    fleet.services[0].status = ServiceStatus::Deleted;
    assert_eq!(count("ingress-service-gone", &fleet, &service), (1, 0));
    fleet.services.clear();
    assert_eq!(count("ingress-service-gone", &fleet, &service), (1, 0));
    fleet.ingresses = Fact::Unread;
    assert_eq!(count("ingress-service-gone", &fleet, &service), (0, 1));
}

#[test]
fn a_public_record_that_leads_to_a_private_service_is_found() {
    let (mut fleet, service) = private();
    let mut record = pointer("api.example.com", INSIDE);
    fleet.pointers = Fact::Known(vec![record.clone()]);
    assert_eq!(look("ingress-public-name", &fleet, &service).found[0].key, "api.example.com");
    record.private = true;
    fleet.pointers = Fact::Known(vec![record]);
    assert_eq!(count("ingress-public-name", &fleet, &service), (0, 0));
    fleet.pointers = Fact::Unavailable("denied".to_owned());
    assert_eq!(count("ingress-public-name", &fleet, &service), (0, 1));
}

#[test]
fn a_custom_domain_of_a_private_service_that_the_public_dns_shows_is_found_once() {
    let (mut fleet, mut service) = private_with_domain();
    for kind in [RecordType::Cname, RecordType::A] {
        answer(&mut domain_of(&mut service).dns, DOMAIN, kind, &[INSIDE]);
    }
    assert_eq!(count("ingress-public-name", &fleet, &service), (1, 0));
    fleet.pointers = Fact::Known(vec![pointer(DOMAIN, INSIDE)]);
    assert_eq!(count("ingress-public-name", &fleet, &service), (1, 0));
    service.public = true;
    assert_eq!(count("ingress-public-name", &fleet, &service), (0, 0));
}

#[test]
fn a_public_dns_that_was_not_asked_is_not_checked() {
    let (fleet, mut service) = private_with_domain();
    domain_of(&mut service).dns.answers.clear();
    assert_eq!(count("ingress-public-name", &fleet, &service), (0, 1));
}

#[test]
fn a_domain_without_its_record_in_the_private_zone_is_found() {
    let with = |verdict: &str| {
        let (fleet, mut service) = private_with_domain();
        rows_of(&mut service)[1].verdict = verdict.to_owned();
        look("ingress-private-record", &fleet, &service)
    };
    let missing = with("create");
    assert_eq!(missing.found[0].key, format!("{DOMAIN} {}", crate::audit::samples::VPC));
    assert_eq!(missing.found[0].fix.command.as_deref(), Some("pitcrew domains apply shop-api shop.example.com"));
    assert_eq!(with("conflict").found.len(), 1);
    assert_eq!((with("refused").found.len(), with("refused").unchecked.len()), (0, 1));
    assert_eq!(with("found").found, []);
    let (fleet, mut service) = private_with_domain();
    domain_of(&mut service).preview = Fact::Unavailable("denied".to_owned());
    assert_eq!(count("ingress-private-record", &fleet, &service), (0, 1));
}
