//! What holds whatever is called, pushed and waited for, on both sides of every switch.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::outside::Behaviour;
use crate::switches::{EarlyFailure, FailedEvent, NestedUpdate, Switches, UpdatePaused};

use super::{Cloud, REPOSITORY, crashing, create, source, unfetchable, unhealthy};

#[derive(Clone, Debug)]
enum Step {
    Call(&'static str),
    Update(&'static str),
    Push(&'static str, Behaviour),
    Maintenance,
    FailNext(&'static str),
    Pass(i64),
}

fn behaviour() -> impl Strategy<Value = Behaviour> {
    prop_oneof![
        3 => Just(Behaviour::default()),
        1 => Just(unhealthy()),
        1 => Just(crashing(1)),
        1 => Just(unfetchable()),
        1 => Just(Behaviour { rollback_fails: true, ..unhealthy() }),
    ]
}

fn tag() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["latest", "v1", "v2"])
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => prop::sample::select(vec!["StartDeployment", "PauseService", "ResumeService"]).prop_map(Step::Call),
        1 => Just(Step::Call("DeleteService")),
        3 => tag().prop_map(Step::Update),
        3 => (tag(), behaviour()).prop_map(|(tag, behaviour)| Step::Push(tag, behaviour)),
        1 => Just(Step::Maintenance),
        1 => prop::sample::select(vec!["PAUSE_SERVICE", "RESUME_SERVICE", "DELETE_SERVICE"]).prop_map(Step::FailNext),
        5 => (0_i64..700).prop_map(Step::Pass),
    ]
}

fn switches() -> impl Strategy<Value = Switches> {
    (any::<[bool; 4]>()).prop_map(|[early, nested, failed, paused]| Switches {
        early_failure: if early { EarlyFailure::RollbackSucceeded } else { EarlyFailure::Failed },
        nested_update: if nested { NestedUpdate::Replace } else { NestedUpdate::Merge },
        failed_event: if failed { FailedEvent::AfterRollback } else { FailedEvent::AtDetection },
        update_paused: if paused { UpdatePaused::Allow } else { UpdatePaused::Refuse },
        ..Switches::default()
    })
}

/// Does one step. A refusal is an answer like any other here, as long as it is one of App Runner's.
fn act(cloud: &mut Cloud, arn: &str, n: usize, step: &Step) {
    let answer = match step {
        Step::Call(operation) => cloud.call(operation, json!({ "ServiceArn": arn })),
        Step::Update(tag) => {
            let mut source = source(&format!("{REPOSITORY}:{tag}"));
            source["AutoDeploymentsEnabled"] = json!(true);
            cloud.call("UpdateService", json!({ "ServiceArn": arn, "SourceConfiguration": source }))
        }
        Step::Push(tag, behaviour) => {
            let digest = format!("sha256:{n}");
            cloud.push(tag, &digest, behaviour.clone());
            cloud.call("_ImagePushed", json!({ "Repository": "shop", "Tag": tag, "Digest": digest }))
        }
        Step::Maintenance => cloud.call("_Maintenance", json!({ "ServiceName": "shop-api", "Minutes": 4 })),
        Step::FailNext(kind) => cloud.call("_FailNext", json!({ "ServiceName": "shop-api", "OperationType": kind })),
        Step::Pass(secs) => {
            cloud.pass(*secs);
            return;
        }
    };
    if let Err(error) = answer {
        let known = ["InvalidRequestException", "InvalidStateException", "ResourceNotFoundException"];
        assert!(known.contains(&error.code.as_str()), "{step:?}: {error:?}");
    }
}

fn operations(cloud: &mut Cloud, arn: &str) -> Vec<Value> {
    cloud.ok("ListOperations", json!({ "ServiceArn": arn }))["OperationSummaryList"].as_array().unwrap().clone()
}

/// A service is busy exactly as long as it has a job, and at most its newest operation is open.
fn check(cloud: &mut Cloud, arn: &str) {
    let busy = cloud.status(arn) == "OPERATION_IN_PROGRESS";
    assert_eq!(busy, cloud.apprunner.services.get(arn).unwrap().job.is_some());
    for (n, operation) in operations(cloud, arn).iter().enumerate() {
        let open = ["PENDING", "IN_PROGRESS", "ROLLBACK_IN_PROGRESS"].contains(&operation["Status"].as_str().unwrap());
        assert_eq!(open, operation.get("EndedAt").is_none(), "{operation}");
        assert!(!open || (n == 0 && busy), "operation {n} is open: {operation}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_calls_and_pushes_leaves_a_service_stuck_or_an_operation_untold(
        switches in switches(),
        first in behaviour(),
        steps in prop::collection::vec(step(), 1..25),
    ) {
        let mut cloud = Cloud::with(switches);
        cloud.push("latest", "sha256:first", first);
        let arn = cloud.ok("CreateService", create("shop-api"))["Service"]["ServiceArn"].as_str().unwrap().to_owned();
        for (n, step) in steps.iter().enumerate() {
            act(&mut cloud, &arn, n, step);
            // Before anything else touches the service.
            prop_assert_eq!(cloud.apprunner.services.agenda(), &cloud.apprunner.services.searched());
            let gone = cloud.call("DescribeService", json!({ "ServiceArn": arn })).is_err();
            if gone {
                return Ok(());
            }
            check(&mut cloud, &arn);
        }
        cloud.settle();
        check(&mut cloud, &arn);
        prop_assert_ne!(cloud.status(&arn), "OPERATION_IN_PROGRESS");
        let listed = operations(&mut cloud, &arn).len();
        let told = |end: &str| cloud.events().iter().filter(|event| event.ends_with(end)).count();
        prop_assert_eq!(told("Started"), listed);
        prop_assert_eq!(told("CompletedSuccessfully") + told("Failed"), listed);
    }
}
