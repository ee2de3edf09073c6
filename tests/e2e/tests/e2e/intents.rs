//! The intent protocol: whatever is killed or lost on the way, exactly one update is accepted, and the incident ends well.

use pitcrew_e2e::{Scene, Shop};
use serde_json::{Value, json};

/// What strikes a call in these tests.
const STRIKES: [&str; 3] = ["kill-before", "kill-after", "lost-answer"];

/// Plays the second story with this fault, and checks that it ends as if there had been none.
async fn struck(fault: &Value) -> (Scene, Shop) {
    let scene = Scene::set().await;
    let shop = scene.good_shop("shop-api").await;
    let bad = scene.push("shop-api", "latest", Scene::answers_500());
    // The fault waits for the decision that rolls back: it strikes from the moment in which the alarm rings.
    scene.until_the_alarm_rings(&shop).await;
    scene.fault(fault.clone());
    scene.until(60, "the incident is closed", |scene| !scene.outcomes(&shop).is_empty()).await;
    scene.minutes(30).await;
    assert_eq!(scene.writes_that_took_effect(), 1, "{fault}\n{}", scene.story());
    assert_eq!(scene.serving(&shop), shop.good, "{fault}");
    assert_eq!(scene.outcomes(&shop), ["rolled_back"], "{fault}\n{}", scene.story());
    assert_eq!(scene.bad_digests(&shop), [bad], "{fault}");
    assert_eq!(scene.told_of("rollback_succeeded"), 1, "{fault}: {:?}", scene.told());
    assert_eq!(scene.told_of("rollback_started"), 1, "{fault}: {:?}", scene.told());
    assert!(scene.faults_struck() > 0, "the fault struck: {fault}");
    scene.check_clean();
    (scene, shop)
}

#[tokio::test]
async fn a_function_that_is_killed_after_the_update_adopts_its_operation() {
    for strike in ["kill-after", "lost-answer"] {
        let fault = json!({"on": "apprunner:UpdateService", "by": "pitcrew-rollback", "do": {"kind": strike}});
        let (scene, shop) = struck(&fault).await;
        assert_eq!(scene.tries(), 1, "{strike}: the call is not made again");
        assert!(scene.rules(&shop).contains(&"adopted".to_owned()), "{strike}: {:?}", scene.rules(&shop));
        scene.strike().await;
    }
}

#[tokio::test]
async fn a_function_that_is_killed_before_the_update_makes_it_later() {
    let fault = json!({"on": "apprunner:UpdateService", "by": "pitcrew-rollback", "do": {"kind": "kill-before"}});
    let (scene, shop) = struck(&fault).await;
    assert_eq!(scene.tries(), 2, "the call that never arrived is made again");
    assert!(!scene.rules(&shop).contains(&"adopted".to_owned()), "{:?}", scene.rules(&shop));
    scene.strike().await;
}

#[tokio::test]
async fn an_update_that_is_throttled_or_answered_with_a_fault_is_made_once() {
    let error = json!({"kind": "error", "code": "InternalServiceErrorException", "status": 500, "message": "oops"});
    for act in [json!({"kind": "throttle"}), error] {
        let fault = json!({"on": "apprunner:UpdateService", "by": "pitcrew-rollback", "times": 2, "do": act});
        let (scene, _) = struck(&fault).await;
        assert_eq!(scene.tries(), 3, "{act}");
        scene.strike().await;
    }
}

#[tokio::test]
async fn two_killed_updates_in_a_row_still_end_well() {
    let fault =
        json!({"on": "apprunner:UpdateService", "by": "pitcrew-rollback", "times": 2, "do": {"kind": "kill-before"}});
    let (scene, _) = struck(&fault).await;
    scene.strike().await;
}

/// The rollback path writes three times: the intent, the answer, the end.
async fn each_write_of_the_rollback_path(strike: &str) {
    for write in 0..3 {
        let fault = json!({
            "on": "dynamodb:TransactWriteItems", "by": "pitcrew-rollback", "skip": write, "do": {"kind": strike},
        });
        let (scene, _) = struck(&fault).await;
        scene.strike().await;
    }
}

#[tokio::test]
async fn a_kill_before_any_write_of_the_rollback_path_changes_nothing() {
    each_write_of_the_rollback_path(STRIKES[0]).await;
}

#[tokio::test]
async fn a_kill_after_any_write_of_the_rollback_path_changes_nothing() {
    each_write_of_the_rollback_path(STRIKES[1]).await;
}

#[tokio::test]
async fn a_lost_answer_to_any_write_of_the_rollback_path_changes_nothing() {
    each_write_of_the_rollback_path(STRIKES[2]).await;
}

#[tokio::test]
async fn a_throttled_table_delays_the_rollback_and_loses_nothing() {
    for times in [1, 3, 6] {
        let fault = json!({"on": "dynamodb:*", "by": "pitcrew-*", "times": times, "do": {"kind": "throttle"}});
        let (scene, _) = struck(&fault).await;
        scene.strike().await;
    }
}

#[tokio::test]
async fn a_table_that_is_down_for_a_quarter_of_an_hour_gives_inputs_up_and_the_sweep_does_their_work() {
    let scene = Scene::set().await;
    let shop = scene.good_shop("shop-api").await;
    scene.push("shop-api", "latest", Scene::answers_500());
    scene.until_the_alarm_rings(&shop).await;
    let down = json!({"kind": "error", "code": "InternalServerError", "status": 500});
    scene.fault(json!({"on": "dynamodb:*", "by": "pitcrew-*", "times": 1_000_000, "do": down}));
    scene.minutes(15).await;
    assert_eq!(scene.tries(), 0, "nothing is written to App Runner that cannot be written down first");
    scene.no_more_faults();
    scene.until(60, "the incident is closed", |scene| scene.outcomes(&shop) == ["rolled_back"]).await;
    scene.minutes(20).await;
    assert_eq!((scene.writes().len(), scene.tries()), (1, 1));
    assert_eq!(scene.serving(&shop), shop.good);
    assert_eq!(scene.told(), ["rollback_started", "rollback_succeeded"]);
    assert!(scene.queued("FailureQueueUrl") > 0, "what was given up is kept");
    assert!(!scene.rang_about_pitcrew().is_empty(), "and pitcrew's own alarms rang");
    scene.strike().await;
}

#[tokio::test]
async fn stale_reads_of_the_operations_never_start_a_second_update() {
    let fault =
        json!({"on": "apprunner:ListOperations", "by": "pitcrew-rollback", "times": 3, "do": {"kind": "stale-read"}});
    let (scene, _) = struck(&fault).await;
    assert_eq!(scene.tries(), 1, "{}", scene.story());
    scene.strike().await;
}
