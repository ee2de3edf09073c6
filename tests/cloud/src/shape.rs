//! Reading and writing the JSON shapes of AWS's models: members, times, pages.
//!
//! Pure functions over values. Nothing here knows a service, and nothing here validates what the gateway validates
//! from the model already (types, required members, patterns): a member of the wrong type reads as absent.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::call::{ApiError, Call};

/// A timestamp as the model's JSON has it: seconds since the epoch, with milliseconds where there are any.
pub fn epoch(at: Timestamp) -> Value {
    let millis = at.as_millisecond();
    if millis % 1000 == 0 { json!(millis / 1000) } else { json!(millis as f64 / 1000.0) }
}

/// The time in a timestamp member (seconds since the epoch, whole or not), to the millisecond.
pub fn time(input: &Value, member: &str) -> Option<Timestamp> {
    let seconds = input.get(member)?.as_f64()?;
    Timestamp::from_millisecond((seconds * 1000.0).round() as i64).ok()
}

/// A string member, where it is present and not empty.
pub fn text<'a>(input: &'a Value, member: &str) -> Option<&'a str> {
    input.get(member).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// The strings of a list member; none where it is absent.
pub fn texts(input: &Value, member: &str) -> Vec<String> {
    items(input, member).filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The items of a list member; none where it is absent.
pub fn items<'a>(input: &'a Value, member: &str) -> impl Iterator<Item = &'a Value> {
    input.get(member).and_then(Value::as_array).into_iter().flatten()
}

pub fn integer(input: &Value, member: &str) -> Option<i64> {
    input.get(member).and_then(Value::as_i64)
}

pub fn number(input: &Value, member: &str) -> Option<f64> {
    input.get(member).and_then(Value::as_f64)
}

pub fn flag(input: &Value, member: &str) -> bool {
    input.get(member).and_then(Value::as_bool).unwrap_or(false)
}

/// Copies the members that are present and not null, under the same names.
pub fn copy(input: &Value, members: &[&str]) -> Map<String, Value> {
    members
        .iter()
        .filter_map(|member| Some(((*member).to_owned(), input.get(member).filter(|value| !value.is_null())?.clone())))
        .collect()
}

/// `2026-11-20T08:00:00.000+0000`, the form in alarm events, history and notifications.
pub fn offset_time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3f+0000").to_string()
}

/// The error for an operation that the service does not have.
pub fn unknown_operation(call: &Call) -> ApiError {
    ApiError::client(
        "UnknownOperationException",
        format!("the local cloud's {} has no operation {}", call.service, call.operation),
    )
}

/// A page token that this service did not give out.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the page token is none that this service gave out")]
pub struct BadToken;

/// One page of `ordered`, which is sorted by its keys (ascending, or descending where `descending` says so), and the
/// token of the next page. The token names the last key shown, so items that come or go between two pages neither
/// repeat nor hide others.
pub fn page<T>(
    ordered: Vec<(String, T)>,
    token: Option<&str>,
    size: usize,
    descending: bool,
) -> Result<(Vec<T>, Option<String>), BadToken> {
    let after = token.map(decode_token).transpose()?;
    let mut rest = ordered.into_iter().filter(|(key, _)| match &after {
        Some(last) if descending => key < last,
        Some(last) => key > last,
        None => true,
    });
    let mut shown = Vec::new();
    let mut last = None;
    for (key, item) in rest.by_ref().take(size.max(1)) {
        shown.push(item);
        last = Some(key);
    }
    let more = rest.next().is_some();
    Ok((shown, last.filter(|_| more).map(|key| BASE64_URL_SAFE_NO_PAD.encode(key))))
}

fn decode_token(token: &str) -> Result<String, BadToken> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).map_err(|_| BadToken)?;
    String::from_utf8(bytes).map_err(|_| BadToken)
}

/// The answer of a paged listing: `list` under `member`, and the next token, where there is one, under `token`.
pub fn listing(member: &str, list: Vec<Value>, token: &str, next: Option<String>) -> Value {
    let mut answer = Map::new();
    answer.insert(member.to_owned(), Value::Array(list));
    if let Some(next) = next {
        answer.insert(token.to_owned(), Value::String(next));
    }
    Value::Object(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyed(keys: &[&str]) -> Vec<(String, String)> {
        keys.iter().map(|key| ((*key).to_owned(), key.to_uppercase())).collect()
    }

    #[test]
    fn an_empty_list_is_one_page_without_a_token() {
        assert_eq!(page::<String>(Vec::new(), None, 2, false), Ok((Vec::new(), None)));
    }

    #[test]
    fn pages_follow_each_other_and_the_last_has_no_token() {
        let (first, token) = page(keyed(&["a", "b", "c"]), None, 2, false).unwrap();
        assert_eq!(first, ["A", "B"]);
        let (second, end) = page(keyed(&["a", "b", "c"]), token.as_deref(), 2, false).unwrap();
        assert_eq!((second, end), (vec!["C".to_owned()], None));
    }

    #[test]
    fn an_item_removed_between_pages_hides_no_other() {
        let (_, token) = page(keyed(&["c", "b", "a"]), None, 2, true).unwrap();
        let (rest, _) = page(keyed(&["c", "a"]), token.as_deref(), 2, true).unwrap();
        assert_eq!(rest, ["A"]);
    }

    #[test]
    fn a_foreign_token_is_refused() {
        assert_eq!(page(keyed(&["a"]), Some("not a token"), 1, false), Err(BadToken));
    }

    #[test]
    fn times_are_epoch_seconds_to_the_millisecond() {
        let at: Timestamp = "2026-11-20T08:00:00.250Z".parse().unwrap();
        assert_eq!(epoch(at), json!(1795161600.25));
        assert_eq!(time(&json!({"At": 1795161600.25}), "At"), Some(at));
        assert_eq!(offset_time(at), "2026-11-20T08:00:00.250+0000");
    }
}
