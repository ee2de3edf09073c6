//! The one way out of an audit: every request to AWS passes here, is counted, and waits for its place in its service's line.
//!
//! On the wire and not around the calls, because a retry of the SDK is a request too: it counts against the budget, it costs
//! the account's rate, and it must wait like any other. See [`Pace`] for the line.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use futures_util::future::BoxFuture;
use pitcrew_aws::https::Https;

use crate::pace::Pace;

/// Tries of a read. An audit has minutes, and its line slows down meanwhile: five reach over a longer throttle than a function's three.
const READ_TRIES: u32 = 5;
/// One try, from where its turn has come until its answer begins. What waits in the line costs no try: at one request a second some
/// thirty stand there, as eight services are read at the same time with four calls each.
const ATTEMPT: Duration = Duration::from_secs(15);
/// The same with its wait and the answer's body: no try may hang, whatever stands still.
const ATTEMPT_IN_ALL: Duration = Duration::from_secs(75);
/// All tries together reach over a throttle of two minutes. Who has less time (a walk that ends) gives up by himself.
const OPERATION: Duration = Duration::from_secs(180);
/// For what is written at the end of an invocation, which does not wait in a line.
const OPERATION_OF_A_STORE: Duration = Duration::from_secs(45);

/// Requests a second, by the service in the signature's scope. Route 53 takes five for a whole account, from everybody (developer
/// guide, "Quotas"); App Runner publishes none. The others allow more than this: they are slowed so that an audit is never
/// what throttles the owner.
fn rate_max(service: &str) -> f64 {
    match service {
        "route53" => 4.0,
        "apprunner" => 20.0,
        "dynamodb" => 100.0,
        "wafv2" => 5.0,
        _ => 10.0,
    }
}

/// What was asked of one service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Requests, retries included.
    pub calls: u64,
    /// Those of them that were refused because there were too many.
    pub throttled: u64,
}

struct Lane {
    pace: Pace,
    count: Count,
}

/// The time by which requests wait in their lines.
trait Clock: Send + Sync {
    /// Since some beginning.
    fn now(&self) -> Duration;
    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()>;
}

/// The machine's, as rates are of real seconds.
struct Machine(Instant);

impl Clock for Machine {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(time))
    }
}

/// Clones share counts and lines.
#[derive(Clone)]
pub struct Wire {
    inner: SharedHttpClient,
    clock: Arc<dyn Clock>,
    lanes: Arc<Mutex<BTreeMap<String, Lane>>>,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

impl Wire {
    /// The configuration with every request going through a new wire.
    pub fn around(config: &SdkConfig) -> (SdkConfig, Self) {
        let inner = config.http_client().unwrap_or_else(|| Https::new().sdk());
        let wire = Self { inner, clock: Arc::new(Machine(Instant::now())), lanes: Arc::default() };
        (wire.clone().into_config(config), wire)
    }

    fn into_config(self, config: &SdkConfig) -> SdkConfig {
        let connect = config.timeout_config().and_then(TimeoutConfig::connect_timeout);
        let mut timeouts = TimeoutConfig::builder();
        timeouts = timeouts.operation_attempt_timeout(ATTEMPT_IN_ALL).operation_timeout(OPERATION);
        timeouts.set_connect_timeout(connect);
        let config = config.to_builder().http_client(self).timeout_config(timeouts.build());
        config.retry_config(RetryConfig::standard().with_max_attempts(READ_TRIES)).build()
    }

    /// The timeouts of clients that keep results: at the end of an invocation there are no minutes.
    pub(crate) fn timeouts_of_a_store(config: &SdkConfig) -> TimeoutConfig {
        let mut timeouts = config.timeout_config().map_or_else(TimeoutConfig::builder, TimeoutConfig::to_builder);
        timeouts.set_operation_attempt_timeout(Some(ATTEMPT)).set_operation_timeout(Some(OPERATION_OF_A_STORE));
        timeouts.build()
    }

    /// What was asked so far, by service: `apprunner`, `ec2`.
    pub fn counts(&self) -> BTreeMap<String, Count> {
        self.with(|lanes| lanes.iter().map(|(service, lane)| (service.clone(), lane.count)).collect())
    }

    /// All requests so far.
    pub fn calls(&self) -> u64 {
        self.with(|lanes| lanes.values().map(|lane| lane.count.calls).sum())
    }

    /// All requests so far that were refused because there were too many.
    pub fn throttled(&self) -> u64 {
        self.with(|lanes| lanes.values().map(|lane| lane.count.throttled).sum())
    }

    fn with<T>(&self, look: impl FnOnce(&mut BTreeMap<String, Lane>) -> T) -> T {
        // Counts and rates are whole after every step: a panic elsewhere does not spoil them.
        look(&mut self.lanes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn enter(&self, service: &str) -> Duration {
        let now = self.clock.now();
        self.with(|lanes| {
            let new = || Lane { pace: Pace::new(rate_max(service)), count: Count::default() };
            let lane = lanes.entry(service.to_owned()).or_insert_with(new);
            lane.count.calls += 1;
            lane.pace.reserve(now)
        })
    }

    fn leave(&self, service: &str, throttled: bool) {
        let now = self.clock.now();
        self.with(|lanes| {
            let Some(lane) = lanes.get_mut(service) else { return };
            if throttled {
                lane.count.throttled += 1;
                lane.pace.refused(now);
                tracing::info!(service, rate = lane.pace.rate(), "AWS throttles: the audit slows down");
            } else {
                lane.pace.answered(now);
            }
        });
    }
}

impl HttpClient for Wire {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Paced { inner, wire: self.clone() })
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.inner.connector_metadata()
    }
}

#[derive(Debug)]
struct Paced {
    inner: SharedHttpConnector,
    wire: Wire,
}

impl HttpConnector for Paced {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (inner, wire) = (self.inner.clone(), self.wire.clone());
        let service = service_of(request.headers().get("authorization").unwrap_or_default()).to_owned();
        HttpConnectorFuture::new(async move {
            let wait = wire.enter(&service);
            if !wait.is_zero() {
                wire.clock.sleep(wait).await;
            }
            let answer = tokio::time::timeout(ATTEMPT, async { seen(inner.call(request).await?).await }).await;
            let (answer, throttled) = answer.map_err(|late| ConnectorError::timeout(late.into()))??;
            wire.leave(&service, throttled);
            Ok(answer)
        })
    }
}

/// The service that a request is signed for: `Credential=KEY/20261121/eu-west-1/apprunner/aws4_request`. The host does not
/// tell: one local address serves all of them.
fn service_of(authorization: &str) -> &str {
    let scope = authorization.split("Credential=").nth(1).and_then(|rest| rest.split(',').next()).unwrap_or_default();
    scope.split('/').nth_back(1).unwrap_or("unsigned")
}

/// Whether an answer is a refusal for too many requests. Only an error's body is read for it, which is short.
async fn seen(mut answer: HttpResponse) -> Result<(HttpResponse, bool), ConnectorError> {
    let status = answer.status().as_u16();
    if status < 400 {
        return Ok((answer, false));
    }
    let kind = answer.headers().get("x-amzn-errortype").unwrap_or_default().to_owned();
    let body = ByteStream::new(answer.take_body()).collect().await;
    let body = body.map_err(|error| ConnectorError::io(error.into()))?.into_bytes();
    let throttled = throttles(status, &kind, &String::from_utf8_lossy(&body));
    *answer.body_mut() = SdkBody::from(body);
    Ok((answer, throttled))
}

/// By the words that AWS's services use for it, in a header, in JSON or in XML.
fn throttles(status: u16, kind: &str, body: &str) -> bool {
    let words = ["Throttl", "TooManyRequests", "RequestLimitExceeded", "SlowDown", "ProvisionedThroughputExceeded"];
    status == 429 || words.iter().any(|word| kind.contains(word) || body.contains(word))
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
