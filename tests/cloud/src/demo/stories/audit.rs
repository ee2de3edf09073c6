//! A fleet with planted faults: what an audit finds of it, what people see, and what is better after three were mended.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::super::DemoError;
use super::super::ending::{Ending, writes};
use super::super::play::Play;
use crate::fleet::{EVERYWHERE, Fleet, MENDED, PLANTED, Site, place};
use crate::stage::{AUDIT, Stage};

/// Ticks that an audit of forty services may need.
const TICKS_MAX: usize = 20;
const GRADES: [&str; 4] = ["critical", "high", "medium", "low"];

pub(super) async fn audit(play: &mut Play) -> Result<Ending, DemoError> {
    let fleet = Fleet::plant(&Site::of(play.stage())).await?;
    play.begin_story().await?;
    let stage = play.stage();
    let site = Site::of(stage);
    // Ticks that came while the fleet was planted saw half of it: the first audit is this one.
    empty(stage, None)?;
    fleet.remember(&site)?;
    let first = run(stage).await?;
    play.minutes(2).await?;
    let page = object(stage, "index.html")?;

    fleet.mend(&site)?;
    empty(stage, Some("state.json"))?;
    fleet.remember(&site)?;
    let second = run(stage).await?;
    play.minutes(2).await?;

    let mut ending = play.end().await?;
    let judged = fleet.judge(&first);
    ending.shown = shown(&first, &second);
    for line in &judged.missing {
        ending.expect(&format!("found: {line}"), false);
    }
    for line in &judged.surplus {
        ending.expect(&format!("nobody planted: {line}"), false);
    }
    let planted = PLANTED.len();
    ending
        .expect(&format!("each of {planted} planted faults was found where it was planted"), judged.missing.is_empty());
    ending.expect("nothing else was found", judged.surplus.is_empty());
    ending.expect("every service was audited", first["audited"] == json!(fleet.services.len()));
    for (rule, at) in MENDED {
        ending.expect(&format!("{rule} at {at} is gone after it was mended"), is_gone(&second, rule));
    }
    let text = String::from_utf8_lossy(&page);
    ending.expect(
        "the page is a document that names the services",
        fleet.services.keys().all(|name| text.contains(name.as_str())),
    );
    ending.expect(
        "no secret of a service stands in the report or on its page",
        !text.contains("made-up-4711") && !first.to_string().contains("made-up-4711"),
    );
    ending.expect("the audit wrote nothing to App Runner", writes(&ending.history, "audit", "apprunner").is_empty());
    ending.expect("people were told of what is better", ending.slack.len() >= 2);
    ending.page = Some(page);
    Ok(ending)
}

/// Whether a run says that what a rule found is gone.
fn is_gone(report: &Value, rule: &str) -> bool {
    report["changes"]["gone"].as_array().into_iter().flatten().any(|finding| finding["rule"] == rule)
}

/// Ticks until a run has come to its end; its report.
async fn run(stage: &Stage) -> Result<Value, DemoError> {
    let event = json!({"source": "pitcrew", "detail-type": "Sweep", "detail": {}});
    let mut said = String::new();
    for _ in 0..TICKS_MAX {
        let outcome = stage.cloud.invoke(AUDIT, event.clone()).await?;
        stage.cloud.settle().await?;
        said = format!("{outcome:?}");
        if let Ok(state) = object(stage, "state.json") {
            let state: Value = serde_json::from_slice(&state).unwrap_or_default();
            if state["run"].is_null() && !state["last"].is_null() {
                let report = object(stage, "latest.json")?;
                return serde_json::from_slice(&report).map_err(|error| DemoError::NoReport(error.to_string()));
            }
        }
    }
    Err(DemoError::NoReport(said))
}

/// An object of the audit's bucket.
fn object(stage: &Stage, key: &str) -> Result<Vec<u8>, DemoError> {
    let at = json!({"Bucket": stage.output("AuditBucketName"), "Key": key});
    let answer = stage.internal("s3", "GetObject", at)?;
    let body = STANDARD.decode(answer["Body"].as_str().unwrap_or_default());
    body.map_err(|error| DemoError::NoReport(error.to_string()))
}

/// Takes an object out of the audit's bucket, or all of them.
fn empty(stage: &Stage, only: Option<&str>) -> Result<(), DemoError> {
    let bucket = stage.output("AuditBucketName");
    let listed = stage.internal("s3", "ListObjectsV2", json!({"Bucket": bucket}))?;
    let keys = listed["Contents"].as_array().into_iter().flatten().filter_map(|object| object["Key"].as_str());
    for key in keys.filter(|key| only.is_none_or(|only| only == *key)) {
        stage.internal("s3", "DeleteObject", json!({"Bucket": bucket, "Key": key}))?;
    }
    Ok(())
}

/// The table: by grade and rule, what was found where; then what is better in the run after.
fn shown(first: &Value, second: &Value) -> Vec<String> {
    let mut by_rule: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for finding in first["findings"].as_array().into_iter().flatten() {
        let text = |member: &str| finding[member].as_str().unwrap_or_default();
        by_rule.entry((text("grade"), text("rule"))).or_default().push(place(finding));
    }
    let mut lines = Vec::new();
    for grade in GRADES {
        let rules: Vec<_> = by_rule.iter().filter(|((of, _), _)| *of == grade).collect();
        let count: usize = rules.iter().map(|(_, at)| at.len()).sum();
        lines.push(format!("{grade}: {count} by {} rules", rules.len()));
        for ((_, rule), at) in rules {
            let mut names: Vec<&str> = at.iter().map(|at| short(at)).collect();
            names.dedup();
            let more = if EVERYWHERE.contains(rule) { names.split_off(1).len() } else { 0 };
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            lines.push(format!("  {rule:<36} {}{more}", names.join(", ")));
        }
    }
    let gone = second["changes"]["gone"].as_array().into_iter().flatten();
    let gone: Vec<String> = gone
        .map(|finding| format!("  {:<36} {}", finding["rule"].as_str().unwrap_or_default(), short(place(finding))))
        .collect();
    lines.push(format!("after the three were mended, {} findings are gone:", gone.len()));
    lines.extend(gone);
    lines
}

/// The name in an ARN; anything else as it is.
fn short(at: &str) -> &str {
    if at.starts_with("arn:") { at.split('/').nth(1).unwrap_or(at) } else { at }
}
