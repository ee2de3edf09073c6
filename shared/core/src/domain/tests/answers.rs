//! What follows the answer to a call.

use super::world::World;
use crate::dns::record::RecordType;
use crate::domain::{Act, CallAnswer, DomainStatus, Request, Trigger};
use crate::notice::Severity;

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
    let mut world = World::new();
    world.refuses = Some(|_| true);
    let tries = |world: &World| world.calls.len();
    assert_eq!(world.run()[2..4], ["call Z1 x3", "record called +refused"]);
    assert_eq!((tries(&world), world.notices.len()), (3, 1), "the whole, the proofs and the target; told once");
    assert_eq!(world.last().severity, Severity::Warning);
    world.later(3_599);
    assert_eq!(world.run(), ["hold blocked"]);
    world.later(1);
    assert_eq!(world.run()[..3], ["record records-intent", "call Z1 x3", "record called"], "told once only");
    assert_eq!((tries(&world), world.notices.len()), (6, 1));
    world.refuses = None;
    world.later(3_600);
    assert!(world.run().contains(&"record called".to_owned()));
    assert_eq!(world.standing().len(), 3);
    world.association().status = DomainStatus::Active;
    world.later(300);
    world.run();
    assert!(!world.seen.memory.told.keys().any(|topic| topic.starts_with("refused")));
}

#[test]
fn a_target_that_is_refused_does_not_keep_the_proofs_waiting() {
    let is_target = |act: &Act| matches!(act, Act::ChangeRecords(batch) if batch.changes.iter().any(|it| it.record().kind == RecordType::A));
    let mut world = World::new();
    world.refuses = Some(is_target);
    let trace = world.run();
    assert!(trace.contains(&"call Z1 x2".to_owned()), "{trace:?}");
    assert_eq!((trace.last().unwrap().as_str(), world.standing().len()), ("hold blocked", 2));
    assert_eq!(world.notices.len(), 1);
    world.later(300);
    assert_eq!(world.run(), ["hold blocked"]);
}

#[test]
fn one_refused_zone_does_not_keep_the_other_waiting() {
    let mut world = World::of("example.net");
    world.association().www = true;
    world.route53.public("www.example.net");
    let is_first = |act: &Act| matches!(act, Act::ChangeRecords(batch) if batch.zone.id == "Z1");
    world.refuses = Some(is_first);
    world.run();
    assert_eq!(world.standing(), [super::world::alias("www.example.net").words()]);
    world.refuses = None;
    world.later(3_600);
    world.run();
    assert_eq!(world.standing().len(), 4);
}

#[test]
fn an_operator_who_asks_again_does_not_wait_for_the_hour() {
    let mut world = World::new();
    world.refuses = Some(|_| true);
    world.run();
    world.refuses = None;
    world.later(60);
    world.seen.trigger = Trigger::Operator(Request::Apply);
    assert!(world.run().contains(&"call Z1 x3".to_owned()));
    assert_eq!(world.standing().len(), 3);
}

#[test]
fn an_operators_call_that_is_refused_is_not_made_in_a_circle() {
    let mut world = World::new().woken(Trigger::Operator(Request::Apply));
    world.refuses = Some(|_| true);
    assert_eq!(world.run().last().unwrap(), "hold blocked");
    assert_eq!(world.calls.len(), 3, "the whole, the proofs, the target");
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
