//! Many hosted zones, Route 53's rate, and routing policies at the domain's own name.

use std::time::{Duration, Instant};

use pitcrew_aws::connect::sdk_config_at;
use pitcrew_aws::dns::{DnsReads, Reading};
use pitcrew_aws::domain_clients::{DomainClients, DomainPlaces};
use pitcrew_aws::route53::{Scope, ZoneSettings};
use pitcrew_cloud::switches::Route53Rate;
use pitcrew_core::dns::facts::DnsFacts;
use pitcrew_core::dns::name::Name;
use pitcrew_core::dns::zone::choose;
use pitcrew_e2e::Scene;
use pitcrew_e2e::names::{ZONE, commands};
use pitcrew_e2e::scene::{CERTIFICATES, DOMAINS};
use serde_json::{Value, json};

const API: &str = "api.harbour-coffee.net";

#[tokio::test]
async fn a_zone_on_the_second_page_of_the_listing_is_found() {
    let scene = Scene::set().await;
    let zones: Vec<String> = (0..120).map(|number| format!("shop-{number:03}.net")).collect();
    zones.iter().for_each(|zone| drop(scene.zone(zone, &[])));
    // Route 53 lists by ids, which say nothing of a name: the last of all is on the second page.
    let first = scene.call("route53", "ListHostedZones", json!({}));
    assert_eq!((first["IsTruncated"].as_bool(), first["HostedZones"].as_array().unwrap().len()), (Some(true), 100));
    let rest = scene.call("route53", "ListHostedZones", json!({"Marker": first["NextMarker"]}));
    let last = rest["HostedZones"].as_array().unwrap().last().unwrap();
    let (id, name) = (last["Id"].as_str().unwrap(), last["Name"].as_str().unwrap().trim_end_matches('.'));
    let id = id.trim_start_matches("/hostedzone/").to_owned();
    let before = scene.records(&id);
    let shop = scene.running("shop-api").await;
    let (domain, mark) = (format!("api.{name}"), scene.mark());
    scene.associate(&shop, &domain, false);
    scene.until_finished(&shop, &domain).await;
    assert_eq!(scene.added(&id, &before).len(), 3);
    scene.minutes(16).await;
    for function in [DOMAINS, CERTIFICATES] {
        let of =
            |one: &pitcrew_e2e::record::Ran| one.calls.iter().filter(|call| *call == "route53:ListHostedZones").count();
        let listings: Vec<usize> = scene.ran(function, mark).iter().map(of).filter(|listed| *listed > 0).collect();
        assert!(!listings.is_empty() && listings.iter().all(|pages| *pages == 2), "{function}: {listings:?}");
    }
    scene.check_calm();
    scene.strike().await;
}

/// The clients of a process of our own, as the functions have them.
pub fn clients(scene: &Scene) -> DomainClients {
    let (endpoint, key) = scene.stage.endpoint();
    let config = sdk_config_at(&endpoint, "eu-west-1", key, "not checked");
    let places = DomainPlaces {
        table: scene.stage.output("TableName").to_owned(),
        region: "eu-west-1".to_owned(),
        zones: ZoneSettings { writable: Scope::parse("*").unwrap(), ..ZoneSettings::default() },
        resolver: Some(scene.stage.dns),
        tls_port: Some(scene.stage.tls.port()),
        ..DomainPlaces::default()
    };
    DomainClients::new(&config, places)
}

/// Chooses the zone of each name, as one invocation would.
async fn choose_all(clients: &DomainClients, names: &[Name], reading: Reading) {
    let reads = DnsReads::new(&clients.route53, &clients.resolver);
    for name in names {
        let mut facts = DnsFacts::default();
        loop {
            match choose(name, std::slice::from_ref(name), &facts) {
                Ok(chosen) => break assert!(chosen.is_ok(), "{name}: {chosen:?}"),
                Err(look) => reads.look(look, None, reading, &mut facts).await.unwrap(),
            }
        }
    }
}

fn asked(scene: &Scene, mark: u64) -> [usize; 3] {
    let entries = scene.since(mark);
    ["ListHostedZones", "GetHostedZone", "ListResourceRecordSets"]
        .map(|operation| entries.iter().filter(|e| e.kind == "call" && e.what["operation"] == operation).count())
}

#[tokio::test]
async fn the_second_sweep_over_a_hundred_zones_asks_each_for_its_records_and_for_nothing_else() {
    let scene = Scene::set().await;
    let name = |number: usize| Name::parse(&format!("api.shop-{number:03}.net")).unwrap();
    let names: Vec<Name> = (0..100).map(name).collect();
    names.iter().for_each(|name| drop(scene.zone(&name.as_str()["api.".len()..], &[])));
    // Until every server of the DNS has heard of the zones.
    scene.minutes(2).await;
    let clients = clients(&scene);
    for expected in [[1, 100, 100], [1, 0, 100]] {
        let mark = scene.mark();
        choose_all(&clients, &names, Reading::Fresh).await;
        assert_eq!(asked(&scene, mark), expected);
    }
    // A sweep keeps its pace: ten at once, then two a second. Twelve waits are six seconds, whatever the machine does.
    let from = Instant::now();
    choose_all(&clients, &names[..22], Reading::Shared).await;
    assert!(from.elapsed().as_secs() >= 6, "{:?}", from.elapsed());
    scene.strike().await;
}

/// The clock runs as fast as the real one while the records are made: on a clock that stands still the sixth request of an
/// invocation would be refused however long the SDK waits.
#[tokio::test]
async fn with_five_requests_a_second_the_records_are_made_once_and_nobody_is_told_of_a_refusal() {
    let scene = Scene::set_with(|setting| setting.switches.route53_rate = Route53Rate::On).await;
    let zone = scene.zone(ZONE, &[]);
    let before = scene.records(&zone);
    let shop = scene.running("shop-api").await;
    scene.associate(&shop, API, false);
    for _ in 0..12 {
        if scene.took_effect("ChangeResourceRecordSets") > 0 {
            break;
        }
        let clock = scene.stage.cloud.follow_real_time();
        assert!(tokio::time::timeout(Duration::from_secs(5), clock).await.is_err(), "the clock does not end by itself");
    }
    assert_eq!(scene.took_effect("ChangeResourceRecordSets"), 1, "{}", scene.story());
    // What is read here counts too: some seconds behind the last sweep.
    scene.seconds(20 * 60 + 20).await;
    let throttled = |e: &pitcrew_cloud::history::Entry| {
        e.kind == "call" && e.what["service"] == "route53" && e.what["outcome"]["error"] == "Throttling"
    };
    assert!(scene.history().iter().any(throttled), "the limit was met");
    assert_eq!((scene.added(&zone, &before).len(), scene.took_effect("ChangeResourceRecordSets")), (3, 1));
    assert_eq!(scene.said("refused"), 0, "{:?}", scene.headlines());
    scene.strike().await;
}

/// A record set at the domain's own name under each routing policy that a name can have beside the weighted one.
fn policies() -> [(&'static str, Value); 5] {
    let record = |policy: Value| {
        let mut record = json!({"Name": API, "Type": "A", "TTL": 60, "SetIdentifier": "blue",
            "ResourceRecords": [{"Value": "192.0.2.7"}]});
        record.as_object_mut().unwrap().extend(policy.as_object().unwrap().clone());
        record
    };
    [
        ("latency", record(json!({"Region": "eu-west-1"}))),
        ("failover", record(json!({"Failover": "SECONDARY"}))),
        ("geolocation of the world", record(json!({"GeoLocation": {"CountryCode": "*"}}))),
        ("geolocation of a country", record(json!({"GeoLocation": {"CountryCode": "DE"}}))),
        ("multivalue", record(json!({"MultiValueAnswer": true}))),
    ]
}

#[tokio::test]
async fn a_record_under_any_routing_policy_at_the_name_is_left_alone_and_told() {
    let scene = Scene::set().await;
    let zone = scene.zone(ZONE, &[]);
    let shop = scene.running("shop-api").await;
    for (number, (what, mut standing)) in policies().into_iter().enumerate() {
        let domain = format!("p{number}.{ZONE}");
        standing["Name"] = json!(domain);
        scene.write(&zone, "CREATE", std::slice::from_ref(&standing));
        let before = scene.records(&zone);
        scene.associate(&shop, &domain, false);
        let words = format!("{domain}: somebody else's record stands in the way");
        scene.until_said(10, &words).await;
        scene.until(30, "its certificate is issued", |scene| scene.status_of(&shop, &domain) == "active").await;
        assert_eq!(scene.added(&zone, &before).len(), 2, "only the proofs beside {what}");
        let offered = commands(&scene.notice_saying(&words));
        let changes = offered.iter().any(|command| command.contains("change-resource-record-sets"));
        assert!(!changes, "{what}: nobody is offered a command that would take the others with it: {offered:?}");
    }
    scene.check_calm();
    scene.strike().await;
}
