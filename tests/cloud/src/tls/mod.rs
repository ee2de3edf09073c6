//! App Runner's front end over TLS: which certificate it serves for which name, really served on loopback.
//!
//! It owns a certificate authority of its own and the HTTPS server. The world decides what is served, by ACM's internal
//! operation `_Served`, and who answers, by App Runner's `_Routed`; nothing here keeps a name or a date of its own. A
//! certificate that has expired is served like any other. It never leaves loopback, and its authority is good for nothing
//! else: the key dies with the process.

mod authority;
mod front;

#[cfg(test)]
mod tests;

pub use authority::{Authority, Served, TlsError};
pub use front::{FrontEnd, serve};
