//! What would be done about one custom domain, without doing it: the same rows, played forward to the first outside change.

use serde::{Deserialize, Serialize};

use super::put::Case;
use super::{Decision, DomainMemory, Hold, Look, Observed, Settings, Trigger, decide, remove, settle, tell};
use crate::dns::plan::{Place, Purpose, Verdict, Wanted};
use crate::dns::record::{Data, RecordSet};
use crate::notice::{Notice, NoticeKind, Severity};

/// Records that tell or note something before the first outside change; more would be a decision that runs in circles.
const STEPS_MAX: usize = 20;

/// What comes before everything else about a domain that has been gone for less than a minute.
const WAIT: &str = "wait a minute, lest the list be stale, then ";

/// A custom domain as a person looks at it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    pub domain: String,
    pub service: String,
    /// App Runner's word for it, or `not associated`.
    pub status: String,
    pub records: Vec<PreviewRecord>,
    /// What stands in the way, one sentence or two each.
    pub blockers: Vec<String>,
    /// What would be done next, or why nothing is.
    pub next: String,
    /// The command that has it done, where one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}

/// One record that the domain needs, or that we made for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviewRecord {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub value: String,
    pub purpose: Purpose,
    /// `public`, or the VPC whose private zone it belongs to.
    pub place: String,
    /// The hosted zone's id; none where it cannot be chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// `standing`, `found`, `create`, `replace`, `conflict`, `refused`, `elsewhere` (a DNS that is
    /// not ours shows it), `apex`, `left over`.
    pub verdict: String,
    pub owner: Owner,
    /// What stands at the name instead, or beside.
    pub standing: Vec<String>,
}

/// Whose the record is that stands at the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    Pitcrew,
    Somebody,
    Nobody,
}

/// The dry plan. What was told before counts as untold, so that every blocker shows. A domain that App Runner does not show is
/// looked at as if the minute were over in which nobody believes it.
///
/// # Errors
/// The read that is missing.
pub fn preview(seen: &Observed, settings: &Settings) -> Result<Preview, Look> {
    let kept = |topic: &String| topic == "relinked" || settle::is_refusal(topic);
    let told = seen.memory.told.iter().filter(|(topic, _)| kept(topic)).map(|(k, v)| (k.clone(), v.clone())).collect();
    let memory = DomainMemory { told, ..seen.memory.clone() };
    let mut ahead = Observed { memory, trigger: Trigger::Sweep, ..seen.clone() };
    let mut preview = Preview {
        domain: seen.name.to_string(),
        service: seen.service.to_string(),
        status: seen.association.as_ref().map_or("not associated", |it| it.status.as_str()).to_owned(),
        records: records(seen, settings)?,
        blockers: Vec::new(),
        next: String::new(),
        command: None,
    };
    let mut first = "";
    for _ in 0..STEPS_MAX {
        if remove::is_young(&ahead) {
            ahead.memory.gone_since = Some(remove::old_enough(seen.now));
            first = WAIT;
        }
        let next = match decide(&ahead, settings) {
            Decision::Look(look) => return Err(look),
            Decision::Hold { reason, .. } => words(&ahead, reason).to_owned(),
            Decision::Call(intent) => format!("is about to {}", tell::act_words(&intent.act)),
            Decision::Record(record) => {
                preview.take(&record.notices);
                match record.memory {
                    None => "forget the domain: nothing of it is left".to_owned(),
                    Some(memory) => match &memory.intent {
                        Some(intent) => tell::act_words(&intent.act),
                        None => {
                            ahead.memory = memory;
                            continue;
                        }
                    },
                }
            }
        };
        return Ok(Preview { next: format!("{first}{next}"), ..preview });
    }
    Ok(Preview { next: words(&ahead, Hold::Blocked).to_owned(), ..preview })
}

impl Preview {
    /// What would be told: what stands in the way, and the first command that helps.
    fn take(&mut self, notices: &[Notice]) {
        for notice in notices {
            if notice.kind == NoticeKind::Proposal || notice.severity > Severity::Info {
                let text = [notice.headline.as_str(), &notice.happened, &notice.done.join(" ")].join(". ");
                self.blockers.push(text.replace("..", "."));
            }
            if self.command.is_none() {
                self.command = notice.todo.iter().find_map(|todo| todo.command.clone());
            }
        }
    }
}

fn words(ahead: &Observed, reason: Hold) -> &'static str {
    match reason {
        Hold::Proposed if ahead.association.is_none() => "keep what pitcrew made, until a person has it removed",
        Hold::Gone if ahead.memory.gone_since.is_some() && !ahead.memory.owned.is_empty() => {
            "keep what pitcrew made: other domains need it"
        }
        Hold::Settled => "nothing: active, and everything stands",
        Hold::AppRunnerAtWork => "wait for App Runner",
        Hold::DnsAtWork => "wait for the DNS",
        Hold::IntentPending => "wait for a change that is under way",
        Hold::Proposed => "nothing by itself: a person decides",
        Hold::Blocked => "nothing until what stands in the way is settled",
        Hold::Blind => "try again: something that the decision needs could not be read",
        Hold::Off => "nothing: switched off for this service",
        Hold::Gone => "nothing: App Runner does not show the domain",
        Hold::OutOfTime => "try again: there was no time left",
    }
}

fn records(seen: &Observed, settings: &Settings) -> Result<Vec<PreviewRecord>, Look> {
    let mut records = Vec::new();
    if let Some(association) = &seen.association {
        let case = Case::of(seen, settings, association)?;
        records.extend(case.plan.wanted.iter().map(|(wanted, verdict)| wanted_row(&case, wanted, verdict)));
    }
    let shown = |record: &RecordSet, records: &[PreviewRecord]| {
        records.iter().any(|row| row.name == record.name.as_str() && row.kind == record.kind.as_str())
    };
    for owned in &seen.memory.owned {
        if !shown(&owned.record, &records) {
            let zone = Some(owned.zone.id.clone());
            let row = row(&owned.record, owned.purpose, &value(&owned.record));
            records.push(PreviewRecord { zone, verdict: "left over".to_owned(), owner: Owner::Pitcrew, ..row });
        }
    }
    Ok(records)
}

fn value(record: &RecordSet) -> String {
    match &record.data {
        Data::Values { values, .. } => values.join(", "),
        Data::Alias { target, .. } => format!("alias to {target}"),
    }
}

fn row(record: &RecordSet, purpose: Purpose, value: &str) -> PreviewRecord {
    PreviewRecord {
        name: record.name.to_string(),
        kind: record.kind.as_str().to_owned(),
        value: value.to_owned(),
        purpose,
        place: "public".to_owned(),
        zone: None,
        verdict: String::new(),
        owner: Owner::Nobody,
        standing: Vec::new(),
    }
}

fn wanted_row(case: &Case, wanted: &Wanted, verdict: &Verdict) -> PreviewRecord {
    let place = match &wanted.place {
        Place::Public => "public".to_owned(),
        Place::Private { vpc } => vpc.clone(),
    };
    let shown = |sets: &[RecordSet]| sets.iter().map(RecordSet::words).collect::<Vec<_>>();
    let (word, owner, standing) = match verdict {
        Verdict::Standing { .. } => ("standing", Owner::Pitcrew, Vec::new()),
        Verdict::Found { standing, .. } => ("found", Owner::Somebody, shown(std::slice::from_ref(standing))),
        Verdict::Create { .. } => match case.covers(wanted) {
            // What a wildcard answers for today is somebody's, although no set stands at the name.
            Some(covered) => ("conflict", Owner::Somebody, shown(&covered.by)),
            None => ("create", Owner::Nobody, Vec::new()),
        },
        Verdict::Replace { owned, .. } => ("replace", Owner::Pitcrew, shown(std::slice::from_ref(owned))),
        Verdict::Conflict { standing, .. } => ("conflict", Owner::Somebody, shown(standing)),
        Verdict::Refused(_) if case.elsewhere.contains(&wanted.record.name) => {
            ("elsewhere", Owner::Somebody, Vec::new())
        }
        Verdict::Refused(_) => ("refused", Owner::Nobody, Vec::new()),
        Verdict::Apex { .. } => ("apex", Owner::Nobody, Vec::new()),
    };
    PreviewRecord {
        place,
        zone: verdict.zone().map(|zone| zone.id.clone()),
        verdict: word.to_owned(),
        owner,
        standing,
        ..row(&wanted.record, wanted.purpose, &value(&wanted.record))
    }
}
