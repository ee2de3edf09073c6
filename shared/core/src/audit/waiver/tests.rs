//! Which waivers hold, and what is said of those that do not.

use super::super::testing::{RULE, about, entry, file, fleet, noon, service};
use super::*;
use crate::audit::{check_fleet, check_service};

fn tagged_by(value: &str) -> Option<Waived> {
    tagged(&[(format!("{TAG}{RULE}"), value.to_owned())].into(), RULE, noon(21))
}

/// The rules that a service with this tag is found by, and what was seen.
fn told(key: &str, value: &str) -> Vec<(String, String)> {
    let part = check_service(&fleet(21), &service("shop-api", &[(key, value)]), &Waivers::default());
    let audit = part.findings.into_iter().filter(|finding| finding.group == Group::Audit);
    audit.map(|finding| (finding.rule, finding.seen)).collect()
}

#[test]
fn a_tag_holds_until_the_end_of_its_day() {
    let waived = tagged_by("2026-11-21 the vendor mends it: TICKET-7").unwrap();
    assert_eq!(
        (waived.until.to_string().as_str(), waived.reason.as_str()),
        ("2026-11-21", "the vendor mends it: TICKET-7")
    );
    assert_eq!(tagged_by("  2026-12-01   spaces are no harm ").unwrap().reason, "spaces are no harm");
    assert_eq!(tagged_by("2026-11-20 over since yesterday"), None);
    assert!(told(&format!("{TAG}{RULE}"), "2026-11-21 still today").is_empty());
}

#[test]
fn an_expired_tag_is_a_finding_with_the_command_that_removes_it() {
    let key = format!("{TAG}{RULE}");
    let part = check_service(&fleet(21), &service("shop-api", &[(&key, "2026-11-20 for now")]), &Waivers::default());
    let finding = part.findings.iter().find(|finding| finding.rule == EXPIRED).unwrap();
    assert_eq!(finding.key, RULE);
    assert!(finding.seen.contains("ended on 2026-11-20: for now"), "{}", finding.seen);
    assert!(finding.fix.command.as_deref().unwrap().ends_with(&format!("--tag-keys '{key}'")));
    let waived = part.findings.iter().find(|finding| finding.rule == RULE).unwrap();
    assert!(waived.open());
}

#[test]
fn a_tag_that_says_too_little_does_not_hold_and_is_a_finding() {
    for (rule, value, why) in [
        (RULE, "", "no day"),
        (RULE, "2026-12-01", "no reason"),
        (RULE, "2026-12-01   ", "no reason"),
        (RULE, "soon because", "`soon` is no day"),
        (RULE, "2026-13-01 because", "`2026-13-01` is no day"),
        (RULE, "20261201 because", "is no day"),
        (RULE, "+002026-12-01 because", "is no day"),
        (RULE, "2026-12-01T00:00 because", "is no day"),
        (RULE, "2026-02-29 no leap year", "is no day"),
        ("no-such-rule", "2026-12-01 because", "no rule `no-such-rule`"),
        (EXPIRED, "2026-12-01 because", "cannot be waived"),
    ] {
        let told = told(&format!("{TAG}{rule}"), value);
        assert_eq!(told.len(), 1, "{rule} {value}: {told:?}");
        assert_eq!(told[0].0, MALFORMED);
        assert!(told[0].1.contains(why), "{rule} {value}: {}", told[0].1);
    }
}

#[test]
fn other_tags_are_nobodys_waivers() {
    assert!(told("pitcrew:hold", "true").is_empty());
    assert!(told("waive", "x").is_empty());
}

#[test]
fn each_tag_that_does_not_hold_is_a_finding_of_its_own() {
    let tags = [("pitcrew:waive:one", "x"), ("pitcrew:waive:two", "x")];
    let part = check_service(&fleet(21), &service("shop-api", &tags), &Waivers::default());
    assert_eq!(part.findings.iter().filter(|finding| finding.rule == MALFORMED).count(), 2);
}

#[test]
fn tags_that_could_not_be_read_are_not_checked() {
    let mut unread = service("shop-api", &[]);
    unread.tags = crate::fact::Fact::Unavailable("AccessDenied".to_owned());
    let part = check_service(&fleet(21), &unread, &Waivers::default());
    let rules: Vec<&str> = part.not_checked.iter().map(|entry| entry.rule.as_str()).collect();
    assert!(rules.contains(&EXPIRED) && rules.contains(&MALFORMED), "{rules:?}");
}

#[test]
fn an_entry_of_the_file_holds_for_what_both_of_its_patterns_match() {
    let connector = Resource::other("VPC connector", "arn:aws:apprunner:eu-west-1:123456789012:vpcconnector/out/1/abc");
    let find = |service: Option<&str>, resource: Option<&str>, about: &Resource| {
        let entry = Entry { resource: resource.map(str::to_owned), ..entry(RULE, service, "2026-11-30", "because") };
        file(&[entry]).find(RULE, about, noon(21)).is_some()
    };
    let shop = about("shop-api");
    assert!(find(Some("shop-*"), None, &shop));
    assert!(find(Some("arn:aws:apprunner:*:service/shop-api/*"), None, &shop));
    assert!(!find(Some("shop"), None, &shop));
    assert!(!find(Some("*"), None, &connector));
    assert!(find(None, Some("*vpcconnector/out/*"), &connector));
    assert!(find(None, Some("account"), &Resource::Account));
    assert!(!find(Some("shop-*"), Some("other"), &shop));
    assert!(!find(None, None, &shop), "no pattern is not every resource");
}

#[test]
fn what_is_wrong_with_the_file_is_found_once_by_the_fleet() {
    let waivers = file(&[
        entry(RULE, Some("shop-*"), "2026-11-20", "over"),
        entry(RULE, Some("news-*"), "2026-11-30", ""),
        entry(RULE, None, "2026-11-30", "of nothing"),
        entry(RULE, Some("mail-*"), "2026-11-30", "good"),
    ]);
    let part = check_fleet(&fleet(21), &waivers);
    let seen = |rule: &str| -> Vec<String> {
        part.findings.iter().filter(|finding| finding.rule == rule).map(|finding| finding.seen.clone()).collect()
    };
    assert_eq!(seen(EXPIRED).len(), 1);
    assert!(seen(EXPIRED)[0].contains("service shop-* ended on 2026-11-20: over"));
    assert_eq!(seen(MALFORMED).len(), 2, "{:?}", seen(MALFORMED));
}

#[test]
fn a_misspelt_field_of_the_file_is_refused_and_a_missing_one_is_a_finding() {
    let read = serde_json::from_str::<Waivers>;
    let refused = read(r#"{"waivers": [{"rule": "x", "untill": "2026-11-30"}]}"#).unwrap_err();
    assert!(refused.to_string().contains("untill"), "{refused}");
    let bare = read(r#"{"waivers": [{"rule": "x"}]}"#).unwrap();
    assert_eq!(check_fleet(&fleet(21), &bare).findings[0].rule, MALFORMED);
}

#[test]
fn a_file_that_is_no_waiver_file_is_a_finding_and_not_the_end() {
    let found = |file: &[u8]| {
        let part = check_fleet(&fleet(21), &Waivers::read(file));
        part.findings
            .into_iter()
            .filter(|finding| finding.rule == MALFORMED)
            .map(|finding| finding.seen)
            .collect::<Vec<_>>()
    };
    for broken in [&b"{\"waivers\": ["[..], b"\xff", b"[]", br#"{"waivers": [], "waiver": 1}"#] {
        let seen = found(broken);
        assert_eq!(seen.len(), 1, "{seen:?}");
        assert!(seen[0].starts_with("The waiver file cannot be read"), "{}", seen[0]);
    }
    assert_eq!(found(br#"{"waivers": []}"#), Vec::<String>::new());
}
