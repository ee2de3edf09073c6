//! Nothing is unlinked on a guess: the reason and the way to the end are looked at when it is begun and right before the call.

use super::world::{DAY, SHOP, World, arn, cname, ends_in, name, second, serving};
use crate::domain::{Act, CallAnswer, DomainStatus, Request, Trigger, VpcTarget};
use crate::id::ServiceArn;
use crate::notice::{Notice, Severity};

/// Its certificate expired a minute ago, and the tag allows to link it again.
fn expired() -> World {
    serving(-60).tag("pitcrew:relink", "true")
}

/// Its certificate has half a day left, and a proof cannot be put back.
fn last_day() -> World {
    let world = serving(DAY / 2).tag("pitcrew:relink", "true").lose("_p1.shop.example.net");
    world.put(cname("_p1.shop.example.net", "other.example.org"))
}

fn unlinked(world: &World) -> bool {
    world.calls.contains(&Act::Disassociate)
}

/// What is done to a world, and in which words pitcrew says why it does not unlink.
type Case = (fn(&mut World), &'static str);

#[test]
fn a_working_domain_is_not_unlinked_because_somebody_else_made_pitcrew_blind() {
    let blind: [fn(&mut World); 5] = [
        |world| world.route53.zones[0].readable = false,
        |world| world.route53.dark = true,
        |world| world.tags = None,
        |world| world.route53.unlisted = vec![("arn:aws:iam::210987654321:role/zones".into(), "AccessDenied".into())],
        |world| world.route53.caa_dark = true,
    ];
    for (at, make_blind) in blind.into_iter().enumerate() {
        for mut world in [last_day(), expired()] {
            if at == 3 {
                // A zone that hides in an account that is closed.
                world.route53.zones.clear();
            }
            make_blind(&mut world);
            for _ in 0..3 {
                world.run();
                world.later(400);
            }
            assert!(!unlinked(&world), "{at}: {:?}", world.calls);
        }
    }
}

#[test]
fn what_may_be_written_but_is_refused_or_withheld_is_no_reason_on_the_last_day() {
    let tagged = || serving(DAY / 2).tag("pitcrew:relink", "true").lose("_p1.shop.example.net");
    let refused = CallAnswer::Refused { code: "AccessDenied".into(), message: "no".into() };
    for mut world in [tagged().tag("pitcrew:domains", "propose"), tagged().answered(refused)] {
        world.run();
        world.later(300);
        world.run();
        assert!(!unlinked(&world), "{:?}", world.calls);
    }
}

#[test]
fn it_is_not_unlinked_where_the_certificate_may_be_somebody_elses_or_the_way_has_no_end() {
    let cases: [Case; 6] = [
        // A CDN or a proxy in front: the record is somebody else's.
        (
            |world| {
                world.route53.records.retain(|(_, at, ..), _| *at != name(SHOP));
                let zone = world.zone.clone();
                world.route53.put(&zone, cname(SHOP, "d111111abcdef8.cloudfront.net"));
            },
            "may be somebody else's",
        ),
        (
            |world| world.served.as_mut().unwrap().names = vec!["*.elb.example.org".into()],
            "is not for shop.example.net",
        ),
        (|world| world.seen.memory.relinked_at = Some(second(-6 * DAY)), "at most once in 7 days"),
        (|world| drop(world.route53.caa.insert(name("example.net"), vec!["0 issue ca.example".into()])), "CAA at"),
        (
            |world| {
                world.route53.zones[0].zone.writable = false;
            },
            "may be somebody else's",
        ),
        (|world| world.route53.zones[0].zone.private = true, "may be somebody else's"),
    ];
    for (spoil, words) in cases {
        let mut world = expired();
        spoil(&mut world);
        world.run();
        assert!(!unlinked(&world), "{words}");
        let told = world.notices.iter().find(|notice| notice.id.contains("/relink/")).expect(words);
        assert!(told.done[0].contains(words), "{words}: {:?}", told.done);
        world.later(300);
        let before = world.notices.len();
        world.run();
        assert_eq!(world.notices.len(), before, "{words}: once");
    }
}

#[test]
fn after_seven_days_another_certificate_may_be_the_reason_again() {
    let mut world = expired();
    world.seen.memory.relinked_at = Some(second(-7 * DAY));
    world.run();
    assert!(unlinked(&world));
}

#[test]
fn a_second_handshake_right_before_the_call_must_show_the_same() {
    let mut world = expired();
    let mut trace = Vec::new();
    while world.seen.memory.intent.is_none() {
        world.step(&mut trace).unwrap();
    }
    world.served = Some(ends_in(198 * DAY, "02"));
    assert_eq!(
        world.run()[..2],
        ["record intent-dropped", "record withheld +relink-needless"],
        "read again after the intent, and given up"
    );
    assert!(world.calls.is_empty() && world.seen.memory.relink.is_none());
    world.later(300);
    world.run();
    assert!(world.calls.is_empty());
}

#[test]
fn a_certificate_that_renews_while_the_call_is_not_made_ends_it() {
    let busy = CallAnswer::NotMade("the service is deploying".into());
    let mut world = expired().answered(busy);
    world.run();
    assert_eq!((world.calls.len(), world.seen.memory.relink.is_some()), (1, true));
    world.served = Some(ends_in(198 * DAY, "02"));
    world.later(300);
    world.run();
    assert_eq!((world.calls.len(), world.seen.memory.relink.is_some()), (1, false));
    assert!(!world.seen.memory.told.contains_key("relinked"), "nothing was done, so nothing is remembered as done");
}

#[test]
fn what_was_refused_is_not_remembered_as_done() {
    let mut world = expired().answered(CallAnswer::Refused { code: "InvalidState".into(), message: "busy".into() });
    world.run();
    assert!(world.seen.memory.relinked_at.is_none() && !world.seen.memory.told.contains_key("relinked"));
    world.later(3_700);
    world.run();
    assert_eq!(world.calls.len(), 2, "tried again in an hour");
    assert_eq!(world.seen.memory.relinked_at, Some(world.seen.now));
    assert_eq!(world.seen.memory.told.get("relinked").map(String::as_str), Some("01"));
}

#[test]
fn a_disassociation_whose_answer_was_lost_is_remembered_once_it_shows() {
    let mut world = expired().answered(CallAnswer::Lost("timed out".into()));
    world.run();
    assert!(world.seen.memory.relinked_at.is_none());
    world.later(75);
    world.run();
    assert!(world.seen.memory.relinked_at.is_some());
}

#[test]
fn an_operator_too_is_refused_where_the_new_link_could_not_be_finished() {
    let cases: [Case; 4] = [
        (|world| drop(world.route53.caa.insert(name("example.net"), vec!["0 issue ca.example".into()])), "CAA at"),
        (|world| world.route53.zones[0].zone.writable = false, "HostedZoneArns"),
        (|world| world.route53.zones[0].zone.private = true, "No public hosted zone"),
        (|world| world.route53.zones[0].readable = false, "cannot be read"),
    ];
    for (spoil, words) in cases {
        let mut world = World::finished().woken(Trigger::Operator(Request::Relink));
        spoil(&mut world);
        world.run();
        assert!(!unlinked(&world), "{words}");
        assert!(world.last().happened.contains(words), "{words}: {}", world.last().happened);
    }
}

/// A private service's domain, whose name goes to the private zone of its VPC and whose proofs go to the public one.
fn private_service() -> World {
    let mut world = World::finished().woken(Trigger::Operator(Request::Relink));
    world.route53.private("example.net", "vpc-1");
    let target = VpcTarget { vpc: "vpc-1".into(), target: name("vpce.eu-west-1.awsapprunner.com") };
    world.association().vpc_targets = vec![target];
    world
}

#[test]
fn every_zone_of_its_records_and_names_must_be_writable() {
    // The zone of `www` alone is not ours to write.
    let mut www = expired();
    www.association().www = true;
    www.seen.memory.link.as_mut().unwrap().www = true;
    www.route53.public("www.shop.example.net");
    www.route53.zones.last_mut().unwrap().zone.writable = false;
    // A record of today has no zone.
    let mut vpc = private_service();
    vpc.association().vpc_targets[0].vpc = "vpc-2".into();
    // No record is listed any more that would go to the public zone, and the new proofs will.
    let mut proofs = private_service().status(DomainStatus::CreateFailed);
    proofs.association().records.clear();
    proofs.seen.memory.link.as_mut().unwrap().status = DomainStatus::CreateFailed;
    proofs.route53.zones[0].zone.writable = false;
    for (mut world, words) in [(www, "HostedZoneArns"), (vpc, "vpc-2"), (proofs, "HostedZoneArns")] {
        world.run();
        assert!(!unlinked(&world), "{words}");
        let said = |notice: &Notice| format!("{} {}", notice.happened, notice.done.join(" "));
        let said: Vec<String> = world.notices.iter().map(said).collect();
        let refused = |said: &String| said.contains("new link could not be finished") && said.contains(words);
        assert!(said.iter().any(refused), "{words}: {said:#?}");
        assert!(!said.iter().any(|said| said.contains("..")), "{said:#?}");
    }
}

#[test]
fn it_is_unlinked_where_nothing_is_in_the_way_of_a_private_service() {
    let mut world = private_service();
    world.run();
    assert!(unlinked(&world), "{:?}", world.notices);
}

/// The first half is done: the domain is unlinked.
fn half_way() -> World {
    let mut world = World::finished().woken(Trigger::Operator(Request::Relink));
    world.settings.certificates = true;
    world.run();
    world.seen.association = None;
    world
}

#[test]
fn a_hold_or_pause_between_the_halves_is_told_at_once() {
    for mut world in [half_way().paused(), half_way().tag("pitcrew:hold", "true")] {
        world.later(60);
        assert_eq!(world.run(), ["record relink", "record withheld +relink-held", "hold blocked 60"]);
        assert_eq!(world.last().severity, Severity::Critical);
        world.later(60);
        assert_eq!(world.run(), ["hold blocked 60"]);
        world.seen.pause = None;
        world.tags = Some(Default::default());
        world.later(60);
        assert!(world.run().contains(&"call associate".to_owned()));
    }
}

#[test]
fn it_ends_with_the_service_and_the_domain_goes_the_normal_way() {
    let mut world = half_way();
    world.service = Some(None);
    world.tags = None;
    world.later(60);
    assert_eq!(world.run()[0], "record relink +relink-ended");
    assert!(world.seen.memory.relink.is_none());
    for _ in 0..3 {
        world.later(400);
        world.run();
    }
    assert!(world.forgotten && world.standing().is_empty(), "{:?}", world.standing());
    assert!(!world.calls.iter().any(|act| matches!(act, Act::Associate { .. })));
}

#[test]
fn it_ends_when_the_domain_is_linked_to_another_service_and_is_not_unlinked_there() {
    let mut world = expired().answered(CallAnswer::NotMade("deploying".into()));
    world.run();
    assert!(world.seen.memory.relink.is_some());
    world.seen.service = ServiceArn::parse(&arn().to_string().replace("shop-api", "shop-two")).unwrap();
    world.seen.association = World::new().seen.association;
    world.later(300);
    let trace = world.run();
    assert_eq!(trace[..2], ["record -", "record relink +relink-ended"]);
    assert_eq!(world.calls.len(), 1, "{trace:?}");
}

#[test]
fn another_service_that_does_not_show_the_domain_says_nothing_about_it() {
    let mut world = half_way();
    world.seen.service = ServiceArn::parse(&arn().to_string().replace("shop-api", "shop-two")).unwrap();
    world.later(60);
    assert_eq!(world.run(), ["hold gone"]);
    assert!(world.seen.memory.relink.is_some());
}

#[test]
fn it_ends_when_app_runner_refuses_for_a_day_and_not_while_it_is_held() {
    let mut world = half_way();
    for _ in 0..25 {
        world.answer = Some(CallAnswer::Refused { code: "InvalidRequest".into(), message: "in use".into() });
        world.later(3_600);
        world.run();
    }
    assert!(world.seen.memory.relink.is_none());
    assert_eq!(world.notices.iter().filter(|notice| notice.id.contains("/relink-ended/")).count(), 1);
    let mut held = half_way().paused();
    for _ in 0..30 {
        held.later(3_600);
        held.run();
    }
    assert!(held.seen.memory.relink.is_some(), "it goes on when the pause ends");
}

#[test]
fn it_ends_when_app_runner_does_not_unlink_within_a_day() {
    let busy = || CallAnswer::NotMade("the service is deploying".into());
    let mut world = expired();
    for _ in 0..26 {
        world.answer = Some(busy());
        world.run();
        world.later(3_600);
    }
    assert!(world.notices.iter().any(|notice| notice.id.contains("/relink-ended/")));
    assert!(world.seen.memory.relinked_at.is_none());
}

#[test]
fn an_operator_ends_it_by_removing_the_records() {
    let mut world = half_way();
    world.later(120);
    world.seen.trigger = Trigger::Operator(Request::Remove);
    assert_eq!(world.run()[0], "record relink +relink-ended");
    assert!(world.seen.memory.relink.is_none());
    world.later(120);
    world.seen.trigger = Trigger::Operator(Request::Remove);
    world.run();
    assert!(world.standing().is_empty() && world.forgotten);
    let mut shown = World::finished().woken(Trigger::Operator(Request::Relink));
    shown.run();
    shown.association().status = DomainStatus::Active;
    shown.later(60);
    shown.seen.trigger = Trigger::Operator(Request::Remove);
    assert_eq!(shown.run().last().unwrap(), "stop 0");
    assert_eq!(shown.standing().len(), 3);
}
