use super::super::super::facts::{
    Connection, Connector, ConnectorStatus, DomainFacts, Ingress, IngressStatus, Revision,
};
use super::super::super::samples::{arn, connector, fleet, listed, look, service};
use super::super::super::{Findings, Fleet, Grade, Resource};
use crate::dns::facts::DnsFacts;
use crate::dns::name::Name;
use crate::domain::{Association, DomainMemory, DomainStatus};
use crate::fact::Fact;
use crate::service::ServiceStatus;

fn check(id: &str, change: impl FnOnce(&mut Fleet)) -> Findings {
    let mut fleet = fleet();
    change(&mut fleet);
    look(id, &fleet, &service("shop-api"))
}

fn command(findings: &Findings) -> String {
    assert_eq!(findings.found.len(), 1, "{findings:?}");
    findings.found[0].fix.command.clone().unwrap_or_default()
}

fn scaling(name: &str, revision: u32) -> Revision {
    let arn =
        format!("arn:aws:apprunner:eu-west-1:123456789012:autoscalingconfiguration/{name}/{revision}/{revision:032x}");
    Revision { arn, name: name.to_owned(), revision }
}

fn connection(n: usize, status: &str) -> Connection {
    let arn = format!("arn:aws:apprunner:eu-west-1:123456789012:connection/code-{n}/{n:032x}");
    Connection { arn, name: format!("code-{n}"), status: status.to_owned() }
}

#[test]
fn services_count_with_those_that_were_never_created_and_without_deleted_ones() {
    let with = |running: usize, failed: usize, deleted: usize| {
        check("quotas-services", |fleet| {
            let of = |number: usize, status: ServiceStatus| {
                (0..number)
                    .map(move |_| super::super::super::facts::Listed { status: status.clone(), ..listed("shop") })
            };
            fleet.services = of(running, ServiceStatus::Running)
                .chain(of(failed, ServiceStatus::CreateFailed))
                .chain(of(deleted, ServiceStatus::Deleted))
                .collect();
        })
    };
    assert_eq!(with(23, 0, 9).found, []);
    let near = with(22, 2, 0);
    assert_eq!((near.found[0].seen.as_str(), near.found[0].grade), ("24 of 30 services.", None));
    assert_eq!(command(&near).lines().count(), 2);
    assert_eq!(with(30, 0, 0).found[0].grade, Some(Grade::High));
}

#[test]
fn a_quota_that_aws_raised_is_the_one_that_counts() {
    let raised = check("quotas-services", |fleet| {
        fleet.services = (0..30).map(|_| listed("shop")).collect();
        fleet.policy.quotas.insert("services".to_owned(), 100);
    });
    assert_eq!(raised.found, []);
}

#[test]
fn connectors_near_their_quota_are_found_with_those_that_nobody_uses() {
    let with = |number: usize, status: ConnectorStatus| {
        check("quotas-connectors", |fleet| {
            let more = (0..number).map(|n| Connector { arn: format!("arn:connector/{n}"), status, ..connector() });
            fleet.connectors = Fact::Known(std::iter::once(connector()).chain(more).collect());
        })
    };
    let near = command(&with(7, ConnectorStatus::Active));
    assert_eq!(near.lines().count(), 7);
    assert!(near.starts_with("aws apprunner delete-vpc-connector --vpc-connector-arn arn:connector/0\n"), "{near}");
    assert_eq!(with(6, ConnectorStatus::Active).found, []);
    assert_eq!(with(9, ConnectorStatus::Inactive).found, []);
}

#[test]
fn ingress_connections_near_their_quota_are_found_with_those_without_a_service() {
    let with = |number: usize, status: IngressStatus| {
        check("quotas-ingress-connections", |fleet| {
            let ingress = |n: usize| Ingress {
                arn: format!("arn:ingress/{n}"),
                name: format!("ingress-{n}"),
                service: if n == 0 { "arn:gone".to_owned() } else { arn("shop-api").to_string() },
                status: status.clone(),
                vpc: "vpc-1".to_owned(),
                endpoint: "vpce-1".to_owned(),
                domain: None,
                created_at: None,
            };
            fleet.ingresses = Fact::Known((0..number).map(ingress).collect());
        })
    };
    let near = command(&with(8, IngressStatus::Available));
    assert_eq!(near, "aws apprunner delete-vpc-ingress-connection --vpc-ingress-connection-arn arn:ingress/0");
    assert_eq!(with(7, IngressStatus::Available).found, []);
    assert_eq!(with(9, IngressStatus::Deleted).found, []);
}

#[test]
fn connections_near_their_quota_are_found() {
    let with = |number: usize, status: &str| {
        check("quotas-connections", |fleet| {
            fleet.connections = Fact::Known((0..number).map(|n| connection(n, status)).collect());
        })
    };
    assert_eq!(command(&with(8, "AVAILABLE")).lines().count(), 8);
    assert_eq!(with(7, "AVAILABLE").found, []);
    assert_eq!(with(8, "DELETED").found, []);
}

#[test]
fn names_of_configurations_count_without_app_runners_own_and_with_those_that_nobody_uses() {
    let with = |number: usize| {
        check("quotas-scaling-names", |fleet| {
            let own = scaling("DefaultConfiguration", 1);
            let mut all: Vec<Revision> = (0..number).map(|n| scaling(&format!("size-{n}"), 1)).collect();
            fleet.services[0].scaling = Some(all[0].arn.clone());
            all.push(own);
            fleet.scalings = Fact::Known(all);
        })
    };
    assert_eq!(with(7).found, []);
    let near = command(&with(8));
    assert_eq!(near.lines().count(), 7, "{near}");
    assert!(!near.contains("size-0/") && !near.contains("DefaultConfiguration"), "{near}");
    let tracing = check("quotas-observability-names", |fleet| {
        fleet.tracings = Fact::Known((0..8).map(|n| scaling(&format!("size-{n}"), 1)).collect());
    });
    assert!(command(&tracing).starts_with("aws apprunner delete-observability-configuration "));
}

#[test]
fn revisions_of_one_name_are_found_with_those_that_can_go() {
    let with = |revisions: u32, used: u32| {
        check("quotas-scaling-revisions", |fleet| {
            fleet.services[0].scaling = Some(scaling("shop", used).arn);
            let other = (1..=7).map(|revision| scaling("other", revision));
            fleet.scalings = Fact::Known((1..=revisions).map(|n| scaling("shop", n)).chain(other).collect());
        })
    };
    assert_eq!(with(7, 2).found, []);
    let near = with(8, 2);
    assert_eq!(near.found[0].key, "shop");
    let near = command(&near);
    assert_eq!(near.lines().count(), 6, "all but the one in use and the newest: {near}");
    assert!(!near.contains("shop/2/") && !near.contains("shop/8/"), "{near}");
    let tracing = check("quotas-observability-revisions", |fleet| {
        fleet.tracings = Fact::Known((1..=10).map(|revision| scaling("shop", revision)).collect());
    });
    assert_eq!(tracing.found[0].grade, Some(Grade::High));
}

#[test]
fn a_service_with_five_domains_is_found() {
    let with = |number: usize| {
        let mut service = service("shop-api");
        let domain = |n: usize| DomainFacts {
            name: Name::parse(&format!("shop{n}.example.com")).unwrap(),
            association: Association {
                www: false,
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
        };
        service.domains = Fact::Known((0..number).map(domain).collect());
        look("quotas-domains", &fleet(), &service).found.len()
    };
    assert_eq!((with(4), with(5)), (0, 1));
}

#[test]
fn a_connection_that_does_not_work_is_worse_where_a_service_needs_it() {
    let id = "quotas-connection-broken";
    let with = |status: &str, used: bool| {
        check(id, |fleet| {
            fleet.connections = Fact::Known(vec![connection(1, status)]);
            fleet.services[0].connection = used.then(|| connection(1, status).arn);
        })
    };
    assert_eq!(with("AVAILABLE", true).found, []);
    let needed = with("PENDING_HANDSHAKE", true);
    assert_eq!(needed.found[0].seen, "code-1 is PENDING_HANDSHAKE, and 1 service deploys through it.");
    assert_eq!(needed.found[0].grade, None);
    let spare = with("ERROR", false);
    assert_eq!(spare.found[0].grade, Some(Grade::Low));
    assert!(command(&spare).starts_with("aws apprunner delete-connection --connection-arn arn:aws:"));
    assert_eq!(with("DELETED", false).found, []);
}

#[test]
fn what_could_not_be_read_is_not_checked() {
    let why = || "AccessDenied".to_owned();
    for id in [
        "quotas-connectors",
        "quotas-ingress-connections",
        "quotas-connections",
        "quotas-connection-broken",
        "quotas-scaling-names",
        "quotas-scaling-revisions",
        "quotas-observability-names",
        "quotas-observability-revisions",
    ] {
        let findings = check(id, |fleet| {
            fleet.connectors = Fact::Unavailable(why());
            fleet.ingresses = Fact::Unavailable(why());
            fleet.connections = Fact::Unavailable(why());
            fleet.scalings = Fact::Unavailable(why());
            fleet.tracings = Fact::Unavailable(why());
        });
        assert_eq!((findings.found.len(), findings.unchecked[0].resource.clone()), (0, Resource::Account), "{id}");
    }
    let mut service = service("shop-api");
    service.domains = Fact::Unavailable(why());
    assert_eq!(look("quotas-domains", &fleet(), &service).unchecked.len(), 1);
}
