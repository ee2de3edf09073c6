//! What a resolver finds: delegations, dead zones, wildcards, aliases, denials and a resolver in a bad mood.

use serde_json::json;

use super::*;

#[test]
fn a_zone_of_the_operator_is_delegated_and_a_second_of_its_name_is_dead() {
    let (mut rig, first) = rig();
    let second = zone(&mut rig, ZONE);
    change(&mut rig, &first, &[("CREATE", set("a.octank.dev", "A", &["192.0.2.1"]))]);
    change(&mut rig, &second, &[("CREATE", set("a.octank.dev", "A", &["192.0.2.2"]))]);
    assert_eq!(ask(&mut rig, "a.octank.dev", "A"), found(&["192.0.2.1"]));
    rig.ok("_Delegate", json!({"Name": "Octank.dev.", "HostedZoneId": second}));
    assert_eq!(ask(&mut rig, "a.octank.dev", "A"), found(&["192.0.2.2"]));
    rig.ok("_Delegate", json!({"Name": "octank.dev", "NameServers": []}));
    assert_eq!(ask(&mut rig, "a.octank.dev", "A"), none("NXDOMAIN"));
    rig.refused("_Delegate", "InvalidInput", json!({"Name": "octank.dev"}));
    rig.refused("_Delegate", "NoSuchHostedZone", json!({"Name": "octank.dev", "HostedZoneId": "Z0"}));
}

#[test]
fn a_child_is_delegated_away_by_the_parents_ns_records() {
    let (mut rig, parent) = rig();
    let child = zone(&mut rig, "shop.octank.dev");
    change(&mut rig, &child, &[("CREATE", set("a.shop.octank.dev", "A", &["192.0.2.1"]))]);
    change(&mut rig, &parent, &[("CREATE", set("b.shop.octank.dev", "A", &["192.0.2.2"]))]);
    assert_eq!(ask(&mut rig, "a.shop.octank.dev", "A"), found(&["192.0.2.1"]));
    assert_eq!(ask(&mut rig, "b.shop.octank.dev", "A"), none("NXDOMAIN"), "the parent no longer answers below the cut");
    let away = set("shop.octank.dev", "NS", &["ns1.rival.dev.", "ns2.rival.dev."]);
    change(&mut rig, &parent, &[("CREATE", away)]);
    assert_eq!(ask(&mut rig, "shop.octank.dev", "NS"), found(&["ns1.rival.dev.", "ns2.rival.dev."]));
    assert_eq!(ask(&mut rig, "a.shop.octank.dev", "A"), none("NXDOMAIN"));
    rig.ok("_Names", json!({"Records": {"A.shop.octank.dev.": {"A": ["198.51.100.7"]}}}));
    assert_eq!(ask(&mut rig, "a.shop.octank.dev", "A"), found(&["198.51.100.7"]));
    assert_eq!(ask(&mut rig, "shop.octank.dev", "DS"), none("NOERROR"), "the parent answers for DS");
}

#[test]
fn name_servers_that_do_not_know_the_zone_fail() {
    let (mut rig, id) = rig();
    rig.ok("DeleteHostedZone", json!({"Id": id}));
    assert_eq!(ask(&mut rig, "octank.dev", "SOA"), none("SERVFAIL"));
}

#[test]
fn a_zone_is_not_answered_before_it_is_in_sync() {
    let mut rig = Rig::new(Route53::new());
    rig.ok("CreateHostedZone", json!({"Name": "new.dev", "CallerReference": "r"}));
    assert_eq!(ask(&mut rig, "new.dev", "SOA"), none("SERVFAIL"));
    rig.pass(jiff::SignedDuration::from_secs(30));
    assert_eq!(ask(&mut rig, "new.dev", "SOA").0, "NOERROR");
}

#[test]
fn cnames_are_followed_across_zones_and_shown_to_whoever_asks_for_them() {
    let (mut rig, id) = rig();
    rig.ok("_Names", json!({"Records": {"cdn.rival.dev": {"A": ["198.51.100.7"]}}}));
    change(&mut rig, &id, &[("CREATE", set("a.octank.dev", "CNAME", &["b.octank.dev."]))]);
    change(&mut rig, &id, &[("CREATE", set("b.octank.dev", "CNAME", &["cdn.rival.dev"]))]);
    assert_eq!(ask(&mut rig, "a.octank.dev", "A"), found(&["198.51.100.7"]));
    assert_eq!(ask(&mut rig, "a.octank.dev", "CNAME"), found(&["b.octank.dev."]));
    let reply = rig.ok("_Query", json!({"Name": "a.octank.dev", "Type": "TXT"}));
    assert_eq!((&reply["Rcode"], reply["Answers"].as_array().unwrap().len()), (&json!("NOERROR"), 2));
    let circle = [
        ("CREATE", set("c.octank.dev", "CNAME", &["d.octank.dev"])),
        ("CREATE", set("d.octank.dev", "CNAME", &["c.octank.dev"])),
    ];
    change(&mut rig, &id, &circle);
    assert_eq!(ask(&mut rig, "c.octank.dev", "A").0, "SERVFAIL");
}

#[test]
fn a_wildcard_answers_where_nothing_nearer_exists() {
    let (mut rig, id) = rig();
    let a = |name: &str, value: &str| ("CREATE", set(name, "A", &[value]));
    change(
        &mut rig,
        &id,
        &[a("*.octank.dev", "192.0.2.9"), a("b.octank.dev", "192.0.2.1"), a("x.deep.octank.dev", "192.0.2.2")],
    );
    assert_eq!(ask(&mut rig, "a.octank.dev", "A"), found(&["192.0.2.9"]));
    assert_eq!(ask(&mut rig, "a.b.c.octank.dev", "A"), found(&["192.0.2.9"]));
    assert_eq!(ask(&mut rig, "*.octank.dev", "A"), found(&["192.0.2.9"]));
    assert_eq!(ask(&mut rig, "b.octank.dev", "TXT"), none("NOERROR"));
    assert_eq!(ask(&mut rig, "a.b.octank.dev", "A"), none("NXDOMAIN"));
    assert_eq!(ask(&mut rig, "deep.octank.dev", "A"), none("NOERROR"), "a name exists when one below it does");
    assert_eq!(ask(&mut rig, "y.deep.octank.dev", "A"), none("NXDOMAIN"));
}

#[test]
fn an_alias_answers_with_the_addresses_of_its_target() {
    let (mut rig, id) = rig();
    let host = "ab.eu-west-1.awsapprunner.com";
    change(&mut rig, &id, &[("CREATE", alias("octank.dev", "Z087551914Z2PCAU0QHMW", host))]);
    assert_eq!(ask(&mut rig, "octank.dev", "A"), none("NOERROR"), "the service is not there");
    rig.ok("_Names", json!({"Hosts": {host: "127.0.0.1"}}));
    assert_eq!(ask(&mut rig, "octank.dev", "A"), found(&["127.0.0.1"]));
    assert_eq!(ask(&mut rig, host, "A"), found(&["127.0.0.1"]));
    assert_eq!(ask(&mut rig, host, "AAAA"), none("NOERROR"));
    assert_eq!(ask(&mut rig, "octank.dev", "CNAME"), none("NOERROR"), "an alias is no CNAME");
}

#[test]
fn a_denial_carries_the_soa_of_whoever_denies() {
    let (mut rig, id) = rig();
    let reply = rig.ok("_Query", json!({"Name": "none.octank.dev", "Type": "A"}));
    assert_eq!((&reply["Rcode"], &reply["Authority"][0]["Name"]), (&json!("NXDOMAIN"), &json!("octank.dev.")));
    assert_eq!((&reply["Authority"][0]["Type"], &reply["Authority"][0]["Ttl"]), (&json!("SOA"), &json!(900)));
    let reply = rig.ok("_Query", json!({"Name": "nobody.dev", "Type": "A"}));
    assert_eq!((&reply["Rcode"], &reply["Authority"][0]["Name"]), (&json!("NXDOMAIN"), &json!(".")));
    let answer = rig.ok("TestDNSAnswer", json!({"HostedZoneId": id, "RecordName": "octank.dev", "RecordType": "NS"}));
    assert_eq!((&answer["ResponseCode"], answer["RecordData"].as_array().unwrap().len()), (&json!("NOERROR"), 4));
}

#[test]
fn caa_is_answered_where_it_stands() {
    let (mut rig, id) = rig();
    change(&mut rig, &id, &[("CREATE", set("octank.dev", "CAA", &["0 issue \"letsencrypt.org\""]))]);
    assert_eq!(ask(&mut rig, "octank.dev", "CAA"), found(&["0 issue \"letsencrypt.org\""]));
    assert_eq!(ask(&mut rig, "shop.octank.dev", "CAA"), none("NXDOMAIN"), "climbing the tree is the client's work");
}

#[test]
fn a_resolver_in_a_bad_mood_is_wrong_about_everything() {
    let (mut rig, id) = rig();
    change(&mut rig, &id, &[("CREATE", set("a.octank.dev", "A", &["192.0.2.1"]))]);
    for (mood, wanted) in [
        ("down", none("TIMEOUT")),
        ("failing", none("SERVFAIL")),
        ("denying", none("NXDOMAIN")),
        ("lying", found(&["203.0.113.66"])),
        ("up", found(&["192.0.2.1"])),
    ] {
        rig.ok("_Names", json!({"Resolver": mood}));
        assert_eq!(ask(&mut rig, "a.octank.dev", "A"), wanted, "{mood}");
    }
    rig.refused("_Names", "InvalidInput", json!({"Resolver": "asleep"}));
}
