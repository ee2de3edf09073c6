//! The other door: every custom domain, whether an event told of it or not.
//!
//! First the domains that App Runner shows, service by service, so that what was read of a zone serves the next one. Then the
//! domains that are remembered and that no service shows any more: a domain that moved to another service is seen there first.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::stream::{self, StreamExt as _};
use pitcrew_aws::account::Sweep;
use pitcrew_aws::apprunner::observe_fleet;
use pitcrew_aws::domain_engine::{DomainEngine, DomainSubject, ServiceReport, Which};
use pitcrew_aws::engine::EngineError;
use pitcrew_aws::error::{AwsError, Kind};
use pitcrew_aws::table::domains::Remembered;
use pitcrew_core::dns::name::Name;
use pitcrew_core::domain::Trigger;
use pitcrew_core::id::ServiceArn;
use serde_json::{Value, json};

use super::DomainApp;
use super::run::{Tally, wake_again};
use crate::failure::{Failure, chain};
use crate::metrics::{Metrics, Unit, names};
use crate::sweep::order;

/// Services that are looked at at the same time: enough to hide the time of a call or a handshake, few enough for Route 53's
/// five requests a second.
const CONCURRENT: usize = 4;

/// What a sweep came to.
#[derive(Debug, Default)]
pub struct Swept {
    pub services: usize,
    pub tally: Tally,
    /// Services that the next sweep begins with.
    pub left: usize,
}

impl Swept {
    /// Whether every domain was looked at without a failure.
    pub fn succeeded(&self) -> bool {
        self.tally.failed == 0 && self.left == 0
    }

    /// What the function answers, and what its log says.
    pub fn summary(&self) -> Value {
        let tally = &self.tally;
        tracing::info!(
            services = self.services,
            domains = tally.domains,
            failed = tally.failed,
            left = self.left,
            "swept"
        );
        json!({"services": self.services, "domains": tally.domains, "failed": tally.failed, "left": self.left})
    }
}

type Ran = (DomainSubject, Option<Result<ServiceReport, EngineError>>);

/// Looks at every custom domain, from where the last sweep of this kind was cut.
///
/// # Errors
/// The services cannot be listed, or the table cannot be read.
pub async fn sweep(
    app: &DomainApp,
    engine: &DomainEngine<'_>,
    kind: Sweep,
    metrics: &mut Metrics,
) -> Result<Swept, Failure> {
    let said = |error: AwsError| Failure::new("Sweep", &error);
    let table = &app.clients.table;
    let mut fleet = observe_fleet(&app.clients.apprunner).await.map_err(said)?;
    fleet.sort();
    let cursor = table.sweep_cursor(kind).await.map_err(said)?;
    let turn = order(&fleet, ToString::to_string, cursor.as_deref());
    let throttled = AtomicBool::new(false);
    let shown = turn.iter().map(|service| subject(service, Which::Shown)).collect();
    let mut ran = run_all(engine, shown, &throttled).await;
    let cut_at = ran.iter().find(|(_, outcome)| outcome.is_none()).map(|(subject, _)| subject.service.to_string());
    if cut_at.is_some() || cursor.is_some() {
        table.set_sweep_cursor(kind, cut_at.as_deref()).await.map_err(said)?;
    }
    let remembered = table.remembered_domains(None).await.map_err(said)?;
    ran.extend(run_all(engine, unshown(&ran, remembered), &throttled).await);
    let mut swept = Swept { services: fleet.len(), ..Swept::default() };
    for (subject, outcome) in &ran {
        match outcome {
            Some(Ok(report)) => swept.tally.add(report, metrics),
            Some(Err(error)) => {
                tracing::error!(service = %subject.service, error = chain(error), "a service could not be swept");
                swept.tally.add_failure(error);
            }
            None => swept.left += 1,
        }
    }
    wake_again_after(app, engine, &ran).await;
    swept.tally.measure(app.settings.certificates, metrics);
    #[expect(clippy::cast_precision_loss, reason = "domains are far fewer than 2^53")]
    metrics.gauge(names::DOMAINS_BLOCKED, swept.tally.blocked as f64, Unit::Count);
    Ok(swept)
}

fn subject(service: &ServiceArn, which: Which) -> DomainSubject {
    DomainSubject { service: service.clone(), which, cause: "sweep".to_owned(), trigger: Trigger::Sweep }
}

/// Runs the services in order, some at a time, as long as there is time and nobody asks us to slow down.
async fn run_all(engine: &DomainEngine<'_>, subjects: Vec<DomainSubject>, throttled: &AtomicBool) -> Vec<Ran> {
    let run = |subject: DomainSubject| async move {
        if !engine.deadline().has_time() || throttled.load(Ordering::Relaxed) {
            return (subject, None);
        }
        let outcome = engine.run(&subject).await;
        if is_throttled(&outcome) {
            throttled.store(true, Ordering::Relaxed);
        }
        (subject, Some(outcome))
    };
    stream::iter(subjects).map(run).buffered(CONCURRENT).collect().await
}

fn is_throttled(outcome: &Result<ServiceReport, EngineError>) -> bool {
    let throttled = |error: &EngineError| matches!(error, EngineError::Aws(error) if error.kind == Kind::Transient);
    match outcome {
        Ok(report) => report.domains.iter().any(|(_, domain)| domain.as_ref().is_err_and(throttled)),
        Err(error) => throttled(error),
    }
}

/// The domains that are remembered of a service which does not show them. A service that could not be read in this sweep, or
/// was left out of it, may show them all the same.
fn unshown(ran: &[Ran], remembered: Vec<Remembered>) -> Vec<DomainSubject> {
    let shown: BTreeMap<&ServiceArn, Option<&BTreeSet<Name>>> = ran
        .iter()
        .map(|(subject, outcome)| {
            let shown = outcome.as_ref().and_then(|outcome| outcome.as_ref().ok()).map(|report| &report.shown);
            (&subject.service, shown)
        })
        .collect();
    let mut missing: BTreeMap<ServiceArn, Vec<Name>> = BTreeMap::new();
    for Remembered { service, name } in remembered {
        let is_missing = match shown.get(&service) {
            Some(Some(shown)) => !shown.contains(&name),
            Some(None) => false,
            // App Runner does not list the service any more.
            None => true,
        };
        if is_missing {
            missing.entry(service).or_default().push(name);
        }
    }
    missing.iter().map(|(service, names)| subject(service, Which::These(names.clone()))).collect()
}

/// Sees to it that what is due sooner is looked at again, as long as there is time: a wake that is left out is a sweep later.
async fn wake_again_after(app: &DomainApp, engine: &DomainEngine<'_>, ran: &[Ran]) {
    for (subject, outcome) in ran {
        if let Some(Ok(report)) = outcome
            && engine.deadline().has_time_for_a_call()
        {
            wake_again(app, subject, report, 0).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arn(name: &str) -> ServiceArn {
        ServiceArn::parse(&format!("arn:aws:apprunner:eu-west-1:123456789012:service/{name}/1")).unwrap()
    }

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    fn ran(service: &str, outcome: Option<Result<Vec<&str>, EngineError>>) -> Ran {
        let report = |shown: Vec<&str>| {
            let shown = shown.into_iter().map(name).collect();
            ServiceReport { shown, domains: Vec::new() }
        };
        (subject(&arn(service), Which::Shown), outcome.map(|outcome| outcome.map(report)))
    }

    #[test]
    fn a_remembered_domain_is_looked_at_where_its_service_shows_it_no_more_or_is_gone() {
        let broken = EngineError::Aws(AwsError::broken("apprunner:DescribeCustomDomains", "denied"));
        let ran = [ran("shop", Some(Ok(vec!["a.example.com"]))), ran("blind", Some(Err(broken))), ran("late", None)];
        let remembered = [
            ("shop", "a.example.com"),
            ("shop", "b.example.com"),
            ("shop", "c.example.com"),
            ("blind", "d.example.com"),
            ("late", "e.example.com"),
            ("gone", "f.example.com"),
        ];
        let remembered = remembered.map(|(service, at)| Remembered { service: arn(service), name: name(at) });
        let missing: Vec<(String, Which)> = unshown(&ran, remembered.into())
            .into_iter()
            .map(|subject| (subject.service.name().to_owned(), subject.which))
            .collect();
        let these = |names: &[&str]| Which::These(names.iter().map(|at| name(at)).collect());
        assert_eq!(
            missing,
            [
                ("gone".to_owned(), these(&["f.example.com"])),
                ("shop".to_owned(), these(&["b.example.com", "c.example.com"])),
            ]
        );
    }

    #[test]
    fn throttling_of_one_domain_is_throttling_of_the_sweep() {
        let error = || EngineError::Aws(AwsError::again("route53:GetHostedZone", "slow down"));
        let report = ServiceReport { domains: vec![(name("a.example.com"), Err(error()))], ..ServiceReport::default() };
        assert!(is_throttled(&Ok(report)) && is_throttled(&Err(error())));
        assert!(!is_throttled(&Ok(ServiceReport::default())));
    }
}
