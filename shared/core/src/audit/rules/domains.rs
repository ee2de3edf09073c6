//! Custom domains: records that are missing or wrong, certificates that end, names that lead nowhere.
//!
//! | rule | finds | grade |
//! |---|---|---|
//! | `domains-validation-missing` | a record that proves the name to Amazon does not stand | high |
//! | `domains-validation-wrong` | something else stands at the name of a proof | high |
//! | `domains-validation-doubled` | a proof stands under its name with the zone's name added twice | high |
//! | `domains-target-missing` | the domain leads nowhere | high |
//! | `domains-target-elsewhere` | the domain leads somewhere else than to its service | medium |
//! | `domains-apex-cname` | a CNAME is wanted at the top of a zone, where none can stand | high |
//! | `domains-www-missing` | `www` is in the association, and does not lead to the service | medium |
//! | `domains-caa-forbids` | a CAA record forbids Amazon to issue or renew the certificate | high |
//! | `domains-pending` | a domain that has not become active for hours | high |
//! | `domains-failed` | a domain whose link failed | high |
//! | `domains-certificate-ends` | a certificate that ends soon, and was not renewed | high |
//! | `domains-certificate-expired` | a certificate that has ended | critical |
//! | `domains-certificate-names` | the certificate that is served does not name the domain | high |
//! | `domains-default-open` | the domain leads to something that stands before the service, which is open at its default domain | medium |
//! | `domains-dangling` | a record that leads to a name of App Runner which no service of this account has; another account may | medium |
//! | `domains-pointer-dead` | a record that leads to a service which does not answer: paused or failed | medium |

mod certificates;
mod pointers;
mod records;

use super::super::facts::DomainFacts;
use super::super::{Check, Findings, Grade, Group, Resource, Rule, ServiceFacts};
use super::subject::{acm_guide, guide, this};
use crate::dns::command::quote;
use crate::dns::name::Name;
use crate::domain::DomainStatus;

pub(super) const RULES: &[Rule] = &[
    Rule::new(
        Group::Domains,
        "domains-validation-missing",
        Grade::High,
        "A validation record is missing",
        "Without it the certificate is not issued, and one that was issued is not renewed.",
        guide("The CNAME is removed from the DNS server"),
        Check::Service(records::missing_proof),
    ),
    Rule::new(
        Group::Domains,
        "domains-validation-wrong",
        Grade::High,
        "A validation record has another value",
        "Amazon looks for one exact value: the certificate is neither issued nor renewed.",
        guide("Getting DNS certificate validation pending error for custom domain"),
        Check::Service(records::wrong_proof),
    ),
    Rule::new(
        Group::Domains,
        "domains-validation-doubled",
        Grade::High,
        "A validation record stands under a doubled name",
        "The panel added the zone's name to a name that held it already; nobody asks for it there.",
        acm_guide("Troubleshoot DNS validation problems"),
        Check::Service(records::doubled_proof),
    ),
    Rule::new(
        Group::Domains,
        "domains-target-missing",
        Grade::High,
        "A custom domain leads nowhere",
        "The domain is linked, and visitors who ask for it find no address.",
        guide("DNS target records"),
        Check::Service(records::missing_target),
    ),
    Rule::new(
        Group::Domains,
        "domains-target-elsewhere",
        Grade::Medium,
        "A custom domain does not lead to its service",
        "Visitors reach something else. Where that is meant (a CDN before the service), waive it.",
        guide("DNS target records"),
        Check::Service(records::target_elsewhere),
    ),
    Rule::new(
        Group::Domains,
        "domains-apex-cname",
        Grade::High,
        "A CNAME is needed at the top of a zone",
        "No CNAME can stand there, so the domain cannot lead to this service as it is.",
        guide("Configure Amazon Route 53 alias record for your target DNS"),
        Check::Service(records::apex),
    ),
    Rule::new(
        Group::Domains,
        "domains-www-missing",
        Grade::Medium,
        "The www name of a domain does not lead to the service",
        "The link and its certificate count on `www`; who types it reaches nothing.",
        guide("Associate (link) a custom domain to your service"),
        Check::Service(records::missing_www),
    ),
    Rule::new(
        Group::Domains,
        "domains-caa-forbids",
        Grade::High,
        "A CAA record forbids Amazon to issue the certificate",
        "A new certificate is refused, and so is the renewal of one that stands.",
        guide("Getting Create Fail error for custom domain"),
        Check::Service(certificates::caa_forbids),
    ),
    Rule::new(
        Group::Domains,
        "domains-pending",
        Grade::High,
        "A custom domain has been pending for long",
        "Validation takes minutes when the records stand, and after 72 hours nobody tries any more.",
        guide("Getting DNS certificate validation pending error for custom domain"),
        Check::Service(certificates::pending),
    ),
    Rule::new(
        Group::Domains,
        "domains-failed",
        Grade::High,
        "The link of a custom domain failed",
        "App Runner does not try again by itself.",
        guide("Getting Create Fail error for custom domain"),
        Check::Service(certificates::failed),
    ),
    Rule::new(
        Group::Domains,
        "domains-certificate-ends",
        Grade::High,
        "A certificate ends soon",
        "Amazon renews 45 days before the end; one that is older was tried and not renewed.",
        guide("Custom domain certificate renewal"),
        Check::Service(certificates::ends),
    ),
    Rule::new(
        Group::Domains,
        "domains-certificate-expired",
        Grade::Critical,
        "A certificate has expired",
        "Every browser refuses the domain.",
        guide("The certificate has expired"),
        Check::Service(certificates::expired),
    ),
    Rule::new(
        Group::Domains,
        "domains-certificate-names",
        Grade::High,
        "The certificate that is served does not name the domain",
        "Browsers refuse it; something else answers, or the certificate is not bound.",
        guide("Manage custom domains"),
        Check::Service(certificates::names),
    ),
    Rule::new(
        Group::Domains,
        "domains-default-open",
        Grade::Medium,
        "The default domain goes around what stands before the service",
        "A firewall or CDN before the domain sees nothing of what is asked at the default domain, which is public.",
        guide("Managing custom domain names for an App Runner service"),
        Check::Service(records::default_open),
    ),
    Rule::new(
        Group::Domains,
        "domains-dangling",
        Grade::Medium,
        "A record leads to a service that this account does not have",
        "Visitors find nothing there. Whoever is given the name next would receive them; AWS does not say that it \
         never is.",
        guide("Disassociate (unlink) a custom domain"),
        Check::Fleet(pointers::dangling),
    ),
    Rule::new(
        Group::Domains,
        "domains-pointer-dead",
        Grade::Medium,
        "A record leads to a service that does not answer",
        "Visitors get an error where they expect a page.",
        guide("Pausing and resuming an App Runner service"),
        Check::Fleet(pointers::dead),
    ),
];

/// The domains that a rule about records looks at: all that App Runner is not taking away.
fn linked<'f>(service: &'f ServiceFacts, out: &mut Findings) -> Vec<&'f DomainFacts> {
    let domains = out.known(&this(service), &service.domains).map(Vec::as_slice).unwrap_or_default();
    domains.iter().filter(|domain| domain.association.status != DomainStatus::Deleting).collect()
}

/// The names that the certificate is for.
fn hosts(domain: &DomainFacts) -> Vec<Name> {
    let mut hosts = vec![domain.name.clone()];
    hosts.extend(www(domain));
    hosts
}

/// The `www` name, where the association has one.
fn www(domain: &DomainFacts) -> Option<Name> {
    let wanted = domain.association.www && !domain.name.is_wildcard();
    wanted.then(|| domain.name.below("www").ok()).flatten()
}

/// `pitcrew domains WHAT SERVICE DOMAIN`.
fn pitcrew(what: &str, service: &ServiceFacts, domain: &DomainFacts) -> String {
    format!("pitcrew domains {what} {} {}", quote(service.arn.name()), quote(domain.name.as_str()))
}

/// A domain of the service that a rule could not check: the service is named once, with the first reason.
fn unchecked(out: &mut Findings, service: &ServiceFacts, domain: &DomainFacts, why: &str) {
    out.unchecked(&this(service), &format!("{}: {why}", domain.name));
}

/// A record of a zone.
fn record(zone: &str, name: &Name, kind: &str) -> Resource {
    Resource::other("hosted zone record", format!("{zone} {name} {kind}"))
}
