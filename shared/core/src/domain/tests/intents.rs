//! Intents that were written and whose call may or may not have been made.

use super::world::{World, second};
use crate::dns::plan::Batch;
use crate::dns::record::RecordSet;
use crate::domain::{Act, CallAnswer, Decision, decide};

/// The world at the moment when its first intent is written and nothing was called.
fn intended() -> World {
    let mut world = World::new();
    let mut trace = Vec::new();
    while world.seen.memory.intent.is_none() {
        world.step(&mut trace).unwrap();
    }
    world
}

fn batch(world: &World) -> Batch {
    match &world.seen.memory.intent.as_ref().unwrap().act {
        Act::ChangeRecords(batch) => batch.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_intent_of_this_invocation_is_called_after_everything_was_read_again() {
    let mut world = intended();
    assert!(matches!(decide(&world.seen, &world.settings), Decision::Look(_)), "nothing was read again yet");
    assert_eq!(world.run()[..2], ["call Z1 x3", "record called"]);
}

#[test]
fn an_intent_that_fits_no_more_is_dropped_before_the_call() {
    let mut world = intended().put(super::world::cname("_p1.shop.example.net", "other.example.org"));
    assert_eq!(
        world.run()[..4],
        ["record intent-dropped", "record domain-blocked +conflict", "record records-intent", "call Z1 x2"]
    );
}

#[test]
fn a_pause_or_a_tag_between_intent_and_call_stops_the_call() {
    for mut world in [intended().paused(), intended().tag("pitcrew:hold", "true")] {
        assert_eq!(world.run()[..2], ["record intent-dropped", "record withheld +proposal"]);
        assert!(world.calls.is_empty());
    }
}

#[test]
fn caa_that_turned_between_intent_and_call_stops_the_call() {
    let mut world = intended().caa("example.net", &["0 issue ca.example"]);
    assert_eq!(world.run()[..2], ["record intent-dropped", "record domain-blocked +caa"]);
    assert!(world.calls.is_empty());
}

#[test]
fn an_intent_of_another_invocation_is_left_to_it_for_a_minute() {
    let mut world = intended();
    world.later(59);
    assert_eq!(world.run(), ["hold intent_pending 60"]);
}

#[test]
fn an_invocation_that_was_frozen_does_not_call_on_its_old_reads() {
    let mut world = intended();
    world.seen.now = second(31);
    assert_eq!(world.run(), ["hold intent_pending 60"]);
}

#[test]
fn an_older_intent_that_left_nothing_is_dropped_and_decided_afresh() {
    let mut world = intended();
    world.later(60);
    assert_eq!(world.run()[..3], ["record intent-settled", "record records-intent", "call Z1 x3"]);
}

#[test]
fn an_answer_that_was_lost_is_settled_by_reading_and_what_stands_is_ours() {
    let mut world = World::new().answered(CallAnswer::Lost("timed out".into()));
    assert_eq!(world.run().last().unwrap(), "stop 75");
    assert_eq!(world.seen.memory.intent.as_ref().unwrap().holder, "");
    assert_eq!((world.owns(), world.standing().len()), (0, 3));
    assert_eq!(world.run(), ["hold intent_pending 60"], "not even its own invocation calls again");
    world.later(75);
    assert_eq!(world.run()[0], "record intent-settled");
    assert_eq!((world.owns(), world.calls.len()), (3, 1));
}

#[test]
fn what_stands_of_a_batch_that_does_not_stand_whole_is_somebody_elses() {
    let records: Vec<RecordSet> = batch(&intended()).changes.iter().map(|change| change.record().clone()).collect();
    for foreign in &records {
        let mut world = intended().put(foreign.clone());
        world.later(60);
        assert_eq!(world.run()[..3], ["record intent-settled", "record records-intent", "call Z1 x2"]);
        let owned: Vec<&RecordSet> = world.seen.memory.owned.iter().map(|owned| &owned.record).collect();
        assert_eq!((world.standing().len(), owned.len()), (3, 2));
        assert!(!owned.contains(&foreign), "it serves, and will never be removed by us: {}", foreign.words());
    }
}

#[test]
fn a_batch_that_stands_whole_is_ours_for_nobody_can_tell_it_apart() {
    let mut world = intended();
    for change in batch(&world).changes {
        world = world.put(change.record().clone());
    }
    world.later(60);
    assert_eq!(world.run()[0], "record intent-settled");
    assert_eq!((world.owns(), world.calls.len()), (3, 0));
}

#[test]
fn a_removal_whose_answer_was_lost_is_not_ours_any_more_once_it_is_gone() {
    let mut world = World::gone().answered(CallAnswer::Lost("timed out".into()));
    world.seen.memory.gone_since = Some(second(-60));
    world.run();
    world.later(75);
    assert_eq!(world.run()[0], "record intent-settled +removed");
    assert!(world.forgotten && world.standing().is_empty());
}

#[test]
fn an_intent_is_not_settled_on_a_zone_that_cannot_be_read() {
    let mut world = intended();
    world.route53.zones[0].readable = false;
    world.later(60);
    assert_eq!(world.run(), ["record -", "hold blind 60"]);
    assert!(world.seen.memory.intent.is_some());
}
