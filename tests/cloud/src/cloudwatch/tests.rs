use serde_json::{Value, json};

use super::{CloudWatch, record_input};
use crate::call::Service;
use crate::effect::{Datapoint, Effect};
use crate::trial::Trial;

mod data;

const TOPIC: &str = "arn:aws:sns:eu-west-1:111122223333:oncall";

fn trial() -> Trial<CloudWatch> {
    Trial::new("monitoring", CloudWatch::new())
}

fn errors_alarm(name: &str) -> Value {
    json!({
        "AlarmName": name,
        "AlarmDescription": "too many errors",
        "Namespace": "AWS/AppRunner",
        "MetricName": "5xxStatusResponses",
        "Dimensions": [{"Name": "ServiceName", "Value": "web"}, {"Name": "ServiceID", "Value": "abc"}],
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 5.0,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
        "AlarmActions": [TOPIC],
    })
}

fn errors(trial: &mut Trial<CloudWatch>, value: f64) {
    let point = Datapoint {
        namespace: "AWS/AppRunner".into(),
        name: "5xxStatusResponses".into(),
        dimensions: vec![("ServiceID".into(), "abc".into()), ("ServiceName".into(), "web".into())],
        at: trial.now,
        sum: value,
        count: 1.0,
        min: value,
        max: value,
        unit: "Count".into(),
    };
    trial.call("_Record", record_input(&point));
}

fn state(trial: &mut Trial<CloudWatch>, name: &str) -> String {
    let types = json!(["MetricAlarm", "CompositeAlarm"]);
    let shown = trial.call("DescribeAlarms", json!({"AlarmNames": [name], "AlarmTypes": types}));
    let alarm = shown["MetricAlarms"].get(0).or_else(|| shown["CompositeAlarms"].get(0)).unwrap();
    alarm["StateValue"].as_str().unwrap().to_owned()
}

fn state_changes(trial: &mut Trial<CloudWatch>) -> Vec<(String, String)> {
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    let events = trial.events();
    events.iter().map(|e| (word(&e["detail"]["alarmName"]), word(&e["detail"]["state"]["value"]))).collect()
}

#[test]
fn an_alarm_that_nobody_feeds_comes_to_rest_and_sets_no_timer() {
    let mut trial = trial();
    assert_eq!(trial.service.next_due(), None);
    trial.call("PutMetricAlarm", errors_alarm("errors"));
    assert_eq!(state(&mut trial, "errors"), "INSUFFICIENT_DATA");
    let timers = trial.pass(86_400);
    assert_eq!(state(&mut trial, "errors"), "OK");
    assert_eq!(timers, 1);
    assert_eq!(trial.service.next_due(), None);
}

#[test]
fn an_alarm_that_ignores_missing_data_stays_unchecked_without_timers() {
    let mut trial = trial();
    let mut alarm = errors_alarm("errors");
    alarm["TreatMissingData"] = json!("ignore");
    trial.call("PutMetricAlarm", alarm);
    assert_eq!(trial.pass(86_400), 1);
    assert_eq!(state(&mut trial, "errors"), "INSUFFICIENT_DATA");
    assert!(trial.caused().is_empty());
}

#[test]
fn a_breach_is_told_once_as_the_event_and_the_message_have_it() {
    let mut trial = trial();
    trial.call("PutMetricAlarm", errors_alarm("errors"));
    trial.pass(120);
    trial.caused();
    errors(&mut trial, 9.0);
    trial.pass(60);
    assert_eq!(state(&mut trial, "errors"), "OK", "the period has not been looked at yet");
    trial.pass(6);
    let effects = trial.caused();
    let Effect::Event { source, detail_type, resources, detail } = &effects[0] else { panic!("{effects:?}") };
    assert_eq!((source.as_str(), detail_type.as_str()), ("aws.cloudwatch", "CloudWatch Alarm State Change"));
    assert_eq!(resources, &["arn:aws:cloudwatch:eu-west-1:111122223333:alarm:errors"]);
    assert_eq!(detail["alarmName"], "errors");
    assert_eq!(detail["state"]["value"], "ALARM");
    assert_eq!(detail["state"]["timestamp"], "2026-11-20T08:03:05.000+0000");
    assert_eq!(
        detail["state"]["reason"],
        "Threshold Crossed: 1 out of the last 1 datapoints [9.0 (20/11/26 08:02:00)] was greater than the threshold (5.0) \
         (minimum 1 datapoint for OK -> ALARM transition)."
    );
    let data: Value = serde_json::from_str(detail["state"]["reasonData"].as_str().unwrap()).unwrap();
    assert_eq!(
        data,
        json!({
            "version": "1.0",
            "queryDate": "2026-11-20T08:03:05.000+0000",
            "startDate": "2026-11-20T08:02:00.000+0000",
            "statistic": "Sum",
            "period": 60,
            "recentDatapoints": [9.0],
            "threshold": 5.0,
            "evaluatedDatapoints": [{"timestamp": "2026-11-20T08:02:00.000+0000", "sampleCount": 1.0, "value": 9.0}],
        })
    );
    assert_eq!(detail["previousState"]["value"], "OK");
    let metric = &detail["configuration"]["metrics"][0];
    assert_eq!(
        metric["metricStat"],
        json!({
            "metric": {"namespace": "AWS/AppRunner", "name": "5xxStatusResponses", "dimensions": {"ServiceID": "abc", "ServiceName": "web"}},
            "period": 60,
            "stat": "Sum",
        })
    );
    assert_eq!(
        (&metric["returnData"], &detail["configuration"]["description"]),
        (&json!(true), &json!("too many errors"))
    );
    let Effect::Publish { topic_arn, subject, message } = &effects[1] else { panic!("{effects:?}") };
    assert_eq!((topic_arn.as_str(), subject.as_str()), (TOPIC, "ALARM: \"errors\" in EU (Ireland)"));
    let message: Value = serde_json::from_str(message).unwrap();
    assert_eq!((&message["NewStateValue"], &message["OldStateValue"]), (&json!("ALARM"), &json!("OK")));
    assert_eq!(message["Trigger"]["Statistic"], "SUM");
    assert_eq!(effects.len(), 2);
    trial.pass(60);
    assert!(trial.caused().is_empty(), "a state that stays is not told again");
}

#[test]
fn an_alarm_recovers_when_its_data_has_left_the_range() {
    let mut trial = trial();
    trial.pass(10);
    trial.call("PutMetricAlarm", errors_alarm("errors"));
    errors(&mut trial, 9.0);
    trial.pass(3600);
    assert_eq!(state_changes(&mut trial), [("errors".into(), "ALARM".into()), ("errors".into(), "OK".into())]);
    assert_eq!(trial.service.next_due(), None);
    let shown = trial.call("DescribeAlarms", json!({}));
    let reason = &shown["MetricAlarms"][0]["StateReason"];
    assert_eq!(
        reason,
        "Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was treated as [NonBreaching]."
    );
}

#[test]
fn three_of_five_needs_three_breaching_periods() {
    let mut trial = trial();
    let mut alarm = errors_alarm("errors");
    alarm["EvaluationPeriods"] = json!(5);
    alarm["DatapointsToAlarm"] = json!(3);
    trial.call("PutMetricAlarm", alarm);
    for value in [9.0, 0.0, 9.0, 0.0] {
        errors(&mut trial, value);
        trial.pass(60);
    }
    trial.pass(6);
    assert_eq!(state(&mut trial, "errors"), "OK");
    errors(&mut trial, 9.0);
    trial.pass(66);
    assert_eq!(state(&mut trial, "errors"), "ALARM");
}

#[test]
fn a_period_of_five_minutes_is_looked_at_every_minute() {
    let mut trial = trial();
    let mut alarm = errors_alarm("errors");
    alarm["Period"] = json!(300);
    trial.call("PutMetricAlarm", alarm);
    trial.pass(30);
    errors(&mut trial, 9.0);
    trial.pass(36);
    assert_eq!(state(&mut trial, "errors"), "ALARM");
}

#[test]
fn every_comparison_compares() {
    let cases = [
        ("GreaterThanThreshold", 5.0, false),
        ("GreaterThanThreshold", 5.1, true),
        ("GreaterThanOrEqualToThreshold", 5.0, true),
        ("LessThanThreshold", 5.0, false),
        ("LessThanThreshold", 4.9, true),
        ("LessThanOrEqualToThreshold", 5.0, true),
    ];
    for (operator, value, alarming) in cases {
        let mut trial = trial();
        let mut alarm = errors_alarm("errors");
        alarm["ComparisonOperator"] = json!(operator);
        trial.call("PutMetricAlarm", alarm);
        errors(&mut trial, value);
        trial.pass(66);
        assert_eq!(state(&mut trial, "errors"), if alarming { "ALARM" } else { "OK" }, "{operator} {value}");
    }
}

#[test]
fn the_history_has_both_states_newest_first_and_filters() {
    let mut trial = trial();
    trial.pass(10);
    trial.call("PutMetricAlarm", errors_alarm("errors"));
    errors(&mut trial, 9.0);
    trial.pass(3600);
    let all = trial.call("DescribeAlarmHistory", json!({"AlarmName": "errors"}));
    let summaries: Vec<&str> = all["AlarmHistoryItems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["HistorySummary"].as_str().unwrap())
        .collect();
    assert_eq!(
        summaries,
        [
            "Alarm updated from ALARM to OK",
            &format!("Successfully executed action {TOPIC}"),
            "Alarm updated from INSUFFICIENT_DATA to ALARM",
            "Alarm \"errors\" created",
        ]
    );
    let mut input = json!({"AlarmName": "errors", "HistoryItemType": "StateUpdate", "ScanBy": "TimestampAscending", "MaxRecords": 1});
    let first = trial.call("DescribeAlarmHistory", input.clone());
    let data: Value = serde_json::from_str(first["AlarmHistoryItems"][0]["HistoryData"].as_str().unwrap()).unwrap();
    assert_eq!(data["oldState"]["stateValue"], "INSUFFICIENT_DATA");
    assert_eq!(data["newState"]["stateValue"], "ALARM");
    assert_eq!(data["newState"]["stateReasonData"]["recentDatapoints"], json!([9.0]));
    input["NextToken"] = first["NextToken"].clone();
    let second = trial.call("DescribeAlarmHistory", input.clone());
    assert_eq!(second["AlarmHistoryItems"][0]["HistorySummary"], "Alarm updated from ALARM to OK");
    assert!(second.get("NextToken").is_none());
    let ended = first["AlarmHistoryItems"][0]["Timestamp"].as_i64().unwrap();
    let range = json!({"HistoryItemType": "StateUpdate", "StartDate": ended - 1, "EndDate": ended + 1});
    assert_eq!(trial.call("DescribeAlarmHistory", range)["AlarmHistoryItems"].as_array().unwrap().len(), 1);
    trial.call("DeleteAlarms", json!({"AlarmNames": ["errors"]}));
    let kept = trial.call("DescribeAlarmHistory", json!({"AlarmName": "errors"}));
    assert_eq!(kept["AlarmHistoryItems"].as_array().unwrap().len(), 5);
    let none = trial.call("DescribeAlarmHistory", json!({"AlarmName": "errors", "AlarmTypes": ["CompositeAlarm"]}));
    assert_eq!(none["AlarmHistoryItems"], json!([]));
}

#[test]
fn a_composite_alarm_follows_its_children() {
    let mut trial = trial();
    trial.call("PutMetricAlarm", errors_alarm("errors"));
    trial.call("PutMetricAlarm", errors_alarm("slow"));
    trial.pass(120);
    trial.caused();
    let rule = "ALARM(errors) AND NOT ALARM(slow)";
    trial.call("PutCompositeAlarm", json!({"AlarmName": "bad", "AlarmRule": rule, "AlarmActions": [TOPIC]}));
    trial.call("PutCompositeAlarm", json!({"AlarmName": "worse", "AlarmRule": "ALARM(\"bad\")"}));
    assert_eq!(state_changes(&mut trial), [("bad".into(), "OK".into()), ("worse".into(), "OK".into())]);
    trial.call("SetAlarmState", json!({"AlarmName": "errors", "StateValue": "ALARM", "StateReason": "test"}));
    let events = trial.events();
    let names: Vec<&Value> = events.iter().map(|event| &event["detail"]["alarmName"]).collect();
    assert_eq!(names, ["errors", "bad", "worse"]);
    let bad = &events[1]["detail"];
    assert_eq!(bad["configuration"], json!({"alarmRule": rule}));
    assert_eq!(
        bad["state"]["reason"],
        "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:errors transitioned to ALARM at Friday 20 November, 2026 08:02:00 UTC"
    );
    let children = trial.call("DescribeAlarms", json!({"ChildrenOfAlarmName": "bad"}));
    assert_eq!(children["MetricAlarms"].as_array().unwrap().len(), 2);
    assert_eq!(children["MetricAlarms"][0]["AlarmName"], "errors");
    let parents = trial.call("DescribeAlarms", json!({"ParentsOfAlarmName": "bad"}));
    assert_eq!(parents["CompositeAlarms"][0]["AlarmName"], "worse");
    assert!(trial.refused("DeleteAlarms", json!({"AlarmNames": ["errors"]})).message.contains("bad"));
    assert!(trial.refused("DeleteAlarms", json!({"AlarmNames": ["bad", "worse"]})).message.contains("two composite"));
    trial.pass(120);
    assert_eq!(state(&mut trial, "bad"), "OK", "the metric alarm went back to its actual state");
}

#[test]
fn a_state_that_is_set_again_or_a_rule_that_still_holds_tells_nothing() {
    let mut trial = trial();
    trial.call("PutMetricAlarm", errors_alarm("errors"));
    let rule = "ALARM(errors) OR OK(errors) OR INSUFFICIENT_DATA(errors)";
    trial.call("PutCompositeAlarm", json!({"AlarmName": "always", "AlarmRule": rule}));
    trial.caused();
    let set = |state: &str| json!({"AlarmName": "errors", "StateValue": state, "StateReason": "test"});
    trial.call("SetAlarmState", set("INSUFFICIENT_DATA"));
    assert_eq!(state_changes(&mut trial), []);
    trial.call("SetAlarmState", set("ALARM"));
    assert_eq!(state_changes(&mut trial), [("errors".into(), "ALARM".into())]);
}

#[test]
fn a_cycle_of_rules_comes_to_an_end() {
    let mut trial = trial();
    trial.call("PutMetricAlarm", errors_alarm("errors"));
    trial.call("PutCompositeAlarm", json!({"AlarmName": "a", "AlarmRule": "ALARM(errors)"}));
    trial.call("PutCompositeAlarm", json!({"AlarmName": "b", "AlarmRule": "ALARM(a)"}));
    trial.call("PutCompositeAlarm", json!({"AlarmName": "a", "AlarmRule": "NOT ALARM(b)"}));
    trial.caused();
    trial.call("SetAlarmState", json!({"AlarmName": "b", "StateValue": "OK", "StateReason": "test"}));
    assert!(trial.caused().len() < 10);
}

#[test]
fn actions_can_be_switched_off_and_a_function_is_invoked() {
    let mut trial = trial();
    let mut alarm = errors_alarm("errors");
    let function = "arn:aws:lambda:eu-west-1:111122223333:function:rollback";
    alarm["AlarmActions"] = json!([function, "arn:aws:automate:eu-west-1:ec2:stop"]);
    trial.call("PutMetricAlarm", alarm);
    let set = |state: &str| json!({"AlarmName": "errors", "StateValue": state, "StateReason": "test"});
    trial.call("SetAlarmState", set("ALARM"));
    let effects = trial.caused();
    let Effect::Invoke { function_arn, payload, .. } = &effects[1] else { panic!("{effects:?}") };
    assert_eq!((function_arn.as_str(), &payload["alarmData"]["state"]["value"]), (function, &json!("ALARM")));
    let history = trial.call("DescribeAlarmHistory", json!({"HistoryItemType": "Action"}));
    assert!(history["AlarmHistoryItems"][0]["HistorySummary"].as_str().unwrap().starts_with("Failed to execute"));
    trial.call("DisableAlarmActions", json!({"AlarmNames": ["errors"]}));
    trial.call("SetAlarmState", set("OK"));
    trial.call("SetAlarmState", set("ALARM"));
    assert!(trial.caused().iter().all(|effect| matches!(effect, Effect::Event { .. })));
}

#[test]
fn alarms_are_described_by_prefix_type_state_and_page() {
    let mut trial = trial();
    for name in ["a-1", "a-2", "b-1"] {
        trial.call("PutMetricAlarm", errors_alarm(name));
    }
    trial.call("PutCompositeAlarm", json!({"AlarmName": "a-c", "AlarmRule": "FALSE"}));
    let count = |answer: &Value, member: &str| answer[member].as_array().unwrap().len();
    let default = trial.call("DescribeAlarms", json!({}));
    assert_eq!((count(&default, "MetricAlarms"), count(&default, "CompositeAlarms")), (3, 0));
    let page = trial.call("DescribeAlarms", json!({"AlarmNamePrefix": "a-", "MaxRecords": 1}));
    let rest = trial.call("DescribeAlarms", json!({"AlarmNamePrefix": "a-", "NextToken": page["NextToken"]}));
    assert_eq!(
        (&page["MetricAlarms"][0]["AlarmName"], &rest["MetricAlarms"][0]["AlarmName"]),
        (&json!("a-1"), &json!("a-2"))
    );
    let ok = trial.call("DescribeAlarms", json!({"StateValue": "OK", "AlarmTypes": ["CompositeAlarm", "MetricAlarm"]}));
    assert_eq!((count(&ok, "MetricAlarms"), count(&ok, "CompositeAlarms")), (0, 1));
    assert_eq!(trial.refused("DescribeAlarms", json!({"NextToken": "!"})).code, "InvalidNextToken");
    let mut metric = errors_alarm("a-1");
    metric["Dimensions"].as_array_mut().unwrap().reverse();
    assert_eq!(count(&trial.call("DescribeAlarmsForMetric", metric), "MetricAlarms"), 3);
}

#[test]
fn an_update_keeps_state_and_tags_and_replaces_the_rest() {
    let mut trial = trial();
    let mut alarm = errors_alarm("errors");
    alarm["Tags"] = json!([{"Key": "pitcrew:service", "Value": "web"}]);
    trial.call("PutMetricAlarm", alarm);
    trial.pass(120);
    let mut update = errors_alarm("errors");
    update.as_object_mut().unwrap().shift_remove("AlarmActions");
    update["Tags"] = json!([{"Key": "other", "Value": "x"}]);
    trial.call("PutMetricAlarm", update);
    let shown = trial.call("DescribeAlarms", json!({}))["MetricAlarms"][0].clone();
    assert_eq!((&shown["StateValue"], &shown["AlarmActions"]), (&json!("OK"), &json!([])));
    let arn = "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:errors";
    let tags = trial.call("ListTagsForResource", json!({"ResourceARN": arn}));
    assert_eq!(tags, json!({"Tags": [{"Key": "pitcrew:service", "Value": "web"}]}));
    let missing = trial.refused("ListTagsForResource", json!({"ResourceARN": format!("{arn}s")}));
    assert_eq!((missing.code.as_str(), missing.status), ("ResourceNotFoundException", 404));
}

#[test]
fn what_the_local_cloud_does_not_have_is_refused_with_a_way_out() {
    let mut trial = trial();
    let mut changed = |member: &str, value: Value| {
        let mut alarm = errors_alarm("errors");
        alarm[member] = value;
        trial.refused("PutMetricAlarm", alarm)
    };
    for (member, value) in [
        ("Metrics", json!([])),
        ("ComparisonOperator", json!("LessThanLowerThreshold")),
        ("Statistic", json!("tm90")),
        ("Period", json!(45)),
        ("DatapointsToAlarm", json!(2)),
        ("EvaluationPeriods", json!(1441)),
        ("TreatMissingData", json!("never")),
    ] {
        assert_eq!(changed(member, value).code, "ValidationError", "{member}");
    }
    let query = json!({"MetricDataQueries": [{"Id": "e", "Expression": "m1/m2"}], "StartTime": 0, "EndTime": 60});
    let error = trial.refused("GetMetricData", query);
    assert!(error.message.contains("no metric math"), "{}", error.message);
    let rule = trial.refused("PutCompositeAlarm", json!({"AlarmName": "c", "AlarmRule": "ALARM(gone)"}));
    assert!(rule.message.contains("gone"), "{}", rule.message);
    assert_eq!(trial.refused("PutMetricData", json!({"Namespace": "AWS/X"})).code, "InvalidParameterValueException");
    assert_eq!(trial.refused("PutDashboard", json!({})).code, "UnknownOperationException");
}

#[test]
fn calls_need_alarm_arns_and_composite_ones_need_the_star() {
    let trial = trial();
    let resource = |operation: &str, input: Value| trial.needs(operation, input)[0].resource.clone();
    let arn = "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:";
    assert_eq!(resource("DescribeAlarms", json!({"AlarmNames": ["x"]})), format!("{arn}x"));
    assert_eq!(resource("DescribeAlarms", json!({})), format!("{arn}*"));
    assert_eq!(resource("DescribeAlarms", json!({"AlarmNames": ["x"], "AlarmTypes": ["CompositeAlarm"]})), "*");
    assert_eq!(resource("DescribeAlarmHistory", json!({"AlarmName": "x"})), format!("{arn}x"));
    let need = &trial.needs("PutMetricData", json!({"Namespace": "Pitcrew"}))[0];
    assert_eq!((need.action.as_str(), need.resource.as_str()), ("cloudwatch:PutMetricData", "*"));
    assert_eq!(need.conditions, [("cloudwatch:namespace".to_owned(), vec!["Pitcrew".to_owned()])]);
}
