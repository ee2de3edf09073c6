//! What is remembered of one custom domain: one row of the table, under one fence.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Act, DomainStatus};
use crate::certificate::CertificateMemory;
use crate::dns::facts::ZoneRef;
use crate::dns::name::Name;
use crate::dns::plan::Owned;
use crate::id::ServiceArn;
use crate::short_hash::short_hash;

/// The association, as it was last seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    pub service: ServiceArn,
    pub www: bool,
    pub status: DomainStatus,
    /// When this status was first seen.
    pub since: Timestamp,
    /// When the association was first seen.
    pub first_seen: Timestamp,
}

/// An outside change that is about to be made, written before it is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// The receipt's id under which it was written.
    pub id: String,
    pub at: Timestamp,
    /// The invocation that may make the call; empty once its answer was lost.
    pub holder: String,
    pub act: Act,
}

/// A change that Route 53 has taken and not yet brought to all its servers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingChange {
    pub zone: ZoneRef,
    /// Without the prefix `/change/`.
    pub id: String,
    pub at: Timestamp,
}

/// Linking the domain again, which takes its certificate from the service for some minutes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relink {
    pub since: Timestamp,
    pub service: ServiceArn,
    pub www: bool,
    /// Why, in one sentence.
    pub reason: String,
    pub stage: RelinkStage,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RelinkStage {
    /// Disassociated, or about to be; App Runner still shows the domain.
    Unlinking,
    /// Gone from App Runner; it is to be associated again.
    Linking,
}

/// A spell in which something that a decision needs cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blindness {
    pub since: Timestamp,
    /// The function that makes handshakes was blind too. It reads more than the other one, so only it can say that it sees.
    pub with_handshakes: bool,
}

/// How often a record of a finished domain was put back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repair {
    pub record: Name,
    /// The first of these times.
    pub since: Timestamp,
    pub times: u32,
}

/// Everything that is remembered of one custom domain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DomainMemory {
    /// The fence: 0 where the domain was never written.
    pub version: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<Link>,
    /// The records that we made.
    pub owned: Vec<Owned>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intent: Option<Intent>,
    /// Changes that are not everywhere yet.
    pub changes: Vec<PendingChange>,
    /// Since when App Runner has not shown the domain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gone_since: Option<Timestamp>,
    /// What was told, by topic: the same thing is told once, and again when it changes.
    pub told: BTreeMap<String, String>,
    /// When everything stood and App Runner said `active`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<CertificateMemory>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relink: Option<Relink>,
    /// When App Runner last took our disassociation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relinked_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blind: Option<Blindness>,
    /// When blindness was last told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blind_told: Option<Timestamp>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub repairs: Vec<Repair>,
}

impl DomainMemory {
    /// The identity of the present link of this domain, as notices and receipts bear it.
    pub fn link_id(&self, name: &Name) -> String {
        let since = self.link.as_ref().map(|link| link.first_seen.to_string()).unwrap_or_default();
        format!("D-{}", short_hash([name.as_str(), &since]))
    }
}
