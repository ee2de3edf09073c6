//! What people read: pure functions from notices to mail, JSON, chat and Slack blocks.
//!
//! [`message`] groups notices into messages; [`text`], [`sns`], [`chat`] and [`slack`] render one. Every text of a notice
//! may hold what somebody outside wrote, so no renderer puts one anywhere without [`clean`]. Nothing here sends.

pub mod chat;
pub mod clean;
pub mod message;
pub mod slack;
pub mod sns;
pub mod text;

pub use message::{Message, group};
