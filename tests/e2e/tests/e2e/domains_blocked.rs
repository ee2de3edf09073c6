//! What stands in a domain's way: nothing wrong is ever written, the notice says what to do, and once it is mended the domain
//! finishes by itself.

use pitcrew_e2e::names::{OTHER_ACCOUNT, ZONE, commands, record};
use pitcrew_e2e::{Scene, Shop};
use serde_json::{Value, json};

const API: &str = "api.harbour-coffee.net";
const CHANGE: &str = "ChangeResourceRecordSets";
/// The role that lets pitcrew into the other account's zones, and the word that it asks for.
const ZONE_ROLE: &str = "arn:aws:iam::210987654321:role/pitcrew-zones-eu-west-1";
const EXTERNAL_ID: &str = "harbour-external-id";

async fn linked(scene: &Scene, domain: &str) -> Shop {
    let shop = scene.running("shop-api").await;
    scene.associate(&shop, domain, false);
    shop
}

/// The notice's words, all of them.
fn words(notice: &Value) -> String {
    [&notice["headline"], &notice["happened"], &notice["done"], &notice["todo"]].map(Value::to_string).concat()
}

#[tokio::test]
async fn without_a_zone_the_records_are_told_and_once_there_is_one_it_goes_on() {
    let scene = Scene::set().await;
    let shop = linked(&scene, API).await;
    scene.until_said(10, "no hosted zone of ours holds the name").await;
    scene.minutes(15).await;
    let notice = scene.notice_saying("no hosted zone of ours holds the name");
    for proof in scene.linked(&shop, API)["CertificateValidationRecords"].as_array().unwrap() {
        let value = proof["Value"].as_str().unwrap().trim_end_matches('.');
        assert!(words(&notice).contains(value), "each record that is to be made is told: {notice:#}");
    }
    assert_eq!(scene.batches_sent(), 0);
    let zone = scene.zone(ZONE, &[]);
    scene.until_finished(&shop, API).await;
    assert_eq!(scene.said("nothing stands in its way any more"), 1, "{:?}", scene.headlines());
    scene.check_visited(API, &shop).await;
    assert_eq!(scene.records(&zone).iter().filter(|record| record["Type"] == "CNAME").count(), 2);
    scene.check_calm();
    scene.strike().await;
}

#[tokio::test]
async fn of_two_zones_of_one_name_the_one_that_the_dns_asks_is_written() {
    for live_first in [true, false] {
        let scene = Scene::set().await;
        let (first, second) = (scene.zone_of("", ZONE, live_first), scene.zone_of("", ZONE, !live_first));
        let (live, dead) = if live_first { (first, second) } else { (second, first) };
        let before = scene.records(&dead);
        let shop = linked(&scene, API).await;
        scene.until_finished(&shop, API).await;
        assert_eq!(scene.records(&dead), before, "the dead zone is as it was");
        assert_eq!(scene.records(&live).len(), before.len() + 3);
        scene.check_visited(API, &shop).await;
        scene.check_calm();
        scene.strike().await;
    }
}

#[tokio::test]
async fn two_zones_that_nobody_asks_are_left_alone_until_the_delegation_names_one() {
    let scene = Scene::set().await;
    let zones = [scene.zone_of("", ZONE, false), scene.zone_of("", ZONE, false)];
    let before = zones.clone().map(|zone| scene.records(&zone));
    let shop = linked(&scene, API).await;
    scene.until_said(10, "several hosted zones could hold the name").await;
    scene.minutes(10).await;
    let notice = scene.notice_saying("several hosted zones could hold the name");
    assert!(zones.iter().all(|zone| words(&notice).contains(zone.as_str())), "{notice:#}");
    assert_eq!((scene.batches_sent(), zones.clone().map(|zone| scene.records(&zone))), (0, before.clone()));
    scene.internal("route53", "_Delegate", json!({"Name": ZONE, "HostedZoneId": zones[1]}));
    scene.until_finished(&shop, API).await;
    assert_eq!(scene.records(&zones[0]), before[0]);
    scene.check_calm();
    scene.strike().await;
}

#[tokio::test]
async fn a_name_that_the_zone_delegates_away_is_not_written_there() {
    let scene = Scene::set().await;
    let away = json!({"Name": API, "Type": "NS", "TTL": 300,
        "ResourceRecords": [{"Value": "ns1.elsewhere-dns.net."}, {"Value": "ns2.elsewhere-dns.net."}]});
    let zone = scene.zone(ZONE, std::slice::from_ref(&away));
    let before = scene.records(&zone);
    let shop = linked(&scene, API).await;
    scene.until_said(10, "a part of the zone is delegated to other servers").await;
    scene.minutes(10).await;
    let notice = scene.notice_saying("a part of the zone is delegated to other servers");
    assert!(words(&notice).contains("ns1.elsewhere-dns.net"), "{notice:#}");
    // Only what belongs to the part that is delegated is kept out of the zone: the proofs below it and its target.
    let added = scene.added(&zone, &before);
    let below = |record: &Value| record["Name"].as_str().is_some_and(|name| name.contains(API));
    assert!(!added.iter().any(below), "{added:#?}");
    scene.write(&zone, "DELETE", &[away]);
    scene.until_finished(&shop, API).await;
    scene.check_visited(API, &shop).await;
    scene.check_calm();
    scene.strike().await;
}

#[tokio::test]
async fn a_zone_of_another_account_is_written_through_its_role_and_not_before() {
    let scene = Scene::set_with(|setting| {
        setting.parameters.insert("ZoneRoleArns".to_owned(), ZONE_ROLE.to_owned());
        setting.parameters.insert("ZoneExternalId".to_owned(), EXTERNAL_ID.to_owned());
    })
    .await;
    let zone = scene.zone_of(OTHER_ACCOUNT, ZONE, true);
    let before = scene.records(&zone);
    let shop = linked(&scene, API).await;
    // The role does not let anybody in yet: where the zone may hide there, nothing is known and nothing is written.
    scene.minutes(20).await;
    assert_eq!((scene.batches_sent(), scene.records(&zone)), (0, before.clone()));
    scene.open_zones(ZONE_ROLE, EXTERNAL_ID, &["CREATE"]);
    scene.until_finished(&shop, API).await;
    assert_eq!(scene.added(&zone, &before).len(), 3);
    scene.check_visited(API, &shop).await;
    scene.strike().await;
}

#[tokio::test]
async fn a_zone_of_another_account_without_a_role_is_nobodys_to_write_and_by_hand_it_finishes_too() {
    let scene = Scene::set().await;
    let zone = scene.zone_of(OTHER_ACCOUNT, ZONE, true);
    let before = scene.records(&zone);
    let shop = linked(&scene, API).await;
    scene.until_said(10, "no hosted zone of ours holds the name").await;
    assert_eq!((scene.batches_sent(), scene.records(&zone)), (0, before));
    // Its owner makes the records by hand, as the notice says.
    let domain = scene.linked(&shop, API);
    let proofs = domain["CertificateValidationRecords"].as_array().unwrap().iter();
    let mut by_hand: Vec<Value> = proofs
        .map(|proof| record(proof["Name"].as_str().unwrap(), "CNAME", proof["Value"].as_str().unwrap()))
        .collect();
    let target = scene.internal("apprunner", "DescribeCustomDomains", json!({"ServiceArn": shop.arn}));
    by_hand.push(record(API, "CNAME", target["DNSTarget"].as_str().unwrap()));
    scene.write(&zone, "CREATE", &by_hand);
    scene.until_finished(&shop, API).await;
    scene.check_visited(API, &shop).await;
    assert_eq!(scene.batches_sent(), 0);
    scene.check_calm();
    scene.strike().await;
}

/// A record of each type at the target's name: what it is, and whether the alias can stand beside it.
fn of_every_type() -> Vec<(Value, bool)> {
    let weighted = json!({"Name": API, "Type": "A", "TTL": 60, "SetIdentifier": "blue", "Weight": 10,
        "ResourceRecords": [{"Value": "192.0.2.7"}]});
    vec![
        (record(API, "A", "192.0.2.7"), false),
        (weighted, false),
        (record(API, "CNAME", "old.harbour-post.net."), false),
        (record(API, "AAAA", "2001:db8::7"), true),
        (record(API, "MX", "10 mail.harbour-post.net."), true),
        (record(API, "TXT", "\"hello\""), true),
        (record(API, "CAA", "0 issue \"amazon.com\""), true),
        (record(API, "SRV", "1 1 443 x.harbour-post.net."), true),
    ]
}

#[tokio::test]
async fn a_record_at_the_targets_name_is_never_touched_and_blocks_only_where_it_must() {
    for (standing, beside) in of_every_type() {
        let scene = Scene::set().await;
        let zone = scene.zone(ZONE, std::slice::from_ref(&standing));
        let before = scene.records(&zone);
        let shop = linked(&scene, API).await;
        let kind = standing["Type"].as_str().unwrap();
        if beside {
            scene.until_finished(&shop, API).await;
            assert_eq!(scene.added(&zone, &before).len(), 3, "beside {kind}");
            assert_eq!(scene.headlines().len(), 1, "beside {kind}: {:?}", scene.headlines());
        } else {
            scene.until_said(10, "somebody else's record stands in the way").await;
            scene.until(30, "its certificate is issued", |scene| scene.status_of(&shop, API) == "active").await;
            scene.minutes(15).await;
            let notice = scene.notice_saying("somebody else's record stands in the way");
            let value = standing["ResourceRecords"][0]["Value"].as_str().unwrap().trim_end_matches('.');
            assert!(words(&notice).contains(value), "what stands there is shown: {notice:#}");
            assert!(words(&notice).contains("awsapprunner.com"), "and what is wanted: {notice:#}");
            // A routing policy is no single record: nobody is offered a command that would take the others with it.
            let offered = commands(&notice).iter().any(|command| command.contains("change-resource-record-sets"));
            assert_eq!(offered, standing["SetIdentifier"].is_null(), "{kind}: {notice:#}");
            assert_eq!(scene.added(&zone, &before).len(), 2, "only the proofs beside {kind}");
            scene.write(&zone, "DELETE", std::slice::from_ref(&standing));
            scene.until_finished(&shop, API).await;
        }
        scene.check_visited(API, &shop).await;
        scene.check_calm();
        scene.strike().await;
    }
}

#[tokio::test]
async fn the_one_command_of_a_conflict_settles_it() {
    let scene = Scene::set().await;
    let standing = record(API, "A", "192.0.2.7");
    let zone = scene.zone(ZONE, std::slice::from_ref(&standing));
    let shop = linked(&scene, API).await;
    scene.until_said(10, "somebody else's record stands in the way").await;
    let command = commands(&scene.notice_saying("somebody else's record stands in the way")).remove(0);
    // aws route53 change-resource-record-sets --hosted-zone-id ZONE --change-batch '{...}'
    let (head, batch) = command.split_once(" --change-batch ").unwrap();
    assert_eq!(head, format!("aws route53 change-resource-record-sets --hosted-zone-id {zone}"));
    let batch: Value = serde_json::from_str(batch.trim_matches('\'')).unwrap();
    scene.call("route53", CHANGE, json!({"HostedZoneId": zone, "ChangeBatch": batch}));
    scene.until_finished(&shop, API).await;
    scene.check_visited(API, &shop).await;
    scene.check_calm();
    scene.strike().await;
}

#[tokio::test]
async fn while_caa_forbids_amazon_nothing_is_written_at_all() {
    let scene = Scene::set().await;
    let forbids = record(ZONE, "CAA", "0 issue \"letsencrypt.org\"");
    let zone = scene.zone(ZONE, std::slice::from_ref(&forbids));
    let before = scene.records(&zone);
    let shop = linked(&scene, API).await;
    scene.until_said(10, "CAA forbids Amazon to issue its certificate").await;
    scene.minutes(20).await;
    assert_eq!((scene.batches_sent(), scene.records(&zone)), (0, before));
    let notice = scene.notice_saying("CAA forbids Amazon to issue its certificate");
    assert!(words(&notice).contains("letsencrypt.org") && words(&notice).contains("amazon.com"), "{notice:#}");
    scene.write(&zone, "UPSERT", &[record(ZONE, "CAA", "0 issue \"amazon.com\"")]);
    scene.until_finished(&shop, API).await;
    scene.check_visited(API, &shop).await;
    scene.check_calm();
    scene.strike().await;
}

/// Until the domain is seen once and again the resolver is as it is; then it is well, and the domain finishes.
async fn with_a_resolver_that_is(mood: &str) {
    let scene = Scene::set().await;
    let zone = scene.zone(ZONE, &[]);
    let before = scene.records(&zone);
    let shop = scene.running("shop-api").await;
    scene.resolver(mood);
    scene.associate(&shop, API, false);
    scene.minutes(7).await;
    assert!(scene.remembered(API).is_object(), "{mood}: it was looked at");
    assert_eq!((scene.batches_sent(), scene.records(&zone)), (0, before.clone()), "{mood}");
    scene.resolver("up");
    scene.until_finished(&shop, API).await;
    assert_eq!(scene.added(&zone, &before).len(), 3, "{mood}");
    scene.check_visited(API, &shop).await;
    scene.check_calm();
    scene.strike().await;
}

#[tokio::test]
async fn while_the_resolver_is_down_nothing_is_written() {
    with_a_resolver_that_is("down").await;
}

#[tokio::test]
async fn while_the_resolver_fails_nothing_is_written() {
    with_a_resolver_that_is("failing").await;
}

#[tokio::test]
async fn while_the_resolver_denies_everything_nothing_is_written() {
    with_a_resolver_that_is("denying").await;
}

#[tokio::test]
async fn while_the_resolver_lies_nothing_is_written() {
    with_a_resolver_that_is("lying").await;
}

#[tokio::test]
async fn a_zone_that_is_throttled_or_busy_is_written_a_little_later_and_once() {
    let busy = json!({"kind": "error", "code": "PriorRequestNotComplete", "status": 400,
        "message": "The request was rejected because Route 53 was still processing a prior request."});
    for (times, act) in [(3, json!({"kind": "throttle"})), (12, json!({"kind": "throttle"})), (3, busy)] {
        let scene = Scene::set().await;
        let zone = scene.zone(ZONE, &[]);
        let before = scene.records(&zone);
        scene.fault(json!({"on": "route53:ChangeResourceRecordSets", "by": "pitcrew-*", "times": times, "do": act}));
        let shop = linked(&scene, API).await;
        scene.until_finished(&shop, API).await;
        assert_eq!(scene.added(&zone, &before).len(), 3, "{act}");
        assert_eq!(scene.took_effect(CHANGE), 1, "{act}\n{}", scene.story());
        assert_eq!(scene.said("refused a call"), 0, "what passes by itself is not told: {:?}", scene.headlines());
        scene.check_clean();
        scene.strike().await;
    }
}

#[tokio::test]
async fn a_throttled_reading_of_route_53_delays_and_loses_nothing() {
    let scene = Scene::set().await;
    let zone = scene.zone(ZONE, &[]);
    let before = scene.records(&zone);
    scene.fault(json!({"on": "route53:*", "by": "pitcrew-*", "times": 20, "do": {"kind": "throttle"}}));
    let shop = linked(&scene, API).await;
    scene.until_finished(&shop, API).await;
    assert_eq!((scene.added(&zone, &before).len(), scene.took_effect(CHANGE)), (3, 1));
    scene.strike().await;
}

#[tokio::test]
async fn a_zone_of_seven_hundred_records_is_written_where_it_must_be() {
    let scene = Scene::set().await;
    let many: Vec<Value> =
        (0..700).map(|n| record(&format!("host-{n:03}.harbour-coffee.net"), "A", "192.0.2.9")).collect();
    let zone = scene.zone(ZONE, &many);
    let before = scene.records(&zone);
    assert!(before.len() > 700);
    let shop = linked(&scene, "zz.harbour-coffee.net").await;
    scene.until_finished(&shop, "zz.harbour-coffee.net").await;
    assert_eq!(scene.added(&zone, &before).len(), 3);
    scene.check_visited("zz.harbour-coffee.net", &shop).await;
    // In the way at the very end of the listing, too.
    scene.write(&zone, "CREATE", &[record("zy.harbour-coffee.net", "A", "192.0.2.9")]);
    scene.associate(&shop, "zy.harbour-coffee.net", false);
    scene.until_said(10, "somebody else's record stands in the way").await;
    scene.check_calm();
    scene.strike().await;
}

#[tokio::test]
async fn an_idn_and_a_label_of_63_octets_are_domains_like_any_other() {
    for label in ["xn--caf-dma".to_owned(), "a".repeat(63)] {
        let domain = format!("{label}.{ZONE}");
        let scene = Scene::set().await;
        let zone = scene.zone(ZONE, &[]);
        let before = scene.records(&zone);
        let shop = linked(&scene, &domain).await;
        scene.until_finished(&shop, &domain).await;
        assert_eq!(scene.added(&zone, &before).len(), 3, "{domain}");
        scene.check_visited(&domain, &shop).await;
        scene.check_calm();
        scene.strike().await;
    }
}

#[tokio::test]
async fn a_wildcard_and_a_specific_name_share_a_proof_which_stays_while_one_of_them_does() {
    let scene = Scene::set_with_removal().await;
    let zone = scene.zone(ZONE, &[]);
    let before = scene.records(&zone);
    let shop = scene.running("shop-api").await;
    scene.associate(&shop, ZONE, false);
    scene.until_finished(&shop, ZONE).await;
    scene.associate(&shop, "*.harbour-coffee.net", false);
    scene.until_finished(&shop, "*.harbour-coffee.net").await;
    let proofs = |scene: &Scene, domain: &str| -> Vec<Value> {
        scene.linked(&shop, domain)["CertificateValidationRecords"].as_array().unwrap().clone()
    };
    let name = |proof: &Value| proof["Name"].as_str().unwrap().to_owned();
    let of_apex: Vec<String> = proofs(&scene, ZONE).iter().map(name).collect();
    let of_wildcard: Vec<String> = proofs(&scene, "*.harbour-coffee.net").iter().map(name).collect();
    assert!(of_apex.iter().any(|name| of_wildcard.contains(name)), "they share one: {of_apex:?} {of_wildcard:?}");
    scene.disassociate(&shop, ZONE);
    scene.minutes(20).await;
    let dot = |name: &String| format!("{}.", name.trim_end_matches('.'));
    let standing: Vec<String> = scene.added(&zone, &before).iter().map(name).collect();
    for proof in &of_wildcard {
        assert!(standing.contains(&dot(proof)), "{proof} is the wildcard's too: {standing:?}\n{}", scene.story());
    }
    assert!(!standing.contains(&dot(&ZONE.to_owned())), "the apex's target is gone: {standing:?}");
    scene.check_visited("any.harbour-coffee.net", &shop).await;
    // With the last of them the proof goes as well.
    scene.disassociate(&shop, "*.harbour-coffee.net");
    scene.minutes(30).await;
    assert_eq!(scene.added(&zone, &before), Vec::<Value>::new(), "{}", scene.story());
    scene.check_calm();
    scene.strike().await;
}
