//! `pitcrew pause`, `resume` and `breaker`: what holds for the whole account and region.

use jiff::{SignedDuration, Timestamp};
use pitcrew_core::breaker::{Breaker, WINDOW};
use pitcrew_core::memory::Pause;
use serde::Serialize;

use crate::args::Global;
use crate::failure::{Exit, Failure};
use crate::output::{Output, Screen, View, lines, table};
use crate::session::{Needs, Session};
use crate::words::{Tone, length, line, moment, toned};

/// Stops every write. A pause that is there already stays as it is.
pub async fn pause(global: &Global, output: &Output, reason: &str) -> Result<Exit, Failure> {
    let session = Session::open(global, Needs::State).await?;
    let table = &session.clients.table;
    let before = table.load_account().await?.pause;
    let changed = before.is_none();
    let pause = match before {
        Some(pause) => pause,
        None => {
            let pause = Pause { since: session.now(), by: session.who().to_owned(), reason: line(reason) };
            table.pause(&pause).await?;
            pause
        }
    };
    output.show(&Paused { region: session.region().to_owned(), changed, pause: Some(pause) }, session.now())?;
    Ok(Exit::Done)
}

/// Ends a pause.
pub async fn resume(global: &Global, output: &Output) -> Result<Exit, Failure> {
    let session = Session::open(global, Needs::State).await?;
    let changed = session.clients.table.resume().await?;
    output.show(&Paused { region: session.region().to_owned(), changed, pause: None }, session.now())?;
    Ok(Exit::Done)
}

/// Says where the breaker stands.
pub async fn breaker(global: &Global, output: &Output) -> Result<Exit, Failure> {
    let session = Session::open(global, Needs::State).await?;
    let breaker = session.clients.table.load_account().await?.breaker;
    output.show(&Counted::of(&breaker, session.region(), false, session.now()), session.now())?;
    Ok(Exit::Done)
}

/// Closes the breaker. One that is closed and counts nothing is left alone.
pub async fn clear(global: &Global, output: &Output) -> Result<Exit, Failure> {
    let session = Session::open(global, Needs::State).await?;
    let table = &session.clients.table;
    let before = table.load_account().await?.breaker;
    let changed = before.open_since.is_some() || !before.recent.is_empty();
    let breaker = if changed { table.clear_breaker().await? } else { before };
    output.show(&Counted::of(&breaker, session.region(), changed, session.now()), session.now())?;
    Ok(Exit::Done)
}

/// The document of `pitcrew pause` and `resume` with `--json`.
#[derive(Debug, Serialize)]
struct Paused {
    region: String,
    /// Whether this command changed it.
    changed: bool,
    pause: Option<Pause>,
}

impl View for Paused {
    fn text(&self, screen: &Screen) -> String {
        let region = &self.region;
        let Some(pause) = &self.pause else {
            let before = if self.changed { "The pause has ended" } else { "There was no pause" };
            return format!("{}: pitcrew acts in {region} as far as its autonomy goes.\n", toned(Tone::Good, before));
        };
        let already = if self.changed { "" } else { " already" };
        let mut out =
            format!("{} in {region}{already}: nothing is written to App Runner.\n", toned(Tone::Warning, "Paused"));
        out.push_str(&format!("  since   {}\n  by      {}\n", moment(pause.since, screen.now), line(&pause.by)));
        if !pause.reason.is_empty() {
            out.push_str(&format!("  reason  {}\n", line(&pause.reason)));
        }
        out.push_str("`pitcrew resume` ends it. Deployments are still judged and told.\n");
        out
    }
}

/// The document of `pitcrew breaker --json`.
#[derive(Debug, Serialize)]
struct Counted {
    region: String,
    changed: bool,
    open: bool,
    open_since: Option<Timestamp>,
    /// Whether one more automatic rollback would be made now.
    admits: bool,
    /// Automatic rollbacks of the last window, oldest first.
    recent: Vec<Rollback>,
    /// Services that the last sweep counted.
    fleet: usize,
    window_secs: i64,
}

#[derive(Debug, Serialize)]
struct Rollback {
    at: Timestamp,
    incident: String,
}

impl Counted {
    fn of(breaker: &Breaker, region: &str, changed: bool, now: Timestamp) -> Self {
        let recent = breaker.recent.iter().filter(|(at, _)| now.duration_since(*at) < WINDOW);
        Self {
            region: region.to_owned(),
            changed,
            open: breaker.open_since.is_some(),
            open_since: breaker.open_since,
            // No incident has an empty id, so every counted one is another's.
            admits: breaker.admits("", now),
            recent: recent.map(|(at, incident)| Rollback { at: *at, incident: incident.clone() }).collect(),
            fleet: breaker.fleet,
            window_secs: WINDOW.as_secs(),
        }
    }
}

impl View for Counted {
    fn text(&self, screen: &Screen) -> String {
        let region = &self.region;
        let window = length(SignedDuration::from_secs(self.window_secs));
        let mut out = match (self.open_since, self.admits) {
            (Some(since), _) => format!(
                "{} in {region} since {}.\nEvery rollback is only proposed until `pitcrew breaker clear`.\n",
                toned(Tone::Bad, "The breaker is open"),
                moment(since, screen.now)
            ),
            (None, true) => format!("{} in {region}.\n", toned(Tone::Good, "The breaker is closed")),
            (None, false) => format!(
                "{} in {region}: one more automatic rollback now would open it.\n",
                toned(Tone::Warning, "The breaker is at its limit")
            ),
        };
        if self.changed {
            out.push_str("What it had counted is forgotten.\n");
        }
        if !self.recent.is_empty() {
            let mut rollbacks = table(screen, &["INCIDENT", "AUTOMATIC ROLLBACK"]);
            for one in &self.recent {
                rollbacks.add_row([line(&one.incident), moment(one.at, screen.now)]);
            }
            out.push_str(&format!("\n{}", lines(&rollbacks)));
        } else if !self.changed {
            out.push_str(&format!("No automatic rollback in the last {window}.\n"));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{self, text};

    fn paused(changed: bool) -> Paused {
        let since = samples::now() - SignedDuration::from_mins(4);
        let pause = Pause { since, by: "ann".into(), reason: "moving the VPC".into() };
        Paused { region: "eu-west-1".into(), changed, pause: Some(pause) }
    }

    fn counted(open: bool) -> Counted {
        let recent = vec![(samples::now() - SignedDuration::from_mins(6), samples::incident().id)];
        let open_since = open.then(|| samples::now() - SignedDuration::from_mins(2));
        let breaker = Breaker { version: 4, recent, open_since, fleet: 12 };
        Counted::of(&breaker, "eu-west-1", false, samples::now())
    }

    #[test]
    fn a_pause_for_people_and_programs() {
        insta::assert_snapshot!(text(&paused(true)));
        insta::assert_json_snapshot!(paused(false));
        assert!(text(&paused(false)).contains("already"));
    }

    #[test]
    fn the_end_of_a_pause_says_whether_there_was_one() {
        let resumed = |changed| Paused { region: "eu-west-1".into(), changed, pause: None };
        assert!(text(&resumed(true)).starts_with("The pause has ended: "));
        assert!(text(&resumed(false)).starts_with("There was no pause: "));
    }

    #[test]
    fn a_breaker_for_people_and_programs() {
        insta::assert_snapshot!(text(&counted(true)));
        insta::assert_json_snapshot!(counted(true));
        assert!(text(&counted(false)).starts_with("The breaker is at its limit in eu-west-1"));
    }

    #[test]
    fn a_quiet_breaker_is_closed_and_old_rollbacks_are_not_shown() {
        let old = vec![(samples::now() - SignedDuration::from_mins(16), "I-old".to_owned())];
        let breaker = Breaker { version: 1, recent: old, open_since: None, fleet: 12 };
        let shown = text(&Counted::of(&breaker, "eu-west-1", false, samples::now()));
        assert_eq!(shown, "The breaker is closed in eu-west-1.\nNo automatic rollback in the last 15 min.\n");
    }
}
