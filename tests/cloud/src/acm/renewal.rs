//! Issuance, and managed renewal: what ACM does by itself from 45 days before the end, and what a call can make it do.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;

use crate::call::{Answer, ApiError, Call, Ctx};

use super::certificate::{Certificate, Issue, Kind, Proof, Renewal, RenewalStatus, Status};
use super::notice::{self, Action};
use super::{Acm, DAY_SECS, invalid, later, look};

/// How long certificates are valid, and how long before the end their renewal begins (facts, section 6).
pub(super) const PUBLIC_DAYS: i64 = 198;
const PUBLIC_RENEWAL_DAYS: i64 = 45;
const PRIVATE_DAYS: i64 = 395;
const PRIVATE_RENEWAL_DAYS: i64 = 60;
/// A renewal that lacks its proof is tried every hour for a day, then four times a day.
const EAGER_SECS: i64 = DAY_SECS;
const EAGER_STEP_SECS: i64 = 3600;
const PATIENT_STEP_SECS: i64 = 6 * 3600;
/// How long the private authority takes to renew what a call asks for.
const PRIVATE_RENEWAL_SECS: i64 = 60;

/// The authority's name; the word `Local` keeps anybody from taking it for Amazon's.
pub(crate) const ISSUER: &str = "Amazon RSA 2048 M02 (Local)";

/// When the renewal of what is issued begins.
pub(super) fn begins_at(certificate: &Certificate) -> Option<Timestamp> {
    let issue = certificate.issue.as_ref()?;
    let days = match certificate.kind {
        Kind::AmazonIssued => PUBLIC_RENEWAL_DAYS,
        Kind::Private => PRIVATE_RENEWAL_DAYS,
        Kind::Imported => return None,
    };
    Some(later(issue.not_after, -days * DAY_SECS))
}

/// Signs the certificate, for the first time or anew, under the same ARN.
pub(super) fn issue(ctx: &mut Ctx<'_>, certificate: &mut Certificate) {
    let days = if certificate.kind == Kind::Private { PRIVATE_DAYS } else { PUBLIC_DAYS };
    let not_before = midnight(ctx.now);
    let action = if certificate.issue.is_none() { Action::Issuance } else { Action::Renewal };
    certificate.issue = Some(Issue {
        serial: serial(ctx),
        issuer: ISSUER.to_owned(),
        at: ctx.now,
        not_before,
        // The last second of the last day, so that it is valid for exactly so many days.
        not_after: later(not_before, days * DAY_SECS - 1),
    });
    certificate.status = Status::Issued;
    if let Some(renewal) = &mut certificate.renewal {
        *renewal = Renewal { status: RenewalStatus::Success, reason: None, updated_at: ctx.now, ..renewal.clone() };
    }
    certificate.due = begins_at(certificate);
    certificate.told_days = notice::days_left(certificate, ctx.now) + 1;
    let what = if action == Action::Issuance { "is issued" } else { "is renewed" };
    notice::changed(ctx, certificate, what);
    notice::available(ctx, certificate, action);
}

fn midnight(at: Timestamp) -> Timestamp {
    let day = at.to_zoned(TimeZone::UTC).start_of_day();
    day.map_or(at, |day| day.timestamp())
}

/// 16 bytes; the first is small, so that the number is positive and keeps its length.
pub(super) fn serial(ctx: &mut Ctx<'_>) -> String {
    let hex = ctx.ids.hex32();
    let rest: Vec<&str> = (1..16).filter_map(|byte| hex.get(2 * byte..2 * byte + 2)).collect();
    format!("0{}:{}", hex.get(1..2).filter(|digit| *digit != "0").unwrap_or("1"), rest.join(":"))
}

/// Time for a renewal to begin, or to be tried again.
pub(super) fn due(ctx: &mut Ctx<'_>, certificate: &mut Certificate) {
    let Some(not_after) = certificate.issue.as_ref().map(|issue| issue.not_after) else { return };
    let is_asked_for = certificate.kind == Kind::Private && is_under_way(certificate);
    if !certificate.is_eligible() && !is_asked_for {
        // Nobody uses it now; who comes to use it tomorrow gets it renewed tomorrow.
        certificate.due = Some(later(ctx.now, DAY_SECS)).filter(|due| *due < not_after);
        return;
    }
    if certificate.kind == Kind::Private {
        return issue(ctx, certificate);
    }
    if !is_under_way(certificate) {
        begin(ctx.now, certificate);
        notice::tell_app_runner(ctx, certificate);
    }
    let age = certificate.renewal.as_ref().map_or(0, |renewal| ctx.now.duration_since(renewal.begun_at).as_secs());
    let step = if age < EAGER_SECS { EAGER_STEP_SECS } else { PATIENT_STEP_SECS };
    certificate.due = Some(later(ctx.now, step)).filter(|due| *due < not_after);
    look::begin(ctx, certificate);
}

pub(super) fn is_under_way(certificate: &Certificate) -> bool {
    use RenewalStatus::{PendingAutoRenewal, PendingValidation};
    certificate.renewal.as_ref().is_some_and(|r| matches!(r.status, PendingAutoRenewal | PendingValidation))
}

fn begin(now: Timestamp, certificate: &mut Certificate) {
    let fresh = |proof: &Proof| Proof { is_proven: false, ..proof.clone() };
    certificate.renewal = Some(Renewal {
        status: RenewalStatus::PendingAutoRenewal,
        reason: None,
        proofs: certificate.proofs.iter().map(fresh).collect(),
        begun_at: now,
        updated_at: now,
    });
}

/// A look did not get as far as issuing. For a first issuance the next look is all there is to it.
pub(super) fn held_up(ctx: &mut Ctx<'_>, certificate: &mut Certificate, reason: Option<&'static str>) {
    if !is_under_way(certificate) {
        return;
    }
    let Some(renewal) = &mut certificate.renewal else { return };
    if renewal.status == RenewalStatus::PendingValidation && renewal.reason == reason {
        return;
    }
    renewal.status = RenewalStatus::PendingValidation;
    renewal.reason = reason;
    renewal.updated_at = ctx.now;
    notice::changed(ctx, certificate, "cannot be renewed: its names are not proven");
}

impl Acm {
    /// `RenewCertificate`: for exported private certificates only (model).
    pub(super) fn renew(&mut self, ctx: &mut Ctx<'_>, call: &Call) -> Answer {
        let certificate = self.named(call)?;
        let arn = certificate.arn.clone();
        if certificate.status == Status::PendingValidation || is_under_way(certificate) {
            let message = format!("Certificate {arn} is being issued or renewed already.");
            return Err(ApiError::client("RequestInProgressException", message));
        }
        if certificate.kind != Kind::Private || !certificate.is_exported {
            return Err(invalid(format!(
                "Certificate {arn} is not eligible for renewal: only exported private certificates can be renewed."
            )));
        }
        if certificate.status != Status::Issued {
            let status = certificate.status.as_str();
            return Err(invalid(format!("Certificate {arn} is not eligible for renewal: it is {status}.")));
        }
        begin(ctx.now, certificate);
        certificate.due = Some(later(ctx.now, PRIVATE_RENEWAL_SECS));
        Ok(json!({}))
    }
}
