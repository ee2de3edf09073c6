//! The names and ARNs that CloudFormation gives to resources: what `Ref` and `GetAtt` answer.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::TemplateError;
use super::intrinsic::Resolver;

/// `Ref` (no attribute) or `GetAtt` of one resource.
pub(super) fn attribute(
    resolver: &Resolver<'_>,
    id: &str,
    resource: &Value,
    attribute: Option<&str>,
    at: &str,
) -> Result<String, TemplateError> {
    let kind = resource["Type"].as_str().unwrap_or_default();
    let place = &resolver.inputs.place;
    let arn = |service: &str, rest: &str| {
        format!("arn:{}:{service}:{}:{}:{rest}", place.partition, place.region, place.account)
    };
    let name = || name(resolver, id, resource, kind);
    let suffix = || resolver.text(&json!({"Ref": "AWS::URLSuffix"}), at);
    let known = match (kind, attribute) {
        ("AWS::Serverless::Function", None) => Some(name()?),
        ("AWS::Serverless::Function", Some("Arn")) => Some(arn("lambda", &format!("function:{}", name()?))),
        ("AWS::IAM::Role", None) => Some(name()?),
        ("AWS::IAM::Role", Some("Arn")) => {
            let path = match resource["Properties"].get("Path") {
                Some(path) => resolver.text(path, at)?,
                None => "/".to_owned(),
            };
            Some(format!("arn:{}:iam::{}:role{path}{}", place.partition, place.account, name()?))
        }
        ("AWS::Events::Rule", None) => Some(name()?),
        ("AWS::Events::Rule", Some("Arn")) => Some(arn("events", &format!("rule/{}", name()?))),
        ("AWS::Scheduler::Schedule", None) => Some(name()?),
        ("AWS::Scheduler::Schedule", Some("Arn")) => Some(arn("scheduler", &format!("schedule/default/{}", name()?))),
        ("AWS::DynamoDB::Table", None) => Some(name()?),
        ("AWS::DynamoDB::Table", Some("Arn")) => Some(arn("dynamodb", &format!("table/{}", name()?))),
        ("AWS::DynamoDB::Table", Some("StreamArn")) if resource["Properties"].get("StreamSpecification").is_some() => {
            Some(arn("dynamodb", &format!("table/{}/stream/2026-01-01T00:00:00.000", name()?)))
        }
        ("AWS::SQS::Queue", None | Some("QueueUrl")) => {
            Some(format!("https://sqs.{}.amazonaws.com/{}/{}", place.region, place.account, name()?))
        }
        ("AWS::SQS::Queue", Some("Arn")) => Some(arn("sqs", &name()?)),
        ("AWS::SQS::Queue", Some("QueueName")) => Some(name()?),
        ("AWS::S3::Bucket", None) => Some(name()?),
        ("AWS::S3::Bucket", Some("Arn")) => Some(format!("arn:{}:s3:::{}", place.partition, name()?)),
        ("AWS::S3::Bucket", Some("DomainName")) => Some(format!("{}.s3.{}", name()?, suffix()?)),
        ("AWS::S3::Bucket", Some("RegionalDomainName")) => {
            Some(format!("{}.s3.{}.{}", name()?, place.region, suffix()?))
        }
        ("AWS::SNS::Topic", None | Some("TopicArn")) => Some(arn("sns", &name()?)),
        ("AWS::SNS::Topic", Some("TopicName")) => Some(name()?),
        ("AWS::SecretsManager::Secret", None | Some("Id")) => {
            Some(arn("secretsmanager", &format!("secret:{}-{}", name()?, &mark(id, 6))))
        }
        ("AWS::Logs::LogGroup", None) => Some(name()?),
        ("AWS::Logs::LogGroup", Some("Arn")) => Some(arn("logs", &format!("log-group:{}:*", name()?))),
        ("AWS::CloudWatch::Alarm", None) => Some(name()?),
        ("AWS::CloudWatch::Alarm", Some("Arn")) => Some(arn("cloudwatch", &format!("alarm:{}", name()?))),
        ("AWS::Lambda::EventSourceMapping", None | Some("Id")) => Some(mapping_id(&resolver.inputs.stack_name, id)),
        (_, None) => Some(format!("{}-{id}", resolver.inputs.stack_name)),
        _ => None,
    };
    known.ok_or_else(|| {
        TemplateError::new(at, format!("{kind} has no attribute `{}` that is modelled", attribute.unwrap_or_default()))
    })
}

/// The resource's name: its own, or one made of stack, logical id and a mark.
pub(super) fn name(resolver: &Resolver<'_>, id: &str, resource: &Value, kind: &str) -> Result<String, TemplateError> {
    let property = match kind {
        "AWS::Serverless::Function" => "FunctionName",
        "AWS::IAM::Role" => "RoleName",
        "AWS::DynamoDB::Table" => "TableName",
        "AWS::SQS::Queue" => "QueueName",
        "AWS::S3::Bucket" => "BucketName",
        "AWS::SNS::Topic" => "TopicName",
        "AWS::Logs::LogGroup" => "LogGroupName",
        "AWS::CloudWatch::Alarm" => "AlarmName",
        _ => "Name",
    };
    let at = format!("Resources.{id}.Properties.{property}");
    match resource["Properties"].get(property) {
        Some(own) => resolver.text(own, &at),
        None if kind == "AWS::SecretsManager::Secret" => Ok(format!("{id}-{}", mark(id, 12))),
        None if kind == "AWS::S3::Bucket" => {
            Ok(format!("{}-{id}-{}", resolver.inputs.stack_name, mark(id, 12)).to_lowercase())
        }
        None => Ok(format!("{}-{id}-{}", resolver.inputs.stack_name, mark(id, 12).to_uppercase())),
    }
}

/// The id of an event source mapping, in the form of a UUID.
fn mapping_id(stack: &str, id: &str) -> String {
    let hex = mark(&format!("{stack}/{id}"), 32);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// Hex digits that stand for AWS's random ones and are the same in every run.
fn mark(id: &str, length: usize) -> String {
    Sha256::digest(id.as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<String>()
        .chars()
        .take(length)
        .collect()
}
