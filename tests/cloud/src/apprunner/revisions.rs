//! Resources with revisions: auto scaling and observability configurations share all of this but their settings.

use jiff::Timestamp;
use serde_json::Value;

use crate::call::{ApiError, Place};

use super::errors::{invalid_request, missing, quota};
use super::machine::later;

/// Names, and active revisions of a name (facts, section 7).
const NAMES_MAX: usize = 10;
const REVISIONS_MAX: usize = 10;
/// How long a deleted revision is still described: "some time" in the model, an hour here.
const DELETED_SHOWN_SECS: i64 = 3600;

/// One revision. `settings` is what the kind adds.
#[derive(Clone, Debug)]
pub(super) struct Revision<S> {
    kind: &'static str,
    pub(super) name: String,
    pub(super) revision: u64,
    id: String,
    pub(super) settings: S,
    pub(super) created_at: Timestamp,
    pub(super) deleted_at: Option<Timestamp>,
}

impl<S> Revision<S> {
    pub(super) fn arn(&self, place: &Place) -> String {
        let Place { partition, region, account } = place;
        format!("arn:{partition}:apprunner:{region}:{account}:{}", self.path())
    }

    fn path(&self) -> String {
        format!("{}/{}/{}/{}", self.kind, self.name, self.revision, self.id)
    }

    pub(super) fn status(&self) -> &'static str {
        if self.deleted_at.is_none() { "ACTIVE" } else { "INACTIVE" }
    }
}

/// All revisions of one kind, in the order in which they were created.
#[derive(Clone, Debug)]
pub(super) struct Revisions<S> {
    kind: &'static str,
    rows: Vec<Revision<S>>,
}

impl<S: Clone> Revisions<S> {
    pub(super) fn new(kind: &'static str) -> Self {
        Self { kind, rows: Vec::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Adds the next revision of a name. `uncounted` is a name that AWS provided and that fills no quota.
    pub(super) fn add(
        &mut self,
        name: &str,
        id: String,
        settings: S,
        now: Timestamp,
        uncounted: Option<&str>,
    ) -> Result<Revision<S>, ApiError> {
        let of_name = |row: &&Revision<S>| row.name == name;
        if self.active_rows().filter(of_name).count() >= REVISIONS_MAX {
            return Err(quota(format!("You have reached the limit of {REVISIONS_MAX} active revisions of {name}.")));
        }
        let mut names: Vec<&str> =
            self.active_rows().map(|row| row.name.as_str()).filter(|row| Some(*row) != uncounted).collect();
        names.sort_unstable();
        names.dedup();
        if names.len() >= NAMES_MAX && !names.contains(&name) && Some(name) != uncounted {
            return Err(quota(format!("You have reached the limit of {NAMES_MAX} configuration names.")));
        }
        let revision = self.rows.iter().filter(of_name).map(|row| row.revision).max().unwrap_or_default() + 1;
        let row = Revision {
            kind: self.kind,
            name: name.to_owned(),
            revision,
            id,
            settings,
            created_at: now,
            deleted_at: None,
        };
        self.rows.push(row.clone());
        Ok(row)
    }

    pub(super) fn active_rows(&self) -> impl Iterator<Item = &Revision<S>> {
        self.rows.iter().filter(|row| row.deleted_at.is_none())
    }

    /// Whether it is the highest active revision of its name.
    pub(super) fn is_latest(&self, row: &Revision<S>) -> bool {
        row.deleted_at.is_none()
            && self.active_rows().filter(|other| other.name == row.name).all(|other| other.revision <= row.revision)
    }

    /// The revision with a full ARN, `.../name/revision` or `.../name` (the latest active one).
    pub(super) fn find(&self, arn: &str) -> Option<&Revision<S>> {
        let path = arn.splitn(6, ':').nth(5)?;
        let parts: Vec<&str> = path.split('/').collect();
        match parts[..] {
            [kind, name] if kind == self.kind => {
                self.active_rows().filter(|row| row.name == name).max_by_key(|row| row.revision)
            }
            [kind, name, revision] if kind == self.kind => {
                let revision: u64 = revision.parse().ok()?;
                self.rows.iter().find(|row| row.name == name && row.revision == revision)
            }
            _ => self.rows.iter().find(|row| row.path() == path),
        }
    }

    /// The same, where it is not too long deleted to be described.
    pub(super) fn described(
        &self,
        operation: &str,
        what: &str,
        arn: &str,
        now: Timestamp,
    ) -> Result<&Revision<S>, ApiError> {
        self.find(arn)
            .filter(|row| row.deleted_at.is_none_or(|at| later(at, DELETED_SHOWN_SECS) > now))
            .ok_or_else(|| missing(operation, what, arn))
    }

    /// The same, where it can be used.
    pub(super) fn active(&self, operation: &str, what: &str, arn: &str) -> Result<&Revision<S>, ApiError> {
        self.find(arn).filter(|row| row.deleted_at.is_none()).ok_or_else(|| missing(operation, what, arn))
    }

    /// Marks revisions `INACTIVE`; `refused` says why one can't go. All or none go.
    pub(super) fn delete(
        &mut self,
        doomed: &[(String, u64)],
        now: Timestamp,
        refused: impl Fn(&Revision<S>) -> Option<String>,
    ) -> Result<(), ApiError> {
        let is_doomed = |row: &Revision<S>| {
            row.deleted_at.is_none() && doomed.iter().any(|(name, n)| *name == row.name && *n == row.revision)
        };
        if let Some(why) = self.rows.iter().filter(|row| is_doomed(row)).find_map(refused) {
            return Err(invalid_request(why));
        }
        for row in self.rows.iter_mut().filter(|row| is_doomed(row)) {
            row.deleted_at = Some(now);
        }
        Ok(())
    }

    /// Active rows as a list shows them: of one name or of all, the latest only unless `LatestOnly` is false.
    pub(super) fn listed<'a>(&'a self, input: &'a Value, name_member: &str) -> impl Iterator<Item = &'a Revision<S>> {
        let name = input.get(name_member).and_then(Value::as_str);
        let latest_only = input.get("LatestOnly").and_then(Value::as_bool).unwrap_or(true);
        self.active_rows()
            .filter(move |row| name.is_none_or(|name| row.name == name))
            .filter(move |row| !latest_only || self.is_latest(row))
    }
}
