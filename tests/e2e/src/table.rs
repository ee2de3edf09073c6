//! The rows of the state table as plain JSON.

use serde_json::{Map, Value, json};

use crate::scene::Scene;

/// Every row whose partition key is this, in the order of the sort keys.
pub fn rows(scene: &Scene, pk: &str) -> Vec<Value> {
    let input = json!({
        "TableName": scene.stage.output("TableName"), "KeyConditionExpression": "pk = :pk", "ConsistentRead": true,
        "ExpressionAttributeValues": {":pk": {"S": pk}},
    });
    let answer = scene.internal("dynamodb", "Query", input);
    answer["Items"].as_array().into_iter().flatten().map(plain_item).collect()
}

/// Every row of the table, page by page.
pub fn all(scene: &Scene) -> Vec<Value> {
    let mut input = json!({"TableName": scene.stage.output("TableName")});
    let mut rows = Vec::new();
    loop {
        let answer = scene.internal("dynamodb", "Scan", input.clone());
        rows.extend(answer["Items"].as_array().into_iter().flatten().map(plain_item));
        if answer["LastEvaluatedKey"].is_null() {
            return rows;
        }
        input["ExclusiveStartKey"] = answer["LastEvaluatedKey"].clone();
    }
}

/// Writes a row, as the operator's command would.
pub fn put(scene: &Scene, row: &Value) {
    let item = dynamo(row)["M"].clone();
    scene.call("dynamodb", "PutItem", json!({"TableName": scene.stage.output("TableName"), "Item": item}));
}

fn plain_item(item: &Value) -> Value {
    Value::Object(item.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), plain(value))).collect())
}

/// A DynamoDB attribute as plain JSON.
pub fn plain(attribute: &Value) -> Value {
    let (kind, value) = attribute.as_object().and_then(|object| object.iter().next()).expect("an attribute has a type");
    match kind.as_str() {
        "S" | "BOOL" => value.clone(),
        "NULL" => Value::Null,
        "N" => serde_json::from_str(value.as_str().unwrap_or_default()).expect("a number"),
        "L" => value.as_array().into_iter().flatten().map(plain).collect(),
        "M" => plain_item(value),
        other => panic!("pitcrew writes no attribute of type {other}"),
    }
}

fn dynamo(value: &Value) -> Value {
    match value {
        Value::Null => json!({"NULL": true}),
        Value::Bool(is) => json!({"BOOL": is}),
        Value::Number(number) => json!({"N": number.to_string()}),
        Value::String(text) => json!({"S": text}),
        Value::Array(items) => json!({"L": items.iter().map(dynamo).collect::<Vec<_>>()}),
        Value::Object(members) => {
            let members: Map<String, Value> =
                members.iter().map(|(name, value)| (name.clone(), dynamo(value))).collect();
            json!({"M": members})
        }
    }
}
