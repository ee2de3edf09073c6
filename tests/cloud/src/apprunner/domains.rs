//! Custom domains: association, their records as the API shows them, and their end (facts, section 3).
//!
//! The certificate of a domain is ACM's, in an account of AWS's own: [`super::association`] follows it. Domain work is no
//! operation of the service.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::call::{Answer, ApiError, Ctx};
use crate::switches::{DomainStatus, RenewalRecord};

use super::AppRunner;
use super::association::{GONE_SECS, RECORDS_SECS};
use super::errors::{already_associated, invalid_request, invalid_state, no_custom_domain, wrong_state};
use super::machine::later;
use super::operations::Status;
use super::paging::page;

/// Domains of a service (facts, section 7).
const DOMAINS_MAX: usize = 5;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Creating,
    Pending,
    Binding,
    Active,
    CreateFailed,
    Deleting,
    DeleteFailed,
}

impl Stage {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Creating => "CREATING",
            Self::Pending => "PENDING_CERTIFICATE_DNS_VALIDATION",
            Self::Binding => "BINDING_CERTIFICATE",
            Self::Active => "ACTIVE",
            Self::CreateFailed => "CREATE_FAILED",
            Self::Deleting => "DELETING",
            Self::DeleteFailed => "DELETE_FAILED",
        }
    }
}

/// How far the certificate is, as ACM last told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Certificate {
    /// Not asked for yet.
    None,
    Pending,
    Issued,
    /// It will never be one.
    Failed,
    /// It was one.
    Over,
}

/// One CNAME of the certificate.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Record {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) is_proven: bool,
    /// A renewal waits for it.
    pub(super) is_missed: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Domain {
    pub(super) name: String,
    pub(super) www: bool,
    pub(super) stage: Stage,
    pub(super) records: Vec<Record>,
    pub(super) due: Option<Timestamp>,
    /// What ACM knows the certificate by.
    pub(super) reference: String,
    pub(super) certificate: Certificate,
    /// Requests for its names reach the service.
    pub(super) is_routed: bool,
    /// The disassociation will fail (internal operation `_DomainFails`).
    pub(super) delete_fails: bool,
}

impl Domain {
    fn shown(&self, ctx: &Ctx<'_>) -> Value {
        let status = match ctx.switches.domain_status {
            DomainStatus::Lower => self.stage.as_str().to_ascii_lowercase(),
            DomainStatus::Upper => self.stage.as_str().to_owned(),
        };
        let tells_renewal = ctx.switches.renewal_record == RenewalRecord::PendingValidation;
        // The records of a kept certificate are shown no earlier than those of a new one.
        let visible = self.records.iter().filter(|_| self.stage != Stage::Creating);
        let records = visible.map(|record| {
            let validation = match record {
                Record { is_missed: true, .. } if tells_renewal => "PENDING_VALIDATION",
                Record { is_proven: true, .. } => "SUCCESS",
                _ if self.certificate == Certificate::Failed => "FAILED",
                _ => "PENDING_VALIDATION",
            };
            json!({ "Name": record.name, "Type": "CNAME", "Value": record.value, "Status": validation })
        });
        json!({
            "DomainName": self.name,
            "EnableWWWSubdomain": self.www,
            "CertificateValidationRecords": records.collect::<Value>(),
            "Status": status,
        })
    }

    /// Whether requests for this host are meant for the domain, and whether the name is the very same.
    pub(super) fn answers_for(&self, host: &str) -> Option<bool> {
        let is_exact = host == self.name || (self.www && host.strip_prefix("www.") == Some(self.name.as_str()));
        (self.is_routed && (is_exact || crate::acm::names::covers(&self.name, host))).then_some(is_exact)
    }
}

fn domain_of(input: &Value) -> String {
    input.get("DomainName").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase()
}

impl AppRunner {
    pub(super) fn associate_domain(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let name = domain_of(input);
        let service = self.known("AssociateCustomDomain", ctx.now, input)?;
        let arn = service.ident.arn.clone();
        if service.status != Status::Running {
            return Err(wrong_state("associated with a custom domain", service.status.as_str()));
        }
        if let Some(other) = self.services.values().find(|s| s.domains.iter().any(|domain| domain.name == name)) {
            // The own service and another one read alike; the text that users saw names what the domain is linked to.
            return Err(already_associated(&name, &other.ident.arn));
        }
        let www = check_name(&name, input.get("EnableWWWSubdomain").and_then(Value::as_bool))?;
        if self.services.get(&arn).is_some_and(|service| service.domains.len() >= DOMAINS_MAX) {
            return Err(invalid_request(format!("A service can have at most {DOMAINS_MAX} custom domains.")));
        }
        let mut domain = self.new_domain(ctx, name, www);
        domain.due = Some(later(ctx.now, RECORDS_SECS));
        let shown = domain.shown(ctx);
        if let Some(service) = self.services.get_mut(&arn) {
            service.domains.push(domain);
        }
        Ok(self.domain_answer(&arn, ("CustomDomain", shown)))
    }

    pub(super) fn disassociate_domain(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let name = domain_of(input);
        let service = self.known("DisassociateCustomDomain", ctx.now, input)?;
        let arn = service.ident.arn.clone();
        if service.status != Status::Running {
            return Err(wrong_state("disassociated from a custom domain", service.status.as_str()));
        }
        let Some(domain) = service.domains.iter_mut().find(|domain| domain.name == name) else {
            return Err(no_custom_domain(&name));
        };
        if domain.stage == Stage::Deleting {
            return Err(invalid_state(format!("{name} is being disassociated already.")));
        }
        domain.stage = Stage::Deleting;
        domain.due = Some(later(ctx.now, GONE_SECS));
        let shown = domain.shown(ctx);
        Ok(self.domain_answer(&arn, ("CustomDomain", shown)))
    }

    pub(super) fn describe_domains(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let service = self.known("DescribeCustomDomains", ctx.now, input)?;
        let arn = service.ident.arn.clone();
        let rows = service.domains.iter().map(|domain| (domain.name.clone(), domain.shown(ctx))).collect();
        let rest = self.domain_head(&arn);
        page("DescribeCustomDomains", input, 5, "CustomDomains", rows, rest)
    }

    fn domain_head(&self, arn: &str) -> Map<String, Value> {
        let host = self.services.get(arn).map(|service| service.host.clone()).unwrap_or_default();
        let mut head = Map::new();
        head.insert("DNSTarget".to_owned(), json!(host));
        head.insert("ServiceArn".to_owned(), json!(arn));
        head.insert("VpcDNSTargets".to_owned(), self.vpc_targets(arn));
        head
    }

    fn domain_answer(&self, arn: &str, (member, domain): (&str, Value)) -> Value {
        let mut answer = self.domain_head(arn);
        answer.insert(member.to_owned(), domain);
        Value::Object(answer)
    }
}

/// Checks the name's form; the answer is whether `www.` comes with it, which is the API's default except for a wildcard.
fn check_name(name: &str, www: Option<bool>) -> Result<bool, ApiError> {
    let is_wildcard = name.starts_with("*.");
    if name.trim_start_matches("*.").contains('*') || !name.contains('.') {
        return Err(invalid_request(format!("{name} is not a domain name: only *.example.com may have an asterisk.")));
    }
    match (is_wildcard, www) {
        (true, Some(true)) => Err(invalid_request("A wildcard domain can't have a www subdomain.")),
        (true, _) => Ok(false),
        (false, www) => Ok(www.unwrap_or(true)),
    }
}
