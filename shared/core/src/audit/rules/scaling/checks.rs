//! The health check. The table stands in [`super`].

use super::super::super::facts::{HealthCheck, Protocol};
use super::super::super::{Check, Findings, Fleet, Grade, Group, Rule, ServiceFacts};
use super::super::fix::update_health;
use super::super::subject::{guide, this};
use super::NOTICED_SECS;
use crate::service::ServiceStatus;

pub(in super::super) const RULES: &[Rule] = &[
    Rule {
        id: "scaling-tcp-check",
        group: Group::Scaling,
        grade: Grade::Medium,
        title: "The health check only opens the port",
        why: "A release that answers every request with an error counts as healthy, so that App Runner does not take \
              it back.",
        chapter: guide("Configuring health checks for your service"),
        check: Check::Service(tcp_check),
    },
    Rule {
        id: "scaling-slow-check",
        group: Group::Scaling,
        grade: Grade::Medium,
        title: "The health check notices a dead instance only after more than a minute",
        why: "Requests go to the dead instance until then.",
        chapter: guide("Configuring health checks for your service"),
        check: Check::Service(slow_check),
    },
    Rule {
        id: "scaling-check-overlaps",
        group: Group::Scaling,
        grade: Grade::Low,
        title: "The health check may take as long as its interval, or longer",
        why: "The guide allows no interval below the timeout; at equal ones a slow answer runs into the next check, \
              when the instance is busiest.",
        chapter: guide("Configuring health checks for your service"),
        check: Check::Service(check_overlaps),
    },
    Rule {
        id: "scaling-nervous-check",
        group: Group::Scaling,
        grade: Grade::Low,
        title: "One failed health check takes an instance out of service",
        why: "One answer that is late, under load above all, takes capacity away when it is needed.",
        chapter: guide("Configuring health checks for your service"),
        check: Check::Service(nervous_check),
    },
];

/// The defaults of the guide, which a fix goes back to.
const DEFAULT: (u32, u32, u32) = (5, 2, 5);
/// `Interval` at the most, by the API.
const INTERVAL_MAX: u32 = 20;

fn gone(service: &ServiceFacts) -> bool {
    matches!(service.status, ServiceStatus::Deleted | ServiceStatus::DeleteFailed)
}

fn tcp_check(_: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    if gone(service) || service.health.protocol == Protocol::Http {
        return;
    }
    let health = HealthCheck { protocol: Protocol::Http, path: "/HEALTH_PATH".to_owned(), ..service.health.clone() };
    out.find(
        this(service),
        "Its health check is TCP.",
        "Ask a path over HTTP that answers 200 without a login, and fails when the service cannot do its work.",
        update_health(service, &health),
    );
}

fn slow_check(_: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    let health = &service.health;
    let secs = health.interval.saturating_mul(health.unhealthy);
    if gone(service) || secs <= NOTICED_SECS {
        return;
    }
    let (interval, _, unhealthy) = DEFAULT;
    let interval = interval.max(health.timeout.saturating_add(1)).min(INTERVAL_MAX);
    let timeout = health.timeout.min(interval - 1);
    let mended = HealthCheck { interval, timeout, unhealthy: unhealthy.min(NOTICED_SECS / interval), ..health.clone() };
    out.find(
        this(service),
        format!("A check every {} s must fail {} times: {secs} s.", health.interval, health.unhealthy),
        "Ask more often, or be content with fewer failures; the defaults are 5 s and 5 times.",
        update_health(service, &mended),
    );
}

fn check_overlaps(_: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    let health = &service.health;
    if gone(service) || health.timeout < health.interval {
        return;
    }
    let (interval, timeout, _) = DEFAULT;
    let mended = if health.interval > 1 {
        HealthCheck { timeout: timeout.min(health.interval - 1), ..health.clone() }
    } else {
        HealthCheck { interval, timeout, ..health.clone() }
    };
    out.find(
        this(service),
        format!("A check every {} s may take {} s.", health.interval, health.timeout),
        "Give the answer less time than there is between two checks; the defaults are 2 s and 5 s.",
        update_health(service, &mended),
    );
}

fn nervous_check(_: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    if gone(service) || service.health.unhealthy > 1 {
        return;
    }
    let health = HealthCheck { unhealthy: 3, ..service.health.clone() };
    out.find(
        this(service),
        "Its unhealthy threshold is 1.",
        "Wait for at least two failures in a row; the default is 5.",
        update_health(service, &health),
    );
}
