//! Tags of certificates.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::call::{Answer, ApiError, Call};
use crate::shape::{items, text};

use super::Acm;

const TAGS_MAX: usize = 50;

pub(super) fn read_tags(input: &Value) -> Result<BTreeMap<String, String>, ApiError> {
    let mut tags = BTreeMap::new();
    for tag in items(input, "Tags") {
        let key = text(tag, "Key").unwrap_or_default();
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(ApiError::client("InvalidTagException", format!("{key}: keys must not start with aws:.")));
        }
        tags.insert(key.to_owned(), text(tag, "Value").unwrap_or_default().to_owned());
    }
    Ok(tags)
}

impl Acm {
    pub(super) fn add_tags(&mut self, call: &Call) -> Answer {
        let added = read_tags(&call.input)?;
        let certificate = self.named(call)?;
        let mut tags = certificate.tags.clone();
        tags.extend(added);
        if tags.len() > TAGS_MAX {
            let message = format!("A certificate can have at most {TAGS_MAX} tags.");
            return Err(ApiError::client("TooManyTagsException", message));
        }
        certificate.tags = tags;
        Ok(json!({}))
    }

    /// A tag that is given with a value goes only where it has that value.
    pub(super) fn remove_tags(&mut self, call: &Call) -> Answer {
        let certificate = self.named(call)?;
        for tag in items(&call.input, "Tags") {
            let key = text(tag, "Key").unwrap_or_default();
            let value = tag.get("Value").and_then(Value::as_str);
            if value.is_none_or(|value| certificate.tags.get(key).is_some_and(|has| has == value)) {
                certificate.tags.remove(key);
            }
        }
        Ok(json!({}))
    }

    pub(super) fn list_tags(&mut self, call: &Call) -> Answer {
        let tags = &self.named(call)?.tags;
        let tags: Vec<Value> = tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
        // The model's list has at least one member: without tags the list is left out.
        Ok(if tags.is_empty() { json!({}) } else { json!({ "Tags": tags }) })
    }
}
