//! Whatever zones, records, ownership and wishes come in: nothing that is not ours moves, and what is done once is done.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;
use crate::dns::model::{World, name, values};
use crate::dns::record::Data;

const ZONES: [&str; 5] = ["example.com", "a.example.com", "b.example.com", "x.a.example.com", "other.org"];
const NAMES: [&str; 12] = [
    "example.com",
    "a.example.com",
    "A.Example.com.",
    "x.a.example.com",
    "_v.x.a.example.com",
    "_v.a.example.com",
    "\\052.a.example.com",
    "*.example.com",
    "b.example.com",
    "other.org",
    "www.other.org",
    "nowhere.net",
];
const KINDS: [&str; 11] = ["A", "A", "CNAME", "CNAME", "AAAA", "NS", "MX", "TXT", "CAA", "DS", "SRV"];

#[derive(Clone, Copy, Debug)]
enum Seen {
    Live,
    Hidden,
    Private(&'static str),
}

/// Something that stands: the zone, the set, and whether we own it, own it no more, or never did.
type Standing = (Index, RecordSet, Claim);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Claim {
    Nobody,
    Exactly,
    /// We made it, and somebody changed its TTL since.
    Changed,
}

fn a_target() -> impl Strategy<Value = &'static str> {
    select(vec!["one.awsapprunner.com", "two.awsapprunner.com"])
}

/// An A or a CNAME as pitcrew makes them.
fn our_kind() -> impl Strategy<Value = RecordSet> {
    (select(NAMES.to_vec()), a_target(), any::<bool>()).prop_map(|(at, to, alias)| {
        if alias { RecordSet::alias(name(at), "ZALIAS", name(to)) } else { RecordSet::cname(name(at), &name(to)) }
    })
}

fn any_set() -> impl Strategy<Value = RecordSet> {
    let foreign = (select(NAMES.to_vec()), select(KINDS.to_vec()), a_target())
        .prop_map(|(at, kind, to)| values(at, RecordType::parse(kind), &[to]));
    (prop_oneof![foreign, our_kind()], proptest::option::weighted(0.2, select(vec!["blue", "green"])))
        .prop_map(|(set, policy)| RecordSet { policy: policy.map(str::to_owned), ..set })
}

fn standing() -> impl Strategy<Value = Standing> {
    let claim = select(vec![Claim::Nobody, Claim::Exactly, Claim::Exactly, Claim::Changed]);
    (any::<Index>(), any_set(), claim)
}

fn wanted() -> impl Strategy<Value = Wanted> {
    let place = prop_oneof![
        4 => Just(Place::Public),
        1 => select(vec!["vpc-1", "vpc-2"]).prop_map(|vpc| Place::Private { vpc: vpc.to_owned() }),
    ];
    (select(vec![Purpose::Validation, Purpose::Target]), place, prop_oneof![9 => our_kind(), 1 => any_set()])
        .prop_map(|(purpose, place, record)| Wanted { purpose, place, record })
}

prop_compose! {
    fn zones()(zones in vec((select(ZONES.to_vec()), select(vec![Seen::Live, Seen::Live, Seen::Live, Seen::Hidden, Seen::Private("vpc-1"),
        Seen::Private("vpc-2")]), proptest::bool::weighted(0.85), proptest::bool::weighted(0.9)), 0..6), dark in proptest::bool::weighted(0.05)) -> World {
        let mut world = World { dark, ..World::default() };
        for (at, seen, writable, readable) in zones {
            match seen {
                Seen::Live => world.public(at),
                Seen::Hidden => world.hidden(at),
                Seen::Private(vpc) => world.private(at, vpc),
            };
            let hosted = world.zones.last_mut().unwrap();
            (hosted.zone.writable, hosted.readable) = (writable, readable);
        }
        world
    }
}

/// Puts what can stand into the world; says what of it we own.
fn furnish(world: &mut World, standing: Vec<Standing>) -> Vec<Owned> {
    let mut owned = Vec::new();
    for (number, (zone, record, claim)) in standing.into_iter().enumerate() {
        let inside: Vec<ZoneRef> = world.zones.iter().map(|hosted| hosted.zone.at.clone()).collect();
        let inside: Vec<&ZoneRef> = inside.iter().filter(|zone| record.name.is_at_or_below(&zone.name)).collect();
        let Some(zone) = (!inside.is_empty()).then(|| *zone.get(&inside)) else { continue };
        if !world.put_if_possible(zone, record.clone()) || claim == Claim::Nobody {
            continue;
        }
        let data = match record.data.clone() {
            Data::Values { values, .. } if claim == Claim::Changed => Data::Values { ttl_secs: 7, values },
            Data::Alias { zone, target, evaluate_health } if claim == Claim::Changed => {
                Data::Alias { zone, target, evaluate_health: !evaluate_health }
            }
            same => same,
        };
        let purpose = if number % 2 == 0 { Purpose::Validation } else { Purpose::Target };
        owned.push(Owned { zone: zone.clone(), purpose, record: RecordSet { data, ..record } });
    }
    owned
}

/// What must hold for a batch before it is applied.
fn check_batch(world: &World, batch: &Batch, wanted: &[Wanted], owned: &[Owned]) -> Result<(), TestCaseError> {
    let hosted = world.zones.iter().find(|hosted| hosted.zone.at.id == batch.zone.id).unwrap();
    prop_assert!(hosted.zone.writable, "a write to a zone that is not writable");
    prop_assert!(!batch.changes.is_empty() && batch.changes.len() <= CHANGES_MAX);
    for change in &batch.changes {
        let record = change.record();
        prop_assert!(matches!(record.kind, RecordType::A | RecordType::Cname) && record.policy.is_none());
        match change {
            Change::Delete(record) => {
                let ours = owned.iter().any(|owned| owned.zone.id == batch.zone.id && owned.record == *record);
                prop_assert!(ours, "a DELETE of what is not exactly ours: {:?}", record);
            }
            Change::Create(record) => {
                let asked = wanted
                    .iter()
                    .any(|wanted| wanted.record == *record && hosted.zone.private == (wanted.place != Place::Public));
                prop_assert!(asked, "nobody wanted {:?} there", record);
                check_reachable(world, &batch.zone, record, hosted.zone.private)?;
            }
        }
    }
    Ok(())
}

/// A public record stands only where the DNS would find it.
fn check_reachable(world: &World, zone: &ZoneRef, record: &RecordSet, private: bool) -> Result<(), TestCaseError> {
    let cut = record.name.climb().take_while(|at| *at != zone.name).any(|at| {
        world.records.keys().any(|(id, name, kind, _)| *id == zone.id && *name == at && *kind == RecordType::Ns)
    });
    prop_assert!(!cut, "a write below a delegation");
    if !private {
        let hosted = world.zones.iter().find(|hosted| hosted.zone.at.id == zone.id).unwrap();
        let live: BTreeSet<Name> = world.live[&zone.name].iter().map(|server| name(server)).collect();
        prop_assert!(!world.dark && live == hosted.servers.iter().cloned().collect(), "a write to a zone nobody asks");
    }
    Ok(())
}

/// Applies a batch and keeps the ownership as the functions do.
fn carry_out(
    world: &mut World,
    batch: &Batch,
    purposes: &[Wanted],
    owned: &mut Vec<Owned>,
) -> Result<(), TestCaseError> {
    let taken = world.apply(batch);
    prop_assert!(taken.is_ok(), "Route 53 refuses {:?}: {:?}", batch, taken);
    for change in &batch.changes {
        owned.retain(|owned| owned.zone.id != batch.zone.id || owned.record.name != change.record().name);
        if let Change::Create(record) = change {
            let purpose =
                purposes.iter().find(|wanted| wanted.record == *record).map_or(Purpose::Target, |it| it.purpose);
            owned.push(Owned { zone: batch.zone.clone(), purpose, record: record.clone() });
        }
    }
    Ok(())
}

fn planned(world: &World, wanted: &[Wanted], owned: &[Owned]) -> Plan {
    world.settle(|facts| plan(wanted, owned, facts))
}

fn one_batch_a_zone(batches: &[Batch]) -> bool {
    batches.iter().map(|batch| &batch.zone.id).collect::<BTreeSet<_>>().len() == batches.len()
}

/// Writes, then removes, then looks again.
fn run(mut world: World, standing: Vec<Standing>, wanted: &[Wanted]) -> Result<(), TestCaseError> {
    let mut owned = furnish(&mut world, standing);
    let (ours_before, before) = (owned.clone(), world.records.clone());
    let first = planned(&world, wanted, &owned);
    prop_assert!(one_batch_a_zone(&first.writes()));
    for batch in first.writes() {
        check_batch(&world, &batch, wanted, &owned)?;
        carry_out(&mut world, &batch, wanted, &mut owned)?;
    }
    for _ in 0..2 {
        let batches = planned(&world, wanted, &owned).removals();
        prop_assert!(one_batch_a_zone(&batches));
        for batch in batches {
            check_batch(&world, &batch, wanted, &owned)?;
            prop_assert!(batch.changes.iter().all(|change| matches!(change, Change::Delete(_))));
            carry_out(&mut world, &batch, wanted, &mut owned)?;
        }
    }
    for ((zone, ..), record) in &before {
        let ours = ours_before.iter().any(|owned| owned.zone.id == *zone && owned.record == *record);
        let still = world.records.iter().any(|((id, ..), after)| id == zone && after == record);
        prop_assert!(ours || still, "a record that is not ours was changed: {:?}", record);
    }
    for ((zone, ..), record) in &world.records {
        let new = !before.iter().any(|((id, ..), old)| id == zone && old == record);
        prop_assert!(!new || wanted.iter().any(|wanted| wanted.record == *record), "nobody wanted {:?}", record);
    }
    let last = planned(&world, wanted, &owned);
    prop_assert!(last.writes().is_empty() && last.removals().is_empty(), "it never comes to rest: {:?}", last);
    for ((_, was), (_, is)) in first.wanted.iter().zip(&last.wanted) {
        match was {
            Verdict::Create { zone } | Verdict::Replace { zone, .. } => {
                prop_assert!(
                    matches!(is, Verdict::Standing { zone: there } if there == zone),
                    "{:?} became {:?}",
                    was,
                    is
                );
            }
            // The sets that it shows may have moved where two wanted records exclude each other; that it is one may not.
            Verdict::Conflict { zone, .. } => {
                prop_assert!(
                    matches!(is, Verdict::Conflict { zone: there, .. } if there == zone),
                    "{:?} became {:?}",
                    was,
                    is
                );
            }
            same => prop_assert_eq!(is, same),
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_is_not_ours_changes_by_a_byte_and_what_is_done_stays_done(
        world in zones(), standing in vec(standing(), 0..12), wanted in vec(wanted(), 0..6),
    ) {
        run(world, standing, &wanted)?;
    }
}

#[test]
fn the_random_worlds_lead_to_every_verdict() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut seen = BTreeSet::new();
    for _ in 0..600 {
        let case = (zones(), vec(standing(), 0..12), vec(wanted(), 0..6)).new_tree(&mut runner).unwrap();
        let (mut world, standing, wanted) = case.current();
        let owned = furnish(&mut world, standing);
        let plan = planned(&world, &wanted, &owned);
        let word = |text: String| text.split(|c: char| !c.is_alphanumeric()).take(2).collect::<Vec<_>>().join(" ");
        seen.extend(plan.wanted.iter().map(|(_, verdict)| match verdict {
            Verdict::Refused(refusal) => word(format!("{refusal:?}")),
            other => word(format!("{other:?}")),
        }));
        seen.extend(plan.leftover.iter().map(|(_, leftover)| word(format!("{leftover:?}"))));
        seen.extend(plan.removals().iter().map(|_| "removal".to_owned()));
    }
    let all = [
        "Standing",
        "Found",
        "Create",
        "Replace",
        "Conflict",
        "Apex",
        "NoZone",
        "Ambiguous",
        "NotAuthoritative",
        "DelegatedAway",
        "NotWritable",
        "Blind",
        "Remove",
        "Forget",
        "removal",
    ];
    for verdict in all {
        assert!(seen.iter().any(|seen| seen.starts_with(verdict)), "no random world leads to {verdict}: {seen:?}");
    }
}
