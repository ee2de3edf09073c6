//! The gateway over real loopback sockets, in every protocol, with a service that says what it was asked.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{HeaderMap, Request};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use jiff::Timestamp;
use serde_json::json;

use super::*;
use crate::call::{Answer, Ctx, Need, Place, Service};
use crate::serve::Bare;
use crate::switches::Switches;

mod control;

const NOW: &str = "2026-11-21T08:00:00Z";

/// Answers with what it was told to answer; counts the calls that took effect.
struct Teller {
    output: Answer,
    effects: Arc<AtomicUsize>,
}

impl Service for Teller {
    fn call(&mut self, _ctx: &mut Ctx<'_>, _call: &Call) -> Answer {
        self.effects.fetch_add(1, Ordering::SeqCst);
        self.output.clone()
    }

    fn needs(&self, _place: &Place, call: &Call) -> Vec<Need> {
        vec![Need::new(format!("{}:{}", call.service, call.operation), "*")]
    }
}

struct Rig {
    server: Server,
    world: Shared,
    keys: Keys,
    effects: Arc<AtomicUsize>,
    killed: Arc<Mutex<Vec<String>>>,
}

struct Got {
    status: u16,
    headers: HeaderMap,
    body: Bytes,
}

impl Got {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }
}

impl Rig {
    async fn new(service: &'static str, output: Answer) -> Self {
        let effects = Arc::new(AtomicUsize::new(0));
        let place = Place { partition: "aws".into(), region: "eu-west-1".into(), account: "123456789012".into() };
        let world = World::new(place, NOW.parse().unwrap(), Switches::default());
        let world = Arc::new(Mutex::new(world.with(service, Teller { output, effects: effects.clone() })));
        let killed = Arc::new(Mutex::new(Vec::new()));
        let seen = killed.clone();
        let gateway = Gateway::new(world.clone(), Arc::new(Bare::new(world.clone())))
            .on_kill(Arc::new(move |actor| seen.lock().unwrap().push(actor.to_owned())));
        let keys = gateway.keys();
        let server = gateway.bind(0).await.unwrap();
        Self { server, world, keys, effects, killed }
    }

    fn effects(&self) -> usize {
        self.effects.load(Ordering::SeqCst)
    }

    fn input(&self) -> Value {
        let world = lock(&self.world);
        let call = world.history.entries().iter().rev().find(|entry| entry.kind == "call");
        call.map(|entry| entry.what["input"].clone()).unwrap()
    }

    fn fault(&self, fault: Value) {
        lock(&self.world).faults.order(serde_json::from_value(fault).unwrap());
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Option<Got> {
        let client: Client<HttpConnector, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
        let response = client.request(request).await.ok()?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Some(Got { status: parts.status.as_u16(), headers: parts.headers, body })
    }

    fn signed(&self, key: &str, service: &str, path: &str) -> hyper::http::request::Builder {
        let credential =
            format!("AWS4-HMAC-SHA256 Credential={key}/20261121/eu-west-1/{service}/aws4_request, Signature=0");
        Request::post(format!("{}{path}", self.server.endpoint())).header("authorization", credential)
    }

    async fn json(&self, key: &str, service: &str, target: &str, body: Value) -> Option<Got> {
        let request = self.signed(key, service, "/").header("x-amz-target", target);
        let request = request.header("content-type", "application/x-amz-json-1.0");
        self.send(request.body(Full::from(body.to_string())).unwrap()).await
    }

    async fn form(&self, service: &str, form: &'static str) -> Got {
        let request =
            self.signed(OPERATOR_KEY, service, "/").header("content-type", "application/x-www-form-urlencoded");
        self.send(request.body(Full::from(form)).unwrap()).await.unwrap()
    }

    async fn control(&self, method: &str, path: &str, body: &str) -> Got {
        let request = Request::builder().method(method).uri(format!("{}{path}", self.server.endpoint()));
        self.send(request.body(Full::from(body.to_owned())).unwrap()).await.unwrap()
    }
}

fn function(rig: &Rig) {
    let role_arn = "arn:aws:iam::123456789012:role/rollback".to_owned();
    rig.keys.insert("FUNCTIONKEY", Caller::Role { role_arn, actor: "rollback".to_owned() });
}

fn queue() -> Answer {
    Ok(json!({"QueueUrl": "http://127.0.0.1/q"}))
}

const CREATE_QUEUE: &str = "AmazonSQS.CreateQueue";

#[tokio::test]
async fn a_json_call_is_answered_with_the_clouds_date_and_a_request_id() {
    let rig = Rig::new("sqs", queue()).await;
    let got = rig.json(OPERATOR_KEY, "sqs", CREATE_QUEUE, json!({"QueueName": "q"})).await.unwrap();
    assert_eq!((got.status, got.json()), (200, json!({"QueueUrl": "http://127.0.0.1/q"})));
    assert_eq!(got.header("date"), "Sat, 21 Nov 2026 08:00:00 GMT");
    assert_eq!(got.header("x-amzn-requestid").len(), 36);
    assert_eq!(got.header("content-type"), "application/x-amz-json-1.0");
}

#[tokio::test]
async fn a_query_call_is_answered_in_xml() {
    let rig = Rig::new("sns", Ok(json!({"TopicArn": "arn:t"}))).await;
    let got = rig.form("sns", "Action=CreateTopic&Version=2010-03-31&Name=alerts").await;
    assert_eq!(got.status, 200);
    assert!(got.text().contains("<CreateTopicResult><TopicArn>arn:t</TopicArn></CreateTopicResult>"), "{}", got.text());
    assert_eq!(rig.input(), json!({"Name": "alerts"}));
}

#[tokio::test]
async fn ec2_is_answered_in_its_own_dialect() {
    let rig = Rig::new("ec2", Ok(json!({"NextToken": "t", "Vpcs": [{"VpcId": "vpc-1"}]}))).await;
    let got = rig
        .form("ec2", "Action=DescribeVpcs&Version=2016-11-15&VpcId.1=vpc-1&Filter.1.Name=state&Filter.1.Value.1=x")
        .await;
    assert_eq!(got.status, 200);
    let id = got.header("x-amzn-requestid");
    let body = format!(
        "<requestId>{id}</requestId><nextToken>t</nextToken><vpcSet><item><vpcId>vpc-1</vpcId></item></vpcSet>"
    );
    assert!(got.text().contains(&body), "{}", got.text());
    assert_eq!(rig.input(), json!({"VpcIds": ["vpc-1"], "Filters": [{"Name": "state", "Values": ["x"]}]}));
}

#[tokio::test]
async fn ec2_refuses_in_its_own_words() {
    let rig = Rig::new("ec2", Err(ApiError::client("InvalidVpcID.NotFound", "no"))).await;
    for (form, status, code) in [
        ("Action=DescribeVpcs", 400, "InvalidVpcID.NotFound"),
        ("Action=DescribeVpcs&MaxResults=4", 400, "InvalidParameterValue"),
        ("Action=DescribeVpcs&Colour=red", 400, "UnknownParameter"),
        ("Action=RunInstances", 400, "InvalidAction"),
        ("Action=_Network&Name=a", 400, "InvalidAction"),
    ] {
        let got = rig.form("ec2", form).await;
        let wanted = format!("<Response><Errors><Error><Code>{code}</Code>");
        assert!(got.status == status && got.text().contains(&wanted), "{form}: {}", got.text());
    }
    function(&rig);
    for (key, status, code) in [("STRANGER", 401, "AuthFailure"), ("FUNCTIONKEY", 403, "UnauthorizedOperation")] {
        let request = rig.signed(key, "ec2", "/").header("content-type", "application/x-www-form-urlencoded");
        let got = rig.send(request.body(Full::from("Action=DescribeVpcs")).unwrap()).await.unwrap();
        let wanted = format!("<Code>{code}</Code>");
        assert!(got.status == status && got.text().contains(&wanted), "{}", got.text());
    }
    rig.fault(json!({"on": "ec2:DescribeVpcs", "do": {"kind": "throttle"}}));
    let got = rig.form("ec2", "Action=DescribeVpcs").await;
    assert!(got.status == 503 && got.text().contains("<Code>RequestLimitExceeded</Code>"), "{}", got.text());
}

#[tokio::test]
async fn a_cbor_call_may_wear_gzip() {
    let rig = Rig::new("monitoring", Ok(json!({}))).await;
    let input = ciborium::value::Value::serialized(&json!({
        "Namespace": "pitcrew", "MetricData": [{"MetricName": "Holds", "Value": 2.0}],
    }));
    let mut plain = Vec::new();
    ciborium::into_writer(&input.unwrap(), &mut plain).unwrap();
    let mut coat = GzEncoder::new(Vec::new(), Compression::default());
    std::io::Write::write_all(&mut coat, &plain).unwrap();
    let path = "/service/GraniteServiceVersion20100801/operation/PutMetricData";
    let request = rig.signed(OPERATOR_KEY, "monitoring", path);
    let request = request.header("smithy-protocol", "rpc-v2-cbor").header("content-encoding", "gzip");
    let got = rig.send(request.body(Full::from(coat.finish().unwrap())).unwrap()).await.unwrap();
    assert_eq!((got.status, got.header("smithy-protocol")), (200, "rpc-v2-cbor"));
    assert_eq!(rig.input(), json!({"Namespace": "pitcrew", "MetricData": [{"MetricName": "Holds", "Value": 2}]}));
}

#[tokio::test]
async fn a_rest_call_is_found_by_its_path() {
    let rig = Rig::new("lambda", Ok(json!({"StatusCode": 202}))).await;
    let request = rig.signed(OPERATOR_KEY, "lambda", "/2015-03-31/functions/rollback/invocations");
    let got = rig.send(request.body(Full::from("{}")).unwrap()).await.unwrap();
    assert_eq!((got.status, got.body.len()), (202, 0));
    assert_eq!(rig.input(), json!({"FunctionName": "rollback", "Payload": "e30="}));
}

#[tokio::test]
async fn an_unknown_key_is_refused_in_the_words_of_the_protocol() {
    let rig = Rig::new("sqs", queue()).await;
    let got = rig.json("STRANGER", "sqs", CREATE_QUEUE, json!({"QueueName": "q"})).await.unwrap();
    assert_eq!((got.status, got.json()["__type"].clone()), (403, json!("UnrecognizedClientException")));
    let request = rig.signed("STRANGER", "sns", "/").header("content-type", "application/x-www-form-urlencoded");
    let got = rig.send(request.body(Full::from("Action=ListTopics")).unwrap()).await.unwrap();
    assert!(got.status == 403 && got.text().contains("<Code>InvalidClientTokenId</Code>"), "{}", got.text());
    assert_eq!(rig.effects(), 0);
}

#[tokio::test]
async fn an_unsigned_call_is_refused_but_for_the_links_of_sns() {
    let rig = Rig::new("sns", Ok(json!({"SubscriptionArn": "arn:s"}))).await;
    let unsigned = |path: &str| Request::get(format!("{}{path}", rig.server.endpoint())).body(Full::default()).unwrap();
    let got = rig.send(unsigned("/?Action=ListTopics")).await.unwrap();
    assert!(got.status == 403 && got.text().contains("MissingAuthenticationToken"), "{}", got.text());
    let got = rig.send(unsigned("/?Action=ConfirmSubscription&TopicArn=arn:t&Token=abc")).await.unwrap();
    assert_eq!(got.status, 200, "{}", got.text());
    assert_eq!(rig.effects(), 1);
}

#[tokio::test]
async fn what_the_model_refuses_never_reaches_the_service() {
    let rig = Rig::new("sqs", queue()).await;
    for (target, body, code) in [
        (CREATE_QUEUE, json!({}), "InvalidParameterValue"),
        (CREATE_QUEUE, json!({"QueueName": 5}), "SerializationException"),
        (CREATE_QUEUE, json!([]), "SerializationException"),
        (CREATE_QUEUE, json!({"QueueName": "q", "Colour": "red"}), "InvalidParameterValue"),
        ("AmazonSQS._Deliver", json!({}), "UnknownOperationException"),
        ("AmazonSQS.Nonsense", json!({}), "UnknownOperationException"),
    ] {
        let got = rig.json(OPERATOR_KEY, "sqs", target, body).await.unwrap();
        assert_eq!((got.status, got.json()["__type"].clone()), (400, json!(code)), "{target}");
    }
    assert_eq!(rig.effects(), 0);
}

#[tokio::test]
async fn a_role_is_held_to_its_policies() {
    let rig = Rig::new("sqs", queue()).await;
    function(&rig);
    let got = rig.json("FUNCTIONKEY", "sqs", CREATE_QUEUE, json!({"QueueName": "q"})).await.unwrap();
    assert_eq!((got.status, rig.effects()), (403, 0));
    assert!(
        got.json()["message"]
            .as_str()
            .unwrap()
            .contains("is not authorized to perform: sqs:CreateQueue on resource: *")
    );
    let denied = rig.control("GET", "/_cloud/policies", "").await.json();
    assert_eq!(denied["denied"][0]["action"], "sqs:CreateQueue");
    let allow = json!({"Statement": {"Effect": "Allow", "Action": "sqs:CreateQueue", "Resource": "*"}});
    lock(&rig.world).policies.set("arn:aws:iam::123456789012:role/rollback", "own", vec![allow]).unwrap();
    let got = rig.json("FUNCTIONKEY", "sqs", CREATE_QUEUE, json!({"QueueName": "q"})).await.unwrap();
    assert_eq!((got.status, rig.effects()), (200, 1));
}

#[tokio::test]
async fn keys_of_an_assumed_role_are_held_to_the_roles_policies() {
    let rig = Rig::new("sts", Ok(json!({"Credentials": {"AccessKeyId": "ASSUMED"}}))).await;
    let role = "arn:aws:iam::123456789012:role/deputy";
    let form = "Action=AssumeRole&RoleArn=arn:aws:iam::123456789012:role/deputy&RoleSessionName=drill";
    assert_eq!(rig.form("sts", form).await.status, 200);
    let caller = Caller::Role { role_arn: role.to_owned(), actor: "drill".to_owned() };
    assert_eq!(rig.keys.find("ASSUMED").map(|key| key.caller), Some(caller));
    let request = rig.signed("ASSUMED", "sts", "/").header("content-type", "application/x-www-form-urlencoded");
    let got = rig.send(request.body(Full::from("Action=GetCallerIdentity")).unwrap()).await.unwrap();
    assert!(got.status == 403 && got.text().contains(role), "{}", got.text());
}

#[tokio::test]
async fn keys_of_an_assumed_role_end_at_their_expiration() {
    let credentials = json!({"AccessKeyId": "ASSUMED", "Expiration": 0});
    let rig = Rig::new("sts", Ok(json!({"Credentials": credentials}))).await;
    let form = "Action=AssumeRole&RoleArn=arn:aws:iam::123456789012:role/deputy&RoleSessionName=drill";
    assert_eq!(rig.form("sts", form).await.status, 200);
    let request = rig.signed("ASSUMED", "sts", "/").header("content-type", "application/x-www-form-urlencoded");
    let got = rig.send(request.body(Full::from("Action=GetCallerIdentity")).unwrap()).await.unwrap();
    assert!(got.status == 403 && got.text().contains("<Code>ExpiredToken</Code>"), "{}", got.text());
}

#[tokio::test]
async fn a_role_is_given_a_policy_by_the_control_api() {
    let rig = Rig::new("sqs", queue()).await;
    function(&rig);
    let role = "arn:aws:iam::123456789012:role/rollback";
    let document = json!({"Statement": {"Effect": "Allow", "Action": "sqs:CreateQueue", "Resource": "*"}});
    let body = json!({"role_arn": role, "name": "own", "document": document});
    assert_eq!(rig.control("PUT", "/_cloud/policies", &body.to_string()).await.status, 200);
    let got = rig.json("FUNCTIONKEY", "sqs", CREATE_QUEUE, json!({"QueueName": "q"})).await.unwrap();
    assert_eq!(got.status, 200);
    let bad = json!({"role_arn": role, "name": "own", "document": {"Statement": [{"Effect": "Perhaps"}]}});
    assert_eq!(rig.control("PUT", "/_cloud/policies", &bad.to_string()).await.status, 400);
}

#[tokio::test]
async fn an_error_before_effect_has_no_effect() {
    let rig = Rig::new("sqs", queue()).await;
    rig.fault(json!({"on": "sqs:*", "do": {"kind": "throttle"}}));
    rig.fault(json!({"on": "sqs:*", "do": {"kind": "error", "code": "InternalError", "status": 503}}));
    let got = rig.json(OPERATOR_KEY, "sqs", CREATE_QUEUE, json!({"QueueName": "q"})).await.unwrap();
    assert_eq!((got.status, got.header("x-amzn-query-error")), (400, "RequestThrottled;Sender"));
    let got = rig.json(OPERATOR_KEY, "sqs", CREATE_QUEUE, json!({"QueueName": "q"})).await.unwrap();
    assert_eq!((got.status, rig.effects()), (503, 0));
}

#[tokio::test]
async fn a_lost_answer_had_its_effect() {
    let rig = Rig::new("sqs", queue()).await;
    rig.fault(json!({"on": "sqs:CreateQueue", "do": {"kind": "lost-answer"}}));
    assert!(rig.json(OPERATOR_KEY, "sqs", CREATE_QUEUE, json!({"QueueName": "q"})).await.is_none());
    assert_eq!(rig.effects(), 1);
    assert!(rig.json(OPERATOR_KEY, "sqs", CREATE_QUEUE, json!({"QueueName": "q"})).await.is_some());
}

#[tokio::test]
async fn a_kill_names_the_function_before_or_after_the_effect() {
    let rig = Rig::new("sqs", queue()).await;
    function(&rig);
    let allow = json!({"Statement": {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}});
    lock(&rig.world).policies.set("arn:aws:iam::123456789012:role/rollback", "own", vec![allow]).unwrap();
    for (kind, effects) in [("kill-before", 0), ("kill-after", 1)] {
        rig.fault(json!({"on": "sqs:*", "by": "rollback", "do": {"kind": kind}}));
        assert!(rig.json("FUNCTIONKEY", "sqs", CREATE_QUEUE, json!({"QueueName": "q"})).await.is_none());
        assert_eq!(rig.effects(), effects);
    }
    assert_eq!(*rig.killed.lock().unwrap(), ["rollback", "rollback"]);
}

#[tokio::test]
async fn a_delayed_answer_outlasts_the_callers_patience_and_has_its_effect() {
    let rig = Rig::new("sqs", queue()).await;
    rig.fault(json!({"on": "sqs:*", "do": {"kind": "delay", "ms": 60_000}}));
    let call = rig.json(OPERATOR_KEY, "sqs", CREATE_QUEUE, json!({"QueueName": "q"}));
    assert!(tokio::time::timeout(Duration::from_millis(200), call).await.is_err());
    assert_eq!(rig.effects(), 1);
}

#[tokio::test]
async fn a_stale_read_repeats_the_last_answer_to_the_same_question() {
    let rig = Rig::new("sqs", queue()).await;
    rig.json(OPERATOR_KEY, "sqs", CREATE_QUEUE, json!({"QueueName": "q"})).await.unwrap();
    rig.fault(json!({"on": "sqs:*", "times": 2, "do": {"kind": "stale-read"}}));
    let same = rig.json(OPERATOR_KEY, "sqs", CREATE_QUEUE, json!({"QueueName": "q"})).await.unwrap();
    assert_eq!((same.json()["QueueUrl"].clone(), rig.effects()), (json!("http://127.0.0.1/q"), 1));
    rig.json(OPERATOR_KEY, "sqs", CREATE_QUEUE, json!({"QueueName": "other"})).await.unwrap();
    assert_eq!(rig.effects(), 2);
}

#[tokio::test]
async fn an_answer_that_the_model_does_not_have_is_put_on_record() {
    let rig = Rig::new("sqs", Ok(json!({"Url": "http://127.0.0.1/q"}))).await;
    rig.json(OPERATOR_KEY, "sqs", CREATE_QUEUE, json!({"QueueName": "q"})).await.unwrap();
    let world = lock(&rig.world);
    let fault = world.history.entries().iter().find(|entry| entry.kind == "fault").unwrap();
    assert!(fault.what["not_of_the_model"][0].as_str().unwrap().contains("'url'"));
}

#[tokio::test]
async fn damaged_bodies_are_refused() {
    let rig = Rig::new("sqs", queue()).await;
    let json = |request: hyper::http::request::Builder| {
        request.header("x-amz-target", CREATE_QUEUE).header("content-type", "application/x-amz-json-1.0")
    };
    let broken = json(rig.signed(OPERATOR_KEY, "sqs", "/")).body(Full::from("{")).unwrap();
    let coat = json(rig.signed(OPERATOR_KEY, "sqs", "/")).header("content-encoding", "gzip");
    for request in [broken, coat.body(Full::from("not gzip")).unwrap()] {
        let got = rig.send(request).await.unwrap();
        assert_eq!((got.status, got.json()["__type"].clone()), (400, json!("SerializationException")));
    }
}
