//! Least privilege, by use: over a run that does everything, each grant of the template is used, and no call is denied.

use pitcrew_cloud::gateway::lock;
use pitcrew_cloud::outside::Behaviour;
use pitcrew_e2e::names::{OTHER_ACCOUNT, ZONE};
use pitcrew_e2e::scene::{CERTIFICATES, DOMAINS};
use pitcrew_e2e::{Scene, Shop, table};
use serde_json::{Value, json};

/// Grants that this run does not use, by statement and action, each with its reason. A used one must leave the list.
const UNUSED: &[(&str, &str, &str)] =
    &[("KeepUndelivered", "sqs:SendMessage", "the Scheduler could hand everything over: nothing was undelivered")];
/// The role of the other account, which lets both functions into its zones.
const ZONE_ROLE: &str = "arn:aws:iam::210987654321:role/pitcrew-zones-eu-west-1";
const EXTERNAL_ID: &str = "harbour-external-id";
const BALANCER: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/shop/1";

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
    table::put(scene, &json!({"pk": "DOOR#eu-west-1", "sk": "SWEEP", "next": shop.arn}));
    for function in ["pitcrew-rollback", "pitcrew-notify", DOMAINS, CERTIFICATES] {
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

/// Takes the proofs of a domain out of its zone, and lets one function find that first.
async fn put_back_by(scene: &Scene, function: &str, zone: &str) {
    let standing = scene.records(zone);
    let is_proof = |record: &Value| record["Type"] == "CNAME" && record["Name"].as_str().unwrap().starts_with('_');
    let proofs: Vec<Value> = standing.iter().filter(|record| is_proof(record)).cloned().collect();
    assert!(!proofs.is_empty());
    scene.write(zone, "DELETE", &proofs);
    sweep(scene, function).await;
    assert_eq!(scene.records(zone), standing, "{function} put it back");
    scene.minutes(2).await;
}

async fn sweep(scene: &Scene, function: &str) {
    let sweep = json!({"source": "pitcrew", "detail-type": "Sweep"});
    assert!(scene.stage.cloud.invoke(function, sweep).await.unwrap().result.is_ok(), "{function}");
}

/// Every kind of work about custom domains and certificates, each by both functions where both may do it.
async fn all_about_domains(scene: &Scene) {
    let shop = scene.running("cafe-api").await;
    let ours = scene.zone(ZONE, &[]);
    let theirs = scene.zone_of(OTHER_ACCOUNT, "harbour-tea.net", true);
    let domains = ["api.harbour-coffee.net", "api.harbour-tea.net"];
    for domain in domains {
        scene.associate(&shop, domain, false);
        scene.until_finished(&shop, domain).await;
    }
    put_back_by(scene, CERTIFICATES, &ours).await;
    put_back_by(scene, CERTIFICATES, &theirs).await;
    // The account's own certificates: one that ACM renews, and one that somebody exported.
    let request =
        |input: Value| scene.call("acm", "RequestCertificate", input)["CertificateArn"].as_str().unwrap().to_owned();
    let used = scene.request_certificate("cdn.harbour-coffee.net");
    scene.prove(&used, &ours);
    let authority = "arn:aws:acm-pca:eu-west-1:123456789012:certificate-authority/11111111-2222-3333-4444-555555555555";
    let exported = request(json!({"DomainName": "db.harbour.internal", "CertificateAuthorityArn": authority}));
    scene.minutes(70).await;
    scene.internal("acm", "_InUse", json!({"CertificateArn": used, "By": BALANCER, "InUse": true}));
    scene.internal("acm", "_Export", json!({"CertificateArn": exported}));
    scene.internal("acm", "_AgeCertificate", json!({"CertificateArn": exported, "Days": 394}));
    sweep(scene, CERTIFICATES).await;
    // Linked again; then unlinked while no event arrives, so that the other function sees it first.
    scene.tag(&shop, "pitcrew:relink", "true");
    scene.internal("acm", "_Expire", json!({"DomainName": domains[0]}));
    scene.until(180, "it is linked again", |scene| scene.took_effect("AssociateCustomDomain") == 1).await;
    scene.until_finished(&shop, domains[0]).await;
    scene.lose_events();
    for (domain, function) in [(domains[0], CERTIFICATES), (domains[1], DOMAINS)] {
        scene.disassociate(&shop, domain);
        scene.until(5, "it is gone", |scene| scene.status_of(&shop, domain).is_empty()).await;
        sweep(scene, function).await;
        scene.seconds(61).await;
        sweep(scene, function).await;
        scene.until(30, "it is forgotten", |scene| scene.remembered(domain).is_null()).await;
    }
    scene.no_more_faults();
}

#[tokio::test]
async fn every_grant_is_used_and_no_call_is_denied() {
    let scene = Scene::set_with(|setting| {
        let chosen = [("RemoveRecords", "true"), ("ZoneRoleArns", ZONE_ROLE), ("ZoneExternalId", EXTERNAL_ID)];
        setting.parameters.extend(chosen.map(|(name, value)| (name.to_owned(), value.to_owned())));
    })
    .await;
    scene.open_zones(ZONE_ROLE, EXTERNAL_ID, &["CREATE", "DELETE"]);
    all_about_domains(&scene).await;
    everything(&scene).await;
    let (denied, unused) = {
        let world = lock(scene.stage.cloud.world());
        (world.policies.denied().to_vec(), world.policies.unused_grants())
    };
    assert!(denied.is_empty(), "{denied:#?}");
    let known = |statement: &str, action: &str| UNUSED.iter().any(|(s, a, _)| *s == statement && *a == action);
    // The roles of the other account are no part of the template.
    let unused: Vec<_> = unused.into_iter().filter(|grant| !grant.role.contains(OTHER_ACCOUNT)).collect();
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
