//! `pitcrew doctor`: can everything be reached that pitcrew needs, and if not, what is missing? It only reads.

mod domains;

use std::collections::BTreeMap;

use jiff::Timestamp;
use pitcrew_aws::apprunner::observe_services;
use pitcrew_aws::clients::{Clients, Places};
use pitcrew_aws::error::AwsError;
use pitcrew_aws::operator;
use pitcrew_aws::secret::Secrets;
use serde::Serialize;

use crate::args::Global;
use crate::failure::{Exit, Failure};
use crate::output::{Output, Screen, View};
use crate::session::{Account, Stack, function_name, no_stack};
use crate::words::{Tone, line, moment, toned};

/// Checks one thing after the other; what cannot be checked because of an earlier one is said so.
pub async fn run(global: &Global, output: &Output) -> Result<Exit, Failure> {
    let mut health = Health::default();
    let now = match Account::open(global).await {
        Ok(account) => examine(&mut health, global, &account).await,
        Err(failure) => {
            health.failed("credentials", &failure);
            None
        }
    };
    let now = now.unwrap_or_else(Timestamp::now);
    output.show(&health, now)?;
    Ok(if health.healthy() { Exit::Done } else { Exit::Failed })
}

/// What a check came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Grade {
    Ok,
    /// Works, but somebody should know.
    Warning,
    Problem,
    /// Cannot be checked until something else is mended.
    Skipped,
}

#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    grade: Grade,
    said: String,
    mend: Option<String>,
}

/// The document of `pitcrew doctor --json`.
#[derive(Debug, Default, Serialize)]
struct Health {
    checks: Vec<Check>,
}

impl Health {
    fn healthy(&self) -> bool {
        self.checks.iter().all(|check| check.grade != Grade::Problem)
    }

    fn add(&mut self, name: &'static str, grade: Grade, said: impl Into<String>) {
        self.checks.push(Check { name, grade, said: said.into(), mend: None });
    }

    fn failed(&mut self, name: &'static str, failure: &Failure) {
        let said = [vec![failure.what.clone()], failure.causes()].concat().join(": ");
        self.checks.push(Check { name, grade: Grade::Problem, said, mend: failure.mend.clone() });
    }

    fn failed_call(&mut self, name: &'static str, error: AwsError) {
        self.failed(name, &error.into());
    }

    fn missing(&mut self, name: &'static str, grade: Grade, said: &str, mend: &str) {
        self.checks.push(Check { name, grade, said: said.to_owned(), mend: Some(mend.to_owned()) });
    }
}

async fn examine(health: &mut Health, global: &Global, account: &Account) -> Option<Timestamp> {
    match operator::observe_identity(&account.config).await {
        Ok(identity) => {
            health.add("credentials", Grade::Ok, format!("{} in account {}", identity.arn, identity.account))
        }
        Err(error) => health.failed_call("credentials", error),
    }
    health.add("region", Grade::Ok, account.region.clone());
    let stack = settings(health, global, account).await;
    let places = Places {
        table: stack.table.clone().unwrap_or_default(),
        region: account.region.clone(),
        fingerprint_secret: stack.fingerprint_secret.clone(),
        wake_queue_url: stack.wake_queue_url.clone(),
    };
    let clients = Clients::new(&account.config, places);
    match observe_services(&clients.apprunner, None).await {
        Ok((services, next)) => {
            let more = if next.is_some() { " or more" } else { "" };
            health.add("app runner", Grade::Ok, format!("{}{more} services", services.len()));
        }
        Err(error) => health.failed_call("app runner", error),
    }
    if stack.table.is_some() {
        table(health, &clients).await;
    } else {
        health.missing("table", Grade::Problem, "nobody says which table the stack uses", "add --table or --stack");
    }
    queue(health, &clients).await;
    secret(health, account, &stack).await;
    domains::examine(health, global, account).await;
    clients.date.now()
}

/// The stack's settings: from the function, where it can be asked; given ones win.
async fn settings(health: &mut Health, global: &Global, account: &Account) -> Stack {
    let given = Stack::given(global);
    let complete = given.table.is_some() && given.autonomy.is_some();
    let name = function_name(&global.stack, "rollback");
    match operator::observe_function(&account.config, &name).await {
        Ok(environment) => {
            let autonomy = environment.get("PITCREW_AUTONOMY").map_or("not set", String::as_str);
            health.add("function", Grade::Ok, format!("{name}, autonomy {autonomy}"));
            given.or(&environment)
        }
        Err(error) => {
            if complete {
                let said = format!("{name}: not asked for its settings, for they are given ({})", error.line());
                health.add("function", Grade::Warning, said);
            } else {
                health.failed("function", &no_stack(global, &account.region, "rollback", error));
            }
            given.or(&BTreeMap::new())
        }
    }
}

async fn table(health: &mut Health, clients: &Clients) {
    let name = clients.table.name().to_owned();
    match clients.table.observe_health().await {
        Err(error) => {
            health.failed_call("table", error);
            return;
        }
        Ok(found) => {
            let mut judge = |check, wrong: Vec<String>, fine: String, grade| match wrong.is_empty() {
                true => health.add(check, Grade::Ok, fine),
                false => health.missing(check, grade, &wrong.join("; "), "deploy the template again, or check --table"),
            };
            judge("table", found.table, name, Grade::Problem);
            judge("index", found.index, "open".to_owned(), Grade::Problem);
            judge("stream", found.stream, "feeds notify".to_owned(), Grade::Warning);
        }
    }
    match clients.table.load_account().await {
        Err(error) => health.failed_call("state", error),
        Ok(state) => {
            let now = clients.date.now().unwrap_or_else(Timestamp::now);
            match (&state.pause, state.breaker.open_since) {
                (None, None) => health.add("state", Grade::Ok, "not paused, breaker closed"),
                (Some(pause), _) => {
                    let said = format!("paused since {} by {}", moment(pause.since, now), pause.by);
                    health.missing("state", Grade::Warning, &said, "`pitcrew resume` ends it");
                }
                (None, Some(since)) => {
                    let said = format!("the breaker is open since {}", moment(since, now));
                    health.missing("state", Grade::Warning, &said, "`pitcrew breaker clear` closes it");
                }
            }
        }
    }
}

async fn queue(health: &mut Health, clients: &Clients) {
    let Some(url) = &clients.places.wake_queue_url else {
        health.missing("wake queue", Grade::Skipped, "nobody says which queue it is", "add --wake-queue-url");
        return;
    };
    match operator::observe_queue(&clients.sqs, url).await {
        Ok(waiting) => health.add("wake queue", Grade::Ok, format!("about {waiting} messages wait")),
        Err(error) => health.failed_call("wake queue", error),
    }
}

async fn secret(health: &mut Health, account: &Account, stack: &Stack) {
    let Some(arn) = &stack.fingerprint_secret else {
        let said =
            "nobody says which secret it is: releases of your rollbacks get no fingerprint of their configuration";
        health.missing("fingerprint key", Grade::Warning, said, "add --fingerprint-secret");
        return;
    };
    // Read and dropped: whether it can be read is all that is asked.
    match Secrets::new(&account.config).read(arn).await {
        Ok(_) => health.add("fingerprint key", Grade::Ok, "can be read"),
        Err(error) => {
            let failure = Failure::new(Exit::Failed, error.to_string()).cause(error);
            health.failed("fingerprint key", &failure);
        }
    }
}

impl View for Health {
    fn text(&self, _screen: &Screen) -> String {
        let mut out = String::new();
        for check in &self.checks {
            let (tone, word) = match check.grade {
                Grade::Ok => (Tone::Good, "ok     "),
                Grade::Warning => (Tone::Warning, "warning"),
                Grade::Problem => (Tone::Bad, "problem"),
                Grade::Skipped => (Tone::Quiet, "skipped"),
            };
            out.push_str(&format!("{}  {:<15}  {}\n", toned(tone, word), check.name, line(&check.said)));
            if let Some(mend) = &check.mend {
                out.push_str(&format!("{:26}{}\n", "", line(mend)));
            }
        }
        let end = if self.healthy() { "\nNothing is missing.\n" } else { "\nSomething is missing.\n" };
        out + end
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::text;

    fn health() -> Health {
        let mut health = Health::default();
        health.add("region", Grade::Ok, "eu-west-1");
        health.missing("state", Grade::Warning, "paused since yesterday by ann", "`pitcrew resume` ends it");
        health.failed_call("table", AwsError::again("dynamodb:DescribeTable", "throttled"));
        health
    }

    #[test]
    fn a_check_for_people_and_programs() {
        insta::assert_snapshot!(text(&health()));
        insta::assert_json_snapshot!(health());
    }

    #[test]
    fn a_warning_is_no_problem_and_a_problem_is() {
        let mut health = Health::default();
        health.missing("state", Grade::Warning, "paused", "resume");
        health.missing("wake queue", Grade::Skipped, "nobody says which", "add it");
        assert!(health.healthy());
        health.failed_call("table", AwsError::again("dynamodb:DescribeTable", "throttled"));
        assert!(!health.healthy());
    }
}
