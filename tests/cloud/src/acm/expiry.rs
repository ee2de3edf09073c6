//! The end of a certificate, and the notices before it (facts, section 5.5).

use jiff::Timestamp;

use crate::call::Ctx;

use super::certificate::{Certificate, Kind, Owner, RenewalStatus, Status};
use super::{DAY_SECS, later, notice, renewal};

/// From so many days before the end `ACM Certificate Approaching Expiration` comes daily (user guide, 2026).
const PUBLIC_NOTICE_DAYS: i64 = 30;
pub(super) const PRIVATE_NOTICE_DAYS: i64 = 45;
/// The days on which `ACM Certificate Renewal Action Required` comes.
const ACTION_DAYS: [i64; 4] = [30, 15, 3, 1];

/// From how many days before the end on there are daily notices.
fn notice_days(certificate: &Certificate, configured: Option<i64>) -> i64 {
    configured.unwrap_or(match certificate.kind {
        Kind::AmazonIssued => PUBLIC_NOTICE_DAYS,
        Kind::Imported | Kind::Private => PRIVATE_NOTICE_DAYS,
    })
}

/// When the owner is next told how many days are left. What belongs to AWS is nobody's to be told about.
pub(super) fn next_notice(certificate: &Certificate, configured: Option<i64>) -> Option<Timestamp> {
    if certificate.owner != Owner::Account || certificate.status != Status::Issued {
        return None;
    }
    let first = notice_days(certificate, configured).max(ACTION_DAYS[0]);
    let days = first.min(certificate.told_days - 1);
    let not_after = certificate.issue.as_ref()?.not_after;
    (days >= 1).then(|| later(not_after, -days * DAY_SECS))
}

pub(super) fn tell_days(ctx: &mut Ctx<'_>, certificate: &mut Certificate, configured: Option<i64>) {
    let days = notice::days_left(certificate, ctx.now);
    certificate.told_days = days;
    if days <= notice_days(certificate, configured) {
        notice::approaching(ctx, certificate, days);
    }
    if ACTION_DAYS.contains(&days) && certificate.kind == Kind::AmazonIssued && renewal::is_under_way(certificate) {
        notice::action_required(ctx, certificate, days);
    }
}

pub(super) fn expire(ctx: &mut Ctx<'_>, certificate: &mut Certificate) {
    certificate.status = Status::Expired;
    certificate.due = None;
    certificate.look = None;
    if renewal::is_under_way(certificate)
        && let Some(renewal) = &mut certificate.renewal
    {
        renewal.status = RenewalStatus::Failed;
        renewal.updated_at = ctx.now;
    }
    notice::changed(ctx, certificate, "has expired");
    if certificate.kind != Kind::Imported {
        notice::expired(ctx, certificate);
    }
}
