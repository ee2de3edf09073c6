//! What the world outside AWS does: which images exist, how they behave once they run, and how much traffic comes.
//! The control API and the stories set these; App Runner and ECR only read them (ECR adds what is pushed).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};

/// How an image behaves once App Runner starts it. The default is a healthy web service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Behaviour {
    /// Answers its health check.
    pub healthy: bool,
    /// Ends at start-up with this code (137 is an out-of-memory kill) instead of listening.
    pub exit_code: Option<i32>,
    /// Built for another processor: `exec format error`, and no application stream but that line.
    pub wrong_architecture: bool,
    /// App Runner cannot copy it (tag or repository gone, access role without rights).
    pub pull_fails: bool,
    /// The share of requests answered with a 5xx once it serves, 0.0 to 1.0.
    pub error_rate: f64,
    /// Median latency of a request, in milliseconds.
    pub latency_ms: f64,
    /// What it writes to its log at start-up.
    pub log_lines: Vec<String>,
    /// When an update to it fails, the rollback of App Runner fails too.
    pub rollback_fails: bool,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            healthy: true,
            exit_code: None,
            wrong_architecture: false,
            pull_fails: false,
            error_rate: 0.0,
            latency_ms: 40.0,
            log_lines: vec!["listening on 0.0.0.0:8080".to_owned()],
            rollback_fails: false,
        }
    }
}

/// One image of a repository.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Image {
    pub digest: String,
    pub tags: Vec<String>,
    /// Seconds since the epoch.
    pub pushed_at: i64,
    pub size_bytes: u64,
}

/// A repository: its images in the order in which they were pushed. `public` ones live in ECR Public.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Repository {
    pub images: Vec<Image>,
}

impl Repository {
    /// The image that a tag or a digest (`sha256:...`) names now.
    pub fn find(&self, reference: &str) -> Option<&Image> {
        self.images.iter().find(|image| image.digest == reference || image.tags.iter().any(|tag| tag == reference))
    }
}

/// How the resolver that everybody here asks behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resolver {
    #[default]
    Up,
    /// It does not answer at all.
    Down,
    /// It answers SERVFAIL to everything.
    Failing,
    /// It answers NXDOMAIN to everything.
    Denying,
    /// It answers every question with a value that nobody published.
    Lying,
}

/// What the DNS holds beside the zones of Route 53. Names are in lower case without the last dot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Names {
    /// The name servers of a name, as the registry or whoever holds its parent has them.
    pub delegations: BTreeMap<String, Vec<String>>,
    /// What zones answer that no account here holds: name, type, values.
    pub records: BTreeMap<String, BTreeMap<String, Vec<String>>>,
    /// The address of a host that AWS itself names, such as those of App Runner.
    pub hosts: BTreeMap<String, String>,
    pub resolver: Resolver,
}

/// Requests a minute, by service name; none means no traffic.
#[derive(Clone, Debug, Default)]
pub struct Traffic {
    rates: BTreeMap<String, f64>,
    changes: u64,
}

impl Traffic {
    pub fn insert(&mut self, service: String, a_minute: f64) {
        self.rates.insert(service, a_minute);
        self.changes += 1;
    }

    pub fn clear(&mut self) {
        self.rates.clear();
        self.changes += 1;
    }

    /// Requests a minute of this service.
    pub fn rate(&self, service: &str) -> f64 {
        self.rates.get(service).copied().unwrap_or_default()
    }

    /// How often it has changed: who has seen this many has seen all of it.
    pub fn changes(&self) -> u64 {
        self.changes
    }
}

impl Serialize for Traffic {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.rates.serialize(serializer)
    }
}

/// The world outside AWS.
#[derive(Clone, Debug, Default)]
pub struct Outside {
    /// By repository name (private ECR of the account).
    pub repositories: BTreeMap<String, Repository>,
    /// By `registry_alias/repository` of `public.ecr.aws`.
    pub public_repositories: BTreeMap<String, Repository>,
    /// By digest; an image that nobody described is healthy.
    pub behaviours: BTreeMap<String, Behaviour>,
    pub traffic: Traffic,
    /// Role ARNs that App Runner cannot assume.
    pub broken_roles: Vec<String>,
    /// By the id of a subnet that EC2 has: the default security group of its VPC, which App Runner shows of a connector that
    /// names none.
    pub default_groups: BTreeMap<String, String>,
    pub names: Names,
}

impl Outside {
    /// How the image with this digest behaves.
    pub fn behaviour(&self, digest: &str) -> Behaviour {
        self.behaviours.get(digest).cloned().unwrap_or_default()
    }
}
