//! The rules, one file a group. Each file begins with the table of its rules.

mod deployments;
mod domains;
mod egress;
mod express;
mod fix;
mod ingress;
mod observability;
mod quotas;
mod releases;
mod scaling;
mod security;
mod subject;

use super::rule::Rule;

/// Every rule, by group, in the order in which people read them.
pub(super) const ALL: &[&[Rule]] = &[
    deployments::RULES,
    releases::RULES,
    scaling::CHECKS,
    scaling::SIZE,
    scaling::USAGE,
    domains::RULES,
    egress::RULES,
    ingress::RULES,
    observability::TRACING,
    observability::ALARMS,
    observability::RULES,
    security::RULES,
    quotas::RULES,
    quotas::SHARED,
    express::RULES,
];

#[cfg(test)]
mod clock;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod unseen;
