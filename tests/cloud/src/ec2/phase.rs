//! Where a thing that AWS makes and takes down in its own time stands.

use jiff::{SignedDuration, Timestamp};

/// How long an endpoint or a NAT gateway takes to come and to go; AWS promises no figure.
const WORK: SignedDuration = SignedDuration::from_secs(60);
/// A deleted NAT gateway is shown for about an hour (VPC user guide).
const SHOWN: SignedDuration = SignedDuration::from_hours(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Pending {
        until: Timestamp,
    },
    Available,
    Deleting {
        until: Timestamp,
    },
    Deleted {
        until: Timestamp,
    },
    /// Not even shown any more.
    Gone,
}

impl Phase {
    pub fn pending(now: Timestamp) -> Self {
        Self::Pending { until: later(now, WORK) }
    }

    pub fn deleting(now: Timestamp) -> Self {
        Self::Deleting { until: later(now, WORK) }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending { .. } => "pending",
            Self::Available => "available",
            Self::Deleting { .. } => "deleting",
            Self::Deleted { .. } | Self::Gone => "deleted",
        }
    }

    /// Still there, or on its way.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Pending { .. } | Self::Available)
    }

    pub fn next_due(self) -> Option<Timestamp> {
        match self {
            Self::Pending { until } | Self::Deleting { until } | Self::Deleted { until } => Some(until),
            Self::Available | Self::Gone => None,
        }
    }

    pub fn at(self, now: Timestamp) -> Self {
        match self {
            Self::Pending { until } if until <= now => Self::Available,
            Self::Deleting { until } if until <= now => Self::Deleted { until: later(until, SHOWN) }.at(now),
            Self::Deleted { until } if until <= now => Self::Gone,
            other => other,
        }
    }
}

fn later(at: Timestamp, span: SignedDuration) -> Timestamp {
    at.checked_add(span).unwrap_or(Timestamp::MAX)
}
