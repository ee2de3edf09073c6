//! Events are hints: dropped, doubled, late and out of order, the end is the same.

use pitcrew_e2e::{Scene, Shop};
use serde_json::json;

/// Plays the second story, in which pitcrew must act, and checks its end: one accepted update, the good digest, pinned.
async fn rolled_back_once(scene: &Scene, shop: &Shop) {
    scene.push(&shop.name, "latest", Scene::answers_500());
    scene.until(90, "the incident is closed", |scene| scene.outcomes(shop) == ["rolled_back"]).await;
    scene.minutes(40).await;
    assert_eq!((scene.writes().len(), scene.tries()), (1, 1), "{}", scene.story());
    assert_eq!(scene.serving(shop), shop.good);
    assert_eq!(scene.told(), ["rollback_started", "rollback_succeeded"], "nothing is told twice");
    assert_eq!(scene.outcomes(shop), ["rolled_back"]);
    assert!(scene.memory(shop, "PIN").is_object());
    scene.check_calm();
}

#[tokio::test]
async fn the_sweep_does_alone_all_that_events_do() {
    let scene = Scene::set().await;
    let shop = scene.good_shop("shop-api").await;
    scene.fault(json!({"event": "*", "times": 1_000_000, "do": {"kind": "drop"}}));
    let mark = scene.mark();
    rolled_back_once(&scene, &shop).await;
    let by_rule = scene.since(mark).into_iter().filter(|entry| {
        entry.kind == "invocation" && entry.what["payload"]["source"].as_str().is_some_and(|s| s.starts_with("aws."))
    });
    assert_eq!(by_rule.count(), 0, "no event came through");
    scene.strike().await;
}

#[tokio::test]
async fn the_sweep_alone_tells_of_a_revert_that_nobody_saw() {
    let scene = Scene::set().await;
    let shop = scene.good_shop("shop-api").await;
    scene.fault(json!({"event": "*", "times": 1_000_000, "do": {"kind": "drop"}}));
    let bad = scene.push("shop-api", "latest", Scene::unhealthy());
    scene.until(30, "it is told", |scene| scene.told_of("deployment_reverted") == 1).await;
    assert_eq!(scene.bad_digests(&shop), [bad], "a sweep saw the operation run and kept its digest");
    assert_eq!(scene.tries(), 0);
    scene.check_calm();
    scene.strike().await;
}

#[tokio::test]
async fn every_event_three_times_changes_nothing() {
    let scene = Scene::set().await;
    scene.fault(json!({"event": "*", "times": 1_000_000, "do": {"kind": "duplicate", "times": 3}}));
    let shop = scene.good_shop("shop-api").await;
    rolled_back_once(&scene, &shop).await;
    scene.strike().await;
}

#[tokio::test]
async fn every_event_three_times_and_all_at_once_changes_nothing() {
    let scene = Scene::set_with(|setting| setting.ordered = false).await;
    scene.fault(json!({"event": "*", "times": 1_000_000, "do": {"kind": "duplicate", "times": 3}}));
    let shop = scene.good_shop("shop-api").await;
    rolled_back_once(&scene, &shop).await;
    scene.strike().await;
}

#[tokio::test]
async fn events_in_reverse_order_change_nothing() {
    let scene = Scene::set().await;
    let shop = scene.good_shop("shop-api").await;
    scene.fault(json!({"event": "*", "times": 1_000_000, "do": {"kind": "reorder"}}));
    rolled_back_once(&scene, &shop).await;
    scene.strike().await;
}

#[tokio::test]
async fn events_that_come_twenty_minutes_late_change_nothing() {
    let scene = Scene::set().await;
    let shop = scene.good_shop("shop-api").await;
    scene.fault(json!({"event": "*", "times": 1_000_000, "do": {"kind": "delay", "seconds": 1200}}));
    rolled_back_once(&scene, &shop).await;
    scene.strike().await;
}

#[tokio::test]
async fn events_spelt_in_every_known_way_lead_to_the_same_end() {
    use pitcrew_cloud::switches::EventKeys;
    for keys in [EventKeys::Pascal, EventKeys::Mixed] {
        let scene = Scene::set_with(|setting| setting.switches.event_keys = keys).await;
        let shop = scene.good_shop("shop-api").await;
        rolled_back_once(&scene, &shop).await;
        assert_eq!(scene.quarantined(), Vec::<serde_json::Value>::new(), "{keys:?}");
        scene.strike().await;
    }
}

#[tokio::test]
async fn an_update_that_replaces_whole_groups_leads_to_the_same_end() {
    use pitcrew_cloud::switches::NestedUpdate;
    let scene = Scene::set_with(|setting| setting.switches.nested_update = NestedUpdate::Replace).await;
    let shop = scene.good_shop("shop-api").await;
    let before = scene.described(&shop);
    rolled_back_once(&scene, &shop).await;
    let after = scene.described(&shop);
    for kept in ["InstanceConfiguration", "HealthCheckConfiguration", "NetworkConfiguration"] {
        assert_eq!(after[kept], before[kept], "{kept}");
    }
    let configuration = "/SourceConfiguration/ImageRepository/ImageConfiguration";
    assert_eq!(after.pointer(configuration), before.pointer(configuration));
    scene.strike().await;
}
