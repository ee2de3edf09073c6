//! Tracing by X-Ray. The table stands in [`super`].

use super::super::super::facts::{Connector, Egress, Endpoint, Subnet, Tracing};
use super::super::super::policy::{Permit, allows};
use super::super::super::{Check, Findings, Fleet, Grade, Group, Rule, ServiceFacts};
use super::super::fix::{serves, update};
use super::super::subject::{guide, this, tracing_article};
use crate::dns::command::quote;

pub(in super::super) const RULES: &[Rule] = &[
    Rule {
        id: "observability-tracing-off",
        group: Group::Observability,
        grade: Grade::Low,
        title: "Requests are not traced",
        why: "Where the time of a slow request goes, and which call behind it fails, is then found by reading logs.",
        chapter: guide("Tracing for your App Runner application with X-Ray"),
        check: Check::Service(tracing_off),
    },
    Rule {
        id: "observability-tracing-denied",
        group: Group::Observability,
        grade: Grade::Medium,
        title: "Tracing is on, and the service may not write traces",
        why: "Nothing is traced, and the configuration says that it is.",
        chapter: guide("Add X-Ray permissions to your App Runner service instance role"),
        check: Check::Service(tracing_denied),
    },
    Rule {
        id: "observability-tracing-unreachable",
        group: Group::Observability,
        grade: Grade::Medium,
        title: "Tracing is on, and X-Ray cannot be reached from the service's VPC",
        why: "All that the service sends goes into the VPC of its connector: without a NAT gateway or an endpoint of \
              X-Ray there, traces are lost.",
        chapter: tracing_article("Step 1: Preparing the Amazon VPC and subnets"),
        check: Check::Service(tracing_unreachable),
    },
];

/// What a service needs to write its traces.
const ACTIONS: [&str; 2] = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"];

fn is_traced(service: &ServiceFacts) -> bool {
    serves(service) && matches!(service.tracing, Tracing::On { .. })
}

fn tracing_off(fleet: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    if !serves(service) || is_traced(service) {
        return;
    }
    let known = match fleet.tracings.get() {
        Some(Ok(known)) => known.iter().max_by_key(|known| known.revision).map(|known| known.arn.as_str()),
        Some(Err(_)) | None => None,
    };
    // The default configuration has no tracing, but a name of one that does may stand in the account already.
    let configuration = known.unwrap_or("CONFIGURATION_ARN");
    out.find(
        this(service),
        "Tracing is off.",
        "Instrument the application, give its role AWSXRayDaemonWriteAccess and switch tracing on, with a \
         configuration whose trace vendor is AWSXRAY.",
        update(
            service,
            &format!(
                "--observability-configuration ObservabilityEnabled=true,ObservabilityConfigurationArn={}",
                quote(configuration)
            ),
        ),
    );
}

fn tracing_denied(fleet: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    if !is_traced(service) {
        return;
    }
    let managed = format!("arn:{}:iam::aws:policy/AWSXRayDaemonWriteAccess", service.arn.partition());
    let Some(arn) = &service.instance_role else {
        out.find(
            this(service),
            "Tracing is on, and the service has no instance role.",
            "Give it an instance role with the managed policy AWSXRayDaemonWriteAccess.",
            "",
        );
        return;
    };
    if fleet.roles_gone.contains(arn) {
        // Another rule says so.
        return;
    }
    let Some(fact) = fleet.roles.get(arn) else {
        return out.unchecked(&this(service), "its instance role was not read");
    };
    let Some(role) = out.known(&this(service), fact) else { return };
    let answers = ACTIONS.map(|action| (action, allows(role, action)));
    let denied: Vec<&str> =
        answers.iter().filter(|(_, answer)| *answer == Permit::No).map(|(action, _)| *action).collect();
    if !denied.is_empty() {
        let name = arn.rsplit('/').next().unwrap_or(arn);
        out.find(
            this(service),
            format!("Tracing is on, and {name} does not allow {}.", denied.join(" and ")),
            "Attach the managed policy AWSXRayDaemonWriteAccess to the role.",
            format!("aws iam attach-role-policy --role-name {} --policy-arn {managed}", quote(name)),
        );
    } else if answers.iter().any(|(_, answer)| *answer == Permit::Unsure) {
        out.unchecked(&this(service), "conditions or a permissions boundary of its instance role decide about X-Ray");
    }
}

fn tracing_unreachable(fleet: &Fleet, service: &ServiceFacts, out: &mut Findings) {
    let Egress::Vpc { connector } = &service.egress else { return };
    if !is_traced(service) {
        return;
    }
    let resource = this(service);
    let Some(connectors) = out.known(&resource, &fleet.connectors) else { return };
    let Some(connector) = connectors.iter().find(|known| known.arn == *connector) else {
        return out.unchecked(&resource, "its VPC connector is not in the list of connectors");
    };
    let Some(known) = out.known(&resource, &fleet.network.subnets) else { return };
    let subnets: Vec<&Subnet> = connector.subnets.iter().filter_map(|id| known.get(id)).collect();
    let Some(first) = subnets.first() else {
        return out.unchecked(&resource, "EC2 knows no subnet of its VPC connector");
    };
    let closed: Vec<&str> =
        subnets.iter().filter(|subnet| !leads_out(subnet)).map(|subnet| subnet.id.as_str()).collect();
    if closed.is_empty() {
        return;
    }
    let Some(endpoints) = out.known(&resource, &fleet.network.endpoints) else { return };
    if endpoints.iter().any(|endpoint| is_xray(endpoint, &first.vpc, service.arn.region())) {
        return;
    }
    report_unreachable(service, connector, first, &closed, subnets.len(), out);
}

fn report_unreachable(
    service: &ServiceFacts,
    connector: &Connector,
    first: &Subnet,
    closed: &[&str],
    all: usize,
    out: &mut Findings,
) {
    let region = service.arn.region();
    let command = format!(
        "aws ec2 create-vpc-endpoint --vpc-id {} --vpc-endpoint-type Interface --service-name \
         com.amazonaws.{region}.xray --subnet-ids {} --security-group-ids GROUP_THAT_LETS_443_IN \
         --private-dns-enabled",
        quote(&first.vpc),
        connector.subnets.iter().map(|id| quote(id)).collect::<Vec<_>>().join(" ")
    );
    out.find(
        this(service),
        format!(
            "No route leads out of {} of the connector {}, and {} has no endpoint of X-Ray with private DNS.",
            closed.join(", "),
            connector.name,
            first.vpc
        ),
        "Make an interface endpoint of X-Ray, or lead the subnets' default route to a NAT gateway. One endpoint wants \
         one subnet of a zone.",
        command,
    );
    if closed.len() < all {
        out.graded(Grade::Low);
    }
}

/// Whether a default route leads somewhere else than to an internet gateway: instances behind a connector have no
/// public address, so that one does not serve them. Where a gateway or an appliance leads is not looked at.
fn leads_out(subnet: &Subnet) -> bool {
    subnet.routes.iter().any(|route| {
        route.destination == "0.0.0.0/0"
            && !route.blackhole
            && !route.target.starts_with("igw-")
            && route.target != "local"
    })
}

fn is_xray(endpoint: &Endpoint, vpc: &str, region: &str) -> bool {
    endpoint.vpc == vpc
        && endpoint.service == format!("com.amazonaws.{region}.xray")
        && endpoint.state.eq_ignore_ascii_case("available")
        && endpoint.private_dns
}
