//! What must hold in every run, read from its history and from what is left at its end.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use pitcrew_cloud::history::Entry;
use pitcrew_core::breaker::WINDOW;
use pitcrew_e2e::scene::{CANARY, ROLLBACK};
use pitcrew_e2e::{Shop, table};
use serde_json::Value;

use crate::acts::Kind;
use crate::play::Run;
use crate::sandboxes::PANICKED;

/// Everything that does not hold, in words; nothing where all does.
pub fn broken(run: &Run) -> Vec<String> {
    let history = run.scene.history();
    let mut broken = Vec::new();
    refused_or_torn(&history, &mut broken);
    updates(run, &history, &mut broken);
    for shop in &run.shops {
        service(run, shop, &mut broken);
    }
    left(run, &mut broken);
    broken
}

/// No call is denied, no handler panics, and the cloud itself finds nothing wrong with what it was asked.
fn refused_or_torn(history: &[Entry], broken: &mut Vec<String>) {
    for entry in history {
        let of_its_own =
            matches!(entry.who.as_str(), "world" | "gateway" | "clock") && entry.what["lost-event"].is_null();
        let panicked = entry.what["outcome"]["message"].as_str().is_some_and(|message| message.ends_with(PANICKED));
        match entry.kind {
            "denied" => broken.push(format!("a call was denied: {}", entry.what)),
            "fault" if of_its_own => broken.push(format!("the cloud stumbled: {}", entry.what)),
            "invocation" if panicked => broken.push(format!("a handler panicked: {}", entry.what)),
            _ => {}
        }
    }
}

/// An update that App Runner took from pitcrew, whether pitcrew heard of it or not.
struct Update<'a> {
    at: Timestamp,
    arn: &'a str,
    input: &'a Value,
    /// The service as pitcrew read it last before.
    read: &'a Value,
}

fn taken(history: &[Entry]) -> Vec<Update<'_>> {
    let mut read: BTreeMap<&str, &Value> = BTreeMap::new();
    let mut taken = Vec::new();
    for entry in history.iter().filter(|entry| entry.kind == "call" && entry.who == ROLLBACK) {
        let Some(arn) = entry.what["input"]["ServiceArn"].as_str() else { continue };
        match entry.what["operation"].as_str() {
            Some("DescribeService") if entry.what["outcome"]["ok"].is_object() => {
                read.insert(arn, &entry.what["outcome"]["ok"]["Service"]);
            }
            Some("UpdateService") if is_taken(entry) => {
                let (input, read) = (&entry.what["input"], read.get(arn).copied().unwrap_or(&Value::Null));
                taken.push(Update { at: entry.at, arn, input, read });
            }
            _ => {}
        }
    }
    taken
}

fn is_taken(entry: &Entry) -> bool {
    entry.what["outcome"]["ok"].is_object() && entry.what["fate"]["kind"] != "kill-before"
}

/// Each update goes to a digest that was never bad, changes nothing but the image, and there are no more of them than the
/// breaker and "once a bad digest" allow.
fn updates(run: &Run, history: &[Entry], broken: &mut Vec<String>) {
    let taken = taken(history);
    for update in &taken {
        let image =
            update.input["SourceConfiguration"]["ImageRepository"]["ImageIdentifier"].as_str().unwrap_or_default();
        let digest = image.split_once('@').map_or("", |(_, digest)| digest);
        match run.pushed.iter().find(|pushed| pushed.digest == digest) {
            Some(pushed) if pushed.kind == Kind::Good => {}
            Some(pushed) => broken.push(format!("{}: rolled back to {digest}, which is {:?}", update.arn, pushed.kind)),
            None => broken.push(format!("{}: rolled back to {image}, which nobody made", update.arn)),
        }
        let (mut asked, mut read) =
            (update.input["SourceConfiguration"].clone(), update.read["SourceConfiguration"].clone());
        for configuration in [&mut asked, &mut read] {
            configuration["ImageRepository"]["ImageIdentifier"] = Value::Null;
            configuration["AutoDeploymentsEnabled"] = Value::Null;
        }
        if asked != read {
            broken.push(format!("{}: more than the image was changed: {asked} for {read}", update.arn));
        }
        let beside: Vec<&String> = update.input.as_object().into_iter().flat_map(|input| input.keys()).collect();
        if beside != ["ServiceArn", "SourceConfiguration"] {
            broken.push(format!("{}: the update has {beside:?}", update.arn));
        }
    }
    for pair in taken.windows(2) {
        if let [one, next] = pair
            && next.at.duration_since(one.at) < WINDOW
        {
            broken.push(format!(
                "two rollbacks within the breaker's window: {} at {} and {} at {}",
                one.arn, one.at, next.arn, next.at
            ));
        }
    }
    for shop in &run.shops {
        let bad = run.pushed.iter().filter(|pushed| pushed.shop == shop.name && pushed.kind != Kind::Good);
        let bad: BTreeSet<&str> = bad.map(|pushed| pushed.digest.as_str()).collect();
        let made = taken.iter().filter(|update| update.arn == shop.arn).count();
        if made > bad.len() {
            broken.push(format!("{}: {made} rollbacks for {} bad images", shop.name, bad.len()));
        }
    }
}

/// A service comes to rest, its failed operations have receipts, and nothing bad serves in silence.
fn service(run: &Run, shop: &Shop, broken: &mut Vec<String>) {
    let described = run.scene.described(shop);
    let status = described["Status"].as_str().unwrap_or_default();
    if status == "OPERATION_IN_PROGRESS" {
        broken.push(format!("{}: still busy", shop.name));
    }
    let receipts = run.scene.receipts(shop);
    let known: BTreeSet<&str> = receipts.iter().filter_map(|receipt| receipt["operation"].as_str()).collect();
    for operation in run.scene.operations(shop) {
        let status = operation["Status"].as_str().unwrap_or_default();
        // Receipts write ids without dashes.
        let id = operation["Id"].as_str().unwrap_or_default().replace('-', "");
        let failed = status == "FAILED" || status.starts_with("ROLLBACK");
        if failed && !known.contains(id.as_str()) {
            broken.push(format!("{}: operation {id} ended {status}, and no receipt names it", shop.name));
        }
    }
    let running = run.scene.internal("apprunner", "_Running", serde_json::json!({"ServiceName": shop.name}));
    let digest = running["Digest"].as_str().unwrap_or_default();
    let errs = run.pushed.iter().any(|pushed| pushed.digest == digest && pushed.kind == Kind::Errors);
    if status == "RUNNING" && running["Serving"] == true && errs {
        if run.scene.verdict(shop) == "good" {
            broken.push(format!("{}: {digest} answers with errors, and counts as good", shop.name));
        }
        let told = run.scene.notices().iter().any(|notice| notice.to_string().contains(&shop.arn));
        if !told {
            broken.push(format!("{}: {digest} answers with errors, and nobody was told", shop.name));
        }
    }
}

/// What is told is sent, once where nothing went wrong; nothing is left half done, and no secret got out.
fn left(run: &Run, broken: &mut Vec<String>) {
    let rows = table::all(&run.scene);
    for row in rows.iter().filter(|row| row["open_pk"] == "UNSENT" || row["open_pk"] == "QUARANTINED") {
        broken.push(format!("a notice was never sent: {row}"));
    }
    let notices = run.scene.notices();
    let mut seen = BTreeSet::new();
    for id in notices.iter().filter_map(|notice| notice["id"].as_str()) {
        if !seen.insert(id) && !run.is_faulty {
            broken.push(format!("notice {id} was sent twice"));
        }
    }
    if format!("{rows:?}{notices:?}").contains(CANARY) {
        broken.push("a value of a service's environment got out".to_owned());
    }
}
