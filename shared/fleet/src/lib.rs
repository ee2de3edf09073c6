//! Reads an App Runner fleet into the facts of the audit, and puts what came of it where people and machines find it.
//!
//! Reading order: [`wire`] and [`pace`] are the one way out; [`clients`] makes the clients; `surroundings` is what services
//! share, read once, with `lists`, `network`, `firewall`, `pointers` and `metrics` as its parts; `service` is one service, with
//! `roles` and `images`; [`walk`] goes over the fleet with a budget and a deadline, and its `cursor` knows how far it is. [`store`] and [`securityhub`]
//! take the results. Nothing here judges: that is `pitcrew_core::audit`.
//!
//! A crate of its own for what it is built from: `docs/adr/0007-audit.md`.

mod cache;
pub mod clients;
mod cursor;
mod fact;
mod firewall;
mod images;
mod lists;
mod metrics;
mod network;
pub mod pace;
mod pointers;
mod roles;
pub mod securityhub;
mod service;
pub mod store;
mod surroundings;
pub mod walk;
pub mod wire;
