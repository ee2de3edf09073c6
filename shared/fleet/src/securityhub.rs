//! Security Hub: findings in its own format, as `pitcrew_core::audit::asff` writes them, sent by the hundred.
//!
//! The format is JSON and the requests are JSON, so the findings go into the request as they are. The SDK's builders of some
//! thirty types would only copy them, and lose in silence what they do not know.

use aws_sdk_securityhub::Client;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use pitcrew_aws::error::AwsError;
use serde_json::{Value, json};

use crate::clients::FleetClients;

/// What one request takes.
const FINDINGS_MAX: usize = 100;
/// Security Hub takes 240 KB a finding and says nothing of a request; requests stay below the same number.
const BYTES_MAX: usize = 240_000;
/// What Security Hub answers where it is not enabled in the account and region.
const NOT_ENABLED: &str = "InvalidAccessException";

/// What came of sending findings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// Whether Security Hub is enabled in this account and region. Where it is not, nothing was sent, and that is no failure.
    pub enabled: bool,
    pub taken: usize,
    /// The findings that were refused: id, and why.
    pub refused: Vec<(String, String)>,
}

/// Imports findings. `bodies`: objects with a list `Findings`, of any number and length; they are cut anew.
///
/// # Errors
/// A request failed. Earlier ones took effect; findings are imported again by the same id without harm.
pub async fn import(clients: &FleetClients, bodies: &[Value]) -> Result<Sent, AwsError> {
    let mut sent = Sent { enabled: true, ..Sent::default() };
    for body in requests(bodies) {
        match import_one(&clients.securityhub, body).await {
            Ok((taken, refused)) => {
                sent.taken += taken;
                sent.refused.extend(refused);
            }
            Err(error) if error.code == NOT_ENABLED => return Ok(Sent::default()),
            Err(error) => return Err(error),
        }
    }
    Ok(sent)
}

/// Sets the workflow of findings. `bodies`: whole requests of `BatchUpdateFindings`.
///
/// # Errors
/// A request failed. Earlier ones took effect; the same again does no harm.
pub async fn update(clients: &FleetClients, bodies: &[Value]) -> Result<Sent, AwsError> {
    let mut sent = Sent { enabled: true, ..Sent::default() };
    for body in bodies {
        match update_one(&clients.securityhub, body.to_string()).await {
            Ok((taken, refused)) => {
                sent.taken += taken;
                sent.refused.extend(refused);
            }
            Err(error) if error.code == NOT_ENABLED => return Ok(Sent::default()),
            Err(error) => return Err(error),
        }
    }
    Ok(sent)
}

type Answer = (usize, Vec<(String, String)>);

async fn import_one(client: &Client, body: String) -> Result<Answer, AwsError> {
    let call = client.batch_import_findings().customize().mutate_request(move |request| put(request, &body));
    let answer = call.send().await.map_err(|error| AwsError::sort("securityhub:BatchImportFindings", error))?;
    let refused = answer.failed_findings.unwrap_or_default().into_iter().map(|failed| {
        let why = format!("{}: {}", failed.error_code.unwrap_or_default(), failed.error_message.unwrap_or_default());
        (failed.id.unwrap_or_default(), why)
    });
    Ok((usize::try_from(answer.success_count.unwrap_or(0)).unwrap_or(0), refused.collect()))
}

async fn update_one(client: &Client, body: String) -> Result<Answer, AwsError> {
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

/// The findings of all bodies, cut by number and by length. One that is too long by itself goes alone: Security Hub says so.
fn requests(bodies: &[Value]) -> Vec<String> {
    let mut requests = Vec::new();
    let (mut chunk, mut bytes): (Vec<&Value>, usize) = (Vec::new(), 0);
    for finding in bodies.iter().filter_map(|body| body["Findings"].as_array()).flatten() {
        let long = finding.to_string().len();
        if !chunk.is_empty() && (chunk.len() == FINDINGS_MAX || bytes + long > BYTES_MAX) {
            requests.push(json!({"Findings": chunk}).to_string());
            (chunk, bytes) = (Vec::new(), 0);
        }
        chunk.push(finding);
        bytes += long + 1;
    }
    if !chunk.is_empty() {
        requests.push(json!({"Findings": chunk}).to_string());
    }
    requests
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(requests: &[String]) -> Vec<usize> {
        let read = |text: &String| serde_json::from_str::<Value>(text).unwrap();
        requests.iter().map(|text| read(text)["Findings"].as_array().unwrap().len()).collect()
    }

    #[test]
    fn findings_are_cut_by_number_and_by_length_and_none_is_lost() {
        let small = json!({"Findings": vec![json!({"Id": "a"}); 130]});
        assert_eq!(sizes(&requests(&[small.clone(), small])), [100, 100, 60]);
        let long = json!({"Id": "x".repeat(100_000)});
        let cut = requests(&[json!({"Findings": vec![long; 5]})]);
        assert_eq!(sizes(&cut), [2, 2, 1]);
        assert!(cut.iter().all(|request| request.len() < BYTES_MAX + 20));
        let huge = json!({"Id": "x".repeat(300_000)});
        assert_eq!(sizes(&requests(&[json!({"Findings": [huge.clone(), huge]})])), [1, 1]);
        assert_eq!(requests(&[json!({"Findings": []})]), Vec::<String>::new());
    }

    #[test]
    fn the_body_that_is_sent_is_the_findings_and_its_length_is_theirs() {
        let mut request = HttpRequest::new(SdkBody::from("{}"));
        request.headers_mut().insert("content-length", "2");
        put(&mut request, r#"{"Findings":[1]}"#);
        assert_eq!(request.body().bytes(), Some(&br#"{"Findings":[1]}"#[..]));
        assert_eq!(request.headers().get("content-length"), Some("16"));
    }
}
