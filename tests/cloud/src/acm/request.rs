//! `RequestCertificate`: what may be asked for, and the proofs that it begins with.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::call::{Answer, ApiError, Call, Ctx};
use crate::shape::{items, text, texts};

use super::certificate::{Certificate, Kind, Method, Owner, Proof};
use super::names::{base, is_domain, plain, record};
use super::tags::read_tags;
use super::{Acm, invalid, later, look};

/// Names of a certificate before a quota increase, and the length of a common name (model).
const NAMES_MAX: usize = 10;
const COMMON_NAME_MAX: usize = 64;
/// For so long a token stands for the same certificate (model).
const TOKEN_TIME: SignedDuration = SignedDuration::from_hours(1);
/// A private authority signs at once; the answer comes before that.
const PRIVATE_SECS: i64 = 5;

fn parameter(message: impl Into<String>) -> ApiError {
    ApiError::client("InvalidParameterException", message)
}

/// The domain name and the alternative ones, each once, in lower case.
pub(super) fn wanted_names(input: &Value) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let all = text(input, "DomainName").map(str::to_owned).into_iter().chain(texts(input, "SubjectAlternativeNames"));
    for name in all.map(|name| plain(&name)) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The API's default is mail.
pub(super) fn method(input: &Value) -> &str {
    text(input, "ValidationMethod").unwrap_or("EMAIL")
}

/// One proof a name: the CNAME of the realm, or a mail to the domain.
pub(super) fn proofs(names: &[String], method: Method, realm: &str, mail: &BTreeMap<String, String>) -> Vec<Proof> {
    let proof = |name: &String| Proof {
        name: name.clone(),
        record: (method == Method::Dns).then(|| record(realm, name)),
        mail_domain: mail.get(name).cloned().unwrap_or_else(|| Certificate::mail_domain_of(name)),
        is_proven: false,
    };
    names.iter().map(proof).collect()
}

impl Acm {
    pub(super) fn request(&mut self, ctx: &mut Ctx<'_>, call: &Call) -> Answer {
        let input = &call.input;
        let names = wanted_names(input);
        let mail = check(input, &names)?;
        if let Some(arn) = self.requested_before(ctx, input, &names) {
            return Ok(json!({ "CertificateArn": arn }));
        }
        let authority = text(input, "CertificateAuthorityArn").map(str::to_owned);
        let kind = if authority.is_some() { Kind::Private } else { Kind::AmazonIssued };
        let number = self.next_number();
        let mut certificate = Certificate::new(ctx, number, Owner::Account, kind, names);
        certificate.method = if method(input) == "DNS" { Method::Dns } else { Method::Email };
        certificate.is_exportable = input.pointer("/Options/Export").is_some_and(|export| export == "ENABLED");
        certificate.authority = authority;
        certificate.token = text(input, "IdempotencyToken").map(str::to_owned);
        certificate.tags = read_tags(input)?;
        if let Some(algorithm) = text(input, "KeyAlgorithm") {
            certificate.key_algorithm = algorithm.to_owned();
        }
        let wait = if kind == Kind::Private {
            PRIVATE_SECS
        } else {
            certificate.proofs = proofs(&certificate.names, certificate.method, &ctx.place.account, &mail);
            look::first_look_secs(&certificate.names)
        };
        certificate.due = Some(later(ctx.now, wait));
        Ok(json!({ "CertificateArn": self.add(certificate) }))
    }

    /// The certificate that the same request with the same token got within the hour.
    fn requested_before(&self, ctx: &Ctx<'_>, input: &Value, names: &[String]) -> Option<String> {
        let token = text(input, "IdempotencyToken")?;
        let is_same = |certificate: &&Certificate| {
            certificate.token.as_deref() == Some(token)
                && certificate.names == names
                && ctx.now.duration_since(certificate.created_at) < TOKEN_TIME
        };
        self.certificates.values().find(is_same).map(|certificate| certificate.arn.clone())
    }
}

/// What is wrong with the request beyond its shape; else the mail domains that it names.
fn check(input: &Value, names: &[String]) -> Result<BTreeMap<String, String>, ApiError> {
    if let Some(name) = names.iter().find(|name| !is_domain(name)) {
        return Err(invalid(format!(
            "1 validation error detected: Value '{name}' failed to satisfy constraint: Member must be a domain name."
        )));
    }
    if names.len() > NAMES_MAX {
        let message = format!("A certificate can have at most {NAMES_MAX} domain names; ask for a quota increase.");
        return Err(ApiError::client("LimitExceededException", message));
    }
    if let Some(name) = names.first().filter(|name| name.len() > COMMON_NAME_MAX) {
        return Err(parameter(format!("The domain name {name} is longer than {COMMON_NAME_MAX} characters.")));
    }
    if method(input) == "HTTP" {
        return Err(parameter("HTTP validation is for certificates that CloudFront requests."));
    }
    let mut mail = BTreeMap::new();
    for option in items(input, "DomainValidationOptions") {
        let (name, domain) = (text(option, "DomainName"), text(option, "ValidationDomain"));
        let (Some(name), Some(domain)) = (name.map(plain), domain.map(plain)) else { continue };
        let is_above = base(&name) == domain || base(&name).ends_with(&format!(".{domain}"));
        if !names.contains(&name) || !is_above {
            let message = format!("The validation domain {domain} must be {name} or a domain above it.");
            return Err(ApiError::client("InvalidDomainValidationOptionsException", message));
        }
        mail.insert(name, domain);
    }
    Ok(mail)
}
