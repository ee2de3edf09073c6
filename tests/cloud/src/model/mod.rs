//! The shapes of AWS's APIs, from botocore's models (`tests/conformance/extract_models.py` writes the files).
//!
//! Owns: which operations, members, types and constraints an API has. Never decides what a call does, and never guesses:
//! what is not in the model is refused.

mod old_codes;
mod pattern;
mod validate;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;
use serde_json::Value;

pub use validate::{Rule, Violation, Violations};

/// One service's API.
#[derive(Debug, Deserialize)]
pub struct Model {
    /// The version of botocore that the file was made from.
    pub botocore: String,
    pub metadata: Metadata,
    pub operations: BTreeMap<String, Operation>,
    pub shapes: BTreeMap<String, Shape>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    pub api_version: String,
    pub service_id: String,
    pub protocol: String,
    #[serde(default)]
    pub protocols: Vec<String>,
    pub json_version: Option<String>,
    pub target_prefix: Option<String>,
    pub xml_namespace: Option<String>,
    /// Present where the service once spoke the query protocol and still names its old error codes in a header.
    pub aws_query_compatible: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Operation {
    pub http: Http,
    pub input: Option<String>,
    pub output: Option<String>,
    pub result_wrapper: Option<String>,
    pub errors: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Http {
    pub method: String,
    pub request_uri: String,
    pub response_code: Option<u16>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Structure,
    List,
    Map,
    String,
    Character,
    Integer,
    Long,
    Float,
    Double,
    Boolean,
    Timestamp,
    Blob,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Shape {
    #[serde(rename = "type")]
    pub kind: Kind,
    #[serde(default)]
    pub members: BTreeMap<String, Reference>,
    pub member: Option<Reference>,
    pub key: Option<Reference>,
    pub value: Option<Reference>,
    #[serde(default)]
    pub required: Vec<String>,
    pub min: Option<f64>,
    pub max: Option<f64>,
    pub pattern: Option<String>,
    #[serde(default, rename = "enum")]
    pub values: Vec<String>,
    #[serde(default)]
    pub document: bool,
    #[serde(default)]
    pub union: bool,
    #[serde(default)]
    pub flattened: bool,
    #[serde(default)]
    pub exception: bool,
    #[serde(default)]
    pub fault: bool,
    pub error: Option<ErrorTrait>,
    pub timestamp_format: Option<String>,
    /// The member that is the HTTP body by itself (rest protocols).
    pub payload: Option<String>,
}

/// A use of a shape by a member, a list or a map.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reference {
    pub shape: String,
    /// `uri`, `querystring`, `header`, `headers` or `statusCode` (rest protocols).
    pub location: Option<String>,
    pub location_name: Option<String>,
    /// The name in a request of the ec2 protocol, where it is not the capitalised `location_name`.
    pub query_name: Option<String>,
    #[serde(default)]
    pub flattened: bool,
    pub timestamp_format: Option<String>,
}

impl Reference {
    /// The name on the wire of a member with this name.
    pub fn wire_name<'a>(&'a self, member: &'a str) -> &'a str {
        self.location_name.as_deref().unwrap_or(member)
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorTrait {
    pub code: Option<String>,
    pub http_status_code: Option<u16>,
    #[serde(default)]
    pub sender_fault: bool,
}

impl Model {
    pub fn shape(&self, name: &str) -> Option<&Shape> {
        self.shapes.get(name)
    }

    /// An error of this API by the name of its shape or by its code on the wire.
    pub fn error(&self, code: &str) -> Option<(&str, &Shape)> {
        let by_name = self.shapes.get_key_value(code).filter(|(_, shape)| shape.is_error());
        let by_code = || self.shapes.iter().find(|(name, shape)| shape.is_error() && self.old_code(name) == code);
        by_name.or_else(by_code).map(|(name, shape)| (name.as_str(), shape))
    }

    /// The code of an error in the query protocol, and in the header that tells it to clients of the protocol after that.
    pub fn old_code<'a>(&'a self, error: &'a str) -> &'a str {
        let modelled = || self.shape(error)?.error.as_ref()?.code.as_deref();
        let listed = || match self.metadata.service_id.as_str() {
            "SQS" => old_codes::SQS.iter().find(|(shape, _)| *shape == error).map(|(_, code)| *code),
            _ => None,
        };
        modelled().or_else(listed).unwrap_or(error)
    }

    /// Whether the service answers in this protocol.
    pub fn speaks(&self, protocol: &str) -> bool {
        self.metadata.protocol == protocol || self.metadata.protocols.iter().any(|p| p == protocol)
    }
}

impl Shape {
    fn is_error(&self) -> bool {
        self.exception || self.error.is_some()
    }
}

struct File {
    /// The signing name by which calls reach it.
    service: &'static str,
    text: &'static str,
    parsed: OnceLock<Option<Model>>,
}

macro_rules! file {
    ($service:literal, $name:literal) => {
        File {
            service: $service,
            text: include_str!(concat!("../../models/", $name, ".json")),
            parsed: OnceLock::new(),
        }
    };
}

/// DynamoDB's streams sign as `dynamodb`; only the target prefix tells the two APIs apart.
static FILES: [File; 21] = [
    file!("acm", "acm"),
    file!("apprunner", "apprunner"),
    file!("dynamodb", "dynamodb"),
    file!("dynamodb", "dynamodbstreams"),
    file!("ec2", "ec2"),
    file!("ecr", "ecr"),
    file!("ecr-public", "ecr-public"),
    file!("logs", "logs"),
    file!("monitoring", "monitoring"),
    file!("s3", "s3"),
    file!("secretsmanager", "secretsmanager"),
    file!("sns", "sns"),
    file!("sqs", "sqs"),
    file!("sts", "sts"),
    file!("events", "events"),
    file!("scheduler", "scheduler"),
    file!("lambda", "lambda"),
    file!("route53", "route53"),
    file!("iam", "iam"),
    file!("securityhub", "securityhub"),
    file!("wafv2", "wafv2"),
];

/// The models of a signing name; parsed when first asked for.
pub fn models(service: &str) -> impl Iterator<Item = &'static Model> {
    let wanted = FILES.iter().filter(move |file| file.service == service);
    wanted.filter_map(|file| file.parsed.get_or_init(|| serde_json::from_str(file.text).ok()).as_ref())
}

/// The model of a service that has this operation.
pub fn model_with(service: &str, operation: &str) -> Option<&'static Model> {
    models(service).find(|model| model.operations.contains_key(operation))
}

/// The signing names of all services that have a model.
pub fn services() -> impl Iterator<Item = &'static str> {
    let mut names: Vec<&str> = FILES.iter().map(|file| file.service).collect();
    names.dedup();
    names.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_a_model_whose_references_resolve() {
        for file in &FILES {
            let model: Model = serde_json::from_str(file.text).unwrap();
            assert!(!model.operations.is_empty(), "{}", file.service);
            for shape in model.shapes.values() {
                let parts = [&shape.member, &shape.key, &shape.value];
                let references = shape.members.values().chain(parts.into_iter().flatten());
                for reference in references {
                    assert!(model.shape(&reference.shape).is_some(), "{} {}", file.service, reference.shape);
                }
            }
        }
    }

    #[test]
    fn app_runner_is_there_whole() {
        assert_eq!(models("apprunner").map(|model| model.operations.len()).sum::<usize>(), 37);
    }

    #[test]
    fn an_error_is_found_by_its_shape_and_by_its_code() {
        let sqs = model_with("sqs", "SendMessage").unwrap();
        let by_shape = sqs.error("QueueDoesNotExist").unwrap().0;
        let by_code = sqs.error("AWS.SimpleQueueService.NonExistentQueue").unwrap().0;
        assert_eq!((by_shape, by_code), ("QueueDoesNotExist", "QueueDoesNotExist"));
        assert!(sqs.error("SendMessageRequest").is_none());
    }
}
