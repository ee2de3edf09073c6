//! Traffic: what the version that serves now makes of the requests of one minute, as metrics of `AWS/AppRunner`.
//!
//! Beside them: what the instances use, where somebody has said so (`_Usage`). App Runner reports it of each instance and, since
//! February 2023, of the service, both in percent of what the instance has since August 2023.
//!
//! A service without traffic and usage has no timer, so that time can jump. The world ticks once after it changes the traffic.

use jiff::Timestamp;

use crate::call::Ctx;
use crate::effect::{Datapoint, Effect};
use crate::outside::Behaviour;

use super::machine::later;
use super::scaling::Scaling;
use super::services::Service;

const NAMESPACE: &str = "AWS/AppRunner";
const MINUTE_SECS: i64 = 60;

/// What is carried from minute to minute, so that a small rate still adds up.
#[derive(Clone, Debug, Default)]
pub(super) struct Traffic {
    /// The end of the minute that is being counted.
    pub(super) due: Option<Timestamp>,
    requests_left: f64,
    errors_left: f64,
    pub(super) usage: Usage,
}

/// What the instances of a service use, as far as somebody has said it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Usage {
    pub(super) cpu_percent: Option<f64>,
    pub(super) memory_percent: Option<f64>,
    pub(super) concurrency: Option<f64>,
}

impl Service {
    /// Starts or stops the minute's timer as traffic and service demand it.
    pub(super) fn refresh_traffic(&mut self, ctx: &Ctx<'_>) {
        let flows = ctx.outside.traffic.rate(&self.ident.name) > 0.0;
        let reports = flows || self.traffic.usage != Usage::default();
        self.traffic.due = match (reports && self.serving, self.traffic.due) {
            (false, _) => None,
            (true, Some(due)) => Some(due),
            (true, None) => {
                let into_minute = ctx.now.as_second().rem_euclid(MINUTE_SECS);
                let start = Timestamp::from_second(ctx.now.as_second() - into_minute).unwrap_or(ctx.now);
                Some(later(start, MINUTE_SECS))
            }
        };
    }

    /// Reports the minute that ends now.
    pub(super) fn report_minute(&mut self, ctx: &mut Ctx<'_>, scaling: &Scaling) {
        self.traffic.due = Some(later(ctx.now, MINUTE_SECS));
        let rate = ctx.outside.traffic.rate(&self.ident.name);
        let Some(running) = self.running.as_ref() else { return };
        let behaviour = running.artifact.behaviour(ctx.outside);
        let requests = whole(&mut self.traffic.requests_left, rate);
        let errors = whole(&mut self.traffic.errors_left, requests * error_rate(&behaviour)).min(requests);
        let at = later(ctx.now, -MINUTE_SECS);
        if requests > 0.0 {
            for (name, n) in [
                ("Requests", requests),
                ("2xxStatusResponses", requests - errors),
                ("4xxStatusResponses", 0.0),
                ("5xxStatusResponses", errors),
            ] {
                self.report(ctx, at, name, "Count", [n, 1.0, n, n]);
            }
            let latency = behaviour.latency_ms;
            let sample = [latency * requests, requests, latency * 0.5, latency * 3.0];
            self.report(ctx, at, "RequestLatency", "Milliseconds", sample);
        }
        let instances = instances(rate, &behaviour, scaling);
        if rate > 0.0 {
            self.report(ctx, at, "ActiveInstances", "Count", [instances, 1.0, instances, instances]);
        }
        self.report_usage(ctx, at, instances);
    }

    /// All instances use the same. That an instance's dimension is called `Instance` is from memory: no source confirms it.
    fn report_usage(&self, ctx: &mut Ctx<'_>, at: Timestamp, instances: f64) {
        let Usage { cpu_percent, memory_percent, concurrency } = self.traffic.usage;
        for (name, percent) in [("CPUUtilization", cpu_percent), ("MemoryUtilization", memory_percent)] {
            let Some(n) = percent else { continue };
            let sample = [n * instances, instances, n, n];
            self.report(ctx, at, name, "Percent", sample);
            for number in 0..instances as u32 {
                let mut point = self.point(at, name, "Percent", [n, 1.0, n, n]);
                point.dimensions.insert(0, ("Instance".to_owned(), format!("{}-{number}", self.ident.id)));
                ctx.effects.push(Effect::Metric(point));
            }
        }
        if let Some(n) = concurrency {
            self.report(ctx, at, "Concurrency", "Count", [n, 1.0, n, n]);
        }
    }

    fn report(&self, ctx: &mut Ctx<'_>, at: Timestamp, name: &str, unit: &str, sample: [f64; 4]) {
        ctx.effects.push(Effect::Metric(self.point(at, name, unit, sample)));
    }

    fn point(&self, at: Timestamp, name: &str, unit: &str, [sum, count, min, max]: [f64; 4]) -> Datapoint {
        Datapoint {
            namespace: NAMESPACE.to_owned(),
            name: name.to_owned(),
            dimensions: vec![
                ("ServiceID".to_owned(), self.ident.id.clone()),
                ("ServiceName".to_owned(), self.ident.name.clone()),
            ],
            at,
            sum,
            count,
            min,
            max,
            unit: unit.to_owned(),
        }
    }
}

/// The whole part of what is left and what comes; the rest stays for the next minute.
fn whole(left: &mut f64, more: f64) -> f64 {
    let total = *left + more;
    let whole = total.floor();
    *left = total - whole;
    whole
}

/// A version that cannot start or does not answer its health check answers nobody: every request is a 5xx.
fn error_rate(behaviour: &Behaviour) -> f64 {
    let dead = !behaviour.healthy || behaviour.exit_code.is_some() || behaviour.wrong_architecture;
    if dead { 1.0 } else { behaviour.error_rate.clamp(0.0, 1.0) }
}

/// Little's law: requests in flight over what one instance takes, within the configuration's bounds.
fn instances(rate: f64, behaviour: &Behaviour, scaling: &Scaling) -> f64 {
    let in_flight = rate / 60.0 * behaviour.latency_ms / 1000.0;
    let wanted = (in_flight / scaling.max_concurrency.max(1) as f64).ceil();
    wanted.clamp(scaling.min_size as f64, scaling.max_size.max(scaling.min_size) as f64)
}
