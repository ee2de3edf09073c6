//! What services share by ARN, read one by one: automatic scaling configurations and VPC connectors.

use aws_sdk_apprunner::Client;
use aws_sdk_apprunner::types as sdk;
use pitcrew_core::audit::facts::{Connector, ConnectorStatus, Scaling};

use crate::error::AwsError;

/// An automatic scaling configuration.
///
/// # Errors
/// It cannot be read, or lacks one of its numbers.
pub async fn observe_scaling(client: &Client, arn: &str) -> Result<Scaling, AwsError> {
    const OPERATION: &str = "apprunner:DescribeAutoScalingConfiguration";
    let answer = client.describe_auto_scaling_configuration().auto_scaling_configuration_arn(arn).send().await;
    let answer = answer.map_err(|error| AwsError::sort(OPERATION, error))?;
    let seen = answer.auto_scaling_configuration;
    let seen = seen.ok_or_else(|| AwsError::broken(OPERATION, "the answer holds no configuration"))?;
    let count = |seen: Option<i32>, name: &str| {
        let count = seen.and_then(|seen| u32::try_from(seen).ok());
        count.ok_or_else(|| AwsError::broken(OPERATION, format!("the configuration has no {name}")))
    };
    let name = seen.auto_scaling_configuration_name;
    Ok(Scaling {
        arn: arn.to_owned(),
        name: name.ok_or_else(|| AwsError::broken(OPERATION, "the configuration has no name"))?,
        revision: count(seen.auto_scaling_configuration_revision, "revision")?,
        min: count(seen.min_size, "MinSize")?,
        max: count(seen.max_size, "MaxSize")?,
        concurrency: count(seen.max_concurrency, "MaxConcurrency")?,
    })
}

/// A VPC connector.
///
/// # Errors
/// It cannot be read, or lacks its name.
pub async fn observe_connector(client: &Client, arn: &str) -> Result<Connector, AwsError> {
    const OPERATION: &str = "apprunner:DescribeVpcConnector";
    let answer = client.describe_vpc_connector().vpc_connector_arn(arn).send().await;
    let answer = answer.map_err(|error| AwsError::sort(OPERATION, error))?;
    let seen = answer.vpc_connector.ok_or_else(|| AwsError::broken(OPERATION, "the answer holds no connector"))?;
    connector(seen).ok_or_else(|| AwsError::broken(OPERATION, "the connector lacks its ARN, its name or its revision"))
}

/// A VPC connector as App Runner shows it. `None` where it lacks what every one has. One is inactive only where App Runner says so:
/// a status that is not known must not make a connector in use count for nothing.
pub fn connector(seen: sdk::VpcConnector) -> Option<Connector> {
    Some(Connector {
        arn: seen.vpc_connector_arn?,
        name: seen.vpc_connector_name?,
        revision: u32::try_from(seen.vpc_connector_revision).ok()?,
        status: match seen.status {
            Some(sdk::VpcConnectorStatus::Inactive) => ConnectorStatus::Inactive,
            _ => ConnectorStatus::Active,
        },
        subnets: seen.subnets.unwrap_or_default(),
        groups: seen.security_groups.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connector_is_inactive_only_where_app_runner_says_so() {
        let seen = |status: sdk::VpcConnectorStatus| {
            let seen = sdk::VpcConnector::builder().vpc_connector_arn("arn:c").vpc_connector_name("out");
            let seen = seen.vpc_connector_revision(2).subnets("subnet-1").security_groups("sg-1");
            connector(seen.status(status).build()).unwrap()
        };
        let expected = Connector {
            arn: "arn:c".into(),
            name: "out".into(),
            revision: 2,
            status: ConnectorStatus::Inactive,
            subnets: vec!["subnet-1".into()],
            groups: vec!["sg-1".into()],
        };
        assert_eq!(seen(sdk::VpcConnectorStatus::Inactive), expected);
        for status in ["ACTIVE", "BUSY"] {
            assert_eq!(seen(status.into()).status, ConnectorStatus::Active, "{status}");
        }
    }
}
