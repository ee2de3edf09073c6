#![doc = include_str!("../README.md")]

mod handler;

pub use handler::handle;
