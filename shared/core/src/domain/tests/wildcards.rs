//! Names that somebody's wildcard answers for.

use super::world::{SHOP, World, cname, values};
use crate::dns::record::RecordType;
use crate::domain::{Owner, Request, Trigger};

const WILD: &str = "*.example.net";
const OTHERS: &str = "prod.eu-west-1.elb.example.org";

fn wild() -> World {
    World::new().put(cname(WILD, OTHERS))
}

#[test]
fn a_name_that_a_foreign_wildcard_answers_for_is_in_conflict_and_nothing_is_written_at_or_below_it() {
    let mut world = wild();
    assert_eq!(world.run(), ["record -", "record domain-blocked +wildcard", "hold blocked"]);
    assert_eq!(world.standing(), [cname(WILD, OTHERS).words()]);
    let told = world.last();
    assert!(told.happened.contains("Wanted: shop.example.net A alias to"), "{}", told.happened);
    assert!(told.happened.contains("There: *.example.net CNAME prod.eu-west-1.elb.example.org (zone Z1)"));
    assert_eq!(told.todo.len(), 1);
    assert_eq!(told.todo[0].command.as_deref(), Some("pitcrew domains apply shop-api shop.example.net"));
    world.later(300);
    assert_eq!(world.run(), ["hold blocked"]);
}

#[test]
fn a_proof_alone_would_make_the_name_an_empty_one_and_is_not_written_either() {
    let mut private = wild();
    private.service.as_mut().unwrap().as_mut().unwrap().public = false;
    let mut unreadable = wild();
    unreadable.service = None;
    for mut world in [private, unreadable] {
        world.run();
        assert!(world.calls.is_empty() && world.standing().len() == 1);
    }
}

#[test]
fn the_one_command_settles_it() {
    let mut world = wild().woken(Trigger::Operator(Request::Apply));
    assert!(world.run().contains(&"call Z1 x3".to_owned()));
    assert_eq!(world.standing().len(), 4);
    world.later(300);
    assert!(!world.run().iter().any(|line| line.contains("wildcard")));
}

#[test]
fn it_goes_on_by_itself_once_the_wildcard_is_gone() {
    let mut world = wild();
    world.run();
    world = world.lose(WILD);
    world.later(300);
    assert_eq!(world.run()[..3], ["record domain-goes-on +goes-on", "record records-intent", "call Z1 x3"]);
}

#[test]
fn a_wildcard_that_appears_between_intent_and_call_stops_the_call() {
    let mut world = World::new();
    let mut trace = Vec::new();
    while world.seen.memory.intent.is_none() {
        world.step(&mut trace).unwrap();
    }
    world = world.put(cname(WILD, OTHERS));
    assert_eq!(world.run()[..2], ["record intent-dropped", "record domain-blocked +wildcard"]);
    assert!(world.calls.is_empty());
}

#[test]
fn www_is_in_conflict_for_itself_and_the_apex_is_made() {
    let mut world = World::of("example.net").put(values(WILD, RecordType::A, &["192.0.2.1"]));
    world.association().www = true;
    let trace = world.run();
    assert_eq!(trace[..4], ["record -", "record domain-blocked +wildcard", "record records-intent", "call Z1 x3"]);
    assert!(!world.standing().iter().any(|line| line.starts_with("www")));
    assert!(world.last().happened.contains("which answers for www.example.net"));
    world.later(300);
    assert_eq!(world.run().last().unwrap(), "hold blocked");
    assert!(!world.standing().iter().any(|line| line.starts_with("www")));
}

#[test]
fn the_wildcard_of_a_shallower_level_answers_for_the_names_between() {
    let mut world = World::of("a.b.example.net").put(cname(WILD, OTHERS));
    world.run();
    assert!(world.calls.is_empty());
    assert!(world.last().happened.contains("which answers for b.example.net"), "{}", world.last().happened);
    let mut wildcard = World::of("*.b.example.net").put(cname(WILD, OTHERS));
    wildcard.run();
    assert!(wildcard.calls.is_empty(), "its proof would take b.example.net");
}

#[test]
fn what_answers_for_no_such_name_is_no_conflict() {
    let free = [
        // The name is there already: a wildcard does not answer for it.
        wild().put(values(SHOP, RecordType::Txt, &["\"here\""])),
        // It serves neither visitors nor mail.
        World::new().put(values(WILD, RecordType::Txt, &["\"v=spf1 -all\""])),
        // It leads to App Runner.
        World::new().put(cname(WILD, "old.eu-west-1.awsapprunner.com")),
        World::new().put(super::world::alias(WILD)),
        // It answers for other names.
        World::new().put(cname("*.other.example.net", OTHERS)),
        World::of("example.net").put(cname(WILD, OTHERS)),
        World::of("a.b.example.net").put(cname(WILD, OTHERS)).put(cname("b.example.net", OTHERS)),
    ];
    for mut world in free {
        assert!(world.run().iter().any(|line| line.starts_with("call Z1 x3")), "{:?}", world.standing());
    }
}

#[test]
fn the_labels_of_a_validation_record_are_names_that_nobody_visits() {
    let mut world = World::of("example.net").put(cname(WILD, OTHERS));
    let mut third = super::world::proof(3, "example.net", 0);
    third.name = super::world::name("_p3.2a57j781c9fd.example.net");
    world.association().records.push(third);
    let trace = world.settle();
    assert!(trace.contains(&"call Z1 x4".to_owned()), "{trace:?}");
    let lists = trace.iter().take_while(|line| !line.starts_with("record records-intent"));
    assert_eq!(lists.filter(|line| line.starts_with("look records")).count(), 2, "no listing for the wildcards alone");
}

#[test]
fn a_wildcard_of_ours_is_none() {
    let mut world = wild();
    let zone = world.zone.clone();
    let record = cname(WILD, OTHERS);
    world.seen.memory.owned.push(crate::dns::plan::Owned { zone, purpose: crate::dns::plan::Purpose::Target, record });
    assert!(world.run().contains(&"call Z1 x3".to_owned()));
}

#[test]
fn a_domain_that_is_there_is_not_asked_about_wildcards() {
    let mut world = World::finished().put(cname(WILD, OTHERS));
    assert!(!world.settle().iter().filter(|line| line.starts_with("look records")).count() > 1);
    world = world.lose(SHOP);
    world.later(300);
    assert!(world.run().contains(&"record called +repaired".to_owned()), "its proofs keep the name from the wildcard");
}

#[test]
fn the_plan_shows_the_wildcard_as_what_stands_there() {
    let mut world = wild();
    let preview = super::previews::looked_at(&mut world);
    let row = preview.records.iter().find(|row| row.name == SHOP).unwrap();
    assert_eq!((row.verdict.as_str(), row.owner), ("conflict", Owner::Somebody));
    assert_eq!(row.standing, [cname(WILD, OTHERS).words()]);
    assert_eq!(preview.command.as_deref(), Some("pitcrew domains apply shop-api shop.example.net"));
}
