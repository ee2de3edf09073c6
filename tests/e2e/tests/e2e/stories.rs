//! The three stories that the main job is for, from the push to the closed incident.

use pitcrew_cloud::outside::Behaviour;
use pitcrew_e2e::Scene;
use serde_json::json;

/// Nothing happens where nothing is wrong: the suite begins with the no-op.
#[tokio::test]
async fn a_good_release_is_watched_and_nothing_is_told_and_nothing_written() {
    let scene = Scene::set().await;
    let shop = scene.good_shop("shop-api").await;
    scene.minutes(30).await;
    assert_eq!(scene.tries(), 0);
    assert_eq!(scene.told(), Vec::<String>::new());
    assert_eq!(scene.serving(&shop), shop.good);
    assert_eq!(scene.quarantined(), Vec::<serde_json::Value>::new());
    scene.check_calm();
    scene.strike().await;
}

#[tokio::test]
async fn a_push_that_fails_its_health_check_is_reverted_by_app_runner_and_told_by_pitcrew() {
    let scene = Scene::set().await;
    let shop = scene.good_shop("shop-api").await;
    let bad = scene.push("shop-api", "latest", Scene::unhealthy());
    scene.until(30, "the revert is told", |scene| scene.told_of("deployment_reverted") == 1).await;
    scene.minutes(15).await;

    assert_eq!(scene.tries(), 0, "App Runner did it by itself");
    assert_eq!(scene.serving(&shop), shop.good);
    assert_eq!(scene.bad_digests(&shop), [bad]);
    assert_eq!(scene.told(), ["deployment_reverted"], "{:#?}", scene.notices());
    let notice = scene.notice("deployment_reverted");
    assert_eq!(notice["why"]["cause"], "health_check", "{notice:#}");
    let words = notice.to_string();
    assert!(words.contains(":latest still names the bad image"), "it says what is still armed: {words}");
    assert_eq!(scene.outcomes(&shop), ["told"]);
    assert_eq!(scene.slack().len(), 1);
    scene.check_calm();
    scene.strike().await;
}

#[tokio::test]
async fn a_healthy_push_that_answers_500_is_rolled_back_to_the_last_good_digest_and_pinned() {
    let scene = Scene::set().await;
    let shop = scene.good_shop("shop-api").await;
    let bad = scene.push("shop-api", "latest", Scene::answers_500());
    scene.until(60, "the rollback is told", |scene| scene.told_of("rollback_succeeded") == 1).await;
    scene.minutes(40).await;

    let writes = scene.writes();
    assert_eq!((writes.len(), scene.tries()), (1, 1), "{writes:#?}");
    assert_eq!(writes[0]["operation"], "UpdateService");
    // Read-modify-write: of the whole source only the image and the automatic deployment differ.
    let mut wanted = scene.source("shop-api", &format!("@{}", shop.good), false);
    assert_eq!(writes[0]["input"]["SourceConfiguration"], wanted.take());
    assert_eq!(scene.serving(&shop), shop.good);
    assert_eq!(scene.described(&shop)["SourceConfiguration"]["AutoDeploymentsEnabled"], false);
    assert_eq!(scene.bad_digests(&shop), [bad]);
    let pin = scene.memory(&shop, "PIN");
    assert_eq!(pin["auto_deploy_before"], true, "{pin:#}");
    assert_eq!(scene.told(), ["rollback_started", "rollback_succeeded"]);
    assert_eq!(scene.outcomes(&shop), ["rolled_back"]);
    assert_eq!(scene.verdict(&shop), "good", "a release that our own rollback made keeps its earlier verdict");
    assert_eq!(scene.slack().len(), 2, "one thread: its head and what followed");
    scene.check_calm();
    scene.strike().await;
}

#[tokio::test]
async fn an_update_whose_native_rollback_fails_is_restored_to_the_last_good_release() {
    let scene = Scene::set().await;
    let shop = scene.good_shop("shop-api").await;
    let broken = Behaviour { exit_code: Some(137), rollback_fails: true, ..Behaviour::default() };
    let bad = scene.push("shop-api", "v2", broken);
    scene.update(&shop, ":v2");
    scene.until(60, "the rollback is told", |scene| scene.told_of("rollback_succeeded") == 1).await;
    scene.minutes(15).await;

    let writes = scene.writes();
    assert_eq!((writes.len(), scene.tries()), (1, 1), "{writes:#?}");
    assert_eq!(writes[0]["operation"], "UpdateService");
    assert_eq!(scene.serving(&shop), shop.good);
    assert_eq!(scene.bad_digests(&shop), [bad]);
    assert_eq!(scene.outcomes(&shop), ["rolled_back"]);
    let image = &writes[0]["input"]["SourceConfiguration"]["ImageRepository"]["ImageIdentifier"];
    assert!(image.as_str().unwrap().ends_with(&format!("@{}", shop.good)), "{image}");
    let told = scene.told();
    assert_eq!(told.last().map(String::as_str), Some("rollback_succeeded"), "{told:?}");
    let cause = scene.notices().iter().any(|notice| notice["why"]["cause"] == json!("out_of_memory"));
    assert!(cause, "the cause was found: {:#?}", scene.notices());
    scene.check_calm();
    scene.strike().await;
}
