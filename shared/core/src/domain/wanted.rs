//! Which records a custom domain needs: the proofs that App Runner asks for, and the records that lead to the service.
//!
//! | seen | wanted target |
//! |---|---|
//! | targets in VPCs | in each VPC's private zone a CNAME; nothing public (an alias cannot lead there) |
//! | an alias or a CNAME to the target stands there, or we own one | that form: the service need not be described |
//! | a private service without a VPC ingress connection, whether or not App Runner shows a target | none yet: told |
//! | a public service for which App Runner shows no target | none: it cannot be known where the name is to lead |
//! | a service created before 2022-08-01, or a region whose zone id is not known | CNAME |
//! | any other service | alias A |
//!
//! The proofs are public in every case, and are whatever App Runner lists. An alias for AAAA is not wanted: whether App
//! Runner answers over IPv6 at its own name is not documented.

use jiff::Timestamp;

use super::zone_ids::zone_id;
use super::{Association, Look, Observed, Settings};
use crate::dns::name::Name;
use crate::dns::plan::{Place, Purpose, Wanted};
use crate::dns::record::RecordSet;
use crate::dns::zone;
use crate::fact::Fact;

/// Aliases lead only to services that were created after this moment, 2022-08-01 (AWS General Reference).
const ALIAS_SINCE_SECOND: i64 = 1_659_312_000;

/// Why no target can be wanted now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Gap {
    /// The service cannot be described.
    Blind(String),
    /// A private service that no VPC ingress connection leads to.
    NoIngress,
}

/// What should stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Goal {
    pub wanted: Vec<Wanted>,
    pub gap: Option<Gap>,
}

/// The names that the certificate is for, as far as people know them.
pub(super) fn hosts(seen: &Observed, association: &Association) -> Vec<Name> {
    let mut names = vec![seen.name.clone()];
    // A wildcard has no `www`; a name that is too long for it has none either.
    if association.www && !seen.name.is_wildcard() {
        names.extend(seen.name.below("www"));
    }
    names
}

/// Whether the service is known to be reached inside VPCs only.
pub(super) fn is_private(association: &Association) -> bool {
    !association.vpc_targets.is_empty()
}

/// Everything that should stand for the association.
///
/// # Errors
/// The read that is missing.
pub(super) fn goal(seen: &Observed, settings: &Settings, association: &Association) -> Result<Goal, Look> {
    let proofs = association.records.iter().map(|record| Wanted {
        purpose: Purpose::Validation,
        place: Place::Public,
        record: RecordSet::cname(record.name.clone(), &record.value),
    });
    let mut goal = Goal { wanted: proofs.collect(), gap: None };
    let hosts = hosts(seen, association);
    if is_private(association) {
        for at in &association.vpc_targets {
            let place = || Place::Private { vpc: at.vpc.clone() };
            let target = |host: &Name| RecordSet::cname(host.clone(), &at.target);
            let wanted = |host| Wanted { purpose: Purpose::Target, place: place(), record: target(host) };
            goal.wanted.extend(hosts.iter().map(wanted));
        }
        return Ok(goal);
    }
    let Some(target) = &association.dns_target else {
        goal.gap = Some(without_target(seen)?);
        return Ok(goal);
    };
    let mut names: Vec<Name> = goal.wanted.iter().map(|wanted| wanted.record.name.clone()).collect();
    names.extend(hosts.iter().chain(seen.memory.owned.iter().map(|owned| &owned.record.name)).cloned());
    // The wildcards that may answer for a new domain are read along: one listing brings all.
    if seen.memory.owned.is_empty() && seen.memory.finished_at.is_none() {
        let above = |host: &Name| host.climb().skip(1).filter_map(|at| at.below("*").ok()).collect::<Vec<_>>();
        names.extend(hosts.iter().flat_map(above));
    }
    for host in hosts {
        let forms = Forms::of(&host, target, &settings.region);
        let known = forms.known(seen, &host, &names)?;
        let record = match known {
            Some(record) => record,
            None => match forms.by_service(seen)? {
                Ok(record) => record,
                Err(gap) => {
                    goal.gap = Some(gap);
                    continue;
                }
            },
        };
        goal.wanted.push(Wanted { purpose: Purpose::Target, place: Place::Public, record });
    }
    Ok(goal)
}

/// Why App Runner shows no target at all: a private service may have none before a VPC ingress connection leads to it.
fn without_target(seen: &Observed) -> Result<Gap, Look> {
    Ok(match &seen.about_service {
        Fact::Unread => return Err(Look::Service),
        Fact::Known(Some(service)) if !service.public => Gap::NoIngress,
        Fact::Known(_) => Gap::Blind("App Runner shows no target for the domain".to_owned()),
        Fact::Unavailable(why) => Gap::Blind(why.clone()),
    })
}

/// The forms in which a name can lead to the target.
struct Forms {
    alias: Option<RecordSet>,
    cname: RecordSet,
}

impl Forms {
    fn of(host: &Name, target: &Name, region: &str) -> Self {
        let alias = zone_id(region).map(|zone| RecordSet::alias(host.clone(), zone, target.clone()));
        Self { alias, cname: RecordSet::cname(host.clone(), target) }
    }

    fn same_as(&self, record: &RecordSet) -> Option<RecordSet> {
        [self.alias.as_ref(), Some(&self.cname)].into_iter().flatten().find(|form| form.serves_as(record)).cloned()
    }

    /// The form that we made, or that stands already: both say what the service takes, without a call.
    fn known(&self, seen: &Observed, host: &Name, names: &[Name]) -> Result<Option<RecordSet>, Look> {
        if let Some(record) = seen.memory.owned.iter().find_map(|owned| self.same_as(&owned.record)) {
            return Ok(Some(record));
        }
        let Ok(zone) = zone::choose(host, names, &seen.dns)? else { return Ok(None) };
        let inside: Vec<Name> = names.iter().filter(|name| name.is_at_or_below(&zone.name)).cloned().collect();
        let standing = seen.dns.standing(&zone, host, &inside)?;
        Ok(standing.ok().and_then(|sets| sets.iter().find_map(|set| self.same_as(set))))
    }

    fn by_service(self, seen: &Observed) -> Result<Result<RecordSet, Gap>, Look> {
        let service = match &seen.about_service {
            Fact::Unread => return Err(Look::Service),
            Fact::Unavailable(why) => return Ok(Err(Gap::Blind(why.clone()))),
            Fact::Known(None) => return Ok(Err(Gap::Blind("the service is gone".to_owned()))),
            Fact::Known(Some(service)) => service,
        };
        if !service.public {
            return Ok(Err(Gap::NoIngress));
        }
        let takes_alias = Timestamp::from_second(ALIAS_SINCE_SECOND).is_ok_and(|since| service.created_at >= since);
        Ok(Ok(self.alias.filter(|_| takes_alias).unwrap_or(self.cname)))
    }
}
