//! What is remembered of one service and of the account between two wakes: the rows of the table, as values.
//!
//! Every change of a service's memory carries the fence: the version that was read must still be there when it is written,
//! and is one higher afterwards. Two handlers of one service can therefore both look, but only one can record or act.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::breaker::Breaker;
use crate::id::{Digest, OperationId};
use crate::incident::Incident;
use crate::ledger::{Candidate, Ledger, Pin};
use crate::service::Operation;

/// How far the operations of a service were judged.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Cursor {
    pub started_at: Timestamp,
    pub operation: OperationId,
}

/// What was judged and what was told, so that nothing is told twice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// The newest operation that was judged; `None` before the service was first seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<Cursor>,
    /// The status that was told last because no operation explains it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The operation (or `maintenance`) that was paged as stuck.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stuck: Option<String>,
    /// Since when the service has been busy without an operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub busy_since: Option<Timestamp>,
    /// The digest of the last push that was told while the service is pinned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub push: Option<Digest>,
    /// By alarm: the transition into `ALARM` that was told or acted upon.
    #[serde(default)]
    pub alarms: BTreeMap<String, Timestamp>,
}

impl Judged {
    pub fn covers(&self, operation: &Operation) -> bool {
        let at = Cursor { started_at: operation.started_at, operation: operation.id.clone() };
        self.through.as_ref().is_some_and(|through| at <= *through)
    }

    /// Moves the cursor forward; it never goes back.
    pub fn advance(&mut self, operation: &Operation) {
        if !self.covers(operation) {
            self.through = Some(Cursor { started_at: operation.started_at, operation: operation.id.clone() });
        }
    }
}

/// Everything that is remembered of one service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// The fence: 0 where the service was never written.
    pub version: u64,
    pub ledger: Ledger,
    pub candidate: Option<Candidate>,
    /// The incident that is not closed; at most one.
    pub incident: Option<Incident>,
    pub pin: Option<Pin>,
    pub judged: Judged,
}

/// `pitcrew pause`: no writes until `pitcrew resume`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    pub since: Timestamp,
    pub by: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// What holds for the whole account and region.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountState {
    pub pause: Option<Pause>,
    pub breaker: Breaker,
}
