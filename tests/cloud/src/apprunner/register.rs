//! The services of the account, and what is due for them in an order that is kept rather than searched for: of ten thousand
//! services only those are looked at that a call or a timer touched.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::call::Ctx;

use super::Timer;
use super::services::Service;

/// A timer and its moment.
pub(super) type Due = (Timestamp, Timer);

#[derive(Clone, Debug, Default)]
pub(super) struct Register {
    by_arn: BTreeMap<String, Service>,
    /// What is due, the next first.
    agenda: BTreeSet<Due>,
    /// What of it is each service's, by ARN.
    entries: BTreeMap<String, Vec<Due>>,
    /// Those that may have changed since the agenda was last brought up to date, by ARN.
    touched: BTreeSet<String>,
    /// Which state of the world's traffic the services know.
    traffic_seen: u64,
}

impl Register {
    pub(super) fn get(&self, arn: &str) -> Option<&Service> {
        self.by_arn.get(arn)
    }

    /// Whoever changes a service calls [`Register::settle`] before the next look at what is due.
    pub(super) fn get_mut(&mut self, arn: &str) -> Option<&mut Service> {
        let service = self.by_arn.get_mut(arn)?;
        if !self.touched.contains(arn) {
            self.touched.insert(arn.to_owned());
        }
        Some(service)
    }

    /// The first, by ARN, of whom this is so.
    pub(super) fn find_mut(&mut self, wanted: impl Fn(&Service) -> bool) -> Option<&mut Service> {
        let arn = self.values().find(|service| wanted(service))?.ident.arn.clone();
        self.get_mut(&arn)
    }

    /// In the order of their ARNs.
    pub(super) fn values(&self) -> impl Iterator<Item = &Service> + Clone {
        self.by_arn.values()
    }

    /// For what may change every one of them.
    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut Service> {
        self.touched.extend(self.by_arn.keys().cloned());
        self.by_arn.values_mut()
    }

    pub(super) fn insert(&mut self, service: Service) {
        let arn = service.ident.arn.clone();
        self.touched.insert(arn.clone());
        self.by_arn.insert(arn, service);
    }

    /// What is due next.
    pub(super) fn next(&self) -> Option<&Due> {
        self.agenda.first()
    }

    /// Takes notice of what changed: traffic starts or stops the minutes, and the agenda follows the services.
    pub(super) fn settle(&mut self, ctx: &Ctx<'_>) {
        if self.traffic_seen != ctx.outside.traffic.changes() {
            self.traffic_seen = ctx.outside.traffic.changes();
            self.touched.extend(self.by_arn.keys().cloned());
        }
        for arn in std::mem::take(&mut self.touched) {
            let Some(service) = self.by_arn.get_mut(&arn) else { continue };
            service.refresh_traffic(ctx);
            let now: Vec<Due> = service.due().collect();
            for over in self.entries.remove(&arn).into_iter().flatten() {
                self.agenda.remove(&over);
            }
            self.agenda.extend(now.iter().cloned());
            self.entries.insert(arn, now);
        }
    }

    /// What the agenda should hold, read from the services themselves.
    #[cfg(test)]
    pub(super) fn searched(&self) -> BTreeSet<Due> {
        self.by_arn.values().flat_map(Service::due).collect()
    }

    #[cfg(test)]
    pub(super) fn agenda(&self) -> &BTreeSet<Due> {
        &self.agenda
    }
}

impl Service {
    fn due(&self) -> impl Iterator<Item = Due> {
        let arn = || self.ident.arn.clone();
        let domains = self.domains.iter().filter_map(|domain| domain.due).min();
        [
            self.traffic.due.map(|due| (due, Timer::Minute(arn()))),
            self.job.as_ref().map(|job| (job.due, Timer::Job(arn()))),
            self.push_due.map(|due| (due, Timer::Push(arn()))),
            domains.map(|due| (due, Timer::Domains(arn()))),
        ]
        .into_iter()
        .flatten()
    }
}
