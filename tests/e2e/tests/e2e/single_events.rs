//! One kind of event alone: no sweep runs, no other event arrives, and the work is done all the same.

use pitcrew_cloud::gateway::lock;
use pitcrew_e2e::names::ZONE;
use pitcrew_e2e::record::Ran;
use pitcrew_e2e::scene::{CERTIFICATES, DOMAINS};
use pitcrew_e2e::{Scene, table};
use serde_json::{Value, json};

const CALL: &str = "AWS API Call via CloudTrail";
const VALIDATION: &str = "AppRunner Custom Domain Validation Status Update";
const ACM: [&str; 6] = [
    "ACM Certificate Approaching Expiration",
    "ACM Certificate Available",
    "ACM Certificate Expired",
    "ACM Certificate Renewal Action Required",
    "ACM Certificate Revoked",
    "ACM Certificate Revoked by Certificate Authority (CA)",
];
const BALANCER: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/shop/1";
const AUTHORITY: &str =
    "arn:aws:acm-pca:eu-west-1:123456789012:certificate-authority/11111111-2222-3333-4444-555555555555";

/// Every sweep, on or off.
fn sweeps(scene: &Scene, on: bool) {
    let mut world = lock(scene.stage.cloud.world());
    let now = world.now;
    for function in ["rollback", "notify", "domains", "certificates"] {
        assert!(world.bus.set_enabled(&format!("pitcrew-{function}-sweep"), on, now), "{function} has a sweep");
    }
}

/// From now on nothing wakes the functions but this event and what follows it through their queues.
fn only(scene: &Scene, kind: &str) {
    scene.no_more_faults();
    sweeps(scene, false);
    for other in ACM.iter().chain(&[CALL, VALIDATION]).filter(|other| **other != kind) {
        scene.fault(json!({"event": other, "times": 1_000_000, "do": {"kind": "drop"}}));
    }
}

/// Everything wakes them again.
fn everything(scene: &Scene) {
    scene.no_more_faults();
    sweeps(scene, true);
}

/// The function ran since the mark, and for no other reason than this event.
fn check_woken_by(scene: &Scene, function: &str, mark: u64, kind: &str) {
    let ran: Vec<Ran> = scene.ran(function, mark);
    let by_queue = |payload: &Value| payload["Records"][0]["eventSource"] == "aws:sqs";
    let kinds: Vec<&Value> =
        ran.iter().map(|one| &one.entry.what["payload"]).filter(|p| !by_queue(p)).map(|p| &p["detail-type"]).collect();
    assert!(!kinds.is_empty() && kinds.iter().all(|woken| *woken == kind), "{kind}: {kinds:?}");
}

#[tokio::test]
async fn the_event_of_the_custom_domain_alone_makes_it_active() {
    let scene = Scene::set().await;
    let zone = scene.zone(ZONE, &[]);
    let shop = scene.running("shop-api").await;
    let before = scene.records(&zone);
    only(&scene, VALIDATION);
    let mark = scene.mark();
    scene.associate(&shop, ZONE, true);
    scene.until(30, "its records stand", |scene| scene.added(&zone, &before).len() == 5).await;
    check_woken_by(&scene, DOMAINS, mark, VALIDATION);
    scene.until(30, "it is active", |scene| scene.status_of(&shop, ZONE) == "active").await;
    check_woken_by(&scene, DOMAINS, mark, VALIDATION);
    scene.check_visited(ZONE, &shop).await;
    scene.strike().await;
}

/// What is remembered of a certificate.
fn remembered(scene: &Scene, arn: &str) -> Value {
    let rows = table::rows(scene, &format!("CERT#{arn}"));
    rows.into_iter().find(|row| row["sk"] == "CERTIFICATE").unwrap_or_default()
}

/// Lets time pass until these words were said, and by nothing but this event.
async fn said_by(scene: &Scene, kind: &str, mark: u64, hours: u64, words: &str) {
    scene
        .until(60 * hours, &format!("`{words}` is remembered"), |scene| !scene.ran(CERTIFICATES, mark).is_empty())
        .await;
    check_woken_by(scene, CERTIFICATES, mark, kind);
    // What tells is the sweep of another function, or its stream.
    scene.until_said(30, words).await;
    check_woken_by(scene, CERTIFICATES, mark, kind);
}

#[tokio::test]
async fn each_event_of_acm_alone_does_its_work() {
    let scene = Scene::set().await;
    let zone = scene.zone(ZONE, &[]);

    only(&scene, ACM[1]);
    let mark = scene.mark();
    let arn = scene.request_certificate("cdn.harbour-coffee.net");
    let proofs = scene.prove(&arn, &zone);
    scene.until(120, "it is issued", |scene| scene.certificate(&arn)["Status"] == "ISSUED").await;
    scene.until(5, "its end is remembered", |scene| remembered(scene, &arn)["not_after"].is_string()).await;
    check_woken_by(&scene, CERTIFICATES, mark, ACM[1]);

    // Used, and about to be renewed; its proof is taken away. On the thirtieth day ACM asks for it.
    scene.internal("acm", "_InUse", json!({"CertificateArn": arn, "By": BALANCER, "InUse": true}));
    only(&scene, ACM[3]);
    let mark = scene.mark();
    scene.write(&zone, "DELETE", &proofs);
    // Until no server of the DNS shows it any more: else ACM finds it and renews at once.
    scene.minutes(5).await;
    scene.internal("acm", "_AgeCertificate", json!({"CertificateArn": arn, "Days": 198 - 31}));
    let standing = scene.records(&zone);
    scene.until(60 * 48, "the proof stands again", |scene| scene.added(&zone, &standing) == proofs).await;
    check_woken_by(&scene, CERTIFICATES, mark, ACM[3]);

    for (kind, by_authority, name) in [(ACM[4], false, "a.harbour.internal"), (ACM[5], true, "b.harbour.internal")] {
        let arn = private(&scene, name).await;
        only(&scene, kind);
        let mark = scene.mark();
        scene.internal("acm", "_Revoke", json!({"CertificateArn": arn, "ByAuthority": by_authority}));
        said_by(&scene, kind, mark, 1, &format!("{name}: its certificate was revoked")).await;
    }

    let arn = private(&scene, "c.harbour.internal").await;
    only(&scene, ACM[2]);
    let mark = scene.mark();
    scene.internal("acm", "_Expire", json!({"CertificateArn": arn}));
    said_by(&scene, ACM[2], mark, 1, "c.harbour.internal: its certificate has expired").await;

    only(&scene, ACM[0]);
    let mark = scene.mark();
    scene.internal("acm", "_Import", json!({"DomainName": "old.harbour-coffee.net", "Days": 20}));
    said_by(&scene, ACM[0], mark, 26, "old.harbour-coffee.net: its imported certificate ends in").await;
    scene.strike().await;
}

/// A certificate of the account's own authority, which the sweep has seen.
async fn private(scene: &Scene, name: &str) -> String {
    everything(scene);
    let input = json!({"DomainName": name, "CertificateAuthorityArn": AUTHORITY});
    let made = scene.call("acm", "RequestCertificate", input);
    let arn = made["CertificateArn"].as_str().unwrap().to_owned();
    scene.until(30, "it is issued and seen", |scene| remembered(scene, &arn)["not_after"].is_string()).await;
    arn
}
