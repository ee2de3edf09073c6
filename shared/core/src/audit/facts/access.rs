//! Roles and their policies.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A policy document, as IAM holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyDocument {
    /// The name of an inline policy, or the ARN of a managed one.
    pub name: String,
    pub document: Value,
}

/// A role, with every policy that grants it something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleFacts {
    pub arn: String,
    /// Who may assume it.
    pub trust: Value,
    pub policies: Vec<PolicyDocument>,
    /// The ARN of its permissions boundary. Its document is not read: what it takes away is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boundary: Option<String>,
}
