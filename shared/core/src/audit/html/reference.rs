//! What stands behind the findings: what is waived, what was not checked, the services, and the rules.

use super::super::{Finding, Grade, Group, Report, ServiceLine, WaivedBy};
use super::write::{Html, plural};
use super::{NAMES_MAX, ROWS_MAX, badge};

pub(super) fn waived(html: &mut Html, report: &Report) {
    html.raw("<section aria-labelledby=\"waived\">\n<h2 id=\"waived\">Waived</h2>\n");
    let all: Vec<&Finding> = report.findings.iter().filter(|finding| !finding.open()).collect();
    if all.is_empty() {
        html.raw("<p>No finding is waived.</p>\n</section>\n");
        return;
    }
    html.raw("<p class=\"note\">Still so, and somebody decided to live with it until the day that is named.</p>\n");
    html.raw("<ul class=\"plain\">\n");
    for finding in all.iter().take(ROWS_MAX) {
        html.raw("<li class=\"row\">");
        badge(html, finding.grade);
        html.raw(" <b>").clipped(finding.resource.name(), 255).raw("</b> ").text(&finding.title).raw(" ");
        html.raw("<span class=\"key\">").clipped(&finding.key, 255).raw("</span>");
        if let Some(waived) = &finding.waiver {
            html.raw("<br>Until <b>").text(&waived.until.to_string()).raw("</b>: ").clipped(&waived.reason, 500);
            html.raw(match waived.by {
                WaivedBy::Tag => " <small>(by tag",
                WaivedBy::File => " <small>(by file",
            });
            if let Some(who) = &waived.who {
                html.raw(", ").clipped(who, 120);
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
    html.raw("<section aria-labelledby=\"not-checked\">\n<h2 id=\"not-checked\">Not checked</h2>\n");
    if report.not_checked.is_empty() {
        html.raw("<p>Every rule was checked on everything that it is about.</p>\n</section>\n");
        return;
    }
    html.raw(
        "<p class=\"note\">Not checked is not fine: what a rule needs could not be read.</p>\n<ul class=\"plain\">\n",
    );
    for entry in report.not_checked.iter().take(ROWS_MAX) {
        html.raw("<li class=\"row\"><b>");
        match entry.rule.as_str() {
            "*" => html.raw("Every rule"),
            rule => html.text(rule),
        };
        html.raw("</b>: ").clipped(&entry.why, 500).raw("<br><small>");
        for (at, resource) in entry.resources.iter().take(NAMES_MAX).enumerate() {
            html.raw(if at > 0 { ", " } else { "" }).clipped(resource.name(), 255);
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

pub(super) fn services(html: &mut Html, report: &Report) {
    html.raw("<section aria-labelledby=\"services\">\n<h2 id=\"services\">Services</h2>\n");
    let busy = |line: &&ServiceLine| line.counts.total() > 0 || line.waived > 0 || line.unchecked > 0;
    let mut lines: Vec<&ServiceLine> = report.services.iter().filter(busy).collect();
    lines.sort_by_key(|line| std::cmp::Reverse(Grade::ALL.map(|grade| line.counts.of(grade))));
    html.raw("<p class=\"note\">").text(&plural(report.services.len() - lines.len(), "service", "services"));
    html.raw(" without anything to say, not listed.</p>\n");
    if lines.is_empty() {
        html.raw("</section>\n");
        return;
    }
    html.raw("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Services\">");
    let numbers = ["Critical", "High", "Medium", "Low", "Waived", "Not checked"];
    super::columns(html, &["Service", "Status"], &numbers);
    for line in lines.iter().take(ROWS_MAX) {
        html.raw("<tr><th scope=\"row\">").clipped(&line.name, 120).raw("</th><td>").clipped(&line.status, 60);
        html.raw("</td>");
        let grades = Grade::ALL.map(|grade| line.counts.of(grade));
        for number in grades.into_iter().chain([line.waived, line.unchecked]) {
            html.raw(if number > 0 { "<td class=\"num\">" } else { "<td class=\"num none\">" })
                .count(number)
                .raw("</td>");
        }
        html.raw("</tr>\n");
    }
    html.raw("</tbody></table></div>\n");
    super::left_out(html, lines.len().min(ROWS_MAX), lines.len(), "services with something to say");
    html.raw("</section>\n");
}

pub(super) fn rules(html: &mut Html, report: &Report) {
    html.raw("<section aria-labelledby=\"rules\">\n<h2 id=\"rules\">The rules</h2>\n");
    for group in Group::ALL {
        let rules: Vec<_> = report.rules.iter().filter(|rule| rule.group == group).collect();
        if rules.is_empty() {
            continue;
        }
        html.raw("<h3>").raw(group.title()).raw("</h3>\n<dl class=\"rules\">\n");
        for rule in rules {
            let found = report.findings.iter().filter(|finding| finding.rule == rule.id).count();
            html.raw("<div id=\"rule-").text(&rule.id).raw("\"><dt>");
            badge(html, rule.grade);
            html.raw(" ").text(&rule.title).raw(" <code>").text(&rule.id).raw("</code></dt>\n<dd>").text(&rule.why);
            html.raw(" <small>").text(&rule.chapter.work).raw(", “").text(&rule.chapter.heading).raw("”. ");
            match found {
                0 => html.raw("Found nothing."),
                found => html.raw("Found ").text(&plural(found, "time", "times")).raw("."),
            };
            html.raw("</small></dd></div>\n");
        }
        html.raw("</dl>\n");
    }
    html.raw("</section>\n");
}
