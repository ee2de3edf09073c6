//! The notice of an audit: what is new, worse, better, gone and waived since the run before, and what it sees no more.
//!
//! | seen | told |
//! |---|---|
//! | nothing changed | nothing |
//! | a first run | once, by information at most: whoever installs pitcrew looks at its first report anyway |
//! | new, worse or open again, the worst of them critical | critical: users are hurt, or will be within days, and nobody knew |
//! | ... high or medium | warning |
//! | what the run before could check, and this one could not | warning: what goes wrong there goes unseen |
//! | ... low, or only better, gone, waived, checked again | information |
//!
//! A critical finding that stays open is not told again: a person was told, and the page shows it until it is mended. What
//! cannot be checked is told once too, and once when it can be again.

use std::collections::BTreeMap;

use super::engine::EVERY_RULE;
use super::sight::{checks, reasons};
use super::{Changes, Counts, Finding, Grade, Regraded, Report, Sight, Unseen};
use crate::notice::{Link, Notice, NoticeKind, Severity, Todo};
use crate::render::clean::{clip, line};

/// Findings that are named for one kind of change; the page names more.
const NAMED_MAX: usize = 5;
/// Reasons that are named for what cannot be checked any longer, and for what can be again.
const REASONS_MAX: usize = 3;
const NAME_CHARS_MAX: usize = 160;
const TEXT_CHARS_MAX: usize = 400;
/// A command that is longer is left to the page: half a command must not be copied.
const COMMAND_CHARS_MAX: usize = 600;

mod trouble;

pub use trouble::{given_up, refused};

/// What is told of the run, with a link to its page where there is one. The same run gives the same id.
pub fn notice(report: &Report, page: Option<&str>) -> Option<Notice> {
    if report.previous.is_some() && report.changes.is_empty() && report.sight.is_empty() {
        return None;
    }
    let place = format!("{}/{}", report.place.account, report.place.region);
    let links = page.map(|url| Link { label: "The report".to_owned(), url: url.to_owned() });
    let by_id = ById::of(report);
    let worst = worst_first(report, &by_id);
    let blind = reasons(&report.sight.lost).into_iter().map(|(why, _)| Todo {
        text: format!("Let the audit look again: {}", clip(why, TEXT_CHARS_MAX)),
        command: None,
    });
    Some(Notice {
        id: format!("audit/{place}/{}", report.run),
        kind: NoticeKind::Audit,
        severity: severity(report, worst.first().copied()),
        service: None,
        incident: None,
        group: format!("AUDIT#{place}"),
        headline: headline(report),
        happened: happened(report),
        why: None,
        done: done(report, &by_id),
        todo: worst.into_iter().take(NAMED_MAX).map(todo).chain(blind.take(REASONS_MAX)).collect(),
        links: links.into_iter().collect(),
        receipt: format!("audit-{}", line(&report.run, NAME_CHARS_MAX)),
        at: report.finished,
    })
}

/// Findings by id: a new rule is news of every service, and looking each up in the list would take the square of that.
struct ById<'r>(BTreeMap<&'r str, &'r Finding>);

impl<'r> ById<'r> {
    fn of(report: &'r Report) -> Self {
        Self(report.findings.iter().map(|finding| (finding.id.as_str(), finding)).collect())
    }

    fn get(&self, id: &str) -> Option<&'r Finding> {
        self.0.get(id).copied()
    }
}

/// What somebody has to look at now: new, worse and open again; in a first run every open finding.
fn worst_first<'r>(report: &'r Report, by_id: &ById<'r>) -> Vec<&'r Finding> {
    let Changes { new, worse, reopened, .. } = &report.changes;
    let mut all: Vec<&Finding> = match &report.previous {
        None => report.findings.iter().filter(|finding| finding.open()).collect(),
        Some(_) => {
            let ids = new.iter().chain(worse.iter().map(|one| &one.id)).chain(reopened);
            ids.filter_map(|id| by_id.get(id)).collect()
        }
    };
    all.sort_by_key(|finding| std::cmp::Reverse(finding.grade));
    all
}

fn severity(report: &Report, worst: Option<&Finding>) -> Severity {
    if report.previous.is_none() {
        return Severity::Info;
    }
    match worst.map(|finding| finding.grade) {
        Some(Grade::Critical) => Severity::Critical,
        Some(Grade::High | Grade::Medium) => Severity::Warning,
        Some(Grade::Low) | None if !report.sight.lost.is_empty() => Severity::Warning,
        Some(Grade::Low) | None => Severity::Info,
    }
}

fn headline(report: &Report) -> String {
    let region = &report.place.region;
    let open = report.counts.total();
    if report.previous.is_none() {
        return format!("audit of {region}: the first report, {open} open");
    }
    let Changes { new, worse, better, waived, reopened, gone } = &report.changes;
    let parts = [
        (new.len(), "new"),
        (worse.len(), "worse"),
        (reopened.len(), "open again"),
        (better.len(), "better"),
        (gone.len(), "gone"),
        (waived.len(), "waived"),
        (checks(&report.sight.lost), "no longer checked"),
        (checks(&report.sight.back), "checked again"),
    ];
    let parts = parts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}"));
    format!("audit of {region}: {}; {open} open", parts.collect::<Vec<_>>().join(", "))
}

fn happened(report: &Report) -> String {
    let now = match by_grade(report.counts) {
        grades if grades.is_empty() => "No finding is open now.".to_owned(),
        grades => format!("Open now: {grades}."),
    };
    let unchecked = match report.unchecked {
        0 => String::new(),
        1 => " 1 check could not be made.".to_owned(),
        count => format!(" {count} checks could not be made."),
    };
    format!("{now}{unchecked}")
}

fn by_grade(counts: Counts) -> String {
    let grades = Grade::ALL.into_iter().filter(|grade| counts.of(*grade) > 0);
    grades.map(|grade| format!("{} {}", counts.of(grade), grade.as_str())).collect::<Vec<_>>().join(", ")
}

fn done(report: &Report, by_id: &ById<'_>) -> Vec<String> {
    let mut lines =
        vec![format!("Looked at {} services by {} calls and changed nothing.", report.audited, report.calls)];
    let Changes { new, worse, better, waived, reopened, gone } = &report.changes;
    let ids = |ids: &[String]| ids.iter().filter_map(|id| by_id.get(id)).map(|one| (one, None)).collect();
    let regraded = |all: &[Regraded]| -> Vec<(_, Option<Grade>)> {
        all.iter().filter_map(|one| Some((by_id.get(&one.id)?, Some(one.before)))).collect()
    };
    name(&mut lines, "New", ids(new));
    name(&mut lines, "Worse", regraded(worse));
    name(&mut lines, "Open again", ids(reopened));
    name(&mut lines, "Better", regraded(better));
    name(&mut lines, "Gone", gone.iter().map(|one| (one, None)).collect());
    name(&mut lines, "Waived", ids(waived));
    let Sight { lost, back } = &report.sight;
    blindness(&mut lines, "No longer checked", lost);
    blindness(&mut lines, "Checked again", back);
    lines
}

fn blindness(lines: &mut Vec<String>, what: &str, unseen: &[Unseen]) {
    let reasons = reasons(unseen);
    for (why, (rules, pairs)) in reasons.iter().take(REASONS_MAX) {
        let rules = match rules.iter().copied().collect::<Vec<_>>()[..] {
            [EVERY_RULE] => "every rule".to_owned(),
            [rule] => line(rule, NAME_CHARS_MAX),
            _ => format!("{} rules", rules.len()),
        };
        let times = if *pairs == 1 { "once".to_owned() } else { format!("{pairs} times") };
        lines.push(format!("{what}: {rules}, {times}: {}", clip(why, TEXT_CHARS_MAX)));
    }
    let more = reasons.len().saturating_sub(REASONS_MAX);
    if more > 0 {
        lines.push(format!("{what}: for {more} more reasons"));
    }
}

/// The worst of one kind of change, each in a line.
fn name(lines: &mut Vec<String>, what: &str, mut findings: Vec<(&Finding, Option<Grade>)>) {
    findings.sort_by_key(|(finding, _)| std::cmp::Reverse(finding.grade));
    for (finding, before) in findings.iter().take(NAMED_MAX) {
        let was = before.map(|grade| format!(", was {}", grade.as_str())).unwrap_or_default();
        lines.push(format!("{what}: {} ({}{was})", subject(finding), finding.grade.as_str()));
    }
    let more = findings.len().saturating_sub(NAMED_MAX);
    if more > 0 {
        lines.push(format!("{what}: and {more} more"));
    }
}

fn subject(finding: &Finding) -> String {
    let about = line(finding.resource.name(), NAME_CHARS_MAX);
    let title = clip(&finding.title, NAME_CHARS_MAX);
    match finding.key.as_str() {
        "" => format!("{about}: {title}"),
        key => format!("{about}: {title}, {}", line(key, NAME_CHARS_MAX)),
    }
}

fn todo(finding: &Finding) -> Todo {
    let command = finding.fix.command.clone().filter(|command| command.chars().nth(COMMAND_CHARS_MAX).is_none());
    Todo { text: format!("{}. {}", subject(finding), clip(&finding.fix.text, TEXT_CHARS_MAX)), command }
}

#[cfg(test)]
mod tests;
