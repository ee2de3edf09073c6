//! The table of the module, row by row, on one service that can leave as it is.

use serde_json::json;

use super::mapping::is_size;
use super::*;
use crate::audit::facts::{ConnectorStatus, DomainFacts, Egress, HealthCheck, Protocol, Scaling, Tracing};
use crate::dns::facts::{DnsFacts, Zone, ZoneRef, Zones};
use crate::dns::name::Name;
use crate::dns::record::{Data, RecordSet};
use crate::domain::{Association, DomainStatus};
use crate::id::{ImageRef, ServiceArn};
use crate::service::{ServiceStatus, Source};

const TARGET: &str = "abc.eu-west-1.awsapprunner.com";

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn image(auto_deploy: Option<bool>) -> Source {
    let image = ImageRef::parse("123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop:v1").unwrap();
    Source::Image { image, auto_deploy }
}

fn shop() -> ServiceFacts {
    let at = "2026-01-02T03:04:05Z".parse().unwrap();
    let scaling = Scaling { arn: "a".into(), name: "s".into(), revision: 1, min: 1, max: 25, concurrency: 100 };
    ServiceFacts {
        arn: ServiceArn::parse(
            "arn:aws:apprunner:eu-west-1:123456789012:service/shop/8fe1e10304f84fd2b0df550fe98a71fa",
        )
        .unwrap(),
        status: ServiceStatus::Running,
        created_at: at,
        updated_at: at,
        source: image(Some(false)),
        code: None,
        host: Some("abc.eu-west-1.awsapprunner.com".into()),
        access_role: Some("arn:aws:iam::123456789012:role/ecr-access".into()),
        connection: None,
        port: None,
        start_command: None,
        environment: Vec::new(),
        secrets: BTreeMap::new(),
        cpu: 1024,
        memory_mb: 2048,
        instance_role: None,
        key: None,
        health: HealthCheck { protocol: Protocol::Http, path: "/up".into(), ..HealthCheck::default() },
        scaling: Fact::Known(scaling),
        egress: Egress::Default,
        public: true,
        tracing: Tracing::Off,
        tags: Fact::Known(BTreeMap::new()),
        operations: Fact::Unread,
        domains: Fact::Known(Vec::new()),
        memory: Fact::Unread,
        image: Fact::Unread,
        firewall: Fact::Known(None),
        log_groups: Fact::Unread,
        usage: Fact::Unread,
    }
}

fn outside() -> Outside {
    let connector = Connector {
        arn: "c".into(),
        name: "c".into(),
        revision: 1,
        status: ConnectorStatus::Active,
        subnets: vec!["subnet-1".into(), "subnet-2".into()],
        groups: vec!["sg-1".into()],
    };
    let environment = [("MODE", "fast"), ("PORT", "8080")];
    Outside {
        environment: environment.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        connector: Fact::Known(connector),
        tracing_vendor: Fact::Known(Some("AWSXRAY".into())),
    }
}

fn plan(service: &ServiceFacts) -> ExitPlan {
    exit_plan(service, &outside(), "shop-express.json")
}

fn vpc() -> Egress {
    Egress::Vpc { connector: "arn:aws:apprunner:eu-west-1:123456789012:vpcconnector/c/1/x".into() }
}

/// A domain with its `www`, both alias records of one zone.
fn domain() -> DomainFacts {
    let zone = ZoneRef { id: "Z1".into(), name: name("octank.dev"), role: None };
    let alias = |at: &str| RecordSet::alias(name(at), "Z087551914Z2PCAU0QHMW", name(TARGET));
    let standing = |at: &str| (zone.id.clone(), name(at), Fact::Known(vec![alias(at)]));
    let dns = DnsFacts {
        zones: Fact::Known(Zones {
            all: vec![Zone { at: zone.clone(), private: false, writable: false }],
            unlisted: Vec::new(),
        }),
        standing: vec![standing("shop.octank.dev"), standing("www.shop.octank.dev")],
        ..DnsFacts::default()
    };
    let association = Association {
        www: true,
        status: DomainStatus::Active,
        records: Vec::new(),
        unreadable: Vec::new(),
        dns_target: Some(name(TARGET)),
        vpc_targets: Vec::new(),
    };
    DomainFacts {
        name: name("shop.octank.dev"),
        association,
        memory: Fact::Unread,
        preview: Fact::Unread,
        served: Fact::Unread,
        dns,
    }
}

fn with_domain(change: impl FnOnce(&mut DomainFacts)) -> ExitPlan {
    let mut domain = domain();
    change(&mut domain);
    plan(&ServiceFacts { domains: Fact::Known(vec![domain]), ..shop() })
}

#[test]
fn a_service_that_can_leave_has_nothing_in_its_way_and_its_whole_request() {
    let mut service = shop();
    service.instance_role = Some("arn:aws:iam::123456789012:role/team/shop".into());
    service.secrets =
        [("TOKEN".to_owned(), "arn:aws:secretsmanager:eu-west-1:123456789012:secret:t-AbCdEf".to_owned())].into();
    service.start_command = Some("serve --quiet".into());
    service.egress = vpc();
    service.tags = Fact::Known(
        [("team", "shop"), ("aws:cloudformation:stack-name", "x"), ("pitcrew:hold", "true")]
            .map(|(k, v)| (k.into(), v.into()))
            .into(),
    );
    let plan = plan(&service);
    assert_eq!(plan.blockers, []);
    let request = json!({
        "serviceName": "shop",
        "executionRoleArn": "arn:aws:iam::123456789012:role/shop-ecs-execution",
        "infrastructureRoleArn": "arn:aws:iam::123456789012:role/ecsInfrastructureRoleForExpressServices",
        "taskRoleArn": "arn:aws:iam::123456789012:role/team/shop",
        "healthCheckPath": "/up",
        "primaryContainer": {
            "image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop:v1",
            "containerPort": 8080,
            "command": ["serve", "--quiet"],
            "environment": [{ "name": "MODE", "value": "fast" }, { "name": "PORT", "value": "8080" }],
            "secrets": [{ "name": "TOKEN", "valueFrom": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:t-AbCdEf" }],
        },
        "cpu": "1024",
        "memory": "2048",
        "cpuArchitecture": "X86_64",
        "scalingTarget": {
            "minTaskCount": 1, "maxTaskCount": 25, "autoScalingMetric": "REQUEST_COUNT_PER_TARGET", "autoScalingTargetValue": 6000,
        },
        "networkConfiguration": { "subnets": ["subnet-1", "subnet-2"], "securityGroups": ["sg-1"] },
        "tags": [{ "key": "team", "value": "shop" }],
    });
    assert_eq!(*plan.request.with_values(), request);
}

#[test]
fn each_blocker_is_named_and_a_service_without_one_has_none() {
    type Change = fn(&mut ServiceFacts, &mut Outside);
    let cases: [(&[&str], Change); 11] = [
        (&[], |_, _| {}),
        (&["tcp-health-check"], |service, _| service.health = HealthCheck::default()),
        (&["source-build"], |service, _| {
            let (repository, branch) = ("https://github.com/o/shop".to_owned(), "main".to_owned());
            service.source = Source::Code { repository, branch, auto_deploy: Some(true) };
        }),
        (&["image-unknown"], |service, _| service.source = Source::Unknown("neither".into())),
        (&["size"], |service, _| (service.cpu, service.memory_mb) = (1024, 1024)),
        (&["port"], |service, _| service.port = Some("http".into())),
        (&["start-command"], |service, _| service.start_command = Some("serve 'a".into())),
        (&["private-service"], |service, _| service.public = false),
        (&[], |service, _| (service.public, service.egress) = (false, vpc())),
        (&["connector-unread"], |service, outside| {
            (service.egress, outside.connector) = (vpc(), Fact::Unavailable("denied".into()));
        }),
        (&["tags"], |service, _| {
            service.tags = Fact::Known((0..51).map(|n| (format!("t{n}"), String::new())).collect());
        }),
    ];
    for (codes, change) in cases {
        let (mut service, mut outside) = (shop(), outside());
        change(&mut service, &mut outside);
        let plan = exit_plan(&service, &outside, "f");
        assert_eq!(plan.blockers.iter().map(|blocker| blocker.code).collect::<Vec<_>>(), codes);
        assert!(
            plan.request.with_values()["primaryContainer"]["image"].is_string(),
            "a plan with blockers still has a request"
        );
    }
}

#[test]
fn what_does_not_come_along_is_told_by_its_topic() {
    type Change = fn(&mut ServiceFacts, &mut Outside);
    let cases: [(&str, &str, Change); 13] = [
        ("KMS key", "fargateEphemeralStorageKmsKeyId", |service, _| {
            service.key = Some("arn:aws:kms:eu-west-1:1:key/k".into())
        }),
        ("web ACL", "associate-web-acl", |service, _| service.firewall = Fact::Known(Some("arn:aws:wafv2:x".into()))),
        ("web ACL", "get-web-acl-for-resource", |service, _| service.firewall = Fact::Unread),
        ("tracing", "AWSXRAY", |service, _| service.tracing = Tracing::On { configuration: "arn:o".into() }),
        ("automatic deployment", "ECR Image Action", |service, _| service.source = image(Some(true))),
        ("automatic deployment", "UpdateExpressGatewayService", |service, _| service.source = image(None)),
        ("start command", "/bin/sh", |service, _| service.start_command = Some("migrate && serve".into())),
        ("start command", "ENTRYPOINT", |service, _| service.start_command = Some("serve".into())),
        ("subnets", "internal", |service, _| service.egress = vpc()),
        ("security groups", "sg-1", |service, _| service.egress = vpc()),
        ("port", "PORT", |_, outside| outside.environment.clear()),
        ("tags", "aws:", |service, _| service.tags = Fact::Known([("aws:x".to_owned(), String::new())].into())),
        ("scaling", "denied", |service, _| service.scaling = Fact::Unavailable("denied".into())),
    ];
    for (topic, words, change) in cases {
        let (mut service, mut outside) = (shop(), outside());
        let told = |service: &ServiceFacts, outside: &Outside| {
            let all = exit_plan(service, outside, "f").by_hand;
            let fits = |manual: &&Manual| {
                manual.topic == topic
                    && (manual.said.contains(words) || manual.command.as_ref().is_some_and(|c| c.contains(words)))
            };
            all.iter().filter(fits).count()
        };
        assert_eq!(told(&service, &outside), 0, "{topic}: a plain service has none");
        change(&mut service, &mut outside);
        assert_eq!(told(&service, &outside), 1, "{topic}: {words}");
    }
}

#[test]
fn fargate_has_these_sizes_and_no_others() {
    let of_app_runner = [
        (256, 512),
        (256, 1024),
        (512, 1024),
        (1024, 2048),
        (1024, 3072),
        (1024, 4096),
        (2048, 4096),
        (2048, 6144),
        (4096, 8192),
        (4096, 10_240),
        (4096, 12_288),
    ];
    assert!(of_app_runner.iter().all(|(cpu, memory)| is_size(*cpu, *memory)));
    let others =
        [(256, 1536), (256, 4096), (512, 512), (1024, 2560), (2048, 2048), (4096, 31_744), (300, 512), (8192, 17_408)];
    assert!(others.iter().all(|(cpu, memory)| !is_size(*cpu, *memory)));
}

#[test]
fn no_value_of_the_environment_is_shown_anywhere_but_in_the_request_itself() {
    let mut outside = outside();
    outside.environment = [("MODE".to_owned(), "hunter2".to_owned())].into();
    let plan = exit_plan(&shop(), &outside, "f");
    assert!(plan.request.with_values().to_string().contains("hunter2"));
    let shown = [serde_json::to_string(&plan).unwrap(), format!("{plan:?}"), format!("{outside:?}")];
    for shown in shown {
        assert!(shown.contains("MODE") && !shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn what_looks_like_a_secret_in_a_start_command_is_shown_nowhere_but_in_the_request_itself() {
    for command in ["serve --token hunter2 --port 8080", "serve --token hunter2 | tee log"] {
        let service = ServiceFacts { start_command: Some(command.into()), ..shop() };
        let plan = exit_plan(&service, &outside(), "f");
        assert!(plan.request.with_values()["primaryContainer"]["command"].to_string().contains("hunter2"));
        for shown in [serde_json::to_string(&plan).unwrap(), format!("{plan:?}")] {
            assert!(shown.contains("--token") && shown.contains("***") && !shown.contains("hunter2"), "{shown}");
        }
    }
}

#[test]
fn the_roles_trust_who_takes_them_and_read_exactly_the_named_secrets() {
    let mut service = shop();
    service.instance_role = Some("arn:aws:iam::123456789012:role/team/shop".into());
    service.secrets = [
        ("A", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:a-AbCdEf:key::"),
        ("B", "arn:aws:ssm:eu-west-1:123456789012:parameter/b"),
        ("C", "/c"),
    ]
    .map(|(name, from)| (name.to_owned(), from.to_owned()))
    .into();
    let roles = plan(&service).roles;
    let trusted = |at: usize| -> Vec<String> {
        let statements = roles[at].trust["Statement"].as_array().unwrap();
        statements.iter().map(|one| one["Principal"]["Service"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(trusted(0), ["ecs-tasks.amazonaws.com"]);
    assert_eq!(trusted(1), ["ecs.amazonaws.com"]);
    assert_eq!(trusted(2), ["tasks.apprunner.amazonaws.com", "ecs-tasks.amazonaws.com"]);
    let inline = roles[0].commands.last().unwrap();
    for arn in ["secret:a-AbCdEf\"", "parameter/b\"", ":123456789012:parameter/c\""] {
        assert!(inline.contains(arn), "{inline}");
    }
    assert!(!inline.contains(":key"), "{inline}");
    assert!(roles[2].commands[1].contains("--role-name shop "), "a path is no part of a role's name");
}

#[test]
fn the_first_batch_replaces_exactly_what_stands_by_two_weighted_records_of_its_type() {
    let plan = with_domain(|_| {});
    let shares: Vec<u8> = plan.cutover.stages.iter().map(|stage| stage.share).collect();
    assert_eq!(shares, SHARES);
    let [batch] = &plan.cutover.stages[0].batches[..] else { panic!("one zone, one batch") };
    let target = |zone: &str, at: &str| json!({ "HostedZoneId": zone, "DNSName": at, "EvaluateTargetHealth": true });
    let old = target("Z087551914Z2PCAU0QHMW", "abc.eu-west-1.awsapprunner.com.");
    let new = target("${LOAD_BALANCER_ZONE}", "${LOAD_BALANCER_NAME}");
    let one = |at: &str| {
        let set = json!({ "Name": at, "Type": "A", "AliasTarget": old });
        let weighted = |identifier: &str, weight: u8, target: &serde_json::Value| {
            let set = json!({
                "Name": at, "Type": "A", "AliasTarget": target, "SetIdentifier": identifier, "Weight": weight,
            });
            json!({ "Action": "CREATE", "ResourceRecordSet": set })
        };
        [
            json!({ "Action": "DELETE", "ResourceRecordSet": set }),
            weighted("app-runner", 90, &old),
            weighted("ecs-express", 10, &new),
        ]
    };
    let changes = [one("shop.octank.dev."), one("www.shop.octank.dev.")].concat();
    assert_eq!(batch.change_batch, json!({ "Changes": changes }));
}

#[test]
fn later_batches_move_the_weights_back_gives_all_to_app_runner_and_undo_restores() {
    let plan = with_domain(|domain| {
        domain.association.www = false;
        let data = Data::Values { ttl_secs: 300, values: vec![format!("{}.", TARGET.to_uppercase())] };
        let cname = RecordSet { data, ..RecordSet::cname(name("shop.octank.dev"), &name(TARGET)) };
        domain.dns.standing = vec![("Z1".into(), name("shop.octank.dev"), Fact::Known(vec![cname]))];
    });
    let weights = |batch: &ZoneBatch, action: &str| -> Vec<u64> {
        let changes = batch.change_batch["Changes"].as_array().unwrap();
        let of = changes.iter().filter(|change| change["Action"] == action);
        of.filter_map(|change| change["ResourceRecordSet"]["Weight"].as_u64()).collect()
    };
    let stages: Vec<Vec<u64>> =
        plan.cutover.stages[1..].iter().map(|stage| weights(&stage.batches[0], "UPSERT")).collect();
    assert_eq!(stages, [[75, 25], [50, 50], [25, 75], [0, 100]]);
    assert_eq!(weights(&plan.cutover.back[0], "UPSERT"), [100, 0]);
    assert_eq!(weights(&plan.cutover.undo[0], "DELETE"), [100, 0], "it deletes what `back` left");
    assert_eq!(weights(&plan.cutover.end[0], "DELETE"), [0, 100], "it deletes what the last stage left");
    let restored = plan.cutover.undo[0].change_batch["Changes"][2]["ResourceRecordSet"].clone();
    let deleted = plan.cutover.stages[0].batches[0].change_batch["Changes"][0]["ResourceRecordSet"].clone();
    assert_eq!(restored, deleted, "to the last TTL");
    assert_eq!(deleted["TTL"], 300);
    assert_eq!(plan.cutover.stages[0].batches[0].change_batch["Changes"][1]["ResourceRecordSet"]["TTL"], 60);
}

#[test]
fn a_name_whose_record_is_not_simply_app_runners_has_no_batch_and_says_why() {
    type Change = fn(&mut DomainFacts);
    let cases: [(&str, Change); 6] = [
        ("no public hosted zone", |domain| domain.dns.zones = Fact::Known(Zones::default())),
        ("could not be listed (denied)", |domain| domain.dns.zones = Fact::Unavailable("denied".into())),
        ("nothing in the zone Z1", |domain| domain.dns.standing[0].2 = Fact::Known(Vec::new())),
        ("could not be read (denied)", |domain| domain.dns.standing[0].2 = Fact::Unavailable("denied".into())),
        ("does not simply lead to App Runner", |domain| {
            let elsewhere = RecordSet::cname(name("shop.octank.dev"), &name("d1.cloudfront.net"));
            domain.dns.standing[0].2 = Fact::Known(vec![elsewhere]);
        }),
        ("under a routing policy already", |domain| {
            let alias = RecordSet::alias(name("shop.octank.dev"), "Z087551914Z2PCAU0QHMW", name(TARGET));
            domain.dns.standing[0].2 = Fact::Known(vec![RecordSet { policy: Some("blue".into()), ..alias }]);
        }),
    ];
    for (why, change) in cases {
        let plan = with_domain(change);
        let told =
            plan.by_hand.iter().filter(|manual| manual.topic == "DNS" && manual.said.contains("of shop.octank.dev "));
        assert!(
            told.clone().count() == 1 && told.clone().all(|manual| manual.said.contains(why)),
            "{why}: {:?}",
            plan.by_hand
        );
        let batches = serde_json::to_string(&plan.cutover).unwrap();
        assert!(!batches.contains("\"shop.octank.dev."), "{why}");
    }
}

#[test]
fn the_steps_stand_in_their_order_and_app_runner_goes_last() {
    let plan = with_domain(|_| {});
    let titles: Vec<&str> = plan.steps.iter().map(|step| step.title.as_str()).collect();
    let order = [
        "hold pitcrew",
        "make the roles",
        "create the service",
        "learn what was made",
        "look whether it works",
        "get a certificate for shop.octank.dev",
        "let the load balancer answer for the names",
        "try the names",
        "move 10 % of the traffic",
        "move 25 % of the traffic",
        "move 50 % of the traffic",
        "move 75 % of the traffic",
        "move 100 % of the traffic",
        "move who calls the default domain",
        "leave App Runner",
        "make the records simple again",
    ];
    assert_eq!(titles, order);
    let leave = &plan.steps[14];
    assert!(leave.said.contains("24 to 48 hours"));
    assert!(leave.commands[0].contains("disassociate-custom-domain") && leave.commands[1].contains("delete-service"));
}

#[test]
fn the_way_back_ends_the_hold_that_the_plan_began_and_no_other() {
    let titles = |plan: &ExitPlan| plan.back.iter().map(|step| step.title.clone()).collect::<Vec<_>>();
    let moved = with_domain(|_| {});
    assert_eq!(
        titles(&moved),
        [
            "give App Runner all of the traffic",
            "put the records back as they were",
            "let pitcrew go on",
            "delete the new service"
        ]
    );
    assert_eq!(moved.back[0].commands, [moved.cutover.back[0].command.clone()]);
    assert!(moved.back[2].commands[0].contains("untag-resource") && moved.back[2].commands[0].contains("pitcrew:hold"));
    assert_eq!(titles(&plan(&shop())), ["let pitcrew go on", "delete the new service"]);
    let own = Fact::Known([("pitcrew:hold".to_owned(), "true".to_owned())].into());
    assert_eq!(titles(&plan(&ServiceFacts { tags: own, ..shop() })), ["delete the new service"]);
    let unread = plan(&ServiceFacts { tags: Fact::Unavailable("denied".into()), ..shop() });
    assert!(unread.back[0].said.contains("leave it"));
}

#[test]
fn a_service_without_domains_has_no_step_of_the_dns() {
    let plan = plan(&shop());
    assert_eq!(plan.cutover, Cutover::default());
    assert!(plan.steps.iter().all(|step| !step.title.contains("traffic") && !step.title.contains("certificate")));
}
