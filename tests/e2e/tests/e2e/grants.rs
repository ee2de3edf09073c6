//! Least privilege, by use: over a run that does everything, each grant of the template is used, and no call is denied.

use pitcrew_cloud::gateway::lock;
use pitcrew_cloud::outside::Behaviour;
use pitcrew_e2e::{Scene, Shop, table};
use serde_json::json;

/// Grants that this run does not use, by statement and action, each with its reason. A used one must leave the list.
const UNUSED: &[(&str, &str, &str)] =
    &[("KeepUndelivered", "sqs:SendMessage", "the Scheduler could hand everything over: nothing was undelivered")];

/// A service whose source names the last good digest already, stranded by an operation that nobody saw run, so that its digest is
/// unknown: it is deployed once more.
async fn redeployed(scene: &Scene, shop: &Shop) {
    let sweeps = |scene: &Scene| scene.told_of("rollback_succeeded");
    let before = sweeps(scene);
    let swept = |scene: &Scene| {
        scene.history().iter().rev().find(|e| e.what["cause"] == "pitcrew-rollback-sweep").map(|e| e.seq)
    };
    // The alarm of the story before has calmed down, so that nothing wakes the function while the operation runs.
    scene.minutes(10).await;
    let last = swept(scene);
    scene.until(6, "a sweep has just been", |scene| swept(scene) != last).await;
    scene.fault(json!({"event": "*", "times": 5, "do": {"kind": "drop"}}));
    let broken = Behaviour { exit_code: Some(1), rollback_fails: true, ..Behaviour::default() };
    lock(scene.stage.cloud.world()).outside.behaviours.insert(shop.good.clone(), broken);
    scene.call("apprunner", "StartDeployment", json!({"ServiceArn": shop.arn}));
    scene.until(4, "it is stranded", |scene| scene.operations(shop)[0]["Status"] == "ROLLBACK_FAILED").await;
    lock(scene.stage.cloud.world()).outside.behaviours.insert(shop.good.clone(), Behaviour::default());
    scene.until(30, "it is deployed once more", |scene| sweeps(scene) > before).await;
}

/// Every kind of work that the functions have.
async fn everything(scene: &Scene) {
    let shop = scene.good_shop("shop-api").await;
    // A revert with its diagnosis, then a bad release with its rollback, and a push while pinned.
    scene.push("shop-api", "latest", Scene::unhealthy());
    scene.until(30, "the revert is told", |scene| scene.told_of("deployment_reverted") == 1).await;
    // The first try of the call is throttled: the service is looked at again through the wake queue.
    scene.fault(json!({"on": "apprunner:UpdateService", "by": "pitcrew-rollback", "do": {"kind": "throttle"}}));
    scene.push("shop-api", "latest", Scene::answers_500());
    scene.until(60, "the rollback is told", |scene| scene.told_of("rollback_succeeded") == 1).await;
    scene.push("shop-api", "latest", Behaviour::default());
    scene.until(15, "the push is told", |scene| scene.told_of("pin") == 1).await;
    redeployed(scene, &shop).await;
    // A sweep that was cut, whose cursor is then forgotten; an input that is kept; a wake message; an input that is given up.
    table::put(scene, &json!({"pk": "ACCT#eu-west-1", "sk": "SWEEP", "next": shop.arn}));
    for function in ["pitcrew-rollback", "pitcrew-notify"] {
        let outcome = scene.stage.cloud.invoke(function, json!({"who": "are you"})).await.unwrap();
        assert!(outcome.result.is_ok());
    }
    scene.minutes(10).await;
    // Killed and not refused: the SDK's pauses between its tries are real time.
    scene.fault(json!({"on": "dynamodb:*", "by": "pitcrew-*", "times": 1_000_000, "do": {"kind": "kill-before"}}));
    scene.minutes(30).await;
    scene.no_more_faults();
    scene.minutes(20).await;
}

#[tokio::test]
async fn every_grant_is_used_and_no_call_is_denied() {
    let scene = Scene::set().await;
    everything(&scene).await;
    let (denied, unused) = {
        let world = lock(scene.stage.cloud.world());
        (world.policies.denied().to_vec(), world.policies.unused_grants())
    };
    assert!(denied.is_empty(), "{denied:#?}");
    let known = |statement: &str, action: &str| UNUSED.iter().any(|(s, a, _)| *s == statement && *a == action);
    let surprising: Vec<String> = unused
        .iter()
        .filter(|grant| !known(&grant.statement, &grant.action))
        .map(|grant| format!("{} {} {}", grant.policy, grant.statement, grant.action))
        .collect();
    assert_eq!(surprising, Vec::<String>::new(), "granted and never used");
    let stale: Vec<&str> = UNUSED
        .iter()
        .filter(|(s, a, _)| !unused.iter().any(|grant| grant.statement == *s && grant.action == *a))
        .map(|(statement, ..)| *statement)
        .collect();
    assert_eq!(stale, Vec::<&str>::new(), "listed as unused, but used");
    scene.strike().await;
}
