use serde_json::{Value, json};

use super::{Sqs, query_code};
use crate::cloudwatch::{CloudWatch, record_input};
use crate::trial::Trial;

const URL: &str = "https://sqs.eu-west-1.amazonaws.com/111122223333/wake";
const DEAD_URL: &str = "https://sqs.eu-west-1.amazonaws.com/111122223333/dead";
const ARN: &str = "arn:aws:sqs:eu-west-1:111122223333:wake";
const DEAD_ARN: &str = "arn:aws:sqs:eu-west-1:111122223333:dead";

/// A queue `wake` with a visibility timeout of 30 s.
fn trial() -> Trial<Sqs> {
    let mut trial = Trial::new("sqs", Sqs::new());
    assert_eq!(trial.call("CreateQueue", json!({"QueueName": "wake"})), json!({"QueueUrl": URL}));
    trial
}

/// `wake` gives its messages to `dead` after two receives.
fn with_dead_letters() -> Trial<Sqs> {
    let mut trial = trial();
    trial.call("CreateQueue", json!({"QueueName": "dead"}));
    let policy = json!({"deadLetterTargetArn": DEAD_ARN, "maxReceiveCount": 2}).to_string();
    trial.call("SetQueueAttributes", json!({"QueueUrl": URL, "Attributes": {"RedrivePolicy": policy}}));
    trial
}

fn send(trial: &mut Trial<Sqs>, body: &str) -> Value {
    trial.call("SendMessage", json!({"QueueUrl": URL, "MessageBody": body}))
}

fn receive(trial: &mut Trial<Sqs>, url: &str) -> Vec<Value> {
    let answer = trial.call(
        "ReceiveMessage",
        json!({"QueueUrl": url, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 20, "AttributeNames": ["All"], "MessageAttributeNames": ["All"]}),
    );
    answer.get("Messages").and_then(Value::as_array).cloned().unwrap_or_default()
}

fn bodies(messages: &[Value]) -> Vec<&str> {
    messages.iter().map(|message| message["Body"].as_str().unwrap()).collect()
}

fn attribute(trial: &mut Trial<Sqs>, url: &str, name: &str) -> String {
    let answer = trial.call("GetQueueAttributes", json!({"QueueUrl": url, "AttributeNames": [name]}));
    answer["Attributes"][name].as_str().unwrap().to_owned()
}

fn visible_metrics(trial: &mut Trial<Sqs>) -> Vec<(String, f64)> {
    let points = trial.metrics();
    assert!(
        points.iter().all(|point| point.name == "ApproximateNumberOfMessagesVisible" && point.namespace == "AWS/SQS")
    );
    points.into_iter().map(|point| (point.dimensions[0].1.clone(), point.sum)).collect()
}

#[test]
fn an_empty_queue_answers_nothing_and_sets_no_timer() {
    let mut trial = trial();
    assert_eq!(receive(&mut trial, URL), Vec::<Value>::new());
    assert_eq!(trial.pass(86_400), 0);
    assert!(trial.caused().is_empty());
}

#[test]
fn a_received_message_is_hidden_until_its_timeout_and_gone_when_deleted() {
    let mut trial = trial();
    let sent = send(&mut trial, "hello");
    assert_eq!(sent["MD5OfMessageBody"], "5d41402abc4b2a76b9719d911017c592");
    let first = receive(&mut trial, URL);
    assert_eq!((bodies(&first), &first[0]["MessageId"]), (vec!["hello"], &sent["MessageId"]));
    assert_eq!(first[0]["Attributes"]["ApproximateReceiveCount"], "1");
    trial.pass(29);
    assert!(receive(&mut trial, URL).is_empty());
    assert_eq!(attribute(&mut trial, URL, "ApproximateNumberOfMessagesNotVisible"), "1");
    trial.pass(1);
    let second = receive(&mut trial, URL);
    assert_eq!(second[0]["Attributes"]["ApproximateReceiveCount"], "2");
    let stale = json!({"QueueUrl": URL, "ReceiptHandle": first[0]["ReceiptHandle"]});
    trial.call("DeleteMessage", stale);
    assert_eq!(
        attribute(&mut trial, URL, "ApproximateNumberOfMessagesNotVisible"),
        "1",
        "an old handle deletes nothing"
    );
    let handle = json!({"QueueUrl": URL, "ReceiptHandle": second[0]["ReceiptHandle"]});
    trial.call("DeleteMessage", handle.clone());
    trial.call("DeleteMessage", handle);
    trial.pass(60);
    assert!(receive(&mut trial, URL).is_empty());
}

#[test]
fn a_delayed_message_comes_when_its_time_has_come() {
    let mut trial = trial();
    trial.call("SendMessage", json!({"QueueUrl": URL, "MessageBody": "later", "DelaySeconds": 15}));
    assert_eq!(trial.service.visible_from(ARN), Some("2026-11-20T08:00:15Z".parse().unwrap()));
    assert_eq!(attribute(&mut trial, URL, "ApproximateNumberOfMessagesDelayed"), "1");
    trial.pass(14);
    assert!(receive(&mut trial, URL).is_empty());
    trial.pass(1);
    assert_eq!(bodies(&receive(&mut trial, URL)), ["later"]);
}

#[test]
fn the_visibility_of_a_message_in_flight_can_be_changed() {
    let mut trial = trial();
    send(&mut trial, "a");
    let handle = receive(&mut trial, URL)[0]["ReceiptHandle"].clone();
    let change = |seconds: i64| json!({"QueueUrl": URL, "ReceiptHandle": handle, "VisibilityTimeout": seconds});
    trial.call("ChangeMessageVisibility", change(300));
    trial.pass(299);
    assert!(receive(&mut trial, URL).is_empty());
    trial.call("ChangeMessageVisibility", change(0));
    assert_eq!(trial.refused("ChangeMessageVisibility", change(5)).code, "MessageNotInflight");
    assert_eq!(receive(&mut trial, URL).len(), 1);
    assert_eq!(trial.refused("ChangeMessageVisibility", change(43_201)).code, "InvalidParameterValue");
}

#[test]
fn a_message_received_too_often_goes_to_the_dead_letters_with_its_origin() {
    let mut trial = with_dead_letters();
    let id = send(&mut trial, "poison")["MessageId"].clone();
    for _ in 0..2 {
        assert_eq!(receive(&mut trial, URL).len(), 1);
        trial.pass(30);
    }
    assert!(receive(&mut trial, DEAD_URL).is_empty(), "it moves at the next receive, not by itself");
    assert!(receive(&mut trial, URL).is_empty());
    let dead = receive(&mut trial, DEAD_URL);
    assert_eq!((&dead[0]["MessageId"], bodies(&dead)), (&id, vec!["poison"]));
    assert_eq!(dead[0]["Attributes"]["DeadLetterQueueSourceArn"], ARN);
    let sources = trial.call("ListDeadLetterSourceQueues", json!({"QueueUrl": DEAD_URL}));
    assert_eq!(sources, json!({"queueUrls": [URL]}));
}

#[test]
fn dead_letters_go_back_to_where_they_came_from() {
    let mut trial = with_dead_letters();
    send(&mut trial, "poison");
    for _ in 0..3 {
        receive(&mut trial, URL);
        trial.pass(30);
    }
    trial.call("_Deliver", json!({"QueueArn": DEAD_ARN, "Body": "from elsewhere"}));
    assert_eq!(trial.refused("StartMessageMoveTask", json!({"SourceArn": ARN})).code, "InvalidParameterValue");
    let nowhere = json!({"SourceArn": format!("{DEAD_ARN}er")});
    assert_eq!(trial.refused("StartMessageMoveTask", nowhere).code, "ResourceNotFoundException");
    assert_eq!(receive(&mut trial, DEAD_URL).len(), 2);
    trial.call("StartMessageMoveTask", json!({"SourceArn": DEAD_ARN}));
    assert!(receive(&mut trial, URL).is_empty(), "a letter that somebody holds is not moved");
    trial.pass(30);
    trial.call("StartMessageMoveTask", json!({"SourceArn": DEAD_ARN}));
    let back = receive(&mut trial, URL);
    assert_eq!((bodies(&back), &back[0]["Attributes"]["ApproximateReceiveCount"]), (vec!["poison"], &json!("1")));
    assert_eq!(bodies(&receive(&mut trial, DEAD_URL)), ["from elsewhere"], "a letter without an origin stays");
    let tasks = trial.call("ListMessageMoveTasks", json!({"SourceArn": DEAD_ARN}));
    assert_eq!(
        (&tasks["Results"][0]["Status"], &tasks["Results"][0]["ApproximateNumberOfMessagesMoved"]),
        (&json!("COMPLETED"), &json!(1))
    );
    let needs = trial.needs("StartMessageMoveTask", json!({"SourceArn": DEAD_ARN, "DestinationArn": ARN}));
    assert_eq!(needs.len(), 5);
    assert_eq!((needs[4].action.as_str(), needs[4].resource.as_str()), ("sqs:SendMessage", ARN));
}

#[test]
fn visible_messages_are_reported_every_minute_and_once_when_there_are_none() {
    let mut trial = trial();
    trial.call("_Deliver", json!({"QueueArn": ARN, "Body": "a", "Attributes": [["cause", "test"]]}));
    assert_eq!(trial.pass(180), 3);
    assert_eq!(visible_metrics(&mut trial), vec![("wake".to_owned(), 1.0); 3]);
    let taken = receive(&mut trial, URL);
    assert_eq!(taken[0]["MessageAttributes"]["cause"], json!({"DataType": "String", "StringValue": "test"}));
    trial.call("DeleteMessage", json!({"QueueUrl": URL, "ReceiptHandle": taken[0]["ReceiptHandle"]}));
    assert_eq!(trial.pass(86_400), 1);
    assert_eq!(visible_metrics(&mut trial), [("wake".to_owned(), 0.0)]);
}

#[test]
fn an_alarm_on_the_dead_letters_fires_and_recovers() {
    let mut queues = trial();
    let mut alarms = Trial::new("monitoring", CloudWatch::new());
    alarms.call(
        "PutMetricAlarm",
        json!({
            "AlarmName": "dead letters", "Namespace": "AWS/SQS", "MetricName": "ApproximateNumberOfMessagesVisible",
            "Dimensions": [{"Name": "QueueName", "Value": "wake"}], "Statistic": "Maximum", "Period": 60,
            "EvaluationPeriods": 1, "Threshold": 0, "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
        }),
    );
    let mut minutes = |queues: &mut Trial<Sqs>, count: usize| {
        for _ in 0..count {
            queues.pass(60);
            alarms.pass(60);
            for point in queues.metrics() {
                alarms.call("_Record", record_input(&point));
            }
        }
        alarms.call("DescribeAlarms", json!({}))["MetricAlarms"][0]["StateValue"].as_str().unwrap().to_owned()
    };
    assert_eq!(minutes(&mut queues, 2), "OK");
    send(&mut queues, "letter");
    assert_eq!(minutes(&mut queues, 3), "ALARM");
    queues.call("PurgeQueue", json!({"QueueUrl": URL}));
    assert_eq!(minutes(&mut queues, 3), "OK");
}

#[test]
fn a_message_in_flight_or_delayed_is_not_reported_until_it_is_visible() {
    let mut trial = trial();
    trial.call("SendMessage", json!({"QueueUrl": URL, "MessageBody": "later", "DelaySeconds": 150}));
    trial.pass(179);
    assert!(visible_metrics(&mut trial).is_empty());
    trial.pass(1);
    assert_eq!(visible_metrics(&mut trial), [("wake".to_owned(), 1.0)]);
    receive(&mut trial, URL);
    trial.pass(60);
    assert_eq!(visible_metrics(&mut trial), [("wake".to_owned(), 1.0)], "the timeout of 30 s has passed by then");
}

#[test]
fn messages_are_kept_for_the_retention_period() {
    let mut trial = trial();
    trial.call("SetQueueAttributes", json!({"QueueUrl": URL, "Attributes": {"MessageRetentionPeriod": "60"}}));
    send(&mut trial, "old");
    trial.pass(60);
    assert!(receive(&mut trial, URL).is_empty());
    assert_eq!(trial.pass(86_400), 0, "nothing is left to report");
}

#[test]
fn a_batch_names_what_failed_and_keeps_what_did_not() {
    let mut trial = trial();
    let entries = json!([{"Id": "1", "MessageBody": "good"}, {"Id": "2", "MessageBody": "bad\u{0}"}]);
    let answer = trial.call("SendMessageBatch", json!({"QueueUrl": URL, "Entries": entries}));
    assert_eq!((&answer["Successful"][0]["Id"], &answer["Failed"][0]["Id"]), (&json!("1"), &json!("2")));
    assert_eq!(answer["Failed"][0]["Code"], "InvalidMessageContents");
    let taken = receive(&mut trial, URL);
    let entries = json!([{"Id": "a", "ReceiptHandle": taken[0]["ReceiptHandle"]}, {"Id": "b", "ReceiptHandle": "no"}]);
    let answer = trial.call("DeleteMessageBatch", json!({"QueueUrl": URL, "Entries": entries}));
    assert_eq!(
        (&answer["Successful"], &answer["Failed"][0]["Code"]),
        (&json!([{"Id": "a"}]), &json!("ReceiptHandleIsInvalid"))
    );
}

#[test]
fn the_limits_of_messages_and_batches_hold() {
    let mut trial = trial();
    let batch = |entries: Value| json!({"QueueUrl": URL, "Entries": entries});
    let entry = |id: usize| json!({"Id": id.to_string(), "MessageBody": "x"});
    let cases = [
        ("SendMessageBatch", batch(json!([])), "EmptyBatchRequest"),
        ("SendMessageBatch", batch((0..11).map(entry).collect()), "TooManyEntriesInBatchRequest"),
        ("SendMessageBatch", batch(json!([entry(1), entry(1)])), "BatchEntryIdsNotDistinct"),
        ("SendMessageBatch", batch(json!([{"Id": "a b", "MessageBody": "x"}])), "InvalidBatchEntryId"),
        ("SendMessageBatch", batch(json!([{"Id": "1", "MessageBody": "x".repeat(1_048_577)}])), "BatchRequestTooLong"),
        ("SendMessage", json!({"QueueUrl": URL, "MessageBody": "x".repeat(1_048_577)}), "InvalidParameterValue"),
        ("SendMessage", json!({"QueueUrl": URL, "MessageBody": ""}), "MissingParameter"),
        ("SendMessage", json!({"QueueUrl": URL, "MessageBody": "x", "DelaySeconds": 901}), "InvalidParameterValue"),
        ("SendMessage", json!({"QueueUrl": URL, "MessageBody": "x", "MessageGroupId": "g"}), "UnsupportedOperation"),
        ("ReceiveMessage", json!({"QueueUrl": URL, "MaxNumberOfMessages": 11}), "InvalidParameterValue"),
        ("DeleteMessage", json!({"QueueUrl": URL, "ReceiptHandle": "garbage"}), "ReceiptHandleIsInvalid"),
        ("SendMessage", json!({"QueueUrl": DEAD_URL, "MessageBody": "x"}), "QueueDoesNotExist"),
        ("CreateQueue", json!({"QueueName": "a.fifo"}), "UnsupportedOperation"),
        ("CreateQueue", json!({"QueueName": "a/b"}), "InvalidParameterValue"),
        (
            "CreateQueue",
            json!({"QueueName": "b", "Attributes": {"VisibilityTimeout": "43201"}}),
            "InvalidAttributeValue",
        ),
        ("CreateQueue", json!({"QueueName": "b", "Attributes": {"Colour": "red"}}), "InvalidAttributeName"),
        ("CreateQueue", json!({"QueueName": "wake", "Attributes": {"VisibilityTimeout": "31"}}), "QueueNameExists"),
        ("AddPermission", json!({"QueueUrl": URL}), "UnknownOperationException"),
    ];
    for (operation, input, code) in cases {
        assert_eq!(trial.refused(operation, input).code, code, "{operation}");
    }
    trial.call("SendMessage", json!({"QueueUrl": URL, "MessageBody": "x".repeat(1_048_576)}));
    let redrive = json!({"deadLetterTargetArn": DEAD_ARN, "maxReceiveCount": "2"}).to_string();
    let error = trial.refused("SetQueueAttributes", json!({"QueueUrl": URL, "Attributes": {"RedrivePolicy": redrive}}));
    assert!(error.message.contains("does not exist"), "{}", error.message);
}

#[test]
fn queues_are_found_listed_purged_tagged_and_deleted() {
    let mut trial = with_dead_letters();
    assert_eq!(
        trial.call("CreateQueue", json!({"QueueName": "wake", "Attributes": {"VisibilityTimeout": "30"}}))["QueueUrl"],
        URL
    );
    assert_eq!(trial.call("GetQueueUrl", json!({"QueueName": "wake"}))["QueueUrl"], URL);
    assert_eq!(trial.call("ListQueues", json!({"QueueNamePrefix": "de"})), json!({"QueueUrls": [DEAD_URL]}));
    assert_eq!(attribute(&mut trial, URL, "QueueArn"), ARN);
    trial.call("TagQueue", json!({"QueueUrl": URL, "Tags": {"a": "1"}}));
    assert_eq!(trial.call("ListQueueTags", json!({"QueueUrl": URL})), json!({"Tags": {"a": "1"}}));
    send(&mut trial, "x");
    trial.call("PurgeQueue", json!({"QueueUrl": URL}));
    assert!(receive(&mut trial, URL).is_empty());
    assert_eq!(trial.refused("PurgeQueue", json!({"QueueUrl": URL})).code, "PurgeQueueInProgress");
    trial.call("DeleteQueue", json!({"QueueUrl": URL}));
    assert_eq!(trial.refused("CreateQueue", json!({"QueueName": "wake"})).code, "QueueDeletedRecently");
    trial.pass(60);
    trial.call("CreateQueue", json!({"QueueName": "wake"}));
}

#[test]
fn a_queue_is_known_by_its_name_whatever_host_its_url_has() {
    let mut trial = trial();
    trial.call("SendMessage", json!({"QueueUrl": "http://127.0.0.1:4566/111122223333/wake", "MessageBody": "x"}));
    assert_eq!(receive(&mut trial, URL).len(), 1);
}

#[test]
fn batches_need_the_action_of_their_single_form() {
    let trial = trial();
    let need = |operation: &str, input: Value| trial.needs(operation, input)[0].clone();
    let sent = need("SendMessageBatch", json!({"QueueUrl": URL}));
    assert_eq!((sent.action.as_str(), sent.resource.as_str()), ("sqs:SendMessage", ARN));
    assert_eq!(need("CreateQueue", json!({"QueueName": "wake"})).resource, ARN);
    assert_eq!(need("ListQueues", json!({})).resource, "*");
}

#[test]
fn the_query_codes_are_those_of_the_older_protocol() {
    assert_eq!(query_code("QueueDoesNotExist"), "AWS.SimpleQueueService.NonExistentQueue");
    assert_eq!(query_code("QueueNameExists"), "QueueAlreadyExists");
    assert_eq!(query_code("MessageNotInflight"), "AWS.SimpleQueueService.MessageNotInflight");
    assert_eq!(query_code("InvalidParameterValue"), "InvalidParameterValue");
}
