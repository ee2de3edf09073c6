//! Follows a request about a domain: the engine's ordinary run, again and again, until there is nothing more to wait for.
//!
//! The first run carries the request; the runs after it carry on with what it began, as an operator's too, for the records of
//! a new link are only listed later. The functions go on without the command: the fence keeps them apart.

use std::time::{Duration, Instant};

use pitcrew_aws::domain_engine::{DomainEngine, DomainReport};
use pitcrew_aws::engine::EngineError;
use pitcrew_core::dns::name::Name;
use pitcrew_core::domain::{DomainMemory, DomainStatus, Hold, Request};
use pitcrew_core::id::ServiceArn;
use pitcrew_core::receipt::{Receipt, rule};

use super::subject;
use crate::commands::act::REFUSED;
use crate::commands::follow::{End, Ending};
use crate::domain_session::DomainSession;
use crate::failure::Failure;
use crate::output::Output;
use crate::words::length;

/// The longest and the shortest time between two runs.
const EVERY_MAX: Duration = Duration::from_secs(15);
const EVERY_MIN: Duration = Duration::from_secs(3);
/// How long is waited at the most. ACM mostly validates within minutes; pitcrew follows it further.
const WAIT_MAX: Duration = Duration::from_secs(60 * 60);
/// Where nobody waits, for so long the request is still brought again behind handlers that were faster.
const BRING_MAX: Duration = Duration::from_secs(60);
/// Failed runs in a row that are borne: a short throttle is no reason to leave.
const FAILURES_MAX: u32 = 5;

/// What one run came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Come {
    End(Ending),
    /// What is waited for.
    Wait(&'static str),
    /// Another handler was faster: the request was not heard yet.
    Again,
}

/// A request on its way.
pub struct Way<'a> {
    pub session: &'a DomainSession,
    pub output: &'a Output,
    pub engine: &'a DomainEngine<'a>,
    pub service: &'a ServiceArn,
    pub name: &'a Name,
    pub request: Request,
    /// Whether the request was taken already, so that the runs only carry on.
    pub begun: bool,
    pub wait: bool,
}

impl Way<'_> {
    /// Goes the way to its end, or only as far as the request is taken.
    ///
    /// # Errors
    /// The domain cannot be run, even after some tries.
    pub async fn go(mut self) -> Result<(Ending, Vec<Receipt>), Failure> {
        let began = Instant::now();
        let (mut failures, mut receipts) = (0, Vec::new());
        loop {
            let memory = self.remembered().await?;
            if self.request == Request::Remove && memory.version == 0 {
                self.output.progress("");
                return Ok((Ending::new(End::Done, "nothing of it is left"), receipts));
            }
            let (come, wake) = match self.run().await {
                Ok(report) => {
                    failures = 0;
                    let come = come(&self.request, &report, &self.remembered().await?);
                    receipts.extend(report.receipts);
                    (come, report.wake_after_secs)
                }
                Err(error) if error.is_transient() && failures < FAILURES_MAX => {
                    failures += 1;
                    (Come::Again, None)
                }
                Err(error) => return Err(left(&self, error)),
            };
            let limit = if self.wait { WAIT_MAX } else { BRING_MAX };
            let waits = match come {
                Come::End(ending) => {
                    self.output.progress("");
                    return Ok((ending, receipts));
                }
                Come::Wait(what) if !self.wait || began.elapsed() > limit => {
                    self.output.progress("");
                    return Ok((standing(what, self.wait), receipts));
                }
                Come::Again if began.elapsed() > limit => {
                    self.output.progress("");
                    let why = "other handlers are at work on this domain: ask again in a minute";
                    return Ok((Ending::new(End::Refused, why), receipts));
                }
                Come::Wait(what) => what,
                Come::Again => "another handler",
            };
            let elapsed = length(began.elapsed().try_into().unwrap_or_default());
            let status = memory.link.as_ref().map_or("not seen yet", |link| link.status.as_str()).to_owned();
            self.output.progress(&format!("{}: {status}, waits for {waits} ({elapsed})", self.name));
            let wake = wake.map_or(EVERY_MAX, |secs| Duration::from_secs(secs.into()));
            tokio::time::sleep(wake.clamp(EVERY_MIN, EVERY_MAX)).await;
        }
    }

    async fn remembered(&self) -> Result<DomainMemory, Failure> {
        let read = self.session.clients.table.load_domains(std::slice::from_ref(self.name)).await?;
        Ok(read.0.into_values().next().transpose()?.unwrap_or_default())
    }

    /// One run of the domain.
    ///
    /// # Errors
    /// It could not be run.
    pub async fn run(&mut self) -> Result<DomainReport, EngineError> {
        let request = carried(&self.request, self.begun);
        let report = self.engine.run(&subject(self.session, self.service, self.name, request)).await?;
        let found = report.domains.into_iter().find(|(name, _)| name == self.name).map(|(_, report)| report);
        // A domain that is run at another service by now is not shown here.
        let report = found.unwrap_or_else(|| Ok(DomainReport { hold: Some(Hold::Gone), ..DomainReport::default() }))?;
        self.begun |= report.receipts.iter().any(|receipt| receipt.rule == rule::RELINK);
        Ok(report)
    }
}

/// What a run asks for. Linking again is asked for once: asked again after its second half, it would begin anew.
fn carried(request: &Request, begun: bool) -> Request {
    match request {
        Request::Relink if begun => Request::Apply,
        other => other.clone(),
    }
}

/// The end of a way that could not be gone further.
fn left(way: &Way<'_>, error: EngineError) -> Failure {
    way.output.progress("");
    let failure = Failure::from(error);
    if !way.begun && !way.wait {
        return failure;
    }
    let what = format!("the domain could not be followed further: {}", failure.what);
    let mend = format!("pitcrew goes on without you; `pitcrew domains {}` shows how it stands", way.service.name());
    Failure { what, ..failure }.mend(mend)
}

fn standing(what: &str, waited: bool) -> Ending {
    if waited {
        let minutes = WAIT_MAX.as_secs() / 60;
        return Ending::new(End::Failed, format!("it still waits for {what} after {minutes} min; pitcrew goes on"));
    }
    Ending::new(End::Started, format!("it waits for {what}; pitcrew goes on"))
}

/// What a run came to. Receipts say more than the hold, and the last one the most.
fn come(request: &Request, report: &DomainReport, after: &DomainMemory) -> Come {
    let end = |end, message: String| Come::End(Ending::new(end, message));
    for receipt in report.receipts.iter().rev() {
        match receipt.rule.as_str() {
            rule::OPERATOR => {
                let why = receipt.decision.strip_prefix(REFUSED).unwrap_or(&receipt.decision);
                return end(End::Refused, why.to_owned());
            }
            rule::RECORDS_ADOPTED if *request == Request::Adopt => {
                return end(End::Done, format!("pitcrew's own from now on: {}", saw(receipt, "records")));
            }
            rule::CALLED if receipt.did.as_deref().is_some_and(|did| did.starts_with(REFUSED)) => {
                let why = format!("it was to {}, and was refused: {}", receipt.decision, saw(receipt, "answer"));
                return end(End::Failed, why);
            }
            _ => {}
        }
    }
    if *request == Request::Remove && after.version == 0 {
        return end(End::Done, "nothing of it is left".to_owned());
    }
    held(request, report, after)
}

fn saw<'r>(receipt: &'r Receipt, what: &str) -> &'r str {
    receipt.saw.iter().find(|(name, _)| name == what).map(|(_, value)| value.as_str()).unwrap_or_default()
}

fn held(request: &Request, report: &DomainReport, after: &DomainMemory) -> Come {
    let end = |end, message: &str| Come::End(Ending::new(end, message));
    let status = after.link.as_ref().map(|link| &link.status);
    match report.hold {
        Some(Hold::Settled) => end(End::Done, "active, and all its records stand"),
        Some(Hold::AppRunnerAtWork) => Come::Wait("App Runner"),
        Some(Hold::DnsAtWork) => Come::Wait("the DNS"),
        Some(Hold::IntentPending) => Come::Wait("a change that is under way"),
        Some(Hold::Blocked) if matches!(status, Some(DomainStatus::CreateFailed | DomainStatus::DeleteFailed)) => {
            end(End::OperationFailed, "App Runner could not do it, a person is needed")
        }
        Some(Hold::Blocked) => end(End::Refused, "something stands in the way"),
        Some(Hold::Proposed) => end(End::Refused, "a person decides what comes next"),
        Some(Hold::Off) => end(End::Refused, "it is switched off for this service"),
        Some(Hold::Blind) => end(End::Failed, "what the decision needs cannot be read; `pitcrew doctor` tells more"),
        Some(Hold::OutOfTime) => end(End::Failed, "it took too long; ask again"),
        Some(Hold::Gone) if *request == Request::Remove && after.gone_since.is_some() && !after.owned.is_empty() => {
            end(End::Done, "what is left is needed by other domains, and goes with the last of them")
        }
        Some(Hold::Gone) => end(End::Gone, "App Runner does not show the domain at this service"),
        None if report.actions > 0 => Come::Wait("the answer to its last call"),
        None if report.receipts.is_empty() => Come::Again,
        None => Come::Wait("its next step"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Exit;
    use crate::samples;

    fn report(hold: Option<Hold>, receipts: Vec<Receipt>) -> DomainReport {
        DomainReport { hold, receipts, ..DomainReport::default() }
    }

    fn receipt(rule: &str, decision: &str, did: Option<&str>) -> Receipt {
        let receipt = samples::receipts()[0].clone();
        Receipt { rule: rule.into(), decision: decision.into(), did: did.map(str::to_owned), ..receipt }
    }

    fn exit(come: &Come) -> Option<Exit> {
        match come {
            Come::End(ending) => Some(ending.end.exit()),
            Come::Wait(_) | Come::Again => None,
        }
    }

    #[test]
    fn every_hold_is_waited_for_or_has_its_exit_code() {
        let cases = [
            (Hold::Settled, Some(Exit::Done)),
            (Hold::AppRunnerAtWork, None),
            (Hold::DnsAtWork, None),
            (Hold::IntentPending, None),
            (Hold::Blocked, Some(Exit::Refused)),
            (Hold::Proposed, Some(Exit::Refused)),
            (Hold::Off, Some(Exit::Refused)),
            (Hold::Blind, Some(Exit::Failed)),
            (Hold::OutOfTime, Some(Exit::Failed)),
            (Hold::Gone, Some(Exit::NotFound)),
        ];
        for (hold, expected) in cases {
            let come = come(&Request::Apply, &report(Some(hold), Vec::new()), &samples::domain_memory());
            assert_eq!(exit(&come), expected, "{hold:?}");
        }
    }

    #[test]
    fn an_association_that_failed_needs_a_person() {
        let mut memory = samples::domain_memory();
        memory.link.as_mut().unwrap().status = DomainStatus::CreateFailed;
        let come = come(&Request::Apply, &report(Some(Hold::Blocked), Vec::new()), &memory);
        assert_eq!(exit(&come), Some(Exit::OperationFailed));
    }

    #[test]
    fn a_refusal_says_why_whatever_the_hold_is() {
        let memory = samples::domain_memory();
        let refused = receipt(rule::OPERATOR, "refused: pitcrew is paused for this account", None);
        let Come::End(ending) = come(&Request::Apply, &report(Some(Hold::Settled), vec![refused]), &memory) else {
            panic!("a refusal is an end")
        };
        assert_eq!((ending.end, ending.message.as_str()), (End::Refused, "pitcrew is paused for this account"));
        let mut refused = receipt(rule::CALLED, "create a CNAME b", Some("refused: AccessDenied"));
        refused.saw = vec![("answer".into(), "AccessDenied: not for you".into())];
        let Come::End(ending) = come(&Request::Apply, &report(Some(Hold::Blocked), vec![refused]), &memory) else {
            panic!("a refused call is an end")
        };
        assert_eq!(ending.end, End::Failed);
        assert_eq!(ending.message, "it was to create a CNAME b, and was refused: AccessDenied: not for you");
    }

    #[test]
    fn records_are_taken_over_in_one_run() {
        let mut adopted = receipt(rule::RECORDS_ADOPTED, "an operator gave the records", None);
        adopted.saw = vec![("records".into(), "a CNAME b".into())];
        let come = come(&Request::Adopt, &report(None, vec![adopted]), &samples::domain_memory());
        assert_eq!(come, Come::End(Ending::new(End::Done, "pitcrew's own from now on: a CNAME b")));
    }

    #[test]
    fn a_removal_is_done_when_nothing_is_remembered_any_more() {
        let gone = || report(Some(Hold::Gone), Vec::new());
        assert_eq!(exit(&come(&Request::Remove, &gone(), &DomainMemory::default())), Some(Exit::Done));
        let shared = DomainMemory { gone_since: Some(samples::now()), ..samples::domain_memory() };
        let shared = come(&Request::Remove, &gone(), &shared);
        assert_eq!(exit(&shared), Some(Exit::Done), "what other domains need stays, and that is no failure");
        let elsewhere = come(&Request::Remove, &gone(), &samples::domain_memory());
        assert_eq!(exit(&elsewhere), Some(Exit::NotFound), "a domain that was not looked at is not done");
    }

    #[test]
    fn a_run_that_another_handler_overtook_is_repeated() {
        let memory = samples::domain_memory();
        assert_eq!(come(&Request::Apply, &report(None, Vec::new()), &memory), Come::Again);
        let called = DomainReport { actions: 1, ..report(None, Vec::new()) };
        assert!(matches!(come(&Request::Apply, &called, &memory), Come::Wait(_)));
    }

    #[test]
    fn linking_again_is_asked_for_once() {
        assert_eq!(carried(&Request::Relink, false), Request::Relink);
        assert_eq!(carried(&Request::Relink, true), Request::Apply);
        assert_eq!(carried(&Request::Remove, true), Request::Remove);
    }

    #[test]
    fn what_nobody_waits_for_is_started_and_what_takes_too_long_failed() {
        assert_eq!(standing("App Runner", false).end.exit(), Exit::Done);
        assert_eq!(standing("App Runner", true).end.exit(), Exit::Failed);
    }
}
