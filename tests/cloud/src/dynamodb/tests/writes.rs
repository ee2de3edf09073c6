//! Writes of one item and batches: what is kept, what comes back, what is refused.

use serde_json::json;

use super::{get, key, put, table};

#[test]
fn a_put_replaces_the_whole_item_and_can_show_the_old_one() {
    let mut rig = table();
    put(&mut rig, "a", "1", json!({"x": {"N": "1"}, "y": {"S": "gone"}}));
    let mut item = key("a", "1");
    item["x"] = json!({"N": "2.50"});
    let answer = rig.ok("PutItem", json!({"TableName": "pitcrew", "Item": item, "ReturnValues": "ALL_OLD"}));
    assert_eq!(answer["Attributes"]["y"], json!({"S": "gone"}));
    assert_eq!(get(&mut rig, "a", "1"), json!({"pk": {"S": "a"}, "sk": {"S": "1"}, "x": {"N": "2.5"}}));
}

#[test]
fn a_failed_condition_shows_the_item_only_where_asked() {
    let mut rig = table();
    put(&mut rig, "a", "LEASE", json!({"version": {"N": "7"}}));
    let mut input = json!({
        "TableName": "pitcrew", "Item": key("a", "LEASE"), "ConditionExpression": "attribute_not_exists(pk)",
    });
    let error = rig.refused("PutItem", "ConditionalCheckFailedException", input.clone());
    assert!(error.fields.is_empty());
    input["ReturnValuesOnConditionCheckFailure"] = json!("ALL_OLD");
    let error = rig.refused("PutItem", "ConditionalCheckFailedException", input);
    assert_eq!(error.fields["Item"]["version"], json!({"N": "7"}));
    assert_eq!(get(&mut rig, "a", "LEASE")["version"], json!({"N": "7"}));
}

#[test]
fn an_update_makes_a_missing_item_and_returns_what_it_touched() {
    let mut rig = table();
    let answer = rig.ok("UpdateItem", json!({
        "TableName": "pitcrew", "Key": key("a", "1"), "ReturnValues": "UPDATED_NEW",
        "UpdateExpression": "SET title = :t, doc = :d ADD hits :one",
        "ExpressionAttributeValues": {":t": {"S": "x"}, ":one": {"N": "1"}, ":d": {"M": {"a": {"L": [{"N": "1"}]}}}},
    }));
    assert_eq!(
        answer["Attributes"],
        json!({"title": {"S": "x"}, "hits": {"N": "1"}, "doc": {"M": {"a": {"L": [{"N": "1"}]}}}})
    );
    let answer = rig.ok(
        "UpdateItem",
        json!({
            "TableName": "pitcrew", "Key": key("a", "1"), "ReturnValues": "UPDATED_OLD",
            "UpdateExpression": "SET doc.a[0] = doc.a[0] + :one, doc.b = if_not_exists(doc.b, :z) REMOVE title",
            "ExpressionAttributeValues": {":one": {"N": "1"}, ":z": {"S": "new"}},
        }),
    );
    assert_eq!(answer["Attributes"], json!({"doc": {"M": {"a": {"L": [{"N": "1"}]}}}, "title": {"S": "x"}}));
    let item = get(&mut rig, "a", "1");
    assert_eq!(item["doc"], json!({"M": {"a": {"L": [{"N": "2"}]}, "b": {"S": "new"}}}));
    assert!(item.get("title").is_none());
}

#[test]
fn a_delete_of_nothing_succeeds_and_a_conditional_one_does_not() {
    let mut rig = table();
    assert_eq!(rig.ok("DeleteItem", json!({"TableName": "pitcrew", "Key": key("a", "1")})), json!({}));
    rig.refused(
        "DeleteItem",
        "ConditionalCheckFailedException",
        json!({
            "TableName": "pitcrew", "Key": key("a", "1"), "ConditionExpression": "attribute_exists(pk)",
        }),
    );
    put(&mut rig, "a", "1", json!({}));
    let answer = rig.ok("DeleteItem", json!({"TableName": "pitcrew", "Key": key("a", "1"), "ReturnValues": "ALL_OLD"}));
    assert_eq!(answer["Attributes"], key("a", "1"));
}

#[test]
fn keys_that_do_not_fit_the_schema_are_refused() {
    let mut rig = table();
    for (item, message) in [
        (json!({"pk": {"S": "a"}}), "Missing the key sk in the item"),
        (json!({"pk": {"N": "1"}, "sk": {"S": "x"}}), "Type mismatch for key pk expected: S actual: N"),
        (json!({"pk": {"S": ""}, "sk": {"S": "x"}}), "cannot contain an empty string value. Key: pk"),
        (
            json!({"pk": {"S": "a"}, "sk": {"S": "x"}, "since": {"S": "no number"}}),
            "Type mismatch for Index Key since Expected: N",
        ),
        (json!({"pk": {"S": "a"}, "sk": {"S": "x"}, "state": {"S": ""}}), "IndexName: open, IndexKey: state"),
        (json!({"pk": {"S": "a".repeat(2049)}, "sk": {"S": "x"}}), "Size of hashkey"),
        (json!({"pk": {"S": "a"}, "sk": {"S": "x".repeat(1025)}}), "Size of rangekey"),
        (json!({"pk": {"S": "a"}, "sk": {"S": "x"}, "big": {"S": "x".repeat(400 * 1024)}}), "maximum allowed size"),
    ] {
        let error = rig.refused("PutItem", "ValidationException", json!({"TableName": "pitcrew", "Item": item}));
        assert!(error.message.contains(message), "{message}: {}", error.message);
    }
    for wrong in [
        json!({"pk": {"S": "a"}}),
        json!({"pk": {"S": "a"}, "sk": {"N": "1"}}),
        json!({"pk": {"S": "a"}, "x": {"S": "b"}}),
    ] {
        let error = rig.refused("GetItem", "ValidationException", json!({"TableName": "pitcrew", "Key": wrong}));
        assert_eq!(error.message, "The provided key element does not match the schema");
    }
}

#[test]
fn an_update_of_a_key_attribute_is_refused() {
    let mut rig = table();
    let error = rig.refused(
        "UpdateItem",
        "ValidationException",
        json!({
            "TableName": "pitcrew", "Key": key("a", "1"), "UpdateExpression": "SET sk = :v",
            "ExpressionAttributeValues": {":v": {"S": "2"}},
        }),
    );
    assert!(
        error.message.ends_with("Cannot update attribute sk. This attribute is part of the key"),
        "{}",
        error.message
    );
}

#[test]
fn an_update_that_gives_an_index_key_another_type_is_refused() {
    let mut rig = table();
    rig.refused(
        "UpdateItem",
        "ValidationException",
        json!({
            "TableName": "pitcrew", "Key": key("a", "1"), "UpdateExpression": "SET since = :v",
            "ExpressionAttributeValues": {":v": {"S": "2"}},
        }),
    );
    assert!(get(&mut rig, "a", "1").is_null());
}

#[test]
fn a_batch_writes_and_reads_many_and_refuses_the_same_key_twice() {
    let mut rig = table();
    put(&mut rig, "a", "old", json!({}));
    let answer = rig.ok(
        "BatchWriteItem",
        json!({"RequestItems": {"pitcrew": [
            {"PutRequest": {"Item": key("a", "1")}},
            {"PutRequest": {"Item": key("b", "1")}},
            {"DeleteRequest": {"Key": key("a", "old")}},
        ]}}),
    );
    assert_eq!(answer, json!({"UnprocessedItems": {}}));
    let answer = rig.ok(
        "BatchGetItem",
        json!({"RequestItems": {"pitcrew": {
            "Keys": [key("b", "1"), key("a", "old"), key("a", "1")], "ProjectionExpression": "pk",
        }}}),
    );
    assert_eq!(
        answer,
        json!({"Responses": {"pitcrew": [{"pk": {"S": "b"}}, {"pk": {"S": "a"}}]}, "UnprocessedKeys": {}})
    );
    rig.refused(
        "BatchWriteItem",
        "ValidationException",
        json!({"RequestItems": {"pitcrew": [
            {"PutRequest": {"Item": key("c", "1")}}, {"DeleteRequest": {"Key": key("c", "1")}},
        ]}}),
    );
    assert!(get(&mut rig, "c", "1").is_null());
}

#[test]
fn consumed_capacity_is_told_where_asked() {
    let mut rig = table();
    let answer = rig.ok(
        "PutItem",
        json!({
            "TableName": "pitcrew", "ReturnConsumedCapacity": "TOTAL",
            "Item": {"pk": {"S": "a"}, "sk": {"S": "1"}, "body": {"S": "x".repeat(1500)}},
        }),
    );
    assert_eq!(answer["ConsumedCapacity"], json!({"TableName": "pitcrew", "CapacityUnits": 2.0}));
    let answer =
        rig.ok("GetItem", json!({"TableName": "pitcrew", "Key": key("a", "1"), "ReturnConsumedCapacity": "TOTAL"}));
    assert_eq!(answer["ConsumedCapacity"]["CapacityUnits"], 0.5);
}
