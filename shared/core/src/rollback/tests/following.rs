//! Our own intents and operations, to their end: the table of `follow.rs`.

use super::world::{World, at, by_tag, digest, image, op, pinned};
use crate::id::OperationId;
use crate::ledger::Verdict;
use crate::memory::Pause;
use crate::rollback::answer::CallAnswer;
use crate::rollback::{Request, Trigger};
use crate::service::{OperationKind as K, OperationStatus as S, ServiceStatus};

const ACTS: &str = "call deploy shop@010101010101 and switch automatic deployment off";

/// The intent is written and read again; the world stands before the call.
fn intended() -> World {
    let mut world = World::new().baking(2).alarm("5xx", 999);
    assert_eq!(world.settle().last().unwrap(), ACTS);
    world
}

/// The call was made and its operation `ours` is known.
fn confirming(status: S) -> World {
    let mut world = World::new().baking(2).alarm("5xx", 999).answered(CallAnswer::Started(OperationId::new("ours")));
    assert_eq!(world.settle().last().unwrap(), "stop 0");
    let mut world =
        world.operation(op("ours", K::UpdateService, status, 1000, 1004)).live(image(pinned(1), false), "a");
    world.woken_again("next", 1005);
    world
}

fn paused() -> Option<Pause> {
    Some(Pause { since: at(1), by: "ann".into(), reason: String::new() })
}

#[test]
fn another_invocation_leaves_a_fresh_intent_alone_and_renews_an_old_one() {
    let mut world = intended();
    world.woken_again("other", 1000);
    assert_eq!(world.settle(), ["look service", "hold intent_pending"]);
    world.woken_again("other", 1001);
    let trace = world.settle();
    let target = "look exists shop@010101010101";
    assert_eq!(trace, ["look service", "record intent", "look tags", target, "record intent", "look service", ACTS]);
    let fences: Vec<(u64, &str)> = world.intents.iter().map(|intent| (intent.fence, intent.holder.as_str())).collect();
    assert_eq!(fences, [(2, "me"), (4, "other")]);
    assert_eq!(world.notices.len(), 1, "the start is told once, whoever calls");
    assert_eq!(
        world.seen.account.breaker.recent,
        [(at(1001), world.seen.memory.incident.unwrap().id)],
        "and is counted anew"
    );
}

#[test]
fn an_invocation_that_slept_too_long_does_not_call() {
    let mut world = intended();
    world.seen.now = at(1000) + jiff::SignedDuration::from_secs(11);
    assert_eq!(world.settle(), ["hold intent_pending"]);
}

#[test]
fn an_old_intent_whose_target_left_ecr_is_chosen_again() {
    let mut world = intended();
    world.in_ecr = Some(vec![digest(2)]);
    world.woken_again("other", 1002);
    let trace = world.settle();
    assert!(trace.contains(&"record nothing-good-known +rollback_failed".to_owned()), "{trace:?}");
    assert_eq!(world.outcomes(), ["BadRelease NeedsPerson"]);
}

#[test]
fn the_switches_are_read_again_before_a_renewed_call() {
    let cases: [fn(&mut World); 4] = [
        |world| world.seen.account.pause = paused(),
        |world| *world = world.clone().tag("pitcrew:hold", "true"),
        |world| *world = world.clone().tag("pitcrew:rollback", "observe"),
        |world| world.tags = None,
    ];
    for (n, switch) in cases.into_iter().enumerate() {
        let mut world = intended();
        switch(&mut world);
        world.woken_again("other", 1001);
        let trace = world.settle();
        assert!(!trace.iter().any(|line| line.starts_with("call")), "case {n}: {trace:?}");
        assert_eq!(world.state(), if n == 3 { "open" } else { "proposed" });
    }
}

#[test]
fn a_pause_between_intent_and_call_makes_it_a_proposal() {
    let mut world = intended();
    world.seen.account.pause = paused();
    assert_eq!(world.settle(), ["record withheld +proposal", "hold proposed"]);
    assert_eq!(world.state(), "proposed");
}

#[test]
fn an_operation_that_carries_our_intent_is_adopted_and_not_started_again() {
    let world = intended().operation(op("lost", K::UpdateService, S::InProgress, 1000, 0));
    let mut world = world.live(image(pinned(1), false), "a");
    world.woken_again("other", 1005);
    assert_eq!(world.settle(), ["look service", "record adopted", "hold ours_running"]);
    assert_eq!((world.state(), world.intents.len()), ("confirming", 1));
}

#[test]
fn any_other_newer_operation_makes_us_stand_down() {
    let theirs = op("theirs", K::StartDeployment, S::InProgress, 1000, 0);
    let other_image = op("theirs", K::UpdateService, S::InProgress, 1000, 0);
    for newer in [vec![theirs.clone()], vec![other_image.clone()], vec![other_image, theirs]] {
        let mut world = newer.into_iter().fold(intended(), World::operation);
        world.tag_names = Some((digest(3), 999));
        world.woken_again("me", 1000);
        let trace = world.settle();
        assert_eq!(trace[..2], ["look service", "record stood-down +stood_down"]);
        assert_eq!((world.outcomes(), world.state()), (vec!["BadRelease StoodDown".to_owned()], "none"));
    }
}

#[test]
fn a_service_that_cannot_be_updated_any_more_ends_the_intent() {
    let mut world = intended().status(ServiceStatus::DeleteFailed);
    world.woken_again("me", 1000);
    assert_eq!(world.settle()[..2], ["look service", "record stood-down +stood_down"]);
}

#[test]
fn our_operation_is_waited_for_and_paged_once_when_it_does_not_end() {
    let mut world = confirming(S::InProgress);
    assert_eq!(world.settle(), ["hold ours_running"]);
    world.woken_again("next", 1120);
    assert_eq!(world.settle(), ["record stuck +stuck", "stop 0"]);
    assert_eq!(world.settle(), ["hold ours_running"]);
}

#[test]
fn an_operation_of_ours_that_is_not_listed_is_waited_for_but_not_for_ever() {
    let mut world = confirming(S::InProgress);
    world.seen.operations.remove(0);
    assert_eq!(world.settle(), ["hold ours_running"]);
    world.woken_again("next", 1120);
    assert_eq!(world.settle()[0], "record stuck +rollback_failed");
    assert_eq!(world.outcomes(), ["BadRelease NeedsPerson"]);
}

#[test]
fn our_success_pins_the_service_and_keeps_the_earlier_verdict() {
    let mut world = confirming(S::Succeeded);
    assert_eq!(world.settle()[..2], ["look service", "record ours-succeeded +rollback_succeeded"]);
    let release = world.seen.memory.ledger.current().unwrap();
    assert_eq!((release.digest.clone(), &release.verdict), (Some(digest(1)), &Verdict::Good { since: at(34) }));
    let pin = world.seen.memory.pin.clone().unwrap();
    assert_eq!((pin.image, pin.image_before, pin.auto_deploy_before), (pinned(1), by_tag(), true));
    assert_eq!(world.outcomes(), ["BadRelease RolledBack"]);
    let told = world.notices.len();
    world.woken_again("again", 1006);
    world.settle();
    assert_eq!(world.notices.len(), told, "a second delivery tells nothing");
}

#[test]
fn our_failure_is_paged_and_the_same_digest_never_gets_a_second_rollback() {
    for status in [S::Failed, S::RollbackFailed, S::RollbackSucceeded] {
        let mut world = confirming(status).live(image(by_tag(), true), "a");
        assert_eq!(world.settle()[..2], ["look logs ours", "record ours-failed +rollback_failed"]);
        assert_eq!(world.outcomes(), ["BadRelease NeedsPerson"]);
        // The alarm goes on and off within the window: the release's turn is over.
        let mut world = world.alarm("5xx", 1010).now(1011);
        world.woken_again("next", 1011);
        world.settle();
        // The owner deploys the same digest once more, and it fails its watch again: in another incident, and still once.
        let again = op("again", K::StartDeployment, S::Succeeded, 1020, 1024);
        let mut world = world.operation(again).candidate("again", 2, "a").alarm("5xx", 1026);
        world.woken_again("next", 1027);
        let trace = world.settle();
        assert!(trace.contains(&"record withheld +proposal".to_owned()), "{trace:?}");
        assert_eq!(world.intents.len(), 1);
    }
}

#[test]
fn a_success_that_somebody_followed_up_leaves_the_service_to_them() {
    let world = confirming(S::Succeeded).operation(op("fix", K::UpdateService, S::Succeeded, 1005, 1009));
    let mut world = world.live(image(by_tag(), true), "a").woken(Trigger::Sweep);
    world.tag_names = Some((digest(3), 1002));
    world.woken_again("next", 1010);
    let trace = world.settle();
    assert!(trace.contains(&"record ours-succeeded +rollback_succeeded".to_owned()), "{trace:?}");
    assert!(trace.contains(&"record released +pin".to_owned()), "{trace:?}");
    assert_eq!(world.seen.memory.pin, None);
    assert_eq!(world.intents.len(), 1);
}

#[test]
fn an_operators_call_is_given_back_when_the_account_was_paused_meanwhile() {
    let switches: [fn(&mut World); 2] =
        [|world| world.seen.account.pause = paused(), |world| *world = world.clone().tag("pitcrew:hold", "true")];
    for switch in switches {
        let request = Trigger::Operator(Request::Rollback { to: None });
        let mut world = World::new().baking(2).woken(request);
        assert_eq!(world.settle().last().unwrap(), ACTS);
        switch(&mut world);
        world.woken_again("other", 1001);
        let trace = world.settle();
        assert!(trace.contains(&"record withheld +rollback_failed".to_owned()), "{trace:?}");
        assert_eq!(world.outcomes(), ["Manual NeedsPerson"]);
    }
}

#[test]
fn an_intent_is_never_called_on_a_list_that_was_not_read() {
    let mut world = intended();
    world.seen.operations.clear();
    assert_eq!(world.settle(), ["hold blind"]);
}

#[test]
fn a_call_that_never_arrives_is_given_up_after_two_hours() {
    let mut world = intended();
    world.woken_again("other", 1120);
    assert_eq!(world.settle()[..2], ["look service", "record intent +rollback_failed"]);
    assert_eq!(world.outcomes(), ["BadRelease NeedsPerson"]);
}

#[test]
fn an_operators_call_that_never_arrived_is_made_again_while_ecr_holds_the_image() {
    for (held, last) in [(vec![digest(1)], ACTS), (Vec::new(), "hold nothing_new")] {
        let mut world = World::new().baking(2).woken(Trigger::Operator(Request::Rollback { to: None }));
        world.settle();
        world.seen.trigger = Trigger::Event;
        world.in_ecr = Some(held);
        world.woken_again("other", 1001);
        assert_eq!(world.settle().last().unwrap(), last);
    }
}
