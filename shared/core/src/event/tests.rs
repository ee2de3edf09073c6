//! Every input that a function can be invoked with, in every known spelling, and what must be refused.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

mod domains;

use domains::{CERTIFICATE, acm, call};

const ARN: &str = "arn:aws:apprunner:eu-west-1:123456789012:service/shop-api/8fe1e10304f84fd2b0df550fe98a71fa";
const OPERATION: &str = "AppRunner Service Operation Status Change";
const STATUS: &str = "AppRunner Service Status Change";

fn home() -> Home {
    Home { partition: Some("aws".into()), account: "123456789012".into(), region: "eu-west-1".into() }
}

fn envelope(source: &str, detail_type: &str, resources: Value, detail: Value) -> Value {
    json!({
        "version": "0", "id": "e-1", "detail-type": detail_type, "source": source, "account": "123456789012",
        "time": "2026-11-21T08:00:00Z", "region": "eu-west-1", "resources": resources, "detail": detail,
    })
}

fn app_runner(detail_type: &str, detail: Value) -> Value {
    envelope("aws.apprunner", detail_type, json!([ARN]), detail)
}

fn reason(payload: &Value) -> Reason {
    parse(payload, &home()).unwrap_err().reason
}

fn with(mut payload: Value, key: &str, value: Value) -> Value {
    payload[key] = value;
    payload
}

fn without(mut payload: Value, key: &str) -> Value {
    payload.as_object_mut().unwrap().remove(key);
    payload
}

fn only(payload: &Value) -> Subject {
    let wake = parse(payload, &home()).unwrap();
    let [subject] = <[Subject; 1]>::try_from(wake.subjects).unwrap();
    subject
}

#[test]
fn a_service_is_found_under_every_known_spelling_of_the_detail_keys() {
    let spellings = [
        (OPERATION, json!({"operationStatus": "W", "serviceName": "shop-api", "serviceId": "8", "message": "m"})),
        (OPERATION, json!({"OperationStatus": "W", "ServiceName": "shop-api", "ServiceId": "8", "Severity": "INFO"})),
        (OPERATION, json!({"Status": "W", "ServiceName": "shop-api"})),
        (OPERATION, json!({"operationStatus": "W", "ServiceName": "shop-api", "somethingNew": {"a": [1]}})),
        (STATUS, json!({"previousServiceStatus": "P", "currentServiceStatus": "W"})),
        (STATUS, json!({"PreviousStatus": "P", "CurrentStatus": "W", "Message": "m"})),
        (STATUS, json!({"previousStatus": "P", "currentStatus": "W"})),
    ];
    for (detail_type, detail) in spellings {
        let wake = parse(&app_runner(detail_type, detail.clone()), &home()).unwrap();
        let hint = ServiceHint { arn: ServiceArn::parse(ARN).unwrap(), said: Some("W".into()) };
        assert_eq!(wake.subjects, [Subject::Service(hint)], "{detail}");
        assert_eq!(wake.cause.text, format!("{detail_type} event e-1"));
        let kind = if detail_type == STATUS { WakeKind::ServiceStatus } else { WakeKind::OperationStatus };
        assert_eq!(wake.kind, kind);
    }
}

#[test]
fn an_unknown_status_word_or_none_at_all_is_still_a_hint() {
    for (detail, said) in [(json!({"operationStatus": "Exploded"}), Some("Exploded")), (json!({"x": 1}), None)] {
        let Subject::Service(hint) = only(&app_runner(OPERATION, detail)) else { panic!("no service") };
        assert_eq!(hint.said.as_deref(), said);
    }
}

fn alarm_event(configuration: Value) -> Value {
    envelope(
        "aws.cloudwatch",
        "CloudWatch Alarm State Change",
        json!(["arn:aws:cloudwatch:eu-west-1:123456789012:alarm:shop: 5xx (prod)"]),
        json!({
            "alarmName": "shop: 5xx (prod)",
            "state": {"value": "ALARM", "reason": "r", "reasonData": "{}", "timestamp": "2026-11-21T08:00:00.000+0000"},
            "previousState": {"value": "OK"},
            "configuration": configuration,
        }),
    )
}

#[test]
fn a_plain_alarm_names_the_services_of_its_app_runner_metrics_once_each() {
    let metric = |namespace: &str, dimensions: Value| {
        json!({"id": "m", "returnData": true, "metricStat":
        {"metric": {"namespace": namespace, "name": "5xxStatusResponses", "dimensions": dimensions}, "period": 60, "stat": "Sum"}})
    };
    let shop = json!({"ServiceName": "shop-api", "ServiceID": "8fe1"});
    let configuration = json!({"description": "d", "metrics": [
        {"id": "e1", "expression": "m1/m2*100", "returnData": true},
        metric("AWS/AppRunner", shop.clone()), metric("AWS/AppRunner", shop),
        metric("AWS/EC2", json!({"ServiceName": "not-ours"})), metric("AWS/AppRunner", json!({"Other": "x"})),
    ]});
    let Subject::Alarm(alarm) = only(&alarm_event(configuration)) else { panic!("no alarm") };
    assert_eq!(
        alarm,
        AlarmChange {
            name: "shop: 5xx (prod)".into(),
            arn: "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:shop: 5xx (prod)".into(),
            state: Some("ALARM".into()),
            previous: Some("OK".into()),
            services: vec![ServiceDimension { name: Some("shop-api".into()), id: Some("8fe1".into()) }],
            children: Vec::new(),
        }
    );
}

#[test]
fn a_composite_alarm_names_its_children_as_the_rule_writes_them() {
    let rule = r#"(ALARM("5xx (shop) \"hot\"") OR ALARM( plain-name )) AND NOT OK(arn:aws:cloudwatch:eu-west-1:123456789012:alarm:by:arn)
        AND (TRUE) AND NOT INSUFFICIENT_DATA(plain-name) AND ALARM(arn:aws:cloudwatch:eu-west-1:999999999999:alarm:foreign)"#;
    let Subject::Alarm(alarm) = only(&alarm_event(json!({"alarmRule": rule}))) else { panic!("no alarm") };
    assert_eq!(alarm.children, ["5xx (shop) \"hot\"", "plain-name", "by:arn"]);
    assert_eq!(alarm.services, []);
}

#[test]
fn a_rule_that_breaks_off_yields_what_was_whole() {
    for (rule, names) in
        [("ALARM(a) OR ALARM(b", vec!["a"]), ("ALARM(\"x", vec![]), ("((((", vec![]), ("ALARM()", vec![])]
    {
        let Subject::Alarm(alarm) = only(&alarm_event(json!({"alarmRule": rule}))) else { panic!("no alarm") };
        assert_eq!(alarm.children, names, "{rule}");
    }
}

fn ecr(detail: Value) -> Value {
    envelope("aws.ecr", "ECR Image Action", json!([]), detail)
}

#[test]
fn a_push_and_a_deletion_name_the_image_and_need_no_resources() {
    let digest = format!("sha256:{}", "ab".repeat(32));
    let push = json!({"result": "SUCCESS", "repository-name": "team/shop", "image-digest": digest,
        "action-type": "PUSH", "image-tag": "latest", "manifest-media-type": "x"});
    let expected = ImageChange {
        registry: "123456789012".into(),
        repository: "team/shop".into(),
        action: ImageAction::Push,
        tag: Some("latest".into()),
        digest: Some(Digest::parse(&digest).unwrap()),
    };
    assert_eq!(only(&ecr(push)), Subject::Image(expected.clone()));
    // A deletion by digest has an empty tag, and the user guide's own sample has a digest that is none.
    let delete =
        json!({"repository-name": "team/shop", "image-digest": "sha256:12", "action-type": "DELETE", "image-tag": ""});
    let expected = ImageChange { action: ImageAction::Delete, tag: None, digest: None, ..expected };
    assert_eq!(only(&ecr(delete)), Subject::Image(expected));
    assert_eq!(reason(&ecr(json!({"action-type": "PUSH"}))), Reason::UnknownShape);
}

#[test]
fn the_sweep_is_the_whole_fleet() {
    let wake = parse(&json!({"source": "pitcrew", "detail-type": "Sweep"}), &home()).unwrap();
    assert_eq!(wake, Wake { cause: cause("sweep"), kind: WakeKind::Sweep, subjects: vec![Subject::Fleet] });
}

fn record(id: &str, body: &str) -> Value {
    json!({"messageId": id, "receiptHandle": "h", "body": body, "attributes": {"ApproximateReceiveCount": "1"},
        "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:wake", "awsRegion": "eu-west-1"})
}

fn queued(payload: &Value) -> Vec<QueuedWake> {
    let queued = |subject| match subject {
        Subject::Queued(queued) => queued,
        other => panic!("{other:?}"),
    };
    parse(payload, &home()).unwrap().subjects.into_iter().map(queued).collect()
}

#[test]
fn a_bad_record_of_the_wake_queue_does_not_harm_the_others() {
    let good = format!(r#"{{"service": "{ARN}"}}"#);
    let foreign = good.replace("123456789012", "999999999999");
    let bodies = [good.as_str(), "not json", "[]", "{}", r#"{"service": "x"}"#, foreign.as_str(), good.as_str()];
    let records: Vec<Value> = bodies.iter().enumerate().map(|(n, body)| record(&format!("m{n}"), body)).collect();
    let wakes = queued(&json!({ "Records": records }));
    let answers: Vec<(String, Option<Reason>)> =
        wakes.into_iter().map(|wake| (wake.message_id, wake.about.err().map(|rejected| rejected.reason))).collect();
    let expected = [
        None,
        Some(Reason::NotJson),
        Some(Reason::NotAnObject),
        Some(Reason::UnknownShape),
        Some(Reason::NotAnArn),
        Some(Reason::OtherAccount),
        None,
    ];
    let expected: Vec<_> = expected.into_iter().enumerate().map(|(n, reason)| (format!("m{n}"), reason)).collect();
    assert_eq!(answers, expected);
}

#[test]
fn records_of_another_queue_or_another_source_are_refused() {
    let good = record("m", &format!(r#"{{"service": "{ARN}"}}"#));
    let cases = [
        (with(good.clone(), "eventSource", json!("aws:sns")), Reason::OtherService),
        (with(good.clone(), "eventSourceARN", json!("arn:aws:sqs:eu-west-1:999999999999:q")), Reason::OtherAccount),
        (with(good.clone(), "eventSourceARN", json!("arn:aws:sqs:us-east-1:123456789012:q")), Reason::OtherRegion),
        (without(good.clone(), "messageId"), Reason::UnknownShape),
        (without(good.clone(), "body"), Reason::UnknownShape),
        (json!(7), Reason::NotAnObject),
    ];
    for (record, expected) in cases {
        let wakes = queued(&json!({"Records": [record]}));
        assert_eq!(wakes[0].about.as_ref().unwrap_err().reason, expected);
    }
    for records in [json!({}), json!([]), json!("x"), Value::Null] {
        assert_eq!(reason(&json!({ "Records": records })), Reason::UnknownShape);
    }
}

#[test]
fn what_is_not_ours_is_refused_with_its_reason() {
    let good = app_runner(OPERATION, json!({"operationStatus": "DeploymentFailed"}));
    assert!(parse(&good, &home()).is_ok());
    let foreign = |from: &str, to: &str| json!([ARN.replace(from, to)]);
    let cases = [
        (json!(null), Reason::NotAnObject),
        (json!([good.clone()]), Reason::NotAnObject),
        (json!("text"), Reason::NotAnObject),
        (json!({}), Reason::UnknownShape),
        (with(good.clone(), "account", json!("999999999999")), Reason::OtherAccount),
        (without(good.clone(), "account"), Reason::UnknownShape),
        (with(good.clone(), "region", json!("us-east-1")), Reason::OtherRegion),
        (with(good.clone(), "source", json!("com.example")), Reason::Forged),
        (with(good.clone(), "source", json!("aws.ecr")), Reason::Forged),
        (with(good.clone(), "detail-type", json!("AppRunner Something New")), Reason::UnknownShape),
        (with(good.clone(), "detail-type", json!("Sweep")), Reason::Forged),
        (with(good.clone(), "detail-type", json!(7)), Reason::UnknownShape),
        (
            with(with(good.clone(), "source", json!("aws.ec2")), "detail-type", json!("EC2 Instance State Change")),
            Reason::OtherService,
        ),
        (with(good.clone(), "resources", json!([])), Reason::NoResources),
        (without(good.clone(), "resources"), Reason::NoResources),
        (with(good.clone(), "resources", json!([7])), Reason::NotAnArn),
        (with(good.clone(), "resources", json!(["shop-api"])), Reason::NotAnArn),
        (with(good.clone(), "resources", foreign(":service/", ":connection/")), Reason::NotAnArn),
        (with(good.clone(), "resources", foreign("apprunner", "ecs")), Reason::OtherService),
        (with(good.clone(), "resources", foreign("123456789012", "999999999999")), Reason::OtherAccount),
        (with(good.clone(), "resources", foreign("eu-west-1", "us-east-1")), Reason::OtherRegion),
        (with(good.clone(), "resources", foreign("arn:aws:", "arn:aws-cn:")), Reason::OtherRegion),
        (with(good.clone(), "detail", json!("text")), Reason::UnknownShape),
        (without(good, "detail"), Reason::UnknownShape),
        (with(alarm_event(json!({})), "resources", json!([ARN])), Reason::OtherService),
        (
            with(alarm_event(json!({})), "resources", json!(["arn:aws:cloudwatch:eu-west-1:123456789012:dashboard:x"])),
            Reason::NotAnArn,
        ),
    ];
    for (payload, expected) in cases {
        assert_eq!(reason(&payload), expected, "{payload}");
    }
}

#[test]
fn a_rejected_input_is_kept_short_and_without_invisible_characters() {
    let long = json!({"a": "ü\u{7f}\u{9b}\u{202e}\u{200b}\n".repeat(60_000)});
    let rejected = parse(&long, &home()).unwrap_err();
    assert!(rejected.excerpt.len() <= EXCERPT_BYTES_MAX && rejected.excerpt.len() > EXCERPT_BYTES_MAX - 4);
    assert!(!rejected.excerpt.chars().any(invisible));
    let raw = Rejected::not_json(b"\xff\xfe{\x00oops");
    assert_eq!((raw.reason, raw.excerpt.as_str()), (Reason::NotJson, "\u{fffd}\u{fffd}{oops"));
}

#[test]
fn the_same_input_is_kept_once_and_another_beside_it() {
    let one = json!({"a": {"x": 1, "y": [1, 2]}, "b": "2"});
    let reordered = json!({"b": "2", "a": {"y": [1, 2], "x": 1}});
    assert_eq!(quarantine_id(&one), quarantine_id(&reordered));
    assert_eq!(parse(&one, &home()).unwrap_err().id, quarantine_id(&one));
    let others = [json!({"a": {"x": 1, "y": [1, 2]}, "b": 2}), json!({"a": {"x": 1, "y": [12]}, "b": "2"}), json!({})];
    for other in others {
        assert_ne!(quarantine_id(&one), quarantine_id(&other));
    }
    let again = with(record("m", "x"), "attributes", json!({"ApproximateReceiveCount": "2"}));
    assert_eq!(quarantine_id(&record("m", "x")), quarantine_id(&again));
    assert_ne!(quarantine_id(&record("m", "x")), quarantine_id(&record("n", "x")));
}

/// Any JSON, with a strong leaning towards the keys and words that the parser looks for.
fn any_json() -> impl Strategy<Value = Value> {
    let words = prop::sample::select(vec![
        ARN,
        OPERATION,
        STATUS,
        "aws.apprunner",
        "aws.cloudwatch",
        "aws.ecr",
        "pitcrew",
        "Sweep",
        "AWS API Call via CloudTrail",
        "ACM Certificate Expired",
        "aws.acm",
        CERTIFICATE,
        "123456789012",
        "eu-west-1",
        "CloudWatch Alarm State Change",
        "ECR Image Action",
        "aws:sqs",
        "ALARM(\"a",
        "ALARM(ü)",
        "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:",
        "arn:aws:sqs:eu-west-1:123456789012:wake",
        "{\"service\":1}",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        words.prop_map(Value::from),
    ];
    let keys = prop::sample::select(vec![
        "source",
        "detail-type",
        "account",
        "region",
        "resources",
        "detail",
        "Records",
        "messageId",
        "body",
        "state",
        "eventSource",
        "eventSourceARN",
        "configuration",
        "metrics",
        "alarmRule",
        "metricStat",
        "metric",
        "dimensions",
        "repository-name",
        "image-digest",
        "requestParameters",
        "serviceArn",
        "id",
        "x",
    ]);
    leaf.prop_recursive(5, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((keys.clone(), inner), 0..8).prop_map(|pairs| {
                Value::Object(pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
            }),
        ]
    })
}

/// A well-formed event of each kind, so that a change of one part reaches deep into the parser.
fn samples() -> Vec<Value> {
    vec![
        app_runner(OPERATION, json!({"operationStatus": "DeploymentFailed"})),
        alarm_event(json!({"alarmRule": "ALARM(\"a\") OR OK(b)", "metrics": [{"metricStat": {"metric":
            {"namespace": "AWS/AppRunner", "dimensions": {"ServiceName": "shop-api"}}}}]})),
        ecr(json!({"repository-name": "shop", "action-type": "PUSH"})),
        call("AssociateCustomDomain", json!({"serviceArn": ARN, "domainName": "a.example.com"}), None),
        acm(CERTIFICATE),
        json!({"Records": [record("m", &format!(r#"{{"service": "{ARN}"}}"#))]}),
    ]
}

/// Replaces the `at`-th part of a value, counted as one reads it.
fn replace_part(value: &mut Value, at: &mut usize, by: &Value) {
    if *at == 0 {
        value.clone_from(by);
    }
    *at = at.wrapping_sub(1);
    match value {
        Value::Object(members) => members.values_mut().for_each(|member| replace_part(member, at, by)),
        Value::Array(items) => items.iter_mut().for_each(|item| replace_part(item, at, by)),
        _ => {}
    }
}

proptest! {
    #[test]
    fn no_json_makes_the_parser_panic_and_what_it_takes_is_at_home(payload in any_json()) {
        check(&payload)?;
    }

    #[test]
    fn a_sample_with_one_part_replaced_is_taken_or_refused_cleanly(n in 0..6usize, at in 0..30usize, part in any_json()) {
        let mut payload = samples()[n].clone();
        replace_part(&mut payload, &mut at.clone(), &part);
        check(&payload)?;
    }

    #[test]
    fn no_rule_of_a_composite_alarm_breaks_the_parser(rule in r#"(ALARM|OK|\(|\)|"|\\| |ü|a|arn:){0,40}"#) {
        let Subject::Alarm(alarm) = only(&alarm_event(json!({ "alarmRule": rule }))) else { panic!("no alarm") };
        prop_assert!(alarm.children.iter().all(|name| !name.is_empty()));
    }
}

fn check(payload: &Value) -> Result<(), TestCaseError> {
    match parse(payload, &home()) {
        Ok(wake) => {
            for subject in wake.subjects {
                let arn = match subject {
                    Subject::Service(hint) => hint.arn,
                    Subject::Queued(QueuedWake { about: Ok(Queued::Service(arn)), .. }) => arn,
                    Subject::Domains(hint) => hint.service,
                    _ => continue,
                };
                prop_assert_eq!((arn.account(), arn.region()), ("123456789012", "eu-west-1"));
            }
        }
        Err(rejected) => {
            prop_assert!(rejected.excerpt.len() <= EXCERPT_BYTES_MAX);
            prop_assert_eq!(rejected.id, quarantine_id(payload));
        }
    }
    Ok(())
}

#[test]
fn a_status_under_no_known_spelling_is_handled_and_its_shape_is_kept_once() {
    let event = |service: &str, keys: serde_json::Value| {
        json!({
            "version": "0", "id": format!("id-{service}"), "source": "aws.apprunner", "account": "123456789012",
            "detail-type": "AppRunner Service Operation Status Change", "region": "eu-west-1",
            "resources": [format!("arn:aws:apprunner:eu-west-1:123456789012:service/{service}/0123456789abcdef")],
            "detail": keys,
        })
    };
    let home = Home { partition: None, account: "123456789012".into(), region: "eu-west-1".into() };
    let drift = |payload: &serde_json::Value| drifted(payload, &parse(payload, &home).unwrap());
    let one = drift(&event("shop", json!({"phase": "DONE", "svc": "shop"}))).unwrap();
    let other = drift(&event("cart", json!({"svc": "cart", "phase": "FAILED"}))).unwrap();
    assert_eq!((one.reason, &one.id), (Reason::UnknownKeys, &other.id));
    assert_eq!(drift(&event("shop", json!({"operationStatus": "DeploymentFailed", "new": 1}))), None);
}
