//! Which domains a run takes in, and what it says of them.

use jiff::Timestamp;
use pitcrew_core::domain::{DomainStatus, Link, Relink};

use super::*;

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

#[test]
fn few_domains_can_share_a_validation_record() {
    let names = |record: &str, own: &str| -> Vec<String> {
        could_share(&name(record), &name(own)).iter().map(ToString::to_string).collect()
    };
    assert_eq!(
        names("_a.shop.example.com", "shop.example.com"),
        ["*.shop.example.com", "*.example.com", "example.com"]
    );
    assert_eq!(
        names("_a.2a57j7x.example.com", "*.example.com"),
        ["*.2a57j7x.example.com", "2a57j7x.example.com", "example.com"]
    );
}

fn of_service(shown: &[&str]) -> OfService {
    let association = Association {
        www: false,
        status: DomainStatus::Active,
        records: Vec::new(),
        unreadable: Vec::new(),
        dns_target: None,
        vpc_targets: Vec::new(),
    };
    let shown = shown.iter().map(|at| (name(at), association.clone())).collect();
    OfService { shown: Some(shown), pause: None, about: Fact::Unread, tags: Fact::Unread }
}

fn arn(service: &str) -> ServiceArn {
    ServiceArn::parse(&format!("arn:aws:apprunner:eu-west-1:123456789012:service/{service}/1")).unwrap()
}

#[test]
fn a_domain_that_moved_is_run_at_the_service_that_shows_it() {
    let at = Timestamp::UNIX_EPOCH;
    let link = |service| {
        let status = DomainStatus::Active;
        let link = Link { service: arn(service), www: false, status, since: at, first_seen: at };
        DomainMemory { link: Some(link), ..DomainMemory::default() }
    };
    let elsewhere = |memory: &DomainMemory, shown: &[&str]| {
        is_elsewhere(memory, &of_service(shown), &name("a.example.com"), &arn("shop"))
    };
    assert!(elsewhere(&link("cart"), &[]));
    assert!(!elsewhere(&link("cart"), &["a.example.com"]), "it is here now, whatever is remembered");
    assert!(!elsewhere(&link("shop"), &[]), "it is gone from here, and nobody else sees to it");
}

#[test]
fn only_the_last_step_of_linking_again_is_every_functions() {
    let memory = |stage| {
        let (since, reason) = (Timestamp::UNIX_EPOCH, String::new());
        let relink = Relink { since, service: arn("shop"), www: false, reason, stage };
        DomainMemory { relink: Some(relink), ..DomainMemory::default() }
    };
    let left = |stage, shown: &[&str]| is_relinked(&memory(stage), &of_service(shown), &name("a.example.com"));
    assert!(left(RelinkStage::Unlinking, &["a.example.com"]) && left(RelinkStage::Linking, &[]));
    assert!(!left(RelinkStage::Linking, &["a.example.com"]));
    assert!(!is_relinked(&DomainMemory::default(), &of_service(&[]), &name("a.example.com")));
}

#[test]
fn the_soonest_wake_of_a_services_domains_counts() {
    let report = |wake_after_secs| Ok(DomainReport { wake_after_secs, ..DomainReport::default() });
    let domains = [Some(45), None, Some(5)].map(|wake| (name("a.example.com"), report(wake))).into();
    assert_eq!(ServiceReport { domains, ..ServiceReport::default() }.wake_after_secs(), Some(5));
    assert_eq!(ServiceReport::default().wake_after_secs(), None);
}
