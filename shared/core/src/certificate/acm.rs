//! The account's own ACM certificates: what would stop their renewal, and what to do about it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::autonomy::{Autonomy, Tags};
use crate::dns::facts::{DnsFacts, DnsLook};
use crate::dns::name::Name;
use crate::dns::plan::{Batch, Owned};
use crate::fact::Fact;
use crate::memory::Pause;
use crate::notice::Notice;
use crate::receipt::Receipt;
use crate::step::Then;

/// Where a certificate comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    AmazonIssued,
    Imported,
    Private,
    Unknown(String),
}

/// `CertificateStatus`, as the API writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    PendingValidation,
    Issued,
    Inactive,
    Expired,
    ValidationTimedOut,
    Revoked,
    Failed,
    Unknown(String),
}

/// How one name is proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    pub domain: Name,
    /// `DNS`, `EMAIL`, `HTTP`.
    pub method: String,
    /// The CNAME, for a proof by DNS.
    pub record: Option<(Name, Name)>,
    /// `PENDING_VALIDATION`, `SUCCESS`, `FAILED`.
    pub status: String,
}

/// One certificate of the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    pub arn: String,
    pub domain: String,
    pub kind: Kind,
    pub status: Status,
    pub not_after: Option<Timestamp>,
    pub in_use: bool,
    pub exported: bool,
    /// `ELIGIBLE` or not.
    pub renewable: bool,
    /// `RenewalSummary`: status and reason.
    pub renewal: Option<(String, Option<String>)>,
    pub failure: Option<String>,
    pub proofs: Vec<Proof>,
}

/// One outside change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    ChangeRecords(Batch),
    /// `RenewCertificate`: private certificates that were exported, and no others.
    Renew,
}

/// An outside change that is about to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    pub id: String,
    pub at: Timestamp,
    pub holder: String,
    pub act: Act,
}

/// What is remembered of one certificate: one row under `CERT#<arn>`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AcmMemory {
    pub version: u64,
    pub owned: Vec<Owned>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intent: Option<Intent>,
    /// What was told, by topic.
    pub told: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_after: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paged_days: Option<i64>,
}

/// A read that the decision needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// `ListTagsForCertificate`.
    Tags,
    Dns(DnsLook),
}

impl From<DnsLook> for Look {
    fn from(look: DnsLook) -> Self {
        Self::Dns(look)
    }
}

/// Everything a decision about one certificate knows.
#[derive(Clone, Debug)]
pub struct Observed {
    pub me: String,
    pub cause: String,
    pub now: Timestamp,
    pub memory: AcmMemory,
    pub pause: Option<Pause>,
    /// `None`: ACM does not have it any more.
    pub certificate: Option<Certificate>,
    pub arn: String,
    pub tags: Fact<Tags>,
    pub dns: DnsFacts,
}

/// Changes of memory, told and receipted in one transaction.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    pub memory: Option<AcmMemory>,
    pub notices: Vec<Notice>,
    pub receipt: Option<Receipt>,
    pub then: Then,
}

/// What to do next about one certificate.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    Look(Look),
    Hold { reason: &'static str },
    Record(Box<Record>),
    Call(Box<Intent>),
}

/// What came of the call: see [`crate::domain::CallAnswer`].
pub use crate::domain::CallAnswer;

/// Decides the next step about one certificate.
pub fn decide(_seen: &Observed, _autonomy: Autonomy) -> Decision {
    Decision::Hold { reason: "nothing_due" }
}

/// The record of the answer to the one call of an intent.
pub fn after_call(_seen: &Observed, _intent: &Intent, _answer: &CallAnswer) -> Decision {
    Decision::Hold { reason: "nothing_due" }
}
