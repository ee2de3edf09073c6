//! DynamoDB as a caller sees it.

mod expressions;
mod pages;
mod properties;
mod streams;
mod transactions;
mod writes;

use serde_json::{Value, json};

use crate::rig::Rig;

use super::DynamoDb;

/// A table `pitcrew` with keys `pk` and `sk`, a stream, and a sparse index `open` on `state` and `since` (a number).
fn table() -> Rig<DynamoDb> {
    let mut rig = Rig::new(DynamoDb::new());
    rig.ok(
        "CreateTable",
        json!({
            "TableName": "pitcrew",
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            "AttributeDefinitions": [
                {"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "S"},
                {"AttributeName": "state", "AttributeType": "S"}, {"AttributeName": "since", "AttributeType": "N"},
            ],
            "GlobalSecondaryIndexes": [{
                "IndexName": "open",
                "KeySchema": [{"AttributeName": "state", "KeyType": "HASH"}, {"AttributeName": "since", "KeyType": "RANGE"}],
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["title"]},
            }],
            "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        }),
    );
    rig
}

fn key(pk: &str, sk: &str) -> Value {
    json!({"pk": {"S": pk}, "sk": {"S": sk}})
}

/// Puts an item of the given key with further attributes.
fn put(rig: &mut Rig<DynamoDb>, pk: &str, sk: &str, more: Value) {
    let mut item = key(pk, sk);
    item.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    rig.ok("PutItem", json!({"TableName": "pitcrew", "Item": item}));
}

fn get(rig: &mut Rig<DynamoDb>, pk: &str, sk: &str) -> Value {
    rig.ok("GetItem", json!({"TableName": "pitcrew", "Key": key(pk, sk)}))["Item"].take()
}

#[test]
fn a_table_shows_what_it_was_made_of() {
    let mut rig = table();
    let shown = rig.ok("DescribeTable", json!({"TableName": "pitcrew"}))["Table"].take();
    assert_eq!(shown["TableStatus"], "ACTIVE");
    assert_eq!(shown["TableArn"], "arn:aws:dynamodb:eu-west-1:123456789012:table/pitcrew");
    assert_eq!(
        shown["LatestStreamArn"],
        "arn:aws:dynamodb:eu-west-1:123456789012:table/pitcrew/stream/2026-01-05T09:00:00.000"
    );
    assert_eq!(shown["GlobalSecondaryIndexes"][0]["IndexStatus"], "ACTIVE");
    assert_eq!(shown["CreationDateTime"], 1_767_603_600);
    rig.refused("DescribeTable", "ResourceNotFoundException", json!({"TableName": "other"}));
    rig.refused("PutItem", "ResourceNotFoundException", json!({"TableName": "other", "Item": key("a", "b")}));
    rig.refused("ExecuteStatement", "UnknownOperationException", json!({}));
}

#[test]
fn a_protected_table_is_not_deleted() {
    let mut rig = table();
    rig.ok("UpdateTable", json!({"TableName": "pitcrew", "DeletionProtectionEnabled": true}));
    rig.refused("DeleteTable", "ValidationException", json!({"TableName": "pitcrew"}));
    rig.ok("UpdateTable", json!({"TableName": "pitcrew", "DeletionProtectionEnabled": false}));
    rig.ok("DeleteTable", json!({"TableName": "pitcrew"}));
    assert_eq!(rig.ok("ListTables", json!({})), json!({"TableNames": []}));
}

#[test]
fn a_key_attribute_without_a_definition_is_refused() {
    let mut rig = Rig::new(DynamoDb::new());
    let error = rig.refused(
        "CreateTable",
        "ValidationException",
        json!({
            "TableName": "t", "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "other", "AttributeType": "S"}],
        }),
    );
    assert!(error.message.contains("not defined in AttributeDefinitions"), "{}", error.message);
}

#[test]
fn needs_name_the_table_or_index_and_the_partition_keys() {
    let rig = table();
    type Shown = (String, String, Vec<(String, Vec<String>)>);
    let leading = |operation: &str, input: Value| -> Vec<Shown> {
        rig.needs(operation, input).into_iter().map(|need| (need.action, need.resource, need.conditions)).collect()
    };
    let arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/pitcrew";
    let keys = |values: &[&str]| {
        ("dynamodb:LeadingKeys".to_owned(), values.iter().map(|v| (*v).to_owned()).collect::<Vec<_>>())
    };
    assert_eq!(
        leading("PutItem", json!({"TableName": "pitcrew", "Item": key("SVC#a", "LEASE")})),
        [("dynamodb:PutItem".to_owned(), arn.to_owned(), vec![keys(&["SVC#a"])])]
    );
    assert_eq!(
        leading(
            "Query",
            json!({
                "TableName": "pitcrew", "IndexName": "open", "KeyConditionExpression": "#s = :s",
                "ExpressionAttributeNames": {"#s": "state"}, "ExpressionAttributeValues": {":s": {"S": "open"}},
            })
        ),
        [("dynamodb:Query".to_owned(), format!("{arn}/index/open"), vec![keys(&["open"])])]
    );
    assert_eq!(
        leading(
            "BatchWriteItem",
            json!({"RequestItems": {"pitcrew": [
                {"PutRequest": {"Item": key("b", "1")}}, {"DeleteRequest": {"Key": key("a", "1")}},
            ]}})
        ),
        [("dynamodb:BatchWriteItem".to_owned(), arn.to_owned(), vec![keys(&["a", "b"])])]
    );
    let inside = ("dynamodb:EnclosingOperation".to_owned(), vec!["TransactWriteItems".to_owned()]);
    assert_eq!(
        leading(
            "TransactWriteItems",
            json!({"TransactItems": [
                {"Put": {"TableName": "pitcrew", "Item": key("a", "1")}},
                {"ConditionCheck": {"TableName": "pitcrew", "Key": key("b", "1")}},
            ]})
        ),
        [
            ("dynamodb:PutItem".to_owned(), arn.to_owned(), vec![keys(&["a"]), inside.clone()]),
            ("dynamodb:ConditionCheckItem".to_owned(), arn.to_owned(), vec![keys(&["b"]), inside]),
        ]
    );
    assert_eq!(
        leading("Scan", json!({"TableName": "pitcrew"})),
        [("dynamodb:Scan".to_owned(), arn.to_owned(), vec![])]
    );
}
