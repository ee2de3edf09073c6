//! A fleet of one service in which no rule finds anything. A test breaks one thing of it and names what is found.
//!
//! It is not ready for ECS Express Mode: a service that is traced and stands behind a firewall is well run all the same. A
//! test that wants nothing to be found sets `policy.express` to false.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::command::problems;
use super::facts::{
    AlarmFacts, Connector, ConnectorStatus, Egress, Endpoint, Fleet, HealthCheck, ImageFacts, Listed, LogGroup,
    NetworkFacts, Peer, Permission, Place, Policy, PolicyDocument, Protocol, RoleFacts, Route, Scaling, SecurityGroup,
    ServiceFacts, Subnet, Tracing, Usage, Variable,
};
use super::{Check, Findings, find};
use crate::fact::Fact;
use crate::id::{Digest, ImageRef, OperationId, ServiceArn};
use crate::ledger::{Ledger, Release, Verdict};
use crate::memory::Memory;
use crate::service::{Fingerprint, Operation, OperationKind, OperationStatus, ServiceStatus, Source};

pub const ACCOUNT: &str = "123456789012";
pub const REGION: &str = "eu-west-1";
pub const VPC: &str = "vpc-0a1b2c3d4e5f60718";
pub const CONNECTOR: &str =
    "arn:aws:apprunner:eu-west-1:123456789012:vpcconnector/shop/1/0123456789abcdef0123456789abcdef";
pub const SCALING: &str =
    "arn:aws:apprunner:eu-west-1:123456789012:autoscalingconfiguration/shop/1/0123456789abcdef0123456789abcdef";
pub const TRACING: &str =
    "arn:aws:apprunner:eu-west-1:123456789012:observabilityconfiguration/shop/1/0123456789abcdef0123456789abcdef";
pub const INSTANCE_ROLE: &str = "arn:aws:iam::123456789012:role/shop-api-instance";
pub const ACCESS_ROLE: &str = "arn:aws:iam::123456789012:role/shop-api-access";
pub const SECRET: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop/database-AbCdEf";

/// The time at which the audit runs.
pub fn now() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

pub fn days_ago(days: i64) -> Timestamp {
    now() - SignedDuration::from_hours(24 * days)
}

pub fn hours_ago(hours: i64) -> Timestamp {
    now() - SignedDuration::from_hours(hours)
}

pub fn digest(n: u8) -> Digest {
    Digest::parse(&format!("sha256:{}", format!("{n:02x}").repeat(32))).unwrap()
}

pub fn arn(name: &str) -> ServiceArn {
    let id = "8fe1e10304f84fd2b0df550fe98a71fa";
    ServiceArn::parse(&format!("arn:aws:apprunner:{REGION}:{ACCOUNT}:service/{name}/{id}")).unwrap()
}

pub fn image(tag: &str) -> ImageRef {
    ImageRef::parse(&format!("{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/shop/api:{tag}")).unwrap()
}

/// One service, `shop-api`, and everything that it needs.
pub fn fleet() -> Fleet {
    let place = Place { partition: "aws".to_owned(), account: ACCOUNT.to_owned(), region: REGION.to_owned() };
    let mut fleet = Fleet::unread(place, now(), Policy::default());
    fleet.services = vec![listed("shop-api")];
    fleet.connectors = Fact::Known(vec![connector()]);
    fleet.ingresses = Fact::Known(Vec::new());
    fleet.scalings = Fact::Known(vec![revision(SCALING)]);
    fleet.tracings = Fact::Known(vec![revision(TRACING)]);
    fleet.connections = Fact::Known(Vec::new());
    fleet.network = network();
    fleet.roles = roles();
    fleet.alarms =
        Fact::Known(vec![alarm("shop-api-errors", "5xxStatusResponses"), alarm("shop-api-latency", "RequestLatency")]);
    fleet.pointers = Fact::Known(Vec::new());
    fleet.last_event = Fact::Known(Some(days_ago(2)));
    fleet.last_operation = Fact::Known(Some(days_ago(2)));
    fleet
}

pub fn listed(name: &str) -> Listed {
    Listed {
        arn: arn(name),
        status: ServiceStatus::Running,
        host: Some(format!("{name}.eu-west-1.awsapprunner.com")),
        public: true,
        connector: Some(CONNECTOR.to_owned()),
        scaling: Some(SCALING.to_owned()),
        tracing: Some(TRACING.to_owned()),
        connection: None,
    }
}

pub fn connector() -> Connector {
    Connector {
        arn: CONNECTOR.to_owned(),
        name: "shop".to_owned(),
        revision: 1,
        status: ConnectorStatus::Active,
        subnets: ["subnet-a", "subnet-b", "subnet-c"].map(str::to_owned).to_vec(),
        groups: vec!["sg-connector".to_owned()],
    }
}

/// The first revision of a configuration, from its ARN.
pub fn revision(arn: &str) -> super::facts::Revision {
    let name = arn.split('/').nth(1).unwrap_or_default();
    super::facts::Revision { arn: arn.to_owned(), name: name.to_owned(), revision: 1 }
}

/// An alarm on one metric of `shop-api` that tells somebody.
pub fn alarm(name: &str, metric: &str) -> AlarmFacts {
    let service = arn("shop-api");
    AlarmFacts {
        name: name.to_owned(),
        watches: vec![service.name().to_owned(), service.id().to_owned()],
        metrics: vec![metric.to_owned()],
        acts: true,
    }
}

/// Three private subnets in three zones, each with a NAT gateway of its own.
pub fn network() -> NetworkFacts {
    let zones = ["a", "b", "c"];
    let subnet = |zone: &str| {
        let id = format!("subnet-{zone}");
        let subnet = Subnet {
            id: id.clone(),
            vpc: VPC.to_owned(),
            zone: format!("{REGION}{zone}"),
            free_addresses: 200,
            routes: vec![route("10.0.0.0/16", "local"), route("0.0.0.0/0", &format!("nat-{zone}"))],
        };
        (id, subnet)
    };
    NetworkFacts {
        zones: Fact::Known(zones.iter().map(|zone| format!("{REGION}{zone}")).collect()),
        subnets: Fact::Known(zones.iter().map(|zone| subnet(zone)).collect()),
        groups: Fact::Known(BTreeMap::from([
            group("sg-connector", Vec::new(), vec![https(Peer::Cidr("0.0.0.0/0".to_owned()))]),
            group("sg-endpoint", vec![https(Peer::Group("sg-connector".to_owned()))], Vec::new()),
        ])),
        endpoints: Fact::Known(vec![endpoint("xray"), endpoint("secretsmanager")]),
    }
}

pub fn route(destination: &str, target: &str) -> Route {
    Route { destination: destination.to_owned(), target: target.to_owned(), blackhole: false }
}

pub fn https(peer: Peer) -> Permission {
    Permission { protocol: "tcp".to_owned(), ports: Some((443, 443)), peer }
}

fn group(id: &str, inbound: Vec<Permission>, outbound: Vec<Permission>) -> (String, SecurityGroup) {
    let group = SecurityGroup { id: id.to_owned(), name: id.to_owned(), vpc: VPC.to_owned(), inbound, outbound };
    (id.to_owned(), group)
}

/// An interface endpoint in all three subnets.
pub fn endpoint(service: &str) -> Endpoint {
    Endpoint {
        id: format!("vpce-{service}"),
        vpc: VPC.to_owned(),
        service: format!("com.amazonaws.{REGION}.{service}"),
        state: "available".to_owned(),
        gateway: false,
        subnets: connector().subnets,
        groups: vec!["sg-endpoint".to_owned()],
        private_dns: true,
    }
}

pub fn roles() -> BTreeMap<String, Fact<RoleFacts>> {
    let instance = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": SECRET },
        { "Effect": "Allow", "Action": ["xray:PutTraceSegments", "xray:PutTelemetryRecords",
            "xray:GetSamplingRules", "xray:GetSamplingTargets", "xray:GetSamplingStatisticSummaries"], "Resource": "*" },
    ]});
    let access = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*" },
        { "Effect": "Allow", "Action": ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:DescribeImages",
            "ecr:GetDownloadUrlForLayer"], "Resource": format!("arn:aws:ecr:{REGION}:{ACCOUNT}:repository/shop/api") },
    ]});
    BTreeMap::from([
        role(INSTANCE_ROLE, "tasks.apprunner.amazonaws.com", instance),
        role(ACCESS_ROLE, "build.apprunner.amazonaws.com", access),
    ])
}

/// A role that one service principal may assume, for this account alone.
pub fn role(arn: &str, principal: &str, policy: serde_json::Value) -> (String, Fact<RoleFacts>) {
    let trust = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "Service": principal }, "Action": "sts:AssumeRole",
        "Condition": { "StringEquals": { "aws:SourceAccount": ACCOUNT } },
    }]});
    let policies = vec![PolicyDocument { name: "service".to_owned(), document: policy }];
    (arn.to_owned(), Fact::Known(RoleFacts { arn: arn.to_owned(), trust, policies, boundary: None }))
}

/// A service that no rule finds anything in.
pub fn service(name: &str) -> ServiceFacts {
    let arn = arn(name);
    ServiceFacts {
        status: ServiceStatus::Running,
        created_at: days_ago(400),
        updated_at: days_ago(2),
        source: Source::Image { image: image("v3"), auto_deploy: Some(false) },
        code: None,
        host: Some(format!("{name}.eu-west-1.awsapprunner.com")),
        access_role: Some(ACCESS_ROLE.to_owned()),
        connection: None,
        port: Some("8080".to_owned()),
        start_command: None,
        environment: vec![Variable { name: "LOG_LEVEL".to_owned(), suspicion: None }],
        secrets: BTreeMap::from([("DATABASE_URL".to_owned(), SECRET.to_owned())]),
        cpu: 1024,
        memory_mb: 2048,
        instance_role: Some(INSTANCE_ROLE.to_owned()),
        key: None,
        health: HealthCheck { protocol: Protocol::Http, path: "/healthz".to_owned(), ..HealthCheck::default() },
        scaling: Fact::Known(scaling()),
        egress: Egress::Vpc { connector: CONNECTOR.to_owned() },
        public: true,
        tracing: Tracing::On { configuration: TRACING.to_owned() },
        tags: Fact::Known(BTreeMap::from([("environment".to_owned(), "production".to_owned())])),
        operations: Fact::Known(vec![operation(3, 2), operation(2, 9), operation(1, 16)]),
        domains: Fact::Known(Vec::new()),
        memory: Fact::Known(memory()),
        image: Fact::Known(Some(image_facts())),
        firewall: Fact::Known(Some(format!("arn:aws:wafv2:{REGION}:{ACCOUNT}:regional/webacl/shop/1"))),
        log_groups: Fact::Known(vec![log_group(&arn, "service"), log_group(&arn, "application")]),
        usage: Fact::Known(usage()),
        arn,
    }
}

pub fn scaling() -> Scaling {
    let (arn, name) = (SCALING.to_owned(), "shop".to_owned());
    Scaling { arn, name, revision: 1, min: 2, max: 10, concurrency: 80 }
}

pub fn usage() -> Usage {
    Usage {
        days: 14,
        requests: Some(1_200_000.0),
        cpu_percent: Some(55.0),
        memory_percent: Some(60.0),
        concurrency: Some(240.0),
        instances: Some(4.0),
    }
}

/// A deployment that succeeded so many days ago.
pub fn operation(n: u8, days: i64) -> Operation {
    Operation {
        id: OperationId::new(&format!("{n:032x}")),
        kind: OperationKind::UpdateService,
        status: OperationStatus::Succeeded,
        started_at: days_ago(days),
        ended_at: Some(days_ago(days) + SignedDuration::from_mins(4)),
        updated_at: None,
    }
}

/// Three releases, the newest in service, all of them good.
pub fn memory() -> Memory {
    let release = |n: u8, days: i64, replaced: Option<i64>| Release {
        operation: operation(n, days).id,
        source: Source::Image { image: image(&format!("v{n}")), auto_deploy: Some(false) },
        digest: Some(digest(n)),
        fingerprint: Fingerprint::default(),
        started_at: days_ago(days),
        released_at: operation(n, days).end(),
        replaced_at: replaced.map(days_ago),
        verdict: Verdict::Good { since: operation(n, days).end() + SignedDuration::from_mins(30) },
    };
    let releases = vec![release(3, 2, None), release(2, 9, Some(2)), release(1, 16, Some(9))];
    Memory { version: 7, ledger: Ledger { releases, ..Ledger::default() }, ..Memory::default() }
}

/// A repository of which the last fifty images are kept.
pub fn image_facts() -> ImageFacts {
    let lifecycle = json!({ "rules": [{
        "rulePriority": 1, "description": "keep fifty", "action": { "type": "expire" },
        "selection": { "tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 50 },
    }]});
    let image = |n: u8, days: i64| (digest(n), vec![format!("v{n}")], days_ago(days));
    ImageFacts {
        digest: Some(digest(3)),
        mutable: false,
        lifecycle: Some(lifecycle.to_string()),
        images: [image(3, 2), image(2, 9), image(1, 16)].into(),
        gone: Vec::new(),
    }
}

pub fn log_group(service: &ServiceArn, kind: &str) -> LogGroup {
    LogGroup { name: service.log_group(kind), retention_days: Some(30), stored_bytes: 4_096 }
}

/// What one rule says of the fleet, and of the service where it looks at one. Every command of a fix is judged on the
/// way.
pub fn look(id: &str, fleet: &Fleet, service: &ServiceFacts) -> Findings {
    let rule = find(id).unwrap_or_else(|| panic!("no rule `{id}`"));
    let mut findings = Findings::default();
    match rule.check {
        Check::Service(check) => check(fleet, service, &mut findings),
        Check::Fleet(check) => check(fleet, &mut findings),
    }
    for command in findings.found.iter().filter_map(|seen| seen.fix.command.as_deref()) {
        assert_eq!(problems(command), [] as [&str; 0], "{id}: {command}");
    }
    findings
}
