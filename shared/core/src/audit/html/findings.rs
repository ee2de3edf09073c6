//! The open findings, by what they are about, each with what mends it.

use std::collections::BTreeMap;

use super::super::{Counts, Finding, Grade, Report, Resource};
use super::write::{Html, plural};
use super::{FINDINGS_MAX, badge};

/// Services and resources that stand open when the page is opened; the rest is a click away.
const OPEN_MAX: usize = 25;
/// Characters of one text on the page; the JSON holds it whole.
const TEXT_CHARS_MAX: usize = 800;

struct About<'r> {
    resource: &'r Resource,
    counts: Counts,
    findings: Vec<&'r Finding>,
}

pub(super) fn section(html: &mut Html, report: &Report) {
    html.raw("<section aria-labelledby=\"findings\">\n<h2 id=\"findings\">Findings</h2>\n");
    let open: Vec<&Finding> = report.findings.iter().filter(|finding| finding.open()).collect();
    if open.is_empty() {
        html.raw("<p>No finding is open.</p>\n</section>\n");
        return;
    }
    let groups = groups(open.iter().take(FINDINGS_MAX).copied());
    html.raw("<p class=\"note\">").text(&plural(open.len(), "open finding", "open findings")).raw(" in ");
    html.text(&plural(groups.len(), "place", "places")).raw(", the worst first.</p>\n");
    super::left_out(html, open.len().min(FINDINGS_MAX), open.len(), "open findings, the worst of them");
    controls(html);
    for (at, about) in groups.iter().enumerate() {
        group(html, about, at < OPEN_MAX);
    }
    html.raw("</section>\n");
}

/// By resource: those with the worst findings first, then those with the most, then by name.
fn groups<'r>(findings: impl Iterator<Item = &'r Finding>) -> Vec<About<'r>> {
    let mut by: BTreeMap<&Resource, About<'r>> = BTreeMap::new();
    for finding in findings {
        let resource = &finding.resource;
        let about = by.entry(resource).or_insert(About { resource, counts: Counts::default(), findings: Vec::new() });
        about.counts.add(finding.grade);
        about.findings.push(finding);
    }
    let mut all: Vec<About<'r>> = by.into_values().collect();
    all.sort_by_key(|about| std::cmp::Reverse(Grade::ALL.map(|grade| about.counts.of(grade))));
    all
}

/// Hidden until the script shows them: without it they would do nothing.
fn controls(html: &mut Html) {
    html.raw("<form class=\"controls\" id=\"controls\" hidden>\n<label>Find <input type=\"search\" id=\"needle\" ");
    html.raw("placeholder=\"service, rule, word\" autocomplete=\"off\"></label>\n");
    html.raw("<fieldset><legend class=\"sr\">Grades</legend>\n");
    for grade in Grade::ALL {
        html.raw("<label class=\"check\"><input type=\"checkbox\" name=\"grade\" checked value=\"")
            .text(grade.as_str());
        html.raw("\"> ");
        badge(html, grade);
        html.raw("</label>\n");
    }
    html.raw("</fieldset>\n<p id=\"shown\" role=\"status\"></p>\n</form>\n");
}

fn group(html: &mut Html, about: &About<'_>, open: bool) {
    html.raw("<details class=\"group\"").raw(if open { " open" } else { "" }).raw(">\n<summary><h3>");
    match about.resource {
        Resource::Service { arn } => html.clipped(arn.name(), 120),
        Resource::Account => html.raw("The account in this region"),
        Resource::Other { kind, .. } => html.clipped(kind, 120).raw(" ").clipped(about.resource.name(), 255),
    };
    html.raw("</h3> <span class=\"tally\">");
    for grade in Grade::ALL.into_iter().filter(|grade| about.counts.of(*grade) > 0) {
        html.count(about.counts.of(grade)).raw(" ").text(grade.as_str()).raw(" ");
    }
    html.raw("</span></summary>\n");
    for finding in &about.findings {
        one(html, finding);
    }
    html.raw("</details>\n");
}

fn one(html: &mut Html, finding: &Finding) {
    html.raw("<article class=\"finding b-").text(finding.grade.as_str()).raw("\" data-grade=\"");
    html.text(finding.grade.as_str()).raw("\" id=\"f-").text(&finding.id).raw("\">\n<h4>");
    badge(html, finding.grade);
    html.raw(" ").text(&finding.title);
    if !finding.key.is_empty() {
        html.raw(" <span class=\"key\">").clipped(&finding.key, 255).raw("</span>");
    }
    html.raw("</h4>\n<p>").clipped(&finding.seen, TEXT_CHARS_MAX).raw("</p>\n");
    if !finding.checked {
        html.raw("<p class=\"stale\">Not checked this time: as an earlier run saw it.</p>\n");
    }
    html.raw("<p><b>To mend it:</b> ").clipped(&finding.fix.text, TEXT_CHARS_MAX).raw("</p>\n");
    if let Some(command) = &finding.fix.command {
        html.raw("<div class=\"command\"><pre tabindex=\"0\"><code>").text(command);
        html.raw("</code></pre><button type=\"button\" class=\"copy\" hidden>Copy</button></div>\n");
    }
    html.raw("<p class=\"meta\"><a href=\"#rule-").text(&finding.rule).raw("\">").text(&finding.rule);
    html.raw("</a> · first seen ").day(finding.first_seen).raw("</p>\n</article>\n");
}
