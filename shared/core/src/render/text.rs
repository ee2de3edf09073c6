//! Plain text for mail and terminals. No colours and no control characters: whoever prints may add colours around it.

use std::fmt::Write as _;

use super::clean::{line, paragraph};
use super::message::Message;
use crate::diagnosis::{Diagnosis, LogLine, LogSource};
use crate::notice::{Notice, Severity};

/// Characters of a text that are shown.
const TEXT_CHARS_MAX: usize = 2_000;
/// Characters of a one-line text that are shown.
const LINE_CHARS_MAX: usize = 300;
/// Services of a burst, and items of a list, that are shown.
const ITEMS_MAX: usize = 20;

/// The message as a person reads it in a mail or a terminal.
pub fn render_text(message: &Message) -> String {
    let mut out = format!("[{}] {}\n", loudness(message.severity()), line(&message.headline(), LINE_CHARS_MAX));
    let notice = message.first();
    if message.is_burst() {
        services(&mut out, message);
    }
    let happened = paragraph(&notice.happened, TEXT_CHARS_MAX);
    if !happened.is_empty() {
        let _infallible = write!(out, "\n{happened}\n");
    }
    if let Some(why) = &notice.why {
        diagnosis(&mut out, why);
    }
    if !message.is_burst() {
        list(&mut out, "Done", notice.done.iter().map(|done| line(done, LINE_CHARS_MAX)));
    }
    todos(&mut out, message);
    list(
        &mut out,
        "Links",
        notice.links.iter().map(|link| format!("{}: {}", line(&link.label, 100), line(&link.url, TEXT_CHARS_MAX))),
    );
    footer(&mut out, message);
    out
}

fn loudness(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "INFO",
        Severity::Warning => "WARNING",
        Severity::Critical => "CRITICAL",
    }
}

fn services(out: &mut String, message: &Message) {
    let said = message.notices().take(ITEMS_MAX).map(|notice| line(&notice.headline, LINE_CHARS_MAX));
    let more = message.len().saturating_sub(ITEMS_MAX);
    let more = (more > 0).then(|| format!("and {more} more"));
    list(out, "Services", said.chain(more));
}

fn diagnosis(out: &mut String, why: &Diagnosis) {
    let _infallible = write!(out, "\nWhy: {}\n", line(&why.summary, LINE_CHARS_MAX));
    if let Some(evidence) = &why.evidence {
        let _infallible = writeln!(out, "  {}", log_line(evidence));
    }
    let _infallible = writeln!(out, "Fix: {}", paragraph(&why.fix, TEXT_CHARS_MAX));
    list(out, "Last lines", why.last_lines.iter().take(ITEMS_MAX).map(log_line));
}

fn log_line(shown: &LogLine) -> String {
    format!("{} {}: {}", shown.at, source(shown.source), line(&shown.text, LINE_CHARS_MAX))
}

/// A log source in a word or two.
pub(super) fn source(source: LogSource) -> &'static str {
    match source {
        LogSource::Api => "API error",
        LogSource::Events => "events log",
        LogSource::Deployment => "deployment log",
        LogSource::Application => "application log",
    }
}

fn todos(out: &mut String, message: &Message) {
    let items = message.todos().into_iter().take(ITEMS_MAX).map(|todo| {
        let text = line(&todo.text, TEXT_CHARS_MAX);
        match &todo.command {
            Some(command) => format!("{text}\n      {}", line(command, TEXT_CHARS_MAX)),
            None => text,
        }
    });
    list(out, "To do", items);
}

fn list(out: &mut String, title: &str, items: impl Iterator<Item = String>) {
    let mut items = items.peekable();
    if items.peek().is_none() {
        return;
    }
    let _infallible = write!(out, "\n{title}:\n");
    for item in items {
        let _infallible = writeln!(out, "  - {item}");
    }
}

/// Ids stand at the end, so that a person sees when the same thing was told twice.
fn footer(out: &mut String, message: &Message) {
    let Notice { incident, receipt, .. } = message.first();
    out.push_str("\n-- \n");
    for service in message.services().into_iter().take(ITEMS_MAX) {
        let _infallible = writeln!(out, "Service:  {service}");
    }
    if let (Some(incident), false) = (incident, message.is_burst()) {
        let _infallible = writeln!(out, "Incident: {}", line(incident, 200));
    }
    let _infallible = writeln!(out, "Receipt:  {}", line(receipt, 200));
    let _infallible = writeln!(out, "Notice:   {}", line(&message.id(), 200));
    let _infallible = writeln!(out, "Time:     {}", message.at());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notice::samples;
    use crate::render::group;

    #[test]
    fn a_mail_about_a_reverted_deployment() {
        insta::assert_snapshot!(render_text(&Message::from(samples::reverted())));
    }

    #[test]
    fn a_mail_about_a_burst() {
        insta::assert_snapshot!(render_text(&group(samples::burst(22))[0]));
    }

    #[test]
    fn nothing_from_outside_can_steer_a_terminal_or_hide() {
        for hostile in samples::HOSTILE {
            let text = render_text(&Message::from(samples::hostile(hostile)));
            let steering =
                text.chars().find(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}' || *c == '\u{200b}');
            assert_eq!(steering, None, "{hostile:?}");
        }
    }

    #[test]
    fn a_megabyte_of_text_stays_a_mail() {
        let text = render_text(&Message::from(samples::hostile(&"é".repeat(1_000_000))));
        assert!(text.len() < 80_000, "{}", text.len());
    }
}
