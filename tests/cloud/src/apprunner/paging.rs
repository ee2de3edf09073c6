//! Pages of lists: an opaque token that names the last row shown, bound to the operation and its filters.
//!
//! Rows carry a sort key, so a row that comes or goes between two pages neither repeats nor hides another one.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::call::{Answer, ApiError};

use super::errors::invalid_request;

/// One row: its sort key, unique in the list, and its value.
pub(super) type Row = (String, Value);

/// The key of the `n`th thing that came to be, oldest first.
pub(super) fn oldest_first(n: u64) -> String {
    format!("{n:020}")
}

/// The key of the `n`th thing that came to be, newest first.
pub(super) fn newest_first(n: u64) -> String {
    format!("{:020}", u64::MAX - n)
}

/// One page of `rows` under `member`, beside the members of `rest`. `max_results` is the model's upper bound; without
/// `MaxResults` all rows come in one answer (facts, section 7).
pub(super) fn page(
    operation: &str,
    input: &Value,
    max_results: u64,
    member: &str,
    mut rows: Vec<Row>,
    rest: Map<String, Value>,
) -> Answer {
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    let scope = scope(operation, input);
    let after = match input.get("NextToken").and_then(Value::as_str) {
        Some(token) => Some(read_token(token, &scope)?),
        None => None,
    };
    let limit = limit(input, max_results)?;
    let mut left = rows.into_iter().filter(|(key, _)| after.as_ref().is_none_or(|after| key > after));
    let mut shown = Vec::new();
    let mut last = String::new();
    for (key, value) in left.by_ref().take(limit) {
        last = key;
        shown.push(value);
    }
    let mut answer = rest;
    answer.insert(member.to_owned(), Value::Array(shown));
    if left.next().is_some() {
        answer.insert("NextToken".to_owned(), json!(URL_SAFE_NO_PAD.encode(format!("{scope}:{last}"))));
    }
    Ok(Value::Object(answer))
}

fn limit(input: &Value, max_results: u64) -> Result<usize, ApiError> {
    match input.get("MaxResults").and_then(Value::as_u64) {
        None => Ok(usize::MAX),
        Some(n) if (1..=max_results).contains(&n) => Ok(usize::try_from(n).unwrap_or(usize::MAX)),
        Some(n) => Err(invalid_request(format!("MaxResults is {n}; it must be between 1 and {max_results}."))),
    }
}

/// What a token is good for: the operation and every parameter but the paging ones.
fn scope(operation: &str, input: &Value) -> String {
    let filters: Map<String, Value> = input
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, _)| *name != "NextToken" && *name != "MaxResults")
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let digest = Sha256::digest(format!("{operation} {}", Value::Object(filters)));
    digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

fn read_token(token: &str, scope: &str) -> Result<String, ApiError> {
    let text = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    match text.as_deref().and_then(|text| text.split_once(':')) {
        Some((given, key)) if given == scope => Ok(key.to_owned()),
        _ => Err(invalid_request(
            "NextToken is not valid. Send the token of the previous page, with all other parameters unchanged.",
        )),
    }
}
