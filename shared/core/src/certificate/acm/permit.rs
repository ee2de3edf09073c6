//! Whether something may be done or told about a certificate: the account's pause, the certificate's tags, the stack.
//!
//! The tags of the certificate count as a service's do: `pitcrew:hold`, `pitcrew:certificates`, else `pitcrew:autonomy`, else
//! the stack. They are read only where there is something to do or to tell.

use super::{Look, Observed};
use crate::autonomy::{Autonomy, Tags, autonomy_of, flag};
use crate::fact::Fact;

/// The answer for a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Permit {
    Yes,
    /// Told as a proposal instead, and why; `command`: together with the command that does it.
    No {
        why: &'static str,
        command: bool,
    },
    Off,
    /// The tags cannot be read: nobody knows whether the owner forbade it.
    Blind,
}

fn tags(seen: &Observed) -> Result<Option<&Tags>, Look> {
    match &seen.tags {
        Fact::Unread => Err(Look::Tags),
        Fact::Known(tags) => Ok(Some(tags)),
        Fact::Unavailable(_) => Ok(None),
    }
}

/// Whether a change may be made now.
pub(super) fn permit(seen: &Observed, stack: Autonomy) -> Result<Permit, Look> {
    let Some(tags) = tags(seen)? else { return Ok(Permit::Blind) };
    let autonomy = autonomy_of(tags, "certificates", stack);
    let no = |why, command| Permit::No { why, command };
    Ok(match autonomy {
        Autonomy::Off => Permit::Off,
        _ if seen.pause.is_some() => no("pitcrew is paused for this account (`pitcrew resume` ends that)", true),
        _ if flag(tags, "pitcrew:hold") => no("the certificate is tagged pitcrew:hold=true", true),
        Autonomy::Observe => no("autonomy is `observe`: pitcrew only says what it would do", false),
        Autonomy::Propose => no("autonomy is `propose`: a person decides", true),
        Autonomy::Act => Permit::Yes,
    })
}

/// Whether anything is told about it. Where the tags cannot be read the stack decides: an expiry must not go unsaid.
pub(super) fn is_off(seen: &Observed, stack: Autonomy) -> Result<bool, Look> {
    // A certificate that is gone has no tags to read.
    if seen.certificate.is_none() {
        return Ok(stack == Autonomy::Off);
    }
    let none = Tags::new();
    Ok(autonomy_of(tags(seen)?.unwrap_or(&none), "certificates", stack) == Autonomy::Off)
}
