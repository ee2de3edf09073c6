//! From the request to the certificate, or to the reason why there is none.

use super::*;

#[test]
fn a_certificate_is_issued_once_the_dns_shows_its_record() {
    let mut bench = Bench::new();
    let arn = bench.request(&["shop.dev"]);
    let asked = bench.describe(&arn);
    assert_eq!(asked["Status"], "PENDING_VALIDATION");
    let option = &asked["DomainValidationOptions"][0];
    assert_eq!((&option["DomainName"], &option["ValidationMethod"]), (&json!("shop.dev"), &json!("DNS")));
    assert_eq!(option["ValidationStatus"], "PENDING_VALIDATION");
    bench.pass(SignedDuration::from_mins(5));
    assert_eq!(bench.status(&arn), "PENDING_VALIDATION");
    bench.prove(&arn);
    assert_eq!(bench.status(&arn), "PENDING_VALIDATION", "nobody has looked yet");
    bench.pass(SignedDuration::from_mins(1));
    let issued = bench.describe(&arn);
    assert_eq!(issued["Status"], "ISSUED");
    assert_eq!(issued["DomainValidationOptions"][0]["ValidationStatus"], "SUCCESS");
    let seconds = issued["NotAfter"].as_i64().unwrap() - issued["NotBefore"].as_i64().unwrap();
    assert_eq!(seconds + 1, 198 * 24 * 3600);
    assert_eq!(issued["Serial"].as_str().unwrap().len(), 47);
    let events = bench.events();
    assert_eq!(bench.event_names(), ["Available"]);
    let detail = &events[0].2;
    let wanted = json!({
        "CertificateType": "AMAZON_ISSUED", "CommonName": "shop.dev", "InUse": false, "Exported": false,
        "DomainValidationMethod": "DNS", "CertificateExpirationDate": "2026-07-21T23:59:59Z",
        "Action": "ISSUANCE", "CertificateCreatedDate": "2026-01-05T09:00:00Z", "DaysToExpiry": 197,
    });
    assert_eq!(detail, &wanted);
}

#[test]
fn a_record_with_another_value_proves_nothing() {
    let mut bench = Bench::new();
    let arn = bench.request(&["shop.dev"]);
    let name = bench.describe(&arn)["DomainValidationOptions"][0]["ResourceRecord"]["Name"].clone();
    bench.record(name.as_str().unwrap(), "CNAME", &["_other.acm-validations.aws."]);
    bench.pass_days(1);
    assert_eq!(bench.status(&arn), "PENDING_VALIDATION");
}

#[test]
fn case_and_the_dot_at_the_end_make_no_difference() {
    let mut bench = Bench::new();
    let arn = bench.request(&["Shop.dev"]);
    let record = bench.describe(&arn)["DomainValidationOptions"][0]["ResourceRecord"].clone();
    let value = record["Value"].as_str().unwrap().to_uppercase();
    bench.record(record["Name"].as_str().unwrap(), "CNAME", &[value.trim_end_matches('.')]);
    bench.pass(SignedDuration::from_secs(10));
    assert_eq!(bench.status(&arn), "ISSUED");
}

#[test]
fn every_name_has_to_be_proven_and_a_wildcard_shares_the_record_of_its_domain() {
    let mut bench = Bench::new();
    let arn = bench.request(&["shop.dev", "*.shop.dev", "www.shop.dev"]);
    let options = bench.describe(&arn)["DomainValidationOptions"].clone();
    assert_eq!(options[0]["ResourceRecord"], options[1]["ResourceRecord"]);
    assert_ne!(options[0]["ResourceRecord"], options[2]["ResourceRecord"]);
    let record = &options[0]["ResourceRecord"];
    bench.record(record["Name"].as_str().unwrap(), "CNAME", &[record["Value"].as_str().unwrap()]);
    bench.pass(SignedDuration::from_mins(2));
    let states: Vec<Value> = bench.describe(&arn)["DomainValidationOptions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|option| option["ValidationStatus"].clone())
        .collect();
    assert_eq!(states, ["SUCCESS", "SUCCESS", "PENDING_VALIDATION"]);
    bench.prove(&arn);
    bench.pass(SignedDuration::from_mins(1));
    assert_eq!(bench.status(&arn), "ISSUED");
}

#[test]
fn a_second_request_for_a_name_finds_its_record_in_place() {
    let mut bench = Bench::new();
    let first = bench.issued(&["shop.dev"]);
    let second = bench.request(&["shop.dev"]);
    assert_ne!(first, second);
    bench.pass(SignedDuration::from_secs(10));
    assert_eq!(bench.status(&second), "ISSUED");
}

#[test]
fn looks_are_frequent_at_first_and_end_after_72_hours() {
    let mut bench = Bench::new();
    let arn = bench.request(&["shop.dev"]);
    let start = bench.rig.now;
    bench.pass_days(4);
    let seconds: Vec<i64> = bench.asked.iter().map(|(at, ..)| at.duration_since(start).as_secs()).collect();
    assert_eq!(seconds[..3], [10, 70, 130]);
    assert_eq!(seconds[61] - seconds[60], 600);
    assert!(*seconds.last().unwrap() < 72 * 3600);
    let ended = bench.describe(&arn);
    assert_eq!(ended["Status"], "VALIDATION_TIMED_OUT");
    assert_eq!(ended["DomainValidationOptions"][0]["ValidationStatus"], "FAILED");
    bench.prove(&arn);
    bench.pass_days(1);
    assert_eq!(bench.status(&arn), "VALIDATION_TIMED_OUT", "it is too late");
}

#[test]
fn caa_that_names_another_authority_makes_the_request_fail() {
    let mut bench = Bench::new();
    bench.record("shop.dev", "CAA", &["0 issue \"other.net\""]);
    let arn = bench.request(&["www.shop.dev"]);
    bench.prove(&arn);
    bench.pass(SignedDuration::from_secs(10));
    let failed = bench.describe(&arn);
    assert_eq!((&failed["Status"], &failed["FailureReason"]), (&json!("FAILED"), &json!("CAA_ERROR")));
    assert_eq!(bench.event_names(), Vec::<String>::new());
}

#[test]
fn caa_may_forbid_only_the_wildcard() {
    let mut bench = Bench::new();
    bench.record("shop.dev", "CAA", &["0 issue \"amazon.com\"", "0 issuewild \";\""]);
    for (name, wanted) in [("shop.dev", "ISSUED"), ("*.shop.dev", "FAILED")] {
        let arn = bench.request(&[name]);
        bench.prove(&arn);
        bench.pass(SignedDuration::from_secs(10));
        assert_eq!(bench.status(&arn), wanted, "{name}");
    }
}

#[test]
fn caa_is_asked_up_the_tree_and_each_name_once() {
    let mut bench = Bench::new();
    let arn = bench.request(&["a.shop.dev", "b.shop.dev"]);
    bench.prove(&arn);
    bench.pass(SignedDuration::from_secs(10));
    assert_eq!(bench.status(&arn), "ISSUED");
    let caa: Vec<&str> =
        bench.asked.iter().filter(|(_, _, kind)| kind == "CAA").map(|(_, name, _)| name.as_str()).collect();
    assert_eq!(caa, ["a.shop.dev", "b.shop.dev", "shop.dev", "dev"]);
}

#[test]
fn a_dns_that_does_not_answer_holds_issuance_up_and_breaks_nothing() {
    let mut bench = Bench::new();
    let arn = bench.request(&["shop.dev"]);
    bench.prove(&arn);
    bench.broken = Some("SERVFAIL");
    bench.pass(SignedDuration::from_mins(10));
    assert_eq!(bench.status(&arn), "PENDING_VALIDATION");
    bench.broken = None;
    bench.pass(SignedDuration::from_mins(1));
    assert_eq!(bench.status(&arn), "ISSUED");
}

#[test]
fn an_answer_to_an_earlier_look_counts_for_nothing() {
    let mut bench = Bench::new();
    let arn = bench.request(&["shop.dev"]);
    let record = bench.describe(&arn)["DomainValidationOptions"][0]["ResourceRecord"].clone();
    let stale = json!({
        "Token": format!("{arn} 1"), "Name": record["Name"], "Type": "CNAME", "Rcode": "NOERROR",
        "Answers": [record["Value"]],
    });
    bench.pass(SignedDuration::from_secs(10));
    bench.ok("_Resolved", stale);
    let option = bench.describe(&arn)["DomainValidationOptions"][0].clone();
    assert_eq!(option["ValidationStatus"], "PENDING_VALIDATION");
}

#[test]
fn names_that_nobody_certifies_fail_after_some_minutes() {
    let mut bench = Bench::new();
    let arn = bench.request(&["shop.test"]);
    bench.pass(SignedDuration::from_mins(3));
    assert_eq!(bench.status(&arn), "PENDING_VALIDATION");
    bench.pass(SignedDuration::from_mins(2));
    assert_eq!(bench.describe(&arn)["FailureReason"], "DOMAIN_NOT_ALLOWED");
}

#[test]
fn mails_are_answered_by_a_person() {
    let mut bench = Bench::new();
    let input = json!({
        "DomainName": "www.shop.dev",
        "DomainValidationOptions": [{ "DomainName": "www.shop.dev", "ValidationDomain": "shop.dev" }],
    });
    let arn = bench.ok("RequestCertificate", input)["CertificateArn"].as_str().unwrap().to_owned();
    let option = bench.describe(&arn)["DomainValidationOptions"][0].clone();
    assert_eq!(option["ValidationMethod"], "EMAIL");
    assert_eq!(option["ValidationEmails"][0], "admin@shop.dev");
    bench.pass_days(1);
    assert_eq!(bench.status(&arn), "PENDING_VALIDATION");
    bench.ok("_Approve", json!({ "CertificateArn": arn }));
    assert_eq!(bench.status(&arn), "ISSUED");
}

#[test]
fn a_private_authority_signs_without_any_proof() {
    let mut bench = Bench::new();
    let authority = "arn:aws:acm-pca:eu-west-1:123456789012:certificate-authority/1";
    let input = json!({ "DomainName": "db.internal.shop.dev", "CertificateAuthorityArn": authority });
    let arn = bench.ok("RequestCertificate", input)["CertificateArn"].as_str().unwrap().to_owned();
    bench.pass(SignedDuration::from_mins(1));
    let issued = bench.describe(&arn);
    assert_eq!((&issued["Status"], &issued["Type"]), (&json!("ISSUED"), &json!("PRIVATE")));
    assert!(bench.asked.is_empty());
}

#[test]
fn a_cloud_without_a_dns_can_be_told_that_the_records_are_there() {
    let mut bench = Bench::new();
    let arn = bench.request(&["shop.dev", "www.shop.dev"]);
    bench.ok("_Prove", json!({ "DomainName": "shop.dev" }));
    let issued = bench.describe(&arn);
    assert_eq!(issued["Status"], "ISSUED");
    assert_eq!(issued["DomainValidationOptions"][1]["ValidationStatus"], "SUCCESS");
    assert!(bench.asked.is_empty());
}
