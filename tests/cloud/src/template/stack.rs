//! What a template comes to: plain data, everything resolved. It serialises to JSON, so that other tools can check it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::events::{Grant, RetryPolicy};
use crate::lambda::LogFormat;

/// A resolved stack.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Stack {
    pub name: String,
    pub functions: Vec<FunctionSpec>,
    pub roles: Vec<RoleSpec>,
    pub rules: Vec<RuleSpec>,
    pub schedules: Vec<ScheduleSpec>,
    pub permissions: Vec<Grant>,
    pub invoke_configs: Vec<InvokeConfigSpec>,
    pub mappings: Vec<MappingSpec>,
    pub tables: Vec<TableSpec>,
    pub queues: Vec<QueueSpec>,
    pub queue_policies: Vec<QueuePolicySpec>,
    pub buckets: Vec<BucketSpec>,
    pub bucket_policies: Vec<BucketPolicySpec>,
    pub topics: Vec<TopicSpec>,
    pub topic_policies: Vec<TopicPolicySpec>,
    pub subscriptions: Vec<SubscriptionSpec>,
    pub secrets: Vec<SecretSpec>,
    pub log_groups: Vec<LogGroupSpec>,
    pub alarms: Vec<AlarmSpec>,
    pub outputs: BTreeMap<String, String>,
}

/// `AWS::Serverless::Function`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FunctionSpec {
    pub logical_id: String,
    pub name: String,
    pub arn: String,
    pub role_arn: String,
    pub handler: String,
    pub runtime: String,
    pub architectures: Vec<String>,
    pub memory_mb: u64,
    pub timeout_secs: u64,
    pub reserved_concurrency: Option<u32>,
    pub log_group: String,
    pub log_format: LogFormat,
    pub environment: BTreeMap<String, String>,
    pub dead_letter_arn: Option<String>,
    /// `Metadata.BuildProperties.Binary`.
    pub binary: String,
}

/// `AWS::IAM::Role`: its inline policies by name.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RoleSpec {
    pub logical_id: String,
    pub name: String,
    pub arn: String,
    pub trust: Value,
    pub policies: BTreeMap<String, Value>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TargetSpec {
    pub id: String,
    pub arn: String,
    pub input: Option<String>,
    pub retry: RetryPolicy,
    pub dead_letter_arn: Option<String>,
}

/// `AWS::Events::Rule`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RuleSpec {
    pub logical_id: String,
    pub name: String,
    pub arn: String,
    pub enabled: bool,
    pub pattern: Value,
    pub targets: Vec<TargetSpec>,
}

/// `AWS::Scheduler::Schedule`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ScheduleSpec {
    pub logical_id: String,
    pub name: String,
    pub arn: String,
    pub enabled: bool,
    pub expression: String,
    /// An IANA name such as `Europe/Berlin`; UTC where the template names none.
    pub time_zone: String,
    pub role_arn: String,
    pub target: TargetSpec,
}

/// `AWS::Lambda::EventInvokeConfig`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InvokeConfigSpec {
    pub logical_id: String,
    pub function: String,
    pub retries_max: u32,
    pub age_secs_max: i64,
    pub on_failure_arn: Option<String>,
}

/// `AWS::Lambda::EventSourceMapping`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MappingSpec {
    pub logical_id: String,
    pub id: String,
    pub function: String,
    pub source_arn: String,
    pub enabled: bool,
    pub batch_size: u64,
    pub window_secs: i64,
    /// Each a pattern as JSON text.
    pub filters: Vec<String>,
    pub reports_failures: bool,
    pub bisects: bool,
    pub retries_max: Option<u32>,
    pub age_secs_max: Option<i64>,
    pub concurrency_max: Option<u32>,
    pub on_failure_arn: Option<String>,
    pub starting_position: Option<String>,
}

/// `AWS::DynamoDB::Table`; its properties as the template gives them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TableSpec {
    pub logical_id: String,
    pub name: String,
    pub arn: String,
    pub properties: Value,
}

/// `AWS::SQS::Queue`; the attributes as `CreateQueue` takes them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct QueueSpec {
    pub logical_id: String,
    pub name: String,
    pub arn: String,
    pub attributes: BTreeMap<String, String>,
}

/// `AWS::SQS::QueuePolicy`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct QueuePolicySpec {
    pub logical_id: String,
    pub queue_urls: Vec<String>,
    pub document: Value,
}

/// `AWS::S3::Bucket`; its properties as the template gives them. What its lifecycle rules would remove stays.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BucketSpec {
    pub logical_id: String,
    pub name: String,
    pub arn: String,
    pub properties: Value,
}

/// `AWS::S3::BucketPolicy`, which is read and not evaluated.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BucketPolicySpec {
    pub logical_id: String,
    pub bucket: String,
    pub document: Value,
}

/// `AWS::SNS::Topic`; the attributes as `CreateTopic` takes them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TopicSpec {
    pub logical_id: String,
    pub name: String,
    pub arn: String,
    pub attributes: BTreeMap<String, String>,
}

/// `AWS::SNS::TopicPolicy`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TopicPolicySpec {
    pub logical_id: String,
    pub topic_arns: Vec<String>,
    pub document: Value,
}

/// `AWS::SNS::Subscription`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SubscriptionSpec {
    pub logical_id: String,
    pub topic_arn: String,
    pub protocol: String,
    pub endpoint: String,
}

/// `AWS::SecretsManager::Secret`. Its value is never part of the stack: a generated one is made when it is deployed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SecretSpec {
    pub logical_id: String,
    pub name: String,
    pub description: String,
    #[serde(skip)]
    pub value: Option<String>,
    /// `GenerateSecretString`, as `GetRandomPassword` takes it.
    pub generate: Option<Value>,
}

/// `AWS::Logs::LogGroup`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LogGroupSpec {
    pub logical_id: String,
    pub name: String,
    pub retention_days: Option<u64>,
}

/// `AWS::CloudWatch::Alarm`, as `PutMetricAlarm` takes it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AlarmSpec {
    pub logical_id: String,
    pub name: String,
    pub properties: Value,
}
