//! `pitcrew audit`: what is known to go wrong in a fleet, looked for now. It reads, and changes nothing; without a stack what
//! pitcrew would remember is not checked, and said so.
//!
//! Reading AWS stands behind the feature `audit`; what is made of it does not.

pub mod files;
#[cfg(feature = "audit")]
mod progress;
#[cfg(feature = "audit")]
mod read;
mod rules;
mod view;

use std::path::Path;

use jiff::Timestamp;
use pitcrew_core::audit::facts::Policy;
use pitcrew_core::audit::html::page;
use pitcrew_core::audit::{Counts, Grade, Report, Selection, Trend, Waivers};

use crate::args::Global;
use crate::args::audit::{AuditArgs, FailOn};
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::words::line;
use rules::Rules;
use view::Shown;

/// What the files and pairs of the command line say, read before AWS is asked for anything.
#[cfg_attr(not(feature = "audit"), expect(dead_code, reason = "only the reader takes it"))]
struct Asked {
    policy: Policy,
    waivers: Waivers,
    previous: Option<Report>,
}

/// Audits, shows and writes. The exit code hangs on `--fail-on`, and not on what is shown.
pub async fn run(global: &Global, output: &Output, args: &AuditArgs) -> Result<Exit, Failure> {
    let of_rules = Selection { rules: args.rules.clone(), groups: args.groups.clone(), grade: None };
    let shown = Selection { grade: args.severity, ..of_rules.clone() };
    if args.list_rules {
        output.show(&Rules::of(&shown), Timestamp::now())?;
        return Ok(Exit::Done);
    }
    files::writable(args.html.as_deref())?;
    let asked = Asked {
        policy: files::policy(&args.policy)?,
        waivers: files::waivers(args.waivers.as_deref())?,
        previous: files::previous(args.previous.as_deref())?,
    };
    let before = asked.previous.as_ref().map(Report::trend_line);
    let report = report(global, output, args, asked).await?.narrowed(&of_rules);
    let (counts, finished) = (report.counts, report.finished);
    let report = report.narrowed(&shown);
    if let Some(file) = &args.html {
        let mut trend = Trend::default();
        before.into_iter().chain([report.trend_line()]).for_each(|line| trend.push(line));
        write(file, &page(&report, &trend))?;
        output.note(&format!("The page is in {}.", line(&file.display().to_string())));
    }
    let hidden = counts.total() - report.counts.total();
    output.show(&Shown::new(report, hidden), finished)?;
    Ok(exit(&counts, args.fail_on))
}

#[cfg(feature = "audit")]
async fn report(global: &Global, output: &Output, args: &AuditArgs, asked: Asked) -> Result<Report, Failure> {
    read::report(global, output, args, asked).await
}

#[cfg(not(feature = "audit"))]
async fn report(_: &Global, _: &Output, _: &AuditArgs, _: Asked) -> Result<Report, Failure> {
    let what = "this pitcrew was built without its audit; it can only list the rules (--list-rules)";
    Err(Failure::new(Exit::Usage, what).mend(
        "build it with the feature `audit`, which is on by default: `cargo install --path cli --locked` (the SDK of EC2 alone \
         takes minutes and some 7 GB of memory)",
    ))
}

/// Replaces the page: it is that of the newest audit.
fn write(file: &Path, page: &str) -> Result<(), Failure> {
    std::fs::write(file, page).map_err(|error| {
        Failure::new(Exit::Failed, format!("the page cannot be written to {}", file.display())).cause(error)
    })
}

fn exit(open: &Counts, fail_on: FailOn) -> Exit {
    let found = |least: Grade| open.worst().is_some_and(|worst| worst >= least);
    if fail_on.0.is_some_and(found) { Exit::Refused } else { Exit::Done }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_hangs_on_the_worst_open_finding() {
        let medium = Counts { medium: 1, low: 3, ..Counts::default() };
        for (open, fail_on, expected) in [
            (Counts::default(), Some(Grade::Low), Exit::Done),
            (medium, Some(Grade::High), Exit::Done),
            (medium, Some(Grade::Medium), Exit::Refused),
            (medium, Some(Grade::Low), Exit::Refused),
            (medium, None, Exit::Done),
        ] {
            assert_eq!(exit(&open, FailOn(fail_on)), expected, "{open:?} {fail_on:?}");
        }
    }

    #[cfg(not(feature = "audit"))]
    #[tokio::test]
    async fn without_the_feature_it_is_said_how_to_get_it() {
        use clap::Parser as _;
        let args = crate::args::Args::try_parse_from(["pitcrew", "audit"]).unwrap();
        let crate::args::Command::Audit(asked) = &args.command else { panic!("{:?}", args.command) };
        let output = Output::new(false, crate::args::Color::Never);
        let failure = run(&args.global, &output, asked).await.unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        assert!(failure.mend.is_some_and(|mend| mend.contains("cargo install --path cli --locked")));
    }
}
