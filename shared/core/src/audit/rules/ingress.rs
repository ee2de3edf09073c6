//! The way into private services: VPC ingress connections, their endpoints, and the names that lead there.
//!
//! | rule | finds | grade |
//! |---|---|---|
//! | `ingress-none` | a private service without an ingress connection | high |
//! | `ingress-failed` | an ingress connection that failed | high |
//! | `ingress-pending` | an ingress connection that is still being made after an hour | medium |
//! | `ingress-service-gone` | an ingress connection of a service that is gone | medium |
//! | `ingress-endpoint-gone` | an endpoint that is missing or not available | high |
//! | `ingress-endpoint-service` | an endpoint of another service than App Runner's requests | high |
//! | `ingress-zones` | an endpoint in one zone | medium |
//! | `ingress-closed` | an endpoint whose security groups let nobody in at 443 | high |
//! | `ingress-open` | an endpoint whose security groups let everybody in at 443 | medium |
//! | `ingress-public-name` | a public name that leads to a private service | medium |
//! | `ingress-private-record` | a domain without its record in the VPC's private zone | high |

pub(super) mod endpoints;

use std::collections::BTreeSet;

use super::super::facts::{Fleet, Ingress, IngressStatus, Listed};
use super::super::{Check, Findings, Grade, Group, Resource, Rule, ServiceFacts};
use super::subject::{guide, private_article, this};
use crate::dns::command::quote;
use crate::dns::facts::Answer;
use crate::dns::name::Name;
use crate::dns::plan::Purpose;
use crate::dns::record::RecordType;
use crate::domain::DomainStatus;
use crate::service::ServiceStatus;

pub(super) const RULES: &[Rule] = &[
    Rule::new(
        Group::Ingress,
        "ingress-none",
        Grade::High,
        "Nothing leads to a private service",
        "It cannot be reached from the internet, and from a VPC only through an ingress connection.",
        guide("VPC Ingress Connection"),
        Check::Service(none),
    ),
    Rule::new(
        Group::Ingress,
        "ingress-failed",
        Grade::High,
        "A VPC ingress connection failed",
        "Nobody in the VPC reaches the service through it, or it cannot be changed.",
        guide("Update VPC Ingress Connection"),
        Check::Fleet(failed),
    ),
    Rule::new(
        Group::Ingress,
        "ingress-pending",
        Grade::Medium,
        "A VPC ingress connection is still being made",
        "It takes minutes; one that takes an hour most often waits for an endpoint that is not right.",
        guide("VPC Ingress Connection"),
        Check::Fleet(pending),
    ),
    Rule::new(
        Group::Ingress,
        "ingress-service-gone",
        Grade::Medium,
        "A VPC ingress connection leads to a service that is gone",
        "Clients in the VPC ask a name that nobody answers, and it counts in the quota.",
        guide("Delete VPC Ingress Connection"),
        Check::Fleet(service_gone),
    ),
    Rule::new(
        Group::Ingress,
        "ingress-endpoint-gone",
        Grade::High,
        "The endpoint of a VPC ingress connection is not there",
        "Requests from the VPC have no way to the service.",
        guide("VPC interface endpoint"),
        Check::Fleet(endpoints::gone),
    ),
    Rule::new(
        Group::Ingress,
        "ingress-endpoint-service",
        Grade::High,
        "The endpoint of a VPC ingress connection is of another service",
        "Only an endpoint of `apprunner.requests` carries requests to private services.",
        private_article("Private Services Traffic Routing"),
        Check::Fleet(endpoints::of_another_service),
    ),
    Rule::new(
        Group::Ingress,
        "ingress-zones",
        Grade::Medium,
        "The endpoint of a private service stands in one zone",
        "When the zone fails, nobody reaches the service; two zones are what AWS recommends.",
        guide("Considerations"),
        Check::Fleet(endpoints::zones),
    ),
    Rule::new(
        Group::Ingress,
        "ingress-closed",
        Grade::High,
        "The endpoint of a private service lets nobody in",
        "Clients speak HTTPS to it; without a rule for port 443 they wait for an answer that never comes.",
        private_article("Private Services Traffic Routing"),
        Check::Fleet(endpoints::closed),
    ),
    Rule::new(
        Group::Ingress,
        "ingress-open",
        Grade::Medium,
        "The endpoint of a private service lets everybody in",
        "Its security group is the only thing that decides who in the VPC, and in what is connected to it, reaches \
         the service.",
        guide("Considerations"),
        Check::Fleet(endpoints::open),
    ),
    Rule::new(
        Group::Ingress,
        "ingress-public-name",
        Grade::Medium,
        "A public name leads to a private service",
        "Visitors from outside reach nothing, and everybody learns of the service. Such a name belongs into a \
         private zone.",
        guide("Enabling Private endpoint for incoming traffic"),
        Check::Service(public_name),
    ),
    Rule::new(
        Group::Ingress,
        "ingress-private-record",
        Grade::High,
        "A domain has no record in the private zone of its VPC",
        "Clients in the VPC do not find the service under its own name.",
        guide("Managing custom domain names for an App Runner service"),
        Check::Service(private_record),
    ),
];

/// Longer than App Runner needs for an ingress connection, in hours.
const PENDING_HOURS_MAX: i64 = 1;

fn of(ingress: &Ingress) -> Resource {
    Resource::other("VPC ingress connection", ingress.arn.clone())
}

/// All that are not deleted.
fn ingresses<'f>(fleet: &'f Fleet, out: &mut Findings) -> Vec<&'f Ingress> {
    let all = out.known(&Resource::Account, &fleet.ingresses).map(Vec::as_slice).unwrap_or_default();
    all.iter().filter(|ingress| ingress.status != IngressStatus::Deleted).collect()
}

fn is_alive(listed: &&Listed) -> bool {
    listed.status != ServiceStatus::Deleted
}

fn none(fleet: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    if service.public || service.status == ServiceStatus::Deleted {
        return;
    }
    let at = this(service);
    let Some(all) = out.known(&at, &fleet.ingresses) else { return };
    let leads = |it: &Ingress| it.status != IngressStatus::Deleted && it.service == service.arn.to_string();
    if !all.iter().any(leads) {
        out.find(
            at,
            "It is private, and no VPC ingress connection leads to it.",
            "Make an endpoint for App Runner's requests in the VPC, and an ingress connection to it.",
            format!(
                "aws apprunner create-vpc-ingress-connection --service-arn {} --vpc-ingress-connection-name {} \
                 --ingress-vpc-configuration VpcId=VPC_ID,VpcEndpointId=ENDPOINT_ID",
                service.arn,
                quote(service.arn.name())
            ),
        );
    }
}

fn failed(fleet: &Fleet, out: &mut Findings) {
    for ingress in ingresses(fleet, out) {
        let IngressStatus::Failed(status) = &ingress.status else { continue };
        let (fix, command) = match status.to_ascii_uppercase().as_str() {
            "FAILED_DELETION" => (
                "Delete it again.",
                format!(
                    "aws apprunner delete-vpc-ingress-connection --vpc-ingress-connection-arn {}",
                    quote(&ingress.arn)
                ),
            ),
            _ => (
                "See that the endpoint is there and of the right service, then update the connection with it.",
                format!(
                    "aws apprunner update-vpc-ingress-connection --vpc-ingress-connection-arn {} \
                     --ingress-vpc-configuration VpcId={},VpcEndpointId={}",
                    quote(&ingress.arn),
                    quote(&ingress.vpc),
                    quote(&ingress.endpoint)
                ),
            ),
        };
        out.find(of(ingress), format!("Its status is {status}."), fix, command);
    }
}

fn pending(fleet: &Fleet, out: &mut Findings) {
    for ingress in ingresses(fleet, out) {
        let IngressStatus::Pending(status) = &ingress.status else { continue };
        let made = ingress.created_at.filter(|_| status.eq_ignore_ascii_case("PENDING_CREATION"));
        let Some(made) = made else {
            out.unchecked(&of(ingress), &format!("since when it is {status} is not known"));
            continue;
        };
        if fleet.now.duration_since(made).as_hours() >= PENDING_HOURS_MAX {
            out.find(
                of(ingress),
                format!("It was made at {made}, and its status is {status}."),
                "Look at its endpoint; it can be deleted once it has failed.",
                format!("aws ec2 describe-vpc-endpoints --vpc-endpoint-ids {}", quote(&ingress.endpoint)),
            );
        }
    }
}

fn service_gone(fleet: &Fleet, out: &mut Findings) {
    let alive: BTreeSet<String> = fleet.services.iter().filter(is_alive).map(|listed| listed.arn.to_string()).collect();
    let unseen: BTreeSet<String> = fleet.unseen.keys().map(ToString::to_string).collect();
    for ingress in ingresses(fleet, out) {
        if alive.contains(&ingress.service) {
            continue;
        }
        if unseen.contains(&ingress.service) {
            out.all_seen(&of(ingress), fleet);
            continue;
        }
        out.find(
            of(ingress),
            format!("It leads to {}, which App Runner does not list.", ingress.service),
            "Delete it.",
            format!("aws apprunner delete-vpc-ingress-connection --vpc-ingress-connection-arn {}", quote(&ingress.arn)),
        );
    }
}

/// Names in public zones that lead to the service's own names, and custom domains that the public DNS leads anywhere.
fn public_name(fleet: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    if service.public {
        return;
    }
    let at = this(service);
    let mut own: Vec<Name> = service.host.iter().filter_map(|host| Name::parse(host).ok()).collect();
    if let Some(all) = out.known(&at, &fleet.ingresses) {
        let ours = all.iter().filter(|ingress| ingress.service == service.arn.to_string());
        own.extend(ours.filter_map(|ingress| Name::parse(ingress.domain.as_ref()?).ok()));
    }
    let pointers = out.known(&at, &fleet.pointers).map(Vec::as_slice).unwrap_or_default();
    for pointer in pointers.iter().filter(|pointer| !pointer.private && own.contains(&pointer.target)) {
        out.find_at(
            at.clone(),
            pointer.name.as_str(),
            format!("{} in the public zone {} leads to {}.", pointer.name, pointer.zone, pointer.target),
            "Put the record into a private zone of the VPC and delete it here, exactly as it is listed.",
            format!(
                "aws route53 list-resource-record-sets --hosted-zone-id {} --start-record-name {} --max-items 1",
                quote(&pointer.zone),
                quote(pointer.name.as_str())
            ),
        );
    }
    let domains = out.known(&at, &service.domains).map(Vec::as_slice).unwrap_or_default();
    for domain in domains.iter().filter(|domain| domain.association.status != DomainStatus::Deleting) {
        if pointers.iter().any(|pointer| pointer.name == domain.name && !pointer.private) {
            continue;
        }
        // A wildcard is asked for by its own name: what a name below it shows is its own business.
        for kind in [RecordType::Cname, RecordType::A, RecordType::Aaaa] {
            match domain.dns.ask(&domain.name, &kind) {
                Ok(Ok(Answer::Found(values))) => {
                    out.find_at(
                        at.clone(),
                        domain.name.as_str(),
                        format!("The public DNS leads {} to {}.", domain.name, values.join(", ")),
                        "Put the record into a private zone of the VPC alone; the validation records stay public.",
                        format!("pitcrew domains plan {} {}", quote(service.arn.name()), quote(domain.name.as_str())),
                    );
                    break;
                }
                Ok(Ok(Answer::Nothing)) => {}
                Ok(Err(why)) => out.unchecked(&at, &format!("the DNS does not answer for {} ({why})", domain.name)),
                Err(_) => out.unchecked(&at, &format!("the DNS was not asked for {kind} of {}", domain.name)),
            }
        }
    }
}

fn private_record(_: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    if service.public {
        return;
    }
    let at = this(service);
    let domains = out.known(&at, &service.domains).map(Vec::as_slice).unwrap_or_default();
    for domain in domains.iter().filter(|domain| domain.association.status != DomainStatus::Deleting) {
        if domain.association.vpc_targets.is_empty() {
            // No ingress connection leads to it: another rule says so.
            continue;
        }
        let Some(preview) = out.known(&at, &domain.preview) else { continue };
        let private = preview.records.iter().filter(|row| row.purpose == Purpose::Target && row.place != "public");
        for row in private {
            let seen = match row.verdict.as_str() {
                "create" => format!("{} has no record in the private zone of {}.", row.name, row.place),
                "conflict" | "replace" => {
                    format!("In the private zone of {} stands {}.", row.place, row.standing.join(", "))
                }
                "refused" => {
                    out.unchecked(
                        &at,
                        &format!("{}: no private zone of {} could be read or chosen", row.name, row.place),
                    );
                    continue;
                }
                _ => continue,
            };
            out.find_at(
                at.clone(),
                format!("{} {}", row.name, row.place),
                seen,
                &format!("Add the CNAME {} with the value {} there.", row.name, row.value),
                format!("pitcrew domains apply {} {}", quote(service.arn.name()), quote(domain.name.as_str())),
            );
        }
    }
}

#[cfg(test)]
mod tests;
