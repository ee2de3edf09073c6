//! When pitcrew does not act: the owner's word, the breaker, a human's hand, nothing to go back to.

use pitcrew_cloud::gateway::lock;
use pitcrew_e2e::{Scene, Shop, table};
use serde_json::{Value, json};

/// The bad release that pitcrew would roll back, if it may; waits until a notice of this kind is told.
async fn bad_release(scene: &Scene, shop: &Shop, until_told: &str) -> String {
    let bad = scene.push(&shop.name, "latest", Scene::answers_500());
    let before = scene.told_of(until_told);
    scene.until(60, "it is told", |scene| scene.told_of(until_told) > before).await;
    bad
}

fn commands(notice: &Value) -> Vec<String> {
    let todo = notice["todo"].as_array().into_iter().flatten();
    todo.filter_map(|todo| todo["command"].as_str()).map(str::to_owned).collect()
}

#[tokio::test]
async fn observe_tells_what_it_would_do_and_writes_nothing() {
    let scene = Scene::set_with(|setting| setting.autonomy = "observe".to_owned()).await;
    let shop = scene.good_shop("shop-api").await;
    let bad = bad_release(&scene, &shop, "proposal").await;
    scene.minutes(30).await;
    assert_eq!(scene.tries(), 0);
    assert_eq!(scene.serving(&shop), bad);
    assert_eq!(scene.told(), ["proposal"], "once, however often the sweep comes by");
    assert!(scene.notice("proposal")["headline"].as_str().unwrap().contains("pitcrew would deploy"));
    assert_eq!(commands(&scene.notice("proposal")), Vec::<String>::new(), "observe offers no command");
    scene.check_calm();
    scene.strike().await;
}

#[tokio::test]
async fn propose_tells_the_one_command_that_does_it_and_writes_nothing() {
    let scene = Scene::set_with(|setting| setting.autonomy = "propose".to_owned()).await;
    let shop = scene.good_shop("shop-api").await;
    let bad = bad_release(&scene, &shop, "proposal").await;
    scene.minutes(30).await;
    assert_eq!(scene.tries(), 0);
    assert_eq!(scene.serving(&shop), bad);
    assert_eq!(scene.told(), ["proposal"]);
    assert_eq!(commands(&scene.notice("proposal")), [format!("pitcrew rollback shop-api --to {}", shop.good)]);
    assert_eq!(scene.incident(&shop), "proposed", "it waits for a person");
    scene.check_calm();
    scene.strike().await;
}

#[tokio::test]
async fn a_tag_on_the_service_wins_over_the_stack_in_both_directions() {
    let scene = Scene::set_with(|setting| setting.autonomy = "observe".to_owned()).await;
    let bold = scene.good_shop("bold-api").await;
    let shy = scene.good_shop("shy-api").await;
    scene.tag(&bold, "pitcrew:rollback", "act");
    bad_release(&scene, &bold, "rollback_succeeded").await;
    bad_release(&scene, &shy, "proposal").await;
    assert_eq!(scene.serving(&bold), bold.good);
    assert_ne!(scene.serving(&shy), shy.good);
    assert_eq!(scene.writes().len(), 1);
    scene.check_calm();
    scene.strike().await;
}

#[tokio::test]
async fn a_service_that_its_owner_holds_is_not_touched() {
    let scene = Scene::set().await;
    let shop = scene.good_shop("shop-api").await;
    scene.tag(&shop, "pitcrew:hold", "true");
    let bad = bad_release(&scene, &shop, "proposal").await;
    scene.minutes(15).await;
    assert_eq!(scene.tries(), 0);
    assert_eq!(scene.serving(&shop), bad);
    scene.check_calm();
    scene.strike().await;
}

#[tokio::test]
async fn a_hold_that_comes_between_intent_and_call_still_holds() {
    let scene = Scene::set().await;
    let shop = scene.good_shop("shop-api").await;
    // The call is throttled once; before it is tried again the owner says hold.
    scene.fault(json!({"on": "apprunner:UpdateService", "by": "pitcrew-rollback", "do": {"kind": "throttle"}}));
    bad_release(&scene, &shop, "rollback_started").await;
    scene.until(5, "the call was tried", |scene| scene.tries() == 1).await;
    scene.tag(&shop, "pitcrew:hold", "true");
    scene.minutes(30).await;
    assert_eq!((scene.writes().len(), scene.tries()), (0, 1), "{}", scene.story());
    assert_ne!(scene.serving(&shop), shop.good);
    assert_eq!(scene.told_of("proposal"), 1, "{:?}", scene.told());
    scene.check_clean();
    scene.strike().await;
}

#[tokio::test]
async fn while_the_account_is_paused_nothing_is_written() {
    let scene = Scene::set().await;
    let shop = scene.good_shop("shop-api").await;
    table::put(&scene, &json!({"pk": "ACCT#eu-west-1", "sk": "PAUSE", "since": "2026-11-02T10:00:00Z", "by": "ann"}));
    let bad = bad_release(&scene, &shop, "proposal").await;
    scene.minutes(15).await;
    assert_eq!(scene.tries(), 0);
    assert_eq!(scene.serving(&shop), bad);
    scene.check_calm();
    scene.strike().await;
}

#[tokio::test]
async fn when_many_services_fail_at_once_the_breaker_opens_and_the_rest_is_proposed() {
    let scene = Scene::set().await;
    let names = ["shop-a", "shop-b", "shop-c", "shop-d"];
    let shops: Vec<Shop> = names.iter().map(|name| scene.unwatched(name)).collect();
    shops.iter().for_each(|shop| scene.watch(shop));
    scene.until(60, "all are good", |scene| shops.iter().all(|shop| scene.verdict(shop) == "good")).await;
    for shop in &shops {
        scene.push(&shop.name, "latest", Scene::answers_500());
    }
    scene.until(60, "three are proposed", |scene| scene.told_of("proposal") == 3).await;
    scene.until(30, "one is rolled back", |scene| scene.told_of("rollback_succeeded") == 1).await;
    scene.minutes(20).await;
    assert_eq!((scene.writes().len(), scene.tries()), (1, 1), "a small fleet gets one rollback a window");
    assert_eq!(scene.told_of("crew"), 1, "the opened breaker is told once: {:?}", scene.told());
    let rolled_back = shops.iter().filter(|shop| scene.serving(shop) == shop.good).count();
    assert_eq!(rolled_back, 1);
    scene.check_calm();
    scene.strike().await;
}

#[tokio::test]
async fn an_operator_who_deploys_during_our_rollback_wins() {
    let scene = Scene::set().await;
    let shop = scene.good_shop("shop-api").await;
    // Our call is throttled; before it is tried again a person deploys a fix.
    scene.fault(json!({"on": "apprunner:UpdateService", "by": "pitcrew-rollback", "do": {"kind": "throttle"}}));
    bad_release(&scene, &shop, "rollback_started").await;
    scene.until(5, "the call was tried", |scene| scene.tries() == 1).await;
    let fix = scene.push("shop-api", "fix", Default::default());
    scene.update(&shop, ":fix");
    scene.until(30, "pitcrew stands down", |scene| scene.told_of("stood_down") == 1).await;
    scene.minutes(15).await;
    assert_eq!((scene.writes().len(), scene.tries()), (0, 1), "{}", scene.story());
    assert_eq!(scene.serving(&shop), fix);
    assert_eq!(scene.outcomes(&shop), ["stood_down"]);
    scene.check_clean();
    scene.strike().await;
}

#[tokio::test]
async fn a_push_while_pinned_is_told_and_a_person_who_replaces_the_image_ends_the_pin() {
    let scene = Scene::set().await;
    let shop = scene.good_shop("shop-api").await;
    bad_release(&scene, &shop, "rollback_succeeded").await;
    let fix = scene.push("shop-api", "latest", Default::default());
    scene.until(10, "the push is told", |scene| scene.told_of("pin") == 1).await;
    assert_eq!(scene.serving(&shop), shop.good, "a push reaches nothing while the service is pinned");
    scene.update(&shop, ":latest");
    scene.until(30, "the end of the pin is told", |scene| scene.told_of("pin") == 2).await;
    assert_eq!(scene.serving(&shop), fix);
    assert_eq!(scene.memory(&shop, "PIN"), Value::Null);
    assert_eq!(scene.writes().len(), 1, "only the rollback");
    scene.check_calm();
    scene.strike().await;
}

#[tokio::test]
async fn without_an_alarm_a_release_stays_unproven_and_a_day_proves_it() {
    let scene = Scene::set().await;
    let shop = scene.unwatched("shop-api");
    scene.until(60, "it is unproven", |scene| scene.verdict(&shop) == "unproven").await;
    // A release that cannot be told to be bad: no alarm, so nobody rolls back.
    scene.push("shop-api", "latest", Scene::answers_500());
    scene.minutes(60).await;
    assert_eq!(scene.tries(), 0);
    assert_eq!(scene.verdict(&shop), "unproven");
    scene.check_calm();
    scene.strike().await;
}

#[tokio::test]
async fn an_unproven_release_is_only_proposed() {
    let scene = Scene::set().await;
    let shop = scene.unwatched("shop-api");
    scene.until(60, "it is unproven", |scene| scene.verdict(&shop) == "unproven").await;
    scene.watch(&shop);
    let bad = bad_release(&scene, &shop, "proposal").await;
    scene.minutes(15).await;
    assert_eq!(scene.tries(), 0);
    assert_eq!(scene.serving(&shop), bad);
    assert_eq!(commands(&scene.notice("proposal")), [format!("pitcrew rollback shop-api --to {}", shop.good)]);
    scene.check_calm();
    scene.strike().await;
}

#[tokio::test]
async fn an_image_that_is_gone_from_ecr_is_no_target() {
    let scene = Scene::set().await;
    let shop = scene.good_shop("shop-api").await;
    let bad = scene.push("shop-api", "latest", Scene::answers_500());
    let ids = json!([{"imageDigest": shop.good}]);
    scene.call("ecr", "BatchDeleteImage", json!({"repositoryName": "shop-api", "imageIds": ids}));
    scene.until(60, "a person is asked", |scene| scene.told_of("rollback_failed") == 1).await;
    scene.minutes(15).await;
    assert_eq!(scene.tries(), 0);
    assert_eq!(scene.serving(&shop), bad);
    assert_eq!(scene.outcomes(&shop), ["needs_person"]);
    assert!(scene.notice("rollback_failed")["headline"].as_str().unwrap().contains("no good release is known"));
    scene.check_calm();
    scene.strike().await;
}

#[tokio::test]
async fn a_rollback_that_fails_is_not_tried_again() {
    let scene = Scene::set().await;
    let shop = scene.good_shop("shop-api").await;
    scene.push("shop-api", "latest", Scene::answers_500());
    scene.until(60, "the rollback runs", |scene| scene.incident(&shop) == "confirming").await;
    // What was good does not start any more: a secret is gone, a dependency is down.
    lock(scene.stage.cloud.world()).outside.behaviours.insert(shop.good.clone(), Scene::unhealthy());
    scene.until(60, "a person is asked", |scene| scene.told_of("rollback_failed") == 1).await;
    scene.minutes(60).await;
    assert_eq!((scene.writes().len(), scene.tries()), (1, 1), "{}", scene.story());
    assert_eq!(scene.outcomes(&shop), ["needs_person"]);
    scene.check_calm();
    scene.strike().await;
}

#[tokio::test]
async fn a_service_that_is_deleted_meanwhile_closes_its_incident_and_keeps_its_receipts() {
    let scene = Scene::set_with(|setting| setting.autonomy = "propose".to_owned()).await;
    let shop = scene.good_shop("shop-api").await;
    bad_release(&scene, &shop, "proposal").await;
    scene.call("apprunner", "DeleteService", json!({"ServiceArn": shop.arn}));
    scene.until(90, "its incident is closed", |scene| scene.outcomes(&shop).len() == 1).await;
    scene.minutes(120).await;
    assert_eq!(scene.tries(), 0);
    assert_eq!(scene.incident(&shop), "");
    assert!(scene.told_of("service_state") <= 1, "{:?}", scene.told());
    assert!(!scene.receipts(&shop).is_empty());
    scene.check_calm();
    scene.strike().await;
}

#[tokio::test]
async fn an_alarm_outside_the_bake_window_is_told_and_leads_to_no_write() {
    let scene = Scene::set().await;
    let shop = scene.good_shop("shop-api").await;
    scene.minutes(30).await;
    lock(scene.stage.cloud.world()).outside.behaviours.insert(shop.good.clone(), Scene::answers_500());
    scene.until(20, "the alarm is told", |scene| scene.told_of("alarm") == 1).await;
    scene.minutes(60).await;
    assert_eq!(scene.tries(), 0);
    assert_eq!(scene.told(), ["alarm"], "once");
    scene.check_calm();
    scene.strike().await;
}
