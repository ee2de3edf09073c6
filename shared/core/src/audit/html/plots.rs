//! The drawings: the trend of the runs, and the days that certificates have left. Each says in words what it draws.

use super::super::{Grade, Report, Trend, TrendLine};
use super::write::{Html, day, minute, plural};
use super::{ROWS_MAX, badge};

/// Runs that are drawn; more become too thin for a phone.
const BARS_MAX: usize = 60;
/// The size of the drawing in its own units.
const WIDTH: u32 = 600;
const HEIGHT: u32 = 150;
/// The line at which a certificate is late: App Runner's own renewal should have come by then.
const LATE_DAYS: i64 = 30;
/// The days at the right end of a bar; certificates of public authorities live for 200 days at most.
const DAYS_MAX: i64 = 200;

pub(super) fn trend(html: &mut Html, trend: &Trend) {
    html.raw("<section aria-labelledby=\"trend\">\n<h2 id=\"trend\">Open findings, run by run</h2>\n");
    let runs = trend.runs.get(trend.runs.len().saturating_sub(BARS_MAX)..).unwrap_or_default();
    let (Some(first), Some(last), true) = (runs.first(), runs.last(), runs.len() > 1) else {
        html.raw("<p>A trend needs two runs.</p>\n</section>\n");
        return;
    };
    let most = runs.iter().map(|run| run.counts.total()).max().unwrap_or(0).max(1);
    html.raw("<figure>\n<svg class=\"trend\" role=\"img\" viewBox=\"0 0 ").number(WIDTH).raw(" ").number(HEIGHT);
    html.raw("\" preserveAspectRatio=\"none\" aria-label=\"");
    let said = format!(
        "Open findings of {}: {} on {}, {} on {}, {most} at most.",
        plural(runs.len(), "run", "runs"),
        first.counts.total(),
        day(first.at),
        last.counts.total(),
        day(last.at),
    );
    html.text(&said).raw("\">\n");
    for quarter in 0..=4 {
        html.raw("<line class=\"grid\" x1=\"0\" x2=\"600\" y1=\"").number(HEIGHT * quarter / 4);
        html.raw("\" y2=\"").number(HEIGHT * quarter / 4).raw("\"/>\n");
    }
    for (at, run) in runs.iter().enumerate() {
        bar(html, at, runs.len(), run, most);
    }
    html.raw("</svg>\n<figcaption><span>").day(first.at).raw("</span><span>at most ").count(most);
    html.raw("</span><span>").day(last.at).raw("</span></figcaption>\n</figure>\n<p class=\"legend\">");
    for grade in Grade::ALL {
        badge(html, grade);
        html.raw(" ");
    }
    html.raw("</p>\n");
    numbers(html, runs);
    html.raw("</section>\n");
}

/// One run: the worst grade stands at the bottom, so that what matters most has a common base line.
fn bar(html: &mut Html, at: usize, runs: usize, run: &TrendLine, most: u32) {
    let slot = f64::from(WIDTH) / count(runs);
    let (x, width) = (slot * count(at) + slot * 0.1, slot * 0.8);
    let unit = f64::from(HEIGHT) / f64::from(most);
    let mut top = f64::from(HEIGHT);
    html.raw("<g><title>").text(&minute(run.at)).raw(": ");
    for grade in Grade::ALL {
        html.count(run.counts.of(grade)).raw(" ").text(grade.as_str()).raw(" ");
    }
    html.raw("</title>");
    for grade in Grade::ALL {
        let height = unit * f64::from(run.counts.of(grade));
        top -= height;
        if height > 0.0 {
            html.raw("<rect class=\"f-").text(grade.as_str()).raw("\" x=\"").number(format_args!("{x:.2}"));
            html.raw("\" width=\"").number(format_args!("{width:.2}")).raw("\" y=\"").number(format_args!("{top:.2}"));
            html.raw("\" height=\"").number(format_args!("{height:.2}")).raw("\"/>");
        }
    }
    html.raw("</g>\n");
}

fn numbers(html: &mut Html, runs: &[TrendLine]) {
    html.raw("<details><summary>The numbers</summary>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" ");
    html.raw("aria-label=\"Open findings of each run\">");
    let numbers = ["Critical", "High", "Medium", "Low", "Waived", "Services", "Not checked"];
    super::columns(html, &["Run"], &numbers);
    for run in runs.iter().rev() {
        html.raw("<tr><th scope=\"row\">").time(run.at).raw("</th>");
        let grades = Grade::ALL.map(|grade| run.counts.of(grade));
        for number in grades.into_iter().chain([run.waived, run.services, run.unchecked]) {
            html.raw("<td class=\"num\">").count(number).raw("</td>");
        }
        html.raw("</tr>\n");
    }
    html.raw("</tbody></table></div></details>\n");
}

pub(super) fn certificates(html: &mut Html, report: &Report) {
    html.raw("<section aria-labelledby=\"certificates\">\n<h2 id=\"certificates\">Certificates: days left</h2>\n");
    let mut all: Vec<_> =
        report.services.iter().flat_map(|line| line.certificates.iter().map(move |one| (one, line))).collect();
    if all.is_empty() {
        html.raw("<p>No certificate of a custom domain was seen.</p>\n</section>\n");
        return;
    }
    all.sort_by(|(a, _), (b, _)| (a.days_left, &a.domain).cmp(&(b.days_left, &b.domain)));
    html.raw("<p class=\"note\">The line stands at ").count(LATE_DAYS).raw(" days; a bar ends at ").count(DAYS_MAX);
    html.raw(".</p>\n<table class=\"certificates\">\n<thead class=\"sr\"><tr><th scope=\"col\">Domain</th>");
    html.raw("<th scope=\"col\">Drawn</th><th scope=\"col\" class=\"num\">Days left</th></tr></thead>\n<tbody>\n");
    for (certificate, line) in all.iter().take(ROWS_MAX) {
        let late = certificate.days_left <= LATE_DAYS;
        html.raw("<tr><th scope=\"row\"><span class=\"domain\">").clipped(&certificate.domain, 255);
        html.raw("</span> <small>").clipped(&line.name, 120).raw(", until ").day(certificate.not_after);
        html.raw("</small></th>\n<td class=\"drawn\"><svg aria-hidden=\"true\" viewBox=\"0 0 ").number(DAYS_MAX);
        html.raw(" 10\" preserveAspectRatio=\"none\"><rect class=\"track\" width=\"").number(DAYS_MAX);
        html.raw("\" height=\"10\"/><rect class=\"").raw(if late { "f-critical" } else { "f-low" });
        html.raw("\" width=\"").number(certificate.days_left.clamp(0, DAYS_MAX)).raw("\" height=\"10\"/>");
        html.raw("<line class=\"late\" x1=\"").number(LATE_DAYS).raw("\" x2=\"").number(LATE_DAYS);
        html.raw("\" y1=\"0\" y2=\"10\"/></svg></td>\n<td class=\"num\">");
        match certificate.days_left {
            days if days < 0 => html.raw("<b>expired</b>"),
            days if late => html.raw("<b>").count(days).raw("</b> <small>late</small>"),
            days => html.count(days),
        };
        html.raw("</td></tr>\n");
    }
    html.raw("</tbody></table>\n");
    super::left_out(html, all.len().min(ROWS_MAX), all.len(), "certificates");
    html.raw("</section>\n");
}

/// A small count, for a drawing.
fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::from(u32::MAX), f64::from)
}
