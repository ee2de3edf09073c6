//! The top of the page: where and when, how bad, and what has changed; and its end.

use super::super::{Changes, Finding, Grade, Regraded, Report, Trend, TrendLine};
use super::write::{Html, plural};
use super::{CHANGES_MAX, badge};

pub(super) fn header(html: &mut Html, report: &Report) {
    html.raw("<header>\n<p class=\"brand\">pitcrew <span>fleet audit</span></p>\n<h1>");
    let counts = report.counts;
    match counts.worst() {
        None if report.unchecked > 0 => html.raw("Nothing found in what could be checked"),
        None => html.raw("Nothing found"),
        Some(Grade::Critical) => html.text(&plural(counts.critical as usize, "critical finding", "critical findings")),
        Some(Grade::High) => {
            html.raw("Nothing critical, ").text(&plural(counts.high as usize, "high finding", "high findings"))
        }
        Some(_) => html.raw("Nothing critical or high, ").text(&plural(counts.total() as usize, "finding", "findings")),
    };
    html.raw("</h1>\n<dl class=\"facts\">\n<div><dt>Account</dt><dd>").text(&report.place.account);
    html.raw("</dd></div>\n<div><dt>Region</dt><dd>").text(&report.place.region);
    html.raw("</dd></div>\n<div><dt>Finished</dt><dd>").time(report.finished);
    let seconds = report.finished.as_second().saturating_sub(report.started.as_second()).max(0);
    html.raw("</dd></div>\n<div><dt>Took</dt><dd>").count(seconds).raw(" s, ");
    html.count(i64::try_from(report.calls).unwrap_or(i64::MAX)).raw(" calls to AWS</dd></div>\n");
    html.raw("<div><dt>Run</dt><dd><code>").text(&report.run).raw("</code></dd></div>\n</dl>\n");
    html.raw("<nav aria-label=\"Sections\"><ul>");
    html.raw("<li><a href=\"#changes\">Changes</a></li><li><a href=\"#trend\">Trend</a></li>");
    html.raw("<li><a href=\"#certificates\">Certificates</a></li><li><a href=\"#findings\">Findings</a></li>");
    html.raw("<li><a href=\"#waived\">Waived</a></li><li><a href=\"#not-checked\">Not checked</a></li>");
    html.raw("<li><a href=\"#services\">Services</a></li><li><a href=\"#rules\">Rules</a></li>");
    html.raw("</ul></nav>\n</header>\n");
}

pub(super) fn tiles(html: &mut Html, report: &Report, trend: &Trend) {
    let before = report.previous.as_ref().and_then(|run| trend.runs.iter().find(|line| line.run == *run));
    html.raw("<section aria-labelledby=\"glance\">\n<h2 id=\"glance\">At a glance</h2>\n<ul class=\"tiles\">\n");
    for grade in Grade::ALL {
        html.raw("<li class=\"tile");
        if report.counts.of(grade) > 0 {
            html.raw(" t-").raw(grade.as_str());
        }
        html.raw("\">");
        badge(html, grade);
        html.raw("<b>").count(report.counts.of(grade)).raw("</b>");
        delta(html, before, |line| line.counts.of(grade), report.counts.of(grade));
        html.raw("</li>\n");
    }
    html.raw("<li class=\"tile\"><span>Services</span><b>").count(report.audited).raw("</b><small>");
    let clean = report.services.iter().filter(|line| line.counts.total() == 0 && line.unchecked == 0).count();
    html.count(i64::try_from(clean).unwrap_or(i64::MAX)).raw(" checked and without a finding");
    if report.left_out > 0 {
        html.raw(", ").count(report.left_out).raw(" deleted meanwhile");
    }
    html.raw("</small></li>\n<li class=\"tile\"><span>Waived</span><b>").count(report.waived).raw("</b>");
    delta(html, before, |line| line.waived, report.waived);
    html.raw("</li>\n<li class=\"tile\"><span>Not checked</span><b>").count(report.unchecked).raw("</b>");
    delta(html, before, |line| line.unchecked, report.unchecked);
    html.raw("</li>\n<li class=\"tile\"><span>Next certificate to end</span><b>");
    match report.days_left_min() {
        Some(days) if days < 0 => html.raw("expired</b><small>at least one; see below</small>"),
        Some(days) => html.count(days).raw("</b><small>days left, the fewest of all</small>"),
        None => html.raw("–</b><small>no certificate was seen</small>"),
    };
    html.raw("</li>\n</ul>\n</section>\n");
}

fn delta(html: &mut Html, before: Option<&TrendLine>, of: impl Fn(&TrendLine) -> u32, now: u32) {
    let Some(before) = before.map(of) else {
        html.raw("<small>first run to compare</small>");
        return;
    };
    html.raw("<small>");
    match now.cmp(&before) {
        std::cmp::Ordering::Equal => html.raw("as before"),
        std::cmp::Ordering::Greater => html.count(now - before).raw(" more than before"),
        std::cmp::Ordering::Less => html.count(before - now).raw(" fewer than before"),
    };
    html.raw("</small>");
}

pub(super) fn changes(html: &mut Html, report: &Report) {
    html.raw("<section aria-labelledby=\"changes\">\n<h2 id=\"changes\">What changed</h2>\n");
    let Some(previous) = &report.previous else {
        html.raw("<p>This run has none before it to be compared with.</p>\n</section>\n");
        return;
    };
    let Changes { new, worse, better, waived, reopened, gone } = &report.changes;
    html.raw("<p class=\"note\">Since run <code>").text(previous).raw("</code>.</p>\n");
    if report.changes.is_empty() {
        html.raw("<p>Nothing changed.</p>\n");
    }
    html.raw("<div class=\"columns\">\n");
    by_id(html, report, "New", new);
    regraded(html, report, "Worse", worse);
    by_id(html, report, "Open again", reopened);
    regraded(html, report, "Better", better);
    list(html, "Gone", gone.len(), gone.iter().map(|finding| (finding, None)));
    by_id(html, report, "Waived since", waived);
    html.raw("</div>\n</section>\n");
}

fn by_id(html: &mut Html, report: &Report, title: &'static str, ids: &[String]) {
    list(html, title, ids.len(), ids.iter().filter_map(|id| report.finding(id)).map(|finding| (finding, None)));
}

fn regraded(html: &mut Html, report: &Report, title: &'static str, all: &[Regraded]) {
    let entries = all.iter().filter_map(|one| Some((report.finding(&one.id)?, Some(one.before))));
    list(html, title, all.len(), entries);
}

fn list<'f>(
    html: &mut Html,
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
        html.raw(" <b>").clipped(finding.resource.name(), 120).raw("</b> ").text(&finding.title);
        if !finding.key.is_empty() {
            html.raw(" <span class=\"key\">").clipped(&finding.key, 120).raw("</span>");
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

pub(super) fn footer(html: &mut Html, report: &Report) {
    html.raw("<footer>\n<p>Made by <code>pitcrew audit</code> from the JSON report of run <code>").text(&report.run);
    html.raw("</code>, format ")
        .number(report.format)
        .raw(". The page loads nothing and sends nothing.</p>\n</footer>\n");
}
