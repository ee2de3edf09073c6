//! The words of DynamoDB's expressions.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use crate::call::ApiError;

use super::bad;

/// The 573 reserved words of the developer guide; none may stand in an expression as a bare attribute name.
static RESERVED: LazyLock<BTreeSet<&'static str>> =
    LazyLock::new(|| include_str!("reserved.txt").split_ascii_whitespace().collect());

/// Whether a bare attribute name is a reserved word.
pub fn is_reserved(word: &str) -> bool {
    RESERVED.contains(word.to_ascii_uppercase().as_str())
}

/// Characters that an expression may have.
const EXPRESSION_BYTES_MAX: usize = 4096;

/// One word or sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// A bare word: keyword, function or attribute name.
    Word(String),
    /// `#alias`, with the sign.
    Name(String),
    /// `:alias`, with the sign.
    Value(String),
    Index(usize),
    Sign(&'static str),
}

impl Token {
    /// As it stood in the expression.
    pub fn text(&self) -> String {
        match self {
            Self::Word(text) | Self::Name(text) | Self::Value(text) => text.clone(),
            Self::Index(index) => index.to_string(),
            Self::Sign(sign) => (*sign).to_owned(),
        }
    }
}

const SIGNS: [&str; 14] = ["<>", "<=", ">=", "=", "<", ">", "(", ")", "[", "]", ",", ".", "+", "-"];

/// Cuts an expression into tokens. `member` names the expression in errors.
pub fn tokens(member: &str, text: &str) -> Result<Vec<Token>, ApiError> {
    if text.len() > EXPRESSION_BYTES_MAX {
        return Err(bad(format!(
            "Invalid {member}: Expression size has exceeded the maximum allowed size; expression size: {}",
            text.len()
        )));
    }
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let taken = if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            found.push(Token::Sign(sign));
            sign.len()
        } else {
            let prefix = usize::from(first == '#' || first == ':');
            let length =
                rest[prefix..].bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count() + prefix;
            let word = &rest[..length];
            if length == prefix {
                return Err(bad(format!(
                    "Invalid {member}: Syntax error; token: \"{first}\", near: \"{}\"",
                    near(rest)
                )));
            }
            found.push(match first {
                '#' => Token::Name(word.to_owned()),
                ':' => Token::Value(word.to_owned()),
                '0'..='9' => Token::Index(word.parse().map_err(|_| {
                    bad(format!("Invalid {member}: Syntax error; token: \"{word}\", near: \"{}\"", near(rest)))
                })?),
                _ => Token::Word(word.to_owned()),
            });
            length
        };
        rest = rest[taken..].trim_start();
    }
    Ok(found)
}

fn near(rest: &str) -> String {
    rest.chars().take(12).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_falls_into_its_words() {
        let texts: Vec<String> =
            tokens("X", "SET #a.b[12]=:v+if_not_exists(c , :z)").unwrap().iter().map(Token::text).collect();
        let wanted = ["SET", "#a", ".", "b", "[", "12", "]", "=", ":v", "+", "if_not_exists", "(", "c", ",", ":z", ")"];
        assert_eq!(texts, wanted);
    }

    #[test]
    fn foreign_signs_and_bare_aliases_are_syntax_errors() {
        for text in ["a & b", "# = :v", "a = ':v'", "a == \u{00e9}"] {
            let error = tokens("ConditionExpression", text).unwrap_err();
            assert!(error.message.starts_with("Invalid ConditionExpression: Syntax error"), "{}", error.message);
        }
    }

    #[test]
    fn all_reserved_words_are_known() {
        assert_eq!(RESERVED.len(), 573);
        assert!(is_reserved("status") && is_reserved("Ttl") && !is_reserved("pk"));
    }
}
