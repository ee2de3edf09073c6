//! Custom domains of App Runner: read, and the two calls of linking one again.

use std::collections::BTreeMap;

use aws_sdk_apprunner::Client;
use aws_sdk_apprunner::config::Config;
use aws_sdk_apprunner::types as sdk;
use pitcrew_core::dns::name::Name;
use pitcrew_core::domain::{
    Association, CallAnswer, DomainStatus, ServiceFacts, Validation, ValidationRecord, VpcTarget,
};
use pitcrew_core::id::ServiceArn;
use pitcrew_core::service::ServiceStatus;

use crate::apprunner::{describe_service, status, time};
use crate::connect::no_retry;
use crate::error::{AwsError, Kind};

/// The most that App Runner gives in one page, and today the most that a service can have.
const PAGE_DOMAINS: i32 = 5;
/// Room for a quota that grows.
const DOMAIN_PAGES_MAX: usize = 20;
/// Characters that are kept of a record that cannot be read.
const RECORD_CHARS_MAX: usize = 300;

/// The custom domains of a service, by name. A name that is none is logged and passed over.
pub type Associations = BTreeMap<Name, Association>;

/// `DescribeCustomDomains`; `None` where App Runner does not know the service.
///
/// # Errors
/// A page cannot be read.
pub async fn observe_domains(client: &Client, arn: &ServiceArn) -> Result<Option<Associations>, AwsError> {
    const OPERATION: &str = "apprunner:DescribeCustomDomains";
    let mut domains = Associations::new();
    let mut token = None;
    for _ in 0..DOMAIN_PAGES_MAX {
        let call = client.describe_custom_domains().service_arn(arn.to_string()).max_results(PAGE_DOMAINS);
        let answer = call.set_next_token(token.take()).send().await;
        let answer = match answer.map_err(|error| AwsError::sort(OPERATION, error)) {
            Ok(answer) => answer,
            Err(error) if error.kind == Kind::Missing => return Ok(None),
            Err(error) => return Err(error),
        };
        let target = Name::parse(&answer.dns_target).ok();
        let vpcs: Vec<VpcTarget> = answer.vpc_dns_targets.iter().filter_map(vpc_target).collect();
        for domain in &answer.custom_domains {
            match Name::parse(&domain.domain_name) {
                Ok(name) => {
                    domains.insert(name, association(domain, target.clone(), vpcs.clone()));
                }
                Err(error) => tracing::warn!(service = %arn, %error, "a custom domain is passed over"),
            }
        }
        token = answer.next_token;
        if token.is_none() {
            return Ok(Some(domains));
        }
    }
    Err(AwsError::broken(OPERATION, format!("more than {DOMAIN_PAGES_MAX} pages of custom domains")))
}

fn vpc_target(target: &sdk::VpcDnsTarget) -> Option<VpcTarget> {
    let name = Name::parse(target.domain_name.as_deref()?).ok()?;
    Some(VpcTarget { vpc: target.vpc_id.clone()?, target: name })
}

fn association(domain: &sdk::CustomDomain, target: Option<Name>, vpcs: Vec<VpcTarget>) -> Association {
    let mut records = Vec::new();
    let mut unreadable = Vec::new();
    for record in domain.certificate_validation_records() {
        match validation(record) {
            Some(record) => records.push(record),
            None => unreadable.push(spelt(record)),
        }
    }
    Association {
        www: domain.enable_www_subdomain,
        status: DomainStatus::parse(domain.status.as_str()),
        records,
        unreadable,
        dns_target: target,
        vpc_targets: vpcs,
    }
}

/// A validation record; `None` where it is no CNAME of two names.
fn validation(record: &sdk::CertificateValidationRecord) -> Option<ValidationRecord> {
    if !record.r#type.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("CNAME")) {
        return None;
    }
    let status = record.status.as_ref().map(|status| status.as_str().to_ascii_uppercase());
    Some(ValidationRecord {
        name: Name::parse(record.name.as_deref()?).ok()?,
        value: Name::parse(record.value.as_deref()?).ok()?,
        status: match status.as_deref() {
            Some("PENDING_VALIDATION") => Validation::Pending,
            Some("SUCCESS") => Validation::Success,
            Some("FAILED") => Validation::Failed,
            _ => Validation::Unknown,
        },
    })
}

fn spelt(record: &sdk::CertificateValidationRecord) -> String {
    let part = |part: &Option<String>| part.clone().unwrap_or_else(|| "-".to_owned());
    let text = format!("{} {} {}", part(&record.name), part(&record.r#type), part(&record.value));
    text.chars().filter(|c| !c.is_control()).take(RECORD_CHARS_MAX).collect()
}

/// What of the service decides where its records lead; `None` where it is gone or deleted.
///
/// # Errors
/// The service cannot be read.
pub async fn observe_service_facts(client: &Client, arn: &ServiceArn) -> Result<Option<ServiceFacts>, AwsError> {
    let Some(service) = describe_service(client, arn).await? else { return Ok(None) };
    let ingress = service.network_configuration.as_ref().and_then(|network| network.ingress_configuration.as_ref());
    let facts = ServiceFacts {
        status: status(&service.status),
        created_at: time(&service.created_at),
        // Services are public unless they say otherwise.
        public: ingress.is_none_or(|ingress| ingress.is_publicly_accessible),
    };
    Ok((facts.status != ServiceStatus::Deleted).then_some(facts))
}

/// `DisassociateCustomDomain`, once.
pub async fn disassociate(client: &Client, arn: &ServiceArn, domain: &Name) -> CallAnswer {
    let call = client.disassociate_custom_domain().service_arn(arn.to_string()).domain_name(domain.as_str());
    let call = call.customize().config_override(Config::builder().retry_config(no_retry()));
    let answer = call.send().await.map(|_| ());
    taken(answer.map_err(|error| AwsError::sort("apprunner:DisassociateCustomDomain", error)))
}

/// `AssociateCustomDomain`, once.
pub async fn associate(client: &Client, arn: &ServiceArn, domain: &Name, www: bool) -> CallAnswer {
    let call = client.associate_custom_domain().service_arn(arn.to_string()).domain_name(domain.as_str());
    // The service's own default is true, so it is always said.
    let call = call.enable_www_subdomain(www);
    let call = call.customize().config_override(Config::builder().retry_config(no_retry()));
    let answer = call.send().await.map(|_| ());
    taken(answer.map_err(|error| AwsError::sort("apprunner:AssociateCustomDomain", error)))
}

fn taken(answer: Result<(), AwsError>) -> CallAnswer {
    match answer {
        Ok(()) => CallAnswer::Taken,
        Err(error) => error.into_answer(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    fn record(name: &str, kind: &str, value: &str, status: &str) -> sdk::CertificateValidationRecord {
        let record = sdk::CertificateValidationRecord::builder().name(name).r#type(kind).value(value);
        record.status(status.into()).build()
    }

    #[test]
    fn an_association_is_read_in_either_case_and_what_is_no_cname_is_kept_as_it_was() {
        let domain = sdk::CustomDomain::builder()
            .domain_name("shop.example.com")
            .enable_www_subdomain(false)
            .status("pending_certificate_dns_validation".into())
            .certificate_validation_records(record("_A.shop.example.com.", "CNAME", "_b.acm.AWS.", "SUCCESS"))
            .certificate_validation_records(record(
                "_c.shop.example.com.",
                "cname",
                "_d.acm.aws.",
                "pending_validation",
            ))
            .certificate_validation_records(record("_e.shop.example.com.", "TXT", "a word", "SUCCESS"))
            .build()
            .unwrap();
        let seen = association(&domain, Some(name("x.eu-west-1.awsapprunner.com")), Vec::new());
        let valid = |at: &str, value: &str, status| ValidationRecord { name: name(at), value: name(value), status };
        assert_eq!(
            seen,
            Association {
                www: false,
                status: DomainStatus::PendingCertificateDnsValidation,
                records: vec![
                    valid("_a.shop.example.com", "_b.acm.aws", Validation::Success),
                    valid("_c.shop.example.com", "_d.acm.aws", Validation::Pending),
                ],
                unreadable: vec!["_e.shop.example.com. TXT a word".to_owned()],
                dns_target: Some(name("x.eu-west-1.awsapprunner.com")),
                vpc_targets: Vec::new(),
            }
        );
    }

    #[test]
    fn a_vpc_without_a_name_in_it_is_no_target() {
        let target = |name: Option<&str>| {
            let target = sdk::VpcDnsTarget::builder().vpc_id("vpc-1").set_domain_name(name.map(str::to_owned));
            vpc_target(&target.build())
        };
        let expected = VpcTarget { vpc: "vpc-1".into(), target: name("x.eu-west-1.awsapprunner.com") };
        assert_eq!(target(Some("X.eu-west-1.awsapprunner.com")), Some(expected));
        assert_eq!((target(None), target(Some(""))), (None, None));
    }
}
