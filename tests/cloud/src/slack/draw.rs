//! A message as a person would see it, drawn for a terminal.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use jiff::tz::TimeZone;
use serde_json::Value;

use super::markup::{Link, Piece, pieces};
use super::workspace::Message;

/// Columns of text inside the frame.
const WIDTH: usize = 92;

/// The emoji that notices use; any other name is shown as it is written.
const EMOJI: [(&str, &str); 11] = [
    (":rotating_light:", "🚨"),
    (":white_check_mark:", "✅"),
    (":warning:", "⚠️"),
    (":x:", "❌"),
    (":information_source:", "ℹ️"),
    (":leftwards_arrow_with_hook:", "↩️"),
    (":rewind:", "⏪"),
    (":pushpin:", "📌"),
    (":mag:", "🔍"),
    (":hourglass_flowing_sand:", "⏳"),
    (":red_circle:", "🔴"),
];

/// The message without colour.
pub fn as_text(message: &Message) -> String {
    Pen { coloured: false }.message(message)
}

/// The message with ANSI colours; the caller knows whether it writes to a terminal.
pub fn as_coloured_text(message: &Message) -> String {
    Pen { coloured: true }.message(message)
}

struct Pen {
    coloured: bool,
}

impl Pen {
    fn paint(&self, style: Style, text: &str) -> String {
        if self.coloured { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    fn dim(&self, text: &str) -> String {
        self.paint(Style::new().dimmed(), text)
    }

    fn message(&self, message: &Message) -> String {
        let at = TimeZone::UTC.to_datetime(message.posted_at).strftime("%H:%M:%S").to_string();
        let edited = if message.edited_at.is_some() { "  (edited)" } else { "" };
        let place = if message.thread_ts.is_some() { "in thread  " } else { "" };
        let app = self.paint(Style::new().bold(), "pitcrew");
        let title = format!("#{}  {app}  {}", message.channel_name, self.dim(&format!("{place}{at}{edited}")));
        let mut lines = Vec::new();
        let blocks = message.blocks.as_array().map(Vec::as_slice).unwrap_or_default();
        if blocks.is_empty() {
            lines.extend(self.wrapped(&message.text, true));
        }
        for block in blocks {
            lines.extend(self.block(block));
        }
        let indent = if message.thread_ts.is_some() { "    " } else { "" };
        let mut drawn = format!("{indent}╭─ {title}\n");
        for line in lines {
            // A write into a String cannot fail.
            let _ = writeln!(drawn, "{}", format!("{indent}│  {line}").trim_end());
        }
        let _ = writeln!(drawn, "{indent}╰─");
        drawn
    }

    fn block(&self, block: &Value) -> Vec<String> {
        match block["type"].as_str().unwrap_or_default() {
            "header" => {
                let bold = Style::new().bold();
                self.text_object(&block["text"])
                    .iter()
                    .map(|line| self.paint(bold, line))
                    .chain([String::new()])
                    .collect()
            }
            "divider" => vec![self.dim(&"─".repeat(WIDTH / 2))],
            "section" => {
                let mut lines = if block["text"].is_object() { self.text_object(&block["text"]) } else { Vec::new() };
                for field in block["fields"].as_array().into_iter().flatten() {
                    lines.extend(self.text_object(field));
                }
                if block["accessory"]["type"] == "button" {
                    lines.push(self.button(&block["accessory"]));
                }
                lines.push(String::new());
                lines
            }
            "context" => {
                let elements = block["elements"].as_array().into_iter().flatten();
                let shown = elements.flat_map(|element| match element["type"].as_str() {
                    Some("image") => vec![format!("[{}]", element["alt_text"].as_str().unwrap_or_default())],
                    _ => self.text_object(element),
                });
                shown.map(|line| self.dim(&line)).collect()
            }
            "actions" => block["elements"].as_array().into_iter().flatten().map(|button| self.button(button)).collect(),
            "image" => vec![format!("[image: {}]", block["alt_text"].as_str().unwrap_or_default())],
            _ => Vec::new(),
        }
    }

    fn button(&self, button: &Value) -> String {
        let label = button["text"]["text"].as_str().unwrap_or_default();
        let colour = match button["style"].as_str() {
            Some("danger") => AnsiColor::Red,
            Some("primary") => AnsiColor::Green,
            _ => AnsiColor::Cyan,
        };
        let drawn = self.paint(colour.on_default(), &format!("[ {} ]", with_emoji(label)));
        match button["url"].as_str() {
            Some(url) => format!("{drawn} {}", self.dim(url)),
            None => drawn,
        }
    }

    fn text_object(&self, text: &Value) -> Vec<String> {
        self.wrapped(text["text"].as_str().unwrap_or_default(), text["type"] == "mrkdwn")
    }

    /// The lines of a text. Marks of `mrkdwn` are resolved before the text is broken, and styled after, so that no colour
    /// code counts as a column.
    fn wrapped(&self, text: &str, marked: bool) -> Vec<String> {
        let plain = if marked { resolved(text) } else { text.to_owned() };
        let mut fenced = false;
        let mut lines = Vec::new();
        for line in with_emoji(&plain).lines() {
            if line.trim() == "```" {
                fenced = !fenced;
                continue;
            }
            for part in broken(line) {
                lines.push(if fenced {
                    self.paint(AnsiColor::Yellow.on_default(), &format!("  {part}"))
                } else if marked {
                    self.styled(&part)
                } else {
                    part
                });
            }
        }
        lines
    }

    /// Bold and code spans of one line; without colour the marks of code stay, for they carry meaning.
    fn styled(&self, line: &str) -> String {
        let mut shown = String::new();
        for (index, part) in line.split('`').enumerate() {
            if index % 2 == 1 {
                let code = format!("`{part}`");
                shown.push_str(&self.paint(AnsiColor::Yellow.on_default(), &code));
            } else {
                shown.push_str(&self.bold(part));
            }
        }
        shown
    }

    fn bold(&self, text: &str) -> String {
        let parts: Vec<&str> = text.split('*').collect();
        if parts.len() < 3 || parts.len().is_multiple_of(2) {
            return text.to_owned();
        }
        let style = Style::new().bold();
        parts
            .iter()
            .enumerate()
            .map(|(index, part)| if index % 2 == 1 { self.paint(style, part) } else { (*part).to_owned() })
            .collect()
    }
}

/// Links as `label (address)`, mentions as people read them, escapes undone.
fn resolved(text: &str) -> String {
    pieces(text, false)
        .into_iter()
        .map(|piece| match piece {
            Piece::Text(text) => text,
            Piece::Mention(who) => format!("@{}", who.trim_start_matches('@')),
            Piece::Link(Link { url, label: Some(label) }) => format!("{label} ({url})"),
            Piece::Link(Link { url, label: None }) => url,
        })
        .collect()
}

fn with_emoji(text: &str) -> String {
    EMOJI.iter().fold(text.to_owned(), |text, (name, sign)| text.replace(name, sign))
}

/// Breaks a line at spaces; a longer word stays whole. Indentation is kept.
fn broken(line: &str) -> Vec<String> {
    let indent = &line[..line.len() - line.trim_start().len()];
    let mut lines = Vec::new();
    let mut current = indent.to_owned();
    for word in line.split_whitespace() {
        let is_first = current.trim().is_empty();
        if !is_first && current.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(std::mem::replace(&mut current, format!("{indent}{word}")));
            continue;
        }
        if !is_first {
            current.push(' ');
        }
        current.push_str(word);
    }
    lines.push(current);
    lines
}
