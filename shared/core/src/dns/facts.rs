//! What was read of hosted zones and of the DNS, and the reads that are still missing.

use serde::{Deserialize, Serialize};

use super::name::Name;
use super::record::{RecordSet, RecordType};
use crate::fact::Fact;

/// A hosted zone, and whose key opens it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ZoneRef {
    /// Without the prefix `/hostedzone/`.
    pub id: String,
    pub name: Name,
    /// The role of another account that leads to it; `None` in our own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

/// One hosted zone of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    pub at: ZoneRef,
    pub private: bool,
    /// Whether the stack's parameter `HostedZoneArns` lets pitcrew write to it.
    pub writable: bool,
}

/// The hosted zones of all accounts that pitcrew may list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Zones {
    pub all: Vec<Zone>,
    /// Accounts that could not be listed: the role, and why. A zone may be hidden there.
    pub unlisted: Vec<(String, String)>,
}

/// What the DNS answers for one name and type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The record data as text: names with case folded, no trailing dot; CAA as `<flags> <tag> <value>`.
    Found(Vec<String>),
    /// The name exists without such a record, or does not exist.
    Nothing,
}

/// A read that a decision about records needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DnsLook {
    /// All hosted zones.
    Zones,
    /// The name servers that Route 53 gave this zone.
    Servers(ZoneRef),
    /// The private zones that are visible in this VPC.
    PrivateZones { vpc: String },
    /// The record sets at these names of the zone.
    Records { zone: ZoneRef, names: Vec<Name> },
    /// What the DNS answers.
    Ask { name: Name, kind: RecordType },
}

/// Everything that was read.
#[derive(Clone, Debug, Default)]
pub struct DnsFacts {
    pub zones: Fact<Zones>,
    /// By zone id.
    pub servers: Vec<(String, Fact<Vec<Name>>)>,
    /// By VPC: the ids of its private zones.
    pub private: Vec<(String, Fact<Vec<String>>)>,
    /// By zone id and name: all record sets there. A zone that cannot be read is unavailable at each name that was asked for.
    pub standing: Vec<(String, Name, Fact<Vec<RecordSet>>)>,
    pub answers: Vec<(Name, RecordType, Fact<Answer>)>,
}

/// A value, or the read that is missing for it; a fact that cannot be had is `Ok(Err(why))`.
pub type Known<'a, T> = Result<Result<&'a T, &'a str>, DnsLook>;

fn known<T>(fact: Option<&Fact<T>>, look: impl FnOnce() -> DnsLook) -> Known<'_, T> {
    fact.and_then(Fact::get).ok_or_else(look)
}

impl DnsFacts {
    pub fn zones(&self) -> Known<'_, Zones> {
        known(Some(&self.zones), || DnsLook::Zones)
    }

    pub fn servers(&self, zone: &ZoneRef) -> Known<'_, Vec<Name>> {
        let fact = self.servers.iter().find(|(id, _)| *id == zone.id).map(|(_, fact)| fact);
        known(fact, || DnsLook::Servers(zone.clone()))
    }

    pub fn private_zones(&self, vpc: &str) -> Known<'_, Vec<String>> {
        let fact = self.private.iter().find(|(known, _)| known == vpc).map(|(_, fact)| fact);
        known(fact, || DnsLook::PrivateZones { vpc: vpc.to_owned() })
    }

    /// The record sets at a name; where they were not read, the look asks for all of `names` at once.
    pub fn standing(&self, zone: &ZoneRef, name: &Name, names: &[Name]) -> Known<'_, Vec<RecordSet>> {
        let is = |(id, at, _): &&(String, Name, Fact<Vec<RecordSet>>)| *id == zone.id && at == name;
        let fact = self.standing.iter().find(is).map(|(_, _, fact)| fact);
        known(fact, || {
            let mut names = names.to_vec();
            names.push(name.clone());
            names.sort();
            names.dedup();
            DnsLook::Records { zone: zone.clone(), names }
        })
    }

    pub fn ask(&self, name: &Name, kind: &RecordType) -> Known<'_, Answer> {
        let fact = self.answers.iter().find(|(at, of, _)| at == name && of == kind).map(|(_, _, fact)| fact);
        known(fact, || DnsLook::Ask { name: name.clone(), kind: kind.clone() })
    }

    /// Forgets what may have moved since: what stands in zones and what the DNS answers, not which zones there are.
    pub fn forget_live(&mut self) {
        self.standing.clear();
        self.answers.clear();
    }
}
