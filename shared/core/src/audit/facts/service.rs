//! One service, as its rules see it.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::super::lifecycle::Image;
use super::watch::{LogGroup, Usage};
use crate::autonomy::Tags;
use crate::certificate::Served;
use crate::dns::facts::DnsFacts;
use crate::dns::name::Name;
use crate::domain::{Association, DomainMemory, Preview};
use crate::fact::Fact;
use crate::id::{Digest, ServiceArn};
use crate::memory::Memory;
use crate::service::{Operation, ServiceStatus, Source};

/// How a health check asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    Tcp,
    Http,
}

/// `HealthCheckConfiguration`: seconds and counts. Where the API leaves one out, the default of the guide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthCheck {
    pub protocol: Protocol,
    pub path: String,
    pub interval: u32,
    pub timeout: u32,
    pub healthy: u32,
    pub unhealthy: u32,
}

impl Default for HealthCheck {
    /// The guide, "Configuring health checks for your service".
    fn default() -> Self {
        Self { protocol: Protocol::Tcp, path: "/".to_owned(), interval: 5, timeout: 2, healthy: 1, unhealthy: 5 }
    }
}

/// An automatic scaling configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scaling {
    pub arn: String,
    pub name: String,
    pub revision: u32,
    pub min: u32,
    pub max: u32,
    /// Requests of one instance at the same time, above which another is started.
    pub concurrency: u32,
}

/// Where outgoing traffic goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Egress {
    /// The VPC of App Runner, which is public.
    Default,
    /// The VPC of this connector.
    Vpc { connector: String },
}

/// `ObservabilityConfiguration` of the service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tracing {
    Off,
    On { configuration: String },
}

/// Why a value of the environment looks like a secret. The value itself is never kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Suspicion {
    /// The name says so: PASSWORD, TOKEN, SECRET ...
    Name,
    /// An access key id of AWS.
    AwsKey,
    /// A private key in PEM.
    PrivateKey,
    /// A token whose form is known: GitHub, Slack, Stripe, JWT ...
    Token,
    /// A URL that carries a password.
    Url,
    /// Long and without pattern, as keys are.
    Random,
}

/// A plain environment variable: its name, and whether its value looks like a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variable {
    pub name: String,
    pub suspicion: Option<Suspicion>,
}

/// A service that App Runner builds from code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeFacts {
    /// `PYTHON_3`, `NODEJS_16` ...; `None` where the repository's own file says it.
    pub runtime: Option<String>,
    /// Whether `apprunner.yaml` of the repository configures it.
    pub from_repository: bool,
}

/// What ECR says of the image and its repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageFacts {
    /// What the source names now; `None` where ECR has no such image any more.
    pub digest: Option<Digest>,
    /// Whether tags of the repository can be moved.
    pub mutable: bool,
    /// The lifecycle policy, as ECR holds it; `None` where there is none.
    pub lifecycle: Option<String>,
    /// All images of the repository, where there is a lifecycle policy. The services of a repository share the list.
    pub images: Arc<[Image]>,
    /// Digests of releases in the ledger that ECR has no more.
    pub gone: Vec<Digest>,
}

/// One custom domain.
#[derive(Clone, Debug)]
pub struct DomainFacts {
    pub name: Name,
    pub association: Association,
    /// What pitcrew remembers of it: since when it is in its status, and the certificate that was served last.
    pub memory: Fact<DomainMemory>,
    /// What the domains function would do: record by record, with what stands in the way.
    pub preview: Fact<Preview>,
    /// The certificate that a handshake of this very look showed; `Unread` where none was made.
    pub served: Fact<Served>,
    /// What the DNS answers, and the records that were read. Where a rule misses an answer, it has not checked.
    pub dns: DnsFacts,
}

/// One service.
#[derive(Clone, Debug)]
pub struct ServiceFacts {
    pub arn: ServiceArn,
    pub status: ServiceStatus,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub source: Source,
    pub code: Option<CodeFacts>,
    /// The host of the default domain, without scheme.
    pub host: Option<String>,
    /// The role that pulls the image.
    pub access_role: Option<String>,
    pub connection: Option<String>,
    pub port: Option<String>,
    pub start_command: Option<String>,
    pub environment: Vec<Variable>,
    /// Names of secrets and the ARNs that they come from.
    pub secrets: BTreeMap<String, String>,
    /// Units: 1024 is one vCPU.
    pub cpu: u32,
    /// Megabytes.
    pub memory_mb: u32,
    pub instance_role: Option<String>,
    /// The customer's KMS key.
    pub key: Option<String>,
    pub health: HealthCheck,
    pub scaling: Fact<Scaling>,
    pub egress: Egress,
    pub public: bool,
    pub tracing: Tracing,
    pub tags: Fact<Tags>,
    /// Newest first, the first page alone: 20.
    pub operations: Fact<Vec<Operation>>,
    pub domains: Fact<Vec<DomainFacts>>,
    /// What pitcrew remembers; a service that it never saw has an empty memory.
    pub memory: Fact<Memory>,
    /// `None` where the source is no private ECR image of this account and region.
    pub image: Fact<Option<ImageFacts>>,
    /// The ARN of its web ACL; `None` where it has none.
    pub firewall: Fact<Option<String>>,
    pub log_groups: Fact<Vec<LogGroup>>,
    pub usage: Fact<Usage>,
}
