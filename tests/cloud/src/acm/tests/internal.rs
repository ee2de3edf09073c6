//! App Runner's own certificates, and what stories do to certificates.

use super::*;

fn associate(bench: &mut Bench, reference: &str, names: &[&str]) {
    let input = json!({ "Reference": reference, "Service": "arn:service", "Names": names, "Realm": "app-runner" });
    bench.ok("_Associate", input);
}

/// What App Runner was told last.
fn told(bench: &Bench) -> Value {
    let tell = |effect: &Effect| match effect {
        Effect::Tell { operation, input, .. } if operation == "_CertificateChanged" => Some(input.clone()),
        _ => None,
    };
    bench.caused.iter().rev().find_map(|(_, effect)| tell(effect)).unwrap()
}

fn prove_told(bench: &mut Bench) {
    for row in told(bench)["Records"].as_array().unwrap() {
        bench.record(row["Name"].as_str().unwrap(), "CNAME", &[row["Value"].as_str().unwrap()]);
    }
}

fn served(bench: &mut Bench, name: &str) -> Value {
    bench.ok("_Served", json!({ "ServerName": name }))
}

#[test]
fn app_runners_certificate_is_nowhere_in_the_owners_acm() {
    let mut bench = Bench::new();
    let arn = {
        let input = json!({ "Reference": "r", "Service": "arn:service", "Names": ["shop.dev"], "Realm": "app-runner" });
        bench.ok("_Associate", input)["CertificateArn"].clone()
    };
    bench.ok("_Use", json!({ "Reference": "r", "InUse": true, "Serving": true }));
    prove_told(&mut bench);
    bench.pass(SignedDuration::from_secs(10));
    assert_eq!(told(&bench)["Status"], "ISSUED");
    assert_eq!(bench.ok("ListCertificates", json!({})), json!({ "CertificateSummaryList": [] }));
    for operation in ["DescribeCertificate", "DeleteCertificate", "RenewCertificate", "ListTagsForCertificate"] {
        bench.rig.refused(operation, "ResourceNotFoundException", json!({ "CertificateArn": arn }));
    }
    bench.zone.clear();
    bench.pass_days(250);
    assert_eq!(told(&bench)["Status"], "EXPIRED");
    assert_eq!(bench.events(), Vec::new(), "and nobody is told of it");
}

#[test]
fn app_runner_hears_of_each_record_that_is_proven() {
    let mut bench = Bench::new();
    associate(&mut bench, "r", &["shop.dev", "www.shop.dev"]);
    let rows = told(&bench)["Records"].clone();
    assert_eq!(rows.as_array().unwrap().len(), 2);
    bench.record(rows[1]["Name"].as_str().unwrap(), "CNAME", &[rows[1]["Value"].as_str().unwrap()]);
    bench.pass(SignedDuration::from_mins(2));
    let now = told(&bench);
    assert_eq!(now["Status"], "PENDING_VALIDATION");
    assert_eq!((&now["Records"][0]["Proven"], &now["Records"][1]["Proven"]), (&json!(false), &json!(true)));
}

#[test]
fn the_front_end_serves_the_closest_certificate_even_when_it_has_expired() {
    let mut bench = Bench::new();
    for (reference, name) in [("wild", "*.shop.dev"), ("exact", "a.shop.dev")] {
        associate(&mut bench, reference, &[name]);
        prove_told(&mut bench);
        bench.ok("_Use", json!({ "Reference": reference, "InUse": true, "Serving": true }));
        bench.pass(SignedDuration::from_secs(10));
    }
    assert_eq!(served(&mut bench, "a.shop.dev")["Names"], json!(["a.shop.dev"]));
    let wild = served(&mut bench, "B.shop.dev.");
    assert_eq!((&wild["Names"], &wild["Default"]), (&json!(["*.shop.dev"]), &json!(false)));
    let default = served(&mut bench, "shop.dev");
    assert_eq!((&default["Names"], &default["Default"]), (&json!(["*.eu-west-1.awsapprunner.com"]), &json!(true)));
    bench.ok("_Expire", json!({ "DomainName": "*.shop.dev" }));
    let expired = served(&mut bench, "b.shop.dev");
    assert_eq!(expired["Serial"], wild["Serial"]);
    assert_eq!(expired["NotAfter"], bench.rig.now.as_second());
    bench.ok("_Use", json!({ "Reference": "wild", "InUse": false, "Serving": false }));
    assert_eq!(served(&mut bench, "b.shop.dev")["Default"], true);
}

#[test]
fn another_realm_has_other_records() {
    let mut bench = Bench::new();
    associate(&mut bench, "first", &["shop.dev"]);
    let first = told(&bench)["Records"][0]["Name"].clone();
    bench.ok("_Discard", json!({ "Reference": "first" }));
    bench.rig.refused("_Discard", "ResourceNotFoundException", json!({ "Reference": "first" }));
    associate(&mut bench, "second", &["*.shop.dev"]);
    assert_eq!(told(&bench)["Records"][0]["Name"], first);
    let input = json!({ "Reference": "third", "Service": "s", "Names": ["shop.dev"], "Realm": "app-runner 1" });
    bench.ok("_Associate", input);
    assert_ne!(told(&bench)["Records"][0]["Name"], first);
}

#[test]
fn a_certificate_can_be_made_older_so_that_no_test_waits_for_half_a_year() {
    let mut bench = Bench::new();
    let arn = bench.issued(&["shop.dev"]);
    let first = bench.describe(&arn);
    bench.ok("_AgeCertificate", json!({ "DomainName": "shop.dev", "Days": 150 }));
    let older = bench.describe(&arn);
    assert_eq!(first["NotAfter"].as_i64().unwrap() - older["NotAfter"].as_i64().unwrap(), 150 * 86_400);
    assert_eq!(bench.events(), Vec::new());
    bench.pass_days(4);
    assert_eq!(bench.event_names(), ["Available"]);
    bench.rig.refused("_AgeCertificate", "ValidationException", json!({ "DomainName": "shop.dev" }));
    bench.rig.refused("_Expire", "ResourceNotFoundException", json!({ "DomainName": "other.dev" }));
}

#[test]
fn a_revoked_certificate_says_by_whom() {
    for (is_by_authority, wanted) in [(false, "Revoked"), (true, "Revoked by Certificate Authority (CA)")] {
        let mut bench = Bench::new();
        let arn = bench.issued(&["shop.dev"]);
        let input = json!({ "CertificateArn": arn, "Reason": "KEY_COMPROMISE", "ByAuthority": is_by_authority });
        bench.ok("_Revoke", input);
        let events = bench.events();
        assert_eq!(bench.event_names(), [wanted]);
        assert_eq!(events[0].2["RevocationReason"] == "KEY_COMPROMISE", is_by_authority);
        let shown = bench.describe(&arn);
        assert_eq!((&shown["Status"], &shown["RevocationReason"]), (&json!("REVOKED"), &json!("KEY_COMPROMISE")));
        bench.pass_days(200);
        assert_eq!(bench.event_names().len(), 1, "nothing follows");
    }
}
