//! The top of the page: where and when, and how bad; and its end.

use super::super::{Changes, Grade, Narrowed, Report, ServiceLine, Trend, TrendLine};
use super::badge;
use super::write::{Html, plural};

pub(super) fn header(html: &mut Html, report: &Report) {
    html.raw("<header>\n<p class=\"brand\">pitcrew <span>fleet audit</span></p>\n<h1>");
    verdict(html, report);
    html.raw("</h1>\n<p class=\"lead\">");
    lead(html, report);
    html.raw("</p>\n");
    part(html, report);
    html.raw("<dl class=\"facts\">\n<div><dt>Account</dt><dd>").text(&report.place.account);
    html.raw("</dd></div>\n<div><dt>Region</dt><dd>").text(&report.place.region);
    html.raw("</dd></div>\n<div><dt>Finished</dt><dd>").time(report.finished);
    let seconds = report.finished.as_second().saturating_sub(report.started.as_second()).max(0);
    html.raw("</dd></div>\n<div><dt>Took</dt><dd>").count(seconds).raw(" s, ");
    html.count(i64::try_from(report.calls).unwrap_or(i64::MAX)).raw(" calls to AWS</dd></div>\n");
    html.raw("<div><dt>Run</dt><dd><code>").text(&report.run).raw("</code></dd></div>\n</dl>\n");
    html.raw("<nav aria-label=\"Sections\"><ul>");
    html.raw("<li><a href=\"#glance\">Fleet</a></li><li><a href=\"#changes\">Changes</a></li>");
    html.raw("<li><a href=\"#trend\">Trend</a></li>");
    html.raw("<li><a href=\"#certificates\">Certificates</a></li><li><a href=\"#findings\">Findings</a></li>");
    html.raw("<li><a href=\"#waived\">Waived</a></li><li><a href=\"#not-checked\">Not checked</a></li>");
    html.raw("<li><a href=\"#services\">Services</a></li><li><a href=\"#rules\">Rules</a></li>");
    html.raw("</ul></nav>\n</header>\n");
}

/// How bad it is, in the words of the worst.
fn verdict(html: &mut Html, report: &Report) {
    let counts = report.counts;
    let of = |grade: Grade, kind: &str| {
        let number = counts.of(grade) as usize;
        plural(number, &format!("{kind}finding"), &format!("{kind}findings"))
    };
    match counts.worst() {
        None if report.narrowed.is_some() => html.raw("Nothing found of what was asked for"),
        None if report.unchecked > 0 => html.raw("Nothing found in what could be checked"),
        None => html.raw("Nothing found"),
        Some(Grade::Critical) if counts.high > 0 => {
            html.text(&of(Grade::Critical, "critical ")).raw(", ").count(counts.high).raw(" high")
        }
        Some(Grade::Critical) => html.text(&of(Grade::Critical, "critical ")),
        Some(Grade::High) => html.raw("Nothing critical, ").text(&of(Grade::High, "high ")),
        Some(_) => html.raw("Nothing critical or high, ").text(&plural(
            counts.total() as usize,
            "lesser finding",
            "lesser findings",
        )),
    };
}

/// What was asked for, where that is not everything: else a part would be taken for the whole.
fn part(html: &mut Html, report: &Report) {
    let Some(Narrowed { services, rules, groups, grade }) = &report.narrowed else { return };
    html.raw("<p class=\"part\"><b>A part of the report:</b> ");
    let names = services.iter().map(|arn| arn.name()).chain(rules.iter().map(String::as_str));
    let names: Vec<&str> = names.chain(groups.iter().map(|group| group.title())).collect();
    match (names.is_empty(), grade) {
        (false, Some(grade)) => {
            html.clipped(&names.join(", "), 500).raw("; only what is ").raw(grade.as_str()).raw(" or worse")
        }
        (false, None) => html.clipped(&names.join(", "), 500),
        (true, Some(grade)) => html.raw("only what is ").raw(grade.as_str()).raw(" or worse"),
        (true, None) => html.raw("what was asked for"),
    };
    html.raw(". Nothing is said here of the rest.</p>\n");
}

/// How much of the fleet it concerns, and what became of it since the last run.
fn lead(html: &mut Html, report: &Report) {
    let touched = report.services.iter().filter(|line| line.counts.total() > 0).count();
    match (report.services.len(), touched) {
        (0, _) => html.raw("No service was audited."),
        (all, 0) => {
            html.text(&plural(all, "service", "services"));
            html.raw(if report.narrowed.is_some() {
                " audited; none has such a finding."
            } else {
                " audited; none has an open finding."
            })
        }
        (all, touched) => {
            html.count(number(touched)).raw(" of ").text(&plural(all, "service", "services"));
            html.raw(if touched == 1 { " has open findings." } else { " have open findings." })
        }
    };
    if report.unchecked > 0 {
        html.raw(" Not everything could be checked.");
    }
    let Some(_) = &report.previous else {
        html.raw(" There is no earlier run to compare it with.");
        return;
    };
    let Changes { new, worse, better, waived, reopened, gone } = &report.changes;
    let (lost, back) = report.sight.counts();
    let counts = [
        (new.len(), " new"),
        (worse.len(), " worse"),
        (reopened.len(), " open again"),
        (better.len(), " better"),
        (gone.len(), " gone"),
        (waived.len(), " waived"),
        (lost, " no longer checked"),
        (back, " checked again"),
    ];
    html.raw(" Since the run before: ");
    let told = counts.into_iter().filter(|(count, _)| *count > 0);
    for (at, (count, word)) in told.enumerate() {
        html.raw(if at > 0 { ", " } else { "" }).count(number(count)).raw(word);
    }
    let nothing = report.changes.is_empty() && report.sight.is_empty();
    html.raw(if nothing { "no change." } else { "." });
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

pub(super) fn tiles(html: &mut Html, report: &Report, trend: &Trend) {
    let whole = report.previous.as_ref().filter(|_| report.narrowed.is_none());
    let before = whole.and_then(|run| trend.runs.iter().find(|line| line.run == *run));
    html.raw("<section aria-labelledby=\"glance\">\n<h2 id=\"glance\">At a glance</h2>\n<ul class=\"tiles\">\n");
    for grade in Grade::ALL {
        // The script shows this grade alone; without it the link leads to the findings.
        html.raw("<li class=\"tile");
        if report.counts.of(grade) > 0 {
            html.raw(" t-").raw(grade.as_str());
        }
        html.raw("\">");
        badge(html, grade);
        html.raw("<b>").count(report.counts.of(grade)).raw("</b>");
        delta(html, before, |line| line.counts.of(grade), report.counts.of(grade));
        if report.counts.of(grade) > 0 {
            html.raw("<a class=\"cover\" href=\"#findings\" data-only=\"").raw(grade.as_str()).raw("\">");
            html.raw("<span class=\"sr\">Show the ").raw(grade.as_str()).raw(" findings</span></a>");
        }
        html.raw("</li>\n");
    }
    html.raw("<li class=\"tile\"><span>Services</span><b>").count(report.audited).raw("</b><small>");
    let clean = report.services.iter().filter(|line| line.counts.total() == 0 && line.unchecked == 0).count();
    if clean > 0 {
        html.count(number(clean)).raw(" checked and without a finding");
    } else if report.audited > 0 {
        html.raw("none without a finding");
    }
    if report.left_out > 0 {
        html.raw(", ").count(report.left_out).raw(" deleted meanwhile");
    }
    html.raw("</small></li>\n<li class=\"tile\"><span>Waived</span><b>").count(report.waived).raw("</b>");
    delta(html, before, |line| line.waived, report.waived);
    html.raw("</li>\n<li class=\"tile\"><span>Not checked</span><b>").count(report.unchecked).raw("</b>");
    delta(html, before, |line| line.unchecked, report.unchecked);
    html.raw("</li>\n");
    next_certificate(html, report);
    html.raw("</ul>\n");
    fleet(html, report);
    html.raw("</section>\n");
}

fn next_certificate(html: &mut Html, report: &Report) {
    let expired = report.services.iter().flat_map(|line| &line.certificates).filter(|one| one.days_left < 0).count();
    match report.days_left_min() {
        Some(_) if expired > 0 => html
            .raw("<li class=\"tile t-critical\"><span>Certificates expired</span><b>")
            .count(number(expired))
            .raw("</b><small>see below which</small>"),
        Some(days) => html
            .raw("<li class=\"tile\"><span>Next certificate to end</span><b>")
            .count(days)
            .raw("</b><small>")
            .raw(if days == 1 { "day left" } else { "days left" })
            .raw(", the fewest of all</small>"),
        None => html.raw(
            "<li class=\"tile\"><span>Next certificate to end</span><b>–</b><small>no certificate was seen</small>",
        ),
    };
    html.raw("</li>\n");
}

/// One bar: every service by its worst open finding.
fn fleet(html: &mut Html, report: &Report) {
    let worst = |grade: Grade| report.services.iter().filter(|line| line.counts.worst() == Some(grade)).count();
    let at_rest = |line: &&ServiceLine| line.counts.worst().is_none();
    let partly = report.services.iter().filter(at_rest).filter(|line| line.unchecked > 0).count();
    let clean = report.services.iter().filter(at_rest).count() - partly;
    let parts: Vec<(&'static str, &'static str, usize)> = [
        ("critical", "critical", worst(Grade::Critical)),
        ("high", "high", worst(Grade::High)),
        ("medium", "medium", worst(Grade::Medium)),
        ("low", "low", worst(Grade::Low)),
        ("unknown", "without one, but not all checked", partly),
        ("clean", "without one", clean),
    ]
    .into_iter()
    .filter(|(_, _, count)| *count > 0)
    .collect();
    if parts.is_empty() {
        return;
    }
    html.raw("<h3>Services by their worst open finding</h3>\n<svg class=\"fleet\" aria-hidden=\"true\" viewBox=\"0 0 ");
    html.number(report.services.len()).raw(" 1\" preserveAspectRatio=\"none\">");
    let mut x = 0;
    for (class, _, count) in &parts {
        html.raw("<rect class=\"f-").raw(class).raw("\" x=\"").number(x).raw("\" width=\"").number(count);
        html.raw("\" height=\"1\"/>");
        x += count;
    }
    html.raw("</svg>\n<ul class=\"legend\">");
    for (class, said, count) in &parts {
        html.raw("<li><span class=\"swatch s-").raw(class).raw("\"></span><b>").count(number(*count)).raw("</b> ");
        html.raw(said).raw("</li>");
    }
    html.raw("</ul>\n");
}

fn delta(html: &mut Html, before: Option<&TrendLine>, of: impl Fn(&TrendLine) -> u32, now: u32) {
    let Some(before) = before.map(of) else {
        return;
    };
    html.raw("<small>");
    match now.cmp(&before) {
        std::cmp::Ordering::Equal => html.raw("as before"),
        std::cmp::Ordering::Greater => html.raw("↑ ").count(now - before).raw(" more than before"),
        std::cmp::Ordering::Less => html.raw("↓ ").count(before - now).raw(" fewer than before"),
    };
    html.raw("</small>");
}

pub(super) fn footer(html: &mut Html, report: &Report) {
    html.raw("<footer>\n<p>Made by <code>pitcrew audit</code> from the JSON report of run <code>").text(&report.run);
    html.raw("</code>, format ").number(report.format).raw(
        ". The page loads nothing and sends nothing.</p>\n<p><a href=\"#top\">Back to the top</a></p>\n</footer>\n",
    );
}
