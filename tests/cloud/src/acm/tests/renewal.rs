//! What happens to a certificate in the half year after it was issued.

use super::*;

fn days_of(events: &[(Timestamp, String, Value)], wanted: &str) -> Vec<i64> {
    events.iter().filter(|(_, name, _)| name == wanted).map(|(.., d)| d["DaysToExpiry"].as_i64().unwrap()).collect()
}

#[test]
fn it_is_renewed_45_days_before_the_end_without_a_word_of_warning() {
    let mut bench = Bench::new();
    let arn = bench.issued(&["shop.dev"]);
    let first = bench.describe(&arn);
    bench.pass_days(152);
    assert_eq!(bench.describe(&arn)["Serial"], first["Serial"]);
    bench.pass_days(2);
    let renewed = bench.describe(&arn);
    assert_ne!(renewed["Serial"], first["Serial"]);
    assert_eq!(renewed["CertificateArn"], first["CertificateArn"]);
    assert_eq!(renewed["CreatedAt"], first["CreatedAt"]);
    assert!(renewed["NotAfter"].as_i64() > first["NotAfter"].as_i64());
    assert_eq!(renewed["RenewalSummary"]["RenewalStatus"], "SUCCESS");
    let events = bench.events();
    assert_eq!(bench.event_names(), ["Available"]);
    assert_eq!(events[0].2["Action"], "RENEWAL");
    assert_eq!(events[0].2["InUse"], true);
}

#[test]
fn without_its_record_it_warns_and_then_expires() {
    let mut bench = Bench::new();
    let arn = bench.issued(&["shop.dev"]);
    bench.zone.clear();
    bench.pass_days(154);
    let pending = bench.describe(&arn);
    assert_eq!(pending["RenewalSummary"]["RenewalStatus"], "PENDING_VALIDATION");
    let option = &pending["RenewalSummary"]["DomainValidationOptions"][0];
    assert_eq!(option["ValidationStatus"], "PENDING_VALIDATION");
    assert_eq!(pending["DomainValidationOptions"][0]["ValidationStatus"], "SUCCESS", "that was the first time");
    assert_eq!(bench.event_names(), Vec::<String>::new(), "from day 45 to day 30 nobody is told");
    bench.pass_days(60);
    let events = bench.events();
    assert_eq!(days_of(&events, "Renewal Action Required"), [30, 15, 3, 1]);
    assert_eq!(days_of(&events, "Approaching Expiration"), (1..=30).rev().collect::<Vec<_>>());
    assert_eq!(events.last().unwrap().1, "Expired");
    let required = &events.iter().find(|(_, name, _)| name == "Renewal Action Required").unwrap().2;
    assert_eq!(required["RenewalStatusReason"], "PENDING_DOMAIN_VALIDATION");
    let expired = bench.describe(&arn);
    assert_eq!((&expired["Status"], &expired["RenewalEligibility"]), (&json!("EXPIRED"), &json!("INELIGIBLE")));
    assert_eq!(expired["RenewalSummary"]["RenewalStatus"], "FAILED");
    bench.prove(&arn);
    bench.pass_days(10);
    assert_eq!(bench.status(&arn), "EXPIRED", "an expired certificate is not renewed");
}

#[test]
fn a_record_that_comes_back_in_time_saves_it_within_hours() {
    let mut bench = Bench::new();
    let arn = bench.issued(&["shop.dev"]);
    let first = bench.describe(&arn)["Serial"].clone();
    bench.zone.clear();
    bench.pass_days(175);
    assert_eq!(bench.describe(&arn)["Serial"], first);
    bench.prove(&arn);
    bench.pass(SignedDuration::from_hours(6));
    assert_ne!(bench.describe(&arn)["Serial"], first);
    bench.caused.clear();
    bench.pass_days(30);
    assert_eq!(bench.event_names(), Vec::<String>::new(), "the warnings have ended");
}

#[test]
fn caa_that_came_later_forbids_the_renewal_but_the_certificate_stays() {
    let mut bench = Bench::new();
    let arn = bench.issued(&["shop.dev"]);
    bench.record("shop.dev", "CAA", &["0 issue \"other.net\""]);
    bench.pass_days(154);
    let pending = bench.describe(&arn);
    assert_eq!(pending["Status"], "ISSUED");
    let summary = &pending["RenewalSummary"];
    assert_eq!(summary["RenewalStatus"], "PENDING_VALIDATION");
    assert_eq!(summary["RenewalStatusReason"], "CAA_ERROR");
    bench.record("shop.dev", "CAA", &["0 issue \"amazon.com\""]);
    bench.pass_days(1);
    assert_eq!(bench.describe(&arn)["RenewalSummary"]["RenewalStatus"], "SUCCESS");
}

#[test]
fn what_nobody_uses_is_not_renewed() {
    let mut bench = Bench::new();
    let arn = bench.issued(&["shop.dev"]);
    bench.ok("_InUse", json!({ "CertificateArn": arn, "By": "arn:aws:elb:front", "InUse": false }));
    assert_eq!(bench.describe(&arn)["RenewalEligibility"], "INELIGIBLE");
    bench.pass_days(170);
    assert_eq!(bench.describe(&arn).get("RenewalSummary"), None);
    bench.ok("_InUse", json!({ "CertificateArn": arn, "By": "arn:aws:elb:front", "InUse": true }));
    bench.pass_days(1);
    assert_eq!(bench.describe(&arn)["RenewalSummary"]["RenewalStatus"], "SUCCESS");
}

#[test]
fn it_is_renewed_again_and_again() {
    let mut bench = Bench::new();
    bench.issued(&["shop.dev"]);
    bench.pass_days(800);
    assert_eq!(bench.event_names(), ["Available"; 5]);
}

#[test]
fn the_days_of_the_warnings_can_be_set_for_the_account() {
    let mut bench = Bench::new();
    let arn = bench.issued(&["shop.dev"]);
    bench.zone.clear();
    assert_eq!(bench.ok("GetAccountConfiguration", json!({}))["ExpiryEvents"]["DaysBeforeExpiry"], 45);
    let set = json!({ "ExpiryEvents": { "DaysBeforeExpiry": 5 }, "IdempotencyToken": "a" });
    bench.ok("PutAccountConfiguration", set);
    assert_eq!(bench.ok("GetAccountConfiguration", json!({}))["ExpiryEvents"]["DaysBeforeExpiry"], 5);
    bench.pass_days(200);
    let events = bench.events();
    assert_eq!(days_of(&events, "Approaching Expiration"), [5, 4, 3, 2, 1]);
    assert_eq!(days_of(&events, "Renewal Action Required"), [30, 15, 3, 1], "these are not his to set");
    assert_eq!(bench.status(&arn), "EXPIRED");
}

#[test]
fn warnings_that_are_set_earlier_do_not_come_all_at_once() {
    let mut bench = Bench::new();
    bench.issued(&["shop.dev"]);
    bench.zone.clear();
    bench.pass_days(178);
    bench.caused.clear();
    let set = json!({ "ExpiryEvents": { "DaysBeforeExpiry": 90 }, "IdempotencyToken": "a" });
    bench.ok("PutAccountConfiguration", set);
    assert_eq!(bench.events(), Vec::new());
    bench.pass_days(1);
    assert_eq!(days_of(&bench.events(), "Approaching Expiration"), [19]);
}

#[test]
fn only_an_exported_private_certificate_is_renewed_by_a_call() {
    let mut bench = Bench::new();
    let public = bench.issued(&["shop.dev"]);
    bench.rig.refused("RenewCertificate", "ValidationException", json!({ "CertificateArn": public }));
    let pending = bench.request(&["other.dev"]);
    bench.rig.refused("RenewCertificate", "RequestInProgressException", json!({ "CertificateArn": pending }));
    let authority = "arn:aws:acm-pca:eu-west-1:123456789012:certificate-authority/1";
    let input = json!({ "DomainName": "db.shop.dev", "CertificateAuthorityArn": authority });
    let private = bench.ok("RequestCertificate", input)["CertificateArn"].clone();
    let which = json!({ "CertificateArn": private });
    bench.pass(SignedDuration::from_mins(1));
    bench.rig.refused("RenewCertificate", "ValidationException", which.clone());
    bench.ok("_Export", which.clone());
    let serial = bench.describe(private.as_str().unwrap())["Serial"].clone();
    bench.ok("RenewCertificate", which.clone());
    bench.rig.refused("RenewCertificate", "RequestInProgressException", which);
    bench.pass(SignedDuration::from_mins(2));
    assert_ne!(bench.describe(private.as_str().unwrap())["Serial"], serial);
    let absent = "arn:aws:acm:eu-west-1:123456789012:certificate/absent";
    bench.rig.refused("RenewCertificate", "ResourceNotFoundException", json!({ "CertificateArn": absent }));
    let foreign = "arn:aws:acm:eu-west-1:123456789012:something/else";
    bench.rig.refused("RenewCertificate", "InvalidArnException", json!({ "CertificateArn": foreign }));
}
