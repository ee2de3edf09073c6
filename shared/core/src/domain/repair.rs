//! How often a record that was taken from a finished domain is put back.
//!
//! | taken away | decision |
//! |---|---|
//! | a validation record | put back, whoever had made it: without it the certificate is not renewed |
//! | the same for the fourth time in a day | left for the rest of the day, paged once: something takes it away each time |
//! | a target that we had made | put back, once for one link: it may have been a mistake |
//! | the same again | proposed: its owner wants the name elsewhere |
//! | a target that we had not made | proposed: it was its owner's to take away |
//!
//! An operator is bound by none of it, and his word begins the count anew.

use jiff::SignedDuration;

use super::permit::asked;
use super::tell::{Trouble, line, notice, todo, todo_by};
use super::{Association, DomainMemory, Observed, tell};
use crate::dns::name::Name;
use crate::dns::plan::{Batch, Purpose, Verdict, Wanted};
use crate::dns::record::Change;
use crate::domain::Repair;
use crate::notice::{NoticeKind, Severity};
use crate::short_hash::short_hash;

/// So often a record is put back within [`WINDOW`].
pub(super) const TIMES_MAX: u32 = 3;
const WINDOW: SignedDuration = SignedDuration::from_hours(24);

/// What is to be done about a record that does not stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Make,
    /// A person decides, for this reason.
    Propose(&'static str),
    /// Not before the day is over.
    Stop,
}

/// The row of the table that holds.
pub(super) fn turn(seen: &Observed, association: &Association, wanted: &Wanted, verdict: &Verdict) -> Turn {
    let missing = matches!(verdict, Verdict::Create { .. });
    if !missing || seen.memory.finished_at.is_none() || asked(seen, Some(association)) {
        return Turn::Make;
    }
    let name = &wanted.record.name;
    let before = seen.memory.repairs.iter().find(|repair| repair.record == *name);
    let ours = || seen.memory.owned.iter().any(|owned| owned.purpose == wanted.purpose && owned.record.name == *name);
    match wanted.purpose {
        Purpose::Target if !ours() => Turn::Propose(
            "somebody took away a record that pitcrew had not made: where the name leads is its owner's choice",
        ),
        Purpose::Target if before.is_some() => {
            Turn::Propose("pitcrew had put this record back once, and somebody took it away again")
        }
        Purpose::Validation if before.is_some_and(|before| is_spent(before, seen)) => Turn::Stop,
        Purpose::Target | Purpose::Validation => Turn::Make,
    }
}

fn is_spent(before: &Repair, seen: &Observed) -> bool {
    before.times >= TIMES_MAX && seen.now.duration_since(before.since) < WINDOW
}

/// Counts what a batch put back. Whether it is news: the first time within the window.
pub(super) fn count(memory: &mut DomainMemory, seen: &Observed, batch: &Batch) -> bool {
    let replaced =
        |name: &Name| batch.changes.iter().any(|change| matches!(change, Change::Delete(old) if old.name == *name));
    let mut news = false;
    for change in &batch.changes {
        let Change::Create(record) = change else { continue };
        let known = memory.repairs.iter().position(|repair| repair.record == record.name);
        if asked(seen, seen.association.as_ref()) {
            known.map(|at| memory.repairs.remove(at));
            news = true;
        } else if replaced(&record.name) {
            news = true;
        } else {
            news |= count_one(memory, seen, &record.name, known);
        }
    }
    news
}

fn count_one(memory: &mut DomainMemory, seen: &Observed, name: &Name, known: Option<usize>) -> bool {
    match known.and_then(|at| memory.repairs.get_mut(at)) {
        Some(repair) if seen.now.duration_since(repair.since) < WINDOW => {
            repair.times += 1;
            false
        }
        Some(repair) => {
            (repair.since, repair.times) = (seen.now, 1);
            true
        }
        None => {
            memory.repairs.push(Repair { record: name.clone(), since: seen.now, times: 1 });
            true
        }
    }
}

/// Tells that records are not put back any more today.
pub(super) fn stopped(seen: &Observed, records: &[&Wanted]) -> Trouble {
    let headline = "a validation record is taken away again and again, a person is needed";
    let mut notice = notice(seen, NoticeKind::Domain, Severity::Critical, "repairs", headline);
    let words: Vec<String> = records.iter().map(|wanted| line(&wanted.record)).collect();
    notice.happened = format!(
        "Within a day pitcrew put it back {TIMES_MAX} times, and each time it was taken away: {}. Without it the certificate is \
         not renewed.",
        words.join("; ")
    );
    notice.done.push("pitcrew leaves it for the rest of the day, so as not to fight, and then tries again.".to_owned());
    let text = "Add the record to what writes the zone (Terraform, octoDNS, dnscontrol, a script), or let that leave it alone.";
    notice.todo.push(todo(text));
    notice.todo.push(todo_by("Put it back at once", tell::command(seen, "apply")));
    let mut names: Vec<&str> = records.iter().map(|wanted| wanted.record.name.as_str()).collect();
    names.sort_unstable();
    Trouble { topic: "repairs", fingerprint: short_hash(names), notice }
}
