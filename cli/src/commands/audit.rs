//! `pitcrew audit`: what is known to go wrong in a fleet, looked for now. It reads, and changes nothing; without a stack what
//! pitcrew would remember is not checked, and said so.
//!
//! Reading AWS stands behind the feature `audit`; what is made of it does not.

pub mod files;
mod missed;
#[cfg(feature = "audit")]
mod progress;
#[cfg(feature = "audit")]
mod read;
mod rules;
mod view;
#[cfg_attr(all(not(feature = "audit"), not(test)), expect(dead_code, reason = "only the reader looks for services"))]
mod wanted;

use jiff::Timestamp;
use pitcrew_core::audit::facts::Policy;
use pitcrew_core::audit::html::page;
use pitcrew_core::audit::{Counts, Grade, Report, Selection, Trend, Waivers};

use crate::args::Global;
use crate::args::audit::{AuditArgs, FailOn};
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::words::line;
use missed::Missed;
use rules::Rules;
use view::Shown;

/// What the files and pairs of the command line say, read before AWS is asked for anything.
#[cfg_attr(not(feature = "audit"), expect(dead_code, reason = "only the reader takes it"))]
struct Asked {
    policy: Policy,
    waivers: Waivers,
    previous: Option<Report>,
}

/// What the reader came to.
struct Audited {
    report: Report,
    /// The report of `--previous`.
    before: Option<Report>,
    /// Why the run ended before its last service.
    cut: Option<&'static str>,
}

/// Audits, shows and writes. The exit code hangs on `--fail-on` and on whether everything was looked at, and not on what is
/// shown.
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
    files::alike(asked.previous.as_ref(), &shown, &args.services)?;
    let Audited { report, before, cut } = tokio::select! {
        audited = report(global, output, args, asked) => audited?,
        () = interrupted() => return Err(stopped(output)),
    };
    let report = report.narrowed(&of_rules);
    let (counts, finished) = (report.counts, report.finished);
    let missed = Missed::of(&report, cut, args);
    let report = report.narrowed(&shown);
    if let Some(file) = &args.html {
        files::write(file, &page(&report, &trend(before, &report, &shown)))?;
        output.note(&format!("The page is in {}.", line(&file.display().to_string())));
    }
    if global.json && !missed.is_nothing() {
        output.note(&missed.said(report.audited));
    }
    let end = exit(&counts, args.fail_on, &missed);
    let hidden = counts.total() - report.counts.total();
    output.show(&Shown::new(report, hidden, missed), finished)?;
    Ok(end)
}

/// This run and the one before it, where both are of the same things.
fn trend(before: Option<Report>, report: &Report, shown: &Selection) -> Trend {
    let before = before.map(|before| before.narrowed(shown)).filter(|before| before.narrowed == report.narrowed);
    let mut trend = Trend::default();
    before.iter().chain([report]).for_each(|report| trend.push(report.trend_line()));
    trend
}

/// Ends when somebody presses Ctrl-C. Where that cannot be heard, it ends the process, as it always does.
async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Takes the line of progress away: nothing was written yet.
fn stopped(output: &Output) -> Failure {
    output.progress("");
    Failure::new(Exit::Interrupted, "interrupted: the audit has no report")
}

#[cfg(feature = "audit")]
async fn report(global: &Global, output: &Output, args: &AuditArgs, asked: Asked) -> Result<Audited, Failure> {
    read::report(global, output, args, asked).await
}

#[cfg(not(feature = "audit"))]
async fn report(_: &Global, _: &Output, _: &AuditArgs, _: Asked) -> Result<Audited, Failure> {
    let what = "this pitcrew was built without its audit; it can only list the rules (--list-rules)";
    Err(Failure::new(Exit::Usage, what).mend(
        "build it with the feature `audit`, which is on by default: `cargo install --path cli --locked` (the SDK of EC2 alone \
         takes minutes and some 7 GB of memory)",
    ))
}

/// What was found is certain, so it goes before what was missed: a pipeline that lets incomplete audits pass must not let
/// findings pass with them.
fn exit(open: &Counts, fail_on: FailOn, missed: &Missed) -> Exit {
    let found = |least: Grade| open.worst().is_some_and(|worst| worst >= least);
    match (fail_on.0.is_some_and(found), missed.is_nothing()) {
        (true, _) => Exit::Refused,
        (false, false) => Exit::Incomplete,
        (false, true) => Exit::Done,
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::{Args, Command};

    #[test]
    fn the_exit_code_hangs_on_the_worst_open_finding_and_then_on_what_was_missed() {
        let medium = Counts { medium: 1, low: 3, ..Counts::default() };
        for (open, fail_on, expected) in [
            (Counts::default(), Some(Grade::Low), Exit::Done),
            (medium, Some(Grade::High), Exit::Done),
            (medium, Some(Grade::Medium), Exit::Refused),
            (medium, Some(Grade::Low), Exit::Refused),
            (medium, None, Exit::Done),
        ] {
            assert_eq!(exit(&open, FailOn(fail_on), &Missed::default()), expected, "{open:?} {fail_on:?}");
            let Args { command: Command::Audit(args), .. } = Args::parse_from(["pitcrew", "audit"]) else { panic!() };
            let missed = Missed::of(&crate::samples::report(), Some("cut"), &args);
            let expected = if expected == Exit::Done { Exit::Incomplete } else { expected };
            assert_eq!(exit(&open, FailOn(fail_on), &missed), expected, "{open:?} {fail_on:?}");
        }
    }

    #[test]
    fn the_trend_has_the_run_before_where_it_is_of_the_same_things() {
        let report = crate::samples::report();
        let before = Report { run: "before".to_owned(), ..report.clone() };
        let high = Selection { grade: Some(Grade::High), ..Selection::default() };
        let runs = |before: &Report, shown: &Selection| {
            trend(Some(before.clone()), &report.clone().narrowed(shown), shown).runs.len()
        };
        assert_eq!((runs(&before, &Selection::default()), runs(&before, &high)), (2, 2));
        let some = before.clone().of_services(&[report.services[0].arn.clone()]);
        assert_eq!((runs(&some, &Selection::default()), trend(None, &report, &high).runs.len()), (1, 1));
    }

    #[cfg(not(feature = "audit"))]
    #[tokio::test]
    async fn without_the_feature_it_is_said_how_to_get_it() {
        let args = Args::try_parse_from(["pitcrew", "audit"]).unwrap();
        let Command::Audit(asked) = &args.command else { panic!("{:?}", args.command) };
        let output = Output::new(false, crate::args::Color::Never);
        let failure = run(&args.global, &output, asked).await.unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        assert!(failure.mend.is_some_and(|mend| mend.contains("cargo install --path cli --locked")));
    }
}
