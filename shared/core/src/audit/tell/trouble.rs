//! Notices of what keeps an audit from its end, or its findings from Security Hub: each once.

use jiff::Timestamp;

use super::super::facts::Place;
use super::{NAME_CHARS_MAX, TEXT_CHARS_MAX};
use crate::notice::{Notice, NoticeKind, Severity, Todo};
use crate::render::clean::{clip, line};

/// A run that is begun anew, and why. The same run gives the same id.
pub fn given_up(place: &Place, run: &str, began: Timestamp, why: &str, now: Timestamp) -> Notice {
    let happened = format!(
        "The run that began {} is given up: {}. What it would have found is not known; a new run has begun.",
        began.strftime("%Y-%m-%d %H:%M UTC"),
        clip(why, TEXT_CHARS_MAX)
    );
    let todo = "Look at the log of the audit function for what ended its invocations.";
    let headline = format!("audit of {}: a run came to no end", place.region);
    trouble(place, run, "given-up", headline, happened, todo, now)
}

/// Findings that Security Hub refuses, and will refuse again. The same run gives the same id.
pub fn refused(place: &Place, run: &str, why: &str, now: Timestamp) -> Notice {
    let happened = format!(
        "Security Hub refused findings of the audit: {}. They are not sent again before the next run.",
        clip(why, TEXT_CHARS_MAX)
    );
    let todo = "Mend what it names, or set the stack parameter SecurityHub to false. The report has every finding.";
    let headline = format!("audit of {}: Security Hub refuses findings", place.region);
    trouble(place, run, "security-hub", headline, happened, todo, now)
}

fn trouble(
    place: &Place,
    run: &str,
    what: &str,
    headline: String,
    happened: String,
    todo: &str,
    now: Timestamp,
) -> Notice {
    let at = format!("{}/{}", place.account, place.region);
    let run = line(run, NAME_CHARS_MAX);
    Notice {
        id: format!("audit/{at}/{run}/{what}"),
        kind: NoticeKind::Audit,
        severity: Severity::Warning,
        service: None,
        incident: None,
        group: format!("AUDIT#{at}#{what}"),
        headline,
        happened,
        why: None,
        done: vec!["Nothing was changed.".to_owned()],
        todo: vec![Todo { text: todo.to_owned(), command: None }],
        links: Vec::new(),
        receipt: format!("audit-{run}"),
        at: now,
    }
}
