//! The rules, one file a group. Each file begins with the table of its rules.

mod deployments;
mod domains;
mod egress;
mod ingress;
mod security;
mod subject;

use super::rule::Rule;

/// Every rule, by group, in the order in which people read them.
pub(super) const ALL: &[&[Rule]] =
    &[deployments::RULES, domains::RULES, egress::RULES, ingress::RULES, security::RULES];

/// The developer guide, by heading.
const fn guide(heading: &'static str) -> super::Chapter {
    super::Chapter { work: "App Runner developer guide", heading }
}

#[cfg(test)]
mod tests;
