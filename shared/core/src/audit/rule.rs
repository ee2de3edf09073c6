//! What a rule is, and the list of all of them.

use serde::{Deserialize, Serialize};

use super::facts::{Fleet, ServiceFacts};
use super::findings::Findings;
use super::{rules, waiver};

/// How bad it is. The words are those of the AWS Security Finding Format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// Worth mending when somebody is there anyway.
    Low,
    /// It will hurt under load, in a fault, or at the next change.
    Medium,
    /// It hurts now or at the next deployment, or stands open to others.
    High,
    /// Users are hurt, or will be within days.
    Critical,
}

impl Grade {
    pub const ALL: [Self; 4] = [Self::Critical, Self::High, Self::Medium, Self::Low];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl std::str::FromStr for Grade {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|grade| grade.as_str().eq_ignore_ascii_case(text));
        found.ok_or_else(|| format!("`{text}` is none of critical, high, medium, low"))
    }
}

/// What part of a service's life a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    Deployments,
    Scaling,
    Domains,
    Egress,
    Ingress,
    Observability,
    Security,
    Quotas,
    /// Readiness for ECS Express Mode, the way out that AWS names.
    Express,
    /// The audit itself: waivers.
    Audit,
}

impl Group {
    pub const ALL: [Self; 10] = [
        Self::Deployments,
        Self::Scaling,
        Self::Domains,
        Self::Egress,
        Self::Ingress,
        Self::Observability,
        Self::Security,
        Self::Quotas,
        Self::Express,
        Self::Audit,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deployments => "deployments",
            Self::Scaling => "scaling",
            Self::Domains => "domains",
            Self::Egress => "egress",
            Self::Ingress => "ingress",
            Self::Observability => "observability",
            Self::Security => "security",
            Self::Quotas => "quotas",
            Self::Express => "express",
            Self::Audit => "audit",
        }
    }

    /// As people read it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Deployments => "Deployments",
            Self::Scaling => "Health and scaling",
            Self::Domains => "Domains and certificates",
            Self::Egress => "Outgoing network",
            Self::Ingress => "Incoming network",
            Self::Observability => "Observability",
            Self::Security => "Security",
            Self::Quotas => "Quotas",
            Self::Express => "Readiness for ECS Express Mode",
            Self::Audit => "The audit itself",
        }
    }
}

impl std::str::FromStr for Group {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|group| group.as_str().eq_ignore_ascii_case(text));
        found.ok_or_else(|| format!("`{text}` is none of {}", Self::ALL.map(Self::as_str).join(", ")))
    }
}

/// Where a rule comes from: a chapter of the App Runner developer guide, an article of AWS, or a document of this project. A reader
/// can find each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chapter {
    /// `App Runner developer guide`, `Observability for AWS App Runner VPC networking`.
    pub work: &'static str,
    /// The heading there.
    pub heading: &'static str,
}

/// What a rule looks at.
#[derive(Clone, Copy)]
pub enum Check {
    /// One service at a time; the fleet is what services share.
    Service(fn(&Fleet, &ServiceFacts, &mut Findings)),
    /// What no service owns: connectors, endpoints, zones, quotas. Runs once, after every service was looked at.
    Fleet(fn(&Fleet, &mut Findings)),
}

/// One rule.
#[derive(Clone, Copy)]
pub struct Rule {
    /// Stable: waivers, Security Hub and dashboards hang on it. `group-what`, in kebab case.
    pub id: &'static str,
    pub group: Group,
    pub grade: Grade,
    /// What is wrong where it finds something, in one line without a name: `The last operation failed`.
    pub title: &'static str,
    /// Why it matters, in one or two sentences.
    pub why: &'static str,
    pub chapter: Chapter,
    pub check: Check,
}

impl Rule {
    /// A rule, in the order in which the tables of the rules' files read.
    pub(super) const fn new(
        group: Group,
        id: &'static str,
        grade: Grade,
        title: &'static str,
        why: &'static str,
        chapter: Chapter,
        check: Check,
    ) -> Self {
        Self { id, group, grade, title, why, chapter, check }
    }
}

/// Every rule, by group; those about the audit itself at the end.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    rules::ALL.iter().copied().flatten().chain(waiver::RULES)
}

/// The rule of this id.
pub fn find(id: &str) -> Option<&'static Rule> {
    all().find(|rule| rule.id == id)
}
