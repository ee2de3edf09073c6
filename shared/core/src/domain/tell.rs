//! The words of the notices that a custom domain gives rise to. Facts in, a value out; what stands in a record's way has
//! its words in `trouble`.

use jiff::{SignedDuration, Timestamp};

use super::draft::Draft;
use super::{Act, Observed};
use crate::autonomy::Withheld;
use crate::dns::plan::{Batch, Owned};
use crate::dns::record::{Change, Data, RecordSet};
use crate::notice::{Notice, NoticeKind, Severity, Todo};
use crate::short_hash::short_hash;

/// Something that is told once: under its topic, and again only when its fingerprint changes.
pub(super) struct Trouble {
    pub topic: &'static str,
    pub fingerprint: String,
    pub notice: Notice,
}

/// The identity of the present link of the domain: one thread of messages follows it.
pub(super) fn incident(seen: &Observed) -> String {
    seen.memory.link_id(&seen.name)
}

/// `4 min 30 s`: a span that people read.
pub(super) fn span(later: Timestamp, earlier: Timestamp) -> String {
    let seconds = later.duration_since(earlier).max(SignedDuration::ZERO).as_secs();
    match (seconds / 86_400, seconds % 86_400 / 3600, seconds % 3600 / 60, seconds % 60) {
        (0, 0, 0, s) => format!("{s} s"),
        (0, 0, m, 0) => format!("{m} min"),
        (0, 0, m, s) => format!("{m} min {s} s"),
        (0, h, 0, _) => format!("{h} h"),
        (0, h, m, _) => format!("{h} h {m} min"),
        (d, 0, _, _) => format!("{d} d"),
        (d, h, _, _) => format!("{d} d {h} h"),
    }
}

/// A word for a POSIX shell: quoted where it must be.
pub(super) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/' | ':' | '=' | '+');
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// `pitcrew domains <what> SERVICE DOMAIN`.
pub(super) fn command(seen: &Observed, what: &str) -> String {
    let name = quoted(seen.name.as_str());
    match what {
        // The service may be gone by then.
        "remove" => format!("pitcrew domains remove {name}"),
        _ => format!("pitcrew domains {what} {} {name}", seen.service.name()),
    }
}

pub(super) fn todo(text: impl Into<String>) -> Todo {
    Todo { text: text.into(), command: None }
}

pub(super) fn todo_by(text: impl Into<String>, command: String) -> Todo {
    Todo { text: text.into(), command: Some(command) }
}

/// The frame of every notice. `topic` makes its id unlike those of the link's other notices, the fence unlike a later one
/// of the same topic; a retry of the same record makes the same id.
pub(super) fn notice(seen: &Observed, kind: NoticeKind, severity: Severity, topic: &str, headline: &str) -> Notice {
    let incident = incident(seen);
    Notice {
        id: format!("{incident}/{topic}/{}", seen.memory.version + 1),
        kind,
        severity,
        service: Some(seen.service.clone()),
        incident: Some(incident),
        group: format!("DOM#{}", seen.name),
        headline: format!("{}: {headline}", seen.name),
        happened: String::new(),
        why: None,
        done: Vec::new(),
        todo: Vec::new(),
        links: Vec::new(),
        receipt: String::new(),
        at: seen.now,
    }
}

/// `shop.example.com CNAME abc.awsapprunner.com`: a name that ends with a dot reads badly before a full stop.
pub(super) fn line(record: &RecordSet) -> String {
    let words = record.words();
    words.strip_suffix('.').map(str::to_owned).unwrap_or(words)
}

/// The changes of a batch in words: `create ...`, `replace ...`, `remove ...`.
pub(super) fn changes(batch: &Batch) -> Vec<String> {
    let is = |one: &RecordSet, other: &RecordSet| one.name == other.name;
    let creates = |record: &RecordSet| {
        batch.changes.iter().any(|change| matches!(change, Change::Create(new) if is(new, record)))
    };
    let deletes = |record: &RecordSet| {
        batch.changes.iter().find_map(|change| match change {
            Change::Delete(old) if is(old, record) => Some(old),
            Change::Delete(_) | Change::Create(_) => None,
        })
    };
    let words = batch.changes.iter().filter_map(|change| match change {
        Change::Create(new) => Some(match deletes(new) {
            Some(old) => format!("replace {} by {}", line(old), line(new)),
            None => format!("create {}", line(new)),
        }),
        Change::Delete(old) if creates(old) => None,
        Change::Delete(old) => Some(format!("remove {}", line(old))),
    });
    words.collect()
}

/// An act in words that follow "would" or "is about to".
pub(super) fn act_words(act: &Act) -> String {
    match act {
        Act::ChangeRecords(batch) => format!("{} (in hosted zone {})", changes(batch).join("; "), batch.zone.id),
        Act::Disassociate => "link the domain again: disassociate it now".to_owned(),
        Act::Associate { .. } => "associate the domain again".to_owned(),
    }
}

/// The command that Route 53's owner would run: the exact sets away, the wanted one in, in one batch.
pub(super) fn change_command(zone: &str, away: &[RecordSet], wanted: &RecordSet) -> String {
    let change = |action: &str, record: &RecordSet| {
        let mut set = serde_json::Map::new();
        set.insert("Name".to_owned(), record.name.fqdn().into());
        set.insert("Type".to_owned(), record.kind.as_str().into());
        match &record.data {
            Data::Values { ttl_secs, values } => {
                let value = |value: &String| serde_json::json!({ "Value": value });
                set.insert("TTL".to_owned(), (*ttl_secs).into());
                set.insert("ResourceRecords".to_owned(), values.iter().map(value).collect());
            }
            Data::Alias { zone, target, evaluate_health } => {
                let alias = serde_json::json!({
                    "HostedZoneId": zone, "DNSName": target.fqdn(), "EvaluateTargetHealth": evaluate_health,
                });
                set.insert("AliasTarget".to_owned(), alias);
            }
        }
        serde_json::json!({ "Action": action, "ResourceRecordSet": set })
    };
    let mut changes: Vec<serde_json::Value> = away.iter().map(|record| change("DELETE", record)).collect();
    changes.push(change("CREATE", wanted));
    let batch = serde_json::json!({ "Changes": changes }).to_string();
    format!(
        "aws route53 change-resource-record-sets --hosted-zone-id {} --change-batch {}",
        quoted(zone),
        quoted(&batch)
    )
}

/// What is withheld, and how a person has it done.
pub(super) fn proposal(seen: &Observed, acts: &[Act], why: &str, withheld: Option<Withheld>, what: &str) -> Trouble {
    let urgent = seen.memory.finished_at.is_some() && seen.association.is_some();
    let severity = if urgent { Severity::Critical } else { Severity::Warning };
    let headline = match seen.association {
        Some(_) if urgent => "a record that it needs is missing, and pitcrew may not put it back by itself",
        Some(_) => "records are needed, and pitcrew may not make them by itself",
        None => "not associated any more; pitcrew's records still stand",
    };
    let mut notice = notice(seen, NoticeKind::Proposal, severity, "proposal", headline);
    let words: Vec<String> = acts.iter().map(act_words).collect();
    notice.happened = format!("pitcrew would {}.", words.join("; then "));
    notice.done.push(format!("Nothing was changed: {why}."));
    match withheld {
        Some(Withheld::Observe | Withheld::Off) => {}
        Some(Withheld::Paused | Withheld::Held) => {
            notice.todo.push(todo_by("Once that has ended, it goes on by itself, or do it", command(seen, what)));
        }
        _ => notice.todo.push(todo_by("Do it", command(seen, what))),
    }
    let debug = format!("{acts:?}");
    Trouble { topic: "proposal", fingerprint: short_hash([debug.as_str(), why]), notice }
}

/// Route 53 or App Runner refused the call.
pub(super) fn refused(seen: &Observed, act: &Act, code: &str, message: &str) -> Notice {
    let severity = match act {
        // Between the two halves of linking again the domain has no certificate.
        Act::Associate { .. } => Severity::Critical,
        Act::ChangeRecords(_) | Act::Disassociate => Severity::Warning,
    };
    let who = if matches!(act, Act::ChangeRecords(_)) { "Route 53" } else { "App Runner" };
    let mut notice = notice(seen, NoticeKind::Domain, severity, "refused", &format!("{who} refused a call: {code}"));
    notice.happened = format!("pitcrew tried to {}. {who} answered: {message}", act_words(act));
    notice.done.push("Nothing was changed. pitcrew tries again in an hour.".to_owned());
    let what = match act {
        Act::Disassociate => "relink",
        Act::ChangeRecords(_) if seen.association.is_none() => "remove",
        Act::ChangeRecords(_) | Act::Associate { .. } => "apply",
    };
    notice.todo.push(todo_by("Mend what it says; it then goes on by itself, or at once by", command(seen, what)));
    notice
}

/// An operator's request that cannot be carried out.
pub(super) fn request_refused(seen: &Observed, why: &str) -> Notice {
    let mut notice = notice(seen, NoticeKind::Domain, Severity::Info, "request", "the request was refused");
    notice.happened = format!("{}.", capitalised(why));
    notice.done.push("Nothing was changed.".to_owned());
    notice.todo.push(todo_by("See how the domain stands", command(seen, "plan")));
    notice
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// Records that had been there were put back.
pub(super) fn repaired(seen: &Observed, batch: &Batch) -> Notice {
    let mut notice =
        notice(seen, NoticeKind::Domain, Severity::Warning, "repaired", "a record was missing and was put back");
    notice.happened =
        "The domain was finished, and then somebody or something took a record away. Without the validation \
                       records the certificate is not renewed; without the target nobody reaches the service."
            .to_owned();
    notice.done.extend(changes(batch).into_iter().map(|change| format!("Done: {change}")));
    notice.todo.push(todo("Find out who removed it: CloudTrail lists ChangeResourceRecordSets."));
    notice
}

/// Records of ours went after the domain.
pub(super) fn removed(seen: &Observed, batch: &Batch, left: &[Owned]) -> Notice {
    let headline = "not associated any more; pitcrew removes its records";
    let mut notice = notice(seen, NoticeKind::Domain, Severity::Info, "removed", headline);
    notice.happened = "App Runner does not show the domain any more.".to_owned();
    notice.done.extend(changes(batch).into_iter().map(|change| format!("Done: {change}")));
    if !left.is_empty() {
        let follows = "The other records of pitcrew's follow once Route 53 has taken these off all its servers; a validation \
                       record only where no other domain needs it.";
        notice.done.push(follows.to_owned());
    }
    notice
}

/// Records that we made and somebody changed since.
pub(super) fn not_ours(seen: &Observed, records: &[&Owned]) -> Notice {
    let headline = "records that pitcrew made were changed by other hands";
    let mut notice = notice(seen, NoticeKind::Domain, Severity::Info, "not-ours", headline);
    let words: Vec<String> = records.iter().map(|owned| line(&owned.record)).collect();
    notice.happened = format!("pitcrew had made: {}. Something else stands there now.", words.join("; "));
    notice.done.push("They are left as they are, and pitcrew does not call them its own any more.".to_owned());
    notice
}

/// Everything stands and App Runner says `active`.
pub(super) fn finished(seen: &Observed) -> Notice {
    let mut notice = notice(seen, NoticeKind::Domain, Severity::Info, "finished", "active, and all its records stand");
    let since = seen.memory.link.as_ref().map(|link| span(seen.now, link.first_seen)).unwrap_or_default();
    notice.happened = format!("The domain of {} became active {since} after it was first seen.", seen.service.name());
    let owned = &seen.memory.owned;
    match owned.is_empty() {
        true => notice.done.push("All records were there already; pitcrew made none.".to_owned()),
        false => notice
            .done
            .extend(owned.iter().map(|owned| format!("pitcrew made {} in {}.", line(&owned.record), owned.zone.id))),
    }
    notice.done.push("The validation records stay: the certificate needs them to renew.".to_owned());
    notice
}

/// Something that stood in the way is gone.
pub(super) fn goes_on(seen: &Observed, topics: &[String]) -> Notice {
    let mut notice = notice(seen, NoticeKind::Domain, Severity::Info, "goes-on", "nothing stands in its way any more");
    let words: Vec<&str> = topics.iter().map(|topic| super::trouble::words(topic)).collect();
    notice.happened = format!("Settled: {}.", words.join("; "));
    notice.done.push("pitcrew goes on by itself.".to_owned());
    notice
}

/// Records that an operator gave into our hands.
pub(super) fn adopted(seen: &Observed, records: &[Owned]) -> Notice {
    let headline = "pitcrew took over records that stood already";
    let mut notice = notice(seen, NoticeKind::Domain, Severity::Info, "adopted", headline);
    notice.happened = "An operator asked for it. pitcrew may replace and remove them from now on.".to_owned();
    notice.done.extend(records.iter().map(|owned| format!("Taken over: {}.", line(&owned.record))));
    notice
}

/// The end of a record of one act, for the receipt.
pub(super) fn note_changes(draft: &mut Draft<'_>, batch: &Batch) {
    draft.saw("zone", format!("{} ({})", batch.zone.id, batch.zone.name));
    for change in changes(batch) {
        draft.saw("change", change);
    }
}
