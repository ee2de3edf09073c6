//! What the metrics show beside what is configured. The table stands in [`super`].

use super::super::super::facts::{Scaling, Usage};
use super::super::super::{Check, Findings, Fleet, Grade, Group, Rule, ServiceFacts};
use super::super::fix::{serves, update_scaling, update_size};
use super::super::subject::{guide, this};
use super::{BUSY_PERCENT, FULL_PERCENT, IDLE_PERCENT, INSTANCES_MAX};

pub(in super::super) const RULES: &[Rule] = &[
    Rule {
        id: "scaling-ceiling",
        group: Group::Scaling,
        grade: Grade::High,
        title: "The service reached its maximum of instances, and they were full",
        why: "What comes above it waits or is refused.",
        chapter: guide("Managing App Runner automatic scaling"),
        check: Check::Service(ceiling),
    },
    Rule {
        id: "scaling-limit-never-reached",
        group: Group::Scaling,
        grade: Grade::Medium,
        title: "Instances are overloaded long before App Runner adds one",
        why: "App Runner adds instances by requests at the same time alone, so that a busy CPU or full memory never \
              does.",
        chapter: guide("Managing App Runner automatic scaling"),
        check: Check::Service(limit_never_reached),
    },
    Rule {
        id: "scaling-limit-too-low",
        group: Group::Scaling,
        grade: Grade::Low,
        title: "Instances are added that are not needed",
        why: "Each instance is full by its limit of requests while it has little to do, and all of them are paid for.",
        chapter: guide("Managing App Runner automatic scaling"),
        check: Check::Service(limit_too_low),
    },
    Rule {
        id: "scaling-minimum-unneeded",
        group: Group::Scaling,
        grade: Grade::Low,
        title: "More instances stand by than were ever needed",
        why: "The memory of each of them is paid for.",
        chapter: guide("Managing App Runner automatic scaling"),
        check: Check::Service(minimum_unneeded),
    },
    Rule {
        id: "scaling-memory-full",
        group: Group::Scaling,
        grade: Grade::High,
        title: "Instances are almost out of memory",
        why: "An instance that runs out of it is killed with all its requests.",
        chapter: guide("Viewing App Runner service metrics reported to CloudWatch"),
        check: Check::Service(memory_full),
    },
    Rule {
        id: "scaling-oversized",
        group: Group::Scaling,
        grade: Grade::Low,
        title: "Instances are larger than what they do",
        why: "A smaller size costs less for every instance.",
        chapter: guide("Viewing App Runner service metrics reported to CloudWatch"),
        check: Check::Service(oversized),
    },
    Rule {
        id: "scaling-idle",
        group: Group::Scaling,
        grade: Grade::Low,
        title: "Nobody asks the service for anything",
        why: "Its memory is paid for, it counts in the quota, and it stands open to the internet.",
        chapter: guide("Viewing App Runner service metrics reported to CloudWatch"),
        check: Check::Service(idle),
    },
];

/// What App Runner offers: CPU units, and megabytes that go with them.
const SIZES: [(u32, u32); 11] = [
    (256, 512),
    (256, 1024),
    (512, 1024),
    (1024, 2048),
    (1024, 3072),
    (1024, 4096),
    (2048, 4096),
    (2048, 6144),
    (4096, 8192),
    (4096, 10240),
    (4096, 12288),
];
/// Days of which a size is judged: a week has its weekend.
const JUDGED_DAYS: u32 = 7;
/// `MaxConcurrency` at the most, by the API.
const CONCURRENCY_MAX: u32 = 200;

/// Scaling and use of a service that serves.
fn both<'f>(service: &'f ServiceFacts, out: &mut Findings) -> Option<(&'f Scaling, &'f Usage)> {
    if !serves(service) {
        return None;
    }
    let scaling = out.known(&this(service), &service.scaling)?;
    Some((scaling, out.known(&this(service), &service.usage)?))
}

/// One number of the metrics; where CloudWatch has no datum, the rule has not checked.
fn datum(service: &ServiceFacts, value: Option<f64>, what: &str, out: &mut Findings) -> Option<f64> {
    if value.is_none() {
        out.unchecked(&this(service), &format!("CloudWatch has no {what} of these days"));
    }
    value
}

fn ceiling(_: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    let Some((scaling, usage)) = both(service, out) else { return };
    let Some(instances) = datum(service, usage.instances, "ActiveInstances", out) else { return };
    if instances < f64::from(scaling.max) {
        return;
    }
    let Some(concurrency) = datum(service, usage.concurrency, "Concurrency", out) else { return };
    let limit = f64::from(scaling.max.saturating_mul(scaling.concurrency));
    if concurrency * 100.0 < limit * FULL_PERCENT {
        return;
    }
    let command = if scaling.max < INSTANCES_MAX {
        update_scaling(service, &Scaling { max: (scaling.max * 2).min(INSTANCES_MAX), ..scaling.clone() })
    } else {
        String::new()
    };
    out.find(
        this(service),
        format!(
            "All {} instances were active, with {concurrency:.0} requests at the same time; they may take {limit:.0}.",
            scaling.max
        ),
        "Raise the maximum, or take larger instances and a higher limit of requests; the account's quota of Fargate \
         vCPUs must allow it.",
        command,
    );
}

fn limit_never_reached(_: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    let Some((scaling, usage)) = both(service, out) else { return };
    let Some(instances) = datum(service, usage.instances, "ActiveInstances", out) else { return };
    if instances > f64::from(scaling.min) || scaling.min == scaling.max {
        return;
    }
    let Some(cpu) = datum(service, usage.cpu_percent, "CPUUtilization", out) else { return };
    let Some(memory) = datum(service, usage.memory_percent, "MemoryUtilization", out) else { return };
    let Some(concurrency) = datum(service, usage.concurrency, "Concurrency", out) else { return };
    let each = concurrency / instances.max(1.0);
    if cpu.max(memory) < BUSY_PERCENT || each * 2.0 >= f64::from(scaling.concurrency) {
        return;
    }
    // Where it was overloaded it should have been helped: four fifths of what it had then.
    let limit = whole(each * 0.8).clamp(1, scaling.concurrency);
    out.find(
        this(service),
        format!(
            "An instance had {cpu:.0} % CPU and {memory:.0} % memory at {each:.0} requests at the same time; another \
             is added at {}.",
            scaling.concurrency
        ),
        "Set the limit below what an instance can do.",
        update_scaling(service, &Scaling { concurrency: limit, ..scaling.clone() }),
    );
}

fn limit_too_low(_: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    let Some((scaling, usage)) = both(service, out) else { return };
    let Some(instances) = datum(service, usage.instances, "ActiveInstances", out) else { return };
    if instances <= f64::from(scaling.min) || scaling.concurrency >= CONCURRENCY_MAX {
        return;
    }
    let Some(cpu) = datum(service, usage.cpu_percent, "CPUUtilization", out) else { return };
    let Some(memory) = datum(service, usage.memory_percent, "MemoryUtilization", out) else { return };
    if cpu >= IDLE_PERCENT || memory >= BUSY_PERCENT {
        return;
    }
    let limit = scaling.concurrency.saturating_mul(2).min(CONCURRENCY_MAX);
    out.find(
        this(service),
        format!(
            "{instances:.0} instances were active at a limit of {} requests each, and none had more than {cpu:.0} % \
             CPU.",
            scaling.concurrency
        ),
        "Double the limit and look again.",
        update_scaling(service, &Scaling { concurrency: limit, ..scaling.clone() }),
    );
}

fn minimum_unneeded(_: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    let Some((scaling, usage)) = both(service, out) else { return };
    if scaling.min < 3 {
        return;
    }
    let Some(concurrency) = datum(service, usage.concurrency, "Concurrency", out) else { return };
    let needed = (concurrency / f64::from(scaling.concurrency.max(1))).ceil();
    if needed * 2.0 >= f64::from(scaling.min) {
        return;
    }
    out.find(
        this(service),
        format!(
            "{} instances stand by; at most {concurrency:.0} requests came at the same time, and one instance takes \
             {}.",
            scaling.min, scaling.concurrency
        ),
        "Lower the minimum; two are enough for one to fail.",
        update_scaling(service, &Scaling { min: whole(needed * 2.0).clamp(2, scaling.min), ..scaling.clone() }),
    );
}

/// A number of requests or instances as the API takes it.
fn whole(value: f64) -> u32 {
    // What the metrics show is positive, and far below four thousand millions.
    value.max(0.0) as u32
}

fn memory_full(_: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    let Some((_, usage)) = both(service, out) else { return };
    let Some(memory) = datum(service, usage.memory_percent, "MemoryUtilization", out) else { return };
    if memory < FULL_PERCENT {
        return;
    }
    let seen = format!("Its memory of {} MB was used to {memory:.0} % over an hour.", service.memory_mb);
    let larger = SIZES.into_iter().find(|(cpu, mb)| *cpu >= service.cpu && *mb > service.memory_mb);
    match larger {
        Some((cpu, mb)) => out.find(
            this(service),
            seen,
            "Take the next larger size, and look for what the memory goes to.",
            update_size(service, cpu, mb),
        ),
        None => out.find(this(service), seen, "There is no larger size: look for what the memory goes to.", ""),
    }
}

fn oversized(_: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    let Some((_, usage)) = both(service, out) else { return };
    if usage.days < JUDGED_DAYS {
        return;
    }
    let smaller = SIZES.into_iter().rev().find(|(cpu, mb)| *cpu <= service.cpu && *mb < service.memory_mb);
    let Some((cpu, mb)) = smaller else { return };
    let Some(cpu_percent) = datum(service, usage.cpu_percent, "CPUUtilization", out) else { return };
    let Some(memory_percent) = datum(service, usage.memory_percent, "MemoryUtilization", out) else { return };
    let used_mb = memory_percent / 100.0 * f64::from(service.memory_mb);
    if cpu_percent >= IDLE_PERCENT || used_mb * 2.0 >= f64::from(mb) {
        return;
    }
    out.find(
        this(service),
        format!(
            "In {} days its highest hour had {cpu_percent:.0} % of {} CPU units and {memory_percent:.0} % of {} MB.",
            usage.days, service.cpu, service.memory_mb
        ),
        "Take the next smaller size and look again.",
        update_size(service, cpu, mb),
    );
}

fn idle(fleet: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    let age_days = fleet.now.duration_since(service.created_at).as_hours() / 24;
    if !serves(service) || age_days < i64::from(fleet.policy.idle_days) {
        return;
    }
    let Some(usage) = out.known(&this(service), &service.usage) else { return };
    // Whether CloudWatch has a zero or nothing where no request came is not documented. Where it has other metrics of
    // the service and none of requests, none came; where it has nothing at all, nobody knows.
    let measured = usage.memory_percent.or(usage.cpu_percent).or(usage.instances).map(|_| 0.0);
    let Some(requests) = datum(service, usage.requests.or(measured), "Requests", out) else { return };
    if requests > 0.0 {
        return;
    }
    if usage.days < fleet.policy.idle_days {
        out.unchecked(&this(service), &format!("the metrics of {} days were read", usage.days));
        return;
    }
    out.find(
        this(service),
        format!("Not one request came in {} days.", usage.days),
        "Pause it, which keeps it without compute; or delete it.",
        format!("aws apprunner pause-service --service-arn {}", service.arn),
    );
}
