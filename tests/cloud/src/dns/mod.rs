//! The DNS on loopback: one recursive resolver over UDP and TCP, and the client that asks it for the cloud's own services.
//!
//! Owns: sockets and messages. What is answered is Route 53's to say (`_Query`): nothing is decided here, nothing is kept, and
//! nobody outside 127.0.0.1 is asked.

mod client;
mod server;
mod wire;

pub use client::{Reply, ask};
pub use server::Server;

#[cfg(test)]
mod tests;
