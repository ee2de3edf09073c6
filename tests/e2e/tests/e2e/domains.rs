//! Custom domains that finish themselves: by event, by the sweep alone, twice, in another order, and with two functions at once.

use pitcrew_e2e::names::{ZONE, record};
use pitcrew_e2e::scene::{CERTIFICATES, DOMAINS};
use pitcrew_e2e::{Scene, Shop};
use serde_json::{Value, json};

const CHANGE: &str = "ChangeResourceRecordSets";

/// What the owner of the zone has in it.
fn of_others() -> Vec<Value> {
    vec![
        record(ZONE, "MX", "10 mail.harbour-post.net."),
        record(ZONE, "TXT", "\"v=spf1 -all\""),
        record("blog.harbour-coffee.net", "CNAME", "press.harbour-post.net."),
    ]
}

/// A service, its zone, and the domain linked to it.
async fn linked(scene: &Scene, domain: &str, www: bool) -> (Shop, String, Vec<Value>) {
    let shop = scene.running("shop-api").await;
    let zone = scene.zone(ZONE, &of_others());
    let before = scene.records(&zone);
    scene.associate(&shop, domain, www);
    (shop, zone, before)
}

/// The domain is finished: its records stand, others' are untouched, and visitors are answered.
async fn check_finished(scene: &Scene, shop: &Shop, zone: &str, before: &[Value], domain: &str, www: bool) {
    let added = scene.added(zone, before);
    let kinds = |kind: &str| added.iter().filter(|record| record["Type"] == kind).count();
    // A proof for each name and for App Runner's own; a target for each name.
    assert_eq!((kinds("CNAME"), kinds("A")), if www { (3, 2) } else { (2, 1) }, "{added:#?}");
    scene.check_visited(domain, shop).await;
    assert_eq!(scene.headlines().len(), 1, "{:?}", scene.headlines());
    scene.notice_saying("active, and all its records stand");
    scene.check_calm();
}

#[tokio::test]
async fn an_apex_with_www_becomes_active_by_its_event() {
    let scene = Scene::set().await;
    let (shop, zone, before) = linked(&scene, ZONE, true).await;
    scene.until_finished(&shop, ZONE).await;
    check_finished(&scene, &shop, &zone, &before, ZONE, true).await;
    scene.check_visited("www.harbour-coffee.net", &shop).await;
    assert_eq!((scene.batches_sent(), scene.took_effect(CHANGE)), (1, 1), "all records in one batch");
    scene.strike().await;
}

#[tokio::test]
async fn the_sweep_alone_does_all_that_the_events_do() {
    let scene = Scene::set().await;
    scene.lose_events();
    let (shop, zone, before) = linked(&scene, ZONE, true).await;
    scene.until_finished(&shop, ZONE).await;
    check_finished(&scene, &shop, &zone, &before, ZONE, true).await;
    assert_eq!((scene.batches_sent(), scene.took_effect(CHANGE)), (1, 1));
    let by_event = |entry: &pitcrew_cloud::history::Entry| {
        let source = entry.what["payload"]["source"].as_str().unwrap_or_default();
        entry.kind == "invocation" && source.starts_with("aws.")
    };
    assert_eq!(scene.history().iter().find(|entry| by_event(entry)), None, "no event came through");
    scene.strike().await;
}

#[tokio::test]
async fn events_doubled_and_reversed_change_nothing() {
    for fate in [json!({"kind": "duplicate", "times": 3}), json!({"kind": "reorder"})] {
        let scene = Scene::set().await;
        let shop = scene.running("shop-api").await;
        let zone = scene.zone(ZONE, &of_others());
        let before = scene.records(&zone);
        scene.fault(json!({"event": "*", "times": 1_000_000, "do": fate}));
        scene.associate(&shop, ZONE, true);
        scene.until_finished(&shop, ZONE).await;
        check_finished(&scene, &shop, &zone, &before, ZONE, true).await;
        assert_eq!(scene.batches_sent(), 1, "{fate}");
        scene.strike().await;
    }
}

/// Both functions are told of the same domain at the same moment, again and again, in parallel.
#[tokio::test]
async fn two_functions_at_once_on_one_domain_write_its_records_once() {
    let scene = Scene::set_with(|setting| setting.ordered = false).await;
    let (shop, zone, before) = linked(&scene, "api.harbour-coffee.net", false).await;
    let sweep = json!({"source": "pitcrew", "detail-type": "Sweep"});
    for _ in 0..6 {
        scene.seconds(5).await;
        let cloud = &scene.stage.cloud;
        let runs = [DOMAINS, CERTIFICATES, DOMAINS].map(|function| cloud.invoke(function, sweep.clone()));
        let [one, two, three] = runs;
        let (one, two, three) = tokio::join!(one, two, three);
        for outcome in [one, two, three] {
            outcome.unwrap().result.unwrap();
        }
    }
    scene.until_finished(&shop, "api.harbour-coffee.net").await;
    assert_eq!(scene.added(&zone, &before).len(), 3);
    assert_eq!(scene.took_effect(CHANGE), 1, "{}", scene.story());
    assert_eq!(scene.said("active, and all its records stand"), 1, "{:?}", scene.headlines());
    scene.check_clean();
    scene.strike().await;
}
