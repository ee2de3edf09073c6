//! What has changed since the run before: findings, and what could be looked at.

use super::super::sight::{checks, reasons};
use super::super::{Changes, Finding, Grade, Regraded, Report, Unseen};
use super::findings::Shown;
use super::write::{Html, plural};
use super::{CHANGES_MAX, badge, rule_name};

/// Rules that are named for one reason.
const RULES_MAX: usize = 5;

pub(super) fn section(html: &mut Html, report: &Report, shown: &Shown<'_>) {
    let Some(previous) = &report.previous else {
        super::nothing(html, "changes", "What changed", "This run has none before it to be compared with.");
        return;
    };
    if report.changes.is_empty() && report.sight.is_empty() {
        super::nothing(html, "changes", "What changed", "Nothing, since the run before.");
        return;
    }
    html.raw("<section aria-labelledby=\"changes\">\n<h2 id=\"changes\">What changed</h2>\n");
    let Changes { new, worse, better, waived, reopened, gone } = &report.changes;
    html.raw("<p class=\"note\">Since run <code>").text(previous).raw("</code>.</p>\n");
    html.raw("<div class=\"columns\">\n");
    by_id(html, (report, shown), "New", new);
    regraded(html, (report, shown), "Worse", worse);
    by_id(html, (report, shown), "Open again", reopened);
    regraded(html, (report, shown), "Better", better);
    list(html, shown, "Gone", gone.len(), gone.iter().map(|finding| (finding, None)));
    by_id(html, (report, shown), "Waived since", waived);
    unseen(html, report, "No longer checked", &report.sight.lost);
    unseen(html, report, "Checked again", &report.sight.back);
    html.raw("</div>\n</section>\n");
}

fn by_id(html: &mut Html, (report, shown): (&Report, &Shown<'_>), title: &'static str, ids: &[String]) {
    list(html, shown, title, ids.len(), ids.iter().filter_map(|id| report.finding(id)).map(|finding| (finding, None)));
}

fn regraded(html: &mut Html, (report, shown): (&Report, &Shown<'_>), title: &'static str, all: &[Regraded]) {
    let entries = all.iter().filter_map(|one| Some((report.finding(&one.id)?, Some(one.before))));
    list(html, shown, title, all.len(), entries);
}

/// By reason: one refused read blinds many rules.
fn unseen(html: &mut Html, report: &Report, title: &'static str, unseen: &[Unseen]) {
    if unseen.is_empty() {
        return;
    }
    let reasons = reasons(unseen);
    html.raw("<div>\n<h3>").raw(title).raw(" <span class=\"n\">").number(checks(unseen));
    html.raw("</span></h3>\n<ul class=\"plain\">\n");
    for (why, (rules, pairs)) in reasons.iter().take(CHANGES_MAX) {
        html.raw("<li><b>");
        for (at, rule) in rules.iter().take(RULES_MAX).enumerate() {
            html.raw(if at > 0 { ", " } else { "" });
            rule_name(html, report, rule);
        }
        let more = rules.len().saturating_sub(RULES_MAX);
        if more > 0 {
            html.raw(" and ").text(&plural(more, "other rule", "other rules"));
        }
        html.raw("</b>, ").text(&plural(*pairs, "time", "times")).raw(": ").clipped(why, 500).raw("</li>\n");
    }
    html.raw("</ul>\n");
    super::left_out(html, reasons.len().min(CHANGES_MAX), reasons.len(), "reasons");
    html.raw("</div>\n");
}

fn list<'f>(
    html: &mut Html,
    shown: &Shown<'_>,
    title: &'static str,
    count: usize,
    entries: impl Iterator<Item = (&'f Finding, Option<Grade>)>,
) {
    if count == 0 {
        return;
    }
    html.raw("<div>\n<h3>")
        .raw(title)
        .raw(" <span class=\"n\">")
        .number(count)
        .raw("</span></h3>\n<ul class=\"plain\">\n");
    for (finding, before) in entries.take(CHANGES_MAX) {
        html.raw("<li>");
        badge(html, finding.grade);
        html.raw(" <b>").name(finding.resource.name(), 120).raw("</b> ");
        match shown.holds(&finding.id) {
            true => html.raw("<a href=\"#f-").text(&finding.id).raw("\">").text(&finding.title).raw("</a>"),
            false => html.text(&finding.title),
        };
        if !finding.key.is_empty() {
            html.raw(" <span class=\"key\">").name(&finding.key, 120).raw("</span>");
        }
        if let Some(before) = before {
            html.raw(" (was ").text(before.as_str()).raw(")");
        }
        html.raw("</li>\n");
    }
    html.raw("</ul>\n");
    super::left_out(html, count.min(CHANGES_MAX), count, "changes");
    html.raw("</div>\n");
}
