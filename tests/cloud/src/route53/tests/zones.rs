//! Zones: how they are made and taken away, whose they are, who may call, and how often.

use jiff::SignedDuration;
use serde_json::json;

use super::*;
use crate::call::{Caller, Need};

const OTHER: &str = "999988887777";

fn other() -> Caller {
    Caller::Role { role_arn: format!("arn:aws:iam::{OTHER}:role/dns"), actor: "dns".to_owned() }
}

#[test]
fn a_new_zone_has_four_name_servers_an_ns_and_an_soa_record() {
    let (mut rig, id) = rig();
    let got = rig.ok("GetHostedZone", json!({"Id": format!("/hostedzone/{id}")}));
    assert_eq!(got["HostedZone"]["Name"], "octank.dev.");
    assert_eq!(got["HostedZone"]["ResourceRecordSetCount"], 2);
    let servers: Vec<String> = serde_json::from_value(got["DelegationSet"]["NameServers"].clone()).unwrap();
    for (server, domain) in servers.iter().zip(["com", "net", "org", "co.uk"]) {
        assert!(server.starts_with("ns-") && server.ends_with(domain), "{server}");
    }
    let shown = sets(&mut rig, &id);
    let ns: Vec<String> = servers.iter().map(|server| format!("{server}.")).collect();
    assert_eq!(shown[0], {
        let mut ns = set("octank.dev.", "NS", &ns.iter().map(String::as_str).collect::<Vec<_>>());
        ns["TTL"] = json!(172_800);
        ns
    });
    let soa = shown[1]["ResourceRecords"][0]["Value"].as_str().unwrap();
    assert_eq!(soa, format!("{} awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400", ns[0]));
}

#[test]
fn a_caller_reference_counts_once() {
    let (mut rig, _) = rig();
    let input = json!({"Name": "shop.dev", "CallerReference": "once"});
    rig.ok("CreateHostedZone", input.clone());
    let error = rig.refused("CreateHostedZone", "HostedZoneAlreadyExists", input);
    assert_eq!(error.status, 409);
    for name in ["a..dev", ".", "b\u{fc}cher.dev"] {
        rig.refused("CreateHostedZone", "InvalidDomainName", json!({"Name": name, "CallerReference": name}));
    }
}

#[test]
fn only_an_empty_zone_is_deleted() {
    let (mut rig, id) = rig();
    let a = set("a.octank.dev", "A", &["192.0.2.1"]);
    change(&mut rig, &id, &[("CREATE", a.clone())]);
    rig.refused("DeleteHostedZone", "HostedZoneNotEmpty", json!({"Id": id}));
    change(&mut rig, &id, &[("DELETE", a)]);
    assert_eq!(rig.ok("DeleteHostedZone", json!({"Id": id}))["ChangeInfo"]["Status"], "PENDING");
    let error = rig.refused("GetHostedZone", "NoSuchHostedZone", json!({"Id": id}));
    assert_eq!((error.status, error.message), (404, format!("No hosted zone found with ID: {id}")));
}

#[test]
fn an_account_sees_its_own_zones_only() {
    let (mut rig, id) = rig();
    let made = rig.ok("_CreateZone", json!({"Account": OTHER, "Name": "rival.dev"}));
    let theirs = made["HostedZoneId"].as_str().unwrap().to_owned();
    rig.refused("GetHostedZone", "NoSuchHostedZone", json!({"Id": theirs}));
    assert_eq!(rig.ok("GetHostedZoneCount", json!({}))["HostedZoneCount"], 1);
    rig.caller = other();
    assert_eq!(rig.ok("GetHostedZone", json!({"Id": theirs}))["HostedZone"]["Name"], "rival.dev.");
    assert_eq!(rig.ok("ListHostedZonesByName", json!({}))["HostedZones"].as_array().unwrap().len(), 1);
    let input = batch(&id, &[("CREATE", set("a.octank.dev", "A", &["192.0.2.1"]))]);
    rig.refused("ChangeResourceRecordSets", "NoSuchHostedZone", input);
}

#[test]
fn a_private_zone_has_vpcs_and_is_never_answered() {
    let (mut rig, public) = rig();
    let vpc = |id: &str| json!({"VPCRegion": "eu-west-1", "VPCId": id});
    let input = json!({"Name": "octank.dev", "CallerReference": "p", "VPC": vpc("vpc-1")});
    let made = rig.ok("CreateHostedZone", input.clone());
    assert_eq!((&made["HostedZone"]["Config"]["PrivateZone"], &made["VPC"]), (&json!(true), &vpc("vpc-1")));
    let id = made["HostedZone"]["Id"].as_str().unwrap().to_owned();
    assert!(rig.ok("GetHostedZone", json!({"Id": id}))["DelegationSet"].is_null());
    let mut again = input;
    again["CallerReference"] = json!("q");
    rig.refused("CreateHostedZone", "ConflictingDomainExists", again);
    let two = json!({"HostedZoneId": id, "VPC": vpc("vpc-2")});
    rig.ok("AssociateVPCWithHostedZone", two.clone());
    rig.refused(
        "AssociateVPCWithHostedZone",
        "PublicZoneVPCAssociation",
        json!({"HostedZoneId": public, "VPC": vpc("vpc-2")}),
    );
    let by_vpc = rig.ok("ListHostedZonesByVPC", json!({"VPCId": "vpc-2", "VPCRegion": "eu-west-1"}));
    assert_eq!(by_vpc["HostedZoneSummaries"][0]["Name"], "octank.dev.");
    rig.ok("DisassociateVPCFromHostedZone", two.clone());
    rig.refused("DisassociateVPCFromHostedZone", "VPCAssociationNotFound", two);
    rig.refused(
        "DisassociateVPCFromHostedZone",
        "LastVPCAssociation",
        json!({"HostedZoneId": id, "VPC": vpc("vpc-1")}),
    );
    change(&mut rig, &id, &[("CREATE", set("inside.octank.dev", "A", &["10.0.0.1"]))]);
    assert_eq!(ask(&mut rig, "inside.octank.dev", "A"), none("NXDOMAIN"));
    rig.ok("_Delegate", json!({"Name": "octank.dev", "HostedZoneId": id}));
    assert_eq!(ask(&mut rig, "inside.octank.dev", "A"), none("SERVFAIL"), "not even where somebody delegates to it");
}

#[test]
fn five_requests_a_second_are_served_where_the_switch_is_on() {
    let (mut rig, id) = rig();
    let get = json!({"Id": id});
    for _ in 0..20 {
        rig.ok("GetHostedZone", get.clone());
    }
    rig.switches.route53_rate = crate::switches::Route53Rate::On;
    for _ in 0..5 {
        rig.ok("GetHostedZone", get.clone());
    }
    let error = rig.refused("GetHostedZone", "Throttling", get.clone());
    assert_eq!((error.status, error.message.as_str()), (400, "Rate exceeded"));
    rig.ok("_Query", json!({"Name": "octank.dev", "Type": "NS"}));
    rig.caller = other();
    rig.ok("ListHostedZones", json!({}));
    rig.caller = Caller::Operator;
    rig.pass(SignedDuration::from_millis(400));
    for _ in 0..2 {
        rig.ok("GetHostedZone", get.clone());
    }
    rig.refused("GetHostedZone", "Throttling", get);
}

#[test]
fn tags_are_kept_by_zone() {
    let (mut rig, id) = rig();
    let of = json!({"ResourceType": "hostedzone", "ResourceId": id});
    let mut more = of.clone();
    more["AddTags"] = json!([{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]);
    rig.ok("ChangeTagsForResource", more);
    let mut less = of.clone();
    less["RemoveTagKeys"] = json!(["a"]);
    rig.ok("ChangeTagsForResource", less);
    assert_eq!(rig.ok("ListTagsForResource", of)["ResourceTagSet"]["Tags"], json!([{"Key": "b", "Value": "2"}]));
    rig.refused("ListTagsForResource", "NoSuchHealthCheck", json!({"ResourceType": "healthcheck", "ResourceId": "h"}));
}

#[test]
fn a_change_needs_its_names_types_and_actions() {
    let (rig, _) = rig();
    let input = batch(
        "/hostedzone/Z1",
        &[
            ("DELETE", set("*.Octank.dev.", "CNAME", &["x"])),
            ("CREATE", set("*.octank.dev", "CNAME", &["y"])),
            ("CREATE", set("_a.octank.dev", "A", &["192.0.2.1"])),
        ],
    );
    let condition = |suffix: &str, values: &[&str]| {
        (format!("route53:ChangeResourceRecordSets{suffix}"), values.iter().map(|v| (*v).to_owned()).collect())
    };
    let wanted = Need {
        conditions: vec![
            condition("NormalizedRecordNames", &["\\052.octank.dev", "_a.octank.dev"]),
            condition("RecordTypes", &["A", "CNAME"]),
            condition("Actions", &["CREATE", "DELETE"]),
        ],
        ..Need::new("route53:ChangeResourceRecordSets", "arn:aws:route53:::hostedzone/Z1")
    };
    assert_eq!(rig.needs("ChangeResourceRecordSets", input), [wanted]);
    assert_eq!(rig.needs("ListHostedZonesByName", json!({})), [Need::new("route53:ListHostedZonesByName", "*")]);
    assert_eq!(
        rig.needs("GetChange", json!({"Id": "/change/C1"})),
        [Need::new("route53:GetChange", "arn:aws:route53:::change/C1")]
    );
    let by_vpc = [Need::new("route53:ListHostedZonesByVPC", "*"), Need::new("ec2:DescribeVpcs", "*")];
    assert_eq!(rig.needs("ListHostedZonesByVPC", json!({"VPCId": "v", "VPCRegion": "r"})), by_vpc);
}
