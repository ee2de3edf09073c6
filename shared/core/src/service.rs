//! What App Runner says of a service and its operations, in our own types. The AWS port converts once; nothing re-checks inside.

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::id::{ImageRef, OperationId, ServiceArn};

/// `ServiceStatus` of the API, and whatever AWS may add to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ServiceStatus {
    CreateFailed,
    Running,
    Deleted,
    DeleteFailed,
    Paused,
    OperationInProgress,
    /// A status that this version does not know: nothing is ever done on the strength of it.
    Unknown(String),
}

impl ServiceStatus {
    /// The word as the API writes it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::CreateFailed => "CREATE_FAILED",
            Self::Running => "RUNNING",
            Self::Deleted => "DELETED",
            Self::DeleteFailed => "DELETE_FAILED",
            Self::Paused => "PAUSED",
            Self::OperationInProgress => "OPERATION_IN_PROGRESS",
            Self::Unknown(word) => word,
        }
    }
}

/// `OperationType` of the API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OperationKind {
    StartDeployment,
    CreateService,
    PauseService,
    ResumeService,
    DeleteService,
    UpdateService,
    Unknown(String),
}

impl OperationKind {
    /// Whether the operation can bring another release into service. A resume cannot: it does not pull again.
    pub fn deploys(&self) -> bool {
        matches!(self, Self::StartDeployment | Self::CreateService | Self::UpdateService)
    }

    /// How people name it.
    pub fn words(&self) -> &str {
        match self {
            Self::StartDeployment => "deployment",
            Self::CreateService => "service creation",
            Self::PauseService => "pause",
            Self::ResumeService => "resume",
            Self::DeleteService => "service deletion",
            Self::UpdateService => "service update",
            Self::Unknown(word) => word,
        }
    }
}

/// `OperationStatus` of the API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OperationStatus {
    Pending,
    InProgress,
    Failed,
    Succeeded,
    RollbackInProgress,
    RollbackFailed,
    RollbackSucceeded,
    Unknown(String),
}

impl OperationStatus {
    /// Whether the operation has come to its end. An unknown status has not: it is waited for, never acted upon.
    pub fn ended(&self) -> bool {
        match self {
            Self::Failed | Self::Succeeded | Self::RollbackFailed | Self::RollbackSucceeded => true,
            Self::Pending | Self::InProgress | Self::RollbackInProgress | Self::Unknown(_) => false,
        }
    }

    pub fn as_str(&self) -> &str {
        match self {
            Self::Pending => "PENDING",
            Self::InProgress => "IN_PROGRESS",
            Self::Failed => "FAILED",
            Self::Succeeded => "SUCCEEDED",
            Self::RollbackInProgress => "ROLLBACK_IN_PROGRESS",
            Self::RollbackFailed => "ROLLBACK_FAILED",
            Self::RollbackSucceeded => "ROLLBACK_SUCCEEDED",
            Self::Unknown(word) => word,
        }
    }
}

/// One entry of `ListOperations`. It names no actor and no configuration: the ledger remembers those.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    pub id: OperationId,
    pub kind: OperationKind,
    pub status: OperationStatus,
    pub started_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Timestamp>,
}

impl Operation {
    /// When it ended; where the API leaves that out, when it was last touched.
    pub fn end(&self) -> Timestamp {
        self.ended_at.or(self.updated_at).unwrap_or(self.started_at)
    }
}

/// Where a service's code comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    Image {
        image: ImageRef,
        /// `None` where the API leaves it out: then AWS's default holds (true for ECR of the same account).
        auto_deploy: Option<bool>,
    },
    Code {
        repository: String,
        branch: String,
        auto_deploy: Option<bool>,
    },
    /// Neither, or an image identifier that we cannot read: nothing is ever done to it.
    Unknown(String),
}

impl Source {
    pub fn image(&self) -> Option<&ImageRef> {
        match self {
            Self::Image { image, .. } => Some(image),
            Self::Code { .. } | Self::Unknown(_) => None,
        }
    }

    pub fn auto_deploy(&self) -> Option<bool> {
        match self {
            Self::Image { auto_deploy, .. } | Self::Code { auto_deploy, .. } => *auto_deploy,
            Self::Unknown(_) => None,
        }
    }
}

/// `DescribeService`, as far as decisions need it. Environment values are not in it: only their keyed hashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    pub arn: ServiceArn,
    pub status: ServiceStatus,
    pub source: Source,
    pub created_at: Timestamp,
    pub fingerprint: Fingerprint,
}

/// The key under which configuration values are hashed. It has no `Debug` and no `Display` on purpose.
#[derive(Clone)]
pub struct FingerprintKey(Vec<u8>);

impl FingerprintKey {
    pub fn new(secret: impl Into<Vec<u8>>) -> Self {
        Self(secret.into())
    }
}

/// Names of one fingerprint, and bytes of a name. The ledger keeps 20 fingerprints in one item of at most 400 KB, and App
/// Runner allows names of 51,200 characters: an item that grew over the limit would stop every record of its service.
const NAMES_MAX: usize = 100;
const NAME_BYTES_MAX: usize = 100;
/// What stands for the names beyond: whether one of them changed is still seen.
const OTHERS: &str = "(others)";

/// A service's configuration as names with keyed hashes: enough to say which name changed, never to what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint(BTreeMap<String, String>);

impl Fingerprint {
    /// Hashes each value (HMAC-SHA-256, the first 64 bits) under `key`. The name is part of what is hashed, so that equal
    /// values of two names do not show as equal.
    pub fn of<'a>(parts: impl IntoIterator<Item = (&'a str, &'a str)>, key: &FingerprintKey) -> Self {
        let hash = |name: &str, value: &str| {
            // HMAC takes a key of any length; the error of its constructor cannot occur.
            let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key.0) else { return String::new() };
            mac.update(name.as_bytes());
            mac.update(&[0]);
            mac.update(value.as_bytes());
            mac.finalize().into_bytes().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
        };
        let all: BTreeMap<&str, &str> = parts.into_iter().collect();
        let mut kept = BTreeMap::new();
        let mut rest = String::new();
        for (name, value) in all {
            if kept.len() < NAMES_MAX && name.len() <= NAME_BYTES_MAX {
                kept.insert(name.to_owned(), hash(name, value));
            } else {
                rest.push_str(&hash(name, value));
            }
        }
        if !rest.is_empty() {
            kept.insert(OTHERS.to_owned(), hash(OTHERS, &rest));
        }
        Self(kept)
    }

    /// The names that were added, removed or changed since `earlier`, sorted.
    pub fn changed_since(&self, earlier: &Self) -> Vec<String> {
        let names: std::collections::BTreeSet<&String> = self.0.keys().chain(earlier.0.keys()).collect();
        names.into_iter().filter(|name| self.0.get(*name) != earlier.0.get(*name)).cloned().collect()
    }

    /// Whether anything was recorded: an empty one knows nothing and compares with nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_names_what_changed_and_never_shows_a_value() {
        let key = FingerprintKey::new("k");
        let before = Fingerprint::of([("env:A", "1"), ("env:B", "hunter2"), ("port", "8080")], &key);
        let after = Fingerprint::of([("env:A", "1"), ("env:B", "hunter3"), ("env:C", "x"), ("port", "8080")], &key);
        assert_eq!(after.changed_since(&before), ["env:B", "env:C"]);
        assert!(!serde_json::to_string(&after).unwrap().contains("hunter"));
    }

    #[test]
    fn the_same_value_under_two_names_or_two_keys_has_two_hashes() {
        let one = Fingerprint::of([("a", "v"), ("b", "v")], &FingerprintKey::new("k"));
        assert_ne!(one.0["a"], one.0["b"]);
        assert_ne!(one, Fingerprint::of([("a", "v"), ("b", "v")], &FingerprintKey::new("l")));
    }

    #[test]
    fn a_fingerprint_has_a_bound_and_sees_what_changes_beyond_it() {
        let key = FingerprintKey::new("k");
        let of = |last: &str| {
            let mut parts: Vec<(String, String)> = (0..500).map(|n| (format!("env:{n:03}"), "v".to_owned())).collect();
            parts.push((format!("env:{}", "x".repeat(51_200)), last.to_owned()));
            Fingerprint::of(parts.iter().map(|(name, value)| (name.as_str(), value.as_str())), &key)
        };
        let one = of("1");
        assert!(serde_json::to_string(&one).unwrap().len() < 15_000, "20 of them fit into an item of 400 KB");
        assert_eq!(of("2").changed_since(&one), ["(others)"]);
        assert_eq!(of("1"), one);
    }

    #[test]
    fn an_unknown_status_never_counts_as_ended() {
        assert!(!OperationStatus::Unknown("EXPLODED".into()).ended());
    }
}
