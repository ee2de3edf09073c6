//! What App Runner lists for a region besides services: connectors, ingress connections, configurations, connections.

use aws_sdk_apprunner::Client;
use aws_sdk_apprunner::types as sdk;
use pitcrew_aws::apprunner::time;
use pitcrew_aws::configurations::connector;
use pitcrew_aws::error::{AwsError, Kind};
use pitcrew_core::audit::facts::{Connection, Connector, Ingress, IngressStatus, Revision};

/// The most that App Runner gives in one page of these lists.
const PAGE: i32 = 100;
/// Ten of each, with ten revisions, by default; quotas can be raised.
const PAGES_MAX: usize = 50;

/// Reads a list of App Runner to its end.
macro_rules! pages {
    ($operation:literal, $call:expr, $items:expr) => {{
        let mut all = Vec::new();
        let mut token: Option<String> = None;
        let mut pages = 0;
        loop {
            pages += 1;
            if pages > PAGES_MAX {
                return Err(AwsError::broken($operation, format!("there are more than {PAGES_MAX} pages")));
            }
            let page = $call.max_results(PAGE).set_next_token(token.take()).send().await;
            let page = page.map_err(|error| AwsError::sort($operation, error))?;
            token = page.next_token.clone();
            all.extend($items(page));
            if token.is_none() {
                break all;
            }
        }
    }};
}

fn revision(arn: Option<String>, name: Option<String>, revision: i32) -> Option<Revision> {
    Some(Revision { arn: arn?, name: name?, revision: u32::try_from(revision).ok()? })
}

pub(crate) async fn connectors(client: &Client) -> Result<Vec<Connector>, AwsError> {
    use aws_sdk_apprunner::operation::list_vpc_connectors::ListVpcConnectorsOutput as Page;
    let all: Vec<sdk::VpcConnector> =
        pages!("apprunner:ListVpcConnectors", client.list_vpc_connectors(), |page: Page| page.vpc_connectors);
    Ok(all.into_iter().filter_map(connector).collect())
}

pub(crate) async fn scalings(client: &Client) -> Result<Vec<Revision>, AwsError> {
    use aws_sdk_apprunner::operation::list_auto_scaling_configurations::ListAutoScalingConfigurationsOutput as Page;
    let all: Vec<sdk::AutoScalingConfigurationSummary> = pages!(
        "apprunner:ListAutoScalingConfigurations",
        client.list_auto_scaling_configurations().latest_only(false),
        |page: Page| page.auto_scaling_configuration_summary_list
    );
    let one = |seen: sdk::AutoScalingConfigurationSummary| {
        let (arn, name) = (seen.auto_scaling_configuration_arn, seen.auto_scaling_configuration_name);
        revision(arn, name, seen.auto_scaling_configuration_revision)
    };
    Ok(all.into_iter().filter_map(one).collect())
}

pub(crate) async fn tracings(client: &Client) -> Result<Vec<Revision>, AwsError> {
    use aws_sdk_apprunner::operation::list_observability_configurations::ListObservabilityConfigurationsOutput as Page;
    let all: Vec<sdk::ObservabilityConfigurationSummary> = pages!(
        "apprunner:ListObservabilityConfigurations",
        client.list_observability_configurations().latest_only(false),
        |page: Page| page.observability_configuration_summary_list
    );
    let one = |seen: sdk::ObservabilityConfigurationSummary| {
        let (arn, name) = (seen.observability_configuration_arn, seen.observability_configuration_name);
        revision(arn, name, seen.observability_configuration_revision)
    };
    Ok(all.into_iter().filter_map(one).collect())
}

pub(crate) async fn connections(client: &Client) -> Result<Vec<Connection>, AwsError> {
    use aws_sdk_apprunner::operation::list_connections::ListConnectionsOutput as Page;
    let all: Vec<sdk::ConnectionSummary> =
        pages!("apprunner:ListConnections", client.list_connections(), |page: Page| page.connection_summary_list);
    let one = |seen: sdk::ConnectionSummary| {
        let status = seen.status.map(|status| status.as_str().to_owned()).unwrap_or_default();
        Some(Connection { arn: seen.connection_arn?, name: seen.connection_name?, status })
    };
    Ok(all.into_iter().filter_map(one).collect())
}

/// The list has no more than ARNs, so each is described: one call each.
pub(crate) async fn ingresses(client: &Client) -> Result<Vec<Ingress>, AwsError> {
    use aws_sdk_apprunner::operation::list_vpc_ingress_connections::ListVpcIngressConnectionsOutput as Page;
    const DESCRIBE: &str = "apprunner:DescribeVpcIngressConnection";
    let all: Vec<sdk::VpcIngressConnectionSummary> =
        pages!("apprunner:ListVpcIngressConnections", client.list_vpc_ingress_connections(), |page: Page| page
            .vpc_ingress_connection_summary_list);
    let mut ingresses = Vec::new();
    for arn in all.into_iter().filter_map(|summary| summary.vpc_ingress_connection_arn) {
        let answer = client.describe_vpc_ingress_connection().vpc_ingress_connection_arn(arn).send().await;
        match answer.map_err(|error| AwsError::sort(DESCRIBE, error)) {
            Ok(answer) => ingresses.extend(answer.vpc_ingress_connection.and_then(ingress)),
            // It was deleted since it was listed.
            Err(error) if error.kind == Kind::Missing => {}
            Err(error) => return Err(error),
        }
    }
    Ok(ingresses)
}

fn ingress(seen: sdk::VpcIngressConnection) -> Option<Ingress> {
    let vpc = seen.ingress_vpc_configuration?;
    let status = seen.status?;
    Some(Ingress {
        arn: seen.vpc_ingress_connection_arn?,
        name: seen.vpc_ingress_connection_name?,
        service: seen.service_arn?,
        status: match status.as_str() {
            "AVAILABLE" => IngressStatus::Available,
            "DELETED" => IngressStatus::Deleted,
            word if word.starts_with("FAILED") => IngressStatus::Failed(word.to_owned()),
            word => IngressStatus::Pending(word.to_owned()),
        },
        vpc: vpc.vpc_id?,
        endpoint: vpc.vpc_endpoint_id?,
        domain: seen.domain_name,
        created_at: seen.created_at.as_ref().map(time),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ingress_connection_is_read_with_its_status() {
        let seen = |status: &str| {
            let vpc = sdk::IngressVpcConfiguration::builder().vpc_id("vpc-1").vpc_endpoint_id("vpce-1").build();
            let seen = sdk::VpcIngressConnection::builder().vpc_ingress_connection_arn("arn:i");
            let seen = seen.vpc_ingress_connection_name("in").service_arn("arn:s").ingress_vpc_configuration(vpc);
            ingress(seen.status(status.into()).build()).unwrap().status
        };
        assert_eq!(seen("AVAILABLE"), IngressStatus::Available);
        assert_eq!(seen("PENDING_UPDATE"), IngressStatus::Pending("PENDING_UPDATE".into()));
        assert_eq!(seen("FAILED_CREATION"), IngressStatus::Failed("FAILED_CREATION".into()));
        assert_eq!(seen("DELETED"), IngressStatus::Deleted);
    }
}
