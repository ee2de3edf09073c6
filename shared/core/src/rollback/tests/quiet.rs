//! Nothing to do, first sight, running operations, states and pins.

use super::world::{World, at, by_tag, digest, image, op, pinned};
use crate::id::OperationId;
use crate::ledger::{Pin, Verdict};
use crate::memory::Memory;
use crate::rollback::{Decision, Hold, Trigger, decide};
use crate::service::{OperationKind as K, OperationStatus as S, ServiceStatus};

fn unseen() -> World {
    let mut world = World::new();
    world.seen.memory = Memory::default();
    world
}

fn pinned_world() -> World {
    let mut world = World::new().live(image(pinned(1), false), "a");
    world.seen.memory.ledger.releases[0].source = image(pinned(1), false);
    world.seen.memory.pin = Some(Pin {
        since: at(500),
        incident: "I-1".into(),
        image: pinned(1),
        image_before: by_tag(),
        auto_deploy_before: true,
    });
    world
}

#[test]
fn nothing_new_changes_nothing() {
    let mut world = World::new();
    let before = world.seen.memory.clone();
    assert_eq!(world.settle(), ["look service", "hold nothing_new"]);
    assert_eq!(world.seen.memory, before);
}

#[test]
fn a_service_that_never_had_an_operation_is_left_alone() {
    let mut world = unseen();
    world.seen.operations.clear();
    assert_eq!(world.settle(), ["hold nothing_new"]);
}

#[test]
fn the_first_sight_seeds_what_runs_as_unproven_and_tells_no_past() {
    let mut world = unseen().operation(op("failed", K::StartDeployment, S::RollbackSucceeded, 10, 20));
    assert_eq!(world.settle(), ["look service", "look resolve", "record seeded", "hold nothing_new"]);
    let current = world.seen.memory.ledger.current().unwrap();
    assert_eq!((current.digest.clone(), &current.verdict), (Some(digest(1)), &Verdict::Unproven));
    assert!(current.counts_as_good(at(1500)) && !current.counts_as_good(at(1000)), "after it served for a day");
}

#[test]
fn the_first_sight_knows_no_digest_that_was_pushed_after_the_last_operation_that_surely_pulled() {
    // The update succeeded after the push, but it may have changed the configuration alone.
    let mut world = unseen().operation(op("update", K::UpdateService, S::Succeeded, 300, 304));
    world.tag_names = Some((digest(2), 200));
    world.settle();
    assert_eq!(world.seen.memory.ledger.current().unwrap().digest, None);
}

#[test]
fn the_first_sight_of_a_service_that_app_runner_left_half_done_seeds_nothing() {
    let mut world = unseen().operation(op("broken", K::UpdateService, S::RollbackFailed, 300, 304));
    assert_eq!(world.settle(), ["look service", "record seeded", "hold nothing_new"]);
    assert_eq!(world.seen.memory.ledger.current(), None);
}

#[test]
fn the_first_operation_of_a_new_service_is_judged_and_one_of_last_month_is_past() {
    let failed = |end| {
        let mut world = unseen().status(ServiceStatus::CreateFailed);
        world.seen.operations = vec![op("create", K::CreateService, S::Failed, end - 4, end)];
        world
    };
    assert_eq!(
        failed(995).settle(),
        [
            "look service",
            "record seeded",
            "look logs create",
            "record operation-failed +operation_failed",
            "hold nothing_new"
        ]
    );
    assert_eq!(failed(-50_000).settle(), ["look service", "record seeded", "hold nothing_new"]);
}

#[test]
fn a_running_operation_is_kept_in_mind_and_held_for() {
    for status in [S::Pending, S::InProgress, S::RollbackInProgress, S::Unknown("NEW".into())] {
        let mut world = World::new().operation(op("run", K::StartDeployment, status, 995, 0));
        world.tag_names = Some((digest(2), 990));
        assert_eq!(world.settle(), ["look service", "look resolve", "record candidate", "hold operation_running"]);
        let kept = world.seen.memory.candidate.clone().unwrap();
        assert_eq!((kept.operation, kept.digest), (OperationId::new("run"), Some(digest(2))));
        assert_eq!(world.settle(), ["hold operation_running"], "it is kept once");
    }
}

#[test]
fn an_update_of_the_configuration_alone_is_not_resolved() {
    let mut world = World::new().operation(op("run", K::UpdateService, S::InProgress, 995, 0));
    world.tag_names = Some((digest(2), 990));
    assert_eq!(world.settle(), ["look service", "record candidate", "hold operation_running"]);
    assert_eq!(world.seen.memory.candidate.unwrap().digest, Some(digest(1)), "what served goes on serving");
}

#[test]
fn an_operation_that_does_not_end_is_paged_once() {
    let mut world = World::new().operation(op("run", K::PauseService, S::InProgress, 879, 0));
    assert_eq!(world.settle(), ["record stuck +stuck", "hold operation_running"]);
    assert_eq!(world.settle(), ["hold operation_running"]);
    assert_eq!(
        World::new().operation(op("run", K::PauseService, S::InProgress, 881, 0)).settle(),
        ["hold operation_running"]
    );
}

#[test]
fn a_service_that_is_busy_without_an_operation_is_held_for_and_paged_once() {
    let mut world = World::new().status(ServiceStatus::OperationInProgress);
    assert_eq!(world.settle(), ["look service", "record busy", "hold busy"]);
    world.woken_again("next", 1119);
    assert_eq!(world.settle(), ["look service", "hold busy"]);
    world.woken_again("next", 1120);
    assert_eq!(world.settle(), ["look service", "record stuck +stuck", "hold busy"]);
    world.service.as_mut().unwrap().status = ServiceStatus::Running;
    world.woken_again("next", 1121);
    assert_eq!(world.settle(), ["look service", "record routine", "hold nothing_new"]);
}

#[test]
fn a_state_that_no_operation_explains_is_told_once() {
    for status in [ServiceStatus::Paused, ServiceStatus::CreateFailed, ServiceStatus::DeleteFailed] {
        let mut world = World::new().status(status);
        assert_eq!(
            world.settle(),
            ["look service", "record status-without-operation +service_state", "hold nothing_new"]
        );
        world.woken_again("next", 1005);
        assert_eq!(world.settle(), ["look service", "hold nothing_new"]);
    }
}

#[test]
fn a_pause_and_a_resume_that_failed_explain_a_paused_service() {
    let paused =
        World::new().operation(op("pause", K::PauseService, S::Succeeded, 990, 994)).status(ServiceStatus::Paused);
    assert_eq!(paused.clone().settle(), ["record routine", "look service", "hold nothing_new"]);
    let mut resumed = paused.operation(op("resume", K::ResumeService, S::Failed, 995, 996));
    let trace =
        ["record older-operation", "record operation-failed +operation_failed", "look service", "hold nothing_new"];
    assert_eq!(resumed.settle(), trace);
}

#[test]
fn a_service_that_is_gone_ends_its_incident_and_is_told_once() {
    let mut world = World::new().baking(2).alarm("5xx", 1000).tag("pitcrew:rollback", "propose");
    world.settle();
    assert_eq!(world.state(), "proposed");
    world.woken_again("next", 1010);
    world.seen.gone = true;
    world.seen.operations.clear();
    assert_eq!(world.settle(), ["record deleted +service_state", "hold gone"]);
    assert_eq!(world.outcomes(), ["BadRelease ServiceDeleted"]);
    let mut never_known = unseen();
    never_known.seen.gone = true;
    assert_eq!(
        decide(&never_known.seen, &never_known.settings),
        Ok(Decision::Hold { reason: Hold::Gone, wake_after_secs: None })
    );
}

#[test]
fn a_push_to_the_tag_of_a_pinned_service_is_told_once() {
    for trigger in [Trigger::Push, Trigger::Sweep] {
        let mut world = pinned_world().woken(trigger);
        world.tag_names = Some((digest(3), 998));
        assert!(world.settle().contains(&"record pin +pin".to_owned()));
        assert!(!world.settle().iter().any(|line| line.contains("+pin")));
    }
}

#[test]
fn what_the_tag_named_before_the_pin_is_no_push() {
    let mut world = pinned_world().woken(Trigger::Sweep);
    world.tag_names = Some((digest(1), -10));
    assert_eq!(world.settle(), ["look alarms", "look service", "look resolve", "hold nothing_new"]);
}

#[test]
fn an_image_that_somebody_else_set_ends_the_pin() {
    let mut world = pinned_world()
        .operation(op("theirs", K::UpdateService, S::Succeeded, 990, 994))
        .live(image(by_tag(), true), "a");
    world.tag_names = Some((digest(2), 980));
    assert_eq!(world.settle(), ["look service", "look resolve", "record released +pin", "hold nothing_new"]);
    assert_eq!(world.seen.memory.pin, None);
    assert!(world.intents.is_empty());
}
