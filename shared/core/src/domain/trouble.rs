//! What stands in the way of a record, and the words that tell it. Each trouble is told once and again when it changes.
//!
//! | topic | seen | ends by itself |
//! |---|---|---|
//! | `caa` | the closest CAA set lets no authority of Amazon's issue | when the set is corrected |
//! | `zone` | no zone, several, not the one that the DNS asks, delegated away, not ours to write | when the zone is there |
//! | `conflict` | other records stand at the name | when they are gone |
//! | `wildcard` | somebody's wildcard answers for the name, at which no record stands ([`cover`](super::cover)) | when it is gone, or an operator has the records made |
//! | `repairs` | a validation record is taken away again and again ([`repair`](super::repair)) | with the next link; it is told once |
//! | `apex` | a CNAME is wanted at the top of a zone | when the service takes aliases |
//! | `ingress` | a private service that no VPC ingress connection leads to | when there is one |
//! | `unreadable` | App Runner lists a record that is no CNAME | when it is readable |

use super::cover::Covered;
use super::put::Case;
use super::tell::{Trouble, change_command, command, line, notice, todo, todo_by};
use super::wanted::Gap;
use super::{Association, Observed};
use crate::dns::caa;
use crate::dns::facts::ZoneRef;
use crate::dns::name::Name;
use crate::dns::plan::{Place, Plan, Purpose, Verdict, Wanted};
use crate::dns::record::{RecordSet, RecordType};
use crate::dns::zone::Refusal;
use crate::notice::{NoticeKind, Severity, Todo};
use crate::short_hash::short_hash;

/// The topics that end when their cause does.
pub(super) const TOPICS: [&str; 7] = ["caa", "zone", "conflict", "wildcard", "apex", "ingress", "unreadable"];

/// A topic in words, for "settled: ...".
pub(super) fn words(topic: &str) -> &'static str {
    match topic {
        "caa" => "the DNS lets Amazon issue the certificate",
        "zone" => "the hosted zone can be written to",
        "conflict" => "no other record stands at the name",
        "wildcard" => "no wildcard keeps pitcrew from the name",
        "blind" => "what the decisions need can be read",
        "apex" => "no CNAME is wanted at the top of the zone",
        "ingress" => "a VPC ingress connection leads to the service",
        "unreadable" => "all records that App Runner lists can be read",
        _ => "the trouble is gone",
    }
}

/// A CAA set that forbids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Forbidden {
    pub host: Name,
    pub at: Name,
    pub records: Vec<String>,
}

/// All troubles of the case.
pub(super) fn of(seen: &Observed, association: &Association, case: &Case) -> Vec<Trouble> {
    let all = [
        caa_forbids(seen, &case.caa.forbidden),
        zones(seen, case),
        conflicts(seen, &case.plan),
        wildcards(seen, &case.covered),
        apex(seen, &case.plan),
        (case.goal.gap == Some(Gap::NoIngress)).then(|| no_ingress(seen)),
        (!association.unreadable.is_empty()).then(|| unreadable(seen, &association.unreadable)),
    ];
    all.into_iter().flatten().collect()
}

fn how_bad(seen: &Observed) -> Severity {
    // A finished domain serves people; what is in the way of a new one harms nobody yet.
    if seen.memory.finished_at.is_some() { Severity::Critical } else { Severity::Warning }
}

fn caa_forbids(seen: &Observed, forbidden: &[Forbidden]) -> Option<Trouble> {
    let first = forbidden.first()?;
    let mut notice =
        notice(seen, NoticeKind::Domain, how_bad(seen), "caa", "CAA forbids Amazon to issue its certificate");
    let set = |one: &Forbidden| format!("at {}: {}", one.at, one.records.join(" | "));
    let mut sets: Vec<String> = forbidden.iter().map(set).collect();
    sets.sort();
    sets.dedup();
    notice.happened =
        format!("The CAA set that counts for the name does not name {} ({}).", caa::AMAZON.join(", "), sets.join("; "));
    notice.done.push("Nothing was written. pitcrew looks again at every sweep and goes on by itself.".to_owned());
    let tag = if first.host.is_wildcard() { "issuewild" } else { "issue" };
    notice.todo.push(todo(format!("Add this value to the CAA set of {}: 0 {tag} \"amazon.com\"", first.at)));
    let mut parts: Vec<&str> = sets.iter().map(String::as_str).collect();
    parts.push("caa");
    Some(Trouble { topic: "caa", fingerprint: short_hash(parts), notice })
}

/// The plan's refusals that waiting does not cure, told together: they most often share one cause.
fn zones(seen: &Observed, case: &Case) -> Option<Trouble> {
    let owed = case.plan.wanted.iter().filter(|(wanted, _)| !case.elsewhere.contains(&wanted.record.name));
    let refused: Vec<(&Wanted, &Refusal)> = owed
        .filter_map(|(wanted, verdict)| match verdict {
            Verdict::Refused(refusal) if !matches!(refusal, Refusal::Blind(_)) => Some((wanted, refusal)),
            _ => None,
        })
        .collect();
    let (_, first) = refused.first()?;
    let headline = match first {
        Refusal::NoZone => "no hosted zone of ours holds the name",
        Refusal::Ambiguous { .. } => "several hosted zones could hold the name",
        Refusal::NotAuthoritative { .. } => "the DNS does not ask our hosted zone",
        Refusal::DelegatedAway { .. } => "a part of the zone is delegated to other servers",
        Refusal::NotWritable { .. } => "pitcrew may not write to the hosted zone",
        Refusal::Blind(_) => return None,
    };
    let mut notice = notice(seen, NoticeKind::Domain, how_bad(seen), "zone", headline);
    let mut reasons: Vec<String> = refused.iter().map(|(wanted, refusal)| reason(&wanted.place, refusal)).collect();
    reasons.dedup();
    notice.happened = reasons.join(" ");
    notice.done.push("Nothing was written for these records, and no zone is made.".to_owned());
    notice.todo.extend(refused.iter().map(|(wanted, _)| by_hand(wanted)));
    // The servers that the DNS names change their order from answer to answer, so they are no part of the fingerprint.
    let mut parts: Vec<String> =
        refused.iter().map(|(wanted, refusal)| format!("{} {}", wanted.record.words(), kind(refusal))).collect();
    parts.sort();
    let fingerprint = short_hash(parts.iter().map(String::as_str));
    Some(Trouble { topic: "zone", fingerprint, notice })
}

fn by_hand(wanted: &Wanted) -> Todo {
    let place = match &wanted.place {
        Place::Public => "in the public DNS".to_owned(),
        Place::Private { vpc } => format!("in a private zone of {vpc}"),
    };
    let note = match (&wanted.purpose, &wanted.record.kind) {
        (Purpose::Target, RecordType::A) => {
            " (outside Route 53: a CNAME, or at a zone's top what the provider calls ALIAS)"
        }
        _ => "",
    };
    todo(format!("Add {place}: {}{note}", line(&wanted.record)))
}

fn names(servers: &[Name]) -> String {
    servers.iter().map(Name::as_str).collect::<Vec<_>>().join(", ")
}

fn kind(refusal: &Refusal) -> String {
    match refusal {
        Refusal::NoZone => "none".to_owned(),
        Refusal::Ambiguous { zones, .. } => zones.iter().map(|zone| zone.id.as_str()).collect::<Vec<_>>().join("+"),
        Refusal::NotAuthoritative { zone, .. } => format!("not authoritative {}", zone.id),
        Refusal::DelegatedAway { zone, at, .. } => format!("delegated {} {at}", zone.id),
        Refusal::NotWritable { zone } => format!("not writable {}", zone.id),
        Refusal::Blind(_) => "blind".to_owned(),
    }
}

pub(super) fn reason(place: &Place, refusal: &Refusal) -> String {
    let show = |zone: &ZoneRef| match &zone.role {
        Some(role) => format!("{} ({}, through {role})", zone.id, zone.name),
        None => format!("{} ({})", zone.id, zone.name),
    };
    match refusal {
        Refusal::NoZone => match place {
            Place::Public => {
                "No public hosted zone at or above the name is in the accounts that pitcrew sees.".to_owned()
            }
            Place::Private { vpc } => format!("No private hosted zone for the name is associated with {vpc}."),
        },
        Refusal::Ambiguous { zones, live } => format!(
            "The zones {} have the same name, and the servers that the DNS names ({}) do not settle which one counts.",
            zones.iter().map(show).collect::<Vec<_>>().join(", "),
            if live.is_empty() { "none".to_owned() } else { names(live) }
        ),
        Refusal::NotAuthoritative { zone, servers, live } => format!(
            "The zone {} has the servers {}, but the DNS names {}: what is written there, nobody sees.",
            show(zone),
            names(servers),
            if live.is_empty() { "none".to_owned() } else { names(live) }
        ),
        Refusal::DelegatedAway { zone, at, servers } => {
            format!("The zone {} delegates {at} to {}: the records belong there.", show(zone), servers.join(", "))
        }
        Refusal::NotWritable { zone } => {
            format!("The zone {} is not in the stack's parameter HostedZoneArns.", show(zone))
        }
        Refusal::Blind(why) => format!("It cannot be known now: {why}."),
    }
}

/// Whether one command may be offered that takes the set away: it can be written exactly, and it is no mail and no delegation.
fn may_be_offered(record: &RecordSet) -> bool {
    record.policy.is_none()
        && !matches!(record.kind, RecordType::Ns | RecordType::Soa | RecordType::Ds | RecordType::Mx | RecordType::Caa)
}

fn conflicts(seen: &Observed, plan: &Plan) -> Option<Trouble> {
    let found = plan.wanted.iter().filter_map(|(wanted, verdict)| match verdict {
        Verdict::Conflict { zone, standing } => Some((wanted, zone, standing)),
        _ => None,
    });
    let found: Vec<(&Wanted, &ZoneRef, &Vec<RecordSet>)> = found.collect();
    if found.is_empty() {
        return None;
    }
    let mut notice =
        notice(seen, NoticeKind::Domain, how_bad(seen), "conflict", "somebody else's record stands in the way");
    let mut said = Vec::new();
    let mut parts = Vec::new();
    for (wanted, zone, standing) in &found {
        let there: Vec<String> = standing.iter().map(line).collect();
        said.push(format!("Wanted: {}. There: {} (zone {}).", line(&wanted.record), there.join("; "), zone.id));
        parts.push(format!("{} {} {}", zone.id, wanted.record.words(), there.join(" ")));
        notice.todo.push(settle(wanted, zone, standing));
    }
    notice.happened = said.join(" ");
    notice.done.push("Nothing of it was touched; the other records are made.".to_owned());
    let fingerprint = short_hash(parts.iter().map(String::as_str));
    Some(Trouble { topic: "conflict", fingerprint, notice })
}

fn settle(wanted: &Wanted, zone: &ZoneRef, standing: &[RecordSet]) -> Todo {
    if !standing.iter().all(may_be_offered) {
        return todo(format!(
            "Decide by hand what becomes of the records at {}: mail, a delegation or a routing policy hangs on them",
            wanted.record.name
        ));
    }
    let whose = zone.role.as_ref().map(|role| format!(" (with the keys of {role})")).unwrap_or_default();
    let text = format!("If what stands there is not needed any more, replace it{whose}");
    todo_by(text, change_command(&zone.id, standing, &wanted.record))
}

fn wildcards(seen: &Observed, covered: &[Covered]) -> Option<Trouble> {
    if covered.is_empty() {
        return None;
    }
    let headline = "somebody's wildcard answers for the name today";
    let mut notice = notice(seen, NoticeKind::Domain, how_bad(seen), "wildcard", headline);
    let mut said = Vec::new();
    for one in covered {
        let there: Vec<String> = one.by.iter().map(line).collect();
        let (wanted, there) = (line(&one.record), there.join("; "));
        said.push(format!("Wanted: {wanted}. There: {there} (zone {}), which answers for {}.", one.zone.id, one.at));
    }
    notice.happened = said.join(" ");
    notice.done.push(
        "Nothing was written at or below the name: any record there, even a validation record, takes it from the wildcard, and \
         App Runner has no certificate for it before the domain is active."
            .to_owned(),
    );
    let text = "If the name is to leave the wildcard and may be without an answer until the domain is active, have its records made";
    notice.todo.push(todo_by(text, command(seen, "apply")));
    let fingerprint = short_hash(said.iter().map(String::as_str));
    Some(Trouble { topic: "wildcard", fingerprint, notice })
}

fn apex(seen: &Observed, plan: &Plan) -> Option<Trouble> {
    let (wanted, zone) = plan.wanted.iter().find_map(|(wanted, verdict)| match verdict {
        Verdict::Apex { zone } => Some((wanted, zone)),
        _ => None,
    })?;
    let headline = "the top of a zone cannot lead to this service";
    let mut notice = notice(seen, NoticeKind::Domain, how_bad(seen), "apex", headline);
    notice.happened = match &wanted.place {
        Place::Private { .. } => format!(
            "A private service is reached by a CNAME, and none can stand at the top of the private zone {}.",
            zone.id
        ),
        Place::Public => format!(
            "A CNAME is needed, and none can stand at the top of the zone {}. An alias leads only to services that were created \
             after 2022-08-01, in regions whose zone id pitcrew knows.",
            zone.id
        ),
    };
    notice.done.push("The other records are made.".to_owned());
    notice.todo.push(todo("Use a name below the top (`www.`), or create the service anew and link the domain to it."));
    Some(Trouble { topic: "apex", fingerprint: short_hash([wanted.record.words().as_str(), &zone.id]), notice })
}

fn no_ingress(seen: &Observed) -> Trouble {
    let headline = "the service is private and no VPC ingress connection leads to it";
    let mut notice = notice(seen, NoticeKind::Domain, Severity::Warning, "ingress", headline);
    notice.happened =
        "A private service is reached through a VPC ingress connection; the domain has no target yet.".to_owned();
    notice.done.push("The validation records are made all the same.".to_owned());
    notice.todo.push(todo("Create a VPC ingress connection for the service; pitcrew then adds the record by itself."));
    Trouble { topic: "ingress", fingerprint: "none".to_owned(), notice }
}

fn unreadable(seen: &Observed, records: &[String]) -> Trouble {
    let headline = "App Runner asks for a record that pitcrew cannot read";
    let mut notice = notice(seen, NoticeKind::Domain, how_bad(seen), "unreadable", headline);
    notice.happened = format!("It is no CNAME that could be understood: {}.", records.join("; "));
    notice.done.push("Nothing is guessed at; the records that can be read are made.".to_owned());
    notice.todo.push(todo("Add it by hand as the App Runner console shows it."));
    Trouble { topic: "unreadable", fingerprint: short_hash(records.iter().map(String::as_str)), notice }
}
