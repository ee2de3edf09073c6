//! Route 53, of our own account and of accounts that a role leads to: hosted zones, record sets, changes.
//!
//! Reads are tried three times by the SDK, politely: Route 53 takes five requests a second for a whole account. A change is
//! sent once. What may be written is decided in `core`; what could overwrite is not even spelt here: there is no `UPSERT`.

mod change;
mod pace;
mod records;
mod roles;
mod zones;

pub use change::Doubt;
pub use pace::Pace;
pub use records::Pages;
pub use zones::{Scope, ScopeError};

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_config::SdkConfig;
use aws_sdk_route53::Client;
use pitcrew_core::dns::facts::{Zone, ZoneRef, Zones};
use pitcrew_core::dns::name::Name;
use pitcrew_core::dns::plan::Batch;
use pitcrew_core::dns::record::RecordSet;
use pitcrew_core::domain::CallAnswer;
use tokio::sync::Mutex;

use crate::date::ServerDate;
use crate::error::AwsError;
use crate::lazy::Lazy;
use roles::Roles;

/// Which zones there are for us: the stack's parameters.
#[derive(Clone, Debug, Default)]
pub struct ZoneSettings {
    /// The zones that may be written to.
    pub writable: Scope,
    /// Roles of other accounts whose zones are listed too.
    pub roles: Vec<String>,
    /// What those roles ask for.
    pub external_id: Option<String>,
}

/// How long the servers of a zone are remembered. Route 53 never gives a zone others: this bounds the list, and nothing more.
const SERVERS_KEPT: Duration = Duration::from_secs(60 * 60);

/// The servers of the zones that were asked for, and when.
type Servers = Arc<Mutex<BTreeMap<String, (Instant, Vec<Name>)>>>;

/// Route 53 as this process reaches it. Clones share clients and credentials.
#[derive(Clone)]
pub struct Route53 {
    own: Lazy<Client>,
    roles: Roles,
    settings: ZoneSettings,
    servers: Servers,
}

impl Route53 {
    pub fn new(config: &SdkConfig, date: &ServerDate, mut settings: ZoneSettings) -> Self {
        each_once(&mut settings.roles);
        let (config_own, date_own) = (config.clone(), date.clone());
        let own = Lazy::new(move || {
            Client::from_conf(aws_sdk_route53::config::Builder::from(&config_own).interceptor(date_own).build())
        });
        let roles = Roles::new(config, date, settings.external_id.clone());
        Self { own, roles, settings, servers: Servers::default() }
    }

    async fn client(&self, role: Option<&str>) -> Result<Client, AwsError> {
        match role {
            None => Ok((*self.own).clone()),
            Some(role) => self.roles.open(role).await,
        }
    }

    /// Every hosted zone of our own account and of the accounts that the roles lead to. An account that a role does not open,
    /// for whatever reason, is named in the answer; our own must answer.
    ///
    /// # Errors
    /// Our own account cannot be listed.
    pub async fn observe_zones(&self) -> Result<Zones, AwsError> {
        let scope = &self.settings.writable;
        let mut zones = Zones { all: zones::list(&self.own, None, scope).await?, unlisted: Vec::new() };
        for role in &self.settings.roles {
            let listed = match self.client(Some(role)).await {
                Ok(client) => zones::list(&client, Some(role), scope).await,
                Err(error) => Err(error),
            };
            match listed {
                Ok(listed) => zones.all.extend(listed),
                Err(error) => {
                    tracing::warn!(role, error = error.line(), "the hosted zones of another account cannot be listed");
                    zones.unlisted.push((role.clone(), error.line()));
                }
            }
        }
        Ok(zones)
    }

    /// The name servers that Route 53 gave a public zone: read once, and remembered by this process from one sweep to the next.
    ///
    /// # Errors
    /// The zone cannot be read, or is a private one.
    pub async fn observe_servers(&self, zone: &ZoneRef, pace: Option<&Pace>) -> Result<Vec<Name>, AwsError> {
        let kept = |(at, _): &&(Instant, Vec<Name>)| at.elapsed() < SERVERS_KEPT;
        if let Some((_, servers)) = self.servers.lock().await.get(&zone.id).filter(kept) {
            return Ok(servers.clone());
        }
        if let Some(pace) = pace {
            pace.turn().await;
        }
        let servers = zones::servers(&self.client(zone.role.as_deref()).await?, &zone.id).await?;
        let mut known = self.servers.lock().await;
        known.retain(|_, (at, _)| at.elapsed() < SERVERS_KEPT);
        known.insert(zone.id.clone(), (Instant::now(), servers.clone()));
        Ok(servers)
    }

    /// The VPCs that a private zone is visible in.
    ///
    /// # Errors
    /// The zone cannot be read.
    pub async fn observe_vpcs(&self, zone: &Zone) -> Result<Vec<String>, AwsError> {
        zones::vpcs(&self.client(zone.at.role.as_deref()).await?, &zone.at.id).await
    }

    /// Reads on until everything at these names of the zone is known in `pages`.
    ///
    /// # Errors
    /// A page cannot be read, or more are needed than one look may take; what was read stays in `pages`.
    pub async fn observe_records(&self, zone: &ZoneRef, names: &[Name], pages: &mut Pages) -> Result<(), AwsError> {
        records::read(&self.client(zone.role.as_deref()).await?, &zone.id, names, pages).await
    }

    /// Every record set of a zone that leads, by alias or CNAME, to a name at or below `suffix`. `pages`: how many pages of 300
    /// may still be read; what was read is taken off.
    ///
    /// # Errors
    /// A page cannot be read, or more are needed.
    pub async fn observe_leading(
        &self,
        zone: &ZoneRef,
        suffix: &Name,
        pages: &mut usize,
    ) -> Result<Vec<RecordSet>, AwsError> {
        records::leading(&self.client(zone.role.as_deref()).await?, &zone.id, suffix, pages).await
    }

    /// Whether a change is on all of Route 53's servers. One that Route 53 does not know any more is long over.
    ///
    /// # Errors
    /// The change cannot be read.
    pub async fn observe_change(&self, zone: &ZoneRef, id: &str) -> Result<bool, AwsError> {
        change::in_sync(&self.client(zone.role.as_deref()).await?, id).await
    }

    /// Sends the one batch of an intent, once.
    pub async fn apply(&self, batch: &Batch, intent: &str) -> CallAnswer {
        match self.client(batch.zone.role.as_deref()).await {
            Ok(client) => change::apply(&client, batch, intent).await,
            // Without credentials nothing was sent.
            Err(error) => CallAnswer::NotMade(error.line()),
        }
    }
}

/// A role that was given twice leads to the same zones: listed twice, each of them would look like two of one name.
fn each_once(roles: &mut Vec<String>) {
    let mut known = BTreeSet::new();
    roles.retain(|role| known.insert(role.clone()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_that_is_given_twice_is_one() {
        let mut roles = ["b", "a", "b", "a"].map(str::to_owned).to_vec();
        each_once(&mut roles);
        assert_eq!(roles, ["b", "a"], "in the order in which they were given");
    }
}
