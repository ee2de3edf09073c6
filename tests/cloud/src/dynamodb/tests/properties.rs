//! What holds for any request: no panic, and a stream from which the table can be built again.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::effect::Effect;

use super::{key, table};

/// Expressions that are nearly right: words of the grammar in any order.
fn words() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "a",
        "b.c",
        "l[0]",
        "#n",
        ":v",
        ":w",
        "=",
        "<>",
        "<",
        "AND",
        "OR",
        "NOT",
        "(",
        ")",
        ",",
        "BETWEEN",
        "IN",
        "SET",
        "REMOVE",
        "ADD",
        "DELETE",
        "+",
        "-",
        "attribute_exists",
        "size",
        "contains",
        "if_not_exists",
        "list_append",
        "pk",
    ]);
    prop::collection::vec(word, 0..14).prop_map(|words| words.join(" "))
}

/// One write, of one of a few keys and values so that writes meet.
fn write() -> impl Strategy<Value = (&'static str, Value)> {
    let item =
        ("[ab]", 0..3_u8, 0..3_u8).prop_map(|(pk, sk, n)| (key(&pk, &sk.to_string()), json!({"N": n.to_string()})));
    (0..4_u8, item, any::<bool>()).prop_map(|(kind, (key, n), guarded)| {
        let mut item = key.clone();
        item["n"] = n.clone();
        let mut put = json!({"TableName": "pitcrew", "Item": item});
        let add = json!({
            "TableName": "pitcrew", "Key": key, "UpdateExpression": "ADD n :n", "ExpressionAttributeValues": {":n": n},
        });
        let delete = json!({"TableName": "pitcrew", "Key": key});
        if guarded {
            put["ConditionExpression"] = json!("attribute_not_exists(pk)");
        }
        match kind {
            0 => ("PutItem", put),
            1 => ("UpdateItem", add),
            2 => ("DeleteItem", delete),
            _ => (
                "TransactWriteItems",
                json!({"TransactItems": [{"Put": put}, {"Update": {
                    "TableName": "pitcrew", "Key": super::key("c", "1"), "UpdateExpression": "SET n = :n",
                    "ExpressionAttributeValues": {":n": {"N": "1"}},
                }}]}),
            ),
        }
    })
}

proptest! {
    #[test]
    fn no_expression_makes_it_panic(member in prop::sample::select(vec!["ConditionExpression", "UpdateExpression"]),
                                    text in prop_oneof![words(), ".{0,40}"]) {
        let mut rig = table();
        let mut input = json!({
            "TableName": "pitcrew", "Key": key("a", "1"), "ExpressionAttributeNames": {"#n": "n"},
            "ExpressionAttributeValues": {":v": {"N": "1"}, ":w": {"L": []}},
        });
        input[member] = json!(text);
        if let Err(error) = rig.call("UpdateItem", input) {
            prop_assert!(error.status == 400, "{error:?}");
        }
    }

    #[test]
    fn the_stream_tells_the_whole_story_of_the_table(writes in prop::collection::vec(write(), 1..25)) {
        let mut rig = table();
        for (operation, input) in writes {
            if let Err(error) = rig.call(operation, input) {
                prop_assert!(error.code.ends_with("CheckFailedException") || error.code == "TransactionCanceledException", "{error:?}");
            }
        }
        let mut rebuilt: BTreeMap<String, Value> = BTreeMap::new();
        for effect in rig.effects() {
            let Effect::StreamRecord { record, .. } = effect else { continue };
            let body = &record["dynamodb"];
            let before = rebuilt.remove(&body["Keys"].to_string()).unwrap_or(Value::Null);
            prop_assert_eq!(&before, body.get("OldImage").unwrap_or(&Value::Null));
            if let Some(image) = body.get("NewImage") {
                prop_assert_ne!(image, &before);
                rebuilt.insert(body["Keys"].to_string(), image.clone());
            }
        }
        let items = rig.ok("Scan", json!({"TableName": "pitcrew"}))["Items"].take();
        prop_assert_eq!(items, Value::Array(rebuilt.into_values().collect()));
    }
}
