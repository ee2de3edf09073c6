//! Runs functions as their real binaries, one process a sandbox, in real time.
//!
//! Warm sandboxes are used again, one invocation at a time each. The host owns every process it starts and ends each by its
//! own id: on a time limit, on an ordered kill, and when the host is shut down or dropped. It must never touch another.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::pin::Pin;
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use serde_json::Value;
use tokio::process::{Child, Command};
use tokio::sync::Notify;

use crate::gateway::Gateway;

use super::runtime_api::{Job, RuntimeApi, Said};
use super::{Function, FunctionError, Invocation, Outcome};

/// The initialisation's own time limit, as in Lambda; after it the function's limit runs.
const INIT_LIMIT: Duration = Duration::from_secs(10);

/// A line of a log holds at most this many bytes of what the process wrote.
const LINE_BYTES_MAX: usize = 256 * 1024;

/// How many bytes of output one invocation may leave; what is more is cut, and said to be.
const OUTPUT_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// An invocation as it runs.
pub type Running<'a> = Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

/// Who runs the functions: this file's [`Host`] as processes of their own, or a simulation within its own process.
pub trait Runner: Debug + Send + Sync {
    /// Called once, before the first invocation: how the functions reach the cloud where they have no address for it.
    fn connect(&self, _gateway: Gateway) {}

    /// Runs one invocation to its end. `now` is the cloud's time.
    fn run<'a>(&'a self, function: &'a Function, invocation: &'a Invocation, now: Timestamp) -> Running<'a>;
}

impl Runner for Host {
    fn run<'a>(&'a self, function: &'a Function, invocation: &'a Invocation, now: Timestamp) -> Running<'a> {
        Box::pin(self.run_process(function, invocation, now))
    }
}

/// The processes of all functions. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Host {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    idle: Mutex<BTreeMap<String, Vec<Sandbox>>>,
    busy: Mutex<BTreeMap<u64, (String, Arc<Notify>)>>,
    started: AtomicU64,
    closed: AtomicBool,
}

#[derive(Debug)]
struct Sandbox {
    number: u64,
    child: Child,
    api: RuntimeApi,
    output: File,
    log_stream: String,
}

/// Why an invocation ended without an answer.
enum End {
    Said(Said),
    Exited(Option<ExitStatus>),
    TimedOut,
}

impl Host {
    /// The cloud's time names the log stream of a new sandbox.
    async fn run_process(&self, function: &Function, invocation: &Invocation, now: Timestamp) -> Outcome {
        let started = Instant::now();
        let (mut sandbox, init) = match self.take_idle(&function.name) {
            Some(sandbox) => (sandbox, None),
            None => match self.start(function, now).await {
                Ok(started) => started,
                Err(outcome) => return *outcome,
            },
        };
        let kill = Arc::new(Notify::new());
        lock(&self.inner.busy).insert(sandbox.number, (function.name.clone(), kill.clone()));
        let init_ms = init.map(|init| init.as_secs_f64() * 1000.0);
        let began = if init.is_some() { Instant::now() } else { started };
        let end = sandbox.invoke(function, invocation, &kill).await;
        lock(&self.inner.busy).remove(&sandbox.number);
        let duration_ms = began.elapsed().as_secs_f64() * 1000.0;
        let (result, sandbox_lost) = judge(end, function, invocation);
        if sandbox_lost {
            sandbox.end().await;
        }
        let outcome = Outcome {
            result,
            log_stream: sandbox.log_stream.clone(),
            lines: sandbox.take_lines(),
            duration_ms,
            init_ms,
            memory_mb: sandbox.memory_mb(),
            sandbox_lost,
        };
        if !sandbox_lost && !self.inner.closed.load(Ordering::SeqCst) {
            lock(&self.inner.idle).entry(function.name.clone()).or_default().push(sandbox);
        }
        outcome
    }

    /// Kills the processes that run an invocation of the function now; tells how many.
    pub fn kill(&self, function: &str) -> usize {
        let busy = lock(&self.inner.busy);
        let victims = busy.values().filter(|(name, _)| name == function);
        victims.map(|(_, kill)| kill.notify_one()).count()
    }

    /// Ends every idle process, so that the next invocation of the function is a cold start.
    pub async fn cool(&self, function: &str) {
        let idle = lock(&self.inner.idle).remove(function).unwrap_or_default();
        for mut sandbox in idle {
            sandbox.end().await;
        }
    }

    /// Ends all processes and starts no more.
    pub async fn shutdown(&self) {
        self.inner.closed.store(true, Ordering::SeqCst);
        for (_, kill) in lock(&self.inner.busy).values() {
            kill.notify_one();
        }
        let idle = std::mem::take(&mut *lock(&self.inner.idle));
        for mut sandbox in idle.into_values().flatten() {
            sandbox.end().await;
        }
    }

    /// Process ids of the idle sandboxes of a function.
    pub fn idle_pids(&self, function: &str) -> Vec<u32> {
        let idle = lock(&self.inner.idle);
        idle.get(function).into_iter().flatten().filter_map(|sandbox| sandbox.child.id()).collect()
    }

    fn take_idle(&self, function: &str) -> Option<Sandbox> {
        let mut idle = lock(&self.inner.idle);
        let sandboxes = idle.get_mut(function)?;
        while let Some(mut sandbox) = sandboxes.pop() {
            if matches!(sandbox.child.try_wait(), Ok(None)) {
                return Some(sandbox);
            }
        }
        None
    }

    /// Starts a sandbox and waits until its process polls for an event.
    async fn start(&self, function: &Function, now: Timestamp) -> Result<(Sandbox, Option<Duration>), Box<Outcome>> {
        let number = self.inner.started.fetch_add(1, Ordering::SeqCst) + 1;
        let log_stream = format!("{}/[$LATEST]{number:032x}", now.strftime("%Y/%m/%d"));
        let failed = |kind: &str, message: String| {
            Box::new(Outcome::without_process(&log_stream, FunctionError::of_runtime(kind, message)))
        };
        if self.inner.closed.load(Ordering::SeqCst) {
            return Err(failed("Sandbox.Closed", "the local cloud is stopping".to_owned()));
        }
        let began = Instant::now();
        let mut sandbox = Sandbox::spawn(function, number, log_stream.clone()).await.map_err(|error| {
            failed("Runtime.InvalidEntrypoint", format!("cannot start {}: {error}", function.binary.display()))
        })?;
        let limit = INIT_LIMIT + Duration::from_secs(function.timeout_secs);
        let error = match tokio::time::timeout(limit, sandbox.hear()).await {
            Ok(End::Said(Said::Ready)) => return Ok((sandbox, Some(began.elapsed()))),
            Ok(End::Said(Said::InitFailed { payload })) => FunctionError::reported(payload),
            Ok(End::Exited(status)) => exit_error(None, status),
            Ok(End::Said(_) | End::TimedOut) => {
                FunctionError::of_runtime("Runtime.InitError", "Error: the process answered before it asked".to_owned())
            }
            Err(_) => {
                let message = format!("Error: Init timed out after {:.2} seconds", limit.as_secs_f64());
                FunctionError::of_runtime("Sandbox.Timedout", message)
            }
        };
        sandbox.end().await;
        let mut outcome = Outcome::without_process(&log_stream, error);
        outcome.lines = sandbox.take_lines();
        Err(Box::new(outcome))
    }
}

impl Sandbox {
    async fn spawn(function: &Function, number: u64, log_stream: String) -> std::io::Result<Self> {
        let api = RuntimeApi::start().await?;
        let output = output_file(number)?;
        let mut command = Command::new(&function.binary);
        command
            .env_clear()
            .envs(environment(function, &log_stream, &api.address.to_string()))
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output.try_clone()?)
            .kill_on_drop(true);
        let child = command.spawn()?;
        Ok(Self { number, child, api, output, log_stream })
    }

    async fn invoke(&mut self, function: &Function, invocation: &Invocation, kill: &Notify) -> End {
        let limit = Duration::from_secs(function.timeout_secs);
        let deadline = SystemTime::now() + limit;
        let job = Job {
            request_id: invocation.id.clone(),
            deadline_ms: deadline.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis(),
            function_arn: function.arn.clone(),
            trace_id: trace_id(&invocation.id),
            body: invocation.payload.to_string(),
        };
        if self.api.jobs.send(job).await.is_err() {
            return End::Exited(None);
        }
        let answer = async {
            loop {
                match self.hear().await {
                    // The poll that fetched this very event, or a late word about an earlier one.
                    End::Said(Said::Ready) => {}
                    End::Said(said) if said.request_id().is_some_and(|id| id != invocation.id) => {}
                    end => return end,
                }
            }
        };
        tokio::select! {
            end = answer => end,
            () = tokio::time::sleep(limit) => End::TimedOut,
            () = kill.notified() => {
                // The caller learns of a kill as of any other crash: by the process's end.
                let _ = self.child.start_kill();
                End::Exited(self.child.wait().await.ok())
            }
        }
    }

    /// The next word of the process, or its end. A word that was said before the end comes first.
    async fn hear(&mut self) -> End {
        tokio::select! {
            biased;
            said = self.api.said.recv() => said.map_or(End::Exited(None), End::Said),
            status = self.child.wait() => match self.api.said.try_recv() {
                Ok(said) => End::Said(said),
                Err(_) => End::Exited(status.ok()),
            },
        }
    }

    async fn end(&mut self) {
        let _ = self.child.kill().await;
    }

    /// What the process wrote since the last call. It is a file, so that all that was written before the answer is there.
    fn take_lines(&mut self) -> Vec<String> {
        let mut bytes = Vec::new();
        let read = self
            .output
            .seek(SeekFrom::Start(0))
            .and_then(|_| (&self.output).take(OUTPUT_BYTES_MAX).read_to_end(&mut bytes))
            .and_then(|_| self.output.set_len(0));
        let text = String::from_utf8_lossy(&bytes);
        let mut lines: Vec<String> = text.lines().map(|line| cut(line, LINE_BYTES_MAX).to_owned()).collect();
        if let Err(error) = read {
            lines.push(format!("the local cloud cannot read this function's output: {error}"));
        } else if bytes.len() as u64 == OUTPUT_BYTES_MAX {
            lines.push(format!("the local cloud cut this output at {OUTPUT_BYTES_MAX} bytes"));
        }
        lines
    }

    /// The peak of resident memory, from the process's status file.
    fn memory_mb(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()?)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
        Some(kib.div_ceil(1024))
    }
}

impl Said {
    fn request_id(&self) -> Option<&str> {
        match self {
            Self::Answer { request_id, .. } | Self::Failed { request_id, .. } | Self::TooLarge { request_id } => {
                Some(request_id)
            }
            Self::Ready | Self::InitFailed { .. } => None,
        }
    }
}

/// The result of an invocation, and whether its sandbox is lost.
fn judge(end: End, function: &Function, invocation: &Invocation) -> (Result<Value, FunctionError>, bool) {
    match end {
        End::Said(Said::Answer { body, .. }) if body.is_empty() => (Ok(Value::Null), false),
        End::Said(Said::Answer { body, .. }) => match serde_json::from_slice(&body) {
            Ok(answer) => (Ok(answer), false),
            Err(error) => {
                let message = format!("RequestId: {} Error: the answer is not JSON: {error}", invocation.id);
                (Err(FunctionError::of_runtime("Runtime.MarshalError", message)), false)
            }
        },
        End::Said(Said::Failed { payload, .. } | Said::InitFailed { payload }) => {
            (Err(FunctionError::reported(payload)), false)
        }
        End::Said(Said::TooLarge { .. }) => {
            let message = "Response payload size exceeded maximum allowed payload size (6291556 bytes).".to_owned();
            (Err(FunctionError::of_runtime("Function.ResponseSizeTooLarge", message)), false)
        }
        End::Said(Said::Ready) => (Err(exit_error(Some(invocation), None)), true),
        End::TimedOut => {
            let limit = function.timeout_secs as f64;
            let message = format!("RequestId: {} Error: Task timed out after {limit:.2} seconds", invocation.id);
            (Err(FunctionError::of_runtime("Sandbox.Timedout", message)), true)
        }
        End::Exited(status) => (Err(exit_error(Some(invocation), status)), true),
    }
}

/// The error of a process that ended instead of answering.
fn exit_error(invocation: Option<&Invocation>, status: Option<ExitStatus>) -> FunctionError {
    use std::os::unix::process::ExitStatusExt;
    let how = match status {
        Some(status) => match (status.code(), status.signal()) {
            (Some(0), _) => "Runtime exited without providing a reason".to_owned(),
            (Some(code), _) => format!("Runtime exited with error: exit status {code}"),
            (None, Some(9)) => "Runtime exited with error: signal: killed".to_owned(),
            (None, signal) => format!("Runtime exited with error: signal: {}", signal.unwrap_or_default()),
        },
        None => "Runtime exited without providing a reason".to_owned(),
    };
    let id = invocation.map_or_else(String::new, |invocation| format!("RequestId: {} ", invocation.id));
    FunctionError::of_runtime("Runtime.ExitError", format!("{id}Error: {how}"))
}

/// The process's whole environment: nothing of the host's own but PATH.
fn environment(function: &Function, log_stream: &str, runtime_api: &str) -> BTreeMap<String, String> {
    let region = function.arn.split(':').nth(3).unwrap_or_default();
    let path = std::env::var("PATH").unwrap_or_else(|_| "/usr/local/bin:/usr/bin:/bin".to_owned());
    let root = function.binary.parent().map_or_else(String::new, |root| root.display().to_string());
    let mut all: BTreeMap<String, String> = [
        ("PATH", path.as_str()),
        ("LANG", "en_US.UTF-8"),
        ("TZ", ":UTC"),
        ("LAMBDA_TASK_ROOT", &root),
        ("_HANDLER", &function.handler),
        ("AWS_REGION", region),
        ("AWS_DEFAULT_REGION", region),
        ("AWS_ACCESS_KEY_ID", &function.access_key.id),
        ("AWS_SECRET_ACCESS_KEY", &function.access_key.secret),
        ("AWS_LAMBDA_FUNCTION_NAME", &function.name),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", &function.memory_mb.to_string()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", &function.log_group),
        ("AWS_LAMBDA_LOG_STREAM_NAME", log_stream),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("AWS_LAMBDA_RUNTIME_API", runtime_api),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect();
    if let Some(token) = &function.access_key.session_token {
        all.insert("AWS_SESSION_TOKEN".to_owned(), token.clone());
    }
    all.extend(function.environment.clone());
    all
}

/// A trace id in X-Ray's form, made of the request id so that it is the same in every run.
fn trace_id(request_id: &str) -> String {
    let hex: String =
        request_id.chars().filter(char::is_ascii_hexdigit).chain("0".repeat(32).chars()).take(32).collect();
    format!("Root=1-{}-{};Parent={};Sampled=0", &hex[..8], &hex[8..32], &hex[..16])
}

/// A file without a name: it goes when the last process that has it open goes.
fn output_file(number: u64) -> std::io::Result<File> {
    let path = std::env::temp_dir().join(format!("pitcrew-output-{}-{number}-{}", std::process::id(), nanos()));
    let file = OpenOptions::new().create_new(true).read(true).append(true).open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}

fn nanos() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos()
}

fn cut(line: &str, bytes_max: usize) -> &str {
    &line[..line.floor_char_boundary(bytes_max.min(line.len()))]
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
pub(crate) mod tests;
