//! `pitcrew rollback`, `unpin` and `releases mark-good`: one request through the engine, the same path as the automatic one.
//!
//! Nothing is changed here but through [`Engine::run`]: intent first, under the fence, with a receipt for what was done and
//! for what was refused.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::time::{Duration, SystemTime};

use pitcrew_aws::engine::{Engine, Subject};
use pitcrew_core::id::ServiceArn;
use pitcrew_core::incident::IncidentState;
use pitcrew_core::receipt::{Receipt, rule};
use pitcrew_core::rollback::{Hold, Request, Trigger};
use serde::Serialize;

use super::follow::{self, End, Ending};
use super::plan::plan;
use crate::args::Global;
use crate::failure::{Exit, Failure};
use crate::find;
use crate::output::{Output, Screen, View};
use crate::session::{Needs, Session, holder};
use crate::words::{Tone, line, toned};

/// How often the request is brought again where another handler wrote first, and the time between.
const TRIES: usize = 4;
const BETWEEN: Duration = Duration::from_secs(3);
/// Longer than the command waits: nothing but Ctrl-C ends a run early.
const ENGINE_LIMIT: Duration = Duration::from_secs(60 * 60);
/// What the decision puts before its reason when it refuses a request.
pub const REFUSED: &str = "refused: ";

/// What the operator asked for, as it was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    Rollback { to: Option<String> },
    Unpin,
    MarkGood { digest: String },
}

impl Asked {
    fn name(&self) -> &'static str {
        match self {
            Self::Rollback { .. } => "rollback",
            Self::Unpin => "unpin",
            Self::MarkGood { .. } => "mark-good",
        }
    }
}

/// How to go about it.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// Wait for App Runner's operation.
    pub wait: bool,
    /// Show the plan and ask.
    pub ask: bool,
}

/// The document of an action with `--json`.
#[derive(Debug, Serialize)]
pub struct Acted {
    service: String,
    name: String,
    request: &'static str,
    #[serde(flatten)]
    ending: Ending,
    incident: Option<String>,
    /// In the order in which they were written.
    receipts: Vec<Receipt>,
}

/// Carries out one request.
pub async fn run(
    global: &Global,
    output: &Output,
    service: &str,
    asked: &Asked,
    manner: Manner,
) -> Result<Exit, Failure> {
    let session = Session::open(global, Needs::Engine).await?;
    let settings = session.settings()?;
    let arn = find::service(&session, service).await?;
    let (memory, account) = session.clients.table.load(&arn).await?;
    let plan = plan(asked, &arn, &memory, &account, session.now())?;
    if manner.ask && !confirmed(output, &plan.text)? {
        return Err(Failure::new(Exit::Refused, "you said no: nothing was done"));
    }
    let request = requested(asked, manner.ask, plan.request);
    let me = holder();
    let deadline = SystemTime::now() + ENGINE_LIMIT;
    let engine = Engine::new(&session.clients, settings, me.clone(), deadline);
    let subject = Subject { arn: arn.clone(), cause: session.cause(), trigger: Trigger::Operator(request) };
    let reached = reach(&engine, &subject, &session, &me).await?;
    let (incident, receipts) = (reached.incident(asked), reached.receipts);
    let (ending, receipts) = match incident.clone() {
        None => (answered(&receipts, reached.hold), receipts),
        Some(id) => {
            let subject = Subject { trigger: Trigger::Event, ..subject };
            follow::follow(&session, output, &engine, &subject, &id, manner.wait).await?
        }
    };
    let exit = ending.end.exit();
    let acted = Acted {
        service: arn.to_string(),
        name: arn.name().to_owned(),
        request: asked.name(),
        ending,
        incident,
        receipts,
    };
    output.show(&acted, session.now())?;
    Ok(exit)
}

/// What was confirmed is what is asked. Where nobody was asked, nobody saw a target: then the decision chooses it, on what
/// is so, for the preview's memory may be minutes behind App Runner.
fn requested(asked: &Asked, confirmed: bool, planned: Request) -> Request {
    match asked {
        Asked::Rollback { to: None } if !confirmed => Request::Rollback { to: None },
        Asked::Rollback { .. } | Asked::Unpin | Asked::MarkGood { .. } => planned,
    }
}

/// What the engine came to.
struct Reached {
    receipts: Vec<Receipt>,
    hold: Option<Hold>,
    /// The incident of an intent that was written by a run which then failed.
    left: Option<String>,
}

impl Reached {
    /// The incident that the request opened, if it did.
    fn incident(&self, asked: &Asked) -> Option<String> {
        // Marking good opens nothing; its receipt may name an incident of something else.
        if matches!(asked, Asked::MarkGood { .. }) {
            return None;
        }
        let request = self.receipts.iter().find(|receipt| receipt.rule == rule::OPERATOR);
        let opened = request.filter(|receipt| !receipt.decision.starts_with(REFUSED));
        self.left.clone().or_else(|| opened.and_then(|receipt| receipt.incident.clone()))
    }
}

/// Brings the request before the decision. What was unjudged is judged first, and another handler may be faster.
async fn reach(engine: &Engine<'_>, subject: &Subject, session: &Session, me: &str) -> Result<Reached, Failure> {
    let mut receipts = Vec::new();
    for attempt in 0..TRIES {
        if attempt > 0 {
            tokio::time::sleep(BETWEEN).await;
        }
        match engine.run(subject).await {
            Ok(report) => {
                let answered = report.receipts.iter().any(|receipt| receipt.rule == rule::OPERATOR);
                receipts.extend(report.receipts);
                if answered || report.hold.is_some() {
                    return Ok(Reached { receipts, hold: report.hold, left: None });
                }
            }
            // The run may have failed after its intent was written: then it is settled by reading, not told as nothing.
            Err(error) => match left(session, &subject.arn, me).await {
                Some(id) => return Ok(Reached { receipts, hold: None, left: Some(id) }),
                None => return Err(Failure::from(error)),
            },
        }
    }
    Ok(Reached { receipts, hold: None, left: None })
}

async fn left(session: &Session, arn: &ServiceArn, me: &str) -> Option<String> {
    let (memory, _) = session.clients.table.load(arn).await.ok()?;
    let incident = memory.incident?;
    match &incident.state {
        IncidentState::Intended { intent } | IncidentState::Confirming { intent, .. } if intent.holder == me => {
            Some(incident.id)
        }
        _ => None,
    }
}

/// What a request came to that opened no incident.
fn answered(receipts: &[Receipt], hold: Option<Hold>) -> Ending {
    if let Some(receipt) = receipts.iter().find(|receipt| receipt.rule == rule::OPERATOR) {
        return match receipt.decision.strip_prefix(REFUSED) {
            Some(why) => Ending::new(End::Refused, why),
            None => Ending::new(End::Done, receipt.decision.clone()),
        };
    }
    match hold {
        Some(Hold::Gone) => Ending::new(End::Gone, "App Runner does not know the service (any more)"),
        Some(Hold::OperationRunning) => {
            Ending::new(End::Refused, "an operation is running: ask again when it has ended")
        }
        Some(Hold::OursRunning | Hold::IntentPending) => {
            Ending::new(End::Refused, "pitcrew is at work on this service already: `pitcrew incidents` shows it")
        }
        Some(Hold::Busy) => Ending::new(End::Refused, "the service is busy without an operation: ask again later"),
        Some(Hold::Blind) => {
            Ending::new(End::Failed, "what the decision needs cannot be read; `pitcrew doctor` tells more")
        }
        Some(Hold::OutOfTime) => Ending::new(End::Failed, "it took too long; ask again"),
        Some(Hold::NothingNew | Hold::Proposed) => Ending::new(End::Failed, "the decision ended before the request"),
        None => Ending::new(End::Refused, "other handlers are at work on this service: ask again in a minute"),
    }
}

/// Shows the plan and asks. Without a terminal nobody can say yes.
pub fn confirmed(output: &Output, plan: &str) -> Result<bool, Failure> {
    let stdin = std::io::stdin();
    if !(stdin.is_terminal() && std::io::stderr().is_terminal()) {
        let what = "there is no terminal to ask for your consent: nothing was done";
        return Err(Failure::new(Exit::Usage, what).mend("add --yes"));
    }
    output.note(plan);
    let mut err = std::io::stderr().lock();
    let asked = write!(err, "Do it? [y/N] ").and_then(|()| err.flush());
    asked.map_err(|error| Failure::new(Exit::Failed, "stderr cannot be written").cause(error))?;
    let mut answer = String::new();
    let read = stdin.lock().read_line(&mut answer);
    read.map_err(|error| Failure::new(Exit::Failed, "your answer cannot be read").cause(error))?;
    Ok(is_yes(&answer))
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

impl View for Acted {
    fn text(&self, _screen: &Screen) -> String {
        let tone = match self.ending.end {
            End::Done => Tone::Good,
            End::Started | End::Refused | End::StoodDown => Tone::Warning,
            End::Failed | End::OperationFailed | End::Gone => Tone::Bad,
        };
        let mut out =
            format!("{}: {}\n", toned(tone, &self.ending.end.words(self.request)), line(&self.ending.message));
        if let Some(incident) = &self.incident {
            out.push_str(&format!("`pitcrew explain {incident}` tells the whole story.\n"));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{self, text};

    fn receipt(rule: &str, decision: &str) -> Receipt {
        Receipt { rule: rule.into(), decision: decision.into(), ..samples::receipts()[0].clone() }
    }

    #[test]
    fn a_refusal_ends_with_three_and_says_why() {
        let ending = answered(&[receipt(rule::OPERATOR, "refused: pitcrew is paused for this account")], None);
        assert_eq!((ending.end.exit(), ending.message.as_str()), (Exit::Refused, "pitcrew is paused for this account"));
    }

    #[test]
    fn a_marked_release_is_done_though_an_incident_is_open() {
        let marked = receipt(rule::OPERATOR, "marked good by an operator");
        let reached = Reached { receipts: vec![marked.clone()], hold: None, left: None };
        assert_eq!(reached.incident(&Asked::MarkGood { digest: String::new() }), None);
        assert_eq!(answered(&[marked], None).end.exit(), Exit::Done);
    }

    #[test]
    fn a_request_that_was_taken_is_followed_and_a_refused_one_is_not() {
        // Another handler may have written after the intent: the request stands even where nothing follows it in this run.
        let receipts = vec![receipt(rule::OPERATOR, "an operator asked to deploy x")];
        let reached = Reached { receipts, hold: None, left: None };
        assert_eq!(reached.incident(&Asked::Unpin), samples::receipts()[0].incident);
        let receipts = vec![receipt(rule::OPERATOR, "refused: the service is PAUSED")];
        assert_eq!(Reached { receipts, hold: None, left: None }.incident(&Asked::Unpin), None);
    }

    #[test]
    fn a_target_that_nobody_saw_is_chosen_by_the_decision() {
        let planned = || Request::Rollback { to: Some(samples::digest(0xb2)) };
        let none = Asked::Rollback { to: None };
        assert_eq!(requested(&none, false, planned()), Request::Rollback { to: None });
        assert_eq!(requested(&none, true, planned()), planned());
        let named = Asked::Rollback { to: Some("b2b2b2b2".into()) };
        assert_eq!(requested(&named, false, planned()), planned());
    }

    #[test]
    fn every_hold_has_an_exit_code() {
        let codes = [
            (Hold::Gone, Exit::NotFound),
            (Hold::OperationRunning, Exit::Refused),
            (Hold::OursRunning, Exit::Refused),
            (Hold::IntentPending, Exit::Refused),
            (Hold::Busy, Exit::Refused),
            (Hold::Blind, Exit::Failed),
            (Hold::NothingNew, Exit::Failed),
            (Hold::Proposed, Exit::Failed),
        ];
        for (hold, exit) in codes {
            assert_eq!(answered(&[], Some(hold)).end.exit(), exit, "{hold:?}");
        }
        assert_eq!(answered(&[], None).end.exit(), Exit::Refused);
    }

    #[test]
    fn only_a_clear_yes_is_one() {
        assert!(is_yes("y\n") && is_yes("YES\r\n"));
        assert!(!is_yes("\n") && !is_yes("") && !is_yes("yep") && !is_yes("n"));
    }

    fn acted() -> Acted {
        let ending =
            Ending { operation: Some("c0ffee".into()), ..Ending::new(End::Done, "our operation c0ffee succeeded") };
        Acted {
            service: samples::arn().to_string(),
            name: "shop".into(),
            request: "rollback",
            ending,
            incident: samples::receipts()[0].incident.clone(),
            receipts: samples::receipts(),
        }
    }

    #[test]
    fn an_action_for_people() {
        insta::assert_snapshot!(text(&acted()));
    }

    #[test]
    fn an_action_for_programs() {
        insta::assert_json_snapshot!(acted());
    }
}
