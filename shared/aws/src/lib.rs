//! The only crate that names `aws_sdk_*`: it observes, and it applies what `pitcrew-core` decided.
//!
//! Reading order: [`connect`] and [`clients`] make the clients; [`apprunner`], [`images`], [`alarms`] and [`logs`] read;
//! [`table`] remembers; [`apply`] makes the one call of an intent; [`engine`] is the one path of a service through them.

pub mod alarms;
pub mod apply;
pub mod apprunner;
pub mod clients;
pub mod connect;
pub mod date;
pub mod engine;
pub mod error;
pub mod images;
pub mod logs;
pub mod outbox;
pub mod publish;
pub mod secret;
pub mod table;
