//! The life of an association: its certificate in ACM, what DNS proves of it, binding, and what is kept after the end.
//!
//! Nothing here looks at the DNS: ACM does, and tells by `_CertificateChanged`. The certificate is renewed for as long as the
//! domain is associated. A domain that is active stays active, whatever becomes of its records: only the handshake shows it.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::acm::names::{base, plain};
use crate::call::{Answer, ApiError, Ctx};
use crate::effect::Effect;
use crate::shape::{flag, items, text};
use crate::switches::{Reassociation, ValidationTimeout};

use super::AppRunner;
use super::domains::{Certificate, Domain, Record, Stage};
use super::errors::{invalid_request, no_custom_domain};
use super::events;
use super::machine::later;
use super::services::{Identity, Service};

// The records appear some seconds after the answer; the other distances are our choice within the observed minutes.
pub(super) const RECORDS_SECS: i64 = 8;
const BINDING_SECS: i64 = 10;
const ACTIVE_SECS: i64 = 180;
pub(super) const GONE_SECS: i64 = 30;
/// The extra validation name that every domain has begins with this (facts, section 3).
const EXTRA_LABEL: &str = "2a57j7";
/// For so long a certificate is kept after its domain was unlinked (developer guide).
const KEPT_SECS: i64 = 7 * 24 * 3600;

/// The certificate of a domain that was unlinked.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    www: bool,
    records: Vec<Record>,
    reference: String,
    certificate: Certificate,
    until: Timestamp,
}

fn tell_acm(ctx: &mut Ctx<'_>, operation: &str, input: Value) {
    ctx.effects.push(Effect::Tell { service: "acm".to_owned(), operation: operation.to_owned(), input });
}

/// Says whether the certificate is to be renewed and served.
fn use_certificate(ctx: &mut Ctx<'_>, reference: &str, is_used: bool) {
    tell_acm(ctx, "_Use", json!({ "Reference": reference, "InUse": is_used, "Serving": is_used }));
}

impl Domain {
    /// Asks ACM for the certificate: two names, three with `www`.
    fn request_certificate(&mut self, ctx: &mut Ctx<'_>, who: &Identity, realm: &str) {
        let base = base(&self.name);
        let mut names = vec![self.name.clone()];
        if self.www {
            names.push(format!("www.{base}"));
        }
        names.push(format!("{EXTRA_LABEL}{}.{base}", ctx.ids.label(26)));
        self.certificate = Certificate::Pending;
        let input = json!({ "Reference": self.reference, "Service": who.arn, "Names": names, "Realm": realm });
        tell_acm(ctx, "_Associate", input);
    }

    /// Does what is due; `false` when the domain is gone.
    fn advance(&mut self, ctx: &mut Ctx<'_>, who: &Identity, realm: &str) -> bool {
        self.due = None;
        match self.stage {
            Stage::Creating if self.certificate == Certificate::Issued => self.bind(ctx),
            Stage::Creating => self.request_certificate(ctx, who, realm),
            Stage::Pending => self.bind(ctx),
            Stage::Binding => {
                self.stage = Stage::Active;
                self.is_routed = true;
                use_certificate(ctx, &self.reference, true);
            }
            Stage::Deleting if self.delete_fails => {
                self.delete_fails = false;
                self.stage = Stage::DeleteFailed;
            }
            Stage::Deleting => return false,
            Stage::Active | Stage::CreateFailed | Stage::DeleteFailed => {}
        }
        true
    }

    fn bind(&mut self, ctx: &mut Ctx<'_>) {
        self.stage = Stage::Binding;
        self.due = Some(later(ctx.now, ACTIVE_SECS));
    }

    /// Takes in what ACM says about the certificate.
    fn certificate_changed(&mut self, ctx: &mut Ctx<'_>, who: &Identity, told: &Told) {
        self.records.clone_from(&told.records);
        let before = std::mem::replace(&mut self.certificate, told.certificate);
        match (self.stage, told.certificate) {
            (Stage::Creating, Certificate::Pending) => {
                self.stage = Stage::Pending;
                events::domain(ctx, who, &self.name, "PENDING_VALIDATION");
            }
            (Stage::Pending, Certificate::Issued) if before != Certificate::Issued => {
                self.due = Some(later(ctx.now, BINDING_SECS));
                events::domain(ctx, who, &self.name, "SUCCESS");
            }
            (Stage::Pending, Certificate::Failed) => {
                let waits = told.is_timeout && ctx.switches.validation_timeout == ValidationTimeout::StaysPending;
                if !waits {
                    self.stage = Stage::CreateFailed;
                    events::domain(ctx, who, &self.name, "FAILED");
                }
            }
            _ => {}
        }
    }
}

/// `_CertificateChanged`.
struct Told {
    certificate: Certificate,
    is_timeout: bool,
    records: Vec<Record>,
}

impl Told {
    fn read(input: &Value) -> Result<Self, ApiError> {
        let status = text(input, "Status").unwrap_or_default();
        let certificate = match status {
            "PENDING_VALIDATION" => Certificate::Pending,
            "ISSUED" => Certificate::Issued,
            "FAILED" | "VALIDATION_TIMED_OUT" => Certificate::Failed,
            "EXPIRED" | "REVOKED" => Certificate::Over,
            other => return Err(invalid_request(format!("{other:?} is no status of a certificate."))),
        };
        let record = |row: &Value| Record {
            name: text(row, "Name").unwrap_or_default().to_owned(),
            value: text(row, "Value").unwrap_or_default().to_owned(),
            is_proven: flag(row, "Proven"),
            is_missed: flag(row, "RenewalPending"),
        };
        let records = items(input, "Records").map(record).collect();
        Ok(Self { certificate, is_timeout: status == "VALIDATION_TIMED_OUT", records })
    }
}

impl Service {
    /// Makes the next disassociation of the domain fail.
    pub(super) fn break_domain(&mut self, name: &str) -> Result<(), ApiError> {
        let domain = self.domains.iter_mut().find(|domain| domain.name == name);
        domain.map(|domain| domain.delete_fails = true).ok_or_else(|| no_custom_domain(name))
    }
}

impl AppRunner {
    /// A domain that is about to be created: with the certificate that was kept for it, where there is one that still counts.
    pub(super) fn new_domain(&mut self, ctx: &mut Ctx<'_>, name: String, www: bool) -> Domain {
        let mut domain = Domain {
            www,
            stage: Stage::Creating,
            records: Vec::new(),
            due: None,
            reference: ctx.ids.uuid(),
            certificate: Certificate::None,
            is_routed: false,
            delete_fails: false,
            name,
        };
        let Some(kept) = self.kept.remove(&domain.name) else { return domain };
        let counts = kept.www == www
            && kept.certificate == Certificate::Issued
            && kept.until > ctx.now
            && ctx.switches.reassociation == Reassociation::Cached;
        if counts {
            (domain.reference, domain.records, domain.certificate) = (kept.reference, kept.records, kept.certificate);
        } else {
            self.discard(ctx, &domain.name, &kept.reference);
        }
        domain
    }

    /// Does what is due for the domains of a service.
    pub(super) fn advance_domains(&mut self, ctx: &mut Ctx<'_>, arn: &str) {
        let realms = self.realms.clone();
        let Some(service) = self.services.get_mut(arn) else { return };
        let who = service.ident.clone();
        let mut gone = Vec::new();
        let mut stay = Vec::new();
        for mut domain in std::mem::take(&mut service.domains) {
            let is_due = domain.due.is_some_and(|due| due <= ctx.now);
            let generation = realms.get(base(&domain.name)).copied().unwrap_or_default();
            let realm = format!("app-runner {} {generation}", ctx.place.account);
            if !is_due || domain.advance(ctx, &who, &realm) {
                stay.push(domain);
            } else {
                gone.push(domain);
            }
        }
        service.domains = stay;
        for domain in gone {
            self.keep(ctx, domain);
        }
    }

    /// A service that is gone has no domains, and its host no address.
    pub(super) fn drop_domains_of_deleted(&mut self, ctx: &mut Ctx<'_>, arn: &str) {
        let Some(service) = self.services.get_mut(arn).filter(|service| service.is_deleted()) else { return };
        ctx.outside.names.hosts.remove(&service.host);
        for domain in std::mem::take(&mut service.domains) {
            self.keep(ctx, domain);
        }
    }

    /// Keeps the certificate of a domain that is gone, where there is one to keep.
    fn keep(&mut self, ctx: &mut Ctx<'_>, domain: Domain) {
        let Domain { name, www, records, reference, certificate, .. } = domain;
        match certificate {
            Certificate::None => {}
            Certificate::Issued => {
                use_certificate(ctx, &reference, false);
                let until = later(ctx.now, KEPT_SECS);
                self.kept.insert(name, Kept { www, records, reference, certificate, until });
            }
            Certificate::Pending | Certificate::Failed | Certificate::Over => self.discard(ctx, &name, &reference),
        }
    }

    /// Throws a certificate away: the next one for the name has other records.
    fn discard(&mut self, ctx: &mut Ctx<'_>, name: &str, reference: &str) {
        *self.realms.entry(base(name).to_owned()).or_default() += 1;
        tell_acm(ctx, "_Discard", json!({ "Reference": reference }));
    }

    pub(super) fn certificate_changed(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let told = Told::read(input)?;
        let reference = text(input, "Reference").unwrap_or_default();
        let is_it = |domain: &Domain| domain.reference == reference;
        if let Some(service) = self.services.find_mut(|service| service.domains.iter().any(is_it)) {
            let who = service.ident.clone();
            for domain in service.domains.iter_mut().filter(|domain| is_it(domain)) {
                domain.certificate_changed(ctx, &who, &told);
            }
        }
        if let Some(kept) = self.kept.values_mut().find(|kept| kept.reference == reference) {
            kept.certificate = told.certificate;
        }
        Ok(json!({}))
    }

    /// Which service answers a request for a host: its own host's, or that of a domain, the exact one before a wildcard.
    /// Nobody answers for a service that does not serve, or that is private.
    pub(super) fn routed(&self, input: &Value) -> Answer {
        let host = plain(text(input, "Host").unwrap_or_default());
        let open = self.services.values().filter(|service| service.serving && service.shown.is_public());
        let found = open.filter_map(|service| {
            let own = (service.host == host).then_some(true);
            let by_domain = service.domains.iter().filter_map(|domain| domain.answers_for(&host)).max();
            Some((own.or(by_domain)?, service))
        });
        let best = found.max_by_key(|(is_exact, service)| (*is_exact, service.number));
        Ok(best.map_or_else(|| json!({}), |(_, service)| json!({ "ServiceName": service.ident.name })))
    }
}
