//! Pages, their bounds, and the quotas (facts/app-runner.md, section 7).

use serde_json::{Value, json};

use super::{Cloud, create};

/// All rows of a list, page by page.
fn all(cloud: &mut Cloud, operation: &str, member: &str, mut input: Value, size: u64) -> Vec<Value> {
    input["MaxResults"] = json!(size);
    let mut rows = Vec::new();
    for _ in 0..100 {
        let answer = cloud.ok(operation, input.clone());
        let page = answer[member].as_array().unwrap();
        assert!(page.len() as u64 <= size);
        rows.extend(page.clone());
        match answer.get("NextToken") {
            Some(token) => input["NextToken"] = token.clone(),
            None => return rows,
        }
    }
    panic!("{operation} never ends");
}

#[test]
fn operations_come_newest_first_on_every_page() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    for _ in 0..6 {
        cloud.ok("StartDeployment", json!({ "ServiceArn": arn }));
        cloud.settle();
    }
    let input = json!({ "ServiceArn": arn });
    let whole = cloud.ok("ListOperations", input.clone());
    assert_eq!(whole.get("NextToken"), None, "without MaxResults all come at once");
    let whole = whole["OperationSummaryList"].as_array().unwrap().clone();
    assert_eq!(whole.len(), 7);
    let starts: Vec<f64> = whole.iter().map(|row| row["StartedAt"].as_f64().unwrap()).collect();
    assert!(starts.is_sorted_by(|a, b| a > b), "{starts:?}");
    for size in [1, 2, 7, 20] {
        assert_eq!(all(&mut cloud, "ListOperations", "OperationSummaryList", input.clone(), size), whole);
    }
}

#[test]
fn a_new_operation_between_two_pages_repeats_none() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    cloud.ok("PauseService", json!({ "ServiceArn": arn }));
    cloud.settle();
    let first = cloud.ok("ListOperations", json!({ "ServiceArn": arn, "MaxResults": 1 }));
    cloud.ok("ResumeService", json!({ "ServiceArn": arn }));
    let next = json!({ "ServiceArn": arn, "MaxResults": 5, "NextToken": first["NextToken"] });
    let second = cloud.ok("ListOperations", next);
    let kinds: Vec<&Value> =
        second["OperationSummaryList"].as_array().unwrap().iter().map(|row| &row["Type"]).collect();
    assert_eq!(kinds, ["CREATE_SERVICE"]);
}

#[test]
fn a_token_is_good_for_its_own_list_only() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    let other = cloud.running("shop-web");
    cloud.ok("PauseService", json!({ "ServiceArn": arn }));
    cloud.settle();
    let token = cloud.ok("ListOperations", json!({ "ServiceArn": arn, "MaxResults": 1 }))["NextToken"].clone();
    for (operation, input) in [
        ("ListOperations", json!({ "ServiceArn": other, "NextToken": token })),
        ("ListServices", json!({ "NextToken": token })),
        ("ListOperations", json!({ "ServiceArn": arn, "NextToken": "bm90aGluZw" })),
        ("ListOperations", json!({ "ServiceArn": arn, "NextToken": "%%%" })),
        ("ListOperations", json!({ "ServiceArn": arn, "NextToken": "" })),
    ] {
        assert_eq!(cloud.refused(operation, input).0, "InvalidRequestException");
    }
}

#[test]
fn every_list_has_its_upper_bound() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    let scaling = cloud.describe(&arn)["AutoScalingConfigurationSummary"]["AutoScalingConfigurationArn"].clone();
    for (operation, input, most) in [
        ("ListServices", json!({}), 20),
        ("ListOperations", json!({ "ServiceArn": arn }), 20),
        ("DescribeCustomDomains", json!({ "ServiceArn": arn }), 5),
        ("ListConnections", json!({}), 100),
        ("ListAutoScalingConfigurations", json!({}), 100),
        ("ListObservabilityConfigurations", json!({}), 100),
        ("ListVpcConnectors", json!({}), 100),
        ("ListVpcIngressConnections", json!({}), 100),
        ("ListServicesForAutoScalingConfiguration", json!({ "AutoScalingConfigurationArn": scaling }), 100),
    ] {
        let with = |n: u64| {
            let mut input = input.clone();
            input["MaxResults"] = json!(n);
            input
        };
        cloud.ok(operation, with(most));
        for n in [0, most + 1] {
            assert_eq!(cloud.refused(operation, with(n)).0, "InvalidRequestException", "{operation} {n}");
        }
    }
}

#[test]
fn every_list_pages_through_all_of_its_rows() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-0000");
    for n in 1..5 {
        cloud.running(&format!("shop-000{n}"));
    }
    let private = json!({ "IngressConfiguration": { "IsPubliclyAccessible": false } });
    cloud.ok("UpdateService", json!({ "ServiceArn": arn, "NetworkConfiguration": private }));
    cloud.settle();
    for n in 0..5 {
        cloud.ok("CreateConnection", json!({ "ConnectionName": format!("hub{n}"), "ProviderType": "GITHUB" }));
        cloud.ok("CreateAutoScalingConfiguration", json!({ "AutoScalingConfigurationName": format!("size{n}") }));
        cloud.ok("CreateObservabilityConfiguration", json!({ "ObservabilityConfigurationName": format!("eyes{n}") }));
        cloud.ok("CreateVpcConnector", json!({ "VpcConnectorName": format!("way{n}"), "Subnets": ["subnet-1"] }));
        cloud.ok(
            "CreateVpcIngressConnection",
            json!({
            "ServiceArn": arn, "VpcIngressConnectionName": format!("door{n}"), "IngressVpcConfiguration": {} }),
        );
        cloud.ok("AssociateCustomDomain", json!({ "ServiceArn": arn, "DomainName": format!("d{n}.shop.dev") }));
    }
    let scaling = cloud.describe(&arn)["AutoScalingConfigurationSummary"]["AutoScalingConfigurationArn"].clone();
    for (operation, member, input, rows) in [
        ("ListServices", "ServiceSummaryList", json!({}), 5),
        ("ListConnections", "ConnectionSummaryList", json!({}), 5),
        ("ListAutoScalingConfigurations", "AutoScalingConfigurationSummaryList", json!({}), 6),
        ("ListObservabilityConfigurations", "ObservabilityConfigurationSummaryList", json!({}), 5),
        ("ListVpcConnectors", "VpcConnectors", json!({}), 5),
        ("ListVpcIngressConnections", "VpcIngressConnectionSummaryList", json!({}), 5),
        ("DescribeCustomDomains", "CustomDomains", json!({ "ServiceArn": arn }), 5),
        (
            "ListServicesForAutoScalingConfiguration",
            "ServiceArnList",
            json!({ "AutoScalingConfigurationArn": scaling }),
            5,
        ),
    ] {
        let whole = cloud.ok(operation, input.clone())[member].as_array().unwrap().clone();
        assert_eq!(whole.len(), rows, "{operation}");
        assert_eq!(all(&mut cloud, operation, member, input, 2), whole, "{operation}");
    }
}

#[test]
fn the_thirty_first_service_is_one_too_many_and_failed_ones_count() {
    let mut cloud = Cloud::new();
    cloud.push("latest", "sha256:bad", super::crashing(1));
    let mut last = String::new();
    for n in 0..30 {
        let answer = cloud.ok("CreateService", create(&format!("shop-{n}")));
        last = answer["Service"]["ServiceArn"].as_str().unwrap().to_owned();
    }
    cloud.settle();
    assert_eq!(cloud.status(&last), "CREATE_FAILED");
    assert_eq!(cloud.refused("CreateService", create("shop-30")).0, "ServiceQuotaExceededException");
    cloud.ok("DeleteService", json!({ "ServiceArn": last }));
    cloud.settle();
    cloud.ok("CreateService", create("shop-30"));
}

#[test]
fn the_eleventh_of_everything_else_is_one_too_many() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    let private = json!({ "IngressConfiguration": { "IsPubliclyAccessible": false } });
    cloud.ok("UpdateService", json!({ "ServiceArn": arn, "NetworkConfiguration": private }));
    cloud.settle();
    let make = |n: usize| {
        [
            ("CreateConnection", json!({ "ConnectionName": format!("hub-{n}"), "ProviderType": "BITBUCKET" })),
            ("CreateAutoScalingConfiguration", json!({ "AutoScalingConfigurationName": format!("size-{n}") })),
            ("CreateAutoScalingConfiguration", json!({ "AutoScalingConfigurationName": "size-0" })),
            ("CreateObservabilityConfiguration", json!({ "ObservabilityConfigurationName": format!("eyes-{n}") })),
            ("CreateVpcConnector", json!({ "VpcConnectorName": format!("way-{n}"), "Subnets": ["subnet-1"] })),
            (
                "CreateVpcIngressConnection",
                json!({ "ServiceArn": arn, "VpcIngressConnectionName": format!("door-{n}"),
                "IngressVpcConfiguration": {} }),
            ),
        ]
    };
    for n in 0..10 {
        for (of, (operation, input)) in make(n).into_iter().enumerate() {
            // The revisions of `size-0` count the one that the names made.
            if of != 2 || n != 0 {
                cloud.ok(operation, input);
            }
        }
    }
    for (operation, input) in make(10) {
        assert_eq!(cloud.refused(operation, input).0, "ServiceQuotaExceededException", "{operation}");
    }
}
