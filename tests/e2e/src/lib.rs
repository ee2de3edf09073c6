//! The harness of the end-to-end tests: the whole stage, by the functions' own binaries, and what became of it.
//!
//! [`binaries`] finds the binaries, [`scene`] sets a stage and does what the world does, [`record`] reads what happened and
//! [`table`] what is remembered. Nothing here decides; nothing here waits on the wall clock. A stage that cannot be set, or a
//! call of the operator that is refused, is a failed test, so this crate panics where a test would.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a harness of tests: a broken stage is a failed test")]

pub mod binaries;
pub mod names;
pub mod record;
pub mod scene;
pub mod table;

pub use scene::{Scene, Shop};
