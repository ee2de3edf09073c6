//! App Runner, read: each answer becomes our own types once. Environment values stop here: only their keyed hashes go on.

use std::collections::BTreeMap;

use aws_sdk_apprunner::Client;
use aws_sdk_apprunner::types as sdk;
use aws_smithy_types::DateTime;
use jiff::Timestamp;
use pitcrew_core::autonomy::Tags;
use pitcrew_core::id::{ImageRef, OperationId, ServiceArn};
use pitcrew_core::memory::Judged;
use pitcrew_core::service::{
    Fingerprint, FingerprintKey, Operation, OperationKind, OperationStatus, Service, ServiceStatus, Source,
};

use crate::error::{AwsError, Kind};

/// Pages of operations that are read at the most: 100 operations that nobody judged are history, not news.
const OPERATION_PAGES_MAX: usize = 5;
/// Pages of services: 20 a page, so a fleet of 20,000.
const SERVICE_PAGES_MAX: usize = 1000;

/// `DescribeService`: what decisions need, and the source configuration as it must be sent back.
pub struct Described {
    pub service: Service,
    /// Complete, with values: it goes from one answer into one request and nowhere else.
    pub source: Option<sdk::SourceConfiguration>,
}

/// A time of the SDK as ours.
pub fn time(at: &DateTime) -> Timestamp {
    Timestamp::new(at.secs(), i32::try_from(at.subsec_nanos()).unwrap_or(0)).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// `DescribeService`; `None` where App Runner does not know the service.
///
/// # Errors
/// The service cannot be read.
pub async fn describe_service(client: &Client, arn: &ServiceArn) -> Result<Option<sdk::Service>, AwsError> {
    const OPERATION: &str = "apprunner:DescribeService";
    let answer = client.describe_service().service_arn(arn.to_string()).send().await;
    match answer.map_err(|error| AwsError::sort(OPERATION, error)) {
        Ok(answer) => {
            answer.service.map(Some).ok_or_else(|| AwsError::broken(OPERATION, "the answer holds no service"))
        }
        Err(error) if error.kind == Kind::Missing => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads a service; `None` where App Runner does not know it.
pub async fn observe_service(
    client: &Client,
    arn: &ServiceArn,
    key: Option<&FingerprintKey>,
) -> Result<Option<Described>, AwsError> {
    let Some(service) = describe_service(client, arn).await? else { return Ok(None) };
    let fingerprint = key.map(|key| fingerprint(&service, key)).unwrap_or_default();
    Ok(Some(Described {
        service: Service {
            arn: arn.clone(),
            status: status(&service.status),
            source: source(service.source_configuration.as_ref()),
            created_at: time(&service.created_at),
            fingerprint,
        },
        source: service.source_configuration,
    }))
}

/// The status of a service; one that we do not know keeps its word.
pub fn status(status: &sdk::ServiceStatus) -> ServiceStatus {
    match status {
        sdk::ServiceStatus::CreateFailed => ServiceStatus::CreateFailed,
        sdk::ServiceStatus::Running => ServiceStatus::Running,
        sdk::ServiceStatus::Deleted => ServiceStatus::Deleted,
        sdk::ServiceStatus::DeleteFailed => ServiceStatus::DeleteFailed,
        sdk::ServiceStatus::Paused => ServiceStatus::Paused,
        sdk::ServiceStatus::OperationInProgress => ServiceStatus::OperationInProgress,
        other => ServiceStatus::Unknown(other.as_str().to_owned()),
    }
}

/// What a service is deployed from.
pub fn source(configuration: Option<&sdk::SourceConfiguration>) -> Source {
    let Some(configuration) = configuration else { return Source::Unknown("no source configuration".to_owned()) };
    let auto_deploy = configuration.auto_deployments_enabled;
    if let Some(repository) = &configuration.image_repository {
        return match ImageRef::parse(&repository.image_identifier) {
            Ok(image) => Source::Image { image, auto_deploy },
            Err(error) => Source::Unknown(error.to_string()),
        };
    }
    match &configuration.code_repository {
        Some(repository) => Source::Code {
            repository: repository.repository_url.clone(),
            branch: repository.source_code_version.as_ref().map(|version| version.value.clone()).unwrap_or_default(),
            auto_deploy,
        },
        None => Source::Unknown("neither an image nor a code repository".to_owned()),
    }
}

/// The parts of the configuration that a deployment can be broken by. The image is not one of them: it has the ledger.
fn fingerprint(service: &sdk::Service, key: &FingerprintKey) -> Fingerprint {
    let mut parts: BTreeMap<String, String> = BTreeMap::new();
    let mut put = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            parts.insert(name.to_owned(), value.to_owned());
        }
    };
    if let Some(instance) = &service.instance_configuration {
        put("instance:cpu", instance.cpu.as_deref());
        put("instance:memory", instance.memory.as_deref());
        put("instance:role", instance.instance_role_arn.as_deref());
    }
    if let Some(check) = &service.health_check_configuration {
        put("health:protocol", check.protocol.as_ref().map(sdk::HealthCheckProtocol::as_str));
        put("health:path", check.path.as_deref());
        for (name, value) in [
            ("health:interval", check.interval),
            ("health:timeout", check.timeout),
            ("health:healthy", check.healthy_threshold),
            ("health:unhealthy", check.unhealthy_threshold),
        ] {
            put(name, value.map(|value| value.to_string()).as_deref());
        }
    }
    let egress = service.network_configuration.as_ref().and_then(|network| network.egress_configuration.as_ref());
    put("network:connector", egress.and_then(|egress| egress.vpc_connector_arn.as_deref()));
    let image = service.source_configuration.as_ref().and_then(|source| source.image_repository.as_ref());
    if let Some(image) = image.and_then(|image| image.image_configuration.as_ref()) {
        put("port", image.port.as_deref());
        put("start-command", image.start_command.as_deref());
        for (name, value) in image.runtime_environment_variables.iter().flatten() {
            put(&format!("env:{name}"), Some(value));
        }
        for (name, value) in image.runtime_environment_secrets.iter().flatten() {
            put(&format!("secret:{name}"), Some(value));
        }
    }
    Fingerprint::of(parts.iter().map(|(name, value)| (name.as_str(), value.as_str())), key)
}

/// The operations of a service, newest first, back to the newest that was judged. `None` where App Runner does not know it.
pub async fn observe_operations(
    client: &Client,
    arn: &ServiceArn,
    judged: &Judged,
) -> Result<Option<Vec<Operation>>, AwsError> {
    const OPERATION: &str = "apprunner:ListOperations";
    let mut operations = Vec::new();
    let mut token: Option<String> = None;
    for _ in 0..OPERATION_PAGES_MAX {
        let page = client.list_operations().service_arn(arn.to_string()).max_results(20).set_next_token(token.take());
        let page = match page.send().await.map_err(|error| AwsError::sort(OPERATION, error)) {
            Ok(page) => page,
            Err(error) if error.kind == Kind::Missing => return Ok(None),
            Err(error) => return Err(error),
        };
        operations.extend(page.operation_summary_list.unwrap_or_default().iter().filter_map(operation));
        token = page.next_token;
        let known = judged.through.is_none() || operations.last().is_none_or(|oldest| judged.covers(oldest));
        if token.is_none() || known {
            break;
        }
    }
    // Newest first is documented; a tie or a slip of the list must not change a decision.
    operations.sort_by(|a, b| (b.started_at, &b.id).cmp(&(a.started_at, &a.id)));
    Ok(Some(operations))
}

fn operation(summary: &sdk::OperationSummary) -> Option<Operation> {
    Some(Operation {
        id: OperationId::new(summary.id.as_deref()?),
        kind: match summary.r#type.as_ref()? {
            sdk::OperationType::StartDeployment => OperationKind::StartDeployment,
            sdk::OperationType::CreateService => OperationKind::CreateService,
            sdk::OperationType::PauseService => OperationKind::PauseService,
            sdk::OperationType::ResumeService => OperationKind::ResumeService,
            sdk::OperationType::DeleteService => OperationKind::DeleteService,
            sdk::OperationType::UpdateService => OperationKind::UpdateService,
            other => OperationKind::Unknown(other.as_str().to_owned()),
        },
        status: match summary.status.as_ref()? {
            sdk::OperationStatus::Pending => OperationStatus::Pending,
            sdk::OperationStatus::InProgress => OperationStatus::InProgress,
            sdk::OperationStatus::Failed => OperationStatus::Failed,
            sdk::OperationStatus::Succeeded => OperationStatus::Succeeded,
            sdk::OperationStatus::RollbackInProgress => OperationStatus::RollbackInProgress,
            sdk::OperationStatus::RollbackFailed => OperationStatus::RollbackFailed,
            sdk::OperationStatus::RollbackSucceeded => OperationStatus::RollbackSucceeded,
            other => OperationStatus::Unknown(other.as_str().to_owned()),
        },
        started_at: time(summary.started_at.as_ref()?),
        ended_at: summary.ended_at.as_ref().map(time),
        updated_at: summary.updated_at.as_ref().map(time),
    })
}

/// The tags of a service.
pub async fn observe_tags(client: &Client, arn: &ServiceArn) -> Result<Tags, AwsError> {
    let answer = client.list_tags_for_resource().resource_arn(arn.to_string()).send().await;
    let answer = answer.map_err(|error| AwsError::sort("apprunner:ListTagsForResource", error))?;
    Ok(answer
        .tags
        .unwrap_or_default()
        .into_iter()
        .filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default())))
        .collect())
}

/// One page of services: their ARNs, and where the next page begins.
pub async fn observe_services(
    client: &Client,
    token: Option<String>,
) -> Result<(Vec<ServiceArn>, Option<String>), AwsError> {
    let answer = client.list_services().max_results(20).set_next_token(token).send().await;
    let answer = answer.map_err(|error| AwsError::sort("apprunner:ListServices", error))?;
    let arns = answer.service_summary_list.iter().filter_map(|service| service.service_arn.as_deref());
    Ok((arns.filter_map(|arn| ServiceArn::parse(arn).ok()).collect(), answer.next_token))
}

/// Every service of the region, page by page.
pub async fn observe_fleet(client: &Client) -> Result<Vec<ServiceArn>, AwsError> {
    let (mut fleet, mut token) = observe_services(client, None).await?;
    for _ in 1..SERVICE_PAGES_MAX {
        let Some(next) = token.take() else { break };
        let (page, following) = observe_services(client, Some(next)).await?;
        fleet.extend(page);
        token = following;
    }
    Ok(fleet)
}
