//! The page of a report: one file that needs no network, no font and no script to be read.
//!
//! It is made of the report and the trend alone, and the same both give the same bytes. Everything from outside goes through
//! [`write::Html::text`]. What the script adds (a filter, buttons that copy) is shown only where it runs; the policy in the
//! head lets nothing run and nothing load but the two blocks whose hashes it names.

mod changes;
mod findings;
mod frequent;
mod glance;
mod plots;
mod reference;
mod write;

use sha2::{Digest as _, Sha256};

use super::engine::EVERY_RULE;
use super::{Grade, Report, Trend};
use findings::Shown;
use write::Html;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// Open findings that the page shows, the worst first. One is some 1.2 kB, so a phone still opens and filters them.
const FINDINGS_MAX: usize = 4_000;
/// Bytes of them, where texts from outside make them longer than that.
const FINDINGS_BYTES_MAX: usize = 4_500_000;
/// Rows of every other list.
const ROWS_MAX: usize = 200;
/// Entries of one list of changes.
const CHANGES_MAX: usize = 30;
/// Resources that are named for one reason of not having checked.
const NAMES_MAX: usize = 20;

const DAY_SECONDS: i64 = 86_400;

/// The page.
pub fn page(report: &Report, trend: &Trend) -> String {
    let mut html = Html::default();
    let shown = Shown::of(report);
    head(&mut html, report);
    html.raw("<body>\n<a class=\"skip\" href=\"#findings\">Skip to the findings</a>\n");
    glance::header(&mut html, report);
    html.raw("<main id=\"top\">\n");
    glance::tiles(&mut html, report, trend);
    changes::section(&mut html, report, &shown);
    plots::trend(&mut html, report, trend);
    plots::certificates(&mut html, report);
    frequent::section(&mut html, report);
    findings::section(&mut html, &shown);
    reference::waived(&mut html, report);
    reference::not_checked(&mut html, report);
    reference::services(&mut html, report, &shown);
    reference::rules(&mut html, report);
    html.raw("</main>\n");
    glance::footer(&mut html, report);
    html.raw("<script>").raw(SCRIPT).raw("</script>\n</body>\n</html>\n");
    html.into_string()
}

fn head(html: &mut Html, report: &Report) {
    let policy = format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; img-src data:; base-uri 'none'; form-action 'none'",
        fingerprint(SCRIPT),
        fingerprint(STYLE),
    );
    html.raw("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    // The quotes of the policy are escaped like any text; the browser reads the attribute, not its source.
    html.raw("<meta http-equiv=\"Content-Security-Policy\" content=\"").text(&policy).raw("\">\n");
    html.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    html.raw("<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n");
    html.raw("<meta name=\"robots\" content=\"noindex\">\n<title>pitcrew audit: ");
    html.text(&report.place.account).raw(", ").text(&report.place.region);
    html.raw(", ").text(&write::day(report.finished)).raw("</title>\n");
    html.raw(
        "<link rel=\"icon\" href=\"data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'%3E",
    );
    html.raw("%3Cpath fill='%23335cff' d='M0 0h4v4H0zm4 4h4v4H4z'/%3E%3C/svg%3E\">\n<style>").raw(STYLE);
    html.raw("</style>\n</head>\n");
}

/// What the policy calls a block: the hash of the text between its tags.
fn fingerprint(text: &str) -> String {
    use base64::Engine as _;
    format!("sha256-{}", base64::engine::general_purpose::STANDARD.encode(Sha256::digest(text)))
}

/// The word, and a sign that tells it from the others without colour.
fn badge(html: &mut Html, grade: Grade) {
    html.raw(match grade {
        Grade::Critical => "<span class=\"badge critical\"><span aria-hidden=\"true\">◆</span> Critical</span>",
        Grade::High => "<span class=\"badge high\"><span aria-hidden=\"true\">▲</span> High</span>",
        Grade::Medium => "<span class=\"badge medium\"><span aria-hidden=\"true\">■</span> Medium</span>",
        Grade::Low => "<span class=\"badge low\"><span aria-hidden=\"true\">●</span> Low</span>",
    });
}

/// The id of a rule, as a link to what is said of it.
fn rule_name(html: &mut Html, report: &Report, rule: &str) {
    match rule {
        EVERY_RULE => html.raw("Every rule"),
        rule if report.rules.iter().any(|line| line.id == rule) => {
            html.raw("<a href=\"#rule-").text(rule).raw("\">").text(rule).raw("</a>")
        }
        rule => html.text(rule),
    };
}

/// The head of a table of numbers, up to its rows.
fn columns(html: &mut Html, words: &[&'static str], numbers: &[&'static str]) {
    html.raw("<table>\n<thead><tr>");
    for word in words {
        html.raw("<th scope=\"col\">").raw(word).raw("</th>");
    }
    for number in numbers {
        html.raw("<th scope=\"col\" class=\"num\">").raw(number).raw("</th>");
    }
    html.raw("</tr></thead>\n<tbody>\n");
}

/// The head of a table of names, drawings and numbers, up to its rows. What is in its columns can be seen, so the head is for
/// those who cannot see.
fn drawing(html: &mut Html, class: &'static str, [name, drawn, number]: [&'static str; 3]) {
    html.raw("<table class=\"drawing ")
        .raw(class)
        .raw("\">\n<colgroup><col><col class=\"c-drawn\"><col class=\"c-num\">");
    html.raw("</colgroup>\n<thead class=\"sr\"><tr><th scope=\"col\">")
        .raw(name)
        .raw("</th><th scope=\"col\">")
        .raw(drawn);
    html.raw("</th><th scope=\"col\" class=\"num\">").raw(number).raw("</th></tr></thead>\n<tbody>\n");
}

/// A section with nothing to show: one line that says so.
fn nothing(html: &mut Html, id: &'static str, title: &'static str, said: &'static str) {
    html.raw("<section class=\"nothing\" aria-labelledby=\"")
        .raw(id)
        .raw("\">\n<h2 id=\"")
        .raw(id)
        .raw("\">")
        .raw(title);
    html.raw("</h2>\n<p>").raw(said).raw("</p>\n</section>\n");
}

/// What the page leaves out, and where it stands.
fn left_out(html: &mut Html, shown: usize, all: usize, what: &'static str) {
    if shown < all {
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        html.raw("<p class=\"note\">Shown here: ").count(number(shown)).raw(" of ").count(number(all));
        html.raw(" ").raw(what);
        html.raw(". The JSON report of this run holds them all.</p>\n");
    }
}

#[cfg(test)]
mod tests;
