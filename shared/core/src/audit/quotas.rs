//! The quotas of App Runner for one account and region, by the names under which the owner may set them.

use super::facts::Policy;

/// One quota of the guide's table "App Runner resource quotas".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quota {
    Services,
    Connections,
    ScalingNames,
    ScalingRevisions,
    ObservabilityNames,
    ObservabilityRevisions,
    VpcConnectors,
    IngressConnections,
}

impl Quota {
    pub const ALL: [Self; 8] = [
        Self::Services,
        Self::Connections,
        Self::ScalingNames,
        Self::ScalingRevisions,
        Self::ObservabilityNames,
        Self::ObservabilityRevisions,
        Self::VpcConnectors,
        Self::IngressConnections,
    ];

    /// Its name in [`Policy::quotas`].
    pub fn name(self) -> &'static str {
        match self {
            Self::Services => "services",
            Self::Connections => "connections",
            Self::ScalingNames => "scaling_names",
            Self::ScalingRevisions => "scaling_revisions",
            Self::ObservabilityNames => "observability_names",
            Self::ObservabilityRevisions => "observability_revisions",
            Self::VpcConnectors => "vpc_connectors",
            Self::IngressConnections => "ingress_connections",
        }
    }

    /// What it counts, as people read it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Services => "services",
            Self::Connections => "connections",
            Self::ScalingNames => "names of automatic scaling configurations",
            Self::ScalingRevisions => "revisions of an automatic scaling configuration",
            Self::ObservabilityNames => "names of observability configurations",
            Self::ObservabilityRevisions => "revisions of an observability configuration",
            Self::VpcConnectors => "VPC connectors",
            Self::IngressConnections => "VPC ingress connections",
        }
    }

    /// The guide's default.
    pub fn default_limit(self) -> u64 {
        match self {
            Self::Services => 30,
            Self::Connections
            | Self::ScalingNames
            | Self::ScalingRevisions
            | Self::ObservabilityNames
            | Self::ObservabilityRevisions
            | Self::VpcConnectors
            | Self::IngressConnections => 10,
        }
    }

    /// Whether AWS raises it on request. Revisions are never raised.
    pub fn adjustable(self) -> bool {
        !matches!(self, Self::ScalingRevisions | Self::ObservabilityRevisions)
    }

    /// What holds for this account.
    pub fn limit(self, policy: &Policy) -> u64 {
        policy.quotas.get(self.name()).copied().unwrap_or_else(|| self.default_limit())
    }

    /// Whether so many of them are a finding.
    pub fn is_near(self, used: u64, policy: &Policy) -> bool {
        used.saturating_mul(100) >= self.limit(policy).saturating_mul(u64::from(policy.quota_percent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owners_quota_holds_before_the_guides() {
        let mut policy = Policy::default();
        assert!(!Quota::Services.is_near(23, &policy));
        assert!(Quota::Services.is_near(24, &policy), "24 of 30 are 80 percent");
        policy.quotas.insert("services".to_owned(), 60);
        assert!(!Quota::Services.is_near(47, &policy));
        assert!(Quota::Services.is_near(48, &policy));
    }

    #[test]
    fn every_quota_has_a_name_of_its_own() {
        let names: std::collections::BTreeSet<_> = Quota::ALL.iter().map(|quota| quota.name()).collect();
        assert_eq!(names.len(), Quota::ALL.len());
    }
}
