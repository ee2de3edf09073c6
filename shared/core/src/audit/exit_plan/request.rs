//! The request: what `CreateExpressGatewayService` is asked for, in the API's own spelling.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::argv::{self, Argv};
use super::roles;
use super::{Outside, carried_tags};
use crate::audit::facts::{Connector, Egress, Protocol, ServiceFacts};
use crate::fact::Fact;

/// App Runner's port where none is configured. Express Mode's would be 80.
pub(super) const PORT: u16 = 8080;
/// Stands for the image of a service that App Runner builds: somebody must build it first.
pub(super) const NO_IMAGE: &str = "IMAGE-THAT-YOU-BUILD";
/// Stands for the path of a health check that asks none.
pub(super) const NO_PATH: &str = "/";
/// App Runner counts requests at the same time, a target group counts those of a minute: the bridge is a request of one second.
pub(super) const REQUEST_SECS: u32 = 1;
/// What is shown in the place of a value of the environment.
const HIDDEN: &str = "(in the file of --output)";

/// The input of `CreateExpressGatewayService`. The environment's values are in [`Request::with_values`] alone: what is printed,
/// logged or serialized has the names.
#[derive(Clone, PartialEq)]
pub struct Request(Value);

impl Request {
    /// The request as it is sent: for a file of the owner's, and nothing else.
    pub fn with_values(&self) -> &Value {
        &self.0
    }

    /// The request without the environment's values.
    pub fn shown(&self) -> Value {
        let mut shown = self.0.clone();
        let environment = shown.pointer_mut("/primaryContainer/environment").and_then(Value::as_array_mut);
        for value in environment.into_iter().flatten().filter_map(|variable| variable.get_mut("value")) {
            *value = json!(HIDDEN);
        }
        shown
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shown().fmt(f)
    }
}

impl Serialize for Request {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.shown().serialize(serializer)
    }
}

/// Builds the request. What is missing stands in it as a word that AWS refuses.
pub(super) fn request(service: &ServiceFacts, outside: &Outside) -> Request {
    let mut request = Map::new();
    let mut put = |name: &str, value: Value| drop(request.insert(name.to_owned(), value));
    put("serviceName", json!(service.arn.name()));
    put("executionRoleArn", json!(roles::execution_arn(service)));
    put("infrastructureRoleArn", json!(roles::infrastructure_arn(service)));
    if let Some(role) = &service.instance_role {
        put("taskRoleArn", json!(role));
    }
    put("healthCheckPath", json!(health_path(service)));
    put("primaryContainer", container(service, &outside.environment));
    put("cpu", json!(service.cpu.to_string()));
    put("memory", json!(service.memory_mb.to_string()));
    // App Runner runs images for x86_64 alone.
    put("cpuArchitecture", json!("X86_64"));
    if let Fact::Known(scaling) = &service.scaling {
        put(
            "scalingTarget",
            json!({
                "minTaskCount": scaling.min, "maxTaskCount": scaling.max, "autoScalingMetric": "REQUEST_COUNT_PER_TARGET",
                "autoScalingTargetValue": requests_per_minute(scaling.concurrency),
            }),
        );
    }
    if let Some(connector) = connector(service, outside) {
        put("networkConfiguration", json!({ "subnets": connector.subnets, "securityGroups": connector.groups }));
    }
    let tags = tags(service);
    if !tags.is_empty() {
        put("tags", json!(tags));
    }
    Request(Value::Object(request))
}

/// The path that the load balancer asks.
pub(super) fn health_path(service: &ServiceFacts) -> &str {
    match service.health.protocol {
        Protocol::Http => &service.health.path,
        Protocol::Tcp => NO_PATH,
    }
}

/// The port as a number; `None` where it is none.
pub(super) fn port(service: &ServiceFacts) -> Option<u16> {
    service.port.as_ref().map_or(Some(PORT), |port| port.trim().parse().ok().filter(|port| *port > 0))
}

/// The concurrency of an instance as requests of a minute.
pub(super) fn requests_per_minute(concurrency: u32) -> u32 {
    concurrency.saturating_mul(60 / REQUEST_SECS)
}

/// The connector, where the service goes out through one that could be read.
pub(super) fn connector<'a>(service: &ServiceFacts, outside: &'a Outside) -> Option<&'a Connector> {
    match (&service.egress, &outside.connector) {
        (Egress::Vpc { .. }, Fact::Known(connector)) => Some(connector),
        _ => None,
    }
}

fn container(service: &ServiceFacts, environment: &BTreeMap<String, String>) -> Value {
    let image = service.source.image().map_or(NO_IMAGE, |image| image.as_str());
    let mut container = json!({ "image": image, "containerPort": port(service).unwrap_or(PORT) });
    if let Some(Argv::Words(words) | Argv::Shell { words, .. }) = service.start_command.as_deref().map(argv::split) {
        container["command"] = json!(words);
    }
    let pairs = |pairs: &BTreeMap<String, String>, second: &str| -> Vec<Value> {
        pairs.iter().map(|(name, value)| json!({ "name": name, second: value })).collect()
    };
    if !environment.is_empty() {
        container["environment"] = json!(pairs(environment, "value"));
    }
    if !service.secrets.is_empty() {
        container["secrets"] = json!(pairs(&service.secrets, "valueFrom"));
    }
    container
}

fn tags(service: &ServiceFacts) -> Vec<Value> {
    let Fact::Known(tags) = &service.tags else { return Vec::new() };
    carried_tags(tags).map(|(key, value)| json!({ "key": key, "value": value })).collect()
}
