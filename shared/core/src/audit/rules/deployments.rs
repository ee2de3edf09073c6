//! Deployments: what failed, what would fail, and what could not be brought back.
//!
//! | rule | finds | grade |
//! |---|---|---|
//! | `deployments-create-failed` | a service whose creation failed: it serves nobody and counts in the quota | high |

use super::super::{Check, Findings, Fleet, Grade, Group, Resource, Rule, ServiceFacts};
use super::guide;
use crate::service::ServiceStatus;

pub(super) const RULES: &[Rule] = &[Rule {
    id: "deployments-create-failed",
    group: Group::Deployments,
    grade: Grade::High,
    title: "The creation of a service failed",
    why: "It serves nobody, and it still counts in the quota of services.",
    chapter: guide("When service creation fails"),
    check: Check::Service(create_failed),
}];

fn create_failed(_: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    if service.status == ServiceStatus::CreateFailed {
        out.find(
            Resource::Service { arn: service.arn.clone() },
            "Its status is CREATE_FAILED.",
            "Correct what the log names and update it, which builds it again; or delete it.",
            format!("aws apprunner delete-service --service-arn {}", service.arn),
        );
    }
}
