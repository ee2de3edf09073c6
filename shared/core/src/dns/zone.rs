//! Which hosted zone a record belongs to.
//!
//! | seen | answer |
//! |---|---|
//! | no public zone at or above the name | none: [`Refusal::NoZone`] |
//! | one or more; the deepest name counts, by whole labels | that zone |
//! | the DNS names other servers for the zone's name than Route 53 gave it | [`Refusal::NotAuthoritative`] |
//! | several public zones of the deepest name | the one whose servers the DNS names; none or several: [`Refusal::Ambiguous`] |
//! | the zone is not among those that pitcrew may write to | [`Refusal::NotWritable`]; its records are not read at all |
//! | NS records between the zone's top and the name (the name included) | [`Refusal::DelegatedAway`] |
//! | the DNS does not answer, or an account cannot be listed and no zone was found elsewhere | [`Refusal::Blind`] |
//!
//! A deeper zone may hide in an account that cannot be listed while a shallower one is found here. The shallower one is used
//! all the same: had the DNS been told of the deeper one, NS records in the shallower one would say so.
//!
//! A private record goes to the deepest private zone that its VPC sees ([`choose_private`]). No server of the DNS answers for
//! such a zone, so there is nothing to compare it with; the other rows hold.

use std::collections::BTreeSet;

use super::facts::{Answer, DnsFacts, DnsLook, Zone, ZoneRef, Zones};
use super::name::Name;
use super::record::{Data, RecordType};

/// Why no zone is written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    NoZone,
    /// The zones' ids; `live` is what the DNS says.
    Ambiguous {
        zones: Vec<ZoneRef>,
        live: Vec<Name>,
    },
    NotAuthoritative {
        zone: ZoneRef,
        servers: Vec<Name>,
        live: Vec<Name>,
    },
    DelegatedAway {
        zone: ZoneRef,
        at: Name,
        servers: Vec<String>,
    },
    NotWritable {
        zone: ZoneRef,
    },
    /// It cannot be known now; nothing is written, and it is tried again.
    Blind(String),
}

/// Why the choice ends before its end: a read is missing, or the answer is no.
enum Stop {
    Look(DnsLook),
    Refused(Refusal),
}

impl From<DnsLook> for Stop {
    fn from(look: DnsLook) -> Self {
        Self::Look(look)
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

fn settle(found: Result<ZoneRef, Stop>) -> Result<Result<ZoneRef, Refusal>, DnsLook> {
    match found {
        Ok(zone) => Ok(Ok(zone)),
        Err(Stop::Refused(refusal)) => Ok(Err(refusal)),
        Err(Stop::Look(look)) => Err(look),
    }
}

/// Where the public record `name` belongs. `names` are further names that are read in the same call.
///
/// # Errors
/// The read that is missing.
pub fn choose(name: &Name, names: &[Name], facts: &DnsFacts) -> Result<Result<ZoneRef, Refusal>, DnsLook> {
    settle(public(name, names, facts))
}

/// Where the record `name` belongs for those who ask inside the VPC. `names` as for [`choose`].
///
/// # Errors
/// The read that is missing.
pub fn choose_private(
    name: &Name,
    vpc: &str,
    names: &[Name],
    facts: &DnsFacts,
) -> Result<Result<ZoneRef, Refusal>, DnsLook> {
    settle(private(name, vpc, names, facts))
}

fn public(name: &Name, names: &[Name], facts: &DnsFacts) -> Result<ZoneRef, Stop> {
    let zones = listed(facts)?;
    let candidates = deepest(name, zones.all.iter().filter(|zone| !zone.private));
    let Some(first) = candidates.first() else { return Err(none(zones).into()) };
    let live = live_servers(&first.at.name, facts)?;
    let zone = authoritative(&candidates, &live, facts)?;
    check_inside(zone, name, names, facts)
}

fn private(name: &Name, vpc: &str, names: &[Name], facts: &DnsFacts) -> Result<ZoneRef, Stop> {
    let zones = listed(facts)?;
    let visible = facts
        .private_zones(vpc)?
        .map_err(|why| Refusal::Blind(format!("the private zones of {vpc} cannot be listed ({why})")))?;
    // Zones that AWS services keep in the VPC are visible and listed nowhere; they are nobody's to write to.
    let seen = zones.all.iter().filter(|zone| zone.private && visible.contains(&zone.at.id));
    match deepest(name, seen)[..] {
        [] => Err(none(zones).into()),
        [zone] => check_inside(zone, name, names, facts),
        ref several => Err(Refusal::Ambiguous { zones: refs(several), live: Vec::new() }.into()),
    }
}

fn listed(facts: &DnsFacts) -> Result<&Zones, Stop> {
    Ok(facts.zones()?.map_err(|why| Refusal::Blind(format!("the hosted zones cannot be listed ({why})")))?)
}

/// The zones of the longest name at or above this one: several only where a name was given to several zones.
fn deepest<'a>(name: &Name, zones: impl Iterator<Item = &'a Zone>) -> Vec<&'a Zone> {
    let above: Vec<&Zone> = zones.filter(|zone| name.is_at_or_below(&zone.at.name)).collect();
    let depth = above.iter().map(|zone| zone.at.name.labels().count()).max();
    above.into_iter().filter(|zone| Some(zone.at.name.labels().count()) == depth).collect()
}

fn refs(zones: &[&Zone]) -> Vec<ZoneRef> {
    zones.iter().map(|zone| zone.at.clone()).collect()
}

/// No zone was found: there is none, or it hides where nobody could look.
fn none(zones: &Zones) -> Refusal {
    if zones.unlisted.is_empty() {
        return Refusal::NoZone;
    }
    let hidden: Vec<String> = zones.unlisted.iter().map(|(role, why)| format!("{role}: {why}")).collect();
    Refusal::Blind(format!(
        "no hosted zone was found, and these accounts could not be looked into: {}",
        hidden.join("; ")
    ))
}

/// The servers that the DNS names for a zone's name.
fn live_servers(zone: &Name, facts: &DnsFacts) -> Result<Vec<Name>, Stop> {
    let answer = facts
        .ask(zone, &RecordType::Ns)?
        .map_err(|why| Refusal::Blind(format!("the DNS does not say who answers for {zone} ({why})")))?;
    let Answer::Found(servers) = answer else { return Ok(Vec::new()) };
    let parsed: Result<Vec<Name>, _> = servers.iter().map(|server| Name::parse(server)).collect();
    Ok(parsed
        .map_err(|error| Refusal::Blind(format!("the DNS names a server of {zone} that cannot be read: {error}")))?)
}

/// The zone whose servers are exactly those that the DNS names.
fn authoritative<'a>(candidates: &[&'a Zone], live: &[Name], facts: &DnsFacts) -> Result<&'a Zone, Stop> {
    let live_set: BTreeSet<&Name> = live.iter().collect();
    let (mut equal, mut unread, mut last) = (Vec::new(), None, Vec::new());
    for zone in candidates {
        match facts.servers(&zone.at)? {
            Ok(servers) if !servers.is_empty() && servers.iter().collect::<BTreeSet<_>>() == live_set => {
                equal.push(*zone)
            }
            Ok(servers) => last.clone_from(servers),
            Err(why) => unread = Some(format!("the servers of zone {} cannot be read ({why})", zone.at.id)),
        }
    }
    match (&equal[..], unread, candidates) {
        ([zone], _, _) => Ok(zone),
        ([], Some(why), _) => Err(Refusal::Blind(why).into()),
        ([], None, [zone]) => {
            Err(Refusal::NotAuthoritative { zone: zone.at.clone(), servers: last, live: live.to_vec() }.into())
        }
        _ => Err(Refusal::Ambiguous { zones: refs(candidates), live: live.to_vec() }.into()),
    }
}

/// Whether this zone may be written to, and answers for the name itself.
fn check_inside(zone: &Zone, name: &Name, names: &[Name], facts: &DnsFacts) -> Result<ZoneRef, Stop> {
    if !zone.writable {
        return Err(Refusal::NotWritable { zone: zone.at.clone() }.into());
    }
    let together = read_together(&zone.at, names);
    for at in below_top(name, &zone.at.name) {
        let standing = facts
            .standing(&zone.at, &at, &together)?
            .map_err(|why| Refusal::Blind(format!("the records of zone {} cannot be read ({why})", zone.at.id)))?;
        if let Some(cut) = standing.iter().find(|record| record.kind == RecordType::Ns) {
            let servers = match &cut.data {
                Data::Values { values, .. } => values.clone(),
                Data::Alias { target, .. } => vec![target.fqdn()],
            };
            return Err(Refusal::DelegatedAway { zone: zone.at.clone(), at, servers }.into());
        }
    }
    Ok(zone.at.clone())
}

/// The name and all names between it and the zone's top, without the top.
fn below_top(name: &Name, top: &Name) -> impl Iterator<Item = Name> {
    name.climb().take_while(move |at| at != top)
}

/// Every name of `names` in this zone with all that lies between it and the zone's top: what one read should bring, so that
/// choosing a zone and comparing its records costs one.
pub(super) fn read_together(zone: &ZoneRef, names: &[Name]) -> Vec<Name> {
    let inside = names.iter().filter(|name| name.is_at_or_below(&zone.name));
    let mut all: Vec<Name> =
        inside.flat_map(|name| std::iter::once(name.clone()).chain(below_top(name, &zone.name))).collect();
    all.sort();
    all.dedup();
    all
}

#[cfg(test)]
mod tests;
