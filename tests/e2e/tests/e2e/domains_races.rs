//! Two at once, by the engine itself: what a sweep read before somebody else wrote, and a batch that lost its race.

use std::time::{Duration, SystemTime};

use pitcrew_aws::domain_clients::DomainClients;
use pitcrew_aws::domain_engine::{DomainEngine, DomainSubject, ServiceReport, Which};
use pitcrew_core::autonomy::Autonomy;
use pitcrew_core::domain::{Settings, Trigger};
use pitcrew_core::id::ServiceArn;
use pitcrew_e2e::names::ZONE;
use pitcrew_e2e::{Scene, Shop};
use serde_json::{Value, json};

use crate::domains_zones::clients;

/// Behind the other domain in Route 53's order: what is read for that one covers this one too.
const SHOP: &str = "shop.harbour-coffee.net";
const CHANGE: &str = "route53:ChangeResourceRecordSets";

fn engine<'a>(clients: &'a DomainClients, me: &str) -> DomainEngine<'a> {
    let settings =
        Settings { autonomy: Autonomy::Act, remove: false, region: "eu-west-1".to_owned(), certificates: false };
    DomainEngine::new(clients, settings, me, SystemTime::now() + Duration::from_secs(600))
}

fn subject(shop: &Shop, trigger: Trigger) -> DomainSubject {
    let service = ServiceArn::parse(&shop.arn).unwrap();
    DomainSubject { service, which: Which::Shown, cause: "test".to_owned(), trigger }
}

fn check_ran(report: &ServiceReport) {
    assert!(!report.domains.is_empty());
    for (name, outcome) in &report.domains {
        assert!(outcome.is_ok(), "{name}: {outcome:?}");
    }
}

/// A stage where pitcrew's functions never run: only the engines of the test do.
async fn empty() -> Scene {
    let scene = Scene::set().await;
    scene.lose_events();
    let mut world = pitcrew_cloud::gateway::lock(scene.stage.cloud.world());
    let now = world.now;
    for function in ["domains", "certificates"] {
        assert!(world.bus.set_enabled(&format!("pitcrew-{function}-sweep"), false, now));
    }
    drop(world);
    scene
}

async fn linked(scene: &Scene, name: &str, domain: &str) -> Shop {
    let shop = scene.running(name).await;
    scene.associate(&shop, domain, false);
    let shown =
        |scene: &Scene| scene.linked(&shop, domain)["CertificateValidationRecords"].as_array().map_or(0, Vec::len);
    scene.until(10, "its records are shown", |scene| shown(scene) == 2).await;
    shop
}

#[tokio::test]
async fn a_sweep_that_read_a_zone_before_a_lost_write_does_not_say_that_it_never_arrived() {
    let scene = empty().await;
    let zone = scene.zone(ZONE, &[]);
    let (first, second) =
        (linked(&scene, "cart-api", "api.harbour-coffee.net").await, linked(&scene, "shop-api", SHOP).await);
    let clients = clients(&scene);
    check_ran(&engine(&clients, "one").run(&subject(&first, Trigger::Event)).await.unwrap());
    // The sweep reads the zone for its first domain.
    let sweep = engine(&clients, "sweep");
    check_ran(&sweep.run(&subject(&first, Trigger::Sweep)).await.unwrap());
    // Meanwhile the other domain's records are made, and nobody hears of it.
    let before = scene.records(&zone);
    scene.fault(json!({"on": CHANGE, "by": "*", "do": {"kind": "lost-answer"}}));
    check_ran(&engine(&clients, "other").run(&subject(&second, Trigger::Event)).await.unwrap());
    assert_eq!(scene.added(&zone, &before).len(), 3, "it arrived");
    assert!(scene.remembered(SHOP)["intent"].is_object() && owned(&scene) == 0);
    scene.seconds(90).await;
    check_ran(&sweep.run(&subject(&second, Trigger::Sweep)).await.unwrap());
    assert_eq!((owned(&scene), scene.remembered(SHOP)["intent"].clone()), (3, Value::Null));
    scene.strike().await;
}

fn owned(scene: &Scene) -> usize {
    scene.remembered(SHOP)["owned"].as_array().map_or(0, Vec::len)
}

#[tokio::test]
async fn a_batch_that_lost_its_race_is_looked_at_again_at_once_and_nobody_is_told_of_a_refusal() {
    let scene = empty().await;
    let zone = scene.zone(ZONE, &[]);
    let shop = linked(&scene, "shop-api", SHOP).await;
    let clients = clients(&scene);
    // What stands is read; then somebody makes one of the proofs by hand; and the two reads before the write do not show it.
    engine(&clients, "before").preview(&subject(&shop, Trigger::Event)).await.unwrap();
    let proof = scene.linked(&shop, SHOP)["CertificateValidationRecords"][0].clone();
    let by_hand =
        json!({"Name": proof["Name"], "Type": "CNAME", "TTL": 60, "ResourceRecords": [{"Value": proof["Value"]}]});
    let before = scene.records(&zone);
    scene.write(&zone, "CREATE", std::slice::from_ref(&by_hand));
    scene.fault(json!({"on": "route53:ListResourceRecordSets", "by": "*", "times": 2, "do": {"kind": "stale-read"}}));
    check_ran(&engine(&clients, "late").run(&subject(&shop, Trigger::Event)).await.unwrap());
    let refused: Vec<bool> = scene
        .since(0)
        .iter()
        .filter(|e| e.kind == "call" && e.what["operation"] == "ChangeResourceRecordSets" && e.who == "operator")
        .map(|e| !e.what["outcome"]["ok"].is_object())
        .collect();
    assert_eq!(refused[refused.len() - 2..], [true, false], "one batch lost, the next one was taken: {refused:?}");
    let added = scene.added(&zone, &before);
    assert_eq!((added.len(), owned(&scene)), (3, 2), "what somebody else made is not ours: {added:#?}");
    assert!(scene.remembered(SHOP)["told"]["refused"].is_null(), "{}", scene.remembered(SHOP));
    scene.minutes(2).await;
    assert_eq!(scene.said("refused"), 0, "{:?}", scene.headlines());
    scene.strike().await;
}

/// A server of a proxy answers in the place of Route 53, which had taken the batch: nobody knows, and nobody says otherwise.
#[tokio::test]
async fn a_fault_of_the_server_without_a_known_code_is_settled_by_reading() {
    let scene = empty().await;
    let zone = scene.zone(ZONE, &[]);
    let shop = linked(&scene, "shop-api", SHOP).await;
    let clients = clients(&scene);
    let before = scene.records(&zone);
    scene.fault(json!({"on": CHANGE, "by": "*", "do": {"kind": "error", "code": "BadGateway", "status": 502}}));
    check_ran(&engine(&clients, "one").run(&subject(&shop, Trigger::Event)).await.unwrap());
    assert!(scene.remembered(SHOP)["intent"].is_object(), "{}", scene.remembered(SHOP));
    assert!(scene.remembered(SHOP)["told"]["refused"].is_null(), "{}", scene.remembered(SHOP));
    scene.seconds(90).await;
    check_ran(&engine(&clients, "two").run(&subject(&shop, Trigger::Event)).await.unwrap());
    assert_eq!((scene.added(&zone, &before).len(), owned(&scene)), (3, 3));
    scene.minutes(2).await;
    assert_eq!(scene.said("refused"), 0, "{:?}", scene.headlines());
    scene.strike().await;
}
