//! What every function's `main.rs` needs, and nothing else: settings from the environment, logs, metrics, and failures that
//! keep their whole cause. No AWS client is built here and nothing is read that the event does not need.

pub mod failure;
pub mod logging;
pub mod metrics;
pub mod settings;
