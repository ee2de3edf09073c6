//! A fleet with planted faults: forty-odd services of an invented company that carries parcels, on the local cloud.
//!
//! First the ground: a network in three zones, roles, a web ACL, alarms, retention, tracing, health checks by HTTP. On it no
//! rule of the audit finds anything but what [`EVERYWHERE`] names. Then each fault is one function that plants one thing;
//! [`PLANTED`] says which rule must find it where, [`UNPLAYED`] which rules nothing is planted for, and why.
//!
//! Owns what the company and the years did to the fleet. It must not know how an audit reads or judges.

mod domains;
mod ground;
mod images;
mod ingress;
mod judge;
mod mend;
mod network;
mod people;
mod planted;
mod quotas;
mod recipe;
mod services;
mod site;

use std::collections::BTreeMap;

use serde_json::{Value, json};

pub use ground::Ground;
pub use judge::{Judged, place};
pub use mend::MENDED;
pub use planted::{EVERYWHERE, PLANTED, Planted, UNPLAYED};
pub use site::{FleetError, Site};

/// Minutes that forty services need to come up; a deployment takes less than ten.
const UP_MINUTES: u64 = 15;
/// Minutes that what was changed afterwards needs.
const SETTLED_MINUTES: u64 = 15;
/// An operation of an hour ago had time to show its event: only then is silence a finding.
const SILENT_MINUTES: u64 = 75;
/// Services that the account may have, by a quota that was raised.
const SERVICES_MAX: u64 = 100;

/// The planted fleet.
#[derive(Clone, Debug)]
pub struct Fleet {
    pub ground: Ground,
    /// ARNs by the name of the service.
    pub services: BTreeMap<String, String>,
    /// Ids or ARNs of what else [`PLANTED`] names: connectors, ingress connections, endpoints, groups, connections.
    pub others: BTreeMap<String, String>,
}

impl Fleet {
    /// Plants the fleet, which takes some two hours of the cloud's time.
    ///
    /// # Errors
    /// Where the cloud refuses a call, or its clock is stuck.
    pub async fn plant(site: &Site<'_>) -> Result<Self, FleetError> {
        // Whoever built the fleet has switched the events off: no event rule of the stack fires.
        site.lose_events()?;
        site.internal("apprunner", "_Quota", json!({"Services": SERVICES_MAX}))?;
        let ground = Ground::lay(site).await?;
        let mut fleet = Self { ground, services: BTreeMap::new(), others: BTreeMap::new() };
        network::plant(site, &mut fleet).await?;
        services::create(site, &mut fleet)?;
        site.minutes(UP_MINUTES).await?;
        people::watch(site, &fleet)?;
        quotas::plant(site, &mut fleet)?;
        ingress::plant(site, &mut fleet)?;
        images::change(site, &fleet)?;
        people::change(site, &fleet)?;
        let links = domains::associate(site, &fleet)?;
        site.minutes(SETTLED_MINUTES).await?;
        domains::enter(site, &fleet, &links)?;
        people::retain(site, &fleet)?;
        site.minutes(SILENT_MINUTES).await?;
        // Last, what is remembered and what grew old: nothing that runs beside may write over it.
        domains::break_links(site, &fleet)?;
        people::age(site, &fleet)?;
        site.minutes(1).await?;
        fleet.remember(site)?;
        Ok(fleet)
    }

    /// Writes into the state table what pitcrew would remember after years. Where pitcrew runs beside and time has passed, it
    /// has to be written again.
    ///
    /// # Errors
    /// Where the table refuses a row.
    pub fn remember(&self, site: &Site<'_>) -> Result<(), FleetError> {
        images::remember(site, self)?;
        domains::remember(site, self)
    }

    /// The ARN of a service.
    ///
    /// # Errors
    /// Where there is none of that name.
    pub fn service(&self, name: &str) -> Result<&str, FleetError> {
        self.services.get(name).map(String::as_str).ok_or_else(|| FleetError::Unknown(name.to_owned()))
    }

    /// What [`PLANTED`] names, as AWS names it: an ARN or an id; names of records and `account` stay as they are.
    pub fn resource<'a>(&'a self, name: &'a str) -> &'a str {
        self.services.get(name).or_else(|| self.others.get(name)).map_or(name, String::as_str)
    }

    fn keep(&mut self, name: &str, value: &Value) -> Result<String, FleetError> {
        let id = value.as_str().ok_or_else(|| FleetError::Unknown(name.to_owned()))?.to_owned();
        self.others.insert(name.to_owned(), id.clone());
        Ok(id)
    }
}
