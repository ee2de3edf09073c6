//! What does not show at the name itself: a wildcard that answers for it, and blindness that lasts.

use pitcrew_e2e::Scene;
use pitcrew_e2e::names::{ZONE, commands, record};

const API: &str = "api.harbour-coffee.net";

#[tokio::test]
async fn a_name_that_a_foreign_wildcard_answers_for_stays_the_wildcards() {
    let scene = Scene::set().await;
    let wildcard = record("*.harbour-coffee.net", "A", "192.0.2.9");
    let zone = scene.zone(ZONE, std::slice::from_ref(&wildcard));
    let before = scene.records(&zone);
    let shop = scene.running("shop-api").await;
    scene.associate(&shop, API, false);
    let headline = "somebody's wildcard answers for the name today";
    scene.until_said(10, headline).await;
    scene.minutes(20).await;
    assert_eq!((scene.batches_sent(), scene.records(&zone)), (0, before), "not even a proof: {}", scene.story());
    let notice = scene.notice_saying(headline);
    let happened = notice["happened"].as_str().unwrap();
    assert!(happened.contains("192.0.2.9") && happened.contains("awsapprunner.com"), "{notice:#}");
    assert_eq!(commands(&notice), [format!("pitcrew domains apply shop-api {API}")]);
    assert_eq!(scene.said(headline), 1, "{:?}", scene.headlines());
    scene.write(&zone, "DELETE", &[wildcard]);
    scene.until_finished(&shop, API).await;
    scene.check_visited(API, &shop).await;
    scene.check_calm();
    scene.strike().await;
}

#[tokio::test]
async fn a_resolver_that_goes_on_failing_is_told_once_and_the_domain_finishes_when_it_is_back() {
    let scene = Scene::set().await;
    let zone = scene.zone(ZONE, &[]);
    let before = scene.records(&zone);
    let shop = scene.running("shop-api").await;
    scene.resolver("failing");
    scene.associate(&shop, API, false);
    scene.minutes(25).await;
    assert_eq!(scene.headlines(), Vec::<String>::new(), "it may pass by itself");
    scene.minutes(60).await;
    let headline = "pitcrew cannot see what it needs";
    assert_eq!(scene.said(headline), 1, "{:?}", scene.headlines());
    assert!(scene.notice_saying(headline)["happened"].as_str().unwrap().contains("The DNS does not say"));
    assert_eq!((scene.batches_sent(), scene.records(&zone)), (0, before));
    scene.resolver("up");
    scene.until_finished(&shop, API).await;
    assert_eq!(scene.said("nothing stands in its way any more"), 1, "{:?}", scene.headlines());
    scene.check_visited(API, &shop).await;
    scene.strike().await;
}
