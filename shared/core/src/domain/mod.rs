//! Custom domains: what is missing for one to become and stay active, and what to do about it. One pure function,
//! [`decide`], and its table.

mod answer;
mod draft;
mod follow;
mod memory;
mod observed;
mod operator;
mod permit;
pub mod preview;
mod put;
mod relink;
mod remove;
mod settle;
mod tell;
mod trouble;
mod wanted;
mod watch;
pub mod zone_ids;

#[cfg(test)]
mod tests;

pub use crate::step::Then;
pub use memory::{DomainMemory, Intent, Link, PendingChange, Relink, RelinkStage};
pub use observed::{
    Association, DomainStatus, Look, Observed, Request, ServiceFacts, Settings, Trigger, Validation, ValidationRecord,
    VpcTarget,
};
pub use preview::{Owner, Preview, PreviewRecord, preview};

use serde::{Deserialize, Serialize};

use crate::dns::plan::Batch;
use crate::notice::Notice;
use crate::receipt::Receipt;

/// One outside change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// `ChangeResourceRecordSets`, one batch.
    ChangeRecords(Batch),
    /// `DisassociateCustomDomain`, as the first half of linking again.
    Disassociate,
    /// `AssociateCustomDomain`, as the second half.
    Associate { www: bool },
}

/// Why nothing is done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// Active, and everything stands.
    Settled,
    /// App Runner is at work (creating, validating, binding, deleting).
    AppRunnerAtWork,
    /// A change is not everywhere yet, or the DNS does not show it yet.
    DnsAtWork,
    /// An intent of another invocation is not settled yet.
    IntentPending,
    /// A proposal waits for a person.
    Proposed,
    /// Something is in the way that only a person can settle.
    Blocked,
    /// A fact that the decision needs could not be read.
    Blind,
    /// Switched off for this service.
    Off,
    /// Nothing is left of the domain.
    Gone,
    /// The invocation has no time left for a further step; said by the engine, not by a decision.
    OutOfTime,
}

impl Hold {
    /// The name in metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Settled => "settled",
            Self::AppRunnerAtWork => "app_runner_at_work",
            Self::DnsAtWork => "dns_at_work",
            Self::IntentPending => "intent_pending",
            Self::Proposed => "proposed",
            Self::Blocked => "blocked",
            Self::Blind => "blind",
            Self::Off => "off",
            Self::Gone => "gone",
            Self::OutOfTime => "out_of_time",
        }
    }
}

/// Changes of memory, told and receipted in one transaction.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// `None`: nothing is left to remember; the row goes.
    pub memory: Option<DomainMemory>,
    pub notices: Vec<Notice>,
    /// `None` where only a timestamp moved: a status that was seen first, a probe that found the same certificate.
    pub receipt: Option<Receipt>,
    pub then: Then,
}

/// What to do next about one custom domain.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// Read this, then decide again.
    Look(Look),
    /// Nothing, and why; look again after so many seconds where a number is given.
    Hold { reason: Hold, wake_after_secs: Option<u32> },
    /// Write this, then go on as it says.
    Record(Box<Record>),
    /// Make the one call of the intent that was just written, now. Its answer goes to [`after_call`].
    Call(Box<Intent>),
}

/// What came of the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallAnswer {
    /// Route 53 took the batch.
    Changed { change: String },
    /// App Runner took the call.
    Taken,
    /// Throttled, another change is running, the service is busy, or it was never sent: nothing was done.
    NotMade(String),
    /// Nobody knows whether it arrived.
    Lost(String),
    /// It stays wrong: a conflict that appeared meanwhile, denied, gone.
    Refused { code: String, message: String },
}

/// Decides the next step about one custom domain. The same observation always gives the same decision.
pub fn decide(seen: &Observed, settings: &Settings) -> Decision {
    let decision = match &seen.memory.intent {
        Some(intent) => settle::intent(seen, settings, intent),
        None => rows(seen, settings),
    };
    decision.unwrap_or_else(Decision::Look)
}

/// The record of the answer to the one call of an intent.
pub fn after_call(seen: &Observed, _settings: &Settings, intent: &Intent, answer: &CallAnswer) -> Decision {
    answer::after_call(seen, intent, answer)
}

/// The rows below those of intents.
fn rows(seen: &Observed, settings: &Settings) -> Result<Decision, Look> {
    let relink = seen.memory.relink.as_ref();
    let Some(association) = &seen.association else {
        if let Some(relink) = relink {
            return relink::go_on(seen, settings, relink);
        }
        return permit::unless_off(remove::gone(seen, settings)?, seen, settings, permit::DOMAINS);
    };
    if let Some(decision) = follow::sight(seen, association) {
        return Ok(decision);
    }
    if let Some(relink) = relink {
        return relink::go_on(seen, settings, relink);
    }
    if let Some(decision) = operator::request(seen, settings, association)? {
        return Ok(decision);
    }
    let decision = permit::unless_off(linked(seen, settings, association)?, seen, settings, permit::DOMAINS)?;
    // The certificate is looked at once the records have come to rest, whatever they rest on.
    match decision {
        Decision::Hold { .. } => Ok(watch::certificate(seen, settings, association)?.unwrap_or(decision)),
        Decision::Look(_) | Decision::Record(_) | Decision::Call(_) => Ok(decision),
    }
}

/// The rows of an association.
fn linked(seen: &Observed, settings: &Settings, association: &Association) -> Result<Decision, Look> {
    match association.status {
        DomainStatus::Deleting => return Ok(permit::hold(Hold::AppRunnerAtWork, Some(60))),
        DomainStatus::CreateFailed | DomainStatus::DeleteFailed | DomainStatus::Unknown(_) => {
            let caa = match association.status {
                DomainStatus::CreateFailed => put::Caa::of(seen, association)?,
                _ => put::Caa::default(),
            };
            let decision = follow::failed(seen, association, &caa);
            return Ok(decision.unwrap_or(permit::hold(Hold::Blocked, None)));
        }
        DomainStatus::Creating | DomainStatus::PendingCertificateDnsValidation
            if association.records.is_empty() && association.unreadable.is_empty() =>
        {
            return Ok(follow::no_records_yet(seen));
        }
        DomainStatus::Creating
        | DomainStatus::PendingCertificateDnsValidation
        | DomainStatus::BindingCertificate
        | DomainStatus::Active => {}
    }
    let case = put::Case::of(seen, settings, association)?;
    if let Some(decision) = put::step(seen, settings, association, &case)? {
        return Ok(decision);
    }
    if let Some(decision) = follow::changes(seen)? {
        return Ok(decision);
    }
    follow::waiting(seen, association, &case)
}
