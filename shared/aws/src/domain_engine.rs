//! The one path of a custom domain: observe, decide, apply, record, and again until there is nothing more to do.
//!
//! As in [`crate::engine`], nothing is decided here. The domains of one service are run one after the other, and share what
//! was read of the service. One domain that fails does not stop the others. [`survey`] foretells for an audit, which has read
//! the service already.

pub mod survey;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use pitcrew_core::autonomy::Tags;
use pitcrew_core::dns::facts::DnsFacts;
use pitcrew_core::dns::name::Name;
use pitcrew_core::domain::{
    Act, Association, CallAnswer, Decision, DomainMemory, Hold, Intent, Look, Observed, Preview, Record, RelinkStage,
    ServiceFacts, Settings, Then, Trigger, after_call, decide,
};
use pitcrew_core::fact::Fact;
use pitcrew_core::id::ServiceArn;
use pitcrew_core::memory::Pause;
use pitcrew_core::receipt::Receipt;
use pitcrew_core::rollback::CALL_WITHIN;

use crate::deadline::Deadline;
use crate::dns::{DnsReads, Reading};
use crate::domain_clients::DomainClients;
use crate::domains::{Associations, associate, disassociate, observe_domains, observe_service_facts};
use crate::engine::{EngineError, fact};
use crate::error::{AwsError, Kind};
use crate::route53::Doubt;
use crate::table::domains::{Domains, Remembered};
use crate::{apprunner, tls};

/// Steps for one domain in one run. A domain with all its looks and writes needs about 40; more is a loop.
const STEPS_MAX: usize = 200;
/// Until another handler that was faster is done.
const CONFLICT_WAKE_SECS: u32 = 15;
const SECONDS_OF_A_DAY: i64 = 24 * 60 * 60;

/// Which domains of a service to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// Those that App Runner shows, and those that are remembered of it: one more read.
    All,
    /// Those that App Runner shows.
    Shown,
    These(Vec<Name>),
}

/// What to run about.
#[derive(Clone, Debug)]
pub struct DomainSubject {
    pub service: ServiceArn,
    pub which: Which,
    /// What the receipt names: `AWS API Call via CloudTrail event 1234`, `sweep`, `operator`.
    pub cause: String,
    pub trigger: Trigger,
}

/// What the run of one domain came to.
#[derive(Clone, Debug, Default)]
pub struct DomainReport {
    /// Why the run ended.
    pub hold: Option<Hold>,
    /// Calls of an intent.
    pub actions: u32,
    pub notices: usize,
    pub receipts: Vec<Receipt>,
    /// Look again after so many seconds.
    pub wake_after_secs: Option<u32>,
    /// Whether a TLS handshake was tried and did not come about.
    pub probe_failed: bool,
    /// Whole days until the certificate ends that the domain served just now.
    pub days_left: Option<i64>,
}

/// What the run of a service's domains came to.
#[derive(Debug, Default)]
pub struct ServiceReport {
    /// The domains that App Runner shows.
    pub shown: BTreeSet<Name>,
    pub domains: Vec<(Name, Result<DomainReport, EngineError>)>,
}

impl ServiceReport {
    /// The soonest wake of all domains.
    pub fn wake_after_secs(&self) -> Option<u32> {
        self.domains.iter().filter_map(|(_, report)| report.as_ref().ok()?.wake_after_secs).min()
    }
}

/// The clients and settings of one invocation, and what it reads once for all its domains.
pub struct DomainEngine<'a> {
    pub(crate) clients: &'a DomainClients,
    pub(crate) settings: Settings,
    /// This invocation: the holder of the intents that it writes.
    pub(crate) me: String,
    pub(crate) deadline: Deadline,
    pub(crate) dns: Arc<DnsReads<'a>>,
}

/// What the domains of one service share.
struct OfService {
    shown: Option<Associations>,
    pause: Option<Pause>,
    about: Fact<Option<ServiceFacts>>,
    tags: Fact<Tags>,
}

/// The run of one domain: what is known, and what must be told.
struct Run<'a> {
    engine: &'a DomainEngine<'a>,
    of_service: &'a mut OfService,
    seen: Observed,
    reading: Reading,
    read_at: Instant,
    report: DomainReport,
    /// The refusal of an intent's batch that may have lost a race: it counts only if the same batch is decided again.
    doubt: Doubt,
}

impl<'a> DomainEngine<'a> {
    /// `deadline`: when Lambda ends the invocation.
    pub fn new(clients: &'a DomainClients, settings: Settings, me: impl Into<String>, deadline: SystemTime) -> Self {
        let dns = Arc::new(DnsReads::new(&clients.route53, &clients.resolver));
        Self { clients, settings, me: me.into(), deadline: Deadline(deadline), dns }
    }

    /// How much of the invocation is left.
    pub fn deadline(&self) -> Deadline {
        self.deadline
    }

    /// Runs the domains of a service, each to its hold.
    ///
    /// # Errors
    /// What all of them need cannot be read. The error of one domain stands in the report.
    pub async fn run(&self, subject: &DomainSubject) -> Result<ServiceReport, EngineError> {
        let (memories, mut of_service) = self.open(subject).await?;
        let mut domains = Vec::new();
        for (name, memory) in memories {
            let outcome = match memory {
                Ok(memory) if is_elsewhere(&memory, &of_service, &name, &subject.service) => continue,
                Ok(memory) if !self.settings.certificates && is_relinked(&memory, &of_service, &name) => continue,
                Ok(memory) => match self.begin(subject, &mut of_service, &name, memory) {
                    Ok(run) => run.finish().await,
                    Err(error) => Err(error),
                },
                Err(error) => Err(error.into()),
            };
            domains.push((name, outcome));
        }
        let shown = of_service.shown.into_iter().flatten().map(|(name, _)| name).collect();
        Ok(ServiceReport { shown, domains })
    }

    /// What would be done about the domains of a service. Nothing is written and nothing is called that changes anything.
    ///
    /// # Errors
    /// As for [`DomainEngine::run`].
    pub async fn preview(
        &self,
        subject: &DomainSubject,
    ) -> Result<Vec<(Name, Result<Preview, EngineError>)>, EngineError> {
        let (memories, mut of_service) = self.open(subject).await?;
        let mut previews = Vec::new();
        for (name, memory) in memories {
            let preview = match memory {
                Ok(memory) => match self.begin(subject, &mut of_service, &name, memory) {
                    Ok(mut run) => run.foretell().await,
                    Err(error) => Err(error),
                },
                Err(error) => Err(error.into()),
            };
            previews.push((name, preview));
        }
        Ok(previews)
    }

    /// What all domains of a service need: the associations, the memories and the pause.
    async fn open(&self, subject: &DomainSubject) -> Result<(Domains, OfService), EngineError> {
        let clients = self.clients;
        let shown = observe_domains(&clients.apprunner, &subject.service).await?;
        let names = self.names(subject, shown.as_ref()).await?;
        let (memories, pause) = match names.is_empty() {
            true => (Domains::new(), None),
            false => clients.table.load_domains(&names).await?,
        };
        Ok((memories, OfService { shown, pause, about: Fact::Unread, tags: Fact::Unread }))
    }

    async fn names(&self, subject: &DomainSubject, shown: Option<&Associations>) -> Result<Vec<Name>, AwsError> {
        let mut names: BTreeSet<Name> = shown.into_iter().flatten().map(|(name, _)| name.clone()).collect();
        match &subject.which {
            Which::These(names) => return Ok(names.clone()),
            Which::Shown => {}
            Which::All => {
                let remembered = self.clients.table.remembered_domains(Some(&subject.service)).await?;
                names.extend(remembered.into_iter().map(|remembered| remembered.name));
            }
        }
        Ok(names.into_iter().collect())
    }

    fn begin<'r>(
        &'r self,
        subject: &DomainSubject,
        of_service: &'r mut OfService,
        name: &Name,
        memory: DomainMemory,
    ) -> Result<Run<'r>, EngineError> {
        let seen = Observed {
            name: name.clone(),
            service: subject.service.clone(),
            me: self.me.clone(),
            cause: subject.cause.clone(),
            trigger: subject.trigger.clone(),
            now: self.clients.date.now().ok_or(EngineError::NoClock)?,
            memory,
            pause: of_service.pause.clone(),
            association: association(of_service, name),
            about_service: of_service.about.clone(),
            tags: of_service.tags.clone(),
            dns: DnsFacts::default(),
            changes: Vec::new(),
            served: Fact::Unread,
            sharers: Vec::new(),
        };
        let reading = reading(&seen);
        let report = DomainReport::default();
        Ok(Run { engine: self, of_service, seen, reading, read_at: Instant::now(), report, doubt: Doubt::default() })
    }
}

/// A sweep uses what an earlier domain of it saw of zones and DNS, but not where something was, or may have been, done since: a
/// call whose answer was lost is looked for where it would show now (R5), and what is ours is missed only where it is not.
fn reading(seen: &Observed) -> Reading {
    let settled = seen.memory.intent.is_none() && (seen.association.is_some() || seen.memory.owned.is_empty());
    if seen.trigger == Trigger::Sweep && settled { Reading::Shared } else { Reading::Fresh }
}

fn association(of_service: &OfService, name: &Name) -> Option<Association> {
    of_service.shown.as_ref().and_then(|shown| shown.get(name)).cloned()
}

/// Whether a domain that this service does not show is another service's by now: then it is run there, and only there.
fn is_elsewhere(memory: &DomainMemory, of_service: &OfService, name: &Name, service: &ServiceArn) -> bool {
    association(of_service, name).is_none() && memory.link.as_ref().is_some_and(|link| link.service != *service)
}

/// Whether the next step of a domain is a call of linking it again. Only the function for certificates may make it; once App
/// Runner shows the domain again, whoever looks finishes it.
fn is_relinked(memory: &DomainMemory, of_service: &OfService, name: &Name) -> bool {
    let shown = association(of_service, name).is_some();
    memory.relink.as_ref().is_some_and(|relink| !(shown && relink.stage == RelinkStage::Linking))
}

impl Run<'_> {
    async fn finish(mut self) -> Result<DomainReport, EngineError> {
        // The associations were read before the memory was: an intent may be younger than they are.
        if self.seen.memory.intent.is_some() {
            self.reread().await?;
        }
        for _ in 0..STEPS_MAX {
            if !self.engine.deadline.has_time() {
                return Ok(self.end(Some(Hold::OutOfTime), Some(CONFLICT_WAKE_SECS)));
            }
            match decide(&self.seen, &self.engine.settings) {
                Decision::Look(look) => self.look(look).await?,
                Decision::Hold { reason, wake_after_secs } => return Ok(self.end(Some(reason), wake_after_secs)),
                Decision::Record(record) => {
                    let then = record.then;
                    if let Some(report) = self.record(*record, then).await? {
                        return Ok(report);
                    }
                }
                Decision::Call(intent) => {
                    let Some(answer) = self.answer(&intent).await? else { continue };
                    let decision = after_call(&self.seen, &self.engine.settings, &intent, &answer);
                    if let Decision::Record(record) = decision {
                        // What was seen before a call is not so any more, whatever came of it.
                        let then = if record.then == Then::Again { Then::Reread } else { record.then };
                        if let Some(report) = self.record(*record, then).await? {
                            return Ok(report);
                        }
                    }
                }
            }
        }
        Err(EngineError::Endless)
    }

    async fn look(&mut self, look: Look) -> Result<(), EngineError> {
        let clients = self.engine.clients;
        match look {
            Look::Service => self.look_at_service().await?,
            Look::Tags => {
                self.seen.tags = fact(apprunner::observe_tags(&clients.apprunner, &self.seen.service).await)?;
                self.of_service.tags = self.seen.tags.clone();
            }
            Look::Dns(look) => {
                let about = self.seen.name.clone();
                self.engine.dns.look(look, Some(&about), self.reading, &mut self.seen.dns).await?;
            }
            Look::Change { zone, id } => {
                let change = fact(clients.route53.observe_change(&zone, &id).await)?;
                self.seen.changes.retain(|(known, _)| *known != id);
                self.seen.changes.push((id, change));
            }
            Look::Served => self.look_at_served().await?,
            Look::Sharers { name } => {
                let sharers = fact(self.sharers(&name).await)?;
                self.seen.sharers.push((name, sharers));
            }
        }
        self.seen.now = clients.date.now().unwrap_or(self.seen.now);
        Ok(())
    }

    async fn look_at_service(&mut self) -> Result<(), AwsError> {
        self.seen.about_service =
            fact(observe_service_facts(&self.engine.clients.apprunner, &self.seen.service).await)?;
        self.of_service.about = self.seen.about_service.clone();
        Ok(())
    }

    /// The handshake, where there is somebody to shake hands with: a private service cannot be reached from here.
    async fn look_at_served(&mut self) -> Result<(), AwsError> {
        if self.seen.about_service.get().is_none() {
            self.look_at_service().await?;
        }
        let clients = self.engine.clients;
        self.seen.served = match &self.seen.about_service {
            Fact::Known(Some(service)) if service.public => {
                match tls::probe(&clients.resolver, &self.seen.name, clients.tls_port).await {
                    Ok(served) => Fact::Known(served),
                    Err(error) => {
                        tracing::warn!(domain = %self.seen.name, %error, "a certificate cannot be seen");
                        self.report.probe_failed = true;
                        Fact::Unavailable(error.to_string())
                    }
                }
            }
            Fact::Known(Some(_)) => {
                Fact::Unavailable("the service is private: it cannot be reached from here".to_owned())
            }
            Fact::Known(None) => Fact::Unavailable("the service is gone".to_owned()),
            Fact::Unavailable(why) => Fact::Unavailable(why.clone()),
            Fact::Unread => Fact::Unavailable("the service was not read".to_owned()),
        };
        if let Fact::Known(served) = &self.seen.served {
            let left = served.not_after.duration_since(self.seen.now).as_secs();
            self.report.days_left = Some(left.div_euclid(SECONDS_OF_A_DAY));
        }
        Ok(())
    }

    /// The other domains that a validation record must stay for: those whose memory owns it, and those that App Runner wants
    /// it for now. Only few names can share one, so these are read by their keys, strongly consistent.
    async fn sharers(&self, record: &Name) -> Result<Vec<Name>, AwsError> {
        let clients = self.engine.clients;
        let candidates = could_share(record, &self.seen.name);
        let (memories, _) = clients.table.load_domains(&candidates).await?;
        let mut sharers: BTreeSet<Name> = needing(self.of_service.shown.as_ref(), record).collect();
        for (name, memory) in memories {
            let memory = memory?;
            if memory.owned.iter().any(|owned| owned.record.name == *record) {
                sharers.insert(name);
            } else if let Some(link) = memory.link.filter(|link| link.service != self.seen.service) {
                let shown = observe_domains(&clients.apprunner, &link.service).await?;
                sharers.extend(needing(shown.as_ref(), record).filter(|needing| *needing == name));
            }
        }
        sharers.remove(&self.seen.name);
        Ok(sharers.into_iter().collect())
    }

    /// Writes a record; `Some` where the run ends with it.
    async fn record(&mut self, record: Record, then: Then) -> Result<Option<DomainReport>, EngineError> {
        let at = Remembered { service: self.seen.service.clone(), name: self.seen.name.clone() };
        let table = &self.engine.clients.table;
        match table.record_domain(&at, &self.seen.memory, &record, &self.seen.me).await {
            Ok(memory) => self.seen.memory = memory,
            Err(error) if error.kind == Kind::Conflict => {
                tracing::info!(domain = %self.seen.name, "another handler wrote first");
                return Ok(Some(self.end(None, Some(CONFLICT_WAKE_SECS))));
            }
            Err(error) => return Err(error.into()),
        }
        self.report.notices += record.notices.len();
        if let Some(receipt) = record.receipt {
            tracing::info!(
                service = %self.seen.service, domain = %self.seen.name, rule = %receipt.rule, receipt = %receipt.id,
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
        self.seen.about_service = Fact::Unread;
        self.seen.changes.clear();
        self.read_at = Instant::now();
        self.of_service.pause = clients.table.load_pause().await?;
        self.of_service.shown = observe_domains(&clients.apprunner, &self.seen.service).await?;
        self.seen.pause = self.of_service.pause.clone();
        self.seen.association = association(self.of_service, &self.seen.name);
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
        let (clients, service, name) = (self.engine.clients, &self.seen.service, &self.seen.name);
        match &intent.act {
            Act::ChangeRecords(batch) => {
                let answer = clients.route53.apply(batch, &intent.id).await;
                self.engine.dns.forget(&batch.zone).await;
                answer
            }
            Act::Disassociate => disassociate(&clients.apprunner, service, name).await,
            Act::Associate { www } => associate(&clients.apprunner, service, name, *www).await,
        }
    }

    fn end(&mut self, hold: Option<Hold>, wake_after_secs: Option<u32>) -> DomainReport {
        let report = std::mem::take(&mut self.report);
        DomainReport { hold, wake_after_secs, ..report }
    }
}

/// The domains that want this validation record.
fn needing<'s>(shown: Option<&'s Associations>, record: &'s Name) -> impl Iterator<Item = Name> + 's {
    let wants = move |(_, association): &(&Name, &Association)| association.records.iter().any(|r| r.name == *record);
    shown.into_iter().flatten().filter(wants).map(|(name, _)| name.clone())
}

/// The domains beside `own` that a validation record can be for. Its name is a label before the domain, before the domain's
/// `www`, or before a further name right below the domain (facts, section 3); a wildcard shares its parent's record.
fn could_share(record: &Name, own: &Name) -> Vec<Name> {
    let bases = record.climb().skip(1).take(2);
    let both = bases.flat_map(|base| [base.below("*").ok(), Some(base)]).flatten();
    both.filter(|name| name != own).collect()
}

#[cfg(test)]
#[path = "domain_engine_tests.rs"]
mod tests;
