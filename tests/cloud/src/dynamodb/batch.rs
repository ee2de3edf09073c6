//! The batches: many reads, or many writes that stand or fail one by one.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::call::{Answer, ApiError, Ctx};

use super::items::project;
use super::params::Params;
use super::plan::Refusal;
use super::table::Key;
use super::value::{item_bytes, read_item, write_item};
use super::{DynamoDb, bad, consumed, read_units, table_name, write_units};

const WRITES_MAX: usize = 25;
const READS_MAX: usize = 100;

/// `RequestItems` by table, in the order of the request.
fn requests(input: &Value) -> Result<&Map<String, Value>, ApiError> {
    let found = input["RequestItems"].as_object().filter(|tables| !tables.is_empty());
    found.ok_or_else(|| {
        bad("1 validation error detected: Value at 'requestItems' failed to satisfy constraint: Member must have length \
             greater than or equal to 1")
    })
}

/// One write of a batch as the single operation would take it.
fn as_single(table: &str, write: &Value) -> Result<(&'static str, Value), ApiError> {
    match (write.get("PutRequest"), write.get("DeleteRequest")) {
        (Some(put), None) => Ok(("Put", json!({"TableName": table, "Item": put["Item"]}))),
        (None, Some(delete)) => Ok(("Delete", json!({"TableName": table, "Key": delete["Key"]}))),
        _ => Err(bad(
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes",
        )),
    }
}

impl DynamoDb {
    pub(super) fn batch_write_item(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let tables = requests(input)?;
        let mut plans = Vec::new();
        let mut seen: BTreeSet<(String, Key)> = BTreeSet::new();
        for (name, writes) in tables {
            let name = table_name(&json!({"TableName": name})).to_owned();
            for write in writes.as_array().into_iter().flatten() {
                let (kind, single) = as_single(&name, write)?;
                let plan = self.plan(kind, &single)?;
                if !seen.insert((plan.table.clone(), plan.key.clone())) {
                    return Err(bad("Provided list of item keys contains duplicates"));
                }
                plans.push(plan);
            }
        }
        if plans.len() > WRITES_MAX {
            return Err(bad("Too many items requested for the BatchWriteItem call"));
        }
        let mut changes = Vec::new();
        for plan in &plans {
            changes.push(self.judge(plan).map_err(|refusal| match refusal {
                Refusal::Invalid(error) => error,
                Refusal::Condition(_) => bad("a write of a batch has no condition"),
            })?);
        }
        let mut answer = json!({"UnprocessedItems": {}});
        let capacity: Vec<Value> = tables
            .keys()
            .filter_map(|name| {
                let bytes = |change: &super::plan::Change| {
                    change.old.iter().chain(&change.new).map(item_bytes).max().unwrap_or(0)
                };
                let of_table = changes.iter().filter(|change| change.table == *name);
                consumed(input, name, of_table.map(|change| write_units(bytes(change))).sum())
            })
            .collect();
        if !capacity.is_empty() {
            answer["ConsumedCapacity"] = Value::Array(capacity);
        }
        self.commit(ctx, changes);
        Ok(answer)
    }

    pub(super) fn batch_get_item(&self, input: &Value) -> Answer {
        let tables = requests(input)?;
        let asked: usize = tables.values().map(|request| request["Keys"].as_array().map_or(0, Vec::len)).sum();
        if asked > READS_MAX {
            return Err(bad("Too many items requested for the BatchGetItem call"));
        }
        let mut responses = Map::new();
        let mut capacity = Vec::new();
        for (given, request) in tables {
            let table = self.table(&json!({"TableName": given}))?;
            let mut params = Params::read(request)?;
            let paths = params.projection()?;
            params.check_all_used()?;
            let mut seen = BTreeSet::new();
            let mut found = Vec::new();
            let mut units = 0.0;
            for key in request["Keys"].as_array().into_iter().flatten() {
                let key = table.key_of(&read_item(key)?)?;
                if !seen.insert(key.clone()) {
                    return Err(bad("Provided list of item keys contains duplicates"));
                }
                let item = table.items.get(&key);
                units += read_units(item.map_or(0, item_bytes), request["ConsistentRead"] == true);
                found.extend(item.map(|item| match &paths {
                    Some(paths) => write_item(&project(item, paths)),
                    None => write_item(item),
                }));
            }
            responses.insert(given.clone(), Value::Array(found));
            capacity.extend(consumed(input, &table.name, units));
        }
        let mut answer = json!({"Responses": responses, "UnprocessedKeys": {}});
        if !capacity.is_empty() {
            answer["ConsumedCapacity"] = Value::Array(capacity);
        }
        Ok(answer)
    }
}
