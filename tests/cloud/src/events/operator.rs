//! The operators of an event pattern: what one element of a field's array may say, and what it accepts.

use std::net::IpAddr;

use serde_json::{Map, Value};

use super::pattern::PatternError;

/// How a text is compared.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Text {
    Prefix(String),
    PrefixIgnoringCase(String),
    Suffix(String),
    SuffixIgnoringCase(String),
    IgnoringCase(String),
    /// The pieces between the `*`s.
    Wildcard(Vec<String>),
}

/// One operator.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Operator {
    Equals(Value),
    Text(Text),
    Present,
    Absent,
    /// Bounds with their inclusiveness.
    Numeric {
        lower: Option<(f64, bool)>,
        upper: Option<(f64, bool)>,
    },
    Cidr {
        network: IpAddr,
        bits: u32,
    },
    NotValues(Vec<Value>),
    NotTexts(Vec<Text>),
}

impl Operator {
    /// Whether it accepts a leaf that is there.
    pub fn accepts(&self, leaf: &Value) -> bool {
        match self {
            Self::Equals(value) => same(value, leaf),
            Self::Text(text) => leaf.as_str().is_some_and(|leaf| text.accepts(leaf)),
            Self::Present => true,
            Self::Absent => false,
            Self::Numeric { lower, upper } => leaf.as_f64().is_some_and(|number| {
                let above = lower.is_none_or(|(bound, with)| number > bound || (with && number == bound));
                let below = upper.is_none_or(|(bound, with)| number < bound || (with && number == bound));
                above && below
            }),
            Self::Cidr { network, bits } => {
                leaf.as_str().and_then(|text| text.parse().ok()).is_some_and(|ip: IpAddr| within(ip, *network, *bits))
            }
            Self::NotValues(values) => !values.iter().any(|value| same(value, leaf)),
            Self::NotTexts(texts) => leaf.as_str().is_none_or(|leaf| !texts.iter().any(|text| text.accepts(leaf))),
        }
    }
}

impl Text {
    fn accepts(&self, leaf: &str) -> bool {
        match self {
            Self::Prefix(wanted) => leaf.starts_with(wanted.as_str()),
            Self::Suffix(wanted) => leaf.ends_with(wanted.as_str()),
            Self::PrefixIgnoringCase(wanted) => leaf.to_lowercase().starts_with(&wanted.to_lowercase()),
            Self::SuffixIgnoringCase(wanted) => leaf.to_lowercase().ends_with(&wanted.to_lowercase()),
            Self::IgnoringCase(wanted) => leaf.to_lowercase() == wanted.to_lowercase(),
            Self::Wildcard(pieces) => wildcard_accepts(pieces, leaf),
        }
    }
}

/// Pieces are found from left to right; the first and the last are tied to the ends.
fn wildcard_accepts(pieces: &[String], leaf: &str) -> bool {
    let (Some(first), Some(last)) = (pieces.first(), pieces.last()) else {
        return leaf.is_empty();
    };
    if pieces.len() == 1 {
        return leaf == first;
    }
    let Some(rest) = leaf.strip_prefix(first.as_str()) else {
        return false;
    };
    let Some(mut rest) = rest.strip_suffix(last.as_str()) else {
        return false;
    };
    for piece in &pieces[1..pieces.len() - 1] {
        let Some(found) = rest.find(piece.as_str()) else {
            return false;
        };
        rest = &rest[found + piece.len()..];
    }
    true
}

/// Numbers are equal by value (300 = 300.0), never to a text that looks like one.
fn same(wanted: &Value, leaf: &Value) -> bool {
    match (wanted, leaf) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        _ => wanted == leaf,
    }
}

fn within(ip: IpAddr, network: IpAddr, bits: u32) -> bool {
    match (ip, network) {
        (IpAddr::V4(ip), IpAddr::V4(network)) => bits == 0 || (u32::from(ip) ^ u32::from(network)) >> (32 - bits) == 0,
        (IpAddr::V6(ip), IpAddr::V6(network)) => {
            bits == 0 || (u128::from(ip) ^ u128::from(network)) >> (128 - bits) == 0
        }
        _ => false,
    }
}

/// Reads one element of a field's array.
pub(super) fn parse_operator(value: &Value, at: &str) -> Result<Operator, PatternError> {
    match value {
        Value::Object(fields) => {
            let (name, argument) = only_member(fields, at)?;
            let here = format!("{at}/{name}");
            parse_named(name, argument, at, &here)
        }
        Value::Array(_) => Err(PatternError::new(at, "an array inside a field's array is refused")),
        scalar => Ok(Operator::Equals(scalar.clone())),
    }
}

fn only_member<'v>(fields: &'v Map<String, Value>, at: &str) -> Result<(&'v str, &'v Value), PatternError> {
    let mut members = fields.iter();
    match (members.next(), members.next()) {
        (Some((name, argument)), None) => Ok((name, argument)),
        _ => Err(PatternError::new(at, "an operator object has exactly one member")),
    }
}

fn parse_named(name: &str, argument: &Value, at: &str, here: &str) -> Result<Operator, PatternError> {
    match name {
        "prefix" | "suffix" | "equals-ignore-case" | "wildcard" => parse_text(name, argument, here).map(Operator::Text),
        "exists" => match argument {
            Value::Bool(true) => Ok(Operator::Present),
            Value::Bool(false) => Ok(Operator::Absent),
            _ => Err(PatternError::new(here, "`exists` takes true or false")),
        },
        "numeric" => parse_numeric(argument, here),
        "cidr" => parse_cidr(argument, here),
        "anything-but" => parse_anything_but(argument, here),
        _ => Err(PatternError::new(at, format!("`{name}` is no operator"))),
    }
}

fn parse_text(name: &str, argument: &Value, at: &str) -> Result<Text, PatternError> {
    if let (Value::Object(fields), "prefix" | "suffix") = (argument, name) {
        let (inner, text) = only_member(fields, at)?;
        let text = text.as_str().filter(|_| inner == "equals-ignore-case");
        let text = text.ok_or_else(|| PatternError::new(at, "only {\"equals-ignore-case\": TEXT} may stand here"))?;
        return Ok(match name {
            "prefix" => Text::PrefixIgnoringCase(text.to_owned()),
            _ => Text::SuffixIgnoringCase(text.to_owned()),
        });
    }
    let Some(text) = argument.as_str() else {
        return Err(PatternError::new(at, format!("`{name}` takes a text")));
    };
    match name {
        "prefix" => Ok(Text::Prefix(text.to_owned())),
        "suffix" => Ok(Text::Suffix(text.to_owned())),
        "wildcard" => parse_wildcard(text, at).map(Text::Wildcard),
        _ => Ok(Text::IgnoringCase(text.to_owned())),
    }
}

fn parse_wildcard(text: &str, at: &str) -> Result<Vec<String>, PatternError> {
    let mut pieces = vec![String::new()];
    let mut after_star = false;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        let literal = match letter {
            '*' if after_star => return Err(PatternError::new(at, "two `*` side by side are refused")),
            '*' => {
                pieces.push(String::new());
                after_star = true;
                continue;
            }
            '\\' => match letters.next() {
                Some(escaped @ ('*' | '\\')) => escaped,
                _ => return Err(PatternError::new(at, "a backslash stands before `*` or a backslash only")),
            },
            other => other,
        };
        after_star = false;
        if let Some(piece) = pieces.last_mut() {
            piece.push(literal);
        }
    }
    Ok(pieces)
}

fn parse_numeric(argument: &Value, at: &str) -> Result<Operator, PatternError> {
    let wrong = || PatternError::new(at, "`numeric` takes [OP, NUMBER] or [LOWER OP, NUMBER, UPPER OP, NUMBER]");
    let parts = argument.as_array().filter(|parts| matches!(parts.len(), 2 | 4)).ok_or_else(wrong)?;
    let mut bounds = Vec::new();
    for pair in parts.chunks(2) {
        let [operator, number] = pair else { return Err(wrong()) };
        let operator = operator.as_str().ok_or_else(wrong)?;
        bounds.push((operator, number.as_f64().filter(|_| number.is_number()).ok_or_else(wrong)?));
    }
    match bounds.as_slice() {
        [("=", n)] => Ok(Operator::Numeric { lower: Some((*n, true)), upper: Some((*n, true)) }),
        [(op @ (">" | ">="), n)] => Ok(Operator::Numeric { lower: Some((*n, *op == ">=")), upper: None }),
        [(op @ ("<" | "<="), n)] => Ok(Operator::Numeric { lower: None, upper: Some((*n, *op == "<=")) }),
        [(low @ (">" | ">="), from), (high @ ("<" | "<="), to)] if from < to => {
            Ok(Operator::Numeric { lower: Some((*from, *low == ">=")), upper: Some((*to, *high == "<=")) })
        }
        [(">" | ">=", _), ("<" | "<=", _)] => Err(PatternError::new(at, "the lower bound must be below the upper one")),
        _ => Err(wrong()),
    }
}

fn parse_cidr(argument: &Value, at: &str) -> Result<Operator, PatternError> {
    let wrong = || PatternError::new(at, "`cidr` takes ADDRESS/BITS with fewer bits than the address has");
    let (network, bits) = argument.as_str().and_then(|text| text.split_once('/')).ok_or_else(wrong)?;
    let network: IpAddr = network.parse().map_err(|_| wrong())?;
    let bits: u32 = bits.parse().map_err(|_| wrong())?;
    let most = if network.is_ipv4() { 31 } else { 127 };
    if bits > most { Err(wrong()) } else { Ok(Operator::Cidr { network, bits }) }
}

fn parse_anything_but(argument: &Value, at: &str) -> Result<Operator, PatternError> {
    match argument {
        Value::Object(fields) => {
            let (name, inner) = only_member(fields, at)?;
            let here = format!("{at}/{name}");
            if !matches!(name, "prefix" | "suffix" | "equals-ignore-case" | "wildcard") {
                return Err(PatternError::new(at, format!("`anything-but` knows no `{name}`")));
            }
            let texts: Result<Vec<Text>, PatternError> =
                as_list(inner, &here)?.iter().map(|text| parse_not_text(name, text, &here)).collect();
            texts.map(Operator::NotTexts)
        }
        scalars => {
            let values = as_list(scalars, at)?;
            let texts = values.iter().filter(|value| value.is_string()).count();
            let numbers = values.iter().filter(|value| value.is_number()).count();
            if texts == values.len() || numbers == values.len() {
                Ok(Operator::NotValues(values.to_vec()))
            } else {
                Err(PatternError::new(at, "`anything-but` takes texts only or numbers only"))
            }
        }
    }
}

fn parse_not_text(name: &str, text: &Value, at: &str) -> Result<Text, PatternError> {
    let not_empty = text.as_str() != Some("");
    if !not_empty && matches!(name, "prefix" | "suffix") {
        return Err(PatternError::new(at, format!("an empty {name} would exclude everything")));
    }
    parse_text(name, text, at)
}

/// One value or a list of them; an empty list is refused.
fn as_list<'v>(value: &'v Value, at: &str) -> Result<&'v [Value], PatternError> {
    match value {
        Value::Array(values) if values.is_empty() => Err(PatternError::new(at, "an empty list is refused")),
        Value::Array(values) => Ok(values),
        single => Ok(std::slice::from_ref(single)),
    }
}
