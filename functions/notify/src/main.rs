//! The function that tells people: wiring only.

use lambda_runtime::{LambdaEvent, run, service_fn};
use pitcrew_aws::connect::sdk_config;
use pitcrew_aws::https::Https;
use pitcrew_lambda::{failure::Failure, logging};
use pitcrew_notify::{app::Notify, settings::Settings};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    logging::init();
    let https = Https::new();
    let notify = Notify::new(Settings::from_env()?, &sdk_config(&https), &https);
    let handle = |event: LambdaEvent<Value>| notify.handle(event.payload, event.context.deadline());
    Ok(run(service_fn(handle)).await?)
}
