//! What of a plan becomes changes: at most one batch a zone, each all or nothing, each with what Route 53 takes at once.

use super::{Batch, Leftover, Owned, Plan, Purpose, Verdict};
use crate::dns::facts::ZoneRef;
use crate::dns::record::Change;

/// Changes of one batch. Route 53 takes 1,000; a hundred is more than any domain needs, and what is left over comes with
/// the next plan.
pub const CHANGES_MAX: usize = 100;

impl Plan {
    /// What may be written, one batch a zone, validation before targets, creations and replacements only.
    pub fn writes(&self) -> Vec<Batch> {
        let mut batches = Vec::new();
        for purpose in [Purpose::Validation, Purpose::Target] {
            for (wanted, verdict) in self.wanted.iter().filter(|(wanted, _)| wanted.purpose == purpose) {
                let create = Change::Create(wanted.record.clone());
                match verdict {
                    Verdict::Create { zone } => add(&mut batches, zone, vec![create]),
                    Verdict::Replace { zone, owned } => {
                        add(&mut batches, zone, vec![Change::Delete(owned.clone()), create]);
                    }
                    _ => {}
                }
            }
        }
        batches
    }

    /// What may be removed, one batch a zone: targets while there are any, validation only when no target is left. A target
    /// that cannot be read now may still be there, so it counts as left.
    pub fn removals(&self) -> Vec<Batch> {
        let mut batches = Vec::new();
        let of = |purpose: Purpose| self.leftover.iter().filter(move |(owned, _)| owned.purpose == purpose);
        let target_left = of(Purpose::Target).any(|(_, leftover)| *leftover != Leftover::Forget);
        let now = if target_left { Purpose::Target } else { Purpose::Validation };
        for (Owned { zone, record, .. }, leftover) in of(now) {
            if *leftover == Leftover::Remove {
                add(&mut batches, zone, vec![Change::Delete(record.clone())]);
            }
        }
        batches
    }
}

/// Puts changes that belong together into the zone's batch: whole or, where there is no room, not at all. A name that the
/// batch changes already is left alone: the same record may be wanted for several reasons, and is made once.
fn add(batches: &mut Vec<Batch>, zone: &ZoneRef, changes: Vec<Change>) {
    let at = batches.iter().position(|batch| batch.zone.id == zone.id).unwrap_or_else(|| {
        batches.push(Batch { zone: zone.clone(), changes: Vec::new() });
        batches.len() - 1
    });
    let Some(batch) = batches.get_mut(at) else { return };
    let changed = |change: &Change| batch.changes.iter().any(|other| other.record().name == change.record().name);
    if batch.changes.len() + changes.len() <= CHANGES_MAX && !changes.iter().any(changed) {
        batch.changes.extend(changes);
    }
}
