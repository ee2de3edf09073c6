//! Auto-deployment after a push, and the internal operations that no other test uses.

use serde_json::{Value, json};

use crate::outside::Behaviour;

use super::{Cloud, REPOSITORY, create, source};

fn following(cloud: &mut Cloud, name: &str, image: &str) -> String {
    cloud.push("latest", "sha256:good", Behaviour::default());
    let mut input = create(name);
    input["SourceConfiguration"] = source(image);
    input["SourceConfiguration"]["AutoDeploymentsEnabled"] = json!(true);
    let answer = cloud.ok("CreateService", input);
    cloud.settle();
    answer["Service"]["ServiceArn"].as_str().unwrap().to_owned()
}

fn pushed(cloud: &mut Cloud, tag: &str, digest: &str) -> Value {
    cloud.push(tag, digest, Behaviour::default());
    cloud.ok("_ImagePushed", json!({ "Repository": "shop", "Tag": tag, "Digest": digest }))
}

fn count(cloud: &mut Cloud, arn: &str) -> usize {
    cloud.ok("ListOperations", json!({ "ServiceArn": arn }))["OperationSummaryList"].as_array().unwrap().len()
}

#[test]
fn a_push_to_the_tag_deploys_some_seconds_later() {
    let mut cloud = Cloud::new();
    let arn = following(&mut cloud, "shop-api", REPOSITORY);
    let woken = pushed(&mut cloud, "latest", "sha256:new");
    assert_eq!(woken["ServiceArns"], json!([arn]), "no tag means latest");
    assert_eq!(count(&mut cloud, &arn), 1, "not at once");
    cloud.pass(5);
    assert_eq!(cloud.newest(&arn).0, "START_DEPLOYMENT");
    cloud.settle();
    assert_eq!(cloud.digest("shop-api"), "sha256:new");
    assert_eq!(count(&mut cloud, &arn), 2);
}

#[test]
fn a_push_concerns_only_the_services_that_follow_the_tag() {
    let mut cloud = Cloud::new();
    let off = cloud.running("auto-off");
    let other_tag = following(&mut cloud, "other-tag", &format!("{REPOSITORY}:v9"));
    let digest = following(&mut cloud, "by-digest", &format!("{REPOSITORY}:latest@sha256:good"));
    let elsewhere = "123456789012.dkr.ecr.eu-west-2.amazonaws.com/shop";
    let copy = cloud.outside.repositories["shop"].clone();
    cloud.outside.repositories.insert(elsewhere.to_owned(), copy);
    let other_region = following(&mut cloud, "elsewhere", elsewhere);
    assert_eq!(cloud.status(&other_region), "RUNNING");
    let before: Vec<usize> = [&off, &other_tag, &digest, &other_region].map(|arn| count(&mut cloud, arn)).to_vec();
    assert_eq!(pushed(&mut cloud, "latest", "sha256:new")["ServiceArns"], json!([]));
    cloud.settle();
    let after: Vec<usize> = [&off, &other_tag, &digest, &other_region].map(|arn| count(&mut cloud, arn)).to_vec();
    assert_eq!(before, after);
}

#[test]
fn a_push_to_a_busy_service_is_remembered() {
    let mut cloud = Cloud::new();
    let arn = following(&mut cloud, "shop-api", &format!("{REPOSITORY}:latest"));
    cloud.ok("StartDeployment", json!({ "ServiceArn": arn }));
    cloud.pass(60);
    pushed(&mut cloud, "latest", "sha256:second");
    pushed(&mut cloud, "latest", "sha256:third");
    cloud.settle();
    assert_eq!(cloud.digest("shop-api"), "sha256:third");
    assert_eq!(count(&mut cloud, &arn), 3, "two pushes make one deployment");
}

#[test]
fn a_call_that_slips_in_front_of_a_push_does_not_lose_it() {
    let mut cloud = Cloud::new();
    let arn = following(&mut cloud, "shop-api", &format!("{REPOSITORY}:latest"));
    pushed(&mut cloud, "latest", "sha256:new");
    cloud.pass(2);
    cloud.ok("PauseService", json!({ "ServiceArn": arn }));
    cloud.settle();
    assert_eq!(cloud.status(&arn), "PAUSED");
    assert_eq!(count(&mut cloud, &arn), 2, "a paused service deploys nothing");
    cloud.ok("ResumeService", json!({ "ServiceArn": arn }));
    cloud.settle();
    assert_eq!(cloud.digest("shop-api"), "sha256:good", "and a resume does not pull");

    pushed(&mut cloud, "latest", "sha256:newer");
    cloud.pass(2);
    cloud
        .ok("UpdateService", json!({ "ServiceArn": arn, "InstanceConfiguration": { "Cpu": "512", "Memory": "1024" } }));
    cloud.settle();
    assert_eq!(cloud.digest("shop-api"), "sha256:newer");
    assert_eq!(cloud.newest(&arn), ("START_DEPLOYMENT".to_owned(), "SUCCEEDED".to_owned()));
}

#[test]
fn a_service_can_be_made_older() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    let before = cloud.describe(&arn)["CreatedAt"].as_f64().unwrap();
    cloud.ok("_AgeBy", json!({ "ServiceName": "shop-api", "Days": 2000 }));
    assert_eq!(before - cloud.describe(&arn)["CreatedAt"].as_f64().unwrap(), 2000.0 * 86_400.0);
    for days in [json!(-1), json!("many"), Value::Null] {
        cloud.refused("_AgeBy", json!({ "ServiceName": "shop-api", "Days": days }));
    }
}

#[test]
fn operations_grow_older_together_and_keep_their_order() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    let began = |cloud: &mut Cloud| {
        let answer = cloud.ok("ListOperations", json!({ "ServiceArn": arn }));
        answer["OperationSummaryList"][0]["StartedAt"].as_f64().unwrap()
    };
    let before = began(&mut cloud);
    cloud.ok("_AgeOperations", json!({ "ServiceName": "shop-api", "Days": 3 }));
    assert_eq!(before - began(&mut cloud), 3.0 * 86_400.0);
    cloud.refused("_AgeOperations", json!({ "ServiceName": "shop-api", "Days": -1 }));
}

#[test]
fn an_internal_operation_checks_its_input() {
    let mut cloud = Cloud::new();
    cloud.running("shop-api");
    for (operation, input) in [
        ("_Running", json!({ "ServiceName": "nobody" })),
        ("_Running", json!({})),
        ("_Stick", json!({ "ServiceName": "shop-api", "Minutes": 5 })),
        ("_Maintenance", json!({ "ServiceName": "shop-api", "Minutes": -5 })),
        ("_FailNext", json!({ "ServiceName": "shop-api", "OperationType": "CREATE_SERVICE" })),
        ("_CodeBehaviour", json!({ "ServiceName": "shop-api", "Behaviour": { "helthy": true } })),
        ("_ConnectionAvailable", json!({ "ConnectionName": "nobody" })),
        ("_IngressFails", json!({ "VpcIngressConnectionArn": "nobody" })),
        ("_CertificateChanged", json!({ "Reference": "nobody", "Status": "LOST" })),
        ("_DomainFails", json!({ "DomainName": "nobody.dev" })),
    ] {
        cloud.refused(operation, input);
    }
    assert!(!cloud.jump());
}
