//! A domain on its way to `active`, once nothing is to be written: what is waited for, and for how long.

use jiff::SignedDuration;

use super::draft::Draft;
use super::permit::hold;
use super::put::{Caa, Case};
use super::tell::{self, Trouble, notice, span, todo, todo_by};
use super::wanted::hosts;
use super::{
    Association, Decision, DomainStatus, Hold, Link, Look, Observed, PendingChange, Then, Validation, relink, settle,
};
use crate::dns::facts::Answer;
use crate::dns::name::Name;
use crate::dns::plan::{Owned, Purpose};
use crate::dns::record::RecordType;
use crate::fact::Fact;
use crate::notice::{NoticeKind, Severity, Todo};
use crate::receipt::rule;
use crate::short_hash::short_hash;

/// A change whose state cannot be read is not waited for longer than this: Route 53 needs a minute.
const CHANGE_WITHIN: SignedDuration = SignedDuration::from_mins(30);
/// The DNS must show a proof this long after App Runner began to wait for it: a resolver keeps an old answer for its TTL.
const SHOWN_WITHIN: SignedDuration = SignedDuration::from_mins(30);
/// ACM gives up after this long (ACM user guide).
const VALIDATED_WITHIN: SignedDuration = SignedDuration::from_hours(72);
/// App Runner lists the records within seconds.
const LISTED_WITHIN: SignedDuration = SignedDuration::from_mins(30);
/// App Runner binds a certificate within minutes, and lets go of a domain as fast.
const BOUND_WITHIN: SignedDuration = SignedDuration::from_hours(6);
const DELETED_WITHIN: SignedDuration = SignedDuration::from_hours(2);
/// A change of status is looked for by wakes this long; then the sweep does.
const WAKES_FOR: SignedDuration = SignedDuration::from_mins(5);

/// The association as it is seen, written down where it differs from what is remembered.
pub(super) fn sight(seen: &Observed, association: &Association) -> Option<Decision> {
    let mut draft = Draft::new(seen, rule::ROUTINE);
    let memory = &mut draft.memory;
    let same = memory.link.as_ref().filter(|link| link.service == seen.service && link.www == association.www);
    let long_gone =
        memory.gone_since.is_some_and(|since| seen.now.duration_since(since) >= SignedDuration::from_mins(1));
    // A status that begins again, or a domain that was away for long, is another link of the same name.
    let creating = association.status == DomainStatus::Creating;
    let again = |link: &&Link| long_gone || (creating && link.status != DomainStatus::Creating);
    let link = match same.filter(|link| !again(link)) {
        Some(link) if link.status == association.status => link.clone(),
        Some(link) => {
            let link = Link { status: association.status.clone(), since: seen.now, ..link.clone() };
            for topic in ["create-failed", "delete-failed", "unknown-status", "dns-answer", "status-stays"] {
                memory.told.remove(topic);
            }
            link
        }
        None => {
            relink::renew(memory);
            Link {
                service: seen.service.clone(),
                www: association.www,
                status: association.status.clone(),
                since: seen.now,
                first_seen: seen.now,
            }
        }
    };
    memory.link = Some(link);
    memory.gone_since = None;
    draft.changes().then(|| draft.note(Then::Again))
}

/// Statuses that a person must settle, told once. `None` for all others.
pub(super) fn failed(seen: &Observed, association: &Association, caa: &Caa) -> Option<Decision> {
    let (topic, headline, happened, text, command) = match &association.status {
        DomainStatus::CreateFailed => (
            "create-failed",
            "App Runner could not link it",
            create_failed_words(seen, association, caa),
            "Mend the cause, then link it again",
            Some(tell::command(seen, "relink")),
        ),
        DomainStatus::DeleteFailed => (
            "delete-failed",
            "App Runner could not unlink it",
            "The association stands with the status delete_failed.".to_owned(),
            "Disassociate it once more",
            Some(format!(
                "aws apprunner disassociate-custom-domain --service-arn {} --domain-name {}",
                seen.service,
                tell::quoted(seen.name.as_str())
            )),
        ),
        DomainStatus::Unknown(word) => (
            "unknown-status",
            "App Runner shows a status that pitcrew does not know",
            format!("The status is `{word}`."),
            "Look at the App Runner console",
            None,
        ),
        DomainStatus::Creating
        | DomainStatus::PendingCertificateDnsValidation
        | DomainStatus::BindingCertificate
        | DomainStatus::Active
        | DomainStatus::Deleting => return None,
    };
    let severity = if seen.memory.finished_at.is_some() { Severity::Critical } else { Severity::Warning };
    let mut notice = notice(seen, NoticeKind::Domain, severity, topic, headline);
    notice.happened = happened;
    notice.done.push("Nothing was changed.".to_owned());
    notice.todo.push(match command {
        Some(command) => todo_by(text, command),
        None => todo(text),
    });
    let mut draft = Draft::new(seen, rule::DOMAIN_STUCK);
    let fingerprint = association.status.as_str().to_owned();
    if !draft.tell_once(Trouble { topic, fingerprint, notice }) {
        return Some(hold(Hold::Blocked, None));
    }
    Some(draft.record(&format!("{headline}: told"), Then::Again))
}

fn create_failed_words(seen: &Observed, association: &Association, caa: &Caa) -> String {
    if let Some(forbidden) = caa.forbidden.first() {
        return format!(
            "The CAA set at {} lets none of Amazon's authorities issue ({}): add a value for amazon.com first.",
            forbidden.at,
            forbidden.records.join(" | ")
        );
    }
    let late =
        seen.memory.link.as_ref().is_some_and(|link| seen.now.duration_since(link.first_seen) >= VALIDATED_WITHIN);
    let proofs = association.records.iter().any(|record| record.status != Validation::Success);
    match (late, proofs) {
        (true, true) => "The proofs were not seen within 72 h: ACM stops looking then.".to_owned(),
        _ => {
            "App Runner gives no reason. Known ones: the name is reserved (example.com, names below .test), a CAA set \
              that does not name amazon.com, or no proof within 72 h."
                .to_owned()
        }
    }
}

/// A status that stays longer than it should, told once. `None` for all others.
pub(super) fn stays(seen: &Observed, association: &Association) -> Option<Decision> {
    let link = seen.memory.link.as_ref()?;
    let unlisted = association.records.is_empty() && association.unreadable.is_empty();
    let (limit, headline) = match association.status {
        DomainStatus::Deleting => (DELETED_WITHIN, "App Runner does not come to an end with unlinking it"),
        DomainStatus::BindingCertificate => (BOUND_WITHIN, "App Runner does not come to an end with its certificate"),
        DomainStatus::Creating | DomainStatus::PendingCertificateDnsValidation if unlisted => {
            (LISTED_WITHIN, "App Runner lists no validation records for it")
        }
        _ => return None,
    };
    let age = seen.now.duration_since(link.since);
    if age < limit {
        return None;
    }
    let mut notice = notice(seen, NoticeKind::Domain, Severity::Warning, "status-stays", headline);
    let since = span(seen.now, link.since);
    notice.happened = format!("For {since} its status has been `{}`.", association.status.as_str());
    notice.done.push("pitcrew can only wait: what comes next is App Runner's.".to_owned());
    notice.todo.push(match association.status {
        DomainStatus::Deleting => todo("Open a support case: no call ends an unlinking."),
        _ => todo_by("Link it again, and open a support case if that does not help", tell::command(seen, "relink")),
    });
    let mut draft = Draft::new(seen, rule::DOMAIN_STUCK);
    let fingerprint = association.status.as_str().to_owned();
    let news = draft.tell_once(Trouble { topic: "status-stays", fingerprint, notice });
    news.then(|| draft.record(&format!("{headline}: told"), Then::Again))
}

/// App Runner lists the records some seconds after the association: looked for after 5, 15 and 45 s more, then by the sweep.
pub(super) fn no_records_yet(seen: &Observed) -> Decision {
    let since = seen.memory.link.as_ref().map_or(seen.now, |link| link.since);
    let wake = match seen.now.duration_since(since).as_secs() {
        ..5 => Some(5),
        5..20 => Some(15),
        20..65 => Some(45),
        _ => None,
    };
    hold(Hold::AppRunnerAtWork, wake)
}

/// Changes that Route 53 has not brought everywhere yet.
pub(super) fn changes(seen: &Observed) -> Result<Option<Decision>, Look> {
    let mut done = Vec::new();
    for change in &seen.memory.changes {
        let old = seen.now.duration_since(change.at) >= CHANGE_WITHIN;
        match seen.changes.iter().find(|(id, _)| *id == change.id).map(|(_, fact)| fact) {
            None | Some(Fact::Unread) => {
                return Err(Look::Change { zone: change.zone.clone(), id: change.id.clone() });
            }
            Some(Fact::Known(true)) => done.push(change),
            // Nothing is decided on it any more: the DNS itself is asked next.
            Some(Fact::Known(false) | Fact::Unavailable(_)) if old => done.push(change),
            Some(Fact::Known(false) | Fact::Unavailable(_)) => {}
        }
    }
    if seen.memory.changes.is_empty() {
        return Ok(None);
    }
    if done.is_empty() {
        return Ok(Some(hold(Hold::DnsAtWork, Some(15))));
    }
    let mut draft = Draft::new(seen, rule::RECORDS_IN_SYNC);
    let words: Vec<String> =
        done.iter().map(|change| format!("{} after {}", change.id, span(seen.now, change.at))).collect();
    draft.saw("changes", words.join(", "));
    draft.memory.changes.retain(|change: &PendingChange| !done.contains(&change));
    Ok(Some(draft.record("Route 53 has brought the change to all its servers", Then::Again)))
}

/// What a domain waits for once all that can be written is written; for an active one, its end.
pub(super) fn waiting(seen: &Observed, association: &Association, case: &Case) -> Result<Decision, Look> {
    let rest = |otherwise: Decision| match (&case.blind, case.stands() && case.caa.forbidden.is_empty()) {
        (Some(_), _) => hold(Hold::Blind, Some(60)),
        (None, false) => hold(Hold::Blocked, None),
        (None, true) => otherwise,
    };
    match association.status {
        DomainStatus::Active => Ok(active(seen, association, case)?.unwrap_or_else(|| rest(hold(Hold::Settled, None)))),
        DomainStatus::PendingCertificateDnsValidation | DomainStatus::Creating => {
            let since = seen.memory.link.as_ref().map_or(seen.now, |link| link.since);
            let age = seen.now.duration_since(since);
            if let Some(decision) = too_long(seen) {
                return Ok(decision);
            }
            if case.proofs_stand()
                && let Some(decision) = not_shown(seen, association, age >= SHOWN_WITHIN)?
            {
                return Ok(match decision {
                    Decision::Hold { .. } => rest(decision),
                    other => other,
                });
            }
            Ok(rest(hold(Hold::AppRunnerAtWork, (age < WAKES_FOR).then_some(60))))
        }
        _ => Ok(stays(seen, association).unwrap_or_else(|| rest(hold(Hold::AppRunnerAtWork, None)))),
    }
}

/// An active domain whose records all stand is finished, once. One that was found so has no story to tell.
fn active(seen: &Observed, association: &Association, case: &Case) -> Result<Option<Decision>, Look> {
    if seen.memory.finished_at.is_some() || !case.stands() {
        return Ok(None);
    }
    let mut draft = Draft::new(seen, rule::DOMAIN_FINISHED);
    draft.memory.finished_at = Some(seen.now);
    draft.memory.told.retain(|topic, _| topic != "relink" && topic != "dns-answer" && !settle::is_refusal(topic));
    let found_so = seen.memory.link.as_ref().is_some_and(|link| link.first_seen == link.since);
    if !(found_so && seen.memory.owned.is_empty()) {
        let mut notice = tell::finished(seen);
        notice.todo.extend(beside(seen, case)?);
        notice.todo.extend(left_over(seen, association));
        draft.notices.push(notice);
    }
    Ok(Some(draft.record("active, and all records stand: finished", Then::Again)))
}

/// Records of other hands that lead a part of the visitors elsewhere.
fn beside(seen: &Observed, case: &Case) -> Result<Vec<Todo>, Look> {
    let mut found = Vec::new();
    for (wanted, verdict) in &case.plan.wanted {
        let (true, Some(zone)) = (wanted.record.kind == RecordType::A, verdict.zone()) else { continue };
        let name = &wanted.record.name;
        let Ok(sets) = seen.dns.standing(zone, name, std::slice::from_ref(name))? else { continue };
        found.extend(sets.iter().filter(|set| set.kind == RecordType::Aaaa).map(|set| {
            let there = tell::line(set);
            todo(format!(
                "See to {there}: it is not pitcrew's, and leads who comes over IPv6 there, not to the service."
            ))
        }));
    }
    Ok(found)
}

/// Targets that we made for a name that the link does not have any more (`www`): they go with the domain.
fn left_over(seen: &Observed, association: &Association) -> Vec<Todo> {
    let hosts = hosts(seen, association);
    let unwanted = seen
        .memory
        .owned
        .iter()
        .filter(|owned| owned.purpose == Purpose::Target && !hosts.contains(&owned.record.name));
    let words = |owned: &Owned| {
        let (line, zone) = (tell::line(&owned.record), &owned.zone.id);
        format!(
            "{line} (zone {zone}) is left over: the link has no such name any more. pitcrew removes it with the domain."
        )
    };
    unwanted.map(|owned| todo(words(owned))).collect()
}

/// 72 h without an end: ACM does not look any more.
fn too_long(seen: &Observed) -> Option<Decision> {
    let link = seen.memory.link.as_ref()?;
    if seen.now.duration_since(link.first_seen) < VALIDATED_WITHIN {
        return None;
    }
    let reason = "App Runner has waited for the proofs for 72 h, and ACM stops looking for them then.";
    let why = "linking again is proposed here, not done: see first why the proofs were not seen";
    let mut draft = Draft::new(seen, rule::DOMAIN_STUCK);
    let news = draft.tell_once(relink::propose(seen, reason, why, None, "72h"));
    news.then(|| draft.record("72 h without validation: linking again is proposed", Then::Again))
}

/// Proofs that stand in Route 53 and that the DNS does not show.
fn not_shown(seen: &Observed, association: &Association, late: bool) -> Result<Option<Decision>, Look> {
    let mut wrong = Vec::new();
    for record in association.records.iter().filter(|record| record.status != Validation::Success) {
        match seen.dns.ask(&record.name, &RecordType::Cname)? {
            Ok(Answer::Found(values))
                if values.iter().any(|value| Name::parse(value).as_ref() == Ok(&record.value)) => {}
            Ok(Answer::Found(values)) => wrong.push((record, values.join(", "))),
            Ok(Answer::Nothing) => wrong.push((record, "nothing".to_owned())),
            // A resolver that is down says nothing about the zone.
            Err(_) => return Ok(Some(hold(Hold::Blind, Some(60)))),
        }
    }
    let mut draft = Draft::new(seen, rule::DOMAIN_STUCK);
    if wrong.is_empty() {
        draft.memory.told.remove("dns-answer");
        return Ok(draft.changes().then(|| draft.note(Then::Again)));
    }
    if !late {
        return Ok(Some(hold(Hold::DnsAtWork, Some(60))));
    }
    let headline = "the DNS does not show the validation records";
    let mut notice = notice(seen, NoticeKind::Domain, Severity::Warning, "dns-answer", headline);
    let said: Vec<String> = wrong
        .iter()
        .map(|(record, answer)| {
            format!("{} should be a CNAME to {}; the DNS answers {answer}.", record.name, record.value)
        })
        .collect();
    notice.happened = format!("They stand in Route 53. {}", said.join(" "));
    notice.done.push("Nothing more can be written: Route 53 holds what is wanted.".to_owned());
    let host = hosts(seen, association).first().map(Name::base).unwrap_or_else(|| seen.name.base());
    notice.todo.push(todo_by("See which servers the DNS asks, from the top", format!("dig +trace {host} NS")));
    let fingerprint = short_hash(said.iter().map(String::as_str));
    if !draft.tell_once(Trouble { topic: "dns-answer", fingerprint, notice }) {
        return Ok(Some(hold(Hold::DnsAtWork, None)));
    }
    Ok(Some(draft.record("the DNS does not show the proofs after 30 min: told", Then::Again)))
}
