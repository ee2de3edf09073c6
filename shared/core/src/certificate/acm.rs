//! The account's own ACM certificates: what would stop their renewal, and what to do about it.
//!
//! The rows are looked at in this order; everything that is to be told is told once, and again when it changes.
//!
//! | seen | decision |
//! |---|---|
//! | an intent is written | followed to its end: see the table in `intent` |
//! | ACM does not have the certificate | forget it; a CNAME that we made for it is told, and left |
//! | a later end than the remembered one | renewed: told, its pages are forgotten |
//! | `EXPIRED`, `VALIDATION_TIMED_OUT`, `REVOKED`, `FAILED` | told (the reason too); critical where it is in use |
//! | an imported one at 45, 30, 14, 7, 1 days; another in use at 30, 14, 7, 1 | paged once each |
//! | proven by e-mail | told: nobody but a person can renew it |
//! | its renewal `FAILED`, or waits with a reason | told and explained |
//! | issued by Amazon, neither in use nor exported | told: ACM does not renew it |
//! | it waits for proof, or is in use, and a CNAME is missing, in conflict, or not ours to write | see the table in `proofs` |
//! | ... and it was never issued | told with the one command, whatever the autonomy: who asked for it shall prove it |
//! | ... and may be written | autonomy `act`: intent, then the one call; else a proposal with the one command |
//! | private, exported, eligible, within 60 days of its end | `RenewCertificate`, under the same autonomy |
//! | a status that this version does not know | nothing |
//!
//! Nothing is ever deleted here: not a certificate, and not a record, ours or not.

mod draft;
mod intent;
mod permit;
mod proofs;
mod tell;
#[cfg(test)]
mod tests;
mod watch;

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
use crate::receipt::{Receipt, rule};
use crate::step::Then;
use draft::Draft;
use permit::Permit;
use tell::Topic;

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

impl Status {
    pub fn as_str(&self) -> &str {
        match self {
            Self::PendingValidation => "PENDING_VALIDATION",
            Self::Issued => "ISSUED",
            Self::Inactive => "INACTIVE",
            Self::Expired => "EXPIRED",
            Self::ValidationTimedOut => "VALIDATION_TIMED_OUT",
            Self::Revoked => "REVOKED",
            Self::Failed => "FAILED",
            Self::Unknown(word) => word,
        }
    }
}

impl Observed {
    /// Forgets what may have moved between an intent and its call.
    pub fn forget_live(&mut self) {
        self.dns.forget_live();
        self.tags = Fact::Unread;
    }
}

/// Decides the next step about one certificate. The same observation always gives the same decision.
pub fn decide(seen: &Observed, autonomy: Autonomy) -> Decision {
    let decision = match &seen.memory.intent {
        Some(intent) => intent::follow(seen, autonomy, intent),
        None => rows(seen, autonomy),
    };
    decision.unwrap_or_else(Decision::Look)
}

/// The record of the answer to the one call of an intent.
pub fn after_call(seen: &Observed, intent: &Intent, answer: &CallAnswer) -> Decision {
    intent::after_call(seen, intent, answer)
}

/// Why a first proof is left to a person.
const NEVER_ISSUED: &str = "the certificate was never issued, and with its proof whoever asked for it gets it: that is for the owner of the name to allow";

/// Whether a write would be the first proof of a certificate. Its key is exportable, and asking for one takes no right in the
/// DNS: only what was proven once is put back. ACM keeps a certificate that it renews at `ISSUED`.
fn is_first(certificate: &Certificate, act: &Act) -> bool {
    certificate.status == Status::PendingValidation && matches!(act, Act::ChangeRecords(_))
}

/// The rows behind the intent's.
fn rows(seen: &Observed, autonomy: Autonomy) -> Result<Decision, Look> {
    let Some(certificate) = &seen.certificate else { return gone(seen, autonomy) };
    if matches!(certificate.status, Status::Unknown(_)) {
        return Ok(Decision::Hold { reason: "unknown_status" });
    }
    if let Some(decision) = watch::sight(seen, certificate) {
        return unless_off(decision, seen, autonomy);
    }
    let case = proofs::case(seen, certificate)?;
    let blind = case.blind.is_some();
    let acts: Vec<Act> =
        case.writes.into_iter().map(Act::ChangeRecords).chain(watch::renewal_due(seen, certificate)).collect();
    let mut topics = watch::topics(seen, certificate);
    topics.extend(case.topics);
    if let Some(decision) = say(seen, certificate, topics, blind, !acts.is_empty()) {
        return unless_off(decision, seen, autonomy);
    }
    let Some(act) = acts.into_iter().find(|act| !intent::tried_lately(seen, act)) else {
        return Ok(Decision::Hold { reason: if blind { "blind" } else { "nothing_due" } });
    };
    Ok(match permit::permit(seen, autonomy)? {
        Permit::Off => Decision::Hold { reason: "off" },
        Permit::Blind => Decision::Hold { reason: "blind" },
        Permit::No { why, command } => propose(seen, certificate, &act, why, command),
        Permit::Yes if is_first(certificate, &act) => propose(seen, certificate, &act, NEVER_ISSUED, true),
        Permit::Yes => intend(seen, act),
    })
}

/// A certificate that ACM does not have any more.
fn gone(seen: &Observed, autonomy: Autonomy) -> Result<Decision, Look> {
    if seen.memory == AcmMemory::default() {
        return Ok(Decision::Hold { reason: "gone" });
    }
    let mut draft = Draft::new(seen, rule::CERTIFICATE_GONE);
    if !seen.memory.owned.is_empty() && !permit::is_off(seen, autonomy)? {
        draft.notices.push(tell::left_behind(seen));
    }
    Ok(draft.forget("the certificate was deleted: forgotten, and nothing removed"))
}

/// What was not told yet, or is over.
fn say(
    seen: &Observed,
    certificate: &Certificate,
    topics: Vec<Topic>,
    blind: bool,
    acts_due: bool,
) -> Option<Decision> {
    let mut draft = Draft::new(seen, rule::CERTIFICATE_TOLD);
    // What cannot be seen now may still be there.
    if !blind {
        let lasts = |name: &str| topics.iter().any(|topic| topic.name == name) || (name == tell::PROPOSAL && acts_due);
        draft.memory.told.retain(|name, _| lasts(name) || !tell::TOPICS.contains(&name.as_str()));
    }
    topics.into_iter().for_each(|topic| draft.tell_once(topic));
    if let Some((page, notice)) = watch::page(seen, certificate) {
        draft.memory.paged_days = Some(page);
        draft.notices.push(notice);
    }
    match (draft.changes(), draft.notices.is_empty()) {
        (false, _) => None,
        (true, true) => Some(draft.note(Then::Again)),
        (true, false) => Some(draft.record("told", Then::Again)),
    }
}

/// A proposal is told once.
fn propose(seen: &Observed, certificate: &Certificate, act: &Act, why: &str, command: bool) -> Decision {
    let mut draft = Draft::new(seen, rule::WITHHELD);
    draft.tell_once(tell::proposal(seen, certificate, act, why, command));
    match draft.changes() {
        true => draft.record("withheld: proposed to a person", Then::Stop { wake_after_secs: None }),
        false => Decision::Hold { reason: "proposed" },
    }
}

fn intend(seen: &Observed, act: Act) -> Decision {
    let mut draft = Draft::new(seen, rule::CERTIFICATE_INTENT);
    draft.memory.told.remove(tell::PROPOSAL);
    let words = tell::act_words(&act);
    draft.intend(act);
    draft.record(&words, Then::Reread)
}

/// A record that tells something is kept back where certificates are off: then nothing is told either.
fn unless_off(decision: Decision, seen: &Observed, autonomy: Autonomy) -> Result<Decision, Look> {
    let tells = matches!(&decision, Decision::Record(record) if !record.notices.is_empty());
    if tells && permit::is_off(seen, autonomy)? {
        return Ok(Decision::Hold { reason: "off" });
    }
    Ok(decision)
}
