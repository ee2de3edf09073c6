//! The way to Slack: over the process's one HTTPS client; no redirects, no retries, time limits, bounded answers. It goes
//! only where [`super::address`] allowed, and it logs no address.

use std::time::Duration;

use http_body_util::{BodyExt as _, Limited};
use hyper::Uri;
use pitcrew_aws::https::{Https, PostError};
use serde_json::Value;

use super::answer::Arrived;

/// The whole call. An incident's other channels wait behind it, and the function's time limit stands behind them.
const WHOLE: Duration = Duration::from_secs(5);
/// Bytes of an answer that are read; Slack's are far shorter.
const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// The client.
#[derive(Clone, Debug)]
pub struct Http {
    https: Https,
    whole: Duration,
}

impl Http {
    pub fn new(https: &Https) -> Self {
        Self { https: https.clone(), whole: WHOLE }
    }

    /// The same client with another limit for the whole call: a test of a Slack that does not answer need not wait for it.
    #[cfg(test)]
    pub fn with_limit(self, whole: Duration) -> Self {
        Self { whole, ..self }
    }

    /// Posts JSON, with a token where there is one.
    pub async fn post(&self, uri: Uri, token: Option<&str>, body: &Value) -> Arrived {
        match tokio::time::timeout(self.whole, self.exchange(&uri.to_string(), token, body)).await {
            Ok(arrived) => arrived,
            Err(_) => Arrived::Nothing("slack did not answer in time"),
        }
    }

    async fn exchange(&self, uri: &str, token: Option<&str>, body: &Value) -> Arrived {
        let mut headers = vec![("content-type", "application/json; charset=utf-8".to_owned())];
        headers.extend(token.map(|token| ("authorization", format!("Bearer {token}"))));
        let answer = match self.https.post(uri, &headers, body.to_string()).await {
            Ok(answer) => answer,
            Err(PostError::Unfit) => return Arrived::Nothing("the request to slack could not be built"),
            Err(PostError::Lost) => return Arrived::Nothing("slack could not be reached, or closed the connection"),
        };
        let retry_after_secs = answer.retry_after.and_then(|value| value.trim().parse().ok());
        match Limited::new(answer.body, ANSWER_BYTES_MAX).collect().await {
            Ok(body) => Arrived::Answer { status: answer.status, retry_after_secs, body: body.to_bytes().to_vec() },
            Err(_) => Arrived::Nothing("slack's answer broke off or was too long"),
        }
    }
}
