//! The account's own certificates in ACM: read, and renewed where a call can do that.

use aws_sdk_acm::Client;
use aws_sdk_acm::config::Config;
use aws_sdk_acm::types as sdk;
use pitcrew_core::autonomy::Tags;
use pitcrew_core::certificate::acm::{Certificate, Kind as Origin, Proof, Status};
use pitcrew_core::dns::name::Name;
use pitcrew_core::domain::CallAnswer;

use crate::apprunner::time;
use crate::connect::no_retry;
use crate::error::{AwsError, Kind};

/// Certificates of one page.
const PAGE_CERTIFICATES: i32 = 500;
/// The quota is 2,500 certificates, and may be raised.
const CERTIFICATE_PAGES_MAX: usize = 100;
/// Without these ACM lists certificates with RSA keys of 1,024 and 2,048 bits alone (API, `Filters.keyTypes`).
const KEY_TYPES: [sdk::KeyAlgorithm; 7] = [
    sdk::KeyAlgorithm::EcPrime256v1,
    sdk::KeyAlgorithm::EcSecp384r1,
    sdk::KeyAlgorithm::EcSecp521r1,
    sdk::KeyAlgorithm::Rsa1024,
    sdk::KeyAlgorithm::Rsa2048,
    sdk::KeyAlgorithm::Rsa3072,
    sdk::KeyAlgorithm::Rsa4096,
];

/// One certificate of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub arn: String,
    /// Whether its private key was taken out of ACM: only the listing says it.
    pub exported: bool,
}

/// All certificates of the region.
///
/// # Errors
/// A page cannot be read.
pub async fn observe_certificates(client: &Client) -> Result<Vec<Listed>, AwsError> {
    const OPERATION: &str = "acm:ListCertificates";
    let all_keys = sdk::Filters::builder().set_key_types(Some(KEY_TYPES.to_vec())).build();
    let mut all = Vec::new();
    let mut token = None;
    for _ in 0..CERTIFICATE_PAGES_MAX {
        let call = client.list_certificates().max_items(PAGE_CERTIFICATES).includes(all_keys.clone());
        let answer = call.set_next_token(token.take()).send().await;
        let answer = answer.map_err(|error| AwsError::sort(OPERATION, error))?;
        let summaries = answer.certificate_summary_list.unwrap_or_default();
        all.extend(summaries.into_iter().filter_map(|summary| {
            Some(Listed { exported: summary.exported == Some(true), arn: summary.certificate_arn? })
        }));
        token = answer.next_token;
        if token.is_none() {
            return Ok(all);
        }
    }
    Err(AwsError::broken(OPERATION, format!("more than {CERTIFICATE_PAGES_MAX} pages of certificates")))
}

/// One certificate, without what only the listing says; `None` where ACM does not have it.
///
/// # Errors
/// It cannot be read.
pub async fn observe_certificate(client: &Client, arn: &str) -> Result<Option<Certificate>, AwsError> {
    const OPERATION: &str = "acm:DescribeCertificate";
    let answer = client.describe_certificate().certificate_arn(arn).send().await;
    match answer.map_err(|error| AwsError::sort(OPERATION, error)) {
        Ok(answer) => {
            let detail = answer.certificate.ok_or_else(|| AwsError::broken(OPERATION, "the answer holds nothing"))?;
            Ok(Some(certificate(arn, &detail)))
        }
        Err(error) if error.kind == Kind::Missing => Ok(None),
        Err(error) => Err(error),
    }
}

fn certificate(arn: &str, detail: &sdk::CertificateDetail) -> Certificate {
    let renewal = detail.renewal_summary.as_ref();
    // While it renews, the proofs of the renewal are those that count; the others are of its first day.
    let proofs = match renewal.map(|renewal| renewal.domain_validation_options()) {
        Some(proofs) if !proofs.is_empty() => proofs,
        _ => detail.domain_validation_options(),
    };
    let domain = detail.domain_name.clone().unwrap_or_default();
    Certificate {
        arn: arn.to_owned(),
        kind: origin(detail.r#type.as_ref()),
        status: status(detail.status.as_ref()),
        not_after: detail.not_after.as_ref().map(time),
        in_use: !detail.in_use_by().is_empty(),
        exported: false,
        renewable: detail.renewal_eligibility == Some(sdk::RenewalEligibility::Eligible),
        renewal: renewal.map(|renewal| {
            let reason = renewal.renewal_status_reason.as_ref().map(|reason| reason.as_str().to_owned());
            (renewal.renewal_status.as_str().to_owned(), reason)
        }),
        failure: detail.failure_reason.as_ref().map(|reason| reason.as_str().to_owned()),
        proofs: proofs.iter().filter_map(proof).collect(),
        domain,
    }
}

fn origin(kind: Option<&sdk::CertificateType>) -> Origin {
    match kind {
        Some(sdk::CertificateType::AmazonIssued) => Origin::AmazonIssued,
        Some(sdk::CertificateType::Imported) => Origin::Imported,
        Some(sdk::CertificateType::Private) => Origin::Private,
        Some(other) => Origin::Unknown(other.as_str().to_owned()),
        None => Origin::Unknown(String::new()),
    }
}

fn status(status: Option<&sdk::CertificateStatus>) -> Status {
    match status {
        Some(sdk::CertificateStatus::PendingValidation) => Status::PendingValidation,
        Some(sdk::CertificateStatus::Issued) => Status::Issued,
        Some(sdk::CertificateStatus::Inactive) => Status::Inactive,
        Some(sdk::CertificateStatus::Expired) => Status::Expired,
        Some(sdk::CertificateStatus::ValidationTimedOut) => Status::ValidationTimedOut,
        Some(sdk::CertificateStatus::Revoked) => Status::Revoked,
        Some(sdk::CertificateStatus::Failed) => Status::Failed,
        Some(other) => Status::Unknown(other.as_str().to_owned()),
        None => Status::Unknown(String::new()),
    }
}

/// How a name is proven; `None` where the name is none that the DNS knows.
fn proof(validation: &sdk::DomainValidation) -> Option<Proof> {
    let cname = |record: &sdk::ResourceRecord| {
        let both = (Name::parse(&record.name).ok()?, Name::parse(&record.value).ok()?);
        (record.r#type == sdk::RecordType::Cname).then_some(both)
    };
    Some(Proof {
        domain: Name::parse(&validation.domain_name).ok()?,
        method: validation.validation_method.as_ref().map(|m| m.as_str().to_owned()).unwrap_or_default(),
        record: validation.resource_record.as_ref().and_then(cname),
        status: validation.validation_status.as_ref().map(|s| s.as_str().to_owned()).unwrap_or_default(),
    })
}

/// The tags of a certificate.
///
/// # Errors
/// They cannot be read.
pub async fn observe_tags(client: &Client, arn: &str) -> Result<Tags, AwsError> {
    let answer = client.list_tags_for_certificate().certificate_arn(arn).send().await;
    let answer = answer.map_err(|error| AwsError::sort("acm:ListTagsForCertificate", error))?;
    let tags = answer.tags.unwrap_or_default().into_iter();
    Ok(tags.map(|tag| (tag.key, tag.value.unwrap_or_default())).collect())
}

/// `RenewCertificate`, once.
pub async fn renew(client: &Client, arn: &str) -> CallAnswer {
    let call = client.renew_certificate().certificate_arn(arn);
    let call = call.customize().config_override(Config::builder().retry_config(no_retry()));
    match call.send().await.map_err(|error| AwsError::sort("acm:RenewCertificate", error)) {
        Ok(_) => CallAnswer::Taken,
        Err(error) => error.into_answer(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    fn validation(status: sdk::DomainStatus) -> sdk::DomainValidation {
        let record = sdk::ResourceRecord::builder().name("_A.example.com.").value("_b.acm-validations.aws.");
        sdk::DomainValidation::builder()
            .domain_name("example.com")
            .validation_method(sdk::ValidationMethod::Dns)
            .validation_status(status)
            .resource_record(record.r#type(sdk::RecordType::Cname).build().unwrap())
            .build()
            .unwrap()
    }

    #[test]
    fn while_a_certificate_renews_the_proofs_of_the_renewal_count() {
        let at = aws_smithy_types::DateTime::from_secs(1_790_000_000);
        let renewal = sdk::RenewalSummary::builder()
            .renewal_status(sdk::RenewalStatus::PendingValidation)
            .renewal_status_reason(sdk::FailureReason::CaaError)
            .domain_validation_options(validation(sdk::DomainStatus::PendingValidation))
            .updated_at(at)
            .build()
            .unwrap();
        let detail = sdk::CertificateDetail::builder()
            .domain_name("example.com")
            .r#type(sdk::CertificateType::AmazonIssued)
            .status(sdk::CertificateStatus::Issued)
            .not_after(at)
            .in_use_by("arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/a/1")
            .renewal_eligibility(sdk::RenewalEligibility::Eligible)
            .domain_validation_options(validation(sdk::DomainStatus::Success));
        let first = certificate("arn", &detail.clone().build());
        assert_eq!((first.proofs[0].status.as_str(), first.renewal), ("SUCCESS", None));
        let proof = Proof {
            domain: name("example.com"),
            method: "DNS".to_owned(),
            record: Some((name("_a.example.com"), name("_b.acm-validations.aws"))),
            status: "PENDING_VALIDATION".to_owned(),
        };
        assert_eq!(
            certificate("arn", &detail.renewal_summary(renewal).build()),
            Certificate {
                arn: "arn".to_owned(),
                domain: "example.com".to_owned(),
                kind: Origin::AmazonIssued,
                status: Status::Issued,
                not_after: "2026-09-21T14:13:20Z".parse().ok(),
                in_use: true,
                exported: false,
                renewable: true,
                renewal: Some(("PENDING_VALIDATION".to_owned(), Some("CAA_ERROR".to_owned()))),
                failure: None,
                proofs: vec![proof],
            }
        );
    }

    #[test]
    fn what_this_version_does_not_know_is_called_unknown() {
        assert_eq!(origin(Some(&"QUANTUM".into())), Origin::Unknown("QUANTUM".to_owned()));
        assert_eq!(status(Some(&"SLEEPING".into())), Status::Unknown("SLEEPING".to_owned()));
    }
}
