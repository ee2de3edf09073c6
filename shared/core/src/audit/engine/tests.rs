//! Which findings a service and a fleet give, and what is kept of them.

use super::super::testing::{RULE, about, entry, file, fleet, service};
use super::super::waiver::WaivedBy;
use super::*;
use crate::audit::Chapter;
use crate::dns::name::Name;
use crate::fact::Fact;

const CHAPTER: Chapter = Chapter { work: "guide", heading: "Health" };

fn rule(id: &'static str, check: Check) -> Rule {
    Rule { id, group: Group::Scaling, grade: Grade::Medium, title: "Title", why: "Why.", chapter: CHAPTER, check }
}

fn found_by(rules: &[Rule], service: &ServiceFacts) -> Part {
    check_service_by(rules.iter(), &fleet(1), service, &Waivers::default())
}

#[test]
fn a_service_that_is_fine_has_a_line_and_nothing_else() {
    let mut fine = service("shop-api", &[]);
    fine.status = ServiceStatus::Running;
    let part = check_service_by([].iter(), &fleet(1), &fine, &Waivers::default());
    assert_eq!((part.findings.len(), part.not_checked.len(), part.services.len()), (0, 0, 1));
    assert_eq!((part.services[0].name.as_str(), part.services[0].status.as_str()), ("shop-api", "RUNNING"));
}

#[test]
fn a_finding_says_its_rule_its_resource_and_what_mends_it() {
    let part = check_service(&fleet(1), &service("shop-api", &[]), &Waivers::default());
    let finding = part.findings.iter().find(|finding| finding.rule == RULE).unwrap();
    assert_eq!(finding.id, finding_id(RULE, &about("shop-api"), ""));
    assert_eq!((finding.grade, finding.group, finding.open()), (Grade::High, Group::Deployments, true));
    assert_eq!(finding.service.as_deref(), Some("shop-api"));
    assert!(finding.fix.command.as_deref().unwrap().contains("delete-service"));
    let back: Part = serde_json::from_str(&serde_json::to_string(&part).unwrap()).unwrap();
    assert_eq!(back, part);
}

#[test]
fn the_id_hangs_on_rule_resource_and_key_and_on_nothing_else() {
    let ids = [
        finding_id("a", &about("shop-api"), ""),
        finding_id("b", &about("shop-api"), ""),
        finding_id("a", &about("shop-web"), ""),
        finding_id("a", &about("shop-api"), "x"),
        finding_id("a", &Resource::Account, ""),
    ];
    let distinct: BTreeSet<_> = ids.iter().collect();
    assert_eq!(distinct.len(), ids.len());
    // Security Hub and waivers of the house hang on it: it must not change with a version of pitcrew.
    assert_eq!(ids[4], "c0e82acb458b");
}

#[test]
fn a_deleted_service_is_left_out() {
    let mut gone = service("shop-api", &[]);
    gone.status = ServiceStatus::Deleted;
    let part = check_service(&fleet(1), &gone, &Waivers::default());
    assert_eq!(part, Part::left_out(gone.arn));
}

#[test]
fn a_fact_that_could_not_be_read_is_not_checked() {
    let needs = rule(
        "scaling-x",
        Check::Service(|_, service, out| {
            if out.known(&Resource::Service { arn: service.arn.clone() }, &service.usage).is_some() {
                out.find(Resource::Account, "never", "", "");
            }
        }),
    );
    let mut unread = service("shop-api", &[]);
    unread.usage = Fact::Unavailable("AccessDenied".to_owned());
    let part = found_by(&[needs], &unread);
    assert!(part.findings.is_empty());
    let expected =
        NotChecked { rule: "scaling-x".into(), why: "AccessDenied".into(), resources: vec![about("shop-api")] };
    assert_eq!(part.not_checked, [expected]);
}

#[test]
fn a_rule_that_finds_twice_at_one_key_loses_nothing() {
    let twice = rule(
        "scaling-x",
        Check::Service(|_, service, out| {
            let resource = Resource::Service { arn: service.arn.clone() };
            out.find(resource.clone(), "One.", "Mend it.", "");
            out.find(resource, "Two.", "Mend it.", "");
            out.graded(Grade::Critical);
        }),
    );
    let part = found_by(&[twice], &service("shop-api", &[]));
    assert_eq!(part.findings.len(), 1);
    assert_eq!((part.findings[0].seen.as_str(), part.findings[0].grade), ("One. Two.", Grade::Critical));
}

#[test]
fn texts_have_a_bound_and_half_a_command_is_none() {
    let long = rule(
        "scaling-x",
        Check::Service(|_, _, out| {
            out.find(Resource::Account, "é".repeat(9_000), "Mend it.", "x".repeat(9_000));
        }),
    );
    let part = found_by(&[long], &service("shop-api", &[]));
    assert_eq!(part.findings[0].seen.chars().count(), TEXT_CHARS_MAX);
    assert_eq!(part.findings[0].fix.command, None);
}

#[test]
fn rules_about_the_fleet_run_once_and_only_there() {
    let rules = [
        rule("scaling-fleet", Check::Fleet(|_, out| out.find(Resource::Account, "Seen.", "Mend it.", ""))),
        rule("scaling-service", Check::Service(|_, _, out| out.find(Resource::Account, "Seen.", "Mend it.", ""))),
    ];
    let ids = |part: Part| part.findings.into_iter().map(|finding| finding.rule).collect::<Vec<_>>();
    assert_eq!(ids(found_by(&rules, &service("shop-api", &[]))), ["scaling-service"]);
    let part = check_fleet_by(rules.iter(), &fleet(1), &Waivers::default());
    assert!(part.fleet);
    assert_eq!(ids(part), ["scaling-fleet"]);
}

#[test]
fn a_waiver_of_the_tags_goes_before_one_of_the_file_and_both_leave_the_finding_in_the_report() {
    let tag = format!("pitcrew:waive:{RULE}");
    let waivers = file(&[entry(RULE, Some("shop-*"), "2026-11-30", "from the file")]);
    let by = |service: &ServiceFacts| {
        let part = check_service(&fleet(2), service, &waivers);
        part.findings.into_iter().find(|finding| finding.rule == RULE).unwrap().waiver
    };
    let tagged = by(&service("shop-api", &[(&tag, "2026-11-02 going away")])).unwrap();
    assert_eq!((tagged.by, tagged.reason.as_str()), (WaivedBy::Tag, "going away"));
    assert_eq!(by(&service("shop-api", &[])).unwrap().by, WaivedBy::File);
    assert_eq!(by(&service("news-api", &[])), None);
}

#[test]
fn days_left_are_whole_days_rounded_down() {
    let now = fleet(1).now;
    let after = |seconds: i64| Timestamp::from_second(now.as_second() + seconds).unwrap();
    let days = [3_600, 86_400, 86_399, -1].map(|seconds| days_left(after(seconds), now));
    assert_eq!(days, [0, 1, 0, -1]);
}

#[test]
fn a_line_shows_the_certificate_that_was_served_last() {
    use crate::audit::facts::DomainFacts;
    use crate::certificate::{CertificateMemory, Served};
    use crate::domain::{Association, DomainMemory, DomainStatus};
    let now = fleet(1).now;
    let not_after = Timestamp::from_second(now.as_second() + 12 * 86_400).unwrap();
    let served = Served { issuer: "Amazon".into(), names: vec![], serial: "1".into(), not_before: now, not_after };
    let seen = served.clone();
    let certificate = CertificateMemory {
        served,
        seen_at: now,
        paged_days: None,
        troubled: None,
        blind_since: None,
        others: Vec::new(),
    };
    let domain = |memory| DomainFacts {
        name: Name::parse("shop.example.com").unwrap(),
        association: Association {
            www: false,
            status: DomainStatus::Active,
            records: vec![],
            unreadable: vec![],
            dns_target: None,
            vpc_targets: vec![],
        },
        memory,
        preview: Fact::Unread,
        served: Fact::Unread,
        dns: crate::dns::facts::DnsFacts::default(),
    };
    let mut shop = service("shop-api", &[]);
    let memory = DomainMemory { certificate: Some(certificate), ..DomainMemory::default() };
    shop.domains = Fact::Known(vec![domain(Fact::Known(memory)), domain(Fact::Unavailable("no".into()))]);
    let expected = CertificateLine { domain: "shop.example.com".into(), not_after, days_left: 12 };
    assert_eq!(line(&shop, now).certificates, [expected]);
    let Fact::Known(domains) = &mut shop.domains else { panic!("no domains") };
    let seen = Served { not_after: Timestamp::from_second(now.as_second() + 86_400).unwrap(), ..seen };
    domains[1].served = Fact::Known(seen);
    assert_eq!(line(&shop, now).certificates[1].days_left, 1, "what this look saw, with nothing remembered");
}
