//! The open findings, by what they are about, each with what mends it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::super::{Counts, Finding, Grade, Report, Resource};
use super::write::{Html, plural};
use super::{FINDINGS_BYTES_MAX, FINDINGS_MAX, badge};
use crate::id::ServiceArn;

/// Findings that stand open when the page is opened, those of the last place that fits included; the rest is a click away.
const UNFOLDED_MAX: usize = 20;
/// Characters of one text on the page; the JSON holds it whole.
const TEXT_CHARS_MAX: usize = 800;

/// The open findings as the page shows them, made before the sections that lead to them.
pub(super) struct Shown<'r> {
    places: Vec<Place<'r>>,
    ids: BTreeSet<&'r str>,
    /// Open findings, also those that the page leaves out.
    open: usize,
}

/// What findings are about.
struct Place<'r> {
    resource: &'r Resource,
    counts: Counts,
    findings: Vec<Html>,
}

impl<'r> Shown<'r> {
    /// The worst, as many as the page may hold. The report has the worst first.
    pub fn of(report: &'r Report) -> Self {
        let mut by: BTreeMap<&Resource, Place<'r>> = BTreeMap::new();
        let (mut ids, mut open, mut bytes) = (BTreeSet::new(), 0, 0);
        for finding in report.findings.iter().filter(|finding| finding.open()) {
            open += 1;
            if ids.len() < FINDINGS_MAX && bytes < FINDINGS_BYTES_MAX {
                let resource = &finding.resource;
                let empty = Place { resource, counts: Counts::default(), findings: Vec::new() };
                let place = by.entry(resource).or_insert(empty);
                let html = one(finding, report.finished);
                bytes += html.bytes();
                ids.insert(finding.id.as_str());
                place.counts.add(finding.grade);
                place.findings.push(html);
            }
        }
        // Places with the worst findings first, then those with the most, then by name.
        let mut places: Vec<Place<'r>> = by.into_values().collect();
        places.sort_by_key(|place| std::cmp::Reverse(Grade::ALL.map(|grade| place.counts.of(grade))));
        Self { places, ids, open }
    }

    /// Whether the page has this finding, for links.
    pub fn holds(&self, id: &str) -> bool {
        self.ids.contains(id)
    }

    /// The number of the service's place, for links.
    pub fn place(&self, service: &ServiceArn) -> Option<usize> {
        self.places.iter().position(|place| place.resource.service() == Some(service))
    }
}

pub(super) fn section(html: &mut Html, shown: &Shown<'_>) {
    if shown.open == 0 {
        super::nothing(html, "findings", "Findings", "No finding is open.");
        return;
    }
    html.raw("<section aria-labelledby=\"findings\">\n<h2 id=\"findings\">Findings</h2>\n");
    html.raw("<p class=\"note\">").text(&plural(shown.open, "open finding", "open findings")).raw(", the worst first");
    html.raw(". A command may hold names in capitals, which are yours to fill in.</p>\n");
    super::left_out(html, shown.ids.len(), shown.open, "open findings, the worst of them");
    controls(html);
    let mut unfolded = 0;
    for (at, place) in shown.places.iter().enumerate() {
        group(html, at, place, unfolded < UNFOLDED_MAX);
        unfolded += place.findings.len();
    }
    html.raw("<p id=\"nothing\" hidden>No finding matches.</p>\n</section>\n");
}

/// Hidden until the script shows them: without it they would do nothing.
fn controls(html: &mut Html) {
    html.raw("<form class=\"controls\" id=\"controls\" hidden>\n<label>Find <input type=\"search\" id=\"needle\" ");
    html.raw("placeholder=\"service, rule, word\" autocomplete=\"off\" spellcheck=\"false\"></label>\n");
    html.raw("<fieldset><legend class=\"sr\">Grades</legend>\n");
    for grade in Grade::ALL {
        html.raw("<label class=\"check\"><input type=\"checkbox\" name=\"grade\" checked value=\"")
            .text(grade.as_str());
        html.raw("\"> ");
        badge(html, grade);
        html.raw("</label>\n");
    }
    html.raw("</fieldset>\n<span class=\"buttons\"><button type=\"button\" id=\"unfold\">Open all</button> ");
    html.raw("<button type=\"button\" id=\"fold\">Fold all</button> <button type=\"reset\">Show all</button></span>\n");
    html.raw("<p id=\"shown\" role=\"status\"></p>\n</form>\n");
}

fn group(html: &mut Html, at: usize, place: &Place<'_>, open: bool) {
    html.raw("<details class=\"group\" id=\"place-").number(at).raw("\"").raw(if open { " open" } else { "" });
    html.raw(">\n<summary><h3>");
    match place.resource {
        Resource::Service { arn } => html.name(arn.name(), 120),
        Resource::Account => html.raw("The account in this region"),
        Resource::Other { kind, .. } => html.clipped(kind, 120).raw(" ").name(place.resource.name(), 255),
    };
    html.raw("</h3> <span class=\"tally\">");
    let grades = Grade::ALL.into_iter().filter(|grade| place.counts.of(*grade) > 0);
    for (number, grade) in grades.enumerate() {
        html.raw(if number > 0 { ", " } else { "" }).count(place.counts.of(grade)).raw(" ").text(grade.as_str());
    }
    html.raw("</span></summary>\n");
    for finding in &place.findings {
        html.append(finding);
    }
    html.raw("</details>\n");
}

fn one(finding: &Finding, now: Timestamp) -> Html {
    let mut html = Html::default();
    html.raw("<article class=\"finding b-").text(finding.grade.as_str()).raw("\" data-grade=\"");
    html.text(finding.grade.as_str()).raw("\" id=\"f-").text(&finding.id).raw("\">\n<h4>");
    badge(&mut html, finding.grade);
    html.raw(" ").text(&finding.title);
    if !finding.key.is_empty() {
        html.raw(" <span class=\"key\">").name(&finding.key, 255).raw("</span>");
    }
    html.raw("</h4>\n<p>").clipped(&finding.seen, TEXT_CHARS_MAX).raw("</p>\n");
    if !finding.checked {
        html.raw("<p class=\"stale\">Not checked this time: as an earlier run saw it.</p>\n");
    }
    html.raw("<p><b>To mend it:</b> ").clipped(&finding.fix.text, TEXT_CHARS_MAX).raw("</p>\n");
    if let Some(command) = &finding.fix.command {
        html.raw("<div class=\"command\"><pre><code>").command(command).raw("</code></pre></div>\n");
    }
    html.raw("<p class=\"meta\"><a href=\"#rule-").text(&finding.rule).raw("\">").text(&finding.rule);
    html.raw("</a> · first seen ").day(finding.first_seen);
    let days = (now.as_second() - finding.first_seen.as_second()) / super::DAY_SECONDS;
    if days > 0 {
        html.raw(", ").text(&plural(usize::try_from(days).unwrap_or_default(), "day", "days")).raw(" ago");
    }
    html.raw("</p>\n</article>\n");
    html
}
