use super::*;
use crate::dns::model::{World, cname, name, values};
use crate::dns::record::Data;

const ALIAS_ZONE: &str = "Z087551914Z2PCAU0QHMW";

fn proof(at: &str, target: &str) -> Wanted {
    Wanted { purpose: Purpose::Validation, place: Place::Public, record: cname(at, target) }
}

fn target(at: &str, to: &str) -> Wanted {
    let record = RecordSet::alias(name(at), ALIAS_ZONE, name(to));
    Wanted { purpose: Purpose::Target, place: Place::Public, record }
}

fn own(zone: &ZoneRef, wanted: &Wanted) -> Owned {
    Owned { zone: zone.clone(), purpose: wanted.purpose, record: wanted.record.clone() }
}

fn planned(world: &World, wanted: &[Wanted], owned: &[Owned]) -> Plan {
    world.settle(|facts| plan(wanted, owned, facts))
}

/// Whether every wanted record stands, ours or not.
fn stands(plan: &Plan) -> bool {
    plan.wanted.iter().all(|(_, verdict)| matches!(verdict, Verdict::Standing { .. } | Verdict::Found { .. }))
}

/// A world of one zone, the zone, and the verdict for one wanted record beside what stands and what we own.
fn verdict_of(wanted: &Wanted, standing: &[RecordSet], owned: &[RecordSet]) -> Verdict {
    let (world, zone) = one_zone(standing);
    let owned: Vec<Owned> = owned
        .iter()
        .map(|record| Owned { zone: zone.clone(), purpose: wanted.purpose, record: record.clone() })
        .collect();
    planned(&world, std::slice::from_ref(wanted), &owned).wanted[0].1.clone()
}

fn one_zone(standing: &[RecordSet]) -> (World, ZoneRef) {
    let mut world = World::with(&["example.com"]);
    let zone = world.zones[0].zone.at.clone();
    standing.iter().for_each(|record| world.put(&zone, record.clone()));
    (world, zone)
}

#[test]
fn a_wanted_record_that_stands_and_is_ours_stands() {
    let wanted = proof("_a.example.com", "_b.acm-validations.aws");
    let ours = std::slice::from_ref(&wanted.record);
    let verdict = verdict_of(&wanted, ours, ours);
    assert!(matches!(verdict, Verdict::Standing { .. }));
}

#[test]
fn a_wanted_record_that_somebody_else_made_counts_and_is_not_ours() {
    let wanted = proof("_a.example.com", "_b.acm-validations.aws");
    let other_ttl = Data::Values { ttl_secs: 60, values: vec!["_B.acm-validations.aws".to_owned()] };
    let standing = RecordSet { data: other_ttl, ..wanted.record.clone() };
    for owned in [vec![], vec![wanted.record.clone()]] {
        let verdict = verdict_of(&wanted, std::slice::from_ref(&standing), &owned);
        assert!(matches!(verdict, Verdict::Found { standing: found, .. } if found == standing));
    }
}

#[test]
fn where_nothing_keeps_it_out_it_is_created_owned_before_or_not() {
    let wanted = target("shop.example.com", "abc.eu-west-1.awsapprunner.com");
    let beside = [
        values("shop.example.com", RecordType::Txt, &["\"x\""]),
        values("shop.example.com", RecordType::Mx, &["1 a."]),
    ];
    for owned in [vec![], vec![wanted.record.clone()]] {
        assert!(matches!(verdict_of(&wanted, &beside, &owned), Verdict::Create { .. }));
    }
}

#[test]
fn exactly_what_we_own_is_replaced_in_one_batch() {
    let old = target("shop.example.com", "old.eu-west-1.awsapprunner.com").record;
    let wanted = target("shop.example.com", "new.eu-west-1.awsapprunner.com");
    let (mut world, zone) = one_zone(std::slice::from_ref(&old));
    let owned = [Owned { zone, purpose: Purpose::Target, record: old.clone() }];
    let plan = planned(&world, std::slice::from_ref(&wanted), &owned);
    let batches = plan.writes();
    assert_eq!(batches[0].changes, [Change::Delete(old), Change::Create(wanted.record.clone())]);
    assert!(plan.leftover.is_empty() && plan.removals().is_empty());
    world.apply(&batches[0]).unwrap();
    assert!(stands(&planned(&world, &[wanted], &[])));
}

#[test]
fn an_alias_of_ours_may_become_a_cname_and_back() {
    let alias = target("shop.example.com", "abc.eu-west-1.awsapprunner.com");
    let record = cname("shop.example.com", "abc.eu-west-1.awsapprunner.com");
    let wanted = Wanted { record: record.clone(), ..alias.clone() };
    let verdict = verdict_of(&wanted, std::slice::from_ref(&alias.record), std::slice::from_ref(&alias.record));
    assert!(matches!(verdict, Verdict::Replace { owned, .. } if owned == alias.record));
    let verdict = verdict_of(&alias, std::slice::from_ref(&record), std::slice::from_ref(&record));
    assert!(matches!(verdict, Verdict::Replace { owned, .. } if owned == record));
}

#[test]
fn what_is_not_exactly_ours_is_a_conflict_and_shown() {
    let wanted = proof("_a.example.com", "_b.acm-validations.aws");
    let other = cname("_a.example.com", "_other.acm-validations.aws");
    let ours_but_for_the_ttl = RecordSet {
        data: Data::Values { ttl_secs: 60, values: vec!["_other.acm-validations.aws.".to_owned()] },
        ..other.clone()
    };
    for (standing, owned) in
        [(&other, vec![]), (&other, vec![wanted.record.clone()]), (&ours_but_for_the_ttl, vec![other.clone()])]
    {
        let verdict = verdict_of(&wanted, std::slice::from_ref(standing), &owned);
        assert!(
            matches!(&verdict, Verdict::Conflict { standing: shown, .. } if shown[..] == [standing.clone()]),
            "{verdict:?}"
        );
    }
}

#[test]
fn a_record_of_every_type_keeps_a_cname_out_and_a_cname_keeps_everything_out() {
    let wanted = proof("_a.example.com", "_b.acm-validations.aws");
    for kind in ["A", "AAAA", "CAA", "DS", "MX", "SOA", "TXT", "SRV", "HTTPS"] {
        let standing = values("_a.example.com", RecordType::parse(kind), &["1"]);
        assert!(matches!(verdict_of(&wanted, &[standing], &[]), Verdict::Conflict { .. }), "{kind}");
    }
    let alias = target("_a.example.com", "abc.eu-west-1.awsapprunner.com");
    assert!(matches!(verdict_of(&alias, &[wanted.record], &[]), Verdict::Conflict { .. }));
}

#[test]
fn a_set_under_a_routing_policy_is_never_ours_nor_good_enough() {
    let wanted = target("shop.example.com", "abc.eu-west-1.awsapprunner.com");
    let weighted = RecordSet { policy: Some("blue".to_owned()), ..wanted.record.clone() };
    let verdict = verdict_of(&wanted, std::slice::from_ref(&weighted), std::slice::from_ref(&weighted));
    assert!(matches!(verdict, Verdict::Conflict { .. }));
}

#[test]
fn one_foreign_set_beside_ours_keeps_a_replacement_from_being_made() {
    let ours = target("shop.example.com", "abc.eu-west-1.awsapprunner.com").record;
    let wanted = Wanted { record: cname("shop.example.com", "abc.eu-west-1.awsapprunner.com"), ..target("x.y", "z.y") };
    let foreign = values("shop.example.com", RecordType::Aaaa, &["::1"]);
    let verdict = verdict_of(&wanted, &[ours.clone(), foreign], &[ours]);
    assert!(matches!(verdict, Verdict::Conflict { standing, .. } if standing.len() == 2));
}

#[test]
fn a_zone_that_cannot_be_chosen_or_read_is_a_refusal() {
    let wanted = [proof("_a.other.com", "_b.acm-validations.aws")];
    let plan = planned(&World::with(&["example.com"]), &wanted, &[]);
    assert_eq!(plan.wanted[0].1, Verdict::Refused(Refusal::NoZone));
    assert!(plan.writes().is_empty() && !stands(&plan));
}

#[test]
fn a_cname_at_the_top_of_the_zone_is_refused() {
    let wanted = Wanted { record: cname("example.com", "abc.eu-west-1.awsapprunner.com"), ..target("x.y", "z.y") };
    assert!(matches!(verdict_of(&wanted, &[], &[]), Verdict::Apex { .. }));
}

#[test]
fn other_types_than_a_and_cname_are_neither_written_nor_removed() {
    let record = values("shop.example.com", RecordType::Txt, &["\"x\""]);
    let wanted = Wanted { purpose: Purpose::Target, place: Place::Public, record: record.clone() };
    assert!(matches!(verdict_of(&wanted, &[], &[]), Verdict::Refused(_)));
    let (world, zone) = one_zone(std::slice::from_ref(&record));
    let plan = planned(&world, &[], &[Owned { zone, purpose: Purpose::Target, record }]);
    assert_eq!(plan.leftover[0].1, Leftover::Forget);
}

#[test]
fn a_proof_that_a_wildcard_and_its_parent_share_is_created_once() {
    let wanted = proof("_a.example.com", "_b.acm-validations.aws");
    let (mut world, _) = one_zone(&[]);
    let both = [wanted.clone(), Wanted { record: cname("_A.example.com.", "_B.acm-validations.aws"), ..wanted }];
    let batches = planned(&world, &both, &[]).writes();
    assert_eq!(batches.iter().map(|batch| batch.changes.len()).sum::<usize>(), 1);
    world.apply(&batches[0]).unwrap();
    assert!(stands(&planned(&world, &both, &[])));
}

#[test]
fn of_two_wanted_records_that_exclude_each_other_the_second_is_in_conflict() {
    let first = proof("_a.example.com", "_b.acm-validations.aws");
    let second = proof("_a.example.com", "_c.acm-validations.aws");
    let (world, _) = one_zone(&[]);
    let plan = planned(&world, &[first.clone(), second], &[]);
    assert!(matches!(&plan.wanted[0].1, Verdict::Create { .. }));
    assert!(matches!(&plan.wanted[1].1, Verdict::Conflict { standing, .. } if standing[..] == [first.record.clone()]));
    assert_eq!(plan.writes()[0].changes.len(), 1);
}

#[test]
fn proofs_come_before_targets_and_each_zone_has_one_batch() {
    let world = World::with(&["example.com", "other.org"]);
    let wanted = [
        target("shop.example.com", "abc.eu-west-1.awsapprunner.com"),
        target("other.org", "abc.eu-west-1.awsapprunner.com"),
        proof("_a.other.org", "_b.acm-validations.aws"),
        proof("_a.shop.example.com", "_b.acm-validations.aws"),
    ];
    let batches = planned(&world, &wanted, &[]).writes();
    let kinds: Vec<Vec<&RecordType>> =
        batches.iter().map(|batch| batch.changes.iter().map(|change| &change.record().kind).collect()).collect();
    assert_eq!(kinds, [[&RecordType::Cname, &RecordType::A], [&RecordType::Cname, &RecordType::A]]);
    assert_eq!(batches[0].zone.name, name("other.org"));
}

#[test]
fn a_batch_holds_at_most_a_hundred_changes_and_the_rest_comes_with_the_next_plan() {
    let (mut world, _) = one_zone(&[]);
    let wanted: Vec<Wanted> =
        (0..150).map(|at| proof(&format!("_{at}.example.com"), "_b.acm-validations.aws")).collect();
    for left in [100, 50] {
        let batches = planned(&world, &wanted, &[]).writes();
        assert_eq!(batches.len(), 1);
        assert_eq!(batches[0].changes.len(), left);
        world.apply(&batches[0]).unwrap();
    }
    assert!(stands(&planned(&world, &wanted, &[])));
}

#[test]
fn what_we_own_is_removed_exactly_targets_first() {
    let (proof, target) = (
        proof("_a.example.com", "_b.acm-validations.aws"),
        target("shop.example.com", "abc.eu-west-1.awsapprunner.com"),
    );
    let (mut world, zone) = one_zone(&[proof.record.clone(), target.record.clone()]);
    let mut owned = vec![own(&zone, &proof), own(&zone, &target)];
    for gone in [target.record, proof.record] {
        let batches = planned(&world, &[], &owned).removals();
        assert_eq!(batches[0].changes, [Change::Delete(gone.clone())]);
        assert_eq!(batches.len(), 1);
        world.apply(&batches[0]).unwrap();
        owned.retain(|owned| owned.record != gone);
    }
}

#[test]
fn an_owned_record_that_is_gone_or_was_changed_is_forgotten() {
    let ours = proof("_a.example.com", "_b.acm-validations.aws");
    for standing in [vec![], vec![cname("_a.example.com", "_other.acm-validations.aws")]] {
        let (world, zone) = one_zone(&standing);
        let plan = planned(&world, &[], &[own(&zone, &ours)]);
        assert_eq!(plan.leftover[0].1, Leftover::Forget);
        assert!(plan.removals().is_empty());
    }
}

#[test]
fn while_a_target_cannot_be_read_no_proof_is_removed() {
    let (proof, target) =
        (proof("_a.example.com", "_b.acm-validations.aws"), target("other.org", "a.awsapprunner.com"));
    let mut world = World::with(&["example.com", "other.org"]);
    let (here, there) = (world.zones[0].zone.at.clone(), world.zones[1].zone.at.clone());
    world.put(&here, proof.record.clone());
    world.zones[1].readable = false;
    let plan = planned(&world, &[], &[own(&here, &proof), own(&there, &target)]);
    assert!(matches!(plan.leftover[1].1, Leftover::Blind(_)));
    assert!(plan.removals().is_empty());
}

#[test]
fn ownership_in_a_zone_that_is_gone_ends_and_elsewhere_waits() {
    let ours = proof("_a.gone.com", "_b.acm-validations.aws");
    let (world, _) = one_zone(&[]);
    let gone = ZoneRef { id: "ZGONE".to_owned(), name: name("gone.com"), role: None };
    assert_eq!(planned(&world, &[], &[own(&gone, &ours)]).leftover[0].1, Leftover::Forget);
    let elsewhere = ZoneRef { role: Some("arn:aws:iam::2:role/dns".to_owned()), ..gone };
    assert!(matches!(planned(&world, &[], &[own(&elsewhere, &ours)]).leftover[0].1, Leftover::Blind(_)));
}

#[test]
fn nothing_is_removed_from_a_zone_that_may_not_be_written_to_any_more() {
    let ours = proof("_a.example.com", "_b.acm-validations.aws");
    let (mut world, zone) = one_zone(std::slice::from_ref(&ours.record));
    world.zones[0].zone.writable = false;
    let plan = planned(&world, &[], &[own(&zone, &ours)]);
    assert!(matches!(plan.leftover[0].1, Leftover::Blind(_)));
    assert!(plan.removals().is_empty());
}

#[test]
fn a_proof_that_is_still_wanted_is_not_removed_though_its_zone_is_another_or_unknown_now() {
    let ours = proof("_a.shop.example.com", "_b.acm-validations.aws");
    let mut world = World::with(&["example.com"]);
    let old = world.zones[0].zone.at.clone();
    world.put(&old, ours.record.clone());
    world.dark = true;
    assert!(planned(&world, std::slice::from_ref(&ours), &[own(&old, &ours)]).leftover.is_empty());
    world.dark = false;
    world.public("shop.example.com");
    let plan = planned(&world, std::slice::from_ref(&ours), &[own(&old, &ours)]);
    assert!(matches!(plan.wanted[0].1, Verdict::Create { .. }));
    assert!(plan.leftover.is_empty());
}

#[test]
fn a_target_that_became_private_is_taken_from_the_public_zone() {
    let public = target("shop.example.com", "abc.eu-west-1.awsapprunner.com");
    let (mut world, zone) = one_zone(std::slice::from_ref(&public.record));
    let inside = world.private("example.com", "vpc-1");
    let place = Place::Private { vpc: "vpc-1".to_owned() };
    let wanted = Wanted { place, purpose: Purpose::Target, record: cname("shop.example.com", "x.vpce.amazonaws.com") };
    let plan = planned(&world, &[wanted], &[own(&zone, &public)]);
    assert!(matches!(&plan.wanted[0].1, Verdict::Create { zone } if *zone == inside));
    assert_eq!(plan.leftover[0].1, Leftover::Remove);
}
