//! Which properties are modelled, by resource type, and reading them with a clear error.

use serde_json::Value;

use super::TemplateError;

/// Paths of the modelled properties: `[]` is each element of a list, `**` is anything below.
fn modelled(kind: &str) -> Option<&'static [&'static str]> {
    Some(match kind {
        "AWS::Serverless::Function" => &[
            "FunctionName",
            "Description",
            "CodeUri",
            "Handler",
            "Runtime",
            "Architectures[]",
            "MemorySize",
            "Timeout",
            "Role",
            "ReservedConcurrentExecutions",
            "LoggingConfig.LogFormat",
            "LoggingConfig.LogGroup",
            "Environment.Variables.**",
            "DeadLetterQueue.Type",
            "DeadLetterQueue.TargetArn",
            "Tags.**",
        ],
        "AWS::IAM::Role" => &[
            "RoleName",
            "Description",
            "Path",
            "AssumeRolePolicyDocument.**",
            "Policies[].PolicyName",
            "Policies[].PolicyDocument.**",
            "Tags.**",
        ],
        "AWS::Events::Rule" => &[
            "Name",
            "Description",
            "State",
            "EventPattern.**",
            "Targets[].Id",
            "Targets[].Arn",
            "Targets[].Input",
            "Targets[].RetryPolicy.MaximumEventAgeInSeconds",
            "Targets[].RetryPolicy.MaximumRetryAttempts",
            "Targets[].DeadLetterConfig.Arn",
        ],
        "AWS::Scheduler::Schedule" => &[
            "Name",
            "Description",
            "State",
            "ScheduleExpression",
            "ScheduleExpressionTimezone",
            "FlexibleTimeWindow.Mode",
            "Target.Arn",
            "Target.RoleArn",
            "Target.Input",
            "Target.RetryPolicy.MaximumEventAgeInSeconds",
            "Target.RetryPolicy.MaximumRetryAttempts",
            "Target.DeadLetterConfig.Arn",
        ],
        "AWS::Lambda::Permission" => &["Action", "FunctionName", "Principal", "SourceArn", "SourceAccount"],
        "AWS::Lambda::EventInvokeConfig" => &[
            "FunctionName",
            "Qualifier",
            "MaximumEventAgeInSeconds",
            "MaximumRetryAttempts",
            "DestinationConfig.OnFailure.Destination",
        ],
        "AWS::Lambda::EventSourceMapping" => &[
            "FunctionName",
            "EventSourceArn",
            "Enabled",
            "StartingPosition",
            "BatchSize",
            "MaximumBatchingWindowInSeconds",
            "MaximumRetryAttempts",
            "MaximumRecordAgeInSeconds",
            "BisectBatchOnFunctionError",
            "FunctionResponseTypes[]",
            "FilterCriteria.Filters[].Pattern",
            "DestinationConfig.OnFailure.Destination",
            "ScalingConfig.MaximumConcurrency",
        ],
        "AWS::DynamoDB::Table" => &[
            "TableName",
            "BillingMode",
            "AttributeDefinitions[].AttributeName",
            "AttributeDefinitions[].AttributeType",
            "KeySchema[].AttributeName",
            "KeySchema[].KeyType",
            "GlobalSecondaryIndexes[].IndexName",
            "GlobalSecondaryIndexes[].KeySchema[].AttributeName",
            "GlobalSecondaryIndexes[].KeySchema[].KeyType",
            "GlobalSecondaryIndexes[].Projection.ProjectionType",
            "GlobalSecondaryIndexes[].Projection.NonKeyAttributes[]",
            "StreamSpecification.StreamViewType",
            "TimeToLiveSpecification.AttributeName",
            "TimeToLiveSpecification.Enabled",
            "PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled",
            "DeletionProtectionEnabled",
            "SSESpecification.SSEEnabled",
            "SSESpecification.SSEType",
            "SSESpecification.KMSMasterKeyId",
            "Tags.**",
        ],
        "AWS::SQS::Queue" => &[
            "QueueName",
            "SqsManagedSseEnabled",
            "KmsMasterKeyId",
            "VisibilityTimeout",
            "MessageRetentionPeriod",
            "DelaySeconds",
            "ReceiveMessageWaitTimeSeconds",
            "MaximumMessageSize",
            "RedrivePolicy.deadLetterTargetArn",
            "RedrivePolicy.maxReceiveCount",
            "Tags.**",
        ],
        "AWS::SQS::QueuePolicy" => &["Queues[]", "PolicyDocument.**"],
        "AWS::S3::Bucket" => &[
            "BucketName",
            "BucketEncryption.ServerSideEncryptionConfiguration[].BucketKeyEnabled",
            "BucketEncryption.ServerSideEncryptionConfiguration[].ServerSideEncryptionByDefault.SSEAlgorithm",
            "BucketEncryption.ServerSideEncryptionConfiguration[].ServerSideEncryptionByDefault.KMSMasterKeyID",
            "PublicAccessBlockConfiguration.BlockPublicAcls",
            "PublicAccessBlockConfiguration.BlockPublicPolicy",
            "PublicAccessBlockConfiguration.IgnorePublicAcls",
            "PublicAccessBlockConfiguration.RestrictPublicBuckets",
            "VersioningConfiguration.Status",
            "OwnershipControls.Rules[].ObjectOwnership",
            "LifecycleConfiguration.Rules[].Id",
            "LifecycleConfiguration.Rules[].Status",
            "LifecycleConfiguration.Rules[].Prefix",
            "LifecycleConfiguration.Rules[].ExpirationInDays",
            "LifecycleConfiguration.Rules[].ExpiredObjectDeleteMarker",
            "LifecycleConfiguration.Rules[].NoncurrentVersionExpiration.NoncurrentDays",
            "LifecycleConfiguration.Rules[].AbortIncompleteMultipartUpload.DaysAfterInitiation",
            "Tags.**",
        ],
        "AWS::S3::BucketPolicy" => &["Bucket", "PolicyDocument.**"],
        "AWS::SNS::Topic" => &["TopicName", "DisplayName", "KmsMasterKeyId", "Tags.**"],
        "AWS::SNS::TopicPolicy" => &["Topics[]", "PolicyDocument.**"],
        "AWS::SNS::Subscription" => &["TopicArn", "Protocol", "Endpoint"],
        "AWS::SecretsManager::Secret" => &[
            "Name",
            "Description",
            "KmsKeyId",
            "SecretString",
            "GenerateSecretString.PasswordLength",
            "GenerateSecretString.ExcludePunctuation",
            "GenerateSecretString.ExcludeCharacters",
            "GenerateSecretString.ExcludeLowercase",
            "GenerateSecretString.ExcludeUppercase",
            "GenerateSecretString.ExcludeNumbers",
            "GenerateSecretString.IncludeSpace",
            "GenerateSecretString.RequireEachIncludedType",
            "Tags.**",
        ],
        "AWS::Logs::LogGroup" => &["LogGroupName", "RetentionInDays", "KmsKeyId", "Tags.**"],
        "AWS::CloudWatch::Alarm" => &[
            "AlarmName",
            "AlarmDescription",
            "Namespace",
            "MetricName",
            "Dimensions[].Name",
            "Dimensions[].Value",
            "Statistic",
            "ExtendedStatistic",
            "Period",
            "EvaluationPeriods",
            "DatapointsToAlarm",
            "Threshold",
            "ComparisonOperator",
            "TreatMissingData",
            "ActionsEnabled",
            "AlarmActions[]",
            "OKActions[]",
            "InsufficientDataActions[]",
            "Unit",
            "Tags.**",
        ],
        _ => return None,
    })
}

/// The resolved properties of one resource.
#[derive(Debug)]
pub(super) struct Properties {
    at: String,
    value: Value,
}

impl Properties {
    /// Checks that each property is modelled.
    pub fn new(id: &str, kind: &str, value: Value) -> Result<Self, TemplateError> {
        let Some(paths) = modelled(kind) else {
            return Err(TemplateError::new(format!("Resources.{id}.Type"), format!("the type {kind} is not modelled")));
        };
        let at = format!("Resources.{id}.Properties");
        check(&value, "", paths, &at)?;
        Ok(Self { at, value })
    }

    /// The value at a path such as `Target.Arn`.
    pub fn raw(&self, path: &str) -> Option<&Value> {
        path.split('.').try_fold(&self.value, |value, part| value.get(part))
    }

    pub fn whole(&self) -> &Value {
        &self.value
    }

    pub fn path(&self, path: &str) -> String {
        format!("{}.{path}", self.at)
    }

    pub fn maybe_text(&self, path: &str) -> Result<Option<String>, TemplateError> {
        self.raw(path).map(|value| scalar(value, &self.path(path))).transpose()
    }

    pub fn text(&self, path: &str) -> Result<String, TemplateError> {
        self.maybe_text(path)?.ok_or_else(|| TemplateError::new(self.path(path), "this property is required"))
    }

    pub fn maybe_number<N: std::str::FromStr>(&self, path: &str) -> Result<Option<N>, TemplateError> {
        let wrong = |text: &str| TemplateError::new(self.path(path), format!("`{text}` is no whole number in range"));
        self.maybe_text(path)?.map(|text| text.parse().map_err(|_| wrong(&text))).transpose()
    }

    pub fn flag(&self, path: &str) -> Result<Option<bool>, TemplateError> {
        match self.maybe_text(path)?.as_deref() {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(other) => Err(TemplateError::new(self.path(path), format!("`{other}` is neither true nor false"))),
        }
    }

    pub fn texts(&self, path: &str) -> Result<Vec<String>, TemplateError> {
        let items = self.list(path)?;
        items.iter().enumerate().map(|(index, item)| scalar(item, &format!("{}[{index}]", self.path(path)))).collect()
    }

    pub fn list(&self, path: &str) -> Result<Vec<Value>, TemplateError> {
        match self.raw(path) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => Ok(items.clone()),
            Some(_) => Err(TemplateError::new(self.path(path), "a list is needed here")),
        }
    }
}

/// A text, number or truth value as text.
pub(super) fn scalar(value: &Value, at: &str) -> Result<String, TemplateError> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(_) | Value::Bool(_) => Ok(value.to_string()),
        _ => Err(TemplateError::new(at, "a text, number or truth value is needed here")),
    }
}

fn check(value: &Value, path: &str, paths: &[&str], at: &str) -> Result<(), TemplateError> {
    if paths.iter().any(|known| known.strip_suffix(".**") == Some(path)) {
        return Ok(());
    }
    match value {
        Value::Object(fields) => fields.iter().try_for_each(|(name, inner)| {
            let here = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            let place = format!("{at}.{name}");
            let begins = |known: &&str| {
                known.strip_prefix(here.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
            };
            if !paths.iter().any(begins) {
                return Err(TemplateError::new(place, "this property is not modelled"));
            }
            check(inner, &here, paths, &place)
        }),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .try_for_each(|(index, item)| check(item, &format!("{path}[]"), paths, &format!("{at}[{index}]"))),
        _ => Ok(()),
    }
}
