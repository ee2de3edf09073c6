//! The control API: what the world outside AWS does, how time passes, which faults strike, and what has happened so far.
//!
//! It is on the gateway's address under `/_cloud`, in JSON, without a signature, for loopback only. Owns: that API. Never
//! changes a service's state but through the world, and never moves the clock itself: the [`Driver`] does.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use hyper::Method;
use hyper::http::request::Parts;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::faults::{CallFault, EventFault, Fault};
use crate::gateway::{Gateway, lock};
use crate::outside::Behaviour;

/// The control API's own address, which lists the routes.
pub const ROOT: &str = "/_cloud";
pub const PREFIX: &str = "/_cloud/";

/// One jump of the clock is at most a year: more is a slip of the hand.
const JUMP_MAX: u64 = 366 * 24 * 3600;

/// Settling passes at most this many timers; more is a service that never finishes what is due.
const TIMERS_MAX: usize = 100_000;

/// What a [`Driver`] does later.
pub type Later<'a> = Pin<Box<dyn Future<Output = Timestamp> + Send + 'a>>;

/// Whoever moves the clock and runs what needs real time.
pub trait Driver: Send + Sync {
    /// Lets this much of the cloud's time pass, timer by timer, and gives the new time. Nothing is in flight afterwards.
    fn advance(&self, by: Duration) -> Later<'_>;

    /// Waits until nothing is in flight, and gives the time.
    fn settle(&self) -> Later<'_>;
}

/// The answer of the control API.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub content_type: &'static str,
    pub body: String,
}

impl Reply {
    fn json(status: u16, body: &Value) -> Self {
        Self { status, content_type: "application/json", body: format!("{body}\n") }
    }

    fn wrong(status: u16, what: impl Into<String>, mend: &str) -> Self {
        Self::json(status, &json!({"error": what.into(), "mend": mend}))
    }
}

/// A route: method, path, an example of its body and what it does. The help and the documentation come from here.
pub struct Help {
    pub method: &'static str,
    pub path: &'static str,
    pub body: &'static str,
    pub does: &'static str,
}

/// Every route.
pub const ROUTES: &[Help] = &[
    Help { method: "GET", path: "/_cloud", body: "", does: "this list" },
    Help {
        method: "GET",
        path: "/_cloud/state",
        body: "",
        does: "the cloud's time, what is due next, images, traffic, switches",
    },
    Help {
        method: "POST",
        path: "/_cloud/advance",
        body: r#"{"seconds":300}"#,
        does: "lets time pass, timer by timer",
    },
    Help {
        method: "POST",
        path: "/_cloud/settle",
        body: r#"{"up_to_seconds":3600}"#,
        does: "waits until no invocation and no delivery is in flight; with `up_to_seconds` time passes too, until nothing is due",
    },
    Help {
        method: "POST",
        path: "/_cloud/images",
        body: r#"{"repository":"shop","tag":"latest","behaviour":{"healthy":false}}"#,
        does: "pushes an image to ECR, creating the repository; without a digest a new one is made",
    },
    Help {
        method: "PUT",
        path: "/_cloud/behaviour",
        body: r#"{"digest":"sha256:…","error_rate":0.5}"#,
        does: "says how an image behaves; members that are left out have their defaults",
    },
    Help {
        method: "PUT",
        path: "/_cloud/traffic",
        body: r#"{"service":"shop","requests_per_minute":600}"#,
        does: "sets how many requests a service gets",
    },
    Help {
        method: "PUT",
        path: "/_cloud/switches",
        body: r#"{"event-keys":"pascal"}"#,
        does: "sets how the cloud behaves where the facts are open; what is left out stays",
    },
    Help {
        method: "POST",
        path: "/_cloud/faults",
        body: r#"{"on":"apprunner:UpdateService","by":"rollback*","skip":0,"times":1,"do":{"kind":"lost-answer"}}"#,
        does: "orders a fault for calls (`on`) or for events (`event`)",
    },
    Help { method: "GET", path: "/_cloud/faults", body: "", does: "the faults that still wait" },
    Help { method: "DELETE", path: "/_cloud/faults", body: "", does: "forgets the faults that still wait" },
    Help {
        method: "GET",
        path: "/_cloud/history?since=0&kind=call",
        body: "",
        does: "what happened after entry `since`, JSON lines, of one kind where `kind` is given",
    },
    Help {
        method: "GET",
        path: "/_cloud/policies",
        body: "",
        does: "calls that were denied and grants that no call used",
    },
    Help {
        method: "PUT",
        path: "/_cloud/policies",
        body: r#"{"role_arn":"arn:aws:iam::999988887777:role/dns","name":"own","document":{"Statement":[]}}"#,
        does: "gives a role a policy, in the place of an earlier one with this name",
    },
    Help {
        method: "POST",
        path: "/_cloud/internal",
        body: r#"{"service":"ecr","operation":"_Push","input":{}}"#,
        does: "makes a call that only AWS itself can make",
    },
];

/// Answers one request under `/_cloud`.
pub async fn handle(gateway: &Gateway, parts: &Parts, body: &[u8]) -> Reply {
    if !is_local(parts) {
        let mend = "call it as http://127.0.0.1:PORT/_cloud or http://localhost:PORT/_cloud";
        return Reply::wrong(403, "the control API answers to loopback names only", mend);
    }
    let path = parts.uri.path().trim_end_matches('/');
    let result = match (&parts.method, path.strip_prefix(ROOT).unwrap_or(path)) {
        (&Method::GET, "") => Ok(help()),
        (&Method::GET, "/state") => Ok(state(gateway)),
        (&Method::POST, "/advance") => advance(gateway, body).await,
        (&Method::POST, "/settle") => settle(gateway, body).await,
        (&Method::POST, "/images") => push_image(gateway, body),
        (&Method::PUT, "/behaviour") => set_behaviour(gateway, body),
        (&Method::PUT, "/traffic") => set_traffic(gateway, body),
        (&Method::PUT, "/switches") => set_switches(gateway, body),
        (&Method::POST, "/faults") => order_fault(gateway, body),
        (&Method::GET, "/faults") => Ok(Reply::json(200, &json!({"faults": lock(&gateway.world).faults.waiting()}))),
        (&Method::DELETE, "/faults") => {
            lock(&gateway.world).faults.clear();
            Ok(Reply::json(200, &json!({"faults": []})))
        }
        (&Method::GET, "/history") => history(gateway, parts.uri.query().unwrap_or_default()),
        (&Method::GET, "/policies") => {
            let world = lock(&gateway.world);
            let what = json!({"denied": world.policies.denied(), "unused": world.policies.unused_grants()});
            Ok(Reply::json(200, &what))
        }
        (&Method::PUT, "/policies") => set_policy(gateway, body),
        (&Method::POST, "/internal") => internal(gateway, body),
        (method, _) => Err(no_route(method, path)),
    };
    result.unwrap_or_else(|reply| reply)
}

/// A browser that was lured here names another host.
fn is_local(parts: &Parts) -> bool {
    let header = parts.headers.get("host").and_then(|value| value.to_str().ok());
    let Some(host) = header.or_else(|| parts.uri.host()) else { return false };
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    matches!(name, "127.0.0.1" | "localhost" | "[::1]")
}

fn help() -> Reply {
    let routes: Vec<Value> = ROUTES
        .iter()
        .map(|route| json!({"method": route.method, "path": route.path, "body": route.body, "does": route.does}))
        .collect();
    Reply::json(200, &json!({"routes": routes}))
}

fn no_route(method: &Method, path: &str) -> Reply {
    let methods: Vec<&str> =
        ROUTES.iter().filter(|route| route.path.split('?').next() == Some(path)).map(|route| route.method).collect();
    if methods.is_empty() {
        return Reply::wrong(404, format!("the control API has no {path}"), "GET /_cloud lists the routes");
    }
    Reply::wrong(405, format!("{path} does not take {method}"), &format!("use {}", methods.join(" or ")))
}

/// The body as the route wants it, or an answer that says where it is wrong.
fn read<T: DeserializeOwned>(path: &str, body: &[u8]) -> Result<T, Reply> {
    serde_json::from_slice(body).map_err(|error| bad_body(path, &error.to_string()))
}

fn bad_body(path: &str, error: &str) -> Reply {
    let example =
        ROUTES.iter().find(|route| route.path == path && !route.body.is_empty()).map_or("", |route| route.body);
    Reply::wrong(400, format!("the body of {path}: {error}"), &format!("send for example {example}"))
}

fn state(gateway: &Gateway) -> Reply {
    let world = lock(&gateway.world);
    let what = json!({
        "now": world.now, "next_due": world.next_due(), "region": world.place.region, "account": world.place.account,
        "history": world.history.entries().len(), "repositories": world.outside.repositories,
        "behaviours": world.outside.behaviours, "traffic": world.outside.traffic, "switches": world.switches,
    });
    Reply::json(200, &what)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    seconds: u64,
}

async fn advance(gateway: &Gateway, body: &[u8]) -> Result<Reply, Reply> {
    let Advance { seconds } = read("/_cloud/advance", body)?;
    if seconds > JUMP_MAX {
        return Err(bad_body("/_cloud/advance", &format!("{seconds} seconds are more than a year ({JUMP_MAX})")));
    }
    let now = gateway.driver.advance(Duration::from_secs(seconds)).await;
    Ok(Reply::json(200, &json!({"now": now})))
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settle {
    up_to_seconds: u64,
}

async fn settle(gateway: &Gateway, body: &[u8]) -> Result<Reply, Reply> {
    let path = "/_cloud/settle";
    let Settle { up_to_seconds } = if body.is_empty() { Settle::default() } else { read(path, body)? };
    if up_to_seconds > JUMP_MAX {
        return Err(bad_body(path, &format!("{up_to_seconds} seconds are more than a year ({JUMP_MAX})")));
    }
    let mut now = gateway.driver.settle().await;
    let until = now.checked_add(SignedDuration::from_secs(up_to_seconds as i64)).unwrap_or(Timestamp::MAX);
    for _ in 0..TIMERS_MAX {
        let next_due = lock(&gateway.world).next_due();
        match next_due.filter(|due| *due <= until && now < until) {
            Some(due) => now = gateway.driver.advance(due.duration_since(now).unsigned_abs()).await,
            None => return Ok(Reply::json(200, &json!({"now": now, "next_due": next_due}))),
        }
    }
    Err(Reply::wrong(500, format!("more than {TIMERS_MAX} timers were due"), "GET /_cloud/history shows what repeats"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Push {
    repository: String,
    tag: Option<String>,
    digest: Option<String>,
    behaviour: Option<Behaviour>,
}

fn push_image(gateway: &Gateway, body: &[u8]) -> Result<Reply, Reply> {
    let Push { repository, tag, digest, behaviour } = read("/_cloud/images", body)?;
    let mut world = lock(&gateway.world);
    let digest = match digest {
        Some(digest) => checked_digest("/_cloud/images", digest)?,
        None => new_digest(&world.ids.uuid()),
    };
    // The behaviour stands before the push: App Runner may start the image at once.
    if let Some(behaviour) = behaviour {
        world.outside.behaviours.insert(digest.clone(), behaviour);
    }
    let input = json!({"Repository": repository, "Tag": tag.as_deref().unwrap_or("latest"), "Digest": digest});
    match world.internal("ecr", "_Push", input) {
        Ok(_) => Ok(Reply::json(200, &json!({"repository": repository, "digest": digest}))),
        Err(error) => Err(Reply::wrong(
            400,
            format!("{}: {}", error.code, error.message),
            "correct the repository's name or the tag",
        )),
    }
}

/// The digest of an image that nobody built: 64 hex digits that depend on the cloud's ids only.
fn new_digest(seed: &str) -> String {
    let hex: String = Sha256::digest(seed.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

fn checked_digest(path: &str, digest: String) -> Result<String, Reply> {
    let hex = digest.strip_prefix("sha256:").unwrap_or_default();
    if hex.len() == 64 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return Ok(digest);
    }
    Err(bad_body(path, &format!("`{digest}` is no digest: write sha256: and 64 lower-case hex digits")))
}

fn set_behaviour(gateway: &Gateway, body: &[u8]) -> Result<Reply, Reply> {
    let path = "/_cloud/behaviour";
    let mut object: serde_json::Map<String, Value> = read(path, body)?;
    let digest = match object.remove("digest") {
        Some(Value::String(digest)) => checked_digest(path, digest)?,
        _ => return Err(bad_body(path, "`digest` is missing or not text")),
    };
    let behaviour: Behaviour =
        serde_json::from_value(Value::Object(object)).map_err(|error| bad_body(path, &error.to_string()))?;
    let what = json!({"digest": digest, "behaviour": behaviour});
    lock(&gateway.world).outside.behaviours.insert(digest, behaviour);
    Ok(Reply::json(200, &what))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Traffic {
    service: String,
    requests_per_minute: f64,
}

fn set_traffic(gateway: &Gateway, body: &[u8]) -> Result<Reply, Reply> {
    let Traffic { service, requests_per_minute } = read("/_cloud/traffic", body)?;
    if !(0.0..=1e9).contains(&requests_per_minute) {
        let error = format!("{requests_per_minute} requests a minute are not between 0 and 1000000000");
        return Err(bad_body("/_cloud/traffic", &error));
    }
    let mut world = lock(&gateway.world);
    world.outside.traffic.insert(service, requests_per_minute);
    Ok(Reply::json(200, &json!({"traffic": world.outside.traffic})))
}

fn set_switches(gateway: &Gateway, body: &[u8]) -> Result<Reply, Reply> {
    let path = "/_cloud/switches";
    let wanted: serde_json::Map<String, Value> = read(path, body)?;
    let mut world = lock(&gateway.world);
    let mut all = json!(world.switches);
    for (name, value) in wanted {
        all[name] = value;
    }
    world.switches = serde_json::from_value(all).map_err(|error| bad_body(path, &error.to_string()))?;
    Ok(Reply::json(200, &json!({"switches": world.switches})))
}

fn order_fault(gateway: &Gateway, body: &[u8]) -> Result<Reply, Reply> {
    let path = "/_cloud/faults";
    let value: Value = read(path, body)?;
    // One of the two is chosen first, so that the message is about that one's members.
    let fault = match (value.get("on"), value.get("event")) {
        (Some(_), None) => serde_json::from_value::<CallFault>(value).map(Fault::Call),
        (None, Some(_)) => serde_json::from_value::<EventFault>(value).map(Fault::Event),
        _ => return Err(bad_body(path, "give either `on` (a fault for calls) or `event` (a fault for events)")),
    };
    let fault = fault.map_err(|error| bad_body(path, &error.to_string()))?;
    let mut world = lock(&gateway.world);
    world.faults.order(fault);
    Ok(Reply::json(200, &json!({"faults": world.faults.waiting()})))
}

fn history(gateway: &Gateway, query: &str) -> Result<Reply, Reply> {
    let mut fields: BTreeMap<String, String> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let mend = "write for example /_cloud/history?since=0&kind=event";
    let since = match fields.remove("since").map(|text| text.parse::<u64>()) {
        None => 0,
        Some(Ok(since)) => since,
        Some(Err(_)) => return Err(Reply::wrong(400, "`since` must be the number of an entry", mend)),
    };
    let kind = fields.remove("kind");
    if let Some(unknown) = fields.keys().next() {
        return Err(Reply::wrong(400, format!("/_cloud/history has no parameter `{unknown}`"), mend));
    }
    let world = lock(&gateway.world);
    let entries =
        world.history.since(since).iter().filter(|entry| kind.as_deref().is_none_or(|kind| kind == entry.kind));
    let body = entries.map(|entry| format!("{}\n", json!(entry))).collect();
    Ok(Reply { status: 200, content_type: "application/x-ndjson", body })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Policy {
    role_arn: String,
    name: String,
    document: Value,
}

fn set_policy(gateway: &Gateway, body: &[u8]) -> Result<Reply, Reply> {
    let path = "/_cloud/policies";
    let Policy { role_arn, name, document } = read(path, body)?;
    let set = lock(&gateway.world).policies.set(&role_arn, &name, vec![document]);
    set.map_err(|error| bad_body(path, &error.to_string()))?;
    Ok(Reply::json(200, &json!({"role_arn": role_arn, "name": name})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Internal {
    service: String,
    operation: String,
    #[serde(default)]
    input: Value,
}

fn internal(gateway: &Gateway, body: &[u8]) -> Result<Reply, Reply> {
    let Internal { service, operation, input } = read("/_cloud/internal", body)?;
    match lock(&gateway.world).internal(&service, &operation, input) {
        Ok(output) => Ok(Reply::json(200, &output)),
        Err(error) => {
            let what = format!("{service} {operation}: {}: {}", error.code, error.message);
            Err(Reply::wrong(400, what, "correct the service, the operation or its input"))
        }
    }
}
