//! What all lists share: ids, filters, pages.
//!
//! Filters are evaluated on what is shown, so a filter can never disagree with the answer. Values match with `*` and `?`; values
//! of one filter are alternatives, filters all have to match. A filter that EC2 does not document is refused.

use serde_json::Value;

use super::kind::Kind;
use crate::call::{Answer, ApiError};
use crate::shape::{integer, items, listing, page, text, texts};

/// EC2 takes so many values of filters in one call.
const FILTER_VALUES_MAX: usize = 200;
/// A page is not longer, whatever was asked for.
const PAGE_MAX: usize = 1000;

/// One list of the API.
pub(super) struct List {
    /// The member of the answer.
    pub member: &'static str,
    /// The member of the input with ids, and the kind of their things.
    pub ids: &'static str,
    pub kind: Kind,
    /// Each filter and where its value stands in what is shown: `Associations[].SubnetId`.
    pub filters: &'static [(&'static str, &'static str)],
}

/// The answer: of all things, by id, those that are asked for.
pub(super) fn describe(list: &List, input: &Value, all: Vec<(String, Value)>) -> Answer {
    let wanted = texts(input, list.ids);
    if let Some(id) = wanted.iter().find(|id| all.iter().all(|(known, _)| known != *id)) {
        return Err(list.kind.missing(id));
    }
    let found = filtered(list.filters, input, all)?;
    let found = found.into_iter().filter(|(id, _)| wanted.is_empty() || wanted.contains(id)).collect();
    let size = integer(input, "MaxResults").and_then(|size| usize::try_from(size).ok());
    let size = size.map_or(usize::MAX, |size| size.min(PAGE_MAX));
    let bad = |_| ApiError::client("InvalidNextToken", "The specified NextToken is not valid.");
    let (shown, next) = page(found, text(input, "NextToken"), size, false).map_err(bad)?;
    Ok(listing(list.member, shown, "NextToken", next))
}

/// Of all things those that every filter of the input lets through.
pub(super) fn filtered(
    known: &[(&str, &str)],
    input: &Value,
    mut all: Vec<(String, Value)>,
) -> Result<Vec<(String, Value)>, ApiError> {
    let mut values_given = 0;
    // NAT gateways alone spell it `Filter`.
    for filter in items(input, "Filters").chain(items(input, "Filter")) {
        let name = text(filter, "Name").unwrap_or("null");
        let place = Place::of(known, name)?;
        let values = texts(filter, "Values");
        values_given += values.len();
        if values.is_empty() {
            return Err(ApiError::client("InvalidParameterValue", format!("The filter '{name}' has no values")));
        }
        if values_given > FILTER_VALUES_MAX {
            let message =
                format!("The maximum number of filter values specified on a single call is {FILTER_VALUES_MAX}");
            return Err(ApiError::client("FilterLimitExceeded", message));
        }
        let patterns: Vec<Vec<Sign>> = values.iter().map(|value| signs(value)).collect();
        all.retain(|(_, shown)| {
            let there = place.values(shown);
            there
                .iter()
                .any(|value| patterns.iter().any(|pattern| matches(pattern, &value.chars().collect::<Vec<_>>())))
        });
    }
    Ok(all)
}

/// Where the value of a filter stands.
enum Place<'a> {
    Tag(&'a str),
    TagKeys,
    At(&'a str),
}

impl<'a> Place<'a> {
    fn of(known: &[(&str, &'a str)], name: &'a str) -> Result<Self, ApiError> {
        if let Some(key) = name.strip_prefix("tag:") {
            return Ok(Self::Tag(key));
        }
        let path = known.iter().find(|(filter, _)| *filter == name).map(|(_, path)| *path);
        match (name, path) {
            ("tag-key", _) => Ok(Self::TagKeys),
            (_, Some(path)) => Ok(Self::At(path)),
            _ => Err(ApiError::client("InvalidParameterValue", format!("The filter '{name}' is invalid"))),
        }
    }

    fn values(&self, shown: &Value) -> Vec<String> {
        let tags = || items(shown, "Tags").chain(items(shown, "TagSet"));
        match self {
            Self::Tag(key) => {
                tags().filter(|tag| tag["Key"] == *key).filter_map(|tag| text_of(&tag["Value"])).collect()
            }
            Self::TagKeys => tags().filter_map(|tag| text_of(&tag["Key"])).collect(),
            Self::At(path) => {
                let mut found = Vec::new();
                collect(shown, path, &mut found);
                found
            }
        }
    }
}

fn collect(value: &Value, path: &str, found: &mut Vec<String>) {
    let (step, rest) = path.split_once('.').unwrap_or((path, ""));
    let each = |inner: &Value, found: &mut Vec<String>| match rest {
        "" => found.extend(text_of(inner)),
        rest => collect(inner, rest, found),
    };
    match step.strip_suffix("[]") {
        Some(list) => items(value, list).for_each(|inner| each(inner, found)),
        None => each(&value[step], found),
    }
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// One sign of a pattern.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Sign {
    /// `*`: any text, none too.
    Any,
    /// `?`: any one character.
    One,
    Just(char),
}

/// `\` takes the next character as it is.
fn signs(pattern: &str) -> Vec<Sign> {
    let mut letters = pattern.chars();
    let mut out = Vec::new();
    while let Some(letter) = letters.next() {
        out.push(match letter {
            '*' => Sign::Any,
            '?' => Sign::One,
            '\\' => Sign::Just(letters.next().unwrap_or('\\')),
            other => Sign::Just(other),
        });
    }
    out
}

/// Goes back to the last `*` only: no pattern costs more than its length times the text's.
fn matches(pattern: &[Sign], text: &[char]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(Sign::Any) => {
                star = Some((p, t));
                p += 1;
                continue;
            }
            Some(Sign::One) => (p, t) = (p + 1, t + 1),
            Some(Sign::Just(letter)) if *letter == text[t] => (p, t) = (p + 1, t + 1),
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    (p, t) = (at + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|sign| *sign == Sign::Any)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn stars_and_marks_match_and_a_backslash_takes_them_as_they_are() {
        for (pattern, text, wanted) in [
            ("shop", "shop", true),
            ("shop", "Shop", false),
            ("shop", "shops", false),
            ("sh*", "shop", true),
            ("*op", "shop-op", true),
            ("s?op", "shop", true),
            ("s?op", "sop", false),
            ("*", "", true),
            ("a*b*c", "a-bc-b-c", true),
            ("a*b*c", "a-bc-b-", false),
            (r"\*", "*", true),
            (r"\*", "shop", false),
        ] {
            let text: Vec<char> = text.chars().collect();
            assert_eq!(matches(&signs(pattern), &text), wanted, "{pattern}");
        }
    }

    #[test]
    fn a_value_is_found_at_its_place() {
        let shown = json!({"A": [{"B": {"C": true}}, {"B": {"C": 5}}, {}], "D": ["x", "y"], "E": null});
        let at = |path: &str| Place::At(path).values(&shown);
        assert_eq!(at("A[].B.C"), ["true", "5"]);
        assert_eq!(at("D[]"), ["x", "y"]);
        assert!(at("E").is_empty() && at("F.G").is_empty());
    }
}
