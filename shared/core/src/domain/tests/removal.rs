//! A domain that App Runner does not show any more.

use super::world::{SHOP, World, arn, cname, name, second, values};
use crate::autonomy::Autonomy;
use crate::dns::record::RecordType;
use crate::domain::{Act, Request, Trigger};
use crate::id::ServiceArn;

/// Gone for long enough to be believed.
fn long_gone() -> World {
    let mut world = World::gone();
    world.seen.memory.gone_since = Some(second(-60));
    world
}

#[test]
fn a_domain_that_was_never_ours_is_nothing_to_us() {
    let mut world = World::new();
    world.seen.association = None;
    assert_eq!(world.settle(), ["hold gone"]);
}

#[test]
fn the_first_sight_of_a_domain_that_is_gone_removes_nothing() {
    let mut world = World::gone();
    assert_eq!(world.settle(), ["record -", "stop 60"]);
    world.later(20);
    assert_eq!(world.settle(), ["hold gone 41"]);
    assert_eq!(world.standing().len(), 3);
}

#[test]
fn a_list_that_was_stale_changes_nothing() {
    let mut world = World::gone();
    world.run();
    world.seen.association = World::finished().seen.association;
    world.later(30);
    assert_eq!(world.run(), ["record -", "hold settled"]);
    assert!(world.seen.memory.finished_at.is_some() && world.seen.memory.gone_since.is_none());
}

#[test]
fn targets_go_first_then_the_proofs_then_the_memory() {
    let mut world = long_gone().put(values("mail.example.net", RecordType::Mx, &["10 mx.example.net."]));
    assert_eq!(
        world.run(),
        [
            "record records-intent",
            "call Z1 x1",
            "record called +removed",
            "record records-in-sync",
            "record records-intent",
            "call Z1 x2",
            "record called",
            "record domain-gone",
            "stop 0",
        ]
    );
    let Act::ChangeRecords(first) = &world.calls[0] else { panic!("records") };
    assert_eq!(first.changes[0].record().name, name(SHOP));
    assert!(world.forgotten);
    assert_eq!(world.standing(), [values("mail.example.net", RecordType::Mx, &["10 mx.example.net."]).words()]);
}

#[test]
fn the_proofs_wait_until_the_targets_are_gone_everywhere() {
    let mut world = long_gone();
    world.in_sync = false;
    assert_eq!(world.run().last().unwrap(), "hold dns_at_work 15");
    assert_eq!(world.calls.len(), 1);
}

#[test]
fn a_proof_that_another_domain_needs_stays_and_stays_ours() {
    let mut world = long_gone();
    let sharer = vec![name("*.shop.example.net")];
    world.sharers.as_mut().unwrap().insert(name("_p1.shop.example.net"), sharer);
    assert_eq!(world.run().last().unwrap(), "hold gone");
    assert_eq!(world.standing(), [cname("_p1.shop.example.net", "_v10.acm-validations.aws").words()]);
    assert_eq!(world.owns(), 1);
    world.sharers.as_mut().unwrap().clear();
    world.later(300);
    world.run();
    assert!(world.standing().is_empty() && world.forgotten);
}

#[test]
fn a_proof_is_kept_while_nobody_can_say_who_needs_it() {
    let mut world = long_gone();
    world.sharers = None;
    assert_eq!(world.run().last().unwrap(), "hold blind 60");
    assert_eq!(world.standing().len(), 2);
}

#[test]
fn a_record_that_somebody_changed_is_forgotten_told_and_left() {
    let mut world = long_gone().lose(SHOP).put(cname(SHOP, "elsewhere.example.org"));
    assert_eq!(world.run()[0], "record records-not-ours-any-more +not-ours");
    assert_eq!(world.standing(), [cname(SHOP, "elsewhere.example.org").words()]);
    assert!(world.forgotten);
}

#[test]
fn a_record_that_somebody_took_away_is_forgotten_without_a_word() {
    let mut world = long_gone().lose(SHOP);
    assert_eq!(world.run()[0], "record records-not-ours-any-more");
}

#[test]
fn removal_is_proposed_where_the_stack_or_the_owner_does_not_want_it() {
    let mut kept = long_gone();
    kept.settings.remove = false;
    for mut world in
        [kept, long_gone().autonomy(Autonomy::Propose), long_gone().tag("pitcrew:hold", "true"), long_gone().paused()]
    {
        assert_eq!(world.run(), ["record withheld +proposal", "hold proposed"]);
        assert_eq!(world.last().todo[0].command.as_deref(), Some("pitcrew domains remove shop.example.net"));
        world.later(300);
        assert_eq!(world.run(), ["hold proposed"]);
        assert!(world.calls.is_empty());
    }
}

#[test]
fn an_operator_has_the_records_removed_where_the_stack_does_not() {
    let mut world = long_gone().autonomy(Autonomy::Observe).woken(Trigger::Operator(Request::Remove));
    world.settings.remove = false;
    assert_eq!(world.run().last().unwrap(), "stop 0");
    assert!(world.standing().is_empty() && world.forgotten);
    let mut held = long_gone().paused().woken(Trigger::Operator(Request::Remove));
    assert_eq!(held.run(), ["record operator +request", "stop 0"]);
    assert_eq!(held.standing().len(), 3);
}

#[test]
fn the_tags_of_a_service_that_was_deleted_too_are_nobodys_and_the_stack_decides() {
    let mut world = long_gone();
    world.tags = None;
    assert_eq!(world.run().last().unwrap(), "hold blind 60");
    world.service = Some(None);
    world.later(60);
    world.run();
    assert!(world.standing().is_empty() && world.forgotten);
}

#[test]
fn a_domain_that_moved_to_another_service_is_not_removed_because_the_old_one_lost_it() {
    let mut world = long_gone();
    let elsewhere = arn().to_string().replace("shop-api", "shop-two");
    world.seen.service = ServiceArn::parse(&elsewhere).unwrap();
    assert_eq!(world.run(), ["hold gone"]);
    assert_eq!(world.standing().len(), 3);
}
