use super::*;
use crate::audit::samples::{days_ago, fleet, hours_ago, look, service};
use crate::audit::samples_more::{DOMAIN, answer, domain_of, memory, with_domain};
use crate::dns::model::name;
use crate::dns::record::RecordType;
use crate::domain::DomainMemory;
use crate::fact::Fact;

const CERTIFICATES: [&str; 3] =
    ["domains-certificate-ends", "domains-certificate-expired", "domains-certificate-names"];

fn count(id: &str, service: &ServiceFacts) -> (usize, usize) {
    let findings = look(id, &fleet(), service);
    (findings.found.len(), findings.unchecked.len())
}

fn ending(at: Timestamp) -> ServiceFacts {
    let mut service = with_domain();
    let mut memory = memory();
    if let Some(certificate) = &mut memory.certificate {
        certificate.served.not_after = at;
    }
    domain_of(&mut service).memory = Fact::Known(memory);
    service
}

fn in_status(status: DomainStatus, first_seen: Timestamp) -> ServiceFacts {
    let mut service = with_domain();
    let mut memory = memory();
    if let Some(link) = &mut memory.link {
        link.first_seen = first_seen;
    }
    domain_of(&mut service).memory = Fact::Known(memory);
    domain_of(&mut service).association.status = status;
    service
}

#[test]
fn a_caa_set_without_amazon_is_found_wherever_it_stands() {
    let mut service = with_domain();
    assert_eq!(count("domains-caa-forbids", &service), (0, 0));
    answer(&mut domain_of(&mut service).dns, "example.com", RecordType::Caa, &["0 issue \"letsencrypt.org\""]);
    let findings = look("domains-caa-forbids", &fleet(), &service);
    assert_eq!(findings.found[0].key, DOMAIN);
    assert!(findings.found[0].fix.text.contains("CAA set of example.com"));
    answer(&mut domain_of(&mut service).dns, "shop.example.com", RecordType::Caa, &["0 issue \"amazon.com\""]);
    assert_eq!(count("domains-caa-forbids", &service), (0, 0));
    domain_of(&mut service).dns.answers.clear();
    assert_eq!(count("domains-caa-forbids", &service), (0, 1));
}

#[test]
fn a_domain_that_is_pending_for_long_is_found() {
    let pending = DomainStatus::PendingCertificateDnsValidation;
    assert_eq!(count("domains-pending", &in_status(pending.clone(), hours_ago(23))), (0, 0));
    let day = look("domains-pending", &fleet(), &in_status(pending.clone(), hours_ago(25)));
    assert_eq!(day.found[0].fix.command.as_deref(), Some("pitcrew domains plan shop-api shop.example.com"));
    let days = look("domains-pending", &fleet(), &in_status(pending.clone(), hours_ago(73)));
    assert_eq!(days.found[0].fix.command.as_deref(), Some("pitcrew domains relink shop-api shop.example.com"));
    assert_eq!(count("domains-pending", &in_status(DomainStatus::Active, hours_ago(999))), (0, 0));
    assert_eq!(count("domains-pending", &in_status(DomainStatus::Unknown("new".to_owned()), hours_ago(9))), (0, 1));
    let mut never_seen = in_status(pending.clone(), hours_ago(99));
    domain_of(&mut never_seen).memory = Fact::Known(DomainMemory::default());
    assert_eq!(count("domains-pending", &never_seen), (0, 1));
    domain_of(&mut never_seen).memory = Fact::Unavailable("denied".to_owned());
    assert_eq!(count("domains-pending", &never_seen), (0, 1));
}

#[test]
fn a_failed_link_is_found_with_the_way_out() {
    let command = |status: DomainStatus| {
        let mut service = in_status(status, days_ago(1));
        domain_of(&mut service).name = name("*.example.com");
        let found = look("domains-failed", &fleet(), &service).found;
        found.first().and_then(|seen| seen.fix.command.clone())
    };
    assert_eq!(command(DomainStatus::CreateFailed).unwrap(), "pitcrew domains relink shop-api '*.example.com'");
    let delete = command(DomainStatus::DeleteFailed).unwrap();
    assert!(delete.starts_with("aws apprunner disassociate-custom-domain ") && delete.ends_with("'*.example.com'"));
    assert_eq!(command(DomainStatus::Active), None);
    assert_eq!(count("domains-failed", &in_status(DomainStatus::Unknown("new".to_owned()), days_ago(1))), (0, 1));
}

#[test]
fn a_certificate_is_found_from_its_last_days_on() {
    let found = |days: i64| {
        let service = ending(days_ago(-days));
        let found: Vec<&str> = CERTIFICATES.into_iter().filter(|id| count(id, &service) == (1, 0)).collect();
        found
    };
    assert_eq!(found(31), [] as [&str; 0]);
    assert_eq!(found(30), ["domains-certificate-ends"]);
    assert_eq!(found(-1), ["domains-certificate-expired"]);
    let grade = |days: i64| look("domains-certificate-ends", &fleet(), &ending(days_ago(-days))).found[0].grade;
    assert_eq!((grade(3), grade(4)), (Some(Grade::Critical), None));
}

#[test]
fn a_certificate_for_other_names_is_found() {
    let mut service = with_domain();
    let mut memory = memory();
    if let Some(certificate) = &mut memory.certificate {
        certificate.served.names = vec!["*.example.com".to_owned()];
    }
    domain_of(&mut service).memory = Fact::Known(memory.clone());
    assert_eq!(count("domains-certificate-names", &service), (0, 0));
    if let Some(certificate) = &mut memory.certificate {
        certificate.served.names = vec!["example.net".to_owned()];
    }
    domain_of(&mut service).memory = Fact::Known(memory);
    assert_eq!(count("domains-certificate-names", &service), (1, 0));
}

#[test]
fn a_certificate_that_nobody_looked_at_is_not_checked() {
    let mut never = with_domain();
    domain_of(&mut never).memory = Fact::Known(DomainMemory { certificate: None, ..memory() });
    let mut long_ago = with_domain();
    let mut old = memory();
    if let Some(certificate) = &mut old.certificate {
        certificate.seen_at = days_ago(8);
    }
    domain_of(&mut long_ago).memory = Fact::Known(old);
    let mut denied = with_domain();
    domain_of(&mut denied).memory = Fact::Unavailable("denied".to_owned());
    let unread = ServiceFacts { domains: Fact::Unread, ..service("shop-api") };
    for id in CERTIFICATES {
        for service in [&never, &long_ago, &denied, &unread] {
            assert_eq!(count(id, service), (0, 1), "{id}");
        }
        assert_eq!(count(id, &with_domain()), (0, 0), "{id}");
    }
}

#[test]
fn a_handshake_of_this_look_counts_before_what_is_remembered_and_where_nothing_is() {
    let served = |days: i64| {
        let served = memory().certificate.unwrap().served;
        Fact::Known(Served { not_after: days_ago(-days), ..served })
    };
    let mut fresh = with_domain();
    domain_of(&mut fresh).served = served(9);
    assert_eq!(count("domains-certificate-ends", &fresh), (1, 0));
    let mut stackless = with_domain();
    domain_of(&mut stackless).memory = Fact::Unavailable("there is no state table".to_owned());
    domain_of(&mut stackless).served = served(90);
    for id in CERTIFICATES {
        assert_eq!(count(id, &stackless), (0, 0), "{id}");
    }
    domain_of(&mut stackless).served = Fact::Unavailable("no handshake".to_owned());
    let why = look("domains-certificate-ends", &fleet(), &stackless).unchecked[0].why.clone();
    assert!(why.contains("no handshake"), "{why}");
}
