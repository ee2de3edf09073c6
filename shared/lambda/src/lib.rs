//! What the functions have in common, and nothing that one of them decides: settings from the environment, logs, metrics,
//! failures that keep their whole cause, the door that events come in by, and the sweep's way round.
//!
//! [`domains`] is what the functions for custom domains and for certificates do alike.

pub mod domains;
pub mod door;
pub mod failure;
pub mod logging;
pub mod metrics;
pub mod settings;
pub mod sweep;
