//! Channels fail apart from each other, each failure is told once, and none of them holds the rollback up.

use pitcrew_cloud::gateway::lock;
use pitcrew_cloud::slack::workspace::{Hook, Scripted};
use pitcrew_cloud::stage::{CHANNEL, HOOK, SlackDoor};
use pitcrew_e2e::scene::NOTIFY;
use pitcrew_e2e::{Scene, Shop};
use serde_json::json;

/// The second story, to its closed incident: whatever the channels do, the service is rolled back.
async fn rolled_back(scene: &Scene) -> Shop {
    let shop = scene.good_shop("shop-api").await;
    scene.push("shop-api", "latest", Scene::answers_500());
    scene.until(60, "the incident is closed", |scene| scene.outcomes(&shop) == ["rolled_back"]).await;
    assert_eq!(scene.serving(&shop), shop.good);
    shop
}

fn unsent(scene: &Scene) -> usize {
    pitcrew_e2e::table::all(scene).iter().filter(|row| row["open_pk"] == "UNSENT").count()
}

#[tokio::test]
async fn without_a_slack_secret_sns_is_told_and_nothing_waits() {
    let scene = Scene::set_with(|setting| setting.slack = SlackDoor::Off).await;
    rolled_back(&scene).await;
    scene.minutes(10).await;
    assert_eq!(scene.told(), ["rollback_started", "rollback_succeeded"]);
    assert_eq!((scene.slack().len(), unsent(&scene)), (0, 0));
    scene.check_calm();
    scene.strike().await;
}

#[tokio::test]
async fn a_slack_secret_that_was_deleted_is_told_once_through_sns() {
    let scene = Scene::set().await;
    let secret = scene.stage.output("SlackSecretArn").to_owned();
    scene.call("secretsmanager", "DeleteSecret", json!({"SecretId": secret, "ForceDeleteWithoutRecovery": true}));
    rolled_back(&scene).await;
    scene.minutes(60).await;
    assert_eq!(scene.told_of("crew"), 1, "{:?}", scene.told());
    assert_eq!((scene.told_of("rollback_succeeded"), scene.slack().len(), unsent(&scene)), (1, 0, 0));
    scene.check_clean();
    scene.strike().await;
}

#[tokio::test]
async fn a_webhook_gets_each_message_and_one_that_is_revoked_is_told_once() {
    let scene = Scene::set_with(|setting| setting.slack = SlackDoor::Webhook).await;
    rolled_back(&scene).await;
    scene.minutes(5).await;
    assert_eq!(scene.slack().len(), 2);
    scene.check_calm();

    scene.stage.slack.workspace().set_hook(HOOK, CHANNEL, Hook::Revoked);
    for tag in ["a", "b"] {
        scene.push("shop-api", "latest", Default::default());
        scene.until(30, &format!("push {tag} is told"), |scene| scene.told_of("pin") > usize::from(tag == "b")).await;
        scene.minutes(10).await;
    }
    assert_eq!(scene.told_of("crew"), 1, "the webhook answers 404: told once, {:?}", scene.told());
    assert_eq!((scene.slack().len(), unsent(&scene)), (2, 0));
    scene.check_clean();
    scene.strike().await;
}

#[tokio::test]
async fn a_hurried_slack_gets_everything_later_and_sns_nothing_twice() {
    let scene = Scene::set().await;
    scene.stage.slack.workspace().script([
        Scripted::Limited(120),
        Scripted::Limited(30),
        Scripted::Status(500, "oops".into()),
    ]);
    rolled_back(&scene).await;
    scene.minutes(30).await;
    assert_eq!(scene.told(), ["rollback_started", "rollback_succeeded"]);
    assert_eq!(scene.counted(NOTIFY, "NoticesFailed"), 3, "two 429 and a 500");
    assert_eq!((scene.slack().len(), unsent(&scene)), (2, 0), "{:#?}", scene.slack());
    scene.check_clean();
    scene.strike().await;
}

#[tokio::test]
async fn while_sns_is_down_slack_is_told_and_sns_gets_it_later() {
    let scene = Scene::set().await;
    let down = json!({"kind": "error", "code": "InternalError", "status": 500});
    scene.fault(json!({"on": "sns:Publish", "by": "pitcrew-notify", "times": 1_000_000, "do": down}));
    rolled_back(&scene).await;
    scene.minutes(10).await;
    assert_eq!((scene.told().len(), scene.slack().len()), (0, 2));
    assert_eq!(unsent(&scene), 2);
    scene.no_more_faults();
    scene.minutes(60).await;
    assert_eq!(scene.told(), ["rollback_started", "rollback_succeeded"]);
    assert_eq!((scene.slack().len(), unsent(&scene)), (2, 0), "Slack is not told again");
    scene.check_clean();
    scene.strike().await;
}

#[tokio::test]
async fn a_notify_function_that_is_killed_while_it_sends_tells_at_least_once() {
    for (on, strike) in
        [("sns:Publish", "kill-before"), ("sns:Publish", "kill-after"), ("dynamodb:UpdateItem", "kill-after")]
    {
        let scene = Scene::set().await;
        scene.fault(json!({"on": on, "by": "pitcrew-notify", "do": {"kind": strike}}));
        rolled_back(&scene).await;
        scene.minutes(30).await;
        let ids: Vec<String> = scene.notices().iter().map(|notice| notice["id"].to_string()).collect();
        let distinct: std::collections::BTreeSet<&String> = ids.iter().collect();
        assert_eq!(distinct.len(), 2, "{on} {strike}: both are told, {ids:?}");
        assert!(ids.len() <= 3, "{on} {strike}: at most one of them twice, {ids:?}");
        assert_eq!(unsent(&scene), 0, "{on} {strike}");
        scene.check_clean();
        scene.strike().await;
    }
}

#[tokio::test]
async fn text_from_outside_neither_mentions_nor_links_in_slack() {
    let scene = Scene::set().await;
    scene.good_shop("shop-api").await;
    let line = "<!channel> ERROR @here <https://evil.example|click> *bold* `x` see https://evil.example".to_owned();
    let hostile = pitcrew_cloud::outside::Behaviour { exit_code: Some(1), log_lines: vec![line], ..Default::default() };
    scene.push("shop-api", "latest", hostile);
    scene.until(30, "it is told", |scene| scene.told_of("deployment_reverted") == 1).await;
    scene.minutes(2).await;
    let messages = scene.stage.slack.messages();
    assert!(scene.slack().iter().any(|text| text.contains("evil.example")), "the line is shown: {:#?}", scene.slack());
    for message in messages {
        assert_eq!(message.mentions, Vec::<String>::new());
        assert!(message.links.iter().all(|link| !format!("{link:?}").contains("evil")), "{:?}", message.links);
    }
    scene.check_calm();
    assert_eq!(lock(scene.stage.cloud.world()).policies.denied().len(), 0);
    scene.strike().await;
}
