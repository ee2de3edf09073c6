//! Both sides of every switch.

use serde_json::{Value, json};

use crate::effect::Effect;
use crate::switches::{DomainStatus, EarlyFailure, EventKeys, FailedEvent, NestedUpdate, Switches, UpdatePaused};

use super::{Cloud, REPOSITORY, source, unfetchable, unhealthy};

fn details(cloud: &Cloud, subject: &str) -> Vec<Value> {
    let wanted = |effect: &Effect| match effect {
        Effect::Event { detail_type, detail, .. } if detail_type.starts_with(subject) => Some(detail.clone()),
        _ => None,
    };
    cloud.caused.iter().filter_map(|(_, effect)| wanted(effect)).collect()
}

fn keys(event_keys: EventKeys) -> [Vec<String>; 2] {
    let mut cloud = Cloud::with(Switches { event_keys, ..Switches::default() });
    let arn = cloud.running("shop-api");
    cloud.ok("StartDeployment", json!({ "ServiceArn": arn }));
    cloud.settle();
    ["AppRunner Service Operation", "AppRunner Service Status"].map(|subject| {
        let detail = details(&cloud, subject).swap_remove(0);
        detail.as_object().unwrap().keys().cloned().collect()
    })
}

#[test]
fn event_keys_come_in_three_spellings() {
    let operation = ["operationStatus", "serviceName", "serviceId", "message", "severity"];
    let status = ["previousServiceStatus", "currentServiceStatus", "serviceName", "serviceId", "message", "severity"];
    assert_eq!(keys(EventKeys::LowerCamel), [operation.to_vec(), status.to_vec()]);
    let operation = ["Status", "ServiceName", "ServiceId", "Message", "Severity"];
    let status = ["PreviousStatus", "CurrentStatus", "ServiceName", "ServiceId", "Message", "Severity"];
    assert_eq!(keys(EventKeys::Pascal), [operation.to_vec(), status.to_vec()]);
    let operation = ["operationStatus", "ServiceName", "ServiceId", "Message", "Severity"];
    assert_eq!(keys(EventKeys::Mixed), [operation.to_vec(), status.to_vec()]);
}

#[test]
fn a_domain_status_is_lower_or_upper_case_and_a_record_status_always_upper() {
    for (domain_status, wanted) in [
        (DomainStatus::Lower, "pending_certificate_dns_validation"),
        (DomainStatus::Upper, "PENDING_CERTIFICATE_DNS_VALIDATION"),
    ] {
        let mut cloud = Cloud::with(Switches { domain_status, ..Switches::default() });
        let arn = cloud.running("shop-api");
        cloud.ok("AssociateCustomDomain", json!({ "ServiceArn": arn, "DomainName": "a.shop.dev" }));
        cloud.settle();
        let domains = cloud.ok("DescribeCustomDomains", json!({ "ServiceArn": arn }));
        let domain = &domains["CustomDomains"][0];
        assert_eq!(domain["Status"], wanted);
        assert_eq!(domain["CertificateValidationRecords"][0]["Status"], "PENDING_VALIDATION");
    }
}

#[test]
fn an_early_failure_ends_as_failed_or_as_rolled_back() {
    for (early_failure, wanted) in
        [(EarlyFailure::Failed, "FAILED"), (EarlyFailure::RollbackSucceeded, "ROLLBACK_SUCCEEDED")]
    {
        let mut cloud = Cloud::with(Switches { early_failure, ..Switches::default() });
        let arn = cloud.running("shop-api");
        let before = cloud.describe(&arn)["SourceConfiguration"].clone();
        cloud.push("v2", "sha256:bad", unfetchable());
        let missing_tag = format!("{REPOSITORY}:nobody-pushed-this");
        for image in [format!("{REPOSITORY}:v2"), missing_tag] {
            cloud.ok("UpdateService", json!({ "ServiceArn": arn, "SourceConfiguration": source(&image) }));
            cloud.settle();
            assert_eq!(cloud.newest(&arn), ("UPDATE_SERVICE".to_owned(), wanted.to_owned()), "{image}");
            assert_eq!(cloud.status(&arn), "RUNNING");
            assert_eq!(cloud.describe(&arn)["SourceConfiguration"], before, "the old values are shown again");
            assert_eq!(cloud.digest("shop-api"), "sha256:good");
        }
    }
}

#[test]
fn the_failed_event_comes_at_detection_or_after_the_rollback() {
    for (failed_event, at_rollback) in [(FailedEvent::AtDetection, true), (FailedEvent::AfterRollback, false)] {
        let mut cloud = Cloud::with(Switches { failed_event, ..Switches::default() });
        let arn = cloud.running("shop-api");
        cloud.push("latest", "sha256:bad", unhealthy());
        cloud.ok("StartDeployment", json!({ "ServiceArn": arn }));
        while cloud.newest(&arn).1 != "ROLLBACK_IN_PROGRESS" {
            assert!(cloud.jump());
        }
        assert_eq!(cloud.events().contains(&"DeploymentFailed".to_owned()), at_rollback);
        cloud.settle();
        let failed = cloud.events().iter().filter(|event| *event == "DeploymentFailed").count();
        assert_eq!(failed, 1, "it is sent once");
        assert_eq!(cloud.events().last().unwrap(), "RUNNING");
    }
}

#[test]
fn a_paused_service_refuses_or_takes_an_update() {
    let paused = |update_paused| {
        let mut cloud = Cloud::with(Switches { update_paused, ..Switches::default() });
        let arn = cloud.running("shop-api");
        cloud.ok("PauseService", json!({ "ServiceArn": arn }));
        cloud.settle();
        cloud.push("v2", "sha256:two", unhealthy());
        let update = json!({ "ServiceArn": arn, "SourceConfiguration": source(&format!("{REPOSITORY}:v2")) });
        (cloud, arn, update)
    };
    let (mut cloud, _, update) = paused(UpdatePaused::Refuse);
    let text = "Service cannot be updated in the current state: PAUSED.";
    assert_eq!(cloud.refused("UpdateService", update), ("InvalidStateException".to_owned(), text.to_owned()));

    let (mut cloud, arn, update) = paused(UpdatePaused::Allow);
    cloud.ok("UpdateService", update);
    cloud.settle();
    assert_eq!(cloud.newest(&arn), ("UPDATE_SERVICE".to_owned(), "SUCCEEDED".to_owned()));
    assert_eq!(cloud.status(&arn), "PAUSED", "no instance runs, so none is checked");
    assert_eq!(cloud.digest("shop-api"), "sha256:two");
    assert_eq!(cloud.ok("_Running", json!({ "ServiceName": "shop-api" }))["Serving"], false);
}

/// A service with settings beside the image, after an update that sends only some of them.
fn nested(nested_update: NestedUpdate, update: Value) -> Value {
    let mut cloud = Cloud::with(Switches { nested_update, ..Switches::default() });
    let arn = cloud.running("shop-api");
    let mut full = source(&format!("{REPOSITORY}:latest"));
    full["ImageRepository"]["ImageConfiguration"] = json!({
        "Port": "9090", "RuntimeEnvironmentVariables": { "A": "1", "B": "2" }, "StartCommand": "serve",
    });
    let groups = json!({
        "ServiceArn": arn, "SourceConfiguration": full,
        "InstanceConfiguration": { "Cpu": "512", "Memory": "1024" },
        "HealthCheckConfiguration": { "Protocol": "HTTP", "Path": "/up", "Interval": 7 },
    });
    cloud.ok("UpdateService", groups);
    cloud.settle();
    let mut input = update;
    input["ServiceArn"] = json!(arn);
    cloud.ok("UpdateService", input);
    cloud.settle();
    cloud.describe(&arn)
}

#[test]
fn omitted_siblings_keep_their_value_or_fall_back_to_defaults() {
    let mut sent = source(&format!("{REPOSITORY}:latest"));
    sent.as_object_mut().unwrap().remove("AutoDeploymentsEnabled");
    sent["ImageRepository"]["ImageConfiguration"] = json!({ "RuntimeEnvironmentVariables": { "C": "3" } });
    let update = json!({ "SourceConfiguration": sent, "InstanceConfiguration": { "Cpu": "1 vCPU" } });

    let merged = nested(NestedUpdate::Merge, update.clone());
    let source = &merged["SourceConfiguration"];
    assert_eq!(source["AutoDeploymentsEnabled"], false);
    assert_eq!(
        source["ImageRepository"]["ImageConfiguration"],
        json!({ "Port": "9090", "RuntimeEnvironmentVariables": { "C": "3" }, "StartCommand": "serve" }),
        "siblings stay, the map is replaced"
    );
    assert_eq!(merged["InstanceConfiguration"], json!({ "Cpu": "1024", "Memory": "1024" }));

    let replaced = nested(NestedUpdate::Replace, update);
    let source = &replaced["SourceConfiguration"];
    assert_eq!(source["AutoDeploymentsEnabled"], true, "the default of an own ECR image");
    assert_eq!(
        source["ImageRepository"]["ImageConfiguration"],
        json!({ "Port": "8080", "RuntimeEnvironmentVariables": { "C": "3" } })
    );
    assert_eq!(replaced["InstanceConfiguration"], json!({ "Cpu": "1024", "Memory": "2048" }));
}

#[test]
fn a_health_check_is_replaced_as_a_whole_on_both_sides() {
    for side in [NestedUpdate::Merge, NestedUpdate::Replace] {
        let service = nested(side, json!({ "HealthCheckConfiguration": { "Timeout": 3 } }));
        let wanted = json!({
            "Protocol": "TCP", "Path": "/", "Interval": 5, "Timeout": 3, "HealthyThreshold": 1, "UnhealthyThreshold": 5,
        });
        assert_eq!(service["HealthCheckConfiguration"], wanted);
    }
}

#[test]
fn the_source_alone_may_be_partial_only_where_groups_merge() {
    let auto = json!({ "SourceConfiguration": { "AutoDeploymentsEnabled": true } });
    assert_eq!(nested(NestedUpdate::Merge, auto.clone())["SourceConfiguration"]["AutoDeploymentsEnabled"], true);
    let mut cloud = Cloud::with(Switches { nested_update: NestedUpdate::Replace, ..Switches::default() });
    let arn = cloud.running("shop-api");
    let mut input = auto;
    input["ServiceArn"] = json!(arn);
    assert_eq!(cloud.refused("UpdateService", input).0, "InvalidRequestException");
}
