//! The run of one service's domains: counted, logged, and looked at again where that is due.

use pitcrew_aws::domain_engine::{DomainEngine, DomainReport, DomainSubject, ServiceReport};
use pitcrew_aws::engine::EngineError;
use pitcrew_aws::error::Kind;
use pitcrew_aws::wake::About;
use pitcrew_core::domain::Hold;

use super::DomainApp;
use crate::failure::{Failure, chain};
use crate::metrics::{Metrics, Unit, names};

/// Until an invocation that ran out of time is followed by the next.
const OUT_OF_TIME_WAKE_SECS: u32 = 15;

/// What was counted over the domains of one invocation.
#[derive(Debug, Default)]
pub struct Tally {
    pub domains: usize,
    pub failed: usize,
    /// Domains that only a person can bring further.
    pub blocked: usize,
    pub probes_failed: usize,
    /// The fewest days that a certificate has left.
    pub days_left: Option<i64>,
    /// Whether AWS asked us to slow down.
    pub throttled: bool,
    /// The last failure that may pass by itself.
    pub transient: Option<Failure>,
}

impl Tally {
    /// Takes in what came of a service's domains.
    pub fn add(&mut self, report: &ServiceReport, metrics: &mut Metrics) {
        for (name, outcome) in &report.domains {
            self.domains += 1;
            match outcome {
                Ok(report) => self.add_domain(report, metrics),
                Err(error) => {
                    tracing::error!(domain = %name, error = chain(error), transient = error.is_transient(), "a run failed");
                    self.add_failure(error);
                }
            }
        }
    }

    fn add_domain(&mut self, report: &DomainReport, metrics: &mut Metrics) {
        metrics.count(names::ACTIONS, u64::from(report.actions));
        if let Some(hold) = report.hold {
            metrics.count_by(names::HOLDS, "Reason", hold.as_str());
        }
        self.blocked += usize::from(report.hold == Some(Hold::Blocked));
        self.probes_failed += usize::from(report.probe_failed);
        self.days_left = [self.days_left, report.days_left].into_iter().flatten().min();
    }

    /// Takes in that a service, or one of its domains, could not be run.
    pub fn add_failure(&mut self, error: &EngineError) {
        self.failed += 1;
        self.throttled |= matches!(error, EngineError::Aws(error) if error.kind == Kind::Transient);
        if error.is_transient() {
            self.transient = Some(Failure::new("Engine", error));
        }
    }

    /// Says what of it hangs an alarm. `probes`: whether this function shakes hands at all.
    pub fn measure(&self, probes: bool, metrics: &mut Metrics) {
        if !probes {
            return;
        }
        metrics.count(names::PROBE_FAILED, self.probes_failed as u64);
        if let Some(days) = self.days_left {
            #[expect(clippy::cast_precision_loss, reason = "days are far below 2^53")]
            metrics.gauge(names::CERTIFICATE_DAYS_LEFT, days as f64, Unit::None);
        }
    }
}

/// Runs the domains of one service. `hops`: the wakes that led to this run.
///
/// # Errors
/// What may pass by itself goes back to Lambda, which tries again; the rest would fail again the same way, and is logged.
pub async fn run(
    app: &DomainApp,
    engine: &DomainEngine<'_>,
    subject: &DomainSubject,
    hops: u32,
    metrics: &mut Metrics,
) -> Result<(), Failure> {
    // The opening reads may take as long as any: cut in them, Lambda would call the whole batch failed.
    if !engine.deadline().has_time() {
        metrics.count_by(names::HOLDS, "Reason", Hold::OutOfTime.as_str());
        wake(app, subject, OUT_OF_TIME_WAKE_SECS, hops).await;
        return Ok(());
    }
    let mut tally = Tally::default();
    match engine.run(subject).await {
        Ok(report) => {
            tally.add(&report, metrics);
            wake_again(app, subject, &report, hops).await;
        }
        Err(error) => {
            tracing::error!(service = %subject.service, error = chain(&error), transient = error.is_transient(), "a run failed");
            tally.add_failure(&error);
        }
    }
    tally.measure(app.settings.certificates, metrics);
    tally.transient.map_or(Ok(()), Err)
}

/// A handler never sleeps: it sends its subject to the wake queue and ends. A wake that is lost costs minutes, not correctness.
pub(super) async fn wake_again(app: &DomainApp, subject: &DomainSubject, report: &ServiceReport, hops: u32) {
    if let Some(secs) = report.wake_after_secs() {
        wake(app, subject, secs, hops).await;
    }
}

/// How long a wake waits. The function that links domains again is swept every quarter of an hour only, and a chain has few
/// wakes: each waits twice as long as the one before, so that a domain that is being unlinked for some minutes is linked by a wake.
fn delay(secs: u32, hops: u32, relinks: bool) -> u32 {
    if relinks { secs.saturating_mul(2_u32.saturating_pow(hops)) } else { secs }
}

async fn wake(app: &DomainApp, subject: &DomainSubject, secs: u32, hops: u32) {
    let secs = delay(secs, hops, app.settings.certificates);
    if let Err(error) = app.clients.wakes.wake(About::Service(&subject.service), hops, secs).await {
        tracing::warn!(service = %subject.service, error = error.line(), "no wake could be queued");
    }
}

#[cfg(test)]
mod tests {
    use pitcrew_aws::error::AwsError;
    use pitcrew_aws::wake::WAKE_HOPS_MAX;
    use pitcrew_core::dns::name::Name;

    use super::*;

    fn of(domains: Vec<Result<DomainReport, EngineError>>) -> (Tally, Metrics) {
        let name = Name::parse("shop.example.com").unwrap();
        let domains = domains.into_iter().map(|domain| (name.clone(), domain)).collect();
        let (mut tally, mut metrics) = (Tally::default(), Metrics::new("certificates"));
        tally.add(&ServiceReport { domains, ..ServiceReport::default() }, &mut metrics);
        (tally, metrics)
    }

    #[test]
    fn the_fewest_days_and_every_failed_probe_are_told() {
        let days = |days_left| Ok(DomainReport { days_left, ..DomainReport::default() });
        let blind = Ok(DomainReport { probe_failed: true, hold: Some(Hold::Blocked), ..DomainReport::default() });
        let (tally, mut metrics) = of(vec![days(Some(40)), days(Some(-2)), days(None), blind]);
        tally.measure(true, &mut metrics);
        let lines = metrics.lines(0).join("\n");
        assert!(lines.contains(r#""CertificateDaysLeft":-2.0"#) && lines.contains(r#""ProbeFailed":1.0"#), "{lines}");
        assert_eq!((tally.domains, tally.blocked), (4, 1));
    }

    #[test]
    fn a_function_that_does_not_probe_tells_nothing_of_probes() {
        let (tally, mut metrics) = of(Vec::new());
        tally.measure(false, &mut metrics);
        assert!(metrics.lines(0).is_empty());
    }

    #[test]
    fn the_wakes_of_linking_again_reach_over_minutes() {
        let reach = |relinks| (0..WAKE_HOPS_MAX).map(|hops| delay(15, hops, relinks)).sum::<u32>();
        assert_eq!((reach(false), reach(true)), (60, 225));
        assert_eq!(delay(60, 40, true), u32::MAX, "SQS's most is taken instead");
    }

    #[test]
    fn throttling_is_told_apart_from_what_stays_wrong() {
        let (tally, _) = of(vec![Err(AwsError::again("route53:ListResourceRecordSets", "slow down").into())]);
        assert!(tally.throttled && tally.transient.is_some());
        let (tally, _) = of(vec![Err(AwsError::broken("dynamodb:row", "unreadable").into())]);
        assert!(!tally.throttled && tally.transient.is_none() && tally.failed == 1);
    }
}
