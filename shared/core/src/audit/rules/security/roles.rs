//! Instance and access roles: what they may do, and who may assume them.

use serde_json::{Value, json};

use super::super::super::facts::{Fleet, RoleFacts, Suspicion, Tracing};
use super::super::super::policy::{self, administers, grants_everything, principals, trusts};
use super::super::super::{Findings, Grade, ServiceFacts};
use super::super::subject::this;
use super::{BUILD, TASKS};
use crate::dns::command::quote;

/// What an access role may do without a word: reading images, and what reads as much.
const READING: [&str; 5] = ["ecr:get*", "ecr:list*", "ecr:describe*", "ecr:batchget*", "ecr:batchcheck*"];

/// The name of a role in its ARN, behind its path.
pub(super) fn name(arn: &str) -> &str {
    arn.rsplit_once('/').map_or(arn, |(_, name)| name)
}

/// What IAM says of a role. A role that is gone is another rule's.
pub(super) fn role<'f>(
    fleet: &'f Fleet,
    service: &ServiceFacts,
    arn: &str,
    out: &mut Findings,
) -> Option<&'f RoleFacts> {
    if fleet.roles_gone.contains(arn) {
        return None;
    }
    let at = this(service);
    let Some(fact) = fleet.roles.get(arn) else {
        out.unchecked(&at, &format!("the role {arn} was not read"));
        return None;
    };
    out.known(&at, fact)
}

pub(super) fn no_instance_role(_: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    if service.instance_role.is_some() {
        return;
    }
    let keys = service.environment.iter().find(|it| it.suspicion == Some(Suspicion::AwsKey));
    let (why, grade) = match (service.secrets.is_empty(), keys, &service.tracing) {
        (false, _, _) => ("App Runner fetches its secrets with the instance role".to_owned(), Grade::High),
        (true, Some(keys), _) => (format!("the variable {} holds an access key instead", keys.name), Grade::Medium),
        (true, None, Tracing::On { .. }) => ("traces are sent with the instance role".to_owned(), Grade::Low),
        (true, None, Tracing::Off) => return,
    };
    out.find(
        this(service),
        format!("It has no instance role, and {why}."),
        "Make a role that tasks.apprunner.amazonaws.com may assume, with what the application calls, and give it to \
         the service.",
        format!(
            "aws apprunner update-service --service-arn {} --instance-configuration \
             Cpu={},Memory={},InstanceRoleArn=ROLE_ARN",
            service.arn, service.cpu, service.memory_mb
        ),
    );
    out.graded(grade);
}

pub(super) fn instance_admin(fleet: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    let Some(arn) = &service.instance_role else { return };
    let Some(role) = role(fleet, service, arn, out) else { return };
    if let Some(policy) = administers(role) {
        let detach = match policy.starts_with("arn:") {
            true => format!("detach-role-policy --role-name {} --policy-arn {}", quote(name(arn)), quote(&policy)),
            false => format!("delete-role-policy --role-name {} --policy-name {}", quote(name(arn)), quote(&policy)),
        };
        out.find(
            this(service),
            format!("By {policy} its instance role {} can do everything, or give itself the right to.", name(arn)),
            "First give it a policy with what the application calls. The command takes this one away from the role: \
             what no other policy allows fails from then on.",
            format!("aws iam {detach}"),
        );
    } else if grants_everything(role).is_some() {
        out.unchecked(&this(service), "what the permissions boundary of its instance role takes away is not read");
    }
}

/// The statement by which App Runner may assume a role.
fn trusting(principal: &str) -> Value {
    json!({ "Effect": "Allow", "Principal": { "Service": principal }, "Action": "sts:AssumeRole" })
}

/// Makes App Runner the only one who may assume the role: the whole trust policy is replaced.
fn trust_alone(arn: &str, principal: &str) -> String {
    let trust = json!({ "Version": "2012-10-17", "Statement": [trusting(principal)] });
    format!(
        "aws iam update-assume-role-policy --role-name {} --policy-document {}",
        quote(name(arn)),
        quote(&trust.to_string())
    )
}

/// Lets App Runner assume the role too: the trust policy is read, and keeps what it has.
fn trust_too(arn: &str, principal: &str) -> String {
    let role = quote(name(arn));
    // One statement may stand without a list around it.
    let filter = format!(".Statement |= [.] + [{}] | .Statement |= flatten", trusting(principal));
    format!(
        "aws iam update-assume-role-policy --role-name {role} --policy-document \"$(aws iam get-role --role-name \
         {role} --query Role.AssumeRolePolicyDocument --output json | jq {})\"",
        quote(&filter)
    )
}

pub(super) fn instance_trust(fleet: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    let Some(arn) = &service.instance_role else { return };
    let Some(role) = role(fleet, service, arn, out) else { return };
    let others: Vec<String> = principals(role).into_iter().filter(|principal| principal != TASKS).collect();
    if others.is_empty() {
        return;
    }
    out.find(
        this(service),
        format!("Its instance role {} can also be assumed by {}.", name(arn), others.join(", ")),
        "First make a role for each of them. The command replaces the whole trust policy: nobody but App Runner may \
         assume the role from then on, and a condition that stands there now must be written again.",
        trust_alone(arn, TASKS),
    );
}

/// A role that App Runner cannot assume.
fn untrusted(
    fleet: &Fleet,
    service: &ServiceFacts,
    which: (&str, Option<&String>),
    principal: &str,
    out: &mut Findings,
) {
    let (what, Some(arn)) = which else { return };
    let Some(role) = role(fleet, service, arn, out) else { return };
    if !trusts(role, principal) {
        out.find(
            this(service),
            format!("{principal} may not assume its {what} role {}.", name(arn)),
            "Let it. The command adds a statement to the trust policy and keeps the others; where one of them denies \
             it, take that one away.",
            trust_too(arn, principal),
        );
    }
}

pub(super) fn instance_untrusted(fleet: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    untrusted(fleet, service, ("instance", service.instance_role.as_ref()), TASKS, out);
}

pub(super) fn access_untrusted(fleet: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    untrusted(fleet, service, ("access", service.access_role.as_ref()), BUILD, out);
}

pub(super) fn gone(fleet: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    let named = [("instance", &service.instance_role), ("access", &service.access_role)];
    for (what, arn) in named.into_iter().filter_map(|(what, arn)| Some((what, arn.as_ref()?))) {
        if fleet.roles_gone.contains(arn) {
            out.find_at(
                this(service),
                arn.as_str(),
                format!("IAM does not know its {what} role {arn}."),
                "Make the role again under its name and path, or give the service another one.",
                format!("aws iam get-role --role-name {}", quote(name(arn))),
            );
        } else {
            // A role that could not be read says so by itself.
            let _ = role(fleet, service, arn, out);
        }
    }
}

pub(super) fn access_wide(fleet: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    let Some(arn) = &service.access_role else { return };
    let Some(role) = role(fleet, service, arn, out) else { return };
    let Some(granted) = policy::granted(role) else {
        out.unchecked(&this(service), &format!("a policy of {arn} cannot be read"));
        return;
    };
    let reads = |action: &String| READING.iter().any(|pattern| policy::matches(pattern, action));
    let more: Vec<String> = granted.into_iter().filter(|action| !reads(action)).collect();
    if more.is_empty() {
        return;
    }
    let managed =
        format!("arn:{}:iam::aws:policy/service-role/AWSAppRunnerServicePolicyForECRAccess", fleet.place.partition);
    out.find(
        this(service),
        format!("Its access role {} allows {}.", name(arn), more.join(", ")),
        "Attach the managed policy for it, then take the others away.",
        format!("aws iam attach-role-policy --role-name {} --policy-arn {managed}", quote(name(arn))),
    );
}

#[cfg(test)]
mod tests;
