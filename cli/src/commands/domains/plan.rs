//! `pitcrew domains plan`: the decision about one domain, and nothing of it done.

use std::fmt::Write as _;

use jiff::Timestamp;
use pitcrew_core::domain::{DomainMemory, Preview, PreviewRecord};
use serde::Serialize;

use super::list::label;
use super::words::{left, owner, purpose, state};
use super::{Previewed, known};
use crate::args::Global;
use crate::domain_session::DomainSession;
use crate::failure::{Exit, Failure};
use crate::find;
use crate::output::{Output, Screen, View};
use crate::words::{Tone, absolute, line, toned, whole};

/// Prints the plan. It is an answer, whatever it says: exit code 0.
pub async fn show(global: &Global, output: &Output, service: &str, domain: &str) -> Result<Exit, Failure> {
    let name = find::domain(domain)?;
    let session = DomainSession::open(global).await?;
    let arn = find::service(&session.session, service).await?;
    let found = known(&session.engine(true), &session, &arn, &name).await?;
    output.show(&Plan::of(found), session.now())?;
    Ok(Exit::Done)
}

/// The document of `pitcrew domains plan --json`.
#[derive(Debug, Serialize)]
pub struct Plan {
    #[serde(flatten)]
    preview: Preview,
    /// The end of the certificate that was seen last.
    certificate_until: Option<Timestamp>,
}

impl Plan {
    pub(super) fn of(found: Previewed) -> Self {
        Self::new(found.preview, &found.memory)
    }

    fn new(preview: Preview, memory: &DomainMemory) -> Self {
        Self { preview, certificate_until: memory.certificate.as_ref().map(|seen| seen.served.not_after) }
    }
}

impl View for Plan {
    fn text(&self, screen: &Screen) -> String {
        let preview = &self.preview;
        let service = preview.service.split('/').nth(1).unwrap_or(&preview.service);
        let status = line(&preview.status).replace('_', " ");
        let tone = if preview.status == "active" { Tone::Good } else { Tone::Warning };
        let name = toned(Tone::Strong, &line(&preview.domain));
        let mut out = format!("{name}  of {}  {}\n", line(service), toned(tone, &status));
        if let Some(end) = self.certificate_until {
            let (tone, words) = left(end, screen.now);
            let _infallible = writeln!(out, "certificate until {}, {}", absolute(end), toned(tone, &words));
        }
        for record in &preview.records {
            one(&mut out, record, screen);
        }
        out.push('\n');
        for blocker in &preview.blockers {
            label(&mut out, "in the way", blocker, screen);
        }
        label(&mut out, "next", &preview.next, screen);
        if let Some(command) = &preview.command {
            // A command is copied: it stands whole, on a line of its own.
            let _infallible = writeln!(out, "  command    {}", whole(command));
        }
        out
    }
}

/// One record: its name and value as they would be entered by hand, then what is the case with it.
fn one(out: &mut String, record: &PreviewRecord, screen: &Screen) {
    let (tone, state) = state(record);
    let name = toned(Tone::Strong, &line(&record.name));
    let _infallible = writeln!(out, "\n{name} {} {}", line(&record.kind), line(&record.value));
    let place = if record.place == "public" { "" } else { ", private: " };
    let of_vpc = if place.is_empty() { "" } else { record.place.as_str() };
    let zone = record.zone.as_deref().unwrap_or("none");
    let state = toned(tone, state);
    let _infallible = writeln!(out, "  {:<11}{}, {state}", "record", purpose(record.purpose));
    let _infallible = writeln!(out, "  {:<11}{}{place}{}", "zone", line(zone), line(of_vpc));
    let _infallible = writeln!(out, "  {:<11}{}", "whose", owner(record.owner));
    for standing in &record.standing {
        label(out, "stands", standing, screen);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{self, text};

    #[test]
    fn a_plan_for_people() {
        insta::assert_snapshot!(text(&Plan::new(samples::blocked_preview(), &DomainMemory::default())));
    }

    #[test]
    fn a_plan_for_programs() {
        insta::assert_json_snapshot!(Plan::new(samples::blocked_preview(), &samples::domain_memory()));
    }

    #[test]
    fn a_finished_domain_shows_how_long_its_certificate_lasts() {
        let shown = text(&Plan::new(samples::active_preview(), &samples::domain_memory()));
        assert!(shown.contains("\ncertificate until 2027-03-27 14:00 UTC, 186 days left\n"), "{shown}");
        assert!(shown.ends_with("  next       nothing: active, and everything stands\n"), "{shown}");
    }

    #[test]
    fn a_record_in_a_private_zone_names_its_vpc() {
        let mut preview = samples::active_preview();
        preview.records[2].place = "vpc-0a1b".into();
        let shown = text(&Plan::new(preview, &DomainMemory::default()));
        assert!(shown.contains("  zone       Z0123EXAMPLE, private: vpc-0a1b\n"), "{shown}");
    }

    #[test]
    fn a_value_from_outside_cannot_steer_the_terminal() {
        let mut preview = samples::blocked_preview();
        preview.records[1].standing = vec!["x TXT \u{1b}]0;owned\u{7}".into()];
        preview.blockers = vec!["\u{1b}[2Jgone".into()];
        let shown = text(&Plan::new(preview, &DomainMemory::default()));
        assert!(shown.chars().all(|c| !c.is_control() || c == '\n'));
    }
}
