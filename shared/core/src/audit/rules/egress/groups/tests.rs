use super::*;
use crate::audit::Findings;
use crate::audit::samples::{VPC, fleet, https, look, route, service};
use crate::audit::samples_more::{https_from, unread_network};
use crate::fact::Fact;

const GROUPS: [&str; 6] = [
    "egress-group-gone",
    "egress-closed",
    "egress-open",
    "egress-not-let-in",
    "egress-endpoint-closed",
    "egress-stale-reference",
];

fn see(id: &str, fleet: &Fleet) -> Findings {
    look(id, fleet, &service("shop-api"))
}

fn found(fleet: &Fleet) -> Vec<(&'static str, String)> {
    let of = |id: &'static str| see(id, fleet).found.into_iter().map(move |seen| (id, seen.key));
    GROUPS.into_iter().flat_map(of).collect()
}

fn with(id: &str, change: impl Fn(&mut SecurityGroup)) -> Fleet {
    let mut fleet = fleet();
    let Fact::Known(groups) = &mut fleet.network.groups else { panic!("no groups") };
    change(groups.get_mut(id).unwrap());
    fleet
}

#[test]
fn the_sample_lets_the_connector_in() {
    assert_eq!(found(&fleet()), []);
}

#[test]
fn a_group_that_is_gone_is_found() {
    let mut fleet = fleet();
    let Fact::Known(groups) = &mut fleet.network.groups else { panic!("no groups") };
    groups.remove("sg-connector");
    let ids: Vec<&str> = found(&fleet).into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, ["egress-group-gone", "egress-stale-reference"]);
}

#[test]
fn groups_that_let_nothing_out_are_found() {
    let mut fleet = with("sg-connector", |group| group.outbound.clear());
    assert_eq!(found(&fleet), [("egress-closed", String::new())]);
    // A second group that lets something out opens the connector.
    let Fact::Known(connectors) = &mut fleet.connectors else { panic!("no connectors") };
    connectors[0].groups.push("sg-other".to_owned());
    let Fact::Known(groups) = &mut fleet.network.groups else { panic!("no groups") };
    let outbound = vec![https(Peer::Cidr("10.0.0.0/16".to_owned()))];
    let (id, name) = ("sg-other".to_owned(), "other".to_owned());
    groups.insert(id.clone(), SecurityGroup { id, name, vpc: VPC.to_owned(), inbound: Vec::new(), outbound });
    assert_eq!(found(&fleet), []);
}

#[test]
fn a_group_that_lets_everything_out_is_found() {
    let all = |cidr: &str| Permission { protocol: "-1".to_owned(), ports: None, peer: Peer::Cidr(cidr.to_owned()) };
    let open = with("sg-connector", |group| group.outbound = vec![all("0.0.0.0/0")]);
    assert_eq!(found(&open), [("egress-open", "sg-connector".to_owned())]);
    assert_eq!(found(&with("sg-connector", |group| group.outbound = vec![all("10.0.0.0/16")])), []);
}

#[test]
fn a_connector_that_nobody_lets_in_is_found() {
    let mut fleet = with("sg-endpoint", |group| group.inbound.clear());
    let both = ["egress-not-let-in", "egress-endpoint-closed"];
    assert_eq!(found(&fleet), both.map(|id| (id, String::new())));
    assert_eq!(both.map(|id| see(id, &fleet).found[0].grade), [Some(Grade::Low); 2]);
    let Fact::Known(subnets) = &mut fleet.network.subnets else { panic!("no subnets") };
    subnets.values_mut().for_each(|subnet| subnet.routes.truncate(1));
    assert_eq!(both.map(|id| see(id, &fleet).found[0].grade), [None; 2]);
}

#[test]
fn letting_in_another_group_is_not_letting_in_the_connector() {
    let other = with("sg-endpoint", |group| group.inbound = vec![https_from("sg-endpoint")]);
    assert_eq!(found(&other), ["egress-not-let-in", "egress-endpoint-closed"].map(|id| (id, String::new())));
}

#[test]
fn endpoints_that_do_not_let_the_connector_in_are_found_where_they_answer_for_a_name() {
    let id = "egress-endpoint-closed";
    let closed = || {
        with("sg-endpoint", |group| {
            let dns = Permission { ports: Some((53, 53)), ..https_from("sg-connector") };
            group.inbound = vec![https_from("sg-clients"), dns];
        })
    };
    let found = see(id, &closed()).found;
    assert!(found[0].seen.ends_with("com.amazonaws.eu-west-1.secretsmanager (vpce-secretsmanager)."), "{found:?}");
    let command = found[0].fix.command.as_ref().unwrap();
    assert!(command.ends_with("--group-id sg-endpoint --protocol tcp --port 443 --source-group sg-connector"));
    type Change = fn(&mut Endpoint);
    let others: [Change; 5] = [
        |it| it.private_dns = false,
        |it| it.gateway = true,
        |it| it.state = "deleted".to_owned(),
        |it| it.vpc = "vpc-other".to_owned(),
        |it| it.service = "com.amazonaws.eu-west-1.apprunner.requests".to_owned(),
    ];
    for change in others {
        let mut fleet = closed();
        let Fact::Known(endpoints) = &mut fleet.network.endpoints else { panic!("no endpoints") };
        endpoints.iter_mut().for_each(change);
        assert_eq!(see(id, &fleet).found, []);
    }
    let mut unknown = closed();
    let Fact::Known(endpoints) = &mut unknown.network.endpoints else { panic!("no endpoints") };
    endpoints.iter_mut().for_each(|it| it.groups = vec!["sg-unknown".to_owned()]);
    assert_eq!((see(id, &unknown).found.len(), see(id, &unknown).unchecked.len()), (0, 1));
}

#[test]
fn a_range_of_addresses_may_let_it_in() {
    let range = || https(Peer::Cidr("10.0.0.0/16".to_owned()));
    assert_eq!(found(&with("sg-endpoint", |group| group.inbound = vec![range()])), []);
}

#[test]
fn a_group_that_lets_in_one_that_is_gone_is_found_unless_it_may_be_a_peers() {
    let stale = with("sg-endpoint", |group| group.inbound.push(https_from("sg-old")));
    assert_eq!(found(&stale), [("egress-stale-reference", "sg-old".to_owned())]);
    let mut peered = stale;
    let Fact::Known(subnets) = &mut peered.network.subnets else { panic!("no subnets") };
    subnets.values_mut().for_each(|subnet| subnet.routes.push(route("10.9.0.0/16", "pcx-1")));
    assert_eq!(found(&peered), []);
    assert_eq!(see("egress-stale-reference", &peered).unchecked.len(), 1);
}

#[test]
fn without_the_groups_nothing_is_fine() {
    let mut blind = fleet();
    unread_network(&mut blind);
    let mut unread = fleet();
    unread.network.groups = Fact::Unread;
    let mut unlisted = fleet();
    unlisted.connectors = Fact::Unread;
    for id in GROUPS {
        for fleet in [&blind, &unread, &unlisted] {
            let findings = see(id, fleet);
            assert_eq!((findings.found.len(), findings.unchecked.len()), (0, 1), "{id}");
        }
    }
}
