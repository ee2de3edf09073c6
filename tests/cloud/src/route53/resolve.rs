//! The way of a resolver from the root to an answer, through what parents delegate and what zones answer.
//!
//! Owns: which zone answers for a name. A zone answers only where the servers to which its parent delegates are its own: a
//! second zone of the same name is dead, as in the world. A private zone is never asked.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::name::Name;
use super::record::{Key, RecordSet};
use super::zone::Zone;
use crate::outside::{Names, Resolver};

/// CNAMEs and aliases that lead to each other at most, as resolvers have it.
const CHAIN_MAX: usize = 16;

/// Seconds: of an alias's answers, of what the world outside answers, and of the root's denials.
const ALIAS_TTL: i64 = 60;
const OUTSIDE_TTL: i64 = 300;

/// One record of an answer; `data` in the form of a zone file.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    pub name: Name,
    pub kind: String,
    pub ttl: i64,
    pub data: String,
}

/// What the resolver answers. `TIMEOUT` stands for no answer at all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reply {
    pub rcode: &'static str,
    pub answers: Vec<Found>,
    pub authority: Vec<Found>,
}

impl Reply {
    fn of(rcode: &'static str) -> Self {
        Self { rcode, ..Self::default() }
    }

    fn found(answers: Vec<Found>) -> Self {
        Self { rcode: "NOERROR", answers, authority: Vec::new() }
    }

    fn without(rcode: &'static str, soa: Option<Found>) -> Self {
        Self { rcode, answers: Vec::new(), authority: soa.into_iter().collect() }
    }

    pub fn shown(&self) -> Value {
        let each = |found: &[Found]| -> Vec<Value> {
            let one = |f: &Found| json!({"Name": f.name.to_string(), "Type": f.kind, "Ttl": f.ttl, "Data": f.data});
            found.iter().map(one).collect()
        };
        json!({"Rcode": self.rcode, "Answers": each(&self.answers), "Authority": each(&self.authority)})
    }
}

/// Who answers for a name.
#[derive(Clone, Debug)]
enum Authority<'a> {
    /// The root and the registries.
    Root,
    Zone(&'a Zone),
    /// Name servers that are not Route 53's.
    Foreign {
        apex: Name,
        servers: Vec<String>,
    },
    /// Name servers of Route 53 that do not know the zone.
    Lame,
}

/// Everything that a resolver can see.
pub struct Walk<'a> {
    pub zones: &'a BTreeMap<String, Zone>,
    pub names: &'a Names,
}

impl<'a> Walk<'a> {
    /// What the world's resolver answers, in the mood in which it is.
    pub fn ask(&self, name: &Name, kind: &str) -> Reply {
        match self.names.resolver {
            Resolver::Up => self.follow(name, kind, 0),
            Resolver::Down => Reply::of("TIMEOUT"),
            Resolver::Failing => Reply::of("SERVFAIL"),
            Resolver::Denying => Reply::without("NXDOMAIN", Some(root_soa())),
            Resolver::Lying => Reply::found(lie(name, kind)),
        }
    }

    /// What one zone answers, asked directly.
    pub fn in_zone(&self, zone: &'a Zone, name: &Name, kind: &str) -> Reply {
        self.answer_of(zone, name, kind, 0)
    }

    fn follow(&self, name: &Name, kind: &str, depth: usize) -> Reply {
        if depth > CHAIN_MAX {
            return Reply::of("SERVFAIL");
        }
        if let Some(address) = self.names.hosts.get(&name.normalized()) {
            let is_v6 = address.contains(':');
            let fits = kind == if is_v6 { "AAAA" } else { "A" };
            let found = || Found { name: name.clone(), kind: kind.to_owned(), ttl: ALIAS_TTL, data: address.clone() };
            return if fits { Reply::found(vec![found()]) } else { Reply::without("NOERROR", Some(root_soa())) };
        }
        match self.authority(name, kind) {
            Authority::Zone(zone) => self.answer_of(zone, name, kind, depth),
            Authority::Foreign { apex, servers } => self.answer_of_others(Some((&apex, &servers)), name, kind, depth),
            Authority::Lame => Reply::of("SERVFAIL"),
            Authority::Root => self.answer_of_others(None, name, kind, depth),
        }
    }

    /// From the top down, from cut to cut. The DS of a name is its parent's to answer.
    fn authority(&self, name: &Name, kind: &str) -> Authority<'a> {
        let mut at = Authority::Root;
        for step in name.from_the_top() {
            if kind == "DS" && step == *name {
                break;
            }
            if let Some(servers) = self.cut(&at, &step) {
                at = self.holder(&step, servers);
            }
        }
        at
    }

    /// The servers to which the authority delegates the name. A zone's own NS records come before what was set outside.
    fn cut(&self, at: &Authority<'_>, step: &Name) -> Option<Vec<String>> {
        let outside = || self.names.delegations.get(&step.normalized()).cloned();
        match at {
            Authority::Lame => None,
            Authority::Zone(zone) if zone.name == *step => None,
            Authority::Zone(zone) => {
                let (sets, _) = node(&zone.served, step);
                let ns = sets.into_iter().find(|set| set.kind == "NS");
                ns.map(|set| set.values.clone()).or_else(outside)
            }
            Authority::Root | Authority::Foreign { .. } => outside(),
        }
    }

    /// The zone whose servers are those that the parent names.
    fn holder(&self, apex: &Name, servers: Vec<String>) -> Authority<'a> {
        let of =
            |servers: &[String]| -> BTreeSet<Name> { servers.iter().filter_map(|s| Name::parse(s).ok()).collect() };
        let wanted = of(&servers);
        let holds = |zone: &&Zone| {
            zone.name == *apex && !zone.is_private && !zone.served.is_empty() && of(&zone.servers) == wanted
        };
        match self.zones.values().find(holds) {
            Some(zone) => Authority::Zone(zone),
            None if servers.iter().any(|server| server.contains(".awsdns-")) => Authority::Lame,
            None => Authority::Foreign { apex: apex.clone(), servers },
        }
    }

    fn answer_of(&self, zone: &'a Zone, name: &Name, kind: &str, depth: usize) -> Reply {
        let (sets, exists) = match node(&zone.served, name) {
            (sets, true) => (sets, true),
            (_, false) => match wildcard(zone, name) {
                Some(star) => (node(&zone.served, &star).0, true),
                None => (Vec::new(), false),
            },
        };
        let of = |kind: &str| sets.iter().copied().find(|set| set.kind == kind);
        match (of(kind), of("CNAME")) {
            (Some(set), _) => self.answer_with(zone, set, name, depth),
            (None, Some(cname)) => {
                let mut reply = self.answer_with(zone, cname, name, depth);
                let target = reply.answers.last().map(|found| found.data.clone());
                match target.and_then(|target| Name::parse(&target).ok()) {
                    Some(target) => self.chained(&mut reply, &target, kind, depth),
                    None => return Reply::of("SERVFAIL"),
                }
                reply
            }
            (None, None) => Reply::without(if exists { "NOERROR" } else { "NXDOMAIN" }, soa_of(zone)),
        }
    }

    /// Adds what the target of a CNAME answers.
    fn chained(&self, reply: &mut Reply, target: &Name, kind: &str, depth: usize) {
        let further = self.follow(target, kind, depth + 1);
        reply.rcode = further.rcode;
        reply.answers.extend(further.answers);
        reply.authority = further.authority;
    }

    fn answer_with(&self, zone: &'a Zone, set: &RecordSet, name: &Name, depth: usize) -> Reply {
        let one = |ttl: i64, data: String| Found { name: name.clone(), kind: set.kind.clone(), ttl, data };
        let Some(alias) = &set.alias else {
            let ttl = set.ttl.unwrap_or(ALIAS_TTL);
            return Reply::found(set.values.iter().map(|value| one(ttl, value.clone())).collect());
        };
        let target = self.follow(&alias.target, &set.kind, depth + 1);
        if matches!(target.rcode, "SERVFAIL" | "TIMEOUT") {
            return Reply::of(target.rcode);
        }
        let own = target.answers.into_iter().filter(|found| found.kind == set.kind);
        let answers: Vec<Found> = own.map(|found| one(ALIAS_TTL, found.data)).collect();
        // An alias whose target has nothing is a name without this type, whatever is wrong with the target.
        if answers.is_empty() { Reply::without("NOERROR", soa_of(zone)) } else { Reply::found(answers) }
    }

    /// The registries and everybody else's servers: what was set outside, and for a delegated name its own NS records.
    fn answer_of_others(&self, apex: Option<(&Name, &[String])>, name: &Name, kind: &str, depth: usize) -> Reply {
        let there = |other: &Name| {
            self.names
                .records
                .iter()
                .find(|(key, _)| Name::parse(key).is_ok_and(|key| key == *other))
                .map(|(_, sets)| sets)
        };
        let soa = || Some(apex.map_or_else(root_soa, |(apex, servers)| foreign_soa(apex, servers)));
        let is_apex = apex.is_some_and(|(apex, _)| apex == name);
        let is_delegated = apex.is_none() && self.names.delegations.contains_key(&name.normalized());
        let sets = there(name).or_else(|| name.parent().and_then(|parent| there(&parent.wildcard())));
        let one = |kind: &str, data: &String| Found {
            name: name.clone(),
            kind: kind.to_owned(),
            ttl: OUTSIDE_TTL,
            data: data.clone(),
        };
        let of = |kind: &str| sets.and_then(|sets| sets.get(kind));
        if let Some(values) = of(kind) {
            return Reply::found(values.iter().map(|data| one(kind, data)).collect());
        }
        if let Some(target) = of("CNAME").and_then(|values| values.first()) {
            let mut reply = Reply::found(vec![one("CNAME", target)]);
            match Name::parse(target) {
                Ok(target) => self.chained(&mut reply, &target, kind, depth),
                Err(_) => return Reply::of("SERVFAIL"),
            }
            return reply;
        }
        match (apex, kind) {
            (Some((_, servers)), "NS") if is_apex => {
                Reply::found(servers.iter().map(|server| one("NS", &dotted(server))).collect())
            }
            (Some(_), "SOA") if is_apex => Reply::found(soa().into_iter().collect()),
            _ if sets.is_some() || is_apex || is_delegated => Reply::without("NOERROR", soa()),
            _ => Reply::without("NXDOMAIN", soa()),
        }
    }
}

/// The record sets at a name, and whether the name exists: one below it makes it exist too.
fn node<'z>(served: &'z BTreeMap<Key, RecordSet>, name: &Name) -> (Vec<&'z RecordSet>, bool) {
    let order = name.order();
    let from = Key { order: order.clone(), kind: String::new(), identifier: String::new() };
    let below = served.range(from..).take_while(|(key, _)| key.order.starts_with(&order));
    let mut exists = false;
    let mut sets = Vec::new();
    for (key, set) in below {
        exists = true;
        if key.order != order {
            break;
        }
        sets.push(set);
    }
    (sets, exists)
}

/// The wildcard below the closest name that exists, where there is one (RFC 4592).
fn wildcard(zone: &Zone, name: &Name) -> Option<Name> {
    let mut at = name.parent()?;
    while !node(&zone.served, &at).1 {
        at = at.parent().filter(|parent| parent.is_within(&zone.name))?;
    }
    let star = at.wildcard();
    (!node(&zone.served, &star).0.is_empty()).then_some(star)
}

fn soa_of(zone: &Zone) -> Option<Found> {
    let (sets, _) = node(&zone.served, &zone.name);
    let set = sets.into_iter().find(|set| set.kind == "SOA")?;
    let data = set.values.first()?.clone();
    Some(Found { name: zone.name.clone(), kind: "SOA".to_owned(), ttl: set.ttl.unwrap_or_default(), data })
}

fn dotted(name: &str) -> String {
    format!("{}.", name.trim_end_matches('.'))
}

fn foreign_soa(apex: &Name, servers: &[String]) -> Found {
    let first = servers.first().map(|server| dotted(server)).unwrap_or_default();
    let data = format!("{first} hostmaster.{apex} 1 7200 900 1209600 300");
    Found { name: apex.clone(), kind: "SOA".to_owned(), ttl: OUTSIDE_TTL, data }
}

fn root_soa() -> Found {
    let data = "a.root-servers.net. nstld.verisign-grs.com. 1 1800 900 604800 86400".to_owned();
    Found { name: Name::default(), kind: "SOA".to_owned(), ttl: OUTSIDE_TTL, data }
}

/// What a resolver under somebody else's hand would say: addresses of the documentation's blocks, names under `.invalid`.
fn lie(name: &Name, kind: &str) -> Vec<Found> {
    let data = match kind {
        "A" => "203.0.113.66",
        "AAAA" => "2001:db8::66",
        "CNAME" | "NS" => "liar.invalid.",
        "CAA" => "0 issue \"liar.invalid\"",
        "TXT" => "\"liar\"",
        "MX" => "10 liar.invalid.",
        "SOA" => "liar.invalid. liar.invalid. 1 60 60 60 60",
        "DS" => "1 8 2 00",
        _ => return Vec::new(),
    };
    vec![Found { name: name.clone(), kind: kind.to_owned(), ttl: ALIAS_TTL, data: data.to_owned() }]
}
