//! The only writes to App Runner: one call an intent, never retried here. What its answer means is decided in `core`.

use aws_sdk_apprunner::Client;
use aws_sdk_apprunner::config::Config;
use aws_sdk_apprunner::types as sdk;
use aws_smithy_types::retry::RetryConfig;
use pitcrew_core::id::{OperationId, ServiceArn};
use pitcrew_core::incident::Action;
use pitcrew_core::rollback::answer::CallAnswer;

use crate::error::{AwsError, Kind};

/// Shorter values (`8080`, `true`) are no secrets, and to cut them out would leave nothing to read.
const VALUE_CHARS_MIN: usize = 6;

/// Makes the one call of an action on the live source configuration.
pub async fn apply(
    client: &Client,
    arn: &ServiceArn,
    live: Option<&sdk::SourceConfiguration>,
    action: &Action,
) -> CallAnswer {
    let once = Config::builder().retry_config(RetryConfig::disabled());
    let outcome = match action {
        Action::Redeploy { .. } => {
            let call = client.start_deployment().service_arn(arn.to_string()).customize().config_override(once);
            let answer = call.send().await;
            answer.map(|answer| answer.operation_id).map_err(|error| AwsError::sort("apprunner:StartDeployment", error))
        }
        Action::SetImage { .. } | Action::SetBranch { .. } => {
            let Some(source) = live.and_then(|live| changed(live, action)) else {
                let message = "the service's source is not of the kind that the action changes".to_owned();
                return CallAnswer::Refused { code: "source-kind".to_owned(), message };
            };
            let call = client.update_service().service_arn(arn.to_string()).source_configuration(source);
            let answer = call.customize().config_override(once).send().await;
            answer.map(|answer| answer.operation_id).map_err(|error| AwsError::sort("apprunner:UpdateService", error))
        }
    };
    match outcome {
        // An update that changes nothing answers without an operation; the SDK reads that as an empty id.
        Ok(operation) if operation.is_empty() => CallAnswer::NothingChanged,
        Ok(operation) => CallAnswer::Started(OperationId::new(&operation)),
        Err(error) => refusal(error, live),
    }
}

fn refusal(mut error: AwsError, live: Option<&sdk::SourceConfiguration>) -> CallAnswer {
    error.message = without_values(error.message, live);
    match error.kind {
        Kind::Busy | Kind::Conflict => CallAnswer::Busy(error.line()),
        Kind::Transient => CallAnswer::NotMade(error.line()),
        Kind::Unknown => CallAnswer::Lost(error.line()),
        Kind::Denied | Kind::Missing | Kind::Permanent => {
            CallAnswer::Refused { code: error.code, message: error.message }
        }
    }
}

/// The message without the values of environment variables. AWS quotes in a refusal what it does not like of a request, and
/// the answer goes into receipts and notices, where no such value may be.
fn without_values(mut message: String, live: Option<&sdk::SourceConfiguration>) -> String {
    let image = live.and_then(|live| live.image_repository.as_ref()?.image_configuration.as_ref());
    let code = live.and_then(|live| live.code_repository.as_ref()?.code_configuration.as_ref());
    let code = code.and_then(|code| code.code_configuration_values.as_ref());
    let variables = [
        image.and_then(|image| image.runtime_environment_variables.as_ref()),
        code.and_then(|code| code.runtime_environment_variables.as_ref()),
    ];
    let mut values: Vec<&String> = variables.into_iter().flatten().flat_map(|variables| variables.values()).collect();
    // The longest first: one value may be a part of another.
    values.sort_by_key(|value| std::cmp::Reverse(value.len()));
    for value in values.into_iter().filter(|value| value.len() >= VALUE_CHARS_MIN) {
        message = message.replace(value.as_str(), "[value]");
    }
    message
}

/// The complete current source configuration in which only what the action names differs (R7).
fn changed(live: &sdk::SourceConfiguration, action: &Action) -> Option<sdk::SourceConfiguration> {
    let mut source = live.clone();
    match action {
        Action::SetImage { image, auto_deploy } => {
            source.image_repository.as_mut()?.image_identifier = image.to_string();
            source.auto_deployments_enabled = Some(*auto_deploy);
        }
        Action::SetBranch { branch } => {
            source.code_repository.as_mut()?.source_code_version.as_mut()?.value.clone_from(branch);
        }
        Action::Redeploy { .. } => return None,
    }
    Some(source)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pitcrew_core::id::ImageRef;

    fn live() -> sdk::SourceConfiguration {
        let image = sdk::ImageRepository::builder()
            .image_identifier("123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop:latest")
            .image_repository_type(sdk::ImageRepositoryType::Ecr)
            .image_configuration(
                sdk::ImageConfiguration::builder()
                    .port("9000")
                    .runtime_environment_variables("MODE", "production")
                    .build(),
            )
            .build()
            .unwrap();
        let access =
            sdk::AuthenticationConfiguration::builder().access_role_arn("arn:aws:iam::123456789012:role/pull").build();
        sdk::SourceConfiguration::builder()
            .image_repository(image)
            .auto_deployments_enabled(true)
            .authentication_configuration(access)
            .build()
    }

    #[test]
    fn an_update_changes_the_image_and_automatic_deployment_and_nothing_else() {
        let digest = format!("sha256:{}", "ab".repeat(32));
        let image = ImageRef::parse(&format!("123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop@{digest}")).unwrap();
        let changed = changed(&live(), &Action::SetImage { image: image.clone(), auto_deploy: false }).unwrap();
        let mut expected = live();
        expected.image_repository.as_mut().unwrap().image_identifier = image.to_string();
        expected.auto_deployments_enabled = Some(false);
        assert_eq!(changed, expected);
    }

    #[test]
    fn a_refusal_that_quotes_the_request_tells_no_value_of_the_environment() {
        let mut error = AwsError::broken("apprunner:UpdateService", "Value '{MODE=production}' at 'source' is wrong");
        error.code = "InvalidRequestException".to_owned();
        let CallAnswer::Refused { message, .. } = refusal(error, Some(&live())) else { panic!("it was refused") };
        assert_eq!(message, "Value '{MODE=[value]}' at 'source' is wrong");
    }

    #[test]
    fn a_branch_is_never_set_on_a_service_that_runs_an_image() {
        assert_eq!(changed(&live(), &Action::SetBranch { branch: "stable".into() }), None);
    }
}
