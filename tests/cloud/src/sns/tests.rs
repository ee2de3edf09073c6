//! SNS as a caller sees it.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::effect::Effect;
use crate::rig::Rig;

use super::Sns;

const TOPIC: &str = "arn:aws:sns:eu-west-1:123456789012:crew";
const QUEUE: &str = "arn:aws:sqs:eu-west-1:123456789012:inbox";
const FUNCTION: &str = "arn:aws:lambda:eu-west-1:123456789012:function:notify";

fn topic() -> Rig<Sns> {
    let mut rig = Rig::new(Sns::new());
    assert_eq!(rig.ok("CreateTopic", json!({"Name": "crew"})), json!({"TopicArn": TOPIC}));
    rig
}

fn subscribe(rig: &mut Rig<Sns>, protocol: &str, endpoint: &str, attributes: Value) -> String {
    let answer = rig.ok(
        "Subscribe",
        json!({
            "TopicArn": TOPIC, "Protocol": protocol, "Endpoint": endpoint, "Attributes": attributes,
            "ReturnSubscriptionArn": true,
        }),
    );
    answer["SubscriptionArn"].as_str().unwrap().to_owned()
}

fn publish(rig: &mut Rig<Sns>, more: Value) -> Value {
    let mut input = json!({"TopicArn": TOPIC, "Message": "hello"});
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    rig.ok("Publish", input)
}

/// Bodies that went to the queue.
fn bodies(rig: &mut Rig<Sns>) -> Vec<String> {
    rig.effects()
        .into_iter()
        .filter_map(|effect| match effect {
            Effect::Send { body, .. } => Some(body),
            _ => None,
        })
        .collect()
}

#[test]
fn a_topic_is_made_once_and_shows_its_attributes() {
    let mut rig = topic();
    rig.ok("CreateTopic", json!({"Name": "crew"}));
    rig.refused("CreateTopic", "InvalidParameter", json!({"Name": "crew", "Attributes": {"DisplayName": "x"}}));
    rig.ok("SetTopicAttributes", json!({"TopicArn": TOPIC, "AttributeName": "DisplayName", "AttributeValue": "Crew"}));
    rig.refused(
        "SetTopicAttributes",
        "InvalidParameter",
        json!({"TopicArn": TOPIC, "AttributeName": "Owner", "AttributeValue": "x"}),
    );
    let shown = rig.ok("GetTopicAttributes", json!({"TopicArn": TOPIC}))["Attributes"].take();
    assert_eq!(
        (&shown["DisplayName"], &shown["Owner"], &shown["SubscriptionsConfirmed"]),
        (&json!("Crew"), &json!("123456789012"), &json!("0"))
    );
    assert_eq!(rig.ok("ListTopics", json!({})), json!({"Topics": [{"TopicArn": TOPIC}]}));
    for name in ["", "with space", "queue.fifo", &"x".repeat(257)] {
        rig.refused("CreateTopic", "InvalidParameter", json!({"Name": name}));
    }
    rig.ok(
        "TagResource",
        json!({"ResourceArn": TOPIC, "Tags": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]}),
    );
    rig.ok("UntagResource", json!({"ResourceArn": TOPIC, "TagKeys": ["a"]}));
    assert_eq!(
        rig.ok("ListTagsForResource", json!({"ResourceArn": TOPIC})),
        json!({"Tags": [{"Key": "b", "Value": "2"}]})
    );
    rig.ok("DeleteTopic", json!({"TopicArn": TOPIC}));
    rig.ok("DeleteTopic", json!({"TopicArn": TOPIC}));
    assert_eq!(rig.refused("GetTopicAttributes", "NotFound", json!({"TopicArn": TOPIC})).status, 404);
    assert_eq!(rig.refused("Publish", "NotFound", json!({"TopicArn": TOPIC, "Message": "x"})).status, 404);
}

#[test]
fn a_queue_gets_the_envelope() {
    let mut rig = topic();
    let arn = subscribe(&mut rig, "sqs", QUEUE, json!({}));
    let id = publish(
        &mut rig,
        json!({
            "Subject": "news", "MessageAttributes": {"kind": {"DataType": "String", "StringValue": "alarm"}},
        }),
    )["MessageId"]
        .take();
    let effects = rig.effects();
    let [Effect::Send { queue_arn, body, attributes }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!((queue_arn.as_str(), attributes.len()), (QUEUE, 0));
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(
        body,
        json!({
            "Type": "Notification", "MessageId": id, "TopicArn": TOPIC, "Subject": "news", "Message": "hello",
            "Timestamp": "2026-01-05T09:00:00.000Z", "SignatureVersion": "1",
            "Signature": "dGhlIGxvY2FsIGNsb3VkIGRvZXMgbm90IHNpZ24=",
            "SigningCertURL": "http://127.0.0.1/SimpleNotificationService-none.pem",
            "UnsubscribeURL": format!("http://127.0.0.1/?Action=Unsubscribe&SubscriptionArn={arn}"),
            "MessageAttributes": {"kind": {"Type": "String", "Value": "alarm"}},
        })
    );
}

#[test]
fn raw_delivery_sends_the_text_and_its_attributes() {
    let mut rig = topic();
    subscribe(&mut rig, "sqs", QUEUE, json!({"RawMessageDelivery": "true"}));
    publish(&mut rig, json!({"MessageAttributes": {"kind": {"DataType": "String", "StringValue": "alarm"}}}));
    assert_eq!(
        rig.effects(),
        [Effect::Send {
            queue_arn: QUEUE.to_owned(),
            body: "hello".to_owned(),
            attributes: vec![("kind".to_owned(), "alarm".to_owned())],
        }]
    );
    let error = rig.refused(
        "Subscribe",
        "InvalidParameter",
        json!({
            "TopicArn": TOPIC, "Protocol": "lambda", "Endpoint": FUNCTION, "Attributes": {"RawMessageDelivery": "true"},
        }),
    );
    assert!(error.message.contains("does not support raw message delivery"));
}

#[test]
fn a_function_is_invoked_with_a_record() {
    let mut rig = topic();
    let arn = subscribe(&mut rig, "lambda", FUNCTION, json!({}));
    publish(&mut rig, json!({}));
    let effects = rig.effects();
    let [Effect::Invoke { function_arn, payload, .. }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(function_arn, FUNCTION);
    let record = &payload["Records"][0];
    assert_eq!((&record["EventSource"], &record["EventSubscriptionArn"]), (&json!("aws:sns"), &json!(arn)));
    assert_eq!((&record["Sns"]["Message"], &record["Sns"]["Subject"]), (&json!("hello"), &Value::Null));
}

#[test]
fn an_http_subscription_gets_nothing_until_it_is_confirmed() {
    let mut rig = topic();
    rig.service.set_endpoint("http://127.0.0.1:4566");
    let url = "http://127.0.0.1:9999/hook";
    let answer = rig.ok("Subscribe", json!({"TopicArn": TOPIC, "Protocol": "http", "Endpoint": url}));
    assert_eq!(answer, json!({"SubscriptionArn": "pending confirmation"}));
    let effects = rig.effects();
    let [Effect::Post { url: to, headers, body }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(to, url);
    assert!(headers.contains(&("x-amz-sns-message-type".to_owned(), "SubscriptionConfirmation".to_owned())));
    let body: Value = serde_json::from_str(body).unwrap();
    assert!(body["SubscribeURL"].as_str().unwrap().starts_with("http://127.0.0.1:4566/?Action=ConfirmSubscription&"));
    publish(&mut rig, json!({}));
    assert!(rig.effects().is_empty());
    let listed = rig.ok("ListSubscriptionsByTopic", json!({"TopicArn": TOPIC}));
    assert_eq!(listed["Subscriptions"][0]["SubscriptionArn"], "PendingConfirmation");

    rig.refused("ConfirmSubscription", "InvalidParameter", json!({"TopicArn": TOPIC, "Token": "wrong"}));
    let arn =
        rig.ok("ConfirmSubscription", json!({"TopicArn": TOPIC, "Token": body["Token"]}))["SubscriptionArn"].take();
    assert_eq!(
        rig.ok("ConfirmSubscription", json!({"TopicArn": TOPIC, "Token": body["Token"]}))["SubscriptionArn"],
        arn
    );
    publish(&mut rig, json!({}));
    let effects = rig.effects();
    let [Effect::Post { headers, body, .. }] = effects.as_slice() else { panic!("{effects:?}") };
    assert!(headers.contains(&("x-amz-sns-message-type".to_owned(), "Notification".to_owned())));
    assert!(headers.contains(&("x-amz-sns-subscription-arn".to_owned(), arn.as_str().unwrap().to_owned())));
    assert!(body.contains("\"Message\":\"hello\""));
}

#[test]
fn a_confirmation_token_dies_after_two_days() {
    let mut rig = topic();
    rig.ok("Subscribe", json!({"TopicArn": TOPIC, "Protocol": "http", "Endpoint": "http://localhost/hook"}));
    let effects = rig.effects();
    let [Effect::Post { body, .. }] = effects.as_slice() else { panic!("{effects:?}") };
    let body: Value = serde_json::from_str(body).unwrap();
    rig.pass(SignedDuration::from_hours(49));
    rig.refused("ConfirmSubscription", "InvalidParameter", json!({"TopicArn": TOPIC, "Token": body["Token"]}));
}

#[test]
fn an_endpoint_off_this_machine_is_refused() {
    let mut rig = topic();
    for (protocol, endpoint) in [
        ("http", "http://example.com/hook"),
        ("https", "https://hooks.slack.com/services/x"),
        ("http", "http://127.0.0.1@example.com/"),
        ("http", "http://localhost:80@example.com/"),
        ("http", "http://127.0.0.1.example.com/"),
        ("http", "https://127.0.0.1/"),
        ("http", "http://10.0.0.1/"),
        ("sms", "+15551234567"),
    ] {
        let error = rig.refused(
            "Subscribe",
            "InvalidParameter",
            json!({"TopicArn": TOPIC, "Protocol": protocol, "Endpoint": endpoint}),
        );
        assert!(error.message.contains("never leaves the machine"), "{endpoint}: {}", error.message);
    }
    for endpoint in ["http://127.0.0.1:80/x", "http://[::1]:80/x", "http://localhost"] {
        rig.ok("Subscribe", json!({"TopicArn": TOPIC, "Protocol": "http", "Endpoint": endpoint}));
    }
    rig.refused("Publish", "InvalidParameter", json!({"PhoneNumber": "+15551234567", "Message": "x"}));
    assert_eq!(rig.effects().len(), 3);
}

#[test]
fn mail_goes_to_the_mailbox_and_structure_json_picks_by_protocol() {
    let mut rig = topic();
    subscribe(&mut rig, "email", "ops@example.com", json!({}));
    subscribe(&mut rig, "sqs", QUEUE, json!({"RawMessageDelivery": "true"}));
    let text = json!({"default": "all", "email": "for people", "sqs": 5}).to_string();
    publish(&mut rig, json!({"Message": text, "MessageStructure": "json"}));
    assert_eq!(bodies(&mut rig), ["all"]);
    assert_eq!(
        rig.ok("_Mailbox", json!({"Address": "ops@example.com"})),
        json!({"Messages": [{
            "Address": "ops@example.com", "Subject": "AWS Notification Message", "Text": "for people", "TopicArn": TOPIC,
            "At": "2026-01-05T09:00:00Z",
        }]})
    );
    assert_eq!(rig.ok("_Mailbox", json!({"Address": "other@example.com"})), json!({"Messages": []}));
    for text in ["no json", "[]", "{\"email\": \"x\"}"] {
        rig.refused(
            "Publish",
            "InvalidParameter",
            json!({"TopicArn": TOPIC, "Message": text, "MessageStructure": "json"}),
        );
    }
}

#[test]
fn a_message_that_the_service_refuses_is_refused_and_not_kept() {
    let mut rig = topic();
    let attribute =
        |kind: &str, value: &str| json!({"MessageAttributes": {"a": {"DataType": kind, "StringValue": value}}});
    for (code, more) in [
        ("InvalidParameter", json!({"Message": ""})),
        ("InvalidParameter", json!({"Message": "x".repeat(256 * 1024 + 1)})),
        ("InvalidParameter", json!({"Subject": "x".repeat(101)})),
        ("InvalidParameter", json!({"Subject": "two\nlines"})),
        ("InvalidParameter", json!({"Subject": ""})),
        ("InvalidParameter", json!({"MessageStructure": "xml"})),
        ("ParameterValueInvalid", attribute("Text", "x")),
        ("ParameterValueInvalid", attribute("String", "")),
        ("ParameterValueInvalid", attribute("Number", "many")),
        ("ParameterValueInvalid", attribute("String.Array", "no array")),
    ] {
        let mut input = json!({"TopicArn": TOPIC, "Message": "hello"});
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        rig.refused("Publish", code, input);
    }
    assert_eq!(rig.ok("_Messages", json!({"TopicArn": TOPIC})), json!({"Messages": []}));
    publish(&mut rig, json!({"Subject": "x".repeat(100), "Message": "x".repeat(256 * 1024)}));
}

#[test]
fn a_filter_policy_decides_who_gets_a_message() {
    let mut rig = topic();
    let arn = subscribe(
        &mut rig,
        "sqs",
        QUEUE,
        json!({"FilterPolicy": "{\"severity\": [\"critical\"]}", "RawMessageDelivery": "true"}),
    );
    let with =
        |severity: &str| json!({"MessageAttributes": {"severity": {"DataType": "String", "StringValue": severity}}});
    publish(&mut rig, with("info"));
    publish(&mut rig, json!({}));
    assert!(bodies(&mut rig).is_empty());
    publish(&mut rig, with("critical"));
    assert_eq!(bodies(&mut rig), ["hello"]);
    rig.ok(
        "SetSubscriptionAttributes",
        json!({"SubscriptionArn": arn, "AttributeName": "FilterPolicyScope", "AttributeValue": "MessageBody"}),
    );
    publish(&mut rig, json!({"Message": "{\"severity\": \"critical\"}"}));
    publish(&mut rig, json!({"Message": "{\"severity\": \"info\"}"}));
    publish(&mut rig, json!({"Message": "severity critical"}));
    assert_eq!(bodies(&mut rig), ["{\"severity\": \"critical\"}"]);
    rig.refused(
        "SetSubscriptionAttributes",
        "InvalidParameter",
        json!({"SubscriptionArn": arn, "AttributeName": "FilterPolicy", "AttributeValue": "{\"a\": \"x\"}"}),
    );
    rig.ok(
        "SetSubscriptionAttributes",
        json!({"SubscriptionArn": arn, "AttributeName": "FilterPolicy", "AttributeValue": "{}"}),
    );
    publish(&mut rig, json!({}));
    assert_eq!(bodies(&mut rig), ["hello"]);
    let shown = rig.ok("GetSubscriptionAttributes", json!({"SubscriptionArn": arn}))["Attributes"].take();
    assert_eq!((&shown["RawMessageDelivery"], &shown["PendingConfirmation"]), (&json!("true"), &json!("false")));
    assert!(shown.get("FilterPolicy").is_none());
}

#[test]
fn subscribing_twice_is_one_subscription_and_unsubscribing_ends_it() {
    let mut rig = topic();
    let first = subscribe(&mut rig, "sqs", QUEUE, json!({}));
    assert_eq!(subscribe(&mut rig, "sqs", QUEUE, json!({})), first);
    rig.refused(
        "Subscribe",
        "InvalidParameter",
        json!({
            "TopicArn": TOPIC, "Protocol": "sqs", "Endpoint": QUEUE, "Attributes": {"RawMessageDelivery": "true"},
        }),
    );
    rig.ok("Unsubscribe", json!({"SubscriptionArn": first}));
    publish(&mut rig, json!({}));
    assert!(rig.effects().is_empty());
    assert_eq!(rig.ok("GetTopicAttributes", json!({"TopicArn": TOPIC}))["Attributes"]["SubscriptionsDeleted"], "1");
    rig.refused("GetSubscriptionAttributes", "NotFound", json!({"SubscriptionArn": first}));
}

#[test]
fn a_batch_answers_for_each_entry() {
    let mut rig = topic();
    subscribe(&mut rig, "sqs", QUEUE, json!({"RawMessageDelivery": "true"}));
    let answer = rig.ok(
        "PublishBatch",
        json!({"TopicArn": TOPIC, "PublishBatchRequestEntries": [
            {"Id": "one", "Message": "1"}, {"Id": "two", "Message": ""}, {"Id": "three", "Message": "3"},
        ]}),
    );
    assert_eq!(answer["Successful"].as_array().unwrap().len(), 2);
    assert_eq!(
        answer["Failed"],
        json!([{"Id": "two", "Code": "InvalidParameter", "Message": "Invalid parameter: Empty message", "SenderFault": true}])
    );
    assert_eq!(bodies(&mut rig), ["1", "3"]);
    for (code, entries) in [
        ("EmptyBatchRequest", json!([])),
        ("BatchEntryIdsNotDistinct", json!([{"Id": "a", "Message": "1"}, {"Id": "a", "Message": "1"}])),
        ("InvalidBatchEntryId", json!([{"Id": "a b", "Message": "1"}])),
        ("TooManyEntriesInBatchRequest", json!(vec![json!({"Id": "a", "Message": "1"}); 11])),
    ] {
        rig.refused("PublishBatch", code, json!({"TopicArn": TOPIC, "PublishBatchRequestEntries": entries}));
    }
}

#[test]
fn an_alarm_publishes_without_a_caller_and_everything_published_can_be_read() {
    let mut rig = topic();
    rig.ok("_Publish", json!({"TopicArn": TOPIC, "Subject": "ALARM: 5xx", "Message": "{}"}));
    let shown = rig.ok("_Messages", json!({"TopicArn": TOPIC}))["Messages"].take();
    assert_eq!((&shown[0]["Subject"], &shown[0]["Message"]), (&json!("ALARM: 5xx"), &json!("{}")));
}

#[test]
fn listings_come_in_pages_of_a_hundred() {
    let mut rig = Rig::new(Sns::new());
    for number in 0..150 {
        rig.ok("CreateTopic", json!({"Name": format!("t{number:03}")}));
    }
    let first = rig.ok("ListTopics", json!({}));
    assert_eq!(first["Topics"].as_array().unwrap().len(), 100);
    let second = rig.ok("ListTopics", json!({"NextToken": first["NextToken"]}));
    assert_eq!(second["Topics"].as_array().unwrap().len(), 50);
    assert!(second.get("NextToken").is_none());
}

#[test]
fn needs_name_the_topic_and_a_batch_needs_publish() {
    let rig = topic();
    let first = |operation: &str, input: Value| {
        let need = rig.needs(operation, input).remove(0);
        (need.action, need.resource)
    };
    assert_eq!(first("Publish", json!({"TopicArn": TOPIC})), ("sns:Publish".to_owned(), TOPIC.to_owned()));
    assert_eq!(first("PublishBatch", json!({"TopicArn": TOPIC})), ("sns:Publish".to_owned(), TOPIC.to_owned()));
    assert_eq!(first("CreateTopic", json!({"Name": "crew"})), ("sns:CreateTopic".to_owned(), TOPIC.to_owned()));
    assert_eq!(first("Unsubscribe", json!({"SubscriptionArn": "x"})), ("sns:Unsubscribe".to_owned(), "*".to_owned()));
}
