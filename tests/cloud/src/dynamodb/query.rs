//! Query and Scan, on the table or on one of its indexes, a page at a time.

use std::cmp::Ordering;

use serde_json::{Map, Value, json};

use crate::call::{Answer, ApiError};

use super::condition::{Comparison, Condition, Operand};
use super::items::project;
use super::params::{Params, Path, Step};
use super::table::{Index, Key, KeySchema, Table};
use super::value::{Attr, Item, item_bytes, read_item, write_item};
use super::{DynamoDb, bad, consumed, read_units};

/// Bytes of items that one page looks at.
const PAGE_BYTES_MAX: usize = 1024 * 1024;

/// What a page is made of.
struct Request<'a> {
    input: &'a Value,
    table: &'a Table,
    index: Option<&'a Index>,
    filter: Option<Condition>,
    paths: Option<Vec<Path>>,
}

/// Where an item stands among those that are read: the index's key, then the table's.
type Position = (Option<Attr>, Option<Attr>, Key);

impl<'a> Request<'a> {
    fn keys(&self) -> &'a KeySchema {
        self.index.map_or(&self.table.keys, |index| &index.keys)
    }

    /// The position of an item; none where the index does not hold it.
    fn position(&self, key: &Key, item: &Item) -> Option<Position> {
        let Some(index) = self.index else { return Some((None, None, key.clone())) };
        let hash = item.get(&index.keys.hash)?.clone();
        let sort = match &index.keys.sort {
            Some(name) => Some(item.get(name)?.clone()),
            None => None,
        };
        Some((Some(hash), sort, key.clone()))
    }

    /// `ExclusiveStartKey`, checked, as a position.
    fn start(&self) -> Result<Option<Position>, ApiError> {
        let given = read_item(&self.input["ExclusiveStartKey"])?;
        if given.is_empty() {
            return Ok(None);
        }
        let invalid = || bad("The provided starting key is invalid");
        let names: std::collections::BTreeSet<&str> = self.table.keys.names().chain(self.keys().names()).collect();
        if names.len() != given.len() || names.iter().any(|name| !given.contains_key(*name)) {
            return Err(invalid());
        }
        let primary: Item = given
            .iter()
            .filter(|(name, _)| self.table.keys.names().any(|key| key == name.as_str()))
            .map(|(n, v)| (n.clone(), v.clone()))
            .collect();
        let key = self.table.key_of(&primary).map_err(|_| invalid())?;
        self.position(&key, &given).map(Some).ok_or_else(invalid)
    }

    /// The key of an item as `LastEvaluatedKey` shows it.
    fn shown_key(&self, item: &Item) -> Value {
        let names: Vec<&str> = self.table.keys.names().chain(self.keys().names()).collect();
        let key: Item = item
            .iter()
            .filter(|(name, _)| names.contains(&name.as_str()))
            .map(|(n, v)| (n.clone(), v.clone()))
            .collect();
        write_item(&key)
    }

    /// Reads one page out of candidates that already stand in order.
    fn page(&self, candidates: Vec<(Position, &Item)>, forward: bool) -> Answer {
        let limit = self.input["Limit"].as_u64().map_or(usize::MAX, |limit| limit as usize);
        if limit == 0 {
            return Err(bad(
                "1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: Member must have value \
                 greater than or equal to 1",
            ));
        }
        let wanted = if forward { Ordering::Greater } else { Ordering::Less };
        let start = self.start()?;
        let (mut bytes, mut scanned, mut last) = (0, 0, None);
        let mut found: Vec<Value> = Vec::new();
        for (position, item) in candidates {
            if start.as_ref().is_some_and(|start| position.cmp(start) != wanted) {
                continue;
            }
            scanned += 1;
            bytes += item_bytes(item);
            let seen = self.index.map_or_else(|| item.clone(), |index| index.projected(&self.table.keys, item));
            if self.filter.as_ref().is_none_or(|filter| filter.holds(&seen)) {
                found.push(write_item(&self.paths.as_ref().map_or(seen.clone(), |paths| project(&seen, paths))));
            }
            if scanned >= limit || bytes >= PAGE_BYTES_MAX {
                last = Some(self.shown_key(item));
                break;
            }
        }
        let mut answer = Map::new();
        answer.insert("Count".to_owned(), json!(found.len()));
        answer.insert("ScannedCount".to_owned(), json!(scanned));
        if self.input["Select"] != "COUNT" {
            answer.insert("Items".to_owned(), Value::Array(found));
        }
        answer.extend(last.map(|key| ("LastEvaluatedKey".to_owned(), key)));
        let units = read_units(bytes, self.input["ConsistentRead"] == true);
        answer.extend(consumed(self.input, &self.table.name, units).map(|c| ("ConsumedCapacity".to_owned(), c)));
        Ok(answer.into())
    }

    fn check(&self) -> Result<(), ApiError> {
        let global = self.index.is_some_and(|index| index.global);
        if global && self.input["ConsistentRead"] == true {
            return Err(bad("Consistent reads are not supported on global secondary indexes"));
        }
        match self.input["Select"].as_str() {
            Some("SPECIFIC_ATTRIBUTES") | None => Ok(()),
            Some(select) if self.paths.is_some() => {
                Err(bad(format!("Cannot specify the ProjectionExpression when choosing to get {select}")))
            }
            Some("ALL_PROJECTED_ATTRIBUTES") if self.index.is_none() => {
                Err(bad("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName"))
            }
            Some(_) => Ok(()),
        }
    }
}

/// A key condition: one value of the partition key, and what the sort key must meet.
#[derive(Debug, PartialEq)]
pub struct KeyCondition {
    pub hash: Attr,
    sort: Option<Condition>,
}

impl KeyCondition {
    /// Takes a parsed key condition apart. Only `hash = :v`, alone or with one test of the sort key by AND, is one.
    pub fn read(condition: &Condition, keys: &KeySchema) -> Result<Self, ApiError> {
        let mut parts = Vec::new();
        flatten(condition, &mut parts)?;
        let mut hash = None;
        let mut sort = None;
        for part in parts {
            let Some((name, value)) = key_test(part) else { return Err(bad("Query key condition not supported")) };
            if name == keys.hash {
                let Condition::Compare(_, Comparison::Equal, _) = part else {
                    return Err(bad("Query key condition not supported"));
                };
                if hash.replace(value.clone()).is_some() {
                    return Err(only_one_per_key());
                }
            } else if keys.sort.as_deref() == Some(name) {
                if sort.replace(part.clone()).is_some() {
                    return Err(only_one_per_key());
                }
            } else {
                let missing = if hash.is_none() { &keys.hash } else { keys.sort.as_ref().unwrap_or(&keys.hash) };
                return Err(bad(format!("Query condition missed key schema element: {missing}")));
            }
        }
        let hash = hash.ok_or_else(|| bad(format!("Query condition missed key schema element: {}", keys.hash)))?;
        Ok(Self { hash, sort })
    }
}

fn only_one_per_key() -> ApiError {
    bad("KeyConditionExpressions must only contain one condition per key")
}

fn flatten<'a>(condition: &'a Condition, parts: &mut Vec<&'a Condition>) -> Result<(), ApiError> {
    match condition {
        Condition::And(left, right) => {
            flatten(left, parts)?;
            flatten(right, parts)
        }
        Condition::Or(..) => Err(bad("Invalid operator used in KeyConditionExpression: OR")),
        Condition::Not(_) => Err(bad("Invalid operator used in KeyConditionExpression: NOT")),
        other => {
            parts.push(other);
            Ok(())
        }
    }
}

/// The key attribute and the (first) value of a test that a key condition may hold.
fn key_test(test: &Condition) -> Option<(&str, &Attr)> {
    let (left, value) = match test {
        Condition::Compare(_, Comparison::NotEqual, _) => return None,
        Condition::Compare(left, _, Operand::Value(value))
        | Condition::BeginsWith(left, Operand::Value(value))
        | Condition::Between(left, Operand::Value(value), Operand::Value(_)) => (left, value),
        _ => return None,
    };
    match left {
        Operand::Path(path) => match path.as_slice() {
            [Step::Member(name)] => Some((name, value)),
            _ => None,
        },
        Operand::Value(_) | Operand::Size(_) => None,
    }
}

/// Key values of a condition must have the key's type and not be empty.
fn check_values(table: &Table, keys: &KeySchema, condition: &KeyCondition) -> Result<(), ApiError> {
    let sort = condition.sort.as_ref().and_then(key_test).map(|(_, value)| value);
    for (name, value) in keys.names().zip(std::iter::once(Some(&condition.hash)).chain(std::iter::once(sort))) {
        let Some(value) = value else { continue };
        if table.types.get(name).is_some_and(|wanted| wanted != value.type_name()) {
            return Err(bad(
                "One or more parameter values were invalid: Condition parameter type does not match schema type",
            ));
        }
        let empty =
            value.size_bytes() == 0 && !matches!(condition.sort, Some(Condition::BeginsWith(..)) if keys.hash != name);
        if empty {
            return Err(bad(format!(
                "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty \
                 string value. Key: {name}"
            )));
        }
    }
    Ok(())
}

impl DynamoDb {
    pub(super) fn query(&self, input: &Value) -> Answer {
        let table = self.table(input)?;
        let index = table.index(input)?;
        let mut params = Params::read(input)?;
        let condition = params.condition("KeyConditionExpression")?.ok_or_else(|| {
            bad("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
        })?;
        let (filter, paths) = (params.condition("FilterExpression")?, params.projection()?);
        params.check_all_used()?;
        let request = Request { input, table, index, filter, paths };
        request.check()?;
        let keys = request.keys();
        let condition = KeyCondition::read(&condition, keys)?;
        check_values(table, keys, &condition)?;
        let filtered = request.filter.as_ref().map(Condition::attributes).unwrap_or_default();
        if let Some(name) = filtered.into_iter().find(|name| keys.names().any(|key| key == *name)) {
            return Err(bad(format!(
                "Filter Expression can only contain non-primary key attributes: Primary key attribute: {name}"
            )));
        }
        let meets = |item: &Item| {
            item.get(&keys.hash) == Some(&condition.hash) && condition.sort.as_ref().is_none_or(|sort| sort.holds(item))
        };
        let from = if index.is_none() {
            table.items.range((condition.hash.clone(), None)..)
        } else {
            table.items.range::<Key, _>(..)
        };
        let mut candidates: Vec<(Position, &Item)> = from
            .take_while(|((hash, _), _)| index.is_some() || *hash == condition.hash)
            .filter(|(_, item)| meets(item))
            .filter_map(|(key, item)| Some((request.position(key, item)?, item)))
            .collect();
        let forward = input["ScanIndexForward"] != false;
        candidates.sort_by(|(left, _), (right, _)| left.cmp(right));
        if !forward {
            candidates.reverse();
        }
        request.page(candidates, forward)
    }

    pub(super) fn scan(&self, input: &Value) -> Answer {
        let table = self.table(input)?;
        let index = table.index(input)?;
        let mut params = Params::read(input)?;
        let (filter, paths) = (params.condition("FilterExpression")?, params.projection()?);
        params.check_all_used()?;
        let request = Request { input, table, index, filter, paths };
        request.check()?;
        let segment = segment(input)?;
        let mut candidates: Vec<(Position, &Item)> = table
            .items
            .iter()
            .filter(|((hash, _), _)| segment.is_none_or(|(one, of)| spread(hash) % of == one))
            .filter_map(|(key, item)| Some((request.position(key, item)?, item)))
            .collect();
        candidates.sort_by(|(left, _), (right, _)| left.cmp(right));
        request.page(candidates, true)
    }
}

/// `Segment` and `TotalSegments`: both or none, and the first below the second.
fn segment(input: &Value) -> Result<Option<(u64, u64)>, ApiError> {
    match (input["Segment"].as_u64(), input["TotalSegments"].as_u64()) {
        (None, None) => Ok(None),
        (Some(one), Some(of)) if one < of => Ok(Some((one, of))),
        (Some(_), Some(of)) => Err(bad(format!(
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: TotalSegments: {of}"
        ))),
        _ => Err(bad("Segment and TotalSegments must both be present in the request or both be absent")),
    }
}

/// Spreads partition keys over segments, the same way in every run (FNV-1a).
fn spread(hash: &Attr) -> u64 {
    hash.as_plain_text()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
