//! What stands behind the findings: what is waived, what was not checked, the services, and the rules.

use std::collections::BTreeMap;

use super::super::{Finding, Grade, Group, Report, RuleLine, ServiceLine, WaivedBy};
use super::findings::Shown;
use super::write::{Html, plural};
use super::{NAMES_MAX, ROWS_MAX, badge};

/// Services that stand in the table at once, the worst first; the rest is a click away.
const SERVICES_UNFOLDED_MAX: usize = 20;

pub(super) fn waived(html: &mut Html, report: &Report) {
    let all: Vec<&Finding> = report.findings.iter().filter(|finding| !finding.open()).collect();
    if all.is_empty() {
        super::nothing(html, "waived", "Waived", "No finding is waived.");
        return;
    }
    html.raw("<section aria-labelledby=\"waived\">\n<h2 id=\"waived\">Waived</h2>\n");
    html.raw("<p class=\"note\">Still so, and somebody decided to live with it until the day that is named.</p>\n");
    html.raw("<ul class=\"plain\">\n");
    for finding in all.iter().take(ROWS_MAX) {
        html.raw("<li class=\"row\">");
        badge(html, finding.grade);
        html.raw(" <b>").name(finding.resource.name(), 255).raw("</b> ").text(&finding.title).raw(" ");
        if !finding.key.is_empty() {
            html.raw("<span class=\"key\">").name(&finding.key, 255).raw("</span>");
        }
        if let Some(waived) = &finding.waiver {
            html.raw("<br>Until <b>").text(&waived.until.to_string()).raw("</b>: ").clipped(&waived.reason, 500);
            html.raw(match waived.by {
                WaivedBy::Tag => " <small>(by tag",
                WaivedBy::File => " <small>(by file",
            });
            if let Some(who) = &waived.who {
                html.raw(", ").name(who, 120);
            }
            html.raw(")</small>");
        }
        html.raw("</li>\n");
    }
    html.raw("</ul>\n");
    super::left_out(html, all.len().min(ROWS_MAX), all.len(), "waived findings");
    html.raw("</section>\n");
}

pub(super) fn not_checked(html: &mut Html, report: &Report) {
    if report.not_checked.is_empty() {
        super::nothing(html, "not-checked", "Not checked", "Every rule was checked on everything that it is about.");
        return;
    }
    html.raw("<section aria-labelledby=\"not-checked\">\n<h2 id=\"not-checked\">Not checked</h2>\n");
    html.raw(
        "<p class=\"note\">Not checked is not fine: what a rule needs could not be read.</p>\n<ul class=\"plain\">\n",
    );
    for entry in report.not_checked.iter().take(ROWS_MAX) {
        html.raw("<li class=\"row\"><b>");
        super::rule_name(html, report, &entry.rule);
        html.raw("</b>: ").clipped(&entry.why, 500).raw("<br><small>");
        for (at, resource) in entry.resources.iter().take(NAMES_MAX).enumerate() {
            html.raw(if at > 0 { ", " } else { "" }).name(resource.name(), 255);
        }
        let more = entry.resources.len().saturating_sub(NAMES_MAX);
        if more > 0 {
            html.raw(" and ").text(&plural(more, "other", "others"));
        }
        html.raw("</small></li>\n");
    }
    html.raw("</ul>\n");
    super::left_out(html, report.not_checked.len().min(ROWS_MAX), report.not_checked.len(), "reasons");
    html.raw("</section>\n");
}

pub(super) fn services(html: &mut Html, report: &Report, shown: &Shown<'_>) {
    let busy = |line: &&ServiceLine| line.counts.total() > 0 || line.waived > 0 || line.unchecked > 0;
    let mut lines: Vec<&ServiceLine> = report.services.iter().filter(busy).collect();
    lines.sort_by_key(|line| std::cmp::Reverse(Grade::ALL.map(|grade| line.counts.of(grade))));
    if lines.is_empty() {
        let said = match (report.services.is_empty(), report.narrowed.is_some()) {
            (true, _) => "No service was audited.",
            (false, true) => "Nothing of what was asked for was found at any of them.",
            (false, false) => "Every service was checked, and nothing was found.",
        };
        super::nothing(html, "services", "Services", said);
        return;
    }
    html.raw("<section aria-labelledby=\"services\">\n<h2 id=\"services\">Services</h2>\n");
    let quiet = report.services.len() - lines.len();
    if quiet > 0 {
        html.raw("<p class=\"note\">").text(&plural(quiet, "service", "services"));
        html.raw(" without anything to say, not listed.</p>\n");
    }
    let listed = lines.get(..ROWS_MAX).unwrap_or(&lines);
    let (first, rest) = listed.split_at(listed.len().min(SERVICES_UNFOLDED_MAX));
    table(html, first, shown);
    if !rest.is_empty() {
        html.raw("<details><summary>").number(rest.len()).raw(" more</summary>\n");
        table(html, rest, shown);
        html.raw("</details>\n");
    }
    super::left_out(html, listed.len(), lines.len(), "services with something to say");
    html.raw("</section>\n");
}

fn table(html: &mut Html, lines: &[&ServiceLine], shown: &Shown<'_>) {
    html.raw("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Services\">");
    let numbers = ["Critical", "High", "Medium", "Low", "Waived", "Not checked"];
    super::columns(html, &["Service", "Status"], &numbers);
    for line in lines {
        html.raw("<tr><th scope=\"row\">");
        match shown.place(&line.arn) {
            Some(place) => html.raw("<a href=\"#place-").number(place).raw("\">").name(&line.name, 120).raw("</a>"),
            None => html.name(&line.name, 120),
        };
        html.raw("</th><td>").clipped(&line.status, 60).raw("</td>");
        let grades = Grade::ALL.map(|grade| line.counts.of(grade));
        for number in grades.into_iter().chain([line.waived, line.unchecked]) {
            html.raw(if number > 0 { "<td class=\"num\">" } else { "<td class=\"num none\">" });
            html.count(number).raw("</td>");
        }
        html.raw("</tr>\n");
    }
    html.raw("</tbody></table></div>\n");
}

/// How often a rule found something.
#[derive(Clone, Copy, Default)]
struct Found {
    open: usize,
    waived: usize,
}

/// Folded: a reader comes here by the link of a finding, which opens what it leads to.
pub(super) fn rules(html: &mut Html, report: &Report) {
    let mut found: BTreeMap<&str, Found> = BTreeMap::new();
    for finding in &report.findings {
        let found = found.entry(&finding.rule).or_default();
        *(if finding.open() { &mut found.open } else { &mut found.waived }) += 1;
    }
    html.raw("<section aria-labelledby=\"rules\">\n<h2 id=\"rules\">The rules</h2>\n");
    for group in Group::ALL {
        let rules: Vec<_> = report.rules.iter().filter(|rule| rule.group == group).collect();
        if rules.is_empty() {
            continue;
        }
        let hits = rules.iter().filter(|rule| found.contains_key(rule.id.as_str())).count();
        html.raw("<details class=\"group\"><summary><h3>").raw(group.title()).raw("</h3> <span class=\"tally\">");
        html.text(&plural(rules.len(), "rule", "rules"))
            .raw(", ")
            .number(hits)
            .raw(" found something</span></summary>\n");
        html.raw("<dl class=\"rules\">\n");
        for rule in rules {
            entry(html, rule, found.get(rule.id.as_str()).copied().unwrap_or_default());
        }
        html.raw("</dl>\n</details>\n");
    }
    html.raw("</section>\n");
}

fn entry(html: &mut Html, rule: &RuleLine, found: Found) {
    html.raw("<div id=\"rule-").text(&rule.id).raw("\"><dt>");
    badge(html, rule.grade);
    html.raw(" ").text(&rule.title).raw(" <code>").text(&rule.id).raw("</code></dt>\n<dd>").text(&rule.why);
    html.raw(" <small>").text(&rule.chapter.work).raw(", “").text(&rule.chapter.heading).raw("”. ");
    if found.open > 0 {
        html.raw("<a href=\"#findings\" data-find=\"").text(&rule.id).raw("\">");
        html.text(&plural(found.open, "open finding", "open findings")).raw("</a>");
    }
    if found.waived > 0 {
        html.raw(if found.open > 0 { ", " } else { "" }).number(found.waived).raw(" waived");
    }
    html.raw(if found.open + found.waived > 0 { "." } else { "Found nothing." }).raw("</small></dd></div>\n");
}
