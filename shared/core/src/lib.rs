//! Every decision of pitcrew, as functions from values to values.
//!
//! Nothing here waits, reads a clock, reads the environment or names an AWS SDK type (design, sections 2 and 3).
//! Reading order: [`id`] and [`service`] are the words; [`event`] is how a wake comes in; [`ledger`], [`incident`] and
//! [`memory`] are what is remembered; [`rollback`] decides about deployments, [`domain`] about custom domains with [`dns`] and
//! [`certificate`]; [`autonomy`] and [`breaker`] hold it back; [`notice`],
//! [`diagnosis`] and [`receipt`] are what people get to read.

pub mod audit;
pub mod autonomy;
pub mod breaker;
pub mod certificate;
pub mod diagnosis;
pub mod dns;
pub mod domain;
pub mod event;
pub mod fact;
mod glob;
pub mod id;
pub mod incident;
pub mod ledger;
pub mod memory;
pub mod notice;
pub mod outbox;
pub mod receipt;
pub mod render;
pub mod rollback;
pub mod service;
mod short_hash;
pub mod step;
