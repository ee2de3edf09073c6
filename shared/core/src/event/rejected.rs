//! Inputs that were not taken: why, and what is kept of them so that the next version can know them.

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::{EXCERPT_BYTES_MAX, Subject, Wake};

/// Why an input was not taken. The names are stable: the metric hangs on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    NotJson,
    NotAnObject,
    /// No known kind of input, or a part that must be there is missing or of the wrong type.
    UnknownShape,
    OtherAccount,
    OtherRegion,
    /// A source whose events we do not take.
    OtherService,
    NoResources,
    NotAnArn,
    /// A detail-type of ours under a foreign source: EventBridge would not send it.
    Forged,
    /// An event of App Runner's whose detail has no status under any known spelling. It is handled all the same, as the
    /// hint that it is; its shape is kept, so that the next version knows it.
    UnknownKeys,
}

impl Reason {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotJson => "not_json",
            Self::NotAnObject => "not_an_object",
            Self::UnknownShape => "unknown_shape",
            Self::OtherAccount => "other_account",
            Self::OtherRegion => "other_region",
            Self::OtherService => "other_service",
            Self::NoResources => "no_resources",
            Self::NotAnArn => "not_an_arn",
            Self::Forged => "forged",
            Self::UnknownKeys => "unknown_keys",
        }
    }
}

/// An input that was not taken: counted by its reason and kept once under its id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("input rejected: {}", .reason.as_str())]
pub struct Rejected {
    /// See [`quarantine_id`].
    pub id: String,
    pub reason: Reason,
    /// Its first [`EXCERPT_BYTES_MAX`] bytes, without control characters.
    pub excerpt: String,
}

impl Rejected {
    pub(super) fn new(reason: Reason, input: &Value) -> Self {
        Self { id: quarantine_id(input), reason, excerpt: excerpt(&input.to_string()) }
    }

    /// For an input that never became JSON.
    pub fn not_json(input: &[u8]) -> Self {
        let head = input.get(..EXCERPT_BYTES_MAX).unwrap_or(input);
        let id = name_of(Sha256::new().chain_update(input));
        Self { id, reason: Reason::NotJson, excerpt: excerpt(&String::from_utf8_lossy(head)) }
    }
}

/// What an event that was taken says in a way that no known spelling covers: its shape is kept once, whichever service and
/// moment it speaks of.
pub fn drifted(payload: &Value, wake: &Wake) -> Option<Rejected> {
    let silent = |subject: &Subject| matches!(subject, Subject::Service(hint) if hint.said.is_none());
    if !wake.subjects.iter().any(silent) {
        return None;
    }
    let keys = |value: &Value| -> Vec<String> {
        let mut keys: Vec<String> = value.as_object().into_iter().flat_map(Map::keys).cloned().collect();
        keys.sort();
        keys
    };
    let shape = serde_json::json!([payload["detail-type"], keys(&payload["detail"])]);
    Some(Rejected { id: quarantine_id(&shape), ..Rejected::new(Reason::UnknownKeys, payload) })
}

/// The id under which a rejected input is kept: a hash of what it says, whatever the order of its keys, so that the same
/// input delivered again has the same id and is kept once. Of a queue's record only message id and body count, because the
/// queue itself changes the rest with each delivery.
pub fn quarantine_id(input: &Value) -> String {
    let mut hash = Sha256::new();
    match (input.get("messageId"), input.get("body")) {
        (Some(id), Some(body)) => {
            digest_value(id, &mut hash);
            digest_value(body, &mut hash);
        }
        _ => digest_value(input, &mut hash),
    }
    name_of(hash)
}

fn name_of(hash: Sha256) -> String {
    let hex: String = hash.finalize().iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    format!("Q-{hex}")
}

/// Feeds a value to the hash so that no two different values feed the same bytes: every part carries its kind and length.
fn digest_value(value: &Value, hash: &mut Sha256) {
    match value {
        Value::Object(members) => {
            let mut keys: Vec<&String> = members.keys().collect();
            keys.sort();
            hash.update(format!("o{}:", keys.len()));
            for key in keys {
                hash.update(format!("{}:{key}", key.len()));
                members.get(key).into_iter().for_each(|member| digest_value(member, hash));
            }
        }
        Value::Array(items) => {
            hash.update(format!("a{}:", items.len()));
            items.iter().for_each(|item| digest_value(item, hash));
        }
        Value::String(text) => hash.update(format!("s{}:{text}", text.len())),
        Value::Null | Value::Bool(_) | Value::Number(_) => hash.update(format!("v{value}:")),
    }
}

/// Characters that change how a line shows without being seen: controls, and the marks that turn or hide text.
pub(super) fn invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn excerpt(text: &str) -> String {
    let mut kept = String::new();
    for c in text.chars().filter(|c| !invisible(*c)) {
        if kept.len() + c.len_utf8() > EXCERPT_BYTES_MAX {
            break;
        }
        kept.push(c);
    }
    kept
}
