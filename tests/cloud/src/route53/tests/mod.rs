//! Route 53's service by itself, on a clock that the test moves.

mod changes;
mod lists;
mod outside;
mod zones;

use serde_json::{Value, json};

use super::Route53;
use crate::rig::Rig;

pub const ZONE: &str = "octank.dev";

/// A rig with one public zone that is in sync, and the zone's id.
fn rig() -> (Rig<Route53>, String) {
    let mut rig = Rig::new(Route53::new());
    let id = zone(&mut rig, ZONE);
    (rig, id)
}

/// Makes a public zone and waits until it is in sync.
fn zone(rig: &mut Rig<Route53>, name: &str) -> String {
    let made = rig.ok("CreateHostedZone", json!({"Name": name, "CallerReference": format!("{name} {}", rig.now)}));
    rig.pass(jiff::SignedDuration::from_secs(60));
    made["HostedZone"]["Id"].as_str().unwrap().trim_start_matches("/hostedzone/").to_owned()
}

/// A record set of plain values with a TTL of 300 seconds.
fn set(name: &str, kind: &str, values: &[&str]) -> Value {
    let values: Vec<Value> = values.iter().map(|value| json!({"Value": value})).collect();
    json!({"Name": name, "Type": kind, "TTL": 300, "ResourceRecords": values})
}

fn alias(name: &str, zone_id: &str, target: &str) -> Value {
    let target = json!({"HostedZoneId": zone_id, "DNSName": target, "EvaluateTargetHealth": true});
    json!({"Name": name, "Type": "A", "AliasTarget": target})
}

fn batch(zone: &str, changes: &[(&str, Value)]) -> Value {
    let changes: Vec<Value> =
        changes.iter().map(|(action, set)| json!({"Action": action, "ResourceRecordSet": set})).collect();
    json!({"HostedZoneId": zone, "ChangeBatch": {"Changes": changes}})
}

/// A change that must be taken, and that is in sync afterwards.
fn change(rig: &mut Rig<Route53>, zone: &str, changes: &[(&str, Value)]) {
    rig.ok("ChangeResourceRecordSets", batch(zone, changes));
    rig.pass(jiff::SignedDuration::from_secs(60));
}

/// A change that must be refused: its message.
fn refused(rig: &mut Rig<Route53>, zone: &str, changes: &[(&str, Value)]) -> String {
    let before = sets(rig, zone);
    let error = rig.refused("ChangeResourceRecordSets", "InvalidChangeBatch", batch(zone, changes));
    assert_eq!(sets(rig, zone), before, "a refused batch changes nothing");
    error.message
}

fn sets(rig: &mut Rig<Route53>, zone: &str) -> Vec<Value> {
    let listed = rig.ok("ListResourceRecordSets", json!({"HostedZoneId": zone}));
    listed["ResourceRecordSets"].as_array().unwrap().clone()
}

/// The resolver's answer: its code, and the values of this type.
fn ask(rig: &mut Rig<Route53>, name: &str, kind: &str) -> (String, Vec<String>) {
    let reply = rig.ok("_Query", json!({"Name": name, "Type": kind}));
    let own = reply["Answers"].as_array().unwrap().iter().filter(|found| found["Type"] == kind);
    let values = own.map(|found| found["Data"].as_str().unwrap().to_owned()).collect();
    (reply["Rcode"].as_str().unwrap().to_owned(), values)
}

fn found(values: &[&str]) -> (String, Vec<String>) {
    ("NOERROR".to_owned(), values.iter().map(|value| (*value).to_owned()).collect())
}

fn none(rcode: &str) -> (String, Vec<String>) {
    (rcode.to_owned(), Vec::new())
}
