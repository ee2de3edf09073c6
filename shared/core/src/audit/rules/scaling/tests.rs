use super::super::super::facts::{Protocol, Scaling, Usage};
use super::super::super::samples::{days_ago, fleet, look, scaling, service, usage};
use super::super::super::{Findings, Grade, ServiceFacts};
use crate::fact::Fact;
use crate::service::ServiceStatus;

fn check(id: &str, change: impl FnOnce(&mut ServiceFacts)) -> Findings {
    let mut service = service("shop-api");
    change(&mut service);
    look(id, &fleet(), &service)
}

/// The command of the one finding.
fn command(findings: &Findings) -> String {
    assert_eq!(findings.found.len(), 1, "{findings:?}");
    findings.found[0].fix.command.clone().unwrap()
}

fn with(id: &str, scaling: Scaling, usage: Usage) -> Findings {
    check(id, |service| {
        service.scaling = Fact::Known(scaling);
        service.usage = Fact::Known(usage);
    })
}

#[test]
fn a_check_by_tcp_is_found_and_keeps_its_other_numbers_when_it_is_mended() {
    let tcp = check("scaling-tcp-check", |service| {
        service.health.protocol = Protocol::Tcp;
        service.health.interval = 7;
    });
    let command = command(&tcp);
    assert!(command.contains(r#""Protocol":"HTTP""#) && command.contains(r#""Interval":7"#), "{command}");
    let gone = check("scaling-tcp-check", |service| {
        service.health.protocol = Protocol::Tcp;
        service.status = ServiceStatus::Deleted;
    });
    assert_eq!(gone.found, []);
}

#[test]
fn a_check_that_takes_more_than_a_minute_to_notice_is_found() {
    let id = "scaling-slow-check";
    let at = |interval: u32, unhealthy: u32| {
        check(id, |service| {
            service.health.interval = interval;
            service.health.unhealthy = unhealthy;
        })
    };
    assert_eq!(at(12, 5).found, []);
    let slow = at(10, 7);
    assert!(slow.found[0].seen.contains("70 s"), "{}", slow.found[0].seen);
    assert!(command(&slow).contains(r#""Interval":5"#));
}

#[test]
fn what_mends_a_slow_check_neither_overlaps_nor_is_slow() {
    let slow = check("scaling-slow-check", |service| {
        service.health.interval = 20;
        service.health.timeout = 19;
        service.health.unhealthy = 20;
    });
    let command = command(&slow);
    assert!(command.contains(r#""Interval":20"#) && command.contains(r#""UnhealthyThreshold":3"#), "{command}");
}

#[test]
fn what_mends_a_slow_check_with_the_longest_timeout_is_an_interval_that_the_api_takes() {
    let slow = command(&check("scaling-slow-check", |service| {
        service.health.interval = 20;
        service.health.timeout = 20;
    }));
    assert!(slow.contains(r#""Interval":20"#) && slow.contains(r#""Timeout":19"#), "{slow}");
}

#[test]
fn a_timeout_that_is_not_below_the_interval_is_found() {
    let id = "scaling-check-overlaps";
    let at = |interval: u32, timeout: u32| {
        check(id, |service| {
            service.health.interval = interval;
            service.health.timeout = timeout;
        })
    };
    assert_eq!(at(5, 4).found, []);
    assert!(command(&at(5, 5)).contains(r#""Timeout":2"#));
    let shortest = command(&at(1, 3));
    assert!(shortest.contains(r#""Interval":5"#) && shortest.contains(r#""Timeout":2"#), "{shortest}");
}

#[test]
fn a_check_that_gives_up_at_once_is_found() {
    assert!(command(&check("scaling-nervous-check", |service| service.health.unhealthy = 1)).contains(":3"));
    assert_eq!(check("scaling-nervous-check", |service| service.health.unhealthy = 2).found, []);
}

#[test]
fn a_size_that_cannot_change_is_found_and_a_single_instance_for_ever_is_worse() {
    let id = "scaling-fixed-size";
    let four = with(id, Scaling { min: 4, max: 4, ..scaling() }, usage());
    assert_eq!(four.found[0].grade, None);
    assert!(command(&four).contains("--min-size 4 --max-size 8"));
    let one = with(id, Scaling { min: 1, max: 1, ..scaling() }, usage());
    assert_eq!(one.found[0].grade, Some(Grade::Medium));
    let largest = command(&with(id, Scaling { min: 25, max: 25, ..scaling() }, usage()));
    assert!(largest.contains("--min-size 24 --max-size 25"), "{largest}");
}

#[test]
fn one_instance_is_found_in_production_and_where_nothing_says_otherwise() {
    let id = "scaling-single-instance";
    let tagged = |tag: Option<(&str, &str)>| {
        check(id, |service| {
            service.scaling = Fact::Known(Scaling { min: 1, ..scaling() });
            service.tags =
                Fact::Known(tag.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect());
        })
    };
    assert!(command(&tagged(Some(("Environment", "Production")))).contains("--min-size 2"));
    assert_eq!(tagged(None).found.len(), 1);
    assert_eq!(tagged(Some(("stage", "dev"))).found, []);
}

#[test]
fn a_full_service_at_its_maximum_is_found() {
    let id = "scaling-ceiling";
    let at = |instances: f64, concurrency: f64| {
        with(id, scaling(), Usage { instances: Some(instances), concurrency: Some(concurrency), ..usage() })
    };
    assert!(command(&at(10.0, 720.0)).contains("--max-size 20"));
    assert_eq!(at(10.0, 719.0).found, []);
    assert_eq!(at(9.0, 790.0).found, []);
}

#[test]
fn an_overloaded_instance_to_which_none_is_added_is_found() {
    let id = "scaling-limit-never-reached";
    let quiet = Usage { instances: Some(2.0), concurrency: Some(40.0), ..usage() };
    let busy = Usage { cpu_percent: Some(97.0), ..quiet.clone() };
    assert!(command(&with(id, scaling(), busy.clone())).contains("--max-concurrency 16"));
    assert_eq!(with(id, scaling(), quiet).found, [], "few visitors are no fault");
    let near = Usage { concurrency: Some(80.0), ..busy.clone() };
    assert_eq!(with(id, scaling(), near).found, [], "half of the limit: the next instance is near");
    let added = Usage { instances: Some(3.0), ..busy };
    assert_eq!(with(id, scaling(), added).found, []);
}

#[test]
fn instances_that_are_full_with_nothing_to_do_are_found() {
    let id = "scaling-limit-too-low";
    let idle = Usage { cpu_percent: Some(9.0), instances: Some(8.0), ..usage() };
    let one_each = Scaling { concurrency: 1, ..scaling() };
    assert!(command(&with(id, one_each.clone(), idle.clone())).contains("--max-concurrency 2 "));
    assert_eq!(with(id, one_each.clone(), Usage { cpu_percent: Some(25.0), ..idle.clone() }).found, []);
    assert_eq!(with(id, one_each.clone(), Usage { instances: Some(2.0), ..idle.clone() }).found, []);
    assert_eq!(with(id, one_each, Usage { memory_percent: Some(85.0), ..idle }).found, [], "memory is what fills it");
}

#[test]
fn instances_that_stand_by_for_nothing_are_found() {
    let id = "scaling-minimum-unneeded";
    let six = Scaling { min: 6, ..scaling() };
    let few = |concurrency: f64| Usage { concurrency: Some(concurrency), ..usage() };
    assert!(command(&with(id, six.clone(), few(100.0))).contains("--min-size 4"));
    assert_eq!(with(id, six, few(200.0)).found, []);
    assert_eq!(with(id, scaling(), few(1.0)).found, [], "two are for one to fail");
}

#[test]
fn memory_that_is_almost_full_is_found_with_the_next_size_and_the_role() {
    let id = "scaling-memory-full";
    let full = Usage { memory_percent: Some(93.0), ..usage() };
    let command = command(&with(id, scaling(), full.clone()));
    assert!(command.contains(r#""Cpu":"1024""#) && command.contains(r#""Memory":"3072""#), "{command}");
    assert!(command.contains("role/shop-api-instance"), "{command}");
    let largest = check(id, |service| {
        (service.cpu, service.memory_mb) = (4096, 12288);
        service.usage = Fact::Known(full);
    });
    assert_eq!(largest.found[0].fix.command, None);
    assert_eq!(with(id, scaling(), Usage { memory_percent: Some(89.0), ..usage() }).found, []);
}

#[test]
fn an_instance_of_which_a_smaller_one_would_do_is_found_after_a_week() {
    let id = "scaling-oversized";
    let small = Usage { cpu_percent: Some(4.0), memory_percent: Some(20.0), ..usage() };
    let command = command(&with(id, scaling(), small.clone()));
    assert!(command.contains(r#""Cpu":"512""#) && command.contains(r#""Memory":"1024""#), "{command}");
    assert_eq!(with(id, scaling(), Usage { days: 6, ..small.clone() }).found, []);
    assert_eq!(with(id, scaling(), Usage { memory_percent: Some(26.0), ..small.clone() }).found, []);
    let smallest = check(id, |service| {
        (service.cpu, service.memory_mb) = (256, 512);
        service.usage = Fact::Known(small);
    });
    assert_eq!(smallest.found, []);
}

#[test]
fn a_service_that_nobody_asks_is_found_after_the_days_of_the_policy() {
    let id = "scaling-idle";
    let none = |days: u32| Usage { days, requests: Some(0.0), ..usage() };
    assert!(command(&with(id, scaling(), none(30))).starts_with("aws apprunner pause-service"));
    let no_datum = with(id, scaling(), Usage { requests: None, ..none(30) });
    assert_eq!(no_datum.found.len(), 1, "other metrics are there: no request came");
    let few_days = with(id, scaling(), none(14));
    assert_eq!((few_days.found.len(), few_days.unchecked.len()), (0, 1), "thirty days were not read");
    let young = check(id, |service| {
        service.created_at = days_ago(5);
        service.usage = Fact::Known(none(5));
    });
    assert_eq!((young.found.len(), young.unchecked.len()), (0, 0));
}

#[test]
fn what_could_not_be_read_is_not_checked() {
    let why = || "AccessDenied".to_owned();
    for id in [
        "scaling-fixed-size",
        "scaling-single-instance",
        "scaling-ceiling",
        "scaling-limit-never-reached",
        "scaling-limit-too-low",
        "scaling-minimum-unneeded",
    ] {
        let findings = check(id, |service| service.scaling = Fact::Unavailable(why()));
        assert_eq!((findings.found.len(), findings.unchecked.len()), (0, 1), "{id}");
    }
    for id in [
        "scaling-ceiling",
        "scaling-limit-never-reached",
        "scaling-limit-too-low",
        "scaling-memory-full",
        "scaling-oversized",
        "scaling-idle",
    ] {
        let findings = check(id, |service| service.usage = Fact::Unavailable(why()));
        assert_eq!((findings.found.len(), findings.unchecked.len()), (0, 1), "{id}");
        let findings = check(id, |service| service.usage = Fact::Known(Usage { days: 30, ..Usage::default() }));
        assert_eq!((findings.found.len(), findings.unchecked.len()), (0, 1), "{id} without a datum");
    }
    let untagged = check("scaling-single-instance", |service| {
        service.scaling = Fact::Known(Scaling { min: 1, ..scaling() });
        service.tags = Fact::Unavailable(why());
    });
    assert_eq!((untagged.found.len(), untagged.unchecked.len()), (0, 1));
    let no_metric = with("scaling-minimum-unneeded", Scaling { min: 3, ..scaling() }, Usage::default());
    assert_eq!((no_metric.found.len(), no_metric.unchecked.len()), (0, 1));
}

#[test]
fn a_paused_service_is_not_judged_by_its_use() {
    for id in ["scaling-ceiling", "scaling-idle", "scaling-memory-full", "scaling-single-instance"] {
        let findings = check(id, |service| {
            service.status = ServiceStatus::Paused;
            service.usage = Fact::Unread;
            service.scaling = Fact::Unread;
        });
        assert_eq!((findings.found.len(), findings.unchecked.len()), (0, 0), "{id}");
    }
}
