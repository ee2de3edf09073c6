//! The intent protocol of custom domains: whatever is killed or lost on the way, the records are written once, a domain is
//! linked again once, and the end is the same.

use std::collections::BTreeSet;

use pitcrew_e2e::Scene;
use pitcrew_e2e::names::{ZONE, record};
use pitcrew_e2e::scene::DOMAINS;
use serde_json::{Value, json};

const API: &str = "api.harbour-coffee.net";
const CHANGE: &str = "ChangeResourceRecordSets";
const LINK: &str = "AssociateCustomDomain";
const UNLINK: &str = "DisassociateCustomDomain";
/// What strikes a call in these tests.
const STRIKES: [&str; 3] = ["kill-before", "kill-after", "lost-answer"];

/// A domain from its association to its end, with these faults; checks that it ends as if there had been none.
async fn finished(faults: &[Value]) -> Scene {
    let scene = Scene::set().await;
    let zone = scene.zone(ZONE, &[record(ZONE, "TXT", "\"v=spf1 -all\"")]);
    let before = scene.records(&zone);
    let shop = scene.running("shop-api").await;
    faults.iter().for_each(|fault| scene.fault(fault.clone()));
    scene.associate(&shop, API, false);
    scene.until_finished(&shop, API).await;
    scene.minutes(10).await;
    let story = || format!("{faults:?}\n{}", scene.story());
    assert_eq!(scene.added(&zone, &before).len(), 3, "{}", story());
    assert_eq!(scene.took_effect(CHANGE), 1, "{}", story());
    assert_eq!(scene.took_effect(LINK) + scene.took_effect(UNLINK), 0, "{}", story());
    assert_eq!(
        scene.remembered(API)["owned"].as_array().map_or(0, Vec::len),
        3,
        "all three are known as ours: {}",
        story()
    );
    assert!(scene.remembered(API)["intent"].is_null(), "{}", story());
    assert_eq!(scene.headlines().len(), 1, "{:?} {}", scene.headlines(), story());
    assert_eq!(scene.faults_struck(), faults.len(), "each fault struck: {}", story());
    scene.check_visited(API, &shop).await;
    scene.check_clean();
    scene
}

#[tokio::test]
async fn a_batch_whose_answer_never_came_is_read_back_and_not_sent_again() {
    for strike in ["kill-after", "lost-answer"] {
        let scene =
            finished(&[json!({"on": "route53:ChangeResourceRecordSets", "do": {"kind": strike}, "by": "pitcrew-*"})])
                .await;
        assert_eq!(scene.batches_sent(), 1, "{strike}: {}", scene.story());
        assert!(scene.domain_rules(API).contains(&"intent-settled".to_owned()), "{:?}", scene.domain_rules(API));
        scene.strike().await;
    }
}

#[tokio::test]
async fn a_batch_that_was_never_sent_is_sent_later() {
    let fault = json!({"on": "route53:ChangeResourceRecordSets", "by": "pitcrew-*", "do": {"kind": "kill-before"}});
    for times in [1, 2] {
        let scene = finished(&vec![fault.clone(); times]).await;
        assert_eq!(scene.batches_sent(), times + 1, "{}", scene.story());
        scene.strike().await;
    }
}

/// How many transactions of the domains function the way of one domain takes, without any fault.
async fn writes_of_the_path() -> usize {
    let scene = finished(&[]).await;
    let writes = scene.attempts("TransactWriteItems").iter().filter(|entry| entry.who == DOMAINS).count();
    scene.strike().await;
    writes
}

async fn each_write(strike: &str) {
    let writes = writes_of_the_path().await;
    assert!(writes >= 4, "link, intent, answer and end are written: {writes}");
    for write in 0..writes {
        let fault = json!({
            "on": "dynamodb:TransactWriteItems", "by": "pitcrew-domains", "skip": write, "do": {"kind": strike},
        });
        finished(&[fault]).await.strike().await;
    }
}

#[tokio::test]
async fn a_kill_before_any_write_of_the_path_changes_nothing() {
    each_write(STRIKES[0]).await;
}

#[tokio::test]
async fn a_kill_after_any_write_of_the_path_changes_nothing() {
    each_write(STRIKES[1]).await;
}

#[tokio::test]
async fn a_lost_answer_to_any_write_of_the_path_changes_nothing() {
    each_write(STRIKES[2]).await;
}

async fn relinked(faults: &[Value]) -> Scene {
    let scene = Scene::set_with_removal().await;
    let (shop, zone, before) = scene.expired(API).await;
    faults.iter().for_each(|fault| scene.fault(fault.clone()));
    for waited in 0.. {
        if scene.visit(API).await.is_ok() && scene.remembered(API)["finished_at"].is_string() {
            break;
        }
        assert!(waited < 48, "four hours and it is not served: {faults:?}\n{}", scene.story());
        scene.minutes(5).await;
    }
    scene.minutes(30).await;
    let story = || format!("{faults:?}\n{}", scene.story());
    assert_eq!((scene.took_effect(UNLINK), scene.took_effect(LINK)), (1, 1), "{}", story());
    assert_eq!(scene.status_of(&shop, API), "active", "{}", story());
    assert!(scene.remembered(API)["relink"].is_null(), "{}", story());
    // The proofs of the certificate that expired stay as long as the domain does; they are known as ours and go with it.
    let (added, owned) = (scene.added(&zone, &before), scene.remembered(API)["owned"].clone());
    let names = |records: &[Value], name: fn(&Value) -> &Value| -> BTreeSet<String> {
        records.iter().map(|it| name(it).as_str().unwrap().trim_end_matches('.').to_owned()).collect()
    };
    let (stand, ours) = (names(&added, |it| &it["Name"]), names(owned.as_array().unwrap(), |it| &it["record"]["name"]));
    assert_eq!(stand, ours, "{added:#?}\n{}", story());
    assert!(stand.len() >= 3, "{added:#?}");
    assert_eq!(scene.faults_struck(), faults.len(), "{}", story());
    scene.check_visited(API, &shop).await;
    scene.check_clean();
    scene
}

#[tokio::test]
async fn an_expired_domain_is_linked_again_once_whatever_becomes_of_the_two_calls() {
    relinked(&[]).await.strike().await;
    for operation in [UNLINK, LINK] {
        for strike in STRIKES {
            let fault = json!({"on": format!("apprunner:{operation}"), "by": "pitcrew-*", "do": {"kind": strike}});
            relinked(&[fault]).await.strike().await;
        }
    }
}

#[tokio::test]
async fn a_link_that_is_throttled_or_busy_is_made_once() {
    let busy = json!({"kind": "error", "code": "InvalidStateException", "message": "busy"});
    for act in [json!({"kind": "throttle"}), busy] {
        for operation in [UNLINK, LINK] {
            let fault = json!({"on": format!("apprunner:{operation}"), "by": "pitcrew-*", "do": act});
            relinked(&[fault]).await.strike().await;
        }
    }
}
