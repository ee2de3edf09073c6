//! `pitcrew releases`: the ledger of one service as people and programs read it.

use std::fmt::Write as _;

use jiff::Timestamp;
use pitcrew_core::id::ServiceArn;
use pitcrew_core::ledger::{BadDigest, Pin, Release, Verdict};
use pitcrew_core::memory::Memory;
use serde::Serialize;

use super::incidents::wrapped;
use crate::args::Global;
use crate::failure::{Exit, Failure};
use crate::find;
use crate::output::{Output, Screen, View, lines, table};
use crate::session::{Needs, Session};
use crate::words::{Tone, absolute, distance, line, moment, toned};

/// Prints the ledger.
pub async fn show(global: &Global, output: &Output, service: &str) -> Result<Exit, Failure> {
    let session = Session::open(global, Needs::State).await?;
    let arn = find::service(&session, service).await?;
    let (memory, _) = session.clients.table.load(&arn).await?;
    let now = session.now();
    output.show(&Releases::of(&arn, &memory, now), now)?;
    Ok(Exit::Done)
}

/// The document of `pitcrew releases --json`.
#[derive(Debug, Serialize)]
pub struct Releases {
    service: String,
    name: String,
    /// Newest first.
    releases: Vec<Entry>,
    /// Newest first.
    bad: Vec<Bad>,
    pin: Option<Pinned>,
    candidate: Option<Running>,
    incident: Option<Open>,
}

#[derive(Debug, Serialize)]
struct Entry {
    digest: Option<String>,
    image: Option<String>,
    /// `good`, `baking` or `unproven`.
    verdict: &'static str,
    /// When it became good, or when its bake window ends.
    verdict_at: Option<Timestamp>,
    counts_as_good: bool,
    bad: bool,
    current: bool,
    released_at: Timestamp,
    replaced_at: Option<Timestamp>,
    operation: String,
}

#[derive(Debug, Serialize)]
struct Bad {
    digest: String,
    since: Timestamp,
    operation: String,
    reason: String,
}

#[derive(Debug, Serialize)]
struct Pinned {
    since: Timestamp,
    image: String,
    image_before: String,
    auto_deploy_before: bool,
    incident: String,
}

#[derive(Debug, Serialize)]
struct Running {
    operation: String,
    digest: Option<String>,
    seen_at: Timestamp,
}

#[derive(Debug, Serialize)]
struct Open {
    id: String,
    state: &'static str,
    summary: String,
}

impl Releases {
    pub fn of(arn: &ServiceArn, memory: &Memory, now: Timestamp) -> Self {
        let ledger = &memory.ledger;
        let entry = |(place, release): (usize, &Release)| Entry::of(release, place == 0, memory, now);
        Self {
            service: arn.to_string(),
            name: arn.name().to_owned(),
            releases: ledger.releases.iter().enumerate().map(entry).collect(),
            bad: ledger.bad.iter().map(Bad::of).collect(),
            pin: memory.pin.as_ref().map(Pinned::of),
            candidate: memory.candidate.as_ref().map(|candidate| Running {
                operation: candidate.operation.to_string(),
                digest: candidate.digest.as_ref().map(ToString::to_string),
                seen_at: candidate.seen_at,
            }),
            incident: memory.incident.as_ref().map(|incident| Open {
                id: incident.id.clone(),
                state: incident.state.name(),
                summary: incident.summary.clone(),
            }),
        }
    }
}

impl Entry {
    fn of(release: &Release, current: bool, memory: &Memory, now: Timestamp) -> Self {
        let (verdict, verdict_at) = match release.verdict {
            Verdict::Good { since } => ("good", Some(since)),
            Verdict::Baking { until } => ("baking", Some(until)),
            Verdict::Unproven => ("unproven", None),
        };
        Self {
            digest: release.digest.as_ref().map(ToString::to_string),
            image: release.source.image().map(|image| String::from(image.clone())),
            verdict,
            verdict_at,
            counts_as_good: release.counts_as_good(now),
            bad: release.digest.as_ref().is_some_and(|digest| memory.ledger.is_bad(digest)),
            current,
            released_at: release.released_at,
            replaced_at: release.replaced_at,
            operation: release.operation.to_string(),
        }
    }

    fn verdict_words(&self, now: Timestamp) -> String {
        let (tone, words) = match (self.bad, self.verdict) {
            (true, _) => (Tone::Bad, "bad".to_owned()),
            (false, "good") => (Tone::Good, "good".to_owned()),
            (false, "baking") => {
                let ends = self.verdict_at.map(|until| match until > now {
                    true => format!(", ends {}", distance(until, now)),
                    false => ", judged soon".to_owned(),
                });
                (Tone::Warning, format!("baking{}", ends.unwrap_or_default()))
            }
            // Without a digest no rollback can go to it, however long it served.
            (false, _) if self.counts_as_good && self.digest.is_some() => {
                (Tone::Good, "unproven, counts as good".to_owned())
            }
            (false, word) => (Tone::Warning, word.to_owned()),
        };
        toned(tone, &words)
    }
}

impl Bad {
    fn of(bad: &BadDigest) -> Self {
        Self {
            digest: bad.digest.to_string(),
            since: bad.since,
            operation: bad.operation.to_string(),
            reason: bad.reason.clone(),
        }
    }
}

impl Pinned {
    fn of(pin: &Pin) -> Self {
        Self {
            since: pin.since,
            image: pin.image.clone().into(),
            image_before: pin.image_before.clone().into(),
            auto_deploy_before: pin.auto_deploy_before,
            incident: pin.incident.clone(),
        }
    }
}

/// The 12 hex digits that people compare.
pub fn short(digest: Option<&str>) -> String {
    let hex = digest.map(|digest| digest.strip_prefix("sha256:").unwrap_or(digest));
    hex.map_or_else(|| "unknown".to_owned(), |hex| hex.chars().take(12).collect())
}

impl View for Releases {
    fn text(&self, screen: &Screen) -> String {
        let now = screen.now;
        let mut out = format!("{}  {}\n\n", toned(Tone::Strong, &self.name), toned(Tone::Quiet, &self.service));
        if self.releases.is_empty() {
            out.push_str("No release is known yet: the next sweep (every 5 minutes) writes down what runs.\n");
        } else {
            let mut releases = table(screen, &["", "DIGEST", "VERDICT", "IN SERVICE SINCE"]);
            for entry in &self.releases {
                let mark = if entry.current { "*" } else { "" };
                let digest = short(entry.digest.as_deref());
                releases.add_row([mark.to_owned(), digest, entry.verdict_words(now), moment(entry.released_at, now)]);
            }
            out.push_str(&lines(&releases));
            out.push_str(&toned(Tone::Quiet, "* serves now, as far as pitcrew knows"));
            out.push('\n');
        }
        if !self.bad.is_empty() {
            let mut bad = table(screen, &["BAD DIGEST", "SINCE", "WHY"]);
            for one in &self.bad {
                bad.add_row([toned(Tone::Bad, &short(Some(&one.digest))), distance(one.since, now), line(&one.reason)]);
            }
            let _infallible = write!(out, "\n{}", lines(&bad));
        }
        self.rest(&mut out, screen);
        out
    }
}

impl Releases {
    fn rest(&self, out: &mut String, screen: &Screen) {
        let now = screen.now;
        let mut say = |text: String| {
            let text = wrapped(&text, usize::from(screen.width), 0);
            let _infallible = write!(out, "\n{text}");
        };
        if let Some(running) = &self.candidate {
            let digest = short(running.digest.as_deref());
            let seen = distance(running.seen_at, now);
            say(format!("Running: operation {} with {digest}, seen {seen}.", line(&running.operation)));
        }
        if let Some(pin) = &self.pin {
            let digest = pin.image.split_once('@').map(|(_, digest)| short(Some(digest)));
            let digest = digest.unwrap_or_else(|| line(&pin.image));
            let auto = if pin.auto_deploy_before { "on" } else { "off" };
            let (since, name, before) = (absolute(pin.since), &self.name, line(&pin.image_before));
            say(format!(
                "Pinned to {digest} since {since} by {}. `pitcrew unpin {name}` gives back {before}, automatic deployment \
                 {auto}.",
                line(&pin.incident)
            ));
        }
        if let Some(incident) = &self.incident {
            say(format!("Incident {} ({}): {}", incident.id, incident.state, line(&incident.summary)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{self, screen, text};

    #[test]
    fn a_ledger_fits_into_eighty_columns() {
        let shown = text(&Releases::of(&samples::arn(), &samples::memory(), samples::now()));
        // An ARN alone is wider; it stands in the first line.
        assert!(shown.lines().skip(1).all(|line| line.chars().count() <= 80), "{shown}");
        insta::assert_snapshot!(shown);
    }

    #[test]
    fn a_ledger_as_json() {
        insta::assert_json_snapshot!(Releases::of(&samples::arn(), &samples::memory(), samples::now()));
    }

    #[test]
    fn a_service_that_was_never_seen_says_when_it_will_be() {
        insta::assert_snapshot!(text(&Releases::of(&samples::arn(), &Memory::default(), samples::now())));
    }

    #[test]
    fn a_verdict_has_its_colour() {
        let shown = Releases::of(&samples::arn(), &samples::memory(), samples::now()).text(&screen());
        assert!(shown.contains("\u{1b}[32mgood\u{1b}[0m"), "{shown:?}");
    }
}
