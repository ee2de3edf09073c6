//! The local cloud: the part of AWS that pitcrew lives in, on loopback, on a clock of its own.
//!
//! Reading order: [`call`] and [`effect`] are the contract of every service; [`world`] puts the services on one clock;
//! [`gateway`] lets any SDK in; [`template`] deploys `infra/template.yaml`; [`lambda`] runs the functions' binaries.

pub mod call;
pub mod dynamodb;
pub mod effect;
pub mod outside;
pub mod secrets;
pub mod slack;
pub mod sns;
pub mod sts;
pub mod switches;

#[cfg(test)]
mod rig;
