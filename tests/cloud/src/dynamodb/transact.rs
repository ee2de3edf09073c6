//! Transactions: all or nothing, and for each action the reason why not.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use crate::call::{Answer, ApiError, Ctx};

use super::items::project;
use super::params::Params;
use super::plan::{Change, Plan, Refusal};
use super::value::{item_bytes, read_item, write_item};
use super::{DynamoDb, bad, consumed, read_units, write_units};

const ACTIONS_MAX: usize = 100;
/// The greatest size of all items of a transaction together.
const BYTES_MAX: usize = 4 * 1024 * 1024;
/// How long a client token makes a repeated transaction the same one.
const TOKEN_LIFE: SignedDuration = SignedDuration::from_mins(10);

/// The actions that a transaction can hold, by member name.
pub const WRITES: [&str; 4] = ["Put", "Update", "Delete", "ConditionCheck"];

fn actions(input: &Value) -> Result<&[Value], ApiError> {
    let all = input["TransactItems"].as_array().map(Vec::as_slice).unwrap_or_default();
    if all.is_empty() || all.len() > ACTIONS_MAX {
        return Err(bad(format!(
            "1 validation error detected: Value at 'transactItems' failed to satisfy constraint: Member must have length \
             between 1 and {ACTIONS_MAX}; it has {}",
            all.len()
        )));
    }
    Ok(all)
}

/// The one kind of a write action, and its parameters.
fn kind_of(action: &Value) -> Result<(&'static str, &Value), ApiError> {
    let mut found = WRITES.iter().filter_map(|kind| action.get(*kind).filter(|v| v.is_object()).map(|v| (*kind, v)));
    match (found.next(), found.next()) {
        (Some(only), None) => Ok(only),
        _ => Err(bad("TransactItems can only contain one of Check, Put, Update or Delete")),
    }
}

/// `TransactionCanceledException`, with one reason for each action in the order of the request.
fn cancelled(refusals: &[Option<Refusal>]) -> ApiError {
    let mut codes = Vec::new();
    let mut reasons = Vec::new();
    for refusal in refusals {
        let (code, reason) = match refusal {
            None => ("None", json!({"Code": "None"})),
            Some(Refusal::Invalid(error)) => {
                ("ValidationError", json!({"Code": "ValidationError", "Message": error.message}))
            }
            Some(Refusal::Condition(item)) => {
                let mut reason = json!({"Code": "ConditionalCheckFailed", "Message": "The conditional request failed"});
                if let Some(item) = item {
                    reason["Item"] = write_item(item);
                }
                ("ConditionalCheckFailed", reason)
            }
        };
        codes.push(code);
        reasons.push(reason);
    }
    let mut error = ApiError::client(
        "TransactionCanceledException",
        format!("Transaction cancelled, please refer cancellation reasons for specific reasons [{}]", codes.join(", ")),
    );
    error.fields.insert("CancellationReasons".to_owned(), Value::Array(reasons));
    error
}

impl DynamoDb {
    pub(super) fn transact_write_items(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let token = input["ClientRequestToken"].as_str().unwrap_or_default();
        if self.is_repeated(ctx.now, token, input)? {
            return Ok(json!({}));
        }
        let plans = self.read_writes(input)?;
        let judged: Vec<Result<Change, Refusal>> = plans.iter().map(|plan| self.judge(plan)).collect();
        let mut changes = Vec::new();
        let mut refusals = Vec::new();
        for result in judged {
            match result {
                Ok(change) => {
                    changes.push(change);
                    refusals.push(None);
                }
                Err(refusal) => refusals.push(Some(refusal)),
            }
        }
        if changes.len() < plans.len() {
            return Err(cancelled(&refusals));
        }
        let bytes: usize = changes.iter().map(|change| change.new.as_ref().map_or(0, item_bytes)).sum();
        if bytes > BYTES_MAX {
            return Err(bad(
                "Collection size of items in the transaction has exceeded the maximum allowed size of 4 MB",
            ));
        }
        if !token.is_empty() {
            self.tokens.insert(token.to_owned(), (ctx.now, input.clone()));
        }
        let answer = write_capacity(input, &changes);
        self.commit(ctx, changes);
        Ok(answer)
    }

    /// Reads all actions; what is malformed, or names one item twice, is refused before anything is judged.
    fn read_writes(&self, input: &Value) -> Result<Vec<Plan>, ApiError> {
        let mut plans: Vec<Plan> = Vec::new();
        let mut seen = BTreeSet::new();
        for action in actions(input)? {
            let (kind, params) = kind_of(action)?;
            if kind == "ConditionCheck" && params["ConditionExpression"].as_str().is_none() {
                return Err(bad("The ConditionExpression of a ConditionCheck must not be null"));
            }
            let plan = self.plan(kind, params)?;
            if !seen.insert((plan.table.clone(), plan.key.clone())) {
                return Err(bad("Transaction request cannot include multiple operations on one item"));
            }
            plans.push(plan);
        }
        Ok(plans)
    }

    /// Whether the same transaction was made with this token in the last ten minutes.
    fn is_repeated(&mut self, now: Timestamp, token: &str, input: &Value) -> Result<bool, ApiError> {
        self.tokens.retain(|_, (at, _)| now.duration_since(*at) < TOKEN_LIFE);
        match self.tokens.get(token) {
            None => Ok(false),
            Some((_, before)) if before["TransactItems"] == input["TransactItems"] => Ok(true),
            Some(_) => Err(ApiError::client(
                "IdempotentParameterMismatchException",
                "Request parameters do not match the parameters of a previous call that used the same ClientRequestToken",
            )),
        }
    }

    pub(super) fn transact_get_items(&self, input: &Value) -> Answer {
        let mut responses = Vec::new();
        let mut units: BTreeMap<String, f64> = BTreeMap::new();
        for action in actions(input)? {
            let get = &action["Get"];
            let mut params = Params::read(get)?;
            let paths = params.projection()?;
            params.check_all_used()?;
            let table = self.table(get)?;
            let item = table.items.get(&table.key_of(&read_item(&get["Key"])?)?);
            *units.entry(table.name.clone()).or_default() += 2.0 * read_units(item.map_or(0, item_bytes), true);
            let mut response = Map::new();
            if let Some(item) = item {
                let shown = paths.map_or_else(|| item.clone(), |paths| project(item, &paths));
                response.insert("Item".to_owned(), write_item(&shown));
            }
            responses.push(Value::Object(response));
        }
        let mut answer = json!({"Responses": responses});
        add_capacity(&mut answer, input, &units);
        Ok(answer)
    }
}

fn write_capacity(input: &Value, changes: &[Change]) -> Value {
    let mut units: BTreeMap<String, f64> = BTreeMap::new();
    for change in changes {
        let bytes = change.old.iter().chain(&change.new).map(item_bytes).max().unwrap_or(0);
        *units.entry(change.table.clone()).or_default() += 2.0 * write_units(bytes);
    }
    let mut answer = json!({});
    add_capacity(&mut answer, input, &units);
    answer
}

fn add_capacity(answer: &mut Value, input: &Value, units: &BTreeMap<String, f64>) {
    let capacity: Vec<Value> = units.iter().filter_map(|(table, units)| consumed(input, table, *units)).collect();
    if !capacity.is_empty() {
        answer["ConsumedCapacity"] = Value::Array(capacity);
    }
}

/// The IAM action behind an action of a transaction.
pub fn iam_action(kind: &str) -> &'static str {
    match kind {
        "Put" => "dynamodb:PutItem",
        "Update" => "dynamodb:UpdateItem",
        "Delete" => "dynamodb:DeleteItem",
        _ => "dynamodb:ConditionCheckItem",
    }
}
