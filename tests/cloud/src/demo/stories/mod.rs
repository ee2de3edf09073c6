//! The stories: what the world does in each, and what must be true at its end.

mod audit;
mod certificates;
pub mod deployments;
mod domains;

use super::DemoError;
use super::ending::Ending;
use super::play::Play;

/// What can be played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Story {
    /// A push that fails its health check: App Runner reverts it, pitcrew says why and what is still armed.
    Reverted,
    /// A push that passes its health check and then answers 500: pitcrew rolls back and pins.
    Unhealthy,
    /// An update whose native rollback fails: pitcrew restores the last good release.
    Stranded,
    /// Custom domains that finish themselves, what stands in their way, and that nothing is left behind.
    Domains,
    /// A validation record that somebody deletes, a renewal, and a certificate that expired.
    Certificates,
    /// A fleet with planted faults: the audit finds each, and sees what was mended. Not among those played by default.
    Audit,
}

impl Story {
    /// Those that are played when none is named. The audit's function takes minutes to build: it is played when asked for.
    pub fn all() -> Vec<Self> {
        vec![Self::Reverted, Self::Unhealthy, Self::Stranded, Self::Domains, Self::Certificates]
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::Reverted => "A push fails its health check. App Runner reverts it and tells nobody.",
            Self::Unhealthy => "A push passes its health check, then answers 500.",
            Self::Stranded => "An update fails, and App Runner's own rollback fails too.",
            Self::Domains => "Five custom domains are linked. Nobody touches the DNS for them.",
            Self::Certificates => "A validation record is deleted, and a certificate expires.",
            Self::Audit => "Forty services, and something is wrong with most. An audit says what.",
        }
    }

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reverted => "reverted",
            Self::Unhealthy => "unhealthy",
            Self::Stranded => "stranded",
            Self::Domains => "domains",
            Self::Certificates => "certificates",
            Self::Audit => "audit",
        }
    }

    /// Plays the story on a stage on which the service's first release is good.
    pub(super) async fn play(self, play: &mut Play) -> Result<Ending, DemoError> {
        match self {
            Self::Reverted => deployments::reverted(play).await,
            Self::Unhealthy => deployments::unhealthy(play).await,
            Self::Stranded => deployments::stranded(play).await,
            Self::Domains => domains::domains(play).await,
            Self::Certificates => certificates::certificates(play).await,
            Self::Audit => audit::audit(play).await,
        }
    }
}
