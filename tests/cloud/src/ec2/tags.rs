//! Tags of everything with an id.

use serde_json::{Value, json};

use super::kind::Kind;
use super::{Ec2, done, invalid};
use crate::call::{Answer, ApiError};
use crate::shape::{items, text, texts};

/// The most that one thing may have.
const TAGS_MAX: usize = 50;

impl Ec2 {
    /// The tags of a thing, as they are shown.
    pub(super) fn tags_of(&self, id: &str) -> Value {
        let tags = self.tags.get(id).into_iter().flatten();
        tags.map(|(key, value)| json!({"Key": key, "Value": value})).collect()
    }

    pub(super) fn tag(&mut self, id: &str, key: &str, value: &str) {
        self.tags.entry(id.to_owned()).or_default().insert(key.to_owned(), value.to_owned());
    }

    /// The tags that a creation names for the kind that it makes.
    pub(super) fn tag_as_specified(&mut self, kind: Kind, id: &str, input: &Value) {
        for specification in items(input, "TagSpecifications") {
            if specification["ResourceType"] == kind.resource_type() {
                self.put_tags(id, specification);
            }
        }
    }

    fn put_tags(&mut self, id: &str, input: &Value) {
        for tag in items(input, "Tags") {
            self.tag(id, text(tag, "Key").unwrap_or_default(), text(tag, "Value").unwrap_or_default());
        }
    }

    /// Refuses a specification for another kind than the one that is made; called before anything is.
    pub(super) fn check_specified(kind: Kind, input: &Value) -> Result<(), ApiError> {
        for specification in items(input, "TagSpecifications") {
            let given = text(specification, "ResourceType").unwrap_or("null");
            if given != kind.resource_type() {
                return Err(invalid(format!("'{given}' is not a valid taggable resource type for this operation.")));
            }
            check_tags(specification)?;
        }
        Ok(())
    }

    pub(super) fn create_tags(&mut self, input: &Value) -> Answer {
        check_tags(input)?;
        let resources = self.tagged(input)?;
        for id in &resources {
            let there = self.tags.get(id).map(|tags| tags.len()).unwrap_or_default();
            if there + items(input, "Tags").count() > TAGS_MAX {
                let message = format!("The maximum number of Tags for a resource has been reached: {TAGS_MAX}.");
                return Err(ApiError::client("TagLimitExceeded", message));
            }
        }
        resources.iter().for_each(|id| self.put_tags(id, input));
        done()
    }

    /// A key takes its tag away, with a value only where the value is the same; no tags at all means all of them.
    pub(super) fn delete_tags(&mut self, input: &Value) -> Answer {
        for id in self.tagged(input)? {
            let Some(tags) = self.tags.get_mut(&id) else { continue };
            let mut given = items(input, "Tags").peekable();
            if given.peek().is_none() {
                tags.clear();
            }
            for tag in given {
                let key = text(tag, "Key").unwrap_or_default();
                let fits = tag["Value"].as_str().is_none_or(|value| tags.get(key).is_some_and(|own| own == value));
                if fits {
                    tags.remove(key);
                }
            }
        }
        done()
    }

    fn tagged(&self, input: &Value) -> Result<Vec<String>, ApiError> {
        let ids = texts(input, "Resources");
        match ids.iter().find(|id| !self.has(id)) {
            None => Ok(ids),
            Some(id) => Err(Kind::of(id).map_or_else(
                || ApiError::client("InvalidID", format!("The ID '{id}' is not valid")),
                |kind| kind.missing(id),
            )),
        }
    }
}

fn check_tags(input: &Value) -> Result<(), ApiError> {
    for tag in items(input, "Tags") {
        let key = text(tag, "Key").unwrap_or_default();
        if key.is_empty() || key.starts_with("aws:") {
            let message = format!("Tag keys must not be empty, and must not start with 'aws:', as '{key}' does");
            return Err(invalid(message));
        }
    }
    Ok(())
}
