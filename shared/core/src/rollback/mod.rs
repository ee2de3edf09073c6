//! Failed and unhealthy deployments: what to do about them. One pure function, [`decide`], and its table.
//!
//! The newest operation of the service decides; older ones that were not judged yet are only told and receipted.
//!
//! | seen (newest operation of the service) | decision | where |
//! |---|---|---|
//! | the service is gone or `DELETED` | close its incident, tell once | [`watch`] |
//! | first sight of the service | seed the ledger with what runs, as unproven | [`judge`] |
//! | our intent is written, or our operation runs | follow it to its end | [`follow`] |
//! | `PENDING`, `IN_PROGRESS`, `ROLLBACK_IN_PROGRESS`, an unknown status, or busy without an operation | keep the candidate, hold; page once after 2 h | [`watch`] |
//! | `SUCCEEDED` | it becomes a release, baking | [`judge`] |
//! | `ROLLBACK_SUCCEEDED` | no write: mark the digest bad, diagnose, tell, say whether the source is still armed; pin only with `pitcrew:pin-after-failure=true` | [`judge`] |
//! | `FAILED`, service `RUNNING`, configuration as before | diagnose, tell | [`judge`] |
//! | `FAILED`, service `RUNNING`, configuration drifted from the last good release | eligible | [`judge`] |
//! | `ROLLBACK_FAILED`, service `RUNNING` | eligible; `StartDeployment` where the source already names the target | [`judge`] |
//! | `ROLLBACK_FAILED`, any other status | page | [`judge`] |
//! | `CREATE_SERVICE` failed | diagnose, tell, remind of the quota | [`judge`] |
//! | `DELETE`, `PAUSE`, `RESUME` failed | tell | [`judge`] |
//! | `SUCCEEDED`, and an alarm went to `ALARM` inside the bake window on datapoints after the operation's end | eligible | [`watch`] |
//! | the same, and the release's incident is open already | noted there | [`watch`] |
//! | an alarm outside the bake window | tell with diagnosis; healthy deployment, then dead: propose pause and resume | [`watch`] |
//! | the bake window ended | good; unproven where nothing watches, or an alarm fired or rings since before | [`watch`] |
//! | `PAUSED`, `CREATE_FAILED`, `DELETE_FAILED` without an operation that explains it | tell | [`watch`] |
//! | a push to the tag while pinned; an image set by somebody else while pinned | tell; the pin ends | [`watch`], [`judge`] |
//! | eligible, but the failing digest is the last good one's | the configuration is the suspect: tell the names that changed | [`attempt`] |
//! | eligible, nothing good is known | tell, offer `mark-good` | [`attempt`] |
//! | eligible, only an unproven release is known, or the plan is withheld | propose | [`attempt`] |
//! | eligible and allowed | write the intent, read again, call once | [`attempt`], [`follow`] |
//! | our operation failed | stop, page; never a second automatic rollback for the digest | [`follow`] |
//! | eligible, but the bad release had its one automatic rollback | propose | [`attempt`] |
//! | eligible, but the service is busy, or tags or ECR cannot be read | the incident stays open and is tried again | [`attempt`] |
//! | a newer operation that is not ours | stand down | [`follow`] |

pub mod answer;
mod attempt;
mod draft;
mod follow;
mod judge;
mod observed;
mod operator;
mod tell;
mod watch;

#[cfg(test)]
mod tests;

pub use crate::step::Then;
pub use observed::{Alarm, Fact, Look, Observed, Request, Resolved, Seen, Settings, Transition, Trigger};

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::breaker::Breaker;
use crate::incident::{IllegalTransition, Incident, IncidentState, Intent, Outcome};
use crate::memory::Memory;
use crate::notice::Notice;
use crate::receipt::Receipt;
use crate::service::ServiceStatus;
use draft::Draft;

/// After this long an operation that does not end is paged, once. The longest honest deployment seen took 18 minutes.
pub const STUCK_AFTER: SignedDuration = SignedDuration::from_hours(2);
/// A call that does not get through is given up, and a person asked, after this long: whoever waits for it has waited enough.
pub const GIVE_UP_AFTER: SignedDuration = SignedDuration::from_hours(2);
/// An intent without an operation is settled by reading only after this long: `ListOperations` may lag.
pub const INTENT_SETTLES_AFTER: SignedDuration = SignedDuration::from_secs(60);
/// A call may follow its reads only this soon (R4); a frozen and thawed invocation must not act on old reads.
pub const CALL_WITHIN: SignedDuration = SignedDuration::from_secs(10);

/// Why nothing is done now. A value, so that "why did nothing happen?" has an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// Everything was judged and nothing is due.
    NothingNew,
    /// An operation is running.
    OperationRunning,
    /// The service is busy without an operation (maintenance).
    Busy,
    /// An intent of another invocation is not settled yet.
    IntentPending,
    /// Our own operation is running.
    OursRunning,
    /// A proposal waits for a person.
    Proposed,
    /// A fact that the decision needs could not be read.
    Blind,
    /// The service is gone.
    Gone,
    /// The invocation has no time left for a further step; said by the engine, not by a decision.
    OutOfTime,
}

impl Hold {
    /// The name in metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NothingNew => "nothing_new",
            Self::OperationRunning => "operation_running",
            Self::Busy => "busy",
            Self::IntentPending => "intent_pending",
            Self::OursRunning => "ours_running",
            Self::Proposed => "proposed",
            Self::Blind => "blind",
            Self::Gone => "gone",
            Self::OutOfTime => "out_of_time",
        }
    }
}

/// Changes of memory, told and receipted in one transaction.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    pub memory: Memory,
    /// An incident that this record closes: it leaves the memory and is kept with the receipts.
    pub closed: Option<Incident>,
    /// The breaker, where it changed.
    pub breaker: Option<Breaker>,
    pub notices: Vec<Notice>,
    pub receipt: Receipt,
    pub then: Then,
}

/// What to do next about one service.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// Read this, then decide again.
    Look(Look),
    /// Nothing, and why; look again after so many seconds where a number is given.
    Hold { reason: Hold, wake_after_secs: Option<u32> },
    /// Write this, then go on as it says.
    Record(Box<Record>),
    /// Make the one call of the intent that was just written, now. Its answer goes to [`answer::after_call`].
    Call(Intent),
}

/// How a decision can fail to be one.
#[derive(Debug)]
pub(crate) enum Stop {
    Look(Look),
    Broken(IllegalTransition),
}

impl From<Look> for Stop {
    fn from(look: Look) -> Self {
        Self::Look(look)
    }
}

impl From<IllegalTransition> for Stop {
    fn from(error: IllegalTransition) -> Self {
        Self::Broken(error)
    }
}

pub(crate) type Step = Result<Option<Decision>, Stop>;

/// Decides the next step about one service. The same observation always gives the same decision.
pub fn decide(seen: &Observed, settings: &Settings) -> Result<Decision, IllegalTransition> {
    match next_step(seen, settings) {
        Ok(decision) => Ok(decision),
        Err(Stop::Look(look)) => Ok(Decision::Look(look)),
        Err(Stop::Broken(error)) => Err(error),
    }
}

fn next_step(seen: &Observed, settings: &Settings) -> Result<Decision, Stop> {
    if seen.gone {
        return watch::gone(seen);
    }
    if let Some(decision) = follow::follow(seen, settings)? {
        return Ok(decision);
    }
    if seen.memory.judged.through.is_none() {
        return judge::first_sight(seen, settings);
    }
    if let Some(decision) = stand_down_before_newer(seen)? {
        return Ok(decision);
    }
    // Ended operations come before a running one: what is known for sure is told first.
    if let Some(decision) = judge::oldest_unjudged(seen, settings)? {
        return Ok(decision);
    }
    if let Some(decision) = watch::running(seen)? {
        return Ok(decision);
    }
    if let Trigger::Operator(request) = &seen.trigger {
        return operator::answer(seen, settings, request);
    }
    if let Some(decision) = retry_open(seen, settings)? {
        return Ok(decision);
    }
    watch::at_rest(seen, settings)
}

/// An incident that is not in our hands yet ends as soon as somebody starts a newer operation: the human wins.
fn stand_down_before_newer(seen: &Observed) -> Step {
    let Some(incident) = &seen.memory.incident else { return Ok(None) };
    let newest = seen.operations.first();
    let superseded = newest.is_some_and(|newest| {
        let about = seen.operations.iter().find(|operation| operation.id == incident.operation);
        newest.id != incident.operation && about.is_none_or(|about| newest.started_at > about.started_at)
    });
    if !superseded {
        return Ok(None);
    }
    let mut draft = Draft::new(seen, crate::receipt::rule::STOOD_DOWN);
    draft.about(&incident.operation);
    draft.saw("newest operation", newest.map(|operation| operation.id.to_string()).unwrap_or_default());
    draft.notices.push(tell::stood_down(seen, incident));
    draft.close(Outcome::StoodDown)?;
    Ok(Some(draft.record("a newer operation was started by somebody else: pitcrew stands down", Then::Again)))
}

/// An incident that was judged eligible while the service could not be changed is tried again; a proposal waits for a person.
fn retry_open(seen: &Observed, settings: &Settings) -> Step {
    match seen.memory.incident.as_ref().map(|incident| &incident.state) {
        Some(IncidentState::Open) => {
            match seen.service()?.map(|service| &service.status) {
                None => return Ok(Some(Decision::Hold { reason: Hold::Blind, wake_after_secs: Some(60) })),
                // Still busy: what is watched at rest says so, and pages when it takes too long.
                Some(ServiceStatus::OperationInProgress) => return Ok(None),
                Some(_) => {}
            }
            let draft = Draft::new(seen, crate::receipt::rule::INTENT);
            attempt::attempt(draft, settings).map(Some)
        }
        Some(
            IncidentState::Proposed { .. }
            | IncidentState::Intended { .. }
            | IncidentState::Confirming { .. }
            | IncidentState::Closed { .. },
        )
        | None => Ok(None),
    }
}
