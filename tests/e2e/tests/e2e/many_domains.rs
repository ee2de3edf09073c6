//! What a sweep over many custom domains asks of Route 53, which takes five requests a second for a whole account.

use pitcrew_e2e::Scene;
use pitcrew_e2e::scene::DOMAINS;
use serde_json::json;

/// Services, with five domains each (App Runner's most), when nobody asks for more.
const SERVICES: usize = 6;
/// The variable that asks for more: 400 for the 2,000 domains of the bench.
const ASKED_FOR: &str = "PITCREW_MANY_SERVICES";
/// What a page of a listing holds.
const PAGE_SETS: usize = 300;
const ZONE: &str = "many-shops.net";

fn services() -> usize {
    std::env::var(ASKED_FOR).ok().and_then(|asked| asked.parse().ok()).unwrap_or(SERVICES)
}

/// Services with five domains each, all records in one zone, all settled.
async fn settled(scene: &Scene) -> usize {
    let services = services();
    scene.internal("apprunner", "_Quota", json!({"Services": services}));
    scene.call("route53", "CreateHostedZone", json!({"Name": ZONE, "CallerReference": "many"}));
    let shops: Vec<_> = (0..services).map(|number| scene.unwatched(&format!("shop-{number:03}"))).collect();
    scene.minutes(15).await;
    for shop in &shops {
        for letter in ["a", "b", "c", "d", "e"] {
            let domain = format!("{letter}.{}.{ZONE}", shop.name);
            let input = json!({"ServiceArn": shop.arn, "DomainName": domain, "EnableWWWSubdomain": false});
            scene.call("apprunner", "AssociateCustomDomain", input);
        }
    }
    let finished = |scene: &Scene| {
        let rows = pitcrew_e2e::table::all(scene);
        rows.iter().filter(|row| row["sk"] == "DOMAIN" && row["finished_at"].is_string()).count()
    };
    scene.until(180, "every domain is finished", |scene| finished(scene) == services * 5).await;
    services * 5
}

#[tokio::test]
async fn a_settled_sweep_reads_each_page_of_a_zone_once_however_many_domains_it_holds() {
    let scene = Scene::set().await;
    let domains = settled(&scene).await;
    let mark = scene.mark();
    scene.minutes(6).await;
    let ran = scene.ran(DOMAINS, mark);
    let sweep = ran.iter().rfind(|one| one.entry.what["cause"] == "pitcrew-domains-sweep").unwrap();
    let of = |service: &str| sweep.calls.iter().filter(|call| call.starts_with(service)).count();
    let route53 = of("route53:");
    println!(
        "{domains} domains: a settled sweep makes {} calls, {route53} of them to Route 53 ({:.0} s at 5 a second), {} to App Runner",
        sweep.calls.len(),
        route53 as f64 / 5.0,
        of("apprunner:"),
    );
    // Three record sets a domain in one zone: the pages, one more where they do not end with the zone, and the zone itself.
    let pages = (domains * 3).div_ceil(PAGE_SETS);
    assert!(route53 <= pages + 4, "{route53} calls for {pages} pages: {:?}", sweep.calls);
    assert!(!sweep.calls.iter().any(|call| call == "dynamodb:TransactWriteItems"), "a settled sweep writes nothing");
    scene.strike().await;
}
