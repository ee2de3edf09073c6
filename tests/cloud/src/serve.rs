//! `pitcrew-cloud serve`: the cloud on loopback until Ctrl-C, its clock at the pace of the real one.
//!
//! Owns: the command's arguments, what it prints, and the driver of a cloud without functions.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use crate::build::{BuildError, build_functions};
use crate::call::Place;
use crate::control::{Driver, Later};
use crate::dns::Dns;
use crate::gateway::{Gateway, OPERATOR_KEY, Server, Shared, lock};
use crate::services;
use crate::stage::{AUDIT, Setting, SlackDoor, Stage, StageError};
use crate::switches::Switches;
use crate::world::{Post, Work};

/// How often the cloud's clock follows the real one.
const TICK: Duration = Duration::from_millis(200);

/// How long an HTTP delivery may take, in real time.
const POST_LIMIT: Duration = Duration::from_secs(5);

/// One jump may pass this many timers; more is a service that never finishes what is due.
const TIMERS_MAX: usize = 1_000_000;

/// Not a secret: signatures are not checked, and clients only insist that there is one.
const OPERATOR_PASSWORD: &str = "local-cloud-does-not-check-signatures";

/// Starts the cloud and keeps it running until Ctrl-C.
#[derive(Debug, clap::Args)]
pub struct Serve {
    /// The port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Only the services: no template, no functions.
    #[arg(long)]
    bare: bool,
    /// What the stack may do by itself: observe, propose or act.
    #[arg(long, default_value = "act", value_parser = ["observe", "propose", "act"])]
    autonomy: String,
    /// Leave the Slack secret empty, as it is after a fresh deployment.
    #[arg(long)]
    slack_off: bool,
    /// Print one line of JSON instead of text.
    #[arg(long)]
    json: bool,
    /// The region that ARNs and events carry.
    #[arg(long, default_value = "eu-west-1", value_parser = region)]
    region: String,
    /// The account that ARNs and events carry: 12 digits.
    #[arg(long, default_value = "123456789012", value_parser = account)]
    account: String,
    /// How the cloud behaves where the facts are open, such as event-keys=pascal; may be given more than once.
    #[arg(long = "switch", value_name = "KEY=VALUE")]
    switches: Vec<String>,
}

/// Why the cloud does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("--switch {given}: {source}; the switches and their values are in tests/cloud/src/switches.rs")]
    Switch { given: String, source: serde_json::Error },
    #[error("--switch {given}: write KEY=VALUE, for example event-keys=pascal")]
    SwitchForm { given: String },
    #[error("the functions cannot be built; the services alone start with --bare")]
    Build(#[from] BuildError),
    #[error("the stage cannot be set")]
    Stage(#[from] StageError),
    #[error("cannot listen on 127.0.0.1:{port}; take another port, or 0 for a free one")]
    Listen { port: u16, source: std::io::Error },
    #[error("cannot listen on 127.0.0.1 for the DNS")]
    Dns(#[source] std::io::Error),
    #[error("cannot write to the terminal")]
    Print(#[source] std::io::Error),
    #[error("cannot watch for Ctrl-C")]
    Signals(#[source] std::io::Error),
}

fn account(text: &str) -> Result<String, String> {
    let fits = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    if fits { Ok(text.to_owned()) } else { Err("an account has 12 digits".to_owned()) }
}

fn region(text: &str) -> Result<String, String> {
    let fits = text.split('-').count() >= 3
        && text.split('-').all(|part| !part.is_empty())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if fits { Ok(text.to_owned()) } else { Err("a region looks like eu-west-1".to_owned()) }
}

/// The switches of a command line.
pub fn switches(given: &[String]) -> Result<Switches, ServeError> {
    let mut all = Switches::default();
    for one in given {
        let (key, value) = one.split_once('=').ok_or_else(|| ServeError::SwitchForm { given: one.clone() })?;
        let mut object = json!(all);
        object[key] = Value::from(value);
        all = serde_json::from_value(object).map_err(|source| ServeError::Switch { given: one.clone(), source })?;
    }
    Ok(all)
}

/// Runs the command until Ctrl-C or SIGTERM.
pub async fn run(args: Serve) -> Result<(), ServeError> {
    let switches = switches(&args.switches)?;
    let place = Place { partition: "aws".to_owned(), region: args.region.clone(), account: args.account.clone() };
    // Whole seconds at the start, so that times in answers and in the history are easy to read.
    let now = Timestamp::from_second(Timestamp::now().as_second()).unwrap_or(Timestamp::UNIX_EPOCH);
    if !args.bare {
        return whole(&args, place, now, switches).await;
    }
    let world: Shared = Arc::new(Mutex::new(services::world(place, now, switches)));
    let driver = Arc::new(Bare::new(world.clone()));
    let listening = Gateway::new(world, driver.clone()).bind(args.port).await;
    let server = listening.map_err(|source| ServeError::Listen { port: args.port, source })?;
    let dns = driver.dns().await.map_err(ServeError::Dns)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(ServeError::Signals)?;
    print(&args, &server, dns, None).map_err(ServeError::Print)?;
    tokio::select! {
        () = driver.follow_real_time() => {}
        pressed = tokio::signal::ctrl_c() => pressed.map_err(ServeError::Signals)?,
        _ = terminate.recv() => {}
    }
    Ok(())
}

/// The cloud with the repository's template deployed, and a Slack beside it.
async fn whole(args: &Serve, place: Place, start: Timestamp, switches: Switches) -> Result<(), ServeError> {
    let binaries = build_functions(false)?;
    let slack = if args.slack_off { SlackDoor::Off } else { SlackDoor::Bot };
    let (port, autonomy) = (args.port, args.autonomy.clone());
    let setting = Setting { place, start, port, switches, autonomy, slack, ..Setting::new(binaries) };
    let stage = Stage::set(setting).await?;
    let mut terminate = signal(SignalKind::terminate()).map_err(ServeError::Signals)?;
    print(args, &stage.server, stage.dns, Some(&stage)).map_err(ServeError::Print)?;
    let cloud = stage.cloud.clone();
    let ended = tokio::select! {
        () = cloud.follow_real_time() => Ok(()),
        pressed = tokio::signal::ctrl_c() => pressed.map_err(ServeError::Signals),
        _ = terminate.recv() => Ok(()),
    };
    stage.strike().await;
    ended
}

fn print(args: &Serve, server: &Server, dns: SocketAddr, stage: Option<&Stage>) -> std::io::Result<()> {
    let endpoint = server.endpoint();
    let control = format!("{endpoint}{}", crate::control::ROOT);
    let mut out = anstream::stdout().lock();
    if args.json {
        let line = json!({
            "endpoint": endpoint, "control": control, "access_key_id": OPERATOR_KEY,
            "secret_access_key": OPERATOR_PASSWORD, "region": args.region, "account": args.account,
            "dns": dns.to_string(),
            "tls": stage.map(|stage| stage.tls.to_string()),
            "tls_root": stage.map(|stage| stage.tls_root),
            "outputs": stage.map(|stage| &stage.stack.outputs),
        });
        writeln!(out, "{line}")?;
    } else {
        writeln!(out, "The local cloud is up at {endpoint} (control API: {control}). Ctrl-C ends it.")?;
        writeln!(out, "Its DNS answers at {dns}, by UDP and by TCP.\n")?;
        if stage.is_some() {
            writeln!(out, "The function {AUDIT} is left out: its schedule, role and alarms are not there.\n")?;
        }
        writeln!(out, "export AWS_ENDPOINT_URL={endpoint}")?;
        writeln!(out, "export AWS_ACCESS_KEY_ID={OPERATOR_KEY}")?;
        writeln!(out, "export AWS_SECRET_ACCESS_KEY={OPERATOR_PASSWORD}")?;
        writeln!(out, "export AWS_REGION={0} AWS_DEFAULT_REGION={0}", args.region)?;
        if let Some(stage) = stage {
            writeln!(out, "export PITCREW_TABLE={}", stage.output("TableName"))?;
            writeln!(out, "export PITCREW_AUTONOMY={}", args.autonomy)?;
            writeln!(out, "export PITCREW_FINGERPRINT_SECRET_ARN={}", stage.output("FingerprintKeyArn"))?;
            writeln!(out, "export PITCREW_ZONES='*' PITCREW_RESOLVER={dns} PITCREW_TLS_PORT={}", stage.tls.port())?;
            writeln!(out, "export PITCREW_WAKE_QUEUE_URL={}", stage.output("WakeQueueUrl"))?;
            writeln!(out, "\nThe topic of the notices: {}", stage.output("TopicArn"))?;
        }
    }
    out.flush()
}

/// The driver of a cloud without functions: it moves the clock and makes HTTP deliveries.
pub struct Bare {
    world: Shared,
    dns: Dns,
    /// Held by whoever moves the clock, so that two never do.
    moving: AsyncMutex<()>,
}

impl Bare {
    pub fn new(world: Shared) -> Self {
        Self { dns: Dns::new(world.clone()), world, moving: AsyncMutex::new(()) }
    }

    /// Where the resolver of the cloud's world answers.
    ///
    /// # Errors
    /// Where loopback cannot be listened on.
    pub async fn dns(&self) -> std::io::Result<SocketAddr> {
        self.dns.address().await
    }

    /// Lets the cloud's clock run at the pace of the real one. Never ends by itself.
    pub async fn follow_real_time(&self) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last = Instant::now();
        loop {
            let at = ticks.tick().await;
            self.pass(at.saturating_duration_since(last)).await;
            last = at;
        }
    }

    async fn pass(&self, by: Duration) -> Timestamp {
        let _moving = self.moving.lock().await;
        let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
        let until = {
            let now = lock(&self.world).now;
            now.checked_add(by).unwrap_or(Timestamp::MAX)
        };
        for _ in 0..TIMERS_MAX {
            self.work().await;
            let mut world = lock(&self.world);
            match world.next_due().filter(|due| *due <= until) {
                Some(due) => world.advance_to(due),
                None => break,
            }
        }
        lock(&self.world).advance_to(until);
        self.work().await;
        until
    }

    /// Does what is to be done now, and what that causes.
    async fn work(&self) {
        loop {
            let work = lock(&self.world).take_work();
            if work.is_empty() {
                return;
            }
            for one in work {
                self.do_one(one).await;
            }
        }
    }

    async fn do_one(&self, work: Work) {
        let (to, outcome) = match work {
            Work::Post(post) => (post.url.clone(), deliver(post).await),
            Work::Invoke(invocation) => {
                (invocation.function, json!({"error": "a bare cloud runs no functions; start it without --bare"}))
            }
            Work::Resolve(lookup) => return self.dns.look_up(&lookup).await,
        };
        let mut world = lock(&self.world);
        let now = world.now;
        world.history.record(now, "delivery", "world", json!({"to": to, "outcome": outcome}));
    }
}

impl Driver for Bare {
    fn advance(&self, by: Duration) -> Later<'_> {
        Box::pin(self.pass(by))
    }

    fn settle(&self) -> Later<'_> {
        Box::pin(self.pass(Duration::ZERO))
    }
}

/// One POST, whose outcome goes into the history.
pub(crate) async fn deliver(post: Post) -> Value {
    let mut request = Request::post(&post.url);
    for (name, value) in &post.headers {
        request = request.header(name, value);
    }
    let request = match request.body(Full::new(Bytes::from(post.body))) {
        Ok(request) => request,
        Err(error) => return json!({"error": error.to_string()}),
    };
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    match timeout(POST_LIMIT, client.request(request)).await {
        Ok(Ok(response)) => json!({"status": response.status().as_u16()}),
        Ok(Err(error)) => json!({"error": error.to_string()}),
        Err(_) => json!({"error": format!("no answer within {} s", POST_LIMIT.as_secs())}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::switches::EventKeys;

    #[test]
    fn switches_are_read_by_name() {
        let read = switches(&["event-keys=pascal".to_owned()]).unwrap();
        assert_eq!(read.event_keys, EventKeys::Pascal);
    }

    #[test]
    fn a_bad_switch_is_refused_with_what_is_allowed() {
        let error = switches(&["event-keys=loud".to_owned()]).unwrap_err().to_string();
        assert!(error.contains("--switch event-keys=loud") && error.contains("`pascal`"), "{error}");
        let error = switches(&["colour=red".to_owned()]).unwrap_err().to_string();
        assert!(error.contains("colour") && error.contains("`event-keys`"), "{error}");
        assert!(switches(&["event-keys".to_owned()]).unwrap_err().to_string().contains("KEY=VALUE"));
    }

    #[test]
    fn accounts_and_regions_are_checked() {
        assert!(account("123456789012").is_ok() && account("12345678901x").is_err() && account("1").is_err());
        assert!(region("eu-west-1").is_ok() && region("us-gov-west-1").is_ok());
        assert!(region("eu").is_err() && region("EU-west-1").is_err() && region("eu--1").is_err());
    }
}
