//! The operations on one item.

use serde_json::{Map, Value};

use crate::call::{Answer, ApiError, Ctx};

use super::condition::look_up;
use super::params::{Params, Path, Step};
use super::plan::{Change, Refusal, Work};
use super::value::{Attr, Item, item_bytes, read_item, write_item};
use super::{DynamoDb, bad, consumed, read_units, table_name, write_units};

/// The parts of an item at the given paths; elements of lists close up.
pub fn project(item: &Item, paths: &[Path]) -> Item {
    let mut shown = Item::new();
    let mut sorted: Vec<&Path> = paths.iter().collect();
    sorted.sort();
    for path in sorted {
        let (Some(value), Some(Step::Member(name))) = (look_up(item, path), path.first()) else { continue };
        let part = nest(&path[1..], value.clone());
        match shown.remove(name) {
            Some(already) => shown.insert(name.clone(), merge(already, part)),
            None => shown.insert(name.clone(), part),
        };
    }
    shown
}

/// Wraps a value into the maps and lists through which its path leads.
fn nest(path: &[Step], value: Attr) -> Attr {
    path.iter().rev().fold(value, |inner, step| match step {
        Step::Member(name) => Attr::M(Item::from([(name.clone(), inner)])),
        Step::Element(_) => Attr::L(vec![inner]),
    })
}

fn merge(left: Attr, right: Attr) -> Attr {
    match (left, right) {
        (Attr::M(mut left), Attr::M(right)) => {
            for (name, value) in right {
                let merged = match left.remove(&name) {
                    Some(already) => merge(already, value),
                    None => value,
                };
                left.insert(name, merged);
            }
            Attr::M(left)
        }
        (Attr::L(mut left), Attr::L(right)) => {
            left.extend(right);
            Attr::L(left)
        }
        (_, right) => right,
    }
}

/// The error of a single write that does not happen.
fn refused(refusal: Refusal) -> ApiError {
    match refusal {
        Refusal::Invalid(error) => error,
        Refusal::Condition(item) => {
            let mut error = ApiError::client("ConditionalCheckFailedException", "The conditional request failed");
            if let Some(item) = item {
                error.fields.insert("Item".to_owned(), write_item(&item));
            }
            error
        }
    }
}

/// `Attributes` of the answer, as `ReturnValues` asks.
fn returned(asked: &str, change: &Change, touched: &[Path]) -> Option<Value> {
    let shown = match asked {
        "ALL_OLD" => change.old.clone()?,
        "ALL_NEW" => change.new.clone()?,
        "UPDATED_OLD" => project(change.old.as_ref()?, touched),
        "UPDATED_NEW" => project(change.new.as_ref()?, touched),
        _ => return None,
    };
    (!shown.is_empty()).then(|| write_item(&shown))
}

impl DynamoDb {
    pub(super) fn get_item(&self, input: &Value) -> Answer {
        let mut params = Params::read(input)?;
        let paths = params.projection()?;
        params.check_all_used()?;
        let table = self.table(input)?;
        let key = table.key_of(&read_item(&input["Key"])?)?;
        let found = table.items.get(&key);
        let mut answer = Map::new();
        if let Some(item) = found {
            let shown = paths.map_or_else(|| item.clone(), |paths| project(item, &paths));
            answer.insert("Item".to_owned(), write_item(&shown));
        }
        let units = read_units(found.map_or(0, item_bytes), input["ConsistentRead"] == true);
        answer.extend(consumed(input, &table.name, units).map(|capacity| ("ConsumedCapacity".to_owned(), capacity)));
        Ok(answer.into())
    }

    pub(super) fn put_item(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        self.write_one(ctx, "Put", &["NONE", "ALL_OLD"], input)
    }

    pub(super) fn delete_item(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        self.write_one(ctx, "Delete", &["NONE", "ALL_OLD"], input)
    }

    pub(super) fn update_item(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        self.write_one(ctx, "Update", &["NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"], input)
    }

    fn write_one(&mut self, ctx: &mut Ctx<'_>, kind: &str, may_return: &[&str], input: &Value) -> Answer {
        let asked = input["ReturnValues"].as_str().unwrap_or("NONE");
        if !may_return.contains(&asked) {
            return Err(bad(format!(
                "Return values set to invalid value: {asked}; it can be {}",
                may_return.join(", ")
            )));
        }
        let plan = self.plan(kind, input)?;
        let touched: Vec<Path> = match &plan.work {
            Work::Update(update, _) => update.paths().into_iter().cloned().collect(),
            Work::Put(_) | Work::Delete | Work::Check => Vec::new(),
        };
        let change = self.judge(&plan).map_err(refused)?;
        let mut answer = Map::new();
        if let Some(attributes) = returned(asked, &change, &touched) {
            answer.insert("Attributes".to_owned(), attributes);
        }
        let bytes = change.old.iter().chain(&change.new).map(item_bytes).max().unwrap_or(0);
        answer.extend(
            consumed(input, table_name(input), write_units(bytes))
                .map(|capacity| ("ConsumedCapacity".to_owned(), capacity)),
        );
        self.commit(ctx, vec![change]);
        Ok(answer.into())
    }
}
