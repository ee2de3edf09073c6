//! DynamoDB: tables, items, expressions, transactions, streams, in memory and on the cloud's clock.
//!
//! It owns what is stored and the checks that the service makes of a request. It must never accept what DynamoDB refuses: a
//! bug of ours that passes here fails on the owner's account. Parameters of the old API (`Expected`, `KeyConditions` and
//! their kin), PartiQL, backups, global tables and exports are not served, and say so.
//!
//! Reading order: [`value`] and [`number`], the expressions ([`lexer`], [`parser`], [`params`], [`condition`], [`update`]),
//! [`table`], then what works on it: [`plan`] (one write), [`items`], [`batch`], [`transact`], [`query`], [`stream`].

mod batch;
mod condition;
mod items;
mod lexer;
mod needs;
mod number;
mod params;
mod parser;
mod plan;
mod query;
mod stream;
mod table;
mod transact;
mod ttl;
mod update;
mod value;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::call::{Answer, ApiError, Call, Ctx, Need, Place, Service};

use table::Table;

/// A `ValidationException`, the error of everything that is wrong with a request.
fn bad(message: impl Into<String>) -> ApiError {
    ApiError::client("ValidationException", message)
}

/// The emulated service.
#[derive(Debug, Default)]
pub struct DynamoDb {
    tables: BTreeMap<String, Table>,
    /// Transactions by client token, with the time at which they were made, for ten minutes.
    tokens: BTreeMap<String, (Timestamp, Value)>,
    /// The last sequence number given to a stream record.
    sequence: u64,
    /// When expired items were last looked for.
    swept_at: Option<Timestamp>,
}

impl DynamoDb {
    pub fn new() -> Self {
        Self::default()
    }

    /// The table that a request names, by name or by ARN.
    fn table(&self, input: &Value) -> Result<&Table, ApiError> {
        let name = table_name(input);
        self.tables.get(name).ok_or_else(|| no_table(name))
    }

    fn table_mut(&mut self, name: &str) -> Result<&mut Table, ApiError> {
        self.tables.get_mut(name).ok_or_else(|| no_table(name))
    }
}

/// The table's name of a request's `TableName`, which may be an ARN.
fn table_name(input: &Value) -> &str {
    let text = input.get("TableName").and_then(Value::as_str).unwrap_or_default();
    text.split_once(":table/").map_or(text, |(_, name)| name.split('/').next().unwrap_or(name))
}

/// What an operation on items says about a table that is not there.
fn no_table(_name: &str) -> ApiError {
    ApiError::client("ResourceNotFoundException", "Requested resource not found")
}

/// `ConsumedCapacity` of one table, where the request asks for it.
fn consumed(input: &Value, table: &str, units: f64) -> Option<Value> {
    let asked = input.get("ReturnConsumedCapacity").and_then(Value::as_str).unwrap_or("NONE");
    let total = json!({"TableName": table, "CapacityUnits": units});
    match asked {
        "TOTAL" => Some(total),
        "INDEXES" => Some(json!({"TableName": table, "CapacityUnits": units, "Table": {"CapacityUnits": units}})),
        _ => None,
    }
}

/// Read units of so many bytes: 4 KiB each, halved where the read may be stale.
fn read_units(bytes: usize, consistent: bool) -> f64 {
    let whole = bytes.div_ceil(4096).max(1) as f64;
    if consistent { whole } else { whole / 2.0 }
}

/// Write units of so many bytes: 1 KiB each.
fn write_units(bytes: usize) -> f64 {
    bytes.div_ceil(1024).max(1) as f64
}

impl Service for DynamoDb {
    fn call(&mut self, ctx: &mut Ctx<'_>, call: &Call) -> Answer {
        let input = &call.input;
        match call.operation.as_str() {
            "CreateTable" => self.create_table(ctx, input),
            "DescribeTable" => self.describe_table(input),
            "DeleteTable" => self.delete_table(input),
            "ListTables" => self.list_tables(input),
            "UpdateTable" => self.update_table(ctx, input),
            "UpdateTimeToLive" => self.update_time_to_live(input),
            "DescribeTimeToLive" => self.describe_time_to_live(input),
            "UpdateContinuousBackups" => self.update_continuous_backups(ctx, input),
            "DescribeContinuousBackups" => self.describe_continuous_backups(input),
            "TagResource" => self.tag_resource(input),
            "UntagResource" => self.untag_resource(input),
            "ListTagsOfResource" => self.list_tags_of_resource(input),
            "GetItem" => self.get_item(input),
            "PutItem" => self.put_item(ctx, input),
            "UpdateItem" => self.update_item(ctx, input),
            "DeleteItem" => self.delete_item(ctx, input),
            "Query" => self.query(input),
            "Scan" => self.scan(input),
            "BatchGetItem" => self.batch_get_item(input),
            "BatchWriteItem" => self.batch_write_item(ctx, input),
            "TransactGetItems" => self.transact_get_items(input),
            "TransactWriteItems" => self.transact_write_items(ctx, input),
            other => Err(ApiError::client(
                "UnknownOperationException",
                format!("the local cloud's DynamoDB does not serve {other}"),
            )),
        }
    }

    fn needs(&self, place: &Place, call: &Call) -> Vec<Need> {
        needs::needs(self, place, call)
    }

    fn next_due(&self) -> Option<Timestamp> {
        self.next_sweep()
    }

    fn tick(&mut self, ctx: &mut Ctx<'_>) {
        self.sweep(ctx);
    }
}
