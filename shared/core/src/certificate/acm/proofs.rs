//! The CNAMEs that prove the names of a certificate: which of them are missing, what keeps them out, what may be written.
//!
//! | seen of a proof | what follows |
//! |---|---|
//! | its CNAME stands in our zone | nothing |
//! | no zone of ours, and the DNS shows the CNAME | nothing: it stands elsewhere |
//! | no zone of ours (or one that may not be written to, or that the DNS does not ask), and the DNS does not show it | told, with the exact record |
//! | something else stands in its place | told, both values, the one command; never touched |
//! | it is missing, CAA forbids Amazon | told; nothing is written |
//! | it is missing | created; for a certificate that was never issued the command is told |
//! | it cannot be known | blind: nothing |

use super::tell::{self, Topic};
use super::{Certificate, Kind, Look, Observed, Status};
use crate::dns::caa;
use crate::dns::facts::Answer;
use crate::dns::name::Name;
use crate::dns::plan::{self, Batch, Place, Plan, Purpose, Verdict, Wanted};
use crate::dns::record::{RecordSet, RecordType};
use crate::dns::zone::Refusal;

/// What is so about the proofs.
#[derive(Default)]
pub(super) struct Case {
    pub topics: Vec<Topic>,
    /// Batches that create what is missing; none where CAA forbids.
    pub writes: Vec<Batch>,
    /// Why something cannot be known now.
    pub blind: Option<String>,
    /// Nobody knows whether Amazon may issue: then nothing is written.
    caa_blind: bool,
}

/// Whether its proofs matter: it waits for them, or ACM will look for them when it renews.
fn matters(certificate: &Certificate) -> bool {
    let used = certificate.in_use || certificate.exported;
    let status = &certificate.status;
    certificate.kind == Kind::AmazonIssued
        && (*status == Status::PendingValidation || (*status == Status::Issued && used))
}

/// The CNAMEs that should stand, each once.
fn wanted(certificate: &Certificate) -> Vec<Wanted> {
    let by_dns = certificate.proofs.iter().filter(|proof| proof.method == "DNS");
    let mut wanted: Vec<Wanted> = Vec::new();
    for (name, value) in by_dns.filter_map(|proof| proof.record.as_ref()) {
        let record = RecordSet::cname(name.clone(), value);
        if !wanted.iter().any(|other| other.record == record) {
            wanted.push(Wanted { purpose: Purpose::Validation, place: Place::Public, record });
        }
    }
    wanted
}

/// Reads the whole case.
pub(super) fn case(seen: &Observed, certificate: &Certificate) -> Result<Case, Look> {
    let mut case = Case::default();
    let wanted = if matters(certificate) { wanted(certificate) } else { Vec::new() };
    if wanted.is_empty() {
        return Ok(case);
    }
    let mut plan = plan::plan(&wanted, &seen.memory.owned, &seen.dns)?;
    let (mut conflicts, mut elsewhere) = (Vec::new(), Vec::new());
    for (wanted, verdict) in &plan.wanted {
        match verdict {
            Verdict::Conflict { zone, standing } => conflicts.push((zone, &wanted.record, standing.clone())),
            // Taking a record away is never decided here, not even one of ours.
            Verdict::Replace { zone, owned } => conflicts.push((zone, &wanted.record, vec![owned.clone()])),
            Verdict::Refused(refusal) => match shown(seen, &wanted.record)? {
                Ok(true) => {}
                _ if matches!(refusal, Refusal::Blind(_)) => case.blind = Some(tell::refusal_words(refusal)),
                Ok(false) => elsewhere.push((&wanted.record, refusal)),
                Err(why) => case.blind = Some(why),
            },
            Verdict::Standing { .. } | Verdict::Found { .. } | Verdict::Create { .. } | Verdict::Apex { .. } => {}
        }
    }
    case.topics.extend((!conflicts.is_empty()).then(|| tell::conflict(seen, certificate, &conflicts)));
    case.topics.extend((!elsewhere.is_empty()).then(|| tell::not_ours(seen, certificate, &elsewhere)));
    let creates = plan.wanted.iter().any(|(_, verdict)| matches!(verdict, Verdict::Create { .. }));
    if creates || certificate.status == Status::PendingValidation || renewing(certificate) {
        check_caa(seen, certificate, &mut case)?;
    }
    let forbidden = case.topics.iter().any(|topic| topic.name == tell::CAA);
    plan.wanted.retain(|(_, verdict)| matches!(verdict, Verdict::Create { .. }));
    if !forbidden && !case.caa_blind {
        case.writes = Plan { leftover: Vec::new(), ..plan }.writes();
    }
    Ok(case)
}

/// Whether ACM is at it, or failed at it.
fn renewing(certificate: &Certificate) -> bool {
    certificate.renewal.as_ref().is_some_and(|(status, _)| status == "PENDING_VALIDATION" || status == "FAILED")
}

fn check_caa(seen: &Observed, certificate: &Certificate, case: &mut Case) -> Result<(), Look> {
    let mut forbidden = Vec::new();
    for proof in &certificate.proofs {
        match caa::check(&proof.domain, &seen.dns)? {
            caa::Verdict::Allowed => {}
            caa::Verdict::Forbidden { at, records } => forbidden.push((proof.domain.clone(), at, records)),
            caa::Verdict::Blind(why) => {
                case.blind = Some(why);
                case.caa_blind = true;
            }
        }
    }
    case.topics.extend((!forbidden.is_empty()).then(|| tell::caa(seen, certificate, &forbidden)));
    Ok(())
}

/// Whether the DNS shows the CNAME, whoever keeps the zone; `Err`: it does not answer.
fn shown(seen: &Observed, record: &RecordSet) -> Result<Result<bool, String>, Look> {
    let answer = match seen.dns.ask(&record.name, &RecordType::Cname)? {
        Ok(answer) => answer,
        Err(why) => return Ok(Err(format!("the DNS does not answer for {} ({why})", record.name))),
    };
    let Answer::Found(values) = answer else { return Ok(Ok(false)) };
    let is = |value: &String| {
        Name::parse(value).is_ok_and(|value| RecordSet::cname(record.name.clone(), &value).serves_as(record))
    };
    Ok(Ok(values.iter().any(is)))
}
