//! What a domain waits for, how often it is looked at meanwhile, and when a person is asked.

use super::world::{SHOP, World};
use crate::domain::DomainStatus;
use crate::notice::{NoticeKind, Severity};

#[test]
fn records_that_are_not_listed_yet_are_looked_for_after_5_15_and_45_seconds_and_then_by_the_sweep() {
    let mut world = World::new().status(DomainStatus::Creating);
    world.association().records.clear();
    let mut waits = Vec::new();
    for seconds in [0, 5, 15, 45, 300] {
        world.later(seconds);
        waits.push(world.run().last().unwrap().clone());
    }
    let at_work = "hold app_runner_at_work";
    let expected =
        [format!("{at_work} 5"), format!("{at_work} 15"), format!("{at_work} 45"), at_work.into(), at_work.into()];
    assert_eq!(waits, expected);
    assert!(world.notices.is_empty() && world.calls.is_empty());
}

#[test]
fn a_status_that_stays_too_long_is_told_once() {
    let listed = |status| World::new().status(status);
    let mut unlisted = listed(DomainStatus::Creating);
    unlisted.association().records.clear();
    let mut pending = listed(DomainStatus::PendingCertificateDnsValidation);
    pending.association().records.clear();
    let binding = World::finished().status(DomainStatus::BindingCertificate);
    let deleting = World::finished().status(DomainStatus::Deleting);
    for (mut world, minutes, words) in [
        (unlisted, 30, "`creating`"),
        (pending, 30, "`pending_certificate_dns_validation`"),
        (binding, 6 * 60, "`binding_certificate`"),
        (deleting, 2 * 60, "`deleting`"),
    ] {
        world.run();
        world.later(minutes * 60 - 1);
        assert_eq!(world.run().len(), 1, "{words}");
        world.later(1);
        assert_eq!(world.run()[0], "record domain-stuck +status-stays", "{words}");
        assert!(world.last().happened.contains(words), "{}", world.last().happened);
        world.later(300);
        assert_eq!(world.run().len(), 1, "{words}: once");
        world.association().status = DomainStatus::Active;
        world.later(60);
        world.run();
        assert!(!world.seen.memory.told.contains_key("status-stays"), "{words}");
    }
}

#[test]
fn a_domain_that_is_being_deleted_is_left_alone() {
    let mut world = World::finished().status(DomainStatus::Deleting).lose(SHOP);
    assert_eq!(world.run(), ["record -", "hold app_runner_at_work 60"]);
    assert!(world.calls.is_empty());
}

#[test]
fn a_change_that_is_not_everywhere_is_waited_for() {
    let mut world = World::new();
    world.in_sync = false;
    assert_eq!(world.run().last().unwrap(), "hold dns_at_work 15");
    world.in_sync = true;
    world.later(15);
    assert_eq!(world.run()[0], "record records-in-sync");
    assert!(world.seen.memory.changes.is_empty());
}

#[test]
fn a_change_that_never_gets_everywhere_is_not_waited_for_for_ever() {
    let mut world = World::new();
    world.in_sync = false;
    world.run();
    world.later(31 * 60);
    assert_eq!(world.run()[0], "record records-in-sync");
}

#[test]
fn a_proof_that_the_dns_does_not_show_is_told_after_half_an_hour_with_what_it_shows() {
    let mut world = World::new();
    world.shown = false;
    assert_eq!(world.run().last().unwrap(), "hold dns_at_work 60");
    world.later(29 * 60);
    assert_eq!(world.run(), ["hold dns_at_work 60"]);
    world.later(60);
    assert_eq!(world.run(), ["record domain-stuck +dns-answer", "hold dns_at_work"]);
    assert!(world.last().happened.contains("the DNS answers nothing"));
    world.later(300);
    assert_eq!(world.run(), ["hold dns_at_work"]);
    world.shown = true;
    world.later(300);
    assert_eq!(world.run(), ["record -", "hold app_runner_at_work"]);
}

#[test]
fn what_stands_and_is_pending_is_woken_for_in_the_first_five_minutes_only() {
    let mut world = World::new();
    world.run();
    world.later(299);
    assert_eq!(world.run(), ["hold app_runner_at_work 60"]);
    world.later(1);
    assert_eq!(world.run(), ["hold app_runner_at_work"]);
}

#[test]
fn after_72_hours_linking_again_is_proposed_once() {
    let mut world = World::new();
    world.run();
    world.later(72 * 3600);
    assert_eq!(world.run(), ["record domain-stuck +relink", "hold app_runner_at_work"]);
    assert_eq!(world.last().todo[0].command.as_deref(), Some("pitcrew domains relink shop-api shop.example.net"));
    world.later(300);
    assert_eq!(world.run(), ["hold app_runner_at_work"]);
}

#[test]
fn create_failed_is_explained_by_caa_where_caa_is_the_cause() {
    let mut world = World::new().status(DomainStatus::CreateFailed).caa("example.net", &["0 issue ca.example"]);
    assert_eq!(world.run(), ["record -", "record domain-stuck +create-failed", "hold blocked"]);
    assert!(world.last().happened.contains("0 issue ca.example"));
    let mut world = World::new().status(DomainStatus::CreateFailed);
    world.run();
    assert!(world.last().happened.contains("reserved"));
    assert!(world.last().todo[0].command.as_deref().unwrap().contains("relink"));
    world.later(300);
    assert_eq!(world.run(), ["hold blocked"]);
}

#[test]
fn delete_failed_and_a_status_that_is_not_known_are_told_once_and_nothing_is_done() {
    for (status, topic) in
        [(DomainStatus::DeleteFailed, "delete-failed"), (DomainStatus::Unknown("resting".into()), "unknown-status")]
    {
        let mut world = World::finished().lose(SHOP).status(status);
        assert_eq!(
            world.run(),
            ["record -".to_owned(), format!("record domain-stuck +{topic}"), "hold blocked".into()]
        );
        assert_eq!(world.last().severity, Severity::Critical);
        world.later(300);
        assert_eq!(world.run(), ["hold blocked"]);
        assert!(world.calls.is_empty());
    }
}

#[test]
fn a_link_that_begins_again_has_a_thread_of_its_own_and_keeps_what_we_own() {
    let mut world = World::finished();
    world.run();
    let first = world.seen.memory.link.clone().unwrap().first_seen;
    world.association().status = DomainStatus::Creating;
    world.later(300);
    world.run();
    let link = world.seen.memory.link.clone().unwrap();
    assert!(link.first_seen > first && world.seen.memory.finished_at.is_none() && world.owns() == 3);
    assert!(world.told(NoticeKind::Domain).is_empty());
}
