//! Describing alarms: by name, prefix, type, state, kinship, or metric.

use serde_json::{Value, json};

use super::CloudWatch;
use super::alarm::{Alarm, Kind, State, alarm_names, dimensions, invalid};
use crate::call::{Answer, ApiError, Ctx};
use crate::shape::{integer, page, text, texts};

/// `MaxRecords` where the call says nothing.
const PAGE_DEFAULT: i64 = 50;

impl CloudWatch {
    /// Without `AlarmTypes` only metric alarms are shown, as the model says.
    pub(super) fn describe_alarms(&self, ctx: &Ctx<'_>, input: &Value) -> Answer {
        let (children, parents) = (text(input, "ChildrenOfAlarmName"), text(input, "ParentsOfAlarmName"));
        let (names, prefix) = (alarm_names(input), text(input, "AlarmNamePrefix"));
        let types = texts(input, "AlarmTypes");
        if children.is_some() || parents.is_some() {
            let others = ["AlarmNames", "AlarmNamePrefix", "AlarmTypes", "StateValue", "ActionPrefix"]
                .iter()
                .any(|m| input.get(m).is_some());
            if others || (children.is_some() && parents.is_some()) {
                return Err(invalid(
                    "ChildrenOfAlarmName and ParentsOfAlarmName go with no other parameter than MaxRecords and NextToken",
                ));
            }
        }
        if !names.is_empty() && prefix.is_some() {
            return Err(invalid("AlarmNames and AlarmNamePrefix cannot be given together"));
        }
        let kin = children.map(|name| self.children(name)).or_else(|| parents.map(|name| self.parents(name)));
        let wanted = |alarm: &&Alarm| match &kin {
            Some(kin) => kin.contains(&alarm.name),
            None => {
                (names.is_empty() || names.contains(&alarm.name))
                    && prefix.is_none_or(|prefix| alarm.name.starts_with(prefix))
                    && if types.is_empty() {
                        alarm.kind.name() == "MetricAlarm"
                    } else {
                        types.iter().any(|t| t == alarm.kind.name())
                    }
                    && text(input, "StateValue").is_none_or(|state| alarm.standing.state.name() == state)
                    && text(input, "ActionPrefix").is_none_or(|prefix| has_action(alarm, prefix))
            }
        };
        let found = self.alarms.values().filter(wanted).map(|alarm| (alarm.name.clone(), alarm)).collect();
        let size = integer(input, "MaxRecords").unwrap_or(PAGE_DEFAULT) as usize;
        let (shown, next) = page(found, text(input, "NextToken"), size, false)
            .map_err(|error| ApiError::client("InvalidNextToken", format!("NextToken: {error}")))?;
        let of = |kind: &str| -> Vec<Value> {
            let same = shown.iter().filter(|alarm| alarm.kind.name() == kind);
            same.map(|alarm| kin_view(alarm.describe(ctx.place), children.is_some(), parents.is_some())).collect()
        };
        let mut answer = json!({"MetricAlarms": of("MetricAlarm"), "CompositeAlarms": of("CompositeAlarm")});
        if let Some(next) = next {
            answer["NextToken"] = json!(next);
        }
        Ok(answer)
    }

    fn children(&self, name: &str) -> Vec<String> {
        match self.alarms.get(name).map(|alarm| &alarm.kind) {
            Some(Kind::Composite(rule)) => rule.children().into_iter().map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    }

    pub(super) fn describe_alarms_for_metric(&self, ctx: &Ctx<'_>, input: &Value) -> Answer {
        let dimensions = dimensions(input);
        let statistic = text(input, "Statistic").or_else(|| text(input, "ExtendedStatistic"));
        let wanted = |alarm: &&Alarm| {
            let Kind::Metric(watch) = &alarm.kind else { return false };
            Some(watch.series.name.as_str()) == text(input, "MetricName")
                && Some(watch.series.namespace.as_str()) == text(input, "Namespace")
                && watch.series.dimensions == dimensions
                && statistic.is_none_or(|statistic| watch.statistic_name == statistic)
                && integer(input, "Period").is_none_or(|period| watch.period == period)
                && text(input, "Unit").is_none_or(|unit| watch.unit.as_deref() == Some(unit))
        };
        let found: Vec<Value> = self.alarms.values().filter(wanted).map(|alarm| alarm.describe(ctx.place)).collect();
        Ok(json!({"MetricAlarms": found}))
    }
}

fn has_action(alarm: &Alarm, prefix: &str) -> bool {
    [State::Ok, State::Alarm, State::InsufficientData]
        .into_iter()
        .any(|state| alarm.actions(state).iter().any(|action| action.starts_with(prefix)))
}

/// Kin are shown with a few members only: name, ARN, and for children the state (botocore's model).
fn kin_view(alarm: Value, child: bool, parent: bool) -> Value {
    let kept: &[&str] = match (child, parent) {
        (true, _) => &["AlarmName", "AlarmArn", "StateValue", "StateUpdatedTimestamp"],
        (_, true) => &["AlarmName", "AlarmArn"],
        _ => return alarm,
    };
    Value::Object(crate::shape::copy(&alarm, kept))
}
