//! Custom domains: association, validation records, binding, and their end (facts, section 3).
//!
//! Whether DNS shows a record is not decided here: `_DomainValidated` says so. Domain work is no operation of the service.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::call::{Answer, ApiError, Ctx};
use crate::switches::DomainStatus;

use super::AppRunner;
use super::errors::{already_associated, invalid_request, invalid_state, no_custom_domain, wrong_state};
use super::events;
use super::machine::later;
use super::operations::Status;
use super::paging::page;
use super::services::{Identity, Service};

/// Domains of a service (facts, section 7).
const DOMAINS_MAX: usize = 5;
// The records appear some seconds after the answer; the other distances are our choice within the observed minutes.
const RECORDS_SECS: i64 = 8;
const RESERVED_SECS: i64 = 240;
const BINDING_SECS: i64 = 10;
const ACTIVE_SECS: i64 = 180;
const GONE_SECS: i64 = 30;
/// The extra validation name that every domain has begins with this (facts, section 3).
const EXTRA_LABEL: &str = "2a57j7";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Creating,
    Pending,
    Binding,
    Active,
    CreateFailed,
    Deleting,
    DeleteFailed,
}

impl Stage {
    fn as_str(self) -> &'static str {
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

/// One CNAME of the certificate.
#[derive(Clone, Debug, PartialEq)]
struct Record {
    name: String,
    value: String,
    validation: &'static str,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Domain {
    pub(super) name: String,
    www: bool,
    stage: Stage,
    records: Vec<Record>,
    pub(super) due: Option<Timestamp>,
    /// The disassociation will fail (internal operation `_DomainFails`).
    delete_fails: bool,
}

impl Domain {
    fn shown(&self, spelling: DomainStatus) -> Value {
        let status = match spelling {
            DomainStatus::Lower => self.stage.as_str().to_ascii_lowercase(),
            DomainStatus::Upper => self.stage.as_str().to_owned(),
        };
        let records = self.records.iter().map(|record| {
            json!({ "Name": record.name, "Type": "CNAME", "Value": record.value, "Status": record.validation })
        });
        json!({
            "DomainName": self.name,
            "EnableWWWSubdomain": self.www,
            "CertificateValidationRecords": records.collect::<Value>(),
            "Status": status,
        })
    }

    /// Does what is due; `false` when the domain is gone.
    fn advance(&mut self, ctx: &mut Ctx<'_>, who: &Identity) -> bool {
        self.due = None;
        match self.stage {
            Stage::Creating if is_reserved(&self.name) => {
                self.stage = Stage::CreateFailed;
                events::domain(ctx, who, &self.name, "FAILED");
            }
            Stage::Creating => {
                self.records = records(ctx, &self.name, self.www);
                self.stage = Stage::Pending;
                events::domain(ctx, who, &self.name, "PENDING_VALIDATION");
            }
            Stage::Pending => {
                self.stage = Stage::Binding;
                self.due = Some(later(ctx.now, ACTIVE_SECS));
            }
            Stage::Binding => self.stage = Stage::Active,
            Stage::Deleting if self.delete_fails => {
                self.delete_fails = false;
                self.stage = Stage::DeleteFailed;
            }
            Stage::Deleting => return false,
            Stage::Active | Stage::CreateFailed | Stage::DeleteFailed => {}
        }
        true
    }
}

/// Names that no certificate authority signs: the association fails some minutes later.
fn is_reserved(domain: &str) -> bool {
    let labels: Vec<&str> = domain.trim_end_matches('.').rsplit('.').collect();
    matches!(labels[..], ["test" | "example" | "invalid" | "localhost", ..] | ["com" | "net" | "org", "example", ..])
}

/// Two records, three with `www`: names and values end with a dot, as ACM writes them.
fn records(ctx: &mut Ctx<'_>, domain: &str, www: bool) -> Vec<Record> {
    let base = domain.trim_start_matches("*.");
    let mut names = vec![base.to_owned()];
    if www {
        names.push(format!("www.{base}"));
    }
    names.push(format!("{EXTRA_LABEL}{}.{base}", ctx.ids.label(26)));
    names
        .into_iter()
        .map(|name| Record {
            name: format!("_{}.{name}.", ctx.ids.hex32()),
            value: format!("_{}.{}.acm-validations.aws.", ctx.ids.hex32(), "xmkpffzlvd"),
            validation: "PENDING_VALIDATION",
        })
        .collect()
}

fn domain_of(input: &Value) -> String {
    input.get("DomainName").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase()
}

impl Service {
    /// Does what is due for the domains of the service.
    pub(super) fn advance_domains(&mut self, ctx: &mut Ctx<'_>) {
        let who = self.ident.clone();
        self.domains.retain_mut(|domain| match domain.due {
            Some(due) if due <= ctx.now => domain.advance(ctx, &who),
            _ => true,
        });
    }

    /// DNS shows the records (all, or those whose names are given). Once all do, the certificate is bound.
    pub(super) fn validate_domain(
        &mut self,
        ctx: &mut Ctx<'_>,
        name: &str,
        names: Option<&[&str]>,
    ) -> Result<(), ApiError> {
        let Some(domain) = self.domains.iter_mut().find(|domain| domain.name == name) else {
            return Err(no_custom_domain(name));
        };
        if domain.stage != Stage::Pending {
            let stage = domain.stage.as_str();
            return Err(invalid_request(format!("{name} is {stage}; only a pending domain can be validated.")));
        }
        for record in &mut domain.records {
            if names.is_none_or(|names| names.contains(&record.name.as_str())) {
                record.validation = "SUCCESS";
            }
        }
        if domain.due.is_none() && domain.records.iter().all(|record| record.validation == "SUCCESS") {
            domain.due = Some(later(ctx.now, BINDING_SECS));
            events::domain(ctx, &self.ident, name, "SUCCESS");
        }
        Ok(())
    }

    /// Makes the next disassociation of the domain fail.
    pub(super) fn break_domain(&mut self, name: &str) -> Result<(), ApiError> {
        let domain = self.domains.iter_mut().find(|domain| domain.name == name);
        domain.map(|domain| domain.delete_fails = true).ok_or_else(|| no_custom_domain(name))
    }
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
        let due = if is_reserved(&name) { RESERVED_SECS } else { RECORDS_SECS };
        let domain = Domain {
            name,
            www,
            stage: Stage::Creating,
            records: Vec::new(),
            due: Some(later(ctx.now, due)),
            delete_fails: false,
        };
        let shown = domain.shown(ctx.switches.domain_status);
        if let Some(service) = self.services.get_mut(&arn) {
            if service.domains.len() >= DOMAINS_MAX {
                return Err(invalid_request(format!("A service can have at most {DOMAINS_MAX} custom domains.")));
            }
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
        let shown = domain.shown(ctx.switches.domain_status);
        Ok(self.domain_answer(&arn, ("CustomDomain", shown)))
    }

    pub(super) fn describe_domains(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let service = self.known("DescribeCustomDomains", ctx.now, input)?;
        let arn = service.ident.arn.clone();
        let spelling = ctx.switches.domain_status;
        let rows = service.domains.iter().map(|domain| (domain.name.clone(), domain.shown(spelling))).collect();
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
