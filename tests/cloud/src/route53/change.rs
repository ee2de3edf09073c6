//! A batch of changes: all of it or nothing, in its order, and in Route 53's own words where it is refused.
//!
//! | what was found | what Route 53 says | where users saw it |
//! |---|---|---|
//! | CREATE of what is there | `Tried to create ... but it already exists` | terraform, external-dns, copilot |
//! | DELETE of what is not | `Tried to delete ... but it was not found` | copilot's custom domain code |
//! | DELETE with other values | `... but the values provided do not match the current values` | from memory, no source found |
//! | CNAME at the apex | `RRSet of type CNAME with DNS name X is not permitted at apex in zone Z` | from memory, no source found |
//! | CNAME where others are | `... is not permitted as it conflicts with other records ...` | aws-sdk-java 1996, roadworker 89 |
//! | others where a CNAME is | `... because a conflicting RRSet of type  CNAME ... already exists` (two spaces) | boto3 1475 |
//! | one set twice | `The request contains an invalid set of changes for a resource record set 'T N'` | cli53 81 |
//! | name outside the zone | `RRSet with DNS name X is not permitted in zone Z` | from memory, no source found |
//! | alias elsewhere | `... but the alias target name does not lie within the target zone` | cli53 213, aws-cdk 19643 |
//!
//! Changes apply one after the other: a CNAME in the place of an A is a DELETE and then a CREATE, in this order (roadworker 89).

use std::collections::BTreeMap;

use serde_json::Value;

use super::alias;
use super::record::{Key, Malformed, RecordSet};
use super::zone::Zone;
use crate::call::ApiError;

/// Values of a batch, and their characters; those of an `UPSERT` count twice (Route 53 quotas).
const VALUES_MAX: usize = 1_000;
const CHARACTERS_MAX: usize = 32_000;

/// What a batch makes of a zone's record sets: what to put, and what to take away.
pub type Outcome = Vec<(Key, Option<RecordSet>)>;

/// What the batch would do to the zone.
///
/// # Errors
/// `InvalidInput` for what is no request, and `InvalidChangeBatch` with every message in brackets.
pub fn outcome(zone: &Zone, changes: &[Value]) -> Result<Outcome, ApiError> {
    let mut batch = Batch { zone, changed: BTreeMap::new(), touched: BTreeMap::new() };
    let mut wrong = Vec::new();
    let mut size = Size::default();
    for change in changes {
        let action = change["Action"].as_str().unwrap_or_default();
        match RecordSet::read(action, &change["ResourceRecordSet"]) {
            Ok(set) => {
                size.add(action, &set);
                wrong.extend(batch.apply(action, set).err());
            }
            Err(Malformed::Change(message)) => wrong.push(message),
            Err(call) => return Err(call.into()),
        }
    }
    wrong.extend(size.too_much());
    if wrong.is_empty() {
        wrong.extend(batch.apex_is_whole().err());
    }
    if wrong.is_empty() { Ok(batch.changed.into_iter().collect()) } else { Err(refused(&wrong)) }
}

fn refused(messages: &[String]) -> ApiError {
    ApiError::client("InvalidChangeBatch", format!("[{}]", messages.join(", ")))
}

#[derive(Default)]
struct Size {
    values: usize,
    characters: usize,
}

impl Size {
    fn add(&mut self, action: &str, set: &RecordSet) {
        let times = if action == "UPSERT" { 2 } else { 1 };
        self.values += times * set.values.len().max(1);
        self.characters += times * set.values.iter().map(String::len).sum::<usize>();
    }

    fn too_much(&self) -> Option<String> {
        if self.values > VALUES_MAX {
            return Some(format!("Number of records limit of {VALUES_MAX} exceeded."));
        }
        (self.characters > CHARACTERS_MAX).then(|| format!("Number of characters limit of {CHARACTERS_MAX} exceeded."))
    }
}

struct Batch<'a> {
    zone: &'a Zone,
    /// What the batch has made of the zone so far; none where a set is gone. The zone may be large, and is not copied.
    changed: BTreeMap<Key, Option<RecordSet>>,
    /// The actions so far on each record set.
    touched: BTreeMap<Key, Vec<String>>,
}

impl Batch<'_> {
    fn apply(&mut self, action: &str, set: RecordSet) -> Result<(), String> {
        let (key, zone) = (set.key(), &self.zone.name);
        if !set.name.is_within(zone) {
            return Err(format!("RRSet with DNS name {} is not permitted in zone {zone}", set.name));
        }
        let earlier = self.touched.entry(key.clone()).or_default();
        earlier.push(action.to_owned());
        // The one pair that is allowed: a set is taken away and made anew.
        if earlier.len() > 1 && earlier.as_slice() != ["DELETE", "CREATE"] {
            let what = format!("{} {}", set.kind, set.name);
            return Err(format!("The request contains an invalid set of changes for a resource record set '{what}'"));
        }
        match (action, self.there(&key)) {
            ("CREATE", Some(_)) => {
                Err(format!("Tried to create resource record set {} but it already exists", set.told()))
            }
            ("DELETE", None) => Err(format!("Tried to delete resource record set {} but it was not found", set.told())),
            ("DELETE", Some(there)) if !there.says_the_same(&set) => Err(format!(
                "Tried to delete resource record set {} but the values provided do not match the current values",
                set.told()
            )),
            ("DELETE", Some(_)) => {
                self.changed.insert(key, None);
                Ok(())
            }
            _ => {
                self.fits(&set, &key)?;
                self.changed.insert(key, Some(set));
                Ok(())
            }
        }
    }

    /// The record set as it is at this point of the batch.
    fn there(&self, key: &Key) -> Option<&RecordSet> {
        self.changed.get(key).map_or_else(|| self.zone.sets.get(key), Option::as_ref)
    }

    /// All record sets of a name, as they are at this point of the batch.
    fn at(&self, order: &[u8]) -> impl Iterator<Item = (&Key, &RecordSet)> {
        let from = Key { order: order.to_vec(), kind: String::new(), identifier: String::new() };
        let old = self.zone.sets.range(from.clone()..).filter(|(key, _)| !self.changed.contains_key(*key));
        let new = self.changed.range(from..).filter_map(|(key, set)| Some((key, set.as_ref()?)));
        let of_name = move |(key, _): &(&Key, &RecordSet)| key.order == order;
        old.take_while(of_name).chain(new.take_while(of_name))
    }

    /// Whether the zone, as it is at this point of the batch, can hold the set.
    fn fits(&self, set: &RecordSet, key: &Key) -> Result<(), String> {
        let (name, kind, zone) = (&set.name, &set.kind, &self.zone.name);
        let at_apex = name == zone;
        if at_apex && kind == "CNAME" {
            return Err(format!("RRSet of type CNAME with DNS name {name} is not permitted at apex in zone {zone}"));
        }
        if !at_apex && kind == "SOA" {
            return Err(format!("RRSet of type SOA with DNS name {name} is only permitted at apex in zone {zone}"));
        }
        let here = || self.at(&key.order).filter(|(other, _)| *other != key).map(|(_, set)| set);
        if kind == "CNAME" && here().any(|other| other.kind != "CNAME") {
            return Err(format!(
                "RRSet of type CNAME with DNS name {name} is not permitted as it conflicts with other records with the same \
                 DNS name in zone {zone}"
            ));
        }
        if kind != "CNAME" && here().any(|other| other.kind == "CNAME") {
            return Err(format!(
                "RRSet of type {kind} with DNS name {name} is not permitted because a conflicting RRSet of type  CNAME with \
                 the same DNS name already exists in zone {zone}"
            ));
        }
        let policy = |set: &RecordSet| set.identifier.is_some();
        if here().any(|other| other.kind == *kind && (policy(other) != policy(set) || !policy(set))) {
            return Err(format!(
                "RRSet with DNS name {name}, type {kind}, SetIdentifier {} cannot be created as other RRSets exist with the \
                 same name and type",
                set.identifier.as_deref().unwrap_or("null")
            ));
        }
        self.alias_fits(set)
    }

    fn alias_fits(&self, set: &RecordSet) -> Result<(), String> {
        let Some(alias) = &set.alias else { return Ok(()) };
        let told = format!(
            "Tried to create an alias that targets {}, type {} in zone {}",
            alias.target, set.kind, alias.zone_id
        );
        let outside = format!("{told}, but the alias target name does not lie within the target zone");
        if alias.zone_id != self.zone.id {
            let lies = |domain: &super::name::Name| alias.target.is_within(domain) && alias.target != *domain;
            let is_address = matches!(set.kind.as_str(), "A" | "AAAA");
            return if is_address && alias::domain_of(&alias.zone_id).is_some_and(|domain| lies(&domain)) {
                Ok(())
            } else {
                Err(outside)
            };
        }
        if !alias.target.is_within(&self.zone.name) {
            return Err(outside);
        }
        let there = self.at(&alias.target.order()).any(|(_, other)| other.kind == set.kind);
        if there { Ok(()) } else { Err(format!("{told}, but that target was not found")) }
    }

    /// A zone keeps its SOA and an NS set.
    fn apex_is_whole(&self) -> Result<(), String> {
        let order = self.zone.name.order();
        let has = |kind: &str| self.at(&order).any(|(key, _)| key.kind == kind);
        if !has("SOA") {
            return Err("A HostedZone must contain exactly one SOA record.".to_owned());
        }
        if has("NS") {
            Ok(())
        } else {
            Err("A HostedZone must contain at least one NS record for the zone itself.".to_owned())
        }
    }
}
