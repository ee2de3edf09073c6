//! Filter patterns: the part of the syntax that matches plain terms.
//!
//! Terms are words or quoted phrases, matched as case-sensitive substrings: all of them must be there, those with `-`
//! must not, and of those with `?` one is enough. JSON patterns (`{ ... }`), space-delimited patterns (`[ ... ]`) and
//! regular expressions (`%...%`) are refused, not guessed at.

/// A parsed pattern.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pattern {
    all: Vec<String>,
    any: Vec<String>,
    none: Vec<String>,
}

/// Why a pattern is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    #[error("the local cloud matches plain terms only, not JSON, space-delimited or regular-expression patterns: {0}")]
    NotTerms(String),
    #[error("a quote is opened and not closed in the filter pattern: {0}")]
    OpenQuote(String),
    #[error("the term {0} has characters other than letters, digits and underscore: put it in double quotes")]
    Unquoted(String),
    #[error("optional terms (?) beside required ones have no meaning: CloudWatch Logs ignores them")]
    Mixed,
}

impl Pattern {
    pub fn parse(source: &str) -> Result<Self, PatternError> {
        let mut rest = source.trim();
        if rest.starts_with(['{', '[', '%']) {
            return Err(PatternError::NotTerms(source.to_owned()));
        }
        let mut pattern = Self::default();
        while !rest.is_empty() {
            let (sign, tail) = match rest.strip_prefix(['?', '-']) {
                Some(tail) => (rest.chars().next(), tail),
                None => (None, rest),
            };
            let (term, tail) = term(source, tail)?;
            match sign {
                Some('?') => pattern.any.push(term),
                Some(_) => pattern.none.push(term),
                None => pattern.all.push(term),
            }
            rest = tail.trim_start();
        }
        if !pattern.any.is_empty() && !pattern.all.is_empty() {
            return Err(PatternError::Mixed);
        }
        Ok(pattern)
    }

    pub fn matches(&self, message: &str) -> bool {
        let has = |term: &String| message.contains(term.as_str());
        self.all.iter().all(has) && !self.none.iter().any(has) && (self.any.is_empty() || self.any.iter().any(has))
    }
}

fn term<'s>(source: &str, rest: &'s str) -> Result<(String, &'s str), PatternError> {
    if let Some(quoted) = rest.strip_prefix('"') {
        return phrase(quoted).ok_or_else(|| PatternError::OpenQuote(source.to_owned()));
    }
    let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
    let (word, tail) = rest.split_at(end);
    if word.contains('%') {
        return Err(PatternError::NotTerms(source.to_owned()));
    }
    if word.is_empty() || !word.chars().all(|c| c.is_alphanumeric() || c == '_') {
        return Err(PatternError::Unquoted(word.to_owned()));
    }
    Ok((word.to_owned(), tail))
}

/// Up to the closing quote; `\"` and `\\` stand for themselves.
fn phrase(quoted: &str) -> Option<(String, &str)> {
    let mut text = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((text, &quoted[at + 1..])),
            '\\' => text.push(characters.next()?.1),
            other => text.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_pattern_matches_everything() {
        assert!(Pattern::parse("").unwrap().matches("anything"));
    }

    #[test]
    fn terms_are_matched_as_documented() {
        let cases = [
            ("ERROR", "an ERROR here", true),
            ("ERROR", "an error here", false),
            ("ERROR timeout", "timeout, then ERROR", true),
            ("ERROR timeout", "only ERROR", false),
            ("\"exit code: 1\"", "Container exit code: 1", true),
            ("ERROR -debug", "ERROR in debug", false),
            ("?ERROR ?WARN", "a WARN", true),
            ("?ERROR ?WARN", "an INFO", false),
            ("\"say \\\"hi\\\"\"", "to say \"hi\" to", true),
        ];
        for (pattern, message, expected) in cases {
            assert_eq!(Pattern::parse(pattern).unwrap().matches(message), expected, "{pattern} on {message}");
        }
    }

    #[test]
    fn what_is_not_a_term_is_refused() {
        for pattern in ["{ $.level = \"error\" }", "[ip, user]", "%ERR.*%", "ERR%x"] {
            assert!(matches!(Pattern::parse(pattern), Err(PatternError::NotTerms(_))), "{pattern}");
        }
        assert!(matches!(Pattern::parse("\"open"), Err(PatternError::OpenQuote(_))));
        assert!(matches!(Pattern::parse("exit-code:"), Err(PatternError::Unquoted(_))));
        assert_eq!(Pattern::parse("ERROR ?WARN"), Err(PatternError::Mixed));
    }
}
