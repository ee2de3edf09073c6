//! The one path of a service: observe, decide, apply, record, and again until there is nothing more to do.
//!
//! The engine decides nothing. It reads what [`decide`] asks for, writes what it says under the fence, and makes the one
//! call of an intent. The function and the operator's command both run it.

use std::time::{Duration, Instant, SystemTime};

use aws_sdk_apprunner::types::SourceConfiguration;
use jiff::Timestamp;
use pitcrew_core::diagnosis::diagnose;
use pitcrew_core::id::ServiceArn;
use pitcrew_core::incident::Intent;
use pitcrew_core::receipt::{Receipt, rule};
use pitcrew_core::rollback::answer::{CallAnswer, after_call};
use pitcrew_core::rollback::{
    CALL_WITHIN, Decision, Fact, Hold, Look, Observed, Record, Settings, Then, Trigger, decide,
};
use tokio::sync::Mutex;

use crate::alarms::{self, Listed};
use crate::apply::apply;
use crate::apprunner;
use crate::clients::Clients;
use crate::deadline::Deadline;
use crate::error::{AwsError, Kind};
use crate::{images, logs};

/// Steps for one service in one run. Twenty unjudged operations with their looks need about 120; more is a loop.
pub(crate) const STEPS_MAX: usize = 200;

/// What a run came to.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Why the run ended.
    pub hold: Option<Hold>,
    /// Writes to App Runner.
    pub actions: u32,
    pub notices: usize,
    pub receipts: Vec<Receipt>,
    /// Look again after so many seconds.
    pub wake_after_secs: Option<u32>,
    /// When the incident that is open now was opened.
    pub open_since: Option<Timestamp>,
}

/// Why a run could not go on.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error("{0}")]
    Aws(#[from] AwsError),
    #[error("the incident's row is not what this version wrote")]
    Broken(#[from] pitcrew_core::incident::IllegalTransition),
    #[error("the decision did not come to an end in {STEPS_MAX} steps")]
    Endless,
    #[error("AWS's answers carry no date, so nothing can be decided")]
    NoClock,
}

impl EngineError {
    /// Whether a later try may succeed by itself.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Aws(error) => matches!(error.kind, Kind::Transient | Kind::Unknown | Kind::Conflict),
            Self::Broken(_) | Self::Endless | Self::NoClock => false,
        }
    }
}

/// What to run about: a service, and what woke us.
#[derive(Clone, Debug)]
pub struct Subject {
    pub arn: ServiceArn,
    /// What the receipt names: `AppRunner Service Operation Status Change event 1234`, `sweep`, `operator`.
    pub cause: String,
    pub trigger: Trigger,
}

/// The clients and settings of one invocation, and what it reads once for all its services.
pub struct Engine<'a> {
    clients: &'a Clients,
    settings: Settings,
    /// This invocation: the holder of the intents that it writes.
    me: String,
    deadline: Deadline,
    alarms: Mutex<Option<Vec<Listed>>>,
}

/// One run: what is known, and what must go back unchanged.
struct Run<'a> {
    engine: &'a Engine<'a>,
    seen: Observed,
    live: Option<SourceConfiguration>,
    read_at: Instant,
    report: Report,
}

impl<'a> Engine<'a> {
    pub fn new(clients: &'a Clients, settings: Settings, me: impl Into<String>, deadline: SystemTime) -> Self {
        Self { clients, settings, me: me.into(), deadline: Deadline(deadline), alarms: Mutex::new(None) }
    }

    /// How much of the invocation is left.
    pub fn deadline(&self) -> Deadline {
        self.deadline
    }

    /// Runs one service to its hold.
    pub async fn run(&self, subject: &Subject) -> Result<Report, EngineError> {
        // The opening reads may take as long as any: cut in them, Lambda would call the whole batch failed.
        if !self.deadline.has_time() {
            return Ok(Report { hold: Some(Hold::OutOfTime), wake_after_secs: Some(15), ..Report::default() });
        }
        let mut run = self.observe(subject).await?;
        for _ in 0..STEPS_MAX {
            if !self.deadline.has_time() {
                return Ok(run.end(Some(Hold::OutOfTime), Some(15)));
            }
            match decide(&run.seen, &self.settings)? {
                Decision::Look(look) => run.look(look).await?,
                Decision::Hold { reason, wake_after_secs } => return Ok(run.end(Some(reason), wake_after_secs)),
                Decision::Record(record) => {
                    if let Some(report) = run.record(*record).await? {
                        return Ok(report);
                    }
                }
                Decision::Call(intent) => {
                    let answer = run.call(&intent).await;
                    let decision = after_call(&run.seen, &intent, &answer)?;
                    if let Decision::Record(record) = decision
                        && let Some(report) = run.record(*record).await?
                    {
                        return Ok(report);
                    }
                }
            }
        }
        Err(EngineError::Endless)
    }

    /// The opening reads: the memory, and the operations.
    async fn observe(&self, subject: &Subject) -> Result<Run<'_>, EngineError> {
        let clients = self.clients;
        let (memory, account) = clients.table.load(&subject.arn).await?;
        let operations = apprunner::observe_operations(&clients.apprunner, &subject.arn, &memory.judged).await?;
        let now = clients.date.now().ok_or(EngineError::NoClock)?;
        let seen = Observed {
            arn: subject.arn.clone(),
            me: self.me.clone(),
            cause: subject.cause.clone(),
            trigger: subject.trigger.clone(),
            now,
            memory,
            account,
            gone: operations.is_none(),
            operations: operations.unwrap_or_default(),
            service: Fact::Unread,
            tags: Fact::Unread,
            resolved: Vec::new(),
            exists: Vec::new(),
            fired: Fact::Unread,
            alarms: Fact::Unread,
            diagnosis: Fact::Unread,
        };
        Ok(Run { engine: self, seen, live: None, read_at: Instant::now(), report: Report::default() })
    }

    /// Every alarm of the region, listed once an invocation.
    async fn listed(&self) -> Result<Vec<Listed>, AwsError> {
        let mut listed = self.alarms.lock().await;
        if let Some(listed) = listed.as_ref() {
            return Ok(listed.clone());
        }
        let fresh = alarms::observe_alarms(&self.clients.cloudwatch).await?;
        *listed = Some(fresh.clone());
        Ok(fresh)
    }
}

/// A fact that could not be read is a fact too; what may pass by itself ends the run, so that it is tried again.
pub(crate) fn fact<T>(answer: Result<T, AwsError>) -> Result<Fact<T>, AwsError> {
    match answer {
        Ok(value) => Ok(Fact::Known(value)),
        Err(error) if matches!(error.kind, Kind::Transient | Kind::Unknown) => Err(error),
        Err(error) => {
            tracing::warn!(operation = error.operation, error = error.line(), "a fact cannot be read");
            Ok(Fact::Unavailable(error.line()))
        }
    }
}

impl Run<'_> {
    async fn look(&mut self, look: Look) -> Result<(), EngineError> {
        let clients = self.engine.clients;
        let arn = self.seen.arn.clone();
        match look {
            Look::Service => self.look_at_service().await?,
            Look::Tags => self.seen.tags = fact(apprunner::observe_tags(&clients.apprunner, &arn).await)?,
            Look::Resolve(image) => {
                let resolved = images::observe_tag(&clients.ecr, &image).await;
                self.seen.resolved.push((image, resolved));
            }
            Look::Exists(image) => {
                let there = images::observe_exists(&clients.ecr, &image).await;
                self.seen.exists.push((image, there));
            }
            Look::FiredAlarm { since } => {
                let Trigger::Alarm { name } = &self.seen.trigger else {
                    self.seen.fired = Fact::Unavailable("no alarm woke us".to_owned());
                    return Ok(());
                };
                self.seen.fired = fact(alarms::observe_history(&clients.cloudwatch, name, since).await)?;
            }
            Look::Alarms { since } => {
                self.seen.alarms = match fact(self.engine.listed().await)? {
                    Fact::Known(listed) => {
                        fact(alarms::observe_watching(&clients.cloudwatch, &listed, &arn, since).await)?
                    }
                    Fact::Unavailable(why) => Fact::Unavailable(why),
                    Fact::Unread => Fact::Unread,
                };
            }
            Look::Logs { operation, since } => {
                let lines = logs::observe_lines(&clients.logs, &arn, operation.as_ref(), since).await;
                self.seen.diagnosis = match fact(lines)? {
                    Fact::Known(lines) => Fact::Known(diagnose(&lines)),
                    Fact::Unavailable(why) => Fact::Unavailable(why),
                    Fact::Unread => Fact::Unread,
                };
            }
        }
        self.seen.now = clients.date.now().unwrap_or(self.seen.now);
        Ok(())
    }

    async fn look_at_service(&mut self) -> Result<(), EngineError> {
        let clients = self.engine.clients;
        let key = clients.fingerprint_key().await;
        match fact(apprunner::observe_service(&clients.apprunner, &self.seen.arn, key).await)? {
            Fact::Known(Some(described)) => {
                self.live = described.source;
                self.seen.service = Fact::Known(described.service);
            }
            Fact::Known(None) => self.seen.gone = true,
            Fact::Unavailable(why) => self.seen.service = Fact::Unavailable(why),
            Fact::Unread => {}
        }
        Ok(())
    }

    /// Writes a record; `Some` where the run ends with it.
    async fn record(&mut self, record: Record) -> Result<Option<Report>, EngineError> {
        let table = &self.engine.clients.table;
        if let Err(error) = table.record(&self.seen.memory, &record, &self.seen.me).await {
            return self.not_recorded(error).map(Some);
        }
        let receipt = record.receipt;
        tracing::info!(
            service = %self.seen.arn, rule = %receipt.rule, incident = receipt.incident.as_deref().unwrap_or_default(),
            receipt = %receipt.id, did = receipt.did.as_deref().unwrap_or_default(), "{}", receipt.decision
        );
        self.report.notices += record.notices.len();
        // An operator's command is carried out once: what follows is the ordinary path.
        if receipt.rule == rule::OPERATOR {
            self.seen.trigger = Trigger::Event;
        }
        self.report.receipts.push(receipt);
        self.seen.memory = record.memory;
        if let Some(breaker) = record.breaker {
            self.seen.account.breaker = breaker;
        }
        self.seen.forget_operation();
        match record.then {
            Then::Again => Ok(None),
            Then::Reread => self.reread().await.map(|()| None),
            Then::Stop { wake_after_secs } => {
                let report = std::mem::take(&mut self.report);
                Ok(Some(self.finish(report, None, wake_after_secs)))
            }
        }
    }

    /// A conflict means that another handler was faster: its work is done by it, and the sweep sees what is left.
    fn not_recorded(&mut self, error: AwsError) -> Result<Report, EngineError> {
        if error.kind != Kind::Conflict {
            return Err(error.into());
        }
        tracing::info!(service = %self.seen.arn, "another handler wrote first");
        let report = std::mem::take(&mut self.report);
        Ok(self.finish(report, None, Some(15)))
    }

    /// Between an intent and its call: everything that may have moved is read again (R4 b).
    async fn reread(&mut self) -> Result<(), EngineError> {
        let clients = self.engine.clients;
        self.seen.forget_live();
        self.live = None;
        self.seen.account = clients.table.load_account().await?;
        self.read_at = Instant::now();
        let judged = &self.seen.memory.judged;
        match apprunner::observe_operations(&clients.apprunner, &self.seen.arn, judged).await? {
            Some(operations) => self.seen.operations = operations,
            None => self.seen.gone = true,
        }
        self.seen.now = clients.date.now().unwrap_or(self.seen.now);
        Ok(())
    }

    async fn call(&mut self, intent: &Intent) -> CallAnswer {
        let within = Duration::try_from(CALL_WITHIN).unwrap_or_default();
        if self.read_at.elapsed() > within {
            return CallAnswer::NotMade("the reads before the call are too old".to_owned());
        }
        self.report.actions += 1;
        apply(&self.engine.clients.apprunner, &self.seen.arn, self.live.as_ref(), &intent.action).await
    }

    fn end(&mut self, hold: Option<Hold>, wake_after_secs: Option<u32>) -> Report {
        let report = std::mem::take(&mut self.report);
        self.finish(report, hold, wake_after_secs)
    }

    fn finish(&self, report: Report, hold: Option<Hold>, wake_after_secs: Option<u32>) -> Report {
        let open_since = self.seen.memory.incident.as_ref().map(|incident| incident.opened_at);
        Report { hold, wake_after_secs, open_since, ..report }
    }
}
