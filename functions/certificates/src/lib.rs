#![doc = include_str!("../README.md")]

mod acm;
mod handler;

pub use handler::handle;
