#![doc = include_str!("../README.md")]

mod app;
mod ending;
mod handler;
mod hub;
mod progress;
mod publish;
mod reading;
mod settings;

pub use app::AuditApp;
pub use handler::handle;
