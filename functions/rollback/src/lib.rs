#![doc = include_str!("../README.md")]

mod app;
mod handler;
mod outcome;
mod subjects;
mod sweep;

pub use app::App;
pub use handler::handle;
