//! Security Hub: findings in its own format, as `pitcrew_core::audit::asff` writes them, one request at a time.
//!
//! The format is JSON and the requests are JSON, so the findings go into the request as they are. The SDK's builders of some
//! thirty types would only copy them, and lose in silence what they do not know.

use aws_sdk_securityhub::Client;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use pitcrew_aws::error::AwsError;
use pitcrew_core::audit::asff::{Call, Request};

use crate::clients::FleetClients;

/// What Security Hub answers where it is not enabled in the account and region.
const NOT_ENABLED: &str = "InvalidAccessException";

/// What came of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Taken {
        taken: usize,
        /// The findings that were refused: id, and why.
        refused: Vec<(String, String)>,
    },
    /// Security Hub is not enabled in this account and region. That is no failure.
    NotEnabled,
}

/// Sends one request. The same again does no harm: a finding is imported by its id.
///
/// # Errors
/// The request failed.
pub async fn send(clients: &FleetClients, request: Request) -> Result<Answer, AwsError> {
    let Request { call, body, .. } = request;
    let answer = match call {
        Call::Import => import(&clients.securityhub, body).await,
        Call::Update => update(&clients.securityhub, body).await,
    };
    match answer {
        Ok((taken, refused)) => Ok(Answer::Taken { taken, refused }),
        Err(error) if error.code == NOT_ENABLED => Ok(Answer::NotEnabled),
        Err(error) => Err(error),
    }
}

type Taken = (usize, Vec<(String, String)>);

async fn import(client: &Client, body: String) -> Result<Taken, AwsError> {
    let call = client.batch_import_findings().customize().mutate_request(move |request| put(request, &body));
    let answer = call.send().await.map_err(|error| AwsError::sort("securityhub:BatchImportFindings", error))?;
    let refused = answer.failed_findings.unwrap_or_default().into_iter().map(|failed| {
        let why = format!("{}: {}", failed.error_code.unwrap_or_default(), failed.error_message.unwrap_or_default());
        (failed.id.unwrap_or_default(), why)
    });
    Ok((usize::try_from(answer.success_count.unwrap_or(0)).unwrap_or(0), refused.collect()))
}

async fn update(client: &Client, body: String) -> Result<Taken, AwsError> {
    let call = client.batch_update_findings().customize().mutate_request(move |request| put(request, &body));
    let answer = call.send().await.map_err(|error| AwsError::sort("securityhub:BatchUpdateFindings", error))?;
    let refused = answer.unprocessed_findings.unwrap_or_default().into_iter().map(|left| {
        let why = format!("{}: {}", left.error_code.unwrap_or_default(), left.error_message.unwrap_or_default());
        (left.finding_identifier.and_then(|finding| finding.id).unwrap_or_default(), why)
    });
    Ok((answer.processed_findings.unwrap_or_default().len(), refused.collect()))
}

/// Puts the body in, before the request is signed.
fn put(request: &mut HttpRequest, body: &str) {
    request.headers_mut().insert("content-length", body.len().to_string());
    *request.body_mut() = SdkBody::from(body);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_that_is_sent_is_the_findings_and_its_length_is_theirs() {
        let mut request = HttpRequest::new(SdkBody::from("{}"));
        request.headers_mut().insert("content-length", "2");
        put(&mut request, r#"{"Findings":[1]}"#);
        assert_eq!(request.body().bytes(), Some(&br#"{"Findings":[1]}"#[..]));
        assert_eq!(request.headers().get("content-length"), Some("16"));
    }
}
