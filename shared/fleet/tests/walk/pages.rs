//! Lists that are longer than one page of AWS. What is looked for stands at their end, where a list that is cut does not have it.

use std::collections::BTreeSet;

use pitcrew_aws::alarms::{Reach, observe_alarms_within};
use pitcrew_aws::connect::sdk_config_at;
use pitcrew_cloud::gateway::OPERATOR_KEY;
use pitcrew_core::audit::facts::RoleFacts;
use pitcrew_core::audit::{Fleet, ServiceFacts};
use pitcrew_core::fact::Fact;
use pitcrew_fleet::walk::{Cursor, walk};
use serde_json::{Value, json};

use super::rig::{ACCOUNT, Rig, settings};

/// One more than App Runner, CloudWatch, Route 53, AWS WAF and IAM give in a page.
const HUNDRED_AND_ONE: usize = 101;
/// One more than EC2 and ECR give.
const THOUSAND_AND_ONE: usize = 1001;

#[track_caller]
fn known<T>(fact: &Fact<T>) -> &T {
    match fact {
        Fact::Known(value) => value,
        Fact::Unavailable(why) => panic!("not to be had: {why}"),
        Fact::Unread => panic!("not read"),
    }
}

/// Walks, and gives what is known of the only service.
async fn only(rig: &Rig) -> (Fleet, ServiceFacts) {
    let mut seen = None;
    let mut each = |_: &Fleet, facts: &ServiceFacts| seen = Some(facts.clone());
    let (settings, mut tell) = (settings(), |_: &_| {});
    let walking = walk(&rig.clients, &settings, Cursor::default(), &mut each, &mut tell);
    let walked = Box::pin(walking).await.unwrap();
    (walked.fleet, seen.unwrap())
}

fn network(rig: &Rig) -> Value {
    rig.call("ec2", "_Network", json!({"Name": "shop", "Zones": 1, "Public": false, "AppRunnerEndpoint": true}))
}

#[tokio::test]
async fn lists_of_app_runner_are_read_behind_their_hundredth_entry() {
    let rig = Rig::set().await;
    rig.call("apprunner", "_Quota", json!({"Others": HUNDRED_AND_ONE}));
    let made = network(&rig);
    let private = json!({"IngressConfiguration": {"IsPubliclyAccessible": false}});
    let service = rig.create_with("shop", json!({"NetworkConfiguration": private}));
    rig.let_time_pass(1800);
    // Ten names of ten revisions, as many as there may be; the default configuration is one more.
    for n in 0..100 {
        let scaling = json!({"AutoScalingConfigurationName": format!("scaling-{}", n / 10)});
        rig.call("apprunner", "CreateAutoScalingConfiguration", scaling);
        let tracing = json!({"ObservabilityConfigurationName": format!("tracing-{}", n / 10)});
        rig.call("apprunner", "CreateObservabilityConfiguration", tracing);
    }
    for n in 0..HUNDRED_AND_ONE {
        let code = json!({"ConnectionName": format!("code-{n:03}"), "ProviderType": "GITHUB"});
        rig.call("apprunner", "CreateConnection", code);
        let subnets = &made["PrivateSubnets"];
        let connector = json!({"VpcConnectorName": format!("out-{n:03}"), "Subnets": subnets});
        rig.call("apprunner", "CreateVpcConnector", connector);
        let vpc = json!({"VpcId": made["VpcId"], "VpcEndpointId": made["AppRunnerEndpointId"]});
        let ingress = json!({"ServiceArn": service["ServiceArn"], "VpcIngressConnectionName": format!("in-{n:03}"),
            "IngressVpcConfiguration": vpc});
        rig.call("apprunner", "CreateVpcIngressConnection", ingress);
    }
    let (fleet, _) = only(&rig).await;
    assert_eq!(known(&fleet.scalings).len(), HUNDRED_AND_ONE, "a hundred, and the default one");
    assert_eq!(rig.calls("apprunner", "ListAutoScalingConfigurations"), 2);
    assert!(known(&fleet.tracings).len() >= 100);
    let names: [(&str, BTreeSet<&str>); 3] = [
        ("code", known(&fleet.connections).iter().map(|one| one.name.as_str()).collect()),
        ("out", known(&fleet.connectors).iter().map(|one| one.name.as_str()).collect()),
        ("in", known(&fleet.ingresses).iter().map(|one| one.name.as_str()).collect()),
    ];
    for (kind, names) in names {
        assert_eq!(names.len(), HUNDRED_AND_ONE, "{kind}: {names:?}");
    }
}

#[tokio::test]
async fn more_than_a_thousand_alarms_are_read_and_the_last_of_them_counts() {
    let rig = Rig::set().await;
    rig.create("shop");
    let alarm = |name: String, service: &str| {
        let dimensions = json!([{"Name": "ServiceName", "Value": service}]);
        json!({"AlarmName": name, "Namespace": "AWS/AppRunner", "MetricName": "5xxStatusResponses", "Statistic": "Sum",
            "Dimensions": dimensions, "Period": 60, "EvaluationPeriods": 1, "Threshold": 1.0,
            "ComparisonOperator": "GreaterThanThreshold"})
    };
    for n in 0..THOUSAND_AND_ONE {
        rig.call("monitoring", "PutMetricAlarm", alarm(format!("other-{n:04}"), "other"));
    }
    rig.call("monitoring", "PutMetricAlarm", alarm("zz-shop".to_owned(), "shop"));
    let (fleet, _) = only(&rig).await;
    let alarms = known(&fleet.alarms);
    assert_eq!((alarms.len(), fleet.alarms_left), (THOUSAND_AND_ONE + 1, None));
    assert!(alarms.iter().any(|alarm| alarm.watches == ["shop"]));
    assert_eq!(rig.calls("monitoring", "DescribeAlarms"), 11, "a hundred in each page");
}

#[tokio::test]
async fn alarms_beyond_what_one_look_may_cost_are_counted_and_a_list_that_is_cut_says_so() {
    let rig = Rig::set().await;
    for n in 0..HUNDRED_AND_ONE {
        let alarm = json!({"AlarmName": format!("queue-{n:03}"), "Namespace": "Shop", "MetricName": "Lost",
            "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1, "Threshold": 1.0,
            "ComparisonOperator": "GreaterThanThreshold"});
        rig.call("monitoring", "PutMetricAlarm", alarm);
    }
    let config = sdk_config_at(&rig.endpoint(), "eu-west-1", OPERATOR_KEY, "not checked");
    let client = aws_sdk_cloudwatch::Client::new(&config);
    for (pages, listed, cut, untold) in [(1, 100, true, 98), (2, HUNDRED_AND_ONE, false, 99)] {
        let seen = observe_alarms_within(&client, Reach { pages, tags: 2 }).await.unwrap();
        assert_eq!((seen.listed.len(), seen.cut, seen.untold), (listed, cut, untold), "{pages}");
    }
}

#[tokio::test]
async fn log_groups_records_and_web_acls_are_read_behind_their_first_page() {
    let rig = Rig::set().await;
    let service = rig.create("zz-shop");
    let (arn, host) = (service["ServiceArn"].as_str().unwrap(), service["ServiceUrl"].as_str().unwrap());
    for n in 0..HUNDRED_AND_ONE {
        let group = json!({"logGroupName": format!("/aws/apprunner/a-{n:03}/0a1b/service")});
        rig.call("logs", "CreateLogGroup", group);
    }
    let id = arn.rsplit('/').next().unwrap();
    rig.call("logs", "CreateLogGroup", json!({"logGroupName": format!("/aws/apprunner/zz-shop/{id}/zz")}));
    let zone = rig.call("route53", "CreateHostedZone", json!({"Name": "example.com", "CallerReference": "one"}));
    let record = |name: String, value: &str| {
        json!({"Action": "CREATE", "ResourceRecordSet": {"Name": name, "Type": "CNAME", "TTL": 300,
            "ResourceRecords": [{"Value": value}]}})
    };
    // A page holds 300 record sets.
    let mut changes: Vec<Value> =
        (0..305).map(|n| record(format!("a-{n:03}.example.com"), "www.example.org")).collect();
    changes.push(record("zz.example.com".to_owned(), host));
    let batch = json!({"HostedZoneId": zone["HostedZone"]["Id"].as_str().unwrap().trim_start_matches("/hostedzone/"),
        "ChangeBatch": {"Changes": changes}});
    rig.call("route53", "ChangeResourceRecordSets", batch);
    for n in 0..HUNDRED_AND_ONE {
        let shown = json!({"SampledRequestsEnabled": true, "CloudWatchMetricsEnabled": true, "MetricName": "shop"});
        let acl = json!({"Name": format!("acl-{n:03}"), "Scope": "REGIONAL", "DefaultAction": {"Allow": {}},
            "VisibilityConfig": shown});
        let acl = rig.call("wafv2", "CreateWebACL", acl);
        if n == HUNDRED_AND_ONE - 1 {
            let pair = json!({"WebACLArn": acl["Summary"]["ARN"], "ResourceArn": arn});
            rig.call("wafv2", "AssociateWebACL", pair);
        }
    }
    let (fleet, facts) = only(&rig).await;
    assert!(known(&facts.log_groups).iter().any(|group| group.name.ends_with("/zz")), "{:?}", facts.log_groups);
    assert!(rig.calls("logs", "DescribeLogGroups") >= 3, "fifty in each page");
    let pointers: Vec<&str> = known(&fleet.pointers).iter().map(|pointer| pointer.name.as_str()).collect();
    assert_eq!(pointers, ["zz.example.com"]);
    assert!(known(&facts.firewall).as_ref().is_some_and(|acl| acl.contains("acl-100")), "{:?}", facts.firewall);
    assert_eq!(rig.calls("wafv2", "ListWebACLs"), 2);
}

#[tokio::test]
async fn route_tables_and_security_groups_are_read_behind_their_first_page() {
    let rig = Rig::set().await;
    let made = network(&rig);
    let vpc = made["VpcId"].as_str().unwrap();
    for _ in 0..HUNDRED_AND_ONE {
        rig.call("ec2", "CreateRouteTable", json!({"VpcId": vpc}));
    }
    let table = rig.call("ec2", "CreateRouteTable", json!({"VpcId": vpc}));
    let subnet = rig.call("ec2", "CreateSubnet", json!({"VpcId": vpc, "CidrBlock": "10.0.250.0/24"}));
    let subnet = subnet["Subnet"]["SubnetId"].as_str().unwrap();
    let table = table["RouteTable"]["RouteTableId"].as_str().unwrap();
    rig.call("ec2", "AssociateRouteTable", json!({"RouteTableId": table, "SubnetId": subnet}));
    let gateway = rig.call("ec2", "CreateInternetGateway", json!({}));
    let gateway = gateway["InternetGateway"]["InternetGatewayId"].as_str().unwrap().to_owned();
    rig.call("ec2", "AttachInternetGateway", json!({"InternetGatewayId": gateway, "VpcId": vpc}));
    let route = json!({"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": gateway});
    rig.call("ec2", "CreateRoute", route);
    let mut groups = BTreeSet::new();
    for n in 0..THOUSAND_AND_ONE {
        let group = json!({"GroupName": format!("group-{n:04}"), "Description": "one", "VpcId": vpc});
        let group = rig.call("ec2", "CreateSecurityGroup", group);
        groups.insert(group["GroupId"].as_str().unwrap().to_owned());
    }
    let connector = json!({"VpcConnectorName": "out", "Subnets": [subnet]});
    rig.call("apprunner", "CreateVpcConnector", connector);
    rig.create("shop");
    let (fleet, _) = only(&rig).await;
    let seen = known(&fleet.network.groups);
    assert!(groups.iter().all(|group| seen.contains_key(group)), "{} of {}", seen.len(), groups.len());
    let routes = &known(&fleet.network.subnets)[subnet].routes;
    assert!(routes.iter().any(|route| route.target == gateway), "the table of the subnet is the last one: {routes:?}");
    assert!(rig.calls("ec2", "DescribeRouteTables") == 2 && rig.calls("ec2", "DescribeSecurityGroups") == 2);
}

#[tokio::test]
async fn images_of_a_repository_and_policies_of_a_role_are_read_behind_their_first_page() {
    let rig = Rig::set().await;
    for n in 0..THOUSAND_AND_ONE {
        let digest = format!("sha256:{n:064x}");
        rig.call("ecr", "_Push", json!({"Repository": "shop", "Tag": format!("v{n}"), "Digest": digest}));
    }
    let keep = json!({"rules": [{"rulePriority": 1, "action": {"type": "expire"},
        "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 5000}}]});
    let policy = json!({"repositoryName": "shop", "lifecyclePolicyText": keep.to_string()});
    rig.call("ecr", "PutLifecyclePolicy", policy);
    let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"Service": "build.apprunner.amazonaws.com"}}]});
    let role = json!({"RoleName": "access", "AssumeRolePolicyDocument": trust.to_string()});
    let role = rig.call("iam", "CreateRole", role)["Role"]["Arn"].as_str().unwrap().to_owned();
    let document = json!({"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "a:b", "Resource": "*"}});
    for n in 0..HUNDRED_AND_ONE {
        let policy =
            json!({"RoleName": "access", "PolicyName": format!("p{n:03}"), "PolicyDocument": document.to_string()});
        rig.call("iam", "PutRolePolicy", policy);
    }
    let image = json!({"ImageIdentifier": format!("{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com/shop:v0"),
        "ImageRepositoryType": "ECR"});
    let source = json!({"ImageRepository": image, "AutoDeploymentsEnabled": false,
        "AuthenticationConfiguration": {"AccessRoleArn": role}});
    rig.create_with("shop", json!({"SourceConfiguration": source}));
    let (fleet, facts) = only(&rig).await;
    assert_eq!(known(&facts.image).as_ref().map(|image| image.images.len()), Some(THOUSAND_AND_ONE));
    let RoleFacts { policies, .. } = known(&fleet.roles[&role]);
    let names: BTreeSet<&str> = policies.iter().map(|policy| policy.name.as_str()).collect();
    assert_eq!((names.len(), names.contains("p100")), (HUNDRED_AND_ONE, true));
}
