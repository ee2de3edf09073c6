//! The local cloud: the part of AWS that pitcrew lives in, on loopback, on a clock of its own.
//!
//! Reading order: [`call`] and [`effect`] are the contract of every service; [`world`] puts the services on one clock;
//! [`gateway`] puts AWS's protocols in front of it, by the shapes of [`model`].

pub mod acm;
pub mod apprunner;
mod bucket;
pub mod build;
pub mod call;
pub mod cloud;
pub mod cloudwatch;
pub mod control;
pub mod demo;
pub mod deploy;
pub mod dns;
pub mod dynamodb;
pub mod ec2;
pub mod ecr;
pub mod effect;
pub mod events;
pub mod faults;
pub mod fleet;
pub mod gateway;
pub mod history;
pub mod iam;
pub mod lambda;
pub mod logs;
pub mod model;
pub mod outside;
pub mod policy;
pub mod print_stack;
pub mod route53;
pub mod s3;
pub mod secrets;
pub mod securityhub;
pub mod serve;
pub mod services;
pub mod shape;
pub mod slack;
pub mod sns;
pub mod sqs;
pub mod stage;
pub mod sts;
pub mod switches;
pub mod template;
pub mod tls;
pub mod wafv2;
pub mod world;

#[cfg(test)]
mod rig;

#[cfg(test)]
mod trial;
