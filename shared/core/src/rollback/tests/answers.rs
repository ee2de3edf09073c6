//! What App Runner answered to the one call: the table of `answer.rs`.

use super::world::World;
use crate::id::OperationId;
use crate::rollback::Request;
use crate::rollback::Trigger;
use crate::rollback::answer::CallAnswer;

fn answered(answer: CallAnswer) -> (World, Vec<String>) {
    let mut world = World::new().baking(2).alarm("5xx", 999).answered(answer);
    let trace = world.settle();
    let from = trace.iter().position(|line| line.starts_with("call")).unwrap();
    (world, trace[from + 1..].to_vec())
}

#[test]
fn an_operation_is_followed() {
    let (world, trace) = answered(CallAnswer::Started(OperationId::new("OU-RS")));
    assert_eq!(trace, ["record called", "stop 0"]);
    assert_eq!(world.seen.memory.incident.unwrap().our_operation(), Some(&OperationId::new("ours")));
    assert_eq!(world.receipts[1].did.as_deref(), Some("App Runner started operation ours"));
}

#[test]
fn nothing_changed_and_a_refusal_need_a_person() {
    let refused = CallAnswer::Refused { code: "AccessDeniedException".into(), message: "no".into() };
    for answer in [CallAnswer::NothingChanged, refused] {
        let (world, trace) = answered(answer);
        assert_eq!(trace[0], "record called +rollback_failed");
        assert_eq!(world.outcomes(), ["BadRelease NeedsPerson"]);
        let mut world = world.alarm("latency", 1001).now(1002);
        world.woken_again("next", 1002);
        world.settle();
        assert_eq!(world.intents.len(), 1, "it had its one call");
    }
}

#[test]
fn a_call_that_was_not_made_is_tried_again_and_told_once() {
    for answer in [CallAnswer::Busy("OPERATION_IN_PROGRESS".into()), CallAnswer::NotMade("throttled".into())] {
        let (mut world, trace) = answered(answer);
        assert_eq!(trace, ["record busy", "stop 60"]);
        assert_eq!(world.state(), "open");
        world.woken_again("next", 1001);
        world.answer = Some(CallAnswer::Started(OperationId::new("ours")));
        assert_eq!(world.settle().last().unwrap(), "stop 0");
        assert_eq!(world.seen.account.breaker.recent.len(), 1, "an incident is counted once");
        let ids: std::collections::BTreeSet<&str> = world.notices.iter().map(|notice| notice.id.as_str()).collect();
        assert_eq!(ids.len(), 1, "the start has one identity, however often it is tried");
    }
}

#[test]
fn a_lost_answer_is_settled_by_reading_and_never_by_calling_at_once() {
    let (mut world, trace) = answered(CallAnswer::Lost("timeout".into()));
    assert_eq!(trace, ["record called", "stop 75"]);
    assert_eq!(world.state(), "intended");
    assert_eq!(world.settle(), ["hold intent_pending"], "not even the invocation that lost it calls again");
    world.woken_again("next", 1002);
    assert!(
        world.settle().last().unwrap().starts_with("call "),
        "after a minute without an operation it never arrived"
    );
}

#[test]
fn an_operators_command_that_met_a_busy_service_is_given_back() {
    let mut world = World::new().baking(2).woken(Trigger::Operator(Request::Rollback { to: None }));
    world.answer = Some(CallAnswer::Busy("OPERATION_IN_PROGRESS".into()));
    let trace = world.settle();
    assert!(trace.contains(&"record busy +rollback_failed".to_owned()), "{trace:?}");
    assert_eq!(world.outcomes(), ["Manual NeedsPerson"]);
    world.woken_again("next", 1002);
    world.settle();
    assert_eq!(world.intents.len(), 1, "it is not made an automatic rollback later");
}

#[test]
fn a_call_that_cannot_be_made_for_two_hours_is_given_up_and_a_busy_service_is_not() {
    for (answer, given_up) in
        [(CallAnswer::NotMade("throttled".into()), true), (CallAnswer::Busy("busy".into()), false)]
    {
        let (mut world, _) = answered(answer.clone());
        world.seen.trigger = Trigger::Event;
        world.woken_again("next", 1120);
        world.answer = Some(answer);
        world.settle();
        assert_eq!(world.outcomes().len(), usize::from(given_up));
    }
}
