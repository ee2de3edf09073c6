//! What cannot be read, and when people hear of it.

use super::world::{SHOP, World, name, second, serving};
use crate::autonomy::Autonomy;
use crate::domain::CallAnswer;
use crate::notice::Severity;

const HALF_AN_HOUR: i64 = 30 * 60;

/// Everything stands, and the zone cannot be read any more.
fn blind() -> World {
    let mut world = World::finished();
    world.route53.zones[0].readable = false;
    world
}

#[test]
fn blindness_that_lasts_half_an_hour_is_told_once_with_what_is_blind_and_what_to_do() {
    let mut world = blind();
    assert_eq!(world.run(), ["record -", "hold blind 60"]);
    world.later(HALF_AN_HOUR - 1);
    assert_eq!(world.run(), ["hold blind 60"]);
    world.later(1);
    assert_eq!(world.run(), ["record domain-blocked +blind", "hold blind 60"]);
    let told = world.last();
    assert_eq!(told.severity, Severity::Warning);
    assert!(told.happened.contains("For 30 min") && told.happened.contains("records of zone Z1"), "{}", told.happened);
    assert!(told.todo[0].text.contains("ListResourceRecordSets"), "{:?}", told.todo);
    for _ in 0..20 {
        world.later(3 * 3_600);
        assert_eq!(world.run(), ["hold blind 60"]);
    }
}

#[test]
fn sight_that_comes_and_goes_is_told_at_most_once_a_day() {
    let mut world = blind();
    let told = |world: &World, topic: &str| world.notices.iter().filter(|notice| notice.id.contains(topic)).count();
    // An hour each: blind for half of it.
    for hour in 0..30 {
        world.route53.zones[0].readable = false;
        world.later(1);
        assert_eq!(world.run()[0], "record -");
        world.later(HALF_AN_HOUR);
        world.run();
        world.route53.zones[0].readable = true;
        world.later(HALF_AN_HOUR);
        assert_eq!(world.run().last().unwrap(), "hold settled");
        let days = 1 + hour / 24;
        assert_eq!((told(&world, "/blind/"), told(&world, "/goes-on/")), (days, days), "after {hour} h");
    }
}

#[test]
fn short_blindness_is_nobodys_news() {
    let mut world = blind();
    for minute in 0..40 {
        world.route53.zones[0].readable = minute % 5 == 0;
        world.later(60);
        world.run();
    }
    assert!(world.notices.is_empty());
}

#[test]
fn each_kind_of_blindness_says_what_it_is() {
    let mut dark = World::new();
    dark.route53.dark = true;
    let mut role = World::new();
    role.route53.zones.clear();
    role.route53.unlisted = vec![("arn:aws:iam::210987654321:role/zones".into(), "AccessDenied".into())];
    let mut tags = World::new();
    tags.tags = None;
    let mut service = World::new();
    service.service = None;
    let mut caa = World::new();
    caa.route53.caa_dark = true;
    let mut no_target = World::new();
    no_target.association().dns_target = None;
    for (mut world, words, todo) in [
        (dark, "The DNS does not say what NS example.net has (timed out).", "which servers"),
        (role, "behind arn:aws:iam::210987654321:role/zones cannot be listed", "ZoneRoleArns"),
        (tags, "tags cannot be read (denied)", "ListTagsForResource"),
        (service, "cannot be described (denied)", "DescribeService"),
        (caa, "what CAA shop.example.net has", "which servers"),
        (no_target, "App Runner shows no target for the domain", "how the domain stands"),
    ] {
        world.run();
        world.later(HALF_AN_HOUR);
        world.run();
        let told = world.notices.iter().find(|notice| notice.id.contains("/blind/")).expect(words);
        assert!(told.happened.contains(words), "{words}: {}", told.happened);
        assert!(told.todo.iter().any(|one| one.text.contains(todo)), "{todo}: {:?}", told.todo);
    }
}

#[test]
fn where_domains_are_off_blindness_is_silent() {
    let tagged = blind().tag("pitcrew:domains", "off");
    let stack = blind().autonomy(Autonomy::Off);
    for mut world in [tagged, stack] {
        world.run();
        world.later(HALF_AN_HOUR);
        assert_eq!(world.run(), ["hold blind 60"]);
    }
}

#[test]
fn an_intent_that_cannot_be_settled_is_blindness_too() {
    let mut world = World::new().answered(CallAnswer::Lost("timed out".into()));
    world.run();
    world.route53.zones[0].readable = false;
    world.later(75);
    assert_eq!(world.run(), ["record -", "hold blind 60"]);
    world.later(HALF_AN_HOUR);
    assert_eq!(world.run(), ["record domain-blocked +blind", "hold blind 60"]);
}

#[test]
fn only_the_function_with_handshakes_ends_what_it_alone_sees() {
    // Its certificate expired: only this function asks for CAA, and only it is blind.
    let mut world = serving(-60).tag("pitcrew:relink", "true");
    world.route53.caa_dark = true;
    for _ in 0..8 {
        world.settings.certificates = true;
        world.run();
        world.later(150);
        world.settings.certificates = false;
        assert_eq!(world.run(), ["hold settled"]);
        world.later(150);
    }
    assert_eq!(world.notices.iter().filter(|notice| notice.id.contains("/blind/")).count(), 1);
    assert!(world.seen.memory.blind.is_some() && world.calls.is_empty());
    world.route53.caa_dark = false;
    world.route53.caa.insert(name("example.net"), vec!["0 issue ca.example".into()]);
    world.settings.certificates = true;
    world.run();
    assert!(world.seen.memory.blind.is_none());
}

#[test]
fn a_removal_that_cannot_be_seen_is_told() {
    let mut world = World::gone();
    world.seen.memory.gone_since = Some(second(-60));
    world.route53.zones[0].zone.writable = false;
    world.run();
    world.later(HALF_AN_HOUR);
    world.run();
    assert!(world.last().happened.contains("not among those that pitcrew may write to"), "{}", world.last().happened);
    assert!(world.standing().iter().any(|line| line.starts_with(SHOP)));
}
