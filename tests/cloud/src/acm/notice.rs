//! What ACM tells: the six event types of the owner's certificates (facts, section 5.5), and App Runner about its own.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::call::Ctx;
use crate::effect::Effect;

use super::DAY_SECS;
use super::certificate::{Certificate, Kind, Owner};

/// Why a certificate is available.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Issuance,
    Renewal,
    Import,
    Reimport,
}

impl Action {
    fn as_str(self) -> &'static str {
        match self {
            Self::Issuance => "ISSUANCE",
            Self::Renewal => "RENEWAL",
            Self::Import => "IMPORT",
            Self::Reimport => "REIMPORT",
        }
    }
}

/// Whole days until the end.
pub(super) fn days_left(certificate: &Certificate, now: Timestamp) -> i64 {
    certificate.issue.as_ref().map_or(0, |issue| issue.not_after.duration_since(now).as_secs().div_euclid(DAY_SECS))
}

fn date(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn send(ctx: &mut Ctx<'_>, certificate: &Certificate, detail_type: &str, detail: Value) {
    if certificate.owner != Owner::Account {
        return;
    }
    ctx.effects.push(Effect::Event {
        source: "aws.acm".to_owned(),
        detail_type: detail_type.to_owned(),
        resources: vec![certificate.arn.clone()],
        detail,
    });
}

/// The keys that most of the events share.
fn detail(certificate: &Certificate) -> Value {
    let mut detail = json!({
        "CertificateType": certificate.kind.as_str(), "CommonName": certificate.common_name(),
        "InUse": certificate.is_in_use(), "Exported": certificate.is_exported,
    });
    if certificate.kind == Kind::AmazonIssued {
        detail["DomainValidationMethod"] = json!(certificate.method.as_str());
    }
    if let Some(issue) = &certificate.issue {
        detail["CertificateExpirationDate"] = json!(date(issue.not_after));
    }
    detail
}

pub(super) fn available(ctx: &mut Ctx<'_>, certificate: &Certificate, action: Action) {
    let mut detail = detail(certificate);
    detail["Action"] = json!(action.as_str());
    detail["CertificateCreatedDate"] = json!(date(certificate.created_at));
    detail["DaysToExpiry"] = json!(days_left(certificate, ctx.now));
    send(ctx, certificate, "ACM Certificate Available", detail);
}

pub(super) fn approaching(ctx: &mut Ctx<'_>, certificate: &Certificate, days: i64) {
    let detail = json!({ "DaysToExpiry": days, "CommonName": certificate.common_name() });
    send(ctx, certificate, "ACM Certificate Approaching Expiration", detail);
}

pub(super) fn action_required(ctx: &mut Ctx<'_>, certificate: &Certificate, days: i64) {
    let mut detail = detail(certificate);
    let reason = certificate.renewal.as_ref().and_then(|renewal| renewal.reason);
    detail["RenewalStatusReason"] = json!(reason.unwrap_or("PENDING_DOMAIN_VALIDATION"));
    detail["DaysToExpiry"] = json!(days);
    send(ctx, certificate, "ACM Certificate Renewal Action Required", detail);
}

pub(super) fn expired(ctx: &mut Ctx<'_>, certificate: &Certificate) {
    let mut detail = detail(certificate);
    detail["CertificateCreatedDate"] = json!(date(certificate.created_at));
    send(ctx, certificate, "ACM Certificate Expired", detail);
}

/// Revoked, by the owner's wish or by the authority itself.
pub(super) fn revoked(ctx: &mut Ctx<'_>, certificate: &Certificate, is_by_authority: bool) {
    let mut detail = json!({
        "CertificateType": certificate.kind.as_str(), "CommonName": certificate.common_name(),
        "Exportable": certificate.is_exportable,
    });
    if let Some(issue) = &certificate.issue {
        detail["CertificateExpirationDate"] = json!(date(issue.not_after));
    }
    if !is_by_authority {
        return send(ctx, certificate, "ACM Certificate Revoked", detail);
    }
    if let (Some(issue), Some((at, reason))) = (&certificate.issue, &certificate.revoked) {
        detail["CertificateSerial"] = json!(issue.serial);
        detail["CertificateRevocationDate"] = json!(date(*at));
        detail["RevocationReason"] = json!(reason);
    }
    send(ctx, certificate, "ACM Certificate Revoked by Certificate Authority (CA)", detail);
}

/// Something is different now: App Runner hears of its own certificate, and whoever follows the story reads a line.
pub(super) fn changed(ctx: &mut Ctx<'_>, certificate: &Certificate, what: &str) {
    let whose = match certificate.owner {
        Owner::Account => "the certificate",
        Owner::AppRunner { .. } => "App Runner's certificate",
    };
    let text = format!("{whose} for {} {what}", certificate.common_name());
    ctx.effects.push(Effect::Story { who: "ACM".to_owned(), text });
    tell_app_runner(ctx, certificate);
}

/// Tells App Runner how its certificate stands; nothing where the certificate is the owner's.
pub(super) fn tell_app_runner(ctx: &mut Ctx<'_>, certificate: &Certificate) {
    let Owner::AppRunner { reference, .. } = &certificate.owner else { return };
    let input = json!({
        "Reference": reference, "Status": certificate.status.as_str(), "Records": certificate.record_rows(),
    });
    ctx.effects.push(Effect::Tell {
        service: "apprunner".to_owned(),
        operation: "_CertificateChanged".to_owned(),
        input,
    });
}
