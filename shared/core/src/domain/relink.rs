//! Linking a domain again: disassociate, wait until it is gone, associate, and go the normal way. The name has no
//! certificate of its own meanwhile, so it is begun only where a tag or an operator says so.
//!
//! | stage | seen | decision |
//! |---|---|---|
//! | unlinking | the domain is linked, and it may be done | write the intent to disassociate |
//! | unlinking | the domain is linked, and it may not be done any more | give it up, propose |
//! | unlinking | `deleting` | hold, wake after 15 s |
//! | either | the domain is gone | write the intent to associate; only pause and hold stop this half |
//! | linking | the domain is linked | done: the link is new |
//! | either | 2 h | page, once |

use jiff::SignedDuration;

use super::draft::Draft;
use super::permit::{CERTIFICATES, Permit, asked, hold, may_finish, permit, tags};
use super::tell::{self, Trouble, notice, span, todo_by};
use super::{
    Act, Association, Decision, DomainMemory, DomainStatus, Hold, Look, Observed, Relink, RelinkStage, Settings, Then,
    put, settle,
};
use crate::autonomy::{Withheld, flag};
use crate::notice::{NoticeKind, Severity};
use crate::receipt::rule;
use crate::short_hash::short_hash;

/// After this long without an end a person is asked.
const STALLS_AFTER: SignedDuration = SignedDuration::from_hours(2);

/// Goes on with the relink in memory.
pub(super) fn go_on(seen: &Observed, settings: &Settings, relink: &Relink) -> Result<Decision, Look> {
    if seen.now.duration_since(relink.since) >= STALLS_AFTER {
        let mut draft = Draft::new(seen, rule::DOMAIN_STUCK);
        if draft.tell_once(stalled(seen, relink)) {
            return Ok(draft.record("linking again does not come to an end: paged once", Then::Again));
        }
    }
    match seen.association.as_ref().map(|association| &association.status) {
        None => associate(seen, relink),
        Some(DomainStatus::Deleting) => Ok(hold(Hold::AppRunnerAtWork, Some(15))),
        Some(_) if relink.stage == RelinkStage::Linking => {
            let mut draft = Draft::new(seen, rule::RELINK);
            linked(&mut draft.memory);
            Ok(draft.record("the domain is linked again", Then::Again))
        }
        Some(_) => disassociate(seen, settings),
    }
}

/// What a new link makes of the memory: its story begins anew. The records that we own stay ours, and so does the serial
/// for which it was linked again, lest a certificate that comes out of a cache be the cause of it twice.
pub(super) fn linked(memory: &mut DomainMemory) {
    memory.relink = None;
    memory.gone_since = None;
    renew(memory);
}

/// Forgets what belongs to one link only.
pub(super) fn renew(memory: &mut DomainMemory) {
    memory.link = None;
    memory.finished_at = None;
    memory.told.retain(|topic, _| topic == "relinked");
}

fn disassociate(seen: &Observed, settings: &Settings) -> Result<Decision, Look> {
    let why = match may_begin(seen, settings)? {
        Begin::Yes => return Ok(put::intend(seen, Act::Disassociate)),
        Begin::Blind => return Ok(hold(Hold::Blind, Some(60))),
        Begin::No(why, _) => why,
    };
    let mut draft = Draft::new(seen, rule::WITHHELD);
    draft.saw("withheld", why);
    draft.memory.relink = None;
    Ok(draft.record("linking again is not allowed any more: given up before it began", Then::Again))
}

fn associate(seen: &Observed, relink: &Relink) -> Result<Decision, Look> {
    if relink.stage == RelinkStage::Unlinking {
        let mut draft = Draft::new(seen, rule::RELINK);
        if let Some(relink) = &mut draft.memory.relink {
            relink.stage = RelinkStage::Linking;
        }
        return Ok(draft.record("App Runner does not show the domain any more: it is associated again", Then::Again));
    }
    match may_finish(seen)? {
        Permit::Yes => Ok(put::intend(seen, Act::Associate { www: relink.www })),
        // The domain has no certificate now: looked at again soon.
        Permit::No(_) => Ok(hold(Hold::Blocked, Some(60))),
        Permit::Blind => Ok(hold(Hold::Blind, Some(60))),
    }
}

/// Whether it may be begun.
pub(super) enum Begin {
    Yes,
    No(String, Option<Withheld>),
    Blind,
}

pub(super) fn may_begin(seen: &Observed, settings: &Settings) -> Result<Begin, Look> {
    let Some(tags) = tags(seen)? else { return Ok(Begin::Blind) };
    match permit(seen, settings, CERTIFICATES)? {
        Permit::Blind => Ok(Begin::Blind),
        Permit::No(why) => Ok(Begin::No(why.to_string(), Some(why))),
        Permit::Yes if asked(seen, seen.association.as_ref()) || flag(&tags, "pitcrew:relink") => Ok(Begin::Yes),
        Permit::Yes => {
            let why = "the service has no tag pitcrew:relink=true";
            Ok(Begin::No(why.to_owned(), None))
        }
    }
}

/// Begins: the relink and its first intent in one record.
pub(super) fn begin(seen: &Observed, association: &Association, reason: &str) -> Decision {
    if settle::refused_lately(seen, &Act::Disassociate) {
        return hold(Hold::Blocked, None);
    }
    let mut draft = Draft::new(seen, rule::RELINK);
    draft.saw("reason", reason);
    if let Some(certificate) = &seen.memory.certificate {
        draft.memory.told.insert("relinked".to_owned(), certificate.served.serial.clone());
    }
    draft.memory.relink = Some(Relink {
        since: seen.now,
        service: seen.service.clone(),
        www: association.www,
        reason: reason.to_owned(),
        stage: RelinkStage::Unlinking,
    });
    let mut begun =
        notice(seen, NoticeKind::Domain, Severity::Warning, "relink-begun", "pitcrew links the domain again");
    begun.happened = format!("{reason} TLS for {} is interrupted until App Runner has a new certificate.", seen.name);
    begun.done.push("pitcrew disassociates the domain, associates it again and makes its new records.".to_owned());
    draft.tell_once(Trouble { topic: "relink-begun", fingerprint: short_hash([reason]), notice: begun });
    draft.record("the domain is to be linked again", Then::Again)
}

/// Proposes it, once for one reason.
pub(super) fn propose(
    seen: &Observed,
    reason: &str,
    why: &str,
    withheld: Option<Withheld>,
    fingerprint: &str,
) -> Trouble {
    let headline = "pitcrew would link it again";
    let mut notice = notice(seen, NoticeKind::Proposal, Severity::Critical, "relink", headline);
    notice.happened = format!(
        "{reason} Linking again (disassociate, associate, new records) makes a new certificate. It interrupts TLS for {} for \
         some minutes, sometimes longer.",
        seen.name
    );
    notice.done.push(format!("Nothing was changed: {why}."));
    if !matches!(withheld, Some(Withheld::Observe | Withheld::Off)) {
        notice.todo.push(todo_by("Do it at a time that suits you", tell::command(seen, "relink")));
    }
    Trouble { topic: "relink", fingerprint: fingerprint.to_owned(), notice }
}

fn stalled(seen: &Observed, relink: &Relink) -> Trouble {
    let mut notice = notice(
        seen,
        NoticeKind::Domain,
        Severity::Critical,
        "relink-stalled",
        "linking it again does not come to an end, a person is needed",
    );
    let stage = match relink.stage {
        RelinkStage::Unlinking => "App Runner has not let go of the domain",
        RelinkStage::Linking => "the domain is not associated again",
    };
    notice.happened = format!("It began {} ago, and {stage}. {}", span(seen.now, relink.since), relink.reason);
    notice.done.push("pitcrew goes on trying.".to_owned());
    let www = if relink.www { "--enable-www-subdomain" } else { "--no-enable-www-subdomain" };
    let command = format!(
        "aws apprunner associate-custom-domain --service-arn {} --domain-name {} {www}",
        relink.service,
        tell::quoted(seen.name.as_str())
    );
    notice.todo.push(todo_by("Once it is gone, associate it by hand", command));
    Trouble { topic: "relink-stalled", fingerprint: relink.since.to_string(), notice }
}
