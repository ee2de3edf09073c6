//! Every decision of pitcrew, as functions from values to values.
//!
//! Nothing here waits, reads a clock, reads the environment or names an AWS SDK type (design, sections 2 and 3).

pub mod diagnosis;
pub mod id;
pub mod notice;
pub mod outbox;
pub mod render;
