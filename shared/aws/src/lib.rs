//! The crate that names `aws_sdk_*`, and beside `pitcrew-fleet` the only one: it observes, and it applies what `pitcrew-core` decided.
//!
//! Reading order: [`https`], [`connect`] and [`clients`] make the clients; [`apprunner`], [`images`], [`alarms`] and [`logs`] read;
//! [`table`] and [`account`] remember; [`apply`] makes the one call of an intent; [`engine`] is the one path of a service
//! through them. [`domains`], [`acm`], [`route53`], [`resolve`] and [`tls`] read and change what custom domains and certificates
//! need, [`dns`] and [`domain_clients`] hold them together, and [`domain_engine`] and [`acm_engine`] are their paths. [`wake`]
//! is how a function looks again. [`describe`] is `DescribeService` as the facts of an audit, and [`configurations`] what it
//! names. [`outbox`], [`publish`] and [`secret`] are what telling needs. The feature `operator` adds what only the operator's command
//! asks.

pub mod account;
pub mod acm;
pub mod acm_engine;
pub mod alarms;
pub mod apply;
pub mod apprunner;
pub mod clients;
pub mod configurations;
pub mod connect;
pub mod date;
pub mod deadline;
pub mod describe;
pub mod dns;
pub mod domain_clients;
pub mod domain_engine;
pub mod domains;
pub mod engine;
pub mod error;
#[cfg(feature = "operator")]
pub mod exit_facts;
pub mod https;
pub mod images;
pub mod lazy;
pub mod logs;
#[cfg(feature = "operator")]
pub mod operator;
pub mod outbox;
pub mod publish;
pub mod resolve;
pub mod route53;
pub mod secret;
pub mod table;
pub mod tls;
pub mod wake;
