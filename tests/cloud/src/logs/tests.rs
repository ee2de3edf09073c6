use serde_json::{Value, json};

use super::Logs;
use crate::call::Service;
use crate::trial::Trial;

const GROUP: &str = "/aws/apprunner/web/abc/service";
/// The trial's first moment, in milliseconds.
const T0: i64 = 1_795_161_600_000;

fn trial() -> Trial<Logs> {
    Trial::new("logs", Logs::new())
}

fn append(trial: &mut Trial<Logs>, stream: &str, message: &str) {
    trial.call("_Append", json!({"group": GROUP, "stream": stream, "message": message}));
}

fn messages(answer: &Value) -> Vec<String> {
    answer["events"].as_array().unwrap().iter().map(|event| event["message"].as_str().unwrap().to_owned()).collect()
}

fn stream(extra: Value) -> Value {
    let mut input = json!({"logGroupName": GROUP, "logStreamName": "events"});
    input.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    input
}

/// Five lines, a minute apart.
fn five_lines() -> Trial<Logs> {
    let mut trial = trial();
    for line in ["one", "two", "three", "four", "five"] {
        append(&mut trial, "events", line);
        trial.pass(60);
    }
    trial
}

#[test]
fn a_missing_group_or_stream_is_named() {
    let mut trial = trial();
    let error = trial.refused("GetLogEvents", stream(json!({})));
    assert_eq!(
        (error.code.as_str(), error.message.as_str()),
        ("ResourceNotFoundException", "The specified log group does not exist.")
    );
    trial.call("CreateLogGroup", json!({"logGroupName": GROUP}));
    assert_eq!(trial.refused("GetLogEvents", stream(json!({}))).message, "The specified log stream does not exist.");
    assert_eq!(trial.refused("CreateLogGroup", json!({"logGroupName": GROUP})).code, "ResourceAlreadyExistsException");
}

#[test]
fn an_appended_line_creates_its_group_and_stream() {
    let mut trial = trial();
    append(&mut trial, "events", "Deployment started.");
    let groups = trial.call("DescribeLogGroups", json!({"logGroupNamePrefix": "/aws/apprunner/"}));
    let arn = format!("arn:aws:logs:eu-west-1:111122223333:log-group:{GROUP}");
    assert_eq!(groups["logGroups"][0]["arn"], format!("{arn}:*"));
    assert_eq!(groups["logGroups"][0]["logGroupArn"], arn);
    let streams = trial.call("DescribeLogStreams", json!({"logGroupName": GROUP}));
    assert_eq!(
        streams,
        json!({"logStreams": [{
            "logStreamName": "events",
            "creationTime": T0,
            "arn": format!("{arn}:log-stream:events"),
            "storedBytes": 0,
            "firstEventTimestamp": T0,
            "lastEventTimestamp": T0,
            "lastIngestionTime": T0,
        }]})
    );
}

#[test]
fn the_newest_events_come_first_unless_the_head_is_asked_for() {
    let mut trial = five_lines();
    assert_eq!(messages(&trial.call("GetLogEvents", stream(json!({"limit": 2})))), ["four", "five"]);
    let head = trial.call("GetLogEvents", stream(json!({"limit": 2, "startFromHead": true})));
    assert_eq!(messages(&head), ["one", "two"]);
}

#[test]
fn the_tokens_walk_the_stream_both_ways_and_repeat_at_its_ends() {
    let mut trial = five_lines();
    let page = trial.call("GetLogEvents", stream(json!({"limit": 2, "startFromHead": true})));
    let next = trial.call(
        "GetLogEvents",
        stream(json!({"limit": 2, "startFromHead": true, "nextToken": page["nextForwardToken"]})),
    );
    assert_eq!(messages(&next), ["three", "four"]);
    let back = trial.call("GetLogEvents", stream(json!({"limit": 9, "nextToken": next["nextBackwardToken"]})));
    assert_eq!(messages(&back), ["one", "two"]);
    let last = trial.call(
        "GetLogEvents",
        stream(json!({"limit": 2, "startFromHead": true, "nextToken": next["nextForwardToken"]})),
    );
    let end = trial.call(
        "GetLogEvents",
        stream(json!({"limit": 2, "startFromHead": true, "nextToken": last["nextForwardToken"]})),
    );
    assert_eq!((messages(&last), messages(&end)), (vec!["five".to_owned()], vec![]));
    assert_eq!(end["nextForwardToken"], last["nextForwardToken"]);
    append(&mut trial, "events", "six");
    let more = trial.call("GetLogEvents", stream(json!({"startFromHead": true, "nextToken": end["nextForwardToken"]})));
    assert_eq!(messages(&more), ["six"]);
    assert_eq!(trial.refused("GetLogEvents", stream(json!({"nextToken": "f/x/s"}))).code, "InvalidParameterException");
}

#[test]
fn the_start_is_included_and_the_end_only_by_the_filter() {
    let mut trial = five_lines();
    let range = json!({"startTime": T0 + 60_000, "endTime": T0 + 180_000});
    assert_eq!(messages(&trial.call("GetLogEvents", stream(range.clone()))), ["two", "three"]);
    let filter = json!({"logGroupName": GROUP, "startTime": T0 + 60_000, "endTime": T0 + 180_000});
    assert_eq!(messages(&trial.call("FilterLogEvents", filter)), ["two", "three", "four"]);
}

#[test]
fn a_filter_reads_all_chosen_streams_in_the_order_of_time() {
    let mut trial = trial();
    append(&mut trial, "instance/b", "ERROR first");
    trial.pass(1);
    append(&mut trial, "instance/a", "ERROR second");
    append(&mut trial, "events", "ERROR elsewhere");
    append(&mut trial, "instance/a", "fine");
    let mut input =
        json!({"logGroupName": GROUP, "logStreamNamePrefix": "instance/", "filterPattern": "ERROR", "limit": 1});
    let first = trial.call("FilterLogEvents", input.clone());
    assert_eq!(messages(&first), ["ERROR first"]);
    input["nextToken"] = first["nextToken"].clone();
    let second = trial.call("FilterLogEvents", input.clone());
    assert_eq!((messages(&second), second.get("nextToken")), (vec!["ERROR second".to_owned()], None));
    input["filterPattern"] = json!("{ $.level = \"error\" }");
    let error = trial.refused("FilterLogEvents", input);
    assert_eq!(error.code, "InvalidParameterException");
    assert!(error.message.contains("plain terms only"), "{}", error.message);
    let both = json!({"logGroupName": GROUP, "logStreamNamePrefix": "i", "logStreamNames": ["events"]});
    assert_eq!(trial.refused("FilterLogEvents", both).code, "InvalidParameterException");
}

#[test]
fn streams_are_ordered_by_name_or_by_their_last_event() {
    let mut trial = trial();
    for name in ["b", "c", "a"] {
        append(&mut trial, name, "line");
        trial.pass(1);
    }
    let names = |answer: Value| -> Vec<String> {
        answer["logStreams"]
            .as_array()
            .unwrap()
            .iter()
            .map(|s| s["logStreamName"].as_str().unwrap().to_owned())
            .collect()
    };
    let by_name = trial.call("DescribeLogStreams", json!({"logGroupName": GROUP}));
    assert_eq!(names(by_name), ["a", "b", "c"]);
    let mut input = json!({"logGroupName": GROUP, "orderBy": "LastEventTime", "descending": true, "limit": 2});
    let newest = trial.call("DescribeLogStreams", input.clone());
    input["nextToken"] = newest["nextToken"].clone();
    assert_eq!(names(newest), ["a", "c"]);
    assert_eq!(names(trial.call("DescribeLogStreams", input.clone())), ["b"]);
    input["logStreamNamePrefix"] = json!("a");
    assert_eq!(trial.refused("DescribeLogStreams", input).code, "InvalidParameterException");
}

#[test]
fn a_batch_is_taken_in_order_and_what_is_too_old_or_too_new_is_named() {
    let mut trial = trial();
    append(&mut trial, "events", "first");
    let event = |at: i64, message: &str| json!({"timestamp": at, "message": message});
    let unordered = stream(json!({"logEvents": [event(T0 + 1, "b"), event(T0, "a")]}));
    assert_eq!(trial.refused("PutLogEvents", unordered).code, "InvalidParameterException");
    let hours = |n: i64| T0 + n * 3_600_000;
    let long = stream(json!({"logEvents": [event(hours(-25), "old"), event(T0, "now")]}));
    assert!(trial.refused("PutLogEvents", long).message.contains("24 hours"));
    let big = stream(json!({"logEvents": [event(T0, &"x".repeat(1_048_577))]}));
    assert!(trial.refused("PutLogEvents", big).message.contains("Upload too large"));
    let mixed = stream(json!({"logEvents": [event(T0, "now"), event(hours(3), "soon")]}));
    assert_eq!(trial.call("PutLogEvents", mixed)["rejectedLogEventsInfo"], json!({"tooNewLogEventStartIndex": 1}));
    let old = stream(json!({"logEvents": [event(hours(-24 * 15), "old")]}));
    assert_eq!(trial.call("PutLogEvents", old)["rejectedLogEventsInfo"], json!({"tooOldLogEventEndIndex": 1}));
    assert_eq!(messages(&trial.call("GetLogEvents", stream(json!({})))), ["first", "now"]);
}

#[test]
fn retention_hides_old_events_when_somebody_looks() {
    let mut trial = trial();
    append(&mut trial, "events", "old");
    trial.pass(2 * 86_400);
    append(&mut trial, "events", "new");
    assert_eq!(messages(&trial.call("GetLogEvents", stream(json!({})))), ["old", "new"]);
    trial.call("PutRetentionPolicy", json!({"logGroupName": GROUP, "retentionInDays": 1}));
    assert_eq!(messages(&trial.call("GetLogEvents", stream(json!({})))), ["new"]);
    assert_eq!(
        trial.refused("PutRetentionPolicy", json!({"logGroupName": GROUP, "retentionInDays": 2})).code,
        "InvalidParameterException"
    );
    assert_eq!(trial.service.next_due(), None);
}

#[test]
fn an_embedded_metric_leaves_as_a_datapoint_and_the_line_stays() {
    let mut trial = trial();
    let line = json!({
        "_aws": {"Timestamp": T0, "CloudWatchMetrics": [
            {"Namespace": "Pitcrew", "Dimensions": [["Function"]], "Metrics": [{"Name": "Holds", "Unit": "Count"}]},
        ]},
        "Function": "rollback", "Holds": 2,
    });
    append(&mut trial, "2026/11/20/[1]abc", &line.to_string());
    let points = trial.metrics();
    assert_eq!(points.len(), 1);
    assert_eq!((points[0].name.as_str(), points[0].sum), ("Holds", 2.0));
    let event = json!({"logGroupName": GROUP, "logStreamName": "2026/11/20/[1]abc", "logEvents": [{"timestamp": T0, "message": line.to_string()}]});
    trial.call("PutLogEvents", event);
    assert_eq!(trial.metrics().len(), 1);
}

#[test]
fn a_group_is_tagged_by_its_arn_without_the_star() {
    let mut trial = trial();
    trial.call("CreateLogGroup", json!({"logGroupName": GROUP, "tags": {"a": "1"}}));
    let arn = format!("arn:aws:logs:eu-west-1:111122223333:log-group:{GROUP}");
    trial.call("TagResource", json!({"resourceArn": arn, "tags": {"b": "2"}}));
    trial.call("UntagResource", json!({"resourceArn": arn, "tagKeys": ["a"]}));
    assert_eq!(trial.call("ListTagsForResource", json!({"resourceArn": arn})), json!({"tags": {"b": "2"}}));
    assert_eq!(
        trial.refused("ListTagsForResource", json!({"resourceArn": format!("{arn}:*")})).code,
        "ResourceNotFoundException"
    );
}

#[test]
fn calls_need_their_action_on_the_stream_or_the_group() {
    let trial = trial();
    let arn = format!("arn:aws:logs:eu-west-1:111122223333:log-group:{GROUP}");
    let need = |operation: &str, input: Value| trial.needs(operation, input)[0].clone();
    assert_eq!(need("PutLogEvents", stream(json!({}))).resource, format!("{arn}:log-stream:events"));
    assert_eq!(need("FilterLogEvents", json!({"logGroupName": GROUP})).resource, format!("{arn}:log-stream:"));
    assert_eq!(
        need("FilterLogEvents", json!({"logGroupIdentifier": format!("{arn}:*")})).resource,
        format!("{arn}:log-stream:")
    );
    assert_eq!(need("DescribeLogGroups", json!({})).action, "logs:DescribeLogGroups");
}
