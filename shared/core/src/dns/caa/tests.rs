use super::*;
use crate::dns::model::{World, name};

/// The verdict for a name where these sets stand in the DNS.
fn verdict(of: &str, sets: &[(&str, &[&str])]) -> Verdict {
    let mut world = World::default();
    for (at, records) in sets {
        world.caa.insert(name(at), records.iter().map(|record| (*record).to_owned()).collect());
    }
    world.settle(|facts| check(&name(of), facts))
}

fn allowed(of: &str, sets: &[(&str, &[&str])]) -> bool {
    verdict(of, sets) == Verdict::Allowed
}

fn allows_set(set: &[&str]) -> bool {
    allowed("shop.example.com", &[("example.com", set)])
}

#[test]
fn without_a_set_up_to_the_top_level_domain_everybody_may_issue() {
    assert!(allowed("a.shop.example.com", &[]));
    assert!(allowed("shop.example.com", &[("other.com", &["0 issue \";\""])]));
}

#[test]
fn each_of_amazons_four_names_allows_in_any_case_quoted_or_not() {
    for amazon in AMAZON {
        assert!(allows_set(&[&format!("0 issue {amazon}")]), "{amazon}");
        assert!(allows_set(&[&format!("0 ISSUE \" {} \"", amazon.to_uppercase())]), "{amazon}");
    }
    assert!(allows_set(&["0 issue letsencrypt.org", "0 issue amazon.com"]));
}

#[test]
fn a_set_with_issue_and_none_of_amazons_names_forbids_and_is_shown_with_its_place() {
    let set = &["0 issue \"letsencrypt.org\"", "0 iodef \"mailto:a@example.com\""];
    let Verdict::Forbidden { at, records } = verdict("shop.example.com", &[("example.com", set)]) else {
        panic!("it is not forbidden");
    };
    assert_eq!(at, name("example.com"));
    assert_eq!(records, set);
    assert!(!allows_set(&["0 issue notamazon.com"]));
    assert!(!allows_set(&["0 issue amazon.com.evil.example"]));
}

#[test]
fn an_empty_issuer_forbids_everybody() {
    for value in ["0 issue \";\"", "0 issue ;", "0 issue \"\"", "0 issue", "0 issue \" ; \""] {
        assert!(!allows_set(&[value]), "{value}");
    }
}

#[test]
fn a_set_that_says_nothing_about_issuing_allows() {
    assert!(allows_set(&["0 iodef \"mailto:a@example.com\""]));
    assert!(allows_set(&["128 iodef \"mailto:a@example.com\""]));
    assert!(allows_set(&["0 unheardof \"x\""]));
}

#[test]
fn an_unknown_critical_property_forbids_whatever_stands_beside_it() {
    assert!(!allows_set(&["0 issue amazon.com", "128 unheardof \"x\""]));
    assert!(!allows_set(&["129 unheardof \"x\""]));
    assert!(allows_set(&["0 issue amazon.com", "1 unheardof \"x\""]), "only the highest bit is critical");
}

#[test]
fn for_a_wildcard_issuewild_counts_and_issue_only_where_there_is_none() {
    let of = |wild: &str, set: &[&str]| allowed(wild, &[("example.com", set)]);
    let only_wild_forbids: &[&str] = &["0 issue amazon.com", "0 issuewild \";\""];
    assert!(!of("*.example.com", only_wild_forbids));
    assert!(of("example.com", only_wild_forbids));
    let only_wild_allows: &[&str] = &["0 issue letsencrypt.org", "0 issuewild amazon.com"];
    assert!(of("*.example.com", only_wild_allows));
    assert!(!of("example.com", only_wild_allows));
    assert!(!of("*.example.com", &["0 issue letsencrypt.org"]));
    assert!(of("shop.example.com", &["0 issuewild \";\""]), "issuewild says nothing about other names");
}

#[test]
fn the_closest_set_counts_alone() {
    let sets: &[(&str, &[&str])] =
        &[("shop.example.com", &["0 issue amazon.com"]), ("example.com", &["0 issue \";\""])];
    assert!(allowed("a.shop.example.com", sets));
    assert!(!allowed("blog.example.com", sets));
    let empty: &[(&str, &[&str])] = &[("shop.example.com", &[]), ("com", &["0 issue \";\""])];
    assert!(!allowed("shop.example.com", empty), "an empty answer is no set: the climb goes on to the top");
}

#[test]
fn a_wildcard_begins_at_its_base() {
    assert!(!allowed("*.shop.example.com", &[("shop.example.com", &["0 issue \";\""])]));
}

#[test]
fn parameters_are_allowed_where_they_follow_the_grammar() {
    assert!(allows_set(&["0 issue \"amazon.com; accounturi=https://acme.example/1; validationmethods=dns-01\""]));
    assert!(allows_set(&["0 issue \"amazon.com;\""]));
    assert!(allows_set(&["0 issue \"amazon.com ; policy = ev\""]));
    for malformed in ["amazon.com policy=ev", "amazon.com; ev", "amazon.com; %=1", "amazon.com; a=1;", "amazon.com."] {
        assert!(!allows_set(&[&format!("0 issue \"{malformed}\"")]), "{malformed}");
    }
}

#[test]
fn what_cannot_be_asked_or_read_is_not_known() {
    let world = World { dark: true, ..World::default() };
    assert!(
        matches!(world.settle(|facts| check(&name("example.com"), facts)), Verdict::Blind(why) if why.contains("timed out"))
    );
    let odd = verdict("example.com", &[("example.com", &["\\# 4 00 05 69 73"])]);
    assert!(matches!(odd, Verdict::Blind(_)), "{odd:?}");
}
