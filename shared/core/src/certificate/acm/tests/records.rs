//! The CNAMEs of the proofs: put back, proposed, refused.

use super::*;

#[test]
fn a_proof_that_stands_needs_nothing_whoever_made_it() {
    let mut case = usual().standing();
    assert_eq!(case.run(), "nothing_due");
    assert!(case.told().is_empty() && case.receipts.is_empty() && case.memory.version == 3);
}

#[test]
fn a_missing_proof_that_two_names_share_is_put_back_once_owned_and_told() {
    let mut case = usual();
    assert_eq!(case.run(), "nothing_due");
    assert_eq!(case.calls.len(), 1);
    assert_eq!(case.world.records.values().filter(|record| **record == proof_record()).count(), 1);
    assert_eq!(case.memory.owned.len(), 1);
    assert_eq!(case.memory.owned[0].record, proof_record());
    assert_eq!(case.memory.intent, None);
    assert_eq!(case.told(), told("put-back", Severity::Info));
    let rules: Vec<&str> = case.receipts.iter().map(|receipt| receipt.rule.as_str()).collect();
    assert_eq!(rules, [rule::CERTIFICATE_INTENT, rule::CALLED]);
    assert_eq!((case.run(), case.calls.len()), ("nothing_due", 1));
}

/// Somebody asked for a certificate, and it was never issued.
fn requested() -> Case {
    usual().with(|certificate| {
        certificate.status = Status::PendingValidation;
        certificate.in_use = false;
        certificate.not_after = None;
    })
}

#[test]
fn the_first_proof_of_a_certificate_is_told_once_with_its_command_and_never_made() {
    for role in [None, Some("arn:aws:iam::210987654321:role/zones".to_owned())] {
        let mut case = requested();
        case.world.zones[0].zone.at.role = role.clone();
        case.memory.not_after = None;
        assert_eq!(case.run(), "stop");
        assert!(case.calls.is_empty() && case.memory.intent.is_none(), "{role:?}");
        let notice = case.notices[0].clone();
        let command = notice.todo[0].command.clone().unwrap();
        assert!(command.starts_with("aws route53 change-resource-record-sets --hosted-zone-id Z1 "), "{command}");
        assert!(
            notice.done[0].contains("never issued") && notice.headline.contains("waits for its proof"),
            "{notice:?}"
        );
        assert_eq!(case.told(), told("proposal", Severity::Info));
        assert_eq!((case.run(), case.told().len(), case.calls.len()), ("proposed", 0, 0));
    }
}

#[test]
fn an_intent_for_a_first_proof_that_an_earlier_version_wrote_is_dropped() {
    let mut case = requested();
    let act = Act::ChangeRecords(Batch { zone: case.zone(), changes: vec![Change::Create(proof_record())] });
    case.memory.intent = Some(Intent { id: "R-1".to_owned(), at: case.now, holder: case.me.clone(), act });
    case.run();
    assert!(case.calls.is_empty() && case.memory.intent.is_none());
    assert_eq!(case.receipts[0].rule, rule::CERTIFICATE_DROPPED);
}

#[test]
fn once_a_certificate_was_issued_its_proof_is_put_back_in_another_account_too() {
    let mut case = requested();
    case.run();
    case = case.with(|certificate| {
        certificate.status = Status::Issued;
        certificate.in_use = true;
    });
    case.world.zones[0].zone.at.role = Some("arn:aws:iam::210987654321:role/zones".to_owned());
    case.run();
    assert_eq!(case.calls.len(), 1);
}

#[test]
fn where_autonomy_does_not_allow_it_is_proposed_once_with_the_one_command() {
    for (key, value) in [("pitcrew:certificates", "propose"), ("pitcrew:autonomy", "propose"), ("pitcrew:hold", "true")]
    {
        let mut case = usual();
        case.tag(key, value);
        assert_eq!(case.run(), "stop");
        assert!(case.calls.is_empty() && case.memory.intent.is_none());
        let command = case.notices[0].todo[0].command.clone().unwrap();
        assert!(command.starts_with("aws route53 change-resource-record-sets --hosted-zone-id Z1 "), "{command}");
        assert_eq!(case.told(), told("proposal", Severity::Warning), "{key}");
        assert_eq!((case.run(), case.told().len()), ("proposed", 0));
    }
}

#[test]
fn a_pause_of_the_account_withholds_the_write() {
    let mut case = usual();
    case.pause = Some(Pause { since: at(1), by: "me".to_owned(), reason: String::new() });
    assert_eq!(case.run(), "stop");
    assert!(case.calls.is_empty());
    case.pause = None;
    case.run();
    assert_eq!(case.calls.len(), 1);
}

#[test]
fn observe_says_what_it_would_do_and_gives_no_command() {
    let mut case = usual();
    case.stack = Autonomy::Observe;
    case.run();
    assert!(case.notices[0].todo.is_empty() && case.notices[0].happened.contains("_a.example.com"));
}

#[test]
fn the_tag_of_the_capability_wins_over_the_other_one_and_the_stack() {
    let mut case = usual();
    case.stack = Autonomy::Observe;
    case.tag("pitcrew:autonomy", "off");
    case.tag("pitcrew:certificates", "act");
    case.run();
    assert_eq!(case.calls.len(), 1);
}

#[test]
fn off_means_neither_written_nor_told() {
    let mut case = usual();
    case.tag("pitcrew:certificates", "off");
    assert_eq!(case.run(), "off");
    case.world.caa.insert(name("example.com"), vec!["0 issue \";\"".to_owned()]);
    assert_eq!(case.run(), "off");
    assert!(case.told().is_empty() && case.calls.is_empty());
}

#[test]
fn tags_that_cannot_be_read_withhold_the_write() {
    let mut case = usual();
    case.tags = Fact::Unavailable("AccessDenied".to_owned());
    assert_eq!((case.run(), case.calls.len()), ("blind", 0));
}

#[test]
fn a_proposal_is_told_again_after_the_record_was_there_and_went() {
    let mut case = usual();
    case.stack = Autonomy::Propose;
    case.run();
    let (zone, before) = (case.zone(), case.world.clone());
    case.world.put(&zone, proof_record());
    assert_eq!(case.run(), "nothing_due");
    case.world = before;
    case.run();
    assert_eq!(case.told().len(), 2);
}

#[test]
fn caa_that_forbids_is_explained_once_nothing_is_written_and_it_goes_on_by_itself() {
    let mut case = usual();
    case.world.caa.insert(name("example.com"), vec!["0 issue letsencrypt.org".to_owned()]);
    assert_eq!(case.run(), "nothing_due");
    assert!(case.notices[0].happened.contains("letsencrypt.org"));
    assert_eq!(case.told(), told("caa", Severity::Warning));
    assert_eq!((case.run(), case.told().len(), case.calls.len()), ("nothing_due", 0, 0));
    case.world.caa.clear();
    case.run();
    assert_eq!(case.calls.len(), 1);
}

#[test]
fn caa_that_forbids_wildcards_alone_withholds_the_shared_proof_too() {
    let mut case = usual();
    case.world.caa.insert(name("example.com"), vec!["0 issuewild \";\"".to_owned()]);
    case.run();
    assert_eq!((case.told(), case.calls.len()), (told("caa", Severity::Warning), 0));
}

#[test]
fn caa_is_looked_at_when_the_renewal_failed_although_the_proof_stands() {
    let mut case = usual()
        .standing()
        .with(|certificate| certificate.renewal = Some(("FAILED".to_owned(), Some("CAA_ERROR".to_owned()))));
    case.world.caa.insert(name("com"), vec!["0 issue \";\"".to_owned()]);
    case.run();
    let topics: Vec<String> = case.told().into_iter().map(|(topic, _)| topic).collect();
    assert_eq!(topics, ["renewal", "caa"]);
}

#[test]
fn a_conflict_shows_both_values_and_the_one_command_and_touches_nothing() {
    let mut case = usual();
    let (zone, other) = (case.zone(), cname("_a.example.com", "_old.acm-validations.aws"));
    case.world.put(&zone, other.clone());
    let before = case.world.records.clone();
    assert_eq!(case.run(), "nothing_due");
    let notice = case.notices[0].clone();
    for value in ["_old.acm-validations.aws", "_b.acm-validations.aws"] {
        assert!(notice.happened.contains(value), "{notice:?}");
    }
    let batch = Batch { zone, changes: vec![Change::Delete(other), Change::Create(proof_record())] };
    assert_eq!(notice.todo[0].command, crate::dns::command::change_records(&batch));
    assert_eq!((case.told(), case.run()), (told("conflict", Severity::Warning), "nothing_due"));
    assert_eq!((case.told().len(), case.calls.len()), (0, 0));
    assert_eq!(case.world.records, before);
}

#[test]
fn no_command_is_offered_that_would_take_mail_or_a_delegation_away() {
    let mut case = usual();
    let zone = case.zone();
    case.world.put(&zone, values("_a.example.com", RecordType::Mx, &["10 mail.example.com."]));
    case.run();
    assert_eq!(case.notices[0].todo[0].command, None);
    assert_eq!(case.told(), told("conflict", Severity::Warning));
}

#[test]
fn even_what_we_own_is_not_replaced_by_itself() {
    let mut case = usual();
    let (zone, old) = (case.zone(), cname("_a.example.com", "_old.acm-validations.aws"));
    case.world.put(&zone, old.clone());
    case.memory.owned.push(Owned { zone, purpose: crate::dns::plan::Purpose::Validation, record: old });
    case.run();
    assert_eq!((case.told(), case.calls.len()), (told("conflict", Severity::Warning), 0));
}

#[test]
fn without_a_zone_of_ours_the_record_to_add_is_told_once() {
    let mut case = usual();
    case.world = World::default();
    case.run();
    let text = &case.notices[0].todo[0].text;
    assert!(text.contains("_a.example.com CNAME _b.acm-validations.aws."), "{text}");
    assert_eq!(case.told(), told("not-ours", Severity::Warning));
    assert_eq!((case.run(), case.told().len()), ("nothing_due", 0));
}

#[test]
fn a_proof_that_stands_with_another_provider_of_dns_is_no_news() {
    let mut case = usual();
    case.world = World::default();
    case.world.foreign.insert(name("_a.example.com"), vec!["_B.acm-validations.aws".to_owned()]);
    assert_eq!((case.run(), case.told().len()), ("nothing_due", 0));
    case.world.foreign.insert(name("_a.example.com"), vec!["_other.acm-validations.aws".to_owned()]);
    case.run();
    assert_eq!(case.told(), told("not-ours", Severity::Warning));
}

#[test]
fn a_zone_that_may_not_be_written_to_or_is_delegated_away_is_told_with_the_reason() {
    let mut case = usual();
    case.world.zones[0].zone.writable = false;
    case.run();
    assert!(case.notices[0].happened.contains("HostedZoneArns"));
    let mut case = usual();
    let zone = case.zone();
    case.world.put(&zone, values("_a.example.com", RecordType::Ns, &["ns1.elsewhere.net."]));
    case.run();
    assert!(case.notices[0].happened.contains("ns1.elsewhere.net"));
    assert!(case.calls.is_empty());
}

#[test]
fn a_dns_that_does_not_answer_is_blindness_and_forgets_nothing() {
    let mut case = usual();
    case.world.caa.insert(name("example.com"), vec!["0 issue \";\"".to_owned()]);
    case.run();
    case.world.dark = true;
    assert_eq!((case.run(), case.calls.len()), ("blind", 0));
    case.world.dark = false;
    case.run();
    assert_eq!(case.told(), told("caa", Severity::Warning), "told once, before the dark");
}
