//! EventBridge events of App Runner and their mirror, the `events` log stream (facts, 1.4, 5.1 and 5.2).
//!
//! The codes and messages are those of the developer guide; the spelling of the keys is a switch.

use serde_json::{Value, json};

use crate::call::Ctx;
use crate::effect::Effect;
use crate::switches::EventKeys;

use super::lines;
use super::operations::{OperationType, Status};
use super::services::Identity;

const SOURCE: &str = "aws.apprunner";

/// The three stages of an operation that have an event. There is none for a rollback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Started,
    CompletedSuccessfully,
    Failed,
}

/// What a successful update deployed: the guide has a message for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deployed {
    ApplicationAndConfiguration,
    Configuration,
}

/// The code, such as `DeploymentFailed`.
fn code(kind: OperationType, stage: Stage) -> String {
    let subject = match kind {
        OperationType::StartDeployment => "Deployment",
        OperationType::CreateService => "CreateService",
        OperationType::PauseService => "PauseService",
        OperationType::ResumeService => "ResumeService",
        OperationType::DeleteService => "DeleteService",
        OperationType::UpdateService => "UpdateService",
    };
    format!("{subject}{stage:?}")
}

fn message(kind: OperationType, stage: Stage, deployed: Deployed) -> String {
    let subject = match kind {
        OperationType::StartDeployment => "Deployment",
        OperationType::CreateService => "Service creation",
        OperationType::PauseService => "Service pause",
        OperationType::ResumeService => "Service resume",
        OperationType::DeleteService => "Service deletion",
        OperationType::UpdateService => "Service update",
    };
    let logged =
        matches!(kind, OperationType::StartDeployment | OperationType::CreateService | OperationType::UpdateService);
    match stage {
        Stage::Started => format!("{subject} started."),
        Stage::Failed if logged => format!("{subject} failed. For details, see service logs."),
        Stage::Failed => format!("{subject} failed."),
        Stage::CompletedSuccessfully if kind == OperationType::UpdateService => match deployed {
            Deployed::ApplicationAndConfiguration => {
                format!("{subject} completed successfully. New application and configuration is deployed.")
            }
            Deployed::Configuration => format!("{subject} completed successfully. New configuration is deployed."),
        },
        Stage::CompletedSuccessfully => format!("{subject} completed successfully."),
    }
}

/// `AppRunner Service Operation Status Change`, and the same line in the `events` stream.
pub(super) fn operation(ctx: &mut Ctx<'_>, who: &Identity, kind: OperationType, stage: Stage, deployed: Deployed) {
    let message = message(kind, stage, deployed);
    lines::event(ctx, who, &message);
    let key = match ctx.switches.event_keys {
        EventKeys::LowerCamel | EventKeys::Mixed => "operationStatus",
        EventKeys::Pascal => "Status",
    };
    let severity = if stage == Stage::Failed { "ERROR" } else { "INFO" };
    let own = vec![(key, code(kind, stage))];
    send(ctx, who, "AppRunner Service Operation Status Change", own, &message, severity);
}

/// `AppRunner Service Status Change`, and its line in the `events` stream.
pub(super) fn status(ctx: &mut Ctx<'_>, who: &Identity, previous: Status, current: Status) {
    let message = status_line(ctx, who, current);
    let (before, after) = match ctx.switches.event_keys {
        EventKeys::LowerCamel => ("previousServiceStatus", "currentServiceStatus"),
        EventKeys::Pascal | EventKeys::Mixed => ("PreviousStatus", "CurrentStatus"),
    };
    let own = vec![(before, previous.as_str().to_owned()), (after, current.as_str().to_owned())];
    send(ctx, who, "AppRunner Service Status Change", own, &message, "INFO");
}

/// Only the line: a service that is being created has no previous status to leave.
pub(super) fn status_line(ctx: &mut Ctx<'_>, who: &Identity, current: Status) -> String {
    let message = format!("Service status is set to {}.", current.as_str());
    lines::event(ctx, who, &message);
    message
}

/// `AppRunner Custom Domain Validation Status Update`. Its payload is published nowhere that we could read: these keys are
/// our choice (README).
pub(super) fn domain(ctx: &mut Ctx<'_>, who: &Identity, domain: &str, validation: &str) {
    let message = format!("Custom domain validation status of {domain} is set to {validation}.");
    lines::event(ctx, who, &message);
    let (name, status) = match ctx.switches.event_keys {
        EventKeys::LowerCamel => ("domainName", "validationStatus"),
        EventKeys::Pascal | EventKeys::Mixed => ("DomainName", "ValidationStatus"),
    };
    let own = vec![(name, domain.to_owned()), (status, validation.to_owned())];
    send(ctx, who, "AppRunner Custom Domain Validation Status Update", own, &message, "INFO");
}

fn send(ctx: &mut Ctx<'_>, who: &Identity, detail_type: &str, own: Vec<(&str, String)>, message: &str, severity: &str) {
    let common = match ctx.switches.event_keys {
        EventKeys::LowerCamel => ["serviceName", "serviceId", "message", "severity"],
        EventKeys::Pascal | EventKeys::Mixed => ["ServiceName", "ServiceId", "Message", "Severity"],
    };
    let values = [&who.name, &who.id, message, severity];
    let detail: Value = own
        .into_iter()
        .map(|(key, value)| (key.to_owned(), json!(value)))
        .chain(common.iter().zip(values).map(|(key, value)| ((*key).to_owned(), json!(value))))
        .collect::<serde_json::Map<_, _>>()
        .into();
    ctx.effects.push(Effect::Event {
        source: SOURCE.to_owned(),
        detail_type: detail_type.to_owned(),
        resources: vec![who.arn.clone()],
        detail,
    });
}
