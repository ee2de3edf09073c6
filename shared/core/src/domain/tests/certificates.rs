//! The certificate that an active domain serves.

use super::world::{DAY, SHOP, cname, ends_in, second, serving};
use crate::autonomy::Autonomy;
use crate::domain::{Association, VpcTarget};
use crate::notice::{NoticeKind, Severity};

#[test]
fn a_fresh_certificate_costs_no_tags_and_is_written_down_every_six_hours_only() {
    let mut world = serving(100 * DAY);
    let trace = world.settle();
    assert_eq!(trace[3..], ["look records Z1", "look served", "record -", "hold settled"]);
    world.later(300);
    assert_eq!(world.run(), ["hold settled"]);
    world.later(6 * 3_600);
    assert_eq!(world.run(), ["record -", "hold settled"]);
    assert!(world.notices.is_empty());
}

#[test]
fn a_function_without_probe_and_a_private_service_are_not_asked_for_a_handshake() {
    let mut other = serving(100 * DAY);
    other.settings.certificates = false;
    let mut private = serving(100 * DAY);
    private.route53.private("example.net", "vpc-1");
    let target = super::world::name("vpce.eu-west-1.awsapprunner.com");
    let association: &mut Association = private.association();
    association.vpc_targets = vec![VpcTarget { vpc: "vpc-1".into(), target }];
    for mut world in [other, private] {
        assert!(!world.settle().contains(&"look served".to_owned()));
    }
}

#[test]
fn a_late_certificate_is_told_at_each_threshold_once_and_renewal_ends_it() {
    let mut world = serving(60 * DAY);
    let mut told = Vec::new();
    for days in [60, 45, 40, 39, 35, 30, 20, 14, 8, 7, 3, 1] {
        let age = 60 - days;
        let by = second(age * DAY).duration_since(world.seen.now).as_secs();
        world.later(by);
        world.run();
        if let Some(notice) = world.notices.pop() {
            told.push((days, notice.severity));
        }
    }
    let (warning, critical) = (Severity::Warning, Severity::Critical);
    assert_eq!(told, [(39, warning), (30, warning), (14, warning), (7, critical), (1, critical)]);
    world.served = Some(ends_in(250 * DAY, "02"));
    world.later(300);
    assert_eq!(world.run(), ["record certificate +renewed", "hold settled"]);
    assert_eq!((world.last().kind, world.last().severity), (NoticeKind::Certificate, Severity::Info));
}

#[test]
fn a_page_says_what_would_stop_the_renewal() {
    let mut world = serving(30 * DAY).lose("_p1.shop.example.net").autonomy(Autonomy::Propose);
    world = world.caa("example.net", &["0 issue ca.example"]);
    world.run();
    let page = world.told(NoticeKind::Certificate)[0].clone();
    assert!(page.happened.contains("_p1.shop.example.net CNAME") && page.happened.contains("0 issue ca.example"));
}

#[test]
fn the_capability_certificates_switched_off_is_silent_about_them_and_goes_on_with_records() {
    let mut world = serving(5 * DAY).tag("pitcrew:certificates", "off").lose(SHOP);
    assert_eq!(
        world.run(),
        ["record records-intent", "call Z1 x1", "record called +repaired", "record records-in-sync", "hold settled"]
    );
    let mut other = serving(5 * DAY).tag("pitcrew:domains", "off").lose(SHOP);
    assert_eq!(other.run(), ["record certificate +certificate", "hold off"]);
}

#[test]
fn blindness_is_told_after_a_day() {
    let mut world = serving(100 * DAY);
    world.run();
    world.served = None;
    world.later(300);
    assert_eq!(world.run(), ["record -", "hold settled"]);
    world.later(DAY);
    assert_eq!(world.run(), ["record certificate +certificate-blind", "hold settled"]);
    world.later(300);
    assert_eq!(world.run(), ["hold settled"]);
    world.served = Some(ends_in(100 * DAY, "01"));
    world.later(300);
    world.run();
    assert!(!world.seen.memory.told.contains_key("certificate-blind"));
}

#[test]
fn an_expired_certificate_is_linked_again_where_the_tag_allows() {
    let mut world = serving(-60).tag("pitcrew:relink", "true");
    assert_eq!(
        world.run(),
        [
            "record certificate +certificate",
            "record relink +relink-begun",
            "record relink",
            "call disassociate",
            "record called",
            "stop 15",
        ]
    );
    assert_eq!(world.notices[0].severity, Severity::Critical);
    assert!(world.notices[1].happened.contains("TLS for shop.example.net is interrupted"));
}

#[test]
fn without_the_tag_or_the_autonomy_it_is_proposed_once() {
    let tagged = || serving(-60).tag("pitcrew:relink", "true");
    for mut world in [
        serving(-60),
        tagged().tag("pitcrew:certificates", "propose"),
        tagged().tag("pitcrew:hold", "true"),
        tagged().paused(),
    ] {
        assert_eq!(world.run(), ["record certificate +certificate", "record withheld +relink", "hold proposed"]);
        assert!(world.last().happened.contains("interrupts TLS"));
        assert_eq!(world.last().todo[0].command.as_deref(), Some("pitcrew domains relink shop-api shop.example.net"));
        world.later(300);
        assert_eq!(world.run(), ["hold proposed"]);
        assert!(world.calls.is_empty());
    }
}

#[test]
fn a_certificate_on_its_last_day_is_linked_again_only_where_its_proof_cannot_be_put_back() {
    let mut well = serving(DAY).tag("pitcrew:relink", "true");
    well.run();
    assert!(well.calls.is_empty());
    let blocked = serving(DAY).tag("pitcrew:relink", "true").lose("_p1.shop.example.net");
    let mut blocked = blocked.put(cname("_p1.shop.example.net", "other.example.org"));
    assert!(blocked.run().contains(&"call disassociate".to_owned()));
}

#[test]
fn a_certificate_that_comes_back_out_of_the_cache_is_not_linked_again_in_a_circle() {
    let mut world = serving(-60).tag("pitcrew:relink", "true");
    world.run();
    world.seen.association = None;
    world.later(15);
    world.run();
    for _ in 0..4 {
        world.association().status = crate::domain::DomainStatus::Active;
        world.later(300);
        world.run();
    }
    let unlinked = world.calls.iter().filter(|act| **act == crate::domain::Act::Disassociate).count();
    assert_eq!(unlinked, 1);
    assert!(world.last().done[0].contains("gave the same one back"), "{:?}", world.last());
}

#[test]
fn a_relink_that_is_forbidden_before_it_began_is_given_up() {
    let mut world = serving(-60).tag("pitcrew:relink", "true");
    let mut trace = Vec::new();
    while world.seen.memory.relink.is_none() {
        world.step(&mut trace).unwrap();
    }
    world.tags.as_mut().unwrap().clear();
    world.later(300);
    assert_eq!(world.run(), ["record withheld", "record withheld +relink", "hold proposed"]);
    assert!(world.calls.is_empty());
}
