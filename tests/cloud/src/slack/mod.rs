//! A Slack on loopback that checks what it is sent as Slack would, and keeps it to be looked at.
//!
//! It owns one workspace: channels, webhooks, bot tokens, messages, threads. It must never accept what Slack refuses, and it
//! never draws or counts by the wall clock: the rate limit runs on the clock that the caller gives.
//! Source: Slack's documentation of incoming webhooks, `chat.postMessage`, `chat.update`, Block Kit and rate limits.
//!
//! Reading order: [`workspace`] (state and rules), [`blocks`] and [`markup`] (what is checked), [`server`] (HTTP), [`draw`].

pub mod blocks;
pub mod draw;
pub mod markup;
pub mod server;
pub mod workspace;

#[cfg(test)]
mod tests;

pub use draw::{as_coloured_text, as_text};
pub use server::{Serving, Slack, serve};
pub use workspace::{Message, Scripted, Workspace};
