//! A service's configuration as `DescribeService` shows it: defaults filled in, units normalised, updates merged.
//!
//! Nothing here looks at other resources; [`super::services`] checks that what a configuration names exists.

use serde_json::{Map, Value, json};

use crate::call::{ApiError, Place};
use crate::switches::NestedUpdate;

use super::errors::invalid_request;
use super::image::{ImageName, Registry};

/// Maps inside a group: an update replaces them as a whole (facts, section 2).
const REPLACED_MAPS: [&str; 2] = ["RuntimeEnvironmentVariables", "RuntimeEnvironmentSecrets"];

/// The configuration of a service. Members are shapes of the model, complete with their defaults.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Config {
    pub(super) source: Value,
    pub(super) instance: Value,
    pub(super) health: Value,
    pub(super) network: Value,
    pub(super) observability: Value,
    /// The full ARN of an auto scaling configuration's revision.
    pub(super) scaling_arn: String,
}

impl Config {
    /// What `CreateService` asks for.
    pub(super) fn requested(input: &Value, place: &Place, scaling_arn: String) -> Result<Self, ApiError> {
        let group = |name: &str| input.get(name).cloned().unwrap_or_else(|| json!({}));
        let source = group("SourceConfiguration");
        if text(&source, "/CodeRepository/RepositoryUrl").is_some()
            && source.pointer("/CodeRepository/CodeConfiguration").is_none()
        {
            return Err(invalid_request("CodeConfiguration is required to create a service from a code repository."));
        }
        Ok(Self {
            source: complete_source(source, place)?,
            instance: complete_instance(group("InstanceConfiguration")),
            health: complete_health(group("HealthCheckConfiguration")),
            network: complete_network(group("NetworkConfiguration"))?,
            observability: complete_observability(group("ObservabilityConfiguration")),
            scaling_arn,
        })
    }

    /// What the configuration becomes when `UpdateService` sends `input`: groups left out stay as they are; what a group
    /// leaves out follows the switch. A health check is always replaced as a whole (facts, section 2).
    pub(super) fn updated(
        &self,
        input: &Value,
        place: &Place,
        nested: NestedUpdate,
        scaling_arn: String,
    ) -> Result<Self, ApiError> {
        let mut next = Self { scaling_arn, ..self.clone() };
        let combine = |old: &Value, sent: &Value| match nested {
            NestedUpdate::Merge => merged(old, sent),
            NestedUpdate::Replace => sent.clone(),
        };
        if let Some(sent) = input.get("SourceConfiguration") {
            next.source = complete_source(self.combined_source(sent, nested)?, place)?;
        }
        if let Some(sent) = input.get("InstanceConfiguration") {
            next.instance = complete_instance(combine(&self.instance, sent));
        }
        if let Some(sent) = input.get("HealthCheckConfiguration") {
            next.health = complete_health(sent.clone());
        }
        if let Some(sent) = input.get("NetworkConfiguration") {
            let mut network = combine(&self.network, sent);
            if text(sent, "/EgressConfiguration/EgressType") == Some("DEFAULT")
                && text(sent, "/EgressConfiguration/VpcConnectorArn").is_none()
            {
                remove(&mut network, "/EgressConfiguration", "VpcConnectorArn");
            }
            next.network = complete_network(network)?;
        }
        if let Some(sent) = input.get("ObservabilityConfiguration") {
            next.observability = complete_observability(combine(&self.observability, sent));
        }
        Ok(next)
    }

    fn combined_source(&self, sent: &Value, nested: NestedUpdate) -> Result<Value, ApiError> {
        let kind = if self.is_code() { "CodeRepository" } else { "ImageRepository" };
        let other = if self.is_code() { "ImageRepository" } else { "CodeRepository" };
        if sent.get(other).is_some() {
            return Err(invalid_request(format!(
                "The source of a service can't change its kind: this service was created with {kind}, and the request has {other}."
            )));
        }
        let mut source = match nested {
            NestedUpdate::Merge => merged(&self.source, sent),
            NestedUpdate::Replace => sent.clone(),
        };
        if self.is_code() && source.pointer("/CodeRepository/CodeConfiguration").is_none() {
            // The model requires it for CreateService only, so an update may leave it out.
            if let (Some(repository), Some(old)) = (
                source.get_mut("CodeRepository").and_then(Value::as_object_mut),
                self.source.pointer("/CodeRepository/CodeConfiguration"),
            ) {
                repository.insert("CodeConfiguration".to_owned(), old.clone());
            }
        }
        if text(sent, "/ImageRepository/ImageRepositoryType") == Some("ECR_PUBLIC")
            && let Some(members) = source.as_object_mut()
        {
            // What a private image needed means nothing to a public one; only what was sent counts.
            for member in ["AuthenticationConfiguration", "AutoDeploymentsEnabled"] {
                match sent.get(member) {
                    Some(value) => members.insert(member.to_owned(), value.clone()),
                    None => members.remove(member),
                };
            }
        }
        Ok(source)
    }

    pub(super) fn is_code(&self) -> bool {
        self.source.get("CodeRepository").is_some()
    }

    pub(super) fn image_identifier(&self) -> Option<&str> {
        text(&self.source, "/ImageRepository/ImageIdentifier")
    }

    pub(super) fn branch(&self) -> Option<&str> {
        text(&self.source, "/CodeRepository/SourceCodeVersion/Value")
    }

    pub(super) fn auto_deploys(&self) -> bool {
        self.source.get("AutoDeploymentsEnabled").and_then(Value::as_bool).unwrap_or_default()
    }

    pub(super) fn access_role(&self) -> Option<&str> {
        text(&self.source, "/AuthenticationConfiguration/AccessRoleArn")
    }

    pub(super) fn connection_arn(&self) -> Option<&str> {
        text(&self.source, "/AuthenticationConfiguration/ConnectionArn")
    }

    pub(super) fn instance_role(&self) -> Option<&str> {
        text(&self.instance, "/InstanceRoleArn")
    }

    pub(super) fn vpc_connector_arn(&self) -> Option<&str> {
        text(&self.network, "/EgressConfiguration/VpcConnectorArn")
    }

    pub(super) fn observability_arn(&self) -> Option<&str> {
        text(&self.observability, "/ObservabilityConfigurationArn")
    }

    pub(super) fn is_public(&self) -> bool {
        self.network.pointer("/IngressConfiguration/IsPubliclyAccessible").and_then(Value::as_bool).unwrap_or(true)
    }

    /// The port that the application listens on, as the health check names it.
    pub(super) fn port(&self) -> &str {
        text(&self.source, "/ImageRepository/ImageConfiguration/Port")
            .or_else(|| text(&self.source, "/CodeRepository/CodeConfiguration/CodeConfigurationValues/Port"))
            .unwrap_or("8080")
    }

    /// The path of an HTTP health check; `None` for TCP.
    pub(super) fn health_path(&self) -> Option<&str> {
        (text(&self.health, "/Protocol") == Some("HTTP")).then(|| text(&self.health, "/Path").unwrap_or("/"))
    }

    /// Whether a deployment of `self` after `before` has to fetch the application anew: the guide tells "New application
    /// and configuration" from "New configuration".
    pub(super) fn needs_fetch_after(&self, before: &Self) -> bool {
        match self.is_code() {
            true => self.source.get("CodeRepository") != before.source.get("CodeRepository"),
            false => self.image_identifier() != before.image_identifier(),
        }
    }
}

pub(super) fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer).and_then(Value::as_str)
}

/// `sent` over `old`: objects merge, everything else and the maps of environment values are replaced.
fn merged(old: &Value, sent: &Value) -> Value {
    let (Value::Object(old), Value::Object(sent)) = (old, sent) else {
        return sent.clone();
    };
    let mut result = old.clone();
    for (name, value) in sent {
        let next = match old.get(name) {
            Some(before) if !REPLACED_MAPS.contains(&name.as_str()) => merged(before, value),
            _ => value.clone(),
        };
        result.insert(name.clone(), next);
    }
    Value::Object(result)
}

fn remove(value: &mut Value, pointer: &str, member: &str) {
    if let Some(members) = value.pointer_mut(pointer).and_then(Value::as_object_mut) {
        members.remove(member);
    }
}

/// `defaults`, overridden member by member by what was given.
fn with_defaults(given: Value, defaults: Value) -> Value {
    merged(&defaults, &given)
}

fn complete_source(source: Value, place: &Place) -> Result<Value, ApiError> {
    let code = source.get("CodeRepository").is_some();
    let image = source.get("ImageRepository").is_some();
    if code == image {
        return Err(invalid_request(
            "SourceConfiguration must have either CodeRepository or ImageRepository, and not both.",
        ));
    }
    let auto_possible = if code {
        check_code(&source)?;
        true
    } else {
        check_image(&source, place)?
    };
    let auto_sent = source.get("AutoDeploymentsEnabled").and_then(Value::as_bool);
    if auto_sent == Some(true) && !auto_possible {
        return Err(invalid_request(
            "Automatic deployments are supported only for images of Amazon ECR in the account of the service.",
        ));
    }
    let mut defaults = json!({ "AutoDeploymentsEnabled": auto_possible });
    if image {
        defaults["ImageRepository"] = json!({ "ImageConfiguration": { "Port": "8080" } });
    }
    Ok(with_defaults(source, defaults))
}

fn check_code(source: &Value) -> Result<(), ApiError> {
    if text(source, "/AuthenticationConfiguration/ConnectionArn").is_none() {
        return Err(invalid_request("A code repository needs AuthenticationConfiguration.ConnectionArn."));
    }
    let configuration = source.pointer("/CodeRepository/CodeConfiguration");
    let by_api = configuration.and_then(|c| text(c, "/ConfigurationSource")) == Some("API");
    if by_api && configuration.and_then(|c| c.get("CodeConfigurationValues")).is_none() {
        return Err(invalid_request("CodeConfigurationValues is required when ConfigurationSource is API."));
    }
    Ok(())
}

/// Checks the image and its authentication; says whether automatic deployments are possible for it.
fn check_image(source: &Value, place: &Place) -> Result<bool, ApiError> {
    let identifier = text(source, "/ImageRepository/ImageIdentifier").unwrap_or_default();
    let image = ImageName::parse(identifier).ok_or_else(|| {
        invalid_request(format!("ImageIdentifier {identifier} is not an image of ECR or ECR Public."))
    })?;
    let kind = text(source, "/ImageRepository/ImageRepositoryType").unwrap_or_default();
    let role = text(source, "/AuthenticationConfiguration/AccessRoleArn");
    match (&image.registry, kind) {
        (Registry::Public, "ECR_PUBLIC") if role.is_some() => Err(invalid_request(
            "AuthenticationConfiguration.AccessRoleArn must not be sent for an image of ECR Public.",
        )),
        (Registry::Public, "ECR_PUBLIC") => Ok(false),
        (Registry::Private { .. }, "ECR") if role.is_none() => {
            Err(invalid_request("An image of ECR needs AuthenticationConfiguration.AccessRoleArn."))
        }
        (Registry::Private { account, .. }, "ECR") => Ok(*account == place.account),
        _ => Err(invalid_request(format!("ImageIdentifier {identifier} does not fit ImageRepositoryType {kind}."))),
    }
}

fn complete_instance(instance: Value) -> Value {
    let mut instance = with_defaults(instance, json!({ "Cpu": "1024", "Memory": "2048" }));
    for member in ["Cpu", "Memory"] {
        if let Some(units) = text(&instance, &format!("/{member}")).and_then(in_units) {
            instance[member] = json!(units);
        }
    }
    instance
}

/// `1 vCPU` is 1024 CPU units and `2 GB` is 2048 MB; both forms are accepted, the number is what comes back (facts, section 0).
fn in_units(given: &str) -> Option<String> {
    let amount = given.strip_suffix(" vCPU").or_else(|| given.strip_suffix(" GB"))?;
    amount.parse::<f64>().ok().map(|amount| format!("{:.0}", amount * 1024.0))
}

fn complete_health(health: Value) -> Value {
    let defaults = json!({
        "Protocol": "TCP", "Path": "/", "Interval": 5, "Timeout": 2, "HealthyThreshold": 1, "UnhealthyThreshold": 5,
    });
    with_defaults(health, defaults)
}

fn complete_network(network: Value) -> Result<Value, ApiError> {
    let defaults = json!({
        "EgressConfiguration": { "EgressType": "DEFAULT" },
        "IngressConfiguration": { "IsPubliclyAccessible": true },
        "IpAddressType": "IPV4",
    });
    let network = with_defaults(network, defaults);
    let by_vpc = text(&network, "/EgressConfiguration/EgressType") == Some("VPC");
    let connector = text(&network, "/EgressConfiguration/VpcConnectorArn");
    match (by_vpc, connector) {
        (true, None) => Err(invalid_request("EgressType VPC needs EgressConfiguration.VpcConnectorArn.")),
        (false, Some(_)) => Err(invalid_request("VpcConnectorArn is only valid when EgressType is VPC.")),
        _ => Ok(network),
    }
}

fn complete_observability(observability: Value) -> Value {
    let mut observability = with_defaults(observability, json!({ "ObservabilityEnabled": false }));
    if observability.get("ObservabilityEnabled") == Some(&json!(false))
        && let Some(members) = observability.as_object_mut()
    {
        members.remove("ObservabilityConfigurationArn");
    }
    observability
}

/// An object of the given members, without those that are `None`.
pub(super) fn members<const N: usize>(members: [(&str, Option<Value>); N]) -> Map<String, Value> {
    members.into_iter().filter_map(|(name, value)| value.map(|value| (name.to_owned(), value))).collect()
}
