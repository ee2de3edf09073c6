//! What a certificate says of itself: its status, its end, its renewal.

use super::*;

fn imported(case: Case) -> Case {
    case.with(|certificate| {
        certificate.kind = Kind::Imported;
        certificate.proofs.clear();
    })
}

fn private(case: Case) -> Case {
    case.with(|certificate| {
        certificate.kind = Kind::Private;
        certificate.proofs.clear();
        certificate.exported = true;
        certificate.in_use = false;
    })
}

/// The days left at which something was told, looked at once a day from 70 days before its end.
fn days_told(case: &mut Case) -> Vec<(i64, Severity)> {
    let mut told = Vec::new();
    for day in 330..402 {
        case.now = at(day);
        case.run();
        told.extend(case.told().into_iter().map(|(_, severity)| (400 - day, severity)));
    }
    told
}

#[test]
fn an_imported_certificate_is_paged_once_at_45_30_14_7_and_1_days() {
    use Severity::{Critical, Warning};
    let mut case = imported(usual());
    assert_eq!(days_told(&mut case), [(45, Warning), (30, Warning), (14, Warning), (7, Critical), (1, Critical)]);
}

#[test]
fn a_page_that_was_missed_is_made_late_and_once() {
    let mut case = imported(usual());
    case.now = at(396);
    case.run();
    assert_eq!(case.told(), told("page-7", Severity::Critical));
    case.run();
    assert!(case.told().is_empty());
}

#[test]
fn a_certificate_in_use_that_acm_did_not_renew_is_paged_at_30_14_7_and_1_days() {
    let days: Vec<i64> = days_told(&mut usual().standing()).into_iter().map(|(days, _)| days).collect();
    assert_eq!(days, [30, 14, 7, 1]);
}

#[test]
fn a_renewal_is_told_and_begins_the_pages_anew() {
    let mut case = usual().standing();
    case.now = at(380);
    case.run();
    assert_eq!(case.told(), told("page-30", Severity::Warning));
    case = case.with(|certificate| certificate.not_after = Some(at(598)));
    case.run();
    assert_eq!(case.told(), told("renewed", Severity::Info));
    assert_eq!((case.memory.not_after, case.memory.paged_days), (Some(at(598)), None));
    case.now = at(570);
    case.run();
    assert_eq!(case.told(), told("page-30", Severity::Warning));
}

#[test]
fn a_certificate_seen_first_is_remembered_without_a_word() {
    let mut case = usual().standing();
    case.memory = AcmMemory::default();
    assert_eq!(case.run(), "nothing_due");
    assert_eq!((case.memory.version, case.memory.not_after), (1, Some(at(400))));
    assert!(case.told().is_empty() && case.receipts.is_empty());
}

#[test]
fn each_status_of_an_end_is_told_once_with_its_reason() {
    for status in [Status::Expired, Status::ValidationTimedOut, Status::Revoked, Status::Failed] {
        let mut case = usual().with(|certificate| {
            certificate.status = status.clone();
            certificate.failure = Some("CAA_ERROR".to_owned());
        });
        case.run();
        assert!(case.notices[0].happened.contains("CAA_ERROR") && case.notices[0].happened.contains(status.as_str()));
        assert_eq!(case.told(), told("status", Severity::Critical), "{status:?}");
        case.run();
        assert!(case.told().is_empty() && case.calls.is_empty());
    }
    let mut unused = usual().with(|certificate| {
        certificate.status = Status::Expired;
        certificate.in_use = false;
    });
    unused.run();
    assert_eq!(unused.told(), told("status", Severity::Warning));
}

#[test]
fn an_unknown_status_leads_to_nothing() {
    let mut case = usual().with(|certificate| certificate.status = Status::Unknown("ROTATING".to_owned()));
    assert_eq!((case.run(), case.told().len()), ("unknown_status", 0));
}

#[test]
fn a_certificate_proven_by_mail_is_told_once() {
    let mut case = usual().with(|certificate| {
        for proof in &mut certificate.proofs {
            (proof.method, proof.record) = ("EMAIL".to_owned(), None);
        }
    });
    case.run();
    assert_eq!(case.told(), told("mail", Severity::Info));
    assert_eq!((case.run(), case.told().len()), ("nothing_due", 0));
}

#[test]
fn a_renewal_that_failed_or_waits_with_a_reason_is_explained_and_again_when_the_reason_changes() {
    let renewal = |case: Case, status: &str, reason: Option<&str>| {
        case.with(|certificate| certificate.renewal = Some((status.to_owned(), reason.map(str::to_owned))))
    };
    let mut case = renewal(usual().standing(), "PENDING_VALIDATION", None);
    case.run();
    assert!(case.told().is_empty());
    for (status, reason) in
        [("PENDING_VALIDATION", Some("PENDING_DOMAIN_VALIDATION")), ("FAILED", Some("CAA_ERROR")), ("FAILED", None)]
    {
        case = renewal(case, status, reason);
        case.run();
        case.run();
        assert_eq!(case.told(), told("renewal", Severity::Warning), "{status} {reason:?}");
    }
}

#[test]
fn a_certificate_that_nobody_uses_is_told_once_and_gets_no_records() {
    let mut case = usual().with(|certificate| certificate.in_use = false);
    assert_eq!(case.run(), "nothing_due");
    assert_eq!(case.told(), told("unused", Severity::Info));
    case.run();
    assert!(case.told().is_empty() && case.calls.is_empty());
}

#[test]
fn an_exported_certificate_counts_as_used() {
    let mut case = usual().with(|certificate| (certificate.in_use, certificate.exported) = (false, true));
    case.run();
    assert_eq!((case.calls.len(), case.told()), (1, told("put-back", Severity::Info)));
}

#[test]
fn a_private_exported_certificate_is_renewed_within_60_days_of_its_end_and_once_a_day() {
    let mut case = private(usual());
    case.now = at(339);
    assert_eq!((case.run(), case.calls.len()), ("nothing_due", 0));
    case.now = at(340);
    case.run();
    assert_eq!(case.calls, [Act::Renew]);
    assert_eq!(case.told(), told("renewal-asked", Severity::Info));
    case.run();
    assert_eq!(case.calls.len(), 1);
    case.now = at(341);
    case.run();
    assert_eq!(case.calls.len(), 2);
}

#[test]
fn renew_certificate_is_called_only_where_acm_takes_it() {
    let changes: [fn(&mut Certificate); 6] = [
        |certificate| certificate.exported = false,
        |certificate| certificate.renewable = false,
        |certificate| certificate.kind = Kind::AmazonIssued,
        |certificate| certificate.kind = Kind::Imported,
        |certificate| certificate.status = Status::Expired,
        |certificate| certificate.renewal = Some(("PENDING_AUTO_RENEWAL".to_owned(), None)),
    ];
    for change in changes {
        let mut case = private(usual()).with(change);
        case.now = at(350);
        case.run();
        assert!(case.calls.is_empty());
    }
}

#[test]
fn a_renewal_that_is_not_allowed_is_proposed_with_the_command() {
    let mut case = private(usual());
    (case.now, case.stack) = (at(350), Autonomy::Propose);
    case.run();
    let command = case.notices[0].todo[0].command.clone().unwrap();
    assert_eq!(command, format!("aws acm renew-certificate --certificate-arn {ARN}"));
    assert!(case.calls.is_empty());
}

#[test]
fn a_deleted_certificate_is_forgotten_and_what_we_made_for_it_is_told_and_left() {
    let mut case = usual();
    case.run();
    case.told();
    case.certificate = None;
    let before = case.world.records.clone();
    assert_eq!(case.run(), "stop");
    assert!(case.notices[0].todo[0].command.as_ref().unwrap().contains("DELETE"));
    assert_eq!(case.told(), told("left-behind", Severity::Info));
    assert_eq!((case.memory.clone(), case.world.records == before), (AcmMemory::default(), true));
    assert_eq!(case.run(), "gone");
}

#[test]
fn a_deleted_certificate_for_which_we_made_nothing_goes_without_a_word() {
    let mut case = usual().standing();
    case.certificate = None;
    assert_eq!((case.run(), case.told().len()), ("stop", 0));
}

#[test]
fn an_expiry_is_told_although_the_tags_cannot_be_read() {
    let mut case = imported(usual());
    (case.now, case.tags) = (at(395), Fact::Unavailable("AccessDenied".to_owned()));
    case.run();
    assert_eq!(case.told(), told("page-7", Severity::Critical));
}
