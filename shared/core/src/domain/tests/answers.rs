//! What follows the answer to a call.

use super::world::World;
use crate::domain::{CallAnswer, Request, Trigger};
use crate::notice::Severity;

fn refused() -> CallAnswer {
    CallAnswer::Refused { code: "AccessDenied".into(), message: "not authorized".into() }
}

#[test]
fn a_call_that_was_not_made_is_tried_again_in_a_minute() {
    let mut world = World::new().answered(CallAnswer::NotMade("PriorRequestNotComplete".into()));
    assert_eq!(world.run()[2..], ["call Z1 x3", "record busy", "stop 60"]);
    assert!(world.seen.memory.intent.is_none() && world.notices.is_empty());
    world.later(60);
    assert!(world.run().contains(&"call Z1 x3".to_owned()));
}

#[test]
fn an_operator_is_told_when_nothing_was_done() {
    let throttled = CallAnswer::NotMade("Throttling".into());
    let mut world = World::new().woken(Trigger::Operator(Request::Apply)).answered(throttled);
    assert_eq!(world.run().last().unwrap(), "stop 60");
    assert!(world.last().happened.contains("ask again in a minute"));
}

#[test]
fn a_refusal_is_told_once_and_the_same_call_is_not_made_again_within_the_hour() {
    let mut world = World::new().answered(refused());
    assert_eq!(world.run()[2..], ["call Z1 x3", "record called +refused", "hold blocked"]);
    assert_eq!(world.last().severity, Severity::Warning);
    world.later(3_599);
    assert_eq!(world.run(), ["hold blocked"]);
    world.answer = Some(refused());
    world.later(1);
    assert_eq!(world.run(), ["record records-intent", "call Z1 x3", "record called", "hold blocked"], "told once only");
    world.later(3_600);
    assert!(world.run().contains(&"record called".to_owned()));
    assert!(!world.seen.memory.told.contains_key("refused"));
}

#[test]
fn an_operator_who_asks_again_does_not_wait_for_the_hour() {
    let mut world = World::new().answered(refused());
    world.run();
    world.later(60);
    world.seen.trigger = Trigger::Operator(Request::Apply);
    assert!(world.run().contains(&"call Z1 x3".to_owned()));
    assert_eq!(world.standing().len(), 3);
}

#[test]
fn an_operators_call_that_is_refused_is_not_made_in_a_circle() {
    let mut world = World::new().woken(Trigger::Operator(Request::Apply)).answered(refused());
    assert_eq!(world.run().last().unwrap(), "hold blocked");
    assert_eq!(world.calls.len(), 1);
}

#[test]
fn a_conflict_that_appeared_meanwhile_is_read_and_shown() {
    let conflict = CallAnswer::Refused { code: "InvalidChangeBatch".into(), message: "already exists".into() };
    let mut world = World::new().answered(conflict);
    let mut trace = Vec::new();
    while !trace.iter().any(|line: &String| line.starts_with("call")) {
        world.step(&mut trace).unwrap();
    }
    world = world.put(super::world::cname(super::world::SHOP, "other.example.org"));
    let trace = world.run();
    assert_eq!(trace[..3], ["record domain-blocked +conflict", "record records-intent", "call Z1 x2"]);
}
