//! The audit where something goes wrong on its way: it dies, somebody is faster, an answer is lost.

use pitcrew_e2e::scene::AUDIT;
use serde_json::{Value, json};

use crate::audit::{audited, fleet, latest, stage, value};

/// What a run writes into the bucket: claim, part, that all is read, report, its end, trend, page, newest report, that it is
/// told.
const WRITES: u32 = 9;

#[tokio::test]
async fn wherever_it_dies_a_run_has_one_report_and_is_told_once() {
    let scene = stage(|_| {}).await;
    let (bare, _) = fleet(&scene).await;
    let mark = scene.mark();
    let mut before = audited(&scene).await;
    let puts = scene.ran(AUDIT, mark).iter().flat_map(|ran| &ran.calls).filter(|call| *call == "s3:PutObject").count();
    assert_eq!(puts, WRITES as usize, "each of them is tried below");
    for write in 0..WRITES {
        // Something changes from run to run, so that each has something to tell.
        match write % 2 {
            0 => scene.watch(&bare),
            _ => drop(scene.call("monitoring", "DeleteAlarms", json!({"AlarmNames": ["shop-bare-5xx"]}))),
        }
        let (told, struck) = (scene.told_of("audit"), scene.faults_struck());
        scene.fault(json!({"on": "s3:PutObject", "by": AUDIT, "skip": write, "do": {"kind": "kill-after"}}));
        let report = audited(&scene).await;
        scene.until(20, "it is told", |scene| value(scene, "state.json")["untold"].is_null()).await;
        scene.minutes(2).await;
        assert_eq!(scene.faults_struck(), struck + 1, "write {write}: it died");
        assert_eq!(scene.told_of("audit"), told + 1, "write {write}\n{}", scene.story());
        assert_eq!((&report, &report["previous"]), (&latest(&scene), &before["run"]), "write {write}");
        before = report;
    }
    let runs = value(&scene, "trend.json")["runs"].as_array().unwrap().len();
    let state = value(&scene, "state.json");
    assert_eq!((&state["run"], &state["last"]["id"]), (&Value::Null, &before["run"]));
    assert!(runs >= WRITES as usize, "each run has its line");
    scene.strike().await;
}

#[tokio::test]
async fn where_somebody_else_was_faster_it_ends_quietly() {
    let scene = stage(|_| {}).await;
    fleet(&scene).await;
    let before = audited(&scene).await;
    let mark = scene.mark();
    let lost = json!({"kind": "error", "code": "PreconditionFailed", "status": 412});
    scene.fault(json!({"on": "s3:PutObject", "by": AUDIT, "do": lost}));
    scene
        .until(90, "a run was due", |scene| {
            scene.ran(AUDIT, mark).iter().any(|ran| ran.calls.iter().any(|call| call == "s3:PutObject"))
        })
        .await;
    let ran = scene.ran(AUDIT, mark);
    let overtaken = ran.iter().find(|ran| ran.calls.iter().any(|call| call == "s3:PutObject")).unwrap();
    assert_eq!(overtaken.calls, ["s3:GetObject", "s3:PutObject"], "it read nothing");
    assert!(overtaken.entry.what["outcome"]["ok"].is_object(), "{}", overtaken.entry.what);
    assert_eq!(latest(&scene), before);
    audited(&scene).await;
    scene.strike().await;
}

#[tokio::test]
async fn a_notice_that_cannot_be_kept_is_told_later_and_once() {
    let scene = stage(|_| {}).await;
    fleet(&scene).await;
    let told = scene.told_of("audit");
    scene.fault(json!({"on": "dynamodb:PutItem", "by": AUDIT, "times": 2, "do": {"kind": "kill-before"}}));
    let report = audited(&scene).await;
    scene.until(20, "it is told", |scene| value(scene, "state.json")["untold"].is_null()).await;
    scene.minutes(2).await;
    assert_eq!(report["previous"], Value::Null, "a first run has something to tell");
    assert_eq!(scene.told_of("audit"), told + 1, "{}", scene.story());
    scene.strike().await;
}
