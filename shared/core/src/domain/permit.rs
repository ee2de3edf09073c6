//! Whether a change may be made now: the account's pause, the service's tags, the stack, and who asks.

use super::{Association, Decision, Hold, Look, Observed, Request, Settings, Trigger};
use crate::autonomy::{self, Autonomy, Tags, Withheld};
use crate::fact::Fact;

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Permit {
    Yes,
    No(Withheld),
    /// The tags cannot be read: nobody knows whether the owner forbade it.
    Blind,
}

/// The capability for records.
pub(super) const DOMAINS: &str = "domains";
/// The capability for what takes a certificate away for some minutes.
pub(super) const CERTIFICATES: &str = "certificates";

/// The tags of the service. A service that is gone has none: then the stack alone decides.
pub(super) fn tags(seen: &Observed) -> Result<Option<Tags>, Look> {
    match (&seen.tags, &seen.association, &seen.about_service) {
        (Fact::Unread, _, _) => Err(Look::Tags),
        (Fact::Known(tags), _, _) => Ok(Some(tags.clone())),
        (Fact::Unavailable(_), None, Fact::Unread) => Err(Look::Service),
        (Fact::Unavailable(_), None, Fact::Known(None)) => Ok(Some(Tags::new())),
        (Fact::Unavailable(_), _, _) => Ok(None),
    }
}

/// Whether this invocation does what an operator asked for, so that autonomy does not bind it.
pub(super) fn asked(seen: &Observed, association: Option<&Association>) -> bool {
    match &seen.trigger {
        Trigger::Operator(Request::Apply | Request::Relink) => association.is_some(),
        Trigger::Operator(Request::Remove) => association.is_none(),
        Trigger::Operator(Request::Adopt) | Trigger::Event | Trigger::Sweep => false,
    }
}

/// Whether a change of the capability may be made.
pub(super) fn permit(seen: &Observed, settings: &Settings, capability: &str) -> Result<Permit, Look> {
    let Some(tags) = tags(seen)? else { return Ok(Permit::Blind) };
    let paused = seen.pause.is_some();
    let answer = if asked(seen, seen.association.as_ref()) {
        autonomy::allow_operator(paused, &tags)
    } else {
        autonomy::allow_capability(paused, &tags, capability, settings.autonomy)
    };
    Ok(answer.map_or_else(Permit::No, |()| Permit::Yes))
}

/// The second half of something begun: only the switches that were set on purpose stop it.
pub(super) fn may_finish(seen: &Observed) -> Result<Permit, Look> {
    let Some(tags) = tags(seen)? else { return Ok(Permit::Blind) };
    Ok(autonomy::allow_operator(seen.pause.is_some(), &tags).map_or_else(Permit::No, |()| Permit::Yes))
}

/// A decision that tells or intends something is kept back where the capability is off: then nothing is told either. The
/// tags are read only here, so that a settled domain costs no call for them.
pub(super) fn unless_off(
    decision: Decision,
    seen: &Observed,
    settings: &Settings,
    capability: &str,
) -> Result<Decision, Look> {
    let Decision::Record(record) = &decision else { return Ok(decision) };
    let memory = record.memory.as_ref();
    let intends = memory.is_some_and(|memory| memory.intent.is_some());
    if matches!(seen.trigger, Trigger::Operator(_)) || (record.notices.is_empty() && !intends) {
        return Ok(decision);
    }
    let off = |tags: &Tags| autonomy::autonomy_of(tags, capability, settings.autonomy) == Autonomy::Off;
    match tags(seen)? {
        None => Ok(hold(Hold::Blind, Some(60))),
        Some(tags) if off(&tags) => Ok(hold(Hold::Off, None)),
        Some(_) => Ok(decision),
    }
}

pub(super) fn hold(reason: Hold, wake_after_secs: Option<u32>) -> Decision {
    Decision::Hold { reason, wake_after_secs }
}
