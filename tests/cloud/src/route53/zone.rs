//! A hosted zone: its record sets as the API shows them, and as the name servers answer them once a change is in sync.
//!
//! Owns: one zone's state and its first two record sets. Never looks at another zone.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::name::Name;
use super::record::{Key, RecordSet};
use crate::call::{ApiError, Ids};

/// TTLs and numbers with which Route 53 makes a zone's first records (developer guide, "NS and SOA records").
const NS_TTL: i64 = 172_800;
const SOA_TTL: i64 = 900;

/// The name servers that every private zone shows; nobody outside its VPCs can ask them.
const PRIVATE_SERVERS: [&str; 4] =
    ["ns-1536.awsdns-00.co.uk", "ns-0.awsdns-00.com", "ns-1024.awsdns-00.org", "ns-512.awsdns-00.net"];

/// A VPC that sees a private zone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Vpc {
    pub region: String,
    pub id: String,
}

impl Vpc {
    /// # Errors
    /// `InvalidVPCId` where the id is no VPC's.
    pub fn read(given: &Value) -> Result<Self, ApiError> {
        let text = |member: &str| given[member].as_str().unwrap_or_default().to_owned();
        let vpc = Self { region: text("VPCRegion"), id: text("VPCId") };
        if vpc.region.is_empty() || !vpc.id.starts_with("vpc-") {
            let message = format!("The VPC: {} in region {} that you provided is not authorized.", vpc.id, vpc.region);
            return Err(ApiError::client("InvalidVPCId", message));
        }
        Ok(vpc)
    }

    pub fn shown(&self) -> Value {
        json!({"VPCRegion": self.region, "VPCId": self.id})
    }
}

/// Record sets that the name servers do not answer with yet; none where the set is gone.
#[derive(Clone, Debug)]
pub struct Pending {
    pub due: Timestamp,
    pub sets: Vec<(Key, Option<RecordSet>)>,
}

#[derive(Clone, Debug)]
pub struct Zone {
    pub id: String,
    pub account: String,
    pub name: Name,
    pub caller_reference: String,
    pub comment: Option<String>,
    /// Those that see it; a public zone has none.
    pub vpcs: Vec<Vpc>,
    pub is_private: bool,
    /// The delegation set, without trailing dots.
    pub servers: Vec<String>,
    pub sets: BTreeMap<Key, RecordSet>,
    /// What the name servers answer with; nothing until the zone itself is in sync.
    pub served: BTreeMap<Key, RecordSet>,
    pub pending: Vec<Pending>,
    /// Changes are refused until then.
    pub busy_until: Option<Timestamp>,
    pub tags: BTreeMap<String, String>,
}

impl Zone {
    /// Puts the zone's SOA and NS records in.
    pub fn fill(&mut self, due: Timestamp) {
        let dotted: Vec<String> = self.servers.iter().map(|server| format!("{server}.")).collect();
        let first = dotted.first().cloned().unwrap_or_default();
        let soa = format!("{first} awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400");
        let made = [
            RecordSet::plain(self.name.clone(), "NS", NS_TTL, dotted),
            RecordSet::plain(self.name.clone(), "SOA", SOA_TTL, vec![soa]),
        ];
        self.set(due, made.into_iter().map(|set| (set.key(), Some(set))).collect());
    }

    /// Changes the record sets, for the API now and for the DNS when it is due.
    pub fn set(&mut self, due: Timestamp, sets: Vec<(Key, Option<RecordSet>)>) {
        for (key, set) in &sets {
            put(&mut self.sets, key, set.clone());
        }
        self.pending.push(Pending { due, sets });
    }

    /// Lets the name servers answer with what is due.
    pub fn publish(&mut self, now: Timestamp) {
        let (due, waiting) = std::mem::take(&mut self.pending).into_iter().partition(|pending| pending.due <= now);
        self.pending = waiting;
        let due: Vec<Pending> = due;
        for (key, set) in due.into_iter().flat_map(|pending| pending.sets) {
            put(&mut self.served, &key, set);
        }
    }

    pub fn next_due(&self) -> Option<Timestamp> {
        self.pending.iter().map(|pending| pending.due).min()
    }

    /// The id as answers show it.
    pub fn path(&self) -> String {
        format!("/hostedzone/{}", self.id)
    }

    pub fn shown(&self) -> Value {
        json!({
            "Id": self.path(), "Name": self.name.to_string(), "CallerReference": self.caller_reference,
            "Config": {"Comment": self.comment, "PrivateZone": self.is_private},
            "ResourceRecordSetCount": self.sets.len(),
        })
    }
}

fn put(sets: &mut BTreeMap<Key, RecordSet>, key: &Key, set: Option<RecordSet>) {
    match set {
        Some(set) => sets.insert(key.clone(), set),
        None => sets.remove(key),
    };
}

/// The name servers of a new zone: one of each of the four domains, as Route 53 numbers them.
pub fn name_servers(is_private: bool, ids: &mut Ids) -> Vec<String> {
    if is_private {
        return PRIVATE_SERVERS.map(str::to_owned).to_vec();
    }
    let drawn = ids.hex32();
    let blocks = [(0, "com"), (512, "net"), (1024, "org"), (1536, "co.uk")];
    let number = |at: usize| usize::from_str_radix(drawn.get(at..at + 4).unwrap_or("0"), 16).unwrap_or_default();
    let server = |(at, (base, domain)): (usize, (usize, &str))| {
        format!("ns-{}.awsdns-{:02}.{domain}", base + number(at * 8) % 512, number(at * 8 + 4) % 64)
    };
    blocks.into_iter().enumerate().map(server).collect()
}
