//! What each operation needs of the caller's policy.
//!
//! Source: the service authorization reference and the developer guide's pages on fine-grained access control and on
//! transactions: a transaction has no action of its own, its parts need `PutItem`, `UpdateItem`, `DeleteItem`,
//! `ConditionCheckItem` and `GetItem`; `dynamodb:LeadingKeys` holds the partition key values that a request names.

use serde_json::{Value, json};

use crate::call::{Call, Need, Place};

use super::params::Params;
use super::query::KeyCondition;
use super::transact::{WRITES, iam_action};
use super::value::Attr;
use super::{DynamoDb, table_name};

const LEADING_KEYS: &str = "dynamodb:LeadingKeys";

/// The needs of one call; never empty.
pub fn needs(service: &DynamoDb, place: &Place, call: &Call) -> Vec<Need> {
    let input = &call.input;
    let action = format!("dynamodb:{}", call.operation);
    match call.operation.as_str() {
        "ListTables" | "DescribeLimits" | "DescribeEndpoints" => vec![Need::new(action, "*")],
        "TagResource" | "UntagResource" | "ListTagsOfResource" => {
            vec![Need::new(action, input["ResourceArn"].as_str().unwrap_or("*"))]
        }
        "BatchWriteItem" | "BatchGetItem" => batch(service, place, &action, input),
        "TransactWriteItems" | "TransactGetItems" => transaction(service, place, &call.operation, input),
        "Query" | "Scan" => {
            let mut arn = table_arn(place, table_name(input));
            if let Some(index) = input["IndexName"].as_str() {
                arn = format!("{arn}/index/{index}");
            }
            vec![keyed(Need::new(action, arn), query_key(service, input).into_iter().collect())]
        }
        _ => {
            let keys = service
                .leading(table_name(input), &input["Item"])
                .or_else(|| service.leading(table_name(input), &input["Key"]));
            vec![keyed(Need::new(action, table_arn(place, table_name(input))), keys.into_iter().collect())]
        }
    }
}

fn table_arn(place: &Place, name: &str) -> String {
    format!("arn:{}:dynamodb:{}:{}:table/{name}", place.partition, place.region, place.account)
}

fn keyed(mut need: Need, mut keys: Vec<String>) -> Need {
    keys.sort();
    keys.dedup();
    if !keys.is_empty() {
        need.conditions.push((LEADING_KEYS.to_owned(), keys));
    }
    need
}

/// One need a table, with all partition keys of the batch.
fn batch(service: &DynamoDb, place: &Place, action: &str, input: &Value) -> Vec<Need> {
    let tables = input["RequestItems"].as_object().into_iter().flatten();
    let mut found: Vec<Need> = tables
        .map(|(given, request)| {
            let given = json!({"TableName": given});
            let name = table_name(&given);
            let writes = request.as_array().into_iter().flatten();
            let of_writes = writes.map(|write| {
                if write["PutRequest"].is_object() {
                    &write["PutRequest"]["Item"]
                } else {
                    &write["DeleteRequest"]["Key"]
                }
            });
            let items = of_writes.chain(request["Keys"].as_array().into_iter().flatten());
            keyed(
                Need::new(action, table_arn(place, name)),
                items.filter_map(|item| service.leading(name, item)).collect(),
            )
        })
        .collect();
    if found.is_empty() {
        found.push(Need::new(action, "*"));
    }
    found
}

/// One need an action of the transaction, with the enclosing operation.
fn transaction(service: &DynamoDb, place: &Place, operation: &str, input: &Value) -> Vec<Need> {
    let mut found = Vec::new();
    for action in input["TransactItems"].as_array().into_iter().flatten() {
        for kind in WRITES.into_iter().chain(["Get"]) {
            let params = &action[kind];
            if !params.is_object() {
                continue;
            }
            let iam = if kind == "Get" { "dynamodb:GetItem" } else { iam_action(kind) };
            let item = if kind == "Put" { &params["Item"] } else { &params["Key"] };
            let name = table_name(params);
            let mut need =
                keyed(Need::new(iam, table_arn(place, name)), service.leading(name, item).into_iter().collect());
            need.conditions.push(("dynamodb:EnclosingOperation".to_owned(), vec![operation.to_owned()]));
            found.push(need);
        }
    }
    if found.is_empty() {
        found.push(Need::new(format!("dynamodb:{operation}"), "*"));
    }
    found
}

/// The partition key value of a Query, as far as its key condition can be read; a broken one is refused by the call itself.
fn query_key(service: &DynamoDb, input: &Value) -> Option<String> {
    let table = service.table(input).ok()?;
    let keys = table.index(input).ok()?.map_or(&table.keys, |index| &index.keys);
    let condition = Params::read(input).ok()?.condition("KeyConditionExpression").ok()??;
    KeyCondition::read(&condition, keys).ok().map(|condition| condition.hash.as_plain_text())
}

impl DynamoDb {
    /// The partition key's value in an item or a key.
    fn leading(&self, table: &str, item: &Value) -> Option<String> {
        let hash = &self.tables.get(table)?.keys.hash;
        Attr::read(item.get(hash)?).ok().map(|value| value.as_plain_text())
    }
}
