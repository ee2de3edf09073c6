//! Records that may be made, repaired and replaced.

use super::world::{SHOP, TARGET, World, alias, cname, name, second, values};
use crate::autonomy::Autonomy;
use crate::dns::record::{RecordSet, RecordType};
use crate::domain::DomainStatus;
use crate::notice::{NoticeKind, Severity};

#[test]
fn a_domain_gets_its_proofs_and_its_target_by_one_intent_and_one_call() {
    let mut world = World::new();
    let trace = world.settle();
    assert_eq!(
        trace,
        [
            "record -",
            "look zones",
            "ask example.net NS",
            "look servers Z1",
            "look records Z1",
            "look service",
            "ask shop.example.net CAA",
            "ask example.net CAA",
            "ask net CAA",
            "look tags",
            "record records-intent",
            "ask example.net NS",
            "look records Z1",
            "ask shop.example.net CAA",
            "ask example.net CAA",
            "ask net CAA",
            "look tags",
            "call Z1 x3",
            "record called",
            "ask example.net NS",
            "look records Z1",
            "ask shop.example.net CAA",
            "ask example.net CAA",
            "ask net CAA",
            "look change C1",
            "record records-in-sync",
            "ask _p1.shop.example.net CNAME",
            "ask _p2.shop.example.net CNAME",
            "hold app_runner_at_work 60",
        ]
    );
    assert_eq!(
        world.standing(),
        [
            alias(SHOP).words(),
            cname("_p1.shop.example.net", "_v10.acm-validations.aws").words(),
            cname("_p2.shop.example.net", "_v20.acm-validations.aws").words(),
        ]
    );
    assert_eq!(world.owns(), 3);
}

#[test]
fn a_finished_domain_asks_for_zones_and_records_and_writes_nothing() {
    let mut world = World::finished();
    let trace = world.settle();
    assert_eq!(trace, ["look zones", "ask example.net NS", "look servers Z1", "look records Z1", "hold settled"]);
    world.later(300);
    assert_eq!(world.run(), ["hold settled"]);
}

#[test]
fn records_of_other_hands_that_are_as_wanted_count_and_cost_no_other_read() {
    let mut world = World::finished();
    world.seen.memory.owned.clear();
    let trace = world.settle();
    assert!(!trace.iter().any(|line| line.contains("service") || line.contains("tags")), "{trace:?}");
    assert_eq!(trace.last().unwrap(), "hold settled");
}

#[test]
fn a_finished_domain_is_told_once_with_what_was_made() {
    let mut world = World::new();
    world.run();
    world.association().status = DomainStatus::Active;
    world.later(300);
    assert_eq!(world.run(), ["record -", "record domain-finished +finished", "hold settled"]);
    let told = world.last();
    assert_eq!((told.kind, told.severity), (NoticeKind::Domain, Severity::Info));
    assert_eq!(told.done.iter().filter(|line| line.starts_with("pitcrew made")).count(), 3);
    world.later(300);
    assert_eq!(world.run(), ["hold settled"]);
}

#[test]
fn a_domain_that_was_found_active_with_records_of_other_hands_tells_nothing() {
    let mut world = World::new()
        .status(DomainStatus::Active)
        .put(cname("_p1.shop.example.net", "_v10.acm-validations.aws"))
        .put(cname("_p2.shop.example.net", "_v20.acm-validations.aws"))
        .put(cname(SHOP, TARGET));
    assert_eq!(world.run(), ["record -", "record domain-finished", "hold settled"]);
    assert_eq!(world.owns(), 0);
}

#[test]
fn what_leads_visitors_elsewhere_or_is_left_over_is_said_with_the_end() {
    let mut world = World::new().put(values(SHOP, RecordType::Aaaa, &["2001:db8::7"]));
    world.association().www = true;
    world.run();
    world.association().www = false;
    world.later(60);
    world.run();
    world.association().status = DomainStatus::Active;
    world.later(300);
    world.run();
    let todo: Vec<&str> = world.last().todo.iter().map(|todo| todo.text.as_str()).collect();
    assert_eq!(todo.len(), 2, "{todo:?}");
    assert!(todo[0].contains("shop.example.net AAAA 2001:db8::7") && todo[0].contains("IPv6"), "{todo:?}");
    assert!(todo[1].contains("www.shop.example.net A alias") && todo[1].contains("left over"), "{todo:?}");
}

#[test]
fn a_proof_that_went_after_the_end_is_put_back_and_told() {
    let mut world = World::finished().lose("_p1.shop.example.net");
    assert_eq!(
        world.run(),
        ["record records-intent", "call Z1 x1", "record called +repaired", "record records-in-sync", "hold settled"]
    );
    assert_eq!(world.last().severity, Severity::Warning);
    assert!(world.standing().contains(&cname("_p1.shop.example.net", "_v10.acm-validations.aws").words()));
}

#[test]
fn a_target_that_went_is_put_back_in_the_form_that_we_made_without_describing_the_service() {
    let mut world = World::finished().lose(SHOP);
    let trace = world.settle();
    assert!(trace.contains(&"record called +repaired".to_owned()) && !trace.contains(&"look service".to_owned()));
    assert!(world.standing().contains(&alias(SHOP).words()));
}

/// The domain was moved to another service: our alias leads to the old one.
fn moved() -> World {
    let mut world = World::finished();
    world.association().dns_target = Some(name("new.eu-west-1.awsapprunner.com"));
    world
}

#[test]
fn our_own_record_is_replaced_in_one_batch_where_the_stack_lets_us_take_away() {
    let mut world = moved();
    let trace = world.run();
    assert!(trace.contains(&"call Z1 x2".to_owned()), "{trace:?}");
    let new = RecordSet::alias(name(SHOP), "Z087551914Z2PCAU0QHMW", name("new.eu-west-1.awsapprunner.com"));
    assert!(world.standing().contains(&new.words()) && world.owns() == 3);
    assert!(world.seen.memory.owned.iter().any(|owned| owned.record == new));
}

#[test]
fn our_own_record_is_not_replaced_but_proposed_where_the_stack_does_not() {
    let mut world = moved();
    world.settings.remove = false;
    let before = world.standing();
    assert_eq!(world.run(), ["record withheld +proposal", "hold proposed"]);
    assert_eq!(world.standing(), before);
    assert_eq!(world.last().todo[0].command.as_deref(), Some("pitcrew domains apply shop-api shop.example.net"));
    world.later(300);
    assert_eq!(world.run(), ["hold proposed"]);
}

#[test]
fn a_proof_that_another_domain_refers_to_is_not_replaced() {
    let mut world = World::finished();
    world.association().records[0].value = name("_new.acm-validations.aws");
    let sharer = vec![name("*.shop.example.net")];
    world.sharers.as_mut().unwrap().insert(name("_p1.shop.example.net"), sharer);
    let before = world.standing();
    assert_eq!(world.run(), ["record withheld +proposal", "hold proposed"]);
    assert!(world.last().done[0].contains("another custom domain refers to"));
    assert_eq!(world.standing(), before);
    world.sharers.as_mut().unwrap().clear();
    world.later(300);
    assert!(world.run().contains(&"call Z1 x2".to_owned()));
}

#[test]
fn what_is_withheld_is_proposed_once_and_done_when_it_may_be() {
    let mut world = World::new().autonomy(Autonomy::Propose);
    assert_eq!(world.run(), ["record -", "record withheld +proposal", "hold proposed"]);
    assert_eq!(world.told(NoticeKind::Proposal).len(), 1);
    world.later(300);
    assert_eq!(world.run(), ["hold proposed"]);
    assert!(world.calls.is_empty());
    world.settings.autonomy = Autonomy::Act;
    world.later(300);
    let trace = world.run();
    assert!(trace.contains(&"call Z1 x3".to_owned()), "{trace:?}");
    assert!(!world.seen.memory.told.contains_key("proposal"));
}

#[test]
fn who_only_observes_gets_no_command() {
    let mut world = World::new().autonomy(Autonomy::Observe);
    world.run();
    assert!(world.last().todo.is_empty() && world.calls.is_empty());
}

#[test]
fn pause_hold_and_the_tag_of_the_capability_each_stop_the_write() {
    for mut world in [
        World::new().paused(),
        World::new().tag("pitcrew:hold", "true"),
        World::new().tag("pitcrew:domains", "propose"),
        World::new().tag("pitcrew:autonomy", "observe"),
    ] {
        let trace = world.run();
        assert_eq!(trace.last().unwrap(), "hold proposed");
        assert!(world.calls.is_empty() && world.standing().is_empty());
    }
}

#[test]
fn off_is_silent() {
    for mut world in [World::new().tag("pitcrew:domains", "off"), World::new().autonomy(Autonomy::Off)] {
        assert_eq!(world.run(), ["record -", "hold off"]);
        assert!(world.notices.is_empty() && world.calls.is_empty());
    }
}

#[test]
fn tags_that_cannot_be_read_stop_every_write() {
    let mut world = World::new();
    world.tags = None;
    assert_eq!(world.run(), ["record -", "record -", "hold blind 60"]);
    assert!(world.calls.is_empty());
}

#[test]
fn the_receipt_of_an_intent_says_what_was_seen_and_which_records() {
    let mut world = World::new();
    world.run();
    let receipt = world.receipts.iter().find(|receipt| receipt.rule == "records-intent").unwrap();
    assert!(receipt.saw.contains(&("status".into(), "pending_certificate_dns_validation".into())));
    assert_eq!(receipt.saw.iter().filter(|(what, _)| what == "change").count(), 3);
    assert_eq!(receipt.at, second(0));
}
