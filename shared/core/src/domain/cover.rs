//! Names that somebody's wildcard answers for, although no record stands at them.
//!
//! The first record at or below such a name takes the whole name from the wildcard (RFC 4592, section 2.2.2): a target leads
//! its visitors to a service that has no certificate yet, and a validation record alone makes the name an empty one, where
//! nothing answers at all. So the name is in conflict like one at which a record stands.
//!
//! | the topmost new name that the record would bring into the zone | answer |
//! |---|---|
//! | neither a name of the domain nor above one, such as the labels of a validation record: nobody visits it | free |
//! | no wildcard stands beside it (at `*` below the closest name that is there) | free |
//! | the wildcard is ours, leads to App Runner, or serves neither visitors nor mail | free |
//! | any other wildcard | covered |
//!
//! A name is there where a record stands at it or is known below it. One below which somebody else's record stands that
//! nobody read counts as covered: that is told too often rather than too seldom.

use super::wanted::hosts;
use super::{Association, Look, Observed};
use crate::dns::facts::ZoneRef;
use crate::dns::name::Name;
use crate::dns::plan::{Plan, Verdict};
use crate::dns::record::{RecordSet, RecordType};

/// The names that App Runner gives out.
const APP_RUNNER: &str = ".awsapprunner.com";

/// A wanted record that would take a name from a wildcard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Covered {
    /// The wanted record.
    pub record: RecordSet,
    pub zone: ZoneRef,
    /// The name that the wildcard answers for today.
    pub at: Name,
    pub by: Vec<RecordSet>,
}

/// A name that a record would bring into the zone, and the wildcard beside it.
struct New {
    at: Name,
    wildcard: Name,
}

/// All covered records of a plan; what cannot be read is said in words.
pub(super) fn of(
    seen: &Observed,
    association: &Association,
    plan: &Plan,
) -> Result<Result<Vec<Covered>, String>, Look> {
    let hosts: Vec<Name> = hosts(seen, association).iter().map(Name::base).collect();
    let visited = |new: &New| hosts.iter().any(|host| host.is_at_or_below(&new.at));
    let mut found = Vec::new();
    for (wanted, verdict) in &plan.wanted {
        let Verdict::Create { zone } = verdict else { continue };
        match new_in(seen, plan, zone, &wanted.record.name)? {
            Ok(Some(new)) if visited(&new) => found.push((&wanted.record, zone, new)),
            Ok(_) => {}
            Err(why) => return Ok(Err(why)),
        }
    }
    let mut covered = Vec::new();
    for (record, zone, new) in &found {
        let together = found.iter().filter(|(_, other, _)| other.id == zone.id);
        let together: Vec<Name> = together.map(|(.., new)| new.wildcard.clone()).collect();
        let standing = match seen.dns.standing(zone, &new.wildcard, &together)? {
            Ok(standing) => standing,
            Err(why) => return Ok(Err(format!("the records of zone {} cannot be read ({why})", zone.id))),
        };
        let by: Vec<RecordSet> = standing.iter().filter(|set| is_somebodys(seen, zone, set)).cloned().collect();
        if !by.is_empty() {
            let (record, zone, at) = ((*record).clone(), (*zone).clone(), new.at.clone());
            covered.push(Covered { record, zone, at, by });
        }
    }
    Ok(Ok(covered))
}

/// The topmost name that the record would bring into the zone, where a wildcard may answer for it.
fn new_in(seen: &Observed, plan: &Plan, zone: &ZoneRef, record: &Name) -> Result<Result<Option<New>, String>, Look> {
    let mut new = None;
    let mut closest = zone.name.clone();
    for at in record.climb().take_while(|at| *at != zone.name) {
        match is_there(seen, plan, zone, &at)? {
            Ok(true) => {
                closest = at;
                break;
            }
            Ok(false) => new = Some(at),
            Err(why) => return Ok(Err(why)),
        }
    }
    Ok(Ok(new.and_then(|at| Some(New { at, wildcard: closest.below("*").ok()? }))))
}

fn is_there(seen: &Observed, plan: &Plan, zone: &ZoneRef, at: &Name) -> Result<Result<bool, String>, Look> {
    let below = |other: &ZoneRef, name: &Name| other.id == zone.id && name.is_at_or_below(at);
    let ours = seen.memory.owned.iter().any(|owned| below(&owned.zone, &owned.record.name));
    let stands = plan.wanted.iter().any(|(wanted, verdict)| match verdict {
        Verdict::Standing { zone } | Verdict::Found { zone, .. } => below(zone, &wanted.record.name),
        _ => false,
    });
    if ours || stands {
        return Ok(Ok(true));
    }
    Ok(match seen.dns.standing(zone, at, std::slice::from_ref(at))? {
        Ok(sets) => Ok(!sets.is_empty()),
        Err(why) => Err(format!("the records of zone {} cannot be read ({why})", zone.id)),
    })
}

fn is_somebodys(seen: &Observed, zone: &ZoneRef, set: &RecordSet) -> bool {
    let serves = matches!(set.kind, RecordType::A | RecordType::Aaaa | RecordType::Cname | RecordType::Mx);
    let ours = seen.memory.owned.iter().any(|owned| owned.zone.id == zone.id && owned.record == *set);
    let app_runners = set.target().is_some_and(|target| target.as_str().ends_with(APP_RUNNER));
    serves && !ours && !app_runners
}
