//! The one HTTPS client of a process: every AWS client and the channel to Slack share its connections, its time limit and
//! its root certificates.
//!
//! The SDK's own default reads the root certificates into a new TLS configuration for each client that is built, and once
//! more for the first call; at seven clients that was most of a cold start. Here it happens once, before the first event,
//! while Lambda does not throttle the processor.
//!
//! The roots are the machine's, as `rustls-native-certs` finds them: `SSL_CERT_FILE` and `SSL_CERT_DIR` where they are set,
//! else where the system keeps them, which is `/etc/pki/tls/certs/ca-bundle.crt` on Lambda's Amazon Linux 2023. A
//! certificate among them that cannot be read is passed over. Nothing here retries, follows a redirect, uses a proxy, or
//! logs an address.

use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::http::{
    HttpConnector as _, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;

/// Opening a connection, the TLS handshake included.
pub(crate) const CONNECT: Duration = Duration::from_secs(1);

/// The client. Clones share everything.
#[derive(Clone, Debug)]
pub struct Https {
    connector: SharedHttpConnector,
}

/// An answer whose body has not been read yet: a stream (`http_body::Body`) that whoever reads it must bound.
pub struct Answer {
    pub status: u16,
    /// The header `Retry-After`, as it is.
    pub retry_after: Option<String>,
    pub body: SdkBody,
}

/// Why there is no answer. The text names neither the address nor a header: both may be secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PostError {
    /// Nothing was sent.
    #[error("the request could not be built")]
    Unfit,
    /// Something may have been sent.
    #[error("the host could not be reached, or closed the connection")]
    Lost,
}

impl Https {
    /// Reads the machine's root certificates.
    #[expect(clippy::new_without_default, reason = "it reads files: nothing that a default should do")]
    pub fn new() -> Self {
        let settings = HttpConnectorSettings::builder().connect_timeout(CONNECT).build();
        let provider = Provider::Rustls(CryptoMode::AwsLc);
        let connector = Connector::builder().connector_settings(settings).tls_provider(provider).build();
        Self { connector: SharedHttpConnector::new(connector) }
    }

    /// As the SDK wants it. Every client gets the same connector: the time limits that the SDK's own timers keep (for an
    /// attempt and for an operation) still differ by client, the limit for a connection is [`CONNECT`] for all.
    pub fn sdk(&self) -> SharedHttpClient {
        let connector = self.connector.clone();
        http_client_fn(move |_, _| connector.clone())
    }

    /// Posts to an address that is not AWS's, with exactly these headers. The caller bounds the time.
    ///
    /// # Errors
    /// See [`PostError`].
    pub async fn post(&self, uri: &str, headers: &[(&'static str, String)], body: String) -> Result<Answer, PostError> {
        let mut request = HttpRequest::new(SdkBody::from(body));
        request.set_method("POST").map_err(|_| PostError::Unfit)?;
        request.set_uri(uri).map_err(|_| PostError::Unfit)?;
        for (name, value) in headers {
            request.headers_mut().try_insert(*name, value.clone()).map_err(|_| PostError::Unfit)?;
        }
        let mut answer = self.connector.call(request).await.map_err(|_| PostError::Lost)?;
        Ok(Answer {
            status: answer.status().as_u16(),
            retry_after: answer.headers().get("retry-after").map(str::to_owned),
            body: answer.take_body(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_no_address_or_no_header_is_told_before_anything_is_sent() {
        let https = Https::new();
        let post = |uri: &'static str, value: &str| {
            let (https, headers) = (https.clone(), [("authorization", value.to_owned())]);
            async move { https.post(uri, &headers, String::new()).await.err() }
        };
        assert_eq!(post("not an address", "Bearer x").await, Some(PostError::Unfit));
        assert_eq!(post("http://127.0.0.1:1/", "Bearer x\r\nHost: other").await, Some(PostError::Unfit));
        assert_eq!(post("http://127.0.0.1:1/", "Bearer x").await, Some(PostError::Lost));
    }

    #[test]
    fn an_error_names_no_address() {
        assert_eq!(PostError::Lost.to_string(), "the host could not be reached, or closed the connection");
    }
}
