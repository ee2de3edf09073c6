//! How the commands of fixes are written, for a POSIX shell. Whatever comes from outside is quoted.

use serde_json::{Value, json};

use super::super::facts::{HealthCheck, Protocol, Scaling, ServiceFacts};
use crate::dns::command::quote;
use crate::id::Digest;
use crate::service::ServiceStatus;

/// Whether it serves, or did until an operation began: rules about use look at no other.
pub(super) fn serves(service: &ServiceFacts) -> bool {
    matches!(service.status, ServiceStatus::Running | ServiceStatus::OperationInProgress)
}

/// A number of things: `1 image`, `2 images`.
pub(super) fn count(number: usize, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {thing}s") }
}

/// `aws apprunner update-service` with these further arguments, which are safe as they stand.
pub(super) fn update(service: &ServiceFacts, arguments: &str) -> String {
    format!("aws apprunner update-service --service-arn {} {arguments}", service.arn)
}

/// An update that changes one thing of the source. The source must be sent whole, so it is read and changed by `jq`.
pub(super) fn update_source(service: &ServiceFacts, filter: &str) -> String {
    let read = format!(
        "aws apprunner describe-service --service-arn {} --query Service.SourceConfiguration --output json",
        service.arn
    );
    update(service, &format!("--source-configuration \"$({read} | jq {})\"", quote(filter)))
}

/// An update that changes one thing of the network and keeps the rest: what App Runner makes of members that are left
/// out is not documented.
pub(super) fn update_network(service: &ServiceFacts, filter: &str) -> String {
    let read = format!(
        "aws apprunner describe-service --service-arn {} --query Service.NetworkConfiguration --output json",
        service.arn
    );
    update(service, &format!("--network-configuration \"$({read} | jq {})\"", quote(filter)))
}

/// Switches automatic deployment off.
pub(super) fn stop_automatic_deployment(service: &ServiceFacts) -> String {
    update_source(service, ".AutoDeploymentsEnabled = false")
}

/// Pins the service's image to a digest: one that App Runner takes whatever becomes of tags.
pub(super) fn pin(service: &ServiceFacts, digest: &Digest) -> Option<String> {
    let image = service.source.image()?.pinned_to(digest);
    let filter = format!(
        ".ImageRepository.ImageIdentifier = {} | .AutoDeploymentsEnabled = false",
        Value::String(image.as_str().to_owned())
    );
    Some(update_source(service, &filter))
}

/// An update of the health check: it is sent whole, for App Runner replaces it whole.
pub(super) fn update_health(service: &ServiceFacts, health: &HealthCheck) -> String {
    let protocol = match health.protocol {
        Protocol::Tcp => "TCP",
        Protocol::Http => "HTTP",
    };
    let configuration = json!({
        "Protocol": protocol, "Path": health.path, "Interval": health.interval, "Timeout": health.timeout,
        "HealthyThreshold": health.healthy, "UnhealthyThreshold": health.unhealthy,
    });
    update(service, &format!("--health-check-configuration {}", quote(&configuration.to_string())))
}

/// The name that belongs to App Runner's own configuration: nobody can give it revisions.
pub(super) const DEFAULT_CONFIGURATION: &str = "DefaultConfiguration";
/// Characters of the name of a configuration at the most (the API's model: 4 to 32).
const CONFIGURATION_NAME_MAX: usize = 32;

/// A new revision of the service's automatic scaling configuration, and the service set to it. Services that share the
/// configuration stay with their revision.
pub(super) fn update_scaling(service: &ServiceFacts, scaling: &Scaling) -> String {
    let name = match scaling.name.as_str() {
        DEFAULT_CONFIGURATION | "" => service.arn.name().chars().take(CONFIGURATION_NAME_MAX).collect(),
        name => name.to_owned(),
    };
    let create = format!(
        "aws apprunner create-auto-scaling-configuration --auto-scaling-configuration-name {} --min-size {} \
         --max-size {} --max-concurrency {} --query AutoScalingConfiguration.AutoScalingConfigurationArn --output text",
        quote(&name),
        scaling.min,
        scaling.max,
        scaling.concurrency
    );
    update(service, &format!("--auto-scaling-configuration-arn \"$({create})\""))
}

/// Another size of the instances. The role is sent along: whether App Runner keeps one that is left out is not
/// documented.
pub(super) fn update_size(service: &ServiceFacts, cpu: u32, memory_mb: u32) -> String {
    let mut configuration = json!({ "Cpu": cpu.to_string(), "Memory": memory_mb.to_string() });
    if let Some(role) = &service.instance_role {
        configuration["InstanceRoleArn"] = Value::String(role.clone());
    }
    update(service, &format!("--instance-configuration {}", quote(&configuration.to_string())))
}

/// Reads the log of one operation.
pub(super) fn read_log(service: &ServiceFacts, stream: &str) -> String {
    format!(
        "aws logs get-log-events --log-group-name {} --log-stream-name {} --start-from-head",
        service.arn.log_group("service"),
        quote(stream)
    )
}

#[cfg(test)]
mod tests {
    use super::super::super::samples;
    use super::*;

    #[test]
    fn what_comes_from_outside_cannot_leave_its_word() {
        let service = samples::service("shop-api");
        let health = HealthCheck { path: "/it's $(rm -rf)".to_owned(), ..HealthCheck::default() };
        let command = update_health(&service, &health);
        assert!(command.contains(r#""Path":"/it'\''s $(rm -rf)""#), "{command}");
        let word = command.split_once("--health-check-configuration ").unwrap().1;
        assert!(word.starts_with('\'') && word.ends_with('\''), "{command}");
    }

    #[test]
    fn the_default_configuration_gets_no_revision_but_a_configuration_of_the_services_name() {
        let service = samples::service("a-service-with-a-name-of-exactly-40-char");
        let scaling = Scaling { name: DEFAULT_CONFIGURATION.to_owned(), ..samples::scaling() };
        let command = update_scaling(&service, &scaling);
        assert!(
            command.contains("--auto-scaling-configuration-name a-service-with-a-name-of-exactly --min"),
            "{command}"
        );
        assert!(update_scaling(&service, &samples::scaling()).contains("--auto-scaling-configuration-name shop --min"));
    }

    #[test]
    fn a_pin_names_the_repository_by_digest_and_switches_automatic_deployment_off() {
        let command = pin(&samples::service("shop-api"), &samples::digest(2)).unwrap();
        let image = format!("123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/api@{}", samples::digest(2));
        assert!(
            command.contains(&format!("ImageIdentifier = \"{image}\" | .AutoDeploymentsEnabled = false'")),
            "{command}"
        );
    }
}
