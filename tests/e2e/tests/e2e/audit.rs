//! The audit function on the stage: what it finds, tells once, goes on with, cannot see, and sends to Security Hub.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pitcrew_cloud::gateway::lock;
use pitcrew_cloud::stage::Setting;
use pitcrew_e2e::scene::AUDIT;
use pitcrew_e2e::{Scene, Shop};
use serde_json::{Value, json};

const ROLE: &str = "arn:aws:iam::123456789012:role/pitcrew-audit-eu-west-1";
/// A rule that every service without an alarm is found by.
const NO_ALARM: &str = "observability-no-error-alarm";

/// A stage with the audit, once an hour: a day would be hundreds of sweeps of the other functions.
pub async fn stage(change: impl FnOnce(&mut Setting)) -> Scene {
    Scene::set_with_audit(|setting| {
        setting.parameters.insert("AuditEveryHours".to_owned(), "1".to_owned());
        change(setting);
    })
    .await
}

/// What an invocation may cost: so little that each reads one service, or some.
fn calls(setting: &mut Setting, max: u32) {
    let variables = setting.variables.entry("AuditFunction".to_owned()).or_default();
    variables.insert("PITCREW_AUDIT_CALLS".to_owned(), max.to_string());
}

/// An object of the bucket; none where it is not there.
fn object(scene: &Scene, key: &str) -> Option<Vec<u8>> {
    let at = json!({"Bucket": scene.stage.output("AuditBucketName"), "Key": key});
    let answer = scene.stage.internal("s3", "GetObject", at).ok()?;
    Some(STANDARD.decode(answer["Body"].as_str()?).unwrap())
}

pub fn value(scene: &Scene, key: &str) -> Value {
    object(scene, key).map(|body| serde_json::from_slice(&body).unwrap()).unwrap_or_default()
}

pub fn latest(scene: &Scene) -> Value {
    value(scene, "latest.json")
}

/// Lets time pass until a run ends that began after the call; its report.
pub async fn audited(scene: &Scene) -> Value {
    let began = scene.now().to_string();
    let is_new = |scene: &Scene| latest(scene)["started"].as_str().is_some_and(|started| *started > *began);
    scene.until(150, "an audit ended", is_new).await;
    // What is told goes through the outbox.
    scene.minutes(2).await;
    latest(scene)
}

/// The names of the services that a rule finds.
fn found(report: &Value, rule: &str) -> Vec<String> {
    let findings = report["findings"].as_array().unwrap().iter().filter(|finding| finding["rule"] == rule);
    let mut names: Vec<String> = findings.map(|finding| finding["service"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

/// What a report says, without what differs from run to run.
fn essence(report: &Value) -> Value {
    let ids = |list: &str| {
        let mut ids: Vec<String> = report[list].as_array().unwrap().iter().map(|one| one["id"].to_string()).collect();
        ids.sort();
        ids
    };
    let names: Vec<&Value> = report["services"].as_array().unwrap().iter().map(|line| &line["name"]).collect();
    json!({"findings": ids("findings"), "services": names, "not_checked": report["not_checked"], "counts": report["counts"]})
}

/// Two services: nobody watches the one, the other has its alarm.
pub async fn fleet(scene: &Scene) -> (Shop, Shop) {
    let (bare, watched) = (scene.running("shop-bare").await, scene.running("shop-watched").await);
    scene.watch(&watched);
    (bare, watched)
}

#[tokio::test]
async fn what_is_wrong_is_found_told_once_and_gone_when_it_is_mended() {
    let scene = stage(|_| {}).await;
    let (bare, _) = fleet(&scene).await;
    let report = audited(&scene).await;
    assert_eq!((report["format"].as_u64(), report["audited"].as_u64()), (Some(1), Some(2)), "{report:#}");
    assert_eq!(found(&report, NO_ALARM), ["shop-bare"], "{report:#}");
    let page = String::from_utf8(object(&scene, "index.html").unwrap()).unwrap();
    assert!(page.starts_with("<!doctype html>") && page.contains("shop-bare"), "the page is there");
    assert_eq!(value(&scene, &format!("reports/{}.json", report["run"].as_str().unwrap())), report);

    // A run that finds the same tells nothing.
    let told = scene.told_of("audit");
    let same = audited(&scene).await;
    assert_eq!((&same["previous"], scene.told_of("audit")), (&report["run"], told), "{:#}", same["changes"]);

    scene.watch(&bare);
    let mended = audited(&scene).await;
    let gone: Vec<&Value> = mended["changes"]["gone"].as_array().unwrap().iter().map(|gone| &gone["rule"]).collect();
    assert!(gone.contains(&&json!(NO_ALARM)), "{:#}", mended["changes"]);
    assert_eq!((found(&mended, NO_ALARM).len(), scene.told_of("audit")), (0, told + 1));
    let runs = value(&scene, "trend.json")["runs"].as_array().unwrap().len();
    assert!(runs >= 3, "each run has its line of the trend");
    scene.strike().await;
}

#[tokio::test]
async fn a_run_that_is_cut_goes_on_and_comes_to_the_same_report() {
    let whole = {
        let scene = stage(|_| {}).await;
        fleet(&scene).await;
        let report = audited(&scene).await;
        scene.strike().await;
        report
    };
    let scene = stage(|setting| calls(setting, 1)).await;
    fleet(&scene).await;
    let report = audited(&scene).await;
    let run = report["run"].as_str().unwrap();
    let parts = (1..=9).filter(|tick| object(&scene, &format!("runs/{run}/part-{tick}-1.json")).is_some()).count();
    assert!(parts > 1, "it was cut: {parts} part");
    assert_eq!(essence(&report), essence(&whole));
    scene.strike().await;
}

#[tokio::test]
async fn what_may_not_be_read_is_not_checked_and_told_once_and_the_rest_is() {
    let scene = stage(|_| {}).await;
    fleet(&scene).await;
    let sees = audited(&scene).await;
    let told = scene.told_of("audit");
    deny(&scene, "cloudwatch:DescribeAlarms");
    let report = audited(&scene).await;
    let entries = report["not_checked"].as_array().unwrap();
    let entry = entries.iter().find(|entry| entry["rule"] == NO_ALARM).unwrap_or_else(|| panic!("{report:#}"));
    assert!(entry["why"].as_str().unwrap().contains("cloudwatch:DescribeAlarms"), "{entry:#}");
    assert_eq!((entry["resources"].as_array().unwrap().len(), report["audited"].as_u64()), (2, Some(2)));
    assert_eq!(found(&report, NO_ALARM), found(&sees, NO_ALARM), "nobody calls it mended");
    assert_ne!(report["findings"], json!([]), "what could be read was judged");
    let lost = report["sight"]["lost"].as_array().unwrap();
    assert!(lost.iter().any(|one| one["rule"] == NO_ALARM && one["resources"] == 2), "{:#}", report["sight"]);
    assert_eq!(scene.told_of("audit"), told + 1, "{}", scene.story());
    let still = audited(&scene).await;
    assert_eq!((&still["sight"]["lost"], scene.told_of("audit")), (&json!([]), told + 1), "it was told");
    deny(&scene, "cloudwatch:DeleteAlarms");
    let again = audited(&scene).await;
    assert_eq!((&again["sight"]["back"], scene.told_of("audit")), (&report["sight"]["lost"], told + 2));
    scene.strike().await;
}

#[tokio::test]
async fn most_ticks_cost_one_read_of_the_state_and_nothing_else() {
    let scene = stage(|_| {}).await;
    fleet(&scene).await;
    audited(&scene).await;
    let mark = scene.mark();
    let sweep = json!({"source": "pitcrew", "detail-type": "Sweep"});
    let outcome = scene.stage.cloud.invoke(AUDIT, sweep).await.unwrap();
    assert!(outcome.result.is_ok());
    let ran = scene.ran(AUDIT, mark);
    assert_eq!(ran.len(), 1);
    assert_eq!(ran[0].calls, ["s3:GetObject"]);
    scene.strike().await;
}

/// What Security Hub has, by its own filters.
pub fn hub_findings(scene: &Scene, filters: Value) -> Vec<Value> {
    let input = json!({"Filters": filters, "MaxResults": 100});
    scene.internal("securityhub", "GetFindings", input)["Findings"].as_array().unwrap().clone()
}

/// The findings of a rule in Security Hub: whether each is active, and its workflow.
fn in_the_hub(scene: &Scene, rule: &str) -> Vec<(Value, Value)> {
    let found =
        hub_findings(scene, json!({"GeneratorId": [{"Value": format!("pitcrew/{rule}"), "Comparison": "EQUALS"}]}));
    found.iter().map(|one| (one["RecordState"].clone(), one["Workflow"]["Status"].clone())).collect()
}

/// Denies the function one action, in the place of what was denied to it before.
fn deny(scene: &Scene, action: &str) {
    let no = json!({"Statement": [{"Sid": "No", "Effect": "Deny", "Action": action, "Resource": "*"}]});
    lock(scene.stage.cloud.world()).policies.set(ROLE, "denied", vec![no]).unwrap();
}

fn owed(scene: &Scene) -> Value {
    value(scene, "state.json")["security_hub"]["owed"].clone()
}

/// A stage whose findings go to Security Hub.
pub async fn stage_with_hub() -> Scene {
    stage(|setting| drop(setting.parameters.insert("SecurityHub".to_owned(), "true".to_owned()))).await
}

pub fn enable_hub(scene: &Scene) {
    scene.call("securityhub", "EnableSecurityHub", json!({"EnableDefaultStandards": false}));
}

#[tokio::test]
async fn security_hub_gets_the_findings_later_if_need_be_and_archives_what_is_gone() {
    let scene = stage_with_hub().await;
    let (bare, _) = fleet(&scene).await;
    // It is off: that is no failure, and nothing is owed.
    audited(&scene).await;
    assert_eq!(owed(&scene), Value::Null);
    enable_hub(&scene);

    let busy = json!({"kind": "error", "code": "InternalException", "status": 500});
    scene.fault(json!({"on": "securityhub:BatchImportFindings", "by": AUDIT, "times": 6, "do": busy}));
    let report = audited(&scene).await;
    assert_eq!(owed(&scene), report["run"], "{}", scene.story());
    scene.until(60, "it is sent from the stored report", |scene| in_the_hub(scene, NO_ALARM).len() == 1).await;
    assert_eq!(in_the_hub(&scene, NO_ALARM), [(json!("ACTIVE"), json!("NEW"))]);

    // It goes in a report that is never sent: the next one that is archives it.
    deny(&scene, "securityhub:*");
    scene.watch(&bare);
    let unsent = audited(&scene).await;
    assert_eq!((found(&unsent, NO_ALARM).len(), owed(&scene)), (0, Value::Null));
    assert_eq!(in_the_hub(&scene, NO_ALARM), [(json!("ACTIVE"), json!("NEW"))]);
    deny(&scene, "securityhub:DeleteInsight");
    audited(&scene).await;
    assert_eq!(in_the_hub(&scene, NO_ALARM), [(json!("ARCHIVED"), json!("RESOLVED"))]);
    scene.strike().await;
}

#[tokio::test]
async fn what_security_hub_refuses_is_told_once_and_holds_nothing_up() {
    let scene = stage_with_hub().await;
    fleet(&scene).await;
    enable_hub(&scene);
    deny(&scene, "securityhub:*");
    let first = audited(&scene).await;
    let state = value(&scene, "state.json");
    assert_eq!((owed(&scene), &state["security_hub"]["refused"]), (Value::Null, &json!("AccessDeniedException")));
    // The first report and the refusal, and then neither again.
    let told = scene.told_of("audit");
    assert_eq!(told, 2, "{}", scene.story());
    let second = audited(&scene).await;
    assert_eq!((&second["previous"], scene.told_of("audit")), (&first["run"], told), "{}", scene.story());
    deny(&scene, "securityhub:DeleteInsight");
    audited(&scene).await;
    assert_eq!(in_the_hub(&scene, NO_ALARM), [(json!("ACTIVE"), json!("NEW"))]);
    assert_eq!(value(&scene, "state.json")["security_hub"]["refused"], Value::Null);
    scene.strike().await;
}

#[tokio::test]
async fn a_waiver_file_that_cannot_be_read_is_a_finding_and_one_that_can_waives() {
    let scene = stage(|_| {}).await;
    fleet(&scene).await;
    let put = |body: &str| {
        let bucket = scene.stage.output("AuditBucketName");
        let input = json!({"Bucket": bucket, "Key": "waivers.json", "Body": STANDARD.encode(body)});
        scene.internal("s3", "PutObject", input);
    };
    put("{\"waivers\": [");
    let report = audited(&scene).await;
    let malformed = |report: &Value| {
        report["findings"].as_array().unwrap().iter().filter(|one| one["rule"] == "audit-waiver-malformed").count()
    };
    assert_eq!((malformed(&report), report["waived"].as_u64()), (1, Some(0)));
    let entry =
        json!({"rule": NO_ALARM, "service": "shop-*", "until": "2027-01-31", "reason": "the vendor watches it"});
    put(&json!({"waivers": [entry]}).to_string());
    let report = audited(&scene).await;
    assert_eq!((malformed(&report), report["waived"].as_u64()), (0, Some(1)));
    assert_eq!(report["changes"]["waived"].as_array().unwrap().len(), 1);
    scene.strike().await;
}

#[tokio::test]
async fn a_service_that_may_not_be_described_is_not_checked_and_nothing_of_it_is_gone() {
    let scene = stage(|_| {}).await;
    let (bare, _) = fleet(&scene).await;
    let before = audited(&scene).await;
    let denied = json!({"Statement": [
        {"Sid": "NoLook", "Effect": "Deny", "Action": "apprunner:DescribeService", "Resource": bare.arn},
    ]});
    lock(scene.stage.cloud.world()).policies.set(ROLE, "denied", vec![denied]).unwrap();
    let report = audited(&scene).await;
    assert_eq!((report["audited"].as_u64(), &report["changes"]["gone"]), (Some(1), &json!([])), "{report:#}");
    let of = |report: &Value| found(report, NO_ALARM);
    assert_eq!((of(&report), of(&before)), (vec!["shop-bare".to_owned()], vec!["shop-bare".to_owned()]));
    let all = report["findings"].as_array().unwrap();
    assert!(
        all.iter().any(|one| one["rule"] == NO_ALARM && one["checked"] == false),
        "it was seen before, and not now"
    );
    let entries = report["not_checked"].as_array().unwrap();
    let entry = entries.iter().find(|entry| entry["rule"] == "*").unwrap_or_else(|| panic!("{report:#}"));
    assert_eq!(entry["resources"][0]["arn"], json!(bare.arn));
    assert!(entry["why"].as_str().unwrap().contains("apprunner:DescribeService is denied"), "{entry:#}");
    scene.strike().await;
}
