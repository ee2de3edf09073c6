//! The local cloud: the part of AWS that pitcrew lives in, on loopback, on a clock of its own.
//!
//! Reading order: [`call`] and [`effect`] are the contract of every service; [`world`] puts the services on one clock.

pub mod call;
pub mod effect;
pub mod events;
pub mod faults;
pub mod history;
pub mod lambda;
pub mod outside;
pub mod policy;
pub mod switches;
pub mod template;
pub mod world;
