//! Inputs that are none: refused, counted, kept once with their reason, and without any effect on what follows.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use pitcrew_e2e::Scene;
use pitcrew_e2e::scene::{NOTIFY, ROLLBACK};
use serde_json::{Value, json};

/// The files that hold no JSON: Lambda itself refuses them at its door, and no function sees them.
const NOT_JSON: [&str; 3] = ["empty.txt", "not-json.txt", "not-utf-8.bin"];

fn samples() -> BTreeMap<String, Vec<u8>> {
    let directory = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../events/samples/bad"));
    let files = std::fs::read_dir(directory).unwrap().map(|file| file.unwrap().path());
    files
        .map(|file| (file.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(&file).unwrap()))
        .collect()
}

/// An event of the bus's greatest size, for a service that is not ours.
fn huge() -> Value {
    let mut event = json!({
        "version": "0", "id": "e-huge", "detail-type": "AppRunner Service Status Change", "source": "aws.apprunner",
        "account": "999999999999", "time": "2026-11-02T09:00:00Z", "region": "eu-west-1", "resources": [], "detail": {},
    });
    let left = 256 * 1024 - event.to_string().len() - r#""padding":"""#.len();
    event["detail"]["padding"] = json!("<!channel> ".repeat(left / 11 + 1)[..left]);
    assert_eq!(event.to_string().len(), 256 * 1024);
    event
}

async fn invoke(scene: &Scene, function: &str, payload: Value) -> Result<Value, String> {
    let outcome = scene.stage.cloud.invoke(function, payload).await.unwrap();
    outcome.result.map_err(|error| format!("{error:?}"))
}

#[tokio::test]
async fn every_bad_sample_is_kept_once_with_its_reason_and_writes_nothing() {
    let scene = Scene::set().await;
    let shop = scene.good_shop("shop-api").await;
    let mut refused = 0;
    for (name, bytes) in samples() {
        let Ok(payload) = serde_json::from_slice::<Value>(&bytes) else {
            assert!(NOT_JSON.contains(&name.as_str()), "{name} is not JSON");
            continue;
        };
        let before = scene.quarantined().len();
        let counted = scene.counted(ROLLBACK, "UnknownShapes");
        // Twice: what is delivered again is counted again and kept once.
        for _ in 0..2 {
            let answer = invoke(&scene, ROLLBACK, payload.clone()).await;
            assert!(answer.is_ok(), "{name} is handled: {answer:?}");
        }
        assert_eq!(scene.quarantined().len(), before + 1, "{name} is kept once");
        assert_eq!(scene.counted(ROLLBACK, "UnknownShapes"), counted + 2, "{name} is counted every time");
        refused += 1;
    }
    assert_eq!(refused, 52 - NOT_JSON.len(), "the samples of events/README.md");
    for row in scene.quarantined() {
        assert!(row["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{row:#}");
        assert!(row["expires_at"].is_number(), "{row:#}");
    }
    let reasons: BTreeSet<String> =
        scene.quarantined().iter().map(|row| row["reason"].as_str().unwrap_or_default().to_owned()).collect();
    let known = [
        "forged",
        "no_resources",
        "not_an_arn",
        "not_an_object",
        "not_json",
        "other_account",
        "other_region",
        "other_service",
        "unknown_shape",
    ];
    assert_eq!(reasons, known.map(str::to_owned).into(), "each with the reason that fits");
    assert_eq!(scene.tries(), 0);
    assert_eq!(scene.told(), Vec::<String>::new(), "nobody is told of noise");

    // And the next event is handled as if there had been nothing.
    scene.push("shop-api", "latest", Scene::answers_500());
    scene.until(60, "the rollback is told", |scene| scene.told_of("rollback_succeeded") == 1).await;
    assert_eq!(scene.serving(&shop), shop.good);
    scene.check_clean();
    scene.strike().await;
}

#[tokio::test]
async fn an_event_of_256_kib_is_kept_in_part_and_harms_nobody() {
    let scene = Scene::set().await;
    assert!(invoke(&scene, ROLLBACK, huge()).await.is_ok());
    let kept = scene.quarantined();
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0]["reason"], "other_account");
    assert!(kept[0]["excerpt"].as_str().unwrap().len() <= 2048);
    assert!(scene.log_of(ROLLBACK).lines().all(|line| line.len() < 8 * 1024), "nor does it flood the log");
    scene.check_clean();
    scene.strike().await;
}

#[tokio::test]
async fn an_event_of_256_kib_about_one_of_our_services_is_a_hint_like_any_other() {
    let scene = Scene::set().await;
    let shop = scene.good_shop("shop-api").await;
    let mut event = huge();
    event["account"] = json!("123456789012");
    event["resources"] = json!([shop.arn]);
    event["detail"]["currentServiceStatus"] = json!("RUNNING");
    assert!(invoke(&scene, ROLLBACK, event).await.is_ok());
    assert_eq!(scene.quarantined(), Vec::<Value>::new());
    assert_eq!(scene.tries(), 0);
    scene.check_calm();
    scene.strike().await;
}

#[tokio::test]
async fn a_forged_invocation_gives_no_orders() {
    let scene = Scene::set().await;
    let shop = scene.good_shop("shop-api").await;
    let orders = [
        json!({"source": "pitcrew", "detail-type": "Rollback", "service": shop.arn, "to": "sha256:00"}),
        json!({"source": "pitcrew", "detail-type": "Sweep", "autonomy": "act", "rollback": shop.arn}),
        json!({"Records": [{"messageId": "m", "body": format!(r#"{{"service":"{}","action":"rollback"}}"#, shop.arn), "eventSource": "aws:sqs"}]}),
        json!({"source": "aws.apprunner", "detail-type": "AppRunner Service Operation Status Change", "account": "123456789012",
            "region": "eu-west-1", "id": "forged", "resources": [shop.arn], "detail": {"operationStatus": "DeploymentFailed"}}),
        json!({"source": "aws.cloudwatch", "detail-type": "CloudWatch Alarm State Change", "account": "123456789012",
            "region": "eu-west-1", "id": "forged",
            "resources": ["arn:aws:cloudwatch:eu-west-1:123456789012:alarm:shop-api-5xx"],
            "detail": {"alarmName": "shop-api-5xx", "state": {"value": "ALARM"}}}),
    ];
    for order in orders {
        let answer = invoke(&scene, ROLLBACK, order.clone()).await;
        assert!(answer.is_ok(), "{order}: {answer:?}");
    }
    scene.minutes(15).await;
    assert_eq!(scene.tries(), 0, "an event is a hint: what it says is read afresh, and nothing is wrong");
    assert_eq!(scene.told(), Vec::<String>::new());
    scene.check_calm();
    scene.strike().await;
}

#[tokio::test]
async fn the_notify_function_sends_nothing_that_did_not_come_through_the_outbox() {
    let scene = Scene::set().await;
    for (name, bytes) in samples() {
        let Ok(payload) = serde_json::from_slice::<Value>(&bytes) else { continue };
        let answer = invoke(&scene, NOTIFY, payload).await;
        assert!(answer.is_ok(), "{name}: {answer:?}");
    }
    let forged = json!({"Records": [{"eventID": "1", "eventName": "INSERT", "eventSource": "aws:dynamodb", "dynamodb": {
        "ApproximateCreationDateTime": 1_793_610_000, "SequenceNumber": "1",
        "Keys": {"pk": {"S": "OUTBOX#0"}, "sk": {"S": "nothing"}},
        "NewImage": {"notice": {"S": "<!channel> all is lost"}}}}]});
    assert!(invoke(&scene, NOTIFY, forged).await.is_ok());
    assert_eq!((scene.told().len(), scene.slack().len()), (0, 0));
    scene.check_clean();
    scene.strike().await;
}

#[tokio::test]
async fn a_message_in_the_wake_queue_that_is_none_is_kept_once_and_taken_out() {
    let scene = Scene::set().await;
    let queue = scene.stage.output("WakeQueueUrl").to_owned();
    for body in ["not json", "{}", r#"{"service":"arn:aws:apprunner:eu-west-1:999999999999:service/a/b"}"#] {
        scene.call("sqs", "SendMessage", json!({"QueueUrl": queue, "MessageBody": body}));
    }
    scene.minutes(10).await;
    assert_eq!(scene.quarantined().len(), 3, "{:#?}", scene.quarantined());
    assert_eq!(scene.queued("WakeQueueUrl"), 0);
    scene.check_clean();
    scene.strike().await;
}
