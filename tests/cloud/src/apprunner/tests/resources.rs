//! Scaling and observability configurations, connections, connectors, ingress connections and tags.

use serde_json::{Value, json};

use super::{Cloud, create};

const INVALID: &str = "InvalidRequestException";
const MISSING: &str = "ResourceNotFoundException";

fn scaling(cloud: &mut Cloud, input: Value) -> Value {
    cloud.ok("CreateAutoScalingConfiguration", input)["AutoScalingConfiguration"].clone()
}

#[test]
fn an_account_has_a_default_scaling_configuration() {
    let mut cloud = Cloud::new();
    let list = cloud.ok("ListAutoScalingConfigurations", json!({}));
    let only = &list["AutoScalingConfigurationSummaryList"][0];
    assert_eq!(
        (&only["AutoScalingConfigurationName"], &only["IsDefault"]),
        (&json!("DefaultConfiguration"), &json!(true))
    );
    let arn = "arn:aws:apprunner:eu-west-1:123456789012:autoscalingconfiguration/DefaultConfiguration";
    let full = cloud.ok("DescribeAutoScalingConfiguration", json!({ "AutoScalingConfigurationArn": arn }));
    let full = &full["AutoScalingConfiguration"];
    assert_eq!((&full["MaxConcurrency"], &full["MinSize"], &full["MaxSize"]), (&json!(100), &json!(1), &json!(25)));
    let (code, _) = cloud.refused("DeleteAutoScalingConfiguration", json!({ "AutoScalingConfigurationArn": arn }));
    assert_eq!(code, INVALID, "the default one stays");
}

#[test]
fn a_name_gets_revisions_and_an_arn_may_leave_them_out() {
    let mut cloud = Cloud::new();
    let first = scaling(&mut cloud, json!({ "AutoScalingConfigurationName": "size", "MaxSize": 3 }));
    let second = scaling(&mut cloud, json!({ "AutoScalingConfigurationName": "size", "MaxSize": 4 }));
    assert_eq!((&first["AutoScalingConfigurationRevision"], &first["Latest"]), (&json!(1), &json!(true)));
    assert_eq!((&second["AutoScalingConfigurationRevision"], &second["Latest"]), (&json!(2), &json!(true)));
    let base = "arn:aws:apprunner:eu-west-1:123456789012:autoscalingconfiguration/size";
    let mut size = |arn: &str| {
        let input = json!({ "AutoScalingConfigurationArn": arn });
        cloud.ok("DescribeAutoScalingConfiguration", input)["AutoScalingConfiguration"]["MaxSize"].clone()
    };
    assert_eq!(size(base), 4);
    assert_eq!(size(&format!("{base}/1")), 3);
    assert_eq!(size(first["AutoScalingConfigurationArn"].as_str().unwrap()), 3);
    let input = |latest: bool| json!({ "AutoScalingConfigurationName": "size", "LatestOnly": latest });
    for (latest, rows) in [(true, 1), (false, 2)] {
        let list = cloud.ok("ListAutoScalingConfigurations", input(latest));
        assert_eq!(list["AutoScalingConfigurationSummaryList"].as_array().unwrap().len(), rows);
    }
    let wrong = json!({ "AutoScalingConfigurationName": "size", "MinSize": 5, "MaxSize": 4 });
    assert_eq!(cloud.refused("CreateAutoScalingConfiguration", wrong).0, INVALID);
}

#[test]
fn a_used_scaling_configuration_is_kept_and_an_unused_one_goes() {
    let mut cloud = Cloud::new();
    let service = cloud.running("shop-api");
    let size = scaling(&mut cloud, json!({ "AutoScalingConfigurationName": "size" }));
    scaling(&mut cloud, json!({ "AutoScalingConfigurationName": "size" }));
    let arn = size["AutoScalingConfigurationArn"].clone();
    cloud.ok("UpdateService", json!({ "ServiceArn": service, "AutoScalingConfigurationArn": arn }));
    cloud.settle();
    let by_arn = json!({ "AutoScalingConfigurationArn": arn });
    let users = cloud.ok("ListServicesForAutoScalingConfiguration", by_arn.clone());
    assert_eq!(users["ServiceArnList"], json!([service]));
    let described = cloud.ok("DescribeAutoScalingConfiguration", by_arn.clone());
    assert_eq!(described["AutoScalingConfiguration"]["HasAssociatedService"], true);
    assert_eq!(cloud.refused("DeleteAutoScalingConfiguration", by_arn.clone()).0, INVALID);
    let base = "arn:aws:apprunner:eu-west-1:123456789012:autoscalingconfiguration/size";
    let whole = json!({ "AutoScalingConfigurationArn": base, "DeleteAllRevisions": true });
    assert_eq!(cloud.refused("DeleteAutoScalingConfiguration", whole.clone()).0, INVALID, "all or none");
    let partial = json!({ "AutoScalingConfigurationArn": arn, "DeleteAllRevisions": true });
    assert_eq!(cloud.refused("DeleteAutoScalingConfiguration", partial).0, INVALID);

    cloud.ok("DeleteService", json!({ "ServiceArn": service }));
    cloud.settle();
    let gone = cloud.ok("DeleteAutoScalingConfiguration", whole);
    assert_eq!(gone["AutoScalingConfiguration"]["Status"], "INACTIVE");
    let described = cloud.ok("DescribeAutoScalingConfiguration", by_arn.clone());
    assert_eq!(described["AutoScalingConfiguration"]["Status"], "INACTIVE");
    assert_eq!(cloud.refused("DeleteAutoScalingConfiguration", by_arn.clone()).0, MISSING);
    cloud.pass(3600);
    assert_eq!(cloud.refused("DescribeAutoScalingConfiguration", by_arn).0, MISSING);
}

#[test]
fn the_default_scaling_configuration_can_be_changed() {
    let mut cloud = Cloud::new();
    let size = scaling(&mut cloud, json!({ "AutoScalingConfigurationName": "size", "MaxSize": 2 }));
    let arn = json!({ "AutoScalingConfigurationArn": size["AutoScalingConfigurationArn"] });
    let answer = cloud.ok("UpdateDefaultAutoScalingConfiguration", arn.clone());
    assert_eq!(answer["AutoScalingConfiguration"]["IsDefault"], true);
    let service = cloud.ok("CreateService", create("shop-api"));
    let used = &service["Service"]["AutoScalingConfigurationSummary"]["AutoScalingConfigurationName"];
    assert_eq!(used, "size");
    let old = "arn:aws:apprunner:eu-west-1:123456789012:autoscalingconfiguration/DefaultConfiguration/1";
    let old = cloud.ok("DescribeAutoScalingConfiguration", json!({ "AutoScalingConfigurationArn": old }));
    assert_eq!(old["AutoScalingConfiguration"]["IsDefault"], false);
    let unknown = json!({ "AutoScalingConfigurationArn": "arn:aws:apprunner:eu-west-1:123456789012:autoscalingconfiguration/no" });
    assert_eq!(cloud.refused("UpdateDefaultAutoScalingConfiguration", unknown).0, MISSING);
}

#[test]
fn an_observability_configuration_lives_and_is_kept_while_used() {
    let mut cloud = Cloud::new();
    let made = cloud.ok(
        "CreateObservabilityConfiguration",
        json!({
        "ObservabilityConfigurationName": "eyes", "TraceConfiguration": { "Vendor": "AWSXRAY" } }),
    );
    let eyes = &made["ObservabilityConfiguration"];
    assert_eq!((&eyes["Status"], &eyes["TraceConfiguration"]["Vendor"]), (&json!("ACTIVE"), &json!("AWSXRAY")));
    let arn = eyes["ObservabilityConfigurationArn"].clone();
    let mut input = create("shop-api");
    input["ObservabilityConfiguration"] = json!({ "ObservabilityEnabled": true, "ObservabilityConfigurationArn": arn });
    let service = cloud.ok("CreateService", input)["Service"]["ServiceArn"].clone();
    cloud.settle();
    let by_arn = json!({ "ObservabilityConfigurationArn": arn });
    assert_eq!(cloud.ok("DescribeObservabilityConfiguration", by_arn.clone())["ObservabilityConfiguration"], *eyes);
    assert_eq!(cloud.refused("DeleteObservabilityConfiguration", by_arn.clone()).0, INVALID);
    cloud.ok(
        "UpdateService",
        json!({ "ServiceArn": service, "ObservabilityConfiguration": { "ObservabilityEnabled": false } }),
    );
    cloud.settle();
    let gone = cloud.ok("DeleteObservabilityConfiguration", by_arn.clone());
    assert_eq!(gone["ObservabilityConfiguration"]["Status"], "INACTIVE");
    assert_eq!(cloud.refused("DeleteObservabilityConfiguration", by_arn).0, MISSING);
}

#[test]
fn a_connection_waits_for_its_handshake() {
    let mut cloud = Cloud::new();
    let input = json!({ "ConnectionName": "hub1", "ProviderType": "GITHUB" });
    let made = cloud.ok("CreateConnection", input.clone());
    assert_eq!(made["Connection"]["Status"], "PENDING_HANDSHAKE");
    assert_eq!(cloud.refused("CreateConnection", input).0, INVALID);
    cloud.ok("_ConnectionAvailable", json!({ "ConnectionName": "hub1" }));
    let list = cloud.ok("ListConnections", json!({ "ConnectionName": "hub1" }));
    assert_eq!(list["ConnectionSummaryList"][0]["Status"], "AVAILABLE");
    assert_eq!(cloud.ok("ListConnections", json!({ "ConnectionName": "other" }))["ConnectionSummaryList"], json!([]));
    let arn = json!({ "ConnectionArn": made["Connection"]["ConnectionArn"] });
    assert_eq!(cloud.ok("DeleteConnection", arn.clone())["Connection"]["Status"], "DELETED");
    assert_eq!(cloud.refused("DeleteConnection", arn).0, MISSING);
}

#[test]
fn a_used_connection_and_a_used_connector_are_kept() {
    let mut cloud = Cloud::new();
    let hub = cloud.ok("CreateConnection", json!({ "ConnectionName": "hub1", "ProviderType": "GITHUB" }));
    cloud.ok("_ConnectionAvailable", json!({ "ConnectionName": "hub1" }));
    let way = cloud.ok("CreateVpcConnector", json!({ "VpcConnectorName": "way1", "Subnets": ["subnet-1"] }));
    let hub = json!({ "ConnectionArn": hub["Connection"]["ConnectionArn"] });
    let way = json!({ "VpcConnectorArn": way["VpcConnector"]["VpcConnectorArn"] });
    let service = cloud.ok(
        "CreateService",
        json!({
            "ServiceName": "shop-code",
            "SourceConfiguration": {
                "CodeRepository": {
                    "RepositoryUrl": "https://github.com/someone/shop",
                    "SourceCodeVersion": { "Type": "BRANCH", "Value": "main" },
                    "CodeConfiguration": { "ConfigurationSource": "REPOSITORY" },
                },
                "AuthenticationConfiguration": hub,
            },
            "NetworkConfiguration": { "EgressConfiguration": {
                "EgressType": "VPC", "VpcConnectorArn": way["VpcConnectorArn"] } },
        }),
    );
    cloud.settle();
    assert_eq!(cloud.refused("DeleteConnection", hub.clone()).0, INVALID);
    assert_eq!(cloud.refused("DeleteVpcConnector", way.clone()).0, INVALID);
    cloud.ok("DeleteService", json!({ "ServiceArn": service["Service"]["ServiceArn"] }));
    cloud.settle();
    cloud.ok("DeleteConnection", hub);
    cloud.ok("DeleteVpcConnector", way);
}

#[test]
fn a_connector_has_one_revision_and_is_described_after_its_end() {
    let mut cloud = Cloud::new();
    let input = json!({ "VpcConnectorName": "way1", "Subnets": ["subnet-1", "subnet-2"] });
    let made = cloud.ok("CreateVpcConnector", input.clone())["VpcConnector"].clone();
    assert_eq!((&made["VpcConnectorRevision"], &made["Status"]), (&json!(1), &json!("ACTIVE")));
    assert_eq!(made["SecurityGroups"].as_array().unwrap().len(), 1, "the default group");
    assert_eq!(cloud.refused("CreateVpcConnector", input).0, INVALID);
    assert_eq!(cloud.refused("CreateVpcConnector", json!({ "VpcConnectorName": "way2", "Subnets": [] })).0, INVALID);
    let arn = json!({ "VpcConnectorArn": made["VpcConnectorArn"] });
    assert_eq!(cloud.ok("DescribeVpcConnector", arn.clone())["VpcConnector"], made);
    assert_eq!(cloud.ok("DeleteVpcConnector", arn.clone())["VpcConnector"]["Status"], "INACTIVE");
    assert_eq!(cloud.ok("DescribeVpcConnector", arn.clone())["VpcConnector"]["Status"], "INACTIVE");
    assert_eq!(cloud.ok("ListVpcConnectors", json!({}))["VpcConnectors"], json!([]));
    assert_eq!(cloud.refused("DeleteVpcConnector", arn.clone()).0, MISSING);
    cloud.pass(3600);
    assert_eq!(cloud.refused("DescribeVpcConnector", arn).0, MISSING);
}

#[test]
fn an_ingress_connection_takes_time_and_may_fail_at_each_step() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    let input = json!({ "ServiceArn": arn, "VpcIngressConnectionName": "door",
        "IngressVpcConfiguration": { "VpcId": "vpc-1", "VpcEndpointId": "vpce-1" } });
    assert_eq!(cloud.refused("CreateVpcIngressConnection", input.clone()).0, INVALID, "the service is public");
    let private = json!({ "IngressConfiguration": { "IsPubliclyAccessible": false } });
    cloud.ok("UpdateService", json!({ "ServiceArn": arn, "NetworkConfiguration": private }));
    cloud.settle();
    let made = cloud.ok("CreateVpcIngressConnection", input.clone())["VpcIngressConnection"].clone();
    assert_eq!((&made["Status"], &made["AccountId"]), (&json!("PENDING_CREATION"), &json!("123456789012")));
    assert_eq!(cloud.refused("CreateVpcIngressConnection", input).0, INVALID, "the name is taken");
    let by_arn = json!({ "VpcIngressConnectionArn": made["VpcIngressConnectionArn"] });
    let update = json!({ "VpcIngressConnectionArn": made["VpcIngressConnectionArn"],
        "IngressVpcConfiguration": { "VpcId": "vpc-2", "VpcEndpointId": "vpce-2" } });
    let state = |cloud: &mut Cloud| {
        cloud.ok("DescribeVpcIngressConnection", by_arn.clone())["VpcIngressConnection"]["Status"].clone()
    };
    assert_eq!(cloud.refused("UpdateVpcIngressConnection", update.clone()).0, "InvalidStateException");
    assert_eq!(cloud.refused("DeleteVpcIngressConnection", by_arn.clone()).0, "InvalidStateException");
    for (operation, input, failed, done) in [
        ("UpdateVpcIngressConnection", &update, "FAILED_UPDATE", "AVAILABLE"),
        ("DeleteVpcIngressConnection", &by_arn, "FAILED_DELETION", "DELETED"),
    ] {
        cloud.settle();
        cloud.ok("_IngressFails", by_arn.clone());
        cloud.ok(operation, input.clone());
        cloud.settle();
        assert_eq!(state(&mut cloud), failed);
        cloud.ok(operation, input.clone());
        cloud.settle();
        assert_eq!(state(&mut cloud), done);
    }
    assert_eq!(cloud.ok("ListVpcIngressConnections", json!({}))["VpcIngressConnectionSummaryList"], json!([]));
    assert_eq!(cloud.refused("DeleteVpcIngressConnection", by_arn.clone()).0, "InvalidStateException");
    cloud.pass(3600);
    assert_eq!(cloud.refused("DescribeVpcIngressConnection", by_arn).0, MISSING);
}

#[test]
fn ingress_connections_are_listed_by_service_and_by_endpoint() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    let private = json!({ "IngressConfiguration": { "IsPubliclyAccessible": false } });
    cloud.ok("UpdateService", json!({ "ServiceArn": arn, "NetworkConfiguration": private }));
    cloud.settle();
    for n in 1..3 {
        cloud.ok(
            "CreateVpcIngressConnection",
            json!({
            "ServiceArn": arn, "VpcIngressConnectionName": format!("door{n}"),
            "IngressVpcConfiguration": { "VpcEndpointId": format!("vpce-{n}") } }),
        );
    }
    for (filter, rows) in [
        (json!({ "ServiceArn": arn }), 2),
        (json!({ "ServiceArn": arn, "VpcEndpointId": "vpce-2" }), 1),
        (json!({ "VpcEndpointId": "vpce-3" }), 0),
    ] {
        let list = cloud.ok("ListVpcIngressConnections", json!({ "Filter": filter }));
        assert_eq!(list["VpcIngressConnectionSummaryList"].as_array().unwrap().len(), rows, "{filter}");
    }
}

#[test]
fn a_resource_keeps_its_tags() {
    let mut cloud = Cloud::new();
    let mut input = create("shop-api");
    input["Tags"] = json!([{ "Key": "team", "Value": "red" }]);
    let arn = cloud.ok("CreateService", input)["Service"]["ServiceArn"].clone();
    cloud.settle();
    let tags = |cloud: &mut Cloud| cloud.ok("ListTagsForResource", json!({ "ResourceArn": arn }))["Tags"].clone();
    assert_eq!(tags(&mut cloud), json!([{ "Key": "team", "Value": "red" }]));
    let more = json!([{ "Key": "team", "Value": "blue" }, { "Key": "pitcrew:hold", "Value": "true" }]);
    assert_eq!(cloud.ok("TagResource", json!({ "ResourceArn": arn, "Tags": more })), json!({}));
    let both = json!([{ "Key": "pitcrew:hold", "Value": "true" }, { "Key": "team", "Value": "blue" }]);
    assert_eq!(tags(&mut cloud), both);
    cloud.ok("UntagResource", json!({ "ResourceArn": arn, "TagKeys": ["team", "nothing"] }));
    assert_eq!(tags(&mut cloud), json!([{ "Key": "pitcrew:hold", "Value": "true" }]));
    cloud.ok("DeleteService", json!({ "ServiceArn": arn }));
    cloud.settle();
    assert_eq!(cloud.refused("ListTagsForResource", json!({ "ResourceArn": arn })).0, "InvalidStateException");
    let unknown = json!({ "ResourceArn": "arn:aws:apprunner:eu-west-1:123456789012:service/none/0", "Tags": [] });
    assert_eq!(cloud.refused("TagResource", unknown).0, MISSING);
}

#[test]
fn every_kind_of_resource_can_be_tagged() {
    let mut cloud = Cloud::new();
    let tags = json!([{ "Key": "team", "Value": "red" }]);
    for (operation, mut input, pointer) in [
        (
            "CreateConnection",
            json!({ "ConnectionName": "hub1", "ProviderType": "GITHUB" }),
            "/Connection/ConnectionArn",
        ),
        (
            "CreateAutoScalingConfiguration",
            json!({ "AutoScalingConfigurationName": "size" }),
            "/AutoScalingConfiguration/AutoScalingConfigurationArn",
        ),
        (
            "CreateObservabilityConfiguration",
            json!({ "ObservabilityConfigurationName": "eyes" }),
            "/ObservabilityConfiguration/ObservabilityConfigurationArn",
        ),
        (
            "CreateVpcConnector",
            json!({ "VpcConnectorName": "way1", "Subnets": ["subnet-1"] }),
            "/VpcConnector/VpcConnectorArn",
        ),
    ] {
        input["Tags"] = tags.clone();
        let answer = cloud.ok(operation, input);
        let arn = answer.pointer(pointer).unwrap();
        assert_eq!(cloud.ok("ListTagsForResource", json!({ "ResourceArn": arn }))["Tags"], tags, "{operation}");
    }
}
