//! Transactions: all or nothing, and a reason for each action.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{get, key, put, table};

fn check(pk: &str, condition: &str) -> Value {
    json!({"ConditionCheck": {"TableName": "pitcrew", "Key": key(pk, "1"), "ConditionExpression": condition}})
}

fn add(pk: &str, attribute: &str) -> Value {
    json!({"Update": {
        "TableName": "pitcrew", "Key": key(pk, "1"), "UpdateExpression": format!("ADD {attribute} :one"),
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }})
}

#[test]
fn all_actions_happen_together() {
    let mut rig = table();
    put(&mut rig, "gone", "1", json!({}));
    put(&mut rig, "there", "1", json!({}));
    rig.ok(
        "TransactWriteItems",
        json!({"TransactItems": [
            {"Put": {"TableName": "pitcrew", "Item": key("new", "1")}},
            add("count", "hits"),
            {"Delete": {"TableName": "pitcrew", "Key": key("gone", "1")}},
            check("there", "attribute_exists(pk)"),
        ]}),
    );
    assert_eq!(get(&mut rig, "new", "1"), key("new", "1"));
    assert_eq!(get(&mut rig, "count", "1")["hits"], json!({"N": "1"}));
    assert!(get(&mut rig, "gone", "1").is_null());
    let answer = rig.ok(
        "TransactGetItems",
        json!({"TransactItems": [
            {"Get": {"TableName": "pitcrew", "Key": key("gone", "1")}},
            {"Get": {"TableName": "pitcrew", "Key": key("count", "1"), "ProjectionExpression": "hits"}},
        ]}),
    );
    assert_eq!(answer, json!({"Responses": [{}, {"Item": {"hits": {"N": "1"}}}]}));
}

#[test]
fn every_failing_action_gives_its_own_reason_and_nothing_happens() {
    let mut rig = table();
    put(&mut rig, "lease", "1", json!({"version": {"N": "4"}}));
    put(&mut rig, "text", "1", json!({"hits": {"S": "no number"}}));
    rig.effects();
    let error = rig.refused(
        "TransactWriteItems",
        "TransactionCanceledException",
        json!({"TransactItems": [
            {"Put": {"TableName": "pitcrew", "Item": key("new", "1")}},
            {"Put": {
                "TableName": "pitcrew", "Item": key("lease", "1"), "ConditionExpression": "version = :v",
                "ExpressionAttributeValues": {":v": {"N": "3"}}, "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }},
            add("text", "hits"),
            check("absent", "attribute_exists(pk)"),
        ]}),
    );
    assert_eq!(
        error.message,
        "Transaction cancelled, please refer cancellation reasons for specific reasons \
         [None, ConditionalCheckFailed, ValidationError, ConditionalCheckFailed]"
    );
    assert_eq!(
        error.fields["CancellationReasons"],
        json!([
            {"Code": "None"},
            {
                "Code": "ConditionalCheckFailed", "Message": "The conditional request failed",
                "Item": {"pk": {"S": "lease"}, "sk": {"S": "1"}, "version": {"N": "4"}},
            },
            {"Code": "ValidationError", "Message": "An operand in the update expression has an incorrect data type"},
            {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed"},
        ])
    );
    assert!(get(&mut rig, "new", "1").is_null());
    assert!(rig.effects().is_empty());
}

#[test]
fn a_malformed_transaction_is_refused_whole() {
    let mut rig = table();
    for (actions, message) in [
        (json!([]), "between 1 and 100"),
        (json!(vec![add("a", "hits"); 101]), "between 1 and 100"),
        (json!([add("a", "hits"), check("a", "attribute_exists(pk)")]), "multiple operations on one item"),
        (
            json!([{"Put": {"TableName": "pitcrew", "Item": key("a", "1")}, "Delete": {"TableName": "pitcrew", "Key": key("a", "1")}}]),
            "only contain one of",
        ),
        (json!([{"ConditionCheck": {"TableName": "pitcrew", "Key": key("a", "1")}}]), "must not be null"),
        (json!([add("a", "pk")]), "part of the key"),
    ] {
        let error = rig.refused("TransactWriteItems", "ValidationException", json!({"TransactItems": actions}));
        assert!(error.message.contains(message), "{message}: {}", error.message);
    }
}

#[test]
fn a_token_makes_a_repeated_transaction_the_same_one_for_ten_minutes() {
    let mut rig = table();
    let once = json!({"ClientRequestToken": "t-1", "TransactItems": [add("count", "hits")]});
    rig.ok("TransactWriteItems", once.clone());
    rig.pass(SignedDuration::from_mins(9));
    rig.ok("TransactWriteItems", once.clone());
    assert_eq!(get(&mut rig, "count", "1")["hits"], json!({"N": "1"}));
    rig.refused(
        "TransactWriteItems",
        "IdempotentParameterMismatchException",
        json!({"ClientRequestToken": "t-1", "TransactItems": [add("other", "hits")]}),
    );
    rig.pass(SignedDuration::from_mins(1));
    rig.ok("TransactWriteItems", once);
    assert_eq!(get(&mut rig, "count", "1")["hits"], json!({"N": "2"}));
}

#[test]
fn a_cancelled_transaction_does_not_use_its_token_up() {
    let mut rig = table();
    let guarded = json!({"ClientRequestToken": "t-1", "TransactItems": [add("count", "hits"), check("gate", "attribute_exists(pk)")]});
    rig.refused("TransactWriteItems", "TransactionCanceledException", guarded.clone());
    put(&mut rig, "gate", "1", json!({}));
    rig.ok("TransactWriteItems", guarded);
    assert_eq!(get(&mut rig, "count", "1")["hits"], json!({"N": "1"}));
}
