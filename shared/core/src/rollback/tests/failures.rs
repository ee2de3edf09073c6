//! Operations that ended: released, reverted, failed, and what is eligible.

use super::world::{World, at, by_tag, configuration, digest, image, op, pinned};
use crate::ledger::{Pin, Verdict};
use crate::notice::Severity;
use crate::service::{Operation, OperationKind as K, OperationStatus as S, ServiceStatus, Source};

fn ended(kind: K, status: S) -> Operation {
    op("deploy", kind, status, 990, 998)
}

/// The newest deployment ended so; digest 2 was kept as its candidate.
fn deployment(status: S) -> World {
    World::new().operation(ended(K::StartDeployment, status)).candidate("deploy", 2, "a")
}

const ACTS: &str = "call deploy shop@010101010101 and switch automatic deployment off";

#[test]
fn a_deployment_that_succeeded_is_a_release_and_bakes() {
    let mut world = deployment(S::Succeeded);
    assert_eq!(world.settle(), ["look service", "look resolve", "record released", "hold nothing_new"]);
    let release = world.seen.memory.ledger.current().unwrap();
    assert_eq!((&release.digest, &release.verdict), (&Some(digest(2)), &Verdict::Baking { until: at(1028) }));
    assert_eq!(world.seen.memory.candidate, None);
    assert_eq!(world.seen.memory.ledger.releases[1].replaced_at, Some(at(998)));
}

#[test]
fn a_tag_that_moved_while_the_operation_ran_leaves_the_digest_unknown() {
    let mut world = deployment(S::Succeeded);
    world.tag_names = Some((digest(3), 995));
    world.settle();
    let release = world.seen.memory.ledger.current().unwrap().clone();
    assert_eq!(release.digest, None);
    assert!(world.receipts[0].saw.contains(&("digest".into(), "unknown".into())));
    // It can be rolled back from, and never to.
    let mut world = world.alarm("5xx", 1001).now(1001);
    assert_eq!(world.settle().last().unwrap(), ACTS);
}

#[test]
fn a_release_whose_start_was_missed_counts_only_where_the_image_was_there_before() {
    for (pushed, known) in [(989, Some(digest(2))), (991, None)] {
        let mut world = World::new().operation(ended(K::StartDeployment, S::Succeeded));
        world.tag_names = Some((digest(2), pushed));
        world.settle();
        assert_eq!(world.seen.memory.ledger.current().unwrap().digest, known, "pushed at {pushed}");
    }
}

#[test]
fn the_same_image_and_configuration_need_no_second_trial_and_another_configuration_does() {
    for (value, baking) in [("a", false), ("b", true)] {
        let mut world =
            World::new().operation(ended(K::UpdateService, S::Succeeded)).live(image(by_tag(), true), value);
        world.settle();
        assert_eq!(matches!(world.verdict(), Verdict::Baking { .. }), baking, "{value}");
        assert_eq!(world.seen.memory.ledger.current().unwrap().digest, Some(digest(1)));
    }
}

#[test]
fn a_release_that_was_followed_by_a_failure_before_we_looked_is_still_found() {
    let second = op("second", K::StartDeployment, S::RollbackSucceeded, 996, 999);
    let mut world = deployment(S::Succeeded).operation(second);
    assert_eq!(
        world.settle(),
        [
            "look service",
            "look resolve",
            "record released",
            "look logs second",
            "look tags",
            "record reverted-by-app-runner +deployment_reverted",
            "hold nothing_new"
        ]
    );
    assert_eq!(world.seen.memory.ledger.current().unwrap().digest, Some(digest(2)));
}

#[test]
fn a_reverted_deployment_is_told_with_what_is_armed_and_nothing_is_written() {
    let mut world = deployment(S::RollbackSucceeded);
    assert_eq!(
        world.settle(),
        [
            "look logs deploy",
            "look service",
            "look resolve",
            "look tags",
            "record reverted-by-app-runner +deployment_reverted",
            "hold nothing_new"
        ]
    );
    assert!(world.seen.memory.ledger.is_bad(&digest(2)));
    assert_eq!(world.outcomes(), ["Reverted Told"]);
    assert!(world.notices[0].todo.iter().any(|todo| todo.text.contains("still names the bad image")));
    assert!(world.intents.is_empty());
}

#[test]
fn a_tag_that_moved_on_is_not_armed_any_more() {
    let mut world = deployment(S::RollbackSucceeded);
    world.tag_names = Some((digest(3), 999));
    world.settle();
    assert!(!world.notices[0].todo.iter().any(|todo| todo.text.contains("still names")));
}

#[test]
fn a_reverted_configuration_marks_neither_the_serving_image_nor_its_tag() {
    for verdict in [Verdict::Good { since: at(34) }, Verdict::Unproven] {
        let mut world =
            World::new().operation(ended(K::UpdateService, S::RollbackSucceeded)).candidate("deploy", 1, "b");
        world.seen.memory.ledger.releases[0].verdict = verdict;
        world.seen.now = at(1000);
        let mut world = world.tag("pitcrew:pin-after-failure", "true");
        world.settle();
        assert!(!world.seen.memory.ledger.is_bad(&digest(1)));
        assert!(!world.notices[0].todo.iter().any(|todo| todo.text.contains("still names")));
        assert!(world.intents.is_empty());
    }
}

#[test]
fn a_revert_pins_only_where_the_owner_asked_for_it() {
    let mut world = deployment(S::RollbackSucceeded).tag("pitcrew:pin-after-failure", "true");
    let trace = world.settle();
    assert_eq!(
        trace[4..],
        [
            "record reverted-by-app-runner +deployment_reverted",
            "look exists shop@010101010101",
            "record intent +rollback_started",
            "look service",
            ACTS
        ]
    );
    let mut nothing_armed = deployment(S::RollbackSucceeded).tag("pitcrew:pin-after-failure", "true");
    nothing_armed.tag_names = Some((digest(1), -10));
    nothing_armed.settle();
    assert!(nothing_armed.intents.is_empty());
}

#[test]
fn a_failure_that_left_the_configuration_as_before_is_told() {
    let mut world = deployment(S::Failed);
    assert_eq!(
        world.settle(),
        [
            "look logs deploy",
            "look service",
            "record failed-configuration-as-before +operation_failed",
            "hold nothing_new"
        ]
    );
    assert_eq!(world.outcomes(), ["Failed Told"]);
}

#[test]
fn a_failure_after_a_release_that_still_bakes_leaves_that_release_alone() {
    let mut world =
        World::new().live(image(by_tag(), true), "b").operation(op("ok", K::UpdateService, S::Succeeded, 980, 984));
    world.settle();
    let mut world = world.operation(ended(K::StartDeployment, S::Failed)).candidate("deploy", 2, "b");
    world.woken_again("next", 1000);
    assert!(world.settle().contains(&"record failed-configuration-as-before +operation_failed".to_owned()));
    assert!(world.intents.is_empty());
}

#[test]
fn a_failure_that_left_the_configuration_drifted_is_rolled_back() {
    let mut world = deployment(S::Failed).live(image(by_tag(), true), "b");
    assert_eq!(
        world.settle(),
        [
            "look logs deploy",
            "look service",
            "look tags",
            "look exists shop@010101010101",
            "record failed-configuration-drifted +operation_failed +rollback_started",
            "look service",
            ACTS
        ]
    );
}

#[test]
fn a_rollback_of_app_runners_that_failed_on_a_running_service_is_rolled_back_by_us() {
    let mut world = World::new().operation(ended(K::UpdateService, S::RollbackFailed)).candidate("deploy", 2, "a");
    let mut world_pinned = world.clone().live(image(pinned(1), false), "a");
    assert_eq!(
        world.settle(),
        [
            "look logs deploy",
            "look service",
            "look tags",
            "look exists shop@010101010101",
            "record rollback-failed +operation_failed +rollback_started",
            "look service",
            ACTS
        ]
    );
    assert_eq!(world_pinned.settle().last().unwrap(), "call deploy shop@010101010101 once more");
}

#[test]
fn a_failed_rollback_on_a_service_that_does_not_run_is_paged() {
    let world = World::new().operation(ended(K::UpdateService, S::RollbackFailed)).candidate("deploy", 2, "a");
    let mut world = world.status(ServiceStatus::Paused);
    assert!(world.settle().contains(&"record rollback-failed +operation_failed".to_owned()));
    assert_eq!(world.outcomes(), ["RollbackFailed NeedsPerson"]);
    assert_eq!(world.notices[0].severity, Severity::Critical);
}

#[test]
fn a_service_that_is_still_settling_is_waited_for_before_it_is_judged() {
    for status in [S::RollbackFailed, S::Failed] {
        let world = World::new().operation(ended(K::UpdateService, status)).candidate("deploy", 2, "a");
        let mut world = world.status(ServiceStatus::OperationInProgress);
        assert_eq!(world.settle(), ["look logs deploy", "look service", "hold busy"]);
        assert!(world.receipts.is_empty());
    }
}

#[test]
fn the_operations_that_lead_nowhere_are_only_told() {
    for (kind, looks) in
        [(K::CreateService, true), (K::DeleteService, false), (K::PauseService, false), (K::ResumeService, false)]
    {
        let mut world = World::new().operation(ended(kind.clone(), S::Failed));
        let trace = world.settle();
        assert_eq!(trace[0] == "look logs deploy", looks, "{kind:?}");
        assert!(trace.contains(&"record operation-failed +operation_failed".to_owned()));
        assert_eq!(world.outcomes(), ["Failed Told"]);
    }
}

#[test]
fn older_failures_that_nobody_judged_are_each_told_once_and_lead_to_no_write() {
    let mut world = World::new();
    for (n, status) in [S::Failed, S::RollbackFailed, S::RollbackSucceeded].into_iter().enumerate() {
        let start = 900 + 10 * n as i64;
        world = world.operation(op(&format!("old{n}"), K::UpdateService, status, start, start + 5));
    }
    let mut world =
        world.operation(op("pause", K::PauseService, S::Succeeded, 990, 991)).live(image(by_tag(), true), "z");
    world.settle();
    let about: Vec<String> =
        world.receipts.iter().filter_map(|it| it.operation.as_ref()).map(ToString::to_string).collect();
    assert_eq!(about, ["old0", "old1", "old2", "pause"]);
    assert_eq!((world.notices.len(), world.intents.len()), (3, 0));
}

#[test]
fn an_image_that_is_proven_makes_the_configuration_the_suspect_and_names_what_changed() {
    let mut world = World::new().operation(ended(K::UpdateService, S::RollbackFailed)).candidate("deploy", 1, "b");
    assert_eq!(
        world.settle(),
        [
            "look logs deploy",
            "look service",
            "look tags",
            "record same-digest-configuration-suspect +operation_failed +rollback_failed",
            "hold nothing_new"
        ]
    );
    assert!(world.notices[1].happened.contains("env:MODE"), "{}", world.notices[1].happened);
    assert_eq!(world.outcomes(), ["RollbackFailed NeedsPerson"]);
}

#[test]
fn where_nothing_good_is_known_a_person_is_asked() {
    let world = World::new().operation(ended(K::UpdateService, S::RollbackFailed)).candidate("deploy", 2, "a");
    let mut gone = world.clone();
    gone.in_ecr = Some(vec![digest(2)]);
    let mut bad = world;
    bad.seen.memory.ledger.releases.clear();
    for world in [&mut gone, &mut bad] {
        assert!(world.settle().contains(&"record nothing-good-known +operation_failed +rollback_failed".to_owned()));
        assert!(
            world.notices[1].todo.iter().any(|todo| todo.command.as_deref().is_some_and(|it| it.contains("mark-good")))
        );
        assert_eq!(world.outcomes(), ["RollbackFailed NeedsPerson"]);
    }
}

#[test]
fn a_release_that_is_only_unproven_is_proposed() {
    let mut world = World::new().operation(ended(K::UpdateService, S::RollbackFailed)).candidate("deploy", 2, "a");
    world.seen.memory.ledger.releases[0].verdict = Verdict::Unproven;
    assert!(world.settle().contains(&"record withheld +operation_failed +proposal".to_owned()));
    assert_eq!((world.state(), world.intents.len()), ("proposed", 0));
}

#[test]
fn a_code_service_goes_to_its_stable_branch_or_is_told() {
    let code = |branch: &str| Source::Code { repository: "r".into(), branch: branch.into(), auto_deploy: Some(true) };
    let mut world = World::new().operation(ended(K::UpdateService, S::RollbackFailed)).live(code("main"), "a");
    world.seen.memory.ledger.releases[0].source = code("main");
    let mut without = world.clone();
    assert!(without.settle().contains(&"record nothing-good-known +operation_failed +rollback_failed".to_owned()));
    assert_eq!(without.notices[1].id.rsplit('/').next(), Some("code"));
    let mut with = world.tag("pitcrew:stable-branch", "stable");
    assert_eq!(with.settle().last().unwrap(), "call deploy the branch stable");
}

#[test]
fn what_may_not_be_done_is_proposed_or_only_told() {
    let base = || World::new().operation(ended(K::UpdateService, S::RollbackFailed)).candidate("deploy", 2, "a");
    let mut paused = base();
    paused.seen.account.pause = Some(crate::memory::Pause { since: at(1), by: "ann".into(), reason: String::new() });
    let mut breaker = base();
    breaker.seen.account.breaker.count("another", at(999));
    let mut answered = base();
    answered.seen.memory.ledger.answer(Some(&digest(2)), &crate::id::OperationId::new("earlier"));
    let cases = [
        (paused, "record withheld +operation_failed +proposal", "proposed"),
        (base().tag("pitcrew:hold", "true"), "record withheld +operation_failed +proposal", "proposed"),
        (base().tag("pitcrew:rollback", "observe"), "record withheld +operation_failed +proposal", "proposed"),
        (base().tag("pitcrew:autonomy", "propose"), "record withheld +operation_failed +proposal", "proposed"),
        (base().tag("pitcrew:rollback", "off"), "record withheld +operation_failed +proposal", "none"),
        (breaker, "record withheld +operation_failed +crew +proposal", "proposed"),
        (answered, "record withheld +operation_failed +proposal", "proposed"),
    ];
    for (mut world, record, state) in cases {
        let trace = world.settle();
        assert!(trace.contains(&record.to_owned()), "{trace:?}");
        assert_eq!((world.state(), world.intents.len()), (state, 0));
    }
}

#[test]
fn what_cannot_be_read_keeps_the_incident_open_and_tells_the_failure_once() {
    let base = || World::new().operation(ended(K::UpdateService, S::RollbackFailed)).candidate("deploy", 2, "a");
    let (mut tags, mut ecr) = (base(), base());
    tags.tags = None;
    ecr.in_ecr = None;
    for world in [&mut tags, &mut ecr] {
        let trace = world.settle();
        assert_eq!(trace[trace.len() - 2..], ["record rollback-failed +operation_failed", "stop 60"]);
        world.woken_again("next", 1001);
        assert_eq!(world.settle().last().unwrap(), "hold blind");
        assert_eq!((world.state(), world.notices.len(), world.intents.len()), ("open", 1, 0));
    }
    ecr.woken_again("next", 1015);
    assert!(ecr.settle().contains(&"record nothing-good-known +rollback_failed".to_owned()));
    tags.tags = Some(Default::default());
    tags.woken_again("next", 1015);
    assert_eq!(tags.settle().last().unwrap(), ACTS);
}

#[test]
fn a_pinned_service_that_is_rolled_back_again_keeps_what_its_owner_had() {
    let pin = Pin {
        since: at(5),
        incident: "I-0".into(),
        image: pinned(1),
        image_before: by_tag(),
        auto_deploy_before: true,
    };
    let mut world = World::new().live(image(pinned(5), false), "a");
    world.seen.memory.pin = Some(pin);
    world.seen.memory.ledger.releases[0].fingerprint = configuration("a");
    let mut world = world.operation(ended(K::UpdateService, S::RollbackFailed)).candidate("deploy", 5, "a");
    assert_eq!(world.settle().last().unwrap(), ACTS);
    let ours = op("ours", K::UpdateService, S::Succeeded, 1001, 1004);
    let mut world = world.operation(ours).live(image(pinned(1), false), "a");
    world.woken_again("next", 1005);
    world.settle();
    let pin = world.seen.memory.pin.unwrap();
    assert_eq!((pin.image_before, pin.auto_deploy_before), (by_tag(), true));
}

#[test]
fn of_two_releases_that_nobody_saw_only_the_newer_is_known() {
    let first = op("first", K::StartDeployment, S::Succeeded, 980, 984);
    let mut world = World::new().operation(first).operation(ended(K::StartDeployment, S::Succeeded));
    world.tag_names = Some((digest(2), 970));
    assert_eq!(
        world.settle(),
        ["record released", "look service", "look resolve", "record released", "hold nothing_new"]
    );
    let ledger = &world.seen.memory.ledger;
    assert_eq!((ledger.of_operation(&world.seen.operations[1].id), ledger.releases.len()), (None, 2));
}
