//! The Lambda that does nothing: what any Rust function costs before it does its work. The benchmark's unit of measure; it
//! must never do more than this.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(service_fn(|_event: LambdaEvent<Value>| async { Ok::<_, Error>(Value::Null) })).await
}
