//! What carries over, what stands in the way, and what a person must see to.

use super::argv::{self, Argv};
use super::request::{NO_IMAGE, PORT, connector, port, requests_per_minute};
use super::{Blocker, Carried, Manual, Outside, carried_tags, is_reserved};
use crate::audit::facts::{Egress, Protocol, ServiceFacts, Tracing};
use crate::dns::command::quote;
use crate::fact::Fact;
use crate::id::Registry;
use crate::service::Source;

/// Fargate's sizes: units of CPU, and the megabytes from, to, and in steps of.
const SIZES: [(u32, u32, u32, u32); 7] = [
    // 512, 1024 and 2048: the only row that is no even series.
    (256, 512, 2048, 512),
    (512, 1024, 4096, 1024),
    (1024, 2048, 8192, 1024),
    (2048, 4096, 16_384, 1024),
    (4096, 8192, 30_720, 1024),
    (8192, 16_384, 61_440, 4096),
    (16_384, 32_768, 122_880, 8192),
];

/// Whether Fargate has tasks of this size.
pub(super) fn is_size(cpu: u32, memory_mb: u32) -> bool {
    let odd = cpu == 256 && memory_mb == 1536;
    let fits = |&(units, from, to, step): &(u32, u32, u32, u32)| {
        units == cpu && (from..=to).contains(&memory_mb) && memory_mb.is_multiple_of(step)
    };
    !odd && SIZES.iter().any(fits)
}

/// What carries over: from where, to where, and what changes its meaning on the way.
pub(super) fn carried(service: &ServiceFacts, outside: &Outside) -> Vec<Carried> {
    let mut carried = Vec::new();
    let mut add = |from: String, to: &'static str, note: &'static str| {
        carried.push(Carried { from, to, note: (!note.is_empty()).then_some(note) });
    };
    if let Some(image) = service.source.image() {
        add(
            format!("image {image}"),
            "primaryContainer.image",
            "App Runner kept a copy of its own: keep the image in ECR as long as tasks start from it",
        );
    }
    if let Some(port) = port(service) {
        add(format!("port {port}"), "primaryContainer.containerPort", "");
    }
    if !outside.environment.is_empty() {
        let names: Vec<&str> = outside.environment.keys().map(String::as_str).collect();
        add(format!("environment {}", names.join(", ")), "primaryContainer.environment", "");
    }
    if !service.secrets.is_empty() {
        let names: Vec<&str> = service.secrets.keys().map(String::as_str).collect();
        let note = "read by the execution role now, at each start of a task, and no longer by the instance role";
        add(format!("secrets {}", names.join(", ")), "primaryContainer.secrets", note);
    }
    if is_size(service.cpu, service.memory_mb) {
        let note = "Fargate bills every running task in full; App Runner bills idle instances for memory alone";
        add(format!("size {} / {} MB", service.cpu, service.memory_mb), "cpu, memory", note);
    }
    if service.health.protocol == Protocol::Http {
        let note = "the load balancer wants status 200; interval, timeout and thresholds cannot be set in the request";
        add(format!("health check HTTP {}", service.health.path), "healthCheckPath", note);
    }
    if let Fact::Known(scaling) = &service.scaling {
        let from = format!(
            "{} to {} instances, {} requests at once (asked for as {} a minute)",
            scaling.min,
            scaling.max,
            scaling.concurrency,
            requests_per_minute(scaling.concurrency)
        );
        add(
            from,
            "scalingTarget",
            "approximate: it takes a request for one second; measure, and set autoScalingTargetValue",
        );
    }
    if let Some(role) = &service.instance_role {
        add(format!("instance role {role}"), "taskRoleArn", "it must trust ecs-tasks.amazonaws.com too");
    }
    if let Some(connector) = connector(service, outside) {
        let from = format!("VPC connector: {}; {}", connector.subnets.join(", "), connector.groups.join(", "));
        add(from, "networkConfiguration", "");
    }
    if let Fact::Known(tags) = &service.tags
        && carried_tags(tags).next().is_some()
    {
        add(format!("{} tags", carried_tags(tags).count()), "tags", "");
    }
    carried
}

/// What stands in the way of a request that works.
pub(super) fn blockers(service: &ServiceFacts, outside: &Outside) -> Vec<Blocker> {
    let mut blockers = Vec::new();
    let mut block = |code, said: String, mend: &str| blockers.push(Blocker { code, said, mend: mend.to_owned() });
    let image = format!("put its identifier in the place of {NO_IMAGE} in the request");
    match &service.source {
        Source::Image { .. } => {}
        Source::Code { repository, .. } => block(
            "source-build",
            format!("App Runner builds the service from {repository}, and Express Mode takes an image alone"),
            &format!("build an image in CI and push it to ECR; {image}"),
        ),
        Source::Unknown(why) => block("image-unknown", format!("the image cannot be read: {why}"), &image),
    }
    if service.health.protocol == Protocol::Tcp {
        block(
            "tcp-health-check",
            "the service is checked by TCP, and Express Mode asks an HTTP path for status 200".to_owned(),
            "give the application such a path, then set it as HTTP health check in App Runner and plan again (or set \
             healthCheckPath in the request)",
        );
    }
    if !is_size(service.cpu, service.memory_mb) {
        block(
            "size",
            format!("Fargate has no task with {} units of CPU and {} MB", service.cpu, service.memory_mb),
            "choose a size that Fargate has: 256/512 to 16384/122880",
        );
    }
    if port(service).is_none() {
        let said = format!("the port `{}` is no number", service.port.as_deref().unwrap_or_default());
        block("port", said, "set containerPort in the request");
    }
    if let Some(Argv::Broken(why)) = service.start_command.as_deref().map(argv::split) {
        block(
            "start-command",
            format!("the start command cannot be split into words: {why}"),
            "set primaryContainer.command",
        );
    }
    match (&service.egress, &outside.connector) {
        (Egress::Vpc { connector }, Fact::Unread | Fact::Unavailable(_)) => block(
            "connector-unread",
            format!("the subnets of the VPC connector {connector} could not be read"),
            "let your role call apprunner:DescribeVpcConnector, and plan again",
        ),
        (Egress::Default, _) if !service.public => block(
            "private-service",
            "the service is private, and only private subnets make an Express Mode service private; it names none"
                .to_owned(),
            "set networkConfiguration with private subnets in the request: without it the service would be public",
        ),
        _ => {}
    }
    if let Fact::Known(tags) = &service.tags
        && tags.len() > 50
    {
        block("tags", format!("{} tags: a service of ECS takes 50", tags.len()), "take some out of the request");
    }
    blockers
}

/// What the request does not bring along.
pub(super) fn by_hand(service: &ServiceFacts, outside: &Outside) -> Vec<Manual> {
    let mut manual = Vec::new();
    runtime(service, outside, &mut manual);
    network(service, outside, &mut manual);
    protection(service, &mut manual);
    if let Fact::Known(tags) = &service.tags
        && tags.keys().any(|key| is_reserved(key))
    {
        add(&mut manual, "tags", "tags that begin with aws: are AWS's own and stay behind", None);
    }
    unread(service, &mut manual);
    manual
}

fn add(manual: &mut Vec<Manual>, topic: &'static str, said: impl Into<String>, command: Option<String>) {
    manual.push(Manual { topic, said: said.into(), command });
}

fn runtime(service: &ServiceFacts, outside: &Outside, manual: &mut Vec<Manual>) {
    match service.start_command.as_deref().map(argv::split) {
        Some(Argv::Shell { because, .. }) => {
            let said = format!(
                "it needs a shell (for {because}) and becomes `/bin/sh -c`: the image must have /bin/sh, and must not have an \
                 ENTRYPOINT that takes it as arguments"
            );
            add(manual, "start command", said, None);
        }
        Some(Argv::Words(words)) => {
            let said =
                format!("it becomes {} words, which an image with an ENTRYPOINT takes as its arguments", words.len());
            add(manual, "start command", said, None);
        }
        Some(Argv::Broken(_)) | None => {}
    }
    if !outside.environment.contains_key("PORT") {
        let said = format!(
            "Express Mode sets no variable PORT: an application that reads it needs it in the environment, as {}",
            port(service).unwrap_or(PORT)
        );
        add(manual, "port", said, None);
    }
    if auto_deploys(service) {
        automatic(service, manual);
    }
    if let Tracing::On { configuration } = &service.tracing {
        let vendor = match &outside.tracing_vendor {
            Fact::Known(Some(vendor)) => vendor.as_str(),
            _ => "a vendor that could not be read",
        };
        let said = format!(
            "traces go to {vendor} by {configuration}; Express Mode runs one container of yours and no collector: send traces to \
             an endpoint that you run, or bring a task definition of your own (taskDefinitionArn) with the ADOT collector beside \
             a container named Main, and give the task role the X-Ray permissions"
        );
        add(manual, "tracing", said, None);
    }
}

/// Whether a push deploys: said, or by App Runner's default for an image of a private repository of the same account.
fn auto_deploys(service: &ServiceFacts) -> bool {
    let Source::Image { image, auto_deploy } = &service.source else { return false };
    let own = matches!(&image.registry, Registry::Ecr { account, .. } if account == service.arn.account());
    auto_deploy.unwrap_or(own)
}

fn automatic(service: &ServiceFacts, manual: &mut Vec<Manual>) {
    let Some(image) = service.source.image() else { return };
    let pattern = serde_json::json!({
        "source": ["aws.ecr"], "detail-type": ["ECR Image Action"],
        "detail": { "action-type": ["PUSH"], "result": ["SUCCESS"], "repository-name": [image.repository] },
    });
    let rule = format!("{}-pushed", service.arn.name());
    let command = format!(
        "aws events put-rule --name {} --event-pattern {} --region {}",
        quote(&rule),
        quote(&pattern.to_string()),
        service.arn.region()
    );
    let said = "a push deploys by itself in App Runner; here a rule must start it: give it a target that calls \
                UpdateExpressGatewayService with the whole primaryContainer and the pushed image (a function, or a state machine \
                with the SDK integration), or deploy from CI. Without it nothing new is deployed";
    add(manual, "automatic deployment", said, Some(command));
}

fn network(service: &ServiceFacts, outside: &Outside, manual: &mut Vec<Manual>) {
    let Some(connector) = connector(service, outside) else {
        if service.public {
            let said = "without a VPC connector the request names no subnets: ECS takes the default VPC and makes the security \
                        groups, so the account needs a default VPC with public subnets";
            let command = format!(
                "aws ec2 describe-vpcs --filters Name=is-default,Values=true --region {}",
                service.arn.region()
            );
            add(manual, "subnets", said, Some(command));
        }
        return;
    };
    let routes = format!(
        "aws ec2 describe-route-tables --filters Name=association.subnet-id,Values={} --query 'RouteTables[].Routes[].GatewayId' \
         --region {}",
        quote(&connector.subnets.join(",")),
        service.arn.region()
    );
    let said = if service.public {
        "the service is public, and a connector's subnets are private as a rule: in private subnets the load balancer is \
         internal and nobody reaches it from the internet. Put public subnets (with a route to an igw-) of the same VPC into \
         networkConfiguration, unless these are public"
    } else {
        "the service is private: these subnets must be private (no route to an igw-), for in public ones the load balancer faces \
         the internet. Callers inside the VPC ask for the load balancer's name, and no longer for the VPC endpoint's"
    };
    add(manual, "subnets", said, Some(routes));
    let said = format!(
        "{} were for outgoing traffic alone: they must let the load balancer in at port {}",
        connector.groups.join(", "),
        port(service).unwrap_or(PORT)
    );
    add(manual, "security groups", said, None);
}

fn protection(service: &ServiceFacts, manual: &mut Vec<Manual>) {
    let region = service.arn.region();
    if let Some(key) = &service.key {
        let said = format!(
            "App Runner keeps its copy of the image under {key}; with Fargate a key of yours is for the whole cluster's \
             ephemeral storage, and for the repository in ECR"
        );
        let configuration = format!("managedStorageConfiguration={{fargateEphemeralStorageKmsKeyId={key}}}");
        let command = format!(
            "aws ecs update-cluster --cluster default --configuration {} --region {region}",
            quote(&configuration)
        );
        add(manual, "KMS key", said, Some(command));
    }
    match &service.firewall {
        Fact::Known(None) => {}
        Fact::Known(Some(acl)) => {
            let said = "the web ACL does not come along: associate it with the load balancer, which up to 25 Express Mode services \
                        share";
            let acl = quote(acl);
            let command = format!(
                "aws wafv2 associate-web-acl --web-acl-arn {acl} --resource-arn \"$LOAD_BALANCER_ARN\" --region {region}"
            );
            add(manual, "web ACL", said, Some(command));
        }
        Fact::Unread | Fact::Unavailable(_) => {
            let said =
                "whether a web ACL protects the service was not read; if one does, associate it with the load balancer";
            let arn = quote(&service.arn.to_string());
            let command = format!("aws wafv2 get-web-acl-for-resource --resource-arn {arn} --region {region}");
            add(manual, "web ACL", said, Some(command));
        }
    }
    if let Some(role) = &service.access_role
        && let Some(image) = service.source.image()
        && matches!(&image.registry, Registry::Ecr { account, .. } if account != service.arn.account())
    {
        let said = format!(
            "the image is another account's, and {role} pulls it now: the repository's policy must let the execution role pull"
        );
        add(manual, "image of another account", said, None);
    }
}

/// Facts that a part of the plan needed.
fn unread(service: &ServiceFacts, manual: &mut Vec<Manual>) {
    let why = |why: &str| format!("could not be read ({why})");
    if let Fact::Unavailable(reason) = &service.scaling {
        let said = format!("the scaling {}: the request leaves it out, and Express Mode takes its own", why(reason));
        add(manual, "scaling", said, None);
    }
    if let Fact::Unavailable(reason) = &service.tags {
        add(manual, "tags", format!("the tags {}: the request has none", why(reason)), None);
    }
    if let Fact::Unavailable(reason) = &service.domains {
        let said = format!("the custom domains {}: the plan has no step for them", why(reason));
        add(manual, "custom domains", said, None);
    }
}
