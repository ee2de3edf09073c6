//! What an operator asks for.

use super::world::{SHOP, TARGET, World, alias, cname};
use crate::autonomy::Autonomy;
use crate::domain::{CallAnswer, DomainStatus, RelinkStage, Request, Trigger};

fn asked(world: World, request: Request) -> World {
    world.woken(Trigger::Operator(request))
}

#[test]
fn apply_does_what_would_be_proposed() {
    let mut world = asked(World::new().autonomy(Autonomy::Observe), Request::Apply);
    assert!(world.run().contains(&"call Z1 x3".to_owned()));
    let mut off = asked(World::new().tag("pitcrew:domains", "off"), Request::Apply);
    assert!(off.run().contains(&"call Z1 x3".to_owned()));
}

#[test]
fn pause_and_hold_bind_an_operator_too() {
    for world in [World::new().paused(), World::new().tag("pitcrew:hold", "true")] {
        let mut world = asked(world, Request::Apply);
        assert_eq!(world.run(), ["record -", "record operator +request", "stop 0"]);
        assert!(world.calls.is_empty() && world.receipts.last().unwrap().decision.starts_with("refused: "));
    }
}

#[test]
fn adopt_takes_the_records_over_that_stand_as_wanted() {
    let mut world = World::new().status(DomainStatus::Active).put(cname(SHOP, TARGET));
    world = asked(world.put(cname("_p1.shop.example.net", "other.example.org")), Request::Adopt);
    assert_eq!(world.run(), ["record -", "record records-adopted +adopted", "stop 0"]);
    assert_eq!(world.seen.memory.owned.iter().map(|it| it.record.clone()).collect::<Vec<_>>(), [cname(SHOP, TARGET)]);
    assert!(world.calls.is_empty());
}

#[test]
fn adopt_is_refused_where_nothing_stands_as_wanted() {
    let mut world = asked(World::new(), Request::Adopt);
    assert_eq!(world.run(), ["record -", "record operator +request", "stop 0"]);
}

#[test]
fn remove_is_refused_while_app_runner_shows_the_domain() {
    let mut world = asked(World::finished(), Request::Remove);
    assert_eq!(world.run(), ["record operator +request", "stop 0"]);
    assert_eq!(world.standing().len(), 3);
}

#[test]
fn what_needs_the_domain_is_refused_once_it_is_gone() {
    for request in [Request::Apply, Request::Adopt, Request::Relink] {
        let mut world = asked(World::gone(), request);
        assert_eq!(world.run(), ["record operator +request", "stop 0"]);
    }
}

#[test]
fn relink_goes_through_gone_to_a_new_link_whose_records_replace_the_old_ones() {
    let mut world = asked(World::finished().autonomy(Autonomy::Observe), Request::Relink);
    assert_eq!(
        world.run(),
        ["record relink +relink-begun", "record relink", "call disassociate", "record called", "stop 15"]
    );
    world.later(15);
    world.settings.autonomy = Autonomy::Act;
    assert_eq!(world.run(), ["record -", "hold app_runner_at_work 15"]);
    world.seen.association = None;
    world.later(15);
    assert_eq!(world.run(), ["record relink", "record relink", "call associate", "record called", "stop 5"]);
    assert!(world.seen.memory.relink.is_none() && world.owns() == 3);
    world.later(5);
    let trace = world.run();
    assert!(trace.contains(&"call Z1 x4".to_owned()), "two proofs are replaced: {trace:?}");
    assert_eq!(
        world.standing(),
        [
            alias(SHOP).words(),
            cname("_p1.shop.example.net", "_v11.acm-validations.aws").words(),
            cname("_p2.shop.example.net", "_v21.acm-validations.aws").words(),
        ]
    );
}

#[test]
fn the_records_stay_while_the_domain_is_between_two_links() {
    let mut world = asked(World::finished(), Request::Relink);
    world.run();
    world.seen.association = None;
    world = world.paused();
    for _ in 0..5 {
        world.later(120);
        assert_eq!(world.run().last().unwrap(), "hold blocked 60");
    }
    assert_eq!((world.standing().len(), world.calls.len()), (3, 1));
}

#[test]
fn a_relink_that_stalls_for_two_hours_pages_once() {
    let mut world = asked(World::finished(), Request::Relink);
    world.run();
    world.later(2 * 3_600);
    assert!(world.run().contains(&"record domain-stuck +relink-stalled".to_owned()));
    world.later(300);
    assert_eq!(world.run(), ["hold app_runner_at_work 15"]);
}

#[test]
fn a_relink_whose_disassociation_is_refused_is_over_and_the_domain_is_as_before() {
    let refused = CallAnswer::Refused { code: "InvalidState".into(), message: "busy".into() };
    let mut world = asked(World::finished(), Request::Relink).answered(refused);
    let trace = world.run();
    assert!(world.seen.memory.relink.is_none() && world.calls.len() == 1, "{trace:?}");
}

#[test]
fn an_association_that_is_refused_pages_and_is_tried_again_in_an_hour() {
    let mut world = asked(World::finished(), Request::Relink);
    world.run();
    world.seen.association = None;
    world.answer = Some(CallAnswer::Refused { code: "InvalidRequest".into(), message: "in use".into() });
    world.later(60);
    assert_eq!(world.run()[1..], ["record relink", "call associate", "record called +refused", "hold blocked"]);
    assert_eq!(world.seen.memory.relink.as_ref().unwrap().stage, RelinkStage::Linking);
    world.later(3_600);
    assert!(world.run().contains(&"call associate".to_owned()));
}
