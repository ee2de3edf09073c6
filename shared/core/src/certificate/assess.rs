//! Whether the certificate that a domain serves is well, by what was seen and by what should have happened by now.
//!
//! | seen, in this order | health | page, once a certificate |
//! |---|---|---|
//! | no handshake | [`Health::Unseen`] | by the age of the certificate that was seen last, as below |
//! | its time has not begun | [`Health::NotYetValid`] | critical |
//! | its time is over | [`Health::Expired`] | critical |
//! | it does not cover the domain, or `www` where that is linked too | [`Health::WrongNames`] | critical |
//! | its renewal is overdue ([`overdue_at`]) | [`Health::Late`] | warning; again at 30 and 14 days (warning), at 7 and 1 (critical) |
//! | none of these | [`Health::Fresh`] | |
//!
//! A certificate that ends later than all that are remembered is a renewal, whatever its health. Pages are remembered by serial,
//! so that two servers that show one certificate each, in turn, are paged once for each and told as renewed once.
//! Renewal starts 45 days before the end (fact sheet, section 6), and is overdue at 40. A certificate of another authority may
//! live for a shorter time than App Runner's 198 days: its renewal is overdue when a fifth of its life is left, and a page at
//! more days than that would call on people for nothing, so it is left out.

use jiff::{SignedDuration, Timestamp};

use super::{CertificateMemory, OtherCertificate, Served};
use crate::dns::name::Name;
use crate::fact::Fact;
use crate::notice::Severity;

/// Days left at which the renewal of a certificate of 198 days should have been seen.
const OVERDUE_DAYS: i64 = 40;
/// The part of a shorter life that is left when its renewal is overdue.
const OVERDUE_PART: i32 = 5;
/// Days left at which people are called again.
const PAGE_DAYS: [i64; 4] = [30, 14, 7, 1];
/// At so many days and fewer it is critical.
const CRITICAL_DAYS: i64 = 7;

/// Certificates that are remembered beside the one that was seen last.
const OTHERS_MAX: usize = 4;

const DAY_SECS: i64 = 86_400;

/// How the certificate of a domain is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// No handshake came about, and why.
    Unseen {
        why: String,
    },
    NotYetValid,
    Expired,
    /// The names of the domain that it is not for.
    WrongNames {
        missing: Vec<Name>,
    },
    /// It should have been renewed at this time.
    Late {
        due: Timestamp,
    },
    Fresh,
}

impl Health {
    /// The name in metrics and receipts.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Unseen { .. } => "unseen",
            Self::NotYetValid => "not_yet_valid",
            Self::Expired => "expired",
            Self::WrongNames { .. } => "wrong_names",
            Self::Late { .. } => "late",
            Self::Fresh => "fresh",
        }
    }
}

/// A call on people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    pub severity: Severity,
    /// The number of days left that set it off (0: expired); none where it is not about age.
    pub days: Option<i64>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assessment {
    pub health: Health,
    /// Whole days until the end, of the certificate that was seen last; negative once it is over.
    pub days_left: Option<i64>,
    /// Another certificate than the remembered one is served.
    pub renewed: bool,
    /// What was not paged yet for this certificate.
    pub page: Option<Page>,
}

/// Assesses what a domain serves. `www`: the association covers `www.` too.
pub fn assess(
    name: &Name,
    www: bool,
    memory: Option<&CertificateMemory>,
    served: &Fact<Served>,
    now: Timestamp,
) -> Assessment {
    let why = match served {
        Fact::Known(served) => return assess_served(name, www, memory, served, now),
        Fact::Unavailable(why) => why.clone(),
        Fact::Unread => "nobody looked yet".to_owned(),
    };
    let last = memory.map(|memory| &memory.served);
    Assessment {
        health: Health::Unseen { why },
        days_left: last.map(|last| days_left(last, now)),
        renewed: false,
        page: last.and_then(|last| page_by_age(last, memory.and_then(|memory| memory.paged_days), now)),
    }
}

fn assess_served(
    name: &Name,
    www: bool,
    memory: Option<&CertificateMemory>,
    served: &Served,
    now: Timestamp,
) -> Assessment {
    let told = memory.map_or_else(Told::default, |memory| Told::about(&served.serial, memory));
    let health = health(name, www, served, now);
    let trouble = matches!(health, Health::NotYetValid | Health::WrongNames { .. });
    let page = match trouble && told.troubled != Some(health.as_str()) {
        true => Some(Page { severity: Severity::Critical, days: None }),
        false => page_by_age(served, told.paged_days, now),
    };
    let ends_later = |memory: &CertificateMemory| {
        let others = memory.others.iter().map(|other| other.not_after);
        std::iter::once(memory.served.not_after).chain(others).all(|end| end < served.not_after)
    };
    Assessment { health, days_left: Some(days_left(served, now)), renewed: memory.is_some_and(ends_later), page }
}

/// What was told of one certificate.
#[derive(Default)]
struct Told<'a> {
    paged_days: Option<i64>,
    troubled: Option<&'a str>,
}

impl<'a> Told<'a> {
    fn about(serial: &str, memory: &'a CertificateMemory) -> Self {
        if memory.served.serial == serial {
            return Self { paged_days: memory.paged_days, troubled: memory.troubled.as_deref() };
        }
        let other = memory.others.iter().find(|other| other.serial == serial);
        other.map_or_else(Self::default, |other| Self {
            paged_days: other.paged_days,
            troubled: other.troubled.as_deref(),
        })
    }
}

fn health(name: &Name, www: bool, served: &Served, now: Timestamp) -> Health {
    if now < served.not_before {
        return Health::NotYetValid;
    }
    if served.not_after <= now {
        return Health::Expired;
    }
    let www = www.then(|| name.below("www").ok()).flatten();
    let missing: Vec<Name> = std::iter::once(name.clone()).chain(www).filter(|name| !covers(served, name)).collect();
    let due = overdue_at(served);
    match missing.is_empty() {
        false => Health::WrongNames { missing },
        true if due <= now => Health::Late { due },
        true => Health::Fresh,
    }
}

/// Whether the certificate is for this name: by the name itself or, for a name that is no wildcard, by a wildcard in the
/// place of its first label (RFC 9525, section 6.3).
pub fn covers(served: &Served, name: &Name) -> bool {
    let parent = name.parent().filter(|_| !name.is_wildcard());
    served
        .names
        .iter()
        .filter_map(|text| Name::parse(text).ok())
        .any(|covered| covered == *name || (covered.is_wildcard() && parent.as_ref() == Some(&covered.base())))
}

/// How long before its end a certificate's renewal is overdue.
fn overdue_before(served: &Served) -> SignedDuration {
    let life = served.not_after.duration_since(served.not_before).max(SignedDuration::ZERO);
    SignedDuration::from_secs(OVERDUE_DAYS * DAY_SECS).min(life / OVERDUE_PART)
}

/// When the renewal of a certificate is overdue.
fn overdue_at(served: &Served) -> Timestamp {
    served.not_after.checked_sub(overdue_before(served)).unwrap_or(served.not_before)
}

fn days_left(served: &Served, now: Timestamp) -> i64 {
    served.not_after.duration_since(now).as_secs().div_euclid(DAY_SECS)
}

/// The page that the certificate's age asks for, where `paged` does not show that it was made.
fn page_by_age(served: &Served, paged: Option<i64>, now: Timestamp) -> Option<Page> {
    let left = served.not_after.duration_since(now);
    let overdue = overdue_before(served);
    if left > overdue && left > SignedDuration::ZERO {
        return None;
    }
    let reached = |days: &i64| {
        let at = SignedDuration::from_secs(days * DAY_SECS);
        left <= at && at <= overdue
    };
    let days = match left <= SignedDuration::ZERO {
        true => 0,
        // Where no step is reached, the overdue renewal itself is the reason.
        false => {
            PAGE_DAYS.into_iter().rev().find(reached).unwrap_or_else(|| (overdue.as_secs() + DAY_SECS - 1) / DAY_SECS)
        }
    };
    let severity = if left <= SignedDuration::from_secs(CRITICAL_DAYS * DAY_SECS) && days <= CRITICAL_DAYS {
        Severity::Critical
    } else {
        Severity::Warning
    };
    let told = paged.is_some_and(|paged| paged <= days);
    (!told).then_some(Page { severity, days: Some(days) })
}

/// The memory after an assessment whose page, where there is one, is told in the same record. `None`: there is nothing to
/// remember yet.
pub fn remember(
    memory: Option<&CertificateMemory>,
    served: &Fact<Served>,
    assessment: &Assessment,
    now: Timestamp,
) -> Option<CertificateMemory> {
    let paged = assessment.page.and_then(|page| page.days);
    let lowest = |before: Option<i64>| [before, paged].into_iter().flatten().min();
    let Fact::Known(served) = served else {
        let memory = memory?;
        let blind = matches!(served, Fact::Unavailable(_)).then_some(now);
        let blind_since = memory.blind_since.or(blind);
        return Some(CertificateMemory { paged_days: lowest(memory.paged_days), blind_since, ..memory.clone() });
    };
    let told = memory.map_or_else(Told::default, |memory| Told::about(&served.serial, memory));
    let troubled = match assessment.health {
        Health::NotYetValid | Health::WrongNames { .. } => Some(assessment.health.as_str().to_owned()),
        _ => None,
    };
    Some(CertificateMemory {
        served: served.clone(),
        seen_at: now,
        paged_days: lowest(told.paged_days),
        troubled,
        blind_since: None,
        others: memory.map(|memory| others(memory, &served.serial)).unwrap_or_default(),
    })
}

/// The certificates beside this one, once it is the one that was seen last.
fn others(memory: &CertificateMemory, serial: &str) -> Vec<OtherCertificate> {
    let last = (memory.served.serial != serial).then(|| OtherCertificate {
        serial: memory.served.serial.clone(),
        not_after: memory.served.not_after,
        paged_days: memory.paged_days,
        troubled: memory.troubled.clone(),
    });
    let before = memory.others.iter().filter(|other| other.serial != serial).cloned();
    last.into_iter().chain(before).take(OTHERS_MAX).collect()
}

#[cfg(test)]
mod tests;
