//! The rules, one file a group. Each file begins with the table of its rules.

mod deployments;
mod express;
mod fix;
mod observability;
mod quotas;
mod releases;
mod scaling;

use super::rule::Rule;

/// Every rule, by group, in the order in which people read them.
pub(super) const ALL: &[&[Rule]] = &[
    deployments::RULES,
    releases::RULES,
    scaling::CHECKS,
    scaling::SIZE,
    scaling::USAGE,
    observability::TRACING,
    observability::ALARMS,
    observability::RULES,
    quotas::RULES,
    quotas::SHARED,
    express::RULES,
];

/// The developer guide, by heading.
const fn guide(heading: &'static str) -> super::Chapter {
    super::Chapter { work: "App Runner developer guide", heading }
}

#[cfg(test)]
mod tests;
