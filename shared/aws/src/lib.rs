//! The only crate that names the AWS SDK: it reads (`observe`), writes (`apply`) and translates; it decides nothing.

pub mod connect;
pub mod date;
pub mod outbox;
pub mod publish;
pub mod secret;
