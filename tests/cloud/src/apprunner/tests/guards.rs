//! A test for each state guard and error text (facts/app-runner.md, 1.3), and for the other checks of a request.

use serde_json::{Value, json};

use crate::outside::{Image, Repository};

use super::{Cloud, REPOSITORY, ROLE, crashing, create, source};

const INVALID: &str = "InvalidRequestException";
const STATE: &str = "InvalidStateException";
const MISSING: &str = "ResourceNotFoundException";

fn error(code: &str, message: &str) -> (String, String) {
    (code.to_owned(), message.to_owned())
}

fn busy(cloud: &mut Cloud) -> String {
    let arn = cloud.running("shop-api");
    cloud.ok("StartDeployment", json!({ "ServiceArn": arn }));
    arn
}

fn paused(cloud: &mut Cloud) -> String {
    let arn = cloud.running("shop-api");
    cloud.ok("PauseService", json!({ "ServiceArn": arn }));
    cloud.settle();
    arn
}

fn create_failed(cloud: &mut Cloud) -> String {
    cloud.push("latest", "sha256:bad", crashing(1));
    let answer = cloud.ok("CreateService", create("shop-api"));
    cloud.settle();
    answer["Service"]["ServiceArn"].as_str().unwrap().to_owned()
}

#[test]
fn a_deployment_starts_only_on_a_running_service() {
    let text = "Can't start a deployment on the specified service, because it isn't in RUNNING state.";
    for state in [busy, paused, create_failed] {
        let mut cloud = Cloud::new();
        let arn = state(&mut cloud);
        assert_eq!(cloud.refused("StartDeployment", json!({ "ServiceArn": arn })), error(INVALID, text));
    }
}

#[test]
fn a_busy_service_takes_no_update() {
    let mut cloud = Cloud::new();
    let arn = busy(&mut cloud);
    let text = "Service cannot be updated in the current state: OPERATION_IN_PROGRESS.";
    assert_eq!(cloud.refused("UpdateService", json!({ "ServiceArn": arn })), error(STATE, text));
}

#[test]
fn a_service_under_maintenance_takes_no_update() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    cloud.ok("_Maintenance", json!({ "ServiceName": "shop-api", "Minutes": 3 }));
    let text = "Service cannot be updated in the current state: OPERATION_IN_PROGRESS.";
    assert_eq!(cloud.refused("UpdateService", json!({ "ServiceArn": arn })), error(STATE, text));
}

#[test]
fn a_busy_service_is_not_deleted_paused_or_resumed() {
    let mut cloud = Cloud::new();
    let arn = busy(&mut cloud);
    for (call, verb) in [("DeleteService", "deleted"), ("PauseService", "paused"), ("ResumeService", "resumed")] {
        let text = format!("Service cannot be {verb} in the current state: OPERATION_IN_PROGRESS.");
        assert_eq!(cloud.refused(call, json!({ "ServiceArn": arn })), error(STATE, &text));
    }
}

#[test]
fn a_paused_and_a_failed_service_can_be_deleted() {
    for state in [paused, create_failed] {
        let mut cloud = Cloud::new();
        let arn = state(&mut cloud);
        cloud.ok("DeleteService", json!({ "ServiceArn": arn }));
        cloud.settle();
        assert_eq!(cloud.status(&arn), "DELETED");
    }
}

#[test]
fn a_service_with_an_ingress_connection_is_not_deleted() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    let private = json!({ "IngressConfiguration": { "IsPubliclyAccessible": false } });
    cloud.ok("UpdateService", json!({ "ServiceArn": arn, "NetworkConfiguration": private }));
    cloud.settle();
    let made = cloud.ok(
        "CreateVpcIngressConnection",
        json!({ "ServiceArn": arn, "VpcIngressConnectionName": "door", "IngressVpcConfiguration": {} }),
    );
    cloud.settle();
    assert_eq!(cloud.refused("DeleteService", json!({ "ServiceArn": arn })).0, STATE);
    let ingress = &made["VpcIngressConnection"]["VpcIngressConnectionArn"];
    cloud.ok("DeleteVpcIngressConnection", json!({ "VpcIngressConnectionArn": ingress }));
    cloud.settle();
    cloud.ok("DeleteService", json!({ "ServiceArn": arn }));
}

#[test]
fn pausing_a_paused_and_resuming_a_running_service_answers_without_an_operation() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    let answer = cloud.ok("ResumeService", json!({ "ServiceArn": arn }));
    assert_eq!((&answer["Service"]["Status"], answer.get("OperationId")), (&json!("RUNNING"), None));
    cloud.ok("PauseService", json!({ "ServiceArn": arn }));
    cloud.settle();
    let answer = cloud.ok("PauseService", json!({ "ServiceArn": arn }));
    assert_eq!((&answer["Service"]["Status"], answer.get("OperationId")), (&json!("PAUSED"), None));
    assert!(!cloud.jump(), "nothing was started");
}

#[test]
fn a_role_that_cannot_be_assumed_is_named() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    cloud.outside.broken_roles = vec![ROLE.to_owned()];
    let text = format!("Error in assuming access role {ROLE}");
    assert_eq!(cloud.refused("CreateService", create("other")), error(INVALID, &text));
    let update = json!({ "ServiceArn": arn, "SourceConfiguration": source(REPOSITORY) });
    assert_eq!(cloud.refused("UpdateService", update), error(INVALID, &text));
    let instance = json!({ "ServiceArn": arn, "InstanceConfiguration": { "InstanceRoleArn": ROLE } });
    let text = format!("Error in assuming instance role {ROLE}");
    assert_eq!(cloud.refused("UpdateService", instance), error(INVALID, &text));
    assert_eq!(cloud.status(&arn), "RUNNING", "a refused update changes nothing");
}

#[test]
fn a_public_image_takes_no_role_and_needs_none() {
    let mut cloud = Cloud::new();
    let image = Image { digest: "sha256:open".to_owned(), tags: vec!["1".to_owned()], pushed_at: 0, size_bytes: 1 };
    cloud.outside.public_repositories.insert("someone/shop".to_owned(), Repository { images: vec![image] });
    let mut input = create("shop-api");
    input["SourceConfiguration"] = json!({ "ImageRepository": {
        "ImageIdentifier": "public.ecr.aws/someone/shop:1", "ImageRepositoryType": "ECR_PUBLIC",
    } });
    let mut with_role = input.clone();
    with_role["SourceConfiguration"]["AuthenticationConfiguration"] = json!({ "AccessRoleArn": ROLE });
    assert_eq!(cloud.refused("CreateService", with_role).0, INVALID);
    let mut with_auto = input.clone();
    with_auto["SourceConfiguration"]["AutoDeploymentsEnabled"] = json!(true);
    assert_eq!(cloud.refused("CreateService", with_auto).0, INVALID);
    let answer = cloud.ok("CreateService", input);
    assert_eq!(answer["Service"]["SourceConfiguration"]["AutoDeploymentsEnabled"], false);
    cloud.settle();
    assert_eq!(cloud.digest("shop-api"), "sha256:open");
}

#[test]
fn a_private_image_needs_a_role_and_its_own_type() {
    let mut cloud = Cloud::new();
    let mut input = create("shop-api");
    input["SourceConfiguration"].as_object_mut().unwrap().remove("AuthenticationConfiguration");
    assert_eq!(cloud.refused("CreateService", input).0, INVALID);
    let mut input = create("shop-api");
    input["SourceConfiguration"]["ImageRepository"]["ImageRepositoryType"] = json!("ECR_PUBLIC");
    assert_eq!(cloud.refused("CreateService", input).0, INVALID);
}

#[test]
fn a_source_is_exactly_one_repository() {
    let mut cloud = Cloud::new();
    let mut none = create("shop-api");
    none["SourceConfiguration"] = json!({});
    assert_eq!(cloud.refused("CreateService", none).0, INVALID);
    let mut both = create("shop-api");
    both["SourceConfiguration"]["CodeRepository"] =
        json!({ "RepositoryUrl": "https://x", "SourceCodeVersion": { "Type": "BRANCH", "Value": "main" } });
    assert_eq!(cloud.refused("CreateService", both).0, INVALID);
}

#[test]
fn the_kind_of_a_source_never_changes() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    let code = json!({ "RepositoryUrl": "https://x", "SourceCodeVersion": { "Type": "BRANCH", "Value": "main" } });
    let update = json!({ "ServiceArn": arn, "SourceConfiguration": { "CodeRepository": code } });
    assert_eq!(cloud.refused("UpdateService", update).0, INVALID);
}

#[test]
fn a_code_service_needs_its_configuration_and_an_available_connection() {
    let mut cloud = Cloud::new();
    let made = cloud.ok("CreateConnection", json!({ "ConnectionName": "hub1", "ProviderType": "GITHUB" }));
    let connection = made["Connection"]["ConnectionArn"].clone();
    let input = |configuration: Value, connection: &Value| {
        json!({ "ServiceName": "shop-code", "SourceConfiguration": {
            "CodeRepository": {
                "RepositoryUrl": "https://github.com/someone/shop",
                "SourceCodeVersion": { "Type": "BRANCH", "Value": "main" },
                "CodeConfiguration": configuration,
            },
            "AuthenticationConfiguration": { "ConnectionArn": connection },
        } })
    };
    let repository = json!({ "ConfigurationSource": "REPOSITORY" });
    assert_eq!(cloud.refused("CreateService", input(repository.clone(), &connection)).0, INVALID, "no handshake yet");
    cloud.ok("_ConnectionAvailable", json!({ "ConnectionName": "hub1" }));
    let unknown = json!("arn:aws:apprunner:eu-west-1:123456789012:connection/none/0");
    assert_eq!(cloud.refused("CreateService", input(repository.clone(), &unknown)).0, INVALID);
    let by_api = json!({ "ConfigurationSource": "API" });
    assert_eq!(cloud.refused("CreateService", input(by_api, &connection)).0, INVALID, "no values");
    let mut without = input(repository.clone(), &connection);
    without["SourceConfiguration"]["CodeRepository"].as_object_mut().unwrap().remove("CodeConfiguration");
    assert_eq!(cloud.refused("CreateService", without).0, INVALID);
    cloud.ok("CreateService", input(repository, &connection));
}

#[test]
fn a_name_is_taken_until_its_service_is_deleted() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    let text = "Service with the provided name already exists: shop-api.";
    assert_eq!(cloud.refused("CreateService", create("shop-api")), error(INVALID, text));
    cloud.ok("DeleteService", json!({ "ServiceArn": arn }));
    cloud.settle();
    cloud.running("shop-api");
}

#[test]
fn a_service_that_does_not_exist_is_refused_in_the_type_of_the_operation() {
    let mut cloud = Cloud::new();
    let arn = "arn:aws:apprunner:eu-west-1:123456789012:service/gone/00000000000000000000000000000000";
    for operation in [
        "DeleteService",
        "DescribeCustomDomains",
        "DescribeService",
        "ListOperations",
        "PauseService",
        "ResumeService",
        "StartDeployment",
        "UpdateService",
    ] {
        let (code, message) = cloud.refused(operation, json!({ "ServiceArn": arn }));
        assert_eq!(code, MISSING, "{operation}");
        assert!(message.contains(arn));
    }
    let domain = json!({ "ServiceArn": arn, "DomainName": "a.shop.dev" });
    assert_eq!(cloud.refused("DisassociateCustomDomain", domain.clone()).0, MISSING);
    // These two declare no ResourceNotFoundException in the model.
    assert_eq!(cloud.refused("AssociateCustomDomain", domain).0, INVALID);
    let ingress = json!({ "ServiceArn": arn, "VpcIngressConnectionName": "door", "IngressVpcConfiguration": {} });
    assert_eq!(cloud.refused("CreateVpcIngressConnection", ingress).0, INVALID);
}

#[test]
fn what_a_configuration_names_must_exist() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    let gone = |kind: &str| format!("arn:aws:apprunner:eu-west-1:123456789012:{kind}/gone/1/0");
    for group in [
        json!({ "AutoScalingConfigurationArn": gone("autoscalingconfiguration") }),
        json!({ "NetworkConfiguration": { "EgressConfiguration": {
            "EgressType": "VPC", "VpcConnectorArn": gone("vpcconnector") } } }),
        json!({ "ObservabilityConfiguration": {
            "ObservabilityEnabled": true, "ObservabilityConfigurationArn": gone("observabilityconfiguration") } }),
    ] {
        let mut update = group.clone();
        update["ServiceArn"] = json!(arn);
        assert_eq!(cloud.refused("UpdateService", update).0, MISSING, "{group}");
        let mut input = create("other");
        input.as_object_mut().unwrap().extend(group.as_object().unwrap().clone());
        assert_eq!(cloud.refused("CreateService", input).0, INVALID, "{group}");
    }
}

#[test]
fn a_vpc_connector_and_the_egress_type_go_together() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    for egress in [
        json!({ "EgressType": "VPC" }),
        json!({ "EgressType": "DEFAULT", "VpcConnectorArn": "arn:aws:apprunner:eu-west-1:123456789012:vpcconnector/a/1/0" }),
    ] {
        let update = json!({ "ServiceArn": arn, "NetworkConfiguration": { "EgressConfiguration": egress } });
        assert_eq!(cloud.refused("UpdateService", update).0, INVALID);
    }
}

#[test]
fn an_operation_that_app_runner_does_not_have_is_refused() {
    let mut cloud = Cloud::new();
    assert_eq!(cloud.refused("RebootService", json!({})).0, "UnknownOperationException");
    assert_eq!(cloud.refused("_Reboot", json!({})).0, INVALID);
}

#[test]
fn a_quota_of_nothing_or_that_is_no_number_is_refused() {
    let mut cloud = Cloud::new();
    for input in [json!({}), json!({"Service": 40}), json!({"Others": "many"}), json!({"Services": -1})] {
        assert_eq!(cloud.call("_Quota", input.clone()).unwrap_err().code, "InvalidRequestException", "{input}");
    }
    cloud.ok("_Quota", json!({"Services": 40, "Others": 20}));
}
