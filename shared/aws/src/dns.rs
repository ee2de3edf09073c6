//! The reads about records that a decision asks for, and what one invocation remembers of them.
//!
//! Which zones there are and which servers Route 53 gave them is read once an invocation. What stands in a zone and what
//! the DNS says is read fresh for an event; a sweep reads it once for all domains, until one of them is about to be changed,
//! and asks Route 53 no faster than its [`Pace`].

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use pitcrew_core::dns::facts::{Answer, DnsFacts, DnsLook, Zone, ZoneRef, Zones};
use pitcrew_core::dns::name::Name;
use pitcrew_core::dns::record::{RecordSet, RecordType};
use pitcrew_core::fact::Fact;
use tokio::sync::Mutex;

use crate::engine::fact;
use crate::error::AwsError;
use crate::lazy::Lazy;
use crate::resolve::Resolver;
use crate::route53::{Pace, Pages, Route53};

/// Whether what an earlier domain of this invocation saw may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// An event, an operator, or anything behind an intent.
    Fresh,
    /// A sweep that has not decided to write yet.
    Shared,
}

type Held<K, T> = Mutex<BTreeMap<K, Fact<T>>>;

/// What one invocation read.
pub struct DnsReads<'a> {
    route53: &'a Route53,
    /// Built by the first question.
    resolver: &'a Lazy<Resolver>,
    zones: Mutex<Fact<Zones>>,
    servers: Held<String, Vec<Name>>,
    /// The VPCs of a private zone.
    vpcs: Held<String, Vec<String>>,
    pages: Mutex<BTreeMap<String, Arc<Mutex<Pages>>>>,
    answers: Held<(Name, RecordType), Answer>,
    pace: Arc<Pace>,
}

impl<'a> DnsReads<'a> {
    pub fn new(route53: &'a Route53, resolver: &'a Lazy<Resolver>) -> Self {
        Self {
            route53,
            resolver,
            zones: Mutex::default(),
            servers: Mutex::default(),
            vpcs: Mutex::default(),
            pages: Mutex::default(),
            answers: Mutex::default(),
            pace: Arc::default(),
        }
    }

    /// Reads what a look asks for into `facts`. `about`: the custom domain that it is for; only looks at private zones need it.
    ///
    /// # Errors
    /// What may pass by itself, such as throttling: the run ends, and a later one reads again. Everything else is a fact.
    pub async fn look(
        &self,
        look: DnsLook,
        about: Option<&Name>,
        reading: Reading,
        facts: &mut DnsFacts,
    ) -> Result<(), AwsError> {
        match look {
            DnsLook::Zones => facts.zones = self.zones().await?,
            DnsLook::Servers(zone) => {
                let pace = (reading == Reading::Shared).then_some(&*self.pace);
                let servers = held(&self.servers, zone.id.clone(), self.route53.observe_servers(&zone, pace)).await?;
                facts.servers.push((zone.id, servers));
            }
            DnsLook::PrivateZones { vpc } => {
                let zones = self.private_zones(&vpc, about).await?;
                facts.private.push((vpc, zones));
            }
            DnsLook::Records { zone, names } => {
                for (name, sets) in self.records(&zone, names, reading).await? {
                    facts.standing.push((zone.id.clone(), name, sets));
                }
            }
            DnsLook::Ask { name, kind } => {
                let answer = self.ask(&name, &kind, reading).await;
                facts.answers.push((name, kind, answer));
            }
        }
        Ok(())
    }

    /// Forgets what stands in a zone: it was changed, or is about to be.
    pub async fn forget(&self, zone: &ZoneRef) {
        self.pages.lock().await.remove(&zone.id);
    }

    /// All hosted zones, listed once.
    ///
    /// # Errors
    /// What may pass by itself.
    pub async fn zones(&self) -> Result<Fact<Zones>, AwsError> {
        let mut zones = self.zones.lock().await;
        if zones.get().is_none() {
            *zones = fact(self.route53.observe_zones().await)?;
        }
        Ok(zones.clone())
    }

    /// The private zones that are visible in a VPC, as far as they matter for the domain: those at, above or below it. Each is
    /// asked for its VPCs, which needs no right that the public zones do not need. (`ListHostedZonesByVPC` would need two
    /// more, one of them on EC2.)
    async fn private_zones(&self, vpc: &str, about: Option<&Name>) -> Result<Fact<Vec<String>>, AwsError> {
        let zones = match self.zones().await? {
            Fact::Known(zones) => zones,
            Fact::Unavailable(why) => return Ok(Fact::Unavailable(why)),
            Fact::Unread => return Ok(Fact::Unread),
        };
        let mut visible = Vec::new();
        for zone in zones.all.iter().filter(|zone| matters(zone, about)) {
            match held(&self.vpcs, zone.at.id.clone(), self.route53.observe_vpcs(zone)).await? {
                Fact::Known(vpcs) if vpcs.iter().any(|known| known == vpc) => visible.push(zone.at.id.clone()),
                Fact::Known(_) => {}
                // A zone that cannot be read may be the one.
                Fact::Unavailable(why) => return Ok(Fact::Unavailable(why)),
                Fact::Unread => return Ok(Fact::Unread),
            }
        }
        Ok(Fact::Known(visible))
    }

    /// One domain at a time reads on in a zone, so that the others find what it read.
    async fn records(
        &self,
        zone: &ZoneRef,
        names: Vec<Name>,
        reading: Reading,
    ) -> Result<Vec<(Name, Fact<Vec<RecordSet>>)>, AwsError> {
        let pages = match reading {
            Reading::Fresh => Arc::default(),
            Reading::Shared => {
                let paced = || Arc::new(Mutex::new(Pages::paced(self.pace.clone())));
                self.pages.lock().await.entry(zone.id.clone()).or_insert_with(paced).clone()
            }
        };
        let mut pages = pages.lock().await;
        let read = fact(self.route53.observe_records(zone, &names, &mut pages).await)?;
        let unread = || Fact::Unavailable("the record sets were not read".to_owned());
        let at = |name: &Name| match &read {
            Fact::Unavailable(why) => Fact::Unavailable(why.clone()),
            _ => pages.at(name).map_or_else(unread, Fact::Known),
        };
        Ok(names.into_iter().map(|name| (name.clone(), at(&name))).collect())
    }

    async fn ask(&self, name: &Name, kind: &RecordType, reading: Reading) -> Fact<Answer> {
        let key = (name.clone(), kind.clone());
        if reading == Reading::Shared
            && let Some(answer) = self.answers.lock().await.get(&key)
        {
            return answer.clone();
        }
        let answer = match self.resolver.ask(name, kind).await {
            Ok(answer) => Fact::Known(answer),
            Err(error) => {
                tracing::warn!(%error, "a fact cannot be read");
                Fact::Unavailable(error.to_string())
            }
        };
        self.answers.lock().await.insert(key, answer.clone());
        answer
    }
}

/// Whether a private zone can hold records of the domain: it is the domain's, above it, or below it (`www`).
fn matters(zone: &Zone, about: Option<&Name>) -> bool {
    let near = |base: Name| base.is_at_or_below(&zone.at.name) || zone.at.name.is_at_or_below(&base);
    zone.private && about.is_none_or(|about| near(about.base()))
}

/// What is known under a key, read where it is not. What may pass by itself is not remembered.
async fn held<K: Ord, T: Clone>(
    facts: &Held<K, T>,
    key: K,
    read: impl Future<Output = Result<T, AwsError>>,
) -> Result<Fact<T>, AwsError> {
    let mut facts = facts.lock().await;
    if let Some(known) = facts.get(&key) {
        return Ok(known.clone());
    }
    let fresh = fact(read.await)?;
    facts.insert(key, fresh.clone());
    Ok(fresh)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_zone_matters_at_above_and_below_its_domain() {
        let name = |text: &str| Name::parse(text).unwrap();
        let zone = |at: &str, private| {
            let at = ZoneRef { id: "Z1".into(), name: name(at), role: None };
            Zone { at, private, writable: true }
        };
        let about = name("*.shop.example.com");
        for (at, expected) in [
            ("shop.example.com", true),
            ("example.com", true),
            ("www.shop.example.com", true),
            ("other.example.com", false),
            ("p.example.com", false),
        ] {
            assert_eq!(matters(&zone(at, true), Some(&about)), expected, "{at}");
        }
        assert!(!matters(&zone("example.com", false), Some(&about)));
    }
}
