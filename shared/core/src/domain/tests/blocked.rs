//! What stands in the way: told once with what to do, never touched, and gone on from by itself.

use super::world::{SHOP, TARGET, World, alias, cname, name, values};
use crate::dns::record::RecordType;
use crate::domain::DomainStatus;
use crate::notice::Severity;

const OTHER: &str = "elsewhere.example.org";

#[test]
fn caa_that_forbids_is_explained_and_nothing_is_written_until_it_is_corrected() {
    let mut world = World::new().caa("example.net", &["0 issue letsencrypt.org"]);
    assert_eq!(world.run(), ["record -", "record domain-blocked +caa", "hold blocked"]);
    let told = world.last().clone();
    assert!(told.happened.contains("example.net: 0 issue letsencrypt.org"), "{}", told.happened);
    assert_eq!(told.todo[0].text, "Add this value to the CAA set of example.net: 0 issue \"amazon.com\"");
    world.later(300);
    assert_eq!(world.run(), ["hold blocked"]);
    assert!(world.standing().is_empty());
    world = world.caa("example.net", &["0 issue amazon.com"]);
    world.later(300);
    let trace = world.run();
    assert_eq!(trace[..3], ["record domain-goes-on +goes-on", "record records-intent", "call Z1 x3"]);
}

#[test]
fn a_wildcard_is_told_to_add_issuewild() {
    let mut world = World::of("*.example.net").caa("example.net", &["0 issuewild ;"]);
    world.run();
    assert!(world.last().todo[0].text.ends_with("0 issuewild \"amazon.com\""));
}

#[test]
fn a_resolver_that_is_down_writes_nothing_and_is_tried_again() {
    let mut world = World::new();
    world.route53.dark = true;
    assert_eq!(world.run(), ["record -", "record -", "hold blind 60"]);
    world.route53.dark = false;
    world.later(60);
    assert!(world.run().contains(&"call Z1 x3".to_owned()));
}

#[test]
fn a_zone_that_is_missing_is_told_once_with_the_exact_records() {
    let mut world = World::of("shop.example.org");
    assert_eq!(world.run(), ["record -", "record domain-blocked +zone", "hold dns_at_work 60"].map(blocked_last));
    let told = world.last().clone();
    assert!(told.headline.ends_with("no hosted zone of ours holds the name"));
    assert_eq!(told.todo.len(), 3);
    assert!(told.todo[0].text.ends_with("_p1.shop.example.org CNAME _v10.acm-validations.aws"));
    world.later(300);
    assert_eq!(world.run(), ["hold blocked"]);
    world.route53.public("example.org");
    world.later(300);
    assert_eq!(world.run()[..3], ["record domain-goes-on +goes-on", "record records-intent", "call Z2 x3"]);
}

fn blocked_last(line: &str) -> &str {
    if line.starts_with("hold") { "hold blocked" } else { line }
}

#[test]
fn records_that_a_dns_which_is_not_ours_shows_as_wanted_are_done() {
    let mut world = World::of("shop.example.org").status(DomainStatus::Active);
    // Another account's zone, which pitcrew does not list: the DNS answers from it all the same.
    let theirs = world.route53.public("example.org");
    for n in [1, 2] {
        let record = cname(&format!("_p{n}.shop.example.org"), &format!("_v{n}0.acm-validations.aws"));
        world.route53.put(&theirs, record);
    }
    world.route53.zones.last_mut().unwrap().zone.private = true;
    assert_eq!(world.run(), ["record -", "record domain-finished", "hold settled"]);
    assert!(world.notices.is_empty());
}

#[test]
fn a_zone_that_we_may_not_write_to_two_of_one_name_and_one_that_the_dns_does_not_ask_are_told() {
    let mut not_writable = World::new();
    not_writable.route53.zones[0].zone.writable = false;
    let mut twins = World::new();
    twins.route53.hidden("example.net");
    twins.route53.live.insert(name("example.net"), vec!["ns.other.example".into()]);
    let mut elsewhere = World::new();
    elsewhere.route53.live.insert(name("example.net"), vec!["ns.other.example".into()]);
    let delegated = World::new().put(values(SHOP, RecordType::Ns, &["ns.other.example."]));
    for (mut world, words) in [
        (not_writable, "HostedZoneArns"),
        (twins, "have the same name"),
        (elsewhere, "what is written there, nobody sees"),
        (delegated, "delegates shop.example.net"),
    ] {
        let before = world.standing();
        assert_eq!(world.run(), ["record -", "record domain-blocked +zone", "hold blocked"], "{words}");
        assert!(world.last().happened.contains(words), "{}", world.last().happened);
        assert_eq!(world.standing(), before);
    }
}

#[test]
fn a_zone_that_is_not_ours_to_write_is_no_trouble_while_all_stands_in_it() {
    let mut world = World::finished();
    world.seen.memory.owned.clear();
    world.route53.zones[0].zone.writable = false;
    assert_eq!(world.run(), ["hold settled"]);
    world = world.lose(SHOP);
    world.later(300);
    assert_eq!(world.run(), ["record domain-blocked +zone", "hold blocked"]);
    assert!(world.last().todo.len() == 1 && world.last().severity == Severity::Critical);
}

#[test]
fn a_zone_that_cannot_be_read_is_tried_again_and_at_first_told_nobody() {
    let mut world = World::new();
    world.route53.zones[0].readable = false;
    assert_eq!(world.run(), ["record -", "record -", "hold blind 60"]);
    assert!(world.notices.is_empty());
}

#[test]
fn a_conflict_is_left_alone_shown_with_one_command_and_the_proofs_do_not_wait() {
    let mut world = World::new().put(cname(SHOP, OTHER));
    let trace = world.run();
    assert_eq!(trace[..4], ["record -", "record domain-blocked +conflict", "record records-intent", "call Z1 x2"]);
    assert_eq!(trace.last().unwrap(), "hold blocked");
    assert!(world.standing().contains(&cname(SHOP, OTHER).words()));
    let told = world.notices.iter().find(|notice| notice.id.contains("/conflict/")).unwrap();
    assert!(
        told.happened.contains(&alias(SHOP).words())
            && told.happened.contains("There: shop.example.net CNAME elsewhere.example.org (zone Z1)")
    );
    let command = told.todo[0].command.as_deref().unwrap();
    let batch = command.strip_prefix("aws route53 change-resource-record-sets --hosted-zone-id Z1 --change-batch '");
    let batch: serde_json::Value = serde_json::from_str(batch.unwrap().strip_suffix('\'').unwrap()).unwrap();
    let expected = serde_json::json!({ "Changes": [
        { "Action": "DELETE", "ResourceRecordSet": {
            "Name": "shop.example.net.", "Type": "CNAME", "TTL": 300,
            "ResourceRecords": [{ "Value": format!("{OTHER}.") }] } },
        { "Action": "CREATE", "ResourceRecordSet": {
            "Name": "shop.example.net.", "Type": "A",
            "AliasTarget": { "HostedZoneId": "Z087551914Z2PCAU0QHMW", "DNSName": format!("{TARGET}."), "EvaluateTargetHealth": true } } },
    ]});
    assert_eq!(batch, expected);
    world.later(300);
    assert_eq!(world.run(), ["hold blocked"]);
}

#[test]
fn a_conflict_that_was_settled_is_gone_on_from() {
    let mut world = World::new().put(cname(SHOP, OTHER));
    world.run();
    world = world.lose(SHOP);
    world.later(300);
    assert_eq!(world.run()[..3], ["record domain-goes-on +goes-on", "record records-intent", "call Z1 x1"]);
}

#[test]
fn a_value_with_a_quote_is_quoted_for_a_shell() {
    let mut world = World::new().put(values("_p1.shop.example.net", RecordType::Txt, &["\"it's\""]));
    world.run();
    let told = world.notices.iter().find(|notice| notice.id.contains("/conflict/")).unwrap();
    assert!(told.todo[0].command.as_deref().unwrap().contains(r#"it'\''s"#));
}

#[test]
fn no_command_is_offered_that_takes_mail_or_a_routing_policy_away() {
    let routed = crate::dns::record::RecordSet { policy: Some("blue".into()), ..cname(SHOP, OTHER) };
    let mail = values("_p1.shop.example.net", RecordType::Mx, &["10 mail.example.org."]);
    for record in [routed, mail] {
        let mut world = World::new().put(record);
        world.run();
        let told = world.notices.iter().find(|notice| notice.id.contains("/conflict/")).unwrap();
        assert!(told.todo.iter().all(|todo| todo.command.is_none()), "{told:?}");
    }
}

#[test]
fn what_is_in_the_way_of_a_finished_domain_is_critical() {
    let mut world = World::finished().lose("_p1.shop.example.net").put(cname("_p1.shop.example.net", OTHER));
    assert_eq!(world.run(), ["record domain-blocked +conflict", "hold blocked"]);
    assert_eq!(world.last().severity, Severity::Critical);
}

#[test]
fn a_record_that_is_no_cname_is_told_and_the_others_are_made() {
    let mut world = World::new();
    world.association().unreadable = vec!["TXT _x".to_owned()];
    let trace = world.run();
    assert_eq!(trace[1], "record domain-blocked +unreadable");
    assert!(trace.contains(&"call Z1 x3".to_owned()));
}
