//! A report for people: a table of what has open findings, the worst first; then each finding with what was seen and what mends it;
//! then what could not be checked, by reason.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use comfy_table::CellAlignment;
use pitcrew_core::audit::{Counts, Finding, Grade, Report, Resource};
use serde::Serialize;

use super::missed::Missed;
use super::rules::EVERY_RULE;
use crate::commands::incidents::wrapped;
use crate::output::{Screen, View, lines, table};
use crate::words::{Tone, line, toned, whole};

/// Rows of the table; the findings below it are never cut.
const ROWS_MAX: usize = 50;
/// Reasons that are told.
const REASONS_MAX: usize = 8;
/// Resources that are named for one reason.
const NAMES_MAX: usize = 3;

/// The document of `pitcrew audit --json`: the report. With it, for people, how much of it `--severity` hides.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Shown {
    report: Report,
    #[serde(skip)]
    hidden: u32,
    #[serde(skip)]
    missed: Missed,
}

impl Shown {
    /// `hidden`: open findings that are not in the report as it is shown.
    pub fn new(report: Report, hidden: u32, missed: Missed) -> Self {
        Self { report, hidden, missed }
    }
}

impl View for Shown {
    fn text(&self, screen: &Screen) -> String {
        let report = &self.report;
        let groups = groups(&report.findings);
        let mut out = String::new();
        overview(&mut out, screen, &groups);
        for group in &groups {
            let _infallible = writeln!(out, "{}{}", toned(Tone::Strong, &line(group.resource.name())), group.kind());
            group.findings.iter().for_each(|finding| one(&mut out, screen, finding));
            out.push('\n');
        }
        not_checked(&mut out, screen, report);
        self.summary(&mut out, screen);
        out
    }
}

impl Shown {
    fn summary(&self, out: &mut String, screen: &Screen) {
        let report = &self.report;
        let place = format!("{} {}", report.place.account, report.place.region);
        let audited = match report.audited {
            // Whoever is in the wrong region must not take this for a fleet in order.
            0 if self.missed.is_nothing() => "There is no App Runner service to audit".to_owned(),
            1 => "1 service audited".to_owned(),
            many => format!("{many} services audited"),
        };
        let mut said = format!("{audited} in {place}, {} calls to AWS.", report.calls);
        if report.left_out > 0 {
            let _infallible = write!(said, " {} deleted meanwhile.", report.left_out);
        }
        said.push_str(&changes(report));
        let (waived, unchecked) = (report.waived, report.unchecked);
        let _infallible = write!(said, " {waived} waived, {unchecked} not checked.");
        if self.hidden > 0 {
            let _infallible = write!(said, " {} open of a lower grade not shown.", self.hidden);
        }
        out.push_str(&wrapped(&line(&said), usize::from(screen.width), 0));
        let _infallible = writeln!(out, "{}", self.open());
        if !self.missed.is_nothing() {
            let said = wrapped(&line(&self.missed.said(report.audited)), usize::from(screen.width), 0);
            let _infallible = writeln!(out, "{}", toned(Tone::Bad, said.trim_end()));
        }
    }

    /// What is open, in the colour of the worst; in green nothing but a fleet that was looked at everywhere.
    fn open(&self) -> String {
        let report = &self.report;
        if let Some(worst) = report.counts.worst() {
            return toned(tone(worst), &format!("{} open: {}.", report.counts.total(), counted(&report.counts)));
        }
        let what = if self.hidden > 0 { "Nothing of this grade is open" } else { "Nothing is open" };
        match (self.missed.is_nothing(), report.unchecked, report.audited) {
            (false, _, _) => format!("{what} in what was looked at."),
            (true, 1.., _) => format!("{what} in what could be checked."),
            (true, 0, 0) => format!("{what}."),
            (true, 0, 1..) => toned(Tone::Good, &format!("{what}.")),
        }
    }
}

fn changes(report: &Report) -> String {
    let Some(previous) = &report.previous else { return String::new() };
    let now = &report.changes;
    let (lost, back) = report.sight.counts();
    let counts = [
        (now.new.len(), "new"),
        (now.worse.len(), "worse"),
        (now.better.len(), "better"),
        (now.waived.len(), "waived"),
        (now.reopened.len(), "open again"),
        (now.gone.len(), "gone"),
        (lost, "no longer checked"),
        (back, "checked again"),
    ];
    let told: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    let told = if told.is_empty() { "no change".to_owned() } else { told.join(", ") };
    format!(" Since {previous}: {told}.")
}

/// `1 critical, 4 high`: the grades of which there is any.
fn counted(counts: &Counts) -> String {
    let grades = Grade::ALL.into_iter().filter(|grade| counts.of(*grade) > 0);
    grades.map(|grade| format!("{} {}", counts.of(grade), grade.as_str())).collect::<Vec<_>>().join(", ")
}

/// The open findings about one resource.
struct Group<'r> {
    resource: &'r Resource,
    counts: Counts,
    findings: Vec<&'r Finding>,
}

impl Group<'_> {
    /// What it is, where it is no service: those have the name alone.
    fn kind(&self) -> String {
        match self.resource {
            Resource::Service { .. } | Resource::Account => String::new(),
            Resource::Other { kind, .. } => format!("  {}", line(kind)),
        }
    }
}

/// The worst resource first; its findings stay in the order of the report, which is that of their grades.
fn groups(findings: &[Finding]) -> Vec<Group<'_>> {
    let mut by: BTreeMap<&Resource, Group<'_>> = BTreeMap::new();
    for finding in findings.iter().filter(|finding| finding.open()) {
        let new = || Group { resource: &finding.resource, counts: Counts::default(), findings: Vec::new() };
        let group = by.entry(&finding.resource).or_insert_with(new);
        group.counts.add(finding.grade);
        group.findings.push(finding);
    }
    let mut groups: Vec<Group<'_>> = by.into_values().collect();
    groups.sort_by_key(|group| (Grade::ALL.map(|grade| Reverse(group.counts.of(grade))), group.resource));
    groups
}

fn overview(out: &mut String, screen: &Screen, groups: &[Group<'_>]) {
    if groups.is_empty() {
        return;
    }
    let mut rows = table(screen, &["RESOURCE", "CRITICAL", "HIGH", "MEDIUM", "LOW"]);
    for group in groups.iter().take(ROWS_MAX) {
        let mut row = vec![line(group.resource.name())];
        row.extend(Grade::ALL.map(|grade| match group.counts.of(grade) {
            0 => String::new(),
            count => toned(tone(grade), &count.to_string()),
        }));
        rows.add_row(row);
    }
    rows.column_iter_mut().skip(1).for_each(|column| {
        column.set_cell_alignment(CellAlignment::Right);
    });
    out.push_str(&lines(&rows));
    if groups.len() > ROWS_MAX {
        let _infallible = writeln!(out, " and {} more", groups.len() - ROWS_MAX);
    }
    out.push('\n');
}

fn one(out: &mut String, screen: &Screen, finding: &Finding) {
    let width = usize::from(screen.width);
    let title = wrapped(&line(&format!("{} ({})", finding.title, finding.rule)), width, 12);
    // The grade stands in the indent of the title's first line.
    let _infallible = write!(out, "  {}{}", toned_to(finding.grade, 10), title.trim_start());
    out.push_str(&wrapped(&whole(&finding.seen), width, 4));
    if !finding.checked {
        out.push_str(&wrapped("An earlier run saw it; this one could not look.", width, 4));
    }
    out.push_str(&wrapped(&whole(&finding.fix.text), width, 4));
    if let Some(command) = &finding.fix.command {
        // A command is copied: it stands whole, on a line of its own.
        let _infallible = writeln!(out, "      {}", whole(command));
    }
}

/// What could not be checked, the reason that took the most first.
fn not_checked(out: &mut String, screen: &Screen, report: &Report) {
    let mut by: BTreeMap<&str, (BTreeSet<&str>, BTreeSet<&Resource>, usize)> = BTreeMap::new();
    for entry in &report.not_checked {
        let (rules, resources, pairs) = by.entry(&entry.why).or_default();
        rules.insert(&entry.rule);
        resources.extend(&entry.resources);
        *pairs += entry.resources.len();
    }
    if by.is_empty() {
        return;
    }
    let mut reasons: Vec<_> = by.into_iter().collect();
    reasons.sort_by_key(|(why, (_, _, pairs))| (Reverse(*pairs), *why));
    let _infallible = writeln!(out, "{}", toned(Tone::Strong, "not checked"));
    for (why, (rules, resources, _)) in reasons.iter().take(REASONS_MAX) {
        let rules = match rules.iter().copied().collect::<Vec<_>>()[..] {
            [EVERY_RULE] => "every rule".to_owned(),
            [only] => only.to_owned(),
            ref many => format!("{} rules", many.len()),
        };
        let said = format!("{why}: {rules}, {}", names(resources));
        out.push_str(&wrapped(&line(&said), usize::from(screen.width), 2));
    }
    if reasons.len() > REASONS_MAX {
        let _infallible = writeln!(out, "  and {} more reasons, in --json and --html", reasons.len() - REASONS_MAX);
    }
    out.push('\n');
}

fn names(resources: &BTreeSet<&Resource>) -> String {
    let named: Vec<&str> = resources.iter().take(NAMES_MAX).map(|resource| resource.name()).collect();
    let more = resources.len() - named.len();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", named.join(", "))
}

fn tone(grade: Grade) -> Tone {
    match grade {
        Grade::Critical | Grade::High => Tone::Bad,
        Grade::Medium => Tone::Warning,
        Grade::Low => Tone::Quiet,
    }
}

/// The grade in its colour.
fn toned_grade(grade: Grade) -> String {
    toned(tone(grade), grade.as_str())
}

/// The same, filled up to a width: what colours it has no width.
pub fn toned_to(grade: Grade, width: usize) -> String {
    toned_grade(grade) + &" ".repeat(width.saturating_sub(grade.as_str().len()))
}

#[cfg(test)]
mod tests {
    use pitcrew_core::audit::Selection;

    use super::*;
    use crate::samples::{self, text};

    fn shown(grade: Option<Grade>) -> String {
        let report = samples::report();
        let open = report.counts.total();
        let report = report.narrowed(&Selection { grade, ..Selection::default() });
        let hidden = open - report.counts.total();
        let missed = missed(&report);
        text(&Shown::new(report, hidden, missed))
    }

    fn missed(report: &Report) -> Missed {
        use clap::Parser as _;
        let args = crate::args::Args::parse_from(["pitcrew", "audit"]);
        let crate::args::Command::Audit(args) = args.command else { panic!("{:?}", args.command) };
        Missed::of(report, None, &args)
    }

    /// The report with nothing found, and what was not checked or audited.
    fn quiet(unchecked: &[&str], audited: u32, hidden: u32) -> String {
        let report = samples::report();
        let entry =
            |rule: &&str| pitcrew_core::audit::NotChecked { rule: (*rule).to_owned(), ..report.not_checked[0].clone() };
        let not_checked = unchecked.iter().map(entry).collect();
        let report = Report { findings: Vec::new(), not_checked, audited, ..report.clone() };
        let missed = missed(&report);
        Shown::new(report.narrowed(&Selection::default()), hidden, missed).text(&samples::screen())
    }

    #[test]
    fn green_is_nothing_but_a_fleet_that_was_looked_at_everywhere() {
        let green = |text: &str| text.contains("\u{1b}[32m");
        for (shown, said, is_green) in [
            (quiet(&[], 3, 0), "Nothing is open.", true),
            (quiet(&[], 3, 2), "Nothing of this grade is open.", true),
            (quiet(&["domains-stuck"], 3, 0), "Nothing is open in what could be checked.", false),
            (quiet(&["*"], 3, 2), "Nothing of this grade is open in what was looked at.", false),
            (quiet(&[], 0, 0), "There is no App Runner service to audit in 123456789012 eu-west-1", false),
            (quiet(&["*"], 0, 0), "0 services audited in 123456789012", false),
        ] {
            assert_eq!((shown.contains(said), green(&shown)), (true, is_green), "{said}: {shown}");
        }
        assert!(quiet(&["*"], 3, 0).ends_with("Incomplete: 1 of 4 services could not be read.\u{1b}[0m\n"));
        assert!(!quiet(&["domains-stuck"], 3, 0).contains("Incomplete"));
    }

    #[test]
    fn an_audit_for_people() {
        let shown = shown(None);
        // Commands are copied, and so never cut.
        let told = shown.lines().filter(|line| !line.starts_with("      "));
        assert!(told.clone().count() > 40 && told.clone().all(|line| line.chars().count() <= 80), "{shown}");
        insta::assert_snapshot!(shown);
    }

    #[test]
    fn the_worst_of_an_audit_says_what_is_not_shown() {
        insta::assert_snapshot!(shown(Some(Grade::Critical)));
    }

    #[test]
    fn the_document_is_the_report_and_nothing_else() {
        let report = samples::report();
        let document = serde_json::to_value(Shown::new(report.clone(), 3, missed(&report))).unwrap();
        assert_eq!(document, serde_json::to_value(&report).unwrap());
    }

    #[test]
    fn what_is_waived_is_counted_and_not_shown() {
        let report = samples::report();
        let waived = report.findings.iter().find(|finding| !finding.open()).unwrap().clone();
        let report = Report { findings: vec![waived], not_checked: Vec::new(), ..report };
        let shown = text(&Shown::new(report.narrowed(&Selection::default()), 0, Missed::default())).replace('\n', " ");
        assert!(shown.contains("1 waived, 0 not checked. Nothing is open. "), "{shown}");
        assert!(!shown.contains("health check"), "{shown}");
    }

    #[test]
    fn texts_from_outside_cannot_steer_the_terminal() {
        let mut report = samples::report();
        for finding in &mut report.findings {
            finding.seen = "one\u{1b}[2Jtwo\nthree".to_owned();
            finding.fix.command = Some("aws \u{1b}[31m\nx".to_owned());
        }
        let shown = Shown::new(report, 0, Missed::default()).text(&samples::screen());
        assert!(!shown.contains("\u{1b}[2J") && shown.contains("one[2Jtwo three"), "{shown}");
        assert!(!text(&Shown::new(samples::report(), 0, Missed::default())).contains('\u{1b}'));
    }

    #[test]
    fn reasons_are_told_once_for_all_that_they_took() {
        let mut report = samples::report();
        let entry = report.not_checked[0].clone();
        report.not_checked = (0..20)
            .map(|at| {
                let why = format!("reason {}", at % 10);
                pitcrew_core::audit::NotChecked { rule: format!("rule-{at}"), why, ..entry.clone() }
            })
            .collect();
        let shown = text(&Shown::new(report, 0, Missed::default()));
        assert!(shown.contains("  reason 0: 2 rules, shop-stock\n"), "{shown}");
        assert!(shown.contains("  and 2 more reasons, in --json and --html\n"), "{shown}");
    }
}
