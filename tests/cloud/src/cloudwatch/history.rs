//! The history of alarms: kept when the alarm is gone, dropped after 30 days.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::alarm::{Alarm, Standing, invalid};
use crate::call::ApiError;
use crate::shape::{epoch, integer, listing, offset_time, page, text, texts, time};

/// CloudWatch keeps the history of an alarm for this long.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// `MaxRecords` where the call says nothing, and at most (botocore's model).
const PAGE_DEFAULT: i64 = 100;

#[derive(Clone, Debug)]
struct Item {
    number: u64,
    at: Timestamp,
    alarm: String,
    alarm_type: &'static str,
    item_type: &'static str,
    summary: String,
    data: Value,
}

#[derive(Debug, Default)]
pub struct History {
    items: Vec<Item>,
    numbered: u64,
}

impl History {
    fn push(&mut self, at: Timestamp, alarm: &Alarm, item_type: &'static str, summary: String, data: Value) {
        self.items.retain(|item| at.duration_since(item.at) <= KEPT);
        self.numbered += 1;
        self.items.push(Item {
            number: self.numbered,
            at,
            alarm: alarm.name.clone(),
            alarm_type: alarm.kind.name(),
            item_type,
            summary,
            data,
        });
    }

    /// `what` is `Create`, `Update` or `Delete`, and `member` the name under which the alarm is shown.
    pub fn configured(&mut self, at: Timestamp, alarm: &Alarm, what: &str) {
        let (verb, member) = match what {
            "Create" => ("created", "createdAlarm"),
            "Update" => ("updated", "updatedAlarm"),
            _ => ("deleted", "deletedAlarm"),
        };
        let mut shown = alarm.settings.clone();
        shown.insert("AlarmName".to_owned(), json!(alarm.name));
        shown.insert("ActionsEnabled".to_owned(), json!(alarm.actions_enabled));
        let shown: Map<String, Value> = shown.into_iter().map(|(name, value)| (lower_first(&name), value)).collect();
        let data = json!({"version": "1.0", "type": what, member: shown});
        self.push(at, alarm, "ConfigurationUpdate", format!("Alarm \"{}\" {verb}", alarm.name), data);
    }

    /// `alarm` has its new standing already.
    pub fn changed(&mut self, at: Timestamp, alarm: &Alarm, old: &Standing) {
        let data = json!({
            "version": "1.0",
            "oldState": standing(old),
            "newState": standing(&alarm.standing),
        });
        let summary = format!("Alarm updated from {} to {}", old.state.name(), alarm.standing.state.name());
        self.push(at, alarm, "StateUpdate", summary, data);
    }

    pub fn acted(&mut self, at: Timestamp, alarm: &Alarm, action: &str, error: Option<&str>) {
        let (word, state) =
            if error.is_none() { ("Successfully executed", "Succeeded") } else { ("Failed to execute", "Failed") };
        let data = json!({
            "version": "1.0",
            "actionState": state,
            "stateUpdateTimestamp": alarm.standing.since.as_millisecond(),
            "notificationResource": action,
            "error": error,
        });
        self.push(at, alarm, "Action", format!("{word} action {action}"), data);
    }

    /// `DescribeAlarmHistory`. Without `AlarmTypes` only metric alarms are shown, as the model says.
    pub fn describe(&self, now: Timestamp, input: &Value) -> Result<Value, ApiError> {
        let types = texts(input, "AlarmTypes");
        let (start, end) = (time(input, "StartDate"), time(input, "EndDate"));
        let wanted = |item: &&Item| {
            now.duration_since(item.at) <= KEPT
                && text(input, "AlarmName").is_none_or(|name| item.alarm == name)
                && text(input, "HistoryItemType").is_none_or(|kind| item.item_type == kind)
                && if types.is_empty() {
                    item.alarm_type == "MetricAlarm"
                } else {
                    types.iter().any(|t| t == item.alarm_type)
                }
                && start.is_none_or(|start| item.at >= start)
                && end.is_none_or(|end| item.at <= end)
        };
        let mut shown: Vec<(String, Value)> =
            self.items.iter().filter(wanted).map(|item| (format!("{:020}", item.number), show(item))).collect();
        let descending = text(input, "ScanBy") != Some("TimestampAscending");
        if descending {
            shown.reverse();
        }
        let size = integer(input, "MaxRecords").unwrap_or(PAGE_DEFAULT) as usize;
        let (list, next) = page(shown, text(input, "NextToken"), size, descending)
            .map_err(|error| ApiError::client("InvalidNextToken", format!("NextToken: {error}")))?;
        if start.zip(end).is_some_and(|(start, end)| start > end) {
            return Err(invalid("StartDate must not be after EndDate"));
        }
        Ok(listing("AlarmHistoryItems", list, "NextToken", next))
    }
}

fn show(item: &Item) -> Value {
    json!({
        "AlarmName": item.alarm,
        "AlarmType": item.alarm_type,
        "Timestamp": epoch(item.at),
        "HistoryItemType": item.item_type,
        "HistorySummary": item.summary,
        "HistoryData": item.data.to_string(),
    })
}

fn standing(standing: &Standing) -> Value {
    let mut shown = json!({
        "stateValue": standing.state.name(),
        "stateReason": standing.reason,
    });
    if let Some(data) = &standing.reason_data {
        shown["stateReasonData"] = data.clone();
    }
    shown
}

fn lower_first(name: &str) -> String {
    // AWS writes `okactions`; every other member only loses its first capital.
    if name == "OKActions" {
        return "okactions".to_owned();
    }
    let mut characters = name.chars();
    characters.next().map_or_else(String::new, |first| format!("{}{}", first.to_ascii_lowercase(), characters.as_str()))
}

/// The `state` and `previousState` members of events.
pub fn event_state(standing: &Standing) -> Value {
    let mut shown = json!({
        "value": standing.state.name(),
        "reason": standing.reason,
        "timestamp": offset_time(standing.since),
    });
    if let Some(data) = &standing.reason_data {
        shown["reasonData"] = json!(data.to_string());
    }
    shown
}
