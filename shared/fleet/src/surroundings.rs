//! What services share, read once in a run: everything of [`Fleet`] but the services themselves and their roles.

use pitcrew_aws::dns::DnsReads;
use pitcrew_core::audit::Fleet;
use pitcrew_core::fact::Fact;

use crate::clients::FleetClients;
use crate::fact::{likewise, settled};
use crate::firewall::{self, Firewalls};
use crate::pointers::{self, LogGroups};
use crate::{lists, metrics, network};

/// What was read for all services, and is handed to each as a fact of its own.
pub(crate) struct Surroundings {
    pub log_groups: Fact<LogGroups>,
    pub firewalls: Firewalls,
}

/// Reads what services share into `fleet`. `services`: how many there are. `rules`: the names of the stack's event rules.
pub(crate) async fn observe(
    clients: &FleetClients,
    dns: &DnsReads<'_>,
    fleet: &mut Fleet,
    services: usize,
    rules: &[String],
) -> Surroundings {
    let apprunner = &clients.domains.apprunner;
    let lists = async {
        let connectors = settled(lists::connectors(apprunner).await);
        let ingresses = settled(lists::ingresses(apprunner).await);
        let network = network::observe(&clients.ec2, &connectors, &ingresses).await;
        (connectors, ingresses, network)
    };
    let configurations = async {
        let scalings = settled(lists::scalings(apprunner).await);
        let tracings = settled(lists::tracings(apprunner).await);
        (scalings, tracings, settled(lists::connections(apprunner).await))
    };
    let metrics = async {
        // One day more than the rule asks for: whether it is longer ago must be seen.
        let days = fleet.policy.silent_days.saturating_add(1);
        let last_event = metrics::last_event(&clients.cloudwatch, rules, fleet.now, days).await;
        (settled(pointers::alarms(&clients.cloudwatch).await), last_event)
    };
    let pointers = async {
        match settled(pointers::pointers(&clients.domains.route53, dns).await) {
            Fact::Known(pointers) => pointers,
            missing => likewise(&missing),
        }
    };
    let (lists, configurations, (alarms, last_event), pointers, log_groups, firewalls) = tokio::join!(
        lists,
        configurations,
        metrics,
        pointers,
        pointers::log_groups(&clients.logs),
        firewall::observe(&clients.waf, services),
    );
    (fleet.connectors, fleet.ingresses, fleet.network) = lists;
    (fleet.scalings, fleet.tracings, fleet.connections) = configurations;
    (fleet.alarms, fleet.alarms_left) = match alarms {
        Fact::Known((alarms, left)) => (Fact::Known(alarms), left),
        missing => (likewise(&missing), None),
    };
    fleet.last_event = last_event;
    fleet.pointers = pointers;
    Surroundings { log_groups: settled(log_groups), firewalls }
}
