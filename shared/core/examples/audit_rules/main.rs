//! Writes the tables of the rules into the page of the audit for its users:
//! `cargo run -p pitcrew-core --example audit_rules -- docs/AUDIT.md`.

use std::error::Error;

mod table;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: audit_rules docs/AUDIT.md")?;
    let page = std::fs::read_to_string(&path)?;
    let blessed =
        table::into(&page).ok_or_else(|| format!("{path} has no lines `{}` and `{}`", table::BEGIN, table::END))?;
    std::fs::write(path, blessed)?;
    Ok(())
}
