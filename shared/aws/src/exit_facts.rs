//! What the plan of an exit needs of one service. It only reads. The values of the environment go on from here into the request
//! of the plan, and into nothing else.

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use aws_sdk_apprunner::Client;
use aws_sdk_apprunner::types as sdk;
use pitcrew_core::audit::Outside;
use pitcrew_core::audit::facts::{
    CodeFacts, Connector, ConnectorStatus, DomainFacts, Egress, HealthCheck, Protocol, Scaling, ServiceFacts, Tracing,
    Variable,
};
use pitcrew_core::dns::facts::{DnsFacts, ZoneRef, Zones};
use pitcrew_core::dns::name::Name;
use pitcrew_core::domain::Association;
use pitcrew_core::fact::Fact;
use pitcrew_core::id::ServiceArn;

use crate::apprunner::{observe_tags, source, status, time};
use crate::date::ServerDate;
use crate::domains::observe_domains;
use crate::engine::fact;
use crate::error::{AwsError, Kind};
use crate::route53::{Pages, Route53, ZoneSettings};

/// Units of CPU and megabytes that `CreateService` takes where nothing is said: 1 vCPU, 2 GB.
const CPU: u32 = 1024;
const MEMORY_MB: u32 = 2048;

/// A service as the plan of an exit sees it. Facts that the plan does not use are not read.
pub struct Leaving {
    pub facts: ServiceFacts,
    pub outside: Outside,
}

/// Reads everything; `None` where App Runner does not know the service. What may not be read is a fact too, and the plan says so.
///
/// # Errors
/// The service cannot be read, or something failed that may pass by itself.
pub async fn observe_leaving(
    config: &SdkConfig,
    client: &Client,
    arn: &ServiceArn,
    date: &ServerDate,
) -> Result<Option<Leaving>, AwsError> {
    const OPERATION: &str = "apprunner:DescribeService";
    let answer = client.describe_service().service_arn(arn.to_string()).send().await;
    let answer = match answer.map_err(|error| AwsError::sort(OPERATION, error)) {
        Ok(answer) => answer,
        Err(error) if error.kind == Kind::Missing => return Ok(None),
        Err(error) => return Err(error),
    };
    let service = answer.service.ok_or_else(|| AwsError::broken(OPERATION, "the answer holds no service"))?;
    let mut facts = described(arn, &service);
    let mut outside = Outside { environment: environment(&service), ..Outside::default() };
    if let Some(summary) = &service.auto_scaling_configuration_summary
        && let Some(scaling) = summary.auto_scaling_configuration_arn.as_deref()
    {
        facts.scaling = fact(observe_scaling(client, scaling).await)?;
    }
    if let Egress::Vpc { connector } = &facts.egress {
        outside.connector = fact(observe_connector(client, connector).await)?;
    }
    if let Tracing::On { configuration } = &facts.tracing {
        outside.tracing_vendor = fact(observe_vendor(client, configuration).await)?;
    }
    facts.tags = fact(observe_tags(client, arn).await)?;
    facts.domains = match fact(observe_domains(client, arn).await)? {
        Fact::Known(domains) => {
            Fact::Known(observe_records(config, date, domains.unwrap_or_default().into_iter().collect()).await?)
        }
        Fact::Unavailable(why) => Fact::Unavailable(why),
        Fact::Unread => Fact::Unread,
    };
    Ok(Some(Leaving { facts, outside }))
}

/// What `DescribeService` alone says.
fn described(arn: &ServiceArn, service: &sdk::Service) -> ServiceFacts {
    let configuration = service.source_configuration.as_ref();
    let authentication = configuration.and_then(|source| source.authentication_configuration.as_ref());
    let instance = service.instance_configuration.as_ref();
    let network = service.network_configuration.as_ref();
    let egress = network.and_then(|network| network.egress_configuration.as_ref());
    let ingress = network.and_then(|network| network.ingress_configuration.as_ref());
    let tracing = service.observability_configuration.as_ref().filter(|tracing| tracing.observability_enabled);
    let run = run(service);
    ServiceFacts {
        arn: arn.clone(),
        status: status(&service.status),
        created_at: time(&service.created_at),
        updated_at: time(&service.updated_at),
        source: source(configuration),
        code: code(service),
        host: service.service_url.clone(),
        access_role: authentication.and_then(|authentication| authentication.access_role_arn.clone()),
        connection: authentication.and_then(|authentication| authentication.connection_arn.clone()),
        port: run.port,
        start_command: run.start_command,
        environment: run.environment.into_keys().map(|name| Variable { name, suspicion: None }).collect(),
        secrets: run.secrets,
        cpu: instance.and_then(|instance| number(instance.cpu.as_deref(), 1024)).unwrap_or(CPU),
        memory_mb: instance.and_then(|instance| number(instance.memory.as_deref(), 1024)).unwrap_or(MEMORY_MB),
        instance_role: instance.and_then(|instance| instance.instance_role_arn.clone()),
        key: service.encryption_configuration.as_ref().map(|encryption| encryption.kms_key.clone()),
        health: health(service.health_check_configuration.as_ref()),
        scaling: Fact::Unread,
        egress: match egress.and_then(|egress| egress.vpc_connector_arn.clone()) {
            Some(connector) => Egress::Vpc { connector },
            None => Egress::Default,
        },
        // Services are public unless they say otherwise.
        public: ingress.is_none_or(|ingress| ingress.is_publicly_accessible),
        tracing: match tracing {
            Some(tracing) => {
                Tracing::On { configuration: tracing.observability_configuration_arn.clone().unwrap_or_default() }
            }
            None => Tracing::Off,
        },
        tags: Fact::Unread,
        operations: Fact::Unread,
        domains: Fact::Unread,
        memory: Fact::Unread,
        image: Fact::Unread,
        firewall: Fact::Unread,
        log_groups: Fact::Unread,
        usage: Fact::Unread,
    }
}

/// How the application is run, of an image or of code that App Runner's API configures.
#[derive(Default)]
struct Run {
    port: Option<String>,
    start_command: Option<String>,
    environment: BTreeMap<String, String>,
    secrets: BTreeMap<String, String>,
}

fn run(service: &sdk::Service) -> Run {
    let sorted = |map: Option<&std::collections::HashMap<String, String>>| -> BTreeMap<String, String> {
        map.into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())).collect()
    };
    let Some(source) = service.source_configuration.as_ref() else { return Run::default() };
    if let Some(image) = source.image_repository.as_ref().and_then(|image| image.image_configuration.as_ref()) {
        return Run {
            port: image.port.clone(),
            start_command: image.start_command.clone(),
            environment: sorted(image.runtime_environment_variables.as_ref()),
            secrets: sorted(image.runtime_environment_secrets.as_ref()),
        };
    }
    let code = source.code_repository.as_ref().and_then(|code| code.code_configuration.as_ref());
    match code.and_then(|code| code.code_configuration_values.as_ref()) {
        Some(code) => Run {
            port: code.port.clone(),
            start_command: code.start_command.clone(),
            environment: sorted(code.runtime_environment_variables.as_ref()),
            secrets: sorted(code.runtime_environment_secrets.as_ref()),
        },
        None => Run::default(),
    }
}

fn environment(service: &sdk::Service) -> BTreeMap<String, String> {
    run(service).environment
}

fn code(service: &sdk::Service) -> Option<CodeFacts> {
    let code = service.source_configuration.as_ref()?.code_repository.as_ref()?.code_configuration.as_ref()?;
    Some(CodeFacts {
        runtime: code.code_configuration_values.as_ref().map(|values| values.runtime.as_str().to_owned()),
        from_repository: code.configuration_source == sdk::ConfigurationSource::Repository,
    })
}

/// `1024` is returned; `1 vCPU` and `2 GB` are accepted, and a local cloud may return them.
fn number(text: Option<&str>, unit: u32) -> Option<u32> {
    let text = text?.trim();
    if let Ok(units) = text.parse() {
        return Some(units);
    }
    let number: f64 = text.strip_suffix("vCPU").or_else(|| text.strip_suffix("GB"))?.trim().parse().ok()?;
    // Fractions are quarters and halves: exact in both.
    (0.0..=64.0).contains(&number).then(|| (number * f64::from(unit)) as u32)
}

fn health(check: Option<&sdk::HealthCheckConfiguration>) -> HealthCheck {
    let default = HealthCheck::default();
    let Some(check) = check else { return default };
    let count = |seen: Option<i32>, default: u32| seen.and_then(|seen| u32::try_from(seen).ok()).unwrap_or(default);
    HealthCheck {
        protocol: match check.protocol {
            Some(sdk::HealthCheckProtocol::Http) => Protocol::Http,
            _ => Protocol::Tcp,
        },
        path: check.path.clone().unwrap_or(default.path),
        interval: count(check.interval, default.interval),
        timeout: count(check.timeout, default.timeout),
        healthy: count(check.healthy_threshold, default.healthy),
        unhealthy: count(check.unhealthy_threshold, default.unhealthy),
    }
}

async fn observe_scaling(client: &Client, arn: &str) -> Result<Scaling, AwsError> {
    const OPERATION: &str = "apprunner:DescribeAutoScalingConfiguration";
    let answer = client.describe_auto_scaling_configuration().auto_scaling_configuration_arn(arn).send().await;
    let answer = answer.map_err(|error| AwsError::sort(OPERATION, error))?;
    let seen = answer.auto_scaling_configuration;
    let seen = seen.ok_or_else(|| AwsError::broken(OPERATION, "the answer holds no configuration"))?;
    let count = |seen: Option<i32>, name: &str| {
        let count = seen.and_then(|seen| u32::try_from(seen).ok());
        count.ok_or_else(|| AwsError::broken(OPERATION, format!("the configuration has no {name}")))
    };
    Ok(Scaling {
        arn: arn.to_owned(),
        name: seen.auto_scaling_configuration_name.unwrap_or_default(),
        revision: count(seen.auto_scaling_configuration_revision, "revision")?,
        min: count(seen.min_size, "MinSize")?,
        max: count(seen.max_size, "MaxSize")?,
        concurrency: count(seen.max_concurrency, "MaxConcurrency")?,
    })
}

async fn observe_connector(client: &Client, arn: &str) -> Result<Connector, AwsError> {
    const OPERATION: &str = "apprunner:DescribeVpcConnector";
    let answer = client.describe_vpc_connector().vpc_connector_arn(arn).send().await;
    let answer = answer.map_err(|error| AwsError::sort(OPERATION, error))?;
    let seen = answer.vpc_connector.ok_or_else(|| AwsError::broken(OPERATION, "the answer holds no connector"))?;
    let active = matches!(seen.status, Some(sdk::VpcConnectorStatus::Active));
    Ok(Connector {
        arn: arn.to_owned(),
        name: seen.vpc_connector_name.unwrap_or_default(),
        revision: u32::try_from(seen.vpc_connector_revision).unwrap_or_default(),
        status: if active { ConnectorStatus::Active } else { ConnectorStatus::Inactive },
        subnets: seen.subnets.unwrap_or_default(),
        groups: seen.security_groups.unwrap_or_default(),
    })
}

/// Where traces go; `None` where the configuration names no vendor.
async fn observe_vendor(client: &Client, arn: &str) -> Result<Option<String>, AwsError> {
    let answer = client.describe_observability_configuration().observability_configuration_arn(arn).send().await;
    let answer = answer.map_err(|error| AwsError::sort("apprunner:DescribeObservabilityConfiguration", error))?;
    let trace = answer.observability_configuration.and_then(|seen| seen.trace_configuration);
    Ok(trace.map(|trace| trace.vendor.as_str().to_owned()))
}

/// The hosted zones of this account and what stands in them at the names of the domains.
async fn observe_records(
    config: &SdkConfig,
    date: &ServerDate,
    domains: Vec<(Name, Association)>,
) -> Result<Vec<DomainFacts>, AwsError> {
    if domains.is_empty() {
        return Ok(Vec::new());
    }
    let route53 = Route53::new(config, date, ZoneSettings::default());
    let zones = fact(route53.observe_zones().await)?;
    let mut pages: BTreeMap<String, Pages> = BTreeMap::new();
    let mut read = Vec::new();
    for (name, association) in domains {
        let mut dns = DnsFacts { zones: zones.clone(), ..DnsFacts::default() };
        let mut names = vec![name.clone()];
        names.extend(association.www.then(|| name.below("www").ok()).flatten());
        for zone in above(&zones, &name) {
            let pages = pages.entry(zone.id.clone()).or_default();
            let answer = fact(route53.observe_records(&zone, &names, pages).await)?;
            for at in &names {
                let unread = || Fact::Unavailable("the record sets were not read".to_owned());
                let sets = match &answer {
                    Fact::Unavailable(why) => Fact::Unavailable(why.clone()),
                    _ => pages.at(at).map_or_else(unread, Fact::Known),
                };
                dns.standing.push((zone.id.clone(), at.clone(), sets));
            }
        }
        read.push(DomainFacts { name, association, memory: Fact::Unread, preview: Fact::Unread, dns });
    }
    Ok(read)
}

/// The public zones that can hold the records of a name or of its `www`.
fn above(zones: &Fact<Zones>, name: &Name) -> Vec<ZoneRef> {
    let Fact::Known(zones) = zones else { return Vec::new() };
    let www = name.below("www").ok();
    let holds = |zone: &Name| name.is_at_or_below(zone) || www.as_ref().is_some_and(|www| www.is_at_or_below(zone));
    zones.all.iter().filter(|zone| !zone.private && holds(&zone.at.name)).map(|zone| zone.at.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_both_spellings() {
        let read = |text| number(Some(text), 1024);
        assert_eq!(
            [read("1024"), read("0.25 vCPU"), read("1 vCPU"), read("2 GB"), read("0.5 GB"), read("much")],
            [Some(1024), Some(256), Some(1024), Some(2048), Some(512), None]
        );
    }

    #[test]
    fn a_health_check_that_says_nothing_is_the_default_of_the_guide() {
        assert_eq!(health(None), HealthCheck::default());
        let http =
            sdk::HealthCheckConfiguration::builder().protocol(sdk::HealthCheckProtocol::Http).path("/up").build();
        let seen = health(Some(&http));
        assert_eq!((seen.protocol, seen.path.as_str(), seen.interval), (Protocol::Http, "/up", 5));
    }
}
