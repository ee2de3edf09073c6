//! The cloud's one HTTP address: AWS's protocols in front of the world, on loopback.
//!
//! Owns: the wire. A request is routed by the service in its signature, decoded into the normal form, checked by the model,
//! given to the world, and answered in the protocol it came in; the `Date` of every answer is the cloud's clock. Never
//! decides what a call does, and never checks a signature but, where a switch says so, its date: a known access key is enough,
//! for nobody else is on loopback.

mod aws_chunked;
mod cbor;
mod dated;
mod ec2;
mod encode;
mod json;
mod query;
mod rest;
mod restxml;
mod route;
mod s3;
mod server;

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use flate2::read::GzDecoder;
use hyper::http::request::Parts;
use jiff::Timestamp;
use serde_json::{Map, Value, json as object};

use crate::call::{ApiError, Call, Caller};
use crate::control::Driver;
use crate::faults::Fate;
use crate::model::{Rule, Violations};
use crate::shape::time;
use crate::switches::SignatureDate;
use crate::world::World;
use route::Route;

pub use server::Server;

/// The operator's access key; it opens nothing but this process's own loopback address.
pub const OPERATOR_KEY: &str = "PITCREWLOCALOPERATOR";

/// A body may be as large as DynamoDB's largest request.
const BODY_MAX: usize = 16 * 1024 * 1024;

/// The world as the gateway, the driver and the control API share it.
pub type Shared = Arc<Mutex<World>>;

/// The world, also after a thread has panicked while it held it: the history is worth more than the doubt.
pub fn lock(world: &Shared) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Kills the process of the function with this name.
pub type KillHook = Arc<dyn Fn(&str) + Send + Sync>;

/// Who calls with a key, and until when it counts; a key without an end counts as long as the cloud runs.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Key {
    caller: Caller,
    expires: Option<Timestamp>,
}

/// Who calls with which access key. Clones share their keys.
#[derive(Clone, Debug)]
pub struct Keys(Arc<Mutex<BTreeMap<String, Key>>>);

impl Default for Keys {
    fn default() -> Self {
        let keys = Self(Arc::default());
        keys.insert(OPERATOR_KEY, Caller::Operator);
        keys
    }
}

impl Keys {
    pub fn insert(&self, access_key: impl Into<String>, caller: Caller) {
        self.put(access_key.into(), Key { caller, expires: None });
    }

    fn put(&self, access_key: String, key: Key) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(access_key, key);
    }

    pub fn remove(&self, access_key: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(access_key);
    }

    fn find(&self, access_key: &str) -> Option<Key> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(access_key).cloned()
    }
}

/// AWS's protocols and the control API in front of one world. Clones are the same gateway.
#[derive(Clone)]
pub struct Gateway {
    pub(crate) world: Shared,
    pub(crate) driver: Arc<dyn Driver>,
    keys: Keys,
    kill: Option<KillHook>,
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gateway")
    }
}

/// The protocol of a request; the answer has the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    Json(&'static str),
    Query,
    /// The dialect of the query protocol that only EC2 speaks.
    Ec2,
    Cbor,
    Rest,
    RestXml,
    /// Rest-xml as S3 speaks it.
    S3,
}

impl Protocol {
    /// Where errors have the names of the query protocol.
    fn is_xml(self) -> bool {
        matches!(self, Self::Query | Self::Ec2 | Self::RestXml | Self::S3)
    }

    /// Where the input is a form.
    fn is_form(self) -> bool {
        matches!(self, Self::Query | Self::Ec2)
    }
}

/// An answer as it goes over the wire.
#[derive(Debug)]
struct Encoded {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Encoded {
    fn new(status: u16, content_type: &str, body: Vec<u8>) -> Self {
        Self { status, headers: vec![("content-type".to_owned(), content_type.to_owned())], body }
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// A request that got as far as an operation.
struct Decoded {
    route: Route,
    call: Call,
}

impl Gateway {
    pub fn new(world: Shared, driver: Arc<dyn Driver>) -> Self {
        Self { world, driver, keys: Keys::default(), kill: None }
    }

    /// With what kills a function's process when a fault says so; without it the connection is closed all the same.
    #[must_use]
    pub fn on_kill(mut self, hook: KillHook) -> Self {
        self.kill = Some(hook);
        self
    }

    /// With the access keys of another gateway of the same cloud.
    #[must_use]
    pub fn with_keys(mut self, keys: Keys) -> Self {
        self.keys = keys;
        self
    }

    /// The access keys, to add those of the functions.
    pub fn keys(&self) -> Keys {
        self.keys.clone()
    }

    /// One request to its answer on the wire, and what becomes of it.
    fn answer(&self, parts: &Parts, body: &[u8]) -> (Encoded, Fate) {
        let request_id = lock(&self.world).ids.uuid();
        let (encoded, fate) = match unpacked(parts, body) {
            Ok(body) => self.answer_plain(parts, &body, &request_id),
            Err(error) => (encode::error(None, route::protocol(parts, b""), &error, &request_id), Fate::Answer),
        };
        // S3 has a header of its own for it, which clients do not read where this one stands.
        let is_told = encoded.headers.iter().any(|(name, _)| name == "x-amz-request-id");
        (if is_told { encoded } else { encoded.with("x-amzn-requestid", &request_id) }, fate)
    }

    fn answer_plain(&self, parts: &Parts, body: &[u8], request_id: &str) -> (Encoded, Fate) {
        let protocol = route::protocol(parts, body);
        let Decoded { route, call } = match self.decode(parts, body, protocol, request_id) {
            Ok(decoded) => decoded,
            Err((model, error)) => return (encode::error(model, protocol, &error, request_id), Fate::Answer),
        };
        let mut world = lock(&self.world);
        let reply = world.receive(&call);
        let encoded = match &reply.answer {
            Ok(output) => {
                note_what_the_wire_loses(&mut world, &route, &call, output);
                self.remember_assumed_role(&call, output);
                encode::answer(route.model, &call.operation, protocol, output, request_id)
            }
            Err(error) => encode::error(Some(route.model), protocol, error, request_id),
        };
        drop(world);
        if let (Fate::Kill { actor }, Some(kill)) = (&reply.fate, &self.kill) {
            kill(actor);
        }
        (encoded, reply.fate)
    }

    /// STS gives keys out and keeps nothing: who calls with them later is known here.
    fn remember_assumed_role(&self, call: &Call, output: &Value) {
        if call.service != "sts" || call.operation != "AssumeRole" {
            return;
        }
        if let Some(key) = output["Credentials"]["AccessKeyId"].as_str() {
            let (role_arn, actor) = (call.text("RoleArn").to_owned(), call.text("RoleSessionName").to_owned());
            let expires = time(&output["Credentials"], "Expiration");
            self.keys.put(key.to_owned(), Key { caller: Caller::Role { role_arn, actor }, expires });
        }
    }

    fn decode(&self, parts: &Parts, body: &[u8], protocol: Protocol, request_id: &str) -> Result<Decoded, Refusal> {
        let mut form = BTreeMap::new();
        if protocol.is_form() {
            form = query::fields(body);
            form.extend(query::fields(parts.uri.query().unwrap_or_default().as_bytes()));
        }
        let (service, caller) = self.caller(parts, protocol, &form).map_err(|error| (None, error))?;
        self.is_dated_now(parts, protocol).map_err(|error| (None, error))?;
        let route = route::route(&service, protocol, parts, &form).map_err(|error| (None, error))?;
        let refuse = |error: ApiError| (Some(route.model), error);
        let input = input(&route, protocol, parts, body, &form).map_err(refuse)?;
        route
            .model
            .validate(&route.operation, &input)
            .map_err(|wrong| refuse(bad_input(&service, protocol, &wrong)))?;
        let operation = route.operation.clone();
        let call = Call { service, operation, input, caller, request_id: request_id.to_owned() };
        Ok(Decoded { route, call })
    }

    fn is_dated_now(&self, parts: &Parts, protocol: Protocol) -> Result<(), ApiError> {
        let (switch, now) = {
            let world = lock(&self.world);
            (world.switches.signature_date, world.now)
        };
        match switch {
            SignatureDate::Checked => dated::check(parts, protocol, now),
            SignatureDate::Unchecked => Ok(()),
        }
    }

    /// The service that the request is signed for, and who has the key.
    fn caller(
        &self,
        parts: &Parts,
        protocol: Protocol,
        form: &BTreeMap<String, String>,
    ) -> Result<(String, Caller), ApiError> {
        let refused = |code: &str, message: &str| ApiError { status: 403, ..ApiError::client(code, message) };
        let Some(scope) = route::scope(parts) else {
            // The addresses in SNS's mails and confirmations are opened without a signature.
            let unsigned = ["ConfirmSubscription", "Unsubscribe"];
            if form.get("Action").is_some_and(|action| unsigned.contains(&action.as_str())) {
                return Ok(("sns".to_owned(), Caller::Aws("unsigned-link")));
            }
            let code =
                if protocol.is_xml() { "MissingAuthenticationToken" } else { "MissingAuthenticationTokenException" };
            return Err(refused(code, "Request is missing Authentication Token"));
        };
        let now = lock(&self.world).now;
        match self.keys.find(&scope.access_key) {
            Some(Key { expires: Some(end), .. }) if end <= now => {
                let code = if protocol.is_xml() { "ExpiredToken" } else { "ExpiredTokenException" };
                Err(refused(code, "The security token included in the request is expired"))
            }
            Some(Key { caller, .. }) => Ok((scope.service, caller)),
            None if protocol == Protocol::S3 => {
                Err(refused("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."))
            }
            None if protocol == Protocol::Ec2 => {
                let message = "AWS was not able to validate the provided access credentials";
                Err(ApiError { status: 401, ..ApiError::client("AuthFailure", message) })
            }
            None if protocol.is_xml() => {
                Err(refused("InvalidClientTokenId", "The security token included in the request is invalid."))
            }
            None => {
                Err(refused("UnrecognizedClientException", "The security token included in the request is invalid."))
            }
        }
    }
}

type Refusal = (Option<&'static crate::model::Model>, ApiError);

/// The body without its gzip coat (CloudWatch's `PutMetricData` wears one).
fn unpacked(parts: &Parts, body: &[u8]) -> Result<Vec<u8>, ApiError> {
    match parts.headers.get("content-encoding").and_then(|value| value.to_str().ok()) {
        // What lies in a bucket stays as it was sent.
        Some("gzip") if route::protocol(parts, b"") != Protocol::S3 => {
            let mut out = Vec::new();
            let mut reader = GzDecoder::new(body).take(BODY_MAX as u64 + 1);
            let read = reader.read_to_end(&mut out);
            let small = out.len() <= BODY_MAX;
            match read {
                Ok(_) if small => Ok(out),
                Ok(_) => Err(too_large()),
                Err(error) => {
                    Err(ApiError::client("SerializationException", format!("the gzip body is damaged: {error}")))
                }
            }
        }
        _ => Ok(body.to_vec()),
    }
}

fn too_large() -> ApiError {
    let message = format!("the request has more than {BODY_MAX} bytes");
    ApiError { status: 413, ..ApiError::client("RequestEntityTooLargeException", message) }
}

/// The input in the normal form.
fn input(
    route: &Route,
    protocol: Protocol,
    parts: &Parts,
    body: &[u8],
    form: &BTreeMap<String, String>,
) -> Result<Value, ApiError> {
    let bad = |what: String| ApiError::client("SerializationException", what);
    let Some(operation) = route.model.operations.get(&route.operation) else { return Ok(Value::Null) };
    let shape = operation.input.as_deref().unwrap_or_default();
    let object_only = |value: Value| match value {
        Value::Object(_) => Ok(json::decode(route.model, shape, value)),
        other => Err(bad(format!("the body must be an object, not {other}"))),
    };
    match protocol {
        Protocol::Query => Ok(query::decode(route.model, operation, form)),
        Protocol::Ec2 => Ok(ec2::decode(route.model, operation, form)),
        Protocol::Cbor => object_only(cbor::decode(body).map_err(bad)?),
        Protocol::Json(_) if body.is_empty() => Ok(Value::Object(Map::new())),
        Protocol::Json(_) => object_only(serde_json::from_slice(body).map_err(|error| bad(error.to_string()))?),
        Protocol::Rest => {
            let query = parts.uri.query().unwrap_or_default();
            let parts = rest::Parts { labels: &route.labels, query, headers: &parts.headers, body };
            rest::decode(route.model, operation, &parts).map_err(bad)
        }
        Protocol::S3 => s3::decode(route, parts, body),
        Protocol::RestXml => {
            let query = parts.uri.query().unwrap_or_default();
            let parts = rest::Parts { labels: &route.labels, query, headers: &parts.headers, body };
            let malformed = |what: String| ApiError::client("MalformedInput", what);
            restxml::decode(route.model, operation, &parts).map_err(malformed)
        }
    }
}

fn bad_input(service: &str, protocol: Protocol, wrong: &Violations) -> ApiError {
    if protocol == Protocol::Ec2 {
        return ec2::refusal(wrong);
    }
    let code = match (wrong.are_of_type(), protocol) {
        (true, Protocol::Query) => "MalformedInput",
        (true, Protocol::RestXml | Protocol::S3) => encode::bad_input_code(service),
        (true, _) => "SerializationException",
        (false, _) => encode::bad_input_code(service),
    };
    ApiError::client(code, wrong.to_string())
}

/// A member of an output that the model lacks, or whose type is another, would be lost without a word on the wire.
fn note_what_the_wire_loses(world: &mut World, route: &Route, call: &Call, output: &Value) {
    let Err(Violations(found)) = route.model.check_output(&call.operation, output) else { return };
    let lost = found.iter().filter(|violation| matches!(violation.rule, Rule::Unknown { .. } | Rule::Type { .. }));
    let lost: Vec<String> = lost.map(ToString::to_string).collect();
    if !lost.is_empty() {
        let what = object!({"service": call.service, "operation": call.operation, "not_of_the_model": lost});
        let now = world.now;
        world.history.record(now, "fault", "gateway", what);
    }
}

#[cfg(test)]
mod tests;
