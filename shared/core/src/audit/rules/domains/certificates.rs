//! The certificate of a domain: what keeps it from being issued, how long it lasts, and whom it is for.

use jiff::{SignedDuration, Timestamp};

use super::super::super::facts::{DomainFacts, Fleet};
use super::super::super::{Findings, Grade, ServiceFacts};
use super::super::subject::this;
use super::{hosts, linked, pitcrew, unchecked};
use crate::certificate::{Served, covers};
use crate::dns::caa::{self, Verdict};
use crate::dns::command::quote;
use crate::domain::DomainStatus;

/// A certificate that was looked at longer ago may have been renewed since: nothing is said about it.
const LOOK_DAYS_MAX: i64 = 7;
/// What App Runner's console grants for the records, and after which ACM stops to look for them.
const GIVEN_UP_HOURS: i64 = 72;

fn hours(from: Timestamp, to: Timestamp) -> i64 {
    to.duration_since(from).as_hours()
}

pub(super) fn caa_forbids(_: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    for domain in linked(service, out) {
        for host in hosts(domain) {
            match caa::check(&host, &domain.dns) {
                Ok(Verdict::Allowed) => {}
                Ok(Verdict::Forbidden { at, records }) => {
                    let tag = if host.is_wildcard() { "issuewild" } else { "issue" };
                    out.find_at(
                        this(service),
                        host.as_str(),
                        format!(
                            "The CAA set of {at}, which counts for {host}, names none of Amazon's authorities: {}.",
                            records.join("; ")
                        ),
                        &format!("Add `0 {tag} \"amazon.com\"` to the CAA set of {at}; leave the others as they are."),
                        pitcrew("plan", service, domain),
                    );
                }
                Ok(Verdict::Blind(why)) => unchecked(out, service, domain, &why),
                Err(_) => unchecked(out, service, domain, &format!("the CAA records of {host} were not read")),
            }
        }
    }
}

pub(super) fn pending(fleet: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    for domain in linked(service, out) {
        match &domain.association.status {
            DomainStatus::Creating
            | DomainStatus::PendingCertificateDnsValidation
            | DomainStatus::BindingCertificate => {}
            DomainStatus::Active | DomainStatus::CreateFailed | DomainStatus::Deleting | DomainStatus::DeleteFailed => {
                continue;
            }
            DomainStatus::Unknown(word) => {
                unchecked(out, service, domain, &format!("its status `{word}` is not known"));
                continue;
            }
        }
        let link = match domain.memory.get() {
            Some(Ok(memory)) => memory.link.as_ref().filter(|link| link.service == service.arn),
            Some(Err(why)) => {
                unchecked(out, service, domain, why);
                continue;
            }
            None => None,
        };
        let Some(link) = link else {
            unchecked(out, service, domain, "pitcrew does not know since when it is linked");
            continue;
        };
        let age = hours(link.first_seen, fleet.now);
        if age < i64::from(fleet.policy.pending_hours) {
            continue;
        }
        let (fix, command) = match age >= GIVEN_UP_HOURS {
            true => ("Correct the records, then link the domain again: nobody looks for them any more.", "relink"),
            false => ("Correct the records that the plan names.", "plan"),
        };
        let seen = format!(
            "{} is `{}`, and was first seen at {}.",
            domain.name,
            domain.association.status.as_str(),
            link.first_seen
        );
        out.find_at(this(service), domain.name.as_str(), seen, fix, pitcrew(command, service, domain));
    }
}

pub(super) fn failed(_: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    for domain in linked(service, out) {
        let (fix, command) = match &domain.association.status {
            DomainStatus::CreateFailed => (
                "Correct what stands in the way (a CAA record, a name that Amazon does not take), then link it again.",
                pitcrew("relink", service, domain),
            ),
            DomainStatus::DeleteFailed => (
                "Disassociate it again.",
                format!(
                    "aws apprunner disassociate-custom-domain --service-arn {} --domain-name {}",
                    service.arn,
                    quote(domain.name.as_str())
                ),
            ),
            DomainStatus::Unknown(word) => {
                unchecked(out, service, domain, &format!("its status `{word}` is not known"));
                continue;
            }
            DomainStatus::Creating
            | DomainStatus::PendingCertificateDnsValidation
            | DomainStatus::BindingCertificate
            | DomainStatus::Active
            | DomainStatus::Deleting => continue,
        };
        let seen = format!("{} is `{}`.", domain.name, domain.association.status.as_str());
        out.find_at(this(service), domain.name.as_str(), seen, fix, command);
    }
}

/// The certificates that active domains serve, or served lately; for others it is said why nothing is.
fn served<'f>(fleet: &Fleet, service: &'f ServiceFacts, out: &mut Findings) -> Vec<(&'f DomainFacts, &'f Served)> {
    let mut all = Vec::new();
    for domain in linked(service, out) {
        if domain.association.status != DomainStatus::Active {
            continue;
        }
        let certificate = match (domain.served.get(), domain.memory.get()) {
            // What this look saw itself is the newest, and needs no stack that remembers.
            (Some(Ok(served)), _) => {
                all.push((domain, served));
                continue;
            }
            (_, Some(Ok(memory))) => memory.certificate.as_ref(),
            (Some(Err(why)), Some(Err(_))) | (None, Some(Err(why))) => {
                unchecked(out, service, domain, why);
                continue;
            }
            (_, None) => None,
        };
        let Some(certificate) = certificate else {
            unchecked(out, service, domain, "its certificate was not looked at yet");
            continue;
        };
        if fleet.now.duration_since(certificate.seen_at) > SignedDuration::from_hours(24 * LOOK_DAYS_MAX) {
            let why = format!("its certificate was looked at last at {}", certificate.seen_at);
            unchecked(out, service, domain, &why);
            continue;
        }
        all.push((domain, &certificate.served));
    }
    all
}

pub(super) fn ends(fleet: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    for (domain, served) in served(fleet, service, out) {
        let days = hours(fleet.now, served.not_after) / 24;
        if served.not_after <= fleet.now || days > i64::from(fleet.policy.certificate_days) {
            continue;
        }
        out.find_at(
            this(service),
            domain.name.as_str(),
            format!("The certificate of {} ends at {}.", domain.name, served.not_after),
            "See that all of its validation records stand: Amazon then renews it within hours.",
            pitcrew("plan", service, domain),
        );
        if days <= 3 {
            out.graded(Grade::Critical);
        }
    }
}

pub(super) fn expired(fleet: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    for (domain, served) in served(fleet, service, out) {
        if served.not_after <= fleet.now {
            out.find_at(
                this(service),
                domain.name.as_str(),
                format!("The certificate of {} ended at {}.", domain.name, served.not_after),
                "Link the domain again, and add the validation records that App Runner then lists.",
                pitcrew("relink", service, domain),
            );
        }
    }
}

pub(super) fn names(fleet: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    for (domain, served) in served(fleet, service, out) {
        // The handshake asks for the domain itself; what `www` is served is not known.
        if !covers(served, &domain.name) {
            out.find_at(
                this(service),
                domain.name.as_str(),
                format!("{} is served a certificate for {}.", domain.name, served.names.join(", ")),
                "See where the domain leads, and that App Runner has bound its certificate.",
                pitcrew("plan", service, domain),
            );
        }
    }
}

#[cfg(test)]
mod tests;
