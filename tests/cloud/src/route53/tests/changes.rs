//! Batches of changes: what is taken, what is refused, and in which words.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::*;
use crate::route53::APP_RUNNER_ZONES;

#[test]
fn a_record_is_made_once() {
    let (mut rig, id) = rig();
    let a = set("A.Octank.dev", "A", &["192.0.2.1"]);
    change(&mut rig, &id, &[("CREATE", a.clone())]);
    assert_eq!(
        refused(&mut rig, &id, &[("CREATE", a)]),
        "[Tried to create resource record set [name='a.octank.dev.', type='A'] but it already exists]"
    );
}

#[test]
fn a_delete_must_name_exactly_what_is_there() {
    let (mut rig, id) = rig();
    let two = set("a.octank.dev", "A", &["192.0.2.1", "192.0.2.2"]);
    change(&mut rig, &id, &[("CREATE", two.clone())]);
    let mut other_ttl = two.clone();
    other_ttl["TTL"] = json!(60);
    for wrong in [set("a.octank.dev", "A", &["192.0.2.1"]), other_ttl] {
        assert_eq!(
            refused(&mut rig, &id, &[("DELETE", wrong)]),
            "[Tried to delete resource record set [name='a.octank.dev.', type='A'] but the values provided do not match the \
             current values]"
        );
    }
    assert_eq!(
        refused(&mut rig, &id, &[("DELETE", set("*.octank.dev", "CNAME", &["b.octank.dev"]))]),
        "[Tried to delete resource record set [name='\\052.octank.dev.', type='CNAME'] but it was not found]"
    );
    change(&mut rig, &id, &[("DELETE", set("A.octank.DEV.", "A", &["192.0.2.2", "192.0.2.1"]))]);
    assert_eq!(sets(&mut rig, &id).len(), 2);
}

#[test]
fn an_upsert_makes_or_replaces() {
    let (mut rig, id) = rig();
    change(&mut rig, &id, &[("UPSERT", set("a.octank.dev", "A", &["192.0.2.1"]))]);
    change(&mut rig, &id, &[("UPSERT", set("a.octank.dev", "A", &["192.0.2.2"]))]);
    assert_eq!(sets(&mut rig, &id)[2]["ResourceRecords"], json!([{"Value": "192.0.2.2"}]));
}

#[test]
fn a_batch_is_all_or_nothing_and_tells_everything_that_is_wrong() {
    let (mut rig, id) = rig();
    let told = refused(
        &mut rig,
        &id,
        &[
            ("CREATE", set("a.octank.dev", "A", &["192.0.2.1"])),
            ("DELETE", set("b.octank.dev", "A", &["192.0.2.1"])),
            ("CREATE", set("c.rival.dev", "A", &["192.0.2.1"])),
        ],
    );
    assert_eq!(
        told,
        "[Tried to delete resource record set [name='b.octank.dev.', type='A'] but it was not found, RRSet with DNS name \
         c.rival.dev. is not permitted in zone octank.dev.]"
    );
}

#[test]
fn a_cname_stands_alone_and_never_at_the_apex() {
    let (mut rig, id) = rig();
    let cname = |name: &str| set(name, "CNAME", &["x.rival.dev"]);
    assert_eq!(
        refused(&mut rig, &id, &[("CREATE", cname("octank.dev"))]),
        "[RRSet of type CNAME with DNS name octank.dev. is not permitted at apex in zone octank.dev.]"
    );
    change(&mut rig, &id, &[("CREATE", set("a.octank.dev", "TXT", &["\"t\""])), ("CREATE", cname("b.octank.dev"))]);
    assert_eq!(
        refused(&mut rig, &id, &[("UPSERT", cname("a.octank.dev"))]),
        "[RRSet of type CNAME with DNS name a.octank.dev. is not permitted as it conflicts with other records with the same DNS \
         name in zone octank.dev.]"
    );
    assert_eq!(
        refused(&mut rig, &id, &[("CREATE", set("b.octank.dev", "A", &["192.0.2.1"]))]),
        "[RRSet of type A with DNS name b.octank.dev. is not permitted because a conflicting RRSet of type  CNAME with the same \
         DNS name already exists in zone octank.dev.]"
    );
}

#[test]
fn one_type_takes_the_place_of_another_when_the_delete_comes_first() {
    let (mut rig, id) = rig();
    let (a, cname) = (set("a.octank.dev", "A", &["192.0.2.1"]), set("a.octank.dev", "CNAME", &["x.rival.dev"]));
    change(&mut rig, &id, &[("CREATE", a.clone())]);
    assert!(refused(&mut rig, &id, &[("CREATE", cname.clone()), ("DELETE", a.clone())]).contains("conflicts with"));
    change(&mut rig, &id, &[("DELETE", a), ("CREATE", cname)]);
    assert_eq!(sets(&mut rig, &id)[2]["Type"], "CNAME");
}

#[test]
fn a_record_set_comes_once_in_a_batch_but_for_a_delete_and_a_create() {
    let (mut rig, id) = rig();
    let (old, new) = (set("a.octank.dev", "A", &["192.0.2.1"]), set("a.octank.dev", "A", &["192.0.2.2"]));
    let twice = "[The request contains an invalid set of changes for a resource record set 'A a.octank.dev.']";
    assert_eq!(refused(&mut rig, &id, &[("CREATE", old.clone()), ("CREATE", old.clone())]), twice);
    change(&mut rig, &id, &[("CREATE", old.clone())]);
    assert_eq!(refused(&mut rig, &id, &[("UPSERT", new.clone()), ("DELETE", new.clone())]), twice);
    change(&mut rig, &id, &[("DELETE", old), ("CREATE", new.clone())]);
    assert_eq!(sets(&mut rig, &id)[2]["ResourceRecords"], new["ResourceRecords"]);
}

#[test]
fn values_and_names_are_read_before_they_are_kept() {
    let (mut rig, id) = rig();
    let label = "a".repeat(64);
    for (set, told) in [
        (
            set("a.octank.dev", "A", &["shop.octank.dev"]),
            "[Invalid Resource Record: 'FATAL problem: ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address) encountered \
             with 'shop.octank.dev'']"
                .to_owned(),
        ),
        (set("a.octank.dev", "A", &["192.0.2.1", "192.0.2.1"]), "[Duplicate Resource Record: '192.0.2.1']".to_owned()),
        (
            set("a.octank.dev", "CNAME", &["b.octank.dev", "c.octank.dev"]),
            "[RRSet of type CNAME with DNS name a.octank.dev. must have exactly one resource record.]".to_owned(),
        ),
        (
            set(&format!("{label}.octank.dev"), "A", &["192.0.2.1"]),
            format!("[FATAL problem: DomainLabelTooLong (Domain label is too long) encountered with '{label}.octank.dev']"),
        ),
        (
            set("b\u{fc}cher.octank.dev", "A", &["192.0.2.1"]),
            "[FATAL problem: UnsupportedCharacter (Value contains unsupported characters) encountered with \
             'b\u{fc}cher.octank.dev']"
                .to_owned(),
        ),
    ] {
        assert_eq!(refused(&mut rig, &id, &[("CREATE", set)]), told);
    }
}

#[test]
fn a_record_set_says_in_one_way_what_it_holds() {
    let (mut rig, id) = rig();
    let plain = set("a.octank.dev", "A", &["192.0.2.1"]);
    let (mut no_ttl, mut both, mut weight) = (plain.clone(), plain.clone(), plain.clone());
    no_ttl["TTL"] = Value::Null;
    both["AliasTarget"] = alias("a", "Z1", "b.octank.dev")["AliasTarget"].clone();
    weight["Weight"] = json!(1);
    let mut identified = plain;
    identified["SetIdentifier"] = json!("blue");
    for (set, part) in [
        (
            no_ttl,
            "Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or \
             TrafficPolicyInstanceId], but found none in Change with [Action=CREATE, Name=a.octank.dev, Type=A, \
             SetIdentifier=null]",
        ),
        (both, "but found more than one in Change"),
        (weight, "Invalid request: Missing field 'SetIdentifier' in Change"),
        (identified, "but found none in Change with [Action=CREATE, Name=a.octank.dev, Type=A, SetIdentifier=blue]"),
    ] {
        let error = rig.refused("ChangeResourceRecordSets", "InvalidInput", batch(&id, &[("CREATE", set)]));
        assert!(error.message.contains(part), "{}", error.message);
    }
    assert_eq!(sets(&mut rig, &id).len(), 2);
}

#[test]
fn an_alias_points_into_app_runners_zone_of_its_region_and_is_kept() {
    let (mut rig, id) = rig();
    for (region, zone) in APP_RUNNER_ZONES {
        let name = format!("{region}.octank.dev");
        change(
            &mut rig,
            &id,
            &[("CREATE", alias(&name, &format!("/hostedzone/{zone}"), &format!("Ab.{region}.awsapprunner.com")))],
        );
        let start = json!({"HostedZoneId": id, "StartRecordName": name, "MaxItems": "1"});
        let wanted = alias(&format!("{name}."), zone, &format!("ab.{region}.awsapprunner.com."));
        assert_eq!(rig.ok("ListResourceRecordSets", start)["ResourceRecordSets"], json!([wanted]));
    }
    let ireland = "Z087551914Z2PCAU0QHMW";
    let outside = |target: &str, zone: &str| {
        format!(
            "[Tried to create an alias that targets {target}., type A in zone {zone}, but the alias target name does not lie \
             within the target zone]"
        )
    };
    for (zone, target) in [
        (ireland, "ab.us-east-1.awsapprunner.com"),
        (ireland, "rival.dev"),
        ("Z00000000000000000000", "ab.eu-west-1.awsapprunner.com"),
    ] {
        assert_eq!(refused(&mut rig, &id, &[("CREATE", alias("x.octank.dev", zone, target))]), outside(target, zone));
    }
}

#[test]
fn an_alias_within_the_zone_needs_its_target() {
    let (mut rig, id) = rig();
    let www = alias("www.octank.dev", &id, "octank.dev");
    let told = refused(&mut rig, &id, &[("CREATE", www.clone())]);
    assert_eq!(
        told,
        format!(
            "[Tried to create an alias that targets octank.dev., type A in zone {id}, but that target was not found]"
        )
    );
    change(&mut rig, &id, &[("CREATE", set("octank.dev", "A", &["192.0.2.1"])), ("CREATE", www)]);
    assert_eq!(ask(&mut rig, "www.octank.dev", "A"), found(&["192.0.2.1"]));
}

#[test]
fn routing_policies_are_kept_and_do_not_mix_with_plain_sets() {
    let (mut rig, id) = rig();
    let weighted = |identifier: &str, weight: u32| {
        let mut weighted = set("a.octank.dev", "A", &["192.0.2.1"]);
        weighted["SetIdentifier"] = json!(identifier);
        weighted["Weight"] = json!(weight);
        weighted
    };
    change(&mut rig, &id, &[("CREATE", weighted("green", 1)), ("CREATE", weighted("blue", 9))]);
    let shown: Vec<Value> =
        sets(&mut rig, &id)[2..].iter().map(|set| json!([set["SetIdentifier"], set["Weight"]])).collect();
    assert_eq!(shown, [json!(["blue", 9]), json!(["green", 1])]);
    assert_eq!(
        refused(&mut rig, &id, &[("CREATE", set("a.octank.dev", "A", &["192.0.2.1"]))]),
        "[RRSet with DNS name a.octank.dev., type A, SetIdentifier null cannot be created as other RRSets exist with the same \
         name and type]"
    );
    let told = refused(&mut rig, &id, &[("DELETE", weighted("green", 2))]);
    assert!(told.contains("[name='a.octank.dev.', type='A', set-identifier='green'] but the values"), "{told}");
}

#[test]
fn a_zone_keeps_its_soa_and_its_ns_records() {
    let (mut rig, id) = rig();
    for (set, told) in sets(&mut rig, &id).into_iter().zip([
        "[A HostedZone must contain at least one NS record for the zone itself.]",
        "[A HostedZone must contain exactly one SOA record.]",
    ]) {
        assert_eq!(refused(&mut rig, &id, &[("DELETE", set)]), told);
    }
}

#[test]
fn a_batch_has_its_limits() {
    let (mut rig, id) = rig();
    let many = |action: &'static str, n: usize| -> Vec<(&str, Value)> {
        (0..n).map(|at| (action, set(&format!("a{at}.octank.dev"), "A", &["192.0.2.1"]))).collect()
    };
    assert_eq!(refused(&mut rig, &id, &many("CREATE", 1001)), "[Number of records limit of 1000 exceeded.]");
    assert_eq!(refused(&mut rig, &id, &many("UPSERT", 501)), "[Number of records limit of 1000 exceeded.]");
    let text = format!("\"{}\"", "x".repeat(250));
    let long: Vec<(&str, Value)> =
        (0..128).map(|at| ("CREATE", set(&format!("a{at}.octank.dev"), "TXT", &[&text]))).collect();
    assert_eq!(refused(&mut rig, &id, &long), "[Number of characters limit of 32000 exceeded.]");
    change(&mut rig, &id, &many("CREATE", 1000));
}

#[test]
fn a_change_is_pending_and_then_in_sync() {
    let (mut rig, id) = rig();
    let made = rig.ok("ChangeResourceRecordSets", batch(&id, &[("CREATE", set("a.octank.dev", "A", &["192.0.2.1"]))]));
    let info = &made["ChangeInfo"];
    assert_eq!((&info["Status"], &info["SubmittedAt"]), (&json!("PENDING"), &json!(rig.now.as_second())));
    let id = info["Id"].as_str().unwrap().to_owned();
    assert!(id.starts_with("/change/C"), "{id}");
    rig.pass(SignedDuration::from_secs(29));
    assert_eq!(rig.ok("GetChange", json!({"Id": id}))["ChangeInfo"]["Status"], "PENDING");
    assert_eq!(ask(&mut rig, "a.octank.dev", "A"), none("NXDOMAIN"));
    rig.pass(SignedDuration::from_secs(1));
    assert_eq!(rig.ok("GetChange", json!({"Id": id}))["ChangeInfo"]["Status"], "INSYNC");
    assert_eq!(ask(&mut rig, "a.octank.dev", "A"), found(&["192.0.2.1"]));
    let error = rig.refused("GetChange", "NoSuchChange", json!({"Id": "C0"}));
    assert_eq!(error.status, 404);
}

#[test]
fn a_busy_zone_refuses_changes_until_it_is_done() {
    let (mut rig, id) = rig();
    rig.ok("_Busy", json!({"HostedZoneId": id, "Seconds": 5}));
    let input = batch(&id, &[("CREATE", set("a.octank.dev", "A", &["192.0.2.1"]))]);
    rig.refused("ChangeResourceRecordSets", "PriorRequestNotComplete", input.clone());
    rig.pass(SignedDuration::from_secs(5));
    rig.ok("ChangeResourceRecordSets", input);
}
