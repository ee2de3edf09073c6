//! The notice of an audit: what is new, worse, better, gone and waived since the run before.
//!
//! | seen | told |
//! |---|---|
//! | nothing changed | nothing |
//! | a first run | once, by information at most: whoever installs pitcrew looks at its first report anyway |
//! | new, worse or open again, the worst of them critical | critical: users are hurt, or will be within days, and nobody knew |
//! | ... high or medium | warning |
//! | ... low, or only better, gone, waived | information |
//!
//! A critical finding that stays open is not told again: a person was told, and the page shows it until it is mended.

use super::{Changes, Counts, Finding, Grade, Regraded, Report};
use crate::notice::{Link, Notice, NoticeKind, Severity, Todo};
use crate::render::clean::{clip, line};

/// Findings that are named for one kind of change; the page names more.
const NAMED_MAX: usize = 5;
const NAME_CHARS_MAX: usize = 160;
const TEXT_CHARS_MAX: usize = 400;
/// A command that is longer is left to the page: half a command must not be copied.
const COMMAND_CHARS_MAX: usize = 600;

/// What is told of the run, with a link to its page where there is one. The same run gives the same id.
pub fn notice(report: &Report, page: Option<&str>) -> Option<Notice> {
    let changes = &report.changes;
    if report.previous.is_some() && changes.is_empty() {
        return None;
    }
    let place = format!("{}/{}", report.place.account, report.place.region);
    let links = page.map(|url| Link { label: "The report".to_owned(), url: url.to_owned() });
    Some(Notice {
        id: format!("audit/{place}/{}", report.run),
        kind: NoticeKind::Audit,
        severity: severity(report),
        service: None,
        incident: None,
        group: format!("AUDIT#{place}"),
        headline: headline(report),
        happened: happened(report),
        why: None,
        done: done(report),
        todo: worst_first(report).into_iter().take(NAMED_MAX).map(todo).collect(),
        links: links.into_iter().collect(),
        receipt: format!("audit-{}", line(&report.run, NAME_CHARS_MAX)),
        at: report.finished,
    })
}

/// What somebody has to look at now: new, worse and open again; in a first run every open finding.
fn worst_first(report: &Report) -> Vec<&Finding> {
    let Changes { new, worse, reopened, .. } = &report.changes;
    let mut all: Vec<&Finding> = match &report.previous {
        None => report.findings.iter().filter(|finding| finding.open()).collect(),
        Some(_) => {
            let ids = new.iter().chain(worse.iter().map(|one| &one.id)).chain(reopened);
            ids.filter_map(|id| report.finding(id)).collect()
        }
    };
    all.sort_by_key(|finding| std::cmp::Reverse(finding.grade));
    all
}

fn severity(report: &Report) -> Severity {
    if report.previous.is_none() {
        return Severity::Info;
    }
    match worst_first(report).first().map(|finding| finding.grade) {
        Some(Grade::Critical) => Severity::Critical,
        Some(Grade::High | Grade::Medium) => Severity::Warning,
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

fn done(report: &Report) -> Vec<String> {
    let mut lines =
        vec![format!("Looked at {} services by {} calls and changed nothing.", report.audited, report.calls)];
    let Changes { new, worse, better, waived, reopened, gone } = &report.changes;
    let ids = |ids: &[String]| ids.iter().filter_map(|id| report.finding(id)).map(|one| (one, None)).collect();
    let regraded = |all: &[Regraded]| -> Vec<(_, Option<Grade>)> {
        all.iter().filter_map(|one| Some((report.finding(&one.id)?, Some(one.before)))).collect()
    };
    name(&mut lines, "New", ids(new));
    name(&mut lines, "Worse", regraded(worse));
    name(&mut lines, "Open again", ids(reopened));
    name(&mut lines, "Better", regraded(better));
    name(&mut lines, "Gone", gone.iter().map(|one| (one, None)).collect());
    name(&mut lines, "Waived", ids(waived));
    lines
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
mod tests {
    use super::super::testing::{finding, report};
    use super::*;

    fn told(before: &[(&str, Grade)], now: &[(&str, Grade)]) -> Option<Notice> {
        let made = |all: &[(&str, Grade)], day| all.iter().map(|(name, grade)| finding(day, name, *grade)).collect();
        let before = report("r1", 1, made(before, 1), None);
        notice(&report("r2", 2, made(now, 2), Some(&before)), Some("https://s3.console.aws.amazon.com/r2"))
    }

    #[test]
    fn nothing_changed_tells_nothing() {
        assert_eq!(told(&[("shop-api", Grade::Critical)], &[("shop-api", Grade::Critical)]), None);
        assert_eq!(told(&[], &[]), None);
    }

    #[test]
    fn only_what_is_new_and_critical_wakes_anybody() {
        use Grade::{Critical, High, Low, Medium};
        for (before, now, expected) in [
            (&[][..], &[("shop-api", Critical)][..], Severity::Critical),
            (&[("shop-api", High)], &[("shop-api", Critical)], Severity::Critical),
            (&[], &[("shop-api", High)], Severity::Warning),
            (&[], &[("shop-api", Medium)], Severity::Warning),
            (&[], &[("shop-api", Low)], Severity::Info),
            (&[("shop-api", Critical)], &[], Severity::Info),
            (&[("shop-api", Critical)], &[("shop-api", High)], Severity::Info),
            (&[("shop-api", Critical)], &[("shop-api", Critical), ("shop-web", Low)], Severity::Info),
        ] {
            assert_eq!(told(before, now).unwrap().severity, expected, "{before:?} {now:?}");
        }
    }

    #[test]
    fn a_first_run_is_told_and_wakes_nobody() {
        let first = report("r1", 1, vec![finding(1, "shop-api", Grade::Critical)], None);
        let notice = notice(&first, None).unwrap();
        assert_eq!((notice.severity, notice.todo.len(), notice.links.len()), (Severity::Info, 1, 0));
        assert_eq!(notice.headline, "audit of eu-west-1: the first report, 1 open");
    }

    #[test]
    fn the_words_of_a_run_with_changes() {
        let notice = told(
            &[("shop-old", Grade::Low), ("shop-web", Grade::Low)],
            &[("shop-api", Grade::High), ("shop-web", Grade::Medium)],
        )
        .unwrap();
        assert_eq!(notice.headline, "audit of eu-west-1: 1 new, 1 worse, 1 gone; 2 open");
        assert_eq!(notice.happened, "Open now: 1 high, 1 medium.");
        let title = "The creation of a service failed";
        let expected = [
            "Looked at 0 services by 7 calls and changed nothing.".to_owned(),
            format!("New: shop-api: {title} (high)"),
            format!("Worse: shop-web: {title} (medium, was low)"),
            format!("Gone: shop-old: {title} (low)"),
        ];
        assert_eq!(notice.done, expected);
        assert!(notice.todo[0].command.as_deref().unwrap().contains("shop-api"));
        assert_eq!((notice.id.as_str(), notice.links.len()), ("audit/123456789012/eu-west-1/r2", 1));
    }

    #[test]
    fn a_thousand_changes_make_a_notice_of_a_bounded_size() {
        let many = (0..1_000).map(|number| {
            let mut one = finding(2, "shop-api", Grade::High);
            one.id = format!("{number}");
            one.key = "k".repeat(9_000);
            one.fix.text = "f".repeat(9_000);
            one.fix.command = Some("c".repeat(9_000));
            one
        });
        let made = report("r2", 2, many.collect(), Some(&report("r1", 1, vec![], None)));
        let notice = notice(&made, None).unwrap();
        assert!(serde_json::to_string(&notice).unwrap().len() < 10_000);
        assert!(notice.done.contains(&"New: and 995 more".to_owned()));
        assert_eq!(notice.todo[0].command, None);
    }
}
