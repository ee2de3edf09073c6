//! The audit function: wiring only. What it does stands in `lib.rs`, what it looks for in `pitcrew-core`.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use pitcrew_audit::{AuditApp, handle};
use pitcrew_lambda::logging;
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    logging::init();
    let app = AuditApp::from_environment()?;
    run(service_fn(|event: LambdaEvent<Value>| handle(&app, event))).await
}
