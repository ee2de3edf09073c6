//! Readiness for ECS Express Mode, the way out that AWS names: what stands between a service and it. Nothing of this is
//! wrong with the service; `policy.express = false` switches all of it off.
//!
//! | rule | finds | grade |
//! |---|---|---|
//! | `express-source-build` | App Runner builds the service from code: Express Mode takes images alone | medium |
//! | `express-tcp-check` | a TCP health check has no equivalent: a path that answers 200 is needed | medium |
//! | `express-private` | the service is private: subnets and the way in must be chosen anew | low |
//! | `express-domains` | each custom domain needs a certificate of one's own and a rule on the load balancer | low |
//! | `express-key` | the customer's KMS key does not carry over | low |
//! | `express-firewall` | the web ACL must be associated with the load balancer by hand | low |
//! | `express-tracing` | X-Ray must be set up by hand | low |
//! | `express-start-command` | the start command must be split into a list of words | low |
//! | `express-automatic-deployment` | a push of an image needs an EventBridge rule of one's own | low |
//!
//! A service that is deleted or was never created is passed over.

use serde_json::json;

use super::super::facts::{Protocol, Tracing};
use super::super::secrets::covered;
use super::super::{Chapter, Check, Findings, Fleet, Grade, Group, Rule, ServiceFacts};
use super::fix::update_health;
use super::subject::{guide, this};
use crate::dns::command::quote;
use crate::id::{Reference, Registry};
use crate::service::{ServiceStatus, Source};

const CHAPTER: Chapter = guide("AWS App Runner availability change");

const fn rule(
    id: &'static str,
    grade: Grade,
    title: &'static str,
    why: &'static str,
    check: fn(&Fleet, &ServiceFacts, &mut Findings),
) -> Rule {
    Rule::new(Group::Express, id, grade, title, why, CHAPTER, Check::Service(check))
}

pub(super) const RULES: &[Rule] = &[
    rule(
        "express-source-build",
        Grade::Medium,
        "The service has no image to move",
        "Express Mode runs images and builds none: a pipeline must build one first.",
        source_build,
    ),
    rule(
        "express-tcp-check",
        Grade::Medium,
        "The health check has no equivalent in Express Mode",
        "Its load balancer asks a path over HTTP and wants 200; what answers no such path never becomes healthy.",
        tcp_check,
    ),
    rule(
        "express-private",
        Grade::Low,
        "A private service needs its network chosen anew",
        "VPC ingress connections do not carry over; private subnets take their place, and clients get another name.",
        private,
    ),
    rule(
        "express-domains",
        Grade::Low,
        "Custom domains need certificates of one's own",
        "App Runner's certificates stay with App Runner: without one on the load balancer the domain breaks at the \
         move.",
        domains,
    ),
    rule(
        "express-key",
        Grade::Low,
        "The customer's key does not carry over",
        "What App Runner encrypts with it, Express Mode keeps elsewhere: in the repository and in the log group.",
        key,
    ),
    rule(
        "express-firewall",
        Grade::Low,
        "The firewall must be moved by hand",
        "A web ACL stays with what it is associated with: the new load balancer stands open until it has one.",
        firewall,
    ),
    rule(
        "express-tracing",
        Grade::Low,
        "Tracing must be set up by hand",
        "App Runner collects the traces itself; behind Express Mode the application must send them somewhere.",
        tracing,
    ),
    rule(
        "express-start-command",
        Grade::Low,
        "The start command must be split into words",
        "Express Mode takes a list and runs no shell: a command in one string does not start.",
        start_command,
    ),
    rule(
        "express-automatic-deployment",
        Grade::Low,
        "A push to the repository will deploy nothing",
        "Express Mode does not watch repositories: the pipeline or an event rule must update the service.",
        automatic_deployment,
    ),
];

/// Whether the service is looked at.
fn moves(fleet: &Fleet, service: &ServiceFacts) -> bool {
    let there =
        !matches!(service.status, ServiceStatus::CreateFailed | ServiceStatus::Deleted | ServiceStatus::DeleteFailed);
    fleet.policy.express && there
}

fn source_build(fleet: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    let Source::Code { repository, branch, .. } = &service.source else { return };
    if !moves(fleet, service) {
        return;
    }
    out.find(
        this(service),
        format!("App Runner builds it from {repository}, branch {branch}."),
        "Write a Dockerfile, and let a pipeline build the image and push it to a repository.",
        format!("aws ecr create-repository --repository-name {}", quote(&service.arn.name().to_ascii_lowercase())),
    );
}

fn tcp_check(fleet: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    if !moves(fleet, service) || service.health.protocol == Protocol::Http {
        return;
    }
    let mut health = service.health.clone();
    (health.protocol, health.path) = (Protocol::Http, "/HEALTH_PATH".to_owned());
    out.find(
        this(service),
        "Its health check is TCP.",
        "Have the application answer 200 on a path, and let App Runner ask it first: what works here works there.",
        update_health(service, &health),
    );
}

fn private(fleet: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    if !moves(fleet, service) || service.public {
        return;
    }
    out.find(
        this(service),
        "It is not publicly accessible.",
        "Choose private subnets for the new service and point its clients to the new name. The command shows what \
         leads to it now.",
        format!("aws apprunner list-vpc-ingress-connections --filter ServiceArn={}", service.arn),
    );
}

fn domains(fleet: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    if !moves(fleet, service) {
        return;
    }
    let Some(domains) = out.known(&this(service), &service.domains) else { return };
    for domain in domains {
        let name = domain.name.as_str();
        // App Runner's one association covers the name with www; a certificate must be asked for both.
        let www = if domain.association.www {
            format!(" --subject-alternative-names {}", quote(&format!("www.{name}")))
        } else {
            String::new()
        };
        out.find_at(
            this(service),
            name,
            format!("{name} is linked to it."),
            "Request a certificate in ACM now and prove the domain; at the move it goes on the load balancer, with a \
             rule for this host.",
            format!("aws acm request-certificate --domain-name {} --validation-method DNS{www}", quote(name)),
        );
    }
}

fn key(fleet: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    let Some(key) = &service.key else { return };
    if !moves(fleet, service) {
        return;
    }
    out.find(
        this(service),
        format!("It is encrypted with {key}."),
        "Encrypt what holds the service's data there with the key: its log group, its repository, its disks. The \
         command does it for a log group.",
        format!("aws logs associate-kms-key --log-group-name LOG_GROUP --kms-key-id {}", quote(key)),
    );
}

fn firewall(fleet: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    if !moves(fleet, service) {
        return;
    }
    let Some(firewall) = out.known(&this(service), &service.firewall) else { return };
    let Some(acl) = firewall else { return };
    out.find(
        this(service),
        format!("It stands behind {acl}."),
        "Associate the web ACL with the load balancer before traffic goes there.",
        format!("aws wafv2 associate-web-acl --web-acl-arn {} --resource-arn LOAD_BALANCER_ARN", quote(acl)),
    );
}

fn tracing(fleet: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    if !moves(fleet, service) || service.tracing == Tracing::Off {
        return;
    }
    out.find(
        this(service),
        "Tracing with X-Ray is on.",
        "Have the application send its traces to a collector that it can reach, and give the task role \
         AWSXRayDaemonWriteAccess.",
        format!(
            "aws iam attach-role-policy --role-name TASK_ROLE --policy-arn \
             arn:{}:iam::aws:policy/AWSXRayDaemonWriteAccess",
            service.arn.partition()
        ),
    );
}

fn start_command(fleet: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    let Some(command) = service.start_command.as_deref().filter(|command| !command.trim().is_empty()) else { return };
    if !moves(fleet, service) {
        return;
    }
    out.find(
        this(service),
        format!("It is started with `{}`.", covered(command)),
        "Put the words into the container's command one by one; where the shell has a part in it, write sh, -c and the \
         whole of it. Where the image's own command does the same, leave it out.",
        "",
    );
}

fn automatic_deployment(fleet: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    let Source::Image { image, auto_deploy } = &service.source else { return };
    let Registry::Ecr { account, .. } = &image.registry else { return };
    let on = auto_deploy.unwrap_or(account == service.arn.account());
    if !moves(fleet, service) || !on {
        return;
    }
    let Reference::Tag(tag) = &image.reference else { return };
    let pattern = json!({
        "source": ["aws.ecr"], "detail-type": ["ECR Image Action"],
        "detail": { "action-type": ["PUSH"], "result": ["SUCCESS"], "repository-name": [image.repository],
            "image-tag": [tag] },
    });
    out.find(
        this(service),
        format!("Every push to {} is deployed.", image.short()),
        "Update the service from the pipeline; or make an event rule whose target calls UpdateExpressGatewayService.",
        format!(
            "aws events put-rule --name {}-image --event-pattern {}",
            service.arn.name(),
            quote(&pattern.to_string())
        ),
    );
}

#[cfg(test)]
mod tests;
