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

pub mod asff;
mod command;
mod compare;
mod doubled;
pub mod due;
mod engine;
mod exit_plan;
pub mod facts;
mod figures;
mod findings;
pub mod html;
pub mod lifecycle;
mod narrow;
pub mod policy;
pub mod quotas;
mod report;
mod rule;
mod rules;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod samples_more;
pub mod secrets;
mod tell;
#[cfg(test)]
mod testing;
mod trend;
mod waiver;

pub use compare::{Changes, Regraded};
pub use doubled::doubled_names;
pub use engine::{
    CertificateLine, Counts, Finding, NotChecked, Part, ServiceLine, Source, Tagged, check_fleet, check_service,
};
pub use exit_plan::{
    Blocker, Carried, Cutover, ExitPlan, Manual, Outside, Request, Role, SHARES, Stage, Step, ZoneBatch, exit_plan,
};
pub use facts::{Fleet, ServiceFacts};
pub use figures::{Figures, figures};
pub use findings::{Findings, Fix, Resource, Seen, Unchecked};
pub use narrow::Selection;
pub use report::{FORMAT, Report, RuleLine, Run};
pub use rule::{Chapter, Check, Grade, Group, Rule, all, find};
pub use tell::notice;
pub use trend::{RUNS_MAX, Trend, TrendLine};
pub use waiver::{Entry, TAG, Waived, WaivedBy, Waivers};
