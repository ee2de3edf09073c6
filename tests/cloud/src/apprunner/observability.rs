//! Observability configurations: revisions with one feature, tracing by X-Ray.

use serde_json::{Map, Value, json};

use crate::call::{Answer, Ctx, Place};

use super::AppRunner;
use super::config::members;
use super::ids::epoch;
use super::paging::{oldest_first, page};
use super::revisions::Revision;

const WHAT: &str = "Observability configuration";

/// The `TraceConfiguration` of a revision, where tracing is on.
pub(super) type Tracing = Option<Value>;

fn arn_of(input: &Value) -> &str {
    input.get("ObservabilityConfigurationArn").and_then(Value::as_str).unwrap_or_default()
}

fn head(row: &Revision<Tracing>, place: &Place) -> Map<String, Value> {
    members([
        ("ObservabilityConfigurationArn", Some(json!(row.arn(place)))),
        ("ObservabilityConfigurationName", Some(json!(row.name))),
        ("ObservabilityConfigurationRevision", Some(json!(row.revision))),
    ])
}

impl AppRunner {
    fn observability_answer(&self, row: &Revision<Tracing>, place: &Place) -> Value {
        let mut shown = head(row, place);
        shown.extend(members([
            ("TraceConfiguration", row.settings.clone()),
            ("Latest", Some(json!(self.observability.is_latest(row)))),
            ("Status", Some(json!(row.status()))),
            ("CreatedAt", Some(epoch(row.created_at))),
            ("DeletedAt", row.deleted_at.map(epoch)),
        ]));
        json!({ "ObservabilityConfiguration": shown })
    }

    pub(super) fn create_observability(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let name = input.get("ObservabilityConfigurationName").and_then(Value::as_str).unwrap_or_default();
        let tracing = input.get("TraceConfiguration").cloned();
        let row = self.observability.add(name, ctx.ids.hex32(), tracing, ctx.now, None)?;
        self.put_tags(&row.arn(ctx.place), input);
        Ok(self.observability_answer(&row, ctx.place))
    }

    pub(super) fn describe_observability(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let operation = "DescribeObservabilityConfiguration";
        let row = self.observability.described(operation, WHAT, arn_of(input), ctx.now)?;
        Ok(self.observability_answer(row, ctx.place))
    }

    pub(super) fn list_observability(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let rows = self.observability.listed(input, "ObservabilityConfigurationName").map(|row| {
            let key = format!("{} {}", row.name, oldest_first(row.revision));
            (key, Value::Object(head(row, ctx.place)))
        });
        let member = "ObservabilityConfigurationSummaryList";
        page("ListObservabilityConfigurations", input, 100, member, rows.collect(), Map::new())
    }

    pub(super) fn delete_observability(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let operation = "DeleteObservabilityConfiguration";
        let row = self.observability.active(operation, WHAT, arn_of(input))?.clone();
        let arn = row.arn(ctx.place);
        let used = self.services.values().any(|s| !s.is_deleted() && s.shown.observability_arn() == Some(&arn));
        self.observability.delete(&[(row.name.clone(), row.revision)], ctx.now, |_| {
            used.then(|| format!("{WHAT} {arn} is in use by a service and can't be deleted."))
        })?;
        let deleted = self.observability.described(operation, WHAT, &arn, ctx.now)?;
        Ok(self.observability_answer(deleted, ctx.place))
    }
}
