//! `pitcrew domains`, `plan` and `adopt` as their binary, against the cloud.

use std::process::Output;
use std::time::Duration;

use pitcrew_e2e::binaries::operator;
use pitcrew_e2e::names::{OTHER_ACCOUNT, ZONE, record};
use pitcrew_e2e::{Scene, Shop, table};
use serde_json::{Value, json};

const API: &str = "api.harbour-coffee.net";
const ZONE_ROLE: &str = "arn:aws:iam::210987654321:role/pitcrew-zones-eu-west-1";
const EXTERNAL_ID: &str = "harbour-external-id";
const USAGE: i32 = 2;
const REFUSED: i32 = 3;
const NOT_FOUND: i32 = 5;

/// One run of the command: its exit code, what it printed, what it said.
async fn run(scene: &Scene, arguments: &[&str]) -> (i32, String, String) {
    let (endpoint, key) = scene.stage.endpoint();
    let (resolver, port) = (scene.stage.dns.to_string(), scene.stage.tls.port().to_string());
    let table = scene.stage.output("TableName").to_owned();
    let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    let ran = tokio::task::spawn_blocking(move || -> Output {
        let mut command = operator();
        command.env_remove("AWS_PROFILE").env_remove("AWS_SESSION_TOKEN");
        command.args(arguments).env("AWS_ENDPOINT_URL", endpoint).env("AWS_REGION", "eu-west-1");
        command.env("AWS_ACCESS_KEY_ID", key).env("AWS_SECRET_ACCESS_KEY", "not checked");
        // The cloud has no API of Lambda that could be asked for the function's settings.
        command.env("PITCREW_TABLE", table).env("PITCREW_AUTONOMY", "act").env("PITCREW_ZONES", "*");
        command.env("PITCREW_ZONE_ROLES", ZONE_ROLE).env("PITCREW_ZONE_EXTERNAL_ID", EXTERNAL_ID);
        command.env("PITCREW_RESOLVER", resolver).env("PITCREW_TLS_PORT", port);
        command.output().unwrap()
    });
    let ran = ran.await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (ran.status.code().unwrap_or(-1), text(&ran.stdout), text(&ran.stderr))
}

/// A domain whose records their owner made by hand, so that pitcrew finds them.
async fn by_hand(scene: &Scene) -> (Shop, String) {
    let zone = scene.zone(ZONE, &[]);
    let shop = scene.running("shop-api").await;
    scene.tag(&shop, "pitcrew:domains", "off");
    scene.associate(&shop, API, false);
    scene
        .until(10, "its records are shown", |scene| {
            scene.linked(&shop, API)["CertificateValidationRecords"].as_array().map_or(0, Vec::len) == 2
        })
        .await;
    let shown = scene.linked(&shop, API);
    let proofs = shown["CertificateValidationRecords"].as_array().unwrap();
    let text = |proof: &Value, member: &str| proof[member].as_str().unwrap().to_owned();
    let proofs: Vec<Value> = proofs.iter().map(|p| record(&text(p, "Name"), "CNAME", &text(p, "Value"))).collect();
    scene.write(&zone, "CREATE", &proofs);
    scene.until(60, "it is active", |scene| scene.status_of(&shop, API) == "active").await;
    (shop, zone)
}

fn owned(scene: &Scene) -> usize {
    scene.remembered(API)["owned"].as_array().map_or(0, Vec::len)
}

#[tokio::test]
async fn the_list_and_the_plan_say_what_is_so_and_change_nothing() {
    let scene = Scene::set().await;
    let (shop, zone) = by_hand(&scene).await;
    let (before, rows) = (scene.records(&zone), table::all(&scene).len());
    let (code, text, said) = run(&scene, &["domains"]).await;
    assert!(code == 0 && text.contains(API) && text.contains("shop-api"), "{code} {text} {said}");
    let (code, text, said) = run(&scene, &["domains", "plan", "shop-api", API, "--json"]).await;
    assert_eq!(code, 0, "{text} {said}");
    let plan: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((plan["domain"].as_str(), plan["status"].as_str()), (Some(API), Some("active")));
    assert_eq!(plan["service"], shop.arn.as_str());
    let mut verdicts: Vec<&str> =
        plan["records"].as_array().unwrap().iter().map(|r| r["verdict"].as_str().unwrap()).collect();
    verdicts.sort_unstable();
    assert_eq!(verdicts, ["create", "found", "found"], "{plan:#}");
    let (code, text, _) = run(&scene, &["domains", "plan", "shop-api", "other.harbour-coffee.net"]).await;
    assert!(code != 0, "a domain that is not there is none: {text}");
    assert_eq!((scene.records(&zone), table::all(&scene).len()), (before, rows), "nothing was written");
    scene.strike().await;
}

#[tokio::test]
async fn adopt_takes_what_stands_and_heeds_a_pause_and_a_hold() {
    let scene = Scene::set().await;
    let (shop, zone) = by_hand(&scene).await;
    let before = scene.records(&zone);
    let adopt = ["domains", "adopt", "shop-api", API, "--yes", "--json"];
    let (code, text, said) = run(&scene, &["pause", "--reason", "we look first"]).await;
    assert_eq!(code, 0, "{text} {said}");
    let (code, text, said) = run(&scene, &adopt).await;
    assert!(code == REFUSED && text.contains("paused") && owned(&scene) == 0, "{code} {text} {said}");
    assert_eq!(run(&scene, &["resume"]).await.0, 0);
    scene.tag(&shop, "pitcrew:hold", "true");
    let (code, text, said) = run(&scene, &adopt).await;
    assert!(code == REFUSED && text.contains("pitcrew:hold") && owned(&scene) == 0, "{code} {text} {said}");
    scene.tag(&shop, "pitcrew:hold", "false");
    let (code, text, said) = run(&scene, &adopt).await;
    assert_eq!((code, owned(&scene)), (0, 2), "{text} {said}");
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["outcome"], "done");
    assert_eq!(scene.records(&zone), before, "taken over, not touched");
    let (code, text, _) = run(&scene, &adopt).await;
    assert!(code == REFUSED && owned(&scene) == 2, "there is nothing more to take over: {code} {text}");
    scene.strike().await;
}

#[tokio::test]
async fn a_zone_of_another_account_that_lets_only_the_functions_in_says_why_and_how() {
    let scene = Scene::set_with(|setting| {
        let chosen = [("ZoneRoleArns", ZONE_ROLE), ("ZoneExternalId", EXTERNAL_ID)];
        setting.parameters.extend(chosen.map(|(name, value)| (name.to_owned(), value.to_owned())));
    })
    .await;
    scene.zone_of(OTHER_ACCOUNT, ZONE, true);
    scene.open_zones(ZONE_ROLE, EXTERNAL_ID, &["CREATE"]);
    let shop = scene.running("shop-api").await;
    scene.tag(&shop, "pitcrew:domains", "propose");
    scene.associate(&shop, API, false);
    scene.minutes(7).await;
    let (code, text, said) = run(&scene, &["domains", "plan", "shop-api", API, "--json"]).await;
    assert_eq!(code, 0, "{text} {said}");
    let plan: Value = serde_json::from_str(&text).unwrap();
    let blockers = plan["blockers"].to_string();
    for words in [ZONE_ROLE, "AccessDenied", "pitcrew:domains=act", "trust policy"] {
        assert!(blockers.contains(words), "{words}: {plan:#}");
    }
    assert_eq!(json!(scene.batches_sent()), json!(0));
    scene.strike().await;
}

/// A domain that pitcrew has unlinked, and that App Runner refuses to associate again.
async fn half_way(scene: &Scene) -> (Shop, String, Vec<Value>) {
    let busy = json!({"kind": "error", "code": "InvalidStateException", "message": "busy"});
    scene.fault(json!({"on": "apprunner:AssociateCustomDomain", "by": "pitcrew-*", "times": 1_000, "do": busy}));
    let (shop, zone, before) = scene.expired(API).await;
    scene
        .until(120, "it is unlinked and not linked again", |scene| {
            scene.remembered(API)["relink"]["stage"] == "linking" && scene.status_of(&shop, API).is_empty()
        })
        .await;
    (shop, zone, before)
}

#[tokio::test]
async fn remove_ends_a_relink_that_is_half_way_and_takes_away_what_pitcrew_made() {
    let scene = Scene::set().await;
    let (shop, zone, before) = half_way(&scene).await;
    assert!(owned(&scene) >= 3 && scene.records(&zone).len() >= before.len() + 3, "{}", scene.story());
    let other = scene.running("cart").await;
    let (code, text, said) = run(&scene, &["domains", "remove", API, "--service", &other.arn, "--yes"]).await;
    assert!(code == REFUSED && said.contains(&shop.arn), "it is not the other service's: {code} {text} {said}");
    let passing = async {
        loop {
            // The command looks every few seconds of real time: the cloud's hours must not run away meanwhile.
            tokio::time::sleep(Duration::from_millis(500)).await;
            scene.seconds(10).await;
        }
    };
    let (code, text, said) = tokio::select! {
        ran = run(&scene, &["domains", "remove", API, "--yes", "--json"]) => ran,
        () = passing => unreachable!("time passes without an end"),
    };
    assert_eq!(code, 0, "{text} {said}\n{}", scene.story());
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["outcome"], "done");
    assert_eq!(scene.added(&zone, &before), Vec::<Value>::new(), "{text}\n{}", scene.story());
    assert!(scene.remembered(API).is_null(), "{}", scene.remembered(API));
    assert_eq!(scene.said("pitcrew does not link it again any more"), 1, "{:?}", scene.headlines());
    assert_eq!(scene.status_of(&shop, API), "", "nobody linked it again");
    scene.strike().await;
}

#[tokio::test]
async fn every_id_that_a_notice_shows_leads_to_its_story_or_says_what_it_is() {
    let scene = Scene::set().await;
    scene.zone(ZONE, &[]);
    let shop = scene.running("shop-api").await;
    scene.associate(&shop, API, false);
    scene.until_finished(&shop, API).await;
    scene.internal("acm", "_Import", json!({"DomainName": "old.harbour-coffee.net", "Days": 20}));
    scene.until(70, "both are told", |scene| scene.told_of("domain") == 1 && scene.told_of("certificate") == 1).await;
    let (domain, certificate) = (scene.notice("domain"), scene.notice("certificate"));
    let text = |notice: &Value, member: &str| notice[member].as_str().unwrap().to_owned();
    let stories = [
        (text(&domain, "incident"), API, &domain),
        (text(&domain, "id"), API, &domain),
        (text(&certificate, "id"), "certificate/", &certificate),
    ];
    for (id, subject, notice) in stories {
        let (code, shown, said) = run(&scene, &["explain", &id]).await;
        let receipt = text(notice, "receipt");
        assert!(code == 0 && shown.contains(subject) && shown.contains(&receipt), "{id}: {code} {shown} {said}");
    }
    let (code, _, said) = run(&scene, &["explain", &text(&domain, "receipt")]).await;
    assert!(code == USAGE && said.contains("is one receipt"), "{code} {said}");
    let (code, _, said) = run(&scene, &["explain", "D-0123456789ab"]).await;
    assert!(code == NOT_FOUND && said.contains("a link of a custom domain"), "{code} {said}");
    scene.strike().await;
}
