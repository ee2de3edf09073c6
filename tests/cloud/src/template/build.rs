//! From resolved properties to the stack's plain data, one function a resource type.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::intrinsic::Resolver;
use super::properties::{Properties, scalar};
use super::stack::*;
use super::{TemplateError, buckets, physical, resource};
use crate::events::{Grant, RetryPolicy};
use crate::lambda::LogFormat;

/// One resource with what it is called.
struct Made<'r> {
    id: &'r str,
    name: String,
    /// `Ref`.
    reference: String,
    properties: Properties,
}

/// Builds the stack from the resources in order.
pub(super) fn build(
    document: &Value,
    resolver: &Resolver<'_>,
    order: &[String],
    stack_name: &str,
) -> Result<Stack, TemplateError> {
    let mut stack = Stack { name: stack_name.to_owned(), ..Stack::default() };
    for id in order {
        let Some(found) = resource(document, id) else { continue };
        let kind = found["Type"].as_str().unwrap_or_default();
        let at = format!("Resources.{id}.Properties");
        let properties = found.get("Properties").cloned().unwrap_or_else(|| json!({}));
        let properties = Properties::new(id, kind, resolver.resolve(&properties, &at)?)?;
        let reference = scalar(&resolver.attribute(id, None, &at)?, &at)?;
        let made = Made { id, name: physical::name(resolver, id, found, kind)?, reference, properties };
        add(&mut stack, kind, &made, found, resolver)?;
    }
    let outputs = document.get("Outputs").and_then(Value::as_object).into_iter().flatten();
    for (name, output) in outputs {
        let holds = match output.get("Condition").and_then(Value::as_str) {
            Some(condition) => resolver.condition(condition, &format!("Outputs.{name}.Condition"))?,
            None => true,
        };
        if holds {
            stack.outputs.insert(name.clone(), resolver.text(&output["Value"], &format!("Outputs.{name}.Value"))?);
        }
    }
    Ok(stack)
}

fn add(
    stack: &mut Stack,
    kind: &str,
    made: &Made<'_>,
    found: &Value,
    resolver: &Resolver<'_>,
) -> Result<(), TemplateError> {
    let arn = || scalar(&resolver.attribute(made.id, Some("Arn"), made.id)?, made.id);
    match kind {
        "AWS::Serverless::Function" => stack.functions.push(function(made, found, arn()?)?),
        "AWS::IAM::Role" => stack.roles.push(role(made, arn()?)?),
        "AWS::Events::Rule" => stack.rules.push(rule(made, arn()?)?),
        "AWS::Scheduler::Schedule" => stack.schedules.push(schedule(made, arn()?)?),
        "AWS::Lambda::Permission" => stack.permissions.push(permission(made)?),
        "AWS::Lambda::EventInvokeConfig" => stack.invoke_configs.push(invoke_config(made)?),
        "AWS::Lambda::EventSourceMapping" => stack.mappings.push(mapping(made)?),
        "AWS::DynamoDB::Table" => stack.tables.push(TableSpec {
            logical_id: made.id.to_owned(),
            name: made.name.clone(),
            arn: arn()?,
            properties: made.properties.whole().clone(),
        }),
        "AWS::SQS::Queue" => stack.queues.push(QueueSpec {
            logical_id: made.id.to_owned(),
            name: made.name.clone(),
            arn: arn()?,
            attributes: attributes(made, &["QueueName", "Tags"])?,
        }),
        "AWS::SQS::QueuePolicy" => stack.queue_policies.push(QueuePolicySpec {
            logical_id: made.id.to_owned(),
            queue_urls: made.properties.texts("Queues")?,
            document: document_of(made)?,
        }),
        "AWS::S3::Bucket" => {
            stack.buckets.push(buckets::bucket(made.id, &made.name, arn()?, &made.properties)?);
        }
        "AWS::S3::BucketPolicy" => {
            stack.bucket_policies.push(buckets::bucket_policy(made.id, &made.properties)?);
        }
        "AWS::SNS::Topic" => stack.topics.push(TopicSpec {
            logical_id: made.id.to_owned(),
            name: made.name.clone(),
            arn: made.reference.clone(),
            attributes: attributes(made, &["TopicName", "Tags"])?,
        }),
        "AWS::SNS::TopicPolicy" => stack.topic_policies.push(TopicPolicySpec {
            logical_id: made.id.to_owned(),
            topic_arns: made.properties.texts("Topics")?,
            document: document_of(made)?,
        }),
        "AWS::SNS::Subscription" => stack.subscriptions.push(SubscriptionSpec {
            logical_id: made.id.to_owned(),
            topic_arn: made.properties.text("TopicArn")?,
            protocol: made.properties.text("Protocol")?,
            endpoint: made.properties.text("Endpoint")?,
        }),
        "AWS::SecretsManager::Secret" => stack.secrets.push(SecretSpec {
            logical_id: made.id.to_owned(),
            name: made.name.clone(),
            description: made.properties.maybe_text("Description")?.unwrap_or_default(),
            value: made.properties.maybe_text("SecretString")?,
            generate: made.properties.raw("GenerateSecretString").cloned(),
        }),
        "AWS::Logs::LogGroup" => stack.log_groups.push(LogGroupSpec {
            logical_id: made.id.to_owned(),
            name: made.name.clone(),
            retention_days: made.properties.maybe_number("RetentionInDays")?,
        }),
        "AWS::CloudWatch::Alarm" => stack.alarms.push(alarm(made)?),
        _ => {
            return Err(TemplateError::new(
                format!("Resources.{}.Type", made.id),
                format!("the type {kind} is not modelled"),
            ));
        }
    }
    Ok(())
}

fn function(made: &Made<'_>, found: &Value, arn: String) -> Result<FunctionSpec, TemplateError> {
    let properties = &made.properties;
    let binary = &found["Metadata"]["BuildProperties"]["Binary"];
    let binary = binary.as_str().ok_or_else(|| {
        let at = format!("Resources.{}.Metadata.BuildProperties.Binary", made.id);
        TemplateError::new(at, "a function names the binary that is its bootstrap")
    })?;
    let mut environment = BTreeMap::new();
    for (name, value) in properties.raw("Environment.Variables").and_then(Value::as_object).into_iter().flatten() {
        environment.insert(name.clone(), scalar(value, &properties.path(&format!("Environment.Variables.{name}")))?);
    }
    let log_format = match properties.maybe_text("LoggingConfig.LogFormat")?.as_deref() {
        Some("JSON") => LogFormat::Json,
        None | Some("Text") => LogFormat::Text,
        Some(other) => {
            let at = properties.path("LoggingConfig.LogFormat");
            return Err(TemplateError::new(at, format!("`{other}` is neither JSON nor Text")));
        }
    };
    let log_group = properties.maybe_text("LoggingConfig.LogGroup")?;
    Ok(FunctionSpec {
        logical_id: made.id.to_owned(),
        log_group: log_group.unwrap_or_else(|| format!("/aws/lambda/{}", made.name)),
        name: made.name.clone(),
        arn,
        role_arn: properties.text("Role")?,
        handler: properties.text("Handler")?,
        runtime: properties.text("Runtime")?,
        architectures: properties.texts("Architectures")?,
        memory_mb: within(properties, "MemorySize", 128, 10_240)?.unwrap_or(128),
        timeout_secs: within(properties, "Timeout", 1, 900)?.unwrap_or(3),
        reserved_concurrency: properties.maybe_number("ReservedConcurrentExecutions")?,
        log_format,
        environment,
        dead_letter_arn: properties.maybe_text("DeadLetterQueue.TargetArn")?,
        binary: binary.to_owned(),
    })
}

/// A number inside the bounds that Lambda sets.
fn within(properties: &Properties, path: &str, least: u64, most: u64) -> Result<Option<u64>, TemplateError> {
    let given: Option<u64> = properties.maybe_number(path)?;
    match given {
        Some(value) if !(least..=most).contains(&value) => {
            Err(TemplateError::new(properties.path(path), format!("{value} is outside {least} to {most}")))
        }
        _ => Ok(given),
    }
}

fn role(made: &Made<'_>, arn: String) -> Result<RoleSpec, TemplateError> {
    let mut policies = BTreeMap::new();
    for (index, policy) in made.properties.list("Policies")?.iter().enumerate() {
        let name = scalar(&policy["PolicyName"], &made.properties.path(&format!("Policies[{index}].PolicyName")))?;
        policies.insert(name, policy["PolicyDocument"].clone());
    }
    let trust = made.properties.raw("AssumeRolePolicyDocument").cloned().unwrap_or_default();
    Ok(RoleSpec { logical_id: made.id.to_owned(), name: made.name.clone(), arn, trust, policies })
}

fn rule(made: &Made<'_>, arn: String) -> Result<RuleSpec, TemplateError> {
    let properties = &made.properties;
    let pattern = properties.raw("EventPattern").cloned();
    let pattern =
        pattern.ok_or_else(|| TemplateError::new(properties.path("EventPattern"), "this property is required"))?;
    let mut targets = Vec::new();
    for (index, target) in properties.list("Targets")?.into_iter().enumerate() {
        targets.push(target_of(&target, &properties.path(&format!("Targets[{index}]")))?);
    }
    let enabled = enabled(properties)?;
    Ok(RuleSpec { logical_id: made.id.to_owned(), name: made.name.clone(), arn, enabled, pattern, targets })
}

fn schedule(made: &Made<'_>, arn: String) -> Result<ScheduleSpec, TemplateError> {
    let properties = &made.properties;
    if properties.maybe_text("FlexibleTimeWindow.Mode")?.as_deref() != Some("OFF") {
        return Err(TemplateError::new(properties.path("FlexibleTimeWindow.Mode"), "only OFF is modelled"));
    }
    Ok(ScheduleSpec {
        logical_id: made.id.to_owned(),
        name: made.name.clone(),
        arn,
        enabled: enabled(properties)?,
        expression: properties.text("ScheduleExpression")?,
        time_zone: properties.maybe_text("ScheduleExpressionTimezone")?.unwrap_or_else(|| "UTC".to_owned()),
        role_arn: properties.text("Target.RoleArn")?,
        target: target_of(properties.raw("Target").unwrap_or(&Value::Null), &properties.path("Target"))?,
    })
}

fn enabled(properties: &Properties) -> Result<bool, TemplateError> {
    match properties.maybe_text("State")?.as_deref() {
        None | Some("ENABLED") => Ok(true),
        Some("DISABLED") => Ok(false),
        Some(other) => {
            Err(TemplateError::new(properties.path("State"), format!("`{other}` is neither ENABLED nor DISABLED")))
        }
    }
}

fn target_of(target: &Value, at: &str) -> Result<TargetSpec, TemplateError> {
    let text = |name: &str| target.get(name).map(|value| scalar(value, &format!("{at}.{name}"))).transpose();
    let number = |name: &str| {
        let at = format!("{at}.RetryPolicy.{name}");
        let given = target["RetryPolicy"].get(name).map(|value| scalar(value, &at)).transpose()?;
        given
            .map(|given| given.parse::<u32>().map_err(|_| TemplateError::new(&at, "a whole number is needed")))
            .transpose()
    };
    let usual = RetryPolicy::default();
    let dead_letter_arn = target["DeadLetterConfig"].get("Arn").map(|value| scalar(value, at)).transpose()?;
    Ok(TargetSpec {
        id: text("Id")?.unwrap_or_default(),
        arn: text("Arn")?.ok_or_else(|| TemplateError::new(format!("{at}.Arn"), "this property is required"))?,
        input: text("Input")?,
        retry: RetryPolicy {
            age_secs_max: number("MaximumEventAgeInSeconds")?.map_or(usual.age_secs_max, i64::from),
            attempts_max: number("MaximumRetryAttempts")?.unwrap_or(usual.attempts_max),
        },
        dead_letter_arn,
    })
}

fn permission(made: &Made<'_>) -> Result<Grant, TemplateError> {
    let properties = &made.properties;
    let action = properties.text("Action")?;
    if action != "lambda:InvokeFunction" {
        return Err(TemplateError::new(properties.path("Action"), format!("{action} is not modelled")));
    }
    Ok(Grant {
        function_arn: properties.text("FunctionName")?,
        principal: properties.text("Principal")?,
        source_arn: properties.maybe_text("SourceArn")?,
        source_account: properties.maybe_text("SourceAccount")?,
    })
}

fn invoke_config(made: &Made<'_>) -> Result<InvokeConfigSpec, TemplateError> {
    let properties = &made.properties;
    let retries_max = properties.maybe_number("MaximumRetryAttempts")?.unwrap_or(2);
    if retries_max > 2 {
        return Err(TemplateError::new(properties.path("MaximumRetryAttempts"), "it is 0, 1 or 2"));
    }
    Ok(InvokeConfigSpec {
        logical_id: made.id.to_owned(),
        function: properties.text("FunctionName")?,
        retries_max,
        age_secs_max: properties.maybe_number("MaximumEventAgeInSeconds")?.unwrap_or(21_600),
        on_failure_arn: properties.maybe_text("DestinationConfig.OnFailure.Destination")?,
    })
}

fn mapping(made: &Made<'_>) -> Result<MappingSpec, TemplateError> {
    let properties = &made.properties;
    let source_arn = properties.text("EventSourceArn")?;
    let usual = if source_arn.contains(":sqs:") { 10 } else { 100 };
    let filters = properties.list("FilterCriteria.Filters")?;
    let at = properties.path("FilterCriteria.Filters");
    let filters = filters.iter().map(|filter| scalar(&filter["Pattern"], &at)).collect::<Result<_, _>>()?;
    // -1 is AWS's word for "until the record expires".
    let unlimited = |value: Option<i64>| value.filter(|value| *value >= 0);
    let retries: Option<i64> = unlimited(properties.maybe_number("MaximumRetryAttempts")?);
    Ok(MappingSpec {
        logical_id: made.id.to_owned(),
        id: made.reference.clone(),
        function: properties.text("FunctionName")?,
        source_arn,
        enabled: properties.flag("Enabled")?.unwrap_or(true),
        batch_size: properties.maybe_number("BatchSize")?.unwrap_or(usual),
        window_secs: properties.maybe_number("MaximumBatchingWindowInSeconds")?.unwrap_or(0),
        filters,
        reports_failures: properties
            .texts("FunctionResponseTypes")?
            .iter()
            .any(|kind| kind == "ReportBatchItemFailures"),
        bisects: properties.flag("BisectBatchOnFunctionError")?.unwrap_or(false),
        retries_max: retries.and_then(|retries| u32::try_from(retries).ok()),
        age_secs_max: unlimited(properties.maybe_number("MaximumRecordAgeInSeconds")?),
        concurrency_max: within(properties, "ScalingConfig.MaximumConcurrency", 2, 1000)?.map(|most| most as u32),
        on_failure_arn: properties.maybe_text("DestinationConfig.OnFailure.Destination")?,
        starting_position: properties.maybe_text("StartingPosition")?,
    })
}

fn alarm(made: &Made<'_>) -> Result<AlarmSpec, TemplateError> {
    let mut input = made.properties.whole().clone();
    input["AlarmName"] = json!(made.name);
    for number in ["Period", "EvaluationPeriods", "DatapointsToAlarm", "Threshold"] {
        let Some(text) = made.properties.maybe_text(number)? else { continue };
        let at = made.properties.path(number);
        let value: f64 = text.parse().map_err(|_| TemplateError::new(at, format!("`{text}` is no number")))?;
        input[number] = if number == "Threshold" { json!(value) } else { json!(value as i64) };
    }
    Ok(AlarmSpec { logical_id: made.id.to_owned(), name: made.name.clone(), properties: input })
}

fn document_of(made: &Made<'_>) -> Result<Value, TemplateError> {
    let document = made.properties.raw("PolicyDocument").cloned();
    document.ok_or_else(|| TemplateError::new(made.properties.path("PolicyDocument"), "this property is required"))
}

/// Properties as the texts that `CreateQueue` and `CreateTopic` take; an object becomes JSON.
fn attributes(made: &Made<'_>, without: &[&str]) -> Result<BTreeMap<String, String>, TemplateError> {
    let fields = made.properties.whole().as_object().into_iter().flatten();
    let wanted = fields.filter(|(name, _)| !without.contains(&name.as_str()));
    wanted
        .map(|(name, value)| match value {
            Value::Object(_) => Ok((name.clone(), value.to_string())),
            _ => Ok((name.clone(), scalar(value, &made.properties.path(name))?)),
        })
        .collect()
}
