//! What is found most: the rules that found something, the worst first, each with how many findings of it are open.

use std::collections::BTreeMap;

use super::super::{Finding, Grade, Report};
use super::badge;
use super::write::Html;

/// Rules that stand in the list at once; the rest is a click away.
const RULES_MAX: usize = 8;

struct Row<'r> {
    grade: Grade,
    rule: &'r str,
    title: &'r str,
    open: u32,
}

pub(super) fn section(html: &mut Html, report: &Report) {
    let rows = rows(report.findings.iter().filter(|finding| finding.open()));
    if rows.is_empty() {
        return;
    }
    let most = rows.iter().map(|row| row.open).max().unwrap_or(1);
    html.raw("<section aria-labelledby=\"frequent\">\n<h2 id=\"frequent\">What was found, rule by rule</h2>\n");
    let (first, rest) = rows.split_at(rows.len().min(RULES_MAX));
    table(html, first, most);
    if !rest.is_empty() {
        let count = i64::try_from(rest.len()).unwrap_or(i64::MAX);
        html.raw("<details><summary>").count(count).raw(" more</summary>\n");
        table(html, rest, most);
        html.raw("</details>\n");
    }
    html.raw("</section>\n");
}

/// One row a rule, by its worst finding, then by how many there are.
fn rows<'r>(open: impl Iterator<Item = &'r Finding>) -> Vec<Row<'r>> {
    let mut by: BTreeMap<&str, Row<'r>> = BTreeMap::new();
    for finding in open {
        let (grade, rule, title) = (finding.grade, finding.rule.as_str(), finding.title.as_str());
        let row = by.entry(rule).or_insert(Row { grade, rule, title, open: 0 });
        row.grade = row.grade.max(grade);
        row.open += 1;
    }
    let mut rows: Vec<Row<'r>> = by.into_values().collect();
    rows.sort_by_key(|row| std::cmp::Reverse((row.grade, row.open)));
    rows
}

fn table(html: &mut Html, rows: &[Row<'_>], most: u32) {
    super::drawing(html, "frequent", ["Rule", "Drawn", "Open findings"]);
    for row in rows {
        html.raw("<tr><th scope=\"row\">");
        badge(html, row.grade);
        // The script filters by the rule; without it the link leads to the findings.
        html.raw(" <a href=\"#findings\" data-find=\"").text(row.rule).raw("\">").text(row.title);
        html.raw("</a></th>\n<td class=\"drawn\"><svg aria-hidden=\"true\" viewBox=\"0 0 ").number(most);
        html.raw(" 10\" preserveAspectRatio=\"none\"><rect class=\"f-").text(row.grade.as_str());
        html.raw("\" width=\"").number(row.open).raw("\" height=\"10\"/></svg></td>\n<td class=\"num\">");
        html.count(row.open).raw("</td></tr>\n");
    }
    html.raw("</tbody></table>\n");
}
