//! Query and Scan: keys, indexes, filters, order and pages.

use serde_json::{Value, json};

use crate::rig::Rig;

use super::super::DynamoDb;
use super::{put, table};

fn five() -> Rig<DynamoDb> {
    let mut rig = table();
    for (pk, sk, more) in [
        ("a", "R#1", json!({"state": {"S": "open"}, "since": {"N": "10"}, "title": {"S": "one"}, "body": {"S": "x"}})),
        ("a", "R#2", json!({"n": {"N": "2"}})),
        ("a", "S#1", json!({"n": {"N": "3"}})),
        ("b", "R#1", json!({"state": {"S": "open"}, "since": {"N": "9"}})),
        ("c", "R#1", json!({"state": {"S": "closed"}, "since": {"N": "1"}})),
    ] {
        put(&mut rig, pk, sk, more);
    }
    rig
}

/// The keys of an answer, as `pk/sk`.
fn keys(answer: &Value) -> Vec<String> {
    let text = |item: &Value, name: &str| item[name]["S"].as_str().unwrap_or_default().to_owned();
    answer["Items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| format!("{}/{}", text(item, "pk"), text(item, "sk")))
        .collect()
}

fn query(rig: &mut Rig<DynamoDb>, condition: &str, values: Value, more: Value) -> Value {
    let mut input = json!({
        "TableName": "pitcrew", "KeyConditionExpression": condition, "ExpressionAttributeValues": values,
    });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    rig.ok("Query", input)
}

#[test]
fn a_query_reads_one_partition_in_the_order_of_the_sort_key() {
    let mut rig = five();
    let a = json!({":a": {"S": "a"}});
    assert_eq!(keys(&query(&mut rig, "pk = :a", a.clone(), json!({}))), ["a/R#1", "a/R#2", "a/S#1"]);
    assert_eq!(keys(&query(&mut rig, "pk = :a", a, json!({"ScanIndexForward": false}))), ["a/S#1", "a/R#2", "a/R#1"]);
    let prefix = json!({":a": {"S": "a"}, ":p": {"S": "R#"}});
    assert_eq!(keys(&query(&mut rig, "begins_with(sk, :p) AND pk = :a", prefix, json!({}))), ["a/R#1", "a/R#2"]);
    let between = json!({":a": {"S": "a"}, ":l": {"S": "R#2"}, ":h": {"S": "Z"}});
    assert_eq!(keys(&query(&mut rig, "pk = :a AND sk BETWEEN :l AND :h", between, json!({}))), ["a/R#2", "a/S#1"]);
}

#[test]
fn pages_meet_without_a_gap_in_both_directions() {
    for forward in [true, false] {
        let mut rig = five();
        let mut seen = Vec::new();
        let mut more = json!({"Limit": 1, "ScanIndexForward": forward});
        for _ in 0..10 {
            let answer = query(&mut rig, "pk = :a", json!({":a": {"S": "a"}}), more.clone());
            seen.extend(keys(&answer));
            if answer["LastEvaluatedKey"].is_null() {
                break;
            }
            more["ExclusiveStartKey"] = answer["LastEvaluatedKey"].clone();
        }
        let mut wanted = ["a/R#1", "a/R#2", "a/S#1"];
        if !forward {
            wanted.reverse();
        }
        assert_eq!(seen, wanted);
    }
}

#[test]
fn a_filter_counts_against_the_limit_and_the_scan_goes_on_after_it() {
    let mut rig = five();
    let values = json!({":a": {"S": "a"}, ":n": {"N": "3"}});
    let answer = query(&mut rig, "pk = :a", values.clone(), json!({"FilterExpression": "n = :n", "Limit": 2}));
    assert_eq!((&answer["Count"], &answer["ScannedCount"]), (&json!(0), &json!(2)));
    assert_eq!(answer["LastEvaluatedKey"], super::key("a", "R#2"));
    let answer = query(&mut rig, "pk = :a", values, json!({"FilterExpression": "n = :n", "Select": "COUNT"}));
    assert_eq!(answer, json!({"Count": 1, "ScannedCount": 3}));
}

#[test]
fn an_index_is_sparse_sorts_numbers_and_shows_its_projection() {
    let mut rig = five();
    let names = json!({
        "IndexName": "open", "ExpressionAttributeNames": {"#s": "state"}, "Limit": 1,
    });
    let answer = query(&mut rig, "#s = :s", json!({":s": {"S": "open"}}), names.clone());
    assert_eq!(keys(&answer), ["b/R#1"]);
    let last = answer["LastEvaluatedKey"].clone();
    assert_eq!(last, json!({"pk": {"S": "b"}, "sk": {"S": "R#1"}, "state": {"S": "open"}, "since": {"N": "9"}}));
    let mut next = names;
    next["ExclusiveStartKey"] = last;
    let answer = query(&mut rig, "#s = :s", json!({":s": {"S": "open"}}), next);
    assert_eq!(keys(&answer), ["a/R#1"]);
    assert_eq!(answer["Items"][0]["title"], json!({"S": "one"}));
    assert!(answer["Items"][0].get("body").is_none());
}

#[test]
fn a_query_that_the_service_would_refuse_is_refused() {
    let mut rig = five();
    let values = json!({":a": {"S": "a"}});
    for (more, message) in [
        (json!({}), "KeyConditionExpression parameter must be specified"),
        (
            json!({"KeyConditionExpression": "sk = :a", "ExpressionAttributeValues": values}),
            "missed key schema element: pk",
        ),
        (json!({"KeyConditionExpression": "pk > :a", "ExpressionAttributeValues": values}), "not supported"),
        (json!({"KeyConditionExpression": "pk = :a OR pk = :a", "ExpressionAttributeValues": values}), "OR"),
        (
            json!({"KeyConditionExpression": "pk = :a AND n = :a", "ExpressionAttributeValues": values}),
            "missed key schema element: sk",
        ),
        (
            json!({"KeyConditionExpression": "pk = :a", "ExpressionAttributeValues": {":a": {"N": "1"}}}),
            "does not match schema type",
        ),
        (
            json!({"KeyConditionExpression": "pk = :a", "ExpressionAttributeValues": {":a": {"S": ""}}}),
            "empty string value. Key: pk",
        ),
        (
            json!({"KeyConditionExpression": "pk = :a", "ExpressionAttributeValues": values, "IndexName": "nope"}),
            "specified index: nope",
        ),
        (
            json!({"KeyConditionExpression": "pk = :a", "FilterExpression": "sk = :a", "ExpressionAttributeValues": values}),
            "Primary key attribute: sk",
        ),
        (
            json!({"KeyConditionExpression": "pk = :a", "ExpressionAttributeValues": values, "ExclusiveStartKey": {"pk": {"S": "a"}}}),
            "starting key is invalid",
        ),
        (
            json!({"KeyConditionExpression": "#s = :a", "ExpressionAttributeNames": {"#s": "state"}, "ExpressionAttributeValues": values,
            "IndexName": "open", "ConsistentRead": true}),
            "Consistent reads are not supported",
        ),
    ] {
        let mut input = json!({"TableName": "pitcrew"});
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let error = rig.refused("Query", "ValidationException", input);
        assert!(error.message.contains(message), "{message}: {}", error.message);
    }
}

#[test]
fn segments_of_a_scan_cover_the_table_once() {
    let mut rig = five();
    let mut all = Vec::new();
    for segment in 0..3 {
        all.extend(keys(&rig.ok("Scan", json!({"TableName": "pitcrew", "Segment": segment, "TotalSegments": 3}))));
    }
    all.sort();
    assert_eq!(all, keys(&rig.ok("Scan", json!({"TableName": "pitcrew"}))));
    assert_eq!(all.len(), 5);
}

#[test]
fn a_projection_closes_lists_up() {
    let mut rig = table();
    put(&mut rig, "a", "1", json!({"l": {"L": [{"N": "0"}, {"M": {"k": {"N": "1"}, "z": {"N": "2"}}}, {"N": "3"}]}}));
    let answer = rig.ok(
        "GetItem",
        json!({
            "TableName": "pitcrew", "Key": super::key("a", "1"), "ProjectionExpression": "l[2], l[1].k, absent",
        }),
    );
    assert_eq!(answer["Item"], json!({"l": {"L": [{"M": {"k": {"N": "1"}}}, {"N": "3"}]}}));
}
