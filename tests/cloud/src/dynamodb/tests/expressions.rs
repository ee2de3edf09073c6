//! Expressions: what they mean and what is wrong with them.

use serde_json::{Value, json};

use crate::rig::Rig;

use super::super::DynamoDb;
use super::{get, key, put, table};

/// Whether a condition holds for the item `a/1`, asked by a delete of another attribute.
fn holds(rig: &mut Rig<DynamoDb>, condition: &str, values: &Value) -> bool {
    let mut input = json!({
        "TableName": "pitcrew", "Key": key("a", "1"), "UpdateExpression": "REMOVE nothing_there",
        "ConditionExpression": condition,
    });
    if values.as_object().is_some_and(|values| !values.is_empty()) {
        input["ExpressionAttributeValues"] = values.clone();
    }
    match rig.call("UpdateItem", input) {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.code, "ConditionalCheckFailedException", "{condition}: {}", error.message);
            false
        }
    }
}

#[test]
fn conditions_mean_what_the_guide_says() {
    let mut rig = table();
    put(
        &mut rig,
        "a",
        "1",
        json!({
            "n": {"N": "5"}, "s": {"S": "hello"}, "l": {"L": [{"S": "x"}, {"N": "2"}]}, "m": {"M": {"k": {"N": "1"}}},
            "ss": {"SS": ["red", "blue"]}, "t": {"BOOL": true}, "b": {"B": "AQID"},
        }),
    );
    let v = json!({":five": {"N": "5.0"}});
    for (condition, values, wanted) in [
        ("n = :five", v.clone(), true),
        ("n <> :five", v.clone(), false),
        ("absent <> :five", v.clone(), true),
        ("absent = :five OR n = :five", v.clone(), true),
        ("NOT n = :five OR absent < :five", v.clone(), false),
        ("s > :five", v.clone(), false),
        ("s <= :five", v.clone(), false),
        ("n BETWEEN :a AND :b AND t = :t", json!({":a": {"N": "1"}, ":b": {"N": "5"}, ":t": {"BOOL": true}}), true),
        ("n IN (:a, :b)", json!({":a": {"N": "1"}, ":b": {"N": "5"}}), true),
        ("n IN (:a)", json!({":a": {"S": "5"}}), false),
        ("attribute_exists(m.k) AND attribute_not_exists(m.z)", json!({}), true),
        ("attribute_exists(l[1]) AND attribute_not_exists(l[2])", json!({}), true),
        ("attribute_type(ss, :t)", json!({":t": {"S": "SS"}}), true),
        ("begins_with(s, :p) AND contains(s, :q)", json!({":p": {"S": "he"}, ":q": {"S": "ll"}}), true),
        ("contains(ss, :q)", json!({":q": {"S": "blue"}}), true),
        ("contains(l, :q)", json!({":q": {"N": "2"}}), true),
        ("contains(ss, :q)", json!({":q": {"S": "blu"}}), false),
        ("size(s) = :five AND size(ss) < :five AND size(b) < :five", v.clone(), true),
        ("(n = :five AND (s = :five OR attribute_exists(s)))", v.clone(), true),
        ("n = :five AND s = :five OR attribute_exists(s)", v, true),
    ] {
        assert_eq!(holds(&mut rig, condition, &values), wanted, "{condition}");
    }
}

#[test]
fn what_is_wrong_with_an_expression_is_said() {
    let mut rig = table();
    let cases: [(Value, &str); 17] = [
        (
            json!({"ConditionExpression": "state = :v", "ExpressionAttributeValues": {":v": {"S": "x"}}}),
            "reserved keyword: state",
        ),
        (json!({"ConditionExpression": "x = :v"}), "attribute value: :v"),
        (
            json!({"ConditionExpression": "#x = :v", "ExpressionAttributeValues": {":v": {"S": "x"}}}),
            "attribute name: #x",
        ),
        (
            json!({"ConditionExpression": "x = :v", "ExpressionAttributeValues": {":v": {"S": "x"}, ":w": {"S": "x"}}}),
            "unused in expressions: keys: {:w}",
        ),
        (
            json!({"ConditionExpression": "x = :v", "ExpressionAttributeNames": {"#y": "y"}, "ExpressionAttributeValues": {":v": {"S": "x"}}}),
            "unused in expressions: keys: {#y}",
        ),
        (json!({"ExpressionAttributeValues": {":v": {"S": "x"}}}), "can only be specified when using expressions"),
        (
            json!({"ConditionExpression": "x = :v", "ExpressionAttributeValues": {}}),
            "ExpressionAttributeValues must not be empty",
        ),
        (json!({"ConditionExpression": "x = :v", "ExpressionAttributeValues": {"v": {"S": "x"}}}), "invalid key"),
        (json!({"ConditionExpression": "x ="}), "Syntax error; token: \"<EOF>\""),
        (json!({"ConditionExpression": "x = y z"}), "Syntax error; token: \"z\""),
        (json!({"ConditionExpression": "(x = y"}), "Syntax error"),
        (json!({"ConditionExpression": "attribute_present(x)"}), "Invalid function name; function: attribute_present"),
        (json!({"UpdateExpression": "SET x = y, x.z = y"}), "paths overlap"),
        (json!({"UpdateExpression": "SET x = y SET z = y"}), "can only be used once"),
        (
            json!({"UpdateExpression": "ADD x :v", "ExpressionAttributeValues": {":v": {"S": "x"}}}),
            "operator: ADD, operand type: S",
        ),
        (
            json!({"UpdateExpression": "DELETE x :v", "ExpressionAttributeValues": {":v": {"N": "1"}}}),
            "operator: DELETE",
        ),
        (json!({"Expected": {"x": {"Exists": false}}}), "legacy parameter Expected"),
    ];
    for (more, message) in cases {
        let mut input = json!({"TableName": "pitcrew", "Key": key("a", "1")});
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let error = rig.refused("UpdateItem", "ValidationException", input);
        assert!(error.message.contains(message), "{more}: {}", error.message);
    }
}

#[test]
fn operands_of_an_update_are_read_before_anything_is_written() {
    let mut rig = table();
    put(
        &mut rig,
        "a",
        "1",
        json!({"x": {"N": "1"}, "y": {"N": "2"}, "l": {"L": [{"N": "0"}, {"N": "1"}, {"N": "2"}]}}),
    );
    rig.ok(
        "UpdateItem",
        json!({
            "TableName": "pitcrew", "Key": key("a", "1"),
            "UpdateExpression": "SET x = y, y = x REMOVE l[0], l[1]",
        }),
    );
    let item = get(&mut rig, "a", "1");
    assert_eq!((&item["x"], &item["y"]), (&json!({"N": "2"}), &json!({"N": "1"})));
    assert_eq!(item["l"], json!({"L": [{"N": "2"}]}));
}

#[test]
fn lists_grow_and_sets_shrink_until_they_are_gone() {
    let mut rig = table();
    put(&mut rig, "a", "1", json!({"l": {"L": []}, "tags": {"SS": ["a", "b"]}}));
    let mut update = |expression: &str, values: Value| {
        rig.ok(
            "UpdateItem",
            json!({
                "TableName": "pitcrew", "Key": key("a", "1"), "ReturnValues": "ALL_NEW",
                "UpdateExpression": expression, "ExpressionAttributeValues": values,
            }),
        )["Attributes"]
            .take()
    };
    let item =
        update("SET l = list_append(l, :x) ADD tags :t", json!({":x": {"L": [{"S": "x"}]}, ":t": {"SS": ["c"]}}));
    assert_eq!((&item["l"], &item["tags"]), (&json!({"L": [{"S": "x"}]}), &json!({"SS": ["a", "b", "c"]})));
    let item = update("SET l[9] = :x DELETE tags :t", json!({":x": {"S": "y"}, ":t": {"SS": ["a", "b", "c", "d"]}}));
    assert_eq!(item["l"], json!({"L": [{"S": "x"}, {"S": "y"}]}));
    assert!(item.get("tags").is_none());
}

#[test]
fn an_update_that_does_not_fit_the_item_changes_nothing() {
    let mut rig = table();
    put(&mut rig, "a", "1", json!({"s": {"S": "x"}}));
    for (expression, message) in [
        ("SET x = absent", "does not exist in the item"),
        ("SET s = s + :n", "incorrect data type"),
        ("SET a.b = :n", "invalid for update"),
        ("ADD s :n", "incorrect data type"),
    ] {
        let mut input = json!({"TableName": "pitcrew", "Key": key("a", "1"), "UpdateExpression": expression});
        if expression.contains(":n") {
            input["ExpressionAttributeValues"] = json!({":n": {"N": "1"}});
        }
        let error = rig.refused("UpdateItem", "ValidationException", input);
        assert!(error.message.contains(message), "{expression}: {}", error.message);
    }
    assert_eq!(get(&mut rig, "a", "1")["s"], json!({"S": "x"}));
}
