//! What the rules see: the fleet's own facts, read once, and those of one service at a time.
//!
//! No value of an environment variable and no secret is in any of this: the AWS port looks at values and keeps only what
//! [`super::secrets`] says of them.

mod access;
mod network;
mod service;
mod watch;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use access::{PolicyDocument, RoleFacts};
pub use network::{
    Connector, ConnectorStatus, Endpoint, Ingress, IngressStatus, NetworkFacts, Peer, Permission, Route, SecurityGroup,
    Subnet,
};
pub use service::{
    CodeFacts, DomainFacts, Egress, HealthCheck, ImageFacts, Protocol, Scaling, ServiceFacts, Suspicion, Tracing,
    Variable,
};
pub use watch::{AlarmFacts, LogGroup, Usage};

use crate::dns::name::Name;
use crate::fact::Fact;
use crate::id::ServiceArn;
use crate::service::ServiceStatus;

/// Services that a reason names; of more, their number.
const NAMES_MAX: usize = 3;

/// The account, the region and the partition of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub partition: String,
    pub account: String,
    pub region: String,
}

/// What the owner chose: thresholds, and what a policy of the house asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// A paused service is a finding after so many days.
    pub paused_days: u32,
    /// A service without a request is a finding after so many days.
    pub idle_days: u32,
    /// A domain that is not active is a finding after so many hours. App Runner gives up after 72.
    pub pending_hours: u32,
    /// A certificate is a finding when it has so many days left, or fewer.
    pub certificate_days: u32,
    /// pitcrew's own event rules are a finding when none fired for so many days while something happened.
    pub silent_days: u32,
    /// Whether every service needs a customer key.
    pub customer_key: bool,
    /// Whether every public service needs a firewall.
    pub firewall: bool,
    /// Whether readiness for ECS Express Mode is looked at. One who stays with App Runner switches it off once, instead of
    /// waiving it for every service.
    pub express: bool,
    /// Share of a quota at which it is a finding, in percent.
    pub quota_percent: u32,
    /// Quotas that AWS raised for this account, by name as in [`super::quotas::Quota`]; the rest is the default of the guide.
    pub quotas: BTreeMap<String, u64>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            paused_days: 30,
            idle_days: 30,
            pending_hours: 24,
            certificate_days: 30,
            silent_days: 7,
            customer_key: false,
            firewall: true,
            express: true,
            quota_percent: 80,
            quotas: BTreeMap::new(),
        }
    }
}

/// One service in the fleet's list: what rules about shared things need of every service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    pub arn: ServiceArn,
    pub status: ServiceStatus,
    /// The host of its default domain, where it has one.
    pub host: Option<String>,
    pub public: bool,
    /// The ARN of its VPC connector.
    pub connector: Option<String>,
    /// The ARN of its automatic scaling configuration.
    pub scaling: Option<String>,
    /// The ARN of its observability configuration.
    pub tracing: Option<String>,
    /// The ARN of its connection to a code provider.
    pub connection: Option<String>,
}

/// A record of a hosted zone of this account that leads to a name of App Runner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pointer {
    pub zone: String,
    /// Whether the zone is private: its records are seen in VPCs alone.
    #[serde(default)]
    pub private: bool,
    pub name: Name,
    /// `A`, `AAAA`, `CNAME`.
    pub kind: String,
    pub target: Name,
}

/// A configuration with revisions, as the lists of App Runner show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    pub arn: String,
    pub name: String,
    pub revision: u32,
}

/// A connection to a code provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    pub arn: String,
    pub name: String,
    /// `AVAILABLE`, `PENDING_HANDSHAKE`, `ERROR`, `DELETED`.
    pub status: String,
}

/// What services share, read once in a run.
#[derive(Clone, Debug)]
pub struct Fleet {
    pub place: Place,
    pub now: Timestamp,
    pub policy: Policy,
    /// Every service of the region that was looked at. Rules about the fleet see all of them; rules about a service may see
    /// a part.
    pub services: Vec<Listed>,
    /// Services that App Runner lists and that could not be looked at, with the reason. What none of [`Fleet::services`] is or
    /// uses may be one of these, or be used by it: see [`Fleet::blind`].
    pub unseen: BTreeMap<ServiceArn, String>,
    pub connectors: Fact<Vec<Connector>>,
    pub ingresses: Fact<Vec<Ingress>>,
    pub scalings: Fact<Vec<Revision>>,
    pub tracings: Fact<Vec<Revision>>,
    pub connections: Fact<Vec<Connection>>,
    pub network: NetworkFacts,
    /// Instance and access roles, by ARN.
    pub roles: BTreeMap<String, Fact<RoleFacts>>,
    /// ARNs of roles that services name and IAM does not know: they are not among [`Fleet::roles`].
    pub roles_gone: BTreeSet<String>,
    pub alarms: Fact<Vec<AlarmFacts>>,
    /// Why there may be alarms that watch a service and are not among [`Fleet::alarms`]; `None` where these are all.
    pub alarms_left: Option<String>,
    /// Records of this account's zones that lead to App Runner.
    pub pointers: Fact<Vec<Pointer>>,
    /// When an event rule of this stack fired last; `None` where none did in the time that was asked for.
    pub last_event: Fact<Option<Timestamp>>,
    /// When the newest operation of any service of the region began; `None` where no service had one.
    pub last_operation: Fact<Option<Timestamp>>,
}

impl Fleet {
    /// A fleet of which nothing was read yet.
    pub fn unread(place: Place, now: Timestamp, policy: Policy) -> Self {
        Self {
            place,
            now,
            policy,
            services: Vec::new(),
            unseen: BTreeMap::new(),
            connectors: Fact::Unread,
            ingresses: Fact::Unread,
            scalings: Fact::Unread,
            tracings: Fact::Unread,
            connections: Fact::Unread,
            network: NetworkFacts::default(),
            roles: BTreeMap::new(),
            roles_gone: BTreeSet::new(),
            alarms: Fact::Unread,
            alarms_left: None,
            pointers: Fact::Unread,
            last_event: Fact::Unread,
            last_operation: Fact::Unread,
        }
    }

    /// Why nothing can be concluded from what no service is or uses: a service that is listed could not be looked at. `None`
    /// where every one was.
    pub fn blind(&self) -> Option<String> {
        let (_, why) = self.unseen.first_key_value()?;
        let names: Vec<&str> = self.unseen.keys().take(NAMES_MAX).map(ServiceArn::name).collect();
        let more = match self.unseen.len() - names.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        Some(format!("could not look at {}{more}: {why}", names.join(", ")))
    }
}
