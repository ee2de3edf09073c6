//! When pitcrew does not act on a custom domain: the pause, the owner's word, the stack's autonomy, and taking away.

use pitcrew_e2e::names::{ZONE, commands};
use pitcrew_e2e::{Scene, Shop, table};
use serde_json::json;

const API: &str = "api.harbour-coffee.net";
const CHANGE: &str = "ChangeResourceRecordSets";

async fn linked(scene: &Scene, tags: &[(&str, &str)]) -> (Shop, String) {
    let zone = scene.zone(ZONE, &[]);
    let shop = scene.running("shop-api").await;
    tags.iter().for_each(|(key, value)| scene.tag(&shop, key, value));
    scene.associate(&shop, API, false);
    (shop, zone)
}

/// Nothing is written while it is withheld, one proposal is told, and with the obstacle gone the domain finishes.
async fn withheld_then_finished(scene: &Scene, shop: &Shop, zone: &str, command: &[&str], mend: impl FnOnce(&Scene)) {
    let before = scene.records(zone);
    scene.until(10, "it is proposed", |scene| scene.told_of("proposal") == 1).await;
    scene.minutes(20).await;
    assert_eq!((scene.batches_sent(), scene.told_of("proposal")), (0, 1), "{:?}", scene.headlines());
    assert_eq!(scene.records(zone), before);
    let notice = scene.notice("proposal");
    assert_eq!(commands(&notice), command, "{notice:#}");
    assert!(notice["happened"].as_str().unwrap().contains("awsapprunner.com"), "it says what it would do: {notice:#}");
    mend(scene);
    scene.until_finished(shop, API).await;
    assert_eq!(scene.took_effect(CHANGE), 1);
    scene.check_visited(API, shop).await;
    scene.check_calm();
}

#[tokio::test]
async fn while_the_account_is_paused_nothing_is_written_and_then_it_finishes() {
    let scene = Scene::set().await;
    table::put(&scene, &json!({"pk": "ACCT#eu-west-1", "sk": "PAUSE", "since": "2026-11-02T10:00:00Z", "by": "ann"}));
    let (shop, zone) = linked(&scene, &[]).await;
    let apply = format!("pitcrew domains apply shop-api {API}");
    withheld_then_finished(&scene, &shop, &zone, &[&apply], |scene| {
        let key = json!({"pk": {"S": "ACCT#eu-west-1"}, "sk": {"S": "PAUSE"}});
        scene.call("dynamodb", "DeleteItem", json!({"TableName": scene.stage.output("TableName"), "Key": key}));
    })
    .await;
    scene.strike().await;
}

#[tokio::test]
async fn a_held_service_is_not_written_for_until_the_hold_ends() {
    let scene = Scene::set().await;
    let (shop, zone) = linked(&scene, &[("pitcrew:hold", "true")]).await;
    let apply = format!("pitcrew domains apply shop-api {API}");
    withheld_then_finished(&scene, &shop, &zone, &[&apply], |scene| scene.tag(&shop, "pitcrew:hold", "false")).await;
    scene.strike().await;
}

#[tokio::test]
async fn observe_tells_what_it_would_do_and_offers_no_command() {
    let scene = Scene::set_with(|setting| setting.autonomy = "observe".to_owned()).await;
    let (shop, zone) = linked(&scene, &[]).await;
    withheld_then_finished(&scene, &shop, &zone, &[], |scene| scene.tag(&shop, "pitcrew:domains", "act")).await;
    scene.strike().await;
}

#[tokio::test]
async fn propose_tells_the_one_command_that_does_it() {
    let scene = Scene::set_with(|setting| setting.autonomy = "propose".to_owned()).await;
    let (shop, zone) = linked(&scene, &[]).await;
    let apply = format!("pitcrew domains apply shop-api {API}");
    withheld_then_finished(&scene, &shop, &zone, &[&apply], |scene| scene.tag(&shop, "pitcrew:domains", "act")).await;
    scene.strike().await;
}

#[tokio::test]
async fn a_service_where_domains_are_off_hears_nothing_and_gets_nothing() {
    let scene = Scene::set().await;
    let (shop, zone) = linked(&scene, &[("pitcrew:domains", "off")]).await;
    let before = scene.records(&zone);
    scene.minutes(30).await;
    assert_eq!((scene.batches_sent(), scene.records(&zone)), (0, before));
    assert_eq!(scene.headlines(), Vec::<String>::new());
    assert_eq!(scene.status_of(&shop, API), "pending_certificate_dns_validation");
    scene.check_calm();
    scene.strike().await;
}

#[tokio::test]
async fn without_leave_to_remove_nothing_is_deleted_and_the_removal_is_proposed() {
    let scene = Scene::set().await;
    let (shop, zone) = linked(&scene, &[]).await;
    scene.until_finished(&shop, API).await;
    let standing = scene.records(&zone);
    scene.disassociate(&shop, API);
    scene.until(20, "it is proposed", |scene| scene.told_of("proposal") == 1).await;
    scene.minutes(30).await;
    assert_eq!(scene.records(&zone), standing, "{}", scene.story());
    assert_eq!((scene.batches_sent(), scene.told_of("proposal")), (1, 1), "{:?}", scene.headlines());
    assert_eq!(commands(&scene.notice("proposal")), [format!("pitcrew domains remove {API}")]);
    scene.check_calm();
    scene.strike().await;
}

#[tokio::test]
async fn what_somebody_else_changed_is_not_removed_with_the_domain() {
    let scene = Scene::set_with_removal().await;
    let (shop, zone) = linked(&scene, &[]).await;
    scene.until_finished(&shop, API).await;
    let target = scene.records(&zone).into_iter().find(|record| record["Type"] == "A").unwrap();
    scene.write(&zone, "DELETE", std::slice::from_ref(&target));
    let theirs = pitcrew_e2e::names::record(API, "A", "192.0.2.80");
    scene.write(&zone, "CREATE", std::slice::from_ref(&theirs));
    let before = scene.records(&zone);
    scene.disassociate(&shop, API);
    scene.minutes(30).await;
    let after = scene.records(&zone);
    let at_name: Vec<_> = after.iter().filter(|record| record["Type"] == "A").collect();
    let was: Vec<_> = before.iter().filter(|record| record["Type"] == "A").collect();
    assert_eq!(at_name, was, "their record stands to the byte\n{}", scene.story());
    assert!(!after.iter().any(|record| record["Type"] == "CNAME"), "ours are gone: {after:#?}");
    assert_eq!(scene.remembered(API), serde_json::Value::Null);
    scene.check_calm();
    scene.strike().await;
}
