//! Carrying changes out, and the stream records that they leave.

use serde_json::{Value, json};

use crate::call::Ctx;
use crate::effect::Effect;

use super::DynamoDb;
use super::plan::Change;
use super::table::{Stream, Table};
use super::value::{Item, item_bytes, write_item};

impl DynamoDb {
    /// Carries out changes that were judged together, in order. A change that changes nothing leaves no record.
    pub(super) fn commit(&mut self, ctx: &mut Ctx<'_>, changes: Vec<Change>) {
        self.commit_as(ctx, changes, None);
    }

    /// The same; `identity` is the `userIdentity` of a deletion by the service itself.
    pub(super) fn commit_as(&mut self, ctx: &mut Ctx<'_>, changes: Vec<Change>, identity: Option<&Value>) {
        for change in changes.into_iter().filter(|change| change.old != change.new) {
            let Some(table) = self.tables.get_mut(&change.table) else { continue };
            if let Some(stream) = table.stream.clone() {
                self.sequence += 1;
                let record = record(ctx, table, &stream, &change, self.sequence, identity);
                ctx.effects.push(Effect::StreamRecord { table: change.table.clone(), record });
            }
            match change.new {
                Some(item) => table.items.insert(change.key, item),
                None => table.items.remove(&change.key),
            };
        }
    }
}

/// One record as `GetRecords` and Lambda show it.
fn record(
    ctx: &mut Ctx<'_>,
    table: &Table,
    stream: &Stream,
    change: &Change,
    sequence: u64,
    identity: Option<&Value>,
) -> Value {
    let name = match (&change.old, &change.new) {
        (None, _) => "INSERT",
        (Some(_), Some(_)) => "MODIFY",
        (Some(_), None) => "REMOVE",
    };
    let keys: Item = change
        .new
        .as_ref()
        .or(change.old.as_ref())
        .into_iter()
        .flatten()
        .filter(|(name, _)| table.keys.names().any(|key| key == name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let new = change.new.as_ref().filter(|_| stream.view.starts_with("NEW"));
    let old = change.old.as_ref().filter(|_| stream.view.contains("OLD"));
    let bytes = item_bytes(&keys) + new.map_or(0, item_bytes) + old.map_or(0, item_bytes);
    let mut body = json!({
        "ApproximateCreationDateTime": ctx.now.as_second(),
        "Keys": write_item(&keys),
        // 21 digits, as AWS gives: it sorts as a text as it sorts as a number.
        "SequenceNumber": format!("1{sequence:020}"),
        "SizeBytes": bytes,
        "StreamViewType": stream.view,
    });
    for (member, image) in [("NewImage", new), ("OldImage", old)] {
        if let Some(image) = image {
            body[member] = write_item(image);
        }
    }
    let mut record = json!({
        "eventID": ctx.ids.hex32(),
        "eventName": name,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": ctx.place.region,
        "dynamodb": body,
        "eventSourceARN": stream.arn,
    });
    if let Some(identity) = identity {
        record["userIdentity"] = identity.clone();
    }
    record
}
