//! The way out through a VPC connector: its zones, its routes, its security groups.
//!
//! | rule | finds | grade |
//! |---|---|---|
//! | `egress-zones` | a connector in fewer zones than three, or than the region has | medium |
//! | `egress-public-subnet` | a subnet whose default route is an internet gateway, which serves no private address | high |
//! | `egress-no-way-out` | a connector without a default route and without any endpoint | medium |
//! | `egress-uneven-routes` | a connector some of whose subnets have a default route and some have none | high |
//! | `egress-blackhole` | a default route whose target is gone | high |
//! | `egress-one-nat` | subnets of several zones that share one NAT gateway | low |
//! | `egress-subnet-gone` | a subnet that does not exist any more | high |
//! | `egress-subnet-full` | a subnet with few free addresses | medium |
//! | `egress-group-gone` | a security group that does not exist any more | high |
//! | `egress-closed` | security groups that let nothing out | high |
//! | `egress-open` | a security group that lets everything out, as the default one does | low |
//! | `egress-not-let-in` | a connector that no security group of its VPC lets in | medium |
//! | `egress-endpoint-closed` | endpoints of the VPC whose security groups do not let a connector in, where nothing else leads out of it | medium |
//! | ... | ... where there is a way out, but the endpoints answer for the names all the same | low |
//! | `egress-stale-reference` | a security group that lets in a group which is in none of the VPCs | low |
//! | `egress-unused` | a connector that no service uses | low |
//! | `egress-inactive` | a service whose connector is inactive or gone | high |
//!
//! What App Runner does by itself (images, logs, secrets) is not routed through the VPC, so no rule asks for a way to
//! it.

mod groups;
mod routes;

use super::super::facts::{Connector, ConnectorStatus, Fleet, Subnet};
use super::super::{Check, Findings, Grade, Group, Resource, Rule};
use super::subject::{egress_article, guide, private_article};
use crate::dns::command::quote;
use crate::service::ServiceStatus;

pub(super) const RULES: &[Rule] = &[
    Rule::new(
        Group::Egress,
        "egress-zones",
        Grade::Medium,
        "A VPC connector stands in few availability zones",
        "When a zone fails, so does what the service asks through it; three zones are what AWS recommends.",
        egress_article("Subnet"),
        Check::Fleet(routes::zones),
    ),
    Rule::new(
        Group::Egress,
        "egress-public-subnet",
        Grade::High,
        "A VPC connector stands in a public subnet",
        "Its interfaces have private addresses alone, and an internet gateway carries none: what leaves there is lost.",
        egress_article("Subnet"),
        Check::Fleet(routes::public_subnet),
    ),
    Rule::new(
        Group::Egress,
        "egress-no-way-out",
        Grade::Medium,
        "A VPC connector leads to nothing outside its VPC",
        "All outgoing traffic goes through the VPC: no public website and no API of AWS can be reached. It may be \
         meant so.",
        egress_article("Considerations when selecting a subnet"),
        Check::Fleet(routes::no_way_out),
    ),
    Rule::new(
        Group::Egress,
        "egress-uneven-routes",
        Grade::High,
        "Only some subnets of a VPC connector have a way out",
        "The same request works or fails by the subnet that it happens to leave through.",
        egress_article("Considerations when selecting a subnet"),
        Check::Fleet(routes::uneven),
    ),
    Rule::new(
        Group::Egress,
        "egress-blackhole",
        Grade::High,
        "A default route leads to a target that is gone",
        "What leaves through that subnet is lost.",
        egress_article("Considerations when selecting a subnet"),
        Check::Fleet(routes::blackhole),
    ),
    Rule::new(
        Group::Egress,
        "egress-one-nat",
        Grade::Low,
        "Subnets of several zones share one NAT gateway",
        "A zonal gateway takes the way out of all zones with it when its own fails. A regional one does not.",
        egress_article("Considerations when selecting a subnet"),
        Check::Fleet(routes::one_nat),
    ),
    Rule::new(
        Group::Egress,
        "egress-subnet-gone",
        Grade::High,
        "A VPC connector names a subnet that does not exist",
        "It has no interface there, and the next change of the service may fail on it.",
        guide("Subnet"),
        Check::Fleet(routes::subnet_gone),
    ),
    Rule::new(
        Group::Egress,
        "egress-subnet-full",
        Grade::Medium,
        "A subnet of a VPC connector has few free addresses",
        "App Runner cannot add the interfaces that more traffic needs.",
        guide("VPC Connector"),
        Check::Fleet(routes::subnet_full),
    ),
    Rule::new(
        Group::Egress,
        "egress-group-gone",
        Grade::High,
        "A VPC connector names a security group that does not exist",
        "What the group let out, and who let the group in, holds no more.",
        guide("Security group"),
        Check::Fleet(groups::gone),
    ),
    Rule::new(
        Group::Egress,
        "egress-closed",
        Grade::High,
        "The security groups of a VPC connector let nothing out",
        "Every request of the application that goes through it runs into a timeout.",
        egress_article("Security group"),
        Check::Fleet(groups::closed),
    ),
    Rule::new(
        Group::Egress,
        "egress-open",
        Grade::Low,
        "A security group of a VPC connector lets everything out",
        "It is the default. A service that is taken over can reach whatever the VPC can.",
        egress_article("Security group"),
        Check::Fleet(groups::open),
    ),
    Rule::new(
        Group::Egress,
        "egress-not-let-in",
        Grade::Medium,
        "No security group lets a VPC connector in",
        "A database that does not let the connector's groups in answers with silence.",
        egress_article("Security group"),
        Check::Fleet(groups::not_let_in),
    ),
    Rule::new(
        Group::Egress,
        "egress-endpoint-closed",
        Grade::Medium,
        "Endpoints of AWS in the VPC do not let a VPC connector in",
        "With private DNS the names of those services lead to the endpoints: what the application asks of them runs \
         into a timeout, whatever the routes say.",
        private_article("Troubleshooting"),
        Check::Fleet(groups::endpoint_closed),
    ),
    Rule::new(
        Group::Egress,
        "egress-stale-reference",
        Grade::Low,
        "A security group lets in a group that is not there",
        "The connector that it was meant for has another group by now, and stands outside.",
        egress_article("Security group"),
        Check::Fleet(groups::stale_reference),
    ),
    Rule::new(
        Group::Egress,
        "egress-unused",
        Grade::Low,
        "A VPC connector is used by no service",
        "It counts in the quota of connectors.",
        guide("Manage VPC access"),
        Check::Fleet(routes::unused),
    ),
    Rule::new(
        Group::Egress,
        "egress-inactive",
        Grade::High,
        "A service names a VPC connector that is not active",
        "The next change of the service may fail on it.",
        guide("VPC Connector"),
        Check::Service(routes::inactive),
    ),
];

fn of(connector: &Connector) -> Resource {
    Resource::other("VPC connector", connector.arn.clone())
}

fn is_used(fleet: &Fleet, connector: &Connector) -> bool {
    let uses = |arn: Option<&String>| arn.is_some_and(|arn| *arn == connector.arn);
    let alive = fleet.services.iter().filter(|listed| listed.status != ServiceStatus::Deleted);
    alive.into_iter().any(|listed| uses(listed.connector.as_ref()))
}

/// The active connectors that services use: what others lead to hurts nobody. Whether nobody uses one is known only where
/// every service was looked at.
fn used<'f>(fleet: &'f Fleet, out: &mut Findings) -> Vec<&'f Connector> {
    let all = out.known(&Resource::Account, &fleet.connectors).map(Vec::as_slice).unwrap_or_default();
    let active = all.iter().filter(|it| it.status == ConnectorStatus::Active);
    let (used, others): (Vec<_>, Vec<_>) = active.partition(|it| is_used(fleet, it));
    for connector in others {
        out.all_seen(&of(connector), fleet);
    }
    used
}

/// The subnets of a connector that EC2 knows; `None` where they could not be read.
fn subnets<'f>(fleet: &'f Fleet, connector: &Connector, out: &mut Findings) -> Option<Vec<&'f Subnet>> {
    let known = out.known(&of(connector), &fleet.network.subnets)?;
    Some(connector.subnets.iter().filter_map(|id| known.get(id)).collect())
}

/// The command that makes a connector anew; its name with another set of subnets or groups is a new revision.
fn anew(connector: &Connector, subnets: &[&str], groups: &[&str]) -> String {
    let words = |words: &[&str]| words.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ");
    format!(
        "aws apprunner create-vpc-connector --vpc-connector-name {} --subnets {} --security-groups {}",
        quote(&connector.name),
        words(subnets),
        words(groups)
    )
}
