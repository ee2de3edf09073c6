//! Amazon CloudWatch: metrics, alarms that are evaluated on the cloud's clock, and their history.
//!
//! It owns every datapoint and every alarm. Only a change of state is told (event, actions, history); an alarm that
//! nobody feeds and that has come to rest sets no timer, so that time can jump over it.

mod alarm;
mod data;
mod describe;
mod evaluate;
mod history;
mod metrics;
mod notice;
mod reason;
mod rule;
mod watch;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::call::{Answer, ApiError, Call, Ctx, Need, Place, Service};
use crate::shape::{items, text, texts, unknown_operation};
use alarm::{Alarm, Kind, Standing, State, alarm_names, arn, invalid, parse_watch, refuse_unsupported, tags};
use history::History;
use metrics::Metrics;
use rule::Rule;

pub use data::record_input;

/// The service.
#[derive(Debug, Default)]
pub struct CloudWatch {
    metrics: Metrics,
    alarms: BTreeMap<String, Alarm>,
    history: History,
}

impl CloudWatch {
    pub fn new() -> Self {
        Self::default()
    }

    fn put_metric_alarm(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let mut watch = parse_watch(input, ctx.ids.uuid())?;
        watch.due = Some(watch.next_evaluation(ctx.now));
        self.put_alarm(ctx, input, Kind::Metric(Box::new(watch)))?;
        Ok(json!({}))
    }

    fn put_composite_alarm(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        refuse_unsupported(input)?;
        let source = text(input, "AlarmRule").unwrap_or_default();
        let rule = Rule::parse(source).map_err(|error| invalid(format!("AlarmRule: {error}: {source}")))?;
        if let Some(missing) = rule.children().iter().find(|child| !self.alarms.contains_key(**child)) {
            return Err(invalid(format!("AlarmRule names an alarm that does not exist: {missing}")));
        }
        let name = self.put_alarm(ctx, input, Kind::Composite(rule))?;
        self.settle_one(ctx, &name, None);
        Ok(json!({}))
    }

    /// An update leaves the state and the tags as they are and replaces everything else (botocore's model).
    fn put_alarm(&mut self, ctx: &mut Ctx<'_>, input: &Value, kind: Kind) -> Result<String, ApiError> {
        let name = text(input, "AlarmName").unwrap_or_default();
        let mut alarm = Alarm::new(name, kind, input, ctx.now);
        let mut what = "Create";
        if let Some(old) = self.alarms.get(name) {
            if old.kind.name() != alarm.kind.name() {
                return Err(invalid(format!("{name} exists already as a {}", old.kind.name())));
            }
            alarm.standing = old.standing.clone();
            alarm.tags.clone_from(&old.tags);
            what = "Update";
        }
        self.history.configured(ctx.now, &alarm, what);
        self.alarms.insert(name.to_owned(), alarm);
        Ok(name.to_owned())
    }

    fn delete_alarms(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let names = alarm_names(input);
        let composite =
            |name: &&String| self.alarms.get(*name).is_some_and(|alarm| matches!(alarm.kind, Kind::Composite(_)));
        if names.iter().filter(composite).count() > 1 {
            return Err(invalid("You can't delete two composite alarms with one operation"));
        }
        for name in &names {
            if let Some(parent) = self.parents(name).into_iter().find(|parent| !names.contains(parent)) {
                return Err(invalid(format!(
                    "Cannot delete {name} as there are composite alarm(s) depending on it: {parent}"
                )));
            }
        }
        if !names.iter().any(|name| self.alarms.contains_key(name)) {
            return Err(not_found(404, "ResourceNotFound", format!("Unknown alarm(s): {}", names.join(", "))));
        }
        for name in &names {
            if let Some(alarm) = self.alarms.remove(name) {
                self.history.configured(ctx.now, &alarm, "Delete");
            }
        }
        Ok(json!({}))
    }

    fn set_alarm_state(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let name = text(input, "AlarmName").unwrap_or_default();
        let alarm = self
            .alarms
            .get_mut(name)
            .ok_or_else(|| not_found(404, "ResourceNotFound", format!("Unknown alarm: {name}")))?;
        let state = State::parse(text(input, "StateValue").unwrap_or_default())
            .ok_or_else(|| invalid("StateValue must be OK, ALARM or INSUFFICIENT_DATA"))?;
        let reason_data = match text(input, "StateReasonData") {
            None => None,
            Some(data) => Some(serde_json::from_str(data).map_err(|error| {
                ApiError::client("InvalidFormatFault", format!("StateReasonData is not JSON: {error}"))
            })?),
        };
        // A metric alarm goes back to its actual state at its next evaluation.
        if let Kind::Metric(watch) = &mut alarm.kind {
            watch.due = Some(watch.next_evaluation(ctx.now));
        }
        let reason = text(input, "StateReason").unwrap_or_default().to_owned();
        let standing = Standing { state, reason, reason_data, since: ctx.now };
        self.transition(ctx, name, standing);
        Ok(json!({}))
    }

    fn enable_actions(&mut self, ctx: &mut Ctx<'_>, input: &Value, enabled: bool) -> Answer {
        for name in alarm_names(input) {
            if let Some(alarm) = self.alarms.get_mut(&name).filter(|alarm| alarm.actions_enabled != enabled) {
                alarm.actions_enabled = enabled;
                alarm.configured_at = ctx.now;
                self.history.configured(ctx.now, alarm, "Update");
            }
        }
        Ok(json!({}))
    }

    /// Puts an alarm into a state and, where that is another one than before, tells everybody.
    fn transition(&mut self, ctx: &mut Ctx<'_>, name: &str, standing: Standing) {
        if self.change(ctx, name, standing) {
            self.settle(ctx, name);
        }
    }

    /// The change itself: history, event, actions. Whether there was one.
    fn change(&mut self, ctx: &mut Ctx<'_>, name: &str, standing: Standing) -> bool {
        let Some(alarm) = self.alarms.get_mut(name).filter(|alarm| alarm.standing.state != standing.state) else {
            return false;
        };
        let old = std::mem::replace(&mut alarm.standing, standing);
        self.history.changed(ctx.now, alarm, &old);
        ctx.effects.push(notice::event(ctx.place, alarm, &old));
        if alarm.actions_enabled {
            for action in alarm.actions(alarm.standing.state) {
                match notice::action(ctx.place, alarm, &old, &action) {
                    Ok(effect) => {
                        self.history.acted(ctx.now, alarm, &action, None);
                        ctx.effects.push(effect);
                    }
                    Err(reason) => self.history.acted(ctx.now, alarm, &action, Some(reason)),
                }
            }
        }
        true
    }

    /// Evaluates the composite alarms above a changed one, and those above them. Each changes at most once, so that a
    /// cycle of rules comes to an end (AWS stops evaluating a cycle as well).
    fn settle(&mut self, ctx: &mut Ctx<'_>, changed: &str) {
        let mut seen = BTreeSet::from([changed.to_owned()]);
        let mut waiting = vec![changed.to_owned()];
        while let Some(child) = waiting.pop() {
            for parent in self.parents(&child) {
                if !seen.contains(&parent) && self.evaluate_composite(ctx, &parent, Some(&child)) {
                    seen.insert(parent.clone());
                    waiting.insert(0, parent);
                }
            }
        }
    }

    fn settle_one(&mut self, ctx: &mut Ctx<'_>, name: &str, child: Option<&str>) {
        if self.evaluate_composite(ctx, name, child) {
            self.settle(ctx, name);
        }
    }

    fn parents(&self, child: &str) -> Vec<String> {
        let above = |alarm: &&Alarm| matches!(&alarm.kind, Kind::Composite(rule) if rule.children().contains(&child));
        self.alarms.values().filter(above).map(|alarm| alarm.name.clone()).collect()
    }

    /// Evaluates a composite alarm, because `child` changed or because its rule is new. Whether it changed.
    fn evaluate_composite(&mut self, ctx: &mut Ctx<'_>, name: &str, child: Option<&str>) -> bool {
        let Some(alarm) = self.alarms.get(name) else { return false };
        let Kind::Composite(rule) = &alarm.kind else { return false };
        let held = rule.holds(&|child| self.alarms.get(child).map(|alarm| alarm.standing.state));
        let state = if held { State::Alarm } else { State::Ok };
        let told = child.map_or_else(|| rule.children(), |child| vec![child]);
        let triggering: Vec<Value> = told
            .iter()
            .filter_map(|name| self.alarms.get(*name))
            .map(|alarm| {
                let since = crate::shape::offset_time(alarm.standing.since);
                json!({"arn": alarm.arn(ctx.place), "state": {"value": alarm.standing.state.name(), "timestamp": since}})
            })
            .collect();
        let reason = match child.and_then(|child| self.alarms.get(child)) {
            Some(child) => format!(
                "{} transitioned to {} at {} UTC",
                child.arn(ctx.place),
                child.standing.state.name(),
                child.standing.since.strftime("%A %d %B, %Y %H:%M:%S"),
            ),
            None => format!("{} was created and its alarm rule evaluates to {}", alarm.arn(ctx.place), state.name()),
        };
        let reason_data = Some(json!({"triggeringAlarms": triggering}));
        self.change(ctx, name, Standing { state, reason, reason_data, since: ctx.now })
    }

    fn by_arn(&mut self, ctx: &Ctx<'_>, input: &Value) -> Result<&mut Alarm, ApiError> {
        let given = text(input, "ResourceARN").unwrap_or_default();
        let name = given.strip_prefix(&arn(ctx.place, "")).unwrap_or_default();
        self.alarms
            .get_mut(name)
            .ok_or_else(|| not_found(404, "ResourceNotFoundException", format!("Unknown resource: {given}")))
    }

    fn tagging(&mut self, ctx: &Ctx<'_>, call: &Call) -> Answer {
        let alarm = self.by_arn(ctx, &call.input)?;
        match call.operation.as_str() {
            "TagResource" => alarm.tags.extend(tags(&call.input)),
            "UntagResource" => {
                for key in texts(&call.input, "TagKeys") {
                    alarm.tags.remove(&key);
                }
            }
            _ => {
                let list: Vec<Value> =
                    alarm.tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
                return Ok(json!({"Tags": list}));
            }
        }
        Ok(json!({}))
    }
}

impl Service for CloudWatch {
    fn call(&mut self, ctx: &mut Ctx<'_>, call: &Call) -> Answer {
        let input = &call.input;
        match call.operation.as_str() {
            "PutMetricData" => self.put_metric_data(ctx, input),
            "GetMetricData" => self.get_metric_data(input),
            "GetMetricStatistics" => self.get_metric_statistics(input),
            "ListMetrics" => self.list_metrics(ctx, input),
            "PutMetricAlarm" => self.put_metric_alarm(ctx, input),
            "PutCompositeAlarm" => self.put_composite_alarm(ctx, input),
            "DescribeAlarms" => self.describe_alarms(ctx, input),
            "DescribeAlarmHistory" => self.history.describe(ctx.now, input),
            "DescribeAlarmsForMetric" => self.describe_alarms_for_metric(ctx, input),
            "DeleteAlarms" => self.delete_alarms(ctx, input),
            "SetAlarmState" => self.set_alarm_state(ctx, input),
            "EnableAlarmActions" => self.enable_actions(ctx, input, true),
            "DisableAlarmActions" => self.enable_actions(ctx, input, false),
            "TagResource" | "UntagResource" | "ListTagsForResource" => self.tagging(ctx, call),
            "_Record" => self.record_call(ctx, input),
            _ => Err(unknown_operation(call)),
        }
    }

    /// Metric data has no resource type. Alarms have ARNs, but whatever touches composite alarms needs `*` (botocore's
    /// model: `PutCompositeAlarm`, `DescribeAlarms`, `DescribeAlarmHistory`).
    fn needs(&self, place: &Place, call: &Call) -> Vec<Need> {
        let action = format!("cloudwatch:{}", call.operation);
        let input = &call.input;
        match call.operation.as_str() {
            "PutMetricData" => {
                let mut need = Need::new(action, "*");
                need.conditions.push(("cloudwatch:namespace".to_owned(), vec![call.text("Namespace").to_owned()]));
                vec![need]
            }
            "TagResource" | "UntagResource" | "ListTagsForResource" => {
                vec![Need::new(action, call.text("ResourceARN"))]
            }
            "PutMetricAlarm" | "SetAlarmState" => vec![Need::new(action, arn(place, call.text("AlarmName")))],
            "DescribeAlarms"
            | "DescribeAlarmHistory"
            | "DeleteAlarms"
            | "EnableAlarmActions"
            | "DisableAlarmActions" => {
                let composite = items(input, "AlarmTypes").any(|kind| kind == "CompositeAlarm");
                let related = ["ChildrenOfAlarmName", "ParentsOfAlarmName"].iter().any(|m| text(input, m).is_some());
                if composite || related {
                    return vec![Need::new(action, "*")];
                }
                let mut names = alarm_names(input);
                names.extend(text(input, "AlarmName").map(str::to_owned));
                if names.is_empty() {
                    names.push("*".to_owned());
                }
                names.iter().map(|name| Need::new(&action, arn(place, name))).collect()
            }
            _ => vec![Need::new(action, "*")],
        }
    }

    fn next_due(&self) -> Option<Timestamp> {
        let due = |alarm: &Alarm| if let Kind::Metric(watch) = &alarm.kind { watch.due } else { None };
        self.alarms.values().filter_map(due).min()
    }

    fn tick(&mut self, ctx: &mut Ctx<'_>) {
        self.evaluate_due(ctx);
    }
}

fn not_found(status: u16, code: &str, message: String) -> ApiError {
    ApiError { status, ..ApiError::client(code, message) }
}

#[cfg(test)]
mod tests;
