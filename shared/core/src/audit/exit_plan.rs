//! The way from App Runner to ECS Express Mode for one service: the request, what it does not bring along, and the steps.
//!
//! It only plans. Nothing here and nothing that prints it changes anything; each step is a command for a person.
//!
//! | of the service | becomes |
//! |---|---|
//! | image, port, environment, secrets, size, tags | the same in the request |
//! | HTTP health check | its path; TCP blocks, for Express Mode asks a path |
//! | instances and concurrency | tasks, and requests a minute: approximate |
//! | start command | its words; or `/bin/sh -c`, where it needs a shell |
//! | instance role, access role | the task role with one more trust, a new execution role |
//! | VPC connector | subnets and security groups, to be looked at: they decide whether the load balancer is public |
//! | source build, private without subnets, a size that Fargate has not | blocks |
//! | KMS key, web ACL, tracing, automatic deployment | by hand: told with a command where there is one |
//! | custom domains | a certificate, the listener, and weighted records in five steps |
//!
//! The mapping is derived from the two APIs (botocore 1.44.5) and from the guides that each part names; no part of it was tried
//! with an AWS account.

mod argv;
mod cutover;
mod mapping;
mod request;
mod roles;
mod steps;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

pub use cutover::{Cutover, SHARES, Stage, ZoneBatch};
pub use request::Request;
pub use roles::Role;
pub use steps::Step;

use super::facts::{Connector, ServiceFacts};
use crate::autonomy::Tags;
use crate::fact::Fact;

/// What the plan needs beside the facts of the audit. The values of the environment go into the request and nowhere else.
#[derive(Clone, Default)]
pub struct Outside {
    /// Names and values of the plain environment variables.
    pub environment: BTreeMap<String, String>,
    /// The VPC connector, where the service goes out through one.
    pub connector: Fact<Connector>,
    /// `AWSXRAY`, where the observability configuration names a vendor.
    pub tracing_vendor: Fact<Option<String>>,
}

impl fmt::Debug for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&String> = self.environment.keys().collect();
        f.debug_struct("Outside")
            .field("environment", &names)
            .field("connector", &self.connector)
            .finish_non_exhaustive()
    }
}

/// Something that the request takes along.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Carried {
    pub from: String,
    /// The member of the request.
    pub to: &'static str,
    /// What changes its meaning on the way.
    pub note: Option<&'static str>,
}

/// Something without which the request does not work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Blocker {
    pub code: &'static str,
    pub said: String,
    pub mend: String,
}

/// Something that a person must see to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Manual {
    pub topic: &'static str,
    pub said: String,
    pub command: Option<String>,
}

/// The plan for one service.
#[derive(Clone, Debug, Serialize)]
pub struct ExitPlan {
    /// The ARN of the service.
    pub service: String,
    pub name: String,
    pub request: Request,
    pub carried: Vec<Carried>,
    pub blockers: Vec<Blocker>,
    pub by_hand: Vec<Manual>,
    pub roles: Vec<Role>,
    pub steps: Vec<Step>,
    pub cutover: Cutover,
    /// The way back, in its order, for who gives the move up.
    pub back: Vec<Step>,
}

/// Plans the way of one service. `file`: where the request will be, for the command that sends it.
pub fn exit_plan(service: &ServiceFacts, outside: &Outside, file: &str) -> ExitPlan {
    let (cutover, left) = cutover::cutover(service);
    let mut by_hand = mapping::by_hand(service, outside);
    by_hand.extend(left.into_iter().map(|(host, why)| Manual {
        topic: "DNS",
        said: format!(
            "the traffic of {host} has no change batch here: {why}. Move it by weighted records where it is kept"
        ),
        command: None,
    }));
    let roles = roles::roles(service);
    ExitPlan {
        service: service.arn.to_string(),
        name: service.arn.name().to_owned(),
        request: request::request(service, outside),
        carried: mapping::carried(service, outside),
        blockers: mapping::blockers(service, outside),
        by_hand,
        steps: steps::steps(service, &roles, &cutover, file),
        back: steps::back(service, &cutover),
        roles,
        cutover,
    }
}

/// Whether a tag is AWS's own: nobody else may set it.
fn is_reserved(key: &str) -> bool {
    key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:"))
}

/// The tags that the new service gets: not AWS's own, and not those that tell pitcrew what to do, the hold of the
/// plan's first step among them.
fn carried_tags(tags: &Tags) -> impl Iterator<Item = (&String, &String)> {
    tags.iter().filter(|(key, _)| !is_reserved(key) && !key.starts_with("pitcrew:"))
}
