//! What App Runner says: events and their order, log lines and their streams, CloudTrail's records.

use serde_json::{Value, json};

use crate::call::Caller;
use crate::effect::Effect;
use crate::outside::Behaviour;

use super::{Cloud, REPOSITORY, ROLE, crashing, create, source, unfetchable, unhealthy};

fn deployed(tag: &str, behaviour: Behaviour) -> (Cloud, String) {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    cloud.push(tag, "sha256:new", behaviour);
    let answer = cloud.ok("StartDeployment", json!({ "ServiceArn": arn }));
    cloud.settle();
    (cloud, answer["OperationId"].as_str().unwrap().replace('-', ""))
}

#[test]
fn a_deployment_tells_its_four_events_in_order() {
    let (cloud, _) = deployed("latest", Behaviour::default());
    let wanted = ["DeploymentStarted", "OPERATION_IN_PROGRESS", "DeploymentCompletedSuccessfully", "RUNNING"];
    assert_eq!(cloud.events(), wanted);
    let times: Vec<i64> = cloud
        .caused
        .iter()
        .filter(|(_, e)| matches!(e, Effect::Event { detail_type, .. } if detail_type.starts_with("AppRunner")))
        .map(|(at, _)| at.as_second())
        .collect();
    assert_eq!(times[1] - times[0], 1, "the service leaves RUNNING a second later");
    assert_eq!(times[3], times[2]);
}

#[test]
fn there_is_no_event_of_a_rollback() {
    let (cloud, _) = deployed("latest", unhealthy());
    assert_eq!(cloud.events(), ["DeploymentStarted", "OPERATION_IN_PROGRESS", "DeploymentFailed", "RUNNING"]);
}

#[test]
fn every_operation_has_its_codes_and_messages() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    cloud.ok("PauseService", json!({ "ServiceArn": arn }));
    cloud.settle();
    cloud.ok("ResumeService", json!({ "ServiceArn": arn }));
    cloud.settle();
    cloud.push("v2", "sha256:bad", crashing(1));
    let image = format!("{REPOSITORY}:v2");
    cloud.ok("UpdateService", json!({ "ServiceArn": arn, "SourceConfiguration": source(&image) }));
    cloud.settle();
    cloud.ok("DeleteService", json!({ "ServiceArn": arn }));
    cloud.settle();
    let wanted = [
        "PauseServiceStarted",
        "OPERATION_IN_PROGRESS",
        "PauseServiceCompletedSuccessfully",
        "PAUSED",
        "ResumeServiceStarted",
        "OPERATION_IN_PROGRESS",
        "ResumeServiceCompletedSuccessfully",
        "RUNNING",
        "UpdateServiceStarted",
        "OPERATION_IN_PROGRESS",
        "UpdateServiceFailed",
        "RUNNING",
        "DeleteServiceStarted",
        "OPERATION_IN_PROGRESS",
        "DeleteServiceCompletedSuccessfully",
        "DELETED",
    ];
    assert_eq!(cloud.events(), wanted);
    let lines = cloud.lines("/service", "events");
    for line in [
        "Service pause started.",
        "Service pause completed successfully.",
        "Service resume completed successfully.",
        "Service update failed. For details, see service logs.",
        "Service deletion started.",
        "Service deletion completed successfully.",
        "Service status is set to PAUSED.",
    ] {
        assert!(lines.contains(&format!("[AppRunner] {line}")), "{line} is missing in {lines:#?}");
    }
}

#[test]
fn a_creation_that_fails_tells_both_lines() {
    let mut cloud = Cloud::new();
    cloud.push("latest", "sha256:bad", crashing(1));
    cloud.ok("CreateService", create("shop-api"));
    cloud.settle();
    assert_eq!(cloud.events(), ["CreateServiceStarted", "CreateServiceFailed", "CREATE_FAILED"]);
    let wanted = [
        "[AppRunner] Service creation started.",
        "[AppRunner] Service status is set to OPERATION_IN_PROGRESS.",
        "[AppRunner] Service creation failed. For details, see service logs.",
        "[AppRunner] Service status is set to CREATE_FAILED.",
    ];
    assert_eq!(cloud.lines("/service", "events"), wanted);
}

#[test]
fn an_event_carries_the_service_and_no_operation_id() {
    let (mut cloud, id) = deployed("latest", unhealthy());
    let list = cloud.ok("ListServices", json!({}));
    let service = &list["ServiceSummaryList"][0];
    let failed = cloud.caused.iter().find_map(|(_, effect)| match effect {
        Effect::Event { source, detail_type, resources, detail } if detail["operationStatus"] == "DeploymentFailed" => {
            Some((source.clone(), detail_type.clone(), resources.clone(), detail.clone()))
        }
        _ => None,
    });
    let (source, detail_type, resources, detail) = failed.unwrap();
    assert_eq!(source, "aws.apprunner");
    assert_eq!(detail_type, "AppRunner Service Operation Status Change");
    assert_eq!(json!(resources), json!([service["ServiceArn"]]));
    let wanted = json!({
        "operationStatus": "DeploymentFailed", "serviceName": "shop-api", "serviceId": service["ServiceId"],
        "message": "Deployment failed. For details, see service logs.", "severity": "ERROR",
    });
    assert_eq!(detail, wanted);
    assert!(!detail.to_string().contains(&id));
}

#[test]
fn a_good_deployment_writes_its_happy_path() {
    let (cloud, id) = deployed("latest", Behaviour::default());
    let wanted = [
        format!("[AppRunner] Deployment with ID : {id} started. Triggering event : SERVICE_DEPLOY"),
        format!("[AppRunner] Deployment Artifact: [Repo Type: ECR], [Image URL: {REPOSITORY}], [Image Tag: latest]"),
        "[AppRunner] Starting to pull your application image.".to_owned(),
        "[AppRunner] Successfully pulled your application image from ECR.".to_owned(),
        "[AppRunner] Provisioning instances and deploying image for publicly accessible service.".to_owned(),
        "[AppRunner] Performing health check on protocol `TCP` [Port: '8080'].".to_owned(),
        "[AppRunner] Health check is successful. Routing traffic to application.".to_owned(),
        "[AppRunner] Successfully routed incoming traffic to application.".to_owned(),
    ];
    assert_eq!(cloud.lines("/service", &format!("deployment/{id}")), wanted);
    assert_eq!(cloud.lines("/application", "instance/"), ["listening on 0.0.0.0:8080"]);
}

#[test]
fn a_failed_health_check_names_protocol_path_and_port() {
    let (cloud, id) = deployed("latest", unhealthy());
    let lines = cloud.lines("/service", &format!("deployment/{id}"));
    let summary = format!("[AppRunner] Deployment with ID : {id} failed. Failure reason : Health check failed.");
    assert!(
        lines.ends_with(&["[AppRunner] Health check failed on protocol `TCP` [Port: '8080'].".to_owned(), summary])
    );

    let mut cloud = Cloud::new();
    cloud.push("latest", "sha256:bad", unhealthy());
    let mut input = create("shop-api");
    input["HealthCheckConfiguration"] = json!({ "Protocol": "HTTP", "Path": "/up" });
    cloud.ok("CreateService", input);
    cloud.settle();
    let wanted = "[AppRunner] Health check failed on protocol `HTTP`[Path: '/up'], [Port: '8080']. Check your configured \
                  port number. For more information, see the application logs.";
    assert!(cloud.lines("/service", "deployment/").contains(&wanted.to_owned()));
}

#[test]
fn a_crash_names_its_exit_code_and_shows_what_the_application_wrote() {
    let (cloud, id) = deployed("latest", Behaviour { log_lines: vec!["Out of memory".to_owned()], ..crashing(137) });
    let lines = cloud.lines("/service", &format!("deployment/{id}"));
    assert!(lines.ends_with(&[
        "[AppRunner] Failed to deploy your application image.".to_owned(),
        "[AppRunner] Your application stopped or failed to start. See logs for more information.  Container exit code: 137"
            .to_owned(),
    ]));
    assert_eq!(cloud.lines("/application", "instance/"), ["Out of memory"]);
}

#[test]
fn a_wrong_architecture_writes_one_line() {
    let (cloud, _) = deployed("latest", Behaviour { wrong_architecture: true, ..Behaviour::default() });
    assert_eq!(cloud.lines("/application", "instance/"), ["exec /bin/sh: exec format error"]);
}

#[test]
fn an_image_that_cannot_be_copied_says_so_and_starts_no_instance() {
    let (cloud, id) = deployed("latest", unfetchable());
    let lines = cloud.lines("/service", &format!("deployment/{id}"));
    let wanted = "[AppRunner] Deployment failed. Failure reason: Failed to copy the image from ECR.";
    assert_eq!(lines.last().unwrap(), wanted);
    assert_eq!(cloud.lines("/application", ""), Vec::<String>::new());
}

#[test]
fn a_pipeline_is_created_once() {
    let mut cloud = Cloud::new();
    cloud.push("latest", "sha256:good", Behaviour::default());
    let mut input = create("shop-api");
    input["SourceConfiguration"]["AutoDeploymentsEnabled"] = json!(true);
    let answer = cloud.ok("CreateService", input);
    cloud.settle();
    cloud.ok("StartDeployment", json!({ "ServiceArn": answer["Service"]["ServiceArn"] }));
    cloud.settle();
    let lines = cloud.lines("/service", "deployment/");
    assert_eq!(lines.iter().filter(|line| line.contains("Creating pipeline")).count(), 1);
}

#[test]
fn a_code_service_logs_its_build_and_why_it_failed() {
    let mut cloud = Cloud::new();
    let made = cloud.ok("CreateConnection", json!({ "ConnectionName": "hub1", "ProviderType": "GITHUB" }));
    cloud.ok("_ConnectionAvailable", json!({ "ConnectionName": "hub1" }));
    cloud.ok("_CodeBehaviour", json!({ "ServiceName": "shop-code", "Behaviour": { "pull_fails": true } }));
    cloud.ok(
        "CreateService",
        json!({ "ServiceName": "shop-code", "SourceConfiguration": {
            "CodeRepository": {
                "RepositoryUrl": "https://github.com/someone/shop",
                "SourceCodeVersion": { "Type": "BRANCH", "Value": "main" },
                "CodeConfiguration": { "ConfigurationSource": "REPOSITORY" },
            },
            "AuthenticationConfiguration": { "ConnectionArn": made["Connection"]["ConnectionArn"] },
        } }),
    );
    cloud.settle();
    let lines = cloud.lines("/service", "deployment/");
    let artifact = "[AppRunner] Deployment Artifact: [Repo Type: Github], [Repo URL: https://github.com/someone/shop], [Branch: main]";
    assert_eq!(lines[1], artifact);
    let wanted = "[Build] Failed to build your application source code. Reason: Failed to execute 'build' command.";
    assert_eq!(lines.last().unwrap(), wanted);
    assert_eq!(cloud.events(), ["CreateServiceStarted", "CreateServiceFailed", "CREATE_FAILED"]);
}

fn trail(cloud: &Cloud) -> Vec<Value> {
    let record = |effect: &Effect| match effect {
        Effect::Event { detail_type, detail, .. } if detail_type == "AWS API Call via CloudTrail" => {
            Some(detail.clone())
        }
        _ => None,
    };
    cloud.caused.iter().filter_map(|(_, effect)| record(effect)).collect()
}

#[test]
fn cloudtrail_records_writes_and_refusals_but_no_reads() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    cloud.describe(&arn);
    cloud.ok("_Running", json!({ "ServiceName": "shop-api" }));
    assert_eq!(trail(&cloud), Vec::<Value>::new());

    let role = Caller::Role { role_arn: ROLE.to_owned(), actor: "domains".to_owned() };
    let domain = json!({ "ServiceArn": arn, "DomainName": "a.shop.dev", "EnableWWWSubdomain": false });
    cloud.call_as(role.clone(), "AssociateCustomDomain", domain.clone()).unwrap();
    cloud.call_as(role, "AssociateCustomDomain", domain).unwrap_err();
    let records = trail(&cloud);
    let (first, second) = (&records[0], &records[1]);
    assert_eq!(first["eventSource"], "apprunner.amazonaws.com");
    assert_eq!(first["eventName"], "AssociateCustomDomain");
    let sent = json!({ "serviceArn": arn, "domainName": "a.shop.dev", "enableWWWSubdomain": false });
    assert_eq!(first["requestParameters"], sent);
    let answered: Vec<&String> = first["responseElements"].as_object().unwrap().keys().collect();
    assert_eq!(answered, ["dNSTarget", "serviceArn", "vpcDNSTargets", "customDomain"]);
    assert_eq!(first["userIdentity"]["arn"], "arn:aws:sts::123456789012:assumed-role/access/domains");
    assert_eq!(first.get("errorCode"), None);
    assert_eq!(second["errorCode"], "InvalidRequestException");
    assert!(second["errorMessage"].as_str().unwrap().contains("a.shop.dev is already associated with"));
    assert_eq!(second["responseElements"], Value::Null);
}

#[test]
fn cloudtrail_hides_commands_and_environment_values() {
    let mut cloud = Cloud::new();
    let mut input = create("shop-api");
    input["SourceConfiguration"]["ImageRepository"]["ImageConfiguration"] = json!({
        "StartCommand": "serve --password hunter2", "RuntimeEnvironmentVariables": { "PASSWORD": "hunter2" },
    });
    cloud.ok("CreateService", input);
    let text = trail(&cloud)[0].to_string();
    assert!(!text.contains("hunter2"), "{text}");
    assert_eq!(text.matches("HIDDEN_DUE_TO_SECURITY_REASONS").count(), 4, "two in the request, two in the answer");
}
