//! Least privilege, by use: over a run that does everything, each grant of the template is used, and no call is denied.

use pitcrew_cloud::gateway::lock;
use pitcrew_cloud::outside::Behaviour;
use pitcrew_e2e::{Scene, table};
use serde_json::json;

/// Grants that this run does not use, by statement and action, each with its reason. A used one must leave the list.
const UNUSED: &[(&str, &str, &str)] =
    &[("KeepUndelivered", "sqs:SendMessage", "the Scheduler could hand everything over: nothing was undelivered")];

/// Every kind of work that the functions have.
async fn everything(scene: &Scene) {
    let shop = scene.good_shop("shop-api").await;
    // A revert with its diagnosis, then a bad release with its rollback, and a push while pinned.
    scene.push("shop-api", "latest", Scene::unhealthy());
    scene.until(30, "the revert is told", |scene| scene.told_of("deployment_reverted") == 1).await;
    scene.push("shop-api", "latest", Scene::answers_500());
    scene.until(60, "the rollback is told", |scene| scene.told_of("rollback_succeeded") == 1).await;
    scene.push("shop-api", "latest", Behaviour::default());
    scene.until(15, "the push is told", |scene| scene.told_of("pin") == 1).await;
    // A stranded service whose source names the last good digest already: it is deployed once more.
    let broken = Behaviour { exit_code: Some(1), rollback_fails: true, ..Behaviour::default() };
    lock(scene.stage.cloud.world()).outside.behaviours.insert(shop.good.clone(), broken);
    scene.call("apprunner", "StartDeployment", json!({"ServiceArn": shop.arn}));
    scene.until(10, "it fails", |scene| scene.operations(&shop)[0]["Status"] == "ROLLBACK_FAILED").await;
    lock(scene.stage.cloud.world()).outside.behaviours.insert(shop.good.clone(), Behaviour::default());
    scene.minutes(30).await;
    // A sweep that was cut, whose cursor is then forgotten; an input that is kept; a wake message; an input that is given up.
    table::put(scene, &json!({"pk": "ACCT#eu-west-1", "sk": "SWEEP", "next": shop.arn}));
    for function in ["pitcrew-rollback", "pitcrew-notify"] {
        let outcome = scene.stage.cloud.invoke(function, json!({"who": "are you"})).await.unwrap();
        assert!(outcome.result.is_ok());
    }
    scene.minutes(10).await;
    let down = json!({"kind": "error", "code": "InternalServerError", "status": 500});
    scene.fault(json!({"on": "dynamodb:*", "by": "pitcrew-*", "times": 1_000_000, "do": down}));
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
