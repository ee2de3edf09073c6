//! What the service's own configuration lays open.

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;

use super::super::super::facts::{Fleet, Suspicion};
use super::super::super::secrets::suspect;
use super::super::super::{Findings, Grade, ServiceFacts};
use super::super::fix::update_source;
use super::super::subject::this;
use crate::dns::command::quote;

/// The day on which the support of a managed runtime ends, where AWS names one.
///
/// From the notices at the head of the platform pages of the developer guide (`service-source-code-python`, `-nodejs`,
/// `-go1`, `-net6`, `-ruby` and their `-releases`, December 1, 2025; `service-source-code-php`, December 31, 2025), read on
/// 2026-11-21. No notice was found for Corretto, Python 3.11 and Node.js 22.
const ENDS: [(&str, Option<Date>); 13] = [
    ("PYTHON_3", Some(date(2025, 12, 1))),
    ("NODEJS_12", Some(date(2025, 12, 1))),
    ("NODEJS_14", Some(date(2025, 12, 1))),
    ("NODEJS_16", Some(date(2025, 12, 1))),
    ("NODEJS_18", Some(date(2025, 12, 1))),
    ("GO_1", Some(date(2025, 12, 1))),
    ("DOTNET_6", Some(date(2025, 12, 1))),
    ("RUBY_31", Some(date(2025, 12, 1))),
    ("PHP_81", Some(date(2025, 12, 31))),
    ("CORRETTO_8", None),
    ("CORRETTO_11", None),
    ("PYTHON_311", None),
    ("NODEJS_22", None),
];

fn words(suspicion: Suspicion) -> (&'static str, Grade) {
    match suspicion {
        Suspicion::Name => ("its name says that it is one", Grade::Medium),
        Suspicion::AwsKey => ("its value holds an access key id of AWS", Grade::High),
        Suspicion::PrivateKey => ("its value holds a private key", Grade::High),
        Suspicion::Token => ("its value has the form of a token", Grade::High),
        Suspicion::Url => ("its value carries a password", Grade::High),
        Suspicion::Random => ("its value is long and without pattern", Grade::Low),
    }
}

pub(super) fn secret_in_environment(_: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    for variable in &service.environment {
        let Some(suspicion) = variable.suspicion else { continue };
        let (why, grade) = words(suspicion);
        out.find_at(
            this(service),
            variable.name.as_str(),
            format!("The variable {} looks like a secret: {why}.", variable.name),
            "Put the value into Secrets Manager, let the instance role read it, and name it under RuntimeEnvironmentSecrets \
             instead; then change the value, for it has been seen.",
            format!(
                "aws secretsmanager create-secret --name {} --secret-string file://VALUE_FILE",
                quote(&format!("{}/{}", service.arn.name(), variable.name))
            ),
        );
        out.graded(grade);
    }
}

/// Only what the value itself shows: names of tags speak of secrets without holding any (`token-owner`), and ids are
/// without pattern.
pub(super) fn secret_in_tag(_: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    let Some(tags) = out.known(&this(service), &service.tags) else { return };
    for (key, value) in tags {
        let why = match suspect(key, value) {
            None | Some(Suspicion::Name | Suspicion::Random) => continue,
            Some(known) => words(known).0,
        };
        out.find_at(
            this(service),
            key.as_str(),
            format!("The tag {key} looks like a secret: {why}."),
            "Keep the secret elsewhere and take the tag away, in the template too where one sets it; then change the \
             secret, for it has been seen.",
            format!("aws apprunner untag-resource --resource-arn {} --tag-keys {}", service.arn, quote(key)),
        );
    }
}

pub(super) fn no_customer_key(fleet: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    if fleet.policy.customer_key && service.key.is_none() {
        out.find(
            this(service),
            "It has no customer key.",
            "A key can be named only when a service is made: make it anew with one, under another name, move its \
             domains, and delete this one. The file is the request, in the form of --generate-cli-skeleton.",
            "aws apprunner create-service --cli-input-json file://SERVICE_FILE --encryption-configuration \
             KmsKey=KEY_ARN",
        );
    }
}

pub(super) fn no_firewall(fleet: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    if !fleet.policy.firewall || !service.public {
        return;
    }
    if let Some(None) = out.known(&this(service), &service.firewall) {
        out.find(
            this(service),
            "It is public and has no web ACL.",
            "Associate a regional web ACL with it; it then guards the default domain and the custom ones.",
            format!("aws wafv2 associate-web-acl --web-acl-arn WEB_ACL_ARN --resource-arn {}", service.arn),
        );
    }
}

pub(super) fn runtime_ended(fleet: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    let Some(code) = &service.code else { return };
    let Some(runtime) = &code.runtime else {
        out.unchecked(&this(service), "its runtime stands in apprunner.yaml of the repository");
        return;
    };
    let Some((_, end)) = ENDS.iter().find(|(name, _)| name == runtime) else {
        out.unchecked(&this(service), &format!("when the support of {runtime} ends is not known"));
        return;
    };
    let today = fleet.now.to_zoned(TimeZone::UTC).date();
    if let Some(end) = end.filter(|end| today >= *end) {
        out.find(
            this(service),
            format!("It is built with {runtime}, whose support ended on {end}."),
            "Move to a newer runtime, or build an image of your own. The update builds and deploys the branch as it is \
             now.",
            update_source(
                service,
                ".CodeRepository.CodeConfiguration.CodeConfigurationValues.Runtime = \"NEW_RUNTIME\"",
            ),
        );
    }
}

#[cfg(test)]
mod tests;
