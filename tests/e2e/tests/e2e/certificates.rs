//! Certificates: App Runner's, seen by their handshakes, and the account's own of ACM.

use pitcrew_cloud::outside::Behaviour;
use pitcrew_e2e::names::{ZONE, commands, record};
use pitcrew_e2e::scene::CERTIFICATES;
use pitcrew_e2e::{Scene, Shop, table};
use serde_json::{Value, json};

const API: &str = "api.harbour-coffee.net";
const LINK: &str = "AssociateCustomDomain";
const UNLINK: &str = "DisassociateCustomDomain";
/// Days after which a certificate of 198 days is about to be renewed: that begins 45 days before its end.
const NEAR_RENEWAL_DAYS: i64 = 152;

/// A domain that is active and whose certificate has been seen.
async fn active(scene: &Scene) -> (Shop, String) {
    let zone = scene.zone(ZONE, &[]);
    let shop = scene.running("shop-api").await;
    scene.associate(&shop, API, false);
    scene.until_finished(&shop, API).await;
    scene.until(65, "its certificate is seen", |scene| scene.remembered(API)["certificate"].is_object()).await;
    (shop, zone)
}

fn is_proof(record: &Value) -> bool {
    record["Type"] == "CNAME" && record["Name"].as_str().is_some_and(|name| name.starts_with('_'))
}

#[tokio::test]
async fn a_deleted_proof_is_put_back_and_the_renewal_is_seen() {
    let scene = Scene::set().await;
    let (shop, zone) = active(&scene).await;
    let standing = scene.records(&zone);
    let proofs: Vec<Value> = standing.iter().filter(|record| is_proof(record)).cloned().collect();
    assert_eq!(proofs.len(), 2);
    let first = scene.visit(API).await.unwrap();
    scene.write(&zone, "DELETE", &proofs);
    scene.until(10, "the proofs stand again", |scene| scene.records(&zone) == standing).await;
    scene.minutes(2).await;
    assert_eq!(scene.said("a record was missing and was put back"), 1, "{:?}", scene.headlines());
    scene.internal("acm", "_AgeCertificate", json!({"DomainName": API, "Days": NEAR_RENEWAL_DAYS}));
    for waited in 0.. {
        if scene.said("its certificate was renewed") == 1 {
            break;
        }
        assert!(waited < 36 * 4, "36 h and no renewal was seen: {:?}\n{}", scene.headlines(), scene.story());
        scene.minutes(15).await;
    }
    let second = scene.visit(API).await.unwrap();
    assert_ne!(first.certificate, second.certificate, "another certificate is served");
    scene.check_visited(API, &shop).await;
    assert_eq!(scene.attempts(LINK).len() + scene.attempts(UNLINK).len(), 0);
    scene.check_calm();
    scene.strike().await;
}

#[tokio::test]
async fn an_expired_certificate_is_told_and_linking_again_is_proposed_where_no_tag_allows_it() {
    let scene = Scene::set_with_removal().await;
    let (shop, zone) = active(&scene).await;
    let standing = scene.records(&zone);
    scene.internal("acm", "_Expire", json!({"DomainName": API}));
    scene.until(75, "it is proposed", |scene| scene.told_of("proposal") == 1).await;
    scene.minutes(120).await;
    assert_eq!(scene.told_of("proposal"), 1, "{:?}", scene.headlines());
    assert_eq!(commands(&scene.notice("proposal")), [format!("pitcrew domains relink shop-api {API}")]);
    assert_eq!(scene.attempts(LINK).len() + scene.attempts(UNLINK).len(), 0);
    assert_eq!((scene.status_of(&shop, API).as_str(), scene.records(&zone)), ("active", standing));
    assert!(scene.headlines().iter().any(|headline| headline.contains("expired")), "{:?}", scene.headlines());
    scene.check_calm();
    scene.strike().await;
}

#[tokio::test]
async fn a_handshake_that_does_not_come_about_is_a_metric_and_after_a_day_a_notice() {
    let scene = Scene::set().await;
    let (_, zone) = active(&scene).await;
    assert_eq!(scene.counted(CERTIFICATES, "ProbeFailed"), 0);
    // Everything stands in Route 53; the resolver says nothing, so nobody can be shaken hands with.
    let standing = scene.records(&zone);
    scene.resolver("failing");
    scene.until(65, "a failed handshake is counted", |scene| scene.counted(CERTIFICATES, "ProbeFailed") > 0).await;
    assert_eq!(scene.said("its certificate cannot be seen"), 0, "one handshake is no news: {:?}", scene.headlines());
    scene.minutes(26 * 60).await;
    assert_eq!(scene.said("its certificate cannot be seen"), 1, "{:?}", scene.headlines());
    assert_eq!(scene.records(&zone), standing);
    scene.resolver("up");
    scene.minutes(120).await;
    assert_eq!(scene.said("its certificate cannot be seen"), 1, "{:?}", scene.headlines());
    scene.strike().await;
}

/// A private service that is reached through a VPC ingress connection.
async fn private(scene: &Scene) -> Shop {
    let good = scene.push("shop-api", "latest", Behaviour::default());
    let input = json!({
        "ServiceName": "shop-api", "SourceConfiguration": scene.source("shop-api", ":latest", false),
        "NetworkConfiguration": {"IngressConfiguration": {"IsPubliclyAccessible": false}},
    });
    let made = scene.call("apprunner", "CreateService", input);
    let text = |member: &str| made["Service"][member].as_str().unwrap().to_owned();
    let shop = Shop { name: "shop-api".to_owned(), arn: text("ServiceArn"), id: text("ServiceId"), good };
    scene.until(30, "it runs", |scene| scene.described(&shop)["Status"] == "RUNNING").await;
    let ingress = json!({"ServiceArn": shop.arn, "VpcIngressConnectionName": "shop-in",
        "IngressVpcConfiguration": {"VpcId": "vpc-0123456789abcdef0", "VpcEndpointId": "vpce-0123456789abcdef0"}});
    scene.call("apprunner", "CreateVpcIngressConnection", ingress);
    scene.minutes(10).await;
    shop
}

#[tokio::test]
async fn a_private_service_gets_its_private_record_and_is_never_shaken_hands_with() {
    let scene = Scene::set().await;
    let public = scene.zone(ZONE, &[]);
    let vpc = json!([{"VPCRegion": "eu-west-1", "VPCId": "vpc-0123456789abcdef0"}]);
    let made = scene.internal("route53", "_CreateZone", json!({"Account": "", "Name": ZONE, "Vpcs": vpc}));
    let inner = made["HostedZoneId"].as_str().unwrap().to_owned();
    let before = [scene.records(&public), scene.records(&inner)];
    let shop = private(&scene).await;
    scene.associate(&shop, API, false);
    scene.until_finished(&shop, API).await;
    scene.minutes(180).await;
    let (outside, inside) = (scene.added(&public, &before[0]), scene.added(&inner, &before[1]));
    assert!(outside.len() == 2 && outside.iter().all(is_proof), "only the proofs are public: {outside:#?}");
    assert_eq!(inside.len(), 1, "{inside:#?}");
    assert_eq!(
        (inside[0]["Type"].as_str(), inside[0]["Name"].as_str()),
        (Some("CNAME"), Some("api.harbour-coffee.net."))
    );
    assert_eq!(scene.remembered(API)["certificate"], Value::Null, "nobody shook hands");
    assert_eq!(scene.counted(CERTIFICATES, "ProbeFailed"), 0);
    scene.check_calm();
    scene.strike().await;
}

#[tokio::test]
async fn a_first_proof_is_told_and_left_to_its_owner_and_a_deleted_one_is_put_back() {
    let scene = Scene::set().await;
    let zone = scene.zone(ZONE, &[record(ZONE, "TXT", "\"v=spf1 -all\"")]);
    let before = scene.records(&zone);
    let arn = scene.request_certificate("cdn.harbour-coffee.net");
    scene.until_said(20, "a certificate was requested and waits for its proof").await;
    scene.minutes(120).await;
    let notice = scene.notice_saying("a certificate was requested and waits for its proof");
    assert!(commands(&notice)[0].starts_with("aws route53 change-resource-record-sets"), "{notice:#}");
    assert_eq!((scene.batches_sent(), scene.records(&zone)), (0, before.clone()), "{}", scene.story());
    assert_eq!(scene.certificate(&arn)["Status"], "PENDING_VALIDATION");
    scene.prove(&arn, &zone);
    scene.until(120, "it is issued", |scene| scene.certificate(&arn)["Status"] == "ISSUED").await;
    let added = scene.added(&zone, &before);
    assert!(added.len() == 1 && is_proof(&added[0]), "{added:#?}");
    let balancer = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/shop/1";
    scene.internal("acm", "_InUse", json!({"CertificateArn": arn, "By": balancer, "InUse": true}));
    scene.minutes(65).await;
    scene.write(&zone, "DELETE", &added);
    scene.until(65, "it stands again", |scene| scene.added(&zone, &before) == added).await;
    scene.minutes(2).await;
    assert_eq!(scene.said("a missing proof of its certificate was put back"), 1, "{:?}", scene.headlines());
    scene.check_calm();
    scene.strike().await;
}

#[tokio::test]
async fn an_imported_certificate_is_told_with_the_command_that_follows_it() {
    let scene = Scene::set().await;
    let zone = scene.zone(ZONE, &[]);
    let before = scene.records(&zone);
    scene.internal("acm", "_Import", json!({"DomainName": "old.harbour-coffee.net", "Days": 20}));
    scene.until(65, "it is told", |scene| scene.said("its imported certificate ends in") == 1).await;
    scene.minutes(180).await;
    let notice = scene.notice_saying("its imported certificate ends in");
    assert!(
        commands(&notice)[0].starts_with("aws acm import-certificate --certificate-arn arn:aws:acm:"),
        "{notice:#}"
    );
    assert_eq!((scene.batches_sent(), scene.records(&zone)), (0, before));
    scene.check_calm();
    scene.strike().await;
}

/// The certificates that the function described, in that order, each at its first time.
fn described(scene: &Scene, skip: usize) -> Vec<String> {
    let mut seen: Vec<String> = Vec::new();
    let asked = scene.attempts("DescribeCertificate").into_iter().skip(skip);
    for arn in asked.filter_map(|entry| Some(entry.what["input"]["CertificateArn"].as_str()?.to_owned())) {
        if !seen.contains(&arn) {
            seen.push(arn);
        }
    }
    seen
}

#[tokio::test]
async fn a_sweep_over_the_certificates_that_is_cut_goes_on_where_it_stopped_and_comes_round() {
    const CERTIFICATES_MADE: usize = 24;
    // So many calls are answered before ACM asks to slow down.
    const ANSWERED: usize = 10;
    // So many run at once.
    const AT_ONCE: usize = 4;
    let scene = Scene::set().await;
    for n in 0..CERTIFICATES_MADE {
        scene.internal("acm", "_Import", json!({"DomainName": format!("c{n}.harbour-coffee.net"), "Days": 300}));
    }
    let row = |scene: &Scene| table::all(scene).into_iter().find(|row| row["sk"] == "SWEEP-ACM");
    let slow = json!({"on": "acm:DescribeCertificate", "by": "pitcrew-*", "skip": ANSWERED, "times": 1_000,
        "do": {"kind": "throttle"}});
    scene.fault(slow);
    scene.until(130, "a sweep is cut", |scene| row(scene).is_some()).await;
    scene.no_more_faults();
    // Wakes of single certificates come within minutes, the next sweep later.
    scene.minutes(5).await;
    let cursor = row(&scene).unwrap()["next"].as_str().unwrap().to_owned();
    let before = scene.attempts("DescribeCertificate").len();
    scene.until(130, "a sweep comes to its end", |scene| row(scene).is_none()).await;
    let looked_at = described(&scene, before);
    let mut way = looked_at.clone();
    way.sort();
    assert_eq!(way.len(), CERTIFICATES_MADE, "it comes round: {looked_at:#?}");
    let from = way.iter().position(|arn| *arn == cursor).expect("the cursor is at a certificate");
    assert!((AT_ONCE..=CERTIFICATES_MADE - 2 * AT_ONCE).contains(&from), "it was cut on its way: {from}");
    way.rotate_left(from);
    // Which of those that run at once is heard first is left to the machine.
    for arn in &looked_at[..AT_ONCE] {
        assert!(way[..2 * AT_ONCE].contains(arn), "it goes on at {cursor}: {looked_at:#?}");
    }
    scene.strike().await;
}
