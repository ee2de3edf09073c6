//! The words of the notices about a certificate. One function a row of the table; facts in, a value out.

use jiff::Timestamp;

use super::{Act, Certificate, Kind, Observed, Status};
use crate::dns::command::{change_records, quote};
use crate::dns::facts::ZoneRef;
use crate::dns::name::Name;
use crate::dns::plan::Batch;
use crate::dns::record::{Change, RecordSet, RecordType};
use crate::dns::zone::Refusal;
use crate::notice::{Notice, NoticeKind, Severity, Todo};
use crate::short_hash::short_hash;

/// Topics that are told while they last, and may be told again after they were over.
pub(super) const TOPICS: [&str; 8] = [STATUS, MAIL, RENEWAL, UNUSED, CONFLICT, NOT_OURS, CAA, PROPOSAL];
pub(super) const CAA: &str = "caa";
pub(super) const PROPOSAL: &str = "proposal";
const STATUS: &str = "status";
const MAIL: &str = "mail";
const RENEWAL: &str = "renewal";
const UNUSED: &str = "unused";
const CONFLICT: &str = "conflict";
const NOT_OURS: &str = "not-ours";

/// Something that is told once, and again when its fingerprint changes.
pub(super) struct Topic {
    pub name: &'static str,
    pub fingerprint: String,
    pub notice: Notice,
}

/// The receipt's id: the certificate and the fence under which it is written, so that a retry writes the same one.
pub(super) fn receipt_id(seen: &Observed) -> String {
    format!("R-{}", short_hash([seen.arn.as_str(), &(seen.memory.version + 1).to_string()]))
}

fn topic(name: &'static str, fingerprint: &[&str], notice: Notice) -> Topic {
    Topic { name, fingerprint: short_hash(fingerprint.iter().copied()), notice }
}

/// The frame of every notice. Its id hangs on the record that it is told in, so that a retry tells the same one.
fn notice(seen: &Observed, what: &str, severity: Severity, headline: String, happened: String) -> Notice {
    let receipt = receipt_id(seen);
    Notice {
        id: format!("CERT#{}/{receipt}/{what}", seen.arn),
        kind: NoticeKind::Certificate,
        severity,
        service: None,
        incident: None,
        group: format!("CERT#{}", seen.arn),
        headline,
        happened,
        why: None,
        done: Vec::new(),
        todo: Vec::new(),
        links: Vec::new(),
        receipt,
        at: seen.now,
    }
}

fn todo(text: impl Into<String>) -> Todo {
    Todo { text: text.into(), command: None }
}

/// Where the certificate is used, visitors notice.
fn by_use(certificate: &Certificate, used: Severity, unused: Severity) -> Severity {
    if certificate.in_use || certificate.exported { used } else { unused }
}

/// What a zone in another account needs before the command works there.
fn with_role(text: &str, zone: &ZoneRef) -> String {
    match &zone.role {
        Some(role) => format!("{text} (the zone is in another account: with its credentials, for example by {role})"),
        None => text.to_owned(),
    }
}

/// An outside change on one line.
pub(super) fn act_words(act: &Act) -> String {
    match act {
        Act::ChangeRecords(batch) => {
            let records: Vec<String> = batch.changes.iter().map(|change| change.record().words()).collect();
            format!("create in zone {} ({}): {}", batch.zone.name, batch.zone.id, records.join("; "))
        }
        Act::Renew => "ask ACM to renew the certificate (RenewCertificate)".to_owned(),
    }
}

fn act_command(seen: &Observed, act: &Act) -> Option<String> {
    match act {
        Act::ChangeRecords(batch) => change_records(batch),
        Act::Renew => Some(format!("aws acm renew-certificate --certificate-arn {}", quote(&seen.arn))),
    }
}

pub(super) fn proposal(seen: &Observed, certificate: &Certificate, act: &Act, why: &str, command: bool) -> Topic {
    let words = act_words(act);
    let (headline, happened) = match certificate.status {
        Status::PendingValidation => (
            format!("{}: a certificate was requested and waits for its proof", certificate.domain),
            format!("What would prove it: {words}."),
        ),
        _ => (
            format!("{}: pitcrew would mend its certificate's renewal", certificate.domain),
            format!("What it would do: {words}."),
        ),
    };
    let severity = by_use(certificate, Severity::Warning, Severity::Info);
    let mut notice = notice(seen, PROPOSAL, severity, headline, happened);
    notice.done.push(format!("Nothing was changed: {why}."));
    if command {
        let text = match act {
            Act::ChangeRecords(batch) => with_role("Create what is missing", &batch.zone),
            Act::Renew => "Renew it".to_owned(),
        };
        notice.todo.push(Todo { text, command: act_command(seen, act) });
    }
    topic(PROPOSAL, &[&words, why], notice)
}

pub(super) fn put_back(seen: &Observed, batch: &Batch) -> Notice {
    let domain = domain(seen);
    let records: Vec<String> = batch.changes.iter().map(|change| change.record().words()).collect();
    let headline = format!("{domain}: a missing proof of its certificate was put back");
    let happened = "ACM can issue or renew a certificate only while its CNAMEs stand in the DNS.".to_owned();
    let mut notice = notice(seen, "put-back", Severity::Info, headline, happened);
    notice.done.push(format!("Created in zone {} ({}): {}.", batch.zone.name, batch.zone.id, records.join("; ")));
    notice
}

pub(super) fn renewal_asked(seen: &Observed) -> Notice {
    let headline = format!("{}: ACM was asked to renew the private certificate", domain(seen));
    let happened = "It was exported and nears its end. What was exported is not replaced by the renewal.".to_owned();
    let mut notice = notice(seen, "renewal-asked", Severity::Info, headline, happened);
    notice.done.push("RenewCertificate was called.".to_owned());
    notice.todo.push(todo("Export it again once it is renewed, and install it where the old one is used."));
    notice
}

pub(super) fn refused(seen: &Observed, act: &Act, code: &str, message: &str) -> Notice {
    let headline = format!("{}: AWS refused what its certificate needs ({code})", domain(seen));
    let happened = format!("The call to {} was refused: {message}", act_words(act));
    let mut notice = notice(seen, "refused", Severity::Warning, headline, happened);
    notice.done.push("Nothing was changed. The same is tried again after an hour.".to_owned());
    notice.todo.push(Todo { text: "Do it yourself, or mend the reason".to_owned(), command: act_command(seen, act) });
    notice
}

fn domain(seen: &Observed) -> &str {
    seen.certificate.as_ref().map_or(seen.arn.as_str(), |certificate| &certificate.domain)
}

pub(super) fn left_behind(seen: &Observed) -> Notice {
    let records: Vec<String> = seen.memory.owned.iter().map(|owned| owned.record.words()).collect();
    let headline = format!("A deleted certificate leaves {} record(s) that pitcrew made", records.len());
    let happened = format!("ACM does not have {} any more. These still stand: {}.", seen.arn, records.join("; "));
    let mut notice = notice(seen, "left-behind", Severity::Info, headline, happened);
    notice.done.push("Nothing was removed: another certificate for the same names may need them.".to_owned());
    for owned in &seen.memory.owned {
        let batch = Batch { zone: owned.zone.clone(), changes: vec![Change::Delete(owned.record.clone())] };
        let text = with_role("If no other certificate needs it, remove it", &owned.zone);
        notice.todo.push(Todo { text, command: change_records(&batch) });
    }
    notice
}

pub(super) fn renewed(seen: &Observed, certificate: &Certificate, end: Timestamp) -> Notice {
    let headline = format!("{}: its certificate was renewed", certificate.domain);
    notice(seen, "renewed", Severity::Info, headline, format!("It is valid until {end} now."))
}

pub(super) fn page(seen: &Observed, certificate: &Certificate, step: i64, left: i64) -> Notice {
    let severity = match (certificate.in_use || certificate.exported, step) {
        (true, ..=7) => Severity::Critical,
        (true, _) => Severity::Warning,
        (false, _) => Severity::Info,
    };
    let imported = certificate.kind == Kind::Imported;
    let headline = match (imported, left) {
        (_, ..0) => format!("{}: its certificate is past its end", certificate.domain),
        (true, _) => format!("{}: its imported certificate ends in {left} day(s)", certificate.domain),
        (false, _) => format!("{}: its certificate ends in {left} day(s) and was not renewed", certificate.domain),
    };
    let happened = if imported {
        "ACM never renews what was imported.".to_owned()
    } else {
        "ACM renews 45 days before the end (60 for private ones). That has not happened.".to_owned()
    };
    let mut notice = notice(seen, &format!("page-{step}"), severity, headline, happened);
    let arn = quote(&seen.arn);
    notice.todo.push(if imported {
        let rest = "--certificate fileb://cert.pem --private-key fileb://key.pem --certificate-chain fileb://chain.pem";
        let command = format!("aws acm import-certificate --certificate-arn {arn} {rest}");
        Todo { text: "Import its successor under the same ARN".to_owned(), command: Some(command) }
    } else {
        let command =
            format!("aws acm describe-certificate --certificate-arn {arn} --query Certificate.RenewalSummary");
        Todo { text: "Look at what keeps ACM from it".to_owned(), command: Some(command) }
    });
    notice
}

pub(super) fn status(seen: &Observed, certificate: &Certificate) -> Topic {
    let word = certificate.status.as_str();
    let severity = by_use(certificate, Severity::Critical, Severity::Warning);
    let (said, cure) = match certificate.status {
        Status::Expired => ("has expired", "Request or import another one, and put it where this one is used."),
        Status::ValidationTimedOut => {
            ("was not issued: its names were not proven within 72 h", "Delete it and request it again.")
        }
        Status::Revoked => ("was revoked", "Request another one, and put it where this one is used."),
        _ => ("could not be issued", "Mend the reason, delete it, and request it again."),
    };
    let reason = certificate.failure.as_deref();
    let happened = match reason {
        Some(reason) => format!("ACM says {word}: {reason}. {}", reason_words(reason)),
        None => format!("ACM says {word}."),
    };
    let mut notice =
        notice(seen, STATUS, severity, format!("{}: its certificate {said}", certificate.domain), happened);
    notice.done.push("Nothing was changed: pitcrew neither deletes nor requests certificates.".to_owned());
    notice.todo.push(todo(cure));
    topic(STATUS, &[word, reason.unwrap_or_default()], notice)
}

pub(super) fn by_mail(seen: &Observed, certificate: &Certificate) -> Topic {
    let headline = format!("{}: its certificate is proven by e-mail", certificate.domain);
    let happened =
        "ACM renews it only when somebody follows the link in a mail to the domain's owner, each time.".to_owned();
    let mut notice = notice(seen, MAIL, Severity::Info, headline, happened);
    let command =
        format!("aws acm request-certificate --domain-name {} --validation-method DNS", quote(&certificate.domain));
    notice.todo.push(Todo {
        text: "Request another one that is proven by DNS, with the same names, and use it instead".to_owned(),
        command: Some(command),
    });
    topic(MAIL, &["mail"], notice)
}

pub(super) fn renewal(seen: &Observed, certificate: &Certificate, status: &str, reason: Option<&str>) -> Topic {
    let headline = format!("{}: the renewal of its certificate is {status}", certificate.domain);
    let happened = match reason {
        Some(reason) => format!("ACM gives the reason {reason}. {}", reason_words(reason)),
        None => "ACM gives no reason. The usual one is a missing CNAME.".to_owned(),
    };
    let notice = notice(seen, RENEWAL, by_use(certificate, Severity::Warning, Severity::Info), headline, happened);
    topic(RENEWAL, &[status, reason.unwrap_or_default()], notice)
}

/// What ACM's failure reasons mean (`FailureReason` in the API's model; `PENDING_DOMAIN_VALIDATION` of its events).
fn reason_words(reason: &str) -> &'static str {
    match reason {
        "PENDING_DOMAIN_VALIDATION" => "ACM does not find the CNAMEs that prove the names.",
        "CAA_ERROR" => "A CAA set of the domain does not name any of Amazon's authorities.",
        "NO_AVAILABLE_CONTACTS" => "The domain has no address that ACM could write to.",
        "ADDITIONAL_VERIFICATION_REQUIRED" => "AWS wants to know more: open a case with AWS Support.",
        "DOMAIN_NOT_ALLOWED" => "The domain is on a list of unsafe ones: see the registries that ACM's guide names.",
        "INVALID_PUBLIC_DOMAIN" => "The name does not end with a public top-level domain.",
        "DOMAIN_VALIDATION_DENIED" => "The proof of the domain was denied.",
        "SLR_NOT_FOUND" => "The service-linked role of ACM is missing.",
        pca if pca.starts_with("PCA_") => {
            "AWS Private CA refused: look at the authority, its limits and its permissions."
        }
        _ => "",
    }
}

pub(super) fn unused(seen: &Observed, certificate: &Certificate) -> Topic {
    let headline = format!("{}: its certificate is not in use, so ACM will not renew it", certificate.domain);
    let happened = "ACM renews a certificate only while an integrated service uses it.".to_owned();
    let mut notice = notice(seen, UNUSED, Severity::Info, headline, happened);
    notice.todo.push(Todo {
        text: "If nobody needs it, delete it".to_owned(),
        command: Some(format!("aws acm delete-certificate --certificate-arn {}", quote(&seen.arn))),
    });
    topic(UNUSED, &["unused"], notice)
}

pub(super) fn conflict(
    seen: &Observed,
    certificate: &Certificate,
    conflicts: &[(&ZoneRef, &RecordSet, Vec<RecordSet>)],
) -> Topic {
    let words: Vec<String> = conflicts
        .iter()
        .map(|(zone, wanted, standing)| {
            let standing: Vec<String> = standing.iter().map(RecordSet::words).collect();
            format!(
                "In zone {} ({}) stands {}; wanted is {}.",
                zone.name,
                zone.id,
                standing.join(" and "),
                wanted.words()
            )
        })
        .collect();
    let headline = format!("{}: another record stands where its certificate needs a proof", certificate.domain);
    let severity = by_use(certificate, Severity::Warning, Severity::Info);
    let mut notice = notice(seen, CONFLICT, severity, headline, words.join(" "));
    notice.done.push("Nothing was changed: pitcrew never touches what it did not make.".to_owned());
    for (zone, wanted, standing) in conflicts {
        // A command is offered only for what is surely an older proof: never one that takes mail or a delegation away.
        let only_cnames = standing.iter().all(|record| record.kind == RecordType::Cname);
        let deletes = standing.iter().cloned().map(Change::Delete);
        let changes = deletes.chain([Change::Create((*wanted).clone())]).collect();
        let command = only_cnames.then(|| change_records(&Batch { zone: (*zone).clone(), changes })).flatten();
        notice.todo.push(Todo { text: with_role(&format!("If {} may go, replace it", wanted.name), zone), command });
    }
    let fingerprint: Vec<&str> = words.iter().map(String::as_str).collect();
    topic(CONFLICT, &fingerprint, notice)
}

pub(super) fn not_ours(seen: &Observed, certificate: &Certificate, records: &[(&RecordSet, &Refusal)]) -> Topic {
    let headline = format!("{}: its certificate needs a CNAME where pitcrew cannot write", certificate.domain);
    let severity = by_use(certificate, Severity::Warning, Severity::Info);
    let words: Vec<String> = records.iter().map(|(_, refusal)| refusal_words(refusal)).collect();
    let mut happened = words.clone();
    happened.dedup();
    let mut notice = notice(seen, NOT_OURS, severity, headline, happened.join(" "));
    notice.done.push("Nothing was written. The DNS does not show the record either.".to_owned());
    for (record, _) in records {
        notice.todo.push(todo(format!("Add it where the name is kept: {}", record.words())));
    }
    let names: Vec<String> = records.iter().map(|(record, _)| record.words()).collect();
    let fingerprint: Vec<&str> = words.iter().chain(&names).map(String::as_str).collect();
    topic(NOT_OURS, &fingerprint, notice)
}

/// Why a zone was not chosen, in one sentence.
pub(super) fn refusal_words(refusal: &Refusal) -> String {
    let names = |names: &[Name]| match names {
        [] => "none".to_owned(),
        names => names.iter().map(Name::as_str).collect::<Vec<_>>().join(", "),
    };
    match refusal {
        Refusal::NoZone => "No hosted zone that pitcrew knows holds the name.".to_owned(),
        Refusal::Ambiguous { zones, live } => {
            let ids: Vec<&str> = zones.iter().map(|zone| zone.id.as_str()).collect();
            let (ids, live) = (ids.join(", "), names(live));
            format!(
                "Several hosted zones have its name ({ids}), and the DNS (servers: {live}) does not single out one."
            )
        }
        Refusal::NotAuthoritative { zone, servers, live } => format!(
            "The DNS does not ask zone {} ({}): it names the servers {}, Route 53 gave it {}.",
            zone.name,
            zone.id,
            names(live),
            names(servers)
        ),
        Refusal::DelegatedAway { zone, at, servers } => {
            format!("Zone {} ({}) hands {at} over to {}.", zone.name, zone.id, servers.join(", "))
        }
        Refusal::NotWritable { zone } => {
            format!("Zone {} ({}) is not among those that pitcrew may write to (HostedZoneArns).", zone.name, zone.id)
        }
        Refusal::Blind(why) => format!("It cannot be known now: {why}."),
    }
}

pub(super) fn caa(seen: &Observed, certificate: &Certificate, forbidden: &[(Name, Name, Vec<String>)]) -> Topic {
    let words: Vec<String> = forbidden
        .iter()
        .map(|(name, at, records)| format!("For {name} the CAA set at {at} counts: {}.", records.join(" | ")))
        .collect();
    let headline = format!("{}: CAA forbids Amazon to issue its certificate", certificate.domain);
    let severity = by_use(certificate, Severity::Warning, Severity::Info);
    let mut notice = notice(seen, CAA, severity, headline, words.join(" "));
    notice.done.push("Nothing was written: with this set no proof helps.".to_owned());
    let mut places: Vec<&(Name, Name, Vec<String>)> = forbidden.iter().collect();
    places.dedup_by_key(|(_, at, _)| at.clone());
    for (name, at, _) in places {
        let tag = if name.is_wildcard() { "issuewild" } else { "issue" };
        notice
            .todo
            .push(todo(format!("Add to the CAA set at {at}: 0 {tag} \"amazon.com\". pitcrew goes on by itself then.")));
    }
    let fingerprint: Vec<&str> = words.iter().map(String::as_str).collect();
    topic(CAA, &fingerprint, notice)
}
