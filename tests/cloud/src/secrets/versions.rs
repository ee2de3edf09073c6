//! The versions of one secret and the stages that point at them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::call::{ApiError, Ctx};

use super::bad_parameter;

const CURRENT: &str = "AWSCURRENT";
const PREVIOUS: &str = "AWSPREVIOUS";
/// The greatest size of a secret value.
const BYTES_MAX: usize = 65_536;

/// A secret value as it was given: text, or base64 of bytes.
#[derive(Clone, PartialEq, Eq)]
pub enum Content {
    Text(String),
    Binary(String),
}

impl Content {
    /// The value of a request; none where it has none, an error where it has two or an oversized one.
    pub fn read(input: &Value) -> Result<Option<Self>, ApiError> {
        let found = match (input["SecretString"].as_str(), input["SecretBinary"].as_str()) {
            (None, None) => return Ok(None),
            (Some(_), Some(_)) => {
                return Err(bad_parameter("You can't specify both a binary secret value and a string secret value."));
            }
            (Some(text), None) => (text, Self::Text(text.to_owned())),
            (None, Some(binary)) => (binary, Self::Binary(binary.to_owned())),
        };
        if found.0.is_empty() || found.0.len() > BYTES_MAX {
            return Err(bad_parameter(format!("A secret value has 1 to {BYTES_MAX} bytes.")));
        }
        Ok(Some(found.1))
    }
}

struct Version {
    content: Content,
    stages: BTreeSet<String>,
    created_at: Timestamp,
}

/// By version id. A version that no stage points at is gone, as it soon would be on AWS.
#[derive(Default)]
pub struct Versions {
    all: BTreeMap<String, Version>,
}

impl Versions {
    /// `VersionIdsToStages`.
    pub fn stages(&self) -> Value {
        self.all
            .iter()
            .map(|(id, version)| (id.clone(), json!(version.stages)))
            .collect::<serde_json::Map<_, _>>()
            .into()
    }

    fn holder(&self, stage: &str) -> Option<&String> {
        self.all.iter().find(|(_, version)| version.stages.contains(stage)).map(|(id, _)| id)
    }

    /// Adds a version and moves the stages to it; gives its id. No stages means `AWSCURRENT`. The same token with the same
    /// value is the same version; with another value it is an error.
    pub fn put(
        &mut self,
        ctx: &mut Ctx<'_>,
        input: &Value,
        content: Content,
        stages: &[String],
    ) -> Result<String, ApiError> {
        let token = input["ClientRequestToken"].as_str().unwrap_or_default();
        if !token.is_empty() && !(32..=64).contains(&token.len()) {
            return Err(bad_parameter(
                "You must provide a ClientRequestToken value between 32 and 64 characters long (inclusive).",
            ));
        }
        let id = if token.is_empty() { ctx.ids.uuid() } else { token.to_owned() };
        match self.all.get(&id) {
            Some(there) if there.content == content => return Ok(id),
            Some(_) => {
                return Err(ApiError::client(
                    "ResourceExistsException",
                    "You can't modify an existing version, you can only create a new version.",
                ));
            }
            None => {}
        }
        let mut wanted: BTreeSet<String> = stages.iter().cloned().collect();
        if wanted.is_empty() || self.all.is_empty() {
            wanted.insert(CURRENT.to_owned());
        }
        let previous = if wanted.contains(CURRENT) { self.holder(CURRENT).cloned() } else { None };
        if previous.is_some() {
            self.take_stage(PREVIOUS);
        }
        for stage in &wanted {
            self.take_stage(stage);
        }
        if let Some(version) = previous.and_then(|id| self.all.get_mut(&id)) {
            version.stages.insert(PREVIOUS.to_owned());
        }
        self.all.insert(id.clone(), Version { content, stages: wanted, created_at: ctx.now });
        self.all.retain(|_, version| !version.stages.is_empty());
        Ok(id)
    }

    fn take_stage(&mut self, stage: &str) {
        for version in self.all.values_mut() {
            version.stages.remove(stage);
        }
    }

    /// The members of `GetSecretValue` that a version gives. No id and no stage means `AWSCURRENT`.
    pub fn get(&self, id: &str, stage: &str) -> Result<Value, ApiError> {
        let by_stage = if stage.is_empty() { CURRENT } else { stage };
        let missing = |what: &str| {
            ApiError::client(
                "ResourceNotFoundException",
                format!("Secrets Manager can't find the specified secret value for {what}"),
            )
        };
        let id = match id {
            "" => self.holder(by_stage).ok_or_else(|| missing(&format!("staging label: {by_stage}")))?.clone(),
            id => id.to_owned(),
        };
        let version = self.all.get(&id).ok_or_else(|| missing(&format!("VersionId: {id}")))?;
        if !stage.is_empty() && !version.stages.contains(stage) {
            return Err(ApiError::client(
                "InvalidRequestException",
                "You provided a VersionStage that is not associated to the provided VersionId.",
            ));
        }
        let (member, value) = match &version.content {
            Content::Text(text) => ("SecretString", text),
            Content::Binary(binary) => ("SecretBinary", binary),
        };
        Ok(json!({
            "VersionId": id,
            member: value,
            "VersionStages": version.stages,
            "CreatedDate": version.created_at.as_second(),
        }))
    }
}
