//! The records of an association, put where they belong: one batch a step, and what stands in the way is told.

use super::cover::{self, Covered};
use super::draft::Draft;
use super::permit::{DOMAINS, Permit, asked, hold, permit};
use super::repair::{self, Turn};
use super::tell::{self, Trouble};
use super::trouble::{self, Forbidden};
use super::wanted::{self, Gap, Goal};
use super::{Act, Association, Decision, DomainStatus, Hold, Look, Observed, Settings, Then, remove, settle};
use crate::dns::caa;
use crate::dns::facts::Answer;
use crate::dns::name::Name;
use crate::dns::plan::{self, Batch, Place, Plan, Purpose, Verdict, Wanted};
use crate::dns::record::{Change, Data, RecordType};
use crate::dns::zone::Refusal;
use crate::receipt::rule;

/// What is wanted, what stands, and what is in the way.
pub(super) struct Case {
    pub goal: Goal,
    pub plan: Plan,
    pub caa: Caa,
    /// Records that no zone of ours holds, and that the DNS shows as they are wanted all the same.
    pub elsewhere: Vec<Name>,
    /// Records that would take a name from somebody's wildcard. None where an operator has them made.
    pub covered: Vec<Covered>,
    /// Why something cannot be known now.
    pub blind: Option<String>,
}

/// What the CAA sets of the names say.
#[derive(Default)]
pub(super) struct Caa {
    pub forbidden: Vec<Forbidden>,
    pub blind: Option<String>,
}

impl Caa {
    pub fn of(seen: &Observed, association: &Association) -> Result<Self, Look> {
        let mut all = Self::default();
        for host in wanted::hosts(seen, association) {
            match caa::check(&host, &seen.dns)? {
                caa::Verdict::Allowed => {}
                caa::Verdict::Forbidden { at, records } => all.forbidden.push(Forbidden { host, at, records }),
                caa::Verdict::Blind(why) => all.blind = all.blind.or(Some(why)),
            }
        }
        Ok(all)
    }
}

impl Case {
    /// Reads the whole case.
    pub fn of(seen: &Observed, settings: &Settings, association: &Association) -> Result<Self, Look> {
        let goal = wanted::goal(seen, settings, association)?;
        let plan = plan::plan(&goal.wanted, &seen.memory.owned, &seen.dns)?;
        let blind = match &goal.gap {
            Some(Gap::Blind(why)) => Some(why.clone()),
            Some(Gap::NoIngress) | None => None,
        };
        let refused = plan.wanted.iter().find_map(|(_, verdict)| match verdict {
            Verdict::Refused(Refusal::Blind(why)) => Some(why.clone()),
            _ => None,
        });
        let elsewhere = elsewhere(seen, association, &plan)?;
        // Where everything stands and App Runner is content, CAA is not asked: renewal has its own watch.
        let stand = plan.wanted.iter().all(|(wanted, verdict)| stands(wanted, verdict, &elsewhere));
        let content = stand && association.status == DomainStatus::Active;
        let caa = if content { Caa::default() } else { Caa::of(seen, association)? };
        let (covered, uncovered) = match cover::of(seen, association, &plan)? {
            Ok(_) if asked(seen, Some(association)) => (Vec::new(), None),
            Ok(covered) => (covered, None),
            Err(why) => (Vec::new(), Some(why)),
        };
        let blind = blind.or(refused).or(uncovered).or(caa.blind.clone());
        Ok(Self { goal, plan, caa, elsewhere, covered, blind })
    }

    /// Whether every record stands, and no target is still owed.
    pub fn stands(&self) -> bool {
        self.goal.gap.is_none()
            && self.plan.wanted.iter().all(|(wanted, verdict)| stands(wanted, verdict, &self.elsewhere))
    }

    /// What answers today for the name at which a record is wanted.
    pub fn covers(&self, wanted: &Wanted) -> Option<&Covered> {
        self.covered.iter().find(|covered| covered.record == wanted.record)
    }

    /// Whether every proof stands.
    pub fn proofs_stand(&self) -> bool {
        let proofs = self.plan.wanted.iter().filter(|(wanted, _)| wanted.purpose == Purpose::Validation);
        proofs.into_iter().all(|(wanted, verdict)| stands(wanted, verdict, &self.elsewhere))
    }

    /// The batches for the verdicts that `admit` admits.
    fn batches(&self, admit: impl Fn(&Wanted, &Verdict) -> bool) -> Vec<Batch> {
        let wanted = self.plan.wanted.iter().filter(|(wanted, verdict)| admit(wanted, verdict)).cloned().collect();
        Plan { wanted, leftover: Vec::new() }.writes()
    }
}

fn stands(wanted: &Wanted, verdict: &Verdict, elsewhere: &[Name]) -> bool {
    match verdict {
        Verdict::Standing { .. } | Verdict::Found { .. } => true,
        Verdict::Refused(_) => elsewhere.contains(&wanted.record.name),
        Verdict::Create { .. } | Verdict::Replace { .. } | Verdict::Conflict { .. } | Verdict::Apex { .. } => false,
    }
}

/// Records that belong to a DNS that is not ours: what it answers counts. How an active domain is led to its service there
/// (a CNAME, or what the provider has for a zone's top) is not ours to judge.
fn elsewhere(seen: &Observed, association: &Association, plan: &Plan) -> Result<Vec<Name>, Look> {
    let mut names = Vec::new();
    let together: Vec<Name> = plan.wanted.iter().map(|(wanted, _)| wanted.record.name.clone()).collect();
    for (wanted, verdict) in &plan.wanted {
        let Verdict::Refused(refusal) = verdict else { continue };
        if matches!(refusal, Refusal::Blind(_)) || wanted.place != Place::Public {
            continue;
        }
        let (name, target) = match &wanted.record.data {
            Data::Alias { target, .. } => (&wanted.record.name, Some(target.clone())),
            Data::Values { values, .. } => (&wanted.record.name, values.first().and_then(|it| Name::parse(it).ok())),
        };
        let led_there = wanted.purpose == Purpose::Target
            && association.status == DomainStatus::Active
            && matches!(refusal, Refusal::NoZone | Refusal::NotAuthoritative { .. } | Refusal::DelegatedAway { .. });
        let shown = match refusal {
            // It is the zone that answers, only not ours to write: what stands in it counts.
            Refusal::NotWritable { zone } => seen
                .dns
                .standing(zone, name, &together)?
                .is_ok_and(|sets| sets.iter().any(|set| wanted.record.serves_as(set))),
            _ => match seen.dns.ask(name, &RecordType::Cname)? {
                Ok(Answer::Found(values)) => values.iter().any(|value| Name::parse(value).ok() == target),
                Ok(Answer::Nothing) | Err(_) => false,
            },
        };
        if shown || led_there {
            names.push(name.clone());
        }
    }
    Ok(names)
}

/// The step that the records need now; `None` where nothing of them is to be done or told.
pub(super) fn step(
    seen: &Observed,
    settings: &Settings,
    association: &Association,
    case: &Case,
) -> Result<Option<Decision>, Look> {
    if let Some(decision) = say(seen, association, case) {
        return Ok(Some(decision));
    }
    let Some(shared) = shared(seen, case)? else { return Ok(Some(hold(Hold::Blind, Some(60)))) };
    let may_replace = settings.remove || asked(seen, Some(association));
    let lot =
        |wanted: &Wanted, verdict: &Verdict| lot(seen, association, case, (may_replace, &shared), wanted, verdict);
    let allowed = case.batches(|wanted, verdict| lot(wanted, verdict) == Lot::Make);
    let proposed = case.plan.wanted.iter().find_map(|(wanted, verdict)| match lot(wanted, verdict) {
        Lot::Propose(why, what) => Some((why, what)),
        _ => None,
    });
    if let Some(decision) = stop_repairs(seen, case, lot) {
        return Ok(Some(decision));
    }
    if allowed.is_empty() && proposed.is_none() {
        return Ok(forget_proposal(seen));
    }
    if !case.caa.forbidden.is_empty() {
        return Ok(Some(hold(Hold::Blocked, None)));
    }
    // A blind CAA check: what cannot be known is not written on.
    if case.caa.blind.is_some() {
        return Ok(Some(hold(Hold::Blind, Some(60))));
    }
    if allowed.is_empty() {
        let Some((why, what)) = proposed else { return Ok(None) };
        let kept_back = case.batches(|wanted, verdict| matches!(lot(wanted, verdict), Lot::Propose(..)));
        return Ok(propose(seen, tell::proposal(seen, &acts(kept_back), why, None, what)));
    }
    match permit(seen, settings, DOMAINS)? {
        Permit::Blind => Ok(Some(hold(Hold::Blind, Some(60)))),
        Permit::No(why) => {
            Ok(propose(seen, tell::proposal(seen, &acts(allowed), &why.to_string(), Some(why), "apply")))
        }
        Permit::Yes => Ok(Some(intend_one(seen, allowed))),
    }
}

fn acts(batches: Vec<Batch>) -> Vec<Act> {
    batches.into_iter().map(Act::ChangeRecords).collect()
}

/// What becomes of one wanted record that does not stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lot {
    Make,
    /// A person decides: why, and by which command.
    Propose(&'static str, &'static str),
    /// It was put back too often today.
    Stop,
    /// Somebody's wildcard answers for the name.
    Covered,
}

fn lot(
    seen: &Observed,
    association: &Association,
    case: &Case,
    (may_replace, shared): (bool, &[Name]),
    wanted: &Wanted,
    verdict: &Verdict,
) -> Lot {
    if case.covers(wanted).is_some() {
        return Lot::Covered;
    }
    if matches!(verdict, Verdict::Replace { .. }) && shared.contains(&wanted.record.name) {
        let why = "another custom domain refers to the validation record that this replaces: link that one again first";
        return Lot::Propose(why, "plan");
    }
    if matches!(verdict, Verdict::Replace { .. }) && !may_replace {
        let why = "the stack does not let pitcrew take away what it made (RemoveRecords), and this replaces a record";
        return Lot::Propose(why, "apply");
    }
    match repair::turn(seen, association, wanted, verdict) {
        Turn::Make => Lot::Make,
        Turn::Propose(why) => Lot::Propose(why, "apply"),
        Turn::Stop => Lot::Stop,
    }
}

/// Tells once that validation records are not put back any more today.
fn stop_repairs(seen: &Observed, case: &Case, lot: impl Fn(&Wanted, &Verdict) -> Lot) -> Option<Decision> {
    let stopped = case.plan.wanted.iter().filter(|(wanted, verdict)| lot(wanted, verdict) == Lot::Stop);
    let stopped: Vec<&Wanted> = stopped.map(|(wanted, _)| wanted).collect();
    let mut draft = Draft::new(seen, rule::DOMAIN_BLOCKED);
    let news = !stopped.is_empty() && draft.tell_once(repair::stopped(seen, &stopped));
    news.then(|| draft.record("a validation record is taken away again and again: told once", Then::Again))
}

/// The proofs that would be replaced although another domain refers to them. `None` where that cannot be read.
fn shared(seen: &Observed, case: &Case) -> Result<Option<Vec<Name>>, Look> {
    let mut names = Vec::new();
    for (wanted, verdict) in &case.plan.wanted {
        if wanted.purpose == Purpose::Validation && matches!(verdict, Verdict::Replace { .. }) {
            match remove::is_shared(seen, &wanted.record.name)? {
                None => return Ok(None),
                Some(true) => names.push(wanted.record.name.clone()),
                Some(false) => {}
            }
        }
    }
    Ok(Some(names))
}

/// Tells what is new among the troubles and forgets those that are gone.
fn say(seen: &Observed, association: &Association, case: &Case) -> Option<Decision> {
    let troubles = trouble::of(seen, association, case);
    let mut draft = Draft::new(seen, rule::DOMAIN_BLOCKED);
    let present: Vec<&str> = troubles.iter().map(|trouble| trouble.topic).collect();
    let mut gone: Vec<String> = Vec::new();
    // What cannot be seen now may still be there.
    if case.blind.is_none() {
        let ended = trouble::TOPICS.into_iter().filter(|topic| !present.contains(topic));
        gone.extend(ended.filter(|topic| seen.memory.told.contains_key(*topic)).map(str::to_owned));
        gone.iter().for_each(|topic| drop(draft.memory.told.remove(topic)));
    }
    let mut news = Vec::new();
    for trouble in troubles {
        let topic = trouble.topic;
        if draft.tell_once(trouble) {
            news.push(topic);
        }
    }
    if !draft.changes() {
        return None;
    }
    if news.is_empty() {
        draft.by_rule(rule::DOMAIN_GOES_ON);
        draft.notices.push(tell::goes_on(seen, &gone));
        draft.saw("ended", gone.join(", "));
        return Some(draft.record("what stood in the way is gone: pitcrew goes on", Then::Again));
    }
    draft.saw("trouble", news.join(", "));
    Some(draft.record("something stands in the way: told", Then::Again))
}

/// A proposal is told once; while it stands, nothing more is done about it.
pub(super) fn propose(seen: &Observed, proposal: Trouble) -> Option<Decision> {
    let mut draft = Draft::new(seen, rule::WITHHELD);
    draft.saw("withheld", proposal.notice.done.join(" "));
    if !draft.tell_once(proposal) {
        return Some(hold(Hold::Proposed, None));
    }
    Some(draft.record("withheld: proposed to a person", Then::Again))
}

fn forget_proposal(seen: &Observed) -> Option<Decision> {
    let mut draft = Draft::new(seen, rule::DOMAIN_GOES_ON);
    draft.memory.told.remove("proposal");
    draft.changes().then(|| draft.note(Then::Again))
}

/// Writes the intent of the first batch that was not refused within the hour. One that was refused may hold a good part: its
/// proofs and its targets are tried apart, so that neither waits for the other.
pub(super) fn intend_one(seen: &Observed, batches: Vec<Batch>) -> Decision {
    let whole = |batch: &Batch| Act::ChangeRecords(batch.clone());
    let parts = |batch: &Batch| {
        let is_proof = |change: &&Change| settle::purpose(change.record()) == Purpose::Validation;
        let (proofs, targets): (Vec<&Change>, Vec<&Change>) = batch.changes.iter().partition(is_proof);
        let part = |changes: Vec<&Change>| {
            Act::ChangeRecords(Batch { zone: batch.zone.clone(), changes: changes.into_iter().cloned().collect() })
        };
        let parts = !proofs.is_empty() && !targets.is_empty();
        parts.then(|| [part(proofs), part(targets)]).into_iter().flatten()
    };
    let tries = batches.iter().flat_map(|batch| std::iter::once(whole(batch)).chain(parts(batch)));
    let next = tries.into_iter().find(|act| !settle::refused_lately(seen, act));
    next.map_or(hold(Hold::Blocked, None), |act| intend(seen, act))
}

/// Writes the intent of an act, unless the same act was refused within the hour.
pub(super) fn intend(seen: &Observed, act: Act) -> Decision {
    if settle::refused_lately(seen, &act) {
        return hold(Hold::Blocked, None);
    }
    let mut draft = Draft::new(seen, rule::RECORDS_INTENT);
    draft.memory.told.remove("proposal");
    let words = tell::act_words(&act);
    if let Act::ChangeRecords(batch) = &act {
        tell::note_changes(&mut draft, batch);
    } else {
        draft.by_rule(rule::RELINK);
    }
    draft.intend(act);
    draft.record(&words, Then::Reread)
}
