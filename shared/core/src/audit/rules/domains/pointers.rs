//! Records of this account's zones that lead to App Runner.

use std::collections::{HashMap, HashSet};

use super::super::super::facts::{Fleet, Listed, Pointer};
use super::super::super::{Findings, Resource};
use super::record;
use crate::dns::command::quote;
use crate::dns::name::Name;
use crate::service::ServiceStatus;

/// The records that lead to a default domain of this region, in a partition that has such.
fn pointers<'f>(fleet: &'f Fleet, out: &mut Findings) -> Vec<&'f Pointer> {
    let all = out.known(&Resource::Account, &fleet.pointers).map(Vec::as_slice).unwrap_or_default();
    let Ok(region) = Name::parse(&format!("{}.awsapprunner.com", fleet.place.region)) else { return Vec::new() };
    all.iter().filter(|pointer| pointer.target != region && pointer.target.is_at_or_below(&region)).collect()
}

/// A service, as a pointer's target: its name and its status.
type Owner<'f> = (&'f str, &'f ServiceStatus);

/// The services by their default domains. Made once: a zone may lead to each of ten thousand.
fn owners(fleet: &Fleet) -> HashMap<Name, Owner<'_>> {
    let host = |listed: &Listed| Name::parse(listed.host.as_ref()?).ok();
    fleet.services.iter().filter_map(|listed| Some((host(listed)?, (listed.arn.name(), &listed.status)))).collect()
}

fn look(pointer: &Pointer) -> String {
    format!(
        "aws route53 list-resource-record-sets --hosted-zone-id {} --start-record-name {} --start-record-type {} \
         --max-items 1",
        quote(&pointer.zone),
        quote(pointer.name.as_str()),
        quote(&pointer.kind)
    )
}

pub(super) fn dangling(fleet: &Fleet, out: &mut Findings) {
    let owners = owners(fleet);
    let ingresses = fleet.ingresses.get().and_then(Result::ok).map(Vec::as_slice).unwrap_or_default();
    // The names of VPC ingress connections are of the same form.
    let inside: HashSet<Name> =
        ingresses.iter().filter_map(|ingress| Name::parse(ingress.domain.as_ref()?).ok()).collect();
    for pointer in pointers(fleet, out) {
        let owner = owners.get(&pointer.target);
        if owner.is_some_and(|(_, status)| **status != ServiceStatus::Deleted) || inside.contains(&pointer.target) {
            continue;
        }
        let at = record(&pointer.zone, &pointer.name, &pointer.kind);
        // The name may be that of a service, or of an ingress connection, that nobody could look at.
        if out.known(&at, &fleet.ingresses).is_none() || (owner.is_none() && !out.all_seen(&at, fleet)) {
            continue;
        }
        out.find(
            at,
            format!(
                "{} {} leads to {}, and no service of account {} in {} has that name. It may belong to another account; else \
                 it is free, and whether App Runner gives a name out again is not documented.",
                pointer.name, pointer.kind, pointer.target, fleet.place.account, fleet.place.region
            ),
            "Where no other account of yours has the service, delete the record exactly as it is listed.",
            look(pointer),
        );
    }
}

pub(super) fn dead(fleet: &Fleet, out: &mut Findings) {
    let owners = owners(fleet);
    for pointer in pointers(fleet, out) {
        let Some((name, status)) = owners.get(&pointer.target) else {
            // It may be that of a service that is paused, if only one could look.
            out.all_seen(&record(&pointer.zone, &pointer.name, &pointer.kind), fleet);
            continue;
        };
        match status {
            ServiceStatus::Paused | ServiceStatus::CreateFailed | ServiceStatus::DeleteFailed => out.find(
                record(&pointer.zone, &pointer.name, &pointer.kind),
                format!("{} leads to the service {name}, which is {}.", pointer.name, status.as_str()),
                "Bring the service back, or delete the record exactly as it is listed.",
                look(pointer),
            ),
            ServiceStatus::Unknown(word) => out.unchecked(
                &record(&pointer.zone, &pointer.name, &pointer.kind),
                &format!("the status `{word}` of {name} is not known"),
            ),
            ServiceStatus::Running | ServiceStatus::OperationInProgress | ServiceStatus::Deleted => {}
        }
    }
}

#[cfg(test)]
mod tests;
