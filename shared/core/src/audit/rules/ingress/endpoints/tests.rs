use super::*;
use crate::audit::Findings;
use crate::audit::samples::{fleet, https, look};
use crate::audit::samples_more::{REQUESTS, private, unread_network};
use crate::fact::Fact;

const ENDPOINTS: [&str; 5] =
    ["ingress-endpoint-gone", "ingress-endpoint-service", "ingress-zones", "ingress-closed", "ingress-open"];

fn see(id: &str, fleet: &Fleet) -> Findings {
    look(id, fleet, &private().1)
}

fn found(fleet: &Fleet) -> Vec<&'static str> {
    ENDPOINTS.into_iter().filter(|id| !see(id, fleet).found.is_empty()).collect()
}

fn with(change: impl Fn(&mut Endpoint)) -> Fleet {
    let (mut fleet, _) = private();
    let Fact::Known(endpoints) = &mut fleet.network.endpoints else { panic!("no endpoints") };
    endpoints.iter_mut().filter(|endpoint| endpoint.id == REQUESTS).for_each(change);
    fleet
}

fn with_group(change: impl Fn(&mut SecurityGroup)) -> Fleet {
    let (mut fleet, _) = private();
    let Fact::Known(groups) = &mut fleet.network.groups else { panic!("no groups") };
    change(groups.get_mut("sg-endpoint").unwrap());
    fleet
}

#[test]
fn an_endpoint_as_it_should_be_is_no_finding_and_was_checked() {
    for id in ENDPOINTS {
        let findings = see(id, &private().0);
        assert_eq!((findings.found.len(), findings.unchecked.len()), (0, 0), "{id}");
    }
    assert_eq!(found(&fleet()), [] as [&str; 0]);
}

#[test]
fn an_endpoint_that_is_not_there_or_not_available_is_found() {
    assert_eq!(found(&with(|endpoint| endpoint.id = "vpce-other".to_owned())), ["ingress-endpoint-gone"]);
    assert_eq!(found(&with(|endpoint| endpoint.state = "failed".to_owned())), ["ingress-endpoint-gone"]);
    let pending = with(|endpoint| endpoint.state = "pending".to_owned());
    assert_eq!(see("ingress-endpoint-gone", &pending).found[0].grade, Some(Grade::Low));
    assert_eq!(found(&with(|endpoint| endpoint.state = "Available".to_owned())), [] as [&str; 0]);
}

#[test]
fn an_endpoint_of_the_api_carries_no_requests() {
    let api = with(|endpoint| endpoint.service = "com.amazonaws.eu-west-1.apprunner".to_owned());
    assert_eq!(found(&api), ["ingress-endpoint-service"]);
    let command = see("ingress-endpoint-service", &api).found[0].fix.command.clone().unwrap();
    assert!(command.contains("--service-name com.amazonaws.eu-west-1.apprunner.requests "));
}

#[test]
fn an_endpoint_in_one_zone_is_found() {
    assert_eq!(found(&with(|endpoint| endpoint.subnets.truncate(1))), ["ingress-zones"]);
    assert_eq!(found(&with(|endpoint| endpoint.subnets.truncate(2))), [] as [&str; 0]);
    let unknown = with(|endpoint| endpoint.subnets = vec!["subnet-a".to_owned(), "subnet-x".to_owned()]);
    assert_eq!(see("ingress-zones", &unknown).unchecked.len(), 1);
}

#[test]
fn an_endpoint_that_lets_nobody_in_at_443_is_found() {
    let inbound = |protocol: &str, ports: Option<(u16, u16)>| {
        with_group(|group| {
            let peer = Peer::Group("sg-connector".to_owned());
            group.inbound = vec![Permission { protocol: protocol.to_owned(), ports, peer }];
        })
    };
    for (protocol, ports) in [("tcp", Some((80, 80))), ("udp", Some((443, 443))), ("tcp", Some((444, 9000)))] {
        assert_eq!(found(&inbound(protocol, ports)), ["ingress-closed"], "{protocol} {ports:?}");
    }
    for (protocol, ports) in [("tcp", Some((1, 1024))), ("-1", None), ("6", Some((443, 443)))] {
        assert_eq!(found(&inbound(protocol, ports)), [] as [&str; 0], "{protocol} {ports:?}");
    }
}

#[test]
fn an_endpoint_that_lets_everybody_in_is_found_with_the_rule_to_take_away() {
    let wide = |cidr: &str| with_group(|group| group.inbound.push(https(Peer::Cidr(cidr.to_owned()))));
    assert_eq!(found(&wide("10.0.0.0/8")), [] as [&str; 0]);
    assert_eq!(found(&wide("0.0.0.0/0")), ["ingress-open"]);
    let command = see("ingress-open", &wide("::/0")).found[0].fix.command.clone().unwrap();
    assert!(command.ends_with("IpProtocol=tcp,FromPort=443,ToPort=443,Ipv6Ranges='[{CidrIpv6=::/0}]'"), "{command}");
}

#[test]
fn without_the_facts_nothing_is_fine() {
    let (mut blind, _) = private();
    unread_network(&mut blind);
    let (mut unread, _) = private();
    unread.ingresses = Fact::Unread;
    let (mut unknown, _) = private();
    unknown.network.groups = Fact::Known(std::collections::BTreeMap::new());
    for id in ENDPOINTS {
        for fleet in [&blind, &unread] {
            let findings = see(id, fleet);
            assert_eq!((findings.found.len(), findings.unchecked.len()), (0, 1), "{id}");
        }
    }
    for id in ["ingress-closed", "ingress-open"] {
        let findings = see(id, &unknown);
        assert_eq!((findings.found.len(), findings.unchecked.len()), (0, 1), "{id}");
    }
}
