//! The calls: lists, tags, imports, refusals, and what a policy is asked about.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rcgen::{CertificateParams, KeyPair, date_time_ymd};

use super::*;
use crate::call::Need;

fn listed(bench: &mut Bench, input: Value) -> Vec<Value> {
    let list = bench.ok("ListCertificates", input)["CertificateSummaryList"].clone();
    list.as_array().unwrap().iter().map(|row| row["DomainName"].clone()).collect()
}

#[test]
fn lists_show_statuses_keys_and_order_that_are_asked_for() {
    let mut bench = Bench::new();
    bench.issued(&["a.dev"]);
    bench.request(&["b.dev"]);
    let elliptic = json!({ "DomainName": "c.dev", "ValidationMethod": "DNS", "KeyAlgorithm": "EC_prime256v1" });
    bench.ok("RequestCertificate", elliptic);
    assert_eq!(listed(&mut bench, json!({})), ["a.dev", "b.dev"], "only RSA without a filter");
    assert_eq!(listed(&mut bench, json!({ "CertificateStatuses": ["ISSUED"] })), ["a.dev"]);
    let all = json!({ "Includes": { "keyTypes": ["RSA_2048", "EC_prime256v1"] } });
    assert_eq!(listed(&mut bench, all), ["a.dev", "b.dev", "c.dev"]);
    assert_eq!(listed(&mut bench, json!({ "Includes": { "keyUsage": ["DIGITAL_SIGNATURE"] } })), ["a.dev"]);
    assert_eq!(listed(&mut bench, json!({ "Includes": { "exportOption": "ENABLED" } })), Vec::<Value>::new());
    let newest = json!({ "SortBy": "CREATED_AT", "SortOrder": "DESCENDING" });
    assert_eq!(listed(&mut bench, newest), ["b.dev", "a.dev"]);
    bench.rig.refused("ListCertificates", "ValidationException", json!({ "SortBy": "CREATED_AT" }));
}

#[test]
fn lists_come_in_pages() {
    let mut bench = Bench::new();
    for name in ["a.dev", "b.dev", "c.dev"] {
        bench.request(&[name]);
    }
    let first = bench.ok("ListCertificates", json!({ "MaxItems": 2 }));
    assert_eq!(first["CertificateSummaryList"].as_array().unwrap().len(), 2);
    let next = json!({ "MaxItems": 2, "NextToken": first["NextToken"] });
    let second = bench.ok("ListCertificates", next);
    assert_eq!(second["CertificateSummaryList"][0]["DomainName"], "c.dev");
    assert_eq!(second.get("NextToken"), None);
    bench.rig.refused("ListCertificates", "InvalidArgsException", json!({ "NextToken": "not one" }));
}

#[test]
fn the_same_token_within_the_hour_is_the_same_request() {
    let mut bench = Bench::new();
    let input = json!({ "DomainName": "shop.dev", "ValidationMethod": "DNS", "IdempotencyToken": "once" });
    let first = bench.ok("RequestCertificate", input.clone());
    assert_eq!(bench.ok("RequestCertificate", input.clone()), first);
    let other = json!({ "DomainName": "other.dev", "ValidationMethod": "DNS", "IdempotencyToken": "once" });
    assert_ne!(bench.ok("RequestCertificate", other), first);
    bench.pass(SignedDuration::from_hours(1));
    assert_ne!(bench.ok("RequestCertificate", input), first);
}

#[test]
fn requests_that_cannot_be_met_are_refused() {
    let mut bench = Bench::new();
    let many: Vec<String> = (0..11).map(|n| format!("n{n}.shop.dev")).collect();
    let long = format!("{}.shop.dev", ["abcdefghi"; 7].join("."));
    for (code, input) in [
        ("LimitExceededException", json!({ "DomainName": "n0.shop.dev", "SubjectAlternativeNames": many })),
        ("InvalidParameterException", json!({ "DomainName": long })),
        ("InvalidParameterException", json!({ "DomainName": "shop.dev", "ValidationMethod": "HTTP" })),
        (
            "InvalidDomainValidationOptionsException",
            json!({
                "DomainName": "shop.dev",
                "DomainValidationOptions": [{ "DomainName": "shop.dev", "ValidationDomain": "other.dev" }],
            }),
        ),
        ("ValidationException", json!({ "DomainName": "-shop.dev" })),
        ("ValidationException", json!({ "DomainName": "shop.dev", "SubjectAlternativeNames": ["a.*.shop.dev"] })),
        ("InvalidTagException", json!({ "DomainName": "shop.dev", "Tags": [{ "Key": "aws:x", "Value": "" }] })),
    ] {
        bench.rig.refused("RequestCertificate", code, input);
    }
    assert_eq!(listed(&mut bench, json!({})), Vec::<Value>::new());
}

#[test]
fn a_certificate_in_use_is_not_deleted() {
    let mut bench = Bench::new();
    let arn = bench.issued(&["shop.dev"]);
    let which = json!({ "CertificateArn": arn });
    let error = bench.rig.refused("DeleteCertificate", "ResourceInUseException", which.clone());
    assert!(error.message.contains("arn:aws:elb:front"), "{}", error.message);
    bench.ok("_InUse", json!({ "CertificateArn": arn, "By": "arn:aws:elb:front", "InUse": false }));
    bench.ok("DeleteCertificate", which.clone());
    bench.rig.refused("DescribeCertificate", "ResourceNotFoundException", which);
}

#[test]
fn tags_come_and_go() {
    let mut bench = Bench::new();
    let arn = bench.request(&["shop.dev"]);
    let tags = json!([{ "Key": "a", "Value": "1" }, { "Key": "b", "Value": "2" }]);
    bench.ok("AddTagsToCertificate", json!({ "CertificateArn": arn, "Tags": tags }));
    let which = json!({ "CertificateArn": arn });
    assert_eq!(bench.ok("ListTagsForCertificate", which.clone())["Tags"], tags);
    let gone = json!([{ "Key": "a" }, { "Key": "b", "Value": "another" }]);
    bench.ok("RemoveTagsFromCertificate", json!({ "CertificateArn": arn, "Tags": gone }));
    assert_eq!(bench.ok("ListTagsForCertificate", which)["Tags"], json!([{ "Key": "b", "Value": "2" }]));
    let many: Vec<Value> = (0..50).map(|n| json!({ "Key": format!("k{n}"), "Value": "" })).collect();
    let input = json!({ "CertificateArn": arn, "Tags": many });
    bench.rig.refused("AddTagsToCertificate", "TooManyTagsException", input);
}

/// A certificate and its key in PEM, valid in the year 2026.
fn pem(name: &str) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    (params.not_before, params.not_after) = (date_time_ymd(2026, 1, 1), date_time_ymd(2026, 4, 1));
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

fn import(certificate: &str, key: &str) -> Value {
    let blob = |text: &str| BASE64_STANDARD.encode(text);
    json!({ "Certificate": blob(certificate), "PrivateKey": blob(key) })
}

#[test]
fn an_imported_certificate_is_read_and_watched_but_never_renewed() {
    let mut bench = Bench::new();
    let (certificate, key) = pem("shop.dev");
    let arn = bench.ok("ImportCertificate", import(&certificate, &key))["CertificateArn"].clone();
    let shown = bench.describe(arn.as_str().unwrap());
    assert_eq!((&shown["Type"], &shown["DomainName"]), (&json!("IMPORTED"), &json!("shop.dev")));
    assert_eq!(shown["KeyAlgorithm"], "EC_prime256v1");
    assert_eq!(shown["NotAfter"], json!("2026-04-01T00:00:00Z".parse::<Timestamp>().unwrap().as_second()));
    assert_eq!(shown.get("DomainValidationOptions"), None);
    assert_eq!(bench.events()[0].2["Action"], "IMPORT");
    bench.caused.clear();
    bench.pass_days(100);
    let wanted = vec!["Approaching Expiration"; 45];
    assert_eq!(bench.event_names(), wanted, "daily from 45 days on, and no event of the expiry");
    assert_eq!(bench.status(arn.as_str().unwrap()), "EXPIRED");
}

#[test]
fn a_certificate_is_imported_again_under_its_arn() {
    let mut bench = Bench::new();
    let arn = bench.ok("_Import", json!({ "DomainName": "shop.dev", "Days": 3 }))["CertificateArn"].clone();
    let (certificate, key) = pem("shop.dev");
    let mut again = import(&certificate, &key);
    again["CertificateArn"] = arn.clone();
    assert_eq!(bench.ok("ImportCertificate", again.clone())["CertificateArn"], arn);
    assert_eq!(bench.events().last().unwrap().2["Action"], "REIMPORT");
    again["CertificateArn"] = json!(bench.request(&["shop.dev"]));
    bench.rig.refused("ImportCertificate", "ValidationException", again);
}

#[test]
fn what_cannot_be_imported_is_refused() {
    let mut bench = Bench::new();
    let (certificate, key) = pem("shop.dev");
    let (_, other_key) = pem("shop.dev");
    for input in [import("nothing", &key), import(&certificate, "nothing"), import(&certificate, &other_key)] {
        bench.rig.refused("ImportCertificate", "ValidationException", input);
    }
    bench.rig.now = "2026-05-01T00:00:00Z".parse().unwrap();
    bench.rig.refused("ImportCertificate", "ValidationException", import(&certificate, &key));
}

#[test]
fn a_policy_is_asked_about_the_certificate_and_its_tags() {
    let mut bench = Bench::new();
    let arn = bench.request(&["shop.dev"]);
    let tags = json!([{ "Key": "team", "Value": "web" }]);
    bench.ok("AddTagsToCertificate", json!({ "CertificateArn": arn, "Tags": tags }));
    let needs = bench.rig.needs("DescribeCertificate", json!({ "CertificateArn": arn }));
    assert_eq!(needs[0].action, "acm:DescribeCertificate");
    assert_eq!(needs[0].resource, arn);
    assert_eq!(needs[0].conditions, [("aws:ResourceTag/team".to_owned(), vec!["web".to_owned()])]);
    assert_eq!(bench.rig.needs("ListCertificates", json!({})), [Need::new("acm:ListCertificates", "*")]);
    let request = bench.rig.needs("RequestCertificate", json!({ "DomainName": "a.dev", "ValidationMethod": "DNS" }));
    assert!(request[0].conditions.contains(&("acm:DomainNames".to_owned(), vec!["a.dev".to_owned()])));
}
