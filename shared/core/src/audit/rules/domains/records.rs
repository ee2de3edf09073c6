//! The records of a domain: those that prove it, and those that lead to the service.

use super::super::super::facts::{DomainFacts, Fleet};
use super::super::super::{Findings, ServiceFacts, doubled_names};
use super::super::subject::this;
use super::{linked, pitcrew, unchecked, www};
use crate::dns::facts::Answer;
use crate::dns::name::Name;
use crate::dns::plan::Purpose;
use crate::dns::record::RecordType;
use crate::domain::{PreviewRecord, ValidationRecord};

/// How a record stands.
enum Standing {
    Right,
    Missing,
    /// What stands instead.
    Other(Vec<String>),
    /// No CNAME can stand there.
    Apex,
    /// Which fact is missing.
    Unknown(String),
}

/// The answer of the DNS; the error says why there is none.
fn ask<'f>(domain: &'f DomainFacts, name: &Name, kind: &RecordType) -> Result<&'f Answer, String> {
    match domain.dns.ask(name, kind) {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(why)) => Err(format!("the DNS does not answer for {kind} of {name} ({why})")),
        Err(_) => Err(format!("the DNS was not asked for {kind} of {name}")),
    }
}

fn row<'f>(domain: &'f DomainFacts, name: &Name, purpose: Purpose) -> Option<&'f PreviewRecord> {
    let Some(Ok(preview)) = domain.preview.get() else { return None };
    let is = |row: &&PreviewRecord| row.purpose == purpose && row.name == name.as_str() && row.place == "public";
    preview.records.iter().find(is)
}

/// What the zone says, where it was read and is ours; else nothing.
fn by_zone(row: &PreviewRecord) -> Option<Standing> {
    match row.verdict.as_str() {
        "standing" | "found" | "elsewhere" => Some(Standing::Right),
        "create" => Some(Standing::Missing),
        "replace" | "conflict" => Some(Standing::Other(row.standing.clone())),
        "apex" => Some(Standing::Apex),
        _ => None,
    }
}

/// What adds a record: pitcrew in a zone of ours, a person elsewhere, who wants to see all of them.
fn adding(service: &ServiceFacts, domain: &DomainFacts, name: &Name, purpose: Purpose) -> String {
    match row(domain, name, purpose) {
        Some(row) if row.verdict == "create" => pitcrew("apply", service, domain),
        _ => format!("aws apprunner describe-custom-domains --service-arn {}", service.arn),
    }
}

/// How a proof stands: in our zone, or else as the DNS shows it.
fn proof(domain: &DomainFacts, record: &ValidationRecord) -> Standing {
    if let Some(standing) = row(domain, &record.name, Purpose::Validation).and_then(by_zone) {
        return standing;
    }
    match ask(domain, &record.name, &RecordType::Cname) {
        Ok(Answer::Nothing) => Standing::Missing,
        Ok(Answer::Found(values)) if leads_to(values, &record.value) => Standing::Right,
        Ok(Answer::Found(values)) => Standing::Other(values.clone()),
        Err(why) => Standing::Unknown(why),
    }
}

/// How the record stands that leads from `host` to the service. Outside our zones only a CNAME can be told from
/// another.
fn target(domain: &DomainFacts, host: &Name) -> Standing {
    let shown = row(domain, host, Purpose::Target);
    if let Some(standing) = shown.and_then(by_zone) {
        return standing;
    }
    let Some(target) = &domain.association.dns_target else {
        return Standing::Unknown("App Runner shows no target for it".to_owned());
    };
    match ask(domain, host, &RecordType::Cname) {
        Ok(Answer::Found(values)) if leads_to(values, target) => Standing::Right,
        Ok(Answer::Found(values)) => Standing::Other(values.clone()),
        // A provider may answer with addresses where people entered a name; any address counts.
        Ok(Answer::Nothing) => match [RecordType::A, RecordType::Aaaa].map(|kind| ask(domain, host, &kind)) {
            [Ok(Answer::Found(_)), _] | [_, Ok(Answer::Found(_))] => Standing::Right,
            [Ok(Answer::Nothing), Ok(Answer::Nothing)] => Standing::Missing,
            [Err(why), _] | [_, Err(why)] => Standing::Unknown(why),
        },
        Err(why) => Standing::Unknown(why),
    }
}

fn leads_to(values: &[String], target: &Name) -> bool {
    values.iter().any(|value| Name::parse(value).is_ok_and(|value| value == *target))
}

pub(super) fn missing_proof(_: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    for domain in linked(service, out) {
        for record in &domain.association.records {
            match proof(domain, record) {
                Standing::Missing => out.find_at(
                    this(service),
                    record.name.as_str(),
                    format!("No CNAME stands at {}; {} needs it.", record.name, domain.name),
                    &format!("Add the CNAME {} with the value {}.", record.name.fqdn(), record.value.fqdn()),
                    adding(service, domain, &record.name, Purpose::Validation),
                ),
                Standing::Unknown(why) => unchecked(out, service, domain, &why),
                Standing::Right | Standing::Other(_) | Standing::Apex => {}
            }
        }
    }
}

pub(super) fn wrong_proof(_: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    for domain in linked(service, out) {
        for record in &domain.association.records {
            match proof(domain, record) {
                Standing::Other(found) => out.find_at(
                    this(service),
                    record.name.as_str(),
                    format!("At {} stands {}, not {}.", record.name, found.join(", "), record.value),
                    &format!("Give the CNAME {} the value {}.", record.name.fqdn(), record.value.fqdn()),
                    pitcrew("plan", service, domain),
                ),
                Standing::Unknown(why) => unchecked(out, service, domain, &why),
                Standing::Right | Standing::Missing | Standing::Apex => {}
            }
        }
    }
}

pub(super) fn doubled_proof(_: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    for domain in linked(service, out) {
        for record in &domain.association.records {
            match proof(domain, record) {
                Standing::Right | Standing::Apex => continue,
                Standing::Unknown(why) => {
                    unchecked(out, service, domain, &why);
                    continue;
                }
                Standing::Missing | Standing::Other(_) => {}
            }
            for doubled in doubled_names(&record.name) {
                match ask(domain, &doubled, &RecordType::Cname) {
                    Ok(Answer::Found(values)) if leads_to(values, &record.value) => out.find_at(
                        this(service),
                        record.name.as_str(),
                        format!("The record for {} stands at {doubled}.", record.name),
                        "Enter the name in the provider's panel without the zone's name, or with a dot at its end.",
                        pitcrew("plan", service, domain),
                    ),
                    Ok(_) => {}
                    Err(why) => unchecked(out, service, domain, &why),
                }
            }
        }
    }
}

/// The names that should lead to the service from the public DNS: none where it is reached inside VPCs.
fn led(domain: &DomainFacts) -> Option<&Name> {
    domain.association.vpc_targets.is_empty().then_some(&domain.name)
}

pub(super) fn missing_target(_: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    for domain in linked(service, out) {
        let Some(host) = led(domain).filter(|_| service.public) else { continue };
        match target(domain, host) {
            Standing::Missing => out.find_at(
                this(service),
                host.as_str(),
                format!("No record leads from {host} to the service."),
                "Add an alias or a CNAME to the service's default domain.",
                adding(service, domain, host, Purpose::Target),
            ),
            Standing::Unknown(why) => unchecked(out, service, domain, &why),
            Standing::Right | Standing::Other(_) | Standing::Apex => {}
        }
    }
}

pub(super) fn target_elsewhere(_: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    for domain in linked(service, out) {
        let Some(host) = led(domain).filter(|_| service.public) else { continue };
        match target(domain, host) {
            Standing::Other(found) => out.find_at(
                this(service),
                host.as_str(),
                format!("{host} leads to {}.", found.join(", ")),
                "Lead it to the service, or waive this where something else is meant to stand before it.",
                pitcrew("plan", service, domain),
            ),
            Standing::Unknown(why) => unchecked(out, service, domain, &why),
            Standing::Right | Standing::Missing | Standing::Apex => {}
        }
    }
}

pub(super) fn apex(_: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    for domain in linked(service, out) {
        let Some(preview) = domain.preview.get() else {
            unchecked(out, service, domain, "its records were not compared with the zones");
            continue;
        };
        let preview = match preview {
            Ok(preview) => preview,
            Err(why) => {
                unchecked(out, service, domain, why);
                continue;
            }
        };
        for row in preview.records.iter().filter(|row| row.verdict == "apex") {
            out.find_at(
                this(service),
                row.name.as_str(),
                format!("A CNAME to {} is wanted at {}, the top of its zone.", row.value, row.name),
                "Use a name below the top (`www.`); or create the service anew, so that it takes an alias, and link \
                 it.",
                pitcrew("plan", service, domain),
            );
        }
    }
}

pub(super) fn missing_www(_: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    for domain in linked(service, out) {
        let Some(host) = www(domain).filter(|_| service.public && led(domain).is_some()) else { continue };
        let seen = match target(domain, &host) {
            Standing::Missing => format!("No record leads from {host} to the service."),
            Standing::Other(found) => format!("{host} leads to {}.", found.join(", ")),
            Standing::Unknown(why) => {
                unchecked(out, service, domain, &why);
                continue;
            }
            Standing::Right | Standing::Apex => continue,
        };
        out.find_at(
            this(service),
            host.as_str(),
            seen,
            "Add the record for it; or link the domain again without `www`.",
            adding(service, domain, &host, Purpose::Target),
        );
    }
}

/// What stands before the service at a name whose record counts as right: nothing where the record stands in a zone of
/// ours. Of a foreign DNS a name that is not App Runner's shows it; addresses show nothing.
fn before(domain: &DomainFacts, name: &Name) -> Result<Vec<String>, String> {
    let ours = row(domain, name, Purpose::Target).is_some_and(|row| matches!(&*row.verdict, "standing" | "found"));
    if ours {
        return Ok(Vec::new());
    }
    let Some(target) = &domain.association.dns_target else {
        return Err("App Runner shows no target for it".to_owned());
    };
    match ask(domain, name, &RecordType::Cname)? {
        Answer::Found(values) if leads_to(values, target) => Ok(Vec::new()),
        Answer::Found(values) => Ok(values.clone()),
        Answer::Nothing => {
            Err(format!("the DNS shows addresses of {name} alone: whether they are App Runner's is not known"))
        }
    }
}

/// A web ACL guards the service itself, so its default domain as well. What stands before the domain does not.
pub(super) fn default_open(_: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    let Some(host) = service.host.as_ref().filter(|_| service.public) else { return };
    if matches!(service.firewall.get(), Some(Ok(Some(_)))) {
        return;
    }
    for domain in linked(service, out) {
        let Some(name) = led(domain) else { continue };
        let elsewhere = match target(domain, name) {
            Standing::Other(found) => Ok(found),
            Standing::Right => before(domain, name),
            Standing::Unknown(why) => Err(why),
            Standing::Missing | Standing::Apex => continue,
        };
        let elsewhere = match elsewhere {
            Ok(elsewhere) => elsewhere,
            Err(why) => {
                unchecked(out, service, domain, &why);
                continue;
            }
        };
        if elsewhere.iter().all(|value| value.contains("awsapprunner.com")) {
            continue;
        }
        if let Some(None) = out.known(&this(service), &service.firewall) {
            out.find_at(
                this(service),
                name.as_str(),
                format!("{name} leads to {}, and https://{host} is open to everybody.", elsewhere.join(", ")),
                "Give the service a web ACL that lets through only what carries a header that the CDN adds, or make \
                 it private.",
                format!("aws wafv2 associate-web-acl --web-acl-arn WEB_ACL_ARN --resource-arn {}", service.arn),
            );
        }
    }
}

#[cfg(test)]
mod tests;
