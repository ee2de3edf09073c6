//! Security Hub: the findings of the newest report, a hundred at a time, as far as the time goes.
//!
//! | Security Hub | is done |
//! |---|---|
//! | takes a request | the next one; how far it is, is remembered |
//! | does not answer, or is too busy | it stays owed, and the next tick goes on there |
//! | may not be written to, or refuses one request after the other | said once; the next report is tried again |
//! | refuses one request and takes others | said once; the rest is sent |
//! | is not enabled | logged: nothing is owed |
//!
//! Nothing waits for it: it comes last in a tick. A report that a newer one overtakes is not sent to its end. What has gone
//! is told against every report that was sent, in full or in part, so that nothing stays active for ever.

use std::time::SystemTime;

use pitcrew_aws::error::{AwsError, Kind};
use pitcrew_core::audit::asff::{self, Since};
use pitcrew_core::audit::{Before, Report, refused};
use pitcrew_fleet::securityhub::{self, Answer};
use pitcrew_lambda::failure::{Failure, chain};
use serde::{Deserialize, Serialize};

use crate::app::{AuditApp, Clients};
use crate::progress::{Kept, PAGE, report_key, stored_if_any};

/// Requests after which it is remembered how far the sending is: what a death costs is sent again, without harm.
const KEPT_EVERY: usize = 10;
/// Requests that may be refused before the rest of the report is given up.
const REFUSED_MAX: usize = 5;
/// Reports that were begun since the last one that was sent whole. What was in an older one alone stays in Security Hub
/// until that deletes it, 90 days after it was last updated.
const HELD_MAX: usize = 10;
/// Refused findings that are named in the log.
const REFUSED_NAMED_MAX: usize = 5;

/// What Security Hub was sent, and still has to take.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Hub {
    /// The run whose report it still has to take: always the newest.
    pub owed: Option<String>,
    /// How much of that was sent.
    pub sent: usize,
    /// The runs whose findings it may hold, oldest first: the last that was sent whole, and those that were begun since.
    pub held: Vec<String>,
    /// The refusal that people were told of.
    pub refused: Option<String>,
}

impl Hub {
    /// A newer report: the older one is not sent to its end.
    pub fn owe(&mut self, run: &str) {
        self.leave();
        self.owed = Some(run.to_owned());
    }

    /// Nothing is owed any more. What was sent of it may be held.
    fn leave(&mut self) {
        if let Some(run) = self.owed.take().filter(|_| self.sent > 0) {
            self.held.push(run);
            if self.held.len() > HELD_MAX {
                self.held.remove(1);
            }
        }
        self.sent = 0;
    }

    /// All of it was sent: it is what Security Hub holds.
    fn done(&mut self) {
        self.held = self.owed.take().into_iter().collect();
        self.sent = 0;
    }
}

/// What became of what was owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sending {
    /// Nothing is owed.
    Done,
    /// The time was over. It goes on at the next tick.
    Cut,
    /// It was not taken. It is tried again at the next tick.
    Failing,
    /// Somebody else wrote the state meanwhile.
    Overtaken,
}

/// Sends what is owed until the time is over.
pub(crate) async fn send(
    app: &AuditApp,
    clients: &Clients,
    kept: &mut Kept,
    until: SystemTime,
) -> Result<Sending, Failure> {
    let Some(run) = kept.state.security_hub.owed.clone() else { return Ok(Sending::Done) };
    if SystemTime::now() >= until {
        return Ok(Sending::Cut);
    }
    let report = match app.settings.security_hub {
        true => stored_if_any::<Report>(&clients.store, &report_key(&run)).await?,
        // It was switched off since: the role may not write there any more.
        false => None,
    };
    let Some(report) = report else {
        kept.state.security_hub.leave();
        return saved(clients, kept, Sending::Done).await;
    };
    let mut log = Log::default();
    let sending = send_report(app, clients, kept, &report, until, &mut log).await;
    log.print(&run);
    match sending? {
        Sending::Overtaken => Ok(Sending::Overtaken),
        sending => saved(clients, kept, sending).await,
    }
}

async fn send_report(
    app: &AuditApp,
    clients: &Clients,
    kept: &mut Kept,
    report: &Report,
    until: SystemTime,
    log: &mut Log,
) -> Result<Sending, Failure> {
    let run = &report.run;
    let since = since(clients, &kept.state.security_hub.held, report).await?;
    let page = app.settings.page(PAGE);
    for (number, request) in asff::requests(report, &since, Some(&page), kept.state.security_hub.sent).enumerate() {
        if SystemTime::now() >= until {
            return Ok(Sending::Cut);
        }
        let items = request.items;
        match securityhub::send(&clients.fleet, request).await {
            Ok(Answer::Taken { taken, refused }) => {
                log.taken += taken;
                log.findings.extend(refused);
            }
            Ok(Answer::NotEnabled) => {
                tracing::warn!(run, "Security Hub is not enabled in this account and region; nothing was sent");
                kept.state.security_hub.leave();
                return Ok(Sending::Done);
            }
            Err(error) if is_refusal(error.kind) => {
                tell(app, clients, kept, run, &error).await?;
                log.requests += 1;
                if error.kind == Kind::Denied || log.requests >= REFUSED_MAX {
                    kept.state.security_hub.leave();
                    return Ok(Sending::Done);
                }
            }
            Err(error) => {
                tracing::error!(run, error = chain(&error), "Security Hub did not take the findings; tried again");
                return Ok(Sending::Failing);
            }
        }
        kept.state.security_hub.sent += items;
        if (number + 1).is_multiple_of(KEPT_EVERY) && !kept.save(&clients.store).await? {
            return Ok(Sending::Overtaken);
        }
    }
    if log.requests == 0 {
        kept.state.security_hub.refused = None;
    }
    kept.state.security_hub.done();
    Ok(Sending::Done)
}

async fn saved(clients: &Clients, kept: &mut Kept, sending: Sending) -> Result<Sending, Failure> {
    Ok(if kept.save(&clients.store).await? { sending } else { Sending::Overtaken })
}

/// What has changed since Security Hub was told last. Mostly that is the run before, and the report says so itself.
async fn since(clients: &Clients, held: &[String], report: &Report) -> Result<Since, Failure> {
    if let ([one], Some(previous)) = (held, &report.previous)
        && one == previous
    {
        return Ok(Since::previous(report));
    }
    let ids = report.findings.iter().map(|finding| finding.id.clone()).collect();
    let mut all = Vec::new();
    for run in held {
        let stored = clients.store.get(&report_key(run)).await.map_err(|error| Failure::new("Store", &error))?;
        let before = stored.map(|stored| Before::read(&stored.body, &ids)).transpose();
        match before {
            Ok(before) => all.extend(before),
            Err(error) => tracing::warn!(run, %error, "a report cannot be read; what has gone since is not told"),
        }
    }
    Ok(Since::held(report, all))
}

/// Whether the same would be refused again.
fn is_refusal(kind: Kind) -> bool {
    match kind {
        Kind::Denied | Kind::Permanent | Kind::Missing => true,
        Kind::Transient | Kind::Busy | Kind::Conflict | Kind::Unknown => false,
    }
}

/// Tells people of a refusal, once until a report is taken or the refusal is another one.
async fn tell(app: &AuditApp, clients: &Clients, kept: &mut Kept, run: &str, error: &AwsError) -> Result<(), Failure> {
    tracing::error!(run, error = chain(error), "Security Hub refused findings; they are not sent again");
    let hub = &mut kept.state.security_hub;
    let now = clients.fleet.domains.date.now();
    if let Some(now) = now.filter(|_| hub.refused.as_deref() != Some(&error.code)) {
        let notice = refused(&app.settings.place, run, &error.line(), now);
        clients.tell_once(&notice).await?;
        hub.refused = Some(error.code.clone());
    }
    Ok(())
}

/// What came of a sending.
#[derive(Default)]
struct Log {
    taken: usize,
    /// Findings that were refused one by one: id, and why.
    findings: Vec<(String, String)>,
    /// Requests that were refused whole.
    requests: usize,
}

impl Log {
    fn print(&self, run: &str) {
        let Self { taken, findings, requests } = self;
        let refused: Vec<_> = findings.iter().take(REFUSED_NAMED_MAX).collect();
        if !refused.is_empty() {
            tracing::error!(run, count = findings.len(), ?refused, "Security Hub refused findings");
        }
        tracing::info!(run, taken, requests_refused = requests, "Security Hub took findings");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(hub: &Hub) -> Vec<&str> {
        hub.held.iter().map(String::as_str).collect()
    }

    #[test]
    fn only_the_newest_report_is_owed_and_one_that_was_begun_is_remembered() {
        let mut hub = Hub::default();
        hub.owe("r1");
        hub.done();
        assert_eq!((hub.owed.as_deref(), held(&hub)), (None, vec!["r1"]));
        hub.owe("r2");
        hub.owe("r3");
        assert_eq!((hub.owed.as_deref(), held(&hub)), (Some("r3"), vec!["r1"]), "nothing of r2 was sent");
        hub.sent = 100;
        hub.owe("r4");
        assert_eq!((hub.owed.as_deref(), hub.sent, held(&hub)), (Some("r4"), 0, vec!["r1", "r3"]));
        hub.done();
        assert_eq!(held(&hub), ["r4"]);
    }

    #[test]
    fn reports_for_a_hub_that_never_takes_one_whole_do_not_pile_up() {
        let mut hub = Hub::default();
        hub.owe("whole");
        hub.done();
        for number in 0..100 {
            hub.owe(&format!("r{number}"));
            hub.sent = 100;
        }
        assert_eq!((hub.held.len(), hub.held[0].as_str(), hub.held[9].as_str()), (HELD_MAX, "whole", "r98"));
    }

    #[test]
    fn what_may_pass_by_itself_is_no_refusal() {
        assert!(is_refusal(Kind::Denied) && is_refusal(Kind::Permanent));
        assert!(!is_refusal(Kind::Transient) && !is_refusal(Kind::Unknown));
    }
}
