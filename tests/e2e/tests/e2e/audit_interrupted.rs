//! The audit goes on where it was: after a death, behind somebody else, with a part that is gone, within a report that is sent.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::SignedDuration;
use pitcrew_e2e::Scene;
use pitcrew_e2e::scene::AUDIT;
use serde_json::{Value, json};

use crate::audit::{audited, enable_hub, fleet, hub_findings, latest, stage, stage_with_hub, value};

/// The write of the report: behind the claim, the part, and that all is read.
const REPORT: u32 = 3;

fn put_state(scene: &Scene, state: &Value) {
    let bucket = scene.stage.output("AuditBucketName");
    let input = json!({"Bucket": bucket, "Key": "state.json", "Body": STANDARD.encode(state.to_string())});
    scene.internal("s3", "PutObject", input);
}

/// One tick, now: its answer, and what it called.
async fn tick(scene: &Scene) -> (Value, Vec<String>) {
    let mark = scene.mark();
    let outcome = scene.stage.cloud.invoke(AUDIT, json!({"source": "pitcrew", "detail-type": "Sweep"})).await.unwrap();
    (outcome.result.unwrap(), scene.ran(AUDIT, mark).remove(0).calls)
}

fn described(scene: &Scene, mark: u64) -> usize {
    let ran = scene.ran(AUDIT, mark);
    ran.iter().flat_map(|ran| &ran.calls).filter(|call| *call == "apprunner:DescribeService").count()
}

#[tokio::test]
async fn a_run_that_dies_while_its_report_is_made_reads_no_service_again() {
    let scene = stage(|_| {}).await;
    fleet(&scene).await;
    audited(&scene).await;
    let mark = scene.mark();
    scene.fault(json!({"on": "s3:PutObject", "by": AUDIT, "skip": REPORT, "do": {"kind": "kill-before"}}));
    let report = audited(&scene).await;
    assert_eq!((report["audited"].as_u64(), described(&scene, mark)), (Some(2), 2), "{}", scene.story());
    scene.strike().await;
}

#[tokio::test]
async fn a_run_whose_part_is_gone_begins_anew_at_once_and_is_told() {
    let scene = stage(|_| {}).await;
    fleet(&scene).await;
    audited(&scene).await;
    let told = scene.told_of("audit");
    scene.fault(json!({"on": "s3:PutObject", "by": AUDIT, "skip": REPORT, "do": {"kind": "kill-before"}}));
    scene.until(90, "it died", |scene| !value(scene, "state.json")["run"]["parts"][0].is_null()).await;
    let state = value(&scene, "state.json");
    let (run, part) = (state["run"]["id"].as_str().unwrap(), state["run"]["parts"][0].as_str().unwrap());
    let at = json!({"Bucket": scene.stage.output("AuditBucketName"), "Key": format!("runs/{run}/part-{part}.json")});
    scene.internal("s3", "DeleteObject", at);
    scene.until(40, "there is a report", |scene| latest(scene)["run"].as_str() > Some(run)).await;
    scene.minutes(2).await;
    assert_eq!(latest(&scene)["audited"], 2, "no service is missing");
    assert_eq!(scene.told_of("audit"), told + 1, "{}", scene.story());
    let notice = scene.notices().pop().unwrap();
    assert_eq!(notice["headline"], "audit of eu-west-1: a run came to no end");
    scene.strike().await;
}

#[tokio::test]
async fn a_run_that_somebody_reads_is_left_alone_and_one_that_came_to_no_end_is_told_once() {
    let scene = stage(|_| {}).await;
    fleet(&scene).await;
    let report = audited(&scene).await;
    let mut state = value(&scene, "state.json");
    let ago = |hours: i64| (scene.now() - SignedDuration::from_hours(hours)).to_string();
    let run = |began: String, until: String| {
        json!({"id": "r0", "began": began, "cursor": {"after": null, "listed": [], "last_operation": null,
            "operations_unread": null, "unread": []}, "ticks": 1, "parts": [], "calls": 0, "reading_until": until})
    };
    state["run"] = run(ago(1), (scene.now() + SignedDuration::from_mins(9)).to_string());
    put_state(&scene, &state);
    let (answer, calls) = tick(&scene).await;
    assert!(answer["reads_until"].is_string(), "{answer}");
    assert_eq!(calls, ["s3:GetObject"], "it read nothing and wrote nothing");

    let told = scene.told_of("audit");
    state["run"] = run(ago(13), ago(12));
    state["last"]["began"] = json!(ago(30));
    put_state(&scene, &state);
    let (answer, _) = tick(&scene).await;
    assert_eq!(answer["services"], 2, "it began anew");
    scene.minutes(2).await;
    assert_eq!((scene.told_of("audit"), latest(&scene)["previous"].clone()), (told + 1, report["run"].clone()));
    let notice = scene.notices().pop().unwrap();
    assert!(notice["happened"].as_str().unwrap().contains("it came to no end in 12 hours; 0 services were read"));
    scene.strike().await;
}

#[tokio::test]
async fn a_report_that_was_sent_in_part_is_sent_on_from_there() {
    let scene = stage_with_hub().await;
    fleet(&scene).await;
    enable_hub(&scene);
    let busy = json!({"kind": "error", "code": "InternalException", "status": 500});
    scene.fault(json!({"on": "securityhub:BatchImportFindings", "by": AUDIT, "times": 1000, "do": busy}));
    let report = audited(&scene).await;
    scene.no_more_faults();
    let found = report["findings"].as_array().unwrap();
    assert!(found.len() > 5 && hub_findings(&scene, json!({})).is_empty());
    let mut state = value(&scene, "state.json");
    state["security_hub"]["sent"] = json!(5);
    put_state(&scene, &state);
    tick(&scene).await;
    assert_eq!(hub_findings(&scene, json!({})).len(), found.len() - 5);
    let hub = value(&scene, "state.json")["security_hub"].clone();
    assert_eq!(hub, json!({"owed": null, "sent": 0, "held": [report["run"]], "refused": null}));
    scene.strike().await;
}
