//! `pitcrew exit-plan`: the way of one service to ECS Express Mode, as a plan. It reads, and changes nothing; it needs no stack.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use jiff::Timestamp;
use pitcrew_aws::clients::{Clients, Places};
use pitcrew_aws::exit_facts::observe_leaving;
use pitcrew_core::audit::{ExitPlan, Step, exit_plan};
use serde::Serialize;

use crate::args::Global;
use crate::failure::{Exit, Failure};
use crate::find;
use crate::output::{Output, Screen, View};
use crate::session::Account;
use crate::words::{Tone, line, toned, whole};

/// Prints the plan, and writes the request where that was asked for. A plan with something in its way is one too: the exit code
/// says so.
pub async fn run(global: &Global, output: &Output, service: &str, file: Option<&Path>) -> Result<Exit, Failure> {
    let account = Account::open(global).await?;
    let places = Places {
        // The plan needs no stack: nothing here touches the table.
        table: String::new(),
        region: account.region.clone(),
        fingerprint_secret: None,
        wake_queue_url: None,
    };
    let clients = Clients::new(&account.config, places);
    let arn = find::service_of(&clients, service).await?;
    let leaving = observe_leaving(&account.config, &clients.apprunner, &arn, &clients.date).await?;
    let leaving = leaving.ok_or_else(|| Failure::new(Exit::NotFound, format!("App Runner knows no service {arn}")))?;
    let named = file.map_or_else(|| format!("{}-express.json", arn.name()), |file| file.display().to_string());
    let plan = exit_plan(&leaving.facts, &leaving.outside, &named);
    if let Some(file) = file {
        write(&plan, file)?;
        output.note(&format!("The request is in {}. It holds the values of the environment.", line(&named)));
    }
    let blocked = !plan.blockers.is_empty();
    output.show(&Shown(plan), clients.date.now().unwrap_or_else(Timestamp::now))?;
    Ok(if blocked { Exit::Refused } else { Exit::Done })
}

/// Writes the request alone, for its owner alone. A file that is there already is somebody's.
fn write(plan: &ExitPlan, file: &Path) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        let there = error.kind() == std::io::ErrorKind::AlreadyExists;
        let failure =
            Failure::new(Exit::Failed, format!("the request cannot be written to {}", file.display())).cause(error);
        if there { failure.mend("name another file, or remove this one") } else { failure }
    };
    let document = serde_json::to_string_pretty(plan.request.with_values())
        .map_err(|error| Failure::new(Exit::Failed, "the request cannot be written as JSON").cause(error))?;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut opened = options.open(file).map_err(failed)?;
    opened.write_all((document + "\n").as_bytes()).map_err(failed)
}

/// The document of `pitcrew exit-plan --json`. The values of the environment are not in it: stdout often is a log.
#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Shown(ExitPlan);

impl View for Shown {
    fn text(&self, screen: &Screen) -> String {
        let plan = &self.0;
        let name = toned(Tone::Strong, &line(&plan.name));
        let mut out = format!("{name}  to ECS Express Mode: a plan, nothing was changed\n");
        heading(&mut out, "carries over", plan.carried.len());
        for carried in &plan.carried {
            item(&mut out, screen, Tone::Good, carried.to, &carried.from);
            wrapped(&mut out, screen, "      ", carried.note.unwrap_or_default());
        }
        heading(&mut out, "in the way", plan.blockers.len());
        for blocker in &plan.blockers {
            item(&mut out, screen, Tone::Bad, blocker.code, &blocker.said);
            wrapped(&mut out, screen, "      ", &blocker.mend);
        }
        heading(&mut out, "by hand", plan.by_hand.len());
        for manual in &plan.by_hand {
            item(&mut out, screen, Tone::Warning, manual.topic, &manual.said);
            commands(&mut out, manual.command.as_slice());
        }
        heading(&mut out, "roles", plan.roles.len());
        for role in &plan.roles {
            item(&mut out, screen, Tone::Strong, role.member, &format!("{} {}", role.arn, role.said));
        }
        heading(&mut out, "steps", plan.steps.len());
        for (at, step) in plan.steps.iter().enumerate() {
            one_step(&mut out, screen, at + 1, step);
        }
        heading(&mut out, "the way back, as long as the service stands in App Runner", plan.back.len());
        for (at, step) in plan.back.iter().enumerate() {
            one_step(&mut out, screen, at + 1, step);
        }
        out
    }
}

fn heading(out: &mut String, title: &str, count: usize) {
    if count > 0 {
        let _infallible = writeln!(out, "\n{}", toned(Tone::Strong, title));
    }
}

fn item(out: &mut String, screen: &Screen, tone: Tone, label: &str, said: &str) {
    let _infallible = writeln!(out, "  {}", toned(tone, label));
    wrapped(out, screen, "    ", said);
}

fn one_step(out: &mut String, screen: &Screen, number: usize, step: &Step) {
    let _infallible = writeln!(out, "  {number}. {}", toned(Tone::Strong, &line(&step.title)));
    wrapped(out, screen, "    ", &step.said);
    commands(out, &step.commands);
}

/// A command is copied: it stands whole, on a line of its own.
fn commands(out: &mut String, commands: &[String]) {
    for command in commands {
        let _infallible = writeln!(out, "      {}", whole(command));
    }
}

/// A text in lines of the screen's width; a word that is longer stays whole.
fn wrapped(out: &mut String, screen: &Screen, indent: &str, text: &str) {
    let width = usize::from(screen.width).saturating_sub(indent.len()).max(1);
    let mut row = String::new();
    for word in whole(text).split(' ').filter(|word| !word.is_empty()) {
        if !row.is_empty() && row.chars().count() + 1 + word.chars().count() > width {
            let _infallible = writeln!(out, "{indent}{row}");
            row.clear();
        }
        if !row.is_empty() {
            row.push(' ');
        }
        row.push_str(word);
    }
    if !row.is_empty() {
        let _infallible = writeln!(out, "{indent}{row}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn long_texts_are_wrapped_and_cannot_steer_the_terminal() {
        let mut out = String::new();
        wrapped(&mut out, &samples::screen(), "    ", &format!("{}\u{1b}[2Jend", "word ".repeat(40)));
        assert!(out.lines().all(|row| row.chars().count() <= 80 && row.starts_with("    ")), "{out}");
        assert_eq!((out.matches("word").count(), out.contains('\u{1b}')), (40, false));
    }

    #[test]
    fn a_command_is_never_cut() {
        let (mut out, command) = (String::new(), "x".repeat(5_000));
        commands(&mut out, std::slice::from_ref(&command));
        assert_eq!(out.trim(), command);
    }
}
