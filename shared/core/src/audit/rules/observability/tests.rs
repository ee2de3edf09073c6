use serde_json::json;

use super::super::super::facts::{Egress, Tracing};
use super::super::super::samples::{INSTANCE_ROLE, alarm, days_ago, fleet, hours_ago, look, role, route, service};
use super::super::super::{Findings, Fleet, Grade, Resource, ServiceFacts};
use crate::fact::Fact;
use crate::service::ServiceStatus;

fn check(id: &str, change: impl FnOnce(&mut Fleet, &mut ServiceFacts)) -> Findings {
    let (mut fleet, mut service) = (fleet(), service("shop-api"));
    change(&mut fleet, &mut service);
    look(id, &fleet, &service)
}

fn command(findings: &Findings) -> String {
    assert_eq!(findings.found.len(), 1, "{findings:?}");
    findings.found[0].fix.command.clone().unwrap()
}

fn routes(fleet: &mut Fleet, target: &str, subnets: &[&str]) {
    let Fact::Known(known) = &mut fleet.network.subnets else { panic!() };
    for id in subnets {
        let subnet = known.get_mut(*id).unwrap();
        subnet.routes = vec![route("10.0.0.0/16", "local"), route("0.0.0.0/0", target)];
    }
}

#[test]
fn a_service_that_is_not_traced_is_found_with_the_configuration_that_there_is() {
    let id = "observability-tracing-off";
    let off = command(&check(id, |_, service| service.tracing = Tracing::Off));
    assert!(off.contains("ObservabilityConfigurationArn=arn:aws:apprunner:"), "{off}");
    let none = command(&check(id, |fleet, service| {
        fleet.tracings = Fact::Known(Vec::new());
        service.tracing = Tracing::Off;
    }));
    assert!(none.ends_with("ObservabilityConfigurationArn=CONFIGURATION_ARN"), "{none}");
    let paused = check(id, |_, service| {
        service.tracing = Tracing::Off;
        service.status = ServiceStatus::Paused;
    });
    assert_eq!(paused.found, []);
}

#[test]
fn a_role_that_may_not_write_traces_is_found() {
    let id = "observability-tracing-denied";
    let with = |policy: serde_json::Value| {
        check(id, |fleet, _| fleet.roles.extend([role(INSTANCE_ROLE, "tasks.apprunner.amazonaws.com", policy)]))
    };
    let read_only = with(json!({ "Statement": [{ "Effect": "Allow", "Action": "xray:Get*", "Resource": "*" }] }));
    assert!(read_only.found[0].seen.contains("xray:PutTraceSegments and xray:PutTelemetryRecords"));
    assert!(command(&read_only).ends_with("--policy-arn arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess"));
    let all = with(json!({ "Statement": [{ "Effect": "Allow", "Action": "xray:*", "Resource": "*" }] }));
    assert_eq!((all.found.len(), all.unchecked.len()), (0, 0));
    let condition = with(json!({ "Statement": [{ "Effect": "Allow", "Action": "xray:Put*", "Resource": "*",
        "Condition": { "StringEquals": { "aws:RequestedRegion": "eu-west-1" } } }] }));
    assert_eq!((condition.found.len(), condition.unchecked.len()), (0, 1));
}

#[test]
fn tracing_without_a_role_is_found_and_a_role_that_was_not_read_is_not_checked() {
    let id = "observability-tracing-denied";
    assert_eq!(check(id, |_, service| service.instance_role = None).found.len(), 1);
    let unread = check(id, |fleet, _| {
        fleet.roles.insert(INSTANCE_ROLE.to_owned(), Fact::Unavailable("AccessDenied".to_owned()));
    });
    assert_eq!((unread.found.len(), unread.unchecked.len()), (0, 1));
    let missing = check(id, |fleet, _| fleet.roles.clear());
    assert_eq!((missing.found.len(), missing.unchecked.len()), (0, 1));
}

#[test]
fn a_role_that_is_gone_is_another_rules() {
    let gone = check("observability-tracing-denied", |fleet, _| {
        fleet.roles.remove(INSTANCE_ROLE);
        fleet.roles_gone.insert(INSTANCE_ROLE.to_owned());
    });
    assert_eq!((gone.found.len(), gone.unchecked.len()), (0, 0));
}

#[test]
fn a_vpc_without_a_way_to_x_ray_is_found_and_one_way_is_enough() {
    let id = "observability-tracing-unreachable";
    let all = ["subnet-a", "subnet-b", "subnet-c"];
    let closed = |fleet: &mut Fleet| {
        routes(fleet, "igw-1", &all);
        let Fact::Known(endpoints) = &mut fleet.network.endpoints else { panic!() };
        endpoints.retain(|endpoint| !endpoint.service.ends_with(".xray"));
    };
    let found = check(id, |fleet, _| closed(fleet));
    assert_eq!(found.found[0].grade, None);
    assert!(
        command(&found).contains("--service-name com.amazonaws.eu-west-1.xray --subnet-ids subnet-a subnet-b subnet-c")
    );
    let by_nat = check(id, |fleet, _| {
        closed(fleet);
        routes(fleet, "nat-1", &all);
    });
    assert_eq!(by_nat.found, []);
    let by_endpoint = check(id, |fleet, _| routes(fleet, "igw-1", &all));
    assert_eq!(by_endpoint.found, []);
    let not_in_a_vpc = check(id, |fleet, service| {
        closed(fleet);
        service.egress = Egress::Default;
    });
    assert_eq!(not_in_a_vpc.found, []);
    let one_subnet = check(id, |fleet, _| {
        closed(fleet);
        routes(fleet, "nat-1", &["subnet-a", "subnet-c"]);
    });
    assert_eq!(one_subnet.found[0].grade, Some(Grade::Low));
    assert!(one_subnet.found[0].seen.contains("out of subnet-b of"), "{}", one_subnet.found[0].seen);
}

#[test]
fn a_blackhole_leads_nowhere_and_an_endpoint_without_private_dns_answers_nobody() {
    let found = check("observability-tracing-unreachable", |fleet, _| {
        let Fact::Known(subnets) = &mut fleet.network.subnets else { panic!() };
        subnets.values_mut().flat_map(|subnet| &mut subnet.routes).for_each(|route| route.blackhole = true);
        let Fact::Known(endpoints) = &mut fleet.network.endpoints else { panic!() };
        endpoints.iter_mut().for_each(|endpoint| endpoint.private_dns = false);
    });
    assert_eq!(found.found.len(), 1);
}

#[test]
fn a_service_whose_errors_nobody_watches_is_found() {
    let id = "observability-no-error-alarm";
    let latency = check(id, |fleet, _| fleet.alarms = Fact::Known(vec![alarm("slow", "RequestLatency")]));
    assert!(latency.found[0].seen.contains("(slow)"), "{}", latency.found[0].seen);
    assert!(command(&latency).contains("Name=ServiceName,Value=shop-api Name=ServiceID,Value="));
    let by_tag = check(id, |fleet, _| {
        let mut alarm = alarm("load balancer", "x");
        alarm.metrics.clear();
        fleet.alarms = Fact::Known(vec![alarm]);
    });
    assert_eq!(by_tag.found, []);
    let of_another = check(id, |fleet, _| {
        let mut alarm = alarm("errors", "5xxStatusResponses");
        alarm.watches = vec!["shop-web".to_owned()];
        fleet.alarms = Fact::Known(vec![alarm]);
    });
    assert_eq!(of_another.found.len(), 1);
}

#[test]
fn a_service_whose_latency_nobody_watches_is_found() {
    let errors = |fleet: &mut Fleet| fleet.alarms = Fact::Known(vec![alarm("errors", "5xxStatusResponses")]);
    let found = check("observability-no-latency-alarm", |fleet, _| errors(fleet));
    assert!(command(&found).contains("--extended-statistic p95"));
    let paused = check("observability-no-latency-alarm", |fleet, service| {
        errors(fleet);
        service.status = ServiceStatus::Paused;
    });
    assert_eq!(paused.found, []);
}

#[test]
fn an_alarm_that_tells_nobody_is_found_by_its_name() {
    let found = check("observability-silent-alarm", |fleet, _| {
        let mut silent = alarm("it's silent", "RequestLatency");
        silent.acts = false;
        fleet.alarms = Fact::Known(vec![alarm("loud", "5xxStatusResponses"), silent]);
    });
    assert_eq!(found.found[0].key, "it's silent");
    assert!(command(&found).ends_with(r"--alarm-names 'it'\''s silent'"));
}

#[test]
fn an_alarm_whose_composite_tells_is_not_silent() {
    let id = "observability-silent-alarm";
    let with = |metrics: &[&str]| {
        check(id, |fleet, _| {
            let mut child = alarm("errors", "5xxStatusResponses");
            child.acts = false;
            let mut composite = alarm("page", "5xxStatusResponses");
            composite.metrics = metrics.iter().map(|metric| (*metric).to_owned()).collect();
            fleet.alarms = Fact::Known(vec![child, composite]);
        })
    };
    assert_eq!(with(&["5xxStatusResponses", "RequestLatency"]).found, []);
    assert_eq!(with(&["RequestLatency"]).found.len(), 1);
}

#[test]
fn each_log_group_that_never_expires_is_found() {
    let found = check("observability-logs-for-ever", |_, service| {
        let Fact::Known(groups) = &mut service.log_groups else { panic!() };
        groups[1].retention_days = None;
        groups[1].stored_bytes = 7_400_000_000;
    });
    assert!(found.found[0].seen.contains("holds 7 GB"), "{}", found.found[0].seen);
    let name = "/aws/apprunner/shop-api/8fe1e10304f84fd2b0df550fe98a71fa/application";
    assert_eq!((found.found.len(), found.found[0].key.as_str()), (1, name));
}

#[test]
fn silence_is_found_where_something_happened_and_not_where_nothing_did() {
    let id = "observability-no-events";
    let at = |event: Option<jiff::Timestamp>, operation: Option<jiff::Timestamp>| {
        check(id, |fleet, _| {
            fleet.last_event = Fact::Known(event);
            fleet.last_operation = Fact::Known(operation);
        })
    };
    assert_eq!(at(None, Some(days_ago(2))).found.len(), 1);
    assert_eq!(at(Some(days_ago(7)), Some(days_ago(2))).found[0].resource, Resource::Account);
    assert_eq!(at(Some(days_ago(6)), Some(days_ago(2))).found, []);
    assert_eq!(at(None, Some(days_ago(8))).found, [], "nothing happened in the days that count");
    assert_eq!(at(None, Some(hours_ago(0))).found, [], "its event may be on its way");
    assert_eq!(at(None, None).found, []);
}

#[test]
fn what_could_not_be_read_is_not_checked() {
    let why = || "AccessDenied".to_owned();
    for id in ["observability-no-error-alarm", "observability-no-latency-alarm", "observability-silent-alarm"] {
        let findings = check(id, |fleet, _| fleet.alarms = Fact::Unavailable(why()));
        assert_eq!((findings.found.len(), findings.unchecked.len()), (0, 1), "{id}");
    }
    let logs = check("observability-logs-for-ever", |_, service| service.log_groups = Fact::Unavailable(why()));
    assert_eq!((logs.found.len(), logs.unchecked.len()), (0, 1));
    let events = check("observability-no-events", |fleet, _| fleet.last_event = Fact::Unavailable(why()));
    assert_eq!((events.found.len(), events.unchecked[0].resource.clone()), (0, Resource::Account));
    let id = "observability-tracing-unreachable";
    let cases: [fn(&mut Fleet); 3] = [
        |fleet| fleet.connectors = Fact::Unread,
        |fleet| fleet.network.subnets = Fact::Unread,
        |fleet| {
            routes(fleet, "igw-1", &["subnet-a"]);
            fleet.network.endpoints = Fact::Unread;
        },
    ];
    for change in cases {
        let findings = check(id, |fleet, _| change(fleet));
        assert_eq!((findings.found.len(), findings.unchecked.len()), (0, 1));
    }
}

#[test]
fn an_alarm_whose_tag_is_the_arn_of_the_service_watches_it() {
    let tagged = |watches: String| {
        check("observability-no-error-alarm", move |fleet, _| {
            let mut alarm = alarm("by-tag", "5xxStatusResponses");
            (alarm.watches, alarm.metrics) = (vec![watches], Vec::new());
            fleet.alarms = Fact::Known(vec![alarm]);
        })
    };
    assert_eq!(tagged(service("shop-api").arn.to_string()).found, []);
    assert_eq!(tagged(service("shop-web").arn.to_string()).found.len(), 1);
}

#[test]
fn where_some_alarms_were_not_read_a_service_that_is_watched_is_fine_and_another_is_not_checked() {
    let left = "the tags of 9 alarms were not read";
    for id in ["observability-no-error-alarm", "observability-no-latency-alarm", "observability-silent-alarm"] {
        let with = |watched: bool| {
            check(id, |fleet, _| {
                fleet.alarms_left = Some(left.to_owned());
                if !watched {
                    fleet.alarms = Fact::Known(Vec::new());
                }
            })
        };
        assert_eq!((with(true).found.len(), with(true).unchecked.len()), (0, 0), "{id}");
        let not = with(false);
        assert_eq!((not.found.len(), not.unchecked[0].why.as_str()), (0, left), "{id}");
    }
}
