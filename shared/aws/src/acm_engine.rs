//! The one path of a certificate of the account's ACM: observe, decide, apply, record, as [`crate::domain_engine`] does for
//! a domain. Nothing is decided here.

use std::sync::Arc;
use std::time::{Duration, Instant};

use pitcrew_core::autonomy::Autonomy;
use pitcrew_core::certificate::acm::{
    Act, CallAnswer, Certificate, Decision, Intent, Kind as Origin, Look, Observed, Record, after_call, decide,
};
use pitcrew_core::dns::facts::DnsFacts;
use pitcrew_core::fact::Fact;
use pitcrew_core::receipt::Receipt;
use pitcrew_core::rollback::CALL_WITHIN;
use pitcrew_core::step::Then;
use tokio::sync::Mutex;

use crate::acm::{self, Listed};
use crate::deadline::Deadline;
use crate::dns::{DnsReads, Reading};
use crate::domain_clients::DomainClients;
use crate::domain_engine::DomainEngine;
use crate::engine::{EngineError, fact};
use crate::error::{AwsError, Kind};
use crate::route53::Doubt;

/// Steps for one certificate in one run. One with a hundred names needs about as many; more is a loop.
const STEPS_MAX: usize = 400;
/// Until another handler that was faster is done, and until an invocation that ran out of time is followed by the next.
const WAKE_SECS: u32 = 15;
/// The name of the hold of a run that had no time left.
pub const OUT_OF_TIME: &str = "out_of_time";

/// What to run about.
#[derive(Clone, Debug)]
pub struct AcmSubject {
    pub arn: String,
    /// What the receipt names: `ACM Certificate Expired event 1234`, `sweep`.
    pub cause: String,
    /// Whether a sweep looks: then certificates share what was read of zones.
    pub sweep: bool,
}

/// What a run came to.
#[derive(Clone, Debug, Default)]
pub struct AcmReport {
    /// Why the run ended.
    pub hold: Option<&'static str>,
    /// Calls of an intent.
    pub actions: u32,
    pub notices: usize,
    pub receipts: Vec<Receipt>,
    /// Look again after so many seconds.
    pub wake_after_secs: Option<u32>,
}

/// The clients and settings of one invocation, and what it reads once for all its certificates.
pub struct AcmEngine<'a> {
    clients: &'a DomainClients,
    autonomy: Autonomy,
    /// This invocation: the holder of the intents that it writes.
    me: String,
    deadline: Deadline,
    dns: Arc<DnsReads<'a>>,
    listed: Mutex<Option<Vec<Listed>>>,
}

struct Run<'a> {
    engine: &'a AcmEngine<'a>,
    seen: Observed,
    reading: Reading,
    read_at: Instant,
    report: AcmReport,
    /// The refusal of an intent's batch that may have lost a race: it counts only if the same batch is decided again.
    doubt: Doubt,
}

impl<'a> AcmEngine<'a> {
    /// Beside the engine for domains, in the same invocation: what that one read of zones and of the DNS is read once.
    pub fn beside(domains: &DomainEngine<'a>) -> Self {
        let (clients, autonomy, me) = (domains.clients, domains.settings.autonomy, domains.me.clone());
        let (deadline, dns) = (domains.deadline, domains.dns.clone());
        Self { clients, autonomy, me, deadline, dns, listed: Mutex::default() }
    }

    /// The same with less time.
    pub fn until(self, deadline: Deadline) -> Self {
        Self { deadline, ..self }
    }

    /// How much of the invocation is left.
    pub fn deadline(&self) -> Deadline {
        self.deadline
    }

    /// All certificates of the region, listed once an invocation.
    ///
    /// # Errors
    /// They cannot be listed.
    pub async fn listed(&self) -> Result<Vec<Listed>, AwsError> {
        let mut listed = self.listed.lock().await;
        if let Some(listed) = listed.as_ref() {
            return Ok(listed.clone());
        }
        let fresh = acm::observe_certificates(&self.clients.acm).await?;
        *listed = Some(fresh.clone());
        Ok(fresh)
    }

    /// Runs one certificate to its hold.
    ///
    /// # Errors
    /// Something that the decision needs cannot be read or written now.
    pub async fn run(&self, subject: &AcmSubject) -> Result<AcmReport, EngineError> {
        if !self.deadline.has_time() {
            let wake_after_secs = Some(WAKE_SECS);
            return Ok(AcmReport { hold: Some(OUT_OF_TIME), wake_after_secs, ..AcmReport::default() });
        }
        let mut run = self.observe(subject).await?;
        for _ in 0..STEPS_MAX {
            if !self.deadline.has_time() {
                return Ok(run.end(Some(OUT_OF_TIME), Some(WAKE_SECS)));
            }
            match decide(&run.seen, self.autonomy) {
                Decision::Look(look) => run.look(look).await?,
                Decision::Hold { reason } => return Ok(run.end(Some(reason), None)),
                Decision::Record(record) => {
                    let then = record.then;
                    if let Some(report) = run.record(*record, then).await? {
                        return Ok(report);
                    }
                }
                Decision::Call(intent) => {
                    let Some(answer) = run.answer(&intent).await? else { continue };
                    if let Decision::Record(record) = after_call(&run.seen, &intent, &answer) {
                        // What was seen before a call is not so any more, whatever came of it.
                        let then = if record.then == Then::Again { Then::Reread } else { record.then };
                        if let Some(report) = run.record(*record, then).await? {
                            return Ok(report);
                        }
                    }
                }
            }
        }
        Err(EngineError::Endless)
    }

    async fn observe(&self, subject: &AcmSubject) -> Result<Run<'_>, EngineError> {
        let (memory, pause) = self.clients.table.load_certificate(&subject.arn).await?;
        let certificate = self.certificate(&subject.arn).await?;
        let seen = Observed {
            me: self.me.clone(),
            cause: subject.cause.clone(),
            now: self.clients.date.now().ok_or(EngineError::NoClock)?,
            memory,
            pause,
            certificate,
            arn: subject.arn.clone(),
            tags: Fact::Unread,
            dns: DnsFacts::default(),
        };
        // A call whose answer was lost is looked for where it would show now, not in what the sweep read before (R5).
        let shared = subject.sweep && seen.memory.intent.is_none();
        let reading = if shared { Reading::Shared } else { Reading::Fresh };
        let report = AcmReport::default();
        Ok(Run { engine: self, seen, reading, read_at: Instant::now(), report, doubt: Doubt::default() })
    }

    async fn certificate(&self, arn: &str) -> Result<Option<Certificate>, AwsError> {
        let mut certificate = acm::observe_certificate(&self.clients.acm, arn).await?;
        if let Some(private) = certificate.as_mut().filter(|certificate| certificate.kind == Origin::Private) {
            private.exported = self.listed().await?.iter().any(|listed| listed.arn == arn && listed.exported);
        }
        Ok(certificate)
    }
}

impl Run<'_> {
    async fn look(&mut self, look: Look) -> Result<(), AwsError> {
        let clients = self.engine.clients;
        match look {
            Look::Tags => self.seen.tags = fact(acm::observe_tags(&clients.acm, &self.seen.arn).await)?,
            Look::Dns(look) => self.engine.dns.look(look, None, self.reading, &mut self.seen.dns).await?,
        }
        self.seen.now = clients.date.now().unwrap_or(self.seen.now);
        Ok(())
    }

    /// Writes a record; `Some` where the run ends with it.
    async fn record(&mut self, record: Record, then: Then) -> Result<Option<AcmReport>, EngineError> {
        let table = &self.engine.clients.table;
        match table.record_certificate(&self.seen.arn, &self.seen.memory, &record, &self.seen.me).await {
            Ok(memory) => self.seen.memory = memory,
            Err(error) if error.kind == Kind::Conflict => {
                tracing::info!(certificate = %self.seen.arn, "another handler wrote first");
                return Ok(Some(self.end(None, Some(WAKE_SECS))));
            }
            Err(error) => return Err(error.into()),
        }
        self.report.notices += record.notices.len();
        if let Some(receipt) = record.receipt {
            tracing::info!(
                certificate = %self.seen.arn, rule = %receipt.rule, receipt = %receipt.id,
                did = receipt.did.as_deref().unwrap_or_default(), "{}", receipt.decision
            );
            self.report.receipts.push(receipt);
        }
        match then {
            Then::Again => Ok(None),
            Then::Reread => self.reread().await.map(|()| None),
            Then::Stop { wake_after_secs } => Ok(Some(self.end(None, wake_after_secs))),
        }
    }

    /// Between an intent and its call: everything that may have moved is read again (R4 b).
    async fn reread(&mut self) -> Result<(), EngineError> {
        let clients = self.engine.clients;
        self.reading = Reading::Fresh;
        self.seen.forget_live();
        self.read_at = Instant::now();
        self.seen.pause = clients.table.load_pause().await?;
        self.seen.certificate = self.engine.certificate(&self.seen.arn).await?;
        self.seen.now = clients.date.now().unwrap_or(self.seen.now);
        Ok(())
    }

    /// The answer to the one call of an intent. `None`: it is doubted, and everything was read again.
    async fn answer(&mut self, intent: &Intent) -> Result<Option<CallAnswer>, EngineError> {
        if let Some(answer) = self.doubt.confirmed(&intent.id) {
            return Ok(Some(answer));
        }
        let answer = self.call(intent).await;
        match self.doubt.weighed(&intent.id, answer) {
            Some(answer) => Ok(Some(answer)),
            None => self.reread().await.map(|()| None),
        }
    }

    async fn call(&mut self, intent: &Intent) -> CallAnswer {
        let within = Duration::try_from(CALL_WITHIN).unwrap_or_default();
        if self.read_at.elapsed() > within {
            return CallAnswer::NotMade("the reads before the call are too old".to_owned());
        }
        self.report.actions += 1;
        let clients = self.engine.clients;
        match &intent.act {
            Act::ChangeRecords(batch) => {
                let answer = clients.route53.apply(batch, &intent.id).await;
                self.engine.dns.forget(&batch.zone).await;
                answer
            }
            Act::Renew => acm::renew(&clients.acm, &self.seen.arn).await,
        }
    }

    fn end(&mut self, hold: Option<&'static str>, wake_after_secs: Option<u32>) -> AcmReport {
        let report = std::mem::take(&mut self.report);
        AcmReport { hold, wake_after_secs, ..report }
    }
}
