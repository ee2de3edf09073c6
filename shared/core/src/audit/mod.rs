//! The audit: what is known to go wrong in an App Runner fleet, looked for before it does.
//!
//! A rule is a pure function from facts to findings. Facts are read for the fleet once and for each service once; a fact that
//! could not be read is a fact too, and a rule that needs it answers *not checked*, never *fine*.
//!
//! | what a rule answers about a resource | when |
//! |---|---|
//! | nothing | every fact that the rule needs was read, and nothing is wrong |
//! | a finding | something is wrong: what was seen, and what mends it |
//! | not checked | a fact that the rule needs could not be read: which, and why |
//!
//! | what becomes of a finding | when |
//! |---|---|
//! | waived | a waiver names its rule and its resource, has a reason, and has not expired |
//! | open, and a second finding | the waiver has expired, or has no reason or no date |
//! | open | no waiver names it |

mod exit_plan;
pub mod facts;
mod findings;
mod rule;
mod rules;

pub use exit_plan::{
    Blocker, Carried, Cutover, ExitPlan, Manual, Outside, Request, Role, SHARES, Stage, Step, ZoneBatch, exit_plan,
};
pub use facts::{Fleet, ServiceFacts};
pub use findings::{Findings, Fix, Resource, Seen, Unchecked};
pub use rule::{Chapter, Check, Grade, Group, Rule, all, find};
