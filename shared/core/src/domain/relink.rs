//! Linking a domain again: disassociate, wait until it is gone, associate, and go the normal way. The name has no
//! certificate of its own meanwhile, so it is begun only where a tag or an operator says so.
//!
//! | stage | seen | decision |
//! |---|---|---|
//! | either | the domain is linked to another service now, or the service is deleted | ended, paged; the normal way from there |
//! | either | 24 h, and App Runner refuses to associate, or shows the domain still | the same |
//! | linking, or unlinking and gone | an operator asks to remove the domain's records | ended |
//! | unlinking | the domain is linked, and it may be done ([`cause`]), and its reason still holds | write the intent to disassociate |
//! | unlinking | the domain is linked, and it may not be done any more, or its reason is gone | give it up; told, or proposed |
//! | unlinking | the same, and something that this hangs on cannot be read | hold |
//! | unlinking | `deleting` | hold, wake after 15 s |
//! | either | the domain is gone | write the intent to associate; only pause and hold stop this half, and that is told at once |
//! | linking | the domain is linked | done: the link is new |
//! | either | 2 h | page, once |

use jiff::SignedDuration;

use super::draft::Draft;
use super::permit::{Permit, asked, hold, may_finish};
use super::put::Case;
use super::tell::{self, Trouble, notice, span, todo, todo_by};
use super::{
    Act, Association, Decision, DomainMemory, DomainStatus, Hold, Look, Observed, Relink, RelinkStage, Request,
    Settings, Then, Trigger, cause, operator, put, settle,
};
use crate::autonomy::Withheld;
use crate::fact::Fact;
use crate::notice::{Notice, NoticeKind, Severity};
use crate::receipt::rule;
use crate::short_hash::short_hash;

/// After this long without an end a person is asked.
const STALLS_AFTER: SignedDuration = SignedDuration::from_hours(2);
/// After this long it is ended.
const ENDS_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// Goes on with the relink in memory.
pub(super) fn go_on(seen: &Observed, settings: &Settings, relink: &Relink) -> Result<Decision, Look> {
    if let Some(decision) = over(seen, relink)? {
        return Ok(decision);
    }
    if seen.now.duration_since(relink.since) >= STALLS_AFTER {
        let mut draft = Draft::new(seen, rule::DOMAIN_STUCK);
        if draft.tell_once(stalled(seen, relink)) {
            return Ok(draft.record("linking again does not come to an end: paged once", Then::Again));
        }
    }
    let Some(association) = &seen.association else { return associate(seen, relink) };
    match association.status {
        DomainStatus::Deleting => Ok(hold(Hold::AppRunnerAtWork, Some(15))),
        _ if relink.stage == RelinkStage::Linking => {
            let mut draft = Draft::new(seen, rule::RELINK);
            linked(&mut draft.memory);
            Ok(draft.record("the domain is linked again", Then::Again))
        }
        _ => disassociate(seen, settings, association),
    }
}

/// What ends it before its end: from there on the domain goes the normal way.
fn over(seen: &Observed, relink: &Relink) -> Result<Option<Decision>, Look> {
    let shown = seen.association.is_some();
    if relink.service != seen.service {
        // Where this service does not show the domain either, nothing is known of the one that it concerns.
        return Ok(Some(match shown {
            true => end(seen, relink, "the domain is linked to another service now", Severity::Warning),
            false => hold(Hold::Gone, None),
        }));
    }
    if seen.trigger == Trigger::Operator(Request::Remove) {
        return Ok(Some(match shown {
            true => operator::refuse(seen, "pitcrew is linking the domain again"),
            false => end(seen, relink, "an operator asked to remove what pitcrew made for it", Severity::Info),
        }));
    }
    if !shown {
        match seen.about_service {
            Fact::Unread => return Err(Look::Service),
            Fact::Known(None) => return Ok(Some(end(seen, relink, "the service is deleted", Severity::Warning))),
            Fact::Known(Some(_)) | Fact::Unavailable(_) => {}
        }
    }
    if seen.now.duration_since(relink.since) < ENDS_AFTER {
        return Ok(None);
    }
    let deleting = seen.association.as_ref().is_some_and(|it| it.status == DomainStatus::Deleting);
    let refused = settle::was_refused(seen, &Act::Associate { www: relink.www });
    Ok(match relink.stage {
        _ if !shown && refused => {
            Some(end(seen, relink, "App Runner has refused to associate it for 24 h", Severity::Critical))
        }
        RelinkStage::Unlinking if shown && !deleting => {
            Some(end(seen, relink, "App Runner has not unlinked it within 24 h", Severity::Warning))
        }
        RelinkStage::Unlinking | RelinkStage::Linking => None,
    })
}

fn end(seen: &Observed, relink: &Relink, why: &str, severity: Severity) -> Decision {
    let mut draft = Draft::new(seen, rule::RELINK);
    draft.memory.relink = None;
    draft.notices.push(ended(seen, relink, why, severity));
    draft.record(&format!("linking again is ended: {why}"), Then::Again)
}

fn ended(seen: &Observed, relink: &Relink, why: &str, severity: Severity) -> Notice {
    let headline = "pitcrew does not link it again any more";
    let mut notice = notice(seen, NoticeKind::Domain, severity, "relink-ended", headline);
    notice.happened = format!("It began {} ago, and now {why}. {}", span(seen.now, relink.since), relink.reason);
    match seen.association {
        Some(_) => notice.done.push("The domain is treated as App Runner shows it.".to_owned()),
        None => {
            notice.done.push("The domain is treated as one that is not associated any more.".to_owned());
            notice.todo.push(todo_by("To link it all the same", associate_command(seen, relink)));
            notice.todo.push(todo_by("To take away what pitcrew made for it", tell::command(seen, "remove")));
        }
    }
    notice
}

/// What a new link makes of the memory: its story begins anew. The records that we own stay ours, and so does the serial
/// for which it was linked again, lest a certificate that comes out of a cache be the cause of it twice.
pub(super) fn linked(memory: &mut DomainMemory) {
    memory.relink = None;
    memory.gone_since = None;
    renew(memory);
}

/// What a disassociation that App Runner took makes of the memory: only now it is remembered as done.
pub(super) fn unlinked(seen: &Observed, memory: &mut DomainMemory) {
    memory.relinked_at = Some(seen.now);
    if let Some(certificate) = &memory.certificate {
        memory.told.insert("relinked".to_owned(), certificate.served.serial.clone());
    }
    if let Some(relink) = &mut memory.relink {
        relink.stage = RelinkStage::Unlinking;
    }
}

/// Forgets what belongs to one link only.
pub(super) fn renew(memory: &mut DomainMemory) {
    memory.link = None;
    memory.finished_at = None;
    memory.repairs.clear();
    memory.told.retain(|topic, _| topic == "relinked");
}

fn disassociate(seen: &Observed, settings: &Settings, association: &Association) -> Result<Decision, Look> {
    let mut gone = false;
    if !asked(seen, Some(association)) {
        // The certificate is read anew before each try, and where nobody reads it, nothing is known.
        if !settings.certificates {
            return Ok(hold(Hold::AppRunnerAtWork, None));
        }
        match seen.served {
            Fact::Unread => return Err(Look::Served),
            Fact::Unavailable(_) => return Ok(hold(Hold::Blind, Some(60))),
            Fact::Known(_) => {}
        }
        gone = cause::of_certificate(seen, &Case::of(seen, settings, association)?).is_none();
    }
    let mut draft = Draft::new(seen, rule::WITHHELD);
    draft.memory.relink = None;
    if gone {
        draft.saw("withheld", "its reason is gone");
        draft.notices.push(needless(seen));
        return Ok(draft.record("there is no reason any more to link it again: given up before it began", Then::Again));
    }
    match cause::may_begin(seen, settings, association)? {
        Begin::Yes => Ok(put::intend(seen, Act::Disassociate)),
        Begin::Blind => Ok(hold(Hold::Blind, Some(60))),
        Begin::No(why, _) => {
            draft.saw("withheld", why.clone());
            if asked(seen, Some(association)) {
                draft.notices.push(tell::request_refused(seen, &why));
            }
            Ok(draft.record("linking again is not allowed any more: given up before it began", Then::Again))
        }
    }
}

fn needless(seen: &Observed) -> Notice {
    let headline = "pitcrew does not link it again after all";
    let mut notice = notice(seen, NoticeKind::Domain, Severity::Info, "relink-needless", headline);
    notice.happened = "A second look at its certificate showed no reason to.".to_owned();
    notice.done.push("The domain was not unlinked.".to_owned());
    notice
}

fn associate(seen: &Observed, relink: &Relink) -> Result<Decision, Look> {
    if relink.stage == RelinkStage::Unlinking {
        let mut draft = Draft::new(seen, rule::RELINK);
        if let Some(relink) = &mut draft.memory.relink {
            relink.stage = RelinkStage::Linking;
        }
        return Ok(draft.record("App Runner does not show the domain any more: it is associated again", Then::Again));
    }
    // The domain has no certificate now: whatever keeps it so is told at once, and looked at again soon.
    let (why, reason) = match may_finish(seen)? {
        Permit::Yes => return Ok(put::intend(seen, Act::Associate { www: relink.www })),
        Permit::No(why) => (why.to_string(), Hold::Blocked),
        Permit::Blind => {
            ("the service's tags cannot be read, so nobody knows whether it is held".to_owned(), Hold::Blind)
        }
    };
    let mut draft = Draft::new(seen, rule::WITHHELD);
    draft.saw("withheld", why.clone());
    if draft.tell_once(half_way(seen, relink, &why)) {
        return Ok(draft.record("the second half of linking again is withheld: told", Then::Again));
    }
    Ok(hold(reason, Some(60)))
}

fn half_way(seen: &Observed, relink: &Relink, why: &str) -> Trouble {
    let headline = "it is unlinked, and pitcrew may not link it again";
    let mut notice = notice(seen, NoticeKind::Domain, Severity::Critical, "relink-held", headline);
    notice.happened = format!("pitcrew has unlinked it so as to link it again, and now {why}. {}", relink.reason);
    notice.done.push("Until it is linked, App Runner does not answer for the name.".to_owned());
    notice.todo.push(todo("End that: pitcrew then goes on by itself, within minutes."));
    notice.todo.push(todo_by("Or associate it by hand", associate_command(seen, relink)));
    Trouble { topic: "relink-held", fingerprint: short_hash([why]), notice }
}

/// Whether it may be begun.
pub(super) enum Begin {
    Yes,
    No(String, Option<Withheld>),
    Blind,
}

/// Begins: the relink and its first intent in one record.
pub(super) fn begin(seen: &Observed, association: &Association, reason: &str) -> Decision {
    if settle::refused_lately(seen, &Act::Disassociate) {
        return hold(Hold::Blocked, None);
    }
    let mut draft = Draft::new(seen, rule::RELINK);
    draft.saw("reason", reason);
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
    notice.todo.push(todo_by("Once it is gone, associate it by hand", associate_command(seen, relink)));
    Trouble { topic: "relink-stalled", fingerprint: relink.since.to_string(), notice }
}

fn associate_command(seen: &Observed, relink: &Relink) -> String {
    let www = if relink.www { "--enable-www-subdomain" } else { "--no-enable-www-subdomain" };
    let name = tell::quoted(seen.name.as_str());
    format!("aws apprunner associate-custom-domain --service-arn {} --domain-name {name} {www}", relink.service)
}
