use serde_json::{Value, json};

use super::trial::{allow, arn, invocations, outcome, queue, run, world};
use super::*;
use crate::effect::Effect;
use crate::events::pattern::Pattern;
use crate::world::World;

fn invoke(world: &mut World, payload: Value) {
    world.after_invocation(vec![Effect::Invoke {
        function_arn: arn("lambda", "function:f"),
        payload,
        cause: "rule".into(),
    }]);
}

#[test]
fn a_world_without_events_has_nothing_to_do() {
    let mut world = world();
    assert_eq!(invocations(&mut world), []);
    assert_eq!(world.next_due(), None);
}

#[test]
fn an_event_that_succeeds_runs_once() {
    let mut world = world();
    invoke(&mut world, json!({"n": 1}));
    let runs = run(&mut world, 10_000, |_| outcome(Ok(json!("done"))));
    assert_eq!(runs, [(0, json!({"n": 1}))]);
}

#[test]
fn an_event_that_fails_is_retried_after_one_and_two_minutes_and_then_handed_over() {
    let mut world = world();
    world.lambda.put_invoke_config(
        "f",
        InvokeConfig { on_failure_arn: Some(arn("sqs", "failures")), ..InvokeConfig::default() },
    );
    invoke(&mut world, json!({"n": 1}));
    let runs = run(&mut world, 10_000, |_| outcome(Err("no")));
    assert_eq!(runs.iter().map(|run| run.0).collect::<Vec<_>>(), [0, 60, 180]);
    let failures = queue(&mut world, "failures");
    let [(record, _)] = failures.as_slice() else { panic!("{failures:?}") };
    assert_eq!(record["requestContext"]["condition"], "RetriesExhausted");
    assert_eq!(record["requestContext"]["approximateInvokeCount"], 3);
    assert_eq!(record["requestContext"]["functionArn"], arn("lambda", "function:f:$LATEST"));
    assert_eq!(record["requestPayload"], json!({"n": 1}));
    assert_eq!(
        record["responseContext"],
        json!({"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"})
    );
    assert_eq!(record["responsePayload"]["errorMessage"], "no");
    assert_eq!(record["timestamp"], "2026-01-01T00:03:00.000Z");
}

#[test]
fn fewer_retries_and_a_short_age_are_respected() {
    let mut world = world();
    let config = InvokeConfig { retries_max: 1, age_secs_max: 30, on_failure_arn: Some(arn("sqs", "failures")) };
    world.lambda.put_invoke_config("f", config);
    invoke(&mut world, json!(1));
    let runs = run(&mut world, 10_000, |_| outcome(Err("no")));
    assert_eq!(runs.len(), 1, "the retry after a minute is past the age of 30 seconds");
    let failures = queue(&mut world, "failures");
    assert_eq!(failures[0].0["requestContext"]["condition"], "EventAgeExceeded");
    assert_eq!(failures[0].0.get("responseContext"), None);
}

#[test]
fn a_dead_letter_carries_the_event_and_why_it_failed() {
    let mut world = world();
    let mut function = trial::function("f");
    function.dead_letter_arn = Some(arn("sqs", "dead"));
    world.lambda.put_function(function);
    invoke(&mut world, json!({"n": 1}));
    run(&mut world, 1000, |_| outcome(Err("no")));
    let dead = queue(&mut world, "dead");
    assert_eq!(dead[0].0, json!({"n": 1}));
    assert_eq!(dead[0].1[1], json!(["ErrorCode", "200"]));
    assert_eq!(dead[0].1[2], json!(["ErrorMessage", "no"]));
}

#[test]
fn reserved_concurrency_makes_events_wait_and_not_fail() {
    let mut world = world();
    let mut function = trial::function("f");
    function.reserved_concurrency = Some(1);
    world.lambda.put_function(function);
    invoke(&mut world, json!(1));
    invoke(&mut world, json!(2));
    let first = invocations(&mut world);
    assert_eq!(first.len(), 1);
    assert_eq!(world.history.entries().iter().filter(|entry| entry.kind == "throttle").count(), 1);
    finish::finish(&mut world, &first[0], outcome(Ok(json!(null))));
    let runs = run(&mut world, 100, |_| outcome(Ok(json!(null))));
    assert_eq!(runs, [(1, json!(2))]);
}

#[test]
fn a_reserved_concurrency_of_zero_hands_events_over_at_once() {
    let mut world = world();
    let mut function = trial::function("f");
    function.reserved_concurrency = Some(0);
    function.dead_letter_arn = Some(arn("sqs", "dead"));
    world.lambda.put_function(function);
    invoke(&mut world, json!(1));
    assert_eq!(run(&mut world, 100, |_| outcome(Ok(json!(null)))), []);
    assert_eq!(queue(&mut world, "dead").len(), 1);
}

#[test]
fn an_event_for_an_unknown_function_is_recorded_as_lost() {
    let mut world = world();
    let function_arn = arn("lambda", "function:gone");
    world.after_invocation(vec![Effect::Invoke { function_arn, payload: json!(1), cause: "rule".into() }]);
    assert_eq!(invocations(&mut world), []);
    assert!(world.history.to_json_lines().contains("which does not exist"));
}

fn record(n: u32) -> Value {
    json!({"eventID": n.to_string(), "eventName": "INSERT", "dynamodb": {"SequenceNumber": n.to_string(), "Keys": {"pk": {"S": "OUTBOX#1"}}}})
}

fn stream(bisects: bool, reports_failures: bool) -> Mapping {
    Mapping {
        id: "m".into(),
        function: "f".into(),
        enabled: true,
        batch_size: 4,
        window_secs: 1,
        filters: vec![Pattern::parse(&json!({"eventName": ["INSERT"]})).unwrap()],
        reports_failures,
        source: Source::Stream(StreamSource {
            arn: arn("dynamodb", "table/t/stream/x"),
            table: "t".into(),
            retries_max: Some(2),
            age_secs_max: Some(3600),
            bisects,
            on_failure_arn: Some(arn("sqs", "failures")),
            ..StreamSource::default()
        }),
    }
}

fn put(world: &mut World, numbers: impl IntoIterator<Item = u32>) {
    let effects = numbers.into_iter().map(|n| Effect::StreamRecord { table: "t".into(), record: record(n) });
    world.after_invocation(effects.collect());
}

fn sequences(payload: &Value) -> Vec<u32> {
    let records = payload["Records"].as_array().unwrap().iter();
    records.map(|record| record["dynamodb"]["SequenceNumber"].as_str().unwrap().parse().unwrap()).collect()
}

fn batches(world: &mut World, mut fails: impl FnMut(&[u32]) -> Result<Value, &'static str>) -> Vec<(i64, Vec<u32>)> {
    let runs = run(world, 10_000, |invocation| outcome(fails(&sequences(&invocation.payload))));
    runs.iter().map(|(at, payload)| (*at, sequences(payload))).collect()
}

#[test]
fn stream_records_come_in_order_in_batches_after_the_window() {
    let mut world = world();
    world.lambda.put_mapping(stream(false, false));
    put(&mut world, 1..=6);
    assert_eq!(batches(&mut world, |_| Ok(json!(null))), [(0, vec![1, 2, 3, 4]), (1, vec![5, 6])]);
}

#[test]
fn stream_records_that_no_filter_takes_never_reach_the_function() {
    let mut world = world();
    world.lambda.put_mapping(stream(false, false));
    let mut other = record(1);
    other["eventName"] = json!("MODIFY");
    world.after_invocation(vec![Effect::StreamRecord { table: "t".into(), record: other }]);
    world.after_invocation(vec![Effect::StreamRecord { table: "another".into(), record: record(2) }]);
    assert_eq!(world.next_due(), None);
}

#[test]
fn a_failing_batch_is_bisected_until_the_bad_record_stands_alone_and_is_discarded() {
    let mut world = world();
    world.lambda.put_mapping(stream(true, false));
    put(&mut world, 1..=4);
    let runs = batches(&mut world, |batch| if batch.contains(&3) { Err("poison") } else { Ok(json!(null)) });
    let shown: Vec<&[u32]> = runs.iter().map(|(_, batch)| batch.as_slice()).collect();
    assert_eq!(shown, [&[1, 2, 3, 4][..], &[1, 2], &[3, 4], &[3], &[3], &[3], &[4]]);
    let failures = queue(&mut world, "failures");
    let [(record, _)] = failures.as_slice() else { panic!("{failures:?}") };
    assert_eq!(record["requestContext"]["condition"], "RetryAttemptsExhausted");
    assert_eq!(record["DDBStreamBatchInfo"]["startSequenceNumber"], "3");
    assert_eq!(record["DDBStreamBatchInfo"]["batchSize"], 1);
    assert_eq!(record.get("requestPayload"), None, "stream records are named, never copied");
}

#[test]
fn a_reported_failure_is_tried_again_from_that_record_on() {
    let mut world = world();
    world.lambda.put_mapping(stream(true, true));
    put(&mut world, 1..=4);
    let mut first = true;
    let runs = batches(&mut world, |_| {
        let failures = if std::mem::take(&mut first) { json!([{"itemIdentifier": "3"}]) } else { json!([]) };
        Ok(json!({"batchItemFailures": failures}))
    });
    assert_eq!(runs, [(0, vec![1, 2, 3, 4]), (1, vec![3, 4])]);
}

#[test]
fn a_report_that_is_none_fails_the_whole_batch() {
    for answer in [json!({"batchItemFailures": [{"itemIdentifier": ""}]}), json!({"batchItemFailures": [{"id": "3"}]})]
    {
        let mut world = world();
        world.lambda.put_mapping(stream(false, true));
        put(&mut world, 1..=4);
        let runs = batches(&mut world, |_| Ok(answer.clone()));
        assert_eq!(runs.iter().map(|run| run.1.len()).collect::<Vec<_>>(), [4, 4, 4], "{answer}");
    }
}

fn queue_mapping(world: &mut World, reports_failures: bool) {
    world.lambda.put_mapping(Mapping {
        id: "q".into(),
        function: "f".into(),
        enabled: true,
        batch_size: 10,
        window_secs: 0,
        filters: Vec::new(),
        reports_failures,
        source: Source::Queue(QueueSource {
            arn: arn("sqs", "wake"),
            concurrency_max: Some(2),
            ..QueueSource::default()
        }),
    });
}

fn send(world: &mut World, body: &str) {
    world.after_invocation(vec![Effect::Send { queue_arn: arn("sqs", "wake"), body: body.into(), attributes: vec![] }]);
}

#[test]
fn an_empty_queue_does_not_hold_the_clock() {
    let mut world = world();
    queue_mapping(&mut world, false);
    assert_eq!(invocations(&mut world), []);
    assert_eq!(world.next_due(), None);
}

#[test]
fn messages_that_were_handled_are_deleted_as_the_functions_role() {
    let mut world = world();
    queue_mapping(&mut world, false);
    send(&mut world, "one");
    send(&mut world, "two");
    let runs = run(&mut world, 100, |_| outcome(Ok(json!(null))));
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0].1["Records"][1]["body"], "two");
    assert_eq!(runs[0].1["Records"][0]["eventSource"], "aws:sqs");
    assert_eq!(queue(&mut world, "wake"), []);
    let deletes = world.history.entries().iter().filter(|entry| entry.what["operation"] == "DeleteMessage");
    assert_eq!(deletes.map(|entry| entry.who.as_str()).collect::<Vec<_>>(), ["lambda for f"; 2]);
}

#[test]
fn a_failed_batch_comes_back_after_its_visibility_timeout() {
    let mut world = world();
    queue_mapping(&mut world, false);
    send(&mut world, "one");
    let mut first = true;
    let runs = run(&mut world, 100, |_| outcome(if std::mem::take(&mut first) { Err("no") } else { Ok(json!(null)) }));
    assert_eq!(runs.iter().map(|run| run.0).collect::<Vec<_>>(), [0, 30]);
}

#[test]
fn only_the_messages_that_are_reported_come_back() {
    let mut world = world();
    queue_mapping(&mut world, true);
    send(&mut world, "one");
    send(&mut world, "two");
    let mut bodies = Vec::new();
    run(&mut world, 40, |invocation| {
        let records = invocation.payload["Records"].as_array().unwrap().clone();
        bodies.push(records.iter().map(|record| record["body"].as_str().unwrap().to_owned()).collect::<Vec<_>>());
        let failed = if bodies.len() == 1 { json!([{"itemIdentifier": records[1]["messageId"]}]) } else { json!([]) };
        outcome(Ok(json!({"batchItemFailures": failed})))
    });
    assert_eq!(bodies, [vec!["one", "two"], vec!["two"]]);
}

/// Actions that were denied, in order.
fn denied(world: &World) -> Vec<&str> {
    let entries = world.history.entries().iter().filter(|entry| entry.kind == "denied");
    entries.map(|entry| entry.what["action"].as_str().unwrap()).collect()
}

#[test]
fn a_role_that_may_not_receive_leaves_the_message_and_does_not_hold_the_clock() {
    for (action, missing) in [("sqs:GetQueueAttributes", "sqs:ReceiveMessage"), ("logs:*", "sqs:GetQueueAttributes")] {
        let mut world = world();
        allow(&mut world, "f", action);
        queue_mapping(&mut world, false);
        send(&mut world, "one");
        assert_eq!(run(&mut world, 100, |_| outcome(Ok(json!(null)))), []);
        assert_eq!(queue(&mut world, "wake").len(), 1);
        assert_eq!(denied(&world), [missing]);
    }
}

#[test]
fn a_role_that_may_not_read_the_stream_gets_no_records() {
    let mut world = world();
    allow(&mut world, "f", "dynamodb:DescribeStream");
    world.lambda.put_mapping(stream(false, false));
    put(&mut world, 1..=2);
    assert_eq!(batches(&mut world, |_| Ok(json!(null))), []);
    assert_eq!(denied(&world), ["dynamodb:GetShardIterator"]);
}

#[test]
fn a_role_that_may_not_send_loses_the_failure_record_and_the_denial_is_seen() {
    let mut world = world();
    allow(&mut world, "f", "logs:*");
    let config =
        InvokeConfig { retries_max: 0, on_failure_arn: Some(arn("sqs", "failures")), ..InvokeConfig::default() };
    world.lambda.put_invoke_config("f", config);
    invoke(&mut world, json!(1));
    run(&mut world, 1, |_| outcome(Err("no")));
    assert_eq!(queue(&mut world, "failures"), []);
    assert_eq!(denied(&world), ["sqs:SendMessage"]);
}
