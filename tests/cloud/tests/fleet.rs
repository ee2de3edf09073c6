//! The planted fleet: its tables name every rule of the audit, and the cloud takes every call that plants it.
#![expect(clippy::unwrap_used, reason = "what cannot be set up fails the test at once")]

use std::collections::BTreeSet;

use pitcrew_cloud::call::Place;
use pitcrew_cloud::cloud::Cloud;
use pitcrew_cloud::fleet::{EVERYWHERE, Fleet, PLANTED, Site, UNPLAYED};
use pitcrew_cloud::stage::MONDAY_MORNING;
use pitcrew_cloud::switches::Switches;
use serde_json::{Value, json};

#[test]
fn every_rule_is_planted_or_there_is_a_reason_and_never_both() {
    let planted: BTreeSet<&str> = PLANTED.iter().map(|(rule, ..)| *rule).collect();
    let unplayed: BTreeSet<&str> = UNPLAYED.iter().map(|(rule, _)| *rule).collect();
    let rules: BTreeSet<&str> = pitcrew_core::audit::all().map(|rule| rule.id).collect();
    let named: BTreeSet<&str> = planted.union(&unplayed).copied().collect();
    assert_eq!(named, rules);
    assert_eq!(planted.intersection(&unplayed).collect::<Vec<_>>(), Vec::<&&str>::new());
    assert!(EVERYWHERE.iter().all(|rule| planted.contains(rule)));
    assert!(UNPLAYED.iter().all(|(_, why)| !why.is_empty()));
    let pairs: BTreeSet<(&str, &str)> = PLANTED.iter().map(|(rule, at, _)| (*rule, *at)).collect();
    assert_eq!(pairs.len(), PLANTED.len(), "a line stands twice");
}

fn cloud() -> Cloud {
    let place = Place { partition: "aws".into(), region: "eu-west-1".into(), account: "123456789012".into() };
    Cloud::in_order(pitcrew_cloud::services::world(place, MONDAY_MORNING, Switches::default()))
}

/// Statuses of the services, by name.
fn statuses(site: &Site<'_>) -> Vec<(String, String)> {
    let mut token = Value::Null;
    let mut all = Vec::new();
    loop {
        let input = if token.is_null() { json!({}) } else { json!({"NextToken": token}) };
        let page = site.call("apprunner", "ListServices", input).unwrap();
        for service in page["ServiceSummaryList"].as_array().unwrap() {
            let text = |member: &str| service[member].as_str().unwrap().to_owned();
            all.push((text("ServiceName"), text("Status")));
        }
        token = page["NextToken"].clone();
        if token.is_null() {
            all.sort();
            return all;
        }
    }
}

#[tokio::test]
async fn the_cloud_takes_the_fleet_and_all_of_it_runs_but_what_is_planted() {
    let cloud = cloud();
    let table = json!({"TableName": "pitcrew", "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]});
    let site = Site { cloud: &cloud, table: "pitcrew", topic: "arn:aws:sns:eu-west-1:123456789012:oncall" };
    site.call("dynamodb", "CreateTable", table).unwrap();
    let fleet = Fleet::plant(&site).await.unwrap();
    let statuses = statuses(&site);
    assert_eq!(statuses.len(), 40);
    let others: Vec<(&str, &str)> = statuses
        .iter()
        .filter(|(_, status)| status != "RUNNING")
        .map(|(name, status)| (name.as_str(), status.as_str()))
        .collect();
    let expected = [
        ("couriers", "CREATE_FAILED"),
        ("faxes", "DELETE_FAILED"),
        ("scheduler", "OPERATION_IN_PROGRESS"),
        ("seasonal", "PAUSED"),
    ];
    assert_eq!(others, expected);
    for (rule, at, _) in PLANTED {
        let is_known = fleet.services.contains_key(*at)
            || fleet.others.contains_key(*at)
            || *at == "account"
            || at.ends_with(".larkspur-post.net");
        assert!(is_known, "{rule}: the fleet has no {at}");
    }
}
