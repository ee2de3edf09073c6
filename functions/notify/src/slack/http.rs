//! One HTTP client for Slack: no redirects, no retries, time limits, bounded answers. It goes only where [`super::address`]
//! allowed, and it logs no address.

use std::io;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{Method, Request, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use super::answer::Arrived;

/// Opening a connection.
const CONNECT: Duration = Duration::from_secs(1);
/// The whole call. An incident's other channels wait behind it, and the function's time limit stands behind them.
const WHOLE: Duration = Duration::from_secs(5);
/// Bytes of an answer that are read; Slack's are far shorter.
const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// The client. Built once, before the first event.
#[derive(Clone, Debug)]
pub struct Http {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    whole: Duration,
}

impl Http {
    /// # Errors
    /// The machine has no root certificates that can be read.
    pub fn new() -> io::Result<Self> {
        let mut tcp = HttpConnector::new();
        tcp.set_connect_timeout(Some(CONNECT));
        tcp.enforce_http(false);
        let tls = HttpsConnectorBuilder::new().with_native_roots()?.https_or_http().enable_http1().wrap_connector(tcp);
        Ok(Self { client: Client::builder(TokioExecutor::new()).build(tls), whole: WHOLE })
    }

    /// The same client with another limit for the whole call: a test of a Slack that does not answer need not wait for it.
    #[cfg(test)]
    pub fn with_limit(self, whole: Duration) -> Self {
        Self { whole, ..self }
    }

    /// Posts JSON, with a token where there is one.
    pub async fn post(&self, uri: Uri, token: Option<&str>, body: &Value) -> Arrived {
        let Some(request) = request(uri, token, body) else {
            return Arrived::Nothing("the request to slack could not be built");
        };
        match tokio::time::timeout(self.whole, self.exchange(request)).await {
            Ok(arrived) => arrived,
            Err(_) => Arrived::Nothing("slack did not answer in time"),
        }
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Arrived {
        let Ok(answer) = self.client.request(request).await else {
            return Arrived::Nothing("slack could not be reached, or closed the connection");
        };
        let status = answer.status().as_u16();
        let retry_after_secs =
            answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        match Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await {
            Ok(body) => Arrived::Answer { status, retry_after_secs, body: body.to_bytes().to_vec() },
            Err(_) => Arrived::Nothing("slack's answer broke off or was too long"),
        }
    }
}

fn request(uri: Uri, token: Option<&str>, body: &Value) -> Option<Request<Full<Bytes>>> {
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(uri)
        .header(CONTENT_TYPE, "application/json; charset=utf-8")
        .body(Full::new(Bytes::from(body.to_string())))
        .ok()?;
    if let Some(token) = token {
        let mut value = HeaderValue::from_str(&format!("Bearer {token}")).ok()?;
        value.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, value);
    }
    Some(request)
}
