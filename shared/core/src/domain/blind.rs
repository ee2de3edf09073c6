//! Blindness that lasts: a fact that a decision needs cannot be read, so nothing is done, and a person must hear of it.
//!
//! | seen | decision |
//! |---|---|
//! | blind for the first time | remember since when |
//! | blind for 30 min, and not told within a day | told, with what cannot be read and what to do; nothing where domains are off |
//! | not blind any more | forget it; told where the blindness was told |
//!
//! Neither the one nor the other is told more than once a day, however often sight comes and goes. What only the function with
//! handshakes reads, only that one can say to be seen again.

use jiff::SignedDuration;

use super::draft::Draft;
use super::permit::DOMAINS;
use super::put::Case;
use super::tell::{self, notice, span, todo, todo_by};
use super::{Blindness, Decision, Hold, Look, Observed, Settings, Then, Trigger};
use crate::autonomy::{Autonomy, autonomy_of};
use crate::dns::plan::{self, Leftover};
use crate::fact::Fact;
use crate::notice::{Notice, NoticeKind, Severity, Todo};
use crate::receipt::rule;

/// What lasts as long as this is told.
const TOLD_AFTER: SignedDuration = SignedDuration::from_mins(30);
/// It is not told more often than this.
const TOLD_EVERY: SignedDuration = SignedDuration::from_hours(24);

/// The decision, or the record that blindness begins, is told, or ends. An operator sees it himself.
pub(super) fn watched(seen: &Observed, settings: &Settings, decision: Decision) -> Result<Decision, Look> {
    match (&decision, &seen.trigger) {
        (_, Trigger::Operator(_)) => Ok(decision),
        (Decision::Hold { reason: Hold::Blind, .. }, _) => Ok(lasts(seen, settings)?.unwrap_or(decision)),
        // Somebody else's intent says nothing about what can be read.
        (Decision::Hold { reason: Hold::IntentPending, .. }, _) => Ok(decision),
        (Decision::Hold { reason, .. }, _) => Ok(ends(seen, settings, *reason).unwrap_or(decision)),
        _ => Ok(decision),
    }
}

fn lasts(seen: &Observed, settings: &Settings) -> Result<Option<Decision>, Look> {
    let mut draft = Draft::new(seen, rule::DOMAIN_BLOCKED);
    let since = seen.memory.blind.as_ref().map_or(seen.now, |blind| blind.since);
    let with_handshakes =
        settings.certificates || seen.memory.blind.as_ref().is_some_and(|blind| blind.with_handshakes);
    draft.memory.blind = Some(Blindness { since, with_handshakes });
    if draft.changes() {
        return Ok(Some(draft.note(Then::Again)));
    }
    let told = seen.memory.blind_told.is_some_and(|at| at >= since || seen.now.duration_since(at) < TOLD_EVERY);
    if told || seen.now.duration_since(since) < TOLD_AFTER || is_off(seen, settings)? {
        return Ok(None);
    }
    let reasons = reasons(seen, settings);
    draft.memory.blind_told = Some(seen.now);
    draft.saw("blind", reasons.iter().map(|(what, _)| what.as_str()).collect::<Vec<_>>().join(" "));
    draft.notices.push(lasting(seen, since, reasons));
    Ok(Some(draft.record("something that the decision needs cannot be read for half an hour: told", Then::Again)))
}

fn ends(seen: &Observed, settings: &Settings, reason: Hold) -> Option<Decision> {
    let blind = seen.memory.blind.as_ref()?;
    if blind.with_handshakes && !settings.certificates {
        return None;
    }
    let mut draft = Draft::new(seen, rule::DOMAIN_GOES_ON);
    draft.memory.blind = None;
    if reason == Hold::Off || seen.memory.blind_told.is_none_or(|at| at < blind.since) {
        return Some(draft.note(Then::Again));
    }
    draft.notices.push(tell::goes_on(seen, &["blind".to_owned()]));
    Some(draft.record("everything can be read again: pitcrew goes on", Then::Again))
}

/// Whether the owner wants to hear nothing. Tags that cannot be read forbid nothing to be told.
fn is_off(seen: &Observed, settings: &Settings) -> Result<bool, Look> {
    let autonomy = match &seen.tags {
        Fact::Unread => return Err(Look::Tags),
        Fact::Known(tags) => autonomy_of(tags, DOMAINS, settings.autonomy),
        Fact::Unavailable(_) => settings.autonomy,
    };
    Ok(autonomy == Autonomy::Off)
}

/// What cannot be read, and who can help.
type Reason = (String, Help);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Help {
    Route53,
    OtherAccount,
    Dns,
    AppRunner,
    Table,
    Nobody,
}

fn reasons(seen: &Observed, settings: &Settings) -> Vec<Reason> {
    let mut all: Vec<Reason> = Vec::new();
    let mut add = |what: String, help: Help| {
        if !all.iter().any(|(known, _)| *known == what) {
            all.push((what, help));
        }
    };
    let dns = &seen.dns;
    match &dns.zones {
        Fact::Unavailable(why) => add(format!("The hosted zones cannot be listed ({why})."), Help::Route53),
        Fact::Known(zones) => {
            for (role, why) in &zones.unlisted {
                add(format!("The hosted zones behind {role} cannot be listed ({why})."), Help::OtherAccount);
            }
        }
        Fact::Unread => {}
    }
    let unread = |zone: &str, what: &str, why: &str| format!("The {what} of zone {zone} cannot be read ({why}).");
    for (zone, fact) in &dns.servers {
        if let Fact::Unavailable(why) = fact {
            add(unread(zone, "name servers", why), Help::Route53);
        }
    }
    for (zone, _, fact) in &dns.standing {
        if let Fact::Unavailable(why) = fact {
            add(unread(zone, "records", why), Help::Route53);
        }
    }
    for (vpc, fact) in &dns.private {
        if let Fact::Unavailable(why) = fact {
            add(format!("The private zones of {vpc} cannot be listed ({why})."), Help::Route53);
        }
    }
    for (name, kind, fact) in &dns.answers {
        if let Fact::Unavailable(why) = fact {
            add(format!("The DNS does not say what {kind} {name} has ({why})."), Help::Dns);
        }
    }
    if let Fact::Unavailable(why) = &seen.tags {
        add(format!("The service's tags cannot be read ({why})."), Help::AppRunner);
    }
    if let Fact::Unavailable(why) = &seen.about_service {
        add(format!("The service cannot be described ({why})."), Help::AppRunner);
    }
    for (name, fact) in &seen.sharers {
        if let Fact::Unavailable(why) = fact {
            add(format!("Nobody can say which other domains need {name} ({why})."), Help::Table);
        }
    }
    if all.is_empty() {
        all.push((inferred(seen, settings), Help::Nobody));
    }
    all
}

/// Where no read failed, something that was read cannot be made sense of.
fn inferred(seen: &Observed, settings: &Settings) -> String {
    let leftover = || {
        let plan = plan::plan(&[], &seen.memory.owned, &seen.dns).ok()?;
        plan.leftover.into_iter().find_map(|(_, leftover)| match leftover {
            Leftover::Blind(why) => Some(why),
            Leftover::Remove | Leftover::Forget => None,
        })
    };
    let why = match &seen.association {
        Some(association) => Case::of(seen, settings, association).ok().and_then(|case| case.blind),
        None => leftover(),
    };
    why.map_or_else(|| "It is not known what.".to_owned(), |why| format!("It is this: {why}."))
}

fn lasting(seen: &Observed, since: jiff::Timestamp, reasons: Vec<Reason>) -> Notice {
    let headline = "pitcrew cannot see what it needs, and does nothing";
    let mut notice = notice(seen, NoticeKind::Domain, Severity::Warning, "blind", headline);
    let said: Vec<&str> = reasons.iter().map(|(what, _)| what.as_str()).collect();
    notice.happened = format!("For {} this has lasted. {}", span(seen.now, since), said.join(" "));
    let done =
        "Nothing is written or removed on a guess, nor is the domain linked again; pitcrew tries again at every sweep.";
    notice.done.push(done.to_owned());
    let mut helps: Vec<Help> = Vec::new();
    for (_, help) in &reasons {
        if !helps.contains(help) {
            helps.push(*help);
            notice.todo.extend(todo_for(seen, *help));
        }
    }
    notice.todo.push(todo_by("Then see how the domain stands", tell::command(seen, "plan")));
    notice
}

fn todo_for(seen: &Observed, help: Help) -> Option<Todo> {
    Some(match help {
        Help::Route53 => todo(
            "Let pitcrew's role read Route 53 (ListHostedZones, GetHostedZone, ListResourceRecordSets): its policy, a permissions \
             boundary or a service control policy denies it.",
        ),
        Help::OtherAccount => todo(
            "Let that role be assumed again (its trust policy, the external id), or take it out of the stack's ZoneRoleArns.",
        ),
        Help::Dns => {
            let name = seen.name.base();
            todo_by("See which servers the DNS asks, from the top", format!("dig +trace {name} CAA"))
        }
        Help::AppRunner => todo(
            "Let pitcrew's role read App Runner (DescribeService, ListTagsForResource): its policy or a service control policy \
             denies it.",
        ),
        Help::Table => todo("Let pitcrew's role read its table, and see whether the table is there."),
        Help::Nobody => return None,
    })
}
