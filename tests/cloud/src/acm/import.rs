//! `ImportCertificate`: certificates from elsewhere. ACM reads them, keeps them and never renews them.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use rcgen::{KeyPair, PublicKeyData};
use serde_json::{Value, json};
use x509_parser::extensions::GeneralName;
use x509_parser::pem::parse_x509_pem;
use x509_parser::prelude::X509Certificate;

use crate::call::{Answer, ApiError, Call, Ctx};
use crate::shape::text;

use super::Acm;
use super::certificate::{Certificate, Issue, Kind, Owner, Status};
use super::names::plain;
use super::notice::{self, Action};
use super::tags::read_tags;

/// What is read from a certificate in PEM.
struct Parsed {
    names: Vec<String>,
    key_algorithm: &'static str,
    serial: String,
    issuer: String,
    not_before: Timestamp,
    not_after: Timestamp,
    public_key: Vec<u8>,
}

fn refused(message: impl Into<String>) -> ApiError {
    ApiError::client("ValidationException", message)
}

/// The text of a blob.
fn pem(input: &Value, member: &str) -> Result<String, ApiError> {
    let bytes = BASE64_STANDARD.decode(text(input, member).unwrap_or_default());
    let read = bytes.ok().and_then(|bytes| String::from_utf8(bytes).ok());
    read.ok_or_else(|| refused(format!("{member} is not PEM-encoded.")))
}

fn parse(pem: &str) -> Result<Parsed, ApiError> {
    let bad = |what: String| refused(format!("The certificate is not valid: {what}."));
    let (_, block) = parse_x509_pem(pem.as_bytes()).map_err(|error| bad(error.to_string()))?;
    let certificate = block.parse_x509().map_err(|error| bad(error.to_string()))?;
    let names = names(&certificate);
    if names.is_empty() {
        return Err(bad("it names no domain".to_owned()));
    }
    let at = |seconds: i64| Timestamp::from_second(seconds).map_err(|error| bad(error.to_string()));
    Ok(Parsed {
        names,
        key_algorithm: key_algorithm(&certificate),
        serial: certificate.raw_serial_as_string(),
        issuer: certificate.issuer().to_string(),
        not_before: at(certificate.validity().not_before.timestamp())?,
        not_after: at(certificate.validity().not_after.timestamp())?,
        public_key: certificate.public_key().raw.to_vec(),
    })
}

/// The alternative names; without any, the common name.
fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let extension = certificate.subject_alternative_name().ok().flatten();
    let alternatives = extension.into_iter().flat_map(|extension| &extension.value.general_names);
    let dns = alternatives.filter_map(|name| match name {
        GeneralName::DNSName(name) => Some(plain(name)),
        _ => None,
    });
    let names: Vec<String> = dns.collect();
    if !names.is_empty() {
        return names;
    }
    let common = certificate.subject().iter_common_name().next().and_then(|name| name.as_str().ok());
    common.map(plain).into_iter().collect()
}

fn key_algorithm(certificate: &X509Certificate<'_>) -> &'static str {
    let bits = certificate.public_key().parsed().map_or(0, |key| key.key_size());
    let is_rsa = certificate.public_key().algorithm.algorithm.to_id_string() == "1.2.840.113549.1.1.1";
    match (is_rsa, bits) {
        (true, 4096) => "RSA_4096",
        (true, 3072) => "RSA_3072",
        (true, 1024) => "RSA_1024",
        (true, _) => "RSA_2048",
        (false, 384) => "EC_secp384r1",
        (false, 521 | 528) => "EC_secp521r1",
        (false, _) => "EC_prime256v1",
    }
}

impl Acm {
    pub(super) fn import(&mut self, ctx: &mut Ctx<'_>, call: &Call) -> Answer {
        let input = &call.input;
        let parsed = parse(&pem(input, "Certificate")?)?;
        let key = KeyPair::from_pem(&pem(input, "PrivateKey")?)
            .map_err(|error| refused(format!("The private key is not valid: {error}.")))?;
        if key.subject_public_key_info() != parsed.public_key {
            return Err(refused("The private key does not match the certificate."));
        }
        if !(parsed.not_before..=parsed.not_after).contains(&ctx.now) {
            return Err(refused("The certificate is not valid now: see its dates."));
        }
        let tags = read_tags(input)?;
        if text(input, "CertificateArn").is_none() {
            let number = self.next_number();
            let mut certificate = Certificate::new(ctx, number, Owner::Account, Kind::Imported, Vec::new());
            certificate.tags = tags;
            take(ctx, &mut certificate, parsed, Action::Import);
            return Ok(json!({ "CertificateArn": self.add(certificate) }));
        }
        if !tags.is_empty() {
            let message = "Tags cannot be given when a certificate is imported again.";
            return Err(ApiError::client("InvalidParameterException", message));
        }
        let certificate = self.named(call)?;
        if certificate.kind != Kind::Imported {
            return Err(refused("Only an imported certificate can be imported again."));
        }
        take(ctx, certificate, parsed, Action::Reimport);
        Ok(json!({ "CertificateArn": certificate.arn }))
    }

    /// A certificate that somebody else signed, by its name and dates alone.
    pub(super) fn import_unseen(&mut self, ctx: &mut Ctx<'_>, names: Vec<String>, not_after: Timestamp) -> String {
        let number = self.next_number();
        let mut certificate = Certificate::new(ctx, number, Owner::Account, Kind::Imported, Vec::new());
        let parsed = Parsed {
            names,
            key_algorithm: "RSA_2048",
            serial: super::renewal::serial(ctx),
            issuer: "CN=Somebody Else".to_owned(),
            not_before: ctx.now,
            not_after,
            public_key: Vec::new(),
        };
        take(ctx, &mut certificate, parsed, Action::Import);
        self.add(certificate)
    }
}

fn take(ctx: &mut Ctx<'_>, certificate: &mut Certificate, parsed: Parsed, action: Action) {
    let Parsed { names, key_algorithm, serial, issuer, not_before, not_after, .. } = parsed;
    certificate.names = names;
    certificate.key_algorithm = key_algorithm.to_owned();
    certificate.issue = Some(Issue { serial, issuer, at: ctx.now, not_before, not_after });
    certificate.status = Status::Issued;
    certificate.told_days = notice::days_left(certificate, ctx.now) + 1;
    notice::available(ctx, certificate, action);
}
