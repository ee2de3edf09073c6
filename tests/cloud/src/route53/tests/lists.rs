//! The order and the pages of each list.

use serde_json::{Value, json};

use super::*;

fn names(page: &Value, list: &str) -> Vec<String> {
    page[list].as_array().unwrap().iter().map(|one| one["Name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn record_sets_are_listed_by_reversed_labels_then_by_type() {
    let (mut rig, id) = rig();
    let sets = [
        ("b.octank.dev", "A", "192.0.2.1"),
        ("x.a.octank.dev", "A", "192.0.2.1"),
        ("a.octank.dev", "TXT", "\"t\""),
        ("*.octank.dev", "A", "192.0.2.1"),
        ("a.octank.dev", "A", "192.0.2.1"),
        ("a-b.octank.dev", "A", "192.0.2.1"),
    ];
    let changes: Vec<(&str, Value)> =
        sets.iter().map(|(name, kind, value)| ("CREATE", set(name, kind, &[value]))).collect();
    change(&mut rig, &id, &changes);
    let wanted: Vec<(String, &str)> = [
        ("octank.dev.", "NS"),
        ("octank.dev.", "SOA"),
        ("\\052.octank.dev.", "A"),
        ("a-b.octank.dev.", "A"),
        ("a.octank.dev.", "A"),
        ("a.octank.dev.", "TXT"),
        ("x.a.octank.dev.", "A"),
        ("b.octank.dev.", "A"),
    ]
    .map(|(name, kind)| (name.to_owned(), kind))
    .to_vec();
    let mut seen = Vec::new();
    let mut start = json!({"HostedZoneId": id, "MaxItems": "3"});
    loop {
        let page = rig.ok("ListResourceRecordSets", start.clone());
        let page_sets = page["ResourceRecordSets"].as_array().unwrap().clone();
        assert!(page_sets.len() <= 3 && page["MaxItems"] == "3");
        seen.extend(page_sets);
        if page["IsTruncated"] == false {
            assert!(page.get("NextRecordName").is_none());
            break;
        }
        start["StartRecordName"] = page["NextRecordName"].clone();
        start["StartRecordType"] = page["NextRecordType"].clone();
    }
    let shown: Vec<(String, &str)> =
        seen.iter().map(|set| (set["Name"].as_str().unwrap().to_owned(), set["Type"].as_str().unwrap())).collect();
    assert_eq!(shown, wanted);
}

#[test]
fn a_list_of_record_sets_can_start_at_a_name_that_is_not_there() {
    let (mut rig, id) = rig();
    change(&mut rig, &id, &[("CREATE", set("b.octank.dev", "A", &["192.0.2.1"]))]);
    let page = rig.ok("ListResourceRecordSets", json!({"HostedZoneId": id, "StartRecordName": "A.octank.dev"}));
    assert_eq!(names(&page, "ResourceRecordSets"), ["b.octank.dev."]);
    for wrong in [
        json!({"HostedZoneId": id, "StartRecordType": "A"}),
        json!({"HostedZoneId": id, "StartRecordName": "a", "StartRecordIdentifier": "x"}),
        json!({"HostedZoneId": id, "MaxItems": "none"}),
        json!({"HostedZoneId": id, "MaxItems": "0"}),
        json!({"HostedZoneId": id, "StartRecordName": "a..b"}),
    ] {
        rig.refused("ListResourceRecordSets", "InvalidInput", wrong);
    }
}

#[test]
fn at_most_300_record_sets_come_at_once() {
    let (mut rig, id) = rig();
    let many: Vec<(&str, Value)> =
        (0..301).map(|at| ("CREATE", set(&format!("a{at:03}.octank.dev"), "A", &["192.0.2.1"]))).collect();
    change(&mut rig, &id, &many);
    for asked in [json!({"HostedZoneId": id}), json!({"HostedZoneId": id, "MaxItems": "1000"})] {
        let page = rig.ok("ListResourceRecordSets", asked);
        assert_eq!(page["ResourceRecordSets"].as_array().unwrap().len(), 300);
        assert_eq!((&page["NextRecordName"], &page["NextRecordType"]), (&json!("a298.octank.dev."), &json!("A")));
    }
}

#[test]
fn zones_are_listed_by_name_from_a_name_and_an_id() {
    let (mut rig, _) = rig();
    for name in ["shop.octank.dev", "octank.dev", "a.example-shop.io", "octank-b.dev"] {
        zone(&mut rig, name);
    }
    let all = rig.ok("ListHostedZonesByName", json!({}));
    let wanted = ["octank-b.dev.", "octank.dev.", "octank.dev.", "shop.octank.dev.", "a.example-shop.io."];
    assert_eq!(names(&all, "HostedZones"), wanted);
    let mut seen = Vec::new();
    let mut start = json!({"MaxItems": "1"});
    loop {
        let page = rig.ok("ListHostedZonesByName", start.clone());
        seen.push(page["HostedZones"][0]["Id"].clone());
        if page["IsTruncated"] == false {
            break;
        }
        start["DNSName"] = page["NextDNSName"].clone();
        start["HostedZoneId"] = page["NextHostedZoneId"].clone();
    }
    let ids: Vec<Value> = all["HostedZones"].as_array().unwrap().iter().map(|zone| zone["Id"].clone()).collect();
    assert_eq!(seen, ids);
    // The list begins at the name and goes on: a client must check the name of the first zone itself.
    let page = rig.ok("ListHostedZonesByName", json!({"DNSName": "pay.octank.dev", "MaxItems": "1"}));
    assert_eq!(names(&page, "HostedZones"), ["shop.octank.dev."]);
    assert_eq!(page["DNSName"], "pay.octank.dev");
    rig.refused("ListHostedZonesByName", "InvalidInput", json!({"HostedZoneId": "Z1"}));
    rig.refused("ListHostedZonesByName", "InvalidDomainName", json!({"DNSName": "a..b"}));
}

#[test]
fn zones_are_listed_a_hundred_at_a_time() {
    let (mut rig, _) = rig();
    for at in 0..149 {
        zone(&mut rig, &format!("z{at}.dev"));
    }
    assert_eq!(rig.ok("GetHostedZoneCount", json!({})), json!({"HostedZoneCount": 150}));
    let first = rig.ok("ListHostedZones", json!({}));
    assert_eq!((first["HostedZones"].as_array().unwrap().len(), &first["MaxItems"]), (100, &json!("100")));
    let rest = rig.ok("ListHostedZones", json!({"Marker": first["NextMarker"]}));
    assert_eq!((rest["HostedZones"].as_array().unwrap().len(), &rest["IsTruncated"]), (50, &json!(false)));
    let ids = |page: &Value| -> Vec<String> {
        page["HostedZones"].as_array().unwrap().iter().map(|zone| zone["Id"].to_string()).collect()
    };
    let all: std::collections::BTreeSet<String> = ids(&first).into_iter().chain(ids(&rest)).collect();
    assert_eq!(all.len(), 150);
}
