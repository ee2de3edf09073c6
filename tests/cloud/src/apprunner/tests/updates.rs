//! What an update keeps, changes and starts (facts/app-runner.md, section 2), and what descriptions look like.

use serde_json::json;

use super::{Cloud, REPOSITORY, create, source};

#[test]
fn an_update_that_changes_nothing_starts_nothing() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    let service = cloud.describe(&arn);
    let same = json!({ "ServiceArn": arn, "SourceConfiguration": service["SourceConfiguration"],
        "InstanceConfiguration": { "Cpu": "1 vCPU", "Memory": "2 GB" } });
    for input in [json!({ "ServiceArn": arn }), same] {
        let answer = cloud.ok("UpdateService", input);
        assert_eq!(answer.get("OperationId"), None);
        assert_eq!(answer["Service"]["Status"], "RUNNING");
    }
    assert!(!cloud.jump());
    assert_eq!(cloud.events(), Vec::<String>::new());
}

#[test]
fn groups_that_are_not_sent_stay() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    let before = cloud.describe(&arn);
    let sent = json!({ "Protocol": "HTTP", "Path": "/up" });
    cloud.ok("UpdateService", json!({ "ServiceArn": arn, "HealthCheckConfiguration": sent }));
    cloud.settle();
    let after = cloud.describe(&arn);
    assert_eq!(after["HealthCheckConfiguration"]["Path"], "/up");
    for group in ["SourceConfiguration", "InstanceConfiguration", "NetworkConfiguration", "ObservabilityConfiguration"]
    {
        assert_eq!(after[group], before[group], "{group}");
    }
}

#[test]
fn a_configuration_update_pulls_nothing_and_says_so() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    cloud.push("latest", "sha256:newer", super::Behaviour::default());
    let instance = json!({ "Cpu": "512", "Memory": "1024" });
    cloud.ok("UpdateService", json!({ "ServiceArn": arn, "InstanceConfiguration": instance }));
    cloud.settle();
    assert_eq!(cloud.digest("shop-api"), "sha256:good", "the running copy got the new configuration");
    let lines = cloud.lines("/service", "deployment/");
    assert!(!lines.iter().any(|line| line.contains("pull")), "{lines:?}");
    let last = cloud.lines("/service", "events");
    let wanted = "[AppRunner] Service update completed successfully. New configuration is deployed.";
    assert!(last.contains(&wanted.to_owned()), "{last:?}");

    let image = format!("{REPOSITORY}:latest@sha256:newer");
    cloud.ok("UpdateService", json!({ "ServiceArn": arn, "SourceConfiguration": source(&image) }));
    cloud.settle();
    let wanted = "[AppRunner] Service update completed successfully. New application and configuration is deployed.";
    assert!(cloud.lines("/service", "events").contains(&wanted.to_owned()));
}

#[test]
fn cpu_and_memory_come_back_as_numbers() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    for (cpu, memory, wanted) in [
        ("0.25 vCPU", "0.5 GB", ("256", "512")),
        ("4 vCPU", "12 GB", ("4096", "12288")),
        ("512", "1024", ("512", "1024")),
    ] {
        let instance = json!({ "Cpu": cpu, "Memory": memory });
        cloud.ok("UpdateService", json!({ "ServiceArn": arn, "InstanceConfiguration": instance }));
        cloud.settle();
        let shown = cloud.describe(&arn)["InstanceConfiguration"].clone();
        assert_eq!(shown, json!({ "Cpu": wanted.0, "Memory": wanted.1 }));
    }
}

#[test]
fn a_description_has_every_member_that_the_model_requires() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    let service = cloud.describe(&arn);
    for member in [
        "ServiceName",
        "ServiceId",
        "ServiceArn",
        "ServiceUrl",
        "CreatedAt",
        "UpdatedAt",
        "Status",
        "SourceConfiguration",
        "InstanceConfiguration",
        "AutoScalingConfigurationSummary",
        "NetworkConfiguration",
    ] {
        assert!(service.get(member).is_some(), "{member}");
    }
    let id = service["ServiceId"].as_str().unwrap();
    assert!(id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()), "{id}");
    assert_eq!(arn, format!("arn:aws:apprunner:eu-west-1:123456789012:service/shop-api/{id}"));
    assert!(service["ServiceUrl"].as_str().unwrap().ends_with(".eu-west-1.awsapprunner.com"));
    assert_eq!(service["CreatedAt"].as_f64().unwrap(), 1_795_244_400.0);
    assert_eq!(service["AutoScalingConfigurationSummary"]["AutoScalingConfigurationName"], "DefaultConfiguration");
    assert!(!service.to_string().contains("sha256"), "the digest is never shown");
}

#[test]
fn an_operation_id_is_a_uuid_that_the_model_takes() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    let uuid = regex::Regex::new("^[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$").unwrap();
    for _ in 0..20 {
        let answer = cloud.ok("StartDeployment", json!({ "ServiceArn": arn }));
        let id = answer["OperationId"].as_str().unwrap().to_owned();
        assert!(uuid.is_match(&id), "{id}");
        cloud.settle();
    }
}

#[test]
fn auto_deployment_is_on_by_default_for_an_own_image_only() {
    let mut cloud = Cloud::new();
    cloud.running("shop-api");
    let mut own = create("shop-own");
    own["SourceConfiguration"].as_object_mut().unwrap().remove("AutoDeploymentsEnabled");
    let mut other = own.clone();
    other["ServiceName"] = json!("shop-other");
    other["SourceConfiguration"]["ImageRepository"]["ImageIdentifier"] =
        json!("210987654321.dkr.ecr.eu-west-1.amazonaws.com/shop");
    let auto = |answer: serde_json::Value| answer["Service"]["SourceConfiguration"]["AutoDeploymentsEnabled"].clone();
    assert_eq!(auto(cloud.ok("CreateService", own)), true);
    assert_eq!(auto(cloud.ok("CreateService", other)), false);
}

#[test]
fn a_private_service_has_no_url() {
    let mut cloud = Cloud::new();
    let mut input = create("shop-api");
    input["NetworkConfiguration"] = json!({ "IngressConfiguration": { "IsPubliclyAccessible": false } });
    let answer = cloud.ok("CreateService", input);
    assert_eq!(answer["Service"].get("ServiceUrl"), None);
}

#[test]
fn moving_to_a_public_image_drops_what_the_private_one_needed() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    let public = json!({ "ImageRepository": {
        "ImageIdentifier": "public.ecr.aws/someone/shop:1", "ImageRepositoryType": "ECR_PUBLIC" } });
    let answer = cloud.ok("UpdateService", json!({ "ServiceArn": arn, "SourceConfiguration": public }));
    let source = &answer["Service"]["SourceConfiguration"];
    assert_eq!((source.get("AuthenticationConfiguration"), &source["AutoDeploymentsEnabled"]), (None, &json!(false)));
}

#[test]
fn leaving_a_vpc_needs_only_the_egress_type() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    let made = cloud.ok("CreateVpcConnector", json!({ "VpcConnectorName": "way-out", "Subnets": ["subnet-1"] }));
    let vpc = json!({ "EgressType": "VPC", "VpcConnectorArn": made["VpcConnector"]["VpcConnectorArn"] });
    for egress in [vpc, json!({ "EgressType": "DEFAULT" })] {
        let network = json!({ "EgressConfiguration": egress });
        cloud.ok("UpdateService", json!({ "ServiceArn": arn, "NetworkConfiguration": network }));
        cloud.settle();
        assert_eq!(cloud.describe(&arn)["NetworkConfiguration"]["EgressConfiguration"], egress);
    }
}
