//! The steps in their order, each with its commands for a POSIX shell. What one step learns, a later one finds in a variable.

use serde::Serialize;

use super::cutover::{Cutover, Stage, ZoneBatch, hosts};
use super::request::health_path;
use super::roles::Role;
use crate::audit::facts::{DomainFacts, ServiceFacts};
use crate::dns::command::quote;
use crate::fact::Fact;

/// The most values that a rule of a load balancer compares (its quota).
const RULE_VALUES_MAX: usize = 5;

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    pub title: String,
    pub said: String,
    pub commands: Vec<String>,
}

impl Step {
    fn new(title: impl Into<String>, said: impl Into<String>, commands: Vec<String>) -> Self {
        Self { title: title.into(), said: said.into(), commands }
    }
}

/// All steps of a plan.
pub(super) fn steps(service: &ServiceFacts, roles: &[Role], cutover: &Cutover, file: &str) -> Vec<Step> {
    let domains: &[DomainFacts] = match &service.domains {
        Fact::Known(domains) => domains,
        Fact::Unread | Fact::Unavailable(_) => &[],
    };
    let mut steps = vec![hold(service), make_roles(roles), create(service, file), learn(service), look(service)];
    steps.extend(certificates(service, domains));
    steps.extend(shift(cutover));
    steps.push(callers(service));
    steps.push(leave(service, domains));
    if !cutover.end.is_empty() {
        let said = "optional: one simple record a name again. Nothing leads to App Runner from here on";
        steps.push(Step::new("make the records simple again", said, commands(&cutover.end)));
    }
    steps
}

/// The steps of the way back, as long as the service stands in App Runner.
pub(super) fn back(service: &ServiceFacts, cutover: &Cutover) -> Vec<Step> {
    let mut steps = Vec::new();
    if !cutover.back.is_empty() {
        let said = "after any step of the traffic: everything goes to App Runner again within a minute or so";
        steps.push(Step::new("give App Runner all of the traffic", said, commands(&cutover.back)));
        let said = "after the step before this one, and only then: it deletes exactly what that one left";
        steps.push(Step::new("put the records back as they were", said, commands(&cutover.undo)));
    }
    let (arn, region) = (quote(&service.arn.to_string()), service.arn.region());
    // The owner's own hold stays; whether there was one is known from the tags alone.
    let before = match &service.tags {
        Fact::Known(tags) => (!tags.contains_key("pitcrew:hold")).then_some(""),
        Fact::Unread | Fact::Unavailable(_) => {
            Some("; the tags could not be read: where it stood there before this plan, leave it")
        }
    };
    if let Some(before) = before {
        let said = format!("the tag of the first step goes, and pitcrew writes for this service again{before}");
        let untag =
            format!("aws apprunner untag-resource --resource-arn {arn} --tag-keys pitcrew:hold --region {region}");
        steps.push(Step::new("let pitcrew go on", said, vec![untag]));
    }
    let said = "it costs as long as it stands; SERVICE_ARN is what the plan's steps have learned";
    let delete = format!("aws ecs delete-express-gateway-service --service-arn \"$SERVICE_ARN\" --region {region}");
    steps.push(Step::new("delete the new service", said, vec![delete]));
    steps
}

fn commands(batches: &[ZoneBatch]) -> Vec<String> {
    batches.iter().map(|batch| batch.command.clone()).collect()
}

fn hold(service: &ServiceFacts) -> Step {
    let arn = quote(&service.arn.to_string());
    let region = service.arn.region();
    Step::new(
        "hold pitcrew",
        "as long as the tag stands pitcrew writes nothing for this service, and does not put back the records that you move",
        vec![format!(
            "aws apprunner tag-resource --resource-arn {arn} --tags Key=pitcrew:hold,Value=true --region {region}"
        )],
    )
}

fn make_roles(roles: &[Role]) -> Step {
    let commands = roles.iter().flat_map(|role| role.commands.iter().cloned());
    let said = "a new role is known everywhere after some seconds";
    Step::new("make the roles", said, commands.collect())
}

fn create(service: &ServiceFacts, file: &str) -> Step {
    let (name, file, region) = (quote(service.arn.name()), quote(file), service.arn.region());
    Step::new(
        "create the service",
        "the file holds the values of the environment: read it, mend what is in the way, and remove it afterwards. It takes three \
         to five minutes, and costs a load balancer and tasks beside App Runner",
        vec![
            format!("pitcrew exit-plan {name} --output {file} --region {region}"),
            format!("aws ecs create-express-gateway-service --cli-input-json file://{file} --region {region}"),
            format!("rm {file}"),
        ],
    )
}

/// Reads what the later steps need, once the service is `ACTIVE`.
fn learn(service: &ServiceFacts) -> Step {
    let (arn, region) = (&service.arn, service.arn.region());
    let express = format!("arn:{}:ecs:{region}:{}:service/default/{}", arn.partition(), arn.account(), arn.name());
    let read = |variable: &str, call: &str, query: &str| {
        format!("{variable}=$(aws {call} --query '{query}' --output text --region {region})")
    };
    let describe = "ecs describe-express-gateway-service --service-arn \"$SERVICE_ARN\"";
    let revision = "ecs describe-service-revisions --service-revision-arns \"$REVISION\"";
    let managed = |member: &str| format!("serviceRevisions[0].ecsManagedResources.ingressPaths[0].{member}.arn");
    let balancer = "elbv2 describe-load-balancers --load-balancer-arns \"$LOAD_BALANCER_ARN\"";
    Step::new(
        "learn what was made",
        "in the shell that runs the later steps, once the status is ACTIVE and the load balancer is there",
        vec![
            format!("SERVICE_ARN={}", quote(&express)),
            format!("aws {describe} --query service.status.statusCode --output text --region {region}"),
            read("REVISION", describe, "service.activeConfigurations[0].serviceRevisionArn"),
            read("ENDPOINT", describe, "service.activeConfigurations[0].ingressPaths[0].endpoint"),
            "ENDPOINT=${ENDPOINT#https://}; ENDPOINT=${ENDPOINT%/}".to_owned(),
            read("LOAD_BALANCER_ARN", revision, &managed("loadBalancer")),
            read("LISTENER_ARN", revision, &managed("listener")),
            read("RULE_ARN", revision, &managed("rule")),
            read("LOAD_BALANCER_NAME", balancer, "LoadBalancers[0].DNSName"),
            read("LOAD_BALANCER_ZONE", balancer, "LoadBalancers[0].CanonicalHostedZoneId"),
        ],
    )
}

fn look(service: &ServiceFacts) -> Step {
    let url = format!("\"https://$ENDPOINT\"{}", quote(health_path(service)));
    let scheme = "aws elbv2 describe-load-balancers --load-balancer-arns \"$LOAD_BALANCER_ARN\" --query \
                  'LoadBalancers[0].Scheme' --output text --region";
    let wanted = if service.public { "internet-facing" } else { "internal" };
    Step::new(
        "look whether it works",
        format!("the scheme must be {wanted}, the answer 200; then try what your users do"),
        vec![
            format!("{scheme} {}", service.arn.region()),
            format!("curl --fail --silent --show-error --output /dev/null --write-out '%{{http_code}}\\n' {url}"),
        ],
    )
}

fn certificates(service: &ServiceFacts, domains: &[DomainFacts]) -> Vec<Step> {
    if domains.is_empty() {
        return Vec::new();
    }
    let region = service.arn.region();
    let mut steps: Vec<Step> = domains.iter().map(|domain| certificate(region, domain)).collect();
    let names: Vec<String> = domains.iter().flat_map(hosts).map(|host| format!(",\"{}\"", host.as_str())).collect();
    let values = format!(
        "'[{{\"Field\":\"host-header\",\"HostHeaderConfig\":{{\"Values\":[\"'\"$ENDPOINT\"'\"{}]}}}}]'",
        names.concat()
    );
    let mut said = "the rule that Express Mode made answers for your names too; its actions stay, so deployments go on to move its \
                    weights. The command replaces the rule's conditions, and keeps the service's own name among them"
        .to_owned();
    if names.len() + 1 > RULE_VALUES_MAX {
        said.push_str(&format!(
            ". {} names are more than the {RULE_VALUES_MAX} that a rule may compare: ask AWS for a higher quota, or give a rule of \
             your own the rest, which deployments then do not move",
            names.len() + 1
        ));
    }
    let modify = format!("aws elbv2 modify-rule --rule-arn \"$RULE_ARN\" --conditions {values} --region {region}");
    steps.push(Step::new("let the load balancer answer for the names", said, vec![modify]));
    let hosts: Vec<String> = domains
        .iter()
        .flat_map(hosts)
        .filter(|host| !host.is_wildcard())
        .map(|host| {
            let at = quote(&format!("{}:443:", host.as_str()));
            let url = format!("https://{}{}", host.as_str(), health_path(service));
            format!(
                "curl --fail --silent --show-error --output /dev/null --connect-to {at}\"$LOAD_BALANCER_NAME\":443 {}",
                quote(&url)
            )
        })
        .collect();
    let said = "before any traffic is moved: each name, asked of the load balancer, with its new certificate";
    steps.push(Step::new("try the names", said, hosts));
    steps
}

/// A certificate of the owner's: App Runner's own is not the owner's to move.
fn certificate(region: &str, domain: &DomainFacts) -> Step {
    let names: Vec<String> = hosts(domain).iter().map(|host| quote(host.as_str())).collect();
    let others = match &names[1..] {
        [] => String::new(),
        others => format!(" --subject-alternative-names {}", others.join(" ")),
    };
    let read = "aws acm describe-certificate --certificate-arn \"$CERTIFICATE_ARN\"";
    let said = "App Runner's certificate cannot be moved. Make the CNAME records that the second command shows, and keep them: \
                renewal needs them. The third waits until ACM has seen them";
    Step::new(
        format!("get a certificate for {}", domain.name),
        said,
        vec![
            format!(
                "CERTIFICATE_ARN=$(aws acm request-certificate --domain-name {}{others} --validation-method DNS --query \
                 CertificateArn --output text --region {region})",
                names[0]
            ),
            format!("{read} --query 'Certificate.DomainValidationOptions[].ResourceRecord' --region {region}"),
            format!("aws acm wait certificate-validated --certificate-arn \"$CERTIFICATE_ARN\" --region {region}"),
            format!(
                "aws elbv2 add-listener-certificates --listener-arn \"$LISTENER_ARN\" --certificates \
                 CertificateArn=\"$CERTIFICATE_ARN\" --region {region}"
            ),
        ],
    )
}

fn shift(cutover: &Cutover) -> Vec<Step> {
    let step = |stage: &Stage| {
        let said = match stage.share {
            100 => "watch errors and latency; App Runner serves whoever still asks by an old answer of the DNS",
            _ => "watch errors and latency of both before the next step",
        };
        Step::new(format!("move {} % of the traffic", stage.share), said, commands(&stage.batches))
    };
    cutover.stages.iter().map(step).collect()
}

fn callers(service: &ServiceFacts) -> Step {
    let host = service.host.as_deref().unwrap_or("the service's default domain");
    let said = format!(
        "whoever calls {host} must be given the new name: that domain cannot be moved and ends with the service"
    );
    Step::new("move who calls the default domain", said, Vec::new())
}

fn leave(service: &ServiceFacts, domains: &[DomainFacts]) -> Step {
    let (arn, region) = (quote(&service.arn.to_string()), service.arn.region());
    let unlink = |domain: &DomainFacts| {
        let name = quote(domain.name.as_str());
        format!("aws apprunner disassociate-custom-domain --service-arn {arn} --domain-name {name} --region {region}")
    };
    let mut commands: Vec<String> = domains.iter().map(unlink).collect();
    commands.push(format!("aws apprunner delete-service --service-arn {arn} --region {region}"));
    let ingress = if service.public { "" } else { "; delete its VPC ingress connections first" };
    let said = format!(
        "not before 24 to 48 hours with all traffic on Express Mode: until then the way back is one command. A deleted service does \
         not come back{ingress}"
    );
    Step::new("leave App Runner", said, commands)
}
