//! What the DNS shows, and what a custom domain makes of it: by the real ACM, over half a year where it takes that long.

use serde_json::{Value, json};

use crate::acm::names::plain;
use crate::effect::Effect;
use crate::switches::{Reassociation, RenewalRecord, Switches, ValidationTimeout};

use super::Cloud;
use super::domains::{associate, domains};

const DAY: i64 = 24 * 3600;

fn records(cloud: &mut Cloud, arn: &str) -> Vec<Value> {
    domains(cloud, arn)[0]["CertificateValidationRecords"].as_array().unwrap().clone()
}

fn states(cloud: &mut Cloud, arn: &str) -> Vec<Value> {
    records(cloud, arn).iter().map(|record| record["Status"].clone()).collect()
}

fn status(cloud: &mut Cloud, arn: &str) -> Value {
    domains(cloud, arn)[0]["Status"].clone()
}

/// Publishes validation records.
fn publish(cloud: &mut Cloud, records: &[Value]) {
    for record in records {
        let text = |member: &str| record[member].as_str().unwrap().to_owned();
        cloud.zone.insert((plain(&text("Name")), "CNAME".to_owned()), vec![text("Value")]);
    }
}

/// An active domain, proven by its records.
fn active(cloud: &mut Cloud, arn: &str, domain: &str) {
    associate(cloud, arn, domain);
    cloud.pass(10);
    let all = domains(cloud, arn);
    for domain in &all {
        publish(cloud, domain["CertificateValidationRecords"].as_array().unwrap());
    }
    cloud.pass(600);
    assert_eq!(domains(cloud, arn).last().unwrap()["Status"], "active");
}

fn disassociate(cloud: &mut Cloud, arn: &str, domain: &str) -> Value {
    cloud.ok("DisassociateCustomDomain", json!({ "ServiceArn": arn, "DomainName": domain }))
}

fn served(cloud: &mut Cloud, name: &str) -> Value {
    cloud.inside("acm", "_Served", json!({ "ServerName": name })).unwrap()
}

fn routed(cloud: &mut Cloud, host: &str) -> Value {
    cloud.ok("_Routed", json!({ "Host": host }))["ServiceName"].clone()
}

/// What the custom domain's events said.
fn told(cloud: &Cloud) -> Vec<Value> {
    let validation = |effect: &Effect| match effect {
        Effect::Event { detail_type, detail, .. }
            if detail_type == "AppRunner Custom Domain Validation Status Update" =>
        {
            Some(detail["validationStatus"].clone())
        }
        _ => None,
    };
    cloud.caused.iter().filter_map(|(_, effect)| validation(effect)).collect()
}

#[test]
fn records_turn_one_by_one_as_the_dns_shows_them_and_then_the_certificate_is_bound() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    associate(&mut cloud, &arn, "a.shop.dev");
    cloud.pass(60);
    let all = records(&mut cloud, &arn);
    publish(&mut cloud, &all[..1]);
    cloud.pass(120);
    assert_eq!(states(&mut cloud, &arn), ["SUCCESS", "PENDING_VALIDATION", "PENDING_VALIDATION"]);
    assert_eq!(status(&mut cloud, &arn), "pending_certificate_dns_validation");
    publish(&mut cloud, &all);
    cloud.pass(71);
    assert_eq!(states(&mut cloud, &arn), ["SUCCESS"; 3]);
    assert_eq!(status(&mut cloud, &arn), "binding_certificate");
    assert_eq!(served(&mut cloud, "a.shop.dev")["Default"], true, "nothing is served before it is active");
    cloud.pass(180);
    assert_eq!(status(&mut cloud, &arn), "active");
    let names = served(&mut cloud, "www.a.shop.dev")["Names"].clone();
    assert_eq!((&names[0], &names[1]), (&json!("a.shop.dev"), &json!("www.a.shop.dev")));
    assert_eq!(told(&cloud), ["PENDING_VALIDATION", "SUCCESS"]);
    let operations = cloud.ok("ListOperations", json!({ "ServiceArn": arn }));
    assert_eq!(operations["OperationSummaryList"].as_array().unwrap().len(), 1, "domain work is no operation");
}

#[test]
fn a_domain_and_its_wildcard_share_a_validation_record() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    associate(&mut cloud, &arn, "shop.dev");
    associate(&mut cloud, &arn, "*.shop.dev");
    cloud.pass(10);
    let all = domains(&mut cloud, &arn);
    let record = |domain: usize, n: usize| all[domain]["CertificateValidationRecords"][n]["Name"].clone();
    assert_eq!(record(0, 0), record(1, 0));
    assert_ne!(record(0, 2), record(1, 1), "the extra name is each one's own");
}

#[test]
fn requests_go_to_the_service_of_the_closest_domain() {
    let mut cloud = Cloud::new();
    let (api, web) = (cloud.running("shop-api"), cloud.running("shop-web"));
    assert_eq!(routed(&mut cloud, "a.shop.dev"), Value::Null);
    active(&mut cloud, &api, "*.shop.dev");
    active(&mut cloud, &web, "a.shop.dev");
    assert_eq!(routed(&mut cloud, "b.shop.dev"), "shop-api");
    assert_eq!(routed(&mut cloud, "A.Shop.dev."), "shop-web");
    assert_eq!(routed(&mut cloud, "www.a.shop.dev"), "shop-web");
    let host = cloud.describe(&web)["ServiceUrl"].as_str().unwrap().to_owned();
    assert_eq!(routed(&mut cloud, &host), "shop-web");
    cloud.ok("PauseService", json!({ "ServiceArn": web }));
    cloud.settle();
    assert_ne!(routed(&mut cloud, "a.shop.dev"), "shop-web", "a paused service answers nobody");
}

#[test]
fn caa_that_forbids_amazon_makes_the_creation_fail() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    let caa = ("shop.dev".to_owned(), "CAA".to_owned());
    cloud.zone.insert(caa.clone(), vec!["0 issue \"other.net\"".to_owned()]);
    associate(&mut cloud, &arn, "shop.dev");
    cloud.pass(10);
    let all = records(&mut cloud, &arn);
    publish(&mut cloud, &all);
    cloud.pass(60);
    assert_eq!(status(&mut cloud, &arn), "create_failed");
    assert_eq!(told(&cloud), ["PENDING_VALIDATION", "FAILED"]);
    cloud.zone.remove(&caa);
    cloud.pass(3600);
    assert_eq!(status(&mut cloud, &arn), "create_failed", "it has to be linked again");
    disassociate(&mut cloud, &arn, "shop.dev");
    cloud.pass(60);
    active(&mut cloud, &arn, "shop.dev");
}

#[test]
fn caa_that_is_corrected_before_the_records_are_shown_does_no_harm() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    let caa = ("shop.dev".to_owned(), "CAA".to_owned());
    cloud.zone.insert(caa.clone(), vec!["0 issue \"other.net\"".to_owned()]);
    associate(&mut cloud, &arn, "shop.dev");
    cloud.pass(DAY);
    assert_eq!(status(&mut cloud, &arn), "pending_certificate_dns_validation");
    cloud.zone.remove(&caa);
    let all = records(&mut cloud, &arn);
    publish(&mut cloud, &all);
    cloud.pass(3600);
    assert_eq!(status(&mut cloud, &arn), "active");
}

#[test]
fn after_72_hours_without_its_records_a_domain_fails_or_waits_on() {
    for (validation_timeout, wanted, events) in [
        (ValidationTimeout::CreateFailed, "create_failed", 2),
        (ValidationTimeout::StaysPending, "pending_certificate_dns_validation", 1),
    ] {
        let mut cloud = Cloud::with(Switches { validation_timeout, ..Switches::default() });
        let arn = cloud.running("shop-api");
        associate(&mut cloud, &arn, "shop.dev");
        cloud.pass(3 * DAY - 60);
        assert_eq!(status(&mut cloud, &arn), "pending_certificate_dns_validation");
        cloud.pass(120);
        assert_eq!(status(&mut cloud, &arn), wanted);
        assert_eq!(states(&mut cloud, &arn), ["FAILED"; 3]);
        assert_eq!(told(&cloud).len(), events);
        let all = records(&mut cloud, &arn);
        publish(&mut cloud, &all);
        cloud.pass(DAY);
        assert_eq!(status(&mut cloud, &arn), wanted, "it is too late");
    }
}

#[test]
fn a_domain_that_comes_back_within_a_week_finds_its_certificate() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    active(&mut cloud, &arn, "shop.dev");
    let (before, serial) = (records(&mut cloud, &arn), served(&mut cloud, "shop.dev")["Serial"].clone());
    disassociate(&mut cloud, &arn, "shop.dev");
    cloud.pass(60);
    assert_eq!(served(&mut cloud, "shop.dev")["Default"], true);
    cloud.zone.clear();
    cloud.pass(6 * DAY);
    let answer = associate(&mut cloud, &arn, "shop.dev");
    assert_eq!(answer["CustomDomain"]["Status"], "creating");
    assert_eq!(answer["CustomDomain"]["CertificateValidationRecords"], json!([]));
    cloud.pass(10);
    assert_eq!(status(&mut cloud, &arn), "binding_certificate");
    assert_eq!(records(&mut cloud, &arn), before);
    cloud.pass(180);
    assert_eq!(status(&mut cloud, &arn), "active");
    assert_eq!(served(&mut cloud, "shop.dev")["Serial"], serial);
}

#[test]
fn a_new_certificate_has_new_records_after_a_week_by_the_switch_or_without_www() {
    for (reassociation, days, www) in
        [(Reassociation::Cached, 8, true), (Reassociation::Fresh, 1, true), (Reassociation::Cached, 1, false)]
    {
        let mut cloud = Cloud::with(Switches { reassociation, ..Switches::default() });
        let arn = cloud.running("shop-api");
        active(&mut cloud, &arn, "shop.dev");
        let before = records(&mut cloud, &arn);
        disassociate(&mut cloud, &arn, "shop.dev");
        cloud.pass(days * DAY);
        let input = json!({ "ServiceArn": arn, "DomainName": "shop.dev", "EnableWWWSubdomain": www });
        cloud.ok("AssociateCustomDomain", input);
        cloud.pass(600);
        assert_eq!(status(&mut cloud, &arn), "pending_certificate_dns_validation");
        let after = records(&mut cloud, &arn);
        assert!(after.iter().all(|record| before.iter().all(|old| old["Name"] != record["Name"])), "{after:?}");
    }
}

#[test]
fn the_certificate_renews_for_as_long_as_the_domain_is_associated() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    active(&mut cloud, &arn, "shop.dev");
    let first = served(&mut cloud, "shop.dev");
    cloud.pass(152 * DAY);
    assert_eq!(served(&mut cloud, "shop.dev")["Serial"], first["Serial"]);
    cloud.pass(2 * DAY);
    let second = served(&mut cloud, "shop.dev");
    assert_ne!(second["Serial"], first["Serial"]);
    assert!(second["NotAfter"].as_i64() > first["NotAfter"].as_i64());
    assert_eq!(status(&mut cloud, &arn), "active");
    assert_eq!(told(&cloud), ["PENDING_VALIDATION", "SUCCESS"], "a renewal is nobody's news");
}

#[test]
fn a_domain_stays_active_while_a_record_is_missing_and_serves_the_certificate_after_its_end() {
    for (renewal_record, wanted) in
        [(RenewalRecord::Success, "SUCCESS"), (RenewalRecord::PendingValidation, "PENDING_VALIDATION")]
    {
        let mut cloud = Cloud::with(Switches { renewal_record, ..Switches::default() });
        let arn = cloud.running("shop-api");
        active(&mut cloud, &arn, "shop.dev");
        let first = served(&mut cloud, "shop.dev");
        let lost = plain(records(&mut cloud, &arn)[1]["Name"].as_str().unwrap());
        cloud.zone.remove(&(lost, "CNAME".to_owned()));
        cloud.pass(160 * DAY);
        assert_eq!(status(&mut cloud, &arn), "active");
        assert_eq!(states(&mut cloud, &arn), ["SUCCESS", wanted, "SUCCESS"]);
        cloud.pass(60 * DAY);
        assert_eq!(status(&mut cloud, &arn), "active");
        assert_eq!(served(&mut cloud, "shop.dev")["Serial"], first["Serial"]);
        assert!(served(&mut cloud, "shop.dev")["NotAfter"].as_i64().unwrap() < cloud.now.as_second());
    }
}

#[test]
fn an_expired_certificate_is_never_kept() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    active(&mut cloud, &arn, "shop.dev");
    let before = records(&mut cloud, &arn);
    cloud.inside("acm", "_Expire", json!({ "DomainName": "shop.dev" })).unwrap();
    disassociate(&mut cloud, &arn, "shop.dev");
    cloud.pass(60);
    associate(&mut cloud, &arn, "shop.dev");
    cloud.pass(10);
    assert_eq!(status(&mut cloud, &arn), "pending_certificate_dns_validation");
    let after = records(&mut cloud, &arn);
    assert!(after.iter().all(|record| !before.contains(record)));
    publish(&mut cloud, &after);
    cloud.pass(600);
    assert_eq!(status(&mut cloud, &arn), "active");
}

#[test]
fn a_kept_certificate_that_expires_meanwhile_is_not_taken_up_again() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    active(&mut cloud, &arn, "shop.dev");
    let before = records(&mut cloud, &arn);
    disassociate(&mut cloud, &arn, "shop.dev");
    cloud.pass(60);
    cloud.inside("acm", "_Expire", json!({ "DomainName": "shop.dev" })).unwrap();
    associate(&mut cloud, &arn, "shop.dev");
    cloud.pass(10);
    assert_eq!(status(&mut cloud, &arn), "pending_certificate_dns_validation");
    let after = records(&mut cloud, &arn);
    assert!(after.iter().all(|record| before.iter().all(|old| old["Name"] != record["Name"])), "{after:?}");
}

#[test]
fn the_host_of_a_service_leads_to_the_front_end_for_as_long_as_there_is_a_service() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    let host = cloud.describe(&arn)["ServiceUrl"].as_str().unwrap().to_owned();
    assert_eq!(cloud.outside.names.hosts.get(&host).map(String::as_str), Some("127.0.0.1"));
    cloud.ok("DeleteService", json!({ "ServiceArn": arn }));
    cloud.settle();
    assert_eq!(cloud.outside.names.hosts.get(&host), None);
}

#[test]
fn a_deleted_service_lets_its_domains_go() {
    let mut cloud = Cloud::new();
    let (api, web) = (cloud.running("shop-api"), cloud.running("shop-web"));
    active(&mut cloud, &api, "shop.dev");
    cloud.ok("DeleteService", json!({ "ServiceArn": api }));
    cloud.settle();
    assert_eq!(domains(&mut cloud, &api), Vec::<Value>::new());
    assert_eq!(served(&mut cloud, "shop.dev")["Default"], true);
    assert_eq!(routed(&mut cloud, "shop.dev"), Value::Null);
    associate(&mut cloud, &web, "shop.dev");
    cloud.pass(300);
    assert_eq!(status(&mut cloud, &web), "active", "another service may have it now, with the kept certificate");
}
