use super::*;
use crate::dns::model::{World, name, values};

fn chosen(world: &World, at: &str) -> Result<ZoneRef, Refusal> {
    world.settle(|facts| choose(&name(at), &[name(at)], facts))
}

#[test]
fn a_name_below_no_zone_has_none() {
    let world = World::with(&["example.com"]);
    assert_eq!(chosen(&world, "badexample.com"), Err(Refusal::NoZone));
    assert_eq!(chosen(&world, "com"), Err(Refusal::NoZone));
}

#[test]
fn the_deepest_zone_by_whole_labels_is_chosen_whatever_the_order_of_the_list() {
    let mut world = World::with(&["shop.example.com", "example.com", "op.example.com", "com"]);
    for _ in 0..4 {
        assert_eq!(chosen(&world, "_x.Shop.Example.com.").unwrap().name, name("shop.example.com"));
        assert_eq!(chosen(&world, "*.example.com").unwrap().name, name("example.com"));
        assert_eq!(chosen(&world, "shop.example.com").unwrap().name, name("shop.example.com"));
        world.zones.rotate_left(1);
    }
}

#[test]
fn a_private_zone_never_takes_a_public_record() {
    let mut world = World::with(&["example.com"]);
    world.private("shop.example.com", "vpc-1");
    assert_eq!(chosen(&world, "a.shop.example.com").unwrap().name, name("example.com"));
    let only_private = {
        let mut world = World::default();
        world.private("example.com", "vpc-1");
        world
    };
    assert_eq!(chosen(&only_private, "shop.example.com"), Err(Refusal::NoZone));
}

#[test]
fn a_zone_that_the_dns_does_not_answer_from_is_refused() {
    let mut world = World::with(&["example.com"]);
    world.live.insert(name("example.com"), vec!["ns1.other.net".to_owned()]);
    let refusal = chosen(&world, "shop.example.com").unwrap_err();
    assert!(matches!(refusal, Refusal::NotAuthoritative { live, .. } if live == [name("ns1.other.net")]));
    world.live.clear();
    let refusal = chosen(&world, "shop.example.com").unwrap_err();
    assert!(matches!(refusal, Refusal::NotAuthoritative { live, .. } if live.is_empty()));
}

#[test]
fn one_server_more_or_less_is_another_answer_and_their_order_and_case_are_not() {
    let mut world = World::with(&["example.com"]);
    let at = name("example.com");
    let servers = world.live[&at].clone();
    world.live.insert(at.clone(), servers.iter().rev().map(|server| server.to_uppercase() + ".").collect());
    assert!(chosen(&world, "example.com").is_ok());
    world.live.insert(at.clone(), servers[..1].to_vec());
    assert!(matches!(chosen(&world, "example.com"), Err(Refusal::NotAuthoritative { .. })));
    world.live.insert(at, [servers, vec!["ns.extra.net".to_owned()]].concat());
    assert!(matches!(chosen(&world, "example.com"), Err(Refusal::NotAuthoritative { .. })));
}

#[test]
fn of_two_zones_of_one_name_the_one_is_chosen_that_the_dns_answers_from() {
    let mut world = World::default();
    world.hidden("example.com");
    let live = world.public("example.com");
    world.hidden("example.com");
    assert_eq!(chosen(&world, "shop.example.com"), Ok(live));
}

#[test]
fn two_zones_of_one_name_of_which_the_dns_names_none_or_both_are_ambiguous() {
    let mut world = World::default();
    world.hidden("example.com");
    let other = world.hidden("example.com");
    assert!(matches!(chosen(&world, "example.com"), Err(Refusal::Ambiguous { zones, .. }) if zones.len() == 2));
    let servers = world.zones[0].servers.clone();
    world.live.insert(name("example.com"), servers.iter().map(Name::to_string).collect());
    world.zone_mut(&other).servers = servers;
    assert!(matches!(chosen(&world, "example.com"), Err(Refusal::Ambiguous { .. })));
}

#[test]
fn a_delegation_at_any_label_below_the_top_is_respected() {
    for cut in ["b.example.com", "a.b.example.com", "_x.a.b.example.com"] {
        let mut world = World::with(&["example.com"]);
        let zone = world.zones[0].zone.at.clone();
        world.put(&zone, values(cut, RecordType::Ns, &["ns1.elsewhere.net."]));
        let refusal = chosen(&world, "_x.a.b.example.com").unwrap_err();
        let Refusal::DelegatedAway { at, servers, .. } = refusal else { panic!("{refusal:?}") };
        assert_eq!((at, servers), (name(cut), vec!["ns1.elsewhere.net.".to_owned()]));
        assert!(chosen(&world, "c.example.com").is_ok(), "a sibling of the cut is still ours");
    }
}

#[test]
fn the_name_servers_at_the_top_of_the_zone_are_no_delegation() {
    assert!(chosen(&World::with(&["example.com"]), "example.com").is_ok());
}

#[test]
fn a_zone_that_may_not_be_written_to_is_refused_without_a_read_of_its_records() {
    let mut world = World::with(&["example.com"]);
    world.zones[0].zone.writable = false;
    world.zones[0].readable = false;
    assert!(matches!(chosen(&world, "example.com"), Err(Refusal::NotWritable { .. })));
}

#[test]
fn a_dns_that_does_not_answer_leaves_us_blind() {
    let mut world = World::with(&["example.com"]);
    world.dark = true;
    assert!(matches!(chosen(&world, "example.com"), Err(Refusal::Blind(why)) if why.contains("timed out")));
}

#[test]
fn records_that_cannot_be_read_leave_us_blind() {
    let mut world = World::with(&["example.com"]);
    world.zones[0].readable = false;
    assert!(matches!(chosen(&world, "shop.example.com"), Err(Refusal::Blind(why)) if why.contains("AccessDenied")));
}

#[test]
fn an_account_that_cannot_be_listed_is_named_where_no_zone_was_found_and_else_does_not_matter() {
    let mut world = World::with(&["example.com"]);
    world.unlisted.push(("arn:aws:iam::2:role/dns".to_owned(), "AccessDenied".to_owned()));
    assert!(matches!(chosen(&world, "shop.other.com"), Err(Refusal::Blind(why)) if why.contains("role/dns")));
    assert!(chosen(&world, "shop.example.com").is_ok());
}

#[test]
fn a_private_record_goes_to_the_deepest_private_zone_that_the_vpc_sees() {
    let mut world = World::with(&["shop.example.com"]);
    let wide = world.private("example.com", "vpc-1");
    world.private("shop.example.com", "vpc-2");
    world.dark = true;
    let of = |world: &World, vpc: &str, at: &str| world.settle(|facts| choose_private(&name(at), vpc, &[], facts));
    assert_eq!(of(&world, "vpc-1", "shop.example.com"), Ok(wide.clone()));
    assert_eq!(of(&world, "vpc-2", "shop.example.com").unwrap().name, name("shop.example.com"));
    assert_eq!(of(&world, "vpc-3", "shop.example.com"), Err(Refusal::NoZone));
    world.zone_mut(&wide).zone.writable = false;
    assert_eq!(of(&world, "vpc-1", "shop.example.com"), Err(Refusal::NotWritable { zone: wide }));
}

#[test]
fn one_read_of_records_serves_all_names_of_the_zone() {
    let world = World::with(&["example.com"]);
    let names = [name("_x.shop.example.com"), name("shop.example.com"), name("other.org")];
    let mut facts = DnsFacts::default();
    let mut reads = 0;
    for at in &names[..2] {
        while let Err(look) = choose(at, &names, &facts) {
            reads += u32::from(matches!(look, DnsLook::Records { .. }));
            world.read(&look, &mut facts);
        }
    }
    assert_eq!(reads, 1);
    assert!(
        !facts.standing.iter().any(|(_, at, _)| *at == name("other.org")),
        "another zone's name is not asked for here"
    );
}
