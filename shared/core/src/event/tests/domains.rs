//! The events about custom domains and about the account's certificates.

use serde_json::{Value, json};

use super::super::*;
use super::{ARN, app_runner, envelope, home, only, queued, reason, record, with, without};

#[test]
fn the_custom_domain_event_names_the_service_whatever_its_detail_says() {
    for (detail, said) in [(json!({}), None), (json!({"DomainName": "shop.example.com"}), Some("shop.example.com"))] {
        let payload = app_runner("AppRunner Custom Domain Validation Status Update", detail);
        let hint = DomainHint { service: ServiceArn::parse(ARN).unwrap(), said: said.map(str::to_owned) };
        assert_eq!(only(&payload), Subject::Domains(hint));
    }
    let unseen = without(app_runner("AppRunner Custom Domain Validation Status Update", json!({})), "detail");
    assert!(matches!(only(&unseen), Subject::Domains(_)));
}

pub(super) fn call(name: &str, parameters: Value, error: Option<&str>) -> Value {
    let mut detail =
        json!({"eventSource": "apprunner.amazonaws.com", "eventName": name, "requestParameters": parameters});
    if let Some(error) = error {
        detail["errorCode"] = json!(error);
    }
    envelope("aws.apprunner", "AWS API Call via CloudTrail", json!([]), detail)
}

#[test]
fn a_call_that_changes_a_services_domains_names_the_service_in_either_spelling() {
    for name in ["AssociateCustomDomain", "DisassociateCustomDomain", "DeleteService"] {
        for parameters in [json!({"serviceArn": ARN, "domainName": "a.example.com"}), json!({"ServiceArn": ARN})] {
            let Subject::Domains(hint) = only(&call(name, parameters, None)) else { panic!("{name}") };
            assert_eq!(hint.service.to_string(), ARN);
        }
    }
}

#[test]
fn a_refused_call_is_a_hint_as_any_other_where_it_names_a_service() {
    let refused = |parameters| call("AssociateCustomDomain", parameters, Some("InvalidRequestException"));
    assert!(matches!(only(&refused(json!({"serviceArn": ARN}))), Subject::Domains(_)));
    for nameless in [Value::Null, json!(format!("serviceArn={ARN}")), json!({"domainName": "a.example.com"})] {
        assert_eq!(reason(&refused(nameless)), Reason::UnknownShape);
    }
}

#[test]
fn where_the_request_names_no_service_the_answer_does() {
    for (name, answer) in [
        ("AssociateCustomDomain", json!({"dNSTarget": "x.eu-west-1.awsapprunner.com", "serviceArn": ARN})),
        ("DeleteService", json!({"service": {"serviceArn": ARN}, "operationId": "1"})),
    ] {
        let mut event = call(name, Value::Null, None);
        event["detail"]["responseElements"] = answer;
        let Subject::Domains(hint) = only(&event) else { panic!("{name}") };
        assert_eq!((hint.service.to_string().as_str(), hint.said), (ARN, None));
    }
}

#[test]
fn another_call_and_another_accounts_service_are_refused() {
    assert_eq!(reason(&call("StartDeployment", json!({"serviceArn": ARN}), None)), Reason::UnknownShape);
    let foreign = ARN.replace("123456789012", "999999999999");
    assert_eq!(reason(&call("DeleteService", json!({"serviceArn": foreign}), None)), Reason::OtherAccount);
}

pub(super) const CERTIFICATE: &str =
    "arn:aws:acm:eu-west-1:123456789012:certificate/0f3c1d0e-5b7a-4c2f-9e6d-1a0b3c4d5e6f";

pub(super) fn acm(resource: &str) -> Value {
    envelope("aws.acm", "ACM Certificate Approaching Expiration", json!([resource]), json!({"DaysToExpiry": 30}))
}

#[test]
fn an_event_of_acm_names_its_certificate() {
    assert_eq!(only(&acm(CERTIFICATE)), Subject::Certificate(CERTIFICATE.to_owned()));
    let kind = |word: &str| {
        let event = with(acm(CERTIFICATE), "detail-type", json!(format!("ACM Certificate {word}")));
        parse(&event, &home()).map(|wake| wake.kind)
    };
    for word in ["Available", "Expired", "Renewal Action Required", "Revoked", "Revoked by Certificate Authority (CA)"]
    {
        assert_eq!(kind(word), Ok(WakeKind::Certificate), "{word}");
    }
    for (wrong, expected) in [
        (CERTIFICATE.replace("123456789012", "999999999999"), Reason::OtherAccount),
        (CERTIFICATE.replace("eu-west-1", "us-east-1"), Reason::OtherRegion),
        (CERTIFICATE.replace(":acm:", ":iam:"), Reason::OtherService),
        (CERTIFICATE.replace("certificate/", "certificate/../"), Reason::NotAnArn),
    ] {
        assert_eq!(reason(&acm(&wrong)), expected, "{wrong}");
    }
    assert_eq!(reason(&with(acm(CERTIFICATE), "detail", json!("text"))), Reason::UnknownShape);
}

#[test]
fn a_wake_is_about_a_service_or_a_certificate_and_not_both() {
    let about = |body: Value| queued(&json!({"Records": [record("m", &body.to_string())]})).remove(0).about;
    assert_eq!(about(json!({"certificate": CERTIFICATE})), Ok(Queued::Certificate(CERTIFICATE.to_owned())));
    assert_eq!(about(json!({"service": ARN})), Ok(Queued::Service(ServiceArn::parse(ARN).unwrap())));
    let both = about(json!({"service": ARN, "certificate": CERTIFICATE}));
    assert_eq!(both.unwrap_err().reason, Reason::UnknownShape);
}
