//! `DescribeService` as facts. The values of environment variables stop here: what looks like a secret is said, and nothing of
//! a value goes on.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_apprunner::types as sdk;
use pitcrew_core::audit::facts::{CodeFacts, Egress, HealthCheck, Listed, Protocol, ServiceFacts, Tracing, Variable};
use pitcrew_core::audit::secrets::suspect;
use pitcrew_core::fact::Fact;
use pitcrew_core::id::ServiceArn;

use crate::apprunner::{source, status, time};

/// What App Runner gives a service that names no size ("App Runner service configuration").
const CPU: u32 = 1024;
const MEMORY_MB: u32 = 2048;

type Values = HashMap<String, String>;

/// A service with everything that `DescribeService` says, and nothing else read.
pub fn service(arn: &ServiceArn, seen: &sdk::Service) -> ServiceFacts {
    let configuration = seen.source_configuration.as_ref();
    let authentication = configuration.and_then(|source| source.authentication_configuration.as_ref());
    let run = Run::of(configuration);
    let instance = seen.instance_configuration.as_ref();
    let size =
        |text: Option<&String>, unit: u32, default: u32| text.and_then(|text| units(text, unit)).unwrap_or(default);
    let network = seen.network_configuration.as_ref();
    let ingress = network.and_then(|network| network.ingress_configuration.as_ref());
    ServiceFacts {
        arn: arn.clone(),
        status: status(&seen.status),
        created_at: time(&seen.created_at),
        updated_at: time(&seen.updated_at),
        source: source(configuration),
        code: configuration.and_then(|source| source.code_repository.as_ref()).map(code),
        host: host(seen.service_url.as_deref()),
        access_role: authentication.and_then(|authentication| authentication.access_role_arn.clone()),
        connection: authentication.and_then(|authentication| authentication.connection_arn.clone()),
        port: run.port.cloned(),
        start_command: run.command.cloned(),
        environment: run.variables.map(environment).unwrap_or_default(),
        secrets: run.secrets.into_iter().flatten().map(|(name, from)| (name.clone(), from.clone())).collect(),
        cpu: size(instance.and_then(|instance| instance.cpu.as_ref()), 1024, CPU),
        memory_mb: size(instance.and_then(|instance| instance.memory.as_ref()), 1024, MEMORY_MB),
        instance_role: instance.and_then(|instance| instance.instance_role_arn.clone()),
        key: seen.encryption_configuration.as_ref().map(|encryption| encryption.kms_key.clone()),
        health: seen.health_check_configuration.as_ref().map(health).unwrap_or_default(),
        scaling: Fact::Unread,
        egress: egress(network),
        // Services are public unless they say otherwise.
        public: ingress.is_none_or(|ingress| ingress.is_publicly_accessible),
        tracing: tracing(seen.observability_configuration.as_ref()),
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

/// What rules about shared things need of it.
pub fn listed(facts: &ServiceFacts, scaling: Option<String>) -> Listed {
    Listed {
        arn: facts.arn.clone(),
        status: facts.status.clone(),
        host: facts.host.clone(),
        public: facts.public,
        connector: match &facts.egress {
            Egress::Vpc { connector } => Some(connector.clone()),
            Egress::Default => None,
        },
        scaling,
        tracing: match &facts.tracing {
            Tracing::On { configuration } => Some(configuration.clone()),
            Tracing::Off => None,
        },
        connection: facts.connection.clone(),
    }
}

/// The values of the environment, by name. They go into the request of an exit's plan, and nowhere else.
pub fn values(seen: &sdk::Service) -> BTreeMap<String, String> {
    let run = Run::of(seen.source_configuration.as_ref());
    run.variables.into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// How the application is started, wherever it is written: with the image, or with the code.
#[derive(Default)]
struct Run<'a> {
    port: Option<&'a String>,
    command: Option<&'a String>,
    variables: Option<&'a Values>,
    secrets: Option<&'a Values>,
}

impl<'a> Run<'a> {
    fn of(configuration: Option<&'a sdk::SourceConfiguration>) -> Self {
        let Some(configuration) = configuration else { return Self::default() };
        let image = configuration.image_repository.as_ref().and_then(|image| image.image_configuration.as_ref());
        if let Some(image) = image {
            return Self {
                port: image.port.as_ref(),
                command: image.start_command.as_ref(),
                variables: image.runtime_environment_variables.as_ref(),
                secrets: image.runtime_environment_secrets.as_ref(),
            };
        }
        let code = configuration.code_repository.as_ref().and_then(|code| code.code_configuration.as_ref());
        let Some(code) = code.and_then(|code| code.code_configuration_values.as_ref()) else { return Self::default() };
        Self {
            port: code.port.as_ref(),
            command: code.start_command.as_ref(),
            variables: code.runtime_environment_variables.as_ref(),
            secrets: code.runtime_environment_secrets.as_ref(),
        }
    }
}

fn environment(variables: &Values) -> Vec<Variable> {
    let sorted: BTreeMap<&String, &String> = variables.iter().collect();
    let one = |(name, value): (&String, &String)| Variable { name: name.clone(), suspicion: suspect(name, value) };
    sorted.into_iter().map(one).collect()
}

fn code(repository: &sdk::CodeRepository) -> CodeFacts {
    let configuration = repository.code_configuration.as_ref();
    let from_repository =
        configuration.is_none_or(|code| code.configuration_source == sdk::ConfigurationSource::Repository);
    let values = configuration.and_then(|code| code.code_configuration_values.as_ref());
    let runtime = values.filter(|_| !from_repository).map(|values| values.runtime.as_str().to_owned());
    CodeFacts { runtime, from_repository }
}

/// `1024`, or as it may be written in a request: `1 vCPU`, `2 GB`, `0.25 vCPU`.
fn units(text: &str, unit: u32) -> Option<u32> {
    match text.split_once(' ') {
        None => text.parse().ok(),
        Some((number, _)) => {
            let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
            let scale = 10_u32.checked_pow(u32::try_from(part.len()).ok()?)?;
            let part = part.parse::<u32>().ok()?.checked_mul(unit)?.checked_div(scale)?;
            whole.parse::<u32>().ok()?.checked_mul(unit)?.checked_add(part)
        }
    }
}

/// App Runner gives the host alone; a scheme that would stand before it is taken off.
fn host(url: Option<&str>) -> Option<String> {
    let host = url?.trim_start_matches("https://").trim_end_matches('/');
    (!host.is_empty()).then(|| host.to_owned())
}

fn health(seen: &sdk::HealthCheckConfiguration) -> HealthCheck {
    let default = HealthCheck::default();
    let number = |value: Option<i32>, default: u32| value.and_then(|value| value.try_into().ok()).unwrap_or(default);
    HealthCheck {
        protocol: match &seen.protocol {
            Some(sdk::HealthCheckProtocol::Http) => Protocol::Http,
            _ => default.protocol,
        },
        path: seen.path.clone().unwrap_or(default.path),
        interval: number(seen.interval, default.interval),
        timeout: number(seen.timeout, default.timeout),
        healthy: number(seen.healthy_threshold, default.healthy),
        unhealthy: number(seen.unhealthy_threshold, default.unhealthy),
    }
}

fn egress(network: Option<&sdk::NetworkConfiguration>) -> Egress {
    let egress = network.and_then(|network| network.egress_configuration.as_ref());
    match egress.filter(|egress| egress.egress_type == Some(sdk::EgressType::Vpc)) {
        Some(egress) => Egress::Vpc { connector: egress.vpc_connector_arn.clone().unwrap_or_default() },
        None => Egress::Default,
    }
}

fn tracing(seen: Option<&sdk::ServiceObservabilityConfiguration>) -> Tracing {
    match seen.filter(|seen| seen.observability_enabled) {
        Some(seen) => Tracing::On { configuration: seen.observability_configuration_arn.clone().unwrap_or_default() },
        None => Tracing::Off,
    }
}

#[cfg(test)]
#[path = "describe_tests.rs"]
mod tests;
