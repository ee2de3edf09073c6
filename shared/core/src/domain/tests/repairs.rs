//! Records that are taken away from a finished domain.

use super::world::{SHOP, TARGET, World, alias, cname};
use crate::domain::{Request, Trigger};
use crate::notice::Severity;

const PROOF: &str = "_p1.shop.example.net";

fn taken(world: World, at: &str) -> World {
    world.lose(at)
}

#[test]
fn a_target_is_put_back_once_and_then_proposed() {
    let mut world = taken(World::finished(), SHOP);
    assert!(world.run().contains(&"record called +repaired".to_owned()));
    assert!(world.standing().contains(&alias(SHOP).words()));
    world = taken(world, SHOP);
    world.later(90 * 86_400);
    assert_eq!(world.run(), ["record withheld +proposal", "hold proposed"]);
    assert!(world.last().done[0].contains("put this record back once"), "{:?}", world.last().done);
    assert_eq!(world.last().todo[0].command.as_deref(), Some("pitcrew domains apply shop-api shop.example.net"));
    world.later(300);
    assert_eq!(world.run(), ["hold proposed"]);
    world.later(60);
    world.seen.trigger = Trigger::Operator(Request::Apply);
    assert!(world.run().contains(&"call Z1 x1".to_owned()), "an operator has it made");
    world = taken(world, SHOP);
    world.later(300);
    assert!(world.run().contains(&"record called +repaired".to_owned()), "and the count begins anew");
}

#[test]
fn a_target_that_was_never_ours_is_never_made_again() {
    let mut world = World::finished().lose(SHOP).put(cname(SHOP, TARGET));
    world.seen.memory.owned.retain(|owned| owned.record != alias(SHOP));
    assert_eq!(world.run(), ["hold settled"]);
    world = taken(world, SHOP);
    world.later(300);
    assert_eq!(world.run(), ["record withheld +proposal", "hold proposed"]);
    assert!(world.last().done[0].contains("had not made"), "{:?}", world.last().done);
    assert!(world.calls.is_empty());
}

#[test]
fn a_proof_is_put_back_whoever_had_made_it() {
    let mut world = World::finished();
    world.seen.memory.owned.clear();
    world = taken(world, PROOF);
    assert!(world.run().contains(&"record called +repaired".to_owned()));
}

#[test]
fn a_proof_that_goes_again_and_again_is_put_back_three_times_a_day_and_told_twice() {
    let mut world = World::finished();
    let mut calls = Vec::new();
    for _ in 0..6 {
        world = taken(world, PROOF);
        world.run();
        calls.push(world.calls.len());
        world.later(300);
    }
    assert_eq!(calls, [1, 2, 3, 3, 3, 3]);
    let topics: Vec<&str> = world.notices.iter().map(|notice| notice.id.split('/').nth(1).unwrap()).collect();
    assert_eq!(topics, ["repaired", "repairs"]);
    assert_eq!(world.last().severity, Severity::Critical);
    assert!(world.last().happened.contains("_p1.shop.example.net CNAME"));
    assert_eq!(world.run().last().unwrap(), "hold blocked");
    world.later(86_400);
    world.run();
    assert_eq!(world.calls.len(), 4, "the next day it is tried again");
}

#[test]
fn a_proof_does_not_wait_for_a_target_that_is_proposed() {
    let mut world = taken(taken(World::finished(), SHOP), PROOF);
    world.seen.memory.owned.retain(|owned| owned.record != alias(SHOP));
    let trace = world.run();
    assert_eq!(trace.last().unwrap(), "hold proposed");
    assert!(trace.contains(&"call Z1 x1".to_owned()));
    assert_eq!(world.standing().len(), 2);
}
