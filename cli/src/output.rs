//! Printing: one text or one JSON document on stdout, everything else on stderr, and a closed pipe is no error.

use std::io::{IsTerminal as _, Write};

use anstream::{AutoStream, ColorChoice};
use comfy_table::{ContentArrangement, Table, presets};
use jiff::Timestamp;
use serde::Serialize;

use crate::args::Color;
use crate::failure::{Exit, Failure};
use crate::words::{Tone, line, toned};

/// The width where there is no terminal to ask.
const WIDTH: u16 = 80;
/// Lines longer than this are hard to read, however wide the terminal is.
const WIDTH_MAX: u16 = 120;

/// What a view needs to know of its surroundings.
#[derive(Clone, Copy, Debug)]
pub struct Screen {
    pub width: u16,
    /// AWS's time, against which times are told.
    pub now: Timestamp,
}

/// An answer: its fields are the JSON, its text is what people read.
pub trait View: Serialize {
    fn text(&self, screen: &Screen) -> String;
}

/// Where answers go.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    json: bool,
    choice: ColorChoice,
}

impl Output {
    pub fn new(json: bool, color: Color) -> Self {
        let choice = match color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        };
        Self { json, choice }
    }

    /// Prints an answer.
    pub fn show(&self, view: &impl View, now: Timestamp) -> Result<(), Failure> {
        let text = if self.json {
            let document = serde_json::to_string_pretty(view);
            let document = document
                .map_err(|error| Failure::new(Exit::Failed, "the answer cannot be written as JSON").cause(error))?;
            document + "\n"
        } else {
            view.text(&Screen { width: width(), now })
        };
        self.write(&text)
    }

    fn write(&self, text: &str) -> Result<(), Failure> {
        let mut out = AutoStream::new(std::io::stdout().lock(), self.choice);
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            // `pitcrew incidents | head -1` has what it wanted.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            Err(error) => Err(Failure::new(Exit::Failed, "stdout cannot be written").cause(error)),
            Ok(()) => Ok(()),
        }
    }

    /// Prints why a command failed: on stderr, and as JSON on stdout where JSON was asked for.
    pub fn failure(&self, failure: &Failure) {
        if self.json
            && let Ok(document) = serde_json::to_string_pretty(&failure.json())
        {
            // The exit code carries the failure; nobody is left to tell that the pipe is closed.
            let _closed = self.write(&(document + "\n"));
            return;
        }
        self.note(&failure_text(failure));
    }

    /// One note on stderr. Where stderr is closed there is nobody to tell.
    pub fn note(&self, text: &str) {
        let mut err = AutoStream::new(std::io::stderr().lock(), self.choice);
        let _closed = writeln!(err, "{text}");
    }

    /// Overwrites the progress line, on a terminal only.
    pub fn progress(&self, text: &str) {
        if !self.is_watched() {
            return;
        }
        let width = terminal_size::terminal_size_of(std::io::stderr());
        let text = fitting(text, width.map_or(WIDTH, |(terminal_size::Width(width), _)| width));
        let mut err = std::io::stderr().lock();
        let _closed = write!(err, "\r\u{1b}[2K{text}").and_then(|()| err.flush());
    }

    /// Whether somebody watches the progress.
    pub fn is_watched(&self) -> bool {
        std::io::stderr().is_terminal()
    }
}

/// As much of a line as stands in one row: what wraps cannot be overwritten. The last column stays free, as some terminals
/// wrap when it is filled.
fn fitting(text: &str, width: u16) -> &str {
    let end = text.char_indices().nth(usize::from(width).saturating_sub(1));
    end.and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

fn failure_text(failure: &Failure) -> String {
    let mut text = format!("{} {}", toned(Tone::Bad, "pitcrew:"), line(&failure.what));
    for cause in failure.causes() {
        text.push_str(&format!("\n  cause: {}", line(&cause)));
    }
    if let Some(mend) = &failure.mend {
        text.push_str(&format!("\n  mend:  {}", line(mend)));
    }
    text
}

/// The width of answers: the terminal's, within reason.
pub fn width() -> u16 {
    let terminal = std::io::stdout().is_terminal().then(terminal_size::terminal_size).flatten();
    terminal.map_or(WIDTH, |(terminal_size::Width(width), _)| width.min(WIDTH_MAX))
}

/// A table without borders: its header is bold, its columns stand two spaces apart.
pub fn table(screen: &Screen, header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(screen.width);
    table.set_header(header.iter().map(|name| toned(Tone::Strong, name)).collect::<Vec<_>>());
    table
}

/// The table as lines without trailing spaces, each ended.
pub fn lines(table: &Table) -> String {
    let trimmed = |line: String| line.trim_end().to_owned() + "\n";
    table.lines().map(trimmed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_progress_line_never_wraps() {
        for (text, width, expected) in [
            ("[##..] 2/4", 80, "[##..] 2/4"),
            ("[##..] 2/4", 10, "[##..] 2/"),
            ("äöü", 3, "äö"),
            ("x", 0, ""),
            ("", 1, ""),
        ] {
            assert_eq!(fitting(text, width), expected, "{width}");
        }
    }

    #[test]
    fn a_failure_says_what_why_and_how_to_mend_it() {
        let cause = std::io::Error::other("connection\u{1b}[31m refused");
        let failure =
            Failure::new(Exit::Failed, "dynamodb:Query failed: no-answer").cause(cause).mend("check --region");
        let text = anstream::adapter::strip_str(&failure_text(&failure)).to_string();
        assert_eq!(
            text,
            "pitcrew: dynamodb:Query failed: no-answer\n  cause: connection[31m refused\n  mend:  check --region"
        );
    }
}
