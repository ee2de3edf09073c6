//! Least privilege of the audit, by use: over fleets that have everything it reads, each grant is used, and no call is denied.

use pitcrew_cloud::gateway::lock;
use pitcrew_e2e::names::ZONE;
use pitcrew_e2e::{Scene, Shop};
use serde_json::{Value, json};

use crate::audit::{audited, stage};

/// Grants that these runs do not use, by statement and action, each with its reason. A used one must leave the list.
const UNUSED: &[(&str, &str, &str)] = &[(
    "HandOverFailures",
    "sqs:SendMessage",
    "no input was given up; grants.rs sees the same statement of others used",
)];
const INSTANCE_ROLE: &str = "arn:aws:iam::123456789012:role/shop-instance";

/// A role with a policy of each kind: inline, AWS's own, the account's.
fn role(scene: &Scene) {
    let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"Service": "tasks.apprunner.amazonaws.com"}}]});
    let document = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::shop/*"}]});
    let (trust, document) = (trust.to_string(), document.to_string());
    scene.call("iam", "CreateRole", json!({"RoleName": "shop-instance", "AssumeRolePolicyDocument": trust}));
    let inline = json!({"RoleName": "shop-instance", "PolicyName": "inline", "PolicyDocument": document});
    scene.call("iam", "PutRolePolicy", inline);
    let made = scene.call("iam", "CreatePolicy", json!({"PolicyName": "shop", "PolicyDocument": document}));
    for arn in [made["Policy"]["Arn"].as_str().unwrap(), "arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess"] {
        scene.call("iam", "AttachRolePolicy", json!({"RoleName": "shop-instance", "PolicyArn": arn}));
    }
}

/// A network that one service goes out by and another is reached by.
fn network(scene: &Scene, out: &Shop, private: &Shop) {
    let made = scene.internal("ec2", "_Network", json!({"Name": "shop", "AppRunnerEndpoint": true}));
    let connector =
        json!({"VpcConnectorName": "shop", "Subnets": made["PrivateSubnets"], "SecurityGroups": [made["GroupId"]]});
    let connector = scene.call("apprunner", "CreateVpcConnector", connector)["VpcConnector"]["VpcConnectorArn"].clone();
    let vpc = json!({"VpcId": made["VpcId"], "VpcEndpointId": made["AppRunnerEndpointId"]});
    scene.call(
        "apprunner",
        "UpdateService",
        json!({
            "ServiceArn": out.arn, "InstanceConfiguration": {"InstanceRoleArn": INSTANCE_ROLE},
            "NetworkConfiguration": {"EgressConfiguration": {"EgressType": "VPC", "VpcConnectorArn": connector}},
        }),
    );
    let closed = json!({"IngressConfiguration": {"IsPubliclyAccessible": false}});
    scene.call("apprunner", "UpdateService", json!({"ServiceArn": private.arn, "NetworkConfiguration": closed}));
    let ingress =
        json!({"VpcIngressConnectionName": "shop", "ServiceArn": private.arn, "IngressVpcConfiguration": vpc});
    scene.internal("apprunner", "CreateVpcIngressConnection", ingress);
}

fn web_acl(scene: &Scene, name: &str) -> Value {
    let visibility = json!({"SampledRequestsEnabled": true, "CloudWatchMetricsEnabled": true, "MetricName": name});
    let input =
        json!({"Name": name, "Scope": "REGIONAL", "DefaultAction": {"Allow": {}}, "VisibilityConfig": visibility});
    scene.call("wafv2", "CreateWebACL", input)["Summary"]["ARN"].clone()
}

/// An alarm on no metric of App Runner's: whether it watches a service is asked of its tags.
fn alarm_by_tag(scene: &Scene) {
    scene.call(
        "monitoring",
        "PutMetricAlarm",
        json!({
            "AlarmName": "orders", "Namespace": "Shop", "MetricName": "Orders", "Statistic": "Sum", "Period": 60,
            "EvaluationPeriods": 1, "Threshold": 1.0, "ComparisonOperator": "LessThanThreshold",
        }),
    );
}

#[tokio::test]
async fn every_grant_of_the_audit_is_used_and_no_call_is_denied() {
    let scene = stage(|setting| drop(setting.parameters.insert("SecurityHub".to_owned(), "true".to_owned()))).await;
    scene.call("securityhub", "EnableSecurityHub", json!({"EnableDefaultStandards": false}));
    let (out, private) = (scene.running("shop-out").await, scene.running("shop-private").await);
    role(&scene);
    network(&scene, &out, &private);
    scene.zone(ZONE, &[]);
    scene.associate(&out, "api.harbour-coffee.net", false);
    let first = web_acl(&scene, "front");
    scene.call("wafv2", "AssociateWebACL", json!({"WebACLArn": first, "ResourceArn": out.arn}));
    alarm_by_tag(&scene);
    // Two services and one web ACL: it is asked what the ACL guards.
    audited(&scene).await;
    // As many ACLs as services: each service is asked. What is mended meanwhile is archived, and resolved.
    web_acl(&scene, "back");
    scene.watch(&out);
    let report = audited(&scene).await;
    assert_ne!(report["changes"]["gone"], json!([]));
    let (denied, unused) = {
        let world = lock(scene.stage.cloud.world());
        let unused = world.policies.unused_grants().into_iter().filter(|grant| grant.policy == "audit");
        (world.policies.denied().to_vec(), unused.map(|grant| (grant.statement, grant.action)).collect::<Vec<_>>())
    };
    assert!(denied.is_empty(), "{denied:#?}");
    let known: Vec<(String, String)> =
        UNUSED.iter().map(|(statement, action, _)| ((*statement).to_owned(), (*action).to_owned())).collect();
    assert_eq!(unused, known, "granted and never used, or listed as unused and used");
    scene.strike().await;
}
