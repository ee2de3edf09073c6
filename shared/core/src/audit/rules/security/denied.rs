//! What App Runner needs of a role, and the role does not allow.

use super::super::super::facts::{Fleet, RoleFacts};
use super::super::super::policy::{Permit, allows, read_secrets};
use super::super::super::{Findings, ServiceFacts};
use super::super::subject::this;
use super::roles::{name, role};
use crate::dns::command::quote;
use crate::id::Registry;

/// Without any of these no image is pulled. The managed policy allows two more, for which no failure is known.
const PULLING: [&str; 3] = ["ecr:GetAuthorizationToken", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];

/// The actions that the role does not allow; `None` where what was not read decides about one of them.
fn denied(role: &RoleFacts, actions: &[&'static str]) -> Option<Vec<&'static str>> {
    let answers: Vec<Permit> = actions.iter().map(|action| allows(role, action)).collect();
    let of = |wanted| actions.iter().zip(&answers).filter(move |(_, answer)| **answer == wanted);
    let denied: Vec<&str> = of(Permit::No).map(|(action, _)| *action).collect();
    (!denied.is_empty() || of(Permit::Unsure).next().is_none()).then_some(denied)
}

pub(super) fn access(fleet: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    let private = service.source.image().is_some_and(|image| matches!(image.registry, Registry::Ecr { .. }));
    let Some(arn) = service.access_role.as_ref().filter(|_| private) else { return };
    let Some(role) = role(fleet, service, arn, out) else { return };
    let Some(denied) = denied(role, &PULLING) else {
        return out
            .unchecked(&this(service), "conditions or a permissions boundary of its access role decide about ECR");
    };
    if denied.is_empty() {
        return;
    }
    let managed =
        format!("arn:{}:iam::aws:policy/service-role/AWSAppRunnerServicePolicyForECRAccess", fleet.place.partition);
    out.find(
        this(service),
        format!("Its access role {} does not allow {}.", name(arn), denied.join(", ")),
        "Attach the managed policy for it; where a policy of the role denies them, take that denial away. Where the \
         repository's own policy lets the role pull, waive this: that policy is not read.",
        format!("aws iam attach-role-policy --role-name {} --policy-arn {managed}", quote(name(arn))),
    );
}

pub(super) fn secrets(fleet: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    // A service with secrets and without a role is another rule's.
    let Some(arn) = &service.instance_role else { return };
    let Some(policy) = read_secrets(service) else { return };
    let Some(role) = role(fleet, service, arn, out) else { return };
    let actions: Vec<&str> = policy.actions().collect();
    let Some(denied) = denied(role, &actions) else {
        let why = "conditions or a permissions boundary of its instance role decide about its secrets";
        return out.unchecked(&this(service), why);
    };
    if denied.is_empty() {
        return;
    }
    out.find(
        this(service),
        format!(
            "It names {}, and its instance role {} does not allow {}.",
            super::super::fix::count(service.secrets.len(), "secret"),
            name(arn),
            denied.join(", ")
        ),
        "Let the role read them; where a policy of it denies that, take the denial away. Secrets under a KMS key of \
         yours need kms:Decrypt too. Where the secret's own policy lets the role in, waive this: that policy is not read.",
        format!(
            "aws iam put-role-policy --role-name {} --policy-name {} --policy-document {}",
            quote(name(arn)),
            quote(&format!("{}-reads-its-secrets", service.arn.name())),
            quote(&policy.document().to_string())
        ),
    );
}

#[cfg(test)]
mod tests;
