//! What a state change tells others: the event on the bus, the message to a topic, the payload for a function.
//!
//! The event's shape is the one of the CloudWatch user guide, "Alarm events and EventBridge"; a function is invoked
//! with the payload of the samples that `aws_lambda_events` carries (`example-cloudwatch-alarm-*.json`).

use serde_json::{Map, Value, json};

use super::alarm::{Alarm, Kind, Standing, State, Watch};
use super::history::event_state;
use crate::call::Place;
use crate::effect::Effect;
use crate::shape::{items, offset_time, text};

pub fn event(place: &Place, alarm: &Alarm, old: &Standing) -> Effect {
    Effect::Event {
        source: "aws.cloudwatch".to_owned(),
        detail_type: "CloudWatch Alarm State Change".to_owned(),
        resources: vec![alarm.arn(place)],
        detail: alarm_data(alarm, old),
    }
}

fn alarm_data(alarm: &Alarm, old: &Standing) -> Value {
    json!({
        "alarmName": alarm.name,
        "state": event_state(&alarm.standing),
        "previousState": event_state(old),
        "configuration": configuration(alarm),
    })
}

fn configuration(alarm: &Alarm) -> Value {
    let settings = Value::Object(alarm.settings.clone());
    let mut shown = Map::new();
    if let Some(description) = text(&settings, "AlarmDescription") {
        shown.insert("description".to_owned(), json!(description));
    }
    match &alarm.kind {
        Kind::Metric(watch) => shown.insert("metrics".to_owned(), json!([metric(watch)])),
        Kind::Composite(_) => shown.insert("alarmRule".to_owned(), settings["AlarmRule"].clone()),
    };
    Value::Object(shown)
}

fn metric(watch: &Watch) -> Value {
    let dimensions: Map<String, Value> =
        watch.series.dimensions.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    let mut stat = json!({
        "metric": {"namespace": watch.series.namespace, "name": watch.series.name, "dimensions": dimensions},
        "period": watch.period,
        "stat": watch.statistic_name,
    });
    if let Some(unit) = &watch.unit {
        stat["unit"] = json!(unit);
    }
    json!({"id": watch.metric_id, "metricStat": stat, "returnData": true})
}

/// What an action does, or why the local cloud cannot do it.
pub fn action(place: &Place, alarm: &Alarm, old: &Standing, arn: &str) -> Result<Effect, &'static str> {
    let service = arn.split(':').nth(2).unwrap_or_default();
    match service {
        "sns" => Ok(Effect::Publish {
            topic_arn: arn.to_owned(),
            subject: subject(place, alarm),
            message: message(place, alarm, old).to_string(),
        }),
        "lambda" => Ok(Effect::Invoke {
            function_arn: arn.to_owned(),
            payload: json!({
                "source": "aws.cloudwatch",
                "alarmArn": alarm.arn(place),
                "accountId": place.account,
                "time": offset_time(alarm.standing.since),
                "region": place.region,
                "alarmData": alarm_data(alarm, old),
            }),
            cause: format!("alarm {}", alarm.name),
        }),
        _ => Err("the local cloud carries out alarm actions on SNS topics and Lambda functions only"),
    }
}

/// SNS takes subjects of at most 100 characters.
fn subject(place: &Place, alarm: &Alarm) -> String {
    let whole = format!("{}: \"{}\" in {}", alarm.standing.state.name(), alarm.name, region_name(&place.region));
    whole.chars().take(100).collect()
}

fn message(place: &Place, alarm: &Alarm, old: &Standing) -> Value {
    let settings = Value::Object(alarm.settings.clone());
    let mut message = json!({
        "AlarmName": alarm.name,
        "AlarmDescription": settings["AlarmDescription"],
        "AWSAccountId": place.account,
        "AlarmConfigurationUpdatedTimestamp": offset_time(alarm.configured_at),
        "NewStateValue": alarm.standing.state.name(),
        "NewStateReason": alarm.standing.reason,
        "StateChangeTime": offset_time(alarm.standing.since),
        "Region": region_name(&place.region),
        "AlarmArn": alarm.arn(place),
        "OldStateValue": old.state.name(),
    });
    for state in [State::Ok, State::Alarm, State::InsufficientData] {
        message[state.actions_member()] = json!(alarm.actions(state));
    }
    match &alarm.kind {
        Kind::Metric(watch) => message["Trigger"] = trigger(watch, &settings),
        Kind::Composite(_) => {
            message["AlarmRule"] = settings["AlarmRule"].clone();
            let data = alarm.standing.reason_data.clone().unwrap_or_default();
            let triggering: Vec<Value> = items(&data, "triggeringAlarms")
                .map(|child| {
                    let state = &child["state"];
                    json!({"Arn": child["arn"], "State": {"Value": state["value"], "Timestamp": state["timestamp"]}})
                })
                .collect();
            message["TriggeringChildren"] = json!(triggering);
        }
    }
    message
}

fn trigger(watch: &Watch, settings: &Value) -> Value {
    let dimensions: Vec<Value> =
        watch.series.dimensions.iter().map(|(name, value)| json!({"value": value, "name": name})).collect();
    let extended = watch.statistic_name.starts_with('p');
    let mut trigger = json!({
        "MetricName": watch.series.name,
        "Namespace": watch.series.namespace,
        "StatisticType": if extended { "ExtendedStatistic" } else { "Statistic" },
        "Unit": watch.unit,
        "Dimensions": dimensions,
        "Period": watch.period,
        "EvaluationPeriods": watch.condition.periods,
        "DatapointsToAlarm": watch.condition.to_alarm,
        "ComparisonOperator": settings["ComparisonOperator"],
        "Threshold": watch.condition.threshold,
        "TreatMissingData": text(settings, "TreatMissingData").unwrap_or("missing"),
        "EvaluateLowSampleCountPercentile": text(settings, "EvaluateLowSampleCountPercentile").unwrap_or_default(),
    });
    if extended {
        trigger["ExtendedStatistic"] = json!(watch.statistic_name);
    } else {
        trigger["Statistic"] = json!(statistic_word(&watch.statistic_name));
    }
    trigger
}

/// `AVERAGE`, `SAMPLE_COUNT`: the notification spells statistics its own way.
fn statistic_word(name: &str) -> String {
    if name == "SampleCount" { "SAMPLE_COUNT".to_owned() } else { name.to_uppercase() }
}

/// The region as a notification names it; a region that is not listed is named by its code.
fn region_name(region: &str) -> &str {
    match region {
        "us-east-1" => "US East (N. Virginia)",
        "us-east-2" => "US East (Ohio)",
        "us-west-2" => "US West (Oregon)",
        "eu-west-1" => "EU (Ireland)",
        "eu-west-2" => "EU (London)",
        "eu-west-3" => "EU (Paris)",
        "eu-central-1" => "EU (Frankfurt)",
        "ap-south-1" => "Asia Pacific (Mumbai)",
        "ap-southeast-1" => "Asia Pacific (Singapore)",
        "ap-southeast-2" => "Asia Pacific (Sydney)",
        "ap-northeast-1" => "Asia Pacific (Tokyo)",
        other => other,
    }
}
