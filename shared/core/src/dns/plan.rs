//! From wanted records to the changes that may be made.
//!
//! For each wanted record, in the zone where it belongs:
//!
//! | what stands at the name | what we own there | verdict |
//! |---|---|---|
//! | the wanted record | it | [`Verdict::Standing`] |
//! | the wanted record | nothing | [`Verdict::Found`]: it counts as done, and is not ours |
//! | nothing of its type, and nothing that keeps it out | anything or nothing | [`Verdict::Create`] |
//! | exactly the set that we own, which says something else than wanted | it | [`Verdict::Replace`]: delete that set and create the wanted one in one batch |
//! | anything else of its type, or that keeps it out (a CNAME beside anything, anything beside a CNAME) | whatever | [`Verdict::Conflict`]: never touched |
//! | the zone cannot be chosen or read | | [`Verdict::Refused`] |
//!
//! And for each owned record that is wanted no more:
//!
//! | what stands at the name | verdict |
//! |---|---|
//! | exactly the set that we own | [`Leftover::Remove`] |
//! | nothing, or something else | [`Leftover::Forget`]: it is not ours any more |
//! | the zone cannot be read | [`Leftover::Blind`] |
//!
//! An apex cannot carry a CNAME: a wanted CNAME there is refused. Types other than A and CNAME are never wanted.

use serde::{Deserialize, Serialize};

use super::facts::{DnsFacts, DnsLook, ZoneRef};
use super::name::Name;
use super::record::{Change, RecordSet};
use super::zone::Refusal;

/// What a record is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Proves to ACM that the name is ours; must stay for renewal.
    Validation,
    /// Leads visitors to the service.
    Target,
}

/// Where a record is to stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    Public,
    /// In the private zone of this VPC.
    Private {
        vpc: String,
    },
}

/// A record that should stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub purpose: Purpose,
    pub place: Place,
    pub record: RecordSet,
}

/// A record that we made, or took over with `pitcrew domains adopt`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owned {
    pub zone: ZoneRef,
    pub purpose: Purpose,
    pub record: RecordSet,
}

/// What becomes of a wanted record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Standing {
        zone: ZoneRef,
    },
    Found {
        zone: ZoneRef,
        standing: RecordSet,
    },
    Create {
        zone: ZoneRef,
    },
    Replace {
        zone: ZoneRef,
        owned: RecordSet,
    },
    Conflict {
        zone: ZoneRef,
        standing: Vec<RecordSet>,
    },
    Refused(Refusal),
    /// A CNAME is wanted at the top of the zone, where none can stand.
    Apex {
        zone: ZoneRef,
    },
}

/// What becomes of an owned record that is wanted no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leftover {
    Remove,
    Forget,
    Blind(String),
}

/// The answer for all records. Same order as the input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    pub wanted: Vec<(Wanted, Verdict)>,
    pub leftover: Vec<(Owned, Leftover)>,
}

/// The changes of one batch: one zone, all or nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    pub zone: ZoneRef,
    pub changes: Vec<Change>,
}

impl Plan {
    /// Whether every wanted record stands, ours or not.
    pub fn stands(&self) -> bool {
        self.wanted.iter().all(|(_, verdict)| matches!(verdict, Verdict::Standing { .. } | Verdict::Found { .. }))
    }

    /// What may be written, one batch a zone, validation before targets, creations and replacements only.
    pub fn writes(&self) -> Vec<Batch> {
        Vec::new()
    }

    /// What may be removed, one batch a zone: targets while there are any, validation only when no target is left.
    pub fn removals(&self) -> Vec<Batch> {
        Vec::new()
    }
}

/// Compares what is wanted and what we own with what stands.
///
/// # Errors
/// The read that is missing.
pub fn plan(_wanted: &[Wanted], _owned: &[Owned], _facts: &DnsFacts) -> Result<Plan, DnsLook> {
    Ok(Plan::default())
}

/// The names that are read together with a name's own: all wanted and owned ones.
pub fn names(wanted: &[Wanted], owned: &[Owned]) -> Vec<Name> {
    let wanted = wanted.iter().map(|wanted| wanted.record.name.clone());
    let mut names: Vec<Name> = wanted.chain(owned.iter().map(|owned| owned.record.name.clone())).collect();
    names.sort();
    names.dedup();
    names
}
