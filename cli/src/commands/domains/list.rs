//! `pitcrew domains [SERVICE]`: how the custom domains stand, of one service or of the whole region.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use jiff::Timestamp;
use pitcrew_aws::apprunner::observe_fleet;
use pitcrew_aws::domain_engine::{DomainEngine, DomainSubject, Which};
use pitcrew_core::certificate::CertificateMemory;
use pitcrew_core::dns::name::Name;
use pitcrew_core::domain::{DomainMemory, Owner, Preview, PreviewRecord, Trigger};
use pitcrew_core::id::ServiceArn;
use serde::Serialize;

use super::words::{days_left, is_missing, left, owner, stands, state};
use super::{Previewed, previews};
use crate::args::Global;
use crate::commands::incidents::wrapped;
use crate::domain_session::DomainSession;
use crate::failure::{Exit, Failure};
use crate::find;
use crate::output::{Output, Screen, View, lines, table};
use crate::words::{Tone, distance, line, toned, whole};

/// Columns of the labels below a domain's row.
const LABEL: usize = 13;

/// Prints the domains. A service that cannot be read does not hide the others, but the command fails.
pub async fn show(global: &Global, output: &Output, service: Option<&str>) -> Result<Exit, Failure> {
    let session = DomainSession::open(global).await?;
    // The certificates are told as the table remembers them: a listing shakes no hands.
    let engine = session.engine(false);
    let mut services = Vec::new();
    match service {
        Some(named) => {
            let arn = find::service(&session.session, named).await?;
            services.push(of_service(&engine, &session, &arn).await?);
        }
        None => {
            let fleet = everybody(&session).await?;
            for (place, arn) in fleet.iter().enumerate() {
                output.progress(&format!("service {} of {}: {}", place + 1, fleet.len(), arn.name()));
                let read = of_service(&engine, &session, arn).await;
                services.push(read.unwrap_or_else(|failure| OfService::failed(arn, &failure)));
            }
            output.progress("");
            services.retain(|service| !service.domains.is_empty() || service.error.is_some());
        }
    }
    let detail = service.is_some();
    let domains = Domains { region: session.session.region().to_owned(), services, detail };
    output.show(&domains, session.now())?;
    Ok(if domains.is_whole() { Exit::Done } else { Exit::Failed })
}

/// The services of the region by name, and those that are gone and of which a domain is still remembered.
async fn everybody(session: &DomainSession) -> Result<Vec<ServiceArn>, Failure> {
    let mut all: BTreeSet<ServiceArn> = observe_fleet(&session.clients.apprunner).await?.into_iter().collect();
    let remembered = session.clients.table.remembered_domains(None).await?;
    all.extend(remembered.into_iter().map(|remembered| remembered.service));
    let mut all: Vec<ServiceArn> = all.into_iter().collect();
    all.sort_by(|a, b| (a.name(), a).cmp(&(b.name(), b)));
    Ok(all)
}

async fn of_service(
    engine: &DomainEngine<'_>,
    session: &DomainSession,
    arn: &ServiceArn,
) -> Result<OfService, Failure> {
    let cause = session.session.cause();
    let subject = DomainSubject { service: arn.clone(), which: Which::All, cause, trigger: Trigger::Sweep };
    let previews = previews(engine, session, &subject).await?;
    let now = session.now();
    let domains = previews.into_iter().map(|(name, previewed)| Domain::of(&name, previewed, now));
    Ok(OfService { service: arn.to_string(), name: arn.name().to_owned(), domains: domains.collect(), error: None })
}

/// The document of `pitcrew domains --json`.
#[derive(Debug, Serialize)]
struct Domains {
    region: String,
    /// By name. Without SERVICE only those that have a domain, and those that cannot be read.
    services: Vec<OfService>,
    /// Whether people see each record.
    #[serde(skip)]
    detail: bool,
}

#[derive(Debug, Serialize)]
struct OfService {
    service: String,
    name: String,
    domains: Vec<Domain>,
    /// Why its domains cannot be told.
    error: Option<String>,
}

#[derive(Debug, Serialize)]
struct Domain {
    domain: String,
    /// App Runner's word for it, or `not associated`; null where it cannot be told.
    status: Option<String>,
    /// When pitcrew first saw this association.
    linked_at: Option<Timestamp>,
    days_linked: Option<i64>,
    /// When it first was active with all its records.
    finished_at: Option<Timestamp>,
    records: Vec<PreviewRecord>,
    /// How many of them the domain lacks.
    missing: usize,
    blockers: Vec<String>,
    /// What would be done next, or what is waited for.
    next: Option<String>,
    command: Option<String>,
    /// The certificate that was seen last.
    certificate: Option<Certificate>,
    error: Option<String>,
}

#[derive(Debug, Serialize)]
struct Certificate {
    not_after: Timestamp,
    days_left: i64,
    issuer: String,
    serial: String,
    seen_at: Timestamp,
    blind_since: Option<Timestamp>,
}

impl Domains {
    fn is_whole(&self) -> bool {
        let whole = |service: &OfService| {
            service.error.is_none() && service.domains.iter().all(|domain| domain.error.is_none())
        };
        self.services.iter().all(whole)
    }
}

impl OfService {
    fn failed(arn: &ServiceArn, failure: &Failure) -> Self {
        let error = Some(said(failure));
        Self { service: arn.to_string(), name: arn.name().to_owned(), domains: Vec::new(), error }
    }
}

fn said(failure: &Failure) -> String {
    [vec![failure.what.clone()], failure.causes()].concat().join(": ")
}

impl Domain {
    fn of(name: &Name, previewed: Result<Previewed, Failure>, now: Timestamp) -> Self {
        match previewed {
            Ok(previewed) => Self::told(previewed.preview, &previewed.memory, now),
            Err(failure) => Self {
                domain: name.to_string(),
                status: None,
                linked_at: None,
                days_linked: None,
                finished_at: None,
                records: Vec::new(),
                missing: 0,
                blockers: Vec::new(),
                next: None,
                command: None,
                certificate: None,
                error: Some(said(&failure)),
            },
        }
    }

    fn told(preview: Preview, memory: &DomainMemory, now: Timestamp) -> Self {
        let linked_at = memory.link.as_ref().map(|link| link.first_seen);
        Self {
            domain: preview.domain,
            status: Some(preview.status),
            linked_at,
            days_linked: linked_at.map(|at| days_left(now, at)),
            finished_at: memory.finished_at,
            missing: preview.records.iter().filter(|record| is_missing(record)).count(),
            records: preview.records,
            blockers: preview.blockers,
            next: Some(preview.next),
            command: preview.command,
            certificate: memory.certificate.as_ref().map(|seen| Certificate::of(seen, now)),
            error: None,
        }
    }

    fn status_words(&self) -> String {
        let status = self.status.as_deref().unwrap_or("unknown");
        let tone = match status {
            "active" if self.missing == 0 => Tone::Good,
            "create_failed" | "delete_failed" => Tone::Bad,
            _ => Tone::Warning,
        };
        toned(tone, &line(status).replace('_', " "))
    }

    fn certificate_words(&self, now: Timestamp) -> String {
        let Some(certificate) = &self.certificate else { return "not seen yet".to_owned() };
        let (tone, words) = left(certificate.not_after, now);
        toned(tone, &words)
    }

    /// `5 stand (4 pitcrew's, 1 somebody else's)`
    fn count(&self) -> String {
        let standing: Vec<_> = self.records.iter().filter(|record| stands(record)).collect();
        let ours = standing.iter().filter(|record| record.owner == Owner::Pitcrew).count();
        let others = standing.len() - ours;
        let count = format!("{} of {} stand", standing.len(), self.records.len());
        match (ours, others) {
            (0, 0) => count,
            (_, 0) => format!("{count}: all pitcrew's"),
            (0, _) => format!("{count}: none pitcrew's"),
            (ours, others) => format!("{count}: {ours} pitcrew's, {others} somebody else's"),
        }
    }
}

impl Certificate {
    fn of(memory: &CertificateMemory, now: Timestamp) -> Self {
        Self {
            not_after: memory.served.not_after,
            days_left: days_left(memory.served.not_after, now),
            issuer: memory.served.issuer.clone(),
            serial: memory.served.serial.clone(),
            seen_at: memory.seen_at,
            blind_since: memory.blind_since,
        }
    }
}

impl View for Domains {
    fn text(&self, screen: &Screen) -> String {
        let mut out = String::new();
        for service in &self.services {
            if !out.is_empty() {
                out.push('\n');
            }
            let arn = toned(Tone::Quiet, &service.service);
            let _infallible = writeln!(out, "{}  {arn}\n", toned(Tone::Strong, &line(&service.name)));
            service.text(&mut out, screen, self.detail);
        }
        if self.services.is_empty() {
            let _infallible = writeln!(out, "No service in {} has a custom domain.", self.region);
        }
        out
    }
}

impl OfService {
    fn text(&self, out: &mut String, screen: &Screen, detail: bool) {
        if let Some(error) = &self.error {
            label(out, "problem", error, screen);
            return;
        }
        if self.domains.is_empty() {
            out.push_str("It has no custom domain.\n");
            return;
        }
        let mut domains = table(screen, &["DOMAIN", "STATUS", "LINKED", "CERTIFICATE"]);
        for one in &self.domains {
            let linked = one.linked_at.map_or_else(|| "not seen yet".to_owned(), |at| distance(at, screen.now));
            let certificate = one.certificate_words(screen.now);
            domains.add_row([line(&one.domain), one.status_words(), linked, certificate]);
        }
        out.push_str(&lines(&domains));
        for one in &self.domains {
            let _infallible = writeln!(out, "\n{}", toned(Tone::Strong, &line(&one.domain)));
            one.text(out, screen, detail);
        }
    }
}

impl Domain {
    fn text(&self, out: &mut String, screen: &Screen, detail: bool) {
        if let Some(error) = &self.error {
            label(out, "problem", error, screen);
            return;
        }
        if detail && !self.records.is_empty() {
            let mut records = table(screen, &["", "RECORD", "TYPE", "WHOSE", "STATE"]);
            for record in &self.records {
                let (tone, state) = state(record);
                let (name, whose) = (line(&record.name), owner(record.owner).to_owned());
                records.add_row([String::new(), name, line(&record.kind), whose, toned(tone, state)]);
            }
            out.push_str(&lines(&records));
        } else {
            label(out, "records", &self.count(), screen);
            for record in self.records.iter().filter(|record| !stands(record)) {
                let (_, state) = state(record);
                label(out, "but", &format!("{} {}: {state}", record.name, record.kind), screen);
            }
        }
        for blocker in &self.blockers {
            label(out, "in the way", blocker, screen);
        }
        label(out, "next", self.next.as_deref().unwrap_or_default(), screen);
        if let Some(command) = &self.command {
            // A command is copied: it stands whole, on a line of its own.
            let _infallible = writeln!(out, "  {:<width$}{}", "command", whole(command), width = LABEL - 2);
        }
    }
}

/// A name and its text, wrapped below itself.
pub fn label(out: &mut String, name: &str, value: &str, screen: &Screen) {
    let text = wrapped(&whole(value), usize::from(screen.width), LABEL);
    let first = text.get(LABEL..).unwrap_or_default();
    let _infallible = write!(out, "  {name:<width$}{first}", width = LABEL - 2);
    if first.is_empty() {
        out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use pitcrew_aws::error::AwsError;

    use super::*;
    use crate::samples::{self, text};

    fn domains(detail: bool) -> Domains {
        let now = samples::now();
        let whole = Domain::told(samples::active_preview(), &samples::domain_memory(), now);
        let blocked = Domain::told(samples::blocked_preview(), &DomainMemory::default(), now);
        let unread = AwsError::again("route53:ListHostedZones", "throttled");
        let unread = Domain::of(&Name::parse("api.example.com").unwrap(), Err(unread.into()), now);
        let arn = samples::arn();
        let shop = OfService {
            service: arn.to_string(),
            name: arn.name().to_owned(),
            domains: vec![whole, blocked, unread],
            error: None,
        };
        Domains { region: "eu-west-1".into(), services: vec![shop], detail }
    }

    #[test]
    fn the_domains_of_a_service_for_people() {
        let shown = text(&domains(true));
        // An ARN and a command alone are wider.
        let wide = |line: &&str| line.chars().count() > 80 && !line.contains("arn:") && !line.contains("  command ");
        assert_eq!(shown.lines().find(wide), None, "{shown}");
        insta::assert_snapshot!(shown);
    }

    #[test]
    fn the_domains_of_a_region_are_told_shorter() {
        insta::assert_snapshot!(text(&domains(false)));
    }

    #[test]
    fn the_domains_for_programs() {
        insta::assert_json_snapshot!(domains(false));
    }

    #[test]
    fn what_cannot_be_read_is_told_and_fails_the_command() {
        assert!(!domains(false).is_whole());
        let failed = OfService::failed(&samples::arn(), &Failure::new(Exit::Failed, "no answer"));
        let domains = Domains { region: "eu-west-1".into(), services: vec![failed], detail: false };
        assert!(!domains.is_whole());
        assert!(text(&domains).contains("problem    no answer"), "{}", text(&domains));
        let none = Domains { region: "eu-west-1".into(), services: Vec::new(), detail: false };
        assert!(none.is_whole());
        assert_eq!(text(&none), "No service in eu-west-1 has a custom domain.\n");
    }

    #[test]
    fn an_expired_certificate_has_less_than_no_day_left() {
        let mut memory = samples::domain_memory();
        let seen = memory.certificate.as_mut().unwrap();
        seen.served.not_after = samples::now() - SignedDuration::from_hours(50);
        let domain = Domain::told(samples::active_preview(), &memory, samples::now());
        assert_eq!(domain.certificate.as_ref().unwrap().days_left, -3);
        assert!(domain.certificate_words(samples::now()).contains("expired 2 days ago"));
    }
}
