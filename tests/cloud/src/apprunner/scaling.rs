//! Auto scaling configurations: revisions, the account's default, and which services use one.

use serde_json::{Map, Value, json};

use crate::call::{Answer, Ctx, Place};

use super::AppRunner;
use super::config::members;
use super::errors::invalid_request;
use super::ids::epoch;
use super::paging::{oldest_first, page};
use super::revisions::Revision;

const WHAT: &str = "Auto scaling configuration";
/// The configuration that every account has from the beginning.
pub(super) const PROVIDED: &str = "DefaultConfiguration";
const PROVIDED_ID: &str = "00000000000000000000000000000001";

/// The model's defaults are 100, 1 and 25.
#[derive(Clone, Debug)]
pub(super) struct Scaling {
    pub(super) max_concurrency: u64,
    pub(super) min_size: u64,
    pub(super) max_size: u64,
}

fn number(input: &Value, member: &str, default: u64) -> u64 {
    input.get(member).and_then(Value::as_u64).unwrap_or(default)
}

fn arn_of(input: &Value) -> &str {
    input.get("AutoScalingConfigurationArn").and_then(Value::as_str).unwrap_or_default()
}

impl AppRunner {
    /// Gives the account its `DefaultConfiguration`. It cannot be made before the place is known.
    pub(super) fn provide_default_scaling(&mut self, ctx: &Ctx<'_>) {
        if self.scaling.is_empty() {
            let settings = Scaling { max_concurrency: 100, min_size: 1, max_size: 25 };
            let added = self.scaling.add(PROVIDED, PROVIDED_ID.to_owned(), settings, ctx.now, Some(PROVIDED));
            self.default_scaling = added.ok().map(|row| (row.name, row.revision));
        }
    }

    fn is_default(&self, row: &Revision<Scaling>) -> bool {
        self.default_scaling.as_ref().is_some_and(|(name, n)| *name == row.name && *n == row.revision)
    }

    pub(super) fn default_scaling_arn(&self, place: &Place) -> String {
        let default = self.scaling.active_rows().find(|row| self.is_default(row));
        default.map(|row| row.arn(place)).unwrap_or_default()
    }

    fn uses_scaling(&self, arn: &str) -> bool {
        self.services.values().any(|service| !service.is_deleted() && service.shown.scaling_arn == arn)
    }

    /// The instances that a configuration allows, for the traffic model.
    pub(super) fn scaling_settings(&self, arn: &str) -> Option<Scaling> {
        self.scaling.find(arn).map(|row| row.settings.clone())
    }

    /// The summary in a service's description.
    pub(super) fn scaling_summary(&self, arn: &str) -> Value {
        match self.scaling.find(arn) {
            Some(row) => Value::Object(self.scaling_head(row, arn)),
            None => json!({ "AutoScalingConfigurationArn": arn }),
        }
    }

    fn scaling_head(&self, row: &Revision<Scaling>, arn: &str) -> Map<String, Value> {
        members([
            ("AutoScalingConfigurationArn", Some(json!(arn))),
            ("AutoScalingConfigurationName", Some(json!(row.name))),
            ("AutoScalingConfigurationRevision", Some(json!(row.revision))),
            ("Status", Some(json!(row.status()))),
            ("CreatedAt", Some(epoch(row.created_at))),
            ("HasAssociatedService", Some(json!(self.uses_scaling(arn)))),
            ("IsDefault", Some(json!(self.is_default(row)))),
        ])
    }

    fn scaling_answer(&self, row: &Revision<Scaling>, place: &Place) -> Value {
        let mut shown = self.scaling_head(row, &row.arn(place));
        shown.extend(members([
            ("Latest", Some(json!(self.scaling.is_latest(row)))),
            ("MaxConcurrency", Some(json!(row.settings.max_concurrency))),
            ("MinSize", Some(json!(row.settings.min_size))),
            ("MaxSize", Some(json!(row.settings.max_size))),
            ("DeletedAt", row.deleted_at.map(epoch)),
        ]));
        json!({ "AutoScalingConfiguration": shown })
    }

    pub(super) fn create_scaling(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let name = input.get("AutoScalingConfigurationName").and_then(Value::as_str).unwrap_or_default();
        let settings = Scaling {
            max_concurrency: number(input, "MaxConcurrency", 100),
            min_size: number(input, "MinSize", 1),
            max_size: number(input, "MaxSize", 25),
        };
        if settings.min_size > settings.max_size {
            return Err(invalid_request("MinSize must not be greater than MaxSize."));
        }
        let row = self.scaling.add(name, ctx.ids.hex32(), settings, ctx.now, Some(PROVIDED))?;
        self.put_tags(&row.arn(ctx.place), input);
        Ok(self.scaling_answer(&row, ctx.place))
    }

    pub(super) fn describe_scaling(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let row = self.scaling.described("DescribeAutoScalingConfiguration", WHAT, arn_of(input), ctx.now)?;
        Ok(self.scaling_answer(row, ctx.place))
    }

    pub(super) fn list_scaling(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let rows = self.scaling.listed(input, "AutoScalingConfigurationName").map(|row| {
            let key = format!("{} {}", row.name, oldest_first(row.revision));
            (key, Value::Object(self.scaling_head(row, &row.arn(ctx.place))))
        });
        let member = "AutoScalingConfigurationSummaryList";
        page("ListAutoScalingConfigurations", input, 100, member, rows.collect(), Map::new())
    }

    /// Deletes one revision, or all of a name; never the default one, never one that a service uses.
    pub(super) fn delete_scaling(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let arn = arn_of(input);
        let row = self.scaling.active("DeleteAutoScalingConfiguration", WHAT, arn)?.clone();
        let all = input.get("DeleteAllRevisions").and_then(Value::as_bool).unwrap_or_default();
        if all && arn.matches('/').count() != 1 {
            return Err(invalid_request("DeleteAllRevisions takes an ARN that ends with the configuration's name."));
        }
        let doomed: Vec<(String, u64)> = self
            .scaling
            .active_rows()
            .filter(|other| other.name == row.name && (all || other.revision == row.revision))
            .map(|other| (other.name.clone(), other.revision))
            .collect();
        let (default, place) = (self.default_scaling.clone(), ctx.place);
        let used: Vec<String> =
            self.services.values().filter(|s| !s.is_deleted()).map(|s| s.shown.scaling_arn.clone()).collect();
        self.scaling.delete(&doomed, ctx.now, |row| {
            if default.as_ref().is_some_and(|(name, n)| *name == row.name && *n == row.revision) {
                return Some("The default auto scaling configuration can't be deleted.".to_owned());
            }
            let arn = row.arn(place);
            used.contains(&arn).then(|| format!("{WHAT} {arn} is in use by a service and can't be deleted."))
        })?;
        let deleted = self.scaling.described("DeleteAutoScalingConfiguration", WHAT, &row.arn(place), ctx.now)?;
        Ok(self.scaling_answer(deleted, place))
    }

    pub(super) fn update_default_scaling(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let row = self.scaling.active("UpdateDefaultAutoScalingConfiguration", WHAT, arn_of(input))?.clone();
        self.default_scaling = Some((row.name.clone(), row.revision));
        Ok(self.scaling_answer(&row, ctx.place))
    }

    pub(super) fn list_services_for_scaling(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let operation = "ListServicesForAutoScalingConfiguration";
        let arn = self.scaling.described(operation, WHAT, arn_of(input), ctx.now)?.arn(ctx.place);
        let users = self.services.values().filter(|s| !s.is_deleted() && s.shown.scaling_arn == arn);
        let rows = users.map(|service| (oldest_first(service.number), json!(service.ident.arn))).collect();
        page(operation, input, 100, "ServiceArnList", rows, Map::new())
    }
}
