//! What a decision about one custom domain knows, and the reads that it may still ask for.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::memory::DomainMemory;
use crate::autonomy::{Autonomy, Tags};
use crate::certificate::Served;
use crate::dns::facts::{DnsFacts, DnsLook, ZoneRef};
use crate::dns::name::Name;
use crate::fact::Fact;
use crate::id::ServiceArn;
use crate::memory::Pause;
use crate::service::ServiceStatus;

/// `CustomDomain.Status`, which the wire writes in lower case and the model in upper case (facts, section 3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DomainStatus {
    Creating,
    PendingCertificateDnsValidation,
    BindingCertificate,
    Active,
    CreateFailed,
    Deleting,
    DeleteFailed,
    /// A status that this version does not know: nothing is ever done on the strength of it.
    Unknown(String),
}

impl DomainStatus {
    pub fn parse(word: &str) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "creating" => Self::Creating,
            "pending_certificate_dns_validation" => Self::PendingCertificateDnsValidation,
            "binding_certificate" => Self::BindingCertificate,
            "active" => Self::Active,
            "create_failed" => Self::CreateFailed,
            "deleting" => Self::Deleting,
            "delete_failed" => Self::DeleteFailed,
            other => Self::Unknown(other.chars().take(64).collect()),
        }
    }

    /// The word as the wire writes it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Creating => "creating",
            Self::PendingCertificateDnsValidation => "pending_certificate_dns_validation",
            Self::BindingCertificate => "binding_certificate",
            Self::Active => "active",
            Self::CreateFailed => "create_failed",
            Self::Deleting => "deleting",
            Self::DeleteFailed => "delete_failed",
            Self::Unknown(word) => word,
        }
    }
}

/// How far the proof of one name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validation {
    Pending,
    Success,
    Failed,
    Unknown,
}

/// One CNAME that proves a name to ACM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidationRecord {
    pub name: Name,
    pub value: Name,
    pub status: Validation,
}

/// Where a private service is reached inside one VPC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VpcTarget {
    pub vpc: String,
    pub target: Name,
}

/// One custom domain of a service, as `DescribeCustomDomains` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Association {
    pub www: bool,
    pub status: DomainStatus,
    /// None yet for some seconds after the association.
    pub records: Vec<ValidationRecord>,
    /// Records that could not be read as a CNAME: told, never guessed at.
    pub unreadable: Vec<String>,
    pub dns_target: Option<Name>,
    pub vpc_targets: Vec<VpcTarget>,
}

/// What of the service decides where its records lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceFacts {
    pub status: ServiceStatus,
    pub created_at: Timestamp,
    /// Whether it can be reached from the internet.
    pub public: bool,
}

/// A read that the decision needs before it can go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// `DescribeService`; `Known(None)` where it is gone or `DELETED`.
    Service,
    /// `ListTagsForResource` of the service.
    Tags,
    Dns(DnsLook),
    /// Whether Route 53 has brought a change everywhere (`GetChange`).
    Change {
        zone: ZoneRef,
        id: String,
    },
    /// The certificate that the domain serves (a TLS handshake).
    Served,
    /// The memories of the other domains that use this validation record (a wildcard and its parent share one).
    Sharers {
        name: Name,
    },
}

impl From<DnsLook> for Look {
    fn from(look: DnsLook) -> Self {
        Self::Dns(look)
    }
}

/// What an operator asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Do what would be proposed.
    Apply,
    /// Take the standing records that are as wanted over, so that pitcrew may replace and remove them later.
    Adopt,
    /// Disassociate and associate again.
    Relink,
    /// Remove what we own although the stack does not remove by itself. Only once App Runner does not show the domain.
    Remove,
}

/// What woke us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trigger {
    Event,
    Sweep,
    Operator(Request),
}

/// Everything a decision about one custom domain knows.
#[derive(Clone, Debug)]
pub struct Observed {
    pub name: Name,
    /// The service it is, or was, linked to.
    pub service: ServiceArn,
    /// This invocation: the holder of the intents that it writes.
    pub me: String,
    /// What the receipt names as the cause.
    pub cause: String,
    pub trigger: Trigger,
    /// The time that AWS put on its answers.
    pub now: Timestamp,
    pub memory: DomainMemory,
    pub pause: Option<Pause>,
    /// `None`: App Runner does not show the domain at this service (or the service is gone).
    pub association: Option<Association>,
    pub about_service: Fact<Option<ServiceFacts>>,
    pub tags: Fact<Tags>,
    pub dns: DnsFacts,
    /// By change id: whether it is `INSYNC`.
    pub changes: Vec<(String, Fact<bool>)>,
    pub served: Fact<Served>,
    /// By validation record: the other domains of this stack that own or need it.
    pub sharers: Vec<(Name, Fact<Vec<Name>>)>,
}

/// The stack's settings that decisions hang on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub autonomy: Autonomy,
    /// Whether pitcrew may take records away that it made itself (`RemoveRecords`).
    pub remove: bool,
    /// The region, for the alias's hosted zone.
    pub region: String,
    /// Whether this function makes TLS handshakes and may link again: true in `certificates` and in the operator's command.
    pub certificates: bool,
}

impl Observed {
    /// Forgets what may have moved between an intent and its call.
    pub fn forget_live(&mut self) {
        self.dns.forget_live();
        self.sharers.clear();
        self.tags = Fact::Unread;
        self.served = Fact::Unread;
    }
}
