//! `pitcrew incidents`: what is open, and with `--all` what was.

use jiff::Timestamp;
use pitcrew_aws::table::IncidentPointer;
use pitcrew_core::incident::Incident;
use serde::Serialize;

use crate::args::Global;
use crate::failure::{Exit, Failure};
use crate::output::{Output, Screen, View, lines, table};
use crate::session::{Needs, Session};
use crate::words::{Tone, distance, line, toned};

/// Columns that a summary stands in from the left.
const INDENT: usize = 4;

/// Prints the open incidents, oldest first, or all, newest first.
pub async fn show(global: &Global, output: &Output, all: bool, limit: u16) -> Result<Exit, Failure> {
    let session = Session::open(global, Needs::State).await?;
    let table = &session.clients.table;
    let incidents = if all {
        table.incidents(usize::from(limit)).await?.into_iter().map(Line::from).collect()
    } else {
        table.open_incidents(i32::from(limit)).await?.into_iter().map(Line::from).collect()
    };
    output.show(&Incidents { all, incidents }, session.now())?;
    Ok(Exit::Done)
}

/// The document of `pitcrew incidents --json`.
#[derive(Debug, Serialize)]
pub struct Incidents {
    /// Whether closed ones are among them.
    all: bool,
    /// The open ones oldest first; all of them newest first.
    incidents: Vec<Line>,
}

#[derive(Debug, Serialize)]
struct Line {
    id: String,
    service: String,
    name: String,
    state: String,
    opened_at: Timestamp,
    summary: String,
}

impl From<Incident> for Line {
    fn from(incident: Incident) -> Self {
        Self {
            state: incident.state.name().to_owned(),
            service: incident.service.to_string(),
            name: incident.service.name().to_owned(),
            id: incident.id,
            opened_at: incident.opened_at,
            summary: incident.summary,
        }
    }
}

impl From<IncidentPointer> for Line {
    fn from(incident: IncidentPointer) -> Self {
        Self {
            service: incident.service.to_string(),
            name: incident.service.name().to_owned(),
            id: incident.id,
            state: incident.state,
            opened_at: incident.opened_at,
            summary: incident.summary,
        }
    }
}

impl View for Incidents {
    fn text(&self, screen: &Screen) -> String {
        if self.incidents.is_empty() {
            let none = if self.all { "No incident is remembered." } else { "No incident is open." };
            return format!("{}\n", toned(Tone::Good, none));
        }
        let mut incidents = table(screen, &["INCIDENT", "SERVICE", "STATE", "OPENED"]);
        for one in &self.incidents {
            let tone = if one.state == "closed" { Tone::Quiet } else { Tone::Warning };
            let opened = distance(one.opened_at, screen.now);
            incidents.add_row([line(&one.id), line(&one.name), toned(tone, &line(&one.state)), opened]);
        }
        // What happened stands below its row, over the whole width: in a column it would be a ribbon.
        let rows = lines(&incidents);
        let mut rows = rows.lines();
        let mut out = rows.next().map(|header| format!("{header}\n")).unwrap_or_default();
        for (row, one) in rows.zip(&self.incidents) {
            let summary = wrapped(&line(&one.summary), usize::from(screen.width), INDENT);
            out.push_str(&format!("{row}\n{summary}"));
        }
        out
    }
}

/// The text in lines of at most `width`, each indented and ended.
pub fn wrapped(text: &str, width: usize, indent: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(last) if last.chars().count() + 1 + word.chars().count() <= width.saturating_sub(indent) => {
                last.push(' ');
                last.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.into_iter().map(|line| format!("{:indent$}{line}\n", "")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{self, text};

    fn incidents() -> Incidents {
        let open = samples::incident();
        let earlier = Line {
            id: "I-20260920-093000-0badcafe".into(),
            state: "closed".into(),
            opened_at: samples::now() - jiff::SignedDuration::from_hours(52),
            ..Line::from(open.clone())
        };
        Incidents { all: true, incidents: vec![Line::from(open), earlier] }
    }

    #[test]
    fn incidents_for_people() {
        let shown = text(&incidents());
        assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
        insta::assert_snapshot!(shown);
    }

    #[test]
    fn incidents_for_programs() {
        insta::assert_json_snapshot!(incidents());
    }

    #[test]
    fn no_incident_is_said_and_not_shown_as_an_empty_table() {
        assert_eq!(text(&Incidents { all: false, incidents: Vec::new() }), "No incident is open.\n");
        assert_eq!(text(&Incidents { all: true, incidents: Vec::new() }), "No incident is remembered.\n");
    }

    #[test]
    fn words_are_never_cut() {
        assert_eq!(wrapped("one two three", 9, 2), "  one two\n  three\n");
        assert_eq!(wrapped("overlong", 4, 2), "  overlong\n");
        assert_eq!(wrapped("", 9, 2), "");
    }
}
