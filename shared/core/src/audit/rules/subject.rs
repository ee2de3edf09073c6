//! What rules of the network, of domains and of security say their findings about.

use super::super::{Chapter, Resource, ServiceFacts};

/// The service.
pub(super) fn of(service: &ServiceFacts) -> Resource {
    Resource::Service { arn: service.arn.clone() }
}

/// The article "Enabling VPC access for outgoing traffic", which says more than its chapter of the guide.
pub(super) const fn egress_article(heading: &'static str) -> Chapter {
    Chapter { work: "Enabling VPC access for outgoing traffic", heading }
}

/// The article "Deep Dive on AWS App Runner Private Services".
pub(super) const fn private_article(heading: &'static str) -> Chapter {
    Chapter { work: "Deep Dive on AWS App Runner Private Services", heading }
}

/// Our own collection of facts, by its heading.
pub(super) const fn sheet(heading: &'static str) -> Chapter {
    Chapter { work: "pitcrew fact sheet", heading }
}
