//! The dry plan: the same decision, and nothing written.

use super::world::{SHOP, World, cname};
use crate::autonomy::Autonomy;
use crate::dns::model::name;
use crate::domain::{Owner, Preview, preview};

pub fn looked_at(world: &mut World) -> Preview {
    for _ in 0..100 {
        match preview(&world.seen, &world.settings) {
            Ok(preview) => return preview,
            Err(look) => drop(world.read(&look)),
        }
    }
    panic!("it asks for ever")
}

#[test]
fn a_new_domain_shows_what_would_be_created() {
    let mut world = World::new();
    let preview = looked_at(&mut world);
    assert_eq!(preview.status, "pending_certificate_dns_validation");
    let rows: Vec<(&str, &str, &str, Owner)> = preview
        .records
        .iter()
        .map(|row| (row.name.as_str(), row.kind.as_str(), row.verdict.as_str(), row.owner))
        .collect();
    assert_eq!(
        rows,
        [
            ("_p1.shop.example.net", "CNAME", "create", Owner::Nobody),
            ("_p2.shop.example.net", "CNAME", "create", Owner::Nobody),
            (SHOP, "A", "create", Owner::Nobody),
        ]
    );
    assert!(preview.next.starts_with("create _p1.shop.example.net CNAME") && preview.blockers.is_empty());
    let text = serde_json::to_string(&preview).unwrap();
    assert_eq!(serde_json::from_str::<Preview>(&text).unwrap(), preview);
    assert!(world.standing().is_empty() && world.seen.memory.version == 0);
}

#[test]
fn a_finished_domain_shows_whose_records_stand() {
    let mut world = World::finished();
    world.seen.memory.owned.remove(0);
    let preview = looked_at(&mut world);
    let owners: Vec<(Owner, &str)> = preview.records.iter().map(|row| (row.owner, row.verdict.as_str())).collect();
    assert_eq!(owners, [(Owner::Somebody, "found"), (Owner::Pitcrew, "standing"), (Owner::Pitcrew, "standing")]);
    assert_eq!((preview.next.as_str(), preview.command), ("nothing: active, and everything stands", None));
}

#[test]
fn what_stands_in_the_way_shows_even_where_it_was_told_before() {
    let mut world = World::new().put(cname(SHOP, "other.example.org"));
    world.run();
    world.later(300);
    let preview = looked_at(&mut world);
    let row = preview.records.iter().find(|row| row.name == SHOP).unwrap();
    assert_eq!((row.verdict.as_str(), row.owner, row.standing.len()), ("conflict", Owner::Somebody, 1));
    assert!(preview.blockers[0].contains("somebody else's record"), "{:?}", preview.blockers);
    assert!(preview.command.unwrap().starts_with("aws route53 change-resource-record-sets"));
}

#[test]
fn what_is_withheld_shows_the_command_that_does_it() {
    let mut world = World::new().autonomy(Autonomy::Propose);
    let preview = looked_at(&mut world);
    assert_eq!(preview.command.as_deref(), Some("pitcrew domains apply shop-api shop.example.net"));
    assert_eq!(preview.next, "nothing by itself: a person decides");
}

#[test]
fn a_domain_that_is_gone_shows_what_is_left_over() {
    let mut world = World::gone();
    let preview = looked_at(&mut world);
    assert_eq!(preview.status, "not associated");
    assert!(preview.records.iter().all(|row| row.verdict == "left over" && row.owner == Owner::Pitcrew));
    let next = "wait a minute, lest the list be stale, then remove shop.example.net A";
    assert!(preview.next.starts_with(next) && preview.command.is_none(), "{}", preview.next);
}

#[test]
fn what_is_left_over_is_kept_where_the_stack_takes_nothing_away_and_the_command_is_shown() {
    let mut world = World::gone();
    world.settings.remove = false;
    for seconds in [0, 30, 31] {
        world.later(seconds);
        let preview = looked_at(&mut world);
        let wait = if seconds == 31 { "" } else { "wait a minute, lest the list be stale, then " };
        assert_eq!(preview.next, format!("{wait}keep what pitcrew made, until a person has it removed"));
        assert_eq!(preview.command.as_deref(), Some("pitcrew domains remove shop.example.net"));
        assert!(preview.blockers[0].contains("(RemoveRecords)"), "{:?}", preview.blockers);
        if seconds == 0 {
            world.run();
        }
    }
}

#[test]
fn what_is_left_over_is_kept_while_other_domains_need_it_and_forgotten_where_nothing_is_ours() {
    let mut world = World::gone();
    world.seen.memory.owned.retain(|owned| owned.record.name.as_str() == "_p1.shop.example.net");
    let sharer = vec![name("*.shop.example.net")];
    world.sharers.as_mut().unwrap().insert(name("_p1.shop.example.net"), sharer);
    assert!(looked_at(&mut world).next.ends_with("then keep what pitcrew made: other domains need it"));
    world.seen.memory.owned.clear();
    assert!(looked_at(&mut world).next.ends_with("then forget the domain: nothing of it is left"));
}
