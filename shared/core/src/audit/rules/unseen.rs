//! A service that is listed and could not be looked at is there, and uses what it uses: nothing is concluded from not seeing it.

use super::super::facts::{Connection, Fleet, Ingress, IngressStatus, Listed};
use super::super::samples::{
    CONNECTOR, arn, connector, days_ago, fleet, hours_ago, listed, look, revision, route, service,
};
use super::super::samples_more::{pointer, private};
use super::super::{Findings, Grade, Resource};
use crate::fact::Fact;
use crate::service::ServiceStatus;

const WHY: &str = "apprunner:DescribeService failed: timeout";

fn see(id: &str, fleet: &Fleet) -> Findings {
    look(id, fleet, &service("shop-api"))
}

/// The fleet, with services that nobody could look at.
fn without_sight(mut fleet: Fleet, names: &[&str]) -> Fleet {
    fleet.unseen = names.iter().map(|name| (arn(name), WHY.to_owned())).collect();
    fleet
}

/// What the rule finds (or not) where all are seen is not checked where one is not, and the reason names it.
fn holds_back(id: &str, fleet: Fleet, resource: &Resource) {
    let seen = see(id, &fleet);
    assert_eq!(seen.unchecked, [], "{id}: all are seen");
    let blind = see(id, &without_sight(fleet, &["till"]));
    assert_eq!(blind.found, [], "{id}");
    let unchecked = blind.unchecked.iter().find(|one| one.resource == *resource);
    let unchecked = unchecked.unwrap_or_else(|| panic!("{id}: {:?}", blind.unchecked));
    assert_eq!(unchecked.why, format!("could not look at till: {WHY}"), "{id}");
}

fn broken_connection() -> Fleet {
    let mut fleet = fleet();
    let connection = Connection { arn: "arn:connection".into(), name: "code".into(), status: "ERROR".into() };
    fleet.connections = Fact::Known(vec![connection]);
    fleet
}

fn pointing_to(host: &str) -> Fleet {
    let mut fleet = fleet();
    fleet.pointers = Fact::Known(vec![pointer("till.example.com", host)]);
    fleet
}

/// The only connector, which only a service uses that nobody could look at.
fn unused() -> Fleet {
    let mut fleet = fleet();
    fleet.services[0].connector = None;
    fleet
}

fn ingress(service: &str) -> Ingress {
    Ingress {
        arn: "arn:ingress".to_owned(),
        name: "in".to_owned(),
        service: service.to_owned(),
        status: IngressStatus::Available,
        vpc: "vpc-1".to_owned(),
        endpoint: "vpce-1".to_owned(),
        domain: None,
        created_at: None,
    }
}

#[test]
fn a_record_may_lead_to_a_service_that_nobody_could_look_at() {
    let at = Resource::other("hosted zone record", "Z0ZONE till.example.com CNAME");
    for id in ["domains-dangling", "domains-pointer-dead"] {
        let unchecked = see(id, &without_sight(pointing_to("till.eu-west-1.awsapprunner.com"), &["till"])).unchecked;
        let at = unchecked.first().map_or(at.clone(), |one| one.resource.clone());
        holds_back(id, pointing_to("till.eu-west-1.awsapprunner.com"), &at);
        assert!(at.id().contains("till.example.com"), "{id}: {at:?}");
    }
    let mut deleted = pointing_to("shop-api.eu-west-1.awsapprunner.com");
    deleted.services[0].status = ServiceStatus::Deleted;
    assert_eq!(
        see("domains-dangling", &without_sight(deleted, &["till"])).found.len(),
        1,
        "that one was seen: it is gone"
    );
}

#[test]
fn an_ingress_connection_may_lead_to_one_and_one_that_leads_elsewhere_is_judged() {
    let to = |name: &str| {
        let (mut fleet, _) = private();
        fleet.ingresses = Fact::Known(vec![ingress(&arn(name).to_string())]);
        fleet
    };
    holds_back("ingress-service-gone", to("till"), &Resource::other("VPC ingress connection", "arn:ingress"));
    let gone = see("ingress-service-gone", &without_sight(to("gone"), &["till"]));
    assert_eq!((gone.found.len(), gone.unchecked.len()), (1, 0), "App Runner does not list it");
}

#[test]
fn a_connector_that_no_other_uses_may_be_its_own() {
    let at = Resource::other("VPC connector", CONNECTOR);
    for rule in super::egress::RULES.iter().filter(|rule| rule.id != "egress-inactive") {
        let at = if rule.id == "egress-stale-reference" { Resource::Account } else { at.clone() };
        holds_back(rule.id, unused(), &at);
    }
    let mut public = fleet();
    let Fact::Known(subnets) = &mut public.network.subnets else { panic!("no subnets") };
    subnets.values_mut().for_each(|subnet| subnet.routes = vec![route("0.0.0.0/0", "igw-1")]);
    let found = see("egress-public-subnet", &without_sight(public, &["till"]));
    assert_eq!((found.found.len(), found.unchecked.len()), (3, 0), "a connector that a service uses is judged");
}

#[test]
fn nothing_is_given_up_that_it_may_use() {
    holds_back("quotas-connection-broken", broken_connection(), &Resource::other("connection", "arn:connection"));
    let mut needed = broken_connection();
    needed.services[0].connection = Some("arn:connection".to_owned());
    assert_eq!(see("quotas-connection-broken", &without_sight(needed, &["till"])).found.len(), 1);

    let scaling =
        |n: usize| format!("arn:aws:apprunner:eu-west-1:123456789012:autoscalingconfiguration/size-{n}/1/{n:032x}");
    let mut full = fleet();
    full.connectors = Fact::Known(
        (0..8).map(|n| super::super::facts::Connector { arn: format!("arn:connector/{n}"), ..connector() }).collect(),
    );
    full.scalings = Fact::Known((0..8).map(|n| revision(&scaling(n))).collect());
    full.tracings = full.scalings.clone();
    full.connections = Fact::Known(
        (0..8)
            .map(|n| Connection { arn: format!("arn:c/{n}"), name: format!("c-{n}"), status: "AVAILABLE".into() })
            .collect(),
    );
    full.ingresses = Fact::Known((0..8).map(|_| ingress(&arn("till").to_string())).collect());
    for id in [
        "quotas-connectors",
        "quotas-connections",
        "quotas-ingress-connections",
        "quotas-scaling-names",
        "quotas-observability-names",
    ] {
        let all_seen = see(id, &full).found;
        assert!(all_seen[0].fix.command.is_some(), "{id}: without a service it can go");
        let blind = see(id, &without_sight(full.clone(), &["till"])).found;
        assert_eq!(
            (&blind[0].seen, &blind[0].fix.command),
            (&all_seen[0].seen, &None),
            "{id}: near it is all the same"
        );
    }
    full.scalings =
        Fact::Known((1..=8).map(|n| super::super::facts::Revision { revision: n, ..revision(&scaling(0)) }).collect());
    assert!(see("quotas-scaling-revisions", &full).found[0].fix.command.is_some());
    assert_eq!(see("quotas-scaling-revisions", &without_sight(full, &["till"])).found[0].fix.command, None);
}

#[test]
fn it_counts_in_the_quota_of_services() {
    let mut many = fleet();
    many.services = (0..29).map(|_| Listed { ..listed("shop") }).collect();
    let found = see("quotas-services", &without_sight(many, &["till"])).found;
    assert_eq!((found[0].seen.as_str(), found[0].grade), ("30 of 30 services.", Some(Grade::High)));
}

#[test]
fn its_operations_may_be_the_newest() {
    let mut quiet = fleet();
    quiet.last_event = Fact::Known(None);
    for operation in [None, Some(days_ago(20))] {
        quiet.last_operation = Fact::Known(operation);
        holds_back("observability-no-events", quiet.clone(), &Resource::Account);
    }
    quiet.last_operation = Fact::Known(Some(hours_ago(5)));
    assert_eq!(
        see("observability-no-events", &without_sight(quiet, &["till"])).found.len(),
        1,
        "one that was seen is enough"
    );
}

#[test]
fn a_reason_names_some_and_counts_the_rest() {
    assert_eq!(fleet().blind(), None);
    let many = without_sight(fleet(), &["aaaa", "bbbb", "cccc", "dddd", "eeee"]);
    assert_eq!(many.blind().unwrap(), format!("could not look at aaaa, bbbb, cccc and 2 more: {WHY}"));
}
