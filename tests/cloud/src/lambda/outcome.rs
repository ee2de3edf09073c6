//! How an invocation ended.

use serde_json::{Value, json};

/// An error of the function or of its runtime.
#[derive(Clone, Debug, PartialEq)]
pub struct FunctionError {
    /// Such as `Runtime.ExitError`, `Sandbox.Timedout`, or what the function says.
    pub kind: String,
    pub message: String,
    /// What the caller of a direct invocation would get.
    pub payload: Value,
}

impl FunctionError {
    /// An error that the sandbox reports for a process that cannot.
    pub fn of_runtime(kind: &str, message: String) -> Self {
        Self { payload: json!({"errorType": kind, "errorMessage": message}), kind: kind.to_owned(), message }
    }

    /// An error that the function itself reported.
    pub fn reported(payload: Value) -> Self {
        let text = |member: &str| payload[member].as_str().unwrap_or_default().to_owned();
        Self { kind: text("errorType"), message: text("errorMessage"), payload }
    }
}

/// What a run of the function's process came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    pub result: Result<Value, FunctionError>,
    /// The log stream of the sandbox.
    pub log_stream: String,
    /// What the process wrote, line by line.
    pub lines: Vec<String>,
    /// Real milliseconds.
    pub duration_ms: f64,
    /// Real milliseconds of a cold start, from the spawn to the first poll.
    pub init_ms: Option<f64>,
    /// The process's peak of resident memory, where it could be read.
    pub memory_mb: Option<u64>,
    /// The process did not survive the invocation.
    pub sandbox_lost: bool,
}

impl Outcome {
    /// An outcome without a process, for what fails before one runs.
    pub fn without_process(log_stream: &str, error: FunctionError) -> Self {
        Self {
            result: Err(error),
            log_stream: log_stream.to_owned(),
            lines: Vec::new(),
            duration_ms: 0.0,
            init_ms: None,
            memory_mb: None,
            sandbox_lost: true,
        }
    }
}
