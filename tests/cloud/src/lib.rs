//! The local cloud: the part of AWS that pitcrew lives in, on loopback, on a clock of its own.
//!
//! Reading order: [`call`] and [`effect`] are the contract of every service; [`world`] puts the services on one clock;
//! [`gateway`] lets any SDK in; [`template`] deploys `infra/template.yaml`; [`lambda`] runs the functions' binaries.

pub mod call;
pub mod effect;
pub mod outside;
pub mod shape;
pub mod switches;

pub mod cloudwatch;
pub mod ecr;
pub mod logs;
pub mod sqs;

#[cfg(test)]
mod trial;
