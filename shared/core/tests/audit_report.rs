//! The published sample of a report is what the code makes, and its page stays of a bounded size.

use pitcrew_core::audit::{Trend, html};

#[path = "../examples/audit_page/sample.rs"]
mod sample;

/// What a browser on a phone opens without trouble.
const PAGE_BYTES_MAX: usize = 12_000_000;

#[test]
fn the_page_of_ten_thousand_services_stays_bounded() {
    let report = sample::large(10_000);
    let page = html::page(&report, &Trend::default());
    assert!(page.len() < PAGE_BYTES_MAX, "{} bytes", page.len());
    assert!(page.contains("Shown here: 1000 of 20,000 open findings"));
}
