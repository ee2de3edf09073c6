//! Greedy paging over zones in memory that list as Route 53 lists.

use proptest::prelude::*;

use super::*;

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn cname(at: &str, policy: Option<&str>) -> RecordSet {
    let target = name("target.example.net");
    RecordSet { policy: policy.map(str::to_owned), ..RecordSet::cname(name(at), &target) }
}

/// A zone, its page size, and how often it was asked.
struct Zone {
    /// In Route 53's order; `None` stands for a set whose name we cannot read, under the name before it.
    sets: Vec<(Name, Option<RecordSet>)>,
    page: usize,
    asked: usize,
}

impl Zone {
    fn of(mut sets: Vec<RecordSet>, page: usize) -> Self {
        sets.sort_by(|a, b| (&a.name, &a.policy).cmp(&(&b.name, &b.policy)));
        Self { sets: sets.into_iter().map(|set| (set.name.clone(), Some(set))).collect(), page, asked: 0 }
    }

    /// The n-th set is where a page can begin; its place is carried in the identifier.
    fn list(&mut self, start: &Start) -> Page {
        self.asked += 1;
        let from = match &start.id {
            Some(place) => place.parse().unwrap(),
            None => {
                let from = Name::parse(&start.name).unwrap();
                self.sets.iter().position(|(name, _)| *name >= from).unwrap_or(self.sets.len())
            }
        };
        let end = (from + self.page).min(self.sets.len());
        let next = self.sets.get(end).map(|(name, set)| Start {
            name: if set.is_some() { name.fqdn() } else { "a b.".to_owned() },
            kind: Some("CNAME".to_owned()),
            id: Some(end.to_string()),
        });
        Page { sets: self.sets[from..end].iter().filter_map(|(_, set)| set.clone()).collect(), next }
    }

    fn read(&mut self, wanted: &[Name], pages: &mut Pages) {
        let mut walk = pages.first_unknown(wanted, None).map(Walk::at);
        while let Some(at) = walk.take() {
            let page = self.list(&at.start);
            walk = at.take(page, wanted, pages).unwrap();
        }
    }

    fn truth(&self, at: &Name) -> Vec<RecordSet> {
        self.sets.iter().filter(|(name, _)| name == at).filter_map(|(_, set)| set.clone()).collect()
    }
}

#[test]
fn what_is_known_is_not_asked_for_again() {
    let mut zone = Zone::of((0..900).map(|n| cname(&format!("d{n:04}.example.com"), None)).collect(), 300);
    let mut pages = Pages::default();
    for n in 0..900 {
        zone.read(&[name(&format!("d{n:04}.example.com")), name(&format!("_x.d{n:04}.example.com"))], &mut pages);
    }
    assert_eq!(zone.asked, 3, "900 domains side by side are three pages");
    assert_eq!(pages.at(&name("d0899.example.com")).unwrap().len(), 1);
    assert_eq!(pages.at(&name("d0899a.example.com")), Some(Vec::new()), "behind the last one nothing stands");
}

#[test]
fn a_name_at_which_a_page_breaks_off_is_read_whole() {
    let weighted = (0..5).map(|n| cname("b.example.com", Some(&format!("{n}"))));
    let mut zone = Zone::of(weighted.chain([cname("a.example.com", None), cname("c.example.com", None)]).collect(), 2);
    let mut pages = Pages::default();
    let wanted = ["a.example.com", "b.example.com", "c.example.com"].map(name);
    zone.read(&wanted, &mut pages);
    let found: Vec<usize> = wanted.iter().map(|name| pages.at(name).unwrap().len()).collect();
    assert_eq!(found, [1, 5, 1]);
}

#[test]
fn a_set_whose_name_cannot_be_read_hides_no_other() {
    let sets = ["a", "b", "c", "d"].map(|label| cname(&format!("{label}.example.com"), None)).to_vec();
    for page in 1..4 {
        let mut zone = Zone::of(sets.clone(), page);
        for hidden in [1, 2] {
            zone.sets[hidden].1 = None;
        }
        let mut pages = Pages::default();
        zone.read(&[name("a.example.com"), name("d.example.com")], &mut pages);
        assert_eq!(pages.at(&name("a.example.com")).unwrap().len(), 1, "pages of {page}");
        assert_eq!(pages.at(&name("d.example.com")).unwrap().len(), 1, "pages of {page}");
    }
}

#[test]
fn a_listing_out_of_order_is_not_believed() {
    let wanted = [name("a.example.com")];
    let page = Page { sets: vec![cname("c.example.com", None), cname("b.example.com", None)], next: None };
    let mut pages = Pages::default();
    assert!(Walk::at(wanted[0].clone()).take(page, &wanted, &mut pages).is_err());
    assert_eq!(pages.at(&wanted[0]), None);
}

#[test]
fn what_is_read_again_replaces_what_was_known() {
    let mut pages = Pages::default();
    pages.learn(name("a.example.com"), None, vec![cname("b.example.com", None)]);
    pages.learn(name("a.example.com"), Some(name("c.example.com")), Vec::new());
    assert_eq!(pages.at(&name("b.example.com")), Some(Vec::new()));
}

#[test]
fn a_wildcard_is_asked_for_as_route_53_sorts_it() {
    assert_eq!(Start::at(&name("*.example.com")).name, "\\052.example.com.");
}

fn set(kind: &str) -> sdk::builders::ResourceRecordSetBuilder {
    sdk::ResourceRecordSet::builder().name("\\052.Example.com.").r#type(kind.into())
}

#[test]
fn record_sets_are_read_with_what_keeps_them_from_being_ours() {
    let value = sdk::ResourceRecord::builder().value("B.example.net.").build().unwrap();
    let plain = record(&set("CNAME").ttl(60).resource_records(value.clone()).build().unwrap()).unwrap();
    let data = Data::Values { ttl_secs: 60, values: vec!["B.example.net.".to_owned()] };
    assert_eq!(plain, RecordSet { name: name("*.example.com"), kind: RecordType::Cname, data, policy: None });
    let policy = |set: sdk::builders::ResourceRecordSetBuilder| record(&set.build().unwrap()).unwrap().policy;
    assert_eq!(policy(set("CNAME").set_identifier("blue").resource_records(value.clone())).as_deref(), Some("blue"));
    assert_eq!(policy(set("A").health_check_id("h").resource_records(value)).as_deref(), Some("health-check"));
    let alias = |target: &str| {
        let alias = sdk::AliasTarget::builder().hosted_zone_id("Z0").dns_name(target).evaluate_target_health(false);
        record(&set("A").alias_target(alias.build().unwrap()).build().unwrap()).unwrap()
    };
    let data = Data::Alias { zone: "Z0".into(), target: name("x.example.net"), evaluate_health: false };
    assert_eq!((alias("X.example.net.").data, alias("X.example.net.").policy), (data, None));
    assert_eq!(alias("a b.").policy.as_deref(), Some("unreadable"), "it stands in the way and is never ours");
}

proptest! {
    #[test]
    fn what_paging_knows_is_what_stands(
        standing in prop::collection::vec((0..30u8, prop::option::of(0..4u8)), 0..60),
        wanted in prop::collection::vec(prop::collection::vec(0..32u8, 1..5), 1..6),
        page in 1..8usize,
    ) {
        let at = |n: u8| format!("l{:02}.example.com", n);
        let mut sets: Vec<RecordSet> =
            standing.into_iter().map(|(n, policy)| cname(&at(n), policy.map(|p| p.to_string()).as_deref())).collect();
        sets.sort_by(|a, b| (&a.name, &a.policy).cmp(&(&b.name, &b.policy)));
        sets.dedup();
        let mut zone = Zone::of(sets, page);
        let mut pages = Pages::default();
        for wanted in wanted {
            let wanted: Vec<Name> = wanted.into_iter().map(|n| name(&at(n))).collect();
            zone.read(&wanted, &mut pages);
            for name in &wanted {
                let mut found = pages.at(name).unwrap();
                found.sort_by(|a, b| a.policy.cmp(&b.policy));
                prop_assert_eq!(found, zone.truth(name));
            }
        }
    }
}
