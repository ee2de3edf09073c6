//! The drawings: the trend of the runs, and the days that certificates have left. Each says in words what it draws.

use super::super::{CertificateLine, Grade, Report, ServiceLine, Trend, TrendLine};
use super::ROWS_MAX;
use super::write::{Html, day, minute, plural};

/// Runs that are drawn; more become too thin for a phone.
const BARS_MAX: usize = 60;
/// Runs that the drawing has room for at least: two bars that fill it look like walls.
const BARS_MIN: usize = 12;
/// The size of the drawing in its own units.
const WIDTH: u32 = 600;
const HEIGHT: u32 = 150;
/// The line at which a certificate is late: App Runner's own renewal should have come by then.
const LATE_DAYS: i64 = 30;
/// The days at the right end of a bar; certificates of public authorities live for 200 days at most.
const DAYS_MAX: i64 = 200;
/// Certificates that stand in the list at once, those that end first; the rest is a click away.
const CERTIFICATES_UNFOLDED_MAX: usize = 10;
/// Lines of the grid, without the one at zero.
const GRID: u32 = 4;

pub(super) fn trend(html: &mut Html, trend: &Trend) {
    let runs = trend.runs.get(trend.runs.len().saturating_sub(BARS_MAX)..).unwrap_or_default();
    let (Some(first), Some(last), true) = (runs.first(), runs.last(), runs.len() > 1) else {
        super::nothing(html, "trend", "Open findings, run by run", "A trend needs two runs.");
        return;
    };
    html.raw("<section aria-labelledby=\"trend\">\n<h2 id=\"trend\">Open findings, run by run</h2>\n");
    let most = runs.iter().map(|run| run.counts.total()).max().unwrap_or(0);
    let step = step(most);
    html.raw("<figure>\n<div class=\"chart\"><div class=\"axis\" aria-hidden=\"true\">");
    for line in (0..=GRID).rev() {
        html.raw("<span>").count(step.saturating_mul(line)).raw("</span>");
    }
    html.raw("</div>\n<svg class=\"trend\" role=\"img\" viewBox=\"0 0 ").number(WIDTH).raw(" ").number(HEIGHT);
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
    for line in 0..=GRID {
        html.raw("<line class=\"grid\" x1=\"0\" x2=\"").number(WIDTH).raw("\" y1=\"").number(HEIGHT * line / GRID);
        html.raw("\" y2=\"").number(HEIGHT * line / GRID).raw("\"/>\n");
    }
    // The newest stands at the right, where the next one will.
    let slots = runs.len().max(BARS_MIN);
    for (at, run) in runs.iter().enumerate() {
        bar(html, slots - runs.len() + at, slots, run, step.saturating_mul(GRID));
    }
    html.raw("</svg></div>\n<figcaption><span>");
    match runs.len() < BARS_MIN {
        true => html.raw("</span><span>").day(first.at).raw(" to ").day(last.at),
        false => html.day(first.at).raw("</span><span>").day(last.at),
    };
    html.raw("</span></figcaption>\n</figure>\n<ul class=\"legend\">");
    for grade in Grade::ALL {
        html.raw("<li><span class=\"swatch s-").raw(grade.as_str()).raw("\"></span>").raw(grade.as_str()).raw("</li>");
    }
    html.raw("</ul>\n");
    numbers(html, runs);
    html.raw("</section>\n");
}

/// What a line of the grid stands for: a round number, such that the highest bar fits.
fn step(most: u32) -> u32 {
    let least = most.div_ceil(GRID).max(1);
    let mut tens: u32 = 1;
    while least > tens.saturating_mul(15) {
        tens = tens.saturating_mul(10);
    }
    let mut round = [1, 2, 3, 4, 5, 6, 8, 10, 12, 15].into_iter().map(|digit| tens.saturating_mul(digit));
    round.find(|step| *step >= least).unwrap_or(least)
}

/// One run: the worst grade stands at the bottom, so that what matters most has a common base line.
fn bar(html: &mut Html, at: usize, slots: usize, run: &TrendLine, top_of_grid: u32) {
    let slot = f64::from(WIDTH) / count(slots);
    let (x, width) = (slot * count(at) + slot * 0.1, slot * 0.8);
    let unit = f64::from(HEIGHT) / f64::from(top_of_grid);
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
    html.raw("<details class=\"numbers\"><summary>The numbers</summary>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" ");
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
    let mut all: Vec<_> =
        report.services.iter().flat_map(|line| line.certificates.iter().map(move |one| (one, line))).collect();
    if all.is_empty() {
        super::nothing(html, "certificates", "Certificates", "No certificate of a custom domain was seen.");
        return;
    }
    html.raw("<section aria-labelledby=\"certificates\">\n<h2 id=\"certificates\">Certificates: days left</h2>\n");
    all.sort_by(|(a, _), (b, _)| (a.days_left, &a.domain).cmp(&(b.days_left, &b.domain)));
    html.raw("<p class=\"note\">The line stands at ").count(LATE_DAYS).raw(" days; the bars end at ").count(DAYS_MAX);
    html.raw(".</p>\n");
    let shown = all.get(..ROWS_MAX).unwrap_or(&all);
    let (first, rest) = shown.split_at(shown.len().min(CERTIFICATES_UNFOLDED_MAX));
    table(html, first);
    if let Some((certificate, _)) = rest.first() {
        html.raw("<details><summary>").count(i64::try_from(rest.len()).unwrap_or(i64::MAX)).raw(" more, with ");
        html.text(&left(certificate.days_left)).raw(" or more</summary>\n");
        table(html, rest);
        html.raw("</details>\n");
    }
    super::left_out(html, shown.len(), all.len(), "certificates, those that end first");
    html.raw("</section>\n");
}

fn table(html: &mut Html, rows: &[(&CertificateLine, &ServiceLine)]) {
    super::drawing(html, "certificates", ["Domain", "Drawn", "Days left"]);
    for (certificate, line) in rows {
        let days = certificate.days_left;
        html.raw("<tr><th scope=\"row\"><span class=\"domain\">").name(&certificate.domain, 255);
        html.raw("</span> <small>").name(&line.name, 120).raw(", until ").day(certificate.not_after);
        html.raw("</small></th>\n<td class=\"drawn\"><svg aria-hidden=\"true\" viewBox=\"0 0 ").number(DAYS_MAX);
        html.raw(" 10\" preserveAspectRatio=\"none\"><rect class=\"").raw(if days < 1 { "over" } else { "track" });
        html.raw("\" width=\"").number(DAYS_MAX).raw("\" height=\"10\"/><rect class=\"");
        html.raw(if days <= LATE_DAYS { "f-critical" } else { "f-low" });
        html.raw("\" width=\"").number(days.clamp(0, DAYS_MAX)).raw("\" height=\"10\"/>");
        html.raw("<line class=\"late\" x1=\"").number(LATE_DAYS).raw("\" x2=\"").number(LATE_DAYS);
        html.raw("\" y1=\"0\" y2=\"10\"/></svg></td>\n<td class=\"num\">");
        match days {
            days if days < 0 => html.raw("<b>expired</b> <small>").text(&left(days)).raw("</small>"),
            days if days <= LATE_DAYS => html.raw("<b>").count(days).raw("</b> <small>late</small>"),
            days => html.count(days),
        };
        html.raw("</td></tr>\n");
    }
    html.raw("</tbody></table>\n");
}

/// The days that a certificate has left, in words.
fn left(days: i64) -> String {
    let count = usize::try_from(days.unsigned_abs()).unwrap_or(usize::MAX);
    format!("{} {}", plural(count, "day", "days"), if days < 0 { "ago" } else { "left" })
}

/// A small count, for a drawing.
fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::from(u32::MAX), f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_stands_at_round_numbers_and_holds_the_highest_bar() {
        for (most, expected) in
            [(0, 1), (4, 1), (5, 2), (21, 6), (40, 10), (41, 12), (3_700, 1_000), (u32::MAX, 1_200_000_000)]
        {
            assert_eq!(step(most), expected, "{most}");
        }
    }
}
