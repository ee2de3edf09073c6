//! Stream records, and items that expire.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::effect::Effect;
use crate::rig::Rig;

use super::super::DynamoDb;
use super::{get, key, put, table};

fn records(rig: &mut Rig<DynamoDb>) -> Vec<Value> {
    rig.effects()
        .into_iter()
        .map(|effect| match effect {
            Effect::StreamRecord { table, record } => {
                assert_eq!(table, "pitcrew");
                record
            }
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn one_record_for_each_change_with_both_images() {
    let mut rig = table();
    put(&mut rig, "a", "1", json!({"n": {"N": "1"}}));
    put(&mut rig, "a", "1", json!({"n": {"N": "2"}}));
    rig.ok("DeleteItem", json!({"TableName": "pitcrew", "Key": key("a", "1")}));
    let found = records(&mut rig);
    let names: Vec<&str> = found.iter().map(|record| record["eventName"].as_str().unwrap()).collect();
    assert_eq!(names, ["INSERT", "MODIFY", "REMOVE"]);
    let image = |n: &str| json!({"n": {"N": n}, "pk": {"S": "a"}, "sk": {"S": "1"}});
    let second = &found[1];
    assert_eq!(second["eventSource"], "aws:dynamodb");
    assert_eq!(second["awsRegion"], "eu-west-1");
    assert_eq!(
        second["eventSourceARN"],
        "arn:aws:dynamodb:eu-west-1:123456789012:table/pitcrew/stream/2026-01-05T09:00:00.000"
    );
    assert_eq!(
        second["dynamodb"],
        json!({
            "ApproximateCreationDateTime": 1_767_603_600,
            "Keys": key("a", "1"),
            "SequenceNumber": "100000000000000000002",
            "SizeBytes": 24,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
            "NewImage": image("2"),
            "OldImage": image("1"),
        })
    );
    assert!(found[0]["dynamodb"].get("OldImage").is_none());
    assert!(found[2]["dynamodb"].get("NewImage").is_none());
}

#[test]
fn what_changes_nothing_leaves_no_record() {
    let mut rig = table();
    put(&mut rig, "a", "1", json!({"n": {"N": "1"}}));
    records(&mut rig);
    put(&mut rig, "a", "1", json!({"n": {"N": "1.0"}}));
    rig.ok("DeleteItem", json!({"TableName": "pitcrew", "Key": key("b", "1")}));
    rig.refused(
        "PutItem",
        "ConditionalCheckFailedException",
        json!({
            "TableName": "pitcrew", "Item": key("a", "1"), "ConditionExpression": "attribute_not_exists(pk)",
        }),
    );
    assert!(records(&mut rig).is_empty());
}

#[test]
fn batches_and_transactions_leave_their_records_in_order() {
    let mut rig = table();
    rig.ok(
        "BatchWriteItem",
        json!({"RequestItems": {"pitcrew": [
            {"PutRequest": {"Item": key("z", "1")}}, {"PutRequest": {"Item": key("a", "1")}},
        ]}}),
    );
    rig.ok("TransactWriteItems", json!({"TransactItems": [
        {"Delete": {"TableName": "pitcrew", "Key": key("z", "1")}},
        {"ConditionCheck": {"TableName": "pitcrew", "Key": key("a", "1"), "ConditionExpression": "attribute_exists(pk)"}},
        {"Put": {"TableName": "pitcrew", "Item": key("m", "1")}},
    ]}));
    let found: Vec<(String, String)> = records(&mut rig)
        .iter()
        .map(|record| {
            (
                record["eventName"].as_str().unwrap().to_owned(),
                record["dynamodb"]["Keys"]["pk"]["S"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    let wanted = [("INSERT", "z"), ("INSERT", "a"), ("REMOVE", "z"), ("INSERT", "m")];
    assert_eq!(found, wanted.map(|(name, pk)| (name.to_owned(), pk.to_owned())));
}

#[test]
fn the_view_type_decides_which_images_are_shown() {
    for (view, new, old) in [("KEYS_ONLY", false, false), ("NEW_IMAGE", true, false), ("OLD_IMAGE", false, true)] {
        let mut rig = table();
        rig.ok("UpdateTable", json!({"TableName": "pitcrew", "StreamSpecification": {"StreamEnabled": false}}));
        put(&mut rig, "a", "1", json!({"n": {"N": "1"}}));
        assert!(records(&mut rig).is_empty());
        rig.ok(
            "UpdateTable",
            json!({
                "TableName": "pitcrew", "StreamSpecification": {"StreamEnabled": true, "StreamViewType": view},
            }),
        );
        put(&mut rig, "a", "1", json!({"n": {"N": "2"}}));
        let found = records(&mut rig);
        let body = &found[0]["dynamodb"];
        assert_eq!((body.get("NewImage").is_some(), body.get("OldImage").is_some()), (new, old), "{view}");
    }
}

#[test]
fn an_expired_item_is_still_there_for_hours_and_then_goes_with_a_record_of_the_service() {
    let mut rig = table();
    assert!(crate::call::Service::next_due(&rig.service).is_none());
    rig.ok(
        "UpdateTimeToLive",
        json!({
            "TableName": "pitcrew", "TimeToLiveSpecification": {"Enabled": true, "AttributeName": "expires"},
        }),
    );
    assert_eq!(
        rig.ok("DescribeTimeToLive", json!({"TableName": "pitcrew"}))["TimeToLiveDescription"],
        json!({"TimeToLiveStatus": "ENABLED", "AttributeName": "expires"})
    );
    let soon = rig.now.as_second() + 60;
    put(&mut rig, "a", "1", json!({"expires": {"N": soon.to_string()}}));
    put(&mut rig, "b", "1", json!({"expires": {"S": soon.to_string()}}));
    records(&mut rig);
    rig.pass(SignedDuration::from_hours(23));
    assert!(!get(&mut rig, "a", "1").is_null());
    rig.pass(SignedDuration::from_hours(1));
    assert!(get(&mut rig, "a", "1").is_null());
    assert!(!get(&mut rig, "b", "1").is_null());
    let found = records(&mut rig);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["userIdentity"], json!({"type": "Service", "principalId": "dynamodb.amazonaws.com"}));
}
