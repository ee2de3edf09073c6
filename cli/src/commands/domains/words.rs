//! Words for what a preview says of records, and how a certificate's time is told.

use jiff::Timestamp;
use pitcrew_core::dns::plan::Purpose;
use pitcrew_core::domain::{Owner, PreviewRecord};

use crate::words::{Tone, distance, length};

/// Days at which people begin to be called about a certificate.
const DAYS_FEW: i64 = 30;
const DAY_SECS: i64 = 86_400;

/// Whether the record stands, wherever.
pub fn stands(record: &PreviewRecord) -> bool {
    matches!(record.verdict.as_str(), "standing" | "found" | "elsewhere")
}

/// Whether the domain needs it and does not have it.
pub fn is_missing(record: &PreviewRecord) -> bool {
    !stands(record) && record.verdict != "left over"
}

/// What is the case with the record, in a word or three.
pub fn state(record: &PreviewRecord) -> (Tone, &'static str) {
    match record.verdict.as_str() {
        "standing" | "found" => (Tone::Good, "stands"),
        "elsewhere" => (Tone::Good, "stands elsewhere"),
        "create" => (Tone::Warning, "missing"),
        "replace" => (Tone::Warning, "out of date"),
        "conflict" => (Tone::Bad, "place taken"),
        "refused" => (Tone::Bad, "no zone"),
        "apex" => (Tone::Bad, "impossible at apex"),
        "left over" => (Tone::Warning, "left over"),
        _ => (Tone::Warning, "unknown"),
    }
}

/// Whose the record is that stands.
pub fn owner(owner: Owner) -> &'static str {
    match owner {
        Owner::Pitcrew => "pitcrew",
        Owner::Somebody => "somebody else",
        Owner::Nobody => "nobody",
    }
}

pub fn purpose(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Validation => "validation",
        Purpose::Target => "target",
    }
}

/// Whole days, rounded down: a certificate of 23 hours has 0 days left, one that is over has fewer.
pub fn days_left(end: Timestamp, now: Timestamp) -> i64 {
    end.duration_since(now).as_secs().div_euclid(DAY_SECS)
}

/// `186 days left`, `expired 2 days ago`
pub fn left(end: Timestamp, now: Timestamp) -> (Tone, String) {
    let left = end.duration_since(now);
    match days_left(end, now) {
        _ if left.is_negative() => (Tone::Bad, format!("expired {}", distance(end, now))),
        0..2 => (Tone::Bad, format!("{} left", length(left))),
        days if days <= DAYS_FEW => (Tone::Warning, format!("{days} days left")),
        days => (Tone::Good, format!("{days} days left")),
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn the_time_of_a_certificate_is_told_in_days_and_at_the_end_in_hours() {
        let now: Timestamp = "2026-09-22T14:00:00Z".parse().unwrap();
        let told = |hours: i64| left(now + SignedDuration::from_hours(hours), now);
        assert_eq!(told(24 * 186 + 3), (Tone::Good, "186 days left".to_owned()));
        assert_eq!(told(24 * 30), (Tone::Warning, "30 days left".to_owned()));
        assert_eq!(told(30), (Tone::Bad, "30 h left".to_owned()));
        assert_eq!(told(-50), (Tone::Bad, "expired 2 days ago".to_owned()));
        assert_eq!(days_left(now - SignedDuration::from_secs(1), now), -1);
    }
}
