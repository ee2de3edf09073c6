//! A test for each row of the state table (facts/app-runner.md, 1.1).

use serde_json::json;

use crate::outside::Behaviour;

use super::{Cloud, REPOSITORY, ROLE, crashing, create, source, unfetchable, unhealthy};

fn pair(kind: &str, status: &str) -> (String, String) {
    (kind.to_owned(), status.to_owned())
}

#[test]
fn a_first_deployment_succeeds_within_five_minutes() {
    let mut cloud = Cloud::new();
    cloud.push("latest", "sha256:good", Behaviour::default());
    let start = cloud.now;
    let answer = cloud.ok("CreateService", create("shop-api"));
    let arn = answer["Service"]["ServiceArn"].as_str().unwrap().to_owned();
    assert_eq!(answer["Service"]["Status"], "OPERATION_IN_PROGRESS");
    assert_eq!(cloud.newest(&arn), pair("CREATE_SERVICE", "PENDING"));
    cloud.pass(1);
    assert_eq!(cloud.newest(&arn), pair("CREATE_SERVICE", "IN_PROGRESS"));
    cloud.settle();
    assert_eq!(cloud.newest(&arn), pair("CREATE_SERVICE", "SUCCEEDED"));
    assert_eq!(cloud.status(&arn), "RUNNING");
    assert_eq!(cloud.digest("shop-api"), "sha256:good");
    let took = cloud.now.as_second() - start.as_second();
    assert!((180..=300).contains(&took), "it took {took} s");
}

#[test]
fn an_update_that_fails_its_health_check_returns_to_the_old_configuration() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    cloud.push("v2", "sha256:bad", unhealthy());
    let image = format!("{REPOSITORY}:v2");
    let start = cloud.now;
    let update = json!({ "ServiceArn": arn, "SourceConfiguration": source(&image) });
    assert!(cloud.ok("UpdateService", update)["OperationId"].is_string());

    let identifier = |cloud: &mut Cloud| {
        cloud.describe(&arn)["SourceConfiguration"]["ImageRepository"]["ImageIdentifier"].as_str().unwrap().to_owned()
    };
    cloud.pass(300);
    assert_eq!(identifier(&mut cloud), image, "during the operation the new values are shown");
    assert_eq!(cloud.digest("shop-api"), "sha256:good", "the previous version keeps serving");
    cloud.pass(120);
    assert_eq!(cloud.newest(&arn), pair("UPDATE_SERVICE", "ROLLBACK_IN_PROGRESS"));
    assert_eq!(cloud.status(&arn), "OPERATION_IN_PROGRESS");
    cloud.settle();
    assert_eq!(cloud.newest(&arn), pair("UPDATE_SERVICE", "ROLLBACK_SUCCEEDED"));
    assert_eq!(cloud.status(&arn), "RUNNING");
    assert_eq!(identifier(&mut cloud), format!("{REPOSITORY}:latest"), "after the rollback the old values are shown");
    assert_eq!(cloud.digest("shop-api"), "sha256:good");
    let took = cloud.now.as_second() - start.as_second();
    assert!((480..=600).contains(&took), "six minutes of checks and two of rollback, not {took} s");
}

#[test]
fn a_manual_deployment_of_a_bad_image_is_rolled_back_and_the_tag_string_stays() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    let before = cloud.describe(&arn)["SourceConfiguration"].clone();
    cloud.push("latest", "sha256:bad", unhealthy());
    cloud.ok("StartDeployment", json!({ "ServiceArn": arn }));
    cloud.settle();
    assert_eq!(cloud.newest(&arn), pair("START_DEPLOYMENT", "ROLLBACK_SUCCEEDED"));
    assert_eq!(cloud.status(&arn), "RUNNING");
    assert_eq!(cloud.describe(&arn)["SourceConfiguration"], before);
    assert_eq!(cloud.digest("shop-api"), "sha256:good");
}

#[test]
fn a_fast_crash_is_rolled_back_within_two_minutes() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    cloud.push("latest", "sha256:bad", crashing(1));
    let start = cloud.now;
    cloud.ok("StartDeployment", json!({ "ServiceArn": arn }));
    cloud.settle();
    assert_eq!(cloud.newest(&arn), pair("START_DEPLOYMENT", "ROLLBACK_SUCCEEDED"));
    let took = cloud.now.as_second() - start.as_second();
    assert!((60..=120).contains(&took), "it took {took} s");
}

#[test]
fn a_wrong_architecture_fails_the_health_check() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    cloud.push("latest", "sha256:arm", Behaviour { wrong_architecture: true, ..Behaviour::default() });
    cloud.ok("StartDeployment", json!({ "ServiceArn": arn }));
    cloud.settle();
    assert_eq!(cloud.newest(&arn), pair("START_DEPLOYMENT", "ROLLBACK_SUCCEEDED"));
    assert_eq!(cloud.digest("shop-api"), "sha256:good");
}

#[test]
fn a_rollback_that_fails_leaves_the_service_running_on_the_bad_version() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    cloud.push("v2", "sha256:bad", Behaviour { rollback_fails: true, ..unhealthy() });
    let image = format!("{REPOSITORY}:v2");
    cloud.ok("UpdateService", json!({ "ServiceArn": arn, "SourceConfiguration": source(&image) }));
    cloud.settle();
    assert_eq!(cloud.newest(&arn), pair("UPDATE_SERVICE", "ROLLBACK_FAILED"));
    let service = cloud.describe(&arn);
    assert_eq!(service["Status"], "RUNNING");
    assert_eq!(service["SourceConfiguration"]["ImageRepository"]["ImageIdentifier"], image.as_str());
    assert_eq!(cloud.digest("shop-api"), "sha256:bad");
}

#[test]
fn a_first_deployment_that_never_listens_fails_after_eighteen_minutes() {
    let mut cloud = Cloud::new();
    cloud.push("latest", "sha256:bad", unhealthy());
    let start = cloud.now;
    let answer = cloud.ok("CreateService", create("shop-api"));
    let arn = answer["Service"]["ServiceArn"].as_str().unwrap().to_owned();
    cloud.settle();
    assert_eq!(cloud.newest(&arn), pair("CREATE_SERVICE", "FAILED"));
    assert_eq!(cloud.status(&arn), "CREATE_FAILED");
    let took = cloud.now.as_second() - start.as_second();
    assert!((1020..=1140).contains(&took), "it took {took} s");
}

#[test]
fn a_failed_creation_is_rebuilt_by_an_update() {
    let mut cloud = Cloud::new();
    cloud.push("latest", "sha256:bad", crashing(1));
    let answer = cloud.ok("CreateService", create("shop-api"));
    let arn = answer["Service"]["ServiceArn"].as_str().unwrap().to_owned();
    cloud.settle();

    cloud.push("v2", "sha256:worse", crashing(2));
    let update =
        |tag: &str| json!({ "ServiceArn": arn, "SourceConfiguration": source(&format!("{REPOSITORY}:{tag}")) });
    cloud.ok("UpdateService", update("v2"));
    cloud.settle();
    assert_eq!(cloud.newest(&arn), pair("UPDATE_SERVICE", "FAILED"));
    let service = cloud.describe(&arn);
    assert_eq!(service["Status"], "CREATE_FAILED");
    let shown = &service["SourceConfiguration"]["ImageRepository"]["ImageIdentifier"];
    assert_eq!(*shown, format!("{REPOSITORY}:v2"), "the new values stay");

    cloud.push("v3", "sha256:good", Behaviour::default());
    cloud.ok("UpdateService", update("v3"));
    cloud.settle();
    assert_eq!(cloud.newest(&arn), pair("UPDATE_SERVICE", "SUCCEEDED"));
    assert_eq!(cloud.status(&arn), "RUNNING");
}

#[test]
fn a_failed_creation_is_rebuilt_even_by_an_update_that_changes_nothing() {
    let mut cloud = Cloud::new();
    cloud.push("latest", "sha256:bad", crashing(1));
    let answer = cloud.ok("CreateService", create("shop-api"));
    let arn = answer["Service"]["ServiceArn"].as_str().unwrap().to_owned();
    cloud.settle();
    cloud.push("latest", "sha256:good", Behaviour::default());
    assert!(cloud.ok("UpdateService", json!({ "ServiceArn": arn }))["OperationId"].is_string());
    cloud.settle();
    assert_eq!(cloud.digest("shop-api"), "sha256:good");
}

#[test]
fn pause_and_resume_keep_the_deployed_copy_and_pull_nothing() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    cloud.ok("PauseService", json!({ "ServiceArn": arn }));
    cloud.settle();
    assert_eq!(cloud.newest(&arn), pair("PAUSE_SERVICE", "SUCCEEDED"));
    assert_eq!(cloud.status(&arn), "PAUSED");
    assert_eq!(cloud.ok("_Running", json!({ "ServiceName": "shop-api" }))["Serving"], false);

    cloud.push("latest", "sha256:newer", unfetchable());
    cloud.ok("ResumeService", json!({ "ServiceArn": arn }));
    cloud.settle();
    assert_eq!(cloud.newest(&arn), pair("RESUME_SERVICE", "SUCCEEDED"));
    assert_eq!(cloud.status(&arn), "RUNNING");
    assert_eq!(cloud.digest("shop-api"), "sha256:good");
}

#[test]
fn pause_resume_and_delete_can_fail() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    let fail = |cloud: &mut Cloud, kind: &str, call: &str| {
        cloud.ok("_FailNext", json!({ "ServiceName": "shop-api", "OperationType": kind }));
        cloud.ok(call, json!({ "ServiceArn": arn }));
        cloud.settle();
        assert_eq!(cloud.newest(&arn), pair(kind, "FAILED"));
        cloud.status(&arn)
    };
    assert_eq!(fail(&mut cloud, "PAUSE_SERVICE", "PauseService"), "RUNNING");
    cloud.ok("PauseService", json!({ "ServiceArn": arn }));
    cloud.settle();
    assert_eq!(fail(&mut cloud, "RESUME_SERVICE", "ResumeService"), "PAUSED");
    assert_eq!(fail(&mut cloud, "DELETE_SERVICE", "DeleteService"), "DELETE_FAILED");
    cloud.ok("DeleteService", json!({ "ServiceArn": arn }));
    cloud.settle();
    assert_eq!(cloud.status(&arn), "DELETED", "a failed deletion can be tried again");
}

#[test]
fn maintenance_makes_the_service_busy_without_an_operation() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    cloud.ok("_Maintenance", json!({ "ServiceName": "shop-api", "Minutes": 3 }));
    assert_eq!(cloud.status(&arn), "OPERATION_IN_PROGRESS");
    let operations = cloud.ok("ListOperations", json!({ "ServiceArn": arn }));
    assert_eq!(operations["OperationSummaryList"].as_array().unwrap().len(), 1, "only the creation is listed");
    cloud.settle();
    assert_eq!(cloud.status(&arn), "RUNNING");
    assert_eq!(cloud.events(), ["OPERATION_IN_PROGRESS", "RUNNING"]);
}

#[test]
fn a_stuck_operation_stays_in_progress_until_it_comes_loose() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    cloud.ok("StartDeployment", json!({ "ServiceArn": arn }));
    cloud.pass(10);
    cloud.ok("_Stick", json!({ "ServiceName": "shop-api", "Minutes": 180 }));
    cloud.pass(7200);
    assert_eq!(cloud.newest(&arn), pair("START_DEPLOYMENT", "IN_PROGRESS"));
    cloud.settle();
    assert_eq!(cloud.newest(&arn), pair("START_DEPLOYMENT", "SUCCEEDED"));
}

#[test]
fn a_deleted_service_is_described_for_an_hour_and_not_listed() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    cloud.ok("DeleteService", json!({ "ServiceArn": arn }));
    cloud.settle();
    assert_eq!(cloud.newest(&arn), pair("DELETE_SERVICE", "SUCCEEDED"));
    assert_eq!(cloud.status(&arn), "DELETED");
    assert!(cloud.describe(&arn)["DeletedAt"].is_number());
    assert_eq!(cloud.ok("ListServices", json!({}))["ServiceSummaryList"], json!([]));
    cloud.running("shop-api");
    cloud.pass(3600);
    let (code, _) = cloud.refused("DescribeService", json!({ "ServiceArn": arn }));
    assert_eq!(code, "ResourceNotFoundException");
}

#[test]
fn a_code_service_builds_checks_and_falls_back_to_the_last_build() {
    let mut cloud = Cloud::new();
    let made = cloud.ok("CreateConnection", json!({ "ConnectionName": "hub1", "ProviderType": "GITHUB" }));
    cloud.ok("_ConnectionAvailable", json!({ "ConnectionName": "hub1" }));
    let repository = json!({
        "RepositoryUrl": "https://github.com/someone/shop",
        "SourceCodeVersion": { "Type": "BRANCH", "Value": "main" },
        "CodeConfiguration": { "ConfigurationSource": "REPOSITORY" },
    });
    let input = json!({ "ServiceName": "shop-code", "SourceConfiguration": {
        "CodeRepository": repository,
        "AuthenticationConfiguration": { "ConnectionArn": made["Connection"]["ConnectionArn"] },
    } });
    let answer = cloud.ok("CreateService", input);
    let arn = answer["Service"]["ServiceArn"].as_str().unwrap().to_owned();
    cloud.settle();
    assert_eq!(cloud.newest(&arn), pair("CREATE_SERVICE", "SUCCEEDED"));
    let running = |cloud: &mut Cloud| cloud.ok("_Running", json!({ "ServiceName": "shop-code" }));
    assert_eq!((&running(&mut cloud)["Digest"], &running(&mut cloud)["Branch"]), (&json!(null), &json!("main")));

    let unhealthy = json!({ "ServiceName": "shop-code", "Behaviour": { "healthy": false } });
    cloud.ok("_CodeBehaviour", unhealthy);
    assert_eq!(running(&mut cloud)["Behaviour"]["healthy"], true, "the running build is not touched");
    cloud.ok("StartDeployment", json!({ "ServiceArn": arn }));
    cloud.settle();
    assert_eq!(cloud.newest(&arn), pair("START_DEPLOYMENT", "ROLLBACK_SUCCEEDED"));
    assert_eq!(running(&mut cloud)["Behaviour"]["healthy"], true);

    cloud.ok("_CodeBehaviour", json!({ "ServiceName": "shop-code", "Behaviour": { "pull_fails": true } }));
    cloud.ok("StartDeployment", json!({ "ServiceArn": arn }));
    cloud.settle();
    assert_eq!(cloud.newest(&arn), pair("START_DEPLOYMENT", "FAILED"));
}

#[test]
fn a_tag_is_resolved_at_the_moment_of_the_pull_and_a_digest_stays() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    cloud.ok("StartDeployment", json!({ "ServiceArn": arn }));
    cloud.push("latest", "sha256:late", Behaviour::default());
    cloud.settle();
    assert_eq!(cloud.digest("shop-api"), "sha256:late", "the push came before the pull");

    let pinned = format!("{REPOSITORY}@sha256:good");
    cloud.ok("UpdateService", json!({ "ServiceArn": arn, "SourceConfiguration": source(&pinned) }));
    cloud.settle();
    assert_eq!(cloud.digest("shop-api"), "sha256:good");
    let both = format!("{REPOSITORY}:latest@sha256:good");
    cloud.ok("UpdateService", json!({ "ServiceArn": arn, "SourceConfiguration": source(&both) }));
    cloud.settle();
    assert_eq!(cloud.digest("shop-api"), "sha256:good", "a digest wins over a tag");
}

#[test]
fn an_access_role_that_lost_its_rights_fails_the_pull() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    cloud.outside.broken_roles = vec![ROLE.to_owned()];
    cloud.ok("StartDeployment", json!({ "ServiceArn": arn }));
    cloud.settle();
    assert_eq!(cloud.newest(&arn), pair("START_DEPLOYMENT", "FAILED"));
    assert_eq!(cloud.status(&arn), "RUNNING");
    assert_eq!(cloud.digest("shop-api"), "sha256:good");
}

#[test]
fn the_same_name_in_another_account_or_region_is_another_repository() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    for host in ["210987654321.dkr.ecr.eu-west-1", "123456789012.dkr.ecr.eu-west-2"] {
        let image = format!("{host}.amazonaws.com/shop:latest");
        cloud.ok("UpdateService", json!({ "ServiceArn": arn, "SourceConfiguration": source(&image) }));
        cloud.settle();
        assert_eq!(cloud.newest(&arn), pair("UPDATE_SERVICE", "FAILED"), "{image}");
        let copy = cloud.outside.repositories["shop"].clone();
        cloud.outside.repositories.insert(format!("{host}.amazonaws.com/shop"), copy);
        cloud.ok("UpdateService", json!({ "ServiceArn": arn, "SourceConfiguration": source(&image) }));
        cloud.settle();
        assert_eq!(cloud.newest(&arn), pair("UPDATE_SERVICE", "SUCCEEDED"), "{image}");
    }
}

#[test]
fn an_image_that_changes_its_ways_while_it_is_checked_is_seen_as_it_is_then() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    cloud.push("latest", "sha256:new", unhealthy());
    cloud.ok("StartDeployment", json!({ "ServiceArn": arn }));
    cloud.pass(30);
    cloud.outside.behaviours.insert("sha256:new".to_owned(), Behaviour::default());
    cloud.settle();
    assert_eq!(cloud.newest(&arn), pair("START_DEPLOYMENT", "SUCCEEDED"));
}
