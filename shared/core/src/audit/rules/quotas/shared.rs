//! Connectors and connections, which services share. The table stands in [`super`].

use std::collections::BTreeSet;

use super::super::super::facts::{Connection, ConnectorStatus, Ingress, IngressStatus, Listed};
use super::super::super::quotas::Quota;
use super::super::super::{Check, Findings, Fleet, Grade, Group, Resource, Rule};
use super::super::subject::guide;
use super::{DELETIONS_MAX, near, rule};
use crate::dns::command::quote;

pub(in super::super) const RULES: &[Rule] = &[
    rule("quotas-connectors", "The quota of VPC connectors is almost used up", Check::Fleet(connectors)),
    rule(
        "quotas-ingress-connections",
        "The quota of VPC ingress connections is almost used up",
        Check::Fleet(ingress_connections),
    ),
    rule("quotas-connections", "The quota of connections is almost used up", Check::Fleet(connections)),
    Rule {
        id: "quotas-connection-broken",
        group: Group::Quotas,
        grade: Grade::High,
        title: "A connection to a code provider does not work",
        why: "What is pushed is not built and not deployed, and a deployment by hand fails.",
        chapter: guide("Managing App Runner connections"),
        check: Check::Fleet(connection_broken),
    },
];

/// What is shared by an ARN that the list of services names.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Scaling,
    Observability,
    Connector,
    Connection,
}

impl Kind {
    /// The one that this service uses.
    pub(super) fn of(self, listed: &Listed) -> Option<&String> {
        match self {
            Self::Scaling => listed.scaling.as_ref(),
            Self::Observability => listed.tracing.as_ref(),
            Self::Connector => listed.connector.as_ref(),
            Self::Connection => listed.connection.as_ref(),
        }
    }

    pub(super) fn delete(self, arn: &str) -> String {
        let what = match self {
            Self::Scaling => "delete-auto-scaling-configuration --auto-scaling-configuration-arn",
            Self::Observability => "delete-observability-configuration --observability-configuration-arn",
            Self::Connector => "delete-vpc-connector --vpc-connector-arn",
            Self::Connection => "delete-connection --connection-arn",
        };
        format!("aws apprunner {what} {}", quote(arn))
    }

    /// Whether a service uses it, or one may that could not be looked at.
    pub(super) fn may_be_used(self, fleet: &Fleet, arn: &str) -> bool {
        !fleet.unseen.is_empty() || self.users(fleet, arn) > 0
    }

    fn users(self, fleet: &Fleet, arn: &str) -> usize {
        fleet.services.iter().filter(|listed| self.of(listed).is_some_and(|used| used == arn)).count()
    }
}

/// Several deletions as one command, one a line. One that fails does not stop the others.
pub(super) fn delete_all(commands: impl IntoIterator<Item = String>) -> String {
    commands.into_iter().take(DELETIONS_MAX).collect::<Vec<_>>().join("\n")
}

fn connectors(fleet: &Fleet, out: &mut Findings) {
    let Some(known) = out.known(&Resource::Account, &fleet.connectors) else { return };
    let active: Vec<_> = known.iter().filter(|connector| connector.status == ConnectorStatus::Active).collect();
    let free = active.iter().filter(|connector| !Kind::Connector.may_be_used(fleet, &connector.arn));
    let free = free.map(|connector| Kind::Connector.delete(&connector.arn));
    near(fleet, Quota::VpcConnectors, "", active.len(), delete_all(free), out);
}

fn ingress_connections(fleet: &Fleet, out: &mut Findings) {
    let Some(known) = out.known(&Resource::Account, &fleet.ingresses) else { return };
    let standing = |ingress: &&Ingress| ingress.status != IngressStatus::Deleted;
    let standing: Vec<_> = known.iter().filter(standing).collect();
    let services = fleet.services.iter().map(|listed| &listed.arn).chain(fleet.unseen.keys());
    let services: BTreeSet<String> = services.map(ToString::to_string).collect();
    let orphans = standing.iter().filter(|ingress| !services.contains(&ingress.service)).map(|ingress| {
        format!("aws apprunner delete-vpc-ingress-connection --vpc-ingress-connection-arn {}", quote(&ingress.arn))
    });
    near(fleet, Quota::IngressConnections, "", standing.len(), delete_all(orphans), out);
}

fn is_standing(connection: &Connection) -> bool {
    !connection.status.eq_ignore_ascii_case("DELETED")
}

fn connections(fleet: &Fleet, out: &mut Findings) {
    let Some(known) = out.known(&Resource::Account, &fleet.connections) else { return };
    let standing: Vec<_> = known.iter().filter(|connection| is_standing(connection)).collect();
    let free = standing.iter().filter(|connection| !Kind::Connection.may_be_used(fleet, &connection.arn));
    let free = free.map(|connection| Kind::Connection.delete(&connection.arn));
    near(fleet, Quota::Connections, "", standing.len(), delete_all(free), out);
}

fn connection_broken(fleet: &Fleet, out: &mut Findings) {
    let Some(known) = out.known(&Resource::Account, &fleet.connections) else { return };
    for connection in known.iter().filter(|connection| is_standing(connection)) {
        if connection.status.eq_ignore_ascii_case("AVAILABLE") {
            continue;
        }
        let users = Kind::Connection.users(fleet, &connection.arn);
        let resource = Resource::other("connection", &connection.arn);
        if users > 0 {
            out.find(
                resource,
                format!("{} is {}, and {} through it.", connection.name, connection.status, deploying(users)),
                "Complete the handshake in App Runner's console, under GitHub connections: no command can. Where that \
                 does not help, make a new connection and give it to the services.",
                "",
            );
        } else if out.all_seen(&resource, fleet) {
            let seen = format!("{} is {}, and no service uses it.", connection.name, connection.status);
            let fix = "Complete its handshake in App Runner's console, or delete it.";
            out.find(resource, seen, fix, Kind::Connection.delete(&connection.arn));
            out.graded(Grade::Low);
        }
    }
}

fn deploying(users: usize) -> String {
    if users == 1 { "1 service deploys".to_owned() } else { format!("{users} services deploy") }
}
