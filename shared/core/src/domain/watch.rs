//! The certificate that an active domain serves: called on people at its thresholds, linked again where it has expired.
//!
//! | seen | decision |
//! |---|---|
//! | no probe here, a private service, or `pitcrew:certificates` off | nothing |
//! | a certificate that ends later than those before | told: renewed |
//! | a threshold that was not paged yet | told, with what would stop a renewal |
//! | no handshake for a day | told once: nobody can say how long the certificate lasts |
//! | expired; or 24 h left and a proof that cannot be put back | linked again where [`cause`] lets it, else proposed |
//! | the same, and something that this hangs on cannot be read | hold: blindness is no reason |

use jiff::SignedDuration;

use super::cause::{self, day};
use super::draft::Draft;
use super::permit::{CERTIFICATES, hold, unless_off};
use super::put::{Caa, Case};
use super::relink::Begin;
use super::tell::{self, Trouble, notice, span, todo, todo_by};
use super::wanted::is_private;
use super::{Association, Decision, DomainStatus, Hold, Look, Observed, Settings, Then, relink};
use crate::certificate::{Assessment, CertificateMemory, Health, Served, assess, remember};
use crate::dns::plan::{Purpose, Verdict};
use crate::fact::Fact;
use crate::notice::{Notice, NoticeKind, Severity};
use crate::receipt::rule;
use crate::short_hash::short_hash;

/// A probe that finds the same certificate is written down only this often.
const SEEN_EVERY: SignedDuration = SignedDuration::from_hours(6);
/// Blindness is told after this long.
const BLIND_FOR: SignedDuration = SignedDuration::from_hours(24);

/// The step that the certificate needs; `None` where nothing is to be done about it.
pub(super) fn certificate(
    seen: &Observed,
    settings: &Settings,
    association: &Association,
) -> Result<Option<Decision>, Look> {
    // The probe comes from outside of any VPC.
    if !settings.certificates || association.status != DomainStatus::Active || is_private(association) {
        return Ok(None);
    }
    if seen.served == Fact::Unread {
        return Err(Look::Served);
    }
    let before = seen.memory.certificate.as_ref();
    let assessment = assess(&seen.name, association.www, before, &seen.served, seen.now);
    let decision = match step(seen, settings, association, &assessment)? {
        Some(decision) => decision,
        None => match blind_for_long(seen) {
            Some(decision) => decision,
            None => return over(seen, settings, association),
        },
    };
    keep_back(decision, seen, settings)
}

/// Where the capability is off, the domain's own rows have the last word.
fn keep_back(decision: Decision, seen: &Observed, settings: &Settings) -> Result<Option<Decision>, Look> {
    let decision = unless_off(decision, seen, settings, CERTIFICATES)?;
    Ok(Some(decision).filter(|decision| !matches!(decision, Decision::Hold { reason: Hold::Off, .. })))
}

/// What was seen, written down and told.
fn step(
    seen: &Observed,
    settings: &Settings,
    association: &Association,
    assessment: &Assessment,
) -> Result<Option<Decision>, Look> {
    let before = seen.memory.certificate.as_ref();
    let after = remember(before, &seen.served, assessment, seen.now);
    let mut draft = Draft::new(seen, rule::CERTIFICATE);
    draft.memory.certificate = after;
    if assessment.page.is_some() {
        let obstacles = obstacles(seen, settings, association)?;
        draft.notices.extend(page(seen, assessment, &obstacles));
    } else if assessment.renewed {
        draft.notices.extend(renewed(seen));
    }
    draft.saw("certificate", assessment.health.as_str());
    if let Some(days) = assessment.days_left {
        draft.saw("days left", days.to_string());
    }
    if !draft.notices.is_empty() {
        draft.memory.told.remove("certificate-blind");
        let told = if assessment.page.is_some() { "the certificate needs attention: told" } else { "renewed: told" };
        return Ok(Some(draft.record(told, Then::Again)));
    }
    Ok(worth_a_write(before, draft.memory.certificate.as_ref()).then(|| draft.note(Then::Again)))
}

/// A probe that found nothing new is not written each time.
fn worth_a_write(before: Option<&CertificateMemory>, after: Option<&CertificateMemory>) -> bool {
    match (before, after) {
        (Some(before), Some(after)) => {
            let same = CertificateMemory { seen_at: before.seen_at, ..after.clone() } == *before;
            !same || after.seen_at.duration_since(before.seen_at) >= SEEN_EVERY
        }
        (before, after) => before != after,
    }
}

/// What would stop a renewal, in sentences.
fn obstacles(seen: &Observed, settings: &Settings, association: &Association) -> Result<Vec<String>, Look> {
    let case = Case::of(seen, settings, association)?;
    let mut said = Vec::new();
    for (wanted, verdict) in &case.plan.wanted {
        let missing = match verdict {
            Verdict::Standing { .. } | Verdict::Found { .. } => false,
            Verdict::Refused(_) => !case.elsewhere.contains(&wanted.record.name),
            Verdict::Create { .. } | Verdict::Replace { .. } | Verdict::Conflict { .. } | Verdict::Apex { .. } => true,
        };
        if missing && wanted.purpose == Purpose::Validation {
            said.push(format!("The validation record {} does not stand.", wanted.record.words()));
        }
    }
    for forbidden in Caa::of(seen, association)?.forbidden {
        said.push(format!("CAA at {} does not let Amazon issue ({}).", forbidden.at, forbidden.records.join(" | ")));
    }
    Ok(said)
}

fn served(seen: &Observed) -> Option<&Served> {
    let last = seen.memory.certificate.as_ref().map(|memory| &memory.served);
    seen.served.get().and_then(Result::ok).or(last)
}

fn page(seen: &Observed, assessment: &Assessment, obstacles: &[String]) -> Option<Notice> {
    let page = assessment.page?;
    let days = assessment.days_left.unwrap_or_default();
    let serves = served(seen);
    let end = serves.map(|served| day(served.not_after)).unwrap_or_default();
    let (headline, happened) = match &assessment.health {
        Health::Expired => (
            format!("its certificate expired on {end}"),
            "Visitors are refused by their browsers. App Runner has not renewed the certificate.".to_owned(),
        ),
        Health::NotYetValid => {
            ("its certificate is not valid yet".to_owned(), "What is served begins later than now.".to_owned())
        }
        Health::WrongNames { missing } => {
            let missing: Vec<&str> = missing.iter().map(|name| name.as_str()).collect();
            (
                format!("its certificate is not for {}", missing.join(", ")),
                format!("What is served is for {}.", serves.map(|served| served.names.join(", ")).unwrap_or_default()),
            )
        }
        Health::Unseen { why } => (
            format!("its certificate ends on {end}, in {days} d, and it cannot be seen"),
            format!("No handshake came about ({why}); this is what was served last."),
        ),
        Health::Late { due } => (
            format!("its certificate ends on {end}, in {days} d, and should have been renewed by now"),
            format!("The renewal was to be seen by {}.", day(*due)),
        ),
        Health::Fresh => {
            (format!("its certificate ends on {end}, in {days} d"), "It is as young as it should be.".to_owned())
        }
    };
    let mut notice = notice(seen, NoticeKind::Certificate, page.severity, "certificate", &headline);
    notice.happened = [vec![happened], obstacles.to_vec()].concat().join(" ");
    if obstacles.is_empty() {
        notice.done.push(
            "All validation records stand and CAA lets Amazon issue, so pitcrew can do nothing more for a renewal."
                .to_owned(),
        );
    } else {
        notice.done.push("pitcrew puts back what it may; see what it told about the records.".to_owned());
    }
    notice.todo.push(todo_by("See how the domain stands", tell::command(seen, "plan")));
    Some(notice)
}

fn renewed(seen: &Observed) -> Option<Notice> {
    let served = served(seen)?;
    let headline = format!("its certificate was renewed, and is valid until {}", day(served.not_after));
    let mut notice = notice(seen, NoticeKind::Certificate, Severity::Info, "renewed", &headline);
    notice.happened = format!("A handshake showed the certificate {} of {}.", served.serial, served.issuer);
    Some(notice)
}

/// No handshake for a day, although App Runner says `active`.
fn blind_for_long(seen: &Observed) -> Option<Decision> {
    let Fact::Unavailable(why) = &seen.served else {
        let mut draft = Draft::new(seen, rule::CERTIFICATE);
        draft.memory.told.remove("certificate-blind");
        return draft.changes().then(|| draft.note(Then::Again));
    };
    let since = match &seen.memory.certificate {
        Some(memory) => memory.blind_since?,
        None => seen.memory.finished_at?,
    };
    if seen.now.duration_since(since) < BLIND_FOR {
        return None;
    }
    let headline = "its certificate cannot be seen";
    let mut notice = notice(seen, NoticeKind::Certificate, Severity::Warning, "certificate-blind", headline);
    notice.happened = format!(
        "For {} no TLS handshake with {} has come about ({why}), so nobody can say how long its certificate lasts.",
        span(seen.now, since),
        seen.name
    );
    notice.done.push("pitcrew goes on trying at every sweep.".to_owned());
    notice.todo.push(todo("See whether the name resolves, and whether something else than App Runner answers it."));
    let mut draft = Draft::new(seen, rule::CERTIFICATE);
    let news = draft.tell_once(Trouble { topic: "certificate-blind", fingerprint: since.to_string(), notice });
    news.then(|| draft.record("no handshake for a day: told once", Then::Again))
}

/// A certificate that is over, or ends while a proof cannot be put back.
fn over(seen: &Observed, settings: &Settings, association: &Association) -> Result<Option<Decision>, Look> {
    let Fact::Known(served) = &seen.served else { return Ok(None) };
    if !cause::is_near(seen) {
        return Ok(None);
    }
    let Some(reason) = cause::of_certificate(seen, &Case::of(seen, settings, association)?) else { return Ok(None) };
    let (why, withheld) = match cause::may_begin(seen, settings, association)? {
        Begin::Blind => return Ok(Some(hold(Hold::Blind, Some(60)))),
        Begin::Yes => return keep_back(relink::begin(seen, association, &reason), seen, settings),
        Begin::No(why, withheld) => (why, withheld),
    };
    let mut draft = Draft::new(seen, rule::WITHHELD);
    draft.saw("withheld", why.clone());
    // A proxy may show another certificate of a few hours each time: what is near its end is proposed once for one reason.
    let expired = (served.not_after <= seen.now).then_some(served.serial.as_str());
    let fingerprint = short_hash([expired.unwrap_or_default(), &why]);
    if !draft.tell_once(relink::propose(seen, &reason, &why, withheld, &fingerprint)) {
        return Ok(Some(hold(Hold::Proposed, None)));
    }
    keep_back(draft.record("linking again is withheld: proposed", Then::Again), seen, settings)
}
