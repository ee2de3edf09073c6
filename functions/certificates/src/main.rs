//! The certificates function: wiring only. What it does stands in `lib.rs`, what it decides in `pitcrew-core`.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use pitcrew_certificates::handle;
use pitcrew_lambda::domains::DomainApp;
use pitcrew_lambda::logging;
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    logging::init();
    let app = DomainApp::from_environment(true)?;
    run(service_fn(|event: LambdaEvent<Value>| handle(&app, event))).await
}
