//! `pitcrew domains apply`, `adopt` and `relink`: shown, confirmed, and brought through the engine.

use pitcrew_aws::domain_engine::DomainEngine;
use pitcrew_core::dns::name::Name;
use pitcrew_core::domain::{Preview, PreviewRecord, Request};
use pitcrew_core::id::ServiceArn;
use pitcrew_core::receipt::Receipt;
use serde::Serialize;

use super::follow::Way;
use super::plan::Plan;
use super::words::{is_missing, stands};
use super::{known, look};
use crate::args::Global;
use crate::commands::act::confirmed;
use crate::commands::follow::{End, Ending};
use crate::domain_session::DomainSession;
use crate::failure::{Exit, Failure};
use crate::find;
use crate::output::{Output, Screen, View, width};
use crate::words::{Tone, line, toned, whole};

/// What the operator asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    Apply,
    Adopt,
    Relink,
    Remove,
}

impl Asked {
    fn name(self) -> &'static str {
        match self {
            Self::Apply => "apply",
            Self::Adopt => "adopt",
            Self::Relink => "relink",
            Self::Remove => "remove",
        }
    }

    pub fn request(self) -> Request {
        match self {
            Self::Apply => Request::Apply,
            Self::Adopt => Request::Adopt,
            Self::Relink => Request::Relink,
            Self::Remove => Request::Remove,
        }
    }
}

/// How to go about it.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// Wait for the DNS and App Runner.
    pub wait: bool,
    /// Show what will be done and ask.
    pub ask: bool,
}

/// Carries out one request about a domain that App Runner shows.
pub async fn run(
    global: &Global,
    output: &Output,
    (service, domain): (&str, &str),
    asked: Asked,
    manner: Manner,
) -> Result<Exit, Failure> {
    let name = find::domain(domain)?;
    let session = DomainSession::open(global).await?;
    let arn = find::service(&session.session, service).await?;
    let engine = session.engine(true);
    let found = known(&engine, &session, &arn, &name).await?;
    if let Some(ending) = idle(asked, &found.preview) {
        return told(output, &session, (&arn, &name), asked, (ending, Vec::new()), &engine).await;
    }
    let begun = found.memory.relink.is_some();
    if manner.ask {
        let screen = Screen { width: width(), now: session.now() };
        let text = match asked {
            Asked::Adopt => adoption(&found.preview),
            Asked::Apply | Asked::Remove => Plan::of(found).text(&screen),
            Asked::Relink => interruption(&found.preview),
        };
        consent(output, &text)?;
    }
    let (request, wait) = (asked.request(), manner.wait);
    let way = Way { session: &session, output, engine: &engine, service: &arn, name: &name, request, begun, wait };
    let gone = way.go().await?;
    told(output, &session, (&arn, &name), asked, gone, &engine).await
}

/// Shows what will be done and asks.
pub fn consent(output: &Output, text: &str) -> Result<(), Failure> {
    match confirmed(output, text.trim_end())? {
        true => Ok(()),
        false => Err(Failure::new(Exit::Refused, "you said no: nothing was done")),
    }
}

/// What a request comes to that has nothing to do: nobody need be asked for it.
fn idle(asked: Asked, preview: &Preview) -> Option<Ending> {
    match asked {
        Asked::Apply => {
            let settled = preview.status == "active" && preview.records.iter().all(stands);
            (settled && preview.blockers.is_empty() && preview.command.is_none())
                .then(|| Ending::new(End::Done, "there is nothing to do: active, and all its records stand"))
        }
        Asked::Adopt => {
            let why = "no record stands as it is wanted that is not pitcrew's own already";
            found(preview).next().is_none().then(|| Ending::new(End::Refused, why))
        }
        Asked::Relink | Asked::Remove => None,
    }
}

/// The records that would be taken over.
fn found(preview: &Preview) -> impl Iterator<Item = &PreviewRecord> {
    preview.records.iter().filter(|record| record.verdict == "found")
}

/// `shop.example.com A alias to ... (zone Z1)`
pub fn row(name: &str, kind: &str, value: &str, zone: &str) -> String {
    format!("  {} {} {} (zone {})\n", line(name), line(kind), line(value), line(zone))
}

fn adoption(preview: &Preview) -> String {
    let mut text = format!("{} takes over, and may replace and remove from then on:\n", toned(Tone::Strong, "pitcrew"));
    for record in found(preview) {
        // What stands is what is taken over, to its last TTL; it says the same as the wanted one.
        let zone = record.zone.as_deref().unwrap_or("unknown");
        text.push_str(&row(&record.name, &record.kind, &record.value, zone));
    }
    text
}

fn interruption(preview: &Preview) -> String {
    let name = toned(Tone::Strong, &line(&preview.domain));
    let warning = format!(
        "TLS for {} is interrupted for some minutes, sometimes longer: its certificate goes, and App Runner makes a new one.",
        line(&preview.domain)
    );
    let missing = preview.records.iter().filter(|record| is_missing(record)).count();
    let mut text = format!(
        "{name} ({}) is disassociated and associated again; pitcrew makes the new records.\n{}\n",
        line(&preview.status),
        toned(Tone::Warning, &warning)
    );
    if missing > 0 {
        let missing = format!("{missing} of its records do not stand now: `pitcrew domains plan` shows why.");
        text.push_str(&format!("{}\n", toned(Tone::Warning, &missing)));
    }
    text
}

/// The document of a request with `--json`.
#[derive(Debug, Serialize)]
pub struct Acted {
    service: String,
    name: String,
    domain: String,
    request: &'static str,
    outcome: End,
    message: String,
    /// App Runner's word for the domain afterwards; null where it is not known.
    status: Option<String>,
    /// What stands in the way afterwards.
    blockers: Vec<String>,
    command: Option<String>,
    /// In the order in which they were written.
    receipts: Vec<Receipt>,
}

/// Prints how it ended. Where it did not come to its end, what stands in the way is looked up once more.
pub async fn told(
    output: &Output,
    session: &DomainSession,
    (service, name): (&ServiceArn, &Name),
    asked: Asked,
    (ending, receipts): (Ending, Vec<Receipt>),
    engine: &DomainEngine<'_>,
) -> Result<Exit, Failure> {
    // Best effort: what was done is told, whether or not it can be looked at again.
    let seen = look(engine, session, service, name).await.ok().flatten().map(|found| found.preview);
    let exit = ending.end.exit();
    let acted = Acted::of((service, name), asked, ending, seen, receipts);
    output.show(&acted, session.now())?;
    Ok(exit)
}

impl Acted {
    fn of(
        (service, name): (&ServiceArn, &Name),
        asked: Asked,
        ending: Ending,
        seen: Option<Preview>,
        receipts: Vec<Receipt>,
    ) -> Self {
        // What keeps the domain from being active has nothing to do with whose its records are.
        let in_the_way = seen.as_ref().filter(|_| ending.end != End::Done && asked != Asked::Adopt);
        Self {
            service: service.to_string(),
            name: service.name().to_owned(),
            domain: name.to_string(),
            request: asked.name(),
            outcome: ending.end,
            message: ending.message,
            blockers: in_the_way.map(|seen| seen.blockers.clone()).unwrap_or_default(),
            command: in_the_way.and_then(|seen| seen.command.clone()),
            status: seen.map(|seen| seen.status),
            receipts,
        }
    }
}

impl View for Acted {
    fn text(&self, screen: &Screen) -> String {
        let tone = match self.outcome {
            End::Done => Tone::Good,
            End::Started | End::Refused | End::StoodDown => Tone::Warning,
            End::Failed | End::OperationFailed | End::Gone => Tone::Bad,
        };
        let mut out = format!("{}: {}\n", toned(tone, &self.outcome.words(self.request)), whole(&self.message));
        let changed = self.receipts.iter().filter(|receipt| receipt.did.is_some());
        for receipt in changed {
            let did = receipt.did.as_deref().unwrap_or_default();
            super::list::label(&mut out, "did", &format!("{}: {did}", receipt.decision), screen);
        }
        for blocker in &self.blockers {
            super::list::label(&mut out, "in the way", blocker, screen);
        }
        if let Some(command) = &self.command {
            out.push_str(&format!("  command    {}\n", whole(command)));
        }
        let quoted = if self.domain.starts_with('*') { format!("'{}'", self.domain) } else { self.domain.clone() };
        out.push_str(&format!("`pitcrew explain {quoted}` tells the whole story.\n"));
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{self, text};

    fn acted(end: End, message: &str, seen: Preview) -> Acted {
        let name = find::domain(&seen.domain).unwrap();
        let receipts = vec![samples::domain_receipt()];
        Acted::of((&samples::arn(), &name), Asked::Apply, Ending::new(end, message), Some(seen), receipts)
    }

    #[test]
    fn a_domain_that_became_active_for_people() {
        insta::assert_snapshot!(text(&acted(
            End::Done,
            "active, and all its records stand",
            samples::active_preview()
        )));
    }

    #[test]
    fn what_stands_in_the_way_for_people_and_programs() {
        let acted = acted(End::Refused, "something stands in the way", samples::blocked_preview());
        insta::assert_snapshot!(text(&acted));
        insta::assert_json_snapshot!(acted);
    }

    #[test]
    fn a_finished_domain_is_left_alone_and_an_unfinished_one_is_not() {
        assert_eq!(idle(Asked::Apply, &samples::active_preview()).unwrap().end, End::Done);
        assert_eq!(idle(Asked::Apply, &samples::blocked_preview()), None);
        assert_eq!(idle(Asked::Relink, &samples::active_preview()), None);
        assert_eq!(idle(Asked::Adopt, &samples::active_preview()), None);
        assert_eq!(idle(Asked::Adopt, &samples::blocked_preview()).unwrap().end, End::Refused);
    }

    #[test]
    fn only_records_that_stand_and_are_not_ours_are_taken_over() {
        let text = anstream::adapter::strip_str(&adoption(&samples::active_preview())).to_string();
        insta::assert_snapshot!(text);
    }

    #[test]
    fn linking_again_warns_of_the_interruption() {
        let text = anstream::adapter::strip_str(&interruption(&samples::active_preview())).to_string();
        assert!(text.contains("TLS for shop.example.com is interrupted for some minutes"), "{text}");
        assert!(!text.contains("do not stand"), "{text}");
        assert!(interruption(&samples::blocked_preview()).contains("2 of its records do not stand now"));
    }
}
