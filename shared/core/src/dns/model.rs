//! A small model of Route 53 and of the DNS for tests: it answers the looks that decisions ask for, and takes batches as
//! Route 53 does: whole or not at all, `CREATE` only of what is not there, `DELETE` only of exactly what is.

use std::collections::BTreeMap;

use super::facts::{Answer, DnsFacts, DnsLook, Zone, ZoneRef, Zones};
use super::name::Name;
use super::plan::Batch;
use super::record::{Change, Data, RecordSet, RecordType};
use crate::fact::Fact;

pub fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

pub fn cname(at: &str, target: &str) -> RecordSet {
    RecordSet::cname(name(at), &name(target))
}

pub fn values(at: &str, kind: RecordType, values: &[&str]) -> RecordSet {
    let values = values.iter().map(|value| (*value).to_owned()).collect();
    RecordSet { name: name(at), kind, data: Data::Values { ttl_secs: 3600, values }, policy: None }
}

/// What tells one record set of a zone from another.
pub type Key = (String, Name, RecordType, Option<String>);

/// A hosted zone as the model keeps it.
#[derive(Clone, Debug)]
pub struct Hosted {
    pub zone: Zone,
    pub servers: Vec<Name>,
    pub vpcs: Vec<String>,
    pub readable: bool,
}

#[derive(Clone, Debug, Default)]
pub struct World {
    pub zones: Vec<Hosted>,
    pub unlisted: Vec<(String, String)>,
    pub records: BTreeMap<Key, RecordSet>,
    /// What the DNS names as the servers of a name.
    pub live: BTreeMap<Name, Vec<String>>,
    pub caa: BTreeMap<Name, Vec<String>>,
    /// CNAMEs that the DNS shows although no zone of ours holds them.
    pub foreign: BTreeMap<Name, Vec<String>>,
    /// The resolver is down.
    pub dark: bool,
    /// It fails for CAA alone.
    pub caa_dark: bool,
}

impl World {
    /// A public, writable zone that the DNS knows.
    pub fn with(zones: &[&str]) -> Self {
        let mut world = Self::default();
        for zone in zones {
            world.public(zone);
        }
        world
    }

    /// Adds a public zone of this name which the DNS knows from now on.
    pub fn public(&mut self, zone: &str) -> ZoneRef {
        let at = self.hidden(zone);
        let servers = &self.zones.last().unwrap().servers;
        self.live.insert(at.name.clone(), servers.iter().map(Name::to_string).collect());
        at
    }

    /// Adds a public zone that the DNS knows nothing of.
    pub fn hidden(&mut self, zone: &str) -> ZoneRef {
        let number = self.zones.len() + 1;
        let at = ZoneRef { id: format!("Z{number}"), name: name(zone), role: None };
        let servers = vec![name(&format!("ns-{number}.awsdns-01.net")), name(&format!("ns-{number}.awsdns-02.org"))];
        self.put(&at, RecordSet { name: at.name.clone(), ..values("x", RecordType::Ns, &["ns.example.net."]) });
        let zone = Zone { at: at.clone(), private: false, writable: true };
        self.zones.push(Hosted { zone, servers, vpcs: Vec::new(), readable: true });
        at
    }

    /// Adds a private zone that one VPC sees.
    pub fn private(&mut self, zone: &str, vpc: &str) -> ZoneRef {
        let at = self.hidden(zone);
        let hosted = self.zones.last_mut().unwrap();
        hosted.zone.private = true;
        hosted.vpcs.push(vpc.to_owned());
        at
    }

    pub fn zone_mut(&mut self, at: &ZoneRef) -> &mut Hosted {
        self.zones.iter_mut().find(|hosted| hosted.zone.at.id == at.id).unwrap()
    }

    pub fn put(&mut self, at: &ZoneRef, record: RecordSet) {
        self.records.insert((at.id.clone(), record.name.clone(), record.kind.clone(), record.policy.clone()), record);
    }

    /// Puts a record where Route 53 could have let it stand beside the others.
    pub fn put_if_possible(&mut self, at: &ZoneRef, record: RecordSet) -> bool {
        let batch = Batch { zone: at.clone(), changes: vec![Change::Create(record.clone())] };
        let possible = self.apply(&batch).is_ok();
        if possible {
            self.put(at, record);
        }
        possible
    }

    /// Asks the question until every read it needs was made.
    pub fn settle<T>(&self, question: impl Fn(&DnsFacts) -> Result<T, DnsLook>) -> T {
        self.settle_from(&mut DnsFacts::default(), question)
    }

    pub fn settle_from<T>(&self, facts: &mut DnsFacts, question: impl Fn(&DnsFacts) -> Result<T, DnsLook>) -> T {
        for _ in 0..1_000 {
            match question(facts) {
                Ok(answer) => return answer,
                Err(look) => self.read(&look, facts),
            }
        }
        panic!("the question asks for ever");
    }

    /// Makes one read.
    pub fn read(&self, look: &DnsLook, facts: &mut DnsFacts) {
        match look {
            DnsLook::Zones => {
                let all = self.zones.iter().map(|hosted| hosted.zone.clone()).collect();
                facts.zones = Fact::Known(Zones { all, unlisted: self.unlisted.clone() });
            }
            DnsLook::Servers(zone) => {
                let known = self.zones.iter().find(|hosted| hosted.zone.at.id == zone.id);
                let servers = known.map_or(Fact::Unavailable("NoSuchHostedZone".to_owned()), |hosted| {
                    Fact::Known(hosted.servers.clone())
                });
                facts.servers.push((zone.id.clone(), servers));
            }
            DnsLook::PrivateZones { vpc } => {
                let seen = self.zones.iter().filter(|hosted| hosted.vpcs.contains(vpc));
                facts.private.push((vpc.clone(), Fact::Known(seen.map(|hosted| hosted.zone.at.id.clone()).collect())));
            }
            DnsLook::Records { zone, names } => {
                let readable = self.zones.iter().any(|hosted| hosted.zone.at.id == zone.id && hosted.readable);
                for at in names {
                    let there = self.records.iter().filter(|((id, name, ..), _)| *id == zone.id && name == at);
                    let fact = if readable {
                        Fact::Known(there.map(|(_, record)| record.clone()).collect())
                    } else {
                        Fact::Unavailable("AccessDenied".to_owned())
                    };
                    facts.standing.push((zone.id.clone(), at.clone(), fact));
                }
            }
            DnsLook::Ask { name, kind } => {
                let found = match kind {
                    RecordType::Ns => self.live.get(name),
                    RecordType::Caa => self.caa.get(name),
                    RecordType::Cname => self.foreign.get(name),
                    other => panic!("nobody should ask for {other}"),
                };
                let answer = found.map_or(Answer::Nothing, |found| Answer::Found(found.clone()));
                let dark = self.dark || (self.caa_dark && *kind == RecordType::Caa);
                let fact = if dark { Fact::Unavailable("timed out".to_owned()) } else { Fact::Known(answer) };
                facts.answers.push((name.clone(), kind.clone(), fact));
            }
        }
    }

    /// Takes a batch as Route 53 does.
    ///
    /// # Errors
    /// Route 53's reason for taking none of it.
    pub fn apply(&mut self, batch: &Batch) -> Result<(), String> {
        let mut after = self.records.clone();
        for change in &batch.changes {
            let record = change.record();
            if !record.name.is_at_or_below(&batch.zone.name) {
                return Err(format!("{} is not in zone {}", record.name, batch.zone.name));
            }
            let key = (batch.zone.id.clone(), record.name.clone(), record.kind.clone(), record.policy.clone());
            match change {
                Change::Delete(record) if after.get(&key) == Some(record) => drop(after.remove(&key)),
                Change::Delete(record) => return Err(format!("not found: {}", record.words())),
                Change::Create(record) => {
                    refuse_create(&after, batch, record)?;
                    after.insert(key, record.clone());
                }
            }
        }
        self.records = after;
        Ok(())
    }
}

fn refuse_create(after: &BTreeMap<Key, RecordSet>, batch: &Batch, record: &RecordSet) -> Result<(), String> {
    let cname = RecordType::Cname;
    if record.kind == cname && record.name == batch.zone.name {
        return Err("a CNAME at the apex".to_owned());
    }
    let there = after.iter().filter(|((id, name, ..), _)| *id == batch.zone.id && *name == record.name);
    for (_, other) in there {
        let both_routed = other.policy.is_some() && record.policy.is_some() && other.policy != record.policy;
        if other.kind == record.kind && !both_routed {
            return Err(format!("already exists: {}", other.words()));
        }
        if other.kind != record.kind && (other.kind == cname || record.kind == cname) {
            return Err(format!("conflicts with {}", other.words()));
        }
    }
    Ok(())
}
