use super::*;
use crate::audit::facts::{CodeFacts, Variable};
use crate::audit::samples::{fleet, look, service};
use crate::fact::Fact;

fn count(id: &str, fleet: &Fleet, service: &ServiceFacts) -> (usize, usize) {
    let findings = look(id, fleet, service);
    (findings.found.len(), findings.unchecked.len())
}

#[test]
fn a_variable_that_looks_like_a_secret_is_found_by_its_name_alone() {
    let mut service = service("shop-api");
    assert_eq!(count("security-secret-in-environment", &fleet(), &service), (0, 0));
    let variable = |name: &str, suspicion| Variable { name: name.to_owned(), suspicion: Some(suspicion) };
    service.environment.push(variable("DB_PASSWORD", Suspicion::Name));
    service.environment.push(variable("it's; rm -rf /", Suspicion::Token));
    service.environment.push(variable("SEED", Suspicion::Random));
    let found = look("security-secret-in-environment", &fleet(), &service).found;
    let seen: Vec<(&str, Option<Grade>)> = found.iter().map(|seen| (seen.key.as_str(), seen.grade)).collect();
    let expected =
        [("DB_PASSWORD", Some(Grade::Medium)), ("it's; rm -rf /", Some(Grade::High)), ("SEED", Some(Grade::Low))];
    assert_eq!(seen, expected);
    let command = found[1].fix.command.as_ref().unwrap();
    assert!(command.contains(r"--name 'shop-api/it'\''s; rm -rf /' --secret-string"), "{command}");
}

#[test]
fn a_tag_that_holds_a_secret_is_found_by_its_key_and_its_value_is_not_shown() {
    let id = "security-secret-in-tag";
    let mut service = service("shop-api");
    assert_eq!(count(id, &fleet(), &service), (0, 0));
    let value = "postgres://shop:hunter2-and-more@db.example.com/shop";
    let tags = [("token-owner", "team-shop"), ("revision", "8fe1e10304f84fd2b0df550fe98a71fa"), ("it's", value)];
    service.tags = Fact::Known(tags.map(|(key, value)| (key.to_owned(), value.to_owned())).into());
    let found = look(id, &fleet(), &service).found;
    assert_eq!(found.iter().map(|seen| seen.key.as_str()).collect::<Vec<_>>(), ["it's"]);
    assert!(!format!("{found:?}").contains("hunter2"), "{found:?}");
    assert!(found[0].fix.command.as_ref().unwrap().ends_with(r"--tag-keys 'it'\''s'"), "{found:?}");
    service.tags = Fact::Unavailable("denied".to_owned());
    assert_eq!(count(id, &fleet(), &service), (0, 1));
}

#[test]
fn a_customer_key_is_missed_where_the_house_asks_for_one() {
    let mut fleet = fleet();
    let mut service = service("shop-api");
    assert_eq!(count("security-no-customer-key", &fleet, &service), (0, 0));
    fleet.policy.customer_key = true;
    assert_eq!(count("security-no-customer-key", &fleet, &service), (1, 0));
    service.key = Some("arn:aws:kms:eu-west-1:123456789012:key/1".to_owned());
    assert_eq!(count("security-no-customer-key", &fleet, &service), (0, 0));
}

#[test]
fn a_firewall_is_missed_where_the_house_asks_for_one() {
    let mut fleet = fleet();
    let mut service = service("shop-api");
    assert_eq!(count("security-no-firewall", &fleet, &service), (0, 0));
    service.firewall = Fact::Known(None);
    assert_eq!(count("security-no-firewall", &fleet, &service), (1, 0));
    service.firewall = Fact::Unavailable("denied".to_owned());
    assert_eq!(count("security-no-firewall", &fleet, &service), (0, 1));
    service.public = false;
    assert_eq!(count("security-no-firewall", &fleet, &service), (0, 0));
    service.public = true;
    fleet.policy.firewall = false;
    assert_eq!(count("security-no-firewall", &fleet, &service), (0, 0));
}

#[test]
fn a_runtime_is_found_from_the_day_on_which_its_support_ends() {
    let at = |runtime: Option<&str>, now: &str| {
        let mut fleet = fleet();
        fleet.now = now.parse().unwrap();
        let mut service = service("shop-api");
        let runtime = runtime.map(str::to_owned);
        service.code = Some(CodeFacts { from_repository: runtime.is_none(), runtime });
        count("security-runtime-ended", &fleet, &service)
    };
    assert_eq!(at(Some("NODEJS_18"), "2025-11-30T23:59:59Z"), (0, 0));
    assert_eq!(at(Some("NODEJS_18"), "2025-12-01T00:00:00Z"), (1, 0));
    assert_eq!(at(Some("PHP_81"), "2025-12-30T12:00:00Z"), (0, 0));
    assert_eq!(at(Some("PHP_81"), "2026-01-01T00:00:00Z"), (1, 0));
    assert_eq!(at(Some("CORRETTO_11"), "2026-11-20T00:00:00Z"), (0, 0));
    assert_eq!(at(Some("COBOL_85"), "2026-11-20T00:00:00Z"), (0, 1));
    assert_eq!(at(None, "2026-11-20T00:00:00Z"), (0, 1));
    assert_eq!(count("security-runtime-ended", &fleet(), &service("shop-api")), (0, 0));
}
