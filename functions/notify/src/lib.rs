//! Tells people: sends what stands in the outbox to SNS, Amazon Q and Slack, at least once and apart from each other.
//!
//! Reading order: [`app`] holds the clients, [`handler`] takes an event and claims rows, [`deliver`] sends them, [`slack`] is the one channel that is
//! not an AWS call. What is due, how often it is tried and what a message looks like is decided in `pitcrew-core`.

pub mod app;
pub mod deliver;
pub mod event;
pub mod handler;
pub mod settings;
pub mod slack;

#[cfg(test)]
mod tests;
