use super::super::super::facts::{DomainFacts, Protocol, Tracing};
use super::super::super::samples::{fleet, image, look, service};
use super::super::super::{Findings, Group, ServiceFacts, all};
use crate::dns::facts::DnsFacts;
use crate::dns::name::Name;
use crate::domain::{Association, DomainMemory, DomainStatus};
use crate::fact::Fact;
use crate::service::{ServiceStatus, Source};

/// A service that could move as it stands.
fn ready() -> ServiceFacts {
    let mut service = service("shop-api");
    service.tracing = Tracing::Off;
    service.firewall = Fact::Known(None);
    service
}

fn check(id: &str, change: impl FnOnce(&mut ServiceFacts)) -> Findings {
    let mut service = ready();
    change(&mut service);
    look(id, &fleet(), &service)
}

fn command(findings: &Findings) -> String {
    assert_eq!(findings.found.len(), 1, "{findings:?}");
    findings.found[0].fix.command.clone().unwrap_or_default()
}

fn domain(name: &str, www: bool) -> DomainFacts {
    DomainFacts {
        name: Name::parse(name).unwrap(),
        association: Association {
            www,
            status: DomainStatus::Active,
            records: Vec::new(),
            unreadable: Vec::new(),
            dns_target: None,
            vpc_targets: Vec::new(),
        },
        memory: Fact::Known(DomainMemory::default()),
        preview: Fact::Unread,
        served: Fact::Unread,
        dns: DnsFacts::default(),
    }
}

/// Everything that a rule of this group finds, at once.
fn hindered() -> ServiceFacts {
    let mut service = service("shop-api");
    service.source = Source::Image { image: image("latest"), auto_deploy: Some(true) };
    service.health.protocol = Protocol::Tcp;
    service.public = false;
    service.domains = Fact::Known(vec![domain("shop.example.com", false)]);
    service.key = Some("arn:aws:kms:eu-west-1:123456789012:key/1".to_owned());
    service.start_command = Some("npm start".to_owned());
    service
}

fn found(fleet: &super::super::super::Fleet, service: &ServiceFacts) -> Vec<&'static str> {
    let group = all().filter(|rule| rule.group == Group::Express);
    group.filter(|rule| !look(rule.id, fleet, service).found.is_empty()).map(|rule| rule.id).collect()
}

#[test]
fn a_service_that_is_ready_is_not_found_by_any_rule() {
    for rule in all().filter(|rule| rule.group == Group::Express) {
        let findings = look(rule.id, &fleet(), &ready());
        assert_eq!((findings.found.len(), findings.unchecked.len()), (0, 0), "{}", rule.id);
    }
}

#[test]
fn a_house_that_stays_and_a_service_that_never_was_are_not_looked_at() {
    let mut staying = fleet();
    staying.policy.express = false;
    assert_eq!(found(&fleet(), &hindered()).len(), 8, "all but the build from code");
    assert_eq!(found(&staying, &hindered()), Vec::<&str>::new());
    for status in [ServiceStatus::CreateFailed, ServiceStatus::Deleted, ServiceStatus::DeleteFailed] {
        assert_eq!(found(&fleet(), &ServiceFacts { status, ..hindered() }), Vec::<&str>::new());
    }
}

#[test]
fn a_build_from_code_is_found() {
    let code = check("express-source-build", |service| {
        let (repository, branch) = ("https://github.com/example/shop".to_owned(), "main".to_owned());
        service.source = Source::Code { repository, branch, auto_deploy: Some(true) };
    });
    assert_eq!(command(&code), "aws ecr create-repository --repository-name shop-api");
}

#[test]
fn a_check_by_tcp_is_found() {
    assert!(command(&check("express-tcp-check", |service| service.health.protocol = Protocol::Tcp)).contains("HTTP"));
}

#[test]
fn a_private_service_is_found() {
    let private = command(&check("express-private", |service| service.public = false));
    assert!(
        private.starts_with("aws apprunner list-vpc-ingress-connections --filter ServiceArn=arn:aws:"),
        "{private}"
    );
}

#[test]
fn each_domain_is_found_and_www_is_in_the_certificate_where_it_was_in_the_association() {
    let two = check("express-domains", |service| {
        service.domains = Fact::Known(vec![domain("shop.example.com", true), domain("*.example.com", false)]);
    });
    let commands: Vec<_> = two.found.iter().map(|found| found.fix.command.clone().unwrap()).collect();
    assert!(commands[0].ends_with("--validation-method DNS --subject-alternative-names www.shop.example.com"));
    assert!(commands[1].contains("--domain-name '*.example.com'"), "{}", commands[1]);
    assert_eq!(two.found[1].key, "*.example.com");
}

#[test]
fn a_key_a_firewall_tracing_and_a_start_command_are_found() {
    let key = check("express-key", |service| service.key = Some("arn:aws:kms:eu-west-1:1:key/1".to_owned()));
    assert!(command(&key).ends_with("--kms-key-id arn:aws:kms:eu-west-1:1:key/1"));
    let firewall = check("express-firewall", |service| service.firewall = Fact::Known(Some("arn:acl".to_owned())));
    assert!(command(&firewall).contains("--web-acl-arn arn:acl "));
    let tracing = check("express-tracing", |service| {
        service.tracing = Tracing::On { configuration: "arn:configuration".to_owned() };
    });
    assert!(command(&tracing).contains("policy/AWSXRayDaemonWriteAccess"));
    let start = check("express-start-command", |service| service.start_command = Some("node a.js && b".to_owned()));
    assert_eq!(start.found[0].seen, "It is started with `node a.js && b`.");
    let secret =
        check("express-start-command", |service| service.start_command = Some("run --token hunter2".to_owned()));
    assert_eq!(secret.found[0].seen, "It is started with `run --token ***`.");
    assert_eq!(check("express-start-command", |service| service.start_command = Some(" ".to_owned())).found, []);
}

#[test]
fn automatic_deployment_is_found_where_it_is_on_by_choice_or_by_default() {
    let id = "express-automatic-deployment";
    let with = |auto_deploy: Option<bool>| {
        check(id, |service| service.source = Source::Image { image: image("latest"), auto_deploy })
    };
    let on = command(&with(Some(true)));
    assert!(on.contains(r#""image-tag":["latest"]"#) && on.contains(r#""repository-name":["shop/api"]"#), "{on}");
    assert_eq!(with(None).found.len(), 1);
    assert_eq!(with(Some(false)).found, []);
}

#[test]
fn what_could_not_be_read_is_not_checked() {
    let domains = check("express-domains", |service| service.domains = Fact::Unavailable("AccessDenied".to_owned()));
    let firewall = check("express-firewall", |service| service.firewall = Fact::Unavailable("AccessDenied".to_owned()));
    for findings in [domains, firewall] {
        assert_eq!((findings.found.len(), findings.unchecked.len()), (0, 1));
    }
}
