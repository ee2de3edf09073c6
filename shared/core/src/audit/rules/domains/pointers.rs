//! Records of this account's zones that lead to App Runner.

use super::super::super::facts::{Fleet, Pointer};
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

/// The status of the service that has the name; `None` where none of this account and region does.
fn owner<'f>(fleet: &'f Fleet, target: &Name) -> Option<(&'f str, &'f ServiceStatus)> {
    let has = |host: &Option<String>| host.as_ref().and_then(|host| Name::parse(host).ok()).as_ref() == Some(target);
    let listed = fleet.services.iter().find(|listed| has(&listed.host))?;
    Some((listed.arn.name(), &listed.status))
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
    for pointer in pointers(fleet, out) {
        let status = owner(fleet, &pointer.target).map(|(_, status)| status);
        if status.is_some_and(|status| *status != ServiceStatus::Deleted) {
            continue;
        }
        let at = record(&pointer.zone, &pointer.name, &pointer.kind);
        // The names of VPC ingress connections are of the same form.
        let Some(ingresses) = out.known(&at, &fleet.ingresses) else { continue };
        let is_ingress = |domain: &String| Name::parse(domain).is_ok_and(|domain| domain == pointer.target);
        if ingresses.iter().any(|ingress| ingress.domain.as_ref().is_some_and(is_ingress)) {
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
    for pointer in pointers(fleet, out) {
        let Some((name, status)) = owner(fleet, &pointer.target) else { continue };
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
