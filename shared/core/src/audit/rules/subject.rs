//! What findings are about, and where rules come from.

use super::super::{Chapter, Resource, ServiceFacts};

/// The service, as a finding names it.
pub(super) fn this(service: &ServiceFacts) -> Resource {
    Resource::Service { arn: service.arn.clone() }
}

/// The developer guide, by heading.
pub(super) const fn guide(heading: &'static str) -> Chapter {
    Chapter { work: "App Runner developer guide", heading }
}

/// The article "Enabling VPC access for outgoing traffic", which says more than its chapter of the guide.
pub(super) const fn egress_article(heading: &'static str) -> Chapter {
    Chapter { work: "Enabling VPC access for outgoing traffic", heading }
}

/// The article "Deep Dive on AWS App Runner Private Services".
pub(super) const fn private_article(heading: &'static str) -> Chapter {
    Chapter { work: "Deep Dive on AWS App Runner Private Services", heading }
}

/// The article "Observability for AWS App Runner VPC networking".
pub(super) const fn tracing_article(heading: &'static str) -> Chapter {
    Chapter { work: "Observability for AWS App Runner VPC networking", heading }
}

/// The user guide of Certificate Manager.
pub(super) const fn acm_guide(heading: &'static str) -> Chapter {
    Chapter { work: "AWS Certificate Manager user guide", heading }
}

/// The user guide of ECR.
pub(super) const fn ecr_guide(heading: &'static str) -> Chapter {
    Chapter { work: "Amazon ECR user guide", heading }
}

/// What pitcrew promises: where a rule is about what it remembers.
pub(super) const fn promises(heading: &'static str) -> Chapter {
    Chapter { work: "docs/SEMANTICS.md of pitcrew", heading }
}
