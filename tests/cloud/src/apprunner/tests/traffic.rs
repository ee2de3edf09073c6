//! Metrics of the version that serves.

use serde_json::json;

use crate::call::Service;
use crate::effect::{Datapoint, Effect};
use crate::outside::Behaviour;

use super::{Cloud, unhealthy};

fn points<'a>(cloud: &'a Cloud, name: &str) -> Vec<&'a Datapoint> {
    let point = |effect: &'a Effect| match effect {
        Effect::Metric(point) if point.name == name => Some(point),
        _ => None,
    };
    cloud.caused.iter().filter_map(|(_, effect)| point(effect)).collect()
}

fn sums(cloud: &Cloud, name: &str) -> Vec<f64> {
    points(cloud, name).iter().map(|point| point.sum).collect()
}

#[test]
fn without_traffic_there_is_no_timer() {
    let mut cloud = Cloud::new();
    cloud.running("shop-api");
    assert_eq!(cloud.apprunner.next_due(), None);
    cloud.outside.traffic.insert("shop-api".to_owned(), 60.0);
    cloud.tick();
    assert!(cloud.apprunner.next_due().is_some(), "a tick takes notice of the traffic");
    cloud.outside.traffic.clear();
    cloud.tick();
    assert_eq!(cloud.apprunner.next_due(), None);
}

#[test]
fn each_minute_of_traffic_is_reported() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    cloud.outside.traffic.insert("shop-api".to_owned(), 120.0);
    let behaviour = Behaviour { error_rate: 0.25, latency_ms: 80.0, ..Behaviour::default() };
    cloud.outside.behaviours.insert("sha256:good".to_owned(), behaviour);
    cloud.tick();
    cloud.pass(180);
    assert_eq!(sums(&cloud, "Requests"), [120.0, 120.0, 120.0]);
    assert_eq!(sums(&cloud, "2xxStatusResponses"), [90.0, 90.0, 90.0]);
    assert_eq!(sums(&cloud, "4xxStatusResponses"), [0.0, 0.0, 0.0]);
    assert_eq!(sums(&cloud, "5xxStatusResponses"), [30.0, 30.0, 30.0]);
    assert_eq!(sums(&cloud, "ActiveInstances"), [1.0, 1.0, 1.0]);
    let latency = points(&cloud, "RequestLatency")[0];
    assert_eq!((latency.sum / latency.count, latency.unit.as_str()), (80.0, "Milliseconds"));
    assert_eq!(latency.namespace, "AWS/AppRunner");
    let id = cloud.describe(&arn)["ServiceId"].as_str().unwrap().to_owned();
    let wanted = [("ServiceID".to_owned(), id), ("ServiceName".to_owned(), "shop-api".to_owned())];
    let requests = points(&cloud, "Requests");
    assert_eq!(requests[0].dimensions, wanted);
    assert!(requests.iter().all(|point| point.at.as_second() % 60 == 0), "each point begins a minute");
    assert_eq!(requests[1].at.as_second() - requests[0].at.as_second(), 60);
}

#[test]
fn small_rates_add_up() {
    let mut cloud = Cloud::new();
    cloud.running("shop-api");
    cloud.outside.traffic.insert("shop-api".to_owned(), 0.5);
    cloud.outside.behaviours.insert("sha256:good".to_owned(), Behaviour { error_rate: 0.5, ..Behaviour::default() });
    cloud.tick();
    cloud.pass(8 * 60);
    assert_eq!(sums(&cloud, "Requests"), [1.0, 1.0, 1.0, 1.0]);
    assert_eq!(sums(&cloud, "5xxStatusResponses"), [0.0, 1.0, 0.0, 1.0]);
}

#[test]
fn the_old_version_serves_until_the_new_one_is_routed() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    cloud.outside.traffic.insert("shop-api".to_owned(), 100.0);
    cloud.push("latest", "sha256:buggy", Behaviour { error_rate: 1.0, ..Behaviour::default() });
    cloud.ok("StartDeployment", json!({ "ServiceArn": arn }));
    cloud.pass(180);
    assert!(sums(&cloud, "5xxStatusResponses").iter().all(|n| *n == 0.0), "the operation is still running");
    cloud.pass(180);
    assert_eq!(sums(&cloud, "5xxStatusResponses").last(), Some(&100.0));
}

#[test]
fn a_rolled_back_version_serves_nobody_and_a_failed_rollback_everybody() {
    for (rollback_fails, errors) in [(false, 0.0), (true, 100.0)] {
        let mut cloud = Cloud::new();
        let arn = cloud.running("shop-api");
        cloud.outside.traffic.insert("shop-api".to_owned(), 100.0);
        cloud.push("latest", "sha256:bad", Behaviour { rollback_fails, ..unhealthy() });
        cloud.ok("StartDeployment", json!({ "ServiceArn": arn }));
        cloud.pass(540);
        assert!(sums(&cloud, "5xxStatusResponses")[..8].iter().all(|n| *n == 0.0));
        cloud.pass(120);
        assert_eq!(sums(&cloud, "5xxStatusResponses").last(), Some(&errors));
    }
}

#[test]
fn a_paused_service_serves_nobody() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    cloud.outside.traffic.insert("shop-api".to_owned(), 100.0);
    cloud.ok("PauseService", json!({ "ServiceArn": arn }));
    cloud.pass(120);
    let reported = sums(&cloud, "Requests").len();
    assert_eq!(cloud.apprunner.next_due(), None);
    cloud.pass(600);
    assert_eq!(sums(&cloud, "Requests").len(), reported);
    cloud.ok("ResumeService", json!({ "ServiceArn": arn }));
    cloud.pass(180);
    assert!(sums(&cloud, "Requests").len() > reported);
}

#[test]
fn heavy_traffic_needs_more_instances_up_to_the_maximum() {
    let mut cloud = Cloud::new();
    cloud.running("shop-api");
    cloud.outside.behaviours.insert("sha256:good".to_owned(), Behaviour { latency_ms: 3000.0, ..Behaviour::default() });
    for (rate, wanted) in [(6000.0, 3.0), (10_000_000.0, 25.0)] {
        cloud.outside.traffic.insert("shop-api".to_owned(), rate);
        cloud.tick();
        cloud.pass(60);
        assert_eq!(sums(&cloud, "ActiveInstances").last(), Some(&wanted));
    }
}

#[test]
fn what_the_instances_use_is_reported_of_each_and_of_the_service() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    cloud.ok("_Usage", json!({"Service": "shop-api", "CpuPercent": 12.5, "MemoryPercent": 90, "Concurrency": 3}));
    cloud.pass(120);
    let id = cloud.describe(&arn)["ServiceId"].as_str().unwrap().to_owned();
    let service = [("ServiceID".to_owned(), id.clone()), ("ServiceName".to_owned(), "shop-api".to_owned())];
    let instance = [vec![("Instance".to_owned(), format!("{id}-0"))], service.to_vec()].concat();
    for (name, wanted) in [("CPUUtilization", 12.5), ("MemoryUtilization", 90.0)] {
        let all = points(&cloud, name);
        let dimensions: Vec<_> = all.iter().map(|point| point.dimensions.clone()).collect();
        assert_eq!(dimensions, [service.to_vec(), instance.clone(), service.to_vec(), instance.clone()], "{name}");
        assert!(all.iter().all(|point| point.sum / point.count == wanted && point.unit == "Percent"), "{all:?}");
    }
    assert_eq!(sums(&cloud, "Concurrency"), [3.0, 3.0]);
    for name in ["Requests", "ActiveInstances"] {
        assert!(points(&cloud, name).is_empty(), "there is no traffic");
    }
}

#[test]
fn what_nobody_said_is_not_reported() {
    let mut cloud = Cloud::new();
    cloud.running("shop-api");
    cloud.outside.traffic.insert("shop-api".to_owned(), 60.0);
    cloud.ok("_Usage", json!({"Service": "shop-api", "MemoryPercent": 40.0}));
    cloud.pass(60);
    assert!(points(&cloud, "CPUUtilization").is_empty() && points(&cloud, "Concurrency").is_empty());
    assert_eq!(points(&cloud, "MemoryUtilization").len(), 2);
    cloud.ok("_Usage", json!({"Service": "shop-api"}));
    cloud.pass(120);
    assert_eq!(points(&cloud, "MemoryUtilization").len(), 2, "taken back");
    cloud.outside.traffic.clear();
    cloud.tick();
    assert_eq!(cloud.apprunner.next_due(), None);
}
