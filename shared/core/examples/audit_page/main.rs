//! Writes the page of a made-up fleet, to be looked at: `cargo run -p pitcrew-core --example audit_page -- OUT.html [OUT.json]`.

use std::error::Error;

use pitcrew_core::audit::html;

#[expect(dead_code, reason = "the tests use the rest of it")]
#[expect(clippy::expect_used, reason = "the sample is made of constants, and its tests build it")]
mod sample;

fn main() -> Result<(), Box<dyn Error>> {
    let mut paths = std::env::args_os().skip(1);
    let page = paths.next().ok_or("usage: audit_page OUT.html [OUT.json]")?;
    let report = sample::report();
    std::fs::write(&page, html::page(&report, &sample::trend(&report)))?;
    if let Some(json) = paths.next() {
        std::fs::write(&json, serde_json::to_string_pretty(&report)? + "\n")?;
    }
    Ok(())
}
