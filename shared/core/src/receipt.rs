//! The receipt of one decision: what was seen, what was decided, by which rule. `pitcrew explain` prints it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::{OperationId, ServiceArn};

/// The rules by which decisions are made, by the rows of the table in [`crate::rollback`] and of those named below. Stable: receipts keep them.
pub mod rule {
    pub const SEEDED: &str = "seeded";
    pub const CANDIDATE: &str = "candidate";
    pub const STUCK: &str = "stuck";
    pub const RELEASED: &str = "released";
    pub const ROUTINE: &str = "routine";
    pub const REVERTED: &str = "reverted-by-app-runner";
    pub const FAILED_SAME: &str = "failed-configuration-as-before";
    pub const FAILED_DRIFTED: &str = "failed-configuration-drifted";
    pub const ROLLBACK_FAILED: &str = "rollback-failed";
    pub const OPERATION_FAILED: &str = "operation-failed";
    pub const BAD_RELEASE: &str = "alarm-in-bake-window";
    pub const SAME_DIGEST: &str = "same-digest-configuration-suspect";
    pub const NOTHING_GOOD: &str = "nothing-good-known";
    pub const WITHHELD: &str = "withheld";
    pub const INTENT: &str = "intent";
    pub const CALLED: &str = "called";
    pub const BUSY: &str = "busy";
    pub const ADOPTED: &str = "adopted";
    pub const OURS_SUCCEEDED: &str = "ours-succeeded";
    pub const OURS_FAILED: &str = "ours-failed";
    pub const STOOD_DOWN: &str = "stood-down";
    pub const BAKED: &str = "baked";
    pub const ALARM: &str = "alarm-outside-bake-window";
    pub const STATUS: &str = "status-without-operation";
    pub const PIN: &str = "pin";
    pub const DELETED: &str = "deleted";
    pub const OPERATOR: &str = "operator";
    pub const OLDER: &str = "older-operation";
    // Custom domains: the rows of the table in [`crate::domain`].
    pub const DOMAIN_BLOCKED: &str = "domain-blocked";
    pub const DOMAIN_GOES_ON: &str = "domain-goes-on";
    pub const DOMAIN_FINISHED: &str = "domain-finished";
    pub const DOMAIN_STUCK: &str = "domain-stuck";
    pub const DOMAIN_GONE: &str = "domain-gone";
    pub const RECORDS_INTENT: &str = "records-intent";
    pub const RECORDS_IN_SYNC: &str = "records-in-sync";
    pub const RECORDS_NOT_OURS: &str = "records-not-ours-any-more";
    pub const RECORDS_ADOPTED: &str = "records-adopted";
    pub const INTENT_SETTLED: &str = "intent-settled";
    pub const INTENT_DROPPED: &str = "intent-dropped";
    pub const RELINK: &str = "relink";
    pub const CERTIFICATE: &str = "certificate";
    // Certificates of the account: the rows of the table in [`crate::certificate::acm`].
    pub const CERTIFICATE_SEEN: &str = "certificate-seen";
    pub const CERTIFICATE_GONE: &str = "certificate-gone";
    pub const CERTIFICATE_TOLD: &str = "certificate-told";
    pub const CERTIFICATE_INTENT: &str = "certificate-intent";
    pub const CERTIFICATE_DROPPED: &str = "certificate-intent-dropped";
    pub const CERTIFICATE_SETTLED: &str = "certificate-intent-settled";
}

/// One decision, as it was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    pub id: String,
    /// The fence under which it was written: the order of a service's receipts, whose times are whole seconds.
    #[serde(default)]
    pub fence: u64,
    pub at: Timestamp,
    /// The service that it is about; none where it is about a certificate of the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceArn>,
    /// The custom domain, or the ARN of the ACM certificate, that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<OperationId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<String>,
    /// What woke us: an event's id and type, the sweep, or the operator.
    pub cause: String,
    /// What was seen: name and value, in reading order.
    pub saw: Vec<(String, String)>,
    /// The rule that decided.
    pub rule: String,
    /// What was decided, in one sentence.
    pub decision: String,
    /// The outside change that was made, and its answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub did: Option<String>,
}
