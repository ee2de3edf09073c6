//! Writes the page of a made-up fleet, to be looked at, its report, and what Security Hub is told of it:
//! `cargo run -p pitcrew-core --example audit_page -- [--hostile] OUT.html [OUT.json [HUB.json]]`.
//!
//! `docs/audit.sample.json` is such a report. With `--hostile` the names of the fleet try to run, for tests/audit_page.

use std::error::Error;
use std::ffi::OsString;

use pitcrew_core::audit::{asff, html};
use serde_json::{Value, json};

#[expect(dead_code, reason = "the tests use the rest of it")]
#[expect(clippy::expect_used, reason = "the sample is made of constants, and its tests build it")]
mod sample;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let hostile = arguments.iter().any(|argument| argument == "--hostile");
    arguments.retain(|argument| argument != "--hostile");
    let page = arguments.first().ok_or("usage: audit_page [--hostile] OUT.html [OUT.json [HUB.json]]")?;
    let report = sample::report(if hostile { sample::HOSTILE } else { sample::TAME });
    std::fs::write(page, html::page(&report, &sample::trend(&report)))?;
    if let Some(json) = arguments.get(1) {
        std::fs::write(json, serde_json::to_string_pretty(&report)? + "\n")?;
    }
    if let Some(hub) = arguments.get(2) {
        let page = Some("https://s3.console.aws.amazon.com/s3/object/audit");
        let since = asff::Since::previous(&report);
        let bodies = |call| {
            let requests = asff::requests(&report, &since, page, 0).filter(move |request| request.call == call);
            requests.map(|request| serde_json::from_str(&request.body)).collect::<Result<Vec<Value>, _>>()
        };
        let calls = json!({"imports": bodies(asff::Call::Import)?, "updates": bodies(asff::Call::Update)?});
        std::fs::write(hub, calls.to_string())?;
    }
    Ok(())
}
