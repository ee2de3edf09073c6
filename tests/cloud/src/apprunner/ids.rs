//! Ids and times in the forms of the wire.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::call::Ids;

/// Epoch seconds with a fraction, as awsJson1.0 writes a time.
pub(super) fn epoch(at: Timestamp) -> Value {
    let millis = at.as_millisecond();
    // Exact: a double holds every millisecond of this millennium.
    json!(millis as f64 / 1000.0)
}

/// A UUID that the model's pattern takes: its version digit is 1 to 5 and its variant digit 8 to b.
pub(super) fn operation_id(ids: &mut Ids) -> String {
    let mut id = ids.uuid();
    let variant = match id.as_bytes().get(19) {
        Some(b'8' | b'9' | b'a' | b'b') => None,
        _ => Some("a"),
    };
    id.replace_range(14..15, "4");
    if let Some(variant) = variant {
        id.replace_range(19..20, variant);
    }
    id
}

/// An operation's id as log streams and log texts print it (facts, section 0).
pub(super) fn without_hyphens(id: &str) -> String {
    id.replace('-', "")
}
