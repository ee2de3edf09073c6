//! What an action will do, said before it is done. It is a preview and decides nothing: the engine judges again, on what is
//! so then. What the operator confirms is what is asked: the target that was shown is the one that is named.

use std::fmt::Write as _;

use jiff::Timestamp;
use pitcrew_core::id::{Digest, ServiceArn};
use pitcrew_core::ledger::{Ledger, Release, Target, Verdict};
use pitcrew_core::memory::{AccountState, Memory};
use pitcrew_core::rollback::Request;

use super::act::Asked;
use crate::failure::Failure;
use crate::find;
use crate::words::{Tone, distance, line, toned};

/// A request, and what it will come to.
#[derive(Debug)]
pub struct Plan {
    pub request: Request,
    /// For people, several lines.
    pub text: String,
}

/// Says what will be done.
pub fn plan(
    asked: &Asked,
    arn: &ServiceArn,
    memory: &Memory,
    account: &AccountState,
    now: Timestamp,
) -> Result<Plan, Failure> {
    let mut text = format!("{}  {}\n", toned(Tone::Strong, arn.name()), toned(Tone::Quiet, &arn.to_string()));
    let ledger = &memory.ledger;
    let serves = ledger.current().map_or_else(|| "unknown".to_owned(), |current| words(current, ledger, now));
    row(&mut text, "serves", &serves);
    let request = match asked {
        Asked::MarkGood { digest } => {
            let digest = find::digest(ledger, digest)?;
            row(&mut text, "marks", &format!("{} good", digest.short()));
            Request::MarkGood { digest }
        }
        Asked::Unpin => {
            unpin(&mut text, arn, memory);
            Request::Unpin
        }
        Asked::Rollback { to } => {
            let to = match to {
                Some(given) => Some(find::digest(ledger, given)?),
                None => last_good(&mut text, ledger, now),
            };
            if let Some(digest) = &to {
                rollback(&mut text, arn, ledger, digest, now);
            }
            Request::Rollback { to }
        }
    };
    if let Some(incident) = &memory.incident {
        let what = format!("{} ({}) is open: {}", incident.id, incident.state.name(), line(&incident.summary));
        row(&mut text, "incident", &what);
    }
    if let Some(pause) = &account.pause {
        let since = distance(pause.since, now);
        let warning = format!("pitcrew was paused {since} by {}: it will refuse", line(&pause.by));
        row(&mut text, "but", &toned(Tone::Warning, &warning));
    }
    Ok(Plan { request, text })
}

fn row(text: &mut String, name: &str, what: &str) {
    let _infallible = writeln!(text, "  {name:<10}{what}");
}

fn words(release: &Release, ledger: &Ledger, now: Timestamp) -> String {
    let digest = release.digest.as_ref().map_or("unknown digest", Digest::short);
    let bad = release.digest.as_ref().is_some_and(|digest| ledger.is_bad(digest));
    let verdict = match release.verdict {
        _ if bad => toned(Tone::Bad, "bad"),
        Verdict::Good { .. } => toned(Tone::Good, "good"),
        Verdict::Baking { .. } => toned(Tone::Warning, "baking"),
        Verdict::Unproven if release.counts_as_good(now) => toned(Tone::Good, "unproven, counts as good"),
        Verdict::Unproven => toned(Tone::Warning, "unproven"),
    };
    format!("{digest}, {verdict}, in service {}", distance(release.released_at, now))
}

/// The target that the decision will choose, named, so that what is confirmed is what is done.
fn last_good(text: &mut String, ledger: &Ledger, now: Timestamp) -> Option<Digest> {
    let failing = ledger.current().and_then(|release| release.digest.as_ref());
    match ledger.target(failing, &[], now) {
        Target::Good(release) => release.digest.clone(),
        Target::Unproven(release) => {
            let known = words(release, ledger, now);
            row(text, "goes to", &format!("nothing: only an unproven release is known ({known}); name it with --to"));
            None
        }
        Target::None => {
            row(text, "goes to", "nothing: no good release is known; name a digest with --to");
            None
        }
    }
}

fn rollback(text: &mut String, arn: &ServiceArn, ledger: &Ledger, digest: &Digest, now: Timestamp) {
    let release = ledger.releases.iter().find(|release| release.digest.as_ref() == Some(digest));
    let target = match release {
        Some(release) => words(release, ledger, now),
        None => format!("{}, which the ledger does not know", digest.short()),
    };
    row(text, "goes to", &target);
    if let Some(bad) = ledger.bad.iter().find(|bad| &bad.digest == digest) {
        row(text, "but", &toned(Tone::Bad, &format!("that digest was found bad: {}", line(&bad.reason))));
    }
    let after = format!("pinned to it, automatic deployment off, until `pitcrew unpin {}`", arn.name());
    row(text, "then", &after);
}

fn unpin(text: &mut String, arn: &ServiceArn, memory: &Memory) {
    let Some(pin) = &memory.pin else {
        row(text, "goes to", "nothing: the service is not pinned by pitcrew");
        return;
    };
    let auto = if pin.auto_deploy_before { "on" } else { "off" };
    row(text, "goes to", &format!("{}, automatic deployment {auto}", pin.image_before.short()));
    row(text, "then", &format!("{} follows that image again, whatever it names by now", arn.name()));
}

#[cfg(test)]
mod tests {
    use pitcrew_core::memory::Pause;

    use super::*;
    use crate::samples;

    fn planned(asked: &Asked, memory: &Memory) -> Plan {
        plan(asked, &samples::arn(), memory, &AccountState::default(), samples::now()).unwrap()
    }

    fn plain(plan: &Plan) -> String {
        anstream::adapter::strip_str(&plan.text).to_string()
    }

    #[test]
    fn what_is_confirmed_is_what_is_asked() {
        let plan = planned(&Asked::Rollback { to: None }, &samples::memory());
        assert_eq!(plan.request, Request::Rollback { to: Some(samples::digest(0xb2)) });
        insta::assert_snapshot!(plain(&plan));
    }

    #[test]
    fn a_bad_digest_is_named_as_one() {
        let plan = planned(&Asked::Rollback { to: Some(samples::digest(0xd4).to_string()) }, &samples::memory());
        assert!(plain(&plan).contains("that digest was found bad: "), "{}", plain(&plan));
    }

    #[test]
    fn without_a_good_release_no_target_is_made_up() {
        let plan = planned(&Asked::Rollback { to: None }, &Memory::default());
        assert_eq!(plan.request, Request::Rollback { to: None });
        assert!(plain(&plan).contains("no good release is known"));
    }

    #[test]
    fn an_unpin_says_what_it_gives_back() {
        insta::assert_snapshot!(plain(&planned(&Asked::Unpin, &samples::memory())));
        assert!(plain(&planned(&Asked::Unpin, &Memory::default())).contains("not pinned"));
    }

    #[test]
    fn a_pause_is_told_before_anything_is_asked() {
        let pause = Pause { since: samples::now(), by: "ann".into(), reason: String::new() };
        let account = AccountState { pause: Some(pause), ..AccountState::default() };
        let plan = plan(&Asked::Unpin, &samples::arn(), &samples::memory(), &account, samples::now()).unwrap();
        assert!(plain(&plan).contains("paused just now by ann: it will refuse"), "{}", plain(&plan));
    }
}
