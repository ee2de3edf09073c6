//! The patterns of the models as AWS matches them: the whole value, with Java's ASCII classes.
//!
//! The regex crate has no look-around. One form of it is common and read here all the same: a literal that the value must not
//! begin with, `^(?!aws:).+`. A pattern with any other look-around is not checked; `SKIPPED` names each one, and the test
//! there compares that list with the models, so that no pattern drops out unseen.

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use regex::Regex;

/// The patterns that cannot be compiled, with the service that has them. They accept every value.
#[cfg(test)]
const SKIPPED: &[(&str, &str)] = &[
    // `acm/names.rs` checks these by hand.
    ("acm", r"(\*\.)?(((?!-)[A-Za-z0-9-]{0,62}[A-Za-z0-9])\.)+((?!-)[A-Za-z0-9-]{1,62}[A-Za-z0-9])"),
    ("events", r"^(?!\s*$).+"),
    ("lambda", r"(^(?!(system\x2e)))(^[_a-zA-Z0-9])([^$]*)"),
    ("lambda", r"[0-9A-Za-z\.\-_]*(?<!\.)"),
    ("scheduler", r"(?=[/\.\-_A-Za-z0-9]+)((?!aws\.).*)|(\$(\.[\w_-]+(\[(\d+|\*)\])*)*)"),
];

static COMPILED: OnceLock<Mutex<BTreeMap<String, Option<Compiled>>>> = OnceLock::new();

struct Compiled {
    /// What the value must not begin with.
    refused: Option<String>,
    whole: Regex,
}

impl Compiled {
    fn accepts(&self, value: &str) -> bool {
        let refused = self.refused.as_deref().is_some_and(|literal| value.starts_with(literal));
        !refused && self.whole.is_match(value)
    }
}

/// Whether the whole value matches; a pattern that cannot be compiled accepts all.
pub fn matches(pattern: &str, value: &str) -> bool {
    let cache = COMPILED.get_or_init(Mutex::default);
    let mut cache = cache.lock().unwrap_or_else(PoisonError::into_inner);
    let compiled = cache.entry(pattern.to_owned()).or_insert_with(|| compile(pattern));
    compiled.as_ref().is_none_or(|compiled| compiled.accepts(value))
}

fn compile(pattern: &str) -> Option<Compiled> {
    let (refused, rest) = refused_beginning(pattern).map_or((None, pattern), |(literal, rest)| (Some(literal), rest));
    let whole = Regex::new(&format!(r"\A(?:{})\z", java_classes(rest))).ok()?;
    Some(Compiled { refused: refused.map(str::to_owned), whole })
}

/// The literal in a leading `^(?!literal)`, and the pattern behind it. Anything but a literal, and any alternative to the whole
/// (the look-ahead belongs to the first one only), is not read.
fn refused_beginning(pattern: &str) -> Option<(&str, &str)> {
    let (literal, rest) = pattern.strip_prefix("^(?!")?.split_once(')')?;
    let is_literal = !literal.is_empty() && regex::escape(literal) == literal;
    (is_literal && !rest.contains('|')).then_some((literal, rest))
}

/// Java's `\w`, `\d` and `\s` are ASCII, those of the regex crate are not.
fn java_classes(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('w') => out.push_str("[0-9A-Za-z_]"),
            Some('W') => out.push_str("[^0-9A-Za-z_]"),
            Some('d') => out.push_str("[0-9]"),
            Some('D') => out.push_str("[^0-9]"),
            Some('s') => out.push_str(r"[ \t\n\x0B\f\r]"),
            Some('S') => out.push_str(r"[^ \t\n\x0B\f\r]"),
            Some(other) => out.extend(['\\', other]),
            None => out.push('\\'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model;

    #[test]
    fn the_whole_value_must_match() {
        assert!(matches("[a-z]+", "abc"));
        assert!(!matches("[a-z]+", "abc1"));
        assert!(!matches("a|b", "ab"));
    }

    #[test]
    fn word_characters_are_ascii_inside_a_class_and_outside() {
        assert!(matches(r"[\w.-]+", "a_b.c-9"));
        assert!(!matches(r"[\w.-]+", "ä"));
        assert!(!matches(r"\d", "٣"));
        assert!(matches(r"\\w", r"\w"));
    }

    #[test]
    fn a_literal_that_the_value_must_not_begin_with_is_refused() {
        let pattern = "^(?!aws:).+";
        assert!(!matches(pattern, "aws:reserved"));
        assert!(matches(pattern, "awsome"));
        assert!(matches(pattern, "team:aws:x"));
        assert!(!matches(pattern, ""), "the rest still counts");
    }

    #[test]
    fn any_other_look_ahead_is_not_read_as_a_literal() {
        for pattern in [r"^(?!\s*$).+", "^(?!a|b).+", "^(?!a.).+", "^(?!a)b|c", "^(?!).+", "(?!aws:).+"] {
            assert_eq!(refused_beginning(pattern), None, "{pattern}");
        }
    }

    #[test]
    fn every_pattern_that_is_skipped_is_named() {
        let mut skipped = Vec::new();
        for service in model::services() {
            for model in model::models(service) {
                let patterns = model.shapes.values().filter_map(|shape| shape.pattern.as_deref());
                skipped.extend(patterns.filter(|p| compile(p).is_none()).map(|p| (service, p)));
            }
        }
        skipped.sort_unstable();
        skipped.dedup();
        for (service, pattern) in &skipped {
            println!("not checked: {service} {pattern}");
        }
        assert_eq!(skipped, SKIPPED);
    }
}
