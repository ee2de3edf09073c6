//! The whole function against a loopback server: repeat delivery, a Slack that is slow, gone or broken, SNS down, a secret
//! that is missing, rows and events that cannot be read.

mod world;

use std::time::Duration;

use jiff::Timestamp;
use pitcrew_core::id::ServiceArn;
use pitcrew_core::notice::{Notice, NoticeKind, Severity};
use pitcrew_core::outbox::{Channel, Delivery, OutboxRow};
use serde_json::json;

use self::world::{SlackDoes, World};

const WEBHOOK: Option<&str> = Some(r#"{"webhook_url": "SLACK/services/T/B/x"}"#);
const BOT: Option<&str> = Some(r#"{"bot_token": "xoxb-1", "channel": "C1"}"#);
const OFF: Option<&str> = Some("{}");

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_760_000_390 + second).unwrap()
}

fn notice(id: &str) -> Notice {
    let arn = "arn:aws:apprunner:eu-west-1:123456789012:service/shop-api/8fe1e10304f84fd2b0df550fe98a71fa";
    Notice {
        id: id.to_owned(),
        kind: NoticeKind::DeploymentReverted,
        severity: Severity::Warning,
        service: Some(ServiceArn::parse(arn).unwrap()),
        incident: Some("inc-1".to_owned()),
        group: id.to_owned(),
        headline: format!("shop-api: {id}"),
        happened: "It failed.".to_owned(),
        why: None,
        done: Vec::new(),
        todo: Vec::new(),
        links: Vec::new(),
        receipt: "rcp-1".to_owned(),
        at: at(0),
    }
}

fn row(id: &str) -> OutboxRow {
    OutboxRow::new(&notice(id), [])
}

fn state(world: &World, row: &OutboxRow, channel: Channel) -> String {
    match world.row(row).channels.get(&channel) {
        None => "none".to_owned(),
        Some(Delivery::Pending) => "pending".to_owned(),
        Some(Delivery::Sent { .. }) => "sent".to_owned(),
        Some(Delivery::Retry { reason, .. }) => format!("retry: {reason}"),
        Some(Delivery::Dead { reason }) => format!("dead: {reason}"),
    }
}

#[tokio::test]
async fn nothing_to_tell_calls_nobody() {
    let world = World::new(WEBHOOK).await;
    assert_eq!(world.handle(json!({"Records": []})).await, json!({"batchItemFailures": []}));
    world.sweep().await;
    assert_eq!(world.sent(), (0, 0));
    assert_eq!(world.cloud().secret_reads, 0);
}

#[tokio::test]
async fn a_new_row_is_told_everywhere_and_leaves_the_index() {
    let world = World::new(WEBHOOK).await;
    let row = row("n-1");
    let event = world.written(std::slice::from_ref(&row));
    assert_eq!(world.handle(event).await, json!({"batchItemFailures": []}));
    assert_eq!(state(&world, &row, Channel::Sns), "sent");
    assert_eq!(state(&world, &row, Channel::Slack), "sent");
    assert_eq!(state(&world, &row, Channel::Chat), "none");
    assert_eq!(world.row(&row).open_pk, None);
    let cloud = world.cloud();
    assert_eq!((cloud.published.len(), cloud.posted.len()), (1, 1));
    assert_eq!(cloud.posted[0].0, "/services/T/B/x");
    assert_eq!(cloud.posted[0].2["text"], "\u{26a0}\u{fe0f} shop-api: n-1");
}

#[tokio::test]
async fn a_second_delivery_changes_nothing() {
    let world = World::new(WEBHOOK).await;
    let row = row("n-1");
    let event = world.written(std::slice::from_ref(&row));
    world.handle(event.clone()).await;
    let before = world.row(&row);
    assert_eq!(world.handle(event).await, json!({"batchItemFailures": []}));
    world.sweep().await;
    assert_eq!(world.row(&row), before);
    assert_eq!(world.sent(), (1, 1));
}

#[tokio::test]
async fn a_delivery_while_another_one_holds_the_row_sends_nothing() {
    let world = World::new(WEBHOOK).await;
    let row = row("n-1");
    let event =
        world.written(&[OutboxRow { not_before_ms: Some(at(100).as_millisecond()), attempts: 1, ..row.clone() }]);
    world.handle(event).await;
    assert!(world.cloud().published.is_empty());
    // The claim has ended: whoever made it was killed, and the sweep takes over.
    world.cloud().second = 600;
    world.sweep().await;
    assert_eq!(state(&world, &row, Channel::Sns), "sent");
}

#[tokio::test]
async fn three_notices_of_one_cause_are_one_message() {
    let world = World::new(WEBHOOK).await;
    let rows: Vec<OutboxRow> =
        ["a", "b", "c"].map(|id| OutboxRow::new(&Notice { group: "g".to_owned(), ..notice(id) }, [])).into();
    let event = world.written(&rows);
    world.handle(event).await;
    assert!(rows.iter().all(|row| state(&world, row, Channel::Slack) == "sent" && world.row(row).open_pk.is_none()));
    assert_eq!(world.sent(), (1, 1));
}

#[tokio::test]
async fn a_hurried_slack_is_left_alone_for_as_long_as_it_asks() {
    let world = World::new(WEBHOOK).await;
    world.cloud().slack.push_back(SlackDoes::AsksToWait("900"));
    let rows = [row("n-1"), row("n-2")];
    let event = world.written(&rows);
    world.handle(event).await;
    assert_eq!(world.cloud().posted.len(), 1, "the second message is not tried after a 429");
    for row in &rows {
        assert_eq!(state(&world, row, Channel::Sns), "sent");
        assert_eq!(state(&world, row, Channel::Slack), "retry: slack answered 429");
    }
    world.cloud().second = 800;
    world.sweep().await;
    assert_eq!(world.cloud().posted.len(), 1, "too early");
    world.cloud().second = 1_000;
    world.sweep().await;
    assert_eq!(world.cloud().posted.len(), 3);
    assert_eq!(world.cloud().published.len(), 2, "what SNS has is not sent again");
    assert!(rows.iter().all(|row| world.row(row).open_pk.is_none()));
}

#[tokio::test]
async fn a_slack_that_hangs_or_breaks_off_is_tried_again_and_holds_nobody_up() {
    for (does, reason) in [
        (SlackDoes::Hangs, "retry: slack did not answer in time"),
        (SlackDoes::BreaksOff, "retry: slack"),
        (SlackDoes::Answers(503, "down"), "retry: slack answered 503"),
    ] {
        let world = World::new(WEBHOOK).await;
        world.cloud().slack.push_back(does);
        let row = row("n-1");
        let event = world.written(std::slice::from_ref(&row));
        world.handle(event).await;
        let after = state(&world, &row, Channel::Slack);
        assert!(after.starts_with(reason), "{after}");
        assert_eq!(state(&world, &row, Channel::Sns), "sent");
        world.cloud().second = 600;
        world.sweep().await;
        assert_eq!(state(&world, &row, Channel::Slack), "sent", "{reason}");
    }
}

#[tokio::test]
async fn a_dead_webhook_is_told_once_and_not_to_slack() {
    let world = World::new(WEBHOOK).await;
    for _ in 0..2 {
        world.cloud().slack.push_back(SlackDoes::Answers(404, "no_team"));
    }
    let rows = [row("n-1"), row("n-2")];
    let event = world.written(&rows);
    world.handle(event).await;
    assert_eq!(world.cloud().posted.len(), 1, "the same webhook is not tried again");
    assert_eq!(world.cloud().secret_reads, 2, "read at the start, and once more after the 404");
    assert_eq!(state(&world, &rows[1], Channel::Slack), "dead: slack answered 404");
    let event = world.written(&[row("n-3")]);
    world.handle(event).await;
    world.sweep().await;
    world.sweep().await;
    let cloud = world.cloud();
    let about: Vec<_> = cloud.items.keys().filter(|(_, sk)| sk == "ONCE#crew/slack-dead/v1").collect();
    assert_eq!(about.len(), 1);
    let told = cloud.published.iter().filter(|(_, message)| message.contains("cannot%20tell%20Slack")).count();
    assert_eq!(told, 1);
    assert_eq!(cloud.posted.len(), 1);
}

#[tokio::test]
async fn a_webhook_that_was_replaced_is_used_at_once() {
    let world = World::new(WEBHOOK).await;
    let first = row("n-1");
    let event = world.written(std::slice::from_ref(&first));
    world.handle(event).await;
    let fresh = format!(r#"{{"webhook_url": "{}/services/T/B/new"}}"#, world.address);
    world.cloud().secret = Some((fresh, "v2".to_owned()));
    world.cloud().slack.push_back(SlackDoes::Answers(410, "channel_is_archived"));
    let second = row("n-2");
    let event = world.written(std::slice::from_ref(&second));
    world.handle(event).await;
    assert_eq!(state(&world, &second, Channel::Slack), "sent");
    assert_eq!(world.cloud().posted.last().unwrap().0, "/services/T/B/new");
}

#[tokio::test]
async fn a_missing_secret_leaves_sns_alone_and_is_told() {
    let world = World::new(None).await;
    let row = row("n-1");
    let event = world.written(std::slice::from_ref(&row));
    world.handle(event).await;
    assert_eq!(state(&world, &row, Channel::Sns), "sent");
    assert_eq!(state(&world, &row, Channel::Slack), "dead: the secret does not exist or is being deleted");
    assert!(world.cloud().items.keys().any(|(_, sk)| sk == "ONCE#crew/slack-dead/missing"));
}

#[tokio::test]
async fn a_secret_that_nobody_filled_means_no_slack() {
    let world = World::new(OFF).await;
    let row = row("n-1");
    let event = world.written(std::slice::from_ref(&row));
    world.handle(event).await;
    assert_eq!(state(&world, &row, Channel::Slack), "none");
    assert_eq!(world.row(&row).open_pk, None);
}

#[tokio::test]
async fn a_topic_that_is_down_does_not_hold_slack_up() {
    let world = World::new(WEBHOOK).await;
    world.cloud().sns_is_down = true;
    let row = row("n-1");
    let event = world.written(std::slice::from_ref(&row));
    world.handle(event).await;
    assert!(state(&world, &row, Channel::Sns).starts_with("retry: publishing to arn:aws:sns"));
    assert_eq!(state(&world, &row, Channel::Slack), "sent");
    world.cloud().sns_is_down = false;
    world.cloud().second = 600;
    world.sweep().await;
    assert_eq!(world.sent(), (1, 1));
    assert_eq!(world.row(&row).open_pk, None);
}

#[tokio::test]
async fn a_topic_that_fails_is_tried_once_a_batch_so_that_slack_has_its_time() {
    let world = World::new(WEBHOOK).await;
    world.cloud().sns_is_down = true;
    let rows = [row("n-1"), row("n-2"), row("n-3")];
    let event = world.written(&rows);
    world.handle(event).await;
    assert_eq!(world.cloud().sns_tries, 1);
    for row in &rows {
        assert!(state(&world, row, Channel::Sns).starts_with("retry: "));
        assert_eq!(state(&world, row, Channel::Slack), "sent");
    }
}

#[tokio::test]
async fn no_message_is_begun_that_could_not_be_recorded_any_more() {
    let world = World::new(WEBHOOK).await;
    let row = row("n-1");
    let event = world.written(std::slice::from_ref(&row));
    assert_eq!(world.handle_within(event, Duration::from_secs(5)).await, json!({"batchItemFailures": []}));
    assert_eq!(world.sent(), (0, 0));
    assert_eq!(state(&world, &row, Channel::Slack), "none", "nothing was tried");
    world.sweep().await;
    assert_eq!(world.sent(), (1, 1), "the claim was given back: the next sweep sends it");
}

#[tokio::test]
async fn rows_that_wait_for_their_time_do_not_hide_a_row_that_is_due() {
    let world = World::new(WEBHOOK).await;
    let waits = i64::MAX;
    let mut rows: Vec<OutboxRow> = (0..150).map(|n| row(&format!("n-{n:03}"))).collect();
    for waiting in &mut rows[..149] {
        waiting.not_before_ms = Some(waits);
    }
    world.written(&rows);
    world.sweep().await;
    assert_eq!(state(&world, &rows[149], Channel::Sns), "sent");
}

#[tokio::test]
async fn a_secret_that_may_not_be_read_is_told_once_and_slack_is_tried_again() {
    let world = World::new(WEBHOOK).await;
    world.cloud().secret_is_denied = true;
    let row = row("n-1");
    let event = world.written(std::slice::from_ref(&row));
    world.handle(event).await;
    assert!(state(&world, &row, Channel::Slack).starts_with("retry: the secret may not be read"));
    world.cloud().second = 600;
    world.sweep().await;
    let about_slack =
        world.cloud().items.keys().filter(|(_, sk)| sk.starts_with("ONCE#crew/slack-dead/denied")).count();
    assert_eq!(about_slack, 1);
    world.cloud().secret_is_denied = false;
    world.cloud().second = 1_200;
    world.sweep().await;
    assert_eq!(state(&world, &row, Channel::Slack), "sent");
}

#[tokio::test]
async fn a_table_that_throttles_gets_the_record_again() {
    let world = World::new(WEBHOOK).await;
    let row = row("n-1");
    let event = world.written(std::slice::from_ref(&row));
    world.cloud().table_is_down = true;
    assert_eq!(world.handle(event.clone()).await, json!({"batchItemFailures": [{"itemIdentifier": "seq-0"}]}));
    assert!(world.cloud().published.is_empty(), "nothing is sent without a claim");
    world.cloud().table_is_down = false;
    assert_eq!(world.handle(event).await, json!({"batchItemFailures": []}));
    assert_eq!(state(&world, &row, Channel::Slack), "sent");
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_set_aside_and_the_rest_is_told() {
    let world = World::new(WEBHOOK).await;
    let (poison, good) = (row("n-1"), row("n-2"));
    let event = world.written(&[poison.clone(), good.clone()]);
    let key = (poison.pk.clone(), poison.sk.clone());
    world.cloud().items.get_mut(&key).unwrap().insert("notice".to_owned(), json!({"S": "nonsense"}));
    assert_eq!(world.handle(event).await, json!({"batchItemFailures": []}));
    assert_eq!(world.cloud().items[&key]["open_pk"], json!({"S": "QUARANTINED"}));
    assert_eq!(state(&world, &good, Channel::Slack), "sent");
}

#[tokio::test]
async fn an_unknown_event_is_ignored() {
    let world = World::new(WEBHOOK).await;
    for event in [json!(null), json!([1]), json!({"source": "aws.apprunner"}), json!({"Records": "x"})] {
        assert!(world.handle(event).await.get("ignored").is_some());
    }
    let batch = json!({"Records": [null, {"eventName": "INSERT", "dynamodb": {"Keys": {"pk": {"S": "OUTBOX#1"}}}}]});
    assert_eq!(world.handle(batch).await, json!({"batchItemFailures": []}));
}

#[tokio::test]
async fn a_bot_keeps_one_thread_an_incident_and_rewrites_its_head() {
    let world = World::new(BOT).await;
    let first = row("n-1");
    let event = world.written(std::slice::from_ref(&first));
    world.handle(event).await;
    let second = OutboxRow::new(&Notice { at: at(5), ..notice("n-2") }, []);
    let event = world.written(std::slice::from_ref(&second));
    world.handle(event).await;
    let cloud = world.cloud();
    let seen: Vec<(&str, &str)> =
        cloud.posted.iter().map(|(path, _, body)| (path.as_str(), body["thread_ts"].as_str().unwrap_or("-"))).collect();
    assert_eq!(
        seen,
        [("/api/chat.postMessage", "-"), ("/api/chat.postMessage", "1760000000.000001"), ("/api/chat.update", "-")]
    );
    assert_eq!(cloud.posted[2].2["ts"], "1760000000.000001");
    assert_eq!(cloud.posted[2].2["text"], "\u{26a0}\u{fe0f} shop-api: n-2");
    assert!(
        cloud
            .posted
            .iter()
            .all(|(_, token, body)| token.as_deref() == Some("Bearer xoxb-1") && body["channel"] == "C1")
    );
}

#[tokio::test]
async fn a_late_notice_does_not_turn_the_head_back() {
    let world = World::new(BOT).await;
    for (id, second) in [("n-1", 5), ("n-0", 1)] {
        let row = OutboxRow::new(&Notice { at: at(second), ..notice(id) }, []);
        let event = world.written(std::slice::from_ref(&row));
        world.handle(event).await;
    }
    assert!(world.cloud().posted.iter().all(|(path, ..)| path == "/api/chat.postMessage"));
}

#[tokio::test]
async fn no_secret_reaches_the_table_or_the_topic() {
    let world = World::new(BOT).await;
    world.cloud().slack.push_back(SlackDoes::Answers(200, r#"{"ok":false,"error":"token_revoked"}"#));
    let event = world.written(&[row("n-1")]);
    world.handle(event).await;
    world.sweep().await;
    let cloud = world.cloud();
    let kept = format!("{:?} {:?}", cloud.items, cloud.published);
    assert!(kept.contains("token_revoked") && !kept.contains("xoxb-1"));
}
