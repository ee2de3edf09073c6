//! A fleet that is made up: shops with the usual troubles, and one with names that try to run.
//!
//! Built like a real run, by putting parts together and comparing them with an earlier report; only the rules are made up
//! with it, so that the sample does not change with every rule that pitcrew learns.

use jiff::Timestamp;
use pitcrew_core::audit::facts::Place;
use pitcrew_core::audit::{
    CertificateLine, Check, Counts, Finding, Fix, Grade, Group, NotChecked, Part, Report, Resource, RuleLine, Run,
    ServiceLine, Sight, Source, Trend, Unseen, Waived, WaivedBy,
};
use pitcrew_core::id::ServiceArn;

/// What a name from outside may hold, and must show and not run.
pub const HOSTILE: &str = "</script><img src=x onerror=\"window.ran=1\"><script>window.ran=1</script>'\"&amp;";

/// What it holds mostly.
pub const TAME: &str = "odd.example.com";

/// 2026-10-23 06:00 UTC.
const FIRST_SECOND: i64 = 1_792_735_200;
const DAY_SECONDS: i64 = 86_400;

type Told = (&'static str, Group, Grade, &'static str, &'static str, &'static str);

const RULES: [Told; 7] = [
    (
        "domains-certificate-late",
        Group::Domains,
        Grade::Critical,
        "A certificate is about to end",
        "Browsers refuse the site from the moment on which it ends.",
        "Managing custom domain names",
    ),
    (
        "deployments-create-failed",
        Group::Deployments,
        Grade::High,
        "The creation of a service failed",
        "It serves nobody, and it still counts in the quota of services.",
        "When service creation fails",
    ),
    (
        "egress-one-zone",
        Group::Egress,
        Grade::High,
        "A VPC connector stands in one availability zone",
        "When the zone fails, every service behind the connector is cut off.",
        "Enabling VPC access",
    ),
    (
        "scaling-health-tcp",
        Group::Scaling,
        Grade::Medium,
        "The health check only opens a connection",
        "An application that hangs still takes connections, and stays in service.",
        "Configuring health checks",
    ),
    (
        "security-secret-in-environment",
        Group::Security,
        Grade::High,
        "A plain environment variable looks like a secret",
        "Everybody who may describe the service can read it.",
        "Referencing environment variables",
    ),
    (
        "observability-no-alarm",
        Group::Observability,
        Grade::Low,
        "No alarm watches the service",
        "Its faults are found by its users.",
        "Monitoring with CloudWatch",
    ),
    (
        "quotas-services",
        Group::Quotas,
        Grade::Medium,
        "The quota of services is nearly used up",
        "The next service cannot be created.",
        "Quotas",
    ),
];

pub fn arn(name: &str) -> ServiceArn {
    let text = format!("arn:aws:apprunner:eu-west-1:123456789012:service/{name}/8fe1e10304f84fd2b0df550fe98a71fa");
    ServiceArn::parse(&text).expect("a name of the sample")
}

fn at(day: i64) -> Timestamp {
    Timestamp::from_second(FIRST_SECOND + day * DAY_SECONDS).expect("a day of the sample")
}

fn source(heading: &str) -> Source {
    Source { work: "App Runner developer guide".to_owned(), heading: heading.to_owned() }
}

fn found(rule: usize, resource: Resource, key: &str, seen: &str, fix: &str, command: Option<String>) -> Finding {
    let (id, group, grade, title, _, heading) = RULES[rule];
    Finding {
        id: format!("{:012x}", fingerprint(&format!("{id}/{}/{key}", resource.id()))),
        rule: id.to_owned(),
        group,
        grade,
        title: title.to_owned(),
        chapter: source(heading),
        service: resource.service().map(|arn| arn.name().to_owned()),
        resource,
        key: key.to_owned(),
        seen: seen.to_owned(),
        fix: Fix { text: fix.to_owned(), command },
        waiver: None,
        first_seen: at(29),
        checked: true,
    }
}

/// FNV-1a: enough to tell the sample's findings apart, and the same everywhere.
fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
        & 0xffff_ffff_ffff
}

fn service(name: &str) -> Resource {
    Resource::Service { arn: arn(name) }
}

fn line(name: &str, status: &str, certificates: &[(&str, i64)]) -> ServiceLine {
    let certificates = certificates.iter().map(|(domain, days_left)| CertificateLine {
        domain: (*domain).to_owned(),
        not_after: at(29 + days_left),
        days_left: *days_left,
    });
    ServiceLine {
        name: name.to_owned(),
        arn: arn(name),
        status: status.to_owned(),
        certificates: certificates.collect(),
        counts: Counts::default(),
        waived: 0,
        unchecked: 0,
    }
}

fn run(id: &str, day: i64, services: &[ServiceLine]) -> Run {
    Run {
        id: id.to_owned(),
        place: Place {
            partition: "aws".to_owned(),
            account: "123456789012".to_owned(),
            region: "eu-west-1".to_owned(),
        },
        started: Timestamp::from_second(at(day).as_second() - 94).expect("a time of the sample"),
        finished: at(day),
        calls: 1_284,
        listed: services.iter().map(|line| line.arn.clone()).collect(),
    }
}

fn findings(odd: &str) -> Vec<Finding> {
    let connector =
        Resource::other("VPC connector", "arn:aws:apprunner:eu-west-1:123456789012:vpcconnector/shops/1/0f3a9c2b");
    let health = |name: &str| {
        let command = format!(
            "aws apprunner update-service --service-arn {} --health-check-configuration \
             Protocol=HTTP,Path=/ready",
            arn(name)
        );
        found(
            3,
            service(name),
            "",
            "It checks port 8080 by TCP.",
            "Let it ask for a path that answers only when the application can work.",
            Some(command),
        )
    };
    vec![
        found(
            0,
            service("shop-checkout"),
            "pay.example.com",
            "The certificate of pay.example.com ends in 4 days, and the record that renews \
             it is missing.",
            "Put the record back; App Runner renews the certificate by itself then.",
            Some("pitcrew domains apply shop-checkout pay.example.com".to_owned()),
        ),
        found(
            1,
            service("shop-search-preview"),
            "",
            "Its status is CREATE_FAILED.",
            "Correct what the log names and update it, which builds it again; or delete it.",
            Some(format!("aws apprunner delete-service --service-arn {}", arn("shop-search-preview"))),
        ),
        found(
            2,
            connector,
            "",
            "Both of its subnets stand in eu-west-1a. Seven services use it.",
            "Make a new revision with subnets in at least two zones, and move the services to it.",
            Some(
                "aws apprunner create-vpc-connector --vpc-connector-name shops --subnets \
             SUBNET_A SUBNET_B --security-groups CONNECTOR_GROUP"
                    .to_owned(),
            ),
        ),
        found(
            4,
            service("shop-checkout"),
            "STRIPE_KEY",
            "The variable STRIPE_KEY has the form of a token.",
            "Keep it in Secrets Manager, name it as a secret, and make a new one: this one \
             was readable.",
            None,
        ),
        health("shop-api"),
        health("shop-web"),
        found(
            5,
            service("shop-api"),
            "",
            "No alarm reads 5xxStatusResponses or RequestLatency of it.",
            "Make an alarm that tells somebody.",
            Some(
                "aws cloudwatch put-metric-alarm --alarm-name shop-api-5xx --namespace AWS/AppRunner \
                 --metric-name 5xxStatusResponses --statistic Sum --period 60 --evaluation-periods 3 --threshold 5 \
                 --comparison-operator GreaterThanThreshold"
                    .to_owned(),
            ),
        ),
        found(
            5,
            service("shop-web"),
            "",
            "No alarm reads 5xxStatusResponses or RequestLatency of it.",
            "Make an alarm that tells somebody.",
            None,
        ),
        found(
            6,
            Resource::Account,
            "services",
            "27 of 30 services are in use.",
            "Ask AWS for more, or delete what nobody uses.",
            None,
        ),
        found(
            4,
            service("shop-odd"),
            odd,
            &format!("The variable {odd} looks like a secret."),
            &format!("Keep {odd} in Secrets Manager."),
            Some(format!("pitcrew domains plan shop-odd '{odd}'")),
        ),
    ]
}

/// The report of the sample's last run. `odd` stands wherever a name from outside can stand: [`HOSTILE`], or something tame.
pub fn report(odd: &str) -> Report {
    let services = [
        line("shop-api", "RUNNING", &[("api.example.com", 141)]),
        line("shop-checkout", "RUNNING", &[("pay.example.com", 4), ("checkout.example.com", 63)]),
        line("shop-odd", "RUNNING", &[(odd, 29)]),
        line("shop-search-preview", "CREATE_FAILED", &[]),
        line("shop-web", "RUNNING", &[("www.example.com", 187), ("example.com", -1)]),
        line("shop-mail", "PAUSED", &[]),
    ];
    let mut now = findings(odd);
    let mut before = findings(odd);
    // Since the run before: a certificate came near its end, a check was graded up, one was waived, one was mended.
    before.remove(0);
    before[3].grade = Grade::Low;
    before.push(found(1, service("shop-cart-preview"), "", "Its status is CREATE_FAILED.", "Delete it.", None));
    before.iter_mut().for_each(|finding| finding.first_seen = at(12));
    now[5].waiver = Some(Waived {
        by: WaivedBy::Tag,
        until: "2026-12-31".parse().expect("a day of the sample"),
        reason: "replaced by the new shop: TICKET-412".to_owned(),
        who: None,
    });
    // One that this run could not look for.
    let stale = now.remove(7);
    let unchecked = |rule: &str, why: &str, resources: Vec<Resource>| NotChecked {
        rule: rule.to_owned(),
        why: why.to_owned(),
        resources,
    };
    let denied = "cloudwatch:DescribeAlarms was refused: AccessDenied";
    let throttled = "DescribeService was throttled five times";
    let not_checked = vec![
        unchecked(&stale.rule, denied, vec![stale.resource.clone()]),
        unchecked("*", throttled, vec![service("shop-stock")]),
    ];
    let part = |findings, not_checked| Part {
        findings,
        not_checked,
        services: services.to_vec(),
        fleet: true,
        ..Part::default()
    };
    let previous = Report::assemble(run("2026-11-20T06-00-00Z", 28, &services), [part(before, vec![])], None);
    let mut made =
        Report::assemble(run("2026-11-21T06-00-00Z", 29, &services), [part(now, not_checked)], Some(&previous));
    made.left_out = 1;
    // The rules of the run before are not those of the sample: what it knew of them is said here.
    let unseen = |rule: &str, why: &str, resources| Unseen { rule: rule.to_owned(), why: why.to_owned(), resources };
    made.sight = Sight {
        lost: vec![unseen("*", throttled, 1), unseen(&stale.rule, denied, 1)],
        back: vec![unseen("egress-one-zone", "ec2:DescribeSubnets is denied", 3)],
    };
    let rule = |(id, group, grade, title, why, heading): Told| RuleLine {
        id: id.to_owned(),
        group,
        grade,
        title: title.to_owned(),
        why: why.to_owned(),
        chapter: source(heading),
    };
    made.rules = RULES.map(rule).to_vec();
    made
}

/// Thirty runs, the last of them the report's.
pub fn trend(report: &Report) -> Trend {
    let mut trend = Trend::default();
    for day in 0_u32..29 {
        let mut line = report.trend_line();
        line.run = format!("run-{day}");
        line.at = at(i64::from(day));
        line.counts =
            Counts { critical: u32::from(day % 11 == 3), high: 5 - day / 9, medium: 9 - day / 6, low: 6 - day / 7 };
        line.unchecked = day % 3;
        if day == 28 {
            line.run = report.previous.clone().unwrap_or_default();
        }
        trend.push(line);
    }
    trend.push(report.trend_line());
    trend
}

/// A fleet of so many services, each with findings, to see what a page of it weighs.
pub fn large(services: usize) -> Report {
    let names: Vec<String> = (0..services).map(|number| format!("service-{number:05}")).collect();
    let lines: Vec<ServiceLine> = names.iter().map(|name| line(name, "RUNNING", &[("www.example.com", 90)])).collect();
    // As long as the report keeps them, for as many as the page shows; the rest only has to be there.
    let long = "x".repeat(2_000);
    let findings = names.iter().enumerate().flat_map(|(number, name)| {
        let text = if number < 3_000 { long.as_str() } else { "short" };
        let one = |rule| found(rule, service(name), text, text, text, Some(text.to_owned()));
        [one(3), one(5)]
    });
    let findings = findings.collect();
    let not_checked = names.iter().map(|name| NotChecked {
        rule: "*".to_owned(),
        why: format!("{name} was refused"),
        resources: vec![service(name)],
    });
    let part =
        Part { findings, not_checked: not_checked.collect(), services: lines.clone(), fleet: true, ..Part::default() };
    Report::assemble(run("large", 29, &lines), [part], None)
}

/// A fleet of so many services in which every rule about services finds something at each third of them, in texts of the
/// length that real ones have: what a page of a large fleet is like.
pub fn fleet(services: usize) -> Report {
    let names: Vec<String> = (0..services).map(|number| format!("shop-team{}-service{number}", number % 12)).collect();
    let days = |number: usize| i64::try_from(number * 7 % 190).unwrap_or_default();
    let lines = names
        .iter()
        .enumerate()
        .map(|(number, name)| line(name, "RUNNING", &[(format!("{name}.shops.example.com").as_str(), days(number))]));
    let lines: Vec<ServiceLine> = lines.collect();
    let rules = || pitcrew_core::audit::all().filter(|rule| matches!(rule.check, Check::Service(_)));
    let findings = names.iter().enumerate().flat_map(|(number, name)| {
        rules().enumerate().filter(move |(at, _)| (at + number).is_multiple_of(3)).map(move |(_, rule)| {
            let command = format!(
                "aws apprunner update-service --service-arn {} --health-check-configuration Protocol=HTTP,Path=/ready",
                arn(name)
            );
            Finding {
                id: format!("{:012x}", fingerprint(&format!("{}/{name}", rule.id))),
                rule: rule.id.to_owned(),
                group: rule.group,
                grade: rule.grade,
                title: rule.title.to_owned(),
                chapter: source(rule.chapter.heading),
                ..found(3, service(name), "", rule.why, rule.why, Some(command))
            }
        })
    });
    let part = Part { findings: findings.collect(), services: lines.clone(), fleet: true, ..Part::default() };
    Report::assemble(run("2026-11-21T06-00-00Z", 29, &lines), [part], None)
}
