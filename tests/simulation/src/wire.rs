//! The way from the functions' SDK clients to the cloud: a call, and no socket. The clients are the real ones, with the
//! retries that the functions have; what they wait for between two tries costs no time here.

use std::sync::Arc;
use std::time::Duration;

use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_apprunner::config::{AsyncSleep, Credentials, SharedAsyncSleep, SharedCredentialsProvider, Sleep};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use http_body_util::BodyExt as _;
use hyper::Request;
use hyper::http::request::Parts;
use pitcrew_aws::connect::reads;
use pitcrew_cloud::faults::Fate;
use pitcrew_cloud::gateway::Gateway;
use pitcrew_cloud::lambda::Function;
use tokio::sync::Notify;

use crate::chance::Chance;

/// Nothing listens there.
const ENDPOINT: &str = "http://cloud.invalid";
/// How often a call may give way to what else runs, before it is made.
const YIELDS_MAX: usize = 3;

/// What a sandbox calls the cloud over.
#[derive(Clone, Debug)]
pub struct Wire {
    gateway: Gateway,
    chance: Chance,
    /// Whoever runs the invocation waits for it.
    killed: Arc<Notify>,
}

impl Wire {
    pub fn new(gateway: Gateway, chance: Chance, killed: Arc<Notify>) -> Self {
        Self { gateway, chance, killed }
    }

    /// The clients' configuration for this function.
    pub fn config(&self, function: &Function, region: &str) -> SdkConfig {
        let key = &function.access_key;
        let keys = Credentials::new(&key.id, &key.secret, key.session_token.clone(), None, "simulation");
        let connector = SharedHttpConnector::new(self.clone());
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(ENDPOINT)
            .region(Region::new(region.to_owned()))
            .credentials_provider(SharedCredentialsProvider::new(keys))
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .sleep_impl(SharedAsyncSleep::new(AtOnce))
            .retry_config(reads())
            // A limit would be over at once.
            .timeout_config(TimeoutConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build()
    }

    async fn exchange(self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        for _ in 0..self.chance.below(YIELDS_MAX + 1) {
            tokio::task::yield_now().await;
        }
        self.chance.meddle();
        let (parts, body) = read(request)?;
        let (response, fate) = self.gateway.exchange(&parts, &body);
        match fate {
            Fate::Answer | Fate::Late { .. } => {}
            Fate::Close => return Err(ConnectorError::io("the connection was closed".into())),
            Fate::Kill { .. } => {
                self.killed.notify_one();
                // Nobody hears of it any more: the invocation is dropped.
                std::future::pending::<()>().await;
            }
        }
        let (head, body) = response.into_parts();
        let body = body.collect().await.map_err(|error| ConnectorError::other(error.into(), None))?.to_bytes();
        let status =
            StatusCode::try_from(head.status.as_u16()).map_err(|error| ConnectorError::other(error.into(), None))?;
        let mut answer = HttpResponse::new(status, SdkBody::from(body));
        for (name, value) in &head.headers {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            answer.headers_mut().append(name.as_str().to_owned(), value);
        }
        Ok(answer)
    }
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.clone().exchange(request))
    }
}

fn read(request: HttpRequest) -> Result<(Parts, Vec<u8>), ConnectorError> {
    let body = request.body().bytes().map(<[u8]>::to_vec);
    let body = body.ok_or_else(|| ConnectorError::user("a streamed body".into()))?;
    let mut read = Request::builder().method(request.method()).uri(request.uri());
    for (name, value) in request.headers() {
        read = read.header(name, value);
    }
    let read = read.body(()).map_err(|error| ConnectorError::user(error.into()))?;
    Ok((read.into_parts().0, body))
}

/// Waits that take no time.
#[derive(Debug)]
struct AtOnce;

impl AsyncSleep for AtOnce {
    fn sleep(&self, _duration: Duration) -> Sleep {
        Sleep::new(std::future::ready(()))
    }
}
