//! What may be asked of `pitcrew audit`.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use pitcrew_core::audit::{Grade, Group, all};

/// How alike (Jaro-Winkler, 0 to 1) a rule must be to be offered for an unknown one.
const ALIKE: f64 = 0.8;

/// The part of `pitcrew audit --help` that says how an audit ends: what a pipeline hangs on.
pub const EXIT_CODES: &str = "\
Exit codes:
  0    everything was looked at, and nothing as bad as --fail-on is open
  1    AWS or the way to it failed: there is no report
  2    the command line is wrong, or a file that it names
  3    something as bad as --fail-on is open
  5    there is no such service
  6    not everything was looked at, and nothing as bad as --fail-on is open in the rest:
       the run was cut, a service could not be read, or a rule of --rule could not be
       checked; with --fail-on-unchecked, any rule. The report is printed all the same
  130  interrupted: nothing was printed or written

A single rule that could not be checked (a right is missing, there is no stack) is listed
as not checked; without these flags that is no reason for 6.";

/// The flags of `pitcrew audit`.
#[derive(Clone, Debug, ClapArgs)]
pub struct AuditArgs {
    /// Show only findings of this grade and worse: critical, high, medium or low
    #[arg(long, value_name = "GRADE", value_parser = grade)]
    pub severity: Option<Grade>,
    /// Only this rule; once for each
    #[arg(long = "rule", value_name = "ID", value_parser = rule)]
    pub rules: Vec<String>,
    /// Only the rules of this group, such as domains or security; once for each
    #[arg(long = "group", value_name = "GROUP", value_parser = group)]
    pub groups: Vec<Group>,
    /// Only this service (a name or an ARN), without the rules about the fleet; once for each
    #[arg(long = "service", value_name = "SERVICE", conflicts_with = "list_rules")]
    pub services: Vec<String>,
    /// Write the report as a page there too, in the place of one that is there
    #[arg(long, value_name = "FILE", conflicts_with = "list_rules")]
    pub html: Option<PathBuf>,
    /// The waiver file (JSON); waivers by tag hold without it
    #[arg(long, value_name = "FILE", conflicts_with = "list_rules")]
    pub waivers: Option<PathBuf>,
    /// An earlier report (`--json`): what has changed since is told. A whole one, or one with the same --severity, --rule,
    /// --group and --service
    #[arg(long, value_name = "FILE", conflicts_with = "list_rules")]
    pub previous: Option<PathBuf>,
    /// Begin no further service after so many requests for services
    #[arg(long, value_name = "N", conflicts_with = "list_rules", value_parser = clap::value_parser!(u64).range(1..))]
    pub calls_max: Option<u64>,
    /// A threshold or choice of the house, such as idle_days=60, firewall=false or quotas.services=60; once for each
    #[arg(long, value_name = "KEY=VALUE", conflicts_with = "list_rules")]
    pub policy: Vec<String>,
    /// List the rules, and ask AWS nothing
    #[arg(long)]
    pub list_rules: bool,
    /// End with 3 where something of this grade or worse is open: a grade, or never
    #[arg(long, value_name = "GRADE", default_value = "high", value_parser = fail_on)]
    pub fail_on: FailOn,
    /// End with 6 where any rule could not be checked, too
    #[arg(long, conflicts_with = "list_rules")]
    pub fail_on_unchecked: bool,
}

/// From which grade on an open finding is a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailOn(pub Option<Grade>);

fn grade(text: &str) -> Result<Grade, String> {
    text.parse()
}

fn group(text: &str) -> Result<Group, String> {
    text.parse()
}

fn fail_on(text: &str) -> Result<FailOn, String> {
    match text {
        "never" => Ok(FailOn(None)),
        _ => text.parse().map(|grade| FailOn(Some(grade))).map_err(|why: String| format!("{why}, never")),
    }
}

fn rule(text: &str) -> Result<String, String> {
    if all().any(|rule| rule.id == text) {
        return Ok(text.to_owned());
    }
    let near = all().map(|rule| (strsim::jaro_winkler(rule.id, text), rule.id)).filter(|(alike, _)| *alike >= ALIKE);
    let near =
        near.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, id)| format!(", do you mean {id}?")).unwrap_or_default();
    Err(format!("there is no rule `{text}`{near}; `pitcrew audit --list-rules` lists them"))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::{Args, Command};

    fn parse(line: &str) -> Result<AuditArgs, String> {
        let args = Args::try_parse_from(format!("pitcrew audit {line}").split_whitespace());
        match args.map_err(|error| error.to_string())?.command {
            Command::Audit(asked) => Ok(asked),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn nothing_said_audits_everything_and_fails_on_high() {
        let asked = parse("").unwrap();
        assert_eq!((asked.severity, asked.fail_on), (None, FailOn(Some(Grade::High))));
        assert!(asked.rules.is_empty() && asked.groups.is_empty() && asked.services.is_empty() && !asked.list_rules);
    }

    #[test]
    fn grades_groups_and_rules_are_read() {
        let line = "--severity medium --fail-on never --group domains --group egress --rule deployments-stuck";
        let asked = parse(line).unwrap();
        assert_eq!((asked.severity, asked.fail_on), (Some(Grade::Medium), FailOn(None)));
        assert_eq!(asked.groups, [Group::Domains, Group::Egress]);
        assert_eq!(asked.rules, ["deployments-stuck"]);
    }

    #[test]
    fn what_does_not_exist_is_named_with_what_does() {
        for (line, said) in [
            ("--severity severe", "`severe` is none of critical, high, medium, low"),
            ("--fail-on always", "`always` is none of critical, high, medium, low, never"),
            ("--group network", "`network` is none of deployments, scaling"),
            ("--rule deployments-stick", "do you mean deployments-stuck?"),
            ("--rule zzz", "there is no rule `zzz`; `pitcrew audit --list-rules` lists them"),
            ("--calls-max 0", "0 is not in 1.."),
            ("--list-rules --html page.html", "cannot be used with"),
            ("--list-rules --fail-on-unchecked", "cannot be used with"),
        ] {
            let error = parse(line).unwrap_err();
            assert!(error.contains(said), "{line}: {error}");
        }
    }
}
