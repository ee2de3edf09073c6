//! The errors of App Runner, with the texts that users saw (facts/app-runner.md, 1.3). Texts that nobody published are ours
//! and say what would mend the request.
//!
//! Each operation answers only with the error types that its model declares: [`missing`] picks the right one.

use crate::call::ApiError;

/// Operations that name a resource but whose model declares no `ResourceNotFoundException`.
const WITHOUT_NOT_FOUND: [&str; 6] = [
    "AssociateCustomDomain",
    "CreateAutoScalingConfiguration",
    "CreateObservabilityConfiguration",
    "CreateService",
    "CreateVpcConnector",
    "CreateVpcIngressConnection",
];

pub(super) fn invalid_request(message: impl Into<String>) -> ApiError {
    ApiError::client("InvalidRequestException", message)
}

pub(super) fn invalid_state(message: impl Into<String>) -> ApiError {
    ApiError::client("InvalidStateException", message)
}

pub(super) fn quota(message: impl Into<String>) -> ApiError {
    ApiError::client("ServiceQuotaExceededException", message)
}

/// A resource that does not exist, in the type that the operation's model has for it.
pub(super) fn missing(operation: &str, what: &str, arn: &str) -> ApiError {
    let message = format!("{what} with the provided ARN does not exist: {arn}");
    if WITHOUT_NOT_FOUND.contains(&operation) {
        invalid_request(message)
    } else {
        ApiError::client("ResourceNotFoundException", message)
    }
}

/// `StartDeployment` on a service that is not `RUNNING` (seen by users; not an `InvalidStateException`).
pub(super) fn not_running() -> ApiError {
    invalid_request("Can't start a deployment on the specified service, because it isn't in RUNNING state.")
}

/// A write that the service's state forbids; `what` is `updated` (seen by users), `paused`, `deleted`, ...
pub(super) fn wrong_state(what: &str, status: &str) -> ApiError {
    invalid_state(format!("Service cannot be {what} in the current state: {status}."))
}

/// A role that App Runner cannot assume; `kind` is `access` or `instance`.
pub(super) fn cannot_assume(kind: &str, role: &str) -> ApiError {
    invalid_request(format!("Error in assuming {kind} role {role}"))
}

pub(super) fn already_associated(domain: &str, service: &str) -> ApiError {
    invalid_request(format!("{domain} is already associated with {service}"))
}

pub(super) fn no_custom_domain(domain: &str) -> ApiError {
    ApiError::client("ResourceNotFoundException", format!("No custom domain {domain} found for the provided service"))
}
