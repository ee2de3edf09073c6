//! The functions as Lambda runs them, within this process: their handlers and their clients are the deployed ones, built from
//! the variables that the template gives each. A killed invocation is dropped where it stands, with its sandbox.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::FutureExt as _;
use jiff::{SignedDuration, Timestamp};
use lambda_runtime::{Context, LambdaEvent};
use pitcrew_aws::clients::{Clients, Places};
use pitcrew_aws::https::Https;
use pitcrew_cloud::gateway::Gateway;
use pitcrew_cloud::lambda::host::{Runner, Running};
use pitcrew_cloud::lambda::{Function, FunctionError, Invocation, Outcome};
use pitcrew_core::event::Home;
use pitcrew_core::rollback::Settings;
use pitcrew_e2e::scene::{NOTIFY, ROLLBACK};
use pitcrew_lambda::failure::Failure;
use pitcrew_notify::app::Notify;
use pitcrew_notify::settings::Settings as NotifySettings;
use pitcrew_rollback::App;
use serde_json::{Value, json};
use tokio::sync::Notify as Signal;

use crate::chance::Chance;
use crate::wire::Wire;

/// What one process of a function holds.
enum Program {
    Rollback(Box<App>),
    Notify(Box<Notify>),
}

struct Sandbox {
    number: usize,
    program: Program,
    killed: Arc<Signal>,
}

/// The sandboxes of all functions.
pub struct Sandboxes {
    chance: Chance,
    gateway: Mutex<Option<Gateway>>,
    idle: Mutex<BTreeMap<String, Vec<Sandbox>>>,
    started: Mutex<usize>,
}

impl std::fmt::Debug for Sandboxes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sandboxes")
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sandboxes {
    pub fn new(chance: Chance) -> Self {
        Self { chance, gateway: Mutex::default(), idle: Mutex::default(), started: Mutex::default() }
    }

    /// Lets go of the cloud, which holds the sandboxes in turn.
    pub fn close(&self) {
        lock(&self.gateway).take();
        lock(&self.idle).clear();
    }

    fn take(&self, function: &Function) -> Result<Sandbox, String> {
        if let Some(sandbox) = lock(&self.idle).get_mut(&function.name).and_then(Vec::pop) {
            return Ok(sandbox);
        }
        let gateway = lock(&self.gateway).clone().ok_or("the simulation is over")?;
        let killed = Arc::new(Signal::new());
        let wire = Wire::new(gateway, self.chance.clone(), killed.clone());
        let program = Program::start(function, &wire)?;
        let mut started = lock(&self.started);
        *started += 1;
        Ok(Sandbox { number: *started, program, killed })
    }

    async fn invoke(&self, function: &Function, invocation: &Invocation) -> Outcome {
        let sandbox = match self.take(function) {
            Ok(sandbox) => sandbox,
            Err(why) => {
                let error = FunctionError::of_runtime("Runtime.ExitError", why);
                return Outcome::without_process("simulation", error);
            }
        };
        let answered = AssertUnwindSafe(sandbox.program.handle(event(function, invocation))).catch_unwind();
        let (result, sandbox_lost) = tokio::select! {
            biased;
            () = sandbox.killed.notified() => (Err(ended("signal: killed")), true),
            answer = answered => match answer {
                Ok(Ok(answer)) => (Ok(answer), false),
                Ok(Err(failure)) => {
                    let payload = json!({"errorType": "Failure", "errorMessage": failure.message()});
                    (Err(FunctionError::reported(payload)), false)
                }
                Err(_) => (Err(ended(PANICKED)), true),
            },
        };
        let log_stream = format!("simulation/{}", sandbox.number);
        if !sandbox_lost {
            lock(&self.idle).entry(function.name.clone()).or_default().push(sandbox);
        }
        let (lines, memory_mb) = (Vec::new(), None);
        Outcome { result, log_stream, lines, duration_ms: 1.0, init_ms: None, memory_mb, sandbox_lost }
    }
}

/// How the error of an invocation that panicked ends.
pub const PANICKED: &str = "it panicked";

fn ended(how: &str) -> FunctionError {
    FunctionError::of_runtime("Runtime.ExitError", format!("Error: Runtime exited with error: {how}"))
}

impl Runner for Sandboxes {
    fn connect(&self, gateway: Gateway) {
        *lock(&self.gateway) = Some(gateway);
    }

    fn run<'a>(&'a self, function: &'a Function, invocation: &'a Invocation, _now: Timestamp) -> Running<'a> {
        Box::pin(self.invoke(function, invocation))
    }
}

fn event(function: &Function, invocation: &Invocation) -> LambdaEvent<Value> {
    // A limit of time is the machine's business, and no part of a simulation.
    let deadline = SystemTime::now() + Duration::from_secs(function.timeout_secs);
    let mut context = Context::default();
    context.request_id.clone_from(&invocation.id);
    context.invoked_function_arn.clone_from(&function.arn);
    context.deadline = deadline.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
    LambdaEvent::new(invocation.payload.clone(), context)
}

impl Program {
    /// What `main` does with the environment.
    fn start(function: &Function, wire: &Wire) -> Result<Self, String> {
        let region = function.arn.split(':').nth(3).unwrap_or_default().to_owned();
        let config = wire.config(function, &region);
        let variables = &function.environment;
        let variable = |name: &str| variables.get(name).cloned().ok_or_else(|| format!("{name} is not set"));
        match function.name.as_str() {
            ROLLBACK => {
                let autonomy = variable("PITCREW_AUTONOMY")?.parse()?;
                let bake: i64 = variable("PITCREW_BAKE_MINUTES")?.parse().map_err(|_| "PITCREW_BAKE_MINUTES")?;
                let places = Places {
                    table: variable("PITCREW_TABLE")?,
                    region: region.clone(),
                    fingerprint_secret: variables.get("PITCREW_FINGERPRINT_SECRET_ARN").cloned(),
                    wake_queue_url: variables.get("PITCREW_WAKE_QUEUE_URL").cloned(),
                };
                let home = Home { partition: Some("aws".to_owned()), account: variable("PITCREW_ACCOUNT")?, region };
                let settings = Settings { autonomy, bake: SignedDuration::from_mins(bake) };
                Ok(Self::Rollback(Box::new(App { clients: Clients::new(&config, places), settings, home })))
            }
            NOTIFY => {
                let settings = NotifySettings {
                    table: variable("PITCREW_TABLE")?,
                    topic_arn: variable("PITCREW_TOPIC_ARN")?,
                    chat_topic_arn: variables.get("PITCREW_CHAT_TOPIC_ARN").cloned(),
                    slack: None,
                };
                // It reads the machine's roots, once for all runs; nobody shakes hands with it.
                static HTTPS: OnceLock<Https> = OnceLock::new();
                Ok(Self::Notify(Box::new(Notify::new(settings, &config, HTTPS.get_or_init(Https::new)))))
            }
            other => Err(format!("the simulation has no function {other}")),
        }
    }

    async fn handle(&self, event: LambdaEvent<Value>) -> Result<Value, Failure> {
        match self {
            Self::Rollback(app) => pitcrew_rollback::handle(app, event).await,
            Self::Notify(notify) => {
                let deadline = event.context.deadline();
                notify.handle(event.payload, deadline).await
            }
        }
    }
}
