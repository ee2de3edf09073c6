//! Words for people: times as distances and moments, and text from outside made harmless for a terminal.

use anstyle::{AnsiColor, Style};
use jiff::{SignedDuration, Timestamp};
use pitcrew_core::render::clean;

/// Characters of a text from outside that are shown in one line.
const LINE_CHARS_MAX: usize = 600;

/// Characters of one that must stay whole.
const WHOLE_CHARS_MAX: usize = 32_000;

/// A style of the terminal; it is taken out again where no colours are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Good,
    Warning,
    Bad,
    Quiet,
    Strong,
}

/// The text in its tone.
pub fn toned(tone: Tone, text: &str) -> String {
    let style = match tone {
        Tone::Good => AnsiColor::Green.on_default(),
        Tone::Warning => AnsiColor::Yellow.on_default(),
        Tone::Bad => AnsiColor::Red.on_default(),
        Tone::Quiet => Style::new().dimmed(),
        Tone::Strong => Style::new().bold(),
    };
    format!("{style}{text}{style:#}")
}

/// One line of a text from outside: no control characters, nothing invisible.
pub fn line(text: &str) -> String {
    clean::line(text, LINE_CHARS_MAX)
}

/// The same for what must not be cut: a command that is copied, a list of records. The limit only keeps out what is absurd.
pub fn whole(text: &str) -> String {
    clean::line(text, WHOLE_CHARS_MAX)
}

/// `2026-11-21 08:43 UTC (4 min ago)`
pub fn moment(at: Timestamp, now: Timestamp) -> String {
    format!("{} ({})", absolute(at), distance(at, now))
}

/// `2026-11-21 08:43 UTC`
pub fn absolute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// `4 min ago`, `in 26 min`, `just now`
pub fn distance(at: Timestamp, now: Timestamp) -> String {
    let apart = now.duration_since(at);
    if apart.abs() < SignedDuration::from_secs(5) {
        return "just now".to_owned();
    }
    let length = length(apart.abs());
    if apart.is_negative() { format!("in {length}") } else { format!("{length} ago") }
}

/// `45 s`, `4 min`, `3 h`, `2 days`: one unit, for people compare and do not calculate.
pub fn length(duration: SignedDuration) -> String {
    let secs = duration.as_secs();
    match secs {
        ..90 => format!("{secs} s"),
        90..5_400 => format!("{} min", (secs + 30) / 60),
        5_400..129_600 => format!("{} h", (secs + 1_800) / 3_600),
        _ => format!("{} days", (secs + 43_200) / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_795_000_000 + second).unwrap()
    }

    #[test]
    fn distances_are_told_in_one_unit() {
        let told: Vec<String> = [0, 30, 240, 3 * 3600, 3 * 86_400, -1_560].map(|ago| distance(at(-ago), at(0))).into();
        assert_eq!(told, ["just now", "30 s ago", "4 min ago", "3 h ago", "3 days ago", "in 26 min"]);
    }

    #[test]
    fn no_unit_is_left_before_it_reads_one_of_the_next() {
        let told: Vec<String> =
            [89, 90, 5_399, 5_400, 129_599, 129_600].map(|s| length(SignedDuration::from_secs(s))).into();
        assert_eq!(told, ["89 s", "2 min", "90 min", "2 h", "36 h", "2 days"]);
    }

    #[test]
    fn a_command_is_never_cut() {
        let command = format!("aws {}", "x".repeat(5_000));
        assert_eq!(whole(&command), command);
        assert!(line(&command).chars().count() <= LINE_CHARS_MAX);
        assert_eq!(whole("aws \u{1b}[2Jx"), "aws [2Jx");
    }

    #[test]
    fn a_text_from_outside_cannot_steer_the_terminal() {
        assert_eq!(line("bad\u{1b}[2Jnews\nand \u{202e}more"), "bad[2Jnews and more");
    }
}
