use crate::audit::samples::{fleet, look, service};
use crate::audit::samples_more::{DOMAIN, PROOF, PROOF_VALUE, answer, domain_of, rows_of, with_domain};
use crate::audit::{Findings, ServiceFacts};
use crate::dns::model::name;
use crate::dns::plan::Purpose;
use crate::dns::record::RecordType;
use crate::fact::Fact;

const RECORDS: [&str; 8] = [
    "domains-validation-missing",
    "domains-validation-wrong",
    "domains-validation-doubled",
    "domains-target-missing",
    "domains-target-elsewhere",
    "domains-apex-cname",
    "domains-www-missing",
    "domains-default-open",
];

fn keys(findings: &Findings) -> Vec<&str> {
    findings.found.iter().map(|seen| seen.key.as_str()).collect()
}

/// The rules that find something, each with the keys.
fn found(service: &ServiceFacts) -> Vec<(&'static str, String)> {
    let of = |id: &'static str| {
        let findings = look(id, &fleet(), service);
        findings.found.into_iter().map(|seen| (id, seen.key)).collect::<Vec<_>>()
    };
    RECORDS.into_iter().flat_map(of).collect()
}

/// The same domain at a DNS that is not ours.
fn foreign() -> ServiceFacts {
    let mut service = with_domain();
    for row in rows_of(&mut service) {
        row.verdict = "refused".to_owned();
        row.zone = None;
    }
    service
}

fn with_verdict(purpose: Purpose, verdict: &str, standing: &[&str]) -> ServiceFacts {
    let mut service = with_domain();
    for row in rows_of(&mut service).iter_mut().filter(|row| row.purpose == purpose) {
        row.verdict = verdict.to_owned();
        row.standing = standing.iter().map(|text| (*text).to_owned()).collect();
    }
    service
}

#[test]
fn a_domain_whose_records_stand_is_no_finding_and_was_checked() {
    for service in [with_domain(), foreign()] {
        assert_eq!(found(&service), []);
        for id in RECORDS {
            assert_eq!(look(id, &fleet(), &service).unchecked, [], "{id}");
        }
    }
}

#[test]
fn a_proof_that_is_missing_in_our_zone_is_put_there_by_pitcrew() {
    let mut service = with_verdict(Purpose::Validation, "create", &[]);
    for doubled in crate::audit::doubled_names(&name(PROOF)) {
        answer(&mut domain_of(&mut service).dns, doubled.as_str(), RecordType::Cname, &[]);
    }
    assert_eq!(found(&service), [("domains-validation-missing", PROOF.to_owned())]);
    let findings = look("domains-validation-missing", &fleet(), &service);
    assert_eq!(findings.found[0].fix.command.as_deref(), Some("pitcrew domains apply shop-api shop.example.com"));
    assert!(findings.found[0].fix.text.contains(PROOF_VALUE));
}

#[test]
fn a_proof_that_is_missing_elsewhere_is_put_there_by_a_person() {
    let mut service = foreign();
    answer(&mut domain_of(&mut service).dns, PROOF, RecordType::Cname, &[]);
    let findings = look("domains-validation-missing", &fleet(), &service);
    assert_eq!(keys(&findings), [PROOF]);
    assert!(findings.found[0].fix.command.as_ref().unwrap().starts_with("aws apprunner describe-custom-domains"));
}

#[test]
fn a_proof_with_another_value_is_wrong_and_not_missing() {
    let mut service = foreign();
    answer(&mut domain_of(&mut service).dns, PROOF, RecordType::Cname, &["_old.acm-validations.aws"]);
    assert_eq!(keys(&look("domains-validation-wrong", &fleet(), &service)), [PROOF]);
    assert_eq!(keys(&look("domains-validation-missing", &fleet(), &service)), [] as [&str; 0]);
    let ours = with_verdict(Purpose::Validation, "conflict", &["_proof.shop.example.com CNAME _old"]);
    assert_eq!(keys(&look("domains-validation-wrong", &fleet(), &ours)), [PROOF]);
}

#[test]
fn a_proof_under_a_doubled_name_is_found_only_where_it_is_missing() {
    let doubled = format!("{PROOF}.example.com");
    let mut service = foreign();
    answer(&mut domain_of(&mut service).dns, &doubled, RecordType::Cname, &[PROOF_VALUE]);
    answer(&mut domain_of(&mut service).dns, &format!("{PROOF}.shop.example.com"), RecordType::Cname, &[]);
    assert_eq!(keys(&look("domains-validation-doubled", &fleet(), &service)), [] as [&str; 0]);
    answer(&mut domain_of(&mut service).dns, PROOF, RecordType::Cname, &[]);
    let findings = look("domains-validation-doubled", &fleet(), &service);
    assert_eq!(keys(&findings), [PROOF]);
    assert!(findings.found[0].seen.contains(&doubled));
}

#[test]
fn a_doubled_name_that_was_not_asked_for_is_not_checked() {
    let mut service = foreign();
    answer(&mut domain_of(&mut service).dns, PROOF, RecordType::Cname, &[]);
    let findings = look("domains-validation-doubled", &fleet(), &service);
    assert!(findings.unchecked[0].why.contains("_proof.shop.example.com.shop.example.com"));
}

#[test]
fn a_domain_that_leads_nowhere_is_missing_its_target() {
    assert_eq!(found(&with_verdict(Purpose::Target, "create", &[])), [("domains-target-missing", DOMAIN.to_owned())]);
    let mut service = foreign();
    for kind in [RecordType::Cname, RecordType::A, RecordType::Aaaa] {
        answer(&mut domain_of(&mut service).dns, DOMAIN, kind, &[]);
    }
    assert_eq!(found(&service), [("domains-target-missing", DOMAIN.to_owned())]);
    // A provider that flattens names into addresses.
    answer(&mut domain_of(&mut service).dns, DOMAIN, RecordType::A, &["192.0.2.1"]);
    assert_eq!(found(&service), []);
}

#[test]
fn a_domain_that_leads_elsewhere_is_found_and_the_default_domain_is_open_without_a_firewall() {
    let mut service = with_verdict(Purpose::Target, "conflict", &["shop.example.com A alias to d111.cloudfront.net"]);
    assert_eq!(found(&service), [("domains-target-elsewhere", DOMAIN.to_owned())]);
    service.firewall = Fact::Known(None);
    let open = found(&service);
    assert_eq!(open, [("domains-target-elsewhere", DOMAIN.to_owned()), ("domains-default-open", DOMAIN.to_owned())]);
    service.public = false;
    assert_eq!(found(&service), []);
}

#[test]
fn a_cdn_in_a_foreign_dns_leaves_the_default_domain_open_too() {
    let mut service = with_verdict(Purpose::Target, "elsewhere", &[]);
    service.firewall = Fact::Known(None);
    assert_eq!(found(&service), []);
    // It shows addresses alone, or does not answer: whether a CDN stands there is not known.
    let unchecked = |service: &ServiceFacts| look("domains-default-open", &fleet(), service).unchecked.len();
    assert_eq!(unchecked(&service), 0);
    answer(&mut domain_of(&mut service).dns, DOMAIN, RecordType::Cname, &[]);
    assert_eq!((found(&service), unchecked(&service)), (Vec::new(), 1));
    domain_of(&mut service).dns.answers.retain(|(at, ..)| at.as_str() != DOMAIN);
    assert_eq!((found(&service), unchecked(&service)), (Vec::new(), 1));
    answer(&mut domain_of(&mut service).dns, DOMAIN, RecordType::Cname, &["d111.cloudfront.net"]);
    assert_eq!(found(&service), [("domains-default-open", DOMAIN.to_owned())]);
    service.firewall = Fact::Unavailable("denied".to_owned());
    let findings = look("domains-default-open", &fleet(), &service);
    assert_eq!((findings.found.len(), findings.unchecked[0].why.as_str()), (0, "denied"));
}

#[test]
fn another_service_of_app_runner_is_nothing_that_stands_before() {
    let mut service = foreign();
    service.firewall = Fact::Known(None);
    answer(&mut domain_of(&mut service).dns, DOMAIN, RecordType::Cname, &["other.eu-west-1.awsapprunner.com"]);
    assert_eq!(found(&service), [("domains-target-elsewhere", DOMAIN.to_owned())]);
}

#[test]
fn a_cname_at_an_apex_is_found() {
    assert_eq!(found(&with_verdict(Purpose::Target, "apex", &[])), [("domains-apex-cname", DOMAIN.to_owned())]);
}

#[test]
fn www_is_looked_at_where_the_link_has_it() {
    let mut service = with_domain();
    let www = format!("www.{DOMAIN}");
    for kind in [RecordType::Cname, RecordType::A, RecordType::Aaaa] {
        answer(&mut domain_of(&mut service).dns, &www, kind, &[]);
    }
    assert_eq!(found(&service), []);
    domain_of(&mut service).association.www = true;
    assert_eq!(found(&service), [("domains-www-missing", www.clone())]);
    answer(&mut domain_of(&mut service).dns, &www, RecordType::Cname, &[crate::audit::samples_more::HOST]);
    assert_eq!(found(&service), []);
}

#[test]
fn what_is_being_taken_away_is_not_looked_at() {
    let mut service = with_verdict(Purpose::Validation, "create", &[]);
    domain_of(&mut service).association.status = crate::domain::DomainStatus::Deleting;
    assert_eq!(found(&service), []);
}

#[test]
fn without_the_facts_nothing_is_fine() {
    let mut blind = with_domain();
    // One with a web ACL is guarded at every name.
    blind.firewall = Fact::Known(None);
    domain_of(&mut blind).preview = Fact::Unavailable("denied".to_owned());
    domain_of(&mut blind).association.www = true;
    domain_of(&mut blind).dns.answers.clear();
    let domains = Fact::Unavailable("throttled".to_owned());
    let unread = ServiceFacts { domains, firewall: Fact::Known(None), ..service("shop-api") };
    for id in RECORDS {
        for service in [&blind, &unread] {
            let findings = look(id, &fleet(), service);
            assert_eq!((findings.found.len(), findings.unchecked.len()), (0, 1), "{id}");
        }
    }
}
