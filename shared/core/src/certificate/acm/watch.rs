//! What a certificate says of itself: its end, its status, its renewal.

use jiff::{SignedDuration, Timestamp};

use super::draft::Draft;
use super::tell::{self, Topic};
use super::{Act, Certificate, Decision, Kind, Observed, Status, Then};
use crate::notice::Notice;
use crate::receipt::rule;

/// Days left at which people are called for an imported certificate: 45 is when ACM begins to warn.
const IMPORTED_DAYS: [i64; 5] = [45, 30, 14, 7, 1];
/// Days left at which they are called for one that ACM should have renewed by then.
const RENEWED_DAYS: [i64; 4] = [30, 14, 7, 1];
/// From so many days before its end ACM renews a private certificate, and takes `RenewCertificate`.
const PRIVATE_RENEWAL_DAYS: i64 = 60;

/// The end of the certificate, remembered: seen first, or later than before. `None` where it is as remembered.
pub(super) fn sight(seen: &Observed, certificate: &Certificate) -> Option<Decision> {
    let end = certificate.not_after.filter(|_| certificate.status == Status::Issued)?;
    let before = seen.memory.not_after;
    if before == Some(end) {
        return None;
    }
    let mut draft = Draft::new(seen, rule::CERTIFICATE_SEEN);
    draft.memory.not_after = Some(end);
    draft.memory.paged_days = None;
    match before {
        Some(before) if before < end => {
            draft.saw("end", &format!("{before}, now {end}"));
            draft.notices.push(tell::renewed(seen, certificate, end));
            Some(draft.record("renewed: told", Then::Again))
        }
        _ => Some(draft.note(Then::Again)),
    }
}

fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * days)
}

/// How long it lasts, where it lasts at all.
fn left(certificate: &Certificate, now: Timestamp) -> Option<SignedDuration> {
    let left = certificate.not_after?.duration_since(now);
    (certificate.status == Status::Issued).then_some(left)
}

/// The page that is due and was not made, with the number of days that set it off.
pub(super) fn page(seen: &Observed, certificate: &Certificate) -> Option<(i64, Notice)> {
    let left = left(certificate, seen.now)?;
    let steps: &[i64] = match certificate.kind {
        Kind::Imported => &IMPORTED_DAYS,
        Kind::AmazonIssued | Kind::Private if certificate.in_use || certificate.exported => &RENEWED_DAYS,
        _ => &[],
    };
    let step = *steps.iter().rev().find(|step| left <= days(**step))?;
    let told = seen.memory.paged_days.is_some_and(|paged| paged <= step);
    (!told).then(|| (step, tell::page(seen, certificate, step, left.as_secs().div_euclid(86_400))))
}

/// `RenewCertificate`, where ACM takes it and it is time.
pub(super) fn renewal_due(seen: &Observed, certificate: &Certificate) -> Option<Act> {
    let mine = certificate.kind == Kind::Private && certificate.exported && certificate.renewable;
    let soon = left(certificate, seen.now).is_some_and(|left| left <= days(PRIVATE_RENEWAL_DAYS));
    let running = certificate.renewal.as_ref().is_some_and(|(status, _)| status.starts_with("PENDING"));
    (mine && soon && !running).then_some(Act::Renew)
}

/// Everything that is to be told as long as it is so.
pub(super) fn topics(seen: &Observed, certificate: &Certificate) -> Vec<Topic> {
    let amazon = certificate.kind == Kind::AmazonIssued;
    let issued = certificate.status == Status::Issued;
    let used = certificate.in_use || certificate.exported;
    let waits = certificate.status == Status::PendingValidation;
    let by_mail = certificate.proofs.iter().any(|proof| proof.method == "EMAIL");
    let mut topics = Vec::new();
    if matches!(certificate.status, Status::Expired | Status::ValidationTimedOut | Status::Revoked | Status::Failed) {
        topics.push(tell::status(seen, certificate));
    }
    if amazon && by_mail && (waits || (issued && used)) {
        topics.push(tell::by_mail(seen, certificate));
    }
    if let Some((status, reason)) = certificate.renewal.as_ref().filter(|_| issued) {
        let waits_why = status == "PENDING_VALIDATION" && reason.is_some();
        if status == "FAILED" || waits_why {
            topics.push(tell::renewal(seen, certificate, status, reason.as_deref()));
        }
    }
    if amazon && issued && !used {
        topics.push(tell::unused(seen, certificate));
    }
    topics
}
