//! Time to live. AWS promises the deletion of an expired item within days, not at the second, so the local cloud looks once
//! a day: an expired item is still read for up to 24 hours, and code that trusts the expiry fails here as it would there.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::call::{Answer, Ctx};

use super::plan::Change;
use super::value::{Attr, Item};
use super::{DynamoDb, bad, table_name};

/// How often expired items are looked for.
const SWEEP_EVERY: SignedDuration = SignedDuration::from_hours(24);
/// An item that expired longer ago than this is left alone, as the developer guide says: five years.
const EXPIRED_SECS_MAX: i64 = 5 * 365 * 24 * 3600;

impl DynamoDb {
    pub(super) fn update_time_to_live(&mut self, input: &Value) -> Answer {
        let table = self.table_mut(table_name(input))?;
        let spec = &input["TimeToLiveSpecification"];
        let attribute = spec["AttributeName"].as_str().unwrap_or_default().to_owned();
        let on = spec["Enabled"] == true;
        match (&table.ttl_attribute, on) {
            (Some(_), true) => return Err(bad("TimeToLive is already enabled")),
            (None, false) => return Err(bad("TimeToLive is already disabled")),
            (Some(current), false) if *current != attribute => {
                return Err(bad("TimeToLive is active on a different AttributeName"));
            }
            (Some(_), false) => table.ttl_attribute = None,
            (None, true) if attribute.is_empty() => return Err(bad("TimeToLive needs an AttributeName")),
            (None, true) => table.ttl_attribute = Some(attribute),
        }
        Ok(json!({"TimeToLiveSpecification": spec}))
    }

    pub(super) fn describe_time_to_live(&self, input: &Value) -> Answer {
        let shown = match &self.table(input)?.ttl_attribute {
            Some(attribute) => json!({"TimeToLiveStatus": "ENABLED", "AttributeName": attribute}),
            None => json!({"TimeToLiveStatus": "DISABLED"}),
        };
        Ok(json!({"TimeToLiveDescription": shown}))
    }

    /// When expired items are next looked for; none where no table lets items expire.
    pub(super) fn next_sweep(&self) -> Option<Timestamp> {
        let since =
            self.tables.values().filter(|table| table.ttl_attribute.is_some()).map(|table| table.created_at).min()?;
        self.swept_at.unwrap_or(since).checked_add(SWEEP_EVERY).ok()
    }

    /// Deletes what has expired, if it is time to look.
    pub(super) fn sweep(&mut self, ctx: &mut Ctx<'_>) {
        if self.next_sweep().is_none_or(|due| due > ctx.now) {
            return;
        }
        self.swept_at = Some(ctx.now);
        let mut changes = Vec::new();
        for table in self.tables.values() {
            let Some(attribute) = &table.ttl_attribute else { continue };
            for (key, item) in table.items.iter().filter(|(_, item)| expired(item, attribute, ctx.now)) {
                changes.push(Change {
                    table: table.name.clone(),
                    key: key.clone(),
                    old: Some(item.clone()),
                    new: None,
                });
            }
        }
        let identity = json!({"type": "Service", "principalId": "dynamodb.amazonaws.com"});
        self.commit_as(ctx, changes, Some(&identity));
    }
}

/// Whether the item's expiry, a number of epoch seconds, has passed.
fn expired(item: &Item, attribute: &str, now: Timestamp) -> bool {
    let Some(Attr::N(at)) = item.get(attribute) else { return false };
    at.as_i64().is_some_and(|at| at < now.as_second() && at > now.as_second() - EXPIRED_SECS_MAX)
}
