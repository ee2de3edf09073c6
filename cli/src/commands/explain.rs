//! `pitcrew explain`: the receipts behind an incident, a custom domain, a certificate or a service: what woke
//! pitcrew, what it saw, by which rule it decided what, and what it did. It takes every id that a notice shows, or says what
//! it is and where to look.

mod subject;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;
use pitcrew_core::dns::name::Name;
use pitcrew_core::domain::DomainMemory;
use pitcrew_core::id::ServiceArn;
use pitcrew_core::incident::{Incident, IncidentState, Outcome};
use pitcrew_core::receipt::Receipt;
use serde::Serialize;

use subject::Subject;

use super::follow::receipts;
use super::incidents::wrapped;
use crate::args::Global;
use crate::failure::{Exit, Failure};
use crate::find;
use crate::output::{Output, Screen, View};
use crate::session::{Needs, Session};
use crate::words::{Tone, line, moment, toned};

/// Columns of the labels below a receipt's first line.
const LABEL: usize = 12;

/// Receipts where nobody says how many.
const LIMIT: u16 = 20;

/// Prints the receipts that were asked for.
pub async fn run(
    global: &Global,
    output: &Output,
    subject: Option<&str>,
    of_service: Option<&str>,
    limit: Option<u16>,
) -> Result<Exit, Failure> {
    let newest = usize::from(limit.unwrap_or(LIMIT));
    let subject = match of_service {
        Some(named) => Subject::Service(named),
        None => Subject::of(subject.unwrap_or_default()),
    };
    match subject {
        Subject::Service(named) => service(global, output, named, newest).await,
        Subject::Domain(name) => domain(global, output, name, newest).await,
        Subject::Link(id) => link(global, output, id, newest).await,
        Subject::Certificate(arn) => certificate(global, output, arn, newest).await,
        Subject::Receipt(id) => Err(one_receipt(id)),
        Subject::Audit(id) => Err(an_audit(id)),
        Subject::Incident(_) if limit.is_some() => Err(Failure::new(
            Exit::Usage,
            "--limit is for a service, a domain or a certificate: an incident is told whole",
        )
        .mend("leave --limit out")),
        Subject::Incident(id) => incident(global, output, id).await,
    }
}

fn one_receipt(id: &str) -> Failure {
    let what = format!("`{}` is one receipt: it is told within the story of what it is about", line(id));
    Failure::new(Exit::Usage, what).mend(
        "give the incident, the domain or the certificate that the notice names, or `--service SERVICE`; the \
         receipts show their ids",
    )
}

fn an_audit(id: &str) -> Failure {
    let what = format!("`{}` is a run of the audit: it has a report, and no receipts", line(id));
    Failure::new(Exit::Usage, what).mend(
        "its report and its page are in the bucket that the stack's output AuditBucketName names; `pitcrew \
         audit` looks again",
    )
}

/// Prints the story of the domain that a link's id stands for.
async fn link(global: &Global, output: &Output, id: &str, limit: usize) -> Result<Exit, Failure> {
    let session = Session::open(global, Needs::State).await?;
    let table = &session.clients.table;
    let names: Vec<Name> = table.remembered_domains(None).await?.into_iter().map(|known| known.name).collect();
    let memories = if names.is_empty() { BTreeMap::new() } else { table.load_domains(&names).await?.0 };
    // What was told before a link was seen bears the id of none.
    let unseen = DomainMemory::default();
    let is = |name: &Name, memory: &DomainMemory| memory.link_id(name) == id || unseen.link_id(name) == id;
    let mut found = memories.into_iter().filter(|(name, memory)| memory.as_ref().is_ok_and(|memory| is(name, memory)));
    let (name, _) = found.next().ok_or_else(|| {
        let what = format!(
            "`{}` stands for a link of a custom domain, and for none that is remembered in {}",
            line(id),
            session.region()
        );
        Failure::new(Exit::NotFound, what).mend(
            "the domain was linked anew since, or is gone: give the domain itself, with which the notice \
             begins; its receipts are kept for 400 days",
        )
    })?;
    domain_of(&session, output, &name, limit).await
}

/// Prints the newest receipts of a certificate of ACM.
async fn certificate(global: &Global, output: &Output, arn: &str, limit: usize) -> Result<Exit, Failure> {
    let session = Session::open(global, Needs::State).await?;
    let receipts = in_order(session.clients.table.certificate_receipts(arn, limit).await?);
    if receipts.is_empty() {
        return Err(Failure::new(Exit::NotFound, format!("no receipt is kept of the certificate {}", line(arn))).mend(format!(
            "pitcrew in {} writes one when it tells or changes something, and keeps it for 400 days; check --region",
            session.region()
        )));
    }
    output.show(&Story::of_certificate(arn, receipts), session.now())?;
    Ok(Exit::Done)
}

/// Prints the newest receipts of a custom domain. They are kept longer than its row.
async fn domain(global: &Global, output: &Output, given: &str, limit: usize) -> Result<Exit, Failure> {
    let name = find::domain(given)?;
    let session = Session::open(global, Needs::State).await?;
    domain_of(&session, output, &name, limit).await
}

async fn domain_of(session: &Session, output: &Output, name: &Name, limit: usize) -> Result<Exit, Failure> {
    let table = &session.clients.table;
    let mut receipts = table.domain_receipts(name, limit).await?;
    // A row that was forgotten and written anew counts its fence from the start: here the time is the order.
    receipts.reverse();
    let memory = table.load_domains(std::slice::from_ref(name)).await?.0.remove(name).transpose()?;
    let memory = memory.unwrap_or_default();
    if memory.version == 0 && receipts.is_empty() {
        let remembered = table.remembered_domains(None).await?.into_iter().map(|known| known.name).collect();
        return Err(find::not_remembered(name, &remembered));
    }
    let told = receipts.iter().rev().find_map(|receipt| receipt.service.clone());
    let service = memory.link.map(|link| link.service).or(told);
    output.show(&Story::of_domain(name, service.as_ref(), receipts), session.now())?;
    Ok(Exit::Done)
}

/// Prints the story of an incident.
async fn incident(global: &Global, output: &Output, id: &str) -> Result<Exit, Failure> {
    let session = Session::open(global, Needs::State).await?;
    let table = &session.clients.table;
    let unknown = || {
        Failure::new(Exit::NotFound, format!("no incident `{}` is remembered in {}", line(id), session.region()))
            .mend("`pitcrew incidents --all` lists them; they are kept for 400 days")
    };
    let pointer = table.find_incident(id).await?.ok_or_else(unknown)?;
    let (memory, _) = table.load(&pointer.service).await?;
    let incident = match memory.incident.filter(|incident| incident.id == id) {
        Some(open) => open,
        None => table.closed_incident(&pointer.service, id).await?.ok_or_else(unknown)?,
    };
    let receipts = receipts(&session, &incident).await?;
    output.show(&Story::of_incident(&incident, receipts), session.now())?;
    Ok(Exit::Done)
}

/// Prints the newest receipts of a service.
async fn service(global: &Global, output: &Output, service: &str, limit: usize) -> Result<Exit, Failure> {
    let session = Session::open(global, Needs::State).await?;
    let arn = find::service(&session, service).await?;
    let receipts = in_order(session.clients.table.receipts(&arn, limit).await?);
    let story = Story {
        service: arn.to_string(),
        name: arn.name().to_owned(),
        domain: None,
        certificate: None,
        incident: None,
        receipts,
    };
    output.show(&story, session.now())?;
    Ok(Exit::Done)
}

/// The receipts in the order in which they were written: that of the fence.
pub fn in_order(mut receipts: Vec<Receipt>) -> Vec<Receipt> {
    receipts.sort_by_key(|receipt| receipt.fence);
    receipts
}

/// The document of `pitcrew explain --json`.
#[derive(Debug, Serialize)]
pub struct Story {
    service: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<String>,
    incident: Option<About>,
    /// Oldest first.
    receipts: Vec<Receipt>,
}

#[derive(Debug, Serialize)]
struct About {
    id: String,
    kind: pitcrew_core::incident::IncidentKind,
    state: &'static str,
    outcome: Option<Outcome>,
    opened_at: Timestamp,
    closed_at: Option<Timestamp>,
    summary: String,
    /// The operation that it is about.
    operation: String,
    failing: Option<String>,
}

impl Story {
    fn of_domain(name: &Name, service: Option<&ServiceArn>, receipts: Vec<Receipt>) -> Self {
        Self {
            service: service.map(ToString::to_string).unwrap_or_default(),
            name: service.map(|arn| arn.name().to_owned()).unwrap_or_default(),
            domain: Some(name.clone()),
            certificate: None,
            incident: None,
            receipts,
        }
    }

    /// A certificate of ACM is of no service.
    fn of_certificate(arn: &str, receipts: Vec<Receipt>) -> Self {
        let certificate = Some(arn.to_owned());
        Self { service: String::new(), name: String::new(), domain: None, certificate, incident: None, receipts }
    }

    fn of_incident(incident: &Incident, receipts: Vec<Receipt>) -> Self {
        let (outcome, closed_at) = match &incident.state {
            IncidentState::Closed { outcome, at } => (Some(*outcome), Some(*at)),
            _ => (None, None),
        };
        let about = About {
            id: incident.id.clone(),
            kind: incident.kind,
            state: incident.state.name(),
            outcome,
            opened_at: incident.opened_at,
            closed_at,
            summary: incident.summary.clone(),
            operation: incident.operation.to_string(),
            failing: incident.failing.as_ref().map(ToString::to_string),
        };
        let arn = &incident.service;
        Self {
            service: arn.to_string(),
            name: arn.name().to_owned(),
            domain: None,
            certificate: None,
            incident: Some(about),
            receipts,
        }
    }
}

fn outcome_words(outcome: Outcome) -> (Tone, &'static str) {
    match outcome {
        Outcome::Told => (Tone::Good, "closed: nothing was to be done but to tell"),
        Outcome::RolledBack => (Tone::Good, "closed: pitcrew's operation succeeded"),
        Outcome::StoodDown => (Tone::Warning, "closed: pitcrew stood down"),
        Outcome::NeedsPerson => (Tone::Bad, "closed: a person is needed"),
        Outcome::Passed => (Tone::Good, "closed: it ended by itself"),
        Outcome::ServiceDeleted => (Tone::Quiet, "closed: the service was deleted"),
    }
}

impl View for Story {
    fn text(&self, screen: &Screen) -> String {
        let mut out = String::new();
        match (&self.incident, &self.domain) {
            (None, _) if self.certificate.is_some() => {
                let arn = self.certificate.as_deref().unwrap_or_default();
                let _infallible = writeln!(out, "{}", toned(Tone::Strong, &line(arn)));
            }
            (Some(about), _) => about.text(&mut out, &self.name, screen),
            (None, Some(domain)) => {
                let _infallible = writeln!(out, "{}  of {}", toned(Tone::Strong, domain.as_str()), line(&self.name));
            }
            (None, None) => {
                let _infallible = writeln!(out, "{}  {}", toned(Tone::Strong, &self.name), self.service);
            }
        }
        if self.receipts.is_empty() {
            out.push_str("\nNo receipt is kept.\n");
        }
        for receipt in &self.receipts {
            entry(&mut out, receipt, screen);
        }
        out
    }
}

impl About {
    fn text(&self, out: &mut String, name: &str, screen: &Screen) {
        let (tone, state) = self.outcome.map_or((Tone::Warning, self.state), outcome_words);
        let _infallible = writeln!(out, "{}  {name}  {}", toned(Tone::Strong, &self.id), toned(tone, state));
        out.push_str(&wrapped(&line(&self.summary), usize::from(screen.width), 0));
        let _infallible = writeln!(out, "opened {}", moment(self.opened_at, screen.now));
    }
}

fn entry(out: &mut String, receipt: &Receipt, screen: &Screen) {
    let at = toned(Tone::Quiet, &receipt.at.strftime("%Y-%m-%d %H:%M:%S").to_string());
    let _infallible = writeln!(out, "\n{at}  {}", toned(Tone::Strong, &line(&receipt.rule)));
    label(out, "cause", &receipt.cause, screen);
    for (name, value) in &receipt.saw {
        label(out, "saw", &format!("{name}: {value}"), screen);
    }
    label(out, "decided", &receipt.decision, screen);
    if let Some(did) = &receipt.did {
        label(out, "did", did, screen);
    }
    let operation = receipt.operation.as_ref().map(|operation| format!(", operation {operation}")).unwrap_or_default();
    label(out, "receipt", &format!("{}{operation}", receipt.id), screen);
}

fn label(out: &mut String, name: &str, value: &str, screen: &Screen) {
    let text = wrapped(&line(value), usize::from(screen.width), LABEL);
    let first = text.get(LABEL..).unwrap_or_default();
    let _infallible = write!(out, "  {name:<width$}{first}", width = LABEL - 2);
    if first.is_empty() {
        out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{self, text};

    fn story() -> Story {
        let closed = IncidentState::Closed { outcome: Outcome::RolledBack, at: samples::now() };
        Story::of_incident(&Incident { state: closed, ..samples::incident() }, samples::receipts())
    }

    #[test]
    fn a_story_for_people() {
        let shown = text(&story());
        assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
        insta::assert_snapshot!(shown);
    }

    #[test]
    fn a_domains_story_begins_with_its_name() {
        let name = Name::parse("shop.example.com").unwrap();
        let shown = text(&Story::of_domain(&name, Some(&samples::arn()), samples::receipts()));
        assert!(shown.starts_with("shop.example.com  of shop\n\n2026-09-22 13:59:00  alarm"), "{shown}");
        let nothing = Story::of_domain(&name, None, Vec::new());
        assert!(text(&nothing).contains("No receipt is kept."));
    }

    #[test]
    fn a_certificates_story_begins_with_its_arn() {
        let arn = "arn:aws:acm:eu-west-1:123456789012:certificate/0f1e2d3c";
        let shown = text(&Story::of_certificate(arn, samples::receipts()));
        assert!(shown.starts_with(&format!("{arn}\n\n2026-09-22 13:59:00  alarm")), "{shown}");
        assert!(shown.contains("receipt   R-0a1b2c3d4e5f"), "the ids of the notices are in it: {shown}");
    }

    #[test]
    fn what_has_no_story_of_its_own_says_what_it_is_and_where_to_look() {
        let (receipt, audit) = (one_receipt("R-0a1b2c3d4e5f"), an_audit("audit-20261121"));
        assert!(receipt.what.contains("is one receipt") && receipt.mend.unwrap().contains("--service"));
        assert!(audit.what.contains("a run of the audit") && audit.mend.unwrap().contains("AuditBucketName"));
    }

    #[test]
    fn a_story_for_programs() {
        insta::assert_json_snapshot!(story());
    }

    #[test]
    fn receipts_of_one_second_stand_in_the_order_of_the_fence() {
        let at = |fence: u64| Receipt { fence, at: samples::now(), ..samples::receipts()[0].clone() };
        assert_eq!(in_order(vec![at(9), at(7), at(8)]), [at(7), at(8), at(9)]);
    }

    #[test]
    fn a_log_line_cannot_steer_the_terminal() {
        let mut receipt = samples::receipts()[0].clone();
        receipt.saw = vec![("log".into(), "\u{1b}]0;owned\u{7}\u{1b}[2Jnothing to see".into())];
        let story = Story { receipts: vec![receipt], ..story() };
        assert!(text(&story).chars().all(|c| !c.is_control() || c == '\n'));
    }
}
