//! The only writes to App Runner: one call an intent, never retried here. What its answer means is decided in `core`.

use aws_sdk_apprunner::Client;
use aws_sdk_apprunner::config::Config;
use aws_sdk_apprunner::types as sdk;
use aws_smithy_types::retry::RetryConfig;
use pitcrew_core::id::{OperationId, ServiceArn};
use pitcrew_core::incident::Action;
use pitcrew_core::rollback::answer::CallAnswer;

use crate::error::{AwsError, Kind};

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
        Err(error) => refusal(&error),
    }
}

fn refusal(error: &AwsError) -> CallAnswer {
    match error.kind {
        Kind::Busy | Kind::Conflict => CallAnswer::Busy(error.line()),
        Kind::Transient => CallAnswer::NotMade(error.line()),
        Kind::Unknown => CallAnswer::Lost(error.line()),
        Kind::Denied | Kind::Missing | Kind::Permanent => {
            CallAnswer::Refused { code: error.code.clone(), message: error.message.clone() }
        }
    }
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
                sdk::ImageConfiguration::builder().port("9000").runtime_environment_variables("MODE", "production").build(),
            )
            .build()
            .unwrap();
        let access = sdk::AuthenticationConfiguration::builder().access_role_arn("arn:aws:iam::123456789012:role/pull").build();
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
    fn a_branch_is_never_set_on_a_service_that_runs_an_image() {
        assert_eq!(changed(&live(), &Action::SetBranch { branch: "stable".into() }), None);
    }
}
