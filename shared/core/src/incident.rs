//! An incident: one failed operation (or one alarm) of one service, from the moment it was judged to its end.
//!
//! ```text
//!          ┌────────────► Closed ◄──────────────┐
//!          │                ▲  ▲                │
//!  Open ───┼──► Intended ───┘  └── Confirming ──┘
//!   ▲  │   │      │   │               ▲
//!   │  └► Proposed┘   └───────────────┘
//!   └─────────────┘ (the service was busy: nothing was done)
//! ```
//! A `Closed` incident never changes again. Any other pair is an error that names both states.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::id::{Digest, ImageRef, OperationId, ServiceArn};

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentKind {
    /// App Runner reverted a deployment by itself (`ROLLBACK_SUCCEEDED`).
    Reverted,
    /// The rollback of App Runner failed (`ROLLBACK_FAILED`).
    RollbackFailed,
    /// The operation failed and the service runs on (`FAILED`).
    Failed,
    /// An alarm fired inside the bake window of a release that App Runner found healthy.
    BadRelease,
    /// An operation has been running for too long.
    Stuck,
    /// An operator asked for a rollback.
    Manual,
}

/// What is about to be called, written down before the call (R4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// The invocation that wrote it: only that one may make the call at once.
    pub holder: String,
    pub written_at: Timestamp,
    /// The fence under which it was written.
    pub fence: u64,
    /// The newest operation that was seen before the call.
    pub after: Option<OperationId>,
    pub action: Action,
}

/// The one outside change of a plan. Every write that the rollback function can make is here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "do")]
pub enum Action {
    /// `UpdateService` with the current source configuration in which only these two differ.
    SetImage { image: ImageRef, auto_deploy: bool },
    /// `StartDeployment`: the source already names what is wanted.
    Redeploy { image: ImageRef },
    /// `UpdateService` of a code service to its stable branch.
    SetBranch { branch: String },
}

impl Action {
    /// What it does, for the dry run, the receipt and the notice.
    pub fn words(&self) -> String {
        match self {
            Self::SetImage { image, auto_deploy: false } => {
                format!("deploy {} and switch automatic deployment off", image.short())
            }
            Self::SetImage { image, auto_deploy: true } => {
                format!("deploy {} and switch automatic deployment on", image.short())
            }
            Self::Redeploy { image } => format!("deploy {} once more", image.short()),
            Self::SetBranch { branch } => format!("deploy the branch {branch}"),
        }
    }
}

/// How an incident ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Nothing was to be done but to tell.
    Told,
    /// Our operation `SUCCEEDED`.
    RolledBack,
    /// Somebody else acted; we stood down.
    StoodDown,
    /// A person is needed: our operation failed, or no way back is known.
    NeedsPerson,
    /// What was wrong ended by itself.
    Passed,
    /// The service was deleted.
    ServiceDeleted,
}

/// Where an incident stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum IncidentState {
    /// Judged eligible; waiting for a moment in which the service can be changed.
    Open,
    /// The plan was withheld (autonomy, pause, breaker); the proposal was told.
    Proposed {
        reason: String,
    },
    /// The intent is written; the call may or may not have been made.
    Intended {
        intent: Intent,
    },
    /// App Runner took the call; its operation is followed.
    Confirming {
        intent: Intent,
        operation: OperationId,
    },
    Closed {
        outcome: Outcome,
        at: Timestamp,
    },
}

impl IncidentState {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Proposed { .. } => "proposed",
            Self::Intended { .. } => "intended",
            Self::Confirming { .. } => "confirming",
            Self::Closed { .. } => "closed",
        }
    }
}

/// A transition that the graph above does not have: a bug, or a row that somebody edited.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("incident {incident} cannot go from `{from}` to `{to}`")]
pub struct IllegalTransition {
    pub incident: String,
    pub from: &'static str,
    pub to: &'static str,
}

/// One incident of one service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    pub id: String,
    pub kind: IncidentKind,
    pub service: ServiceArn,
    /// The operation that it is about.
    pub operation: OperationId,
    pub opened_at: Timestamp,
    /// The digest that failed, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing: Option<Digest>,
    /// One line: what was wrong.
    pub summary: String,
    pub state: IncidentState,
}

impl Incident {
    /// The id says when (in UTC) and, by a hash of service, operation and kind, what: the same failure has the same id.
    pub fn id_for(service: &ServiceArn, operation: &OperationId, kind: IncidentKind, at: Timestamp) -> String {
        let mut hash = Sha256::new();
        hash.update(service.to_string());
        hash.update([0]);
        hash.update(operation.to_string());
        hash.update([0]);
        hash.update(format!("{kind:?}"));
        let hex: String = hash.finalize().iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        format!("I-{}-{hex}", at.strftime("%Y%m%d-%H%M%S"))
    }

    pub fn is_open(&self) -> bool {
        !matches!(self.state, IncidentState::Closed { .. })
    }

    /// Moves the incident along the graph.
    pub fn go(&mut self, to: IncidentState) -> Result<(), IllegalTransition> {
        use IncidentState as S;
        let legal = matches!(
            (&self.state, &to),
            (S::Open, S::Proposed { .. } | S::Intended { .. } | S::Closed { .. })
                | (S::Proposed { .. }, S::Open | S::Intended { .. } | S::Closed { .. })
                | (S::Intended { .. }, S::Open | S::Intended { .. } | S::Confirming { .. } | S::Closed { .. })
                | (S::Confirming { .. }, S::Closed { .. })
        );
        if !legal {
            return Err(IllegalTransition { incident: self.id.clone(), from: self.state.name(), to: to.name() });
        }
        self.state = to;
        Ok(())
    }

    /// The operation that is ours, once App Runner named it.
    pub fn our_operation(&self) -> Option<&OperationId> {
        match &self.state {
            IncidentState::Confirming { operation, .. } => Some(operation),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn incident(state: IncidentState) -> Incident {
        Incident {
            id: "I-1".into(),
            kind: IncidentKind::BadRelease,
            service: ServiceArn::parse("arn:aws:apprunner:eu-west-1:123456789012:service/shop/0123456789abcdef")
                .unwrap(),
            operation: OperationId::new("a"),
            opened_at: Timestamp::UNIX_EPOCH,
            failing: None,
            summary: String::new(),
            state,
        }
    }

    fn states() -> Vec<IncidentState> {
        let image = ImageRef::parse("public.ecr.aws/a/b:1").unwrap();
        let action = Action::Redeploy { image };
        let intent = Intent { holder: "h".into(), written_at: Timestamp::UNIX_EPOCH, fence: 1, after: None, action };
        vec![
            IncidentState::Open,
            IncidentState::Proposed { reason: String::new() },
            IncidentState::Intended { intent: intent.clone() },
            IncidentState::Confirming { intent, operation: OperationId::new("b") },
            IncidentState::Closed { outcome: Outcome::Told, at: Timestamp::UNIX_EPOCH },
        ]
    }

    #[test]
    fn only_the_drawn_transitions_are_legal() {
        let legal: Vec<String> = states()
            .into_iter()
            .flat_map(|from| states().into_iter().map(move |to| (from.clone(), to)))
            .filter(|(from, to)| incident(from.clone()).go(to.clone()).is_ok())
            .map(|(from, to)| format!("{}>{}", from.name(), to.name()))
            .collect();
        assert_eq!(
            legal.join(" "),
            "open>proposed open>intended open>closed proposed>open proposed>intended proposed>closed \
             intended>open intended>intended intended>confirming intended>closed confirming>closed"
        );
    }

    #[test]
    fn a_closed_incident_never_changes_and_says_so() {
        let mut closed = incident(IncidentState::Closed { outcome: Outcome::Told, at: Timestamp::UNIX_EPOCH });
        let error = closed.go(IncidentState::Open).unwrap_err();
        assert_eq!(error.to_string(), "incident I-1 cannot go from `closed` to `open`");
    }

    #[test]
    fn the_same_failure_has_the_same_id_and_another_kind_another() {
        let arn = incident(IncidentState::Open).service;
        let id = |kind| Incident::id_for(&arn, &OperationId::new("op"), kind, Timestamp::UNIX_EPOCH);
        assert_eq!(id(IncidentKind::Failed), id(IncidentKind::Failed));
        assert_ne!(id(IncidentKind::Failed), id(IncidentKind::Reverted));
        assert!(id(IncidentKind::Failed).starts_with("I-19700101-000000-"));
    }
}
