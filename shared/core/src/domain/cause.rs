//! Whether a domain may be unlinked so as to be linked again. Asked when it is begun and again right before the call, each
//! time of facts that were read anew: the certificate by a second handshake, too.
//!
//! | seen | answer |
//! |---|---|
//! | anything that a new link needs cannot be read | blind: nothing |
//! | pause, hold, autonomy; without an operator also no tag `pitcrew:relink=true` | no |
//! | no operator, and the zone does not lead the name straight to App Runner's target, or what is served is not for the name | no: whose certificate it is, nobody can say |
//! | no operator, and it was linked again for this certificate, or for any within 7 days | no |
//! | CAA forbids, or a zone of the domain cannot be written to | no: the new link would not come to an end |
//! | none of these | yes |

use jiff::{SignedDuration, Timestamp};

use super::permit::{CERTIFICATES, Permit, asked, permit, tags};
use super::put::{Caa, Case};
use super::relink::Begin;
use super::{Association, Look, Observed, Settings, trouble, wanted};
use crate::autonomy::flag;
use crate::certificate::{Served, covers};
use crate::dns::plan::{Place, Purpose, Verdict};
use crate::dns::zone::{self, Refusal};
use crate::fact::Fact;

/// So near to its end a certificate whose proof cannot be put back is a cause.
const LAST_DAY: SignedDuration = SignedDuration::from_hours(24);
/// By itself pitcrew links a domain again at most once in this time.
const ONCE_IN: SignedDuration = SignedDuration::from_hours(7 * 24);

pub(super) fn day(at: Timestamp) -> String {
    at.to_string().chars().take(10).collect()
}

/// Whether what is served is over, or nearly: without this no further read is worth its call.
pub(super) fn is_near(seen: &Observed) -> bool {
    matches!(&seen.served, Fact::Known(served) if served.not_after.duration_since(seen.now) <= LAST_DAY)
}

/// Why the certificate that is served calls for linking again. `None`: it does not, or nobody knows.
pub(super) fn of_certificate(seen: &Observed, case: &Case) -> Option<String> {
    let Fact::Known(served) = &seen.served else { return None };
    let end = day(served.not_after);
    if served.not_after <= seen.now {
        return Some(format!("The certificate expired on {end}, and App Runner has no call that renews it."));
    }
    let kept_out = case.plan.wanted.iter().any(|(wanted, verdict)| {
        let elsewhere = case.elsewhere.contains(&wanted.record.name);
        wanted.purpose == Purpose::Validation
            && match verdict {
                Verdict::Conflict { .. } => true,
                // What cannot be read may well stand.
                Verdict::Refused(refusal) => !elsewhere && !matches!(refusal, Refusal::Blind(_)),
                _ => false,
            }
    });
    (is_near(seen) && kept_out)
        .then(|| format!("The certificate ends on {end}, and a validation record cannot be put back."))
}

/// The table above.
pub(super) fn may_begin(seen: &Observed, settings: &Settings, association: &Association) -> Result<Begin, Look> {
    let case = Case::of(seen, settings, association)?;
    let caa = Caa::of(seen, association)?;
    let Some(tags) = tags(seen)? else { return Ok(Begin::Blind) };
    match permit(seen, settings, CERTIFICATES)? {
        Permit::Blind => return Ok(Begin::Blind),
        Permit::No(why) => return Ok(Begin::No(why.to_string(), Some(why))),
        Permit::Yes => {}
    }
    if case.blind.is_some() || caa.blind.is_some() {
        return Ok(Begin::Blind);
    }
    let no = |why: String| Ok(Begin::No(why, None));
    if !asked(seen, Some(association)) {
        if !flag(&tags, "pitcrew:relink") {
            return no("the service has no tag pitcrew:relink=true".to_owned());
        }
        let Fact::Known(served) = &seen.served else { return Ok(Begin::Blind) };
        if let Some(why) = not_app_runners(seen, &case, served).or_else(|| done_before(seen, served)) {
            return no(why);
        }
    }
    match obstacle(seen, association, &case, &caa)? {
        Obstacle::None => Ok(Begin::Yes),
        Obstacle::Blind => Ok(Begin::Blind),
        Obstacle::Is(why) => no(format!("a new link could not be finished: {why}")),
    }
}

/// Why the certificate may be somebody else's: a proxy's, a CDN's, or another server's at the same name.
fn not_app_runners(seen: &Observed, case: &Case, served: &Served) -> Option<String> {
    let leads = case.plan.wanted.iter().any(|(wanted, verdict)| {
        let at_name = wanted.purpose == Purpose::Target && wanted.record.name == seen.name;
        at_name && wanted.place == Place::Public && matches!(verdict, Verdict::Standing { .. } | Verdict::Found { .. })
    });
    if !leads {
        return Some(format!(
            "Route 53 does not lead {} straight to App Runner, so the certificate that is served may be somebody else's",
            seen.name
        ));
    }
    (!covers(served, &seen.name))
        .then(|| format!("what is served is not for {}, so it may be somebody else's certificate", seen.name))
}

fn done_before(seen: &Observed, served: &Served) -> Option<String> {
    if seen.memory.told.get("relinked") == Some(&served.serial) {
        return Some(
            "it was linked again for this certificate already, and App Runner gave the same one back".to_owned(),
        );
    }
    let at = seen.memory.relinked_at.filter(|at| seen.now.duration_since(*at) < ONCE_IN)?;
    Some(format!("it was linked again on {} already, and pitcrew does that at most once in 7 days", day(at)))
}

/// What keeps a new link from coming to its end.
enum Obstacle {
    None,
    Is(String),
    Blind,
}

impl Obstacle {
    /// The reason goes on in a sentence that has its own full stop.
    fn of(place: &Place, refusal: &Refusal) -> Self {
        Self::Is(trouble::reason(place, refusal).trim_end_matches('.').to_owned())
    }
}

fn obstacle(seen: &Observed, association: &Association, case: &Case, caa: &Caa) -> Result<Obstacle, Look> {
    if let Some(forbidden) = caa.forbidden.first() {
        let set = forbidden.records.join(" | ");
        return Ok(Obstacle::Is(format!("CAA at {} does not let Amazon issue ({set})", forbidden.at)));
    }
    for (wanted, verdict) in &case.plan.wanted {
        if let Verdict::Refused(refusal) = verdict {
            return Ok(Obstacle::of(&wanted.place, refusal));
        }
    }
    // The new proofs stand at or below the names themselves, wherever the old ones stood.
    let hosts = wanted::hosts(seen, association);
    for host in &hosts {
        match zone::choose(host, &hosts, &seen.dns)? {
            Ok(_) => {}
            Err(Refusal::Blind(_)) => return Ok(Obstacle::Blind),
            Err(refusal) => return Ok(Obstacle::of(&Place::Public, &refusal)),
        }
    }
    Ok(Obstacle::None)
}
