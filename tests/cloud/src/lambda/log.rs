//! The lines of a function's log: what the process wrote, between the platform's own lines.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Function, Invocation, LogFormat, Outcome};

/// The lines of one invocation, in order.
pub(super) fn lines(function: &Function, invocation: &Invocation, outcome: &Outcome, now: Timestamp) -> Vec<String> {
    let mut lines = Vec::with_capacity(outcome.lines.len() + 4);
    match function.log_format {
        LogFormat::Text => {
            let id = &invocation.id;
            lines.push(format!("START RequestId: {id} Version: $LATEST"));
            lines.extend(outcome.lines.iter().cloned());
            if let Some(error) = platform_error(outcome) {
                lines.push(format!("{} {id} {error}", now.strftime("%Y-%m-%dT%H:%M:%S.%3fZ")));
            }
            lines.push(format!("END RequestId: {id}"));
            lines.push(report(function, id, outcome));
        }
        LogFormat::Json => {
            let event = |kind: &str, record: Value| {
                json!({"time": now.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string(), "type": kind, "record": record})
                    .to_string()
            };
            let id = &invocation.id;
            lines.push(event("platform.start", json!({"requestId": id, "version": "$LATEST"})));
            lines.extend(outcome.lines.iter().cloned());
            lines.push(event("platform.report", json_report(function, id, outcome)));
        }
    }
    lines
}

/// What the platform says in the log about an invocation that the function did not end itself.
fn platform_error(outcome: &Outcome) -> Option<&str> {
    let error = outcome.result.as_ref().err()?;
    match error.kind.as_str() {
        "Sandbox.Timedout" => error.message.split("Error: ").nth(1),
        kind if kind.starts_with("Runtime.") && outcome.sandbox_lost => Some(&error.message),
        _ => None,
    }
}

fn report(function: &Function, id: &str, outcome: &Outcome) -> String {
    let billed = outcome.duration_ms.ceil().max(1.0);
    let memory = outcome.memory_mb.unwrap_or(0);
    let init = outcome.init_ms.map_or_else(String::new, |init| format!("\tInit Duration: {init:.2} ms"));
    format!(
        "REPORT RequestId: {id}\tDuration: {:.2} ms\tBilled Duration: {billed} ms\tMemory Size: {} MB\tMax Memory Used: {memory} MB{init}",
        outcome.duration_ms, function.memory_mb,
    )
}

fn json_report(function: &Function, id: &str, outcome: &Outcome) -> Value {
    let mut metrics = json!({
        "durationMs": outcome.duration_ms, "billedDurationMs": outcome.duration_ms.ceil().max(1.0),
        "memorySizeMB": function.memory_mb,
    });
    if let Some(memory) = outcome.memory_mb {
        metrics["maxMemoryUsedMB"] = json!(memory);
    }
    if let Some(init) = outcome.init_ms {
        metrics["initDurationMs"] = json!(init);
    }
    let status = match &outcome.result {
        Ok(_) => "success",
        Err(error) if error.kind == "Sandbox.Timedout" => "timeout",
        Err(_) if outcome.sandbox_lost => "failure",
        Err(_) => "error",
    };
    let mut record = json!({"requestId": id, "status": status, "metrics": metrics});
    if let Err(error) = &outcome.result {
        record["errorType"] = json!(error.kind);
    }
    record
}
