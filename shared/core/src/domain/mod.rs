//! Custom domains: what is missing for one to become and stay active, and what to do about it. One pure function,
//! [`decide`], and its table. The first row that holds decides.
//!
//! | seen | decision | where |
//! |---|---|---|
//! | an intent of this invocation, at most 30 s old, and with all that was read again the same would be decided | call, once | [`settle`] |
//! | the same, and something else would be decided | drop the intent, decide again | [`settle`] |
//! | any other intent younger than 60 s (its answer may be lost) | hold, wake after 60 s | [`settle`] |
//! | an older one | settle by reading: a batch that stands whole is ours, of any other nothing arrived; associations as App Runner shows them | [`settle`] |
//! | not associated, and linking again is under way | associate again; where pause or hold stop that, told at once | [`relink`] |
//! | not associated here, but linked to another service by now; or never ours | hold | [`remove`] |
//! | not associated, first seen so | remember when, wake after 60 s: a stale list must remove nothing | [`remove`] |
//! | not associated for 60 s, nothing owned | forget the row | [`remove`] |
//! | not associated for 60 s, an owned record does not stand as we made it | it is not ours any more; told where something else stands | [`remove`] |
//! | not associated for 60 s, owned records | remove targets, wait until that is everywhere, then proofs that no other domain refers to; where stack and autonomy allow, else propose | [`remove`] |
//! | the association differs from what is remembered | remember it; one that begins again is a new link | [`follow`] |
//! | linking again is under way | on with it; paged after 2 h; ended where the service is gone, another one has the domain, or App Runner refuses for 24 h | [`relink`] |
//! | an operator's request | done by the same rows, or refused with a notice and a receipt | [`operator`] |
//! | `deleting`, `binding_certificate`, or no records, for too long | told once | [`follow`] |
//! | `deleting` | hold | here |
//! | `create_failed`, `delete_failed`, a status that is not known | explain, tell once | [`follow`] |
//! | no records listed yet | hold, wake after 5, 15 and 45 s, then the sweep | [`follow`] |
//! | a CAA set forbids, a zone is missing, ambiguous, not asked by the DNS, delegated or not ours to write, a conflict, an apex, a record that cannot be read | tell once; when it is gone, say that it goes on | [`trouble`] |
//! | a record is missing whose name somebody's wildcard answers for | told once; nothing at or below that name | [`cover`] |
//! | records are missing, and CAA forbids | write nothing | [`put`] |
//! | a finished domain has lost a record | validation records are put back, three times a day; a target that we made once, then proposed; any other target is proposed | [`repair`] |
//! | records are missing and may be created | intent, read again, call; one proposal where it is withheld; told as a repair where the domain was finished; a batch that was refused within the hour is passed over, and its proofs and targets are tried apart | [`put`] |
//! | a record of ours is to be replaced | the same, where the stack lets pitcrew take away and no other domain refers to it; else proposed | [`put`] |
//! | a change is `PENDING` | hold, wake after 15 s; given up after 30 min | [`follow`] |
//! | pending, and 72 h have passed since the link was first seen | propose linking again, once | [`follow`] |
//! | pending, and the DNS does not show a proof | hold; told after 30 min with what it shows instead | [`follow`] |
//! | pending or binding, and everything stands | hold, with wakes in the first 5 min | [`follow`] |
//! | active, everything stands, not finished before | finished: told, unless it was found so and nothing was made | [`follow`] |
//! | the rows above hold, the domain is active, and this function makes handshakes | the certificate's rows: pages, renewal, linking again | [`watch`] |
//! | everything else | hold | |
//! | whatever holds because something cannot be read, for 30 min | told once | [`blind`] |
//!
//! Wherever a row would tell or intend something, the service's tags are read first: where the capability is `off`, it holds
//! without a word (`pitcrew:certificates` for the certificate's rows, `pitcrew:domains` for the others). So a settled domain
//! costs no call for tags. What cannot be read is never taken for good news: the row holds, and tries again.
//!
//! What never comes out of here: two calls without a record between; a call while the account is paused or the service held;
//! the removal of a record while the domain is associated (other than its replacement); a change of a record that is not ours;
//! a disassociation while anything that the new link needs cannot be read, or on an older look at the certificate.

mod answer;
mod blind;
mod cause;
mod cover;
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
mod repair;
mod settle;
mod tell;
mod trouble;
mod wanted;
mod watch;
pub mod zone_ids;

#[cfg(test)]
mod tests;

pub use crate::step::Then;
pub use memory::{Blindness, DomainMemory, Intent, Link, PendingChange, Relink, RelinkStage, Repair};
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
    let decision = decision.and_then(|decision| blind::watched(seen, settings, decision));
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
        DomainStatus::Deleting => {
            let decision = follow::stays(seen, association);
            return Ok(decision.unwrap_or(permit::hold(Hold::AppRunnerAtWork, Some(60))));
        }
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
            return Ok(follow::stays(seen, association).unwrap_or_else(|| follow::no_records_yet(seen)));
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
