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
//! An apex cannot carry a CNAME: a wanted CNAME there is refused. Types other than A and CNAME, and sets under a routing
//! policy, are neither written nor removed, whoever wants or owns them.
//!
//! An owned record is still wanted where a wanted one of its name goes to its zone, where it is not known which zone that one
//! goes to, and where it proves what another wanted record proves in another zone: a proof is never removed while one is
//! needed. Of two wanted records that cannot stand together the first one counts, and the second is in conflict with it.

mod batches;
mod landed;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

pub use batches::CHANGES_MAX;
pub use landed::Landed;

use serde::{Deserialize, Serialize};

use super::facts::{DnsFacts, DnsLook, ZoneRef};
use super::name::Name;
use super::record::{Change, RecordSet, RecordType};
use super::zone::{self, Refusal};

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

/// Compares what is wanted and what we own with what stands.
///
/// # Errors
/// The read that is missing.
pub fn plan(wanted: &[Wanted], owned: &[Owned], facts: &DnsFacts) -> Result<Plan, DnsLook> {
    let names = names(wanted, owned);
    let mut plan = Plan::default();
    for one in wanted {
        let verdict = verdict(one, owned, &plan.wanted, &names, facts)?;
        plan.wanted.push((one.clone(), verdict));
    }
    for one in owned {
        if !still_wanted(one, &plan.wanted, facts) {
            plan.leftover.push((one.clone(), leftover(one, &names, facts)?));
        }
    }
    Ok(plan)
}

impl Verdict {
    /// The zone where the record stands or will stand, if nothing goes wrong.
    fn takes_name_in(&self) -> Option<&ZoneRef> {
        match self {
            Self::Standing { zone } | Self::Found { zone, .. } | Self::Create { zone } | Self::Replace { zone, .. } => {
                Some(zone)
            }
            Self::Conflict { .. } | Self::Refused(_) | Self::Apex { .. } => None,
        }
    }

    /// The zone that was chosen.
    pub fn zone(&self) -> Option<&ZoneRef> {
        match self {
            Self::Conflict { zone, .. } | Self::Apex { zone } => Some(zone),
            other => other.takes_name_in(),
        }
    }
}

/// Whether pitcrew ever writes such a set.
fn ours_to_write(record: &RecordSet) -> bool {
    matches!(record.kind, RecordType::A | RecordType::Cname) && record.policy.is_none()
}

fn verdict(
    wanted: &Wanted,
    owned: &[Owned],
    before: &[(Wanted, Verdict)],
    names: &[Name],
    facts: &DnsFacts,
) -> Result<Verdict, DnsLook> {
    let record = &wanted.record;
    if !ours_to_write(record) {
        let why = format!("pitcrew writes plain A and CNAME records only, not {}", record.words());
        return Ok(Verdict::Refused(Refusal::Blind(why)));
    }
    let chosen = match &wanted.place {
        Place::Public => zone::choose(&record.name, names, facts)?,
        Place::Private { vpc } => zone::choose_private(&record.name, vpc, names, facts)?,
    };
    let zone = match chosen {
        Ok(zone) => zone,
        Err(refusal) => return Ok(Verdict::Refused(refusal)),
    };
    if record.kind == RecordType::Cname && record.name == zone.name {
        return Ok(Verdict::Apex { zone });
    }
    let taken = before.iter().find(|(earlier, verdict)| {
        let same_place = verdict.takes_name_in().is_some_and(|other| other.id == zone.id);
        same_place && earlier.record.name == record.name && !earlier.record.serves_as(record)
    });
    if let Some((earlier, _)) = taken {
        return Ok(Verdict::Conflict { zone, standing: vec![earlier.record.clone()] });
    }
    let standing = match facts.standing(&zone, &record.name, &zone::read_together(&zone, names))? {
        Ok(standing) => standing,
        Err(why) => {
            let why = format!("the records of zone {} cannot be read ({why})", zone.id);
            return Ok(Verdict::Refused(Refusal::Blind(why)));
        }
    };
    Ok(compare(record, zone, owned, standing))
}

/// The table's rows for a record whose zone was chosen and read.
fn compare(record: &RecordSet, zone: ZoneRef, owned: &[Owned], standing: &[RecordSet]) -> Verdict {
    let in_the_way: Vec<&RecordSet> = standing.iter().filter(|other| keeps_out(other, record)).collect();
    let is_ours = |set: &RecordSet| {
        owned.iter().any(|owned| owned.zone.id == zone.id && owned.record == *set && ours_to_write(set))
    };
    match in_the_way[..] {
        [] => Verdict::Create { zone },
        [one] if one.serves_as(record) && is_ours(one) => Verdict::Standing { zone },
        [one] if one.serves_as(record) => Verdict::Found { zone, standing: one.clone() },
        [one] if is_ours(one) => Verdict::Replace { zone, owned: one.clone() },
        ref several => Verdict::Conflict { zone, standing: several.iter().map(|set| (*set).clone()).collect() },
    }
}

/// Whether a set at the same name would make Route 53 refuse the wanted one.
fn keeps_out(standing: &RecordSet, wanted: &RecordSet) -> bool {
    let cname = RecordType::Cname;
    standing.name == wanted.name && (standing.kind == wanted.kind || standing.kind == cname || wanted.kind == cname)
}

fn still_wanted(owned: &Owned, wanted: &[(Wanted, Verdict)], facts: &DnsFacts) -> bool {
    wanted.iter().any(|(wanted, verdict)| {
        let same_name = wanted.record.name == owned.record.name;
        let same_proof = owned.purpose == Purpose::Validation && wanted.purpose == Purpose::Validation;
        let might_go_there = match verdict.zone() {
            Some(zone) => zone.id == owned.zone.id,
            None => same_visibility(&wanted.place, &owned.zone, facts),
        };
        same_name && (might_go_there || (same_proof && wanted.record.serves_as(&owned.record)))
    })
}

/// Whether the zone is public as the place is, or private as it is; yes where nobody knows.
fn same_visibility(place: &Place, zone: &ZoneRef, facts: &DnsFacts) -> bool {
    let Ok(Ok(zones)) = facts.zones() else { return true };
    let listed = zones.all.iter().find(|listed| listed.at.id == zone.id);
    listed.is_none_or(|listed| listed.private == matches!(place, Place::Private { .. }))
}

fn leftover(owned: &Owned, names: &[Name], facts: &DnsFacts) -> Result<Leftover, DnsLook> {
    if !ours_to_write(&owned.record) {
        return Ok(Leftover::Forget);
    }
    let zone = &owned.zone;
    let zones = match facts.zones()? {
        Ok(zones) => zones,
        Err(why) => return Ok(Leftover::Blind(format!("the hosted zones cannot be listed ({why})"))),
    };
    match zones.all.iter().find(|listed| listed.at.id == zone.id) {
        Some(listed) if !listed.writable => {
            return Ok(Leftover::Blind(format!(
                "zone {} is not among those that pitcrew may write to any more",
                zone.id
            )));
        }
        Some(_) => {}
        // Our own account was listed to its end: the zone was deleted, and its records with it.
        None if zone.role.is_none() => return Ok(Leftover::Forget),
        None => return Ok(Leftover::Blind(format!("zone {} of another account is not listed any more", zone.id))),
    }
    Ok(match facts.standing(zone, &owned.record.name, &zone::read_together(zone, names))? {
        Ok(standing) if standing.contains(&owned.record) => Leftover::Remove,
        Ok(_) => Leftover::Forget,
        Err(why) => Leftover::Blind(format!("the records of zone {} cannot be read ({why})", zone.id)),
    })
}

/// The names that are read together with a name's own: all wanted and owned ones.
pub fn names(wanted: &[Wanted], owned: &[Owned]) -> Vec<Name> {
    let wanted = wanted.iter().map(|wanted| wanted.record.name.clone());
    let mut names: Vec<Name> = wanted.chain(owned.iter().map(|owned| owned.record.name.clone())).collect();
    names.sort();
    names.dedup();
    names
}
