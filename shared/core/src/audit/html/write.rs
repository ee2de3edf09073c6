//! The only way text gets into the page: markup from this source code, or escaped text.
//!
//! [`Html::raw`] takes a `&'static str`, so a value that was read at run time cannot be given to it by mistake; everything
//! else is escaped for both places where it can stand, between tags and in a quoted attribute.

use std::fmt::Display;

use jiff::Timestamp;

use crate::render::clean::{clip, visible};

#[derive(Debug, Default)]
pub(super) struct Html(String);

impl Html {
    /// Markup of ours.
    pub fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Text from anywhere, escaped, without what no reader can see.
    pub fn text(&mut self, text: &str) -> &mut Self {
        for c in visible(text).chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                c => self.0.push(c),
            }
        }
        self
    }

    /// Text from anywhere, of so many characters at most.
    pub fn clipped(&mut self, text: &str, chars_max: usize) -> &mut Self {
        self.text(&clip(text, chars_max))
    }

    /// A name from outside, kept apart from the direction in which the text around it is written.
    pub fn name(&mut self, text: &str, chars_max: usize) -> &mut Self {
        self.raw("<bdi>").clipped(text, chars_max).raw("</bdi>")
    }

    /// A command, character by character as it is to be copied. An option is not broken at the end of a line: browsers do it
    /// between its two hyphens, and nobody could tell then where a blank belongs.
    pub fn command(&mut self, text: &str) -> &mut Self {
        for word in text.split_inclusive(' ') {
            match is_option(word.trim_end()) {
                true => self.raw("<span>").text(word).raw("</span>"),
                false => self.text(word),
            };
        }
        self
    }

    /// What was made apart.
    pub fn append(&mut self, other: &Self) -> &mut Self {
        self.0.push_str(&other.0);
        self
    }

    pub fn bytes(&self) -> usize {
        self.0.len()
    }

    /// A number as people read it: `10,000`.
    pub fn count(&mut self, number: impl Into<i64>) -> &mut Self {
        self.text(&grouped(number.into()))
    }

    /// A number as machines read it: in attributes and drawings.
    pub fn number(&mut self, number: impl Display) -> &mut Self {
        self.text(&number.to_string())
    }

    /// `2026-11-21 06:00 UTC`, for people and for machines.
    pub fn time(&mut self, at: Timestamp) -> &mut Self {
        self.raw("<time datetime=\"").text(&at.to_string()).raw("\">").text(&minute(at)).raw("</time>")
    }

    /// `2026-11-21`.
    pub fn day(&mut self, at: Timestamp) -> &mut Self {
        self.raw("<time datetime=\"").text(&at.to_string()).raw("\">").text(&day(at)).raw("</time>")
    }

    pub fn into_string(self) -> String {
        self.0
    }
}

/// `--service-arn`, and nothing long enough to be wider than a phone.
fn is_option(word: &str) -> bool {
    word.starts_with("--") && word.len() <= 32 && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

pub(super) fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

pub(super) fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}

pub(super) fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if number < 0 { format!("-{out}") } else { out }
}

/// `1 service`, `2 services`.
pub(super) fn plural(number: usize, one: &str, many: &str) -> String {
    format!("{} {}", grouped(i64::try_from(number).unwrap_or(i64::MAX)), if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_leave_its_place_is_escaped() {
        let mut html = Html::default();
        html.text("<b a=\"1\" c='2'>&amp;\u{202e}\u{0}</b>");
        assert_eq!(html.into_string(), "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;amp;&lt;/b&gt;");
    }

    #[test]
    fn a_command_keeps_its_characters_and_its_options_whole() {
        let mut html = Html::default();
        html.command("aws x --service-arn 'a <b>' --flag");
        assert_eq!(html.into_string(), "aws x <span>--service-arn </span>&#39;a &lt;b&gt;&#39; <span>--flag</span>");
        for word in ["-x", "--a<b", "--a/b", "--a-name-that-is-wider-than-a-phone"] {
            assert!(!is_option(word), "{word}");
        }
    }

    #[test]
    fn a_name_stands_apart_from_the_text_around_it() {
        let mut html = Html::default();
        html.name("\u{5e9}\u{5dc}\u{5d5}\u{5dd}", 3);
        assert_eq!(html.into_string(), "<bdi>\u{5e9}\u{5dc}…</bdi>");
    }

    #[test]
    fn numbers_are_grouped_by_three() {
        for (number, expected) in
            [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567"), (-1_000, "-1,000")]
        {
            assert_eq!(grouped(number), expected);
        }
    }
}
