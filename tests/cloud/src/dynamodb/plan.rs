//! One write, first read and checked, then judged against the item that is there. `PutItem`, `UpdateItem`, `DeleteItem`, the
//! batches and the transactions all write through here, so that they accept and refuse the same things.

use serde_json::Value;

use crate::call::ApiError;

use super::condition::Condition;
use super::params::Params;
use super::table::{Key, Table};
use super::update::Update;
use super::value::{Attr, Item, item_bytes, read_item};
use super::{DynamoDb, bad, table_name};

/// The greatest size of an item, names included.
const ITEM_BYTES_MAX: usize = 400 * 1024;
const HASH_KEY_BYTES_MAX: usize = 2048;
const SORT_KEY_BYTES_MAX: usize = 1024;

/// What is to be done with the item.
#[derive(Clone, Debug)]
pub enum Work {
    Put(Item),
    /// The update, and the key with which a missing item begins.
    Update(Update, Item),
    Delete,
    /// `ConditionCheck` of a transaction.
    Check,
}

/// A write whose request was read and found well-formed.
#[derive(Clone, Debug)]
pub struct Plan {
    pub table: String,
    pub key: Key,
    pub work: Work,
    condition: Option<Condition>,
    /// `ReturnValuesOnConditionCheckFailure` is `ALL_OLD`.
    tells_old: bool,
}

/// A write that is to happen: the item before and after.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub table: String,
    pub key: Key,
    pub old: Option<Item>,
    pub new: Option<Item>,
}

/// Why a well-formed write does not happen.
#[derive(Clone, Debug, PartialEq)]
pub enum Refusal {
    /// The condition does not hold; the item is there where the request asked for it.
    Condition(Option<Item>),
    /// The update does not fit the item.
    Invalid(ApiError),
}

impl Table {
    /// Checks one key attribute's value; `mismatch` is the error of a wrong type.
    fn check_key(&self, name: &str, value: &Attr, mismatch: impl FnOnce(&str) -> ApiError) -> Result<(), ApiError> {
        let wanted = self.types.get(name).map_or("S", String::as_str);
        if value.type_name() != wanted {
            return Err(mismatch(wanted));
        }
        let kind = match value {
            Attr::S(text) if text.is_empty() => "string",
            Attr::B(bytes) if bytes.is_empty() => "binary",
            _ => "",
        };
        if !kind.is_empty() {
            return Err(bad(format!(
                "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty \
                 {kind} value. Key: {name}"
            )));
        }
        let (limit, which) =
            if name == self.keys.hash { (HASH_KEY_BYTES_MAX, "hashkey") } else { (SORT_KEY_BYTES_MAX, "rangekey") };
        if value.size_bytes() > limit {
            return Err(bad(format!(
                "One or more parameter values were invalid: Size of {which} has exceeded the maximum size limit of{limit} bytes"
            )));
        }
        Ok(())
    }

    /// The key of a `Key` member: exactly the key's attributes, of the right types.
    pub fn key_of(&self, key: &Item) -> Result<Key, ApiError> {
        let mismatch = || bad("The provided key element does not match the schema");
        if key.len() != self.keys.names().count() {
            return Err(mismatch());
        }
        for name in self.keys.names() {
            self.check_key(name, key.get(name).ok_or_else(mismatch)?, |_| mismatch())?;
        }
        self.split(key).ok_or_else(mismatch)
    }

    /// The key of a whole item that is to be put.
    pub fn key_of_item(&self, item: &Item) -> Result<Key, ApiError> {
        let missing =
            |name: &str| bad(format!("One or more parameter values were invalid: Missing the key {name} in the item"));
        for name in self.keys.names() {
            let value = item.get(name).ok_or_else(|| missing(name))?;
            self.check_key(name, value, |wanted| {
                bad(format!(
                    "One or more parameter values were invalid: Type mismatch for key {name} expected: {wanted} actual: {}",
                    value.type_name()
                ))
            })?;
        }
        self.split(item).ok_or_else(|| missing(&self.keys.hash))
    }

    /// The primary key out of an item that is known to have it.
    fn split(&self, item: &Item) -> Option<Key> {
        let sort = match &self.keys.sort {
            Some(name) => Some(item.get(name)?.clone()),
            None => None,
        };
        Some((item.get(&self.keys.hash)?.clone(), sort))
    }

    /// Keys of indexes, where the item has them, must have the index's type and not be empty.
    fn check_index_keys(&self, item: &Item, updating: bool) -> Result<(), ApiError> {
        for index in &self.indexes {
            for name in index.keys.names() {
                let Some(value) = item.get(name) else { continue };
                let wanted = self.types.get(name).map_or("S", String::as_str);
                if value.type_name() != wanted && updating {
                    return Err(bad(
                        "The update expression attempted to update the secondary index key to unsupported type",
                    ));
                }
                if value.type_name() != wanted {
                    return Err(bad(format!(
                        "One or more parameter values were invalid: Type mismatch for Index Key {name} Expected: {wanted} \
                         Actual: {} IndexName: {}",
                        value.type_name(),
                        index.name
                    )));
                }
                if value.size_bytes() == 0 {
                    return Err(bad(format!(
                        "One or more parameter values are not valid. A value specified for a secondary index key is not \
                         supported. The AttributeValue for a key attribute cannot contain an empty string value. IndexName: \
                         {}, IndexKey: {name}",
                        index.name
                    )));
                }
            }
        }
        Ok(())
    }
}

impl DynamoDb {
    /// Reads a write of one kind: `Put`, `Update`, `Delete` or `ConditionCheck`.
    pub(super) fn plan(&self, kind: &str, input: &Value) -> Result<Plan, ApiError> {
        let mut params = Params::read(input)?;
        let condition = params.condition("ConditionExpression")?;
        let update = if kind == "Update" { params.update()? } else { Update::default() };
        params.check_all_used()?;
        let table = self.table(input)?;
        let (key, work) = if kind == "Put" {
            let item = read_item(&input["Item"])?;
            let key = table.key_of_item(&item)?;
            table.check_index_keys(&item, false)?;
            if item_bytes(&item) > ITEM_BYTES_MAX {
                return Err(bad("Item size has exceeded the maximum allowed size"));
            }
            (key, Work::Put(item))
        } else {
            let given = read_item(&input["Key"])?;
            let key = table.key_of(&given)?;
            let work = match kind {
                "Update" => Work::Update(update, given),
                "Delete" => Work::Delete,
                _ => Work::Check,
            };
            (key, work)
        };
        if let Work::Update(update, _) = &work
            && let Some(name) = update.attributes().into_iter().find(|name| table.keys.names().any(|key| key == *name))
        {
            return Err(bad(format!(
                "One or more parameter values were invalid: Cannot update attribute {name}. This attribute is part of the key"
            )));
        }
        let tells_old = input["ReturnValuesOnConditionCheckFailure"] == "ALL_OLD";
        Ok(Plan { table: table_name(input).to_owned(), key, work, condition, tells_old })
    }

    /// Judges a write against the item that is there. Nothing changes yet.
    pub(super) fn judge(&self, plan: &Plan) -> Result<Change, Refusal> {
        let Some(table) = self.tables.get(&plan.table) else {
            return Err(Refusal::Invalid(super::no_table(&plan.table)));
        };
        let old = table.items.get(&plan.key).cloned();
        let nothing = Item::new();
        let seen = old.as_ref().unwrap_or(&nothing);
        if plan.condition.as_ref().is_some_and(|condition| !condition.holds(seen)) {
            return Err(Refusal::Condition(old.filter(|_| plan.tells_old)));
        }
        let new = match &plan.work {
            Work::Put(item) => Some(item.clone()),
            Work::Delete => None,
            Work::Check => old.clone(),
            Work::Update(update, key) => {
                let begun = old.as_ref().unwrap_or(key);
                let after = update.apply(begun).map_err(Refusal::Invalid)?;
                table.check_index_keys(&after, true).map_err(Refusal::Invalid)?;
                if item_bytes(&after) > ITEM_BYTES_MAX {
                    return Err(Refusal::Invalid(bad("Item size to update has exceeded the maximum allowed size")));
                }
                Some(after)
            }
        };
        Ok(Change { table: plan.table.clone(), key: plan.key.clone(), old, new })
    }
}
