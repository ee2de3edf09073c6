//! Puts a resolved stack into the world, as CloudFormation would into an account.
//!
//! What AWS names itself (queue addresses, stream and secret ARNs) is made first; the template is then read again with the
//! real names. It must never give a role more than the template does.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::call::{ApiError, Caller, Ids, Need};
use crate::events::expression::{Expression, ExpressionError};
use crate::events::pattern::{Pattern, PatternError};
use crate::events::schedule::{NewSchedule, Schedule};
use crate::events::{QueuePolicy, Rule, Target};
use crate::gateway::Keys;
use crate::lambda::finish::may;
use crate::lambda::{AccessKey, Function, InvokeConfig, Mapping, QueueSource, Source, StreamSource};
use crate::policy::BadPolicy;
use crate::template::{
    FunctionSpec, Inputs, MappingSpec, PUBLIC_ACCESS, Stack, TableSpec, TargetSpec, TemplateError, interpret,
};
use crate::world::World;

/// SQS's own visibility timeout, where a queue names none.
const VISIBILITY_SECS: u64 = 30;

/// What a deployment needs beside the template.
#[derive(Clone, Debug)]
pub struct Deployment {
    /// The template's text.
    pub template: String,
    pub inputs: Inputs,
    /// The directory with the functions' binaries; none where nobody starts them.
    pub binaries: Option<PathBuf>,
    /// Variables for every function, such as AWS_ENDPOINT_URL; they win over the template's.
    pub environment: BTreeMap<String, String>,
    /// Variables for one function, by its logical id; they win over all others.
    pub function_environment: BTreeMap<String, BTreeMap<String, String>>,
    /// Binaries of functions that are not deployed; see [`Stack::leave_out`].
    pub left_out: BTreeSet<String>,
}

/// Why a stack cannot be deployed.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    #[error(transparent)]
    Template(#[from] TemplateError),
    #[error("{resource}: {operation} failed: {code}: {message}")]
    Call { resource: String, operation: &'static str, code: String, message: String },
    #[error("{rule}: its pattern is refused")]
    Pattern { rule: String, source: PatternError },
    #[error("{schedule}: its expression is refused")]
    Expression { schedule: String, source: ExpressionError },
    #[error("{role}: its policy is refused")]
    Policy { role: String, source: BadPolicy },
    #[error("{resource}: the queue's policy is refused: {reason}")]
    QueuePolicy { resource: String, reason: String },
    #[error("{resource} refers to `{missing}`, which this stack does not make")]
    Missing { resource: String, missing: String },
    #[error(
        "{mapping}: the queue's VisibilityTimeout of {visibility} s is less than the function's Timeout of {timeout} s, and \
         Lambda refuses that; make it at least as long"
    )]
    Visibility { mapping: String, visibility: u64, timeout: u64 },
    #[error("{function}: there is no binary {path}; build the functions first")]
    NoBinary { function: String, path: PathBuf },
}

/// Deploys a template. The functions' access keys are added to `keys`.
///
/// # Errors
/// Where the template is refused or a resource cannot be made; what was made before stays, as nothing rolls back here.
pub fn deploy(world: &mut World, keys: &Keys, deployment: &Deployment) -> Result<Stack, DeployError> {
    let mut inputs = deployment.inputs.clone();
    let planned = interpret(&deployment.template, &inputs)?;
    make_what_aws_names(world, &planned, &mut inputs)?;
    let mut stack = interpret(&deployment.template, &inputs)?;
    stack.leave_out(&deployment.left_out);
    make_surroundings(world, &stack)?;
    for role in &stack.roles {
        for (name, document) in &role.policies {
            let set = world.policies.set(&role.arn, name, vec![document.clone()]);
            set.map_err(|source| DeployError::Policy { role: role.logical_id.clone(), source })?;
        }
        let input = json!({"Arn": role.arn, "AssumeRolePolicyDocument": role.trust, "Policies": role.policies});
        call(world, &role.logical_id, "iam", "_Role", input)?;
    }
    for spec in &stack.functions {
        let function = function(world, keys, deployment, spec)?;
        world.lambda.put_function(function);
    }
    connect(world, &stack)?;
    Ok(stack)
}

/// Queues, tables and secrets, whose names or ARNs AWS chooses.
fn make_what_aws_names(world: &mut World, stack: &Stack, inputs: &mut Inputs) -> Result<(), DeployError> {
    let mut known = |name: String, value: &Value| {
        if let Some(value) = value.as_str() {
            inputs.physical.insert(name, value.to_owned());
        }
    };
    for queue in &stack.queues {
        let input = json!({"QueueName": queue.name, "Attributes": queue.attributes});
        let answer = call(world, &queue.logical_id, "sqs", "CreateQueue", input)?;
        known(queue.logical_id.clone(), &answer["QueueUrl"]);
        known(format!("{}.QueueUrl", queue.logical_id), &answer["QueueUrl"]);
    }
    for table in &stack.tables {
        let answer = make_table(world, table)?;
        let description = &answer["TableDescription"];
        known(format!("{}.StreamArn", table.logical_id), &description["LatestStreamArn"]);
        known(format!("{}.Arn", table.logical_id), &description["TableArn"]);
    }
    for secret in &stack.secrets {
        let mut input = json!({
            "Name": secret.name, "Description": secret.description, "ClientRequestToken": world.ids.uuid(),
        });
        let value = match &secret.generate {
            Some(wishes) => Some(password(wishes, &mut world.ids)),
            None => secret.value.clone(),
        };
        if let Some(value) = value {
            input["SecretString"] = json!(value);
        }
        let answer = call(world, &secret.logical_id, "secretsmanager", "CreateSecret", input)?;
        known(secret.logical_id.clone(), &answer["ARN"]);
        known(format!("{}.Id", secret.logical_id), &answer["ARN"]);
    }
    Ok(())
}

/// A password as `GetRandomPassword` would make it, the same in every run.
fn password(wishes: &Value, ids: &mut Ids) -> String {
    let truth = |name: &str| wishes[name] == true || wishes[name] == "true";
    let classes = [
        ("ExcludeLowercase", "abcdefghijklmnopqrstuvwxyz"),
        ("ExcludeUppercase", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
        ("ExcludeNumbers", "0123456789"),
        ("ExcludePunctuation", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"),
    ];
    let excluded = wishes["ExcludeCharacters"].as_str().unwrap_or_default();
    let allowed = classes.iter().filter(|(exclusion, _)| !truth(exclusion)).flat_map(|(_, letters)| letters.chars());
    let space = truth("IncludeSpace").then_some(' ');
    let alphabet: Vec<char> = allowed.chain(space).filter(|letter| !excluded.contains(*letter)).collect();
    let length = wishes["PasswordLength"].as_u64().unwrap_or(32).min(4096) as usize;
    let mut password = String::new();
    while password.len() < length && !alphabet.is_empty() {
        let drawn = ids.hex32();
        let pairs = drawn.as_bytes().chunks(2).filter_map(|pair| std::str::from_utf8(pair).ok());
        let letters = pairs.filter_map(|pair| usize::from_str_radix(pair, 16).ok());
        password.extend(letters.map(|byte| alphabet[byte % alphabet.len()]).take(length - password.len()));
    }
    password
}

fn make_table(world: &mut World, table: &TableSpec) -> Result<Value, DeployError> {
    let given = &table.properties;
    let mut input = json!({"TableName": table.name});
    for member in
        ["AttributeDefinitions", "KeySchema", "BillingMode", "GlobalSecondaryIndexes", "DeletionProtectionEnabled"]
    {
        if let Some(value) = given.get(member) {
            input[member] = value.clone();
        }
    }
    if let Some(view) = given["StreamSpecification"].get("StreamViewType") {
        input["StreamSpecification"] = json!({"StreamEnabled": true, "StreamViewType": view});
    }
    if let Some(sse) = given.get("SSESpecification") {
        let mut encryption = json!({"Enabled": sse["SSEEnabled"]});
        for member in ["SSEType", "KMSMasterKeyId"] {
            if let Some(value) = sse.get(member) {
                encryption[member] = value.clone();
            }
        }
        input["SSESpecification"] = encryption;
    }
    let answer = call(world, &table.logical_id, "dynamodb", "CreateTable", input)?;
    if let Some(ttl) = given.get("TimeToLiveSpecification") {
        let input = json!({"TableName": table.name, "TimeToLiveSpecification": ttl});
        call(world, &table.logical_id, "dynamodb", "UpdateTimeToLive", input)?;
    }
    if let Some(recovery) = given.get("PointInTimeRecoverySpecification") {
        let input = json!({"TableName": table.name, "PointInTimeRecoverySpecification": recovery});
        call(world, &table.logical_id, "dynamodb", "UpdateContinuousBackups", input)?;
    }
    Ok(answer)
}

/// Topics, subscriptions, log groups, alarms and the resources' own policies.
fn make_surroundings(world: &mut World, stack: &Stack) -> Result<(), DeployError> {
    for topic in &stack.topics {
        let input = json!({"Name": topic.name, "Attributes": topic.attributes});
        call(world, &topic.logical_id, "sns", "CreateTopic", input)?;
    }
    for policy in &stack.topic_policies {
        for arn in &policy.topic_arns {
            let document = policy.document.to_string();
            let input = json!({"TopicArn": arn, "AttributeName": "Policy", "AttributeValue": document});
            call(world, &policy.logical_id, "sns", "SetTopicAttributes", input)?;
        }
    }
    for subscription in &stack.subscriptions {
        let input = json!({
            "TopicArn": subscription.topic_arn, "Protocol": subscription.protocol, "Endpoint": subscription.endpoint,
        });
        call(world, &subscription.logical_id, "sns", "Subscribe", input)?;
    }
    make_buckets(world, stack)?;
    for policy in &stack.queue_policies {
        let document = policy.document.to_string();
        for url in &policy.queue_urls {
            let input = json!({"QueueUrl": url, "Attributes": {"Policy": document}});
            call(world, &policy.logical_id, "sqs", "SetQueueAttributes", input)?;
            let name = url.rsplit('/').next().unwrap_or_default();
            let arn =
                format!("arn:{}:sqs:{}:{}:{name}", world.place.partition, world.place.region, world.place.account);
            let parsed = QueuePolicy::parse(&arn, &policy.document).map_err(|error| DeployError::QueuePolicy {
                resource: policy.logical_id.clone(),
                reason: error.to_string(),
            })?;
            world.bus.put_queue_policy(parsed);
        }
    }
    for group in &stack.log_groups {
        call(world, &group.logical_id, "logs", "CreateLogGroup", json!({"logGroupName": group.name}))?;
        if let Some(days) = group.retention_days {
            let input = json!({"logGroupName": group.name, "retentionInDays": days});
            call(world, &group.logical_id, "logs", "PutRetentionPolicy", input)?;
        }
    }
    for alarm in &stack.alarms {
        call(world, &alarm.logical_id, "monitoring", "PutMetricAlarm", alarm.properties.clone())?;
    }
    Ok(())
}

/// Buckets as the template sets them up. Their lifecycle rules are read and not played out, and their policies not evaluated.
fn make_buckets(world: &mut World, stack: &Stack) -> Result<(), DeployError> {
    for bucket in &stack.buckets {
        let given = &bucket.properties;
        let mut input = json!({
            "Bucket": bucket.name,
            "Encryption": given["BucketEncryption"]["ServerSideEncryptionConfiguration"][0],
            "Versioning": given["VersioningConfiguration"]["Status"],
        });
        if let Some(block) = given.get("PublicAccessBlockConfiguration") {
            let is_on = |switch: &str| block[switch] == true || block[switch] == "true";
            input["PublicAccessBlock"] = PUBLIC_ACCESS.iter().map(|switch| (*switch, is_on(switch))).collect();
        }
        call(world, &bucket.logical_id, "s3", "_Make", input)?;
    }
    for policy in &stack.bucket_policies {
        if !stack.buckets.iter().any(|bucket| bucket.name == policy.bucket) {
            let (resource, missing) = (policy.logical_id.clone(), policy.bucket.clone());
            return Err(DeployError::Missing { resource, missing });
        }
    }
    Ok(())
}

fn function(
    world: &mut World,
    keys: &Keys,
    deployment: &Deployment,
    spec: &FunctionSpec,
) -> Result<Function, DeployError> {
    let binary = match &deployment.binaries {
        Some(folder) => {
            let path = folder.join(&spec.binary);
            if !path.is_file() {
                return Err(DeployError::NoBinary { function: spec.logical_id.clone(), path });
            }
            path
        }
        None => PathBuf::from(&spec.binary),
    };
    let mut environment = spec.environment.clone();
    environment.extend(deployment.environment.clone());
    environment.extend(deployment.function_environment.get(&spec.logical_id).cloned().unwrap_or_default());
    let access_key = AccessKey {
        id: format!("ASIA{}", world.ids.label(16).to_uppercase()),
        // Signatures are not checked on loopback; the key id is what tells the roles apart.
        secret: world.ids.label(40),
        session_token: Some(world.ids.label(32)),
    };
    let caller = Caller::Role { role_arn: spec.role_arn.clone(), actor: spec.name.clone() };
    keys.insert(access_key.id.clone(), caller);
    Ok(Function {
        name: spec.name.clone(),
        arn: spec.arn.clone(),
        role_arn: spec.role_arn.clone(),
        handler: spec.handler.clone(),
        environment,
        timeout_secs: spec.timeout_secs,
        memory_mb: spec.memory_mb,
        reserved_concurrency: spec.reserved_concurrency,
        log_group: spec.log_group.clone(),
        log_format: spec.log_format,
        binary,
        access_key,
        dead_letter_arn: spec.dead_letter_arn.clone(),
    })
}

/// What wakes the functions.
fn connect(world: &mut World, stack: &Stack) -> Result<(), DeployError> {
    for config in &stack.invoke_configs {
        let name = function_name(world, &config.function, &config.logical_id)?;
        let settings = InvokeConfig {
            retries_max: config.retries_max,
            age_secs_max: config.age_secs_max,
            on_failure_arn: config.on_failure_arn.clone(),
        };
        world.lambda.put_invoke_config(&name, settings);
    }
    for grant in &stack.permissions {
        let name = function_name(world, &grant.function_arn, "AWS::Lambda::Permission")?;
        let function_arn = world.lambda.function(&name).map(|function| function.arn.clone()).unwrap_or_default();
        world.bus.grant(crate::events::Grant { function_arn, ..grant.clone() });
    }
    for rule in &stack.rules {
        let wrong = |source| DeployError::Pattern { rule: rule.logical_id.clone(), source };
        world.bus.put_rule(Rule {
            name: rule.name.clone(),
            arn: rule.arn.clone(),
            enabled: rule.enabled,
            pattern: Pattern::parse(&rule.pattern).map_err(wrong)?,
            targets: rule.targets.iter().map(target).collect(),
        });
    }
    for schedule in &stack.schedules {
        let wrong = |source| DeployError::Expression { schedule: schedule.logical_id.clone(), source };
        let new = NewSchedule {
            name: schedule.name.clone(),
            arn: schedule.arn.clone(),
            expression: Expression::parse(&schedule.expression, &schedule.time_zone).map_err(wrong)?,
            enabled: schedule.enabled,
            target_arn: schedule.target.arn.clone(),
            role_arn: schedule.role_arn.clone(),
            input: schedule.target.input.clone(),
            retry: schedule.target.retry,
            dead_letter_arn: schedule.target.dead_letter_arn.clone(),
        };
        world.bus.put_schedule(Schedule::new(new, world.now));
    }
    for spec in &stack.mappings {
        let mapping = mapping(world, spec)?;
        check_visibility(world, stack, spec, &mapping)?;
        world.lambda.put_mapping(mapping);
    }
    Ok(())
}

fn target(spec: &TargetSpec) -> Target {
    Target {
        id: spec.id.clone(),
        arn: spec.arn.clone(),
        input: spec.input.clone(),
        retry: spec.retry,
        dead_letter_arn: spec.dead_letter_arn.clone(),
    }
}

fn mapping(world: &mut World, spec: &MappingSpec) -> Result<Mapping, DeployError> {
    let function = function_name(world, &spec.function, &spec.logical_id)?;
    let filters = spec.filters.iter().map(|filter| Pattern::from_text(filter)).collect::<Result<Vec<_>, _>>();
    let filters = filters.map_err(|source| DeployError::Pattern { rule: spec.logical_id.clone(), source })?;
    let source = if spec.source_arn.contains(":dynamodb:") {
        if let Some(known) = world.lambda.function(&function).cloned() {
            // Lambda looks for the stream with the function's role when the mapping is made.
            may(world, &known, &[Need::new("dynamodb:ListStreams", spec.source_arn.clone())]);
        }
        let table = spec.source_arn.split(":table/").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default();
        Source::Stream(StreamSource {
            arn: spec.source_arn.clone(),
            table: table.to_owned(),
            retries_max: spec.retries_max,
            age_secs_max: spec.age_secs_max,
            bisects: spec.bisects,
            on_failure_arn: spec.on_failure_arn.clone(),
            ..StreamSource::default()
        })
    } else {
        let (arn, concurrency_max) = (spec.source_arn.clone(), spec.concurrency_max);
        Source::Queue(QueueSource { arn, concurrency_max, ..QueueSource::default() })
    };
    Ok(Mapping {
        id: spec.id.clone(),
        function,
        enabled: spec.enabled,
        batch_size: usize::try_from(spec.batch_size).unwrap_or(usize::MAX),
        window_secs: spec.window_secs,
        filters,
        reports_failures: spec.reports_failures,
        source,
    })
}

/// A message must stay hidden for as long as the function may take.
fn check_visibility(world: &World, stack: &Stack, spec: &MappingSpec, mapping: &Mapping) -> Result<(), DeployError> {
    let Some(queue) = stack.queues.iter().find(|queue| queue.arn == spec.source_arn) else { return Ok(()) };
    let given = queue.attributes.get("VisibilityTimeout").and_then(|seconds| seconds.parse().ok());
    let visibility = given.unwrap_or(VISIBILITY_SECS);
    let timeout = world.lambda.function(&mapping.function).map_or(0, |function| function.timeout_secs);
    if visibility < timeout {
        return Err(DeployError::Visibility { mapping: spec.logical_id.clone(), visibility, timeout });
    }
    Ok(())
}

/// The name of a function that is given by name or by ARN.
fn function_name(world: &World, given: &str, resource: &str) -> Result<String, DeployError> {
    let found = world.lambda.function(given).or_else(|| world.lambda.function_by_arn(given));
    let missing = || DeployError::Missing { resource: resource.to_owned(), missing: given.to_owned() };
    found.map(|function| function.name.clone()).ok_or_else(missing)
}

fn call(
    world: &mut World,
    resource: &str,
    service: &'static str,
    operation: &'static str,
    input: Value,
) -> Result<Value, DeployError> {
    world.internal(service, operation, input).map_err(|ApiError { code, message, .. }| DeployError::Call {
        resource: resource.to_owned(),
        operation,
        code,
        message,
    })
}
