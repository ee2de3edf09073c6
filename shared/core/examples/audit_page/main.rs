//! Writes the page of a made-up fleet, to be looked at, its report, and what Security Hub is told of it:
//! `cargo run -p pitcrew-core --example audit_page -- [FLAG] OUT.html [OUT.json [HUB.json]]`.
//!
//! `docs/audit.sample.json` is such a report. With `--hostile` the names of the fleet try to run, with `--name` one of them
//! is what you give; `--fleet` is large, and nothing is found in the `--empty` one.

use std::error::Error;

use pitcrew_core::audit::{Trend, asff, html};
use serde_json::{Value, json};

#[expect(clippy::expect_used, reason = "the sample is made of constants, and its tests build it")]
mod sample;

const USAGE: &str =
    "usage: audit_page [--hostile | --name TEXT | --fleet SERVICES | --empty] OUT.html [OUT.json [HUB.json]]";

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1).peekable();
    let report = match arguments.next_if(|argument| argument.starts_with("--")).as_deref() {
        None => sample::report(sample::TAME),
        Some("--hostile") => sample::report(sample::HOSTILE),
        Some("--name") => sample::report(&arguments.next().ok_or(USAGE)?),
        Some("--fleet") => sample::fleet(arguments.next().ok_or(USAGE)?.parse()?),
        Some("--empty") => sample::large(0),
        Some(_) => return Err(USAGE.into()),
    };
    let trend = if report.previous.is_some() { sample::trend(&report) } else { Trend::default() };
    std::fs::write(arguments.next().ok_or(USAGE)?, html::page(&report, &trend))?;
    if let Some(json) = arguments.next() {
        std::fs::write(json, serde_json::to_string_pretty(&report)? + "\n")?;
    }
    if let Some(hub) = arguments.next() {
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
